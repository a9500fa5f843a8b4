//! Beams in integers against a plain reference in floats: the path in small steps until the footprint touches.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a reference in floats, of numbers in range"
)]

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use proptest::prelude::*;
use sheepdog_interlock::{
    Confidence, Micros, Mm, Ppm, Twist,
    beams::{
        BEAM_DISC_MAX, BEAMS_MAX, Beam, CLEARANCE_MAX, Direction, SIGHT_MAX, Surroundings, Sweep, UNIT,
        reduce, swept_sectors,
    },
};

use crate::common::ppm;

const RADIUS: u32 = 300;
const SIGHT: Mm = Mm(20_000);

/// By how much rounding may make an obstacle larger.
const GROWTH: f64 = 4.0;

fn unit(value: f64) -> i32 {
    (value * f64::from(UNIT)).round() as i32
}

#[expect(clippy::disallowed_methods, reason = "a reference for tests")]
fn sin_cos(angle: f64) -> (f64, f64) {
    angle.sin_cos()
}

#[expect(clippy::disallowed_methods, reason = "a reference for tests")]
fn hypot(x: f64, y: f64) -> f64 {
    x.hypot(y)
}

#[expect(clippy::disallowed_methods, reason = "a reference for tests")]
fn bearing(y: f64, x: f64) -> f64 {
    y.atan2(x)
}

fn sector_of(angle: f64, sectors: usize) -> usize {
    let width = TAU / sectors as f64;
    ((angle / width).round() as i64).rem_euclid(sectors as i64) as usize
}

fn beam_of(angle: f64, range: Option<u32>, spacing: f64) -> Beam {
    let (sin, cos) = sin_cos(angle);
    let sector = u8::try_from(sector_of(angle, 8)).unwrap();
    Beam {
        direction: Direction::new(unit(cos), unit(sin), sector).unwrap(),
        half_spacing: u16::try_from(unit(spacing / 2.0)).unwrap_or(u16::MAX),
        range: range.map(Mm),
        confidence: Confidence::FULL,
        is_wall: false,
    }
}

fn sweep(linear: i32, angular: i32) -> Sweep {
    Sweep {
        twist: Twist { linear_mm_per_s: linear, angular_mrad_per_s: angular },
        radius: Mm(RADIUS),
        reach: Mm(1_000),
        wall_credit: Mm(0),
        half_gap: u16::MAX,
    }
}

fn seen(beams: &[Beam], sweep: Sweep) -> Surroundings<8> {
    reduce::<8>(beams, SIGHT, sweep)
}

/// What a beam stands for: a disc.
#[derive(Clone, Copy, Debug)]
struct Disc {
    x: f64,
    y: f64,
    radius: f64,
}

fn disc(angle: f64, range: u32, spacing: f64) -> Disc {
    // Directions are given to the interlock in fixed point; the reference starts from the same numbers.
    let (sin, cos) = sin_cos(angle);
    let exact = |value: f64| f64::from(unit(value)) / f64::from(UNIT) * f64::from(range);
    let half = f64::from(unit(spacing / 2.0)) / f64::from(UNIT) * f64::from(range);
    Disc { x: exact(cos), y: exact(sin), radius: half.min(f64::from(BEAM_DISC_MAX.0)) }
}

/// Centre of the footprint after `way` millimetres, and its heading.
fn pose(twist: Twist, way: f64) -> (f64, f64, f64) {
    let (linear, angular) = (f64::from(twist.linear_mm_per_s), f64::from(twist.angular_mrad_per_s) / 1e3);
    let turned = angular * way / linear.abs();
    if turned.abs() < 1e-9 {
        return (way * linear.signum(), 0.0, 0.0);
    }
    let turn = linear / angular;
    let (sin, cos) = sin_cos(turned);
    (turn * sin, turn * (1.0 - cos), turned)
}

/// The plain reference: goes along in small steps until the footprint, grown by `growth`, touches. Infinite when it
/// does not within `limit`, or when it touches only behind from the start.
fn travel(twist: Twist, obstacle: Disc, growth: f64, limit: f64) -> f64 {
    let reach = f64::from(RADIUS) + obstacle.radius + growth;
    let gap = |way| {
        let (x, y, _) = pose(twist, way);
        hypot(obstacle.x - x, obstacle.y - y) - reach
    };
    let mut way = 0.0;
    while way < limit {
        let gap = gap(way);
        if gap <= 1e-3 {
            return way;
        }
        // The gap shrinks by at most what is travelled, so this never jumps over a contact.
        way += gap.max(1e-3);
    }
    f64::INFINITY
}

fn turning_radius(twist: Twist) -> f64 {
    if twist.angular_mrad_per_s == 0 {
        return f64::INFINITY;
    }
    f64::from(twist.linear_mm_per_s) * 1e3 / f64::from(twist.angular_mrad_per_s)
}

fn speeds() -> impl Strategy<Value = i32> {
    prop_oneof![100_i32..1_500, -1_500_i32..-100]
}

fn rates() -> impl Strategy<Value = i32> {
    prop_oneof![2 => Just(0), 6 => -1_500_i32..1_500, 1 => -5_i32..5]
}

fn somewhere() -> impl Strategy<Value = (f64, u32)> {
    (-PI..PI, 340_u32..4_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    /// The free travel never exceeds the exact one by more than 2 mm, on straight lines and on arcs, forwards and
    /// backwards.
    #[test]
    fn free_travel_is_never_too_long(
        linear in speeds(), angular in rates(), (angle, range) in somewhere(), spacing in 0.0_f64..0.05,
    ) {
        let sweep = sweep(linear, angular);
        let obstacle = disc(angle, range, spacing);
        // Whoever touches from the start: there the exact travel is a matter of taste.
        prop_assume!(hypot(obstacle.x, obstacle.y) > f64::from(RADIUS) + obstacle.radius + 1.0);
        let limit = (TAU * turning_radius(sweep.twist).abs() - 1.0).min(6_000.0);
        let exact = travel(sweep.twist, obstacle, 0.0, limit);
        let free = seen(&[beam_of(angle, Some(range), spacing)], sweep).free_travel;
        prop_assert!(f64::from(free.0) <= exact + 2.0, "{free}, exactly {exact}");
    }

    /// Nor where the footprint only just touches something beside its path, to the millimetre.
    #[test]
    fn grazing_is_touching(
        linear in speeds(), angular in rates(), way in 0.0_f64..2_000.0, graze in -3.0_f64..0.5, left in any::<bool>(),
        spacing in 0.0_f64..0.05,
    ) {
        let sweep = sweep(linear, angular);
        let turn = turning_radius(sweep.twist);
        let (x, y, heading) = pose(sweep.twist, way.min(turn.abs() * 5.0));
        let (sin, cos) = sin_cos(heading + if left { FRAC_PI_2 } else { -FRAC_PI_2 });
        let away = f64::from(RADIUS) + graze;
        let (x, y) = (x + away * cos, y + away * sin);
        let (angle, range) = (bearing(y, x), hypot(x, y).round() as u32);
        let obstacle = disc(angle, range, spacing);
        prop_assume!(hypot(obstacle.x, obstacle.y) > f64::from(RADIUS) + obstacle.radius + 1.0);
        let limit = (TAU * turn.abs() - 1.0).min(6_000.0);
        let exact = travel(sweep.twist, obstacle, 0.0, limit);
        let free = seen(&[beam_of(angle, Some(range), spacing)], sweep).free_travel;
        prop_assert!(f64::from(free.0) <= exact + 2.0, "{free}, exactly {exact}");
    }

    /// On straight lines it is at most 5 mm shorter than what the rounding of the obstacle asks for.
    #[test]
    fn free_travel_on_straight_lines_is_hardly_too_short(
        linear in speeds(), (angle, range) in somewhere(), spacing in 0.0_f64..0.05,
    ) {
        let sweep = sweep(linear, 0);
        let grown = travel(sweep.twist, disc(angle, range, spacing), GROWTH, 20_000.0);
        let free = f64::from(seen(&[beam_of(angle, Some(range), spacing)], sweep).free_travel.0);
        prop_assert!(grown.min(f64::from(SIGHT.0 - RADIUS)) - 5.0 <= free, "{free}, exactly {grown}");
    }

    /// On arcs it is at most 15 % and 20 mm shorter, for obstacles within a quarter turn.
    #[test]
    fn free_travel_on_arcs_is_not_much_too_short(
        linear in speeds(), angular in prop_oneof![10_i32..1_500, -1_500_i32..-10],
        share in 0.05_f64..1.0, side in -1.0_f64..1.0,
    ) {
        // An obstacle that the footprint meets: somewhere on its front after a share of the quarter turn.
        let sweep = sweep(linear, angular);
        let turn = turning_radius(sweep.twist).abs();
        let way = (share * FRAC_PI_2 * turn).min(4_000.0);
        let (x, y, heading) = pose(sweep.twist, way);
        let heading = heading + if linear < 0 { PI } else { 0.0 };
        let (sin, cos) = sin_cos(heading + side * FRAC_PI_2);
        let (x, y) = (x + f64::from(RADIUS) * cos, y + f64::from(RADIUS) * sin);
        let (angle, range) = (bearing(y, x), hypot(x, y) as u32);
        let ahead = turning_radius(sweep.twist) - y;
        let within_a_quarter = 0.0 < x * f64::from(linear.signum()) && 0.0 < ahead * turning_radius(sweep.twist);
        prop_assume!(340 < range && within_a_quarter);
        let grown = travel(sweep.twist, disc(angle, range, 0.0), GROWTH, 6_000.0);
        prop_assume!(grown.is_finite());
        let free = f64::from(seen(&[beam_of(angle, Some(range), 0.0)], sweep).free_travel.0);
        prop_assert!(grown * 0.85 - 20.0 <= free, "{free}, exactly {grown}, on a radius of {turn}");
    }

    /// Clearance beside the path is exact to 5 mm, and below rather than above.
    #[test]
    fn clearance_is_exact(
        linear in speeds(), angular in rates(), way in 0.0_f64..900.0, beside in 10.0_f64..900.0, left in any::<bool>(),
    ) {
        let sweep = sweep(linear, angular);
        let turn = turning_radius(sweep.twist);
        let away = f64::from(RADIUS) + beside;
        // Within a turn tighter than the distance, beside is beyond the centre; and within a quarter turn it is ahead.
        prop_assume!(away + 50.0 < turn.abs() && way < turn.abs() * FRAC_PI_2);
        let (x, y, heading) = pose(sweep.twist, way);
        let (sin, cos) = sin_cos(heading + if left { FRAC_PI_2 } else { -FRAC_PI_2 });
        let (x, y) = (x + away * cos, y + away * sin);
        let (angle, range) = (bearing(y, x), hypot(x, y).round() as u32);
        // The grid of millimetres and directions moves the obstacle a little along the path.
        prop_assume!(10.0 < x * f64::from(linear.signum()));
        let obstacle = disc(angle, range, 0.0);
        let exact = if turn.is_finite() {
            (hypot(obstacle.x, obstacle.y - turn) - turn.abs()).abs()
        } else {
            obstacle.y.abs()
        } - f64::from(RADIUS);
        let met = seen(&[beam_of(angle, Some(range), 0.0)], sweep);
        let clearance = f64::from(met.side_clearance.0);
        prop_assert!((exact - 5.0..=exact + 2.0).contains(&clearance), "{clearance}, exactly {exact}");
        prop_assert_eq!(met.free_travel, Mm(SIGHT.0 - RADIUS));
    }

    /// Mirrored worlds have mirrored answers, to a millimetre or two of rounding.
    #[test]
    fn left_and_right_are_alike(
        linear in speeds(), angular in rates(), (angle, range) in somewhere(), spacing in 0.0_f64..0.05,
    ) {
        let one = seen(&[beam_of(angle, Some(range), spacing)], sweep(linear, angular));
        let other = seen(&[beam_of(-angle, Some(range), spacing)], sweep(linear, -angular));
        prop_assert_eq!(one.free_travel, other.free_travel);
        prop_assert_eq!(one.side_clearance, other.side_clearance);
    }

    /// Forwards and backwards, too, once the world is turned round.
    #[test]
    fn forwards_and_backwards_are_alike(
        linear in 100_i32..1_500, angular in rates(), (angle, range) in somewhere(),
    ) {
        let one = seen(&[beam_of(angle, Some(range), 0.0)], sweep(linear, angular));
        // Backwards with the opposite yaw rate it goes round the same centre.
        let other = seen(&[beam_of(PI - angle, Some(range), 0.0)], sweep(-linear, -angular));
        prop_assert!(one.free_travel.0.abs_diff(other.free_travel.0) <= 3, "{:?} {:?}", one, other);
    }

    /// What the footprint will run into lies in a swept sector: gating those sectors is enough.
    #[test]
    fn what_is_hit_is_in_a_swept_sector(
        linear in speeds(), angular in rates(), millis in 1_u64..3_000, share in 0.0_f64..1.0, side in -1.0_f64..1.0,
    ) {
        let twist = Twist { linear_mm_per_s: linear, angular_mrad_per_s: angular };
        // A point on the front of the footprint somewhere along the way.
        let way = f64::from(linear.abs()) * millis as f64 / 1e3 * share;
        let (x, y, heading) = pose(twist, way);
        let (sin, cos) = sin_cos(heading + side * FRAC_PI_2 + if linear < 0 { PI } else { 0.0 });
        let (x, y) = (x + f64::from(RADIUS) * cos, y + f64::from(RADIUS) * sin);
        // Further round than once, the way comes back.
        prop_assume!(heading.abs() < PI && hypot(x, y) > f64::from(RADIUS) + 1.0);
        let (horizon, angle) = (Micros::from_millis(millis), bearing(y, x));
        for (mask, sectors) in [
            (swept_sectors::<4>(twist, horizon), 4),
            (swept_sectors::<8>(twist, horizon), 8),
            (swept_sectors::<16>(twist, horizon), 16),
        ] {
            let sector = sector_of(angle, sectors);
            prop_assert!(mask >> sector & 1 == 1, "sector {} of {} is not in {:b}", sector, sectors, mask);
            prop_assert_eq!(mask >> sectors, 0);
        }
    }

    /// More beams never give more travel, more clearance or more confidence.
    #[test]
    fn one_more_beam_never_helps(
        linear in speeds(), angular in rates(), places in proptest::collection::vec(somewhere(), 2..6), low in 0_u32..1_000_000,
    ) {
        let beams: Vec<Beam> = places.iter().map(|(angle, range)| {
            Beam { confidence: ppm(low), ..beam_of(*angle, Some(*range), 0.01) }
        }).collect();
        let (fewer, all) = (seen(&beams[1..], sweep(linear, angular)), seen(&beams, sweep(linear, angular)));
        prop_assert!(all.free_travel <= fewer.free_travel && all.side_clearance <= fewer.side_clearance);
        for (one, other) in all.sectors.iter().zip(fewer.sectors) {
            let (Some(one), Some(other)) = (one, other) else { continue };
            prop_assert!(one.confidence <= other.confidence && one.obstacle <= other.obstacle);
        }
    }

    /// Any numbers at all: no panic, and nothing beyond sight is free.
    #[test]
    fn nonsense_is_survived(
        linear in any::<i32>(), angular in any::<i32>(), radius in any::<u32>(), reach in any::<u32>(), credit in any::<u32>(),
        ranges in proptest::collection::vec(proptest::option::of(any::<u32>()), 0..8), sight in any::<u32>(),
        half_spacing in any::<u16>(), sector in any::<u8>(), span in any::<u64>(), is_wall in any::<bool>(),
    ) {
        let twist = Twist { linear_mm_per_s: linear, angular_mrad_per_s: angular };
        let sweep = Sweep { twist, radius: Mm(radius), reach: Mm(reach), wall_credit: Mm(credit), half_gap: u16::MAX };
        let beams: Vec<Beam> = ranges.into_iter().zip([(UNIT, 0), (0, UNIT), (-UNIT, 0), (0, -UNIT)].into_iter().cycle())
            .map(|(range, (cos, sin))| Beam {
                direction: Direction::new(cos, sin, sector).unwrap(),
                half_spacing, range: range.map(Mm), confidence: Confidence::FULL, is_wall,
            }).collect();
        let seen = reduce::<8>(&beams, Mm(sight), sweep);
        prop_assert!(seen.free_travel <= Mm(sight).min(SIGHT_MAX) && seen.side_clearance <= CLEARANCE_MAX);
        swept_sectors::<1>(twist, Micros::new(span));
        swept_sectors::<32>(twist, Micros::new(span));
    }
}

/// A ring of beams around the robot, each with the range of a function of its angle.
fn ring(beams: u32, range: impl Fn(f64) -> Option<u32>) -> Vec<Beam> {
    let spacing = TAU / f64::from(beams.max(1));
    (0..beams)
        .map(|index| f64::from(index) * spacing)
        .map(|angle| beam_of(angle, range(angle), spacing))
        .collect()
}

#[test]
fn a_doorway_of_ninety_centimetres_is_passable() {
    // Both jambs half of it away, seen by beams of one degree.
    let jambs = ring(360, |angle| {
        let across = 450.0 / sin_cos(angle).0.abs().max(1e-9);
        Some(across.min(20_000.0) as u32)
    });
    let seen = seen(&jambs, sweep(300, 0));
    assert_eq!(seen.free_travel, Mm(SIGHT.0 - RADIUS));
    assert!((120..=150).contains(&seen.side_clearance.0), "{:?}", seen.side_clearance);
}

#[test]
fn blind_beams_touch_in_their_direction() {
    let blind = |angle| seen(&[beam_of(angle, None, 0.01), beam_of(0.1, Some(9_000), 0.01)], sweep(500, 0));
    for angle in [0.0, 0.5, -1.5] {
        assert_eq!(blind(angle).free_travel, Mm(0), "{angle}");
    }
    for angle in [2.0, PI] {
        assert!(Mm(8_000) < blind(angle).free_travel, "{angle}");
    }
    let seen = blind(0.0);
    let ahead = seen.sectors[0].unwrap();
    assert_eq!((ahead.confidence, ahead.obstacle), (Confidence::NONE, Mm(0)));
    assert_eq!(seen.invalid, Ppm::new(500_000).unwrap());
    assert_eq!(super::beams::seen(&[beam_of(0.0, None, 0.0); 3], sweep(500, 0)).invalid, Ppm::ONE);
    assert_eq!(
        super::beams::seen(&ring(3, |angle| (angle < 1.0).then_some(2_000)), sweep(500, 0)).invalid.get(),
        666_667
    );
}

#[test]
fn no_beams_and_too_many_are_blindness() {
    for beams in [0, 1_081, 2_000] {
        let seen = seen(&ring(beams, |_| Some(5_000)), sweep(500, 0));
        assert_eq!(
            (seen.free_travel, seen.side_clearance, seen.invalid),
            (Mm(0), Mm(0), Ppm::ONE),
            "{beams}"
        );
        assert_eq!(seen.sectors, [None; 8]);
    }
    for beams in [1, 360, 1_080] {
        let seen = seen(&ring(beams, |_| Some(5_000)), sweep(500, 0));
        assert!((4_600..4_701).contains(&seen.free_travel.0), "{beams}: {}", seen.free_travel);
        assert_eq!((seen.invalid, seen.sectors[0].unwrap().obstacle), (Ppm::ZERO, Mm(4_700)));
        assert_eq!(seen.sectors.iter().flatten().count(), if beams == 1 { 1 } else { 8 });
    }
    assert_eq!(BEAMS_MAX, 1_080);
}

#[test]
fn what_is_at_the_end_of_sight_is_nothing() {
    let at = |range| seen(&[beam_of(0.0, Some(range), 0.0)], sweep(500, 0));
    assert_eq!((at(20_000).free_travel, at(20_000).sectors[0].unwrap().obstacle), (Mm(19_700), Mm::MAX));
    assert!(at(19_999).free_travel < Mm(19_700) && at(19_999).sectors[0].unwrap().obstacle == Mm(19_699));
    let beyond = reduce::<8>(&[beam_of(0.0, Some(70_000), 0.0)], Mm::MAX, sweep(500, 0));
    assert_eq!(beyond.free_travel, Mm(SIGHT_MAX.0 - RADIUS), "nobody believes more than that");
    assert_eq!(reduce::<8>(&ring(4, |_| Some(100)), Mm(100), sweep(500, 0)).free_travel, Mm(0));
}

/// A driver that leaves beams out, instead of saying that they have measured nothing, leaves a hole.
#[test]
fn where_beams_are_missing_the_scan_is_blind() {
    let degree = TAU / 360.0;
    let scan = |missing: u32| {
        let beams: Vec<Beam> = (0..360_u32)
            .filter(|degrees| missing <= *degrees && *degrees <= 360 - missing)
            .map(|degrees| {
                let is_edge = 1 < missing && (degrees == missing || degrees == 360 - missing);
                let spacing = if is_edge { f64::from(2 * missing) * degree } else { degree };
                beam_of(f64::from(degrees) * degree, Some(20_000), spacing)
            })
            .collect();
        let half_gap = u16::try_from(unit(degree * 2.0)).unwrap();
        seen(&beams, Sweep { half_gap, ..sweep(500, 0) })
    };
    let (whole, holed) = (scan(0), scan(22));
    assert_eq!((whole.sectors[0].unwrap().confidence, whole.free_travel), (Confidence::FULL, Mm(19_700)));
    let ahead = holed.sectors[0].unwrap();
    assert_eq!((ahead.confidence, ahead.obstacle, holed.free_travel), (Confidence::NONE, Mm(0), Mm(0)));
    assert!(Ppm::ZERO < holed.invalid);
    assert_eq!(scan(2).sectors[0].unwrap().confidence, Confidence::FULL, "a gap of four degrees is none yet");
    assert_eq!(scan(3).sectors[0].unwrap().confidence, Confidence::NONE);
}

#[test]
fn known_walls_may_come_closer_and_are_no_persons() {
    let wall = Beam { is_wall: true, ..beam_of(0.0, Some(1_000), 0.0) };
    let credited = |wall_credit| seen(&[wall], Sweep { wall_credit: Mm(wall_credit), ..sweep(500, 0) });
    let (none, some) = (credited(0), credited(150));
    assert_eq!(none.free_travel.0 + 150, some.free_travel.0);
    assert!((695..=700).contains(&none.free_travel.0));
    assert_eq!(some.sectors[0].unwrap().obstacle, Mm::MAX);
    // Nothing else may, and neither may a wall of which nothing was measured.
    let no_wall = |beam: Beam| seen(&[beam], Sweep { wall_credit: Mm(150), ..sweep(500, 0) }).free_travel;
    assert_eq!(no_wall(Beam { is_wall: false, ..wall }), none.free_travel);
    assert_eq!(no_wall(Beam { range: None, ..wall }), Mm::ZERO);
    // What measured nothing is no wall, whatever the map says.
    let blind = seen(&[Beam { range: None, ..wall }], sweep(500, 0)).sectors[0].unwrap();
    assert_eq!((blind.obstacle, blind.confidence), (Mm(0), Confidence::NONE));
    // Beside the path, a wall is clearance.
    let beside = Beam { is_wall: true, ..beam_of(1.0, Some(500), 0.0) };
    let seen = seen(&[beside], sweep(500, 0));
    assert!(seen.side_clearance < Mm(130) && seen.free_travel == Mm(19_700));
}

#[test]
fn turning_in_place_meets_nothing_and_asks_all_sectors() {
    let seen = seen(&ring(36, |_| Some(310)), sweep(0, 500));
    assert_eq!((seen.free_travel, seen.side_clearance), (Mm(19_700), CLEARANCE_MAX));
    let turn = Twist { linear_mm_per_s: 0, angular_mrad_per_s: 500 };
    assert_eq!(swept_sectors::<8>(turn, Micros::from_secs(1)), 0xff);
    assert_eq!(swept_sectors::<32>(turn, Micros::from_secs(1)), u32::MAX);
}

#[test]
fn forwards_sweeps_the_front_half_and_turning_sweeps_more() {
    let swept = |linear, angular, millis| {
        let twist = Twist { linear_mm_per_s: linear, angular_mrad_per_s: angular };
        swept_sectors::<8>(twist, Micros::from_millis(millis))
    };
    assert_eq!(swept(500, 0, 1_000), 0b1100_0111);
    assert_eq!(swept(-500, 0, 1_000), 0b0111_1100);
    assert_eq!(swept(500, 800, 1_000), 0b1100_1111);
    assert_eq!(swept(500, -800, 1_000), 0b1110_0111);
    assert_eq!(swept(500, 800, 10_000), 0xff);
    assert_eq!(swept(500, 800, u64::MAX), 0xff);
    // Sector 3 begins where the half plane ahead ends after a turn of an eighth of a half turn: 393 mrad.
    assert_eq!((swept(500, 393, 1_000), swept(500, 394, 1_000)), (0b1100_0111, 0b1100_1111));
}

/// A direction with exactly these coordinates, met at `range`.
fn exactly(cos: i32, sin: i32, range: u32) -> Beam {
    Beam { direction: Direction::new(cos, sin, 0).unwrap(), ..beam_of(0.0, Some(range), 0.0) }
}

#[test]
fn clearance_beside_an_arc_counts_up_to_its_limit_and_only_ahead() {
    // Round a centre 2 m to the left; one is added to the footprint for rounding.
    let clearance = |beam| seen(&[beam], sweep(1_000, 500)).side_clearance;
    let edge = RADIUS + 1 + CLEARANCE_MAX.0;
    // The root is taken to be one short.
    assert_eq!(clearance(exactly(0, UNIT, edge)), Mm(CLEARANCE_MAX.0 - 1), "inside the turn");
    assert_eq!(clearance(exactly(0, -UNIT, edge)), Mm(CLEARANCE_MAX.0 - 1), "outside of it");
    assert_eq!(clearance(exactly(0, UNIT, edge + 1)), CLEARANCE_MAX);
    assert_eq!(clearance(exactly(25, -UNIT, edge)), CLEARANCE_MAX, "a hair farther away than that");
    // Behind, beside, and beyond the part of the path that counts.
    assert_eq!(clearance(beam_of(-2.0, Some(700), 0.0)), CLEARANCE_MAX);
    assert!(clearance(beam_of(-1.0, Some(700), 0.0)) < Mm(400));
    let sweep = Sweep { reach: Mm(100), ..sweep(1_000, 500) };
    assert_eq!(seen(&[beam_of(-0.2, Some(1_500), 0.0)], sweep).side_clearance, CLEARANCE_MAX);
}

#[test]
fn what_stands_behind_on_a_circle_is_met_on_the_way_round() {
    let sweep = sweep(500, 500);
    for angle in [FRAC_PI_2, 2.0, 2.3] {
        // On the circle of 1 m, seen from its lowest point.
        let range = (2_000.0 * sin_cos(angle).0).round() as u32;
        let obstacle = disc(angle, range, 0.0);
        let exact = travel(sweep.twist, obstacle, 0.0, 7_000.0);
        let free = f64::from(seen(&[beam_of(angle, Some(range), 0.0)], sweep).free_travel.0);
        assert!((2_500.0..=exact + 2.0).contains(&free), "{free}, exactly {exact}, at {angle}");
    }
}

#[test]
fn a_turn_about_the_obstacle_itself_has_no_way_to_go() {
    let free = |y| seen(&[exactly(0, UNIT, y)], sweep(100, 500)).free_travel;
    assert_eq!(free(200), Mm::ZERO, "it stands at the centre of the turn, and within the footprint");
}

/// What is farther away than the nearest thing ahead still counts as clearance when it stands beside the path.
#[test]
fn something_ahead_does_not_hide_what_stands_beside() {
    let ahead = beam_of(0.0, Some(500), 0.0);
    let beside = beam_of(0.7, Some(700), 0.0);
    let alone = seen(&[beside], sweep(500, 0)).side_clearance;
    assert!(alone < Mm(200));
    assert_eq!(seen(&[ahead, beside], sweep(500, 0)).side_clearance, alone);
}

#[test]
fn returns_grow_with_their_spacing_up_to_a_limit() {
    // Just beside the path, only its disc makes it an obstacle.
    let blocked = |spacing: f64, beside: u32| {
        let (x, y) = (2_000.0, f64::from(RADIUS + beside));
        let beam = beam_of(bearing(y, x), Some(hypot(x, y).round() as u32), spacing);
        seen(&[beam], sweep(500, 0)).free_travel < Mm(3_000)
    };
    assert!(!blocked(0.0, 8) && blocked(0.02, 8) && blocked(0.02, 18) && !blocked(0.02, 28));
    assert!(blocked(0.9, 28) && !blocked(0.9, 38), "at most {BEAM_DISC_MAX}");
}

#[test]
fn only_unit_vectors_are_directions() {
    for (cos, sin) in [(0, 0), (UNIT, UNIT), (UNIT / 2, 0), (i32::MAX, i32::MIN)] {
        assert!(Direction::new(cos, sin, 0).is_none());
    }
    // One part in a thousand of length.
    assert!(Direction::new(UNIT - 32, 0, 3).is_some() && Direction::new(UNIT - 34, 0, 3).is_none());
    assert!(Direction::new(0, UNIT + 32, 3).is_some() && Direction::new(0, UNIT + 34, 3).is_none());
    assert_eq!(Direction::new(UNIT, 0, 5).unwrap().sector(), 5);
}

#[test]
fn the_digest_tells_scans_apart() {
    let digest = |beams: &[Beam]| seen(beams, sweep(500, 0)).digest;
    let beam = beam_of(0.0, Some(1_000), 0.0);
    let scans = [
        vec![beam],
        vec![beam, beam],
        vec![Beam { range: Some(Mm(1_001)), ..beam }],
        vec![Beam { range: None, ..beam }],
        vec![Beam { confidence: ppm(999_999), ..beam }],
        vec![beam, Beam { range: None, ..beam }],
        vec![Beam { range: None, ..beam }, beam],
    ];
    let mut digests: Vec<u64> = scans.iter().map(|beams| digest(beams)).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), scans.len());
    assert_eq!(digest(&scans[1]), digest(&scans[1]));
    // The same on every machine, for it is written down with each decision.
    assert_eq!(digest(&[beam, Beam { confidence: ppm(0x5_5555), ..beam }]), 0x7ec5_8d10_cce6_2fef);
}
