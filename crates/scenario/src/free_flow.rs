//! How long the same work would take if robots did not meet.

use std::collections::BTreeMap;

use sheepdog_core::{Micros, WaypointId};
use sheepdog_map::travel::{NominalWaits, TravelTimes, travel_times_to};

use crate::{script::Event, setup::Setup};

/// The free-flow bound of a run: the time of its last task if every robot drove alone.
///
/// Robots take tasks by the same rule (oldest first, nearest free robot, ties by order) and travel at full speed along
/// shortest paths, with nominal waits for doors and lifts and the steps' own durations; no acceleration, no turning,
/// no waiting for each other. Tasks that no robot can reach are left out.
pub fn free_flow(setup: &Setup) -> Micros {
    let mut times = Times { setup, to: BTreeMap::new() };
    let mut robots: Vec<(Micros, WaypointId)> =
        setup.plant.robots.iter().map(|robot| (Micros::ZERO, robot.at)).collect();
    let mut requests: Vec<_> = setup
        .script
        .iter()
        .filter_map(|(at, event)| match event {
            Event::Request(request) => Some((*at, request)),
            Event::Fact(_)
            | Event::Fault { .. }
            | Event::StopLevel { .. }
            | Event::Resume { .. }
            | Event::Reset { .. } => None,
        })
        .collect();
    requests.sort_by_key(|(at, _)| *at);
    let mut last = Micros::ZERO;
    for (at, request) in requests {
        let Some(first) = request.steps.first().map(|step| step.place) else { continue };
        // Whoever is free when the task comes up; if nobody is, whoever is free next.
        let soonest = robots.iter().map(|(free, _)| *free).min().unwrap_or_default().max(at);
        let nearest = (0..robots.len())
            .filter_map(|index| {
                let (free, place) = *robots.get(index)?;
                if soonest < free {
                    return None;
                }
                Some((times.between(place, first)?, index))
            })
            .min();
        let Some((approach, index)) = nearest else { continue };
        let mut clock = soonest.saturating_add(approach);
        let mut place = first;
        for step in &request.steps {
            let Some(leg) = times.between(place, step.place) else { break };
            clock = clock.saturating_add(leg).saturating_add(step.duration);
            place = step.place;
        }
        if let Some(robot) = robots.get_mut(index) {
            *robot = (clock, place);
        }
        last = last.max(clock);
    }
    last
}

/// Travel times to each place, computed once.
struct Times<'a> {
    setup: &'a Setup,
    to: BTreeMap<WaypointId, TravelTimes>,
}

impl Times<'_> {
    fn between(&mut self, from: WaypointId, to: WaypointId) -> Option<Micros> {
        let setup = self.setup;
        let times = self.to.entry(to).or_insert_with(|| {
            let waits = NominalWaits(&setup.site);
            travel_times_to(&setup.site, setup.robot_profile(), &waits, to)
        });
        times.from(from)
    }
}
