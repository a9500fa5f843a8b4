//! Zones: each kind has a colour and a hatching of its own, so that neither alone tells them apart.

use nalgebra::{Point2, Vector2};

use crate::{
    compiled::{Zone, ZoneKind},
    model::{self, ZoneKind as Kind},
};

use super::{
    Layer,
    label::{Box2, Shape},
    legend::Sign,
    pen::{Pen, track},
    text::{Number, Px, write_to},
};

/// How a kind of zone looks: its name in the legend, its id, its colour, and a tile of ten by ten pixels.
pub(super) struct Look {
    pub(super) name: &'static str,
    pub(super) id: &'static str,
    pub(super) colour: &'static str,
    tile: &'static str,
    filled: bool,
}

const fn look(name: &'static str, id: &'static str, colour: &'static str, tile: &'static str) -> Look {
    Look { name, id, colour, tile, filled: false }
}

const fn filled(look: &Look) -> Look {
    Look { filled: true, name: look.name, id: look.id, colour: look.colour, tile: look.tile }
}

/// The colours are of Okabe and Ito's palette for all kinds of eyes, some darkened for thin lines on white.
pub(super) const fn look_of(kind: ZoneKind) -> Look {
    match kind {
        ZoneKind::Exit => look("exit ground", "exit", "#00704d", "M0 10L10 0"),
        ZoneKind::Authored(kind) => match kind {
            Kind::Stop => look("stop area", "stop", "#c1121f", "M0 10L10 0M0 5H10"),
            Kind::FireLane => look("fire lane", "fire-lane", "#d55e00", "M0 10L10 0M0 6L6 0M4 10L10 4"),
            Kind::UvC => look("UV-C room", "uv-c", "#7b3fa0", "M5 1V9M1 5H9M2 2L8 8M2 8L8 2"),
            Kind::Blocked => look("blocked", "blocked", "#1d1d1d", "M0 0L10 10M0 10L10 0"),
            Kind::LineGuided => look("line guided", "line-guided", "#0072b2", "M0 3H10M0 7H10"),
            Kind::Release => filled(&look("release", "release", "#00866a", "M0 0H5V5H0ZM5 5H10V10H5Z")),
            Kind::CoordinatedReplanning => look(
                "coordinated replanning",
                "coordinated-replanning",
                "#2a7f9e",
                "M2 5A3 3 0 1 0 8 5A3 3 0 1 0 2 5",
            ),
            Kind::SpeedLimit => look("speed limit", "speed-limit", "#b26a00", "M5 0V10"),
            Kind::Action => look("action", "action", "#9a4f7c", "M5 2V8M2 5H8"),
            Kind::Priority => look("priority", "priority", "#00704d", "M0 0L10 10"),
            Kind::Penalty => look("penalty", "penalty", "#8a4b08", "M1 1L5 5M6 6L9 9"),
            Kind::Directed => look("directed", "directed", "#1f6fc4", "M3 2L7 5L3 8"),
            Kind::Bidirected => look("two directions", "bidirected", "#1f6fc4", "M4 2L1 5L4 8M6 2L9 5L6 8"),
            Kind::HumanOnly => filled(&look("people only", "human-only", "#a07800", "M5 2L8.5 8H1.5Z")),
            Kind::Sterile => look("sterile", "sterile", "#0e8fb3", "M0 5H10M5 0V10"),
            Kind::QuietHours => look("quiet hours", "quiet-hours", "#45538f", "M0 5Q2.5 1 5 5T10 5"),
            Kind::UvExclusion => look("UV exclusion", "uv-exclusion", "#7b3fa0", "M3 3L7 7M3 7L7 3"),
            Kind::Privacy => filled(&look("privacy", "privacy", "#4a4a4a", "M2 2H4V4H2ZM7 7H9V9H7Z")),
        },
    }
}

/// The hatching of a kind of zone, for the definitions at the head of the document.
pub(super) fn pattern(kind: ZoneKind, zoom: f64) -> String {
    let Look { id, colour, tile, filled, .. } = look_of(kind);
    let paint = if filled {
        format!("fill=\"{colour}\" fill-opacity=\"0.4\"")
    } else {
        format!("fill=\"none\" stroke=\"{colour}\" stroke-opacity=\"0.55\"")
    };
    format!(
        "<pattern id=\"sd-zone-{id}\" width=\"10\" height=\"10\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"scale({})\"><path d=\"{tile}\" {paint}/></pattern>\n",
        Number(zoom)
    )
}

impl Pen<'_> {
    pub(super) fn zones(&mut self) {
        let style = format!(" stroke-width=\"{}\"", Px(0.9 * self.page.zoom));
        let level = self.level();
        let mut here: Vec<(&Zone, Option<&model::Zone>)> = self
            .site
            .live_zones()
            .map(|(_, zone)| (zone, self.site.written_zone(zone)))
            .filter(|(zone, _)| zone.level == level)
            .collect();
        // Small ones over large ones, so that all can be seen.
        here.sort_by(|(a, _), (b, _)| area_m2(b).total_cmp(&area_m2(a)));
        self.layer(Layer::Zones, &style, |pen| {
            for (zone, authored) in here {
                pen.zone(zone, authored);
            }
        });
    }

    fn zone(&mut self, zone: &Zone, authored: Option<&model::Zone>) {
        let look = look_of(zone.kind);
        let kind = if zone.kind == ZoneKind::Exit { "exit-ground" } else { "zone" };
        let outline = self.track(zone.outer.iter().copied(), true);
        let tooltip = match authored.filter(|_| zone.kind != ZoneKind::Exit) {
            Some(authored) => format!("{} {}{}", look.name, zone.name, details(authored)),
            None => format!("{} of {}", look.name, zone.name),
        };
        let arrow = authored.map(|authored| self.direction(zone, authored)).unwrap_or_default();
        self.element(kind, &zone.name, &tooltip, |pen| {
            let paint = format!(" fill=\"url(#sd-zone-{})\" stroke=\"{}\"", look.id, look.colour);
            pen.path(&outline, &paint);
            pen.path(
                &arrow,
                &format!(
                    " fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"",
                    look.colour,
                    Px(2.0 * pen.page.zoom)
                ),
            );
        });
        if let Some(at) = Some(&zone.outer).filter(|_| !arrow.is_empty()).and_then(|outer| pole(outer)) {
            let wide = 24.0 * self.page.zoom;
            self.taken.add(Box2::around(self.px(at), wide, wide));
        }
        self.used.note(Sign::Zone(zone.kind));
    }

    /// The arrow of a zone that has a direction, or two.
    fn direction(&self, zone: &Zone, authored: &model::Zone) -> String {
        let Some(angle) = authored.direction_rad else { return String::new() };
        let Some(at) = pole(&zone.outer) else { return String::new() };
        let [x, y] = self.px(at);
        // On paper y points down.
        let along = Vector2::new(libm::cos(angle), -libm::sin(angle)) * (11.0 * self.page.zoom);
        let across = Vector2::new(-along.y, along.x);
        let middle = Point2::new(x, y);
        let head = |tip: Point2<f64>, back: Vector2<f64>| {
            track([tip + back * 0.5 + across * 0.3, tip, tip + back * 0.5 - across * 0.3].map(pair), false)
        };
        let mut arrow = track([middle - along, middle + along].map(pair), false);
        arrow.push_str(&head(middle + along, -along));
        if authored.kind == Kind::Bidirected {
            arrow.push_str(&head(middle - along, along));
        }
        arrow
    }
}

fn pole(outer: &[Point2<f64>]) -> Option<Point2<f64>> {
    Shape { outer, holes: &[] }.pole()
}

fn pair(at: Point2<f64>) -> [f64; 2] {
    [at.x, at.y]
}

fn area_m2(zone: &Zone) -> f64 {
    crate::geometry::twice_area(&zone.outer).abs()
}

/// What a zone asks, after its name.
fn details(zone: &model::Zone) -> String {
    let mut text = String::new();
    if let Some(limit) = zone.speed_limit_mps {
        write_to(&mut text, format_args!(", at most {} m/s", Number(limit)));
    }
    if let Some(weight) = zone.weight {
        write_to(&mut text, format_args!(", weight {}", Number(weight)));
    }
    if !zone.classes.is_empty() {
        write_to(&mut text, format_args!(", for {}", zone.classes.join(", ")));
    }
    for schedule in &zone.schedules {
        write_to(&mut text, format_args!(", {} to {}", schedule.from, schedule.to));
    }
    text
}
