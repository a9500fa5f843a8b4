//! Permits over a wire.

use std::{cell::RefCell, rc::Rc};

use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::prelude::*;
use sheepdog_interlock::{
    Base, BootNonce, Bounded, Challenge, Command, ConfigDigest, Guarded, Key, Micros, PERMIT_TTL_MAX,
    Receiver, RobotTime, Sealer, StopCategory, Twist, WIRE_LENGTH, WireError,
};

use crate::{
    common::{ARMED, CRUISE, UNAPPROVED, ahead, armed, at, at_micros, good, simulated},
    plant::Everything,
};

const SECRET: [u8; 32] = [9; 32];

/// The interlock's end as a base: seals what it is told to drive.
struct Radio {
    sealer: Sealer,
    now: RobotTime,
    challenge: Challenge,
    sent: Rc<RefCell<Option<[u8; WIRE_LENGTH]>>>,
}

impl Base for Radio {
    fn drive(&mut self, command: Bounded<'_>) {
        *self.sent.borrow_mut() = Some(self.sealer.seal(&command, self.now, self.challenge));
    }

    fn halt(&mut self, _: StopCategory) {}
}

/// Permits for challenges, made in one boot and sealed under a key for settings, so many microseconds after their step.
fn sealed_by(
    boot: u64,
    secret: &[u8; 32],
    config: ConfigDigest,
    challenges: &[u64],
    late: u64,
) -> Vec<[u8; WIRE_LENGTH]> {
    let sent = Rc::default();
    let mut permits = Vec::new();
    let mut sealer = Sealer::new(Key::new(secret), config);
    for challenge in challenges {
        let now = at(ARMED + 100);
        let radio = Radio {
            sealer: sealer.clone(),
            now: now + Micros::new(late),
            challenge: Challenge(*challenge),
            sent: Rc::clone(&sent),
        };
        Guarded::new(armed::<2, 8>(), radio, BootNonce(boot))
            .step(&good(ARMED + 100, CRUISE), &mut Everything);
        permits.push(sent.borrow_mut().take().unwrap());
        // The sealer that was handed in has counted on; so does ours.
        seal_once(&mut sealer);
    }
    permits
}

fn seal_once(sealer: &mut Sealer) {
    struct Once<'a>(&'a mut Sealer);
    impl Base for Once<'_> {
        fn drive(&mut self, command: Bounded<'_>) {
            self.0.seal(&command, RobotTime::ZERO, Challenge(0));
        }
        fn halt(&mut self, _: StopCategory) {}
    }
    Guarded::new(armed::<2, 8>(), Once(sealer), BootNonce(1))
        .step(&good(ARMED + 100, CRUISE), &mut Everything);
}

fn sealed(challenges: &[u64]) -> Vec<[u8; WIRE_LENGTH]> {
    sealed_by(1, &SECRET, simulated().digest(), challenges, 0)
}

fn receiver() -> Receiver {
    Receiver::new(Key::new(&SECRET), simulated().digest())
}

/// The receiver's clock has nothing to do with the interlock's.
const ASKED: RobotTime = RobotTime::from_micros(77_000_000_000);

fn asked(number: u64) -> Receiver {
    let mut receiver = receiver();
    assert_eq!(receiver.challenge(ASKED, number), Challenge(number));
    receiver
}

#[test]
fn a_sealed_permit_comes_through() {
    let command = asked(5).open(ASKED + Micros::from_millis(3), &sealed(&[5])[0]);
    let until = ASKED + PERMIT_TTL_MAX;
    assert_eq!(command, Ok(Command { twist: ahead(CRUISE), until, lapse: StopCategory::One, generation: 0 }));
}

#[test]
fn every_flipped_bit_is_refused() {
    let whole = sealed(&[5])[0];
    for bit in 0..WIRE_LENGTH * 8 {
        let mut changed = whole;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(asked(5).open(ASKED, &changed), Err(WireError::Code), "bit {bit}");
    }
    for length in (0..WIRE_LENGTH).chain([WIRE_LENGTH + 1]) {
        let mut cut = whole.to_vec();
        cut.resize(length, 0);
        assert_eq!(asked(5).open(ASKED, &cut), Err(WireError::Malformed), "{length} bytes");
    }
}

#[test]
fn a_permit_is_good_once() {
    let permits = sealed(&[5, 6]);
    let mut receiver = asked(5);
    receiver.challenge(ASKED, 6);
    assert!(receiver.open(ASKED, &permits[0]).is_ok());
    assert_eq!(receiver.open(ASKED, &permits[0]), Err(WireError::Replayed));
    assert!(receiver.open(ASKED, &permits[1]).is_ok());
    for old in &permits {
        assert_eq!(receiver.open(ASKED, old), Err(WireError::Replayed));
    }
}

#[test]
fn an_overtaken_permit_is_dead() {
    let permits = sealed(&[5, 6]);
    let mut receiver = asked(5);
    receiver.challenge(ASKED, 6);
    assert!(receiver.open(ASKED, &permits[1]).is_ok());
    assert_eq!(receiver.open(ASKED, &permits[0]), Err(WireError::Replayed));
}

#[test]
fn what_was_never_asked_or_long_ago_is_no_answer() {
    assert_eq!(receiver().open(ASKED, &sealed(&[5])[0]), Err(WireError::Challenge));
    assert_eq!(asked(6).open(ASKED, &sealed(&[5])[0]), Err(WireError::Challenge));
    // Four questions are remembered.
    for (later, expected) in [(3, true), (4, false)] {
        let mut receiver = asked(5);
        for number in 0..later {
            receiver.challenge(ASKED, 100 + number);
        }
        assert_eq!(receiver.open(ASKED, &sealed(&[5])[0]).is_ok(), expected, "{later} later");
    }
}

#[test]
fn another_key_and_other_settings_are_refused() {
    let open = |permits: Vec<[u8; WIRE_LENGTH]>| asked(5).open(ASKED, &permits[0]);
    let mut secret = SECRET;
    secret[31] ^= 1;
    assert_eq!(open(sealed_by(1, &secret, simulated().digest(), &[5], 0)), Err(WireError::Code));
    assert_eq!(open(sealed_by(1, &SECRET, UNAPPROVED, &[5], 0)), Err(WireError::Config));
}

#[test]
fn a_delayed_answer_lapses_on_the_receivers_clock() {
    let permit = sealed(&[5])[0];
    let after = |micros| asked(5).open(ASKED + Micros::new(micros), &permit).map(|command| command.until);
    assert_eq!(after(99_999), Ok(ASKED + Micros::new(100_000)));
    assert_eq!(after(100_000), Err(WireError::Lapsed));
    assert_eq!(after(u64::MAX), Err(WireError::Lapsed));
    let before = at_micros(ASKED.as_micros() - 1);
    assert_eq!(asked(5).open(before, &permit), Err(WireError::Lapsed), "a clock that went backwards");
    // Sealed late, it lives the shorter for it.
    let late = sealed_by(1, &SECRET, simulated().digest(), &[5], 60_000)[0];
    assert_eq!(asked(5).open(ASKED, &late).unwrap().until, ASKED + Micros::new(40_000));
    let dead = sealed_by(1, &SECRET, simulated().digest(), &[5], 100_000)[0];
    assert_eq!(asked(5).open(ASKED, &dead), Err(WireError::Lapsed));
}

#[test]
fn a_refused_answer_leaves_the_question_open() {
    let mut receiver = asked(5);
    let permit = sealed(&[5])[0];
    let mut changed = permit;
    changed[40] ^= 1;
    assert!(receiver.open(ASKED, &changed).is_err());
    assert!(receiver.open(ASKED, &permit).is_ok());
}

#[test]
fn after_another_boot_nothing_of_the_one_before_counts() {
    let before = sealed_by(1, &SECRET, simulated().digest(), &[5, 6], 0);
    let after = sealed_by(2, &SECRET, simulated().digest(), &[7], 0)[0];
    let mut receiver = asked(5);
    receiver.challenge(ASKED, 6);
    receiver.challenge(ASKED, 7);
    assert!(receiver.open(ASKED, &before[0]).is_ok());
    // The new boot counts from one again; that is no replay.
    assert!(receiver.open(ASKED, &after).is_ok());
    for old in &before {
        assert_eq!(receiver.open(ASKED, old), Err(WireError::Challenge), "late, from before the crash");
    }
}

#[test]
fn a_question_has_one_answer() {
    let permits = sealed(&[5, 5]);
    let mut receiver = asked(5);
    assert!(receiver.open(ASKED, &permits[0]).is_ok());
    assert_eq!(receiver.open(ASKED, &permits[1]), Err(WireError::Challenge));
}

#[test]
fn errors_say_what_is_wrong_and_keys_say_nothing() {
    let errors = [
        WireError::Malformed,
        WireError::Code,
        WireError::Config,
        WireError::Challenge,
        WireError::Replayed,
        WireError::Lapsed,
    ];
    let mut said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    said.sort_unstable();
    said.dedup();
    assert_eq!(said.len(), errors.len());
    assert_eq!(format!("{:?}", Key::new(&SECRET)), "Key(..)", "no byte of the secret");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The message code is HMAC-SHA-256 of the well-known implementation over everything before it.
    #[test]
    fn the_code_is_hmac_sha_256(secret in any::<[u8; 32]>(), challenge in any::<u64>(), boot in any::<u64>()) {
        let permit = sealed_by(boot, &secret, simulated().digest(), &[challenge], 0)[0];
        let (text, code) = permit.split_at(WIRE_LENGTH - 32);
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&secret).unwrap();
        mac.update(text);
        let expected: [u8; 32] = mac.finalize().into_bytes().into();
        prop_assert_eq!(expected.as_slice(), code);
        // Little-endian, from the magic number on.
        prop_assert_eq!(&text[..4], &[0x02, 0x00, 0x44, 0x50]);
        prop_assert_eq!(&text[4..12], &boot.to_le_bytes());
        prop_assert_eq!(text[28], 1, "category 1 when it lapses");
        prop_assert_eq!(&text[61..69], &challenge.to_le_bytes());
        prop_assert_eq!(&text[69..], &1_u64.to_le_bytes());
    }

    /// Whatever bytes arrive: no panic, and no permit.
    #[test]
    fn bytes_from_anywhere_are_no_permit(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(asked(5).open(ASKED, &bytes).is_err());
    }

    /// No motion is stretched by the wire: it carries the twist, whatever it is, and no more life than the receiver allows.
    #[test]
    fn twist_and_life_come_through(linear in 1_i32..1_000, micros in 0_u64..100_000) {
        let sent = Rc::default();
        let radio = Radio {
            sealer: Sealer::new(Key::new(&SECRET), simulated().digest()),
            now: at(ARMED + 100),
            challenge: Challenge(5),
            sent: Rc::clone(&sent),
        };
        let mut input = good::<2, 8>(ARMED + 100, linear);
        input.request.twist.angular_mrad_per_s = -linear;
        Guarded::new(armed(), radio, BootNonce(1)).step(&input, &mut Everything);
        let command = asked(5).open(ASKED + Micros::new(micros), &sent.borrow().unwrap()).unwrap();
        prop_assert_eq!(command.twist, Twist { linear_mm_per_s: linear, angular_mrad_per_s: -linear });
        prop_assert_eq!(command.until, ASKED + PERMIT_TTL_MAX);
    }
}
