//! Tests of pictures that look inside: boxes of labels, heads of pins, the signs that were used.

use proptest::prelude::*;
use sheepdog_core::LevelId;

use super::{label::Box2, marker::heads, text::width_px, *};
use crate::{CompileOptions, Site};

fn compiled(text: &str) -> CompiledSite {
    Site::from_toml(text).unwrap().compile(&CompileOptions::default()).unwrap()
}

fn hospital() -> CompiledSite {
    compiled(include_str!("../../../../sites/hospital.toml"))
}

fn everything() -> CompiledSite {
    compiled(include_str!("../../tests/everything.toml"))
}

/// The value of an attribute.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\""))?.1.split_once('"').map(|(value, _)| value)
}

/// Texts of the groups of one class, with their boxes as a viewer draws them: letters and nothing around them.
fn texts(svg: &str, class: &str) -> Vec<(String, Box2)> {
    let mut found = Vec::new();
    for group in svg.split(&format!("class=\"{class}\"")).skip(1) {
        let group = group.split("</g>\n").next().unwrap();
        for text in group.split("<text").skip(1) {
            let (tag, rest) = text.split_once('>').unwrap();
            let content = rest.split_once('<').unwrap().0;
            let number = |name| attribute(tag, name).unwrap().parse::<f64>().unwrap();
            // The rim is the same text again.
            if attribute(tag, "fill") != Some("none") {
                let size = number("font-size");
                let at = [number("x"), number("y") - 0.36 * size];
                found.push((content.to_owned(), Box2::around(at, width_px(content, size), 0.9 * size)));
            }
        }
    }
    found
}

#[test]
fn labels_do_not_overlap() {
    for site in [hospital(), everything()] {
        for picture in [Picture::of_site(&site), Picture::of_level(&site, LevelId(0))] {
            let labels = texts(&picture.render(), "labels");
            assert!(7 < labels.len(), "{labels:?}");
            for (index, (name, one)) in labels.iter().enumerate() {
                for (other, two) in &labels[index + 1..] {
                    assert!(!one.overlaps(*two), "{name} {one:?} over {other} {two:?}");
                }
            }
        }
    }
}

#[test]
fn every_room_of_the_hospital_is_named_inside_itself() {
    let site = hospital();
    let picture = Picture::of_site(&site);
    let labels = texts(&picture.render(), "labels");
    for room in site.rooms() {
        let corners = room.outer.iter().map(|at| picture.page.place(room.level, at.x, at.y).unwrap());
        // All rooms of the hospital are rectangles.
        let inside = Box2::of(corners).unwrap();
        let words: Vec<&str> = room.name.split_inclusive('-').collect();
        let named = labels
            .iter()
            .any(|(text, lies)| words.iter().any(|word| text.contains(word)) && inside.contains(*lies));
        assert!(named, "{}", room.name);
    }
}

#[test]
fn a_label_that_fits_nowhere_is_left_out_and_shows_under_the_pointer() {
    let svg = Picture::of_site(&everything()).render();
    assert!(texts(&svg, "labels").iter().all(|(text, _)| !text.contains("closet")));
    assert!(svg.contains("id=\"room-closet\"") && svg.contains("<title>technical closet</title>"));
}

#[test]
fn the_label_of_a_hook_or_of_a_ring_lies_in_it() {
    let site = everything();
    let picture = Picture::of_site(&site);
    let labels = texts(&picture.render(), "labels");
    for name in ["hook", "court"] {
        let room = site.rooms().iter().find(|room| room.name == name).unwrap();
        let [x, y] = labels.iter().find(|(text, _)| text == name).unwrap().1.middle();
        let panel = picture.page.panels.iter().find(|panel| panel.level == room.level).unwrap();
        let [left, top] = panel.px(nalgebra::Point2::origin());
        let at = nalgebra::Point2::new((x - left) / picture.page.px_per_m, (top - y) / picture.page.px_per_m);
        let hole = room.holes.iter().any(|hole| crate::geometry::ring_contains(hole, at));
        assert!(crate::geometry::ring_contains(&room.outer, at) && !hole, "{name} {at}");
    }
}

#[test]
fn every_kind_of_thing_is_explained() {
    let site = everything();
    let picture = Picture::of_site(&site);
    let svg = picture.render();
    let legend = svg.split_once("id=\"legend\"").unwrap().1;
    for word in [
        ">door<",
        ">sliding door<",
        ">opening<",
        ">fire door<",
        ">exit<",
        ">glass<",
        ">half height<",
        ">lift<",
        ">stairs<",
        ">escalator<",
        ">ramp<",
        ">obstacle<",
        ">sensor and its view<",
        ">two-way lane<",
        ">one-way lane<",
        ">one robot at a time<",
        ">pickup<",
        ">dropoff<",
        ">charger<",
        ">parking<",
        ">holding<",
        ">place<",
        ">lobby<",
        ">store<",
        ">laboratory<",
    ] {
        assert!(legend.contains(word), "{word}");
    }
    for zone in site.zones() {
        let look = zones::look_of(zone.kind);
        assert!(legend.contains(&format!(">{}<", look.name)), "{}", look.name);
        assert_eq!(svg.matches(&format!("<pattern id=\"sd-zone-{}\"", look.id)).count(), 1, "{}", look.id);
    }
    assert_eq!(picture.plan.used.zones().count(), 19);
}

#[test]
fn kinds_of_zones_look_different() {
    let site = everything();
    let kinds: std::collections::BTreeSet<_> = site.zones().iter().map(|zone| zone.kind).collect();
    let looks: std::collections::BTreeSet<String> = kinds
        .iter()
        .map(|kind| {
            let pattern = zones::pattern(*kind, 1.0);
            let tile = attribute(&pattern, "d").unwrap().to_owned();
            assert!(pattern.contains(zones::look_of(*kind).colour));
            tile
        })
        .collect();
    assert_eq!(looks.len(), kinds.len(), "each has a tile of its own, so that colours are not needed");
}

#[test]
fn levels_of_one_building_lie_under_each_other() {
    let site = hospital();
    let picture = Picture::of_site(&site);
    let x = |level| picture.pixel(LevelId(level), [7.0, 3.0]).unwrap()[0];
    assert!((x(0) - x(1)).abs() < 1e-9);
}

#[test]
fn what_is_not_wanted_is_not_drawn() {
    let site = everything();
    for layer in Layer::ALL {
        let class = format!("class=\"{layer}\"");
        let svg = Picture::of_site_with(&site, Layers::ALL.without(layer)).render();
        assert!(!svg.contains(&class), "{layer}");
        let alone = Picture::of_site_with(&site, Layers::NONE.with(layer)).render();
        assert_eq!(alone.contains(&class), layer != Layer::Labels, "{layer}: labels name what is shown");
    }
    assert_eq!(Layer::ALL.into_iter().collect::<Layers>(), Layers::ALL);
    assert!(
        "roofs"
            .parse::<Layer>()
            .unwrap_err()
            .to_string()
            .starts_with("no layer \"roofs\"; there are: rooms, zones")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However close to each other pins are, no head covers another head or a place that is pointed at.
    #[test]
    fn pins_do_not_hide_each_other(
        places in prop::collection::vec((0.0..48.0_f64, 0.0..16.0_f64, any::<bool>(), 0..2_u32), 1..60),
        squeeze in prop::sample::select(vec![1.0, 0.05, 0.0]),
    ) {
        let site = hospital();
        let mut picture = Picture::of_site(&site);
        for (x, y, error, level) in &places {
            let kind = if *error { MarkerKind::Error } else { MarkerKind::Warning };
            prop_assert!(picture.marker(LevelId(*level), [24.0 + (x - 24.0) * squeeze, 8.0 + (y - 8.0) * squeeze], kind, "G1", "x"));
        }
        let heads: Vec<[f64; 2]> = heads(&picture.page, &picture.markers).into_iter().flatten().collect();
        prop_assert_eq!(heads.len(), places.len());
        for (index, one) in heads.iter().enumerate() {
            let apart = |other: &[f64; 2]| (one[0] - other[0]).abs().max((one[1] - other[1]).abs());
            prop_assert!(heads[index + 1..].iter().all(|other| 13.0 <= apart(other)), "{heads:?}");
            prop_assert!(picture.markers.iter().all(|marker| 7.0 <= apart(&marker.at_px.unwrap())));
        }
    }
}
