//! The plan under everything: layer over layer, level by level, and the headings.

use crate::{compiled::CompiledSite, model::RoomKind};

use super::{
    Layers,
    furniture::OBSTACLE,
    legend::Used,
    page::{MARGIN_PX, PANEL_MIN_PX, Page, Panel},
    pen::{FAINT, INK, Pen},
    roads,
    text::{Area, Escaped, Ident, Number, Px, shortened, width_px, write_to},
    zones,
};

/// What was drawn.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Patterns and symbols.
    pub(super) defs: String,
    /// Headings and levels.
    pub(super) body: String,
    /// The signs that occur.
    pub(super) used: Used,
}

/// Draws all panels. Linear in what they show, but for labels, which take a bounded number of tries each.
pub(super) fn draw(site: &CompiledSite, page: &Page, layers: Layers) -> Plan {
    let mut used = Used::default();
    let mut body = String::new();
    heading(&mut body, site, page);
    for panel in &page.panels {
        title(&mut body, site, page, panel);
        let mut pen = Pen::new(site, page, *panel, layers, &mut used);
        let name = Ident(pen.level_name()).to_string();
        pen.group(&format!("id=\"level-{name}\" class=\"level\""), |pen| {
            pen.rooms();
            pen.zones();
            pen.sensors();
            pen.obstacles();
            pen.connectors();
            pen.lifts();
            pen.lanes();
            pen.walls();
            pen.waypoints();
            pen.stations();
            pen.doors();
            pen.labels();
        });
        body.push_str(&pen.out);
    }
    Plan { defs: defs(page, &used), body, used }
}

fn defs(page: &Page, used: &Used) -> String {
    let mut defs = String::from("<defs>\n");
    write_to(
        &mut defs,
        format_args!(
            "<pattern id=\"sd-obstacle\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"scale({})\"><path d=\"M0 0H6V6H0Z\" fill=\"#ece8e0\"/><path d=\"M0 6L6 0\" \
             stroke=\"{OBSTACLE}\" stroke-width=\"0.7\"/></pattern>\n",
            Number(page.zoom)
        ),
    );
    for kind in used.zones() {
        defs.push_str(&zones::pattern(kind, page.zoom));
    }
    defs.push_str(&roads::symbols(page.symbol_px()));
    defs.push_str("</defs>\n");
    defs
}

/// The site: its name, what is on the page, and where north is.
fn heading(out: &mut String, site: &CompiledSite, page: &Page) {
    let (size, small) = (19.0 * page.zoom, 11.0 * page.zoom);
    let y = MARGIN_PX + 0.9 * size;
    let wide = page.width_px - 2.0 * MARGIN_PX - 3.0 * size;
    let name = shortened(site.name(), wide, 1.05 * size);
    write_to(
        out,
        format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" font-weight=\"bold\" fill=\"{INK}\">{}</text>",
            Px(MARGIN_PX),
            Px(y),
            Px(size),
            Escaped(&name)
        ),
    );
    let from = MARGIN_PX + width_px(&name, 1.08 * size) + small;
    let summary = shortened(&summary(site, page), wide + MARGIN_PX - from, small);
    if 3 < summary.chars().count() {
        write_to(
            out,
            format_args!(
                "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{FAINT}\">{}</text>",
                Px(from),
                Px(y),
                Px(small),
                Escaped(&summary)
            ),
        );
    }
    out.push('\n');
    north(out, site, page, [page.width_px - MARGIN_PX - 0.9 * size, MARGIN_PX + 0.8 * size], size);
}

fn summary(site: &CompiledSite, page: &Page) -> String {
    let count = |count: usize, one: &str, many: &str| match count {
        0 => String::new(),
        1 => format!(" · 1 {one}"),
        count => format!(" · {count} {many}"),
    };
    let shown = |level| page.panels.iter().any(|panel| panel.level == level);
    let area: f64 = page
        .panels
        .iter()
        .filter_map(|panel| site.level(panel.level))
        .map(|level| level.geometry.area_m2())
        .sum();
    let mut text = count(page.panels.len(), "level", "levels");
    if 0.0 < area {
        write_to(&mut text, format_args!(" · {}", Area(area)));
    }
    // Floors of other formats are none that anybody would count.
    let rooms =
        site.live_rooms().filter(|(_, room)| shown(room.level) && room.kind != RoomKind::Floor).count();
    text += &count(rooms, "room", "rooms");
    text += &count(site.live_doors().filter(|(_, door)| shown(door.level)).count(), "door", "doors");
    let lifts = site.lifts().iter().filter(|lift| lift.stops.iter().any(|stop| shown(stop.level))).count();
    text += &count(lifts, "lift", "lifts");
    text.strip_prefix(" · ").unwrap_or("").to_owned()
}

/// An arrow to the north, when it is known where that is; the axes otherwise.
fn north(out: &mut String, site: &CompiledSite, page: &Page, [x, y]: [f64; 2], size: f64) {
    let arm = 0.75 * size;
    let mut letter = |at: [f64; 2], text: &str| {
        write_to(
            out,
            format_args!(
                "<text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"middle\" fill=\"{FAINT}\">{text}</text>",
                Px(at[0]),
                Px(at[1] + 0.18 * size),
                Px(0.5 * size)
            ),
        );
    };
    if let Some(place) = site.authored().georeference {
        // North is a quarter turn from east, and the x axis lies `yaw` from east; on paper angles turn the other way.
        let yaw = place.yaw_rad;
        letter([x + 1.4 * arm * libm::sin(yaw), y - 1.4 * arm * libm::cos(yaw)], "N");
        let (wing, low, waist) = (Px(0.42 * arm), Px(0.6 * arm), Px(0.25 * arm));
        write_to(
            out,
            format_args!(
                "<path id=\"north\" transform=\"translate({} {}) rotate({})\" \
                 d=\"M0 -{}L{wing} {low}L0 {waist}L-{wing} {low}Z\" fill=\"{INK}\"/>\n",
                Px(x),
                Px(y),
                Number(yaw.to_degrees()),
                Px(arm),
            ),
        );
    } else {
        let (left, low) = (x - 0.5 * arm, y + 0.5 * arm);
        letter([left + 1.3 * arm, low], "x");
        letter([left, low - 1.45 * arm], "y");
        let (head, wide) = (Px(0.25 * arm), Px(1.3 * page.zoom));
        write_to(
            out,
            format_args!(
                "<path id=\"axes\" d=\"M{0} {1}V{2}M{0} {2}l-{head} {head}M{0} {2}l{head} {head}M{0} {1}H{3}l-{head} \
                 -{head}m{head} {head}l-{head} {head}\" fill=\"none\" stroke=\"{FAINT}\" stroke-width=\"{wide}\"/>\n",
                Px(left),
                Px(low),
                Px(low - arm),
                Px(left + arm),
            ),
        );
    }
}

/// A level: its name, its height and its area.
fn title(out: &mut String, site: &CompiledSite, page: &Page, panel: &Panel) {
    let Some(level) = site.level(panel.level) else { return };
    let [x, y] = panel.at_px;
    let size = 13.0 * page.zoom;
    let building = site.authored().levels.iter().find(|written| written.id == level.name);
    let building = building.and_then(|level| level.building.as_deref());
    let building = building.map_or_else(String::new, |name| format!("{name} · "));
    let area = level.geometry.area_m2();
    let area = if 0.0 < area { format!(" · {}", Area(area)) } else { String::new() };
    let title = format!("{building}{} ({} m){area}", level.name, Number(level.elevation_m));
    let wide =
        if page.panels.len() == 1 { page.width_px } else { panel.size_px[0].max(PANEL_MIN_PX * page.zoom) };
    write_to(
        out,
        format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" font-weight=\"bold\" fill=\"{INK}\">{}</text>\n",
            Px(x),
            Px(y - 0.7 * size),
            Px(size),
            Escaped(&shortened(&title, wide, 1.06 * size))
        ),
    );
}
