//! The pen that draws one level: paths, groups, and what labels must keep away from.

use std::fmt;

use nalgebra::Point2;
use sheepdog_core::LevelId;

use crate::compiled::CompiledSite;

use super::{
    Layer, Layers,
    label::{Box2, Boxes},
    legend::Used,
    page::{Page, Panel},
    text::{Escaped, Ident, Px, write_to},
};

pub(super) const INK: &str = "#2b323b";
pub(super) const FAINT: &str = "#5d6570";

/// Draws one level.
pub(super) struct Pen<'a> {
    pub(super) site: &'a CompiledSite,
    pub(super) page: &'a Page,
    pub(super) panel: Panel,
    pub(super) layers: Layers,
    pub(super) used: &'a mut Used,
    pub(super) out: String,
    /// Where no label may be.
    pub(super) taken: Boxes,
    /// Where a label had better not be.
    pub(super) busy: Boxes,
}

impl<'a> Pen<'a> {
    pub(super) fn new(
        site: &'a CompiledSite,
        page: &'a Page,
        panel: Panel,
        layers: Layers,
        used: &'a mut Used,
    ) -> Self {
        Self {
            site,
            page,
            panel,
            layers,
            used,
            out: String::new(),
            taken: Boxes::default(),
            busy: Boxes::default(),
        }
    }

    pub(super) fn level(&self) -> LevelId {
        self.panel.level
    }

    /// The name of the level, by which authored things refer to it.
    pub(super) fn level_name(&self) -> &'a str {
        self.site.level(self.panel.level).map_or("", |level| level.name.as_str())
    }

    pub(super) fn add(&mut self, arguments: fmt::Arguments<'_>) {
        write_to(&mut self.out, arguments);
    }

    pub(super) fn px(&self, point: Point2<f64>) -> [f64; 2] {
        self.panel.px(point)
    }

    /// The group of a layer, with attributes that hold for all in it; nothing when it would be empty or is not wanted.
    pub(super) fn layer(&mut self, layer: Layer, attributes: &str, draw: impl FnOnce(&mut Self)) {
        if self.layers.contains(layer) {
            let open = format!("id=\"{layer}-{}\" class=\"{layer}\"", Ident(self.level_name()));
            self.group(&format!("{open}{attributes}"), draw);
        }
    }

    /// A group, unless it would be empty.
    pub(super) fn group(&mut self, attributes: &str, draw: impl FnOnce(&mut Self)) {
        let before = self.out.len();
        self.add(format_args!("<g {attributes}>\n"));
        let begun = self.out.len();
        draw(self);
        if self.out.len() == begun {
            self.out.truncate(before);
        } else {
            self.out.push_str("</g>\n");
        }
    }

    /// The group of one element of the site, with a text that a viewer shows under the pointer.
    pub(super) fn element(&mut self, kind: &str, name: &str, tooltip: &str, draw: impl FnOnce(&mut Self)) {
        self.add(format_args!("<g id=\"{kind}-{}\"><title>{}</title>", Ident(name), Escaped(tooltip)));
        draw(self);
        self.out.push_str("</g>\n");
    }

    /// A path, if it has anything in it.
    pub(super) fn path(&mut self, track: &str, attributes: &str) {
        if !track.is_empty() {
            self.add(format_args!("<path d=\"{track}\"{attributes}/>"));
        }
    }

    /// A stretch of the path language: through the points, closed or not.
    pub(super) fn track(&self, points: impl IntoIterator<Item = Point2<f64>>, close: bool) -> String {
        track(points.into_iter().map(|point| self.px(point)), close)
    }

    /// Keeps labels away from points and what is between them, if that is possible without leaving them out.
    pub(super) fn avoid(&mut self, points: impl IntoIterator<Item = Point2<f64>>, by_px: f64) {
        let points = points.into_iter().map(|point| self.panel.px(point));
        if let Some(around) = Box2::of(points) {
            self.taken.add(around.grown(by_px));
        }
    }
}

/// A stretch of the path language: through points in pixels, closed or not. Points that do not differ are left out.
pub(super) fn track(points: impl IntoIterator<Item = [f64; 2]>, close: bool) -> String {
    let mut track = String::new();
    let mut last: Option<[String; 2]> = None;
    for [x, y] in points {
        let [x, y] = [Px(x).to_string(), Px(y).to_string()];
        match &last {
            None => write_to(&mut track, format_args!("M{x} {y}")),
            Some([before_x, before_y]) => match (*before_x == x, *before_y == y) {
                (true, true) => {}
                (true, false) => write_to(&mut track, format_args!("V{y}")),
                (false, true) => write_to(&mut track, format_args!("H{x}")),
                (false, false) => write_to(&mut track, format_args!("L{x} {y}")),
            },
        }
        last = Some([x, y]);
    }
    if close && last.is_some() {
        track.push('Z');
    }
    track
}
