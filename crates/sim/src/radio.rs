//! Radio: delay, jitter, loss, duplication and, out of these, reordering.
//!
//! Each agent has a channel in each direction. Whether and when a message arrives is drawn from (seed, channel,
//! running number of the message), so traffic of one agent never shifts the draws of another.

use std::collections::{BTreeMap, VecDeque};

use sheepdog_core::{
    Micros,
    wire::{ToAgent, ToFleet},
};
use sheepdog_driver::Link;

use crate::{
    fault::{Active, FaultKind},
    random::{Purpose, happens, stream, up_to},
};

/// How good the radio is, the same for every agent and both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RadioSpec {
    /// Least time from sending to arrival.
    pub delay: Micros,
    /// Most additional time; each copy draws its own, so messages overtake each other unless it is zero.
    pub jitter: Micros,
    /// How many messages in a thousand are lost.
    pub loss_permille: u32,
    /// How many messages in a thousand arrive twice.
    pub duplicate_permille: u32,
}

impl RadioSpec {
    /// What a fault makes of it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "each place plays the faults of its own")]
    fn under(mut self, kind: FaultKind) -> Self {
        match kind {
            FaultKind::RadioDelay { by } => self.delay = self.delay.saturating_add(by),
            FaultKind::RadioJitter { by } => self.jitter = self.jitter.saturating_add(by),
            FaultKind::RadioLoss { permille } | FaultKind::RadioGarbles { permille } => {
                self.loss_permille = self.loss_permille.max(permille);
            }
            FaultKind::RadioDuplicates { permille } => {
                self.duplicate_permille = self.duplicate_permille.max(permille);
            }
            _ => {}
        }
        self
    }
}

/// Whether a fault silences one direction now.
#[expect(clippy::wildcard_enum_match_arm, reason = "each place plays the faults of its own")]
pub(crate) fn silences(active: &Active, down: bool) -> bool {
    match active.kind {
        FaultKind::RadioSilence => true,
        FaultKind::RadioDeaf => down,
        FaultKind::RadioFlaps { period } => {
            let half = (period.as_micros() / 2).max(1);
            (active.age.as_micros() / half).is_multiple_of(2)
        }
        _ => false,
    }
}

/// What becomes of a message: when it arrives, if it does, and when its copy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fate {
    first: Option<u64>,
    second: Option<u64>,
}

/// How many messages can be on the air in one channel; what is sent beyond that is lost.
const ON_AIR_MAX: usize = 4_096;

/// Messages to or from one agent that have been sent and have not arrived.
#[derive(Clone, Debug)]
pub(crate) struct Channel<M> {
    purpose: Purpose,
    entity: u32,
    /// How many messages have been sent.
    sent: u64,
    /// By arrival, then by the order of sending; the last number tells copies apart.
    on_air: BTreeMap<(u64, u64, u8), M>,
}

impl<M: Clone> Channel<M> {
    pub(crate) const fn new(purpose: Purpose, entity: u32) -> Self {
        Self { purpose, entity, sent: 0, on_air: BTreeMap::new() }
    }

    /// Sends a message at `now_us`, under faults; returns those that made a difference, by their place in the plant's list.
    /// Logarithmic in the number of messages on the air.
    #[expect(clippy::wildcard_enum_match_arm, reason = "each place plays the faults of its own")]
    pub(crate) fn send(
        &mut self,
        seed: u64,
        spec: &RadioSpec,
        faults: &[Active],
        now_us: u64,
        message: M,
    ) -> Vec<usize> {
        let number = self.sent;
        self.sent += 1;
        let (mut spec, mut guilty) = (*spec, Vec::new());
        let mut fate = self.fate(seed, &spec, now_us, number);
        for active in faults {
            let worse = spec.under(active.kind);
            let other = self.fate(seed, &worse, now_us, number);
            if other != fate {
                guilty.push(active.index);
            }
            (spec, fate) = (worse, other);
        }
        if let Some(first) = fate.first {
            self.put((first, number, 0), message.clone());
        }
        if let Some(second) = fate.second {
            self.put((second, number, 1), message.clone());
        }
        // Nothing repeats what was never heard.
        let replays = faults.iter().filter_map(|active| match active.kind {
            FaultKind::RadioReplays { after } => {
                Some((active.index, fate.first?.saturating_add(after.as_micros())))
            }
            _ => None,
        });
        for ((index, again), copy) in replays.zip(2_u8..) {
            if self.put((again, number, copy), message.clone()) {
                guilty.push(index);
            }
        }
        guilty
    }

    fn fate(&self, seed: u64, spec: &RadioSpec, now_us: u64, number: u64) -> Fate {
        let mut rng = stream(seed, self.purpose, self.entity, number);
        if happens(&mut rng, spec.loss_permille) {
            return Fate { first: None, second: None };
        }
        let mut arrival = || {
            let jitter = Micros::new(up_to(&mut rng, spec.jitter.as_micros()));
            now_us.saturating_add(spec.delay.saturating_add(jitter).as_micros())
        };
        let (first, second) = (arrival(), arrival());
        Fate { first: Some(first), second: happens(&mut rng, spec.duplicate_permille).then_some(second) }
    }

    /// Returns whether there was room.
    fn put(&mut self, key: (u64, u64, u8), message: M) -> bool {
        let has_room = self.on_air.len() < ON_AIR_MAX;
        if has_room {
            self.on_air.insert(key, message);
        }
        has_room
    }

    /// The earliest message that has arrived by `now_us`, with its arrival and running number.
    pub(crate) fn receive(&mut self, now_us: u64) -> Option<(u64, u64, M)> {
        let entry = self.on_air.first_entry()?;
        let (arrival, number, _) = *entry.key();
        if now_us < arrival {
            return None;
        }
        Some((arrival, number, entry.remove()))
    }
}

/// The radio on board: what has arrived and what is to be sent.
///
/// It belongs to the robot and is filled and emptied by the plant between two ticks.
#[derive(Clone, Debug, Default)]
pub struct SimLink {
    pub(crate) inbox: VecDeque<ToAgent>,
    pub(crate) outbox: Vec<ToFleet>,
}

impl Link for SimLink {
    fn send(&mut self, message: ToFleet) {
        self.outbox.push(message);
    }

    fn receive(&mut self) -> Option<ToAgent> {
        self.inbox.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spec(delay: u64, jitter: u64, loss: u32, duplicate: u32) -> RadioSpec {
        RadioSpec {
            delay: Micros::new(delay),
            jitter: Micros::new(jitter),
            loss_permille: loss,
            duplicate_permille: duplicate,
        }
    }

    /// Sends `0..count`, `gap` apart, and returns what arrives in the order of arrival.
    fn transmit(seed: u64, spec: RadioSpec, count: u64, gap: u64) -> Vec<(u64, u64)> {
        let mut channel = Channel::new(Purpose::Uplink, 1);
        for number in 0..count {
            channel.send(seed, &spec, &[], number * gap, number);
        }
        std::iter::from_fn(|| channel.receive(u64::MAX))
            .map(|(arrival, _, message)| (arrival, message))
            .collect()
    }

    #[test]
    fn nothing_arrives_before_its_time() {
        let mut channel = Channel::new(Purpose::Uplink, 1);
        channel.send(0, &spec(100, 0, 0, 0), &[], 50, 'a');
        assert_eq!(channel.receive(149), None);
        assert_eq!(channel.receive(150), Some((150, 0, 'a')));
        assert_eq!(channel.receive(150), None);
    }

    #[test]
    fn jitter_reorders_and_extremes_hold() {
        let shuffled = transmit(3, spec(10, 1_000, 0, 0), 100, 10);
        assert_eq!(shuffled.len(), 100);
        assert!(!shuffled.is_sorted_by_key(|&(_, message)| message));
        assert!(transmit(3, spec(10, 0, 1_000, 1_000), 100, 10).is_empty());
        assert_eq!(transmit(3, spec(10, 0, 0, 1_000), 100, 10).len(), 200);
    }

    #[test]
    fn a_full_channel_loses_what_is_sent_beyond() {
        assert_eq!(transmit(0, spec(0, 0, 0, 0), 5_000, 0).len(), ON_AIR_MAX);
    }

    #[test]
    fn faults_change_the_fate_of_messages_and_are_told_apart_from_those_that_do_not() {
        let send = |kind| {
            let mut channel = Channel::new(Purpose::Uplink, 1);
            let fault = Active { index: 4, kind, age: Micros::ZERO };
            let guilty = channel.send(0, &spec(100, 0, 0, 0), &[fault], 0, 'a');
            let arrivals: Vec<_> =
                std::iter::from_fn(|| channel.receive(u64::MAX)).map(|(arrival, ..)| arrival).collect();
            (guilty, arrivals)
        };
        let by = Micros::new(50);
        assert_eq!(send(FaultKind::RadioDelay { by }), (vec![4], vec![150]));
        assert_eq!(send(FaultKind::RadioLoss { permille: 1_000 }), (vec![4], vec![]));
        assert_eq!(send(FaultKind::RadioGarbles { permille: 1_000 }), (vec![4], vec![]));
        assert_eq!(send(FaultKind::RadioDuplicates { permille: 1_000 }), (vec![4], vec![100, 100]));
        assert_eq!(send(FaultKind::RadioReplays { after: by }), (vec![4], vec![100, 150]));
        assert_eq!(send(FaultKind::RadioLoss { permille: 0 }), (vec![], vec![100]));
        assert_eq!(send(FaultKind::ScanLost), (vec![], vec![100]));
    }

    #[test]
    fn a_flapping_radio_is_silent_in_every_second_half() {
        let silent = |millis| {
            let kind = FaultKind::RadioFlaps { period: Micros::from_secs(1) };
            silences(&Active { index: 0, kind, age: Micros::from_millis(millis) }, false)
        };
        assert!(silent(0) && silent(499) && !silent(500) && !silent(999) && silent(1_000));
        let deaf = Active { index: 0, kind: FaultKind::RadioDeaf, age: Micros::ZERO };
        assert!(silences(&deaf, true) && !silences(&deaf, false));
    }

    proptest! {
        /// Without jitter the order of sending is the order of arrival, whatever is lost or doubled.
        #[test]
        fn no_jitter_no_reordering(
            seed: u64, delay in 0..5_000_u64, loss in 0..=1_000_u32, double in 0..=1_000_u32, gap in 0..3_u64,
        ) {
            let arrived = transmit(seed, spec(delay, 0, loss, double), 60, gap);
            prop_assert!(arrived.is_sorted());
            prop_assert!(arrived.iter().all(|&(arrival, message)| arrival == message * gap + delay));
        }

        /// Every arrival lies in the window that delay and jitter span.
        #[test]
        fn arrivals_lie_in_the_window(seed: u64, delay in 0..500_u64, jitter in 0..500_u64) {
            for (arrival, message) in transmit(seed, spec(delay, jitter, 0, 500), 40, 100) {
                let sent = message * 100;
                prop_assert!(sent + delay <= arrival && arrival <= sent + delay + jitter);
            }
        }
    }
}
