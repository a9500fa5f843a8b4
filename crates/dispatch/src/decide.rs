//! The decision: bids, refusals, and who it is.

use serde::{Deserialize, Serialize};
use sheepdog_core::{AgentId, FleetTime, Micros, RuleId, TaskId, WaypointId};
use sheepdog_map::{CompiledSite, travel::Waits};

use crate::{Agent, DSP_001, DSP_008, DSP_012, Performers, Refusal, Task, Trips, eligible};

/// What an agent that may and can do a task offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bid {
    /// The agent.
    pub agent: AgentId,
    /// Whether it is a person, who is asked.
    pub person: bool,
    /// Travel time from now to the first place, waits for doors and lifts included.
    pub arrival: Micros,
    /// Time from now to the end of the task: all ways and all work, without waits for gates.
    pub finish: Micros,
}

impl Bid {
    /// What bids are sorted by: robots before people, then by arrival, then by id.
    pub(crate) const fn rank(&self) -> (bool, Micros, AgentId) {
        (self.person, self.arrival, self.agent)
    }
}

/// Who does a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A robot is told to.
    Award {
        /// The robot.
        agent: AgentId,
        /// Travel time from now to the first place.
        arrival: Micros,
        /// Time from now to the end of the task.
        finish: Micros,
        /// Why it and no other: `DSP-001`.
        rule: RuleId,
    },
    /// A person is asked.
    AskPerson {
        /// The person.
        agent: AgentId,
        /// Travel time from now to the first place.
        arrival: Micros,
        /// Time from now to the end of the task.
        finish: Micros,
        /// Why a person: `DSP-008` when no robot can, `DSP-001` when the task is for people.
        rule: RuleId,
    },
    /// Nobody; the task stays open.
    None {
        /// `DSP-012`.
        rule: RuleId,
        /// No refusal [may pass](Refusal::may_pass): nobody of this fleet can ever do the task as it stands.
        permanent: bool,
    },
}

impl Outcome {
    /// Who does the task, if anybody.
    pub const fn agent(&self) -> Option<AgentId> {
        match self {
            Self::Award { agent, .. } | Self::AskPerson { agent, .. } => Some(*agent),
            Self::None { .. } => None,
        }
    }

    /// The rule the outcome cites.
    pub const fn rule(&self) -> RuleId {
        match self {
            Self::Award { rule, .. } | Self::AskPerson { rule, .. } | Self::None { rule, .. } => *rule,
        }
    }
}

/// A decision with everything that is needed to ask "why?": every agent is in exactly one of the two lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The task.
    pub task: TaskId,
    /// Where it starts.
    pub place: Option<WaypointId>,
    /// When it should be done.
    pub deadline: Option<FleetTime>,
    /// When the decision was made.
    pub at: FleetTime,
    /// Who does it.
    pub outcome: Outcome,
    /// Who could do it, best first: robots before people, then by arrival, then by id. The first is the outcome.
    pub bids: Vec<Bid>,
    /// Who could not and why, by id.
    pub refusals: Vec<Refusal>,
}

/// Decides who does a task.
///
/// The nearest available eligible agent by true travel time to the first place, ties to the lowest id; robots before
/// people. It depends on neither the order of `agents` nor on those that are refused.
///
/// One Dijkstra per distinct travel profile and place, then O(agents · (log agents + steps)). For 50 agents with
/// batteries and three places on 1 024 waypoints: 0.15 ms with one profile, 0.5 ms with three (release build, median
/// on a busy two-core x86-64 machine).
pub fn decide(
    site: &CompiledSite,
    task: &Task,
    agents: &[Agent],
    waits: &dyn Waits,
    now: FleetTime,
) -> Decision {
    decide_with(&mut Trips::new(site, waits), task, agents, now)
}

/// [`decide`] with travel times that are shared with other tasks.
pub fn decide_with(trips: &mut Trips<'_>, task: &Task, agents: &[Agent], now: FleetTime) -> Decision {
    let (mut bids, mut refusals) = (Vec::new(), Vec::new());
    for agent in agents {
        match eligible(agent, task, now, trips) {
            Ok(bid) => bids.push(bid),
            Err(refusal) => refusals.push(refusal),
        }
    }
    bids.sort_unstable_by_key(Bid::rank);
    refusals.sort_by_key(|refusal| refusal.agent);
    Decision {
        task: task.id,
        place: task.steps.first().map(|step| step.place),
        deadline: task.deadline,
        at: now,
        outcome: outcome(&task.performers, bids.first(), &refusals),
        bids,
        refusals,
    }
}

fn outcome(performers: &Performers, best: Option<&Bid>, refusals: &[Refusal]) -> Outcome {
    match best {
        None => Outcome::None { rule: DSP_012, permanent: !refusals.iter().any(Refusal::may_pass) },
        Some(&Bid { agent, person: false, arrival, finish }) => {
            Outcome::Award { agent, arrival, finish, rule: DSP_001 }
        }
        Some(&Bid { agent, person: true, arrival, finish }) => {
            let rule = match performers {
                Performers::RobotsFirst => DSP_008,
                Performers::RobotsOnly | Performers::PeopleOnly(_) => DSP_001,
            };
            Outcome::AskPerson { agent, arrival, finish, rule }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
    use sheepdog_core::{MmPerS, Ppm};
    use sheepdog_map::model::Role;

    use super::*;
    use crate::{
        Availability, Battery, DSP_004, DSP_006, DSP_007, DSP_009, DSP_013, RULES, Shift, Skill,
        check_decision,
        fixture::{NOW, Question, Table, compile, corridor, corridor_site, nurse, questions, robot, visit},
    };

    const AT_ONCE: Table = Table { door: Micros::ZERO, odd_door: Micros::ZERO, lift: Micros::ZERO };

    fn decided(question: &Question) -> Decision {
        decide(&question.site, &question.task, &question.agents, &question.waits, NOW)
    }

    fn at_corridor(task: &Task, agents: &[Agent]) -> Decision {
        let decision = decide(&corridor(), task, agents, &AT_ONCE, NOW);
        assert_eq!(check_decision(&corridor(), task, agents, &AT_ONCE, NOW, &decision), Ok(()));
        decision
    }

    fn refused_by(decision: &Decision) -> Vec<(u32, RuleId)> {
        decision.refusals.iter().map(|refusal| (refusal.agent.0, refusal.rule)).collect()
    }

    #[test]
    fn the_nearest_robot_goes_and_ties_go_to_the_lowest_id() {
        let decision = at_corridor(&visit(), &[robot(3, 1), robot(2, 1), robot(1, 2)]);
        let order: Vec<_> = decision.bids.iter().map(|bid| (bid.agent.0, bid.arrival)).collect();
        let four = Micros::from_secs(4);
        assert_eq!(order, [(2, four), (3, four), (1, Micros::from_secs(8))]);
        let (arrival, finish) = (four, Micros::from_secs(14));
        assert_eq!(decision.outcome, Outcome::Award { agent: AgentId(2), arrival, finish, rule: DSP_001 });
    }

    #[test]
    fn a_nearer_person_is_asked_only_when_no_robot_can() {
        let decision = at_corridor(&visit(), &[nurse(1, 0), robot(2, 2)]);
        assert_eq!(decision.outcome.agent(), Some(AgentId(2)));
        let broken = Agent { availability: Availability::Failed, ..robot(2, 2) };
        let decision = at_corridor(&visit(), &[nurse(1, 0), broken]);
        assert!(matches!(decision.outcome, Outcome::AskPerson { agent: AgentId(1), rule: DSP_008, .. }));
        let for_people = Task { performers: Performers::people(), ..visit() };
        let decision = at_corridor(&for_people, &[nurse(1, 0), robot(2, 0)]);
        assert!(matches!(decision.outcome, Outcome::AskPerson { agent: AgentId(1), rule: DSP_001, .. }));
        let for_robots = Task { performers: Performers::RobotsOnly, ..visit() };
        let decision = at_corridor(&for_robots, &[nurse(1, 0)]);
        assert_eq!(decision.outcome, Outcome::None { rule: DSP_012, permanent: true });
    }

    #[test]
    fn a_shift_covers_its_first_instant_and_the_whole_task() {
        // 4 s of way and 10 s of work.
        let end = NOW + Micros::from_secs(14);
        let before = FleetTime::from_micros(NOW.as_micros() - 1);
        let just_after = NOW + Micros::new(1);
        for (from, to, bids) in [
            (NOW, end, true),
            (just_after, end, false),
            (NOW, FleetTime::from_micros(end.as_micros() - 1), false),
            (before, NOW, false),
        ] {
            let agent = Agent { shift: Some(Shift { from, to }), ..nurse(1, 1) };
            let decision = at_corridor(&visit(), &[agent]);
            assert_eq!(!decision.bids.is_empty(), bids, "{from} to {to}");
            assert_eq!(refused_by(&decision), if bids { vec![] } else { vec![(1, DSP_004)] });
        }
    }

    #[test]
    fn a_battery_pays_for_task_way_to_the_charger_and_reserve_to_the_last_part_per_million() {
        // 4 s there, 10 s of work, 8 s to the dock: 22 s at 1 000 ppm/s, and 50 000 ppm in reserve.
        let battery = |charge| Battery {
            charge: Ppm::new(charge).unwrap(),
            reserve: Ppm::new(50_000).unwrap(),
            drain_ppm_per_s: 1_000,
        };
        let with = |charge| Agent { battery: Some(battery(charge)), ..robot(1, 1) };
        assert_eq!(at_corridor(&visit(), &[with(72_000)]).outcome.agent(), Some(AgentId(1)));
        let decision = at_corridor(&visit(), &[with(71_999)]);
        assert_eq!(refused_by(&decision), [(1, DSP_007)]);
        let evidence = decision.refusals[0].evidence;
        assert_eq!((evidence.measured, evidence.limit), (71_999, 72_000));
        // It can be charged, so the task may wait for it.
        assert_eq!(decision.outcome, Outcome::None { rule: DSP_012, permanent: false });
        let hungry = Battery { drain_ppm_per_s: 100_000, ..battery(1_000_000) };
        let decision = at_corridor(&visit(), &[Agent { battery: Some(hungry), ..robot(1, 1) }]);
        assert_eq!(decision.outcome, Outcome::None { rule: DSP_012, permanent: true });
    }

    #[test]
    fn a_charger_where_the_robot_may_not_stand_is_none() {
        let mut site = corridor_site();
        site.waypoints[1].roles = vec![Role::Charger, Role::Passthrough];
        let site = compile(&site);
        // 4 s there, 10 s of work; 4 s to the charger in passing, 8 s to the dock.
        let charge = |charge| Battery {
            charge: Ppm::new(charge).unwrap(),
            reserve: Ppm::ZERO,
            drain_ppm_per_s: 1_000,
        };
        for (level, goes) in [(22_000, true), (21_999, false)] {
            let agents = [Agent { battery: Some(charge(level)), ..robot(1, 1) }];
            let decision = decide(&site, &visit(), &agents, &AT_ONCE, NOW);
            assert_eq!(decision.outcome.agent().is_some(), goes, "{level} ppm");
            assert_eq!(check_decision(&site, &visit(), &agents, &AT_ONCE, NOW, &decision), Ok(()));
        }
    }

    #[test]
    fn a_decline_holds_until_its_end_and_speed_zero_goes_nowhere() {
        let declined = |until| Agent { availability: Availability::Declined { until }, ..nurse(1, 1) };
        assert_eq!(refused_by(&at_corridor(&visit(), &[declined(NOW + Micros::new(1))])), [(1, DSP_009)]);
        assert_eq!(at_corridor(&visit(), &[declined(NOW)]).outcome.agent(), Some(AgentId(1)));
        let parked = Agent { speed: MmPerS::ZERO, ..robot(1, 0) };
        assert_eq!(refused_by(&at_corridor(&visit(), &[parked])), [(1, DSP_006)]);
    }

    #[test]
    fn a_decision_survives_serialisation() {
        let skilled = Task { skills: BTreeSet::from([Skill("uv".into())]), ..visit() };
        let decision = at_corridor(&skilled, &[robot(1, 0), nurse(2, 0)]);
        let text = serde_json::to_string(&decision).unwrap();
        assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision);
        let bytes = postcard::to_allocvec(&decision).unwrap();
        assert_eq!(postcard::from_bytes::<Decision>(&bytes).unwrap(), decision);
    }

    /// The properties below mean something only if drawn questions reach every rule and every outcome.
    #[test]
    fn drawn_questions_reach_every_rule_and_outcome() {
        let mut runner = TestRunner::deterministic();
        let (mut rules, mut awards, mut ties) = (BTreeSet::new(), 0, 0);
        for _ in 0..600 {
            let question = questions().new_tree(&mut runner).unwrap().current();
            let decision = decided(&question);
            rules.extend(decision.refusals.iter().map(|refusal| refusal.rule));
            rules.insert(decision.outcome.rule());
            awards += u32::from(matches!(decision.outcome, Outcome::Award { .. }));
            let tie = |pair: &[Bid]| pair[0].arrival == pair[1].arrival && pair[0].person == pair[1].person;
            ties += u32::from(decision.bids.windows(2).take(1).any(tie));
        }
        // Certification and access are asked of rosters, the rest by dispatchers.
        let ours = RULES.iter().map(|rule| rule.id).filter(|id| id.as_str().starts_with("DSP"));
        let ours = ours.filter(|id| *id < DSP_013);
        assert_eq!(rules, ours.collect());
        assert!(60 < awards, "{awards} awards");
        assert!(10 < ties, "{ties} ties for the first place");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_024))]

        /// The decision is what other code makes of the same question: the nearest by Bellman-Ford, every refusal for
        /// the first rule that fires, with its values.
        #[test]
        fn the_decision_agrees_with_the_oracle(question in questions()) {
            let Question { site, task, agents, waits } = &question;
            let decision = decided(&question);
            prop_assert_eq!(check_decision(site, task, agents, waits, NOW, &decision), Ok(()));
        }

        /// Times that are remembered are those that would be found: one memo through a question twice, and through another site.
        #[test]
        fn a_memo_changes_nothing(one in questions(), other in questions()) {
            let mut memo = crate::TripMemo::default();
            for question in [&one, &one, &other] {
                // A memo is for one table of waits, whatever the site.
                let Question { site, task, agents, .. } = question;
                let mut trips = Trips::new(site, &one.waits).with_memo(memo);
                let decision = decide_with(&mut trips, task, agents, NOW);
                prop_assert_eq!(decision, decide(site, task, agents, &one.waits, NOW));
                memo = trips.into_memo();
            }
        }

        /// No order of the agents changes the decision.
        #[test]
        fn the_order_of_the_agents_does_not_matter(
            (question, shuffled) in questions().prop_flat_map(|question| {
                let shuffled = Just(question.agents.clone()).prop_shuffle();
                (Just(question), shuffled)
            }),
        ) {
            let decision = decided(&question);
            prop_assert_eq!(decided(&Question { agents: shuffled, ..question }), decision);
        }

        /// An agent that is refused adds its refusal and changes nothing else.
        #[test]
        fn a_refused_agent_changes_nothing_but_its_refusal(question in questions(), at in 0_usize..12) {
            prop_assume!(!question.agents.is_empty());
            let decision = decided(&question);
            let mut fewer = question.clone();
            let left = fewer.agents.remove(at % fewer.agents.len()).id;
            prop_assume!(decision.refusals.iter().any(|refusal| refusal.agent == left));
            let mut expected = decision;
            expected.refusals.retain(|refusal| refusal.agent != left);
            let mut found = decided(&fewer);
            // Whether time may help depends on all refusals.
            if let (Outcome::None { permanent, .. }, Outcome::None { permanent: right, .. }) =
                (&mut found.outcome, &expected.outcome)
            {
                *permanent = *right;
            }
            prop_assert_eq!(found, expected);
        }

        /// Every refusal can be evaluated again, and cites a rule of the catalogue.
        #[test]
        fn every_refusal_can_be_evaluated_again(question in questions()) {
            for refusal in decided(&question).refusals {
                prop_assert!(refusal.evidence.holds());
                prop_assert_eq!(refusal.evidence.rule, refusal.rule);
                prop_assert!(RULES.iter().any(|rule| rule.id == refusal.rule));
            }
        }
    }
}
