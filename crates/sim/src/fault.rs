//! Faults as data: what goes wrong, with whom, when and for how long.

use sheepdog_core::{AgentId, Confidence, DoorId, FleetTime, LiftId, Micros};

/// Something that goes wrong during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultTarget {
    /// One robot or person.
    Agent(AgentId),
    /// Every robot and person that has a radio.
    EveryAgent,
    /// A door.
    Door(DoorId),
    /// A lift.
    Lift(LiftId),
}

/// What happens. A kind that does not suit its target never takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A robot's perception is at most this sure that it misses nothing.
    ConfidenceLoss {
        /// The upper limit of every beam's confidence.
        confidence: Confidence,
    },
    /// A robot's drive is dead: it brakes to rest and says that it has failed.
    Breakdown,
    /// Nothing that is sent or due meanwhile arrives, in either direction.
    RadioSilence,
    /// A door stays where it is and says that it is faulty.
    DoorStuck,
    /// A lift stays where it is, even between two levels, and says that it is faulty.
    LiftStuck,
    /// The emergency button on a robot is pressed.
    EmergencyButton,
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
            FaultTarget::Door(_) | FaultTarget::Lift(_) => false,
        }
    }

    pub(crate) fn mark(&mut self, now: FleetTime) {
        self.took_effect.get_or_insert(now);
    }
}

/// What faults do to one agent at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    pub(crate) confidence_max: Option<Confidence>,
    pub(crate) broken: bool,
    pub(crate) silent: bool,
    pub(crate) button: bool,
}

impl Conditions {
    /// Folds all faults that concern `agent` at `now`; the worst of each kind counts.
    pub(crate) fn of(faults: &[FaultStatus], agent: AgentId, now: FleetTime) -> Self {
        let mut conditions = Self::default();
        for status in faults.iter().filter(|status| status.concerns(agent) && status.active(now)) {
            match status.fault.kind {
                FaultKind::ConfidenceLoss { confidence } => {
                    let worst = conditions.confidence_max.map_or(confidence, |other| other.min(confidence));
                    conditions.confidence_max = Some(worst);
                }
                FaultKind::Breakdown => conditions.broken = true,
                FaultKind::RadioSilence => conditions.silent = true,
                FaultKind::EmergencyButton => conditions.button = true,
                FaultKind::DoorStuck | FaultKind::LiftStuck => {}
            }
        }
        conditions
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
    fn the_worst_of_overlapping_faults_counts_and_only_for_its_target() {
        let faults = [loss(0, None, 900_000), loss(0, None, 500_000), loss(0, None, 700_000)];
        let seen = |agent| Conditions::of(&faults, agent, FleetTime::ZERO).confidence_max;
        assert_eq!(seen(AgentId(1)), Some(Confidence::from_ppm(500_000).unwrap()));
        assert_eq!(seen(AgentId(2)), None);
    }
}
