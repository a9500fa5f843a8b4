//! The threshold, exhaustively: every sector, every combination of what each sensor says about it.

use sheepdog_interlock::{Input, Interlock, Mm, SectorReading, Twist, Verdict, rules::OBS_001};

use crate::common::{ARMED, CRUISE, armed, at, good, look, ppm};

const LEVELS: [Option<u32>; 4] = [None, Some(924_999), Some(925_000), Some(1_000_000)];

/// What a sensor can be: silent, or with one of [`LEVELS`] and healthy or fresh or not.
#[derive(Clone, Copy)]
enum Sensor {
    Silent,
    Sick,
    Stale,
    Says(Option<u32>),
}

const SENSORS_ARE: [Sensor; 7] = [
    Sensor::Silent,
    Sensor::Sick,
    Sensor::Stale,
    Sensor::Says(LEVELS[0]),
    Sensor::Says(LEVELS[1]),
    Sensor::Says(LEVELS[2]),
    Sensor::Says(LEVELS[3]),
];

/// One case: a good input, of which each sensor was changed, and the best that one says about the sector.
fn case<const SENSORS: usize, const SECTORS: usize>(
    sector: usize,
    number: usize,
) -> (Input<SENSORS, SECTORS>, Option<u32>) {
    let mut input: Input<SENSORS, SECTORS> = good(ARMED + 50, CRUISE);
    let mut best = None;
    for sensor in 0..SENSORS {
        let digit = number / SENSORS_ARE.len().pow(u32::try_from(sensor).unwrap()) % SENSORS_ARE.len();
        let reading = input.sensors[sensor].as_mut().unwrap();
        match SENSORS_ARE[digit] {
            Sensor::Silent => input.sensors[sensor] = None,
            Sensor::Sick => reading.healthy = false,
            Sensor::Stale => reading.taken = at(ARMED - 51),
            Sensor::Says(level) => {
                let says = |level| SectorReading { confidence: ppm(level), obstacle: Mm::MAX };
                reading.sectors[sector] = level.map(says);
                best = best.max(level);
            }
        }
    }
    (input, best)
}

fn steps<const SENSORS: usize, const SECTORS: usize>() -> u32 {
    let armed: Interlock<SENSORS, SECTORS> = armed();
    let mut cases = 0;
    for sector in 0..SECTORS {
        for number in 0..SENSORS_ARE.len().pow(u32::try_from(SENSORS).unwrap()) {
            let (mut input, best) = case(sector, number);
            // The sector and the one ahead, all by an empty mask or one without the one ahead, and (for a robot that turns
            // on the spot) all again.
            let without_ahead = (1 << sector) & !1;
            for (mask, linear) in
                [(1 << sector | 1, CRUISE), (0, CRUISE), (without_ahead, CRUISE), (1 << sector, 0)]
            {
                let mut interlock = armed.clone();
                input.request.sectors = mask;
                input.request.twist = Twist { linear_mm_per_s: linear, angular_mrad_per_s: 100 };
                let decision = interlock.step(&input);
                let moves = decision.verdict == Verdict::Move;
                assert_eq!(moves, best >= Some(925_000), "{best:?} in sector {sector}: {decision:?}");
                // Whom nobody watches has no confidence either.
                assert_eq!(decision.rules.contains(OBS_001), best < Some(925_000));
                cases += 1;
            }
            // A motion that does not sweep the sector does not care, as long as the others are watched.
            let watched =
                input.sensors.iter().flatten().any(|sensor| sensor.healthy && sensor.taken == input.now);
            if 1 < SECTORS && watched {
                let mut interlock = armed.clone();
                let (mask, linear) = if sector == 0 { (1 << (SECTORS / 2), -CRUISE) } else { (1, CRUISE) };
                input.request.sectors = mask;
                input.request.twist.linear_mm_per_s = linear;
                assert_eq!(interlock.step(&input).verdict, Verdict::Move);
                cases += 1;
            }
        }
    }
    cases
}

#[test]
fn one_ppm_below_the_threshold_denies_and_at_it_permits() {
    let cases = [
        steps::<1, 1>(),
        steps::<1, 8>(),
        steps::<1, 16>(),
        steps::<2, 1>(),
        steps::<2, 8>(),
        steps::<2, 16>(),
        steps::<3, 1>(),
        steps::<3, 8>(),
        steps::<3, 16>(),
        steps::<4, 1>(),
        steps::<4, 8>(),
        steps::<4, 16>(),
    ];
    assert!(200_000 < cases.iter().sum::<u32>(), "{cases:?}");
}

#[test]
fn every_confidence_is_on_the_right_side_of_the_threshold() {
    let armed: Interlock<1, 1> = armed();
    for value in (0..=1_000_000_u32).filter(|value| value % 997 == 0 || value.abs_diff(925_000) < 2_000) {
        let mut interlock = armed.clone();
        let mut input = good(ARMED + 50, CRUISE);
        look(&mut input, 0, value, u32::MAX);
        assert_eq!(interlock.step(&input).verdict == Verdict::Move, 925_000 <= value, "{value} ppm");
    }
}

#[test]
fn thirty_two_sectors_are_all_watched() {
    for sector in 0..32 {
        let mut interlock: Interlock<1, 32> = armed();
        let mut input = good(ARMED + 50, CRUISE);
        look(&mut input, sector, 924_999, u32::MAX);
        input.request.sectors = 0;
        assert_eq!(interlock.step(&input).primary, OBS_001, "sector {sector}");
    }
}
