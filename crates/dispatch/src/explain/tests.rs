use std::collections::BTreeSet;

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use sheepdog_core::MmPerS;
use sheepdog_map::{
    Site,
    model::Role,
    travel::{TravelProfile, travel_times_to},
};

use super::*;
use crate::{
    AgentKind, Battery, DSP_001, DSP_002, DSP_003, DSP_004, DSP_005, DSP_009, DSP_010, DSP_011, DSP_012,
    DSP_013, Performers, RULES, Shift, Skill, check_explanation, decide,
    fixture::{NOW, Question, Table, authored_questions, compile, corridor, nurse, questions, robot, visit},
};

const AT_ONCE: Table = Table { door: Micros::ZERO, odd_door: Micros::ZERO, lift: Micros::ZERO };

fn explained_within(question: &Question, bounds: Bounds) -> (Decision, Explanation) {
    let Question { site, task, agents, waits } = question;
    decide_explained(&mut Trips::new(site, waits), task, agents, NOW, bounds)
}

fn explained(question: &Question) -> (Decision, Explanation) {
    explained_within(question, Bounds::default())
}

fn bytes(explanation: &Explanation) -> Vec<u8> {
    postcard::to_allocvec(explanation).unwrap()
}

/// As many as the environment asks for: the acceptance is a hundred thousand.
fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig::with_cases(asked.unwrap_or(usual))
}

/// The world in which one rule holds for one agent, with nothing else changed, built by changing what the rule looks at.
/// `None` where no change of site, task or agent does that.
fn world_without(question: &Question, authored: &Site, nearer: &Nearer) -> Option<Question> {
    let mut world = question.clone();
    let rule = nearer.evidence.rule;
    let refused = decide(&world.site, &world.task, &world.agents, &world.waits, NOW).refusals;
    // Whoever the same change would let in as well stays out.
    let alone = |world: &mut Question| {
        let others = refused.iter().filter(|other| other.agent != nearer.agent && other.rule == rule);
        let others: BTreeSet<AgentId> = others.map(|other| other.agent).collect();
        world.agents.retain(|agent| !others.contains(&agent.id));
    };
    if rule == DSP_010 {
        alone(&mut world);
        world.task.performers = Performers::RobotsFirst;
    }
    if rule == DSP_011 {
        alone(&mut world);
        let mut site = authored.clone();
        for step in &world.task.steps {
            let waypoint = site.waypoints.get_mut(step.place.index())?;
            // That it may stand there must not give it a charger.
            if site.stations.iter().any(|station| station.waypoint == waypoint.id) {
                return None;
            }
            waypoint.roles.retain(|role| *role != Role::Passthrough);
        }
        world.site = compile(&site);
    }
    let agent = world.agents.iter_mut().find(|agent| agent.id == nearer.agent).unwrap();
    match rule {
        DSP_002 => agent.skills.extend(world.task.skills.iter().cloned()),
        DSP_003 => agent.payload_g = world.task.payload_g,
        DSP_004 => agent.shift = Some(Shift { from: NOW, to: FleetTime::from_micros(u64::MAX) }),
        DSP_005 | DSP_009 => agent.availability = Availability::Available,
        DSP_007 => {
            let charge = u32::try_from(nearer.evidence.limit).ok().filter(|limit| *limit != 1);
            let charge = charge.and_then(|limit| Ppm::new(limit).ok());
            agent.battery = charge.and_then(|charge| Some(Battery { charge, ..agent.battery? }));
        }
        DSP_008 => agent.kind = AgentKind::Robot,
        DSP_010 => {}
        DSP_011 => {
            let claims = world.site.classes().get(agent.class?)?;
            world.task.steps.iter().all(|step| claims.may_stop(step.place)).then_some(())?;
        }
        _ => return None,
    }
    Some(world)
}

/// What becomes of an agent.
fn fate(question: &Question, id: AgentId) -> Counterfactual {
    let decision = decide(&question.site, &question.task, &question.agents, &question.waits, NOW);
    if decision.outcome.agent() == Some(id) {
        return Counterfactual::Wins;
    }
    if let Some(place) = decision.bids.iter().position(|bid| bid.agent == id) {
        return Counterfactual::Ranks(u32::try_from(place).unwrap() + 1);
    }
    let refusal = decision.refusals.iter().find(|refusal| refusal.agent == id);
    Counterfactual::RefusedFor(refusal.unwrap().rule)
}

/// Everybody who would be there before the winner, by other code.
fn sooner(question: &Question, decision: &Decision) -> Vec<(Micros, AgentId)> {
    let best = decision.bids.first().map(|best| (best.arrival, best.agent));
    let mut sooner = Vec::new();
    for agent in &question.agents {
        let Some(place) = decision.place else { break };
        let profile = TravelProfile { speed: agent.speed, class: agent.class };
        let known = question.site.waypoint(place).is_some() && MmPerS::ZERO < agent.speed;
        let times = known.then(|| travel_times_to(&question.site, profile, &question.waits, place));
        let arrival = times.and_then(|times| times.from(agent.at));
        sooner.extend(
            arrival.map(|arrival| (arrival, agent.id)).filter(|it| best.is_none_or(|best| *it < best)),
        );
    }
    sooner.sort_unstable();
    sooner
}

proptest! {
    #![proptest_config(cases(1_024))]

    /// In the world in which exactly the stated reason is gone, decided anew, that comes true which was stated. One part per
    /// million less charge than stated is not enough.
    #[test]
    fn without_the_stated_reason_it_would_have_been_as_stated((authored, question) in authored_questions()) {
        for nearer in explained(&question).1.nearer {
            if nearer.evidence.rule == DSP_006 {
                prop_assert_eq!(nearer.otherwise, Counterfactual::Undefined);
            }
            let Some(mut world) = world_without(&question, &authored, &nearer) else { continue };
            prop_assert_eq!(fate(&world, nearer.agent), nearer.otherwise, "{:?}", nearer);
            let agent = world.agents.iter_mut().find(|agent| agent.id == nearer.agent).unwrap();
            if let (DSP_007, Some(battery)) = (nearer.evidence.rule, &mut agent.battery) {
                battery.charge = Ppm::new(battery.charge.get() - 1).unwrap();
                prop_assert_eq!(fate(&world, nearer.agent), Counterfactual::RefusedFor(DSP_007));
            }
        }
    }
}

type Change = fn(&mut Explanation);

/// Every way in which an explanation can be wrong; a change may find nothing to change.
const CHANGES: [Change; 24] = [
    |it| it.task.0 += 1,
    |it| it.place = it.place.map_or(Some(WaypointId(0)), |_| None),
    |it| it.deadline = it.deadline.map_or(Some(NOW), |_| None),
    |it| it.at = it.at + Micros::new(1),
    |it| it.site.0[0] ^= 1,
    |it| it.digest ^= 1,
    |it| it.outcome = Outcome::None { rule: DSP_012, permanent: true },
    |it| it.outcome = Outcome::None { rule: DSP_012, permanent: false },
    |it| it.winner = None,
    |it| it.winner.iter_mut().for_each(|it| it.onward = it.onward.saturating_add(Micros::new(1))),
    |it| it.winner.iter_mut().for_each(|it| it.lead = Lead::Sooner { by: Micros::ZERO }),
    |it| it.winner.iter_mut().flat_map(|it| &mut it.energy).for_each(|it| it.charger_ppm += 1),
    |it| it.bids += 1,
    |it| it.losers.truncate(1),
    |it| it.losers.iter_mut().for_each(|it| it.behind_us += 1),
    |it| it.losers.reverse(),
    |it| it.refused.iter_mut().take(1).for_each(|it| it.count += 1),
    |it| it.refused.iter_mut().for_each(|it| it.samples.truncate(1)),
    |it| it.nearer.truncate(1),
    |it| it.nearer_count += 1,
    |it| it.nearer.iter_mut().take(1).for_each(|it| it.evidence.limit += 1),
    |it| it.nearer.iter_mut().for_each(|it| it.elsewhere = None),
    |it| it.nearer.iter_mut().for_each(|it| it.otherwise = Counterfactual::Wins),
    |it| it.nearer.iter_mut().for_each(|it| it.otherwise = Counterfactual::RefusedFor(DSP_001)),
];

fn bounds() -> impl Strategy<Value = Bounds> {
    let few = (0..3_u8, 0..3_u8, 0..3_u8);
    let few = few.prop_map(|(losers, samples, nearer)| Bounds { losers, samples, nearer });
    prop_oneof![Just(Bounds::default()), few]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    /// The checker accepts what was explained and nothing that differs from it.
    #[test]
    fn every_change_to_an_explanation_is_found(
        question in questions(),
        bounds in bounds(),
        change in 0..CHANGES.len(),
    ) {
        let Question { site, task, agents, waits } = &question;
        let (_, explanation) = explained_within(&question, bounds);
        let mut changed = explanation.clone();
        CHANGES[change](&mut changed);
        for it in [&explanation, &changed] {
            let verdict = check_explanation(site, task, agents, waits, NOW, bounds, it);
            prop_assert_eq!(verdict.is_ok(), *it == explanation, "{:?}", verdict);
        }
    }

    /// Everybody who would have been there before the winner is among the nearer, up to the bound, and counted; the parts of
    /// the winner's time and energy make up the sum.
    #[test]
    fn nobody_nearer_is_left_out_and_parts_make_up_the_sum(question in questions(), bounds in bounds()) {
        let (decision, explanation) = explained_within(&question, bounds);
        let expected = sooner(&question, &decision);
        prop_assert_eq!(explanation.nearer_count as usize, expected.len());
        let found: Vec<_> = explanation.nearer.iter().map(|it| (it.arrival, it.agent)).collect();
        prop_assert_eq!(&found[..], &expected[..expected.len().min(bounds.nearer.into())]);
        prop_assert!(explanation.nearer.iter().all(|it| it.evidence.holds()));
        prop_assert_eq!(explanation.winner.is_some(), decision.outcome.agent().is_some());
        if let Some(Breakdown { arrival, onward, work, finish, energy, .. }) = explanation.winner {
            let best = decision.bids[0];
            prop_assert_eq!((arrival, finish), (best.arrival, best.finish));
            prop_assert_eq!(work, question.task.work());
            prop_assert_eq!(arrival.saturating_add(onward).saturating_add(work), finish);
            if let Some(Energy { charge, task_ppm, charger_ppm, reserve, total_ppm }) = energy {
                prop_assert_eq!(task_ppm + charger_ppm + reserve.get(), total_ppm);
                prop_assert!(total_ppm <= charge.get());
            }
        }
        let refused: u32 = explanation.refused.iter().map(|it| it.count).sum();
        prop_assert_eq!((explanation.bids + refused) as usize, question.agents.len());
    }

    /// The same question has the same explanation to the last byte, in whatever order the agents are given, and the decision
    /// beside it is the one made without it.
    #[test]
    fn an_explanation_can_be_replayed(
        (question, shuffled) in questions().prop_flat_map(|question| {
            let shuffled = Just(question.agents.clone()).prop_shuffle();
            (Just(question), shuffled)
        }),
    ) {
        let Question { site, task, agents, waits } = &question;
        let (decision, explanation) = explained(&question);
        prop_assert_eq!(&decision, &decide(site, task, agents, waits, NOW));
        prop_assert_eq!(bytes(&explained(&question).1), bytes(&explanation));
        let turned = explained(&Question { agents: shuffled, ..question }).1;
        prop_assert_eq!(bytes(&turned), bytes(&explanation));
    }

    /// Agents that are refused and come after the winner change counts, samples and the key, and nothing else.
    #[test]
    fn agents_that_are_refused_far_away_change_only_counts(question in questions(), far in 1_u32..20) {
        let (decision, explanation) = explained(&question);
        let (Some(best), Some(place)) = (decision.bids.first(), decision.place) else { return Ok(()) };
        let mut more = question.clone();
        let failed = Agent { availability: Availability::Failed, speed: MmPerS(1), ..nurse(100, 0) };
        let profile = TravelProfile { speed: failed.speed, class: failed.class };
        let times = travel_times_to(&question.site, profile, &question.waits, place);
        let places = (0..u32::try_from(question.site.waypoints().len()).unwrap()).map(WaypointId);
        let places: Vec<_> = places.filter(|it| times.from(*it).is_none_or(|time| best.arrival < time)).collect();
        prop_assume!(!places.is_empty());
        prop_assume!(question.task.performers == Performers::RobotsFirst);
        let skills = question.task.skills.clone();
        more.agents.extend((0..far).map(|number| Agent {
            id: AgentId(100 + number),
            at: places[number as usize % places.len()],
            skills: skills.clone(),
            ..failed.clone()
        }));
        let mut found = explained(&more).1;
        let of = |it: &Explanation| it.refused.iter().find(|it| it.rule == DSP_005).map_or(0, |it| it.count);
        prop_assert_eq!(of(&found), of(&explanation) + far);
        prop_assert_ne!(found.digest, explanation.digest);
        found.digest = explanation.digest;
        let mut expected = explanation;
        for it in [&mut found, &mut expected] {
            it.refused.retain(|it| it.rule != DSP_005);
        }
        prop_assert_eq!(found, expected);
    }
}

/// The properties above mean something only if drawn questions have somebody nearer for every rule, and every answer.
#[test]
fn drawn_questions_reach_every_rule_and_answer() {
    let mut runner = TestRunner::deterministic();
    let (mut rules, mut answers, mut leads, mut built) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for _ in 0..1_500 {
        let (authored, question) = authored_questions().new_tree(&mut runner).unwrap().current();
        let (_, explanation) = explained(&question);
        leads.extend(explanation.winner.map(|it| match it.lead {
            Lead::Only => 0,
            Lead::RobotFirst => 1,
            Lead::Sooner { .. } => 2,
            Lead::LowerId => 3,
        }));
        for it in &explanation.nearer {
            let rule = it.evidence.rule;
            rules.insert(rule);
            built.extend(world_without(&question, &authored, it).map(|_| rule));
            answers.insert(match it.otherwise {
                Counterfactual::Wins => 0,
                Counterfactual::Ranks(_) => 1,
                Counterfactual::RefusedFor(_) => 2,
                Counterfactual::Undefined => 3,
            });
        }
    }
    let ours = RULES.iter().map(|rule| rule.id).filter(|id| id.as_str().starts_with("DSP"));
    // Certification and access are for rosters alone, the rest for dispatchers.
    let is_ours = |id: &RuleId| *id < DSP_013 && ![DSP_001, DSP_012].contains(id);
    let ours: BTreeSet<RuleId> = ours.filter(is_ours).collect();
    assert_eq!(rules, ours);
    assert_eq!((answers.len(), leads.len()), (4, 4), "{answers:?} {leads:?}");
    assert_eq!(built, ours.into_iter().filter(|id| *id != DSP_006).collect());
}

/// Every number as long as it can be.
#[test]
fn an_explanation_has_less_than_two_kilobytes() {
    let Bounds { losers, samples, nearer } = Bounds::default();
    let (agent, span) = (AgentId(u32::MAX), Micros::new(u64::MAX));
    let bid = Bid { agent, person: true, arrival: span, finish: span };
    let evidence = Evidence { rule: DSP_007, measured: i64::MIN, relation: Relation::Above, limit: i64::MIN };
    let rules = RULES.iter().filter(|rule| (DSP_002..=DSP_011).contains(&rule.id) && rule.id != DSP_008);
    let refused = |rule| Refused { rule, count: u32::MAX, samples: vec![agent; samples.into()] };
    let otherwise = Counterfactual::RefusedFor(DSP_007);
    let elsewhere = Some(TaskId(u64::MAX));
    let energy = Energy {
        charge: Ppm::ONE,
        task_ppm: u32::MAX,
        charger_ppm: u32::MAX,
        reserve: Ppm::ONE,
        total_ppm: u32::MAX,
    };
    let lead = Lead::Sooner { by: span };
    let explanation = Explanation {
        task: TaskId(u64::MAX),
        place: Some(WaypointId(u32::MAX)),
        deadline: Some(FleetTime::from_micros(u64::MAX)),
        at: FleetTime::from_micros(u64::MAX),
        site: SiteVersion([255; 32]),
        digest: u64::MAX,
        outcome: Outcome::Award { agent, arrival: span, finish: span, rule: DSP_001 },
        winner: Some(Breakdown {
            arrival: span,
            onward: span,
            work: span,
            finish: span,
            energy: Some(energy),
            lead,
        }),
        bids: u32::MAX,
        losers: vec![Loser { bid, behind_us: i64::MIN }; losers.into()],
        refused: rules.map(|rule| refused(rule.id)).collect(),
        nearer: vec![Nearer { agent, arrival: span, evidence, elsewhere, otherwise }; nearer.into()],
        nearer_count: u32::MAX,
    };
    assert_eq!(explanation.refused.len(), 9);
    let bytes = bytes(&explanation);
    assert!(bytes.len() < 2_000, "{} bytes", bytes.len());
    assert_eq!(postcard::from_bytes::<Explanation>(&bytes).unwrap(), explanation);
    let text = serde_json::to_string(&explanation).unwrap();
    assert_eq!(serde_json::from_str::<Explanation>(&text).unwrap(), explanation);
}

#[test]
fn ten_thousand_agents_are_explained_as_shortly_as_ten() {
    let kinds = |id: u32| match id % 7 {
        0 => Agent { availability: Availability::Busy { task: TaskId(id.into()) }, ..robot(id, id % 3) },
        1 => Agent { payload_g: 0, ..robot(id, id % 3) },
        2 => Agent { shift: Some(Shift { from: FleetTime::ZERO, to: NOW }), ..nurse(id, id % 3) },
        3 => Agent { speed: MmPerS(500 + id), ..robot(id, 2) },
        4 => nurse(id, id % 3),
        _ => Agent {
            battery: Some(Battery { charge: Ppm::ZERO, reserve: Ppm::ONE, drain_ppm_per_s: 1 }),
            ..robot(id, 1)
        },
    };
    let question = Question {
        site: corridor(),
        task: Task { payload_g: 9_000, ..visit() },
        agents: (0..10_000).map(kinds).collect(),
        waits: AT_ONCE,
    };
    let (decision, explanation) = explained(&question);
    assert_eq!(decision.bids.len() + decision.refusals.len(), 10_000);
    assert!(1_000 < explanation.nearer_count, "{}", explanation.nearer_count);
    assert!(bytes(&explanation).len() < 1_000, "{} bytes", bytes(&explanation).len());
}

#[test]
fn every_nearer_agent_is_told_why_not() {
    // 4 s there, 10 s of work, 8 s to the dock: 22 s at 10 000 ppm/s, and 90 000 ppm in reserve.
    let reserve = Ppm::new(90_000).unwrap();
    let low = Battery { charge: Ppm::new(280_000).unwrap(), reserve, drain_ppm_per_s: 10_000 };
    let busy = Availability::Busy { task: TaskId(9) };
    let agents = [
        Agent { battery: Some(Battery { charge: Ppm::ONE, ..low }), ..robot(1, 2) },
        Agent { battery: Some(low), ..robot(2, 1) },
        Agent { availability: busy, ..robot(3, 0) },
        nurse(4, 1),
        Agent { speed: MmPerS(500), ..robot(5, 2) },
        Agent { availability: Availability::Failed, ..nurse(6, 2) },
    ];
    let site = corridor();
    let question = Question { site: site.clone(), task: visit(), agents: agents.to_vec(), waits: AT_ONCE };
    assert_eq!(
        explained(&question).1.in_words(&SiteNames { site: &site, agents: &agents }),
        "r1 goes: it reaches pharmacy in 8.0 s, rule DSP-001. It is done in 18.0 s: way 8.0 s, ways between places 0.0 s, \
         work 10.0 s; its battery is at 100.0 % and must hold 35.0 %: task 18.0 %, way to a charger 8.0 %, reserve 9.0 %; \
         it is there 8.0 s before the next. Next come r5 (8.0 s later), n4 (4.0 s sooner). Why not r3 (8.0 s nearer)? It \
         is taken up with task t9; but for that it would have won, rule DSP-005. Why not r2 (4.0 s nearer)? Its battery is \
         at 28.0 %, the task, the way to a charger and its reserve take 31.0 %; with that it would have won, rule DSP-007. \
         Why not n4 (4.0 s nearer)? People are asked only when no robot can, and of those there are 2; but for that it \
         would have won, rule DSP-008. Refused: 2 by rule DSP-005 (r3, n6); 1 by rule DSP-007 (r2)."
    );
}

#[test]
fn where_nobody_can_everybody_is_told_what_stood_against_it() {
    let uv = BTreeSet::from([Skill("uv".into())]);
    let agents = [
        robot(1, 2),
        Agent { payload_g: 1, ..robot(2, 0) },
        Agent { skills: uv.clone(), payload_g: 4, ..nurse(3, 1) },
    ];
    let site = corridor();
    let task = Task { skills: uv, payload_g: 5, ..visit() };
    let question = Question { site: site.clone(), task, agents: agents.to_vec(), waits: AT_ONCE };
    assert_eq!(
        explained(&question).1.in_words(&SiteNames { site: &site, agents: &agents }),
        "nobody can go to pharmacy now and the task stays open, rule DSP-012. Why not r2 (0.0 s away)? It has 0 of the 1 \
         skills; but for that rule DSP-003 would have refused it, rule DSP-002. Why not n3 (4.0 s away)? It carries 4 g, \
         the load is 5 g; but for that it would have won, rule DSP-003. Why not r1 (8.0 s away)? It has 0 of the 1 skills; \
         but for that it would have won, rule DSP-002. Refused: 2 by rule DSP-002 (r1, r2); 1 by rule DSP-003 (n3)."
    );
}
