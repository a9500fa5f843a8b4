//! Who may and can do a task: the rules, in their fixed order.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    fmt,
};

use serde::{Deserialize, Serialize};
use sheepdog_core::{
    AgentId, FleetTime, LaneId, Micros, MmPerS, Ppm, RuleId, SiteVersion, WaypointId,
    wire::{Evidence, Relation},
};
use sheepdog_map::{
    CompiledSite,
    model::StationKind,
    travel::{LaneTimes, RouteScratch, TravelProfile, TravelTimes, Waits, lane_time},
};

use crate::{
    Agent, Availability, Battery, Bid, DSP_002, DSP_003, DSP_004, DSP_005, DSP_006, DSP_007, DSP_009,
    DSP_010, DSP_011, DSP_013, DSP_014, Performers, Skill, Step, Task, dispatcher::Seat, task::work,
};

/// Why an agent does not do a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The agent.
    pub agent: AgentId,
    /// The first rule that fired, in the order of [`eligible`].
    pub rule: RuleId,
    /// The values it fired on; [`Evidence::holds`] is true.
    pub evidence: Evidence,
    /// The same in words.
    pub detail: String,
}

impl Refusal {
    /// Somebody whom nobody knows.
    pub(crate) fn unknown(agent: AgentId) -> Self {
        let evidence = evidence(DSP_005, GONE, Relation::Below, 1);
        Self { agent, rule: DSP_005, evidence, detail: "it is not in the roster".into() }
    }

    /// Whether time alone may change it: the shift begins, the agent is free again, the battery is charged. A missing
    /// skill or a door too narrow stays.
    pub fn may_pass(&self) -> bool {
        let Evidence { measured, relation, limit, .. } = self.evidence;
        match self.rule {
            DSP_004 => relation == Relation::Below,
            DSP_005 => measured == UNAVAILABLE,
            // More than a full battery, or no charger within reach, does not pass.
            DSP_007 => limit != 1 && limit <= Ppm::ONE.get().into(),
            DSP_009 => true,
            _ => false,
        }
    }
}

/// What `DSP-005` measures of an agent that may become available again.
const UNAVAILABLE: i64 = 0;
/// What `DSP-005` measures of an agent that does not come back.
const GONE: i64 = -1;

/// Travel times of one site at one instant, searched once per profile and target and then remembered.
///
/// A search is one backward Dijkstra over the roadmap; all agents of a profile share it, and so may several tasks
/// that are decided at the same instant. What was found is a [`TripMemo`], which may be used again as long as site and
/// waits are the same.
pub struct Trips<'a> {
    site: &'a CompiledSite,
    waits: &'a dyn Waits,
    chargers: Vec<WaypointId>,
    memo: TripMemo,
}

/// Travel times that have been searched, for the site and the waits of the [`Trips`] they come from.
#[derive(Clone, Debug, Default)]
pub struct TripMemo {
    site: Option<SiteVersion>,
    roads: BTreeMap<Profile, LaneTimes>,
    scratch: RouteScratch,
    times: BTreeMap<(Profile, WaypointId), TravelTimes>,
    charger_legs: BTreeMap<(Profile, WaypointId), Option<Micros>>,
}

/// Times that a memo keeps at most: 128 MB of them.
const MEMO_TIMES_MAX: usize = 16_000_000;

/// [`TravelProfile`] in a form that sorts.
type Profile = (MmPerS, Option<usize>);

impl fmt::Debug for Trips<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trips").field("site", &self.site.version()).finish_non_exhaustive()
    }
}

impl<'a> Trips<'a> {
    /// Nothing searched yet. Linear in the waypoints and stations, to find the chargers.
    pub fn new(site: &'a CompiledSite, waits: &'a dyn Waits) -> Self {
        Self { site, waits, chargers: chargers(site), memo: TripMemo::default() }
    }

    /// The same with what was found before, for the same waits. What was found on another site is dropped.
    #[must_use]
    pub fn with_memo(self, memo: TripMemo) -> Self {
        let memo = if memo.site == Some(self.site.version()) { memo } else { TripMemo::default() };
        Self { memo, ..self }
    }

    /// What has been found, for the next instant with the same waits. Of what has become too much to keep only the lane
    /// times.
    pub fn into_memo(self) -> TripMemo {
        let too_much = MEMO_TIMES_MAX < self.memo.times.len().saturating_mul(self.site.waypoints().len());
        let (times, charger_legs) =
            if too_much { Default::default() } else { (self.memo.times, self.memo.charger_legs) };
        TripMemo { site: Some(self.site.version()), times, charger_legs, ..self.memo }
    }

    /// The version of the site.
    pub(crate) fn site_version(&self) -> SiteVersion {
        self.site.version()
    }

    /// How long an agent travels between two waypoints; `None` when there is no way for it.
    pub fn between(&mut self, agent: &Agent, from: WaypointId, to: WaypointId) -> Option<Micros> {
        if agent.speed == MmPerS::ZERO
            || self.site.waypoint(from).is_none()
            || self.site.waypoint(to).is_none()
        {
            return None;
        }
        let (site, waits) = (self.site, self.waits);
        let key = (agent.speed, agent.class);
        let TripMemo { roads, scratch, times, .. } = &mut self.memo;
        let times = times.entry((key, to)).or_insert_with(|| {
            let profile = TravelProfile { speed: agent.speed, class: agent.class };
            let roads = roads.entry(key).or_insert_with(|| LaneTimes::new(site, profile, waits));
            roads.times_to(to, scratch)
        });
        times.from(from)
    }

    /// How long agents travel to a place, each from where it is and in their order: [`between`](Self::between) with one
    /// look-up for each profile instead of each agent.
    pub(crate) fn arrivals<'b>(
        &mut self,
        agents: impl Iterator<Item = &'b Agent> + Clone,
        place: WaypointId,
    ) -> Vec<Option<Micros>> {
        let mut profiles: Vec<Profile> = Vec::new();
        for agent in agents.clone() {
            let profile = (agent.speed, agent.class);
            if let Err(at) = profiles.binary_search(&profile) {
                profiles.insert(at, profile);
                // From the place itself, which is known if any is.
                self.between(agent, place, place);
            }
        }
        let times = &self.memo.times;
        let known: Vec<Option<&TravelTimes>> =
            profiles.iter().map(|profile| times.get(&(*profile, place))).collect();
        let arrival = |agent: &Agent| {
            let slot = profiles.binary_search(&(agent.speed, agent.class)).ok()?;
            known.get(slot).copied().flatten()?.from(agent.at)
        };
        agents.map(arrival).collect()
    }
}

/// What the rules ask about ways.
pub(crate) trait Ways {
    /// The site.
    fn site(&self) -> &CompiledSite;

    /// How long an agent travels between two waypoints; `None` when there is no way for it.
    fn between(&mut self, agent: &Agent, from: WaypointId, to: WaypointId) -> Option<Micros>;

    /// How long the agent travels from `from` to the nearest charger at which it may stand; `None` when it reaches
    /// none. Zero when the site has no charger at all: somebody changes batteries by hand.
    fn charger_leg(&mut self, agent: &Agent, from: WaypointId) -> Option<Micros>;
}

impl Ways for Trips<'_> {
    fn site(&self) -> &CompiledSite {
        self.site
    }

    fn between(&mut self, agent: &Agent, from: WaypointId, to: WaypointId) -> Option<Micros> {
        Trips::between(self, agent, from, to)
    }

    fn charger_leg(&mut self, agent: &Agent, from: WaypointId) -> Option<Micros> {
        if self.chargers.is_empty() {
            return Some(Micros::ZERO);
        }
        let key = ((agent.speed, agent.class), from);
        if let Some(known) = self.memo.charger_legs.get(&key) {
            return *known;
        }
        let profile = TravelProfile { speed: agent.speed, class: agent.class };
        let cost = |lane| lane_time(self.site, profile, self.waits, lane);
        let leg = search_charger(self.site, agent, from, &self.chargers, cost);
        self.memo.charger_legs.insert(key, leg);
        leg
    }
}

/// Where batteries are charged, in order.
pub(crate) fn chargers(site: &CompiledSite) -> Vec<WaypointId> {
    let marked = site.live_waypoints().filter(|(_, waypoint)| waypoint.roles.charger);
    let stations = site.live_stations().filter(|(_, station)| station.kind == StationKind::Charger);
    let mut chargers: Vec<_> = marked.map(|(id, _)| id).collect();
    chargers.extend(stations.map(|(_, station)| station.waypoint));
    chargers.sort_unstable();
    chargers.dedup();
    chargers
}

/// Dijkstra's algorithm forwards from `from`, until the first charger is settled at which the agent may stand.
pub(crate) fn search_charger(
    site: &CompiledSite,
    agent: &Agent,
    from: WaypointId,
    chargers: &[WaypointId],
    cost: impl Fn(LaneId) -> Option<Micros>,
) -> Option<Micros> {
    let mut times = vec![Micros::MAX; site.waypoints().len()];
    *times.get_mut(from.index())? = Micros::ZERO;
    let mut heap = BinaryHeap::from([Reverse((Micros::ZERO, from))]);
    while let Some(Reverse((time, here))) = heap.pop() {
        if times.get(here.index()) != Some(&time) {
            continue;
        }
        if chargers.binary_search(&here).is_ok() && may_stand(site, agent.class, here) {
            return Some(time);
        }
        for (id, lane) in site.lanes_from(here).iter().filter_map(|id| Some((*id, site.lane(*id)?))) {
            let Some(cost) = cost(id) else { continue };
            let arrival = time.saturating_add(cost);
            if let Some(known) = times.get_mut(lane.to.index()).filter(|known| arrival < **known) {
                *known = arrival;
                heap.push(Reverse((arrival, lane.to)));
            }
        }
    }
    None
}

/// Whether an agent may and can do a task now, and when it would arrive and finish.
///
/// The rules are asked in this order, and the first that fires is the reason:
///
/// 1. `DSP-010` the task is open to its kind,
/// 2. `DSP-002` it has the skills,
/// 3. `DSP-003` it can carry the load,
/// 4. `DSP-004` it is on shift now,
/// 5. `DSP-009` it has not just declined, `DSP-005` it is available,
/// 6. `DSP-011` it may stand at every place,
/// 7. `DSP-006` it reaches every place in order,
/// 8. `DSP-004` its shift lasts until the task ends,
/// 9. `DSP-007` its battery lasts for ways, work and the way to a charger, and keeps its reserve.
///
/// A [`Roster`](crate::roster::Roster) knows more of agents, and asks two rules more: `DSP-013`, certification, after 2, and
/// `DSP-014`, levels and zones, after 3.
///
/// Rules 1 to 6 are cheap; rules 7 to 9 search the roadmap once per profile and target, see [`Trips`].
///
/// # Errors
/// The [`Refusal`] with the first rule that fired.
pub fn eligible(agent: &Agent, task: &Task, now: FleetTime, trips: &mut Trips<'_>) -> Result<Bid, Refusal> {
    Case { agent, task, steps: &task.steps, now, lifted: None }.judge(trips)
}

/// [`eligible`] as if one rule held for this agent, whatever its values: the rules after it are asked as well.
/// `DSP-006` cannot be lifted, because without a way there is no time to go on with.
pub(crate) fn eligible_but_for(
    lifted: RuleId,
    agent: &Agent,
    task: &Task,
    now: FleetTime,
    trips: &mut Trips<'_>,
) -> Result<Bid, Refusal> {
    Case { agent, task, steps: &task.steps, now, lifted: Some(lifted) }.judge(trips)
}

/// What a battery must hold for a task, in parts per million of a full one, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// For ways and work.
    pub(crate) task: i64,
    /// For the way to a charger besides.
    pub(crate) charger: i64,
    /// With the reserve.
    pub(crate) total: i64,
}

/// What the agent's battery must hold for a task that it finishes after `total`; `None` when it has no battery or reaches
/// no charger afterwards.
pub(crate) fn need(agent: &Agent, task: &Task, total: Micros, trips: &mut Trips<'_>) -> Option<Need> {
    let (battery, last) = (agent.battery?, task.steps.last()?);
    let leg = trips.charger_leg(agent, last.place)?;
    let reserve = i64::from(battery.reserve.get());
    let (all, without_leg) = (need_ppm(battery, total.saturating_add(leg)), need_ppm(battery, total));
    let (task, charger) = (without_leg.saturating_sub(reserve), all.saturating_sub(without_leg));
    Some(Need { task, charger, total: all })
}

/// Asks one rule of a seat.
type Check<'a> = &'a dyn Fn(&Seat) -> Result<(), Refusal>;

/// One agent before what is left of a task.
pub(crate) struct Case<'a> {
    pub(crate) agent: &'a Agent,
    pub(crate) task: &'a Task,
    /// Those that are to be done.
    pub(crate) steps: &'a [Step],
    pub(crate) now: FleetTime,
    /// A rule that is taken to hold.
    pub(crate) lifted: Option<RuleId>,
}

impl Case<'_> {
    fn judge(&self, trips: &mut Trips<'_>) -> Result<Bid, Refusal> {
        self.check_performer(&self.task.performers)?;
        self.check_skills(&BTreeSet::new())?;
        self.check_payload()?;
        self.check_on_shift()?;
        self.check_available()?;
        self.check_way(&[(self.agent.at, Micros::ZERO)], trips)
    }

    /// The rules that depend on the way, for somebody who can begin it at some places, each so long from now.
    pub(crate) fn check_way(
        &self,
        starts: &[(WaypointId, Micros)],
        ways: &mut impl Ways,
    ) -> Result<Bid, Refusal> {
        self.check_standing(ways.site())?;
        let (arrival, travel) = self.check_reach(starts, ways)?;
        let finish = travel.saturating_add(work(self.steps));
        self.check_shift_end(finish)?;
        self.check_battery(finish, ways)?;
        Ok(Bid { agent: self.agent.id, person: self.agent.kind.is_person(), arrival, finish })
    }

    fn check_performer(&self, performers: &Performers) -> Result<(), Refusal> {
        let allowed = performers.allow(self.agent.kind);
        self.require(DSP_010, allowed, || format!("the task is not open to a {}", self.agent.kind))
    }

    /// The skills that the task asks for, and some more.
    fn check_skills(&self, more: &BTreeSet<Skill>) -> Result<(), Refusal> {
        let asked = || self.task.skills.union(more);
        let missing = || asked().filter(|skill| !self.agent.skills.contains(skill));
        let have = asked().count() - missing().count();
        let evidence = evidence(DSP_002, count(have), Relation::Below, count(asked().count()));
        let names = || missing().map(|skill| skill.0.as_str()).collect::<Vec<_>>().join(", ");
        self.refuse_if(evidence, || format!("it lacks {}", names()))
    }

    fn check_certification(&self, tier: u8, asked: u8) -> Result<(), Refusal> {
        let evidence = evidence(DSP_013, tier.into(), Relation::Below, asked.into());
        self.refuse_if(evidence, || format!("it is certified for tier {tier}, tier {asked} is asked for"))
    }

    /// Kind, skills and certification, for one of the seats; else of the one for which the last of these is wrong.
    pub(crate) fn check_seats(&self, seats: &[&Seat], tier: u8) -> Result<(), Refusal> {
        let checks: [Check<'_>; 3] = [
            &|seat| self.check_performer(&seat.performers),
            &|seat| self.check_skills(&seat.skills),
            &|seat| self.check_certification(tier, seat.certification),
        ];
        let mut fitting: Vec<&Seat> = seats.to_vec();
        for check in checks {
            let Some(first) = fitting.first() else { break };
            let refusal = check(first);
            fitting.retain(|seat| check(seat).is_ok());
            if fitting.is_empty() {
                return refusal;
            }
        }
        // Nobody is meant.
        self.require(DSP_010, !seats.is_empty(), || format!("the task is not open to a {}", self.agent.kind))
    }

    /// `barred` says which places it may not enter.
    pub(crate) fn check_access(&self, barred: impl Fn(WaypointId) -> bool) -> Result<(), Refusal> {
        let step = self.steps.iter().find(|step| barred(step.place));
        self.require(DSP_014, step.is_none(), || {
            let place = step.map_or(WaypointId::default(), |step| step.place);
            format!("it may not enter the level or a zone of {place}")
        })
    }

    pub(crate) fn check_payload(&self) -> Result<(), Refusal> {
        let (carries, load) = (self.agent.payload_g, self.task.payload_g);
        let evidence = evidence(DSP_003, carries.into(), Relation::Below, load.into());
        self.refuse_if(evidence, || format!("it carries {carries} g, the load is {load} g"))
    }

    pub(crate) fn check_on_shift(&self) -> Result<(), Refusal> {
        let Some(shift) = self.agent.shift else {
            return Ok(());
        };
        let begun = evidence(DSP_004, at(self.now), Relation::Below, at(shift.from));
        self.refuse_if(begun, || format!("its shift begins at {}", shift.from))?;
        let over = evidence(DSP_004, at(shift.to), Relation::AtMost, at(self.now));
        self.refuse_if(over, || format!("its shift ended at {}", shift.to))
    }

    pub(crate) fn check_available(&self) -> Result<(), Refusal> {
        let state = self.agent.availability;
        let measured = match state {
            Availability::Available => 1,
            Availability::Declined { until } => {
                let asked_too_soon = evidence(DSP_009, at(self.now), Relation::Below, at(until));
                return self.refuse_if(asked_too_soon, || format!("it {state}"));
            }
            Availability::Busy { .. }
            | Availability::Asked { .. }
            | Availability::Stopped { .. }
            | Availability::Silent
            | Availability::Failed => UNAVAILABLE,
            Availability::Removed => GONE,
        };
        self.refuse_if(evidence(DSP_005, measured, Relation::Below, 1), || format!("it is {state}"))
    }

    fn check_standing(&self, site: &CompiledSite) -> Result<(), Refusal> {
        let barred = self.steps.iter().find(|step| !may_stand(site, self.agent.class, step.place));
        self.require(DSP_011, barred.is_none(), || {
            let place = barred.map_or(WaypointId::default(), |step| step.place);
            format!("it may not stand at {place}")
        })
    }

    /// Time until it is at the first place, and on the way until it is at the last.
    fn check_reach(
        &self,
        starts: &[(WaypointId, Micros)],
        ways: &mut impl Ways,
    ) -> Result<(Micros, Micros), Refusal> {
        let steps = count(self.steps.len());
        let Some(first) = self.steps.first() else {
            return Err(self.refusal(evidence(DSP_006, 0, Relation::Below, 1), || {
                "the task has no place to go to".into()
            }));
        };
        let no_way = |reached, here, place| {
            self.refusal(evidence(DSP_006, count(reached), Relation::Below, steps), || {
                format!("it finds no way from {here} to {place}")
            })
        };
        let legs = starts.iter().filter_map(|(from, after)| {
            Some(after.saturating_add(ways.between(self.agent, *from, first.place)?))
        });
        let Some(arrival) = legs.min() else {
            let here = starts.first().map_or(self.agent.at, |start| start.0);
            return Err(no_way(0, here, first.place));
        };
        match rest(self.agent, self.steps, ways) {
            Ok(rest) => Ok((arrival, arrival.saturating_add(rest))),
            Err((reached, from, to)) => Err(no_way(reached, from, to)),
        }
    }

    pub(crate) fn check_shift_end(&self, total: Micros) -> Result<(), Refusal> {
        let Some(shift) = self.agent.shift else {
            return Ok(());
        };
        let end = self.now + total;
        self.refuse_if(evidence(DSP_004, at(end), Relation::Above, at(shift.to)), || {
            format!("its shift ends at {}, the task at {end}", shift.to)
        })
    }

    pub(crate) fn check_battery(&self, total: Micros, ways: &mut impl Ways) -> Result<(), Refusal> {
        let (Some(battery), Some(last)) = (self.agent.battery, self.steps.last()) else {
            return Ok(());
        };
        let need = |leg| need_ppm(battery, total.saturating_add(leg));
        // Without the way to a charger first: most refusals need no search.
        self.refuse_battery(battery, need(Micros::ZERO), "the task and its reserve take")?;
        match ways.charger_leg(self.agent, last.place) {
            Some(leg) => {
                self.refuse_battery(battery, need(leg), "the task, the way to a charger and its reserve take")
            }
            None => self.require(DSP_007, false, || "it reaches no charger after the task".into()),
        }
    }

    fn refuse_battery(&self, battery: Battery, need: i64, what: &str) -> Result<(), Refusal> {
        let charge = battery.charge.get();
        self.refuse_if(evidence(DSP_007, charge.into(), Relation::Below, need), || {
            format!("its battery is at {}, {what} {}", percent(charge.into()), percent(need))
        })
    }

    /// A yes-or-no rule, recorded as "0 below 1".
    fn require(&self, rule: RuleId, holds: bool, detail: impl FnOnce() -> String) -> Result<(), Refusal> {
        self.refuse_if(evidence(rule, holds.into(), Relation::Below, 1), detail)
    }

    /// The recorded predicate is the decision: what a reader evaluates again is what was evaluated here.
    fn refuse_if(&self, evidence: Evidence, detail: impl FnOnce() -> String) -> Result<(), Refusal> {
        if evidence.holds() && self.lifted != Some(evidence.rule) {
            return Err(self.refusal(evidence, detail));
        }
        Ok(())
    }

    fn refusal(&self, evidence: Evidence, detail: impl FnOnce() -> String) -> Refusal {
        Refusal { agent: self.agent.id, rule: evidence.rule, evidence, detail: detail() }
    }
}

/// How long somebody travels from the first place of some steps to the last; where it finds no way, how many it reaches, and
/// from where to where it does not.
pub(crate) fn rest(
    agent: &Agent,
    steps: &[Step],
    ways: &mut impl Ways,
) -> Result<Micros, (usize, WaypointId, WaypointId)> {
    let mut travel = Micros::ZERO;
    for (reached, (one, next)) in (1..).zip(steps.iter().zip(steps.iter().skip(1))) {
        let leg = ways.between(agent, one.place, next.place).ok_or((reached, one.place, next.place))?;
        travel = travel.saturating_add(leg);
    }
    Ok(travel)
}

/// Whether a release for somebody of a footprint class may end there; people stand where they like.
pub(crate) fn may_stand(site: &CompiledSite, class: Option<usize>, place: WaypointId) -> bool {
    class.is_none_or(|class| site.classes().get(class).is_some_and(|claims| claims.may_stop(place)))
}

/// How long on the move a battery lasts until only its reserve is left; `None` when less is left already, [`Micros::MAX`] when
/// nothing drains it. The longest `total` for which [`need_ppm`] is no more than its charge.
pub(crate) fn endurance(battery: Battery) -> Option<Micros> {
    let spare = battery.charge.get().checked_sub(battery.reserve.get())?;
    let lasts = (u64::from(spare) * 1_000_000).checked_div(battery.drain_ppm_per_s.into());
    Some(lasts.map_or(Micros::MAX, Micros::new))
}

/// Charge that `total` on the move takes, rounded up, and the reserve.
fn need_ppm(battery: Battery, total: Micros) -> i64 {
    let drained = u128::from(total.as_micros()) * u128::from(battery.drain_ppm_per_s);
    let need = drained.div_ceil(1_000_000) + u128::from(battery.reserve.get());
    i64::try_from(need).unwrap_or(i64::MAX)
}

/// Parts per million as a percentage with one decimal, rounded up so that a need never looks met.
pub(crate) fn percent(ppm: i64) -> String {
    let tenths = ppm / 1_000 + i64::from(ppm % 1_000 != 0);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

const fn evidence(rule: RuleId, measured: i64, relation: Relation, limit: i64) -> Evidence {
    Evidence { rule, measured, relation, limit }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Microseconds; instants beyond 292 000 years are all the same.
fn at(time: FleetTime) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
