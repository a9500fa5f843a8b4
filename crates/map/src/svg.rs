//! Pictures of a site as SVG: the plan, markers on it, and robots, standing or moving.
//!
//! A [`Picture`] is a function of the site and of what was drawn onto it, to the last byte. Lengths of the plan have at
//! most two decimals, others three, key times of animations six. Names are escaped; colours are written as they come,
//! escaped too. The page is in pixels with y downwards; y is turned in one place.
//!
//! Everything of a level is in a group `level-NAME`, and each [`Layer`] in a group `LAYER-NAME` of the class `LAYER`, so
//! that a viewer can hide it. Rooms, doors, lifts, stairs, zones, obstacles, sensors and stations have ids
//! `room-NAME` and so on, and a text that shows under the pointer. In ids, characters other than ASCII letters,
//! digits, `-` and `_` are their code points in hexadecimal between dots. Lifts and stairs are drawn on several levels:
//! their ids end in `--` and the number of the level.

mod doors;
mod furniture;
#[cfg(feature = "png")]
mod glyphs;
mod label;
mod layer;
mod legend;
mod marker;
mod names;
mod overlay;
mod page;
mod pen;
mod plan;
#[cfg(feature = "png")]
mod png;
mod roads;
mod rooms;
#[cfg(test)]
mod tests;
mod text;
mod walls;
mod zones;

use sheepdog_core::LevelId;

use crate::{
    compiled::CompiledSite,
    lint::{Report, Severity},
};

#[cfg(feature = "png")]
pub use self::png::{PIXELS_MAX, PngError};
pub use self::{
    layer::{Layer, Layers, UnknownLayer},
    marker::MarkerKind,
    overlay::Keyframe,
};
use self::{
    marker::Marker,
    page::{MARGIN_PX, Page},
    plan::Plan,
    text::{Escaped, Px, write_to},
};

/// A drawing of one level or of all levels of a site.
///
/// ```
/// # use sheepdog_map::{CompileOptions, Site, svg::{MarkerKind, Picture}};
/// # let text = "schema = 1\nname = \"hut\"\nlevel = [{ id = \"L1\", elevation_m = 0 }]\n\
/// #     room = [{ id = \"hall\", level = \"L1\", polygon = [[0, 0], [4, 0], [4, 3]], walled = true }]";
/// let site = Site::from_toml(text).unwrap().compile(&CompileOptions::default()).unwrap();
/// let mut picture = Picture::of_site(&site);
/// let level = site.level_named("L1").unwrap();
/// picture.disc(level, (3.0, 1.0), 0.3, "crimson", "r1");
/// picture.marker(level, [4.0, 3.0], MarkerKind::Warning, "G005", "two corners lie close to each other");
/// assert!(picture.render().starts_with("<svg "));
/// ```
#[derive(Clone, Debug)]
pub struct Picture {
    /// Name of the site.
    name: String,
    /// Names of the levels that are shown.
    levels: Vec<(LevelId, String)>,
    page: Page,
    layers: Layers,
    plan: Plan,
    overlay: String,
    markers: Vec<Marker>,
}

impl Picture {
    /// One level, with all layers. An unknown level gives an empty picture.
    pub fn of_level(site: &CompiledSite, level: LevelId) -> Self {
        Self::of_level_with(site, level, Layers::ALL)
    }

    /// One level, with some layers.
    ///
    /// ```
    /// # use sheepdog_map::{CompileOptions, Site, svg::{Layer, Layers, Picture}};
    /// # let text = "schema = 1\nname = \"hut\"\nlevel = [{ id = \"L1\", elevation_m = 0 }]\n\
    /// #     room = [{ id = \"hall\", level = \"L1\", polygon = [[0, 0], [4, 0], [4, 3]], walled = true }]";
    /// let site = Site::from_toml(text).unwrap().compile(&CompileOptions::default()).unwrap();
    /// let level = site.level_named("L1").unwrap();
    /// let svg = Picture::of_level_with(&site, level, Layers::ALL.without(Layer::Walls)).render();
    /// assert!(svg.contains("class=\"rooms\"") && !svg.contains("class=\"walls\""));
    /// ```
    pub fn of_level_with(site: &CompiledSite, level: LevelId, layers: Layers) -> Self {
        let known = site.level(level).is_some();
        Self::of_levels(site, if known { vec![level] } else { Vec::new() }, layers)
    }

    /// All levels on one sheet, with all layers: beside each other from the lowest on, or stacked from the highest
    /// down when they are much wider than deep. All have the same scale.
    pub fn of_site(site: &CompiledSite) -> Self {
        Self::of_site_with(site, Layers::ALL)
    }

    /// All levels on one sheet, with some layers.
    pub fn of_site_with(site: &CompiledSite, layers: Layers) -> Self {
        let mut levels: Vec<LevelId> = site.live_levels().map(|(id, _)| id).collect();
        let elevation = |id: &LevelId| site.level(*id).map_or(0.0, |level| level.elevation_m);
        levels.sort_by(|a, b| elevation(b).total_cmp(&elevation(a)));
        Self::of_levels(site, levels, layers)
    }

    fn of_levels(site: &CompiledSite, levels: Vec<LevelId>, layers: Layers) -> Self {
        let names = levels.iter().filter_map(|id| Some((*id, site.level(*id)?.name.clone()))).collect();
        let page = Page::new(site, levels);
        let plan = plan::draw(site, &page, layers);
        Self {
            name: site.name().to_owned(),
            levels: names,
            page,
            layers,
            plan,
            overlay: String::new(),
            markers: Vec::new(),
        }
    }

    /// Sets a pin at a place of a level, metres, such as a finding about the map.
    ///
    /// Pins are numbered in the order in which they are set, and stand beside their places so that none hides another.
    /// The list at the foot explains each: its label, such as the id of a rule, and the tooltip, which a viewer also
    /// shows under the pointer. A place that is not finite, or an unknown level, sets no pin and returns `false`.
    pub fn marker(
        &mut self,
        level: LevelId,
        [x_m, y_m]: [f64; 2],
        kind: MarkerKind,
        label: &str,
        tooltip: &str,
    ) -> bool {
        let Some(at_px) = self.page.place(level, x_m, y_m) else { return false };
        self.push(Some(level), Some(at_px), kind, label, tooltip);
        true
    }

    /// Pins everything that a lint has found on the levels that are shown, and remarks on what concerns the whole site.
    ///
    /// ```
    /// # use sheepdog_map::{CompileOptions, Site, lint, model::{Door, Level, Room}, svg::Picture};
    /// let mut site = Site::new("flat");
    /// site.levels.push(Level::new("0", 0.0));
    /// site.rooms.push(Room::rectangle("hall", "0", 0.0, 0.0, 6.0, 4.0).walled());
    /// site.doors.push(Door::new("front", "0", [2.0, 0.0], [3.1, 0.0]).as_exit());
    /// let options = CompileOptions::default();
    /// let report = lint::check(&site, &options, None, &lint::BuildingProfile::default());
    /// let site = site.compile(&options).unwrap();
    /// let mut picture = Picture::of_site(&site);
    /// picture.findings(&site, &report);
    /// assert!(picture.render().contains("B101"), "the exit is too narrow");
    /// ```
    pub fn findings(&mut self, site: &CompiledSite, report: &Report) {
        for finding in &report.findings {
            let kind = match finding.severity {
                Severity::Error => MarkerKind::Error,
                Severity::Warning => MarkerKind::Warning,
            };
            let level = finding.level.as_deref().and_then(|name| site.level_named(name));
            if level.is_some_and(|level| self.levels.iter().all(|(shown, _)| *shown != level)) {
                continue;
            }
            let pinned = level.zip(finding.place).is_some_and(|(level, place)| {
                self.marker(level, place, kind, finding.id.as_str(), &finding.text)
            });
            if !pinned {
                self.remark(level, kind, finding.id.as_str(), &finding.text);
            }
        }
    }

    /// Adds an entry to the list at the foot that points at no place, such as a finding about the site as a whole.
    ///
    /// It is numbered with the pins. A level that is named is said.
    pub fn remark(&mut self, level: Option<LevelId>, kind: MarkerKind, label: &str, tooltip: &str) {
        self.push(level, None, kind, label, tooltip);
    }

    fn push(
        &mut self,
        level: Option<LevelId>,
        at_px: Option<[f64; 2]>,
        kind: MarkerKind,
        label: &str,
        tooltip: &str,
    ) {
        let (number, label, tooltip) = (self.markers.len() + 1, label.to_owned(), tooltip.to_owned());
        self.markers.push(Marker { number, level, at_px, kind, label, tooltip });
    }

    /// Where a place of a level, metres, is on the page: pixels from its upper left, y downwards. `None` for what is
    /// not finite and for a level that is not shown.
    pub fn pixel(&self, level: LevelId, [x_m, y_m]: [f64; 2]) -> Option<[f64; 2]> {
        self.page.place(level, x_m, y_m)
    }

    /// The picture as an SVG document. Linear in what was drawn, but for pins, which take a bounded number of tries.
    pub fn render(&self) -> String {
        let (foot, height) = self.foot();
        let (width, height) = (Px(self.page.width_px), Px(height));
        let Plan { defs, body, .. } = &self.plan;
        let mut out = String::with_capacity(defs.len() + body.len() + self.overlay.len() + foot.len() + 1024);
        write_to(
            &mut out,
            format_args!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
                 viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, sans-serif\">\n\
                 <title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n",
                Escaped(&self.name)
            ),
        );
        out.push_str(defs);
        out.push_str(body);
        out.push_str(&self.overlay);
        marker::pins(&mut out, &self.page, &self.markers);
        out.push_str(&foot);
        out.push_str("</svg>\n");
        out
    }

    /// Scale, legend and list of markers, and how high the page is with them.
    fn foot(&self) -> (String, f64) {
        let mut out = String::new();
        let end = legend::write(&mut out, &self.page, &self.plan.used, self.layers, self.page.foot_px);
        let level_name = |id: LevelId| match self.levels.as_slice() {
            [_] => String::new(),
            several => several
                .iter()
                .find(|(level, _)| *level == id)
                .map_or_else(String::new, |found| found.1.clone()),
        };
        let end = marker::list(&mut out, &self.page, &self.markers, end, level_name);
        (out, end + MARGIN_PX)
    }
}
