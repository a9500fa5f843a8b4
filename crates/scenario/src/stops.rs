//! What stops cost: how many there were by rule, how many of them nobody needed, and how long robots stood.

use std::collections::BTreeMap;

use sheepdog_core::{AgentId, Micros, RobotTime, RuleId, wire::StopEvent};
use sheepdog_interlock::rules::{EST_001, EST_002, EST_003};
use sheepdog_sim::Truth;

/// A stop was needless when nobody was this near to the robot, metres from edge to edge: the stop margin, and what a
/// person walks until a report has come.
pub const NEAR_M: f64 = 0.5;

/// Stops of all robots of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stops {
    by_rule: BTreeMap<RuleId, Figures>,
    /// Robots that stand, by which rule and since when.
    standing: BTreeMap<AgentId, (RuleId, RobotTime)>,
}

/// Stops of one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) all: u64,
    /// Those that nobody ordered while nobody was near.
    pub(crate) needless: u64,
    /// How long robots stood.
    pub(crate) lost: Micros,
}

impl Stops {
    /// Takes in a stop, or its end, with the truth about where everybody is.
    pub(crate) fn note(&mut self, agent: AgentId, event: &StopEvent, truth: &[Truth]) {
        let rule = event.evidence.rule;
        if event.stopped {
            let figures = self.by_rule.entry(rule).or_default();
            figures.all += 1;
            figures.needless += u64::from(!is_ordered(rule) && !is_somebody_near(agent, truth));
            self.standing.entry(agent).or_insert((rule, event.at));
        } else if let Some((rule, since)) = self.standing.remove(&agent) {
            let stood = event.at.since(since).unwrap_or(Micros::ZERO);
            let figures = self.by_rule.entry(rule).or_default();
            figures.lost = figures.lost.saturating_add(stood);
        }
    }

    pub(crate) fn by_rule(&self) -> impl Iterator<Item = (RuleId, Figures)> {
        self.by_rule.iter().map(|(rule, figures)| (*rule, *figures))
    }
}

fn is_ordered(rule: RuleId) -> bool {
    [EST_001, EST_002, EST_003].contains(&rule)
}

fn is_somebody_near(agent: AgentId, truth: &[Truth]) -> bool {
    let Some(robot) = truth.iter().find(|body| body.agent == Some(agent)) else { return true };
    truth.iter().filter(|body| body.agent != Some(agent) && body.level == robot.level).any(|body| {
        let apart_m = libm::hypot(body.x_m - robot.x_m, body.y_m - robot.y_m);
        apart_m - body.radius_m - robot.radius_m <= NEAR_M
    })
}

#[cfg(test)]
mod tests {
    use sheepdog_core::{Evidence, LevelId, Relation};
    use sheepdog_interlock::rules::{OBS_001, SSM_002};
    use sheepdog_sim::BodyKind;

    use super::*;

    fn body(agent: Option<u32>, x_m: f64) -> Truth {
        Truth {
            agent: agent.map(AgentId),
            kind: BodyKind::Robot,
            level: LevelId(0),
            x_m,
            y_m: 0.0,
            yaw_rad: 0.0,
            radius_m: 0.25,
            speed_mps: 0.0,
            battery: None,
        }
    }

    fn event(rule: RuleId, stopped: bool, at: u64) -> StopEvent {
        let evidence = Evidence { rule, measured: 0, relation: Relation::Below, limit: 1 };
        StopEvent { seq: 0, at: RobotTime::from_micros(at), stopped, evidence }
    }

    #[test]
    fn a_stop_is_needless_when_nobody_is_near_and_nobody_ordered_it() {
        let mut stops = Stops::default();
        let (near, far) = ([body(Some(1), 0.0), body(None, 1.0)], [body(Some(1), 0.0), body(None, 1.01)]);
        stops.note(AgentId(1), &event(SSM_002, true, 1_000_000), &near);
        stops.note(AgentId(1), &event(SSM_002, false, 3_000_000), &near);
        stops.note(AgentId(1), &event(SSM_002, true, 4_000_000), &far);
        stops.note(AgentId(1), &event(OBS_001, false, 4_500_000), &far);
        stops.note(AgentId(1), &event(EST_001, true, 5_000_000), &far);
        let all: Vec<_> =
            stops.by_rule().map(|(rule, Figures { all, needless, .. })| (rule, all, needless)).collect();
        assert_eq!(all, [(EST_001, 1, 0), (SSM_002, 2, 1)]);
        assert_eq!(stops.by_rule[&SSM_002].lost, Micros::from_millis(2_500));
    }
}
