//! Cases: what the kit, as the fleet, does to a robot. A case is a few lines of data, so that it can be shrunk and told.

use std::fmt;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};
use sheepdog_core::{Confidence, Micros, Mm};
use sheepdog_sim::FaultKind;

/// What happens to a robot, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Where the rig's noise comes from.
    pub seed: u64,
    /// What happens.
    pub acts: Vec<Act>,
}

/// One thing that happens, and how long the kit looks on before the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What happens.
    pub deed: Deed,
    /// How long until the next.
    pub then: Micros,
}

/// What can happen in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// So many lanes more are released; in a new epoch if the last one has ended.
    Release(u8),
    /// All lanes are released for another site.
    ReleaseElsewhere,
    /// All lanes are released in an epoch that is over, and for a boot that is over.
    ReleaseOld,
    /// The robot is to give back what it can.
    Hold,
    /// The robot is to stop.
    Stop,
    /// Somebody acknowledges the last stop.
    Acknowledge,
    /// Somebody starts the robot again.
    Start,
    /// Both steps of a reset, for a stop before the last one.
    ResetOld,
    /// Work at the end of the release.
    Perform,
    /// The last work is ordered once more.
    PerformAgain,
    /// The work is withdrawn.
    Withdraw,
    /// The fleet is silent.
    Silence(Micros),
    /// A condition of [`Condition::ALL`], by its place.
    Meet(u8, Micros),
}

/// Something about the robot or around it, of which is known what it has to lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its name in reports.
    pub name: &'static str,
    /// What is injected.
    pub kind: FaultKind,
    /// If it forbids driving: so long after it has begun.
    pub forbids: Option<Micros>,
}

const NOW: Option<Micros> = Some(Micros::ZERO);

const fn confidence(ppm: u32) -> FaultKind {
    let confidence = match Confidence::from_ppm(ppm) {
        Ok(confidence) => confidence,
        Err(_) => Confidence::NONE,
    };
    FaultKind::ConfidenceLoss { confidence }
}

const fn condition(name: &'static str, kind: FaultKind, forbids: Option<Micros>) -> Condition {
    Condition { name, kind, forbids }
}

impl Condition {
    /// All of them.
    pub const ALL: &[Self] = &[
        condition("confidence one part per million below the threshold", confidence(924_999), NOW),
        condition("confidence at the threshold", confidence(925_000), None),
        condition("no confidence", confidence(0), NOW),
        condition("no scan", FaultKind::ScanLost, NOW),
        condition("a frozen scan", FaultKind::ScanFrozen, Some(Micros::from_millis(1_200))),
        condition("ranges that are no numbers", FaultKind::ScanNotANumber, NOW),
        condition("ranges below zero", FaultKind::ScanOutOfRange, NOW),
        condition("somebody close ahead", FaultKind::ScanGhost { at: Mm(330) }, NOW),
        condition("readings of the future", FaultKind::StampAhead { by: Micros::from_millis(500) }, NOW),
        condition("readings of the past", FaultKind::StampBehind { by: Micros::from_millis(500) }, NOW),
        condition("emergency button", FaultKind::EmergencyButton, NOW),
        condition("out of order", FaultKind::Breakdown, NOW),
        condition("outside of the map", FaultKind::PoseOutside, NOW),
        condition("a full log", FaultKind::LogFull, NOW),
        condition("a crash", FaultKind::Crash, NOW),
    ];

    const NOTHING: Self = condition("nothing", confidence(1_000_000), None);

    /// The condition at a place of the list, which is taken as a ring.
    pub fn at(place: u8) -> &'static Self {
        Self::ALL.get(usize::from(place) % Self::ALL.len()).unwrap_or(&Self::NOTHING)
    }

    /// Whether this and another, both at once, hide each other: stamps too early and too late, and a scan that does not
    /// count and so cannot be found to be frozen.
    pub(super) const fn hides(&self, other: &Self) -> bool {
        const fn is_of_stamps(kind: FaultKind) -> bool {
            matches!(
                kind,
                FaultKind::StampAhead { .. } | FaultKind::StampBehind { .. } | FaultKind::ScanFrozen
            )
        }
        is_of_stamps(self.kind) && is_of_stamps(other.kind)
    }

    /// Whether what the robot says of its pose means nothing meanwhile.
    pub(super) const fn moves_pose(&self) -> bool {
        matches!(self.kind, FaultKind::PoseOutside)
    }

    /// Whether the robot knows itself to be out of order meanwhile.
    pub(super) const fn fails(&self) -> bool {
        matches!(self.kind, FaultKind::Breakdown)
    }

    /// Whether the robot boots afterwards, and says nothing meanwhile.
    pub(super) const fn restarts(&self) -> bool {
        matches!(self.kind, FaultKind::Crash)
    }
}

impl Case {
    /// The case of a number: the same for ever.
    pub fn draw(seed: u64, number: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let count = rng.random_range(2..=10);
        // Most begin with a release: without one not much happens.
        let first = rng
            .random_bool(0.8)
            .then(|| Act { deed: Deed::Release(rng.random_range(1..=4)), then: millis(&mut rng, 4_000) });
        let rest = (0..count).map(|_| Act { deed: deed(&mut rng), then: millis(&mut rng, 4_000) });
        let acts = first.into_iter().chain(rest.collect::<Vec<_>>()).collect();
        Self { seed: rng.random(), acts }
    }

    /// How long it lasts, with everything that lasts longer than its acts.
    pub(super) fn span(&self) -> Micros {
        let lasts = |act: &Act| match act.deed {
            Deed::Silence(span) | Deed::Meet(_, span) => act.then.saturating_add(span),
            Deed::Release(_)
            | Deed::ReleaseElsewhere
            | Deed::ReleaseOld
            | Deed::Hold
            | Deed::Stop
            | Deed::Acknowledge
            | Deed::Start
            | Deed::ResetOld
            | Deed::Perform
            | Deed::PerformAgain
            | Deed::Withdraw => act.then,
        };
        self.acts.iter().map(lasts).fold(Micros::ZERO, Micros::saturating_add)
    }

    /// The smallest case that `fails` still accepts: acts are left out, times halved, numbers made smaller, until nothing
    /// helps.
    #[must_use]
    pub fn shrink(&self, mut fails: impl FnMut(&Self) -> bool) -> Self {
        let mut least = self.clone();
        loop {
            let smaller = least.simpler().find(|case| fails(case));
            match smaller {
                Some(case) => least = case,
                None => return least,
            }
        }
    }

    /// Cases that are one change simpler, the boldest first.
    fn simpler(&self) -> impl Iterator<Item = Self> + use<> {
        let this = self.clone();
        let count = this.acts.len();
        let mut found = Vec::new();
        for size in [count / 2, count / 4, 1] {
            let mut start = 0;
            while 0 < size && start < count {
                let mut acts = this.acts.clone();
                acts.drain(start..(start + size).min(count));
                found.push(Self { seed: this.seed, acts });
                start += size;
            }
        }
        for place in 0..count {
            let with = |act: Act| {
                let mut acts = this.acts.clone();
                if let Some(old) = acts.get_mut(place) {
                    *old = act;
                }
                Self { seed: this.seed, acts }
            };
            if let Some(act) = this.acts.get(place) {
                if Micros::from_millis(200) <= act.then {
                    found.push(with(Act { then: half(act.then), ..*act }));
                }
                found.extend(act.deed.simpler().map(|deed| with(Act { deed, ..*act })));
            }
        }
        found.into_iter()
    }
}

impl Deed {
    /// The value as Rust code.
    pub(super) fn rust(self) -> String {
        let span = |span: Micros| format!("Micros::from_millis({})", span.as_millis());
        match self {
            Self::Silence(silence) => format!("Deed::Silence({})", span(silence)),
            Self::Meet(place, lasts) => format!("Deed::Meet({place}, {})", span(lasts)),
            Self::Release(_)
            | Self::ReleaseElsewhere
            | Self::ReleaseOld
            | Self::Hold
            | Self::Stop
            | Self::Acknowledge
            | Self::Start
            | Self::ResetOld
            | Self::Perform
            | Self::PerformAgain
            | Self::Withdraw => format!("Deed::{self:?}"),
        }
    }

    fn simpler(self) -> Option<Self> {
        let long = |span: Micros| Micros::from_millis(200) <= span;
        match self {
            Self::Release(lanes @ 2..) => Some(Self::Release(lanes - 1)),
            Self::Silence(span) if long(span) => Some(Self::Silence(half(span))),
            Self::Meet(place, span) if long(span) => Some(Self::Meet(place, half(span))),
            Self::Release(_)
            | Self::Silence(_)
            | Self::Meet(..)
            | Self::ReleaseElsewhere
            | Self::ReleaseOld
            | Self::Hold
            | Self::Stop
            | Self::Acknowledge
            | Self::Start
            | Self::ResetOld
            | Self::Perform
            | Self::PerformAgain
            | Self::Withdraw => None,
        }
    }
}

/// Half of a time, in whole tenths of a second.
const fn half(span: Micros) -> Micros {
    Micros::from_millis(span.as_millis() / 200 * 100)
}

fn millis(rng: &mut Pcg64Mcg, most: u64) -> Micros {
    Micros::from_millis(rng.random_range(1..=most / 100) * 100)
}

fn deed(rng: &mut Pcg64Mcg) -> Deed {
    match rng.random_range(0..24) {
        0..=4 => Deed::Release(rng.random_range(1..=3)),
        5 => Deed::ReleaseElsewhere,
        6 => Deed::ReleaseOld,
        7 | 8 => Deed::Hold,
        9 | 10 => Deed::Stop,
        11 => Deed::Acknowledge,
        12 | 13 => Deed::Start,
        14 => Deed::ResetOld,
        15 | 16 => Deed::Perform,
        17 => Deed::PerformAgain,
        18 => Deed::Withdraw,
        19 => Deed::Silence(millis(rng, 3_000)),
        _ => {
            let conditions = u8::try_from(Condition::ALL.len()).unwrap_or(u8::MAX);
            Deed::Meet(rng.random::<u8>() % conditions, millis(rng, 3_000))
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release(lanes) => write!(f, "release {lanes} more lanes"),
            Self::ReleaseElsewhere => f.write_str("release all lanes for another site"),
            Self::ReleaseOld => f.write_str("release all lanes in an epoch that is over"),
            Self::Hold => f.write_str("hold"),
            Self::Stop => f.write_str("stop"),
            Self::Acknowledge => f.write_str("acknowledge the stop"),
            Self::Start => f.write_str("start again"),
            Self::ResetOld => f.write_str("reset a stop before the last one"),
            Self::Perform => f.write_str("order work at the end of the release"),
            Self::PerformAgain => f.write_str("order the last work once more"),
            Self::Withdraw => f.write_str("withdraw the work"),
            Self::Silence(span) => write!(f, "be silent for {}", seconds(*span)),
            Self::Meet(place, span) => write!(f, "{} for {}", Condition::at(*place).name, seconds(*span)),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut at = Micros::ZERO;
        for act in &self.acts {
            writeln!(f, "  {:>8}  {}", seconds(at), act.deed)?;
            at = at.saturating_add(act.then);
        }
        write!(f, "  {:>8}  everything is right again: reset, and release all lanes", seconds(at))
    }
}

pub(super) fn seconds(span: Micros) -> String {
    let tenths = span.as_millis() / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_case() {
        assert_eq!(Case::draw(1, 7), Case::draw(1, 7));
        assert_ne!(Case::draw(1, 7), Case::draw(1, 8));
        assert_ne!(Case::draw(1, 7), Case::draw(2, 7));
    }

    #[test]
    fn cases_shrink_to_what_matters() {
        let has_stop = |case: &Case| case.acts.iter().any(|act| act.deed == Deed::Stop);
        let case = (0..256).map(|number| Case::draw(1, number)).find(has_stop).unwrap();
        let least = case.shrink(has_stop);
        assert_eq!(least.acts.len(), 1, "{least}");
        assert!(least.acts[0].then < Micros::from_millis(200));
    }
}
