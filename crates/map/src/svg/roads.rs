//! The roadmap: lanes with their directions, waypoints and what they are for, stations.

use nalgebra::{Point2, Vector2};
use sheepdog_core::{LaneId, WaypointId};

use crate::{
    compiled::{Lane, Roles, Station, Waypoint},
    geometry::truncate,
    model::StationKind,
};

use super::{
    Layer,
    label::Box2,
    legend::Sign,
    pen::{Pen, track},
    text::{Escaped, Ident, Px, write_to},
};

pub(super) const LANE: &str = "#4a7ab0";
pub(super) const CORRIDOR: &str = "#e69f00";
/// One arrow for so much of a one-way lane, and the shortest stretch that has one.
const ARROW_EVERY_PX: f64 = 80.0;
const ARROW_FROM_PX: f64 = 12.0;
/// Width of the band under the lanes of a one-lane corridor.
const CORRIDOR_M: f64 = 0.7;

/// Lanes that follow each other without a choice, drawn as one.
struct Stretch {
    points: Vec<Point2<f64>>,
    two_way: bool,
    corridor: bool,
}

impl Pen<'_> {
    pub(super) fn lanes(&mut self) {
        let stretches = self.stretches();
        let zoom = self.page.zoom;
        let wide = self.page.at_least(0.03, 0.9).min(1.4 * zoom);
        let style = format!(
            " fill=\"none\" stroke=\"{LANE}\" stroke-width=\"{}\" stroke-linejoin=\"round\" \
             stroke-linecap=\"round\"",
            Px(wide)
        );
        self.layer(Layer::Lanes, &style, |pen| {
            let line = |pen: &Self, wanted: &dyn Fn(&Stretch) -> bool| -> String {
                stretches
                    .iter()
                    .filter(|stretch| wanted(stretch))
                    .map(|stretch| pen.track(stretch.points.iter().copied(), false))
                    .collect()
            };
            let corridors = line(pen, &|stretch| stretch.corridor);
            let two_way = line(pen, &|stretch| stretch.two_way);
            let one_way = line(pen, &|stretch| !stretch.two_way);
            let arrows: String =
                stretches.iter().filter(|stretch| !stretch.two_way).map(|stretch| pen.arrows(stretch)).collect();
            let band = Px(pen.page.at_least(CORRIDOR_M, 5.0));
            pen.path(
                &corridors,
                &format!(" class=\"corridors\" stroke=\"{CORRIDOR}\" stroke-opacity=\"0.3\" stroke-width=\"{band}\""),
            );
            pen.path(&two_way, " class=\"two-way\"");
            pen.path(&one_way, " class=\"one-way\"");
            pen.path(&arrows, &format!(" class=\"arrows\" stroke-width=\"{}\"", Px(wide.max(1.1 * zoom))));
            for (track, sign) in
                [(&corridors, Sign::Corridor), (&two_way, Sign::TwoWay), (&one_way, Sign::OneWay)]
            {
                if !track.is_empty() {
                    pen.used.note(sign);
                }
            }
            for stretch in &stretches {
                for (a, b) in stretch.points.iter().zip(stretch.points.iter().skip(1)) {
                    let (a, b) = (pen.px(*a), pen.px(*b));
                    pen.busy.add_line(a, b, 1.0);
                }
            }
        });
    }

    /// All lanes of the level as stretches, in the order of their first lanes. Linear in the lanes.
    fn stretches(&self) -> Vec<Stretch> {
        let mut done = vec![false; self.site.lanes().len()];
        let all = || self.site.live_lanes().filter(|(_, lane)| self.is_here(lane));
        let begins = all().filter(|(id, _)| self.before(*id).is_none());
        let mut stretches = Vec::new();
        // Those that begin somewhere; then what is left goes round in circles.
        for (id, _) in begins.chain(all()) {
            stretches.extend(self.stretch(id, &mut done));
        }
        stretches
    }

    fn stretch(&self, first: LaneId, done: &mut [bool]) -> Option<Stretch> {
        let lane = self.site.lane(first)?;
        let mut stretch = Stretch {
            points: vec![self.site.waypoint(lane.from)?.at],
            two_way: lane.reverse.is_some(),
            corridor: lane.corridor.is_some(),
        };
        let mut next = Some(first);
        while let Some(id) = next {
            let lane = self.site.lane(id)?;
            let mark = done.get_mut(id.index())?;
            if *mark {
                break;
            }
            *mark = true;
            if let Some(mark) = lane.reverse.and_then(|reverse| done.get_mut(reverse.index())) {
                *mark = true;
            }
            let to = self.site.waypoint(lane.to)?.at;
            if let [.., before, last] = stretch.points.as_mut_slice()
                && straight(*before, *last, to)
            {
                *last = to;
            } else {
                stretch.points.push(to);
            }
            next = self.after(id);
        }
        (1 < stretch.points.len()).then_some(stretch)
    }

    fn is_here(&self, lane: &Lane) -> bool {
        let here = |id| self.site.waypoint(id).is_some_and(|way| way.level == self.level());
        lane.ride.is_none() && here(lane.from) && here(lane.to)
    }

    /// The lane that alone goes on from a lane, if nothing else comes to where it starts.
    fn after(&self, id: LaneId) -> Option<LaneId> {
        let lane = self.site.lane(id)?;
        let next = self.only(self.site.lanes_from(lane.to), lane.reverse)?;
        let onward = self.site.lane(next)?;
        let alone = self.only(self.site.lanes_to(lane.to), onward.reverse)? == id;
        let alike = onward.corridor == lane.corridor && onward.reverse.is_some() == lane.reverse.is_some();
        (alone && alike && onward.to != lane.from).then_some(next)
    }

    fn before(&self, id: LaneId) -> Option<LaneId> {
        let lane = self.site.lane(id)?;
        let before = self.only(self.site.lanes_to(lane.from), lane.reverse)?;
        (self.after(before)? == id).then_some(before)
    }

    /// The only one of some lanes that is on this level and not `but`.
    fn only(&self, lanes: &[LaneId], but: Option<LaneId>) -> Option<LaneId> {
        let mut others = lanes
            .iter()
            .copied()
            .filter(|id| Some(*id) != but && self.site.lane(*id).is_some_and(|lane| lane.ride.is_none()));
        others.next().filter(|_| others.next().is_none())
    }

    /// Arrowheads along a stretch.
    fn arrows(&self, stretch: &Stretch) -> String {
        let points: Vec<[f64; 2]> = stretch.points.iter().map(|point| self.px(*point)).collect();
        let legs: Vec<([f64; 2], [f64; 2], f64)> = points
            .iter()
            .zip(points.iter().skip(1))
            .map(|(a, b)| (*a, *b, libm::hypot(b[0] - a[0], b[1] - a[1])))
            .collect();
        let length: f64 = legs.iter().map(|leg| leg.2).sum();
        let zoom = self.page.zoom;
        if length < ARROW_FROM_PX * zoom {
            return String::new();
        }
        let count = truncate((length / (ARROW_EVERY_PX * zoom)).min(1_000.0)).max(1);
        let mut heads = String::new();
        for number in 0..count {
            let mut rest = (f64::from(number) + 0.5) / f64::from(count) * length;
            for (a, b, leg) in &legs {
                if rest <= *leg {
                    heads.push_str(&head(*a, *b, rest / leg, 3.4 * zoom));
                    break;
                }
                rest -= leg;
            }
        }
        heads
    }

    pub(super) fn waypoints(&mut self) {
        let zoom = self.page.zoom;
        let dot = self.page.at_least(0.1, 1.8).min(4.0 * zoom);
        let style =
            format!(" fill=\"none\" stroke=\"{LANE}\" stroke-linecap=\"round\" stroke-width=\"{}\"", Px(dot));
        let stations: Vec<WaypointId> = {
            let mut at: Vec<_> = self.site.live_stations().map(|(_, station)| station.waypoint).collect();
            at.sort_unstable();
            at
        };
        let level = self.level();
        let ways: Vec<(WaypointId, &Waypoint)> =
            self.site.live_waypoints().filter(|(_, way)| way.authored && way.level == level).collect();
        self.layer(Layer::Waypoints, &style, |pen| {
            let mut dots = String::new();
            for (id, way) in ways {
                let [x, y] = pen.px(way.at);
                let station = stations.binary_search(&id).is_ok();
                match sign_of(way.roles).filter(|_| !station) {
                    Some((symbol, sign)) => {
                        pen.symbol(symbol, [x, y], "waypoint", &way.name, &format!("{symbol} {}", way.name));
                        pen.used.note(sign);
                    }
                    // A line of no length with round ends.
                    None => write_to(&mut dots, format_args!("M{} {}h0", Px(x), Px(y))),
                }
                pen.busy.add(Box2::around([x, y], dot, dot));
            }
            pen.path(&dots, " class=\"places\"");
        });
    }

    pub(super) fn stations(&mut self) {
        let level = self.level();
        let here: Vec<(&Station, &Waypoint)> = self
            .site
            .live_stations()
            .filter_map(|(_, station)| Some((station, self.site.waypoint(station.waypoint)?)))
            .filter(|(_, way)| way.level == level)
            .collect();
        self.layer(Layer::Stations, "", |pen| {
            for (station, way) in here {
                let (symbol, sign) = symbol_of(station, way);
                let at = pen.px(way.at);
                let tooltip = format!("{symbol} {} at {}", station.name, way.name);
                pen.symbol(symbol, at, "station", &station.name, &tooltip);
                pen.used.note(sign);
            }
        });
    }

    fn symbol(&mut self, symbol: &str, [x, y]: [f64; 2], kind: &str, name: &str, tooltip: &str) {
        self.add(format_args!(
            "<use id=\"{kind}-{}\" href=\"#sd-{symbol}\" x=\"{}\" y=\"{}\"><title>{}</title></use>\n",
            Ident(name),
            Px(x),
            Px(y),
            Escaped(tooltip)
        ));
        let wide = 2.0 * self.page.symbol_px() + 1.0;
        self.taken.add(Box2::around([x, y], wide, wide));
    }
}

/// The sign of a waypoint that has a purpose.
const fn sign_of(roles: Roles) -> Option<(&'static str, Sign)> {
    match (roles.charger, roles.parking, roles.holding) {
        (true, ..) => Some(("charger", Sign::Charger)),
        (_, true, _) => Some(("parking", Sign::Parking)),
        (_, _, true) => Some(("holding", Sign::Holding)),
        (false, false, false) => None,
    }
}

/// The sign of a station; of a plain place that of its waypoint, which says more.
pub(super) fn symbol_of(station: &Station, way: &Waypoint) -> (&'static str, Sign) {
    match station.kind {
        StationKind::Pickup => ("pickup", Sign::Pickup),
        StationKind::Dropoff => ("dropoff", Sign::Dropoff),
        StationKind::Charger => ("charger", Sign::Charger),
        StationKind::Place => sign_of(way.roles).unwrap_or(("place", Sign::Place)),
    }
}

/// Whether `b` is where the straight line from `a` to `c` passes, to a millimetre.
fn straight(a: Point2<f64>, b: Point2<f64>, c: Point2<f64>) -> bool {
    let (along, to) = (c - a, b - a);
    let length = along.norm();
    0.0 < along.dot(&to) && 0.0 < along.dot(&(c - b)) && along.perp(&to).abs() <= 1e-3 * length
}

/// An arrowhead on the line from `a` to `b`, in pixels.
fn head(a: [f64; 2], b: [f64; 2], share: f64, size: f64) -> String {
    let along = Vector2::new(b[0] - a[0], b[1] - a[1]);
    let Some(unit) = along.try_normalize(1e-9) else { return String::new() };
    let across = Vector2::new(-unit.y, unit.x);
    let tip = Point2::from(a) + along * share + unit * (size / 2.0);
    let back = tip - unit * size;
    let wing = across * (0.62 * size);
    track([back + wing, tip, back - wing].map(|at| [at.x, at.y]), false)
}

/// The definitions of the symbols of waypoints and stations.
pub(super) fn symbols(radius: f64) -> String {
    let scale = Px(radius / 10.0);
    let disc = "<circle r=\"10\"";
    let rows = [
        ("pickup", "#00866a", disc, "M-5 4L0 -6L5 4Z", "fill=\"#fff\""),
        ("dropoff", "#0b5fa5", disc, "M-5 -4L0 6L5 -4Z", "fill=\"#fff\""),
        ("charger", "#e0a100", disc, "M2 -8L-5 1.5H-.5L-2 8L5 -1.5H.5Z", "fill=\"#1d1d1d\""),
        ("place", "#5d6570", disc, "M-3.5 0A3.5 3.5 0 1 0 3.5 0A3.5 3.5 0 1 0 -3.5 0Z", "fill=\"#fff\""),
        (
            "parking",
            "#5b4a9e",
            "<rect x=\"-9\" y=\"-9\" width=\"18\" height=\"18\" rx=\"3\"",
            "M-3 6.5V-6H1A3.6 3.6 0 0 1 1 1.2H-3",
            "fill=\"none\" stroke=\"#fff\" stroke-width=\"2.6\"",
        ),
        (
            "holding",
            "#2a7f9e",
            "<rect x=\"-9\" y=\"-9\" width=\"18\" height=\"18\" rx=\"9\"",
            "M-3.2 -5V5M3.2 -5V5",
            "fill=\"none\" stroke=\"#fff\" stroke-width=\"3\"",
        ),
    ];
    let mut out = String::new();
    for (name, colour, body, mark, paint) in rows {
        write_to(
            &mut out,
            format_args!(
                "<g id=\"sd-{name}\"><g transform=\"scale({scale})\" stroke=\"none\">{body} fill=\"{colour}\" \
                 stroke=\"#fff\" stroke-width=\"1.5\"/><path d=\"{mark}\" {paint}/></g></g>\n"
            ),
        );
    }
    out
}
