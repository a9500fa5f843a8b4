//! `GeoJSON` of all elements of a site, the dialect that [`import_geojson`](crate::import::import_geojson) reads.
//!
//! Every element is a feature whose properties are its fields in our own format, under `element` the table it belongs to.
//! Places, lines and outlines are the geometry; what has an extent of another kind (lifts, stairs) or none of its own
//! (lanes, stations) keeps all its fields and has a geometry for looking at. Levels and whatever else has no place are in
//! the member `sheepdog`, which also says whether coordinates are longitudes and latitudes (of a site with a
//! georeference) or metres. Outer rings are counter-clockwise and holes clockwise, as RFC 7946 asks.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    geojson::Plane,
    geometry::{Point, twice_area},
    model::{Lift, Site},
};

use super::{
    ExportError, ExportFile, ExportOptions, ExportReport, Exported,
    network::{Network, Written, indices, levels, roadmaps},
    text::json as line,
};

pub(super) fn export(site: &Site, options: &ExportOptions<'_>) -> Exported {
    let all = levels(site, options)?;
    roadmaps(site, options)?;
    let network = Network::of(site, options.roadmap, options.level);
    let mut writer =
        Writer { plane: Plane::of(site.georeference), features: Vec::new(), written: Written::default() };
    let is_here = |level: &str| all.contains(&level);
    for index in indices(&site.rooms, |room| is_here(&room.level)) {
        let Some(room) = site.rooms.get(index) else { continue };
        let rings = std::iter::once(&room.polygon).chain(&room.holes);
        writer.polygon("room", index, room, &["polygon", "holes"], rings)?;
    }
    for index in indices(&site.walls, |wall| is_here(&wall.level)) {
        let Some(wall) = site.walls.get(index) else { continue };
        writer.line("wall", index, wall, &["from", "to"], [wall.from, wall.to])?;
    }
    for index in indices(&site.doors, |door| is_here(&door.level)) {
        let Some(door) = site.doors.get(index) else { continue };
        writer.line("door", index, door, &["from", "to"], [door.from, door.to])?;
    }
    for index in indices(&site.obstacles, |obstacle| is_here(&obstacle.level)) {
        let Some(obstacle) = site.obstacles.get(index) else { continue };
        writer.polygon("obstacle", index, obstacle, &["polygon"], [&obstacle.polygon])?;
    }
    for index in indices(&site.zones, |zone| is_here(&zone.level)) {
        let Some(zone) = site.zones.get(index) else { continue };
        writer.polygon("zone", index, zone, &["polygon"], [&zone.polygon])?;
    }
    for index in indices(&site.sensors, |sensor| is_here(&sensor.level)) {
        let Some(sensor) = site.sensors.get(index) else { continue };
        writer.point("sensor", index, sensor, &["at"], sensor.at)?;
    }
    writer.between(site, &all)?;
    let places: BTreeMap<&str, [f64; 2]> =
        site.waypoints.iter().map(|way| (way.id.as_str(), way.at)).collect();
    let place = |name: &str| places.get(name).copied().unwrap_or_default();
    for (index, way) in &network.ways {
        writer.point("waypoint", *index, way, &["at"], way.at)?;
    }
    for (index, lane) in &network.lanes {
        writer.line("lane", *index, lane, &[], [place(&lane.from), place(&lane.to)])?;
    }
    for (index, station) in &network.stations {
        writer.point("station", *index, station, &[], place(&station.waypoint))?;
    }
    let Writer { features, mut written, .. } = writer;
    written.add("level", indices(&site.levels, |level| is_here(&level.id)));
    let mut report = ExportReport::default();
    report.tally(site, |leaf| match leaf.table {
        "" | "building" | "roadmap" => true,
        table => written.has(table, leaf.index),
    });
    let text = format!(
        "{{\"type\": \"FeatureCollection\", \"sheepdog\": {},\n\"features\": [\n{}\n]}}\n",
        line(&head(site, &all)),
        features.join(",\n")
    );
    Ok((vec![ExportFile::new(options.name, text)], report))
}

/// What has no place of its own.
fn head(site: &Site, levels: &[&str]) -> Value {
    let mut head = Map::new();
    let mut put = |key: &str, value: Value| drop(head.insert(key.to_owned(), value));
    put("schema", json!(site.schema));
    put("name", json!(site.name));
    put("coordinates", json!(if site.georeference.is_some() { "wgs84" } else { "metres" }));
    if let Some(georeference) = site.georeference {
        put("georeference", value(&georeference));
    }
    put("level", site.levels.iter().filter(|level| levels.contains(&level.id.as_str())).map(value).collect());
    if !site.buildings.is_empty() {
        put("building", site.buildings.iter().map(value).collect());
    }
    if !site.roadmaps.is_empty() {
        put("roadmap", site.roadmaps.iter().map(value).collect());
    }
    Value::Object(head)
}

/// An element as in our own JSON. Elements are plain maps of strings and finite numbers, so this never fails.
fn value(element: &impl Serialize) -> Value {
    serde_json::to_value(element).unwrap_or_default()
}

struct Writer {
    plane: Plane,
    features: Vec<String>,
    written: Written,
}

impl Writer {
    fn polygon<'a>(
        &mut self,
        table: &'static str,
        index: usize,
        element: &impl Serialize,
        without: &[&str],
        rings: impl IntoIterator<Item = &'a Vec<[f64; 2]>>,
    ) -> Result<(), ExportError> {
        let mut coordinates = Vec::new();
        for (number, ring) in rings.into_iter().enumerate() {
            let points: Vec<Point> = ring.iter().map(|corner| Point::from(*corner)).collect();
            let is_hole = 0 < number;
            let mut ring = ring.clone();
            if (twice_area(&points) < 0.0) != is_hole
                && let Some(rest) = ring.get_mut(1..)
            {
                rest.reverse();
            }
            ring.extend(ring.first().copied());
            coordinates.push(self.places(table, &ring)?);
        }
        self.add(table, index, element, without, &json!({ "type": "Polygon", "coordinates": coordinates }));
        Ok(())
    }

    fn line(
        &mut self,
        table: &'static str,
        index: usize,
        element: &impl Serialize,
        without: &[&str],
        ends: [[f64; 2]; 2],
    ) -> Result<(), ExportError> {
        let coordinates = self.places(table, &ends)?;
        self.add(
            table,
            index,
            element,
            without,
            &json!({ "type": "LineString", "coordinates": coordinates }),
        );
        Ok(())
    }

    fn point(
        &mut self,
        table: &'static str,
        index: usize,
        element: &impl Serialize,
        without: &[&str],
        at: [f64; 2],
    ) -> Result<(), ExportError> {
        let coordinates = self.place(table, at)?;
        self.add(table, index, element, without, &json!({ "type": "Point", "coordinates": coordinates }));
        Ok(())
    }

    /// What joins levels.
    fn between(&mut self, site: &Site, levels: &[&str]) -> Result<(), ExportError> {
        let is_here = |level: &str| levels.contains(&level);
        for (index, lift) in site.lifts.iter().enumerate() {
            // A lift whose doors are not all on the levels that are written would be another lift.
            if lift.doors.iter().all(|door| is_here(&door.level)) {
                self.polygon("lift", index, lift, &[], [&cabin(lift)])?;
            }
        }
        for (index, connector) in site.connectors.iter().enumerate() {
            if is_here(&connector.from.level) && is_here(&connector.to.level) {
                self.line("connector", index, connector, &[], [connector.from.at, connector.to.at])?;
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        table: &'static str,
        index: usize,
        element: &impl Serialize,
        without: &[&str],
        geometry: &Value,
    ) {
        let mut properties = value(element);
        if let Some(properties) = properties.as_object_mut() {
            properties.retain(|key, _| !without.contains(&key.as_str()));
            properties.insert("element".to_owned(), json!(table));
        }
        let feature = json!({ "type": "Feature", "geometry": geometry, "properties": properties });
        self.features.push(line(&feature));
        self.written.add(table, [index]);
    }

    fn places(&self, table: &str, places: &[[f64; 2]]) -> Result<Value, ExportError> {
        places.iter().map(|place| self.place(table, *place)).collect()
    }

    fn place(&self, table: &str, at: [f64; 2]) -> Result<Value, ExportError> {
        let place = self.plane.to_file(at).ok_or_else(|| ExportError::OutOfRange {
            element: format!("a {table} at ({}, {})", at[0], at[1]),
            field: "distance from the georeference",
            value: libm::hypot(at[0], at[1]),
            rule: "a place within half a degree of it",
        })?;
        Ok(json!(place))
    }
}

/// The outline of a lift's cabin.
fn cabin(lift: &Lift) -> Vec<[f64; 2]> {
    let (sine, cosine) = (libm::sin(lift.yaw_rad), libm::cos(lift.yaw_rad));
    let (w, d) = (lift.width_m / 2.0, lift.depth_m / 2.0);
    let place = |[u, v]: [f64; 2]| [lift.at[0] + cosine * u - sine * v, lift.at[1] + sine * u + cosine * v];
    [[-w, -d], [w, -d], [w, d], [-w, d]].map(place).to_vec()
}
