//! Draws the network of every level: doors, lifts, places, and the ways between them.

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::Vector2;
use sheepdog_core::{DoorId, LevelId, LiftId, WaypointId};

use crate::{
    compile::Passage,
    compiled::{CompiledSite, Door, Lift, Room},
    geometry::{Point, Scratch, ring_contains},
};

use super::{
    SkipReason, Skipped, SurveyError, SurveyOptions, SurveyReport, Unreached, UnreachedReason,
    cells::Cells,
    chains::{self, simplified},
    ground::{Ground, Piece},
    network::{Kind, Network, Role},
    places::{self, Place},
};

/// Cells of one level, at most.
const CELLS_MAX: usize = 1_000_000;
/// Junctions closer than this to a neighbour become one with it, metres.
const MERGE_M: f64 = 0.5;
/// Bends that deviate less are taken out, metres.
const BEND_M: f64 = 0.4;
/// Ways that cross get a junction only if every end is at least this far away, metres.
const CROSSING_APART_M: f64 = 0.3;
/// By how much a way side by side may be longer than the way it replaces; see `finish`.
pub(super) const DETOUR_MAX: f64 = 1.06;

/// All levels of a survey.
#[derive(Debug)]
pub(super) struct Drawing<'a> {
    pub(super) levels: Vec<Level<'a>>,
    pub(super) places: Vec<Place>,
}

/// One level.
#[derive(Debug)]
pub(super) struct Level<'a> {
    pub(super) ground: Ground<'a>,
    pub(super) network: Network,
    pub(super) pieces: Vec<Piece>,
    /// The nodes in cabins.
    pub(super) cabins: Vec<(LiftId, u32)>,
    /// Nodes that are not part of the roadmap after all.
    pub(super) dropped: BTreeSet<u32>,
}

pub(super) fn draw<'a>(
    site: &'a CompiledSite,
    options: &'a SurveyOptions,
    report: &mut SurveyReport,
) -> Result<Drawing<'a>, SurveyError> {
    let mut drawing = Drawing { levels: Vec::new(), places: Vec::new() };
    let served = places::served(site, options);
    for (id, level) in (0..).map(LevelId).zip(site.levels()) {
        let ground = Ground::new(site, id, options)
            .map_err(|error| SurveyError::FreeSpace { level: level.name.clone(), error })?;
        let Some(ground) = ground else {
            let is_there =
                level.geometry.bounds().is_some() || site.doors().iter().any(|door| door.level == id);
            report.unmapped.extend(is_there.then(|| level.name.clone()));
            continue;
        };
        let pieces = ground.pieces();
        let mut level = Level {
            ground,
            network: Network::default(),
            pieces,
            cabins: Vec::new(),
            dropped: BTreeSet::new(),
        };
        level.doors(options, report);
        level.lifts(options, report);
        level.known(report);
        let cells = level.cells(options);
        let distances = cells.distances();
        level.places(served.as_deref(), &cells, &distances, &mut drawing.places);
        level.stars();
        level.middle_lines(options, cells, &distances);
        let fits = |a: Point, b: Point| level.ground.fits(a, b);
        level.network.contract(MERGE_M, &fits);
        level.network.straighten(BEND_M, &fits);
        level.join();
        level.shorten(options);
        level.network.cross(CROSSING_APART_M);
        if options.branches_m.is_none() {
            level.network.trim();
        }
        drawing.levels.push(level);
    }
    for place in drawing.places.iter().filter(|place| place.at.is_none()) {
        let level = site.level(place.level).map(|level| level.name.clone()).unwrap_or_default();
        let (what, reason) = (format!("room {:?}", place.name), UnreachedReason::NoPlace);
        report.unreached.push(Unreached { what, level, reason });
    }
    Ok(drawing)
}

fn middle(a: Point, b: Point) -> Point {
    a + (b - a) / 2.0
}

impl Level<'_> {
    pub(super) fn name(&self) -> &str {
        self.ground.site.level(self.ground.level).map_or("", |level| level.name.as_str())
    }

    /// The lane through the middle of every door that is wide enough.
    fn doors(&mut self, options: &SurveyOptions, report: &mut SurveyReport) {
        let site = self.ground.site;
        for (id, door) in (0..).map(DoorId).zip(site.doors()) {
            if door.level != self.ground.level {
                continue;
            }
            if let Err(reason) = self.door(id, door, options) {
                report.skipped.push(Skipped { door: format!("door {:?}", door.name), reason });
            }
        }
    }

    fn door(&mut self, id: DoorId, door: &Door, options: &SurveyOptions) -> Result<(), SkipReason> {
        let (width_m, needed_m) = (door.clear_width_m, options.opening_m());
        if width_m + 1e-9 < needed_m {
            return Err(SkipReason::Narrow { width_m, needed_m });
        }
        let at = middle(door.a, door.b);
        let along = (door.b - door.a).normalize();
        let left = Vector2::new(-along.y, along.x);
        let [p, q] = [left, -left].map(|out| self.in_front(at, out, options));
        let (Some(p), Some(q)) = (p, q) else {
            let sides = usize::from(p.is_none()) + usize::from(q.is_none());
            return Err(SkipReason::NoFloor { x_m: at.x, y_m: at.y, sides });
        };
        let crossed = self.ground.zones.crossed(p, q);
        let free = self.ground.open().is_some_and(|open| open.sweep_free(p, q, options.radius_m()));
        if !free || crossed.iter().any(|(passage, _)| *passage != Passage::Door(id)) {
            return Err(SkipReason::Blocked { x_m: at.x, y_m: at.y });
        }
        let [p, q] = [(p, 0), (q, 1)].map(|(at, side)| {
            let role = Role::Door { door: door.name.clone(), side };
            self.network.add(at, role)
        });
        self.network.link(p, q, Kind::Door);
        Ok(())
    }

    /// A free point in front of a door: as far as asked for, else nearer, else further away.
    fn in_front(&self, at: Point, out: Vector2<f64>, options: &SurveyOptions) -> Option<Point> {
        const STEP_M: f64 = 0.05;
        let far_m = (options.radius_m() + options.approach_m).max(options.reach_m() + 0.01);
        let near_m = options.radius_m() + 0.01;
        let steps = |count: u32| (1..=count).map(|n| f64::from(n) * STEP_M);
        let nearer = steps(20).map(|step_m| far_m - step_m).filter(|away_m| near_m <= *away_m);
        let further = steps(12).map(|step_m| far_m + step_m);
        let away: Vec<f64> = std::iter::once(far_m).chain(nearer).chain(further).collect();
        let spaces = [&self.ground.plan, &self.ground.tight];
        spaces.into_iter().find_map(|space| {
            away.iter()
                .map(|away_m| at + out * *away_m)
                .find(|at| space.contains(*at) && !self.ground.is_fenced(*at))
        })
    }

    /// Waypoints in cabins and in front of lifts.
    fn lifts(&mut self, options: &SurveyOptions, report: &mut SurveyReport) {
        let (site, level) = (self.ground.site, self.ground.level);
        for (id, lift) in (0..).map(LiftId).zip(site.lifts()) {
            for stop in lift.stops.iter().filter(|stop| stop.level == level) {
                let (at, role) = cabin(site, id, lift, level);
                let cabin = self.network.add(at, role);
                self.cabins.push((id, cabin));
                for (number, &[a, b]) in stop.doors.iter().enumerate() {
                    if let Err(reason) = self.lift_door(id, lift, cabin, (number, a, b), options) {
                        let door = format!("lift {:?} at level {:?}", lift.name, self.name());
                        report.skipped.push(Skipped { door, reason });
                    }
                }
            }
        }
    }

    fn lift_door(
        &mut self,
        id: LiftId,
        lift: &Lift,
        cabin: u32,
        (number, a, b): (usize, Point, Point),
        options: &SurveyOptions,
    ) -> Result<(), SkipReason> {
        let (width_m, needed_m) = ((b - a).norm().min(lift.width_m).min(lift.depth_m), options.opening_m());
        if width_m + 1e-9 < needed_m {
            return Err(SkipReason::Narrow { width_m, needed_m });
        }
        let (at, along) = (middle(a, b), (b - a).normalize());
        let left = Vector2::new(-along.y, along.x);
        let out = if 0.0 <= left.dot(&(at - lift.at)) { left } else { -left };
        let Some(front) = self.in_front(at, out, options) else {
            return Err(SkipReason::NoFloor { x_m: at.x, y_m: at.y, sides: 1 });
        };
        let inside = self.network.at(cabin);
        let crossed = self.ground.zones.crossed(inside, front);
        let free = self.ground.open().is_some_and(|open| open.sweep_free(inside, front, options.radius_m()));
        if !free || crossed.iter().any(|(passage, _)| *passage != Passage::Lift(id)) {
            return Err(SkipReason::Blocked { x_m: at.x, y_m: at.y });
        }
        let front = self.network.add(front, Role::Front { lift: lift.name.clone(), door: number });
        self.network.link(cabin, front, Kind::Lift);
        Ok(())
    }

    /// Waypoints that the site has and that robots are sent to.
    fn known(&mut self, report: &mut SurveyReport) {
        let site = self.ground.site;
        let level = self.name().to_owned();
        for (id, waypoint) in (0..).map(WaypointId).zip(site.waypoints()) {
            let is_goal = waypoint.roles.charger
                || waypoint.roles.parking
                || site.stations().iter().any(|station| station.waypoint == id);
            if waypoint.level != self.ground.level || waypoint.lift.is_some() || !is_goal {
                continue;
            }
            if self.ground.tight.contains(waypoint.at) && !self.ground.is_fenced(waypoint.at) {
                self.network.add(waypoint.at, Role::Known(waypoint.name.clone()));
            } else {
                let (what, reason) = (format!("waypoint {:?}", waypoint.name), UnreachedReason::NoPlace);
                report.unreached.push(Unreached { what, level: level.clone(), reason });
            }
        }
    }

    /// The floor in cells.
    fn cells(&self, options: &SurveyOptions) -> Cells {
        let corners = self.pieces.iter().flat_map(|piece| &piece.rings).flatten().copied();
        let (low, high) = crate::geometry::bounds(corners).unwrap_or((Point::origin(), Point::origin()));
        let mut cells = Cells::covering(low, high, options.cell_m, CELLS_MAX);
        let rings: Vec<_> = self.pieces.iter().flat_map(|piece| &piece.rings).cloned().collect();
        cells.fill(&rings);
        cells
    }

    fn places(
        &mut self,
        served: Option<&[sheepdog_core::RoomId]>,
        cells: &Cells,
        distances: &[i64],
        places: &mut Vec<Place>,
    ) {
        let (site, level) = (self.ground.site, self.ground.level);
        let first = places.len();
        if let Some(rooms) = served {
            for id in rooms {
                let Some(room) = site.room(*id).filter(|room| room.level == level) else { continue };
                if self.has_station(room) {
                    continue;
                }
                let at = places::in_room(&self.ground, room, &self.pieces, cells, distances);
                places.push(Place { name: room.name.clone(), level, room: Some(*id), at });
            }
        } else {
            let entered: Vec<u32> =
                self.network.nodes().filter_map(|(_, node)| self.ground.plan.component(node.at)).collect();
            let spaces =
                (0..self.pieces.len()).filter(|n| u32::try_from(*n).is_ok_and(|n| entered.contains(&n)));
            let spaces =
                spaces.filter_map(|n| places::in_space(&self.ground, n, &self.pieces, cells, distances));
            let mut spaces: Vec<Point> = spaces.collect();
            spaces.sort_by(|p, q| p.x.total_cmp(&q.x).then(p.y.total_cmp(&q.y)));
            for (number, at) in (1..).zip(spaces) {
                let name = format!("{} space {number}", self.name());
                places.push(Place { name, level, room: None, at: Some(at) });
            }
        }
        for (number, place) in places.iter().enumerate().skip(first) {
            if let Some(at) = place.at {
                self.network.add(at, Role::Place(number));
            }
        }
    }

    /// Whether a station of the site is in a room already.
    fn has_station(&self, room: &Room) -> bool {
        let site = self.ground.site;
        let is_station = |name: &str| {
            let waypoint = site.waypoint_named(name);
            site.stations().iter().any(|station| Some(station.waypoint) == waypoint)
        };
        self.network.nodes().any(|(_, node)| {
            matches!(&node.role, Role::Known(name) if is_station(name)) && ring_contains(&room.outer, node.at)
        })
    }

    /// Nodes on each piece of the floor with clearance.
    fn nodes_on(&self) -> BTreeMap<u32, Vec<u32>> {
        let mut on: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (id, node) in self.network.nodes() {
            if let Some(piece) = self.ground.plan.component(node.at) {
                on.entry(piece).or_default().push(id);
            }
        }
        on
    }

    /// Links everything in a plain piece to its middle. A piece where something does not see the middle is not plain.
    fn stars(&mut self) {
        for (piece, nodes) in self.nodes_on() {
            let Some(centre) =
                self.pieces.get(piece as usize).filter(|piece| piece.is_plain).map(|piece| piece.centroid)
            else {
                continue;
            };
            let sees = |id: &u32| self.ground.fits(self.network.at(*id), centre);
            if !self.ground.plan.contains(centre) || !nodes.iter().all(sees) {
                if let Some(piece) = self.pieces.get_mut(piece as usize) {
                    piece.is_plain = false;
                }
                continue;
            }
            let near = nodes.iter().copied().find(|id| (self.network.at(*id) - centre).norm() < 1e-9);
            // Between two alone the straight way will do.
            let hub = match near {
                Some(hub) => hub,
                None if nodes.len() < 3 => continue,
                None => self.network.add(centre, Role::Junction),
            };
            for id in nodes {
                self.network.link(hub, id, Kind::Way);
            }
        }
    }

    /// Links along the middle of all other pieces.
    fn middle_lines(&mut self, options: &SurveyOptions, mut cells: Cells, distances: &[i64]) {
        let on = self.nodes_on();
        let is_drawn = |piece: u32| {
            let plain = self.pieces.get(piece as usize).is_none_or(|piece| piece.is_plain);
            let nodes = on.get(&piece).map_or(0, Vec::len);
            options.branches_m.is_some() || (!plain && 1 < nodes)
        };
        let drawn: Vec<bool> = (0..self.pieces.len()).map(|n| u32::try_from(n).is_ok_and(is_drawn)).collect();
        let rings =
            self.pieces.iter().zip(&drawn).filter(|(_, drawn)| **drawn).flat_map(|(piece, _)| &piece.rings);
        let rings: Vec<_> = rings.cloned().collect();
        cells.free.fill(false);
        cells.fill(&rings);
        let mut kept = vec![false; cells.free.len()];
        let mut node_at: BTreeMap<usize, u32> = BTreeMap::new();
        for (piece, nodes) in &on {
            if drawn.get(*piece as usize) != Some(&true) {
                continue;
            }
            for &id in nodes {
                let Some(cell) = cells.cell_at(self.network.at(id)) else { continue };
                connect(&mut cells, cell);
                if let Some(kept) = kept.get_mut(cell) {
                    *kept = true;
                }
                match node_at.get(&cell) {
                    Some(other) => self.network.link(*other, id, Kind::Way),
                    None => {
                        node_at.insert(cell, id);
                    }
                }
            }
        }
        cells.thin(distances, &kept, |_| options.branches_m.is_some());
        if let Some(beyond_m) = options.branches_m {
            chains::prune(&mut cells, distances, &kept, beyond_m);
        }
        let tolerance_m = options.simplify_m.max(cells.size_m);
        for chain in chains::chains(&cells, &kept) {
            let place = |cell: &usize| {
                node_at.get(cell).map_or_else(|| cells.centre(*cell), |id| self.network.at(*id))
            };
            let line: Vec<Point> = chain.cells.iter().map(place).collect();
            let at = |n: usize| line.get(n).copied().unwrap_or_else(Point::origin);
            let pieces = simplified(&line, tolerance_m, &mut |a, b| self.ground.fits(at(a), at(b)));
            for (a, b) in pieces {
                let [a, b] = [a, b].map(|n| {
                    let cell = chain.cells.get(n).copied().unwrap_or_default();
                    *node_at.entry(cell).or_insert_with(|| self.network.add(at(n), Role::Junction))
                });
                self.network.link(a, b, Kind::Way);
            }
        }
    }

    /// Joins what is apart on one piece of the floor by shortest paths.
    fn join(&mut self) {
        let mut scratch = Scratch::new();
        let mut on: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (id, node) in self.network.nodes() {
            let is_used = node.role != Role::Junction || 0 < self.network.degree(id);
            if let Some(piece) = self.ground.piece_of(node.at).filter(|_| is_used) {
                on.entry(piece).or_default().push(id);
            }
        }
        for nodes in on.into_values() {
            let mut groups = self.network.groups_by_way(&nodes);
            while 1 < groups.len() {
                let Some(group) = groups.pop() else { break };
                let mut nearest: Option<(f64, u32, u32)> = None;
                for &a in &group {
                    for &b in groups.iter().flatten() {
                        let pair = (self.network.length_m(a, b), a, b);
                        if nearest.is_none_or(|best| {
                            pair.0.total_cmp(&best.0).then((pair.1, pair.2).cmp(&(best.1, best.2))).is_lt()
                        }) {
                            nearest = Some(pair);
                        }
                    }
                }
                let Some((_, a, b)) = nearest else { break };
                let (from, to) = (self.network.at(a), self.network.at(b));
                let joined = if self.ground.fits(from, to) {
                    self.network.link(a, b, Kind::Way);
                    true
                } else {
                    self.add_path(a, b, &mut scratch)
                };
                // One group less either way: what cannot be joined is looked at no more.
                if joined && let Some(other) = groups.iter_mut().find(|other| other.contains(&b)) {
                    other.extend(group);
                }
            }
        }
    }

    fn add_path(&mut self, a: u32, b: u32, scratch: &mut Scratch) -> bool {
        let Some(path) = self.ground.path(self.network.at(a), self.network.at(b), scratch) else {
            return false;
        };
        let corners = path.points.len().saturating_sub(1);
        let mut last = a;
        for (number, (p, q)) in path.points.iter().zip(path.points.iter().skip(1)).enumerate() {
            if !self.ground.fits_tight(*p, *q) {
                return false;
            }
            let next = if number + 1 == corners { b } else { self.network.add(*q, Role::Junction) };
            self.network.link(last, next, Kind::Way);
            last = next;
        }
        true
    }

    /// Adds straight ways where there is a detour.
    fn shorten(&mut self, options: &SurveyOptions) {
        for (_, nodes) in self.nodes_on() {
            let used: Vec<u32> = nodes.into_iter().filter(|id| 0 < self.network.degree(*id)).collect();
            let fits = |a: Point, b: Point| self.ground.shut.sweep_free(a, b, options.sight_radius_m());
            self.network.span(&used, options.stretch / DETOUR_MAX, options.sight_m, &fits);
        }
    }
}

/// Where the waypoint in a cabin is, and whether it is there already: one of this level, else over or under one of
/// another level, else the middle of the cabin.
fn cabin(site: &CompiledSite, id: LiftId, lift: &Lift, level: LevelId) -> (Point, Role) {
    let inside = || site.waypoints().iter().filter(|waypoint| waypoint.lift == Some(id));
    match inside().find(|waypoint| waypoint.level == level) {
        Some(waypoint) => (waypoint.at, Role::Known(waypoint.name.clone())),
        None => (inside().next().map_or(lift.at, |waypoint| waypoint.at), Role::Cabin(lift.name.clone())),
    }
}

/// Frees a cell and those between it and the nearest free one.
fn connect(cells: &mut Cells, cell: usize) {
    if cells.is_free(cell) {
        return;
    }
    let (x, y) = (cell % cells.width, cell / cells.width);
    let offsets = (-4_i32..=4).flat_map(|dy| (-4_i32..=4).map(move |dx| (dx * dx + dy * dy, dx, dy)));
    let mut offsets: Vec<(i32, i32, i32)> = offsets.collect();
    offsets.sort_unstable();
    let found = offsets
        .into_iter()
        .find(|(_, dx, dy)| cells.step(cell, [*dx, *dy]).is_some_and(|next| cells.is_free(next)));
    cells.set(cell, true);
    let Some((_, dx, dy)) = found else { return };
    let count = dx.abs().max(dy.abs());
    for n in 1..count {
        // Rounded halfway from zero, the same on every machine.
        let share = |d: i32| (2 * d * n + d.signum() * count) / (2 * count);
        let step = [share(dx), share(dy)];
        if let Some(next) = cells.step(y * cells.width + x, step) {
            cells.set(next, true);
        }
    }
}
