//! What an explanation costs beside the decision that it explains.

use std::collections::BTreeSet;

use rand_pcg::{Pcg64Mcg, rand_core::Rng};
use sheepdog_core::{AgentId, FleetTime, Micros, Mm, MmPerS, Ppm, TaskId, WaypointId, wire::Action};
use sheepdog_dispatch::{
    Agent, AgentKind, Availability, Battery, Bounds, Enforcement, Explanation, Performers, Skill, Step, Task,
    TripMemo, Trips, decide_explained, decide_with,
};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, Site,
    model::{Lane, Level, Role, Waypoint},
    travel::NominalWaits,
};

use super::{Outcome, SUITE};
use crate::{figure::Figure, median, timed};

const AGENTS: u32 = 1_000;
/// Places in a row of the raster.
const SIDE: u32 = 100;

fn below(random: &mut Pcg64Mcg, limit: u32) -> u32 {
    // The bias of a remainder is below one in a million here.
    u32::try_from(random.next_u64() % u64::from(limit)).unwrap_or(0)
}

/// A raster of places 2 m apart, neighbours joined with some left out, a charger in every hundredth.
fn site(random: &mut Pcg64Mcg) -> Outcome<CompiledSite> {
    let mut site = Site::new("raster");
    site.levels.push(Level::new("L0", 0.0));
    let name = |place: u32| format!("w{place}");
    for place in 0..SIDE * SIDE {
        let (x_m, y_m) = (f64::from(place % SIDE) * 2.0, f64::from(place / SIDE) * 2.0);
        let roles = if place % 100 == 50 { vec![Role::Charger] } else { vec![] };
        site.waypoints.push(Waypoint { roles, ..Waypoint::new(name(place), "L0", x_m, y_m) });
        let right = (place % SIDE + 1 < SIDE).then_some(place + 1);
        let down = (place / SIDE + 1 < SIDE).then_some(place + SIDE);
        for next in [right, down].into_iter().flatten() {
            if below(random, 100) < 88 {
                site.lanes.push(Lane::two_way(name(place), name(next)));
            }
        }
    }
    let classes = vec![FootprintClass::round("small", Mm(200), Mm(50))];
    let options = CompileOptions { spacing: Mm(1_000_000), ..CompileOptions::new(classes) };
    Ok(site.compile(&options).map_err(|errors| format!("{errors:?}"))?)
}

/// Robots of three speeds and people; half of them could go.
fn agents(random: &mut Pcg64Mcg) -> Outcome<Vec<Agent>> {
    let mut agents = Vec::new();
    for id in 0..AGENTS {
        let kind = if id % 10 == 9 { AgentKind::Nurse } else { AgentKind::Robot };
        let skills = if below(random, 10) == 0 { BTreeSet::new() } else { [Skill("carry".into())].into() };
        let availability = match below(random, 10) {
            0..3 => Availability::Busy { task: TaskId(u64::from(id)) },
            3 => Availability::Failed,
            _ => Availability::Available,
        };
        let battery = Battery {
            charge: Ppm::new(50_000 + 50_000 * below(random, 20))?,
            reserve: Ppm::new(100_000)?,
            drain_ppm_per_s: 100,
        };
        agents.push(Agent {
            id: AgentId(id),
            name: format!("agent-{id}"),
            kind,
            enforcement: Enforcement::Permit,
            skills,
            payload_g: 1_000 * below(random, 20),
            shift: None,
            at: WaypointId(below(random, SIDE * SIDE)),
            speed: MmPerS(800 + 200 * below(random, 3)),
            class: (kind == AgentKind::Robot).then_some(0),
            battery: (kind == AgentKind::Robot).then_some(battery),
            availability,
        });
    }
    Ok(agents)
}

fn task(random: &mut Pcg64Mcg, number: u64) -> Task {
    let mut step = |action| Step {
        place: WaypointId(below(random, SIDE * SIDE)),
        action,
        duration: Micros::from_secs(30),
        gates: Vec::new(),
    };
    Task {
        id: TaskId(number),
        name: "delivery".into(),
        requested: FleetTime::ZERO,
        deadline: None,
        priority: 0,
        skills: [Skill("carry".into())].into(),
        payload_g: 2_000,
        performers: Performers::RobotsFirst,
        steps: vec![step(Action::Load), step(Action::Unload)],
    }
}

/// A decision of one task among a thousand agents with its explanation, to the decision alone: with travel times that have to
/// be searched, and with times that are known from an earlier decision.
pub(super) fn explain(tasks: u64) -> Outcome<Vec<Figure>> {
    let mut random = Pcg64Mcg::new(7);
    let site = site(&mut random)?;
    let agents = agents(&mut random)?;
    let waits = NominalWaits(&site);
    let now = FleetTime::from_micros(1_000_000);
    let [mut alone, mut both, mut known_alone, mut known_both]: [Vec<f64>; 4] = Default::default();
    let mut largest = 0.0_f64;
    for number in 0..tasks {
        let task = task(&mut random, number);
        let decide = |memo: TripMemo| {
            let mut trips = Trips::new(&site, &waits).with_memo(memo);
            let (decision, seconds) = timed(|| decide_with(&mut trips, &task, &agents, now));
            (decision, trips.into_memo(), seconds)
        };
        let explain = |memo: TripMemo| {
            let mut trips = Trips::new(&site, &waits).with_memo(memo);
            let (both, seconds) =
                timed(|| decide_explained(&mut trips, &task, &agents, now, Bounds::default()));
            (both, trips.into_memo(), seconds)
        };
        // In turn who is first, so that neither always finds the other's memory in the caches.
        let (first, second);
        if number % 2 == 0 {
            first = decide(TripMemo::default());
            second = explain(TripMemo::default());
        } else {
            second = explain(TripMemo::default());
            first = decide(TripMemo::default());
        }
        let ((decision, memo, alone_s), ((same, explanation), explained_memo, both_s)) = (first, second);
        if decision != same {
            return Err(format!("task {number}: an explained decision is another").into());
        }
        alone.push(alone_s);
        both.push(both_s);
        known_alone.push(decide(memo).2);
        known_both.push(explain(explained_memo).2);
        largest = largest.max(bytes(&explanation)?);
    }
    let figure = |name: &str, value: f64, unit| Figure::alone(SUITE, name, value, unit);
    let pair = |name: &str, both: Vec<f64>, alone: Vec<f64>| {
        let (both_us, alone_us) = (median(both) * 1e6, median(alone) * 1e6);
        [
            figure(&format!("{name}_us"), both_us, "us").beside("decision alone", alone_us),
            figure(&format!("{name}_overhead_ratio"), both_us / alone_us, ""),
        ]
    };
    let mut figures = Vec::from(pair("explain", both, alone));
    figures.extend(pair("explain_known", known_both, known_alone));
    figures.push(figure("explain_bytes", largest, "bytes"));
    Ok(figures)
}

fn bytes(explanation: &Explanation) -> Outcome<f64> {
    let length = u32::try_from(postcard::to_allocvec(explanation)?.len())?;
    Ok(length.into())
}
