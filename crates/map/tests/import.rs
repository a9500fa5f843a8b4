//! The importers over small files of our own, one for each trap.
#![expect(clippy::expect_used, clippy::float_cmp, reason = "fixtures of tests; exact values are meant")]

use sheepdog_map::{
    CompileOptions, Site,
    import::{ImportError, ImportProblem, ImportReport, import},
    model::{Orientation, StationKind},
};

fn read(name: &str, text: &str) -> (Site, ImportReport) {
    let (site, report) = import(name, text.as_bytes(), |_| None).unwrap_or_else(|error| panic!("{error}"));
    site.compile(&CompileOptions::default()).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    (site, report)
}

fn refused(name: &str, text: &str) -> ImportError {
    import(name, text.as_bytes(), |_| None).expect_err("it must be refused")
}

fn dropped(report: &ImportReport, path: &str) -> usize {
    report.dropped.iter().find(|(other, _)| other == path).map_or(0, |(_, count)| *count)
}

fn implied(report: &ImportReport, path: &str) -> usize {
    report.implied.iter().find(|(other, _)| other == path).map_or(0, |(_, count)| *count)
}

const ROUTE: &str = r#"{"type": "FeatureCollection", "name": "aisle", "features": [
  {"type": "Feature", "properties": {"id": 7, "frame": "map"}, "geometry": {"type": "Point", "coordinates": [1, -2]}},
  {"type": "Feature", "properties": {"id": 3}, "geometry": {"type": "Point", "coordinates": [4, 2]}},
  {"type": "Feature", "properties": {"id": 7, "startid": 7, "endid": 3, "cost": 10, "overridable": true,
    "metadata": {"abs_speed_limit": 0.5, "aisle": 14}},
    "geometry": {"type": "LineString", "coordinates": [[1, -2], [4, 2]]}},
  {"type": "Feature", "properties": {"id": 7, "startid": 3, "endid": 7, "overridable": false, "metadata": {"speed_limit": 0.85}},
    "geometry": {"type": "MultiLineString", "coordinates": [[[4, 2], [0, 0], [1, -2]]]}}]}"#;

#[test]
fn a_route_graph_becomes_waypoints_and_one_way_lanes() {
    let (site, report) = read("aisle.geojson", ROUTE);
    assert_eq!(site.name, "aisle");
    let places: Vec<_> = site.waypoints.iter().map(|way| (way.id.as_str(), way.at)).collect();
    assert_eq!(places, [("7", [1.0, -2.0]), ("3", [4.0, 2.0])]);
    let lanes: Vec<_> = site
        .lanes
        .iter()
        .map(|lane| (lane.from.as_str(), lane.bidirectional, lane.speed_limit_mps))
        .collect();
    assert_eq!(lanes, [("7", false, Some(0.5)), ("3", false, Some(0.85))]);
    for (path, count) in [
        ("features[].properties.cost", 1),
        ("features[].properties.id", 2),
        ("features[].properties.metadata.aisle", 1),
        ("features[].properties.overridable", 1),
    ] {
        assert_eq!(dropped(&report, path), count, "{path}: {:?}", report.dropped);
    }
    assert_eq!(implied(&report, "features[].properties.frame"), 1);
    let lines: Vec<_> = report.warnings.iter().filter_map(|warning| warning.line).collect();
    assert_eq!(lines, [7, 8, 7], "{:?}", report.warnings);
}

#[test]
fn route_graphs_with_faults_are_refused() {
    let with = |from: &str, to: &str| {
        assert!(ROUTE.contains(from), "{from}");
        refused("aisle.geojson", &ROUTE.replacen(from, to, 1))
    };
    let error = with("\"endid\": 3", "\"endid\": 9");
    assert_eq!(error.problem, ImportProblem::NoSuch { what: "node", name: "9".to_owned() });
    assert_eq!(error.element, "features[2].properties.endid");
    assert_eq!(error.position.map(|at| at.line), Some(4));
    let error = with("\"id\": 3", "\"id\": 7");
    assert_eq!(error.problem, ImportProblem::Duplicate { what: "node id", value: "7".to_owned() });
    assert_eq!(with("\"startid\": 7, ", "").problem, ImportProblem::Missing { field: "startid" });
    assert!(matches!(with("[4, 2]", "[4e999, 2]").problem, ImportProblem::NotFinite { .. }));
    assert!(matches!(with("\"id\": 3", "\"id\": -3").problem, ImportProblem::WrongType { .. }));
    assert!(matches!(with("\"Point\"", "\"Polygon\"").problem, ImportProblem::UnknownWord { .. }));
    let deep = format!("{{\"type\": \"FeatureCollection\", \"x\": {}", "[".repeat(1_000));
    assert!(matches!(refused("deep.geojson", &deep).problem, ImportProblem::TooDeep { .. }));
    assert!(matches!(with("\"id\": 3", "\"id\": 3, \"id\": 4").problem, ImportProblem::Duplicate { .. }));
}

const LAYOUT: &str = r#"{"metaInformation": {"projectIdentification": "hall", "creator": "us", "lifVersion": "1.0.0"},
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

#[test]
fn a_layout_keeps_classes_headings_and_limits() {
    let (site, report) = read("hall.lif.json", LAYOUT);
    assert_eq!((site.name.as_str(), site.levels[0].id.as_str()), ("hall", "ground"));
    assert_eq!((site.waypoints[0].yaw_rad, site.waypoints[1].yaw_rad), (Some(1.5), None));
    let [cart, lift] = site.lanes.as_slice() else { panic!("{:?}", site.lanes) };
    assert_eq!(
        (cart.orientation, cart.speed_limit_mps, cart.height_m),
        (Orientation::Backward, Some(1.5), Some(2.0))
    );
    assert_eq!(
        (lift.orientation, lift.classes.as_slice()),
        (Orientation::Forward, ["lift".to_owned()].as_slice())
    );
    assert_eq!((site.stations[0].waypoint.as_str(), site.stations[0].kind), ("n2", StationKind::Place));
    assert!(report.warnings.iter().any(|warning| warning.message.contains("cannot be radians")));
    assert_eq!(dropped(&report, "layouts[].stations[].stationHeight"), 1);
    let error = refused("hall.lif.json", &LAYOUT.replacen("\"n2\"]", "\"n9\"]", 1));
    assert_eq!(error.problem, ImportProblem::NoSuch { what: "node", name: "n9".to_owned() });
    let error = refused("hall.lif.json", &LAYOUT.replacen("1.0.0", "2.0.0", 1));
    assert!(matches!(error.problem, ImportProblem::UnknownWord { .. }), "{error}");
}

#[cfg(feature = "opentcs")]
const PLANT: &str = r#"<?xml version="1.0"?>
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

#[cfg(feature = "opentcs")]
#[test]
fn a_plant_model_has_curves_blocks_and_both_speeds() {
    let (site, report) = read("plant.xml", PLANT);
    let way = |id: &str| site.waypoints.iter().find(|way| way.id == id).unwrap();
    assert_eq!(way("B").at, [4.0, 0.0]);
    assert_eq!(way("A").yaw_rad, Some(core::f64::consts::FRAC_PI_2));
    let [ahead, back, curve @ ..] = site.lanes.as_slice() else { panic!("{:?}", site.lanes) };
    assert_eq!((ahead.speed_limit_mps, ahead.orientation), (Some(1.0), Orientation::Forward));
    assert_eq!(
        (back.from.as_str(), back.speed_limit_mps, back.orientation),
        ("B", Some(0.5), Orientation::Backward)
    );
    assert_eq!((ahead.corridor.as_deref(), ahead.length_m), (Some("X"), Some(5.0)));
    // 6 · 4 m of second derivative, 2 cm beside the curve: 13 pieces, mirrored about the diagonal through B.
    assert_eq!(curve.len(), 13);
    let declared: f64 = curve.iter().filter_map(|lane| lane.length_m).sum();
    assert!((declared - 6.0).abs() < 1e-9 && curve.iter().all(|lane| !lane.bidirectional));
    let ([x, y], [u, v]) = (way("A-C #1").at, way("A-C #12").at);
    assert!((x - (4.0 - v)).abs() < 1e-9 && (y - (4.0 - u)).abs() < 1e-9, "{x} {y} {u} {v}");
    assert_eq!((site.stations[0].waypoint.as_str(), site.stations[0].kind), ("B", StationKind::Dropoff));
    assert!(report.warnings.iter().any(|warning| warning.message.contains("declared to be 5.000 m")));
    for (path, count) in [("point[].positionZ", 1), ("block[].member[]", 1), ("path[].name", 2)] {
        assert_eq!(dropped(&report, path), count, "{path}: {:?}", report.dropped);
    }
}

#[cfg(feature = "opentcs")]
#[test]
fn plant_models_with_faults_are_refused() {
    let with = |from: &str, to: &str| {
        assert!(PLANT.contains(from), "{from}");
        refused("plant.xml", &PLANT.replacen(from, to, 1)).problem
    };
    assert!(matches!(with("destinationPoint=\"B\"", "destinationPoint=\"D\""), ImportProblem::NoSuch { .. }));
    assert!(matches!(with("point name=\"B\"", "point name=\"A\""), ImportProblem::Duplicate { .. }));
    assert!(matches!(with("positionX=\"4000\"", "positionX=\"inf\""), ImportProblem::NotFinite { .. }));
    assert!(matches!(with("version=\"7.0.0\"", "version=\"8\""), ImportProblem::UnknownWord { .. }));
    assert!(matches!(with("<model", "<!DOCTYPE x [<!ENTITY a \"b\">]><model"), ImportProblem::Syntax { .. }));
    let deep = format!("<model version=\"7\">{}", "<a>".repeat(100_000));
    assert!(matches!(refused("deep.xml", &deep).problem, ImportProblem::TooDeep { .. }));
}
