//! Pictures of a site as SVG: the plan, and robots on it, standing or moving.
//!
//! A [`Picture`] is a function of the site and of what was drawn onto it, to the last byte. Lengths have at most
//! three decimals, key times of animations six. Names are escaped; colours are written as they come, escaped too.

mod plan;

use std::fmt::Write as _;

use sheepdog_core::LevelId;

use crate::compiled::CompiledSite;

/// The longer side of a level that is alone or in a stack, in pixels, within the limits of the scale.
const PANEL_PX: f64 = 1200.0;
/// The same for levels beside each other, however many there are.
const PANEL_BESIDE_PX: f64 = 700.0;
/// Levels that are this many times wider than deep are stacked.
const STACKED_FROM: f64 = 1.6;
const SCALE_MIN_PX_PER_M: f64 = 2.0;
const SCALE_MAX_PX_PER_M: f64 = 32.0;
const MARGIN_PX: f64 = 24.0;
const TITLE_PX: f64 = 30.0;
const FOOT_PX: f64 = 44.0;

/// A drawing of one level or of all levels of a site.
///
/// ```
/// # use sheepdog_map::{CompileOptions, Site, svg::Picture};
/// # let text = "schema = 1\nname = \"hut\"\nlevel = [{ id = \"L1\", elevation_m = 0 }]\n\
/// #     room = [{ id = \"hall\", level = \"L1\", polygon = [[0, 0], [4, 0], [4, 3]], walled = true }]";
/// let site = Site::from_toml(text).unwrap().compile(&CompileOptions::default()).unwrap();
/// let mut picture = Picture::of_site(&site);
/// picture.disc(site.level_named("L1").unwrap(), (3.0, 1.0), 0.3, "crimson", "r1");
/// assert!(picture.render().starts_with("<svg "));
/// ```
#[derive(Clone, Debug)]
pub struct Picture {
    width_px: f64,
    height_px: f64,
    px_per_m: f64,
    panels: Vec<Panel>,
    plan: String,
    overlay: String,
}

/// Where a moving robot is at one instant; between instants it moves evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keyframe {
    /// Time since the animation began, seconds.
    pub t_s: f64,
    /// The level it is on; it jumps when the level changes.
    pub level: LevelId,
    /// Metres along x.
    pub x: f64,
    /// Metres along y.
    pub y: f64,
    /// Whether it is to be seen from here on.
    pub visible: bool,
}

/// One level's place in the picture.
#[derive(Clone, Debug)]
struct Panel {
    level: LevelId,
    /// Corner of the level's box with the least x and the greatest y, metres: the panel's upper left.
    corner_m: [f64; 2],
    size_px: [f64; 2],
    at_px: [f64; 2],
}

impl Picture {
    /// One level. An unknown level gives an empty picture.
    pub fn of_level(site: &CompiledSite, level: LevelId) -> Self {
        let known = site.level(level).is_some();
        Self::of_levels(site, if known { vec![level] } else { Vec::new() })
    }

    /// All levels with their titles: beside each other from the lowest on, or stacked from the highest down when
    /// they are much wider than deep.
    pub fn of_site(site: &CompiledSite) -> Self {
        let mut levels: Vec<LevelId> = (0..).map(LevelId).zip(site.levels()).map(|(id, _)| id).collect();
        let elevation = |id: &LevelId| site.level(*id).map_or(0.0, |level| level.elevation_m);
        levels.sort_by(|a, b| elevation(b).total_cmp(&elevation(a)));
        Self::of_levels(site, levels)
    }

    fn of_levels(site: &CompiledSite, mut levels: Vec<LevelId>) -> Self {
        let boxes =
            |levels: &[LevelId]| levels.iter().map(|level| plan::bounds(site, *level)).collect::<Vec<_>>();
        let widest = |axis: usize| {
            let side = |(low, high): ([f64; 2], [f64; 2])| match axis {
                0 => high[0] - low[0],
                _ => high[1] - low[1],
            };
            boxes(&levels).into_iter().map(side).fold(0.0, f64::max)
        };
        let (wide_m, deep_m) = (widest(0), widest(1));
        let stacked = STACKED_FROM * deep_m <= wide_m;
        let panel_px = if stacked || levels.len() < 2 { PANEL_PX } else { PANEL_BESIDE_PX };
        let px_per_m = (panel_px / wide_m.max(deep_m).max(1.0)).clamp(SCALE_MIN_PX_PER_M, SCALE_MAX_PX_PER_M);
        if !stacked {
            levels.reverse();
        }
        let mut panels: Vec<Panel> = Vec::new();
        let mut cursor = [MARGIN_PX, MARGIN_PX + TITLE_PX];
        for (level, (low, high)) in levels.iter().zip(boxes(&levels)) {
            let size_px = [(high[0] - low[0]) * px_per_m, (high[1] - low[1]) * px_per_m];
            panels.push(Panel { level: *level, corner_m: [low[0], high[1]], size_px, at_px: cursor });
            if stacked {
                cursor[1] += size_px[1] + MARGIN_PX + TITLE_PX;
            } else {
                cursor[0] += size_px[0] + 2.0 * MARGIN_PX;
            }
        }
        let far = |axis: fn([f64; 2]) -> f64| {
            panels
                .iter()
                .map(|panel| axis(panel.at_px) + axis(panel.size_px))
                .fold(MARGIN_PX + TITLE_PX, f64::max)
        };
        let mut picture = Self {
            width_px: (far(|[x, _]| x) + MARGIN_PX).max(360.0),
            height_px: far(|[_, y]| y) + FOOT_PX + MARGIN_PX,
            px_per_m,
            panels,
            plan: String::new(),
            overlay: String::new(),
        };
        picture.plan = plan::draw(site, &picture);
        picture
    }

    /// Draws a line through points of a level, metres. Fewer than two finite points draw nothing.
    pub fn path(&mut self, level: LevelId, points: &[(f64, f64)], colour: &str) {
        let points: Vec<String> = points
            .iter()
            .filter_map(|(x, y)| self.place(level, *x, *y))
            .map(|[x, y]| format!("{},{}", Number(x), Number(y)))
            .collect();
        if 1 < points.len() {
            let width = Number((0.12 * self.px_per_m).max(1.5));
            write_to(
                &mut self.overlay,
                format_args!(
                    "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" \
                     stroke-linejoin=\"round\" stroke-linecap=\"round\" stroke-opacity=\"0.8\"/>\n",
                    points.join(" "),
                    Escaped(colour),
                ),
            );
        }
    }

    /// Draws a disc on a level, such as a robot that stands there; `label` may be empty. Lengths in metres.
    ///
    /// A place that is not finite, or an unknown level, draws nothing.
    pub fn disc(&mut self, level: LevelId, at: (f64, f64), radius_m: f64, colour: &str, label: &str) {
        if let Some([x, y]) = self.place(level, at.0, at.1) {
            let body = self.disc_body(radius_m, colour, label);
            let (x, y) = (Number(x), Number(y));
            write_to(&mut self.overlay, format_args!("<g transform=\"translate({x} {y})\">{body}</g>\n"));
        }
    }

    /// Draws a disc that moves along its keyframes and begins again after `duration_s`; `label` may be empty.
    ///
    /// Keyframes are sorted by time; those that are not finite or on an unknown level are left out. Before its first
    /// keyframe the disc is not to be seen. A robot that changes its level stays where it was until the next
    /// keyframe and then is on the other panel. A duration that is not above zero draws the first keyframe only, and
    /// so does a renderer without animation.
    pub fn moving_disc(
        &mut self,
        keyframes: &[Keyframe],
        radius_m: f64,
        colour: &str,
        label: &str,
        duration_s: f64,
    ) {
        let mut frames: Vec<Keyframe> = keyframes
            .iter()
            .copied()
            .filter(|frame| frame.t_s.is_finite() && self.place(frame.level, frame.x, frame.y).is_some())
            .collect();
        frames.sort_by(|a, b| a.t_s.total_cmp(&b.t_s));
        let Some(first) = frames.first().copied() else { return };
        if !(duration_s.is_finite() && 0.0 < duration_s) {
            if first.visible {
                self.disc(first.level, (first.x, first.y), radius_m, colour, label);
            }
            return;
        }
        let Some(start) = self.place(first.level, first.x, first.y) else { return };
        let track = self.track(&frames, duration_s);
        let body = self.disc_body(radius_m, colour, label);
        let duration = Number(duration_s);
        write_to(
            &mut self.overlay,
            format_args!(
                "<g transform=\"translate({} {})\" visibility=\"{}\">{body}\
                 <animateTransform attributeName=\"transform\" type=\"translate\" dur=\"{duration}s\" \
                 repeatCount=\"indefinite\" keyTimes=\"{}\" values=\"{}\"/>\
                 <animate attributeName=\"visibility\" calcMode=\"discrete\" dur=\"{duration}s\" \
                 repeatCount=\"indefinite\" keyTimes=\"{}\" values=\"{}\"/></g>\n",
                Number(start[0]),
                Number(start[1]),
                if first.visible { "visible" } else { "hidden" },
                track.times.join(";"),
                track.places.join(";"),
                track.switch_times.join(";"),
                track.switches.join(";"),
            ),
        );
    }

    /// The picture as an SVG document. Linear in what was drawn.
    pub fn render(&self) -> String {
        let (width, height) = (Number(self.width_px), Number(self.height_px));
        let mut out = String::with_capacity(self.plan.len() + self.overlay.len() + 512);
        write_to(
            &mut out,
            format_args!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
                 viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, sans-serif\">\n"
            ),
        );
        out.push_str(&self.plan);
        out.push_str(&self.overlay);
        out.push_str("</svg>\n");
        out
    }

    /// A point of a level in pixels.
    fn place(&self, level: LevelId, x: f64, y: f64) -> Option<[f64; 2]> {
        let panel = self.panels.iter().find(|panel| panel.level == level)?;
        let [left, top] = panel.at_px;
        let [low_x, high_y] = panel.corner_m;
        let point = [left + (x - low_x) * self.px_per_m, top + (high_y - y) * self.px_per_m];
        point.iter().all(|value| value.is_finite()).then_some(point)
    }

    fn disc_body(&self, radius_m: f64, colour: &str, label: &str) -> String {
        let radius_px = if radius_m.is_finite() { (radius_m * self.px_per_m).max(1.0) } else { 1.0 };
        let mut body = format!(
            "<circle r=\"{}\" fill=\"{}\" stroke=\"#fff\" stroke-width=\"1\"/>",
            Number(radius_px),
            Escaped(colour),
        );
        if !label.is_empty() {
            let size = self.font_px();
            let style = " text-anchor=\"middle\" font-weight=\"bold\"";
            write_label(&mut body, [0.0, -radius_px - 0.3 * size], size, colour, style, label);
        }
        body
    }

    fn font_px(&self) -> f64 {
        (0.42 * self.px_per_m).clamp(6.0, 12.0)
    }

    fn track(&self, frames: &[Keyframe], duration_s: f64) -> Track {
        let mut track = Track { duration_s, ..Track::default() };
        let mut before: Option<&Keyframe> = None;
        for frame in frames {
            let Some(place) = self.place(frame.level, frame.x, frame.y) else { continue };
            match before {
                None => {
                    track.go(0.0, place);
                    track.switch(0.0, frame.t_s <= 0.0 && frame.visible);
                }
                // Without a second value for this instant it would slide from panel to panel.
                Some(before) if before.level != frame.level => {
                    if let Some(place) = self.place(before.level, before.x, before.y) {
                        track.go(frame.t_s, place);
                    }
                }
                Some(_) => {}
            }
            track.go(frame.t_s, place);
            track.switch(frame.t_s, frame.visible);
            before = Some(frame);
        }
        if let Some(place) = before.and_then(|last| self.place(last.level, last.x, last.y)) {
            track.go(duration_s, place);
        }
        track
    }
}

/// Values of an animation and the shares of its duration at which they hold.
#[derive(Default)]
struct Track {
    duration_s: f64,
    times: Vec<String>,
    places: Vec<String>,
    switch_times: Vec<String>,
    switches: Vec<&'static str>,
}

impl Track {
    fn share(&self, t_s: f64) -> String {
        let text = format!("{:.6}", (t_s / self.duration_s).clamp(0.0, 1.0));
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    fn go(&mut self, t_s: f64, [x, y]: [f64; 2]) {
        let place = format!("{} {}", Number(x), Number(y));
        let time = self.share(t_s);
        // While it stands, the last of its instants is enough beside the first.
        if let [.., second_last, last] = self.places.as_slice()
            && *second_last == place
            && *last == place
            && let Some(last) = self.times.last_mut()
        {
            *last = time;
            return;
        }
        self.times.push(time);
        self.places.push(place);
    }

    fn switch(&mut self, t_s: f64, visible: bool) {
        let value = if visible { "visible" } else { "hidden" };
        if self.switches.last() != Some(&value) {
            self.switch_times.push(self.share(t_s));
            self.switches.push(value);
        }
    }
}

/// A number with at most three decimals and no needless zeros.
struct Number(f64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:.3}", self.0);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        f.write_str(if text == "-0" { "0" } else { text })
    }
}

/// A text that is safe in XML texts and attributes; characters that XML forbids become U+FFFD.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                    f.write_char('\u{fffd}')?;
                }
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// A text with a white rim, so that lines under it do not disturb it.
///
/// The rim is a second text: `paint-order` is not known to every renderer.
fn write_label(out: &mut String, [x, y]: [f64; 2], size_px: f64, colour: &str, style: &str, text: &str) {
    let (x, y, size) = (Number(x), Number(y), Number(size_px));
    let (colour, text) = (Escaped(colour), Escaped(text));
    write_to(
        out,
        format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"none\" stroke=\"#fff\" stroke-width=\"2.5\" \
             stroke-linejoin=\"round\" stroke-opacity=\"0.85\"{style}>{text}</text>\
             <text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{colour}\"{style}>{text}</text>"
        ),
    );
}

/// Writing into a `String` cannot fail.
fn write_to(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(arguments);
    debug_assert!(written.is_ok());
}
