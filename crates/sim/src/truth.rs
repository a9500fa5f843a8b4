//! Ground truth: what no sensor and no report can hide.

use sheepdog_core::{AgentId, LevelId, Ppm};

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BodyKind {
    /// A robot.
    Robot,
    /// A person with a radio.
    Person,
    /// A person without.
    Walker,
}

/// Where a body really is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truth {
    /// Its id in the fleet; walkers have none.
    pub agent: Option<AgentId>,
    /// What it is.
    pub kind: BodyKind,
    /// The level.
    pub level: LevelId,
    /// Centre, metres along x.
    pub x_m: f64,
    /// Centre, metres along y.
    pub y_m: f64,
    /// The way it faces, counter-clockwise from x; a robot that rolls any way may drive another.
    pub yaw_rad: f64,
    /// Radius of its footprint, metres.
    pub radius_m: f64,
    /// Speed, m/s, negative backwards; zero for people.
    pub speed_mps: f64,
    /// State of charge of a robot.
    pub battery: Option<Ppm>,
}
