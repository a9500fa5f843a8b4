//! Lower bounds of times, for when few may go.
#![expect(clippy::indexing_slicing, reason = "places are checked on entry, anchors are numbered here")]

use std::{cmp::Reverse, collections::BinaryHeap};

use super::Roads;

/// Times from some places, the anchors, to all others, at the least that lanes ever took.
///
/// Times obey the triangle inequality, so from an agent near an anchor it takes at least as long as from the anchor, less
/// the way from the anchor to the agent (Goldberg, Harrelson 2005). Lanes that get slower or are closed leave that true.
/// Lanes that get quicker than they ever were make every bound worse by so much, until [`catch_up`](Self::catch_up) is
/// called; what is found is right at any time. They serve the roads that they were made from, which changes, and none else:
/// not a copy that is changed on its own.
#[derive(Clone, Debug)]
pub struct Anchors {
    /// Anchor by anchor, times to all places; `u32::MAX` where there is no way.
    times: Vec<u32>,
    places: usize,
    count: usize,
    /// By place: the anchors from which it is reached first, so many.
    near: Vec<u32>,
    near_each: usize,
    lanes: Forwards,
    /// What had sunk when the times were found.
    sunk_ms: u64,
    origin: u64,
    queue: BinaryHeap<Reverse<(u32, u32)>>,
}

/// Places for each anchor from which on bounds are so loose that more of them are looked at.
const PLACES_EACH: usize = 32;
/// Anchors that a place knows where these lie close, and where they do not.
const NEAR: (usize, usize) = (4, 16);

/// Lanes by where they come from.
#[derive(Clone, Debug)]
struct Forwards {
    /// By place, where its lanes begin in `all`; and where the last ends.
    first: Vec<u32>,
    /// Where each leads, and its number.
    all: Vec<(u32, u32)>,
    /// By number: the least that it ever took; `u32::MAX` if it was never open.
    floors: Vec<u32>,
}

/// An anchor, and by how much its times are above bounds of those from some place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    anchor: u32,
    less: u32,
}

impl Anchors {
    /// As many anchors as fit into so many bytes, spread over all places, but no more than places.
    ///
    /// O(anchors · (places + lanes) · log places)
    pub fn new(roads: &Roads, bytes_max: usize) -> Self {
        let places = roads.places() as usize;
        let lanes = Forwards::new(roads);
        let count_for = |near_each: usize| {
            let spare = bytes_max.saturating_sub(places * near_each * size_of::<u32>() + lanes.bytes());
            (spare / (places * size_of::<u32>()).max(1)).min(places)
        };
        let near_each = if places < count_for(NEAR.0) * PLACES_EACH { NEAR.0 } else { NEAR.1 };
        let count = count_for(near_each);
        let mut all = Self {
            times: Vec::with_capacity(count * places),
            places,
            count: 0,
            near: Vec::with_capacity(places * near_each),
            near_each,
            lanes,
            sunk_ms: roads.sunk_ms(),
            origin: roads.origin(),
            queue: BinaryHeap::new(),
        };
        let (mut nearest, mut row) = (vec![u32::MAX; places], vec![0; places]);
        while all.count < count
            && let Some(anchor) = all.lanes.farthest(&nearest)
        {
            row.fill(u32::MAX);
            row[anchor as usize] = 0;
            all.queue.push(Reverse((0, anchor)));
            all.lanes.settle(&mut all.queue, &mut row);
            all.times.extend_from_slice(&row);
            all.count += 1;
            for (nearest, time) in nearest.iter_mut().zip(&row) {
                *nearest = (*nearest).min(*time);
            }
        }
        all.find_near();
        all
    }

    /// How many anchors there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of all tables.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.times) + size_of_val(&*self.near) + self.lanes.bytes()
    }

    /// Takes in lanes that have got quicker than they ever were, so that bounds are as good as new.
    ///
    /// O(lanes, anchors for each of those lanes, and the times that change)
    pub fn catch_up(&mut self, roads: &Roads) {
        if self.sunk_ms == roads.sunk_ms() || !self.fits(roads) {
            return;
        }
        let Self { times, lanes, queue, .. } = self;
        let mut sunk = Vec::new();
        for (known, (from, to, floor)) in lanes.floors.iter_mut().zip(roads.floors()) {
            if let Some(floor) = floor.filter(|floor| floor < known) {
                *known = floor;
                sunk.push((from, to, floor));
            }
        }
        for row in times.chunks_exact_mut(self.places.max(1)) {
            for &(from, to, floor) in &sunk {
                let time = row[from as usize].saturating_add(floor);
                if time < row[to as usize] {
                    row[to as usize] = time;
                    queue.push(Reverse((time, to)));
                }
            }
            lanes.settle(queue, row);
        }
        self.sunk_ms = roads.sunk_ms();
    }

    fn find_near(&mut self) {
        let mut best = Vec::new();
        for place in 0..self.places {
            best.clear();
            let rows = (0_u32..).zip(self.times.chunks_exact(self.places));
            best.extend(rows.map(|(anchor, row)| (row[place], anchor)));
            let each = self.near_each.min(best.len());
            if each < best.len() {
                best.select_nth_unstable(each);
            }
            self.near.extend(best.iter().take(each).map(|(_, anchor)| anchor));
        }
        self.near_each = self.near_each.min(self.count);
    }

    /// What tells most about ways from `start` to `target`, and how long these take at least. They [fit](Self::fits).
    pub(super) fn bound(&self, roads: &Roads, start: u32, target: u32) -> (Bound, u32) {
        let sunk = u32::try_from(roads.sunk_ms() - self.sunk_ms).unwrap_or(u32::MAX);
        let mut best = (Bound { anchor: 0, less: u32::MAX }, 0);
        for &anchor in &self.near[start as usize * self.near_each..][..self.near_each] {
            let row = self.row(anchor);
            let bound = Bound { anchor, less: row[start as usize].saturating_add(sunk) };
            let least = bound.to(row, target);
            if best.1 < least {
                best = (bound, least);
            }
        }
        best
    }

    /// Times from an anchor to all places.
    pub(super) fn row_of(&self, bound: Bound) -> &[u32] {
        self.row(bound.anchor)
    }

    pub(super) fn fits(&self, roads: &Roads) -> bool {
        !self.is_empty() && self.origin == roads.origin() && self.sunk_ms <= roads.sunk_ms()
    }

    fn row(&self, anchor: u32) -> &[u32] {
        &self.times[anchor as usize * self.places..][..self.places]
    }
}

impl Bound {
    /// How long it takes at least to a place; `row` is that of its anchor.
    #[inline]
    pub(super) fn to(self, row: &[u32], place: u32) -> u32 {
        // Where the anchor does not get, it tells nothing: a lane may have been opened since.
        let time = row[place as usize];
        if time == u32::MAX { 0 } else { time.saturating_sub(self.less) }
    }
}

impl Forwards {
    fn new(roads: &Roads) -> Self {
        let mut lanes: Vec<(u32, u32, u32)> =
            (0..).zip(roads.floors()).map(|(number, (from, to, _))| (from, to, number)).collect();
        lanes.retain(|lane| lane.1 < roads.places());
        lanes.sort_unstable();
        let first = (0..=roads.places()).map(|place| lanes.partition_point(|lane| lane.0 < place));
        Self {
            first: first.map(|at| u32::try_from(at).unwrap_or(u32::MAX)).collect(),
            all: lanes.into_iter().map(|(_, to, number)| (to, number)).collect(),
            floors: roads.floors().map(|(_, _, floor)| floor.unwrap_or(u32::MAX)).collect(),
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.first) + size_of_val(&*self.all) + size_of_val(&*self.floors)
    }

    fn from(&self, place: u32) -> &[(u32, u32)] {
        &self.all[self.first[place as usize] as usize..self.first[place as usize + 1] as usize]
    }

    /// The place that is farthest from all anchors so far, one that none of them reaches before all others; `None` when
    /// every place that has lanes is one.
    fn farthest(&self, nearest: &[u32]) -> Option<u32> {
        let with_lanes =
            (0..).zip(nearest).filter(|(place, time)| 0 < **time && !self.from(*place).is_empty());
        with_lanes.max_by_key(|(place, time)| (**time, Reverse(*place))).map(|(place, _)| place)
    }

    /// Dijkstra's algorithm from what is in the queue on, over times that are known already.
    fn settle(&self, queue: &mut BinaryHeap<Reverse<(u32, u32)>>, times: &mut [u32]) {
        while let Some(Reverse((time, place))) = queue.pop() {
            if times[place as usize] < time {
                continue;
            }
            for &(next, number) in self.from(place) {
                let time = time.saturating_add(self.floors[number as usize]);
                if time < times[next as usize] {
                    times[next as usize] = time;
                    queue.push(Reverse((time, next)));
                }
            }
        }
    }
}
