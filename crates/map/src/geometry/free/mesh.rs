//! Free space as convex polygons that share sides: a constrained triangulation, merged.
//!
//! It owns no search. Corners are exact, so are all its tests; it refuses rings that cross.

use std::panic::{AssertUnwindSafe, catch_unwind};

use spade::{ConstrainedDelaunayTriangulation, Point2 as Site, Triangulation};

use super::{FreeSpaceError, inflate::turning_corners};
use crate::geometry::{Point, orientation, sides};

/// No edge, no polygon, no corner.
pub(super) const NONE: u32 = u32::MAX;

/// Convex polygons; their edges are numbered through, those of one polygon in a row and counter-clockwise.
#[derive(Clone, Debug, Default)]
pub(super) struct Mesh {
    pub(super) corners: Vec<Point>,
    /// Whether a shortest path can turn at a corner.
    pub(super) turns: Vec<bool>,
    pub(super) edges: Vec<Edge>,
    /// The first edge of each polygon, and the end of the last.
    pub(super) first: Vec<u32>,
    /// The connected piece of each polygon.
    pub(super) component: Vec<u32>,
    pub(super) components: u32,
    /// Per polygon its number in a walk through its piece, and the end of the numbers of what lies behind it.
    pub(super) order: Vec<(u32, u32)>,
}

/// An edge of a polygon, which lies left of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// The corner it starts at.
    pub(super) from: u32,
    pub(super) polygon: u32,
    /// The same edge of the neighbour; [`NONE`] at the boundary.
    pub(super) twin: u32,
    /// The only way between what lies on both sides of it: the polygon behind it in the walk, else [`NONE`].
    pub(super) gate: u32,
}

impl Mesh {
    pub(super) fn new(rings: &[Vec<Point>]) -> Result<Self, FreeSpaceError> {
        let mut corners: Vec<Point> = rings.iter().flatten().copied().collect();
        let key = |p: &Point, q: &Point| p.x.total_cmp(&q.x).then(p.y.total_cmp(&q.y));
        corners.sort_by(key);
        corners.dedup();
        let number = |p: Point| corners.binary_search_by(|q| key(q, &p)).unwrap_or(0);
        let lines: Vec<[usize; 2]> =
            rings.iter().flat_map(|ring| sides(ring)).map(|(a, b)| [number(a), number(b)]).collect();
        let mut turns = vec![false; corners.len()];
        for corner in turning_corners(rings) {
            if let Some(turns) = turns.get_mut(number(corner)) {
                *turns = true;
            }
        }
        let half_edges = triangulate(&corners, lines)?;
        let mut mesh = Self { corners, turns, ..Self::default() };
        mesh.merge(half_edges);
        mesh.number_components();
        Ok(mesh)
    }

    pub(super) fn corner(&self, corner: u32) -> Point {
        self.corners.get(corner as usize).copied().unwrap_or_default()
    }

    /// Edges of a polygon by number.
    pub(super) fn edges_of(&self, polygon: u32) -> std::ops::Range<u32> {
        let first = |polygon: u32| self.first.get(polygon as usize).copied().unwrap_or(0);
        first(polygon)..first(polygon + 1)
    }

    /// The corner an edge ends at.
    pub(super) fn end(&self, edge: u32) -> u32 {
        let Some(own) = self.edges.get(edge as usize) else { return NONE };
        let range = self.edges_of(own.polygon);
        let next = if edge + 1 < range.end { edge + 1 } else { range.start };
        self.edges.get(next as usize).map_or(NONE, |next| next.from)
    }

    /// Removes edges between triangles, longest first, wherever the result is convex.
    fn merge(&mut self, mut half: Vec<Half>) {
        let square = |half: &[Half], edge: u32| {
            let (a, b) = (from(half, edge), from(half, next(half, edge)));
            (self.corner(b) - self.corner(a)).norm_squared()
        };
        let mut inner: Vec<(f64, u32)> = (0_u32..)
            .zip(&half)
            .filter(|(edge, own)| own.twin != NONE && *edge < own.twin)
            .map(|(edge, _)| (square(&half, edge), edge))
            .collect();
        inner.sort_by(|p, q| q.0.total_cmp(&p.0).then(p.1.cmp(&q.1)));
        let mut removed: Vec<bool> = half.iter().map(|half| half.from == NONE).collect();
        for (_, edge) in inner {
            let twin = half.get(edge as usize).map_or(NONE, |own| own.twin);
            // Convex where the edge started, and where it ended.
            let stays_convex = [(edge, twin), (twin, edge)].into_iter().all(|(own, other)| {
                let before = from(&half, prev(&half, own));
                let after = from(&half, next(&half, next(&half, other)));
                0.0 <= orientation(self.corner(before), self.corner(from(&half, own)), self.corner(after))
            });
            if stays_convex {
                let joints = [(prev(&half, edge), next(&half, twin)), (prev(&half, twin), next(&half, edge))];
                for (before, after) in joints {
                    if let Some(before) = half.get_mut(before as usize) {
                        before.next = after;
                    }
                    if let Some(after) = half.get_mut(after as usize) {
                        after.prev = before;
                    }
                }
                for gone in [edge, twin] {
                    if let Some(gone) = removed.get_mut(gone as usize) {
                        *gone = true;
                    }
                }
            }
        }
        self.collect(&half, removed);
    }

    fn collect(&mut self, half: &[Half], mut done: Vec<bool>) {
        let mut number = vec![NONE; half.len()];
        let mut twins = Vec::new();
        for start in 0..count(half.len()) {
            if done.get(start as usize).copied().unwrap_or(true) {
                continue;
            }
            let polygon = count(self.first.len());
            self.first.push(count(self.edges.len()));
            let mut edge = start;
            while let Some(done) = done.get_mut(edge as usize).filter(|done| !**done) {
                *done = true;
                if let Some(number) = number.get_mut(edge as usize) {
                    *number = count(self.edges.len());
                }
                twins.push(half.get(edge as usize).map_or(NONE, |own| own.twin));
                self.edges.push(Edge { from: from(half, edge), polygon, twin: NONE, gate: NONE });
                edge = next(half, edge);
            }
        }
        self.component = vec![NONE; self.first.len()];
        self.first.push(count(self.edges.len()));
        for (edge, twin) in self.edges.iter_mut().zip(twins) {
            edge.twin = number.get(twin as usize).copied().unwrap_or(NONE);
        }
    }

    /// Walks through each piece once: numbers, and the edges that are the only way (Tarjan's bridges).
    fn number_components(&mut self) {
        let total = self.component.len();
        self.order = vec![(NONE, NONE); total];
        let mut low = vec![NONE; total];
        let mut time = 0;
        for start in 0..count(total) {
            if self.component.get(start as usize).copied() != Some(NONE) {
                continue;
            }
            let component = self.components;
            self.components += 1;
            // Polygon, the edge it was entered by, the next edge to try.
            let mut stack = vec![(start, NONE, self.edges_of(start).start)];
            self.enter(start, component, time, &mut low);
            time += 1;
            while let Some((polygon, entered, at)) = stack.last_mut() {
                let (polygon, entered, edge) = (*polygon, *entered, *at);
                if edge < self.edges_of(polygon).end {
                    *at += 1;
                    let twin = self.edges.get(edge as usize).map_or(NONE, |edge| edge.twin);
                    let Some(next) = self.edges.get(twin as usize).map(|twin| twin.polygon) else { continue };
                    if edge == entered {
                        continue;
                    }
                    let seen = self.order.get(next as usize).map_or(NONE, |order| order.0);
                    if seen == NONE {
                        self.enter(next, component, time, &mut low);
                        time += 1;
                        stack.push((next, twin, self.edges_of(next).start));
                    } else if let Some(low) = low.get_mut(polygon as usize) {
                        *low = seen.min(*low);
                    }
                    continue;
                }
                stack.pop();
                if let Some(order) = self.order.get_mut(polygon as usize) {
                    order.1 = time;
                }
                let own = low.get(polygon as usize).copied().unwrap_or(NONE);
                let Some(&(parent, ..)) = stack.last() else { continue };
                if let Some(low) = low.get_mut(parent as usize) {
                    *low = own.min(*low);
                }
                let above = self.order.get(parent as usize).map_or(NONE, |order| order.0);
                if above < own {
                    let back = self.edges.get(entered as usize).map_or(NONE, |edge| edge.twin);
                    for edge in [entered, back] {
                        if let Some(edge) = self.edges.get_mut(edge as usize) {
                            edge.gate = polygon;
                        }
                    }
                }
            }
        }
    }

    fn enter(&mut self, polygon: u32, component: u32, time: u32, low: &mut [u32]) {
        let polygon = polygon as usize;
        if let (Some(own), Some(order), Some(low)) =
            (self.component.get_mut(polygon), self.order.get_mut(polygon), low.get_mut(polygon))
        {
            (*own, *order, *low) = (component, (time, time), time);
        }
    }
}

/// A half edge of the triangulation while it is merged.
#[derive(Clone, Copy, Debug)]
struct Half {
    from: u32,
    next: u32,
    prev: u32,
    twin: u32,
}

fn from(half: &[Half], edge: u32) -> u32 {
    half.get(edge as usize).map_or(NONE, |half| half.from)
}

fn next(half: &[Half], edge: u32) -> u32 {
    half.get(edge as usize).map_or(NONE, |half| half.next)
}

fn prev(half: &[Half], edge: u32) -> u32 {
    half.get(edge as usize).map_or(NONE, |half| half.prev)
}

/// Triangles inside the rings, three half edges each.
fn triangulate(corners: &[Point], lines: Vec<[usize; 2]>) -> Result<Vec<Half>, FreeSpaceError> {
    let sites: Vec<Site<f64>> = corners.iter().map(|p| Site::new(p.x, p.y)).collect();
    let expected = lines.len();
    let mut conflicts = 0;
    let built = catch_unwind(AssertUnwindSafe(|| {
        ConstrainedDelaunayTriangulation::<Site<f64>>::try_bulk_load_cdt(sites, lines, |_| conflicts += 1)
    }));
    let refused = |conflicts| FreeSpaceError::Triangulation { conflicts };
    let cdt = built.map_err(|_| refused(expected))?.map_err(|_| refused(expected))?;
    if conflicts != 0 || cdt.num_vertices() != corners.len() {
        return Err(refused(conflicts));
    }
    let mut half = vec![Half { from: NONE, next: NONE, prev: NONE, twin: NONE }; cdt.num_directed_edges()];
    let mut face = vec![0; half.len()];
    let mut some_edge = vec![None; cdt.num_all_faces()];
    for edge in cdt.directed_edges() {
        let own = edge.fix().index();
        let number = |edge: usize| count(edge);
        if let (Some(half), Some(face)) = (half.get_mut(own), face.get_mut(own)) {
            *half = Half {
                from: number(edge.from().fix().index()),
                next: number(edge.next().fix().index()),
                prev: number(edge.prev().fix().index()),
                twin: if edge.is_constraint_edge() { NONE } else { number(edge.rev().fix().index()) },
            };
            *face = edge.face().fix().index();
        }
        if let Some(some_edge) = some_edge.get_mut(edge.face().fix().index()) {
            *some_edge = Some((own, edge.fix()));
        }
    }
    // Outside beyond the hull; every constraint changes sides.
    let mut inside: Vec<Option<bool>> = vec![None; some_edge.len()];
    let mut queue = vec![(cdt.outer_face().fix().index(), false)];
    while let Some((at, is_inside)) = queue.pop() {
        let Some(slot) = inside.get_mut(at).filter(|inside| inside.is_none()) else { continue };
        *slot = Some(is_inside);
        let Some((start, handle)) = some_edge.get(at).copied().flatten() else { continue };
        let mut edge = cdt.directed_edge(handle);
        loop {
            queue.push((edge.rev().face().fix().index(), is_inside != edge.is_constraint_edge()));
            edge = edge.next();
            if edge.fix().index() == start {
                break;
            }
        }
    }
    let keeps =
        |edge: usize| face.get(edge).and_then(|face| inside.get(*face)).copied().flatten() == Some(true);
    for edge in 0..half.len() {
        if let Some(half) = half.get_mut(edge).filter(|_| !keeps(edge)) {
            *half = Half { from: NONE, next: NONE, prev: NONE, twin: NONE };
        }
    }
    Ok(half)
}

fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(NONE)
}
