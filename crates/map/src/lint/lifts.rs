//! Lifts, beside what compiler and importer say of them.

use super::{
    Finding,
    catalogue::id,
    index::{Index, element},
};

/// L308. A lift that no roadmap uses has no waypoint anywhere, and is no fault.
pub(super) fn stops(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for lift in index.site.lifts() {
        if lift.stops.iter().all(|stop| stop.waypoint.is_none()) {
            continue;
        }
        for stop in lift.stops.iter().filter(|stop| stop.waypoint.is_none()) {
            let level = index.level_name(stop.level);
            let text =
                format!("lift {:?} has a door at {level:?} and no waypoint in its cabin there", lift.name);
            findings
                .push(Finding::new(id::L308, text).on(level).about(element("lift", &lift.name)).at(lift.at));
        }
    }
}

/// L309, for the heaviest class.
pub(super) fn payload(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let masses = index.site.classes().iter().map(|claims| {
        let name = claims.class.name.as_str();
        (index.profile.limits_of(name).mass_kg, name)
    });
    let Some((mass_kg, class)) = masses.min_by_key(|(mass_kg, name)| (u32::MAX - mass_kg, *name)) else {
        return;
    };
    for (lift, written) in index.site.lifts().iter().zip(&index.authored().lifts) {
        let is_used = lift.stops.iter().any(|stop| stop.waypoint.is_some());
        let Some(payload_kg) =
            written.payload_kg.filter(|payload_kg| is_used && *payload_kg < f64::from(mass_kg))
        else {
            continue;
        };
        let text = format!("lift {:?} carries {payload_kg} kg, class {class:?} has {mass_kg} kg", lift.name);
        let finding = Finding::new(id::L309, text).about(element("lift", &lift.name));
        findings.push(finding.measured(payload_kg, f64::from(mass_kg), "kg"));
    }
}
