//! Every rule of the packs, played as a fault through an interlock that requires the pack's verdict.

use sheepdog_interlock::{
    packs::{
        PACKS, PackSlot, PackVerdict, RULES,
        brakes::{BrakeEvidence, BrakeSettings, Brakes, Load, ObservedStop, Tilt},
        envelope::{Envelope, EnvelopeEvidence, EnvelopeSettings},
        lift::{Crossing, Lift, LiftEvidence, LiftSettings, Side},
        map::{Area, Fix, Map, MapEvidence, MapSettings},
        patient::{Patient, PatientEvidence, PatientSettings, Phase},
        power::{Power, PowerEvidence, PowerSettings},
        rules::*,
        teleop::{Authority, Teleop, TeleopEvidence, TeleopSettings, Token, ZoneLease},
        uvc::{Lease, Source, Uvc, UvcEvidence, UvcSettings},
        vitals::{Sample, Vitals, VitalsEvidence, VitalsSettings},
    },
    rules::{PCK_001, PCK_002, PCK_003, PCK_004},
    *,
};

const SITE: SiteVersion = SiteVersion([7; 32]);
/// A cycle in milliseconds.
const CYCLE: usize = 100;
/// When faults begin, in milliseconds: an interlock with good inputs is at full speed by then.
const FAULT: u64 = 3_000;
/// The longest that a fault may go unnoticed, in milliseconds: a door may be stuck for half a minute.
const PATIENCE: u64 = 31_000;

/// What a fault has to end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Motion goes on, at most this fast.
    Slow(u32),
    Stop(StopCategory),
    Latch(StopCategory),
}

/// A pack under test: what it says at an instant, before and after the fault has begun.
type Play = Box<dyn FnMut(RobotTime, bool) -> PackVerdict>;

struct Case {
    rule: RuleId,
    slot: PackSlot,
    end: End,
    play: Play,
}

fn case(
    rule: RuleId,
    slot: PackSlot,
    end: End,
    play: impl FnMut(RobotTime, bool) -> PackVerdict + 'static,
) -> Case {
    Case { rule, slot, end, play: Box::new(play) }
}

fn ms(millis: u64) -> RobotTime {
    RobotTime::from_micros(millis * 1_000)
}

#[expect(clippy::unnecessary_wraps, reason = "evidence is optional")]
fn read<T>(taken: RobotTime, value: T) -> Option<Reading<T>> {
    Some(Reading { taken, value })
}

/// A robot that drives turns a little now and then, so its odometer is not frozen.
fn whole_seconds(now: RobotTime) -> u32 {
    u32::try_from(now.as_micros() / 1_000_000).unwrap()
}

fn interlock(slot: PackSlot) -> Interlock<1, 8> {
    let config = Config { packs_required: slot.bit(), ..Config::SIMULATED }.validate().unwrap();
    Interlock::new(config, config.digest(), Restart::First)
}

/// An input with which nothing is wrong, asking for full speed, with one pack's verdict.
fn input(now: RobotTime, slot: PackSlot, verdict: Option<PackVerdict>) -> Input<1, 8> {
    let mut packs = [None; PACKS];
    packs[slot.index()] = verdict;
    let sector = SectorReading { confidence: Confidence::FULL, obstacle: Mm::MAX };
    Input {
        request: Request {
            twist: Twist { linear_mm_per_s: 1_000, angular_mrad_per_s: 0 },
            sectors: 0b1000_0011,
            issued: now,
        },
        sensors: [Some(SensorReading {
            taken: now,
            seq: now.as_micros(),
            digest: now.as_micros(),
            healthy: true,
            invalid: Ppm::ZERO,
            residual: None,
            sectors: [Some(sector); 8],
        })],
        free_travel: read(now, Mm(20_000)),
        side_clearance: Some(Mm(900)),
        odometry: read(
            now,
            Odometry {
                speed: MmPerS(0),
                yaw_rate: MradPerS(0),
                travelled: Mm(0),
                turned_mrad: whole_seconds(now),
            },
        ),
        release: Some(ReleaseLimit { epoch: Epoch(1), remaining: Mm(20_000), taken: now, site: SITE }),
        beat: Some(now),
        packs,
        self_test: SelfTest::Passed,
        emergency_button: Some(false),
        bumper: Some(false),
        ..Input::unknown(now, SITE)
    }
}

/// Plays a case: full speed without the fault, and what it has to end in with it.
fn play(mut case: Case) {
    let Case { rule, slot, end, .. } = case;
    let mut interlock = interlock(slot);
    let mut decision = None;
    for millis in (0..FAULT).step_by(CYCLE) {
        let verdict = (case.play)(ms(millis), false);
        decision = Some(interlock.step(&input(ms(millis), slot, Some(verdict))));
    }
    let before = decision.unwrap();
    assert_eq!((before.verdict, before.twist.linear_mm_per_s), (Verdict::Move, 1_000), "{rule}: {before:?}");
    for millis in (FAULT..FAULT + PATIENCE).step_by(CYCLE) {
        let verdict = (case.play)(ms(millis), true);
        let decision = interlock.step(&input(ms(millis), slot, Some(verdict)));
        assert!(decision.evidence.holds());
        if decision.evidence.rule != rule {
            continue;
        }
        let (category, primary) = match end {
            End::Slow(speed) => {
                assert_eq!((decision.verdict, decision.primary), (Verdict::Move, PCK_004), "{rule}");
                assert_eq!(
                    (decision.speed_limit, decision.twist.linear_mm_per_s.unsigned_abs()),
                    (MmPerS(speed), speed),
                    "{rule}"
                );
                return;
            }
            End::Stop(category) => (category, PCK_002),
            End::Latch(category) => (category, PCK_003),
        };
        assert_eq!(
            (decision.verdict, decision.primary),
            (Verdict::Stop { category, rule }, primary),
            "{rule}"
        );
        assert_eq!(interlock.state().needs_person(), matches!(end, End::Latch(_)), "{rule}");
        return;
    }
    panic!("{rule} was never cited");
}

fn map(rule: RuleId, end: End, fault: fn(&mut MapEvidence)) -> Case {
    let mut pack = Map::new(MapSettings::SIMULATED).unwrap();
    case(rule, PackSlot::MAP, end, move |now, is_faulty| {
        let fix = Fix {
            site: SITE,
            area: Area::Inside,
            error: Mm(20),
            x_mm: 0,
            y_mm: 0,
            travelled: Mm(0),
            zone_limit: None,
        };
        let mut seen = MapEvidence { expected: SITE, fix: read(now, fix) };
        if is_faulty {
            fault(&mut seen);
        }
        pack.rule(now, &seen)
    })
}

fn edit(seen: &mut MapEvidence, change: impl FnOnce(&mut Fix)) {
    change(&mut seen.fix.as_mut().unwrap().value);
}

const PERSON: ActorId = ActorId(3);

fn teleop(rule: RuleId, end: End, authority: Authority, fault: fn(&mut TeleopEvidence, RobotTime)) -> Case {
    let mut pack = Teleop::new(TeleopSettings::SIMULATED).unwrap();
    case(rule, PackSlot::TELEOP, end, move |now, is_faulty| {
        let number = if is_faulty { 2 } else { 1 };
        let authority = if is_faulty { authority } else { Authority::Autonomy };
        let token = Token { number, authority, from: now, until: now + Micros::from_secs(1) };
        let lease = ZoneLease { holder: PERSON, speed: MmPerS(1_000), until: now + Micros::from_secs(1) };
        let mut seen = TeleopEvidence {
            tokens: [Some(token), None, None, None],
            beat: Some(now),
            lease: Some(lease),
            in_area: read(now, true),
            travelled: read(now, Mm(0)),
        };
        if is_faulty {
            fault(&mut seen, now);
        }
        pack.rule(now, &seen)
    })
}

fn brakes(rule: RuleId, end: End, worn: Option<u32>, fault: fn(&mut BrakeEvidence)) -> Case {
    let mut pack = Brakes::new(BrakeSettings::SIMULATED).unwrap();
    case(rule, PackSlot::BRAKES, end, move |now, is_faulty| {
        let mut seen = BrakeEvidence {
            tilt: read(now, Tilt { pitch_mdeg: 500, roll_mdeg: 0 }),
            load: read(now, Load { mass_g: 10_000, x_mm: 0, y_mm: 0 }),
            speed: read(now, MmPerS(800)),
        };
        if is_faulty {
            fault(&mut seen);
            if let Some(way) = worn {
                pack.observe(ObservedStop { from: MmPerS(1_000), way: Mm(way) });
            }
        }
        pack.rule(now, &seen)
    })
}

fn power(rule: RuleId, end: End, fault: fn(&mut PowerEvidence)) -> Case {
    let mut pack = Power::new(PowerSettings::SIMULATED).unwrap();
    case(rule, PackSlot::POWER, end, move |now, is_faulty| {
        let mut seen = PowerEvidence {
            charge: read(now, Ppm::new(900_000).unwrap()),
            temperature_mc: read(now, 30_000),
        };
        if is_faulty {
            fault(&mut seen);
        }
        pack.rule(now, &seen)
    })
}

fn lift(rule: RuleId, end: End, fault: fn(&mut LiftEvidence)) -> Case {
    let mut pack = Lift::new(LiftSettings::SIMULATED).unwrap();
    case(rule, PackSlot::LIFT, end, move |now, is_faulty| {
        let mut seen = LiftEvidence {
            side: read(now, Side::Outside),
            crossing: Crossing::Entering,
            is_level: read(now, true),
            is_open: read(now, true),
        };
        if is_faulty {
            fault(&mut seen);
        }
        pack.rule(now, &seen)
    })
}

fn uvc(rule: RuleId, end: End, fault: fn(&mut UvcEvidence)) -> Case {
    let mut pack = Uvc::new(UvcSettings::SIMULATED, 0).unwrap();
    case(rule, PackSlot::UVC, end, move |now, is_faulty| {
        let mut seen = room(now);
        if is_faulty {
            fault(&mut seen);
        }
        pack.rule(now, &seen).motion
    })
}

/// A room that is proven empty and closed, and a lamp that burns in it.
fn room(now: RobotTime) -> UvcEvidence {
    let source = |number| Some(Source { number, taken: now, says_so: true });
    UvcEvidence {
        empty: [source(1), source(2), None, None],
        closed: [source(3), source(4), None, None],
        lease: Some(Lease { until: now + Micros::from_secs(5) }),
        is_burning: read(now, true),
        irradiance_mw_per_m2: None,
    }
}

fn patient(rule: RuleId, end: End, fault: fn(&mut PatientEvidence)) -> Case {
    let mut pack = Patient::new(PatientSettings::SIMULATED).unwrap();
    case(rule, PackSlot::PATIENT, end, move |now, is_faulty| {
        let mut felt = empty_handed(now);
        if is_faulty {
            fault(&mut felt);
        }
        pack.rule(now, &felt)
    })
}

fn empty_handed(now: RobotTime) -> PatientEvidence {
    PatientEvidence {
        force_mn: [read(now, 500), read(now, 700)],
        torque_mnm: [read(now, 10), read(now, 20)],
        load_g: read(now, 0),
        phase: read(now, Phase::Driving),
    }
}

fn envelope(rule: RuleId, end: End, fault: fn(&mut EnvelopeEvidence)) -> Case {
    let mut pack = Envelope::new(EnvelopeSettings::SIMULATED).unwrap();
    case(rule, PackSlot::ENVELOPE, end, move |now, is_faulty| {
        let mut seen =
            EnvelopeEvidence { tracking: read(now, Mm(20)), latency: read(now, Micros::from_millis(60)) };
        if is_faulty {
            fault(&mut seen);
        }
        pack.rule(now, &seen)
    })
}

fn set<T>(reading: &mut Option<Reading<T>>, value: T) {
    reading.as_mut().unwrap().value = value;
}

/// The table: one fault at least for every rule that rules on motion.
fn cases() -> Vec<Case> {
    const ZERO: StopCategory = StopCategory::Zero;
    const ONE: StopCategory = StopCategory::One;
    const TWO: StopCategory = StopCategory::Two;
    use End::{Latch, Slow, Stop};
    let manual = Authority::Manual(PERSON);
    let recovery = Authority::Recovery(PERSON);
    vec![
        map(MAP_001, Stop(ONE), |seen| edit(seen, |fix| fix.area = Area::Outside)),
        map(MAP_001, Slow(300), |seen| edit(seen, |fix| fix.area = Area::Uncertain)),
        map(MAP_002, Stop(ONE), |seen| seen.fix = None),
        map(MAP_002, Stop(ONE), |seen| edit(seen, |fix| fix.site = SiteVersion([8; 32]))),
        map(MAP_002, Stop(ONE), |seen| edit(seen, |fix| fix.error = Mm(400))),
        map(MAP_002, Stop(ONE), |seen| edit(seen, |fix| fix.x_mm = 3_000)),
        map(SPD_003, Slow(400), |seen| edit(seen, |fix| fix.zone_limit = Some(MmPerS(400)))),
        teleop(COM_003, Stop(ONE), Authority::Autonomy, |seen, _| seen.tokens = [None; 4]),
        teleop(COM_003, Stop(ONE), Authority::Autonomy, |seen, now| {
            let until = now + Micros::from_secs(1);
            seen.tokens[1] =
                Some(Token { number: 3, authority: Authority::Manual(PERSON), from: now, until });
        }),
        teleop(COM_006, Stop(ONE), manual, |seen, _| seen.beat = None),
        teleop(COM_007, Stop(ONE), manual, |seen, _| seen.lease = None),
        teleop(COM_008, Stop(ONE), manual, |seen, _| set(&mut seen.in_area, false)),
        teleop(COM_009, Slow(250), manual, |seen, _| seen.lease.as_mut().unwrap().speed = MmPerS(250)),
        teleop(REC_001, Stop(ONE), recovery, |seen, now| {
            set(&mut seen.travelled, if now == ms(FAULT) { Mm(0) } else { Mm(2_001) });
        }),
        teleop(REC_002, Slow(100), recovery, |_, _| {}),
        brakes(BRK_001, Slow(300), Some(800), |_| {}),
        brakes(BRK_001, Latch(ZERO), Some(1_200), |_| {}),
        brakes(TIL_001, Stop(ONE), None, |seen| {
            set(&mut seen.tilt, Tilt { pitch_mdeg: -9_000, roll_mdeg: 0 });
        }),
        brakes(TIL_002, Latch(ONE), None, |seen| {
            set(&mut seen.load, Load { mass_g: 10_000, x_mm: 90, y_mm: 0 });
        }),
        brakes(TIL_003, Stop(ONE), None, |seen| seen.tilt = None),
        brakes(TIL_004, Latch(ONE), None, |seen| set(&mut seen.load, Load { mass_g: 100, x_mm: 0, y_mm: 0 })),
        patient(PAT_001, Stop(ONE), |felt| {
            felt.force_mn.iter_mut().for_each(|channel| set(channel, 120_000));
        }),
        patient(PAT_002, Stop(ONE), |felt| {
            felt.torque_mnm.iter_mut().for_each(|channel| set(channel, -30_000));
        }),
        patient(PAT_003, Slow(300), |felt| set(&mut felt.load_g, 40_000)),
        patient(PAT_004, Slow(100), |felt| set(&mut felt.phase, Phase::HandingOver)),
        patient(PAT_005, Stop(ONE), |felt| felt.force_mn[1] = None),
        patient(PAT_005, Stop(TWO), |felt| felt.load_g = None),
        patient(PAT_006, Stop(ONE), |felt| set(&mut felt.force_mn[1], 30_000)),
        power(PWR_001, Slow(500), |seen| set(&mut seen.charge, Ppm::new(150_000).unwrap())),
        power(PWR_002, Stop(ONE), |seen| set(&mut seen.charge, Ppm::new(70_000).unwrap())),
        power(PWR_003, Stop(ONE), |seen| seen.charge = None),
        power(THM_001, Slow(600), |seen| set(&mut seen.temperature_mc, 70_000)),
        power(THM_002, Stop(ONE), |seen| set(&mut seen.temperature_mc, 90_000)),
        power(THM_003, Stop(ONE), |seen| set(&mut seen.temperature_mc, -273_000)),
        lift(LFT_001, Stop(ONE), |seen| set(&mut seen.is_open, false)),
        lift(LFT_001, Stop(ONE), |seen| seen.is_level = None),
        lift(LFT_002, Stop(ONE), |seen| seen.is_open = None),
        lift(LFT_003, Stop(ONE), |seen| seen.side = None),
        lift(LFT_004, Slow(150), |seen| {
            set(&mut seen.side, Side::Inside);
            (seen.crossing, seen.is_open) = (Crossing::Leaving, None);
        }),
        uvc(UVC_005, Latch(ONE), |seen| seen.lease = None),
        uvc(UVC_006, Stop(ONE), |seen| seen.is_burning = None),
        envelope(ENV_001, Stop(ONE), |seen| set(&mut seen.tracking, Mm(150))),
        envelope(ENV_001, Slow(300), |seen| set(&mut seen.tracking, Mm(90))),
        envelope(ENV_002, Stop(ONE), |seen| set(&mut seen.latency, Micros::from_millis(150))),
        envelope(ENV_002, Slow(300), |seen| set(&mut seen.latency, Micros::from_millis(100))),
        envelope(ENV_003, Stop(ONE), |seen| seen.latency = None),
    ]
}

/// Rules about the lamp and the gate, which say nothing about motion.
const OTHERS: [RuleId; 5] = [UVC_001, UVC_002, UVC_003, UVC_004, MED_001];

#[test]
fn every_fault_ends_as_its_rule_says() {
    cases().into_iter().for_each(play);
}

#[test]
fn every_rule_has_a_fault() {
    let played: Vec<RuleId> = cases().iter().map(|case| case.rule).chain(OTHERS).collect();
    for rule in RULES {
        assert!(played.contains(&rule.id), "{} was not played", rule.id);
    }
}

#[test]
fn what_puts_the_lamp_out_does_not_stop_the_robot() {
    type Fault = fn(&mut UvcEvidence);
    let faults: [(RuleId, u64, Fault); 4] = [
        (UVC_001, 0, |seen| seen.closed[1] = None),
        (UVC_002, 0, |seen| seen.empty[1].as_mut().unwrap().says_so = false),
        (UVC_003, 29_999_900, |_| {}),
        (UVC_004, 0, |seen| seen.lease = None),
    ];
    for (rule, before, fault) in faults {
        let mut pack = Uvc::new(UvcSettings::SIMULATED, before).unwrap();
        let mut interlock = interlock(PackSlot::UVC);
        let mut decision = None;
        for millis in (0..=FAULT).step_by(CYCLE) {
            let mut seen = UvcEvidence { is_burning: read(ms(millis), false), ..room(ms(millis)) };
            fault(&mut seen);
            let said = pack.rule(ms(millis), &seen);
            assert_eq!((said.lamp.may_burn(), said.lamp.evidence().rule), (false, rule));
            decision = Some(interlock.step(&input(ms(millis), PackSlot::UVC, Some(said.motion))));
        }
        assert_eq!(decision.unwrap().verdict, Verdict::Move, "{rule}");
    }
}

#[test]
fn one_source_alone_escalates_nothing() {
    let vitals = Vitals::new(VitalsSettings::SIMULATED).unwrap();
    let sample =
        |source| Some(Sample { source, is_on_device: true, taken: ms(0), is_valid: true, value: 30 });
    let mut seen = VitalsEvidence::default();
    (seen.samples[0], seen.samples[1]) = (sample(1), sample(1));
    let gate = vitals.gate(ms(0), &seen);
    assert_eq!((gate.is_open(), gate.evidence().rule), (false, MED_001));
    seen.samples[2] = sample(2);
    assert!(vitals.gate(ms(0), &seen).is_open());
}

#[test]
fn a_required_pack_that_falls_silent_stops_the_robot() {
    let slots = [
        PackSlot::MAP,
        PackSlot::POWER,
        PackSlot::BRAKES,
        PackSlot::LIFT,
        PackSlot::UVC,
        PackSlot::PATIENT,
        PackSlot::TELEOP,
        PackSlot::ENVELOPE,
    ];
    for case in cases() {
        assert!(slots.contains(&case.slot));
    }
    for slot in slots {
        let Case { mut play, .. } = cases().into_iter().find(|case| case.slot == slot).unwrap();
        let mut interlock = interlock(slot);
        for millis in (0..FAULT).step_by(CYCLE) {
            interlock.step(&input(ms(millis), slot, Some(play(ms(millis), false))));
        }
        let decision = interlock.step(&input(ms(FAULT), slot, None));
        assert_eq!(
            (decision.primary, decision.verdict),
            (PCK_001, Verdict::Stop { category: StopCategory::One, rule: PCK_001 })
        );
    }
}

/// Not even an emergency stop cuts power while somebody is carried, and not after the pack has died either.
/// What a base was told.
#[derive(Clone, Default)]
struct Hoist(std::rc::Rc<std::cell::RefCell<Vec<StopCategory>>>);

impl Base for Hoist {
    fn drive(&mut self, command: Bounded<'_>) {
        self.0.borrow_mut().push(command.lapse());
    }
    fn halt(&mut self, category: StopCategory) {
        self.0.borrow_mut().push(category);
    }
}

/// Neither a controller that dies nor a permit that is taken back removes the power.
#[test]
fn whoever_is_carried_is_not_dropped_when_a_permit_ends() {
    for (grams, expected) in [(50_000, StopCategory::Two), (0, StopCategory::One)] {
        let mut pack = Patient::new(PatientSettings::SIMULATED).unwrap();
        let told = Hoist::default();
        let mut robot = Guarded::new(interlock(PackSlot::PATIENT), told.clone(), BootNonce(1));
        let mut log = Ring::<64>::new();
        for millis in (0..FAULT).step_by(CYCLE) {
            let felt = PatientEvidence { load_g: read(ms(millis), grams), ..empty_handed(ms(millis)) };
            robot.step(&input(ms(millis), PackSlot::PATIENT, Some(pack.rule(ms(millis), &felt))), &mut log);
            log.pop();
        }
        assert_eq!(told.0.borrow().last(), Some(&expected), "when the permit lapses");
        robot.revoke(StopCategory::Zero);
        let taken_back = if grams == 0 { StopCategory::Zero } else { StopCategory::Two };
        assert_eq!(told.0.borrow().last(), Some(&taken_back));
    }
}

#[test]
fn whoever_is_carried_is_never_dropped() {
    for is_silent in [false, true] {
        let mut pack = Patient::new(PatientSettings::SIMULATED).unwrap();
        let mut interlock = interlock(PackSlot::PATIENT);
        for millis in (0..FAULT).step_by(CYCLE) {
            let felt = PatientEvidence { load_g: read(ms(millis), 50_000), ..empty_handed(ms(millis)) };
            interlock.step(&input(ms(millis), PackSlot::PATIENT, Some(pack.rule(ms(millis), &felt))));
        }
        for millis in (FAULT..FAULT + 2_000).step_by(CYCLE) {
            let blind = (!is_silent).then(|| pack.rule(ms(millis), &PatientEvidence::default()));
            let pressed =
                Input { emergency_button: Some(true), ..input(ms(millis), PackSlot::PATIENT, blind) };
            let decision = interlock.step(&pressed);
            assert!(
                matches!(decision.verdict, Verdict::Stop { category: StopCategory::Two, .. }),
                "{decision:?}"
            );
        }
    }
}
