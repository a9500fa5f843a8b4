//! A robot to run the interlock on: a base in one dimension that does what it is told, or not.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use sheepdog_interlock::{
    Base, BootNonce, Bounded, Decision, Guarded, Input, Interlock, Micros, Mm, MmPerS, MradPerS, Odometry,
    Reading, Record, RobotTime, Sink, SinkFull, StopCategory, Verdict,
};

use crate::common::{at_micros, good_at};

/// How a base behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// From a command until it acts on it.
    pub(crate) delay: Micros,
    /// How it slows down, mm/s².
    pub(crate) deceleration: f64,
    /// How it speeds up, mm/s².
    pub(crate) acceleration: f64,
    /// Its speed, as a share of the one it was told.
    pub(crate) gain: f64,
    /// Whether it stops when its command lapses.
    pub(crate) lapses: bool,
}

impl Habits {
    /// As the settings of simulated robots declare it.
    pub(crate) const DECLARED: Self = Self {
        delay: Micros::from_millis(50),
        deceleration: 800.0,
        acceleration: 1_000.0,
        gain: 1.0,
        lapses: true,
    };
}

#[derive(Clone, Copy, Debug)]
struct Command {
    speed: f64,
    from: RobotTime,
    until: RobotTime,
}

/// Where the base is.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) habits: Habits,
    now: RobotTime,
    pub(crate) speed: f64,
    pub(crate) travelled: f64,
    commands: VecDeque<Command>,
    current: Option<Command>,
    /// Until when the last command permits motion.
    pub(crate) permitted_until: RobotTime,
    pub(crate) halted: Option<StopCategory>,
}

#[derive(Clone, Debug)]
pub(crate) struct Plant(pub(crate) Rc<RefCell<Body>>);

impl Base for Plant {
    fn drive(&mut self, command: Bounded<'_>) {
        let mut body = self.0.borrow_mut();
        let speed = f64::from(command.linear()).abs() * body.habits.gain;
        let from = body.now + body.habits.delay;
        body.commands.push_back(Command { speed, from, until: command.until() });
        (body.permitted_until, body.halted) = (command.until(), None);
    }

    fn halt(&mut self, category: StopCategory) {
        let mut body = self.0.borrow_mut();
        let from = body.now + body.habits.delay;
        body.commands.push_back(Command { speed: 0.0, from, until: RobotTime::MAX });
        body.permitted_until = body.permitted_until.min(body.now);
        body.halted = Some(category);
    }
}

impl Body {
    /// Moves on, one millisecond after another.
    pub(crate) fn advance(&mut self, to: RobotTime) {
        while self.now < to {
            self.now = (self.now + Micros::from_millis(1)).min(to);
            while let Some(next) = self.commands.pop_front_if(|next| next.from <= self.now) {
                self.current = Some(next);
            }
            let has_lapsed =
                |command: &Command| self.habits.lapses && command.until + self.habits.delay <= self.now;
            let target =
                self.current.filter(|command| !has_lapsed(command)).map_or(0.0, |command| command.speed);
            let (down, up) = (self.habits.deceleration / 1e3, self.habits.acceleration / 1e3);
            self.speed = target.clamp(self.speed - down, self.speed + up).max(0.0);
            self.travelled += self.speed / 1e3;
        }
    }

    pub(crate) fn odometry(&self) -> Odometry {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small and never negative"
        )]
        let whole = |value: f64| value as u32;
        Odometry {
            speed: MmPerS(whole(self.speed)),
            yaw_rate: MradPerS(0),
            travelled: Mm(whole(self.travelled)),
            turned_mrad: 0,
        }
    }
}

/// Takes every record.
pub(crate) struct Everything;

impl<const SENSORS: usize, const SECTORS: usize> Sink<SENSORS, SECTORS> for Everything {
    fn accept(&mut self, _: &Record, _: &Input<SENSORS, SECTORS>) -> Result<(), SinkFull> {
        Ok(())
    }
}

/// A robot that drives.
pub(crate) struct Scene<const SENSORS: usize> {
    pub(crate) robot: Guarded<Plant, SENSORS, 8>,
    pub(crate) body: Rc<RefCell<Body>>,
    pub(crate) now: RobotTime,
    pub(crate) cycle: Micros,
    /// The speed asked for.
    pub(crate) speed: i32,
    /// Length of the release and of the free travel, from the start.
    pub(crate) end: Option<f64>,
}

impl<const SENSORS: usize> Scene<SENSORS> {
    pub(crate) fn new(interlock: Interlock<SENSORS, 8>, habits: Habits, cycle: Micros) -> Self {
        let now = at_micros(1_000_000);
        let body = Rc::new(RefCell::new(Body {
            habits,
            now,
            speed: 0.0,
            travelled: 0.0,
            commands: VecDeque::new(),
            current: None,
            permitted_until: RobotTime::ZERO,
            halted: None,
        }));
        let robot = Guarded::new(interlock, Plant(Rc::clone(&body)), BootNonce(1));
        Self { robot, body, now, cycle, speed: 600, end: None }
    }

    /// The next input: everything good.
    pub(crate) fn input(&self) -> Input<SENSORS, 8> {
        let body = self.body.borrow();
        let mut input = good_at(self.now, self.speed);
        input.odometry = Some(Reading { taken: self.now, value: body.odometry() });
        if let Some(end) = self.end {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "small and never negative"
            )]
            let left = Mm((end - body.travelled).max(0.0) as u32);
            input.free_travel.as_mut().unwrap().value = left;
        }
        input
    }

    /// Lets a cycle pass and steps.
    pub(crate) fn step(&mut self, change: impl FnOnce(&mut Input<SENSORS, 8>)) -> Decision {
        self.now = self.now + self.cycle;
        self.body.borrow_mut().advance(self.now);
        let mut input = self.input();
        change(&mut input);
        self.robot.step(&input, &mut Everything)
    }

    /// Steps until a time in milliseconds from now, without a change.
    pub(crate) fn drive(&mut self, millis: u64) -> Decision {
        let until = self.now + Micros::from_millis(millis);
        loop {
            let decision = self.step(|_| {});
            if until <= self.now {
                return decision;
            }
        }
    }

    /// Drives until it runs at the speed asked for.
    pub(crate) fn cruise(mut self) -> Self {
        for _ in 0..1_000 {
            let decision = self.step(|_| {});
            let measured = self.body.borrow().odometry().speed;
            let asked = MmPerS(self.speed.unsigned_abs());
            if decision.verdict == Verdict::Move && asked.saturating_sub(MmPerS(2)) <= measured {
                return self;
            }
        }
        panic!("it never got going: {:?}", self.robot.state());
    }
}
