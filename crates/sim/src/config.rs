//! What a plant consists of, as plain data.

use sheepdog_core::{AgentId, Confidence, Micros, Mm, MmPerS, MmPerS2, MradPerS, Ppm, StationId, WaypointId};
use sheepdog_interlock::{ValidConfig, packs::map::MapSettings};

use crate::{kinematics::Kinematics, radio::RadioSpec};

/// A plant: who is in it and how good its radio is.
#[derive(Clone, Debug)]
pub struct PlantConfig {
    /// Time per step; a tenth of a second at most, because a command lasts no longer. 50 ms is usual.
    pub tick: Micros,
    /// Robots, in any order.
    pub robots: Vec<RobotSpec>,
    /// People with a radio, whom a fleet can ask.
    pub people: Vec<PersonSpec>,
    /// People whom no fleet knows.
    pub walkers: Vec<WalkerSpec>,
    /// Crowds, whom no fleet knows either and who keep to no roadmap.
    pub crowds: Vec<CrowdSpec>,
    /// Machines at stations.
    pub machines: Vec<MachineSpec>,
    /// The radio of every robot and person.
    pub radio: RadioSpec,
    /// What robots use and chargers give.
    pub power: PowerSpec,
}

/// An arm or a dispenser at a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineSpec {
    /// The station.
    pub station: StationId,
    /// How long it takes to load or unload a robot that stands there.
    pub service: Micros,
}

/// A robot.
#[derive(Clone, Debug)]
pub struct RobotSpec {
    /// Its id in the fleet.
    pub agent: AgentId,
    /// Index of its footprint class in [`CompiledSite::classes`](sheepdog_map::CompiledSite::classes).
    pub class: usize,
    /// Where it stands at the start, heading along the first lane that leaves there.
    pub at: WaypointId,
    /// Highest speed.
    pub speed: MmPerS,
    /// Acceleration.
    pub acceleration: MmPerS2,
    /// Deceleration when braking; the interlock's own figure must not be higher.
    pub deceleration: MmPerS2,
    /// How its base moves.
    pub kinematics: Kinematics,
    /// State of charge at the start.
    pub battery: Ppm,
    /// Its perception.
    pub beams: BeamSpec,
    /// Its interlock.
    pub interlock: ValidConfig,
    /// The rest of its controller.
    pub controller: ControllerSpec,
}

/// Settings of a robot's controller beside its interlock; the fields of the same name in
/// [`OnboardConfig`](sheepdog_driver::OnboardConfig). They belong to the robot or the site, so none has a default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ControllerSpec {
    /// Yaw rate at which it turns.
    pub yaw_rate: MradPerS,
    /// The longest time between two reports.
    pub report_every: Micros,
    /// How old a beat may be for what it says of doors and lifts to count.
    pub passage_fresh: Micros,
    /// How long the fleet may be silent before the robot stops; `None` lets it finish its release.
    pub fleet_beat_timeout: Option<Micros>,
    /// What it asks of its localisation.
    pub map: MapSettings,
    /// Distance it keeps from known walls ahead.
    pub wall_margin: Mm,
    /// The widest angle between neighbouring beams of a scan that is no gap, radians.
    pub beam_gap_rad: f64,
}

/// How a robot perceives.
///
/// A range finder looks into `count` directions, evenly spread over the full circle. Beside these fixed beams there
/// is one to the middle of every body in range, and two more just inside the edges of those within half of it: what walks
/// or drives in the open is never missed between two beams, as with a real scanner of some hundred beams that is thinned for
/// the interlock. A body whose middle is hidden shows with its edges within half the range only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BeamSpec {
    /// Number of fixed beams.
    pub count: u32,
    /// Largest range, metres.
    pub range_max_m: f64,
    /// Error of a range, evenly distributed up to this on either side, metres.
    pub range_noise_m: f64,
    /// Confidence in each beam when nothing is wrong.
    pub confidence: Confidence,
    /// Noise of the confidence: up to this on either side, parts per million.
    pub confidence_noise_ppm: u32,
    /// Largest error of localisation along x and along y, metres; it drifts within that over seconds.
    pub position_error_m: f64,
    /// Largest error of the heading, radians.
    pub yaw_error_rad: f64,
    /// Whether the scanner sees a contour that belongs to the robot, and so finds out when it looks elsewhere (OBS-010).
    pub contour: bool,
}

impl Default for BeamSpec {
    /// 24 beams of 10 m at 99 % ± 0.3 %, 5 mm range noise, 10 mm and 2 mrad localisation error.
    fn default() -> Self {
        Self {
            count: 24,
            range_max_m: 10.0,
            range_noise_m: 0.005,
            confidence: Confidence::from_ppm(990_000).unwrap_or(Confidence::NONE),
            confidence_noise_ppm: 3_000,
            position_error_m: 0.01,
            yaw_error_rad: 0.002,
            contour: true,
        }
    }
}

/// A person whom the fleet can ask: a technician or a nurse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonSpec {
    /// Their id in the fleet.
    pub agent: AgentId,
    /// Where they are at the start.
    pub at: WaypointId,
    /// Walking speed; 1.2 m/s is usual.
    pub speed: MmPerS,
    /// How many questions in a thousand they accept; the rest they decline.
    pub accept_permille: u32,
    /// Time from question to answer.
    pub answer_delay: Micros,
}

/// Somebody who walks from place to place for ever and is not part of a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkerSpec {
    /// Places in turn, starting at the first.
    pub patrol: Vec<WaypointId>,
    /// Walking speed.
    pub speed: MmPerS,
    /// How long they stay at each place.
    pub pause: Micros,
}

/// People who stroll about for ever where they see free ground, whatever the roadmap says. They keep their distance from
/// each other and from robots, and are the slower the denser they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrowdSpec {
    /// How many.
    pub people: u32,
    /// Where they are at the start: round these places in turn, which stay free themselves.
    pub at: Vec<WaypointId>,
    /// Walking speed of somebody who is alone.
    pub speed: MmPerS,
    /// How long they stand before they go on.
    pub pause: Micros,
}

/// What robots use and chargers give, in parts per million of a full battery per hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerSpec {
    /// Always used.
    pub idle_ppm_per_h: u32,
    /// Used in addition while driving or turning.
    pub driving_ppm_per_h: u32,
    /// Gained while standing at a charger.
    pub charging_ppm_per_h: u32,
}

impl Default for PowerSpec {
    /// Twenty hours standing, five driving, one and a quarter to charge.
    fn default() -> Self {
        Self { idle_ppm_per_h: 50_000, driving_ppm_per_h: 150_000, charging_ppm_per_h: 850_000 }
    }
}
