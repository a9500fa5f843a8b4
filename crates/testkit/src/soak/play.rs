//! A case from its beginning until nobody moves any more.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

use sheepdog_core::{LaneId, ResourceId, WaypointId};
use sheepdog_map::CompiledSite;

use super::{
    Order, TICKS_PER_S, Tamper,
    case::Case,
    control::{Control, agent},
    dice::Dice,
    world::{Did, World},
};

/// When nobody has moved or worked for so long, nobody will.
const STALLED: u32 = 45 * TICKS_PER_S;
/// No case takes longer.
const TICKS_MAX: u32 = 3_600 * TICKS_PER_S;
/// Ticks until control knows that a robot is dead.
const DEATH_KNOWN_AFTER: u32 = 3 * TICKS_PER_S;
/// Ticks between two reports of a robot to which nothing happens.
const REPORT_EVERY: u32 = 4;

/// What became of a case.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// What should not have happened, in words.
    pub(super) finding: Option<(Finding, String)>,
    /// Moves for which a robot had to wait for another.
    pub(super) conflicts: u64,
    /// Work done and homes reached.
    pub(super) items: u64,
    /// When the last of them was.
    pub(super) last: u32,
    pub(super) deaths: u64,
    /// How often a robot was put before another.
    pub(super) overtakings: u64,
    /// Robots that waited for a dead one in the end.
    pub(super) cut_off: u64,
}

/// Kinds of things that should not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finding {
    /// Two bodies touched.
    Overlap,
    /// Work is left, nothing is in the way, and nobody moves.
    Deadlock,
    /// A robot waits in the end, although no dead one is in its way.
    OutsideClosure,
    /// A plan was refused, a release did not continue the one before, or work was done where there was none.
    Broken,
}

#[derive(Clone)]
enum Message {
    /// Lanes, the first with this index.
    Lanes(usize, Vec<LaneId>),
    /// Do your work with this number, for so many ticks.
    Work(usize, u32),
    /// Lanes driven, lanes known, and how often it has worked.
    Report(u32, usize, usize),
}

struct Play<'a> {
    case: &'a Case,
    tamper: Tamper,
    dice: Dice,
    control: Control,
    world: World,
    /// Messages by the tick in which they arrive.
    air: BinaryHeap<Reverse<(u32, usize)>>,
    sent: Vec<Option<(usize, Message)>>,
    now: u32,
    last_change: u32,
    waits: BTreeSet<(usize, u32)>,
    outcome: Outcome,
    story: Option<&'a mut Vec<String>>,
}

/// Plays a case; what happens is written into the story.
pub(super) fn play(
    case: &Case,
    seed: u64,
    (order, tamper): (Order, Tamper),
    story: Option<&mut Vec<String>>,
) -> Outcome {
    let control = match Control::new(&case.course, &case.errands, order, seed ^ case.number) {
        Ok(control) => control,
        Err(error) => {
            return Outcome { finding: Some((Finding::Broken, error)), ..Outcome::default() };
        }
    };
    let robots = case.errands.iter().map(|errand| (errand.class, errand.start));
    let mut play = Play {
        case,
        tamper,
        dice: Dice::new(seed, case.number, 2),
        control,
        world: World::new(&case.course.site, robots),
        air: BinaryHeap::new(),
        sent: Vec::new(),
        now: 0,
        last_change: 0,
        waits: BTreeSet::new(),
        outcome: Outcome::default(),
        story,
    };
    while play.now < TICKS_MAX && play.outcome.finding.is_none() && !play.is_over() {
        play.now += 1;
        play.step();
    }
    play.close()
}

impl Play<'_> {
    fn note(&mut self, text: impl FnOnce() -> String) {
        let now = f64::from(self.now) / f64::from(TICKS_PER_S);
        if let Some(story) = &mut self.story {
            story.push(format!("{now:8.2} s  {}", text()));
        }
    }

    fn find(&mut self, finding: Finding, text: String) {
        if self.outcome.finding.is_none() {
            self.note(|| text.clone());
            self.outcome.finding = Some((finding, text));
        }
    }

    fn is_quiet(&self) -> bool {
        self.case.trouble.quiet_from <= self.now
    }

    fn is_over(&self) -> bool {
        let all_done = (0..self.case.errands.len()).all(|robot| self.is_done(robot) || self.is_dead(robot));
        let stalled = self.last_change.max(self.case.trouble.quiet_from) + STALLED < self.now;
        all_done || stalled
    }

    fn is_done(&self, robot: usize) -> bool {
        let (Some(errand), Some(body)) = (self.case.errands.get(robot), self.world.bodies.get(robot)) else {
            return true;
        };
        let rests = body.at == errand.home && body.done == body.route.len();
        rests && body.worked as usize == errand.work.len()
    }

    fn is_dead(&self, robot: usize) -> bool {
        self.world.bodies.get(robot).is_some_and(|body| body.is_dead)
    }

    fn step(&mut self) {
        self.go_wrong();
        while let Some(Reverse((due, index))) = self.air.peek().copied() {
            if self.now < due {
                break;
            }
            self.air.pop();
            if let Some((robot, message)) = self.sent.get_mut(index).and_then(Option::take) {
                self.deliver(robot, message);
            }
        }
        let mut notes = Vec::new();
        match self.control.step(self.now, &mut |note| notes.push(note)) {
            Ok(granted) => granted.into_iter().for_each(|robot| self.send_lanes(robot, None)),
            Err(error) => self.find(Finding::Broken, error),
        }
        for text in notes {
            self.note(|| text);
        }
        for robot in 0..self.case.errands.len() {
            self.drive(robot);
            if self.now.is_multiple_of(REPORT_EVERY) {
                self.call_to_work(robot);
                self.count_wait(robot);
            }
        }
        if let Some((a, b, by_m)) = self.world.overlap() {
            let (here, there) = (self.world.whereabouts(a), self.world.whereabouts(b));
            self.find(Finding::Overlap, format!("a{a}, {here}, and a{b}, {there}, overlap by {by_m:.4} m"));
        }
    }

    /// Deaths and closures of this tick.
    fn go_wrong(&mut self) {
        let trouble = &self.case.trouble;
        for &(at, robot) in &trouble.deaths {
            if at == self.now
                && let Some(body) = self.world.bodies.get_mut(robot)
            {
                body.is_dead = true;
                self.outcome.deaths += 1;
                self.note(|| format!("a{robot} dies"));
            }
            if at + DEATH_KNOWN_AFTER == self.now
                && let Some(known) = self.control.robots.get_mut(robot)
            {
                known.is_dead = true;
                self.control.is_due = true;
            }
        }
        for &(from, to, resource) in &trouble.closures {
            if from == self.now {
                self.control.closed.insert(resource);
            } else if to == self.now {
                self.control.closed.remove(&resource);
            } else {
                continue;
            }
            self.control.is_due = true;
            let named = self.case.course.site.resource(resource);
            let state = if from == self.now { "closed" } else { "open again" };
            self.note(|| format!("{named:?} is {state}"));
        }
    }

    /// Lets a robot drive or work, be late, and report.
    fn drive(&mut self, robot: usize) {
        let begins = |body: &super::world::Body| body.done < body.route.len() && body.late == 0;
        let did = self.world.step(robot);
        if did == Did::Arrived && !self.is_quiet() {
            let (percent, most) = (self.case.trouble.late_percent, self.case.trouble.late_max);
            let late = if self.dice.chance(percent) { self.dice.below(u64::from(most)) } else { 0 };
            if let Some(body) = self.world.bodies.get_mut(robot).filter(|body| begins(body)) {
                body.late = u32::try_from(late).unwrap_or(0);
            }
        }
        if did != Did::Nothing {
            self.last_change = self.now;
        }
        if did == Did::Finished || (did == Did::Arrived && self.is_done(robot)) {
            self.outcome.last = self.now;
        }
        let speaks = did == Did::Arrived || did == Did::Finished || self.now.is_multiple_of(REPORT_EVERY);
        if let Some(body) = self.world.bodies.get(robot).filter(|body| speaks && !body.is_dead) {
            let ahead = usize::from(self.tamper == Tamper::ClearsTooEarly && body.done < body.route.len());
            let done = u32::try_from(body.done + ahead).unwrap_or(u32::MAX);
            let report = Message::Report(done, body.route.len(), body.worked as usize);
            self.send(robot, &report);
        }
    }

    /// Tells a robot that has come to where it works to do so, again and again.
    fn call_to_work(&mut self, robot: usize) {
        if let Some((number, ticks)) = self.control.work_now(robot) {
            self.send(robot, &Message::Work(number, ticks));
        }
    }

    fn count_wait(&mut self, robot: usize) {
        let executor = &self.control.executor;
        let agent = agent(robot);
        if executor.granted(agent).is_empty() && executor.withheld(agent).is_some() {
            let done = executor.done(agent).unwrap_or(0);
            self.outcome.conflicts += u64::from(self.waits.insert((robot, done)));
        }
    }

    /// Puts a message on the air, where it may get lost, come twice, or be overtaken.
    fn send(&mut self, robot: usize, message: &Message) {
        let trouble = &self.case.trouble;
        let is_quiet = self.is_quiet();
        let copies = match (is_quiet, self.dice.chance(trouble.lost_percent)) {
            (false, true) => 0,
            (false, false) => 1 + usize::from(self.dice.chance(trouble.twice_percent)),
            (true, _) => 1,
        };
        for _ in 0..copies {
            let late = if is_quiet { 0 } else { self.dice.below(u64::from(trouble.on_air_max.max(1))) };
            let due = self.now + 1 + u32::try_from(late).unwrap_or(0);
            self.air.push(Reverse((due, self.sent.len())));
            self.sent.push(Some((robot, message.clone())));
        }
    }

    /// Sends what a robot is not known to know, or what it was granted last.
    fn send_lanes(&mut self, robot: usize, known: Option<usize>) {
        if self.tamper == Tamper::ForgetsTheFirst && robot == 0 {
            return;
        }
        let Some(route) = self.control.robots.get(robot).map(|known| &known.route) else { return };
        let done = self.control.executor.done(agent(robot)).unwrap_or(0) as usize;
        let first = known.unwrap_or(done).min(route.len());
        let lanes = route.get(first..).unwrap_or(&[]).to_vec();
        if !lanes.is_empty() {
            self.send(robot, &Message::Lanes(first, lanes));
        }
    }

    fn deliver(&mut self, robot: usize, message: Message) {
        let Some(body) = self.world.bodies.get_mut(robot) else { return };
        match message {
            Message::Lanes(first, lanes) => {
                let known = body.route.len().saturating_sub(first);
                if body.is_dead || body.route.len() < first || lanes.len() <= known {
                    return;
                }
                let (again, new) = lanes.split_at(known);
                if body.route.get(first..) != Some(again) {
                    self.find(Finding::Broken, format!("a{robot} is sent another way than before"));
                    return;
                }
                body.route.extend(new);
            }
            Message::Work(number, ticks) => {
                let is_new = body.worked as usize + 1 == number && body.working.is_none();
                let place = self.case.errands.get(robot).and_then(|errand| errand.work.get(number - 1));
                if is_new && !body.is_dead {
                    if place.is_none_or(|(place, _)| *place != body.at) || body.done < body.route.len() {
                        let here = self.world.whereabouts(robot);
                        self.find(Finding::Broken, format!("a{robot} is to work {here}"));
                        return;
                    }
                    body.working = Some(ticks);
                    self.note(|| format!("a{robot} works"));
                }
            }
            Message::Report(done, known, worked) => {
                self.control.heard(self.now, robot, done, worked);
                if self.control.robots.get(robot).is_some_and(|told| known < told.route.len()) {
                    self.send_lanes(robot, Some(known));
                }
            }
        }
    }

    /// Judges who is left when nobody moves any more.
    fn close(mut self) -> Outcome {
        let left: Vec<usize> = (0..self.case.errands.len())
            .filter(|robot| !self.is_done(*robot) && !self.is_dead(*robot))
            .collect();
        let excused = self.cut_off();
        self.outcome.overtakings = self.control.overtakings;
        let waits: Vec<usize> = left.iter().copied().filter(|robot| !excused.contains(robot)).collect();
        self.outcome.cut_off = (left.len() - waits.len()) as u64;
        let worked: u32 = self.world.bodies.iter().map(|body| body.worked).sum();
        let home = (0..self.case.errands.len()).filter(|robot| self.is_done(*robot)).count();
        self.outcome.items = u64::from(worked) + home as u64;
        if self.outcome.finding.is_none() && !waits.is_empty() {
            let who: Vec<String> =
                waits.iter().map(|robot| format!("a{robot} {}", self.world.whereabouts(*robot))).collect();
            let blame = waits.iter().filter_map(|robot| self.control.executor.withheld(agent(*robot)));
            let blame: Vec<String> =
                blame.map(|why| format!("{} waits for {} at {}", why.agent, why.by, why.resource)).collect();
            let (finding, why) = if self.outcome.deaths == 0 {
                (Finding::Deadlock, "work is left and nobody moves")
            } else {
                (Finding::OutsideClosure, "no dead robot is in the way of")
            };
            self.find(finding, format!("{why}: {}; {}", who.join(", "), blame.join(", ")));
        }
        self.outcome
    }

    /// Robots that cannot get where they have to go next because of the dead, and whom those are in the way of for as long
    /// as they stand where they are, and so on. Plain searches over the lanes.
    fn cut_off(&self) -> BTreeSet<usize> {
        let site = &self.case.course.site;
        let mut taken: BTreeSet<ResourceId> = BTreeSet::new();
        for robot in (0..self.case.errands.len()).filter(|robot| self.is_dead(*robot)) {
            taken.extend(self.control.executor.held(agent(robot)));
        }
        let mut excused = BTreeSet::new();
        loop {
            let before = excused.len();
            for (robot, errand) in self.case.errands.iter().enumerate() {
                let Some(body) = self.world.bodies.get(robot).filter(|body| !body.is_dead) else { continue };
                let next = errand.work.get(body.worked as usize).map_or(errand.home, |work| work.0);
                let is_free = |resource: &ResourceId| !taken.contains(resource);
                if !excused.contains(&robot) && !reaches(site, errand.class, body.at, next, &is_free) {
                    excused.insert(robot);
                    let class = site.classes().get(errand.class);
                    taken.extend(class.map_or(&[][..], |class| class.at(body.at)));
                }
            }
            if excused.len() == before {
                return excused;
            }
        }
    }
}

fn reaches(
    site: &CompiledSite,
    class: usize,
    from: WaypointId,
    to: WaypointId,
    is_free: &dyn Fn(&ResourceId) -> bool,
) -> bool {
    let Some(claims) = site.classes().get(class) else { return false };
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if !seen.insert(at) {
            continue;
        }
        for &id in site.lanes_from(at) {
            let free = claims.usable(id) && claims.along(id).iter().all(is_free);
            open.extend(site.lane(id).filter(|_| free).map(|lane| lane.to));
        }
    }
    seen.contains(&to)
}
