//! Shifts against a clock on the wall.

use proptest::prelude::*;
use sheepdog_core::Micros;

use super::*;

/// The clock of every fleet here begins with the year 2020.
const ANCHOR: Anchor = Anchor::from_unix_secs(1_577_836_800);
const MINUTE_US: u64 = 60_000_000;

/// Of both hemispheres; half an hour of summer time; none; negative one; a jump at midnight; clocks that go back over
/// midnight; 45 minutes beside the hour; a rule.
const ZONES: [&str; 12] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Sydney",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Tokyo",
    "Europe/Dublin",
    "Africa/Cairo",
    "America/Havana",
    "Pacific/Chatham",
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "EST5EDT,M3.2.0,M11.1.0",
];

/// When a universal time is by the fleet's clock.
fn at(utc: &str) -> FleetTime {
    ANCHOR.fleet_time(format!("{utc}Z").parse().unwrap())
}

fn hours(from: &str, to: &str) -> Hours {
    Hours { from: from.into(), to: to.into() }
}

fn weekly(days: &[&str], from: &str, to: &str) -> Weekly {
    Weekly { days: days.iter().map(ToString::to_string).collect(), from: from.into(), to: to.into() }
}

const EVERY_DAY: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn daily(zone: &str, shifts: &[(&str, &str)]) -> CompiledRota {
    let weekly = shifts.iter().map(|(from, to)| weekly(&EVERY_DAY, from, to)).collect();
    Rota { zone: zone.into(), weekly, exceptions: Vec::new() }.compile(ANCHOR).unwrap()
}

/// The shifts of a rota that touch a span, from and to in universal time.
fn between(rota: &CompiledRota, from: &str, to: &str) -> Vec<Shift> {
    rota.touching(at(from), at(to), 100)
}

fn shift(from: &str, to: &str) -> Shift {
    Shift { from: at(from), to: at(to) }
}

#[test]
fn a_night_shift_has_seven_hours_in_spring_and_nine_in_autumn() {
    for (zone, spring, autumn, usual) in [
        ("Europe/Berlin", "2026-03-28T21:00", "2026-10-24T20:00", "2026-06-01T20:00"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-28T21:00", "2026-10-24T20:00", "2026-06-01T20:00"),
        // Summer time is the standard time there, and winter time an hour less.
        ("Europe/Dublin", "2026-03-28T22:00", "2026-10-24T21:00", "2026-06-01T21:00"),
        ("America/New_York", "2026-03-08T03:00", "2026-11-01T02:00", "2026-06-01T02:00"),
        ("Australia/Sydney", "2026-10-03T12:00", "2026-04-04T11:00", "2026-06-01T12:00"),
    ] {
        let rota = daily(zone, &[("22:00", "06:00")]);
        let hours = |begin: &str| {
            let shift = rota.on_or_next(at(begin));
            assert_eq!(shift.from, at(begin), "{zone}");
            assert!(rota.is_on(shift.from) && !rota.is_on(shift.to));
            shift.to.since(shift.from).unwrap().as_millis() / 3_600_000
        };
        assert_eq!((hours(spring), hours(autumn), hours(usual)), (7, 9, 8), "{zone}");
    }
    // Half an hour.
    let rota = daily("Australia/Lord_Howe", &[("22:00", "06:00")]);
    let night = between(&rota, "2026-04-04T12:00", "2026-04-04T13:00");
    assert_eq!(night, [shift("2026-04-04T11:00", "2026-04-04T19:30")]);
    let night = between(&rota, "2026-10-03T12:00", "2026-10-03T13:00");
    assert_eq!(night, [shift("2026-10-03T11:30", "2026-10-03T19:00")]);
    // None.
    let rota = daily("Asia/Tokyo", &[("22:00", "06:00")]);
    let all = rota.touching(at("2026-01-01T13:00"), at("2027-01-01T13:00"), 1_000);
    assert_eq!(all.len(), 365);
    assert!(all.iter().all(|shift| shift.to.since(shift.from) == Some(Micros::from_secs(8 * 3_600))));
}

#[test]
fn shifts_that_meet_at_half_past_two_meet_on_both_nights() {
    let rota = daily("Europe/Berlin", &[("22:00", "02:30"), ("02:30", "06:00"), ("06:00", "22:00")]);
    // 02:00 is skipped for 03:00, at 01:00 of universal time.
    let spring = [
        shift("2026-03-28T21:00", "2026-03-29T01:00"),
        shift("2026-03-29T01:00", "2026-03-29T04:00"),
        shift("2026-03-29T04:00", "2026-03-29T20:00"),
    ];
    assert_eq!(between(&rota, "2026-03-28T21:00", "2026-03-29T20:00"), spring);
    // 02:30 comes twice, first at 00:30 of universal time.
    let autumn = [
        shift("2026-10-24T20:00", "2026-10-25T00:30"),
        shift("2026-10-25T00:30", "2026-10-25T05:00"),
        shift("2026-10-25T05:00", "2026-10-25T21:00"),
    ];
    assert_eq!(between(&rota, "2026-10-24T20:00", "2026-10-25T21:00"), autumn);
    // Somebody is on at every minute of both nights, and the night has been cut at one instant.
    for first in ["2026-03-28T21:00", "2026-10-24T20:00"] {
        assert!((0..720).all(|minute| rota.is_on(at(first) + Micros::new(minute * MINUTE_US))));
    }
}

#[test]
fn what_is_skipped_begins_or_ends_with_the_jump_and_what_comes_twice_is_meant_once() {
    let rota = daily("Europe/Berlin", &[("02:15", "02:45")]);
    // As a whole in skipped time: not that night.
    let spring = between(&rota, "2026-03-28T00:00", "2026-03-30T12:00");
    assert_eq!(
        spring,
        [shift("2026-03-28T01:15", "2026-03-28T01:45"), shift("2026-03-30T00:15", "2026-03-30T00:45"),]
    );
    let autumn = between(&rota, "2026-10-24T12:00", "2026-10-25T12:00");
    assert_eq!(autumn, [shift("2026-10-25T00:15", "2026-10-25T00:45")]);
    let rota = daily("Europe/Berlin", &[("00:00", "02:15"), ("02:45", "08:00")]);
    // The pause of half an hour is skipped, too.
    assert_eq!(
        between(&rota, "2026-03-28T23:00", "2026-03-29T06:00"),
        [shift("2026-03-28T23:00", "2026-03-29T01:00"), shift("2026-03-29T01:00", "2026-03-29T06:00"),]
    );
}

#[test]
fn an_exception_replaces_what_begins_on_its_day_and_nothing_else() {
    let rota = Rota {
        zone: "Europe/Berlin".into(),
        weekly: vec![weekly(&["monday", "tue", "wednesday"], "22:00", "06:00")],
        exceptions: vec![
            Exception {
                date: "2026-06-03".into(),
                shifts: vec![hours("12:00", "14:00"), hours("07:00", "08:00")],
            },
            Exception { date: "2026-06-02".into(), shifts: Vec::new() },
        ],
    };
    let compiled = rota.compile(ANCHOR).unwrap();
    assert_eq!(
        between(&compiled, "2026-06-01T00:00", "2026-06-08T21:00"),
        [
            // Monday's lasts into the day off.
            shift("2026-06-01T20:00", "2026-06-02T04:00"),
            shift("2026-06-03T05:00", "2026-06-03T06:00"),
            shift("2026-06-03T10:00", "2026-06-03T12:00"),
            shift("2026-06-08T20:00", "2026-06-09T04:00"),
        ]
    );
    assert_eq!(compiled.touching(at("2026-06-01T00:00"), at("2026-07-01T00:00"), 2).len(), 2);
    let text = toml::to_string(&rota).unwrap();
    assert_eq!(toml::from_str::<Rota>(&text).unwrap(), rota);
    // Only some days of a life: after them nobody comes.
    let once = Rota { weekly: Vec::new(), ..rota };
    let once = once.compile(ANCHOR).unwrap();
    assert_eq!(once.on_or_next(FleetTime::ZERO), shift("2026-06-03T05:00", "2026-06-03T06:00"));
    let never = Shift { from: FleetTime::MAX, to: FleetTime::MAX };
    assert_eq!(once.on_or_next(at("2026-06-03T12:00")), never);
    assert!(!once.is_on(FleetTime::MAX) && !compiled.is_on(FleetTime::MAX));
    assert_eq!(compiled.on_or_next(FleetTime::MAX), never);
}

#[test]
fn a_run_of_holidays_longer_than_any_is_passed_over() {
    let first: Date = "2026-01-01".parse().unwrap();
    let off = |day: Date| Exception { date: day.to_string(), shifts: Vec::new() };
    let mondays = std::iter::successors(Some(first), |day| day.tomorrow().ok());
    let mondays = mondays.filter(|day| day.weekday().to_monday_zero_offset() == 0);
    let rota = Rota {
        zone: "UTC".into(),
        weekly: vec![weekly(&["mon"], "00:00", "00:00")],
        exceptions: mondays.take(ROTA_EXCEPTIONS_MAX).map(off).collect(),
    };
    let rota = rota.compile(ANCHOR).unwrap();
    assert_eq!(rota.on_or_next(at("2026-01-01T00:00")), shift("2045-08-21T00:00", "2045-08-22T00:00"));
}

#[test]
fn the_clock_of_a_fleet_has_a_begin_and_the_calendar_an_end() {
    let rota = daily("Asia/Tokyo", &[("00:00", "00:00")]);
    // The day began nine hours before the fleet's clock did.
    let first = rota.on_or_next(FleetTime::ZERO);
    assert_eq!(first, shift("2020-01-01T00:00", "2020-01-01T15:00"));
    assert!(rota.is_on(FleetTime::ZERO));
    let last = rota.shifts_from(at("9999-12-30T00:00")).last().unwrap();
    assert!(at("9999-12-30T00:00") < last.to);
    for micros in [u64::MAX, u64::MAX - 1, i64::MAX.unsigned_abs(), 1 << 62] {
        assert!(!rota.is_on(FleetTime::from_micros(micros)));
    }
}

fn refused(change: impl FnOnce(&mut Rota)) -> String {
    let weekly = vec![weekly(&["mon"], "22:00", "06:00")];
    let mut rota = Rota { zone: "Europe/Berlin".into(), weekly, exceptions: Vec::new() };
    change(&mut rota);
    rota.compile(ANCHOR).unwrap_err().to_string()
}

#[test]
fn values_that_are_refused_are_named() {
    for zone in ["Europe/Berlim", "", "Etc/Unknown", "CET-1CEST", ":/etc/localtime", "CET-99", "local"] {
        assert_eq!(
            refused(|rota| rota.zone = zone.into()),
            format!(
                "zone is {zone:?}, neither a name such as Europe/Berlin nor a rule such as CET-1CEST,M3.5.0,M10.5.0/3"
            )
        );
    }
    assert!(refused(|rota| rota.zone = "x".repeat(5_000)).len() < 300);
    for time in ["24:00", "6:00", "06:60", "0600", "+6:00", "06:+1", "06:00:00", "", "äö:00", "06:0\u{664}"]
    {
        let expected = format!("weekly[0].to is {time:?}, a time is HH:MM from 00:00 to 23:59");
        assert_eq!(refused(|rota| rota.weekly[0].to = time.into()), expected);
    }
    for day in ["Mon", "mo", "", "m", "monda", "montag", "ä"] {
        let error = refused(|rota| rota.weekly[0].days.push(day.into()));
        assert!(error.starts_with(&format!("weekly[0].days[1] is {day:?}, a day is one of mon,")), "{error}");
    }
    for date in [
        "2026-02-29",
        "2026-2-03",
        "26-02-03",
        "2026-13-01",
        "2026-00-10",
        "20260203",
        "2026-02-03 ",
        "2026-02-0+",
        "",
    ] {
        let exception = Exception { date: date.into(), shifts: Vec::new() };
        let expected = format!("exceptions[0].date is {date:?}, a date is YYYY-MM-DD and in the calendar");
        assert_eq!(refused(|rota| rota.exceptions.push(exception.clone())), expected);
    }
}

#[test]
fn rotas_that_are_refused_name_what_breaks_them() {
    let off = |date: &str, shifts: &[(&str, &str)]| Exception {
        date: date.into(),
        shifts: shifts.iter().map(|(from, to)| hours(from, to)).collect(),
    };
    assert_eq!(
        refused(|rota| rota.exceptions =
            vec![off("2026-06-02", &[]), off("2026-06-01", &[]), off("2026-06-02", &[])]),
        "exceptions[2].date is 2026-06-02, a date has one exception"
    );
    assert_eq!(
        refused(|rota| rota.weekly.push(weekly(&["fri", "tue"], "05:59", "07:00"))),
        "weekly[1] is 05:59 to 07:00, it begins before the one of weekly[0] ends"
    );
    assert_eq!(
        refused(
            |rota| rota.weekly = vec![weekly(&["sun"], "23:00", "01:00"), weekly(&["mon"], "00:00", "00:01")]
        ),
        "weekly[1] is 00:00 to 00:01, it begins before the one of weekly[0] ends"
    );
    assert_eq!(
        refused(|rota| rota.exceptions = vec![off("2026-06-02", &[("05:00", "05:30")])]),
        "exceptions[0].shifts[0] is 05:00 to 05:30, it begins before the one of weekly[0] ends"
    );
    assert_eq!(
        refused(|rota| rota.exceptions = vec![off("2026-05-31", &[("12:00", "13:00"), ("22:30", "22:15")])]),
        "weekly[0] is 22:00 to 06:00, it begins before the one of exceptions[0].shifts[1] ends"
    );
    assert_eq!(
        refused(|rota| rota.weekly.clear()),
        "weekly is empty, there must be at least one shift, there or in an exception"
    );
    assert_eq!(
        refused(|rota| rota.weekly[0].days.clear()),
        "weekly[0].days is empty, there must be at least one day"
    );
    assert_eq!(
        refused(|rota| rota.weekly[0].days = vec!["mon".into(); 8]),
        "weekly[0].days has 8 entries, at most 7 are allowed"
    );
    assert_eq!(
        refused(|rota| rota.weekly = vec![weekly(&["mon"], "22:00", "06:00"); 65]),
        "weekly has 65 entries, at most 64 are allowed"
    );
    assert_eq!(
        refused(|rota| rota.exceptions = vec![off("2026-06-02", &[("05:00", "05:30"); 65])]),
        "exceptions[0].shifts has 65 entries, at most 64 are allowed"
    );
    assert_eq!(
        refused(|rota| rota.exceptions = vec![off("2026-06-02", &[]); 1_025]),
        "exceptions has 1025 entries, at most 1024 are allowed"
    );
    let weekly = vec![weekly(&["mon"], "22:00", "06:00")];
    let sound = Rota { zone: "UTC".into(), weekly, exceptions: Vec::new() };
    for anchor in [-1, i64::MAX, i64::MIN] {
        let error = sound.compile(Anchor::from_unix_micros(anchor)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the anchor is {anchor} µs after 1970, not between 1970 and 2200")
        );
    }
    // Milliseconds where seconds are meant.
    assert!(sound.compile(Anchor::from_unix_secs(1_798_113_600_000)).is_err());
    assert!(toml::from_str::<Rota>("zone = 'UTC'\nweekley = []").is_err());
    assert!(toml::from_str::<Rota>("zone = 'UTC'\n[[exceptions]]\ndate = '2026-06-02'").is_err());
}

/// Shifts of one day, in minutes from its begin.
type Plain = Vec<(u16, u16)>;

/// A rota as numbers.
#[derive(Clone, Debug)]
struct Drawn {
    zone: &'static str,
    weekly: Vec<Plain>,
    exceptions: Vec<(Date, Plain)>,
    /// The first day that is looked at.
    from: Date,
}

/// Times at which clocks change, and about them.
fn times() -> impl Strategy<Value = u16> {
    let likely = vec![
        0, 1, 30, 60, 90, 105, 119, 120, 121, 135, 150, 164, 165, 166, 179, 180, 181, 195, 210, 225, 240,
        360, 840, 1_320, 1_380, 1_410, 1_439,
    ];
    prop_oneof![4 => prop::sample::select(likely), 1 => 0..1_440_u16]
}

/// What lies between such times of a day, some of it; the last may end on the next day.
fn days() -> impl Strategy<Value = Plain> {
    let cuts = prop::collection::btree_set(times(), 1..6);
    (cuts, prop::collection::vec(prop::bool::weighted(0.7), 6), times()).prop_map(|(cuts, is_on, last)| {
        let cuts: Vec<u16> = cuts.into_iter().collect();
        let ends =
            cuts.iter().copied().skip(1).chain([last + 1_440 * u16::from(last <= *cuts.last().unwrap())]);
        let all = cuts.iter().copied().zip(ends).zip(is_on);
        all.filter(|(_, is_on)| *is_on).map(|(shift, _)| shift).collect()
    })
}

/// Days from which on a clock changes within a week, and others.
fn begins(zone: &'static str) -> impl Strategy<Value = Date> {
    let zoned = super::zone(zone).unwrap();
    let from: Timestamp = "2020-01-10T00:00:00Z".parse().unwrap();
    let changes: Vec<Date> =
        zoned.following(from).take(30).map(|change| zoned.to_datetime(change.timestamp()).date()).collect();
    let any_day = (2021..2036_i16, 1..13_i8, 1..29_i8).prop_map(|(y, m, d)| Date::new(y, m, d).unwrap());
    let before = |change: Date, days: usize| {
        std::iter::successors(Some(change), |day| day.yesterday().ok()).nth(days).unwrap()
    };
    if changes.is_empty() {
        return any_day.boxed();
    }
    let near =
        (prop::sample::select(changes), 0..6_usize).prop_map(move |(change, days)| before(change, days));
    prop_oneof![7 => near, 1 => any_day].boxed()
}

fn rotas() -> impl Strategy<Value = Drawn> {
    prop::sample::select(ZONES.to_vec()).prop_flat_map(|zone| {
        let weekly = prop::collection::vec(prop_oneof![Just(Vec::new()), days()], 7);
        let exceptions = prop::collection::btree_map(0..9_usize, prop_oneof![Just(Vec::new()), days()], 0..4);
        (weekly, exceptions, begins(zone)).prop_map(move |(weekly, exceptions, from)| {
            let day = |after: usize| {
                std::iter::successors(Some(from), |day| day.tomorrow().ok()).nth(after).unwrap()
            };
            let exceptions = exceptions.into_iter().map(|(after, shifts)| (day(after), shifts)).collect();
            Drawn { zone, weekly, exceptions, from }
        })
    })
}

impl Drawn {
    fn written(&self) -> Rota {
        let day = |(name, shifts): (&&str, &Plain)| -> Vec<Weekly> {
            shifts.iter().map(|&(from, to)| weekly(&[*name], &clock(from), &clock(to))).collect()
        };
        let exception = |(date, shifts): &(Date, Plain)| Exception {
            date: date.to_string(),
            shifts: shifts.iter().rev().map(|&(from, to)| hours(&clock(from), &clock(to))).collect(),
        };
        Rota {
            zone: self.zone.into(),
            weekly: EVERY_DAY.iter().zip(&self.weekly).flat_map(day).collect(),
            exceptions: self.exceptions.iter().map(exception).collect(),
        }
    }

    /// How many shifts a clock on the wall is in.
    fn on_at(&self, wall: DateTime) -> usize {
        let minute = u16::try_from(wall.hour()).unwrap() * 60 + u16::try_from(wall.minute()).unwrap();
        let on = |day: Date, minute: u16| {
            let special = self.exceptions.iter().find(|(date, _)| *date == day).map(|(_, shifts)| shifts);
            let usual = &self.weekly[usize::try_from(day.weekday().to_monday_zero_offset()).unwrap()];
            let shifts = special.unwrap_or(usual).iter();
            shifts.filter(|(from, to)| *from <= minute && minute < *to).count()
        };
        on(wall.date(), minute) + on(wall.date().yesterday().unwrap(), minute + 1_440)
    }

    /// Whether anybody is ever on two shifts: every minute of all weeks about the exceptions, on a calendar without clocks.
    fn overlaps(&self) -> bool {
        let day = |from: Date| std::iter::successors(Some(from), |day| day.tomorrow().ok());
        let first = day(self.from.checked_sub(jiff::Span::new().days(9)).unwrap());
        let minutes = |day: Date| (0..1_440_i16).map(move |minute| (day, minute));
        first.take(33).flat_map(minutes).any(|(day, minute)| {
            let time =
                Time::new(i8::try_from(minute / 60).unwrap(), i8::try_from(minute % 60).unwrap(), 0, 0)
                    .unwrap();
            1 < self.on_at(DateTime::from_parts(day, time))
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// Minute by minute, over nine days in which clocks change: somebody is on exactly when the highest time that the clock
    /// on the wall has shown lies in a shift. What is refused is what overlaps.
    #[test]
    fn shifts_follow_a_clock_that_never_goes_back(drawn in rotas()) {
        let overlaps = drawn.overlaps();
        let rota = match drawn.written().compile(ANCHOR) {
            Ok(rota) => rota,
            Err(RotaError::Overlap { .. }) => {
                prop_assert!(overlaps);
                return Ok(());
            }
            Err(RotaError::Empty { .. }) => {
                prop_assert!(drawn.weekly.iter().chain(drawn.exceptions.iter().map(|special| &special.1)).all(Vec::is_empty));
                return Ok(());
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        prop_assert!(!overlaps);
        let zone = zone(drawn.zone).unwrap();
        let first = zone.to_timestamp(drawn.from.at(0, 0, 0, 0)).unwrap();
        let begin = ANCHOR.fleet_time(first);
        let minute = |number: u64| begin + Micros::new(number * MINUTE_US);
        // From two days before, for a clock that has just gone back.
        let wall = |number: u64| {
            let at = ANCHOR.unix_us(minute(number)) - 2 * 86_400_000_000;
            zone.to_datetime(Timestamp::from_microsecond(at).unwrap())
        };
        let mut highest = wall(0);
        let (mut shifts, mut number) = (Vec::new(), 0_u64);
        for back in 1..=11 * 1_440 {
            highest = highest.max(wall(back));
            number = back;
            if number < 2 * 1_440 {
                continue;
            }
            let at = minute(number - 2 * 1_440);
            let is_on = drawn.on_at(highest) == 1;
            prop_assert_eq!(rota.is_on(at), is_on, "{} after {}", highest, drawn.from);
            let shift = rota.on_or_next(at);
            prop_assert!(at < shift.to);
            // The same until it is over, and to the last instant.
            if shifts.last() != Some(&shift) {
                shifts.push(shift);
            }
            if is_on {
                let last = FleetTime::from_micros(shift.to.as_micros() - 1);
                prop_assert!(rota.is_on(last) && rota.on_or_next(last) == shift);
            }
        }
        // In order and disjoint, and all that touch the span, of which the last may not have begun.
        prop_assert!(shifts.windows(2).all(|pair| pair[0].to <= pair[1].from));
        let end = minute(number - 2 * 1_440) + Micros::new(1);
        let touching = rota.touching(begin, end, usize::MAX);
        shifts.retain(|shift| shift.from < end);
        prop_assert_eq!(&touching, &shifts);
        prop_assert!(touching.iter().all(|shift| shift.from < shift.to));
        prop_assert!(rota.touching(begin, begin, 9).is_empty() && rota.touching(end, begin, 9).is_empty());
    }

    /// Round the clock in shifts that meet: over four years nobody is missing and nobody is doubled, whatever zone.
    #[test]
    fn shifts_that_meet_leave_no_gap(
        zone in prop::sample::select(ZONES.to_vec()),
        cuts in prop::collection::btree_set(times(), 1..6),
        year in 2021..2090_u64,
    ) {
        let cuts: Vec<String> = cuts.into_iter().map(clock).collect();
        let pairs = cuts.iter().zip(cuts.iter().cycle().skip(1));
        let pairs: Vec<(&str, &str)> = pairs.map(|(from, to)| (from.as_str(), to.as_str())).collect();
        let rota = daily(zone, &pairs);
        let from = at("2020-01-01T00:00") + Micros::from_secs((year - 2_020) * 31_556_952);
        let to = from + Micros::from_secs(4 * 31_556_952);
        let shifts = rota.touching(from, to, usize::MAX);
        prop_assert!(shifts[0].from <= from && to <= shifts.last().unwrap().to);
        prop_assert!(shifts.windows(2).all(|pair| pair[0].to == pair[1].from));
    }

    /// Whatever is written is refused or answered.
    #[test]
    fn nothing_that_is_written_panics(
        zone in "[A-Z]{3,4}[-+]?[0-9]{1,3}(:[0-5][0-9])?[A-Z]{3,4}([-+]?[0-9]{1,2})?,(M1?[0-9].[1-5].[0-6]|J?[0-9]{1,3})(/-?[0-9]{1,3})?,(M1?[0-9].[1-5].[0-6]|J?[0-9]{1,3})(/-?[0-9]{1,3})?",
        (from, to, date) in ("[0-2][0-9]:[0-6][0-9]", "\\PC{0,8}", "[0-9]{4}-[01][0-9]-[0-3][0-9]"),
        (anchor, at) in (any::<i64>(), any::<u64>()),
        seconds in 0..7_000_000_000_i64,
    ) {
        let exceptions = vec![Exception { date, shifts: vec![hours(&from, "09:00")] }];
        let rota = Rota { zone, weekly: vec![weekly(&EVERY_DAY, &from, "12:00")], exceptions };
        for anchor in [Anchor::from_unix_micros(anchor), Anchor::from_unix_secs(seconds)] {
            if let Ok(rota) = rota.compile(anchor) {
                for at in [at, at >> 8, at >> 20] {
                    let at = FleetTime::from_micros(at);
                    prop_assert!(at <= rota.on_or_next(at).to);
                    prop_assert!(rota.touching(at, FleetTime::MAX, 20).len() <= 20);
                }
            }
        }
        let odd = Rota { zone: "UTC".into(), weekly: vec![weekly(&[&to], &to, &to)], exceptions: Vec::new() };
        prop_assert!(odd.compile(ANCHOR).is_err());
    }
}
