//! Points in time belong to one clock each; spans are [`Micros`].

use core::{fmt, ops};

/// A span of time in microseconds.
///
/// ```
/// # use sheepdog_core::Micros;
/// assert_eq!(Micros::from_millis(120).as_micros(), 120_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Micros(u64);

impl Micros {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span.
    pub const MAX: Self = Self(u64::MAX);

    /// A span of `micros` microseconds.
    pub const fn new(micros: u64) -> Self {
        Self(micros)
    }

    /// A span of `millis` milliseconds; saturates at [`Micros::MAX`].
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// A span of `secs` seconds; saturates at [`Micros::MAX`].
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole milliseconds, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// Seconds as a float, for reports only.
    #[expect(clippy::cast_precision_loss, reason = "a report rounds anyway; decisions use integers")]
    pub const fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The sum, or [`Micros::MAX`] when it does not fit.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or zero when `other` is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1_000_000, self.0 / 1_000 % 1_000)
    }
}

macro_rules! clock {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(transparent))]
        pub struct $name(u64);

        impl $name {
            /// The instant the clock counts from.
            pub const ZERO: Self = Self(0);
            /// The last instant the clock can show.
            pub const MAX: Self = Self(u64::MAX);

            /// The instant `micros` microseconds after [`Self::ZERO`].
            pub const fn from_micros(micros: u64) -> Self {
                Self(micros)
            }

            /// Microseconds since [`Self::ZERO`].
            pub const fn as_micros(self) -> u64 {
                self.0
            }

            /// Time from `earlier` to `self`; `None` when `earlier` lies in the future.
            pub const fn since(self, earlier: Self) -> Option<Micros> {
                match self.0.checked_sub(earlier.0) {
                    Some(span) => Some(Micros::new(span)),
                    None => None,
                }
            }

            /// The instant `span` later; saturates at [`Self::MAX`].
            #[must_use]
            pub const fn saturating_add(self, span: Micros) -> Self {
                Self(self.0.saturating_add(span.as_micros()))
            }
        }

        impl ops::Add<Micros> for $name {
            type Output = Self;

            /// Saturates at [`Self::MAX`], so a deadline computed from a huge span never wraps into the past.
            fn add(self, span: Micros) -> Self {
                self.saturating_add(span)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", Micros::new(self.0))
            }
        }
    };
}

clock! {
    /// A point in time on the fleet's clock: the argument of every call into the coordinator.
    ///
    /// It is never compared with a [`RobotTime`]; only events order things between machines.
    FleetTime
}

clock! {
    /// A point in time on one robot's own monotonic clock.
    RobotTime
}
