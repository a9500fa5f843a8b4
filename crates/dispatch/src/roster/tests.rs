//! Scouts and sets against `eligible`, one agent after the other.

use std::{collections::BTreeSet, sync::Arc};

use proptest::{prelude::*, sample::Index};
use sheepdog_core::{AgentId, FleetTime, LaneId, LevelId, Micros, MmPerS, Ppm, RuleId, TaskId, WaypointId};
use sheepdog_map::{
    CompiledSite,
    model::{Zone, ZoneKind},
    travel::{NominalWaits, TravelProfile},
};

use super::*;
use crate::{
    Bid, DSP_002, DSP_003, DSP_005, DSP_006, DSP_010, DSP_013, DSP_014, Performers, Refusal, Task, Trips,
    dispatcher::{Call, Scout, Seat},
    eligible,
    fixture::{self, NOW, Table, compile, corridor, corridor_site, robot, visit},
    policy::Arrival,
};

/// What may be known of somebody beside what `eligible` is told.
#[derive(Clone, Debug)]
struct Extra {
    credentials: Credentials,
    /// Where it will be when it is done, and when.
    foreseen: Option<(WaypointId, FleetTime)>,
    /// Where else it can be, and when it is at either.
    other: Option<(FleetTime, WaypointId, FleetTime)>,
}

#[derive(Clone, Debug)]
struct World {
    site: Arc<CompiledSite>,
    waits: Table,
    agents: Vec<(Agent, Extra)>,
    task: Task,
    step: usize,
    seats: Vec<Seat>,
    now: FleetTime,
}

fn place() -> impl Strategy<Value = Index> {
    any::<Index>()
}

fn some_place(index: Index, site: &CompiledSite) -> WaypointId {
    WaypointId(u32::try_from(index.index(site.waypoints().len())).unwrap())
}

/// About now, some of it before.
fn instants() -> impl Strategy<Value = FleetTime> {
    prop_oneof![
        3 => (7_u64..16).prop_map(|s| FleetTime::from_micros(s * 1_000_000)),
        1 => (9_998_000_u64..10_003_000).prop_map(FleetTime::from_micros),
    ]
}

fn barred() -> impl Strategy<Value = Barred> {
    let levels = prop_oneof![6 => Just(None), 1 => Just(Some(LevelId(0))), 2 => Just(Some(LevelId(1)))];
    levels.prop_map(|level| Barred { levels: level.into_iter().collect(), zones: BTreeSet::new() })
}

/// When somebody is at one place, and at which other one when.
type Other = (FleetTime, Index, FleetTime);

fn extras() -> impl Strategy<Value = (Credentials, Option<(Index, FleetTime)>, Option<Other>)> {
    let credentials =
        (0_u8..4, barred()).prop_map(|(certification, barred)| Credentials { certification, barred });
    let foreseen = prop::option::weighted(0.5, (place(), instants()));
    let other = prop::option::weighted(0.3, (instants(), place(), instants()));
    (credentials, foreseen, other)
}

fn seats() -> impl Strategy<Value = Vec<Seat>> {
    let performers = prop_oneof![
        4 => Just(Performers::RobotsFirst),
        1 => Just(Performers::RobotsOnly),
        1 => Just(Performers::people()),
        1 => Just(Performers::PeopleOnly(BTreeSet::from([AgentKind::Nurse]))),
    ];
    let skills = prop::sample::subsequence(vec!["carry", "uv", "sing"], 0..=2);
    let skills = prop_oneof![3 => Just(Vec::new()), 1 => skills];
    let seat = (performers, skills, prop_oneof![3 => Just(0_u8), 1 => 1_u8..4]).prop_map(
        |(performers, skills, certification)| Seat {
            performers,
            skills: skills.into_iter().map(|name| Skill(name.into())).collect(),
            certification,
        },
    );
    prop_oneof![
        8 => prop::collection::vec(seat, 1..4),
        1 => Just(Vec::new()),
    ]
}

/// Times in whole milliseconds, so that nothing is rounded.
fn whole(question: fixture::Question) -> fixture::Question {
    let fixture::Question { site, task, mut agents, mut waits } = question;
    waits.lift = waits.lift.max(Micros::from_millis(1));
    for agent in &mut agents {
        if agent.speed == MmPerS(3) {
            agent.speed = MmPerS(250);
        }
    }
    fixture::Question { site, task, agents, waits }
}

/// Everybody as a question has them, and nothing that `eligible` does not know.
fn plain_worlds() -> impl Strategy<Value = World> {
    (fixture::questions(), 0_u64..2).prop_map(|(question, late)| {
        let fixture::Question { site, task, agents, waits } = whole(question);
        let extra = Extra { credentials: Credentials::default(), foreseen: None, other: None };
        let agents = agents.into_iter().map(|agent| (agent, extra.clone())).collect();
        let seats = vec![Seat::from(task.performers.clone())];
        let now = NOW + Micros::new(late * 400);
        World { site: Arc::new(site), waits, agents, task, step: 0, seats, now }
    })
}

/// Everything that may be known.
fn worlds() -> impl Strategy<Value = World> {
    let extras = prop::collection::vec((extras(), 0_u8..3), 12);
    let drawn = (plain_worlds(), extras, seats(), 0_usize..3, prop::bool::weighted(0.7));
    drawn.prop_map(|(mut world, extras, mut seats, step, is_easy)| {
        let site = world.site.clone();
        if is_easy {
            // One reason less for everybody, and for most of them the last one.
            world.task.skills.clear();
            world.task.payload_g = 4;
            world.task.steps.retain(|step| site.waypoint(step.place).is_some());
            if let Some(seat) = seats.first_mut() {
                *seat = Seat::from(Performers::RobotsFirst);
            }
            for (agent, _) in &mut world.agents {
                agent.class = agent.class.filter(|class| *class == 0);
                agent.shift = agent.shift.filter(|_| agent.id.0.is_multiple_of(3));
            }
        }
        for ((agent, known), ((credentials, foreseen, other), busy)) in world.agents.iter_mut().zip(extras) {
            let foreseen = foreseen.map(|(place, at)| (some_place(place, &site), at));
            // Who is somewhere is somewhere on the site.
            let other = other
                .filter(|_| site.waypoint(agent.at).is_some())
                .map(|(first, place, second)| (first, some_place(place, &site), second));
            *known = Extra { credentials, foreseen, other };
            if busy == 0 && agent.availability == Availability::Available {
                agent.availability = Availability::Busy { task: TaskId(8) };
            }
        }
        World { seats, step: step.min(world.task.steps.len()), ..world }
    })
}

fn mobilities(agents: &[(Agent, Extra)]) -> Vec<Mobility> {
    let mut all: Vec<Mobility> = Vec::new();
    for (agent, Extra { credentials, .. }) in agents {
        let travel = TravelProfile { speed: agent.speed, class: agent.class };
        let mobility = Mobility { travel, barred: credentials.barred.clone() };
        if !all.contains(&mobility) {
            all.push(mobility);
        }
    }
    all
}

fn join(roster: &mut Roster, agent: &Agent, extra: &Extra) {
    roster.put(agent.clone(), extra.credentials.clone()).unwrap();
    if let Some((first, place, second)) = extra.other {
        roster.stand(agent.id, &[(agent.at, first), (place, second)]).unwrap();
    }
    roster.foresee(agent.id, extra.foreseen).unwrap();
}

impl World {
    fn field(&self) -> Field {
        let mut field = Field::new(self.site.clone(), &mobilities(&self.agents), &self.waits).unwrap();
        field.roster_mut().advance(self.now);
        self.agents.iter().for_each(|(agent, extra)| join(field.roster_mut(), agent, extra));
        field
    }

    fn with_call<T>(&self, ask: impl FnOnce(&Call<'_>) -> T) -> T {
        let seats: Vec<&Seat> = self.seats.iter().collect();
        ask(&Call { task: &self.task, step: self.step, seats: &seats })
    }

    fn nearest(&self, field: &mut Field, most: usize) -> (Vec<Arrival>, Option<u64>) {
        let mut found = Vec::new();
        let next = self.with_call(|call| field.nearest(call, most, &mut found));
        (found, next)
    }

    /// Rules that `eligible` does not know, or asks of a task instead of a seat.
    fn refused_by(&self, agent: &Agent, extra: &Extra) -> Option<RuleId> {
        let steps = &self.task.steps[self.step..];
        let stage = |seat: &Seat| {
            let has = |skill: &Skill| agent.skills.contains(skill);
            if !seat.performers.allow(agent.kind) {
                0
            } else if !self.task.skills.iter().chain(&seat.skills).all(has) {
                1
            } else if extra.credentials.certification < seat.certification {
                2
            } else {
                3
            }
        };
        let rule = match self.seats.iter().map(stage).max().unwrap_or(0) {
            0 => Some(DSP_010),
            1 => Some(DSP_002),
            2 => Some(DSP_013),
            _ => None,
        };
        let is_overloaded = agent.payload_g < self.task.payload_g;
        let barred = &extra.credentials.barred.levels;
        let mut levels = steps.iter().filter_map(|step| Some(self.site.waypoint(step.place)?.level));
        let is_barred = levels.any(|level| barred.contains(&level));
        rule.or(is_overloaded.then_some(DSP_003)).or(is_barred.then_some(DSP_014))
    }

    /// What `eligible` says of somebody, asked so that it knows all that counts.
    fn by_hand(&self, agent: &Agent, extra: &Extra) -> Result<Bid, (RuleId, Option<Refusal>)> {
        if let Some(rule) = self.refused_by(agent, extra) {
            return Err((rule, None));
        }
        let is_taken = matches!(agent.availability, Availability::Busy { .. } | Availability::Asked { .. });
        let mut known = agent.clone();
        let starts = match (extra.foreseen.filter(|_| is_taken), extra.other) {
            (Some(done), _) => {
                known.availability = Availability::Available;
                vec![done]
            }
            (None, Some((first, place, second))) => vec![(agent.at, first), (place, second)],
            (None, None) => vec![(agent.at, FleetTime::ZERO)],
        };
        // Who may not be on a level does not take the lift.
        let closed = !extra.credentials.barred.levels.is_empty();
        let waits = Table { lift: if closed { Micros::MAX } else { self.waits.lift }, ..self.waits };
        let mut trips = Trips::new(&self.site, &waits);
        let task = Task {
            performers: Performers::RobotsFirst,
            skills: BTreeSet::new(),
            steps: self.task.steps[self.step..].to_vec(),
            ..self.task.clone()
        };
        let now_ms = self.now.as_micros() / 1_000;
        let wait = |at: FleetTime| Micros::from_millis(at.as_micros().div_ceil(1_000).saturating_sub(now_ms));
        let first = task.steps.first().map(|step| step.place);
        let by_arrival = |(place, at): &(WaypointId, FleetTime), trips: &mut Trips<'_>| {
            Some(trips.between(agent, *place, first?)?.saturating_add(wait(*at)))
        };
        let reached: Vec<_> = starts.iter().map(|start| by_arrival(start, &mut trips)).collect();
        let best = starts.iter().zip(reached).filter_map(|(start, time)| Some((time?, *start))).min();
        let (at, from) = best.map_or((starts[0].1, starts[0].0), |(_, (place, at))| (at, place));
        // What is left to do is work like any other.
        let mut longer = task.clone();
        if let Some(first) = longer.steps.first_mut() {
            first.duration = first.duration.saturating_add(wait(at));
        }
        let verdict = eligible(&Agent { at: from, ..known }, &longer, self.now, &mut trips);
        verdict
            .map(|bid| Bid { arrival: bid.arrival.saturating_add(wait(at)), ..bid })
            .map_err(|refusal| (refusal.rule, Some(refusal)))
    }

    fn ranking(&self) -> Vec<Arrival> {
        let now_ms = self.now.as_micros() / 1_000;
        let bid = |(agent, extra): &(Agent, Extra)| self.by_hand(agent, extra).ok();
        let arrival = |bid: Bid| Arrival {
            at_ms: now_ms + bid.arrival.as_micros().div_ceil(1_000),
            agent: bid.agent.0,
        };
        let mut all: Vec<Arrival> = self.agents.iter().filter_map(bid).map(arrival).collect();
        all.sort_unstable();
        all
    }
}

/// All sets, with who is in them, and where everybody stands.
fn sets(roster: &Roster) -> Vec<(String, Vec<(u64, u32)>)> {
    let Roster { traits, states, here, later, wakes, base_ms, members, .. } = roster;
    let Traits { kinds, skills, tiers, carries, mobile, .. } = traits;
    let bits = |name: String, set: &AgentSet| (name, set.iter().map(|agent| (0, agent)).collect());
    let mut all: Vec<(String, Vec<(u64, u32)>)> = Vec::new();
    all.extend(kinds.iter().map(|(kind, set)| bits(format!("{kind}"), set)));
    all.extend(skills.iter().map(|(skill, skilled)| bits(format!("can {skill}"), &skilled.agents)));
    all.extend(tiers.iter().map(|(tier, set)| bits(format!("tier {tier}"), set)));
    all.extend(mobile.iter().enumerate().map(|(number, set)| bits(format!("mobility {number}"), set)));
    all.push(("carries".into(), carries.iter().map(|(load, agent)| ((*load).into(), *agent)).collect()));
    let States { on_shift, shift_ends, available, foreseen, enduring, is_here, is_later } = states;
    for (name, set) in [
        ("on shift", on_shift),
        ("available", available),
        ("foreseen", foreseen),
        ("here", is_here),
        ("later", is_later),
    ] {
        all.push(bits(name.into(), set));
    }
    all.extend(enduring.iter().enumerate().map(|(class, set)| bits(format!("endures {class}"), set)));
    let times =
        |set: &BTreeSet<(FleetTime, u32)>| set.iter().map(|(at, agent)| (at.as_micros(), *agent)).collect();
    all.push(("shift ends".into(), times(shift_ends)));
    all.push(("wakes".into(), times(wakes)));
    for agent in members.keys() {
        for (name, standings, base_ms) in [("here", here, 0), ("later", later, *base_ms)] {
            let at = standings.of(*agent).map(|(place, offset)| (u64::from(offset) + base_ms, place));
            all.push((format!("{agent} {name}"), at.collect()));
        }
    }
    all.retain(|(_, of)| !of.is_empty());
    all
}

/// Something changes.
#[derive(Clone, Debug)]
enum Change {
    Put(Index, Box<Agent>, Extra),
    Remove(Index),
    Availability(Index, Availability),
    Battery(Index, Option<Battery>),
    Shift(Index, Option<Shift>),
    Stand(Index, Index, Option<Other>),
    Foresee(Index, Option<(Index, FleetTime)>),
    Advance(Micros),
    Congestion(Index, u32),
    Ask,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let who = any::<Index>;
    // Times are told from now on: see `apply`.
    let advance = prop_oneof![
        6 => (0_u64..3_000_000).prop_map(Micros::new),
        1 => Just(Micros::from_secs(7 * 86_400)),
    ];
    let task = TaskId(8);
    let availability = prop_oneof![
        3 => Just(Availability::Available),
        3 => Just(Availability::Busy { task }),
        1 => Just(Availability::Asked { task }),
        1 => Just(Availability::Failed),
        1 => (0_u64..4_000_000).prop_map(|at| Availability::Declined { until: FleetTime::from_micros(at) }),
    ];
    let battery = prop::option::of((0_u32..11, 0_u32..3, prop_oneof![Just(0), Just(20_000), 1..100_000_u32]));
    let battery = battery.prop_map(|drawn| {
        let (charge, reserve, drain_ppm_per_s) = drawn?;
        let tenths = |tenths: u32| Ppm::new(tenths * 100_000).unwrap();
        Some(Battery { charge: tenths(charge), reserve: tenths(reserve), drain_ppm_per_s })
    });
    let instant = || (0_u64..6_000_000).prop_map(FleetTime::from_micros);
    let shift = prop::option::of((instant(), instant()).prop_map(|(from, to)| Shift { from, to }));
    let change = prop_oneof![
        3 => (who(), worlds()).prop_filter_map("nobody", |(id, world)| {
            let (agent, extra) = world.agents.into_iter().next()?;
            Some(Change::Put(id, Box::new(agent), Extra { foreseen: None, other: None, ..extra }))
        }),
        1 => who().prop_map(Change::Remove),
        4 => (who(), availability).prop_map(|(id, to)| Change::Availability(id, to)),
        2 => (who(), battery).prop_map(|(id, to)| Change::Battery(id, to)),
        2 => (who(), shift).prop_map(|(id, to)| Change::Shift(id, to)),
        3 => (who(), place(), prop::option::of((instant(), place(), instant())))
            .prop_map(|(id, at, other)| Change::Stand(id, at, other)),
        3 => (who(), prop::option::of((place(), instant()))).prop_map(|(id, done)| Change::Foresee(id, done)),
        4 => advance.prop_map(Change::Advance),
        2 => (any::<Index>(), 1_000_u32..3_000).prop_map(|(lane, permille)| Change::Congestion(lane, permille)),
        4 => Just(Change::Ask),
    ];
    prop::collection::vec(change, 1..40)
}

/// How anybody drawn may travel.
fn all_mobilities() -> Vec<Mobility> {
    let mut all = Vec::new();
    for speed in [1_000, 500, 250, 0] {
        for class in [None, Some(0), Some(1), Some(2)] {
            for level in [None, Some(LevelId(0)), Some(LevelId(1))] {
                let barred = Barred { levels: level.into_iter().collect(), zones: BTreeSet::new() };
                let travel = TravelProfile { speed: MmPerS(speed), class };
                all.push(Mobility { travel, barred });
            }
        }
    }
    all
}

fn apply(world: &World, field: &mut Field, change: &Change) {
    let id = |index: &Index| AgentId(u32::try_from(index.index(6)).unwrap());
    let now = field.roster().now;
    let later = |at: FleetTime| now + Micros::new(at.as_micros());
    // Whoever is not there is unknown, and that changes nothing.
    let check = |result: Result<(), RosterError>, is_there: bool| assert_eq!(result.is_ok(), is_there);
    let is_there = |field: &Field, of: &Index| field.roster().agent(id(of)).is_some();
    match change {
        Change::Put(of, agent, extra) => {
            let agent = Agent { id: id(of), ..(**agent).clone() };
            join(field.roster_mut(), &agent, extra);
        }
        Change::Remove(of) => {
            let there = is_there(field, of);
            assert_eq!(field.roster_mut().remove(id(of)).is_some(), there);
        }
        Change::Availability(of, to) => {
            let there = is_there(field, of);
            let to = if let Availability::Declined { until } = to {
                Availability::Declined { until: later(*until) }
            } else {
                *to
            };
            check(field.roster_mut().set_availability(id(of), to), there);
        }
        Change::Battery(of, to) => {
            let there = is_there(field, of);
            check(field.roster_mut().set_battery(id(of), *to), there);
        }
        Change::Shift(of, to) => {
            let there = is_there(field, of);
            let to = to.map(|shift| Shift { from: later(shift.from), to: later(shift.to) });
            check(field.roster_mut().set_shift(id(of), to), there);
        }
        Change::Stand(of, at, other) => {
            let there = is_there(field, of);
            let at = some_place(*at, &world.site);
            let mut places = vec![(at, FleetTime::ZERO)];
            if let Some((first, place, second)) = other {
                places = vec![(at, later(*first)), (some_place(*place, &world.site), later(*second))];
            }
            check(field.roster_mut().stand(id(of), &places), there);
        }
        Change::Foresee(of, done) => {
            let there = is_there(field, of);
            let done = done.map(|(place, at)| (some_place(place, &world.site), later(at)));
            check(field.roster_mut().foresee(id(of), done), there);
        }
        Change::Advance(by) => field.roster_mut().advance(now + *by),
        Change::Congestion(lane, permille) => {
            let lane = LaneId(u32::try_from(lane.index(world.site.lanes().len())).unwrap());
            // Rides have none.
            let _ = field.oracle_mut().set_congestion(lane, *permille);
        }
        Change::Ask => {}
    }
}

/// Everybody of a field, told anew in another order, and the same travel times.
fn anew(world: &World, field: &Field, edits: &[Change]) -> Field {
    let mut fresh = Field::new(world.site.clone(), &all_mobilities(), &world.waits).unwrap();
    fresh.roster_mut().advance(field.roster().now);
    for member in field.roster().members.values().rev() {
        fresh.roster_mut().put(member.agent.clone(), member.credentials.clone()).unwrap();
        let at = |standing: &Standing| (standing.place, FleetTime::from_micros(standing.at_ms * 1_000));
        let id = member.agent.id;
        if world.site.waypoint(member.agent.at).is_some() {
            let places: Vec<_> = member.places.iter().map(at).collect();
            fresh.roster_mut().stand(id, &places).unwrap();
        }
        fresh.roster_mut().foresee(id, member.foreseen.as_ref().map(at)).unwrap();
    }
    for edit in edits {
        apply(world, &mut fresh, edit);
    }
    fresh
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    /// Of agents without other limits, what is said of each is what `eligible` says, to the letter; and those who are named are
    /// those who are eligible, in the order of their arrival.
    #[test]
    fn a_field_says_what_eligible_says(world in plain_worlds(), most in 0_usize..6) {
        let mut field = world.field();
        let mut trips = Trips::new(&world.site, &world.waits);
        let mut expected = Vec::new();
        for (agent, _) in &world.agents {
            let verdict = eligible(agent, &world.task, world.now, &mut trips);
            let found = world.with_call(|call| field.eligible(agent.id, call));
            prop_assert_eq!(found, Some(verdict.clone()));
            prop_assert_eq!(world.with_call(|call| field.refuses(agent.id, call)), verdict.clone().err());
            if let Ok(bid) = verdict {
                let at_ms = world.now.as_micros() / 1_000 + bid.arrival.as_micros() / 1_000;
                expected.push(Arrival { at_ms, agent: agent.id.0 });
            }
        }
        expected.sort_unstable();
        let next = expected.get(most).map(|arrival| arrival.at_ms);
        expected.truncate(most);
        prop_assert_eq!(world.nearest(&mut field, most), (expected, next));
    }

    /// The same with seats, certification, levels, those who are busy for a while, and those who are between two places.
    #[test]
    fn a_field_says_what_an_oracle_says(world in worlds(), most in 0_usize..6, anchors in any::<bool>()) {
        let mut field = world.field();
        if anchors {
            field = field.with_anchors(2_000);
        }
        for (agent, extra) in &world.agents {
            let found = world.with_call(|call| field.eligible(agent.id, call)).unwrap();
            match (world.by_hand(agent, extra), &found) {
                (Ok(bid), Ok(found)) => prop_assert_eq!(&bid, found),
                (Err((rule, refusal)), Err(found)) => {
                    prop_assert_eq!(rule, found.rule);
                    prop_assert!(found.evidence.holds() && found.evidence.rule == rule);
                    if let Some(refusal) = refusal {
                        prop_assert_eq!(refusal.evidence, found.evidence);
                    }
                }
                (expected, _) => prop_assert!(false, "{:?} is {:?}, right is {:?}", agent, found, expected),
            }
        }
        let mut expected = world.ranking();
        // Many are asked for as few are: by one search for all.
        let (all, none) = world.nearest(&mut field, 1_000);
        prop_assert_eq!((&all, none), (&expected, None));
        let next = expected.get(most).map(|arrival| arrival.at_ms);
        expected.truncate(most);
        prop_assert_eq!(world.nearest(&mut field, most), (expected, next));
    }

    /// However a roster has become what it is, its sets are those of one that was told at once, and so is what it says.
    #[test]
    fn sets_are_those_of_a_fresh_roster(world in worlds(), changes in changes(), most in 0_usize..4) {
        let mut field = Field::new(world.site.clone(), &all_mobilities(), &world.waits).unwrap();
        let mut edits = Vec::new();
        for change in changes {
            apply(&world, &mut field, &change);
            if let Change::Ask = change {
                let mut fresh = anew(&world, &field, &edits);
                prop_assert_eq!(sets(field.roster()), sets(fresh.roster()));
                prop_assert_eq!(world.nearest(&mut field, most), world.nearest(&mut fresh, most));
                for agent in (0..6).map(AgentId) {
                    prop_assert_eq!(field.free_ms(agent), fresh.free_ms(agent));
                    let both = [&mut field, &mut fresh]
                        .map(|field| world.with_call(|call| field.eligible(agent, call)));
                    prop_assert_eq!(&both[0], &both[1]);
                }
            }
            if let Change::Congestion(..) = change {
                edits.push(change);
            }
        }
        prop_assert_eq!(sets(field.roster()), sets(anew(&world, &field, &edits).roster()));
    }

    /// No order in which agents join changes anything.
    #[test]
    fn the_order_in_which_agents_join_does_not_matter(
        (world, shuffled) in worlds().prop_flat_map(|world| {
            let shuffled = Just(world.agents.clone()).prop_shuffle();
            (Just(world), shuffled)
        }),
        most in 0_usize..6,
    ) {
        let mut one = world.field();
        let mut other = World { agents: shuffled, ..world.clone() }.field();
        prop_assert_eq!(world.nearest(&mut one, most), world.nearest(&mut other, most));
    }
}

/// The properties above mean something only if drawn worlds have something of everything.
#[test]
fn drawn_worlds_have_something_of_everything() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut rules = BTreeMap::<RuleId, u32>::new();
    let [mut found, mut busy, mut ties, mut both] = [0_u32; 4];
    for _ in 0..800 {
        let world = worlds().new_tree(&mut runner).unwrap().current();
        for (agent, extra) in &world.agents {
            match world.by_hand(agent, extra) {
                Ok(_) => {
                    found += 1;
                    busy += u32::from(matches!(agent.availability, Availability::Busy { .. }));
                    both += u32::from(extra.other.is_some());
                }
                Err((rule, _)) => *rules.entry(rule).or_default() += 1,
            }
        }
        ties += u32::from(world.ranking().windows(2).any(|pair| pair[0].at_ms == pair[1].at_ms));
    }
    for rule in crate::RULES.iter().map(|rule| rule.id).filter(|id| id.as_str().starts_with("DSP")) {
        // What comes after access is for dispatchers.
        let is_of_one = rule <= DSP_014 && ![crate::DSP_001, crate::DSP_008, crate::DSP_012].contains(&rule);
        assert!(!is_of_one || 10 < rules.get(&rule).copied().unwrap_or(0), "{rule}: {rules:?}");
    }
    assert!(200 < found && 40 < busy && 40 < both && 20 < ties, "{found} {busy} {both} {ties}");
}

fn arrivals(field: &mut Field, task: &Task, most: usize) -> (Vec<(u64, u32)>, Option<u64>) {
    let seat = Seat::from(task.performers.clone());
    let mut found = Vec::new();
    let next = field.nearest(&Call { task, step: 0, seats: &[&seat] }, most, &mut found);
    (found.into_iter().map(|arrival| (arrival.at_ms, arrival.agent)).collect(), next)
}

#[test]
fn a_zone_bars_its_places_and_the_ways_through_it() {
    // a - b - c, and b lies in a zone.
    let mut site = corridor_site();
    let outline = vec![[3.0, -1.0], [5.0, -1.0], [5.0, 1.0], [3.0, 1.0]];
    site.zones.push(Zone::new("ward", "L0", ZoneKind::Stop, outline));
    let site = Arc::new(compile(&site));
    let zone = site.zone_named("ward").unwrap();
    let barred = Barred { zones: BTreeSet::from([zone]), ..Barred::default() };
    for class in [Some(0), None] {
        let travel = TravelProfile { speed: MmPerS(1_000), class };
        let mobilities = [Mobility::from(travel), Mobility { travel, barred: barred.clone() }];
        let mut field = Field::new(site.clone(), &mobilities, &NominalWaits(&site)).unwrap();
        let credentials = Credentials { barred: barred.clone(), certification: 0 };
        for (id, at, credentials) in
            [(1, 2, credentials.clone()), (2, 2, Credentials::default()), (3, 0, credentials)]
        {
            field.roster_mut().put(Agent { class, ..robot(id, at) }, credentials).unwrap();
        }
        assert_eq!(arrivals(&mut field, &visit(), 9), (vec![(0, 3), (8_000, 2)], None));
        let mut task = visit();
        let seat = Seat::from(Performers::RobotsFirst);
        let call = Call { task: &task, step: 0, seats: &[&seat] };
        assert_eq!(field.eligible(AgentId(1), &call).unwrap().unwrap_err().rule, DSP_006);
        task.steps[0].place = WaypointId(1);
        let call = Call { task: &task, step: 0, seats: &[&seat] };
        let refusal = field.eligible(AgentId(3), &call).unwrap().unwrap_err();
        assert_eq!((refusal.rule, refusal.may_pass()), (DSP_014, false));
        assert_eq!(arrivals(&mut field, &task, 9), (vec![(4_000, 2)], None));
    }
}

#[test]
fn who_is_busy_counts_from_when_it_will_be_free() {
    let site = Arc::new(corridor());
    let robots = Mobility::from(TravelProfile::robot(MmPerS(1_000), 0));
    let mut field = Field::new(site.clone(), &[robots], &NominalWaits(&site)).unwrap();
    let second = |s: u64| FleetTime::from_micros(s * 1_000_000);
    let roster = field.roster_mut();
    roster.put(robot(1, 2), Credentials::default()).unwrap();
    let busy = Availability::Busy { task: TaskId(7) };
    roster.put(Agent { availability: busy, ..robot(2, 2) }, Credentials::default()).unwrap();
    roster.foresee(AgentId(2), Some((WaypointId(1), second(3)))).unwrap();
    // In 3 s at b, 4 s from a; the other one is 8 s away.
    assert_eq!(arrivals(&mut field, &visit(), 1), (vec![(7_000, 2)], Some(8_000)));
    assert_eq!((field.free_ms(AgentId(2)), field.free_ms(AgentId(1))), (Some(3_000), None));
    assert_eq!(field.roster().poll_timeout(), Some(second(3)));
    // It is late: at any moment now.
    field.roster_mut().advance(second(5));
    assert_eq!(arrivals(&mut field, &visit(), 2), (vec![(9_000, 2), (13_000, 1)], None));
    assert_eq!((field.free_ms(AgentId(2)), field.roster().poll_timeout()), (Some(5_000), None));
    // It is free, where it is.
    field.roster_mut().set_availability(AgentId(2), Availability::Available).unwrap();
    assert_eq!(arrivals(&mut field, &visit(), 1), (vec![(13_000, 1)], Some(13_000)));
    assert_eq!(field.free_ms(AgentId(2)), None);
}

#[test]
fn what_is_refused_is_named_and_changes_nothing() {
    let site = Arc::new(corridor());
    let robots = Mobility::from(TravelProfile::robot(MmPerS(1_000), 0));
    let unknown = |levels: &[u32], zones: &[u32]| {
        let levels = levels.iter().map(|level| LevelId(*level)).collect();
        let zones = zones.iter().map(|zone| ZoneId(*zone)).collect();
        let mobility = Mobility { barred: Barred { levels, zones }, ..robots.clone() };
        Field::new(site.clone(), &[robots.clone(), mobility], &NominalWaits(&site)).unwrap_err().to_string()
    };
    assert_eq!(unknown(&[0, 9], &[]), "mobilities[1].barred.levels has level 9, there is no such level");
    assert_eq!(unknown(&[], &[9]), "mobilities[1].barred.zones has zone 9, there is no such zone");

    let mut field = Field::new(site.clone(), std::slice::from_ref(&robots), &NominalWaits(&site)).unwrap();
    let roster = field.roster_mut();
    roster.put(robot(1, 0), Credentials::default()).unwrap();
    let before = sets(roster);
    let at = |place| (WaypointId(place), FleetTime::ZERO);
    let far = (WaypointId(0), FleetTime::ZERO + AHEAD_MAX + Micros::new(1));
    let id = AgentId(1);
    let refused = [
        (
            roster.put(robot(AGENTS_MAX, 0), Credentials::default()),
            "id is a1048576, it must be below 1048576",
        ),
        (
            roster.put(Agent { speed: MmPerS(9), ..robot(1, 0) }, Credentials::default()),
            "agent a1 travels at 9 mm/s with class Some(0) and what it is barred from: none of the mobilities given",
        ),
        (roster.set_battery(AgentId(2), None), "agent a2 is not in the roster"),
        (roster.stand(id, &[]), "agent a1 is at 0 places, one or two are right"),
        (roster.stand(id, &[at(0); 3]), "agent a1 is at 3 places, one or two are right"),
        (roster.stand(id, &[at(0), at(3)]), "agent a1 is at w3, there is no such waypoint"),
        (roster.foresee(id, Some(far)), "later"),
    ];
    for (result, text) in refused {
        let found = result.unwrap_err().to_string();
        assert!(found == text || text == "later" && found.contains("more than"), "{found}");
    }
    assert_eq!(sets(roster), before);
    assert_eq!(roster.remove(AgentId(2)), None);
    let (task, gone) = (visit(), AgentId(2));
    let call = Call { task: &task, step: 0, seats: &[] };
    assert!(field.eligible(gone, &call).is_none());
    assert_eq!(field.refuses(gone, &call).unwrap().rule, DSP_005);
}

#[test]
fn at_the_end_of_time_nothing_goes_on_for_ever() {
    let site = Arc::new(corridor());
    let robots = Mobility::from(TravelProfile::robot(MmPerS(1_000), 0));
    let mut field = Field::new(site.clone(), &[robots], &NominalWaits(&site)).unwrap();
    let end = FleetTime::from_micros(u64::MAX);
    field.roster_mut().advance(FleetTime::from_micros(u64::MAX - 5));
    field.roster_mut().put(robot(1, 0), Credentials::default()).unwrap();
    field.roster_mut().stand(AgentId(1), &[(WaypointId(0), end)]).unwrap();
    field.roster_mut().advance(end);
    let (found, _) = arrivals(&mut field, &visit(), 1);
    assert_eq!(found.len(), 1);
}

#[test]
fn times_are_right_after_years() {
    let site = Arc::new(corridor());
    let robots = Mobility::from(TravelProfile::robot(MmPerS(1_000), 0));
    let mut field = Field::new(site.clone(), &[robots], &NominalWaits(&site)).unwrap();
    let roster = field.roster_mut();
    let busy = Availability::Busy { task: TaskId(7) };
    roster.put(Agent { availability: busy, ..robot(1, 0) }, Credentials::default()).unwrap();
    for year in 1..5_u64 {
        let now_ms = year * 365 * 86_400_000;
        let at = |ms: u64| FleetTime::from_micros((now_ms + ms) * 1_000);
        // A week before, and told anew, and two days before, and left alone.
        let week_ms = 7 * 86_400_000;
        let roster = field.roster_mut();
        roster.advance(FleetTime::from_micros((now_ms - week_ms) * 1_000));
        roster.foresee(AgentId(1), Some((WaypointId(2), at(500)))).unwrap();
        roster.advance(at(0));
        assert_eq!(arrivals(&mut field, &visit(), 1), (vec![(now_ms + 8_500, 1)], None));
    }
}

#[test]
fn a_dispatcher_offers_a_task_to_the_first_that_a_field_names() {
    use crate::dispatcher::{Dispatcher, Effect, Event, Order, Patience, Rung, Whom};
    let site = Arc::new(corridor());
    let robots = Mobility::from(TravelProfile::robot(MmPerS(1_000), 0));
    let mut field = Field::new(site.clone(), &[robots], &NominalWaits(&site)).unwrap();
    let mut dispatcher = Dispatcher::new(site, Patience::default());
    for (id, place, certification) in [(1, 0, 0), (2, 1, 2), (3, 2, 3)] {
        let credentials = Credentials { certification, ..Credentials::default() };
        field.roster_mut().put(robot(id, place), credentials).unwrap();
        let (agent, kind, at) = (AgentId(id), AgentKind::Robot, WaypointId(place));
        dispatcher.handle(NOW, Event::Agent { agent, kind, at, takes_tasks: true }).unwrap();
    }
    let seat = |certification| Seat { certification, ..Seat::from(Performers::RobotsOnly) };
    let rung = Rung { whom: Whom::Agents(seat(1)), after: Micros::ZERO, gates: Vec::new() };
    let order = Order { ladder: vec![rung], crew: vec![seat(0)], ..Order::from(visit()) };
    dispatcher.handle(NOW, Event::Submit(Box::new(order))).unwrap();
    field.roster_mut().advance(NOW);
    dispatcher.decide(NOW, &mut crate::policy::NearestAvailable, &mut field);
    let effects = std::iter::from_fn(|| dispatcher.poll_effect());
    let offered: Vec<u32> = effects
        .filter_map(|effect| if let Effect::Offer { agent, .. } = effect { Some(agent.0) } else { None })
        .collect();
    assert_eq!(offered, [2, 1], "the nearest that is certified does the steps, the nearest of all is there");
}

#[test]
fn what_lasts_exactly_until_the_end_is_enough() {
    let mut site = corridor_site();
    // Batteries are changed by hand.
    site.stations.retain(|station| station.id != "dock");
    let site = Arc::new(compile(&site));
    let robots = Mobility::from(TravelProfile::robot(MmPerS(1_000), 0));
    let mut field = Field::new(site.clone(), &[robots], &NominalWaits(&site)).unwrap();
    field.roster_mut().advance(NOW);
    // 10 s of work where they stand, at 1 000 ppm/s.
    let work = Micros::from_secs(10);
    for (id, charge, shift_us) in [(1, 60_000, 0), (2, 59_999, 0), (3, 60_000, 1)] {
        let battery = Battery {
            charge: Ppm::new(charge).unwrap(),
            reserve: Ppm::new(50_000).unwrap(),
            drain_ppm_per_s: 1_000,
        };
        let to = FleetTime::from_micros((NOW + work).as_micros() - shift_us);
        let shift = Some(Shift { from: NOW, to });
        let agent = Agent { battery: Some(battery), shift, ..robot(id, 0) };
        field.roster_mut().put(agent, Credentials::default()).unwrap();
    }
    assert_eq!(arrivals(&mut field, &visit(), 9), (vec![(10_000, 1)], None));
    // All of them for what is a millisecond shorter.
    let mut shorter = visit();
    shorter.steps[0].duration = Micros::new(work.as_micros() - 1_000);
    assert_eq!(arrivals(&mut field, &shorter, 9), (vec![(10_000, 1), (10_000, 2), (10_000, 3)], None));
}
