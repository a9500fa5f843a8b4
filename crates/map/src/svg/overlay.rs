//! What is drawn onto a plan: paths, and robots that stand or move.

use sheepdog_core::LevelId;

use super::{
    Picture,
    text::{Escaped, Number, write_label, write_to},
};

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

impl Picture {
    /// Draws a line through points of a level, metres. Fewer than two finite points draw nothing.
    pub fn path(&mut self, level: LevelId, points: &[(f64, f64)], colour: &str) {
        let points: Vec<String> = points
            .iter()
            .filter_map(|(x, y)| self.page.place(level, *x, *y))
            .map(|[x, y]| format!("{},{}", Number(x), Number(y)))
            .collect();
        if 1 < points.len() {
            let width = Number((0.12 * self.page.px_per_m).max(1.5));
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
        if let Some([x, y]) = self.page.place(level, at.0, at.1) {
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
            .filter(|frame| frame.t_s.is_finite() && self.page.place(frame.level, frame.x, frame.y).is_some())
            .collect();
        frames.sort_by(|a, b| a.t_s.total_cmp(&b.t_s));
        let Some(first) = frames.first().copied() else { return };
        if !(duration_s.is_finite() && 0.0 < duration_s) {
            if first.visible {
                self.disc(first.level, (first.x, first.y), radius_m, colour, label);
            }
            return;
        }
        let Some(start) = self.page.place(first.level, first.x, first.y) else { return };
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

    fn disc_body(&self, radius_m: f64, colour: &str, label: &str) -> String {
        let radius_px = if radius_m.is_finite() { (radius_m * self.page.px_per_m).max(1.0) } else { 1.0 };
        let mut body = format!(
            "<circle r=\"{}\" fill=\"{}\" stroke=\"#fff\" stroke-width=\"1\"/>",
            Number(radius_px),
            Escaped(colour),
        );
        if !label.is_empty() {
            let size = self.page.font_px();
            let style = " text-anchor=\"middle\" font-weight=\"bold\"";
            write_label(&mut body, [0.0, -radius_px - 0.3 * size], size, colour, style, label);
        }
        body
    }

    fn track(&self, frames: &[Keyframe], duration_s: f64) -> Track {
        let mut track = Track { duration_s, ..Track::default() };
        let mut before: Option<&Keyframe> = None;
        for frame in frames {
            let Some(place) = self.page.place(frame.level, frame.x, frame.y) else { continue };
            match before {
                None => {
                    track.go(0.0, place);
                    track.switch(0.0, frame.t_s <= 0.0 && frame.visible);
                }
                // Without a second value for this instant it would slide from panel to panel.
                Some(before) if before.level != frame.level => {
                    if let Some(place) = self.page.place(before.level, before.x, before.y) {
                        track.go(frame.t_s, place);
                    }
                }
                Some(_) => {}
            }
            track.go(frame.t_s, place);
            track.switch(frame.t_s, frame.visible);
            before = Some(frame);
        }
        if let Some(place) = before.and_then(|last| self.page.place(last.level, last.x, last.y)) {
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
