//! Playing a story, with somebody who clears up.

use sheepdog_core::{
    AgentId, FleetTime, Micros, StopCategory, StopGeneration, Workers,
    wire::{ResetStep, StopScope},
};
use sheepdog_fleet::{AlarmScope, Entry, Input, OperatorCommand, Record, StorageLevel};
use sheepdog_map::Site;
use sheepdog_scenario::{SetupError, World, WorldError};
use sheepdog_sim::{BodyKind, FaultKind, FaultTarget};

use crate::{
    check::Violation,
    fleet,
    story::{Incident, Story, Trouble, attendant},
};

/// Where a robot truly was at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When.
    pub time: Micros,
    /// Who.
    pub agent: AgentId,
    /// A number that tells levels apart.
    pub level: u32,
    /// Centre, metres along x.
    pub x_m: f64,
    /// Centre, metres along y.
    pub y_m: f64,
    /// Radius of the footprint, metres.
    pub radius_m: f64,
}

/// A story that has been played.
#[derive(Debug)]
pub struct Played {
    /// The world at its end.
    pub world: World,
    /// Every robot at every tick, by time.
    pub samples: Vec<Sample>,
    /// The site as authored.
    pub site: Site,
    /// How often a crash interrupted it.
    pub crashes: u32,
}

/// Why a story could not be played to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlayError {
    /// It has no setup.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The run broke off.
    #[error(transparent)]
    World(#[from] WorldError),
}

impl Played {
    /// The ledger's records, decoded.
    ///
    /// # Errors
    /// [`PlayError`] if the ledger does not verify.
    pub fn entries(&mut self) -> Result<Vec<Entry>, PlayError> {
        Ok(self.world.entries()?)
    }
}

/// How often the attendant looks round.
const ROUND: Micros = Micros::from_secs(2);

/// What the attendant still has to do.
#[derive(Clone, Copy, Debug)]
enum Chore {
    /// The coordinator is killed.
    Crash,
    /// A level is stopped, to be reset so much later.
    StopLevel(u8, Micros),
    /// A robot whose button was pressed is stopped too, so that it can be reset.
    StopRobot(AgentId),
    Acknowledge(StopGeneration),
    Start(StopGeneration),
    /// A level burns, for so long.
    Fire(u8, Micros),
    /// The panel is quiet again, and somebody ends the alarm.
    EndFire(AlarmScope),
    /// So full is the storage of the ledger.
    Storage(StorageLevel),
}

impl Story {
    /// Plays the story until every task is over, or until its patience ends.
    ///
    /// Somebody clears up: broken-down robots are resumed when they work again, robots whose button was pressed and
    /// levels that were stopped are reset in two steps.
    ///
    /// # Errors
    /// [`PlayError`] if the run cannot start or breaks off.
    pub fn play(&self, workers: &dyn Workers) -> Result<Played, PlayError> {
        let world = World::new(self.setup()?)?;
        let mut played = Played { world, samples: Vec::new(), site: self.site.site(), crashes: 0 };
        let mut chores = self.chores(&played.world);
        let mut next_round = FleetTime::ZERO;
        let quiet = FleetTime::from_micros(self.quiet_from().as_micros());
        loop {
            played.world.step(workers)?;
            played.sample();
            let now = played.world.now();
            if next_round <= now {
                next_round = now + ROUND;
                resume_failed(&mut played.world);
            }
            let (due, later): (Vec<_>, Vec<_>) = chores.into_iter().partition(|(at, _)| *at <= now);
            chores = later;
            for (_, chore) in due {
                played.carry_out(now, chore, &mut chores)?;
            }
            let done = chores.is_empty() && quiet < now && played.world.fleet().open_tasks() == 0;
            if done || played.world.is_over() {
                return Ok(played);
            }
        }
    }

    fn chores(&self, world: &World) -> Vec<(FleetTime, Chore)> {
        let site = &world.setup().site;
        let robots = u32::try_from(world.setup().plant.robots.len()).unwrap_or(u32::MAX);
        let at = |span: Micros| FleetTime::from_micros(span.as_micros());
        let mut chores = Vec::new();
        for incident in &self.incidents {
            match incident.trouble {
                Trouble::Crash => chores.push((at(incident.start()), Chore::Crash)),
                Trouble::LevelStop(pick) => {
                    let lasts = Micros::from_secs(incident.for_s.into());
                    chores.push((at(incident.start()), Chore::StopLevel(pick, lasts)));
                }
                Trouble::Fire(pick) => {
                    let lasts = Micros::from_secs(incident.for_s.into());
                    chores.push((at(incident.start()), Chore::Fire(pick, lasts)));
                }
                Trouble::FullStorage => {
                    chores.push((at(incident.start()), Chore::Storage(StorageLevel::Critical)));
                    chores.push((at(incident.end()), Chore::Storage(StorageLevel::Normal)));
                }
                Trouble::Fault(kind, pick) => {
                    let target = fleet::target(kind, pick, robots, site.doors().len(), site.lifts().len());
                    if let (FaultKind::EmergencyButton, Some(FaultTarget::Agent(agent))) = (kind, target) {
                        chores.push((at(incident.end()) + ROUND, Chore::StopRobot(agent)));
                    }
                }
            }
        }
        chores
    }
}

impl Played {
    fn sample(&mut self) {
        let time = Micros::new(self.world.now().as_micros());
        let robots = self.world.plant().truth().into_iter().filter(|body| body.kind == BodyKind::Robot);
        self.samples.extend(robots.filter_map(|body| {
            let (level, radius_m) = (body.level.0, body.radius_m);
            Some(Sample { time, agent: body.agent?, level, x_m: body.x_m, y_m: body.y_m, radius_m })
        }));
    }

    /// The number under which a stop is in force now: it may have been ordered again because of what a robot remembers.
    fn number_now(&mut self, generation: StopGeneration) -> Result<StopGeneration, PlayError> {
        let mut number = generation;
        for entry in self.entries()? {
            if let Record::StopRenumbered { was, order, .. } = entry.record
                && was == number
            {
                number = order.generation;
            }
        }
        Ok(number)
    }

    fn carry_out(
        &mut self,
        now: FleetTime,
        chore: Chore,
        chores: &mut Vec<(FleetTime, Chore)>,
    ) -> Result<(), PlayError> {
        let stop = |scope| OperatorCommand::Stop { scope, category: StopCategory::One };
        let reset = |generation, step| OperatorCommand::Reset { generation, step };
        match chore {
            Chore::Crash => {
                self.crashes += 1;
                self.world.crash_and_recover()?;
            }
            Chore::StopLevel(pick, lasts) => {
                let level = Incident::level(pick, &self.world.setup().site);
                command(&mut self.world, stop(StopScope::Level(level)));
                chores.push((now + lasts, Chore::Acknowledge(self.world.fleet().stop_generation())));
            }
            Chore::StopRobot(agent) => {
                command(&mut self.world, stop(StopScope::Agent(agent)));
                chores.push((now + ROUND, Chore::Acknowledge(self.world.fleet().stop_generation())));
            }
            Chore::Acknowledge(generation) => {
                let number = self.number_now(generation)?;
                command(&mut self.world, reset(number, ResetStep::Acknowledge));
                chores.push((now + ROUND, Chore::Start(number)));
            }
            Chore::Start(generation) if self.number_now(generation)? != generation => {
                chores.push((now, Chore::Acknowledge(generation)));
            }
            Chore::Start(generation) => command(&mut self.world, reset(generation, ResetStep::Start)),
            Chore::Fire(pick, lasts) => {
                let scope = AlarmScope::Level(Incident::level(pick, &self.world.setup().site));
                alarm(&mut self.world, scope, true);
                chores.push((now + lasts, Chore::EndFire(scope)));
            }
            Chore::EndFire(scope) => {
                alarm(&mut self.world, scope, false);
                command(&mut self.world, OperatorCommand::EndFireAlarm { scope });
            }
            Chore::Storage(level) => {
                // The host's word is never refused.
                let _refused = self.world.input(Input::Storage { level });
            }
        }
        Ok(())
    }
}

fn resume_failed(world: &mut World) {
    let failed: Vec<AgentId> = world.fleet().failed().collect();
    for agent in failed {
        command(world, OperatorCommand::Resume { agent });
    }
}

fn alarm(world: &mut World, scope: AlarmScope, active: bool) {
    // Nor is a fire panel's.
    let _refused = world.input(Input::FireAlarm { scope, active, source: "panel".to_owned() });
}

fn command(world: &mut World, command: OperatorCommand) {
    // A robot that still reports its failure is not resumed; the attendant comes again.
    let _refused = world.input(Input::Operator { actor: attendant(), command });
}

/// Reads the trace that `sheepdog simulate --trace` writes: `t_s,robot,level,x_m,y_m,yaw_rad,radius_m`.
///
/// # Errors
/// [`Violation`] naming the first line that is not of this form.
pub fn samples_of_csv(csv: &str) -> Result<Vec<Sample>, Violation> {
    let mut levels: Vec<&str> = Vec::new();
    let mut samples = Vec::new();
    for (number, line) in csv.lines().enumerate().skip(1) {
        let wrong = || Violation::new("trace", format!("line {}: {line:?} is no sample", number + 1));
        let fields: Vec<&str> = line.split(',').collect();
        let [t_s, robot, level, x_m, y_m, _, radius_m] = fields.as_slice() else { return Err(wrong()) };
        let float = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(wrong);
        let level = levels.iter().position(|known| known == level).unwrap_or_else(|| {
            levels.push(level);
            levels.len() - 1
        });
        samples.push(Sample {
            time: micros(float(t_s)?).ok_or_else(wrong)?,
            agent: AgentId(robot.parse().map_err(|_| wrong())?),
            level: u32::try_from(level).map_err(|_| wrong())?,
            x_m: float(x_m)?,
            y_m: float(y_m)?,
            radius_m: float(radius_m)?,
        });
    }
    Ok(samples)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in 0..=1e9")]
fn micros(seconds: f64) -> Option<Micros> {
    (0.0..=1e9).contains(&seconds).then(|| Micros::new((seconds * 1e6).round() as u64))
}
