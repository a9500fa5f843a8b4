//! The black box: the last half minute of inputs and decisions, frozen at each stop, from which a stop replays.

use std::{collections::VecDeque, sync::Arc};

use sheepdog_core::{Micros, RobotTime};
use sheepdog_interlock::{ConfigDigest, Decision, Input, Interlock, Record, Replica, Sink, SinkFull, State};

use crate::{
    Log, SECTORS,
    packed::{Column, put_word, take_word},
};

/// How far back it reaches.
pub const BLACK_BOX_SPAN: Micros = Micros::from_secs(30);
/// Incidents kept; an older one goes when another comes.
pub const INCIDENTS_MAX: usize = 8;
/// The most steps kept, however fast the robot is stepped.
const STEPS_MAX: usize = 6_000;
/// Steps between two copies of the interlock's state.
const KEYFRAME_EVERY: usize = 100;
/// First number of a stored incident: the version of its form.
const FORM: u64 = 1;

/// One step as it was.
#[derive(Clone, Debug)]
pub struct Step {
    /// What was decided.
    pub record: Record,
    /// The canonical words of the input, each in as few bytes as it needs.
    input: Vec<u8>,
    /// The interlock before the step, now and then.
    before: Option<Box<Replica<1, SECTORS>>>,
    /// Whether the record was refused, so that the robot latched instead (LOG-001).
    refused: bool,
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
    /// The kernel decides as before and stands otherwise after it.
    #[error("after decision {seq} the interlock was {was:?} and is {is:?} now")]
    State {
        /// Number of the record.
        seq: u64,
        /// Where it stood.
        was: Box<State>,
        /// Where it stands now.
        is: Box<State>,
    },
}

/// The ring of the last steps, and the incidents frozen from it.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlackBox {
    steps: VecDeque<Arc<Step>>,
    since_keyframe: usize,
    keyframe: Option<Box<Replica<1, SECTORS>>>,
    incidents: VecDeque<Incident>,
    /// The input of the step that is being kept.
    bytes: Vec<u8>,
}

impl BlackBox {
    /// Looks at the interlock before a step, and keeps a copy now and then.
    pub(crate) fn before_step(&mut self, interlock: &Interlock<1, SECTORS>) {
        if self.steps.is_empty() || KEYFRAME_EVERY <= self.since_keyframe {
            self.keyframe = Some(Box::new(Replica::of(interlock)));
            self.since_keyframe = 0;
        }
        self.since_keyframe += 1;
    }

    pub(crate) fn steps(&self) -> impl DoubleEndedIterator<Item = &Step> {
        self.steps.iter().map(Arc::as_ref)
    }

    pub(crate) fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.iter()
    }

    /// Makes room for a step of this instant. Returns one that was forgotten, to be used again.
    fn forget_before(&mut self, now: RobotTime) -> Option<Arc<Step>> {
        let is_old = |step: &Arc<Step>| now.since(step.record.at).is_some_and(|age| BLACK_BOX_SPAN < age);
        let mut forgotten = None;
        while self.steps.front().is_some_and(is_old) || STEPS_MAX <= self.steps.len() {
            forgotten = self.steps.pop_front();
        }
        forgotten
    }
}

/// The black box together with the robot's log, which may refuse.
pub(crate) struct Recording<'a> {
    pub(crate) black_box: &'a mut BlackBox,
    pub(crate) log: &'a mut dyn Log,
}

impl Sink<1, SECTORS> for Recording<'_> {
    fn accept(&mut self, record: &Record, input: &Input<1, SECTORS>) -> Result<(), SinkFull> {
        let accepted = self.log.accept(record, input);
        if let Some(incident) = self.black_box.keep(record, input, accepted.is_err()) {
            self.log.incident(incident);
        }
        accepted
    }
}

impl BlackBox {
    /// Keeps a step. Returns the incident if it was a stop.
    fn keep(&mut self, record: &Record, input: &Input<1, SECTORS>, refused: bool) -> Option<&Incident> {
        self.bytes.clear();
        input.write(&mut |word| put_word(&mut self.bytes, word));
        let before = self.keyframe.take();
        // The memory of steps that nobody else has is used again.
        let mut forgotten = self.forget_before(record.at);
        let reused = forgotten.as_mut().and_then(Arc::get_mut).map(|old| std::mem::take(&mut old.input));
        let mut input = reused.unwrap_or_default();
        input.clear();
        input.extend_from_slice(&self.bytes);
        let step = Step { record: *record, input, before, refused };
        match forgotten.as_mut().and_then(Arc::get_mut) {
            Some(old) => *old = step,
            None => forgotten = Some(Arc::new(step)),
        }
        self.steps.extend(forgotten);
        if !is_armed(record.before) || (is_armed(record.after) && !refused) {
            return None;
        }
        if self.incidents.len() == INCIDENTS_MAX {
            self.incidents.pop_front();
        }
        self.incidents.push_back(Incident { steps: self.steps.iter().cloned().collect() });
        self.incidents.back()
    }
}

impl Step {
    /// The input, read back; `None` if its bytes are damaged.
    pub fn input(&self) -> Option<Input<1, SECTORS>> {
        let mut bytes = self.input.iter().copied();
        Input::read(&mut std::iter::from_fn(|| take_word(&mut bytes)))
    }

    /// Whether the record was refused: then the robot did not do what was decided, but latched (LOG-001).
    pub const fn is_refused(&self) -> bool {
        self.refused
    }
}

impl Incident {
    /// Steps that somebody has kept, oldest first, as if the last one had been a stop: to replay or store them.
    pub fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().map(Arc::new).collect() }
    }

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
        let mut replica = Replica::clone(before);
        for step in tail {
            let seq = step.record.seq;
            let input = step.input().filter(|input| input.digest() == step.record.inputs);
            let is = replica.repeat(&step.record, &input.ok_or(ReplayError::Input { seq })?);
            if is != step.record.decision {
                let was = Box::new(step.record.decision);
                return Err(ReplayError::Divergence { seq, was, is: Box::new(is) });
            }
            if replica.state() != step.record.after {
                let (was, is) = (Box::new(step.record.after), Box::new(replica.state()));
                return Err(ReplayError::State { seq, was, is });
            }
            if step.refused {
                replica.refuse_record();
            }
        }
        Ok(tail.len())
    }

    /// The settings that decided, by their digest; `None` without a state to begin from.
    pub fn config(&self) -> Option<ConfigDigest> {
        self.steps.iter().find_map(|step| step.before.as_ref()).map(|before| before.digest())
    }

    /// The incident in bytes: what a ledger keeps. Of the states only the oldest is stored, where [`replay`](Self::replay)
    /// begins.
    ///
    /// ```text
    /// incident = form (1), number of steps, index of the first step with a state (or the number of steps),
    ///            the state if there is one, then of each step: refused (0 or 1), record, input
    /// ```
    /// State, record and input are lists of canonical words in the form of [`packed`](crate::packed).
    pub fn encode(&self) -> Vec<u8> {
        let start = self.steps.iter().position(|step| step.before.is_some()).unwrap_or(self.steps.len());
        let mut bytes = Vec::new();
        for number in [FORM, self.steps.len() as u64, start as u64] {
            put_word(&mut bytes, number);
        }
        if let Some(state) = self.steps.get(start).and_then(|step| step.before.as_ref()) {
            let mut words = Vec::new();
            state.write(&mut |word| words.push(word));
            Column::default().put(words, &mut bytes);
        }
        let (mut records, mut inputs) = (Column::default(), Column::default());
        for step in &self.steps {
            bytes.push(u8::from(step.refused));
            let mut words = Vec::new();
            step.record.write(&mut |word| words.push(word));
            records.put(words, &mut bytes);
            let mut input = step.input.iter().copied();
            inputs.put(std::iter::from_fn(|| take_word(&mut input)).collect(), &mut bytes);
        }
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` when the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = bytes.iter().copied();
        let [form, count, start] = [take_word(&mut from)?, take_word(&mut from)?, take_word(&mut from)?];
        if form != FORM || STEPS_MAX as u64 + 1 < count || count < start {
            return None;
        }
        let mut state = None;
        if start < count {
            let words = Column::default().take(&mut from)?.to_vec();
            state = Some(Box::new(Replica::read(&mut words.into_iter())?));
        }
        let (mut records, mut inputs) = (Column::default(), Column::default());
        let mut steps = Vec::new();
        for index in 0..count {
            let refused = match from.next()? {
                0 => false,
                1 => true,
                _ => return None,
            };
            let record = Record::read(&mut records.take(&mut from)?.iter().copied())?;
            let mut input = Vec::new();
            for word in inputs.take(&mut from)? {
                put_word(&mut input, *word);
            }
            let before = if index == start { state.take() } else { None };
            steps.push(Arc::new(Step { record, input, before, refused }));
        }
        from.next().is_none().then_some(Self { steps })
    }
}

const fn is_armed(state: State) -> bool {
    matches!(state, State::Slow | State::Ready)
}
