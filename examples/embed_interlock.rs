//! The interlock in a controller of your own: ranges in, bounded twist out, no fleet.
//!
//! Run with `cargo run --release --example embed_interlock`.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]
#![expect(clippy::wildcard_imports, reason = "everything here is about the interlock")]

use std::error::Error;

use sheepdog::interlock::{beams::*, packs::map::*, packs::*, *};

/// Your motor controller. All it ever sees is a twist that lapses by itself.
struct Wheels;

impl Base for Wheels {
    fn drive(&mut self, command: Bounded<'_>) {
        println!("  wheels: {} mm/s until {}", command.twist().linear_mm_per_s, command.until());
    }
    fn halt(&mut self, category: StopCategory) {
        println!("  wheels: halt, {category}");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // 1. The interlock owns the wheels; nothing else can reach them. Records go to a ring; full means stop.
    let config = Config::SIMULATED.validate()?;
    let interlock = Interlock::<1, 8>::new(config, config.digest(), Restart::First);
    let mut robot = Guarded::new(interlock, Wheels, BootNonce(1));
    let mut records = Ring::<1024>::new();
    let mut map = Map::new(MapSettings::SIMULATED)?;
    let (site, radius, sight) = (SiteVersion([0; 32]), Mm(300), Mm(8_000));
    let twist = Twist { linear_mm_per_s: 800, angular_mrad_per_s: 0 };
    // 2. Where the scanner's beams point is known once and for all: here one into each of the eight sectors.
    let diagonal = 23_170;
    let units = [
        (UNIT, 0),
        (diagonal, diagonal),
        (0, UNIT),
        (-diagonal, diagonal),
        (-UNIT, 0),
        (-diagonal, -diagonal),
        (0, -UNIT),
        (diagonal, -diagonal),
    ];
    let directions: Vec<Direction> = units
        .iter()
        .zip(0_u8..)
        .filter_map(|(&(cos, sin), sector)| Direction::new(cos, sin, sector))
        .collect();
    // 3. Twenty looks a second: a free view first, then somebody 0.2 m ahead, seen with full confidence.
    let mut travelled = 0;
    for tick in 0..40_u64 {
        let now = RobotTime::from_micros(1_000_000 + 50_000 * tick);
        let moving = (12..30).contains(&tick);
        let ahead = if tick < 30 { sight } else { Mm(500) };
        let beam = |(index, direction): (usize, &Direction)| Beam {
            direction: *direction,
            half_spacing: 12_868,
            range: Some(if index == 0 { ahead } else { sight }),
            confidence: Confidence::FULL,
            is_wall: false,
        };
        let beams: Vec<Beam> = directions.iter().enumerate().map(beam).collect();
        // 4. From beams to what the interlock asks: confidence by sector, free travel along the path.
        let seen = reduce::<8>(
            &beams,
            sight,
            Sweep { twist, radius, reach: Mm(700), wall_credit: Mm(0), half_gap: 13_000 },
        );
        travelled += if moving { 20 } else { 0 };
        let place = Fix {
            site,
            area: Area::Inside,
            error: Mm(20),
            x_mm: 0,
            y_mm: 0,
            travelled: Mm(travelled),
            zone_limit: None,
        };
        let fix = Some(Reading { taken: now, value: place });
        let mut input = Input::unknown(now, site);
        input.request =
            Request { twist, sectors: swept_sectors::<8>(twist, Micros::from_secs(1)), issued: now };
        input.sensors = [Some(SensorReading {
            taken: now,
            seq: tick,
            digest: seen.digest ^ tick,
            healthy: true,
            invalid: seen.invalid,
            residual: None,
            sectors: seen.sectors,
        })];
        input.free_travel = Some(Reading { taken: now, value: seen.free_travel });
        input.side_clearance = Some(seen.side_clearance);
        let odometry = Odometry {
            speed: MmPerS(if moving { 400 } else { 0 }),
            yaw_rate: MradPerS(0),
            travelled: Mm(travelled),
            turned_mrad: 0,
        };
        input.odometry = Some(Reading { taken: now, value: odometry });
        input.release = Some(ReleaseLimit { epoch: Epoch(1), remaining: Mm(5_000), taken: now, site });
        input.beat = Some(now);
        input.set_pack(PackSlot::MAP, map.rule(now, &MapEvidence { expected: site, fix }));
        input.self_test = SelfTest::Passed;
        (input.emergency_button, input.bumper) = (Some(false), Some(false));
        // 5. The verdict names its rule; only `Move` has driven the wheels.
        let decision = robot.step(&input, &mut records);
        println!("{now}: {:?}, limit {}", decision.evidence, decision.speed_limit);
    }
    Ok(())
}
