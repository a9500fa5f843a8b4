//! A route and how far it is released.

use std::sync::Arc;

use sheepdog_core::{
    Epoch, LaneId, WaypointId,
    wire::{Passage, Release},
};
use sheepdog_map::{CompiledSite, Lane};

/// The lanes of one epoch. All of them are released: what is not released, the robot does not know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Route {
    pub(crate) epoch: Epoch,
    pub(crate) origin: Option<WaypointId>,
    pub(crate) lanes: Vec<LaneId>,
    /// How many lanes are completed.
    pub(crate) done: usize,
    /// A hold has shrunk the release: nothing more is released in this epoch. Otherwise a release that was under way
    /// when the robot answered would grow the route again over claims that others hold by then.
    pub(crate) held: bool,
}

impl Route {
    /// No route: what a robot has after it has booted.
    pub(crate) const fn none() -> Self {
        Self { epoch: Epoch(0), origin: None, lanes: Vec::new(), done: 0, held: false }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.lanes.len() <= self.done
    }

    /// Lanes still to be driven.
    pub(crate) fn ahead(&self) -> &[LaneId] {
        self.lanes.get(self.done..).unwrap_or(&[])
    }

    /// Where the route ends; `None` without one.
    pub(crate) fn end(&self, site: &CompiledSite) -> Option<WaypointId> {
        match self.lanes.last() {
            Some(lane) => site.lane(*lane).map(|lane| lane.to),
            None => self.origin,
        }
    }

    /// Grows the route by a release of its epoch. What does not fit seamlessly is ignored: the report says what the
    /// robot knows, and the fleet sends the rest again.
    pub(crate) fn extend(&mut self, site: &CompiledSite, class: usize, release: &Release) {
        let first = release.first as usize;
        if self.held || self.origin != Some(release.origin) || self.lanes.len() < first {
            return;
        }
        let known = self.lanes.get(first..).unwrap_or(&[]);
        let overlap = known.len().min(release.lanes.len());
        if known.get(..overlap) != release.lanes.get(..overlap) {
            return;
        }
        let news = release.lanes.get(overlap..).unwrap_or(&[]);
        if let Some(end) = self.end(site)
            && is_way(site, class, end, news)
        {
            self.lanes.extend_from_slice(news);
        }
    }

    /// A route that begins with this release; `None` when it lacks its beginning or makes no sense on the site.
    pub(crate) fn begin(site: &CompiledSite, class: usize, release: &Release) -> Option<Self> {
        let whole = release.first == 0 && site.waypoint(release.origin).is_some();
        (whole && is_way(site, class, release.origin, &release.lanes)).then(|| Self {
            epoch: release.epoch,
            origin: Some(release.origin),
            lanes: release.lanes.clone(),
            done: 0,
            held: false,
        })
    }
}

/// Whether lanes follow each other from a waypoint on and the footprint fits through all of them.
fn is_way(site: &CompiledSite, class: usize, from: WaypointId, lanes: &[LaneId]) -> bool {
    let claims = site.classes().get(class);
    let end = lanes.iter().try_fold(from, |at, id| {
        let usable = claims.is_some_and(|claims| claims.usable(*id));
        site.lane(*id).filter(|lane| usable && lane.from == at).map(|lane| lane.to)
    });
    end.is_some()
}

/// What has to be open before a robot enters a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gate {
    /// Doors across the lane and the door of a lift it leads into.
    pub(crate) entry: Vec<Passage>,
    /// The door of the lift it leads out of: waited for only while the fleet is heard.
    pub(crate) exit: Option<Passage>,
}

impl Gate {
    pub(crate) fn of(site: &Arc<CompiledSite>, lane: &Lane) -> Self {
        let lift_at = |at: WaypointId| site.waypoint(at).and_then(|at| Some((at.lift?, at.level)));
        let (from, to) = (lift_at(lane.from), lift_at(lane.to));
        let inside = lane.ride.is_some() || from.map(|at| at.0) == to.map(|at| at.0);
        let door = |at: Option<_>| at.filter(|_| !inside).map(|(lift, level)| Passage::Lift(lift, level));
        Self {
            entry: lane.doors.iter().map(|door| Passage::Door(*door)).chain(door(to)).collect(),
            exit: door(from),
        }
    }
}
