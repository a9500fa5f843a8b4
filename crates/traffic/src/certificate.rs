//! Evidence that what is planned can be carried out, and its check.
//!
//! The check is plain and slow on purpose and shares nothing with the executor: it reads claims from the compiled site,
//! numbers and queues from the certificate, and carries the moves out one after the other.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sheepdog_core::{AgentId, ResourceId, WaypointId};
use sheepdog_map::CompiledSite;

use crate::PlannedMove;

#[cfg(doc)]
use crate::Executor;

/// Numbers of the pending moves that grow along every edge of the dependency graph, so that it has no cycle.
///
/// An edge leads from each turn at a resource to the next one there, and from each move of a robot to its next one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Where each robot rests after its granted moves, and its footprint class, sorted by agent.
    pub rests: Vec<(AgentId, usize, WaypointId)>,
    /// Pending moves and visits with their topological numbers, in that order.
    pub moves: Vec<(u64, PlannedMove)>,
    /// The numbers of the moves whose turns come at each resource, from front to back; resources without any are left
    /// out.
    pub queues: Vec<(ResourceId, Vec<u64>)>,
}

/// Why a certificate does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// Two robots rest on one resource, or one is there twice.
    #[error("robot {agent} does not rest apart from the others")]
    Rests {
        /// The robot.
        agent: AgentId,
    },
    /// Numbers do not grow.
    #[error("move {number} does not come after the one before it")]
    Order {
        /// The number.
        number: u64,
    },
    /// A move does not begin where its robot rests, or cannot be made.
    #[error("move {number}: robot {agent} cannot make it")]
    NoWay {
        /// The number.
        number: u64,
        /// The robot.
        agent: AgentId,
    },
    /// A move claims what another robot rests on then.
    #[error("move {number} needs {resource}, on which robot {by} rests")]
    Conflict {
        /// The number.
        number: u64,
        /// The resource.
        resource: ResourceId,
        /// Who rests there.
        by: AgentId,
    },
    /// The turns at a resource are not those of the moves that claim it, in the order of their numbers.
    #[error("the turns at {resource} are not those of the moves that claim it")]
    Queue {
        /// The resource.
        resource: ResourceId,
    },
}

/// Checks that the moves of a certificate can be carried out in the order of their numbers, and that the turns at each
/// resource come in that order. Then no move waits for one with a larger number, and nobody waits in a circle.
///
/// Costs moves × claims, each times a logarithm.
///
/// ```
/// # use std::sync::Arc;
/// # use sheepdog_core::AgentId;
/// # use sheepdog_traffic::{Executor, check_certificate, oneshot::{Cell, Grid, Instance, Trip}};
/// # let grid = Grid::parse("type octile\nheight 1\nwidth 3\nmap\n...\n", "small.map")?;
/// # let trip = Trip { start: Cell { x: 0, y: 0 }, goal: Cell { x: 2, y: 0 } };
/// # let site = Instance::on_grid(&grid, &[trip])?.site().map_err(|errors| format!("{errors:?}"))?;
/// let executor = Executor::new(Arc::clone(&site));
/// assert_eq!(check_certificate(&site, &executor.certificate()), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The first [`CertificateFault`].
pub fn check_certificate(site: &CompiledSite, certificate: &Certificate) -> Result<(), CertificateFault> {
    let mut rests: BTreeMap<AgentId, (usize, WaypointId)> = BTreeMap::new();
    let mut holders: BTreeMap<ResourceId, AgentId> = BTreeMap::new();
    for &(agent, class, at) in &certificate.rests {
        let claims = site.classes().get(class).ok_or(CertificateFault::Rests { agent })?;
        let shared = claims.at(at).iter().any(|resource| holders.insert(*resource, agent).is_some());
        if shared || rests.insert(agent, (class, at)).is_some() {
            return Err(CertificateFault::Rests { agent });
        }
    }
    let mut turns: BTreeMap<ResourceId, Vec<u64>> = BTreeMap::new();
    let mut last = None;
    for (number, step) in &certificate.moves {
        let (number, agent) = (*number, step.agent);
        if last.is_some_and(|last| number <= last) {
            return Err(CertificateFault::Order { number });
        }
        last = Some(number);
        let no_way = CertificateFault::NoWay { number, agent };
        let (class, from) = *rests.get(&agent).ok_or(no_way)?;
        if step.is_visit() {
            continue;
        }
        let claims = site.classes().get(class).ok_or(no_way)?;
        let mut needed: BTreeSet<ResourceId> = claims.at(from).iter().copied().collect();
        let mut at = from;
        for &id in &step.lanes {
            let lane = site.lane(id).filter(|lane| lane.from == at && claims.usable(id)).ok_or(no_way)?;
            at = lane.to;
            needed.extend(claims.along(id).iter().chain(claims.at(at)));
        }
        if !claims.may_stop(at) {
            return Err(no_way);
        }
        for &resource in &needed {
            if let Some(&by) = holders.get(&resource).filter(|by| **by != agent) {
                return Err(CertificateFault::Conflict { number, resource, by });
            }
            turns.entry(resource).or_default().push(number);
        }
        for resource in claims.at(from) {
            holders.remove(resource);
        }
        holders.extend(claims.at(at).iter().map(|resource| (*resource, agent)));
        rests.insert(agent, (class, at));
    }
    for (resource, queue) in &certificate.queues {
        if turns.remove(resource).as_ref() != Some(queue) {
            return Err(CertificateFault::Queue { resource: *resource });
        }
    }
    match turns.into_keys().next() {
        Some(resource) => Err(CertificateFault::Queue { resource }),
        None => Ok(()),
    }
}
