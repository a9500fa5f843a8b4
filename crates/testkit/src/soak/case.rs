//! What a case is drawn from.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use sheepdog_core::{LaneId, ResourceId, WaypointId};
use sheepdog_map::CompiledSite;

use super::{
    TICKS_PER_S,
    control::Errand,
    course::{CLASSES, Course},
    dice::Dice,
};

/// Ticks after which nothing goes wrong any more.
const QUIET_FROM: u32 = 60 * TICKS_PER_S;

/// Robots on a site, what they have to do, and what goes wrong.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) number: u64,
    pub(super) course: Arc<Course>,
    pub(super) errands: Vec<Errand>,
    pub(super) trouble: Trouble,
}

/// What goes wrong until it is quiet.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    /// Of a hundred lanes that are begun, how many are begun late, and for how many ticks at most.
    pub(super) late_percent: u64,
    pub(super) late_max: u32,
    /// Of a hundred messages.
    pub(super) lost_percent: u64,
    pub(super) twice_percent: u64,
    /// Ticks that a message takes at most, so that they overtake each other.
    pub(super) on_air_max: u32,
    /// Who dies, and when.
    pub(super) deaths: Vec<(u32, usize)>,
    /// What is closed, from when to when.
    pub(super) closures: Vec<(u32, u32, ResourceId)>,
    /// From when on nothing of this happens.
    pub(super) quiet_from: u32,
}

impl Case {
    /// The case with this number on a site; several share one.
    pub(super) fn draw(seed: u64, number: u64, course: &Arc<Course>) -> Self {
        let mut dice = Dice::new(seed, number, 1);
        let bays = dice.shuffled(&course.bays);
        // Some bays are for work, and several may come there one after the other; the others are somebody's home.
        let (for_work, homes) = bays.split_at((bays.len() / 3).max(1));
        let count = (3 + dice.below(4)).min(homes.len() as u64);
        let starts = dice.shuffled(homes);
        let robots = homes.iter().zip(starts).take(usize::try_from(count).unwrap_or(3));
        let errands: Vec<Errand> = robots
            .map(|(&home, start)| {
                let class = [0, 0, 0, 1, 1, 2].get(usize::try_from(dice.below(6)).unwrap_or(0));
                let work = (0..=dice.below(2)).filter_map(|_| dice.pick(for_work));
                let work: Vec<WaypointId> = work.collect();
                let mut ticks = || u32::try_from(dice.below(20)).unwrap_or(0) + 1;
                let work = work.into_iter().map(|place| (place, ticks())).collect();
                Errand { class: class.copied().unwrap_or(0), start, work, home }
            })
            .collect();
        let trouble = Trouble::draw(&mut dice, course, errands.len());
        Self { number, course: Arc::clone(course), errands, trouble }
    }

    /// The same without anything that goes wrong.
    pub(super) fn undisturbed(&self) -> Self {
        Self { trouble: Trouble::default(), ..self.clone() }
    }

    /// Whether the shortest ways of two robots lead through a narrow stretch against each other.
    pub(super) fn is_head_on(&self) -> bool {
        let site = &self.course.site;
        let mut users: BTreeMap<LaneId, usize> = BTreeMap::new();
        let mut meets = false;
        for (robot, errand) in self.errands.iter().enumerate() {
            let mut at = errand.start;
            let mut lanes = Vec::new();
            for to in errand.work.iter().map(|work| work.0).chain([errand.home]) {
                lanes.extend(shortest(site, errand.class, at, to));
                at = to;
            }
            for id in lanes.into_iter().filter(|id| self.course.narrow.contains(id)) {
                let against = site.lane(id).and_then(|lane| users.get(&lane.reverse?));
                meets |= against.is_some_and(|other| *other != robot);
                users.insert(id, robot);
            }
        }
        meets
    }

    /// The case in words.
    pub(super) fn text(&self) -> String {
        let site = &self.course.site;
        let name = |at: WaypointId| site.waypoint(at).map_or("nowhere", |at| at.name.as_str());
        let mut text = String::new();
        for (robot, errand) in self.errands.iter().enumerate() {
            let radius = CLASSES.get(errand.class).map_or(0, |class| class.0.0);
            let work: Vec<String> = errand
                .work
                .iter()
                .map(|(place, ticks)| format!("{} ({ticks} ticks)", name(*place)))
                .collect();
            let (start, home) = (name(errand.start), name(errand.home));
            let _infallible =
                writeln!(text, "  a{robot}, {radius} mm: from {start} by {} to {home}", work.join(", "));
        }
        let lanes = site.lanes().iter().map(|lane| format!("{}-{}", name(lane.from), name(lane.to)));
        let _infallible = writeln!(text, "  lanes: {}", lanes.collect::<Vec<_>>().join(" "));
        let _infallible = writeln!(text, "  {:?}", self.trouble);
        text
    }
}

impl Trouble {
    fn draw(dice: &mut Dice, course: &Course, robots: usize) -> Self {
        let ticks = |seconds: u64| u32::try_from(seconds).unwrap_or(0).saturating_mul(TICKS_PER_S);
        let mut deaths = Vec::new();
        if dice.chance(25) {
            deaths.push((ticks(2 + dice.below(30)), usize::try_from(dice.below(robots as u64)).unwrap_or(0)));
        }
        let mut closures = Vec::new();
        if dice.chance(30) {
            let from = ticks(dice.below(35));
            closures
                .extend(dice.pick(&course.closable).map(|id| (from, from + ticks(5 + dice.below(20)), id)));
        }
        Self {
            late_percent: 5 + dice.below(15),
            late_max: ticks(1 + dice.below(8)),
            lost_percent: dice.below(25),
            twice_percent: dice.below(25),
            on_air_max: u32::try_from(1 + dice.below(6)).unwrap_or(1),
            deaths,
            closures,
            quiet_from: QUIET_FROM,
        }
    }
}

/// The lanes of the shortest way, by Bellman and Ford; empty if there is none.
fn shortest(site: &CompiledSite, class: usize, from: WaypointId, to: WaypointId) -> Vec<LaneId> {
    let mut best: BTreeMap<WaypointId, (i64, Option<LaneId>)> = BTreeMap::from([(from, (0, None))]);
    let usable = |id: LaneId| site.classes().get(class).is_some_and(|class| class.usable(id));
    loop {
        let mut changed = false;
        for (id, lane) in (0..).map(LaneId).zip(site.lanes()).filter(|(id, _)| usable(*id)) {
            let Some(&(way, _)) = best.get(&lane.from) else { continue };
            let way = way + i64::from(lane.length.0).max(1);
            if best.get(&lane.to).is_none_or(|known| way < known.0) {
                best.insert(lane.to, (way, Some(id)));
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    let mut lanes = Vec::new();
    let mut at = to;
    while let Some(&(_, Some(id))) = best.get(&at) {
        lanes.push(id);
        at = site.lane(id).map_or(from, |lane| lane.from);
    }
    lanes
}
