//! Who may do what, in sets of bits that follow every change; and who of those is there first.
//!
//! * [`Roster`]: the [`Agent`]s of a fleet with their [`Credentials`], and a set of bits for each kind, skill, tier, profile,
//!   for who is on shift and who is available. A change touches a few bits; shifts, declines and predictions change by a
//!   queue of timers, see [`Roster::advance`].
//! * [`Field`]: a roster and a [`TravelOracle`](crate::nearest::TravelOracle). It is the [`Scout`](crate::dispatcher::Scout)
//!   that a [`Dispatcher`](crate::dispatcher::Dispatcher) asks, and tells of one agent which rule refuses it first.
//!
//! The rules are those of [`eligible`](crate::eligible()), in its order, and two more for what agents are certified for and
//! where they may be:
//!
//! 1. `DSP-010` kind, `DSP-002` skills, `DSP-013` certification: of one seat,
//! 2. `DSP-003` load,
//! 3. `DSP-014` levels and zones,
//! 4. `DSP-004` on shift now,
//! 5. `DSP-009` declined, `DSP-005` available, or busy and it is known until when,
//! 6. `DSP-011` may stand at every place,
//! 7. `DSP-006` reaches every place in order,
//! 8. `DSP-004` shift lasts, `DSP-007` battery lasts: counted from now, with what a busy agent has yet to do.
//!
//! Rules 1 to 5 are sets. Rules 3, 6 and all of 7 but the way to the first place are the same for all who travel alike. What is
//! left are two numbers of each agent, checked on those that a search finds, in the order in which they would arrive.
//!
//! ```
//! # use std::{collections::BTreeSet, sync::Arc};
//! # use sheepdog_core::{AgentId, FleetTime, Micros, Mm, MmPerS, TaskId, WaypointId, wire::Action};
//! # use sheepdog_map::{CompileOptions, FootprintClass, Site, model::{Level, Lane, Waypoint}};
//! use sheepdog_dispatch::{
//!     Agent, AgentKind, Availability, DSP_013, Enforcement, Performers, Step, Task,
//!     dispatcher::{Call, Scout, Seat},
//!     policy::Arrival,
//!     roster::{Credentials, Field, Mobility},
//! };
//! use sheepdog_map::travel::{NominalWaits, TravelProfile};
//!
//! # let mut site = Site::new("ward");
//! # site.levels.push(Level::new("ground", 0.0));
//! # site.waypoints.push(Waypoint::new("a", "ground", 0.0, 0.0));
//! # site.waypoints.push(Waypoint::new("b", "ground", 4.0, 0.0));
//! # site.lanes.push(Lane::two_way("a", "b"));
//! # let class = FootprintClass::round("small", Mm(200), Mm(50));
//! # let options = CompileOptions { spacing: Mm(10_000), ..CompileOptions::new(vec![class]) };
//! # let site = Arc::new(site.compile(&options).unwrap());
//! // A corridor of 4 m from `a` to `b`; robots drive 1 m/s.
//! let robots = Mobility::from(TravelProfile::robot(MmPerS(1_000), 0));
//! let mut field = Field::new(site.clone(), &[robots], &NominalWaits(&site))?;
//! for (id, at, certification) in [(3, 0, 2), (4, 1, 0)] {
//!     let agent = Agent {
//!         id: AgentId(id),
//!         name: format!("r{id}"),
//!         kind: AgentKind::Robot,
//!         enforcement: Enforcement::Permit,
//!         skills: BTreeSet::new(),
//!         payload_g: 5_000,
//!         shift: None,
//!         at: WaypointId(at),
//!         speed: MmPerS(1_000),
//!         class: Some(0),
//!         battery: None,
//!         availability: Availability::Available,
//!     };
//!     field.roster_mut().put(agent, Credentials { certification, ..Credentials::default() })?;
//! }
//! # let visit = Step { place: WaypointId(1), action: Action::Attend, duration: Micros::ZERO, gates: Vec::new() };
//! # let task = Task { id: TaskId(1), name: "visit".into(), requested: FleetTime::ZERO, deadline: None, priority: 1,
//! #     skills: BTreeSet::new(), payload_g: 0, performers: Performers::RobotsFirst, steps: vec![visit] };
//! // A visit at `b` for somebody of tier 1: the robot that stands there is not certified.
//! let seat = Seat { certification: 1, ..Seat::from(Performers::RobotsFirst) };
//! let call = Call { task: &task, step: 0, seats: &[&seat] };
//! let mut found = Vec::new();
//! assert_eq!(field.nearest(&call, 2, &mut found), None, "nobody else");
//! assert_eq!(found, [Arrival { at_ms: 4_000, agent: 3 }]);
//! let refusal = field.eligible(AgentId(4), &call).unwrap().unwrap_err();
//! assert_eq!(refusal.rule, DSP_013);
//! # Ok::<(), sheepdog_dispatch::roster::RosterError>(())
//! ```

mod field;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use sheepdog_core::{AgentId, FleetTime, LevelId, Micros, MmPerS, WaypointId, ZoneId};
use sheepdog_map::{CompiledSite, travel::TravelProfile};

pub use self::field::Field;
use crate::{
    Agent, AgentKind, Availability, Battery, Shift, Skill,
    dispatcher::{Call, Seat},
    eligible::endurance,
    nearest::{AGENTS_MAX, AgentSet, RoadError, Standings},
};

/// How far ahead somebody's whereabouts can be told: twelve days. What is later is a mistaken unit.
pub const AHEAD_MAX: Micros = Micros::from_secs(1 << 20);

/// What an [`Agent`] is trusted with, beside what it can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The tier that it is certified for, and with it all below; zero for none.
    #[serde(default)]
    pub certification: u8,
    /// Where it may not be.
    #[serde(default)]
    pub barred: Barred,
}

/// Where somebody may not be.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Barred {
    /// Levels.
    #[serde(default)]
    pub levels: BTreeSet<LevelId>,
    /// Zones: a robot reaches into none with its footprint, a person has no business at a waypoint in one.
    #[serde(default)]
    pub zones: BTreeSet<ZoneId>,
}

/// How somebody travels, and where it does not.
///
/// Lanes that touch what is barred are no way for it, so one that was brought there does not get out by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mobility {
    /// Speed and footprint class.
    pub travel: TravelProfile,
    /// Where it may not be.
    pub barred: Barred,
}

impl From<TravelProfile> for Mobility {
    /// Everywhere.
    fn from(travel: TravelProfile) -> Self {
        Self { travel, barred: Barred::default() }
    }
}

/// Why a roster refused something. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RosterError {
    /// Agents are places in tables.
    #[error("id is {agent}, it must be below {AGENTS_MAX}")]
    Number {
        /// Who.
        agent: AgentId,
    },
    /// No such agent is there.
    #[error("agent {agent} is not in the roster")]
    Unknown {
        /// Who.
        agent: AgentId,
    },
    /// Nobody who travels like that was expected.
    #[error(
        "agent {agent} travels at {speed} with class {class:?} and what it is barred from: none of the mobilities given"
    )]
    Mobility {
        /// Who.
        agent: AgentId,
        /// Its speed.
        speed: MmPerS,
        /// Its class.
        class: Option<usize>,
    },
    /// An agent is at one place, or on the way to one of two.
    #[error("agent {agent} is at {count} places, one or two are right")]
    Places {
        /// Who.
        agent: AgentId,
        /// How many were given.
        count: usize,
    },
    /// The site has no such waypoint.
    #[error("agent {agent} is at {place}, there is no such waypoint")]
    Place {
        /// Who.
        agent: AgentId,
        /// Where.
        place: WaypointId,
    },
    /// Nobody knows where somebody is so long after now.
    #[error("agent {agent} is there at {at}, more than {AHEAD_MAX} from now")]
    Ahead {
        /// Who.
        agent: AgentId,
        /// When.
        at: FleetTime,
    },
    /// The site has no such level.
    #[error("mobilities[{mobility}].barred.levels has {level}, there is no such level")]
    Level {
        /// Which mobility.
        mobility: usize,
        /// The level.
        level: LevelId,
    },
    /// The site has no such zone.
    #[error("mobilities[{mobility}].barred.zones has {zone}, there is no such zone")]
    Zone {
        /// Which mobility.
        mobility: usize,
        /// The zone.
        zone: ZoneId,
    },
    /// The site is too large.
    #[error(transparent)]
    Roads(#[from] RoadError),
}

/// Everybody, and the sets to which they belong.
#[derive(Clone, Debug)]
pub struct Roster {
    site: Arc<CompiledSite>,
    mobilities: Vec<Mobility>,
    now: FleetTime,
    members: BTreeMap<u32, Member>,
    /// When something of somebody changes by itself.
    wakes: BTreeSet<(FleetTime, u32)>,
    traits: Traits,
    states: States,
    /// Where those are who are there now.
    here: Standings,
    /// Where others will be, in milliseconds from `base_ms` on.
    later: Standings,
    base_ms: u64,
    /// Who has the traits that were asked for, until traits change.
    known: BTreeMap<Requirement, AgentSet>,
}

/// What of agents changes seldom.
#[derive(Clone, Debug, Default)]
struct Traits {
    kinds: BTreeMap<AgentKind, AgentSet>,
    skills: BTreeMap<Skill, Skilled>,
    next_skill: u64,
    /// By tier, who is certified for it and for none above.
    tiers: BTreeMap<u8, AgentSet>,
    /// What each carries, grams.
    carries: BTreeSet<(u32, u32)>,
    /// By mobility.
    mobile: Vec<AgentSet>,
}

#[derive(Clone, Debug)]
struct Skilled {
    /// Given once, to nothing else.
    number: u64,
    agents: AgentSet,
}

/// What of agents changes often.
#[derive(Clone, Debug)]
struct States {
    on_shift: AgentSet,
    /// When shifts end of those who are on.
    shift_ends: BTreeSet<(FleetTime, u32)>,
    available: AgentSet,
    /// Busy, and it is known until when.
    foreseen: AgentSet,
    /// By the number of a class and classes above it, those whose battery lasts for so long.
    enduring: [AgentSet; ENDURANCES],
    /// There now, at one place at least.
    is_here: AgentSet,
    /// There later, at one place at least.
    is_later: AgentSet,
}

/// Classes of endurance: one for each power of two of microseconds, and one for nothing at all.
const ENDURANCES: usize = 65;

/// Somebody, and what was derived of it.
#[derive(Clone, Debug)]
struct Member {
    agent: Agent,
    credentials: Credentials,
    mobility: usize,
    /// Where it can be, and when, unless it is busy and a prediction says more.
    places: Vec<Standing>,
    foreseen: Option<Standing>,
    wake: Option<FleetTime>,
    /// When its shift ends, while it is on.
    shift_end: Option<FleetTime>,
    /// How many classes of endurance it is in.
    endurances: usize,
}

/// A place, and when somebody is there, milliseconds of the fleet's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    place: WaypointId,
    at_ms: u64,
}

/// What is asked of traits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Requirement {
    /// Kinds by bit, tier, and skills by number, for each seat.
    seats: Vec<(u8, u8, Vec<u64>)>,
    payload_g: u32,
}

/// Answers that are kept.
const KNOWN_MAX: usize = 256;
/// How far the origin of later times may lie back, milliseconds: with [`AHEAD_MAX`], less than 2^31.
const BASE_AGE_MAX_MS: u64 = 1 << 29;
const KINDS: [AgentKind; 3] = [AgentKind::Robot, AgentKind::Technician, AgentKind::Nurse];

impl Roster {
    /// Nobody, on a site, with everything that may be said of how agents travel.
    pub(super) fn new(site: Arc<CompiledSite>, mobilities: Vec<Mobility>) -> Self {
        let places = u32::try_from(site.waypoints().len()).unwrap_or(u32::MAX);
        let mobile = vec![AgentSet::new(); mobilities.len()];
        Self {
            site,
            mobilities,
            now: FleetTime::ZERO,
            members: BTreeMap::new(),
            wakes: BTreeSet::new(),
            traits: Traits { mobile, ..Traits::default() },
            states: States::default(),
            here: Standings::new(places),
            later: Standings::new(places),
            base_ms: 0,
            known: BTreeMap::new(),
        }
    }

    /// Puts an agent in, or in the place of the one with its id; it is where it says, and no prediction is known of it.
    ///
    /// As for [`eligible`](crate::eligible()), an unknown place is one from which it arrives nowhere. O((skills + kinds) ·
    /// log agents); what was known of traits is forgotten if it has others than before.
    ///
    /// # Errors
    /// [`RosterError::Number`], [`RosterError::Mobility`].
    pub fn put(&mut self, agent: Agent, credentials: Credentials) -> Result<(), RosterError> {
        let id = agent.id;
        if AGENTS_MAX <= id.0 {
            return Err(RosterError::Number { agent: id });
        }
        let is_its = |mobility: &Mobility| {
            let TravelProfile { speed, class } = mobility.travel;
            (speed, class, &mobility.barred) == (agent.speed, agent.class, &credentials.barred)
        };
        let mobility = self.mobilities.iter().position(is_its).ok_or(RosterError::Mobility {
            agent: id,
            speed: agent.speed,
            class: agent.class,
        })?;
        let places = vec![Standing { place: agent.at, at_ms: 0 }];
        let (foreseen, wake, shift_end, endurances) = (None, None, None, 0);
        let new = Member { agent, credentials, mobility, places, foreseen, wake, shift_end, endurances };
        if self.members.get(&id.0).is_none_or(|old| !old.has_traits_of(&new)) {
            self.remove(id);
            self.set_traits(&new, true);
        }
        self.forget_states(id.0);
        self.members.insert(id.0, new);
        self.refresh(id.0);
        Ok(())
    }

    /// Takes an agent out. As costly as [`put`](Self::put).
    pub fn remove(&mut self, agent: AgentId) -> Option<Agent> {
        self.forget_states(agent.0);
        let member = self.members.remove(&agent.0)?;
        self.set_traits(&member, false);
        Some(member.agent)
    }

    /// An agent becomes available, or not. O(log agents)
    ///
    /// # Errors
    /// [`RosterError::Unknown`].
    pub fn set_availability(&mut self, agent: AgentId, to: Availability) -> Result<(), RosterError> {
        self.edit(agent, |member| member.agent.availability = to)
    }

    /// An agent's battery is read. O(log agents), and one bit for each factor of two by which it lasts longer or shorter.
    ///
    /// # Errors
    /// [`RosterError::Unknown`].
    pub fn set_battery(&mut self, agent: AgentId, to: Option<Battery>) -> Result<(), RosterError> {
        self.edit(agent, |member| member.agent.battery = to)
    }

    /// An agent gets another shift. O(log agents)
    ///
    /// # Errors
    /// [`RosterError::Unknown`].
    pub fn set_shift(&mut self, agent: AgentId, to: Option<Shift>) -> Result<(), RosterError> {
        self.edit(agent, |member| member.agent.shift = to)
    }

    /// An agent is somewhere: at a place, or on the way to either of two, and from when on it can turn there; see
    /// [`TravelOracle::on_lane`](crate::nearest::TravelOracle::on_lane). The first is its [`at`](Agent::at). O(log agents)
    ///
    /// # Errors
    /// [`RosterError::Unknown`], [`RosterError::Places`], [`RosterError::Place`], [`RosterError::Ahead`].
    pub fn stand(&mut self, agent: AgentId, at: &[(WaypointId, FleetTime)]) -> Result<(), RosterError> {
        let (&[(first, _)] | &[(first, _), _]) = at else {
            return Err(RosterError::Places { agent, count: at.len() });
        };
        let places: Vec<Standing> =
            at.iter().map(|at| self.standing(agent, *at)).collect::<Result<_, _>>()?;
        self.edit(agent, |member| {
            member.agent.at = first;
            member.places = places;
        })
    }

    /// It is known where and when an agent will be done with what it has, or not any more. It counts while the agent is
    /// [busy](Availability::Busy) or [asked](Availability::Asked); when that time has come and it still is, it is expected there
    /// at any moment. O(log agents)
    ///
    /// # Errors
    /// [`RosterError::Unknown`], [`RosterError::Place`], [`RosterError::Ahead`].
    pub fn foresee(
        &mut self,
        agent: AgentId,
        done: Option<(WaypointId, FleetTime)>,
    ) -> Result<(), RosterError> {
        let foreseen = done.map(|done| self.standing(agent, done)).transpose()?;
        self.edit(agent, |member| member.foreseen = foreseen)
    }

    /// Lets time pass: shifts begin and end, who declined may be asked again, who was expected is there. An earlier `now` counts
    /// as the last one. O(log agents) for each of those whose time has come.
    pub fn advance(&mut self, now: FleetTime) {
        self.now = self.now.max(now);
        while let Some((_, agent)) = self.wakes.first().copied().filter(|(at, _)| *at <= self.now) {
            self.refresh(agent);
        }
        if self.base_ms.saturating_add(BASE_AGE_MAX_MS) < self.now_ms() {
            self.base_ms = self.now_ms();
            let later: Vec<u32> = self.states.is_later.iter().collect();
            for agent in later {
                self.refresh(agent);
            }
        }
    }

    /// When something changes by itself next.
    pub fn poll_timeout(&self) -> Option<FleetTime> {
        self.wakes.first().map(|(at, _)| *at)
    }

    /// An agent as it was put in and changed since.
    pub fn agent(&self, agent: AgentId) -> Option<&Agent> {
        self.members.get(&agent.0).map(|member| &member.agent)
    }

    /// What an agent is trusted with.
    pub fn credentials(&self, agent: AgentId) -> Option<&Credentials> {
        self.members.get(&agent.0).map(|member| &member.credentials)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn now_ms(&self) -> u64 {
        self.now.as_micros() / 1_000
    }

    fn standing(
        &self,
        agent: AgentId,
        (place, at): (WaypointId, FleetTime),
    ) -> Result<Standing, RosterError> {
        if self.site.waypoint(place).is_none() {
            return Err(RosterError::Place { agent, place });
        }
        if self.now.saturating_add(AHEAD_MAX) < at {
            return Err(RosterError::Ahead { agent, at });
        }
        Ok(Standing { place, at_ms: at.as_micros().div_ceil(1_000) })
    }

    fn edit(&mut self, agent: AgentId, change: impl FnOnce(&mut Member)) -> Result<(), RosterError> {
        change(self.members.get_mut(&agent.0).ok_or(RosterError::Unknown { agent })?);
        self.refresh(agent.0);
        Ok(())
    }

    fn set_traits(&mut self, member: &Member, is_in: bool) {
        self.known.clear();
        let Traits { kinds, skills, next_skill, tiers, carries, mobile } = &mut self.traits;
        let Member { agent, credentials, mobility, .. } = member;
        let id = agent.id.0;
        kinds.entry(agent.kind).or_default().set(id, is_in);
        for skill in &agent.skills {
            let new = || {
                *next_skill += 1;
                Skilled { number: *next_skill, agents: AgentSet::new() }
            };
            let skilled = skills.entry(skill.clone()).or_insert_with(new);
            skilled.agents.set(id, is_in);
            // Skills come and go with agents, for years.
            if !is_in && skilled.agents.is_empty() {
                skills.remove(skill);
            }
        }
        tiers.entry(credentials.certification).or_default().set(id, is_in);
        let carried = (agent.payload_g, id);
        if is_in {
            carries.insert(carried)
        } else {
            carries.remove(&carried)
        };
        if let Some(mobile) = mobile.get_mut(*mobility) {
            mobile.set(id, is_in);
        }
    }

    /// Takes somebody out of all that changes often.
    fn forget_states(&mut self, id: u32) {
        let Self { members, wakes, states, here, later, .. } = self;
        let Some(member) = members.get_mut(&id) else { return };
        swap(wakes, &mut member.wake, None, id);
        swap(&mut states.shift_ends, &mut member.shift_end, None, id);
        states.enduring.iter_mut().take(std::mem::take(&mut member.endurances)).for_each(|class| {
            class.set(id, false);
        });
        let States { on_shift, available, foreseen, is_here, is_later, .. } = states;
        for set in [on_shift, available, foreseen, is_here, is_later] {
            set.set(id, false);
        }
        here.place(id, &[]);
        later.place(id, &[]);
    }

    /// Derives anew what follows from somebody and the time, and when that changes next. What stays as it is costs little.
    fn refresh(&mut self, id: u32) {
        let (now, now_ms, base_ms) = (self.now, self.now_ms(), self.base_ms);
        let Self { members, wakes, states, here, later, .. } = self;
        let Some(member) = members.get_mut(&id) else { return };
        let Agent { shift, battery, availability, .. } = member.agent;
        let mut wake: Option<FleetTime> = None;
        let mut wake_at = |at: FleetTime| {
            // At the end of time nothing is later, and nothing changes any more.
            if now < at {
                wake = Some(wake.map_or(at, |known| known.min(at)));
            }
        };

        let is_on = shift.is_none_or(|shift| shift.from <= now && now < shift.to);
        states.on_shift.set(id, is_on);
        let shift_end = shift.filter(|_| is_on).map(|shift| shift.to);
        swap(&mut states.shift_ends, &mut member.shift_end, shift_end, id);
        if let Some(Shift { from, to }) = shift {
            wake_at(if is_on { to } else { from });
        }

        let may_be_asked = match availability {
            Availability::Available => true,
            Availability::Declined { until } => {
                wake_at(until);
                until <= now
            }
            Availability::Busy { .. }
            | Availability::Asked { .. }
            | Availability::Stopped { .. }
            | Availability::Silent
            | Availability::Failed
            | Availability::Removed => false,
        };
        states.available.set(id, may_be_asked);
        states.foreseen.set(id, member.is_foreseen());

        // Standings leave out what is no place.
        let (mut of_here, mut of_later) = ([(u32::MAX, 0); 2], [(u32::MAX, 0); 2]);
        let slots = of_here.iter_mut().zip(&mut of_later);
        let [mut is_here, mut is_later] = [false; 2];
        for (Standing { place, at_ms }, (here, later)) in member.standings().iter().zip(slots) {
            if *at_ms <= now_ms {
                *here = (place.0, 0);
                is_here = true;
            } else {
                let offset_ms = u32::try_from(at_ms.saturating_sub(base_ms)).unwrap_or(u32::MAX);
                *later = (place.0, offset_ms);
                is_later = true;
                wake_at(FleetTime::from_micros(at_ms.saturating_mul(1_000)));
            }
        }
        states.is_here.set(id, is_here);
        states.is_later.set(id, is_later);
        here.place(id, &of_here);
        later.place(id, &of_later);

        let lasts = battery.map_or(Some(Micros::MAX), endurance);
        let endurances = lasts.map_or(0, |lasts| class_of(lasts) + 1);
        let before = std::mem::replace(&mut member.endurances, endurances);
        let (least, most) = (before.min(endurances), before.max(endurances));
        for class in states.enduring.iter_mut().take(most).skip(least) {
            class.set(id, before < endurances);
        }
        swap(wakes, &mut member.wake, wake, id);
    }

    /// Those who may do what is called for as far as that does not depend on the way, if the work at its places alone takes
    /// `work`; some whose batteries do not last so long may be among them.
    ///
    /// Four intersections, if somebody with such traits was looked for since traits changed last; and O(log agents) for each
    /// of those whose shift ends before the work would.
    fn candidates(&mut self, call: &Call<'_>, work: Micros) -> AgentSet {
        let mut set = self.with_traits(call).clone();
        let States { on_shift, shift_ends, available, foreseen, enduring, .. } = &self.states;
        set.intersect(on_shift);
        let mut open = available.clone();
        open.unite(foreseen);
        set.intersect(&open);
        if let Some(enduring) = enduring.get(class_of(work)) {
            set.intersect(enduring);
        }
        for (_, agent) in shift_ends.range(..(self.now + work, 0)) {
            set.set(*agent, false);
        }
        set
    }

    /// Those of the kind, skills and tier of one of the seats who can carry the load.
    fn with_traits(&mut self, call: &Call<'_>) -> &AgentSet {
        let Traits { kinds, skills, tiers, carries, .. } = &self.traits;
        let needs = |seat: &Seat| {
            let of_kinds = (0..).zip(KINDS).filter(|(_, kind)| seat.performers.allow(*kind));
            let bits = of_kinds.fold(0_u8, |bits, (bit, _)| bits | 1 << bit);
            // Nobody has what nobody has.
            let asked = call.task.skills.union(&seat.skills);
            let numbers: Option<Vec<u64>> = asked.map(|skill| Some(skills.get(skill)?.number)).collect();
            Some((bits, seat.certification, numbers?))
        };
        let seats = call.seats.iter().filter_map(|seat| needs(seat)).collect();
        let requirement = Requirement { seats, payload_g: call.task.payload_g };
        if KNOWN_MAX <= self.known.len() && !self.known.contains_key(&requirement) {
            self.known.clear();
        }
        self.known.entry(requirement).or_insert_with(|| {
            let mut all = AgentSet::new();
            for seat in call.seats {
                let mut fit = AgentSet::new();
                for (_, agents) in kinds.iter().filter(|(kind, _)| seat.performers.allow(**kind)) {
                    fit.unite(agents);
                }
                let nobody = AgentSet::new();
                for skill in call.task.skills.union(&seat.skills) {
                    fit.intersect(skills.get(skill).map_or(&nobody, |skilled| &skilled.agents));
                }
                let mut certified = AgentSet::new();
                tiers.range(seat.certification..).for_each(|(_, agents)| certified.unite(agents));
                fit.intersect(&certified);
                all.unite(&fit);
            }
            for (_, agent) in carries.range(..(call.task.payload_g, 0)) {
                all.set(*agent, false);
            }
            all
        })
    }
}

impl Default for States {
    fn default() -> Self {
        Self {
            on_shift: AgentSet::new(),
            shift_ends: BTreeSet::new(),
            available: AgentSet::new(),
            foreseen: AgentSet::new(),
            enduring: std::array::from_fn(|_| AgentSet::new()),
            is_here: AgentSet::new(),
            is_later: AgentSet::new(),
        }
    }
}

impl Member {
    fn has_traits_of(&self, other: &Self) -> bool {
        let traits =
            |of: &Self| (of.agent.kind, of.agent.payload_g, of.credentials.certification, of.mobility);
        traits(self) == traits(other) && self.agent.skills == other.agent.skills
    }

    /// Whether it has something to do, and it is known until when.
    fn is_foreseen(&self) -> bool {
        let is_taken = match self.agent.availability {
            Availability::Busy { .. } | Availability::Asked { .. } => true,
            Availability::Available
            | Availability::Stopped { .. }
            | Availability::Silent
            | Availability::Failed
            | Availability::Removed
            | Availability::Declined { .. } => false,
        };
        is_taken && self.foreseen.is_some()
    }

    /// Where it can be, and when; with what it has to do done, if that is foreseen.
    fn standings(&self) -> &[Standing] {
        match &self.foreseen {
            Some(foreseen) if self.is_foreseen() => std::slice::from_ref(foreseen),
            Some(_) | None => &self.places,
        }
    }
}

/// Somebody comes at another time than before, if at all.
fn swap(
    times: &mut BTreeSet<(FleetTime, u32)>,
    known: &mut Option<FleetTime>,
    new: Option<FleetTime>,
    id: u32,
) {
    if *known != new {
        if let Some(before) = std::mem::replace(known, new) {
            times.remove(&(before, id));
        }
        times.extend(new.map(|at| (at, id)));
    }
}

/// The bits that a time has: whoever lasts for longer than another is in no lower class.
fn class_of(time: Micros) -> usize {
    (u64::BITS - time.as_micros().leading_zeros()) as usize
}
