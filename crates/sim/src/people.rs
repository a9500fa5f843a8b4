//! People: they walk along the roadmap on the right-hand side, open doors, go round robots and answer the fleet. Those of
//! a crowd know no roadmap: they go straight to whatever they see, and slower the denser the crowd is.
//!
//! Two things are simpler than in life. Between levels a person takes the stairs beside the lift: they leave from
//! the last place before the cabin, are nowhere for [`STAIRS`], and come out at the first place behind it. And they
//! look only one step ahead, so two of them can stand in each other's way until one backs off.

use std::{collections::VecDeque, sync::Arc};

use nalgebra::{Point2, Vector2};
use sheepdog_core::{
    AgentId, FleetTime, LaneId, LevelId, Micros, MmPerS, WaypointId,
    wire::{Perform, StepToken, ToAgent, ToFleet},
};
use sheepdog_map::{CompiledSite, Lane, NominalWaits, TravelProfile, shortest_path};

use crate::{
    config::{CrowdSpec, PersonSpec, WalkerSpec},
    peripherals::Peripherals,
    random::{Purpose, happens, signed_unit, stream},
    world::{Barrier, Disc, Owner, World, point_segment},
};

/// Radius of a person's footprint, metres.
pub const PERSON_RADIUS_M: f64 = 0.25;

/// How long a person is on the stairs, whatever the levels.
pub const STAIRS: Micros = Micros::from_secs(30);

/// How far to the right of a lane's centre people keep where there is room, metres.
const KEEP_RIGHT_M: f64 = 0.35;
/// How far beside a place people may stand when they stay, metres.
const ASIDE_M: [f64; 4] = [0.5, 0.75, 1.0, 1.25];
/// Nobody stays nearer to a door than this, metres.
const DOOR_SWING_M: f64 = 1.0;
/// Nobody's centre comes nearer to a wall than this, metres: one can turn one's shoulders.
const SHOULDER_M: f64 = 0.2;
/// Least distance that people leave to other bodies by their own steps, metres.
const ELBOW_ROOM_M: f64 = 0.15;
/// What they are content with when they have been patient.
const SQUEEZE_M: f64 = 0.02;
/// How long they are patient before that.
const SQUEEZE_AFTER: Micros = Micros::from_secs(4);
/// Whoever idles nearer than this to a robot makes room for it: it may want to pass and keeps its distance.
const CROWDING_M: f64 = 0.35;
/// After this long.
const CROWDING_AFTER: Micros = Micros::from_secs(5);
/// And how long somebody on their way does, who may be what it waits for.
const STANDOFF_AFTER: Micros = Micros::from_secs(15);
/// Having made up their mind, they go this far from it, metres.
const ROOM_M: f64 = 0.9;
/// What moves slower than this stands.
const STANDS_MPS: f64 = 0.01;
/// Nearer than this to an intermediate place, it is passed, metres.
const PASSED_M: f64 = 0.3;
/// Nearer than this to where they want to stand, they have arrived, metres.
const ARRIVED_M: f64 = 0.15;
/// Nearer than this to where they want to stand they have arrived too if somebody is in the way, metres.
const NEAR_ENOUGH_M: f64 = 1.5;
/// From this distance on people open a door, metres.
const DOOR_REACH_M: f64 = 1.5;
/// How long a door stays open behind them.
const DOOR_HOLD: Micros = Micros::from_secs(3);
/// How long they wait for a body in their way before they go round it.
const PATIENCE: Micros = Micros::from_secs(1);
/// How long they try to go round before they turn back.
const RETREAT: Micros = Micros::from_secs(8);
/// At least this often they say where they are.
const POSITION_PERIOD: Micros = Micros::from_secs(5);
/// How many steps or answers are kept.
const MEMORY: usize = 16;

/// The farthest that somebody of a crowd makes up their mind to go at once, metres.
const STROLL_MAX_M: f64 = 12.0;
/// How long they try to get on before they go elsewhere: they have nowhere to be.
const CHANGE_OF_MIND: Micros = Micros::from_secs(2);
/// Directions they look in.
const STROLL_TRIES: u32 = 12;
/// However dense a crowd is, people shuffle on at this share of their speed.
const SHUFFLE_SHARE: f64 = 0.1;
/// Whoever is within this distance makes a crowd, metres.
const DENSITY_WITHIN_M: f64 = 2.0;
/// Points round a place at which a crowd may begin.
const CROWD_POINTS_MAX: u32 = 4_000;
/// The n-th of them is this times the root of n away, metres.
const CROWD_PITCH_M: f64 = 0.35;
/// Angle between one and the next, which spreads them evenly (Vogel 1979).
const GOLDEN_ANGLE_RAD: f64 = 2.399_963_229_728_653;

/// Most lanes of a way that somebody still adds to by turning back.
const WAY_MAX: usize = 256;

/// Turns off the direct way that are tried in order: the smaller first, to the right first.
const DETOURS_RAD: [f64; 6] = [-0.5, 0.5, -1.0, 1.0, -1.55, 1.55];

/// A person or walker.
#[derive(Debug)]
pub(crate) struct Person {
    site: Arc<CompiledSite>,
    index: usize,
    speed: MmPerS,
    pub(crate) level: LevelId,
    pub(crate) at: Point2<f64>,
    pub(crate) yaw_rad: f64,
    /// The place last reached.
    place: WaypointId,
    /// Lanes still to walk; the first is being walked.
    way: VecDeque<LaneId>,
    /// Where they want to stand when the way ends.
    stand: Point2<f64>,
    /// How long a body has been in the way.
    blocked: Micros,
    /// How long a robot has stood right beside them while they idled.
    crowded: Micros,
    /// On the stairs until then, to come out at that place.
    stairs: Option<(FleetTime, WaypointId)>,
    role: Role,
}

#[derive(Debug)]
enum Role {
    Agent(Agent),
    Walker {
        patrol: Vec<WaypointId>,
        next: usize,
        pause: Micros,
        rested: Micros,
    },
    /// Somebody of a crowd; `draws` counts what they have made up their mind to.
    Stroller {
        seed: u64,
        draws: u64,
        pause: Micros,
        rested: Micros,
    },
}

#[derive(Debug)]
struct Agent {
    spec: PersonSpec,
    answers: VecDeque<(FleetTime, StepToken, bool)>,
    orders: VecDeque<Perform>,
    /// How long the first order has been worked on, once at its place.
    worked: Micros,
    /// The last steps finished, the newest at the end.
    finished: VecDeque<StepToken>,
    outbox: Vec<ToFleet>,
    /// What was reported last, and when.
    reported: Option<(WaypointId, FleetTime)>,
}

/// The points round a place at which members of a crowd begin.
pub(crate) struct Spiral {
    site: Arc<CompiledSite>,
    place: WaypointId,
    /// Places that stay free.
    free: Vec<Point2<f64>>,
    /// Number of the next point.
    next: u32,
}

impl Spiral {
    /// Round a place, with all places of the crowd left free; `None` for a place that the site does not have.
    pub(crate) fn new(site: &Arc<CompiledSite>, place: WaypointId, places: &[WaypointId]) -> Option<Self> {
        let level = site.waypoint(place)?.level;
        let free = places.iter().filter_map(|&place| site.waypoint(place));
        let free = free.filter(|waypoint| waypoint.level == level).map(|waypoint| waypoint.at).collect();
        Some(Self { site: Arc::clone(site), place, free, next: 0 })
    }

    /// Somebody at the next point at which nobody is; `None` when there is none left.
    pub(crate) fn stroller(
        &mut self,
        index: usize,
        spec: &CrowdSpec,
        seed: u64,
        robots: &[Disc],
        people: &[Person],
    ) -> Option<Person> {
        let role = Role::Stroller { seed, draws: 0, pause: spec.pause, rested: Micros::ZERO };
        let mut person = Person::at_point(&self.site, index, self.place, spec.speed, role)?;
        let (level, middle) = (person.level, person.at);
        let geometry = &self.site.level(level)?.geometry;
        let others =
            people.iter().filter(|other| other.level == level).map(|other| (other.at, PERSON_RADIUS_M));
        let robots =
            robots.iter().filter(|robot| robot.level == level).map(|robot| (robot.at, robot.radius_m));
        let places = self.free.iter().map(|&place| (place, PERSON_RADIUS_M));
        let taken: Vec<(Point2<f64>, f64)> = others.chain(robots).chain(places).collect();
        let is_free = |point: Point2<f64>| {
            geometry.disc_free(point, PERSON_RADIUS_M)
                && geometry.sweep_free(middle, point, PERSON_RADIUS_M)
                && taken.iter().all(|(other, radius_m)| {
                    PERSON_RADIUS_M + radius_m + ELBOW_ROOM_M <= (other - point).norm()
                })
        };
        while self.next < CROWD_POINTS_MAX {
            let turn = f64::from(self.next);
            self.next += 1;
            let point = middle + unit(turn * GOLDEN_ANGLE_RAD) * (CROWD_PITCH_M * turn.sqrt());
            if is_free(point) {
                (person.at, person.stand) = (point, point);
                return Some(person);
            }
        }
        None
    }
}

/// What a person's step needs beside themselves.
pub(crate) struct Surroundings<'a> {
    pub(crate) now: FleetTime,
    pub(crate) tick: Micros,
    pub(crate) world: &'a World,
    pub(crate) peripherals: &'a mut Peripherals,
}

impl Person {
    /// A person with a radio; `None` when the place is unknown.
    pub(crate) fn agent(site: &Arc<CompiledSite>, index: usize, spec: PersonSpec) -> Option<Self> {
        let agent = Agent {
            spec,
            answers: VecDeque::new(),
            orders: VecDeque::new(),
            worked: Micros::ZERO,
            finished: VecDeque::new(),
            outbox: Vec::new(),
            reported: None,
        };
        Self::new(site, index, spec.at, spec.speed, Role::Agent(agent))
    }

    /// A person without a radio; `None` when a place is unknown or there is none.
    pub(crate) fn walker(site: &Arc<CompiledSite>, index: usize, spec: WalkerSpec) -> Option<Self> {
        let first = *spec.patrol.first()?;
        spec.patrol.iter().try_for_each(|&place| site.waypoint(place).map(drop))?;
        let speed = spec.speed;
        let role = Role::Walker { patrol: spec.patrol, next: 0, pause: spec.pause, rested: Micros::ZERO };
        Self::new(site, index, first, speed, role)
    }

    fn new(
        site: &Arc<CompiledSite>,
        index: usize,
        place: WaypointId,
        speed: MmPerS,
        role: Role,
    ) -> Option<Self> {
        let mut person = Self::at_point(site, index, place, speed, role)?;
        person.stand = person.beside(place);
        person.at = person.stand;
        Some(person)
    }

    /// Somebody right at a place.
    fn at_point(
        site: &Arc<CompiledSite>,
        index: usize,
        place: WaypointId,
        speed: MmPerS,
        role: Role,
    ) -> Option<Self> {
        let waypoint = site.waypoint(place)?;
        Some(Self {
            site: Arc::clone(site),
            index,
            speed,
            level: waypoint.level,
            at: waypoint.at,
            yaw_rad: 0.0,
            place,
            way: VecDeque::new(),
            stand: waypoint.at,
            blocked: Micros::ZERO,
            crowded: Micros::ZERO,
            stairs: None,
            role,
        })
    }

    pub(crate) fn id(&self) -> Option<AgentId> {
        match &self.role {
            Role::Agent(agent) => Some(agent.spec.agent),
            Role::Walker { .. } | Role::Stroller { .. } => None,
        }
    }

    /// The body, unless they are on the stairs.
    pub(crate) fn disc(&self) -> Option<Disc> {
        let owner = Owner::Person(self.index);
        let disc = Disc {
            owner,
            level: self.level,
            at: self.at,
            radius_m: PERSON_RADIUS_M,
            drift: Vector2::zeros(),
        };
        self.stairs.is_none().then_some(disc)
    }

    /// Takes in a message; whatever concerns robots alone is ignored.
    pub(crate) fn hear(&mut self, now: FleetTime, seed: u64, message: &ToAgent) {
        let Role::Agent(agent) = &mut self.role else { return };
        match message {
            ToAgent::Ask(question) => {
                let reachable = way(&self.site, self.speed, self.place, question.place).is_some();
                agent.consider(now, seed, question.token, reachable);
            }
            ToAgent::Perform(order) => agent.accept(*order),
            ToAgent::Withdraw(token) => {
                if agent.withdraw(*token) {
                    self.stop_at_next_place();
                }
            }
            ToAgent::Release(_)
            | ToAgent::Hold(_)
            | ToAgent::Stop(_)
            | ToAgent::Reset(_)
            | ToAgent::Beat(_)
            | ToAgent::Lamp(_) => {}
        }
    }

    /// Lives for one tick and returns what they say on the radio.
    pub(crate) fn step(&mut self, around: &mut Surroundings<'_>) -> Vec<ToFleet> {
        let idle = self.way.is_empty() && self.arrived();
        if let Some((until, exit)) = self.stairs {
            self.leave_stairs(around, until, exit);
        } else if !self.make_room(around, if idle { CROWDING_AFTER } else { STANDOFF_AFTER }) {
            if idle { self.stay(around.tick) } else { self.walk(around) }
        }
        match &mut self.role {
            Role::Agent(agent) => agent.speak(around.now, self.place),
            Role::Walker { .. } | Role::Stroller { .. } => Vec::new(),
        }
    }

    /// Steps back from a robot that has stood right beside them for longer than they bear, until it has room to go on.
    /// Returns whether they did.
    fn make_room(&mut self, around: &Surroundings<'_>, bears: Micros) -> bool {
        let me = Owner::Person(self.index);
        let gap_m = |disc: &Disc| (self.at - disc.at).norm() - disc.radius_m - PERSON_RADIUS_M;
        let near_m = if self.crowded < bears { CROWDING_M } else { ROOM_M };
        let near_by = around.world.near(self.level, self.at, near_m + PERSON_RADIUS_M, me);
        let robots = near_by.filter(|disc| matches!(disc.owner, Owner::Robot(_)));
        let nearest = robots.min_by(|a, b| gap_m(a).total_cmp(&gap_m(b)));
        let Some(robot) = nearest.filter(|robot| gap_m(robot) < near_m) else {
            self.crowded = Micros::ZERO;
            return false;
        };
        self.crowded = self.crowded.saturating_add(around.tick);
        let Some(away) = (self.at - robot.at).try_normalize(1e-9) else { return false };
        if self.crowded < bears {
            return false;
        }
        let stride_m = f64::from(self.speed.0) / 1e3 * around.tick.as_secs_f64();
        for turn_rad in std::iter::once(0.0).chain(DETOURS_RAD) {
            let (cos, sin) = (libm::cos(turn_rad), libm::sin(turn_rad));
            let aside = Vector2::new(away.x * cos - away.y * sin, away.x * sin + away.y * cos);
            if self.obstacle(around.world, self.at + aside * stride_m).is_none() {
                self.stride(aside, stride_m);
                if self.way.is_empty() {
                    self.stand = self.at;
                }
                return true;
            }
        }
        false
    }

    fn stop_at_next_place(&mut self) {
        self.way.truncate(1);
        if let Some(lane) = self.way.front().and_then(|&lane| self.site.lane(lane)) {
            self.stand = self.beside(lane.to);
        }
    }

    fn arrived(&self) -> bool {
        let left_m = (self.stand - self.at).norm();
        left_m < ARRIVED_M || (left_m < NEAR_ENOUGH_M && self.blocked != Micros::ZERO)
    }

    /// Works, rests or sets out.
    fn stay(&mut self, tick: Micros) {
        let goal = match &mut self.role {
            Role::Agent(agent) => agent.work(self.place, tick),
            Role::Stroller { pause, rested, .. } => {
                *rested = rested.saturating_add(tick);
                if *pause <= *rested {
                    *rested = Micros::ZERO;
                    self.stroll();
                }
                return;
            }
            Role::Walker { patrol, next, pause, rested } => {
                *rested = rested.saturating_add(tick);
                if *rested < *pause {
                    return;
                }
                *rested = Micros::ZERO;
                *next = (*next + 1) % patrol.len().max(1);
                patrol.get(*next).copied()
            }
        };
        if let Some(goal) = goal.filter(|&goal| goal != self.place) {
            self.set_out(goal);
        }
    }

    /// Makes up their mind to go somewhere in sight.
    fn stroll(&mut self) {
        let Role::Stroller { seed, draws, .. } = &mut self.role else { return };
        *draws += 1;
        let (seed, draws) = (*seed, *draws);
        let Some(level) = self.site.level(self.level) else { return };
        let entity = u32::try_from(self.index).unwrap_or(u32::MAX);
        let mut rng = stream(seed, Purpose::Stroll, entity, draws);
        for _ in 0..STROLL_TRIES {
            let bearing_rad = signed_unit(&mut rng) * std::f64::consts::PI;
            let far_m = STROLL_MAX_M * (1.0 + signed_unit(&mut rng)) / 2.0;
            let point = self.at + unit(bearing_rad) * far_m;
            // As narrow as they squeeze along a wall, or they would never leave it again.
            if level.geometry.sweep_free(self.at, point, SHOULDER_M) {
                (self.stand, self.blocked) = (point, Micros::ZERO);
                return;
            }
        }
    }

    /// Walking speed, m/s: in a crowd it falls with density (Weidmann 1993: `v = v₀ (1 − exp(−1.913 (1/ρ − 1/5.4)))`, ρ in
    /// persons per square metre, here of those within two metres).
    fn speed_mps(&self, world: &World) -> f64 {
        let free_mps = f64::from(self.speed.0) / 1e3;
        if !matches!(self.role, Role::Stroller { .. }) {
            return free_mps;
        }
        let me = Owner::Person(self.index);
        let near = |disc: &Disc| {
            matches!(disc.owner, Owner::Person(_)) && (disc.at - self.at).norm() <= DENSITY_WITHIN_M
        };
        let near_by = world.near(self.level, self.at, DENSITY_WITHIN_M, me);
        let others: f64 = near_by.filter(|disc| near(disc)).map(|_| 1.0).sum();
        let density = (1.0 + others) / (std::f64::consts::PI * DENSITY_WITHIN_M * DENSITY_WITHIN_M);
        let share = 1.0 - libm::exp(-1.913 * (1.0 / density - 1.0 / 5.4));
        free_mps * share.clamp(SHUFFLE_SHARE, 1.0)
    }

    fn set_out(&mut self, goal: WaypointId) {
        let Some(lanes) = way(&self.site, self.speed, self.place, goal) else { return };
        self.way = lanes.into();
        self.stand = self.beside(goal);
        self.blocked = Micros::ZERO;
    }

    /// Where to stand at a place without being in anybody's way: off the lanes, off the doors, in sight of the place.
    fn beside(&self, place: WaypointId) -> Point2<f64> {
        let Some(waypoint) = self.site.waypoint(place) else { return self.at };
        let Some(geometry) = self.site.level(waypoint.level).map(|level| &level.geometry) else {
            return waypoint.at;
        };
        let doors = self.site.doors().iter().filter(|door| door.level == waypoint.level);
        let openings: Vec<_> = doors.map(|door| (door.a, door.b)).collect();
        let lanes: Vec<_> =
            self.site.lanes().iter().filter_map(|lane| self.segment(lane, waypoint.level)).collect();
        let distance = |to: &[(Point2<f64>, Point2<f64>)], point| {
            to.iter().map(|&(a, b)| point_segment(point, a, b)).fold(f64::INFINITY, f64::min)
        };
        let candidates = ASIDE_M.iter().flat_map(|&out_m| {
            (0..8).map(move |turn| unit(f64::from(turn) * std::f64::consts::FRAC_PI_4) * out_m)
        });
        let mut best = (0.0, waypoint.at);
        for offset in candidates {
            let point = waypoint.at + offset;
            let off_lanes_m = distance(&lanes, point);
            if best.0 < off_lanes_m
                && DOOR_SWING_M <= distance(&openings, point)
                && geometry.sweep_free(waypoint.at, point, PERSON_RADIUS_M)
            {
                best = (off_lanes_m, point);
            }
        }
        best.1
    }

    /// Both ends of a lane on a level.
    fn segment(&self, lane: &Lane, level: LevelId) -> Option<(Point2<f64>, Point2<f64>)> {
        let (from, to) = (self.site.waypoint(lane.from)?, self.site.waypoint(lane.to)?);
        (from.level == level && to.level == level).then_some((from.at, to.at))
    }

    /// One tick of walking along the first lane, or at the end of the way to where they want to stand.
    fn walk(&mut self, around: &mut Surroundings<'_>) {
        let site = Arc::clone(&self.site);
        let Some(lane) = self.way.front().and_then(|&lane| site.lane(lane)) else {
            if matches!(self.role, Role::Stroller { .. }) {
                if CHANGE_OF_MIND < self.blocked {
                    self.stroll();
                }
                return self.step_towards(around, self.stand);
            }
            let place = site.waypoint(self.place).map_or(self.at, |waypoint| waypoint.at);
            let target = self.first_in_sight([self.stand, place, place]);
            self.step_towards(around, target);
            return;
        };
        let (Some(from), Some(to)) = (site.waypoint(lane.from), site.waypoint(lane.to)) else { return };
        if to.lift.is_some() {
            self.take_stairs(around.now);
            return;
        }
        let openings = lane.doors.iter().filter_map(|&door| site.door(door).map(|model| (door, model)));
        for (door, model) in openings {
            if point_segment(self.at, model.a, model.b) < DOOR_REACH_M {
                around.peripherals.hold_door(door, around.now + DOOR_HOLD);
            }
        }
        let along = (to.at - from.at).try_normalize(0.0).unwrap_or_else(Vector2::zeros);
        let right = Vector2::new(along.y, -along.x) * if lane.doors.is_empty() { KEEP_RIGHT_M } else { 0.0 };
        let target = self.first_in_sight([to.at + right, to.at, from.at]);
        self.step_towards(around, target);
        let left_m = (to.at + right - self.at).norm().min((to.at - self.at).norm());
        if left_m < PASSED_M || (left_m < NEAR_ENOUGH_M && PATIENCE < self.blocked) {
            self.place = lane.to;
            self.way.pop_front();
        } else if RETREAT < self.blocked {
            self.turn_back(lane);
        }
    }

    /// The first point that can be walked to straight; the last one when none can.
    fn first_in_sight(&self, points: [Point2<f64>; 3]) -> Point2<f64> {
        let [.., last] = points;
        let Some(level) = self.site.level(self.level) else { return last };
        let in_sight = |point: &Point2<f64>| level.geometry.sweep_free(self.at, *point, SHOULDER_M);
        points.into_iter().find(in_sight).unwrap_or(last)
    }

    /// Goes back to where the lane began, and tries again from there.
    fn turn_back(&mut self, lane: &Lane) {
        self.blocked = Micros::ZERO;
        if let Some(reverse) = lane.reverse
            && self.way.len() < WAY_MAX
        {
            self.place = lane.to;
            self.way.push_front(reverse);
        }
    }

    /// Leaves the level: skips the lanes in the cabin and comes out behind them.
    fn take_stairs(&mut self, now: FleetTime) {
        let in_cabin =
            |place: WaypointId| self.site.waypoint(place).is_some_and(|waypoint| waypoint.lift.is_some());
        let ends = self.way.iter().filter_map(|&lane| self.site.lane(lane)).map(|lane| lane.to);
        let inside = ends.take_while(|&place| in_cabin(place)).count();
        let exit = self.way.get(inside).and_then(|&lane| self.site.lane(lane)).map(|lane| lane.to);
        match exit {
            Some(exit) => {
                self.way.drain(..=inside);
                self.stairs = Some((now + STAIRS, exit));
            }
            // Nobody goes to stay in a cabin.
            None => self.way.clear(),
        }
    }

    fn leave_stairs(&mut self, around: &Surroundings<'_>, until: FleetTime, exit: WaypointId) {
        let Some(waypoint) = self.site.waypoint(exit) else { return };
        let clear =
            |disc: &Disc| PERSON_RADIUS_M + ELBOW_ROOM_M <= (disc.at - waypoint.at).norm() - disc.radius_m;
        let me = Owner::Person(self.index);
        let reach_m = PERSON_RADIUS_M + ELBOW_ROOM_M;
        let free = around.world.near(waypoint.level, waypoint.at, reach_m, me).all(clear);
        if until <= around.now && free {
            (self.level, self.at, self.place) = (waypoint.level, waypoint.at, exit);
            self.stairs = None;
        }
    }

    /// Walks for a tick towards a point, round bodies and along walls.
    fn step_towards(&mut self, around: &Surroundings<'_>, target: Point2<f64>) {
        let gap = target - self.at;
        let Some(ahead) = gap.try_normalize(1e-9) else { return };
        let stride_m = (self.speed_mps(around.world) * around.tick.as_secs_f64()).min(gap.norm());
        match self.obstacle(around.world, self.at + ahead * stride_m) {
            None => {
                self.blocked = Micros::ZERO;
                return self.stride(ahead, stride_m);
            }
            // The door is opening; for those who just stroll about it does not.
            Some(Obstacle::Door) => {
                if matches!(self.role, Role::Stroller { .. }) {
                    self.blocked = self.blocked.saturating_add(around.tick);
                }
                return;
            }
            Some(Obstacle::Body) => {
                self.blocked = self.blocked.saturating_add(around.tick);
                if self.blocked < PATIENCE {
                    return;
                }
            }
            Some(Obstacle::Wall) => {
                if matches!(self.role, Role::Stroller { .. }) {
                    self.blocked = self.blocked.saturating_add(around.tick);
                }
            }
        }
        for turn_rad in DETOURS_RAD {
            let (cos, sin) = (libm::cos(turn_rad), libm::sin(turn_rad));
            let aside = Vector2::new(ahead.x * cos - ahead.y * sin, ahead.x * sin + ahead.y * cos);
            if self.obstacle(around.world, self.at + aside * stride_m).is_none() {
                return self.stride(aside, stride_m);
            }
        }
    }

    fn stride(&mut self, direction: Vector2<f64>, stride_m: f64) {
        self.at += direction * stride_m;
        self.yaw_rad = libm::atan2(direction.y, direction.x);
    }

    /// What forbids standing at `there`. Stepping away from something that is already too near is allowed.
    fn obstacle(&self, world: &World, there: Point2<f64>) -> Option<Obstacle> {
        let reach_m = world.drift_max_m() + PERSON_RADIUS_M + ELBOW_ROOM_M;
        let mut near_by = world.near(self.level, there, reach_m, Owner::Person(self.index));
        let collides = |disc: &Disc| {
            // Whoever has waited long enough squeezes past what stands still.
            let squeezes = SQUEEZE_AFTER <= self.blocked && disc.drift.norm() < STANDS_MPS;
            let elbow_m = if squeezes { SQUEEZE_M } else { ELBOW_ROOM_M };
            let least_m = disc.radius_m + PERSON_RADIUS_M + elbow_m;
            // Nobody steps in front of a moving robot.
            let distance = |point| point_segment(point, disc.at, disc.at + disc.drift);
            nearer(distance(there), distance(self.at), least_m)
        };
        if near_by.any(collides) {
            return Some(Obstacle::Body);
        }
        let shut = |door: &Barrier| {
            let distance = |point| point_segment(point, door.a, door.b);
            door.level == self.level && nearer(distance(there), distance(self.at), PERSON_RADIUS_M)
        };
        if world.barriers.iter().any(shut) {
            return Some(Obstacle::Door);
        }
        let geometry = self.site.level(self.level).map(|level| &level.geometry)?;
        let fits = |point| geometry.disc_free(point, SHOULDER_M);
        (!fits(there) && fits(self.at)).then_some(Obstacle::Wall)
    }
}

/// Whether a step ends nearer than allowed and does not lead away.
fn nearer(after_m: f64, before_m: f64, least_m: f64) -> bool {
    after_m < least_m && after_m <= before_m
}

/// The quickest way on foot.
fn way(site: &CompiledSite, speed: MmPerS, from: WaypointId, to: WaypointId) -> Option<Vec<LaneId>> {
    shortest_path(site, TravelProfile::person(speed), &NominalWaits(site), from, to)
}

fn unit(angle_rad: f64) -> Vector2<f64> {
    Vector2::new(libm::cos(angle_rad), libm::sin(angle_rad))
}

/// What is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    Body,
    Door,
    Wall,
}

impl Agent {
    /// Thinks about a question; asked twice, the answer is the same.
    fn consider(&mut self, now: FleetTime, seed: u64, token: StepToken, reachable: bool) {
        if self.answers.iter().any(|&(_, asked, _)| asked == token) || MEMORY <= self.answers.len() {
            return;
        }
        let question = token.task.0 << 16 ^ u64::from(token.award) << 8 ^ u64::from(token.step);
        let willing = happens(
            &mut stream(seed, Purpose::Answer, self.spec.agent.0, question),
            self.spec.accept_permille,
        );
        self.answers.push_back((now + self.spec.answer_delay, token, willing && reachable));
    }

    fn accept(&mut self, order: Perform) {
        if self.finished.contains(&order.token) {
            self.outbox.push(ToFleet::Performed(order.token));
        } else if self.orders.iter().all(|known| known.token != order.token) && self.orders.len() < MEMORY {
            self.orders.push_back(order);
        }
    }

    /// Forgets a question or step; returns whether it was being worked on.
    fn withdraw(&mut self, token: StepToken) -> bool {
        let current = self.orders.front().is_some_and(|order| order.token == token);
        self.answers.retain(|&(_, asked, _)| asked != token);
        self.orders.retain(|order| order.token != token);
        if current {
            self.worked = Micros::ZERO;
        }
        current
    }

    /// Works on the first order for a tick if it is to be done here; returns where to go otherwise.
    fn work(&mut self, place: WaypointId, tick: Micros) -> Option<WaypointId> {
        let order = *self.orders.front()?;
        if order.place != place {
            return Some(order.place);
        }
        self.worked = self.worked.saturating_add(tick);
        if order.duration <= self.worked {
            self.orders.pop_front();
            self.worked = Micros::ZERO;
            self.finished.push_back(order.token);
            if MEMORY < self.finished.len() {
                self.finished.pop_front();
            }
            self.outbox.push(ToFleet::Performed(order.token));
        }
        None
    }

    fn speak(&mut self, now: FleetTime, place: WaypointId) -> Vec<ToFleet> {
        let mut said = std::mem::take(&mut self.outbox);
        // Answers share one delay, so they fall due in the order of the questions.
        while let Some(&(due, token, accepted)) = self.answers.front()
            && due <= now
        {
            self.answers.pop_front();
            said.push(ToFleet::Answer { token, accepted });
        }
        let known = self.reported.is_some_and(|(reported, at)| {
            reported == place && now.since(at).is_some_and(|age| age < POSITION_PERIOD)
        });
        if !known {
            self.reported = Some((place, now));
            said.push(ToFleet::Position(place));
        }
        said
    }
}
