//! The only way to a motor: a base that is owned together with its interlock.

use core::fmt;

use sheepdog_core::StopCategory;

use crate::{
    BootNonce, Bounded, Config, Decision, Input, Interlock, Record, Revocation, Revocations, Sink, State,
    Verdict,
};

/// What moves a robot.
///
/// Contract: `drive` carries out the twist until [`Bounded::until`] and then stops by itself, in the category of
/// [`Bounded::lapse`], without any further call. `halt` ends motion at once in the way its category says, and may be called again and
/// again while the robot stands.
pub trait Base {
    /// Moves. The command lasts until [`Bounded::until`] or the next call, whichever comes first.
    fn drive(&mut self, command: Bounded<'_>);

    /// Ends motion: category 0 by removing power, 1 by a controlled stop and then removing power, 2 by a controlled
    /// stop with power kept.
    fn halt(&mut self, category: StopCategory);
}

/// A base behind its interlock. There is no way to the base but [`Guarded::step`].
pub struct Guarded<B, const SENSORS: usize, const SECTORS: usize> {
    interlock: Interlock<SENSORS, SECTORS>,
    base: B,
    boot: BootNonce,
    revocations: Revocations,
    seq: u64,
}

impl<B, const SENSORS: usize, const SECTORS: usize> fmt::Debug for Guarded<B, SENSORS, SECTORS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("interlock", &self.interlock).finish_non_exhaustive()
    }
}

impl<B, const SENSORS: usize, const SECTORS: usize> Guarded<B, SENSORS, SECTORS> {
    /// Takes the base away from everybody else. `boot` must be a number that the robot has never used before.
    pub fn new(interlock: Interlock<SENSORS, SECTORS>, base: B, boot: BootNonce) -> Self {
        Self { interlock, base, boot, revocations: Revocations::default(), seq: 0 }
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
    pub fn step(
        &mut self,
        input: &Input<SENSORS, SECTORS>,
        sink: &mut dyn Sink<SENSORS, SECTORS>,
    ) -> Decision {
        let revocations = self.revocations.clone();
        self.step_unless(&revocations, input, sink)
    }

    /// [`step`](Self::step), with permits that others can revoke at any moment, and whose base-side
    /// [`Deadman`](crate::Deadman) looks at the same count (REV-001).
    pub fn step_unless(
        &mut self,
        revocation: &impl Revocation,
        input: &Input<SENSORS, SECTORS>,
        sink: &mut dyn Sink<SENSORS, SECTORS>,
    ) -> Decision {
        let before = self.interlock.state();
        let generation = revocation.generation();
        let decision = self.interlock.step(input);
        let decision = self.interlock.unless_revoked(decision, generation, revocation.generation());
        let mut step = ();
        let ttl = self.interlock.config().permit_ttl;
        let lapse = self.interlock.controlled(StopCategory::One);
        let permit = Bounded::grant(&decision, (input.now, ttl), lapse, (self.boot, generation), &mut step);
        let record = Record {
            seq: self.seq,
            boot: self.boot,
            at: input.now,
            before,
            after: self.interlock.state(),
            request: input.request,
            reset: input.reset,
            inputs: input.digest(),
            decision,
            until: permit.as_ref().map(Bounded::until),
            generation,
        };
        self.seq = self.seq.saturating_add(1);
        if sink.accept(&record, input).is_err() {
            let refused = self.interlock.refuse_record();
            self.base.halt(category(&refused));
            return refused;
        }
        match permit {
            Some(permit) => self.base.drive(permit),
            None => self.base.halt(category(&decision)),
        }
        decision
    }

    /// Takes back whatever was permitted: the base stops now and the permits of before are dead. The next step decides
    /// anew. While a pack asks for controlled stops the base keeps its power.
    pub fn revoke(&mut self, category: StopCategory) {
        self.revocations.revoke();
        self.base.halt(self.interlock.controlled(category));
    }
}

/// How a base halts that is not permitted to move.
const fn category(decision: &Decision) -> StopCategory {
    match decision.verdict {
        Verdict::Stop { category, .. } => category,
        Verdict::Idle => StopCategory::Two,
        // Cannot be: every decision to move has a permit. The safe answer is to stop.
        Verdict::Move => StopCategory::Zero,
    }
}
