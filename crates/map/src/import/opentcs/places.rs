//! Locations, which become stations, and blocks, which become mutex groups.

use std::collections::BTreeMap;

use crate::model::{Station, StationKind};

use super::{At, ImportError, Reader};

/// What is done at a location, in lower case.
pub(super) fn operations(at: &At<'_>) -> Result<Vec<String>, ImportError> {
    let mut names = Vec::new();
    for operation in at.list("allowedOperation")? {
        let name = operation.need("name")?;
        names.push(name.text()?.to_lowercase());
        // Of the operations only a kind of station is kept.
        name.leave_behind();
    }
    Ok(names)
}

fn station_kind(operations: &[String]) -> StationKind {
    let has = |word: &str| operations.iter().any(|name| name.starts_with(word));
    match (has("charge") || has("recharge"), has("load"), has("unload")) {
        (true, _, _) => StationKind::Charger,
        (false, true, false) => StationKind::Pickup,
        (false, false, true) => StationKind::Dropoff,
        (false, true, true) | (false, false, false) => StationKind::Place,
    }
}

impl Reader {
    pub(super) fn location(
        &mut self,
        location: &At<'_>,
        kinds: &BTreeMap<String, Vec<String>>,
    ) -> Result<(), ImportError> {
        let name = self.name(location)?;
        self.locations.insert(name.clone());
        let kind_at = location.need("type")?;
        let kind = kind_at.text()?;
        let allowed = kinds.get(kind).ok_or_else(|| kind_at.no_such("location type", kind))?;
        let links = location.list("link")?;
        if location.flag_or("locked", false)? || links.is_empty() {
            let why = if links.is_empty() { "has no link to a point" } else { "is locked" };
            location.warn(&mut self.report, format!("location {name:?} {why}: it becomes no station"));
            location.leave_all_behind();
            return Ok(());
        }
        for link in &links {
            let (waypoint, _) = self.end(&link.need("point")?)?;
            let own = operations(link)?;
            let kind = station_kind(if own.is_empty() { allowed } else { &own });
            // A station of ours is at one waypoint: several links are several stations.
            let id = if links.len() == 1 { name.clone() } else { format!("{name}@{waypoint}") };
            if 1 < links.len() && !self.names.insert(id.clone()) {
                return Err(link.duplicate("link to a point", &waypoint));
            }
            self.site.stations.push(Station { id, waypoint, kind });
        }
        Ok(())
    }

    pub(super) fn block(&mut self, block: &At<'_>) -> Result<(), ImportError> {
        let name = self.name(block)?;
        let kind = block.get("type");
        let is_single = match &kind {
            None => true,
            Some(kind) => match kind.text()? {
                "SINGLE_VEHICLE_ONLY" => true,
                "SAME_DIRECTION_ONLY" => false,
                other => return Err(kind.unknown(other, "SINGLE_VEHICLE_ONLY or SAME_DIRECTION_ONLY")),
            },
        };
        let mut used = false;
        for member in block.list("member")? {
            let at = member.need("name")?;
            let other = at.text()?;
            if !self.names.contains(other) {
                return Err(at.no_such("member", other));
            }
            let lanes = self.paths.get(other).map(|(_, lanes)| lanes.clone()).unwrap_or_default();
            let lanes = self.site.lanes.get_mut(lanes).unwrap_or_default();
            let point = self.site.waypoints.iter_mut().find(|waypoint| waypoint.id == other);
            if !is_single || (lanes.is_empty() && point.is_none()) {
                at.leave_behind();
                at.warn(&mut self.report, format!("{other:?} stays outside of the mutex group {name:?}"));
                continue;
            }
            let point = point.map(|waypoint| &mut waypoint.mutex);
            for groups in lanes.iter_mut().map(|lane| &mut lane.mutex).chain(point) {
                groups.push(name.clone());
            }
            used = true;
        }
        if !used {
            block.leave_all_behind();
            block.warn(&mut self.report, format!("block {name:?} becomes no mutex group"));
        } else if let Some(kind) = kind {
            kind.implied();
        }
        Ok(())
    }
}
