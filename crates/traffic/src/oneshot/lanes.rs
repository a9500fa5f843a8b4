//! Ways that keep to the stream: each robot takes the one on which it meets the fewest others head-on.
//!
//! Time plays no part. Every way that was chosen counts on the edges on which it goes, and whoever comes later pays for going
//! the other way there (after Chen et al. 2024, who let robots of errands without end do so). When all have chosen, each
//! chooses once more.
#![expect(
    clippy::indexing_slicing,
    reason = "hot loops over all places; every index is a vertex, or a neighbour of one"
)]

use std::sync::Arc;

use super::{
    fields::Fields,
    instance::{NONE, Network},
    sipp::Traveller,
};

/// What a step costs where nobody goes the other way.
const STEP: u32 = 4;
/// What it costs more at the most.
const TOLL_MAX: u32 = 12;
/// A vertex has so many neighbours at the most.
const SIDES: usize = 4;

/// How many ways lead over each edge, and room to search in.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    /// By vertex and neighbour.
    flow: Vec<[u32; SIDES]>,
    /// Number of the search, and the least cost in it so far.
    cost: Vec<(u32, u32)>,
    /// The vertex before.
    parent: Vec<u32>,
    to_go: Vec<u32>,
    /// Vertices by the least cost of a whole way through them.
    buckets: Vec<Vec<u32>>,
    epoch: u32,
    /// Vertices that the last search looked at.
    states: usize,
}

impl Lanes {
    pub(super) fn new(vertices: usize) -> Self {
        Self {
            flow: vec![[0; SIDES]; vertices],
            cost: vec![(0, 0); vertices],
            parent: vec![NONE; vertices],
            to_go: vec![0; vertices],
            buckets: Vec::new(),
            epoch: 0,
            states: 0,
        }
    }

    /// Counts a way, or no longer counts it.
    pub(super) fn count(&mut self, network: &Network, way: &[u32], change: i32) {
        for pair in way.windows(2) {
            if let Some(side) = side(network, pair[0], pair[1]) {
                let flow = &mut self.flow[pair[0] as usize][side];
                *flow = flow.saturating_add_signed(change);
            }
        }
    }

    /// The cheapest way of a robot.
    pub(super) fn way(&mut self, network: &Network, fields: &mut Fields, who: Traveller) -> Arc<[u32]> {
        self.epoch += 1;
        self.states = 0;
        self.buckets.iter_mut().for_each(Vec::clear);
        self.cost[who.start as usize] = (self.epoch, 0);
        self.parent[who.start as usize] = NONE;
        self.to_go[who.start as usize] = who.distance;
        self.push(0, who.start);
        let mut slot = 0;
        while slot < self.buckets.len() {
            let Some(vertex) = self.buckets[slot].pop() else {
                slot += 1;
                continue;
            };
            if vertex == who.goal {
                break;
            }
            let (_, so_far) = self.cost[vertex as usize];
            let to_go = self.to_go[vertex as usize];
            let least = STEP * who.distance;
            if (so_far + STEP * to_go - least) as usize != slot {
                continue;
            }
            self.states += 1;
            let code = fields.code(who.robot as usize, vertex);
            for &next in network.neighbours(vertex).iter().take(SIDES) {
                let meets = side(network, next, vertex).map_or(0, |side| self.flow[next as usize][side]);
                let cost = so_far + STEP + meets.min(TOLL_MAX);
                let (epoch, known) = self.cost[next as usize];
                if epoch == self.epoch && known <= cost {
                    continue;
                }
                let nearer = (code + 3 - fields.code(who.robot as usize, next)) % 3 == 1;
                let to_go = if nearer { to_go - 1 } else { to_go + 1 };
                self.cost[next as usize] = (self.epoch, cost);
                self.parent[next as usize] = vertex;
                self.to_go[next as usize] = to_go;
                self.push((cost + STEP * to_go - least) as usize, next);
            }
        }
        let mut way = vec![who.goal];
        let mut at = who.goal;
        while at != who.start && self.cost[at as usize].0 == self.epoch {
            at = self.parent[at as usize];
            way.push(at);
        }
        way.reverse();
        way.into()
    }

    /// How many vertices the last search looked at.
    pub(super) const fn states(&self) -> usize {
        self.states
    }

    fn push(&mut self, slot: usize, vertex: u32) {
        if self.buckets.len() <= slot {
            self.buckets.resize_with(slot + 1, Vec::new);
        }
        self.buckets[slot].push(vertex);
    }
}

/// Which neighbour of `from` `to` is.
fn side(network: &Network, from: u32, to: u32) -> Option<usize> {
    network.neighbours(from).iter().take(SIDES).position(|next| *next == to)
}
