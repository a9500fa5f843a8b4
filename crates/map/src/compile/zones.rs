//! Where a robot is in the way: sills, door swings and cabins of one level.

use sheepdog_core::{DoorId, LevelId, LiftId};

use super::space::{Space, distance_to_ring};
use crate::{
    compiled::{Door, Lift},
    geometry::{Point, SegmentGrid, crossing_share, point_to_segment, segment_to_segment, segments_meet},
    model::{DoorKind, Swing},
};

/// An opening that a lane can cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Passage {
    Door(DoorId),
    Lift(LiftId),
}

/// Openings and cabins of one level.
#[derive(Debug)]
pub(crate) struct Zones {
    openings: Vec<Opening>,
    grid: SegmentGrid,
    /// The longest leaf that swings, metres.
    leaf_max_m: f64,
    cabins: Vec<(LiftId, [Point; 4])>,
}

#[derive(Debug)]
struct Opening {
    passage: Passage,
    a: Point,
    b: Point,
    /// Clear width, metres.
    width_m: f64,
    leaves: Vec<Leaf>,
}

/// A leaf that swings through a quarter disc.
#[derive(Debug)]
struct Leaf {
    hinge: Point,
    /// Unit vector from the hinge along the shut leaf.
    shut: nalgebra::Vector2<f64>,
    /// Unit vector from the hinge along the open leaf.
    open: nalgebra::Vector2<f64>,
    length_m: f64,
}

impl Zones {
    /// The zones of every level, in the order of level ids.
    pub(super) fn per_level(space: &Space) -> Vec<Self> {
        let of = |(level, _)| Self::of(level, &space.doors, &space.lifts);
        (0..).map(LevelId).zip(&space.levels).map(of).collect()
    }

    /// The zones of one level.
    pub(crate) fn of(level: LevelId, doors: &[Door], lifts: &[Lift]) -> Self {
        let mut openings: Vec<Opening> = (0..)
            .map(DoorId)
            .zip(doors)
            .filter(|(_, door)| door.level == level)
            .map(|(id, door)| Opening {
                passage: Passage::Door(id),
                a: door.a,
                b: door.b,
                width_m: door.clear_width_m,
                leaves: leaves(door),
            })
            .collect();
        let mut cabins = Vec::new();
        for (id, lift) in (0..).map(LiftId).zip(lifts) {
            for stop in lift.stops.iter().filter(|stop| stop.level == level) {
                cabins.push((id, lift.cabin()));
                let opening = |&[a, b]: &[Point; 2]| Opening {
                    passage: Passage::Lift(id),
                    a,
                    b,
                    width_m: (b - a).norm(),
                    leaves: Vec::new(),
                };
                openings.extend(stop.doors.iter().map(opening));
            }
        }
        let leaf_max_m =
            openings.iter().flat_map(|opening| &opening.leaves).map(|leaf| leaf.length_m).fold(0.0, f64::max);
        let grid =
            SegmentGrid::new(&openings.iter().map(|opening| (opening.a, opening.b)).collect::<Vec<_>>());
        Self { openings, grid, leaf_max_m, cabins }
    }

    /// Whether a disc at `p` would be on a sill, within reach of a leaf, or in a cabin.
    pub(crate) fn in_the_way(&self, p: Point, radius_m: f64) -> bool {
        let mut hit = self.cabins.iter().any(|(_, cabin)| distance_to_ring(cabin, p) < radius_m);
        self.grid.near(p, p, radius_m + self.leaf_max_m, |opening| {
            if let Some(opening) = self.openings.get(opening as usize).filter(|_| !hit) {
                let sill = point_to_segment(p, opening.a, opening.b) < radius_m;
                hit = sill || opening.leaves.iter().any(|leaf| leaf.distance(p) < radius_m);
            }
        });
        hit
    }

    /// Openings whose sill is closer than `reach_m` to a segment or crossed by it, sorted, each once.
    pub(crate) fn sills(&self, a: Point, b: Point, reach_m: f64) -> Vec<Passage> {
        let mut found = Vec::new();
        self.grid.near(a, b, reach_m, |opening| {
            if let Some(opening) = self.openings.get(opening as usize) {
                let distance_m = segment_to_segment(a, b, opening.a, opening.b);
                if distance_m < reach_m || distance_m == 0.0 {
                    found.push(opening.passage);
                }
            }
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Openings that a segment crosses or touches, in the order from `a` to `b`; the width of each.
    pub(crate) fn crossed(&self, a: Point, b: Point) -> Vec<(Passage, f64)> {
        let mut found: Vec<(f64, Passage, f64)> = Vec::new();
        self.grid.near(a, b, 0.0, |opening| {
            if let Some(opening) = self.openings.get(opening as usize)
                && segments_meet(a, b, opening.a, opening.b)
            {
                let share = crossing_share(a, b, opening.a, opening.b);
                found.push((share, opening.passage, opening.width_m));
            }
        });
        found.sort_by(|p, q| p.0.total_cmp(&q.0).then(p.1.cmp(&q.1)).then(p.2.total_cmp(&q.2)));
        found.dedup_by(|p, q| p.1 == q.1);
        found.into_iter().map(|(_, passage, width_m)| (passage, width_m)).collect()
    }

    /// The lift in whose cabin a point lies.
    pub(crate) fn cabin_at(&self, p: Point) -> Option<LiftId> {
        self.cabins.iter().find(|(_, cabin)| distance_to_ring(cabin, p) == 0.0).map(|(lift, _)| *lift)
    }
}

fn leaves(door: &Door) -> Vec<Leaf> {
    let along = door.b - door.a;
    let (width_m, unit) = (along.norm(), along.normalize());
    let left = nalgebra::Vector2::new(-unit.y, unit.x);
    let hinges: &[(Point, nalgebra::Vector2<f64>, f64)] = match door.kind {
        DoorKind::Sliding | DoorKind::DoubleSliding | DoorKind::Opening => &[],
        DoorKind::Hinged => &[(door.a, unit, width_m)],
        DoorKind::DoubleHinged => &[(door.a, unit, width_m / 2.0), (door.b, -unit, width_m / 2.0)],
    };
    let sides: &[nalgebra::Vector2<f64>] = match door.swing {
        Swing::Left => &[left],
        Swing::Right => &[-left],
        Swing::Both => &[left, -left],
    };
    hinges
        .iter()
        .flat_map(|&(hinge, shut, length_m)| {
            sides.iter().map(move |&open| Leaf { hinge, shut, open, length_m })
        })
        .collect()
}

impl Leaf {
    /// Distance from a point to the quarter disc that the leaf sweeps; zero inside.
    fn distance(&self, p: Point) -> f64 {
        let to = p - self.hinge;
        let (x, y) = (to.dot(&self.shut), to.dot(&self.open));
        if 0.0 <= x && 0.0 <= y {
            return (to.norm() - self.length_m).max(0.0);
        }
        // Beside the quarter disc the closest point is on one of its straight edges.
        let to_edge = |along: f64, across: f64| {
            let beyond = along - along.clamp(0.0, self.length_m);
            (beyond * beyond + across * across).sqrt()
        };
        to_edge(x, y).min(to_edge(y, x))
    }
}
