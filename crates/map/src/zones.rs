//! What zones mean: when they count, for whom, and what holds where several overlap.
//!
//! The matrix of overlaps follows VDA 5050 version 3, section 6.4, for its ten kinds; ours stand beside them. Where the
//! standard leaves an overlap undefined it is [`Overlap::Undefined`], a fault of the map, and nothing is guessed.

use nalgebra::Point2;
use sheepdog_core::{LevelId, ZoneId};

use crate::{
    compiled::{CompiledSite, Zone, ZoneKind},
    geometry::{FreeSpace, FreeSpaceError, LevelGeometry, ring_contains},
    model::{self, ReleaseLoss, Schedule, Strictness, Weekday},
};

/// What holds where two zones overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Both do.
    Both,
    /// The first alone.
    First,
    /// The second alone.
    Second,
    /// The lower speed limit.
    LowerSpeed,
    /// The higher weight.
    HigherWeight,
    /// Nobody knows: the map is at fault.
    Undefined,
}

impl Overlap {
    /// The same with the zones exchanged.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
            Self::Both | Self::LowerSpeed | Self::HigherWeight | Self::Undefined => self,
        }
    }
}

/// Which part of a robot has to be in a zone for it to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Any part of the footprint with its load.
    Contour,
    /// The kinematic centre.
    Centre,
}

/// What holds where zones of two kinds overlap; defined for every pair.
///
/// ```
/// # use sheepdog_map::{model::ZoneKind, zones::{Overlap, overlap}};
/// assert_eq!(overlap(ZoneKind::Blocked, ZoneKind::SpeedLimit), Overlap::First);
/// assert_eq!(overlap(ZoneKind::Directed, ZoneKind::Bidirected), Overlap::Undefined);
/// ```
#[expect(clippy::match_same_arms, reason = "a matrix is read by rows")]
pub const fn overlap(one: model::ZoneKind, other: model::ZoneKind) -> Overlap {
    use model::ZoneKind::{
        Bidirected, Blocked, CoordinatedReplanning, Directed, LineGuided, Penalty, Priority, QuietHours,
        SpeedLimit,
    };
    match (one, other) {
        (Blocked, Blocked) => Overlap::Both,
        (Blocked, other) if is_standard(other) => Overlap::First,
        (one, Blocked) if is_standard(one) => Overlap::Second,
        (LineGuided, CoordinatedReplanning | Priority | Penalty | Directed) => Overlap::First,
        (CoordinatedReplanning | Priority | Penalty | Directed, LineGuided) => Overlap::Second,
        (SpeedLimit | QuietHours, SpeedLimit | QuietHours) => Overlap::LowerSpeed,
        (Directed | Bidirected, Directed | Bidirected) => Overlap::Undefined,
        (Penalty, Penalty) | (Priority, Priority) => Overlap::HigherWeight,
        (Penalty, Priority) => Overlap::First,
        (Priority, Penalty) => Overlap::Second,
        _ => Overlap::Both,
    }
}

/// Whether a kind is one of VDA 5050.
pub const fn is_standard(kind: model::ZoneKind) -> bool {
    use model::ZoneKind as K;
    match kind {
        K::Blocked
        | K::LineGuided
        | K::Release
        | K::CoordinatedReplanning
        | K::SpeedLimit
        | K::Action
        | K::Priority
        | K::Penalty
        | K::Directed
        | K::Bidirected => true,
        K::Stop
        | K::FireLane
        | K::UvC
        | K::HumanOnly
        | K::Sterile
        | K::QuietHours
        | K::UvExclusion
        | K::Privacy => false,
    }
}

/// Which part of a robot counts for a kind of zone.
pub const fn reach(kind: model::ZoneKind) -> Reach {
    use model::ZoneKind as K;
    match kind {
        K::Priority | K::Penalty | K::Directed | K::Bidirected => Reach::Centre,
        K::Blocked
        | K::LineGuided
        | K::Release
        | K::CoordinatedReplanning
        | K::SpeedLimit
        | K::Action
        | K::Stop
        | K::FireLane
        | K::UvC
        | K::HumanOnly
        | K::Sterile
        | K::QuietHours
        | K::UvExclusion
        | K::Privacy => Reach::Contour,
    }
}

/// A minute of a week in the civil time of the site. Who calls knows its time zone; the map does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CivilTime {
    weekday: Weekday,
    minute: u16,
}

impl CivilTime {
    /// A time of day; `None` from 24:00 on.
    pub const fn new(weekday: Weekday, hour: u16, minute: u16) -> Option<Self> {
        if hour < 24 && minute < 60 { Some(Self { weekday, minute: hour * 60 + minute }) } else { None }
    }
}

const DAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

fn bit(day: Weekday) -> u8 {
    1 << (day as u8)
}

fn day_before(day: Weekday) -> Weekday {
    let index = (day as usize + DAYS.len() - 1) % DAYS.len();
    DAYS.get(index).copied().unwrap_or(day)
}

/// A schedule as it is asked: days as bits, minutes of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    days: u8,
    from: u16,
    to: u16,
}

impl Window {
    /// A schedule that makes sense, or the text that is no time of day.
    pub(crate) fn new(schedule: &Schedule) -> Result<Self, String> {
        let days = schedule.days.iter().fold(0, |days, day| days | bit(*day));
        let minute = |text: &str| minute_of_day(text).ok_or_else(|| text.to_owned());
        let (from, to) = (minute(&schedule.from)?, minute(&schedule.to)?);
        Ok(Self { days: if days == 0 { 0b111_1111 } else { days }, from, to })
    }

    fn holds(self, when: CivilTime) -> bool {
        let begins = |day: Weekday| self.days & bit(day) != 0;
        if self.from < self.to {
            return begins(when.weekday) && self.from <= when.minute && when.minute < self.to;
        }
        (begins(when.weekday) && self.from <= when.minute)
            || (begins(day_before(when.weekday)) && when.minute < self.to)
    }
}

/// `"22:00"` as minutes; `"24:00"` is the end of the day.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits =
        |part: &str| (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then_some(());
    digits(hour).and(digits(minute))?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= 24 * 60).then_some(minutes)
}

/// Whom a question about zones is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visitor<'a> {
    /// Its footprint class; `None` for whom every zone counts.
    pub class: Option<&'a str>,
    /// Radius of its footprint with its load, metres.
    pub radius_m: f64,
    /// When it is there; `None` counts every zone, whatever its schedule says.
    pub when: Option<CivilTime>,
}

/// The zones that count for a footprint at a place, those that others overrule left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ZonesAt<'a> {
    /// No such level, or no such place on it.
    is_nowhere: bool,
    zones: Vec<(ZoneId, &'a model::Zone)>,
    conflicts: Vec<(ZoneId, ZoneId)>,
}

/// A direction that robots keep to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heading {
    /// Radians in the frame of the level.
    pub direction_rad: f64,
    /// Whether the opposite direction is as good.
    pub both_ways: bool,
    /// How strictly it is meant.
    pub strictness: Strictness,
}

impl CompiledSite {
    /// The zones that count for a visitor whose centre is at a place. Linear in the corners of the level's zones.
    ///
    /// On an unknown level, and at a place or for a radius that is not finite, everything is blocked.
    pub fn zones_at(&self, level: LevelId, at: Point2<f64>, visitor: Visitor<'_>) -> ZonesAt<'_> {
        let is_place = at.coords.iter().all(|metres| metres.is_finite()) && 0.0 <= visitor.radius_m;
        if !is_place || self.level(level).is_none() {
            return ZonesAt { is_nowhere: true, ..ZonesAt::default() };
        }
        let there = (0..).map(ZoneId).zip(self.zones()).filter_map(|(id, zone)| {
            let written = self.written_zone(zone)?;
            (zone.level == level && zone.counts(written, at, visitor)).then_some((id, written))
        });
        ZonesAt::resolved(there.collect())
    }
}

impl CompiledSite {
    /// Whether no plan leads a robot of a footprint class into a zone: it is blocked or for people alone, and counts for
    /// the class. Plans do not know the time of day, so a zone with a schedule is closed to them at all hours. See
    /// [`ClassClaims::usable`](crate::ClassClaims::usable) and [`free_space`](Self::free_space). `false` for an unknown
    /// zone.
    pub fn is_closed(&self, zone: ZoneId, class: &str) -> bool {
        let written = self.zone(zone).and_then(|zone| self.written_zone(zone));
        written.is_some_and(|written| written.is_closed() && written.counts_for(class))
    }

    /// The ground of a level that a robot or person of some radius can walk on: its free space less the cabins of lifts,
    /// and for a robot less the zones that are [closed](Self::is_closed) to its class. `class` is `None` for a person.
    ///
    /// Cabins are mapped, so that a robot in one is on known ground; but nobody crosses a shaft. Cost as
    /// [`FreeSpace::new`]; empty for an unknown level.
    ///
    /// # Errors
    /// As [`FreeSpace::new`].
    pub fn free_space(
        &self,
        level: LevelId,
        radius_m: f64,
        class: Option<&str>,
    ) -> Result<FreeSpace, FreeSpaceError> {
        let is_closed = |id| class.is_some_and(|class| self.is_closed(id, class));
        let zones = self.live_zones().filter(|(id, zone)| zone.level == level && is_closed(*id));
        let cabins: Vec<_> =
            self.live_lifts().filter(|(_, lift)| lift.serves(level)).map(|(_, lift)| lift.cabin()).collect();
        let cabins = cabins.iter().map(<[Point2<f64>; 4]>::as_slice);
        let closed: Vec<&[Point2<f64>]> =
            zones.map(|(_, zone)| zone.outer.as_slice()).chain(cabins).collect();
        match self.level(level) {
            Some(level) => FreeSpace::outside(&level.geometry, &closed, radius_m),
            None => FreeSpace::new(&LevelGeometry::default(), radius_m),
        }
    }
}

impl model::Zone {
    /// Whether no robot for which it counts is sent there, whatever its schedule says.
    pub fn is_closed(&self) -> bool {
        matches!(self.kind, model::ZoneKind::Blocked | model::ZoneKind::HumanOnly)
    }

    /// Whether it counts for a footprint class.
    pub fn counts_for(&self, class: &str) -> bool {
        self.classes.is_empty() || self.classes.iter().any(|named| named == class)
    }
}

impl Zone {
    fn counts(&self, written: &model::Zone, at: Point2<f64>, visitor: Visitor<'_>) -> bool {
        let for_class = visitor.class.is_none_or(|class| written.counts_for(class));
        let now = self.windows.is_empty()
            || visitor.when.is_none_or(|when| self.windows.iter().any(|window| window.holds(when)));
        let is_in = || match self.kind {
            ZoneKind::Authored(kind) => match reach(kind) {
                Reach::Contour => self.is_within(at, visitor.radius_m),
                Reach::Centre => ring_contains(&self.outer, at),
            },
            ZoneKind::Exit => false,
        };
        for_class && now && is_in()
    }
}

impl<'a> ZonesAt<'a> {
    fn resolved(there: Vec<(ZoneId, &'a model::Zone)>) -> Self {
        let mut conflicts = Vec::new();
        let mut overruled = vec![false; there.len()];
        for (index, (id, zone)) in there.iter().enumerate() {
            for (other_index, (other_id, other)) in there.iter().enumerate().skip(index + 1) {
                match overlap(zone.kind, other.kind) {
                    Overlap::First => set(&mut overruled, other_index),
                    Overlap::Second => set(&mut overruled, index),
                    Overlap::Undefined => conflicts.push((*id, *other_id)),
                    Overlap::Both | Overlap::LowerSpeed | Overlap::HigherWeight => {}
                }
            }
        }
        let kept = there.into_iter().zip(overruled).filter(|(_, overruled)| !overruled);
        Self { is_nowhere: false, zones: kept.map(|(zone, _)| zone).collect(), conflicts }
    }

    /// The zones, by id.
    pub fn iter(&self) -> impl Iterator<Item = (ZoneId, &'a model::Zone)> + '_ {
        self.zones.iter().copied()
    }

    /// Pairs of zones of which nobody knows what holds.
    pub fn conflicts(&self) -> &[(ZoneId, ZoneId)] {
        &self.conflicts
    }

    /// Whether a zone of a kind counts.
    pub fn has(&self, kind: model::ZoneKind) -> bool {
        self.of(kind).next().is_some()
    }

    /// Whether no robot may be here: blocked, for people alone, or nobody knows what holds or where this is.
    pub fn is_blocked(&self) -> bool {
        self.is_nowhere
            || self.has(model::ZoneKind::Blocked)
            || self.has(model::ZoneKind::HumanOnly)
            || !self.conflicts.is_empty()
    }

    /// The lowest speed limit, metres per second; zero where it [is blocked](Self::is_blocked).
    pub fn speed_limit_mps(&self) -> Option<f64> {
        if self.is_blocked() {
            return Some(0.0);
        }
        self.zones.iter().filter_map(|(_, zone)| zone.speed_limit_mps).min_by(f64::total_cmp)
    }

    /// What a robot does that loses its leave; the most careful of several, `None` where no leave is needed.
    pub fn release_loss(&self) -> Option<ReleaseLoss> {
        let careful = |loss: &ReleaseLoss| match loss {
            ReleaseLoss::Stop => 0,
            ReleaseLoss::Evacuate => 1,
            ReleaseLoss::Continue => 2,
        };
        self.of(model::ZoneKind::Release).map(|zone| zone.release_loss).min_by_key(careful)
    }

    /// How much worse (positive) or better (negative) it is to drive here, from -1 to 1.
    pub fn weight(&self) -> f64 {
        let highest = |kind| self.of(kind).filter_map(|zone| zone.weight).fold(0.0, f64::max);
        highest(model::ZoneKind::Penalty) - highest(model::ZoneKind::Priority)
    }

    /// The direction to keep to.
    pub fn heading(&self) -> Option<Heading> {
        let one_way = self.of(model::ZoneKind::Directed).map(|zone| (zone, false));
        let both = self.of(model::ZoneKind::Bidirected).map(|zone| (zone, true));
        one_way.chain(both).find_map(|(zone, both_ways)| {
            Some(Heading { direction_rad: zone.direction_rad?, both_ways, strictness: zone.strictness })
        })
    }

    fn of(&self, kind: model::ZoneKind) -> impl Iterator<Item = &'a model::Zone> + '_ {
        self.zones.iter().map(|(_, zone)| *zone).filter(move |zone| zone.kind == kind)
    }
}

fn set(flags: &mut [bool], index: usize) {
    if let Some(flag) = flags.get_mut(index) {
        *flag = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        CompileOptions, Site,
        model::{Level, Room, ZoneKind as K},
    };

    const KINDS: [K; 18] = [
        K::Stop,
        K::FireLane,
        K::UvC,
        K::Blocked,
        K::LineGuided,
        K::Release,
        K::CoordinatedReplanning,
        K::SpeedLimit,
        K::Action,
        K::Priority,
        K::Penalty,
        K::Directed,
        K::Bidirected,
        K::HumanOnly,
        K::Sterile,
        K::QuietHours,
        K::UvExclusion,
        K::Privacy,
    ];

    fn zone(id: &str, kind: K) -> model::Zone {
        let weighs = matches!(kind, K::Priority | K::Penalty);
        model::Zone {
            speed_limit_mps: (kind == K::SpeedLimit).then_some(0.5),
            weight: weighs.then_some(0.25),
            direction_rad: matches!(kind, K::Directed | K::Bidirected).then_some(1.0),
            ..model::Zone::rectangle(id, "L1", kind, [0.0, 0.0], [4.0, 4.0])
        }
    }

    fn hall(zones: Vec<model::Zone>) -> CompiledSite {
        let mut site = Site::new("hall");
        site.levels.push(Level::new("L1", 0.0));
        site.rooms.push(Room::rectangle("hall", "L1", 0.0, 0.0, 20.0, 20.0));
        site.zones = zones;
        site.compile(&CompileOptions::default()).unwrap()
    }

    const ANYBODY: Visitor<'_> = Visitor { class: None, radius_m: 0.3, when: None };

    fn at<'a>(site: &'a CompiledSite, x: f64, visitor: Visitor<'_>) -> ZonesAt<'a> {
        site.zones_at(LevelId(0), Point2::new(x, 2.0), visitor)
    }

    #[test]
    fn the_matrix_is_symmetric_and_what_blocks_wins() {
        for one in KINDS {
            for other in KINDS {
                assert_eq!(overlap(one, other), overlap(other, one).mirrored(), "{one:?} {other:?}");
            }
            let over = if one == K::Blocked || !is_standard(one) { Overlap::Both } else { Overlap::First };
            assert_eq!(overlap(K::Blocked, one), over, "{one:?}");
        }
    }

    #[test]
    fn overlaps_are_resolved_as_the_matrix_says() {
        let site = hall(vec![zone("a", K::LineGuided), zone("b", K::Penalty), zone("c", K::SpeedLimit)]);
        let there = at(&site, 1.0, ANYBODY);
        assert!(there.has(K::LineGuided) && !there.has(K::Penalty) && !there.is_blocked());
        assert_eq!((there.speed_limit_mps(), there.weight()), (Some(0.5), 0.0));
        let mut slower = zone("d", K::QuietHours);
        slower.speed_limit_mps = Some(0.2);
        let site = hall(vec![zone("c", K::SpeedLimit), slower, zone("p", K::Priority)]);
        let there = at(&site, 1.0, ANYBODY);
        assert_eq!((there.speed_limit_mps(), there.weight()), (Some(0.2), -0.25));
        let site = hall(vec![zone("c", K::SpeedLimit), zone("x", K::Blocked)]);
        let there = at(&site, 1.0, ANYBODY);
        assert!(there.is_blocked() && there.speed_limit_mps() == Some(0.0));
    }

    #[test]
    fn directions_that_overlap_are_nobody_s_guess() {
        let site = hall(vec![zone("a", K::Directed), zone("b", K::Bidirected)]);
        let there = at(&site, 1.0, ANYBODY);
        assert_eq!(there.conflicts(), [(ZoneId(0), ZoneId(1))]);
        assert!(there.is_blocked());
        let site = hall(vec![zone("b", K::Bidirected)]);
        let heading = at(&site, 1.0, ANYBODY).heading().unwrap();
        assert!(heading.both_ways && heading.direction_rad.to_bits() == 1.0_f64.to_bits());
    }

    #[test]
    fn contours_reach_into_zones_and_centres_do_not() {
        let site = hall(vec![zone("a", K::SpeedLimit), zone("b", K::Penalty)]);
        for (x, contour, centre) in
            [(4.0, true, true), (4.2, true, false), (4.3, true, false), (4.31, false, false)]
        {
            let there = at(&site, x, ANYBODY);
            assert_eq!((there.has(K::SpeedLimit), there.has(K::Penalty)), (contour, centre), "{x}");
        }
    }

    #[test]
    fn zones_count_for_classes_and_at_times() {
        let mut night = zone("night", K::QuietHours);
        night.classes = vec!["cart".to_owned()];
        night.schedules =
            vec![Schedule { days: vec![Weekday::Sunday], from: "22:00".to_owned(), to: "06:00".to_owned() }];
        let site = hall(vec![night]);
        let quiet = |class, day, hour, minute| {
            at(&site, 1.0, Visitor { class, radius_m: 0.3, when: CivilTime::new(day, hour, minute) })
                .has(K::QuietHours)
        };
        let cart = Some("cart");
        assert!(!quiet(Some("bed mover"), Weekday::Sunday, 23, 0));
        assert!(quiet(None, Weekday::Sunday, 23, 0));
        for (day, hour, minute, expected) in [
            (Weekday::Sunday, 21, 59, false),
            (Weekday::Sunday, 22, 0, true),
            (Weekday::Monday, 5, 59, true),
            (Weekday::Monday, 6, 0, false),
            (Weekday::Monday, 22, 0, false),
            (Weekday::Sunday, 5, 0, false),
        ] {
            assert_eq!(quiet(cart, day, hour, minute), expected, "{day:?} {hour}:{minute}");
        }
    }

    #[test]
    fn times_of_day_are_strict() {
        assert_eq!(minute_of_day("24:00"), Some(1_440));
        for text in ["24:01", "7:00", "07:60", "0700", "+7:00", "07:0é", ""] {
            assert_eq!(minute_of_day(text), None, "{text}");
        }
    }
}
