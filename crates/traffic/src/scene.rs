//! What all searches of one problem share: robots, places and holders, and the time that moves take.

use std::sync::Arc;

use sheepdog_core::{AgentId, ResourceId};

use crate::{distances::Distances, hop::HopGraph, polish::DRIVING_SHARE, table::Table};

/// Microseconds to the target from every waypoint.
pub(crate) type Field = Arc<Distances>;

/// Marks a resource that nobody may claim.
pub(crate) const BLOCKED: u32 = u32::MAX;

/// A robot as the search sees it.
#[derive(Clone, Debug)]
pub(crate) struct Bot {
    pub(crate) agent: AgentId,
    pub(crate) class: usize,
    pub(crate) start: u32,
    /// Where it works, in this order. It works wherever it comes to rest at the next of these places.
    pub(crate) visits: Vec<Target>,
    /// Where it wants to rest afterwards; `None` when it is content anywhere.
    pub(crate) goal: Option<Field>,
    /// Whether a roll-out succeeds only when all visits are done and the goal is reached.
    pub(crate) required: bool,
    /// It never moves.
    pub(crate) fixed: bool,
    /// A plan may leave this much of its way to the next one, microseconds; zero when it covers it all.
    pub(crate) enough: u64,
}

/// A place where a robot works.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) field: Field,
    /// Microseconds of work.
    pub(crate) work: u64,
    /// Microseconds of way from here through all later visits to the goal.
    pub(crate) onward: u64,
}

impl Bot {
    /// The field it follows after its first `stage` visits.
    pub(crate) fn field(&self, stage: usize) -> Option<&Field> {
        self.visits.get(stage).map(|visit| &visit.field).or(self.goal.as_ref())
    }

    /// Whether it wants to go anywhere at all.
    pub(crate) fn is_bound(&self) -> bool {
        !self.visits.is_empty() || self.goal.is_some()
    }

    /// Visits that are done once it rests at `place`, and the work they take.
    pub(crate) fn serve(&self, stage: usize, place: u32) -> (usize, u64) {
        let here = |visit: &&Target| visit.field.at(place) == 0;
        let served = self.visits.iter().skip(stage).take_while(here);
        served.fold((stage, 0), |(stage, work), visit| (stage + 1, work.saturating_add(visit.work)))
    }

    /// Way to go through all visits that are left to the goal, without the work.
    pub(crate) fn to_go(&self, stage: usize, place: u32) -> u64 {
        let distance = self.field(stage).map_or(0, |field| field.at(place));
        distance.saturating_add(self.visits.get(stage).map_or(0, |visit| visit.onward))
    }

    /// How many visits and goals a loss of time puts off.
    pub(crate) fn left(&self, stage: usize) -> u64 {
        let left = self.visits.len().saturating_sub(stage) + usize::from(self.goal.is_some());
        if self.required { left as u64 } else { 0 }
    }

    /// What the rest of its errand costs a robot that is alone: for each visit and goal the time until it is done, and a
    /// share of the driving.
    pub(crate) fn at_least(&self, stage: usize, place: u32) -> u64 {
        if !self.required {
            // It may stay where it is.
            return 0;
        }
        let mut way = self.field(stage).map_or(0, |field| field.at(place));
        let mut cost = self.to_go(stage, place) / DRIVING_SHARE;
        for (index, visit) in self.visits.iter().enumerate().skip(stage) {
            way = way.saturating_add(visit.work);
            cost = cost.saturating_add(way);
            let onward = self.visits.get(index + 1).map_or(0, |next| next.onward);
            way = way.saturating_add(visit.onward.saturating_sub(onward));
        }
        if self.goal.is_some() { cost.saturating_add(way) } else { cost }
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_finished(&self, stage: usize, place: u32) -> bool {
        self.visits.len() <= stage && self.goal.as_ref().is_none_or(|goal| goal.at(place) == 0)
    }

    /// Whether nothing is left to do that a plan has to cover.
    pub(crate) fn is_done(&self, stage: usize, place: u32) -> bool {
        self.is_finished(stage, place) || (0 < self.enough && self.to_go(stage, place) <= self.enough)
    }

    /// Whether at least half of what a plan has to cover is done.
    pub(crate) fn is_half_done(&self, stage: usize, place: u32) -> bool {
        let whole = self.to_go(self.serve(0, self.start).0, self.start);
        let half = self.enough.midpoint(whole);
        self.is_finished(stage, place) || (0 < self.enough && self.to_go(stage, place) <= half)
    }
}

/// One hop of one robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) bot: usize,
    pub(crate) hop: u32,
}

/// What can be in the way of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Other {
    /// A robot at rest.
    Bot(usize),
    /// A resource that nobody may claim.
    Blocked,
}

/// What all searches of one problem share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) graphs: &'a [Option<HopGraph>],
    pub(crate) bots: &'a [Bot],
    pub(crate) blocked: &'a [ResourceId],
    pub(crate) resources: usize,
    pub(crate) seed: u64,
}

/// Places and holders while moves are carried out one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Board<'a> {
    scene: Scene<'a>,
    pos: Table<u32>,
    /// Robot index plus one; zero for nobody.
    holder: Table<u32>,
}

/// When robots and resources are free, and how far every robot has got, while moves are dated one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Clock<'a> {
    scene: Scene<'a>,
    /// When each robot has arrived and done its work there.
    ready: Table<u64>,
    avail: Table<u64>,
    /// The last hop of each robot, plus one.
    last: Table<u32>,
    /// Visits each robot has done.
    stage: Table<usize>,
    /// When each robot is done with its last visit.
    served: Table<u64>,
    /// Sum of the instants at which visits of required robots were done.
    visits: u64,
}

impl<'a> Scene<'a> {
    pub(crate) fn graph(&self, bot: usize) -> Option<&'a HopGraph> {
        self.graphs.get(self.bots.get(bot)?.class)?.as_ref()
    }

    pub(crate) fn claims(&self, step: Step) -> &'a [ResourceId] {
        self.graph(step.bot).map_or(&[], |graph| graph.hop_claims(step.hop))
    }

    /// What its robot loses at the corner between its last hop, plus one, and a step.
    pub(crate) fn turn(&self, last: u32, step: Step) -> u64 {
        last.checked_sub(1).zip(self.graph(step.bot)).map_or(0, |(last, graph)| graph.turn(last, step.hop))
    }

    /// How long a step takes after the last hop of its robot, plus one.
    pub(crate) fn duration(&self, last: u32, step: Step) -> u64 {
        self.leads(step).map_or(0, |(_, _, time)| time).saturating_add(self.turn(last, step))
    }

    /// Start, end and duration of a step.
    pub(crate) fn leads(&self, step: Step) -> Option<(u32, u32, u64)> {
        let hop = self.graph(step.bot)?.hop(step.hop)?;
        Some((hop.from.0, hop.to.0, hop.time.as_micros()))
    }
}

impl<'a> Board<'a> {
    pub(crate) fn new(scene: Scene<'a>) -> Self {
        let mut board =
            Self { scene, pos: Table::new(scene.bots.len(), 0), holder: Table::new(scene.resources, 0) };
        for resource in scene.blocked {
            board.holder.set(resource.index(), BLOCKED);
        }
        for (index, bot) in scene.bots.iter().enumerate() {
            board.pos.set(index, bot.start);
            board.hold(index, bot.start, tag(index));
        }
        board
    }

    pub(crate) fn place(&self, bot: usize) -> u32 {
        self.pos.at(bot)
    }

    pub(crate) fn places(&self) -> &[u32] {
        self.pos.rows()
    }

    /// Puts every robot back to its start.
    pub(crate) fn restart(&mut self) {
        let starts: Vec<u32> = self.scene.bots.iter().map(|bot| bot.start).collect();
        self.reset(&starts);
    }

    /// Puts every robot elsewhere.
    pub(crate) fn reset(&mut self, places: &[u32]) {
        for bot in 0..places.len() {
            self.hold(bot, self.pos.at(bot), 0);
        }
        for (bot, &place) in places.iter().enumerate() {
            self.hold(bot, place, tag(bot));
            self.pos.set(bot, place);
        }
    }

    /// Carries a step out if it is legal now.
    pub(crate) fn advance(&mut self, step: Step) -> bool {
        let Some((from, to, _)) = self.scene.leads(step) else {
            return false;
        };
        if from != self.pos.at(step.bot) || !self.movable(step.bot) || self.other(step).is_some() {
            return false;
        }
        self.shift(step.bot, from, to);
        true
    }

    /// Who holds a resource: nobody (zero), a robot by its [`tag`], or [`BLOCKED`].
    pub(crate) fn holder(&self, resource: ResourceId) -> u32 {
        self.holder.at(resource.index())
    }

    /// What is in the way of a step.
    pub(crate) fn other(&self, step: Step) -> Option<Other> {
        let own = tag(step.bot);
        let mut holders = self.scene.claims(step).iter().map(|resource| self.holder.at(resource.index()));
        match holders.find(|&holder| holder != 0 && holder != own)? {
            BLOCKED => Some(Other::Blocked),
            holder => Some(Other::Bot(holder as usize - 1)),
        }
    }

    /// Moves a robot without asking who is in the way.
    pub(crate) fn shift(&mut self, bot: usize, from: u32, to: u32) {
        self.hold(bot, from, 0);
        self.hold(bot, to, tag(bot));
        self.pos.set(bot, to);
    }

    /// Writes who rests at a place. What a robot that stands still holds is blocked and stays so.
    fn hold(&mut self, bot: usize, place: u32, holder: u32) {
        if !self.movable(bot) {
            return;
        }
        for resource in self.scene.graph(bot).map_or(&[][..], |graph| graph.rest(place)) {
            self.holder.set(resource.index(), holder);
        }
    }

    fn movable(&self, bot: usize) -> bool {
        self.scene.bots.get(bot).is_some_and(|bot| !bot.fixed)
    }
}

impl<'a> Clock<'a> {
    /// Time zero: robots that rest where their next visit is begin with its work.
    pub(crate) fn new(scene: Scene<'a>) -> Self {
        let bots = scene.bots.len();
        let mut clock = Self {
            scene,
            ready: Table::new(bots, 0),
            avail: Table::new(scene.resources, 0),
            last: Table::new(bots, 0),
            stage: Table::new(bots, 0),
            served: Table::new(bots, 0),
            visits: 0,
        };
        for (index, bot) in scene.bots.iter().enumerate() {
            clock.serve(index, bot.start);
        }
        clock
    }

    /// Dates a step that starts as soon as its robot and all its resources are free, but not before `now`, and the
    /// work where it ends. Returns when it arrives.
    pub(crate) fn run(&mut self, step: Step, now: u64) -> u64 {
        let claims = self.scene.claims(step);
        let (to, time) = self.scene.leads(step).map_or((None, 0), |(_, to, time)| (Some(to), time));
        let free = claims.iter().map(|resource| self.avail.at(resource.index()));
        let turn = self.scene.turn(self.last.at(step.bot), step);
        self.last.set(step.bot, step.hop + 1);
        let ready = self.ready.at(step.bot).max(now);
        let end = free.fold(ready, u64::max).saturating_add(turn).saturating_add(time);
        for resource in claims {
            self.avail.set(resource.index(), end);
        }
        self.ready.set(step.bot, end);
        if let Some(to) = to {
            self.serve(step.bot, to);
        }
        end
    }

    fn serve(&mut self, index: usize, place: u32) {
        let Some(bot) = self.scene.bots.get(index) else { return };
        for visit in self.stage.at(index)..bot.serve(self.stage.at(index), place).0 {
            let work = bot.visits.get(visit).map_or(0, |visit| visit.work);
            let done = self.ready.at(index).saturating_add(work);
            self.ready.set(index, done);
            self.served.set(index, done);
            self.stage.set(index, visit + 1);
            self.visits = self.visits.saturating_add(if bot.required { done } else { 0 });
        }
    }

    /// Visits that a robot has done.
    pub(crate) fn stage(&self, bot: usize) -> usize {
        self.stage.at(bot)
    }

    /// When a robot can move again.
    pub(crate) fn ready(&self, bot: usize) -> u64 {
        self.ready.at(bot)
    }

    /// Whether a robot is done at last with a visit when it is ready, so that until then it works.
    pub(crate) fn is_working(&self, bot: usize) -> bool {
        self.served.at(bot) == self.ready.at(bot)
    }

    /// What the visits and goals that are left cost required robots that are alone from now on.
    pub(crate) fn beyond(&self) -> u64 {
        let rest = |(index, bot): (usize, &Bot)| {
            let last = self.last.at(index).checked_sub(1);
            let hop = last.zip(self.scene.graph(index)).and_then(|(last, graph)| graph.hop(last));
            let (stage, place) = (self.stage(index), hop.map_or(bot.start, |hop| hop.to.0));
            let left = bot.visits.len().saturating_sub(stage) as u64;
            bot.at_least(stage, place).saturating_add(self.ready(index).saturating_mul(left))
        };
        let required = self.scene.bots.iter().enumerate().filter(|(_, bot)| bot.required);
        required.map(rest).fold(0, u64::saturating_add)
    }

    /// Sum of the instants at which required robots were done with a visit or arrived at their goals.
    pub(crate) fn completions(&self) -> u64 {
        let goals = self.scene.bots.iter().zip(self.ready.rows());
        let goals = goals.filter(|(bot, _)| bot.required && bot.goal.is_some()).map(|(_, &ready)| ready);
        goals.fold(self.visits, u64::saturating_add)
    }
}

/// Whether moves can be carried out one after the other from the start, and leave nothing required undone.
pub(crate) fn is_valid(scene: Scene<'_>, board: &mut Board<'_>, moves: &[Step]) -> bool {
    board.restart();
    let mut stages: Vec<usize> = scene.bots.iter().map(|bot| bot.serve(0, bot.start).0).collect();
    let carried_out = moves.iter().all(|&step| {
        let advanced = board.advance(step);
        if let (Some(stage), Some(bot)) = (stages.get_mut(step.bot), scene.bots.get(step.bot)) {
            *stage = bot.serve(*stage, board.place(step.bot)).0;
        }
        advanced
    });
    let done = |(index, (bot, &stage)): (usize, (&Bot, &usize))| {
        !bot.required || bot.is_done(stage, board.place(index))
    };
    carried_out && scene.bots.iter().zip(&stages).enumerate().all(done)
}

/// `SplitMix64`: a hash of a counter, the planner's only source of variety.
pub(crate) const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// How a robot is written on a [`Board`].
pub(crate) fn tag(bot: usize) -> u32 {
    u32::try_from(bot).map_or(BLOCKED, |bot| bot.saturating_add(1))
}
