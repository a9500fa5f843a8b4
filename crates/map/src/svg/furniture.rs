//! What stands in a building: lifts, stairs and ramps, obstacles, sensors.

use nalgebra::{Point2, Vector2};
use sheepdog_core::LevelId;

use crate::{
    compiled::{CompiledSite, Lift},
    geometry::truncate,
    model::{Connector, ConnectorKind, Obstacle, Sensor, SensorKind},
};

use super::{
    Layer,
    label::Box2,
    legend::Sign,
    pen::{FAINT, INK, Pen},
    text::{Number, Px, write_label},
};

/// From tread to tread, and what is the least to be seen.
const TREAD_M: f64 = 0.28;
const TREAD_PX: f64 = 3.0;
pub(super) const LIFT: &str = "#4f5a94";
pub(super) const SENSOR: &str = "#a3327d";
pub(super) const OBSTACLE: &str = "#6b6357";

/// Corners of everything of this kind on a level, for the size of the picture.
pub(super) fn corners(site: &CompiledSite, level: LevelId) -> impl Iterator<Item = Point2<f64>> {
    let name = site.level(level).map_or("", |level| level.name.as_str());
    let authored = site.authored();
    let lifts = site.lifts().iter().filter(move |lift| lift.serves(level)).flat_map(Lift::cabin);
    let connectors = connectors(site, name).filter_map(outline).flatten();
    let obstacles = authored.obstacles.iter().filter(move |obstacle| obstacle.level == name);
    let sensors = authored.sensors.iter().filter(move |sensor| sensor.level == name);
    lifts
        .chain(connectors)
        .chain(obstacles.flat_map(|obstacle| &obstacle.polygon).map(|at| Point2::from(*at)))
        .chain(sensors.map(|sensor| Point2::from(sensor.at)))
}

fn connectors<'a>(site: &'a CompiledSite, level: &'a str) -> impl Iterator<Item = &'a Connector> {
    site.authored().connectors.iter().filter(move |way| way.from.level == level || way.to.level == level)
}

/// The corners of stairs: the two of the lower end, then the two of the upper. `None` when both ends are one place.
fn outline(way: &Connector) -> Option<[Point2<f64>; 4]> {
    let (from, to) = (Point2::from(way.from.at), Point2::from(way.to.at));
    let along = (to - from).try_normalize(1e-6)?;
    let half = Vector2::new(-along.y, along.x) * (way.width_m / 2.0);
    Some([from - half, from + half, to + half, to - half])
}

impl Pen<'_> {
    /// The id of something that is drawn on several levels: an id counts once in a document. The number of the level
    /// cannot be mistaken for a part of the name.
    fn id_on_level(&self, name: &str) -> String {
        format!("{name}--{}", self.level().0)
    }

    pub(super) fn lifts(&mut self) {
        let wide = Px(self.page.at_least(0.06, 1.2));
        let style = format!(" fill=\"none\" stroke=\"{LIFT}\" stroke-width=\"{wide}\"");
        let level = self.level();
        let lifts: Vec<&Lift> = self.site.lifts().iter().filter(|lift| lift.serves(level)).collect();
        self.layer(Layer::Lifts, &style, |pen| {
            for lift in lifts {
                pen.lift(lift);
            }
        });
    }

    fn lift(&mut self, lift: &Lift) {
        let corners = lift.cabin();
        let [a, b, c, d] = corners;
        let tooltip =
            format!("lift {}: cabin {} m × {} m", lift.name, Number(lift.width_m), Number(lift.depth_m));
        let id = self.id_on_level(&lift.name);
        let (box_, hair) = (self.track(corners, true), Px(0.6 * self.page.zoom));
        let cross = self.track([a, c], false) + &self.track([b, d], false);
        let doors: Vec<[Point2<f64>; 2]> = lift
            .stops
            .iter()
            .filter(|stop| stop.level == self.level())
            .flat_map(|stop| stop.doors.clone())
            .collect();
        let panels: String = doors
            .iter()
            .flat_map(|[from, to]| [(*from, nalgebra::center(from, to)), (nalgebra::center(from, to), *to)])
            .map(|(from, to)| self.track([from + (to - from) * 0.04, to - (to - from) * 0.04], false))
            .collect();
        let panel = Px(self.page.at_least(0.1, 2.2));
        self.element("lift", &id, &tooltip, |pen| {
            pen.path(&box_, " fill=\"#e4e7f4\"");
            pen.path(&cross, &format!(" stroke-width=\"{hair}\""));
            pen.path(&panels, &format!(" stroke-width=\"{panel}\""));
        });
        self.avoid(doors.into_iter().flatten(), 2.0);
        self.used.note(Sign::Lift);
    }

    pub(super) fn connectors(&mut self) {
        let style =
            format!(" fill=\"none\" stroke=\"{FAINT}\" stroke-width=\"{}\"", Px(0.7 * self.page.zoom));
        let ways: Vec<&Connector> = connectors(self.site, self.level_name()).collect();
        self.layer(Layer::Connectors, &style, |pen| {
            for way in ways {
                pen.connector(way);
            }
        });
    }

    fn connector(&mut self, way: &Connector) {
        let (kind, sign) = match way.kind {
            ConnectorKind::Stairs => ("stairs", Sign::Stairs),
            ConnectorKind::Escalator => ("escalator", Sign::Escalator),
            ConnectorKind::Ramp => ("ramp", Sign::Ramp),
        };
        let ends = if way.from.level == way.to.level {
            String::new()
        } else {
            format!(" from {} up to {}", way.from.level, way.to.level)
        };
        let tooltip = format!("{kind} {}{ends}, {} m wide", way.id, Number(way.width_m));
        let id = self.id_on_level(&way.id);
        let tracks = self.flight(way);
        let size = (0.75 * self.page.font_px()).max(self.page.font_min_px());
        let up = way.from.level == self.level_name();
        let [x, y] = self.px(Point2::from(if up { way.from.at } else { way.to.at }));
        self.element("connector", &id, &tooltip, |pen| {
            let [ground, treads, arrow] = &tracks;
            pen.path(ground, " fill=\"#f1efe9\"");
            pen.path(treads, "");
            pen.path(arrow, &format!(" stroke=\"{INK}\" stroke-width=\"{}\"", Px(pen.page.zoom)));
            if !ground.is_empty() {
                let word = if up { "UP" } else { "DN" };
                pen.out.push_str("<g stroke=\"none\">");
                write_label(&mut pen.out, [x, y + 0.35 * size], size, INK, " text-anchor=\"middle\"", word);
                pen.out.push_str("</g>");
            }
        });
        self.avoid(outline(way).into_iter().flatten(), 1.0);
        self.taken.add(Box2::around([x, y], 2.0 * size, 1.2 * size));
        self.used.note(sign);
    }

    /// Ground, treads, and the arrow along the middle that points up. Stairs without length are a post.
    fn flight(&self, way: &Connector) -> [String; 3] {
        let Some(corners) = outline(way) else {
            return [String::new(), String::new(), String::new()];
        };
        let [a, b, c, d] = corners;
        let (from, to) = (Point2::from(way.from.at), Point2::from(way.to.at));
        let length_m = (to - from).norm();
        let tread_m = TREAD_M.max(TREAD_PX * self.page.zoom / self.page.px_per_m);
        let count = match way.kind {
            ConnectorKind::Stairs | ConnectorKind::Escalator => truncate((length_m / tread_m).min(400.0)),
            ConnectorKind::Ramp => 0,
        };
        let mut treads: String = (1..count)
            .map(|tread| f64::from(tread) / f64::from(count))
            .map(|share| self.track([a + (d - a) * share, b + (c - b) * share], false))
            .collect();
        match way.kind {
            ConnectorKind::Stairs => {}
            // The rails of an escalator; a ramp's sides run together where it is high.
            ConnectorKind::Escalator => {
                for side in [0.15, 0.85] {
                    treads.push_str(&self.track([a + (b - a) * side, d + (c - d) * side], false));
                }
            }
            ConnectorKind::Ramp => {
                for side in [a, b] {
                    treads.push_str(&self.track([side, to], false));
                }
            }
        }
        let along = (to - from) / length_m;
        let across = Vector2::new(-along.y, along.x);
        let head = (5.0 * self.page.zoom / self.page.px_per_m).min(length_m / 3.0);
        let start = from + along * (9.0 * self.page.zoom / self.page.px_per_m).min(length_m / 3.0);
        let tip = to - along * (0.06 * length_m);
        let shaft = self.track([start, tip], false);
        let wings = self.track(
            [tip - along * head + across * (0.5 * head), tip, tip - along * head - across * (0.5 * head)],
            false,
        );
        [self.track(corners, true), treads, shaft + &wings]
    }

    pub(super) fn obstacles(&mut self) {
        let style = format!(
            " fill=\"url(#sd-obstacle)\" stroke=\"{OBSTACLE}\" stroke-width=\"{}\"",
            Px(0.8 * self.page.zoom)
        );
        let name = self.level_name();
        let here: Vec<&Obstacle> =
            self.site.authored().obstacles.iter().filter(|obstacle| obstacle.level == name).collect();
        self.layer(Layer::Obstacles, &style, |pen| {
            for obstacle in here {
                let corners = || obstacle.polygon.iter().map(|at| Point2::from(*at));
                let track = pen.track(corners(), true);
                let height =
                    obstacle.height_m.map_or_else(String::new, |m| format!(", {} m high", Number(m)));
                let tooltip = format!("obstacle {}{height}", obstacle.id);
                pen.element("obstacle", &obstacle.id, &tooltip, |pen| pen.path(&track, ""));
                for (a, b) in corners().zip(corners().cycle().skip(1)) {
                    let (a, b) = (pen.px(a), pen.px(b));
                    pen.busy.add_line(a, b, 2.0);
                }
                pen.used.note(Sign::Obstacle);
            }
        });
    }

    pub(super) fn sensors(&mut self) {
        let style = format!(
            " fill=\"{SENSOR}\" fill-opacity=\"0.05\" stroke=\"{SENSOR}\" stroke-width=\"{}\"",
            Px(0.8 * self.page.zoom)
        );
        let name = self.level_name();
        let here: Vec<&Sensor> =
            self.site.authored().sensors.iter().filter(|sensor| sensor.level == name).collect();
        self.layer(Layer::Sensors, &style, |pen| {
            for sensor in here {
                let kind = match sensor.kind {
                    SensorKind::Camera => "camera",
                    SensorKind::Lidar => "lidar",
                    SensorKind::Radar => "radar",
                    SensorKind::Motion => "motion detector",
                };
                let tooltip = format!("{kind} {}: {} m", sensor.id, Number(sensor.range_m));
                let [x, y] = pen.px(Point2::from(sensor.at));
                let cover = pen.coverage(sensor);
                let radius = 2.4 * pen.page.zoom;
                pen.element("sensor", &sensor.id, &tooltip, |pen| {
                    pen.path(&cover, " stroke-dasharray=\"4 2\"");
                    pen.add(format_args!(
                        "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill-opacity=\"1\"/>",
                        Px(x),
                        Px(y),
                        Px(radius)
                    ));
                });
                pen.taken.add(Box2::around([x, y], 2.0 * radius, 2.0 * radius));
                pen.used.note(Sign::Sensor);
            }
        });
    }

    /// What a sensor sees, walls aside: a sector, or a circle as two halves.
    fn coverage(&self, sensor: &Sensor) -> String {
        let at = Point2::from(sensor.at);
        let tip = |angle: f64| at + Vector2::new(libm::cos(angle), libm::sin(angle)) * sensor.range_m;
        let radius = Px(sensor.range_m * self.page.px_per_m);
        let all_around = std::f64::consts::TAU;
        let view = sensor.view_rad.filter(|view| *view < all_around);
        let (from, to) = match view {
            Some(view) => (sensor.yaw_rad - view / 2.0, sensor.yaw_rad + view / 2.0),
            None => (0.0, std::f64::consts::PI),
        };
        let (from, to) = (self.px(tip(from)), self.px(tip(to)));
        let ends = format!("{} {}A{radius} {radius} 0", Px(from[0]), Px(from[1]));
        let to = format!("{} {}", Px(to[0]), Px(to[1]));
        match view {
            // Counter-clockwise on the ground is against the clock on paper too: y is turned, and so is the sweep flag.
            Some(view) => {
                let large = u8::from(std::f64::consts::PI < view);
                let [x, y] = self.px(at);
                format!("M{} {}L{ends} {large} 0 {to}Z", Px(x), Px(y))
            }
            None => format!("M{ends} 1 0 {to}A{radius} {radius} 0 1 0 {} {}Z", Px(from[0]), Px(from[1])),
        }
    }
}
