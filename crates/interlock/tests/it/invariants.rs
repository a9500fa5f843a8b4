//! The interlock's invariants by number, over all inputs and all runs.
//!
//! I18 (whoever flips, drops, swaps or inserts a record is found) is the ledger's: `every_flipped_bit_is_found` of its
//! files, and what is beside it.

use std::{cell::RefCell, rc::Rc};

use proptest::prelude::*;
use sheepdog_interlock::{
    Base, BootNonce, Bounded, Braking, Confidence, Config, Deadman, Decision, Fusion, Guarded, Input,
    Interlock, Memory, Micros, Mm, MmPerS, MmPerS2, Mrad, MradPerS, MradPerS2, PERMIT_TTL_MAX, Ppm, Reading,
    ResetStep, Restart, Revocations, RobotTime, Separation, State, StopCategory, Twist, Verdict,
    packs::{PACKS, PackVerdict, Ruling},
    rules::*,
};

use crate::{
    common::{
        ARMED, CRUISE, armed, armed_with, at, at_micros, booted, earlier, good, good_at, input, inputs,
        latched, look, moving, plausible, reset, simulated,
    },
    plant::{Everything, Habits, Scene},
};

type Small = Interlock<2, 4>;

/// Runs an armed interlock over inputs and hands every step to a check.
fn run(inputs: &[Input<2, 4>], check: impl FnMut(&Input<2, 4>, State, &Decision, State)) -> Small {
    run_on(armed(), inputs, check)
}

fn run_on(
    mut interlock: Small,
    inputs: &[Input<2, 4>],
    mut check: impl FnMut(&Input<2, 4>, State, &Decision, State),
) -> Small {
    for input in inputs {
        let before = interlock.state();
        let decision = interlock.step(input);
        check(input, before, &decision, interlock.state());
    }
    interlock
}

/// An interlock somewhere in the middle of a run, and the next input.
fn midway() -> impl Strategy<Value = (Small, Input<2, 4>)> {
    midway_with(Config::SIMULATED)
}

#[expect(clippy::large_types_passed_by_value, reason = "the strategy keeps the settings")]
fn midway_with(config: Config) -> impl Strategy<Value = (Small, Input<2, 4>)> {
    (0_usize..4).prop_flat_map(move |steps| {
        let next = (ARMED + 100 + 100 * u64::try_from(steps).unwrap()) * 1_000;
        let one = prop_oneof![1 => input(next).boxed(), 2 => plausible(next).boxed()];
        (inputs::<2, 4>(steps), one)
            .prop_map(move |(before, one)| (run_on(armed_with(config), &before, |_, _, _, _| {}), one))
    })
}

fn granted(decision: &Decision) -> (u32, u32) {
    (decision.twist.linear_mm_per_s.unsigned_abs(), decision.twist.angular_mrad_per_s.unsigned_abs())
}

/// A base with a control loop of its own, and what it was told.
#[derive(Clone, Default)]
struct Motor(Rc<RefCell<(Deadman, Drives)>>);

/// Motions, and until when.
type Drives = Vec<(Twist, RobotTime)>;

impl Base for Motor {
    fn drive(&mut self, command: Bounded<'_>) {
        let mut motor = self.0.borrow_mut();
        motor.0.accept(&command);
        motor.1.push((command.twist(), command.until()));
    }

    fn halt(&mut self, _: StopCategory) {
        self.0.borrow_mut().0.halt();
    }
}

fn guarded() -> (Guarded<Motor, 2, 4>, Motor) {
    let motor = Motor::default();
    (Guarded::new(armed(), motor.clone(), BootNonce(1)), motor)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// I1: no motion without a live permit. At every instant the base has a motion only if the last decision was to
    /// move and its permit has neither lapsed nor been revoked.
    #[test]
    fn i01_no_motion_without_a_live_permit(inputs in inputs::<2, 4>(12), revoked in 0_usize..12) {
        let (mut robot, motor) = guarded();
        let mut none = Revocations::default();
        for (step, input) in inputs.iter().enumerate() {
            let decision = robot.step_unless(&none.clone(), input, &mut Everything);
            let moves = decision.verdict == Verdict::Move;
            for after in [0, 1, 50_000, 99_999, 100_000, 100_001, 10_000_000] {
                let has = motor.0.borrow().0.twist(input.now + Micros::new(after), &none);
                prop_assert_eq!(has, (moves && after < 100_000).then_some(decision.twist));
            }
            if step == revoked {
                none.revoke();
                prop_assert_eq!(motor.0.borrow().0.twist(input.now, &none), None);
            }
        }
    }

    /// I2: a permit ends at most its time to live after the step that made it.
    #[test]
    fn i02_permits_are_short(inputs in inputs::<2, 4>(12)) {
        let (mut robot, motor) = guarded();
        for input in &inputs {
            motor.0.borrow_mut().1.clear();
            robot.step(input, &mut Everything);
            for (_, until) in &motor.0.borrow().1 {
                prop_assert!(until.since(input.now).unwrap() <= PERMIT_TTL_MAX);
            }
        }
    }

    /// I4: a latched robot is never permitted to move before a person has ordered both steps of a reset, in this order.
    #[test]
    fn i04_a_latch_never_permits(inputs in inputs::<2, 4>(30)) {
        let mut interlock: Small = latched(3);
        let (mut acknowledged, mut started) = (false, false);
        for mut input in inputs {
            input.now = input.now + Micros::from_millis(100);
            // Presses of the button have a test of their own; this stop was ordered, so they end nothing anyway.
            let before = interlock.state();
            let ordered = |step, least| {
                input.reset.is_some_and(|reset| reset.step == step && least <= reset.generation.0)
            };
            started |= acknowledged && (ordered(ResetStep::Start, 0) || !input.reset_button);
            acknowledged |= ordered(ResetStep::Acknowledge, 3);
            let decision = interlock.step(&input);
            if !(acknowledged && started) {
                prop_assert!(decision.verdict != Verdict::Move && interlock.state().needs_person());
            }
            if before.needs_person() {
                prop_assert!(decision.verdict != Verdict::Move, "no step out of a latch moves by itself");
            }
        }
    }

    /// I5: a reset alone never yields a permit. Both steps lead to a robot that stands; it takes the dwell after the
    /// second one, with motion asked for.
    #[test]
    fn i05_a_reset_alone_moves_nothing(gap in 1_u64..8, asked in proptest::sample::select(vec![0, CRUISE])) {
        let mut interlock: Small = latched(3);
        let mut now = ARMED + 200;
        for step in [ResetStep::Acknowledge, ResetStep::Start] {
            for _ in 0..gap {
                prop_assert!(interlock.step(&good(now, asked)).verdict != Verdict::Move);
                now += 100;
            }
            let order = Input { reset: Some(reset(3, step)), ..good(now, asked) };
            prop_assert!(interlock.step(&order).verdict != Verdict::Move);
            now += 100;
        }
        // The dwell counts from the first step after the start.
        for step in 0..5 {
            prop_assert!(interlock.step(&good(now + step * 100, asked)).verdict != Verdict::Move, "step {}", step);
        }
        let decision = interlock.step(&good(now + 500, asked));
        prop_assert_eq!(decision.verdict == Verdict::Move, asked != 0);
    }

    /// I10: the same inputs give the same decisions, also through the canonical form of the inputs.
    #[test]
    fn i10_replay_is_equal(inputs in inputs::<2, 4>(20)) {
        let mut again: Small = armed();
        run(&inputs, |input, _, decision, after| {
            let mut words = Vec::new();
            input.write(&mut |word| words.push(word));
            let replayed = again.step(&Input::read(&mut words.into_iter()).unwrap());
            assert_eq!((replayed, again.state()), (*decision, after));
        });
    }

    /// I12: only differences of time count.
    #[test]
    fn i12_the_origin_of_time_does_not_matter(inputs in inputs::<2, 4>(6), shift in 0_u64..1_000_000_000_000) {
        // Stamps at the end of time have no later twin.
        let near = |time: RobotTime| at_micros(time.as_micros().min(1 << 60));
        let inputs: Vec<_> = inputs.iter().map(|input| with_times(input, near)).collect();
        let later = |time: RobotTime| time + Micros::new(shift);
        let mut shifted: Small = booted(Config::SIMULATED);
        for millis in (ARMED - 2_000..=ARMED).step_by(100) {
            shifted.step(&with_times(&good(millis, CRUISE), later));
        }
        run(&inputs, |input, _, decision, _| assert_eq!(shifted.step(&with_times(input, later)), *decision));
    }

    /// I13: sensors have no order.
    #[test]
    fn i13_the_order_of_sensors_does_not_matter(inputs in inputs::<2, 4>(6)) {
        let mut swapped: Small = armed();
        run(&inputs, |input, _, decision, after| {
            let mut input = *input;
            input.sensors.swap(0, 1);
            assert_eq!((swapped.step(&input), swapped.state()), (*decision, after));
        });
    }

    /// I15: from a stop, motion comes no earlier than the dwell after the last input that forbade it.
    #[test]
    fn i15_no_motion_before_the_dwell(bad in inputs::<2, 4>(10), cycle in 20_u64..110) {
        const FORBID: [sheepdog_interlock::RuleId; 11] = [
            EST_004, COM_002, COM_004, COM_005, OBS_001, OBS_005, OBS_007, SSM_002, PCK_001, PCK_002, CLK_002,
        ];
        let mut last = None;
        let mut check = |input: &Input<2, 4>, before: State, decision: &Decision, after: State| {
            if FORBID.into_iter().any(|rule| decision.rules.contains(rule)) {
                last = Some(input.now);
            }
            if !matches!(before, State::Slow | State::Ready) && after == State::Slow {
                let good_for = last.and_then(|last| input.now.since(last));
                assert!(good_for.is_none_or(|span| Config::SIMULATED.dwell <= span), "{good_for:?}");
            }
        };
        let mut interlock = run(&bad, &mut check);
        let first = ARMED + 1_100;
        interlock.step(&Input { beat: None, ..good(first, CRUISE) });
        let mut now = first + cycle;
        while now < first + cycle + 500 {
            prop_assert!(interlock.step(&good(now, CRUISE)).verdict != Verdict::Move, "{}", now);
            now += cycle;
        }
    }

    /// I17: a robot whose inputs are good for the dwell moves, whatever happened before, after a reset if it needs one.
    #[test]
    fn i17_good_inputs_for_the_dwell_move_it(bad in inputs::<2, 4>(10), wild in proptest::bool::ANY, clock in any::<u64>()) {
        let mut interlock: Small = armed();
        for mut input in bad {
            if wild {
                input = with_times(&input, |time| at_micros(clock.wrapping_add(time.as_micros())));
            }
            interlock.step(&input);
        }
        // Packs that have spoken go on speaking.
        // And contours that were missed are found.
        let good = |now| {
            let mut input =
                Input { packs: [Some(PackVerdict::new(at(now), Ruling::Allow)); PACKS], ..good(now, CRUISE) };
            input.sensors.iter_mut().flatten().for_each(|sensor| sensor.residual = Some(Mm(0)));
            input
        };
        let mut now = ARMED + 1_200;
        interlock.step(&good(now));
        for step in [ResetStep::Acknowledge, ResetStep::Start] {
            now += 100;
            interlock.step(&Input { reset: Some(reset(9, step)), ..good(now) });
        }
        let speeds: Vec<_> = (1..20).map(|step| granted(&interlock.step(&good(now + step * 100))).0).collect();
        prop_assert!(speeds.iter().take(6).any(|speed| 0 < *speed), "{:?} {:?}", interlock.state(), speeds);
        prop_assert_eq!(speeds.last(), Some(&600));
    }

    /// I20: after a crash at any step nothing from before permits motion, no latch is forgotten and no stop that was
    /// ended comes back.
    #[test]
    fn i20_a_crash_at_any_step(inputs in inputs::<2, 4>(12)) {
        let mut interlock: Small = armed();
        for (step, input) in inputs.iter().enumerate() {
            interlock.step(input);
            survives(&interlock, interlock.memory(), &inputs[step + 1..]);
        }
    }
}

/// Restarts from memory and runs on: into a latch if there was one, and into the dwell in any case.
fn survives(crashed: &Small, memory: Memory, rest: &[Input<2, 4>]) {
    let mut restarted = Small::new(simulated(), simulated().digest(), Restart::Remembered(memory));
    assert_eq!(restarted.memory(), memory);
    assert_eq!(restarted.state().needs_person(), crashed.state().needs_person());
    let mut first = None;
    let mut reset_by_somebody = false;
    for input in rest {
        reset_by_somebody |= input.reset.is_some() || input.reset_button;
        let decision = restarted.step(input);
        let since = input.now.since(*first.get_or_insert(input.now)).unwrap();
        assert!(decision.verdict != Verdict::Move || Config::SIMULATED.dwell <= since);
        if memory.latched && !reset_by_somebody {
            assert!(restarted.state().needs_person());
        }
        assert!(
            memory.cleared <= restarted.memory().cleared
                && memory.highest_stop <= restarted.memory().highest_stop
        );
    }
    let mut lost = Small::new(simulated(), simulated().digest(), Restart::Unreadable);
    assert!(lost.state().needs_person() && lost.step(&good(ARMED, CRUISE)).verdict != Verdict::Move);
}

/// An input with every instant changed.
fn with_times(input: &Input<2, 4>, change: impl Fn(RobotTime) -> RobotTime) -> Input<2, 4> {
    let mut input = *input;
    input.now = change(input.now);
    input.request.issued = change(input.request.issued);
    input.sensors.iter_mut().flatten().for_each(|sensor| sensor.taken = change(sensor.taken));
    input.packs.iter_mut().flatten().for_each(|pack| pack.taken = change(pack.taken));
    input.free_travel.iter_mut().for_each(|free| free.taken = change(free.taken));
    input.odometry.iter_mut().for_each(|odometry| odometry.taken = change(odometry.taken));
    input.release.iter_mut().for_each(|release| release.taken = change(release.taken));
    input.beat = input.beat.map(change);
    input
}

/// Settings whose fusion and whose people differ.
const SETTINGS: [Config; 4] = [
    Config::SIMULATED,
    Config { fusion: Fusion::Quorum(2), ..Config::SIMULATED },
    Config { fusion: Fusion::Min, ..Config::SIMULATED },
    Config { separation: Separation::ApproachingPerson(MmPerS(1_600)), ..Config::SIMULATED },
];

/// Ways to make an input worse.
#[derive(Clone, Copy, Debug)]
enum Worse {
    LoseSensor(usize),
    Sicken(usize),
    Cover(usize, u32),
    Drift(usize, u32),
    Lower(usize, usize, u32),
    Blind(usize, usize),
    Age(usize, u64),
    Nearer(u32),
    OlderDistance(u64),
    NoDistance,
    Tighter(u32),
    NoClearance,
    ShorterRelease(u32),
    OlderRelease(u64),
    NoRelease,
    Mute,
    OlderBeat(u64),
    OldCommand(u64),
    Pack(usize, Ruling),
    NoPack,
    SilentPack(usize),
    StalePack(usize),
    Untested,
    TestFailed,
    Press,
    Touch,
    Cut,
    ButtonUnknown,
    Ordered,
    EverySector,
    SectorNearer(usize, usize, u32),
    Future(usize),
    OtherSite,
    NoOdometry,
    OlderOdometry(u64),
    Faster(u32),
    WeakBrakes(u32, u64),
}

fn worse() -> impl Strategy<Value = Worse> {
    let because = crate::common::because(11);
    let ruling = prop_oneof![
        (0_u32..1_000).prop_map(move |speed| Ruling::Limit { speed: MmPerS(speed), evidence: because }),
        Just(Ruling::Stop { category: StopCategory::Two, evidence: because }),
        Just(Ruling::Latch { category: StopCategory::One, evidence: because }),
    ];
    let sensor = || 0_usize..2;
    prop_oneof![
        sensor().prop_map(Worse::LoseSensor),
        sensor().prop_map(Worse::Sicken),
        (sensor(), 1_u32..500_000).prop_map(|(a, b)| Worse::Cover(a, b)),
        (sensor(), 1_u32..60).prop_map(|(a, b)| Worse::Drift(a, b)),
        (sensor(), 0_usize..4, 1_u32..200_000).prop_map(|(a, b, c)| Worse::Lower(a, b, c)),
        (sensor(), 0_usize..4).prop_map(|(a, b)| Worse::Blind(a, b)),
        (sensor(), 1_u64..200_000).prop_map(|(a, b)| Worse::Age(a, b)),
        (1_u32..3_000).prop_map(Worse::Nearer),
        (1_u64..200_000).prop_map(Worse::OlderDistance),
        Just(Worse::NoDistance),
        (1_u32..3_000).prop_map(Worse::Tighter),
        Just(Worse::NoClearance),
        (1_u32..3_000).prop_map(Worse::ShorterRelease),
        (1_u64..200_000).prop_map(Worse::OlderRelease),
        Just(Worse::NoRelease),
        Just(Worse::Mute),
        (1_u64..600_000).prop_map(Worse::OlderBeat),
        (1_u64..300_000).prop_map(Worse::OldCommand),
        (1_usize..PACKS, ruling).prop_map(|(slot, ruling)| Worse::Pack(slot, ruling)),
        Just(Worse::NoPack),
        Just(Worse::Untested),
        Just(Worse::Press),
        Just(Worse::Touch),
        Just(Worse::Cut),
        Just(Worse::ButtonUnknown),
        Just(Worse::Ordered),
        Just(Worse::EverySector),
        (sensor(), 0_usize..4, 1_u32..4_000).prop_map(|(a, b, c)| Worse::SectorNearer(a, b, c)),
        sensor().prop_map(Worse::Future),
        Just(Worse::OtherSite),
        Just(Worse::NoOdometry),
        (1_u64..200_000).prop_map(Worse::OlderOdometry),
        (1_u32..1_500).prop_map(Worse::Faster),
        (0_usize..PACKS).prop_map(Worse::SilentPack),
        (0_usize..PACKS).prop_map(Worse::StalePack),
        Just(Worse::TestFailed),
        (0_u32..800, 50_000_u64..300_000).prop_map(|(a, b)| Worse::WeakBrakes(a, b)),
    ]
}

/// Readings from the future are worse already and must not become better with age.
fn aged(now: RobotTime, taken: RobotTime, by: u64) -> RobotTime {
    if taken <= now { earlier(taken, by) } else { taken }
}

fn worsen(input: &Input<2, 4>, change: Worse) -> Input<2, 4> {
    let mut worse = *input;
    let now = input.now;
    let mut sensor = |index: usize, change: &dyn Fn(&mut sheepdog_interlock::SensorReading<4>)| {
        if let Some(sensor) = &mut worse.sensors[index] {
            change(sensor);
        }
    };
    match change {
        Worse::LoseSensor(index) => worse.sensors[index] = None,
        Worse::Sicken(index) => sensor(index, &|sensor| sensor.healthy = false),
        Worse::Cover(index, by) => sensor(index, &|sensor| {
            sensor.invalid = Ppm::new((sensor.invalid.get() + by).min(1_000_000)).unwrap();
        }),
        Worse::Drift(index, by) => sensor(index, &|sensor| {
            sensor.residual = sensor.residual.map(|residual| residual.saturating_add(Mm(by)));
        }),
        Worse::Lower(index, sector, by) => sensor(index, &|sensor| {
            if let Some(says) = &mut sensor.sectors[sector] {
                says.confidence = Confidence::from_ppm(says.confidence.ppm().saturating_sub(by)).unwrap();
            }
        }),
        Worse::Blind(index, sector) => sensor(index, &|sensor| sensor.sectors[sector] = None),
        Worse::Age(index, by) => sensor(index, &|sensor| sensor.taken = aged(now, sensor.taken, by)),
        Worse::Nearer(by) => {
            worse.free_travel =
                input.free_travel.map(|free| Reading { value: free.value.saturating_sub(Mm(by)), ..free });
        }
        Worse::OlderDistance(by) => {
            worse.free_travel =
                input.free_travel.map(|free| Reading { taken: aged(now, free.taken, by), ..free });
        }
        Worse::NoDistance => worse.free_travel = None,
        Worse::Tighter(by) => {
            worse.side_clearance = input.side_clearance.map(|clearance| clearance.saturating_sub(Mm(by)));
        }
        Worse::NoClearance => worse.side_clearance = None,
        Worse::ShorterRelease(by) => {
            worse
                .release
                .iter_mut()
                .for_each(|release| release.remaining = release.remaining.saturating_sub(Mm(by)));
        }
        Worse::OlderRelease(by) => {
            worse.release.iter_mut().for_each(|release| release.taken = aged(now, release.taken, by));
        }
        Worse::NoRelease => worse.release = None,
        Worse::Mute => worse.beat = None,
        Worse::OlderBeat(by) => worse.beat = input.beat.map(|beat| aged(now, beat, by)),
        Worse::OldCommand(by) => worse.request.issued = aged(now, input.request.issued, by),
        Worse::Pack(slot, ruling) => {
            // A verdict without grounds stops the robot, and any with grounds is better.
            let founded =
                |verdict: &&mut PackVerdict| verdict.ruling.evidence().is_none_or(|why| why.holds());
            if let Some(verdict) = worse.packs[slot].as_mut().filter(founded) {
                verdict.ruling = verdict.ruling.and(ruling);
            }
        }
        Worse::NoPack => worse.packs[0] = None,
        Worse::SilentPack(slot) => worse.packs[slot] = None,
        Worse::StalePack(slot) => {
            worse.packs[slot]
                .iter_mut()
                .for_each(|verdict| verdict.taken = aged(now, verdict.taken, 200_001));
        }
        Worse::TestFailed => worse.self_test = sheepdog_interlock::SelfTest::Failed,
        Worse::Untested => worse.self_test = sheepdog_interlock::SelfTest::NotRun,
        Worse::Press => worse.emergency_button = Some(true),
        Worse::Touch => worse.bumper = Some(true),
        Worse::Cut => worse.bumper = None,
        Worse::ButtonUnknown => worse.emergency_button = input.emergency_button.filter(|pressed| *pressed),
        Worse::Ordered => worse.stop = Some(crate::common::stop(u32::MAX, StopCategory::One)),
        Worse::EverySector => worse.request.sectors = 0,
        Worse::SectorNearer(index, sector, by) => sensor(index, &|sensor| {
            if let Some(says) = &mut sensor.sectors[sector] {
                says.obstacle = says.obstacle.min(Mm(4_000)).saturating_sub(Mm(by));
            }
        }),
        Worse::Future(index) => sensor(index, &|sensor| sensor.taken = now + Micros::new(5_001)),
        Worse::OtherSite => {
            worse.release.iter_mut().for_each(|release| release.site.0[0] ^= 1);
        }
        Worse::NoOdometry => worse.odometry = None,
        Worse::OlderOdometry(by) => {
            worse.odometry.iter_mut().for_each(|odometry| odometry.taken = aged(now, odometry.taken, by));
        }
        Worse::Faster(by) => {
            worse.odometry.iter_mut().for_each(|odometry| odometry.value.speed.0 += by);
        }
        Worse::WeakBrakes(by, delay) => {
            let known = input.braking.unwrap_or(Braking {
                deceleration: Config::SIMULATED.deceleration,
                delay: Config::SIMULATED.actuation_delay,
            });
            worse.braking = Some(Braking {
                deceleration: MmPerS2(known.deceleration.0.saturating_sub(by)),
                delay: known.delay.saturating_add(Micros::new(delay)),
            });
        }
    }
    worse
}

/// Distance that a robot covers from the oldest moment it can have been measured at until it stands, in floats.
fn way(config: &Config, input: &Input<2, 4>, speed: u32, taken: RobotTime) -> f64 {
    let (deceleration, delay) =
        input.braking.map_or((config.deceleration, config.actuation_delay), |braking| {
            (braking.deceleration.min(config.deceleration), braking.delay.max(config.actuation_delay))
        });
    let age = input.now.since(taken).unwrap_or(Micros::ZERO);
    let seconds = (age.as_secs_f64() + config.permit_ttl.as_secs_f64()) + delay.as_secs_f64();
    f64::from(speed) * seconds + f64::from(speed).powi(2) / (2.0 * f64::from(deceleration.0))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// I3: a needed sector in which no sensor says 92.5 % means no motion.
    #[test]
    fn i03_below_the_threshold_nothing_moves((mut interlock, input) in midway(), sector in 0_usize..4) {
        let mut low = input;
        for sensor in low.sensors.iter_mut().flatten() {
            if let Some(says) = &mut sensor.sectors[sector] {
                says.confidence = says.confidence.min(crate::common::ppm(924_999));
            }
        }
        low.request.sectors |= 1 << sector;
        let decision = interlock.step(&low);
        prop_assert!(decision.verdict != Verdict::Move, "{:?}", decision);
        if decision.verdict != Verdict::Idle {
            prop_assert!(decision.rules.contains(OBS_001));
        }
    }

    /// I6: a worse input never gets a higher speed limit or more motion: lower confidence, older, nearer, more faults.
    ///
    /// A sensor or a pack that falls silent has been seen with its word before: what it has never shown nobody can know.
    /// A residual that grows and a pack that objects are there in the better input, too: where nothing is said, the last
    /// residual and the silence of a pack count, and any word may be better. What a sensor sees nearer may be what another
    /// has seen all the time: then they agree, and their disagreement (OBS-009) ends. A frame that is so much older that it
    /// has the stamp of the last one is the same frame, and no new one that is equal.
    #[test]
    fn i06_worse_inputs_never_go_faster(
        (mut interlock, mut input) in proptest::sample::select(SETTINGS.to_vec()).prop_flat_map(midway_with),
        change in worse(),
    ) {
        if matches!(change, Worse::LoseSensor(_) | Worse::Blind(..) | Worse::SilentPack(_)) {
            interlock.step(&input);
        }
        if let Worse::Drift(index, _) = change
            && let Some(sensor) = &mut input.sensors[index]
        {
            sensor.residual.get_or_insert(Mm::ZERO);
        }
        if let Worse::Pack(slot, _) = change {
            input.packs[slot].get_or_insert(PackVerdict::new(input.now, Ruling::Allow));
        }
        let (mut one, mut other) = (interlock.clone(), interlock);
        let (good, bad) = (one.step(&input), other.step(&worsen(&input, change)));
        if matches!(change, Worse::SectorNearer(..)) && good.rules.contains(OBS_009) {
            return Ok(());
        }
        let ((good_speed, good_turn), (bad_speed, bad_turn)) = (granted(&good), granted(&bad));
        prop_assert!(bad_speed <= good_speed && bad_turn <= good_turn, "{:?} {:?}", good, bad);
        // Nobody asks an idle robot to move, and it has no limit that says anything of motion.
        let asks = !input.request.twist.is_zero();
        prop_assert!(bad.speed_limit <= good.speed_limit || !asks, "{:?} {:?}", good, bad);
    }

    /// I7: the permitted speed stops within the free travel and within the release, by floats, from the oldest moment
    /// that they can have been measured at.
    #[test]
    fn i07_the_speed_stops_within_the_distance((mut interlock, input) in midway()) {
        let config = Config::SIMULATED;
        let decision = interlock.step(&input);
        let speed = decision.twist.linear_mm_per_s.unsigned_abs();
        if decision.verdict != Verdict::Move || speed == 0 {
            return Ok(());
        }
        let free = input.free_travel.unwrap();
        let left = f64::from(free.value.0) - f64::from(config.stop_margin.0);
        prop_assert!(way(&config, &input, speed, free.taken) <= left + 1e-6);
        let release = input.release.unwrap();
        prop_assert!(way(&config, &input, speed, release.taken) <= f64::from(release.remaining.0) + 1e-6);
    }

    /// I8: motion is permitted exactly if there is no stop category; a stop has neither motion nor a speed.
    #[test]
    fn i08_a_stop_is_a_stop((mut interlock, input) in midway()) {
        let Decision { verdict, twist, speed_limit, .. } = interlock.step(&input);
        match verdict {
            Verdict::Move => {
                prop_assert!(!twist.is_zero());
                prop_assert!(twist.linear_mm_per_s.unsigned_abs() <= speed_limit.0);
                prop_assert!(twist.angular_mrad_per_s.unsigned_abs() <= 1_500);
            }
            Verdict::Stop { .. } => prop_assert_eq!((twist, speed_limit), (Twist::ZERO, MmPerS::ZERO)),
            Verdict::Idle => prop_assert!(twist.is_zero() && input.request.twist.is_zero()),
        }
        let asked = input.request.twist;
        for (asked, granted) in [
            (asked.linear_mm_per_s, twist.linear_mm_per_s),
            (asked.angular_mrad_per_s, twist.angular_mrad_per_s),
        ] {
            prop_assert!(granted.unsigned_abs() <= asked.unsigned_abs() && i64::from(granted) * i64::from(asked) >= 0);
        }
    }

    /// I9: the primary rule is one of those that fired, its evidence holds, and less than was asked has a reason other
    /// than that nothing is wrong.
    #[test]
    fn i09_every_decision_has_its_reason((mut interlock, input) in midway()) {
        let decision = interlock.step(&input);
        prop_assert!(decision.rules.contains(decision.primary) && decision.evidence.holds(), "{:?}", decision);
        if let Verdict::Stop { rule, .. } = decision.verdict {
            prop_assert_eq!(rule, decision.evidence.rule);
        }
        let is_pack = [PCK_002, PCK_003, PCK_004].contains(&decision.primary);
        prop_assert!(is_pack || decision.evidence.rule == decision.primary);
        let curbed = granted(&decision).0 < input.request.twist.linear_mm_per_s.unsigned_abs();
        prop_assert!(!curbed || ![MOV_001, IDL_001].contains(&decision.primary));
        prop_assert!(decision.primary != INT_001, "{:?}", decision);
    }

    /// I11: no input makes it panic: stamps and values from anywhere, and any words that are an input at all.
    #[test]
    fn i11_every_input_is_survived(
        times in proptest::collection::vec(any::<u64>(), 4), inputs in inputs::<2, 4>(4),
        words in proptest::collection::vec(prop_oneof![0_u64..3, any::<u64>()], 0..400),
    ) {
        let mut interlock: Small = booted(Config::SIMULATED);
        for (now, mut input) in times.into_iter().zip(inputs) {
            input.now = at_micros(now);
            let decision = interlock.step(&input);
            prop_assert!(decision.evidence.holds());
        }
        if let Some(input) = Input::read(&mut words.into_iter()) {
            interlock.step(&input);
        }
    }

    /// I14: one more reading that does not count never raises the speed and takes away no rule but that nothing is wrong.
    #[test]
    fn i14_a_bad_reading_never_helps(inputs in proptest::collection::vec(plausible::<3, 4>((ARMED + 100) * 1_000), 1), bad in 0_u8..4) {
        let mut without: Interlock<3, 4> = booted(Config::SIMULATED);
        for millis in (ARMED - 2_000..=ARMED).step_by(100) {
            let mut input = good(millis, CRUISE);
            input.sensors[2] = None;
            without.step(&input);
        }
        let mut with = without.clone();
        let mut input = inputs[0];
        input.sensors[2] = None;
        let a = without.step(&input);
        let mut reading = crate::common::frame(input.now);
        match bad {
            0 => reading.taken = at(ARMED - 60),
            1 => reading.taken = RobotTime::MAX,
            2 => reading.healthy = false,
            _ => reading.invalid = Ppm::ONE,
        }
        input.sensors[2] = Some(reading);
        let b = with.step(&input);
        prop_assert!(b.speed_limit <= a.speed_limit && granted(&b) <= granted(&a), "{:?} {:?}", a, b);
        let keeps = |rule| rule == MOV_001 || b.rules.contains(rule);
        prop_assert!(a.rules.iter().all(keeps), "{:?} {:?}", a, b);
    }
}

/// I10, across targets and versions: what a long run of inputs drawn by integers alone decides, as one number. It changes
/// only when the interlock means something else.
#[test]
fn i10_the_golden_run() {
    let mut seed = 7_u64;
    let mut draw = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut interlock: Small = booted(Config::SIMULATED);
    let mut golden = 0xcbf2_9ce4_8422_2325_u64;
    let mut fold = |word: u64| golden = (golden ^ word).wrapping_mul(0x0100_0000_01b3);
    let (mut now, mut moves) = (0_u64, 0_u32);
    for step in 0_u64..20_000 {
        now += 10_000 + draw(110_000);
        let mut input: Input<2, 4> = good_at(at_micros(now), i32::try_from(draw(1_200)).unwrap());
        input.free_travel =
            Some(Reading { taken: input.now, value: Mm(u32::try_from(draw(4_000)).unwrap()) });
        match draw(60) {
            0 => input.sensors[0] = None,
            1 => look(&mut input, 0, 920_000 + u32::try_from(draw(60_000)).unwrap(), 900),
            2 => input = moving(input, u32::try_from(draw(40)).unwrap(), 0),
            3 => input.release = None,
            4 => input.beat = Some(earlier(input.now, draw(700_000))),
            5 if step % 7 == 0 => input.bumper = Some(true),
            6 => input.request.twist.angular_mrad_per_s = i32::try_from(draw(4_000)).unwrap() - 2_000,
            _ => {}
        }
        let order = if step % 2 == 0 { ResetStep::Acknowledge } else { ResetStep::Start };
        input.reset = (draw(50) == 0).then(|| reset(9, order));
        let decision = interlock.step(&input);
        moves += u32::from(decision.verdict == Verdict::Move);
        let evidence = decision.evidence;
        for word in [
            input.digest(),
            u64::from(decision.twist.linear_mm_per_s.cast_unsigned()),
            u64::from(decision.twist.angular_mrad_per_s.cast_unsigned()),
            decision.speed_limit.0.into(),
            decision.rules.bits(),
            evidence.measured.cast_unsigned(),
            evidence.limit.cast_unsigned(),
            decision.lowest.ppm().into(),
        ] {
            fold(word);
        }
    }
    assert!((2_000..18_000).contains(&moves), "{moves}");
    assert_eq!(golden, 0x82e1_3bfa_e8e2_08e9, "{golden:#018x}");
}

/// I11, exhaustively in confidence: every value and every state.
#[test]
fn i11_every_confidence_in_every_state() {
    let ready: Small = armed();
    let mut slow = ready.clone();
    slow.step(&good(ARMED + 121, CRUISE));
    let mut stopped = ready.clone();
    stopped.step(&Input { beat: None, ..good(ARMED, CRUISE) });
    let states = [booted(Config::SIMULATED), ready, slow, stopped, latched(3)];
    for value in (0..=1_000_000).step_by(16) {
        for state in &states {
            let mut input = good(ARMED + 200, CRUISE);
            look(&mut input, 0, value, u32::MAX);
            let decision = state.clone().step(&input);
            assert!(decision.evidence.holds());
            assert!(decision.verdict != Verdict::Move || 925_000 <= value);
        }
    }
}

/// What may cease to be renewed, and for how long the last of it counts.
type Stale = (fn(&mut Input<2, 8>, RobotTime), Micros);

const CEASES: [Stale; 7] = [
    (
        |input, last| {
            for sensor in input.sensors.iter_mut().flatten() {
                sensor.taken = sensor.taken.min(last);
            }
        },
        Config::SIMULATED.sample_age_max,
    ),
    (
        |input, last| input.free_travel.iter_mut().for_each(|free| free.taken = free.taken.min(last)),
        Config::SIMULATED.sample_age_max,
    ),
    (
        |input, last| {
            input.odometry.iter_mut().for_each(|odometry| odometry.taken = odometry.taken.min(last));
        },
        Config::SIMULATED.sample_age_max,
    ),
    (
        |input, last| input.release.iter_mut().for_each(|release| release.taken = release.taken.min(last)),
        Config::SIMULATED.sample_age_max,
    ),
    (|input, last| input.beat = input.beat.map(|beat| beat.min(last)), Config::SIMULATED.beat_timeout),
    (
        |input, last| input.packs.iter_mut().flatten().for_each(|pack| pack.taken = pack.taken.min(last)),
        Config::SIMULATED.pack_age_max,
    ),
    (|input, last| input.request.issued = input.request.issued.min(last), Config::SIMULATED.command_age_max),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// I16: whatever ceases at an instant, the last permit is dead by then plus the time for which the last of it counts
    /// plus the permit's own life; and the robot stands after that and its braking time.
    #[test]
    fn i16_the_response_is_bounded(cycle in 10_u64..110, which in 0..CEASES.len(), phase in 0_u64..1_000) {
        let mut scene = Scene::<2>::new(booted(Config::SIMULATED), Habits::DECLARED, Micros::from_millis(cycle)).cruise();
        scene.drive(phase);
        let (cease, lasts) = CEASES[which];
        let last = scene.now;
        for _ in 0..1_500 / cycle {
            scene.step(|input| cease(input, last));
        }
        let dead = scene.body.borrow().permitted_until;
        let allowed = last + lasts + PERMIT_TTL_MAX;
        prop_assert!(dead <= allowed, "{} > {}", dead, allowed);
        // From 600 mm/s at 800 mm/s².
        for _ in 0..900 / cycle {
            scene.step(|input| cease(input, last));
        }
        prop_assert!(scene.body.borrow().speed <= 0.0);
    }
}

/// I19: settings that are accepted make sense together; each one beyond its limit is refused by name.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn i19_every_setting_has_its_limits() {
    type Change = fn(&mut Config);
    let refused: [(&str, Change); 67] = [
        ("confidence_stop", |config| config.confidence_stop = crate::common::ppm(924_999)),
        ("confidence_slow", |config| config.confidence_slow = crate::common::ppm(924_999)),
        ("confidence_rearm", |config| config.confidence_rearm = crate::common::ppm(924_999)),
        ("fusion", |config| config.fusion = Fusion::Quorum(0)),
        ("dwell", |config| config.dwell = Micros::ZERO),
        ("dwell_up", |config| config.dwell_up = Micros::ZERO),
        ("sample_age_max", |config| config.sample_age_max = Micros::ZERO),
        ("sample_age_max", |config| config.sample_age_max = Micros::new(500_001)),
        ("clock_skew", |config| config.clock_skew = config.sample_age_max),
        ("clock_jump_max", |config| config.clock_jump_max = Micros::ZERO),
        ("cycle_max", |config| config.cycle_max = Micros::ZERO),
        ("cycle_max", |config| config.cycle_max = Micros::new(250_001)),
        ("frozen_frames", |config| config.frozen_frames = 1),
        ("invalid_max", |config| config.invalid_max = Ppm::ONE),
        ("permit_ttl", |config| config.permit_ttl = Micros::ZERO),
        ("permit_ttl", |config| config.permit_ttl = Micros::new(100_001)),
        ("deceleration", |config| config.deceleration = MmPerS2(0)),
        ("speed_max", |config| config.speed_max = MmPerS(5_556)),
        ("speed_max", |config| config.speed_max = MmPerS(20)),
        ("speed_max", |config| config.actuation_delay = Micros::MAX),
        ("speed_slow", |config| config.speed_slow = MmPerS(20)),
        ("speed_slow", |config| config.speed_slow = MmPerS(1_001)),
        ("speed_creep", |config| config.speed_creep = MmPerS(20)),
        ("speed_creep", |config| config.speed_creep = MmPerS(1_001)),
        ("yaw_rate_max", |config| config.yaw_rate_max = MradPerS(0)),
        ("yaw_rate_max", |config| config.yaw_rate_max = MradPerS(-1_500)),
        ("standstill_yaw", |config| config.standstill_yaw = MradPerS(1_500)),
        ("standstill_yaw", |config| config.standstill_yaw = MradPerS(-1)),
        ("overspeed_percent", |config| config.overspeed_percent = 51),
        ("overspeed_for", |config| config.overspeed_for = Micros::new(500_001)),
        ("stop_margin", |config| config.stop_margin = Mm(0)),
        ("beat_timeout", |config| config.beat_timeout = Micros::new(1_000_001)),
        ("beat_timeout", |config| config.beat_timeout = Micros::ZERO),
        ("beat_late", |config| config.beat_late = Micros::ZERO),
        ("beat_late", |config| config.beat_late = Micros::new(500_001)),
        ("command_age_max", |config| config.command_age_max = Micros::ZERO),
        ("command_age_max", |config| config.command_age_max = Micros::new(1_000_001)),
        ("pack_age_max", |config| config.pack_age_max = Micros::ZERO),
        ("pack_age_max", |config| config.pack_age_max = Micros::new(1_000_001)),
        ("stop_distance_percent", |config| config.stop_distance_percent = 99),
        ("chatter_trips", |config| config.chatter_trips = 0),
        ("chatter_trips", |config| config.chatter_trips = 9),
        ("chatter_window", |config| config.chatter_window = Micros::ZERO),
        ("reset_press_max", |config| config.reset_press_max = Micros::ZERO),
        ("reset_press_min", |config| config.reset_press_min = Micros::new(4_000_001)),
        // 150 ms of reaction and 1.25 s of braking.
        ("stop_time_max", |config| config.stop_time_max = Micros::new(1_399_999)),
        // What would switch a rule off by being endless.
        ("dwell", |config| config.dwell = Micros::new(60_000_001)),
        ("dwell_up", |config| config.dwell_up = Micros::new(60_000_001)),
        ("clock_jump_max", |config| config.clock_jump_max = Micros::new(1_000_001)),
        ("still_for", |config| config.still_for = Micros::ZERO),
        ("still_for", |config| config.still_for = Micros::new(10_000_001)),
        ("chatter_window", |config| config.chatter_window = Micros::new(3_600_000_001)),
        ("chatter_window", |config| config.chatter_window = Micros::new(499_999)),
        ("reset_press_max", |config| config.reset_press_max = Micros::new(10_000_001)),
        ("frozen_frames", |config| config.frozen_frames = 51),
        ("disagreement_max", |config| config.disagreement_max = Mm(1_001)),
        ("disagreement_for", |config| config.disagreement_for = Micros::new(2_000_001)),
        ("drift_max", |config| config.drift_max = Mm(501)),
        ("drift_for", |config| config.drift_for = Micros::new(2_000_001)),
        // 250 mm of reaction, 625 mm of braking and 200 mm of margin.
        ("disagreement_within", |config| config.disagreement_within = Mm(1_074)),
        ("person_near", |config| config.person_near = Mm(199)),
        ("clearance_creep", |config| config.clearance_creep = Mm(1_001)),
        ("yaw_deceleration", |config| config.yaw_deceleration = MradPerS2(0)),
        ("stop_distance_percent", |config| config.stop_distance_percent = 201),
        ("standstill_window", |config| config.standstill_window = Mm(201)),
        ("standstill_turn", |config| config.standstill_turn = Mrad(786)),
        ("stop_time_max", |config| config.stop_time_max = Micros::new(20_000_001)),
    ];
    for (setting, change) in refused {
        let mut config = Config::SIMULATED;
        change(&mut config);
        let error = config.validate().map(|_| ()).unwrap_err();
        assert_eq!(error.setting, setting, "{error}");
        assert!(error.to_string().contains(setting) && error.to_string().contains(&error.value.to_string()));
    }
    let accepted: [Change; 25] = [
        |config| config.confidence_rearm = crate::common::ppm(925_000),
        |config| config.confidence_slow = crate::common::ppm(925_000),
        |config| config.fusion = Fusion::Quorum(1),
        |config| config.sample_age_max = Micros::new(500_000),
        |config| config.clock_skew = Micros::new(99_999),
        |config| config.cycle_max = Micros::new(250_000),
        |config| config.frozen_frames = 2,
        |config| config.invalid_max = Ppm::new(999_999).unwrap(),
        |config| (config.speed_creep, config.speed_slow) = (MmPerS(21), MmPerS(1_000)),
        |config| config.standstill_yaw = MradPerS(1_499),
        |config| (config.overspeed_percent, config.overspeed_for) = (50, Micros::new(500_000)),
        |config| config.stop_margin = Mm(1),
        |config| (config.beat_late, config.beat_timeout) = (Micros::new(1_000_000), Micros::new(1_000_000)),
        |config| config.stop_distance_percent = 100,
        |config| config.chatter_trips = 8,
        |config| config.reset_press_min = Micros::new(4_000_000),
        |config| config.stop_time_max = Micros::new(1_400_000),
        |config| (config.dwell, config.dwell_up) = (Micros::from_secs(60), Micros::from_secs(60)),
        |config| (config.clock_jump_max, config.still_for) = (Micros::from_secs(1), Micros::from_secs(10)),
        |config| {
            (config.chatter_window, config.reset_press_max) =
                (Micros::from_secs(3_600), Micros::from_secs(10));
        },
        |config| config.chatter_window = config.dwell,
        |config| (config.frozen_frames, config.disagreement_max, config.drift_max) = (50, Mm(1_000), Mm(500)),
        |config| (config.disagreement_for, config.drift_for) = (Micros::from_secs(2), Micros::from_secs(2)),
        |config| {
            (config.disagreement_within, config.person_near, config.clearance_creep) =
                (Mm(1_075), Mm(200), Mm(1_000));
        },
        |config| (config.stop_distance_percent, config.stop_time_max) = (200, Micros::from_secs(20)),
    ];
    for (place, change) in accepted.into_iter().enumerate() {
        let mut config = Config::SIMULATED;
        change(&mut config);
        assert!(config.validate().is_ok(), "{place}");
        assert_ne!(config.validate().unwrap().digest(), simulated().digest(), "{place}");
    }
}

/// I19: every setting is in the digest, so approval covers all of them.
#[test]
fn i19_every_setting_is_in_the_digest() {
    type Change = fn(&mut Config);
    let changes: [Change; 50] = [
        |config| config.confidence_stop = crate::common::ppm(925_001),
        |config| config.confidence_slow = crate::common::ppm(960_001),
        |config| config.confidence_rearm = crate::common::ppm(950_001),
        |config| config.decay_ppm_per_ms += 1,
        |config| config.fusion = Fusion::Quorum(1),
        |config| config.fusion = Fusion::Quorum(2),
        |config| config.fusion = Fusion::Min,
        |config| config.dwell = Micros::new(500_001),
        |config| config.dwell_up = Micros::new(1_000_001),
        |config| config.sample_age_max = Micros::new(100_001),
        |config| config.clock_skew = Micros::new(5_001),
        |config| config.clock_jump_max = Micros::new(250_001),
        |config| config.cycle_max = Micros::new(120_001),
        |config| config.frozen_frames += 1,
        |config| config.invalid_max = Ppm::new(200_001).unwrap(),
        |config| config.disagreement_max = Mm(301),
        |config| config.disagreement_for = Micros::new(200_001),
        |config| config.drift_max = Mm(51),
        |config| config.drift_for = Micros::new(500_001),
        |config| config.permit_ttl = Micros::new(99_999),
        |config| config.actuation_delay = Micros::new(50_001),
        |config| config.deceleration = MmPerS2(801),
        |config| config.separation = Separation::ApproachingPerson(MmPerS(0)),
        |config| config.separation = Separation::ApproachingPerson(MmPerS(1)),
        |config| config.speed_max = MmPerS(999),
        |config| config.speed_slow = MmPerS(501),
        |config| config.speed_creep = MmPerS(301),
        |config| config.yaw_rate_max = MradPerS(1_501),
        |config| config.overspeed_percent += 1,
        |config| config.overspeed_for = Micros::new(50_001),
        |config| config.stop_margin = Mm(201),
        |config| config.clearance_creep = Mm(151),
        |config| config.person_near = Mm(1_501),
        |config| config.beat_late = Micros::new(200_001),
        |config| config.beat_timeout = Micros::new(500_001),
        |config| config.command_age_max = Micros::new(200_001),
        |config| config.standstill = MmPerS(21),
        |config| config.standstill_yaw = MradPerS(101),
        |config| config.standstill_window = Mm(31),
        |config| config.stop_time_max = Micros::new(3_000_001),
        |config| config.stop_distance_percent += 1,
        |config| config.chatter_trips += 1,
        |config| config.chatter_window = Micros::new(60_000_001),
        |config| {
            (config.reset_press_min, config.reset_press_max) = (Micros::new(120_001), Micros::new(4_000_001));
        },
        |config| config.packs_required = 0b11,
        |config| config.pack_age_max = Micros::new(200_001),
        |config| config.disagreement_within = Mm(3_001),
        |config| config.yaw_deceleration = MradPerS2(2_001),
        |config| config.standstill_turn = Mrad(151),
        |config| config.still_for = Micros::new(2_000_001),
    ];
    let mut digests = vec![simulated().digest()];
    for change in changes {
        let mut config = Config::SIMULATED;
        change(&mut config);
        digests.push(config.validate().unwrap().digest());
    }
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count);
    assert_eq!(digests[0].to_string().len(), 64);
}

/// I19: a new setting has to be written into this pattern, and then into the changes above.
#[test]
fn i19_all_settings_are_known() {
    let Config {
        confidence_stop: _,
        confidence_slow: _,
        confidence_rearm: _,
        decay_ppm_per_ms: _,
        fusion: _,
        dwell: _,
        dwell_up: _,
        sample_age_max: _,
        clock_skew: _,
        clock_jump_max: _,
        cycle_max: _,
        frozen_frames: _,
        invalid_max: _,
        disagreement_max: _,
        disagreement_for: _,
        disagreement_within: _,
        drift_max: _,
        drift_for: _,
        permit_ttl: _,
        actuation_delay: _,
        deceleration: _,
        separation: _,
        speed_max: _,
        speed_slow: _,
        speed_creep: _,
        yaw_rate_max: _,
        yaw_deceleration: _,
        overspeed_percent: _,
        overspeed_for: _,
        stop_margin: _,
        rearm_margin: _,
        clearance_creep: _,
        person_near: _,
        beat_late: _,
        beat_timeout: _,
        command_age_max: _,
        standstill: _,
        standstill_yaw: _,
        standstill_window: _,
        standstill_turn: _,
        still_for: _,
        stop_time_max: _,
        stop_distance_percent: _,
        chatter_trips: _,
        chatter_window: _,
        reset_press_min: _,
        reset_press_max: _,
        packs_required: _,
        pack_age_max: _,
    } = Config::SIMULATED;
}

/// Every invariant but the ledger's has a test with its number.
#[test]
fn no_invariant_is_without_a_test() {
    let source = include_str!("invariants.rs");
    for number in (1..=20).filter(|number| *number != 18) {
        let name = format!("fn i{number:02}_");
        assert!(source.lines().any(|line| line.trim_start().starts_with(&name)), "I{number} has no test");
    }
}
