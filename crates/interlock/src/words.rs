//! The canonical form of inputs: 64-bit words in the order of the fields, from which the input comes back.
//!
//! A digest of it ties each record to its input, and a black box of it replays. An option is a word 0, or 1 and the
//! value; an array its elements; a negative number its two's complement.

use sheepdog_core::{
    ActorId, Confidence, Epoch, Evidence, Micros, Mm, MmPerS, MmPerS2, MradPerS, Ppm, Relation, RobotTime,
    RuleId, SiteVersion, StopCategory, StopGeneration,
};

use crate::{
    Braking, Input, Odometry, Reading, ReleaseLimit, Request, Reset, ResetStep, SectorReading, SelfTest,
    SensorReading, StopCommand, Twist,
    packs::{PackVerdict, Ruling},
};

/// A value with a canonical form.
trait Words: Copy {
    fn put(&self, out: &mut impl FnMut(u64));
    /// `None` when the words are no canonical form of such a value.
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

macro_rules! structs {
    ($($name:ident $(<$($generic:ident),*>)? { $($field:ident),* })*) => {$(
        impl $(<$(const $generic: usize),*>)? Words for $name $(<$($generic),*>)? {
            fn put(&self, out: &mut impl FnMut(u64)) {
                let Self { $($field),* } = self;
                $($field.put(out);)*
            }
            fn take(from: &mut impl Iterator<Item = u64>) -> Option<Self> {
                Some(Self { $($field: Words::take(from)?),* })
            }
        }
    )*};
}

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
    MradPerS: |rate| rate.0, |value: i32| Some(MradPerS(value));
    Epoch: |epoch| epoch.0, |value: u32| Some(Epoch(value));
    StopGeneration: |generation| generation.0, |value: u32| Some(StopGeneration(value));
    ActorId: |actor| actor.0, |value: u32| Some(ActorId(value));
    SiteVersion: |site| halves(site.0), |halves: [u64; 4]| Some(SiteVersion(joined(halves)));
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

impl Words for Reading<Mm> {
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

impl<T: Words, const N: usize> Words for [T; N] {
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
