//! The roadmap of one level while it is being drawn: nodes, links, and what makes it short and plain.
//!
//! It owns the graph. Whether there is room for a link is asked of whoever calls; nothing here knows walls. Nodes that
//! are no junctions have a meaning and are never moved or taken away.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use crate::geometry::{Point, crossing_share, point_to_segment, segments_meet};

/// What a node is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// A waypoint that the site has already.
    Known(String),
    /// In front of a door; which side of it.
    Door { door: String, side: u8 },
    /// In the cabin of a lift.
    Cabin(String),
    /// In front of a lift's door; the number counts its doors.
    Front { lift: String, door: usize },
    /// Where a room is served: an index into the places of the survey.
    Place(usize),
    /// Where robots wait.
    Holding,
    /// One of two ways side by side.
    Track,
    /// Nothing but a bend or a fork.
    Junction,
}

/// How a link came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A way on the floor.
    Way,
    /// Through a door.
    Door,
    /// Into a lift.
    Lift,
    /// From a place to wait.
    Holding,
    /// Beside another way.
    Track,
}

/// A link, both ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) kind: Kind,
    /// Which one-lane corridor of the level it is part of.
    pub(super) corridor: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Point,
    pub(super) role: Role,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    nodes: Vec<Node>,
    around: Vec<BTreeSet<u32>>,
    links: BTreeMap<(u32, u32), Link>,
}

/// Whether there is room for a link.
pub(super) type Fits<'a> = &'a dyn Fn(Point, Point) -> bool;

/// Ways whose directions differ by a smaller angle, radians, are parallel.
const PARALLEL: f64 = 1e-6;

fn key(a: u32, b: u32) -> (u32, u32) {
    (a.min(b), a.max(b))
}

impl Network {
    pub(super) fn add(&mut self, at: Point, role: Role) -> u32 {
        self.nodes.push(Node { at, role });
        self.around.push(BTreeSet::new());
        u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX)
    }

    /// Links two nodes; what links them already stays.
    pub(super) fn link(&mut self, a: u32, b: u32, kind: Kind) {
        if a == b || self.links.contains_key(&key(a, b)) {
            return;
        }
        self.links.insert(key(a, b), Link { kind, corridor: None });
        for (from, to) in [(a, b), (b, a)] {
            if let Some(around) = self.around.get_mut(from as usize) {
                around.insert(to);
            }
        }
    }

    pub(super) fn unlink(&mut self, a: u32, b: u32) -> Option<Link> {
        for (from, to) in [(a, b), (b, a)] {
            if let Some(around) = self.around.get_mut(from as usize) {
                around.remove(&to);
            }
        }
        self.links.remove(&key(a, b))
    }

    /// All nodes, those without a link as well.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (u32, &Node)> {
        (0..).zip(&self.nodes)
    }

    pub(super) fn node(&self, id: u32) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    pub(super) fn at(&self, id: u32) -> Point {
        self.node(id).map_or_else(Point::origin, |node| node.at)
    }

    pub(super) fn links(&self) -> impl Iterator<Item = (u32, u32, &Link)> {
        self.links.iter().map(|(&(a, b), link)| (a, b, link))
    }

    pub(super) fn link_mut(&mut self, a: u32, b: u32) -> Option<&mut Link> {
        self.links.get_mut(&key(a, b))
    }

    pub(super) fn around(&self, id: u32) -> impl Iterator<Item = u32> + '_ {
        self.around.get(id as usize).into_iter().flatten().copied()
    }

    pub(super) fn degree(&self, id: u32) -> usize {
        self.around.get(id as usize).map_or(0, BTreeSet::len)
    }

    pub(super) fn length_m(&self, a: u32, b: u32) -> f64 {
        (self.at(a) - self.at(b)).norm()
    }

    fn is_way(&self, a: u32, b: u32) -> bool {
        self.links.get(&key(a, b)).is_some_and(|link| link.kind == Kind::Way)
    }

    /// Nodes that hang together, each group sorted, in the order of their first nodes. Nodes without links are groups.
    pub(super) fn groups(&self) -> Vec<Vec<u32>> {
        let mut seen = vec![false; self.nodes.len()];
        let mut groups = Vec::new();
        for (start, _) in self.nodes() {
            let mut group = Vec::new();
            let mut open = vec![start];
            while let Some(at) = open.pop() {
                match seen.get_mut(at as usize) {
                    Some(seen) if !*seen => *seen = true,
                    Some(_) | None => continue,
                }
                group.push(at);
                open.extend(self.around(at));
            }
            if !group.is_empty() {
                group.sort_unstable();
                groups.push(group);
            }
        }
        groups
    }

    /// The given nodes by what ways on the floor join, through whatever nodes: groups as in [`Self::groups`].
    pub(super) fn groups_by_way(&self, nodes: &[u32]) -> Vec<Vec<u32>> {
        let wanted: BTreeSet<u32> = nodes.iter().copied().collect();
        let mut seen = BTreeSet::new();
        let mut groups = Vec::new();
        for &start in &wanted {
            let mut group = Vec::new();
            let mut open = vec![start];
            while let Some(at) = open.pop() {
                if seen.insert(at) {
                    group.extend(wanted.contains(&at).then_some(at));
                    open.extend(self.around(at).filter(|next| self.is_way(at, *next)));
                }
            }
            if !group.is_empty() {
                group.sort_unstable();
                groups.push(group);
            }
        }
        groups
    }

    /// Length of the shortest way between two nodes if it is at most `limit_m`. Dijkstra's algorithm with the distance to
    /// the goal as an estimate.
    pub(super) fn distance_m(&self, from: u32, to: u32, limit_m: f64) -> Option<f64> {
        let mut best: BTreeMap<u32, f64> = BTreeMap::from([(from, 0.0)]);
        let mut heap = BinaryHeap::from([Reverse((0_u64, from))]);
        while let Some(Reverse((_, at))) = heap.pop() {
            let length_m = best.get(&at).copied().unwrap_or(f64::INFINITY);
            if at == to {
                return Some(length_m);
            }
            for next in self.around(at) {
                let next_m = length_m + self.length_m(at, next);
                let bound_m = next_m + self.length_m(next, to);
                if bound_m <= limit_m && best.get(&next).is_none_or(|known| next_m < *known) {
                    best.insert(next, next_m);
                    // Lengths are not negative, and such floats are ordered as their bits are.
                    heap.push(Reverse((bound_m.to_bits(), next)));
                }
            }
        }
        None
    }

    /// Moves the links of junctions that are closer than `within_m` to a neighbour onto that neighbour, where they fit.
    pub(super) fn contract(&mut self, within_m: f64, fits: Fits<'_>) {
        for id in 0..u32::try_from(self.nodes.len()).unwrap_or(u32::MAX) {
            if self.node(id).is_none_or(|node| node.role != Role::Junction) {
                continue;
            }
            let mut near: Vec<u32> = self
                .around(id)
                .filter(|next| self.is_way(id, *next) && self.length_m(id, *next) < within_m)
                .collect();
            // Rather onto a node with a meaning, rather onto the nearer one.
            near.sort_by(|a, b| {
                let rank = |n: u32| {
                    (self.node(n).is_none_or(|node| node.role == Role::Junction), self.length_m(id, n))
                };
                let (p, q) = (rank(*a), rank(*b));
                p.0.cmp(&q.0).then(p.1.total_cmp(&q.1)).then(a.cmp(b))
            });
            let others = |onto: u32| self.around(id).filter(move |next| *next != onto);
            let onto = near.into_iter().find(|onto| {
                others(*onto).all(|next| {
                    self.links.contains_key(&key(*onto, next)) || fits(self.at(*onto), self.at(next))
                })
            });
            let Some(onto) = onto else { continue };
            let others: Vec<u32> = others(onto).collect();
            self.unlink(id, onto);
            for next in others {
                self.unlink(id, next);
                self.link(onto, next, Kind::Way);
            }
        }
    }

    /// Takes away bends that deviate by less than `deviation_m` from the straight way, where that fits.
    pub(super) fn straighten(&mut self, deviation_m: f64, fits: Fits<'_>) {
        for id in 0..u32::try_from(self.nodes.len()).unwrap_or(u32::MAX) {
            let is_bend = self.node(id).is_some_and(|node| node.role == Role::Junction);
            let around: Vec<u32> = self.around(id).collect();
            let (true, &[a, b]) = (is_bend, around.as_slice()) else { continue };
            let (p, q) = (self.at(a), self.at(b));
            let ways = self.is_way(id, a) && self.is_way(id, b) && !self.links.contains_key(&key(a, b));
            if ways && point_to_segment(self.at(id), p, q) < deviation_m && fits(p, q) {
                self.unlink(id, a);
                self.unlink(id, b);
                self.link(a, b, Kind::Way);
            }
        }
    }

    /// Adds a link between every two of `nodes` that see each other at most `sight_m` apart and whose way is longer than
    /// `stretch` times their distance: shortest pairs first, ties by number (Althöfer et al. 1993). Returns how many.
    ///
    /// O(pairs) questions.
    pub(super) fn span(&mut self, nodes: &[u32], stretch: f64, sight_m: f64, fits: Fits<'_>) -> usize {
        let mut pairs: Vec<(f64, u32, u32)> = Vec::new();
        for (index, &a) in nodes.iter().enumerate() {
            let others = nodes.iter().skip(index + 1).map(|&b| (self.length_m(a, b), a.min(b), a.max(b)));
            pairs.extend(others.filter(|pair| 0.01 < pair.0 && pair.0 <= sight_m));
        }
        pairs.sort_by(|p, q| p.0.total_cmp(&q.0).then((p.1, p.2).cmp(&(q.1, q.2))));
        let before = self.links.len();
        for (length_m, a, b) in pairs {
            if self.distance_m(a, b, stretch * length_m).is_none() && fits(self.at(a), self.at(b)) {
                self.link(a, b, Kind::Way);
            }
        }
        self.links.len() - before
    }

    /// Puts a junction where two ways cross, unless an end of either is closer than `apart_m`.
    pub(super) fn cross(&mut self, apart_m: f64) {
        let mut open: Vec<(u32, u32)> = self.ways();
        let mut done: Vec<(u32, u32)> = Vec::new();
        while let Some((a, b)) = open.pop() {
            let (p, q) = (self.at(a), self.at(b));
            let meeting = done.iter().enumerate().find_map(|(index, &(c, d))| {
                let (r, s) = (self.at(c), self.at(d));
                let apart = [a, b].iter().all(|end| *end != c && *end != d);
                let (one, other) = (q - p, s - r);
                // Ways that lie on each other meet everywhere and cross nowhere.
                let crosses = PARALLEL * one.norm() * other.norm() < one.perp(&other).abs();
                if !apart || !crosses || !segments_meet(p, q, r, s) {
                    return None;
                }
                let at = p + (q - p) * crossing_share(p, q, r, s);
                [p, q, r, s].iter().all(|end| apart_m <= (end - at).norm()).then_some((index, at))
            });
            let Some((index, at)) = meeting else {
                done.push((a, b));
                continue;
            };
            let (c, d) = done.swap_remove(index);
            let node = self.add(at, Role::Junction);
            for (from, to) in [(a, b), (c, d)] {
                self.unlink(from, to);
                for end in [from, to] {
                    self.link(node, end, Kind::Way);
                    open.push(key(node, end));
                }
            }
        }
    }

    /// Ends of all links on the floor.
    pub(super) fn ways(&self) -> Vec<(u32, u32)> {
        self.links().filter(|(_, _, link)| link.kind == Kind::Way).map(|(a, b, _)| (a, b)).collect()
    }

    /// Takes away junctions that only lead into a dead end.
    pub(super) fn trim(&mut self) {
        let mut open: Vec<u32> = self.nodes().map(|(id, _)| id).collect();
        while let Some(id) = open.pop() {
            let is_junction = self.node(id).is_some_and(|node| node.role == Role::Junction);
            if is_junction && self.degree(id) == 1 {
                for next in self.around(id).collect::<Vec<_>>() {
                    self.unlink(id, next);
                    open.push(next);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(points: &[(u8, u8)]) -> (Network, Vec<u32>) {
        let mut network = Network::default();
        let ids = points
            .iter()
            .map(|(x, y)| network.add(Point::new(f64::from(*x), f64::from(*y)), Role::Junction))
            .collect();
        (network, ids)
    }

    /// Something stands in the way: a wall along the diagonal with a gap.
    fn fits(p: Point, q: Point) -> bool {
        let wall = [((0.5, 0.0), (4.0, 3.5)), ((5.5, 5.0), (9.0, 8.5))];
        !wall.iter().any(|(a, b)| segments_meet(p, q, Point::new(a.0, a.1), Point::new(b.0, b.1)))
    }

    #[test]
    fn ways_that_lie_on_each_other_do_not_cross() {
        // Not quite in line, as sums of decimals are.
        let points = [(0.0, 0.0), (2.0, 2.0 + 1e-12), (5.0, 5.0), (8.0, 8.0 - 2e-12)];
        let mut network = Network::default();
        let ids = points.map(|(x, y)| network.add(Point::new(x, y), Role::Junction));
        network.link(ids[0], ids[2], Kind::Way);
        network.link(ids[1], ids[3], Kind::Way);
        network.cross(0.3);
        assert_eq!(network.ways(), [(ids[0], ids[2]), (ids[1], ids[3])]);
    }

    proptest! {
        /// Whoever sees another gets there on a way that is at most as many times longer, also after crossings became nodes.
        #[test]
        fn ways_are_not_much_longer_than_sight(
            points in prop::collection::btree_set((0_u8..9, 0_u8..9), 2..20),
            tenths in 10_u8..25,
        ) {
            let points: Vec<_> = points.into_iter().collect();
            let (mut network, ids) = network(&points);
            let stretch = f64::from(tenths) / 10.0;
            network.span(&ids, stretch, 8.0, &fits);
            for crossed in [false, true] {
                if crossed {
                    network.cross(0.3);
                }
                for &a in &ids {
                    for &b in ids.iter().filter(|b| a < **b) {
                        let (p, q) = (network.at(a), network.at(b));
                        let length_m = (p - q).norm();
                        if length_m <= 8.0 && fits(p, q) {
                            prop_assert!(network.distance_m(a, b, stretch * length_m + 1e-9).is_some());
                        }
                    }
                }
            }
            for (a, b, _) in network.links() {
                prop_assert!(fits(network.at(a), network.at(b)));
            }
        }

        /// Contracting, straightening and trimming separate nobody.
        #[test]
        fn plainer_is_as_connected(
            points in prop::collection::btree_set((0_u8..9, 0_u8..9), 3..20),
            meant in prop::collection::vec(any::<bool>(), 20),
        ) {
            let points: Vec<_> = points.into_iter().collect();
            let mut network = Network::default();
            let ids: Vec<u32> = points
                .iter()
                .zip(&meant)
                .map(|((x, y), meant)| {
                    let role = if *meant { Role::Holding } else { Role::Junction };
                    network.add(Point::new(f64::from(*x), f64::from(*y)), role)
                })
                .collect();
            network.span(&ids, 1.5, 5.0, &fits);
            let meant: BTreeSet<u32> =
                network.nodes().filter(|(_, node)| node.role != Role::Junction).map(|(id, _)| id).collect();
            let grouped = |network: &Network| -> Vec<Vec<u32>> {
                let groups = network.groups().into_iter();
                groups.map(|group| group.into_iter().filter(|id| meant.contains(id)).collect::<Vec<_>>())
                    .filter(|group: &Vec<u32>| !group.is_empty())
                    .collect()
            };
            let before = grouped(&network);
            network.contract(1.5, &fits);
            network.straighten(0.8, &fits);
            network.trim();
            let (mut before, mut after) = (before, grouped(&network));
            before.sort();
            after.sort();
            prop_assert_eq!(before, after);
        }
    }
}
