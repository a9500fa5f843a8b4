//! Pictures: well-formed, deterministic, and true to what was drawn.
#![expect(clippy::unwrap_used, clippy::panic, reason = "fixtures of tests")]

use proptest::prelude::*;
use sheepdog_core::LevelId;
use sheepdog_map::{
    CompileOptions, CompiledSite, Site,
    svg::{Keyframe, Layers, MarkerKind, Picture},
};

fn hospital() -> CompiledSite {
    let text = include_str!("../../../sites/hospital.toml");
    Site::from_toml(text).unwrap().compile(&CompileOptions::default()).unwrap()
}

/// Checks tags, attributes and entities of the XML subset that pictures use; returns the names of all elements.
fn elements(svg: &str) -> Vec<&str> {
    let mut open = Vec::new();
    let mut all = Vec::new();
    for part in svg.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("unclosed <{part}"));
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        for stray in [tag, text] {
            for entity in stray.split('&').skip(1) {
                let (entity, _) = entity.split_once(';').unwrap_or_else(|| panic!("bare & in {stray}"));
                assert!(matches!(entity, "amp" | "lt" | "gt" | "quot" | "#39"), "{entity}");
            }
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            let name = tag.split_ascii_whitespace().next().unwrap().trim_end_matches('/');
            all.push(name);
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    all
}

/// The value of an attribute of the first element that has it after `from`.
fn attribute<'a>(svg: &'a str, from: &str, name: &str) -> &'a str {
    let rest = svg.split_once(from).unwrap().1;
    let rest = rest.split_once(&format!("{name}=\"")).unwrap().1;
    rest.split_once('"').unwrap().0
}

#[test]
fn the_hospital_is_drawn_whole_and_the_same_every_time() {
    let site = hospital();
    let svg = Picture::of_site(&site).render();
    assert_eq!(svg, Picture::of_site(&hospital()).render());
    elements(&svg);
    for name in ["hospital", "ward-a-1", "pharmacy", "ground (0 m)", "first (4 m)", "5 m"] {
        assert!(svg.contains(name), "{name}");
    }
    let one = Picture::of_level(&site, site.level_named("ground").unwrap()).render();
    assert!(one.contains("pharmacy") && !one.contains("ward-a-1"));
    elements(&one);
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

#[test]
fn numbers_have_at_most_three_decimals() {
    let mut picture = Picture::of_site(&hospital());
    picture.disc(LevelId(0), (1.0 / 3.0, 2.0 / 3.0), 0.123_456, "#123", "");
    let svg = picture.render();
    for number in svg.split(|c: char| !c.is_ascii_digit() && c != '.') {
        assert!(number.split_once('.').is_none_or(|(_, decimals)| decimals.len() <= 3), "{number}");
    }
}

#[test]
fn names_cannot_break_out_of_the_document() {
    let mut site = Site::from_toml(include_str!("../../../sites/hospital.toml")).unwrap();
    site.name = "a<script>&\"'\u{0}\u{1b}]]>".to_owned();
    let site = site.compile(&CompileOptions::default()).unwrap();
    let mut picture = Picture::of_site(&site);
    picture.disc(LevelId(0), (5.0, 8.0), 0.3, "red\" onload=\"x", "<b>&\u{7}");
    picture.path(LevelId(0), &[(0.0, 0.0), (1.0, 1.0)], "\"/><x");
    let svg = picture.render();
    let all = elements(&svg);
    assert!(!all.contains(&"script") && !all.contains(&"b") && !all.contains(&"x"));
    assert!(!svg.contains(" onload=\"x"));
    assert!(!svg.chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn what_cannot_be_placed_is_left_out() {
    let site = hospital();
    let plain = Picture::of_site(&site).render();
    let mut picture = Picture::of_site(&site);
    picture.disc(LevelId(9), (0.0, 0.0), 0.3, "red", "r");
    picture.disc(LevelId(0), (f64::NAN, 0.0), 0.3, "red", "r");
    picture.path(LevelId(0), &[(0.0, 0.0), (f64::INFINITY, 0.0)], "red");
    picture.moving_disc(&[], 0.3, "red", "r", 10.0);
    let unseen = Keyframe { t_s: 0.0, level: LevelId(0), x: 1.0, y: 1.0, visible: false };
    picture.moving_disc(&[unseen], 0.3, "red", "r", 0.0);
    picture.moving_disc(&[Keyframe { t_s: f64::NAN, ..unseen }], 0.3, "red", "r", 10.0);
    assert_eq!(picture.render(), plain);
    elements(&Picture::of_level(&site, LevelId(9)).render());
}

#[test]
fn a_robot_moves_evenly_and_jumps_between_levels() {
    let site = hospital();
    let (ground, first) = (site.level_named("ground").unwrap(), site.level_named("first").unwrap());
    let frame = |t_s, level, x, visible| Keyframe { t_s, level, x, y: 8.0, visible };
    let mut picture = Picture::of_site(&site);
    let frames =
        [frame(30.0, first, 20.0, false), frame(10.0, ground, 10.0, true), frame(20.0, first, 10.0, true)];
    picture.moving_disc(&frames, 0.3, "teal", "r1", 40.0);
    let svg = picture.render();
    elements(&svg);
    let from = "fill=\"teal\"";
    assert_eq!(attribute(&svg, from, "keyTimes"), "0;0.5;0.5;0.75;1");
    let values: Vec<&str> = attribute(&svg, from, "values").split(';').collect();
    let [start, wait, jump, arrive, end] = values.as_slice() else { panic!("{values:?}") };
    assert_eq!((start, arrive), (wait, end));
    assert_ne!(jump, arrive);
    let x_of = |value: &str| value.split_once(' ').unwrap().0.to_owned();
    assert_eq!(x_of(wait), x_of(jump), "the levels are stacked, so only y jumps");
    assert_ne!(wait, jump);
    let visibility = svg.split_once("attributeName=\"visibility\"").unwrap().1;
    assert_eq!(attribute(visibility, "", "keyTimes"), "0;0.25;0.75");
    assert_eq!(attribute(visibility, "", "values"), "hidden;visible;hidden");
}

#[test]
fn every_element_of_a_site_has_an_id_and_a_text() {
    let text = include_str!("everything.toml");
    let site = Site::from_toml(text).unwrap().compile(&CompileOptions::default()).unwrap();
    let svg = Picture::of_site(&site).render();
    let tree = roxmltree::Document::parse(&svg).unwrap();
    let titled = |id: &str| {
        let node = tree.descendants().find(|node| node.attribute("id") == Some(id));
        let node = node.unwrap_or_else(|| panic!("no {id}"));
        node.children().any(|child| child.tag_name().name() == "title")
    };
    for id in [
        "room-hook",
        "door-way-out",
        "door-double",
        "lift-lift.20.A--0",
        "lift-lift.20.A--1",
        "connector-stairs--0",
        "connector-stairs--1",
        "connector-slope--0",
        "obstacle-desk",
        "sensor-eye",
        "zone-z-replan",
        "station-pick",
        "waypoint-e",
    ] {
        assert!(titled(id), "{id}");
    }
    for layer in [
        "rooms",
        "zones",
        "sensors",
        "obstacles",
        "connectors",
        "lifts",
        "lanes",
        "walls",
        "doors",
        "waypoints",
    ] {
        let id = format!("{layer}-low");
        assert!(svg.contains(&format!("id=\"{id}\" class=\"{layer}\"")), "{id}");
    }
}

#[test]
fn doors_have_leaves_arcs_and_badges() {
    let text = include_str!("everything.toml");
    let site = Site::from_toml(text).unwrap().compile(&CompileOptions::default()).unwrap();
    let svg = Picture::of_site(&site).render();
    let door = |id: &str| {
        svg.split_once(&format!("id=\"door-{id}\"")).unwrap().1.split_once("</g>").unwrap().0.to_owned()
    };
    assert_eq!(door("way-out").matches('A').count(), 2, "two leaves, two arcs");
    assert_eq!(door("hinged").matches('A').count(), 1);
    assert!(door("both").matches('A').count() == 2 && door("both").contains("stroke-dasharray"));
    assert_eq!(door("sliding").matches('A').count(), 0);
    assert!(door("gap").contains("stroke-dasharray"));
    assert_eq!((svg.matches(">EXIT<").count(), svg.matches(">F<").count()), (2, 2));
}

#[test]
fn a_marker_points_at_its_place_and_is_explained() {
    let site = hospital();
    let station = &site.stations()[0];
    let way = site.waypoint(station.waypoint).unwrap();
    let mut picture = Picture::of_site(&site);
    assert!(picture.marker(way.level, [way.at.x, way.at.y], MarkerKind::Error, "R203E", "too <narrow>"));
    assert!(!picture.marker(LevelId(9), [0.0, 0.0], MarkerKind::Error, "R1", "x"));
    assert!(!picture.marker(LevelId(0), [f64::NAN, 0.0], MarkerKind::Error, "R1", "x"));
    picture.remark(None, MarkerKind::Warning, "A402W", "the fiducials are 4 cm off");
    let svg = picture.render();
    elements(&svg);
    let station = format!("id=\"station-{}\"", station.name);
    let place = ["x", "y"].map(|axis| attribute(&svg, &station, &format!(" {axis}")).to_owned());
    let pin = ["cx", "cy"].map(|axis| attribute(&svg, "id=\"marker-1\"", axis).to_owned());
    assert_eq!(place, pin, "the pin's foot is where the station is");
    assert!(!svg.contains("id=\"marker-2\"") && svg.contains(">1 error, 1 warning<"));
    let list = svg.split_once("id=\"findings\"").unwrap().1;
    assert!(list.contains("R203E: too &lt;narrow&gt;") && list.contains("A402W: the fiducials are 4 cm off"));
    // Ten metres to the right and two up.
    let from = picture.pixel(way.level, [way.at.x, way.at.y]).unwrap();
    let to = picture.pixel(way.level, [way.at.x + 10.0, way.at.y + 2.0]).unwrap();
    assert!((to[0] - from[0] - 5.0 * (from[1] - to[1])).abs() < 1e-9 && from[0] < to[0]);
}

#[test]
fn many_markers_are_listed_up_to_a_limit() {
    let mut picture = Picture::of_site(&hospital());
    for index in 0..1_000 {
        let at = [f64::from(index % 40), f64::from(index % 13)];
        picture.marker(LevelId(0), at, MarkerKind::Warning, "W", &"long ".repeat(200));
    }
    let svg = picture.render();
    elements(&svg);
    assert!(svg.contains("id=\"marker-1000\"") && svg.contains(">and 600 more<"));
}

/// Texts with much that XML, paths and layouts could stumble over.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\u{1}-\u{7f}]{1,12}",
        "\\PC{1,8}",
        prop::sample::select(vec![
            "]]>".to_owned(),
            "<!--".to_owned(),
            "&amp;".to_owned(),
            "\"'/><script>".to_owned(),
            "\u{202e}\u{feff}".to_owned(),
            "病室".to_owned(),
            "x".repeat(3_000),
            "- _/.".repeat(50),
            "\u{ffff}\u{fffe}".to_owned(),
        ]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever things are called, the document is well-formed, says so, and ids do not clash.
    #[test]
    fn hostile_names_stay_texts(names in prop::collection::btree_set(name(), 6)) {
        let names: Vec<String> = names.into_iter().collect();
        let [room, door, way, station, zone, level] = names.as_slice() else { return Ok(()) };
        let mut site = Site::from_toml(include_str!("everything.toml")).unwrap();
        site.name.clone_from(room);
        site.rooms[0].id.clone_from(room);
        site.rooms[0].label = Some(door.clone());
        site.doors[0].id.clone_from(door);
        site.obstacles[0].id.clone_from(zone);
        site.stations[0].id.clone_from(station);
        site.zones[0].id.clone_from(zone);
        for lane in &mut site.lanes {
            for end in [&mut lane.from, &mut lane.to] {
                if end == "a" { end.clone_from(way); }
            }
        }
        site.waypoints[0].id.clone_from(way);
        site.stations[0].waypoint.clone_from(way);
        site.connectors[0].from.level.clone_from(level);
        site.levels[0].id.clone_from(level);
        let old = |id: &mut String| if id == "low" { id.clone_from(level) };
        site.rooms.iter_mut().for_each(|thing| old(&mut thing.level));
        site.walls.iter_mut().for_each(|thing| old(&mut thing.level));
        site.doors.iter_mut().for_each(|thing| old(&mut thing.level));
        site.obstacles.iter_mut().for_each(|thing| old(&mut thing.level));
        site.sensors.iter_mut().for_each(|thing| old(&mut thing.level));
        site.waypoints.iter_mut().for_each(|thing| old(&mut thing.level));
        site.zones.iter_mut().for_each(|thing| old(&mut thing.level));
        site.connectors.iter_mut().for_each(|thing| { old(&mut thing.from.level); old(&mut thing.to.level); });
        site.lifts.iter_mut().flat_map(|lift| &mut lift.doors).for_each(|thing| old(&mut thing.level));
        // Names that the site itself refuses never come to a picture.
        let Ok(site) = site.compile(&CompileOptions::default()) else { return Ok(()) };
        let mut picture = Picture::of_site(&site);
        picture.marker(LevelId(0), [1.0, 1.0], MarkerKind::Error, station, zone);
        let svg = picture.render();
        let tree = roxmltree::Document::parse(&svg);
        prop_assert!(tree.is_ok(), "{:?}\n{svg}", tree.err());
        let tree = tree.unwrap();
        prop_assert!(tree.descendants().all(|node| node.tag_name().name() != "script"));
        let mut ids: Vec<&str> = tree.descendants().filter_map(|node| node.attribute("id")).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), all);
        prop_assert_eq!(picture.render(), svg);
    }
}

#[test]
fn layers_can_be_chosen() {
    let site = hospital();
    let none = Picture::of_site_with(&site, Layers::NONE).render();
    elements(&none);
    assert!(none.contains("ground (0 m)") && none.contains("5 m") && !none.contains("class=\"walls\""));
}

#[cfg(feature = "png")]
#[test]
fn a_picture_becomes_a_png_of_the_wanted_width() {
    use sheepdog_map::svg::PngError;
    let picture = Picture::of_level(&hospital(), LevelId(0));
    let png = picture.to_png(Some(700)).unwrap();
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    // Width and height are the first numbers of the first chunk.
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!(number(16), 700);
    assert!(10_000 < png.len() && number(20) < 700, "{} bytes, {} high", png.len(), number(20));
    assert_eq!(picture.to_png(Some(700)).unwrap(), png);
    assert!(matches!(picture.to_png(Some(60_000)), Err(PngError::TooLarge { width: 60_000, .. })));
}
