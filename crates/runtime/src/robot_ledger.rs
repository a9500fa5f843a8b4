//! Reading a robot's own ledger: its story, its incidents run again, and what the fleet knows of it.

use std::fmt::Write as _;

use sheepdog_core::{
    AgentId, Evidence, FleetTime, Relation, RuleId,
    wire::{Anchor, ToFleet},
};
use sheepdog_driver::{Incident, ReplayError};
use sheepdog_fleet::{Entry, Input, OtherVersion, Record as FleetRecord};
use sheepdog_interlock::{CATALOGUE, Record, State, Verdict};
use sheepdog_ledger::{Leaves, LedgerError, Reader};

use crate::robot::{RobotHeader, RobotRecord, RobotRecordError};

/// A robot's ledger that was read, file by file.
#[derive(Clone, Debug)]
pub struct RobotLedger {
    /// Its boots, oldest first.
    pub boots: Vec<Boot>,
}

/// One boot of a robot.
#[derive(Clone, Debug)]
pub struct Boot {
    /// What wrote it.
    pub header: RobotHeader,
    /// Its records, of all its files.
    pub entries: Vec<RobotEntry>,
    /// Its beginning was removed: what comes first says nothing about what came before.
    pub cut: bool,
}

/// A record with its number and time.
#[derive(Clone, Debug)]
pub struct RobotEntry {
    /// Its number in the ledger.
    pub seq: u64,
    /// When, on the robot's clock, as microseconds of the envelope.
    pub time: FleetTime,
    /// What; or why it cannot be read, as after an export that left it out.
    pub record: Result<RobotRecord, RobotRecordError>,
}

/// What came out when the incidents of a ledger were run again.
#[derive(Clone, Debug, Default)]
pub struct RobotReplay {
    /// What wrote the ledger, if a part of it was not written by what runs here: then nothing below says anything about
    /// the ledger.
    pub other_version: Option<OtherVersion>,
    /// Each incident.
    pub incidents: Vec<IncidentReplay>,
    /// Records that contradict the header, the ones before, or themselves.
    pub findings: Vec<(u64, String)>,
    /// Decisions that the records stand for.
    pub decisions: u64,
}

/// One incident, run again.
#[derive(Clone, Debug)]
pub struct IncidentReplay {
    /// Number of its record.
    pub seq: u64,
    /// The rule that stopped the robot.
    pub rule: Option<RuleId>,
    /// How many decisions came out as recorded, or which did not.
    pub outcome: Result<usize, ReplayError>,
}

/// What a fleet's ledger says about a robot's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anchored {
    /// Anchors through which the robot's ledger passes.
    pub held: u64,
    /// Records of the robot's ledger that the last of them covers.
    pub covered: u64,
    /// Anchors in a part of the robot's ledger that was removed: nothing can be said of them.
    pub removed: u64,
    /// Anchors through which it does not pass, with the number of the fleet's record.
    pub broken: Vec<(u64, Anchor)>,
}

impl RobotReplay {
    /// Whether everything came out the same and nothing is contradictory; `None` when another version wrote it.
    pub fn is_faithful(&self) -> Option<bool> {
        let sound =
            self.findings.is_empty() && self.incidents.iter().all(|incident| incident.outcome.is_ok());
        self.other_version.is_none().then_some(sound)
    }
}

impl Anchored {
    /// Compares a robot's ledger with the anchors that a fleet's has of it.
    pub fn check(robot: AgentId, fleet: &[Entry], leaves: &Leaves) -> Self {
        let mut found = Self::default();
        for entry in fleet {
            let FleetRecord::Input(Input::FromAgent { agent, message: ToFleet::Anchor(anchor) }) =
                entry.record
            else {
                continue;
            };
            if agent != robot {
                continue;
            }
            if leaves.root(anchor.seq).is_some_and(|root| root.0 == anchor.root) {
                found.held += 1;
                found.covered = found.covered.max(anchor.seq);
            } else if anchor.seq < leaves.count() && leaves.digest(anchor.seq).is_none() {
                found.removed += 1;
            } else {
                found.broken.push((entry.seq, anchor));
            }
        }
        found
    }
}

impl RobotLedger {
    /// Whether a file is of a robot's ledger.
    pub fn is_one(file: &[u8]) -> bool {
        Reader::new(file).is_ok_and(|reader| RobotHeader::decode(reader.header()).is_some())
    }

    /// Reads files that were verified, oldest first.
    ///
    /// # Errors
    /// [`LedgerError`] if a file is damaged, [`LedgerError::NotALedger`] if it is no robot's.
    pub fn read<'a>(files: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, LedgerError> {
        let mut boots: Vec<Boot> = Vec::new();
        for file in files {
            let reader = Reader::new(file)?;
            let header = RobotHeader::decode(reader.header()).ok_or(LedgerError::NotALedger)?;
            let base = reader.base().seq();
            let mut entries = Vec::new();
            for envelope in reader {
                let envelope = envelope?;
                let record = RobotRecord::decode(&envelope);
                entries.push(RobotEntry { seq: envelope.seq, time: envelope.time, record });
            }
            match boots.last_mut().filter(|boot| boot.header == header) {
                Some(boot) => boot.entries.append(&mut entries),
                None => boots.push(Boot { header, entries, cut: boots.is_empty() && 0 < base }),
            }
        }
        Ok(Self { boots })
    }

    /// Runs every incident through the kernel again, and looks for records that contradict each other.
    pub fn replay(&self) -> RobotReplay {
        let mut replay = RobotReplay::default();
        for boot in &self.boots {
            replay.other_version = replay.other_version.take().or_else(|| boot.header.other_version());
            boot.replay(&mut replay);
        }
        replay
    }

    /// The story: what stopped the robot, on what values, what it did then, and who let it go on.
    pub fn explain(&self) -> String {
        let mut story = String::new();
        for boot in &self.boots {
            boot.explain(&mut story);
        }
        story
    }
}

impl Boot {
    fn replay(&self, replay: &mut RobotReplay) {
        let mut next = if self.cut { None } else { Some(0) };
        let mut before: Option<&Record> = None;
        for RobotEntry { seq, record, .. } in &self.entries {
            let mut find = |what: String| replay.findings.push((*seq, what));
            match record {
                Err(error) => find(error.to_string()),
                Ok(RobotRecord::Refused { first, count }) => {
                    if let Some(next) = next.filter(|next| next != first) {
                        find(format!("decisions {next} to {first} are missing"));
                    }
                    next = Some(first.saturating_add(*count));
                    before = None;
                }
                Ok(RobotRecord::Incident(incident)) => {
                    let config = incident.config();
                    if config.is_some_and(|config| config != self.header.config) {
                        find("its settings are not those of the header".to_owned());
                    }
                    if next.is_some() && !is_of(incident, before) {
                        find("its last step is not the stop before it".to_owned());
                    }
                    let rule = incident.stop().map(|stop| stop.decision.evidence.rule);
                    replay.incidents.push(IncidentReplay { seq: *seq, rule, outcome: incident.replay() });
                }
                Ok(
                    record @ (RobotRecord::Run { .. }
                    | RobotRecord::Changed(_)
                    | RobotRecord::Stopped(_)
                    | RobotRecord::Reset(_)),
                ) => {
                    let (Some(decision), count) = (record.decision(), count(record)) else { continue };
                    self.check(decision, before, next.unwrap_or(decision.seq), &mut find);
                    next = Some(decision.seq.saturating_add(count));
                    before = Some(decision);
                    replay.decisions += count;
                }
            }
        }
    }

    fn check(&self, record: &Record, before: Option<&Record>, next: u64, find: &mut impl FnMut(String)) {
        if record.boot != self.header.boot {
            find(format!("it is of boot {}", record.boot.0));
        }
        if record.seq != next {
            find(format!("decision {} follows, {next} was due", record.seq));
        }
        if before.is_some_and(|before| before.after != record.before) {
            find("it begins in another state than the one before ended in".to_owned());
        }
        if !record.decision.evidence.holds() {
            find(format!("its evidence does not hold: {:?}", record.decision.evidence));
        }
        let moves = record.decision.verdict == Verdict::Move;
        if moves != record.until.is_some() {
            find("a permit without a decision to move, or the other way round".to_owned());
        }
    }

    fn explain(&self, story: &mut String) {
        let RobotHeader { software, rules, config, boot, robot, site } = &self.header;
        let start = self.entries.first().map_or(FleetTime::ZERO, |entry| entry.time);
        let mut lines = format!(
            "robot {robot}, boot {}, {software}\n  rules {rules}\n  settings {config}\n  site {site}\n",
            boot.0
        );
        let mut decisions = Vec::<(RuleId, u64)>::new();
        for entry in &self.entries {
            if let Ok(record) = &entry.record
                && let Some(decision) = record.decision()
            {
                let rule = decision.decision.evidence.rule;
                match decisions.iter_mut().find(|(known, _)| *known == rule) {
                    Some((_, sum)) => *sum += count(record),
                    None => decisions.push((rule, count(record))),
                }
            }
            let Some(what) = tell(&entry.record) else { continue };
            let at = entry.time.since(start).unwrap_or_default().as_secs_f64();
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{at:>10.2} s  #{:<6} {what}", entry.seq);
        }
        decisions.sort_by_key(|(rule, count)| (std::cmp::Reverse(*count), *rule));
        let _ = writeln!(lines, "  decisions by what decided them:");
        for (rule, count) in decisions {
            let _ = writeln!(lines, "{count:>12}  {rule}  {}", text(rule));
        }
        story.push_str(&lines);
    }
}

/// How many decisions a record stands for.
const fn count(record: &RobotRecord) -> u64 {
    match record {
        RobotRecord::Run { count, .. } | RobotRecord::Refused { count, .. } => *count,
        RobotRecord::Changed(_) | RobotRecord::Stopped(_) | RobotRecord::Reset(_) => 1,
        RobotRecord::Incident(_) => 0,
    }
}

/// Whether an incident ends with a decision that is on record, or with one whose record was refused.
fn is_of(incident: &Incident, stop: Option<&Record>) -> bool {
    let Some(last) = incident.steps().last() else { return false };
    last.is_refused() || stop.is_some_and(|stop| *stop == last.record)
}

fn tell(record: &Result<RobotRecord, RobotRecordError>) -> Option<String> {
    Some(match record {
        Err(error) => error.to_string(),
        Ok(RobotRecord::Run { .. }) => return None,
        Ok(RobotRecord::Changed(record)) => {
            format!("{}, was {}: {}", standing(record.after), standing(record.before), why(record))
        }
        Ok(RobotRecord::Stopped(record)) => {
            let how = match record.decision.verdict {
                Verdict::Stop { category, .. } => format!("STOP (category {category:?})"),
                Verdict::Move | Verdict::Idle => "disarmed".to_owned(),
            };
            format!("{how}, {}: {}", standing(record.after), why(record))
        }
        Ok(RobotRecord::Reset(record)) => {
            let by = match record.reset {
                Some(reset) => {
                    format!("{:?} of stop {} by {}", reset.step, reset.generation.0, reset.actor)
                }
                None => "the button on the robot".to_owned(),
            };
            format!("RESET: {by}: {}, was {}", standing(record.after), standing(record.before))
        }
        Ok(RobotRecord::Incident(incident)) => {
            format!("black box of that stop: {} steps", incident.steps().count())
        }
        Ok(RobotRecord::Refused { first, count }) => format!(
            "{count} decisions from {first} on are not on record: nobody emptied the ring, and the robot latched"
        ),
    })
}

fn standing(state: State) -> String {
    match state {
        State::Boot => "booting".to_owned(),
        State::Stopped { rule } => format!("stopped by {rule}"),
        State::Slow => "slow".to_owned(),
        State::Ready => "ready".to_owned(),
        State::Stopping { rule } => format!("stopping for {rule}"),
        State::Latched { evidence, .. } => format!("latched by {}", evidence.rule),
        State::Acknowledged { rule } => format!("acknowledged after {rule}"),
    }
}

fn why(record: &Record) -> String {
    let Evidence { rule, measured, relation, limit } = record.decision.evidence;
    let compares = match relation {
        Relation::Below => "below",
        Relation::AtMost => "at most",
        Relation::Above => "above",
        Relation::Equal => "equal to",
    };
    format!("{rule}: {measured} is {compares} {limit} ({})", text(rule))
}

fn text(rule: RuleId) -> &'static str {
    CATALOGUE
        .iter()
        .find(|known| known.id == rule)
        .map_or("a rule that is not in this catalogue", |rule| rule.text)
}
