//! The map pack: inside the allowed area, sure of the place, no faster than the zone allows.
//!
//! * MAP-001: outside the allowed area the robot stops; where it is uncertain it is slow. Inside counts again once it has
//!   been shown for `settle`, and from outside the way back leads through inside only: a robot that hovers at a border
//!   does not stutter.
//! * MAP-002: a fix counts when it is fresh, on the site that is loaded, exact enough, and no jump: between two fixes
//!   `|Δp| - Δs` is at most `jump_max`, with `Δp` the distance of the two positions, rounded up, and `Δs` what the
//!   odometer covered meanwhile. A jump stops for `settle`.
//! * SPD-003: the zone's speed limit.
//!
//! A robot that got outside is brought back by recovery motion ([`teleop`](crate::packs::teleop)); the host then judges the area
//! of that lease instead of the mapped one.

use sheepdog_core::{Evidence, Micros, Mm, MmPerS, Relation, RobotTime, SiteVersion, StopCategory};

use crate::{
    ConfigError, Reading, SPEED_LIMIT,
    config::{at_least, at_most},
    packs::{
        Freshness, PackVerdict,
        judge::{Judge, cap, evidence, good_for, length_up},
        rules::{MAP_001, MAP_002, SPD_003},
    },
};

/// Settings of a [`Map`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapSettings {
    /// How old a fix may be (MAP-002).
    pub fresh: Freshness,
    /// The largest error of a fix that counts (MAP-002).
    pub error_max: Mm,
    /// By how much a fix may differ from the last one beyond what the odometer says (MAP-002).
    pub jump_max: Mm,
    /// How long inside must be shown before it counts again (MAP-001), and how long a jump stops (MAP-002).
    pub settle: Micros,
    /// The robot's own speed limit: zones at or above it limit nothing (SPD-003).
    pub speed_max: MmPerS,
    /// Speed limit where it is uncertain whether the robot is inside (MAP-001).
    pub speed_uncertain: MmPerS,
}

impl MapSettings {
    /// The settings of robots that we simulate; they describe no real robot.
    pub const SIMULATED: Self = Self {
        fresh: Freshness::SIMULATED,
        error_max: Mm(200),
        jump_max: Mm(200),
        settle: Micros::from_millis(500),
        speed_max: MmPerS(1_000),
        speed_uncertain: MmPerS(300),
    };

    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// [`ConfigError`], naming the first setting that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.fresh.validate()?;
        at_least("error_max", self.error_max.0.into(), 1, "no localisation is exact")?;
        at_least("jump_max", self.jump_max.0.into(), 1, "no localisation is exact")?;
        at_least("settle", self.settle.as_micros(), 1, "no time is no check")?;
        let top = self.speed_max.0.into();
        at_most("speed_max", top, SPEED_LIMIT.0.into(), "faster robots are another machine")?;
        at_most("speed_uncertain", self.speed_uncertain.0.into(), top, "it must not exceed speed_max")
    }
}

/// Whether the footprint is in the allowed area, its position's error considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// It is not.
    Outside,
    /// With some of its possible positions it is, with others not.
    Uncertain,
    /// With all of them it is.
    Inside,
}

/// What the robot knows of its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapEvidence {
    /// The site the robot has loaded.
    pub expected: SiteVersion,
    /// The last fix.
    pub fix: Option<Reading<Fix>>,
}

/// Where localisation says the robot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The site it was localised on.
    pub site: SiteVersion,
    /// Whether that is in the allowed area.
    pub area: Area,
    /// How far the robot may be from there.
    pub error: Mm,
    /// Position along x in `map`, millimetres.
    pub x_mm: i32,
    /// Position along y in `map`, millimetres.
    pub y_mm: i32,
    /// What the odometer showed then.
    pub travelled: Mm,
    /// Speed limit of the zone it is in; `None` for a zone without one.
    pub zone_limit: Option<MmPerS>,
}

/// The map pack of one robot.
///
/// ```
/// # use sheepdog_interlock::{*, packs::{Ruling, map::*}};
/// # fn main() -> Result<(), ConfigError> {
/// let mut map = Map::new(MapSettings::SIMULATED)?;
/// let (now, site) = (RobotTime::from_micros(1_000), SiteVersion([7; 32]));
/// let fix = Fix {
///     site,
///     area: Area::Inside,
///     error: Mm(30),
///     x_mm: 4_000,
///     y_mm: 2_500,
///     travelled: Mm(0),
///     zone_limit: None,
/// };
/// let known = MapEvidence { expected: site, fix: Some(Reading { taken: now, value: fix }) };
/// assert_eq!(map.rule(now, &known).ruling, Ruling::Allow);
/// assert_ne!(map.rule(now, &MapEvidence { fix: None, ..known }).ruling, Ruling::Allow);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Map {
    settings: MapSettings,
    last: Option<Reading<Fix>>,
    area: Option<Area>,
    inside_since: Option<RobotTime>,
    jumped: Option<(RobotTime, Evidence)>,
}

impl Map {
    /// A map pack that knows nothing yet.
    ///
    /// # Errors
    /// [`ConfigError`] as [`MapSettings::validate`].
    pub fn new(settings: MapSettings) -> Result<Self, ConfigError> {
        settings.validate()?;
        Ok(Self { settings, last: None, area: None, inside_since: None, jumped: None })
    }

    /// What it thinks of the evidence of one cycle. Constant time.
    pub fn rule(&mut self, now: RobotTime, evidence: &MapEvidence) -> PackVerdict {
        let mut judge = Judge::new(now, self.settings.fresh);
        match self.fix(now, evidence, &mut judge) {
            Some(fix) => self.place(now, fix, &mut judge),
            None => self.inside_since = None,
        }
        if let Some((_, jump)) = self.jumped {
            judge.stop(StopCategory::One, jump);
        }
        judge.verdict()
    }

    /// The fix, if it counts.
    fn fix(&mut self, now: RobotTime, seen: &MapEvidence, judge: &mut Judge) -> Option<Fix> {
        let fix = judge.read(seen.fix, MAP_002, StopCategory::One)?;
        let taken = seen.fix?.taken;
        if let Some(last) = self.last
            && let Some(back) = last.taken.since(taken).filter(|back| Micros::ZERO < *back)
        {
            let back = i64::try_from(back.as_micros()).unwrap_or(i64::MAX).saturating_neg();
            judge.stop(StopCategory::One, evidence(MAP_002, back, Relation::Below, 0));
            return None;
        }
        let other = evidence(MAP_002, (fix.site == seen.expected).into(), Relation::Below, 1);
        let limit = self.settings.error_max.0.into();
        let inexact = evidence(MAP_002, fix.error.0.into(), Relation::Above, limit);
        if let Some(wrong) = [other, inexact].into_iter().find(Evidence::holds) {
            judge.stop(StopCategory::One, wrong);
            return None;
        }
        self.watch_jumps(now, Reading { taken, value: fix });
        Some(fix)
    }

    fn watch_jumps(&mut self, now: RobotTime, fix: Reading<Fix>) {
        let settled = |since| self.settings.settle <= good_for(Some(since), now);
        if self.jumped.is_some_and(|(since, _)| settled(since)) {
            self.jumped = None;
        }
        let before = self.last.replace(fix).filter(|before| before.value.site == fix.value.site);
        let Some(Reading { value: before, .. }) = before else { return };
        let moved = length_up(fix.value.x_mm.abs_diff(before.x_mm), fix.value.y_mm.abs_diff(before.y_mm));
        // An odometer that went backwards explains nothing.
        let covered = fix.value.travelled.saturating_sub(before.travelled);
        let unexplained = i64::from(moved).saturating_sub(covered.0.into());
        let jump = evidence(MAP_002, unexplained, Relation::Above, self.settings.jump_max.0.into());
        if jump.holds() {
            self.jumped = Some((now, jump));
        }
    }

    fn place(&mut self, now: RobotTime, fix: Fix, judge: &mut Judge) {
        let area = self.judged(now, fix.area);
        self.area = Some(area);
        let outside = evidence(MAP_001, code(area), Relation::Below, code(Area::Uncertain));
        judge.stop(StopCategory::One, outside);
        let uncertain = evidence(MAP_001, code(area), Relation::Below, code(Area::Inside));
        judge.limit(self.settings.speed_uncertain, uncertain);
        if let Some(limit) = fix.zone_limit {
            judge.limit(limit, cap(SPD_003, self.settings.speed_max, limit));
        }
    }

    /// The area with hysteresis.
    fn judged(&mut self, now: RobotTime, seen: Area) -> Area {
        self.inside_since = match seen {
            Area::Inside => self.inside_since.or(Some(now)),
            Area::Uncertain | Area::Outside => None,
        };
        let settled = self.settings.settle <= good_for(self.inside_since, now);
        match (self.area, seen) {
            (None, seen) => seen,
            (Some(Area::Inside), Area::Inside) => Area::Inside,
            (Some(Area::Uncertain | Area::Outside), Area::Inside) if settled => Area::Inside,
            (Some(Area::Uncertain), Area::Inside)
            | (Some(Area::Inside | Area::Uncertain), Area::Uncertain) => Area::Uncertain,
            (Some(Area::Outside), Area::Inside | Area::Uncertain)
            | (Some(Area::Inside | Area::Uncertain | Area::Outside), Area::Outside) => Area::Outside,
        }
    }
}

/// An area as evidence.
const fn code(area: Area) -> i64 {
    match area {
        Area::Outside => 0,
        Area::Uncertain => 1,
        Area::Inside => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packs::{
        Ruling,
        judge::testing::{limits, ms, read, stops},
    };

    const SITE: SiteVersion = SiteVersion([7; 32]);
    const FIX: Fix = Fix {
        site: SITE,
        area: Area::Inside,
        error: Mm(30),
        x_mm: 1_000,
        y_mm: -2_000,
        travelled: Mm(500),
        zone_limit: None,
    };

    fn map() -> Map {
        Map::new(MapSettings::SIMULATED).unwrap()
    }

    fn seen(taken: RobotTime, fix: Fix) -> MapEvidence {
        MapEvidence { expected: SITE, fix: read(taken, fix) }
    }

    fn after(map: &mut Map, millis: u64, fix: Fix) -> PackVerdict {
        map.rule(ms(millis), &seen(ms(millis), fix))
    }

    #[test]
    fn a_fix_that_is_shown_twice_does_not_go_back_in_time() {
        let mut map = map();
        let slow = Fix { zone_limit: Some(MmPerS(300)), ..FIX };
        for millis in [100, 150] {
            let verdict = map.rule(ms(millis), &seen(ms(100), slow));
            assert_eq!(limits(verdict).map(|limit| limit.1), Some(300), "{millis}");
        }
    }

    #[test]
    fn a_good_fix_allows_and_carries_its_stamp() {
        let verdict = map().rule(ms(150), &seen(ms(100), FIX));
        assert_eq!(verdict, PackVerdict::new(ms(100), Ruling::Allow));
    }

    #[test]
    fn outside_stops_and_uncertain_slows() {
        let outside = Fix { area: Area::Outside, ..FIX };
        let uncertain = Fix { area: Area::Uncertain, ..FIX };
        assert_eq!(stops(after(&mut map(), 0, outside)), Some(MAP_001));
        assert_eq!(limits(after(&mut map(), 0, uncertain)), Some((MAP_001, 300)));
        assert_eq!(after(&mut map(), 0, FIX).ruling, Ruling::Allow);
    }

    #[test]
    fn inside_counts_again_once_it_has_settled() {
        for (area, waiting) in
            [(Area::Outside, (Some(MAP_001), None)), (Area::Uncertain, (None, Some((MAP_001, 300))))]
        {
            let mut map = map();
            after(&mut map, 0, Fix { area, ..FIX });
            for (now, clear) in [(100_000, false), (599_999, false), (600_000, true), (600_001, true)] {
                let now = RobotTime::from_micros(now);
                let verdict = map.rule(now, &seen(now, FIX));
                if clear {
                    assert_eq!(verdict.ruling, Ruling::Allow, "{area:?} {now}");
                } else {
                    assert_eq!((stops(verdict), limits(verdict)), waiting, "{area:?} {now}");
                }
            }
        }
    }

    #[test]
    fn the_way_back_from_outside_leads_through_inside() {
        let mut map = map();
        after(&mut map, 0, Fix { area: Area::Outside, ..FIX });
        for millis in (100..2_000).step_by(100) {
            let verdict = after(&mut map, millis, Fix { area: Area::Uncertain, ..FIX });
            assert_eq!(stops(verdict), Some(MAP_001));
        }
        after(&mut map, 2_000, FIX);
        map.rule(ms(2_300), &MapEvidence { expected: SITE, fix: None });
        after(&mut map, 2_400, FIX);
        assert_eq!(stops(after(&mut map, 2_899, FIX)), Some(MAP_001), "a gap starts the time anew");
        assert_eq!(after(&mut map, 2_900, FIX).ruling, Ruling::Allow);
    }

    #[test]
    fn no_stale_missing_or_future_fix_counts() {
        let at = |taken: u64| map().rule(ms(1_000), &seen(RobotTime::from_micros(taken), FIX));
        for (taken, counts) in [(799_999, false), (800_000, true), (1_005_000, true), (1_005_001, false)] {
            let verdict = at(taken);
            assert_eq!(stops(verdict), (!counts).then_some(MAP_002), "{taken}");
        }
        assert_eq!(stops(map().rule(ms(0), &MapEvidence { expected: SITE, fix: None })), Some(MAP_002));
        let mut map = map();
        after(&mut map, 100, FIX);
        assert_eq!(stops(map.rule(ms(110), &seen(ms(99), FIX))), Some(MAP_002), "out of order");
    }

    #[test]
    fn another_site_counts_as_none() {
        let verdict = after(&mut map(), 0, Fix { site: SiteVersion([8; 32]), ..FIX });
        assert_eq!(stops(verdict), Some(MAP_002));
    }

    #[test]
    fn an_error_above_the_limit_stops() {
        for (error, stopped) in [(199, false), (200, false), (201, true)] {
            let verdict = after(&mut map(), 0, Fix { error: Mm(error), ..FIX });
            assert_eq!(stops(verdict), stopped.then_some(MAP_002), "{error}");
        }
    }

    #[test]
    fn a_jump_stops_until_it_has_settled() {
        for (moved, travelled, jumps) in
            [(199, 0, false), (200, 0, false), (201, 0, true), (1_201, 1_000, true), (1_200, 1_000, false)]
        {
            let mut map = map();
            after(&mut map, 0, FIX);
            let there = Fix { x_mm: FIX.x_mm + moved, travelled: Mm(500 + travelled), ..FIX };
            assert_eq!(stops(after(&mut map, 100, there)), jumps.then_some(MAP_002), "{moved}");
            assert_eq!(stops(after(&mut map, 599, there)), jumps.then_some(MAP_002), "{moved}");
            assert_eq!(after(&mut map, 600, there).ruling, Ruling::Allow, "{moved}");
        }
    }

    #[test]
    fn an_odometer_that_goes_backwards_explains_no_motion() {
        let mut map = map();
        after(&mut map, 0, FIX);
        let there = Fix { y_mm: FIX.y_mm - 201, travelled: Mm(0), ..FIX };
        assert_eq!(stops(after(&mut map, 100, there)), Some(MAP_002));
    }

    #[test]
    fn a_jump_while_nobody_looked_is_found() {
        let mut map = map();
        after(&mut map, 0, FIX);
        map.rule(ms(300), &MapEvidence { expected: SITE, fix: None });
        assert_eq!(stops(after(&mut map, 400, Fix { x_mm: 9_000, ..FIX })), Some(MAP_002));
    }

    #[test]
    fn zones_limit_below_the_robots_own_speed() {
        for (zone, limited) in [(999, Some((SPD_003, 999))), (1_000, None), (1_001, None)] {
            let verdict = after(&mut map(), 0, Fix { zone_limit: Some(MmPerS(zone)), ..FIX });
            assert_eq!(limits(verdict), limited, "{zone}");
        }
        let both = Fix { zone_limit: Some(MmPerS(200)), area: Area::Uncertain, ..FIX };
        assert_eq!(limits(after(&mut map(), 0, both)), Some((SPD_003, 200)), "the lower limit");
    }

    #[test]
    fn settings_that_check_nothing_are_refused() {
        let simulated = MapSettings::SIMULATED;
        let refused = |settings: MapSettings| Map::new(settings).unwrap_err().setting;
        assert_eq!(refused(MapSettings { error_max: Mm(0), ..simulated }), "error_max");
        assert_eq!(refused(MapSettings { jump_max: Mm(0), ..simulated }), "jump_max");
        assert_eq!(refused(MapSettings { settle: Micros::ZERO, ..simulated }), "settle");
        assert_eq!(refused(MapSettings { speed_max: MmPerS(5_556), ..simulated }), "speed_max");
        assert_eq!(refused(MapSettings { speed_uncertain: MmPerS(1_001), ..simulated }), "speed_uncertain");
    }
}
