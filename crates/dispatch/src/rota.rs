//! When people work, told as people tell it: by weekday, civil time and time zone.
//!
//! A [`Rota`] is what somebody writes; [`Rota::compile`] checks it as a whole and makes a [`CompiledRota`], which answers in
//! [`FleetTime`] and gives [`Shift`]s as an [`Agent`](crate::Agent) has them. Rules of time zones are bundled with the
//! program, so that no answer depends on the machine that it runs on.
//!
//! # The two nights on which clocks change
//!
//! A shift follows the clock on the wall, read like this: it *jumps* where the zone's clock jumps, and it *stands still*
//! where the zone's clock goes back, until that has caught up. So each civil time means one instant, and later ones never
//! earlier instants:
//!
//! * A civil time that is skipped means the instant of the jump.
//! * A civil time that comes twice means the first time, for ends as for begins. A shift that ends at 02:30 and one that
//!   begins at 02:30 meet in one instant that night, too: with the second time for ends both would be on for an hour.
//! * From 22:00 to 06:00 it is 7 hours in the night of spring and 9 hours in that of autumn: who is on when the clock
//!   changes stays for the hour that is repeated.
//! * A shift that lies in skipped time as a whole does not take place that night. None takes place twice.
//!
//! ```
//! use sheepdog_core::{FleetTime, Micros};
//! use sheepdog_dispatch::rota::{Anchor, Rota};
//!
//! let rota: Rota = toml::from_str(
//!     r#"
//!     zone = "Europe/Berlin"
//!
//!     [[weekly]]
//!     days = ["mon", "tue", "wed", "thu", "fri"]
//!     from = "22:00"
//!     to = "06:00"            # of the next day
//!
//!     [[exceptions]]
//!     date = "2026-12-24"
//!     shifts = [{ from = "14:00", to = "18:00" }]
//!
//!     [[exceptions]]
//!     date = "2026-12-25"
//!     shifts = []             # a day off
//!     "#,
//! )?;
//! // The fleet's clock began at noon, universal time, on Thursday, 24 December 2026.
//! let rota = rota.compile(Anchor::from_unix_secs(1_798_113_600))?;
//! let hour = |hours: u64| FleetTime::ZERO + Micros::from_secs(3_600 * hours);
//! let shift = rota.on_or_next(FleetTime::ZERO);
//! assert_eq!((shift.from, shift.to), (hour(1), hour(5)));
//! assert!(!rota.is_on(FleetTime::ZERO) && rota.is_on(hour(1)) && !rota.is_on(hour(5)));
//! // Then nobody comes before Monday, 22:00.
//! assert_eq!(rota.on_or_next(hour(5)).from, hour(4 * 24 + 9));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};
use sheepdog_core::FleetTime;

use crate::{NAME_LENGTH_MAX, Shift};

/// The most weekly entries of a rota, and the most shifts of an exception.
pub const ROTA_SHIFTS_MAX: usize = 64;
/// The most exceptions of a rota.
pub const ROTA_EXCEPTIONS_MAX: usize = 1_024;

/// When somebody works, in civil time, as it is written by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rota {
    /// A time zone: its name in the IANA database such as `Europe/Berlin`, or rules as POSIX has them for the variable `TZ`,
    /// such as `CET-1CEST,M3.5.0,M10.5.0/3`. What is both is the name.
    pub zone: String,
    /// Shifts of every week.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekly: Vec<Weekly>,
    /// Days on which other shifts begin than every week.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
}

/// A shift that begins on some days of every week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weekly {
    /// The days on which it begins: `mon` or `monday`, and so on.
    pub days: Vec<String>,
    /// When it begins, `HH:MM`.
    pub from: String,
    /// When it ends, `HH:MM`; on the next day unless that is later than `from`. `00:00` is midnight.
    pub to: String,
}

/// A day on which other shifts begin than every week.
///
/// What began the day before and lasts into this day is not touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The day, `YYYY-MM-DD`.
    pub date: String,
    /// All shifts that begin on it; none for a day off. It must be written, so that nobody is sent home by what is missing.
    pub shifts: Vec<Hours>,
}

/// A shift of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// When it begins, `HH:MM`.
    pub from: String,
    /// When it ends, `HH:MM`; on the next day unless that is later than `from`. `00:00` is midnight.
    pub to: String,
}

/// What instant [`FleetTime::ZERO`] is, in universal time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Anchor {
    unix_us: i64,
}

/// The last anchor: the begin of the year 2200, in seconds.
const ANCHOR_MAX_S: i64 = 7_258_118_400;
const DAY_MINUTES: u16 = 24 * 60;

impl Anchor {
    /// So many seconds after the begin of 1970 in universal time, leap seconds not counted; saturates.
    pub const fn from_unix_secs(secs: i64) -> Self {
        Self { unix_us: secs.saturating_mul(1_000_000) }
    }

    /// So many microseconds after the begin of 1970 in universal time, leap seconds not counted.
    pub const fn from_unix_micros(micros: i64) -> Self {
        Self { unix_us: micros }
    }

    /// Microseconds since the begin of 1970.
    fn unix_us(self, at: FleetTime) -> i64 {
        self.unix_us.saturating_add_unsigned(at.as_micros())
    }

    /// What is before the fleet's clock began is when it began.
    fn fleet_time(self, at: Timestamp) -> FleetTime {
        let since = at.as_microsecond().saturating_sub(self.unix_us);
        FleetTime::from_micros(u64::try_from(since).unwrap_or(0))
    }
}

/// Why a rota was refused: which field, which value, which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RotaError {
    /// The zone is neither known nor a rule.
    #[error(
        "zone is {value:?}, neither a name such as Europe/Berlin nor a rule such as CET-1CEST,M3.5.0,M10.5.0/3"
    )]
    Zone {
        /// What it holds, shortened.
        value: String,
    },
    /// The fleet's clock began when no fleet was there: a mistaken unit.
    #[error("the anchor is {unix_us} µs after 1970, not between 1970 and 2200")]
    Anchor {
        /// What it is.
        unix_us: i64,
    },
    /// Nobody ever works, or a shift begins on no day.
    #[error("{field} is empty, there must be at least one {what}")]
    Empty {
        /// The field.
        field: String,
        /// What is missing.
        what: &'static str,
    },
    /// There is more than is allowed.
    #[error("{field} has {count} entries, at most {most} are allowed")]
    TooMany {
        /// The field.
        field: String,
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// No day of the week.
    #[error("{field} is {value:?}, a day is one of mon, tue, wed, thu, fri, sat, sun, or its name in full")]
    Day {
        /// The field.
        field: String,
        /// What it holds, shortened.
        value: String,
    },
    /// No time of day.
    #[error("{field} is {value:?}, a time is HH:MM from 00:00 to 23:59")]
    Time {
        /// The field.
        field: String,
        /// What it holds, shortened.
        value: String,
    },
    /// No day of the calendar.
    #[error("{field} is {value:?}, a date is YYYY-MM-DD and in the calendar")]
    Date {
        /// The field.
        field: String,
        /// What it holds, shortened.
        value: String,
    },
    /// A day has two exceptions.
    #[error("{field} is {value}, a date has one exception")]
    DateTwice {
        /// The field.
        field: String,
        /// What it holds.
        value: String,
    },
    /// Somebody would be on two shifts at once.
    #[error("{field} is {value}, it begins before the one of {other} ends")]
    Overlap {
        /// The field of the shift that begins later.
        field: String,
        /// Its times.
        value: String,
        /// The field of the shift that begins earlier.
        other: String,
    },
}

/// A shift of a day, in minutes from its begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Minutes {
    /// Less than a day.
    from: u16,
    /// Later than `from`, at most by a day.
    to: u16,
    /// Where it is written: the entry of the weekly ones, or the shift of an exception.
    source: u16,
}

/// A rota that has been checked, in the time of one fleet.
///
/// Shifts are disjoint and in order, and such as meet in civil time meet in one instant.
#[derive(Clone, Debug)]
pub struct CompiledRota {
    zone: TimeZone,
    anchor: Anchor,
    /// By day from Monday, in order.
    weekly: [Vec<Minutes>; 7],
    /// By date.
    exceptions: Vec<Special>,
}

#[derive(Clone, Debug)]
struct Special {
    date: Date,
    /// In order.
    shifts: Vec<Minutes>,
    /// Where it is written.
    source: usize,
}

impl Rota {
    /// Checks everything and ties it to a fleet's clock. O(n log n) in its entries; reads the rules of one zone.
    ///
    /// # Errors
    /// The first [`RotaError`], in the order of the fields; overlaps come last.
    pub fn compile(&self, anchor: Anchor) -> Result<CompiledRota, RotaError> {
        let zone = zone(&self.zone)?;
        if !(0..=ANCHOR_MAX_S * 1_000_000).contains(&anchor.unix_us) {
            return Err(RotaError::Anchor { unix_us: anchor.unix_us });
        }
        let mut rota = CompiledRota { zone, anchor, weekly: self.weekly()?, exceptions: self.exceptions()? };
        if rota.weekly.iter().chain(rota.exceptions.iter().map(|special| &special.shifts)).all(Vec::is_empty)
        {
            return Err(RotaError::Empty { field: "weekly".into(), what: "shift, there or in an exception" });
        }
        rota.exceptions.sort_unstable_by_key(|special| (special.date, special.source));
        let twice = rota.exceptions.iter().zip(rota.exceptions.iter().skip(1));
        if let Some((_, second)) = twice.into_iter().find(|(first, second)| first.date == second.date) {
            let field = format!("exceptions[{}].date", second.source);
            return Err(RotaError::DateTwice { field, value: second.date.to_string() });
        }
        rota.check_overlaps()?;
        Ok(rota)
    }

    fn weekly(&self) -> Result<[Vec<Minutes>; 7], RotaError> {
        at_most("weekly", self.weekly.len(), ROTA_SHIFTS_MAX)?;
        let mut weekly: [Vec<Minutes>; 7] = std::array::from_fn(|_| Vec::new());
        for (source, entry) in (0_u16..).zip(&self.weekly) {
            let at = format!("weekly[{source}]");
            let shift = minutes(&at, source, &entry.from, &entry.to)?;
            let field = format!("{at}.days");
            if entry.days.is_empty() {
                return Err(RotaError::Empty { field, what: "day" });
            }
            at_most(&field, entry.days.len(), weekly.len())?;
            for (number, name) in entry.days.iter().enumerate() {
                let day = weekday(name).and_then(|day| weekly.get_mut(day)).ok_or_else(|| {
                    RotaError::Day { field: format!("{field}[{number}]"), value: shortened(name) }
                })?;
                day.push(shift);
            }
        }
        for day in &mut weekly {
            day.sort_unstable();
        }
        Ok(weekly)
    }

    fn exceptions(&self) -> Result<Vec<Special>, RotaError> {
        at_most("exceptions", self.exceptions.len(), ROTA_EXCEPTIONS_MAX)?;
        let special = |(source, exception): (usize, &Exception)| {
            let at = format!("exceptions[{source}]");
            let date = date(&exception.date).ok_or_else(|| RotaError::Date {
                field: format!("{at}.date"),
                value: shortened(&exception.date),
            })?;
            at_most(&format!("{at}.shifts"), exception.shifts.len(), ROTA_SHIFTS_MAX)?;
            let shifts = (0_u16..).zip(&exception.shifts);
            let mut shifts: Vec<Minutes> = shifts
                .map(|(number, hours)| {
                    minutes(&format!("{at}.shifts[{number}]"), number, &hours.from, &hours.to)
                })
                .collect::<Result<_, _>>()?;
            shifts.sort_unstable();
            Ok(Special { date, shifts, source })
        };
        self.exceptions.iter().enumerate().map(special).collect()
    }
}

impl CompiledRota {
    /// The shift that is on at an instant, or else the next one: what [`Agent::shift`](crate::Agent::shift) should hold then.
    ///
    /// When there is none any more it is the shift from [`FleetTime::MAX`] to [`FleetTime::MAX`], in which nobody is on: a
    /// `None` there would mean somebody who always works. A shift that began before the fleet's clock begins with it. It ends
    /// with the year 9999.
    ///
    /// Less than a microsecond in a release build; with a run of n weeks of exceptions without shifts from `at` on,
    /// O(n · log exceptions).
    pub fn on_or_next(&self, at: FleetTime) -> Shift {
        self.shifts_from(at).next().unwrap_or(Shift { from: FleetTime::MAX, to: FleetTime::MAX })
    }

    /// Whether somebody is on shift at an instant. As quick as [`on_or_next`](Self::on_or_next).
    pub fn is_on(&self, at: FleetTime) -> bool {
        self.on_or_next(at).from <= at && at < FleetTime::MAX
    }

    /// The shifts of which a part lies in the span from `from` until just before `to`, whole and in order, no more than `most`
    /// of them. Less than a microsecond for each.
    pub fn touching(&self, from: FleetTime, to: FleetTime, most: usize) -> Vec<Shift> {
        self.shifts_from(from).take_while(|shift| from < to && shift.from < to).take(most).collect()
    }

    /// The shift that is on at an instant and all that follow, in order, to the end of the year 9999: take as many as needed.
    pub fn shifts_from(&self, at: FleetTime) -> impl Iterator<Item = Shift> + '_ {
        let now = Timestamp::from_microsecond(self.anchor.unix_us(at)).ok();
        // What is on has begun on this day or the day before: no shift is longer than a day.
        let first = now.and_then(|now| self.zone.to_datetime(now).date().yesterday().ok());
        let days = std::iter::successors(first, |day| self.day_after(*day));
        let shifts = days
            .flat_map(move |day| self.on_day(day).iter().filter_map(move |&shift| self.shift(day, shift)));
        shifts.skip_while(move |shift| shift.to <= at)
    }

    /// The next day on which a shift may begin.
    fn day_after(&self, day: Date) -> Option<Date> {
        if self.weekly.iter().all(Vec::is_empty) {
            let next = self.exceptions.partition_point(|special| special.date <= day);
            return self.exceptions.get(next).map(|special| special.date);
        }
        day.tomorrow().ok()
    }

    /// What begins on a day.
    fn on_day(&self, day: Date) -> &[Minutes] {
        if let Some(special) = self.exception(day) {
            return &special.shifts;
        }
        let weekday = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(usize::MAX);
        self.weekly.get(weekday).map_or(&[], Vec::as_slice)
    }

    fn exception(&self, day: Date) -> Option<&Special> {
        let at = self.exceptions.binary_search_by_key(&day, |special| special.date).ok()?;
        self.exceptions.get(at)
    }

    /// A shift that begins on a day; none if the clock leaps over it, or if it was over when the fleet's clock began.
    fn shift(&self, day: Date, Minutes { from, to, .. }: Minutes) -> Option<Shift> {
        let from = self.anchor.fleet_time(self.instant(day, from)?);
        let to = self.anchor.fleet_time(self.instant(day, to)?);
        (from < to).then_some(Shift { from, to })
    }

    /// The one instant that a civil time means; `None` beyond the year 9999.
    fn instant(&self, day: Date, minute: u16) -> Option<Timestamp> {
        let date = if minute < DAY_MINUTES { day } else { day.tomorrow().ok()? };
        let (hour, minute) = (minute % DAY_MINUTES / 60, minute % 60);
        let time = Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()?;
        let civil = DateTime::from_parts(date, time);
        match self.zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(civil).ok(),
            // Of two times the first is the one by the clock as it was before.
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(civil).ok(),
            AmbiguousOffset::Gap { after, .. } => {
                // By the clock as it is after the jump, a time that is skipped was before the jump.
                let earlier = after.to_timestamp(civil).ok()?;
                let jump = self.zone.following(earlier).take(JUMPS).find(|jump| jump.offset() == after);
                Some(jump.map_or(earlier, |jump| jump.timestamp()))
            }
        }
    }

    /// Shifts of neighbouring days, weekly ones and exceptions alike, begin when those before are over.
    fn check_overlaps(&self) -> Result<(), RotaError> {
        let days = self.weekly.iter().zip(self.weekly.iter().cycle().skip(1));
        for (day, next) in days {
            let written = |shift: &Minutes| format!("weekly[{}]", shift.source);
            check_order(&[(day, &written), (next, &written)])?;
        }
        for special in &self.exceptions {
            let around = [special.date.yesterday().ok(), Some(special.date), special.date.tomorrow().ok()];
            let [before, on, after] = around.map(|day| day.map_or(&[][..], |day| self.on_day(day)));
            let written = |day: Option<Date>| {
                let special = day.and_then(|day| self.exception(day));
                move |shift: &Minutes| match special {
                    Some(special) => format!("exceptions[{}].shifts[{}]", special.source, shift.source),
                    None => format!("weekly[{}]", shift.source),
                }
            };
            let [named_before, named_on, named_after] = around.map(written);
            check_order(&[(before, &named_before), (on, &named_on), (after, &named_after)])?;
        }
        Ok(())
    }
}

/// Changes of the clock's rules that are looked at to find a jump: some of them move no clock.
const JUMPS: usize = 8;

/// The shifts of a day, and how the field of one is called.
type Day<'a> = (&'a [Minutes], &'a dyn Fn(&Minutes) -> String);

/// Refuses the first shift, over days that follow each other, that begins before the one before it is over.
fn check_order(days: &[Day<'_>]) -> Result<(), RotaError> {
    let mut last: Option<(u16, String)> = None;
    for (day, (shifts, written)) in (0_u16..).zip(days) {
        for shift in *shifts {
            let begin = shift.from.saturating_add(day.saturating_mul(DAY_MINUTES));
            if let Some((_, other)) = last.as_ref().filter(|(end, _)| begin < *end) {
                let (from, to) = (clock(shift.from), clock(shift.to));
                return Err(RotaError::Overlap {
                    field: written(shift),
                    value: format!("{from} to {to}"),
                    other: other.clone(),
                });
            }
            last = Some((shift.to.saturating_add(day.saturating_mul(DAY_MINUTES)), written(shift)));
        }
    }
    Ok(())
}

fn zone(value: &str) -> Result<TimeZone, RotaError> {
    let refused = || RotaError::Zone { value: shortened(value) };
    if NAME_LENGTH_MAX < value.len() {
        return Err(refused());
    }
    let named = TimeZoneDatabase::bundled().get(value);
    let zone = named.or_else(|_| TimeZone::posix(value)).map_err(|_| refused())?;
    // There is a name for a zone that nobody knows; its clock would be that of universal time.
    if zone.is_unknown() { Err(refused()) } else { Ok(zone) }
}

fn at_most(field: &str, count: usize, most: usize) -> Result<(), RotaError> {
    if count <= most { Ok(()) } else { Err(RotaError::TooMany { field: field.into(), count, most }) }
}

fn weekday(name: &str) -> Option<usize> {
    const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    NAMES.iter().position(|full| *full == name || full.get(..3) == Some(name))
}

fn minutes(at: &str, source: u16, from: &str, to: &str) -> Result<Minutes, RotaError> {
    let time = |name: &str, value: &str| {
        minute(value)
            .ok_or_else(|| RotaError::Time { field: format!("{at}.{name}"), value: shortened(value) })
    };
    let (from, to) = (time("from", from)?, time("to", to)?);
    Ok(Minutes { from, to: if to <= from { to + DAY_MINUTES } else { to }, source })
}

/// `HH:MM` as minutes.
fn minute(value: &str) -> Option<u16> {
    let (hour, minute) = (digits(value.get(..2)?)?, digits(value.get(3..)?)?);
    let fits = value.len() == 5 && value.get(2..3) == Some(":") && hour < 24 && minute < 60;
    fits.then_some(hour * 60 + minute)
}

/// `YYYY-MM-DD`.
fn date(value: &str) -> Option<Date> {
    let parts = (value.get(..4)?, value.get(4..5)?, value.get(5..7)?, value.get(7..8)?, value.get(8..)?);
    let (year, "-", month, "-", day) = parts else { return None };
    let small = |part: &str| i8::try_from(digits(part)?).ok();
    let is_short = value.len() == 10;
    Date::new(i16::try_from(digits(year)?).ok()?, small(month)?, small(day)?).ok().filter(|_| is_short)
}

/// A number of digits alone: a sign is none.
fn digits(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute % DAY_MINUTES / 60, minute % 60)
}

/// What somebody wrote, as far as a message can hold it.
fn shortened(text: &str) -> String {
    text.chars().take(NAME_LENGTH_MAX / 2).collect()
}

#[cfg(test)]
mod tests;
