//! Versions of a site in use: what an edit changes, whom it would strand, and how one version takes the place of another.
//!
//! [`Versions`] hands out the version in force as an `Arc`: who has it goes on reading it for as long as it likes. A version
//! takes over only if its ids continue those in force ([`Site::compile_after`](crate::Site::compile_after)) and if no robot
//! under way would be stranded. Every version stays known by its content hash, so that one can go back to exactly what was
//! in force before. `sheepdog_runtime::SiteStore` does the same for threads that read while another one swaps.

mod diff;

use std::sync::Arc;

use nalgebra::Point2;
use sheepdog_core::{AgentId, LaneId, LevelId, Mm, ResourceId, SiteVersion, WaypointId};

pub use self::diff::{Change, Changed, SiteDiff};
use crate::compiled::{CompiledSite, Part};

/// By how much a waypoint may move under a robot that uses it, metres: less than the raster of the coordinator.
const MOVED_MAX_M: f64 = 5e-4;

/// A robot under way while a site changes: where it is, and what it was promised.
#[derive(Clone, Debug, PartialEq)]
pub struct Active<'a> {
    /// Which one.
    pub robot: AgentId,
    /// Its footprint class, an index into [`CompiledSite::classes`].
    pub class: usize,
    /// The level it is on.
    pub level: LevelId,
    /// Where it is on that level.
    pub at: Point2<f64>,
    /// The part of the roadmap it occupies.
    pub on: Part,
    /// Lanes that were released to it and that it has not left behind.
    pub released: &'a [LaneId],
    /// Waypoints it still has to reach, in this order.
    pub goals: &'a [WaypointId],
}

/// Why a version may not take over.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SwapError {
    /// Ids that were given would mean something else.
    #[error("version {to} gives the id of {before:?} to {after:?}: compile it after {from}")]
    OtherIds {
        /// The [latest](Versions::latest) version.
        from: SiteVersion,
        /// The version that should take over.
        to: SiteVersion,
        /// The name of what has the id now.
        before: String,
        /// The name of what would have it.
        after: String,
    },
    /// No version with that hash was ever in force here.
    #[error("version {version} was never in force here")]
    Unknown {
        /// The hash.
        version: SiteVersion,
    },
    /// Robots under way would be stranded; all of them, in the order in which they were given.
    #[error("{} robots would be stranded, the first: {}", .0.len(), .0.first().map_or_else(String::new, ToString::to_string))]
    Stranded(Vec<Stranded>),
}

/// Why a robot under way cannot go on in another version.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("robot {robot}: {why}")]
pub struct Stranded {
    /// Which one.
    pub robot: AgentId,
    /// Why.
    pub why: Why,
}

/// What a robot under way would lose.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// Its footprint class is another one, or has another size.
    #[error("its footprint class is not the same")]
    Class,
    /// Where it is would not be mapped, or a wall would be there.
    #[error("its footprint does not fit where it is, at ({x_m:.3}, {y_m:.3})")]
    Place {
        /// Metres along x.
        x_m: f64,
        /// Metres along y.
        y_m: f64,
    },
    /// A waypoint it is on or has to reach is gone or has moved.
    #[error("waypoint {name:?} is gone or has moved")]
    Waypoint {
        /// Its name before.
        name: String,
    },
    /// A lane it is on or was promised is gone, or its footprint does not fit there any more.
    #[error("lane {from:?} to {to:?} is gone, or it does not fit there")]
    Lane {
        /// Name of its start before.
        from: String,
        /// Name of its end before.
        to: String,
    },
    /// A waypoint it has to reach cannot be reached any more from where its released way, or the goal before it, ends.
    #[error("waypoint {name:?} cannot be reached any more")]
    Unreachable {
        /// Its name.
        name: String,
    },
    /// No lane leads away any more from where its released way ends.
    #[error("no lane leads away from waypoint {name:?} any more")]
    Trapped {
        /// Its name.
        name: String,
    },
    /// It would have to stop where it may not stop any more.
    #[error("it may not stop at waypoint {name:?} any more")]
    Stop {
        /// Its name.
        name: String,
    },
    /// With another robot under way it would hold a resource together.
    #[error("it would share resource {resource} with robot {other}")]
    Shared {
        /// The resource, an id of the new version.
        resource: ResourceId,
        /// The other robot.
        other: AgentId,
    },
}

/// The version of a site in force, and all that were.
#[derive(Clone, Debug)]
pub struct Versions {
    current: Arc<CompiledSite>,
    /// In the order of their first use; each has every id of those before it.
    known: Vec<Arc<CompiledSite>>,
}

impl Versions {
    /// A first version, in force.
    pub fn new(site: Arc<CompiledSite>) -> Self {
        Self { current: Arc::clone(&site), known: vec![site] }
    }

    /// The version in force.
    pub const fn current(&self) -> &Arc<CompiledSite> {
        &self.current
    }

    /// A version that is or was in force.
    pub fn version(&self, version: SiteVersion) -> Option<&Arc<CompiledSite>> {
        self.known.iter().find(|site| site.version() == version)
    }

    /// The version to [compile the next one after](crate::Site::compile_after): it has every id that was ever given, whichever
    /// version is in force.
    pub fn latest(&self) -> &Arc<CompiledSite> {
        self.known.last().unwrap_or(&self.current)
    }

    /// Forgets all versions but the one in force and the [latest](Self::latest), to which nobody wants to go back.
    pub fn forget_others(&mut self) {
        let (current, latest) = (self.current.version(), self.latest().version());
        self.known.retain(|site| [current, latest].contains(&site.version()));
    }

    /// Puts a version in force, and says what it changes. Nothing changes on an error.
    ///
    /// Cost: the comparison of two sites, and for each robot a search over the roadmap.
    ///
    /// # Errors
    /// [`SwapError::OtherIds`], [`SwapError::Stranded`].
    pub fn swap(&mut self, next: Arc<CompiledSite>, active: &[Active<'_>]) -> Result<SiteDiff, SwapError> {
        let is_new = self.version(next.version()).is_none();
        ids_agree(self.latest(), &next, is_new)?;
        let stranded = stranded(&self.current, &next, active);
        if !stranded.is_empty() {
            return Err(SwapError::Stranded(stranded));
        }
        let diff = SiteDiff::between(self.current.authored(), next.authored());
        if is_new {
            self.known.push(Arc::clone(&next));
        }
        self.current = next;
        Ok(diff)
    }

    /// Puts a version in force again that was before.
    ///
    /// # Errors
    /// [`SwapError::Unknown`], and those of [`swap`](Self::swap).
    pub fn back_to(&mut self, version: SiteVersion, active: &[Active<'_>]) -> Result<SiteDiff, SwapError> {
        let site = self.version(version).cloned().ok_or(SwapError::Unknown { version })?;
        self.swap(site, active)
    }
}

/// Whether every id that both sites have given means the same in both; a new one must have them all.
fn ids_agree(latest: &CompiledSite, next: &CompiledSite, is_new: bool) -> Result<(), SwapError> {
    let differing = |before: Vec<String>, after: Vec<String>| {
        let gone = before.get(after.len()).filter(|_| is_new).cloned();
        let differing = before.into_iter().zip(after).find(|(a, b)| a != b);
        differing.or_else(|| gone.map(|before| (before, "nothing".to_owned())))
    };
    macro_rules! names {
        ($($table:ident),*) => {
            [$((
                latest.$table().iter().map(|one| one.name.clone()).collect(),
                next.$table().iter().map(|one| one.name.clone()).collect(),
            )),*]
        };
    }
    let lanes = |site: &CompiledSite| -> Vec<String> {
        let name = |id: WaypointId| site.waypoints().get(id.index()).map_or("", |waypoint| &waypoint.name);
        site.lanes().iter().map(|lane| format!("{} > {}", name(lane.from), name(lane.to))).collect()
    };
    let resources = |site: &CompiledSite| -> Vec<String> {
        site.resources().iter().map(|resource| format!("{resource:?}")).collect()
    };
    let tables: [(Vec<String>, Vec<String>); 7] =
        names![levels, rooms, doors, lifts, stations, zones, waypoints];
    let roadmap = [
        (lanes(latest), lanes(next)),
        (latest.corridors().to_vec(), next.corridors().to_vec()),
        (latest.mutexes().to_vec(), next.mutexes().to_vec()),
        (resources(latest), resources(next)),
    ];
    match tables.into_iter().chain(roadmap).find_map(|(before, after)| differing(before, after)) {
        Some((before, after)) => {
            Err(SwapError::OtherIds { from: latest.version(), to: next.version(), before, after })
        }
        None => Ok(()),
    }
}

/// Everybody whom the next version would strand: at most one reason for each.
fn stranded(current: &CompiledSite, next: &CompiledSite, active: &[Active<'_>]) -> Vec<Stranded> {
    let mut stranded = Vec::new();
    let mut held: Vec<(AgentId, Vec<ResourceId>)> = Vec::new();
    for robot in active {
        let holds = next.classes().get(robot.class).map(|claims| {
            let on = match robot.on {
                Part::Waypoint(id) => claims.at(id),
                Part::Lane(id) => claims.along(id),
            };
            let released = robot.released.iter().flat_map(|lane| claims.along(*lane));
            released.chain(on).copied().collect::<Vec<ResourceId>>()
        });
        let holds = holds.unwrap_or_default();
        let shared = held.iter().find_map(|(other, theirs)| {
            let resource = *holds.iter().find(|resource| theirs.contains(resource))?;
            Some(Why::Shared { resource, other: *other })
        });
        if let Some(why) = lost(current, next, robot).or(shared) {
            stranded.push(Stranded { robot: robot.robot, why });
        }
        held.push((robot.robot, holds));
    }
    stranded
}

fn lost(current: &CompiledSite, next: &CompiledSite, robot: &Active<'_>) -> Option<Why> {
    let (before, claims) = match (current.classes().get(robot.class), next.classes().get(robot.class)) {
        (Some(before), Some(after)) if before.class == after.class => (before, after),
        _ => return Some(Why::Class),
    };
    let is_free = |site: &CompiledSite, radius: Mm| {
        let level = site.level(robot.level);
        level.is_some_and(|level| level.geometry.disc_free(robot.at, f64::from(radius.0) / 1e3))
    };
    // Where it could turn it still can; in a place as narrow as itself it fits as it stands.
    let class = &claims.class;
    let needed = if is_free(current, class.radius) { class.radius } else { class.half_width };
    if !is_free(next, needed) {
        return Some(Why::Place { x_m: robot.at.x, y_m: robot.at.y });
    }
    let name =
        |id: WaypointId| current.waypoint(id).map(|waypoint| waypoint.name.clone()).unwrap_or_default();
    let stays = |id: WaypointId| match (current.waypoint(id), next.waypoint(id)) {
        (Some(before), Some(after)) => {
            before.level == after.level && (after.at - before.at).norm() <= MOVED_MAX_M
        }
        _ => false,
    };
    let on = match robot.on {
        Part::Waypoint(id) => (Some(id), None),
        Part::Lane(id) => (None, Some(id)),
    };
    let gone = on.0.iter().chain(robot.goals).find(|id| !stays(**id));
    if let Some(id) = gone {
        return Some(Why::Waypoint { name: name(*id) });
    }
    for id in on.1.iter().chain(robot.released) {
        let ends = current.lane(*id).map(|lane| [lane.from, lane.to]);
        let stays = claims.usable(*id)
            && next.lane(*id).is_some()
            && ends.is_some_and(|ends| ends.into_iter().all(stays));
        if !stays {
            let [from, to] = ends.map_or_else(Default::default, |ends| ends.map(name));
            return Some(Why::Lane { from, to });
        }
    }
    let last = robot.released.last().copied().or(on.1);
    let start = last.and_then(|lane| next.lane(lane)).map(|lane| lane.to).or(on.0)?;
    let no_stop = |id: &&WaypointId| before.may_stop(**id) && !claims.may_stop(**id);
    if let Some(id) = std::iter::once(&start).chain(robot.goals).find(no_stop) {
        return Some(Why::Stop { name: name(*id) });
    }
    // One after the other, each from where the one before it leaves the robot.
    let starts = std::iter::once(&start).chain(robot.goals);
    let cut_off = starts.zip(robot.goals).find(|(from, goal)| {
        !reachable(next, robot.class, **from).get(goal.index()).copied().unwrap_or(false)
    });
    if let Some((_, goal)) = cut_off {
        return Some(Why::Unreachable { name: name(*goal) });
    }
    let leads_away =
        |site: &CompiledSite| 1 < reachable(site, robot.class, start).iter().filter(|is| **is).count();
    (leads_away(current) && !leads_away(next)).then(|| Why::Trapped { name: name(start) })
}

/// The waypoints that a class can get to, by id.
fn reachable(site: &CompiledSite, class: usize, start: WaypointId) -> Vec<bool> {
    let mut reached = vec![false; site.waypoints().len()];
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        if reached.get_mut(at.index()).is_none_or(|seen| std::mem::replace(seen, true)) {
            continue;
        }
        let usable = |id: &&LaneId| site.classes().get(class).is_some_and(|claims| claims.usable(**id));
        let lanes = site.lanes_from(at).iter().filter(usable);
        open.extend(lanes.filter_map(|id| site.lane(*id)).map(|lane| lane.to));
    }
    reached
}
