//! Doors of a level.

use crate::model::{Door, DoorKind, Swing};

use super::{
    At, ImportError, ImportProblem, ImportReport,
    frame::{LevelFrame, System},
    params::{self, edge},
    similarity::distance,
};

const NO_KIND: &str = "it does not say how it moves; it counts as hinged, swinging to both sides";
/// How far a leaf turns that does not say.
const TURN_DEG: f64 = 90.0;

/// A door, and what our model has no place for.
#[derive(Debug)]
pub(super) struct ReadDoor<'a> {
    pub(super) name: &'a str,
    pub(super) driven: bool,
    pub(super) door: Door,
}

pub(super) fn read<'a>(
    at: &At<'a>,
    level: &LevelFrame<'a>,
    system: System,
    report: &mut ImportReport,
) -> Result<ReadDoor<'a>, ImportError> {
    let (start, end, params) = edge(at, level.vertices.len())?;
    let [start, end] = level.ends(start, end);
    if distance(start, end) <= 0.0 {
        return Err(at.error(ImportProblem::Coincident { what: "the ends of the door" }));
    }
    let mut door = Door::new("", level.name, start, end).hinged(Swing::Both);
    let Some(params) = params else {
        at.warn(report, NO_KIND);
        return Ok(ReadDoor { name: "", driven: true, door });
    };
    let kind = params::string(&params, "type")?;
    door.kind = match kind {
        "hinged" | "" => DoorKind::Hinged,
        "double_hinged" => DoorKind::DoubleHinged,
        "sliding" => DoorKind::Sliding,
        "double_sliding" => DoorKind::DoubleSliding,
        other => return Err(at.unknown(other, "hinged, double_hinged, sliding or double_sliding")),
    };
    if kind.is_empty() {
        at.warn(report, NO_KIND);
    } else {
        read_swing(&params, &mut door, at, system, report)?;
    }
    let drive = params::string(&params, "plugin")?;
    if drive != "none" {
        params::left(&params, "plugin", matches!(drive, "" | "normal"));
    }
    let name = match params::string(&params, "name")? {
        "null" => {
            params::left(&params, "name", true);
            ""
        }
        name => name,
    };
    Ok(ReadDoor { name, driven: drive != "none", door })
}

/// Hinge and side of a swinging door.
///
/// The editor draws the leaf at `start` turning by `direction · degrees` in its own frame, where y points down: with
/// direction 1 it turns clockwise as seen from above, to the right of somebody who looks from the hinge along the
/// leaf. The leaf at `end` mirrors it, so both end up on one side of the door.
fn read_swing(
    params: &At<'_>,
    door: &mut Door,
    at: &At<'_>,
    system: System,
    report: &mut ImportReport,
) -> Result<(), ImportError> {
    let axis = params::string(params, "motion_axis")?;
    let direction = params::integer(params, "motion_direction")?.unwrap_or(1);
    let degrees = params::number(params, "motion_degrees")?.unwrap_or(TURN_DEG);
    if !matches!(axis, "" | "start" | "end") {
        return Err(at.unknown(axis, "start or end"));
    }
    if !matches!(direction, -1 | 1) {
        return Err(at.unknown(&direction.to_string(), "motion_direction 1 or -1"));
    }
    // Of a turn only the side is kept, and of the axis which end has the hinge.
    let leave = |axis_counts: bool, direction_counts: bool| {
        params::left(params, "motion_degrees", degrees.to_bits() == TURN_DEG.to_bits());
        if !axis_counts {
            params::left(params, "motion_axis", matches!(axis, "" | "start"));
        }
        if !direction_counts || direction == 1 {
            params::left(params, "motion_direction", direction == 1);
        }
    };
    match door.kind {
        DoorKind::Sliding | DoorKind::DoubleSliding | DoorKind::Opening => {
            leave(false, false);
            return Ok(());
        }
        DoorKind::Hinged if axis == "end" => {
            leave(true, false);
            (door.from, door.to) = (door.to, door.from);
            at.warn(
                report,
                "the editor hinges it at its end, the simulator at its start; it swings to both sides",
            );
            return Ok(());
        }
        DoorKind::Hinged | DoorKind::DoubleHinged => {}
    }
    let image = match system {
        System::ReferenceImage => true,
        System::WebMercator | System::CartesianMeters | System::Wgs84 => false,
    };
    let turns = 0.0 < degrees.abs() && degrees.abs() <= 180.0;
    if !image || !turns {
        leave(false, false);
        at.warn(report, "the side it swings to is not certain; it swings to both sides");
        return Ok(());
    }
    leave(false, true);
    door.swing = if (0 < direction) == (0.0 < degrees) { Swing::Right } else { Swing::Left };
    Ok(())
}
