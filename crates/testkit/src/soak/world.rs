//! Bodies that drive what they were told, and whether they touch.
//!
//! A body is a disc at a place in metres. It knows the lanes it was sent and nothing of claims, plans or others. Within
//! a tick it moves in a straight line, so the least distance of two bodies is that of a segment from a point.

use std::sync::Arc;

use sheepdog_core::{LaneId, LevelId, LiftId, WaypointId};
use sheepdog_map::CompiledSite;

use super::course::CLASSES;

/// Ticks that a ride takes.
const RIDE: u32 = 12;
/// Discs may come this close to touching before they count as overlapping, metres: rounding.
const ROUNDING_M: f64 = 1e-9;

/// A place on a level, metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    level: LevelId,
    x_m: f64,
    y_m: f64,
    /// The lift whose cabin it is in.
    lift: Option<LiftId>,
}

/// A robot's body and what it was told.
#[derive(Clone, Debug)]
pub(super) struct Body {
    class: usize,
    pub(super) at: WaypointId,
    /// All lanes it was ever sent.
    pub(super) route: Vec<LaneId>,
    pub(super) done: usize,
    /// Millimetres, or ticks of a ride, on the lane it is on.
    along: u32,
    /// Ticks that it stands still for no reason.
    pub(super) late: u32,
    pub(super) is_dead: bool,
    /// Ticks of work left.
    pub(super) working: Option<u32>,
    /// How often it has worked.
    pub(super) worked: u32,
    place: Place,
    before: Place,
}

/// All bodies on a site.
#[derive(Clone, Debug)]
pub(super) struct World {
    site: Arc<CompiledSite>,
    pub(super) bodies: Vec<Body>,
}

/// What a body did in a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Did {
    Nothing,
    Moved,
    /// It came to the end of a lane.
    Arrived,
    Worked,
    /// It is done with its work.
    Finished,
}

impl World {
    pub(super) fn new(site: &Arc<CompiledSite>, robots: impl Iterator<Item = (usize, WaypointId)>) -> Self {
        let body = |(class, at)| {
            let place = place_of(site, at);
            Body {
                class,
                at,
                route: Vec::new(),
                done: 0,
                along: 0,
                late: 0,
                is_dead: false,
                working: None,
                worked: 0,
                place,
                before: place,
            }
        };
        Self { site: Arc::clone(site), bodies: robots.map(body).collect() }
    }

    /// Lets a body do what it does in a tick.
    pub(super) fn step(&mut self, robot: usize) -> Did {
        let Some(body) = self.bodies.get_mut(robot) else { return Did::Nothing };
        body.before = body.place;
        if body.is_dead {
            return Did::Nothing;
        }
        if 0 < body.late {
            body.late -= 1;
            return Did::Nothing;
        }
        if let Some(left) = body.working {
            body.working = left.checked_sub(1).filter(|left| 0 < *left);
            body.worked += u32::from(body.working.is_none());
            return if body.working.is_none() { Did::Finished } else { Did::Worked };
        }
        let Some(lane) = body.route.get(body.done).and_then(|id| self.site.lane(*id)) else {
            return Did::Nothing;
        };
        let speed = CLASSES.get(body.class).map_or(0, |class| class.1);
        let (gain, whole) = if lane.ride.is_some() { (1, RIDE) } else { (speed, lane.length.0.max(1)) };
        body.along += gain;
        if whole <= body.along {
            (body.along, body.at) = (0, lane.to);
            body.done += 1;
            body.place = place_of(&self.site, lane.to);
            return Did::Arrived;
        }
        let (from, to) = (place_of(&self.site, lane.from), place_of(&self.site, lane.to));
        let share = f64::from(body.along) / f64::from(whole);
        let (x_m, y_m) = (from.x_m + share * (to.x_m - from.x_m), from.y_m + share * (to.y_m - from.y_m));
        let level = if share < 0.5 { from.level } else { to.level };
        body.place = Place { level, x_m, y_m, lift: lane.ride };
        Did::Moved
    }

    /// Two bodies that touched in the last tick, and by how many metres. Costs robots squared.
    pub(super) fn overlap(&self) -> Option<(usize, usize, f64)> {
        for (index, a) in self.bodies.iter().enumerate() {
            for (other, b) in self.bodies.iter().enumerate().skip(index + 1) {
                if a.place.lift.is_some() && a.place.lift == b.place.lift {
                    return Some((index, other, 0.0));
                }
                let levels = [a.before.level, a.place.level, b.before.level, b.place.level];
                if levels.iter().any(|level| *level != a.place.level) {
                    continue;
                }
                let gap = |a: &Place, b: &Place| (b.x_m - a.x_m, b.y_m - a.y_m);
                let apart_m = to_origin(gap(&a.before, &b.before), gap(&a.place, &b.place));
                let touch_m = radius_m(a.class) + radius_m(b.class);
                if apart_m + ROUNDING_M < touch_m {
                    return Some((index, other, touch_m - apart_m));
                }
            }
        }
        None
    }

    /// Where a body is, for people.
    pub(super) fn whereabouts(&self, robot: usize) -> String {
        let name = |at: WaypointId| self.site.waypoint(at).map_or("nowhere", |at| at.name.as_str());
        let Some(body) = self.bodies.get(robot) else { return String::new() };
        let next = body.route.get(body.done).and_then(|id| self.site.lane(*id));
        let state = if body.is_dead { "dead " } else { "" };
        match next {
            Some(lane) => format!("{state}between {} and {}", name(lane.from), name(lane.to)),
            None => format!("{state}at {}", name(body.at)),
        }
    }
}

fn radius_m(class: usize) -> f64 {
    CLASSES.get(class).map_or(0.0, |class| f64::from(class.0.0) / 1e3)
}

fn place_of(site: &CompiledSite, at: WaypointId) -> Place {
    let waypoint = site.waypoint(at);
    let (level, lift) = waypoint.map_or((LevelId(u32::MAX), None), |at| (at.level, at.lift));
    let (x_m, y_m) = waypoint.map_or((0.0, 0.0), |at| (at.at.x, at.at.y));
    Place { level, x_m, y_m, lift }
}

/// Distance from the origin to the segment between two points.
fn to_origin((ax, ay): (f64, f64), (bx, by): (f64, f64)) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let length2 = dx * dx + dy * dy;
    let share = if 0.0 < length2 { (-(ax * dx + ay * dy) / length2).clamp(0.0, 1.0) } else { 0.0 };
    let (x, y) = (ax + share * dx, ay + share * dy);
    (x * x + y * y).sqrt()
}
