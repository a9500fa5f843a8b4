//! A small site without faults: two storeys with a lift, and a roof with stairs only.
//!
//! ```text
//! ground, y 6..12:  ward 0..10 │ store 10..20 (charger)
//!         y 0..6:   hall 0..20 with the front door in the west │ lift 20..22
//! upper,  y 0..6:   lounge 0..20                               │ lift 20..22
//! roof,   y 0..6:   plant 0..8; no robot gets there
//! ```

use sheepdog_core::Mm;
use sheepdog_map::{
    CompileOptions, FootprintClass, Site,
    import::ImportReport,
    lint::BuildingProfile,
    model::{
        Connector, ConnectorEnd, ConnectorKind, Door, Lane, Level, Lift, Obstacle, Role, Room, Station,
        Waypoint,
    },
};

/// What is checked.
pub(crate) struct Case {
    pub(crate) site: Site,
    pub(crate) options: CompileOptions,
    pub(crate) profile: BuildingProfile,
    pub(crate) imported: ImportReport,
}

pub(crate) fn stairs(id: &str, from: &str, to: &str, x: f64) -> Connector {
    let end = |level: &str| ConnectorEnd { level: level.to_owned(), at: [x, 1.0], height_m: 0.0 };
    Connector { id: id.to_owned(), kind: ConnectorKind::Stairs, from: end(from), to: end(to), width_m: 1.2 }
}

/// A rectangle as an obstacle.
pub(crate) fn block(id: &str, level: &str, [x0, y0]: [f64; 2], [x1, y1]: [f64; 2]) -> Obstacle {
    Obstacle::new(id, level, vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
}

impl Case {
    pub(crate) fn clean() -> Self {
        let mut site = Site::new("clean");
        for (number, level) in (0_u8..).zip(["ground", "upper", "roof"]) {
            site.levels.push(Level::new(level, 4.0 * f64::from(number)));
        }
        for (id, level, [x0, y0, x1, y1]) in [
            ("hall", "ground", [0.0, 0.0, 20.0, 6.0]),
            ("ward", "ground", [0.0, 6.0, 10.0, 12.0]),
            ("store", "ground", [10.0, 6.0, 20.0, 12.0]),
            ("lounge", "upper", [0.0, 0.0, 20.0, 6.0]),
            ("plant", "roof", [0.0, 0.0, 8.0, 6.0]),
        ] {
            site.rooms.push(Room::rectangle(id, level, x0, y0, x1, y1).walled());
        }
        let front = Door::new("front", "ground", [0.0, 2.4], [0.0, 3.8]).as_exit();
        site.doors.push(Door { signed: Some(true), ..front });
        site.doors.push(Door::new("ward-door", "ground", [4.0, 6.0], [5.2, 6.0]));
        site.doors.push(Door::new("store-door", "ground", [14.0, 6.0], [15.2, 6.0]));
        let lift = Lift::new("lift", [21.05, 3.0], 2.0, 2.0);
        let lift = lift.with_door("ground", [20.02, 2.4], [20.02, 3.6]);
        site.lifts.push(lift.with_door("upper", [20.02, 2.4], [20.02, 3.6]));
        site.connectors.push(stairs("stairs", "ground", "upper", 18.0));
        site.connectors.push(stairs("roof-stairs", "upper", "roof", 2.0));
        let at = |id: &str, level: &str, x: f64, y: f64| Waypoint::new(id, level, x, y);
        site.waypoints = vec![
            at("h1", "ground", 4.6, 3.0),
            at("h2", "ground", 14.6, 3.0),
            at("w", "ground", 4.6, 9.0),
            at("s", "ground", 14.6, 9.0).with_role(Role::Charger).with_role(Role::Parking),
            at("lb", "ground", 18.0, 3.0).with_role(Role::Holding),
            at("lg", "ground", 21.05, 3.0).in_lift("lift"),
            at("lu", "upper", 21.05, 3.0).in_lift("lift"),
            at("ub", "upper", 18.0, 3.0),
            at("ul", "upper", 4.0, 3.0),
        ];
        for (from, to) in
            [("h1", "h2"), ("h1", "w"), ("h2", "s"), ("h2", "lb"), ("lb", "lg"), ("lu", "ub"), ("ub", "ul")]
        {
            site.lanes.push(Lane::two_way(from, to));
        }
        site.stations.push(Station::new("ward", "w"));
        site.stations.push(Station::new("lounge", "ul"));
        let class = FootprintClass::round("robot", Mm(250), Mm(150));
        Self {
            site,
            options: CompileOptions::new(vec![class]),
            profile: BuildingProfile::default(),
            imported: ImportReport::default(),
        }
    }

    pub(crate) fn door(&mut self, id: &str) -> &mut Door {
        found(&mut self.site, |site| &mut site.doors, |door| door.id == id)
    }

    pub(crate) fn room(&mut self, id: &str) -> &mut Room {
        found(&mut self.site, |site| &mut site.rooms, |room| room.id == id)
    }

    pub(crate) fn waypoint(&mut self, id: &str) -> &mut Waypoint {
        found(&mut self.site, |site| &mut site.waypoints, |waypoint| waypoint.id == id)
    }

    pub(crate) fn lane(&mut self, from: &str, to: &str) -> &mut Lane {
        found(&mut self.site, |site| &mut site.lanes, |lane| lane.from == from && lane.to == to)
    }

    /// A waypoint on the ground floor with a station of its name, and a lane to another one.
    pub(crate) fn spur(&mut self, id: &str, at: [f64; 2], to: &str) {
        self.site.waypoints.push(Waypoint::new(id, "ground", at[0], at[1]));
        self.site.stations.push(Station::new(id, id));
        self.site.lanes.push(Lane::two_way(id, to));
    }

    pub(crate) fn reverse_tables(&mut self) {
        let site = &mut self.site;
        site.levels.reverse();
        site.rooms.reverse();
        site.walls.reverse();
        site.doors.reverse();
        site.lifts.reverse();
        site.connectors.reverse();
        site.obstacles.reverse();
        site.sensors.reverse();
        site.waypoints.reverse();
        site.lanes.reverse();
        site.stations.reverse();
        site.zones.reverse();
    }

    /// Some points of the site, to be moved.
    pub(crate) fn places(&mut self) -> Vec<&mut [f64; 2]> {
        let site = &mut self.site;
        let corners = site.rooms.iter_mut().flat_map(|room| room.polygon.iter_mut());
        let doors = site.doors.iter_mut().flat_map(|door| [&mut door.from, &mut door.to]);
        let waypoints = site.waypoints.iter_mut().map(|waypoint| &mut waypoint.at);
        corners.chain(doors).chain(waypoints).chain(site.lifts.iter_mut().map(|lift| &mut lift.at)).collect()
    }
}

/// An element of a table. One that an earlier change took away comes back first, so that any changes combine.
fn found<T: Clone>(
    site: &mut Site,
    table: fn(&mut Site) -> &mut Vec<T>,
    wanted: impl Fn(&T) -> bool,
) -> &mut T {
    let place = table(site).iter().position(&wanted).unwrap_or_else(|| {
        let clean = table(&mut Case::clean().site).iter().find(|element| wanted(element)).unwrap().clone();
        table(site).push(clean);
        table(site).len() - 1
    });
    &mut table(site)[place]
}
