//! What a dispatcher is told, and what it says.

use serde::{Deserialize, Serialize};
use sheepdog_core::{
    AgentId, FleetTime, Micros, TaskId, WaypointId,
    wire::{Fact, StepToken},
};

use super::{Order, Schedule};
use crate::{AgentKind, FactError, TaskError};

/// One event. What a dispatcher knows is a function of these, their times, and the decisions that it was let make.
///
/// Messages of agents may come late, twice, in another order or never: all of them carry a token, and one that is not in
/// force any more changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Somebody wants something done. The same order again is the same task.
    Submit(Box<Order>),
    /// Nobody wants it any more. What has been begun ends with the steps for that.
    Cancel(TaskId),
    /// It matters more or less than it did, or is wanted at another time.
    Change {
        /// Which task.
        task: TaskId,
        /// Higher goes first.
        priority: u8,
        /// When it should be done.
        deadline: Option<FleetTime>,
    },
    /// Something is wanted again and again; a schedule of the same number is replaced.
    Repeat(Box<Schedule>),
    /// Not any more; what has come due is left as it is.
    EndRepeat(u32),
    /// An agent is there to take tasks, or not: on shift and well, or off, silent, charging. It keeps what it has.
    Agent {
        /// Who; below [`AGENTS_MAX`](crate::nearest::AGENTS_MAX).
        agent: AgentId,
        /// What it is; the same for good.
        kind: AgentKind,
        /// Where it is, or will be able to turn.
        at: WaypointId,
        /// Whether it takes tasks.
        takes_tasks: bool,
    },
    /// An agent says where it is, and what it goes on with: its lease of that becomes longer.
    Alive {
        /// Who.
        agent: AgentId,
        /// Where it is, or will be able to turn.
        at: WaypointId,
        /// What it acts on.
        on: Option<StepToken>,
    },
    /// An agent answers an offer.
    Answer {
        /// Who.
        agent: AgentId,
        /// The offer.
        token: StepToken,
        /// Whether it takes the task.
        accepted: bool,
    },
    /// An agent has done a step, and with it all before it. It says so until it is [heard](Effect::Heard).
    StepDone {
        /// Who.
        agent: AgentId,
        /// The step.
        token: StepToken,
    },
    /// An agent cannot go on, and has stopped acting on the task.
    Failed {
        /// Who.
        agent: AgentId,
        /// Its step.
        token: StepToken,
    },
    /// An agent has taken in a [withdrawal](Effect::Withdraw): it does not act on that award any more.
    Released {
        /// Who.
        agent: AgentId,
        /// What was withdrawn.
        token: StepToken,
    },
    /// An agent is out of order or was carried away: it acts on nothing, and will not by itself.
    Lost {
        /// Who.
        agent: AgentId,
        /// Where it, and what it has on board, is.
        at: WaypointId,
    },
    /// Whom the task is for does not want a robot: a person comes. A robot that a crew needs beside whoever does the steps still
    /// does, where its seat is for robots only.
    RobotUnwelcome(TaskId),
    /// A reading that gates may wait for.
    Fact(Fact),
    /// The operator wants one agent to do a task and nobody else, or leaves it open again.
    Pin {
        /// Which task.
        task: TaskId,
        /// Who.
        agent: Option<AgentId>,
    },
    /// The operator does not want an agent to do a task, or has nothing against it any more.
    Forbid {
        /// Which task.
        task: TaskId,
        /// Who.
        agent: AgentId,
        /// Whether it is forbidden.
        forbidden: bool,
    },
    /// The operator takes a decision back, by its number.
    Undo(u64),
}

/// What a dispatcher wants done or written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// An agent is offered a task, from a step on. It answers, or the offer lapses.
    Offer {
        /// The number by which the decision can be taken back.
        decision: u64,
        /// Who.
        agent: AgentId,
        /// Which task, award and step.
        token: StepToken,
        /// Until when.
        until: FleetTime,
    },
    /// All whom the task needs have accepted: an agent begins, and may act until its lease lapses.
    Begin {
        /// Who.
        agent: AgentId,
        /// Which task, award and step.
        token: StepToken,
        /// Until when.
        until: FleetTime,
    },
    /// An agent may go on for longer.
    Lease {
        /// Who.
        agent: AgentId,
        /// Which task, award and step.
        token: StepToken,
        /// Until when.
        until: FleetTime,
    },
    /// What an agent said of a step has arrived, whatever has become of the task. It says so until then.
    Heard {
        /// Who.
        agent: AgentId,
        /// The step.
        token: StepToken,
    },
    /// An agent must stop acting on an award and all before it, for good; it answers [`Event::Released`].
    Withdraw {
        /// Who.
        agent: AgentId,
        /// What it was about.
        token: StepToken,
    },
    /// A task was taken away from whoever had it.
    Withdrawn {
        /// Which task.
        task: TaskId,
        /// Why.
        reason: Reason,
    },
    /// A load must be fetched from an agent that cannot bring it; people are asked.
    HandOver {
        /// Which task.
        task: TaskId,
        /// Who has the load.
        from: AgentId,
        /// Where.
        at: WaypointId,
    },
    /// Everything has been done.
    Done {
        /// Which task.
        task: TaskId,
        /// Who did the last step.
        agent: AgentId,
    },
    /// A task is over without having been done.
    Cancelled {
        /// The number by which the decision can be taken back, if nobody had begun.
        decision: Option<u64>,
        /// Which task.
        task: TaskId,
    },
    /// A task that was over is not: somebody who had it tells that its load is on board. It is cancelled again at once, and the
    /// load brought back.
    Reopened {
        /// Which task.
        task: TaskId,
    },
    /// What an operator wanted is in force.
    Noted {
        /// The number by which the decision can be taken back.
        decision: u64,
        /// Which task.
        task: TaskId,
    },
    /// A decision was taken back.
    Undone {
        /// Its number.
        decision: u64,
    },
    /// The operator is needed.
    Alarm {
        /// Which task.
        task: TaskId,
        /// Why.
        alarm: Alarm,
    },
    /// An occurrence of a schedule came due and is a task now.
    Due {
        /// The schedule.
        schedule: u32,
        /// The task.
        task: TaskId,
        /// When the next one is due.
        next: FleetTime,
    },
    /// Occurrences of a schedule were left out.
    Skipped {
        /// The schedule.
        schedule: u32,
        /// The first that was left out.
        first: u32,
        /// How many were.
        count: u32,
        /// Why.
        reason: SkipReason,
    },
}

/// Why a task was taken away from somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// The agent did not answer or was not heard of in time.
    Lapsed,
    /// The agent declined.
    Declined,
    /// The agent could not go on.
    Failed,
    /// The agent is out of order or was carried away.
    Lost,
    /// The operator wants somebody else, or not this one.
    Operator,
    /// Nobody wants it any more.
    Cancelled,
    /// Whom it is for wants no robot.
    Unwelcome,
    /// Somebody who had it before had done the step already.
    Overtaken,
    /// Somebody else would be there much sooner.
    Sooner,
}

/// Why the operator is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alarm {
    /// The ladder has come to its end and nobody has taken the task.
    Nobody,
    /// It should have been done by now.
    Late,
    /// A task that had to be done before was cancelled: this one waits until it is cancelled too.
    Predecessor(TaskId),
    /// Whoever has its load on board has not been heard of.
    CarrierSilent(AgentId),
    /// All whom it needs could not be brought together in time.
    CrewIncomplete,
    /// Somebody tells of a load that it took on board under an award of long ago, and that nobody counts on: the operator must see
    /// where it is.
    StrayLoad(AgentId),
    /// Whoever has it is there, but has done no step for longer than the step takes and [`Patience::alarm`].
    Stuck(AgentId),
}

/// Why an occurrence of a schedule was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SkipReason {
    /// The one before was not over.
    StillOpen,
    /// The next one was due already.
    Missed,
    /// There was no room for another task.
    NoRoom,
}

/// Why an event was refused. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum EventError {
    /// The order breaks a rule.
    #[error("task {task}: {error}")]
    Order {
        /// Which task.
        task: TaskId,
        /// What is wrong.
        error: TaskError,
    },
    /// The number is that of another task, or lies below numbers that were used long ago.
    #[error("task {task} is another one: a number is used once")]
    Taken {
        /// The number.
        task: TaskId,
    },
    /// There are too many tasks already.
    #[error("task {task} would be one more than the {limit} that may be open")]
    Full {
        /// Which task.
        task: TaskId,
        /// How many there may be.
        limit: u32,
    },
    /// No such task is open.
    #[error("task {task} is not open")]
    NotOpen {
        /// Which task.
        task: TaskId,
    },
    /// Somebody unknown.
    #[error("agent {agent} has not joined")]
    UnknownAgent {
        /// Who.
        agent: AgentId,
    },
    /// The agent cannot join like that.
    #[error("agent {agent} cannot join: {problem}")]
    Agent {
        /// Who.
        agent: AgentId,
        /// What is wrong.
        problem: &'static str,
    },
    /// No such decision can be taken back.
    #[error("decision {decision} cannot be taken back: {problem}")]
    Undo {
        /// Which one.
        decision: u64,
        /// Why not.
        problem: &'static str,
    },
    /// Its load is on board of somebody: nobody else can do it.
    #[error("the load of task {task} is on board of agent {agent}")]
    Loaded {
        /// Which task.
        task: TaskId,
        /// Who.
        agent: AgentId,
    },
    /// There is no schedule of that number.
    #[error("schedule {schedule} does not exist")]
    UnknownSchedule {
        /// The number.
        schedule: u32,
    },
    /// There are too many schedules already.
    #[error("schedule {schedule} would be one more than the {limit} that there may be")]
    SchedulesFull {
        /// Which one.
        schedule: u32,
        /// How many there may be.
        limit: usize,
    },
    /// The reading is refused.
    #[error(transparent)]
    Fact(#[from] FactError),
}

/// How patient a dispatcher is. Each counts as a second at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// An offer that is not answered for so long lapses.
    pub offer: Micros,
    /// A robot that is not heard of for so long must stop acting on its task, and loses it unless it has a load.
    pub robot: Micros,
    /// The same for people, who are not heard of between steps: beside the time that their step takes.
    pub person: Micros,
    /// A load is fetched from somebody whose lease lapsed so long ago.
    pub carrier: Micros,
    /// Whoever declined, failed or did not answer is not offered the same task again for so long.
    pub cool_down: Micros,
    /// Without a ladder, people are asked when a task has waited for robots for so long.
    pub people_after: Micros,
    /// Without a ladder, the operator is told when nobody has taken a task for so long after the last who were asked; and again
    /// each time so much longer. With or without, it is told when whoever has a task gets no further.
    pub alarm: Micros,
    /// Open tasks are looked at again after so long though nothing was told: gates open, batteries fill, doors open.
    pub look_again: Micros,
    /// A task is taken from whoever is on its way to it, without a load, when somebody else would be there so much sooner; not
    /// again before [`cool_down`](Self::cool_down) is over.
    pub gain: Micros,
    /// A task that needs several waits this long before agents are kept free for it, and they are kept for this long.
    pub gather: Micros,
}

impl Patience {
    /// The same with at least a second of each: less would end before it began.
    pub(super) fn or_a_second(self) -> Self {
        let least = |span: Micros| span.max(Micros::from_secs(1));
        Self {
            offer: least(self.offer),
            robot: least(self.robot),
            person: least(self.person),
            carrier: least(self.carrier),
            cool_down: least(self.cool_down),
            people_after: least(self.people_after),
            alarm: least(self.alarm),
            look_again: least(self.look_again),
            gain: least(self.gain),
            gather: least(self.gather),
        }
    }
}

impl Default for Patience {
    /// Offers lapse after 45 s, robots after 10 s, people after 20 min, loads are fetched after a minute, nobody is asked again
    /// for 3 min, people after 10 min, the operator after 30 min, a look at what is open every 10 s, others are sent who are 2 min sooner there, crews gather for 5 min.
    fn default() -> Self {
        Self {
            offer: Micros::from_secs(45),
            robot: Micros::from_secs(10),
            person: Micros::from_secs(1_200),
            carrier: Micros::from_secs(60),
            cool_down: Micros::from_secs(180),
            people_after: Micros::from_secs(600),
            alarm: Micros::from_secs(1_800),
            look_again: Micros::from_secs(10),
            gain: Micros::from_secs(120),
            gather: Micros::from_secs(300),
        }
    }
}
