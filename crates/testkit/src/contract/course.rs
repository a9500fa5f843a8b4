//! Where drivers are tried.

use std::sync::Arc;

use nalgebra::{Point2, distance};
use sheepdog_core::{
    AgentId, LaneId, LevelId, Mm, MmPerS, WaypointId,
    wire::{DoorState, Passage},
};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, NominalWaits, Site, TravelProfile, shortest_path,
};

use super::Observed;

/// A level and a point on it.
type Place = (LevelId, Point2<f64>);

/// A site, and a way through it that a robot is sent along.
#[derive(Clone, Debug)]
pub struct Course {
    /// The site; the robot's footprint is class 0.
    pub site: Arc<CompiledSite>,
    /// The robot's id.
    pub agent: AgentId,
    /// Where the robot stands at the beginning.
    pub from: WaypointId,
    /// The way, lane by lane.
    pub lanes: Vec<LaneId>,
}

impl Course {
    /// The kit's own building: from a dock round a corner, through a door and up a lift, for a round robot of 250 mm radius
    /// and 100 mm margin.
    ///
    /// # Errors
    /// Text that says what of it does not fit: a fault of this kit.
    pub fn standard() -> Result<Self, String> {
        let site = Site::from_toml(include_str!("../drill.toml")).map_err(|error| error.to_string())?;
        let class = FootprintClass::round("cart", Mm(250), Mm(100));
        Self::new(&site, class, "dock", "upper")
    }

    /// A way of your own site, between two of its waypoints, for a footprint.
    ///
    /// # Errors
    /// Text that names what is not there.
    pub fn new(site: &Site, class: FootprintClass, from: &str, to: &str) -> Result<Self, String> {
        let site = site
            .compile(&CompileOptions::new(vec![class]))
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        let waypoint =
            |name: &str| site.waypoint_named(name).ok_or_else(|| format!("there is no waypoint {name}"));
        let (from, to) = (waypoint(from)?, waypoint(to)?);
        let profile = TravelProfile::robot(MmPerS(1_000), 0);
        let lanes = shortest_path(&site, profile, &NominalWaits(&site), from, to)
            .ok_or_else(|| "there is no way between the waypoints".to_owned())?;
        Ok(Self { site: Arc::new(site), agent: AgentId(0), from, lanes })
    }

    /// How many lanes there are before the first that needs a lift.
    pub(crate) fn before_lifts(&self) -> usize {
        let level = |lane: &LaneId| self.ends(*lane).map(|(from, to)| (from.0, to.0));
        let first = self.lanes.first().and_then(level).map(|(level, _)| level);
        let stays = |lane: &&LaneId| {
            let on_lift = |waypoint| self.site.waypoint(waypoint).is_some_and(|at| at.lift.is_some());
            let to = self.site.lane(**lane).map(|lane| lane.to);
            level(lane).is_some_and(|(from, to)| Some(from) == first && Some(to) == first)
                && !to.is_some_and(on_lift)
        };
        self.lanes.iter().take_while(stays).count()
    }

    /// The waypoint at which a lane of the course begins, or at which the course ends.
    pub(crate) fn origin(&self, lane: usize) -> WaypointId {
        let end = |lane: &LaneId| self.site.lane(*lane).map(|lane| lane.to);
        lane.checked_sub(1).and_then(|before| self.lanes.get(before)).and_then(end).unwrap_or(self.from)
    }

    /// Doors and lift doors that are open; in a rig that has no doors all of them are.
    pub(crate) fn open_passages(&self, seen: &Observed) -> Vec<Passage> {
        let is_open = |state: &DoorState| *state == DoorState::Open;
        let doors = seen.doors.iter().filter(|(_, state)| is_open(state)).map(|(door, _)| *door);
        let all = self.site.live_doors().map(|(door, _)| door).filter(|_| seen.doors.is_empty());
        let lifts = seen.lifts.iter().filter(|(.., state)| is_open(state));
        let lifts = lifts.map(|(lift, level, _)| Passage::Lift(*lift, *level));
        doors.chain(all).map(Passage::Door).chain(lifts).collect()
    }

    /// Whether the body, less its declared margin, is in a wall or outside of the rooms.
    pub(crate) fn touches(&self, level: LevelId, at: Point2<f64>) -> bool {
        let class = self.site.classes().first().map(|claims| &claims.class);
        let core = class.map_or(Mm::ZERO, |class| class.radius.saturating_sub(class.margin));
        let free = |geometry: &sheepdog_map::Level| geometry.geometry.disc_free(at, f64::from(core.0) / 1e3);
        !self.site.level(level).is_some_and(free)
    }

    fn ends(&self, lane: LaneId) -> Option<(Place, Place)> {
        let lane = self.site.lane(lane)?;
        let place = |waypoint| self.site.waypoint(waypoint).map(|at| (at.level, at.at));
        Some((place(lane.from)?, place(lane.to)?))
    }

    /// How far a place is from the first `count` lanes, metres.
    pub(crate) fn distance_m(&self, level: LevelId, at: Point2<f64>, count: usize) -> f64 {
        let mut least = f64::INFINITY;
        if let Some(start) = self.site.waypoint(self.from).filter(|start| start.level == level) {
            least = distance(&start.at, &at);
        }
        for lane in self.lanes.iter().take(count) {
            let Some(((before, a), (after, b))) = self.ends(*lane) else { continue };
            least = match (before == level, after == level) {
                (true, true) => least.min(from_segment(at, a, b)),
                (true, false) => least.min(distance(&a, &at)),
                (false, true) => least.min(distance(&b, &at)),
                (false, false) => least,
            };
        }
        least
    }

    /// Whether a place is within `reach_m` of where a lane of the course ends.
    pub(crate) fn is_at_end(&self, lane: usize, level: LevelId, at: Point2<f64>, reach_m: f64) -> bool {
        let end = self.lanes.get(lane).and_then(|lane| self.ends(*lane)).map(|(_, end)| end);
        end.is_some_and(|(there, end)| there == level && distance(&end, &at) <= reach_m)
    }
}

/// Distance from a point to a segment.
pub(super) fn from_segment(p: Point2<f64>, a: Point2<f64>, b: Point2<f64>) -> f64 {
    let along = b - a;
    let share = if along.norm_squared() == 0.0 { 0.0 } else { (p - a).dot(&along) / along.norm_squared() };
    distance(&p, &(a + along * share.clamp(0.0, 1.0)))
}
