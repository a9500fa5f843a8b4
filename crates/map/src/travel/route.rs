//! Quickest ways over a frozen table of lane times, for whoever asks often.
//!
//! It owns a copy of the times: build it anew when waits change. Answers are those of
//! [`shortest_path`](super::shortest_path), to the last tie.

use sheepdog_core::{LaneId, Micros, WaypointId};

use super::{TravelProfile, Waits, lane_time};
use crate::compiled::{CompiledSite, Csr, Waypoint};

/// The roadmap with the times of one profile, ready for a directed search.
#[derive(Clone, Debug)]
pub struct RouteTable {
    places_mm: Vec<[i32; 2]>,
    /// Lanes that reach a waypoint: where they come from and how long they take.
    into: Csr<(u32, u64)>,
    /// Lanes that leave a waypoint, by id.
    out: Csr<(LaneId, u32, u64)>,
    /// No lane gets further in a microsecond than one over this, millimetres.
    micros_per_mm: f64,
}

/// Memory of a search, to be used again: after a few questions none of them allocates.
#[derive(Clone, Debug, Default)]
pub struct RouteScratch {
    /// Time to the target and the question that it belongs to, by waypoint.
    times: Vec<(u64, u32)>,
    question: u32,
    queue: RadixQueue,
}

/// A queue whose least key never decreases (Ahuja, Mehlhorn, Orlin, Tarjan 1990): a key waits by the highest bit in which
/// it differs from the last one taken out. Equal keys come in an order that depends on nothing but their entry.
#[derive(Clone, Debug, Default)]
struct RadixQueue {
    buckets: Vec<Vec<(u64, u64, u32)>>,
    moving: Vec<(u64, u64, u32)>,
    last: u64,
}

impl RadixQueue {
    fn clear(&mut self) {
        self.buckets.resize(65, Vec::new());
        self.buckets.iter_mut().for_each(Vec::clear);
        self.last = 0;
    }

    #[inline]
    fn push(&mut self, item: (u64, u64, u32)) {
        let bucket = 64 - (item.0 ^ self.last).leading_zeros();
        if let Some(bucket) = self.buckets.get_mut(bucket as usize) {
            bucket.push(item);
        }
    }

    fn pop(&mut self) -> Option<(u64, u64, u32)> {
        if let Some(item) = self.buckets.first_mut().and_then(Vec::pop) {
            return Some(item);
        }
        let bucket = self.buckets.iter_mut().find(|bucket| !bucket.is_empty())?;
        self.last = bucket.iter().map(|item| item.0).min()?;
        let mut moving = std::mem::take(&mut self.moving);
        moving.append(bucket);
        for item in moving.drain(..) {
            self.push(item);
        }
        self.moving = moving;
        self.buckets.first_mut().and_then(Vec::pop)
    }
}

impl RouteScratch {
    /// Empty; it grows with the roadmap.
    pub fn new() -> Self {
        Self::default()
    }

    fn clear(&mut self, waypoints: usize) {
        self.queue.clear();
        self.question = self.question.wrapping_add(1);
        if self.times.len() != waypoints || self.question == 0 {
            self.times.clear();
            self.times.resize(waypoints, (u64::MAX, 0));
            self.question = 1;
        }
    }

    fn time(&self, waypoint: u32) -> u64 {
        self.times
            .get(waypoint as usize)
            .filter(|time| time.1 == self.question)
            .map_or(u64::MAX, |time| time.0)
    }

    /// Whether the time is better than the one known.
    fn improve(&mut self, waypoint: u32, time: u64) -> bool {
        let question = self.question;
        match self.times.get_mut(waypoint as usize) {
            Some(known) if known.1 != question || time < known.0 => {
                *known = (time, question);
                true
            }
            Some(_) | None => false,
        }
    }
}

impl RouteTable {
    /// Asks every lane once: O(waypoints + lanes).
    pub fn new(site: &CompiledSite, profile: TravelProfile, waits: &dyn Waits) -> Self {
        let time = |lane: &LaneId| Some((*lane, site.lane(*lane)?, lane_time(site, profile, waits, *lane)?));
        let waypoints = || (0..).map(WaypointId).zip(site.waypoints());
        let place = |waypoint: &Waypoint| [waypoint.x_mm, waypoint.y_mm];
        let places_mm: Vec<[i32; 2]> = site.waypoints().iter().map(place).collect();
        let mut micros_per_mm = f64::INFINITY;
        let out = Csr::from_rows(waypoints().map(|(from, _)| {
            let lanes = site.lanes_from(from).iter().filter_map(time);
            lanes.map(|(id, lane, time)| (id, lane.to.0, time.as_micros())).collect::<Vec<_>>()
        }));
        let into = Csr::from_rows(waypoints().map(|(to, own)| {
            let lanes = site.lanes_to(to).iter().filter_map(time);
            let row: Vec<(u32, u64)> = lanes.map(|(_, lane, time)| (lane.from.0, time.as_micros())).collect();
            for &(from, time) in &row {
                let distance =
                    places_mm.get(from as usize).map_or(0.0, |from| distance_mm(*from, place(own)));
                if 0.0 < distance {
                    micros_per_mm = micros_per_mm.min(float(time) / distance);
                }
            }
            row
        }));
        // Rounded down by more than the errors of the divisions, so that an estimate is never too long.
        let micros_per_mm = if micros_per_mm.is_finite() { micros_per_mm * (1.0 - 1e-9) } else { 0.0 };
        Self { places_mm, into, out, micros_per_mm }
    }

    /// The quickest lanes from `from` to `to` and the time they take; among equally quick ways, at every waypoint the
    /// lane with the least id. `None` when there is no way.
    ///
    /// A* from the target towards the start (Hart, Nilsson, Raphael 1968), the estimate being the distance at the speed
    /// of the fastest lane. O((n + m) log n) for the part between the two.
    pub fn route(
        &self,
        from: WaypointId,
        to: WaypointId,
        scratch: &mut RouteScratch,
    ) -> Option<(Vec<LaneId>, Micros)> {
        let start = *self.places_mm.get(from.index())?;
        self.places_mm.get(to.index())?;
        scratch.clear(self.places_mm.len());
        let estimate = |waypoint: u32| {
            let place = self.places_mm.get(waypoint as usize).copied().unwrap_or(start);
            truncate(distance_mm(place, start) * self.micros_per_mm)
        };
        scratch.improve(to.0, 0);
        scratch.queue.push((estimate(to.0), 0, to.0));
        let mut total = u64::MAX;
        // Everything that is as good is searched as well: a tie is decided by ids, not by who came first.
        while let Some((bound, time, waypoint)) = scratch.queue.pop() {
            if total < bound {
                break;
            }
            if scratch.time(waypoint) < time {
                continue;
            }
            if waypoint == from.0 {
                total = time;
                continue;
            }
            for &(next, takes) in self.into.row(waypoint as usize) {
                let time = time.saturating_add(takes);
                if scratch.improve(next, time) {
                    scratch.queue.push((time.saturating_add(estimate(next)).max(bound), time, next));
                }
            }
        }
        if total == u64::MAX {
            return None;
        }
        let (mut at, mut rest, mut lanes) = (from.0, total, Vec::new());
        while at != to.0 {
            let row = self.out.row(at as usize);
            let step = |&&(_, next, takes): &&(LaneId, u32, u64)| {
                let after = scratch.time(next);
                after != u64::MAX && takes.saturating_add(after) == rest
            };
            // Every lane takes time, so the rest shrinks and the walk ends.
            let &(lane, next, takes) = row.iter().find(step)?;
            lanes.push(lane);
            (at, rest) = (next, rest.saturating_sub(takes));
        }
        Some((lanes, Micros::new(total)))
    }
}

fn distance_mm(a: [i32; 2], b: [i32; 2]) -> f64 {
    let [x, y] = [0, 1].map(|axis: usize| {
        let of = |place: [i32; 2]| place.get(axis).copied().map_or(0.0, f64::from);
        of(a) - of(b)
    });
    (x * x + y * y).sqrt()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "times far above 2^53 us only make an estimate shorter or longer by 1e-16"
)]
fn float(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; casts saturate")]
fn truncate(value: f64) -> u64 {
    value as u64
}
