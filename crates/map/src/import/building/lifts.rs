//! Lifts: cabins, their doors on every level, and which waypoints they hold.

use std::collections::BTreeSet;

use crate::{
    import::LiftDoorName,
    model::{Lift, LiftDoor},
};

use super::{
    At, ImportError, ImportProblem, ImportReport,
    frame::{Frames, LevelFrame},
    params::{self, text},
    similarity::rotate,
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
    top: &At<'a>,
    frames: &Frames<'a>,
    report: &mut ImportReport,
) -> Result<Vec<Cabin<'a>>, ImportError> {
    let Some(lifts) = top.get("lifts") else { return Ok(Vec::new()) };
    let mut cabins = Vec::new();
    for (name, at) in lifts.entries()? {
        let cabin = read_one(name, at, frames, report)?;
        if cabin.lift.doors.is_empty() {
            cabin.at.warn(report, "it has a door on no level and was left out");
            cabin.at.leave_all_behind();
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
) -> Result<Cabin<'a>, ImportError> {
    let fields = params::fields(&at)?;
    let reference = fields.need("reference_floor_name")?;
    let reference = level_named(frames, text(&reference)?, &reference)?;
    let yaw_rad = fields.number_or("yaw", 0.0)?;
    let place = [fields.need("x")?.number()?, fields.need("y")?.number()?];
    let (width_m, depth_m) = (size(&fields.need("width")?)?, size(&fields.need("depth")?)?);
    let centre = frames.metres(reference, place);
    if !centre.iter().all(|value| value.is_finite()) {
        return Err(at.error(ImportProblem::NotFinite { value: "its place in metres".to_owned() }));
    }
    // The yaw was measured with y up already, so it is not turned over with the points.
    let mut lift = Lift { yaw_rad, ..Lift::new(name, centre, width_m, depth_m) };
    if TURN_WARN_RAD < Frames::rotation_rad(reference).abs() {
        let turn = Frames::rotation_rad(reference);
        let message =
            format!("its reference level is turned by {turn:.4} rad, and as in Open-RMF its yaw is not");
        at.warn(report, message);
    }
    let doors = read_doors(&fields, report)?;
    report.lift_doors.extend(
        doors.iter().map(|(door, ..)| LiftDoorName { lift: name.to_owned(), door: (*door).to_owned() }),
    );
    let range = Range::read(&fields, frames)?;
    let mut served = vec![false; frames.levels.len()];
    let (mut named, mut used) = (Vec::new(), BTreeSet::new());
    for (level_name, names) in fields.map("level_doors")? {
        let level = level_named(frames, level_name, &names)?;
        named.push(level.elevation_m);
        let stops = range.contains(level.elevation_m);
        for name in names.items()? {
            let wanted = text(&name)?;
            let Some((_, _, door)) = doors.iter().find(|(door, ..)| *door == wanted) else {
                return Err(name.no_such("lift door", wanted));
            };
            if stops {
                used.insert(wanted);
                lift.doors.push(door.at_level(level.name, &lift));
            } else {
                name.leave_behind();
            }
        }
        let index = frames.levels.iter().position(|other| other.name == level.name);
        if let Some(slot) = index.and_then(|index| served.get_mut(index)) {
            *slot = stops && lift.doors.iter().any(|door| door.level == level.name);
        }
    }
    for (_, at, _) in doors.iter().filter(|(door, ..)| !used.contains(door)) {
        at.warn(report, "no level that the lift stops at has this door; it is left behind");
        at.leave_all_behind();
    }
    range.mark(&fields, &named);
    Ok(Cabin { at, lift, served })
}

fn level_named<'f, 'a>(
    frames: &'f Frames<'a>,
    name: &str,
    at: &At<'_>,
) -> Result<&'f LevelFrame<'a>, ImportError> {
    frames.levels.iter().find(|level| level.name == name).ok_or_else(|| at.no_such("level", name))
}

fn size(at: &At<'_>) -> Result<f64, ImportError> {
    let value = at.number()?;
    if 0.0 < value { Ok(value) } else { Err(at.out_of_range(value, "above 0 m")) }
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

/// The doors of a lift: what they are called, what is written of them, and where they are.
fn read_doors<'a>(
    fields: &At<'a>,
    report: &mut ImportReport,
) -> Result<Vec<(&'a str, At<'a>, CabinDoor)>, ImportError> {
    let mut read = Vec::new();
    for (name, at) in fields.map("doors")? {
        let fields = params::fields(&at)?;
        let (x, y) = (fields.need("x")?.number()?, fields.need("y")?.number()?);
        let half = size(&fields.need("width")?)? / 2.0;
        let axis_rad = fields.number_or("motion_axis_orientation", 0.0)?;
        if let Some(kind) = fields.get("door_type") {
            match kind.integer()? {
                // Single and double, sliding and telescope: none swings, and which it is has no place with us.
                1..=4 => {}
                0 => kind.warn(report, "the type of the door is undefined; it counts as sliding"),
                other => {
                    return Err(
                        kind.unknown(&other.to_string(), "0 undefined, 1 or 2 sliding, 3 or 4 telescope")
                    );
                }
            }
            kind.leave_behind();
        }
        let [along_x, along_y] = rotate([half, 0.0], axis_rad);
        let door = CabinDoor { ends: [[x - along_x, y - along_y], [x + along_x, y + along_y]] };
        read.push((name, at, door));
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
    fn read(fields: &At<'_>, frames: &Frames<'_>) -> Result<Self, ImportError> {
        let bound = |key: &str, unbounded: f64| match fields.get(key) {
            Some(at) if !text(&at)?.is_empty() => Ok(level_named(frames, text(&at)?, &at)?.elevation_m),
            Some(_) | None => Ok::<_, ImportError>(unbounded),
        };
        Ok(Self {
            lowest_m: bound("lowest_floor", f64::NEG_INFINITY)?,
            highest_m: bound("highest_floor", f64::INFINITY)?,
        })
    }

    fn contains(&self, elevation_m: f64) -> bool {
        self.lowest_m <= elevation_m && elevation_m <= self.highest_m
    }

    /// Says which of the bounds keeps the lift from none of the levels that it has doors for.
    fn mark(&self, fields: &At<'_>, named_m: &[f64]) {
        let free = [
            ("lowest_floor", named_m.iter().all(|elevation_m| self.lowest_m <= *elevation_m)),
            ("highest_floor", named_m.iter().all(|elevation_m| *elevation_m <= self.highest_m)),
        ];
        for (key, is_free) in free {
            if let Some(at) = fields.get(key).filter(|_| is_free) {
                at.implied();
            }
        }
    }
}
