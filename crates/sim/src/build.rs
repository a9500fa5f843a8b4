//! From specifications to the robots and people of a plant, checked on the way.

use std::sync::Arc;

use sheepdog_core::{LaneId, Micros, MmPerS, WaypointId};
use sheepdog_driver::OnboardConfig;
use sheepdog_map::{ClassClaims, CompiledSite, Lane};

use crate::{
    body::{Body, BodyLimits, wrapped},
    config::{ControllerSpec, CrowdSpec, PersonSpec, PowerSpec, RobotSpec, WalkerSpec},
    error::PlantError,
    kinematics::Gait,
    people::{Person, Spiral},
    random::{Purpose, stream, up_to},
    robot::{Parts, Robot},
    world::Disc,
};

/// Bends below this are driven through, radians: 10°.
const THROUGH_RAD: f64 = 0.174_532_925_199_432_95;
/// How many people a crowd may have.
const CROWD_MAX: u32 = 10_000;
/// Clocks of robots are ahead of the plant's by up to this.
const CLOCK_OFFSET_MAX: Micros = Micros::from_secs(3_600);

/// A robot as specified, at rest.
pub(crate) fn robot(
    site: &Arc<CompiledSite>,
    index: usize,
    spec: &RobotSpec,
    power: PowerSpec,
    seed: u64,
) -> Result<Robot, PlantError> {
    let agent = spec.agent;
    let who = || format!("agent {agent}");
    let start =
        site.waypoint(spec.at).ok_or_else(|| PlantError::Waypoint { who: who(), waypoint: spec.at })?;
    let classes = site.classes().len();
    let class =
        site.classes().get(spec.class).ok_or(PlantError::Class { agent, class: spec.class, classes })?;
    let quantities = [
        ("speed", spec.speed.0),
        ("acceleration", spec.acceleration.0),
        ("deceleration", spec.deceleration.0),
    ];
    if let Some(&(quantity, _)) = quantities.iter().find(|(_, value)| *value == 0) {
        return Err(PlantError::Zero { who: who(), quantity });
    }
    let limits =
        BodyLimits { speed: spec.speed, acceleration: spec.acceleration, deceleration: spec.deceleration };
    if let (Gait::Steered { .. }, Some(at)) = (spec.kinematics.gait, sharp_bend(site, class)) {
        return Err(PlantError::Bend { agent, at });
    }
    let (delay, assumed) = (spec.kinematics.delay(), spec.interlock.get().actuation_delay);
    if assumed < delay {
        return Err(PlantError::Actuation { agent, delay, assumed });
    }
    let (base, body) = Body::new(limits, start.level, start.at, heading_out(site, spec.at));
    let body = body.on(spec.kinematics);
    let mut rng = stream(seed, Purpose::Clock, agent.0, 0);
    let clock_offset = Micros::new(up_to(&mut rng, CLOCK_OFFSET_MAX.as_micros()));
    let gap_max = spec.interlock.get().clock_jump_max.min(spec.interlock.get().beat_timeout);
    let ControllerSpec {
        yaw_rate,
        report_every,
        passage_fresh,
        fleet_beat_timeout,
        map,
        wall_margin,
        beam_gap_rad,
    } = spec.controller;
    let config = OnboardConfig {
        agent,
        site: Arc::clone(site),
        class: spec.class,
        interlock: spec.interlock,
        approved: spec.interlock.digest(),
        speed: spec.speed,
        acceleration: spec.acceleration,
        yaw_rate,
        turning_radius: spec.kinematics.turning_radius(),
        report_every,
        passage_fresh,
        fleet_beat_timeout,
        map,
        wall_margin,
        beam_gap_rad,
    };
    Robot::new(Parts {
        index,
        agent,
        radius_m: f64::from(class.class.radius.0) / 1e3,
        body,
        controller: config,
        base,
        beams: spec.beams,
        power,
        battery: spec.battery,
        clock_offset,
        gap_max,
        seed,
    })
    .map_err(|error| PlantError::Settings { agent, error })
}

/// The first place where a robot would have to turn on the spot: where a lane goes on in another direction by as much as a
/// robot stops for, or back.
fn sharp_bend(site: &CompiledSite, class: &ClassClaims) -> Option<WaypointId> {
    let along = |lane: &Lane| {
        let gap = site.waypoint(lane.to)?.at - site.waypoint(lane.from)?.at;
        Some(libm::atan2(gap.y, gap.x)).filter(|_| lane.ride.is_none())
    };
    let lanes = || (0..).map(LaneId).zip(site.lanes()).filter(|(id, _)| class.usable(*id));
    let bends = |one: &Lane| {
        let before = along(one);
        site.lanes_from(one.to).iter().filter(|id| class.usable(**id)).any(|id| {
            let after = site.lane(*id).and_then(along);
            before.zip(after).is_some_and(|(before, after)| THROUGH_RAD <= wrapped(after - before).abs())
        })
    };
    lanes().find(|(_, lane)| bends(lane)).map(|(_, lane)| lane.to)
}

/// Direction of the first lane that leaves a waypoint on its level; along x when there is none.
fn heading_out(site: &CompiledSite, from: WaypointId) -> f64 {
    let along = |lane: &LaneId| {
        let lane = site.lane(*lane).filter(|lane| lane.ride.is_none())?;
        let gap = site.waypoint(lane.to)?.at - site.waypoint(lane.from)?.at;
        Some(libm::atan2(gap.y, gap.x))
    };
    site.lanes_from(from).iter().find_map(along).unwrap_or(0.0)
}

/// People first, then walkers.
pub(crate) fn people(
    site: &Arc<CompiledSite>,
    people: Vec<PersonSpec>,
    walkers: Vec<WalkerSpec>,
) -> Result<Vec<Person>, PlantError> {
    let mut gathered = Vec::with_capacity(people.len() + walkers.len());
    for spec in people {
        let who = || format!("agent {}", spec.agent);
        check_walk(site, who, &[spec.at], spec.speed)?;
        gathered.extend(Person::agent(site, gathered.len(), spec));
    }
    for (walker, spec) in walkers.into_iter().enumerate() {
        if spec.patrol.is_empty() {
            return Err(PlantError::NoPatrol { walker });
        }
        check_walk(site, || format!("walker {walker}"), &spec.patrol, spec.speed)?;
        gathered.extend(Person::walker(site, gathered.len(), spec));
    }
    Ok(gathered)
}

/// Adds crowds, whose members come last. They begin where nobody is: no robot, no other person, and at none of their places.
pub(crate) fn crowds(
    site: &Arc<CompiledSite>,
    crowds: &[CrowdSpec],
    seed: u64,
    robots: &[Disc],
    gathered: &mut Vec<Person>,
) -> Result<(), PlantError> {
    for (crowd, spec) in crowds.iter().enumerate() {
        check_walk(site, || format!("crowd {crowd}"), &spec.at, spec.speed)?;
        if CROWD_MAX < spec.people {
            return Err(PlantError::Crowd { crowd, wanted: spec.people, limit: CROWD_MAX });
        }
        let mut spirals: Vec<Spiral> =
            spec.at.iter().filter_map(|&place| Spiral::new(site, place, &spec.at)).collect();
        let mut room = 0;
        while room < spec.people {
            // Places take turns, and a full one is left out.
            let before = room;
            for spiral in &mut spirals {
                if room == spec.people {
                    break;
                }
                if let Some(stroller) = spiral.stroller(gathered.len(), spec, seed, robots, gathered) {
                    gathered.push(stroller);
                    room += 1;
                }
            }
            if before == room {
                return Err(PlantError::NoRoom { crowd, wanted: spec.people, room });
            }
        }
    }
    Ok(())
}

fn check_walk(
    site: &CompiledSite,
    who: impl Fn() -> String,
    places: &[WaypointId],
    speed: MmPerS,
) -> Result<(), PlantError> {
    if let Some(&waypoint) = places.iter().find(|&&place| site.waypoint(place).is_none()) {
        return Err(PlantError::Waypoint { who: who(), waypoint });
    }
    if speed == MmPerS::ZERO {
        return Err(PlantError::Zero { who: who(), quantity: "speed" });
    }
    Ok(())
}
