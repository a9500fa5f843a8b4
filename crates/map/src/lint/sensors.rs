//! Sensors of the building: what they see, and what they should not.

use super::{
    Finding,
    catalogue::id,
    index::{Index, LevelIndex, element},
    profile::metres,
};
use crate::{
    geometry::{LevelGeometry, Point, float, truncate},
    model::{Sensor, SensorKind, ZoneKind},
};

/// Distance between the places of a lane that are looked at, metres.
const STEP_M: f64 = 0.25;
/// Distance between the places of a private zone that are looked at, as a share of its box.
const SHARES: [f64; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];

fn sensors<'l>(index: &'l Index<'_>, level: &'l LevelIndex<'_>) -> impl Iterator<Item = &'l Sensor> + 'l {
    index.authored().sensors.iter().filter(|sensor| sensor.level == level.level.name)
}

/// Whether a sensor sees a place: in range, in its angle of view, and no wall between.
fn sees(sensor: &Sensor, geometry: &LevelGeometry, p: Point) -> bool {
    let from = Point::from(sensor.at);
    let to = p - from;
    let in_view = sensor.view_rad.is_none_or(|view_rad| {
        let direction = nalgebra::Vector2::new(libm::cos(sensor.yaw_rad), libm::sin(sensor.yaw_rad));
        libm::fabs(libm::atan2(direction.perp(&to), direction.dot(&to))) <= view_rad / 2.0
    });
    to.norm() <= sensor.range_m && in_view && geometry.is_visible(from, p)
}

/// S601: the longest part of each lane out of sight.
pub(super) fn gaps(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let limit_m = metres(index.profile.roadmap.sensor_gap_max_mm);
    for level in &index.levels {
        let sensors: Vec<&Sensor> = sensors(index, level).collect();
        if sensors.is_empty() {
            continue;
        }
        for (lane, label) in index.joined().filter(|(lane, _)| lane.level == level.id) {
            let (gap_m, at) = longest_gap(&sensors, &level.level.geometry, lane.a, lane.b);
            if limit_m < gap_m {
                let text =
                    format!("no sensor sees {gap_m:.2} m of {label}, at most {limit_m:.2} m are allowed");
                let finding = Finding::new(id::S601, text).on(&level.level.name).about(label).at(at);
                findings.push(finding.measured(gap_m, limit_m, "m"));
            }
        }
    }
}

/// The longest part of a line that no sensor sees, and where it begins.
fn longest_gap(sensors: &[&Sensor], geometry: &LevelGeometry, a: Point, b: Point) -> (f64, Point) {
    /// More places than this of one lane are not looked at.
    const PLACES_MAX: u32 = 10_000;
    let length_m = (b - a).norm();
    let steps = truncate((length_m / STEP_M).ceil()).clamp(1, PLACES_MAX);
    let (mut longest, mut begun): ((f64, Point), Option<Point>) = ((0.0, a), None);
    for step in 0..=steps {
        let at = a + (b - a) * (f64::from(step) / float(steps as usize));
        if sensors.iter().any(|sensor| sees(sensor, geometry, at)) {
            begun = None;
            continue;
        }
        let from = *begun.get_or_insert(at);
        let gap_m = (at - from).norm();
        if longest.0 < gap_m {
            longest = (gap_m, from);
        }
    }
    longest
}

/// S602. Sensors hang in walls, so near one is in the map.
pub(super) fn misplaced(index: &Index<'_>, findings: &mut Vec<Finding>) {
    const IN_WALL_M: f64 = 0.3;
    for level in &index.levels {
        let geometry = &level.level.geometry;
        for sensor in sensors(index, level).filter(|_| geometry.has_area()) {
            let at = Point::from(sensor.at);
            let off_m = geometry.wall_clearance(at).min(geometry.boundary_clearance(at));
            if !geometry.inside(at) && IN_WALL_M < off_m {
                let text = format!("sensor {:?} is {off_m:.2} m outside the mapped area", sensor.id);
                let finding =
                    Finding::new(id::S602, text).on(&level.level.name).about(element("sensor", &sensor.id));
                findings.push(finding.at(at).measured(off_m, IN_WALL_M, "m"));
            }
        }
    }
}

/// S603.
pub(super) fn privacy(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for level in &index.levels {
        let private = index.site.zones().iter().filter(|zone| {
            zone.level == level.id && zone.kind == crate::ZoneKind::Authored(ZoneKind::Privacy)
        });
        for zone in private {
            let places = inner_places(&zone.outer);
            for sensor in sensors(index, level).filter(|sensor| sensor.kind == SensorKind::Camera) {
                let seen = places.iter().find(|place| sees(sensor, &level.level.geometry, **place));
                if let Some(place) = seen {
                    let text = format!("camera {:?} sees into the private zone {:?}", sensor.id, zone.name);
                    let elements = [element("sensor", &sensor.id), element("zone", &zone.name)];
                    findings.push(
                        Finding::new(id::S603, text).on(&level.level.name).about_all(elements).at(*place),
                    );
                }
            }
        }
    }
}

/// Places in a polygon, evenly over its box.
fn inner_places(ring: &[Point]) -> Vec<Point> {
    let Some((low, high)) = crate::geometry::bounds(ring.iter().copied()) else { return Vec::new() };
    let size = high - low;
    let all =
        SHARES.iter().flat_map(|x| SHARES.map(|y| low + nalgebra::Vector2::new(x * size.x, y * size.y)));
    all.filter(|p| crate::geometry::ring_contains(ring, *p)).collect()
}
