//! Permits over a wire: for a base on another processor than its interlock.
//!
//! The receiver sends a number that nobody can guess, and the interlock's side answers it with the command and a keyed
//! message code (HMAC-SHA-256, RFC 2104). The receiver counts the permit's life from the moment *it* has asked, on its
//! own clock, so neither clock is ever compared with the other, and an answer that was delayed, repeated or recorded is
//! dead. A command that is not answered in time leaves the base without a permit, and it stops.

use core::fmt;

use sheepdog_core::{Micros, RobotTime, StopCategory};

use crate::{BootNonce, Bounded, ConfigDigest, PERMIT_TTL_MAX, Twist, sha256::Sha256};

/// Length of a sealed permit in bytes.
pub const WIRE_LENGTH: usize = BODY_LENGTH + MAC_LENGTH;

const BODY_LENGTH: usize = 77;
const MAC_LENGTH: usize = 32;
/// Numbers a receiver remembers having sent.
const OPEN: usize = 4;
/// First bytes of a sealed permit: what it is and its version.
const MAGIC: u32 = 0x5044_0002;

/// A secret that both ends share.
#[derive(Clone)]
pub struct Key {
    inner: Sha256,
    outer: Sha256,
}

impl Key {
    /// The key made of 32 secret bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        let padded = |pad: u8| {
            let mut block = [pad; 64];
            for (byte, secret) in block.iter_mut().zip(secret) {
                *byte ^= secret;
            }
            let mut hash = Sha256::new();
            hash.update(&block);
            hash
        };
        Self { inner: padded(0x36), outer: padded(0x5c) }
    }

    /// The message code of a text.
    fn code(&self, text: &[u8]) -> [u8; MAC_LENGTH] {
        let (mut inner, mut outer) = (self.inner, self.outer);
        inner.update(text);
        outer.update(&inner.finish());
        outer.finish()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// A number that a receiver wants answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge(pub u64);

/// The interlock's end.
#[derive(Clone, Debug)]
pub struct Sealer {
    key: Key,
    config: ConfigDigest,
    seq: u64,
}

impl Sealer {
    /// Seals permits under a key for settings with a digest.
    pub const fn new(key: Key, config: ConfigDigest) -> Self {
        Self { key, config, seq: 0 }
    }

    /// Answers a challenge with a permit that was made in the step at `now`.
    pub fn seal(&mut self, command: &Bounded<'_>, now: RobotTime, challenge: Challenge) -> [u8; WIRE_LENGTH] {
        self.seq = self.seq.saturating_add(1);
        let ttl = command.until().since(now).unwrap_or(Micros::ZERO);
        let body = Body {
            boot: command.boot(),
            generation: command.generation(),
            seq: self.seq,
            ttl,
            twist: command.twist(),
            lapse: command.lapse(),
            config: self.config,
            challenge,
        };
        let bytes = body.bytes();
        let mut sealed = [0; WIRE_LENGTH];
        for (to, from) in sealed.iter_mut().zip(bytes.iter().chain(&self.key.code(&bytes))) {
            *to = *from;
        }
        sealed
    }
}

/// What the base may do, on its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// The motion.
    pub twist: Twist,
    /// Until when; then it stops by itself.
    pub until: RobotTime,
    /// How it stops then.
    pub lapse: StopCategory,
    /// How many revocations there had been.
    pub generation: u32,
}

/// The base's end.
#[derive(Clone, Debug)]
pub struct Receiver {
    key: Key,
    config: ConfigDigest,
    asked: [Option<(Challenge, RobotTime)>; OPEN],
    last: Option<(BootNonce, u64)>,
}

/// Why a sealed permit is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// It is not as long as a sealed permit, or of another version.
    Malformed,
    /// The message code is wrong: another key, or something was changed.
    Code,
    /// It belongs to settings other than the approved ones.
    Config,
    /// It answers nothing that was asked lately.
    Challenge,
    /// It was there before.
    Replayed,
    /// It has lapsed.
    Lapsed,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "this is no sealed permit",
            Self::Code => "the permit's message code is wrong",
            Self::Config => "the permit was made under settings that are not approved",
            Self::Challenge => "the permit answers no question that is open",
            Self::Replayed => "the permit was there before",
            Self::Lapsed => "the permit has lapsed",
        })
    }
}

impl core::error::Error for WireError {}

impl Receiver {
    /// Takes permits under a key, made under the approved settings.
    pub const fn new(key: Key, approved: ConfigDigest) -> Self {
        Self { key, config: approved, asked: [None; OPEN], last: None }
    }

    /// Asks a question. `random` must be a number that nobody can guess; it is sent to the other end.
    pub fn challenge(&mut self, now: RobotTime, random: u64) -> Challenge {
        let challenge = Challenge(random);
        self.asked.rotate_right(1);
        if let Some(newest) = self.asked.first_mut() {
            *newest = Some((challenge, now));
        }
        challenge
    }

    /// Takes an answer. Its life counts from the question.
    ///
    /// # Errors
    /// [`WireError`]; the base goes on with what it had, which lapses.
    pub fn open(&mut self, now: RobotTime, sealed: &[u8]) -> Result<Command, WireError> {
        let (bytes, code) = sealed.split_last_chunk::<MAC_LENGTH>().ok_or(WireError::Malformed)?;
        let bytes: &[u8; BODY_LENGTH] = bytes.try_into().map_err(|_| WireError::Malformed)?;
        if !is_equal(&self.key.code(bytes), code) {
            return Err(WireError::Code);
        }
        let body = Body::parse(bytes).ok_or(WireError::Malformed)?;
        if body.config != self.config {
            return Err(WireError::Config);
        }
        if self.last.is_some_and(|(boot, seq)| boot == body.boot && body.seq <= seq) {
            return Err(WireError::Replayed);
        }
        let is_answered = |asked: &Option<(Challenge, RobotTime)>| {
            asked.is_some_and(|(challenge, _)| challenge == body.challenge)
        };
        let place = self.asked.iter().position(is_answered).ok_or(WireError::Challenge)?;
        let asked = self.asked.iter().skip(place).copied().next().flatten().ok_or(WireError::Challenge)?.1;
        let until = asked.saturating_add(body.ttl.min(PERMIT_TTL_MAX));
        // Before the question, the clock has gone backwards, and nobody knows how long ago it was asked.
        if until <= now || now < asked {
            return Err(WireError::Lapsed);
        }
        // An answer ends its question and those asked before it: what was granted before a crash and comes after a new
        // boot's first answer finds none open.
        self.asked.iter_mut().skip(place).for_each(|asked| *asked = None);
        self.last = Some((body.boot, body.seq));
        Ok(Command { twist: body.twist, until, lapse: body.lapse, generation: body.generation })
    }
}

/// What is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Body {
    boot: BootNonce,
    generation: u32,
    seq: u64,
    ttl: Micros,
    twist: Twist,
    lapse: StopCategory,
    config: ConfigDigest,
    challenge: Challenge,
}

impl Body {
    /// Little-endian: magic, boot, generation, life in microseconds, motion, stop category at the end of it, digest of the
    /// settings, challenge, number.
    fn bytes(&self) -> [u8; BODY_LENGTH] {
        let lapse = match self.lapse {
            StopCategory::Zero => 0,
            StopCategory::One => 1,
            StopCategory::Two => 2,
        };
        let ttl = u32::try_from(self.ttl.as_micros()).unwrap_or(u32::MAX);
        let fields: [&[u8]; 9] = [
            &MAGIC.to_le_bytes(),
            &self.boot.0.to_le_bytes(),
            &self.generation.to_le_bytes(),
            &ttl.to_le_bytes(),
            &self.twist.linear_mm_per_s.to_le_bytes(),
            &self.twist.angular_mrad_per_s.to_le_bytes(),
            &[lapse],
            &self.config.0,
            &self.challenge.0.to_le_bytes(),
        ];
        let seq = self.seq.to_le_bytes();
        let mut bytes = [0; BODY_LENGTH];
        for (to, from) in bytes.iter_mut().zip(fields.into_iter().flatten().chain(&seq)) {
            *to = *from;
        }
        bytes
    }

    fn parse(bytes: &[u8; BODY_LENGTH]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk()?;
        let (boot, rest) = rest.split_first_chunk()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (ttl, rest) = rest.split_first_chunk()?;
        let (linear, rest) = rest.split_first_chunk()?;
        let (angular, rest) = rest.split_first_chunk()?;
        let (lapse, rest) = rest.split_first()?;
        let lapse = match lapse {
            0 => StopCategory::Zero,
            1 => StopCategory::One,
            2 => StopCategory::Two,
            _ => return None,
        };
        let (config, rest) = rest.split_first_chunk()?;
        let (challenge, rest) = rest.split_first_chunk()?;
        let (seq, []) = rest.split_first_chunk()? else { return None };
        (u32::from_le_bytes(*magic) == MAGIC).then(|| Self {
            boot: BootNonce(u64::from_le_bytes(*boot)),
            generation: u32::from_le_bytes(*generation),
            seq: u64::from_le_bytes(*seq),
            ttl: Micros::new(u32::from_le_bytes(*ttl).into()),
            twist: Twist {
                linear_mm_per_s: i32::from_le_bytes(*linear),
                angular_mrad_per_s: i32::from_le_bytes(*angular),
            },
            lapse,
            config: ConfigDigest(*config),
            challenge: Challenge(u64::from_le_bytes(*challenge)),
        })
    }
}

/// Whether two codes are equal, in a time that does not tell where they differ.
fn is_equal(one: &[u8; MAC_LENGTH], other: &[u8; MAC_LENGTH]) -> bool {
    one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stop_category_comes_through() {
        for lapse in [StopCategory::Zero, StopCategory::One, StopCategory::Two] {
            let body = Body {
                boot: BootNonce(1),
                generation: 2,
                seq: 3,
                ttl: Micros::new(4),
                twist: Twist { linear_mm_per_s: 5, angular_mrad_per_s: -6 },
                lapse,
                config: ConfigDigest([7; 32]),
                challenge: Challenge(8),
            };
            assert_eq!(Body::parse(&body.bytes()).map(|body| body.lapse), Some(lapse));
        }
    }
}
