//! The lamp's own guard: whether a UV-C lamp may be on now.
//!
//! [`LampGuard`] is a deterministic state machine of integers without allocation: readings of two local channels and
//! the leases of the fleet go in, [`Lamp::On`] with the instant at which it ends, or [`Lamp::Off`] comes out. It never
//! reads a clock and never talks to a lamp.
//!
//! Invariant: *what is missing or stale switches the lamp off*. Both channels must have seen an empty, closed room
//! lately, and a lease of the fleet must run. A person or an open door ends the lease: only one that was asked for
//! afterwards lets the lamp on again.
//!
//! A lease counts from the instant at which the lamp asked for it, on the lamp's own clock. So one that was long under
//! way is over when it arrives, and no clocks are compared.

use sheepdog_core::{Micros, RobotTime, ZoneId, wire::LampLease};

/// The longest time from a person or an open door in front of a channel until the lamp is off: 100 ms.
pub const LAMP_OFF_WITHIN: Micros = Micros::from_millis(100);

/// Settings of a lamp. They are the lamp's or the site's; none has a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LampConfig {
    /// The room it may treat.
    pub room: ZoneId,
    /// Which start of the lamp's software this is. What an earlier one asked for is void, for its clock was another.
    pub boot: u32,
    /// How old a reading of a channel may be; longer than [`LAMP_OFF_WITHIN`] counts as that.
    pub reading_age_max: Micros,
    /// The longest lease that is believed.
    pub lease_max: Micros,
}

/// What a local channel sees of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Nobody, and every door it sees is closed.
    Clear,
    /// A person.
    Person,
    /// A door that is not closed.
    OpenDoor,
}

/// One reading of a local channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LampReading {
    /// When it was taken, on the lamp's clock.
    pub taken: RobotTime,
    /// What was seen.
    pub seen: Seen,
}

/// Whether the lamp may be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lamp {
    /// On. The lamp's driver switches it off at `until` by itself, without another call.
    On {
        /// When it ends.
        until: RobotTime,
    },
    /// Off.
    Off(LampOff),
}

/// Why a lamp is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LampOff {
    /// Time went backwards.
    ClockBack,
    /// A channel is missing, or its reading is too old or from the future.
    NoReading,
    /// A channel sees a person.
    Person,
    /// A channel sees a door that is not closed.
    OpenDoor,
    /// No lease runs.
    NoLease,
}

/// Decides about one lamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LampGuard {
    config: LampConfig,
    now: RobotTime,
    /// The highest number of a lease or withdrawal.
    number: u32,
    /// The end of the lease that runs.
    lease_end: Option<RobotTime>,
    /// Leases asked for up to here are void: somebody was in the room, or time went backwards.
    void_until: Option<RobotTime>,
}

impl LampGuard {
    /// A guard that has seen nothing: the lamp is off.
    pub fn new(config: LampConfig) -> Self {
        let reading_age_max = config.reading_age_max.min(LAMP_OFF_WITHIN);
        Self {
            config: LampConfig { reading_age_max, ..config },
            now: RobotTime::ZERO,
            number: 0,
            lease_end: None,
            void_until: None,
        }
    }

    /// Takes in a lease or a withdrawal. What is older than the last, for another room, asked for in the future, by
    /// an earlier boot or before somebody was seen gives no leave.
    pub fn take(&mut self, lease: LampLease, now: RobotTime) {
        let LampLease { ask, number, life } = lease;
        if ask.room != self.config.room || number <= self.number {
            return;
        }
        self.number = number;
        let is_void = ask.boot != self.config.boot
            || now < ask.asked
            || self.void_until.is_some_and(|void| ask.asked <= void);
        let is_leave = !is_void && life != Micros::ZERO;
        self.lease_end = is_leave.then(|| ask.asked + life.min(self.config.lease_max));
    }

    /// Decides on the newest reading of each channel. Call it at every reading, and every 50 ms at least.
    pub fn step(&mut self, now: RobotTime, channels: [Option<LampReading>; 2]) -> Lamp {
        if now < self.now {
            self.void(self.now);
            self.now = now;
            return Lamp::Off(LampOff::ClockBack);
        }
        self.now = now;
        for reading in channels.into_iter().flatten() {
            let why = match reading.seen {
                Seen::Clear => continue,
                Seen::Person => LampOff::Person,
                Seen::OpenDoor => LampOff::OpenDoor,
            };
            self.void(now);
            return Lamp::Off(why);
        }
        let [Some(one), Some(other)] = channels.map(|reading| self.good_until(reading)) else {
            return Lamp::Off(LampOff::NoReading);
        };
        let Some(lease_end) = self.lease_end.filter(|end| now < *end) else {
            return Lamp::Off(LampOff::NoLease);
        };
        Lamp::On { until: one.min(other).min(lease_end) }
    }

    /// Ends the lease, and all that were asked for up to `until`.
    fn void(&mut self, until: RobotTime) {
        self.lease_end = None;
        self.void_until = self.void_until.max(Some(until));
    }

    /// Until when a reading counts; `None` when it does not now.
    fn good_until(&self, reading: Option<LampReading>) -> Option<RobotTime> {
        let taken = reading?.taken;
        let end = taken + self.config.reading_age_max;
        (taken <= self.now && self.now < end).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sheepdog_core::wire::LampAsk;

    use super::*;

    const ROOM: ZoneId = ZoneId(3);

    fn guard() -> LampGuard {
        LampGuard::new(LampConfig {
            room: ROOM,
            boot: 1,
            reading_age_max: Micros::from_millis(80),
            lease_max: Micros::from_secs(1),
        })
    }

    fn at(millis: u64) -> RobotTime {
        RobotTime::from_micros(millis * 1_000)
    }

    fn lease(number: u32, asked: u64, life: u64) -> LampLease {
        let ask = LampAsk { room: ROOM, boot: 1, asked: at(asked) };
        LampLease { ask, number, life: Micros::from_millis(life) }
    }

    fn both(millis: u64, seen: Seen) -> [Option<LampReading>; 2] {
        [Some(LampReading { taken: at(millis), seen }); 2]
    }

    #[test]
    fn it_is_on_with_two_fresh_channels_and_a_lease() {
        let mut guard = guard();
        assert_eq!(guard.step(at(100), both(100, Seen::Clear)), Lamp::Off(LampOff::NoLease));
        guard.take(lease(1, 100, 500), at(150));
        assert_eq!(guard.step(at(150), both(150, Seen::Clear)), Lamp::On { until: at(230) });
        assert_eq!(guard.step(at(590), both(590, Seen::Clear)), Lamp::On { until: at(600) });
        assert_eq!(guard.step(at(600), both(600, Seen::Clear)), Lamp::Off(LampOff::NoLease));
    }

    #[test]
    fn a_missing_stale_or_future_reading_switches_it_off() {
        let mut guard = guard();
        guard.take(lease(1, 100, 900), at(150));
        let fresh = Some(LampReading { taken: at(200), seen: Seen::Clear });
        for other in [None, Some(120), Some(201)] {
            let other = other.map(|millis| LampReading { taken: at(millis), seen: Seen::Clear });
            assert_eq!(guard.step(at(200), [fresh, other]), Lamp::Off(LampOff::NoReading));
            assert_eq!(guard.step(at(200), [other, fresh]), Lamp::Off(LampOff::NoReading));
        }
        assert!(matches!(guard.step(at(200), [fresh, fresh]), Lamp::On { .. }));
    }

    #[test]
    fn a_person_or_an_open_door_ends_the_lease_on_either_channel() {
        for (seen, why) in [(Seen::Person, LampOff::Person), (Seen::OpenDoor, LampOff::OpenDoor)] {
            for channel in [0, 1] {
                let mut guard = guard();
                guard.take(lease(1, 100, 900), at(100));
                let mut channels = both(200, Seen::Clear);
                channels[channel] = Some(LampReading { taken: at(200), seen });
                assert_eq!(guard.step(at(200), channels), Lamp::Off(why));
                assert_eq!(guard.step(at(250), both(250, Seen::Clear)), Lamp::Off(LampOff::NoLease));
                guard.take(lease(2, 200, 900), at(260));
                let before = "it was asked for before the person had gone";
                assert_eq!(
                    guard.step(at(260), both(260, Seen::Clear)),
                    Lamp::Off(LampOff::NoLease),
                    "{before}"
                );
                guard.take(lease(3, 261, 900), at(270));
                assert!(matches!(guard.step(at(270), both(270, Seen::Clear)), Lamp::On { .. }));
            }
        }
    }

    #[test]
    fn what_is_late_repeated_or_for_another_room_is_no_lease() {
        let mut guard = guard();
        let of = |ask: LampAsk| LampLease { ask, ..lease(1, 100, 900) };
        let ask = lease(1, 100, 900).ask;
        guard.take(of(LampAsk { room: ZoneId(9), ..ask }), at(100));
        guard.take(of(LampAsk { boot: 0, ..ask }), at(100));
        guard.take(LampLease { life: Micros::ZERO, ..lease(4, 100, 0) }, at(100));
        guard.take(lease(3, 100, 900), at(100));
        guard.take(lease(4, 100, 900), at(100));
        guard.take(lease(5, 300, 900), at(100));
        assert_eq!(guard.step(at(100), both(100, Seen::Clear)), Lamp::Off(LampOff::NoLease));
    }

    #[test]
    fn a_clock_that_goes_back_ends_the_lease() {
        let mut guard = guard();
        guard.take(lease(1, 100, 900), at(100));
        assert!(matches!(guard.step(at(100), both(100, Seen::Clear)), Lamp::On { .. }));
        assert_eq!(guard.step(at(99), both(99, Seen::Clear)), Lamp::Off(LampOff::ClockBack));
        assert_eq!(guard.step(at(101), both(101, Seen::Clear)), Lamp::Off(LampOff::NoLease));
    }

    proptest! {
        /// Whatever comes: it is on only with two clear readings younger than 100 ms and within the life of a lease,
        /// and what it promises ends no later than either.
        #[test]
        fn it_is_never_on_without_evidence(
            steps in prop::collection::vec(
                (0_u64..120, prop::option::of((0_u64..150, 0_u8..4)), prop::option::of((0_u64..150, 0_u8..4)),
                 prop::option::of((0_u32..6, 0_u64..600, 0_u64..3_000))), 1..40),
            age_max in 1_u64..300,
        ) {
            let mut guard = LampGuard::new(LampConfig {
                room: ROOM,
                boot: 1,
                reading_age_max: Micros::from_millis(age_max),
                lease_max: Micros::from_secs(1),
            });
            let mut now = 1_000;
            let mut ends = Vec::new();
            for (wait, one, other, order) in steps {
                now += wait;
                if let Some((number, ago, life)) = order {
                    guard.take(lease(number, now - ago, life), at(now));
                    ends.push(now - ago + life.min(1_000));
                }
                let channels = [one, other].map(|reading| reading.map(|(ago, seen)| LampReading {
                    taken: at(now - ago),
                    seen: match seen { 0 => Seen::Person, 1 => Seen::OpenDoor, _ => Seen::Clear },
                }));
                if let Lamp::On { until } = guard.step(at(now), channels) {
                    for reading in channels {
                        let reading = reading.unwrap();
                        prop_assert_eq!(reading.seen, Seen::Clear);
                        prop_assert!(until <= reading.taken + LAMP_OFF_WITHIN);
                    }
                    prop_assert!(at(now) < until && ends.iter().any(|end| until <= at(*end)));
                }
            }
        }
    }
}
