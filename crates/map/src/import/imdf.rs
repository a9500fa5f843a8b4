//! IMDF, the indoor mapping data format: `GeoJSON` features in longitudes and latitudes.
//!
//! The archive's collections come as its files, as one JSON object, `{"venue": {…}, "level": {…}, …}`, or as one
//! collection with the features of all. Venue, building, level, unit, opening, fixture and amenity are read; metres are
//! east and north of the middle of the venue, which becomes the georeference. Levels have ordinals and no heights.
//!
//! The format has no walls, and nobody passes from unit to unit but at an opening: the outlines of units become walls.
//! Elevators of one shape on several levels become a lift, stairs that lie over each other a connector.

mod archive;
mod units;
mod vertical;
mod walls;

use std::collections::{BTreeMap, BTreeSet};

use self::units::{Bounds, Opening, Part, Sides, base, bounds, openings_of, room_kind};
use crate::model::{
    Access, Building, Door, DoorControl, DoorKind, Level, Obstacle, Room, Site, Station, Swing, Waypoint,
    Zone, ZoneKind,
};

use super::{
    ImportError, ImportProblem, ImportReport, LEVEL_APART_M, LevelImport,
    tangent::{Tangent, is_place},
    tree::At,
};

/// Reads an IMDF venue. Where `bytes` are one of the collections of an archive, such as `unit.geojson`, `sibling` gives
/// the bytes of the others by their names. Costs n log n in its features; in elevators and stairs that lie over each other
/// it is quadratic.
///
/// # Errors
/// [`ImportError`] when the text is no such venue, an id is missing or there twice, a feature names a level that does
/// not exist, or a place is no longitude and latitude near the venue.
pub fn import_imdf(
    bytes: &[u8],
    sibling: impl FnMut(&str) -> Option<Vec<u8>>,
) -> Result<(Site, ImportReport), ImportError> {
    let tree = archive::read(bytes, sibling)?;
    let top = At::root(&tree);
    let mut features = Vec::new();
    if let Some(list) = top.get("features") {
        features.extend(list.items()?);
    } else {
        for (_, collection) in top.entries()? {
            features.extend(collection.list("features")?);
        }
    }
    let mut kinds: BTreeMap<&str, Vec<At<'_>>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for feature in features {
        let id_at = feature.need("id")?;
        if !ids.insert(id_at.text()?) {
            return Err(id_at.duplicate("feature", id_at.text()?));
        }
        id_at.leave_behind();
        let kind = feature.need("feature_type")?.text()?;
        kinds.entry(kind).or_default().push(feature);
    }
    let of = |kind: &str| kinds.get(kind).map(Vec::as_slice).unwrap_or_default();
    let [venue] = of("venue") else {
        return Err(top.error(ImportProblem::Missing { field: "a venue (one and no more)" }));
    };
    let mut reader = Reader::at_venue(venue)?;
    for building in of("building") {
        let id = building.need("id")?.text()?.to_owned();
        reader.buildings.insert(id.clone());
        reader.site.buildings.push(Building { id });
    }
    for level in of("level") {
        reader.level(level)?;
    }
    for unit in of("unit") {
        reader.unit(unit)?;
    }
    for opening in of("opening") {
        reader.opening(opening)?;
    }
    for fixture in of("fixture").iter().chain(of("kiosk")) {
        reader.fixture(fixture)?;
    }
    for amenity in of("amenity") {
        reader.amenity(amenity)?;
    }
    for (kind, features) in &kinds {
        let known = ["venue", "building", "level", "unit", "opening", "fixture", "kiosk", "amenity"];
        if !known.contains(kind) {
            features.iter().for_each(At::leave_all_behind);
        }
    }
    reader.enclose();
    reader.report.leave(&tree);
    Ok((reader.site, reader.report))
}

struct Reader<'a> {
    site: Site,
    report: ImportReport,
    tangent: Tangent,
    buildings: BTreeSet<String>,
    /// The levels as indices, by name.
    levels: BTreeMap<String, usize>,
    /// The level of each unit.
    units: BTreeMap<String, String>,
    parts: Vec<Part<'a>>,
    openings: Vec<Opening<'a>>,
}

/// A ring's places in the file.
pub(super) type Ring = Vec<[f64; 2]>;

/// The first of a feature's names, whatever its language.
fn name_of<'a>(properties: &At<'a>) -> Result<Option<&'a str>, ImportError> {
    let names = properties.map("name")?;
    names.first().map(|(_, at)| at.text()).transpose()
}

/// The outer ring and the holes of each polygon of a geometry.
pub(super) fn polygons(geometry: &At<'_>) -> Result<Vec<Vec<Ring>>, ImportError> {
    let kind = geometry.need("type")?;
    let coordinates = geometry.need("coordinates")?;
    let parts = match kind.text()? {
        "Polygon" => vec![coordinates.clone()],
        "MultiPolygon" => coordinates.items()?,
        other => return Err(kind.unknown(other, "Polygon or MultiPolygon")),
    };
    let ring = |at: &At<'_>| -> Result<Ring, ImportError> {
        let places: Ring = at.items()?.iter().map(At::point).collect::<Result<_, _>>()?;
        match places.as_slice() {
            [first, inner @ .., last]
                if first.map(f64::to_bits) == last.map(f64::to_bits) && 1 < inner.len() =>
            {
                Ok([&[*first], inner].concat())
            }
            _ => Err(at.wrong("a closed ring")),
        }
    };
    let polygon = |at: &At<'_>| {
        let rings: Vec<Ring> = at.items()?.iter().map(ring).collect::<Result<_, _>>()?;
        if rings.is_empty() { Err(at.wrong("a polygon")) } else { Ok(rings) }
    };
    parts.iter().map(polygon).collect()
}

impl<'a> Reader<'a> {
    fn at_venue(venue: &At<'_>) -> Result<Self, ImportError> {
        let rings = polygons(&venue.need("geometry")?)?;
        let places = || rings.iter().flatten().flatten();
        if let Some([x, y]) = places().find(|place| !is_place(**place)) {
            let value = if 180.0 < x.abs() { *x } else { *y };
            return Err(venue.out_of_range(value, "a longitude and a latitude in degrees"));
        }
        let middle = |axis: fn(&[f64; 2]) -> f64| {
            let low = places().map(axis).fold(f64::INFINITY, f64::min);
            f64::midpoint(low, places().map(axis).fold(f64::NEG_INFINITY, f64::max))
        };
        let tangent = Tangent::new([middle(|[x, _]| *x), middle(|[_, y]| *y)]);
        let properties = venue.need("properties")?;
        let site = Site {
            georeference: Some(tangent.origin()),
            ..Site::new(name_of(&properties)?.unwrap_or("venue"))
        };
        let report = ImportReport::default();
        Ok(Self {
            site,
            report,
            tangent,
            buildings: BTreeSet::new(),
            levels: BTreeMap::new(),
            units: BTreeMap::new(),
            parts: Vec::new(),
            openings: Vec::new(),
        })
    }

    fn project(&self, at: &At<'_>, ring: &[[f64; 2]]) -> Result<Vec<[f64; 2]>, ImportError> {
        let far = |place: &[f64; 2]| at.out_of_range(place[0], "a place within half a degree of the venue");
        ring.iter().map(|place| self.tangent.project(*place).ok_or_else(|| far(place))).collect()
    }

    fn level(&mut self, level: &At<'_>) -> Result<(), ImportError> {
        let properties = level.need("properties")?;
        let ordinal = properties.need("ordinal")?.number_where(|o| o.abs() <= 1_000.0, "at most 1000")?;
        let id = level.need("id")?.text()?.to_owned();
        let buildings = properties.list("building_ids")?;
        let building = match buildings.as_slice() {
            [one] => Some(one),
            _ => None,
        };
        let mut made = Level::new(&id, ordinal * LEVEL_APART_M);
        if let Some(at) = building {
            let name = at.text()?;
            if !self.buildings.contains(name) {
                return Err(at.no_such("building", name));
            }
            made.building = Some(name.to_owned());
        }
        level.warn(
            &mut self.report,
            format!("levels have no heights: ordinal {ordinal} was put at {} m", ordinal * LEVEL_APART_M),
        );
        self.report.levels.push(LevelImport::scaled(&id, 1.0));
        self.levels.insert(id, self.site.levels.len());
        self.site.levels.push(made);
        Ok(())
    }

    /// A level as an index, and its name.
    fn level_of(&self, properties: &At<'_>) -> Result<(usize, String), ImportError> {
        let at = properties.need("level_id")?;
        let name = at.text()?;
        let index = self.levels.get(name).ok_or_else(|| at.no_such("level", name))?;
        Ok((*index, name.to_owned()))
    }

    fn unit(&mut self, unit: &At<'a>) -> Result<(), ImportError> {
        let id = unit.need("id")?.text()?.to_owned();
        let properties = unit.need("properties")?;
        let (index, level) = self.level_of(&properties)?;
        let category = properties.need("category")?.text()?;
        self.units.insert(id.clone(), level.clone());
        if base(category) == "opentobelow" {
            unit.warn(&mut self.report, "there is no floor here; it becomes no room");
            unit.leave_all_behind();
            return Ok(());
        }
        let bounds = bounds(category);
        if bounds == Bounds::Solid {
            return self.obstacles(unit, &id, &level);
        }
        let label = name_of(&properties)?.map(str::to_owned);
        let restricted = properties.text_of("restriction")?;
        let parts = polygons(&unit.need("geometry")?)?;
        for (number, rings) in parts.iter().enumerate() {
            let [outer, holes @ ..] = rings.as_slice() else { continue };
            let id = if number == 0 { id.clone() } else { format!("{id}#{number}") };
            let polygon = self.project(unit, outer)?;
            if matches!(base(category), "stairs" | "steps" | "escalator" | "movingwalkway") {
                self.site.zones.push(Zone::new(
                    format!("{category} {id}"),
                    &level,
                    ZoneKind::Blocked,
                    polygon.clone(),
                ));
            }
            let holes = holes.iter().map(|ring| self.project(unit, ring)).collect::<Result<_, _>>()?;
            let room = Room {
                kind: room_kind(category),
                holes,
                label: label.clone(),
                tags: [Some(category), restricted].into_iter().flatten().map(str::to_owned).collect(),
                access: match restricted {
                    Some("employeesonly") => Access::Staff,
                    Some(_) => Access::Restricted,
                    None if base(category) == "nonpublic" => Access::Staff,
                    None => Access::Public,
                },
                ..Room::new(id, &level, polygon)
            };
            self.parts.push(Part {
                unit: unit.clone(),
                category,
                bounds,
                level: index,
                room,
                is_cabin: false,
            });
        }
        Ok(())
    }

    /// Walls, lifts and stairs, which follow from units and openings together.
    fn enclose(&mut self) {
        let sides = Sides::of(&self.parts, self.site.levels.len());
        let openings_of = openings_of(&self.parts, &self.openings, &sides);
        self.lifts(&openings_of);
        self.connectors(&openings_of);
        self.walls(&sides);
        let rooms = self.parts.drain(..).filter(|part| !part.is_cabin).map(|part| part.room);
        self.site.rooms.extend(rooms);
        let doors = self.openings.drain(..).filter(|opening| !opening.is_of_lift).map(|opening| opening.door);
        self.site.doors.extend(doors);
    }

    fn opening(&mut self, opening: &At<'a>) -> Result<(), ImportError> {
        let id = opening.need("id")?.text()?;
        let properties = opening.need("properties")?;
        let (index, level) = self.level_of(&properties)?;
        let geometry = opening.need("geometry")?;
        super::nav2::expect_word(&geometry, "type", "LineString")?;
        let line = geometry.need("coordinates")?;
        let places: Ring = line.items()?.iter().map(At::point).collect::<Result<_, _>>()?;
        let (Some(first), Some(last), true) = (places.first(), places.last(), 1 < places.len()) else {
            return Err(line.wrong("a line"));
        };
        if 2 < places.len() {
            line.warn(
                &mut self.report,
                "the opening is bent; it is taken straight from its first to its last place",
            );
        }
        let ends = self.project(opening, &[*first, *last])?;
        let [from, to] = <[[f64; 2]; 2]>::try_from(ends).unwrap_or_default();
        let mut made = Door { kind: DoorKind::Opening, ..Door::new(id, level, from, to) };
        made.exit = properties.need("category")?.text()?.starts_with("emergencyexit");
        if !made.exit
            && let Some(at) = properties.get("category")
        {
            at.leave_behind();
        }
        if let Some(door) = properties.get("door") {
            let kind = door.get("type");
            made.kind = match kind.as_ref().map(At::text).transpose()? {
                Some("sliding") => DoorKind::Sliding,
                Some("open") => DoorKind::Opening,
                Some("swinging") => DoorKind::Hinged,
                other => {
                    opening.warn(
                        &mut self.report,
                        format!(
                            "a door of type {:?} is taken to swing to both sides",
                            other.unwrap_or("(none)")
                        ),
                    );
                    DoorKind::Hinged
                }
            };
            made.swing = Swing::Both;
            let is_automatic = door.flag_or("automatic", false)?;
            made.control = if is_automatic { DoorControl::Automatic } else { DoorControl::Manual };
        }
        self.openings.push(Opening { at: opening.clone(), level: index, door: made, is_of_lift: false });
        Ok(())
    }

    fn fixture(&mut self, fixture: &At<'_>) -> Result<(), ImportError> {
        let (_, level) = self.level_of(&fixture.need("properties")?)?;
        self.obstacles(fixture, fixture.need("id")?.text()?, &level)
    }

    /// What stands in the way, one obstacle for each of its polygons.
    fn obstacles(&mut self, feature: &At<'_>, id: &str, level: &str) -> Result<(), ImportError> {
        for (number, rings) in polygons(&feature.need("geometry")?)?.iter().enumerate() {
            let [outer, holes @ ..] = rings.as_slice() else { continue };
            if !holes.is_empty() {
                feature.warn(&mut self.report, "an obstacle has no holes; they are filled");
            }
            let id = if number == 0 { id.to_owned() } else { format!("{id}#{number}") };
            self.site.obstacles.push(Obstacle::new(id, level, self.project(feature, outer)?));
        }
        Ok(())
    }

    /// A place without a lane: its waypoint waits for a roadmap.
    fn amenity(&mut self, amenity: &At<'_>) -> Result<(), ImportError> {
        let id = amenity.need("id")?.text()?;
        let properties = amenity.need("properties")?;
        let units = properties.list("unit_ids")?;
        let Some(unit) = units.first() else {
            amenity.warn(&mut self.report, "it names no unit, so its level is not known; it is left behind");
            amenity.leave_all_behind();
            return Ok(());
        };
        let name = unit.text()?;
        let Some(level) = self.units.get(name).cloned() else { return Err(unit.no_such("unit", name)) };
        let geometry = amenity.need("geometry")?;
        super::nav2::expect_word(&geometry, "type", "Point")?;
        let place = geometry.need("coordinates")?.point()?;
        let at = self.project(amenity, &[place])?.first().copied().unwrap_or_default();
        self.site.waypoints.push(Waypoint::new(id, level, at[0], at[1]));
        self.site.stations.push(Station::new(id, id));
        Ok(())
    }
}
