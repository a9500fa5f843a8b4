//! What is asked for: a task, who may do it from when on, what it waits for, and who else has to be there.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sheepdog_core::{FleetTime, Micros, TaskId, wire::Action};
use sheepdog_map::CompiledSite;

use crate::{
    GATES_MAX, Gate, ORD_001, ORD_002, ORD_003, ORD_004, ORD_005, ORD_006, Performers, Skill, Step, TSK_007,
    Task, TaskError,
    task::{SKILLS_MAX, check_text, require},
};

/// Rungs that a ladder may have.
pub const RUNGS_MAX: usize = 16;
/// Others who may have to be there.
pub const CREW_MAX: usize = 7;
/// Steps that may be done when a task is cancelled; bringing back what is on board is not among them.
pub const CANCEL_STEPS_MAX: usize = 16;
/// Tasks that one may wait for.
pub const AFTER_MAX: usize = 64;
/// Task numbers from here on belong to [schedules](Schedule).
pub const SCHEDULED: u64 = 1 << 63;

/// A task and everything that decides when and by whom it is done.
///
/// Made from a [`Task`]; then everything else is as usual:
///
/// ```
/// # use std::collections::BTreeSet;
/// # use sheepdog_core::{FleetTime, TaskId};
/// use sheepdog_dispatch::{Performers, Task, dispatcher::Order};
///
/// # let task = Task { id: TaskId(1), name: "visit".into(), requested: FleetTime::ZERO, deadline: None, priority: 1,
/// #     skills: BTreeSet::new(), payload_g: 0, performers: Performers::RobotsFirst, steps: Vec::new() };
/// let order = Order { after: vec![TaskId(7)], ..Order::from(task) };
/// assert!(order.ladder.is_empty(), "robots first, then people, then the operator");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// What is to be done. Its [`performers`](Task::performers) count only if there is no ladder.
    pub task: Task,
    /// Who may do it from when on; empty for what the task says.
    pub ladder: Vec<Rung>,
    /// Nobody is sent before.
    pub not_before: Option<FleetTime>,
    /// Tasks that must be done first.
    pub after: Vec<TaskId>,
    /// Others who must be there from the beginning to the end, beside whoever does the steps: all or nobody.
    pub crew: Vec<Seat>,
    /// What is done instead of the rest when the task is cancelled after its first step. Loads that are still on board then
    /// are brought back to where they were loaded.
    pub on_cancel: Vec<Step>,
}

impl From<Task> for Order {
    fn from(task: Task) -> Self {
        Self {
            task,
            ladder: Vec::new(),
            not_before: None,
            after: Vec::new(),
            crew: Vec::new(),
            on_cancel: Vec::new(),
        }
    }
}

/// A step of an escalation ladder: from some time on, others may do the task as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Who.
    pub whom: Whom,
    /// How long after the rung below it is due. Time runs whether the one below could be climbed or not.
    pub after: Micros,
    /// What must be true at the very moment when somebody is asked because of this rung; all of it. Approvals belong to
    /// steps and are refused here, and the operator is told in any case.
    pub gates: Vec<Gate>,
}

impl Rung {
    /// Which agents are asked because of it, if any.
    pub(super) fn seat(&self) -> Option<&Seat> {
        match &self.whom {
            Whom::Agents(seat) => Some(seat),
            Whom::Operator => None,
        }
    }
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// Agents, in addition to those of rungs below.
    Agents(Seat),
    /// The operator is told that nobody has taken the task, again and again.
    Operator,
}

/// Whoever fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// What they are.
    pub performers: Performers,
    /// What they can do, beside what the task asks for.
    pub skills: BTreeSet<Skill>,
    /// The tier that they are certified for at least; zero for none.
    #[serde(default)]
    pub certification: u8,
}

impl From<Performers> for Seat {
    fn from(performers: Performers) -> Self {
        Self { performers, skills: BTreeSet::new(), certification: 0 }
    }
}

/// A task that comes again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Which one; below 2^31.
    pub id: u32,
    /// What comes; it waits for no other task and no time of its own. Its id and the time of its request are those of each occurrence; a deadline counts from
    /// [`FleetTime::ZERO`] as if that were the time of the request.
    pub order: Order,
    /// When it is due first.
    pub first: FleetTime,
    /// How long from one to the next.
    pub every: Micros,
}

impl Schedule {
    /// The task of an occurrence, counted from zero.
    pub fn task(id: u32, occurrence: u32) -> TaskId {
        TaskId(SCHEDULED | u64::from(id) << 32 | u64::from(occurrence))
    }

    /// So many intervals later.
    pub(super) fn later(&self, time: FleetTime, intervals: u32) -> FleetTime {
        time + Micros::new(self.every.as_micros().saturating_mul(intervals.into()))
    }

    /// The first time after another at which it is due.
    pub(super) fn first_after(&self, last: Option<FleetTime>) -> FleetTime {
        let Some(since) = last.and_then(|last| last.since(self.first)) else { return self.first };
        let passed = since.as_micros() / self.every.as_micros().max(1);
        self.first + Micros::new(self.every.as_micros().saturating_mul(passed.saturating_add(1)))
    }

    pub(super) fn order_of(&self, occurrence: u32, due: FleetTime) -> Order {
        let mut order = self.order.clone();
        order.task.id = Self::task(self.id, occurrence);
        order.task.requested = due;
        let within = self.order.task.deadline.and_then(|deadline| deadline.since(FleetTime::ZERO));
        order.task.deadline = within.map(|within| due + within);
        order
    }

    pub(super) fn check(&self, site: &CompiledSite) -> Result<(), TaskError> {
        require(self.id < 1 << 31, ORD_006, || ("id".into(), self.id.to_string()))?;
        require(Micros::from_secs(1) <= self.every, ORD_006, || ("every".into(), self.every.to_string()))?;
        let Order { after, not_before, .. } = &self.order;
        require(after.is_empty(), ORD_006, || ("after".into(), format!("{} tasks", after.len())))?;
        require(not_before.is_none(), ORD_006, || ("not_before".into(), format!("{not_before:?}")))?;
        self.order_of(0, self.first).check(site)
    }
}

impl Order {
    /// Checks the order as a whole against a site; linear in its size.
    ///
    /// # Errors
    /// The first broken rule of its task, then of what is around it.
    pub fn check(&self, site: &CompiledSite) -> Result<(), TaskError> {
        self.task.check(site)?;
        let rungs = self.ladder.len();
        require(rungs <= RUNGS_MAX, ORD_001, || ("ladder".into(), format!("{rungs} rungs")))?;
        for (number, rung) in self.ladder.iter().enumerate() {
            rung.check(number)?;
        }
        let (crew, after) = (self.crew.len(), self.after.len());
        require(crew <= CREW_MAX, ORD_003, || ("crew".into(), format!("{crew} seats")))?;
        for (number, seat) in self.crew.iter().enumerate() {
            seat.check(&format!("crew[{number}]"))?;
        }
        require(after <= AFTER_MAX, ORD_002, || ("after".into(), format!("{after} tasks")))?;
        let steps = self.on_cancel.len();
        require(steps <= CANCEL_STEPS_MAX, ORD_004, || ("on_cancel".into(), format!("{steps} steps")))?;
        for (number, step) in self.on_cancel.iter().enumerate() {
            let field = || format!("on_cancel[{number}].action");
            require(step.action != Action::Load, ORD_004, || (field(), "load".into()))?;
            step.check("on_cancel", number, site)?;
        }
        Ok(())
    }

    pub(super) fn check_requested(&self, now: FleetTime) -> Result<(), TaskError> {
        require(self.task.requested <= now, ORD_005, || ("requested".into(), self.task.requested.to_string()))
    }
}

impl Rung {
    fn check(&self, number: usize) -> Result<(), TaskError> {
        let gates = self.gates.len();
        let field = |name: &str| format!("ladder[{number}].{name}");
        require(gates <= GATES_MAX, ORD_001, || (field("gates"), format!("{gates} gates")))?;
        for gate in &self.gates {
            let is_approval = matches!(gate, Gate::Approved { .. });
            require(!is_approval, ORD_001, || (field("gates"), "an approval".into()))?;
            gate.check(&field("gates"))?;
        }
        match &self.whom {
            Whom::Agents(seat) => seat.check(&field("whom")),
            // Telling somebody that nobody came needs no proof.
            Whom::Operator => {
                require(gates == 0, ORD_001, || (field("gates"), format!("{gates} gates for the operator")))
            }
        }
    }
}

impl Seat {
    fn check(&self, field: &str) -> Result<(), TaskError> {
        self.performers.check(&format!("{field}.performers"))?;
        let skills = self.skills.len();
        require(skills <= SKILLS_MAX, TSK_007, || (format!("{field}.skills"), format!("{skills} skills")))?;
        self.skills.iter().try_for_each(|skill| check_text(&format!("{field}.skills"), &skill.0))
    }
}
