//! The coordinator's own rules.

use sheepdog_core::{Rule, RuleId};

macro_rules! rules {
    ($($name:ident = $id:literal, $text:literal, $rationale:literal;)*) => {
        $(#[doc = $text] pub const $name: RuleId = RuleId::new($id);)*

        /// Every rule this crate decides by.
        pub const RULES: &[Rule] = &[$(Rule::new($name, $text, $rationale),)*];
    };
}

rules! {
    SILENT = "FLT-001", "An agent not heard of for `silent_after` gets no new task, and its unloaded task is awarded again.",
        "A task must not wait for a robot that nobody can see; its claims stay held until it speaks.";
    LOST = "FLT-002", "A silent agent is lost after `lost_after`; the load it carries is fetched by a person.",
        "A load must not wait for ever; a person can see what the radio cannot.";
    FAILED = "FLT-003", "A robot that reports a failure gives up its task; its claims stay held until it is removed or recovered.",
        "A dead robot still stands where it stands.";
    PLAN_REFUSED = "FLT-004", "A plan is used only if its job is open and the independent validator accepts it.",
        "Planners are complicated; what moves robots is checked by something simple.";
    NO_EVIDENCE = "FLT-005", "Claims are freed only by a report of the current site, epoch and level whose pose lies within the claim's margin.",
        "Robot positions are the truth; a counter alone proves nothing.";
    STOP_UNACKNOWLEDGED = "FLT-006", "A stop not acknowledged within `stop_ack_within` is reported with the names of who has not and may be moving, and again at doubling intervals until all have.",
        "Whoever pressed stop must know who may still be moving.";
    STALLED = "FLT-007", "Others are planned around a robot that its interlock has stopped for `stalled_after`.",
        "A robot that waits for a person to step aside must not hold up the building.";
    LATE = "FLT-008", "A step that takes `person_step_within` longer than its duration is reported; a person's task goes to somebody else.",
        "People are interrupted and robots get stuck; the task must not be forgotten with them.";
    NOBODY = "FLT-009", "A task that no agent can ever do is reported to the operator and stays open.",
        "No task is dropped because nobody fits today.";
    CHARGE = "FLT-010", "An idle robot below `charge_below` goes to the nearest free charger and stays until `charge_until`.",
        "A robot that keeps its reserve never needs to be carried.";
    STOPPED_AREA = "FLT-011", "No release is granted to a stopped robot or into a stopped area.",
        "A stop that lets others drive in is not a stop.";
    PASSAGE_FAULTY = "FLT-012", "A door or lift that reports a fault is closed to planning until it reports otherwise.",
        "Robots should go round what is broken instead of waiting in front of it.";
    RESTARTED = "FLT-013", "A robot that restarts begins a new epoch at the waypoint where its pose proves it stands.",
        "What was released before a restart counts as lost.";
    STOP_ORDERED = "FLT-014", "A named person's stop bypasses every queue and holds until a named person resets it in two steps.",
        "IEC 60204-1 and ISO 13850: releasing a stop must not start anything.";
    LATCHED = "FLT-016", "A robot that has latched for a rule of its own is reported to the operator.",
        "Only a person can reset it, so a person must know.";
    FIRE_ALARM = "FLT-017", "From a fire alarm until a named person ends it, no robot gets a new task; on the levels concerned each stays where its granted move ends, enters no lift, exit or fire lane, and leaves the one it is in.",
        "People leave by the ways that robots use; a lift may not come back, and a panel that falls silent may have burned.";
    WAY_OUT_BLOCKED = "FLT-018", "A robot that is in an exit or fire lane `clear_exits_within` after a fire alarm is reported by name, and again at doubling intervals until it is not.",
        "Somebody must move what does not move itself.";
    FIRE_DOOR = "FLT-019", "During a fire alarm no fire door of the levels concerned is commanded open or reported open to a robot.",
        "A fire door keeps smoke out only when it is shut.";
    LIFT_SILL = "LFT-101", "No robot enters over the sill of a lift without a report, at most `lift_fresh` old, that the cabin stands at its level with its door open; missing evidence never keeps one inside.",
        "Behind a shaft door without a cabin is a fall; in a cabin without a way out is a person who cannot get in.";
    PASSAGE_STUCK = "LFT-102", "A door or lift that keeps a robot at its sill waiting for more than 30 s is reported and closed to planning for 300 s or until it moves; the robot gives its release back.",
        "A robot in front of a broken door is in the way of whoever mends it.";
    UVC_EVIDENCE = "UVC-101", "A UV-C lamp has leave only while two fresh sources of different channels say that the room is empty, two each that every door is closed, and none says otherwise.",
        "The light burns eyes and skin; a sensor that fails must not look like an empty room.";
    UVC_ALONE = "UVC-102", "A UV-C lamp has leave only while its robot stands in the room and no other agent is in it or released into it; nobody is let in until the lamp is off.",
        "Whoever is sent to a room must not meet the light.";
    UVC_DOSE = "UVC-103", "The effective dose where people may be exposed, reflections included, stays within `dose_max_mj_per_m2` (at most 30 J/m²) over every 8 h.",
        "What gets through gaps and glass adds up over a shift.";
    STOP_NUMBER = "FLT-021", "The number of a stop is above every number that a robot has ever said it knows; a stop in force is ordered again under a higher one when a robot turns up with a memory that reaches its own.",
        "A robot keeps the numbers of stops that are over; an order that it takes for one of those stops nobody.";
    REVERTED = "FLT-020", "A named person may take back an award, a cancellation or an approval that nobody has acted on; the record stays, and a new one says who took it back and why.",
        "People err; what was decided is corrected by another decision, never by rewriting what happened.";
    SERVED = "FLT-022", "At a station with a machine, a robot's loading or unloading is done when the machine says that it has served this very step, and not before; a machine that has not within 120 s is reported.",
        "A robot that leaves while an arm still holds the load tears it off or leaves it behind.";
    MACHINE_FAULTY = "FLT-023", "A machine at a station that reports a fault is reported to the operator; the robot that it serves waits.",
        "Half a load may be on board: who repairs the machine has to look.";
    STORAGE_HIGH = "STO-001", "From 80 % of the storage of the ledger on, or of a robot's own, the operator is told.",
        "Somebody must make room while there is time.";
    STORAGE_CRITICAL = "STO-002", "From 90 % of the storage of the ledger on until it is below 80 % again, no task is awarded, and every robot ends its step and its move and parks outside exits and fire lanes; with a robot's own storage, that robot.",
        "Without a record nothing moves; a fleet that stands in order blocks nobody.";
    STORAGE_FULL = "STO-003", "When the storage of the ledger is full, or a robot's own, the operator is told what does not move any more.",
        "What is not recorded must not happen.";
    CUSTODY = "FLT-015", "A load on a failed or lost robot is handed over by a person and never awarded silently.",
        "Somebody must have had the load in hand.";
}
