//! The fault list, as far as a kernel can see it: each fault played on a running robot, the rule that finds it, and by
//! when the robot's last permit is dead.

use std::cell::Cell;

use sheepdog_interlock::{
    BootNonce, Confidence, Config, Guarded, Input, Interlock, Memory, Micros, Mm, MmPerS, MradPerS, Ppm,
    RULES, Record, ResetStep, Restart, Revocation, RobotTime, RuleId, SectorReading, SelfTest, Sink,
    SinkFull, SiteVersion, StopCategory, Twist, Verdict,
    packs::{PackSlot, PackVerdict, Ruling},
    rules::*,
};

use crate::{
    common::{
        UNAPPROVED, ahead, at_micros, because, booted, earlier, every_sensor, good_at, look, reset,
        simulated, stop,
    },
    plant::{Habits, Plant, Scene},
};

type In = Input<2, 8>;

/// What a fault does to the robot and to its inputs, so many steps after it has begun.
type Play = fn(&mut Run, &mut In, u64);

/// Where a fault shows.
enum Seen {
    /// Here, by this rule; and if it stops the robot, its last permit is dead so many milliseconds after the fault began.
    Kernel(RuleId, Option<u64>, Play),
    /// In another layer, which is named.
    Elsewhere(&'static str),
}
use Seen::{Elsewhere, Kernel};

/// The robot's cycle, milliseconds.
const CYCLE: u64 = 50;
/// For how many of them a fault is played.
const STEPS: u64 = 100;

/// A robot at 600 mm/s on which a fault is played.
struct Run {
    scene: Scene<2>,
    begun: RobotTime,
    /// Whether the log is full.
    full: bool,
    /// Whether permits are taken back in the middle of a step.
    revoking: bool,
}

struct Log(bool);

impl Sink<2, 8> for Log {
    fn accept(&mut self, _: &Record, _: &In) -> Result<(), SinkFull> {
        if self.0 { Err(SinkFull) } else { Ok(()) }
    }
}

/// Counts up whenever it is looked at, if it is revoking.
struct Count(Cell<u32>, bool);

impl Revocation for Count {
    fn generation(&self) -> u32 {
        self.0.replace(self.0.get() + u32::from(self.1))
    }
}

impl Run {
    fn begin() -> Self {
        let cycle = Micros::from_millis(CYCLE);
        let mut scene = Scene::new(booted(Config::SIMULATED), Habits::DECLARED, cycle).cruise();
        scene.drive(1_500);
        let begun = scene.now;
        Self { scene, begun, full: false, revoking: false }
    }

    /// Plays a fault, and says which rules fired and when the last permit before the first stop was dead.
    fn play(mut self, play: Play) -> (Vec<RuleId>, Option<RobotTime>) {
        let (mut fired, mut dead) = (Vec::new(), None);
        for step in 1..=STEPS {
            self.scene.now = self.scene.now + self.scene.cycle;
            self.scene.body.borrow_mut().advance(self.scene.now);
            let mut input = self.scene.input();
            play(&mut self, &mut input, step);
            let count = Count(Cell::new(1), self.revoking);
            let decision = self.scene.robot.step_unless(&count, &input, &mut Log(self.full));
            assert!(decision.evidence.holds(), "{decision:?}");
            fired.extend(decision.rules.iter());
            if decision.verdict != Verdict::Move {
                dead = dead.or(Some(self.scene.body.borrow().permitted_until));
            }
        }
        (fired, dead)
    }

    /// Starts the program anew, with what is known of before.
    fn restart(&mut self, restart: Restart) {
        let interlock = Interlock::new(simulated(), simulated().digest(), restart);
        self.scene.robot = Guarded::new(interlock, Plant(std::rc::Rc::clone(&self.scene.body)), BootNonce(2));
    }

    fn memory(&self) -> Memory {
        self.scene.robot.interlock().memory()
    }
}

fn pack(input: &mut In, slot: PackSlot, ruling: Ruling) {
    input.packs[slot.index()] = Some(PackVerdict::new(input.now, ruling));
}

const STOP: Ruling = Ruling::Stop { category: StopCategory::One, evidence: because(11) };
const LATCH: Ruling = Ruling::Latch { category: StopCategory::One, evidence: because(11) };
const LIMIT: Ruling = Ruling::Limit { speed: MmPerS(300), evidence: because(11) };

/// What a sensor says whose driver could not make a confidence of a number.
fn said(input: &mut In, fraction: f64) {
    let confidence = Confidence::from_fraction(fraction).ok();
    every_sensor(input, |sensor| {
        sensor.sectors = [confidence.map(|confidence| SectorReading { confidence, obstacle: Mm::MAX }); 8];
    });
}

/// The fault list of the reference, in its order.
const FAULTS: [(&str, Seen); 51] = [
    // Communication.
    ("comms loss", Kernel(COM_002, Some(600), |run, input, _| input.beat = Some(run.begun))),
    ("handover gap", Kernel(PCK_002, Some(CYCLE), |_, input, _| pack(input, PackSlot::TELEOP, STOP))),
    ("handover overlap", Kernel(PCK_002, Some(CYCLE), |_, input, _| pack(input, PackSlot::TELEOP, STOP))),
    ("delay", Kernel(COM_005, Some(CYCLE), |_, input, _| input.request.issued = earlier(input.now, 250_000))),
    (
        "jitter",
        Kernel(COM_004, Some(2 * CYCLE), |_, input, step| {
            input.request.issued = earlier(input.now, step % 2 * 90_000 + 10_000);
        }),
    ),
    (
        "reorder",
        Kernel(COM_004, Some(2 * CYCLE), |_, input, step| {
            input.request.issued = earlier(input.now, [60_000, 0][usize::from(step % 2 == 1)]);
        }),
    ),
    (
        "duplicate",
        Kernel(COM_004, Some(CYCLE), |run, input, _| {
            (input.request.issued, input.request.twist) = (run.begun, ahead(500));
        }),
    ),
    ("corrupt", Elsewhere("wire: every_flipped_bit_is_refused")),
    ("truncate", Elsewhere("wire: every_flipped_bit_is_refused, of every length")),
    (
        "burst loss",
        Kernel(COM_001, None, |run, input, step| {
            input.beat = Some(run.begun + Micros::from_millis(step / 8 * 8 * CYCLE));
        }),
    ),
    (
        "asymmetric partition",
        Kernel(REL_001, Some(1_500), |run, input, _| {
            // The fleet hears nothing and releases no more; the robot drives to the end of what it has.
            let gone = input.now.since(run.begun).unwrap().as_millis() * 600 / 1_000;
            input.release.as_mut().unwrap().remaining =
                Mm(500_u32.saturating_sub(u32::try_from(gone).unwrap()));
        }),
    ),
    (
        "flapping",
        Kernel(ARM_004, Some(CYCLE), |_, input, step| {
            if step % 20 == 1 {
                input.beat = None;
            }
        }),
    ),
    (
        "stale replay",
        Kernel(OBS_011, Some(CYCLE), |run, input, step| {
            let taken = earlier(run.begun, 500_000) + Micros::from_millis(step * CYCLE);
            every_sensor(input, |sensor| sensor.taken = taken);
        }),
    ),
    // Sensors.
    ("sensor dropout", Kernel(OBS_007, Some(CYCLE), |_, input, _| input.sensors = [None; 2])),
    (
        "freeze",
        Kernel(OBS_006, Some(5 * CYCLE), |_, input, _| every_sensor(input, |sensor| sensor.digest = 3)),
    ),
    (
        "NaN",
        Kernel(OBS_008, Some(CYCLE), |_, input, _| {
            said(input, f64::NAN);
            every_sensor(input, |sensor| sensor.invalid = Ppm::ONE);
        }),
    ),
    ("inf", Kernel(OBS_007, Some(CYCLE), |_, input, _| said(input, f64::INFINITY))),
    ("out-of-range", Kernel(OBS_007, Some(CYCLE), |_, input, _| said(input, 92.5))),
    (
        "bias",
        Kernel(OBS_010, Some(600), |_, input, _| {
            every_sensor(input, |sensor| sensor.residual = Some(Mm(60)));
        }),
    ),
    (
        "slow drift",
        Kernel(OBS_010, Some(2_600), |_, input, step| {
            every_sensor(input, |sensor| sensor.residual = Some(Mm(10 + u32::try_from(step).unwrap())));
        }),
    ),
    (
        "noise",
        Kernel(OBS_001, Some(2 * CYCLE), |_, input, step| {
            look(input, 0, if step % 2 == 0 { 920_000 } else { 930_000 }, u32::MAX);
        }),
    ),
    (
        "stuck-high confidence",
        // Frames are live and sure of an empty way; the other sensor sees less and less, and somebody.
        Kernel(OBS_009, Some(300), |_, input, step| {
            look(input, 0, 1_000_000_u32.saturating_sub(1_000 * u32::try_from(step).unwrap()), 2_000);
            input.sensors[0].as_mut().unwrap().sectors[0] =
                Some(SectorReading { confidence: Confidence::FULL, obstacle: Mm::MAX });
        }),
    ),
    ("stuck-low", Kernel(OBS_001, Some(CYCLE), |_, input, _| look(input, 0, 0, u32::MAX))),
    (
        "partial sector blind",
        Kernel(OBS_007, Some(CYCLE), |_, input, _| every_sensor(input, |sensor| sensor.sectors[0] = None)),
    ),
    (
        "false clear",
        Kernel(OBS_009, Some(300), |_, input, _| {
            input.sensors[1].as_mut().unwrap().sectors[0].as_mut().unwrap().obstacle = Mm(2_000);
        }),
    ),
    (
        "ghost obstacle",
        Kernel(SSM_002, Some(CYCLE), |_, input, _| input.free_travel.as_mut().unwrap().value = Mm(150)),
    ),
    (
        "future stamp",
        Kernel(OBS_005, Some(CYCLE), |_, input, _| {
            every_sensor(input, |sensor| sensor.taken = RobotTime::MAX);
        }),
    ),
    (
        "old stamp",
        Kernel(OBS_004, Some(200), |run, input, _| {
            let begun = run.begun;
            every_sensor(input, |sensor| sensor.taken = begun);
        }),
    ),
    (
        "sensor swap",
        // Each misses the contour that belongs to the other's place.
        Kernel(OBS_010, Some(600), |_, input, _| {
            input.sensors.swap(0, 1);
            every_sensor(input, |sensor| sensor.residual = Some(Mm(400)));
        }),
    ),
    // Clocks.
    (
        "clock back",
        Kernel(CLK_001, Some(CYCLE), |run, input, step| {
            let now = earlier(run.begun, 1_000_000) + Micros::from_millis(step * CYCLE);
            input.now = now;
        }),
    ),
    (
        "clock forward",
        Kernel(CLK_002, Some(CYCLE + 400), |run, input, step| {
            if step == 1 {
                run.scene.now = run.scene.now + Micros::from_millis(400);
                *input = good_at(run.scene.now, 600);
            }
        }),
    ),
    // What is stamped by others goes on.
    ("clock stall", Kernel(OBS_005, Some(CYCLE), |run, input, _| input.now = run.begun)),
    ("32-bit wrap", Kernel(CLK_001, Some(CYCLE), |_, input, _| input.now = at_micros(17))),
    // The base.
    (
        "brake fade",
        Kernel(STP_003, Some(CYCLE), |run, input, _| {
            run.scene.body.borrow_mut().habits.deceleration = 450.0;
            input.beat = None;
        }),
    ),
    (
        "brake stuck open",
        Kernel(STP_003, Some(CYCLE), |run, input, _| {
            run.scene.body.borrow_mut().habits.deceleration = 0.0;
            input.beat = None;
        }),
    ),
    (
        "delayed actuation",
        Kernel(STP_003, Some(CYCLE), |run, input, _| {
            run.scene.body.borrow_mut().habits.delay = Micros::from_millis(600);
            input.beat = None;
        }),
    ),
    ("runaway", Kernel(SPD_002, Some(400), |run, _, _| run.scene.body.borrow_mut().habits.gain = 2.0)),
    (
        "wheel slip",
        Kernel(SPD_002, Some(150), |_, input, _| input.odometry.as_mut().unwrap().value.speed = MmPerS(800)),
    ),
    // The building.
    ("lift failure", Kernel(PCK_002, Some(CYCLE), |_, input, _| pack(input, PackSlot::LIFT, STOP))),
    ("lift door stuck", Kernel(PCK_003, Some(CYCLE), |_, input, _| pack(input, PackSlot::LIFT, LATCH))),
    (
        "fire door shut",
        Kernel(SSM_001, Some(2_000), |run, input, _| {
            let gone = input.now.since(run.begun).unwrap().as_millis() * 600 / 1_000;
            input.free_travel.as_mut().unwrap().value =
                Mm(1_000_u32.saturating_sub(u32::try_from(gone).unwrap()));
        }),
    ),
    // Power.
    ("low battery", Kernel(PCK_004, None, |_, input, _| pack(input, PackSlot::POWER, LIMIT))),
    ("brown-out", Kernel(ARM_002, Some(CYCLE), |_, input, _| input.self_test = SelfTest::Failed)),
    // Buttons.
    ("e-stop", Kernel(EST_003, Some(CYCLE), |_, input, _| input.emergency_button = Some(true))),
    (
        "e-stop bounce",
        Kernel(RST_001, Some(CYCLE), |_, input, step| {
            input.emergency_button = Some(step % 2 == 1 && step < 9);
        }),
    ),
    (
        "reset button stuck",
        Kernel(RST_003, Some(CYCLE), |_, input, step| {
            (input.bumper, input.reset_button) = (Some(step == 1), (2..95).contains(&step));
        }),
    ),
    // Where it is.
    ("leaves map", Kernel(PCK_002, Some(CYCLE), |_, input, _| pack(input, PackSlot::MAP, STOP))),
    (
        "localisation jump",
        Kernel(REL_003, Some(200), |run, input, _| input.release.as_mut().unwrap().taken = run.begun),
    ),
    // The program.
    (
        "process crash",
        Kernel(INT_002, Some(CYCLE), |run, input, step| match step {
            1 => input.bumper = Some(true),
            2 => {
                let memory = run.memory();
                run.restart(Restart::Remembered(memory));
            }
            _ => {}
        }),
    ),
    (
        "restart mid-motion",
        Kernel(STP_001, Some(CYCLE), |run, _, step| {
            if step == 1 {
                let memory = run.memory();
                run.restart(Restart::Remembered(memory));
            }
        }),
    ),
    ("log full", Kernel(LOG_001, Some(CYCLE), |run, _, _| run.full = true)),
];

/// Faults that the list does not have, and what a robot meets without any fault: until every rule has one.
const MORE: [(&str, Seen); 36] = [
    (
        "the supervisor stutters",
        Kernel(COM_001, None, |_, input, _| input.beat = Some(earlier(input.now, 250_000))),
    ),
    (
        "settings changed on the robot",
        Kernel(CFG_001, Some(CYCLE), |run, _, step| {
            if step == 1 {
                let interlock = Interlock::new(simulated(), UNAPPROVED, Restart::First);
                let plant = Plant(std::rc::Rc::clone(&run.scene.body));
                run.scene.robot = Guarded::new(interlock, plant, BootNonce(3));
            }
        }),
    ),
    (
        "memory lost",
        Kernel(INT_002, Some(CYCLE), |run, _, step| {
            if step == 1 {
                run.restart(Restart::Unreadable);
            }
        }),
    ),
    (
        "the fleet stops it",
        Kernel(EST_001, Some(CYCLE), |_, input, _| input.stop = Some(stop(1, StopCategory::One))),
    ),
    ("bumped into something", Kernel(EST_002, Some(CYCLE), |_, input, step| input.bumper = Some(step == 1))),
    ("cable of the button cut", Kernel(EST_004, Some(CYCLE), |_, input, _| input.emergency_button = None)),
    ("wheel encoders silent", Kernel(ODO_001, Some(CYCLE), |_, input, _| input.odometry = None)),
    (
        "wheel encoders frozen",
        Kernel(ODO_001, Some(150), |run, input, _| {
            input.odometry.as_mut().unwrap().taken = run.begun;
        }),
    ),
    (
        "odometer frozen",
        Kernel(ODO_002, Some(2_150), |run, input, _| {
            input.odometry.as_mut().unwrap().value = crate::common::odometry(run.begun, 600, 0).value;
        }),
    ),
    (
        "one wheel blocked",
        Kernel(SPD_005, Some(100), |_, input, _| {
            input.odometry.as_mut().unwrap().value.yaw_rate = MradPerS(2_000);
        }),
    ),
    (
        "creeping on a slope after a stop",
        Kernel(STP_002, Some(CYCLE), |_, input, _| {
            input.beat = None;
            let odometry = &mut input.odometry.as_mut().unwrap().value;
            odometry.speed = odometry.speed.max(MmPerS(25));
        }),
    ),
    (
        "pushed while it stands",
        Kernel(STP_004, Some(CYCLE), |run, input, step| {
            input.beat = None;
            if step == 60 {
                run.scene.body.borrow_mut().travelled += 100.0;
            }
        }),
    ),
    (
        "a pack that hangs",
        Kernel(PCK_001, Some(300), |run, input, _| {
            input.packs[0].as_mut().unwrap().taken = run.begun;
        }),
    ),
    ("a planner that hangs", Kernel(COM_005, Some(300), |run, input, _| input.request.issued = run.begun)),
    (
        "half a reset",
        Kernel(RST_002, Some(CYCLE), |_, input, step| {
            input.bumper = Some(step == 1);
            input.reset = (step == 40).then(|| reset(0, ResetStep::Acknowledge));
        }),
    ),
    ("taken back by an interrupt", Kernel(REV_001, Some(CYCLE), |run, _, _| run.revoking = true)),
    ("a map swap", Kernel(REL_002, Some(CYCLE), |_, input, _| input.site = SiteVersion([9; 32]))),
    ("release withdrawn", Kernel(REL_001, Some(CYCLE), |_, input, _| input.release = None)),
    (
        "a step that comes late",
        Kernel(CLK_003, None, |run, input, step| {
            if step == 1 {
                run.scene.now = run.scene.now + Micros::from_millis(80);
                let odometry = input.odometry;
                *input = Input { odometry, ..good_at(run.scene.now, 600) };
            }
        }),
    ),
    (
        "one sensor gone and somebody near",
        Kernel(SSM_003, None, |_, input, _| {
            look(input, 4, 1_000_000, 1_000);
            input.sensors[1] = None;
        }),
    ),
    ("one sensor gone", Kernel(OBS_012, None, |_, input, _| input.sensors[1] = None)),
    ("a narrow doorway", Kernel(CLR_001, None, |_, input, _| input.side_clearance = Some(Mm(80)))),
    ("dim light", Kernel(OBS_002, None, |_, input, _| look(input, 0, 940_000, u32::MAX))),
    (
        "a moment of dim light",
        Kernel(OBS_003, None, |_, input, step| {
            look(input, 0, if step == 1 { 940_000 } else { 1_000_000 }, u32::MAX);
        }),
    ),
    (
        "dim light after a stop",
        Kernel(ARM_003, Some(CYCLE), |_, input, step| {
            look(input, 0, if step == 1 { 900_000 } else { 940_000 }, u32::MAX);
        }),
    ),
    (
        "somebody waits just beyond the margin",
        Kernel(ARM_005, Some(CYCLE), |_, input, step| {
            let nearer = if step == 1 { 190 } else { 230 };
            input.free_travel.as_mut().unwrap().value = Mm(nearer);
        }),
    ),
    (
        "a moment without a beat",
        Kernel(ARM_001, Some(CYCLE), |_, input, step| {
            if step < 20 {
                input.beat = None;
            }
        }),
    ),
    (
        "a stop under way",
        Kernel(STP_001, Some(CYCLE), |_, input, step| {
            if step == 1 {
                input.beat = None;
            }
        }),
    ),
    (
        "a covered lens",
        Kernel(OBS_008, Some(CYCLE), |_, input, _| {
            every_sensor(input, |sensor| sensor.invalid = Ppm::ONE);
        }),
    ),
    (
        "a self-test that fails",
        Kernel(ARM_002, Some(CYCLE), |_, input, _| input.self_test = SelfTest::NotRun),
    ),
    ("a zone of walking pace", Kernel(PCK_004, None, |_, input, _| pack(input, PackSlot::MAP, LIMIT))),
    ("too fast a command", Kernel(SPD_001, None, |_, input, _| input.request.twist = ahead(2_000))),
    (
        "too sharp a turn",
        Kernel(SPD_004, None, |_, input, _| {
            input.request.twist = Twist { linear_mm_per_s: 600, angular_mrad_per_s: 2_000 };
        }),
    ),
    ("nothing wrong", Kernel(MOV_001, None, |_, _, _| {})),
    ("nothing to do", Kernel(IDL_001, Some(CYCLE), |_, input, _| input.request.twist = Twist::ZERO)),
    (
        "a contradiction of the kernel with itself",
        Elsewhere("src/machine.rs: int_001_a_contradiction_latches"),
    ),
];

#[test]
fn every_fault_is_found_in_time() {
    let mut wrong = Vec::new();
    for (name, seen) in FAULTS.iter().chain(&MORE) {
        let Kernel(rule, within, play) = seen else { continue };
        let run = Run::begin();
        let begun = run.begun;
        let (fired, dead) = run.play(*play);
        if !fired.contains(rule) {
            wrong.push(format!("{name}: {rule} never fired; {fired:?}"));
        }
        match (within, dead) {
            (None, None) => {}
            (Some(within), Some(dead)) if dead <= begun + Micros::from_millis(*within) => {}
            (within, dead) => {
                let after = dead.and_then(|dead| dead.since(begun));
                wrong.push(format!("{name}: the permit was dead after {after:?}, expected {within:?} ms"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_its_fault() {
    for rule in RULES {
        let is_found = |seen: &Seen| match seen {
            Kernel(found, ..) => *found == rule.id,
            // The one rule that nothing from outside can break.
            Elsewhere(place) => rule.id == INT_001 && place.contains("int_001"),
        };
        assert!(FAULTS.iter().chain(&MORE).any(|(_, seen)| is_found(seen)), "{} has no fault", rule.id);
    }
}

#[test]
fn whatever_is_seen_elsewhere_is_named() {
    let places = [include_str!("wire.rs"), include_str!("../../src/machine.rs")];
    for (name, seen) in FAULTS.iter().chain(&MORE) {
        let Elsewhere(place) = seen else { continue };
        let (layer, what) = place.split_once(": ").unwrap();
        let test = what.split(',').next().unwrap();
        let is_there = places.iter().any(|source| source.contains(&format!("fn {test}(")));
        assert!(is_there, "{name}: {layer}: {what}");
    }
}
