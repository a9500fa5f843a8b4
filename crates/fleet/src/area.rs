//! What the area of a stop covers: places, lifts and robots.

use sheepdog_core::{AgentId, LaneId, LevelId, LiftId, ZoneId, wire::StopScope};
use sheepdog_map::{ClassClaims, CompiledSite, Resource, Waypoint};

use crate::{fleet::Fleet, state::AgentState};

/// Whether lanes lead robots of a footprint class into the area of a stop.
///
/// A level has its lifts with it: nobody gets into a cabin that could take them there, or that somebody who is stopped
/// has to leave.
pub(crate) fn leads_into(site: &CompiledSite, class: usize, scope: StopScope, lanes: &[LaneId]) -> bool {
    let ends = || lanes.iter().filter_map(|lane| site.waypoint(site.lane(*lane)?.to));
    match scope {
        StopScope::Site => !lanes.is_empty(),
        StopScope::Level(level) => ends().any(|to| to.level == level || is_in_lift_to(site, to, level)),
        StopScope::Agent(_) => false,
        StopScope::Zone(zone) => site
            .classes()
            .get(class)
            .is_none_or(|class| lanes.iter().any(|lane| is_along(class, *lane, zone))),
    }
}

fn is_in_lift_to(site: &CompiledSite, waypoint: &Waypoint, level: LevelId) -> bool {
    waypoint.lift.and_then(|lift| site.lift(lift)).is_some_and(|lift| lift.serves(level))
}

fn is_along(class: &ClassClaims, lane: LaneId, zone: ZoneId) -> bool {
    class.zones_along(lane).contains(&zone)
}

/// Whether the area of a stop has a lift's cabin in it.
pub(crate) fn covers_lift(site: &CompiledSite, scope: StopScope, lift: LiftId) -> bool {
    let Some(lift) = site.lift(lift) else { return false };
    match scope {
        StopScope::Site => true,
        StopScope::Level(level) => lift.serves(level),
        StopScope::Agent(_) => false,
        StopScope::Zone(zone) => {
            let cabin = || lift.stops.iter().filter_map(|stop| stop.waypoint);
            site.classes().iter().any(|class| cabin().any(|at| class.zones_at(at).contains(&zone)))
        }
    }
}

impl Fleet {
    /// Whether a robot is in the area of a stop by its last report, or may get there with what it was released.
    pub(crate) fn is_in(&self, scope: StopScope, id: AgentId, agent: &AgentState) -> bool {
        let Some(robot) = &agent.robot else { return false };
        match scope {
            StopScope::Site => true,
            StopScope::Level(level) => robot.pose.level == level || self.has_lift_to(id, level),
            StopScope::Agent(agent) => agent == id,
            StopScope::Zone(zone) => self.site.classes().get(robot.class).is_none_or(|class| {
                class.zones_at(agent.profile.at).contains(&zone)
                    || robot.ahead().iter().any(|lane| is_along(class, *lane, zone))
            }),
        }
    }

    /// Whether a robot holds a lift that serves a level: it is in the cabin, or may get in.
    fn has_lift_to(&self, agent: AgentId, level: LevelId) -> bool {
        let held = self.executor.held(agent);
        let mut held = held.iter().filter_map(|resource| self.site.resource(*resource));
        held.any(|resource| match resource {
            Resource::Lift(lift) => self.site.lift(*lift).is_some_and(|lift| lift.serves(level)),
            Resource::Place(_)
            | Resource::Overlap(..)
            | Resource::Door(_)
            | Resource::Corridor(_)
            | Resource::Group(_) => false,
        })
    }
}
