//! The simulated robot as a driver under test.

use sheepdog_core::{
    FleetTime, Micros, Mm, MmPerS, MmPerS2, MradPerS, Ppm, RobotTime, Sequential, wire::ToAgent,
};
use sheepdog_driver::Step;
use sheepdog_interlock::{Config, ValidConfig, packs::map::MapSettings};
use sheepdog_sim::{
    BeamSpec, ControllerSpec, Fault, FaultTarget, Kinematics, Plant, PlantConfig, PowerSpec, RadioSpec,
    RobotSpec, Victims,
};

use super::{Course, DriverUnderTest, Injection, Observed, Support};

/// Time between two steps of the simulated robot.
pub(crate) const TICK: Micros = Micros::from_millis(50);

/// One robot of [`sheepdog_sim::Plant`], alone on its course, with a perfect radio.
#[derive(Debug)]
pub struct Simulated {
    course: Course,
    interlock: ValidConfig,
    plant: Plant,
    /// Time that has passed and was not played yet.
    owed: Micros,
    seen: Observed,
    /// Boot and number of the last step that was taken over.
    last: Option<(u64, u64)>,
}

impl Simulated {
    /// A robot at rest where the course begins.
    ///
    /// # Errors
    /// Text that says what of the course or of the robot's settings does not fit.
    pub fn new(course: &Course) -> Result<Self, String> {
        let interlock = interlock()?;
        let plant = plant(course, &interlock, 0).map_err(|error| error.to_string())?;
        let (course, seen) = (course.clone(), Observed::default());
        Ok(Self { course, interlock, plant, owed: Micros::ZERO, seen, last: None })
    }

    /// The settings of its interlock.
    pub const fn interlock(&self) -> &ValidConfig {
        &self.interlock
    }

    fn since_start(&self) -> Micros {
        self.plant.now().since(FleetTime::ZERO).unwrap_or(Micros::ZERO)
    }

    fn collect(&mut self) {
        let said = self.plant.take_from_agents().into_iter().map(|(_, message)| message);
        self.seen.said.extend(said);
        let key = |step: &Step| (step.record.boot.0, step.record.seq);
        if let Some(step) = self.plant.last_step(self.course.agent)
            && self.last != Some(key(step))
        {
            self.last = Some(key(step));
            self.seen.steps.push(step.clone());
        }
    }
}

impl DriverUnderTest for Simulated {
    fn reset(&mut self, seed: u64) {
        // It was built from the same parts before.
        if let Ok(plant) = plant(&self.course, &self.interlock, seed) {
            self.plant = plant;
        }
        (self.owed, self.seen, self.last) = (Micros::ZERO, Observed::default(), None);
    }

    fn tick(&mut self, span: Micros) {
        self.owed = self.owed.saturating_add(span);
        while TICK <= self.owed {
            self.owed = self.owed.saturating_sub(TICK);
            self.plant.step(&Sequential);
            self.collect();
        }
    }

    fn command(&mut self, message: ToAgent) {
        self.plant.send(self.course.agent, message);
    }

    fn observe(&mut self) -> Observed {
        let mut seen = std::mem::take(&mut self.seen);
        let (truth, clock) =
            (self.plant.truth(), self.plant.robots().find(|(id, ..)| *id == self.course.agent));
        seen.clock = clock.map_or(RobotTime::ZERO, |(.., clock)| clock);
        if let Some(robot) = truth.iter().find(|body| body.agent == Some(self.course.agent)) {
            (seen.level, seen.x_m, seen.y_m) = (robot.level, robot.x_m, robot.y_m);
            (seen.yaw_rad, seen.speed_mps) = (robot.yaw_rad, robot.speed_mps);
        }
        seen.struck = self.plant.faults().iter().map(|status| status.took_effect.is_some()).collect();
        seen.doors = self.plant.doors();
        seen.lifts = self.plant.lifts();
        seen
    }

    fn inject(&mut self, injection: Injection) -> Support {
        match injection {
            Injection::Building(command) => self.plant.command(command),
            Injection::Fault { kind, duration } => {
                let site = &self.course.site;
                let target = match kind.victims() {
                    Victims::Agents => Some(FaultTarget::Agent(self.course.agent)),
                    Victims::Doors => site.live_doors().next().map(|(door, _)| FaultTarget::Door(door)),
                    Victims::Lifts => site.live_lifts().next().map(|(lift, _)| FaultTarget::Lift(lift)),
                    Victims::Machines => None,
                };
                let Some(target) = target else { return Support::Unsupported };
                self.plant.inject(Fault { target, onset: self.since_start(), duration, kind });
            }
        }
        Support::Supported
    }
}

fn interlock() -> Result<ValidConfig, String> {
    let config = Config {
        speed_creep: MmPerS(250),
        yaw_rate_max: MradPerS(1_000),
        cycle_max: Micros::from_millis(200),
        stop_margin: Mm(150),
        clearance_creep: Mm(100),
        ..Config::SIMULATED
    };
    config.validate().map_err(|error| error.to_string())
}

fn plant(course: &Course, interlock: &ValidConfig, seed: u64) -> Result<Plant, sheepdog_sim::PlantError> {
    let robot = RobotSpec {
        agent: course.agent,
        class: 0,
        at: course.from,
        speed: MmPerS(1_000),
        acceleration: MmPerS2(500),
        deceleration: MmPerS2(1_000),
        kinematics: Kinematics::DIFFERENTIAL,
        battery: Ppm::ONE,
        beams: BeamSpec::default(),
        interlock: *interlock,
        controller: ControllerSpec {
            yaw_rate: MradPerS(1_000),
            report_every: Micros::from_secs(1),
            passage_fresh: Micros::from_secs(1),
            fleet_beat_timeout: None,
            map: MapSettings { error_max: Mm(50), ..MapSettings::SIMULATED },
            wall_margin: Mm(50),
            beam_gap_rad: 0.5,
        },
    };
    let config = PlantConfig {
        tick: TICK,
        robots: vec![robot],
        people: Vec::new(),
        walkers: Vec::new(),
        crowds: Vec::new(),
        machines: Vec::new(),
        radio: RadioSpec::default(),
        power: PowerSpec::default(),
    };
    Plant::new(std::sync::Arc::clone(&course.site), config, seed)
}
