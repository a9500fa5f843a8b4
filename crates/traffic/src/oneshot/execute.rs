//! One-shot plans for the executor: the grid as a site, steps as moves.

use std::sync::Arc;

use sheepdog_core::{AgentId, LaneId, Mm, WaypointId};
use sheepdog_map::{
    CompileLimits, CompileOptions, CompiledSite, FootprintClass, MapError, Site,
    model::{Lane, Level, Waypoint},
};

use super::{Instance, Solution, instance::NONE};
use crate::{Lanes, Plan, PlannedMove};

/// Side of a cell, metres.
const CELL_M: f64 = 1.0;
/// Robots of this radius claim the cell in which they are and no other.
const RADIUS: Mm = Mm(450);

impl Instance {
    /// The grid as a site, so that the executor's conflict rule, shared claims, is this planner's: a waypoint for
    /// each free cell, a metre apart, a two-way lane between neighbours, and one round class of 0.45 m.
    ///
    /// Rows go downwards. Linear in the cells; tens of thousands take seconds.
    ///
    /// ```
    /// # use sheepdog_core::{AgentId, Mm};
    /// # use sheepdog_traffic::{Executor, oneshot::{Cell, Grid, Instance, Outcome, Search, Trip}};
    /// let grid = Grid::parse("type octile\nheight 1\nwidth 3\nmap\n...\n", "small.map")?;
    /// let trip = Trip { start: Cell { x: 0, y: 0 }, goal: Cell { x: 2, y: 0 } };
    /// let instance = Instance::on_grid(&grid, &[trip])?;
    /// let mut search = Search::new(&instance, 1);
    /// search.run(100);
    /// let Outcome::Solved(solution) = search.outcome() else { panic!("nothing is in the way") };
    ///
    /// let site = instance.site().map_err(|errors| format!("{errors:?}"))?;
    /// let mut executor = Executor::new(site.clone());
    /// for (agent, at) in instance.placements() {
    ///     executor.place(agent, 0, at)?;
    /// }
    /// executor.append(&solution.plan(&site).ok_or("another site")?)?;
    /// assert_eq!(executor.grant(Mm(10_000)).len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`MapError`]s when the grid is larger than a site may be.
    pub fn site(&self) -> Result<Arc<CompiledSite>, Vec<MapError>> {
        let vertices = 0..u32::try_from(self.vertices()).unwrap_or(NONE);
        let waypoint = |vertex: u32| {
            let cell = self.cell(vertex);
            Waypoint::new(name(vertex), "grid", f64::from(cell.x) * CELL_M, -f64::from(cell.y) * CELL_M)
        };
        let lanes_from = |vertex: u32| {
            let later = self.network.neighbours(vertex).iter().filter(move |next| vertex < **next);
            later.map(move |&next| Lane::two_way(name(vertex), name(next)))
        };
        let site = Site {
            levels: vec![Level::new("grid", 0.0)],
            waypoints: vertices.clone().map(waypoint).collect(),
            lanes: vertices.flat_map(lanes_from).collect(),
            ..Site::new("grid")
        };
        let default = CompileLimits::default();
        let limits = CompileLimits {
            waypoints: default.waypoints.max(self.vertices()),
            lanes: default.lanes.max(4 * self.vertices()),
            ..default
        };
        let class = FootprintClass::round("cell", RADIUS, Mm::ZERO);
        let options = CompileOptions { limits, ..CompileOptions::new(vec![class]) };
        site.compile(&options).map(Arc::new)
    }

    /// Who starts at which waypoint of the [`site`](Self::site): agents are numbered as the trips were.
    pub fn placements(&self) -> impl Iterator<Item = (AgentId, WaypointId)> {
        (0..).map(AgentId).zip(self.starts.iter().map(|&vertex| WaypointId(vertex)))
    }
}

impl Solution {
    /// The steps as moves for the executor, one lane each. Within a step whoever leaves a cell comes before whoever
    /// enters it, and otherwise the lower number first.
    ///
    /// `None` when the site is not that of the plan's instance. Linear in robots times steps.
    pub fn plan(&self, site: &CompiledSite) -> Option<Plan> {
        let mut plan = Plan::default();
        let mut mover_at: Vec<Option<usize>> = vec![None; site.waypoints().len()];
        for step in 1..=self.makespan() {
            let (before, after) = (self.at(step - 1), self.at(step));
            let moves = |robot: usize| {
                let (from, to) = (*before.get(robot)?, *after.get(robot)?);
                (from != to).then_some((from, to))
            };
            for (robot, from) in before.iter().enumerate() {
                *mover_at.get_mut(*from as usize)? = moves(robot).map(|_| robot);
            }
            for robot in 0..before.len() {
                // From its tail to its head, the chain of those who have to leave for each other.
                let mut chain = Vec::new();
                let mut next = Some(robot);
                while let Some((robot, (from, to))) = next.and_then(|robot| Some((robot, moves(robot)?))) {
                    if mover_at.get_mut(from as usize)?.take() != Some(robot) {
                        break;
                    }
                    chain.push((robot, from, to));
                    next = *mover_at.get(to as usize)?;
                }
                for (robot, from, to) in chain.into_iter().rev() {
                    let agent = AgentId(u32::try_from(robot).ok()?);
                    let lanes = Lanes::from_slice(&[lane(site, WaypointId(from), WaypointId(to))?]);
                    plan.moves.push(PlannedMove { agent, lanes });
                }
            }
        }
        Some(plan)
    }
}

/// The waypoint of a vertex has its number.
fn name(vertex: u32) -> String {
    format!("v{vertex}")
}

fn lane(site: &CompiledSite, from: WaypointId, to: WaypointId) -> Option<LaneId> {
    let leads = |id: &&LaneId| site.lane(**id).is_some_and(|lane| lane.to == to);
    site.lanes_from(from).iter().find(leads).copied()
}
