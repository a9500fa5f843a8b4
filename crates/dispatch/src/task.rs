//! What is to be done.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sheepdog_core::{FleetTime, Micros, RuleId, TaskId, WaypointId, wire::Action};
use sheepdog_map::CompiledSite;

use crate::{
    AgentKind, RULES, SOURCES_MAX, Skill, TSK_001, TSK_002, TSK_003, TSK_004, TSK_005, TSK_006, TSK_007,
    TSK_008,
};

/// The most steps a task may have.
pub const STEPS_MAX: usize = 32;
/// The most gates a step may have.
pub const GATES_MAX: usize = 8;
/// The longest a step may take: 24 hours.
pub const STEP_DURATION_MAX: Micros = Micros::from_secs(24 * 3600);
/// The longest name, skill, key or role, in bytes.
pub const NAME_LENGTH_MAX: usize = 128;
/// The most skills a task may ask for.
pub(crate) const SKILLS_MAX: usize = 32;

/// Something to be done at one or more places, by one agent, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Which one.
    pub id: TaskId,
    /// What people call it, such as `medicine to bed 12`.
    pub name: String,
    /// When it was asked for.
    pub requested: FleetTime,
    /// When it should be done.
    pub deadline: Option<FleetTime>,
    /// How much it matters against other tasks; higher goes first. Who does it does not depend on it.
    pub priority: u8,
    /// What the agent must be able to do.
    pub skills: BTreeSet<Skill>,
    /// The heaviest load on board, grams.
    pub payload_g: u32,
    /// Who may do it.
    pub performers: Performers,
    /// What to do, in order.
    pub steps: Vec<Step>,
}

/// Who may do a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Performers {
    /// Robots; people are asked when no robot can.
    RobotsFirst,
    /// Robots alone.
    RobotsOnly,
    /// People of these kinds alone.
    PeopleOnly(BTreeSet<AgentKind>),
}

impl Performers {
    /// People of every kind.
    pub fn people() -> Self {
        Self::PeopleOnly(BTreeSet::from([AgentKind::Technician, AgentKind::Nurse]))
    }

    /// Whether agents of that kind may do the task.
    pub fn allow(&self, kind: AgentKind) -> bool {
        match self {
            Self::RobotsFirst => true,
            Self::RobotsOnly => !kind.is_person(),
            Self::PeopleOnly(kinds) => kind.is_person() && kinds.contains(&kind),
        }
    }

    pub(crate) fn check(&self, field: &str) -> Result<(), TaskError> {
        let Self::PeopleOnly(kinds) = self else {
            return Ok(());
        };
        require(!kinds.is_empty() && kinds.iter().all(|kind| kind.is_person()), TSK_006, || {
            (field.into(), format!("{kinds:?}"))
        })
    }
}

/// One thing to do at one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Where.
    pub place: WaypointId,
    /// What.
    pub action: Action,
    /// How long it takes at least.
    pub duration: Micros,
    /// What must be true before it starts; all of them.
    pub gates: Vec<Gate>,
}

/// Something that must be true before a step starts. [`Facts`](crate::Facts) answers whether it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Enough devices agree on one quantity, for example two that take a heart rate.
    ///
    /// The two readings that each device took last count, as long as they are fresh: a single one that contradicts the others
    /// closes the gate until it is too old.
    Consistent {
        /// The quantity, for example `heart_rate:bed-12`.
        key: String,
        /// How many devices must have a fresh reading; 1 to 8.
        sources: u8,
        /// How old a reading may be.
        max_age: Micros,
        /// How far the readings may lie apart, in the key's unit.
        spread_max: i64,
        /// The lowest acceptable value.
        at_least: Option<i64>,
        /// The highest acceptable value.
        at_most: Option<i64>,
    },
    /// The newest fresh reading of every source has one value.
    Fact {
        /// The quantity.
        key: String,
        /// The value.
        equals: i64,
        /// How old a reading may be.
        max_age: Micros,
    },
    /// Somebody in a role has approved this very step.
    Approved {
        /// The role, for example `ward-lead`.
        role: String,
    },
}

/// Why a task was refused: which field, which value, which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{field} is {value}; rule {rule}: {}", text(*rule))]
pub struct TaskError {
    /// The field, for example `steps[2].duration`.
    pub field: String,
    /// What it holds.
    pub value: String,
    /// The rule it breaks.
    pub rule: RuleId,
}

fn text(rule: RuleId) -> &'static str {
    RULES.iter().find(|known| known.id == rule).map_or("", |known| known.text)
}

impl Task {
    /// Checks the task as a whole against a site; linear in its size.
    ///
    /// # Errors
    /// The first broken `TSK` rule, in the order of the fields.
    pub fn check(&self, site: &CompiledSite) -> Result<(), TaskError> {
        check_text("name", &self.name)?;
        check_deadline(self.requested, self.deadline)?;
        let skills = self.skills.len();
        require(skills <= SKILLS_MAX, TSK_007, || ("skills".into(), format!("{skills} skills")))?;
        self.skills.iter().try_for_each(|skill| check_text("skills", &skill.0))?;
        self.performers.check("performers")?;
        let steps = self.steps.len();
        require((1..=STEPS_MAX).contains(&steps), TSK_001, || ("steps".into(), format!("{steps} steps")))?;
        for (index, step) in self.steps.iter().enumerate() {
            step.check("steps", index, site)?;
        }
        self.check_loads()
    }

    /// How long the work at all places takes at least, without the ways between them.
    pub fn work(&self) -> Micros {
        work(&self.steps)
    }

    fn check_loads(&self) -> Result<(), TaskError> {
        let mut on_board = 0_usize;
        for (index, step) in self.steps.iter().enumerate() {
            on_board = match step.action {
                Action::Attend => Some(on_board),
                Action::Load => on_board.checked_add(1),
                Action::Unload => on_board.checked_sub(1),
            }
            .ok_or_else(|| TaskError {
                field: format!("steps[{index}].action"),
                value: "unload with nothing on board".into(),
                rule: TSK_003,
            })?;
        }
        require(on_board == 0, TSK_003, || ("steps".into(), format!("{on_board} loads left on board")))
    }
}

impl Step {
    pub(crate) fn check(&self, list: &str, index: usize, site: &CompiledSite) -> Result<(), TaskError> {
        let field = |name: &str| format!("{list}[{index}].{name}");
        require(site.waypoint(self.place).is_some(), TSK_002, || (field("place"), self.place.to_string()))?;
        require(self.duration <= STEP_DURATION_MAX, TSK_004, || {
            (field("duration"), self.duration.to_string())
        })?;
        let gates = self.gates.len();
        require(gates <= GATES_MAX, TSK_005, || (field("gates"), format!("{gates} gates")))?;
        for (number, gate) in self.gates.iter().enumerate() {
            gate.check(&field(&format!("gates[{number}]")))?;
        }
        Ok(())
    }
}

impl Gate {
    pub(crate) fn check(&self, at: &str) -> Result<(), TaskError> {
        match self {
            Self::Consistent { key, sources, max_age, spread_max, at_least, at_most } => {
                check_text(&format!("{at}.key"), key)?;
                let possible = 1 <= *sources && usize::from(*sources) <= SOURCES_MAX;
                require(possible, TSK_005, || (format!("{at}.sources"), sources.to_string()))?;
                check_age(at, *max_age)?;
                require(0 <= *spread_max, TSK_005, || (format!("{at}.spread_max"), spread_max.to_string()))?;
                let (Some(low), Some(high)) = (at_least, at_most) else {
                    return Ok(());
                };
                require(low <= high, TSK_005, || (format!("{at}.at_least"), format!("{low}, above {high}")))
            }
            Self::Fact { key, equals: _, max_age } => {
                check_text(&format!("{at}.key"), key)?;
                check_age(at, *max_age)
            }
            Self::Approved { role } => check_text(&format!("{at}.role"), role),
        }
    }
}

pub(crate) fn work(steps: &[Step]) -> Micros {
    steps.iter().fold(Micros::ZERO, |sum, step| sum.saturating_add(step.duration))
}

pub(crate) fn check_deadline(requested: FleetTime, deadline: Option<FleetTime>) -> Result<(), TaskError> {
    let Some(deadline) = deadline else { return Ok(()) };
    require(requested <= deadline, TSK_008, || ("deadline".into(), deadline.to_string()))
}

fn check_age(at: &str, max_age: Micros) -> Result<(), TaskError> {
    require(Micros::ZERO < max_age, TSK_005, || (format!("{at}.max_age"), max_age.to_string()))
}

pub(crate) fn check_text(field: &str, text: &str) -> Result<(), TaskError> {
    let length = text.len();
    require((1..=NAME_LENGTH_MAX).contains(&length), TSK_007, || {
        (field.into(), format!("{length} bytes long"))
    })
}

pub(crate) fn require(
    holds: bool,
    rule: RuleId,
    what: impl FnOnce() -> (String, String),
) -> Result<(), TaskError> {
    if holds {
        return Ok(());
    }
    let (field, value) = what();
    Err(TaskError { field, value, rule })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{corridor, visit};

    fn broken(task: &Task) -> Option<(String, RuleId)> {
        let error = task.check(&corridor()).err()?;
        assert!(error.to_string().contains(error.rule.as_str()), "{error}");
        assert!(RULES.iter().any(|rule| rule.id == error.rule));
        Some((error.field, error.rule))
    }

    fn refused(task: &Task) -> (String, RuleId) {
        broken(task).unwrap()
    }

    fn step() -> Step {
        visit().steps.remove(0)
    }

    fn steps(actions: &[Action]) -> Task {
        Task { steps: actions.iter().map(|action| Step { action: *action, ..step() }).collect(), ..visit() }
    }

    fn gated(gate: Gate) -> Task {
        Task { steps: vec![Step { gates: vec![gate], ..step() }], ..visit() }
    }

    fn vitals(sources: u8, max_age: Micros, spread_max: i64, bounds: (Option<i64>, Option<i64>)) -> Task {
        let (at_least, at_most) = bounds;
        gated(Gate::Consistent { key: "pulse".into(), sources, max_age, spread_max, at_least, at_most })
    }

    #[test]
    fn one_to_thirty_two_steps_are_allowed() {
        assert_eq!(broken(&steps(&[Action::Attend; STEPS_MAX])), None);
        assert_eq!(refused(&steps(&[Action::Attend; STEPS_MAX + 1])), ("steps".into(), TSK_001));
        assert_eq!(refused(&steps(&[])), ("steps".into(), TSK_001));
    }

    #[test]
    fn loads_and_unloads_pair_up() {
        use Action::{Attend, Load, Unload};
        assert_eq!(broken(&steps(&[Load, Attend, Unload])), None);
        assert_eq!(broken(&steps(&[Load, Load, Unload, Unload])), None);
        assert_eq!(refused(&steps(&[Load, Attend])), ("steps".into(), TSK_003));
        assert_eq!(refused(&steps(&[Attend, Unload, Load])), ("steps[1].action".into(), TSK_003));
        // A load may weigh nothing worth writing down.
        assert_eq!(broken(&Task { payload_g: 0, ..steps(&[Load, Unload]) }), None);
    }

    #[test]
    fn places_and_durations_are_checked_where_they_stand() {
        let at =
            |place, duration| Task { steps: vec![step(), Step { place, duration, ..step() }], ..visit() };
        let last = WaypointId(u32::try_from(corridor().waypoints().len()).unwrap() - 1);
        assert_eq!(broken(&at(last, STEP_DURATION_MAX)), None);
        assert_eq!(refused(&at(WaypointId(last.0 + 1), Micros::ZERO)), ("steps[1].place".into(), TSK_002));
        let too_long = STEP_DURATION_MAX.saturating_add(Micros::new(1));
        assert_eq!(refused(&at(last, too_long)), ("steps[1].duration".into(), TSK_004));
    }

    #[test]
    fn a_gate_that_can_never_open_is_refused() {
        let second = Micros::from_secs(1);
        assert_eq!(broken(&vitals(8, second, 0, (Some(3), Some(3)))), None);
        for (task, field) in [
            (vitals(0, second, 0, (None, None)), "sources"),
            (vitals(9, second, 0, (None, None)), "sources"),
            (vitals(1, Micros::ZERO, 0, (None, None)), "max_age"),
            (vitals(1, second, -1, (None, None)), "spread_max"),
            (vitals(1, second, 0, (Some(4), Some(3))), "at_least"),
        ] {
            assert_eq!(refused(&task), (format!("steps[0].gates[0].{field}"), TSK_005));
        }
        let nameless = gated(Gate::Fact { key: String::new(), equals: 1, max_age: second });
        assert_eq!(refused(&nameless), ("steps[0].gates[0].key".into(), TSK_007));
        let anybody = gated(Gate::Approved { role: String::new() });
        assert_eq!(refused(&anybody), ("steps[0].gates[0].role".into(), TSK_007));
        let approved = Gate::Approved { role: "ward-lead".into() };
        let many = Task { steps: vec![Step { gates: vec![approved; GATES_MAX + 1], ..step() }], ..visit() };
        assert_eq!(refused(&many), ("steps[0].gates".into(), TSK_005));
    }

    #[test]
    fn performers_names_and_deadlines_make_sense() {
        let open_to = |kinds: &[AgentKind]| Task {
            performers: Performers::PeopleOnly(kinds.iter().copied().collect()),
            ..visit()
        };
        assert_eq!(broken(&open_to(&[AgentKind::Nurse])), None);
        assert_eq!(refused(&open_to(&[])), ("performers".into(), TSK_006));
        assert_eq!(refused(&open_to(&[AgentKind::Nurse, AgentKind::Robot])), ("performers".into(), TSK_006));
        assert_eq!(refused(&Task { name: String::new(), ..visit() }), ("name".into(), TSK_007));
        let long = "x".repeat(NAME_LENGTH_MAX + 1);
        assert_eq!(refused(&Task { skills: [Skill(long)].into(), ..visit() }), ("skills".into(), TSK_007));
        let requested = FleetTime::from_micros(5);
        let due = |micros| Task { requested, deadline: Some(FleetTime::from_micros(micros)), ..visit() };
        assert_eq!(broken(&due(5)), None);
        assert_eq!(refused(&due(4)), ("deadline".into(), TSK_008));
    }
}
