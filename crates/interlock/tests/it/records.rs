//! Records and states come back from their canonical words.

use proptest::prelude::*;
use sheepdog_interlock::{
    ActorId, Base, BootNonce, Bounded, Config, Decision, Evidence, Guarded, Input, Interlock, MmPerS, RULES,
    Record, Relation, Replica, Request, Reset, ResetStep, Restart, RobotTime, RuleId, Sink, SinkFull, State,
    StopCategory, StopGeneration, Twist, Verdict, rules,
};

use crate::common::{ARMED, CRUISE, armed, at_micros, good, look, ppm, reset, stop};

fn words(write: impl FnOnce(&mut Vec<u64>)) -> Vec<u64> {
    let mut words = Vec::new();
    write(&mut words);
    words
}

fn written(record: &Record) -> Vec<u64> {
    words(|words| record.write(&mut |word| words.push(word)))
}

fn rule() -> impl Strategy<Value = RuleId> {
    prop::sample::select(RULES).prop_map(|rule| rule.id)
}

fn category() -> impl Strategy<Value = StopCategory> {
    prop::sample::select(&[StopCategory::Zero, StopCategory::One, StopCategory::Two][..])
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let relation =
        prop::sample::select(&[Relation::Below, Relation::AtMost, Relation::Above, Relation::Equal][..]);
    (rule(), any::<i64>(), relation, any::<i64>()).prop_map(|(rule, measured, relation, limit)| Evidence {
        rule,
        measured,
        relation,
        limit,
    })
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        Just(State::Boot),
        rule().prop_map(|rule| State::Stopped { rule }),
        Just(State::Slow),
        Just(State::Ready),
        rule().prop_map(|rule| State::Stopping { rule }),
        (evidence(), category()).prop_map(|(evidence, category)| State::Latched { evidence, category }),
        rule().prop_map(|rule| State::Acknowledged { rule }),
    ]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(Verdict::Move),
        (category(), rule()).prop_map(|(category, rule)| Verdict::Stop { category, rule }),
        Just(Verdict::Idle),
    ]
}

fn twist() -> impl Strategy<Value = Twist> {
    (any::<i32>(), any::<i32>())
        .prop_map(|(linear_mm_per_s, angular_mrad_per_s)| Twist { linear_mm_per_s, angular_mrad_per_s })
}

prop_compose! {
    fn decision()(
        verdict in verdict(), twist in twist(), speed: u32, like in 0_u32..8, primary in rule(),
        evidence in evidence(), lowest in 0_u32..=1_000_000, lowest_sector: u8,
    ) -> Decision {
        // Sets of rules are made by the kernel alone: those of real decisions.
        let mut interlock = armed::<1, 2>();
        let mut input = good(ARMED + 100, CRUISE);
        look(&mut input, 0, 925_000 - (like & 1), 9_000);
        input.bumper = Some(like & 2 == 2);
        input.emergency_button = Some(like & 4 == 4);
        let rules = interlock.step(&input).rules;
        Decision {
            verdict, twist, speed_limit: MmPerS(speed), rules, primary, evidence, lowest: ppm(lowest), lowest_sector,
        }
    }
}

prop_compose! {
    fn record()(
        (seq, boot, at) in any::<(u64, u64, u64)>(), before in state(), after in state(), twist in twist(),
        (sectors, issued) in any::<(u32, u64)>(), reset in prop::option::of((any::<u32>(), any::<bool>(), any::<u32>())),
        inputs: u64, decision in decision(), until in prop::option::of(any::<u64>()), generation: u32,
    ) -> Record {
        let step = |starts| if starts { ResetStep::Start } else { ResetStep::Acknowledge };
        Record {
            seq,
            boot: BootNonce(boot),
            at: at_micros(at),
            before,
            after,
            request: Request { twist, sectors, issued: at_micros(issued) },
            reset: reset.map(|(generation, starts, actor)| Reset {
                generation: StopGeneration(generation),
                step: step(starts),
                actor: ActorId(actor),
            }),
            inputs,
            decision,
            until: until.map(at_micros),
            generation,
        }
    }
}

proptest! {
    /// A record comes back, no other words are one like it, and neither less nor more words are one.
    #[test]
    fn a_record_comes_back(record in record(), flipped: prop::sample::Index) {
        let words = written(&record);
        prop_assert_eq!(Record::read(&mut words.iter().copied()), Some(record));
        prop_assert_eq!(Record::read(&mut words[..words.len() - 1].iter().copied()), None);
        prop_assert_eq!(Record::read(&mut words.iter().copied().chain([0])), None);
        let mut changed = words;
        let bit = flipped.index(changed.len() * 64);
        changed[bit / 64] ^= 1 << (bit % 64);
        prop_assert_ne!(Record::read(&mut changed.iter().copied()), Some(record));
    }

    /// What is read says what it was read from: there is one form for each record.
    #[test]
    fn what_is_read_has_that_form(record in record(), at: prop::sample::Index, word: u64, small in 0_u64..12) {
        for new in [word, small] {
            let mut words = written(&record);
            let index = at.index(words.len());
            words[index] = new;
            if let Some(read) = Record::read(&mut words.iter().copied()) {
                prop_assert_eq!(written(&read), words);
            }
        }
    }

    /// An interlock that was written down and read goes on as if nothing had happened, whatever comes.
    #[test]
    fn a_state_that_was_written_down_goes_on(
        script in prop::collection::vec((0_u8..8, 1_u64..150), 1..40), cut in 0_usize..40,
    ) {
        let mut interlock = armed::<1, 2>();
        let mut replica = Replica::of(&interlock);
        let mut millis = ARMED;
        for (index, (kind, span)) in script.into_iter().enumerate() {
            if index == cut {
                let words = words(|words| replica.write(&mut |word| words.push(word)));
                replica = Replica::read(&mut words.iter().copied()).unwrap();
                prop_assert!(Replica::<1, 2>::read(&mut words.iter().copied().chain([0])).is_none());
                prop_assert!(Replica::<1, 2>::read(&mut words[1..].iter().copied()).is_none());
            }
            millis += span;
            let mut input = good(millis, CRUISE);
            match kind {
                0 => look(&mut input, 0, 924_999, 9_000),
                1 => input.odometry = None,
                2 => input.stop = Some(stop(1, StopCategory::One)),
                3 => input.reset = Some(reset(1, ResetStep::Acknowledge)),
                4 => input.reset = Some(reset(1, ResetStep::Start)),
                5 => input.reset_button = true,
                _ => {}
            }
            let decision = interlock.step(&input);
            let record = Record { decision, ..any_record() };
            prop_assert_eq!(replica.repeat(&record, &input), decision);
            prop_assert_eq!(replica.state(), interlock.state());
        }
    }
}

fn any_record() -> Record {
    let mut interlock = Interlock::<1, 2>::new(
        Config::SIMULATED.validate().unwrap(),
        Config::SIMULATED.validate().unwrap().digest(),
        Restart::First,
    );
    let input: Input<1, 2> = good(ARMED, 0);
    Record {
        seq: 0,
        boot: BootNonce(0),
        at: RobotTime::ZERO,
        before: State::Boot,
        after: State::Boot,
        request: input.request,
        reset: None,
        inputs: 0,
        decision: interlock.step(&input),
        until: None,
        generation: 0,
    }
}

/// Bits of rules that do not exist are no set of rules.
#[test]
fn unknown_rules_are_refused() {
    let record = any_record();
    let bits = record.decision.rules.bits();
    let mut words = written(&record);
    let places: Vec<usize> = (0..words.len()).filter(|&index| words[index] == bits).collect();
    assert_eq!(places.len(), 1);
    words[places[0]] |= 1 << 63;
    assert!(RULES.len() < 64);
    assert_eq!(Record::read(&mut words.into_iter()), None);
}

/// A replica repeats what a revocation made of a decision.
#[test]
fn a_revoked_decision_is_repeated() {
    struct Motor;
    impl Base for Motor {
        fn drive(&mut self, _: Bounded<'_>) {}
        fn halt(&mut self, _: StopCategory) {}
    }
    struct Last(Option<Record>);
    impl Sink<1, 2> for Last {
        fn accept(&mut self, record: &Record, _: &Input<1, 2>) -> Result<(), SinkFull> {
            self.0 = Some(*record);
            Ok(())
        }
    }
    /// Counts up each time somebody looks.
    struct Restless(std::cell::Cell<u32>);
    impl sheepdog_interlock::Revocation for Restless {
        fn generation(&self) -> u32 {
            self.0.replace(self.0.get() + 1)
        }
    }
    let interlock = armed::<1, 2>();
    let mut replica = Replica::of(&interlock);
    let mut robot = Guarded::new(interlock, Motor, BootNonce(1));
    let mut last = Last(None);
    let input = good(ARMED + 100, CRUISE);
    let decision = robot.step_unless(&Restless(std::cell::Cell::new(4)), &input, &mut last);
    assert_eq!(decision.primary, rules::REV_001);
    assert_eq!(replica.repeat(&last.0.unwrap(), &input), decision);
}
