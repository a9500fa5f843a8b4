//! A roadmap of a site, or the part of it on a level, as formats without rooms want it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Lane, Orientation, Site, Station, Waypoint};

use super::{ExportError, ExportOptions};

/// Waypoints, lanes and stations with their numbers in the site.
pub(super) struct Network<'a> {
    pub(super) ways: Vec<(usize, &'a Waypoint)>,
    pub(super) lanes: Vec<(usize, &'a Lane)>,
    pub(super) stations: Vec<(usize, &'a Station)>,
    by_name: BTreeMap<&'a str, &'a Waypoint>,
}

/// One direction of a lane.
pub(super) struct Directed<'a> {
    pub(super) from: &'a Waypoint,
    pub(super) to: &'a Waypoint,
    pub(super) lane: &'a Lane,
    /// How a robot faces in this direction.
    pub(super) orientation: Orientation,
}

impl<'a> Network<'a> {
    /// The lanes of a roadmap on a level, and of no roadmap; waypoints that they use or that no lane of any roadmap
    /// uses. `None` stands for all.
    pub(super) fn of(site: &'a Site, roadmap: Option<&str>, level: Option<&str>) -> Self {
        let by_name: BTreeMap<&str, &Waypoint> =
            site.waypoints.iter().map(|way| (way.id.as_str(), way)).collect();
        let on_level = |way: &Waypoint| level.is_none_or(|level| way.level == level);
        let here = |name: &str| by_name.get(name).is_some_and(|way| on_level(way));
        let mut used = BTreeSet::new();
        let (mut anywhere, mut lanes) = (BTreeSet::new(), Vec::new());
        for (index, lane) in site.lanes.iter().enumerate() {
            anywhere.extend([lane.from.as_str(), lane.to.as_str()]);
            let wanted = roadmap.is_none() || lane.roadmap.is_none() || lane.roadmap.as_deref() == roadmap;
            if wanted && here(&lane.from) {
                used.extend([lane.from.as_str(), lane.to.as_str()]);
                lanes.push((index, lane));
            }
        }
        let is_in = |way: &Waypoint| {
            on_level(way) && (used.contains(way.id.as_str()) || !anywhere.contains(way.id.as_str()))
        };
        let ways: Vec<_> = site.waypoints.iter().enumerate().filter(|(_, way)| is_in(way)).collect();
        let at = |name: &str| by_name.get(name).is_some_and(|way| is_in(way));
        let stations =
            site.stations.iter().enumerate().filter(|(_, station)| at(&station.waypoint)).collect();
        Self { ways, lanes, stations, by_name }
    }

    /// The directions of all lanes; of a lane that may be driven both ways the one it is written in comes first.
    pub(super) fn directed(&self) -> impl Iterator<Item = Directed<'a>> + '_ {
        self.lanes.iter().flat_map(|(_, lane)| {
            let ends = self.by_name.get(lane.from.as_str()).zip(self.by_name.get(lane.to.as_str()));
            let ahead = ends.map(|(from, to)| Directed { from, to, lane, orientation: lane.orientation });
            let orientation = match lane.orientation {
                Orientation::Any => Orientation::Any,
                Orientation::Forward => Orientation::Backward,
                Orientation::Backward => Orientation::Forward,
            };
            let back = ends.map(|(from, to)| Directed { from: to, to: from, lane, orientation });
            [ahead, back.filter(|_| lane.bidirectional)].into_iter().flatten()
        })
    }
}

/// The roadmaps to write: the one asked for, or each that lanes name; `None` when none does.
pub(super) fn roadmaps<'a>(
    site: &'a Site,
    options: &ExportOptions<'a>,
) -> Result<Vec<Option<&'a str>>, ExportError> {
    let names: BTreeSet<&str> = site.lanes.iter().filter_map(|lane| lane.roadmap.as_deref()).collect();
    match options.roadmap {
        Some(name) if names.contains(name) => Ok(vec![Some(name)]),
        Some(name) => Err(no_such("roadmap", name, names)),
        None if names.is_empty() => Ok(vec![None]),
        None => Ok(names.into_iter().map(Some).collect()),
    }
}

/// The levels to write, in the order of the site: the one asked for, or all.
pub(super) fn levels<'a>(site: &'a Site, options: &ExportOptions<'a>) -> Result<Vec<&'a str>, ExportError> {
    let all = || site.levels.iter().map(|level| level.id.as_str());
    match options.level {
        Some(name) if all().any(|level| level == name) => Ok(vec![name]),
        Some(name) => Err(no_such("level", name, all())),
        None if site.levels.is_empty() => Err(ExportError::Nothing { what: "level", place: String::new() }),
        None => Ok(all().collect()),
    }
}

fn no_such<'a>(what: &'static str, name: &str, known: impl IntoIterator<Item = &'a str>) -> ExportError {
    let known: Vec<&str> = known.into_iter().collect();
    ExportError::NoSuch { what, name: name.to_owned(), known: known.join(", ") }
}

/// The numbers of the elements to keep.
pub(super) fn indices<T>(elements: &[T], keep: impl Fn(&T) -> bool) -> Vec<usize> {
    elements.iter().enumerate().filter(|(_, element)| keep(element)).map(|(index, _)| index).collect()
}

/// Which elements of a table are in a file.
#[derive(Default)]
pub(super) struct Written {
    tables: BTreeMap<&'static str, BTreeSet<usize>>,
}

impl Written {
    pub(super) fn add(&mut self, table: &'static str, indices: impl IntoIterator<Item = usize>) {
        self.tables.entry(table).or_default().extend(indices);
    }

    pub(super) fn has(&self, table: &str, index: usize) -> bool {
        self.tables.get(table).is_some_and(|indices| indices.contains(&index))
    }

    pub(super) fn add_network(&mut self, network: &Network<'_>) {
        self.add("waypoint", network.ways.iter().map(|(index, _)| *index));
        self.add("lane", network.lanes.iter().map(|(index, _)| *index));
    }
}
