//! The last word on whether a robot may move.
//!
//! An [`Interlock`] is a deterministic state machine: an [`Input`] with readings and the current time goes in, a
//! [`Decision`] comes out. It never reads a clock, allocates, uses a float or talks to a motor; [`Guarded`] owns it
//! together with the [`Base`] and is the only way to move one.
//!
//! Invariant: *absence of evidence stops the robot*. A missing, stale or future-dated reading counts as confidence
//! zero, unknown free travel as none, an unknown speed as moving. Below [`CONFIDENCE_STOP_MIN`] nothing moves; at it
//! the robot may.
//!
//! | state | leaves it when |
//! |---|---|
//! | [`State::Boot`], [`State::Stopped`] | it stands, and all inputs were good, with confidence at the re-arming level, for `dwell`: to `Slow`; a stopped robot moves: to `Stopping` |
//! | [`State::Slow`] | confidence was above the slow band for `dwell_up`: to `Ready`; motion is asked for and a rule stops: to `Stopping`, or `Stopped` if it stands |
//! | [`State::Ready`] | motion is asked for, and confidence is in the slow band or a rule asks for it: to `Slow`; motion is asked for and a rule stops: as from `Slow` |
//! | [`State::Stopping`] | the robot stands: to `Stopped`, or to `Slow` as from there |
//! | any | a rule that latches fires: to `Latched` |
//! | [`State::Latched`] | a person acknowledges the highest stop, the cause is gone, the robot stands: to `Acknowledged` |
//! | [`State::Acknowledged`] | a person starts it: to `Stopped` |
//!
//! A robot that might move and that nobody asks to is [`Verdict::Idle`]: only rules that latch matter to it. In other
//! states the dwell goes on meanwhile, and looks at all sectors. A robot without a release is held
//! ([`REL_001`](rules::REL_001)) without losing its state, because waiting for traffic is not a fault.
//!
//! Not a certified safety function and no replacement for a certified scanner or a hard-wired emergency stop: this is
//! defence in depth.
//!
//! ```
//! use sheepdog_interlock::{packs::{PackSlot, PackVerdict, Ruling}, *};
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! // 1. Settings. Those of simulated robots will do here; a real robot's are measured.
//! let config = Config { dwell: Micros::from_millis(100), ..Config::SIMULATED }.validate()?;
//!
//! // 2. A base, and the only way to it.
//! struct Motor(&'static str);
//! impl Base for Motor {
//!     fn drive(&mut self, command: Bounded<'_>) {
//!         assert!(0 < command.twist().linear_mm_per_s);
//!         self.0 = "drives";
//!     }
//!     fn halt(&mut self, _: StopCategory) {
//!         self.0 = "stands";
//!     }
//! }
//! let interlock = Interlock::<1, 8>::new(config, config.digest(), Restart::First);
//! let mut robot = Guarded::new(interlock, Motor("boots"), BootNonce(1));
//!
//! // 3. One sensor that sees everything clearly, asked to drive ahead.
//! let site = SiteVersion([7; 32]);
//! let standing =
//!     Odometry { speed: MmPerS(0), yaw_rate: MradPerS(0), travelled: Mm(0), turned_mrad: 0 };
//! let input = |millis: u64, ppm| {
//!     let now = RobotTime::from_micros(millis * 1_000);
//!     let sector = |confidence| SectorReading { confidence, obstacle: Mm::MAX };
//!     let mut input = Input {
//!         request: Request {
//!             twist: Twist { linear_mm_per_s: 400, angular_mrad_per_s: 0 },
//!             sectors: 0b1000_0011,
//!             issued: now,
//!         },
//!         sensors: [Some(SensorReading {
//!             taken: now,
//!             seq: millis,
//!             digest: millis,
//!             healthy: true,
//!             invalid: Ppm::ZERO,
//!             residual: None,
//!             sectors: [Confidence::from_ppm(ppm).ok().map(sector); 8],
//!         })],
//!         free_travel: Some(Reading { taken: now, value: Mm(5_000) }),
//!         side_clearance: Some(Mm(600)),
//!         odometry: Some(Reading { taken: now, value: standing }),
//!         release: Some(ReleaseLimit { epoch: Epoch(1), remaining: Mm(4_000), taken: now, site }),
//!         beat: Some(now),
//!         self_test: SelfTest::Passed,
//!         emergency_button: Some(false),
//!         bumper: Some(false),
//!         ..Input::unknown(now, site)
//!     };
//!     input.set_pack(PackSlot::MAP, PackVerdict::new(now, Ruling::Allow));
//!     input
//! };
//!
//! // 4. It moves after the dwell, and stops one part per million below the threshold.
//! let mut log = Ring::<8>::new();
//! assert_eq!(robot.step(&input(0, 999_000), &mut log).primary, rules::ARM_001);
//! assert_eq!(robot.step(&input(100, 999_000), &mut log).verdict, Verdict::Move);
//! assert_eq!(robot.step(&input(200, 925_000), &mut log).verdict, Verdict::Move);
//! assert_eq!(robot.step(&input(300, 924_999), &mut log).primary, rules::OBS_001);
//! assert_eq!(log.len(), 4);
//! # Ok(())
//! # }
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::float_arithmetic))]

mod assess;
pub mod beams;
mod config;
mod guarded;
mod input;
mod machine;
pub mod packs;
mod permit;
mod physics;
mod record;
mod replica;
pub mod rules;
mod sense;
mod settings;
mod sha256;
mod supervise;
mod wire;
mod words;

pub use config::{
    BEAT_TIMEOUT_LIMIT, Config, ConfigDigest, ConfigError, Fusion, Needed, PERMIT_TTL_MAX, SAMPLE_AGE_LIMIT,
    SPEED_LIMIT, Separation, TRIPS_MAX, ValidConfig,
};
pub use guarded::{Base, Guarded};
pub use input::{
    Braking, Input, Odometry, Reading, ReleaseLimit, Request, Reset, ResetStep, SectorReading, SelfTest,
    SensorReading, StopCommand, Twist,
};
pub use machine::{Decision, Interlock, Memory, Restart, Snapshot, State, Verdict};
#[cfg(feature = "atomic")]
pub use permit::SharedRevocations;
pub use permit::{BootNonce, Bounded, Deadman, Revocation, Revocations};
pub use physics::{speed_for_distance, speed_for_separation, stopping_distance};
pub use record::{Record, Ring, Sink, SinkFull};
pub use replica::Replica;
pub use rules::{RULES, RuleSet};
pub use settings::SettingError;
pub use sheepdog_core::{
    ActorId, CONFIDENCE_STOP_MIN, Confidence, Epoch, Evidence, Micros, Mm, MmPerS, MmPerS2, Mrad, MradPerS,
    MradPerS2, Ppm, Relation, RobotTime, Rule, RuleId, SiteVersion, StopCategory, StopGeneration,
};
pub use wire::{Challenge, Command, Key, Receiver, Sealer, WIRE_LENGTH, WireError};

/// Every rule of this crate: the kernel's, then the packs'.
pub const CATALOGUE: &[Rule] = &catalogue::<{ RULES.len() + packs::RULES.len() }>();

#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "evaluated by the compiler")]
const fn catalogue<const LENGTH: usize>() -> [Rule; LENGTH] {
    let mut all = [RULES[0]; LENGTH];
    let mut index = 0;
    while index < LENGTH {
        all[index] = if index < RULES.len() { RULES[index] } else { packs::RULES[index - RULES.len()] };
        index += 1;
    }
    all
}
