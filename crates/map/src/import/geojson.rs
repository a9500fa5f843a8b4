//! `GeoJSON` as [`export`](crate::export) writes it: every element of a site as a feature.
//!
//! Properties are the fields of our own format and as strict. Coordinates are metres or, where the member `sheepdog` says
//! so, longitudes and latitudes of WGS 84, which become metres from the georeference.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{geojson::Plane, model::Site};

use super::{
    ImportError, ImportProblem, ImportReport, LevelImport,
    imdf::polygons,
    json,
    nav2::expect_word,
    tree::{At, utf8},
};

/// Reads a site from our `GeoJSON`. Linear in the text.
///
/// # Errors
/// [`ImportError`] when the text is no such `GeoJSON`, an element is unknown, has a field that it should not have or lacks
/// one, or a place is no longitude and latitude near the georeference.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sheepdog_map::{Site, export::{ExportOptions, Format, export}, import::import_geojson, model::{Level, Room}};
/// let mut site = Site::new("ward");
/// site.levels.push(Level::new("L1", 0.0));
/// site.rooms.push(Room::rectangle("hall", "L1", 0.0, 0.0, 4.0, 3.0));
/// let (files, _) = export(&site, Format::GeoJson, &ExportOptions::named("ward.site.geojson"))?;
/// assert_eq!(import_geojson(&files[0].bytes)?.0, site);
/// # Ok(())
/// # }
/// ```
pub fn import_geojson(bytes: &[u8]) -> Result<(Site, ImportReport), ImportError> {
    let tree = json::parse(utf8(bytes)?)?;
    let top = At::root(&tree);
    expect_word(&top, "type", "FeatureCollection")?;
    let head = top.need("sheepdog")?;
    let mut site = read_head(&head)?;
    let coordinates = head.need("coordinates")?;
    let plane = match (coordinates.text()?, site.georeference) {
        ("metres", None) => Plane::of(None),
        ("wgs84", Some(georeference)) => Plane::of(Some(georeference)),
        ("wgs84", None) => return Err(head.error(ImportProblem::Missing { field: "georeference" })),
        (other, _) => return Err(coordinates.unknown(other, "wgs84 with a georeference, metres without")),
    };
    for feature in top.need("features")?.items()? {
        expect_word(&feature, "type", "Feature")?;
        add(&mut site, &feature, plane)?;
    }
    let mut report = ImportReport::default();
    report.levels.extend(site.levels.iter().map(|level| LevelImport::scaled(&level.id, 1.0)));
    report.leave(&tree);
    Ok((site, report))
}

/// The site without what is in features.
fn read_head(head: &At<'_>) -> Result<Site, ImportError> {
    let mut fields = Map::new();
    for (key, at) in head.entries()? {
        if key != "coordinates" {
            fields.insert(key.to_owned(), at.json()?);
        }
    }
    let refused = |message: String| head.error(ImportProblem::Syntax { message });
    Site::from_json(&Value::Object(fields).to_string()).map_err(|error| refused(error.to_string()))
}

fn add(site: &mut Site, feature: &At<'_>, plane: Plane) -> Result<(), ImportError> {
    let properties = feature.need("properties")?;
    let kind = properties.need("element")?;
    let geometry = feature.need("geometry")?;
    let read = Reader { properties: &properties, geometry: &geometry, plane };
    match kind.text()? {
        "room" => site.rooms.push(read.with_rings(true)?),
        "obstacle" => site.obstacles.push(read.with_rings(false)?),
        "zone" => site.zones.push(read.with_rings(false)?),
        "wall" => site.walls.push(read.with_ends()?),
        "door" => site.doors.push(read.with_ends()?),
        "waypoint" => site.waypoints.push(read.with_place()?),
        "sensor" => site.sensors.push(read.with_place()?),
        "lane" => site.lanes.push(read.alone()?),
        "station" => site.stations.push(read.alone()?),
        "lift" => site.lifts.push(read.alone()?),
        "connector" => site.connectors.push(read.alone()?),
        other => return Err(kind.unknown(other, "a table of our own format, such as room or lane")),
    }
    Ok(())
}

struct Reader<'a> {
    properties: &'a At<'a>,
    geometry: &'a At<'a>,
    plane: Plane,
}

impl Reader<'_> {
    /// An element whose geometry only repeats its fields.
    fn alone<T: DeserializeOwned>(&self) -> Result<T, ImportError> {
        self.geometry.implied();
        self.element([])
    }

    fn with_place<T: DeserializeOwned>(&self) -> Result<T, ImportError> {
        expect_word(self.geometry, "type", "Point")?;
        let at = self.place(self.geometry.need("coordinates")?.point()?)?;
        self.element([("at", json!(at))])
    }

    fn with_ends<T: DeserializeOwned>(&self) -> Result<T, ImportError> {
        expect_word(self.geometry, "type", "LineString")?;
        let line = self.geometry.need("coordinates")?;
        match line.items()?.as_slice() {
            [from, to] => {
                let (from, to) = (self.place(from.point()?)?, self.place(to.point()?)?);
                self.element([("from", json!(from)), ("to", json!(to))])
            }
            _ => Err(line.wrong("a line of two places")),
        }
    }

    fn with_rings<T: DeserializeOwned>(&self, may_have_holes: bool) -> Result<T, ImportError> {
        let parts = polygons(self.geometry)?;
        let [rings] = parts.as_slice() else { return Err(self.geometry.wrong("one polygon")) };
        let mut placed = Vec::new();
        for ring in rings {
            placed.push(ring.iter().map(|place| self.place(*place)).collect::<Result<Vec<_>, _>>()?);
        }
        match placed.as_slice() {
            [outer] => self.element([("polygon", json!(outer))]),
            [outer, holes @ ..] if may_have_holes => {
                self.element([("polygon", json!(outer)), ("holes", json!(holes))])
            }
            _ => Err(self.geometry.wrong("a polygon without holes")),
        }
    }

    fn place(&self, place: [f64; 2]) -> Result<[f64; 2], ImportError> {
        let far = || self.geometry.out_of_range(place[0], "a place within half a degree of the georeference");
        self.plane.to_site(place).ok_or_else(far)
    }

    fn element<T: DeserializeOwned>(
        &self,
        more: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<T, ImportError> {
        let mut fields = Map::new();
        for (key, at) in self.properties.entries()? {
            if key != "element" {
                fields.insert(key.to_owned(), at.json()?);
            }
        }
        for (key, value) in more {
            if fields.insert(key.to_owned(), value).is_some() {
                return Err(self.properties.duplicate("field, which the geometry says,", key));
            }
        }
        let refused = |error: serde_json::Error| ImportProblem::Syntax { message: error.to_string() };
        serde_json::from_value(Value::Object(fields)).map_err(|error| self.properties.error(refused(error)))
    }
}
