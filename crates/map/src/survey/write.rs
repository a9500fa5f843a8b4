//! Writes the networks of all levels into a site, with names that depend on what is where and on nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    compiled::CompiledSite,
    geometry::Point,
    model::{Lane, Roadmap, Role as WaypointRole, RoomKind, Site, Station, StationKind, Waypoint},
};

use super::{
    SurveyOptions, SurveyReport,
    draw::{Drawing, Level},
    network::{Node, Role},
};

pub(super) fn write(
    site: &Site,
    compiled: &CompiledSite,
    options: &SurveyOptions,
    drawing: &Drawing<'_>,
    report: &mut SurveyReport,
) -> Site {
    let mut writer = Writer {
        site: site.clone(),
        waypoints: site.waypoints.iter().map(|waypoint| waypoint.id.clone()).collect(),
        stations: site.stations.iter().map(|station| station.id.clone()).collect(),
    };
    writer.site.roadmaps.push(Roadmap { id: options.roadmap.clone(), label: String::new() });
    for level in &drawing.levels {
        writer.level(level, compiled, options, drawing, report);
    }
    writer.site
}

struct Writer {
    site: Site,
    /// Names that are taken.
    waypoints: BTreeSet<String>,
    stations: BTreeSet<String>,
}

/// Where a node is, in whole millimetres if it and those that it is linked to have clearance to spare.
fn written(level: &Level<'_>, id: u32, node: &Node) -> Point {
    let spare = |id: u32| level.ground.plan.contains(level.network.at(id));
    if matches!(node.role, Role::Cabin(_)) || !spare(id) || !level.network.around(id).all(spare) {
        return node.at;
    }
    node.at.map(|metres| (metres * 1e3).round() / 1e3)
}

/// The name, or the name with the least number that makes it unique.
fn unique(taken: &mut BTreeSet<String>, name: &str) -> String {
    let numbered = (2_u64..).map(|number| format!("{name}-{number}"));
    let name = std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken.contains(name));
    let name = name.unwrap_or_default();
    taken.insert(name.clone());
    name
}

impl Writer {
    fn level(
        &mut self,
        level: &Level<'_>,
        compiled: &CompiledSite,
        options: &SurveyOptions,
        drawing: &Drawing<'_>,
        report: &mut SurveyReport,
    ) {
        let names = self.waypoints(level, compiled, drawing, report);
        let name = |id: u32| names.get(&id).cloned().unwrap_or_default();
        let mut lanes: Vec<Lane> = level
            .network
            .links()
            .map(|(a, b, link)| {
                let (a, b) = (name(a), name(b));
                let corridor =
                    link.corridor.map(|number| format!("{}/corridor-{}", level.name(), number + 1));
                Lane {
                    corridor: corridor.map(|corridor| format!("{}:{corridor}", options.roadmap)),
                    roadmap: Some(options.roadmap.clone()),
                    ..Lane::two_way(a.clone().min(b.clone()), a.max(b))
                }
            })
            .collect();
        lanes.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
        report.lanes += lanes.len();
        report.lanes_m += level.network.links().map(|(a, b, _)| level.network.length_m(a, b)).sum::<f64>();
        self.site.lanes.extend(lanes);
    }

    /// Adds waypoints and stations; the names of all nodes.
    fn waypoints(
        &mut self,
        level: &Level<'_>,
        compiled: &CompiledSite,
        drawing: &Drawing<'_>,
        report: &mut SurveyReport,
    ) -> BTreeMap<u32, String> {
        let is_used = |id: u32, role: &Role| {
            !level.dropped.contains(&id) && (0 < level.network.degree(id) || matches!(role, Role::Place(_)))
        };
        let mut nodes: Vec<_> = level.network.nodes().filter(|(id, node)| is_used(*id, &node.role)).collect();
        nodes.sort_by(|(_, p), (_, q)| {
            p.role.cmp(&q.role).then(p.at.x.total_cmp(&q.at.x)).then(p.at.y.total_cmp(&q.at.y))
        });
        let mut names = BTreeMap::new();
        let mut counts: BTreeMap<&'static str, u32> = BTreeMap::new();
        for (id, node) in nodes {
            let mut numbered = |what: &'static str| {
                let count = counts.entry(what).or_insert(0);
                *count += 1;
                format!("{}/{what}{count}", level.name())
            };
            let wanted = match &node.role {
                Role::Known(name) => {
                    names.insert(id, name.clone());
                    continue;
                }
                Role::Door { door, side } => format!("{door}/{}", if *side == 0 { "left" } else { "right" }),
                Role::Cabin(lift) => format!("{lift}@{}", level.name()),
                Role::Front { lift, door: 0 } => format!("{lift}@{}/front", level.name()),
                Role::Front { lift, door } => format!("{lift}@{}/front-{}", level.name(), door + 1),
                Role::Place(place) => {
                    drawing.places.get(*place).map_or_else(String::new, |place| place.name.clone())
                }
                Role::Holding => numbered("hold-"),
                Role::Track => numbered("track-"),
                Role::Junction => numbered(""),
            };
            let name = unique(&mut self.waypoints, &wanted);
            let at = written(level, id, node);
            let mut waypoint = Waypoint::new(&name, level.name(), at.x, at.y);
            match &node.role {
                Role::Cabin(lift) => waypoint.lift = Some(lift.clone()),
                Role::Holding => {
                    waypoint.roles.push(WaypointRole::Holding);
                    report.holding += 1;
                }
                Role::Place(place) => {
                    let room = drawing.places.get(*place).and_then(|place| place.room);
                    let kind = room.and_then(|id| compiled.room(id)).map(|room| room.kind);
                    let mut station = Station::new(unique(&mut self.stations, &wanted), &name);
                    if kind == Some(RoomKind::RobotBay) {
                        waypoint.roles.push(WaypointRole::Charger);
                        station.kind = StationKind::Charger;
                    }
                    self.site.stations.push(station);
                    report.stations += 1;
                }
                Role::Known(_) | Role::Door { .. } | Role::Front { .. } | Role::Track | Role::Junction => {}
            }
            report.waypoints += 1;
            self.site.waypoints.push(waypoint);
            names.insert(id, name);
        }
        names
    }
}
