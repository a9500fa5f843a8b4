//! The nearest of a set.
#![expect(clippy::indexing_slicing, reason = "places are checked on entry")]

use sheepdog_map::travel::{BucketQueue, RadixQueue};

use super::{AgentSet, Anchors, Roads, Standings, anchors::Bound};

/// Somebody who may go, and when it would be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Offset and travel time, in milliseconds from now.
    pub time_ms: u32,
    /// Who.
    pub agent: u32,
}

/// Finds the nearest, and keeps the memory of its searches.
#[derive(Clone, Debug, Default)]
pub struct Finder {
    anchors: Option<Anchors>,
    /// By place: the time to the target, and the search that it belongs to.
    labels: Vec<(u32, u32)>,
    search: u32,
    /// By place: the search that goes on until it has got there.
    wanted: Vec<u32>,
    buckets: BucketQueue,
    queue: RadixQueue<(u32, u32)>,
    candidates: Vec<Candidate>,
    best: Vec<Found>,
}

/// Somebody who may be the nearest.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// No sooner than then.
    least_ms: u32,
    agent: u32,
    place: u32,
    offset_ms: u32,
    bound: Bound,
}

/// Where there is one of the set for more places than this, anchors are asked.
const PLACES_EACH: usize = 400;

impl Finder {
    /// A finder that searches backwards only.
    pub fn new() -> Self {
        Self::default()
    }

    /// A finder that looks at bounds where few may go.
    pub fn with_anchors(anchors: Anchors) -> Self {
        Self { anchors: Some(anchors), ..Self::default() }
    }

    /// The anchors, to let them [catch up](Anchors::catch_up).
    pub fn anchors_mut(&mut self) -> Option<&mut Anchors> {
        self.anchors.as_mut()
    }

    /// The `most` members of a set that are at `target` first, in order of time and then of number; fewer where fewer have
    /// a way. Nobody for an unknown place.
    ///
    /// Where many may go, O((n + m) log n) for the places nearer than the last that is found. Where few may and there are
    /// anchors, as much for places about the ways of those whom bounds do not exclude.
    pub fn nearest(
        &mut self,
        roads: &Roads,
        standings: &Standings,
        set: &AgentSet,
        target: u32,
        most: usize,
    ) -> &[Found] {
        self.best.clear();
        if most == 0 || roads.places() <= target {
            return &self.best;
        }
        let is_rare = set.len().saturating_mul(PLACES_EACH) < roads.places() as usize;
        match self.anchors.take() {
            Some(anchors) => {
                if is_rare && anchors.fits(roads) {
                    self.directed(&anchors, roads, standings, set, target, most);
                } else {
                    self.backward(roads, standings, set, target, most);
                }
                self.anchors = Some(anchors);
            }
            None => self.backward(roads, standings, set, target, most),
        }
        &self.best
    }

    /// How long it takes from one place to another, in milliseconds; `None` where there is no way, or no such place, or one of
    /// 49 days and more.
    ///
    /// O((n + m) log n) for the places nearer to `to`; with anchors for those about the way.
    pub fn between(&mut self, roads: &Roads, from: u32, to: u32) -> Option<u32> {
        let anchors = self.anchors.take();
        let is_known = from.max(to) < roads.places();
        let time = match anchors.as_ref().filter(|anchors| is_known && anchors.fits(roads)) {
            Some(anchors) => {
                let (bound, least_ms) = anchors.bound(roads, from, to);
                let candidate = Candidate { least_ms, agent: 0, place: from, offset_ms: 0, bound };
                self.way(roads, to, &candidate, anchors.row_of(bound), u32::MAX - 1)
            }
            None => self.times_to(roads, &[from], to).next().flatten(),
        };
        self.anchors = anchors;
        time
    }

    /// How long it takes from each of some places to one, in their order and in milliseconds; `None` where there is no way, or
    /// no such place, or one of 49 days and more.
    ///
    /// O((n + m) log n) for the places nearer than the farthest of them.
    pub fn times_to<'a>(
        &'a mut self,
        roads: &Roads,
        from: &'a [u32],
        to: u32,
    ) -> impl Iterator<Item = Option<u32>> + 'a {
        self.begin(roads);
        if to < roads.places() {
            self.settle(roads, from, to);
        }
        let label = |place: &u32| self.labels.get(*place as usize).filter(|label| label.1 == self.search);
        from.iter().map(move |place| label(place).map(|label| label.0))
    }

    /// Dijkstra's algorithm from a target on, until it has got to all of some places.
    fn settle(&mut self, roads: &Roads, from: &[u32], to: u32) {
        self.wanted.resize(self.labels.len(), 0);
        let mut missing = 0_usize;
        for place in from {
            if let Some(wanted) = self.wanted.get_mut(*place as usize) {
                missing += usize::from(*wanted != self.search);
                *wanted = self.search;
            }
        }
        let (shortest, longest) = roads.extremes();
        self.buckets.clear(shortest.into(), longest.into());
        self.improve(to, 0);
        self.buckets.push(0, to);
        while missing != 0
            && let Some((time, place)) = self.buckets.pop()
        {
            // Nothing takes so long that it does not fit.
            let Ok(time) = u32::try_from(time) else { continue };
            if self.labels[place as usize].0 < time {
                continue;
            }
            // Nothing that is still to come makes it better, so it comes once.
            missing -= usize::from(self.wanted[place as usize] == self.search);
            for (from, takes) in roads.into(place) {
                let time = time.saturating_add(takes);
                if self.improve(from, time) {
                    self.buckets.push(time.into(), from);
                }
            }
        }
    }

    /// Dijkstra's algorithm from the target on, until nobody nearer can be found.
    fn backward(&mut self, roads: &Roads, standings: &Standings, set: &AgentSet, target: u32, most: usize) {
        self.begin(roads);
        let (shortest, longest) = roads.extremes();
        self.buckets.clear(shortest.into(), longest.into());
        let least_offset = standings.least_offset(set);
        self.improve(target, 0);
        self.buckets.push(0, target);
        while let Some((time, place)) = self.buckets.pop() {
            // Nothing takes so long that it does not fit.
            let Ok(time) = u32::try_from(time) else { continue };
            let last = self.last(most);
            let soonest = time.saturating_add(least_offset);
            if last < soonest {
                if u64::from(last) + self.buckets.disorder() < soonest.into() {
                    break;
                }
                continue;
            }
            if self.labels[place as usize].0 < time {
                continue;
            }
            for (agent, offset_ms) in standings.at(place) {
                if set.contains(agent) {
                    self.offer(time, offset_ms, agent, most);
                }
            }
            for (from, takes) in roads.into(place) {
                let time = time.saturating_add(takes);
                if self.improve(from, time) {
                    self.buckets.push(time.into(), from);
                }
            }
        }
    }

    /// Measures the ways of those who may be among the nearest, the most promising first.
    fn directed(
        &mut self,
        anchors: &Anchors,
        roads: &Roads,
        standings: &Standings,
        set: &AgentSet,
        target: u32,
        most: usize,
    ) {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        for agent in set.iter() {
            for (place, offset_ms) in standings.of(agent).filter(|(place, _)| *place < roads.places()) {
                let (bound, least_ms) = anchors.bound(roads, place, target);
                let least_ms = least_ms.saturating_add(offset_ms);
                candidates.push(Candidate { least_ms, agent, place, offset_ms, bound });
            }
        }
        candidates.sort_unstable_by_key(|candidate| (candidate.least_ms, candidate.agent));
        for candidate in &candidates {
            let last = self.last(most);
            if last < candidate.least_ms {
                break;
            }
            let within_ms = last.saturating_sub(candidate.offset_ms);
            let row = anchors.row_of(candidate.bound);
            if let Some(time) = self.way(roads, target, candidate, row, within_ms) {
                self.offer(time, candidate.offset_ms, candidate.agent, most);
            }
        }
        self.candidates = candidates;
    }

    /// How long it takes somebody to the target, if no longer than `within_ms`: A* from the target on.
    fn way(
        &mut self,
        roads: &Roads,
        target: u32,
        candidate: &Candidate,
        row: &[u32],
        within_ms: u32,
    ) -> Option<u32> {
        let Candidate { place: start, bound, .. } = *candidate;
        self.begin(roads);
        self.queue.clear();
        self.improve(target, 0);
        self.queue.push(0, (0, target));
        while let Some((sum, (time, place))) = self.queue.pop() {
            if place == start {
                return Some(time);
            }
            if self.labels[place as usize].0 < time {
                continue;
            }
            for (from, takes) in roads.into(place) {
                let time = time.saturating_add(takes);
                // A lane that has got quicker may make the bound fall: what was known before is still true.
                let next = u64::from(time) + u64::from(bound.to(row, from));
                if next <= within_ms.into() && self.improve(from, time) {
                    self.queue.push(next.max(sum), (time, from));
                }
            }
        }
        None
    }

    fn begin(&mut self, roads: &Roads) {
        self.search = self.search.wrapping_add(1);
        let places = roads.places() as usize;
        if self.labels.len() != places || self.search == 0 {
            self.labels.clear();
            self.labels.resize(places, (u32::MAX, 0));
            self.wanted.clear();
            self.search = 1;
        }
    }

    /// Whether a time is better than the one known.
    #[inline]
    fn improve(&mut self, place: u32, time: u32) -> bool {
        let label = &mut self.labels[place as usize];
        let is_better = (label.1 != self.search || time < label.0) && time != u32::MAX;
        if is_better {
            *label = (time, self.search);
        }
        is_better
    }

    /// Later than this nobody counts.
    fn last(&self, most: usize) -> u32 {
        self.best.get(most - 1).map_or(u32::MAX - 1, |last| last.time_ms)
    }

    /// Takes somebody among the best, once, if there ever.
    fn offer(&mut self, time: u32, offset_ms: u32, agent: u32, most: usize) {
        let Some(time_ms) = time.checked_add(offset_ms).filter(|time| *time != u32::MAX) else { return };
        let found = Found { time_ms, agent };
        if let Some(known) = self.best.iter().position(|known| known.agent == found.agent) {
            if self.best[known] <= found {
                return;
            }
            self.best.remove(known);
        }
        let at = self.best.partition_point(|known| *known < found);
        if at < most {
            self.best.insert(at, found);
            self.best.truncate(most);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::nearest::LANE_MS_MAX;

    const PLACES: u32 = 12;

    /// Who is where: up to two places each.
    type Where = Vec<(u32, Vec<(u32, u32)>)>;

    #[derive(Clone, Debug)]
    enum Event {
        Lane(usize, Option<u32>),
        Move(u32, Vec<(u32, u32)>),
        CatchUp,
        Ask(Vec<bool>, u32, usize),
    }

    fn time() -> impl Strategy<Value = u32> {
        prop_oneof![4 => 1..5_u32, 4 => 800..3_000_u32, 1 => Just(LANE_MS_MAX)]
    }

    fn standing() -> impl Strategy<Value = Vec<(u32, u32)>> {
        prop::collection::vec(
            (0..PLACES, prop_oneof![3 => Just(0), 1 => 0..4_000_u32, 1 => u32::MAX - 3..=u32::MAX]),
            0..3,
        )
    }

    fn event(lanes: usize) -> impl Strategy<Value = Event> {
        prop_oneof![
            3 => (0..lanes, prop::option::weighted(0.8, time())).prop_map(|(lane, time)| Event::Lane(lane, time)),
            2 => (0..8_u32, standing()).prop_map(|(agent, at)| Event::Move(agent, at)),
            1 => Just(Event::CatchUp),
            4 => (prop::collection::vec(any::<bool>(), 8), 0..PLACES, 0..4_usize)
                .prop_map(|(who, target, most)| Event::Ask(who, target, most)),
        ]
    }

    #[derive(Clone, Debug)]
    struct History {
        lanes: Vec<(u32, u32, u32)>,
        at: Where,
        anchors: usize,
        events: Vec<Event>,
    }

    fn histories() -> impl Strategy<Value = History> {
        let lanes = prop::collection::vec((0..PLACES, 0..PLACES, time()), 1..40);
        (lanes, prop::collection::vec((0..8_u32, standing()), 0..10), 0..PLACES as usize)
            .prop_flat_map(|(lanes, at, anchors)| {
                let events = prop::collection::vec(event(lanes.len()), 1..20);
                (Just((lanes, at, anchors)), events)
            })
            .prop_map(|((lanes, at, anchors), events)| History { lanes, at, anchors, events })
    }

    /// All times by Floyd and Warshall's algorithm.
    fn times(lanes: &[(u32, u32, Option<u32>)]) -> Vec<Vec<u64>> {
        let places = PLACES as usize;
        let mut times = vec![vec![u64::from(u32::MAX); places]; places];
        for (place, row) in times.iter_mut().enumerate() {
            row[place] = 0;
        }
        for &(from, to, time) in lanes {
            if let Some(time) = time {
                let known = &mut times[from as usize][to as usize];
                *known = (*known).min(time.into());
            }
        }
        for via in 0..places {
            for from in 0..places {
                for to in 0..places {
                    times[from][to] = times[from][to].min(times[from][via] + times[via][to]);
                }
            }
        }
        times
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_024))]

        /// However lanes change and agents move: searches backwards, and directed ones by anchors whether or not these have
        /// caught up, both find exactly those whom Floyd and Warshall's times put first, ties by number.
        #[test]
        fn nobody_nearer_is_overlooked(history in histories()) {
            let History { lanes, at, anchors, events } = history;
            let mut roads = Roads::new(PLACES, &lanes).unwrap();
            let bytes = 1_000 + lanes.len() * 12 + anchors * PLACES as usize * 4;
            let mut anchors = Anchors::new(&roads, bytes);
            prop_assert!(anchors.bytes() <= bytes);
            let mut standings = Standings::new(PLACES);
            let mut known = vec![vec![]; 8];
            let mut place = |standings: &mut Standings, agent: u32, at: Vec<(u32, u32)>| {
                standings.place(agent, &at);
                known[agent as usize] = at;
                known.clone()
            };
            let mut all = vec![vec![]; 8];
            for (agent, at) in at {
                all = place(&mut standings, agent, at);
            }
            let mut now: Vec<_> = lanes.into_iter().map(|(from, to, time)| (from, to, Some(time))).collect();
            let mut finder = Finder::new();
            for event in events {
                match event {
                    Event::Lane(lane, time) => {
                        prop_assert!(roads.set(u32::try_from(lane).unwrap(), time));
                        now[lane].2 = time;
                    }
                    Event::Move(agent, at) => all = place(&mut standings, agent, at),
                    Event::CatchUp => anchors.catch_up(&roads),
                    Event::Ask(who, target, most) => {
                        let times = times(&now);
                        let set: AgentSet = (0..8).filter(|agent| who[*agent as usize]).collect();
                        let mut expected: Vec<Found> = set
                            .iter()
                            .filter_map(|agent| {
                                let time = |(place, offset): &(u32, u32)| {
                                    let time = times[*place as usize][target as usize];
                                    (time < u32::MAX.into()).then_some(time + u64::from(*offset))
                                };
                                let time = all[agent as usize].iter().filter_map(time).min()?;
                                let time_ms = u32::try_from(time).ok().filter(|time| *time != u32::MAX)?;
                                Some(Found { time_ms, agent })
                            })
                            .collect();
                        expected.sort_unstable();
                        expected.truncate(most);
                        prop_assert_eq!(finder.nearest(&roads, &standings, &set, target, most), &expected);
                        let all: Vec<u32> = (0..PLACES).rev().chain([PLACES, target]).collect();
                        let by_hand = |from: &u32| {
                            let time = *times.get(*from as usize)?.get(target as usize)?;
                            u32::try_from(time).ok().filter(|time| *time != u32::MAX)
                        };
                        prop_assert!(finder.times_to(&roads, &all, target).eq(all.iter().map(by_hand)));
                        prop_assert!(finder.times_to(&roads, &all, PLACES).all(|time| time.is_none()));
                        let mut bounded = Finder::with_anchors(anchors.clone());
                        for from in &all {
                            prop_assert_eq!(finder.between(&roads, *from, target), by_hand(from));
                            prop_assert_eq!(bounded.between(&roads, *from, target), by_hand(from));
                            prop_assert_eq!(bounded.between(&roads, *from, PLACES), None);
                        }
                        if anchors.fits(&roads) && 0 < most {
                            finder.best.clear();
                            finder.directed(&anchors, &roads, &standings, &set, target, most);
                            prop_assert_eq!(&finder.best, &expected);
                        }
                    }
                }
            }
        }

        /// A set of agents is a set.
        #[test]
        fn sets_are_sets(
            changes in prop::collection::vec((0..200_u32, any::<bool>()), 0..60),
            others in prop::collection::btree_set(0..200_u32, 0..60),
        ) {
            let (mut set, mut plain) = (AgentSet::new(), std::collections::BTreeSet::new());
            for (agent, is_in) in changes {
                set.set(agent, is_in);
                if is_in { plain.insert(agent); } else { plain.remove(&agent); }
            }
            prop_assert!(set.iter().eq(plain.iter().copied()));
            prop_assert_eq!((set.len(), set.is_empty()), (plain.len(), plain.is_empty()));
            prop_assert!((0..220).all(|agent| set.contains(agent) == plain.contains(&agent)));
            set.intersect(&others.iter().copied().collect());
            prop_assert!(set.iter().eq(plain.intersection(&others).copied()));
        }
    }

    /// On a large roadmap: by anchors where few may go, through the same door, and backwards where many may.
    #[test]
    fn a_large_place_is_searched_in_both_ways() {
        let lane = |from: u32, to: u32| (from, to, 800 + from.wrapping_mul(2_654_435_761) % 2_200);
        let right = (0..900)
            .filter(|place| place % 30 != 29)
            .flat_map(|place| [(place, place + 1), (place + 1, place)]);
        let down = (0..870).flat_map(|place| [(place, place + 30), (place + 30, place)]);
        let lanes: Vec<_> = right.chain(down).map(|(from, to)| lane(from, to)).collect();
        let roads = Roads::new(900, &lanes).unwrap();
        let mut standings = Standings::new(900);
        standings.place(0, &[(3, 0)]);
        standings.place(1, &[(750, 0)]);
        let set = AgentSet::from_iter([0, 1]);
        let mut plain = Finder::new();
        let mut finder = Finder::with_anchors(Anchors::new(&roads, 1 << 20));
        for target in 0..900 {
            let found = plain.nearest(&roads, &standings, &set, target, 2);
            assert_eq!(finder.nearest(&roads, &standings, &set, target, 2), found);
            assert_eq!(found.len(), 2);
        }
        assert!(!finder.candidates.is_empty(), "no anchor was asked");
        let all: Vec<u32> = (0..900).collect();
        for target in (0..900).step_by(7) {
            let times: Vec<_> = plain.times_to(&roads, &all, target).collect();
            let few: Vec<_> = plain.times_to(&roads, &[899, 3, 450], target).collect();
            assert_eq!(few, [times[899], times[3], times[450]]);
            for from in [0, 29, 433, 899] {
                let time = times[from as usize];
                assert!(time.is_some());
                assert_eq!(finder.between(&roads, from, target), time);
                assert_eq!(plain.between(&roads, from, target), time);
            }
        }
        // Where many may go the search runs backwards, and what is due at much the same time comes in no order.
        let everybody: AgentSet = (0..300).collect();
        for agent in 0..300 {
            standings.place(agent, &[(agent.wrapping_mul(2_654_435_761) % 900, 0)]);
        }
        let anchors = Anchors::new(&roads, 1 << 20);
        for target in 0..900 {
            finder.best.clear();
            finder.directed(&anchors, &roads, &standings, &everybody, target, 3);
            let found = std::mem::take(&mut finder.best);
            assert_eq!(plain.nearest(&roads, &standings, &everybody, target, 3), found);
        }
    }

    #[test]
    fn what_is_refused_is_named() {
        let error = Roads::new(2, &[(0, 1, 5), (0, 2, 5)]).unwrap_err();
        assert_eq!(error.to_string(), "lane 1: place 2 is none of the 2 places");
        assert!(Roads::new(2, &[(0, 1, 0)]).is_err() && Roads::new(2, &[(0, 1, LANE_MS_MAX + 1)]).is_err());
        let mut roads = Roads::new(2, &[(0, 1, 5)]).unwrap();
        assert!(!roads.set(1, Some(5)) && !roads.set(0, Some(0)) && roads.set(0, None));
        assert_eq!((roads.version(), roads.time_ms(0)), (1, None));
        // Whoever stands beyond these roads is not there, and anchors of others are not asked.
        let fewer = Roads::new(900, &[(0, 1, 5)]).unwrap();
        let mut beyond = Standings::new(1_000);
        beyond.place(0, &[(999, 0)]);
        beyond.place(1, &[(0, 0)]);
        let both = AgentSet::from_iter([0, 1]);
        let mut finder = Finder::with_anchors(Anchors::new(&fewer, 1 << 20));
        assert_eq!(finder.nearest(&fewer, &beyond, &both, 1, 2), [Found { time_ms: 5, agent: 1 }]);
        let quicker = Roads::new(900, &[(0, 1, 2)]).unwrap();
        assert_eq!(finder.nearest(&quicker, &beyond, &both, 1, 2), [Found { time_ms: 2, agent: 1 }]);
        // A finder may go from one to another.
        let mut both = Finder::new();
        for _ in 0..2 {
            assert_eq!(both.between(&fewer, 0, 1), Some(5));
            assert_eq!(both.between(&Roads::new(2, &[(0, 1, 3)]).unwrap(), 0, 1), Some(3));
        }
        assert!(Roads::new(u32::MAX, &[]).is_err());
        let (mut standings, mut set) = (Standings::new(2), AgentSet::new());
        assert!(!standings.place(u32::MAX, &[(0, 0)]) && !set.set(u32::MAX, true) && set.is_empty());
        let (standings, everybody) = (Standings::new(2), AgentSet::from_iter([0]));
        assert!(Finder::new().nearest(&roads, &standings, &everybody, 2, 1).is_empty());
        assert!(Finder::new().nearest(&roads, &standings, &everybody, 0, 0).is_empty());
    }
}
