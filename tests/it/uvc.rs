//! Every interleaving of doors, people, sensors and messages around a UV-C lamp, up to ten events deep.
//!
//! The fleet's machine for a room, a radio that loses, delays, reorders and repeats, and the lamp's own guard are
//! driven together; a second account of what truly happened says what must never be.
//!
//! To keep the number of states small, the sources of the door report at every tick while those of the room report one
//! by one, and then the other way round. The two channels of the lamp are alike, so one of them fails and not the other.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::LazyLock,
};

use sheepdog::driver::lamp::{LAMP_OFF_WITHIN, Lamp, LampConfig, LampGuard, LampReading, Seen};
use sheepdog::fleet::uvc::{Surroundings, Treatment, UvcRoom, UvcSource};
use sheepdog::vocabulary::{
    AgentId, DoorId, FleetTime, Micros, Ppm, RobotTime, ZoneId,
    wire::{LampAsk, LampLease, Subject, Witness},
};

const DEPTH: usize = 10;
const ROOM: ZoneId = ZoneId(0);
const DOOR: DoorId = DoorId(0);
const TICK_MS: u64 = 50;
const WITNESS_MS: u64 = 200;
const LEASE_MS: u64 = 150;
/// The lamp's clock began so much earlier than the fleet's.
const AHEAD_MS: u64 = 7_000;
/// 1 W/m² without reflection: a millijoule for each millisecond. Two leases of 250 ms and a little more.
const DOSE_MJ: u32 = 600;

static UVC_ROOM: LazyLock<UvcRoom> = LazyLock::new(room);

/// What each source says when it is not clear, and when it is.
static WITNESSES: LazyLock<Vec<[Witness; 2]>> = LazyLock::new(|| {
    let says = |source: &UvcSource, clear| Witness {
        room: ROOM,
        source: source.name.clone(),
        subject: source.subject,
        clear,
        age: Micros::ZERO,
    };
    room().sources.iter().map(|source| [false, true].map(|clear| says(source, clear))).collect()
});

fn room() -> UvcRoom {
    let source = |name: &str, subject, channel| UvcSource { name: name.to_owned(), subject, channel };
    UvcRoom {
        zone: ROOM,
        lamp: AgentId(0),
        sources: vec![
            source("room 1", Subject::Room, 1),
            source("room 2", Subject::Room, 2),
            source("door 1", Subject::Door(DOOR), 1),
            source("door 2", Subject::Door(DOOR), 2),
        ],
        witness_age_max: Micros::from_millis(WITNESS_MS),
        lease: Micros::from_millis(LEASE_MS),
        irradiance_mw_per_m2: 1_000,
        reflection: Ppm::new(0).unwrap(),
        dose_max_mj_per_m2: DOSE_MJ,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Tick,
    Door,
    Person,
    /// One of the two sources of the fleet that do not report by themselves.
    Source(usize),
    /// A channel of the lamp fails, or works again.
    Channel,
    Ask,
    /// The oldest question arrives. One that is lost is as if it had not been asked.
    DeliverUp,
    DeliverDown,
    /// The newest message overtakes the others.
    Overtake,
    RepeatDown,
    LoseDown,
    /// A robot is sent into the room, or leaves it.
    Other,
}

const EVENTS: [Event; 13] = [
    Event::Tick,
    Event::Door,
    Event::Person,
    Event::Source(0),
    Event::Source(1),
    Event::Channel,
    Event::Ask,
    Event::DeliverUp,
    Event::DeliverDown,
    Event::Overtake,
    Event::RepeatDown,
    Event::LoseDown,
    Event::Other,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "a building is many independent facts")]
struct World {
    now_ms: u64,
    /// The first of the two sources that report one by one; the other two report at every tick.
    one_by_one: usize,
    fleet: Treatment,
    guard: LampGuard,
    lamp: Lamp,
    door_open: bool,
    person: bool,
    other: bool,
    /// Whether the first channel works; the second one always does.
    works: bool,
    readings: [Option<LampReading>; 2],
    up: Vec<LampAsk>,
    down: Vec<LampLease>,
    // What truly happened.
    /// When a person came in, or the door opened, the last time that it was not so.
    danger_since: Option<u64>,
    /// The last word of each source: when, and whether it was clear.
    said: [Option<(u64, bool)>; 4],
    /// The latest end of a lease that was given, on the fleet's clock.
    lease_end: Option<u64>,
    /// The highest number that the lamp has heard, and whether that was a withdrawal.
    heard: (u32, bool),
    lit_ms: u64,
}

impl World {
    fn new(one_by_one: usize) -> Self {
        let guard = LampGuard::new(LampConfig {
            room: ROOM,
            boot: 0,
            reading_age_max: Micros::from_millis(80),
            lease_max: Micros::from_secs(1),
        });
        let mut world = Self {
            now_ms: 1_000,
            one_by_one,
            fleet: Treatment::default(),
            lamp: Lamp::Off(sheepdog::driver::lamp::LampOff::NoLease),
            guard,
            door_open: false,
            person: false,
            other: false,
            works: true,
            readings: [None; 2],
            up: Vec::new(),
            down: Vec::new(),
            danger_since: None,
            said: [None; 4],
            lease_end: None,
            heard: (0, true),
            lit_ms: 0,
        };
        world.look();
        world.report_by_themselves();
        world
    }

    fn after(one_by_one: usize, events: &[Event]) -> Self {
        events.iter().fold(Self::new(one_by_one), |world, event| world.next(*event).unwrap_or(world))
    }

    fn now(&self) -> FleetTime {
        FleetTime::from_micros(self.now_ms * 1_000)
    }

    fn lamp_now(&self) -> RobotTime {
        RobotTime::from_micros((self.now_ms + AHEAD_MS) * 1_000)
    }

    fn around(&self) -> Surroundings {
        Surroundings { lamp_stands_inside: true, others: self.other, open_door: false }
    }

    fn is_lit(&self) -> bool {
        matches!(self.lamp, Lamp::On { until } if self.lamp_now() < until)
    }

    /// The world after an event; `None` when it cannot happen.
    fn next(&self, event: Event) -> Option<Self> {
        let mut world = self.clone();
        match event {
            Event::Tick => world.tick(),
            Event::Door if world.person && !world.door_open => return None,
            Event::Door => world.door_open = !world.door_open,
            Event::Person if !world.door_open => return None,
            Event::Person => world.person = !world.person,
            Event::Source(index) => world.report(world.one_by_one + index),
            Event::Channel => world.works = !world.works,
            Event::Ask => {
                let ask = LampAsk { room: ROOM, boot: 0, asked: world.lamp_now() };
                world.up.push(ask);
            }
            Event::DeliverUp => {
                let ask = (!world.up.is_empty()).then(|| world.up.remove(0))?;
                world.ask(ask);
            }
            Event::DeliverDown => {
                let lease = (!world.down.is_empty()).then(|| world.down.remove(0))?;
                world.hear(lease);
            }
            Event::Overtake => {
                let lease = (1 < world.down.len()).then(|| world.down.pop())??;
                world.hear(lease);
            }
            Event::RepeatDown => {
                let lease = *world.down.first()?;
                world.hear(lease);
            }
            Event::LoseDown => drop((!world.down.is_empty()).then(|| world.down.remove(0))?),
            Event::Other => {
                world.other = !world.other;
                world.watch();
            }
        }
        if 2 < world.up.len() + world.down.len() {
            return None;
        }
        let danger = world.person || world.door_open;
        world.danger_since = danger.then(|| world.danger_since.unwrap_or(world.now_ms));
        Some(world)
    }

    fn tick(&mut self) {
        let until = match self.lamp {
            Lamp::On { until } => until.as_micros() / 1_000 - AHEAD_MS,
            Lamp::Off(_) => 0,
        };
        self.lit_ms += until.clamp(self.now_ms, self.now_ms + TICK_MS) - self.now_ms;
        self.now_ms += TICK_MS;
        self.look();
        self.report_by_themselves();
        self.watch();
    }

    fn report_by_themselves(&mut self) {
        for index in [2, 3].map(|index| (self.one_by_one + index) % 4) {
            self.report(index);
        }
    }

    /// The lamp's channels look, and its guard decides.
    fn look(&mut self) {
        let seen = match (self.person, self.door_open) {
            (true, _) => Seen::Person,
            (false, true) => Seen::OpenDoor,
            (false, false) => Seen::Clear,
        };
        for index in 0..2 {
            if self.works || 0 < index {
                self.readings[index] = Some(LampReading { taken: self.lamp_now(), seen });
            }
        }
        self.lamp = self.guard.step(self.lamp_now(), self.readings);
    }

    fn report(&mut self, index: usize) {
        let clear = if index < 2 { !self.person } else { !self.door_open };
        self.said[index] = Some((self.now_ms, clear));
        self.fleet.witness(&UVC_ROOM, &WITNESSES[index][usize::from(clear)], self.now());
        self.watch();
    }

    /// As the coordinator does it after every input.
    fn watch(&mut self) {
        let forbidden = self.fleet.check(&UVC_ROOM, &[DOOR], self.around(), self.now()).is_err();
        if self.fleet.is_leased(self.now()) && forbidden {
            self.down.extend(self.fleet.withdraw());
        }
    }

    fn ask(&mut self, ask: LampAsk) {
        match self.fleet.ask(&UVC_ROOM, &[DOOR], self.around(), ask, self.now()) {
            Ok(lease) => {
                assert!(self.is_proven(), "leave without two fresh, independent sources: {self:?}");
                let end = ask.asked.as_micros() / 1_000 - AHEAD_MS + LEASE_MS;
                self.lease_end = self.lease_end.max(Some(end));
                self.down.push(lease);
            }
            Err(_) => self.down.extend(self.fleet.withdraw()),
        }
    }

    /// Whether both sources of the room and both of the door have said lately that it is clear, nobody else is there,
    /// by this account.
    fn is_proven(&self) -> bool {
        let fresh = |said: &Option<(u64, bool)>| {
            said.is_some_and(|(at, clear)| clear && self.now_ms - at <= WITNESS_MS)
        };
        self.said.iter().all(fresh) && !self.other
    }

    fn hear(&mut self, lease: LampLease) {
        if self.heard.0 < lease.number {
            self.heard = (lease.number, lease.life == Micros::ZERO);
        }
        self.guard.take(lease, self.lamp_now());
        self.lamp = self.guard.step(self.lamp_now(), self.readings);
    }

    fn check(&self) {
        if self.is_lit() {
            let danger = self.danger_since.map_or(0, |since| self.now_ms - since);
            assert!(
                danger < LAMP_OFF_WITHIN.as_millis(),
                "lit {danger} ms after a person or a door: {self:?}"
            );
            assert!(self.lease_end.is_some_and(|end| self.now_ms < end), "lit without a lease: {self:?}");
            assert!(!self.heard.1, "lit after a withdrawal: {self:?}");
            let dead = |reading: &Option<LampReading>| {
                reading.is_none_or(|reading| {
                    LAMP_OFF_WITHIN <= self.lamp_now().since(reading.taken).unwrap_or(Micros::MAX)
                })
            };
            assert!(!self.readings.iter().any(dead), "lit without two fresh channels: {self:?}");
        }
        assert!(self.lit_ms <= u64::from(DOSE_MJ), "the dose is exceeded: {self:?}");
        let counted = self.fleet.dose_mj_per_m2(self.now());
        assert!(self.lit_ms <= counted && counted <= u64::from(DOSE_MJ), "the dose is not kept: {self:?}");
    }
}

/// Everything that can come after `start` within so many events: states, and those in which the lamp is lit.
///
/// Of a state that was seen only a digest of 64 bits is kept; that two of ten million share one is less likely than
/// one in a hundred thousand.
fn explore(start: World, depth: usize) -> (usize, usize) {
    let digest = |world: &World| {
        let mut hasher = DefaultHasher::new();
        world.hash(&mut hasher);
        hasher.finish()
    };
    let mut seen = BTreeSet::from([digest(&start)]);
    let mut lit = usize::from(start.is_lit());
    let mut edge = vec![start];
    for _ in 0..depth {
        let mut next = Vec::new();
        for world in edge {
            for after in EVENTS.iter().filter_map(|event| world.next(*event)) {
                if seen.insert(digest(&after)) {
                    after.check();
                    lit += usize::from(after.is_lit());
                    next.push(after);
                }
            }
        }
        edge = next;
    }
    (seen.len(), lit)
}

const PROVEN: [Event; 2] = [Event::Source(0), Event::Source(1)];
const LIT: [Event; 5] =
    [Event::Source(0), Event::Source(1), Event::Ask, Event::DeliverUp, Event::DeliverDown];

/// The good order of events switches the lamp on, and keeps it on as long as the dose lasts.
#[test]
fn the_lamp_of_a_proven_room_is_lit() {
    for one_by_one in [0, 2] {
        let mut world = World::after(one_by_one, &PROVEN);
        let mut lit = 0;
        for _ in 0..20 {
            for event in [Event::Ask, Event::DeliverUp, Event::DeliverDown, Event::Tick].iter().chain(&PROVEN)
            {
                world = world.next(*event).unwrap_or(world);
                world.check();
            }
            lit += u32::from(world.is_lit());
        }
        // 250 ms are reserved for the first lease, 50 ms for each that prolongs it, and 600 there are.
        assert_eq!(lit, 8, "then the dose is used up");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the size of the search is what a reader wants to know")]
fn no_interleaving_lights_the_lamp_without_evidence_or_keeps_it_lit() {
    for (what, one_by_one) in [("room", 0), ("door", 2)] {
        for (name, start) in [("dark", &[][..]), ("lit", &LIT[..])] {
            let start = World::after(one_by_one, start);
            assert_eq!(start.is_lit(), name == "lit");
            let (states, lit) = explore(start, DEPTH);
            println!("UV-C, {what} by sources one by one, from {name}: {states} states, {lit} of them lit");
            assert!(0 < lit);
        }
    }
}
