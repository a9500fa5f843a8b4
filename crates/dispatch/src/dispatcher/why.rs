//! What stands between a task and an agent.

use std::fmt;

use sheepdog_core::{AgentId, FleetTime, RuleId, TaskId};

use super::{
    Call, Dispatcher, Rung, Scout, Seat, Status,
    choose::companion,
    entry::{Entry, Phase, Shut},
};
use crate::{DSP_005, DSP_009, DSP_015, DSP_016, DSP_017, GateClosed, Refusal};

/// What stands between a task and an agent: the first of these that does, in this order.
///
/// Where nothing does, the agent was compared with others and these were better; see
/// [`BatchOptimal::why_not`](crate::policy::BatchOptimal::why_not) for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The task is over, or was never asked for.
    NoTask,
    /// Nobody knows the agent.
    NoAgent,
    /// The task does not look for anybody.
    Placed(Status),
    /// Somebody who had it may still act on it.
    StillActs {
        /// Who.
        agent: AgentId,
        /// Until then at most.
        until: FleetTime,
    },
    /// It has another task or was asked about one, or has a load of one on board that is to be fetched.
    Elsewhere {
        /// Which one.
        task: TaskId,
    },
    /// It takes no tasks.
    TakesNone,
    /// The operator gave it to somebody else.
    Pinned {
        /// To whom.
        to: AgentId,
    },
    /// The operator does not want it to have the task.
    Forbidden,
    /// It declined, did not answer or failed.
    CoolsDown {
        /// When it is asked again.
        until: FleetTime,
    },
    /// Only the operator is told of the task.
    NobodyAsked,
    /// Nobody of its kind is asked yet.
    TooEarly {
        /// Which rung of the ladder is meant for it, from zero.
        rung: usize,
        /// When that is due, if nobody takes the task before.
        due: FleetTime,
    },
    /// A gate before those of its kind is shut.
    Gate {
        /// Which rung of the ladder is meant for it, from zero.
        rung: usize,
        /// What keeps the gate shut.
        closed: GateClosed,
    },
    /// It may not or cannot do the task.
    Refused(Refusal),
    /// It is kept free for a crew that is not complete.
    Kept {
        /// The crew's task.
        task: TaskId,
        /// Until then at most.
        until: FleetTime,
    },
}

impl Obstacle {
    /// The rule behind it; `None` for what is no rule but how things stand: there is no such task or agent, or the task has
    /// somebody.
    pub const fn rule(&self) -> Option<RuleId> {
        match self {
            Self::NoTask | Self::NoAgent | Self::Placed(_) => None,
            Self::StillActs { .. } | Self::Kept { .. } => Some(DSP_017),
            Self::Elsewhere { .. } | Self::TakesNone => Some(DSP_005),
            Self::Pinned { .. } | Self::Forbidden => Some(DSP_015),
            Self::CoolsDown { .. } => Some(DSP_009),
            Self::NobodyAsked | Self::TooEarly { .. } => Some(DSP_016),
            Self::Gate { closed, .. } => Some(closed.rule),
            Self::Refused(refusal) => Some(refusal.rule),
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTask => f.write_str("there is no such task, or it is over"),
            Self::NoAgent => f.write_str("nobody knows such an agent"),
            Self::Placed(Status::Held) => f.write_str("the task waits for its time or for other tasks"),
            Self::Placed(Status::Open) => f.write_str("the task is open"),
            Self::Placed(Status::Offered { agent }) => write!(f, "{agent} has been asked"),
            Self::Placed(Status::Committed { agent }) => write!(f, "{agent} does it"),
            Self::Placed(Status::Loaded { agent }) => write!(f, "{agent} has its load on board"),
            Self::Placed(Status::Closing) => f.write_str("the task is cancelled"),
            Self::StillActs { agent, until } => write!(f, "{agent} had it and may act on it until {until}"),
            Self::Elsewhere { task } => write!(f, "it is taken up with task {task}"),
            Self::TakesNone => f.write_str("it takes no tasks"),
            Self::Pinned { to } => write!(f, "the operator gave the task to {to}"),
            Self::Forbidden => f.write_str("the operator does not want it to have the task"),
            Self::CoolsDown { until } => {
                write!(f, "it declined or failed and is not asked again before {until}")
            }
            Self::NobodyAsked => f.write_str("only the operator is told of the task"),
            Self::TooEarly { due, .. } => write!(f, "others are asked first, and it from {due} on"),
            Self::Gate { closed, .. } => write!(f, "nobody of its kind is asked: {}", closed.detail),
            Self::Refused(refusal) => f.write_str(&refusal.detail),
            Self::Kept { task, until } => write!(f, "it is kept free for task {task} until {until}"),
        }?;
        self.rule().map_or(Ok(()), |rule| write!(f, " ({rule})"))
    }
}

impl Dispatcher {
    /// What stands between an agent and a task, now; `None` when nothing does. Of a task that needs several, that it may be
    /// any of them; what is said is what stands against doing the steps.
    ///
    /// It says what [`decide`](Self::decide) would keep to at this moment: whoever is offered a task had nothing against it.
    /// Lift what it names, and the next in order applies, or nothing. O(log tasks + log agents + rungs) and as many questions to
    /// `scout` as there are rungs and seats; as much as a decision for the crew where agents are kept free for one. `None` also where the scout [cannot tell](Scout::refuses).
    pub fn why_not(&self, task: TaskId, agent: AgentId, scout: &mut dyn Scout) -> Option<Obstacle> {
        let Some(entry) = self.tasks.get(&task) else { return Some(Obstacle::NoTask) };
        let Some(member) = self.agents.get(&agent) else { return Some(Obstacle::NoAgent) };
        if entry.phase != Phase::Open {
            return self.status(task).map(Obstacle::Placed);
        }
        if let Some(former) = entry.former.iter().find(|former| self.now < former.until) {
            return Some(Obstacle::StillActs { agent: former.agent, until: former.until });
        }
        if let Some(task) = self.task_of(agent) {
            return Some(Obstacle::Elsewhere { task });
        }
        if !member.takes_tasks {
            return Some(Obstacle::TakesNone);
        }
        let against = self.against_leading(entry, agent, scout);
        if against.is_some() && self.against_coming(entry, agent, scout) {
            return against;
        }
        self.kept_for(agent, scout)
            .filter(|(of, _)| *of != task)
            .map(|(task, until)| Obstacle::Kept { task, until })
    }

    /// What the operator, a cool-down, the ladder or the scout say against an agent who would do the steps.
    fn against_leading(&self, entry: &Entry, agent: AgentId, scout: &mut dyn Scout) -> Option<Obstacle> {
        if let Some(to) = entry.pinned.filter(|to| *to != agent) {
            return Some(Obstacle::Pinned { to });
        }
        if entry.forbidden.contains(&agent) {
            return Some(Obstacle::Forbidden);
        }
        if let Some(until) = entry.cooling.get(&agent).copied().filter(|until| self.now < *until) {
            return Some(Obstacle::CoolsDown { until });
        }
        let mut refuses = |seats: &[&Seat]| {
            let call = Call { task: &entry.order.task, step: entry.step as usize, seats };
            scout.refuses(agent, &call)
        };
        let open = entry.seats(self.now, &self.facts);
        if !open.is_empty() && refuses(&open).is_none() {
            return None;
        }
        // Whoever no open rung is for may be meant by one that is not.
        let mut shut = entry.shut(self.now, &self.facts);
        if let Some((rung, _, closed)) = shut.find(|(_, seat, _)| refuses(&[*seat]).is_none()) {
            return Some(match closed {
                Shut::Until(due) => Obstacle::TooEarly { rung, due },
                Shut::By(closed) => Obstacle::Gate { rung, closed },
            });
        }
        let all: Vec<&Seat> = entry.ladder.iter().filter_map(Rung::seat).collect();
        if all.is_empty() {
            return Some(Obstacle::NobodyAsked);
        }
        refuses(&all).map(Obstacle::Refused)
    }

    /// Whether an agent cannot be there with whoever does the steps either.
    fn against_coming(&self, entry: &Entry, agent: AgentId, scout: &mut dyn Scout) -> bool {
        if !entry.allows(agent, false, self.now) || entry.seats(self.now, &self.facts).is_empty() {
            return true;
        }
        let companion = companion(&entry.order.task);
        !entry.order.crew.iter().any(|seat| {
            let call = Call { task: &companion, step: entry.step as usize, seats: &[seat] };
            scout.refuses(agent, &call).is_none()
        })
    }
}
