//! Names on the plan: of rooms, lifts, stations and zones, in this order of importance. What does not fit is left out
//! and still shows under the pointer.

use crate::{
    compiled::{Lift, Room, Station, Waypoint, Zone, ZoneKind},
    geometry::{float, twice_area},
    model::{self, RoomKind},
};

use super::{
    Layer,
    furniture::LIFT,
    label::{Box2, LINE_HEIGHT, Shape, text_box},
    pen::{FAINT, INK, Pen},
    text::{Area, Number, last_word, width_px, wrap, write_label},
    zones::look_of,
};

/// White around a label, pixels.
const PAD_PX: f64 = 2.0;

/// Stations up to which each is compared with all others.
const SERIES_MAX: usize = 2_000;

/// One way to write a label.
struct Wording {
    lines: Vec<String>,
    size_px: f64,
    /// Whether it keeps off lanes and walls.
    careful: bool,
}

impl Pen<'_> {
    pub(super) fn labels(&mut self) {
        let level = self.level();
        let site = self.site;
        let wanted = |layer| self.layers.contains(layer);
        let (rooms, lifts, stations, zones) =
            (wanted(Layer::Rooms), wanted(Layer::Lifts), wanted(Layer::Stations), wanted(Layer::Zones));
        self.layer(Layer::Labels, "", |pen| {
            for room in site.rooms().iter().filter(|room| rooms && room.level == level) {
                site.written_room(room).into_iter().for_each(|authored| pen.room_name(room, authored));
            }
            for lift in site.lifts().iter().filter(|lift| lifts && lift.serves(level)) {
                pen.lift_name(lift);
            }
            for (_, station) in site.live_stations().filter(|_| stations) {
                if let Some(way) = site.waypoint(station.waypoint).filter(|way| way.level == level) {
                    pen.station_name(station, way);
                }
            }
            for (_, zone) in site.live_zones().filter(|(_, zone)| zones && zone.level == level) {
                pen.zone_name(zone, site.written_zone(zone));
            }
        });
    }

    fn room_name(&mut self, room: &Room, authored: &model::Room) {
        let name = match (&authored.label, room.kind) {
            (Some(label), _) => label.as_str(),
            // Floors of other formats have no name that anybody gave them.
            (None, RoomKind::Floor) => return,
            (None, _) => room.name.as_str(),
        };
        let shape = Shape { outer: &room.outer, holes: &room.holes };
        let holes: f64 = room.holes.iter().map(|hole| twice_area(hole)).sum();
        let area_m2 = 0.5 * (twice_area(&room.outer) + holes);
        let area = Area(area_m2).to_string();
        let size = self.page.font_px();
        self.inside(
            &shape,
            name,
            Some(&area),
            size,
            if room.kind == RoomKind::Corridor { FAINT } else { INK },
        );
    }

    fn zone_name(&mut self, zone: &Zone, authored: Option<&model::Zone>) {
        if zone.kind == ZoneKind::Exit {
            return;
        }
        let limit =
            authored.and_then(|zone| zone.speed_limit_mps).map(|limit| format!("{} m/s", Number(limit)));
        let shape = Shape { outer: &zone.outer, holes: &[] };
        let size = 0.85 * self.page.font_px();
        self.inside(&shape, &zone.name, limit.as_deref(), size, look_of(zone.kind).colour);
    }

    /// Writes a name into a shape where it is widest, if it fits anywhere: in up to three lines, smaller if need be.
    fn inside(&mut self, shape: &Shape<'_>, name: &str, more: Option<&str>, size_px: f64, colour: &str) {
        let wordings = self.wordings(name, more, size_px);
        // No use to search places in what is too small for the narrowest wording.
        let narrow = wordings
            .iter()
            .map(|way| text_box([0.0; 2], &way.lines, way.size_px).wide())
            .fold(f64::INFINITY, f64::min);
        let Some(around) = Box2::of(shape.outer.iter().map(|at| self.px(*at))) else { return };
        if around.wide() < narrow {
            return;
        }
        let places = shape.places();
        for wording in wordings {
            for place in &places {
                let at = self.px(*place);
                let wanted = text_box(at, &wording.lines, wording.size_px).grown(PAD_PX);
                if !self.is_free(wanted, wording.careful) {
                    continue;
                }
                let metres = |px: f64| px / self.page.px_per_m;
                let in_metres =
                    Box2::around([place.x, place.y], metres(wanted.wide()), metres(wanted.high()));
                if shape.holds(in_metres) {
                    self.write_lines(at, &wording.lines, wording.size_px, colour);
                    self.taken.add(wanted);
                    return;
                }
            }
        }
    }

    /// Ways to write a name, the best first; `more` is a line under it that may go.
    fn wordings(&self, name: &str, more: Option<&str>, size_px: f64) -> Vec<Wording> {
        let least = self.page.font_min_px();
        let sizes = [1.0, 0.86, 0.74, 0.64].map(|share| (share * size_px).max(least));
        let mut wordings = Vec::new();
        let mut add = |size_px: f64, careful: bool, more: Option<&str>| {
            let whole = width_px(name, size_px);
            let mut shown: Vec<Vec<String>> = Vec::new();
            for (lines_max, share) in [(1, 1.0), (2, 0.62), (3, 0.42)] {
                let mut lines = wrap(name, share * whole, size_px, lines_max);
                if !shown.contains(&lines) && !lines.is_empty() {
                    shown.push(lines.clone());
                    lines.extend(more.map(str::to_owned));
                    wordings.push(Wording { lines, size_px, careful });
                }
            }
        };
        let [large, good, small, smallest] = sizes;
        if more.is_some() {
            add(large, true, more);
            add(good, true, more);
        }
        for (size_px, careful) in [
            (large, true),
            (good, true),
            (large, false),
            (good, false),
            (small, true),
            (small, false),
            (smallest, false),
        ] {
            add(size_px, careful, None);
        }
        wordings
    }

    fn lift_name(&mut self, lift: &Lift) {
        let Some(cabin) = Box2::of(lift.cabin().map(|corner| self.px(corner))) else { return };
        let size = 0.85 * self.page.font_px();
        let inside = text_box(cabin.middle(), std::slice::from_ref(&lift.name), size);
        let lines = [lift.name.clone()];
        if cabin.contains(inside) && self.is_free(inside, false) {
            self.write_lines(cabin.middle(), &lines, size, LIFT);
            self.taken.add(inside);
            return;
        }
        self.taken.add(cabin);
        let half = [cabin.wide() / 2.0, cabin.high() / 2.0];
        self.beside(cabin.middle(), half, &[lines.to_vec()], size, LIFT);
    }

    fn station_name(&mut self, station: &Station, way: &Waypoint) {
        let site = self.site;
        let room = site.locate(way.level, way.at).room().and_then(|room| site.written_room(site.room(room)?));
        if room.is_some_and(|room| room.id == station.name && room.kind != RoomKind::Floor) {
            return;
        }
        let size = (0.85 * self.page.font_px()).max(self.page.font_min_px());
        let whole = vec![station.name.clone()];
        let folded = wrap(&station.name, 0.6 * width_px(&station.name, size), size, 2);
        let short = vec![last_word(&station.name).to_owned()];
        let wordings =
            if self.is_crowded(station, way, size) { vec![short] } else { vec![whole, folded, short] };
        let radius = self.page.symbol_px() + 1.0;
        self.beside(self.px(way.at), [radius, radius], &wordings, size, INK);
    }

    /// Whether the whole name of a station would run into that of a neighbour of the same series: then all of them are
    /// written short.
    fn is_crowded(&self, station: &Station, way: &Waypoint, size_px: f64) -> bool {
        // What an importer adds to make a name unique numbers no series.
        let numbered = last_word(&station.name).contains(|c: char| c.is_ascii_digit());
        if SERIES_MAX < self.site.live_stations().count() || !numbered || station.name.contains('@') {
            return false;
        }
        let series = |name: &str| name.len() - last_word(name).len();
        let stem = station.name.get(..series(&station.name)).filter(|stem| !stem.is_empty());
        let wide_m = 1.1 * width_px(&station.name, size_px) / self.page.px_per_m;
        let high_m = 2.0 * size_px / self.page.px_per_m;
        let near = self
            .site
            .live_stations()
            .map(|(_, other)| other)
            .filter(|other| other.waypoint != station.waypoint);
        near.filter(|other| stem.is_some_and(|stem| other.name.get(..series(&other.name)) == Some(stem)))
            .filter_map(|other| self.site.waypoint(other.waypoint))
            .any(|other| {
                let apart = other.at - way.at;
                other.level == way.level && apart.x.abs() < wide_m && apart.y.abs() < high_m
            })
    }

    /// Writes one of some wordings beside something, where no label is yet; nowhere if there is no such place.
    fn beside(
        &mut self,
        [x, y]: [f64; 2],
        half: [f64; 2],
        wordings: &[Vec<String>],
        size_px: f64,
        colour: &str,
    ) {
        const AROUND: [[f64; 2]; 8] =
            [[0., 1.], [0., -1.], [1., 0.], [-1., 0.], [0.8, 0.9], [-0.8, 0.9], [0.8, -0.9], [-0.8, -0.9]];
        for careful in [true, false] {
            for lines in wordings {
                let label = text_box([0.0; 2], lines, size_px);
                let wide = [label.wide() / 2.0 + 1.0, label.high() / 2.0];
                for ([x_off, y_off], gap) in
                    [0.0, 5.0].into_iter().flat_map(|gap| AROUND.map(|off| (off, gap)))
                {
                    let gap = gap * self.page.zoom;
                    let at = [x + x_off * (half[0] + wide[0] + gap), y + y_off * (half[1] + wide[1] + gap)];
                    let wanted = text_box(at, lines, size_px).grown(0.5);
                    if self.is_free(wanted, careful) {
                        self.write_lines(at, lines, size_px, colour);
                        self.taken.add(wanted);
                        return;
                    }
                }
            }
        }
    }

    fn is_free(&self, wanted: Box2, careful: bool) -> bool {
        let page = Box2 { low: [0.0, 0.0], high: [self.page.width_px, self.page.foot_px] };
        page.contains(wanted) && !self.taken.hits(wanted) && !(careful && self.busy.hits(wanted))
    }

    fn write_lines(&mut self, [x, y]: [f64; 2], lines: &[String], size_px: f64, colour: &str) {
        let first = y - (float(lines.len()) - 1.0) / 2.0 * LINE_HEIGHT * size_px + 0.36 * size_px;
        for (index, line) in lines.iter().enumerate() {
            let y = first + float(index) * LINE_HEIGHT * size_px;
            write_label(&mut self.out, [x, y], size_px, colour, " text-anchor=\"middle\"", line);
        }
        self.out.push('\n');
    }
}
