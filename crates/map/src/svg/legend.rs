//! The foot of a picture: scale bar and what colours and signs mean, for those that occur.

use std::collections::BTreeSet;

use crate::{compiled::ZoneKind, model::RoomKind};

use super::{
    Layer, Layers,
    doors::{DOOR, EXIT, FIRE, arc},
    furniture::{LIFT, OBSTACLE, SENSOR},
    page::{MARGIN_PX, Page},
    pen::{FAINT, INK},
    roads::{CORRIDOR, LANE},
    rooms,
    text::{Number, Px, width_px, write_to},
    walls::{GLASS, GLASS_EDGE},
    zones,
};

/// Something that has a meaning, in the order of the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    Swinging,
    Sliding,
    Opening,
    FireDoor,
    Exit,
    Glass,
    HalfHeight,
    Lift,
    Stairs,
    Escalator,
    Ramp,
    Obstacle,
    Sensor,
    TwoWay,
    OneWay,
    Corridor,
    Pickup,
    Dropoff,
    Charger,
    Parking,
    Holding,
    Place,
    Room(RoomKind),
    Zone(ZoneKind),
}

/// The signs that occur.
#[derive(Clone, Debug, Default)]
pub(super) struct Used(BTreeSet<Sign>);

impl Used {
    pub(super) fn note(&mut self, sign: Sign) {
        self.0.insert(sign);
    }

    pub(super) fn zones(&self) -> impl Iterator<Item = ZoneKind> {
        self.0.iter().filter_map(|sign| if let Sign::Zone(kind) = sign { Some(*kind) } else { None })
    }
}

/// Writes scale bar and legend from `top` on; returns where they end.
pub(super) fn write(out: &mut String, page: &Page, used: &Used, layers: Layers, top: f64) -> f64 {
    let size = 10.5 * page.zoom;
    let row = 1.75 * size;
    let mut y = top + row;
    let mut x = scale_bar(out, page, y, size) + 2.0 * size;
    if !layers.contains(Layer::Legend) {
        return y + row / 2.0;
    }
    let wide = 1.9 * size;
    out.push_str("<g id=\"legend\" class=\"legend\">\n");
    for sign in &used.0 {
        let text = name(*sign);
        let needed = wide + 0.5 * size + width_px(text, size) + 1.3 * size;
        if page.width_px - MARGIN_PX < x + needed && MARGIN_PX < x {
            (x, y) = (MARGIN_PX, y + row);
        }
        write_to(out, format_args!("<g fill=\"none\" stroke-width=\"{}\">", Px(page.zoom)));
        swatch(out, *sign, [x, y - 0.36 * size], wide, 1.1 * size);
        write_to(
            out,
            format_args!(
                "</g><text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{INK}\">{text}</text>\n",
                Px(x + wide + 0.5 * size),
                Px(y),
                Px(size)
            ),
        );
        x += needed;
    }
    out.push_str("</g>\n");
    y + row / 2.0
}

/// Four fields, black and white, with the length at both ends; returns how far it reaches.
fn scale_bar(out: &mut String, page: &Page, y: f64, size: f64) -> f64 {
    const LENGTHS_M: [f64; 13] =
        [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0];
    let enough = |length: &f64| 8.0 * size <= length * page.px_per_m;
    let length_m = LENGTHS_M.into_iter().find(enough).unwrap_or(2_000.0);
    let field = length_m * page.px_per_m / 4.0;
    let (left, high) = (MARGIN_PX, 0.45 * size);
    let mut dark = String::new();
    for number in [0_u8, 2] {
        let x = Px(left + f64::from(number) * field);
        write_to(&mut dark, format_args!("M{x} {}h{}v{}h-{}Z", Px(y - high), Px(field), Px(high), Px(field)));
    }
    let text = format!("{} m", Number(length_m));
    write_to(
        out,
        format_args!(
            "<g id=\"scale\"><path d=\"M{} {}h{}v{}h-{}Z\" fill=\"#fff\" stroke=\"{INK}\" stroke-width=\"{}\"/>\
             <path d=\"{dark}\" fill=\"{INK}\"/><text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{INK}\">{text}</text></g>\n",
            Px(left),
            Px(y - high),
            Px(4.0 * field),
            Px(high),
            Px(4.0 * field),
            Px(0.8 * page.zoom),
            Px(left + 4.0 * field + 0.5 * size),
            Px(y),
            Px(size),
        ),
    );
    left + 4.0 * field + 0.5 * size + width_px(&text, size)
}

const fn name(sign: Sign) -> &'static str {
    match sign {
        Sign::Swinging => "door",
        Sign::Sliding => "sliding door",
        Sign::Opening => "opening",
        Sign::FireDoor => "fire door",
        Sign::Exit => "exit",
        Sign::Glass => "glass",
        Sign::HalfHeight => "half height",
        Sign::Lift => "lift",
        Sign::Stairs => "stairs",
        Sign::Escalator => "escalator",
        Sign::Ramp => "ramp",
        Sign::Obstacle => "obstacle",
        Sign::Sensor => "sensor and its view",
        Sign::TwoWay => "two-way lane",
        Sign::OneWay => "one-way lane",
        Sign::Corridor => "one robot at a time",
        Sign::Pickup => "pickup",
        Sign::Dropoff => "dropoff",
        Sign::Charger => "charger",
        Sign::Parking => "parking",
        Sign::Holding => "holding",
        Sign::Place => "place",
        Sign::Room(kind) => rooms::look_of(kind).0,
        Sign::Zone(kind) => zones::look_of(kind).name,
    }
}

/// A small picture of a sign; `y` is its middle.
fn swatch(out: &mut String, sign: Sign, [x, y]: [f64; 2], wide: f64, high: f64) {
    let (right, middle, top, low) = (x + wide, x + wide / 2.0, y - high / 2.0, y + high / 2.0);
    let [px_x, px_y, px_right, px_top] = [Px(x), Px(y), Px(right), Px(top)];
    let line = format!("M{px_x} {px_y}H{px_right}");
    let area = format!("M{px_x} {px_top}h{}v{}h-{}Z", Px(wide), Px(high), Px(wide));
    let mut add = |d: &str, paint: &str| write_to(out, format_args!("<path d=\"{d}\" {paint}/>"));
    let bold = |colour: &str, wide: f64| format!("stroke=\"{colour}\" stroke-width=\"{}\"", Px(wide));
    match sign {
        Sign::Swinging | Sign::FireDoor => {
            let colour = if sign == Sign::FireDoor { FIRE } else { DOOR };
            let (hinge, tip) = ([x + 0.2 * wide, low], [x + 0.2 * wide, low - high]);
            add(&format!("M{} {}V{}", Px(hinge[0]), Px(hinge[1]), Px(tip[1])), &bold(colour, 0.17 * high));
            add(&arc(hinge, [hinge[0] + high, low], tip), &format!("stroke=\"{colour}\""));
        }
        Sign::Sliding => {
            add(&line, &bold(DOOR, 0.17 * high));
            let (y, tip) = (Px(y - 0.35 * high), middle - 0.25 * wide);
            let head = format!("M{} {y}H{}l3 -2m-3 2l3 2", Px(middle + 0.25 * wide), Px(tip));
            add(&head, &format!("stroke=\"{DOOR}\""));
        }
        Sign::Opening => add(&line, &format!("stroke=\"{DOOR}\" stroke-dasharray=\"3 2\"")),
        Sign::Exit => add(&area, &format!("fill=\"{EXIT}\"")),
        Sign::Glass => {
            add(&line, &bold(GLASS_EDGE, 0.5 * high));
            add(&line, &bold(GLASS, 0.3 * high));
        }
        Sign::HalfHeight => {
            add(&line, &bold(INK, 0.5 * high));
            add(&line, &bold("#fff", 0.3 * high));
        }
        Sign::Lift => {
            let cross = format!(
                "{area}M{px_x} {px_top}L{px_right} {}M{px_x} {}L{px_right} {px_top}",
                Px(low),
                Px(low)
            );
            add(&cross, &format!("fill=\"#e4e7f4\" stroke=\"{LIFT}\""));
        }
        Sign::Stairs | Sign::Escalator => {
            let mut treads = String::new();
            for tread in 1..6 {
                let x = Px(x + f64::from(tread) * wide / 6.0);
                write_to(&mut treads, format_args!("M{x} {px_top}v{}", Px(high)));
            }
            let rails = if sign == Sign::Escalator { line.as_str() } else { "" };
            add(&format!("{area}{treads}{rails}"), &format!("stroke=\"{FAINT}\""));
        }
        Sign::Ramp => {
            let sides = format!("M{px_x} {px_top}L{px_right} {px_y}L{px_x} {}", Px(low));
            add(&format!("{area}{sides}"), &format!("stroke=\"{FAINT}\""));
        }
        Sign::Obstacle => add(&area, &format!("fill=\"url(#sd-obstacle)\" stroke=\"{OBSTACLE}\"")),
        Sign::Sensor => add(
            &area,
            &format!("fill=\"{SENSOR}\" fill-opacity=\"0.06\" stroke=\"{SENSOR}\" stroke-dasharray=\"4 2\""),
        ),
        Sign::TwoWay => add(&line, &bold(LANE, 0.13 * high)),
        Sign::OneWay => {
            let (tip, size) = (middle + 0.2 * high, 0.3 * high);
            let head =
                format!("M{} {}L{} {px_y}L{0} {}", Px(tip - size), Px(y - size), Px(tip), Px(y + size));
            add(&format!("{line}{head}"), &bold(LANE, 0.13 * high));
        }
        Sign::Corridor => add(&line, &format!("{} stroke-opacity=\"0.3\"", bold(CORRIDOR, 0.7 * high))),
        Sign::Pickup | Sign::Dropoff | Sign::Charger | Sign::Parking | Sign::Holding | Sign::Place => {
            let symbol = name(sign);
            write_to(out, format_args!("<use href=\"#sd-{symbol}\" x=\"{}\" y=\"{px_y}\"/>", Px(middle)));
        }
        Sign::Room(kind) => add(&area, &format!("fill=\"{}\" stroke=\"#b9bfc7\"", rooms::look_of(kind).1)),
        Sign::Zone(kind) => {
            let look = zones::look_of(kind);
            add(&area, &format!("fill=\"url(#sd-zone-{})\" stroke=\"{}\"", look.id, look.colour));
        }
    }
}
