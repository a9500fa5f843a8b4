//! The canonical form of inputs, records and states: 64-bit words in the order of the fields, from which they come back.
//!
//! A digest of it ties each record to its input, and a black box of it replays. An option is a word 0, or 1 and the
//! value; a variant its number and its fields; an array its elements; a negative number its two's complement. Types with
//! private fields say theirs where they are defined.

use sheepdog_core::{
    ActorId, Confidence, Epoch, Evidence, Micros, Mm, MmPerS, MmPerS2, Mrad, MradPerS, MradPerS2, Ppm,
    Relation, RobotTime, RuleId, SiteVersion, StopCategory, StopGeneration,
};

use crate::{
    BootNonce, Braking, Config, Decision, Fusion, Input, Odometry, Reading, Record, ReleaseLimit, Request,
    Reset, ResetStep, RuleSet, SectorReading, SelfTest, SensorReading, Separation, State, StopCommand, Twist,
    ValidConfig, Verdict,
    packs::{PackVerdict, Ruling},
};

/// A value with a canonical form.
pub(crate) trait Words: Sized {
    /// Hands out the words.
    fn put(&self, out: &mut impl FnMut(u64));
    /// Reads as many words as the value has; `None` when they are no canonical form of one.
    fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self>;
}

impl<const SENSORS: usize, const SECTORS: usize> Input<SENSORS, SECTORS> {
    /// Hands out the canonical form, word by word.
    pub fn write(&self, out: &mut impl FnMut(u64)) {
        self.put(out);
    }

    /// The input with this canonical form; `None` when there is none, or words are left.
    pub fn read(words: &mut impl Iterator<Item = u64>) -> Option<Self> {
        Self::take(words).filter(|_| words.next().is_none())
    }

    /// A digest of the canonical form. It finds mix-ups, not forgeries: chain and signatures of a ledger do that.
    pub fn digest(&self) -> u64 {
        let mut digest = 0x9e37_79b9_7f4a_7c15_u64;
        self.put(&mut |word| {
            let mixed = u128::from(digest ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd_c4ce_b9fe_1a85_ec53);
            let [low, high] = [mixed, mixed >> 64].map(|half| half & u128::from(u64::MAX));
            digest = u64::try_from(low ^ high).unwrap_or(0).rotate_left(23).wrapping_add(word);
        });
        digest
    }
}

impl Record {
    /// Hands out the canonical form, word by word.
    pub fn write(&self, out: &mut impl FnMut(u64)) {
        self.put(out);
    }

    /// The record with this canonical form; `None` when there is none, or words are left.
    pub fn read(words: &mut impl Iterator<Item = u64>) -> Option<Self> {
        Self::take(words).filter(|_| words.next().is_none())
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Words for $integer {
            fn put(&self, out: &mut impl FnMut(u64)) {
                out(u64::from(*self));
            }
            fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
                Self::try_from(from.next()?).ok()
            }
        }
    )*};
}

macro_rules! signed {
    ($($integer:ty),*) => {$(
        impl Words for $integer {
            fn put(&self, out: &mut impl FnMut(u64)) {
                out(i64::from(*self).cast_unsigned());
            }
            fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
                Self::try_from(from.next()?.cast_signed()).ok()
            }
        }
    )*};
}

macro_rules! wrappers {
    ($($name:ident: |$value:ident| $inner:expr, $make:expr;)*) => {$(
        impl Words for $name {
            fn put(&self, out: &mut impl FnMut(u64)) {
                let $value = self;
                $inner.put(out);
            }
            fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
                $make(Words::take(from)?)
            }
        }
    )*};
}

/// A struct is its fields, in the order in which they are named here.
macro_rules! structs {
    ($($name:ident $(<$($generic:ident),*>)? { $($field:ident),* })*) => {$(
        impl $(<$(const $generic: usize),*>)? $crate::words::Words for $name $(<$($generic),*>)? {
            fn put(&self, out: &mut impl FnMut(u64)) {
                let Self { $($field),* } = self;
                $($crate::words::Words::put($field, out);)*
            }
            fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
                Some(Self { $($field: $crate::words::Words::take(from)?),* })
            }
        }
    )*};
}

pub(crate) use structs;

macro_rules! enums {
    ($($name:ident { $($variant:ident = $number:literal),* })*) => {$(
        impl Words for $name {
            fn put(&self, out: &mut impl FnMut(u64)) {
                out(match self { $(Self::$variant => $number),* });
            }
            fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
                match from.next()? {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    )*};
}

integers!(u8, u16, u32, u64);
signed!(i32, i64);

wrappers! {
    RobotTime: |time| time.as_micros(), |micros: u64| Some(RobotTime::from_micros(micros));
    Micros: |span| span.as_micros(), |micros: u64| Some(Micros::new(micros));
    Confidence: |confidence| confidence.ppm(), |ppm: u32| Confidence::from_ppm(ppm).ok();
    Ppm: |share| share.get(), |ppm: u32| Ppm::new(ppm).ok();
    Mm: |length| length.0, |value: u32| Some(Mm(value));
    MmPerS: |speed| speed.0, |value: u32| Some(MmPerS(value));
    MmPerS2: |deceleration| deceleration.0, |value: u32| Some(MmPerS2(value));
    Mrad: |angle| angle.0, |value: u32| Some(Mrad(value));
    MradPerS2: |deceleration| deceleration.0, |value: u32| Some(MradPerS2(value));
    MradPerS: |rate| rate.0, |value: i32| Some(MradPerS(value));
    Epoch: |epoch| epoch.0, |value: u32| Some(Epoch(value));
    StopGeneration: |generation| generation.0, |value: u32| Some(StopGeneration(value));
    ActorId: |actor| actor.0, |value: u32| Some(ActorId(value));
    SiteVersion: |site| halves(site.0), |halves: [u64; 4]| Some(SiteVersion(joined(halves)));
    BootNonce: |boot| boot.0, |boot: u64| Some(BootNonce(boot));
    RuleSet: |rules| rules.bits(), RuleSet::from_bits;
    ValidConfig: |config| config.get(), |config: Config| config.validate().ok();
    RuleId: |rule| rule_word(*rule), |word: u64| rule_of(word);
}

structs! {
    Input<SENSORS, SECTORS> {
        now, request, sensors, free_travel, side_clearance, odometry, braking, release, site, beat, packs, self_test,
        emergency_button, bumper, reset_button, stop, reset
    }
    Twist { linear_mm_per_s, angular_mrad_per_s }
    Request { twist, sectors, issued }
    SensorReading<SECTORS> { taken, seq, digest, healthy, invalid, residual, sectors }
    SectorReading { confidence, obstacle }
    Odometry { speed, yaw_rate, travelled, turned_mrad }
    Braking { deceleration, delay }
    ReleaseLimit { epoch, remaining, taken, site }
    StopCommand { generation, category }
    Reset { generation, step, actor }
    PackVerdict { taken, ruling, keep_power }
    Evidence { rule, measured, relation, limit }
    Record { seq, boot, at, before, after, request, reset, inputs, decision, until, generation }
    Decision { verdict, twist, speed_limit, rules, primary, evidence, lowest, lowest_sector }
    Config {
        confidence_stop, confidence_slow, confidence_rearm, decay_ppm_per_ms, fusion, dwell, dwell_up, sample_age_max,
        clock_skew, clock_jump_max, cycle_max, frozen_frames, invalid_max, disagreement_max, disagreement_for, disagreement_within,
        drift_max, drift_for, permit_ttl, actuation_delay, deceleration, separation, speed_max, speed_slow, speed_creep,
        yaw_rate_max, yaw_deceleration, overspeed_percent, overspeed_for, stop_margin, rearm_margin, clearance_creep, person_near,
        beat_late, beat_timeout, command_age_max, standstill, standstill_yaw, standstill_window, standstill_turn, still_for, stop_time_max,
        stop_distance_percent, chatter_trips, chatter_window, reset_press_min, reset_press_max, packs_required,
        pack_age_max
    }
}

enums! {
    SelfTest { NotRun = 0, Failed = 1, Passed = 2 }
    StopCategory { Zero = 0, One = 1, Two = 2 }
    ResetStep { Acknowledge = 0, Start = 1 }
    Relation { Below = 0, AtMost = 1, Above = 2, Equal = 3 }
}

impl Words for bool {
    fn put(&self, out: &mut impl FnMut(u64)) {
        out(u64::from(*self));
    }

    fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
        match from.next()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl<T: Words> Words for Reading<T> {
    fn put(&self, out: &mut impl FnMut(u64)) {
        self.taken.put(out);
        self.value.put(out);
    }

    fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
        Some(Self { taken: Words::take(from)?, value: Words::take(from)? })
    }
}

impl Words for Ruling {
    fn put(&self, out: &mut impl FnMut(u64)) {
        match self {
            Self::Allow => out(0),
            Self::Limit { speed, evidence } => {
                out(1);
                speed.put(out);
                evidence.put(out);
            }
            Self::Stop { category, evidence } => {
                out(2);
                category.put(out);
                evidence.put(out);
            }
            Self::Latch { category, evidence } => {
                out(3);
                category.put(out);
                evidence.put(out);
            }
        }
    }

    fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
        match from.next()? {
            0 => Some(Self::Allow),
            1 => Some(Self::Limit { speed: Words::take(from)?, evidence: Words::take(from)? }),
            2 => Some(Self::Stop { category: Words::take(from)?, evidence: Words::take(from)? }),
            3 => Some(Self::Latch { category: Words::take(from)?, evidence: Words::take(from)? }),
            _ => None,
        }
    }
}

impl Words for Verdict {
    fn put(&self, out: &mut impl FnMut(u64)) {
        match self {
            Self::Move => out(0),
            Self::Stop { category, rule } => {
                out(1);
                category.put(out);
                rule.put(out);
            }
            Self::Idle => out(2),
        }
    }

    fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
        match from.next()? {
            0 => Some(Self::Move),
            1 => Some(Self::Stop { category: Words::take(from)?, rule: Words::take(from)? }),
            2 => Some(Self::Idle),
            _ => None,
        }
    }
}

impl Words for State {
    fn put(&self, out: &mut impl FnMut(u64)) {
        let mut caused = |number, rule: &RuleId| {
            out(number);
            rule.put(out);
        };
        match self {
            Self::Boot => out(0),
            Self::Stopped { rule } => caused(1, rule),
            Self::Slow => out(2),
            Self::Ready => out(3),
            Self::Stopping { rule } => caused(4, rule),
            Self::Latched { evidence, category } => {
                out(5);
                evidence.put(out);
                category.put(out);
            }
            Self::Acknowledged { rule } => caused(6, rule),
        }
    }

    fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
        match from.next()? {
            0 => Some(Self::Boot),
            1 => Some(Self::Stopped { rule: Words::take(from)? }),
            2 => Some(Self::Slow),
            3 => Some(Self::Ready),
            4 => Some(Self::Stopping { rule: Words::take(from)? }),
            5 => Some(Self::Latched { evidence: Words::take(from)?, category: Words::take(from)? }),
            6 => Some(Self::Acknowledged { rule: Words::take(from)? }),
            _ => None,
        }
    }
}

/// Always two words, so that settings have one length.
impl Words for Fusion {
    fn put(&self, out: &mut impl FnMut(u64)) {
        let (number, sensors) = match self {
            Self::Redundant => (0, 0),
            Self::Quorum(sensors) => (1, (*sensors).into()),
            Self::Min => (2, 0),
        };
        out(number);
        out(sensors);
    }

    fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
        match (from.next()?, from.next()?) {
            (0, 0) => Some(Self::Redundant),
            (1, sensors) => sensors.try_into().ok().map(Self::Quorum),
            (2, 0) => Some(Self::Min),
            _ => None,
        }
    }
}

/// Always two words, so that settings have one length.
impl Words for Separation {
    fn put(&self, out: &mut impl FnMut(u64)) {
        let (number, speed) = match self {
            Self::StandingPerson => (0, 0),
            Self::ApproachingPerson(speed) => (1, speed.0.into()),
        };
        out(number);
        out(speed);
    }

    fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
        match (from.next()?, from.next()?) {
            (0, 0) => Some(Self::StandingPerson),
            (1, speed) => speed.try_into().ok().map(|speed| Self::ApproachingPerson(MmPerS(speed))),
            _ => None,
        }
    }
}

impl<A: Words, B: Words> Words for (A, B) {
    fn put(&self, out: &mut impl FnMut(u64)) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
        Some((A::take(from)?, B::take(from)?))
    }
}

impl<T: Words> Words for Option<T> {
    fn put(&self, out: &mut impl FnMut(u64)) {
        match self {
            None => out(0),
            Some(value) => {
                out(1);
                value.put(out);
            }
        }
    }

    fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
        match from.next()? {
            0 => Some(None),
            1 => T::take(from).map(Some),
            _ => None,
        }
    }
}

impl<T: Words + Copy, const N: usize> Words for [T; N] {
    fn put(&self, out: &mut impl FnMut(u64)) {
        for value in self {
            value.put(out);
        }
    }

    fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
        let mut missing = false;
        let values = core::array::from_fn(|_| {
            let value = if missing { None } else { T::take(from) };
            missing |= value.is_none();
            value
        });
        let first = values.first().copied().flatten()?;
        (!missing).then(|| values.map(|value| value.unwrap_or(first)))
    }
}

/// Eight bytes each, little-endian.
fn halves(bytes: [u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, eight) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = eight.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    words
}

fn joined(words: [u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (eight, word) in bytes.chunks_exact_mut(8).zip(words) {
        eight.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// The seven characters of a rule's id, little-endian.
fn rule_word(rule: RuleId) -> u64 {
    rule.as_str().bytes().rev().fold(0, |word, byte| word << 8 | u64::from(byte))
}

fn rule_of(word: u64) -> Option<RuleId> {
    let bytes = word.to_le_bytes();
    let (id, [0]) = bytes.split_first_chunk::<7>()? else { return None };
    RuleId::parse(core::str::from_utf8(id).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn come_back<T: Words + Copy + PartialEq + core::fmt::Debug>(values: &[T]) {
        for value in values {
            let (mut words, mut count) = ([0; 8], 0);
            value.put(&mut |word| {
                words[count] = word;
                count += 1;
            });
            assert_eq!(T::take(&mut words[..count].iter().copied()), Some(*value));
        }
    }

    #[test]
    fn every_variant_of_a_setting_comes_back() {
        come_back(&[Fusion::Redundant, Fusion::Quorum(0), Fusion::Quorum(2), Fusion::Min]);
        come_back(&[Separation::StandingPerson, Separation::ApproachingPerson(MmPerS(1_600))]);
    }
}
