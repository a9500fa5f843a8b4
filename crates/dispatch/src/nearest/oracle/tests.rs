//! Times against Bellman and Ford's algorithm on the site as somebody drew it.

use proptest::{prelude::*, sample::Index};
use sheepdog_core::{Mm, MmPerS};
use sheepdog_map::{
    CompileOptions, FootprintClass, Site,
    model::{self, Door, Level, Lift, Waypoint},
    travel::NominalWaits,
};

use super::*;

/// Two classes, the second of which fits through fewer doors; the third is none.
const DIAMETERS_MM: [u32; 2] = [200, 600];
/// How much wider a door must be.
const PLAY_MM: u32 = 100;

/// A slow robot, a quick and wide one, a robot of no class, a person, somebody who stands.
const PROFILES: [TravelProfile; 5] = [
    TravelProfile::robot(MmPerS(300), 0),
    TravelProfile::robot(MmPerS(1_700), 1),
    TravelProfile::robot(MmPerS(1_000), 2),
    TravelProfile::person(MmPerS(1_300)),
    TravelProfile::person(MmPerS(0)),
];

/// A site as drawn, and what has been said about it since.
#[derive(Clone, Debug)]
struct World {
    site: Site,
    edges: Vec<Edge>,
    /// By door.
    door_waits: Vec<Micros>,
    /// Down and up.
    lift_waits: [Micros; 2],
}

/// One direction of a lane that somebody drew, or a ride.
#[derive(Clone, Debug)]
struct Edge {
    from: usize,
    to: usize,
    /// What it is in the compiled site.
    lane: LaneId,
    /// Nothing for a ride, which leads up or down.
    drive: Option<Drive>,
    is_up: bool,
    congestion: u64,
    is_closed: bool,
}

#[derive(Clone, Debug)]
struct Drive {
    length_mm: u64,
    limit: Option<u64>,
    doors: Vec<usize>,
    narrowest_mm: u32,
    is_for_small: bool,
}

impl Waits for World {
    fn door(&self, door: DoorId) -> Micros {
        self.door_waits[door.index()]
    }

    fn lift(&self, _: LiftId, from: LevelId, to: LevelId) -> Micros {
        self.lift_waits[usize::from(from < to)]
    }
}

impl World {
    /// What an edge takes, by hand.
    fn time_ms(&self, edge: &Edge, profile: TravelProfile) -> Option<u64> {
        if edge.is_closed {
            return None;
        }
        let room = |width_mm: u32| match profile.class {
            None => true,
            Some(class) => DIAMETERS_MM.get(class).is_some_and(|diameter| diameter + PLAY_MM <= width_mm),
        };
        let micros: u128 = match &edge.drive {
            None => {
                // The lift's doors are 0.6 m wide.
                let wait = self.lift_waits[usize::from(edge.is_up)];
                room(600).then_some(wait.as_micros().into())?
            }
            Some(drive) => {
                let speed = drive.limit.unwrap_or(u64::MAX).min(profile.speed.0.into());
                let may = !drive.is_for_small || matches!(profile.class, None | Some(0));
                if speed == 0 || !may || !room(drive.narrowest_mm) {
                    return None;
                }
                let free = (drive.length_mm * 1_000_000).div_ceil(speed);
                let driving = (u128::from(free) * u128::from(edge.congestion)).div_ceil(1_000);
                driving
                    + drive
                        .doors
                        .iter()
                        .map(|door| u128::from(self.door_waits[*door].as_micros()))
                        .sum::<u128>()
            }
        };
        let millis = micros.max(1).div_ceil(1_000);
        u64::try_from(millis).ok().filter(|millis| *millis <= LANE_MS_MAX.into())
    }

    /// Times from all places to one: Bellman and Ford's algorithm.
    fn times_to(&self, target: usize, profile: TravelProfile) -> Vec<Option<u64>> {
        let mut times = vec![None; self.site.waypoints.len()];
        times[target] = Some(0);
        loop {
            let before = times.clone();
            for edge in &self.edges {
                if let (Some(takes), Some(rest)) = (self.time_ms(edge, profile), times[edge.to]) {
                    let time = takes + rest;
                    times[edge.from] = Some(times[edge.from].unwrap_or(u64::MAX).min(time));
                }
            }
            if times == before {
                // What does not fit is no way.
                return times.into_iter().map(|time| time.filter(|time| *time < u32::MAX.into())).collect();
            }
        }
    }

    /// Where somebody on an edge can be.
    fn on_edge(&self, number: usize, along: u64, profile: TravelProfile) -> Vec<(usize, u64)> {
        let edge = &self.edges[number];
        let part =
            |edge: &Edge, permille: u64| Some((self.time_ms(edge, profile)? * permille).div_ceil(1_000));
        match along {
            0 => vec![(edge.from, 0)],
            1_000 => vec![(edge.to, 0)],
            _ => {
                let mut both: Vec<_> =
                    part(edge, 1_000 - along).map(|rest| (edge.to, rest)).into_iter().collect();
                if edge.drive.is_some()
                    && let Some(back) =
                        self.edges.iter().find(|back| (back.from, back.to) == (edge.to, edge.from))
                {
                    both.extend(part(back, along).map(|rest| (edge.from, rest)));
                }
                both
            }
        }
    }
}

/// Two levels with a lift between them; on each a raster of places, 2 m apart, with doors between some of them.
fn worlds() -> impl Strategy<Value = (World, CompiledSite)> {
    let places = prop::collection::btree_set((0_usize..2, 0_u8..3, 0_u8..3), 3..9);
    let limit = prop_oneof![3 => Just(None), 1 => Just(Some(0.25)), 1 => Just(Some(1.5))];
    let kind = (prop::bool::weighted(0.5), limit, prop::bool::weighted(0.15));
    let lanes = prop::collection::vec((any::<Index>(), any::<Index>(), kind), 8..60);
    let doors = prop::collection::btree_map((0_usize..2, 0_u8..2, 0_u8..3), any::<bool>(), 1..7);
    let waits = (prop::collection::vec(waits(), 6), waits(), waits());
    (places, lanes, doors, waits).prop_map(|(places, lanes, doors, (door_waits, down, up))| {
        let mut site = skeleton();
        let level = |index: usize| ["L0", "L1"][index];
        for (number, (on, x, y)) in places.into_iter().enumerate() {
            let (x_m, y_m) = (f64::from(x) * 2.0, f64::from(y) * 2.0);
            site.waypoints.push(Waypoint::new(format!("w{number}"), level(on), x_m, y_m));
        }
        for (number, ((on, x, y), is_wide)) in doors.into_iter().enumerate() {
            let (x_m, y_m, half_m) =
                (f64::from(x) * 2.0 + 1.0, f64::from(y) * 2.0, if is_wide { 0.4 } else { 0.25 });
            let (from, to) = ([x_m, y_m - half_m], [x_m, y_m + half_m]);
            site.doors.push(Door::new(format!("d{number}"), level(on), from, to));
        }
        let mut drawn: Vec<(String, String)> = Vec::new();
        for (from, to, (is_two_way, speed_limit_mps, is_for_small)) in lanes {
            let [from, to] = [from, to].map(|end| end.get(&site.waypoints).clone());
            let is_near = (from.at[0] - to.at[0]).abs() <= 2.5 && (from.at[1] - to.at[1]).abs() <= 2.5;
            let is_clear = is_near || (from.at[0] < 5.0) != (to.at[0] < 5.0);
            if from.level != to.level
                || from.id == to.id
                || !is_clear
                || from.lift.is_some()
                || to.lift.is_some()
            {
                continue;
            }
            let there = (from.id.clone(), to.id.clone());
            let back = (to.id.clone(), from.id.clone());
            if drawn.contains(&there) || is_two_way && drawn.contains(&back) {
                continue;
            }
            let classes = if is_for_small { vec!["c0".to_owned()] } else { Vec::new() };
            let lane = model::Lane::two_way(from.id, to.id);
            site.lanes.push(model::Lane { bidirectional: is_two_way, speed_limit_mps, classes, ..lane });
            drawn.push(there);
            if is_two_way {
                drawn.push(back);
            }
        }
        let compiled = compile(&site);
        let edges = edges(&site, &compiled);
        let door_waits = door_waits.into_iter().take(site.doors.len()).collect();
        (World { site, edges, door_waits, lift_waits: [down, up] }, compiled)
    })
}

fn skeleton() -> Site {
    let mut site = Site::new("test");
    let mut lift = Lift::new("lift", [20.0, 3.0], 2.0, 2.0);
    for (level, elevation_m) in [("L0", 0.0), ("L1", 4.0)] {
        site.levels.push(Level::new(level, elevation_m));
        lift = lift.with_door(level, [19.0, 2.7], [19.0, 3.3]);
        let (hall, cabin) = (format!("hall-{level}"), format!("cabin-{level}"));
        site.waypoints.push(Waypoint::new(hall.clone(), level, 17.0, 3.0));
        site.waypoints.push(Waypoint::new(cabin.clone(), level, 20.0, 3.0).in_lift("lift"));
        site.lanes.push(model::Lane::two_way(hall, cabin));
    }
    site.lifts.push(lift);
    site
}

fn compile(site: &Site) -> CompiledSite {
    let class = |(number, diameter): (usize, &u32)| {
        FootprintClass::round(format!("c{number}"), Mm(diameter / 2), Mm(20))
    };
    let classes = DIAMETERS_MM.iter().enumerate().map(class).collect();
    // One lane is one lane: nothing is split.
    site.compile(&CompileOptions { spacing: Mm(1_000_000), ..CompileOptions::new(classes) }).unwrap()
}

/// Every direction of what is drawn, and its number.
fn edges(site: &Site, compiled: &CompiledSite) -> Vec<Edge> {
    let place = |name: &str| site.waypoints.iter().position(|waypoint| waypoint.id == name).unwrap();
    let numbered = |from: &str, to: &str| {
        let [from, to] = [from, to].map(|name| compiled.waypoint_named(name).unwrap());
        let is_it = |lane: &&LaneId| compiled.lane(**lane).unwrap().to == to;
        *compiled.lanes_from(from).iter().find(is_it).unwrap()
    };
    let edge = |from: &str, to: &str, drive, is_up| Edge {
        from: place(from),
        to: place(to),
        lane: numbered(from, to),
        drive,
        is_up,
        congestion: 1_000,
        is_closed: false,
    };
    let mut edges = Vec::new();
    for lane in &site.lanes {
        let drive = Some(drive(site, lane));
        edges.push(edge(&lane.from, &lane.to, drive.clone(), false));
        if lane.bidirectional {
            edges.push(edge(&lane.to, &lane.from, drive, false));
        }
    }
    edges.push(edge("cabin-L0", "cabin-L1", None, true));
    edges.push(edge("cabin-L1", "cabin-L0", None, false));
    edges
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lengths of a small site")]
fn drive(site: &Site, lane: &model::Lane) -> Drive {
    let end = |name: &str| site.waypoints.iter().find(|waypoint| waypoint.id == name).unwrap();
    let (a, b) = (end(&lane.from), end(&lane.to));
    let whole = |metres: f64| (metres * 1_000.0).round() as u64;
    let mut drive = Drive {
        length_mm: whole((a.at[0] - b.at[0]).hypot_of(a.at[1] - b.at[1])),
        limit: lane.speed_limit_mps.map(whole),
        doors: Vec::new(),
        narrowest_mm: u32::MAX,
        is_for_small: !lane.classes.is_empty(),
    };
    for (number, door) in site.doors.iter().enumerate().filter(|(_, door)| door.level == a.level) {
        // Doors stand across the raster's rows, halfway between two places.
        let x = door.from[0];
        if (a.at[0] < x) == (b.at[0] < x) {
            continue;
        }
        let y = a.at[1] + (b.at[1] - a.at[1]) * (x - a.at[0]) / (b.at[0] - a.at[0]);
        if door.from[1] <= y && y <= door.to[1] {
            drive.doors.push(number);
            drive.narrowest_mm =
                drive.narrowest_mm.min(u32::try_from(whole(door.to[1] - door.from[1])).unwrap());
        }
    }
    if a.lift.is_some() || b.lift.is_some() {
        drive.narrowest_mm = 600;
    }
    drive
}

/// The length of a way by its parts.
trait Hypot {
    fn hypot_of(self, other: Self) -> Self;
}

impl Hypot for f64 {
    fn hypot_of(self, other: Self) -> Self {
        (self * self + other * other).sqrt()
    }
}

fn waits() -> impl Strategy<Value = Micros> {
    let limit = u64::from(LANE_MS_MAX) * 1_000;
    prop_oneof![
        2 => (0..3_000_000_u64).prop_map(Micros::new),
        2 => (0..3_000_u64).prop_map(Micros::from_millis),
        1 => Just(Micros::ZERO),
        1 => Just(Micros::MAX),
        1 => (limit - 3_000_000..limit + 2_000).prop_map(Micros::new),
        1 => Just(Micros::new(u64::MAX - 1)),
    ]
}

#[derive(Clone, Debug)]
enum Event {
    Congestion(usize, u32),
    Close(usize),
    Open(usize),
    Door(usize, Micros),
    Lift(bool, Micros),
    CatchUp,
    Ask(Question),
}

#[derive(Clone, Debug)]
struct Question {
    /// Who is where: a profile, on which lane, how far along.
    agents: Vec<(usize, Index, u32)>,
    ends: Vec<(Index, Index)>,
    target: Index,
    most: usize,
}

/// Some lanes often, so that edits meet: the rides come first, then what was drawn last.
fn lane() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..5_usize, 1 => 0..200_usize]
}

fn events() -> impl Strategy<Value = Event> {
    let congestion = prop_oneof![
        2 => 1_000..4_000_u32, 1 => Just(1_000), 1 => Just(CONGESTION_MAX), 1 => Just(999), 1 => Just(CONGESTION_MAX + 1),
    ];
    let along = prop_oneof![4 => 0..=1_000_u32, 1 => Just(0), 1 => Just(1_000), 1 => Just(1)];
    let agents = prop::collection::vec((0..PROFILES.len(), any::<Index>(), along), 0..8);
    let ends = prop::collection::vec((any::<Index>(), any::<Index>()), 4);
    let question = (agents, ends, any::<Index>(), 0..4_usize)
        .prop_map(|(agents, ends, target, most)| Question { agents, ends, target, most });
    prop_oneof![
        3 => (lane(), congestion).prop_map(|(lane, permille)| Event::Congestion(lane, permille)),
        2 => lane().prop_map(Event::Close),
        2 => lane().prop_map(Event::Open),
        3 => (0..7_usize, waits()).prop_map(|(door, wait)| Event::Door(door, wait)),
        2 => (any::<bool>(), waits()).prop_map(|(is_up, wait)| Event::Lift(is_up, wait)),
        1 => Just(Event::CatchUp),
        5 => question.prop_map(Event::Ask),
    ]
}

/// Makes an edit in both; whether it was accepted and changed something.
fn edit(world: &mut World, oracle: &mut TravelOracle, event: &Event) -> Result<bool, TestCaseError> {
    let at = |world: &World, lane: &usize| world.edges.len() - 1 - lane % world.edges.len();
    let is_change = match event {
        Event::Congestion(lane, permille) => {
            let number = at(world, lane);
            let edge = &mut world.edges[number];
            let result = oracle.set_congestion(edge.lane, *permille);
            if edge.drive.is_none() {
                prop_assert_eq!(result, Err(TravelError::Ride { lane: edge.lane }));
                false
            } else if (1_000..=CONGESTION_MAX).contains(permille) {
                let before = std::mem::replace(&mut edge.congestion, (*permille).into());
                prop_assert_eq!(result, Ok(before != edge.congestion));
                before != edge.congestion
            } else {
                prop_assert_eq!(
                    result,
                    Err(TravelError::Congestion { lane: edge.lane, permille: *permille })
                );
                false
            }
        }
        Event::Close(lane) | Event::Open(lane) => {
            let number = at(world, lane);
            let edge = &mut world.edges[number];
            let is_closed = matches!(event, Event::Close(_));
            let result = if is_closed { oracle.close(edge.lane) } else { oracle.open(edge.lane) };
            let before = std::mem::replace(&mut edge.is_closed, is_closed);
            prop_assert_eq!(result, Ok(before != is_closed));
            before != is_closed
        }
        Event::Door(number, wait) => {
            let door = DoorId(u32::try_from(*number).unwrap());
            let result = oracle.set_door_wait(door, *wait);
            let Some(known) = world.door_waits.get_mut(*number) else {
                prop_assert_eq!(result, Err(TravelError::Door { door }));
                return Ok(false);
            };
            let before = std::mem::replace(known, *wait);
            prop_assert_eq!(result, Ok(before != *wait));
            before != *wait
        }
        Event::Lift(is_up, wait) => {
            let levels = if *is_up { (LevelId(0), LevelId(1)) } else { (LevelId(1), LevelId(0)) };
            let result = oracle.set_lift_wait(LiftId(0), levels.0, levels.1, *wait);
            let before = std::mem::replace(&mut world.lift_waits[usize::from(*is_up)], *wait);
            prop_assert_eq!(result, Ok(before != *wait));
            before != *wait
        }
        Event::CatchUp => {
            oracle.catch_up();
            false
        }
        Event::Ask(_) => false,
    };
    Ok(is_change)
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap()
}

/// What is asked is what is found by hand.
fn ask(world: &World, oracle: &mut TravelOracle, question: &Question) -> Result<(), TestCaseError> {
    let places = world.site.waypoints.len();
    let all: Vec<WaypointId> = (0..).map(WaypointId).take(places).collect();
    let mut standings = Standings::new(oracle.places());
    for (agent, (profile, lane, along)) in question.agents.iter().enumerate() {
        let lane = lane.index(world.edges.len());
        let at = oracle.on_lane(*profile, world.edges[lane].lane, *along).unwrap();
        let by_hand = world.on_edge(lane, (*along).into(), PROFILES[*profile]);
        let by_hand: Vec<_> =
            by_hand.into_iter().map(|(place, ms)| (number(place), u32::try_from(ms).unwrap())).collect();
        prop_assert_eq!(&at, &by_hand);
        standings.place(number(agent), &at);
    }
    let target = question.target.index(places);
    for (profile, who) in PROFILES.into_iter().enumerate() {
        let times: Vec<Vec<Option<u64>>> = (0..places).map(|target| world.times_to(target, who)).collect();
        for edge in &world.edges {
            prop_assert_eq!(oracle.time_ms(profile, edge.lane).map(u64::from), world.time_ms(edge, who));
        }
        let matrix = oracle.matrix(profile, &all, &all);
        for (from, row) in matrix.iter().enumerate() {
            for (to, time) in row.iter().enumerate() {
                prop_assert_eq!(time.map(u64::from), times[to][from], "from {} to {}", from, to);
            }
        }
        // Some of it, with repetitions and strangers.
        let stranger = WaypointId(number(places));
        let sources: Vec<WaypointId> =
            question.ends.iter().map(|(from, _)| all[from.index(places)]).collect();
        let targets: Vec<WaypointId> = question.ends.iter().map(|(_, to)| all[to.index(places)]).collect();
        let rows = oracle.matrix(
            profile,
            &[&sources[..], &[stranger]].concat(),
            &[&[stranger], &targets[..]].concat(),
        );
        for (row, from) in rows.iter().zip(&sources) {
            let expected: Vec<_> = targets.iter().map(|to| times[to.index()][from.index()]).collect();
            prop_assert!(row[0].is_none() && row[1..].iter().map(|time| time.map(u64::from)).eq(expected));
        }
        prop_assert!(rows.last().unwrap().iter().all(Option::is_none));
        for (from, to) in sources.iter().zip(&targets) {
            let expected = times[to.index()][from.index()];
            prop_assert_eq!(oracle.between(profile, *from, *to).map(u64::from), expected);
        }
        prop_assert_eq!(
            oracle.between(profile, stranger, all[0]).or(oracle.between(profile, all[0], stranger)),
            None
        );
        let set: AgentSet = (0..)
            .zip(&question.agents)
            .filter(|(_, agent)| agent.0 == profile)
            .map(|(agent, _)| agent)
            .collect();
        let mut expected: Vec<Found> = set
            .iter()
            .filter_map(|agent| {
                let (_, lane, along) = &question.agents[agent as usize];
                let at = world.on_edge(lane.index(world.edges.len()), (*along).into(), who);
                let time = at.into_iter().filter_map(|(place, ms)| Some(times[target][place]? + ms)).min()?;
                let time_ms = u32::try_from(time).ok().filter(|time| *time != u32::MAX)?;
                Some(Found { time_ms, agent })
            })
            .collect();
        expected.sort_unstable();
        expected.truncate(question.most);
        let found = oracle.nearest(profile, &standings, &set, all[target], question.most);
        prop_assert_eq!(found, &expected);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// However lanes get congested, close and open, and waits change: times of lanes, times between places and who is nearest
    /// are those of the site as it was drawn. The version tells every change, and nothing else.
    #[test]
    fn answers_are_those_of_the_site_as_it_was_drawn(
        (world, site) in worlds(),
        events in prop::collection::vec(events(), 1..30),
        anchors in 0..12_usize,
    ) {
        let mut world = world;
        let bytes = 2_000 + anchors * 100;
        let plain = TravelOracle::new(&site, &PROFILES, &world).unwrap();
        let mut oracles = [plain.clone(), plain.with_anchors(bytes)];
        for event in &events {
            let mut drawn = world.clone();
            for oracle in &mut oracles {
                drawn = world.clone();
                let version = oracle.version() + u64::from(edit(&mut drawn, oracle, event)?);
                prop_assert_eq!(oracle.version(), version);
                if let Event::Ask(question) = event {
                    ask(&drawn, oracle, question)?;
                }
            }
            world = drawn;
        }
        // An oracle that is told everything anew says the same.
        let anew = TravelOracle::new(&site, &PROFILES, &world).unwrap();
        for edge in world.edges.iter().filter(|edge| !edge.is_closed && edge.congestion == 1_000) {
            for (profile, who) in PROFILES.into_iter().enumerate() {
                let time = oracles[0].time_ms(profile, edge.lane);
                prop_assert_eq!(anew.time_ms(profile, edge.lane), time);
                let nominal = lane_time(&site, who, &world, edge.lane).map(|time| time.as_micros().div_ceil(1_000));
                prop_assert_eq!(time.map(u64::from), nominal.filter(|time| *time <= LANE_MS_MAX.into()));
            }
        }
    }
}

/// The property means something only if drawn sites have doors that some cannot pass, one-way lanes and ways through the lift.
#[test]
fn drawn_sites_have_something_of_everything() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let [mut doors, mut narrow, mut one_way, mut rides, mut people] = [0; 5];
    for _ in 0..200 {
        let (world, _) = worlds().new_tree(&mut runner).unwrap().current();
        let drives = || world.edges.iter().filter_map(|edge| edge.drive.as_ref());
        doors += u32::from(drives().any(|drive| !drive.doors.is_empty()));
        narrow += u32::from(drives().any(|drive| !drive.doors.is_empty() && drive.narrowest_mm < 700));
        one_way += u32::from(world.site.lanes.iter().any(|lane| !lane.bidirectional));
        let cross = |profile: usize| {
            let reached = |to| world.times_to(to, PROFILES[profile]);
            (0..world.site.waypoints.len()).map(|to| reached(to).into_iter().flatten().count()).sum::<usize>()
        };
        let lift = world.times_to(2, PROFILES[3])[0].is_some();
        rides += u32::from(lift);
        people += u32::from(cross(1) < cross(3));
    }
    for count in [doors, narrow, one_way, rides, people] {
        assert!(
            40 < count,
            "{doors} doors, {narrow} narrow, {one_way} one-way, {rides} rides, {people} for people"
        );
    }
}

#[test]
fn what_is_refused_is_named_and_changes_nothing() {
    let site = compile(&skeleton());
    let mut oracle = TravelOracle::new(&site, &PROFILES, &NominalWaits(&site)).unwrap();
    let lane = LaneId(number(site.lanes().len()));
    let refused = [
        (oracle.close(lane), format!("lane is {lane}, there is no such lane")),
        (oracle.open(lane), format!("lane is {lane}, there is no such lane")),
        (oracle.set_congestion(lane, 2_000), format!("lane is {lane}, there is no such lane")),
        (
            oracle.set_congestion(LaneId(0), 999),
            format!("congestion of {} is 999 permille, not between 1000 and 100000", LaneId(0)),
        ),
        (
            oracle.set_door_wait(DoorId(0), Micros::ZERO),
            format!("door is {}, there is no such door", DoorId(0)),
        ),
        (
            oracle.set_lift_wait(LiftId(0), LevelId(1), LevelId(1), Micros::ZERO),
            format!("lift is {}, it takes nobody from {} to {}", LiftId(0), LevelId(1), LevelId(1)),
        ),
        (oracle.on_lane(9, LaneId(0), 1).map(|_| true), "profile is 9, there are 5".into()),
        (oracle.bar(9, LaneId(0)), "profile is 9, there are 5".into()),
        (oracle.bar(0, lane), format!("lane is {lane}, there is no such lane")),
        (oracle.on_lane(0, lane, 1).map(|_| true), format!("lane is {lane}, there is no such lane")),
        (oracle.on_lane(0, LaneId(0), 1_001).map(|_| true), "along is 1001 permille, at most 1000".into()),
    ];
    for (result, text) in refused {
        assert_eq!(result.unwrap_err().to_string(), text);
    }
    assert_eq!(oracle.version(), 0);
    let (standings, nobody) = (Standings::new(oracle.places()), AgentSet::new());
    assert!(oracle.nearest(9, &standings, &nobody, WaypointId(0), 1).is_empty());
    assert_eq!(oracle.matrix(9, &[WaypointId(0)], &[WaypointId(0)]), [[None]]);
    assert_eq!((oracle.between(9, WaypointId(0), WaypointId(0)), oracle.profiles()), (None, 5));
}

#[test]
fn a_lane_that_is_barred_to_a_profile_stays_so_and_is_open_to_others() {
    let site = compile(&skeleton());
    let mut oracle = TravelOracle::new(&site, &PROFILES, &NominalWaits(&site)).unwrap();
    let (lane, known) = site.live_lanes().find(|(_, lane)| lane.ride.is_none()).unwrap();
    let (from, to) = (known.from, known.to);
    let before = oracle.between(3, from, to);
    assert_eq!((oracle.bar(0, lane), oracle.version()), (Ok(true), 1));
    assert_eq!((oracle.bar(0, lane), oracle.version()), (Ok(false), 1));
    assert_eq!(oracle.set_congestion(lane, 1_000), Ok(false));
    assert_eq!((oracle.close(lane), oracle.open(lane)), (Ok(true), Ok(true)));
    assert_eq!((oracle.time_ms(0, lane), oracle.between(0, from, to)), (None, None));
    assert!(before.is_some() && oracle.between(3, from, to) == before);
}

#[test]
fn what_is_retired_is_not_there() {
    let mut site = skeleton();
    site.waypoints.push(Waypoint::new("w", "L0", 15.0, 3.0));
    site.lanes.push(model::Lane::two_way("w", "hall-L0"));
    let before = compile(&site);
    let lane = *before.lanes_from(before.waypoint_named("w").unwrap()).first().unwrap();
    site.waypoints.pop();
    site.lanes.pop();
    let class = FootprintClass::round("c0", Mm(100), Mm(20));
    let options = CompileOptions { spacing: Mm(1_000_000), ..CompileOptions::new(vec![class]) };
    let after = site.compile_after(&before, &options).unwrap();
    let mut oracle = TravelOracle::new(&after, &PROFILES, &NominalWaits(&after)).unwrap();
    assert_eq!(oracle.time_ms(3, lane), None);
    assert_eq!((oracle.open(lane), oracle.version()), (Err(TravelError::Lane { lane }), 0));
}
