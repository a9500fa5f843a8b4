//! Tests across the modules, on random small sites.

mod executing;
mod planning;
mod refusing;

use std::sync::Arc;

use proptest::{collection::vec, prelude::*, sample::Index};
use sheepdog_core::{AgentId, LaneId, Micros, Mm, MmPerS, ResourceId, WaypointId};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, Site,
    model::{Lane, Level, Waypoint},
};

use crate::{Plan, PlanRobot, PlannedMove, Problem, Visit};

pub(crate) const SPEEDS: [MmPerS; 2] = [MmPerS(1_000), MmPerS(500)];
/// Enough for any site drawn here.
pub(crate) const AMPLE: u32 = 400_000;

/// A site of points a metre and a half apart; lanes are pairs of points, some one-way, some of one corridor.
pub(crate) fn site(points: &[(i16, i16)], lanes: &[(usize, usize, bool, Option<u8>)]) -> Arc<CompiledSite> {
    let name = |index: usize| format!("p{index}");
    let site = Site {
        levels: vec![Level::new("L1", 0.0)],
        waypoints: points
            .iter()
            .enumerate()
            .map(|(index, &(x, y))| Waypoint::new(name(index), "L1", f64::from(x) * 1.5, f64::from(y) * 1.5))
            .collect(),
        lanes: lanes
            .iter()
            .map(|&(from, to, bidirectional, corridor)| Lane {
                bidirectional,
                corridor: corridor.map(|number| format!("c{number}")),
                ..Lane::two_way(name(from), name(to))
            })
            .collect(),
        ..Site::new("test")
    };
    // The large class claims the places next to its own as well.
    let class = |name: &str, radius| FootprintClass::round(name, Mm(radius), Mm(50));
    let options = CompileOptions::new(vec![class("small", 250), class("large", 800)]);
    Arc::new(site.compile(&options).unwrap())
}

/// A line of places; every pair of neighbours is joined.
pub(crate) fn line(len: i16) -> Arc<CompiledSite> {
    let points: Vec<(i16, i16)> = (0..len).map(|x| (x, 0)).collect();
    let lanes: Vec<_> = (1..points.len()).map(|to| (to - 1, to, true, None)).collect();
    site(&points, &lanes)
}

/// A part of a grid: holes, trees, dead ends, pockets, one-way lanes and corridors all occur.
pub(crate) fn sites(width: i16, height: i16) -> impl Strategy<Value = Arc<CompiledSite>> {
    let cells = usize::try_from(width * height).unwrap();
    (vec(0..6_u8, cells), vec(0..16_u8, 2 * cells)).prop_map(move |(holes, kinds)| {
        let mut points = Vec::new();
        let mut number = vec![None; cells];
        for (cell, _) in holes.iter().enumerate().filter(|&(_, &hole)| hole != 0) {
            let cell16 = i16::try_from(cell).unwrap();
            number[cell] = Some(points.len());
            points.push((cell16 % width, cell16 / width));
        }
        let mut lanes = Vec::new();
        for cell in 0..cells {
            let wide = usize::try_from(width).unwrap();
            let right = (cell % wide + 1 < wide).then_some(cell + 1);
            for (edge, other) in [right, Some(cell + wide)].into_iter().enumerate() {
                let other = other.and_then(|other| number.get(other).copied().flatten());
                if let (Some(from), Some(to)) = (number[cell], other) {
                    match kinds[2 * cell + edge] {
                        0..=2 => {}
                        3 => lanes.push((from, to, false, None)),
                        kind @ 4..=7 => lanes.push((from, to, true, Some(kind / 6))),
                        _ => lanes.push((from, to, true, None)),
                    }
                }
            }
        }
        if points.is_empty() {
            points.push((0, 0));
        }
        site(&points, &lanes)
    })
}

/// What a robot of a problem is drawn from.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    class: u8,
    at: Index,
    visits: Vec<(Index, u64)>,
    goal: Option<Index>,
    priority: u64,
}

pub(crate) fn draws(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<Draw>> {
    let goal = prop_oneof![2 => any::<Index>().prop_map(Some), 1 => Just(None)];
    let visits = vec((any::<Index>(), 0..20_u64), 0..=2);
    let draw = (0..6_u8, any::<Index>(), visits, goal, 0..3_u64)
        .prop_map(|(class, at, visits, goal, priority)| Draw { class, at, visits, goal, priority });
    vec(draw, count)
}

/// Robots that stand apart; a draw that does not fit is left out. Visits and goals may be anywhere.
pub(crate) fn robots(site: &CompiledSite, draws: &[Draw]) -> Vec<PlanRobot> {
    let mut held: Vec<ResourceId> = Vec::new();
    let mut robots = Vec::new();
    let waypoint = |index: &Index| WaypointId(u32::try_from(index.index(site.waypoints().len())).unwrap());
    for draw in draws {
        let class = usize::from(draw.class == 0);
        let at = waypoint(&draw.at);
        let rest = site.classes()[class].at(at);
        if rest.iter().all(|resource| !held.contains(resource)) {
            held.extend(rest);
            robots.push(PlanRobot {
                agent: AgentId(u32::try_from(robots.len()).unwrap() * 3),
                class,
                at,
                visits: draw
                    .visits
                    .iter()
                    .map(|(place, secs)| Visit { place: waypoint(place), work: Micros::from_secs(*secs) })
                    .collect(),
                goal: draw.goal.as_ref().map(waypoint),
                priority: draw.priority,
            });
        }
    }
    robots
}

pub(crate) fn problems() -> impl Strategy<Value = (Arc<CompiledSite>, Problem)> {
    let blocked = vec(any::<Index>(), 0..=1);
    (sites(4, 4), draws(1..=7), blocked, 0..4_u64).prop_map(|(site, draws, blocked, seed)| {
        let resource =
            |index: &Index| ResourceId(u32::try_from(index.index(site.resources().len())).unwrap());
        let robots = robots(&site, &draws);
        let blocked = blocked.iter().map(resource).collect();
        (site, Problem { robots, blocked, pending: Vec::new(), seed })
    })
}

pub(crate) fn robot(agent: u32, at: u32, goal: Option<u32>) -> PlanRobot {
    let (agent, at, goal) = (AgentId(agent), WaypointId(at), goal.map(WaypointId));
    PlanRobot { agent, class: 0, at, visits: Vec::new(), goal, priority: 0 }
}

/// A robot that works ten seconds at each of some places.
pub(crate) fn worker(agent: u32, at: u32, places: &[u32]) -> PlanRobot {
    let visit = |&place: &u32| Visit { place: WaypointId(place), work: Micros::from_secs(10) };
    PlanRobot { visits: places.iter().map(visit).collect(), ..robot(agent, at, None) }
}

pub(crate) fn problem(robots: Vec<PlanRobot>) -> Problem {
    Problem { robots, blocked: Vec::new(), pending: Vec::new(), seed: 1 }
}

fn lane(site: &CompiledSite, from: u32, to: u32) -> LaneId {
    let from = site.lanes_from(WaypointId(from)).iter();
    from.copied().find(|&id| site.lane(id).unwrap().to == WaypointId(to)).unwrap()
}

/// Moves of agents along places.
pub(crate) fn moves(site: &CompiledSite, steps: &[(u32, &[u32])]) -> Plan {
    let step = |&(agent, places): &(u32, &[u32])| PlannedMove {
        agent: AgentId(agent),
        lanes: places.windows(2).map(|pair| lane(site, pair[0], pair[1])).collect(),
    };
    Plan { moves: steps.iter().map(step).collect(), ..Plan::default() }
}
