//! A driver with a thread and a clock of its own under contract, as an integrator's would be.
//!
//! ```sh
//! cargo run --release --example own_driver
//! ```
//!
//! The driver's thread steps its controller every 50 ms of its own time, which here runs five times as fast as real time so
//! that nobody has to wait. The kit looks on from another thread: it plays the fleet, injects what the driver can have
//! injected, and holds it to the promises of `sheepdog_testkit::contract::PROMISES`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever runs it")]
#![expect(clippy::disallowed_methods, reason = "the time of this driver is real")]

use std::{
    process::ExitCode,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use sheepdog::{
    driver::{Base, Bounded, Onboard, StopCategory},
    interlock::Restart,
    vocabulary::{Micros, MmPerS, RobotTime, wire::ToAgent},
};
use sheepdog_testkit::contract::{
    Check, Course, DriverUnderTest, Injection, Limits, Observed, Options, Pace, Rig, Support, Verdict, run,
};

/// How much faster than the real clock the driver's runs.
const LAPSE: u32 = 5;
/// The driver's cycle.
const CYCLE: Micros = Micros::from_millis(50);

/// What the driver declares. On a real clock the kit looks on up to 250 ms too early or too late.
const LIMITS: Limits =
    Limits { speed: MmPerS(800), pace: Pace::Real { jitter: Micros::from_millis(250) }, ..Limits::SIMULATED };

/// What the motors were told last: metres per second, radians per second, until when.
#[derive(Clone, Debug, Default)]
struct Motors(Arc<Mutex<(f64, f64, RobotTime)>>);

impl Motors {
    fn put(&self, order: (f64, f64, RobotTime)) {
        if let Ok(mut place) = self.0.lock() {
            *place = order;
        }
    }
}

impl Base for Motors {
    fn drive(&mut self, command: Bounded<'_>) {
        let twist = command.twist();
        let (linear, angular) = (f64::from(twist.linear_mm_per_s), f64::from(twist.angular_mrad_per_s));
        self.put((linear / 1e3, angular / 1e3, command.until()));
    }

    fn halt(&mut self, _: StopCategory) {
        self.put((0.0, 0.0, RobotTime::ZERO));
    }
}

/// What the kit asks of the driver's thread.
enum Ask {
    Command(ToAgent),
    Inject(Injection, Sender<Support>),
    Observe(Sender<Observed>),
}

/// The kit's end: it talks to the driver's thread, and waits.
struct Rover {
    course: Course,
    thread: Sender<Ask>,
    /// What the driver's clock has to show before a tick is over.
    until: RobotTime,
    /// What it has said and decided while nobody asked.
    seen: Observed,
}

impl Rover {
    fn new(course: &Course) -> Self {
        let (thread, asked) = channel();
        let course = course.clone();
        let its_own = course.clone();
        // It ends when nobody can ask it any more.
        thread::spawn(move || drive(&its_own, &asked));
        Self { course, thread, until: RobotTime::ZERO, seen: Observed::default() }
    }

    fn look(&mut self) {
        let (answer, answered) = channel();
        if self.thread.send(Ask::Observe(answer)).is_ok()
            && let Ok(mut seen) = answered.recv()
        {
            let before = std::mem::take(&mut self.seen);
            seen.said.splice(0..0, before.said);
            seen.steps.splice(0..0, before.steps);
            self.seen = seen;
        }
    }
}

impl DriverUnderTest for Rover {
    fn reset(&mut self, _: u64) {
        *self = Self::new(&self.course);
    }

    fn tick(&mut self, span: Micros) {
        self.until = self.until + span;
        self.look();
        while self.seen.clock < self.until {
            thread::sleep(Duration::from_micros(500));
            self.look();
        }
    }

    fn command(&mut self, message: ToAgent) {
        // A driver whose thread is gone is silent, and that is found.
        let _gone = self.thread.send(Ask::Command(message));
    }

    fn observe(&mut self) -> Observed {
        self.look();
        let (said, steps) = (std::mem::take(&mut self.seen.said), std::mem::take(&mut self.seen.steps));
        Observed { said, steps, ..self.seen.clone() }
    }

    fn inject(&mut self, injection: Injection) -> Support {
        let (answer, answered) = channel();
        match self.thread.send(Ask::Inject(injection, answer)) {
            Ok(()) => answered.recv().unwrap_or(Support::Unsupported),
            Err(_) => Support::Unsupported,
        }
    }
}

/// The driver: its controller, its base, its time.
fn drive(course: &Course, asked: &Receiver<Ask>) {
    let (motors, mut rig) = (Motors::default(), Rig::new(course));
    let Ok(settings) = Rig::settings(course) else { return };
    let Ok(mut onboard) = Onboard::new(settings, motors.clone(), 0, Restart::First) else { return };
    let mut next = Instant::now();
    loop {
        next += Duration::from_micros(CYCLE.as_micros()) / LAPSE;
        rig.step(&mut onboard);
        let (linear, angular, until) = motors.0.lock().map_or_else(|_| Default::default(), |order| *order);
        let (linear, angular) = if rig.clock() < until { (linear, angular) } else { (0.0, 0.0) };
        let ((speed, yaw_rate), seconds) = (rig.motion(), CYCLE.as_secs_f64());
        let towards = |was: f64, to: f64, most: f64| was + (to - was).clamp(-most * seconds, most * seconds);
        let most = if speed < linear { 0.5 } else { 1.0 };
        rig.pass(CYCLE, towards(speed, linear, most), towards(yaw_rate, angular, 3.0));
        loop {
            match asked.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(Ask::Command(message)) => rig.command(message),
                // Whoever asked and does not wait for the answer does not need it.
                Ok(Ask::Inject(injection, answer)) => drop(answer.send(rig.inject(injection))),
                Ok(Ask::Observe(answer)) => drop(answer.send(rig.observe())),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

fn main() -> ExitCode {
    let course = match Course::standard() {
        Ok(course) => course,
        Err(error) => {
            eprintln!("the course does not fit: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut rover = Rover::new(&course);
    let options = Options { cases: 3, ..Options::STANDARD }.with_environment();
    let mut sound = true;
    for check in [Check::Threshold, Check::Cases, Check::Evidence, Check::Replay] {
        let outcome = run(check, &mut rover, &course, &LIMITS, options);
        match outcome.verdict {
            Verdict::Pass => println!("{}: pass, {} runs", check.name(), outcome.runs),
            Verdict::Incomplete(what) => {
                let what: Vec<_> = what.into_iter().collect();
                println!(
                    "{}: incomplete, {} runs; not tried: {}",
                    check.name(),
                    outcome.runs,
                    what.join(", ")
                );
            }
            Verdict::Fail(failure) => {
                println!("{failure}");
                sound = false;
            }
        }
    }
    println!("This robot is not certified: no test replaces an assessment by people who answer for it.");
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
