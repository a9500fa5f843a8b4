//! Who of those who may is there first.

use std::{collections::BTreeMap, sync::Arc};

use sheepdog_core::{AgentId, LaneId, Micros, MmPerS, Ppm, WaypointId};
use sheepdog_map::{
    CompiledSite,
    travel::{TravelProfile, Waits},
};

use super::{Barred, Member, Mobility, Roster, RosterError, Standing};
use crate::{
    Agent, Bid, Refusal, Step,
    dispatcher::{Call, Scout},
    eligible::{Case, Ways, chargers, may_stand, rest, search_charger},
    nearest::{AgentSet, Found, Standings, TravelOracle},
    policy::Arrival,
    rolling::{Outlook, Power},
    task::work,
};

/// A roster on a site with its travel times of now: what a [`Dispatcher`](crate::dispatcher::Dispatcher) asks.
///
/// Every answer is exact for the roster and the travel times of now, in whole milliseconds. Before a dispatcher decides, let
/// the roster [advance](Roster::advance) to the same instant.
#[derive(Clone, Debug)]
pub struct Field {
    site: Arc<CompiledSite>,
    roster: Roster,
    oracle: TravelOracle,
    /// By mobility, in order: where it may not be.
    barred: Vec<Vec<WaypointId>>,
    known: KnownWays,
    /// What a second at a charger brings, parts per million, and how full batteries are made.
    charging: (u32, Ppm),
}

/// Ways that do not depend on where an agent is, until travel times change.
#[derive(Clone, Debug)]
struct KnownWays {
    chargers: Vec<WaypointId>,
    legs: BTreeMap<(usize, WaypointId, WaypointId), Option<Micros>>,
    charger_legs: BTreeMap<(usize, WaypointId), Option<Micros>>,
}

/// Ways that are kept, of each sort.
const KNOWN_MAX: usize = 1 << 14;
/// Where more than so many are asked for, everybody's time is found at once.
const NEAREST_MAX: usize = 64;

/// Ways of those who travel alike.
struct Alike<'a> {
    site: &'a CompiledSite,
    oracle: &'a mut TravelOracle,
    known: &'a mut KnownWays,
    mobility: usize,
}

/// What is left of a task, for those who travel alike.
struct Rest<'a> {
    steps: &'a [Step],
    first: WaypointId,
    /// How long it takes from being at the first place to the end.
    lasts: Micros,
}

impl Field {
    /// Nobody on a site, all lanes free and open, waits as they are told. Everybody who is to join travels as one of the
    /// mobilities says; each is a [profile](TravelOracle::new) of the travel times, in this order.
    ///
    /// O((lanes + waypoints) · mobilities)
    ///
    /// # Errors
    /// [`RosterError::Level`], [`RosterError::Zone`], [`RosterError::Roads`].
    pub fn new(
        site: Arc<CompiledSite>,
        mobilities: &[Mobility],
        waits: &dyn Waits,
    ) -> Result<Self, RosterError> {
        for (mobility, Mobility { barred, .. }) in mobilities.iter().enumerate() {
            if let Some(level) = barred.levels.iter().find(|level| site.level(**level).is_none()) {
                return Err(RosterError::Level { mobility, level: *level });
            }
            if let Some(zone) = barred.zones.iter().find(|zone| site.zone(**zone).is_none()) {
                return Err(RosterError::Zone { mobility, zone: *zone });
            }
        }
        let profiles: Vec<TravelProfile> = mobilities.iter().map(|mobility| mobility.travel).collect();
        let mut oracle = TravelOracle::new(&site, &profiles, waits)?;
        let mut barred = Vec::with_capacity(mobilities.len());
        for (number, mobility) in mobilities.iter().enumerate() {
            let places = mobility.barred_places(&site);
            for lane in mobility.barred_lanes(&site, &places) {
                let is_known = oracle.bar(number, lane);
                debug_assert!(is_known.is_ok(), "it is a live lane, and as many profiles as mobilities");
            }
            barred.push(places);
        }
        let known =
            KnownWays { chargers: chargers(&site), legs: BTreeMap::new(), charger_legs: BTreeMap::new() };
        let roster = Roster::new(site.clone(), mobilities.to_vec());
        Ok(Self { roster, site, oracle, barred, known, charging: (0, Ppm::ONE) })
    }

    /// The same with chargers that bring so many parts per million a second, at which robots stay until they are so full: then
    /// [plans](crate::rolling) lead by them. Without that no plan counts on charging.
    #[must_use]
    pub fn with_charging(mut self, gain_ppm_per_s: u32, charge_to: Ppm) -> Self {
        self.charging = (gain_ppm_per_s, charge_to);
        self
    }

    /// The same with bounds that make searches short where few may go; see [`TravelOracle::with_anchors`].
    #[must_use]
    pub fn with_anchors(mut self, bytes_each: usize) -> Self {
        self.oracle = self.oracle.with_anchors(bytes_each);
        self
    }

    /// Who there is.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Who there is, to change it.
    pub fn roster_mut(&mut self) -> &mut Roster {
        &mut self.roster
    }

    /// The travel times; profiles are numbered as the mobilities are.
    pub fn oracle(&self) -> &TravelOracle {
        &self.oracle
    }

    /// The travel times, to change them; an oracle of other profiles in their place finds nobody a way. What was known of
    /// ways between places is forgotten.
    pub fn oracle_mut(&mut self) -> &mut TravelOracle {
        self.known.forget();
        &mut self.oracle
    }

    /// Whether an agent may and can do what is called for, and when it would arrive and finish, from now; `None` when it is not
    /// in the roster. Of several seats it is refused for the one for which most of kind, skills and certification is right.
    ///
    /// A search for each way that is not known, as [`TravelOracle::between`].
    ///
    /// # Errors
    /// The [`Refusal`] with the first rule that fired, in the order that the [module](super) tells.
    pub fn eligible(&mut self, agent: AgentId, call: &Call<'_>) -> Option<Result<Bid, Refusal>> {
        let Self { site, roster, oracle, barred, known, .. } = self;
        let member = roster.members.get(&agent.0)?;
        let steps = call.task.steps.get(call.step..).unwrap_or_default();
        let case = Case { agent: &member.agent, task: call.task, steps, now: roster.now, lifted: None };
        let mobility = member.mobility;
        if let Err(refusal) = check_cheap(&case, member, barred, call) {
            return Some(Err(refusal));
        }
        let now_ms = roster.now_ms();
        let starts: Vec<(WaypointId, Micros)> = member
            .standings()
            .iter()
            .map(|Standing { place, at_ms }| (*place, millis(at_ms.saturating_sub(now_ms))))
            .collect();
        Some(case.check_way(&starts, &mut Alike { site, oracle, known, mobility }))
    }

    /// Adds the first `wanted` of a set who travel alike; some may be there twice, with the way that is not the shorter one, too.
    fn nearest_alike(
        &mut self,
        call: &Call<'_>,
        mobility: usize,
        among: &AgentSet,
        wanted: usize,
        found: &mut Vec<Arrival>,
    ) -> Option<()> {
        let Self { site, roster, oracle, barred, known, .. } = self;
        let travel =
            roster.mobilities.get(mobility).filter(|known| known.travel.speed != MmPerS::ZERO)?.travel;
        let steps = call.task.steps.get(call.step..)?;
        let first = steps.first()?.place;
        site.waypoint(first)?;
        let may_be =
            |step: &Step| !is_in(barred, mobility, step.place) && may_stand(site, travel.class, step.place);
        if !steps.iter().all(may_be) {
            return None;
        }
        let mut set = roster.traits.mobile.get(mobility)?.clone();
        set.intersect(among);
        let somebody = &roster.members.get(&set.iter().next()?)?.agent;
        let mut ways = Alike { site, oracle, known, mobility };
        let travel = rest(somebody, steps, &mut ways).ok()?;
        let rest = Rest { steps, first, lasts: travel.saturating_add(work(steps)) };
        for (is_there, standings, base_ms) in [
            (&roster.states.is_here, &roster.here, roster.now_ms()),
            (&roster.states.is_later, &roster.later, roster.base_ms),
        ] {
            let mut there = set.clone();
            there.intersect(is_there);
            if !there.is_empty() {
                ways.first(roster, call, &rest, standings, base_ms, &there, wanted, found);
            }
        }
        Some(())
    }
}

impl Scout for Field {
    /// Exact, and so is what it returns.
    ///
    /// A few intersections of sets, then for each mobility as [`TravelOracle::nearest`] for one more than `most`; four times as
    /// many are looked at, and so on, while the shifts and batteries of too many would not last. Of 10 000 agents of two
    /// mobilities on 100 × 100 places, 10 % of whom may: 0.3 µs to know who, then 6 µs for the first of them and 20 µs for the
    /// first eight, at the median (release build on a busy two-core x86-64 machine).
    fn nearest(&mut self, call: &Call<'_>, most: usize, found: &mut Vec<Arrival>) -> Option<u64> {
        let lasts = work(call.task.steps.get(call.step..).unwrap_or_default());
        let set = self.roster.candidates(call, lasts);
        let mut all = Vec::new();
        if !set.is_empty() {
            for mobility in 0..self.barred.len() {
                self.nearest_alike(call, mobility, &set, most.saturating_add(1), &mut all);
            }
        }
        // On the way to one of two places somebody may be there already and at the other one later.
        all.sort_unstable_by_key(|arrival| (arrival.agent, arrival.at_ms));
        all.dedup_by_key(|arrival| arrival.agent);
        all.sort_unstable();
        found.extend(all.iter().take(most));
        all.get(most).map(|next| next.at_ms)
    }

    fn free_ms(&mut self, agent: AgentId) -> Option<u64> {
        let member = self.roster.members.get(&agent.0).filter(|member| member.is_foreseen())?;
        Some(member.foreseen?.at_ms.max(self.roster.now_ms()))
    }

    fn arrives_ms(&mut self, agent: AgentId, call: &Call<'_>) -> Option<u64> {
        let member = self.roster.members.get(&agent.0)?;
        let to = call.task.steps.get(call.step)?.place;
        let now_ms = self.roster.now_ms();
        let ways = member.places.iter().filter_map(|Standing { place, at_ms }| {
            let way = self.oracle.between(member.mobility, *place, to)?;
            Some(now_ms.max(*at_ms).saturating_add(way.into()))
        });
        ways.min()
    }

    fn refuses(&mut self, agent: AgentId, call: &Call<'_>) -> Option<Refusal> {
        match self.eligible(agent, call) {
            Some(eligible) => eligible.err(),
            None => Some(Refusal::unknown(agent)),
        }
    }

    fn drain_ppm_per_s(&mut self, agent: AgentId) -> u32 {
        let battery = self.roster.members.get(&agent.0).and_then(|member| member.agent.battery.as_ref());
        battery.map_or(0, |battery| battery.drain_ppm_per_s)
    }

    /// Of two places the one where it is first. Its battery is emptied by what it has yet to do, as by driving.
    fn outlook(&mut self, agent: AgentId) -> Option<Outlook> {
        let member = self.roster.members.get(&agent.0)?;
        let Standing { place, at_ms } = *member.standings().iter().min_by_key(|standing| standing.at_ms)?;
        let Agent { payload_g, shift, battery, .. } = &member.agent;
        let power = battery.map(|battery| {
            let used_ms = at_ms.saturating_sub(self.roster.now_ms());
            let used = used_ms.saturating_mul(battery.drain_ppm_per_s.into()).div_ceil(1_000);
            let (gain_ppm_per_s, charge_to) = self.charging;
            Power {
                level_ppm: battery.charge.get().saturating_sub(u32::try_from(used).unwrap_or(u32::MAX)),
                reserve_ppm: battery.reserve.get(),
                gain_ppm_per_s,
                charge_to_ppm: charge_to.get(),
            }
        });
        Some(Outlook {
            place: place.0,
            travel: u32::try_from(member.mobility).ok()?,
            room: *payload_g,
            until_ms: shift.map(|shift| shift.to.as_micros() / 1_000),
            aboard: Vec::new(),
            power,
        })
    }

    fn may(&mut self, agent: AgentId, call: &Call<'_>) -> bool {
        let Self { site, roster, barred, .. } = self;
        let Some(member) = roster.members.get(&agent.0) else { return false };
        let steps = call.task.steps.get(call.step..).unwrap_or_default();
        let case = Case { agent: &member.agent, task: call.task, steps, now: roster.now, lifted: None };
        let stands = |step: &Step| may_stand(site, member.agent.class, step.place);
        check_cheap(&case, member, barred, call).is_ok() && steps.iter().all(stands)
    }

    /// A search for each waypoint of `to`.
    fn ways(&mut self, travel: u32, from: &[u32], to: &[u32]) -> Vec<Option<u64>> {
        let [from, to] = [from, to].map(|places| places.iter().copied().map(WaypointId).collect::<Vec<_>>());
        let ways = self.oracle.matrix(travel as usize, &from, &to);
        ways.into_iter().flatten().map(|way| way.map(u64::from)).collect()
    }

    fn chargers(&mut self) -> Vec<u32> {
        self.known.chargers.iter().map(|place| place.0).collect()
    }
}

impl Alike<'_> {
    /// Adds the first `wanted` of a set who stand somewhere, and whose shift and battery last until they are done.
    #[expect(clippy::too_many_arguments, reason = "two questions that are told apart by these alone")]
    fn first(
        &mut self,
        roster: &Roster,
        call: &Call<'_>,
        rest: &Rest<'_>,
        standings: &Standings,
        base_ms: u64,
        set: &AgentSet,
        wanted: usize,
        found: &mut Vec<Arrival>,
    ) {
        let mut asked = wanted;
        loop {
            let is_last = NEAREST_MAX < asked;
            let nearest = if is_last {
                self.everybody(standings, set, rest.first)
            } else {
                self.oracle.nearest(self.mobility, standings, set, rest.first, asked).to_vec()
            };
            let is_last = is_last || nearest.len() < asked;
            let before = found.len();
            for Found { time_ms, agent } in nearest {
                let at_ms = base_ms.saturating_add(time_ms.into());
                if self.lasts(roster, call, rest, agent, at_ms) {
                    found.push(Arrival { at_ms, agent });
                    if wanted <= found.len() - before {
                        return;
                    }
                }
            }
            if is_last {
                return;
            }
            found.truncate(before);
            asked = asked.saturating_mul(4);
        }
    }

    /// Whether somebody who is at the first place at some time is on shift and has power until the end.
    fn lasts(&mut self, roster: &Roster, call: &Call<'_>, rest: &Rest<'_>, agent: u32, at_ms: u64) -> bool {
        let Some(member) = roster.members.get(&agent) else { return false };
        let case =
            Case { agent: &member.agent, task: call.task, steps: rest.steps, now: roster.now, lifted: None };
        let total = millis(at_ms.saturating_sub(roster.now_ms())).saturating_add(rest.lasts);
        case.check_shift_end(total).and_then(|()| case.check_battery(total, self)).is_ok()
    }

    /// All of a set who have a way, in order: one search over the whole site.
    fn everybody(&mut self, standings: &Standings, set: &AgentSet, to: WaypointId) -> Vec<Found> {
        let (mut from, mut who) = (Vec::new(), Vec::new());
        for agent in set.iter() {
            for (place, offset_ms) in standings.of(agent) {
                from.push(place);
                who.push((agent, offset_ms));
            }
        }
        let times = self.oracle.times_to(self.mobility, &from, to);
        let arrival = |(time, (agent, offset_ms)): (Option<u32>, &(u32, u32))| {
            let time_ms = time?.checked_add(*offset_ms).filter(|time| *time != u32::MAX)?;
            Some(Found { time_ms, agent: *agent })
        };
        let mut all: Vec<Found> = times.zip(&who).filter_map(arrival).collect();
        all.sort_unstable_by_key(|found| (found.agent, found.time_ms));
        all.dedup_by_key(|found| found.agent);
        all.sort_unstable();
        all
    }
}

impl Ways for Alike<'_> {
    fn site(&self) -> &CompiledSite {
        self.site
    }

    fn between(&mut self, agent: &Agent, from: WaypointId, to: WaypointId) -> Option<Micros> {
        let is_known = |place| self.site.waypoint(place).is_some();
        if agent.speed == MmPerS::ZERO || !is_known(from) || !is_known(to) {
            return None;
        }
        let key = (self.mobility, from, to);
        if let Some(known) = self.known.legs.get(&key) {
            return *known;
        }
        let leg = self.oracle.between(self.mobility, from, to).map(|time| millis(time.into()));
        self.known.keep_small();
        self.known.legs.insert(key, leg);
        leg
    }

    fn charger_leg(&mut self, agent: &Agent, from: WaypointId) -> Option<Micros> {
        if self.known.chargers.is_empty() {
            return Some(Micros::ZERO);
        }
        let key = (self.mobility, from);
        if let Some(known) = self.known.charger_legs.get(&key) {
            return *known;
        }
        let cost = |lane| self.oracle.time_ms(self.mobility, lane).map(|time| millis(time.into()));
        let leg = search_charger(self.site, agent, from, &self.known.chargers, cost);
        self.known.keep_small();
        self.known.charger_legs.insert(key, leg);
        leg
    }
}

impl KnownWays {
    fn forget(&mut self) {
        self.legs.clear();
        self.charger_legs.clear();
    }

    fn keep_small(&mut self) {
        if KNOWN_MAX <= self.legs.len().max(self.charger_legs.len()) {
            self.forget();
        }
    }
}

impl Mobility {
    /// Waypoints at which it may not be, in order.
    fn barred_places(&self, site: &CompiledSite) -> Vec<WaypointId> {
        let Barred { levels, zones } = &self.barred;
        let mut places: Vec<WaypointId> = zones
            .iter()
            .filter_map(|zone| site.zone(*zone))
            .flat_map(|zone| zone.waypoints.iter().copied())
            .collect();
        let class = self.travel.class.and_then(|class| site.classes().get(class));
        let reaches =
            |place| class.is_some_and(|class| class.zones_at(place).iter().any(|zone| zones.contains(zone)));
        let barred =
            site.live_waypoints().filter(|(id, place)| levels.contains(&place.level) || reaches(*id));
        places.extend(barred.map(|(id, _)| id));
        places.sort_unstable();
        places.dedup();
        places
    }

    /// Lanes that touch what is barred.
    fn barred_lanes(&self, site: &CompiledSite, places: &[WaypointId]) -> Vec<LaneId> {
        let zones = &self.barred.zones;
        let class = self.travel.class.and_then(|class| site.classes().get(class));
        let reaches =
            |lane| class.is_some_and(|class| class.zones_along(lane).iter().any(|zone| zones.contains(zone)));
        let ends = |place: &WaypointId| places.binary_search(place).is_ok();
        let barred =
            site.live_lanes().filter(|(id, lane)| ends(&lane.from) || ends(&lane.to) || reaches(*id));
        barred.map(|(id, _)| id).collect()
    }
}

/// The rules that do not depend on the way.
fn check_cheap(
    case: &Case<'_>,
    member: &Member,
    barred: &[Vec<WaypointId>],
    call: &Call<'_>,
) -> Result<(), Refusal> {
    case.check_seats(call.seats, member.credentials.certification)?;
    case.check_payload()?;
    case.check_access(|place| is_in(barred, member.mobility, place))?;
    case.check_on_shift()?;
    if member.is_foreseen() { Ok(()) } else { case.check_available() }
}

fn is_in(barred: &[Vec<WaypointId>], mobility: usize, place: WaypointId) -> bool {
    barred.get(mobility).is_some_and(|places| places.binary_search(&place).is_ok())
}

fn millis(ms: u64) -> Micros {
    Micros::new(ms.saturating_mul(1_000))
}
