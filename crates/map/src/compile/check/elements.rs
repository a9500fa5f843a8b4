//! Checks of what decisions rarely ask for: heights, stairs, obstacles, sensors, the fields of zones.

use std::fmt;

use super::Checker;
use crate::{
    error::MapError,
    model::{
        Connector, Door, Level, Lift, Obstacle, Room, Sensor, Strictness, Wall, Zone, ZoneActions, ZoneKind,
    },
    zones::Window,
};

/// From a floor to what is over it, metres.
const HEIGHT_M: (f64, f64) = (0.5, 1_000.0);
const TURN_RAD: (f64, f64) = (-100.0, 100.0);
const SPEED_MPS: (f64, f64) = (0.001, 100.0);

impl Checker<'_> {
    /// Everything in here.
    pub(super) fn elements(&mut self) {
        let site = self.site;
        if let Some(place) = site.georeference {
            self.range(format_args!("georeference"), "latitude_deg", place.latitude_deg, (-90.0, 90.0));
            self.range(format_args!("georeference"), "longitude_deg", place.longitude_deg, (-180.0, 180.0));
            self.range(format_args!("georeference"), "yaw_rad", place.yaw_rad, TURN_RAD);
        }
        self.unique("building", site.buildings.iter().map(|building| building.id.as_str()), |_| ());
        self.unique("connector", site.connectors.iter().map(|connector| connector.id.as_str()), |_| ());
        self.unique("obstacle", site.obstacles.iter().map(|obstacle| obstacle.id.as_str()), |_| ());
        self.unique("sensor", site.sensors.iter().map(|sensor| sensor.id.as_str()), |_| ());
        self.unique("roadmap", site.roadmaps.iter().map(|roadmap| roadmap.id.as_str()), |_| ());
        site.levels.iter().for_each(|level| self.level_heights(level));
        site.rooms.iter().for_each(|room| self.room_heights(room));
        site.walls.iter().for_each(|wall| self.wall_height(wall));
        site.doors.iter().for_each(|door| self.door_height(door));
        site.lifts.iter().for_each(|lift| self.lift_load(lift));
        site.connectors.iter().for_each(|connector| self.connector(connector));
        site.obstacles.iter().for_each(|obstacle| self.obstacle(obstacle));
        site.sensors.iter().for_each(|sensor| self.sensor(sensor));
        for waypoint in &site.waypoints {
            let element = format_args!("waypoint {:?}", waypoint.id);
            self.optional(element, "yaw_rad", waypoint.yaw_rad, TURN_RAD);
        }
        for lane in &site.lanes {
            let element = format_args!("lane {:?} to {:?}", lane.from, lane.to);
            self.optional(element, "height_m", lane.height_m, HEIGHT_M);
            self.optional(element, "length_m", lane.length_m, (0.0, 1e6));
        }
        site.zones.iter().for_each(|zone| self.zone_fields(zone));
    }

    fn optional(
        &mut self,
        element: fmt::Arguments<'_>,
        field: &'static str,
        value: Option<f64>,
        range: (f64, f64),
    ) {
        if let Some(value) = value {
            self.range(element, field, value, range);
        }
    }

    fn level_heights(&mut self, level: &Level) {
        let element = format_args!("level {:?}", level.id);
        self.optional(element, "height_m", level.height_m, HEIGHT_M);
        if let Some(building) = &level.building
            && !self.site.buildings.iter().any(|known| known.id == *building)
        {
            self.unknown(element, "building", building);
        }
    }

    fn room_heights(&mut self, room: &Room) {
        let element = format_args!("room {:?}", room.id);
        self.range(element, "floor_m", room.floor_m, (-100.0, 100.0));
        self.optional(element, "height_m", room.height_m, HEIGHT_M);
    }

    fn wall_height(&mut self, wall: &Wall) {
        let element = format_args!("the wall from {:?} to {:?}", wall.from, wall.to);
        self.optional(element, "height_m", wall.height_m, (0.0, HEIGHT_M.1));
    }

    fn door_height(&mut self, door: &Door) {
        let element = format_args!("door {:?}", door.id);
        self.optional(element, "clear_height_m", door.clear_height_m, HEIGHT_M);
        self.optional(element, "threshold_m", door.threshold_m, (0.0, 1.0));
    }

    fn lift_load(&mut self, lift: &Lift) {
        let element = format_args!("lift {:?}", lift.id);
        self.optional(element, "height_m", lift.height_m, HEIGHT_M);
        self.optional(element, "payload_kg", lift.payload_kg, (1.0, 1e6));
    }

    fn connector(&mut self, connector: &Connector) {
        let element = format_args!("connector {:?}", connector.id);
        self.range(element, "width_m", connector.width_m, (0.1, 1_000.0));
        for end in [&connector.from, &connector.to] {
            self.level_named(element, &end.level);
            self.point(element, "at", end.at);
            self.range(element, "height_m", end.height_m, (-100.0, 1_000.0));
        }
    }

    fn obstacle(&mut self, obstacle: &Obstacle) {
        let element = format_args!("obstacle {:?}", obstacle.id);
        self.level_named(element, &obstacle.level);
        self.ring(element, "polygon", &obstacle.polygon);
        self.optional(element, "height_m", obstacle.height_m, (0.0, HEIGHT_M.1));
    }

    fn sensor(&mut self, sensor: &Sensor) {
        let element = format_args!("sensor {:?}", sensor.id);
        self.level_named(element, &sensor.level);
        self.point(element, "at", sensor.at);
        self.range(element, "yaw_rad", sensor.yaw_rad, TURN_RAD);
        self.optional(element, "view_rad", sensor.view_rad, (0.0, std::f64::consts::TAU));
        self.range(element, "range_m", sensor.range_m, (0.01, 1_000.0));
    }

    /// A field is there when its kind asks for it, and only then.
    fn zone_fields(&mut self, zone: &Zone) {
        let element = format_args!("zone {:?}", zone.id);
        let kind = zone.kind;
        let weighs = matches!(kind, ZoneKind::Priority | ZoneKind::Penalty);
        let directs = matches!(kind, ZoneKind::Directed | ZoneKind::Bidirected);
        let limits = matches!(kind, ZoneKind::SpeedLimit | ZoneKind::QuietHours);
        let fields = [
            ("speed_limit_mps", zone.speed_limit_mps.is_some(), limits, kind == ZoneKind::SpeedLimit),
            ("weight", zone.weight.is_some(), weighs, weighs),
            ("direction_rad", zone.direction_rad.is_some(), directs, directs),
            ("actions", zone.actions != ZoneActions::default(), kind == ZoneKind::Action, false),
        ];
        for (field, is_there, may_be, must_be) in fields {
            if (is_there && !may_be) || (must_be && !is_there) {
                self.errors.push(MapError::ZoneField { zone: element.to_string(), kind, field, is_there });
            }
        }
        if kind == ZoneKind::Bidirected && zone.strictness == Strictness::Strict {
            self.errors.push(MapError::StrictBothWays { zone: element.to_string() });
        }
        self.optional(element, "speed_limit_mps", zone.speed_limit_mps, SPEED_MPS);
        self.optional(element, "weight", zone.weight, (0.0, 1.0));
        self.optional(element, "direction_rad", zone.direction_rad, TURN_RAD);
        for schedule in &zone.schedules {
            if let Err(value) = Window::new(schedule) {
                self.errors.push(MapError::NotATime { element: element.to_string(), value });
            }
        }
    }
}
