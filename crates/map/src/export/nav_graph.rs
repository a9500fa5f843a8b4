//! Open-RMF navigation graphs: waypoints, directed lanes, doors and lifts, one graph a file.
//!
//! Its reader refuses repeated names, lanes from cabin to cabin, and waypoints of one lift that are more than 0.1 m apart;
//! so does the check of the site before this. A lane names the first door that it crosses, found in metres.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    geometry::{Point, crossing_share, segments_meet},
    model::{Door, Orientation, Role, Site, Station, StationKind, Waypoint},
};

use super::{
    ExportError, ExportFile, ExportOptions, ExportReport, Exported, name,
    network::{Directed, Network, Written, indices, levels, roadmaps},
    report::Leaf,
    text::{number, quoted},
};

pub(super) fn export(site: &Site, options: &ExportOptions<'_>) -> Exported {
    let mut report = ExportReport::default();
    let mut written = Written::default();
    let (mut files, mut names) = (Vec::new(), name::Names::new(options.name));
    let graphs = roadmaps(site, options)?;
    let levels = levels(site, options)?;
    let is_here = |level: &str| levels.contains(&level);
    for roadmap in &graphs {
        let network = Network::of(site, *roadmap, options.level);
        if network.ways.is_empty() {
            return Err(ExportError::Nothing { what: "waypoint", place: String::new() });
        }
        written.add_network(&network);
        let part = roadmap.filter(|_| 1 < graphs.len());
        let text =
            Graph { site, levels: &levels, network: &network, written: &mut written, report: &mut report }
                .text();
        files.push(ExportFile::new(names.with_parts(part), text));
    }
    written.add("level", indices(&site.levels, |level| is_here(&level.id)));
    written.add("door", indices(&site.doors, |door| is_here(&door.level)));
    written.add("lift", 0..site.lifts.len());
    let several = 1 < graphs.len();
    report.tally(site, |leaf| is_carried(leaf, several, &written));
    Ok((files, report))
}

fn is_carried(leaf: &Leaf<'_>, several: bool, written: &Written) -> bool {
    match (leaf.table, leaf.field) {
        ("", "name") => true,
        ("station", "id") => written.has("station", leaf.index) || written.has("machine", leaf.index),
        ("station", "waypoint" | "kind") => {
            ["station", "machine", "charger"].iter().any(|table| written.has(table, leaf.index))
        }
        ("lane", "roadmap") => several && written.has("lane", leaf.index),
        ("level", "id")
        | ("door", "id" | "level" | "from" | "to")
        | ("lift", "id" | "at" | "yaw_rad" | "width_m" | "depth_m")
        | ("waypoint", "id" | "level" | "at" | "roles" | "lift" | "mutex")
        | (
            "lane",
            "from" | "to" | "bidirectional" | "speed_limit_mps" | "corridor" | "mutex" | "orientation",
        ) => written.has(leaf.table, leaf.index),
        _ => false,
    }
}

/// The flag for the one mutex group that a graph can name; a one-lane corridor is a group to it.
fn mutex(groups: &[&str], of: impl Fn() -> String, report: &mut ExportReport) -> Option<String> {
    if 1 < groups.len() {
        let message =
            format!("it is in the mutex groups {}; a graph names one, the first", groups.join(", "));
        report.warn(of(), message);
    }
    groups.first().map(|group| format!("mutex: {}", quoted(group)))
}

struct Graph<'a, 'b> {
    site: &'a Site,
    levels: &'b [&'a str],
    network: &'b Network<'a>,
    written: &'b mut Written,
    report: &'b mut ExportReport,
}

impl Graph<'_, '_> {
    fn text(&mut self) -> String {
        let mut out = format!("building_name: {}\nlevels:\n", quoted(&self.site.name));
        let mut renamed = 0_usize;
        for level in self.levels {
            let ways: Vec<&Waypoint> =
                self.network.ways.iter().map(|(_, way)| *way).filter(|way| way.level == *level).collect();
            let numbers: BTreeMap<&str, usize> =
                ways.iter().zip(0..).map(|(way, number)| (way.id.as_str(), number)).collect();
            let vertices: Vec<String> =
                ways.iter().zip(0..).map(|(way, number)| self.vertex(way, number, &mut renamed)).collect();
            let directed: Vec<Directed<'_>> =
                self.network.directed().filter(|directed| directed.from.level == *level).collect();
            let lanes: Vec<String> = directed.iter().map(|directed| self.lane(directed, &numbers)).collect();
            let _ =
                write!(out, "  {}:{}{}", quoted(level), list("vertices", &vertices), list("lanes", &lanes));
            out.push('\n');
        }
        if 0 < renamed {
            self.report.warn(
                "waypoint",
                format!("{renamed} waypoints without a station are written with their names, which makes them places"),
            );
        }
        out.push_str(&self.doors());
        out.push_str(&self.lifts());
        out
    }

    fn vertex(&mut self, way: &Waypoint, number_on_level: usize, renamed: &mut usize) -> String {
        let here: Vec<(usize, &Station)> =
            self.network.stations.iter().copied().filter(|(_, station)| station.waypoint == way.id).collect();
        let place = here.iter().find(|(_, station)| station.id == way.id);
        let mut flags = Vec::new();
        if place.is_some() || way.id != format!("{}_v{number_on_level}", way.level) {
            flags.push(format!("name: {}", quoted(&way.id)));
            *renamed += usize::from(place.is_none());
        }
        if let Some((index, station)) = place {
            self.written.add("station", [*index]);
            if station.kind == StationKind::Place && way.roles.contains(&Role::Charger) {
                let message = "it is where a charger is, and a reader takes it for the charger";
                self.report.warn(format!("station {:?}", station.id), message);
            }
        }
        let is_charger = here.iter().any(|(_, station)| station.kind == StationKind::Charger);
        for (index, station) in here.iter().filter(|(_, station)| station.kind == StationKind::Charger) {
            if !way.roles.contains(&Role::Charger) {
                let message = "it is a charger, so a reader takes its waypoint for one as well";
                self.report.warn(format!("station {:?}", station.id), message);
            }
            let table = if station.id == way.id { "station" } else { "charger" };
            self.written.add(table, [*index]);
        }
        for (key, role) in [
            ("is_charger", Role::Charger),
            ("is_parking_spot", Role::Parking),
            ("is_holding_point", Role::Holding),
            ("is_passthrough_point", Role::Passthrough),
        ] {
            if way.roles.contains(&role) || role == Role::Charger && is_charger {
                flags.push(format!("{key}: true"));
            }
        }
        for (key, kind) in
            [("pickup_dispenser", StationKind::Pickup), ("dropoff_ingestor", StationKind::Dropoff)]
        {
            let mut machines = here.iter().filter(|(_, station)| station.kind == kind);
            if let Some((index, station)) = machines.next() {
                flags.push(format!("{key}: {}", quoted(&station.id)));
                self.written.add("machine", [*index]);
            }
        }
        if let Some(lift) = &way.lift {
            flags.push(format!("lift: {}", quoted(lift)));
        }
        let groups: Vec<&str> = way.mutex.iter().map(String::as_str).collect();
        flags.extend(mutex(&groups, || format!("waypoint {:?}", way.id), self.report));
        format!("[{}, {}, {{{}}}]", number(way.at[0]), number(way.at[1]), flags.join(", "))
    }

    fn lane(&mut self, directed: &Directed<'_>, numbers: &BTreeMap<&str, usize>) -> String {
        let vertex = |way: &Waypoint| numbers.get(way.id.as_str()).copied().unwrap_or_default();
        let mut flags = Vec::new();
        match directed.orientation {
            Orientation::Any => {}
            Orientation::Forward => flags.push("orientation_constraint: forward".to_owned()),
            Orientation::Backward => flags.push("orientation_constraint: backward".to_owned()),
        }
        if let Some(limit_mps) = directed.lane.speed_limit_mps {
            flags.push(format!("speed_limit: {}", number(limit_mps)));
        }
        let crossed = self.crossed(directed);
        if let Some(door) = crossed.first() {
            flags.push(format!("door_name: {}", quoted(&door.id)));
        }
        if 1 < crossed.len() {
            let names: Vec<&str> = crossed.iter().map(|door| door.id.as_str()).collect();
            self.report.warn(
                format!("lane {:?} to {:?}", directed.from.id, directed.to.id),
                format!("it crosses the doors {}; a lane of a graph names one, the first", names.join(", ")),
            );
        }
        let groups: Vec<&str> =
            directed.lane.mutex.iter().chain(&directed.lane.corridor).map(String::as_str).collect();
        let of = || format!("lane {:?} to {:?}", directed.from.id, directed.to.id);
        flags.extend(mutex(&groups, of, self.report));
        format!("[{}, {}, {{{}}}]", vertex(directed.from), vertex(directed.to), flags.join(", "))
    }

    /// The doors that a lane crosses, in the order in which it does.
    fn crossed(&self, directed: &Directed<'_>) -> Vec<&Door> {
        let (a, b) = (Point::from(directed.from.at), Point::from(directed.to.at));
        let ends = |door: &Door| (Point::from(door.from), Point::from(door.to));
        let meets = |door: &&Door| {
            let (c, d) = ends(door);
            door.level == directed.from.level && segments_meet(a, b, c, d)
        };
        let mut crossed: Vec<&Door> = self.site.doors.iter().filter(meets).collect();
        let share = |door: &Door| {
            let (c, d) = ends(door);
            crossing_share(a, b, c, d)
        };
        crossed.sort_by(|p, q| share(p).total_cmp(&share(q)).then_with(|| p.id.cmp(&q.id)));
        crossed
    }

    fn doors(&self) -> String {
        let doors = self.site.doors.iter().filter(|door| self.levels.contains(&door.level.as_str()));
        let line = |door: &Door| {
            let [[a, b], [c, d]] = [door.from, door.to].map(|end| end.map(number));
            let level = quoted(&door.level);
            format!("{}: {{endpoints: [[{a}, {b}], [{c}, {d}]], map: {level}}}", quoted(&door.id))
        };
        map("doors", &doors.map(line).collect::<Vec<_>>())
    }

    fn lifts(&self) -> String {
        let lines = self.site.lifts.iter().map(|lift| {
            let [x, y, yaw, width, depth] =
                [lift.at[0], lift.at[1], lift.yaw_rad, lift.width_m, lift.depth_m].map(number);
            format!("{}: {{position: [{x}, {y}, {yaw}], dims: [{width}, {depth}]}}", quoted(&lift.id))
        });
        map("lifts", &lines.collect::<Vec<_>>())
    }
}

fn list(key: &str, items: &[String]) -> String {
    if items.is_empty() {
        return format!("\n    {key}: []");
    }
    format!("\n    {key}:\n      - {}", items.join("\n      - "))
}

fn map(key: &str, entries: &[String]) -> String {
    if entries.is_empty() {
        format!("{key}: {{}}\n")
    } else {
        format!("{key}:\n  {}\n", entries.join("\n  "))
    }
}
