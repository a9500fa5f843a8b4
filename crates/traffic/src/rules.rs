//! The rules that a withheld move or an unserved goal cites.

use sheepdog_core::{Rule, RuleId};

/// Waits for a resource that another robot holds or visits first.
pub const TRF_001: RuleId = RuleId::new("TRF-001");
/// No route to the goal.
pub const TRF_002: RuleId = RuleId::new("TRF-002");
/// The goal gave way to robots of higher priority.
pub const TRF_003: RuleId = RuleId::new("TRF-003");
/// The goal overlaps a place that is taken.
pub const TRF_004: RuleId = RuleId::new("TRF-004");
/// The robot works before it leaves.
pub const TRF_005: RuleId = RuleId::new("TRF-005");
/// The robot stands where it cannot be planned for.
pub const TRF_006: RuleId = RuleId::new("TRF-006");
/// No release may end at the goal.
pub const TRF_007: RuleId = RuleId::new("TRF-007");
/// No plan serves anybody.
pub const TRF_008: RuleId = RuleId::new("TRF-008");
/// Only the next part of a way is planned.
pub const TRF_009: RuleId = RuleId::new("TRF-009");
/// Goes first because whoever would have gone first is not there yet.
pub const TRF_010: RuleId = RuleId::new("TRF-010");
/// Waits because a mover that nobody plans for is there.
pub const TRF_011: RuleId = RuleId::new("TRF-011");
/// Waits because a mover that nobody plans for will be there.
pub const TRF_012: RuleId = RuleId::new("TRF-012");
/// A mover that nobody plans for waits.
pub const TRF_013: RuleId = RuleId::new("TRF-013");

/// The catalogue of this crate's rules, by id.
pub const RULES: &[Rule] = &[
    Rule::new(
        TRF_001,
        "A move is granted only when the robot comes first at every resource the move claims.",
        "Two robots that claim one resource would touch; the planned order keeps waits free of cycles.",
    ),
    Rule::new(
        TRF_002,
        "A robot with no route to its goal that avoids closed parts and robots standing still is not sent.",
        "Half a way to a place that cannot be reached blocks others and serves nobody.",
    ),
    Rule::new(
        TRF_003,
        "When no joint plan serves every goal, the goals of lowest priority wait for the next plan.",
        "Serving the most urgent robots now is better than serving none.",
    ),
    Rule::new(
        TRF_004,
        "Of goals that overlap, the one of highest priority is kept; none, and no visit, may overlap a robot that cannot move.",
        "Two robots cannot rest in one place; visits may share one, because they come after each other.",
    ),
    Rule::new(
        TRF_005,
        "A robot that rests where its next visit is does its work there before it is moved.",
        "Its load, its arm or a person at it may be in reach; and who is sent away on arrival never works.",
    ),
    Rule::new(
        TRF_006,
        "A robot is planned for only where the site is known and nobody else holds what it stands on.",
        "Every move begins by holding the place the robot is at.",
    ),
    Rule::new(
        TRF_007,
        "No goal lies where no release may end: on a sill, in a door swing, in a lift, in a one-lane corridor.",
        "A robot at rest there would block a passage for as long as it likes.",
    ),
    Rule::new(
        TRF_008,
        "When no plan that serves anybody is found within the step budget, nobody moves.",
        "Planning has a bound; standing still is always valid.",
    ),
    Rule::new(
        TRF_009,
        "Of a way that is long for the number of robots, a plan covers what comes first; the next plans cover the rest.",
        "What is planned far ahead does not come true, and costs time that the next instants need.",
    ),
    Rule::new(
        TRF_010,
        "A robot that waits only for the turn of one that is late, or has farther to it than the robot needs to be out of the way, goes first if all moves can still be carried out.",
        "The planned order is worth keeping only while robots are as punctual as it assumed.",
    ),
    Rule::new(
        TRF_011,
        "No move is granted that claims what a mover is on that nobody plans for and that is at least noticed.",
        "Who drives or pushes it has not promised to give way.",
    ),
    Rule::new(
        TRF_012,
        "No move is granted that claims what such a mover says it will be on, if it is respected or was admitted.",
        "It has the right of way, or was told that it may go.",
    ),
    Rule::new(
        TRF_013,
        "Such a mover that asks first is admitted to its whole way at once, when nobody holds a part of it and nobody has a turn where it will stay.",
        "On a part of its way it could wait for a robot that waits for it.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_and_well_spelt() {
        assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert!(RULES.iter().all(|rule| rule.id.as_str().starts_with("TRF-")));
    }
}
