//! What robots need of the building: width, height, slopes and thresholds where their lanes lead.

use std::collections::BTreeMap;

use sheepdog_core::DoorId;

use super::{
    Finding, RobotLimits,
    catalogue::id,
    index::{Index, Lane, element, middle, pair},
    profile::{metres, whole_mm},
};
use crate::{
    compile::Passage,
    compiled::FootprintClass,
    geometry::{Point, segment_to_segment},
    model::{self, ConnectorKind},
};

impl Index<'_> {
    fn classes(&self) -> impl Iterator<Item = &FootprintClass> + '_ {
        self.site.classes().iter().map(|claims| &claims.class)
    }

    /// The class for which a limit is hardest to meet, and that limit; the first by name among equals.
    fn hardest(&self, limit: impl Fn(&RobotLimits) -> u32, most: bool) -> Option<(&str, u32)> {
        let all =
            self.classes().map(|class| (class.name.as_str(), limit(self.profile.limits_of(&class.name))));
        all.min_by_key(|(name, limit)| (if most { u32::MAX - limit } else { *limit }, *name))
    }

    /// Doors that lanes cross, each with one of the lanes.
    pub(super) fn crossed_doors(&self) -> BTreeMap<DoorId, &Lane<'_>> {
        let mut doors = BTreeMap::new();
        for lane in &self.lanes {
            let openings = self.levels.get(lane.level.index()).map(|level| &level.openings);
            for (passage, _) in openings.map(|openings| openings.crossed(lane.a, lane.b)).unwrap_or_default()
            {
                if let Passage::Door(door) = passage {
                    doors.entry(door).or_insert(lane);
                }
            }
        }
        doors
    }
}

/// B105, for the widest class.
pub(super) fn two_way(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let width = |class: &FootprintClass| 4 * class.radius.0 + 2 * class.margin.0;
    let Some(class) = index.classes().max_by_key(|class| (width(class), &class.name)) else { return };
    let limit_m = metres(width(class) + index.profile.roadmap.passing_play_mm);
    let mut directions: BTreeMap<_, (bool, bool)> = BTreeMap::new();
    for lane in &index.lanes {
        let seen = directions.entry(pair(lane.from, lane.to)).or_default();
        let (forward, backward) = (lane.from < lane.to, lane.to < lane.from);
        seen.0 |= forward || lane.authored.bidirectional;
        seen.1 |= backward || lane.authored.bidirectional;
    }
    for (lane, label) in index.joined() {
        let Some(level) = index.levels.get(lane.level.index()) else { continue };
        let both = directions.get(&pair(lane.from, lane.to)) == Some(&(true, true));
        let cabin = [lane.from, lane.to]
            .iter()
            .any(|end| index.site.waypoint(*end).is_some_and(|at| at.lift.is_some()));
        if !both
            || cabin
            || lane.authored.corridor.is_some()
            || !level.openings.crossed(lane.a, lane.b).is_empty()
        {
            continue;
        }
        // Where not even one robot fits, the lane says so.
        if level.level.geometry.wall_in_reach(lane.a, lane.b, metres(class.radius.0)).is_some() {
            continue;
        }
        let Some(narrowest) = level.level.geometry.corridor_width(lane.a, lane.b, limit_m) else { continue };
        if narrowest.width_m + 1e-9 < limit_m {
            let text = format!(
                "{label} is two-way and {:.3} m wide, two robots of class {:?} need {limit_m:.3} m",
                narrowest.width_m, class.name
            );
            let finding = Finding::new(id::B105, text).on(&level.level.name).about(label).at(narrowest.at);
            findings.push(finding.measured(narrowest.width_m, limit_m, "m"));
        }
    }
}

/// B106, for the class that needs most room. Where a robot does not even fit, its lane says so.
pub(super) fn turning(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let turning_mm = |class: &FootprintClass| {
        index.profile.limits_of(&class.name).turning_radius_mm.unwrap_or(class.radius.0 + class.margin.0)
    };
    let Some(class) = index.classes().max_by_key(|class| (turning_mm(class), &class.name)) else { return };
    let (limit_m, fits_m) = (metres(turning_mm(class)), metres(class.radius.0));
    for (waypoint, _) in super::roadmap::dead_ends(index) {
        let Some(geometry) = index.levels.get(waypoint.level.index()).map(|level| &level.level.geometry)
        else {
            continue;
        };
        if waypoint.lift.is_none()
            && geometry.disc_free(waypoint.at, fits_m)
            && !geometry.disc_free(waypoint.at, limit_m)
        {
            let free_m = geometry.wall_clearance(waypoint.at).min(geometry.boundary_clearance(waypoint.at));
            let text = format!(
                "at the dead end {:?} {free_m:.3} m are free around a robot, class {:?} needs {limit_m:.3} m to turn",
                waypoint.name, class.name
            );
            let finding = Finding::new(id::B106, text).on(index.level_name(waypoint.level));
            let finding = finding.about(element("waypoint", &waypoint.name)).at(waypoint.at);
            findings.push(finding.measured(free_m, limit_m, "m"));
        }
    }
}

/// B107.
pub(super) fn ramps(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let hardest = index.hardest(|limits| limits.gradient_max_mm_per_m, false);
    for ramp in index.authored().connectors.iter().filter(|ramp| ramp.kind == ConnectorKind::Ramp) {
        let elevation_m = |end: &model::ConnectorEnd| {
            let level = index.authored().levels.iter().find(|level| level.id == end.level);
            level.map_or(0.0, |level| level.elevation_m) + end.height_m
        };
        let run_m = (Point::from(ramp.to.at) - Point::from(ramp.from.at)).norm();
        let gradient = libm::round((elevation_m(&ramp.to) - elevation_m(&ramp.from)).abs() / run_m * 1e3);
        let building = ("people", index.profile.building.ramp_gradient_mm_per_m);
        let robots = hardest.filter(|_| lanes_over(index, ramp));
        let (who, limit) =
            robots.into_iter().chain([building]).min_by_key(|(_, limit)| *limit).unwrap_or(building);
        // A ramp without a length is infinitely steep, and its quotient no number when it does not rise either.
        if gradient.is_nan() || f64::from(limit) < gradient {
            let text = format!(
                "ramp {:?} rises by {gradient} mm in a metre, {limit} mm are the limit of {who}",
                ramp.id
            );
            let finding =
                Finding::new(id::B107, text).on(&ramp.from.level).about(element("connector", &ramp.id));
            findings.push(finding.at(Point::from(ramp.from.at)).measured(gradient, f64::from(limit), "mm/m"));
        }
    }
}

/// Whether a lane leads over a ramp within a level.
fn lanes_over(index: &Index<'_>, ramp: &model::Connector) -> bool {
    let (a, b, reach_m) = (Point::from(ramp.from.at), Point::from(ramp.to.at), ramp.width_m / 2.0);
    let level = index.levels.iter().find(|level| level.level.name == ramp.from.level);
    let Some(level) = level.filter(|_| ramp.from.level == ramp.to.level) else { return false };
    let mut over = false;
    level.lane_grid.near(a, b, reach_m, |lane| {
        let lane = level.lanes.get(lane as usize).and_then(|lane| index.lanes.get(*lane)).filter(|_| !over);
        over = over || lane.is_some_and(|lane| segment_to_segment(lane.a, lane.b, a, b) <= reach_m);
    });
    over
}

/// B108, once for each thing that is too low.
pub(super) fn headroom(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let Some((class, height_mm)) = index.hardest(|limits| limits.height_mm, true) else { return };
    let limit_mm = f64::from(height_mm);
    let mut report = |level: &str, what: String, height_m: Option<f64>, at: Point| {
        let Some(height_mm) = height_m.map(whole_mm).filter(|height_mm| *height_mm < limit_mm) else {
            return;
        };
        let text = format!("{what} is {height_mm} mm high, class {class:?} needs {limit_mm} mm");
        let finding = Finding::new(id::B108, text).on(level).about(what).at(at);
        findings.push(finding.measured(height_mm, limit_mm, "mm"));
    };
    for (door, _) in index.crossed_doors() {
        let (Some(written), Some(door)) = (index.written(door), index.site.door(door)) else { continue };
        report(&written.level, element("door", &written.id), written.clear_height_m, middle(door));
    }
    let mut rooms = BTreeMap::new();
    for lane in &index.lanes {
        report(index.level_name(lane.level), lane.label.clone(), lane.authored.height_m, lane.a);
        for at in [lane.a, lane.b] {
            if let Some(room) = index.site.room_at(lane.level, at) {
                rooms.entry(room).or_insert((lane.level, at));
            }
        }
    }
    for (room, (level, at)) in rooms {
        let Some(room) = index.authored().rooms.get(room.index()) else { continue };
        let level = index.levels.get(level.index()).map(|level| level.written);
        let height_m = room.height_m.or_else(|| level.and_then(|level| level.height_m));
        report(&room.level, element("room", &room.id), height_m, at);
    }
    for (lift, written) in index.site.lifts().iter().zip(&index.authored().lifts) {
        if let Some(stop) = lift.stops.iter().find(|stop| stop.waypoint.is_some()) {
            report(index.level_name(stop.level), element("lift", &lift.name), written.height_m, lift.at);
        }
    }
}

/// B113.
pub(super) fn thresholds(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let Some((class, limit)) = index.hardest(|limits| limits.threshold_max_mm, false) else { return };
    for (door, lane) in index.crossed_doors() {
        let (Some(written), Some(door)) = (index.written(door), index.site.door(door)) else { continue };
        let height_mm = written.threshold_m.map_or(0.0, whole_mm);
        if f64::from(limit) < height_mm {
            let text = format!(
                "the threshold of door {:?} is {height_mm} mm high, class {class:?} crosses {limit} mm",
                written.id
            );
            let finding = Finding::new(id::B113, text).on(&written.level).about(element("door", &written.id));
            let finding = finding.about(lane.label.clone()).at(middle(door));
            findings.push(finding.measured(height_mm, f64::from(limit), "mm"));
        }
    }
}

/// B114.
pub(super) fn steps(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let Some((class, limit)) = index.hardest(|limits| limits.threshold_max_mm, false) else { return };
    let floor = |lane: &Lane<'_>, at: Point| {
        let room = index.site.room_at(lane.level, at)?;
        index.authored().rooms.get(room.index())
    };
    let ramps: Vec<&model::Connector> =
        index.authored().connectors.iter().filter(|ramp| ramp.kind == ConnectorKind::Ramp).collect();
    for (lane, label) in index.joined() {
        let (Some(one), Some(other)) = (floor(lane, lane.a), floor(lane, lane.b)) else { continue };
        let step_mm = whole_mm((one.floor_m - other.floor_m).abs());
        let level = index.level_name(lane.level);
        let is_ramped = |ramp: &&model::Connector| {
            let (a, b) = (Point::from(ramp.from.at), Point::from(ramp.to.at));
            ramp.from.level == level && segment_to_segment(lane.a, lane.b, a, b) <= ramp.width_m / 2.0
        };
        if f64::from(limit) < step_mm && !ramps.iter().any(is_ramped) {
            let text = format!(
                "{label} goes from room {:?} to room {:?} over a step of {step_mm} mm, class {class:?} crosses {limit} mm",
                one.id, other.id
            );
            let rooms = [one, other].map(|room| element("room", &room.id));
            let finding = Finding::new(id::B114, text).on(level).about(label).about_all(rooms).at(lane.a);
            findings.push(finding.measured(step_mm, f64::from(limit), "mm"));
        }
    }
}
