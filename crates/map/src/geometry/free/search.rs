//! Shortest paths through a mesh of convex polygons, in any direction.
//!
//! Polyanya (Cui, Harabor, Grastien, IJCAI 2017) with three changes. What a search node sees is bounded by lines through
//! corners of the mesh, so every decision about directions is an exact predicate and nothing is located with a
//! tolerance. Edges that are the only way between two parts of the mesh are crossed only towards the goal. A node with
//! one successor is replaced by it at once. It owns no location: start and goal come with their polygons.

use std::{cmp::Reverse, collections::BinaryHeap};

use nalgebra::Vector2;

use super::mesh::{Edge, Mesh, NONE};
use crate::geometry::{Point, between, orientation};

/// The start of a path where otherwise a corner of the mesh is named.
const START: u32 = NONE - 1;

/// Memory of a search, to be used again: after a few questions none of them allocates.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    nodes: Vec<Node>,
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    /// Per corner the least length of a path to it, and the question that this belongs to.
    best: Vec<(f64, u32)>,
    question: u32,
    successors: Vec<Node>,
    pub(super) starts: Vec<u32>,
    pub(super) goals: Vec<u32>,
}

impl Scratch {
    /// Empty; it grows with the largest question.
    pub fn new() -> Self {
        Self::default()
    }

    fn clear(&mut self, corners: usize) {
        self.nodes.clear();
        self.heap.clear();
        self.successors.clear();
        self.question = self.question.wrapping_add(1);
        if self.best.len() != corners || self.question == 0 {
            self.best.clear();
            self.best.resize(corners, (f64::INFINITY, 0));
            self.question = 1;
        }
    }
}

/// A directed line through two corners, by their numbers.
#[derive(Clone, Copy, Debug)]
struct Line(u32, u32);

/// A part of an edge as seen from a root, which is the last place where the path turned.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Length of the path to the root.
    length: f64,
    /// Lower bound of the whole path's length.
    bound: f64,
    parent: u32,
    root: u32,
    /// The edge that is crossed, an edge of the polygon on the root's side.
    edge: u32,
    /// What is seen lies left of `right` and right of `left`.
    right: Line,
    left: Line,
    right_at: Point,
    left_at: Point,
    /// Whether the part ends at the end of the edge.
    right_is_corner: bool,
    left_is_corner: bool,
}

pub(super) struct Search<'a> {
    pub(super) mesh: &'a Mesh,
    pub(super) start: Point,
    pub(super) goal: Point,
}

impl Search<'_> {
    /// Corners of the shortest path, start and goal included; `None` when there is none. `scratch` names the polygons
    /// that contain start and goal.
    pub(super) fn run(&self, scratch: &mut Scratch) -> Option<Vec<Point>> {
        if scratch.starts.iter().any(|start| scratch.goals.contains(start)) {
            return Some(vec![self.start, self.goal]);
        }
        scratch.clear(self.mesh.corners.len());
        for start in 0..scratch.starts.len() {
            let Some(&polygon) = scratch.starts.get(start) else { continue };
            self.leave(polygon, scratch);
            push_all(scratch);
        }
        while let Some(Reverse((_, number))) = scratch.heap.pop() {
            let node = *scratch.nodes.get(number as usize)?;
            if self.is_goal(node.edge, &scratch.goals) {
                return Some(self.trace(number, &scratch.nodes));
            }
            self.expand(number, scratch);
        }
        None
    }

    /// Expands a node, and its successor as long as there is just one.
    fn expand(&self, number: u32, scratch: &mut Scratch) {
        let mut number = number;
        loop {
            let Some(&node) = scratch.nodes.get(number as usize) else { return };
            if let Some(best) = scratch.best.get_mut(node.root as usize) {
                if best.1 == scratch.question && best.0 < node.length {
                    return;
                }
                *best = (node.length, scratch.question);
            }
            self.cross(number, &node, scratch);
            match scratch.successors.as_slice() {
                [only] if !self.is_goal(only.edge, &scratch.goals) => {
                    let only = *only;
                    scratch.successors.clear();
                    number = count(scratch.nodes.len());
                    scratch.nodes.push(only);
                }
                _ => return push_all(scratch),
            }
        }
    }

    /// Edges of a polygon that contains the start. Edges through the start lead to another one, which is tried as well.
    fn leave(&self, polygon: u32, scratch: &mut Scratch) {
        for edge in self.mesh.edges_of(polygon) {
            let (from, to) = self.ends(edge);
            let side = orientation(self.corner(from), self.corner(to), self.start);
            // An edge in line with the start is passed along, and its far side reached around its nearer end.
            let seen =
                0.0 < side || (side == 0.0 && !between(self.corner(from), self.corner(to), self.start));
            if seen && self.leads_to_goal(edge, &scratch.goals) {
                let node = Node {
                    length: 0.0,
                    bound: 0.0,
                    parent: NONE,
                    root: START,
                    edge,
                    right: Line(START, from),
                    left: Line(START, to),
                    right_at: self.corner(from),
                    left_at: self.corner(to),
                    right_is_corner: true,
                    left_is_corner: true,
                };
                self.offer(node, scratch);
            }
        }
    }

    /// Successors of a node: what is seen through it, and what lies behind its ends where the path can turn.
    fn cross(&self, parent: u32, node: &Node, scratch: &mut Scratch) {
        let Some(twin) = self.mesh.edges.get(node.edge as usize).map(|edge| edge.twin) else { return };
        let Some(polygon) = self.mesh.edges.get(twin as usize).map(|edge| edge.polygon) else { return };
        let (right, left) = self.ends(node.edge);
        let turns = |corner: u32| self.mesh.turns.get(corner as usize).copied().unwrap_or(false);
        let turn = |corner: u32| {
            let length = node.length + (self.corner(corner) - self.corner(node.root)).norm();
            let known = scratch.best.get(corner as usize).copied().unwrap_or((0.0, 0));
            (known.1 != scratch.question || length <= known.0).then_some(length)
        };
        let may_turn_right = node.right_is_corner && node.root != right && turns(right);
        let may_turn_left = node.left_is_corner && node.root != left && turns(left);
        let around_right = may_turn_right.then(|| turn(right)).flatten();
        let around_left = may_turn_left.then(|| turn(left)).flatten();
        let range = self.mesh.edges_of(polygon);
        // Counter-clockwise from the edge that was crossed is from right to left.
        let behind = (twin + 1..range.end).chain(range.start..twin);
        let mut ahead: Option<(f64, f64)> = None;
        for edge in behind {
            let Some(&Edge { twin, .. }) = self.mesh.edges.get(edge as usize) else { continue };
            let (from, to) = self.ends(edge);
            // Positive left of the right line; negative right of the left line.
            let (from_right, from_left) = ahead.unwrap_or_else(|| self.sides_of(node, from));
            let (to_right, to_left) = self.sides_of(node, to);
            ahead = Some((to_right, to_left));
            if twin == NONE || !self.leads_to_goal(edge, &scratch.goals) {
                continue;
            }
            let whole = Node {
                parent,
                edge,
                right: Line(node.root, from),
                left: Line(node.root, to),
                right_at: self.corner(from),
                left_at: self.corner(to),
                right_is_corner: true,
                left_is_corner: true,
                ..*node
            };
            if node.root == from || node.root == to {
                // Around the root, on the side of the turn; no more than half a turn.
                let goes_on = if node.root == from { to_left < 0.0 } else { 0.0 < from_right };
                if goes_on {
                    let (right, left) = (node.right, node.left);
                    self.offer(Node { right, left, ..whole }, scratch);
                }
                continue;
            }
            // An edge in line with the root leads around its nearer end.
            let along_right = from_right == 0.0 && to_right == 0.0 && from_left <= 0.0;
            let along_left = from_left == 0.0 && to_left == 0.0 && 0.0 <= to_right;
            if (0.0 < to_right && from_left < 0.0) || along_right || along_left {
                let mut seen = whole;
                if from_right < 0.0 {
                    seen.right = node.right;
                    seen.right_at = self.meet(node.right, from, to);
                    seen.right_is_corner = false;
                }
                if 0.0 < to_left {
                    seen.left = node.left;
                    seen.left_at = self.meet(node.left, from, to);
                    seen.left_is_corner = false;
                }
                self.offer(seen, scratch);
            }
            if let Some(length) =
                around_right.filter(|_| from_right < 0.0 || (from == right && to_right < 0.0))
            {
                let mut turned =
                    Node { length, root: right, right: Line(right, from), left: Line(right, to), ..whole };
                if from == right {
                    (turned.right, turned.left) = (node.right, Line(node.root, right));
                } else if 0.0 < to_right {
                    turned.left = Line(node.root, right);
                    turned.left_at = self.meet(turned.left, from, to);
                    turned.left_is_corner = false;
                }
                self.offer(turned, scratch);
            }
            if let Some(length) = around_left.filter(|_| 0.0 < to_left || (to == left && 0.0 < from_left)) {
                let mut turned =
                    Node { length, root: left, right: Line(left, from), left: Line(left, to), ..whole };
                if to == left {
                    (turned.right, turned.left) = (Line(node.root, left), node.left);
                } else if from_left < 0.0 {
                    turned.right = Line(node.root, left);
                    turned.right_at = self.meet(turned.right, from, to);
                    turned.right_is_corner = false;
                }
                self.offer(turned, scratch);
            }
        }
    }

    /// On which sides of a node's two lines a corner is. A root that is an end of the edge sees everything on its side.
    #[inline]
    fn sides_of(&self, node: &Node, corner: u32) -> (f64, f64) {
        let (right, left) = self.ends(node.edge);
        let at = self.corner(corner);
        let side = |line: Line| orientation(self.corner(line.0), self.corner(line.1), at);
        let from_right = if node.root == right { 1.0 } else { side(node.right) };
        let from_left = if node.root == left { -1.0 } else { side(node.left) };
        (from_right, from_left)
    }

    /// Adds a successor, with the least length that a path through it can have.
    #[inline]
    fn offer(&self, mut node: Node, scratch: &mut Scratch) {
        let (from, to) = self.ends(node.edge);
        let (from, to) = (self.corner(from), self.corner(to));
        let root = self.corner(node.root);
        let along = to - from;
        // A goal on the near side is as far from the edge's points as its mirror image.
        let above = along.perp(&(self.goal - from));
        let square = along.norm_squared();
        let goal = if 0.0 < above && 0.0 < square {
            self.goal - Vector2::new(-along.y, along.x) * (2.0 * above / square)
        } else {
            self.goal
        };
        let towards = goal - root;
        let bend = if towards.perp(&(node.right_at - root)) > 0.0 {
            Some(node.right_at)
        } else if towards.perp(&(node.left_at - root)) < 0.0 {
            Some(node.left_at)
        } else {
            None
        };
        let rest = match bend {
            Some(bend) if node.root != self.own_end(&node) => (bend - root).norm() + (goal - bend).norm(),
            Some(_) | None => towards.norm(),
        };
        node.bound = node.length + rest;
        scratch.successors.push(node);
    }

    /// The root where it is an end of the node's edge.
    fn own_end(&self, node: &Node) -> u32 {
        let (right, left) = self.ends(node.edge);
        if node.root == right || node.root == left { node.root } else { NONE }
    }

    fn trace(&self, number: u32, nodes: &[Node]) -> Vec<Point> {
        let mut path = vec![self.goal];
        let Some(last) = nodes.get(number as usize) else { return path };
        let root = self.corner(last.root);
        let towards = self.goal - root;
        if last.root != self.own_end(last) {
            if towards.perp(&(last.right_at - root)) > 0.0 {
                path.push(last.right_at);
            } else if towards.perp(&(last.left_at - root)) < 0.0 {
                path.push(last.left_at);
            }
        }
        let (mut at, mut root) = (number, NONE);
        while let Some(node) = nodes.get(at as usize) {
            if node.root != root {
                root = node.root;
                path.push(self.corner(root));
            }
            at = node.parent;
        }
        path.reverse();
        path.dedup();
        path
    }

    /// Whether the goal can lie behind an edge: always, unless the edge is the only way to what is behind it.
    #[inline]
    fn leads_to_goal(&self, edge: u32, goals: &[u32]) -> bool {
        let Some(&Edge { twin, gate, .. }) = self.mesh.edges.get(edge as usize) else { return false };
        if twin == NONE {
            return false;
        }
        if gate == NONE {
            return true;
        }
        let order = |polygon: u32| self.mesh.order.get(polygon as usize).copied().unwrap_or((0, 0));
        let (low, high) = order(gate);
        let enters = self.mesh.edges.get(twin as usize).is_some_and(|twin| twin.polygon == gate);
        goals.iter().any(|goal| {
            let at = order(*goal).0;
            (low <= at && at < high) == enters
        })
    }

    fn is_goal(&self, edge: u32, goals: &[u32]) -> bool {
        let twin = self.mesh.edges.get(edge as usize).map_or(NONE, |edge| edge.twin);
        self.mesh.edges.get(twin as usize).is_some_and(|twin| goals.contains(&twin.polygon))
    }

    /// Where a line meets the edge between two corners, which are on different sides of it.
    fn meet(&self, line: Line, from: u32, to: u32) -> Point {
        let (origin, from, to) = (self.corner(line.0), self.corner(from), self.corner(to));
        let along = self.corner(line.1) - origin;
        let (near, far) = (along.perp(&(from - origin)), along.perp(&(to - origin)));
        let span = near - far;
        let share = if span == 0.0 { 0.0 } else { (near / span).clamp(0.0, 1.0) };
        from + (to - from) * share
    }

    #[inline]
    fn corner(&self, corner: u32) -> Point {
        if corner == START { self.start } else { self.mesh.corner(corner) }
    }

    /// Right and left end of an edge for who leaves its polygon.
    #[inline]
    fn ends(&self, edge: u32) -> (u32, u32) {
        (self.mesh.edges.get(edge as usize).map_or(NONE, |edge| edge.from), self.mesh.end(edge))
    }
}

fn push_all(scratch: &mut Scratch) {
    while let Some(node) = scratch.successors.pop() {
        let number = count(scratch.nodes.len());
        // The bits of a number that is not negative are ordered as it is.
        scratch.heap.push(Reverse((node.bound.to_bits(), number)));
        scratch.nodes.push(node);
    }
}

fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(NONE)
}
