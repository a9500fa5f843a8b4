//! The rules this crate decides by.

use sheepdog_core::{Rule, RuleId};

macro_rules! rules {
    ($($name:ident $id:literal $text:literal because $why:literal;)*) => {
        $(
            #[doc = $text]
            pub const $name: RuleId = RuleId::new($id);
        )*

        /// Every rule of this crate, sorted by id. None of them stops a robot.
        pub const RULES: &[Rule] = &[
            $(Rule::new($name, $text, $why),)*
        ];
    };
}

rules! {
    DSP_001 "DSP-001" "The available agent that reaches the first place of a task soonest gets the task; ties go to the lowest id."
        because "Waiting is what people notice; a total order makes the choice repeatable.";
    DSP_002 "DSP-002" "An agent has every skill a task asks for."
        because "A task started by somebody who cannot finish it is started twice.";
    DSP_003 "DSP-003" "A task's load is at most what the agent can carry, in grams."
        because "Overload lengthens the stopping distance and breaks lifts and arms.";
    DSP_004 "DSP-004" "An agent's shift covers the time from now to the predicted end of the task."
        because "Nobody is called before work begins or kept after it ends.";
    DSP_005 "DSP-005" "An agent that is busy, asked, stopped, silent, out of order or removed gets no task."
        because "A task given to somebody who may not react is a task lost.";
    DSP_006 "DSP-006" "An agent reaches every place of a task in order, through lanes and doors that its footprint fits."
        because "A robot that cannot finish its way blocks somebody else's.";
    DSP_007 "DSP-007" "A battery lasts for the whole task and the way from its last place to the nearest charger, and keeps its reserve, in parts per million."
        because "A robot that dies in a corridor blocks it until it is carried away.";
    DSP_008 "DSP-008" "People are asked only when no robot can do a task that robots may do."
        because "People's time is what the robots are there to save.";
    DSP_009 "DSP-009" "A person who declined is not asked again before the cool-down ends."
        because "Asking in a loop teaches people to ignore the question.";
    DSP_010 "DSP-010" "Only the kinds of agent that a task names do it."
        because "Some work is for people only, some must not need them.";
    DSP_011 "DSP-011" "A robot may stand at every place of a task."
        because "No release ends on a sill, in a door swing or in a one-lane corridor.";
    DSP_012 "DSP-012" "A task that nobody can do now stays open and its owner is told why."
        because "A task is never dropped in silence.";
    DSP_013 "DSP-013" "An agent is certified for the tier that is asked for, or for a higher one."
        because "Some work is only for those who have shown that they can do it.";
    DSP_014 "DSP-014" "No place of a task lies on a level or in a zone that an agent may not enter."
        because "Who may be where is decided by those who answer for the place.";
    DSP_015 "DSP-015" "Whom the operator forbids a task is not asked, and nobody but the one whom the operator gave it to."
        because "Who answers for the place knows what no map tells.";
    DSP_016 "DSP-016" "Nobody is asked before the rung of the task's ladder that is for them."
        because "Robots are there to spare people, and the operator is the last resort.";
    DSP_017 "DSP-017" "Nobody is asked while somebody may still act on the task, or while kept free for a crew that comes first."
        because "Nothing is done by two, and those who are needed together have to meet some time.";
    GAT_001 "GAT-001" "A step waits for readings of enough devices, none older than its gate allows and none from the future."
        because "Absence of evidence never opens a gate.";
    GAT_002 "GAT-002" "Fresh readings behind a gate differ by no more than the gate allows."
        because "Two readings that contradict each other prove nothing.";
    GAT_003 "GAT-003" "No fresh reading behind a gate is below its lower limit."
        because "The limit says from where on the step is safe or useful.";
    GAT_004 "GAT-004" "No fresh reading behind a gate is above its upper limit."
        because "The limit says up to where the step is safe or useful.";
    GAT_005 "GAT-005" "The newest fresh reading of every source equals the value the gate asks for."
        because "One source that says otherwise is reason enough to wait.";
    GAT_006 "GAT-006" "A step that needs an approval waits until somebody in that role has given it for this step."
        because "A person answers for the steps a machine must not start alone.";
    GAT_007 "GAT-007" "Where a ninth device of a key has reported, a gate waits until what was forgotten for it would be too old."
        because "What a device said that is not known any more may have been against it.";
    ORD_001 "ORD-001" "A ladder has at most 16 rungs, each with at most eight gates, none of which is an approval; telling the operator needs none."
        because "Every loop has a bound, and an approval belongs to a step.";
    ORD_002 "ORD-002" "A task waits for at most 64 others, all of which were asked for before it."
        because "Tasks that wait for each other in a circle are never done.";
    ORD_003 "ORD-003" "Beside whoever does the steps of a task, at most seven others have to be there."
        because "Those who are there wait for the last.";
    ORD_004 "ORD-004" "What is done when a task is cancelled has at most 16 steps and takes nothing on board."
        because "Cancelling ends a task, it does not begin another.";
    ORD_005 "ORD-005" "Nothing is asked for in the future."
        because "Waits are counted from the request on.";
    ORD_006 "ORD-006" "Tasks of schedules have numbers of their own, wait for nothing else, and come a second apart at least."
        because "One number is one task, and a clock that jumps must not drown everything else.";
    TSK_001 "TSK-001" "A task has between one and 32 steps."
        because "Every loop has a bound, and a task without steps is never done.";
    TSK_002 "TSK-002" "Every place of a task is a waypoint of the site."
        because "A robot is never sent to a place the map does not have.";
    TSK_003 "TSK-003" "Loads and unloads pair up: nothing is handed over before it was taken, nothing is left on board."
        because "A robot that ends a task with a load on board cannot take the next.";
    TSK_004 "TSK-004" "A step takes at most 24 hours."
        because "A longer step is a mistaken unit, and it would hold its place for days.";
    TSK_005 "TSK-005" "Every gate can open: it names a key or role, 1 to 8 readings, a positive age, limits in order; a step has at most 8."
        because "A gate that can never open is a task that is never done.";
    TSK_006 "TSK-006" "A task for people names at least one kind of person and no robot."
        because "A task that nobody may do is never done.";
    TSK_007 "TSK-007" "Names, skills, keys and roles have 1 to 128 bytes; a task asks for at most 32 skills."
        because "Records stay short enough to keep all of them.";
    TSK_008 "TSK-008" "A task's deadline is not before its request."
        because "Such a task was late before it existed: a mistaken clock or unit.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_spelt_well_and_listed_once_in_order() {
        assert!(RULES.iter().all(|rule| rule.id.as_str() != "INT-000"));
        assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
    }

    #[test]
    fn no_rule_of_dispatch_stops_a_robot() {
        assert!(RULES.iter().all(|rule| rule.category.is_none()));
    }
}
