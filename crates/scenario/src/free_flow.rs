//! How long the same work would take if robots did not meet.

use std::collections::BTreeMap;

use sheepdog_core::{Micros, MmPerS, WaypointId};
use sheepdog_fleet::TaskRequest;
use sheepdog_map::travel::{NominalWaits, TravelProfile, TravelTimes, travel_times_to};

use crate::{script::Event, setup::Setup};

/// The free-flow bound of a run: the time of its last task if every robot drove alone.
///
/// Robots take tasks as the fleet's do as long as nobody is in their way (oldest first; of those asked for together,
/// near and long ones first; ties by order) and travel at full speed along shortest paths, with nominal waits for doors and lifts and the
/// steps' own durations; no acceleration, no turning, no waiting for each other. Tasks that no robot can reach are left
/// out.
pub fn free_flow(setup: &Setup) -> Micros {
    ends(setup).max().unwrap_or_default()
}

/// How many tasks would be over by some time if every robot drove alone, see [`free_flow`].
pub fn free_flow_done(setup: &Setup, by: Micros) -> usize {
    ends(setup).filter(|end| *end <= by).count()
}

/// When each task ends.
fn ends(setup: &Setup) -> impl Iterator<Item = Micros> {
    let mut times = Times { setup, to: BTreeMap::new() };
    let mut robots: Vec<(Micros, WaypointId)> =
        setup.plant.robots.iter().map(|robot| (Micros::ZERO, robot.at)).collect();
    let profiles: Vec<TravelProfile> = setup.profiles().collect();
    let mut requests: Vec<_> = setup
        .script
        .iter()
        .filter_map(|(at, event)| match event {
            Event::Request(request) => Some((*at, request)),
            Event::Fact(_)
            | Event::Fault { .. }
            | Event::Stop { .. }
            | Event::Fire { .. }
            | Event::EndFire { .. }
            | Event::Revert { .. }
            | Event::Resume { .. }
            | Event::Reset { .. } => None,
        })
        .collect();
    requests.sort_by_key(|(at, _)| *at);
    std::iter::from_fn(move || {
        loop {
            let (oldest, _) = requests.first()?;
            // Whoever is free when the task comes up; if nobody is, whoever is free next.
            let now = robots.iter().map(|(free, _)| *free).min().unwrap_or_default().max(*oldest);
            let equals = requests.iter().take_while(|(at, _)| at == oldest).enumerate();
            let mut best = None;
            for (order, (_, request)) in equals {
                for (robot, ((free, place), profile)) in robots.iter().zip(&profiles).enumerate() {
                    let Some((arrival, work)) =
                        times.legs(*profile, *place, request).filter(|_| *free <= now)
                    else {
                        continue;
                    };
                    let cost = 2 * i128::from(arrival.as_micros()) - i128::from(work.as_micros());
                    let offer = (cost, order, robot, arrival.saturating_add(work));
                    best = Some(best.map_or(offer, |best: (i128, usize, usize, Micros)| best.min(offer)));
                }
            }
            let Some((_, order, robot, duration)) = best else {
                requests.remove(0);
                continue;
            };
            let (_, request) = requests.remove(order);
            let end = now.saturating_add(duration);
            if let (Some(robot), Some(step)) = (robots.get_mut(robot), request.steps.last()) {
                *robot = (end, step.place);
            }
            return Some(end);
        }
    })
}

/// Travel times to each place for everybody alike, computed once.
struct Times<'a> {
    setup: &'a Setup,
    to: BTreeMap<(Option<usize>, MmPerS, WaypointId), TravelTimes>,
}

impl Times<'_> {
    /// Time to the first place of a request, and from there to its end.
    fn legs(
        &mut self,
        profile: TravelProfile,
        from: WaypointId,
        request: &TaskRequest,
    ) -> Option<(Micros, Micros)> {
        let mut steps = request.steps.iter();
        let first = steps.next()?;
        let arrival = self.between(profile, from, first.place)?;
        let (mut work, mut place) = (first.duration, first.place);
        for step in steps {
            let way = self.between(profile, place, step.place)?;
            work = work.saturating_add(way).saturating_add(step.duration);
            place = step.place;
        }
        Some((arrival, work))
    }

    fn between(&mut self, profile: TravelProfile, from: WaypointId, to: WaypointId) -> Option<Micros> {
        let setup = self.setup;
        let times = self.to.entry((profile.class, profile.speed, to)).or_insert_with(|| {
            let waits = NominalWaits(&setup.site);
            travel_times_to(&setup.site, profile, &waits, to)
        });
        times.from(from)
    }
}
