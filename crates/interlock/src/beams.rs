//! Beams of a range sensor reduced to what a step needs: per sector a confidence and the nearest obstacle, and along the
//! commanded arc the free travel and the clearance beside it.
//!
//! A return becomes a disc whose radius is half the spacing to the neighbouring beam at that range, at most
//! [`BEAM_DISC_MAX`]: a surface that bridges two returns is closed between them. What is thinner than the spacing and
//! stands between two beams is not seen; a sensor's confidence has to say so. Where beams are missing that should be there
//! ([`Sweep::half_gap`]) the scan is blind.
//!
//! Everything is computed in integers and rounded to the safe side: the free travel is exact to a few millimetres on
//! straight lines, and on arcs never longer than the exact one, as a chord is never longer than its arc. Time is linear
//! in the beams, of which there are at most [`BEAMS_MAX`]; no allocation, no panic.

use sheepdog_core::{Confidence, Micros, Mm, Ppm};

use crate::{SectorReading, Twist};

/// The most beams of a scan that are reduced. A scan with more counts as blind.
pub const BEAMS_MAX: usize = 1_080;
/// The farthest that a sensor is believed to see.
pub const SIGHT_MAX: Mm = Mm(65_535);
/// Largest radius of the disc that a return becomes.
pub const BEAM_DISC_MAX: Mm = Mm(30);
/// Clearance beside the path is measured up to here.
pub const CLEARANCE_MAX: Mm = Mm(1_000);

/// One, in the fixed-point numbers of directions.
pub const UNIT: i32 = 1 << 15;

/// A turning radius from which on an arc counts as a straight line, millimetres: it deviates by less than the rounding
/// within any braking distance.
const STRAIGHT: i64 = 100_000_000;

/// Where a beam points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    cos: i32,
    sin: i32,
    sector: u8,
}

impl Direction {
    /// The direction with these coordinates in `base_link`, times [`UNIT`], and the sector it lies in. `None` when they
    /// are not those of a unit vector, within one part in a thousand.
    ///
    /// ```
    /// # use sheepdog_interlock::beams::{Direction, UNIT};
    /// assert!(Direction::new(UNIT, 0, 0).is_some());
    /// assert!(Direction::new(UNIT, UNIT, 1).is_none());
    /// ```
    pub const fn new(cos: i32, sin: i32, sector: u8) -> Option<Self> {
        let length = square(cos as i64).saturating_add(square(sin as i64));
        let unit = square(UNIT as i64);
        if length.abs_diff(unit) <= unit.unsigned_abs() / 500 {
            Some(Self { cos, sin, sector })
        } else {
            None
        }
    }

    /// The sector it lies in.
    pub const fn sector(self) -> u8 {
        self.sector
    }
}

/// One range measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beam {
    /// Where it points.
    pub direction: Direction,
    /// Half the angle to the neighbouring beam that is farther away, radians times [`UNIT`].
    pub half_spacing: u16,
    /// Distance from the robot's centre to what it met; `None` when it measured nothing valid.
    pub range: Option<Mm>,
    /// Lower bound of the probability that no undetected obstacle is in this direction.
    pub confidence: Confidence,
    /// Whether the map has a wall where the return lies.
    pub is_wall: bool,
}

/// A robot in motion, as far as beams care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// The motion.
    pub twist: Twist,
    /// Radius of the footprint.
    pub radius: Mm,
    /// How far ahead clearance beside the path matters.
    pub reach: Mm,
    /// By how much a known wall may come closer than anything else.
    pub wall_credit: Mm,
    /// A half spacing above it is a gap: the beams at its edges count as blind, whatever they have measured.
    pub half_gap: u16,
}

/// What a scan says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings<const SECTORS: usize> {
    /// Per sector; `None` for a sector without a beam.
    pub sectors: [Option<SectorReading>; SECTORS],
    /// Share of the beams that measured nothing valid.
    pub invalid: Ppm,
    /// Digest of ranges and confidences.
    pub digest: u64,
    /// Free travel along the arc, at most what is seen.
    pub free_travel: Mm,
    /// Clearance beside the path, at most [`CLEARANCE_MAX`].
    pub side_clearance: Mm,
}

/// Reduces a scan. A range from `sight` on has met nothing; beyond [`SIGHT_MAX`] nothing is believed.
pub fn reduce<const SECTORS: usize>(beams: &[Beam], sight: Mm, sweep: Sweep) -> Surroundings<SECTORS> {
    let sight = sight.min(SIGHT_MAX);
    let path = Path::new(sweep);
    let mut seen = Surroundings {
        sectors: [None; SECTORS],
        invalid: Ppm::ONE,
        digest: 0,
        free_travel: sight.saturating_sub(sweep.radius),
        side_clearance: CLEARANCE_MAX,
    };
    if beams.is_empty() || BEAMS_MAX < beams.len() {
        return Surroundings { free_travel: Mm::ZERO, side_clearance: Mm::ZERO, ..seen };
    }
    let mut invalid = 0_u64;
    for beam in beams {
        seen.digest = mixed(seen.digest, beam);
        // Nothing valid was measured here, or nothing at all beside it.
        let measured = beam.range.filter(|_| beam.half_spacing <= sweep.half_gap);
        invalid = invalid.saturating_add(measured.is_none().into());
        let obstacle = match measured {
            None => Mm::ZERO,
            Some(range) if range < sight && !beam.is_wall => range.saturating_sub(sweep.radius),
            Some(_) => Mm::MAX,
        };
        let confidence = if measured.is_none() { Confidence::NONE } else { beam.confidence };
        if let Some(sector) = seen.sectors.get_mut(usize::from(beam.direction.sector)) {
            let before = sector.unwrap_or(SectorReading { confidence: Confidence::FULL, obstacle: Mm::MAX });
            *sector = Some(SectorReading {
                confidence: before.confidence.min(confidence),
                obstacle: before.obstacle.min(obstacle),
            });
        }
        if measured.is_some_and(|range| sight <= range) {
            continue;
        }
        let credit = if beam.is_wall && measured.is_some() { sweep.wall_credit } else { Mm::ZERO };
        let met = Met::new(beam, measured, sweep.radius);
        // Most of what is seen is farther away than the nearest thing on the path, and not beside it.
        if path.is_beside(met) || met.crow.saturating_add(credit) < seen.free_travel {
            let (travel, clearance) = path.meet(met);
            seen.free_travel = seen.free_travel.min(travel.max(met.crow).saturating_add(credit));
            seen.side_clearance = seen.side_clearance.min(clearance);
        }
    }
    let total = u64::try_from(beams.len()).unwrap_or(u64::MAX);
    let share = invalid.saturating_mul(1_000_000).div_ceil(total.max(1));
    seen.invalid = u32::try_from(share).ok().and_then(|share| Ppm::new(share).ok()).unwrap_or(Ppm::ONE);
    seen
}

/// The sectors into which a disc moves within `horizon`, bit `i` for sector `i` of `SECTORS`, each centred on
/// `i` full turns by `SECTORS`.
///
/// A disc that moves enters the half plane ahead of it; as it turns, so does the half plane. Without linear motion these
/// are all sectors.
///
/// ```
/// # use sheepdog_interlock::{Micros, Twist, beams::swept_sectors};
/// let ahead = Twist { linear_mm_per_s: 500, angular_mrad_per_s: 0 };
/// assert_eq!(swept_sectors::<8>(ahead, Micros::from_secs(1)), 0b1100_0111);
/// ```
pub fn swept_sectors<const SECTORS: usize>(twist: Twist, horizon: Micros) -> u32 {
    const HALF_TURN: i64 = 3_142;
    const QUARTER_TURN: i64 = 1_571;
    let sectors = i64::try_from(SECTORS).unwrap_or(1).max(1);
    let bit =
        |sector: i64| u32::try_from(sector).ok().and_then(|sector| 1_u32.checked_shl(sector)).unwrap_or(0);
    let is_straight = twist.linear_mm_per_s != 0;
    let span = i64::try_from(horizon.as_micros()).unwrap_or(i64::MAX);
    let turned = i64::from(twist.angular_mrad_per_s).saturating_mul(span) / 1_000_000;
    let turned = turned.clamp(-HALF_TURN, HALF_TURN);
    let heading = if twist.linear_mm_per_s < 0 { HALF_TURN } else { 0 };
    let (right, left) =
        (turned.min(0).saturating_sub(QUARTER_TURN), turned.max(0).saturating_add(QUARTER_TURN));
    // Twice the angles, so that halves stay whole.
    let middle = right.saturating_add(left).saturating_add(heading.saturating_mul(2));
    let sector_width = HALF_TURN.saturating_mul(2).checked_div(sectors).unwrap_or(HALF_TURN);
    let width = left.saturating_sub(right).saturating_add(sector_width);
    let is_swept = |sector: &i64| {
        let centre = sector.saturating_mul(HALF_TURN.saturating_mul(4)).checked_div(sectors).unwrap_or(0);
        let full = HALF_TURN.saturating_mul(4);
        let apart = centre.saturating_sub(middle).rem_euclid(full);
        apart.min(full.saturating_sub(apart)) < width
    };
    (0..sectors).filter(|sector| !is_straight || is_swept(sector)).fold(0, |mask, sector| mask | bit(sector))
}

/// What a beam met, in millimetres of `base_link`.
#[derive(Clone, Copy, Debug)]
struct Met {
    x: i64,
    y: i64,
    /// How near the centre of the footprint may come to it.
    reach: i64,
    /// The way to contact as the crow flies: no path is shorter.
    crow: Mm,
    range: i64,
}

impl Met {
    fn new(beam: &Beam, measured: Option<Mm>, radius: Mm) -> Self {
        // A blind beam touches, in its direction: never quite at the centre.
        let range = i64::from(measured.map_or(32, |range| range.0.max(1)));
        let disc = range.saturating_mul(beam.half_spacing.into()).saturating_add((1 << 15) - 1) >> 15;
        // One more for what rounding has moved.
        let reach = i64::from(radius.0.min(SIGHT_MAX.0))
            .saturating_add(disc.min(BEAM_DISC_MAX.0.into()))
            .saturating_add(1);
        Self {
            x: along(range, beam.direction.cos),
            y: along(range, beam.direction.sin),
            reach,
            crow: length(range.saturating_sub(reach)),
            range,
        }
    }
}

/// The path of the footprint's centre, going forwards.
#[derive(Clone, Copy, Debug)]
struct Path {
    kind: Kind,
    is_backwards: bool,
    /// How far along the path clearance matters.
    reach: i64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Standing,
    Straight,
    /// Signed turning radius: positive to the left.
    Arc(i64),
}

impl Path {
    fn new(sweep: Sweep) -> Self {
        let Twist { linear_mm_per_s: linear, angular_mrad_per_s: angular } = sweep.twist;
        let radius = i64::from(linear).saturating_mul(1_000).checked_div(angular.into());
        let kind = match radius {
            _ if linear == 0 => Kind::Standing,
            Some(radius) if radius.abs() < STRAIGHT => Kind::Arc(radius),
            Some(_) | None => Kind::Straight,
        };
        let reach = sweep.reach.saturating_add(sweep.radius).0.min(SIGHT_MAX.0).into();
        Self { kind, is_backwards: linear < 0, reach }
    }

    /// Whether something is near enough for clearance to matter: within the cap of a part of the path that counts.
    fn is_beside(self, met: Met) -> bool {
        met.range <= self.reach.saturating_add(met.reach).saturating_add(CLEARANCE_MAX.0.into())
    }

    /// Free travel to something, and clearance when it stands beside.
    fn meet(self, met: Met) -> (Mm, Mm) {
        let met = if self.is_backwards { Met { x: met.x.saturating_neg(), ..met } } else { met };
        match self.kind {
            Kind::Standing => (Mm::MAX, CLEARANCE_MAX),
            Kind::Straight => self.meet_straight(met),
            Kind::Arc(radius) => self.meet_on_arc(met, radius),
        }
    }

    fn meet_straight(self, Met { x, y, reach, .. }: Met) -> (Mm, Mm) {
        let beside = y.abs();
        if x <= 0 {
            return (Mm::MAX, CLEARANCE_MAX);
        }
        if reach <= beside {
            let matters = x <= self.reach;
            return (Mm::MAX, if matters { length(beside.saturating_sub(reach)) } else { CLEARANCE_MAX });
        }
        let before = root(square(reach).saturating_sub(square(beside))).saturating_add(1);
        (length(x.saturating_sub(before).saturating_sub(1)), CLEARANCE_MAX)
    }

    /// With the centre of the turn at `(0, turn)`, the obstacle at distance `rho` from it and `beside` the path, and a
    /// chord `c` of the path from here to level with the obstacle: `c² = (d² - beside²)·turn/rho`, and contact comes a
    /// chord `h` before that, `h² = (reach² - beside²)·turn/rho`. An arc is longer than the difference of its chords.
    fn meet_on_arc(self, Met { x, y, reach, .. }: Met, turn: i64) -> (Mm, Mm) {
        let turn_abs = turn.abs();
        let rho_squared = square(x).saturating_add(square(y.saturating_sub(turn)));
        let interest = reach.saturating_add(CLEARANCE_MAX.0.into());
        let nearest = turn_abs.saturating_sub(interest);
        if square(turn_abs.saturating_add(interest)) < rho_squared
            || (0 < nearest && rho_squared < square(nearest))
        {
            return (Mm::MAX, CLEARANCE_MAX);
        }
        let rho = root(rho_squared);
        // The root may be one short.
        let beside = rho.abs_diff(turn_abs).saturating_sub(1);
        let beside = i64::try_from(beside).unwrap_or(i64::MAX);
        let ahead = square(x).saturating_add(square(y)).saturating_sub(square(beside)).max(0);
        if reach <= beside {
            // By the chord, which is never longer than the way.
            let chord = ahead.saturating_mul(turn_abs).checked_div(rho.saturating_add(1)).unwrap_or(0);
            let matters = 0 <= x && chord <= square(self.reach);
            let clearance = if matters { length(beside.saturating_sub(reach)) } else { CLEARANCE_MAX };
            return (Mm::MAX, clearance);
        }
        let contact = square(reach).saturating_sub(square(beside));
        let travel = if 0 < x {
            let chord = root(ahead).saturating_sub(root(contact)).saturating_sub(1).max(0);
            // The obstacle may be that much farther from the centre than the rounded numbers say.
            let ratio = square(chord).saturating_mul(turn_abs).checked_div(rho.saturating_add(3));
            root(ratio.unwrap_or(0)).saturating_sub(1)
        } else {
            Self::round_the_back(turn_abs, rho, contact)
        };
        (length(travel), CLEARANCE_MAX)
    }

    /// Travel to something behind: at least half the circle less the angle of contact, `turn·π·(1 - s)`, where
    /// `s² = contact/(4·turn·rho)` is the squared sine of half that angle.
    fn round_the_back(turn: i64, rho: i64, contact: i64) -> i64 {
        let diameter = turn.saturating_mul(rho).saturating_mul(4);
        let sine =
            contact.saturating_mul(1 << 20).checked_div(diameter).map_or(1 << 10, root).saturating_add(1);
        let left = (1_i64 << 10).saturating_sub(sine).max(0);
        turn.saturating_mul(3_141).saturating_mul(left) / (1_000 << 10)
    }
}

/// A range times a coordinate of a direction, rounded to the nearest, so that mirrored directions stay mirrored.
const fn along(range: i64, unit: i32) -> i64 {
    let whole = range.saturating_mul(unit.unsigned_abs() as i64).saturating_add(1 << 14) >> 15;
    if unit < 0 { whole.saturating_neg() } else { whole }
}

const fn square(value: i64) -> i64 {
    value.saturating_mul(value)
}

/// Square root, rounded down; zero of what is negative.
const fn root(value: i64) -> i64 {
    if value <= 0 { 0 } else { value.isqrt() }
}

/// A length, at least zero.
fn length(value: i64) -> Mm {
    Mm(u32::try_from(value.max(0)).unwrap_or(u32::MAX))
}

/// A digest with one more beam in it.
fn mixed(digest: u64, beam: &Beam) -> u64 {
    let range = beam.range.map_or(u64::MAX, |range| range.0.into());
    let word = range << 20 ^ u64::from(beam.confidence.ppm());
    (digest ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}
