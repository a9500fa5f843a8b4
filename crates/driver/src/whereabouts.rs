//! Whether an order for an area concerns this robot.

use nalgebra::Point2;
use sheepdog_core::{AgentId, LaneId, LevelId, LiftId, WaypointId, ZoneId, wire::StopScope};
use sheepdog_map::CompiledSite;

/// Where a robot is and where it may go, as far as it knows itself.
#[derive(Clone, Debug)]
pub(crate) struct Whereabouts<'a> {
    pub(crate) agent: AgentId,
    /// The level its own sensors witness.
    pub(crate) level: LevelId,
    /// Its centre, and how far from there its footprint may reach, metres; `None` when it does not know.
    pub(crate) place: Option<(Point2<f64>, f64)>,
    /// Its footprint class.
    pub(crate) class: usize,
    pub(crate) site: &'a CompiledSite,
    /// Lanes it was released to drive and has not completed.
    pub(crate) ahead: Vec<LaneId>,
}

impl Whereabouts<'_> {
    /// Whether the robot is in the area, or may get there with what it was released. In doubt it is.
    pub(crate) fn is_in(&self, scope: StopScope) -> bool {
        match scope {
            StopScope::Site => true,
            StopScope::Level(level) => self.level == level || self.is_in_lift_to(level),
            StopScope::Agent(agent) => self.agent == agent,
            StopScope::Zone(zone) => self.is_in_zone(zone),
        }
    }

    /// A level has the cabins of its lifts with it: a robot in one comes out there, or keeps others from getting out.
    fn is_in_lift_to(&self, level: LevelId) -> bool {
        let lifts = (0..).map(LiftId).zip(self.site.lifts());
        lifts.filter(|(_, lift)| lift.serves(level)).any(|(id, lift)| {
            let inside = self.place.is_none_or(|(at, reach_m)| lift.is_within(at, reach_m));
            (lift.serves(self.level) && inside) || self.ahead.iter().any(|lane| self.touches(*lane, id))
        })
    }

    fn touches(&self, lane: LaneId, lift: LiftId) -> bool {
        let is_inside = |at: WaypointId| self.site.waypoint(at).is_none_or(|at| at.lift == Some(lift));
        self.site.lane(lane).is_none_or(|lane| is_inside(lane.from) || is_inside(lane.to))
    }

    fn is_in_zone(&self, id: ZoneId) -> bool {
        let Some(zone) = self.site.zone(id) else { return true };
        let inside = self.place.is_none_or(|(at, reach_m)| zone.is_within(at, reach_m));
        let class = self.site.classes().get(self.class);
        let leads_in = |lane: &LaneId| class.is_none_or(|class| class.zones_along(*lane).contains(&id));
        (zone.level == self.level && inside) || self.ahead.iter().any(leads_in)
    }
}

#[cfg(test)]
mod tests {
    use sheepdog_core::Mm;
    use sheepdog_map::{
        CompileOptions, FootprintClass, Site,
        model::{Lane, Level, Lift, Waypoint, Zone, ZoneKind},
    };

    use super::*;

    const ROBOT: AgentId = AgentId(1);

    /// Two levels of a corridor along x with a lift at its end, a third level that no lift serves, and a zone.
    fn site() -> CompiledSite {
        let mut site = Site::new("three levels");
        let mut lift = Lift::new("lift", [10.0, 0.0], 2.0, 2.0);
        for level in ["0", "1", "2"] {
            site.levels.push(Level::new(level, 0.0));
        }
        for level in ["0", "1"] {
            lift = lift.with_door(level, [9.0, -0.5], [9.0, 0.5]);
            for (name, x_m) in [("a", 0.0), ("b", 4.0), ("c", 8.0)] {
                site.waypoints.push(Waypoint::new(format!("{name}{level}"), level, x_m, 0.0));
            }
            site.waypoints.push(Waypoint::new(format!("cabin{level}"), level, 10.0, 0.0).in_lift("lift"));
            for (from, to) in [("a", "b"), ("b", "c"), ("c", "cabin")] {
                site.lanes.push(Lane::two_way(format!("{from}{level}"), format!("{to}{level}")));
            }
        }
        site.lifts.push(lift);
        site.zones.push(Zone::rectangle("z", "0", ZoneKind::Stop, [3.0, -1.0], [5.0, 1.0]));
        let class = FootprintClass::round("r", Mm(300), Mm(100));
        site.compile(&CompileOptions { spacing: Mm(100_000), ..CompileOptions::new(vec![class]) }).unwrap()
    }

    fn at(site: &CompiledSite, level: u32, place: Option<f64>) -> Whereabouts<'_> {
        let place = place.map(|x_m| (Point2::new(x_m, 0.0), 0.4));
        Whereabouts { agent: ROBOT, level: LevelId(level), place, class: 0, site, ahead: Vec::new() }
    }

    fn lane(site: &CompiledSite, from: &str, to: &str) -> LaneId {
        let (from, to) = (site.waypoint_named(from), site.waypoint_named(to));
        let named = |lane: &sheepdog_map::Lane| Some(lane.from) == from && Some(lane.to) == to;
        let index = site.lanes().iter().position(named).unwrap();
        LaneId(u32::try_from(index).unwrap())
    }

    #[test]
    fn a_robot_is_in_a_zone_that_its_footprint_reaches() {
        let (site, zone) = (site(), StopScope::Zone(ZoneId(0)));
        assert!(!at(&site, 0, Some(2.5)).is_in(zone));
        assert!(at(&site, 0, Some(2.6)).is_in(zone), "its edge is at the zone");
        assert!(at(&site, 0, Some(4.0)).is_in(zone));
        assert!(!at(&site, 1, Some(4.0)).is_in(zone), "the zone is on another level");
    }

    #[test]
    fn a_robot_in_doubt_is_in_the_zone() {
        let (site, zone) = (site(), StopScope::Zone(ZoneId(0)));
        assert!(at(&site, 0, None).is_in(zone), "it does not know where it is");
        assert!(at(&site, 0, Some(0.0)).is_in(StopScope::Zone(ZoneId(7))), "it does not know the zone");
        let released = Whereabouts { ahead: vec![lane(&site, "a0", "b0")], ..at(&site, 0, Some(0.0)) };
        assert!(released.is_in(zone), "its release leads there");
    }

    #[test]
    fn a_level_has_the_cabins_of_its_lifts_with_it() {
        let site = site();
        for level in [0, 1] {
            let other = StopScope::Level(LevelId(1 - level));
            assert!(at(&site, level, Some(10.0)).is_in(other), "it stands in the cabin");
            assert!(at(&site, level, Some(8.7)).is_in(other), "it stands on the sill");
            assert!(!at(&site, level, Some(8.0)).is_in(other));
            assert!(at(&site, level, None).is_in(other), "it may be in the cabin");
        }
        let released = Whereabouts { ahead: vec![lane(&site, "c1", "cabin1")], ..at(&site, 1, Some(8.0)) };
        assert!(released.is_in(StopScope::Level(LevelId(0))), "its release leads into the cabin");
        assert!(!at(&site, 2, None).is_in(StopScope::Level(LevelId(0))), "no lift joins the levels");
        assert!(!released.is_in(StopScope::Level(LevelId(2))));
    }
}
