//! The compiled site: dense ids, integers for the coordinator, floats for geometry, frozen and hashed.

use nalgebra::Point2;
use sheepdog_core::{
    DoorId, LaneId, LevelId, LiftId, Micros, Mm, MmPerS, ResourceId, RoomId, SiteVersion, StationId,
    WaypointId, ZoneId,
};

use crate::{
    compile::{Passage, Zones},
    error::MapWarning,
    geometry::{
        Footprint, LevelGeometry, Location, RoomIndex, ring_contains, segment_to_segment, sides, truncate,
    },
    model::{self, DoorKind, Orientation, RoomKind, Site, StationKind, Swing},
    zones::Window,
};

/// A site as every other crate sees it. Build one with [`Site::compile`](crate::Site::compile).
///
/// It is immutable; share it as `Arc<CompiledSite>`. Its [`version`](Self::version) is the SHA-256 of all of it.
#[derive(Clone, Debug)]
pub struct CompiledSite {
    pub(crate) authored: Site,
    pub(crate) version: SiteVersion,
    pub(crate) levels: Vec<Level>,
    pub(crate) rooms: Vec<Room>,
    /// The rooms of each level.
    pub(crate) rooms_of: Vec<RoomIndex>,
    pub(crate) doors: Vec<Door>,
    pub(crate) lifts: Vec<Lift>,
    pub(crate) stations: Vec<Station>,
    pub(crate) zones: Vec<Zone>,
    pub(crate) waypoints: Vec<Waypoint>,
    pub(crate) lanes: Vec<Lane>,
    /// Lanes leaving each waypoint, sorted by id.
    pub(crate) out: Csr<LaneId>,
    /// Lanes reaching each waypoint, sorted by id.
    pub(crate) into: Csr<LaneId>,
    /// Names of the one-lane corridors.
    pub(crate) corridors: Vec<String>,
    /// Names of the mutex groups.
    pub(crate) mutexes: Vec<String>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) classes: Vec<ClassClaims>,
    pub(crate) retired: Retired,
    /// Whether ids follow those of another version, rather than the order of the authored tables.
    pub(crate) is_successor: bool,
    pub(crate) warnings: Vec<MapWarning>,
}

/// What previous versions of a site had and this one has no more; each list is sorted.
///
/// Their ids are given to nothing else. Asked by id they are not there; in the tables they stand where they stood, as they
/// last were, but nothing leads to them, nobody may stop there, they cover no ground and no claim names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retired {
    /// Storeys.
    pub levels: Vec<LevelId>,
    /// Rooms.
    pub rooms: Vec<RoomId>,
    /// Doors.
    pub doors: Vec<DoorId>,
    /// Lifts.
    pub lifts: Vec<LiftId>,
    /// Stations.
    pub stations: Vec<StationId>,
    /// Zones.
    pub zones: Vec<ZoneId>,
    /// Waypoints.
    pub waypoints: Vec<WaypointId>,
    /// Lanes.
    pub lanes: Vec<LaneId>,
    /// Resources.
    pub resources: Vec<ResourceId>,
}

/// What a site consists of, for a first look at it.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteSummary {
    /// Levels, in the order of their ids.
    pub levels: Vec<LevelSummary>,
    /// Doors.
    pub doors: usize,
    /// Lifts.
    pub lifts: usize,
    /// Stations.
    pub stations: usize,
    /// Waypoints that somebody wrote.
    pub authored_waypoints: usize,
    /// Waypoints that split long lanes.
    pub generated_waypoints: usize,
    /// Directed lanes on a level.
    pub lanes: usize,
    /// Directed rides between levels.
    pub rides: usize,
    /// Length of all directed lanes, metres.
    pub lanes_m: f64,
    /// One-lane corridors.
    pub corridors: usize,
    /// Resources.
    pub resources: usize,
    /// Resources that stand for two parts lying too close.
    pub overlaps: usize,
    /// Warnings.
    pub warnings: usize,
}

/// What a level consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelSummary {
    /// Its name.
    pub name: String,
    /// Mapped area, square metres.
    pub area_m2: f64,
    /// Rooms.
    pub rooms: usize,
    /// Wall segments after openings were cut.
    pub walls: usize,
    /// Total length of the walls, metres.
    pub walls_m: f64,
}

/// A storey.
#[derive(Clone, Debug)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// Height of its floor over the site's zero, metres.
    pub elevation_m: f64,
    /// Its walls and mapped free area.
    pub geometry: LevelGeometry,
}

/// A room.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its name.
    pub name: String,
    /// The level it is on.
    pub level: LevelId,
    /// What it is for.
    pub kind: RoomKind,
    /// Outer ring, counter-clockwise.
    pub outer: Vec<Point2<f64>>,
    /// Holes, clockwise.
    pub holes: Vec<Vec<Point2<f64>>>,
    /// Its index among the authored rooms.
    pub(crate) authored: Option<usize>,
}

/// A door.
#[derive(Clone, Debug)]
pub struct Door {
    /// Its name.
    pub name: String,
    /// The level it is on.
    pub level: LevelId,
    /// The hinge end.
    pub a: Point2<f64>,
    /// The other end.
    pub b: Point2<f64>,
    /// How it moves.
    pub kind: DoorKind,
    /// Where its leaves swing.
    pub swing: Swing,
    /// Time from shut to open.
    pub opening: Micros,
    /// Whether it is a fire door.
    pub fire_rated: bool,
    /// Width that is clear in the middle of it, metres.
    pub clear_width_m: f64,
    /// Width through which people leave the building or its fire section, in the middle of the door, metres; `None`
    /// for a door that is no exit.
    pub exit_width_m: Option<f64>,
    /// Its index among the authored doors.
    pub(crate) authored: Option<usize>,
}

/// An area of one level with a meaning of its own.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// The level it is on.
    pub level: LevelId,
    /// What it is for.
    pub kind: ZoneKind,
    /// Its outline, counter-clockwise.
    pub outer: Vec<Point2<f64>>,
    /// Doors that belong to it.
    pub doors: Vec<DoorId>,
    /// Waypoints that lie in it, whatever stands there.
    pub waypoints: Vec<WaypointId>,
    /// Its index among the authored zones.
    pub(crate) authored: Option<usize>,
    /// When it counts; always if empty.
    pub(crate) windows: Vec<Window>,
}

/// What a zone is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ZoneKind {
    /// What its author says.
    Authored(model::ZoneKind),
    /// The ground on either side of an exit; there is one for each exit.
    Exit,
}

impl Zone {
    /// Whether a point is in the zone or at most `reach_m` metres away from it, boundary included. Linear in its sides.
    pub fn is_within(&self, at: Point2<f64>, reach_m: f64) -> bool {
        touches(&self.outer, at, at, reach_m)
    }
}

impl Lift {
    /// Whether a point is in the cabin or at most `reach_m` metres away from it.
    pub fn is_within(&self, at: Point2<f64>, reach_m: f64) -> bool {
        touches(&self.cabin(), at, at, reach_m)
    }

    /// Whether the lift has a door at a level.
    pub fn serves(&self, level: LevelId) -> bool {
        self.stops.iter().any(|stop| stop.level == level)
    }
}

/// Whether a disc that is moved straight from `a` to `b` touches the inside of a ring.
pub(crate) fn touches(ring: &[Point2<f64>], a: Point2<f64>, b: Point2<f64>, reach_m: f64) -> bool {
    ring_contains(ring, a) || sides(ring).any(|(c, d)| segment_to_segment(a, b, c, d) <= reach_m)
}

impl ZoneKind {
    /// Whether people must get through when they leave the building.
    pub const fn is_way_out(self) -> bool {
        matches!(self, Self::Exit | Self::Authored(model::ZoneKind::FireLane))
    }
}

/// A lift.
#[derive(Clone, Debug)]
pub struct Lift {
    /// Its name.
    pub name: String,
    /// Centre of the cabin.
    pub at: Point2<f64>,
    /// Yaw of the cabin, radians.
    pub yaw_rad: f64,
    /// Cabin size along its x axis, metres.
    pub width_m: f64,
    /// Cabin size along its y axis, metres.
    pub depth_m: f64,
    /// Time its door takes to open or close.
    pub door_time: Micros,
    /// Speed between levels, metres per second.
    pub speed_mps: f64,
    /// The levels it serves, sorted by level id.
    pub stops: Vec<LiftStop>,
}

/// A level that a lift serves.
#[derive(Clone, Debug)]
pub struct LiftStop {
    /// The level.
    pub level: LevelId,
    /// Ends of each opening towards this level.
    pub doors: Vec<[Point2<f64>; 2]>,
    /// The roadmap's waypoint in the cabin.
    pub waypoint: Option<WaypointId>,
}

/// What a waypoint may be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a set of independent flags, named as the field names them"
)]
pub struct Roles {
    /// A charger stands here.
    pub charger: bool,
    /// Robots park here when idle.
    pub parking: bool,
    /// Robots may wait here.
    pub holding: bool,
    /// No robot ends a movement here.
    pub passthrough: bool,
}

/// A place of the roadmap.
#[derive(Clone, Debug)]
pub struct Waypoint {
    /// Its name; generated for waypoints that split a long lane.
    pub name: String,
    /// Whether somebody wrote it, rather than a long lane having been split.
    pub authored: bool,
    /// The level it is on.
    pub level: LevelId,
    /// Where it is.
    pub at: Point2<f64>,
    /// The same in millimetres, for the coordinator.
    pub x_mm: i32,
    /// The same in millimetres, for the coordinator.
    pub y_mm: i32,
    /// What it may be used for.
    pub roles: Roles,
    /// The lift in whose cabin it lies.
    pub lift: Option<LiftId>,
    /// Heading that a robot takes here, radians; any if absent. For drivers: nothing here plans with it.
    pub yaw_rad: Option<f64>,
    /// The mutex groups it is in, sorted; indices into [`CompiledSite::mutexes`].
    pub mutexes: Vec<u32>,
}

/// A directed, straight lane; or a ride between two levels in a lift.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Where it starts.
    pub from: WaypointId,
    /// Where it ends.
    pub to: WaypointId,
    /// Its length; zero for a ride.
    pub length: Mm,
    /// Speed limit; the lowest where a lane was written several times for classes that are compiled.
    pub speed_limit: Option<MmPerS>,
    /// Footprint classes that may use it, sorted; all if empty.
    pub classes: Vec<String>,
    /// How a robot faces while it drives along. For drivers: nothing here plans with it.
    pub orientation: Orientation,
    /// Doors it crosses, in the order of travel.
    pub doors: Vec<DoorId>,
    /// The lift whose cabin carries it from level to level.
    pub ride: Option<LiftId>,
    /// The one-lane corridor it runs in, an index into [`CompiledSite::corridors`].
    pub corridor: Option<u32>,
    /// The mutex groups it is in, sorted; indices into [`CompiledSite::mutexes`].
    pub mutexes: Vec<u32>,
    /// The same lane the other way.
    pub reverse: Option<LaneId>,
}

impl Lane {
    /// Whether it is meant for a footprint class.
    pub fn admits(&self, class: &str) -> bool {
        self.classes.is_empty() || self.classes.iter().any(|named| named == class)
    }
}

/// A named place of service.
#[derive(Clone, Debug)]
pub struct Station {
    /// Its name.
    pub name: String,
    /// The waypoint it is at.
    pub waypoint: WaypointId,
    /// What is served.
    pub kind: StationKind,
}

/// What a resource stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// The place around a waypoint.
    Place(WaypointId),
    /// Two parts of the roadmap that lie too close for two robots: a robot on either holds it.
    Overlap(Part, Part),
    /// A doorway.
    Door(DoorId),
    /// A lift's cabin and its bookings.
    Lift(LiftId),
    /// A one-lane corridor; the number counts the site's corridors.
    Corridor(u32),
    /// A mutex group: at most one robot in all that names it; the number counts the site's groups.
    Group(u32),
}

/// A part of the roadmap that a robot can occupy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Standing at a waypoint.
    Waypoint(WaypointId),
    /// Being on a lane; stands for both directions.
    Lane(LaneId),
}

/// A footprint for which claims are compiled: a disc where the robot may turn, a strip where it drives straight.
///
/// A robot faces along its lanes, forwards or backwards; one that drives sideways is as wide as its disc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FootprintClass {
    /// Its name.
    pub name: String,
    /// Radius of the smallest disc around the centre of rotation that covers the footprint.
    pub radius: Mm,
    /// Half the width of the strip that it sweeps when it drives straight ahead; at most the radius.
    pub half_width: Mm,
    /// Declared envelope around the footprint: tracking error, overshoot, localisation error.
    pub margin: Mm,
}

impl FootprintClass {
    /// A round footprint: its strip is as wide as its disc.
    pub fn round(name: impl Into<String>, radius: Mm, margin: Mm) -> Self {
        Self { name: name.into(), radius, half_width: radius, margin }
    }

    /// The class of a footprint whose robot faces along its lanes, rounded up to whole millimetres.
    ///
    /// ```
    /// # use sheepdog_map::{FootprintClass, geometry::Footprint};
    /// # use sheepdog_core::Mm;
    /// # use nalgebra::Point2;
    /// let corners = [(-0.4, -0.3), (0.4, -0.3), (0.4, 0.3), (-0.4, 0.3)];
    /// let cart = Footprint::convex(corners.map(|(x, y)| Point2::new(x, y)).to_vec())?;
    /// let class = FootprintClass::of("cart", &cart, Mm(100));
    /// assert_eq!((class.radius, class.half_width), (Mm(500), Mm(300)));
    /// # Ok::<(), sheepdog_map::geometry::FootprintError>(())
    /// ```
    pub fn of(name: impl Into<String>, footprint: &Footprint, margin: Mm) -> Self {
        // Less than a nanometre above a whole number is rounding.
        let up = |metres: f64| Mm(truncate((metres * 1e3 - 1e-6).ceil()));
        let radius = up(footprint.reach_m());
        Self { name: name.into(), radius, half_width: up(footprint.half_width_m()).min(radius), margin }
    }

    /// Radius of the region around the footprint's centre where it may turn, the envelope included, metres.
    pub(crate) fn turning_m(&self) -> f64 {
        metres(self.radius.saturating_add(self.margin))
    }

    /// Half the width of the region that it sweeps along a lane, the envelope included, metres.
    pub(crate) fn driving_m(&self) -> f64 {
        metres(self.half_width.saturating_add(self.margin))
    }
}

pub(crate) fn metres(length: Mm) -> f64 {
    f64::from(length.0) / 1e3
}

/// The claims of one footprint class.
#[derive(Clone, Debug)]
pub struct ClassClaims {
    /// The class.
    pub class: FootprintClass,
    pub(crate) waypoint: Csr<ResourceId>,
    pub(crate) lane: Csr<ResourceId>,
    pub(crate) fits: Vec<bool>,
    pub(crate) usable: Vec<bool>,
    pub(crate) may_stop: Vec<bool>,
    pub(crate) zones_at: Csr<ZoneId>,
    pub(crate) zones_along: Csr<ZoneId>,
}

impl ClassClaims {
    /// Sorted resources that a robot holds while it stands at a waypoint; empty for an unknown id.
    pub fn at(&self, waypoint: WaypointId) -> &[ResourceId] {
        self.waypoint.row(waypoint.index())
    }

    /// Sorted resources that a robot holds while it is anywhere on a lane, both ends included, facing along it.
    pub fn along(&self, lane: LaneId) -> &[ResourceId] {
        self.lane.row(lane.index())
    }

    /// Whether the footprint fits through the lane and its doors. Where it does not, there is a
    /// [warning](CompiledSite::warnings).
    pub fn fits(&self, lane: LaneId) -> bool {
        self.fits.get(lane.index()).copied().unwrap_or(false)
    }

    /// Whether a robot of the class may be sent along the lane: it [fits](Self::fits), the lane
    /// [admits](Lane::admits) it, and it reaches into no zone that is [closed](CompiledSite::is_closed) to it.
    pub fn usable(&self, lane: LaneId) -> bool {
        self.usable.get(lane.index()).copied().unwrap_or(false)
    }

    /// Whether a release may end at the waypoint: not on a sill, in a door swing, in a cabin, in a one-lane
    /// corridor, not where the footprint touches a wall, not where an exit or fire lane would become too narrow
    /// ([`rules::WAY_OUT`](crate::rules::WAY_OUT)), and not marked as passthrough.
    pub fn may_stop(&self, waypoint: WaypointId) -> bool {
        self.may_stop.get(waypoint.index()).copied().unwrap_or(false)
    }

    /// Zones into which the footprint reaches while it stands at a waypoint, sorted.
    pub fn zones_at(&self, waypoint: WaypointId) -> &[ZoneId] {
        self.zones_at.row(waypoint.index())
    }

    /// Zones into which the footprint reaches anywhere on a lane, both ends included, sorted.
    pub fn zones_along(&self, lane: LaneId) -> &[ZoneId] {
        self.zones_along.row(lane.index())
    }
}

/// Rows of ids in one allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Csr<T> {
    /// `start[i]..start[i + 1]` is row `i`.
    pub(crate) start: Vec<u32>,
    pub(crate) items: Vec<T>,
}

impl<T> Csr<T> {
    pub(crate) fn from_rows(rows: impl IntoIterator<Item = impl IntoIterator<Item = T>>) -> Self {
        let mut csr = Self { start: vec![0], items: Vec::new() };
        for row in rows {
            csr.items.extend(row);
            csr.start.push(u32::try_from(csr.items.len()).unwrap_or(u32::MAX));
        }
        csr
    }

    pub(crate) fn row(&self, index: usize) -> &[T] {
        let (Some(&from), Some(&to)) = (self.start.get(index), self.start.get(index + 1)) else {
            return &[];
        };
        self.items.get(from as usize..to as usize).unwrap_or(&[])
    }
}

macro_rules! tables {
    ($($(#[$doc:meta])* $all:ident / $live:ident / $one:ident($id:ident) -> $item:ty;)*) => {$(
        $(#[$doc])*
        pub fn $all(&self) -> &[$item] {
            &self.$all
        }

        /// Those that are not [retired](Self::retired), with their ids.
        pub fn $live(&self) -> impl Iterator<Item = ($id, &$item)> {
            let is_retired = |id: &$id| self.retired.$all.binary_search(id).is_ok();
            (0..).map($id).zip(&self.$all).filter(move |(id, _)| !is_retired(id))
        }

        /// One of them by id; `None` for an id that was never given or is [retired](Self::retired).
        pub fn $one(&self, id: $id) -> Option<&$item> {
            self.$all.get(id.index()).filter(|_| self.retired.$all.binary_search(&id).is_err())
        }
    )*};
}

impl CompiledSite {
    tables! {
        /// Storeys, by [`LevelId`].
        levels / live_levels / level(LevelId) -> Level;
        /// Rooms, by [`RoomId`].
        rooms / live_rooms / room(RoomId) -> Room;
        /// Doors, by [`DoorId`].
        doors / live_doors / door(DoorId) -> Door;
        /// Lifts, by [`LiftId`].
        lifts / live_lifts / lift(LiftId) -> Lift;
        /// Stations, by [`StationId`].
        stations / live_stations / station(StationId) -> Station;
        /// Zones, by [`ZoneId`]: those of the authored site, then one for each exit.
        zones / live_zones / zone(ZoneId) -> Zone;
        /// Waypoints, by [`WaypointId`].
        waypoints / live_waypoints / waypoint(WaypointId) -> Waypoint;
        /// Lanes, by [`LaneId`].
        lanes / live_lanes / lane(LaneId) -> Lane;
        /// Resources, by [`ResourceId`].
        resources / live_resources / resource(ResourceId) -> Resource;
    }

    /// Name of the site.
    pub fn name(&self) -> &str {
        &self.authored.name
    }

    /// The site as it was written; what only people care about is in here alone. Look things up by name: the order of its
    /// tables is that of the ids only in a site that follows no other.
    pub fn authored(&self) -> &Site {
        &self.authored
    }

    /// What previous versions had and this one has no more; see [`Site::compile_after`].
    pub const fn retired(&self) -> &Retired {
        &self.retired
    }

    /// Hash of everything in it, ids included: two sites with the same hash are the same site.
    pub fn version(&self) -> SiteVersion {
        self.version
    }

    /// A room as it was written; `None` for one that is retired.
    pub(crate) fn written_room(&self, room: &Room) -> Option<&model::Room> {
        self.authored.rooms.get(room.authored?)
    }

    /// A door as it was written; `None` for one that is retired.
    pub(crate) fn written_door(&self, door: &Door) -> Option<&model::Door> {
        self.authored.doors.get(door.authored?)
    }

    /// A zone as it was written; `None` for the ground of an exit and for one that is retired.
    pub(crate) fn written_zone(&self, zone: &Zone) -> Option<&model::Zone> {
        self.authored.zones.get(zone.authored?)
    }

    /// Lanes leaving a waypoint, sorted by id.
    pub fn lanes_from(&self, waypoint: WaypointId) -> &[LaneId] {
        self.out.row(waypoint.index())
    }

    /// Lanes reaching a waypoint, sorted by id.
    pub fn lanes_to(&self, waypoint: WaypointId) -> &[LaneId] {
        self.into.row(waypoint.index())
    }

    /// The footprint classes the site was compiled for, in the order of the options.
    pub fn classes(&self) -> &[ClassClaims] {
        &self.classes
    }

    /// Names of the one-lane corridors; [`Resource::Corridor`] counts them.
    pub fn corridors(&self) -> &[String] {
        &self.corridors
    }

    /// Names of the mutex groups; [`Resource::Group`] counts them.
    pub fn mutexes(&self) -> &[String] {
        &self.mutexes
    }

    /// What some class cannot use, and other remarks that do not prevent compiling.
    pub fn warnings(&self) -> &[MapWarning] {
        &self.warnings
    }

    /// Counts and sizes of what is not retired; O(size of the site).
    pub fn summary(&self) -> SiteSummary {
        let level = |(id, level): (LevelId, &Level)| LevelSummary {
            name: level.name.clone(),
            area_m2: level.geometry.area_m2(),
            rooms: self.live_rooms().filter(|(_, room)| room.level == id).count(),
            walls: level.geometry.walls().count(),
            walls_m: level.geometry.walls().map(|(a, b, _)| (b - a).norm()).sum(),
        };
        let rides = self.live_lanes().filter(|(_, lane)| lane.ride.is_some()).count();
        let is_overlap = |resource: &Resource| matches!(resource, Resource::Overlap(..));
        SiteSummary {
            levels: self.live_levels().map(level).collect(),
            doors: self.live_doors().count(),
            lifts: self.live_lifts().count(),
            stations: self.live_stations().count(),
            authored_waypoints: self.live_waypoints().filter(|(_, waypoint)| waypoint.authored).count(),
            generated_waypoints: self.live_waypoints().filter(|(_, waypoint)| !waypoint.authored).count(),
            lanes: self.live_lanes().count() - rides,
            rides,
            lanes_m: self.live_lanes().map(|(_, lane)| f64::from(lane.length.0) / 1e3).sum(),
            corridors: self.corridors.len(),
            resources: self.live_resources().count(),
            overlaps: self.live_resources().filter(|(_, resource)| is_overlap(resource)).count(),
            warnings: self.warnings.len(),
        }
    }

    /// Groups of waypoints between which a class can travel in both directions: the strongly connected
    /// components over its usable lanes. Each is sorted, and they are sorted by their first waypoint.
    ///
    /// A waypoint that no usable lane joins to another forms a group of its own. No group when the class is
    /// unknown. O(waypoints + lanes).
    pub fn components(&self, class: usize) -> Vec<Vec<WaypointId>> {
        let Some(class) = self.classes.get(class) else {
            return Vec::new();
        };
        self.components_over(|lane| class.usable(lane))
    }

    /// The strongly connected components over some of the lanes, in the order of [`components`](Self::components).
    pub(crate) fn components_over(&self, usable: impl Fn(LaneId) -> bool) -> Vec<Vec<WaypointId>> {
        let forward = |lane: LaneId| self.lane(lane).filter(|_| usable(lane)).map(|lane| lane.to);
        let backward = |lane: LaneId| self.lane(lane).filter(|_| usable(lane)).map(|lane| lane.from);
        let mut components =
            strongly_connected(self.waypoints.len(), &self.out, forward, &self.into, backward);
        components.retain(|component| component.iter().all(|id| self.waypoint(*id).is_some()));
        components
    }

    /// Doors that a way through points of a level crosses or touches, in its order; a door that is crossed again later is
    /// there again. O(doors of the level) and a few look-ups for each point.
    pub fn doors_along(&self, level: LevelId, points: &[Point2<f64>]) -> Vec<DoorId> {
        let zones = Zones::of(level, &self.doors, &self.lifts);
        let crossed = |a: Point2<f64>, b: Point2<f64>| {
            zones.crossed(a, b).into_iter().filter_map(|(passage, _)| match passage {
                Passage::Door(door) => self.door(door).map(|_| door),
                Passage::Lift(_) => None,
            })
        };
        let mut doors = Vec::new();
        for (a, b) in points.iter().zip(points.iter().skip(1)) {
            let mut leg: Vec<DoorId> = crossed(*a, *b).collect();
            // A corner of the way on a sill belongs to both of its legs.
            let before = doors.last().copied();
            if leg.first().is_some_and(|door| before == Some(*door) && crossed(*a, *a).any(|at| at == *door))
            {
                leg.remove(0);
            }
            doors.append(&mut leg);
        }
        doors
    }

    /// Where a point of a level is: in a room, on the outline of one, or outside every room.
    ///
    /// Where rooms overlap, or touch, the one with the lowest id is meant. Exact, O(1) on average: most points cost one
    /// look-up and no comparison with an outline. Outside for an unknown level or a point that is not finite.
    ///
    /// ```
    /// use nalgebra::Point2;
    /// use sheepdog_core::{LevelId, RoomId};
    /// use sheepdog_map::{CompileOptions, Location, Site, model};
    ///
    /// let mut site = Site::new("flat");
    /// site.levels.push(model::Level::new("0", 0.0));
    /// site.rooms.push(model::Room::rectangle("hall", "0", 0.0, 0.0, 4.0, 3.0));
    /// let site = site.compile(&CompileOptions::default()).unwrap();
    /// let at = |x, y| site.locate(LevelId(0), Point2::new(x, y));
    /// assert_eq!(at(1.0, 1.0), Location::Inside(RoomId(0)));
    /// assert_eq!(at(4.0, 1.0), Location::Boundary(RoomId(0)));
    /// assert_eq!(at(4.1, 1.0), Location::Outside);
    /// ```
    #[inline]
    pub fn locate(&self, level: LevelId, at: Point2<f64>) -> Location {
        self.rooms_of.get(level.index()).map_or(Location::Outside, |rooms| rooms.locate(at))
    }

    /// Distance from a point to the nearest outline of a room of a level, from either side, metres. O(1) on average.
    ///
    /// `None` for an unknown level or one without rooms; zero for a point that is not finite.
    pub fn outline_distance(&self, level: LevelId, at: Point2<f64>) -> Option<f64> {
        let distance_m = self.rooms_of.get(level.index())?.outline_distance(at);
        distance_m.is_finite().then_some(distance_m)
    }

    /// The room at a point: the one that contains it, boundary included; the lowest id where rooms overlap.
    ///
    /// The room of [`locate`](Self::locate).
    pub fn room_at(&self, level: LevelId, at: Point2<f64>) -> Option<RoomId> {
        self.locate(level, at).room()
    }

    /// The waypoint with that name.
    pub fn waypoint_named(&self, name: &str) -> Option<WaypointId> {
        self.live_waypoints().find(|(_, waypoint)| waypoint.name == name).map(|(id, _)| id)
    }

    /// The station with that name.
    pub fn station_named(&self, name: &str) -> Option<StationId> {
        self.live_stations().find(|(_, station)| station.name == name).map(|(id, _)| id)
    }

    /// The level with that name.
    pub fn level_named(&self, name: &str) -> Option<LevelId> {
        self.live_levels().find(|(_, level)| level.name == name).map(|(id, _)| id)
    }

    /// The door with that name.
    pub fn door_named(&self, name: &str) -> Option<DoorId> {
        self.live_doors().find(|(_, door)| door.name == name).map(|(id, _)| id)
    }

    /// The zone with that name.
    pub fn zone_named(&self, name: &str) -> Option<ZoneId> {
        self.live_zones().find(|(_, zone)| zone.name == name).map(|(id, _)| id)
    }

    /// The lift with that name.
    pub fn lift_named(&self, name: &str) -> Option<LiftId> {
        self.live_lifts().find(|(_, lift)| lift.name == name).map(|(id, _)| id)
    }
}

/// Strongly connected components of waypoints, each sorted, sorted by their first waypoint. `out` and `into` are lanes by
/// the waypoint they leave and reach, `forward` and `backward` their other ends.
pub(crate) fn strongly_connected(
    count: usize,
    out: &Csr<LaneId>,
    forward: impl Fn(LaneId) -> Option<WaypointId>,
    into: &Csr<LaneId>,
    backward: impl Fn(LaneId) -> Option<WaypointId>,
) -> Vec<Vec<WaypointId>> {
    // Kosaraju: waypoints by the order in which a forward search leaves them, then searched backwards.
    let mut seen = vec![false; count];
    let mut order = Vec::with_capacity(count);
    for (start, ()) in (0..).map(WaypointId).zip(std::iter::repeat_n((), count)) {
        depth_first(start, out, &forward, &mut seen, &mut order);
    }
    seen.fill(false);
    let mut components = Vec::new();
    for &start in order.iter().rev() {
        let mut component = Vec::new();
        depth_first(start, into, &backward, &mut seen, &mut component);
        if !component.is_empty() {
            component.sort_unstable();
            components.push(component);
        }
    }
    components.sort_unstable();
    components
}

/// Visits what can be reached from `start` and was not seen; `left` lists waypoints as the search leaves them.
fn depth_first(
    start: WaypointId,
    lanes: &Csr<LaneId>,
    next: impl Fn(LaneId) -> Option<WaypointId>,
    seen: &mut [bool],
    left: &mut Vec<WaypointId>,
) {
    let mut enter = |waypoint: WaypointId| {
        seen.get_mut(waypoint.index())
            .is_some_and(|seen| !std::mem::replace(seen, true))
            .then_some((waypoint, 0))
    };
    let mut stack: Vec<(WaypointId, usize)> = enter(start).into_iter().collect();
    while let Some((waypoint, tried)) = stack.last_mut() {
        if let Some(lane) = lanes.row(waypoint.index()).get(*tried) {
            *tried += 1;
            stack.extend(next(*lane).and_then(&mut enter));
        } else {
            left.push(*waypoint);
            stack.pop();
        }
    }
}
