//! A whole robot on a small site with a lift and a door: a kinematic base, walls as beams meet them, and a fleet that
//! says exactly what each test wants it to.
#![expect(clippy::unwrap_used, clippy::panic, reason = "fixtures of tests")]

use std::{
    cell::RefCell,
    collections::VecDeque,
    f64::consts::{FRAC_PI_2, PI, TAU},
    rc::Rc,
    sync::Arc,
};

use nalgebra::{Point2, Vector2};
use sheepdog_core::{
    ActorId, AgentId, Confidence, Epoch, LaneId, LevelId, Micros, Mm, MmPerS, MmPerS2, MradPerS, Ppm,
    RobotTime, StopGeneration, TaskId,
    wire::{
        Action, Beat, Motion, Passage, Perform, Release, Report, ResetOrder, ResetStep, StepToken, StopOrder,
        StopScope, ToAgent, ToFleet,
    },
};
use sheepdog_driver::{
    Base, Beam, Bounded, Direction, Fate, Link, Lossy, Observation, Onboard, OnboardConfig, StopCategory,
};
use sheepdog_interlock::{
    Braking, CONFIDENCE_STOP_MIN, Config, Restart, State,
    packs::{self, PACKS, map::MapSettings},
    rules,
};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, NominalWaits, Site, TravelProfile,
    model::{Door, DoorKind, Lane, Level, Lift, Room, Waypoint, Zone, ZoneKind},
    shortest_path,
};

const RADIUS_M: f64 = 0.25;
const RANGE_M: f64 = 8.0;
const ME: AgentId = AgentId(3);
const TICK: Micros = Micros::from_millis(50);
const BOOT: u32 = 1;

fn site() -> Arc<CompiledSite> {
    let mut site = Site::new("ward");
    site.levels = vec![Level::new("L1", 0.0), Level::new("L2", 4.0)];
    site.rooms = vec![
        Room::rectangle("corridor", "L1", 0.0, 0.0, 12.0, 2.0).walled(),
        Room::rectangle("store", "L1", 8.0, 2.0, 11.0, 6.0).walled(),
        Room::rectangle("passage", "L1", 3.0, 2.0, 4.0, 6.0).walled(),
        Room::rectangle("landing", "L2", 6.0, 0.0, 12.0, 2.0).walled(),
    ];
    site.doors = vec![
        Door::new("store door", "L1", [9.05, 2.0], [9.95, 2.0]),
        Door { kind: DoorKind::Opening, ..Door::new("passage mouth", "L1", [3.0, 2.0], [4.0, 2.0]) },
    ];
    site.lifts =
        vec![Lift::new("lift", [12.85, 1.0], 1.5, 1.5).with_door("L1", [12.0, 0.5], [12.0, 1.5]).with_door(
            "L2",
            [12.0, 0.5],
            [12.0, 1.5],
        )];
    site.waypoints = vec![
        Waypoint::new("west", "L1", 1.0, 1.0),
        Waypoint::new("dock", "L1", 0.4, 1.0),
        Waypoint::new("east", "L1", 9.5, 1.0),
        Waypoint::new("store", "L1", 9.5, 4.5),
        Waypoint::new("behind the door", "L1", 9.5, 2.4),
        Waypoint::new("lobby", "L1", 10.8, 1.0),
        Waypoint::new("mouth", "L1", 3.5, 1.0),
        Waypoint::new("passage", "L1", 3.5, 5.4),
        Waypoint::new("cabin 1", "L1", 12.85, 1.0).in_lift("lift"),
        Waypoint::new("cabin 2", "L2", 12.85, 1.0).in_lift("lift"),
        Waypoint::new("up", "L2", 8.0, 1.0),
    ];
    let quiet = Zone::rectangle("quiet", "L1", ZoneKind::SpeedLimit, [8.0, 3.5], [11.0, 6.0]);
    site.zones = vec![Zone { speed_limit_mps: Some(0.3), ..quiet }];
    site.lanes = vec![
        Lane::two_way("west", "east"),
        Lane::two_way("west", "dock"),
        Lane::two_way("west", "mouth"),
        Lane::two_way("mouth", "passage"),
        Lane::two_way("east", "store"),
        Lane::two_way("store", "behind the door").with_speed_limit(0.2),
        Lane::two_way("east", "lobby"),
        Lane::two_way("lobby", "cabin 1"),
        Lane::two_way("cabin 2", "up"),
    ];
    let class = FootprintClass::round("cart", Mm(250), Mm(100));
    Arc::new(site.compile(&CompileOptions::new(vec![class])).unwrap())
}

fn interlock() -> Config {
    Config {
        dwell_up: Micros::from_millis(500),
        yaw_rate_max: MradPerS(1_500),
        clearance_creep: Mm(100),
        ..Config::SIMULATED
    }
}

fn settings(site: &Arc<CompiledSite>) -> OnboardConfig {
    OnboardConfig {
        agent: ME,
        site: Arc::clone(site),
        class: 0,
        interlock: interlock().validate().unwrap(),
        approved: interlock().validate().unwrap().digest(),
        speed: MmPerS(1_000),
        acceleration: MmPerS2(500),
        yaw_rate: MradPerS(1_000),
        turning_radius: Mm(0),
        report_every: Micros::from_secs(1),
        passage_fresh: Micros::from_secs(2),
        fleet_beat_timeout: None,
        map: MapSettings { error_max: Mm(100), ..MapSettings::SIMULATED },
        wall_margin: Mm(50),
        beam_gap_rad: 0.5,
    }
}

/// What the motors have been told.
#[derive(Debug, Default)]
struct Wire {
    linear: i32,
    angular: i32,
    until: RobotTime,
    halts: Vec<StopCategory>,
}

struct Motors(Rc<RefCell<Wire>>);

impl Base for Motors {
    fn drive(&mut self, command: Bounded<'_>) {
        let mut wire = self.0.borrow_mut();
        (wire.linear, wire.angular, wire.until) = (command.linear(), command.angular(), command.until());
    }

    fn halt(&mut self, category: StopCategory) {
        let mut wire = self.0.borrow_mut();
        (wire.linear, wire.angular) = (0, 0);
        wire.halts.push(category);
    }
}

/// The radio: what the test sends, and what the robot has sent.
#[derive(Clone, Debug, Default)]
struct Radio {
    down: Rc<RefCell<VecDeque<ToAgent>>>,
    up: Rc<RefCell<Vec<ToFleet>>>,
}

impl Link for Radio {
    fn send(&mut self, message: ToFleet) {
        self.up.borrow_mut().push(message);
    }

    fn receive(&mut self) -> Option<ToAgent> {
        self.down.borrow_mut().pop_front()
    }
}

struct Robot {
    site: Arc<CompiledSite>,
    onboard: Onboard<Motors>,
    wire: Rc<RefCell<Wire>>,
    radio: Radio,
    link: Box<dyn Link>,
    now: RobotTime,
    level: LevelId,
    at: Point2<f64>,
    yaw: f64,
    speed: f64,
    rate: f64,
    travelled: f64,
    turned: f64,
    /// People in the way.
    people: Vec<Point2<f64>>,
    /// The store's door, when it is shut.
    door_shut: bool,
    confidence: Confidence,
    button: bool,
    reset_button: bool,
    residual_m: Option<f64>,
    /// How far along x it believes to be from where it is, metres.
    astray_m: f64,
    braking: Option<Braking>,
    beats: Option<Beat>,
    /// Top speed and largest distance from the route's lines since the last look.
    top_mps: f64,
}

impl Robot {
    fn new(start: &str) -> Self {
        Self::with(start, |_| {}, |radio| Box::new(radio))
    }

    fn with(
        start: &str,
        change: impl FnOnce(&mut OnboardConfig),
        link: impl FnOnce(Radio) -> Box<dyn Link>,
    ) -> Self {
        let site = site();
        let mut config = settings(&site);
        change(&mut config);
        let wire = Rc::new(RefCell::new(Wire::default()));
        let radio = Radio::default();
        let at = site.waypoint(site.waypoint_named(start).unwrap()).unwrap();
        Self {
            onboard: Onboard::new(config, Motors(Rc::clone(&wire)), BOOT, Restart::First).unwrap(),
            wire,
            link: link(radio.clone()),
            radio,
            now: RobotTime::from_micros(5_000_000),
            level: at.level,
            at: at.at,
            yaw: 0.0,
            speed: 0.0,
            rate: 0.0,
            travelled: 0.0,
            turned: 0.0,
            people: Vec::new(),
            door_shut: false,
            confidence: Confidence::from_ppm(990_000).unwrap(),
            button: false,
            reset_button: false,
            residual_m: None,
            astray_m: 0.0,
            braking: None,
            beats: Some(Beat {
                boot: 0,
                seq: 0,
                open: Vec::new(),
                shut: Vec::new(),
                stop: None,
                reset: None,
            }),
            top_mps: 0.0,
            site,
        }
    }

    fn route(&self, from: &str, to: &str) -> Vec<LaneId> {
        let named = |name: &str| self.site.waypoint_named(name).unwrap();
        let profile = TravelProfile { speed: MmPerS(1_000), class: Some(0) };
        shortest_path(&self.site, profile, &NominalWaits(&self.site), named(from), named(to)).unwrap()
    }

    fn release(&self, epoch: u32, from: &str, first: u32, lanes: &[LaneId]) -> ToAgent {
        ToAgent::Release(Release {
            boot: BOOT,
            epoch: Epoch(epoch),
            origin: self.site.waypoint_named(from).unwrap(),
            first,
            lanes: lanes.to_vec(),
            site: self.site.version(),
        })
    }

    fn tell(&self, message: ToAgent) {
        self.radio.down.borrow_mut().push_back(message);
    }

    fn send_to(&self, epoch: u32, from: &str, to: &str) -> usize {
        let lanes = self.route(from, to);
        self.tell(self.release(epoch, from, 0, &lanes));
        lanes.len()
    }

    fn beams(&self) -> Vec<Beam> {
        let geometry = &self.site.level(self.level).unwrap().geometry;
        let door = [Point2::new(9.05, 2.0), Point2::new(9.95, 2.0)];
        let fixed = (0..72).map(|index| f64::from(index) * TAU / 72.0);
        let bodies = self.people.iter().map(|p| libm::atan2(p.y - self.at.y, p.x - self.at.x) - self.yaw);
        fixed
            .chain(bodies)
            .map(|angle| {
                let direction = Vector2::new(libm::cos(angle + self.yaw), libm::sin(angle + self.yaw));
                let mut range = geometry.ray(self.at, direction, RANGE_M + 0.05) - 0.05;
                for person in &self.people {
                    let to = person - self.at;
                    let (along, beside) = (to.dot(&direction), direction.perp(&to).abs());
                    if 0.0 < along && beside < 0.2 {
                        range = range.min(along - (0.04 - beside * beside).sqrt());
                    }
                }
                if self.door_shut && direction.y.abs() > 1e-9 {
                    let along = (door[0].y - self.at.y) / direction.y;
                    let x = self.at.x + along * direction.x;
                    if 0.0 < along && door[0].x <= x && x <= door[1].x {
                        range = range.min(along);
                    }
                }
                // No two scans are the same; to the rear it does no harm.
                let is_odd = self.now.as_micros() / 50_000 % 2 == 1;
                let noise = if is_odd && (PI - angle).abs() < 0.01 { 1e-3 } else { 0.0 };
                Beam { angle_rad: angle, range_m: (range - noise).max(0.0), confidence: self.confidence }
            })
            .collect()
    }

    fn observation(&self) -> Observation {
        Observation {
            now: self.now,
            taken: self.now,
            level: self.level,
            x_m: self.at.x + self.astray_m,
            y_m: self.at.y,
            yaw_rad: self.yaw,
            pose_error_m: 0.01,
            speed_mps: self.speed,
            yaw_rate_rps: self.rate,
            travelled_m: self.travelled,
            turned_rad: self.turned,
            frame: self.now.as_micros(),
            beams: self.beams(),
            beam_range_max_m: RANGE_M,
            residual_m: self.residual_m,
            braking: self.braking,
            reset_button: self.reset_button,
            battery: Ppm::ONE,
            emergency_button: self.button,
            bumper: false,
            packs: [None; PACKS],
            failed: false,
        }
    }

    fn tick(&mut self) {
        if let Some(beat) = &mut self.beats
            && self.now.as_micros().is_multiple_of(250_000)
        {
            beat.seq += 1;
            self.radio.down.borrow_mut().push_back(ToAgent::Beat(beat.clone()));
        }
        let observation = self.observation();
        self.onboard.step(&observation, self.link.as_mut());
        let dt = TICK.as_secs_f64();
        let wire = self.wire.borrow();
        let live = self.now < wire.until;
        let goal = |value: i32| if live { f64::from(value) / 1e3 } else { 0.0 };
        let towards = |value: f64, goal: f64, up: f64, down: f64| {
            let rate = if value.abs() < goal.abs() { up } else { down };
            value + (goal - value).clamp(-rate * dt, rate * dt)
        };
        self.speed = towards(self.speed, goal(wire.linear), 0.6, 0.9);
        self.rate = towards(self.rate, goal(wire.angular), 3.0, 3.0);
        self.yaw += self.rate * dt;
        self.at += Vector2::new(libm::cos(self.yaw), libm::sin(self.yaw)) * self.speed * dt;
        self.travelled += self.speed.abs() * dt;
        self.turned += self.rate.abs() * dt;
        self.top_mps = self.top_mps.max(self.speed);
        self.now = self.now + TICK;
        drop(wire);
        let inside = self.site.level(self.level).unwrap().geometry.disc_free(self.at, RADIUS_M - 0.1);
        assert!(inside, "left the mapped area at {} on {}", self.at, self.level);
    }

    fn run(&mut self, secs: f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some seconds")]
        let end = self.now + Micros::new((secs * 1e6) as u64);
        while self.now < end {
            self.tick();
        }
    }

    /// Runs until a report says so many lanes of the epoch are done; fails after a minute.
    fn run_until_done(&mut self, epoch: u32, done: usize) {
        for _ in 0..1_200 {
            self.tick();
            let report = self.report();
            if report.epoch == Epoch(epoch) && report.done as usize == done && self.speed == 0.0 {
                return;
            }
        }
        panic!("not done in a minute: at {}, {:?}, {:?}", self.at, self.onboard.decision(), self.report());
    }

    fn report(&self) -> Report {
        let sent = self.radio.up.borrow();
        let last = sent.iter().rev().find_map(|message| match message {
            ToFleet::Report(report) => Some(report.clone()),
            ToFleet::StoppableAt { .. }
            | ToFleet::Answer { .. }
            | ToFleet::Performed(_)
            | ToFleet::Position(_)
            | ToFleet::Lamp(_)
            | ToFleet::Anchor(_) => None,
        });
        last.unwrap()
    }

    /// Its answer to the first hold.
    fn stoppable_at(&self) -> Option<u32> {
        self.radio.up.borrow().iter().find_map(|message| match message {
            ToFleet::StoppableAt { lanes, .. } => Some(*lanes),
            ToFleet::Report(_)
            | ToFleet::Answer { .. }
            | ToFleet::Performed(_)
            | ToFleet::Position(_)
            | ToFleet::Lamp(_)
            | ToFleet::Anchor(_) => None,
        })
    }

    fn distance_to(&self, name: &str) -> f64 {
        let waypoint = self.site.waypoint(self.site.waypoint_named(name).unwrap()).unwrap();
        if waypoint.level == self.level { nalgebra::distance(&waypoint.at, &self.at) } else { f64::INFINITY }
    }

    fn open(&mut self, open: Vec<Passage>) {
        self.beats.as_mut().unwrap().open = open;
    }

    /// What the next beats say is shut.
    fn shut(&mut self, shut: Vec<Passage>) {
        self.beats.as_mut().unwrap().shut = shut;
    }

    fn door(&self, name: &str) -> Passage {
        Passage::Door(self.site.door_named(name).unwrap())
    }

    fn lift(&self, level: &str) -> Passage {
        Passage::Lift(self.site.lift_named("lift").unwrap(), self.site.level_named(level).unwrap())
    }
}

#[test]
fn without_a_release_it_does_not_move() {
    let mut robot = Robot::new("west");
    robot.run(5.0);
    assert!(robot.distance_to("west") < 1e-9);
    assert_eq!(
        (robot.report().motion, robot.report().epoch, robot.report().known),
        (Motion::Waiting, Epoch(0), 0)
    );
    assert!(robot.report().stops.is_empty(), "waiting is not a stop");
}

#[test]
fn it_drives_to_the_end_of_its_release_and_does_not_stop_on_the_way() {
    let mut robot = Robot::new("west");
    let lanes = robot.send_to(1, "west", "east");
    assert!(lanes > 3, "the lane was split, or the test shows nothing");
    robot.run(4.0);
    let mut slowest: f64 = 9.0;
    while robot.distance_to("east") > 2.0 {
        robot.tick();
        slowest = slowest.min(robot.speed);
        assert!((robot.at.y - 1.0).abs() < 0.02);
    }
    assert!(slowest > 0.8, "it slowed down to {slowest} m/s at a waypoint it should pass");
    robot.run_until_done(1, lanes);
    assert!(robot.distance_to("east") < 0.03);
    assert!(robot.top_mps <= 1.0 + 1e-9);
    assert!(robot.report().stops.is_empty(), "{:?}", robot.report().stops);
}

#[test]
fn it_stops_at_the_end_of_a_partial_release_and_goes_on_when_it_grows() {
    let mut robot = Robot::new("west");
    let lanes = robot.route("west", "east");
    robot.tell(robot.release(1, "west", 0, &lanes[..2]));
    robot.run_until_done(1, 2);
    let stood = robot.at;
    robot.run(2.0);
    assert!((robot.at - stood).norm() < 1e-6);
    // Lanes after a gap are ignored, and the report says how far the list reaches.
    robot.tell(robot.release(1, "west", 3, &lanes[3..]));
    robot.run(1.0);
    assert_eq!(robot.report().known, 2);
    robot.tell(robot.release(1, "west", 2, &lanes[2..]));
    robot.tell(robot.release(1, "west", 0, &lanes[..1]));
    robot.run_until_done(1, lanes.len());
    assert!(robot.distance_to("east") < 0.03);
}

#[test]
fn a_release_that_makes_no_sense_is_ignored() {
    let mut robot = Robot::new("west");
    let lanes = robot.route("west", "east");
    let ToAgent::Release(mut other) = robot.release(1, "west", 0, &lanes) else { unreachable!() };
    let before_it_booted = Release { boot: BOOT - 1, ..other.clone() };
    other.site.0[0] ^= 1;
    robot.tell(ToAgent::Release(other));
    robot.tell(ToAgent::Release(before_it_booted));
    robot.tell(robot.release(1, "west", 0, &[lanes[1]]));
    robot.tell(robot.release(1, "west", 0, &[LaneId(99_999)]));
    robot.tell(robot.release(1, "up", 0, &robot.route("up", "cabin 2")));
    robot.run(3.0);
    assert_eq!((robot.report().epoch, robot.report().known), (Epoch(0), 0));
    assert!(robot.distance_to("west") < 1e-9);
}

#[test]
fn a_shut_door_is_waited_for_and_passed_when_a_fresh_beat_says_it_is_open() {
    let mut robot = Robot::new("east");
    robot.door_shut = true;
    let lanes = robot.send_to(1, "east", "store");
    robot.run(6.0);
    assert_eq!(robot.report().motion, Motion::Waiting);
    assert!(robot.at.y < 1.75 - RADIUS_M, "it waits before the door, at {}", robot.at);
    robot.door_shut = false;
    robot.run(2.0);
    assert!(robot.at.y < 1.75, "only the door's own sensor counts");
    let door = robot.door("store door");
    robot.open(vec![door]);
    robot.run_until_done(1, lanes);
    assert!(robot.distance_to("store") < 0.03);
}

#[test]
fn a_person_in_an_open_doorway_is_no_wall() {
    let mut robot = Robot::new("east");
    let door = robot.door("store door");
    // Nearest where the leaf would be if the door were shut.
    robot.people = vec![Point2::new(9.5, 2.2)];
    robot.open(vec![door]);
    robot.send_to(1, "east", "store");
    let gap_m = |robot: &Robot| 2.0 - RADIUS_M - robot.at.y;
    for _ in 0..200 {
        robot.tick();
        assert!(f64::from(interlock().stop_margin.0) / 1e3 < gap_m(&robot), "at {}", robot.at);
    }
    assert!(gap_m(&robot) < 0.5 && robot.speed == 0.0, "it came as near as it may, to {}", robot.at);
    robot.people.clear();
    robot.run(20.0);
    assert!(robot.distance_to("store") < 0.03);
}

#[test]
fn a_door_that_is_known_to_be_shut_is_a_wall_while_the_news_is_fresh() {
    let nearest_m = |news: bool, silent: bool| {
        let mut robot = Robot::new("store");
        robot.door_shut = true;
        let door = robot.door("store door");
        if news {
            robot.shut(vec![door]);
        }
        // Its release ends short of the door, nearer than the stop margin lets it come to a person.
        robot.send_to(1, "store", "behind the door");
        robot.run(0.5);
        if silent {
            robot.beats = None;
        }
        robot.run(20.0);
        robot.distance_to("behind the door")
    };
    assert!(nearest_m(true, false) < 0.03);
    assert!(0.05 < nearest_m(false, false), "nobody has said that it is shut");
    assert!(0.05 < nearest_m(true, true), "it may have opened since");
}

#[test]
fn a_lift_is_entered_ridden_and_left() {
    let mut robot = Robot::new("east");
    let lanes = robot.send_to(1, "east", "up");
    robot.run(10.0);
    assert!(robot.at.x < 12.0 - RADIUS_M, "the lift is not there yet");
    let (down, up) = (robot.lift("L1"), robot.lift("L2"));
    robot.open(vec![down]);
    robot.run(12.0);
    assert!(robot.distance_to("cabin 1") < 0.03, "at {}", robot.at);
    // The ride: the cabin carries the robot; nothing is asked of the base.
    robot.open(Vec::new());
    let done = robot.report().done;
    robot.run(2.0);
    assert_eq!((robot.report().done, robot.report().motion), (done, Motion::Waiting));
    robot.level = robot.site.level_named("L2").unwrap();
    robot.run(2.0);
    assert_eq!(robot.report().done, done + 1, "the level is witnessed, so the ride is done");
    assert!(robot.distance_to("cabin 2") < 0.03, "the door is still shut");
    robot.open(vec![up]);
    robot.run_until_done(1, lanes);
    assert!(robot.distance_to("up") < 0.03);
    assert!(robot.report().stops.is_empty(), "{:?}", robot.report().stops);
}

#[test]
fn a_corridor_of_one_metre_is_driven_to_its_end_and_back() {
    let mut robot = Robot::new("west");
    let mouth = robot.door("passage mouth");
    robot.open(vec![mouth]);
    let lanes = robot.send_to(1, "west", "passage");
    robot.run_until_done(1, lanes);
    assert!(robot.distance_to("passage") < 0.03, "at {}", robot.at);
    let lanes = robot.send_to(2, "passage", "west");
    robot.run_until_done(2, lanes);
    assert!(robot.distance_to("west") < 0.03, "at {}", robot.at);
    assert!(robot.report().stops.is_empty(), "{:?}", robot.report().stops);
}

#[test]
fn silence_denies_entry_to_a_lift_but_never_the_way_out() {
    let mut robot = Robot::new("lobby");
    robot.beats = None;
    robot.send_to(1, "lobby", "cabin 1");
    robot.run(8.0);
    assert!(robot.at.x < 12.0 - RADIUS_M, "at {}", robot.at);

    let mut robot = Robot::new("cabin 2");
    robot.yaw = PI;
    robot.open(Vec::new());
    let lanes = robot.send_to(1, "cabin 2", "up");
    robot.run(5.0);
    assert!(robot.distance_to("cabin 2") < 0.03, "beats are fresh and do not say that the door is open");
    robot.beats = None;
    robot.run_until_done(1, lanes);
}

#[test]
fn a_person_ahead_stops_it_and_it_resumes_by_itself() {
    let mut robot = Robot::new("west");
    let lanes = robot.send_to(1, "west", "east");
    robot.run(4.0);
    robot.people = vec![Point2::new(robot.at.x + 2.5, 1.0)];
    robot.run(5.0);
    let gap = robot.people[0].x - 0.2 - RADIUS_M - robot.at.x;
    assert!((0.1..0.35).contains(&gap), "it stands {gap} m before the person");
    assert_eq!(robot.report().motion, Motion::Stopped(rules::SSM_002));
    let stops = robot.report().stops;
    assert_eq!(stops.len(), 1);
    assert!(stops[0].stopped && stops[0].evidence.holds());
    robot.people.clear();
    robot.run_until_done(1, lanes);
    let stops = robot.report().stops;
    assert_eq!(
        stops.iter().map(|stop| (stop.seq, stop.stopped)).collect::<Vec<_>>(),
        [(1, true), (2, false)]
    );
}

#[test]
fn a_dock_before_a_wall_is_reached_and_left_but_not_past_a_person() {
    // 0.1 m between footprint and wall: half the stop margin.
    let mut robot = Robot::new("west");
    let lanes = robot.send_to(1, "west", "dock");
    robot.run_until_done(1, lanes);
    assert!(robot.distance_to("dock") < 0.03);
    assert!(robot.report().stops.is_empty(), "{:?}", robot.report().stops);
    let lanes = robot.send_to(2, "dock", "west");
    robot.run_until_done(2, lanes);

    let mut robot = Robot::with("west", |config| config.wall_margin = Mm(200), |radio| Box::new(radio));
    robot.send_to(1, "west", "dock");
    robot.run(20.0);
    assert!(robot.distance_to("dock") > 0.05, "without the allowance the wall is an obstacle like any other");

    let mut robot = Robot::new("west");
    robot.people = vec![Point2::new(0.3, 1.0)];
    robot.send_to(1, "west", "dock");
    robot.run(20.0);
    assert_eq!(robot.report().motion, Motion::Stopped(rules::SSM_002));
    assert!(robot.at.x - RADIUS_M > 0.3 + 0.2 + 0.1);
}

#[test]
fn low_confidence_stops_it_within_a_step() {
    let mut robot = Robot::new("west");
    robot.send_to(1, "west", "east");
    robot.run(4.0);
    assert!(robot.speed > 0.5);
    robot.confidence = Confidence::from_ppm(924_999).unwrap();
    robot.tick();
    assert_eq!(robot.wire.borrow().halts.last(), Some(&StopCategory::One));
    robot.run(1.5);
    assert!(robot.speed == 0.0);
    assert_eq!(robot.report().motion, Motion::Stopped(rules::OBS_001));
    robot.confidence = CONFIDENCE_STOP_MIN;
    robot.run(3.0);
    assert_eq!(
        robot.report().motion,
        Motion::Stopped(rules::ARM_003),
        "at the threshold it may go on, not start"
    );
    robot.confidence = Confidence::FULL;
    robot.run(1.0);
    assert_eq!(robot.report().motion, Motion::Moving);
}

#[test]
fn a_stop_order_latches_until_both_steps_of_its_reset() {
    let mut robot = Robot::new("west");
    let lanes = robot.send_to(1, "west", "east");
    robot.run(3.0);
    let stop =
        StopOrder { scope: StopScope::Site, category: StopCategory::One, generation: StopGeneration(4) };
    let reset = |generation, step| {
        ToAgent::Reset(ResetOrder { generation: StopGeneration(generation), actor: ActorId(1), step })
    };
    robot.tell(ToAgent::Stop(stop));
    robot.run(2.0);
    assert_eq!(robot.report().motion, Motion::Latched(rules::EST_001));
    assert_eq!(robot.report().stop_ack, StopGeneration(4));
    robot.tell(reset(3, ResetStep::Acknowledge));
    robot.tell(reset(3, ResetStep::Start));
    robot.run(2.0);
    assert_eq!(robot.report().motion, Motion::Latched(rules::EST_001), "an older reset releases nothing");
    robot.tell(reset(4, ResetStep::Acknowledge));
    robot.run(3.0);
    let stood = robot.at;
    assert!(matches!(robot.onboard.state(), State::Acknowledged { .. }));
    assert_eq!(robot.report().reset_ack.map(|order| order.step), Some(ResetStep::Acknowledge));
    // The stop is repeated by a late message; it is over.
    robot.tell(ToAgent::Stop(stop));
    robot.tell(reset(4, ResetStep::Acknowledge));
    robot.run(1.0);
    assert!((robot.at - stood).norm() < 1e-9);
    robot.tell(reset(4, ResetStep::Start));
    robot.run_until_done(1, lanes);
    robot.tell(ToAgent::Stop(stop));
    robot.run(1.0);
    assert_eq!(robot.report().motion, Motion::Waiting);
}

#[test]
fn a_start_order_alone_is_enough_when_the_acknowledgement_was_lost_on_the_way() {
    let mut robot = Robot::new("west");
    robot.send_to(1, "west", "east");
    robot.run(2.0);
    let stop = StopOrder {
        scope: StopScope::Agent(ME),
        category: StopCategory::Zero,
        generation: StopGeneration(1),
    };
    let beat = robot.beats.as_mut().unwrap();
    beat.stop = Some(stop);
    beat.reset =
        Some(ResetOrder { generation: StopGeneration(1), actor: ActorId(1), step: ResetStep::Start });
    robot.run(4.0);
    assert!(!robot.onboard.state().needs_person());
    assert_eq!(robot.report().reset_ack.map(|order| order.step), Some(ResetStep::Start));
}

#[test]
fn the_button_latches_and_only_a_newer_reset_releases_it() {
    let mut robot = Robot::new("west");
    robot.send_to(1, "west", "east");
    robot.run(2.0);
    robot.button = true;
    robot.run(2.0);
    assert_eq!(robot.report().motion, Motion::Latched(rules::EST_003));
    let start = |generation| {
        let step = ResetStep::Start;
        ToAgent::Reset(ResetOrder { generation: StopGeneration(generation), actor: ActorId(1), step })
    };
    robot.tell(start(1));
    robot.run(1.0);
    assert_eq!(robot.report().motion, Motion::Latched(rules::EST_003), "the cause is still there");
    robot.button = false;
    robot.run(1.0);
    assert!(robot.onboard.state().needs_person(), "letting go of the button starts nothing");
    // The order was given while the button was pressed, so it is void, and so is every copy of it.
    robot.tell(start(1));
    robot.run(1.0);
    assert_eq!(robot.report().motion, Motion::Latched(rules::EST_003));
    robot.tell(start(2));
    robot.run(1.0);
    assert!(!robot.onboard.state().needs_person());
}

#[test]
fn the_lowest_limit_of_zones_and_lane_holds_while_the_footprint_may_be_there() {
    // Whether the map's pack has set the lowest limit.
    let is_limited = |robot: &Robot| robot.onboard.decision().unwrap().evidence.rule == packs::rules::SPD_003;
    let mut robot = Robot::new("east");
    let door = robot.door("store door");
    robot.open(vec![door]);
    robot.send_to(1, "east", "store");
    // Its edge, with what it does not know of its place, reaches the zone.
    let inside = |robot: &Robot| 3.5 - RADIUS_M - 0.01 < robot.at.y;
    let (mut slowest_in_time, mut seen, mut limited) = (f64::INFINITY, false, false);
    for _ in 0..400 {
        let (was_inside, speed) = (inside(&robot), robot.speed);
        robot.tick();
        assert!(was_inside || !is_limited(&robot), "at {}", robot.at);
        limited |= is_limited(&robot);
        let limit = robot.onboard.decision().unwrap().speed_limit;
        assert!(!was_inside || limit <= MmPerS(300), "at {}: {limit:?}", robot.at);
        seen |= !was_inside && 0.6 < speed;
        if was_inside {
            slowest_in_time = robot.speed;
        }
    }
    assert!(seen && limited && slowest_in_time <= 0.3);
    assert!(robot.distance_to("store") < 0.03);
    // The lane on which it goes back is slower still, in the zone and out of it.
    let lanes = robot.send_to(2, "store", "behind the door");
    robot.run(4.0);
    assert!(inside(&robot) && robot.speed > 0.0);
    assert_eq!(robot.onboard.decision().unwrap().speed_limit, MmPerS(200));
    robot.run_until_done(2, lanes);
}

#[test]
fn weak_brakes_make_it_slower() {
    let top_mps = |braking| {
        let mut robot = Robot::new("west");
        robot.braking = braking;
        let lanes = robot.send_to(1, "west", "east");
        robot.run_until_done(1, lanes);
        robot.top_mps
    };
    let worn = Braking { deceleration: MmPerS2(20), delay: Micros::from_millis(500) };
    assert!(top_mps(Some(worn)) < 0.8 * top_mps(None));
    let better = Braking { deceleration: MmPerS2(9_000), delay: Micros::ZERO };
    assert!(top_mps(Some(better)).to_bits() == top_mps(None).to_bits(), "it can only make it slower");
}

#[test]
fn a_scanner_that_misses_its_contour_makes_it_slow_and_then_stops_it() {
    for residual_m in [0.051, -0.051, f64::NAN, f64::INFINITY] {
        let mut robot = Robot::new("west");
        robot.send_to(1, "west", "east");
        robot.residual_m = Some(0.05);
        robot.run(4.0);
        assert!(0.5 < robot.speed, "that much is allowed");
        robot.residual_m = Some(residual_m);
        robot.tick();
        assert_eq!(robot.onboard.state(), State::Slow, "{residual_m}");
        robot.run(2.0);
        assert!(robot.speed == 0.0 && !robot.onboard.state().needs_person(), "{residual_m}");
    }
}

#[test]
fn a_press_of_the_reset_button_takes_one_step_and_ends_no_stop_from_elsewhere() {
    let press = |robot: &mut Robot, secs: f64| {
        robot.reset_button = true;
        robot.run(secs);
        robot.reset_button = false;
        robot.run(1.0);
    };
    let mut robot = Robot::new("west");
    let lanes = robot.send_to(1, "west", "east");
    robot.run(2.0);
    robot.button = true;
    robot.run(2.0);
    robot.button = false;
    robot.run(1.0);
    press(&mut robot, 0.05);
    press(&mut robot, 5.0);
    assert!(
        matches!(robot.onboard.state(), State::Latched { .. }),
        "a knock and a stuck button are no press"
    );
    press(&mut robot, 0.5);
    assert!(matches!(robot.onboard.state(), State::Acknowledged { .. }));
    press(&mut robot, 0.5);
    robot.run_until_done(1, lanes);
    let stop =
        StopOrder { scope: StopScope::Site, category: StopCategory::One, generation: StopGeneration(1) };
    robot.tell(ToAgent::Stop(stop));
    robot.run(1.0);
    press(&mut robot, 0.5);
    assert!(matches!(robot.onboard.state(), State::Latched { .. }), "whoever ordered it resets it");
}

#[test]
fn a_hold_is_answered_with_a_waypoint_where_it_then_stands() {
    let mut robot = Robot::new("west");
    let lanes = robot.route("west", "east");
    robot.send_to(1, "west", "east");
    robot.run(4.0);
    let (done, at) = (robot.report().done, robot.at);
    robot.tell(ToAgent::Hold(Epoch(1)));
    robot.tick();
    let answer = robot.stoppable_at().unwrap();
    assert!(done < answer && (answer as usize) < lanes.len(), "{done} < {answer} < {}", lanes.len());
    // A release that was under way does not grow the route over what has been given back.
    robot.tell(robot.release(1, "west", 0, &lanes));
    robot.run_until_done(1, answer as usize);
    let end = robot.site.waypoint(robot.site.lane(lanes[answer as usize - 1]).unwrap().to).unwrap();
    assert!(nalgebra::distance(&end.at, &robot.at) < 0.03 && at.x < robot.at.x);
    assert_eq!(robot.report().known, answer);
    // A new epoch begins there.
    let rest = &lanes[answer as usize..];
    let origin = robot.site.lane(lanes[answer as usize]).unwrap().from;
    let release = Release {
        boot: BOOT,
        epoch: Epoch(2),
        origin,
        first: 0,
        lanes: rest.to_vec(),
        site: robot.site.version(),
    };
    robot.tell(ToAgent::Release(release));
    robot.run_until_done(2, rest.len());
    assert!(robot.distance_to("east") < 0.03);
}

#[test]
fn a_pose_that_cannot_be_true_drives_no_lane_and_gives_none_back() {
    let mut robot = Robot::new("west");
    robot.send_to(1, "west", "east");
    robot.run(4.0);
    let Report { done, known, .. } = robot.report();
    robot.astray_m = 1e4;
    robot.run(2.0);
    assert_eq!((robot.report().done, robot.speed), (done, 0.0));
    robot.tell(ToAgent::Hold(Epoch(1)));
    robot.tick();
    assert_eq!(robot.stoppable_at(), Some(known), "who does not know where it stands keeps what it has");
}

/// A robot that was stopped rolls over the end of a lane while it does not know where it is.
#[test]
fn a_hold_keeps_the_lane_onto_which_a_robot_has_rolled() {
    let mut robot = Robot::new("west");
    let lanes = robot.route("west", "east");
    robot.send_to(1, "west", "east");
    let end = robot.site.waypoint(robot.site.lane(lanes[1]).unwrap().to).unwrap().at;
    while 0.2 < end.x - robot.at.x {
        robot.tick();
    }
    robot.astray_m = 1e4;
    robot.run(2.0);
    assert!(end.x + 0.05 < robot.at.x && robot.speed == 0.0);
    robot.astray_m = 0.0;
    robot.run(1.0);
    robot.tell(ToAgent::Hold(Epoch(1)));
    robot.tick();
    assert!(Some(2) < robot.stoppable_at(), "it stands on the third lane");
}

#[test]
fn a_hold_before_a_shut_lift_keeps_only_what_is_done() {
    let mut robot = Robot::new("lobby");
    let lanes = robot.send_to(1, "lobby", "cabin 1");
    robot.run(6.0);
    let done = robot.report().done;
    assert!((done as usize) < lanes && robot.report().known as usize == lanes);
    robot.tell(ToAgent::Hold(Epoch(7)));
    robot.tell(ToAgent::Hold(Epoch(1)));
    robot.tell(ToAgent::Hold(Epoch(1)));
    robot.run(1.0);
    let sent = robot.radio.up.borrow().clone();
    let answers: Vec<_> =
        sent.iter().filter(|message| matches!(message, ToFleet::StoppableAt { .. })).collect();
    let answer = ToFleet::StoppableAt { epoch: Epoch(1), lanes: done };
    assert_eq!(answers, [&answer, &answer], "another epoch is not answered, a repeated hold is");
    let lift = robot.lift("L1");
    robot.open(vec![lift]);
    robot.run(4.0);
    assert!(robot.at.x < 12.0 - RADIUS_M, "what was given back is not driven on");
}

#[test]
fn a_lost_fleet_lets_it_finish_unless_the_site_wants_it_to_stop() {
    let mut robot = Robot::new("west");
    let lanes = robot.send_to(1, "west", "east");
    robot.run(3.0);
    robot.beats = None;
    robot.run_until_done(1, lanes);
    assert!(robot.distance_to("east") < 0.03);

    let stop_after =
        |config: &mut OnboardConfig| config.fleet_beat_timeout = Some(Micros::from_millis(1_000));
    let mut robot = Robot::with("west", stop_after, |radio| Box::new(radio));
    robot.send_to(1, "west", "east");
    robot.run(3.0);
    robot.beats = None;
    robot.run(3.0);
    let stood = robot.at;
    robot.run(3.0);
    assert!((robot.at - stood).norm() < 1e-9 && robot.distance_to("east") > 1.0);
    assert_eq!(robot.report().motion, Motion::Stopped(rules::REL_001));
    robot.beats =
        Some(Beat { boot: 0, seq: 99, open: Vec::new(), shut: Vec::new(), stop: None, reset: None });
    robot.run_until_done(1, lanes);
}

#[test]
fn a_step_is_performed_at_its_place_and_reported_once() {
    let mut robot = Robot::new("west");
    let lanes = robot.send_to(1, "west", "east");
    let token = StepToken { task: TaskId(9), award: 1, step: 0 };
    let place = robot.site.waypoint_named("east").unwrap();
    let order = Perform { token, action: Action::Load, place, duration: Micros::from_secs(3) };
    robot.tell(ToAgent::Perform(order));
    robot.run(5.0);
    assert_eq!((robot.report().motion, robot.report().performed), (Motion::Moving, None));
    robot.run_until_done(1, lanes);
    robot.run(1.0);
    assert_eq!(robot.report().motion, Motion::Performing);
    robot.tell(ToAgent::Perform(order));
    robot.run(2.5);
    assert_eq!((robot.report().motion, robot.report().performed), (Motion::Waiting, Some(token)));
    robot.tell(ToAgent::Perform(order));
    robot.run(1.0);
    assert_eq!(robot.report().motion, Motion::Waiting, "what is done is not done again");
}

#[test]
fn it_turns_towards_each_lane_and_follows_the_corner() {
    let mut robot = Robot::new("west");
    robot.yaw = FRAC_PI_2;
    let door = robot.door("store door");
    robot.open(vec![door]);
    let lanes = robot.send_to(1, "west", "store");
    robot.run_until_done(1, lanes);
    assert!(robot.distance_to("store") < 0.03);
    assert!(robot.report().stops.is_empty(), "{:?}", robot.report().stops);
}

#[test]
fn pushed_off_its_lane_it_finds_back_by_itself() {
    let mut robot = Robot::new("west");
    let lanes = robot.send_to(1, "west", "east");
    robot.run(4.0);
    robot.at.y += 0.3;
    robot.yaw += 0.4;
    robot.run_until_done(1, lanes);
    assert!(robot.distance_to("east") < 0.03);
}

#[test]
fn a_new_route_begins_where_it_stands_and_otherwise_is_driven_to() {
    let mut robot = Robot::new("west");
    robot.at.x += 0.8;
    let lanes = robot.send_to(1, "west", "east");
    robot.run_until_done(1, lanes);
    // A route that begins on another level is not begun.
    robot.send_to(2, "up", "cabin 2");
    robot.run(2.0);
    assert_eq!(robot.report().epoch, Epoch(1));
}

#[test]
fn loss_duplication_and_reordering_change_nothing_in_the_end() {
    let faulty = |radio| -> Box<dyn Link> {
        Box::new(Lossy::new(radio, |direction, number| match (direction, number % 5) {
            (Direction::Down, 0) => Fate::Drop,
            (Direction::Down, 1) => Fate::Duplicate,
            (Direction::Down, 2) => Fate::Overtaken(3),
            (Direction::Down | Direction::Up, _) => Fate::Deliver,
        }))
    };
    let mut robot = Robot::with("west", |_| {}, faulty);
    let lanes = robot.route("west", "east");
    // The fleet sends what the last report lacks, as often as it takes.
    for _ in 0..1_200 {
        if robot.now.as_micros().is_multiple_of(500_000) {
            let known = if robot.radio.up.borrow().is_empty() { 0 } else { robot.report().known };
            let to = (known as usize + 2).min(lanes.len());
            robot.tell(robot.release(1, "west", known, &lanes[known as usize..to]));
        }
        robot.tick();
    }
    assert_eq!(robot.report().done as usize, lanes.len());
    assert!(robot.distance_to("east") < 0.03);
}

#[test]
fn two_runs_are_the_same_to_the_last_bit() {
    let trace = || {
        let mut robot = Robot::new("west");
        robot.send_to(1, "west", "lobby");
        let step = |robot: &mut Robot| {
            robot.tick();
            (robot.at.x.to_bits(), robot.at.y.to_bits(), robot.yaw.to_bits())
        };
        (0..300).map(|_| step(&mut robot)).collect::<Vec<_>>()
    };
    assert_eq!(trace(), trace());
}

#[test]
fn what_is_no_number_stops_it() {
    for spoil in [
        (|o: &mut Observation| o.x_m = f64::NAN) as fn(&mut Observation),
        |o| o.yaw_rad = f64::INFINITY,
        |o| o.pose_error_m = f64::NAN,
        |o| o.beams.iter_mut().for_each(|beam| beam.range_m = f64::NAN),
        |o| o.beams.clear(),
        |o| o.failed = true,
        |o| o.taken = RobotTime::ZERO,
        |o| o.pose_error_m = 0.2,
    ] {
        let mut robot = Robot::new("west");
        robot.send_to(1, "west", "east");
        robot.run(3.0);
        assert!(robot.wire.borrow().linear > 0);
        let mut observation = robot.observation();
        spoil(&mut observation);
        robot.onboard.step(&observation, &mut robot.radio.clone());
        assert_eq!(robot.wire.borrow().linear, 0);
    }
}

#[test]
fn the_black_box_tells_why() {
    let mut robot = Robot::new("west");
    robot.send_to(1, "west", "east");
    robot.run(40.0);
    let records: Vec<_> = robot.onboard.black_box().map(|step| step.record).collect();
    assert_eq!(records.len(), 601, "half a minute at 20 Hz, both ends included");
    assert!(records.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
    assert!(records.iter().all(|record| record.decision.evidence.holds()));
}

#[test]
fn a_stop_freezes_the_half_minute_before_it_and_replays() {
    let mut robot = Robot::new("west");
    robot.send_to(1, "west", "east");
    robot.run(4.0);
    robot.confidence = Confidence::from_ppm(924_999).unwrap();
    robot.run(40.0);
    let [stop]: [_; 1] = robot.onboard.incidents().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(stop.stop().unwrap().decision.primary, rules::OBS_001);
    assert_eq!(stop.steps().count(), 81);
    assert_eq!(stop.replay(), Ok(81), "from the first step on");
    let last = stop.steps().last().unwrap().input().unwrap();
    assert_eq!(last.sensors[0].unwrap().sectors[0].unwrap().confidence.ppm(), 924_999);
}
