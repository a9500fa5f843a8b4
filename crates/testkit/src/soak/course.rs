//! Where cases are played: junctions in a row with bays beside them, narrow stretches, a way around, a door, a lift.
//!
//! Robots rest and work in bays, which are dead ends, so whoever rests is in nobody's way: without that some cases
//! could not be resolved by anybody.

use std::{collections::BTreeSet, sync::Arc};

use sheepdog_core::{LaneId, Mm, ResourceId, WaypointId};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, Resource, Site,
    model::{Door, Lane, Level, Lift, Waypoint},
};

use super::dice::Dice;

/// Footprints: radius, and speed in millimetres a tick.
pub(super) const CLASSES: [(Mm, u32); 3] = [(Mm(250), 250), (Mm(350), 200), (Mm(700), 125)];
/// Declared envelope of every class.
const MARGIN: Mm = Mm(50);
/// Distance between junctions, and from a junction to its bays, metres.
const PITCH_M: f64 = 3.0;
/// Pieces of a narrow stretch.
const STRETCH: usize = 4;
/// Length of one of them, metres.
const PIECE_M: f64 = 1.5;

/// A compiled site, and what a case needs to know of it.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) site: Arc<CompiledSite>,
    /// Dead ends.
    pub(super) bays: Vec<WaypointId>,
    /// Lanes of stretches in which two robots cannot pass each other.
    pub(super) narrow: BTreeSet<LaneId>,
    /// What may be closed for a while: doors, lifts, one-lane corridors, places on narrow stretches.
    pub(super) closable: Vec<ResourceId>,
}

#[derive(Debug)]
struct Draft {
    site: Site,
    bays: Vec<String>,
    narrow: BTreeSet<String>,
}

impl Course {
    /// Draws a site and compiles it. `None` if it does not compile, which is a defect of this module.
    pub(super) fn draw(dice: &mut Dice) -> Option<Self> {
        let mut draft = Draft { site: Site::new("soak"), bays: Vec::new(), narrow: BTreeSet::new() };
        draft.row("a", 4 + dice.below(3), dice);
        if dice.chance(35) {
            draft.row("b", 2 + dice.below(2), dice);
            draft.lift();
        }
        let class = |index: usize, radius| FootprintClass::round(format!("class-{index}"), radius, MARGIN);
        let classes = CLASSES.iter().enumerate().map(|(index, (radius, _))| class(index, *radius)).collect();
        let site = draft.site.compile(&CompileOptions::new(classes)).ok()?;
        let waypoint = |name: &String| site.waypoint_named(name);
        let is_narrow = |at: WaypointId| site.waypoint(at).is_some_and(|at| draft.narrow.contains(&at.name));
        let lanes = (0..).map(LaneId).zip(site.lanes());
        let narrow = lanes.filter(|(_, lane)| is_narrow(lane.from) || is_narrow(lane.to));
        let resources = (0..).map(ResourceId).zip(site.resources());
        let closable = resources.filter(|(_, resource)| match resource {
            Resource::Door(_) | Resource::Lift(_) | Resource::Corridor(_) => true,
            Resource::Place(at) => is_narrow(*at),
            Resource::Overlap(..) | Resource::Group(_) => false,
        });
        Some(Self {
            bays: draft.bays.iter().filter_map(waypoint).collect(),
            narrow: narrow.map(|(id, _)| id).collect(),
            closable: closable.map(|(id, _)| id).collect(),
            site: Arc::new(site),
        })
    }

    /// Whether the site has a lift, and a door.
    pub(super) fn passages(&self) -> (bool, bool) {
        (!self.site.lifts().is_empty(), !self.site.doors().is_empty())
    }
}

impl Draft {
    /// A level with junctions in a row, bays north and south, and narrow stretches between some.
    fn row(&mut self, level: &str, junctions: u64, dice: &mut Dice) {
        self.site.levels.push(Level::new(level, if level == "a" { 0.0 } else { 4.0 }));
        let narrow_at = 1 + dice.below(junctions - 1);
        let mut x_m = 0.0;
        for index in 0..junctions {
            let name = format!("{level}{index}");
            if 0 < index {
                let before = format!("{level}{}", index - 1);
                if index == narrow_at || dice.chance(20) {
                    x_m = self.stretch(level, (&before, &name), x_m, dice.chance(50));
                } else {
                    if index != narrow_at + 1 && dice.chance(25) && self.site.doors.is_empty() {
                        let middle_m = x_m + PITCH_M / 2.0;
                        let (from, to) = ([middle_m, -1.0], [middle_m, 1.0]);
                        self.site.doors.push(Door::new(format!("door {level}"), level, from, to));
                    }
                    self.join(&before, &name);
                    x_m += PITCH_M;
                }
            }
            self.site.waypoints.push(Waypoint::new(name.as_str(), level, x_m, 0.0));
            for side in [1.0, -1.0] {
                if dice.chance(85) || index == 0 {
                    self.bay(level, &name, x_m, side * PITCH_M);
                }
            }
        }
        if level == "a" && dice.chance(30) {
            self.way_around(level, junctions, x_m, dice.chance(50));
        }
    }

    /// Pieces in a row on which nobody can pass; returns where they end.
    fn stretch(&mut self, level: &str, (from, to): (&str, &str), x_m: f64, is_corridor: bool) -> f64 {
        let mut before = from.to_owned();
        for piece in 1..=STRETCH {
            let last = piece == STRETCH;
            let next = if last { to.to_owned() } else { format!("{from}-{piece}") };
            let lane = Lane::two_way(before.as_str(), next.as_str());
            let inner = 1 < piece && !last;
            self.site.lanes.push(if is_corridor && inner {
                lane.in_corridor(format!("{from} {to}"))
            } else {
                lane
            });
            if !last {
                #[expect(clippy::cast_precision_loss, reason = "a few pieces")]
                let at_m = x_m + piece as f64 * PIECE_M;
                self.site.waypoints.push(Waypoint::new(next.as_str(), level, at_m, 0.0));
                self.narrow.insert(next.clone());
            }
            before = next;
        }
        #[expect(clippy::cast_precision_loss, reason = "a few pieces")]
        let end_m = x_m + STRETCH as f64 * PIECE_M;
        end_m
    }

    /// A second way between the ends of a row, south of its bays; for one direction alone if told so.
    fn way_around(&mut self, level: &str, junctions: u64, x_m: f64, one_way: bool) {
        let corners = [
            (x_m + PITCH_M, 0.0),
            (x_m + PITCH_M, -2.0 * PITCH_M),
            (-PITCH_M, -2.0 * PITCH_M),
            (-PITCH_M, 0.0),
        ];
        let mut before = format!("{level}{}", junctions - 1);
        for (index, (x_m, y_m)) in corners.into_iter().enumerate() {
            let name = format!("{level}-around-{index}");
            self.site.waypoints.push(Waypoint::new(name.as_str(), level, x_m, y_m));
            self.site.lanes.push(Lane { bidirectional: !one_way, ..Lane::two_way(before, name.as_str()) });
            before = name;
        }
        let last = Lane::two_way(before, format!("{level}0"));
        self.site.lanes.push(Lane { bidirectional: !one_way, ..last });
    }

    /// A lift north of the first junctions' bays, between both rows.
    fn lift(&mut self) {
        let (north_m, door_m) = (3.0 * PITCH_M, 2.5 * PITCH_M);
        let mut lift = Lift::new("lift", [-PITCH_M, north_m], 2.4, 2.4);
        for level in ["a", "b"] {
            lift = lift.with_door(level, [-PITCH_M - 1.1, door_m], [-PITCH_M + 1.1, door_m]);
            let (lobby, cabin) = (format!("{level}-lobby"), format!("{level}-cabin"));
            self.site.waypoints.push(Waypoint::new(lobby.as_str(), level, -PITCH_M, PITCH_M));
            self.site.waypoints.push(Waypoint::new(cabin.as_str(), level, -PITCH_M, north_m).in_lift("lift"));
            self.join(&format!("{level}0"), &lobby);
            self.join(&lobby, &cabin);
        }
        self.site.lifts.push(lift);
    }

    fn bay(&mut self, level: &str, junction: &str, x_m: f64, y_m: f64) {
        let name = format!("bay-{}", self.bays.len());
        self.site.waypoints.push(Waypoint::new(name.as_str(), level, x_m, y_m));
        self.join(junction, &name);
        self.bays.push(name);
    }

    fn join(&mut self, a: &str, b: &str) {
        self.site.lanes.push(Lane::two_way(a, b));
    }
}
