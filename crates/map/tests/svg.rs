//! Pictures: well-formed, deterministic, and true to what was drawn.
#![expect(clippy::unwrap_used, clippy::panic, reason = "fixtures of tests")]

use sheepdog_core::LevelId;
use sheepdog_map::{
    CompileOptions, CompiledSite, Site,
    svg::{Keyframe, Picture},
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
