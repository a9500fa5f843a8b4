//! Faults as data: what goes wrong, with whom, when and for how long.

use rand_pcg::Pcg32;
use serde::{Deserialize, Serialize};
use sheepdog_core::{AgentId, Confidence, DoorId, FleetTime, LiftId, Micros, Mm, Ppm, StationId};

use crate::random::{Purpose, stream, up_to};

/// Something that goes wrong during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Whom it happens to.
    pub target: FaultTarget,
    /// When it begins, from the start of the run.
    pub onset: Micros,
    /// How long it lasts; `None` for the rest of the run.
    pub duration: Option<Micros>,
    /// What happens.
    pub kind: FaultKind,
}

/// Whom a fault happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FaultTarget {
    /// One robot or person.
    Agent(AgentId),
    /// Every robot and person that has a radio.
    EveryAgent,
    /// A door.
    Door(DoorId),
    /// A lift.
    Lift(LiftId),
    /// The machine at a station.
    Machine(StationId),
}

/// What happens. A kind that does not suit its target never takes effect.
///
/// Of several faults of one place that are on at once the later ones of [`Plant::faults`](crate::Plant::faults) act on what
/// the earlier ones have left. Scans and odometry are stamped by a clock of their own, which no fault touches but
/// [`StampAhead`](Self::StampAhead) and [`StampBehind`](Self::StampBehind). A contour is a number of the plant, to which
/// those faults add that say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// A robot's perception is at most this sure that it misses nothing.
    ConfidenceLoss {
        /// The upper limit of every beam's confidence.
        confidence: Confidence,
    },
    /// A robot's perception is always this sure, whatever it sees.
    ConfidenceStuck {
        /// Every beam's confidence.
        confidence: Confidence,
    },
    /// The scanner's frames have no beams.
    ScanLost,
    /// The scanner sends the same frame again and again, with fresh stamps.
    ScanFrozen,
    /// No range is a number.
    ScanNotANumber,
    /// Every range is infinite.
    ScanInfinite,
    /// Every range is below zero.
    ScanOutOfRange,
    /// Every range is too long, or too short if below zero. A contour shows it.
    ScanBias {
        /// By how much, millimetres.
        by_mm: i32,
    },
    /// The scanner turns in its mount. A contour shows it.
    ScanTurns {
        /// How fast, milliradians per second.
        mrad_per_s: i32,
    },
    /// Ranges jump about.
    ScanNoise {
        /// By up to this on either side.
        by: Mm,
    },
    /// Beams into these sectors measure nothing valid.
    ScanBlind {
        /// Bit `i` for sector `i`.
        sectors: u32,
    },
    /// Beams into these sectors meet nothing, whatever is there.
    ScanClear {
        /// Bit `i` for sector `i`.
        sectors: u32,
    },
    /// Beams into the sector ahead meet something that is not there.
    ScanGhost {
        /// How far from the robot's centre.
        at: Mm,
    },
    /// Left and right are exchanged, as with cables of two scanners. A contour shows it.
    ScanMirrored,
    /// Readings are stamped with a time to come.
    StampAhead {
        /// By how much.
        by: Micros,
    },
    /// Readings are older than they could be.
    StampBehind {
        /// By how much.
        by: Micros,
    },
    /// The controller's clock goes back, and on from there.
    ClockBack {
        /// By how much.
        by: Micros,
    },
    /// The controller's clock jumps forwards, and goes on from there.
    ClockAhead {
        /// By how much.
        by: Micros,
    },
    /// The controller's clock stands still.
    ClockStalled,
    /// The controller's clock begins again at zero while it lasts, as a counter that overflows.
    ClockWrapped,
    /// The brakes lose some of what they can do.
    BrakeFade {
        /// How much of it.
        percent: u32,
    },
    /// The brakes do nothing: the robot rolls on, and loses 0.05 m/s and 0.1 rad/s in a second.
    BrakeOpen,
    /// Commands take longer to reach the motors.
    DriveDelay {
        /// By how much.
        by: Micros,
    },
    /// The drive does more than it is told.
    Runaway {
        /// How much more.
        percent: u32,
    },
    /// Wheels slip: the odometer shows more than the robot moves.
    WheelSlip {
        /// How much more.
        percent: u32,
    },
    /// A robot's drive is dead: it brakes to rest and says that it has failed.
    Breakdown,
    /// The emergency button on a robot is pressed.
    EmergencyButton,
    /// The emergency button on a robot is pressed and let go a few times, for half a second.
    EmergencyButtonBounces,
    /// The reset button on a robot is pressed and stays so.
    ResetButtonStuck,
    /// A robot's battery is nearly empty.
    BatteryLow {
        /// What is left.
        left: Ppm,
    },
    /// The whole robot is without power. When it has it again, it boots.
    BrownOut,
    /// A robot's controller is dead. Afterwards it boots, with what it has to remember.
    Crash,
    /// The robot's log takes nothing more.
    LogFull,
    /// The robot believes to be somewhere else.
    PoseJump {
        /// How far along x.
        by: Mm,
    },
    /// The robot believes to be outside of every map.
    PoseOutside,
    /// Nothing that is sent or due meanwhile arrives, in either direction.
    RadioSilence,
    /// Nothing that is sent to the robot or due meanwhile reaches it; it is heard.
    RadioDeaf,
    /// The radio is silent in every second half of a period.
    RadioFlaps {
        /// The period.
        period: Micros,
    },
    /// Every message takes longer.
    RadioDelay {
        /// By how much.
        by: Micros,
    },
    /// Every message takes longer by chance, so they overtake each other.
    RadioJitter {
        /// By up to this.
        by: Micros,
    },
    /// Messages are lost.
    RadioLoss {
        /// How many in a thousand.
        permille: u32,
    },
    /// Messages arrive unreadable, and are dropped like every one whose checksum is wrong: to whom they are for, they are
    /// lost.
    RadioGarbles {
        /// How many in a thousand.
        permille: u32,
    },
    /// Messages arrive twice.
    RadioDuplicates {
        /// How many in a thousand.
        permille: u32,
    },
    /// Every message arrives once more, much later.
    RadioReplays {
        /// How much later.
        after: Micros,
    },
    /// A door stays where it is and says that it is faulty.
    DoorStuck,
    /// A door shuts and stays so, whatever it is asked; it says where it is.
    DoorShut,
    /// A lift stays where it is, even between two levels, and says that it is faulty.
    LiftStuck,
    /// The doors of a lift stay where they are; they say so.
    LiftDoorStuck,
    /// A machine stays where it is and says that it is faulty.
    MachineStuck,
}

/// What a kind of fault happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victims {
    /// Robots, and people as far as they have a radio.
    Agents,
    /// Doors.
    Doors,
    /// Lifts.
    Lifts,
    /// Machines at stations.
    Machines,
}

impl FaultKind {
    /// What it happens to; it takes no effect on anything else.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are of agents")]
    pub const fn victims(self) -> Victims {
        match self {
            Self::DoorStuck | Self::DoorShut => Victims::Doors,
            Self::LiftStuck | Self::LiftDoorStuck => Victims::Lifts,
            Self::MachineStuck => Victims::Machines,
            _ => Victims::Agents,
        }
    }
}

/// A fault of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedFault {
    /// The name by which scenarios and reports know it.
    pub name: &'static str,
    /// What happens.
    pub kind: FaultKind,
    /// How long it lasts; `None` for one that does not end by itself.
    pub duration: Option<Micros>,
}

const fn ms(millis: u64) -> Micros {
    Micros::from_millis(millis)
}

macro_rules! faults {
    ($($name:literal $kind:expr, $duration:expr;)*) => {
        &[$(NamedFault { name: $name, kind: $kind, duration: $duration },)*]
    };
}

/// The fault list of the safety documents, each with the values and the duration that it has unless code gives others.
/// Several are one kind with other values: a handover gap is a short silence, a burst loses most of what is sent.
pub const FAULTS: &[NamedFault] = {
    use FaultKind::{
        BatteryLow, BrakeFade, BrakeOpen, BrownOut, ClockAhead, ClockBack, ClockStalled, ClockWrapped,
        ConfidenceLoss, ConfidenceStuck, Crash, DoorShut, DriveDelay, EmergencyButton,
        EmergencyButtonBounces, LiftDoorStuck, LiftStuck, LogFull, PoseJump, PoseOutside, RadioDeaf,
        RadioDelay, RadioDuplicates, RadioFlaps, RadioGarbles, RadioJitter, RadioLoss, RadioReplays,
        RadioSilence, ResetButtonStuck, Runaway, ScanBias, ScanBlind, ScanClear, ScanFrozen, ScanGhost,
        ScanInfinite, ScanLost, ScanMirrored, ScanNoise, ScanNotANumber, ScanOutOfRange, ScanTurns,
        StampAhead, StampBehind, WheelSlip,
    };
    faults! {
        "comms loss" RadioSilence, Some(ms(10_000));
        "handover gap" RadioSilence, Some(ms(800));
        "handover overlap" RadioDuplicates { permille: 1_000 }, Some(ms(2_000));
        "delay" RadioDelay { by: ms(500) }, Some(ms(10_000));
        "jitter" RadioJitter { by: ms(300) }, Some(ms(10_000));
        "reorder" RadioJitter { by: ms(1_500) }, Some(ms(10_000));
        "duplicate" RadioDuplicates { permille: 500 }, Some(ms(10_000));
        "corrupt" RadioGarbles { permille: 300 }, Some(ms(10_000));
        "truncate" RadioGarbles { permille: 1_000 }, Some(ms(1_500));
        "burst loss" RadioLoss { permille: 900 }, Some(ms(3_000));
        "asymmetric partition" RadioDeaf, Some(ms(10_000));
        "flapping" RadioFlaps { period: ms(1_000) }, Some(ms(10_000));
        "stale replay" RadioReplays { after: ms(2_000) }, Some(ms(10_000));
        "sensor dropout" ScanLost, Some(ms(2_000));
        "freeze" ScanFrozen, Some(ms(3_000));
        "NaN" ScanNotANumber, Some(ms(2_000));
        "inf" ScanInfinite, Some(ms(2_000));
        "out-of-range" ScanOutOfRange, Some(ms(2_000));
        "bias" ScanBias { by_mm: 120 }, Some(ms(5_000));
        "slow drift" ScanTurns { mrad_per_s: 40 }, Some(ms(10_000));
        "noise" ScanNoise { by: Mm(300) }, Some(ms(5_000));
        "stuck-high confidence" ConfidenceStuck { confidence: Confidence::FULL }, Some(ms(5_000));
        "stuck-low" ConfidenceLoss { confidence: Confidence::NONE }, Some(ms(5_000));
        "partial sector blind" ScanBlind { sectors: 0b1 }, Some(ms(3_000));
        "false clear" ScanClear { sectors: 0b1 }, Some(ms(3_000));
        "ghost obstacle" ScanGhost { at: Mm(400) }, Some(ms(3_000));
        "future stamp" StampAhead { by: ms(500) }, Some(ms(2_000));
        "old stamp" StampBehind { by: ms(500) }, Some(ms(2_000));
        "sensor swap" ScanMirrored, Some(ms(5_000));
        "clock back" ClockBack { by: ms(2_000) }, Some(ms(5_000));
        "clock forward" ClockAhead { by: ms(2_000) }, Some(ms(5_000));
        "clock stall" ClockStalled, Some(ms(3_000));
        "32-bit wrap" ClockWrapped, Some(ms(3_000));
        "brake fade" BrakeFade { percent: 60 }, Some(ms(20_000));
        "brake stuck open" BrakeOpen, Some(ms(20_000));
        "delayed actuation" DriveDelay { by: ms(600) }, Some(ms(20_000));
        "runaway" Runaway { percent: 60 }, Some(ms(5_000));
        "wheel slip" WheelSlip { percent: 60 }, Some(ms(5_000));
        "lift failure" LiftStuck, Some(ms(30_000));
        "lift door stuck" LiftDoorStuck, Some(ms(30_000));
        "fire door shut" DoorShut, Some(ms(30_000));
        "low battery" BatteryLow { left: LOW }, Some(ms(1_000));
        "brown-out" BrownOut, Some(ms(3_000));
        "e-stop" EmergencyButton, Some(ms(2_000));
        "e-stop bounce" EmergencyButtonBounces, Some(ms(2_000));
        "reset button stuck" ResetButtonStuck, Some(ms(10_000));
        "leaves map" PoseOutside, Some(ms(2_000));
        "localisation jump" PoseJump { by: Mm(700) }, Some(ms(2_000));
        "process crash" Crash, Some(ms(3_000));
        "restart mid-motion" Crash, Some(ms(100));
        "log full" LogFull, Some(ms(2_000));
    }
};

const LOW: Ppm = match Ppm::new(20_000) {
    Ok(left) => left,
    Err(_) => Ppm::ZERO,
};

impl Fault {
    /// The fault of the catalogue with this name; `None` when there is none.
    ///
    /// ```
    /// use sheepdog_core::{AgentId, Micros};
    /// use sheepdog_sim::{Fault, FaultKind, FaultTarget};
    ///
    /// let fault = Fault::named("freeze", FaultTarget::Agent(AgentId(3)), Micros::from_secs(20)).unwrap();
    /// assert_eq!(fault.kind, FaultKind::ScanFrozen);
    /// ```
    pub fn named(name: &str, target: FaultTarget, onset: Micros) -> Option<Self> {
        let NamedFault { kind, duration, .. } = FAULTS.iter().find(|fault| fault.name == name)?;
        Some(Self { target, onset, duration: *duration, kind: *kind })
    }
}

/// Faults drawn from the catalogue: `count` of them, each on an agent, door or lift that it suits, with onsets spread evenly at
/// random over `span`, in that order. The same seed draws the same faults.
///
/// What suits nobody is left out: with no lift there are no faults of lifts.
///
/// ```
/// use sheepdog_core::{AgentId, Micros};
///
/// let hour = Micros::from_secs(3_600);
/// let faults = sheepdog_sim::swarm(7, 20, hour, &[AgentId(0), AgentId(1)], &[], &[]);
/// assert!(faults.iter().all(|fault| fault.onset < hour));
/// assert_eq!(faults, sheepdog_sim::swarm(7, 20, hour, &[AgentId(0), AgentId(1)], &[], &[]));
/// ```
pub fn swarm(
    seed: u64,
    count: u32,
    span: Micros,
    agents: &[AgentId],
    doors: &[DoorId],
    lifts: &[LiftId],
) -> Vec<Fault> {
    let draw = |number: u32| {
        let mut rng = stream(seed, Purpose::Swarm, number, 0);
        let named = pick(&mut rng, FAULTS)?;
        let target = match named.kind.victims() {
            Victims::Agents => FaultTarget::Agent(*pick(&mut rng, agents)?),
            Victims::Doors => FaultTarget::Door(*pick(&mut rng, doors)?),
            Victims::Lifts => FaultTarget::Lift(*pick(&mut rng, lifts)?),
            // The catalogue has no fault of machines.
            Victims::Machines => return None,
        };
        let onset = Micros::new(up_to(&mut rng, span.as_micros().saturating_sub(1)));
        Some(Fault { target, onset, duration: named.duration, kind: named.kind })
    };
    let mut faults: Vec<Fault> = (0..count).filter_map(draw).collect();
    faults.sort_by_key(|fault| fault.onset);
    faults
}

fn pick<'a, T>(rng: &mut Pcg32, from: &'a [T]) -> Option<&'a T> {
    let last = u64::try_from(from.len()).ok()?.checked_sub(1)?;
    from.get(usize::try_from(up_to(rng, last)).ok()?)
}

/// A fault of a run and whether it mattered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultStatus {
    /// The fault.
    pub fault: Fault,
    /// When it first changed something: a reading that a controller got, a message that was lost, a door or lift
    /// that reported it. `None` as long as the run would have been the same without it.
    pub took_effect: Option<FleetTime>,
}

impl FaultStatus {
    pub(crate) const fn new(fault: Fault) -> Self {
        Self { fault, took_effect: None }
    }

    /// Whether the fault is on at `now`: from its onset on, and no longer once its duration has passed.
    pub fn active(&self, now: FleetTime) -> bool {
        let Some(age) = now.since(FleetTime::from_micros(self.fault.onset.as_micros())) else {
            return false;
        };
        self.fault.duration.is_none_or(|duration| age < duration)
    }

    pub(crate) fn concerns(&self, agent: AgentId) -> bool {
        match self.fault.target {
            FaultTarget::Agent(target) => target == agent,
            FaultTarget::EveryAgent => true,
            FaultTarget::Door(_) | FaultTarget::Lift(_) | FaultTarget::Machine(_) => false,
        }
    }

    pub(crate) fn mark(&mut self, now: FleetTime) {
        self.took_effect.get_or_insert(now);
    }
}

/// A fault that is on for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Active {
    /// Its place in the plant's list.
    pub(crate) index: usize,
    pub(crate) kind: FaultKind,
    /// For how long it has been on.
    pub(crate) age: Micros,
}

impl Active {
    /// The faults that are on for an agent, in the plant's order.
    pub(crate) fn of(faults: &[FaultStatus], agent: AgentId, now: FleetTime) -> Vec<Self> {
        let concerned = faults.iter().enumerate().filter(|(_, status)| status.concerns(agent));
        concerned
            .filter_map(|(index, status)| {
                let age = now.since(FleetTime::from_micros(status.fault.onset.as_micros()))?;
                status.active(now).then_some(Self { index, kind: status.fault.kind, age })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(onset_s: u64, duration_s: Option<u64>, ppm: u32) -> FaultStatus {
        FaultStatus::new(Fault {
            target: FaultTarget::Agent(AgentId(1)),
            onset: Micros::from_secs(onset_s),
            duration: duration_s.map(Micros::from_secs),
            kind: FaultKind::ConfidenceLoss { confidence: Confidence::from_ppm(ppm).unwrap() },
        })
    }

    #[test]
    fn a_fault_is_on_from_its_onset_until_before_its_end() {
        let fault = loss(2, Some(3), 0);
        let active = |micros| fault.active(FleetTime::from_micros(micros));
        assert!(!active(1_999_999));
        assert!(active(2_000_000));
        assert!(active(4_999_999));
        assert!(!active(5_000_000));
        assert!(loss(2, None, 0).active(FleetTime::MAX));
    }

    #[test]
    fn only_faults_that_are_on_for_somebody_count() {
        let faults = [loss(0, Some(1), 1), loss(1, None, 2), loss(9, None, 3)];
        let ages = |agent| {
            let active = Active::of(&faults, agent, FleetTime::from_micros(3_000_000));
            active.into_iter().map(|active| (active.index, active.age)).collect::<Vec<_>>()
        };
        assert_eq!(ages(AgentId(1)), [(1, Micros::from_secs(2))]);
        assert!(ages(AgentId(2)).is_empty());
    }

    #[test]
    fn a_swarm_strikes_what_is_there_and_in_the_end_everything() {
        let agents = [AgentId(4), AgentId(9)];
        let hour = Micros::from_secs(3_600);
        let many = swarm(3, 2_000, hour, &agents, &[DoorId(1)], &[LiftId(2)]);
        assert_eq!(many.len(), 2_000);
        assert!(many.is_sorted_by_key(|fault| fault.onset));
        for fault in &many {
            let suits = match fault.target {
                FaultTarget::Agent(agent) => {
                    agents.contains(&agent) && fault.kind.victims() == Victims::Agents
                }
                FaultTarget::Door(door) => door == DoorId(1) && fault.kind.victims() == Victims::Doors,
                FaultTarget::Lift(lift) => lift == LiftId(2) && fault.kind.victims() == Victims::Lifts,
                FaultTarget::EveryAgent | FaultTarget::Machine(_) => false,
            };
            assert!(suits && fault.onset < hour, "{fault:?}");
        }
        let named = |named: &NamedFault| many.iter().any(|fault| fault.kind == named.kind);
        assert!(FAULTS.iter().all(named), "two thousand leave none out");
        assert!(swarm(3, 100, hour, &[], &[], &[]).is_empty());
    }

    #[test]
    fn the_catalogue_has_fifty_one_faults_of_different_names() {
        assert_eq!(FAULTS.len(), 51);
        for (place, fault) in FAULTS.iter().enumerate() {
            assert!(FAULTS.iter().skip(place + 1).all(|other| other.name != fault.name), "{}", fault.name);
            let found = Fault::named(fault.name, FaultTarget::EveryAgent, Micros::ZERO).unwrap();
            assert_eq!((found.kind, found.duration), (fault.kind, fault.duration));
        }
        assert_eq!(Fault::named("gremlins", FaultTarget::EveryAgent, Micros::ZERO), None);
    }
}
