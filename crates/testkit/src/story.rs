//! Whole runs as a few lines of plain data.

use std::sync::Arc;

use proptest::prelude::*;
use sheepdog_core::{ActorId, AgentId, LevelId, Micros, MmPerS};
use sheepdog_dispatch::{Agent, AgentKind, Availability, Enforcement};
use sheepdog_fleet::{Actor, ActorEntry, Role};
use sheepdog_map::CompiledSite;
use sheepdog_scenario::{Event, Setup, SetupError, Victim};
use sheepdog_sim::{FaultKind, PersonSpec, RadioSpec};

use crate::{
    fleet::{self, Load, Robot, fault_kind, places, radios, requests},
    site::{Blueprint, MARGIN, RADIUS, SiteOptions, blueprints},
};

/// A run: who is where, what is asked for, what goes wrong. [`Story::setup`] makes it ready to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// The site.
    pub site: Blueprint,
    /// Robots; those for which there is no room are left out, and one bay more than robots stays.
    pub robots: Vec<Robot>,
    /// People who can be asked.
    pub people: Vec<Helper>,
    /// What is asked for.
    pub loads: Vec<Load>,
    /// The radio.
    pub radio: RadioSpec,
    /// What goes wrong.
    pub incidents: Vec<Incident>,
    /// Seed of everything else.
    pub seed: u64,
}

/// A person who can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Helper {
    /// Where they are at the start, counted through the stations.
    pub place: u8,
    /// A nurse, otherwise a technician.
    pub nurse: bool,
    /// How many questions in a thousand they accept.
    pub accept_permille: u16,
}

/// Something that goes wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incident {
    /// From when on, seconds.
    pub at_s: u8,
    /// For how long, seconds.
    pub for_s: u8,
    /// What.
    pub trouble: Trouble,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A fault of the plant; the number picks the robot, door or lift.
    Fault(FaultKind, u8),
    /// Somebody stops a level; the number picks which.
    LevelStop(u8),
    /// A fire alarm on a level; the number picks which.
    Fire(u8),
    /// The storage of the ledger is nearly full.
    FullStorage,
    /// The coordinator is killed and comes back from its ledger at once.
    Crash,
}

/// What stories to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoryOptions {
    /// The sites.
    pub site: SiteOptions,
    /// Most robots.
    pub robots: usize,
    /// Most people who can be asked. They walk about, and a robot waits for as long as one stands in its way.
    pub people: usize,
    /// Most tasks.
    pub loads: usize,
    /// Some tasks are odd, see [`Oddity`](crate::Oddity).
    pub odd_loads: bool,
    /// Most incidents.
    pub incidents: usize,
}

impl Default for StoryOptions {
    /// Up to four robots, two people, six tasks of which some are odd, and three incidents.
    fn default() -> Self {
        Self { site: SiteOptions::default(), robots: 4, people: 2, loads: 6, odd_loads: true, incidents: 3 }
    }
}

/// The person who clears up.
pub(crate) fn attendant() -> Actor {
    Actor { id: ActorId(1), role: Role::Operator, proof: b"drawn".to_vec() }
}

/// Stories with the default options. They shrink towards one robot, one plain delivery, a perfect radio, no incident.
pub fn stories() -> impl Strategy<Value = Story> {
    stories_with(StoryOptions::default())
}

/// Stories with other options.
pub fn stories_with(options: StoryOptions) -> impl Strategy<Value = Story> {
    let robots = prop::collection::vec(fleet::robot(), 1..=options.robots.max(1));
    let people = prop::collection::vec(helper(), 0..=options.people);
    let loads = prop::collection::vec(fleet::load(options.odd_loads), 1..=options.loads.max(1));
    let incidents = prop::collection::vec(incident(), 0..=options.incidents);
    (blueprints(options.site), robots, people, loads, radios(), incidents, 0_u64..1_000).prop_map(
        |(site, robots, people, loads, radio, incidents, seed)| Story {
            site,
            robots,
            people,
            loads,
            radio,
            incidents,
            seed,
        },
    )
}

/// Stories as [`Setup`]s, for those who run them themselves.
///
/// Nobody clears up after breakdowns and pressed buttons; crashes, level stops, fires and full storage are left out.
pub fn setups() -> impl Strategy<Value = Setup> {
    stories().prop_filter_map("the story has a setup", |story| story.setup().ok())
}

fn helper() -> impl Strategy<Value = Helper> {
    let accept = prop_oneof![2 => Just(1_000_u16), 1 => Just(500), 1 => Just(0)];
    (0_u8..12, any::<bool>(), accept).prop_map(|(place, nurse, accept_permille)| Helper {
        place,
        nurse,
        accept_permille,
    })
}

fn incident() -> impl Strategy<Value = Incident> {
    let trouble = prop_oneof![
        6 => (fault_kind(), any::<u8>()).prop_map(|(kind, pick)| Trouble::Fault(kind, pick)),
        1 => (0_u8..2).prop_map(Trouble::LevelStop),
        1 => (0_u8..2).prop_map(Trouble::Fire),
        1 => Just(Trouble::FullStorage),
        2 => Just(Trouble::Crash),
    ];
    (0_u8..60, 1_u8..30, trouble).prop_map(|(at_s, for_s, trouble)| Incident { at_s, for_s, trouble })
}

impl Incident {
    /// When it begins.
    pub const fn start(&self) -> Micros {
        Micros::from_secs(self.at_s as u64)
    }

    /// When it is over.
    pub const fn end(&self) -> Micros {
        Micros::from_secs(self.at_s as u64 + self.for_s as u64)
    }

    /// The level that a level stop stops, or that burns.
    pub(crate) fn level(pick: u8, site: &CompiledSite) -> LevelId {
        let count = site.levels().len().max(1);
        LevelId(u32::try_from(usize::from(pick) % count).unwrap_or(0))
    }
}

impl Story {
    /// The run. Its patience is shorter than usual: a robot counts as lost after 20 s, a person answers within 10 s and
    /// is asked again 20 s after declining, and people are asked for a robot's work after two minutes.
    ///
    /// # Errors
    /// [`SetupError`] if the site does not compile, which is a defect of this crate or the compiler.
    pub fn setup(&self) -> Result<Setup, SetupError> {
        let options = Setup::options(RADIUS, MARGIN, None);
        let mut setup = Setup::new(&self.site.site(), &options, self.seed)?;
        let site = Arc::clone(&setup.site);
        // One bay more than robots: without it some arrangements cannot be resolved.
        let spare = if self.site.cut_off.is_some() { 2 } else { 1 };
        let most = site.stations().len().saturating_sub(spare).max(1);
        let robots = self.robots.get(..self.robots.len().min(most)).unwrap_or(&self.robots);
        let starts = places(&site, robots.iter().map(|robot| robot.place));
        for (number, (robot, at)) in robots.iter().zip(starts).enumerate() {
            setup.add_robot(&format!("robot-{number}"), at, robot.battery())?;
        }
        let count = setup.fleet.agents.len();
        for (number, helper) in self.people.iter().enumerate() {
            helper.join(&mut setup, number);
        }
        setup.script.extend(
            requests(&site, &self.loads).into_iter().map(|(at, request)| (at, Event::Request(request))),
        );
        let robots = u32::try_from(count).unwrap_or(u32::MAX);
        for incident in &self.incidents {
            if let Trouble::Fault(kind, pick) = incident.trouble
                && let Some(target) =
                    fleet::target(kind, pick, robots, site.doors().len(), site.lifts().len())
            {
                let duration = Some(Micros::from_secs(incident.for_s.into()));
                let event = Event::Fault { victim: Victim::Target(target), duration, kind };
                setup.script.push((incident.start(), event));
            }
        }
        setup.fleet.actors.push(ActorEntry::of(&attendant()));
        setup.plant.radio = self.radio;
        setup.fleet.lost_after = Micros::from_secs(20);
        setup.fleet.answer_within = Micros::from_secs(10);
        setup.fleet.decline_cool_down = Micros::from_secs(20);
        setup.fleet.people_after = Micros::from_secs(120);
        setup.fleet.person_step_within = Micros::from_secs(180);
        setup.until_done = false;
        setup.duration = self.quiet_from().saturating_add(self.patience());
        Ok(setup)
    }

    /// From when on nothing goes wrong and nothing new is asked for.
    pub fn quiet_from(&self) -> Micros {
        let incidents = self.incidents.iter().map(Incident::end);
        incidents.chain(self.loads.iter().map(Load::at)).max().unwrap_or_default()
    }

    /// How long every feasible task may take after [`Story::quiet_from`]: five minutes and two for each task, and five
    /// more when a battery must be charged first.
    pub fn patience(&self) -> Micros {
        let low = self.robots.iter().any(|robot| robot.battery_percent < 50);
        let tasks = u64::try_from(self.loads.len()).unwrap_or(u64::MAX);
        Micros::from_secs(300 + 120 * tasks + if low { 300 } else { 0 })
    }
}

impl Helper {
    fn join(self, setup: &mut Setup, number: usize) {
        let stations = setup.site.stations();
        let station = stations.get(usize::from(self.place) % stations.len().max(1));
        let Some(at) = station.map(|station| station.waypoint) else { return };
        let agent = AgentId(u32::try_from(setup.fleet.agents.len()).unwrap_or(u32::MAX));
        let speed = MmPerS(1_200);
        setup.fleet.agents.push(Agent {
            id: agent,
            name: format!("person-{number}"),
            kind: if self.nurse { AgentKind::Nurse } else { AgentKind::Technician },
            enforcement: Enforcement::Advisory,
            skills: std::collections::BTreeSet::new(),
            payload_g: 10_000,
            shift: None,
            at,
            speed,
            class: None,
            battery: None,
            availability: Availability::Available,
        });
        setup.plant.people.push(PersonSpec {
            agent,
            at,
            speed,
            accept_permille: self.accept_permille.into(),
            answer_delay: Micros::from_secs(2),
        });
    }
}
