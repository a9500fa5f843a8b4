//! A second opinion, written another way: what an armed interlock must decide on one input.

use proptest::prelude::*;
use sheepdog_interlock::{
    Confidence, Config, Input, Interlock, RobotTime, StopCategory, Verdict, rules::OBS_002, rules::REL_001,
    rules::REL_002, rules::SSM_001,
};

use crate::common::{ARMED, armed, config, input};

#[derive(Debug, PartialEq)]
enum Opinion {
    Idle,
    Latch(StopCategory),
    Stop,
    /// The highest speed that may be granted.
    Move(f64),
}

fn age_us(now: RobotTime, taken: RobotTime) -> i128 {
    i128::from(now.as_micros()) - i128::from(taken.as_micros())
}

/// Usable age in seconds.
fn usable(config: &Config, now: RobotTime, taken: RobotTime) -> Option<f64> {
    let age = age_us(now, taken);
    let usable = -i128::from(config.clock_skew.as_micros()) <= age
        && age <= i128::from(config.sample_age_max.as_micros());
    usable.then(|| f64::from(i32::try_from(age.max(0)).unwrap()) / 1e6)
}

/// The highest speed that stops within a distance, by bisection on the formula for the distance.
fn speed_within(config: &Config, distance_mm: f64, age_s: f64) -> f64 {
    let reaction = age_s
        + f64::from(
            u32::try_from(config.permit_ttl.as_micros() + config.actuation_delay.as_micros()).unwrap(),
        ) / 1e6;
    let (mut low, mut high) = (0.0, 1e7);
    for _ in 0..100 {
        let speed = f64::midpoint(low, high);
        let needed = speed * reaction + speed * speed / (2.0 * f64::from(config.deceleration.0));
        if needed <= distance_mm { low = speed } else { high = speed }
    }
    low
}

fn opinion<const SENSORS: usize, const SECTORS: usize>(
    config: &Config,
    input: &Input<SENSORS, SECTORS>,
) -> Opinion {
    let now = input.now;
    if input.emergency_button {
        return Opinion::Latch(StopCategory::Zero);
    }
    if let Some(stop) = input.stop {
        return Opinion::Latch(stop.category);
    }
    let twist = input.request.twist;
    if twist.linear_mm_per_s == 0 && twist.angular_mrad_per_s == 0 {
        return Opinion::Idle;
    }
    let drives = twist.linear_mm_per_s != 0;
    let named: Vec<usize> = (0..SECTORS).filter(|sector| input.request.sectors >> sector & 1 == 1).collect();
    let swept = if !drives || named.is_empty() { (0..SECTORS).collect() } else { named };
    let mut lowest = Confidence::FULL;
    for sector in swept {
        let mut says: Vec<Confidence> = Vec::new();
        for sensor in input.sensors.iter().flatten() {
            if sensor.healthy && usable(config, now, sensor.taken).is_some() {
                says.extend(sensor.confidence[sector]);
            }
        }
        lowest = lowest.min(says.into_iter().max().unwrap_or(Confidence::NONE));
    }
    let beat_age = input.beat.map(|beat| age_us(now, beat));
    let supervised = beat_age.is_some_and(|age| (-5_000..=200_000).contains(&age));
    let localised = input.map.filter(|map| map.inside && map.site == input.site);
    let Some(map_age) = localised.and_then(|map| usable(config, now, map.taken)) else {
        return Opinion::Stop;
    };
    if lowest.ppm() < 925_000 || !supervised {
        return Opinion::Stop;
    }
    let Some(release) = input.release.filter(|release| release.site == input.site) else {
        return Opinion::Stop;
    };
    let mut limit = 1_000.0_f64;
    if lowest.ppm() < 960_000 {
        limit = limit.min(400.0);
    }
    if drives {
        let Some(free) = input.free_travel else { return Opinion::Stop };
        let Some(age) = usable(config, now, free.taken) else { return Opinion::Stop };
        if free.value.0 <= 200 {
            return Opinion::Stop;
        }
        limit = limit.min(speed_within(config, f64::from(free.value.0) - 200.0, age));
        limit = limit.min(speed_within(config, f64::from(release.remaining.0), map_age));
        if input.side_clearance.is_none_or(|clearance| clearance.0 < 100) {
            limit = limit.min(300.0);
        }
    }
    Opinion::Move(limit)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8_000, ..ProptestConfig::default() })]

    /// The interlock and the oracle agree; it never grants more speed, and at most 2 mm/s less.
    #[test]
    fn an_armed_interlock_decides_as_the_oracle(input in input::<2, 4>((ARMED + 100) * 1_000)) {
        let mut interlock: Interlock<2, 4> = armed();
        let decision = interlock.step(&input);
        let twist = input.request.twist;
        let asked = f64::from(twist.linear_mm_per_s).abs();
        match opinion(&config(), &input) {
            Opinion::Idle => prop_assert_eq!(decision.verdict, Verdict::Idle),
            Opinion::Latch(category) => {
                let Verdict::Stop { category: decided, .. } = decision.verdict else { panic!("{decision:?}") };
                prop_assert!(decided <= category && interlock.state().needs_person());
            }
            Opinion::Stop => prop_assert!(matches!(decision.verdict, Verdict::Stop { .. }), "{decision:?}"),
            Opinion::Move(limit) => {
                let granted = f64::from(decision.twist.linear_mm_per_s).abs();
                if decision.verdict == Verdict::Move {
                    prop_assert!(granted <= limit + 1e-6, "{granted} > {limit}: {decision:?}");
                    // Nothing needlessly slow: unless the yaw rate asks for it.
                    let by_yaw = 1_500.0 / f64::from(twist.angular_mrad_per_s).abs().max(1e-9);
                    let fair = asked.min(limit - 2.0).min(asked * by_yaw - 1.0);
                    prop_assert!(fair <= granted, "{fair} > {granted}: {decision:?}");
                } else {
                    // Only what rounds to standing still may be refused.
                    prop_assert!(limit < 2.0, "{decision:?}");
                    prop_assert!([SSM_001, REL_001, REL_002].contains(&decision.primary));
                }
                prop_assert!(!decision.rules.contains(OBS_002) || limit <= 400.0);
            }
        }
    }
}
