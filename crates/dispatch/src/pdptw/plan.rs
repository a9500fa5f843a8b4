//! Routes that can be changed fast: where a pair fits and what it costs, without driving the route again.
//!
//! Each place of a route knows when the vehicle leaves it, and how late it may arrive there without being late
//! anywhere after (Savelsbergh 1992). So a place for a pickup is judged in constant time, and the places for its
//! delivery in one pass from there, which ends where nothing cheaper can follow.
#![expect(clippy::indexing_slicing, reason = "ids of a checked problem, and places of its own routes")]

use super::problem::{Leg, Problem, Stop};
use crate::neighbourhood::{Random, index};

/// No route, no pair.
pub(super) const NONE: u32 = u32::MAX;
/// More than any real cost difference, and small enough to be added up.
pub(super) const FAR: i64 = 1 << 50;

/// One place of a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) stop: u32,
    service: u32,
    ready: u32,
    due: u32,
    /// To the next place; of the last one, nothing.
    next: Leg,
    demand: i64,
    /// What is on board after it.
    load: i64,
    /// When it is left.
    depart: i64,
    /// The latest arrival that makes nothing late from here on.
    latest: i64,
}

/// From the depot back to the depot.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    pub(super) at: Vec<At>,
    pub(super) distance: i64,
    /// Another one for each content.
    version: u64,
}

impl Route {
    pub(super) fn is_empty(&self) -> bool {
        self.at.len() <= 2
    }

    /// Stops without the depot.
    pub(super) fn stops(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.at.get(1..self.at.len().saturating_sub(1)).unwrap_or_default().iter().map(|at| at.stop)
    }

    /// Becomes the route that leaves the depot and comes back; false if even that is late.
    pub(super) fn alone(&mut self, problem: &Problem) -> bool {
        self.at = vec![At::new(problem, 0), At::new(problem, 0)];
        self.drive(problem)
    }

    /// Becomes another route without some pairs; false if that is late, which it can be where ways round are quicker.
    pub(super) fn without(&mut self, problem: &Problem, other: &Self, pairs: &[u32]) -> bool {
        self.at.clear();
        self.at.extend(
            other.at.iter().filter(|at| at.stop == 0 || !pairs.contains(&problem.pair_of[at.stop as usize])),
        );
        self.drive(problem)
    }

    /// Whether a pair fits anywhere.
    pub(super) fn has_room(&self, problem: &Problem, pair: u32, tails: &mut Vec<Tail>) -> bool {
        let mut found = false;
        spots(problem, self, pair, tails, false, |_| {
            found = true;
            -FAR
        });
        found
    }

    fn copy_from(&mut self, other: &Self) {
        self.at.clone_from(&other.at);
        (self.distance, self.version) = (other.distance, other.version);
    }
}

/// Where a pair fits into a route: after which places, and what that adds to the distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) delta: i64,
    pickup_after: u32,
    delivery_after: u32,
}

/// What is remembered of a pair and a route.
#[derive(Clone, Copy, Debug, Default)]
struct Memo {
    version: u64,
    spot: Option<Spot>,
}

/// Routes, some of which have been changed since [`Plan::begin`].
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) routes: Vec<Route>,
    /// Routes that may be used: the first so many.
    pub(super) open: usize,
    pub(super) distance: i64,
    /// The route of each pair.
    pub(super) route_of: Vec<u32>,
    /// The place of each stop in its route.
    place_of: Vec<u32>,
    versions: u64,
    /// By route, then by pair; empty for routes that nobody has asked about.
    memo: Vec<Vec<[Memo; 2]>>,
    /// Versions that will come back if the changes are undone.
    settled: Vec<u64>,
    changed: Vec<(usize, Route)>,
    spare: Vec<Route>,
    tails: Vec<Tail>,
}

/// What a delivery adds after some place of an otherwise unchanged route, and the least from there on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    delta: i64,
    least: i64,
    /// How long the ways there and onwards take.
    reach: u32,
    home: u32,
}

impl Plan {
    /// Empty routes, as many as could be needed.
    pub(super) fn new(problem: &Problem) -> Self {
        let pairs = problem.pairs.len();
        let routes = pairs.min(problem.vehicles.count as usize);
        let mut plan = Self {
            routes: vec![Route::default(); routes],
            open: routes,
            distance: 0,
            route_of: vec![NONE; pairs],
            place_of: vec![0; problem.stops.len()],
            versions: 0,
            memo: vec![Vec::new(); routes],
            settled: vec![0; routes],
            changed: Vec::new(),
            spare: Vec::new(),
            tails: Vec::new(),
        };
        plan.load(problem, &[]);
        plan
    }

    /// Takes over routes; those that are not given become empty.
    pub(super) fn load(&mut self, problem: &Problem, routes: &[Vec<u32>]) {
        self.route_of.fill(NONE);
        self.changed.clear();
        for slot in 0..self.routes.len() {
            let stops = routes.get(slot).map_or(&[][..], Vec::as_slice);
            let route = &mut self.routes[slot].at;
            route.clear();
            route.push(At::new(problem, 0));
            route.extend(stops.iter().map(|&stop| At::new(problem, stop)));
            route.push(At::new(problem, 0));
            for &stop in stops {
                self.route_of[problem.pair_of[stop as usize] as usize] = index(slot);
            }
            self.refresh(problem, slot);
        }
        self.distance = self.routes.iter().map(|route| route.distance).sum();
        self.begin();
    }

    /// The routes that are not empty.
    pub(super) fn stops(&self) -> Vec<Vec<u32>> {
        self.routes.iter().filter(|route| !route.is_empty()).map(|route| route.stops().collect()).collect()
    }

    pub(super) fn used(&self) -> usize {
        self.routes.iter().filter(|route| !route.is_empty()).count()
    }

    /// The place of a stop in its route.
    pub(super) fn place(&self, stop: u32) -> usize {
        self.place_of[stop as usize] as usize
    }

    /// Keeps all changes so far.
    pub(super) fn begin(&mut self) {
        self.spare.extend(self.changed.drain(..).map(|(_, route)| route));
        for (settled, route) in self.settled.iter_mut().zip(&self.routes) {
            *settled = route.version;
        }
    }

    /// Undoes all changes since [`Plan::begin`].
    pub(super) fn undo(&mut self, problem: &Problem) {
        for (slot, _) in &self.changed {
            for at in &self.routes[*slot].at {
                if at.stop != 0 {
                    self.route_of[problem.pair_of[at.stop as usize] as usize] = NONE;
                }
            }
        }
        while let Some((slot, route)) = self.changed.pop() {
            self.distance += route.distance - self.routes[slot].distance;
            for (place, at) in (0..).zip(&route.at) {
                if at.stop != 0 {
                    self.route_of[problem.pair_of[at.stop as usize] as usize] = index(slot);
                    self.place_of[at.stop as usize] = place;
                }
            }
            let old = std::mem::replace(&mut self.routes[slot], route);
            self.spare.push(old);
        }
    }

    fn touch(&mut self, slot: usize) {
        if self.changed.iter().all(|(changed, _)| *changed != slot) {
            let mut copy = self.spare.pop().unwrap_or_default();
            copy.copy_from(&self.routes[slot]);
            self.changed.push((slot, copy));
        }
    }

    /// Takes pairs out. Where that makes a route late, which durations against the triangle inequality can do, the
    /// rest of it comes out as well and is added to the list.
    pub(super) fn remove(&mut self, problem: &Problem, pairs: &mut Vec<u32>) {
        let mut slots: Vec<usize> = pairs.iter().map(|&pair| self.route_of[pair as usize] as usize).collect();
        slots.sort_unstable();
        slots.dedup();
        for &pair in pairs.iter() {
            self.route_of[pair as usize] = NONE;
        }
        for slot in slots {
            self.touch(slot);
            let before = self.routes[slot].distance;
            let (route_of, pair_of) = (&self.route_of, &problem.pair_of);
            self.routes[slot]
                .at
                .retain(|at| at.stop == 0 || route_of[pair_of[at.stop as usize] as usize] == index(slot));
            if !self.refresh(problem, slot) {
                let rest: Vec<u32> = self.pairs_in(problem, slot).collect();
                self.routes[slot].at.retain(|at| at.stop == 0);
                for pair in rest {
                    self.route_of[pair as usize] = NONE;
                    pairs.push(pair);
                }
                self.refresh(problem, slot);
            }
            self.distance += self.routes[slot].distance - before;
        }
    }

    /// The pairs of a route, by their pickups.
    pub(super) fn pairs_in<'a>(
        &'a self,
        problem: &'a Problem,
        slot: usize,
    ) -> impl Iterator<Item = u32> + 'a {
        self.routes[slot].stops().filter_map(move |stop| {
            let pair = problem.pair_of[stop as usize];
            (problem.pairs[pair as usize].pickup.0 == stop).then_some(pair)
        })
    }

    /// Puts a pair where it fits.
    pub(super) fn insert(&mut self, problem: &Problem, slot: usize, pair: u32, spot: Spot) {
        self.touch(slot);
        let ends = problem.pairs[pair as usize];
        let (pickup, delivery) = (spot.pickup_after as usize + 1, spot.delivery_after as usize + 2);
        let route = &mut self.routes[slot];
        route.at.insert(delivery - 1, At::new(problem, ends.delivery.0));
        route.at.insert(pickup, At::new(problem, ends.pickup.0));
        for place in [pickup - 1, pickup, delivery - 1, delivery] {
            route.link(problem, place);
        }
        let kept = route.forward(problem, pickup, delivery);
        route.backward(problem, pickup, delivery);
        route.distance += spot.delta;
        debug_assert!(kept, "a spot is only found where the pair fits");
        debug_assert_eq!(route.distance, route.driven(), "a spot knows its cost");
        self.distance += spot.delta;
        self.route_of[pair as usize] = index(slot);
        self.renew(slot, pickup);
    }

    /// The cheapest spot of a pair in a route, remembered until the route changes.
    pub(super) fn spot(&mut self, problem: &Problem, pair: u32, slot: usize) -> Option<Spot> {
        let version = self.routes[slot].version;
        let memo = &mut self.memo[slot];
        if memo.is_empty() {
            memo.resize(problem.pairs.len(), Default::default());
        }
        let entry = &mut memo[pair as usize];
        let [first, second] = *entry;
        if first.version == version {
            return first.spot;
        }
        if second.version == version {
            return second.spot;
        }
        let spot = cheapest(problem, &self.routes[slot], pair, &mut self.tails);
        // What belongs to the state before the changes is worth more: it will be asked again.
        let way = usize::from(first.version == self.settled[slot]);
        entry[way] = Memo { version, spot };
        spot
    }

    /// A spot of a pair in a route, each as likely, cost aside.
    pub(super) fn any_spot(
        &mut self,
        problem: &Problem,
        pair: u32,
        slot: usize,
        random: &mut Random,
    ) -> Option<Spot> {
        let mut found = 0;
        let mut chosen = None;
        spots(problem, &self.routes[slot], pair, &mut self.tails, false, |spot| {
            found += 1;
            if random.below(found) == 0 {
                chosen = Some(spot);
            }
            FAR
        });
        chosen
    }

    /// Drives a route again; false if that is late or too heavy somewhere.
    fn refresh(&mut self, problem: &Problem, slot: usize) -> bool {
        self.renew(slot, 0);
        self.routes[slot].drive(problem)
    }

    /// Notes that a route is another one from some place on.
    fn renew(&mut self, slot: usize, first: usize) {
        self.versions += 1;
        let route = &mut self.routes[slot];
        route.version = self.versions;
        for (place, at) in route.at.iter().enumerate().skip(first) {
            self.place_of[at.stop as usize] = index(place);
        }
    }
}

impl At {
    pub(super) fn new(problem: &Problem, stop: u32) -> Self {
        let known = problem.stops[stop as usize];
        let small = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
        Self {
            stop,
            service: small(known.service),
            ready: small(known.ready),
            due: small(known.due),
            next: Leg::default(),
            demand: known.demand,
            load: 0,
            depart: 0,
            latest: 0,
        }
    }

    /// When it is left after arriving at `arrival`.
    fn after(&self, arrival: i64) -> i64 {
        arrival.max(i64::from(self.ready)) + i64::from(self.service)
    }
}

impl Route {
    /// Works out everything from the stops alone; false if late or too heavy.
    pub(super) fn drive(&mut self, problem: &Problem) -> bool {
        let last = self.at.len() - 1;
        for place in 0..last {
            self.link(problem, place);
        }
        self.distance = self.driven();
        self.backward(problem, 0, last);
        self.forward(problem, 0, last)
    }

    fn driven(&self) -> i64 {
        self.at.iter().map(|at| at.next.distance()).sum()
    }

    fn link(&mut self, problem: &Problem, place: usize) {
        let next = self.at[place + 1].stop;
        let here = &mut self.at[place];
        here.next = problem.leaving(here.stop)[next as usize];
    }

    /// Departures and loads, where places between `first` and `last` are new; false if late or too heavy.
    fn forward(&mut self, problem: &Problem, first: usize, last: usize) -> bool {
        let before = first.checked_sub(1).map(|place| &self.at[place]);
        let (mut arrival, mut load) =
            before.map_or((problem.vehicles.ready, 0), |at| (at.depart + at.next.duration(), at.load));
        let mut kept = true;
        for (place, at) in self.at.iter_mut().enumerate().skip(first) {
            load += at.demand;
            kept &= arrival <= i64::from(at.due) && load <= problem.vehicles.capacity;
            let depart = at.after(arrival);
            if last < place && depart == at.depart && load == at.load {
                break;
            }
            (at.depart, at.load) = (depart, load);
            arrival = depart + at.next.duration();
        }
        kept
    }

    /// The latest arrivals, where places between `first` and `last` are new.
    fn backward(&mut self, problem: &Problem, first: usize, last: usize) {
        let mut latest = self.at.get(last + 1).map_or(problem.vehicles.due, |next| next.latest);
        for (place, at) in self.at[..=last].iter_mut().enumerate().rev() {
            latest = i64::from(at.due).min(latest - at.next.duration() - i64::from(at.service));
            if place < first && latest == at.latest {
                break;
            }
            at.latest = latest;
        }
    }
}

/// The cheapest spot of a pair in a route.
fn cheapest(problem: &Problem, route: &Route, pair: u32, tails: &mut Vec<Tail>) -> Option<Spot> {
    let mut best: Option<Spot> = None;
    let mut least = FAR;
    spots(problem, route, pair, tails, true, |spot| {
        if spot.delta < least {
            least = spot.delta;
            best = Some(spot);
        }
        least
    });
    best
}

/// Shows all spots of a pair in a route, or, if they are `ranked`, those that are cheaper than what the last call gave
/// back. Where ways round are quicker than straight ones, a ranking may miss some.
fn spots(
    problem: &Problem,
    route: &Route,
    pair: u32,
    tails: &mut Vec<Tail>,
    ranked: bool,
    mut show: impl FnMut(Spot) -> i64,
) {
    let ends = problem.pairs[pair as usize];
    let (p, d) = (ends.pickup.0, ends.delivery.0);
    let (pickup, delivery) = (problem.stops[p as usize], problem.stops[d as usize]);
    let room = problem.vehicles.capacity - pickup.demand;
    let p_ready = pickup.ready + pickup.service;
    let at = route.at.as_slice();
    // Before that place the vehicle would wait too long.
    let Some(low) = at.iter().skip(1).position(|next| p_ready <= next.latest) else { return };
    if room < 0 || pickup.due < at[low].depart {
        return;
    }
    let (to_p, from_p, from_d) = (problem.reaching(p), problem.leaving(p), problem.leaving(d));
    let straight = from_p[d as usize];
    fill(tails, &at[low..], &delivery, problem.reaching(d), from_d, ranked);
    let mut limit = FAR;
    for (i, (before, next)) in at.iter().zip(&at[1..]).enumerate().skip(low) {
        if pickup.due < before.depart || limit == -FAR {
            return;
        }
        let reach = to_p[before.stop as usize];
        let arrival = before.depart + reach.duration();
        if pickup.due < arrival || room < before.load {
            continue;
        }
        let left = arrival.max(pickup.ready) + pickup.service;
        let base = reach.distance() - before.next.distance();
        // Delivered at once.
        let arrival = left + straight.duration();
        if arrival <= delivery.due {
            let home = from_d[next.stop as usize];
            let delta = base + straight.distance() + home.distance();
            if delta < limit
                && arrival.max(delivery.ready) + delivery.service + home.duration() <= next.latest
            {
                limit = show(Spot { delta, pickup_after: index(i), delivery_after: index(i) });
            }
        }
        // Delivered later.
        let onward = from_p[next.stop as usize];
        let arrival = left + onward.duration();
        if next.latest < arrival {
            continue;
        }
        let base = base + onward.distance();
        let mut depart = next.after(arrival);
        let rest = at[i + 1..].iter().zip(at.iter().skip(i + 2)).zip(tails.iter().skip(i + 1 - low));
        for (j, ((here, next), tail)) in rest.enumerate() {
            if room < here.load || delivery.due < depart || limit <= base + tail.least {
                break;
            }
            if base + tail.delta < limit && tail.delta < FAR {
                let arrival = depart + i64::from(tail.reach);
                let left = arrival.max(delivery.ready) + delivery.service;
                if arrival <= delivery.due && left + i64::from(tail.home) <= next.latest {
                    let (delta, after) = (base + tail.delta, index(i + 1 + j));
                    limit = show(Spot { delta, pickup_after: index(i), delivery_after: after });
                }
            }
            depart = next.after(depart + here.next.duration());
        }
    }
}

/// What the delivery adds after each place, if the vehicle came there as it does now.
fn fill(tails: &mut Vec<Tail>, at: &[At], delivery: &Stop, to: &[Leg], from: &[Leg], ranked: bool) {
    tails.clear();
    for (here, next) in at.iter().zip(at.iter().skip(1)) {
        if delivery.due < here.depart {
            break;
        }
        let (reach, home) = (to[here.stop as usize], from[next.stop as usize]);
        let arrival = here.depart + reach.duration();
        let left = arrival.max(delivery.ready) + delivery.service + home.duration();
        // Who comes there later than now would be late as well.
        let late = ranked && (delivery.due < arrival || next.latest < left);
        let added = reach.distance() + home.distance() - here.next.distance();
        let delta = if late { FAR } else { added };
        tails.push(Tail { delta, least: -FAR, reach: reach.duration, home: home.duration });
    }
    if ranked {
        let mut least = FAR;
        for tail in tails.iter_mut().rev() {
            least = least.min(tail.delta);
            tail.least = least;
        }
    }
}
