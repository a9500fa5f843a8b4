//! The pack of the UV-C lamp: it burns only in an empty, closed room, under a lease of the fleet and within its dose.
//!
//! Every cycle gives a [`LampVerdict`] and a verdict on motion. A permission lapses by itself after `lamp_ttl`, at most
//! [`LAMP_OFF_MAX`], so that a lamp whose interlock has died goes out. Sources are independent when their numbers differ;
//! that they are so in truth the integrator answers for.
//!
//! The dose is `H = Σ E·Δt·r`, with `E` the effective irradiance at the nearest place where somebody may be (by survey, or
//! as measured where that is more), `r` the factor for reflections, everything rounded up. It is kept in [`BUCKETS`]
//! buckets of a quarter of an hour, so that a dose is forgotten after 8 to 8.25 hours. As long as nobody says that the lamp
//! is out, it counts as burning. The limit of 30 J/m² of effective dose (180 to 400 nm) in 8 hours is from public summaries
//! of the ICNIRP guidelines.

use sheepdog_core::{Evidence, Micros, Relation, RobotTime, StopCategory};

use crate::{
    ConfigError, Reading,
    config::{at_least, at_most},
    packs::{
        Freshness, PackVerdict,
        judge::{Judge, evidence, micros},
        rules::{UVC_001, UVC_002, UVC_003, UVC_004, UVC_005, UVC_006},
    },
};

/// The longest life of a permission, and the longest a lamp may take to go out.
pub const LAMP_OFF_MAX: Micros = Micros::from_millis(100);
/// How many sources of one kind are looked at.
pub const SOURCES_MAX: usize = 4;
/// Buckets in which a dose is kept: those of 8 hours and the one that is being filled.
pub const BUCKETS: usize = 33;
/// The highest dose that may be allowed in 8 hours: 30 J/m².
pub const DOSE_LIMIT_UJ_PER_M2: u64 = 30_000_000;

/// A quarter of an hour.
const BUCKET: u64 = 900_000_000;
/// How many independent sources make a proof.
const PROOF: i64 = 2;

/// Settings of a [`Uvc`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UvcSettings {
    /// How old a source and the lamp's own word may be (UVC-001, UVC-006).
    pub fresh: Freshness,
    /// How long a permission lives (UVC-002). At most [`LAMP_OFF_MAX`].
    pub lamp_ttl: Micros,
    /// How long the lamp may take to go out (UVC-005). At most [`LAMP_OFF_MAX`].
    pub off_within: Micros,
    /// How long the lamp stays off after somebody was seen (UVC-002).
    pub clear_for: Micros,
    /// The highest dose in 8 hours, microjoules per square metre (UVC-003). At most [`DOSE_LIMIT_UJ_PER_M2`].
    pub dose_max_uj_per_m2: u64,
    /// Effective irradiance at the nearest place where somebody may be, by survey, milliwatts per square metre (UVC-003).
    pub irradiance_mw_per_m2: u32,
    /// What reflections make of it, ppm; at least 1 000 000.
    pub reflection_ppm: u32,
}

impl UvcSettings {
    /// The settings of robots that we simulate; they describe no real lamp.
    pub const SIMULATED: Self = Self {
        fresh: Freshness::SIMULATED,
        lamp_ttl: LAMP_OFF_MAX,
        off_within: LAMP_OFF_MAX,
        clear_for: Micros::from_secs(10),
        dose_max_uj_per_m2: DOSE_LIMIT_UJ_PER_M2,
        irradiance_mw_per_m2: 2,
        reflection_ppm: 1_300_000,
    };

    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// [`ConfigError`], naming the first setting that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.fresh.validate()?;
        let longest = LAMP_OFF_MAX.as_micros();
        at_least("lamp_ttl", self.lamp_ttl.as_micros(), 1, "no lamp burns for no time")?;
        at_most("lamp_ttl", self.lamp_ttl.as_micros(), longest, "whoever is seen must not be burnt")?;
        at_most("off_within", self.off_within.as_micros(), longest, "whoever is seen must not be burnt")?;
        at_least("clear_for", self.clear_for.as_micros(), 1, "no time is no check")?;
        at_least("dose_max_uj_per_m2", self.dose_max_uj_per_m2, 1, "no dose allows nothing")?;
        at_most("dose_max_uj_per_m2", self.dose_max_uj_per_m2, DOSE_LIMIT_UJ_PER_M2, "more does harm")?;
        at_least("irradiance_mw_per_m2", self.irradiance_mw_per_m2.into(), 1, "no wall is perfect")?;
        at_least("reflection_ppm", self.reflection_ppm.into(), 1_000_000, "reflections only add")
    }
}

/// What one source says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Which source: two with the same number are one.
    pub number: u8,
    /// When it looked.
    pub taken: RobotTime,
    /// What it says: that the room is empty, or that it is closed.
    pub says_so: bool,
}

/// A permission of the fleet to use the lamp, on the robot's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// When it has ended.
    pub until: RobotTime,
}

/// What the robot knows of the room and the lamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UvcEvidence {
    /// Who says that nobody is in the room.
    pub empty: [Option<Source>; SOURCES_MAX],
    /// Who says that its doors are closed.
    pub closed: [Option<Source>; SOURCES_MAX],
    /// The fleet's permission.
    pub lease: Option<Lease>,
    /// Whether the lamp burns, by its own current or light.
    pub is_burning: Option<Reading<bool>>,
    /// Effective irradiance at the nearest place where somebody may be, as measured, milliwatts per square metre. It
    /// can only add to the survey.
    pub irradiance_mw_per_m2: Option<u32>,
}

/// Whether the lamp may burn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LampVerdict {
    /// It may.
    On {
        /// Until when; then it goes out by itself.
        until: RobotTime,
        /// By which proof.
        evidence: Evidence,
    },
    /// It may not.
    Off {
        /// Why.
        evidence: Evidence,
    },
}

impl LampVerdict {
    /// Whether it may burn.
    pub const fn may_burn(&self) -> bool {
        matches!(self, Self::On { .. })
    }

    /// Why.
    pub const fn evidence(&self) -> Evidence {
        match self {
            Self::On { evidence, .. } | Self::Off { evidence } => *evidence,
        }
    }
}

/// What one cycle gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct UvcVerdict {
    /// Whether the lamp may burn.
    pub lamp: LampVerdict,
    /// Whether the robot may move.
    pub motion: PackVerdict,
}

/// The pack of one robot's lamp.
///
/// ```
/// # use sheepdog_interlock::{*, packs::{rules::UVC_001, uvc::*}};
/// # fn main() -> Result<(), ConfigError> {
/// let mut uvc = Uvc::new(UvcSettings::SIMULATED, 0)?;
/// let now = RobotTime::from_micros(1_000);
/// let source = |number| Some(Source { number, taken: now, says_so: true });
/// let proven = UvcEvidence {
///     empty: [source(1), source(2), None, None],
///     closed: [source(3), source(4), None, None],
///     lease: Some(Lease { until: RobotTime::from_micros(2_000) }),
///     is_burning: Some(Reading { taken: now, value: false }),
///     irradiance_mw_per_m2: None,
/// };
/// assert!(uvc.rule(now, &proven).lamp.may_burn());
/// let doubtful = UvcEvidence { empty: [source(1), source(1), None, None], ..proven };
/// assert_eq!(uvc.rule(now, &doubtful).lamp.evidence().rule, UVC_001);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Uvc {
    settings: UvcSettings,
    last: Option<RobotTime>,
    seen_at: Option<RobotTime>,
    off_since: Option<RobotTime>,
    may_burn: bool,
    was_burning: bool,
    dose: Dose,
}

/// The dose of the last hours, nanojoules per square metre.
#[derive(Clone, Debug)]
struct Dose {
    buckets: [u64; BUCKETS],
    /// The bucket that is being filled, counted since the clock began; `None` before the first cycle.
    current: Option<u64>,
}

/// What the sources of one kind say.
#[derive(Clone, Copy, Debug)]
struct Count {
    /// How many independent ones say so; none when one says otherwise.
    agree: i64,
    contradicted: bool,
}

impl Uvc {
    /// A pack with what was left of the dose before a restart: [`Uvc::dose_uj_per_m2`] as stored, and the whole
    /// `dose_max_uj_per_m2` when nobody knows.
    ///
    /// # Errors
    /// [`ConfigError`] as [`UvcSettings::validate`].
    pub fn new(settings: UvcSettings, before_uj_per_m2: u64) -> Result<Self, ConfigError> {
        settings.validate()?;
        let mut dose = Dose { buckets: [0; BUCKETS], current: None };
        dose.add(before_uj_per_m2.saturating_mul(1_000));
        Ok(Self {
            settings,
            last: None,
            seen_at: None,
            off_since: None,
            may_burn: false,
            was_burning: false,
            dose,
        })
    }

    /// The dose of the last 8 hours, microjoules per square metre, rounded up. Store it: it has to outlive a restart.
    pub fn dose_uj_per_m2(&self) -> u64 {
        self.dose.total().div_ceil(1_000)
    }

    /// What it thinks of the evidence of one cycle. Bounded by [`BUCKETS`] and the square of [`SOURCES_MAX`].
    pub fn rule(&mut self, now: RobotTime, evidence: &UvcEvidence) -> UvcVerdict {
        let mut judge = Judge::new(now, self.settings.fresh);
        let burning = judge.look(evidence.is_burning, UVC_006);
        self.expose(now, evidence, burning.unwrap_or(true));
        let lamp = self.lamp(now, evidence, burning.err());
        self.may_burn = lamp.may_burn();
        self.off_since = if lamp.may_burn() { None } else { self.off_since.or(Some(now)) };
        match burning {
            Ok(is_burning) => {
                let seen = evidence.is_burning.filter(|_| is_burning).map(|burning| burning.taken);
                judge.latch(StopCategory::One, self.disobedience(seen));
            }
            Err(unknown) => judge.stop(StopCategory::One, unknown),
        }
        UvcVerdict { lamp, motion: judge.verdict() }
    }

    /// Adds what has been radiated since the last cycle.
    fn expose(&mut self, now: RobotTime, seen: &UvcEvidence, is_burning: bool) {
        self.dose.advance(now);
        // A clock that went backwards says nothing about how long.
        let span = self.last.map_or(Micros::ZERO, |last| now.since(last).unwrap_or(Micros::ZERO));
        if is_burning || self.was_burning || self.may_burn {
            self.dose.add(self.radiated(span, seen));
        }
        self.was_burning = is_burning;
        self.last = Some(now);
    }

    /// What the lamp radiates in a span, nanojoules per square metre, rounded up.
    fn radiated(&self, span: Micros, seen: &UvcEvidence) -> u64 {
        let measured = seen.irradiance_mw_per_m2.unwrap_or(0);
        let irradiance = self.settings.irradiance_mw_per_m2.max(measured);
        let direct = u128::from(irradiance).saturating_mul(span.as_micros().into());
        let all = direct.saturating_mul(self.settings.reflection_ppm.into()).div_ceil(1_000_000);
        u64::try_from(all).unwrap_or(u64::MAX)
    }

    fn lamp(&mut self, now: RobotTime, seen: &UvcEvidence, unknown: Option<Evidence>) -> LampVerdict {
        let empty = self.count(now, &seen.empty);
        let closed = self.count(now, &seen.closed);
        if empty.contradicted {
            self.seen_at = Some(now);
        }
        let since = self.seen_at.map_or(i64::MAX, |at| now.since(at).map_or(0, micros));
        let agree = empty.agree.min(closed.agree);
        let left = seen.lease.and_then(|lease| lease.until.since(now)).unwrap_or(Micros::ZERO);
        // What is radiated until the permission lapses counts already.
        let spent =
            self.dose.total().saturating_add(self.radiated(self.settings.lamp_ttl, seen)).div_ceil(1_000);
        let dose = |value| i64::try_from(value).unwrap_or(i64::MAX);
        let refusals = [
            evidence(UVC_002, since, Relation::Below, micros(self.settings.clear_for)),
            evidence(UVC_001, agree, Relation::Below, PROOF),
            evidence(UVC_004, micros(left), Relation::AtMost, 0),
            evidence(UVC_003, dose(spent), Relation::Above, dose(self.settings.dose_max_uj_per_m2)),
        ];
        match refusals.into_iter().find(Evidence::holds).or(unknown) {
            Some(evidence) => LampVerdict::Off { evidence },
            None => LampVerdict::On {
                until: now.saturating_add(self.settings.lamp_ttl.min(left)),
                evidence: evidence(UVC_001, agree, Relation::Above, PROOF.saturating_sub(1)),
            },
        }
    }

    /// How many independent fresh sources say so.
    fn count(&self, now: RobotTime, sources: &[Option<Source>; SOURCES_MAX]) -> Count {
        let fresh =
            |source: &&Source| self.settings.fresh.missing(UVC_001, now, Some(source.taken)).is_none();
        let mut count = Count { agree: 0, contradicted: false };
        for (index, source) in sources.iter().enumerate() {
            let Some(source) = source.as_ref().filter(fresh) else { continue };
            let mut earlier = sources.iter().take(index).flatten().filter(fresh);
            let is_new = earlier.all(|other| other.number != source.number);
            count.agree = count.agree.saturating_add(is_new.into());
            count.contradicted |= !source.says_so;
        }
        if count.contradicted { Count { agree: 0, ..count } } else { count }
    }

    /// How long the lamp has been seen burning since it was told to be off.
    fn disobedience(&self, seen_burning: Option<RobotTime>) -> Evidence {
        let since = self.off_since.and_then(|off| seen_burning.and_then(|seen| seen.since(off)));
        let lasting = micros(since.unwrap_or(Micros::ZERO));
        evidence(UVC_005, lasting, Relation::Above, micros(self.settings.off_within))
    }
}

impl Dose {
    /// Makes room for the present: what is older than 8 hours is forgotten.
    fn advance(&mut self, now: RobotTime) {
        let bucket = now.as_micros() / BUCKET;
        let passed = self.current.map_or(0, |current| bucket.saturating_sub(current));
        let cleared = usize::try_from(passed).unwrap_or(BUCKETS).min(BUCKETS);
        // The newest bucket is the first.
        self.buckets.rotate_right(cleared.checked_rem(BUCKETS).unwrap_or(0));
        self.buckets.iter_mut().take(cleared).for_each(|bucket| *bucket = 0);
        self.current = self.current.max(Some(bucket));
    }

    fn add(&mut self, nanojoules: u64) {
        if let Some(newest) = self.buckets.first_mut() {
            *newest = newest.saturating_add(nanojoules);
        }
    }

    fn total(&self) -> u64 {
        self.buckets.iter().fold(0, |sum: u64, bucket| sum.saturating_add(*bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packs::{
        Ruling,
        judge::testing::{latches, ms, read, stops},
    };

    const HOUR: u64 = 3_600_000;

    fn uvc() -> Uvc {
        Uvc::new(UvcSettings::SIMULATED, 0).unwrap()
    }

    #[expect(clippy::unnecessary_wraps, reason = "evidence is optional")]
    fn source(number: u8, taken: RobotTime, says_so: bool) -> Option<Source> {
        Some(Source { number, taken, says_so })
    }

    fn proven(now: RobotTime) -> UvcEvidence {
        UvcEvidence {
            empty: [source(1, now, true), source(2, now, true), None, None],
            closed: [None, source(1, now, true), None, source(2, now, true)],
            lease: Some(Lease { until: now + Micros::from_secs(60) }),
            is_burning: read(now, false),
            irradiance_mw_per_m2: None,
        }
    }

    fn off(verdict: UvcVerdict) -> Option<sheepdog_core::RuleId> {
        assert!(verdict.lamp.evidence().holds());
        (!verdict.lamp.may_burn()).then_some(verdict.lamp.evidence().rule)
    }

    #[test]
    fn a_proven_room_permits_the_lamp_for_a_moment() {
        let verdict = uvc().rule(ms(500), &proven(ms(500)));
        assert!(matches!(verdict.lamp, LampVerdict::On { until, .. } if until == ms(600)));
        assert_eq!(verdict.motion, PackVerdict::new(ms(500), Ruling::Allow));
        let short = UvcEvidence { lease: Some(Lease { until: ms(530) }), ..proven(ms(500)) };
        assert!(
            matches!(uvc().rule(ms(500), &short).lamp, LampVerdict::On { until, .. } if until == ms(530))
        );
    }

    #[test]
    fn two_independent_fresh_sources_prove_each() {
        let now = ms(1_000);
        let lists = [
            ([None; 4], false),
            ([source(1, now, true), None, None, None], false),
            ([source(1, now, true), source(1, now, true), None, None], false),
            ([source(1, now, true), source(2, now, true), None, None], true),
            ([source(1, now, true), source(2, ms(800), true), None, None], true),
            ([source(1, now, true), source(2, ms(799), true), None, None], false),
            ([source(1, now, true), source(2, ms(1_006), true), None, None], false),
            ([source(3, now, true), source(1, now, true), source(2, now, true), None], true),
        ];
        for (list, counts) in lists {
            let cases =
                [UvcEvidence { empty: list, ..proven(now) }, UvcEvidence { closed: list, ..proven(now) }];
            for case in cases {
                assert_eq!(off(uvc().rule(now, &case)), (!counts).then_some(UVC_001), "{list:?}");
            }
        }
        let open = [source(1, now, true), source(2, now, true), source(3, now, false), None];
        assert_eq!(off(uvc().rule(now, &UvcEvidence { closed: open, ..proven(now) })), Some(UVC_001));
    }

    #[test]
    fn whoever_is_seen_puts_the_lamp_out_for_a_while() {
        let mut uvc = uvc();
        let somebody = [source(1, ms(0), true), source(2, ms(0), true), source(3, ms(0), false), None];
        assert_eq!(off(uvc.rule(ms(0), &UvcEvidence { empty: somebody, ..proven(ms(0)) })), Some(UVC_002));
        let now = RobotTime::from_micros;
        for (micros, waits) in [(1, true), (9_999_999, true), (10_000_000, false), (10_000_001, false)] {
            assert_eq!(
                off(uvc.rule(now(micros), &proven(now(micros)))),
                waits.then_some(UVC_002),
                "{micros}"
            );
        }
    }

    #[test]
    fn the_lamp_needs_a_lease() {
        let now = ms(1_000);
        let until = |micros| Some(Lease { until: RobotTime::from_micros(micros) });
        for (lease, lapsed) in
            [(None, true), (until(999_999), true), (until(1_000_000), true), (until(1_000_001), false)]
        {
            let verdict = uvc().rule(now, &UvcEvidence { lease, ..proven(now) });
            assert_eq!(off(verdict), lapsed.then_some(UVC_004), "{lease:?}");
        }
    }

    #[test]
    fn the_dose_stays_within_its_limit() {
        // 260 µJ/m² are radiated until the permission lapses.
        for (before, spent) in [(29_999_739, false), (29_999_740, false), (29_999_741, true)] {
            let verdict = Uvc::new(UvcSettings::SIMULATED, before).unwrap().rule(ms(0), &proven(ms(0)));
            assert_eq!(off(verdict), spent.then_some(UVC_003), "{before}");
        }
    }

    #[test]
    fn the_dose_adds_up_with_reflections() {
        let mut uvc = uvc();
        let burning = |millis| UvcEvidence { is_burning: read(ms(millis), true), ..proven(ms(millis)) };
        let _ = uvc.rule(ms(0), &burning(0));
        let _ = uvc.rule(ms(1_000), &burning(1_000));
        // 2 mW/m² · 1.3 · 1 s.
        assert_eq!(uvc.dose_uj_per_m2(), 2_600);
        let strong = UvcEvidence { irradiance_mw_per_m2: Some(10), ..burning(2_000) };
        let _ = uvc.rule(ms(2_000), &strong);
        assert_eq!(uvc.dose_uj_per_m2(), 2_600 + 13_000, "measured more than the survey says");
        let weak = UvcEvidence { irradiance_mw_per_m2: Some(1), ..burning(3_000) };
        let _ = uvc.rule(ms(3_000), &weak);
        assert_eq!(uvc.dose_uj_per_m2(), 2_600 + 13_000 + 2_600, "and never less");
    }

    /// Up to the cycle in which it was found burning, and up to the one in which it was found out, whatever was permitted.
    #[test]
    fn a_lamp_that_was_never_permitted_radiates_as_well() {
        let mut uvc = uvc();
        let mut dose_at = |millis, is_burning| {
            let told =
                UvcEvidence { is_burning: read(ms(millis), is_burning), lease: None, ..proven(ms(millis)) };
            assert!(!uvc.rule(ms(millis), &told).lamp.may_burn());
            uvc.dose_uj_per_m2()
        };
        assert_eq!(dose_at(0, false), 0);
        assert_eq!(dose_at(1_000, true), 2_600);
        assert_eq!(dose_at(2_000, false), 5_200);
        assert_eq!(dose_at(3_000, false), 5_200);
    }

    #[test]
    fn a_lamp_of_which_nothing_is_known_counts_as_burning() {
        for (word, counts) in [(None, true), (read(ms(950), false), false)] {
            let mut uvc = uvc();
            let lost = |millis| UvcEvidence { is_burning: word, lease: None, ..proven(ms(millis)) };
            let _ = uvc.rule(ms(950), &lost(950));
            let _ = uvc.rule(ms(1_000), &lost(1_000));
            assert_eq!(0 < uvc.dose_uj_per_m2(), counts, "{word:?}");
        }
    }

    #[test]
    fn a_dose_is_forgotten_after_eight_hours_and_not_before() {
        let mut uvc = uvc();
        let start = HOUR + 1;
        let _ = uvc.rule(ms(start), &proven(ms(start)));
        let burnt = start + 1_000;
        let _ = uvc.rule(ms(burnt), &UvcEvidence { is_burning: read(ms(burnt), true), ..proven(ms(burnt)) });
        let _ = uvc.rule(ms(burnt + 10), &UvcEvidence { lease: None, ..proven(ms(burnt + 10)) });
        let dose = uvc.dose_uj_per_m2();
        assert!((2_600..2_700).contains(&dose), "{dose}");
        for (millis, kept) in
            [(burnt + 8 * HOUR, true), (9 * HOUR + HOUR / 4 - 1, true), (9 * HOUR + HOUR / 4, false)]
        {
            let _ = uvc.rule(ms(millis), &UvcEvidence { lease: None, ..proven(ms(millis)) });
            assert_eq!(uvc.dose_uj_per_m2() == dose, kept, "{millis}");
        }
    }

    #[test]
    fn what_was_radiated_before_a_restart_counts_for_eight_hours_from_then() {
        let mut uvc = Uvc::new(UvcSettings::SIMULATED, 1_000).unwrap();
        for (millis, kept) in [(100 * HOUR, 1_000), (108 * HOUR, 1_000), (108 * HOUR + HOUR / 4, 0)] {
            let _ = uvc.rule(ms(millis), &UvcEvidence { lease: None, ..proven(ms(millis)) });
            assert_eq!(uvc.dose_uj_per_m2(), kept, "{millis}");
        }
    }

    #[test]
    fn a_lamp_that_does_not_go_out_latches() {
        let mut uvc = uvc();
        let burning = |micros: u64| UvcEvidence {
            is_burning: read(RobotTime::from_micros(micros), true),
            lease: None,
            ..proven(RobotTime::from_micros(micros))
        };
        for (micros, disobeys) in [(0, false), (99_999, false), (100_000, false), (100_001, true)] {
            let verdict = uvc.rule(RobotTime::from_micros(micros), &burning(micros));
            assert_eq!(latches(verdict.motion), disobeys.then_some(UVC_005), "{micros}");
        }
        let mut allowed = Uvc::new(UvcSettings::SIMULATED, 0).unwrap();
        for millis in [0, 500, 1_000] {
            let verdict = allowed
                .rule(ms(millis), &UvcEvidence { is_burning: read(ms(millis), true), ..proven(ms(millis)) });
            assert_eq!(latches(verdict.motion), None);
        }
    }

    #[test]
    fn nothing_moves_while_nobody_knows_whether_the_lamp_burns() {
        let now = ms(1_000);
        for (taken, counts) in [(799_999, false), (800_000, true), (1_005_000, true), (1_005_001, false)] {
            let verdict = uvc().rule(
                now,
                &UvcEvidence { is_burning: read(RobotTime::from_micros(taken), false), ..proven(now) },
            );
            assert_eq!(stops(verdict.motion), (!counts).then_some(UVC_006), "{taken}");
            assert_eq!(off(verdict), (!counts).then_some(UVC_006), "{taken}");
        }
        assert_eq!(stops(uvc().rule(now, &UvcEvidence::default()).motion), Some(UVC_006));
    }

    #[test]
    fn settings_that_check_nothing_are_refused() {
        let simulated = UvcSettings::SIMULATED;
        let refused = |settings: UvcSettings| Uvc::new(settings, 0).unwrap_err().setting;
        let long = Micros::from_millis(101);
        let cases = [
            (UvcSettings { lamp_ttl: Micros::ZERO, ..simulated }, "lamp_ttl"),
            (UvcSettings { lamp_ttl: long, ..simulated }, "lamp_ttl"),
            (UvcSettings { off_within: long, ..simulated }, "off_within"),
            (UvcSettings { clear_for: Micros::ZERO, ..simulated }, "clear_for"),
            (UvcSettings { dose_max_uj_per_m2: 0, ..simulated }, "dose_max_uj_per_m2"),
            (UvcSettings { dose_max_uj_per_m2: 30_000_001, ..simulated }, "dose_max_uj_per_m2"),
            (UvcSettings { irradiance_mw_per_m2: 0, ..simulated }, "irradiance_mw_per_m2"),
            (UvcSettings { reflection_ppm: 999_999, ..simulated }, "reflection_ppm"),
        ];
        for (settings, setting) in cases {
            assert_eq!(refused(settings), setting);
        }
    }
}
