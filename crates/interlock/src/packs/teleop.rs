//! The teleoperation pack: who has authority over the robot, and what a person who drives it may do.
//!
//! Authority is a token with a running number and an interval `[from, until)` on the robot's clock. Exactly one is live at
//! every instant (COM-003). To hand over without a stop, the old token is cut short at an instant `t`, and the new one,
//! with a higher number, begins at `t`: overlap 0, gap 0. A number is never used twice, and one below the highest that
//! was ever live alone is worth nothing, so that a late copy of an old token gives nothing back.
//!
//! Motion by a person's hand, manual or recovery, also needs that person's beat (COM-006) and a [`ZoneLease`]: held by the
//! same person (COM-007), with fresh evidence that the robot is in its area (COM-008), at its speed (COM-009). Recovery
//! motion is slower still (REC-002) and ends after a short way (REC-001).
//!
//! Beats, tokens and leases have timeouts of their own, so their stamps do not age the verdict.

use sheepdog_core::{ActorId, Evidence, Micros, Mm, MmPerS, Relation, RobotTime, StopCategory};

use crate::{
    BEAT_TIMEOUT_LIMIT, ConfigError, Reading, SPEED_LIMIT,
    config::{at_least, at_most},
    packs::{
        Freshness, PackVerdict,
        judge::{Judge, cap, evidence, micros},
        rules::{COM_003, COM_006, COM_007, COM_008, COM_009, REC_001, REC_002},
    },
};

/// The most tokens that are looked at in one cycle.
pub const TOKENS_MAX: usize = 4;
/// The highest speed limit of recovery motion.
pub const RECOVERY_SPEED_LIMIT: MmPerS = MmPerS(100);
/// The longest way of recovery motion.
pub const RECOVERY_WAY_LIMIT: Mm = Mm(2_000);

/// Settings of a [`Teleop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TeleopSettings {
    /// How old evidence about the lease's area and the odometer may be (COM-008, REC-001).
    pub fresh: Freshness,
    /// The longest life of a token from now on: one that lives longer outlives its holder and counts as none (COM-003).
    pub token_life_max: Micros,
    /// The longest silence of the panel of a person who drives (COM-006).
    pub beat_timeout: Micros,
    /// The robot's own speed limit (COM-009, REC-002).
    pub speed_max: MmPerS,
    /// Speed limit of recovery motion (REC-002). At most [`RECOVERY_SPEED_LIMIT`].
    pub speed_recovery: MmPerS,
    /// The longest way of recovery motion (REC-001). At most [`RECOVERY_WAY_LIMIT`].
    pub way_recovery: Mm,
}

impl TeleopSettings {
    /// The settings of robots that we simulate; they describe no real robot.
    pub const SIMULATED: Self = Self {
        fresh: Freshness::SIMULATED,
        token_life_max: Micros::from_secs(2),
        beat_timeout: Micros::from_millis(500),
        speed_max: MmPerS(1_000),
        speed_recovery: RECOVERY_SPEED_LIMIT,
        way_recovery: RECOVERY_WAY_LIMIT,
    };

    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// [`ConfigError`], naming the first setting that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.fresh.validate()?;
        at_least("token_life_max", self.token_life_max.as_micros(), 1, "no token could live")?;
        at_least("beat_timeout", self.beat_timeout.as_micros(), 1, "no time is no check")?;
        let longest = BEAT_TIMEOUT_LIMIT.as_micros();
        at_most("beat_timeout", self.beat_timeout.as_micros(), longest, "longer than may ever be waited")?;
        let top = self.speed_max.0.into();
        at_most("speed_max", top, SPEED_LIMIT.0.into(), "faster robots are another machine")?;
        let slow = RECOVERY_SPEED_LIMIT.0.into();
        at_most("speed_recovery", self.speed_recovery.0.into(), slow, "recovery motion is slow")?;
        let short = RECOVERY_WAY_LIMIT.0.into();
        at_most("way_recovery", self.way_recovery.0.into(), short, "recovery motion is short")
    }
}

/// Who moves the robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authority {
    /// Its own software.
    Autonomy,
    /// A person, from afar or beside it.
    Manual(ActorId),
    /// A person who gets it out of a place where its own software may not move it.
    Recovery(ActorId),
}

impl Authority {
    /// The person, if there is one.
    pub const fn person(self) -> Option<ActorId> {
        match self {
            Self::Autonomy => None,
            Self::Manual(person) | Self::Recovery(person) => Some(person),
        }
    }
}

/// The right to move the robot, for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its running number; the next holder's is higher.
    pub number: u32,
    /// Whose it is.
    pub authority: Authority,
    /// When it begins.
    pub from: RobotTime,
    /// When it has ended.
    pub until: RobotTime,
}

/// A zone that a person has for themselves, to move a robot in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneLease {
    /// Who holds it.
    pub holder: ActorId,
    /// The highest speed in it.
    pub speed: MmPerS,
    /// When it has ended.
    pub until: RobotTime,
}

/// What the robot knows of who moves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TeleopEvidence {
    /// Every token that somebody has shown and not given back.
    pub tokens: [Option<Token>; TOKENS_MAX],
    /// The last beat of the panel of the person who drives.
    pub beat: Option<RobotTime>,
    /// The lease of the zone.
    pub lease: Option<ZoneLease>,
    /// Whether the robot is in its area, with every position it may have.
    pub in_area: Option<Reading<bool>>,
    /// What the odometer shows.
    pub travelled: Option<Reading<Mm>>,
}

/// The teleoperation pack of one robot.
///
/// ```
/// # use sheepdog_interlock::{*, packs::{Ruling, rules::COM_003, teleop::*}};
/// # fn main() -> Result<(), ConfigError> {
/// let mut teleop = Teleop::new(TeleopSettings::SIMULATED)?;
/// let at = RobotTime::from_micros;
/// let robot = Token { number: 1, authority: Authority::Autonomy, from: at(0), until: at(500) };
/// let person = Token { number: 2, authority: Authority::Manual(ActorId(3)), from: at(400), until: at(900) };
/// let mut shown = TeleopEvidence { tokens: [Some(robot), Some(person), None, None], ..TeleopEvidence::default() };
/// assert_eq!(teleop.rule(at(399), &shown).ruling, Ruling::Allow);
/// let overlap = teleop.rule(at(400), &shown).ruling.evidence().unwrap();
/// assert_eq!((overlap.rule, overlap.measured), (COM_003, 2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Teleop {
    settings: TeleopSettings,
    /// The token with the highest number that was ever live alone.
    highest: Option<(u32, Authority)>,
    holder: Option<Authority>,
    /// The token of a recovery, and what the odometer showed when it began.
    recovery: Option<(u32, Mm)>,
}

impl Teleop {
    /// A teleoperation pack that has seen no token yet.
    ///
    /// # Errors
    /// [`ConfigError`] as [`TeleopSettings::validate`].
    pub fn new(settings: TeleopSettings) -> Result<Self, ConfigError> {
        settings.validate()?;
        Ok(Self { settings, highest: None, holder: None, recovery: None })
    }

    /// Who had authority in the last cycle: the only one whose commands may be handed to the interlock.
    pub const fn holder(&self) -> Option<Authority> {
        self.holder
    }

    /// What it thinks of the evidence of one cycle. Time bounded by the square of [`TOKENS_MAX`].
    pub fn rule(&mut self, now: RobotTime, evidence: &TeleopEvidence) -> PackVerdict {
        let mut judge = Judge::new(now, self.settings.fresh);
        let token = self.token(now, evidence, &mut judge);
        self.holder = token.map(|token| token.authority);
        match token.map(|token| (token.number, token.authority)) {
            None | Some((_, Authority::Autonomy)) => {}
            Some((_, Authority::Manual(person))) => self.by_hand(now, person, evidence, &mut judge),
            Some((number, Authority::Recovery(person))) => {
                self.by_hand(now, person, evidence, &mut judge);
                self.recover(number, evidence, &mut judge);
            }
        }
        judge.verdict()
    }

    /// The only live token.
    fn token(&mut self, now: RobotTime, seen: &TeleopEvidence, judge: &mut Judge) -> Option<Token> {
        let is_live = |token: &&Token| {
            let left = token.until.since(now).unwrap_or(Micros::ZERO);
            token.from <= now && Micros::ZERO < left && left <= self.settings.token_life_max
        };
        let mut live = 0_i64;
        let mut only = None;
        for token in seen.tokens.iter().flatten().filter(is_live) {
            // A token that was prolonged is still the same.
            if only
                .is_none_or(|other: Token| (other.number, other.authority) != (token.number, token.authority))
            {
                live = live.saturating_add(1);
            }
            only = Some(*token);
        }
        let only = only.filter(|token| live == 1 && self.is_next(token));
        // Two that are live are an overlap, whatever their numbers; one that is worth nothing is a gap.
        let counted = if live == 1 { only.is_some().into() } else { live };
        judge.stop(StopCategory::One, evidence(COM_003, counted, Relation::Below, 1));
        judge.stop(StopCategory::One, evidence(COM_003, counted, Relation::Above, 1));
        if let Some(token) = only {
            self.highest = Some((token.number, token.authority));
        }
        only
    }

    /// Whether a token is the one that was live last, or a later one.
    fn is_next(&self, token: &Token) -> bool {
        self.highest.is_none_or(|(number, authority)| {
            number < token.number || (number == token.number && authority == token.authority)
        })
    }

    /// Motion by a person's hand.
    fn by_hand(&self, now: RobotTime, person: ActorId, seen: &TeleopEvidence, judge: &mut Judge) {
        let silence = micros(self.settings.fresh.age(now, seen.beat));
        let limit = micros(self.settings.beat_timeout);
        judge.stop(StopCategory::One, evidence(COM_006, silence, Relation::Above, limit));

        let lease = seen.lease.filter(|lease| lease.holder == person);
        let left = lease.and_then(|lease| lease.until.since(now)).unwrap_or(Micros::ZERO);
        judge.stop(StopCategory::One, evidence(COM_007, micros(left), Relation::AtMost, 0));
        if let Some(lease) = lease {
            judge.limit(lease.speed, cap(COM_009, self.settings.speed_max, lease.speed));
        }

        let inside = judge.look(seen.in_area, COM_008).unwrap_or(false);
        judge.stop(StopCategory::One, evidence(COM_008, inside.into(), Relation::Below, 1));
    }

    fn recover(&mut self, number: u32, seen: &TeleopEvidence, judge: &mut Judge) {
        let slow = self.settings.speed_recovery;
        judge.limit(slow, cap(REC_002, self.settings.speed_max, slow));
        let travelled = judge.look(seen.travelled, REC_001);
        judge.stop(StopCategory::One, self.way(number, travelled));
    }

    /// The way of a recovery; endless when nobody knows it.
    fn way(&mut self, number: u32, travelled: Result<Mm, Evidence>) -> Evidence {
        let covered = travelled.ok().and_then(|travelled| {
            let begun = self.recovery.filter(|(token, _)| *token == number);
            let (_, from) = *self.recovery.insert(begun.unwrap_or((number, travelled)));
            travelled.0.checked_sub(from.0)
        });
        let limit = self.settings.way_recovery.0.into();
        evidence(REC_001, covered.map_or(i64::MAX, i64::from), Relation::Above, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packs::{
        Ruling,
        judge::testing::{limits, ms, read, stops},
    };

    const PERSON: ActorId = ActorId(3);

    fn teleop() -> Teleop {
        Teleop::new(TeleopSettings::SIMULATED).unwrap()
    }

    fn token(number: u32, authority: Authority, from: u64, until: u64) -> Token {
        Token { number, authority, from: ms(from), until: ms(until) }
    }

    fn with(tokens: &[Token]) -> TeleopEvidence {
        let mut shown = [None; TOKENS_MAX];
        for (to, from) in shown.iter_mut().zip(tokens) {
            *to = Some(*from);
        }
        TeleopEvidence { tokens: shown, ..TeleopEvidence::default() }
    }

    #[test]
    fn a_person_is_named_whose_authority_it_is() {
        let of = [Authority::Autonomy, Authority::Manual(PERSON), Authority::Recovery(PERSON)];
        assert_eq!(of.map(Authority::person), [None, Some(PERSON), Some(PERSON)]);
    }

    /// Evidence at an instant under which a person may drive.
    fn driving(millis: u64, authority: Authority) -> TeleopEvidence {
        TeleopEvidence {
            beat: Some(ms(millis)),
            lease: Some(ZoneLease { holder: PERSON, speed: MmPerS(300), until: ms(millis + 1_000) }),
            in_area: read(ms(millis), true),
            travelled: read(ms(millis), Mm(5_000)),
            ..with(&[token(1, authority, 0, millis + 1_000)])
        }
    }

    const MANUAL: Authority = Authority::Manual(PERSON);
    const RECOVERY: Authority = Authority::Recovery(PERSON);

    #[test]
    fn exactly_one_token_is_live() {
        let alone = with(&[token(1, Authority::Autonomy, 100, 500)]);
        for (micros, clear) in [(99_999, false), (100_000, true), (499_999, true), (500_000, false)] {
            let verdict = teleop().rule(RobotTime::from_micros(micros), &alone);
            assert_eq!(stops(verdict), (!clear).then_some(COM_003), "{micros}");
        }
        assert_eq!(stops(teleop().rule(ms(0), &TeleopEvidence::default())), Some(COM_003));
    }

    #[test]
    fn a_handover_has_neither_gap_nor_overlap() {
        for (begin, at, count) in
            [(499, 499, Some(2)), (500, 499, None), (500, 500, None), (501, 500, Some(0))]
        {
            let shown =
                with(&[token(1, Authority::Autonomy, 0, 500), token(2, Authority::Autonomy, begin, 900)]);
            let evidence = teleop().rule(ms(at), &shown).ruling.evidence();
            assert_eq!(
                evidence.map(|evidence| (evidence.rule, evidence.measured)),
                count.map(|count| (COM_003, count))
            );
        }
    }

    #[test]
    fn an_overlap_lasts_until_a_token_is_given_back() {
        let (old, new) = (token(1, Authority::Autonomy, 0, 1_000), token(2, MANUAL, 100, 1_000));
        let mut teleop = teleop();
        for millis in [200, 300, 400] {
            assert_eq!(stops(teleop.rule(ms(millis), &with(&[old, new]))), Some(COM_003));
            assert_eq!(teleop.holder(), None);
        }
        let given_back = TeleopEvidence { tokens: with(&[new]).tokens, ..driving(500, MANUAL) };
        assert_eq!(stops(teleop.rule(ms(500), &given_back)), None);
        assert_eq!(teleop.holder(), Some(MANUAL));
    }

    #[test]
    fn an_old_number_gives_nothing_back() {
        let mut teleop = teleop();
        assert_eq!(stops(teleop.rule(ms(100), &with(&[token(5, Authority::Autonomy, 0, 900)]))), None);
        for (number, authority, counts) in [
            (4, Authority::Autonomy, false),
            (5, Authority::Autonomy, true),
            (5, MANUAL, false),
            (6, Authority::Autonomy, true),
        ] {
            let verdict = teleop.rule(ms(200), &with(&[token(number, authority, 0, 900)]));
            assert_eq!(stops(verdict), (!counts).then_some(COM_003), "{number} {authority:?}");
        }
    }

    #[test]
    fn a_token_that_outlives_its_holder_counts_as_none() {
        for (until, counts) in [(1_999, true), (2_000, true), (2_001, false)] {
            let verdict = teleop().rule(ms(0), &with(&[token(1, Authority::Autonomy, 0, until)]));
            assert_eq!(stops(verdict), (!counts).then_some(COM_003), "{until}");
        }
    }

    #[test]
    fn a_token_that_was_prolonged_is_one() {
        let shown = with(&[token(1, Authority::Autonomy, 0, 500), token(1, Authority::Autonomy, 0, 700)]);
        assert_eq!(teleop().rule(ms(100), &shown).ruling, Ruling::Allow);
    }

    #[test]
    fn a_person_who_drives_is_heard() {
        for authority in [MANUAL, RECOVERY] {
            for (beat, lost) in [(500_001, false), (500_000, false), (499_999, true), (1_005_001, true)] {
                let seen =
                    TeleopEvidence { beat: Some(RobotTime::from_micros(beat)), ..driving(1_000, authority) };
                assert_eq!(stops(teleop().rule(ms(1_000), &seen)), lost.then_some(COM_006), "{beat}");
            }
            let silent = TeleopEvidence { beat: None, ..driving(1_000, authority) };
            assert_eq!(stops(teleop().rule(ms(1_000), &silent)), Some(COM_006));
        }
    }

    #[test]
    fn a_person_who_drives_holds_a_lease() {
        let lease = |holder, until| Some(ZoneLease { holder, speed: MmPerS(300), until });
        let now = RobotTime::from_micros;
        let cases = [
            (None, true),
            (lease(ActorId(4), ms(2_000)), true),
            (lease(PERSON, now(999_999)), true),
            (lease(PERSON, now(1_000_000)), true),
            (lease(PERSON, now(1_000_001)), false),
        ];
        for (lease, lacks) in cases {
            let seen = TeleopEvidence { lease, ..driving(1_000, MANUAL) };
            assert_eq!(stops(teleop().rule(ms(1_000), &seen)), lacks.then_some(COM_007), "{lease:?}");
        }
    }

    #[test]
    fn a_person_who_drives_stays_in_the_area() {
        let cases = [
            (read(ms(1_000), true), false),
            (read(ms(1_000), false), true),
            (read(ms(800), true), false),
            (read(ms(799), true), true),
            (None, true),
        ];
        for (in_area, lacks) in cases {
            let seen = TeleopEvidence { in_area, ..driving(1_000, MANUAL) };
            assert_eq!(stops(teleop().rule(ms(1_000), &seen)), lacks.then_some(COM_008), "{in_area:?}");
        }
    }

    #[test]
    fn a_lease_limits_speed() {
        for (speed, limited) in [(999, Some((COM_009, 999))), (1_000, None), (1_001, None)] {
            let lease = Some(ZoneLease { holder: PERSON, speed: MmPerS(speed), until: ms(2_000) });
            let verdict = teleop().rule(ms(1_000), &TeleopEvidence { lease, ..driving(1_000, MANUAL) });
            assert_eq!(limits(verdict), limited, "{speed}");
        }
        let verdict = teleop().rule(ms(1_000), &driving(1_000, MANUAL));
        assert_eq!((limits(verdict), verdict.taken), (Some((COM_009, 300)), ms(1_000)));
    }

    #[test]
    fn recovery_is_slow_and_short() {
        let mut teleop = teleop();
        for (travelled, ends) in
            [(5_000, false), (6_999, false), (7_000, false), (7_001, true), (4_999, true)]
        {
            let seen =
                TeleopEvidence { travelled: read(ms(1_000), Mm(travelled)), ..driving(1_000, RECOVERY) };
            let verdict = teleop.rule(ms(1_000), &seen);
            assert_eq!(stops(verdict), ends.then_some(REC_001), "{travelled}");
            assert_eq!(limits(verdict), (!ends).then_some((REC_002, 100)), "{travelled}");
        }
        let unknown = TeleopEvidence { travelled: None, ..driving(1_000, RECOVERY) };
        assert_eq!(stops(teleop.rule(ms(1_000), &unknown)), Some(REC_001));
        let anew = TeleopEvidence {
            tokens: with(&[token(2, RECOVERY, 0, 2_000)]).tokens,
            travelled: read(ms(1_000), Mm(9_000)),
            ..driving(1_000, RECOVERY)
        };
        assert_eq!(limits(teleop.rule(ms(1_000), &anew)), Some((REC_002, 100)), "a new token, a new way");
    }

    #[test]
    fn autonomy_needs_no_lease() {
        let seen = with(&[token(1, Authority::Autonomy, 0, 2_000)]);
        assert_eq!(teleop().rule(ms(1_000), &seen).ruling, Ruling::Allow);
    }

    #[test]
    fn recovery_limits_only_who_could_be_faster() {
        for (own, limited) in [(99, None), (100, None), (101, Some((REC_002, 100)))] {
            let settings = TeleopSettings { speed_max: MmPerS(own), ..TeleopSettings::SIMULATED };
            let verdict = Teleop::new(settings).unwrap().rule(ms(1_000), &driving(1_000, RECOVERY));
            assert_eq!(limits(verdict), limited, "{own}");
        }
    }

    #[test]
    fn settings_that_check_nothing_are_refused() {
        let simulated = TeleopSettings::SIMULATED;
        let refused = |settings: TeleopSettings| Teleop::new(settings).unwrap_err().setting;
        assert_eq!(refused(TeleopSettings { token_life_max: Micros::ZERO, ..simulated }), "token_life_max");
        assert_eq!(refused(TeleopSettings { beat_timeout: Micros::ZERO, ..simulated }), "beat_timeout");
        assert_eq!(
            refused(TeleopSettings { beat_timeout: Micros::from_secs(2), ..simulated }),
            "beat_timeout"
        );
        assert_eq!(refused(TeleopSettings { speed_max: MmPerS(5_556), ..simulated }), "speed_max");
        assert_eq!(refused(TeleopSettings { speed_recovery: MmPerS(101), ..simulated }), "speed_recovery");
        assert_eq!(refused(TeleopSettings { way_recovery: Mm(2_001), ..simulated }), "way_recovery");
    }
}
