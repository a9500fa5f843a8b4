//! The transition table, literally, and the machine compared with it from outside: every state, every event.

use sheepdog_interlock::{
    Config, Decision, Input, Interlock, ResetStep, RuleId, State, StopCategory, Verdict, rules::*,
};

use crate::common::{ARMED, CRUISE, armed, booted, good, look, moving, reset, stop};

type Kernel = Interlock<2, 8>;

/// When the event comes, in milliseconds.
const NOW: u64 = ARMED + 5_000;

/// The kinds of [`State`], in the order of its variants.
const STATES: [&str; 7] = ["Boot", "Stopped", "Slow", "Ready", "Stopping", "Latched", "Acknowledged"];

/// A new state does not compile until it has a name, and then the table has to get a column.
const fn name(state: &State) -> &'static str {
    match state {
        State::Boot => STATES[0],
        State::Stopped { .. } => STATES[1],
        State::Slow => STATES[2],
        State::Ready => STATES[3],
        State::Stopping { .. } => STATES[4],
        State::Latched { .. } => STATES[5],
        State::Acknowledged { .. } => STATES[6],
    }
}

/// What a step can bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The emergency button, whatever else.
    Button,
    /// The bumper, and an acknowledgement that comes too early.
    BumperAndReset,
    /// A stop order.
    Order,
    /// No beat; the robot stands.
    Deny,
    /// No beat; the robot moves.
    DenyMoving,
    /// Everything good since just now.
    Good,
    /// Everything good for the dwell.
    Armed,
    /// Everything good for the dwell, but the robot moves.
    ArmedMoving,
    /// Everything good for the dwell of the slow band.
    Risen,
    /// Confidence in the slow band and above the re-arming level, for the dwell.
    Low,
    /// Everything good for the dwell, and no release.
    Held,
    /// Everything good since just now; nobody wants to move.
    Idle,
    /// No beat, and nobody wants to move.
    IdleDeny,
    /// Everything good for the dwell; nobody wants to move.
    IdleArmed,
    /// Everything good since just now, and an acknowledgement.
    Acknowledge,
    /// The same of a robot that moves.
    AcknowledgeMoving,
    /// Everything good since just now, and a start.
    Start,
}
use Event::{
    Acknowledge, AcknowledgeMoving, Armed, ArmedMoving, BumperAndReset, Button, Deny, DenyMoving, Good, Held,
    Idle, IdleArmed, IdleDeny, Low, Order, Risen, Start,
};

/// What comes of it: the state, how motion ends (`-` for a permit, `i` for idleness), and the rule that decides.
type Row = (&'static str, char, RuleId);

/// An interlock in a state just before [`NOW`], after inputs that have been good for so many milliseconds.
fn kernel(state: &str, good_for: u64) -> Kernel {
    // A halted robot whose inputs have been good for longer is no longer halted.
    let good_for =
        if ["Boot", "Stopped", "Stopping"].contains(&state) { good_for.min(500) } else { good_for };
    let mut kernel: Kernel = if state == "Boot" { booted(Config::SIMULATED) } else { armed() };
    let last_bad = NOW - 100 - good_for;
    if state != "Boot" {
        for millis in (ARMED + 100..last_bad).step_by(100) {
            kernel.step(&good(millis, CRUISE));
        }
    }
    if state == "Acknowledged" {
        let order = Some(stop(3, StopCategory::One));
        kernel.step(&Input { stop: order, ..good(last_bad, CRUISE) });
    }
    let mut input = good(last_bad, CRUISE);
    let speed = if state == "Stopping" { 100 } else { 0 };
    match state {
        "Boot" | "Stopped" | "Stopping" => input = Input { beat: None, ..moving(input, speed, 0) },
        "Slow" => look(&mut input, 0, 955_000, u32::MAX),
        "Latched" => input.stop = Some(stop(3, StopCategory::One)),
        "Acknowledged" => input.reset = Some(reset(3, ResetStep::Acknowledge)),
        _ => {}
    }
    kernel.step(&input);
    for millis in (NOW - good_for..NOW).step_by(100) {
        kernel.step(&moving(good(millis, 0), speed, 0));
    }
    assert_eq!(name(&kernel.state()), state);
    kernel
}

/// For how long inputs have been good before the event.
const fn good_for(event: Event) -> u64 {
    match event {
        Risen => 1_000,
        Armed | ArmedMoving | IdleArmed | Low | Held => 500,
        Button | BumperAndReset | Order | Deny | DenyMoving | Good | Idle | IdleDeny | Acknowledge
        | AcknowledgeMoving | Start => 0,
    }
}

fn happens(event: Event) -> Input<2, 8> {
    let mut input = good(NOW, CRUISE);
    let order = |step| Some(reset(3, step));
    match event {
        Button => input.emergency_button = Some(true),
        BumperAndReset => (input.bumper, input.reset) = (Some(true), order(ResetStep::Acknowledge)),
        Order => input.stop = Some(stop(9, StopCategory::Two)),
        Deny => input.beat = None,
        DenyMoving => input = Input { beat: None, ..moving(input, 100, 0) },
        Good | Armed | Risen => {}
        ArmedMoving => input = moving(input, 100, 0),
        Low => look(&mut input, 0, 955_000, u32::MAX),
        Held => input.release = None,
        Idle | IdleArmed => input.request.twist = sheepdog_interlock::Twist::ZERO,
        IdleDeny => (input.beat, input.request.twist) = (None, sheepdog_interlock::Twist::ZERO),
        Acknowledge => input.reset = order(ResetStep::Acknowledge),
        AcknowledgeMoving => {
            input = Input { reset: order(ResetStep::Acknowledge), ..moving(input, 100, 0) };
        }
        Start => input.reset = order(ResetStep::Start),
    }
    input
}

fn row(kernel: &Kernel, decision: &Decision) -> Row {
    let ends = match decision.verdict {
        Verdict::Move => '-',
        Verdict::Idle => 'i',
        Verdict::Stop { category: StopCategory::Zero, .. } => '0',
        Verdict::Stop { category: StopCategory::One, .. } => '1',
        Verdict::Stop { category: StopCategory::Two, .. } => '2',
    };
    (name(&kernel.state()), ends, decision.primary)
}

/// Event by event, the outcome in each of [`STATES`].
const TABLE: [(Event, [Row; 7]); 17] = [
    (
        Button,
        [
            ("Latched", '0', EST_003), // Boot
            ("Latched", '0', EST_003), // Stopped
            ("Latched", '0', EST_003), // Slow
            ("Latched", '0', EST_003), // Ready
            ("Latched", '0', EST_003), // Stopping
            ("Latched", '0', EST_003), // Latched
            ("Latched", '0', EST_003), // Acknowledged
        ],
    ),
    (
        BumperAndReset,
        [
            ("Latched", '1', EST_002), // Boot
            ("Latched", '1', EST_002), // Stopped
            ("Latched", '1', EST_002), // Slow
            ("Latched", '1', EST_002), // Ready
            ("Latched", '1', EST_002), // Stopping
            ("Latched", '1', EST_002), // Latched
            ("Latched", '1', EST_002), // Acknowledged
        ],
    ),
    (
        Order,
        [
            ("Latched", '2', EST_001), // Boot
            ("Latched", '2', EST_001), // Stopped
            ("Latched", '2', EST_001), // Slow
            ("Latched", '2', EST_001), // Ready
            ("Latched", '2', EST_001), // Stopping
            ("Latched", '1', EST_001), // Latched
            ("Latched", '2', EST_001), // Acknowledged
        ],
    ),
    (
        Deny,
        [
            ("Boot", '1', COM_002),         // Boot
            ("Stopped", '1', COM_002),      // Stopped
            ("Stopped", '1', COM_002),      // Slow
            ("Stopped", '1', COM_002),      // Ready
            ("Stopped", '1', COM_002),      // Stopping
            ("Latched", '1', RST_001),      // Latched
            ("Acknowledged", '1', RST_002), // Acknowledged
        ],
    ),
    (
        DenyMoving,
        [
            ("Boot", '1', COM_002),         // Boot
            ("Stopping", '1', COM_002),     // Stopped
            ("Stopping", '1', COM_002),     // Slow
            ("Stopping", '1', COM_002),     // Ready
            ("Stopping", '1', COM_002),     // Stopping
            ("Latched", '1', RST_001),      // Latched
            ("Acknowledged", '1', RST_002), // Acknowledged
        ],
    ),
    (
        Good,
        [
            ("Boot", '2', ARM_001),         // Boot
            ("Stopped", '2', ARM_001),      // Stopped
            ("Slow", '-', OBS_003),         // Slow
            ("Ready", '-', MOV_001),        // Ready
            ("Stopped", '2', ARM_001),      // Stopping
            ("Latched", '1', RST_001),      // Latched
            ("Acknowledged", '1', RST_002), // Acknowledged
        ],
    ),
    (
        Armed,
        [
            ("Slow", '-', OBS_003),         // Boot
            ("Slow", '-', OBS_003),         // Stopped
            ("Slow", '-', OBS_003),         // Slow
            ("Ready", '-', MOV_001),        // Ready
            ("Slow", '-', OBS_003),         // Stopping
            ("Latched", '1', RST_001),      // Latched
            ("Acknowledged", '1', RST_002), // Acknowledged
        ],
    ),
    (
        ArmedMoving,
        [
            ("Boot", '1', STP_001),         // Boot
            ("Stopping", '1', STP_001),     // Stopped
            ("Slow", '-', OBS_003),         // Slow
            ("Ready", '-', MOV_001),        // Ready
            ("Stopping", '1', STP_001),     // Stopping
            ("Latched", '1', RST_001),      // Latched
            ("Acknowledged", '1', RST_002), // Acknowledged
        ],
    ),
    (
        Risen,
        [
            ("Slow", '-', OBS_003),         // Boot
            ("Slow", '-', OBS_003),         // Stopped
            ("Ready", '-', MOV_001),        // Slow
            ("Ready", '-', MOV_001),        // Ready
            ("Slow", '-', OBS_003),         // Stopping
            ("Latched", '1', RST_001),      // Latched
            ("Acknowledged", '1', RST_002), // Acknowledged
        ],
    ),
    (
        Low,
        [
            ("Slow", '-', OBS_002),         // Boot
            ("Slow", '-', OBS_002),         // Stopped
            ("Slow", '-', OBS_002),         // Slow
            ("Slow", '-', OBS_002),         // Ready
            ("Slow", '-', OBS_002),         // Stopping
            ("Latched", '1', RST_001),      // Latched
            ("Acknowledged", '1', RST_002), // Acknowledged
        ],
    ),
    (
        Held,
        [
            ("Slow", '2', REL_001),         // Boot
            ("Slow", '2', REL_001),         // Stopped
            ("Slow", '2', REL_001),         // Slow
            ("Ready", '2', REL_001),        // Ready
            ("Slow", '2', REL_001),         // Stopping
            ("Latched", '1', RST_001),      // Latched
            ("Acknowledged", '1', RST_002), // Acknowledged
        ],
    ),
    (
        Idle,
        [
            ("Boot", '2', ARM_001),         // Boot
            ("Stopped", '2', ARM_001),      // Stopped
            ("Slow", 'i', IDL_001),         // Slow
            ("Ready", 'i', IDL_001),        // Ready
            ("Stopped", '2', ARM_001),      // Stopping
            ("Latched", '1', RST_001),      // Latched
            ("Acknowledged", '1', RST_002), // Acknowledged
        ],
    ),
    (
        IdleDeny,
        [
            ("Boot", '1', COM_002),         // Boot
            ("Stopped", '1', COM_002),      // Stopped
            ("Slow", 'i', IDL_001),         // Slow
            ("Ready", 'i', IDL_001),        // Ready
            ("Stopped", '1', COM_002),      // Stopping
            ("Latched", '1', RST_001),      // Latched
            ("Acknowledged", '1', RST_002), // Acknowledged
        ],
    ),
    (
        IdleArmed,
        [
            ("Slow", 'i', IDL_001),         // Boot
            ("Slow", 'i', IDL_001),         // Stopped
            ("Slow", 'i', IDL_001),         // Slow
            ("Ready", 'i', IDL_001),        // Ready
            ("Slow", 'i', IDL_001),         // Stopping
            ("Latched", '1', RST_001),      // Latched
            ("Acknowledged", '1', RST_002), // Acknowledged
        ],
    ),
    (
        Acknowledge,
        [
            ("Boot", '2', ARM_001),         // Boot
            ("Stopped", '2', ARM_001),      // Stopped
            ("Slow", '-', OBS_003),         // Slow
            ("Ready", '-', MOV_001),        // Ready
            ("Stopped", '2', ARM_001),      // Stopping
            ("Acknowledged", '1', RST_002), // Latched
            ("Acknowledged", '1', RST_002), // Acknowledged
        ],
    ),
    (
        AcknowledgeMoving,
        [
            ("Boot", '1', STP_001),         // Boot
            ("Stopping", '1', STP_001),     // Stopped
            ("Slow", '-', OBS_003),         // Slow
            ("Ready", '-', MOV_001),        // Ready
            ("Stopping", '1', STP_001),     // Stopping
            ("Latched", '1', RST_001),      // Latched
            ("Acknowledged", '1', RST_002), // Acknowledged
        ],
    ),
    (
        Start,
        [
            ("Boot", '2', ARM_001),    // Boot
            ("Stopped", '2', ARM_001), // Stopped
            ("Slow", '-', OBS_003),    // Slow
            ("Ready", '-', MOV_001),   // Ready
            ("Stopped", '2', ARM_001), // Stopping
            ("Latched", '1', RST_001), // Latched
            ("Stopped", '2', ARM_001), // Acknowledged
        ],
    ),
];

#[test]
fn the_machine_is_the_table() {
    let mut wrong = Vec::new();
    for (event, rows) in TABLE {
        for (state, expected) in STATES.into_iter().zip(rows) {
            let mut kernel = kernel(state, good_for(event));
            let decision = kernel.step(&happens(event));
            assert!(decision.evidence.holds());
            let found = row(&kernel, &decision);
            if found != expected {
                wrong.push(format!("{event:?} in {state}: {found:?}, expected {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_event_is_in_the_table_once() {
    for (place, (event, _)) in TABLE.iter().enumerate() {
        assert_eq!(*event as usize, place, "{event:?}");
    }
    assert_eq!(TABLE.len(), Start as usize + 1);
}
