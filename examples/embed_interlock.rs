//! The interlock in a controller of your own: ranges in, bounded twist out, no fleet.
//!
//! Run with `cargo run --release --example embed_interlock`.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ranges are small and positive")]
#![expect(clippy::wildcard_imports, reason = "everything here is about the interlock")]

use std::error::Error;

use sheepdog::driver::{Beam, arc};
use sheepdog::interlock::*;

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
    let mut robot = Guarded::new(Interlock::<1, 8>::new(sheepdog::scenario::interlock_config()?), Wheels);
    let mut records = Ring::<1024>::new();
    let (site, radius_m, sight_m) = (SiteVersion([0; 32]), 0.3, 8.0);
    // 2. Twenty looks a second: a free view first, then somebody 0.2 m ahead, seen with full confidence.
    for tick in 0..40_u64 {
        let now = RobotTime::from_micros(1_000_000 + 50_000 * tick);
        let ahead_m = if tick < 30 { sight_m } else { radius_m + 0.2 };
        let beam = |step: u32| Beam {
            angle_rad: f64::from(step) * 0.1,
            range_m: if step == 0 { ahead_m } else { sight_m },
            confidence: Confidence::FULL,
        };
        let beams: Vec<Beam> = (0..63).map(beam).collect();
        // 3. From beams to what the interlock asks: confidence by sector, free travel along the path.
        let motion = arc::Motion { linear_mps: 0.8, angular_rps: 0.0 };
        let confidence = arc::sector_confidence(&beams);
        let free_m = arc::free_travel(motion, radius_m, &arc::obstacles(&beams, sight_m), sight_m);
        let mut input = Input::unknown(now, site);
        input.request.twist = Twist { linear_mm_per_s: 800, angular_mrad_per_s: 0 };
        input.request.sectors = arc::swept_sectors(motion, 0.5);
        input.sensors = [Some(SensorReading { taken: now, confidence, healthy: true })];
        input.free_travel = Some(Reading { taken: now, value: Mm((free_m * 1e3) as u32) });
        input.side_clearance = Some(Mm(1_000));
        input.speed = Some(MmPerS(if tick < 30 { 0 } else { 300 }));
        input.release = Some(ReleaseLimit { epoch: Epoch(1), remaining: Mm(5_000), site });
        input.map = Some(MapEvidence { inside: true, site, taken: now });
        input.beat = Some(now);
        // 4. The verdict names its rule; only `Move` has driven the wheels.
        let decision = robot.step(&input, &mut records);
        println!("{now}: {:?}, limit {}", decision.evidence, decision.speed_limit);
    }
    Ok(())
}
