//! Sites, agents and tasks for tests: small, with ties, dead ends, narrow doors, lifts and impossible wishes.

use std::collections::BTreeSet;

use proptest::{prelude::*, sample::Index};
use sheepdog_core::{
    AgentId, DoorId, FleetTime, LevelId, LiftId, Micros, Mm, MmPerS, Ppm, RuleId, TaskId, WaypointId,
    wire::Action,
};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, Site,
    model::{Door, Lane, Level, Lift, Role, Station, StationKind, Waypoint},
    travel::Waits,
};

use crate::{Agent, AgentKind, Availability, Battery, Enforcement, Performers, Shift, Skill, Step, Task};

/// Waits from a table, so that tests do not depend on how a building computes them. Odd doors may be out of order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) door: Micros,
    pub(crate) odd_door: Micros,
    pub(crate) lift: Micros,
}

impl Waits for Table {
    fn door(&self, door: DoorId) -> Micros {
        if door.0.is_multiple_of(2) { self.door } else { self.odd_door }
    }

    fn lift(&self, _: LiftId, from: LevelId, to: LevelId) -> Micros {
        // Up is slower than down: a search in the wrong direction shows.
        if from < to { self.lift.saturating_add(self.lift) } else { self.lift }
    }
}

pub(crate) fn waits() -> impl Strategy<Value = Table> {
    let odd_door = prop_oneof![Just(Micros::ZERO), Just(Micros::from_secs(5)), Just(Micros::MAX)];
    (0_u64..3, odd_door, 0_u64..3).prop_map(|(door, odd_door, lift)| Table {
        door: Micros::from_secs(door),
        odd_door,
        lift: Micros::from_secs(4 * lift),
    })
}

fn classes() -> Vec<FootprintClass> {
    let class = |name: &str, radius| FootprintClass::round(name, Mm(radius), Mm(50));
    vec![class("small", 100), class("large", 300)]
}

pub(crate) fn compile(site: &Site) -> CompiledSite {
    // One lane is one lane: nothing is split.
    let options = CompileOptions { spacing: Mm(1_000_000), ..CompileOptions::new(classes()) };
    site.compile(&options).unwrap()
}

/// Two levels joined by a lift; everything else is drawn.
fn skeleton() -> Site {
    let mut site = Site::new("test");
    let opening = ([19.0, 2.4], [19.0, 3.6]);
    let mut lift = Lift::new("lift", [20.0, 3.0], 2.0, 2.0);
    for (level, elevation_m) in [("L0", 0.0), ("L1", 4.0)] {
        site.levels.push(Level::new(level, elevation_m));
        lift = lift.with_door(level, opening.0, opening.1);
        let (hall, cabin) = (format!("hall-{level}"), format!("cabin-{level}"));
        site.waypoints.push(Waypoint::new(hall.clone(), level, 17.0, 3.0));
        site.waypoints.push(Waypoint::new(cabin.clone(), level, 20.0, 3.0).in_lift("lift"));
        site.lanes.push(Lane::two_way(hall, cabin));
    }
    site.lifts.push(lift);
    site
}

/// Whether two points of the grid differ.
fn apart([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> bool {
    1.0 < (ax - bx).abs() + (ay - by).abs()
}

/// A random roadmap: one-way lanes, equal lengths, doors too narrow for the large class, places without a way.
fn sites() -> impl Strategy<Value = Site> {
    let role = prop_oneof![
        6 => Just(None),
        2 => Just(Some(Role::Charger)),
        1 => Just(Some(Role::Passthrough)),
    ];
    let places = prop::collection::vec((0_usize..2, 0_u8..3, 0_u8..3, role), 2..7);
    let limit = prop_oneof![3 => Just(None), 1 => Just(Some(0.25))];
    let lanes =
        prop::collection::vec((any::<Index>(), any::<Index>(), prop::bool::weighted(0.7), limit), 8..40);
    let doors = prop::collection::vec((0_usize..2, 0_u8..3, 0_u8..3, any::<bool>()), 0..4);
    (places, lanes, doors, any::<bool>()).prop_map(|(places, lanes, doors, charging)| {
        let mut site = skeleton();
        let level = |index: usize| ["L0", "L1"][index];
        for (number, (on, x, y, role)) in places.into_iter().enumerate() {
            let (x_m, y_m) = (f64::from(x) * 2.0, f64::from(y) * 2.0);
            let waypoint = Waypoint::new(format!("w{number}"), level(on), x_m, y_m);
            site.waypoints.push(Waypoint { roles: role.into_iter().collect(), ..waypoint });
        }
        for (from, to, both_ways, speed_limit_mps) in lanes {
            let (from, to) = (from.get(&site.waypoints), to.get(&site.waypoints));
            if from.level == to.level && apart(from.at, to.at) && from.lift.is_none() && to.lift.is_none() {
                let lane = Lane::two_way(from.id.clone(), to.id.clone());
                site.lanes.push(Lane { bidirectional: both_ways, speed_limit_mps, ..lane });
            }
        }
        for (number, (on, x, y, wide)) in doors.into_iter().enumerate() {
            let (x_m, y_m) = (f64::from(x) * 2.0 + 1.0, f64::from(y) * 2.0);
            let half_m = if wide { 0.5 } else { 0.25 };
            let (from, to) = ([x_m, y_m - half_m], [x_m, y_m + half_m]);
            site.doors.push(Door { opening_s: 2.0, ..Door::new(format!("d{number}"), level(on), from, to) });
        }
        if charging {
            let waypoint = site.waypoints.last().unwrap().id.clone();
            site.stations.push(Station { id: "dock".into(), waypoint, kind: StationKind::Charger });
        }
        site
    })
}

/// A waypoint of the site, now and then none.
fn place(known: Index, unknown: u8, site: &CompiledSite) -> WaypointId {
    let count = u32::try_from(site.waypoints().len()).unwrap();
    if unknown == 0 {
        WaypointId(count)
    } else {
        WaypointId(u32::try_from(known.index(count as usize)).unwrap())
    }
}

fn skills(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = BTreeSet<Skill>> {
    prop::sample::subsequence(vec!["carry", "uv"], count)
        .prop_map(|names| names.into_iter().map(|name| Skill(name.into())).collect())
}

fn kinds() -> impl Strategy<Value = AgentKind> {
    prop_oneof![3 => Just(AgentKind::Robot), 1 => Just(AgentKind::Technician), 1 => Just(AgentKind::Nurse)]
}

fn availability() -> impl Strategy<Value = Availability> {
    prop_oneof![
        24 => Just(Availability::Available),
        1 => Just(Availability::Busy { task: TaskId(9) }),
        1 => Just(Availability::Asked { task: TaskId(9) }),
        1 => Just(Availability::Stopped { rule: RuleId::new("OBS-001") }),
        1 => Just(Availability::Silent),
        1 => Just(Availability::Failed),
        1 => Just(Availability::Removed),
        3 => (9_u64..12).prop_map(|until| Availability::Declined { until: FleetTime::from_micros(until * 1_000_000) }),
    ]
}

/// The instant of every drawn question.
pub(crate) const NOW: FleetTime = FleetTime::from_micros(10_000_000);

fn shifts() -> impl Strategy<Value = Option<Shift>> {
    let seconds = |range: std::ops::Range<u64>| range.prop_map(|s| FleetTime::from_micros(s * 1_000_000));
    prop_oneof![
        4 => Just(None),
        1 => (seconds(8..13), seconds(8..40)).prop_map(|(from, to)| Some(Shift { from, to })),
    ]
}

fn batteries() -> impl Strategy<Value = Option<Battery>> {
    let ppm = |range: std::ops::Range<u32>| range.prop_map(|tenth| Ppm::new(tenth * 100_000).unwrap());
    let drain = prop_oneof![Just(0), Just(1), Just(20_000), Just(u32::MAX)];
    prop_oneof![
        3 => Just(None),
        2 => (ppm(1..11), ppm(0..4), drain)
            .prop_map(|(charge, reserve, drain_ppm_per_s)| Some(Battery { charge, reserve, drain_ppm_per_s })),
    ]
}

/// Agents with ids from zero, in order.
pub(crate) fn agents(site: &CompiledSite) -> impl Strategy<Value = Vec<Agent>> + use<> {
    let site = site.clone();
    let speed = prop_oneof![12 => Just(1_000), 4 => Just(500), 1 => Just(3), 1 => Just(0)].prop_map(MmPerS);
    let class = prop_oneof![
        10 => Just(None), 5 => Just(Some(0)), 4 => Just(Some(1)), 1 => Just(Some(2)),
    ];
    let body = (kinds(), skills(1..=2), prop_oneof![1 => Just(4_u32), 9 => Just(5)], speed, class);
    let state = (any::<Index>(), 0_u8..30, shifts(), batteries(), availability());
    // Agents stand at few places, so that many arrive at the same instant.
    let places = prop::collection::vec(any::<Index>(), 2);
    (places, prop::collection::vec((body, state), 0..12)).prop_map(move |(places, drawn)| {
        let agent = |(id, (body, state))| {
            let (kind, skills, payload_g, speed, class) = body;
            let (at, unknown, shift, battery, availability): (Index, u8, _, _, _) = state;
            Agent {
                id: AgentId(id),
                name: format!("agent-{id}"),
                kind,
                enforcement: Enforcement::Permit,
                skills,
                payload_g,
                shift,
                at: place(*at.get(&places), unknown, &site),
                speed,
                class,
                battery,
                availability,
            }
        };
        (0..).zip(drawn).map(agent).collect()
    })
}

pub(crate) fn tasks(site: &CompiledSite) -> impl Strategy<Value = Task> + use<> {
    let site = site.clone();
    let performers = prop_oneof![
        3 => Just(Performers::RobotsFirst),
        1 => Just(Performers::RobotsOnly),
        1 => Just(Performers::people()),
        1 => Just(Performers::PeopleOnly(BTreeSet::from([AgentKind::Nurse]))),
    ];
    let steps = prop::collection::vec((any::<Index>(), 0_u8..60, 0_u64..4), 0..4);
    let deadline = prop_oneof![Just(None), Just(Some(FleetTime::from_micros(12_000_000)))];
    (performers, skills(0..=1), 4_u32..6, steps, deadline).prop_map(
        move |(performers, skills, payload_g, steps, deadline)| Task {
            id: TaskId(1),
            name: "task".into(),
            requested: FleetTime::ZERO,
            deadline,
            priority: 0,
            skills,
            payload_g,
            performers,
            steps: steps
                .into_iter()
                .map(|(at, unknown, seconds)| Step {
                    place: place(at, unknown, &site),
                    action: Action::Attend,
                    duration: Micros::from_secs(seconds),
                    gates: Vec::new(),
                })
                .collect(),
        },
    )
}

/// A whole question.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) site: CompiledSite,
    pub(crate) task: Task,
    pub(crate) agents: Vec<Agent>,
    pub(crate) waits: Table,
}

pub(crate) fn questions() -> impl Strategy<Value = Question> {
    authored_questions().prop_map(|(_, question)| question)
}

/// A question and its site as authored.
pub(crate) fn authored_questions() -> impl Strategy<Value = (Site, Question)> {
    sites().prop_flat_map(|authored| {
        let site = compile(&authored);
        (tasks(&site), agents(&site), waits(), Just((authored, site))).prop_map(
            |(task, agents, waits, (authored, site))| (authored, Question { site, task, agents, waits }),
        )
    })
}

/// One corridor of three places, 4 m apart, a charger at its end: `a - b - c`.
pub(crate) fn corridor() -> CompiledSite {
    compile(&corridor_site())
}

/// The [`corridor`] as authored.
pub(crate) fn corridor_site() -> Site {
    let mut site = Site::new("corridor");
    site.levels.push(Level::new("L0", 0.0));
    for (name, x_m) in [("a", 0.0), ("b", 4.0), ("c", 8.0)] {
        site.waypoints.push(Waypoint::new(name, "L0", x_m, 0.0));
    }
    site.lanes.extend([Lane::two_way("a", "b"), Lane::two_way("b", "c")]);
    site.stations.push(Station { id: "dock".into(), waypoint: "c".into(), kind: StationKind::Charger });
    site.stations.push(Station { id: "pharmacy".into(), waypoint: "a".into(), kind: StationKind::Pickup });
    site
}

/// A robot at 1 m/s without limits.
pub(crate) fn robot(id: u32, at: u32) -> Agent {
    Agent {
        id: AgentId(id),
        name: format!("r{id}"),
        kind: AgentKind::Robot,
        enforcement: Enforcement::Permit,
        skills: BTreeSet::new(),
        payload_g: 10_000,
        shift: None,
        at: WaypointId(at),
        speed: MmPerS(1_000),
        class: Some(0),
        battery: None,
        availability: Availability::Available,
    }
}

/// A nurse at 1 m/s.
pub(crate) fn nurse(id: u32, at: u32) -> Agent {
    let enforcement = Enforcement::Advisory;
    Agent { name: format!("n{id}"), kind: AgentKind::Nurse, enforcement, class: None, ..robot(id, at) }
}

/// A task that attends for 10 s at the first place of the [`corridor`].
pub(crate) fn visit() -> Task {
    let step = Step {
        place: WaypointId(0),
        action: Action::Attend,
        duration: Micros::from_secs(10),
        gates: Vec::new(),
    };
    Task {
        id: TaskId(1),
        name: "visit".into(),
        requested: FleetTime::ZERO,
        deadline: None,
        priority: 0,
        skills: BTreeSet::new(),
        payload_g: 0,
        performers: Performers::RobotsFirst,
        steps: vec![step],
    }
}
