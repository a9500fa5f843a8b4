//! Inputs and generators that the tests share. Settings are those of simulated robots, nowhere copied.

use proptest::prelude::*;
use sheepdog_interlock::{
    ActorId, Braking, Confidence, Config, ConfigDigest, Epoch, Evidence, Input, Interlock, Micros, Mm,
    MmPerS, MmPerS2, MradPerS, Odometry, Ppm, Reading, Relation, ReleaseLimit, Request, Reset, ResetStep,
    Restart, RobotTime, RuleId, SectorReading, SelfTest, SensorReading, SiteVersion, State, StopCategory,
    StopCommand, StopGeneration, Twist, ValidConfig,
    packs::{PACKS, PackSlot, PackVerdict, Ruling},
};

pub(crate) const SITE: SiteVersion = SiteVersion([7; 32]);

/// When [`armed`] has made its last step, in milliseconds.
pub(crate) const ARMED: u64 = 12_000;

/// The speed that [`armed`] asks for: above the slow band's limit, below the robot's.
pub(crate) const CRUISE: i32 = 600;

pub(crate) fn ppm(ppm: u32) -> Confidence {
    Confidence::from_ppm(ppm).unwrap()
}

pub(crate) fn at(millis: u64) -> RobotTime {
    at_micros(millis * 1_000)
}

pub(crate) fn at_micros(micros: u64) -> RobotTime {
    RobotTime::from_micros(micros)
}

pub(crate) fn earlier(time: RobotTime, micros: u64) -> RobotTime {
    at_micros(time.as_micros().saturating_sub(micros))
}

pub(crate) fn simulated() -> ValidConfig {
    Config::SIMULATED.validate().unwrap()
}

pub(crate) fn ahead(linear: i32) -> Twist {
    Twist { linear_mm_per_s: linear, angular_mrad_per_s: 0 }
}

pub(crate) fn odometry(now: RobotTime, speed: u32, travelled: u32) -> Reading<Odometry> {
    let (speed, travelled) = (MmPerS(speed), Mm(travelled));
    // A robot that drives turns a little now and then, so its odometer is not frozen.
    let turned_mrad = u32::try_from(now.as_micros() / 1_000_000).unwrap_or(u32::MAX);
    Reading { taken: now, value: Odometry { speed, yaw_rate: MradPerS(0), travelled, turned_mrad } }
}

/// The same input from a robot that moves like this.
pub(crate) fn moving<const SENSORS: usize, const SECTORS: usize>(
    input: Input<SENSORS, SECTORS>,
    speed: u32,
    travelled: u32,
) -> Input<SENSORS, SECTORS> {
    Input { odometry: Some(odometry(input.now, speed, travelled)), ..input }
}

/// A frame that sees nothing anywhere, with full confidence.
pub(crate) fn frame<const SECTORS: usize>(now: RobotTime) -> SensorReading<SECTORS> {
    SensorReading {
        taken: now,
        seq: now.as_micros(),
        digest: now.as_micros(),
        healthy: true,
        invalid: Ppm::ZERO,
        residual: None,
        sectors: [Some(SectorReading { confidence: Confidence::FULL, obstacle: Mm::MAX }); SECTORS],
    }
}

/// Everything good at `now`, asked to drive ahead at `linear` through sector 0.
pub(crate) fn good_at<const SENSORS: usize, const SECTORS: usize>(
    now: RobotTime,
    linear: i32,
) -> Input<SENSORS, SECTORS> {
    let mut packs = [None; PACKS];
    packs[PackSlot::MAP.index()] = Some(PackVerdict::new(now, Ruling::Allow));
    Input {
        request: Request { twist: ahead(linear), sectors: 1, issued: now },
        sensors: [Some(frame(now)); SENSORS],
        free_travel: Some(Reading { taken: now, value: Mm(10_000) }),
        side_clearance: Some(Mm(1_000)),
        odometry: Some(odometry(now, 0, 0)),
        release: Some(ReleaseLimit { epoch: Epoch(1), remaining: Mm(10_000), taken: now, site: SITE }),
        beat: Some(now),
        packs,
        self_test: SelfTest::Passed,
        emergency_button: Some(false),
        bumper: Some(false),
        ..Input::unknown(now, SITE)
    }
}

/// [`good_at`] an instant in milliseconds.
pub(crate) fn good<const SENSORS: usize, const SECTORS: usize>(
    millis: u64,
    linear: i32,
) -> Input<SENSORS, SECTORS> {
    good_at(at(millis), linear)
}

/// An interlock that has just booted for the first time, with approved settings.
#[expect(clippy::large_types_passed_by_value, reason = "settings are written where they are used")]
pub(crate) fn booted<const SENSORS: usize, const SECTORS: usize>(
    config: Config,
) -> Interlock<SENSORS, SECTORS> {
    let config = config.validate().unwrap();
    Interlock::new(config, config.digest(), Restart::First)
}

/// An interlock under these settings that is ready to move, stepped at 10 Hz until [`ARMED`].
#[expect(clippy::large_types_passed_by_value, reason = "settings are written where they are used")]
pub(crate) fn armed_with<const SENSORS: usize, const SECTORS: usize>(
    config: Config,
) -> Interlock<SENSORS, SECTORS> {
    let mut interlock = booted(config);
    for millis in (ARMED - 2_000..=ARMED).step_by(100) {
        interlock.step(&good(millis, CRUISE));
    }
    assert_eq!(interlock.state(), State::Ready);
    interlock
}

/// [`armed_with`] the settings of simulated robots.
pub(crate) fn armed<const SENSORS: usize, const SECTORS: usize>() -> Interlock<SENSORS, SECTORS> {
    armed_with(Config::SIMULATED)
}

/// An interlock latched by the stop of a generation at [`ARMED`] + 100.
pub(crate) fn latched<const SENSORS: usize, const SECTORS: usize>(
    generation: u32,
) -> Interlock<SENSORS, SECTORS> {
    let mut interlock = armed();
    let stop = Some(stop(generation, StopCategory::One));
    interlock.step(&Input { stop, ..good(ARMED + 100, CRUISE) });
    assert!(matches!(interlock.state(), State::Latched { .. }));
    interlock
}

pub(crate) fn stop(generation: u32, category: StopCategory) -> StopCommand {
    StopCommand { generation: StopGeneration(generation), category }
}

pub(crate) fn reset(generation: u32, step: ResetStep) -> Reset {
    Reset { generation: StopGeneration(generation), step, actor: ActorId(5) }
}

/// Evidence of a pack that holds when `measured` is above 10.
pub(crate) const fn because(measured: i64) -> Evidence {
    Evidence { rule: RuleId::new("XYZ-001"), measured, relation: Relation::Above, limit: 10 }
}

/// Changes every sensor's reading.
pub(crate) fn every_sensor<const SENSORS: usize, const SECTORS: usize>(
    input: &mut Input<SENSORS, SECTORS>,
    change: impl Fn(&mut SensorReading<SECTORS>),
) {
    input.sensors.iter_mut().flatten().for_each(change);
}

/// Sets what every sensor says about one sector.
pub(crate) fn look<const SENSORS: usize, const SECTORS: usize>(
    input: &mut Input<SENSORS, SECTORS>,
    sector: usize,
    confidence: u32,
    obstacle: u32,
) {
    let says = SectorReading { confidence: ppm(confidence), obstacle: Mm(obstacle) };
    every_sensor(input, |sensor| sensor.sectors[sector] = Some(says));
}

/// Another digest than that of any settings.
pub(crate) const UNAPPROVED: ConfigDigest = ConfigDigest([0; 32]);

fn confidence() -> impl Strategy<Value = Confidence> {
    let ties =
        proptest::sample::select(vec![924_999, 925_000, 949_999, 950_000, 959_999, 960_000, 1_000_000]);
    prop_oneof![8 => ties, 1 => 0_u32..=1_000_000].prop_map(ppm)
}

fn distance() -> impl Strategy<Value = Mm> {
    let ties = proptest::sample::select(vec![0, 149, 150, 200, 201, 1_500, 1_501, u32::MAX]);
    prop_oneof![3 => 0_u32..3_000, 2 => ties, 2 => Just(10_000), 1 => any::<u32>()].prop_map(Mm)
}

/// Instants around `now`: usually a little earlier, sometimes at a limit, sometimes anywhere.
fn stamp(now: u64) -> impl Strategy<Value = RobotTime> {
    let around = move |offset: i64| at_micros(now.saturating_add_signed(offset));
    let ties = vec![-500_001, -500_000, -200_001, -200_000, -100_001, -100_000, 0, 5_000, 5_001];
    prop_oneof![
        12 => (-90_000_i64..=0).prop_map(around),
        2 => proptest::sample::select(ties).prop_map(around),
        1 => any::<u64>().prop_map(at_micros),
    ]
}

fn category() -> impl Strategy<Value = StopCategory> {
    proptest::sample::select(vec![StopCategory::Zero, StopCategory::One, StopCategory::Two])
}

/// Evidence that nearly always holds.
fn evidence() -> impl Strategy<Value = Evidence> {
    prop_oneof![9 => Just(11), 1 => Just(10)].prop_map(because)
}

fn sector() -> impl Strategy<Value = Option<SectorReading>> {
    let obstacle = prop_oneof![3 => Just(Mm::MAX), 2 => distance()];
    let says =
        (confidence(), obstacle).prop_map(|(confidence, obstacle)| SectorReading { confidence, obstacle });
    proptest::option::weighted(0.95, says)
}

fn sensor<const SECTORS: usize>(now: u64) -> impl Strategy<Value = Option<SensorReading<SECTORS>>> {
    let sectors = proptest::collection::vec(sector(), SECTORS);
    let share = proptest::sample::select(vec![0, 0, 0, 0, 200_000, 200_001, 1_000_000]);
    let residual = proptest::sample::select(vec![None, None, None, Some(0), Some(50), Some(51)]);
    let same = proptest::bool::weighted(0.05);
    let parts = (stamp(now), sectors, proptest::bool::weighted(0.97), share, residual, same);
    let reading = parts.prop_map(move |(taken, sectors, healthy, invalid, residual, same)| SensorReading {
        taken,
        seq: if same { 0 } else { now },
        digest: if same { 0 } else { now },
        healthy,
        invalid: Ppm::new(invalid).unwrap(),
        residual: residual.map(Mm),
        sectors: sectors.try_into().unwrap(),
    });
    proptest::option::weighted(0.95, reading)
}

fn request(now: u64) -> impl Strategy<Value = Request> {
    let speed = || prop_oneof![3 => -1_500_i32..=1_500, 2 => Just(0), 1 => Just(i32::MIN), 1 => Just(i32::MAX), 1 => any::<i32>()];
    (speed(), speed(), prop_oneof![Just(0), Just(1), Just(0b1110), any::<u32>()], stamp(now)).prop_map(
        |(linear, angular, sectors, issued)| Request {
            twist: Twist { linear_mm_per_s: linear, angular_mrad_per_s: angular },
            sectors,
            issued,
        },
    )
}

fn odometry_of_all_kinds(now: u64) -> impl Strategy<Value = Option<Reading<Odometry>>> {
    let speed = prop_oneof![4 => Just(0), 1 => Just(20), 1 => Just(21), 1 => 0_u32..700, 1 => any::<u32>()];
    let rate =
        prop_oneof![6 => Just(0), 1 => Just(100), 1 => Just(-101), 1 => Just(1_601), 1 => any::<i32>()];
    let travelled = prop_oneof![6 => 0_u32..30, 1 => 0_u32..5_000, 1 => any::<u32>()];
    let taken = prop_oneof![6 => Just(RobotTime::from_micros(now)), 1 => stamp(now)];
    let odometry = (speed, rate, travelled, prop_oneof![4 => Just(0), 1 => any::<u32>()], taken);
    proptest::option::weighted(
        0.97,
        odometry.prop_map(|(speed, yaw_rate, travelled, turned_mrad, taken)| Reading {
            taken,
            value: Odometry {
                speed: MmPerS(speed),
                yaw_rate: MradPerS(yaw_rate),
                travelled: Mm(travelled),
                turned_mrad,
            },
        }),
    )
}

fn braking() -> impl Strategy<Value = Option<Braking>> {
    let deceleration = proptest::sample::select(vec![0, 1, 400, 799, 800, 801, u32::MAX]);
    let delay = proptest::sample::select(vec![0, 49_999, 50_000, 50_001, 200_000, u64::MAX]);
    proptest::option::weighted(
        0.1,
        (deceleration, delay).prop_map(|(deceleration, delay)| Braking {
            deceleration: MmPerS2(deceleration),
            delay: Micros::new(delay),
        }),
    )
}

fn pack(now: u64) -> impl Strategy<Value = PackVerdict> {
    let ruling = prop_oneof![
        12 => Just(Ruling::Allow),
        1 => (0_u32..1_200, evidence()).prop_map(|(speed, evidence)| Ruling::Limit { speed: MmPerS(speed), evidence }),
        1 => (category(), evidence()).prop_map(|(category, evidence)| Ruling::Stop { category, evidence }),
        1 => (category(), evidence()).prop_map(|(category, evidence)| Ruling::Latch { category, evidence }),
    ];
    (stamp(now), ruling, proptest::bool::weighted(0.1)).prop_map(|(taken, ruling, keep_power)| PackVerdict {
        taken,
        ruling,
        keep_power,
    })
}

fn packs(now: u64) -> impl Strategy<Value = [Option<PackVerdict>; PACKS]> {
    let map = proptest::option::weighted(0.97, pack(now));
    let other = proptest::option::weighted(0.2, (1..PACKS, pack(now)));
    (map, other).prop_map(|(map, other)| {
        let mut packs = [None; PACKS];
        packs[PackSlot::MAP.index()] = map;
        if let Some((slot, verdict)) = other {
            packs[slot] = Some(verdict);
        }
        packs
    })
}

/// Inputs around an instant in microseconds: mostly plausible, with ties, limits and nonsense mixed in.
pub(crate) fn input<const SENSORS: usize, const SECTORS: usize>(
    now: u64,
) -> impl Strategy<Value = Input<SENSORS, SECTORS>> {
    let site = || prop_oneof![19 => Just(SITE), 1 => Just(SiteVersion([8; 32]))];
    let sensors = proptest::collection::vec(sensor::<SECTORS>(now), SENSORS);
    let free = (stamp(now), distance()).prop_map(|(taken, value)| Reading { taken, value });
    let release = (distance(), stamp(now), site()).prop_map(|(remaining, taken, site)| ReleaseLimit {
        epoch: Epoch(1),
        remaining,
        taken,
        site,
    });
    let stop = (0_u32..4, category()).prop_map(|(generation, category)| stop(generation, category));
    let step = proptest::sample::select(vec![ResetStep::Acknowledge, ResetStep::Start]);
    let reset = (0_u32..4, step).prop_map(|(generation, step)| reset(generation, step));
    let test = proptest::sample::select(
        [vec![SelfTest::Passed; 30], vec![SelfTest::NotRun, SelfTest::Failed]].concat(),
    );
    let contact = || proptest::sample::select([vec![Some(false); 60], vec![Some(true), None]].concat());
    let motion = (request(now), odometry_of_all_kinds(now), braking());
    let seen =
        (sensors, proptest::option::weighted(0.97, free), proptest::option::weighted(0.95, distance()));
    let told = (
        proptest::option::weighted(0.95, release),
        proptest::option::weighted(0.98, stamp(now)),
        packs(now),
        test,
        (contact(), contact(), proptest::bool::weighted(0.1)),
        proptest::option::weighted(0.05, stop),
        proptest::option::weighted(0.2, reset),
    );
    (motion, seen, told).prop_map(
        move |(
            (request, odometry, braking),
            (sensors, free_travel, side_clearance),
            (release, beat, packs, self_test, (emergency_button, bumper, reset_button), stop, reset),
        )| Input {
            now: at_micros(now),
            request,
            sensors: sensors.try_into().unwrap(),
            free_travel,
            side_clearance,
            odometry,
            braking,
            release,
            site: SITE,
            beat,
            packs,
            self_test,
            emergency_button,
            bumper,
            reset_button,
            stop,
            reset,
        },
    )
}

/// [`input`] with a command that is surely in time and good otherwise more often than not.
pub(crate) fn plausible<const SENSORS: usize, const SECTORS: usize>(
    now: u64,
) -> impl Strategy<Value = Input<SENSORS, SECTORS>> {
    input::<SENSORS, SECTORS>(now).prop_flat_map(move |wild| {
        let twist = (0_i32..1_200, proptest::sample::select(vec![0, 0, 300, -1_600]));
        (0_u32..1 << 12, twist).prop_map(move |(keep, (linear, angular))| {
            let mut input = good_at(at_micros(now), linear);
            input.request.twist.angular_mrad_per_s = angular;
            input.request.sectors = wild.request.sectors;
            // Two of the twelve parts are wild on average.
            let is_wild = |bit: u32| keep >> bit & 1 == 1 && keep.count_ones() <= 4;
            if is_wild(0) {
                input.sensors = wild.sensors;
            }
            if is_wild(1) {
                input.free_travel = wild.free_travel;
            }
            if is_wild(2) {
                input.side_clearance = wild.side_clearance;
            }
            if is_wild(3) {
                input.odometry = wild.odometry;
            }
            if is_wild(4) {
                input.braking = wild.braking;
            }
            if is_wild(5) {
                input.release = wild.release;
            }
            if is_wild(6) {
                input.beat = wild.beat;
            }
            if is_wild(7) {
                input.packs = wild.packs;
            }
            if is_wild(8) {
                (input.emergency_button, input.bumper) = (wild.emergency_button, wild.bumper);
            }
            if is_wild(9) {
                (input.stop, input.reset, input.reset_button) = (wild.stop, wild.reset, wild.reset_button);
            }
            if is_wild(10) {
                input.self_test = wild.self_test;
            }
            if is_wild(11) {
                input.request = wild.request;
            }
            input
        })
    })
}

/// A run of inputs at 10 Hz, starting at [`ARMED`] + 100.
pub(crate) fn inputs<const SENSORS: usize, const SECTORS: usize>(
    steps: usize,
) -> impl Strategy<Value = Vec<Input<SENSORS, SECTORS>>> {
    let first = (ARMED + 100) * 1_000;
    (0..u64::try_from(steps).unwrap())
        .map(|step| {
            let now = first + step * 100_000;
            prop_oneof![1 => input(now).boxed(), 2 => plausible(now).boxed()]
        })
        .collect::<Vec<_>>()
}
