//! When robots have to stand aside: fire alarms, and storage that fills up.
//!
//! A robot that parks finishes the move it was granted and begins neither another one nor a step. Where it would be in
//! a way out it goes on to the nearest place where it is not. Its task and its load stay with it, so that it goes on
//! when parking ends.

use std::collections::{BTreeMap, BTreeSet};

use sheepdog_core::{
    ActorId, AgentId, DoorId, FleetTime, LaneId, LevelId, LiftId, Micros, Ppm, ResourceId, RuleId,
    WaypointId, ZoneId,
};
use sheepdog_map::{
    ClassClaims, CompiledSite, Lane, Resource,
    travel::{NominalWaits, TravelProfile, Waits, shortest_path},
};

use crate::{
    fleet::Fleet,
    input::{AlarmScope, InputError, StorageLevel},
    record::Record,
    rules,
    state::{AgentState, FireAlarm, RobotState, Standing},
};

/// Alarm sources that are kept apart; a site has fewer fire panels.
const SOURCES_MAX: usize = 256;
/// Alerts about one alarm come at intervals that double so often; after that they come evenly.
const MAX_DOUBLINGS: u32 = 16;
/// Places of refuge that are tried for one robot, by distance.
const REFUGES_MAX: usize = 32;

impl Fleet {
    /// Takes in what a fire panel says. An alarm stays until a person ends it, whatever the panel says later.
    pub(crate) fn fire_alarm(&mut self, scope: AlarmScope, active: bool, source: &str) {
        let scope = self.known_scope(scope);
        let now = self.state.now;
        if !active {
            if let Some(alarm) = self.state.alarms.get_mut(&scope) {
                alarm.sources.remove(source);
            }
            return;
        }
        let is_new = !self.state.alarms.contains_key(&scope);
        let alarm = self.state.alarms.entry(scope).or_insert_with(|| FireAlarm::at(now));
        if alarm.sources.len() < SOURCES_MAX {
            alarm.sources.insert(source.to_owned());
        }
        if is_new {
            self.record(&Record::FireAlarm { scope, source: source.to_owned() });
            self.alert(rules::FIRE_ALARM, None, None, format!("fire alarm for {scope} by {source}"));
            self.change_course_of_all();
        }
    }

    /// An alarm for a place that the site does not have is an alarm for all of it.
    fn known_scope(&self, scope: AlarmScope) -> AlarmScope {
        let known = match scope {
            AlarmScope::Site => true,
            AlarmScope::Level(level) => self.site.level(level).is_some(),
            AlarmScope::Zone(zone) => self.site.zone(zone).is_some(),
        };
        if known { scope } else { AlarmScope::Site }
    }

    /// A person says that an alarm is over.
    pub(crate) fn end_fire_alarm(&mut self, scope: AlarmScope, by: ActorId) -> Result<(), InputError> {
        let refused = |reason: String| Err(InputError::Alarm { scope, reason });
        let Some(alarm) = self.state.alarms.get(&scope) else {
            return refused("there is none".to_owned());
        };
        if let Some(source) = alarm.sources.first() {
            return refused(format!("{source} still reports it"));
        }
        self.state.alarms.remove(&scope);
        self.record(&Record::FireEnded { scope, by });
        self.change_course_of_all();
        Ok(())
    }

    /// How full the storage of the ledger is, by the last that was said.
    pub const fn storage_level(&self) -> StorageLevel {
        self.state.storage.level
    }

    /// Takes in how full the storage of the ledger is.
    pub(crate) fn storage(&mut self, level: StorageLevel) {
        let before = self.state.storage.level;
        let changes = self.state.storage.set(level);
        if before != level {
            let parked = self.state.storage.parks;
            self.record(&Record::Storage { level, parked });
        }
        if before < level {
            let (rule, text) = match level {
                StorageLevel::Normal | StorageLevel::High => {
                    (rules::STORAGE_HIGH, "the storage of the ledger fills up")
                }
                StorageLevel::Critical => {
                    (rules::STORAGE_CRITICAL, "the storage of the ledger is nearly full: robots park")
                }
                StorageLevel::Full => (rules::STORAGE_FULL, "the storage of the ledger is full"),
            };
            self.alert(rule, None, None, text.to_owned());
        }
        if changes {
            self.change_course_of_all();
        }
    }

    /// Takes in how full the storage of a robot's own ledger is: the robot parks before its interlock has to latch it.
    pub(crate) fn robot_storage(&mut self, agent: AgentId, used: Ppm) {
        let level = StorageLevel::of(used.get().into(), Ppm::ONE.get().into());
        let Some(robot) = self.robot_mut(agent) else { return };
        let before = robot.storage.level;
        let changes = robot.storage.set(level);
        let (rule, what) = match level {
            StorageLevel::Normal => (rules::STORAGE_HIGH, "has room again in its own storage"),
            StorageLevel::High => (rules::STORAGE_HIGH, "fills up its own storage"),
            StorageLevel::Critical => {
                (rules::STORAGE_CRITICAL, "has nearly filled its own storage: it parks")
            }
            StorageLevel::Full => (rules::STORAGE_FULL, "has filled its own storage"),
        };
        if before != level {
            self.agent_note(agent, rule, what.to_owned());
        }
        if before < level {
            self.alert(rule, Some(agent), None, format!("{} {what}", self.name(agent)));
        }
        if changes {
            self.change_course_of_all();
        }
    }

    /// Forgets what was planned: everybody has something else to do, at once.
    fn change_course_of_all(&mut self) {
        let now = self.state.now;
        // An answer to a question from before would send robots where they must not go.
        self.state.planning.open = None;
        self.executor.drop_pending();
        let planning = &mut self.state.planning;
        planning.unserved.clear();
        planning.ahead.clear();
        planning.due = true;
        planning.not_before = now;
        self.state.dispatch_due = true;
        self.state.grants_due = true;
        self.state.peripherals_due = true;
        self.ask_to_hold();
    }

    /// The rule for which a robot parks, if it has to.
    pub(crate) fn parks_for(&self, id: AgentId, agent: &AgentState) -> Option<RuleId> {
        let robot = agent.robot.as_ref()?;
        if self.state.alarms.keys().any(|alarm| self.concerns(*alarm, id, agent)) {
            return Some(rules::FIRE_ALARM);
        }
        (self.state.storage.parks || robot.storage.parks).then_some(rules::STORAGE_CRITICAL)
    }

    /// The rule for which nobody of a kind gets a new task.
    pub(crate) fn awards_nothing_to(&self, agent: &AgentState) -> Option<RuleId> {
        if self.state.storage.parks || agent.robot.as_ref().is_some_and(|robot| robot.storage.parks) {
            return Some(rules::STORAGE_CRITICAL);
        }
        let on_fire = agent.robot.is_some() && !self.state.alarms.is_empty();
        on_fire.then_some(rules::FIRE_ALARM)
    }

    fn concerns(&self, alarm: AlarmScope, id: AgentId, agent: &AgentState) -> bool {
        level_of(&self.site, alarm)
            .is_none_or(|level| self.is_in(sheepdog_core::wire::StopScope::Level(level), id, agent))
    }

    /// What the fire alarms keep clear.
    pub(crate) fn ways_kept_clear(&self) -> WaysOut {
        let levels = self.state.alarms.keys().map(|alarm| level_of(&self.site, *alarm));
        WaysOut::of(&self.site, &levels.collect::<Vec<_>>())
    }

    /// Whether a fire alarm keeps robots out of a lift.
    pub(crate) fn burns_at(&self, lift: LiftId) -> bool {
        let Some(lift) = self.site.lift(lift) else { return false };
        let mut levels = self.state.alarms.keys().map(|alarm| level_of(&self.site, *alarm));
        levels.any(|level| level.is_none_or(|level| lift.serves(level)))
    }

    /// Whether a fire alarm keeps a door shut: a fire door on a level that burns.
    pub(crate) fn keeps_shut(&self, door: DoorId) -> bool {
        let Some(door) = self.site.door(door).filter(|door| door.fire_rated) else { return false };
        let mut levels = self.state.alarms.keys().map(|alarm| level_of(&self.site, *alarm));
        levels.any(|level| level.is_none_or(|level| door.level == level))
    }

    /// Doors and lifts that a fire alarm closes to planning; not a lift with a robot in it, which must get out.
    pub(crate) fn burning_passages(&self) -> Vec<ResourceId> {
        if self.state.alarms.is_empty() {
            return Vec::new();
        }
        let occupied: BTreeSet<LiftId> = self
            .executor
            .cut()
            .into_iter()
            .filter_map(|(_, at)| self.site.waypoint(at).and_then(|at| at.lift))
            .collect();
        let numbered = (0_u32..).zip(self.site.resources());
        numbered
            .filter(|(_, resource)| match resource {
                Resource::Door(door) => self.keeps_shut(*door),
                Resource::Lift(lift) => self.burns_at(*lift) && !occupied.contains(lift),
                Resource::Place(_) | Resource::Overlap(..) | Resource::Corridor(_) | Resource::Group(_) => {
                    false
                }
            })
            .map(|(index, _)| ResourceId(index))
            .collect()
    }

    /// Finds a place for every robot that parks and would rest in a way out.
    pub(crate) fn find_refuges(&mut self) {
        let mut taken: BTreeSet<WaypointId> = BTreeSet::new();
        let parking: Vec<AgentId> = self.parking_in_ways_out();
        let mut found = BTreeMap::new();
        for agent in parking {
            let refuge = self.refuge_for(agent, &taken);
            taken.extend(refuge);
            found.insert(agent, refuge);
        }
        for (id, agent) in &mut self.state.agents {
            agent.refuge = found.get(id).copied().flatten();
        }
    }

    /// Robots that park and will rest in a way out.
    fn parking_in_ways_out(&self) -> Vec<AgentId> {
        let ways = WaysOut::of(&self.site, &[None]);
        let in_the_way = |(id, agent): (&AgentId, &AgentState)| {
            let robot = agent.robot.as_ref()?;
            let claims = self.site.classes().get(robot.class)?;
            let at = self.executor.rests_at(*id)?;
            (self.parks_for(*id, agent).is_some() && !ways.is_clear(claims.zones_at(at))).then_some(*id)
        };
        self.state.agents.iter().filter_map(in_the_way).collect()
    }

    /// The nearest place on its level where a robot may stay. The one that the last plan could not reach comes last.
    fn refuge_for(&self, agent: AgentId, taken: &BTreeSet<WaypointId>) -> Option<WaypointId> {
        let state = self.agent(agent)?;
        let robot = state.robot.as_ref()?;
        let claims = self.site.classes().get(robot.class)?;
        let at = self.executor.rests_at(agent)?;
        let from = self.site.waypoint(at)?;
        let failed = state.refuge.filter(|_| self.state.planning.unserved.contains(&agent));
        let ways = WaysOut::of(&self.site, &[None]);
        let is_free = |id: WaypointId| {
            let held = claims.at(id).iter().filter_map(|resource| self.executor.holder(*resource));
            !taken.contains(&id) && held.into_iter().all(|holder| holder == agent)
        };
        let mut places: Vec<(bool, i64, WaypointId)> = (0..)
            .map(WaypointId)
            .zip(self.site.waypoints())
            .filter(|(id, place)| {
                place.level == from.level
                    && claims.may_stop(*id)
                    && ways.is_clear(claims.zones_at(*id))
                    && is_free(*id)
            })
            .map(|(id, place)| {
                let (dx, dy) = (i64::from(place.x_mm - from.x_mm), i64::from(place.y_mm - from.y_mm));
                (Some(id) == failed, dx * dx + dy * dy, id)
            })
            .collect();
        places.sort_unstable();
        let profile = TravelProfile { speed: state.profile.speed, class: state.profile.class };
        let waits = OpenWays(self);
        let reachable = |to: &WaypointId| shortest_path(&self.site, profile, &waits, at, *to).is_some();
        places.into_iter().take(REFUGES_MAX).map(|(_, _, id)| id).find(reachable)
    }

    /// Names the robots that are still in a way out some time after an alarm, until none is.
    pub(crate) fn watch_ways_out(&mut self) {
        let now = self.state.now;
        let patience = self.config.clear_exits_within.as_micros();
        let mut due = Vec::new();
        for (scope, alarm) in &self.state.alarms {
            let waited = now.since(alarm.since).unwrap_or_default();
            let limit = patience.saturating_mul(1 << alarm.alerts.min(MAX_DOUBLINGS));
            if Micros::new(limit) < waited {
                due.push(*scope);
            }
        }
        for scope in due {
            let blocking = self.blocking(scope);
            let Some(&first) = blocking.first() else { continue };
            if let Some(alarm) = self.state.alarms.get_mut(&scope) {
                alarm.alerts = alarm.alerts.saturating_add(1);
            }
            let names: Vec<String> = blocking.iter().map(|agent| self.name(*agent)).collect();
            let text = format!("fire alarm for {scope}: {} in a way out", names.join(", "));
            self.alert(rules::WAY_OUT_BLOCKED, Some(first), None, text);
        }
    }

    /// Robots that are, or may be, in a way out that an alarm concerns.
    fn blocking(&self, scope: AlarmScope) -> Vec<AgentId> {
        let ways = WaysOut::of(&self.site, &[level_of(&self.site, scope)]);
        let blocks = |agent: &AgentState| {
            let Some(robot) = &agent.robot else { return false };
            let Some(claims) = self.site.classes().get(robot.class) else { return true };
            let here = ways.is_clear(claims.zones_at(agent.profile.at));
            let on_its_way =
                robot.ahead().first().is_none_or(|lane| ways.is_clear(claims.zones_along(*lane)));
            agent.standing != Standing::Removed && !(here && on_its_way)
        };
        self.state.agents.iter().filter(|(_, agent)| blocks(agent)).map(|(id, _)| *id).collect()
    }

    /// Whether a robot should give back what it need not drive of its release, for a fire alarm: it is on a level that
    /// burns, or the rest leads into a lift or through a door that the alarm closes.
    pub(crate) fn should_give_back(&self, id: AgentId, agent: &AgentState, robot: &RobotState) -> bool {
        if self.state.alarms.is_empty() {
            return false;
        }
        let burns = self.state.alarms.keys().any(|alarm| self.concerns(*alarm, id, agent));
        if burns && 1 < robot.ahead().len() {
            return true;
        }
        let lanes = || robot.ahead().iter().filter_map(|lane| self.site.lane(*lane));
        lanes().any(|lane| {
            lift_entered(&self.site, lane).is_some_and(|lift| self.burns_at(lift))
                || lane.doors.iter().any(|door| self.keeps_shut(*door))
        })
    }
}

/// Ways that are open while robots park: no lift, and no door that a fire alarm keeps shut.
struct OpenWays<'a>(&'a Fleet);

impl Waits for OpenWays<'_> {
    fn door(&self, door: DoorId) -> Micros {
        if self.0.keeps_shut(door) { Micros::MAX } else { NominalWaits(&self.0.site).door(door) }
    }

    fn lift(&self, _: LiftId, _: LevelId, _: LevelId) -> Micros {
        Micros::MAX
    }
}

impl FireAlarm {
    fn at(since: FleetTime) -> Self {
        Self { since, sources: BTreeSet::new(), alerts: 0 }
    }
}

/// The level that an alarm concerns; `None` for all of them. A zone has its whole level with it.
fn level_of(site: &CompiledSite, alarm: AlarmScope) -> Option<LevelId> {
    match alarm {
        AlarmScope::Site => None,
        AlarmScope::Level(level) => Some(level),
        AlarmScope::Zone(zone) => site.zone(zone).map(|zone| zone.level),
    }
}

/// The lift into which a lane leads from outside.
pub(crate) fn lift_entered(site: &CompiledSite, lane: &Lane) -> Option<LiftId> {
    let lift = |at: WaypointId| site.waypoint(at).and_then(|at| at.lift);
    lift(lane.to).filter(|to| lift(lane.from) != Some(*to))
}

/// Exits and fire lanes of the levels that fire alarms concern, and the lifts that serve them.
#[derive(Clone, Debug, Default)]
pub(crate) struct WaysOut {
    zones: BTreeSet<ZoneId>,
    lifts: BTreeSet<LiftId>,
}

impl WaysOut {
    /// Those of levels; `None` stands for all levels.
    fn of(site: &CompiledSite, levels: &[Option<LevelId>]) -> Self {
        let zones = (0..).map(ZoneId).zip(site.zones());
        let lifts = (0..).map(LiftId).zip(site.lifts());
        let burns =
            |level: LevelId| levels.iter().any(|burning| burning.is_none_or(|burning| burning == level));
        Self {
            zones: zones
                .filter(|(_, zone)| zone.kind.is_way_out() && burns(zone.level))
                .map(|(id, _)| id)
                .collect(),
            lifts: lifts
                .filter(|(_, lift)| lift.stops.iter().any(|stop| burns(stop.level)))
                .map(|(id, _)| id)
                .collect(),
        }
    }

    fn is_clear(&self, zones: &[ZoneId]) -> bool {
        zones.iter().all(|zone| !self.zones.contains(zone))
    }

    /// Whether an alarm lets a robot make a move: never into a lift, and into a way out only from a way out.
    pub(crate) fn let_pass(&self, site: &CompiledSite, claims: &ClassClaims, lanes: &[LaneId]) -> bool {
        let lanes = || lanes.iter().filter_map(|id| Some((*id, site.lane(*id)?)));
        let rides = lanes().filter_map(|(_, lane)| lift_entered(site, lane));
        let leaves = lanes().next().is_some_and(|(_, lane)| !self.is_clear(claims.zones_at(lane.from)));
        let mut enters = lanes().filter(|(id, _)| !self.is_clear(claims.zones_along(*id)));
        rides.into_iter().all(|lift| !self.lifts.contains(&lift)) && (leaves || enters.next().is_none())
    }
}
