//! What stands in a robot's own ledger.

use sheepdog_core::{AgentId, RobotTime, RuleId, SiteVersion};
use sheepdog_driver::{
    Incident,
    packed::{Column, put_word, take_word},
};
use sheepdog_fleet::{OtherVersion, Version, catalogues_digest};
use sheepdog_interlock::{BootNonce, CATALOGUE, ConfigDigest, Record, rules};
use sheepdog_ledger::{Digest, Envelope, Kind};

/// First bytes of the header, by which a robot's ledger differs from a fleet's.
const MAGIC: [u8; 8] = *b"SHEEPBOT";
/// Version of the header and of the bodies.
const FORM: u16 = 1;

/// What wrote a file of a robot's ledger: one file for each boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobotHeader {
    /// Name and version of the software.
    pub software: String,
    /// Digest of the rules that decided.
    pub rules: Digest,
    /// Digest of the interlock's settings.
    pub config: ConfigDigest,
    /// The boot.
    pub boot: BootNonce,
    /// The robot's id in the fleet.
    pub robot: AgentId,
    /// The site that the robot had loaded.
    pub site: SiteVersion,
}

/// [`catalogues_digest`] of the interlock's [`CATALOGUE`].
pub fn robot_rules_digest() -> Digest {
    catalogues_digest(&[CATALOGUE])
}

impl RobotHeader {
    /// The header that this software writes.
    pub fn new(robot: AgentId, boot: BootNonce, config: ConfigDigest, site: SiteVersion) -> Self {
        Self { software: Version::this().software, rules: robot_rules_digest(), config, boot, robot, site }
    }

    /// What wrote the file, if that is not what runs here.
    pub fn other_version(&self) -> Option<OtherVersion> {
        let written_by = Version { software: self.software.clone(), rules: Some(self.rules) };
        let this = Version { rules: Some(robot_rules_digest()), ..Version::this() };
        (written_by != this).then_some(OtherVersion { written_by, this })
    }

    /// The bytes: `SHEEPBOT`, form (u16), rules, settings, boot (u64), robot (u32), site, and the software's name as the
    /// rest. Little-endian.
    pub fn encode(&self) -> Vec<u8> {
        let Self { software, rules, config, boot, robot, site } = self;
        [
            &MAGIC[..],
            &FORM.to_le_bytes(),
            &rules.0,
            &config.0,
            &boot.0.to_le_bytes(),
            &robot.0.to_le_bytes(),
            &site.0,
            software.as_bytes(),
        ]
        .concat()
    }

    /// Reads a header; `None` if it is no robot's, or of another form.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&MAGIC)?.strip_prefix(&FORM.to_le_bytes())?;
        let (rules, rest) = rest.split_first_chunk()?;
        let (config, rest) = rest.split_first_chunk()?;
        let (boot, rest) = rest.split_first_chunk()?;
        let (robot, rest) = rest.split_first_chunk()?;
        let (site, software) = rest.split_first_chunk()?;
        Some(Self {
            software: std::str::from_utf8(software).ok()?.to_owned(),
            rules: Digest(*rules),
            config: ConfigDigest(*config),
            boot: BootNonce(u64::from_le_bytes(*boot)),
            robot: AgentId(u32::from_le_bytes(*robot)),
            site: SiteVersion(*site),
        })
    }
}

/// The body of one envelope of a robot's ledger. The envelope's time is the robot's clock.
///
/// | kind | record | body |
/// |---|---|---|
/// | 64 | [`Run`](Self::Run) | the first decision, then count, last instant, digest of the last input |
/// | 65 | [`Changed`](Self::Changed) | the decision |
/// | 66 | [`Stopped`](Self::Stopped) | the decision |
/// | 67 | [`Reset`](Self::Reset) | the decision |
/// | 68 | [`Incident`](Self::Incident) | [`Incident::encode`] |
/// | 69 | [`Refused`](Self::Refused) | number of the first, count |
///
/// A decision is the list of its canonical words ([`Record::write`]) in the form of [`sheepdog_driver::packed`]; numbers are
/// LEB128.
#[derive(Clone, Debug)]
pub enum RobotRecord {
    /// Decisions in a row that agree in everything but numbers, instants, inputs and measured values.
    Run {
        /// The first of them, whole.
        first: Box<Record>,
        /// How many there were; their numbers have no gap.
        count: u64,
        /// When the last one was made.
        last: RobotTime,
        /// [`Input::digest`](sheepdog_interlock::Input::digest) of what the last one was decided on.
        last_inputs: u64,
    },
    /// A decision that changed the interlock's state.
    Changed(Box<Record>),
    /// A decision that ended motion: one to stop after one to move, or one that disarmed the interlock.
    Stopped(Box<Record>),
    /// A decision with a step of a reset, or one by which a person's reset took effect.
    Reset(Box<Record>),
    /// The half minute before a stop.
    Incident(Box<Incident>),
    /// Decisions that were not recorded, because nobody emptied the ring: the robot latched (LOG-001).
    Refused {
        /// Number of the first.
        first: u64,
        /// How many.
        count: u64,
    },
}

/// A body that is no record of this version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} of the robot's ledger cannot be read (kind {})", kind.0)]
pub struct RobotRecordError {
    /// Number of the envelope.
    pub seq: u64,
    /// Its kind.
    pub kind: Kind,
}

impl RobotRecord {
    /// The kind under which the envelope is filed.
    pub const fn kind(&self) -> Kind {
        Kind(match self {
            Self::Run { .. } => 64,
            Self::Changed(_) => 65,
            Self::Stopped(_) => 66,
            Self::Reset(_) => 67,
            Self::Incident(_) => 68,
            Self::Refused { .. } => 69,
        })
    }

    /// The decision that it tells of, or begins with.
    pub fn decision(&self) -> Option<&Record> {
        match self {
            Self::Run { first: record, .. }
            | Self::Changed(record)
            | Self::Stopped(record)
            | Self::Reset(record) => Some(record),
            Self::Incident(_) | Self::Refused { .. } => None,
        }
    }

    /// The rule that it cites.
    pub fn rule(&self) -> Option<RuleId> {
        match self {
            Self::Incident(incident) => incident.stop().map(|stop| stop.decision.primary),
            Self::Refused { .. } => Some(rules::LOG_001),
            Self::Run { .. } | Self::Changed(_) | Self::Stopped(_) | Self::Reset(_) => {
                self.decision().map(|record| record.decision.primary)
            }
        }
    }

    /// The body.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(record) = self.decision() {
            let mut words = Vec::new();
            record.write(&mut |word| words.push(word));
            Column::default().put(words, &mut bytes);
        }
        match self {
            Self::Run { count, last, last_inputs, .. } => {
                put_words(&mut bytes, [*count, last.as_micros(), *last_inputs]);
            }
            Self::Incident(incident) => bytes = incident.encode(),
            Self::Refused { first, count } => {
                put_words(&mut bytes, [*first, *count]);
            }
            Self::Changed(_) | Self::Stopped(_) | Self::Reset(_) => {}
        }
        bytes
    }

    /// Reads the body of an envelope.
    ///
    /// # Errors
    /// [`RobotRecordError`] if it is no record of this version, or was left out.
    pub fn decode(envelope: &Envelope) -> Result<Self, RobotRecordError> {
        let read = envelope.bytes().and_then(|bytes| Self::parse(envelope.kind, bytes));
        read.ok_or(RobotRecordError { seq: envelope.seq, kind: envelope.kind })
    }

    fn parse(kind: Kind, bytes: &[u8]) -> Option<Self> {
        if kind.0 == 68 {
            return Some(Self::Incident(Box::new(Incident::decode(bytes)?)));
        }
        let mut from = bytes.iter().copied();
        let read = match kind.0 {
            64 => Self::Run {
                first: decision(&mut from)?,
                count: take_word(&mut from)?,
                last: RobotTime::from_micros(take_word(&mut from)?),
                last_inputs: take_word(&mut from)?,
            },
            65 => Self::Changed(decision(&mut from)?),
            66 => Self::Stopped(decision(&mut from)?),
            67 => Self::Reset(decision(&mut from)?),
            69 => Self::Refused { first: take_word(&mut from)?, count: take_word(&mut from)? },
            _ => return None,
        };
        from.next().is_none().then_some(read)
    }
}

fn put_words<const N: usize>(bytes: &mut Vec<u8>, words: [u64; N]) {
    for word in words {
        put_word(bytes, word);
    }
}

fn decision(from: &mut impl Iterator<Item = u8>) -> Option<Box<Record>> {
    let mut column = Column::default();
    Record::read(&mut column.take(from)?.iter().copied()).map(Box::new)
}
