//! A robot's own ledger on its disk: one segment for each boot.

use sheepdog_core::{AgentId, RobotTime};
use sheepdog_ledger::{Chain, Envelope, Ledger, Reader, SaltKey, Verifier, Writer};

use crate::{
    StoreError,
    medium::Medium,
    recorder::{Recorder, Tap, recorder},
    robot::RobotHeader,
    store::{Begun, Target, damaged, failed, read, segments},
};

/// Writes a robot's ledger into a folder of its own.
///
/// Records are *accepted* when [`drain`](Self::drain) returns, and *durable* after each stop and before each anchor. When the
/// disk refuses, the store drains no more: the ring fills and the robot latches (LOG-001).
#[derive(Debug)]
pub struct RobotStore {
    recorder: Recorder,
    writer: Writer<Target>,
    broken: bool,
}

impl RobotStore {
    /// Begins the file of a boot behind those of earlier boots, which are verified, and the ring before it. What a crash had
    /// left unfinished at their end is cut off.
    ///
    /// # Errors
    /// [`StoreError`] if an earlier file is damaged, another robot's, or of the same boot, or the new one cannot be written.
    pub fn open(
        mut medium: Box<dyn Medium>,
        header: &RobotHeader,
        salts: SaltKey,
        capacity: usize,
    ) -> Result<(Tap, Self), StoreError> {
        let before = earlier(medium.as_mut(), header)?;
        let Begun { segment, chain } = Begun::with(medium.as_mut(), &header.encode(), before.as_ref())?;
        let mut writer = Writer::resume(Target { medium, name: segment.name }, &chain, segment.bytes);
        writer.synced();
        let (tap, recorder) = recorder(Ledger::resume(chain, salts), capacity);
        Ok((tap, Self { recorder, writer, broken: false }))
    }

    /// Writes what came in since the last call, `now` being the robot's clock. Returns how many records it wrote. Call it often
    /// enough that the ring does not fill; ten times a second is plenty.
    ///
    /// # Errors
    /// [`StoreError`] if the disk refuses; from then on it always does.
    pub fn drain(&mut self, now: RobotTime) -> Result<usize, StoreError> {
        if self.broken {
            return Err(StoreError::Broken(self.writer.get_mut().path()));
        }
        let envelopes = self.recorder.drain(now);
        self.write(&envelopes)?;
        if self.recorder.anchor_due(now) {
            self.sync()?;
            self.recorder.anchor(now);
        }
        Ok(envelopes.len())
    }

    /// Writes everything, the open run too, and makes it durable, as before the robot is switched off. The tap refuses
    /// from now on.
    ///
    /// # Errors
    /// As [`drain`](Self::drain).
    pub fn close(mut self, now: RobotTime) -> Result<(), StoreError> {
        self.drain(now)?;
        let rest = self.recorder.flush();
        self.write(&rest)?;
        self.sync()
    }

    /// The chain of what was drained.
    pub const fn ledger(&self) -> &Ledger {
        self.recorder.ledger()
    }

    fn write(&mut self, envelopes: &[Envelope]) -> Result<(), StoreError> {
        if envelopes.is_empty() {
            return Ok(());
        }
        self.writer.write_all(envelopes).map_err(|error| {
            self.broken = true;
            damaged(&self.writer.get_mut().path(), error)
        })
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        let Target { medium, name } = self.writer.get_mut();
        if let Err(error) = medium.sync(name) {
            self.broken = true;
            return Err(failed(&medium.path(name), error));
        }
        self.writer.synced();
        Ok(())
    }
}

/// The chain of earlier boots.
fn earlier(medium: &mut dyn Medium, header: &RobotHeader) -> Result<Option<Chain>, StoreError> {
    let segments = segments(medium)?;
    let Some((last, before)) = segments.split_last() else { return Ok(None) };
    let mut verifier = Verifier::new();
    for segment in before {
        let bytes = read(medium, &segment.name)?;
        let path = medium.path(&segment.name);
        check(&bytes, header, &path)?;
        verifier.file(&bytes).map_err(|error| damaged(&path, error))?;
    }
    let bytes = read(medium, &last.name)?;
    let path = medium.path(&last.name);
    check(&bytes, header, &path)?;
    let verified = verifier.last_file_after_crash(&bytes).map_err(|error| damaged(&path, error))?;
    let settled = match verified.torn_tail {
        Some(whole) => medium.truncate(&last.name, whole),
        None => Ok(()),
    };
    settled.and_then(|()| medium.sync(&last.name)).map_err(|error| failed(&path, error))?;
    Ok(Some(verified.chain))
}

/// That a file is of the same robot and of another boot.
fn check(bytes: &[u8], header: &RobotHeader, path: &std::path::Path) -> Result<(), StoreError> {
    let reader = Reader::new(bytes).map_err(|error| damaged(path, error))?;
    let robot: AgentId = header.robot;
    match RobotHeader::decode(reader.header()) {
        Some(found) if found.robot == robot => {
            let is_empty = reader.take(1).next().is_none();
            if found.boot == header.boot && !is_empty {
                return Err(StoreError::BootUsed { path: path.to_owned(), boot: header.boot.0 });
            }
            Ok(())
        }
        Some(_) | None => Err(StoreError::OtherRobot { path: path.to_owned(), robot }),
    }
}
