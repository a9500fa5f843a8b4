//! How far it is to a goal.

use sheepdog_map::travel::BucketQueue;

/// Distance of a waypoint from which the goal cannot be reached.
pub(crate) const UNREACHABLE: u64 = u64::MAX;

/// The unit in which distances are kept, microseconds: 49 days fit.
pub(crate) const UNIT_US: u64 = 1_000;

/// The time of the fastest way from every waypoint to the nearest of some goals.
#[derive(Clone, Debug)]
pub(crate) struct Distances {
    /// In [`UNIT_US`]; `u32::MAX` where there is no way.
    times: Vec<u32>,
    goal: u32,
}

impl Distances {
    /// One backward search of Dijkstra over steps: where from, and how long in units. `extremes` are the shortest and the longest
    /// of them.
    pub(crate) fn new<I: Iterator<Item = (u32, u32)>>(
        waypoints: usize,
        goals: impl IntoIterator<Item = u32>,
        (shortest, longest): (u32, u32),
        into: impl Fn(u32) -> I,
    ) -> Self {
        let mut field = Self { times: vec![u32::MAX; waypoints], goal: u32::MAX };
        let mut queue = BucketQueue::new();
        queue.clear(shortest.into(), longest.into());
        for goal in goals {
            field.goal = field.goal.min(goal);
            if field.improve(goal, 0) {
                queue.push(0, goal);
            }
        }
        while let Some((so_far, waypoint)) = queue.pop() {
            let Ok(so_far) = u32::try_from(so_far) else { continue };
            if field.times.get(waypoint as usize).is_none_or(|time| *time < so_far) {
                continue;
            }
            for (from, time) in into(waypoint) {
                let total = so_far.saturating_add(time);
                if field.improve(from, total) {
                    queue.push(total.into(), from);
                }
            }
        }
        field
    }

    fn improve(&mut self, waypoint: u32, time: u32) -> bool {
        let known = self.times.get_mut(waypoint as usize).filter(|known| time < **known);
        known.map(|known| *known = time).is_some()
    }

    /// Microseconds from a waypoint; [`UNREACHABLE`] where there is no way and outside.
    pub(crate) fn at(&self, waypoint: u32) -> u64 {
        match self.times.get(waypoint as usize) {
            None | Some(&u32::MAX) => UNREACHABLE,
            Some(&time) => u64::from(time) * UNIT_US,
        }
    }

    /// The goal, of several the one of the least id.
    pub(crate) const fn goal(&self) -> u32 {
        self.goal
    }
}
