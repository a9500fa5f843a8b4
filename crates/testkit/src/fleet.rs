//! Random fleets, loads, radios and faults for a given site.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sheepdog_core::{AgentId, Confidence, DoorId, LiftId, Micros, Ppm, ResourceId, WaypointId, wire::Action};
use sheepdog_dispatch::{Performers, Skill, Step};
use sheepdog_fleet::TaskRequest;
use sheepdog_map::CompiledSite;
use sheepdog_scenario::{DeliveryLoad, delivery};
use sheepdog_sim::{Fault, FaultKind, FaultTarget, RadioSpec, Victims};

/// What is drawn of a robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Robot {
    /// Where it starts, counted through the places of rest.
    pub place: u8,
    /// State of charge at the start, percent.
    pub battery_percent: u8,
}

/// What is drawn of a task. Places are counted through the stations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// When somebody asks for it, seconds.
    pub at_s: u8,
    /// Where it starts.
    pub from: u8,
    /// Where it ends.
    pub to: u8,
    /// Time at either end, seconds.
    pub handling_s: u8,
    /// What is odd about it.
    pub oddity: Oddity,
}

/// What is odd about a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// Nothing.
    None,
    /// Robots alone may do it.
    RobotsOnly,
    /// People alone may do it.
    PeopleOnly,
    /// It is heavier than any robot can carry.
    TooHeavy,
    /// It needs a skill that nobody has.
    Unskilled,
    /// One of its places is where nobody may stop, such as a junction in a one-lane corridor or a cabin.
    NoRest,
    /// One of its places is not on the site.
    Nowhere,
    /// Something is handed over that was never taken.
    Backwards,
    /// It has no steps.
    Empty,
    /// It has the name of the task before it.
    Twin,
}

/// Places of rest for `picks` robots whose claims are disjoint, as long as there are any left.
///
/// Each pick counts through the places that footprint class 0 may stop at; a place that is taken passes the pick on to
/// the next.
pub fn places(site: &CompiledSite, picks: impl IntoIterator<Item = u8>) -> Vec<WaypointId> {
    let Some(class) = site.classes().first() else { return Vec::new() };
    let rest: Vec<WaypointId> = (0..)
        .map(WaypointId)
        .zip(site.waypoints())
        .map(|(id, _)| id)
        .filter(|id| class.may_stop(*id))
        .collect();
    let mut taken: BTreeSet<ResourceId> = BTreeSet::new();
    let mut places = Vec::new();
    for pick in picks {
        let from = usize::from(pick) % rest.len().max(1);
        let is_free = |at: &&WaypointId| class.at(**at).iter().all(|claim| !taken.contains(claim));
        let free = rest.iter().cycle().skip(from).take(rest.len()).find(is_free);
        if let Some(&at) = free {
            taken.extend(class.at(at));
            places.push(at);
        }
    }
    places
}

/// Starting places for one to six robots of footprint class 0, with disjoint claims. Shrinks towards one robot.
///
/// On a site without a place of rest it is empty.
pub fn fleets(site: &CompiledSite) -> impl Strategy<Value = Vec<WaypointId>> + use<> {
    let site = site.clone();
    prop::collection::vec(any::<u8>(), 1..=6).prop_map(move |picks| places(&site, picks))
}

pub(crate) fn robot() -> impl Strategy<Value = Robot> {
    let battery = prop_oneof![9 => Just(100), 1 => 27_u8..35];
    (any::<u8>(), battery).prop_map(|(place, battery_percent)| Robot { place, battery_percent })
}

impl Robot {
    /// Its state of charge.
    pub fn battery(&self) -> Ppm {
        Ppm::new(u32::from(self.battery_percent.min(100)) * 10_000).unwrap_or(Ppm::ONE)
    }
}

pub(crate) fn load(odd: bool) -> impl Strategy<Value = Load> {
    let at_s = prop_oneof![2 => Just(0), 2 => 0_u8..4, 1 => 0_u8..60];
    let oddity = if odd {
        prop_oneof![
            12 => Just(Oddity::None),
            2 => Just(Oddity::RobotsOnly),
            1 => Just(Oddity::PeopleOnly),
            1 => Just(Oddity::TooHeavy),
            1 => Just(Oddity::Unskilled),
            1 => Just(Oddity::NoRest),
            1 => Just(Oddity::Nowhere),
            1 => Just(Oddity::Backwards),
            1 => Just(Oddity::Empty),
            1 => Just(Oddity::Twin),
        ]
        .boxed()
    } else {
        Just(Oddity::None).boxed()
    };
    (at_s, 0_u8..12, 0_u8..12, 0_u8..4, oddity).prop_map(|(at_s, from, to, handling_s, oddity)| Load {
        at_s,
        from,
        to,
        handling_s,
        oddity,
    })
}

/// One to eight tasks between the stations of a site, with their times: ties and repeats are common, and some tasks
/// cannot be done or are nonsense. Shrinks towards one plain delivery at the start.
pub fn loads(site: &CompiledSite) -> impl Strategy<Value = Vec<(Micros, TaskRequest)>> + use<> {
    let site = site.clone();
    prop::collection::vec(load(true), 1..=8).prop_map(move |loads| requests(&site, &loads))
}

/// The requests that drawn loads stand for, by their time.
pub(crate) fn requests(site: &CompiledSite, loads: &[Load]) -> Vec<(Micros, TaskRequest)> {
    loads.iter().enumerate().map(|(number, load)| (load.at(), load.request(site, number))).collect()
}

impl Load {
    /// When it is asked for.
    pub const fn at(&self) -> Micros {
        Micros::from_secs(self.at_s as u64)
    }

    /// The request it stands for, as the `number`th of its list.
    pub fn request(&self, site: &CompiledSite, number: usize) -> TaskRequest {
        let stations = site.stations();
        let station = |pick: u8| stations.get(usize::from(pick) % stations.len().max(1));
        let place = |pick: u8| station(pick).map(|station| station.waypoint).unwrap_or_default();
        let handling = Micros::from_secs(self.handling_s.into());
        let work = DeliveryLoad { load: handling, unload: handling, ..DeliveryLoad::default() };
        let request = delivery(format!("load-{number}"), place(self.from), place(self.to), work);
        let step = |place, action| Step { place, action, duration: handling, gates: Vec::new() };
        match self.oddity {
            Oddity::None => request,
            Oddity::RobotsOnly => TaskRequest { performers: Performers::RobotsOnly, ..request },
            Oddity::PeopleOnly => TaskRequest { performers: Performers::people(), ..request },
            Oddity::TooHeavy => TaskRequest { payload_g: u32::MAX, ..request },
            Oddity::Unskilled => TaskRequest { skills: BTreeSet::from([Skill("fly".to_owned())]), ..request },
            Oddity::NoRest => {
                let barred = site.classes().first().and_then(|class| {
                    let all = (0..).map(WaypointId).zip(site.waypoints());
                    all.map(|(id, _)| id).find(|id| !class.may_stop(*id))
                });
                let at = barred.unwrap_or(place(self.to));
                TaskRequest {
                    steps: vec![step(place(self.from), Action::Attend), step(at, Action::Attend)],
                    ..request
                }
            }
            Oddity::Nowhere => {
                TaskRequest { steps: vec![step(WaypointId(u32::MAX), Action::Attend)], ..request }
            }
            Oddity::Backwards => {
                TaskRequest { steps: vec![step(place(self.from), Action::Unload)], ..request }
            }
            Oddity::Empty => TaskRequest { steps: Vec::new(), ..request },
            Oddity::Twin => TaskRequest { name: format!("load-{}", number.saturating_sub(1)), ..request },
        }
    }
}

/// Radios from perfect to bad: up to 0.3 s of delay and as much jitter, up to 15 % lost, up to 10 % twice. Shrinks
/// towards a perfect one.
pub fn radios() -> impl Strategy<Value = RadioSpec> {
    let millis = || prop_oneof![Just(0_u64), 0_u64..300];
    let loss = prop_oneof![2 => Just(0_u32), 3 => 0_u32..50, 1 => 50_u32..=150];
    let duplicate = prop_oneof![Just(0_u32), 0_u32..=100];
    (millis(), millis(), loss, duplicate).prop_map(|(delay, jitter, loss_permille, duplicate_permille)| {
        RadioSpec {
            delay: Micros::from_millis(delay),
            jitter: Micros::from_millis(jitter),
            loss_permille,
            duplicate_permille,
        }
    })
}

/// Up to `count` faults of every kind for robots `0..robots` and the doors and lifts of a site, each between 0 and 60 s
/// after the start and up to 30 s long. Shrinks towards none.
///
/// A broken-down robot needs a person who resumes it, and one whose button was pressed a person who resets it:
/// [`Story::play`](crate::Story::play) does both.
pub fn faults(site: &CompiledSite, robots: u32, count: usize) -> impl Strategy<Value = Vec<Fault>> + use<> {
    let (doors, lifts) = (site.doors().len(), site.lifts().len());
    let fault =
        (fault_kind(), any::<u8>(), 0_u64..60, 1_u64..=30).prop_map(move |(kind, pick, at_s, for_s)| {
            let target = target(kind, pick, robots, doors, lifts);
            Some(Fault {
                target: target?,
                onset: Micros::from_secs(at_s),
                duration: Some(Micros::from_secs(for_s)),
                kind,
            })
        });
    prop::collection::vec(fault, 0..=count).prop_map(|faults| faults.into_iter().flatten().collect())
}

/// Faults that leave base, sensors and clock as they should be, so that every promise holds. Confidence is drawn around
/// the threshold of 92.5 % and at nothing.
pub(crate) fn fault_kind() -> impl Strategy<Value = FaultKind> {
    let confidence =
        prop_oneof![Just(0_u32), Just(924_999), Just(925_000), 0_u32..=1_000_000].prop_map(|ppm| {
            FaultKind::ConfidenceLoss { confidence: Confidence::from_ppm(ppm).unwrap_or(Confidence::NONE) }
        });
    prop_oneof![
        confidence,
        Just(FaultKind::RadioSilence),
        Just(FaultKind::Breakdown),
        Just(FaultKind::DoorStuck),
        Just(FaultKind::LiftStuck),
        Just(FaultKind::EmergencyButton),
    ]
}

/// Whom a fault of that kind hits; `None` when there is nobody.
pub(crate) fn target(
    kind: FaultKind,
    pick: u8,
    robots: u32,
    doors: usize,
    lifts: usize,
) -> Option<FaultTarget> {
    let choose = |count: usize| u32::try_from(usize::from(pick).checked_rem(count)?).ok();
    match kind.victims() {
        Victims::Doors => choose(doors).map(|door| FaultTarget::Door(DoorId(door))),
        Victims::Lifts => choose(lifts).map(|lift| FaultTarget::Lift(LiftId(lift))),
        Victims::Machines => None,
        Victims::Agents if kind == FaultKind::RadioSilence && pick >= 240 => Some(FaultTarget::EveryAgent),
        Victims::Agents => {
            u32::from(pick).checked_rem(robots).map(|robot| FaultTarget::Agent(AgentId(robot)))
        }
    }
}
