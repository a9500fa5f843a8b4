//! Pins that point at places of the plan, and the list at the foot that explains them.

use sheepdog_core::LevelId;

use crate::geometry::float;

use super::{
    label::{Box2, Boxes},
    page::{MARGIN_PX, Page, columns},
    pen::INK,
    text::{Escaped, Px, shortened, width_px, wrap, write_to},
};

/// Radius of a pin's head and how far it stands from its place, on a usual page.
const HEAD_PX: f64 = 7.0;
const STAND_OFF_PX: f64 = 17.0;
/// Circles around a place on which a head is tried.
const RINGS: u32 = 40;
/// Entries of the list; further markers have a pin alone.
const LISTED_MAX: usize = 400;
/// Lines of an entry.
const LINES_MAX: usize = 3;
/// The least width of a column of the list, on a usual page.
const COLUMN_PX: f64 = 380.0;

/// How grave what a marker points at is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkerKind {
    /// It must not stay: a red disc.
    Error,
    /// Somebody should look at it: an amber diamond.
    Warning,
}

impl MarkerKind {
    const fn colour(self) -> &'static str {
        match self {
            Self::Error => "#b3001b",
            Self::Warning => "#f2a900",
        }
    }

    const fn ink(self) -> &'static str {
        match self {
            Self::Error => "#fff",
            Self::Warning => "#1d1d1d",
        }
    }
}

/// A pin.
#[derive(Clone, Debug)]
pub(super) struct Marker {
    /// Counted from one.
    pub(super) number: usize,
    pub(super) level: Option<LevelId>,
    /// Where the pin points; `None` for one that is in the list alone.
    pub(super) at_px: Option<[f64; 2]>,
    pub(super) kind: MarkerKind,
    pub(super) label: String,
    pub(super) tooltip: String,
}

/// Draws the pins in the order in which they were set.
pub(super) fn pins(out: &mut String, page: &Page, markers: &[Marker]) {
    let heads = heads(page, markers);
    // Remarks have no pin.
    let pins =
        || markers.iter().zip(&heads).filter_map(|(marker, head)| Some((marker, marker.at_px?, (*head)?)));
    if pins().next().is_none() {
        return;
    }
    write_to(
        out,
        format_args!("<g id=\"markers\" class=\"markers\" stroke-width=\"{}\">\n", Px(1.2 * page.zoom)),
    );
    // Lines first, so that none crosses a head.
    for (marker, [from_x, from_y], [x, y]) in pins() {
        write_to(
            out,
            format_args!(
                "<path d=\"M{} {}L{} {}\" stroke=\"{}\"/>",
                Px(from_x),
                Px(from_y),
                Px(x),
                Px(y),
                marker.kind.colour()
            ),
        );
    }
    out.push('\n');
    for (marker, [x, y], head) in pins() {
        let number = marker.number;
        let tooltip = format!("{}: {}", marker.label, marker.tooltip);
        write_to(
            out,
            format_args!(
                "<g id=\"marker-{number}\"><title>{}</title><circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\" \
                 stroke=\"#fff\" stroke-width=\"0.6\"/>",
                Escaped(&tooltip),
                Px(x),
                Px(y),
                Px(2.2 * page.zoom),
                marker.kind.colour()
            ),
        );
        sign(out, head, page.zoom, marker.kind, number);
        out.push_str("</g>\n");
    }
    out.push_str("</g>\n");
}

/// The head of a pin with its number.
fn sign(out: &mut String, [x, y]: [f64; 2], zoom: f64, kind: MarkerKind, number: usize) {
    let radius = HEAD_PX * zoom;
    let (fill, ink) = (kind.colour(), kind.ink());
    match kind {
        MarkerKind::Error => write_to(
            out,
            format_args!(
                "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{fill}\" stroke=\"#fff\"/>",
                Px(x),
                Px(y),
                Px(radius)
            ),
        ),
        MarkerKind::Warning => {
            let half = Px(1.3 * radius);
            write_to(
                out,
                format_args!(
                    "<path d=\"M{} {}l{half} {half}l-{half} {half}l-{half} -{half}Z\" fill=\"{fill}\" stroke=\"#fff\"/>",
                    Px(x),
                    Px(y - 1.3 * radius)
                ),
            );
        }
    }
    let text = number.to_string();
    let size = (1.15 * radius).min(1.75 * radius / width_px(&text, 1.0));
    write_to(
        out,
        format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" font-weight=\"bold\" text-anchor=\"middle\" fill=\"{ink}\">{text}</text>",
            Px(x),
            Px(y + 0.36 * size),
            Px(size)
        ),
    );
}

/// Where the heads go: as near as can be without covering another head or a place that is pointed at.
pub(super) fn heads(page: &Page, markers: &[Marker]) -> Vec<Option<[f64; 2]>> {
    let radius = HEAD_PX * page.zoom;
    let mut taken = Boxes::default();
    for at in markers.iter().filter_map(|marker| marker.at_px) {
        taken.add(Box2::around(at, 3.0 * page.zoom, 3.0 * page.zoom));
    }
    let paper = Box2 { low: [0.0; 2], high: [page.width_px, page.foot_px] };
    markers
        .iter()
        .map(|marker| {
            let [x, y] = marker.at_px?;
            let wide = match marker.kind {
                MarkerKind::Error => 2.0 * radius,
                MarkerKind::Warning => 2.6 * radius,
            };
            let head = around()
                .map(|[dx, dy]| [x + dx * page.zoom, y + dy * page.zoom])
                .find(|at| {
                    let head = Box2::around(*at, wide, wide);
                    paper.contains(head) && !taken.hits(head)
                })
                .unwrap_or([x, y - STAND_OFF_PX * page.zoom]);
            taken.add(Box2::around(head, wide, wide));
            Some(head)
        })
        .collect()
}

/// Places around a pin's own, the nearest first, beginning with the one above it.
fn around() -> impl Iterator<Item = [f64; 2]> {
    (0..RINGS).flat_map(|ring| {
        let radius = STAND_OFF_PX + 0.9 * HEAD_PX * f64::from(ring);
        let count = 8 + 2 * ring;
        (0..count).map(move |index| {
            // To the right and to the left of the top by turns.
            let step = if index % 2 == 0 { -f64::from(index / 2) } else { f64::from(index.div_ceil(2)) };
            let angle = step * std::f64::consts::TAU / f64::from(count);
            [radius * libm::sin(angle), -radius * libm::cos(angle)]
        })
    })
}

/// Explains the pins from `top` on, in columns; returns where that ends.
pub(super) fn list(
    out: &mut String,
    page: &Page,
    markers: &[Marker],
    top: f64,
    level_name: impl Fn(LevelId) -> String,
) -> f64 {
    if markers.is_empty() {
        return top;
    }
    let size = 9.5 * page.zoom;
    let errors = markers.iter().filter(|marker| marker.kind == MarkerKind::Error).count();
    let count = |count: usize, of: &str| format!("{count} {of}{}", if count == 1 { "" } else { "s" });
    let heading = format!("{}, {}", count(errors, "error"), count(markers.len() - errors, "warning"));
    let y = top + 2.0 * size;
    out.push_str("<g id=\"findings\" class=\"markers\">\n");
    write_to(
        out,
        format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" font-weight=\"bold\" fill=\"{INK}\">{heading}</text>\n",
            Px(MARGIN_PX),
            Px(y),
            Px(1.15 * size)
        ),
    );
    let columns = columns(page, COLUMN_PX * page.zoom);
    let wide = (page.width_px - 2.0 * MARGIN_PX) / float(columns);
    let begin = y + 0.8 * size;
    let entries: Vec<Entry> = markers
        .iter()
        .take(LISTED_MAX)
        .map(|marker| {
            Entry::new(marker, &marker.level.map(&level_name).unwrap_or_default(), wide - 5.0 * size, size)
        })
        .collect();
    let total: f64 = entries.iter().map(|entry| entry.high_px).sum();
    let tallest = entries.iter().map(|entry| entry.high_px).fold(0.0, f64::max);
    let high = total / float(columns) + if columns == 1 { 0.0 } else { tallest };
    let mut cursor = [MARGIN_PX, begin];
    let mut end = begin;
    for (marker, entry) in markers.iter().zip(&entries) {
        if begin + high < cursor[1] + entry.high_px - 1e-6 {
            cursor = [cursor[0] + wide, begin];
        }
        entry.write(out, cursor, page.zoom, size, marker.number);
        cursor[1] += entry.high_px;
        end = end.max(cursor[1]);
    }
    if let Some(more) = markers.len().checked_sub(LISTED_MAX).filter(|more| *more != 0) {
        end += 1.5 * size;
        write_to(
            out,
            format_args!(
                "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{INK}\">and {more} more</text>\n",
                Px(MARGIN_PX),
                Px(end),
                Px(size)
            ),
        );
    }
    out.push_str("</g>\n");
    end + size
}

/// One explanation.
struct Entry {
    kind: MarkerKind,
    lines: Vec<String>,
    high_px: f64,
}

impl Entry {
    fn new(marker: &Marker, level: &str, wide_px: f64, size: f64) -> Self {
        let place = if level.is_empty() { String::new() } else { format!("{level}, ") };
        let text = format!("{place}{}: {}", marker.label, marker.tooltip);
        let mut lines = wrap(&text, wide_px, size, LINES_MAX);
        for line in &mut lines {
            *line = shortened(line, wide_px, size);
        }
        let high_px = (1.25 * size * float(lines.len()) + 0.9 * size).max(2.2 * HEAD_PX * size / 9.5);
        Self { kind: marker.kind, lines, high_px }
    }

    fn write(&self, out: &mut String, [x, y]: [f64; 2], zoom: f64, size: f64, number: usize) {
        sign(out, [x + 1.2 * size, y + 1.1 * size], 0.85 * zoom, self.kind, number);
        for (row, line) in self.lines.iter().enumerate() {
            write_to(
                out,
                format_args!(
                    "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{INK}\">{}</text>",
                    Px(x + 2.9 * size),
                    Px(y + 1.45 * size + 1.25 * size * float(row)),
                    Px(size),
                    Escaped(line)
                ),
            );
        }
        out.push('\n');
    }
}
