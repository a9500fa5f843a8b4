//! Errors of the compiler and of importers as findings: nothing is detected here.

use super::{Finding, catalogue::id};
use crate::{
    MapError,
    import::{ImportError, ImportProblem},
};

/// The finding that an error of the compiler is.
pub(super) fn finding(error: &MapError) -> Finding {
    use MapError as E;
    let text = error.to_string();
    let about = |id, element: &str| Finding::new(id, text.clone()).about(element);
    match error {
        E::Schema { .. } => Finding::new(id::G016, text),
        E::TooMany { count, limit, .. } => Finding::new(id::G016, text).measured(
            crate::geometry::float(*count),
            crate::geometry::float(*limit),
            "",
        ),
        E::DuplicateName { element } => about(id::R209, element),
        E::UnknownName { element, .. } => about(id::R218, element),
        E::OutOfRange { element, value, low, high, .. } => {
            about(id::G001, element).measured(*value, if *value < *low { *low } else { *high }, "")
        }
        E::DegenerateRing { element, area_m2, .. } => about(id::G011, element).measured(*area_m2, 0.0, "m²"),
        E::SelfIntersection { element, .. } => about(id::G002, element),
        E::HoleOutside { element, x_m, y_m } => {
            about(id::G012, element).at(crate::geometry::Point::new(*x_m, *y_m))
        }
        E::TooShort { element, length_m, limit_m } => {
            let lint = if element.starts_with("lane ") { id::R219 } else { id::G013 };
            about(lint, element).measured(*length_m, *limit_m, "m")
        }
        E::LaneAcrossLevels { lane, .. } => about(id::R215, lane),
        E::LaneAcrossLifts { lane, .. } => about(id::L306, lane),
        E::LiftWaypointOutside { waypoint, lift, distance_m, limit_m } => about(id::L302, waypoint)
            .about(super::index::element("lift", lift))
            .measured(*distance_m, *limit_m, "m"),
        E::LiftSkipsLevel { waypoint, lift, level } => {
            about(id::L301, waypoint).about(super::index::element("lift", lift)).on(level)
        }
        E::LiftWaypointsApart { lift, first, second, distance_m, limit_m } => {
            let waypoints = [first, second].map(|name| super::index::element("waypoint", name));
            about(id::L302, &super::index::element("lift", lift)).about_all(waypoints).measured(
                *distance_m,
                *limit_m,
                "m",
            )
        }
        E::LiftDoorApart { door, distance_m, limit_m } => {
            about(id::L307, door).measured(*distance_m, *limit_m, "m")
        }
        E::ZoneField { zone, .. }
        | E::StrictBothWays { zone }
        | E::ZoneDoors { zone, .. }
        | E::ZoneDoorElsewhere { zone, .. } => about(id::Z505, zone),
        E::NotATime { element, .. } => about(id::Z505, element),
        E::AreaUnion { level, found_m2, high_m2, .. } => {
            Finding::new(id::G015, text).on(level).measured(*found_m2, *high_m2, "m²")
        }
    }
}

/// The finding that a refused import is, when the map rather than the file is at fault.
pub(super) fn import_finding(error: &ImportError) -> Option<Finding> {
    let (ImportProblem::NoScale { .. } | ImportProblem::TooFewFiducials { .. }) = error.problem else {
        return None;
    };
    let text = error.to_string();
    Some(Finding::new(id::A401, text).about(if error.element.is_empty() {
        "the file"
    } else {
        &error.element
    }))
}
