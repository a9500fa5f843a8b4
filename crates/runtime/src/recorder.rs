//! From a robot's decisions to the records of its ledger.
//!
//! The controller holds the [`Tap`], which never waits; the [`Recorder`] belongs to whoever writes the file, on another
//! thread if it likes. Between them is a ring of fixed length: when it is full, or the recorder is gone, the tap refuses
//! and the robot latches (LOG-001).

use std::sync::Arc;

use crossbeam::{
    channel::{Receiver, Sender, bounded},
    queue::ArrayQueue,
};
use sheepdog_core::{FleetTime, Micros, Ppm, RobotTime, wire::Anchor};
use sheepdog_driver::{Incident, Log};
use sheepdog_interlock::{Input, Record, Sink, SinkFull, State, Verdict};
use sheepdog_ledger::{Envelope, Fold, FoldLimits, Ledger, Run};

use crate::robot::RobotRecord;

/// The longest time that equal decisions are folded into one record: what a crash can cost.
pub const RUN_SPAN: Micros = Micros::from_secs(10);
/// How often the fleet is told where the chain stands, stops apart.
pub const ANCHOR_EVERY: Micros = Micros::from_secs(60);
/// One place for a decision and one for an incident.
const CAPACITY_MIN: usize = 2;

/// The controller's end.
#[derive(Debug)]
pub struct Tap {
    to: Sender<Item>,
    capacity: usize,
    anchors: Arc<ArrayQueue<Anchor>>,
}

#[derive(Debug)]
enum Item {
    Decision(Record),
    Incident(Incident),
}

/// The writer's end: makes envelopes of what came in.
#[derive(Debug)]
pub struct Recorder {
    from: Receiver<Item>,
    anchors: Arc<ArrayQueue<Anchor>>,
    ledger: Ledger,
    fold: Fold<Alike, RobotTime, u64>,
    last: Option<Record>,
    /// A stop was recorded since the fleet was told last.
    stopped: bool,
    anchored: Option<RobotTime>,
    /// What was durable last, or when the boot began.
    durable: Anchor,
}

/// Decisions are alike when they may be folded.
#[derive(Clone, Copy, Debug)]
struct Alike(Record);

impl PartialEq for Alike {
    fn eq(&self, other: &Self) -> bool {
        self.0.fold_key() == other.0.fold_key()
    }
}

/// Both ends of a ring of `capacity` decisions (at least two), for one boot. `ledger` is the robot's, at the beginning of the
/// boot's file.
pub fn recorder(ledger: Ledger, capacity: usize) -> (Tap, Recorder) {
    let capacity = capacity.max(CAPACITY_MIN);
    let (to, from) = bounded(capacity);
    let anchors = Arc::new(ArrayQueue::new(1));
    let limits = FoldLimits { count: u64::MAX, span: RUN_SPAN };
    let tap = Tap { to, capacity, anchors: Arc::clone(&anchors) };
    let before = ledger.checkpoint();
    let durable = Anchor { seq: before.seq, root: before.root.0, used: Ppm::ZERO };
    let recorder = Recorder {
        from,
        anchors,
        ledger,
        fold: Fold::new(limits),
        last: None,
        stopped: false,
        anchored: None,
        durable,
    };
    (tap, recorder)
}

impl<const SENSORS: usize, const ANGLES: usize> Sink<SENSORS, ANGLES> for Tap {
    fn accept(&mut self, record: &Record, _input: &Input<SENSORS, ANGLES>) -> Result<(), SinkFull> {
        // The last place is kept for an incident, which comes at once behind the decision that stopped the robot.
        if self.capacity <= self.to.len() + 1 {
            return Err(SinkFull);
        }
        self.to.try_send(Item::Decision(*record)).map_err(|_| SinkFull)
    }
}

impl Log for Tap {
    fn incident(&mut self, incident: &Incident) {
        // There is a place. If the recorder is gone, the decision before was refused.
        let _sent = self.to.try_send(Item::Incident(incident.clone()));
    }

    fn anchor(&mut self) -> Option<Anchor> {
        self.anchors.pop()
    }
}

impl Recorder {
    /// Empties the ring. Returns what is to be written, in order; equal decisions stay here until something else comes or
    /// [`RUN_SPAN`] has passed at `now`, on the robot's clock.
    pub fn drain(&mut self, now: RobotTime) -> Vec<Envelope> {
        let mut made = Vec::new();
        // What is there now, so that a fast robot cannot keep a slow writer here.
        for _ in 0..self.from.len() {
            let Ok(item) = self.from.try_recv() else { break };
            match item {
                Item::Decision(record) => self.decision(&record, &mut made),
                Item::Incident(incident) => {
                    self.end_run(&mut made);
                    let at = incident.stop().map_or(now, |stop| stop.at);
                    self.append(at, &RobotRecord::Incident(Box::new(incident)), &mut made);
                }
            }
        }
        if let Some(run) = self.fold.flush_due(now) {
            self.append_run(run, &mut made);
        }
        made
    }

    /// The run that is still open, as before the robot is switched off.
    pub fn flush(&mut self) -> Vec<Envelope> {
        let mut made = Vec::new();
        self.end_run(&mut made);
        made
    }

    /// Whether the fleet should be told where the chain stands: after each stop, and every [`ANCHOR_EVERY`].
    pub fn anchor_due(&self, now: RobotTime) -> bool {
        let waited = |at: RobotTime| now.since(at).is_none_or(|age| ANCHOR_EVERY <= age);
        self.stopped || self.anchored.is_none_or(waited)
    }

    /// Gives the tap an anchor for the fleet, in place of one that is still on its way; `used` is how much of the storage is.
    /// Call it when all envelopes so far are durable: an anchor of records that are lost afterwards looks like tampering.
    pub fn anchor(&mut self, now: RobotTime, used: Ppm) -> Anchor {
        let checkpoint = self.ledger.checkpoint();
        let anchor = Anchor { seq: checkpoint.seq, root: checkpoint.root.0, used };
        self.durable = anchor;
        self.anchors.force_push(anchor);
        self.stopped = false;
        self.anchored = Some(now);
        anchor
    }

    /// Tells the fleet that the disk refuses, with the anchor of what was durable last.
    pub fn refused(&mut self) {
        self.anchors.force_push(Anchor { used: Ppm::ONE, ..self.durable });
    }

    /// The chain of what was drained.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What comes next is in a file of its own with this header.
    pub fn begin_segment(&mut self, header: &[u8]) {
        self.ledger.begin_segment(header);
    }

    fn decision(&mut self, record: &Record, made: &mut Vec<Envelope>) {
        let last = self.last.replace(*record);
        let expected = last.map_or(0, |last| last.seq.saturating_add(1));
        if let Some(count) = record.seq.checked_sub(expected).filter(|count| 0 < *count) {
            self.end_run(made);
            self.append(record.at, &RobotRecord::Refused { first: expected, count }, made);
        }
        if let Some(event) = event(last.as_ref(), record) {
            self.end_run(made);
            self.stopped |= matches!(event, RobotRecord::Stopped(_));
            self.append(record.at, &event, made);
        } else if let Some(run) = self.fold.push(record.at, Alike(*record), record.inputs) {
            self.append_run(run, made);
        }
    }

    fn end_run(&mut self, made: &mut Vec<Envelope>) {
        if let Some(run) = self.fold.flush() {
            self.append_run(run, made);
        }
    }

    fn append_run(&mut self, run: Run<Alike, RobotTime, u64>, made: &mut Vec<Envelope>) {
        let Run { key: Alike(first), count, last, last_inputs, .. } = run;
        let run = RobotRecord::Run { first: Box::new(first), count, last, last_inputs };
        self.append(last, &run, made);
    }

    fn append(&mut self, at: RobotTime, record: &RobotRecord, made: &mut Vec<Envelope>) {
        let time = FleetTime::from_micros(at.as_micros());
        made.push(self.ledger.append(time, record.kind(), record.rule(), record.encode()));
    }
}

/// A decision that is a record of its own.
fn event(last: Option<&Record>, record: &Record) -> Option<RobotRecord> {
    let Record { before, after, .. } = *record;
    let moved = last.is_some_and(|last| last.decision.verdict == Verdict::Move);
    let stops = matches!(record.decision.verdict, Verdict::Stop { .. });
    let disarmed = is_armed(before) && !is_armed(after);
    let ordered = record.reset.is_some() && last.is_none_or(|last| last.reset != record.reset);
    let took_effect = before.needs_person() && before != after && !matches!(after, State::Latched { .. });
    let boxed = Box::new(*record);
    if disarmed || (stops && moved) {
        Some(RobotRecord::Stopped(boxed))
    } else if ordered || took_effect {
        Some(RobotRecord::Reset(boxed))
    } else if before != after {
        Some(RobotRecord::Changed(boxed))
    } else {
        None
    }
}

const fn is_armed(state: State) -> bool {
    matches!(state, State::Slow | State::Ready)
}
