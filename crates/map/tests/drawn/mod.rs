//! Files that we drew, one for each format, with everything in them that an importer looks at.
#![allow(dead_code, reason = "each user takes some of them")]

pub(crate) const ROUTE: &str = r#"{"type": "FeatureCollection", "name": "aisle", "features": [
  {"type": "Feature", "properties": {"id": 7, "frame": "map"}, "geometry": {"type": "Point", "coordinates": [1, -2]}},
  {"type": "Feature", "properties": {"id": 3}, "geometry": {"type": "Point", "coordinates": [4, 2]}},
  {"type": "Feature", "properties": {"id": 7, "startid": 7, "endid": 3, "cost": 10, "overridable": true,
    "metadata": {"abs_speed_limit": 0.5, "aisle": 14}},
    "geometry": {"type": "LineString", "coordinates": [[1, -2], [4, 2]]}},
  {"type": "Feature", "properties": {"id": 7, "startid": 3, "endid": 7, "overridable": false, "metadata": {"speed_limit": 0.85}},
    "geometry": {"type": "MultiLineString", "coordinates": [[[4, 2], [0, 0], [1, -2]]]}}]}"#;

pub(crate) const LAYOUT: &str = r#"{"metaInformation": {"projectIdentification": "hall", "creator": "us", "lifVersion": "1.0.0"},
 "layouts": [{"layoutId": "a", "layoutLevelId": "ground",
  "nodes": [
   {"nodeId": "n1", "nodePosition": {"x": 0, "y": 0}, "vehicleTypeNodeProperties": [
     {"vehicleTypeId": "cart", "theta": 1.5}, {"vehicleTypeId": "lift", "theta": 1.5}]},
   {"nodeId": "n2", "nodePosition": {"x": 5, "y": 0}, "vehicleTypeNodeProperties": [{"vehicleTypeId": "cart", "theta": 90.0}]}],
  "edges": [
   {"edgeId": "e1", "startNodeId": "n1", "endNodeId": "n2", "vehicleTypeEdgeProperties": [
     {"vehicleTypeId": "cart", "vehicleOrientation": 180, "maxSpeed": 1.5, "maxHeight": 2},
     {"vehicleTypeId": "lift", "vehicleOrientation": 0, "orientationType": "TANGENTIAL"}]}],
  "stations": [{"stationId": "s", "interactionNodeIds": ["n2"], "stationHeight": 1.2}]}]}"#;

pub(crate) const PLANT: &str = r#"<?xml version="1.0"?>
<model version="7.0.0" name="plant">
 <point name="A" positionX="0" positionY="0" positionZ="0" vehicleOrientationAngle="90.0" type="PARK_POSITION">
  <outgoingPath name="A-B"/><outgoingPath name="A-C"/></point>
 <point name="B" positionX="4000" positionY="0" positionZ="7" vehicleOrientationAngle="NaN" type="HALT_POSITION"/>
 <point name="C" positionX="4000" positionY="4000" positionZ="0" type="HALT_POSITION"/>
 <path name="A-B" sourcePoint="A" destinationPoint="B" length="5000" maxVelocity="1000" maxReverseVelocity="500" locked="false">
  <pathLayout connectionType="DIRECT" layerId="0"/></path>
 <path name="A-C" sourcePoint="A" destinationPoint="C" length="6000" maxVelocity="1000" maxReverseVelocity="0" locked="false">
  <pathLayout connectionType="BEZIER" layerId="0"><controlPoint x="80" y="0"/><controlPoint x="80" y="0"/></pathLayout></path>
 <locationType name="T"><allowedOperation name="Unload"/></locationType>
 <location name="L" positionX="9" positionY="9" type="T"><link point="B"/></location>
 <block name="X" type="SINGLE_VEHICLE_ONLY"><member name="A-B"/><member name="B"/></block>
 <visualLayout name="V" scaleX="50.0" scaleY="50.0"/>
</model>"#;

pub(crate) const GRAPH: &str = "building_name: tower
levels:
  L1:
    vertices:
      - [0, 0, {name: desk, is_charger: true}]
      - [4, 0, {name: ''}]
      - [8, 0, {name: cabin, lift: lift}]
    lanes:
      - [0, 1, {speed_limit: 0.5, orientation_constraint: forward, mutex: m, door_name: d, dock_name: x}]
      - [1, 2, {}]
  L2:
    vertices: [[8, 0, {name: up, lift: lift}], [4, 0, {name: ward, pickup_dispenser: p}]]
    lanes: [[0, 1, {}]]
doors: {d: {endpoints: [[2, -1], [2, 1]], map: L1}}
lifts: {lift: {position: [8, 0, 0], dims: [2, 3]}}
";

pub(crate) const VENUE: &str = r#"{
 "venue": {"features": [{"id": "v", "type": "Feature", "feature_type": "venue", "properties": {"category": "hospital", "name": {"en": "Clinic"}},
  "geometry": {"type": "Polygon", "coordinates": [[[9.999, 44.999], [10.001, 44.999], [10.001, 45.001], [9.999, 45.001], [9.999, 44.999]]]}}]},
 "building": {"features": [{"id": "b", "type": "Feature", "feature_type": "building", "properties": {"category": "unspecified"}}]},
 "level": {"features": [{"id": "l", "type": "Feature", "feature_type": "level", "properties": {"ordinal": 1, "building_ids": ["b"]}}]},
 "unit": {"features": [{"id": "u", "type": "Feature", "feature_type": "unit", "properties": {"category": "walkway", "level_id": "l", "name": {"en": "Hall"}},
  "geometry": {"type": "Polygon", "coordinates": [[[10, 45], [10.0001, 45], [10.0001, 45.0001], [10, 45.0001], [10, 45]]]}}]},
 "opening": {"features": [{"id": "o", "type": "Feature", "feature_type": "opening", "properties": {"category": "emergencyexit", "level_id": "l", "door": {"type": "swinging"}},
  "geometry": {"type": "LineString", "coordinates": [[10.00002, 45], [10.00004, 45]]}}]},
 "fixture": {"features": [{"id": "f", "type": "Feature", "feature_type": "fixture", "properties": {"category": "desk", "level_id": "l"},
  "geometry": {"type": "Polygon", "coordinates": [[[10.00005, 45.00005], [10.00006, 45.00005], [10.00006, 45.00006], [10.00005, 45.00005]]]}}]},
 "amenity": {"features": [{"id": "a", "type": "Feature", "feature_type": "amenity", "properties": {"category": "atm", "unit_ids": ["u"]},
  "geometry": {"type": "Point", "coordinates": [10.00003, 45.00003]}}]}}"#;

/// Two offices side by side, one that nobody can enter, a walkway of two units before them, and on two levels an elevator
/// and stairs at its end. A hundred-thousandth of a degree is 0.79 m east and 1.11 m north.
pub(crate) const HOUSE: &str = r#"{
 "venue": {"features": [
  {"id": "v", "type": "Feature", "feature_type": "venue", "properties": {"category": "hospital", "name": {"en": "House"}}, "geometry": {"type": "Polygon", "coordinates": [[[9.9995, 44.9995], [10.0008, 44.9995], [10.0008, 45.0007], [9.9995, 45.0007], [9.9995, 44.9995]]]}}]},
 "level": {"features": [
  {"id": "l0", "type": "Feature", "feature_type": "level", "properties": {"ordinal": 0}},
  {"id": "l1", "type": "Feature", "feature_type": "level", "properties": {"ordinal": 1}}]},
 "unit": {"features": [
  {"id": "a", "type": "Feature", "feature_type": "unit", "properties": {"category": "office", "level_id": "l0"}, "geometry": {"type": "Polygon", "coordinates": [[[10.0, 45.0], [10.0001, 45.0], [10.0001, 45.0001], [10.0, 45.0001], [10.0, 45.0]]]}},
  {"id": "b", "type": "Feature", "feature_type": "unit", "properties": {"category": "office", "level_id": "l0"}, "geometry": {"type": "Polygon", "coordinates": [[[10.0001, 45.0], [10.0002, 45.0], [10.0002, 45.0001], [10.0001, 45.0001], [10.0001, 45.0]]]}},
  {"id": "c", "type": "Feature", "feature_type": "unit", "properties": {"category": "nonpublic", "level_id": "l0"}, "geometry": {"type": "Polygon", "coordinates": [[[10.0002, 45.0], [10.0003, 45.0], [10.0003, 45.0001], [10.0002, 45.0001], [10.0002, 45.0]]]}},
  {"id": "w1", "type": "Feature", "feature_type": "unit", "properties": {"category": "walkway", "level_id": "l0"}, "geometry": {"type": "Polygon", "coordinates": [[[10.0, 45.0001], [10.00015, 45.0001], [10.00015, 45.0002], [10.0, 45.0002], [10.0, 45.0001]]]}},
  {"id": "w2", "type": "Feature", "feature_type": "unit", "properties": {"category": "walkway", "level_id": "l0"}, "geometry": {"type": "Polygon", "coordinates": [[[10.00015, 45.0001], [10.0003, 45.0001], [10.0003, 45.0002], [10.00015, 45.0002], [10.00015, 45.0001]]]}},
  {"id": "e0", "type": "Feature", "feature_type": "unit", "properties": {"category": "elevator", "level_id": "l0", "name": {"en": "Lift"}}, "geometry": {"type": "Polygon", "coordinates": [[[10.0003, 45.00011], [10.00033, 45.00011], [10.00033, 45.00014], [10.0003, 45.00014], [10.0003, 45.00011]]]}},
  {"id": "s0", "type": "Feature", "feature_type": "unit", "properties": {"category": "stairs", "level_id": "l0"}, "geometry": {"type": "Polygon", "coordinates": [[[10.0003, 45.00016], [10.00034, 45.00016], [10.00034, 45.0002], [10.0003, 45.0002], [10.0003, 45.00016]]]}},
  {"id": "brick", "type": "Feature", "feature_type": "unit", "properties": {"category": "brick", "level_id": "l0"}, "geometry": {"type": "Polygon", "coordinates": [[[10.00005, 45.00014], [10.00006, 45.00014], [10.00006, 45.00015], [10.00005, 45.00015], [10.00005, 45.00014]]]}},
  {"id": "w3", "type": "Feature", "feature_type": "unit", "properties": {"category": "walkway", "level_id": "l1"}, "geometry": {"type": "Polygon", "coordinates": [[[10.0, 45.0001], [10.0003, 45.0001], [10.0003, 45.0002], [10.0, 45.0002], [10.0, 45.0001]]]}},
  {"id": "e1", "type": "Feature", "feature_type": "unit", "properties": {"category": "elevator", "level_id": "l1"}, "geometry": {"type": "Polygon", "coordinates": [[[10.0003, 45.00011], [10.00033, 45.00011], [10.00033, 45.00014], [10.0003, 45.00014], [10.0003, 45.00011]]]}},
  {"id": "s1", "type": "Feature", "feature_type": "unit", "properties": {"category": "stairs", "level_id": "l1"}, "geometry": {"type": "Polygon", "coordinates": [[[10.0003, 45.00016], [10.00034, 45.00016], [10.00034, 45.0002], [10.0003, 45.0002], [10.0003, 45.00016]]]}},
  {"id": "x1", "type": "Feature", "feature_type": "unit", "properties": {"category": "escalator", "level_id": "l1"}, "geometry": {"type": "Polygon", "coordinates": [[[10.00002, 45.0002], [10.00006, 45.0002], [10.00006, 45.00024], [10.00002, 45.00024], [10.00002, 45.0002]]]}}]},
 "opening": {"features": [
  {"id": "ab", "type": "Feature", "feature_type": "opening", "properties": {"category": "pedestrian", "level_id": "l0"}, "geometry": {"type": "LineString", "coordinates": [[10.0001, 45.00008], [10.0001, 45.00009]]}},
  {"id": "bw", "type": "Feature", "feature_type": "opening", "properties": {"category": "pedestrian", "level_id": "l0", "door": {"type": "swinging"}}, "geometry": {"type": "LineString", "coordinates": [[10.00011, 45.0001], [10.00013, 45.0001]]}},
  {"id": "e0w", "type": "Feature", "feature_type": "opening", "properties": {"category": "pedestrian", "level_id": "l0", "door": {"type": "sliding", "automatic": true}}, "geometry": {"type": "LineString", "coordinates": [[10.0003, 45.00012], [10.0003, 45.00013]]}},
  {"id": "s0w", "type": "Feature", "feature_type": "opening", "properties": {"category": "pedestrian", "level_id": "l0"}, "geometry": {"type": "LineString", "coordinates": [[10.0003, 45.00017], [10.0003, 45.00018]]}},
  {"id": "e1w", "type": "Feature", "feature_type": "opening", "properties": {"category": "pedestrian", "level_id": "l1"}, "geometry": {"type": "LineString", "coordinates": [[10.0003, 45.00012], [10.0003, 45.00013]]}},
  {"id": "s1w", "type": "Feature", "feature_type": "opening", "properties": {"category": "pedestrian", "level_id": "l1"}, "geometry": {"type": "LineString", "coordinates": [[10.0003, 45.00017], [10.0003, 45.00018]]}}]}}"#;

pub(crate) const SITE: &str = r#"{"format_version": "0.1", "anchors": {"8": {"Translate2D": [6, -1]}, "9": {"Translate2D": [6, 1]}},
 "properties": {"name": "s"},
 "levels": {"1": {"properties": {"name": "L1", "elevation": 2}, "anchors": {"2": {"Translate2D": [0, 0]}, "3": {"Translate2D": [4, 0]}},
  "walls": {"4": {"anchors": [2, 3], "texture": 1}},
  "doors": {"5": {"anchors": [2, 3], "name": "d", "kind": {"SingleSwing": {"pivot_on": "Right"}}, "top": {"fixed": 2.1}}}}},
 "lifts": {"6": {"properties": {"name": "lift", "reference_anchors": [8, 9], "cabin": {"Rect": {"width": 1.5, "depth": 1.88, "wall_thickness": 0.05, "gap": 0.01}}},
  "cabin_anchors": {"10": {"Translate2D": [1, 0.5]}, "11": {"Translate2D": [1, -0.5]}, "12": {"Translate2D": [0, 0]}},
  "cabin_doors": {"13": {"kind": {}, "reference_anchors": [10, 11], "visits": [1]}}}},
 "navigation": {"guided": {"graphs": {"20": {"name": "g"}}, "mutex_groups": {"21": {"name": "m"}},
  "lanes": {"30": {"anchors": [2, 3], "mutex": 21, "graphs": {"Only": [20]}, "reverse": "Disable", "forward": {"speed_limit": 0.5}},
   "31": {"anchors": [3, 12], "graphs": "All"}},
  "locations": {"40": {"anchor": 2, "tags": ["Charger"], "name": "home", "graphs": "All"}}}}}"#;

pub(crate) const META: &str = "image: m.pgm\nresolution: 0.5\norigin: [1, 2, 0.5]\nnegate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.196\n";
pub(crate) const IMAGE: &str = "P2\n# ours\n4 3\n255\n254 254 254 205\n254 0 254 205\n254 254 0 254\n";

pub(crate) const GRID: &str = "type octile\nheight 2\nwidth 3\nmap\n.@G\nSTW\n";

/// Two levels and a lift. On L2 everything is twice as large and turned by 90° in the drawing.
pub(crate) const TOWER: &str = "\
name: tower
coordinate_system: reference_image
levels:
  L1:
    elevation: 0
    measurements: [[0, 1, {distance: [3, 10]}]]
    fiducials: [[0, 0, a], [100, 0, b], [0, 100, 7]]
    vertices:
      - [0, 0, 0, desk, {is_charger: [4, true], is_parking_spot: [2, 1]}]
      - [100, 0, 0, \"\"]
      - [100, 50, 0, shop, {pickup_dispenser: [1, till], is_holding_point: [4, true]}]
      - [0, 50, 0, shop, {dropoff_ingestor: [1, box]}]
      - [50, 0.4, 0, \"\", {lift_cabin: [1, lift]}]
    lanes:
      - [0, 1, {bidirectional: [4, true], graph_idx: [2, 0], speed_limit: [3, 0]}]
      - [1, 2, {bidirectional: [4, false], graph_idx: [2, 3], speed_limit: [3, 0.5], mutex: [1, narrow]}]
      - [0, 4, {bidirectional: [4, true], graph_idx: [2, 0], orientation: [1, forward]}]
      - [2, 3, {bidirectional: [4, true], graph_idx: [2, 0]}]
    human_lanes:
      - [0, 3, {graph_idx: [2, 9]}]
    walls:
      - [0, 1, {alpha: [3, 1]}]
      - [2, 3]
    floors:
      - {vertices: [0, 1, 2, 3], parameters: {indoor: [2, 0]}}
  L2:
    elevation: 4
    measurements: []
    fiducials: [[0, 0, a], [0, 200, b], [-200, 0, 7]]
    vertices:
      - [-1, 100, 0, \"\"]
      - [-1, 0, 0, shop]
    lanes: [[0, 1, {bidirectional: [4, true], graph_idx: [2, 0]}]]
lifts:
  lift:
    {reference_floor_name: L1, x: 50, y: 0, yaw: 1.5707963267948966, width: 2, depth: 1.6, lowest_floor: L1,
     highest_floor: '', doors: {d: {x: 1.1, y: 0, width: 1, motion_axis_orientation: 1.5707963267948966, door_type: 2}},
     level_doors: {L1: [d], L2: [d]}}
";

/// A site with something in every field.
pub(crate) const FULL: &str = r#"
schema = 2
name = "clinic \"north\""
building = [{ id = "main" }]
level = [{ id = "L1", elevation_m = 0.5, building = "main", height_m = 3.0 }, { id = "L 2", elevation_m = 4.5 }]
roadmap = [{ id = "carts", label = "for carts" }]
obstacle = [{ id = "desk", level = "L1", polygon = [[1.0, 7.0], [2.0, 7.0], [2.0, 8.0], [1.0, 8.0]], height_m = 0.7 }]

[[room]]
id = "hall"
level = "L1"
kind = "corridor"
polygon = [[0.0, 0.0], [20.0, 0.0], [20.0, 5.0], [0.0, 5.0]]
holes = [[[9.0, 2.0], [9.0, 2.5], [9.5, 2.5], [9.5, 2.0]]]
walled = true
label = "Hall"
tags = ["a", "b"]
access = "staff"
occupancy_max = 9
hygiene = "clean"
served = true
floor_m = 0.1
height_m = 2.9

[[room]]
id = "ward"
level = "L1"
polygon = [[0.0, 5.0], [20.0, 5.0], [20.0, 10.0], [0.0, 10.0]]
walled = true

[[room]]
id = "attic"
level = "L 2"
polygon = [[0.0, 0.0], [10.0, 0.0], [10.0, 5.0], [0.0, 5.0]]

[[wall]]
level = "L1"
from = [12.0, 6.0]
to = [14.0, 6.0]
thickness_m = 0.2
kind = "glass"
height_m = 1.1

[[door]]
id = "d"
level = "L1"
from = [5.0, 5.0]
to = [6.0, 5.0]
kind = "hinged"
swing = "left"
opening_s = 4.0
fire_rated = true
exit = true
clear_width_m = 0.9
clear_height_m = 2.1
control = "badge"
signed = true

[[door]]
id = "e"
level = "L1"
from = [5.0, 10.0]
to = [6.0, 10.0]

[[lift]]
id = "lift"
at = [18.0, 2.5]
yaw_rad = 0.1
width_m = 2.0
depth_m = 1.8
door_s = 2.5
speed_mps = 1.5
height_m = 2.2
payload_kg = 900.0
door = [
    { level = "L1", from = [16.9, 2.0], to = [16.9, 3.0] },
    { level = "L 2", from = [16.9, 2.0], to = [16.9, 3.0] },
]

[[connector]]
id = "stairs"
kind = "stairs"
from = { level = "L1", at = [1.0, 9.0], height_m = 0.2 }
to = { level = "L 2", at = [3.0, 9.0] }
width_m = 1.2

[[sensor]]
id = "eye"
level = "L1"
at = [10.0, 9.0]
yaw_rad = -1.0
view_rad = 1.5
range_m = 8.0
kind = "lidar"

[[waypoint]]
id = "home"
level = "L1"
at = [2.0, 2.0]
roles = ["charger", "parking"]
yaw_rad = 1.5

[[waypoint]]
id = "mid"
level = "L1"
at = [5.5, 2.0]

[[waypoint]]
id = "in"
level = "L1"
at = [5.5, 7.0]
roles = ["holding", "passthrough"]

[[waypoint]]
id = "out"
level = "L1"
at = [5.5, 12.0]

[[waypoint]]
id = "cabin"
level = "L1"
at = [18.0, 2.5]
lift = "lift"

[[waypoint]]
id = "cabin 2"
level = "L 2"
at = [18.0, 2.5]
lift = "lift"

[[waypoint]]
id = "up"
level = "L 2"
at = [9.0, 2.5]

[[waypoint]]
id = "alone"
level = "L1"
at = [14.0, 8.0]

[[lane]]
from = "home"
to = "mid"
speed_limit_mps = 0.7
corridor = "narrow"
roadmap = "carts"
orientation = "forward"
height_m = 2.0
length_m = 3.6
classes = ["cart", "bed"]

[[lane]]
from = "mid"
to = "in"
bidirectional = false
orientation = "backward"
classes = ["cart"]

[[lane]]
from = "in"
to = "out"

[[lane]]
from = "mid"
to = "cabin"

[[lane]]
from = "cabin 2"
to = "up"
roadmap = "beds"

[[station]]
id = "home"
waypoint = "home"
kind = "charger"

[[station]]
id = "till"
waypoint = "in"
kind = "pickup"

[[station]]
id = "bin"
waypoint = "in"
kind = "dropoff"

[[station]]
id = "place"
waypoint = "in"

[[zone]]
id = "closed"
level = "L1"
kind = "blocked"
polygon = [[15.0, 6.0], [16.0, 6.0], [16.0, 7.0], [15.0, 7.0]]
classes = ["cart"]
schedule = [{ days = ["monday"], from = "22:00", to = "06:00" }]

[[zone]]
id = "slow"
level = "L1"
kind = "speed_limit"
polygon = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]]
speed_limit_mps = 0.4

[[zone]]
id = "people"
level = "L 2"
kind = "human_only"
polygon = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]

[[zone]]
id = "better"
level = "L1"
kind = "priority"
polygon = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
weight = 0.25

[[zone]]
id = "one way"
level = "L1"
kind = "directed"
polygon = [[6.0, 0.0], [7.0, 0.0], [7.0, 1.0], [6.0, 1.0]]
direction_rad = 0.5
strictness = "strict"

[[zone]]
id = "leave"
level = "L1"
kind = "release"
polygon = [[6.0, 3.0], [7.0, 3.0], [7.0, 4.0], [6.0, 4.0]]
release_loss = "evacuate"

[[zone]]
id = "ring"
level = "L1"
kind = "action"
polygon = [[8.0, 3.0], [8.5, 3.0], [8.5, 4.0], [8.0, 4.0]]
actions = { entry = ["bell"], during = ["lamp"], exit = ["bell", "off"] }

[[zone]]
id = "uv"
level = "L1"
kind = "uv_c"
polygon = [[0.0, 5.0], [20.0, 5.0], [20.0, 10.0], [0.0, 10.0]]
doors = ["d"]
"#;

/// A file for each format: its name and its text. Rasters name the image `m.pgm`, which is [`IMAGE`].
pub(crate) const FILES: [(&str, &str); 13] = [
    ("a.geojson", ROUTE),
    ("a.lif.json", LAYOUT),
    ("a.site.json", SITE),
    ("a.json", VENUE),
    ("house.json", HOUSE),
    ("a.map", GRID),
    ("a.yaml", META),
    ("a_keepout.yaml", META),
    ("a_speed.yaml", META),
    ("a.xml", PLANT),
    ("0.yaml", GRAPH),
    ("a.building.yaml", TOWER),
    ("a.toml", FULL),
];
