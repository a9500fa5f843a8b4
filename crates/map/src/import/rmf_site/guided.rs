//! Lanes and locations.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Lane, Orientation, Roadmap, Role, Station, StationKind, Waypoint};

use super::{Anchor, At, ImportError, ImportProblem, Reader, UNNAMED};

impl Reader {
    /// Lanes, locations and roadmaps.
    pub(super) fn guided(&mut self, guided: &At<'_>) -> Result<(), ImportError> {
        let mut graphs = BTreeMap::new();
        for (id, graph) in guided.map("graphs")? {
            let label = graph.text_of("name")?.unwrap_or_default().to_owned();
            graphs.insert(id.to_owned(), label.clone());
            self.site.roadmaps.push(Roadmap { id: id.to_owned(), label });
        }
        let mut mutexes = BTreeMap::new();
        for (id, group) in guided.map("mutex_groups")? {
            mutexes.insert(id.to_owned(), group.need("name")?.text()?.to_owned());
        }
        let mut named: BTreeMap<String, (String, Vec<Role>)> = BTreeMap::new();
        let mut names = BTreeSet::new();
        for (id, location) in guided.map("locations")? {
            let anchor_at = location.need("anchor")?;
            self.one(&anchor_at)?;
            let anchor = anchor_at.text()?;
            let name = self.location_name(id, &location, &mut names)?;
            let mut roles = Vec::new();
            for tag in location.list("tags")? {
                // Work cells are maps of a kind of their own, and stay behind.
                if tag.is_map() {
                    continue;
                }
                roles.push(match tag.text()? {
                    "Charger" => Role::Charger,
                    "ParkingSpot" => Role::Parking,
                    "HoldingPoint" => Role::Holding,
                    other => return Err(tag.unknown(other, "Charger, ParkingSpot or HoldingPoint")),
                });
            }
            if named.insert(anchor.to_owned(), (name, roles)).is_some() {
                return Err(anchor_at.duplicate("location at anchor", anchor));
            }
        }
        let mut ways = BTreeSet::new();
        for (_, lane) in guided.map("lanes")? {
            self.lane(&lane, &graphs, &mutexes, &named, &mut ways)?;
        }
        let reached: BTreeSet<&str> = ways.iter().map(|(anchor, _)| anchor.as_str()).collect();
        for (anchor, (name, _)) in &named {
            if !reached.contains(anchor.as_str()) {
                let message = format!("no lane leads to the location {name:?}; it becomes no waypoint");
                self.report.warn("navigation.guided.locations", message);
            }
        }
        Ok(())
    }

    /// The name of a location, or one of ours when nobody has named it.
    fn location_name(
        &mut self,
        id: &str,
        location: &At<'_>,
        names: &mut BTreeSet<String>,
    ) -> Result<String, ImportError> {
        let name_at = location.need("name")?;
        let said = name_at.text()?;
        if said != UNNAMED {
            let is_new = names.insert(said.to_owned());
            return is_new.then(|| said.to_owned()).ok_or_else(|| name_at.duplicate("location", said));
        }
        name_at.implied();
        let mut name = format!("location {id}");
        while !names.insert(name.clone()) {
            name.push('\'');
        }
        location.warn(&mut self.report, format!("nobody has named this location; it became {name:?}"));
        Ok(name)
    }

    fn lane(
        &mut self,
        lane: &At<'_>,
        graphs: &BTreeMap<String, String>,
        mutexes: &BTreeMap<String, String>,
        named: &BTreeMap<String, (String, Vec<Role>)>,
        ways: &mut BTreeSet<(String, String)>,
    ) -> Result<(), ImportError> {
        let [a, b] = self.ends(lane)?;
        let ids: Vec<String> = lane
            .need("anchors")?
            .items()?
            .iter()
            .map(|at| at.text().map(str::to_owned))
            .collect::<Result<_, _>>()?;
        if a.at.map(f64::to_bits) == b.at.map(f64::to_bits) {
            return Err(lane.error(ImportProblem::Coincident { what: "both ends of a lane" }));
        }
        let level = match (&a.level, &b.level) {
            (Some(a), Some(b)) if a != b => {
                let (a, b) = (a.clone(), b.clone());
                return Err(lane.error(ImportProblem::LevelsDiffer { what: "the ends of a lane", a, b }));
            }
            (Some(level), _) | (None, Some(level)) => level.clone(),
            (None, None) => {
                lane.warn(&mut self.report, "neither end is on a level; the lane is left behind");
                lane.leave_all_behind();
                return Ok(());
            }
        };
        let mut ends = Vec::new();
        for (id, anchor) in ids.iter().zip([a, b]) {
            ends.push(self.waypoint(id, &anchor, &level, named, ways));
        }
        let [from, to] = ends.as_slice() else { return Ok(()) };
        let mut made = Lane::two_way(from, to);
        if let Some(mutex) = lane.get("mutex") {
            let id = mutex.text()?;
            let name = mutexes.get(id).ok_or_else(|| mutex.no_such("mutex group", id))?;
            made.mutex.push(name.clone());
        }
        let mut back = None;
        if let Some(reverse) = lane.get("reverse") {
            if reverse.is_map() {
                made.bidirectional = false;
                let mut other = Lane { mutex: made.mutex.clone(), ..Lane::one_way(to, from) };
                read_motion(&mut other, &reverse.need("Different")?)?;
                back = Some(other);
            } else {
                match reverse.text()? {
                    "Same" => reverse.implied(),
                    "Disable" => made.bidirectional = false,
                    other => return Err(reverse.unknown(other, "Same, Disable or Different")),
                }
            }
        }
        if let Some(forward) = lane.get("forward") {
            read_motion(&mut made, &forward)?;
        }
        for roadmap in roadmaps(lane, graphs)? {
            let lanes = std::iter::once(&made).chain(&back);
            self.site.lanes.extend(lanes.map(|lane| Lane { roadmap: roadmap.clone(), ..lane.clone() }));
        }
        Ok(())
    }

    /// The waypoint at an anchor on a level; one in a cabin is there on each level.
    fn waypoint(
        &mut self,
        id: &str,
        anchor: &Anchor,
        level: &str,
        named: &BTreeMap<String, (String, Vec<Role>)>,
        ways: &mut BTreeSet<(String, String)>,
    ) -> String {
        let location = named.get(id);
        let is_cabin = anchor.level.is_none();
        let base = location.map_or_else(|| format!("anchor {id}"), |(name, _)| name.clone());
        let name = if is_cabin { format!("{base}@{level}") } else { base };
        if ways.insert((id.to_owned(), level.to_owned())) {
            let roles = location.map(|(_, roles)| roles.clone()).unwrap_or_default();
            if location.is_some() {
                let is_charger = roles.contains(&Role::Charger);
                let kind = if is_charger { StationKind::Charger } else { StationKind::Place };
                self.site.stations.push(Station { kind, ..Station::new(&name, &name) });
            }
            let [x, y] = anchor.at;
            self.site.waypoints.push(Waypoint {
                roles,
                lift: anchor.lift.clone(),
                ..Waypoint::new(&name, level, x, y)
            });
        }
        name
    }
}

/// How fast a robot is on a lane, and how it faces.
fn read_motion(lane: &mut Lane, motion: &At<'_>) -> Result<(), ImportError> {
    if let Some(limit) = motion.get("speed_limit") {
        lane.speed_limit_mps = Some(limit.number_where(|mps| 0.0 < mps, "positive")?);
    }
    if let Some(at) = motion.get("orientation_constraint")
        && !at.is_map()
    {
        lane.orientation = match at.text()? {
            "None" => Orientation::Any,
            "Forwards" => Orientation::Forward,
            "Backwards" => Orientation::Backward,
            other => return Err(at.unknown(other, "None, Forwards or Backwards")),
        };
    }
    Ok(())
}

/// The roadmaps that a lane belongs to; one that belongs to all of them names none.
fn roadmaps(lane: &At<'_>, graphs: &BTreeMap<String, String>) -> Result<Vec<Option<String>>, ImportError> {
    let Some(at) = lane.get("graphs") else { return Ok(vec![None]) };
    if !at.is_map() {
        return match at.text()? {
            "All" => {
                at.implied();
                Ok(vec![None])
            }
            other => Err(at.unknown(other, "All, Only or AllExcept")),
        };
    }
    let read = |key: &str| -> Result<Option<BTreeSet<String>>, ImportError> {
        let Some(list) = at.get(key) else { return Ok(None) };
        let mut ids = BTreeSet::new();
        for item in list.items()? {
            let id = item.text()?;
            if !graphs.contains_key(id) {
                return Err(item.no_such("graph", id));
            }
            ids.insert(id.to_owned());
        }
        Ok(Some(ids))
    };
    match (read("Only")?, read("AllExcept")?) {
        (Some(only), None) => Ok(only.into_iter().map(Some).collect()),
        (None, Some(except)) => {
            Ok(graphs.keys().filter(|id| !except.contains(*id)).map(|id| Some(id.clone())).collect())
        }
        (Some(_), Some(_)) | (None, None) => Err(at.wrong("All, Only or AllExcept")),
    }
}
