//! The black box: the last half minute of inputs and decisions, frozen at each stop, from which a stop replays.

use std::{collections::VecDeque, sync::Arc};

use sheepdog_core::{Micros, RobotTime};
use sheepdog_interlock::{Decision, Input, Interlock, Record, Sink, SinkFull, State};

use crate::SECTORS;

/// How far back it reaches.
pub const BLACK_BOX_SPAN: Micros = Micros::from_secs(30);
/// Incidents kept; an older one goes when another comes.
pub const INCIDENTS_MAX: usize = 8;
/// The most steps kept, however fast the robot is stepped.
const STEPS_MAX: usize = 6_000;
/// Steps between two copies of the interlock's state.
const KEYFRAME_EVERY: usize = 100;

/// One step as it was.
#[derive(Clone, Debug)]
pub struct Step {
    /// What was decided.
    pub record: Record,
    /// The canonical words of the input, each in as few bytes as it needs.
    input: Box<[u8]>,
    /// The interlock before the step, now and then.
    before: Option<Box<Interlock<1, SECTORS>>>,
}

/// A stop, with what led to it.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Shared with the ring and with incidents that overlap.
    steps: Vec<Arc<Step>>,
}

/// Why an incident does not replay.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// There is no state to begin from, as of a robot that has only just booted.
    #[error("the black box holds no state of the interlock to begin from")]
    NoState,
    /// An input cannot be read back.
    #[error("the input of decision {seq} cannot be read")]
    Input {
        /// Number of the record.
        seq: u64,
    },
    /// The kernel decides otherwise now.
    #[error("decision {seq} was {was:?} and is {is:?} now")]
    Divergence {
        /// Number of the record.
        seq: u64,
        /// What was decided.
        was: Box<Decision>,
        /// What comes out now.
        is: Box<Decision>,
    },
}

/// The ring of the last steps, and the incidents frozen from it. It takes every record.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlackBox {
    steps: VecDeque<Arc<Step>>,
    since_keyframe: usize,
    keyframe: Option<Box<Interlock<1, SECTORS>>>,
    incidents: VecDeque<Incident>,
}

impl BlackBox {
    /// Looks at the interlock before a step, and keeps a copy now and then.
    pub(crate) fn before_step(&mut self, interlock: &Interlock<1, SECTORS>) {
        if self.steps.is_empty() || KEYFRAME_EVERY <= self.since_keyframe {
            self.keyframe = Some(Box::new(interlock.clone()));
            self.since_keyframe = 0;
        }
        self.since_keyframe += 1;
    }

    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().map(Arc::as_ref)
    }

    pub(crate) fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.iter()
    }

    fn forget_before(&mut self, now: RobotTime) {
        let is_old = |step: &Arc<Step>| now.since(step.record.at).is_some_and(|age| BLACK_BOX_SPAN < age);
        while self.steps.front().is_some_and(is_old) || STEPS_MAX < self.steps.len() {
            self.steps.pop_front();
        }
    }
}

impl Sink<1, SECTORS> for BlackBox {
    fn accept(&mut self, record: &Record, input: &Input<1, SECTORS>) -> Result<(), SinkFull> {
        let mut bytes = Vec::with_capacity(256);
        input.write(&mut |word| put_word(&mut bytes, word));
        let step = Step { record: *record, input: bytes.into_boxed_slice(), before: self.keyframe.take() };
        self.steps.push_back(Arc::new(step));
        self.forget_before(record.at);
        if is_armed(record.before) && !is_armed(record.after) {
            if self.incidents.len() == INCIDENTS_MAX {
                self.incidents.pop_front();
            }
            self.incidents.push_back(Incident { steps: self.steps.iter().cloned().collect() });
        }
        Ok(())
    }
}

impl Step {
    /// The input, read back; `None` if its bytes are damaged.
    pub fn input(&self) -> Option<Input<1, SECTORS>> {
        let mut bytes = self.input.iter().copied();
        Input::read(&mut std::iter::from_fn(|| take_word(&mut bytes)))
    }
}

impl Incident {
    /// The steps, oldest first; the last one is the stop.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().map(Arc::as_ref)
    }

    /// The decision that stopped the robot.
    pub fn stop(&self) -> Option<&Record> {
        self.steps.last().map(|step| &step.record)
    }

    /// Runs the recorded inputs through the kernel again, from the oldest state that was kept. Returns how many
    /// decisions came out as recorded: all that follow it.
    ///
    /// # Errors
    /// [`ReplayError`] naming the first decision that does not.
    pub fn replay(&self) -> Result<usize, ReplayError> {
        let start = self.steps.iter().position(|step| step.before.is_some()).ok_or(ReplayError::NoState)?;
        let tail = self.steps.get(start..).unwrap_or_default();
        let before = tail.first().and_then(|step| step.before.as_ref()).ok_or(ReplayError::NoState)?;
        let mut interlock = Interlock::clone(before);
        for step in tail {
            let seq = step.record.seq;
            let input = step.input().filter(|input| input.digest() == step.record.inputs);
            let is = interlock.step(&input.ok_or(ReplayError::Input { seq })?);
            if is != step.record.decision {
                let was = Box::new(step.record.decision);
                return Err(ReplayError::Divergence { seq, was, is: Box::new(is) });
            }
        }
        Ok(tail.len())
    }
}

const fn is_armed(state: State) -> bool {
    matches!(state, State::Slow | State::Ready)
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow (LEB128).
fn put_word(bytes: &mut Vec<u8>, mut word: u64) {
    loop {
        let [low, ..] = word.to_le_bytes();
        word >>= 7;
        if word == 0 {
            return bytes.push(low & 0x7f);
        }
        bytes.push(low | 0x80);
    }
}

/// The next word; `None` at the end, or when it does not fit.
fn take_word(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut word = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = bytes.next()?;
        let bits = u64::from(byte & 0x7f);
        let placed = bits << shift;
        if placed >> shift != bits {
            return None;
        }
        word |= placed;
        if byte & 0x80 == 0 {
            return Some(word);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Words come back as they went in, and damaged bytes never panic.
        #[test]
        fn words_come_back(words: Vec<u64>, cut in 0_usize..20) {
            let mut bytes = Vec::new();
            for word in &words {
                put_word(&mut bytes, *word);
            }
            let mut from = bytes.iter().copied();
            let read: Vec<u64> = std::iter::from_fn(|| take_word(&mut from)).collect();
            prop_assert_eq!(&read, &words);
            let mut from = bytes.iter().copied().skip(cut);
            while take_word(&mut from).is_some() {}
        }
    }
}
