//! A driver of one's own under contract, in some sixty lines: the ready-made controller over a base of one's own.

#![expect(clippy::unwrap_used, reason = "fixtures of tests")]

use std::{cell::Cell, rc::Rc};

use sheepdog_testkit::{
    contract::{Course, DriverUnderTest, Injection, Limits, Observed, Options, Rig, Support},
    driver::{Base, Bounded, Onboard, StopCategory},
    driver_contract,
    interlock::Restart,
    vocabulary::{Micros, MmPerS, RobotTime, wire::ToAgent},
};

/// What the motors were told last: metres per second, radians per second, until when.
#[derive(Clone, Default)]
struct Motors(Rc<Cell<(f64, f64, RobotTime)>>);

impl Base for Motors {
    fn drive(&mut self, command: Bounded<'_>) {
        let twist = command.twist();
        let (linear, angular) = (f64::from(twist.linear_mm_per_s), f64::from(twist.angular_mrad_per_s));
        self.0.set((linear / 1e3, angular / 1e3, command.until()));
    }

    fn halt(&mut self, _: StopCategory) {
        self.0.set((0.0, 0.0, RobotTime::ZERO));
    }
}

struct Rover(Course, Motors, Onboard<Motors>, Rig);

impl Rover {
    fn new(course: &Course) -> Self {
        let (motors, settings) = (Motors::default(), Rig::settings(course).unwrap());
        let onboard = Onboard::new(settings, motors.clone(), 0, Restart::First).unwrap();
        Self(course.clone(), motors, onboard, Rig::new(course))
    }
}

impl DriverUnderTest for Rover {
    fn reset(&mut self, _: u64) {
        *self = Self::new(&self.0);
    }

    fn tick(&mut self, span: Micros) {
        let Self(_, motors, onboard, rig) = self;
        rig.step(onboard);
        let (linear, angular, until) = motors.0.get();
        let (linear, angular) = if rig.clock() < until { (linear, angular) } else { (0.0, 0.0) };
        let ((speed, yaw_rate), seconds) = (rig.motion(), span.as_secs_f64());
        let towards = |was: f64, to: f64, most: f64| was + (to - was).clamp(-most * seconds, most * seconds);
        let most = if speed < linear { 0.5 } else { 1.0 };
        rig.pass(span, towards(speed, linear, most), towards(yaw_rate, angular, 3.0));
    }

    fn command(&mut self, message: ToAgent) {
        self.3.command(message);
    }

    fn observe(&mut self) -> Observed {
        self.3.observe()
    }

    fn inject(&mut self, injection: Injection) -> Support {
        self.3.inject(injection)
    }
}

const LIMITS: Limits = Limits { speed: MmPerS(800), ..Limits::SIMULATED };

// A rig without brakes, radio and building of its own cannot have every fault, and says so.
driver_contract!(Rover::new, LIMITS, Options { cases: 30, may_be_incomplete: true, ..Options::STANDARD });
