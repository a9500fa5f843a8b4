//! For each lint the least change of the clean site that it finds.

use sheepdog_map::{
    import::{LevelImport, LiftDoorName, RasterReading, SharedName},
    model::{
        Connector, ConnectorEnd, ConnectorKind, Door, DoorControl, DoorKind, Lane, Lift, Role, Room,
        Schedule, Sensor, SensorKind, Station, StationKind, Swing, Wall, Waypoint, Zone, ZoneKind,
    },
};

use crate::clean::{Case, block};

pub(crate) type Mutation = (&'static str, fn(&mut Case));

fn wall(case: &mut Case, from: [f64; 2], to: [f64; 2]) {
    case.site.walls.push(Wall::new("roof", from, to));
}

fn level(case: &mut Case, residual_m: f64, scales: Vec<f64>, fiducials: Option<usize>) {
    case.imported.levels.push(LevelImport {
        name: "upper".to_owned(),
        scale: 0.05,
        rotation_rad: 0.0,
        translation_m: [0.0, 0.0],
        residual_m,
        scales,
        fiducials,
    });
}

fn raster(case: &mut Case, yaw_rad: f64, unknown_as_free: Option<usize>) {
    let (occupied_thresh, free_thresh) = (0.65, 0.25);
    case.imported.raster =
        Some(RasterReading { occupied_thresh, free_thresh, yaw_rad, unknown_as_free, is_scale: false });
}

fn sensor(case: &mut Case, level: &str, at: [f64; 2], range_m: f64) {
    case.site.sensors.push(Sensor {
        id: "eye".to_owned(),
        level: level.to_owned(),
        at,
        yaw_rad: 0.0,
        view_rad: None,
        range_m,
        kind: SensorKind::Camera,
    });
}

fn zone(case: &mut Case, id: &str, level: &str, kind: ZoneKind, from: [f64; 2], to: [f64; 2]) -> usize {
    case.site.zones.push(Zone::rectangle(id, level, kind, from, to));
    case.site.zones.len() - 1
}

pub(crate) const MUTATIONS: &[Mutation] = &[
    ("A401", |case| level(case, 0.0, Vec::new(), Some(1))),
    ("A402", |case| level(case, 0.021, Vec::new(), Some(3))),
    ("A403", |case| level(case, 0.0, vec![0.0502, 0.0506], Some(3))),
    ("A404", |case| raster(case, 0.1, None)),
    ("A405", |case| raster(case, 0.0, Some(0))),
    ("A406", |case| case.imported.dropped.push(("levels[].models".to_owned(), 3))),
    ("B101", |case| case.door("front").clear_width_m = Some(1.1)),
    ("B102", |case| {
        let front = case.door("front");
        (front.kind, front.swing) = (DoorKind::Hinged, Swing::Right);
    }),
    ("B103", |case| case.spur("post", [0.9, 3.1], "h1")),
    ("B104", |case| case.profile.building.escape_distance_mm = 12_000),
    ("B105", |case| {
        case.site.obstacles.push(block("north", "ground", [8.0, 3.55], [10.0, 4.5]));
        case.site.obstacles.push(block("south", "ground", [8.0, 1.5], [10.0, 2.45]));
    }),
    ("B106", |case| case.profile.robot.turning_radius_mm = Some(3_100)),
    ("B107", |case| {
        let end = |x, height_m| ConnectorEnd { level: "roof".to_owned(), at: [x, 4.0], height_m };
        let (from, to) = (end(2.0, 0.0), end(4.0, 0.2));
        case.site.connectors.push(Connector {
            id: "ramp".to_owned(),
            kind: ConnectorKind::Ramp,
            from,
            to,
            width_m: 1.2,
        });
    }),
    ("B108", |case| case.door("ward-door").clear_height_m = Some(1.55)),
    ("B109", |case| case.door("front").clear_height_m = Some(1.95)),
    ("B110", |case| case.door("front").signed = Some(false)),
    ("B111", |case| case.door("front").signed = None),
    ("B112", |case| case.site.connectors.retain(|stairs| stairs.id != "roof-stairs")),
    ("B113", |case| case.door("ward-door").threshold_m = Some(0.02)),
    ("B114", |case| case.room("ward").floor_m = 0.1),
    ("B115", |case| case.door("front").control = DoorControl::Badge),
    ("B116", |case| case.site.rooms.push(Room::rectangle("vault", "roof", 20.0, 0.0, 24.0, 4.0).walled())),
    ("B117", |case| case.site.obstacles.push(block("desk", "ground", [0.3, 2.8], [0.8, 3.2]))),
    ("B118", |case| case.site.connectors[0].width_m = 0.9),
    ("B119", |case| {
        zone(case, "lane", "ground", ZoneKind::FireLane, [6.0, 0.5], [12.0, 1.5]);
    }),
    ("G001", |case| case.site.levels[0].elevation_m = f64::NAN),
    ("G002", |case| case.room("plant").polygon = vec![[0.0, 0.0], [8.0, 0.0], [2.0, 5.0], [6.0, 5.0]]),
    ("G003", |case| case.room("plant").polygon.reverse()),
    ("G004", |case| case.site.rooms.push(Room::rectangle("annex", "roof", 7.0, 0.0, 12.0, 6.0))),
    ("G005", |case| {
        wall(case, [0.0, 3.0], [3.0, 3.0]);
        wall(case, [3.0, 3.0], [3.04, 3.0]);
        wall(case, [3.04, 3.0], [8.0, 3.0]);
    }),
    ("G006", |case| wall(case, [0.0, 3.0], [3.0, 3.0])),
    ("G007", |case| case.site.doors.push(Door::new("lost", "roof", [3.0, 3.0], [4.2, 3.0]))),
    ("G008", |case| {
        case.site.doors.push(Door::new("back", "roof", [8.0, 2.0], [8.0, 3.2]));
        case.site.obstacles.push(block("crate", "roof", [7.8, 2.4], [8.2, 2.8]));
    }),
    ("G009", |case| {
        case.site.rooms.retain(|room| room.id != "plant");
        for (id, [x0, y0, x1, y1]) in [
            ("south", [0.0, 0.0, 8.0, 2.9]),
            ("north", [0.0, 3.0, 8.0, 6.0]),
            ("west", [-2.0, 0.0, 0.0, 6.0]),
            ("east", [8.0, 0.0, 10.0, 6.0]),
        ] {
            case.site.rooms.push(Room::rectangle(id, "roof", x0, y0, x1, y1));
        }
    }),
    ("G010", |case| {
        wall(case, [0.0, 3.0], [8.0, 3.0]);
        wall(case, [4.0, 0.0], [4.0, 6.0]);
    }),
    ("G011", |case| case.room("plant").polygon = vec![[0.0, 0.0], [8.0, 0.0], [0.0, 0.0]]),
    ("G012", |case| case.room("plant").holes.push(vec![[20.0, 0.0], [21.0, 0.0], [21.0, 1.0]])),
    ("G013", |case| wall(case, [3.0, 3.0], [3.0, 3.0])),
    ("G014", |case| {
        wall(case, [0.0, 3.0], [8.0, 3.0]);
        wall(case, [8.0, 3.0], [0.0, 3.0]);
    }),
    // Two equal holes: the areas of the parts no longer bound the area of the whole.
    ("G015", |case| {
        let hole = vec![[3.0, 3.0], [5.0, 3.0], [5.0, 5.0], [3.0, 5.0]];
        case.room("plant").holes = vec![hole.clone(), hole];
    }),
    ("G016", |case| case.site.schema = 99),
    ("G017", |case| case.site.doors.push(Door::new("twin", "ground", [4.1, 6.0], [5.3, 6.0]))),
    ("L301", |case| case.site.waypoints.push(Waypoint::new("lr", "roof", 21.05, 3.0).in_lift("lift"))),
    ("L302", |case| case.waypoint("lu").at = [20.5, 3.0]),
    ("L303", |case| case.site.lifts[0].depth_m = 0.55),
    ("L304", |case| {
        case.imported.lift_doors.push(LiftDoorName { lift: "lift".to_owned(), door: "name".to_owned() });
    }),
    ("L305", |case| {
        for (id, x) in [("r1", 2.0), ("r2", 6.0)] {
            case.site.waypoints.push(Waypoint::new(id, "roof", x, 4.0));
            case.site.stations.push(Station::new(id, id));
        }
        case.site.lanes.push(Lane::two_way("r1", "r2"));
    }),
    ("L306", |case| {
        let other =
            Lift::new("other", [21.05, 8.0], 2.0, 2.0).with_door("ground", [20.02, 7.4], [20.02, 8.6]);
        case.site.lifts.push(other);
        case.site.waypoints.push(Waypoint::new("og", "ground", 21.05, 8.0).in_lift("other"));
        case.site.lanes.push(Lane::two_way("lg", "og"));
    }),
    ("L307", |case| {
        let door = &mut case.site.lifts[0].doors[0];
        (door.from, door.to) = ([18.0, 2.4], [18.0, 3.6]);
    }),
    ("L308", |case| {
        let lift = case.site.lifts.remove(0);
        case.site.lifts.push(lift.with_door("roof", [20.02, 2.4], [20.02, 3.6]));
    }),
    ("L309", |case| case.site.lifts[0].payload_kg = Some(150.0)),
    ("R201", |case| case.site.obstacles.push(block("box", "ground", [9.0, 2.9], [9.5, 3.1]))),
    ("R202", |case| {
        case.site.lifts[0].at[0] += 0.15;
        case.waypoint("lg").at[0] += 0.15;
        case.waypoint("lu").at[0] += 0.15;
    }),
    ("R203", |case| case.site.obstacles.push(block("box", "ground", [9.0, 3.15], [9.5, 3.5]))),
    ("R204", |case| case.door("ward-door").clear_width_m = Some(0.55)),
    ("R205", |case| {
        case.spur("x1", [6.0, 1.0], "x2");
        case.site.waypoints.push(Waypoint::new("x2", "ground", 10.0, 1.0).with_role(Role::Holding));
    }),
    ("R206", |case| case.lane("h1", "w").bidirectional = false),
    ("R207", |case| case.site.waypoints.push(Waypoint::new("alone", "ground", 9.0, 1.0))),
    ("R208", |case| {
        case.spur("c1", [9.0, 1.0], "h1");
        case.spur("c2", [9.0, 5.0], "c1");
    }),
    ("R209", |case| case.site.rooms.push(Room::rectangle("hall", "roof", 20.0, 0.0, 24.0, 4.0))),
    ("R210", |case| case.waypoint("s").roles = vec![Role::Parking]),
    ("R211", |case| case.site.lanes.push(Lane::two_way("h1", "w"))),
    ("R212", |case| case.door("ward-door").control = DoorControl::Manual),
    ("R213", |case| case.lane("h1", "w").length_m = Some(6.13)),
    ("R214", |case| {
        case.room("ward").walled = false;
        case.waypoint("w").at = [4.6, 11.9];
    }),
    ("R215", |case| case.site.lanes.push(Lane::two_way("h1", "ul"))),
    ("R216", |case| case.waypoint("s").roles.push(Role::Passthrough)),
    ("R217", |case| case.site.stations.push(Station::new("cabin", "lg"))),
    ("R218", |case| case.site.stations.push(Station::new("gone", "nowhere"))),
    ("R219", |case| case.spur("same", [4.6, 3.0], "h1")),
    ("R220", |case| case.spur("near", [14.62, 3.0], "lb")),
    ("R221", |case| {
        case.spur("c1", [9.0, 1.0], "h1");
        case.spur("on", [9.0, 3.02], "c1");
        // It ends just before the lane that it seems to join.
        case.waypoint("on").at = [9.0, 2.96];
    }),
    ("R222", |case| {
        case.site.waypoints.iter_mut().for_each(|waypoint| waypoint.roles.clear());
        case.site.stations.push(Station::new("charge", "s").of_kind(StationKind::Charger));
    }),
    ("S601", |case| sensor(case, "upper", [18.0, 3.0], 6.0)),
    ("S602", |case| sensor(case, "roof", [12.0, 3.0], 2.0)),
    ("S603", |case| {
        sensor(case, "roof", [1.0, 3.0], 9.0);
        zone(case, "bath", "roof", ZoneKind::Privacy, [5.0, 3.0], [7.0, 5.0]);
    }),
    ("Z501", |case| {
        for (id, x) in [("east", 6.0), ("west", 8.0)] {
            let index = zone(case, id, "ground", ZoneKind::Directed, [x, 1.0], [x + 4.0, 2.0]);
            case.site.zones[index].direction_rad = Some(x);
        }
    }),
    ("Z502", |case| {
        zone(case, "far", "ground", ZoneKind::Stop, [40.0, 40.0], [42.0, 42.0]);
    }),
    ("Z503", |case| {
        zone(case, "quarantine", "ground", ZoneKind::HumanOnly, [3.0, 6.5], [6.0, 7.5]);
    }),
    ("Z504", |case| {
        zone(case, "bed", "ground", ZoneKind::Blocked, [4.0, 8.5], [5.2, 9.5]);
    }),
    ("Z505", |case| {
        zone(case, "slow", "ground", ZoneKind::SpeedLimit, [3.0, 1.0], [6.0, 5.0]);
    }),
    ("Z506", |case| {
        case.site.doors.push(Door::new("side", "ground", [10.0, 8.0], [10.0, 9.2]));
        let index = zone(case, "lamp", "ground", ZoneKind::UvC, [0.0, 6.0], [10.0, 12.0]);
        case.site.zones[index].doors.push("ward-door".to_owned());
    }),
];

/// Other ways to the same findings.
pub(crate) const MORE: &[Mutation] = &[
    ("A403", |case| level(case, 0.0, vec![0.0506], None)),
    ("B107", |case| {
        // 60 mm in a metre: fit for people, too steep for the robots whose lane leads over it.
        let end = |x, height_m| ConnectorEnd { level: "ground".to_owned(), at: [x, 3.0], height_m };
        let (from, to) = (end(8.0, 0.0), end(10.0, 0.12));
        case.site.connectors.push(Connector {
            id: "ramp".to_owned(),
            kind: ConnectorKind::Ramp,
            from,
            to,
            width_m: 1.2,
        });
    }),
    ("B108", |case| case.room("ward").height_m = Some(1.5)),
    ("B108", |case| case.site.lifts[0].height_m = Some(1.5)),
    ("B108", |case| case.lane("h1", "w").height_m = Some(1.5)),
    ("B116", |case| case.profile.building.person_radius_mm = 2_000_000),
    ("G003", |case| case.room("plant").holes.push(vec![[3.0, 3.0], [5.0, 3.0], [5.0, 5.0], [3.0, 5.0]])),
    ("L302", |case| case.waypoint("lu").at = [19.0, 3.0]),
    ("L304", |case| {
        for lift in ["lift", "other"] {
            case.imported.lift_doors.push(LiftDoorName { lift: lift.to_owned(), door: "shaft".to_owned() });
        }
    }),
    ("R202", |case| {
        let mut polygon = case.room("ward").polygon.clone();
        polygon.splice(2..2, [[10.0, 8.0], [3.0, 8.0], [3.0, 8.5], [10.0, 8.5]]);
        (case.room("ward").polygon, case.room("ward").walled) = (polygon, false);
    }),
    ("R205", |case| {
        let lane = case.lane("h1", "w");
        (lane.from, lane.to, lane.bidirectional) = ("w".to_owned(), "h1".to_owned(), false);
    }),
    ("R205", |case| case.room("plant").served = true),
    ("R207", |case| case.site.stations.retain(|station| station.id != "ward")),
    ("R209", |case| {
        let became = ["a@L1".to_owned(), "a@L2".to_owned()].to_vec();
        case.imported.shared_names.push(SharedName { kind: "waypoint", name: "a".to_owned(), became });
    }),
    ("R213", |case| {
        // Two lanes in a row, off by the same factor: one finding.
        case.lane("h1", "w").length_m = Some(12.0);
        case.lane("h1", "h2").length_m = Some(20.0);
    }),
    ("R217", |case| {
        case.lane("h1", "w").corridor = Some("tube".to_owned());
        case.spur("behind", [7.0, 9.0], "w");
        case.lane("behind", "w").corridor = Some("tube".to_owned());
    }),
    ("Z505", |case| {
        let index = zone(case, "calm", "ground", ZoneKind::QuietHours, [3.0, 1.0], [6.0, 5.0]);
        case.site.zones[index].schedules.push(Schedule {
            days: Vec::new(),
            from: "25:00".to_owned(),
            to: "06:00".to_owned(),
        });
    }),
];
