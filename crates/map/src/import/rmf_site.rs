//! Open-RMF `.site.json`, the files of its newer editor (format 0.1).
//!
//! Everything is in metres with y up and goes by numbers: walls, doors, floors, lanes and lifts name anchors. Lanes are
//! two-way unless their reverse is disabled; two lanes where it differs. Levels are called by their names, waypoints by the locations on them or by
//! the number of their anchor.

mod guided;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Door, DoorKind, Level, Lift, LiftDoor, Room, RoomKind, Site, Swing, Wall};

use super::{
    ImportError, ImportProblem, ImportReport, LevelImport, json,
    tree::{At, utf8},
};

/// Reads a site file. Costs n log n in its elements.
///
/// # Errors
/// [`ImportError`] when the text is no site of format 0.1, an element names an anchor that does not exist, or a lane
/// joins levels.
pub fn import_rmf_site(bytes: &[u8]) -> Result<(Site, ImportReport), ImportError> {
    let tree = json::parse(utf8(bytes)?)?;
    let top = At::root(&tree);
    let version = top.need("format_version")?;
    match version.text()? {
        "0.1" => version.leave_behind(),
        other => return Err(version.unknown(other, "0.1")),
    }
    let name = top.get("properties").map(|at| at.text_or("name", "site")).transpose()?;
    let mut reader = Reader { site: Site::new(name.unwrap_or("site")), ..Reader::default() };
    for (id, anchor) in top.map("anchors")? {
        reader.anchor(id, &anchor, None)?;
    }
    let levels = top.need("levels")?.entries()?;
    if levels.is_empty() {
        return Err(top.error(ImportProblem::Missing { field: "a level" }));
    }
    for (id, level) in &levels {
        reader.level(id, level)?;
    }
    for (id, level) in &levels {
        reader.content(id, level)?;
    }
    for (id, lift) in top.map("lifts")? {
        reader.lift(id, &lift)?;
    }
    if let Some(guided) = top.get("navigation").and_then(|at| at.get("guided")) {
        reader.guided(&guided)?;
    }
    reader.report.leave(&tree);
    Ok((reader.site, reader.report))
}

/// What the editor calls what nobody has named.
const UNNAMED: &str = "<Unnamed>";

/// Where an anchor is, and on which level when it belongs to one.
#[derive(Clone, Debug)]
struct Anchor {
    at: [f64; 2],
    level: Option<String>,
    /// The lift in whose cabin it is.
    lift: Option<String>,
}

#[derive(Default)]
struct Reader {
    site: Site,
    report: ImportReport,
    anchors: BTreeMap<String, Anchor>,
    /// Names of levels by number.
    levels: BTreeMap<String, String>,
    level_names: BTreeSet<String>,
    doors: BTreeSet<String>,
    lifts: BTreeSet<String>,
}

impl Reader {
    fn anchor(&mut self, id: &str, at: &At<'_>, level: Option<&str>) -> Result<(), ImportError> {
        let place = place(at)?;
        self.add_anchor(id, at, Anchor { at: place, level: level.map(str::to_owned), lift: None })
    }

    fn add_anchor(&mut self, id: &str, at: &At<'_>, anchor: Anchor) -> Result<(), ImportError> {
        if self.anchors.insert(id.to_owned(), anchor).is_some() {
            return Err(at.duplicate("anchor", id));
        }
        Ok(())
    }

    fn level(&mut self, id: &str, level: &At<'_>) -> Result<(), ImportError> {
        let properties = level.need("properties")?;
        let name_at = properties.need("name")?;
        let name = name_at.text()?;
        if !self.level_names.insert(name.to_owned()) {
            return Err(name_at.duplicate("level", name));
        }
        self.levels.insert(id.to_owned(), name.to_owned());
        self.site.levels.push(Level::new(name, properties.need("elevation")?.number()?));
        self.report.levels.push(LevelImport::scaled(name, 1.0));
        for (id, anchor) in level.map("anchors")? {
            self.anchor(id, &anchor, Some(name))?;
        }
        Ok(())
    }

    /// The anchors that a list names.
    fn anchors(&self, at: &At<'_>) -> Result<Vec<Anchor>, ImportError> {
        at.items()?.iter().map(|item| self.one(item).cloned()).collect()
    }

    fn one(&self, at: &At<'_>) -> Result<&Anchor, ImportError> {
        let id = at.text()?;
        self.anchors.get(id).ok_or_else(|| at.no_such("anchor", id))
    }

    fn ends(&self, at: &At<'_>) -> Result<[Anchor; 2], ImportError> {
        let anchors = at.need("anchors")?;
        <[Anchor; 2]>::try_from(self.anchors(&anchors)?).map_err(|_| anchors.wrong("two anchors"))
    }

    fn content(&mut self, id: &str, level: &At<'_>) -> Result<(), ImportError> {
        let name = self.levels.get(id).cloned().unwrap_or_default();
        for (_, wall) in level.map("walls")? {
            let [a, b] = self.ends(&wall)?;
            if a.at.map(f64::to_bits) == b.at.map(f64::to_bits) {
                wall.warn(&mut self.report, "the wall has no length and was left out");
                continue;
            }
            self.site.walls.push(Wall::new(&name, a.at, b.at));
        }
        for (id, floor) in level.map("floors")? {
            let polygon =
                self.anchors(&floor.need("anchors")?)?.into_iter().map(|anchor| anchor.at).collect();
            self.site
                .rooms
                .push(Room::new(format!("{name}_floor_{id}"), &name, polygon).of_kind(RoomKind::Floor));
        }
        for (id, door) in level.map("doors")? {
            self.door(id, &door, &name)?;
        }
        Ok(())
    }

    fn door(&mut self, id: &str, door: &At<'_>, level: &str) -> Result<(), ImportError> {
        let [a, b] = self.ends(door)?;
        let mut said = door.text_of("name")?;
        if said == Some(UNNAMED) {
            said = None;
            door.text_or("name", UNNAMED)?;
        }
        let mut name = said.map_or_else(|| format!("{level}_door_{id}"), str::to_owned);
        if !self.doors.insert(name.clone()) {
            name = format!("{name}@{level}_{id}");
            door.warn(&mut self.report, format!("several doors have this name; this one became {name:?}"));
            if !self.doors.insert(name.clone()) {
                return Err(door.duplicate("door", &name));
            }
        }
        let kind = door.need("kind")?;
        let made = Door { swing: Swing::Both, ..Door::new(name, level, a.at, b.at) };
        let (word, swings) = match kind.entries() {
            Ok(entries) => match entries.as_slice() {
                [(word, details)] => ((*word).to_owned(), Some(details.clone())),
                _ => return Err(kind.wrong("one kind of door")),
            },
            Err(_) => (kind.text()?.to_owned(), None),
        };
        let made = match word.as_str() {
            "SingleSliding" => Door { kind: DoorKind::Sliding, ..made },
            "DoubleSliding" => Door { kind: DoorKind::DoubleSliding, ..made },
            "DoubleSwing" => Door { kind: DoorKind::DoubleHinged, ..made },
            "SingleSwing" => {
                let pivot = swings.as_ref().and_then(|details| details.get("pivot_on"));
                let turned = match pivot.as_ref().map(At::text).transpose()? {
                    None | Some("Left") => false,
                    Some("Right") => true,
                    Some(other) => return Err(kind.unknown(other, "Left or Right")),
                };
                let (from, to) = if turned { (made.to, made.from) } else { (made.from, made.to) };
                Door { kind: DoorKind::Hinged, from, to, ..made }
            }
            // Its motion is in a model of its own, and nothing takes more room than a leaf that swings.
            "Model" => {
                door.warn(
                    &mut self.report,
                    "how a door of kind Model moves is not known; it is taken for a hinged one",
                );
                Door { kind: DoorKind::Hinged, ..made }
            }
            other => {
                let kinds = "SingleSliding, DoubleSliding, SingleSwing, DoubleSwing or Model";
                return Err(kind.unknown(other, kinds));
            }
        };
        if matches!(made.kind, DoorKind::Hinged | DoorKind::DoubleHinged) {
            door.warn(
                &mut self.report,
                "which way its leaves swing is not carried over; they swing to both sides",
            );
        }
        let clear_height_m = match door.get("top").and_then(|top| top.get("fixed")) {
            Some(at) => Some(at.number_where(|top| 0.0 < top, "positive")?),
            None => None,
        };
        self.site.doors.push(Door { clear_height_m, ..made });
        Ok(())
    }

    fn lift(&mut self, id: &str, lift: &At<'_>) -> Result<(), ImportError> {
        let properties = lift.need("properties")?;
        let name = properties.text_of("name")?.map_or_else(|| format!("lift_{id}"), str::to_owned);
        if !self.lifts.insert(name.clone()) {
            return Err(properties.duplicate("lift", &name));
        }
        let reference = properties.need("reference_anchors")?;
        let Ok([a, b]) = <[Anchor; 2]>::try_from(self.anchors(&reference)?) else {
            return Err(reference.wrong("two anchors"));
        };
        let cabin = properties.need("cabin")?.need("Rect")?;
        let size = |key: &'static str| cabin.need(key)?.number_where(|metres| 0.0 < metres, "positive");
        let (width_m, depth_m) = (size("width")?, size("depth")?);
        let thickness_m = cabin.number_or("wall_thickness", 0.05)?;
        let gap_m = cabin.number_or("gap", 0.01)?;
        let shift_m = cabin.number_or("shift", 0.0)?;
        // The reference anchors lie along the front, the second to the left of the first when looking out: the cabin's
        // x axis points out of the front door.
        let (dx, dy) = (a.at[0] - b.at[0], a.at[1] - b.at[1]);
        let length_m = libm::hypot(dx, dy);
        if length_m <= 0.0 {
            return Err(reference.error(ImportProblem::Coincident { what: "both reference anchors" }));
        }
        let (along, out) = ([dx / length_m, dy / length_m], [dy / length_m, -dx / length_m]);
        let middle = [f64::midpoint(a.at[0], b.at[0]), f64::midpoint(a.at[1], b.at[1])];
        let back_m = depth_m / 2.0 + thickness_m + gap_m;
        let centre = |axis: fn([f64; 2]) -> f64| axis(middle) - back_m * axis(out) + shift_m * axis(along);
        let at = [centre(|[x, _]| x), centre(|[_, y]| y)];
        let yaw_rad = libm::atan2(out[1], out[0]);
        // The cabin's depth is along x, its width along y.
        let mut made = Lift { yaw_rad, ..Lift::new(&name, at, depth_m, width_m) };
        lift.warn(
            &mut self.report,
            "the cabin is laid behind the middle of its reference anchors; check its doors before use",
        );
        let to_level = |[x, y]: [f64; 2]| [at[0] + x * out[0] - y * out[1], at[1] + x * out[1] + y * out[0]];
        for (id, anchor) in lift.map("cabin_anchors")? {
            let place = to_level(place(&anchor)?);
            self.add_anchor(id, &anchor, Anchor { at: place, level: None, lift: Some(name.clone()) })?;
        }
        for (_, door) in lift.map("cabin_doors")? {
            let ends = door.need("reference_anchors")?;
            let Ok([a, b]) = <[Anchor; 2]>::try_from(self.anchors(&ends)?) else {
                return Err(ends.wrong("two anchors"));
            };
            for level in door.list("visits")? {
                let number = level.text()?;
                let level = self.levels.get(number).ok_or_else(|| level.no_such("level", number))?.clone();
                made.doors.push(LiftDoor { level, from: a.at, to: b.at });
            }
        }
        self.site.lifts.push(made);
        Ok(())
    }
}

/// A place of an anchor: of a category the one in general.
fn place(at: &At<'_>) -> Result<[f64; 2], ImportError> {
    if let Some(point) = at.get("Translate2D") {
        return point.point();
    }
    if let Some(point) = at.get("CategorizedTranslate2D").and_then(|by| by.get("General")) {
        return point.point();
    }
    Err(at.wrong("an anchor with Translate2D"))
}
