//! Lifts: cabins, their doors on every level, and which waypoints they hold.

use crate::{
    import::LiftDoorName,
    model::{Lift, LiftDoor},
};

use super::{
    ImportReport, RmfError, RmfProblem,
    frame::{Frames, LevelFrame, rotate},
    tree::{At, Fields},
};

/// A waypoint is in the cabin when it is inside the cabin's rectangle grown by this on every side, metres.
const CABIN_GROWN_M: f64 = 0.05;
/// A level turned by more than this against its lift is worth a look, radians.
const TURN_WARN_RAD: f64 = 0.001;

/// A lift of ours, and what telling its waypoints takes.
#[derive(Debug)]
pub(super) struct Cabin<'a> {
    pub(super) at: At<'a>,
    pub(super) lift: Lift,
    /// For each level whether the lift stops there.
    pub(super) served: Vec<bool>,
}

impl Cabin<'_> {
    /// Whether a point is in the cabin.
    pub(super) fn holds(&self, [x, y]: [f64; 2]) -> bool {
        let [cx, cy] = self.lift.at;
        let [along, across] = rotate([x - cx, y - cy], -self.lift.yaw_rad);
        along.abs() <= self.lift.width_m / 2.0 + CABIN_GROWN_M
            && across.abs() <= self.lift.depth_m / 2.0 + CABIN_GROWN_M
    }
}

/// Reads the lifts in file order. A lift that stops nowhere is left out with a warning.
pub(super) fn read<'a>(
    top: &mut Fields<'a>,
    frames: &Frames<'a>,
    report: &mut ImportReport,
) -> Result<Vec<Cabin<'a>>, RmfError> {
    let Some(lifts) = top.take("lifts") else { return Ok(Vec::new()) };
    let mut cabins = Vec::new();
    for (name, at) in lifts.entries()? {
        let cabin = read_one(name, at, frames, report)?;
        if cabin.lift.doors.is_empty() {
            report.warn(&cabin.at, "it has a door on no level and was left out".to_owned());
        } else {
            cabins.push(cabin);
        }
    }
    Ok(cabins)
}

fn read_one<'a>(
    name: &str,
    at: At<'a>,
    frames: &Frames<'a>,
    report: &mut ImportReport,
) -> Result<Cabin<'a>, RmfError> {
    let mut fields = at.fields()?;
    let reference = fields.need("reference_floor_name")?;
    let reference = level_named(frames, reference.text()?, &reference)?;
    let yaw_rad = fields.take("yaw").map_or(Ok(0.0), |yaw| yaw.number())?;
    let place = [fields.need("x")?.number()?, fields.need("y")?.number()?];
    let (width_m, depth_m) = (size(&fields.need("width")?)?, size(&fields.need("depth")?)?);
    let centre = frames.metres(reference, place);
    if !centre.iter().all(|value| value.is_finite()) {
        return Err(at.error(RmfProblem::NotFinite { value: "its place in metres".to_owned() }));
    }
    // The yaw was measured with y up already, so it is not turned over with the points.
    let mut lift = Lift { yaw_rad, ..Lift::new(name, centre, width_m, depth_m) };
    if TURN_WARN_RAD < Frames::rotation_rad(reference).abs() {
        let turn = Frames::rotation_rad(reference);
        let message =
            format!("its reference level is turned by {turn:.4} rad, and as in Open-RMF its yaw is not");
        report.warn(&at, message);
    }
    let doors = read_doors(&mut fields, report)?;
    report.lift_doors.extend(
        doors.iter().map(|(door, _)| LiftDoorName { lift: name.to_owned(), door: (*door).to_owned() }),
    );
    let range = Range::read(&mut fields, frames)?;
    let mut served = vec![false; frames.levels.len()];
    if let Some(level_doors) = fields.take("level_doors") {
        for (level_name, names) in level_doors.entries()? {
            let level = level_named(frames, level_name, &names)?;
            let stops = range.contains(level.elevation_m);
            for name in names.items()? {
                let wanted = name.text()?;
                let Some((_, door)) = doors.iter().find(|(door, _)| *door == wanted) else {
                    return Err(name.error(RmfProblem::NoSuch { what: "lift door", name: wanted.to_owned() }));
                };
                if stops {
                    lift.doors.push(door.at_level(level.name, &lift));
                }
            }
            let index = frames.levels.iter().position(|other| other.name == level.name);
            if let Some(slot) = index.and_then(|index| served.get_mut(index)) {
                *slot = stops && lift.doors.iter().any(|door| door.level == level.name);
            }
        }
    }
    fields.leave(report);
    Ok(Cabin { at, lift, served })
}

fn level_named<'f, 'a>(
    frames: &'f Frames<'a>,
    name: &str,
    at: &At<'_>,
) -> Result<&'f LevelFrame<'a>, RmfError> {
    frames
        .levels
        .iter()
        .find(|level| level.name == name)
        .ok_or_else(|| at.error(RmfProblem::NoSuch { what: "level", name: name.to_owned() }))
}

fn size(at: &At<'_>) -> Result<f64, RmfError> {
    let value = at.number()?;
    if 0.0 < value { Ok(value) } else { Err(at.error(RmfProblem::OutOfRange { value, rule: "above 0 m" })) }
}

/// A door in the frame of its cabin.
#[derive(Debug)]
struct CabinDoor {
    ends: [[f64; 2]; 2],
}

impl CabinDoor {
    fn at_level(&self, level: &str, lift: &Lift) -> LiftDoor {
        let [cx, cy] = lift.at;
        let [from, to] = self.ends.map(|end| {
            let [x, y] = rotate(end, lift.yaw_rad);
            [cx + x, cy + y]
        });
        LiftDoor { level: level.to_owned(), from, to }
    }
}

fn read_doors<'a>(
    fields: &mut Fields<'a>,
    report: &mut ImportReport,
) -> Result<Vec<(&'a str, CabinDoor)>, RmfError> {
    let Some(doors) = fields.take("doors") else { return Ok(Vec::new()) };
    let mut read = Vec::new();
    for (name, at) in doors.entries()? {
        let mut fields = at.fields()?;
        let (x, y) = (fields.need("x")?.number()?, fields.need("y")?.number()?);
        let half = size(&fields.need("width")?)? / 2.0;
        let axis_rad = fields.take("motion_axis_orientation").map_or(Ok(0.0), |axis| axis.number())?;
        if let Some(kind) = fields.take("door_type") {
            match kind.integer()? {
                // Single and double, sliding and telescope: none swings.
                1..=4 => {}
                0 => report.warn(&kind, "the type of the door is undefined; it counts as sliding".to_owned()),
                other => {
                    let expected = "0 undefined, 1 or 2 sliding, 3 or 4 telescope";
                    return Err(kind.error(RmfProblem::UnknownWord { value: other.to_string(), expected }));
                }
            }
        }
        fields.leave(report);
        let [along_x, along_y] = rotate([half, 0.0], axis_rad);
        read.push((name, CabinDoor { ends: [[x - along_x, y - along_y], [x + along_x, y + along_y]] }));
    }
    Ok(read)
}

/// Elevations between which a lift runs; absent names do not bound it.
#[derive(Debug)]
struct Range {
    lowest_m: f64,
    highest_m: f64,
}

impl Range {
    fn read(fields: &mut Fields<'_>, frames: &Frames<'_>) -> Result<Self, RmfError> {
        let mut bound = |key: &str, unbounded: f64| match fields.take(key) {
            Some(at) if !at.is_nothing() => Ok(level_named(frames, at.text()?, &at)?.elevation_m),
            Some(_) | None => Ok(unbounded),
        };
        Ok(Self {
            lowest_m: bound("lowest_floor", f64::NEG_INFINITY)?,
            highest_m: bound("highest_floor", f64::INFINITY)?,
        })
    }

    fn contains(&self, elevation_m: f64) -> bool {
        self.lowest_m <= elevation_m && elevation_m <= self.highest_m
    }
}
