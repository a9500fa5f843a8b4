//! Every interleaving of a lift, its reports, the fleet's beats and a robot that drives towards its sill, up to ten
//! events deep: the robot gets onto the sill only on recent evidence that the cabin stands there with its door open.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use sheepdog_core::{LiftId, Micros, Mm, RobotTime, wire::Beat};
use sheepdog_map::{
    CompileOptions, FootprintClass, Site,
    model::{Lane, Level, Lift, Waypoint},
};

use super::*;
use crate::orders::Orders;

const DEPTH: usize = 10;
const TICK_MS: u64 = 500;
const STEP_MS: u64 = 50;
/// How old a report may be for the fleet, a beat for the robot, and a message when it arrives.
const FRESH_MS: u64 = 500;
/// From 0.5 m/s the robot stands after 0.15 s of reaction and 0.72 s of braking.
const BRAKING_MS: u64 = 870;
const HERE: Passage = Passage::Lift(LiftId(0), LevelId(0));
/// The claim of the robot touches the sill from here on, metres: the door less radius and margin.
const EDGE_M: f64 = 3.0 - 0.4;

fn site() -> Arc<CompiledSite> {
    let mut site = Site::new("lift");
    let mut lift = Lift::new("lift", [4.0, 0.0], 2.0, 2.0);
    for level in ["0", "1"] {
        site.levels.push(Level::new(level, 0.0));
        lift = lift.with_door(level, [3.0, -0.6], [3.0, 0.6]);
        site.waypoints.push(Waypoint::new(format!("lobby {level}"), level, 1.8, 0.0));
        site.waypoints.push(Waypoint::new(format!("cabin {level}"), level, 4.0, 0.0).in_lift("lift"));
        site.lanes.push(Lane::two_way(format!("lobby {level}"), format!("cabin {level}")));
    }
    site.lifts.push(lift);
    let class = FootprintClass::round("r", Mm(300), Mm(100));
    let options = CompileOptions { spacing: Mm(100_000), ..CompileOptions::new(vec![class]) };
    Arc::new(site.compile(&options).unwrap())
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Tick,
    /// The door opens, or shuts if nobody is on the sill.
    Door,
    /// The cabin leaves, or comes back, with its door shut.
    Cabin,
    /// The lift reports to the fleet.
    Report,
    /// The fleet sends a beat.
    Beat,
    Deliver,
    Overtake,
    Repeat,
    Lose,
}

const EVENTS: [Event; 9] = [
    Event::Tick,
    Event::Door,
    Event::Cabin,
    Event::Report,
    Event::Beat,
    Event::Deliver,
    Event::Overtake,
    Event::Repeat,
    Event::Lose,
];

#[derive(Clone, Debug)]
struct World {
    now_ms: u64,
    here: bool,
    open: bool,
    /// What the fleet heard last of the lift, and when.
    known: Option<(bool, u64)>,
    seq: u32,
    air: Vec<(u64, Beat)>,
    orders: Orders,
    tracker: Tracker,
    x_m: f64,
    speed_mps: f64,
    /// When the cabin was last truly here and open.
    last_open: Option<u64>,
}

impl World {
    fn new() -> Self {
        let site = site();
        let limits = Limits {
            speed_mps: 0.5,
            acceleration_mps2: 1.0,
            deceleration_mps2: 0.7,
            yaw_rate_rps: 1.0,
            reaction_s: 0.15,
            curvature_max: f64::INFINITY,
        };
        let origin = site.waypoint_named("lobby 0").unwrap();
        let lanes = site.lanes_from(origin).to_vec();
        let release = Release { boot: 0, epoch: Epoch(1), origin, first: 0, lanes, site: site.version() };
        let mut tracker = Tracker::new(site, 0, limits);
        tracker.accept(&release);
        tracker.adopt(pose(1.8), true);
        Self {
            now_ms: 10_000,
            here: true,
            open: false,
            known: None,
            seq: 0,
            air: Vec::new(),
            orders: Orders::default(),
            tracker,
            x_m: 1.8,
            speed_mps: 0.0,
            last_open: None,
        }
    }

    fn on_sill(&self) -> bool {
        EDGE_M < self.x_m && self.x_m < 3.4
    }

    fn next(&self, event: Event) -> Option<Self> {
        let mut world = self.clone();
        match event {
            Event::Tick => world.tick(),
            Event::Door if !world.here || (world.open && world.on_sill()) => return None,
            Event::Door => world.open = !world.open,
            Event::Cabin if world.open => return None,
            Event::Cabin => world.here = !world.here,
            Event::Report => world.known = Some((world.here && world.open, world.now_ms)),
            Event::Beat => world.send_beat()?,
            Event::Deliver => {
                let (_, beat) = (!world.air.is_empty()).then(|| world.air.remove(0))?;
                world.hear(beat);
            }
            Event::Overtake => {
                let (_, beat) = (1 < world.air.len()).then(|| world.air.pop())??;
                world.hear(beat);
            }
            Event::Repeat => {
                let (_, beat) = world.air.first()?.clone();
                world.hear(beat);
            }
            Event::Lose => drop((!world.air.is_empty()).then(|| world.air.remove(0))?),
        }
        if world.here && world.open {
            world.last_open = Some(world.now_ms);
        }
        Some(world)
    }

    /// The fleet says that the lift is open only by a fresh report.
    fn send_beat(&mut self) -> Option<()> {
        let fresh = self.known.filter(|(_, at)| self.now_ms - at <= FRESH_MS);
        let open = fresh.filter(|(open, _)| *open).map(|_| HERE).into_iter().collect();
        self.seq += 1;
        self.air.push((
            self.now_ms,
            Beat { boot: 0, seq: self.seq, open, shut: Vec::new(), stop: None, reset: None },
        ));
        (self.air.len() <= 2).then_some(())
    }

    fn hear(&mut self, beat: Beat) {
        self.orders.beat(beat, self.robot_now());
    }

    fn robot_now(&self) -> RobotTime {
        RobotTime::from_micros(self.now_ms * 1_000)
    }

    fn tick(&mut self) {
        for _ in 0..TICK_MS / STEP_MS {
            self.step();
        }
        let now_ms = self.now_ms;
        self.air.retain(|(sent, _)| now_ms - sent <= FRESH_MS);
    }

    fn step(&mut self) {
        let fresh = self.orders.hears_fleet(self.robot_now(), Micros::from_millis(FRESH_MS));
        let open = self.orders.open().to_vec();
        let passages = Passages { open: &open, fresh };
        let motion = self.tracker.motion(pose(self.x_m), passages, self.speed_mps, 0.05);
        let before_m = self.x_m;
        self.speed_mps = motion.linear_mps;
        self.x_m += motion.linear_mps * 0.05;
        self.now_ms += STEP_MS;
        self.tracker.advance(pose(self.x_m));
        if self.here && self.open {
            self.last_open = Some(self.now_ms);
        }
        if before_m <= EDGE_M && EDGE_M < self.x_m {
            let limit_ms = 3 * FRESH_MS + BRAKING_MS;
            let age_ms = self.last_open.map(|at| self.now_ms - at);
            assert!(
                age_ms.is_some_and(|age_ms| age_ms <= limit_ms),
                "on the sill without evidence: {self:?}"
            );
        }
        // What it could stop short of it does not pass without news.
        let stands = before_m <= EDGE_M - SHORT_OF_SILL_M && self.speed_mps == 0.0;
        assert!(!stands || self.x_m <= EDGE_M - SHORT_OF_SILL_M + 0.01);
    }

    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.now_ms, self.here, self.open, self.known, self.seq, self.last_open).hash(&mut hasher);
        (self.x_m.to_bits(), self.speed_mps.to_bits()).hash(&mut hasher);
        (self.tracker.route.done, self.tracker.entered, self.tracker.turning).hash(&mut hasher);
        format!("{:?}{:?}", self.orders, self.air).hash(&mut hasher);
        hasher.finish()
    }
}

fn pose(x_m: f64) -> Pose {
    Pose { level: LevelId(0), at: Point2::new(x_m, 0.0), yaw_rad: 0.0 }
}

#[test]
#[expect(clippy::print_stdout, reason = "the size of the search is what a reader wants to know")]
fn nobody_gets_onto_the_sill_of_a_lift_without_evidence() {
    // From afar, with news that the lift is open, and on the way with it.
    let news =
        [Event::Door, Event::Report, Event::Beat, Event::Deliver, Event::Tick, Event::Beat, Event::Deliver];
    let starts = [0, 4, 7].map(|events| {
        news.iter().take(events).fold(World::new(), |world, event| world.next(*event).unwrap())
    });
    let mut seen: BTreeSet<u64> = starts.iter().map(World::digest).collect();
    let mut edge = starts.to_vec();
    let mut inside = 0_usize;
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for world in edge {
            for after in EVENTS.iter().filter_map(|event| world.next(*event)) {
                if seen.insert(after.digest()) {
                    inside += usize::from(EDGE_M < after.x_m);
                    next.push(after);
                }
            }
        }
        edge = next;
    }
    println!("lift sill: {} states within {DEPTH} events, the robot past the edge in {inside}", seen.len());
    assert!(0 < inside);
}

/// The lift shuts after the robot has begun its lane, well before the sill: it stops short of it, and goes on later.
#[test]
fn a_lift_that_shuts_while_the_robot_comes_is_waited_for_at_its_sill() {
    let mut world = World::new();
    let news = [Event::Report, Event::Beat, Event::Deliver];
    let mut play = |events: &[Event]| {
        for event in events {
            world = world.next(*event).unwrap();
        }
        world.x_m
    };
    play(&[Event::Door]);
    play(&news);
    assert!(1.8 < play(&[Event::Tick]), "it has begun its lane");
    play(&[Event::Door]);
    play(&news);
    for _ in 0..8 {
        let x_m = play(&[Event::Tick]);
        assert!(x_m <= EDGE_M, "{x_m}");
    }
    play(&[Event::Door]);
    for _ in 0..12 {
        play(&news);
        play(&[Event::Tick]);
    }
    assert!(3.9 < play(&[Event::Tick]), "it is in the cabin");
}
