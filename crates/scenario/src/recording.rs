//! A whole run in one file: what it began with, what came from outside, and where everybody was.
//!
//! A run is a function of its beginning and of what comes from outside, so those two are enough to see it again to the last
//! bit. A recording keeps beside them the positions of every tick, to look at any instant at once, and a digest of
//! everything for every block of ticks, so that a replay says where it went another way.

use std::{collections::BTreeSet, fmt::Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sheepdog_core::{FleetTime, Micros, Ppm, Workers};
use sheepdog_fleet::{Header, HeaderError, Input, Names, Record};
use sheepdog_ledger::Digest;
use sheepdog_map::Site;
use sheepdog_sim::{Fault, Plant, TICK_MAX, Truth};

use crate::{
    file::{Scenario, ScenarioError},
    footage::{Footage, Motion, Pose},
    setup::{DeliveryLoad, Setup, SetupError},
    summary::Summary,
    world::{World, WorldError},
};

/// The first bytes of a file.
const MAGIC: &[u8; 8] = b"sheeprun";
/// Version of the form.
const SCHEMA: u32 = 1;
/// Ticks of a block: what has to be read to see one instant.
const BLOCK_TICKS: u32 = 200;
/// Bytes of the digest at the end of a file.
const DIGEST_BYTES: usize = 32;

/// What a run begins with, complete: nothing has to be at hand beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Origin {
    /// A scenario file.
    Scenario {
        /// Its text.
        scenario: String,
        /// The text of its site, in our own format.
        site: String,
        /// How many robots take part, if not as the scenario says.
        robots: Option<u32>,
        /// Another seed than the scenario's.
        seed: Option<u64>,
    },
    /// Random deliveries, see [`Setup::random_deliveries`].
    Deliveries {
        /// The site and how it is compiled.
        header: Box<Header>,
        /// Number of robots.
        robots: u32,
        /// Number of tasks.
        tasks: u32,
        /// What is carried: grams, and microseconds at either end.
        load: (u32, Micros, Micros),
        /// Seed of everything random.
        seed: u64,
    },
}

/// What is left out of a run, to see whether it goes wrong without.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cuts {
    /// Lines of the script, by their place in [`Setup::script`].
    pub events: BTreeSet<u32>,
    /// Walkers, by their place.
    pub walkers: BTreeSet<u32>,
    /// Crowds, by their place.
    pub crowds: BTreeSet<u32>,
    /// The run ends here at the latest.
    pub until: Option<Micros>,
}

/// What came from outside of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outside {
    /// The host gave the fleet something, see [`World::input`].
    Input(Box<Input>),
    /// Something broke, see [`World::inject`].
    Fault(Fault),
    /// The coordinator crashed and came back, see [`World::crash_and_recover`].
    CrashAndRecovery,
}

/// What should hold of a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hope {
    /// No two footprints overlapped.
    NoOverlap,
    /// Every task was done, by robots or people.
    EveryTaskDone,
    /// Every stop, award and wait is explained by its rule.
    EveryStopExplained,
    /// The ledger verifies, and its replay decides the same.
    LedgerHolds,
}

impl Hope {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::NoOverlap, Self::EveryTaskDone, Self::EveryStopExplained, Self::LedgerHolds];

    /// Whether it came true.
    pub const fn holds(self, summary: &Summary) -> bool {
        match self {
            Self::NoOverlap => summary.overlaps == 0,
            Self::EveryTaskDone => summary.tasks_done == summary.tasks_requested,
            Self::EveryStopExplained => summary.unexplained_stops == 0,
            Self::LedgerHolds => summary.ledger_ok,
        }
    }
}

/// A run on file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// Name and version of the software, and the digest of its rules.
    software: String,
    origin: Origin,
    cuts: Cuts,
    tick: Micros,
    /// Each before the tick of this number.
    outside: Vec<(u64, Outside)>,
    blocks: Vec<Block>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Block {
    footage: Footage,
    /// Of everything at every tick up to its end: exact positions, doors, lifts and the head of the ledger.
    digest: Digest,
}

/// Why a recording cannot be made, read or played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The bytes are something else.
    #[error("this is no recording: it does not begin with `sheeprun`")]
    NotARecording,
    /// It was written in another form.
    #[error("the recording has form {found}, this software reads form {SCHEMA}")]
    Schema {
        /// The form.
        found: u32,
    },
    /// It was cut off or changed.
    #[error("the recording is damaged: {0}")]
    Damaged(&'static str),
    /// The site does not read.
    #[error("the site of the recording: {0}")]
    Site(String),
    /// The scenario does not make a run.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The deliveries do not make a run.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The header cannot be written or read.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The run broke off.
    #[error(transparent)]
    World(#[from] WorldError),
    /// There is nothing to shrink.
    #[error("nothing goes wrong in this run: {0:?} holds")]
    Holds(Hope),
}

impl Origin {
    /// A scenario with its site.
    ///
    /// # Errors
    /// [`RecordingError::Site`] if the site has no TOML form.
    pub fn scenario(scenario: &str, site: &Site) -> Result<Self, RecordingError> {
        let site = site.to_toml().map_err(|error| RecordingError::Site(error.to_string()))?;
        Ok(Self::Scenario { scenario: scenario.to_owned(), site, robots: None, seed: None })
    }

    /// The run before it starts, whole.
    ///
    /// # Errors
    /// [`RecordingError`] if site or scenario do not read.
    pub fn setup(&self) -> Result<Setup, RecordingError> {
        let read =
            |text: &str| Site::from_toml(text).map_err(|error| RecordingError::Site(error.to_string()));
        match self {
            Self::Scenario { scenario, site, robots, seed } => {
                let robots = robots.map(|robots| robots as usize);
                Ok(Scenario::from_toml(scenario)?.setup(&read(site)?, robots, *seed)?)
            }
            Self::Deliveries { header, robots, tasks, load: (payload_g, load, unload), seed } => {
                let (payload_g, load, unload) = (*payload_g, *load, *unload);
                let load = DeliveryLoad { payload_g, load, unload };
                let (robots, tasks) = (*robots as usize, *tasks as usize);
                let site = read(&header.source)?;
                Ok(Setup::random_deliveries(&site, &header.options(), robots, tasks, load, *seed)?)
            }
        }
    }
}

impl Cuts {
    pub(crate) fn apply(&self, setup: &mut Setup) {
        cut(&mut setup.script, &self.events);
        cut(&mut setup.plant.walkers, &self.walkers);
        cut(&mut setup.plant.crowds, &self.crowds);
        setup.duration = self.until.map_or(setup.duration, |until| setup.duration.min(until));
    }
}

fn cut<T>(whole: &mut Vec<T>, out: &BTreeSet<u32>) {
    let mut number = 0..;
    whole.retain(|_| number.next().is_some_and(|number| !out.contains(&number)));
}

/// What records a run while it goes on.
#[derive(Debug)]
pub(crate) struct Camera {
    recording: Recording,
    footage: Footage,
    motion: Motion,
    digest: Sha256,
    ticks: u64,
}

impl Camera {
    pub(crate) fn new(origin: Origin, cuts: Cuts, tick: Micros) -> Self {
        let software = sheepdog_fleet::Version::this().to_string();
        Self {
            recording: Recording { software, origin, cuts, tick, outside: Vec::new(), blocks: Vec::new() },
            footage: Footage::default(),
            motion: Motion::default(),
            digest: Sha256::new(),
            ticks: 0,
        }
    }

    /// Takes in the end of a tick.
    pub(crate) fn add(&mut self, plant: &Plant, truth: &[Truth], ledger: Digest) {
        self.ticks += 1;
        self.digest.update((truth.len() as u64).to_le_bytes());
        for body in truth {
            add_to_digest(&mut self.digest, body);
        }
        for (_, state) in plant.doors() {
            self.digest.update([state as u8]);
        }
        for (_, level, state) in plant.lifts() {
            self.digest.update(level.0.to_le_bytes());
            self.digest.update([state as u8]);
        }
        self.digest.update(ledger.0);
        self.footage.add(&mut self.motion, truth.iter().map(Pose::of).collect());
        if self.footage.ticks() == BLOCK_TICKS {
            let footage = std::mem::take(&mut self.footage);
            self.recording.blocks.push(self.block(footage, ledger));
        }
    }

    /// Takes in what comes from outside before the next tick.
    pub(crate) fn note(&mut self, outside: Outside) {
        self.recording.outside.push((self.ticks, outside));
    }

    /// The recording up to now.
    pub(crate) fn recording(&self, ledger: Digest) -> Recording {
        let mut recording = self.recording.clone();
        if self.footage.ticks() != 0 {
            recording.blocks.push(self.block(self.footage.clone(), ledger));
        }
        recording
    }

    fn block(&self, footage: Footage, ledger: Digest) -> Block {
        let mut digest = self.digest.clone();
        digest.update(ledger.0);
        Block { footage, digest: Digest(digest.finalize().into()) }
    }
}

fn add_to_digest(digest: &mut Sha256, body: &Truth) {
    digest.update([body.kind as u8]);
    digest.update(body.agent.map_or(u32::MAX, |agent| agent.0).to_le_bytes());
    digest.update(body.level.0.to_le_bytes());
    for number in [body.x_m, body.y_m, body.yaw_rad, body.speed_mps] {
        digest.update(number.to_bits().to_le_bytes());
    }
    digest.update(body.battery.map_or(u32::MAX, Ppm::get).to_le_bytes());
}

/// What came of a recording that was played again.
#[derive(Debug)]
pub struct Repeated {
    /// The run.
    pub world: World,
    /// When it first went another way: the first tick that looks different, or the end of the block of ticks in which something
    /// differs that does not show. `None` when everything was the same to the last bit: bodies, doors, lifts and the ledger.
    pub differs_from: Option<FleetTime>,
    /// What wrote the recording, if that is not what runs here: then a difference proves nothing.
    pub other_version: Option<String>,
}

impl Recording {
    /// How long it lasts.
    pub fn duration(&self) -> Micros {
        let ticks: u64 = self.blocks.iter().map(|block| u64::from(block.footage.ticks())).sum();
        Micros::new(ticks.saturating_mul(self.tick.as_micros()))
    }

    /// Where everybody was at the end of the tick in which an instant lies. `None` before the first tick and after the last.
    ///
    /// Reads one block, however long the recording is.
    pub fn at(&self, time: FleetTime) -> Option<Vec<Pose>> {
        let number = time.as_micros().div_ceil(self.tick.as_micros().max(1)).checked_sub(1)?;
        let block = self.blocks.get(usize::try_from(number / u64::from(BLOCK_TICKS)).ok()?)?;
        let tick = usize::try_from(number % u64::from(BLOCK_TICKS)).ok()?;
        block.footage.poses().nth(tick)?
    }

    /// Plays it again from its beginning to its end.
    ///
    /// # Errors
    /// [`RecordingError`] if it cannot be played.
    pub fn replay(&self, workers: &dyn Workers) -> Result<Repeated, RecordingError> {
        let world = self.seek(FleetTime::from_micros(self.duration().as_micros()), workers)?;
        let again = world.recording().ok_or(RecordingError::Damaged("no recording was kept"))?;
        let pairs = self.blocks.iter().zip(&again.blocks);
        let same = |(one, other): (&Block, &Block)| one.digest == other.digest;
        let first = pairs.clone().position(|pair| !same(pair)).or_else(|| {
            (self.blocks.len() != again.blocks.len()).then(|| self.blocks.len().min(again.blocks.len()))
        });
        let differs_from = first.map(|block| self.time_of_difference(&again, block));
        let this = sheepdog_fleet::Version::this().to_string();
        let other_version = (self.software != this).then(|| self.software.clone());
        Ok(Repeated { world, differs_from, other_version })
    }

    /// The first tick of a block that looks different; its end when the difference is too small to see.
    fn time_of_difference(&self, again: &Self, block: usize) -> FleetTime {
        let footage = |recording: &Self| recording.blocks.get(block).map(|block| block.footage.clone());
        let (was, is) = (footage(self).unwrap_or_default(), footage(again).unwrap_or_default());
        let same = was.poses().zip(is.poses()).take_while(|(was, is)| was == is).count() as u64;
        let last = u64::from(was.ticks().max(is.ticks())).saturating_sub(1);
        let tick = block as u64 * u64::from(BLOCK_TICKS) + same.min(last) + 1;
        FleetTime::from_micros(tick * self.tick.as_micros())
    }

    /// The run as it was at an instant, from where it can be stepped on, with whatever else may come from outside; at the end of
    /// the recording for an instant after it.
    ///
    /// It is played again up to there, so this takes as long as that takes.
    ///
    /// # Errors
    /// [`RecordingError`] if it cannot be played.
    pub fn seek(&self, time: FleetTime, workers: &dyn Workers) -> Result<World, RecordingError> {
        let end = FleetTime::from_micros(self.duration().as_micros());
        self.play(workers, |world| time.min(end) <= world.now())
    }

    fn play(&self, workers: &dyn Workers, is_over: impl Fn(&World) -> bool) -> Result<World, RecordingError> {
        let mut world = World::recorded_with(self.origin.clone(), self.cuts.clone())?;
        if world.setup().plant.tick != self.tick {
            return Err(RecordingError::Damaged("its tick is not that of its run"));
        }
        let mut outside = self.outside.iter().peekable();
        for tick in 0.. {
            while let Some((_, outside)) = outside.next_if(|(at, _)| *at <= tick) {
                match outside {
                    // A refusal stands in the ledger, as it did then.
                    Outside::Input(input) => drop(world.input(Input::clone(input))),
                    Outside::Fault(fault) => world.inject(*fault),
                    Outside::CrashAndRecovery => world.crash_and_recover()?,
                }
            }
            if is_over(&world) {
                break;
            }
            world.step(workers)?;
        }
        Ok(world)
    }

    /// A shorter run that still goes wrong the same way.
    ///
    /// It ends early (unless tasks are to be done, for which time must be left), at the end of a block of ticks, as found by
    /// bisection. Then lines of the script are left out in halves, quarters and so on to one by one (delta debugging, Zeller
    /// and Hildebrandt 2002), walkers and crowds likewise, and it is cut off again. Robots stay, and so does what came from
    /// outside. Plays the run about twice for each line and walker at the most.
    ///
    /// # Errors
    /// [`RecordingError::Holds`] if nothing goes wrong; others if it cannot be played.
    pub fn shrink(&self, hope: Hope, workers: &dyn Workers) -> Result<Self, RecordingError> {
        let mut best = self.clone();
        if !best.fails(hope, workers)? {
            return Err(RecordingError::Holds(hope));
        }
        let setup = self.origin.setup()?;
        best.cut_off(hope, workers)?;
        for part in [Part::Events, Part::Walkers, Part::Crowds] {
            let whole = match part {
                Part::Events => setup.script.len(),
                Part::Walkers => setup.plant.walkers.len(),
                Part::Crowds => setup.plant.crowds.len(),
            };
            best.cut_out(part, u32::try_from(whole).unwrap_or(u32::MAX), hope, workers)?;
        }
        best.cut_off(hope, workers)?;
        Ok(best.play_whole(workers)?.recording().unwrap_or(best))
    }

    fn fails(&self, hope: Hope, workers: &dyn Workers) -> Result<bool, RecordingError> {
        let mut world = self.play_whole(workers)?;
        Ok(!hope.holds(&Summary::of(&mut world, 0.0)?))
    }

    /// Plays it to where the recording ended, or where what was cut has it end.
    fn play_whole(&self, workers: &dyn Workers) -> Result<World, RecordingError> {
        let recorded = self.duration();
        let end =
            FleetTime::from_micros(self.cuts.until.map_or(recorded, |until| until.min(recorded)).as_micros());
        self.play(workers, |world| end <= world.now())
    }

    /// Ends the run soon after it has gone wrong, if it still does then.
    fn cut_off(&mut self, hope: Hope, workers: &dyn Workers) -> Result<(), RecordingError> {
        if hope == Hope::EveryTaskDone {
            return Ok(());
        }
        let block = self.tick.as_micros() * u64::from(BLOCK_TICKS);
        let (mut fine, mut wrong) = (0, self.duration().as_micros().div_ceil(block.max(1)));
        while fine + 1 < wrong {
            let middle = fine.midpoint(wrong);
            let mut shorter = self.clone();
            shorter.cuts.until = Some(Micros::new(middle * block));
            if shorter.fails(hope, workers)? {
                (wrong, *self) = (middle, shorter);
            } else {
                fine = middle;
            }
        }
        Ok(())
    }

    fn cut_out(
        &mut self,
        part: Part,
        whole: u32,
        hope: Hope,
        workers: &dyn Workers,
    ) -> Result<(), RecordingError> {
        let mut size = whole;
        while 0 < size {
            let mut start = 0;
            while start < whole {
                let mut less = self.clone();
                let cut = match part {
                    Part::Events => &mut less.cuts.events,
                    Part::Walkers => &mut less.cuts.walkers,
                    Part::Crowds => &mut less.cuts.crowds,
                };
                let before = cut.len();
                cut.extend(start..start.saturating_add(size).min(whole));
                if before < cut.len() && less.fails(hope, workers)? {
                    *self = less;
                }
                start = start.saturating_add(size);
            }
            size /= 2;
        }
        Ok(())
    }

    /// What happened, a line each: what came from outside, what broke, who stopped and why, what was asked for and done.
    ///
    /// # Errors
    /// [`RecordingError`] if it cannot be played.
    pub fn timeline(&self, workers: &dyn Workers) -> Result<String, RecordingError> {
        let Repeated { mut world, differs_from, .. } = self.replay(workers)?;
        let entries = world.entries()?;
        let names = Names::new(&world.setup().site, &entries);
        let mut lines: Vec<(u64, String)> = Vec::new();
        for (tick, outside) in &self.outside {
            let text = match outside {
                Outside::Input(input) => format!("from outside: {input:?}"),
                // The plant tells of all faults.
                Outside::Fault(_) => continue,
                Outside::CrashAndRecovery => "the coordinator crashes and comes back".to_owned(),
            };
            lines.push((tick * self.tick.as_micros(), text));
        }
        for status in world.plant().faults() {
            let struck = status
                .took_effect
                .map_or_else(|| "without effect".to_owned(), |at| format!("struck at {at}"));
            let fault = status.fault;
            lines.push((
                fault.onset.as_micros(),
                format!("fault {:?} of {:?}, {struck}", fault.kind, fault.target),
            ));
        }
        for entry in &entries {
            let told = told(&names, &entry.record);
            lines.extend(told.map(|text| (entry.time.as_micros(), text)));
        }
        lines.sort_by_key(|(at, _)| *at);
        let mut text = differs_from.map_or_else(String::new, |time| {
            format!("NOT WHAT WAS RECORDED: this software plays it another way from {time} on\n")
        });
        for (at, line) in lines {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{:>12}  {line}", FleetTime::from_micros(at).to_string());
        }
        Ok(text)
    }

    /// A Rust test that plays the recording in `file` and fails as long as the run goes wrong the same way.
    pub fn rust_test(&self, name: &str, file: &str, hope: Hope) -> String {
        format!(
            "// {software}: {hope:?} does not hold.\n\
             #[test]\n\
             fn {name}() {{\n\
             \x20   use sheepdog::{{scenario::{{Hope, Recording, Summary}}, vocabulary::Sequential}};\n\
             \x20   let recording = Recording::decode(include_bytes!({file:?})).unwrap();\n\
             \x20   let mut world = recording.replay(&Sequential).unwrap().world;\n\
             \x20   let summary = Summary::of(&mut world, 0.0).unwrap();\n\
             \x20   assert!(Hope::{hope:?}.holds(&summary), \"{{summary}}\");\n\
             }}\n",
            software = self.software,
        )
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// [`RecordingError::Damaged`] if a part is too long to encode.
    pub fn encode(&self) -> Result<Vec<u8>, RecordingError> {
        let body = postcard::to_allocvec(self).map_err(|_| RecordingError::Damaged("a part is too long"))?;
        let mut bytes = [MAGIC.as_slice(), &SCHEMA.to_le_bytes(), &body].concat();
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        Ok(bytes)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`RecordingError`] for bytes that [`encode`](Self::encode) did not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordingError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(RecordingError::NotARecording)?;
        let cut_off = RecordingError::Damaged("it is cut off");
        let Some((schema, rest)) = rest.split_first_chunk::<4>() else { return Err(cut_off) };
        let found = u32::from_le_bytes(*schema);
        if found != SCHEMA {
            return Err(RecordingError::Schema { found });
        }
        let Some((body, digest)) = rest.split_last_chunk::<DIGEST_BYTES>() else { return Err(cut_off) };
        let content = bytes.get(..bytes.len() - DIGEST_BYTES).unwrap_or(&[]);
        if Sha256::digest(content).as_slice() != digest {
            return Err(RecordingError::Damaged("its digest is another"));
        }
        let damaged = RecordingError::Damaged("its content does not read");
        let Ok(recording) = postcard::from_bytes::<Self>(body) else { return Err(damaged) };
        let too_long = recording.blocks.iter().any(|block| BLOCK_TICKS < block.footage.ticks());
        if too_long || recording.tick == Micros::ZERO || TICK_MAX < recording.tick {
            return Err(damaged);
        }
        Ok(recording)
    }
}

#[derive(Clone, Copy)]
enum Part {
    Events,
    Walkers,
    Crowds,
}

/// A record in words, if somebody who looks for a reason wants to read it.
#[expect(clippy::wildcard_enum_match_arm, reason = "most records are of no interest here")]
fn told(names: &Names<'_>, record: &Record) -> Option<String> {
    Some(match record {
        Record::Stop { agent, event } if event.stopped => {
            let evidence = &event.evidence;
            let agent = names.agent(*agent);
            format!("{agent} stops by {}: {} against {}", evidence.rule, evidence.measured, evidence.limit)
        }
        Record::Stop { agent, .. } => format!("{} goes on", names.agent(*agent)),
        Record::StopOrdered(order) => format!("stop {} of {:?}", order.generation, order.scope),
        Record::Reset(order) => format!("reset of stop {}: {:?}", order.generation, order.step),
        Record::Accepted { task, name } => format!("{task} is asked for: {name}"),
        Record::Done { task, agent } => format!("{task} is done by {}", names.agent(*agent)),
        Record::Withdrawn { task, agent, rule, .. } => {
            format!("{task} is taken from {} by {rule}", names.agent(*agent))
        }
        Record::Agent { agent, rule, text } => format!("{} {text} [{rule}]", names.agent(*agent)),
        Record::Alert(alert) => format!("alert {}: {}", alert.rule, alert.text),
        Record::FireAlarm { scope, source } => format!("fire alarm of {source}: {scope:?}"),
        Record::FireEnded { scope, .. } => format!("end of the fire alarm: {scope:?}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use sheepdog_core::{AgentId, Sequential};
    use sheepdog_map::{CompileOptions, FootprintClass};
    use sheepdog_sim::{FaultKind, FaultTarget};

    use super::*;

    const HOSPITAL: &str = include_str!("../../../sites/hospital.toml");

    /// Two robots of the hospital for a quarter of a minute, one of which loses its radio.
    fn recording() -> Recording {
        let site = Site::from_toml(HOSPITAL).unwrap();
        let options = CompileOptions::new(vec![FootprintClass::round(
            "robot",
            sheepdog_core::Mm(300),
            sheepdog_core::Mm(150),
        )]);
        let header = Box::new(Header::new(&site, &options, &site.compile(&options).unwrap()).unwrap());
        let load = (2_000, Micros::from_secs(5), Micros::from_secs(5));
        let mut world =
            World::recorded(Origin::Deliveries { header, robots: 2, tasks: 2, load, seed: 1 }).unwrap();
        for tick in 0..300 {
            if tick == 100 {
                let target = FaultTarget::Agent(AgentId(0));
                let onset = Micros::new(world.now().as_micros());
                world.inject(Fault { target, onset, duration: None, kind: FaultKind::Breakdown });
            }
            world.step(&Sequential).unwrap();
        }
        world.recording().unwrap()
    }

    #[test]
    fn a_replay_says_from_when_on_it_is_another_run() {
        let recording = recording();
        let replayed = |recording: &Recording| recording.replay(&Sequential).unwrap().differs_from;
        assert_eq!(replayed(&recording), None);
        let mut without = recording.clone();
        without.outside.clear();
        // It broke down in the sixth second, and some time later shows.
        let time = replayed(&without).unwrap();
        assert!(
            FleetTime::from_micros(5_000_000) < time && time < FleetTime::from_micros(6_000_000),
            "{time}"
        );
        let mut altered = recording.clone();
        altered.blocks[1].digest.0[7] ^= 1;
        // Nothing shows, so the end of the block is told.
        assert_eq!(replayed(&altered), Some(FleetTime::from_micros(15_000_000)));
        let mut longer = recording.clone();
        longer.blocks.push(longer.blocks[1].clone());
        assert!(replayed(&longer).is_some());
        assert!(recording.timeline(&Sequential).unwrap().contains("Breakdown"));
        assert!(without.timeline(&Sequential).unwrap().starts_with("NOT WHAT WAS RECORDED"));
    }

    #[test]
    fn what_no_run_can_have_is_refused() {
        let refused = |change: fn(&mut Recording)| {
            let mut recording = recording();
            change(&mut recording);
            Recording::decode(&recording.encode().unwrap()).unwrap_err().to_string()
        };
        let unread = "the recording is damaged: its content does not read";
        assert_eq!(refused(|recording| recording.tick = Micros::ZERO), unread);
        assert_eq!(refused(|recording| recording.tick = Micros::new(u64::MAX)), unread);
        let mut other = recording();
        other.tick = Micros::from_millis(20);
        assert!(matches!(other.replay(&Sequential), Err(RecordingError::Damaged(_))));
        assert_eq!(
            recording().seek(FleetTime::MAX, &Sequential).unwrap().now(),
            FleetTime::from_micros(15_000_000)
        );
    }
}
