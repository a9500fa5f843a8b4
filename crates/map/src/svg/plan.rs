//! The plan under everything: rooms, lifts, lanes, walls, doors, stations, titles and the scale.

use std::collections::BTreeMap;

use nalgebra::{Point2, Rotation2, Vector2};
use sheepdog_core::LevelId;

use crate::{
    compiled::{CompiledSite, Door, Lift, Room, Station, Waypoint},
    model::{DoorKind, RoomKind, StationKind, Swing},
};

use super::{Escaped, Number, Picture, write_label, write_to};

/// Labels smaller than this cannot be read and are left out, pixels.
const LABEL_MIN_PX: f64 = 5.5;
/// Width of a letter over its height, about.
const LETTER_ASPECT: f64 = 0.56;
const CENTRED: &str = " text-anchor=\"middle\"";
const INK: &str = "#2f3640";
const FAINT: &str = "#5d6570";
const LANE: &str = "#7b93b3";
const FIRE: &str = "#d1432f";
const DOOR: &str = "#c98a2b";

/// Lower left and upper right corner of all that a level shows, metres; never empty.
pub(super) fn bounds(site: &CompiledSite, level: LevelId) -> ([f64; 2], [f64; 2]) {
    let rooms = site.rooms().iter().filter(|room| room.level == level).flat_map(|room| &room.outer);
    let ways = site.waypoints().iter().filter(|way| way.level == level).map(|way| &way.at);
    let walls =
        site.level(level).into_iter().flat_map(|level| level.geometry.walls()).flat_map(|(a, b, _)| [a, b]);
    let cabins = lifts(site, level).flat_map(cabin);
    let mut low = [f64::INFINITY; 2];
    let mut high = [f64::NEG_INFINITY; 2];
    for point in rooms.chain(ways).copied().chain(walls).chain(cabins) {
        low = [low[0].min(point.x), low[1].min(point.y)];
        high = [high[0].max(point.x), high[1].max(point.y)];
    }
    if low[0] <= high[0] && low[1] <= high[1] { (low, high) } else { ([0.0; 2], [1.0; 2]) }
}

fn lifts(site: &CompiledSite, level: LevelId) -> impl Iterator<Item = &Lift> {
    site.lifts().iter().filter(move |lift| lift.stops.iter().any(|stop| stop.level == level))
}

fn cabin(lift: &Lift) -> [Point2<f64>; 4] {
    let turn = Rotation2::from_matrix_unchecked(nalgebra::Matrix2::new(
        libm::cos(lift.yaw_rad),
        -libm::sin(lift.yaw_rad),
        libm::sin(lift.yaw_rad),
        libm::cos(lift.yaw_rad),
    ));
    let (x, y) = (lift.width_m / 2.0, lift.depth_m / 2.0);
    [[-x, -y], [x, -y], [x, y], [-x, y]].map(|[x, y]| lift.at + turn * Vector2::new(x, y))
}

/// Draws the plan of all panels.
pub(super) fn draw(site: &CompiledSite, picture: &Picture) -> String {
    let mut pen = Pen { site, picture, out: String::new() };
    let (width, height) = (Number(picture.width_px), Number(picture.height_px));
    pen.add(format_args!("<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"));
    for level in picture.panels.iter().map(|panel| panel.level) {
        pen.title(level);
        pen.rooms(level);
        pen.lifts(level);
        pen.lanes(level);
        pen.walls(level);
        pen.doors(level);
        pen.waypoints(level);
        pen.room_labels(level);
        pen.stations(level);
    }
    pen.foot();
    pen.out
}

struct Pen<'a> {
    site: &'a CompiledSite,
    picture: &'a Picture,
    out: String,
}

impl Pen<'_> {
    fn add(&mut self, arguments: std::fmt::Arguments<'_>) {
        write_to(&mut self.out, arguments);
    }

    fn px(&self, level: LevelId, point: Point2<f64>) -> [f64; 2] {
        self.picture.place(level, point.x, point.y).unwrap_or_default()
    }

    /// A stretch of the path language: through the points, closed or not.
    fn track(&self, level: LevelId, points: impl IntoIterator<Item = Point2<f64>>, close: bool) -> String {
        let mut track = String::new();
        for (index, point) in points.into_iter().enumerate() {
            let [x, y] = self.px(level, point);
            let command = if index == 0 { 'M' } else { 'L' };
            write_to(&mut track, format_args!("{command}{} {}", Number(x), Number(y)));
        }
        if close {
            track.push('Z');
        }
        track
    }

    fn stroke(&mut self, track: &str, colour: &str, width_px: f64, more: &str) {
        if !track.is_empty() {
            let width = Number(width_px);
            self.add(format_args!(
                "<path d=\"{track}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"{more}/>\n"
            ));
        }
    }

    fn fill(&mut self, track: &str, colour: &str) {
        if !track.is_empty() {
            self.add(format_args!("<path d=\"{track}\" fill=\"{colour}\" fill-rule=\"evenodd\"/>\n"));
        }
    }

    fn text(&mut self, [x, y]: [f64; 2], size_px: f64, colour: &str, more: &str, text: &str) {
        let (x, y, size) = (Number(x), Number(y), Number(size_px));
        self.add(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{colour}\"{more}>{}</text>\n",
            Escaped(text)
        ));
    }

    fn title(&mut self, level: LevelId) {
        let Some(panel) = self.picture.panels.iter().find(|panel| panel.level == level) else { return };
        let [x, y] = panel.at_px;
        let first = self.picture.panels.first().is_some_and(|first| first.level == level);
        let name = self.site.level(level).map_or("", |level| level.name.as_str());
        let elevation = self.site.level(level).map_or(0.0, |level| level.elevation_m);
        let title = if first { format!("{} · {name}", self.site.name()) } else { name.to_owned() };
        let title = format!("{title} ({} m)", Number(elevation));
        self.text([x, y - 11.0], 15.0, INK, " font-weight=\"bold\"", &title);
    }

    fn rooms(&mut self, level: LevelId) {
        let site = self.site;
        // Ways last, so that a floor drawn under everything does not hide them.
        let mut rooms: Vec<&Room> = site.rooms().iter().filter(|room| room.level == level).collect();
        rooms.sort_by_key(|room| room.kind != RoomKind::Floor);
        for room in rooms {
            let rings = std::iter::once(&room.outer).chain(&room.holes);
            let track: String = rings.map(|ring| self.track(level, ring.iter().copied(), true)).collect();
            self.fill(&track, colour(room.kind));
        }
    }

    fn lifts(&mut self, level: LevelId) {
        let site = self.site;
        for lift in lifts(site, level) {
            let corners = cabin(lift);
            let [a, b, c, d] = corners;
            let outline = self.track(level, corners, true);
            self.fill(&outline, "#dcdff0");
            let cross = self.track(level, [a, c], false) + &self.track(level, [b, d], false);
            self.stroke(&cross, "#b9bedd", 1.0, "");
            self.stroke(&outline, "#6a72a8", 1.5, "");
            for [from, to] in
                lift.stops.iter().filter(|stop| stop.level == level).flat_map(|stop| &stop.doors)
            {
                let door = self.track(level, [*from, *to], false);
                self.stroke(&door, "#6a72a8", (0.12 * self.picture.px_per_m).max(2.0), "");
            }
        }
    }

    fn lanes(&mut self, level: LevelId) {
        let site = self.site;
        let at = |id| site.waypoint(id).filter(|way| way.level == level).map(|way| way.at);
        let (mut both, mut single, mut arrows) = (String::new(), String::new(), String::new());
        for lane in site.lanes().iter().filter(|lane| lane.ride.is_none()) {
            let (Some(from), Some(to)) = (at(lane.from), at(lane.to)) else { continue };
            match lane.reverse {
                Some(_) if lane.from < lane.to => both.push_str(&self.track(level, [from, to], false)),
                Some(_) => {}
                None => {
                    single.push_str(&self.track(level, [from, to], false));
                    arrows.push_str(&self.arrow(level, from, to));
                }
            }
        }
        let width = (0.05 * self.picture.px_per_m).clamp(0.6, 1.5);
        self.stroke(&both, LANE, width, "");
        self.stroke(&single, LANE, width, "");
        self.stroke(&arrows, LANE, width, " stroke-linecap=\"round\" stroke-linejoin=\"round\"");
    }

    /// A chevron in the middle of a lane, unless the lane is too short for one.
    fn arrow(&self, level: LevelId, from: Point2<f64>, to: Point2<f64>) -> String {
        let along = to - from;
        let length = along.norm();
        if length < 0.8 {
            return String::new();
        }
        let along = along / length;
        let across = Vector2::new(-along.y, along.x);
        let tip = from + along * (length / 2.0 + 0.1);
        self.track(level, [tip - along * 0.2 + across * 0.14, tip, tip - along * 0.2 - across * 0.14], false)
    }

    fn walls(&mut self, level: LevelId) {
        let Some(geometry) = self.site.level(level).map(|level| &level.geometry) else { return };
        let mut by_width: BTreeMap<String, (f64, String)> = BTreeMap::new();
        for (a, b, thickness_m) in geometry.walls() {
            let width_px = (thickness_m * self.picture.px_per_m).max(1.0);
            let entry = by_width.entry(Number(width_px).to_string()).or_insert((width_px, String::new()));
            entry.1.push_str(&self.track(level, [a, b], false));
        }
        for (width_px, track) in by_width.into_values() {
            self.stroke(&track, INK, width_px, " stroke-linecap=\"square\"");
        }
    }

    fn doors(&mut self, level: LevelId) {
        let site = self.site;
        for door in site.doors().iter().filter(|door| door.level == level) {
            let colour = if door.fire_rated { FIRE } else { DOOR };
            let width = (0.07 * self.picture.px_per_m).max(1.0);
            match door.kind {
                DoorKind::Sliding | DoorKind::DoubleSliding => {
                    let track = self.track(level, [door.a, door.b], false);
                    self.stroke(&track, colour, (0.1 * self.picture.px_per_m).max(1.5), "");
                }
                DoorKind::Opening => {}
                DoorKind::Hinged | DoorKind::DoubleHinged => {
                    let sill = self.track(level, [door.a, door.b], false);
                    self.stroke(&sill, colour, width / 2.0, " stroke-dasharray=\"2 2\"");
                    let leaves = self.leaves(door);
                    self.stroke(&leaves, colour, width, "");
                    let sweep = self.sweeps(door);
                    self.stroke(&sweep, colour, width / 2.0, " stroke-opacity=\"0.6\"");
                }
            }
        }
    }

    /// Open leaves, each from its hinge.
    fn leaves(&self, door: &Door) -> String {
        leaf_ends(door).map(|[hinge, open, _]| self.track(door.level, [hinge, open], false)).collect()
    }

    /// The arcs on which the tips of the leaves move, as short chords.
    fn sweeps(&self, door: &Door) -> String {
        leaf_ends(door)
            .map(|[hinge, open, shut]| {
                let (out, along) = (open - hinge, shut - hinge);
                let arc = (0..=6_u8).map(|step| {
                    let angle = f64::from(step) * std::f64::consts::FRAC_PI_2 / 6.0;
                    hinge + along * libm::cos(angle) + out * libm::sin(angle)
                });
                self.track(door.level, arc, false)
            })
            .collect()
    }

    fn waypoints(&mut self, level: LevelId) {
        let radius = (0.07 * self.picture.px_per_m).clamp(0.8, 2.5);
        let ways: Vec<&Waypoint> =
            self.site.waypoints().iter().filter(|way| way.authored && way.level == level).collect();
        for way in ways {
            let [x, y] = self.px(level, way.at);
            let fill = match (way.roles.charger, way.roles.parking, way.roles.holding) {
                (true, ..) => "#e0a100",
                (_, true, _) => "#8a63b8",
                (_, _, true) => "#3f7f93",
                (false, false, false) => LANE,
            };
            let grown = if fill == LANE { radius } else { 1.5 * radius };
            self.add(format_args!(
                "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{fill}\"/>\n",
                Number(x),
                Number(y),
                Number(grown)
            ));
        }
    }

    fn room_labels(&mut self, level: LevelId) {
        let site = self.site;
        let rooms = site.rooms().iter().filter(|room| room.level == level && room.kind != RoomKind::Floor);
        for room in rooms {
            let (low, high) = room.outer.iter().fold(
                (
                    Point2::new(f64::INFINITY, f64::INFINITY),
                    Point2::new(f64::NEG_INFINITY, f64::NEG_INFINITY),
                ),
                |(low, high), point| (low.inf(point), high.sup(point)),
            );
            let wide_px = (high.x - low.x) * self.picture.px_per_m;
            let size = self.picture.font_px().min(0.92 * wide_px / width_px(&room.name, 1.0));
            if size < LABEL_MIN_PX {
                continue;
            }
            let [x, y] = self.px(level, self.label_place(room, low, high));
            write_label(&mut self.out, [x, y + 0.35 * size], size, FAINT, CENTRED, &room.name);
            self.out.push('\n');
        }
    }

    /// Where a room's name disturbs least: of a few places across the room, the one farthest from its waypoints.
    fn label_place(&self, room: &Room, low: Point2<f64>, high: Point2<f64>) -> Point2<f64> {
        let middle = nalgebra::center(&low, &high);
        let places = [0.5, 0.25, 0.75, 0.12, 0.88]
            .map(|share| Point2::new(middle.x, low.y + share * (high.y - low.y)));
        // Stations have a label of their own under them.
        let stations = self.site.stations().iter().filter_map(|station| self.site.waypoint(station.waypoint));
        let signs: Vec<Point2<f64>> =
            stations.filter(|way| way.level == room.level).map(|way| way.at).collect();
        let clear = |place: &Point2<f64>| {
            let near = self.site.waypoints().iter().filter(|way| way.level == room.level);
            // Letters are wide and low, so what is above a label disturbs less than what is beside it.
            near.map(|way| ((way.at.x - place.x) * 0.4).abs().max((way.at.y - place.y).abs()))
                .chain(
                    signs.iter().map(|at| ((at.x - place.x) * 0.4).abs().max((at.y - 0.4 - place.y).abs())),
                )
                .fold(f64::INFINITY, f64::min)
                .min(1.0)
        };
        let mut best = (middle, f64::NEG_INFINITY);
        for place in places {
            let clear = clear(&place);
            if best.1 < clear {
                best = (place, clear);
            }
        }
        best.0
    }

    fn stations(&mut self, level: LevelId) {
        let site = self.site;
        let radius = (0.2 * self.picture.px_per_m).clamp(2.5, 7.0);
        let size = (0.85 * self.picture.font_px()).max(LABEL_MIN_PX);
        for station in site.stations() {
            let Some(way) = site.waypoint(station.waypoint).filter(|way| way.level == level) else {
                continue;
            };
            let [x, y] = self.px(level, way.at);
            self.mark([x, y], radius, station.kind);
            let in_its_room = |room: &Room| room.level == level && room.name == station.name;
            if !site.rooms().iter().any(in_its_room) {
                let label =
                    if self.crowded(station, way, size) { last_word(&station.name) } else { &station.name };
                write_label(&mut self.out, [x, y + radius + size], size, INK, CENTRED, label);
                self.out.push('\n');
            }
        }
    }

    /// Whether the whole name of a station would run into its neighbour's.
    fn crowded(&self, station: &Station, way: &Waypoint, size_px: f64) -> bool {
        let site = self.site;
        let wide_m = width_px(&station.name, size_px) / self.picture.px_per_m;
        let high_m = 1.5 * size_px / self.picture.px_per_m;
        let others = site.stations().iter().filter(|other| other.waypoint != station.waypoint);
        others.filter_map(|other| site.waypoint(other.waypoint)).any(|other| {
            let apart = other.at - way.at;
            other.level == way.level && apart.x.abs() < wide_m && apart.y.abs() < high_m
        })
    }

    /// The sign of a station.
    fn mark(&mut self, [x, y]: [f64; 2], radius: f64, kind: StationKind) {
        let fill = match kind {
            StationKind::Pickup => "#2f8f4e",
            StationKind::Dropoff => "#2868b8",
            StationKind::Charger => "#e0a100",
            StationKind::Place => "#6d7680",
        };
        self.add(format_args!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{fill}\"/>\n",
            Number(x),
            Number(y),
            Number(radius)
        ));
        let corners: &[[f64; 2]] = match kind {
            StationKind::Pickup => &[[-0.5, 0.3], [0.0, -0.6], [0.5, 0.3]],
            StationKind::Dropoff => &[[-0.5, -0.3], [0.0, 0.6], [0.5, -0.3]],
            StationKind::Charger => {
                &[[0.15, -0.7], [-0.4, 0.1], [-0.05, 0.1], [-0.15, 0.7], [0.4, -0.1], [0.05, -0.1]]
            }
            StationKind::Place => &[],
        };
        let points: Vec<String> = corners
            .iter()
            .map(|[dx, dy]| format!("{},{}", Number(x + dx * radius), Number(y + dy * radius)))
            .collect();
        if !points.is_empty() {
            self.add(format_args!("<polygon points=\"{}\" fill=\"#fff\"/>\n", points.join(" ")));
        }
    }

    /// The scale bar and what the signs mean.
    fn foot(&mut self) {
        let y = self.picture.height_px - MARGIN_FOOT_PX;
        let px_per_m = self.picture.px_per_m;
        let length_m =
            [1.0, 2.0, 5.0, 10.0, 20.0, 50.0].into_iter().find(|m| 60.0 <= m * px_per_m).unwrap_or(100.0);
        let (left, right) = (24.0, 24.0 + length_m * px_per_m);
        let bar = format!("M{0} {1}V{2}H{3}V{1}", Number(left), Number(y - 5.0), Number(y), Number(right));
        self.stroke(&bar, INK, 1.5, "");
        self.text([right + 6.0, y + 1.0], 11.0, INK, "", &format!("{} m", Number(length_m)));
        let mut x = right + 56.0;
        let kinds = [
            (StationKind::Pickup, "pickup"),
            (StationKind::Dropoff, "dropoff"),
            (StationKind::Charger, "charger"),
            (StationKind::Place, "place"),
        ];
        for (kind, name) in kinds {
            if self.site.stations().iter().any(|station| station.kind == kind) {
                self.mark([x, y - 3.0], 5.5, kind);
                self.text([x + 10.0, y + 1.0], 11.0, INK, "", name);
                x += 66.0;
            }
        }
    }
}

/// About how wide a text is.
fn width_px(text: &str, size_px: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "names are short")]
    let letters = text.chars().count().max(1) as f64;
    letters * size_px * LETTER_ASPECT
}

/// What tells names of a series apart: what follows the last separator.
fn last_word(name: &str) -> &str {
    name.rsplit(['-', '_', ' ']).next().filter(|word| !word.is_empty()).unwrap_or(name)
}

/// Distance of the scale bar from the lower edge, pixels.
const MARGIN_FOOT_PX: f64 = 24.0;

/// For each leaf and side: its hinge, its tip when open and its tip when shut.
fn leaf_ends(door: &Door) -> impl Iterator<Item = [Point2<f64>; 3]> {
    let along = door.b - door.a;
    let left = Vector2::new(-along.y, along.x);
    let sides = match door.swing {
        Swing::Left => vec![left],
        Swing::Right => vec![-left],
        Swing::Both => vec![left, -left],
    };
    let hinges = match door.kind {
        DoorKind::DoubleHinged => vec![(door.a, along / 2.0), (door.b, -along / 2.0)],
        DoorKind::Hinged | DoorKind::Sliding | DoorKind::DoubleSliding | DoorKind::Opening => {
            vec![(door.a, along)]
        }
    };
    let share = match door.kind {
        DoorKind::DoubleHinged => 0.5,
        DoorKind::Hinged | DoorKind::Sliding | DoorKind::DoubleSliding | DoorKind::Opening => 1.0,
    };
    hinges.into_iter().flat_map(move |(hinge, shut)| {
        sides.clone().into_iter().map(move |side| [hinge, hinge + side * share, hinge + shut])
    })
}

const fn colour(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Room => "#f4efe4",
        RoomKind::Corridor => "#eef2f6",
        RoomKind::Ward => "#e1eef9",
        RoomKind::Pharmacy => "#def2df",
        RoomKind::Store => "#ece5d8",
        RoomKind::Staff => "#f5e6ef",
        RoomKind::Lobby => "#fbf2d4",
        RoomKind::Floor => "#f3f3f0",
        RoomKind::Theatre => "#d9f0ee",
        RoomKind::Laboratory => "#e6e4f6",
        RoomKind::Kitchen => "#fae6d6",
        RoomKind::Bathroom => "#dcecf2",
        RoomKind::Technical => "#e4e4e4",
        RoomKind::Stairwell => "#e9e6e0",
        RoomKind::LiftLobby => "#e8edf2",
        RoomKind::RobotBay => "#e6f3d8",
        RoomKind::Outdoor => "#e9f4e4",
    }
}
