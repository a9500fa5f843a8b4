//! Every interleaving of a revocation with a step that makes a permit.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test --release -p sheepdog-interlock --features atomic --test loom`; without that
//! flag there is nothing here.
#![cfg(all(loom, feature = "atomic"))]

use loom::{sync::Arc, thread};
use sheepdog_interlock::{
    Base, BootNonce, Bounded, Config, Deadman, Guarded, Input, Interlock, Micros, Mm, MmPerS, MradPerS,
    Odometry, Reading, Record, ReleaseLimit, Request, Restart, Revocation, RobotTime, SectorReading,
    SelfTest, SensorReading, SharedRevocations, Sink, SinkFull, SiteVersion, StopCategory, Twist, Verdict,
    packs::{PACKS, PackVerdict, Ruling},
    rules::REV_001,
};
use sheepdog_interlock::{Confidence, Epoch, Ppm};

const SITE: SiteVersion = SiteVersion([7; 32]);

fn good(millis: u64) -> Input<1, 1> {
    let now = RobotTime::from_micros(millis * 1_000);
    let mut packs = [None; PACKS];
    packs[0] = Some(PackVerdict::new(now, Ruling::Allow));
    let twist = Twist { linear_mm_per_s: 400, angular_mrad_per_s: 0 };
    Input {
        request: Request { twist, sectors: 1, issued: now },
        sensors: [Some(SensorReading {
            taken: now,
            seq: millis,
            digest: millis,
            healthy: true,
            invalid: Ppm::ZERO,
            residual: None,
            sectors: [Some(SectorReading { confidence: Confidence::FULL, obstacle: Mm::MAX })],
        })],
        free_travel: Some(Reading { taken: now, value: Mm(5_000) }),
        side_clearance: Some(Mm(600)),
        odometry: Some(Reading {
            taken: now,
            value: Odometry { speed: MmPerS(0), yaw_rate: MradPerS(0), travelled: Mm(0), turned_mrad: 0 },
        }),
        release: Some(ReleaseLimit { epoch: Epoch(1), remaining: Mm(5_000), taken: now, site: SITE }),
        beat: Some(now),
        packs,
        self_test: SelfTest::Passed,
        emergency_button: Some(false),
        bumper: Some(false),
        ..Input::unknown(now, SITE)
    }
}

#[derive(Default)]
struct Motor(Deadman);

impl Base for &mut Motor {
    fn drive(&mut self, command: Bounded<'_>) {
        self.0.accept(&command);
    }

    fn halt(&mut self, _: StopCategory) {
        self.0.halt();
    }
}

struct Everything;

impl Sink<1, 1> for Everything {
    fn accept(&mut self, _: &Record, _: &Input<1, 1>) -> Result<(), SinkFull> {
        Ok(())
    }
}

/// A kernel that moves at its next step, at 100 ms.
fn armed() -> Interlock<1, 1> {
    let config = Config { dwell: Micros::from_millis(100), ..Config::SIMULATED }.validate().unwrap();
    let mut kernel = Interlock::new(config, config.digest(), Restart::First);
    kernel.step(&good(0));
    kernel
}

/// Whoever has revoked knows: whatever was permitted by a step that had begun before does not move any more, in whatever
/// order step, check and revocation run.
#[test]
fn a_revocation_kills_every_permit_of_steps_begun_before() {
    loom::model(|| {
        let count = Arc::new(SharedRevocations::starting_at(0));
        let other = Arc::clone(&count);
        let revoker = thread::spawn(move || other.revoke());
        let mut motor = Motor::default();
        let mut robot = Guarded::new(armed(), &mut motor, BootNonce(1));
        let decision = robot.step_unless(&*count, &good(100), &mut Everything);
        let now = RobotTime::from_micros(100_001);
        let generation = count.generation();
        let moves = motor.0.twist(now, &*count).is_some();
        // It moves only if nothing was revoked by the time it looked.
        assert!(!moves || (decision.verdict == Verdict::Move && generation == 0 || generation == 1));
        revoker.join().unwrap();
        // A permit that was made before the revocation is dead now. One of a step that began after it may live.
        if generation == 0 {
            assert_eq!(motor.0.twist(now, &*count), None);
        }
        if decision.primary == REV_001 {
            assert_eq!(motor.0.twist(now, &*count), None);
        }
    });
}

/// Revocations from two sides are both counted.
#[test]
fn no_revocation_is_lost() {
    loom::model(|| {
        let count = Arc::new(SharedRevocations::starting_at(0));
        let handles: Vec<_> = (0..2)
            .map(|_| {
                let count = Arc::clone(&count);
                thread::spawn(move || count.revoke())
            })
            .collect();
        for handle in handles {
            handle.join().unwrap();
        }
        assert_eq!(count.generation(), 2);
    });
}

/// A full count never begins anew: it stays full, the kernel latches, and no permit lives.
#[test]
fn an_overflow_latches() {
    loom::model(|| {
        let count = Arc::new(SharedRevocations::starting_at(u32::MAX - 1));
        let handles: Vec<_> = (0..2)
            .map(|_| {
                let count = Arc::clone(&count);
                thread::spawn(move || count.revoke())
            })
            .collect();
        let mut motor = Motor::default();
        let mut robot = Guarded::new(armed(), &mut motor, BootNonce(1));
        robot.step_unless(&*count, &good(100), &mut Everything);
        for handle in handles {
            handle.join().unwrap();
        }
        assert_eq!(count.generation(), u32::MAX);
        let decision = robot.step_unless(&*count, &good(200), &mut Everything);
        assert!(decision.primary == REV_001 && robot.state().needs_person());
        assert_eq!(motor.0.twist(RobotTime::from_micros(100_001), &*count), None);
    });
}
