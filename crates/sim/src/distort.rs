//! What faults make of what a robot perceives.

use sheepdog_core::{Micros, RobotTime};
use sheepdog_driver::{Beam, Observation, SECTORS};

use crate::{
    fault::{Active, FaultKind},
    random::{Purpose, signed_unit, stream},
};

/// Where the mark is that a scanner measures itself by, metres from its centre.
const CONTOUR_M: f64 = 0.3;
/// For how long a bouncing button bounces.
const BOUNCES_FOR: Micros = Micros::from_millis(500);

/// The frame that a frozen scanner repeats: its number and its beams.
#[derive(Clone, Debug)]
pub(crate) struct Frozen(u64, Vec<Beam>);

/// What a distortion may depend on, beside the observation.
#[derive(Debug)]
pub(crate) struct Memory<'a> {
    pub(crate) frozen: &'a mut Option<Frozen>,
    /// Seed, robot and step of the random numbers.
    pub(crate) draw: (u64, u32, u64),
}

/// A fault of what a robot perceives, for rigs that make their own observations.
///
/// ```
/// use sheepdog_sim::{FaultKind, Tampering};
///
/// assert!(Tampering::of(FaultKind::ScanLost, 1).is_some());
/// assert!(Tampering::of(FaultKind::BrakeOpen, 1).is_none(), "that is the base's");
/// ```
#[derive(Clone, Debug)]
pub struct Tampering {
    kind: FaultKind,
    seed: u64,
    frozen: Option<Frozen>,
}

impl Tampering {
    /// The fault; `None` when its kind acts on something else. Noise comes from `seed`.
    pub const fn of(kind: FaultKind, seed: u64) -> Option<Self> {
        if is_of_senses(kind) { Some(Self { kind, seed, frozen: None }) } else { None }
    }

    /// Changes an observation; `age` is how long the fault has been on. Returns whether anything is different.
    pub fn apply(&mut self, observation: &mut Observation, age: Micros) -> bool {
        let draw = (self.seed, 0, observation.now.as_micros());
        let mut memory = Memory { frozen: &mut self.frozen, draw };
        distort(observation, Active { index: 0, kind: self.kind, age }, &mut memory)
    }
}

/// Whether a kind changes an observation, and nothing else.
const fn is_of_senses(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::ConfidenceLoss { .. }
            | FaultKind::ConfidenceStuck { .. }
            | FaultKind::ScanLost
            | FaultKind::ScanFrozen
            | FaultKind::ScanNotANumber
            | FaultKind::ScanInfinite
            | FaultKind::ScanOutOfRange
            | FaultKind::ScanBias { .. }
            | FaultKind::ScanTurns { .. }
            | FaultKind::ScanNoise { .. }
            | FaultKind::ScanBlind { .. }
            | FaultKind::ScanClear { .. }
            | FaultKind::ScanGhost { .. }
            | FaultKind::ScanMirrored
            | FaultKind::StampAhead { .. }
            | FaultKind::StampBehind { .. }
            | FaultKind::EmergencyButton
            | FaultKind::EmergencyButtonBounces
            | FaultKind::ResetButtonStuck
            | FaultKind::PoseJump { .. }
            | FaultKind::PoseOutside
    )
}

/// Changes what a robot perceives; returns whether anything is different.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is none of these changes the scan, or acts elsewhere"
)]
pub(crate) fn distort(observation: &mut Observation, active: Active, memory: &mut Memory<'_>) -> bool {
    match active.kind {
        FaultKind::StampAhead { by } => replace(&mut observation.taken, |was| was + by),
        FaultKind::StampBehind { by } => {
            let before = |was: RobotTime| was.as_micros().saturating_sub(by.as_micros());
            replace(&mut observation.taken, |was| RobotTime::from_micros(before(was)))
        }
        FaultKind::Breakdown => replace(&mut observation.failed, |_| true),
        FaultKind::EmergencyButton => replace(&mut observation.emergency_button, |_| true),
        FaultKind::EmergencyButtonBounces => {
            let pressed = active.age < BOUNCES_FOR && (active.age.as_millis() / 50).is_multiple_of(2);
            pressed && replace(&mut observation.emergency_button, |_| true)
        }
        FaultKind::ResetButtonStuck => replace(&mut observation.reset_button, |_| true),
        FaultKind::PoseJump { by } => change(&mut observation.x_m, |was| was + f64::from(by.0) / 1e3),
        FaultKind::PoseOutside => change(&mut observation.x_m, |was| was + 1e4),
        FaultKind::WheelSlip { percent } => {
            let more = 1.0 + f64::from(percent) / 100.0;
            let moves = observation.speed_mps != 0.0 || observation.yaw_rate_rps != 0.0;
            observation.speed_mps *= more;
            observation.yaw_rate_rps *= more;
            moves
        }
        _ => distort_scan(observation, active, memory),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the others act on the clock, the body, the radio or the building"
)]
fn distort_scan(observation: &mut Observation, active: Active, memory: &mut Memory<'_>) -> bool {
    let sight_m = observation.beam_range_max_m;
    let beams = &mut observation.beams;
    match active.kind {
        FaultKind::ConfidenceLoss { confidence: limit } => {
            each(beams, |beam| replace(&mut beam.confidence, |was| was.min(limit)))
        }
        FaultKind::ConfidenceStuck { confidence } => {
            each(beams, |beam| replace(&mut beam.confidence, |_| confidence))
        }
        FaultKind::ScanLost => !std::mem::take(beams).is_empty(),
        FaultKind::ScanFrozen => {
            let Frozen(frame, held) =
                memory.frozen.get_or_insert_with(|| Frozen(observation.frame, beams.clone()));
            let differs = observation.frame != *frame;
            (observation.frame, *beams) = (*frame, held.clone());
            differs
        }
        FaultKind::ScanNotANumber => each(beams, |beam| change(&mut beam.range_m, |_| f64::NAN)),
        FaultKind::ScanInfinite => each(beams, |beam| change(&mut beam.range_m, |_| f64::INFINITY)),
        FaultKind::ScanOutOfRange => each(beams, |beam| change(&mut beam.range_m, |_| -1.0)),
        FaultKind::ScanBias { by_mm } => {
            let by_m = f64::from(by_mm) / 1e3;
            let misses = misses(&mut observation.residual_m, by_m);
            misses
                | each(beams, |beam| {
                    beam.range_m < sight_m
                        && change(&mut beam.range_m, |was| (was + by_m).clamp(0.0, sight_m))
                })
        }
        FaultKind::ScanTurns { mrad_per_s } => {
            let by_rad = f64::from(mrad_per_s) / 1e3 * active.age.as_secs_f64();
            let misses = misses(&mut observation.residual_m, by_rad * CONTOUR_M);
            misses | each(beams, |beam| change(&mut beam.angle_rad, |was| was + by_rad))
        }
        FaultKind::ScanNoise { by } => {
            let (seed, entity, step) = memory.draw;
            let mut rng = stream(seed, Purpose::Noise, entity, step);
            let by_m = f64::from(by.0) / 1e3;
            each(beams, |beam| {
                let noise_m = signed_unit(&mut rng) * by_m;
                beam.range_m < sight_m && change(&mut beam.range_m, |was| (was + noise_m).clamp(0.0, sight_m))
            })
        }
        FaultKind::ScanBlind { sectors } => {
            each(beams, |beam| looks_into(beam, sectors) && change(&mut beam.range_m, |_| f64::NAN))
        }
        FaultKind::ScanClear { sectors } => {
            each(beams, |beam| looks_into(beam, sectors) && change(&mut beam.range_m, |_| sight_m))
        }
        FaultKind::ScanGhost { at } => each(beams, |beam| {
            let ghost_m = f64::from(at.0) / 1e3;
            looks_into(beam, 0b1) && ghost_m < beam.range_m && change(&mut beam.range_m, |_| ghost_m)
        }),
        FaultKind::ScanMirrored => {
            let misses = misses(&mut observation.residual_m, CONTOUR_M);
            misses | each(beams, |beam| change(&mut beam.angle_rad, |was| -was))
        }
        _ => false,
    }
}

fn each(beams: &mut [Beam], mut change: impl FnMut(&mut Beam) -> bool) -> bool {
    // Every beam, also after the first that changes.
    beams.iter_mut().fold(false, |changed, beam| change(beam) | changed)
}

fn replace<T: PartialEq + Copy>(place: &mut T, new: impl FnOnce(T) -> T) -> bool {
    let was = std::mem::replace(place, new(*place));
    was != *place
}

/// [`replace`] for numbers, whose bits count.
fn change(place: &mut f64, new: impl FnOnce(f64) -> f64) -> bool {
    let was = std::mem::replace(place, new(*place));
    was.to_bits() != place.to_bits()
}

/// A contour, if there is one, is missed by so much more.
fn misses(residual_m: &mut Option<f64>, by_m: f64) -> bool {
    residual_m.as_mut().is_some_and(|residual_m| change(residual_m, |was| was + by_m.abs()))
}

/// Whether a beam points into one of some sectors, each an eighth of a turn, the first centred ahead.
fn looks_into(beam: &Beam, sectors: u32) -> bool {
    let sector = libm::round(beam.angle_rad / std::f64::consts::FRAC_PI_4).rem_euclid(8.0);
    (0_u32..8).any(|other| sectors >> other & 1 == 1 && (sector - f64::from(other)).abs() < 0.5)
}

const _: () = assert!(SECTORS == 8, "sectors are eighths of a turn");
