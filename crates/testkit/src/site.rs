//! Random small sites.
//!
//! Every drawn site is *well formed* in the sense of the multi-robot literature: robots rest and work in bays at dead
//! ends, so from every bay every other one can be reached past all robots that stand in bays. Without that, some
//! arrangements of robots cannot be resolved by anybody, and no test of progress would mean anything.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sheepdog_core::Mm;
use sheepdog_map::{
    Site,
    model::{Door, Lane, Level, Lift, Role, Room, RoomKind, Station, Swing, Waypoint},
};

/// Radius of the robots for which every lane of a drawn site is wide enough.
pub const RADIUS: Mm = Mm(250);
/// Margin of the robots for which every lane of a drawn site is wide enough.
pub const MARGIN: Mm = Mm(150);

/// Half the width of a corridor, and what stays free around every waypoint, metres.
const HALF_M: f64 = 1.0;

/// Width of a room beside a corridor, metres.
const ROOM_M: f64 = 3.0;

/// What is drawn of a site. [`Blueprint::site`] builds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blueprint {
    /// The ground floor.
    pub shape: Shape,
    /// Distance between junctions, metres; 2 or 3, in corridors always 3.
    pub pitch_m: u8,
    /// Whether there is a lift to an upper floor with three bays.
    pub upper: bool,
    /// How many of the bays have chargers, the first ones.
    pub chargers: u8,
    /// A lane between two junctions that is made one-way, if every bay can still be reached from every other.
    pub one_way: Option<u8>,
    /// The bay that no lane leads to.
    pub cut_off: Option<u8>,
}

/// The ground floor of a drawn site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A corridor with rooms north and south of it.
    Corridor(Vec<[Bay; 2]>),
    /// A raster of junctions, some of which are missing, with bays north and south of it.
    Grid {
        /// Junctions from west to east, 2 or 3.
        columns: u8,
        /// Junctions from south to north, 2 or 3.
        rows: u8,
        /// Junctions that are missing, a bit each, unless they would tear the raster apart.
        holes: u16,
    },
    /// A trunk with dead ends north and south of it.
    Tree {
        /// Length of the dead ends at each junction of the trunk, 0 to 2.
        branches: Vec<[u8; 2]>,
        /// Whether the first piece of a long dead end is a one-lane corridor.
        one_lane: bool,
    },
}

/// What is beside a junction of a corridor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bay {
    /// Nothing.
    None,
    /// A niche.
    Open,
    /// A room with a sliding door.
    Sliding {
        /// Time from shut to open, seconds.
        opening_s: u8,
    },
    /// A room with a door that swings into it.
    Hinged,
}

/// What sites to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteOptions {
    /// Every bay can be reached from every other.
    pub connected: bool,
    /// Some sites have a lift and an upper floor.
    pub lifts: bool,
    /// Some corridors have doors.
    pub doors: bool,
}

impl Default for SiteOptions {
    /// Connected, with lifts and doors.
    fn default() -> Self {
        Self { connected: true, lifts: true, doors: true }
    }
}

/// Connected small sites: corridors with rooms, rasters with holes, trees with dead ends; one or two levels; doors.
///
/// They have 3 to 11 bays with a station each and fit robots of [`RADIUS`] and [`MARGIN`]. They shrink towards few
/// junctions, niches instead of rooms, one level, no chargers.
pub fn sites() -> impl Strategy<Value = Site> {
    sites_with(SiteOptions::default())
}

/// [`sites`] with other options.
pub fn sites_with(options: SiteOptions) -> impl Strategy<Value = Site> {
    blueprints(options).prop_map(|blueprint| blueprint.site())
}

/// What [`sites_with`] builds its sites from.
pub fn blueprints(options: SiteOptions) -> impl Strategy<Value = Blueprint> {
    let cut_off = if options.connected { Just(None).boxed() } else { prop::option::of(0_u8..8).boxed() };
    let upper = if options.lifts { prop::bool::weighted(0.3).boxed() } else { Just(false).boxed() };
    let one_way = prop::option::weighted(0.25, 0_u8..8);
    (shapes(options.doors), 2_u8..=3, upper, 0_u8..3, one_way, cut_off).prop_map(
        |(shape, pitch_m, upper, chargers, one_way, cut_off)| Blueprint {
            shape,
            pitch_m,
            upper,
            chargers,
            one_way,
            cut_off,
        },
    )
}

fn shapes(doors: bool) -> impl Strategy<Value = Shape> {
    let bay = if doors {
        prop_oneof![
            2 => Just(Bay::Open),
            2 => Just(Bay::None),
            3 => (0_u8..4).prop_map(|opening_s| Bay::Sliding { opening_s }),
            1 => Just(Bay::Hinged),
        ]
        .boxed()
    } else {
        prop_oneof![Just(Bay::Open), Just(Bay::None)].boxed()
    };
    let corridor = prop::collection::vec([bay.clone(), bay], 2..=4).prop_map(Shape::Corridor);
    let grid = (2_u8..=3, 2_u8..=3, any::<u16>()).prop_map(|(columns, rows, holes)| Shape::Grid {
        columns,
        rows,
        holes: holes & 0b1_1101_1110,
    });
    let branch = || [0_u8..=2, 0_u8..=2];
    let tree = (prop::collection::vec(branch(), 2..=4), any::<bool>())
        .prop_map(|(branches, one_lane)| Shape::Tree { branches, one_lane });
    prop_oneof![corridor, grid, tree]
}

impl Blueprint {
    /// Builds the site. The same blueprint gives the same site; numbers out of range are brought into it.
    pub fn site(&self) -> Site {
        let mut draft = Draft::new(f64::from(self.pitch_m.clamp(2, 3)), self.upper);
        match &self.shape {
            Shape::Corridor(junctions) => draft.corridor(junctions),
            Shape::Grid { columns, rows, holes } => {
                draft.grid((*columns).clamp(2, 3), (*rows).clamp(2, 3), *holes);
            }
            Shape::Tree { branches, one_lane } => draft.tree(branches, *one_lane),
        }
        if self.upper {
            draft.upper_floor();
        }
        draft.finish(self)
    }
}

struct Draft {
    site: Site,
    pitch_m: f64,
    west_m: f64,
    /// Bays by name, in the order in which they were drawn.
    bays: Vec<String>,
    /// Lanes between junctions, as indices.
    between: Vec<usize>,
}

impl Draft {
    fn new(pitch_m: f64, lift: bool) -> Self {
        let mut site = Site::new("drawn");
        site.levels.push(Level::new("ground", 0.0));
        // With a lift, the floor reaches as far as its door.
        let west_m = if lift { -2.0 } else { -ROOM_M / 2.0 };
        Self { site, pitch_m, west_m, bays: Vec::new(), between: Vec::new() }
    }

    fn waypoint(&mut self, name: &str, level: &str, x_m: f64, y_m: f64) {
        self.site.waypoints.push(Waypoint::new(name, level, x_m, y_m));
    }

    fn join(&mut self, a: &str, b: &str) {
        self.between.push(self.site.lanes.len());
        self.site.lanes.push(Lane::two_way(a, b));
    }

    fn bay(&mut self, junction: &str, level: &str, x_m: f64, y_m: f64) {
        let name = format!("bay-{}", self.bays.len());
        self.waypoint(&name, level, x_m, y_m);
        self.site.lanes.push(Lane::two_way(junction, name.as_str()));
        self.bays.push(name);
    }

    fn floor(&mut self, level: &str, east_m: f64, south_m: f64, north_m: f64) {
        let room = Room::rectangle(format!("floor {level}"), level, self.west_m, south_m, east_m, north_m);
        self.site.rooms.push(room.of_kind(RoomKind::Corridor));
    }

    fn corridor(&mut self, junctions: &[[Bay; 2]]) {
        let mut junctions = junctions.to_vec();
        let missing =
            |junctions: &[[Bay; 2]]| junctions.iter().flatten().filter(|bay| **bay != Bay::None).count();
        while missing(&junctions) < 3 {
            match junctions.iter_mut().flatten().find(|bay| **bay == Bay::None) {
                Some(bay) => *bay = Bay::Open,
                None => junctions.push([Bay::Open; 2]),
            }
        }
        let mut x_m = 0.0;
        for (index, bays) in junctions.iter().enumerate() {
            let name = format!("j{index}");
            self.waypoint(&name, "ground", x_m, 0.0);
            if let Some(before) = index.checked_sub(1) {
                self.join(&format!("j{before}"), &name);
            }
            for (bay, side) in bays.iter().zip([1.0, -1.0]) {
                self.room(*bay, &name, x_m, side);
            }
            x_m += ROOM_M;
        }
        self.floor("ground", x_m - ROOM_M / 2.0, -HALF_M, HALF_M);
    }

    /// A room, three metres wide and four deep, beside a corridor: a robot and a person can keep out of each other's way.
    fn room(&mut self, bay: Bay, junction: &str, x_m: f64, side: f64) {
        if bay == Bay::None {
            return;
        }
        let number = self.bays.len();
        let (west_m, east_m) = (x_m - ROOM_M / 2.0, x_m + ROOM_M / 2.0);
        let room =
            Room::rectangle(format!("room-{number}"), "ground", west_m, side * HALF_M, east_m, side * 5.0);
        let (from, to) = ([x_m - 0.55, side * HALF_M], [x_m + 0.55, side * HALF_M]);
        let door = Door::new(format!("door-{number}"), "ground", from, to);
        let inwards = if 0.0 < side { Swing::Left } else { Swing::Right };
        match bay {
            Bay::None => {}
            Bay::Open => self.site.rooms.push(room),
            Bay::Sliding { opening_s } => {
                self.site.rooms.push(room.walled());
                self.site.doors.push(Door { opening_s: f64::from(opening_s), ..door });
            }
            Bay::Hinged => {
                self.site.rooms.push(room.walled());
                self.site.doors.push(door.hinged(inwards));
            }
        }
        self.bay(junction, "ground", x_m, side * 3.0);
    }

    fn grid(&mut self, columns: u8, rows: u8, holes: u16) {
        let kept = kept_nodes(columns, rows, holes);
        let name = |(column, row): (u8, u8)| format!("j{column}{row}");
        for &(column, row) in &kept {
            let (x_m, y_m) = (f64::from(column) * self.pitch_m, f64::from(row) * self.pitch_m);
            self.waypoint(&name((column, row)), "ground", x_m, y_m);
        }
        for &(column, row) in &kept {
            for next in [(column + 1, row), (column, row + 1)] {
                if kept.contains(&next) {
                    self.join(&name((column, row)), &name(next));
                }
            }
        }
        let top_m = f64::from(rows - 1) * self.pitch_m;
        for (row, y_m) in [(0, -self.pitch_m), (rows - 1, top_m + self.pitch_m)] {
            for column in (0..columns).filter(|column| kept.contains(&(*column, row))) {
                self.bay(&name((column, row)), "ground", f64::from(column) * self.pitch_m, y_m);
            }
        }
        let last = (columns - 1, 0);
        if self.bays.len() < 3 && kept.contains(&last) {
            self.bay(&name(last), "ground", f64::from(columns) * self.pitch_m, 0.0);
        }
        let (east_m, reach_m) = (f64::from(columns) * self.pitch_m + HALF_M, self.pitch_m + HALF_M);
        self.floor("ground", east_m, -reach_m, top_m + reach_m);
    }

    fn tree(&mut self, branches: &[[u8; 2]], one_lane: bool) {
        let mut branches = branches.to_vec();
        let count = |branches: &[[u8; 2]]| branches.iter().flatten().filter(|length| 0 < **length).count();
        while count(&branches) < 3 {
            match branches.iter_mut().flatten().find(|length| **length == 0) {
                Some(length) => *length = 1,
                None => branches.push([1; 2]),
            }
        }
        let mut x_m = 0.0;
        for (index, lengths) in branches.iter().enumerate() {
            let name = format!("j{index}");
            self.waypoint(&name, "ground", x_m, 0.0);
            if let Some(before) = index.checked_sub(1) {
                self.join(&format!("j{before}"), &name);
            }
            for (length, side) in lengths.iter().zip([1.0, -1.0]) {
                self.branch(*length, &name, x_m, side * self.pitch_m, one_lane);
            }
            x_m += self.pitch_m;
        }
        let reach_m = 2.0 * self.pitch_m + HALF_M;
        self.floor("ground", x_m + HALF_M, -reach_m, reach_m);
    }

    fn branch(&mut self, length: u8, junction: &str, x_m: f64, step_m: f64, one_lane: bool) {
        match length {
            0 => {}
            1 => self.bay(junction, "ground", x_m, step_m),
            _ => {
                let name = format!("k{}", self.bays.len());
                self.waypoint(&name, "ground", x_m, step_m);
                let lane = Lane::two_way(junction, name.as_str());
                let lane = if one_lane { lane.in_corridor(format!("narrow {name}")) } else { lane };
                self.site.lanes.push(lane);
                self.bay(&name, "ground", x_m, 2.0 * step_m);
            }
        }
    }

    /// A lift west of the first junction and a floor above with three bays.
    fn upper_floor(&mut self) {
        self.site.levels.push(Level::new("upper", 4.0));
        let mut lift = Lift::new("lift", [-3.0, 0.0], 1.8, 1.8);
        for level in ["ground", "upper"] {
            let cabin = Room::rectangle(format!("cabin {level}"), level, -4.0, -HALF_M, -2.0, HALF_M);
            self.site.rooms.push(cabin.walled());
            lift = lift.with_door(level, [-2.0, -0.6], [-2.0, 0.6]);
            let name = format!("cabin-{level}");
            self.site.waypoints.push(Waypoint::new(name.as_str(), level, -3.0, 0.0).in_lift("lift"));
        }
        self.site.lifts.push(lift);
        let first = self.site.waypoints.iter().find(|waypoint| waypoint.at == [0.0, 0.0]);
        let first = first.map_or_else(String::new, |waypoint| waypoint.id.clone());
        let p = self.pitch_m;
        self.waypoint("u0", "upper", 0.0, 0.0);
        self.waypoint("u1", "upper", p, 0.0);
        self.site.lanes.push(Lane::two_way(first, "cabin-ground"));
        self.site.lanes.push(Lane::two_way("u0", "cabin-upper"));
        self.site.lanes.push(Lane::two_way("u0", "u1"));
        for (x_m, y_m) in [(p, p), (p, -p), (2.0 * p, 0.0)] {
            self.bay("u1", "upper", x_m, y_m);
        }
        self.floor("upper", 2.0 * p + HALF_M, -p - HALF_M, p + HALF_M);
    }

    fn finish(mut self, blueprint: &Blueprint) -> Site {
        for bay in &self.bays {
            self.site.stations.push(Station::new(format!("station {bay}"), bay.as_str()));
        }
        let chargers: BTreeSet<&String> = self.bays.iter().take(usize::from(blueprint.chargers)).collect();
        for waypoint in self.site.waypoints.iter_mut().filter(|waypoint| chargers.contains(&waypoint.id)) {
            waypoint.roles.push(Role::Charger);
        }
        if let Some(choice) = blueprint.one_way {
            let index = self.between.get(usize::from(choice) % self.between.len().max(1)).copied();
            if let Some(lane) = index.and_then(|index| self.site.lanes.get_mut(index)) {
                lane.bidirectional = false;
            }
            if !is_connected(&self.site)
                && let Some(lane) = index.and_then(|index| self.site.lanes.get_mut(index))
            {
                lane.bidirectional = true;
            }
        }
        if let Some(choice) = blueprint.cut_off
            && let Some(bay) = self.bays.get(usize::from(choice) % self.bays.len().max(1))
        {
            self.site.lanes.retain(|lane| lane.to != *bay);
        }
        self.site
    }
}

/// The junctions of a raster: holes are taken out one by one unless the rest would fall apart.
fn kept_nodes(columns: u8, rows: u8, holes: u16) -> BTreeSet<(u8, u8)> {
    let mut kept: BTreeSet<(u8, u8)> =
        (0..columns).flat_map(|column| (0..rows).map(move |row| (column, row))).collect();
    for column in 0..columns {
        for row in 0..rows {
            let is_hole = holes >> (column * 3 + row) & 1 == 1;
            if is_hole && (column, row) != (0, 0) && 3 < kept.len() {
                kept.remove(&(column, row));
                if !hangs_together(&kept) {
                    kept.insert((column, row));
                }
            }
        }
    }
    kept
}

fn hangs_together(nodes: &BTreeSet<(u8, u8)>) -> bool {
    let mut seen = BTreeSet::new();
    let mut open: Vec<(u8, u8)> = nodes.first().copied().into_iter().collect();
    while let Some((column, row)) = open.pop() {
        if nodes.contains(&(column, row)) && seen.insert((column, row)) {
            open.extend([(column + 1, row), (column, row + 1)]);
            open.extend(column.checked_sub(1).map(|column| (column, row)));
            open.extend(row.checked_sub(1).map(|row| (column, row)));
        }
    }
    seen.len() == nodes.len()
}

/// Whether every waypoint of a site can be reached from every other, lifts included.
fn is_connected(site: &Site) -> bool {
    let reach = |forwards: bool| {
        let start = site.waypoints.first().map(|waypoint| waypoint.id.as_str());
        crate::oracle::reachable(site, start.into_iter(), forwards).len()
    };
    let count = site.waypoints.len();
    reach(true) == count && reach(false) == count
}
