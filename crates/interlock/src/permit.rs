//! Permits: what a base may do, until when, and how that is taken back.

use core::marker::PhantomData;

use sheepdog_core::{Micros, RobotTime, StopCategory};

use crate::{Decision, Twist, Verdict};

/// A number that a robot uses for one boot and never again, so that nothing granted before a crash means anything after
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootNonce(pub u64);

/// A motion the interlock has permitted, for as long as its permit lives.
///
/// Only [`Guarded`](crate::Guarded) makes one. It cannot be cloned, and it does not outlive the step it was made in.
#[derive(Debug)]
pub struct Bounded<'step> {
    twist: Twist,
    until: RobotTime,
    lapse: StopCategory,
    boot: BootNonce,
    generation: u32,
    step: PhantomData<&'step mut ()>,
}

impl<'step> Bounded<'step> {
    /// A permit for a decision to move; nothing else yields one. `_step` ties it to the caller's step.
    pub(crate) fn grant(
        decision: &Decision,
        (now, ttl): (RobotTime, Micros),
        lapse: StopCategory,
        (boot, generation): (BootNonce, u32),
        _step: &'step mut (),
    ) -> Option<Self> {
        match decision.verdict {
            Verdict::Move => Some(Self {
                twist: decision.twist,
                until: now.saturating_add(ttl),
                lapse,
                boot,
                generation,
                step: PhantomData,
            }),
            Verdict::Stop { .. } | Verdict::Idle => None,
        }
    }
}

impl Bounded<'_> {
    /// The motion.
    pub const fn twist(&self) -> Twist {
        self.twist
    }

    /// Speed along x, millimetres per second, forward positive.
    pub const fn linear(&self) -> i32 {
        self.twist.linear_mm_per_s
    }

    /// Yaw rate, milliradians per second, counter-clockwise positive.
    pub const fn angular(&self) -> i32 {
        self.twist.angular_mrad_per_s
    }

    /// When the permit lapses and the base stops by itself: at most 100 ms after the step.
    pub const fn until(&self) -> RobotTime {
        self.until
    }

    /// How the base stops when the permit lapses: category 1, or 2 while somebody is carried.
    pub const fn lapse(&self) -> StopCategory {
        self.lapse
    }

    /// The boot it belongs to.
    pub const fn boot(&self) -> BootNonce {
        self.boot
    }

    /// How many revocations there had been when the step began that made it.
    pub const fn generation(&self) -> u32 {
        self.generation
    }
}

/// Something that counts revocations. A permit is dead once the count differs from its own.
pub trait Revocation {
    /// How many there have been; it never goes back, and at [`u32::MAX`] it stays for ever and no permit lives.
    fn generation(&self) -> u32;
}

/// A count of revocations for whoever has `&mut` access.
///
/// ```
/// # use sheepdog_interlock::{Revocation, Revocations};
/// let mut revocations = Revocations::default();
/// revocations.revoke();
/// assert_eq!(revocations.generation(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations(u32);

impl Revocations {
    /// Kills every permit made so far.
    pub const fn revoke(&mut self) {
        self.0 = self.0.saturating_add(1);
    }
}

impl Revocation for Revocations {
    fn generation(&self) -> u32 {
        self.0
    }
}

/// A count of revocations that an interrupt or another thread can raise: one 32-bit atomic.
///
/// A step reads the count before it looks at its inputs, and the permit carries what was read. So a revocation that comes
/// at any moment after that kills the permit, however long the step takes; there is nothing that a late grant could
/// overwrite.
#[cfg(feature = "atomic")]
#[derive(Debug, Default)]
pub struct SharedRevocations(AtomicU32);

#[cfg(all(feature = "atomic", not(loom)))]
use core::sync::atomic::{AtomicU32, Ordering};
#[cfg(all(feature = "atomic", loom))]
use loom::sync::atomic::{AtomicU32, Ordering};

#[cfg(feature = "atomic")]
impl SharedRevocations {
    /// None so far.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// A count that starts at `generation`, to try what happens at the end.
    #[cfg(loom)]
    pub fn starting_at(generation: u32) -> Self {
        Self(AtomicU32::new(generation))
    }

    /// Kills every permit made so far. Lock-free; it retries only while others revoke as well.
    pub fn revoke(&self) {
        let raise = |count: u32| count.checked_add(1);
        // An error means that the count is full, and then no permit lives any more.
        let _full = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, raise);
    }
}

#[cfg(feature = "atomic")]
impl Revocation for SharedRevocations {
    fn generation(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }
}

/// The base's side of a permit: gives out the last command while its permit lives, and nothing afterwards.
///
/// A base with a control loop of its own hands every [`Bounded`] to [`accept`](Self::accept) and asks
/// [`twist`](Self::twist) before each motor command; `None` means to brake, as [`lapse`](Self::lapse) says. So it stops by
/// itself.
///
/// ```
/// # use sheepdog_interlock::{Deadman, RobotTime, Revocations};
/// let deadman = Deadman::default();
/// assert_eq!(deadman.twist(RobotTime::ZERO, &Revocations::default()), None);
/// ```
#[derive(Clone, Debug)]
pub struct Deadman {
    command: Option<Held>,
    lapse: StopCategory,
}

impl Default for Deadman {
    /// Nothing has been permitted yet.
    fn default() -> Self {
        Self { command: None, lapse: StopCategory::One }
    }
}

#[derive(Clone, Debug)]
struct Held {
    twist: Twist,
    until: RobotTime,
    generation: u32,
}

impl Deadman {
    /// Takes a command over from the one before.
    pub const fn accept(&mut self, command: &Bounded<'_>) {
        let Bounded { twist, until, lapse, generation, .. } = command;
        self.command = Some(Held { twist: *twist, until: *until, generation: *generation });
        self.lapse = *lapse;
    }

    /// How to stop when there is nothing to do any more: as the last permit said.
    pub const fn lapse(&self) -> StopCategory {
        self.lapse
    }

    /// Forgets the command: the base was told to halt.
    pub fn halt(&mut self) {
        self.command = None;
    }

    /// What to do now; `None` once the permit has lapsed or was revoked. Constant time.
    pub fn twist(&self, now: RobotTime, revocation: &impl Revocation) -> Option<Twist> {
        let generation = revocation.generation();
        self.command
            .as_ref()
            .filter(|held| now < held.until && held.generation == generation && generation < u32::MAX)
            .map(|held| held.twist)
    }
}
