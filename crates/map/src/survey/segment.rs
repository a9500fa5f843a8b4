//! Room segmentation: the rooms and doors of a scanned floor.
//!
//! The watershed of the clearance (Meyer 1991, flooded from the roomiest cells down): basins grow into each other unless
//! they meet at a place that is as narrow as a door and both are wider than it by a factor. Such a place becomes a straight
//! door between the two nearest obstacles on either side; the floor is cut there, and the pieces are the rooms.

use std::collections::BTreeMap;

use nalgebra::Vector2;

use crate::{
    geometry::{Point, float},
    model::{Door, DoorKind, RoomKind, Site, Wall},
};

use super::{
    cells::{AROUND, Cells},
    chains::root,
    scan::{OccupancyGrid, ScanError, ScanOptions, outlines, pieces, room},
};

/// What a segmentation found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SegmentReport {
    /// Rooms.
    pub rooms: usize,
    /// Doors between them.
    pub doors: usize,
    /// Area of the free cells after cleaning, square metres.
    pub free_m2: f64,
    /// Area of the rooms, square metres.
    pub rooms_m2: f64,
    /// Narrow places that do not separate what lies on their sides, or separate less than a room.
    pub loose: usize,
    /// Places between rooms that are too narrow for a door.
    pub slits: usize,
}

/// Corridors are this many times as long as wide, at least.
const CORRIDOR_LENGTH: f64 = 4.0;
/// The least number of doors of a corridor.
const CORRIDOR_DOORS: usize = 3;
/// What a cell away from the middle of a passage is worth in cells of a door's width.
const OFF_MIDDLE: f64 = 0.3;

/// A door in cells: the blocked cells at its ends.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cut {
    a: usize,
    b: usize,
}

/// Divides a scanned floor into rooms with doors between them.
///
/// Rooms are polygons with holes that do not overlap, with walls along their outlines; doors are openings, since a scan
/// does not show leaves. O(cells log cells).
///
/// ```
/// use sheepdog_map::survey::{Occupancy, OccupancyGrid, ScanOptions, segment};
///
/// // Two rooms of 3 m x 3 m, a wall of 0.2 m and a door of 0.8 m.
/// let is_free = |x: usize, y: usize| {
///     (1..61).contains(&y) && ((1..61).contains(&x) || (65..125).contains(&x) || (20..36).contains(&y) && x < 125 && 0 < x)
/// };
/// let cell = |n: usize| if is_free(n % 126, n / 126) { Occupancy::Free } else { Occupancy::Occupied };
/// let grid = OccupancyGrid::new("hut", 126, 0.05, [0.0; 3], (0..126 * 62).map(cell).collect()).unwrap();
/// let (site, report) = segment(&grid, &ScanOptions::default()).unwrap();
/// assert_eq!((site.rooms.len(), site.doors.len(), report.loose), (2, 1, 0));
/// ```
///
/// # Errors
/// [`ScanError`]: an option is outside its range, or nothing is free.
pub fn segment(grid: &OccupancyGrid, options: &ScanOptions) -> Result<(Site, SegmentReport), ScanError> {
    options.check()?;
    let free = grid.cleaned(options)?;
    let door_max = options.door_width_max_m / grid.resolution_m();
    let distances = free.distances();
    let basins = Basins::flood(&free, &distances, door_max, options);
    let candidates = doors(&free, &distances, &basins.labels(), door_max);
    let least = options.island_m2 / grid.resolution_m() / grid.resolution_m();
    let (cells, cuts, loose) = cut(&free, candidates, least);
    let mut site = grid.site();
    let square_m2 = grid.resolution_m() * grid.resolution_m();
    let count_m2 = |cells: &Cells| float(cells.free.iter().filter(|free| **free).count()) * square_m2;
    let mut report = SegmentReport {
        loose,
        free_m2: count_m2(&free),
        rooms_m2: count_m2(&cells),
        ..SegmentReport::default()
    };
    let mut openings: BTreeMap<usize, usize> = BTreeMap::new();
    let room_of = rooms_by_cell(&cells);
    for cut in &cuts {
        let [from, to] = ends(&cells, cut);
        if (to - from).norm() * grid.resolution_m() < options.door_width_min_m {
            report.slits += 1;
            continue;
        }
        let [from, to] = [from, to].map(|at| grid.place([at.x, at.y]));
        let number = site.doors.len() + 1;
        site.doors.push(Door {
            kind: DoorKind::Opening,
            opening_s: 0.0,
            ..Door::new(format!("door {number}"), "map", from, to)
        });
        for room in beside(&cells, cut, &room_of) {
            *openings.entry(room).or_default() += 1;
        }
    }
    let near_m = 2.0 * grid.resolution_m() + options.simplify_m;
    let walls_m = (2.0 * options.simplify_m).max(0.01);
    for (number, rings) in outlines(&cells, options.simplify_m / grid.resolution_m())?.iter().enumerate() {
        let doors = openings.get(&number).copied().unwrap_or(0);
        let kind = if is_corridor(rings, doors) { RoomKind::Corridor } else { RoomKind::Room };
        let room = room(grid, format!("room {}", number + 1), kind, rings);
        for ring in std::iter::once(&room.polygon).chain(&room.holes) {
            let sides = ring.iter().zip(ring.iter().cycle().skip(1));
            let solid: Vec<[[f64; 2]; 2]> =
                sides.flat_map(|(a, b)| beyond(&site.doors, [*a, *b], near_m)).collect();
            site.walls.extend(
                solid.into_iter().map(|[a, b]| Wall { thickness_m: walls_m, ..Wall::new("map", a, b) }),
            );
        }
        site.rooms.push(room);
    }
    report.rooms = site.rooms.len();
    report.doors = site.doors.len();
    Ok((site, report))
}

/// Cells that water flows to from the roomiest places, with what joins them.
#[derive(Debug)]
struct Basins {
    /// Basin of every cell, `usize::MAX` for blocked ones.
    of: Vec<usize>,
    /// Union and find: what a basin has become part of.
    parent: Vec<usize>,
    /// Clearance at the roomiest place, in cells.
    peak: Vec<f64>,
}

impl Basins {
    fn flood(free: &Cells, distances: &[i64], door_max: f64, options: &ScanOptions) -> Self {
        let mut basins = Self { of: vec![usize::MAX; free.free.len()], parent: Vec::new(), peak: Vec::new() };
        let distance = |cell: usize| distances.get(cell).copied().unwrap_or(0);
        let mut order: Vec<usize> = (0..free.free.len()).filter(|cell| free.is_free(*cell)).collect();
        order.sort_by(|a, b| distance(*b).cmp(&distance(*a)).then(a.cmp(b)));
        for cell in order {
            let clearance = root(distance(cell));
            let around = AROUND.iter().filter_map(|step| free.step(cell, *step));
            let around = around.filter_map(|next| basins.of.get(next).copied());
            let mut near: Vec<usize> = around.filter(|basin| *basin != usize::MAX).collect();
            for basin in &mut near {
                *basin = basins.find(*basin);
            }
            near.sort_unstable();
            near.dedup();
            // The roomiest first.
            near.sort_by(|a, b| basins.peak_of(*b).total_cmp(&basins.peak_of(*a)));
            let Some((&home, others)) = near.split_first() else {
                basins.put(cell, basins.parent.len());
                basins.parent.push(basins.parent.len());
                basins.peak.push(clearance);
                continue;
            };
            basins.put(cell, home);
            for &other in others {
                // From edge to edge of the blocked cells.
                let width = 2.0 * clearance - 1.0;
                let is_door =
                    width <= door_max && options.contrast * width <= 2.0 * basins.peak_of(other) - 1.0;
                if !is_door && let Some(parent) = basins.parent.get_mut(other) {
                    *parent = home;
                }
            }
        }
        basins
    }

    fn put(&mut self, cell: usize, basin: usize) {
        if let Some(slot) = self.of.get_mut(cell) {
            *slot = basin;
        }
    }

    fn peak_of(&self, basin: usize) -> f64 {
        self.peak.get(basin).copied().unwrap_or(0.0)
    }

    fn find(&mut self, mut basin: usize) -> usize {
        while let Some(&parent) = self.parent.get(basin).filter(|parent| **parent != basin) {
            let above = self.parent.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.parent.get_mut(basin) {
                *slot = above;
            }
            basin = above;
        }
        basin
    }

    /// The final basin of every cell.
    fn labels(mut self) -> Vec<usize> {
        let of = std::mem::take(&mut self.of);
        of.into_iter().map(|basin| if basin == usize::MAX { basin } else { self.find(basin) }).collect()
    }
}

/// Where two basins meet: for each connected place the best door through it, the narrowest first.
fn doors(free: &Cells, distances: &[i64], labels: &[usize], door_max: f64) -> Vec<Cut> {
    let label = |cell: usize| labels.get(cell).copied().unwrap_or(usize::MAX);
    let mut meeting = Cells { free: vec![false; free.free.len()], ..free.clone() };
    let mut pairs: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for cell in (0..free.free.len()).filter(|cell| free.is_free(*cell)) {
        for next in AROUND.iter().filter_map(|step| free.step(cell, *step)) {
            let (own, other) = (label(cell), label(next));
            if other != usize::MAX && own != other {
                pairs.entry((own.min(other), own.max(other))).or_default().push(cell);
            }
        }
    }
    let mut cuts: Vec<(f64, Cut)> = Vec::new();
    for cells in pairs.into_values() {
        meeting.free.fill(false);
        for cell in cells {
            meeting.set(cell, true);
        }
        for place in clusters(&meeting) {
            let middle =
                place.into_iter().max_by_key(|cell| (distances.get(*cell).copied(), usize::MAX - cell));
            cuts.extend(middle.and_then(|middle| across(free, distances, middle, door_max)));
        }
    }
    cuts.sort_by(|p, q| p.0.total_cmp(&q.0).then((p.1.a, p.1.b).cmp(&(q.1.a, q.1.b))));
    cuts.into_iter().map(|(_, cut)| cut).collect()
}

/// Free cells that hang together over sides or corners.
fn clusters(cells: &Cells) -> Vec<Vec<usize>> {
    let mut left = cells.clone();
    let mut found = Vec::new();
    for start in 0..cells.free.len() {
        let mut cluster = Vec::new();
        let mut open = vec![start];
        while let Some(cell) = open.pop() {
            if left.is_free(cell) {
                left.set(cell, false);
                cluster.push(cell);
                open.extend(AROUND.iter().filter_map(|step| left.step(cell, *step)));
            }
        }
        if !cluster.is_empty() {
            found.push(cluster);
        }
    }
    found
}

/// The shortest line between blocked cells on two sides of a free one, and its length.
fn across(free: &Cells, distances: &[i64], middle: usize, door_max: f64) -> Option<(f64, Cut)> {
    /// Two sides face each other if they are seen at more than this angle (cosine).
    const FACING: f64 = -0.5;
    let centre = free.centre(middle);
    let clearance = distances.get(middle).map_or(0.0, |square| root(*square));
    let reach = crate::geometry::truncate((clearance * 1.5 + 3.0).min(door_max + 3.0).ceil());
    let reach = i32::try_from(reach).unwrap_or(i32::MAX).min(1_000);
    let offsets = (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| [dx, dy]));
    let is_rim = |cell: &usize| !free.is_free(*cell) && free.around(*cell) != 0;
    let rim: Vec<usize> = offsets.filter_map(|step| free.step(middle, step)).filter(is_rim).collect();
    let mut best: Option<(f64, f64, Cut)> = None;
    for (n, &a) in rim.iter().enumerate() {
        let p = free.centre(a);
        for &b in rim.iter().skip(n + 1) {
            let q = free.centre(b);
            let (to_p, to_q) = (p - centre, q - centre);
            let length = (p - q).norm();
            let score = length + OFF_MIDDLE * (p + (q - p) / 2.0 - centre).norm();
            let faces = to_p.dot(&to_q) <= FACING * to_p.norm() * to_q.norm();
            if faces
                && best.is_none_or(|best| score < best.0)
                && line(free, a, b).iter().all(|cell| free.is_free(*cell))
            {
                best = Some((score, length, Cut { a, b }));
            }
        }
    }
    best.filter(|(_, length, _)| *length <= door_max + 2.0).map(|(_, length, cut)| (length, cut))
}

/// The cells between two cells, each joined to the next over a side.
fn line(cells: &Cells, a: usize, b: usize) -> Vec<usize> {
    let (p, q) = (cells.centre(a), cells.centre(b));
    let steps = crate::geometry::truncate(4.0 * (q - p).norm().ceil()).max(1);
    let mut found: Vec<usize> = Vec::new();
    for step in 0..=steps {
        let at = p + (q - p) * (f64::from(step) / f64::from(steps));
        let Some(cell) = cells.cell_at(at) else { continue };
        if let Some(&last) = found.last().filter(|last| **last != cell) {
            let is_corner =
                last % cells.width != cell % cells.width && last / cells.width != cell / cells.width;
            if is_corner {
                found.push(last / cells.width * cells.width + cell % cells.width);
            }
        }
        if found.last() != Some(&cell) {
            found.push(cell);
        }
    }
    found.retain(|cell| *cell != a && *cell != b);
    found
}

/// Cuts the floor at doors; those that separate nothing, or less than `least` cells, are left out and counted.
fn cut(free: &Cells, doors: Vec<Cut>, least: f64) -> (Cells, Vec<Cut>, usize) {
    let mut cells = free.clone();
    let set = |cells: &mut Cells, doors: &[Cut], is_free: bool| {
        for cell in doors.iter().flat_map(|door| line(free, door.a, door.b)) {
            cells.set(cell, is_free);
        }
    };
    set(&mut cells, &doors, false);
    let (mut kept, mut loose) = (doors, 0);
    loop {
        let room_of = rooms_by_cell(&cells);
        let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
        for room in &room_of {
            *sizes.entry(*room).or_default() += 1;
        }
        let is_room = |room: &usize| sizes.get(room).is_some_and(|size| least <= float(*size));
        let (good, bad): (Vec<Cut>, Vec<Cut>) = kept.into_iter().partition(|door| {
            let rooms = beside(&cells, door, &room_of);
            2 <= rooms.len() && rooms.iter().all(is_room)
        });
        kept = good;
        if bad.is_empty() {
            return (cells, kept, loose);
        }
        loose += bad.len();
        set(&mut cells, &bad, true);
        // What is open again may have crossed a door that stays.
        set(&mut cells, &kept, false);
    }
}

fn rooms_by_cell(cells: &Cells) -> Vec<usize> {
    let mut room_of = vec![usize::MAX; cells.free.len()];
    for (number, piece) in pieces(cells).into_iter().enumerate() {
        for cell in piece {
            if let Some(slot) = room_of.get_mut(cell) {
                *slot = number;
            }
        }
    }
    room_of
}

/// The rooms beside the middle third of a door.
fn beside(cells: &Cells, cut: &Cut, room_of: &[usize]) -> Vec<usize> {
    let line = line(cells, cut.a, cut.b);
    let third = line.len() / 3;
    let inner = line.iter().skip(third).take(line.len() - 2 * third);
    let near = inner.flat_map(|cell| AROUND.iter().filter_map(|step| cells.step(*cell, *step)));
    let mut rooms: Vec<usize> =
        near.filter_map(|cell| room_of.get(cell).copied().filter(|room| *room != usize::MAX)).collect();
    rooms.sort_unstable();
    rooms.dedup();
    rooms
}

/// The free ends of a door: the edges of the blocked cells.
fn ends(cells: &Cells, cut: &Cut) -> [Point; 2] {
    let (p, q) = (cells.centre(cut.a), cells.centre(cut.b));
    let unit = (q - p) / (q - p).norm();
    // A cell ends half a cell from its middle along an axis, and further along a diagonal.
    let half = 0.5 / unit.x.abs().max(unit.y.abs());
    [p + unit * half, q - unit * half]
}

/// The parts of a side of an outline that are not in front of a door, or further than `near_m` from it.
fn beyond(doors: &[Door], side: [[f64; 2]; 2], near_m: f64) -> Vec<[[f64; 2]; 2]> {
    const CRUMB_M: f64 = 0.005;
    let mut parts = vec![side.map(Point::from)];
    for door in doors {
        let (from, to) = (Point::from(door.from), Point::from(door.to));
        let width_m = (to - from).norm();
        let along = (to - from) / width_m;
        let across = Vector2::new(-along.y, along.x);
        let cut = |[a, b]: [Point; 2]| {
            // The share of the part that is in the rectangle around the door.
            let (mut low, mut high) = (0.0_f64, 1.0_f64);
            for (axis, least, most) in [(along, 0.0, width_m), (across, -near_m, near_m)] {
                let (start, end) = (axis.dot(&(a - from)), axis.dot(&(b - from)));
                let (near, far) = ((least - start) / (end - start), (most - start) / (end - start));
                if near.is_finite() && far.is_finite() {
                    low = low.max(near.min(far));
                    high = high.min(near.max(far));
                } else if !(least..=most).contains(&start) {
                    return vec![[a, b]];
                }
            }
            if high <= low {
                return vec![[a, b]];
            }
            let at = |share: f64| a + (b - a) * share;
            let rest = [[a, at(low)], [at(high), b]];
            rest.into_iter().filter(|[a, b]| CRUMB_M < (b - a).norm()).collect()
        };
        parts = parts.into_iter().flat_map(cut).collect();
    }
    parts.into_iter().map(|part| part.map(|p| [p.x, p.y])).collect()
}

/// Whether a room is much longer than wide and has many doors.
fn is_corridor(rings: &[Vec<Point>], doors: usize) -> bool {
    let Some(outer) = rings.first() else { return false };
    let area = crate::geometry::twice_area(outer) / 2.0;
    let girth: f64 = crate::geometry::sides(outer).map(|(a, b)| (b - a).norm()).sum();
    // Of a long rectangle the length is half the girth and the width the area over that.
    let length = girth / 2.0;
    CORRIDOR_DOORS <= doors && CORRIDOR_LENGTH * area <= length * length
}
