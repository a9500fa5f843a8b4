//! The only way to a motor: a base that is owned together with its interlock.

use core::{fmt, marker::PhantomData};

use sheepdog_core::{Micros, RobotTime, StopCategory};

use crate::{Config, Decision, Input, Interlock, Record, Sink, State, Twist, Verdict};

/// What moves a robot.
///
/// Contract: `drive` carries out the twist until [`Bounded::until`] and then stops by itself, with a category 1 stop,
/// without any further call. `halt` ends motion at once in the way its category says, and may be called again and
/// again while the robot stands.
pub trait Base {
    /// Moves. The command lasts until [`Bounded::until`] or the next call, whichever comes first.
    fn drive(&mut self, command: Bounded<'_>);

    /// Ends motion: category 0 by removing power, 1 by a controlled stop and then removing power, 2 by a controlled
    /// stop with power kept.
    fn halt(&mut self, category: StopCategory);
}

/// A motion the interlock has permitted, for as long as its permit lives.
///
/// Only [`Guarded`] makes one. It cannot be cloned, and it does not outlive the step it was made in.
#[derive(Debug)]
pub struct Bounded<'step> {
    twist: Twist,
    until: RobotTime,
    step: PhantomData<&'step mut ()>,
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
}

/// Leave to move once. It is made for a decision and spent on one command, both inside [`Guarded::step`].
struct Permit<'step> {
    twist: Twist,
    until: RobotTime,
    step: PhantomData<&'step mut ()>,
}

impl<'step> Permit<'step> {
    /// A permit for a decision to move; nothing else yields one. `_step` ties it to the caller's step.
    fn grant(decision: &Decision, now: RobotTime, ttl: Micros, _step: &'step mut ()) -> Option<Self> {
        match decision.verdict {
            Verdict::Move => {
                Some(Self { twist: decision.twist, until: now.saturating_add(ttl), step: PhantomData })
            }
            Verdict::Stop { .. } | Verdict::Idle => None,
        }
    }

    const fn spend(self) -> Bounded<'step> {
        Bounded { twist: self.twist, until: self.until, step: self.step }
    }
}

/// A base behind its interlock. There is no way to the base but [`Guarded::step`].
pub struct Guarded<B, const SENSORS: usize, const SECTORS: usize> {
    interlock: Interlock<SENSORS, SECTORS>,
    base: B,
    seq: u64,
}

impl<B, const SENSORS: usize, const SECTORS: usize> fmt::Debug for Guarded<B, SENSORS, SECTORS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("interlock", &self.interlock).finish_non_exhaustive()
    }
}

impl<B, const SENSORS: usize, const SECTORS: usize> Guarded<B, SENSORS, SECTORS> {
    /// Takes the base away from everybody else.
    pub const fn new(interlock: Interlock<SENSORS, SECTORS>, base: B) -> Self {
        Self { interlock, base, seq: 0 }
    }

    /// Where the interlock stands.
    pub const fn state(&self) -> State {
        self.interlock.state()
    }

    /// The interlock's settings.
    pub const fn config(&self) -> &Config {
        self.interlock.config()
    }

    /// The interlock, to read.
    pub const fn interlock(&self) -> &Interlock<SENSORS, SECTORS> {
        &self.interlock
    }
}

impl<B: Base, const SENSORS: usize, const SECTORS: usize> Guarded<B, SENSORS, SECTORS> {
    /// Decides, records, and only then moves or stops the base.
    ///
    /// A record that `sink` refuses turns the decision into a latched stop (LOG-001). Without a request the base
    /// gets a category 2 stop. Time bounded by `SENSORS * SECTORS` and what sink and base take.
    pub fn step(&mut self, input: &Input<SENSORS, SECTORS>, sink: &mut dyn Sink) -> Decision {
        let before = self.interlock.state();
        let decision = self.interlock.step(input);
        let mut step = ();
        let permit = Permit::grant(&decision, input.now, self.interlock.config().permit_ttl, &mut step);
        let record = Record {
            seq: self.seq,
            at: input.now,
            before,
            after: self.interlock.state(),
            request: input.request,
            decision,
            until: permit.as_ref().map(|permit| permit.until),
        };
        self.seq = self.seq.saturating_add(1);
        if sink.accept(&record).is_err() {
            self.base.halt(StopCategory::Zero);
            return self.interlock.refuse_record();
        }
        match (permit, decision.verdict) {
            (Some(permit), _) => self.base.drive(permit.spend()),
            (None, Verdict::Stop { category, .. }) => self.base.halt(category),
            (None, Verdict::Idle) => self.base.halt(StopCategory::Two),
            // Cannot be: every decision to move has a permit. The safe answer is to stop.
            (None, Verdict::Move) => self.base.halt(StopCategory::Zero),
        }
        decision
    }
}
