//! A second answer to every question the kernel answers, written from its documents and for plainness alone.
//!
//! It shares nothing with the kernel but the types of inputs and settings. Where the kernel keeps counters, this keeps
//! what has happened and looks back; where the kernel takes roots, this searches.
#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::needless_range_loop,
    clippy::single_match_else,
    clippy::struct_excessive_bools,
    clippy::unnecessary_wraps,
    reason = "plain beats safe here: a mistake shows as a disagreement"
)]

use std::{cell::Cell, fmt};

use sheepdog_interlock::{
    Config, Fusion, Input, Micros, Mm, ResetStep, Restart, RobotTime, SelfTest, StopCategory, Twist,
    packs::{PACKS, PackSlot, Ruling},
};

use super::edges::{Edge, Edges};

/// What is expected of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) says: Says,
    pub(crate) primary: R,
    /// Bit `i` for the `i`-th rule of the catalogue.
    pub(crate) fired: u64,
    pub(crate) twist: Twist,
    pub(crate) speed_limit: u32,
    pub(crate) stands: Stands,
}

/// The kind of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    Move,
    Idle,
    Stop(StopCategory),
}

/// The kind of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    Boot,
    Stopped,
    Slow,
    Ready,
    Stopping,
    Latched,
    Acknowledged,
}

macro_rules! rules {
    ($($name:ident)*) => {
        /// The rules, copied by hand from the catalogue in its order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(non_camel_case_types, clippy::enum_variant_names, reason = "the names are those of the catalogue")]
        pub(crate) enum R { $($name,)* }

        impl R {
            /// All of them, the most severe first.
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

rules! {
    LOG_001 INT_001 INT_002 CFG_001 CLK_001 EST_003 EST_001 EST_002 SPD_002 SPD_005 STP_002 STP_003 STP_004 PCK_003
    ARM_002 ARM_004 RST_001 RST_003 RST_002 REV_001 CLK_002 EST_004 ODO_001 ODO_002 COM_002 COM_004 COM_005 PCK_001 PCK_002 OBS_005
    OBS_011 OBS_004 OBS_006 OBS_010 OBS_008 OBS_009 OBS_007 OBS_001 SSM_002 REL_002 REL_003 REL_001 SSM_001 SSM_003
    CLR_001 COM_001 CLK_003 PCK_004 OBS_012 OBS_002 OBS_003 SPD_001 SPD_004 STP_001 ARM_003 ARM_005 ARM_001 MOV_001 IDL_001
}

impl R {
    /// As the catalogue spells it.
    pub(crate) fn id(self) -> String {
        format!("{self:?}").replace('_', "-")
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { says, primary, fired, twist, speed_limit, stands } = self;
        let fired: Vec<R> = R::ALL.iter().copied().filter(|rule| fired >> *rule as u32 & 1 == 1).collect();
        write!(f, "{says:?} by {primary:?} of {fired:?}, {twist:?} up to {speed_limit} mm/s, then {stands:?}")
    }
}

/// Numbers of the oracle: wide enough for every input it is asked about.
type Int = i64;

/// One step as it is remembered.
#[derive(Clone, Copy)]
struct Past<const S: usize> {
    now: Int,
    /// The command, if it was one.
    command: Option<(Int, Twist)>,
    /// Whether the base was told to move.
    moved: bool,
    stands: Stands,
    /// Whether nothing denied motion, and confidence was at the re-arming level.
    good: bool,
    /// Whether nothing denied motion or asked for the slow band.
    risen: bool,
    /// Whether motion began in this step.
    began: bool,
    pressed: bool,
    /// A stop for want of evidence.
    trip: bool,
    acknowledged: bool,
    differ: Option<bool>,
    /// Whether it was too fast, and whether it turned too fast; `None` when nobody knew.
    over_speed: Option<bool>,
    over_yaw: Option<bool>,
    /// Whether each sensor missed its contour; `None` when it said nothing at all.
    drifts: [Option<bool>; S],
    /// Where it was, if it was told to move.
    at: Option<(Int, Int)>,
}

/// What a sensor has said of a sector: something that will be touched when the odometer shows `touch`.
#[derive(Clone, Copy, Default)]
struct Thing {
    there: bool,
    touch: Int,
    travelled: Int,
    turned: Int,
}

/// A frame of a sensor.
#[derive(Clone, Copy)]
struct Frame {
    taken: Int,
    seq: u64,
    digest: u64,
    /// Whether it was new against the one before.
    is_new: bool,
}

/// Where limits lie that nobody sees from outside, so that a scene can go there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hints {
    /// The speed from which on the base is too fast.
    pub(crate) fast: u64,
    /// The yaw rate from which on it turns too fast.
    pub(crate) spin: u64,
    /// What the odometer shows at the end of the longest stop.
    pub(crate) way: Option<u64>,
    /// When a stop for want of evidence was, the earliest that may still count.
    pub(crate) trip: Option<u64>,
    /// Since when the reset button has been pressed.
    pub(crate) pressed: Option<u64>,
    /// Since when the robot has been where it is, although it was permitted to move.
    pub(crate) still: Option<u64>,
}

/// What the base has to keep to.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    Nothing,
    Move,
    Stop { at: Int, way: Option<(Int, Int)> },
    Stand { at: Int, turned: Int },
}

#[derive(Clone, Copy)]
struct Motion {
    speed: Int,
    yaw: Int,
    travelled: Int,
    turned: Int,
}

/// The plain interlock.
pub(crate) struct Plain<'c, const S: usize, const N: usize> {
    config: &'c Config,
    approved: bool,
    restart_latch: bool,
    past: Vec<Past<S>>,
    frames: [Vec<Frame>; S],
    things: [[Thing; N]; S],
    looked: [[bool; N]; S],
    /// By how much each sensor missed its contour when it last said so.
    residuals: [Option<Int>; S],
    spoken: u16,
    keep_power: u16,
    cleared: Option<u32>,
    highest: Option<u32>,
    latch_category: StopCategory,
    told: Told,
    /// The speed and the yaw rate that the base may have, in millionths.
    envelope: [Int; 2],
    /// The highest speeds and yaw rates permitted, by windows of time: when each began, if the clock still tells, and both.
    windows: Vec<(Option<Int>, [Int; 2])>,
    /// How many steps lie before the clock went backwards: what began in them has no beginning any more.
    forgotten: usize,
}

/// What fires in one step.
struct Found {
    fired: u64,
    latch: Option<(R, StopCategory)>,
    deny: Option<(R, StopCategory)>,
    hold: Option<R>,
    /// The lowest limit, and the first rule that sets it.
    limit: (Int, R),
    slowed: bool,
}

fn worse(so_far: Option<(R, StopCategory)>, rule: R, category: StopCategory) -> Option<(R, StopCategory)> {
    Some(so_far.map_or((rule, category), |(first, most)| (first.min(rule), most.min(category))))
}

impl Found {
    fn fire(&mut self, rule: R) {
        self.fired |= 1 << rule as u32;
    }
    fn latch(&mut self, rule: R, category: StopCategory) {
        self.fire(rule);
        self.latch = worse(self.latch, rule, category);
    }
    fn deny(&mut self, rule: R, category: StopCategory) {
        self.fire(rule);
        self.deny = worse(self.deny, rule, category);
    }
    fn hold(&mut self, rule: R) {
        self.fire(rule);
        self.hold = Some(self.hold.map_or(rule, |first| first.min(rule)));
    }
    fn slow(&mut self, rule: R, speed: Int) {
        self.fire(rule);
        self.slowed = true;
        self.limit(rule, speed);
    }
    /// A limit is in force whether or not it is met; who fires is up to the caller.
    fn limit(&mut self, rule: R, speed: Int) {
        self.limit = self.limit.min((speed, rule));
    }
}

fn micros(span: Micros) -> Int {
    Int::try_from(span.as_micros()).unwrap_or(Int::MAX)
}

fn ticks(at: RobotTime) -> Int {
    Int::try_from(at.as_micros()).unwrap_or(Int::MAX)
}

/// Age of a stamp: none below zero as far as clocks may differ, and never when it lies further ahead.
fn age(c: &Config, now: Int, taken: Int, edges: &mut Edges) -> Option<Int> {
    if edges.above(Edge::clock_skew, taken - now, micros(c.clock_skew)) {
        None
    } else {
        Some((now - taken).max(0))
    }
}

/// The highest speed up to `cap` for which `v·(v + 2·(a·t + h)) ≤ 2·a·(d - h·t)`, with `a·t` and `h·t` rounded up.
fn speed_within(d: Int, t: Int, a: Int, h: Int, cap: Int) -> Int {
    let (d, t, a, h) = (i128::from(d), i128::from(t), i128::from(a), i128::from(h));
    let up = |x: i128| {
        if x < 1 << 60 { i128::from((x as u64).div_ceil(1_000_000)) } else { (x + 999_999) / 1_000_000 }
    };
    let left = d - up(h * t);
    if left < 0 {
        return 0;
    }
    let term = up(a * t) + h;
    let stops = |v: Int| i128::from(v) * (i128::from(v) + 2 * term) <= 2 * a * left;
    if stops(cap) {
        return cap;
    }
    let (mut low, mut high) = (0, cap - 1);
    while low < high {
        let middle = (low + high + 1) / 2;
        if stops(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

/// `d = v·t + v²/(2·a)` in whole millimetres, rounded up, and at most what an odometer can show.
fn way_to_stop(v: Int, t: Int, a: Int) -> Int {
    let farthest = Int::from(u32::MAX);
    if a == 0 {
        return farthest;
    }
    let (v, t, a) = (i128::from(v), i128::from(t), i128::from(a));
    let (over, under) = (2 * a * v * t + v * v * 1_000_000, 2 * a * 1_000_000);
    Int::try_from((over + under - 1) / under).map_or(farthest, |way| way.min(farthest))
}

impl<'c, const S: usize, const N: usize> Plain<'c, S, N> {
    pub(crate) fn new(config: &'c Config, approved: bool, restart: Restart) -> Self {
        let memory = match restart {
            Restart::Remembered(memory) => Some(memory),
            Restart::First | Restart::Unreadable => None,
        };
        Self {
            config,
            approved,
            restart_latch: restart == Restart::Unreadable || memory.is_some_and(|memory| memory.latched),
            past: Vec::with_capacity(64),
            frames: std::array::from_fn(|_| Vec::with_capacity(64)),
            things: [[Thing::default(); N]; S],
            looked: [[false; N]; S],
            residuals: [None; S],
            spoken: 0,
            // Whoever may be carried is carried until the pack says otherwise.
            keep_power: config.packs_required & PackSlot::PATIENT.bit(),
            cleared: memory.and_then(|memory| memory.cleared).map(|generation| generation.0),
            highest: memory.and_then(|memory| memory.highest_stop).map(|generation| generation.0),
            latch_category: StopCategory::Zero,
            told: Told::Nothing,
            envelope: [0; 2],
            windows: Vec::with_capacity(64),
            forgotten: 0,
        }
    }

    /// Where some limits lie after this step.
    pub(crate) fn hints(&self) -> Hints {
        let c = self.config;
        let spin = self.fastest(1);
        let (fastest, now) = (self.fastest(0), self.past.last().map_or(0, |last| last.now));
        let lately = |past: &&Past<S>| !past.acknowledged && now - past.now <= micros(c.chatter_window);
        let trips = self.told_of().iter().rev().take_while(lately).filter(|past| past.trip);
        let pressed = self.told_of().iter().rev().take_while(|past| past.pressed).last();
        let here = self.told_of().last().and_then(|last| last.at);
        let still =
            self.told_of().iter().rev().take_while(|past| past.at.is_some() && past.at == here).last();
        let at = |past: &Past<S>| past.now as u64;
        Hints {
            fast: (fastest + (fastest * Int::from(c.overspeed_percent) / 100).max(c.standstill.0.into()))
                as u64,
            spin: (spin + (spin * Int::from(c.overspeed_percent) / 100).max(c.standstill_yaw.0.into()))
                as u64,
            way: match self.told {
                Told::Stop { way: Some((from, allowed)), .. } => Some((from + allowed) as u64),
                Told::Nothing | Told::Move | Told::Stop { .. } | Told::Stand { .. } => None,
            },
            trip: trips.last().map(at),
            pressed: pressed.map(at),
            still: still.map(at),
        }
    }

    fn stands(&self) -> Stands {
        match self.past.last() {
            Some(past) => past.stands,
            None if self.restart_latch => Stands::Latched,
            None => Stands::Boot,
        }
    }

    /// The steps whose instants still mean something.
    fn told_of(&self) -> &[Past<S>] {
        &self.past[self.forgotten..]
    }

    /// How long something has held in an unbroken run of steps that ends with this one, given what held in earlier
    /// steps: exactly up to `enough` and a little more, and at least that much beyond it.
    fn lasting(&self, now: Int, enough: Micros, held: impl Fn(&Past<S>) -> bool) -> Int {
        self.lasting_known(now, enough, |past| Some(held(past)))
    }

    /// The same for what is not always known: steps that do not know neither begin nor break a run.
    fn lasting_known(&self, now: Int, enough: Micros, held: impl Fn(&Past<S>) -> Option<bool>) -> Int {
        let enough = micros(enough);
        let mut lasted = 0;
        for past in self.told_of().iter().rev() {
            match held(past) {
                Some(true) => lasted = now - past.now,
                Some(false) => break,
                None => {}
            }
            if enough + 1 < lasted {
                break;
            }
        }
        lasted
    }

    pub(crate) fn step(&mut self, input: &Input<S, N>, edges: &mut Edges) -> Answer {
        use StopCategory::{One, Two, Zero};
        let c = self.config;
        let now = ticks(input.now);
        let twist = input.request.twist;
        let asks = !twist.is_zero();
        let linear = Int::from(twist.linear_mm_per_s).abs();
        let angular = Int::from(twist.angular_mrad_per_s).abs();
        let before = self.stands();
        let (top, slow, creep) =
            (Int::from(c.speed_max.0), Int::from(c.speed_slow.0), Int::from(c.speed_creep.0));
        let mut f =
            Found { fired: 0, latch: None, deny: None, hold: None, limit: (top, R::SPD_001), slowed: false };
        let motion = input.odometry.and_then(|o| {
            let age = age(c, now, ticks(o.taken), edges)?;
            let stale = edges.above(Edge::sample_age_max, age, micros(c.sample_age_max));
            (!stale).then(|| Motion {
                speed: o.value.speed.0.into(),
                yaw: Int::from(o.value.yaw_rate.0).abs(),
                travelled: o.value.travelled.0.into(),
                turned: o.value.turned_mrad.into(),
            })
        });
        // With a clock that went backwards no instant of before means anything.
        if self.past.last().is_some_and(|last| now < last.now) {
            self.forgotten = self.past.len();
            self.frames.iter_mut().for_each(Vec::clear);
            if let Some((began, _)) = self.windows.last_mut() {
                *began = None;
            }
            if let Told::Stop { at, .. } = &mut self.told {
                *at = now;
            }
        }
        let standing = motion.is_some_and(|motion| {
            let fast = edges.above(Edge::standstill, motion.speed, c.standstill.0.into());
            let spins = edges.above(Edge::standstill_yaw, motion.yaw, c.standstill_yaw.0.into());
            !fast && !spins
        });

        // What people order. The button ends no stop that was ordered from elsewhere.
        let (mut acknowledges, mut starts, mut bad_press) = (false, false, false);
        if !input.reset_button && self.told_of().last().is_some_and(|past| past.pressed) {
            let long = self.lasting(now, c.reset_press_max, |past| past.pressed);
            let short = edges.below(Edge::reset_press_min, long, micros(c.reset_press_min));
            bad_press = edges.above(Edge::reset_press_max, long, micros(c.reset_press_max)) || short;
            if !bad_press && self.highest <= self.cleared {
                (acknowledges, starts) = (true, true);
            }
        }
        let mut clears = self.cleared;
        if let Some(reset) = input.reset.filter(|reset| self.highest <= Some(reset.generation.0)) {
            match reset.step {
                ResetStep::Acknowledge => {
                    acknowledges = true;
                    if before == Stands::Latched {
                        let ordered = self.highest.max(input.stop.map(|stop| stop.generation.0));
                        clears = clears.max(ordered.map(|ordered| ordered.min(reset.generation.0)));
                    }
                }
                ResetStep::Start => starts = true,
            }
        }

        // What latches by itself.
        if self.past.is_empty() && self.restart_latch {
            f.latch(R::INT_002, Zero);
        }
        if !self.approved {
            f.latch(R::CFG_001, Zero);
        }
        if input.emergency_button == Some(true) {
            f.latch(R::EST_003, Zero);
        }
        if input.bumper == Some(true) {
            f.latch(R::EST_002, One);
        }
        if let Some(stop) = input.stop.filter(|stop| clears < Some(stop.generation.0)) {
            f.latch(R::EST_001, stop.category);
            self.highest = self.highest.max(Some(stop.generation.0));
        }
        if input.emergency_button.is_none() || input.bumper.is_none() {
            f.deny(R::EST_004, One);
        }
        if motion.is_none() {
            f.deny(R::ODO_001, One);
        }
        match input.self_test {
            SelfTest::Failed => f.latch(R::ARM_002, One),
            SelfTest::NotRun => f.deny(R::ARM_002, One),
            SelfTest::Passed => {}
        }

        // The clock.
        if let Some(gap) = self.past.last().map(|last| now - last.now) {
            if gap < 0 {
                f.latch(R::CLK_001, Zero);
            }
            if edges.above(Edge::clock_jump_max, gap, micros(c.clock_jump_max)) {
                f.deny(R::CLK_002, One);
            }
            if edges.above(Edge::cycle_max, gap, micros(c.cycle_max)) {
                f.slow(R::CLK_003, slow);
            }
        }

        // The supervisor.
        let silence = input.beat.and_then(|beat| age(c, now, ticks(beat), edges)).unwrap_or(Int::MAX);
        if edges.above(Edge::beat_timeout, silence, micros(c.beat_timeout)) {
            f.deny(R::COM_002, One);
        }
        if edges.above(Edge::beat_late, silence, micros(c.beat_late)) {
            f.slow(R::COM_001, slow);
        }

        self.packs(input, now, &mut f, edges);
        let (lowest, degraded, drifts, differ, usable) = self.sensors(input, now, motion, &mut f, edges);

        // The command.
        let mut command = None;
        if asks {
            let issued = ticks(input.request.issued);
            let old = age(c, now, issued, edges)
                .is_none_or(|age| edges.above(Edge::command_age_max, age, micros(c.command_age_max)));
            if old {
                f.deny(R::COM_005, One);
            }
            let last = self.told_of().iter().rev().find_map(|past| past.command);
            let disordered = last.is_some_and(|(at, was)| issued < at || (issued == at && was != twist));
            if disordered {
                f.deny(R::COM_004, One);
            }
            if !old && !disordered {
                command = Some((issued, twist));
            }
        }

        // Distances.
        let (a, delay) = self.brakes(input);
        let reaction = micros(c.permit_ttl) + delay;
        if asks {
            match input.release {
                None => f.hold(R::REL_001),
                Some(release) => {
                    if release.site != input.site {
                        f.hold(R::REL_002);
                    }
                    let age = age(c, now, ticks(release.taken), edges).unwrap_or(Int::MAX / 2);
                    if edges.above(Edge::sample_age_max, age, micros(c.sample_age_max)) {
                        f.hold(R::REL_003);
                    }
                    if linear != 0 {
                        let speed =
                            speed_within(release.remaining.0.into(), age + reaction, a, 0, top.max(linear));
                        if speed == 0 {
                            f.hold(R::REL_001);
                        }
                        if speed < linear {
                            f.fire(R::REL_001);
                        }
                        f.limit(R::REL_001, speed);
                    }
                }
            }
        }
        if linear != 0 {
            let margin = Int::from(c.stop_margin.0);
            let free = input.free_travel.map_or((0, 0), |free| {
                match age(c, now, ticks(free.taken), edges) {
                    None => f.deny(R::OBS_005, One),
                    Some(age) if edges.above(Edge::sample_age_max, age, micros(c.sample_age_max)) => {
                        f.deny(R::OBS_004, One);
                    }
                    Some(age) => return (Int::from(free.value.0), age),
                }
                (0, 0)
            });
            // What a sensor has seen and can no longer see counts as free travel, too, and as old as may be.
            let held = self.unspoken(input, motion, usable);
            for (distance, age) in
                [Some(free), held.map(|held| (held, micros(c.sample_age_max)))].into_iter().flatten()
            {
                if edges.at_most(Edge::stop_margin, distance, margin) {
                    f.deny(R::SSM_002, One);
                    continue;
                }
                let person = c.separation.speed().0.into();
                let speed = speed_within(distance - margin, age + reaction, a, person, top.max(linear));
                if speed == 0 {
                    f.deny(R::SSM_001, One);
                }
                if speed < linear {
                    f.fire(R::SSM_001);
                }
                f.limit(R::SSM_001, speed);
                if speed < top {
                    for edge in [Edge::permit_ttl, Edge::deceleration] {
                        edges.meet(edge, linear, speed);
                    }
                    if input.braking.is_none() {
                        edges.meet(Edge::actuation_delay, linear, speed);
                    }
                    if 0 < person {
                        edges.meet(Edge::separation, linear, speed);
                    }
                }
            }
            let nearest = free.0.min(held.unwrap_or(Int::MAX));
            let armed = matches!(before, Stands::Slow | Stands::Ready);
            if !armed && edges.at_most(Edge::rearm_margin, nearest, margin + Int::from(c.rearm_margin.0)) {
                f.deny(R::ARM_005, Two);
            }
            let beside = input.side_clearance.map_or(0, |side| side.0.into());
            if edges.below(Edge::clearance_creep, beside, c.clearance_creep.0.into()) {
                f.fire(R::CLR_001);
                f.limit(R::CLR_001, creep);
            }
        }
        let near = || self.things.iter().flatten().filter_map(|thing| thing.left(motion)).min();
        if degraded
            && near().is_some_and(|near| edges.at_most(Edge::person_near, near, c.person_near.0.into()))
        {
            f.fire(R::SSM_003);
            f.limit(R::SSM_003, creep);
        }
        if top < linear {
            f.fire(R::SPD_001);
        }

        let (over_speed, over_yaw) = self.supervise(now, motion, standing, &mut f, edges);

        // Where that leads.
        let clear = f.latch.is_none() && f.deny.is_none();
        let mut good = clear && !edges.below(Edge::confidence_rearm, lowest, c.confidence_rearm.ppm().into());
        let low = edges.below(Edge::confidence_slow, lowest, c.confidence_slow.ppm().into());
        let risen = clear && !f.slowed && !low;
        let good_for = if good { self.lasting(now, c.dwell, |past| past.good) } else { 0 };
        // From the step in which motion began at the earliest.
        let begun = Cell::new(false);
        let since_begun = |past: &Past<S>| past.risen && !begun.replace(begun.get() || past.began);
        let risen_for = if risen { self.lasting(now, c.dwell_up, since_begun) } else { 0 };
        let armed = good && standing && edges.at_least(Edge::dwell, good_for, micros(c.dwell));

        let mut trip = false;
        if f.latch.is_none() && asks && matches!(before, Stands::Slow | Stands::Ready) {
            trip = f.deny.is_some_and(|(rule, _)| rule != R::SSM_001 && rule != R::SSM_002);
        }
        if trip {
            let fresh = self.past.iter().rev().take_while(|past| !past.acknowledged).filter(|past| {
                past.trip
                    && past.now <= now
                    && !edges.above(Edge::chatter_window, now - past.now, micros(c.chatter_window))
            });
            let count = fresh.count().min(7) as Int + 1;
            if edges.at_least(Edge::chatter_trips, count, c.chatter_trips.into()) {
                f.latch(R::ARM_004, One);
            }
        }
        let keep = |category: StopCategory| if self.keep_power == 0 { category } else { Two };
        let halted = if standing { Stands::Stopped } else { Stands::Stopping };
        let denied = asks && f.deny.is_some();
        let mut acknowledged = false;
        let stands = if let Some((_, category)) = f.latch {
            let category = keep(category);
            let already = before == Stands::Latched;
            self.latch_category = if already { self.latch_category.min(category) } else { category };
            Stands::Latched
        } else {
            match before {
                Stands::Latched if acknowledges && standing => {
                    acknowledged = true;
                    self.cleared = clears;
                    Stands::Acknowledged
                }
                Stands::Latched => Stands::Latched,
                Stands::Acknowledged if starts => {
                    // The dwell begins with the next step.
                    good = false;
                    Stands::Stopped
                }
                Stands::Acknowledged => Stands::Acknowledged,
                Stands::Boot | Stands::Stopped | Stands::Stopping if armed && !denied => Stands::Slow,
                Stands::Boot => Stands::Boot,
                Stands::Stopped | Stands::Stopping => halted,
                Stands::Slow | Stands::Ready if denied => halted,
                Stands::Slow if risen && edges.at_least(Edge::dwell_up, risen_for, micros(c.dwell_up)) => {
                    Stands::Ready
                }
                Stands::Ready if asks && (f.slowed || low) => Stands::Slow,
                Stands::Slow | Stands::Ready => before,
            }
        };
        let began = stands == Stands::Slow && !matches!(before, Stands::Slow | Stands::Ready);

        // What is said about it.
        let (says, primary, granted, speed_limit) = match stands {
            Stands::Latched => {
                f.fire(R::RST_001);
                let why = match f.latch {
                    Some((rule, _)) => rule,
                    None if bad_press => R::RST_003,
                    None => R::RST_001,
                };
                (Says::Stop(keep(self.latch_category)), why, Twist::ZERO, 0)
            }
            Stands::Acknowledged => (Says::Stop(keep(One)), R::RST_002, Twist::ZERO, 0),
            Stands::Boot | Stands::Stopped | Stands::Stopping => {
                let (why, category) = match f.deny {
                    Some(deny) => deny,
                    None if !standing => (R::STP_001, One),
                    None if lowest < c.confidence_rearm.ppm().into() => (R::ARM_003, Two),
                    None => (R::ARM_001, Two),
                };
                (Says::Stop(keep(category)), why, Twist::ZERO, 0)
            }
            Stands::Slow | Stands::Ready if !asks => {
                f.fired = 0;
                (Says::Idle, R::IDL_001, Twist::ZERO, f.limit.0)
            }
            Stands::Slow | Stands::Ready => match f.hold {
                Some(rule) => (Says::Stop(keep(Two)), rule, Twist::ZERO, 0),
                None => {
                    if stands == Stands::Slow {
                        let why = if low { R::OBS_002 } else { R::OBS_003 };
                        f.fire(why);
                        f.limit(why, slow);
                    }
                    let (limit, tightest) = f.limit;
                    // In the slow band turning is as slow as driving, to the next whole rate above.
                    let mut cap = Int::from(c.yaw_rate_max.0);
                    if stands == Stands::Slow {
                        let share = (cap * slow + top - 1) / top;
                        cap = cap.min(share.max(Int::from(c.standstill_yaw.0) + 1));
                    }
                    edges.meet(Edge::speed_max, linear, top);
                    if limit == slow && (f.slowed || stands == Stands::Slow) {
                        edges.meet(Edge::speed_slow, linear, limit);
                    }
                    if matches!(tightest, R::SSM_003 | R::CLR_001) {
                        edges.meet(Edge::speed_creep, linear, limit);
                    }
                    let spins = edges.above(Edge::yaw_rate_max, angular, cap);
                    if spins {
                        f.fire(R::SPD_004);
                    }
                    // Both parts shrink by the smaller of the two quotients, so the arc stays the same.
                    let (mut why, mut up, mut down) = (R::MOV_001, 1, 1);
                    if limit < linear {
                        (why, up, down) = (tightest, limit, linear);
                    }
                    if spins && cap * down < up * angular {
                        (why, up, down) = (R::SPD_004, cap, angular);
                    }
                    let part = |value: i32| (Int::from(value) * up / down) as i32;
                    let granted = Twist {
                        linear_mm_per_s: part(twist.linear_mm_per_s),
                        angular_mrad_per_s: part(twist.angular_mrad_per_s),
                    };
                    if granted.is_zero() {
                        (Says::Stop(keep(Two)), why, Twist::ZERO, 0)
                    } else {
                        (Says::Move, why, granted, limit)
                    }
                }
            },
        };
        f.fire(primary);

        let moves = Int::from(c.standstill.0) < Int::from(granted.linear_mm_per_s).abs()
            || Int::from(c.standstill_yaw.0) < Int::from(granted.angular_mrad_per_s).abs();
        self.tell(now, motion, (a, delay), standing, stands, says, granted);
        self.past.push(Past {
            now,
            command,
            moved: says == Says::Move,
            stands,
            good,
            risen,
            began,
            pressed: input.reset_button,
            trip,
            acknowledged,
            differ,
            over_speed,
            over_yaw,
            drifts,
            at: motion.filter(|_| moves).map(|motion| (motion.travelled, motion.turned)),
        });
        let speed_limit = u32::try_from(speed_limit).unwrap_or(0);
        Answer { says, primary, fired: f.fired, twist: granted, speed_limit, stands }
    }

    fn packs(&mut self, input: &Input<S, N>, now: Int, f: &mut Found, edges: &mut Edges) {
        let c = self.config;
        for slot in 0..PACKS {
            let bit = 1_u16 << slot;
            let Some(verdict) = input.packs[slot] else {
                let required = c.packs_required & bit != 0;
                edges.meet(Edge::packs_required, if required { -1 } else { 1 }, 0);
                if required || self.spoken & bit != 0 {
                    f.deny(R::PCK_001, StopCategory::One);
                }
                continue;
            };
            edges.meet(Edge::packs_required, 0, 0);
            self.spoken |= bit;
            let founded = verdict.ruling.evidence().is_none_or(|evidence| evidence.holds());
            let fresh = age(c, now, ticks(verdict.taken), edges)
                .is_some_and(|age| !edges.above(Edge::pack_age_max, age, micros(c.pack_age_max)));
            if !founded || !fresh {
                f.deny(R::PCK_001, StopCategory::One);
                continue;
            }
            self.keep_power = if verdict.keep_power { self.keep_power | bit } else { self.keep_power & !bit };
            match verdict.ruling {
                Ruling::Allow => {}
                Ruling::Limit { speed, .. } => {
                    f.fire(R::PCK_004);
                    f.limit(R::PCK_004, speed.0.into());
                }
                Ruling::Stop { category, .. } => f.deny(R::PCK_002, category),
                Ruling::Latch { category, .. } => f.latch(R::PCK_003, category),
            }
        }
    }

    /// Whether the request sweeps a sector.
    fn sweeps(input: &Input<S, N>, sector: usize) -> bool {
        let named = |sector: usize| input.request.sectors >> sector & 1 == 1;
        let ahead = match input.request.twist.linear_mm_per_s {
            0 => return true,
            1.. => vec![0],
            // The middle of sector i is at i full turns by N: half a turn lies in one, or between two.
            _ if N.is_multiple_of(2) => vec![N / 2],
            _ if N == 1 => vec![0],
            _ => vec![N / 2, N / 2 + 1],
        };
        !ahead.into_iter().all(named) || named(sector)
    }

    /// The lowest confidence of the sectors that count, whether detection is degraded, who misses their contour,
    /// whether sensors disagree, and who is usable.
    fn sensors(
        &mut self,
        input: &Input<S, N>,
        now: Int,
        motion: Option<Motion>,
        f: &mut Found,
        edges: &mut Edges,
    ) -> (Int, bool, [Option<bool>; S], Option<bool>, [bool; S]) {
        let c = self.config;
        let one = StopCategory::One;
        let slow = Int::from(c.speed_slow.0);
        let mut reason = [Some(R::OBS_004); S];
        let mut lost = [0; S];
        let mut drifts = [None; S];
        let mut degraded = false;
        for s in 0..S {
            let Some(reading) = &input.sensors[s] else {
                degraded = true;
                if self.residuals[s].is_some_and(|residual| Int::from(c.drift_max.0) < residual) {
                    f.slow(R::OBS_010, slow);
                }
                continue;
            };
            let taken = ticks(reading.taken);
            let age = age(c, now, taken, edges);
            let stale =
                age.is_some_and(|age| edges.above(Edge::sample_age_max, age, micros(c.sample_age_max)));
            let frames = &mut self.frames[s];
            let back = frames.last().is_some_and(|last| taken < last.taken);
            if !back && !stale && age.is_some() {
                let is_new =
                    frames.last().is_none_or(|last| last.seq < reading.seq && last.digest != reading.digest);
                match frames.last_mut() {
                    Some(last) if last.taken == taken => {
                        (last.seq, last.digest) = (reading.seq, reading.digest);
                    }
                    _ => frames.push(Frame { taken, seq: reading.seq, digest: reading.digest, is_new }),
                }
            }
            let same = frames.iter().rev().position(|frame| frame.is_new).map_or(0, |old| old as Int + 1);
            let counts = !back
                && age.is_some()
                && !stale
                && same < Int::from(c.frozen_frames)
                && reading.invalid <= c.invalid_max
                && reading.healthy;
            if let Some(residual) = reading.residual.map(|residual| Int::from(residual.0)) {
                let before = self.residuals[s].filter(|_| !counts).unwrap_or(0);
                self.residuals[s] = Some(residual.max(before));
            }
            let misses = Some(
                self.residuals[s]
                    .is_some_and(|residual| edges.above(Edge::drift_max, residual, c.drift_max.0.into())),
            );
            drifts[s] = misses;
            let drifts = misses == Some(true);
            let missed_for = || self.lasting_known(now, c.drift_for, |past| past.drifts[s]);
            reason[s] = if back {
                Some(R::OBS_011)
            } else if age.is_none() {
                Some(R::OBS_005)
            } else if stale {
                Some(R::OBS_004)
            } else if edges.at_least(Edge::frozen_frames, same, c.frozen_frames.into()) {
                Some(R::OBS_006)
            } else if edges.above(Edge::invalid_max, reading.invalid.get().into(), c.invalid_max.get().into())
            {
                Some(R::OBS_008)
            } else if !reading.healthy {
                Some(R::OBS_007)
            } else if drifts && edges.at_least(Edge::drift_for, missed_for(), micros(c.drift_for)) {
                Some(R::OBS_010)
            } else {
                None
            };
            let usable = reason[s].is_none();
            lost[s] = age.unwrap_or(0).saturating_add(999) / 1_000 * Int::from(c.decay_ppm_per_ms);
            if drifts {
                f.slow(R::OBS_010, slow);
            }
            degraded |= !usable || drifts;
            for n in 0..N {
                let Some(sector) = reading.sectors[n] else { continue };
                self.looked[s][n] = true;
                let seen = if sector.obstacle == Mm::MAX { None } else { Some(Int::from(sector.obstacle.0)) };
                self.things[s][n] = if usable {
                    Thing::seen(seen, motion, None)
                } else {
                    let old = self.things[s][n];
                    let left = old.left(motion);
                    let nearer = seen.into_iter().chain(left).min();
                    Thing::seen(nearer, motion, old.there.then_some(old.turned))
                };
            }
        }
        let usable = reason.map(|reason| reason.is_none());

        let mut lowest = 1_000_000;
        let mut widest = 0;
        let mut all_speak = true;
        for n in (0..N).filter(|n| Self::sweeps(input, *n)) {
            let (mut count, mut expected, mut nearest, mut farthest) = (0, 0, Int::MAX, 0);
            let mut said = [Int::MIN; S];
            for s in 0..S {
                let spoken = input.sensors[s].as_ref().and_then(|reading| reading.sectors[n]);
                expected += Int::from(self.looked[s][n]);
                if let Some(sector) = spoken.filter(|_| usable[s]) {
                    said[count] = (Int::from(sector.confidence.ppm()) - lost[s]).max(0);
                    count += 1;
                    let within = Int::from(c.disagreement_within.0);
                    edges.meet(Edge::disagreement_within, sector.obstacle.0.into(), within);
                    nearest = nearest.min(within.min(sector.obstacle.0.into()));
                    farthest = farthest.max(within.min(sector.obstacle.0.into()));
                }
            }
            widest = widest.max(farthest - nearest);
            let needed = match c.fusion {
                Fusion::Redundant => 1,
                Fusion::Quorum(sensors) => Int::from(sensors),
                Fusion::Min => expected.max(1),
            };
            let mut confidence = 0;
            if edges.below(Edge::fusion, count as Int, needed) {
                f.deny(R::OBS_007, one);
                for s in 0..S {
                    if let Some(rule) = reason[s].filter(|_| self.looked[s][n]) {
                        f.deny(rule, one);
                    }
                }
            } else {
                // The `needed`-th best: as many say at least that much.
                let said = &said[..count];
                let enough = |x: Int| said.iter().filter(|other| x <= **other).count() as Int >= needed;
                confidence = said.iter().copied().filter(|x| enough(*x)).max().unwrap_or(0);
            }
            if (count as Int) < expected {
                all_speak = false;
                f.slow(R::OBS_012, slow);
            }
            if edges.below(Edge::confidence_stop, confidence, c.confidence_stop.ppm().into()) {
                f.deny(R::OBS_001, one);
            }
            if lost.iter().any(|lost| 0 < *lost) {
                edges.meet(Edge::decay_ppm_per_ms, confidence, c.confidence_stop.ppm().into());
            }
            lowest = lowest.min(confidence);
        }
        let apart = edges.above(Edge::disagreement_max, widest, c.disagreement_max.0.into());
        // Whether those who say nothing still differ, nobody knows, for a while.
        let known = self.told_of().iter().rev().find(|past| past.differ.is_some());
        let may_differ = !all_speak
            && known.is_some_and(|past| {
                past.differ == Some(true) && now - past.now <= micros(c.disagreement_for)
            });
        let differ = if apart { Some(true) } else { (!may_differ).then_some(false) };
        if apart {
            f.slow(R::OBS_009, slow);
        }
        if differ != Some(false) {
            let lasting = self.lasting_known(now, c.disagreement_for, |past| past.differ);
            if edges.above(Edge::disagreement_for, lasting, micros(c.disagreement_for)) {
                f.deny(R::OBS_009, one);
            }
        }
        degraded |= apart || !all_speak || lowest < c.confidence_slow.ppm().into();
        (lowest, degraded, drifts, differ, usable)
    }

    /// The nearest thing that a sensor has seen in the way and of which it says nothing that counts now.
    fn unspoken(&self, input: &Input<S, N>, motion: Option<Motion>, usable: [bool; S]) -> Option<Int> {
        let half_sector = 3_142 / N as Int;
        let mut nearest: Option<Int> = None;
        for s in 0..S {
            for n in 0..N {
                let spoken =
                    usable[s] && input.sensors[s].is_some_and(|reading| reading.sectors[n].is_some());
                let thing = &self.things[s][n];
                let Some(left) = thing.left(motion).filter(|_| !spoken) else { continue };
                let anywhere = motion.is_none_or(|motion| {
                    motion.turned < thing.turned || half_sector < motion.turned - thing.turned
                });
                if anywhere || Self::sweeps(input, n) {
                    nearest = Some(nearest.map_or(left, |nearest| nearest.min(left)));
                }
            }
        }
        nearest
    }

    /// Whether the base does what it was told.
    fn supervise(
        &mut self,
        now: Int,
        motion: Option<Motion>,
        standing: bool,
        f: &mut Found,
        edges: &mut Edges,
    ) -> (Option<bool>, Option<bool>) {
        let c = self.config;
        let zero = StopCategory::Zero;
        let percent = Int::from(c.overspeed_percent);
        let gone = |from: Int, motion: Motion| {
            if motion.travelled < from { Int::from(u32::MAX) } else { motion.travelled - from }
        };
        let mut over_speed = None;
        match self.told {
            Told::Nothing => {}
            Told::Move => {
                let envelope = self.fastest(0);
                let share = envelope * percent / 100;
                over_speed = motion.map(|motion| {
                    let limit = envelope + share.max(c.standstill.0.into());
                    if Int::from(c.standstill.0) < share {
                        edges.meet(Edge::overspeed_percent, motion.speed, limit);
                    }
                    limit < motion.speed
                });
                if over_speed == Some(true) {
                    let known = |past: &Past<S>| if past.moved { past.over_speed } else { Some(false) };
                    let lasting = self.lasting_known(now, c.overspeed_for, known);
                    if edges.at_least(Edge::overspeed_for, lasting, micros(c.overspeed_for)) {
                        f.latch(R::SPD_002, zero);
                    }
                }
            }
            Told::Stop { at, way } => {
                let lasting = (now - at).max(0);
                if !standing && edges.above(Edge::stop_time_max, lasting, micros(c.stop_time_max)) {
                    f.latch(R::STP_002, zero);
                }
                if let (Some((from, allowed)), Some(motion)) = (way, motion)
                    && edges.above(Edge::stop_distance_percent, gone(from, motion), allowed)
                {
                    f.latch(R::STP_003, zero);
                }
            }
            Told::Stand { at, turned } => {
                let by = |from: Int, to: Int| if to < from { Int::from(u32::MAX) } else { to - from };
                let moved = motion.map_or(0, |motion| by(at, motion.travelled));
                let turned = motion.map_or(0, |motion| by(turned, motion.turned));
                let far = edges.above(Edge::standstill_window, moved, c.standstill_window.0.into());
                let round = edges.above(Edge::standstill_turn, turned, c.standstill_turn.0.into());
                if far || round {
                    f.latch(R::STP_004, zero);
                }
            }
        }
        // Where it has been since it was told to move, in an unbroken run of steps that ends with the last one.
        let still = self
            .told_of()
            .last()
            .and_then(|last| last.at)
            .map_or(0, |here| self.lasting(now, c.still_for, |past| past.at == Some(here)));
        if edges.above(Edge::still_for, still, micros(c.still_for)) {
            f.deny(R::ODO_002, StopCategory::One);
        }
        let most = if self.told == Told::Move { self.fastest(1) } else { Int::from(c.yaw_rate_max.0) };
        let limit = most + (most * percent / 100).max(c.standstill_yaw.0.into());
        if self.told == Told::Move {
            edges.meet(Edge::yaw_deceleration, motion.map_or(Int::MAX, |motion| motion.yaw), limit);
        }
        let over_yaw = motion.map(|motion| limit < motion.yaw);
        if over_yaw == Some(true) {
            let lasting = self.lasting_known(now, c.overspeed_for, |past| past.over_yaw);
            if edges.at_least(Edge::overspeed_for, lasting, micros(c.overspeed_for)) {
                f.latch(R::SPD_005, zero);
            }
        }
        (over_speed, over_yaw)
    }

    /// What is to be counted on of the brakes: deceleration, and delay. What is known of them can only make them worse.
    fn brakes(&self, input: &Input<S, N>) -> (Int, Int) {
        let (a, delay) = (Int::from(self.config.deceleration.0), micros(self.config.actuation_delay));
        input
            .braking
            .map_or((a, delay), |known| (a.min(known.deceleration.0.into()), delay.max(micros(known.delay))))
    }

    /// The highest speed, or yaw rate, that the base may have, in whole units, rounded up.
    fn fastest(&self, which: usize) -> Int {
        (self.envelope[which] + 999_999) / 1_000_000
    }

    /// What the base is told in this step, to be held against it in the next.
    fn tell(
        &mut self,
        now: Int,
        motion: Option<Motion>,
        (a, delay): (Int, Int),
        standing: bool,
        stands: Stands,
        says: Says,
        granted: Twist,
    ) {
        let c = self.config;
        let fastest = self.fastest(0);
        // Collect for a third of the time until the brakes act, then anew; the last four count.
        let permitted =
            [granted.linear_mm_per_s, granted.angular_mrad_per_s].map(|rate| Int::from(rate).abs());
        let third = (micros(c.permit_ttl) + delay + micros(c.cycle_max)) / 3;
        match self.windows.last_mut() {
            Some((Some(began), highest)) if now - *began < third => {
                for which in 0..2 {
                    highest[which] = permitted[which].max(highest[which]);
                }
            }
            _ => self.windows.push((Some(now), permitted)),
        }
        let gone_by = self.past.last().map_or(0, |last| (now - last.now).max(0));
        for (which, braking) in [a, c.yaw_deceleration.0.into()].into_iter().enumerate() {
            let lately =
                self.windows.iter().rev().take(4).map(|(_, highest)| highest[which]).max().unwrap_or(0);
            self.envelope[which] =
                self.envelope[which].saturating_sub(gone_by.saturating_mul(braking)).max(lately * 1_000_000);
        }
        // Who has just booted, or stands and waits for a person, may be pushed about.
        let free =
            stands == Stands::Boot || (matches!(stands, Stands::Latched | Stands::Acknowledged) && standing);
        self.told = match self.told {
            _ if says == Says::Move => Told::Move,
            _ if free => Told::Nothing,
            Told::Stand { at, turned } => Told::Stand { at, turned },
            Told::Nothing | Told::Move | Told::Stop { .. } if standing => motion
                .map_or(Told::Nothing, |motion| Told::Stand { at: motion.travelled, turned: motion.turned }),
            Told::Stop { at, way } => Told::Stop { at, way },
            Told::Nothing | Told::Move => {
                let way = motion.map(|motion| {
                    let speed = motion.speed.max(fastest).max(c.standstill.0.into());
                    let predicted = way_to_stop(speed, delay + micros(c.cycle_max), a);
                    let allowed = predicted * Int::from(c.stop_distance_percent) / 100;
                    let farthest = Int::from(u32::MAX);
                    (motion.travelled, allowed.clamp(c.standstill_window.0.into(), farthest))
                });
                Told::Stop { at: now, way }
            }
        };
    }

    /// The record of the last decision was refused.
    pub(crate) fn refused(&mut self) -> Answer {
        self.latch_afterwards(R::LOG_001, 0)
    }

    /// Permits were taken back while the last step ran.
    pub(crate) fn revoked(&mut self, answer: Answer, (before, after): (u32, u32)) -> Answer {
        if after == u32::MAX {
            self.latch_afterwards(R::REV_001, answer.fired)
        } else if answer.says == Says::Move && before < after {
            let category = if self.keep_power == 0 { StopCategory::One } else { StopCategory::Two };
            let fired = answer.fired | 1 << R::REV_001 as u32;
            let says = Says::Stop(category);
            Answer { says, primary: R::REV_001, fired, twist: Twist::ZERO, speed_limit: 0, ..answer }
        } else {
            answer
        }
    }

    fn latch_afterwards(&mut self, rule: R, fired: u64) -> Answer {
        let category = if self.keep_power == 0 { StopCategory::Zero } else { StopCategory::Two };
        if let Some(last) = self.past.last_mut() {
            let already = last.stands == Stands::Latched;
            self.latch_category = if already { self.latch_category.min(category) } else { category };
            last.stands = Stands::Latched;
        }
        let fired = fired | 1 << rule as u32;
        let says = Says::Stop(category);
        Answer { says, primary: rule, fired, twist: Twist::ZERO, speed_limit: 0, stands: Stands::Latched }
    }
}

impl Thing {
    /// Something seen at a distance, or nothing; `turned` is the odometer's angle when it was seen first, if not now.
    fn seen(distance: Option<Int>, motion: Option<Motion>, turned: Option<Int>) -> Self {
        match (distance, motion) {
            (None, _) => Self::default(),
            (Some(distance), Some(motion)) => Self {
                there: true,
                touch: motion.travelled + distance,
                travelled: motion.travelled,
                turned: turned.unwrap_or(motion.turned),
            },
            // Nobody knows how far the robot goes from here: as if touched at boot.
            (Some(_), None) => Self { there: true, touch: 0, travelled: 0, turned: 0 },
        }
    }

    /// The distance that is left; `None` when nothing is there.
    fn left(&self, motion: Option<Motion>) -> Option<Int> {
        self.there.then(|| match motion {
            Some(motion) if self.travelled <= motion.travelled => (self.touch - motion.travelled).max(0),
            Some(_) | None => 0,
        })
    }
}
