//! From an authored [`Site`] to a [`CompiledSite`]: checks first, then geometry, roadmap, claims and hash.

mod areas;
mod check;
mod fit;
mod hash;
mod roadmap;
mod space;
mod succession;
mod zones;

use sheepdog_core::{LaneId, LevelId, Mm, RoomId, SiteVersion, WaypointId};

pub(crate) use self::{
    areas::leaves_ways_out,
    fit::may_stand,
    zones::{Passage, Zones},
};
use crate::{
    claims,
    compiled::{ClassClaims, CompiledSite, Csr, FootprintClass, Lane, Level, Retired, Room},
    error::MapError,
    geometry::RoomIndex,
    model::Site,
};

/// How much wider than a footprint a door or a lift must be: 0.1 m, half of it on either side.
pub const DOOR_PLAY_M: f64 = 0.1;

/// Clear width that a standing robot leaves in an exit or fire lane, unless the options say otherwise: 1.2 m.
pub const WAY_OUT_WIDTH: Mm = Mm(1_200);

/// For whom a site is compiled, and how finely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileOptions {
    /// Footprints for which claims are compiled; any two of them may meet.
    pub classes: Vec<FootprintClass>,
    /// Keeps only lanes of this roadmap and lanes that name none; `None` keeps all lanes.
    pub roadmap: Option<String>,
    /// Lanes are split into equal pieces no longer than this. A piece is longer only where a split would put a
    /// waypoint on a sill, in a door's swing or in a cabin.
    pub spacing: Mm,
    /// Clear width that a standing robot leaves in every exit and fire lane. It is also how far the ground of an exit
    /// reaches to either side of it.
    pub way_out_width: Mm,
    /// How large a site may become.
    pub limits: CompileLimits,
}

impl CompileOptions {
    /// Options for these footprints: all lanes, pieces of at most 2 m, [`WAY_OUT_WIDTH`], the default limits.
    pub fn new(classes: Vec<FootprintClass>) -> Self {
        Self {
            classes,
            roadmap: None,
            spacing: Mm(2_000),
            way_out_width: WAY_OUT_WIDTH,
            limits: CompileLimits::default(),
        }
    }
}

impl Default for CompileOptions {
    /// No footprint at all: enough for pictures and for people's travel times.
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// Counts above which a site is refused, so that a hostile file cannot exhaust memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Levels, rooms, walls, doors, lifts, stations and zones, of each kind.
    pub elements: usize,
    /// Corners of all rings.
    pub corners: usize,
    /// Corners of one ring.
    pub ring_corners: usize,
    /// Waypoints, generated ones included.
    pub waypoints: usize,
    /// Directed lanes and rides.
    pub lanes: usize,
    /// Footprint classes.
    pub classes: usize,
    /// Pairs of parts that lie too close for two robots.
    pub overlaps: usize,
    /// Entries of all claim lists of all classes.
    pub claims: usize,
}

impl Default for CompileLimits {
    /// Far above any building known to us: 100 000 waypoints, 400 000 lanes, 16 classes.
    fn default() -> Self {
        Self {
            elements: 50_000,
            corners: 200_000,
            ring_corners: 10_000,
            waypoints: 100_000,
            lanes: 400_000,
            classes: 16,
            overlaps: 2_000_000,
            claims: 50_000_000,
        }
    }
}

/// All that compiling a site checks before it builds geometry.
pub(crate) fn check_site(site: &Site) -> Result<(), Vec<MapError>> {
    check::check(site, &CompileOptions::default()).map(drop)
}

impl Site {
    /// Checks the whole site and compiles it; the order of tables in the site decides the ids, nothing else does.
    ///
    /// On a level without any room the mapped area is unknown, and only walls decide where a footprint fits.
    /// What cannot be used by a class is not an error: see [`CompiledSite::warnings`]. Cost: O(n log n) in
    /// corners, walls and lanes, plus the number of close pairs of parts. No panic reaches the caller, but the
    /// process' panic hook may print if the polygon library fails on hostile coordinates.
    ///
    /// # Errors
    /// Every [`MapError`] found, each naming element, value and rule.
    pub fn compile(&self, options: &CompileOptions) -> Result<CompiledSite, Vec<MapError>> {
        let names = check::check(self, options)?;
        let space = space::build(self, &names)?;
        let zones = Zones::per_level(&space);
        let roadmap = roadmap::build(self, &names, options, &zones).map_err(|error| vec![error])?;
        let roadmap::Roadmap { waypoints, lanes, corridors, mutexes, mut warnings } = roadmap;
        let areas = areas::build(self, &names, &space.doors, &waypoints, options.way_out_width);
        let mut lifts = space.lifts;
        roadmap::link_lifts(&mut lifts, &waypoints);
        let count = waypoints.len();
        let mut site = CompiledSite {
            authored: self.clone(),
            version: SiteVersion([0; 32]),
            rooms_of: rooms_of(&space.levels, &space.rooms),
            levels: space.levels,
            rooms: space.rooms,
            doors: space.doors,
            lifts,
            stations: roadmap::stations(self, &names),
            zones: areas,
            out: incidence(&lanes, &[], count, |lane| lane.from),
            into: incidence(&lanes, &[], count, |lane| lane.to),
            waypoints,
            lanes,
            corridors,
            mutexes,
            resources: Vec::new(),
            classes: Vec::new(),
            retired: Retired::default(),
            is_successor: false,
            warnings: Vec::new(),
        };
        let claims =
            claims::build(&site, &zones, &options.classes, &options.limits).map_err(|error| vec![error])?;
        site.resources = claims.resources;
        site.classes = options
            .classes
            .iter()
            .zip(claims.classes)
            .map(|(class, claims)| {
                let fits = fit::fits(&site, class, &zones, &mut warnings);
                let zones_along = areas::along_lanes(&site, class);
                ClassClaims {
                    class: class.clone(),
                    waypoint: Csr::from_rows(claims.waypoint),
                    lane: Csr::from_rows(claims.lane),
                    usable: areas::usable(&site, class, &fits, &zones_along),
                    fits,
                    may_stop: fit::may_stop(&site, class, &zones, options.way_out_width),
                    zones_at: areas::at_waypoints(&site, class),
                    zones_along,
                }
            })
            .collect();
        site.warnings = warnings;
        site.version = hash::version(&site);
        Ok(site)
    }
}

fn rooms_of(levels: &[Level], rooms: &[Room]) -> Vec<RoomIndex> {
    let of = |level: LevelId| {
        let numbered = (0..).map(RoomId).zip(rooms).filter(move |(_, room)| room.level == level);
        RoomIndex::new(numbered.map(|(id, room)| (id, room.outer.as_slice(), room.holes.as_slice())))
    };
    (0..).map(LevelId).zip(levels).map(|(id, _)| of(id)).collect()
}

/// Lanes that are not retired by one of their ends, sorted by id.
fn incidence(
    lanes: &[Lane],
    retired: &[LaneId],
    waypoints: usize,
    end: impl Fn(&Lane) -> WaypointId,
) -> Csr<LaneId> {
    let mut rows = vec![Vec::new(); waypoints];
    for (id, lane) in (0..).map(LaneId).zip(lanes).filter(|(id, _)| retired.binary_search(id).is_err()) {
        if let Some(row) = rows.get_mut(end(lane).index()) {
            row.push(id);
        }
    }
    Csr::from_rows(rows)
}

#[cfg(test)]
mod tests;
