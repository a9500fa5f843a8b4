//! One case for every rule: the smallest change to a good run that makes it the reason, one unit on either side of its
//! limit. Each fails without its rule.

use std::cell::Cell;

use sheepdog_interlock::{
    BootNonce, Config, Decision, Guarded, Input, Interlock, Memory, Mm, MmPerS, MradPerS, RULES, Reading,
    Request, ResetStep, Restart, Revocation, Ring, RobotTime, RuleId, SelfTest, SiteVersion, StopCategory,
    StopGeneration, Twist, Verdict,
    packs::{PackSlot, PackVerdict, Ruling},
    rules::*,
};

use crate::common::{
    ARMED, CRUISE, SITE, UNAPPROVED, ahead, armed, at, at_micros, because, booted, every_sensor, good,
    good_at, latched, look, moving, odometry, ppm, reset, simulated, stop,
};

type In = Input<2, 8>;
type Kernel = Interlock<2, 8>;

const NEXT: u64 = ARMED + 100;
const START: u64 = ARMED * 1_000;

/// What a rule does when it fires.
#[derive(Clone, Copy, Debug)]
enum Does {
    Stop(StopCategory),
    Limit(i32),
}
use Does::{Limit, Stop};
use StopCategory::{One, Two, Zero};

/// Plays a case one unit below a limit, at it and one unit above, and expects the rule to be the reason exactly where
/// `fires` says so.
fn edges(rule: RuleId, does: Does, fires: [bool; 3], play: impl Fn(i64) -> Decision) {
    for (offset, fires) in (-1_i64..).zip(fires) {
        let decision = play(offset);
        assert!(decision.evidence.holds(), "{rule} {offset:+}: {decision:?}");
        assert_eq!(decision.rules.contains(rule), fires, "{rule} {offset:+}: {decision:?}");
        if !fires {
            continue;
        }
        assert_eq!(decision.primary, rule, "{rule} {offset:+}: {decision:?}");
        match does {
            Stop(category) => {
                let rule = decision.evidence.rule;
                assert_eq!(decision.verdict, Verdict::Stop { category, rule }, "{offset:+}");
                assert_eq!((decision.twist, decision.speed_limit), (Twist::ZERO, MmPerS(0)));
            }
            Limit(speed) => {
                assert_eq!(decision.verdict, Verdict::Move, "{rule} {offset:+}: {decision:?}");
                assert_eq!(decision.twist.linear_mm_per_s, speed, "{rule} {offset:+}: {decision:?}");
            }
        }
    }
}

/// The decision of an armed interlock on a good input with one change.
fn decide(change: impl FnOnce(&mut In)) -> Decision {
    let mut input = good(NEXT, CRUISE);
    change(&mut input);
    armed().step(&input)
}

/// [`edges`] of a change to the next input.
fn next(rule: RuleId, does: Does, fires: [bool; 3], change: impl Fn(&mut In, i64)) {
    edges(rule, does, fires, |offset| decide(|input| change(input, offset)));
}

/// Adds an offset to an unsigned number.
fn plus<T: TryFrom<i64>>(value: i64, offset: i64) -> T {
    T::try_from(value + offset).ok().unwrap()
}

/// An instant in microseconds after [`ARMED`].
fn after(micros: i64) -> RobotTime {
    at_micros(plus(i64::try_from(START).unwrap(), micros))
}

/// A stamp that is this old at [`NEXT`]; negative for one from the future.
fn aged(micros: i64) -> RobotTime {
    after(100_000 - micros)
}

/// Steps good inputs with a change every 100 ms after [`ARMED`], then one after `micros`, and says what it decided.
fn run(interlock: &mut Kernel, micros: i64, change: impl Fn(&mut In)) -> Decision {
    let mut step = |now| {
        let mut input = good_at(now, CRUISE);
        change(&mut input);
        interlock.step(&input)
    };
    let mut now = 100_000;
    while now < micros {
        step(after(now));
        now += 100_000;
    }
    step(after(micros))
}

const BELOW: [bool; 3] = [true, false, false];
const AT_MOST: [bool; 3] = [true, true, false];
const ABOVE: [bool; 3] = [false, false, true];
const AT_LEAST: [bool; 3] = [false, true, true];

struct Nothing;

impl sheepdog_interlock::Base for Nothing {
    fn drive(&mut self, _: sheepdog_interlock::Bounded<'_>) {}
    fn halt(&mut self, _: StopCategory) {}
}

fn guarded() -> Guarded<Nothing, 2, 8> {
    Guarded::new(armed(), Nothing, BootNonce(1))
}

#[test]
fn log_001_what_cannot_be_recorded_does_not_happen() {
    edges(LOG_001, Stop(Zero), BELOW, |room| {
        if room < 0 {
            guarded().step(&good(NEXT, CRUISE), &mut Ring::<0>::new())
        } else {
            guarded().step(&good(NEXT, CRUISE), &mut Ring::<1>::new())
        }
    });
    let (mut robot, mut log) = (guarded(), Ring::<1>::new());
    robot.step(&good(NEXT, CRUISE), &mut log);
    assert_eq!(robot.step(&good(NEXT + 100, CRUISE), &mut log).primary, LOG_001);
    log.pop();
    let later = robot.step(&good(NEXT + 200, CRUISE), &mut log);
    assert_eq!(later.primary, RST_001, "room in the log is no reset");
}

#[test]
fn int_002_a_latch_outlives_a_restart() {
    let memory = |latched| Restart::Remembered(Memory { latched, highest_stop: None, cleared: None });
    edges(INT_002, Stop(Zero), ABOVE, |offset| {
        let restart = memory(0 < offset);
        Kernel::new(simulated(), simulated().digest(), restart).step(&good(NEXT, CRUISE))
    });
    let mut lost = Kernel::new(simulated(), simulated().digest(), Restart::Unreadable);
    let decision = lost.step(&good(NEXT, CRUISE));
    assert_eq!((decision.primary, decision.evidence.measured), (INT_002, 2));
    assert_eq!(lost.step(&good(NEXT + 100, CRUISE)).primary, RST_001, "it is said once");
    assert!(Kernel::new(simulated(), simulated().digest(), memory(true)).state().needs_person());
}

#[test]
fn cfg_001_settings_that_nobody_has_approved() {
    edges(CFG_001, Stop(Zero), BELOW, |offset| {
        let approved = if offset < 0 { UNAPPROVED } else { simulated().digest() };
        Kernel::new(simulated(), approved, Restart::First).step(&good(NEXT, CRUISE))
    });
    let mut interlock = Kernel::new(simulated(), UNAPPROVED, Restart::First);
    for step in 0..30 {
        let order = if step % 2 == 0 { ResetStep::Acknowledge } else { ResetStep::Start };
        let input = Input { reset: Some(reset(9, order)), ..good(NEXT + step * 100, CRUISE) };
        assert_eq!(interlock.step(&input).primary, CFG_001, "no reset approves settings");
    }
}

#[test]
fn clk_001_a_clock_that_goes_backwards_latches() {
    edges(CLK_001, Stop(Zero), BELOW, |offset| {
        let mut input = good(ARMED, CRUISE);
        input.now = after(offset);
        armed::<2, 8>().step(&input)
    });
}

#[test]
fn est_003_the_button_latches_even_a_robot_at_rest() {
    next(EST_003, Stop(Zero), ABOVE, |input, offset| input.emergency_button = Some(0 < offset));
    let mut interlock: Kernel = armed();
    let pressed = Input { emergency_button: Some(true), ..good(NEXT, 0) };
    assert_eq!(interlock.step(&pressed).primary, EST_003);
    let released = interlock.step(&good(NEXT + 100, 0));
    assert_eq!(
        (released.verdict, released.primary),
        (Verdict::Stop { category: Zero, rule: RST_001 }, RST_001)
    );
}

#[test]
fn est_001_an_ordered_stop_latches() {
    for category in [Zero, One, Two] {
        edges(EST_001, Stop(category), ABOVE, |offset| {
            let mut interlock = latched(3);
            interlock
                .step(&Input { reset: Some(reset(3, ResetStep::Acknowledge)), ..good(NEXT + 100, CRUISE) });
            interlock.step(&Input { reset: Some(reset(3, ResetStep::Start)), ..good(NEXT + 200, CRUISE) });
            let order = Some(stop(plus(3, offset), category));
            interlock.step(&Input::<2, 8> { stop: order, ..good(NEXT + 300, CRUISE) })
        });
    }
    for generation in [0, 1, u32::MAX] {
        let decision = decide(|input| input.stop = Some(stop(generation, One)));
        assert_eq!((decision.primary, decision.evidence.limit), (EST_001, -1), "nothing was ever cleared");
    }
    assert_eq!(latched::<2, 8>(3).highest_stop(), Some(StopGeneration(3)));
}

#[test]
fn est_002_the_bumper_latches() {
    next(EST_002, Stop(One), ABOVE, |input, offset| input.bumper = Some(0 < offset));
    assert_eq!(decide(|input| (input.request, input.bumper) = (Request::NONE, Some(true))).primary, EST_002);
}

#[test]
fn est_004_button_or_bumper_not_known() {
    next(EST_004, Stop(One), BELOW, |input, offset| {
        if offset < 0 {
            input.bumper = None;
        }
    });
    let decision = decide(|input| input.emergency_button = None);
    assert_eq!((decision.primary, decision.evidence.measured), (EST_004, 1));
}

#[test]
fn odo_001_motion_that_nobody_measures() {
    let taken = |age: i64| {
        move |input: &mut In, offset: i64| {
            input.odometry.as_mut().unwrap().taken = aged(age + offset * age.signum());
        }
    };
    next(ODO_001, Stop(One), ABOVE, taken(100_000));
    next(ODO_001, Stop(One), ABOVE, taken(-5_000));
    assert_eq!(decide(|input| input.odometry = None).primary, ODO_001);
}

#[test]
fn odo_002_permitted_to_move_and_nothing_moves() {
    let frozen = |input: &mut In| input.odometry.as_mut().unwrap().value = odometry(at(ARMED), 0, 0).value;
    edges(ODO_002, Stop(One), ABOVE, |offset| run(&mut armed(), 2_000_000 + offset, frozen));
    // Turning is motion, too, and standing is not asked to move.
    let turning = |input: &mut In| {
        frozen(input);
        input.request.twist = Twist { linear_mm_per_s: 20, angular_mrad_per_s: 101 };
    };
    assert_eq!(run(&mut armed(), 2_000_001, turning).primary, ODO_002);
    let slower = |input: &mut In| {
        frozen(input);
        input.request.twist = Twist { linear_mm_per_s: 20, angular_mrad_per_s: 100 };
    };
    assert_eq!(run(&mut armed(), 9_000_000, slower).verdict, Verdict::Move);
    // A millimetre of way, or a milliradian of turn, is enough.
    for step in [(1, 0), (0, 1)] {
        let creeping = |input: &mut In| {
            frozen(input);
            let times = u32::try_from(input.now.as_micros() / 1_900_000).unwrap();
            let value = &mut input.odometry.as_mut().unwrap().value;
            (value.travelled, value.turned_mrad) = (Mm(times * step.0), times * step.1);
        };
        assert_eq!(run(&mut armed(), 9_000_000, creeping).verdict, Verdict::Move);
    }
}

#[test]
fn spd_002_faster_than_permitted() {
    let fast = |speed: u32, micros| {
        let mut interlock: Kernel = armed();
        let fast = |now| moving(good_at(after(now), CRUISE), speed, 0);
        interlock.step(&fast(10_000));
        interlock.step(&fast(10_000 + micros))
    };
    // 600 mm/s and five percent.
    edges(SPD_002, Stop(Zero), ABOVE, |offset| fast(plus(630, offset), 50_000));
    edges(SPD_002, Stop(Zero), AT_LEAST, |offset| fast(631, 50_000 + offset));
    // Of slow speeds, the tolerance is standstill.
    let creeping = |speed| {
        let mut interlock: Kernel = armed();
        for step in 1..20 {
            interlock.step(&good(ARMED + step * 100, 100));
        }
        let fast = |millis| moving(good(millis, 100), speed, 0);
        interlock.step(&fast(ARMED + 2_000));
        interlock.step(&fast(ARMED + 2_100))
    };
    edges(SPD_002, Stop(Zero), ABOVE, |offset| creeping(plus(120, offset)));
}

#[test]
fn spd_002_a_moment_of_overspeed_is_forgiven() {
    let mut interlock: Kernel = armed();
    for step in 1..40 {
        let speed = if step % 2 == 0 { 700 } else { 600 };
        let input = moving(good(ARMED + step * 40, CRUISE), speed, 0);
        assert_eq!(interlock.step(&input).verdict, Verdict::Move, "step {step}");
    }
}

#[test]
fn spd_005_spinning() {
    let spin = |rate: i32, micros| {
        let mut interlock: Kernel = armed();
        let spinning = |now, rate| {
            let mut input = good_at(after(now), CRUISE);
            input.request.twist.angular_mrad_per_s = 1_500;
            input.odometry.as_mut().unwrap().value.yaw_rate = MradPerS(rate);
            input
        };
        interlock.step(&spinning(5_000, 0));
        interlock.step(&spinning(10_000, rate));
        interlock.step(&spinning(10_000 + micros, rate))
    };
    // 1 500 mrad/s and what counts as standing.
    edges(SPD_005, Stop(Zero), ABOVE, |offset| spin(plus(1_600, offset), 50_000));
    edges(SPD_005, Stop(Zero), ABOVE, |offset| spin(plus(-1_600, -offset), 50_000));
    edges(SPD_005, Stop(Zero), AT_LEAST, |offset| spin(1_601, 50_000 + offset));
}

#[test]
fn spd_005_turning_otherwise_than_permitted() {
    let turn = |permitted, rate: i32, after_millis| {
        let mut interlock: Kernel = armed();
        let step = |millis: u64, permitted, rate| {
            let mut input = good(ARMED + millis, CRUISE);
            input.request.twist.angular_mrad_per_s = permitted;
            input.odometry.as_mut().unwrap().value.yaw_rate = MradPerS(rate);
            input
        };
        interlock.step(&step(50, permitted, 0));
        for millis in (100..after_millis).step_by(50) {
            interlock.step(&step(millis, 0, 0));
        }
        interlock.step(&step(after_millis, 0, rate));
        interlock.step(&step(after_millis + 50, 0, rate))
    };
    edges(SPD_005, Stop(Zero), ABOVE, |offset| turn(0, plus(100, offset), 100));
    edges(SPD_005, Stop(Zero), ABOVE, |offset| turn(0, plus(-100, -offset), 100));
    // What was permitted may still be carried out until the drive acts, and is then braked at 2 000 mrad/s².
    assert_eq!(turn(1_000, 1_000, 100).verdict, Verdict::Move);
    assert_eq!(turn(1_000, 1_000, 1_000).primary, SPD_005);
    // Who is not permitted to move may be turned by hand.
    let mut interlock: Kernel = booted(Config::SIMULATED);
    for millis in (0..2_000).step_by(50) {
        let mut input = good(millis, 0);
        input.odometry.as_mut().unwrap().value.yaw_rate = MradPerS(1_000);
        assert!(!interlock.step(&input).rules.contains(SPD_005));
    }
}

#[test]
fn stp_002_a_stop_takes_too_long() {
    let overdue = |speed: Option<u32>, micros| {
        let mut interlock: Kernel = armed();
        let motion = |input: &mut Input<2, 8>| {
            (input.beat, input.odometry) = (None, speed.map(|speed| odometry(input.now, speed, 0)));
        };
        let mut first = good_at(after(10_000), CRUISE);
        motion(&mut first);
        interlock.step(&first);
        run(&mut interlock, 10_000 + micros, motion)
    };
    edges(STP_002, Stop(Zero), ABOVE, |offset| overdue(Some(21), 3_000_000 + offset));
    edges(STP_002, Stop(Zero), ABOVE, |offset| overdue(None, 3_000_000 + offset));
    assert!(!overdue(Some(20), 9_000_000).rules.contains(STP_002), "it stands");
}

#[test]
fn stp_002_pushing_a_robot_that_has_not_armed_yet_is_no_fault() {
    let mut interlock: Kernel = booted(Config::SIMULATED);
    for step in 0..50 {
        let input = moving(good(step * 100, 0), 300, u32::try_from(step * 30).unwrap());
        let decision = interlock.step(&input);
        assert_eq!(decision.primary, STP_001);
    }
    assert!(!interlock.state().needs_person());
}

#[test]
fn stp_003_a_stop_takes_too_much_way() {
    // 600 mm/s for 50 ms and one cycle, then 800 mm/s²: 102 mm + 225 mm, and a fifth.
    for speed in [300, 0] {
        edges(STP_003, Stop(Zero), ABOVE, |offset| {
            let mut interlock: Kernel = armed();
            let stopping = |micros, speed, travelled| Input {
                beat: None,
                ..moving(good_at(after(micros), CRUISE), speed, travelled)
            };
            interlock.step(&stopping(100_000, 600, 5_000));
            interlock.step(&stopping(200_000, speed, plus(5_392, offset)))
        });
    }
}

#[test]
fn stp_004_it_moves_although_it_stands() {
    edges(STP_004, Stop(Zero), ABOVE, |offset| {
        let mut interlock: Kernel = armed();
        let standing =
            |micros, travelled| Input { beat: None, ..moving(good_at(after(micros), CRUISE), 0, travelled) };
        interlock.step(&standing(100_000, 700));
        interlock.step(&standing(200_000, plus(730, offset)))
    });
    edges(STP_004, Stop(Zero), ABOVE, |offset| {
        let mut interlock: Kernel = armed();
        let standing = |micros, turned_mrad| {
            let mut input = Input { beat: None, ..good_at(after(micros), CRUISE) };
            input.odometry.as_mut().unwrap().value.turned_mrad = turned_mrad;
            input
        };
        interlock.step(&standing(100_000, 700));
        interlock.step(&standing(200_000, plus(850, offset)))
    });
    // An odometer that goes back has gone somewhere.
    let mut interlock: Kernel = armed();
    interlock.step(&moving(good(NEXT, 0), 0, 700));
    let back = moving(good(NEXT + 100, 0), 0, 699);
    assert_eq!(interlock.step(&back).primary, STP_004);
}

fn rules_of_a_pack(ruling: Ruling) -> Decision {
    decide(|input| input.packs[PackSlot::POWER.index()] = Some(PackVerdict::new(input.now, ruling)))
}

#[test]
fn pck_003_a_pack_latches() {
    for category in [Zero, One, Two] {
        let decision = rules_of_a_pack(Ruling::Latch { category, evidence: because(11) });
        assert_eq!((decision.primary, decision.evidence), (PCK_003, because(11)));
        assert_eq!(decision.verdict, Verdict::Stop { category, rule: because(11).rule });
    }
    // What does not hold is no reason, and a pack without reason is none.
    edges(PCK_003, Stop(Two), ABOVE, |offset| {
        rules_of_a_pack(Ruling::Latch { category: Two, evidence: because(10 + offset) })
    });
    assert_eq!(rules_of_a_pack(Ruling::Latch { category: Two, evidence: because(10) }).primary, PCK_001);
}

#[test]
fn pck_002_a_pack_stops() {
    for category in [Zero, One, Two] {
        let decision = rules_of_a_pack(Ruling::Stop { category, evidence: because(11) });
        assert_eq!((decision.primary, decision.evidence), (PCK_002, because(11)));
        edges(PCK_002, Stop(category), ABOVE, |offset| {
            rules_of_a_pack(Ruling::Stop { category, evidence: because(10 + offset) })
        });
    }
}

#[test]
fn pck_004_a_pack_limits() {
    let limit = |speed, measured| {
        rules_of_a_pack(Ruling::Limit { speed: MmPerS(speed), evidence: because(measured) })
    };
    edges(PCK_004, Limit(250), ABOVE, |offset| limit(250, 10 + offset));
    assert_eq!(limit(250, 11).evidence, because(11));
    let standing = limit(0, 11);
    assert_eq!(standing.verdict, Verdict::Stop { category: Two, rule: because(11).rule });
}

#[test]
fn pck_001_a_pack_is_silent() {
    let aged_pack = |slot: PackSlot, age| {
        decide(|input| input.packs[slot.index()] = Some(PackVerdict::new(aged(age), Ruling::Allow)))
    };
    for slot in [PackSlot::MAP, PackSlot::ENVELOPE, PackSlot::own(7).unwrap()] {
        edges(PCK_001, Stop(One), ABOVE, |offset| aged_pack(slot, 200_000 + offset));
        edges(PCK_001, Stop(One), ABOVE, |offset| aged_pack(slot, -5_000 - offset));
    }
    assert_eq!(decide(|input| input.packs[0] = None).primary, PCK_001, "required");
    assert_eq!(decide(|_| {}).verdict, Verdict::Move, "others may be silent for ever");
    let mut interlock: Kernel = armed();
    let mut spoken: In = good(NEXT, CRUISE);
    spoken.packs[5] = Some(PackVerdict::new(spoken.now, Ruling::Allow));
    assert_eq!(interlock.step(&spoken).verdict, Verdict::Move);
    assert_eq!(interlock.step(&good(NEXT + 100, CRUISE)).primary, PCK_001, "until they have spoken");
}

#[test]
fn arm_002_the_self_test() {
    next(ARM_002, Stop(One), AT_MOST, |input, offset| {
        input.self_test = [SelfTest::Failed, SelfTest::NotRun, SelfTest::Passed][plus::<usize>(1, offset)];
    });
    let latches = |test| {
        let mut interlock: Kernel = armed();
        interlock.step(&Input { self_test: test, ..good(NEXT, CRUISE) });
        interlock.state().needs_person()
    };
    assert!(latches(SelfTest::Failed) && !latches(SelfTest::NotRun));
}

/// Stops for want of a beat, each followed by the dwell; the last is `gap` milliseconds after the one before.
fn trips(count: i64, gap: u64) -> Decision {
    let (mut interlock, mut now): (Kernel, u64) = (armed(), NEXT);
    for trip in 1..count {
        interlock.step(&Input { beat: None, ..good(now, CRUISE) });
        let last = if trip + 1 == count { now + gap } else { now + 700 };
        now += 100;
        while now < last {
            interlock.step(&good(now, CRUISE));
            now += 100;
        }
    }
    interlock.step(&Input { beat: None, ..good(now, CRUISE) })
}

#[test]
fn arm_004_too_many_stops() {
    edges(ARM_004, Stop(One), ABOVE, |offset| trips(2 + offset, 700));
    // The first of three has left the window of a minute when the third comes.
    edges(ARM_004, Stop(One), [true, true, false], |offset| trips(3, plus(59_300, 100 * offset)));
    let mut interlock: Kernel = armed();
    for trip in 0..20 {
        let mut near = good(NEXT + trip * 700, CRUISE);
        near.free_travel = Some(Reading { taken: near.now, value: Mm(100) });
        interlock.step(&near);
        for step in 1..7 {
            interlock.step(&good(NEXT + trip * 700 + step * 100, CRUISE));
        }
    }
    assert!(!interlock.state().needs_person(), "people in the way are not chatter");
}

#[test]
fn rst_001_a_latch_waits_for_its_acknowledgement() {
    edges(RST_001, Stop(One), BELOW, |steps| {
        let order = (0 <= steps).then(|| reset(3, ResetStep::Acknowledge));
        latched::<2, 8>(3).step(&Input { reset: order, ..good(NEXT + 100, CRUISE) })
    });
    let mut interlock: Kernel = latched(3);
    for step in 1..50 {
        assert_eq!(interlock.step(&good(NEXT + step * 100, CRUISE)).primary, RST_001);
    }
}

#[test]
fn rst_002_an_acknowledged_robot_waits_for_its_start() {
    edges(RST_002, Stop(One), BELOW, |steps| {
        let mut interlock: Kernel = latched(3);
        interlock.step(&Input { reset: Some(reset(3, ResetStep::Acknowledge)), ..good(NEXT + 100, CRUISE) });
        let order = (0 <= steps).then(|| reset(3, ResetStep::Start));
        interlock.step(&Input { reset: order, ..good(NEXT + 200, CRUISE) })
    });
}

/// Presses the button of a robot whose bumper was touched, for a span in microseconds.
fn press(micros: i64) -> Decision {
    let mut interlock: Kernel = armed();
    interlock.step(&Input { bumper: Some(true), ..good(NEXT, CRUISE) });
    let button = |micros, reset_button| Input { reset_button, ..good_at(after(200_000 + micros), CRUISE) };
    interlock.step(&button(0, true));
    interlock.step(&button(micros, false))
}

#[test]
fn rst_003_a_press_that_is_no_reset() {
    edges(RST_003, Stop(One), BELOW, |offset| press(120_000 + offset));
    edges(RST_003, Stop(One), ABOVE, |offset| press(4_000_000 + offset));
    assert_eq!(press(120_000).primary, RST_002);
}

/// Says one number before a step and another one afterwards.
struct Counted(Cell<u32>, u32);

impl Revocation for Counted {
    fn generation(&self) -> u32 {
        self.0.replace(self.1)
    }
}

#[test]
fn rev_001_a_permit_that_was_taken_back_while_it_was_made() {
    edges(REV_001, Stop(One), ABOVE, |offset| {
        let revocation = Counted(Cell::new(7), plus(7, offset));
        guarded().step_unless(&revocation, &good(NEXT, CRUISE), &mut Ring::<1>::new())
    });
    // A full counter can tell no revocation from the next.
    edges(REV_001, Stop(Zero), AT_LEAST, |offset| {
        let count = plus(i64::from(u32::MAX), offset.min(0));
        guarded().step_unless(&Counted(Cell::new(count), count), &good(NEXT, CRUISE), &mut Ring::<1>::new())
    });
    let revocation = Counted(Cell::new(7), 8);
    let idle = guarded().step_unless(&revocation, &good(NEXT, 0), &mut Ring::<1>::new());
    assert_eq!(idle.verdict, Verdict::Idle, "nothing was permitted that could be taken back");
}

#[test]
fn clk_002_the_clock_jumped_forwards() {
    let gap = |micros| armed::<2, 8>().step(&good_at(after(micros), CRUISE));
    edges(CLK_002, Stop(One), ABOVE, |offset| gap(250_000 + offset));
    let mut interlock: Kernel = armed();
    interlock.step(&good(ARMED + 251, CRUISE));
    assert_eq!(interlock.step(&good(ARMED + 351, CRUISE)).primary, ARM_001, "the dwell starts again");
}

#[test]
fn clk_003_a_step_came_late() {
    edges(CLK_003, Limit(500), ABOVE, |offset| {
        armed::<2, 8>().step(&good_at(after(120_000 + offset), CRUISE))
    });
    let mut interlock: Kernel = armed();
    interlock.step(&good(ARMED + 121, CRUISE));
    assert_eq!(interlock.step(&good(ARMED + 221, CRUISE)).primary, OBS_003, "for the dwell of the slow band");
}

#[test]
fn com_001_the_supervisor_is_late() {
    next(COM_001, Limit(500), ABOVE, |input, offset| input.beat = Some(aged(200_000 + offset)));
}

#[test]
fn com_002_the_supervisor_is_silent() {
    next(COM_002, Stop(One), ABOVE, |input, offset| input.beat = Some(aged(500_000 + offset)));
    next(COM_002, Stop(One), ABOVE, |input, offset| input.beat = Some(aged(-5_000 - offset)));
    assert_eq!(decide(|input| input.beat = None).primary, COM_002);
}

#[test]
fn com_004_a_command_out_of_order() {
    next(COM_004, Stop(One), AT_MOST, |input, offset| {
        input.request.issued = after(offset);
        input.request.twist = ahead(CRUISE + 1);
    });
    // The same command again is the same command, until a new one has come.
    next(COM_004, Stop(One), BELOW, |input, offset| input.request.issued = after(offset));
}

#[test]
fn com_005_an_old_command() {
    edges(COM_005, Stop(One), ABOVE, |offset| {
        run(&mut armed(), 200_000 + offset, |input| input.request.issued = at(ARMED))
    });
    next(COM_005, Stop(One), ABOVE, |input, offset| input.request.issued = aged(-5_000 - offset));
}

#[test]
fn com_005_a_command_from_the_future_does_not_outdate_the_next() {
    let mut interlock: Kernel = armed();
    let mut future = good(NEXT, CRUISE);
    future.request.issued = RobotTime::MAX;
    assert_eq!(interlock.step(&future).primary, COM_005);
    for step in 1..=5 {
        assert_eq!(interlock.step(&good(NEXT + step * 100, CRUISE)).primary, ARM_001, "step {step}");
    }
    assert_eq!(interlock.step(&good(NEXT + 600, CRUISE)).verdict, Verdict::Move);
}

#[test]
fn obs_001_confidence_below_the_threshold() {
    next(OBS_001, Stop(One), BELOW, |input, offset| look(input, 0, plus(925_000, offset), u32::MAX));
    let decision = decide(|input| look(input, 0, 900_000, u32::MAX));
    assert_eq!((decision.evidence.measured, decision.evidence.limit), (900_000, 925_000));
    assert_eq!((decision.lowest, decision.lowest_sector), (ppm(900_000), 0));
}

#[test]
fn obs_001_confidence_decays_with_age() {
    // Fifty parts per million and millisecond begun.
    let mut input: In = good(NEXT, CRUISE);
    every_sensor(&mut input, |sensor| sensor.taken = aged(10_001));
    look(&mut input, 0, 925_550, u32::MAX);
    assert_eq!(armed::<2, 8>().step(&input).lowest, ppm(925_000));
    look(&mut input, 0, 925_549, u32::MAX);
    assert_eq!(armed::<2, 8>().step(&input).primary, OBS_001);
}

#[test]
fn obs_002_the_slow_band() {
    next(OBS_002, Limit(500), BELOW, |input, offset| look(input, 0, plus(960_000, offset), u32::MAX));
}

#[test]
fn obs_003_the_slow_band_is_left_after_its_dwell() {
    edges(OBS_003, Limit(500), BELOW, |offset| {
        let mut interlock: Kernel = armed();
        let mut low = good(ARMED, CRUISE);
        look(&mut low, 0, 959_999, u32::MAX);
        interlock.step(&low);
        // Confidence is back from the next step on.
        run(&mut interlock, 1_100_000 + offset, |_| {})
    });
}

#[test]
fn obs_003_after_a_stop_the_robot_is_slow_for_the_whole_dwell() {
    let mut interlock: Kernel = armed();
    interlock.step(&Input { beat: None, ..good(NEXT, CRUISE) });
    for step in 1..=5 {
        assert_eq!(interlock.step(&good(NEXT + step * 100, CRUISE)).primary, ARM_001);
    }
    for step in 6..16 {
        assert_eq!(interlock.step(&good(NEXT + step * 100, CRUISE)).primary, OBS_003, "step {step}");
    }
    assert_eq!(interlock.step(&good(NEXT + 1_600, CRUISE)).primary, MOV_001);
}

#[test]
fn obs_003_time_without_evidence_does_not_count_for_the_dwell() {
    let mut interlock: Kernel = armed();
    let mut low = good(NEXT, CRUISE);
    look(&mut low, 0, 959_999, u32::MAX);
    interlock.step(&low);
    for step in 1..30 {
        interlock.step(&Input { beat: None, ..good(NEXT + step * 100, 0) });
    }
    assert_eq!(interlock.step(&good(NEXT + 3_000, CRUISE)).primary, OBS_003);
}

#[test]
fn obs_004_a_stale_reading() {
    // The sensors have said nothing new since the step before.
    edges(OBS_004, Stop(One), ABOVE, |offset| {
        let mut input: In = good_at(after(100_000 + offset), CRUISE);
        every_sensor(&mut input, |sensor| sensor.taken = at(ARMED));
        armed().step(&input)
    });
    next(OBS_004, Stop(One), ABOVE, |input, offset| {
        input.free_travel = Some(Reading { taken: aged(100_000 + offset), value: Mm(10_000) });
    });
}

#[test]
fn obs_005_a_reading_from_the_future() {
    next(OBS_005, Stop(One), ABOVE, |input, offset| {
        every_sensor(input, |sensor| sensor.taken = aged(-5_000 - offset));
    });
    next(OBS_005, Stop(One), ABOVE, |input, offset| {
        input.free_travel.as_mut().unwrap().taken = aged(-5_000 - offset);
    });
}

#[test]
fn obs_011_stamps_that_go_back() {
    next(OBS_011, Stop(One), BELOW, |input, offset| {
        every_sensor(input, |sensor| sensor.taken = after(offset));
    });
}

#[test]
fn obs_006_a_frozen_sensor() {
    let frozen = |frames: i64, by_number: bool| {
        // The last frame of the armed robot is the first of the equal ones.
        run(&mut armed(), (frames - 1) * 100_000, |input| {
            every_sensor(input, |sensor| if by_number { sensor.seq = START } else { sensor.digest = START });
        })
    };
    edges(OBS_006, Stop(One), AT_LEAST, |offset| frozen(5 + offset, false));
    edges(OBS_006, Stop(One), AT_LEAST, |offset| frozen(5 + offset, true));
}

#[test]
fn obs_007_a_sector_nobody_watches() {
    next(OBS_007, Stop(One), BELOW, |input, offset| {
        for sensor in input.sensors.iter_mut().skip(plus(1, offset)).flatten() {
            sensor.healthy = false;
        }
    });
    let blind = |sector: usize| decide(|input| every_sensor(input, |sensor| sensor.sectors[sector] = None));
    assert_eq!((blind(0).primary, blind(5).verdict), (OBS_007, Verdict::Move));
}

#[test]
fn obs_007_no_mask_and_rotation_mean_all_sectors() {
    let blind_behind = |sectors, linear, angular| {
        decide(|input| {
            every_sensor(input, |sensor| sensor.sectors[4] = None);
            let twist = Twist { linear_mm_per_s: linear, angular_mrad_per_s: angular };
            input.request = Request { twist, sectors, ..input.request };
        })
    };
    assert_eq!(blind_behind(0b1000_0011, 500, 0).verdict, Verdict::Move);
    assert_eq!(blind_behind(0, 500, 0).primary, OBS_007);
    assert_eq!(blind_behind(0xff00, 500, 0).primary, OBS_007, "sectors that do not exist are no mask");
    assert_eq!(blind_behind(0b1000_0011, 0, 300).primary, OBS_007);
}

#[test]
fn obs_012_one_of_those_who_look_there_is_missing() {
    next(OBS_012, Limit(500), BELOW, |input, offset| {
        input.sensors[1].as_mut().unwrap().healthy = 0 <= offset;
    });
    next(OBS_012, Limit(500), BELOW, |input, offset| {
        if offset < 0 {
            input.sensors[1] = None;
        }
    });
    // Silence about a sector that the motion sweeps, and about one that it does not.
    let silent = |sector: usize| decide(|input| input.sensors[1].as_mut().unwrap().sectors[sector] = None);
    assert_eq!((silent(0).primary, silent(5).primary), (OBS_012, MOV_001));
    // Nobody misses a sensor that has never been there.
    let mut alone: Kernel = booted(Config::SIMULATED);
    let steps = (0..=ARMED / 100).map(|step| {
        let mut input = good(step * 100, CRUISE);
        input.sensors[1] = None;
        alone.step(&input)
    });
    let last = steps.last().unwrap();
    assert_eq!((last.verdict, last.primary), (Verdict::Move, MOV_001));
}

#[test]
fn obs_008_a_blind_sensor() {
    next(OBS_008, Stop(One), ABOVE, |input, offset| {
        every_sensor(input, |sensor| {
            sensor.invalid = sheepdog_interlock::Ppm::new(plus(200_000, offset)).unwrap();
        });
    });
}

#[test]
fn obs_009_sensors_that_disagree() {
    let apart = |input: &mut In, by| {
        look(input, 0, 1_000_000, 2_000);
        input.sensors[1].as_mut().unwrap().sectors[0].as_mut().unwrap().obstacle = Mm(plus(2_000, by));
    };
    next(OBS_009, Limit(500), ABOVE, |input, offset| apart(input, 300 + offset));
    // From the first step in which they differ, at 100 ms.
    edges(OBS_009, Stop(One), ABOVE, |offset| {
        let decision = run(&mut armed(), 300_000 + offset, |input| apart(input, 301));
        let slow = decision.verdict == Verdict::Move;
        if slow { decide(|_| {}) } else { decision }
    });
    // What is farther than a stop needs need not be seen by all.
    next(OBS_009, Limit(500), BELOW, |input, offset| {
        look(input, 0, 1_000_000, plus(2_700, offset));
        input.sensors[1].as_mut().unwrap().sectors[0].as_mut().unwrap().obstacle = Mm::MAX;
    });
}

#[test]
fn obs_010_a_contour_that_is_lost_is_missed_as_before() {
    let mut interlock: Kernel = armed();
    let mut last = |seconds: core::ops::Range<u64>, residual| {
        let steps = (seconds.start * 10..seconds.end * 10).map(|step| ARMED + 100 + step * 100);
        steps.fold(None, |_, millis| {
            let mut input = good(millis, CRUISE);
            every_sensor(&mut input, |sensor| sensor.residual = residual);
            Some(interlock.step(&input))
        })
    };
    assert_eq!(last(0..1, Some(Mm(51))).unwrap().primary, OBS_010);
    assert!(last(1..5, None).unwrap().rules.contains(OBS_010), "it has not found its contour again");
    assert_eq!(last(5..8, Some(Mm(50))).unwrap().verdict, Verdict::Move);
}

#[test]
fn obs_010_a_drifting_sensor() {
    let missed = |input: &mut In, by| every_sensor(input, |sensor| sensor.residual = Some(Mm(plus(50, by))));
    next(OBS_010, Limit(500), ABOVE, |input, offset| missed(input, offset));
    // From the first step in which it drifts, at 100 ms.
    edges(OBS_010, Stop(One), AT_LEAST, |offset| {
        let decision = run(&mut armed(), 600_000 + offset, |input| missed(input, 1));
        let slow = decision.verdict == Verdict::Move;
        if slow { decide(|_| {}) } else { decision }
    });
}

#[test]
fn ssm_001_speed_stops_within_the_free_travel() {
    // 200 mm beyond the margin, 150 ms, 800 mm/s²: √(120² + 320000) - 120.
    next(SSM_001, Limit(458), ABOVE, |input, offset| {
        input.free_travel.as_mut().unwrap().value = Mm(400);
        input.request.twist = ahead(plus(458, offset));
    });
    // The older the reading, the slower.
    let older = decide(|input| input.free_travel = Some(Reading { taken: aged(100_000), value: Mm(400) }));
    assert_eq!(older.twist.linear_mm_per_s, 400);
}

#[test]
fn ssm_002_an_obstacle_within_the_margin() {
    next(SSM_002, Stop(One), AT_MOST, |input, offset| {
        input.free_travel.as_mut().unwrap().value = Mm(plus(200, offset));
    });
    assert_eq!(decide(|input| input.free_travel = None).primary, SSM_002, "unknown is no distance");
    let turning = decide(|input| {
        input.free_travel = None;
        input.request.twist = Twist { linear_mm_per_s: 0, angular_mrad_per_s: 300 };
    });
    assert_eq!(turning.verdict, Verdict::Move, "turning in place, it does not matter");
}

#[test]
fn ssm_003_somebody_near_and_detection_degraded() {
    next(SSM_003, Limit(300), AT_MOST, |input, offset| {
        look(input, 5, 1_000_000, plus(1_500, offset));
        input.sensors[1].as_mut().unwrap().healthy = false;
    });
    let alert = decide(|input| look(input, 5, 1_000_000, 300));
    assert_eq!(alert.primary, MOV_001, "with detection at its best, nearness alone is no reason");
}

#[test]
fn clr_001_beside_a_wall_the_robot_creeps_but_is_never_stuck() {
    next(CLR_001, Limit(300), BELOW, |input, offset| input.side_clearance = Some(Mm(plus(150, offset))));
    for clearance in [Some(Mm(0)), None] {
        let decision = decide(|input| input.side_clearance = clearance);
        assert_eq!((decision.twist.linear_mm_per_s, decision.primary), (300, CLR_001));
    }
}

#[test]
fn rel_001_speed_stops_within_the_release() {
    next(REL_001, Limit(458), ABOVE, |input, offset| {
        input.release.as_mut().unwrap().remaining = Mm(200);
        input.request.twist = ahead(plus(458, offset));
    });
    next(REL_001, Stop(Two), BELOW, |input, offset| {
        if offset < 0 {
            input.release = None;
        }
    });
    let ends = |remaining, twist| {
        decide(|input| {
            input.release.as_mut().unwrap().remaining = Mm(remaining);
            input.request.twist = twist;
        })
    };
    assert_eq!(ends(0, ahead(1)).verdict, Verdict::Stop { category: Two, rule: REL_001 });
    let turn = Twist { linear_mm_per_s: 0, angular_mrad_per_s: 300 };
    assert_eq!(ends(0, turn).verdict, Verdict::Move, "turning in place needs none of its length");
}

#[test]
fn rel_001_waiting_for_a_release_is_not_a_fault() {
    let mut interlock: Kernel = armed();
    interlock.step(&Input { release: None, ..good(NEXT, CRUISE) });
    assert_eq!(interlock.step(&good(NEXT + 100, CRUISE)).verdict, Verdict::Move, "no dwell");
}

#[test]
fn rel_002_a_release_for_another_site() {
    next(REL_002, Stop(Two), BELOW, |input, offset| {
        let site = if offset < 0 { SiteVersion([8; 32]) } else { SITE };
        input.release.as_mut().unwrap().site = site;
    });
}

#[test]
fn rel_003_a_release_measured_too_long_ago() {
    let taken = |age: i64| {
        move |input: &mut In, offset: i64| {
            input.release.as_mut().unwrap().taken = aged(age + offset * age.signum());
        }
    };
    next(REL_003, Stop(Two), ABOVE, taken(100_000));
    next(REL_003, Stop(Two), ABOVE, taken(-5_000));
}

#[test]
fn stp_001_a_stop_is_finished_before_motion_starts_again() {
    let after_a_stop = |speed, yaw_rate| {
        let mut interlock: Kernel = armed();
        interlock.step(&Input { beat: None, ..good(NEXT, CRUISE) });
        let mut input = moving(good(NEXT + 100, CRUISE), speed, 0);
        input.odometry.as_mut().unwrap().value.yaw_rate = MradPerS(yaw_rate);
        interlock.step(&input)
    };
    edges(STP_001, Stop(One), ABOVE, |offset| after_a_stop(plus(20, offset), 0));
    for sign in [1, -1] {
        edges(STP_001, Stop(One), ABOVE, |offset| after_a_stop(0, sign * plus::<i32>(100, offset)));
    }
}

#[test]
fn arm_001_motion_waits_for_the_dwell() {
    edges(ARM_001, Stop(Two), BELOW, |offset| {
        let mut interlock: Kernel = booted(Config::SIMULATED);
        interlock.step(&good(ARMED, CRUISE));
        run(&mut interlock, 500_000 + offset, |_| {})
    });
}

#[test]
fn arm_005_not_enough_free_travel_to_start_again() {
    let free = |millis, value| {
        let mut input = good::<1, 8>(millis, CRUISE);
        input.free_travel.as_mut().unwrap().value = Mm(value);
        input
    };
    // Whoever drives goes on down to the stop margin; whoever was stopped starts again beyond the second one.
    let mut interlock: Interlock<1, 8> = armed();
    assert_eq!(interlock.step(&free(NEXT, 201)).verdict, Verdict::Move);
    assert_eq!(interlock.step(&free(NEXT + 100, 200)).primary, SSM_002);
    for step in 2..20 {
        let decision = interlock.step(&free(NEXT + step * 100, 250));
        assert_eq!(decision.verdict, Verdict::Stop { category: Two, rule: ARM_005 });
        assert!(decision.evidence.holds() && decision.evidence.limit == 250);
    }
    let first = (20..40).find(|step| interlock.step(&free(NEXT + step * 100, 251)).verdict == Verdict::Move);
    assert_eq!(first, Some(25), "after the dwell");
}

#[test]
fn arm_003_motion_waits_for_the_rearming_level() {
    edges(ARM_003, Stop(Two), BELOW, |offset| {
        run(&mut booted(Config::SIMULATED), 1_000_000, |input| {
            look(input, 0, plus(950_000, offset), u32::MAX);
        })
    });
}

#[test]
fn spd_001_the_speed_cap() {
    next(SPD_001, Limit(1_000), ABOVE, |input, offset| input.request.twist = ahead(plus(1_000, offset)));
    let backwards = decide(|input| input.request.twist = ahead(i32::MIN));
    assert_eq!((backwards.primary, backwards.twist), (SPD_001, ahead(-1_000)));
}

#[test]
fn spd_004_the_yaw_rate_cap_keeps_the_curvature() {
    let bounded = |linear, angular| {
        decide(|input| {
            input.request.twist = Twist { linear_mm_per_s: linear, angular_mrad_per_s: angular };
        })
    };
    for sign in [1, -1] {
        let decision = bounded(800, sign * 3_000);
        assert_eq!(decision.twist, Twist { linear_mm_per_s: 400, angular_mrad_per_s: sign * 1_500 });
        edges(SPD_004, Limit(799), ABOVE, |offset| bounded(800, sign * plus::<i32>(1_500, offset)));
    }
    let both = bounded(4_000, 3_000);
    assert_eq!(both.twist, Twist { linear_mm_per_s: 1_000, angular_mrad_per_s: 750 });
    assert!(both.rules.contains(SPD_001) && both.rules.contains(SPD_004) && both.primary == SPD_001);
    let both = bounded(2_000, 3_000);
    assert_eq!((both.primary, both.twist.angular_mrad_per_s), (SPD_001, 1_500), "the first of equal factors");
}

/// Whoever turns on the spot sweeps every sector, so a doubt about one of them makes turning slow as it does driving.
#[test]
fn spd_004_in_the_slow_band_turning_is_slow_in_proportion() {
    let turning = |linear, rate, slow: bool| {
        decide(|input| {
            input.request.twist = Twist { linear_mm_per_s: linear, angular_mrad_per_s: rate };
            look(input, 0, if slow { 959_999 } else { 960_000 }, u32::MAX);
        })
    };
    for sign in [1, -1] {
        edges(SPD_004, Limit(0), ABOVE, |offset| turning(0, sign * plus::<i32>(750, offset), true));
        assert_eq!(turning(0, sign * 1_500, true).twist.angular_mrad_per_s, sign * 750);
        assert_eq!(turning(0, sign * 1_500, false).twist.angular_mrad_per_s, sign * 1_500);
    }
    // Of an arc the smaller share counts.
    let arc = turning(600, 1_500, true);
    assert_eq!((arc.primary, arc.twist), (SPD_004, Twist { linear_mm_per_s: 300, angular_mrad_per_s: 750 }));
    let arc = turning(1_000, 1_000, true);
    assert_eq!((arc.primary, arc.twist), (OBS_002, Twist { linear_mm_per_s: 500, angular_mrad_per_s: 500 }));
    // However slow: a robot that may turn at all can, and does not count as standing.
    let config = Config {
        yaw_rate_max: MradPerS(3),
        standstill_yaw: MradPerS(0),
        speed_slow: MmPerS(21),
        ..Config::SIMULATED
    };
    let mut interlock: Kernel = booted(config);
    let mut input = good(ARMED, 0);
    input.request.twist = Twist { linear_mm_per_s: 0, angular_mrad_per_s: 3 };
    for millis in (ARMED - 600..ARMED).step_by(100) {
        interlock.step(&good(millis, 0));
    }
    assert_eq!(interlock.step(&input).twist.angular_mrad_per_s, 1);
    let config = Config { speed_slow: MmPerS(21), ..Config::SIMULATED };
    let mut interlock: Kernel = booted(config);
    for millis in (ARMED - 600..ARMED).step_by(100) {
        interlock.step(&good(millis, 0));
    }
    input.request.twist.angular_mrad_per_s = 1_500;
    assert_eq!(interlock.step(&input).twist.angular_mrad_per_s, 101);
}

#[test]
fn mov_001_a_permit_names_its_reason() {
    next(MOV_001, Limit(CRUISE), [true; 3], |input, offset| {
        input.side_clearance = Some(Mm(plus(1_000, offset)));
    });
    let decision = decide(|_| {});
    assert_eq!((decision.evidence.measured, decision.evidence.limit), (600, 1_000));
    assert!(decision.rules.iter().eq([MOV_001]));
    assert_eq!(decide(|input| input.request.twist = ahead(1_000)).primary, MOV_001);
    assert_eq!(decide(|input| input.request.twist = ahead(1_001)).primary, SPD_001);
}

#[test]
fn idl_001_standing_still_is_not_a_stop() {
    // Nobody looks anywhere, there is no release and no map: it does not matter as long as nobody wants to move.
    let unknown = moving(Input::<2, 8>::unknown(at(NEXT), SITE), 0, 0);
    let mut interlock = armed();
    let decision = interlock.step(&unknown);
    assert_eq!((decision.verdict, decision.primary), (Verdict::Idle, IDL_001));
    assert!(decision.evidence.holds() && decision.rules.iter().eq([IDL_001]));
    assert_eq!(interlock.step(&good(NEXT + 100, CRUISE)).verdict, Verdict::Move);
    for (linear, angular) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
        let twist = Twist { linear_mm_per_s: linear, angular_mrad_per_s: angular };
        assert_ne!(decide(|input| input.request.twist = twist).primary, IDL_001);
    }
}

/// Every rule of the catalogue is the subject of a test, here or (a contradiction of the interlock with itself) beside
/// the state machine.
#[test]
fn no_rule_is_without_a_test() {
    let sources = [include_str!("rules.rs"), include_str!("../../src/machine.rs")];
    for rule in RULES {
        let name = rule.id.as_str().to_lowercase().replace('-', "_");
        let is_subject = |line: &str| line.trim_start().starts_with(&format!("fn {name}"));
        assert!(sources.iter().any(|source| source.lines().any(is_subject)), "{} has no test", rule.id);
    }
}

/// The defaults that the catalogue states are those of simulated robots, as far as they are one number.
#[test]
fn stated_defaults_are_the_simulated_ones() {
    let config = Config::SIMULATED;
    let stated = |rule: RuleId, name: &str| {
        let rule = RULES.iter().find(|entry| entry.id == rule).unwrap();
        let parameter = rule.parameters.iter().find(|parameter| parameter.name == name).unwrap();
        parameter.default.replace('_', "").parse::<u64>().unwrap()
    };
    assert_eq!(stated(OBS_001, "confidence_stop"), u64::from(config.confidence_stop.ppm()));
    assert_eq!(stated(OBS_002, "speed_slow"), u64::from(config.speed_slow.0));
    assert_eq!(stated(COM_002, "beat_timeout"), config.beat_timeout.as_micros());
    assert_eq!(stated(CLK_003, "cycle_max"), config.cycle_max.as_micros());
    assert_eq!(stated(ARM_004, "chatter_window"), config.chatter_window.as_micros());
    assert_eq!(stated(PCK_001, "pack_age_max"), config.pack_age_max.as_micros());
    assert_eq!(stated(STP_003, "stop_distance_percent"), u64::from(config.stop_distance_percent));
}
