//! Robots on the roadmaps of the public maps: who fits touches no wall, and who holds disjoint claims touches nobody.
#![cfg(all(feature = "rmf", feature = "opentcs", feature = "ros"))]
#![expect(clippy::expect_used, reason = "fixtures of tests")]

mod data;

use std::collections::BTreeMap;

use nalgebra::{Isometry2, Point2, Vector2};
use sheepdog_core::{LaneId, LevelId, Mm, ResourceId, WaypointId};
use sheepdog_map::{
    ClassClaims, CompileOptions, CompiledSite, FootprintClass, Resource, geometry::Footprint,
};

const MARGIN: Mm = Mm(120);
const ROBOTS: usize = 150;

/// Every map of the shared data with its name; none when the data are not here.
fn sites() -> Vec<(&'static str, sheepdog_map::Site)> {
    let read = |name: &'static str| {
        let (site, _) = data::result(name, &data::bytes(name)?).expect("an importable map");
        Some((name, site))
    };
    data::ALL.into_iter().filter_map(read).collect()
}

/// Numbers without a pattern, the same ones in every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(limit).expect("a count")).expect("a count")
    }

    /// A multiple of 1/1000 from 0 to 1, both included often enough.
    fn share(&mut self) -> f64 {
        f64::from(u32::try_from(self.below(1_001)).expect("small")) / 1e3
    }
}

/// A robot somewhere on the roadmap, where its controller believes it is.
struct Robot<'a> {
    footprint: &'a Footprint,
    level: LevelId,
    pose: Isometry2<f64>,
    held: &'a [ResourceId],
}

/// A robot on a lane, facing along it, or turning on a waypoint; `None` where it does not fit.
fn somewhere<'a>(
    site: &'a CompiledSite,
    claims: &'a ClassClaims,
    footprint: &'a Footprint,
    dice: &mut Dice,
) -> Option<Robot<'a>> {
    let id = LaneId(u32::try_from(dice.below(site.lanes().len())).expect("small"));
    let lane = site.lane(id).expect("a lane");
    let [from, to] = [lane.from, lane.to].map(|end| site.waypoint(end).expect("a waypoint"));
    if !claims.usable(id) || lane.ride.is_some() {
        return None;
    }
    let turns = dice.below(4) == 0 && claims.may_stop(lane.to);
    if turns {
        let pose = Isometry2::new(to.at.coords, dice.share() * std::f64::consts::TAU);
        return Some(Robot { footprint, level: to.level, pose, held: claims.at(lane.to) });
    }
    let at = from.at + (to.at - from.at) * dice.share();
    let pose = Isometry2::new(at.coords, heading(to.at - from.at, dice.below(2) == 0));
    Some(Robot { footprint, level: from.level, pose, held: claims.along(id) })
}

#[expect(clippy::disallowed_methods, reason = "a pose for a test")]
fn heading(way: Vector2<f64>, backwards: bool) -> f64 {
    let turned = if backwards { std::f64::consts::PI } else { 0.0 };
    way.y.atan2(way.x) + turned
}

/// The outline of a robot that is as far from where it believes to be as is declared.
fn outline(robot: &Robot<'_>, dice: &mut Dice) -> (Vec<Point2<f64>>, f64) {
    let error = Isometry2::rotation(dice.share() * std::f64::consts::TAU) * Vector2::x();
    let at = robot.pose.translation.vector + error * (f64::from(MARGIN.0) / 1e3);
    let pose = Isometry2::from_parts(at.into(), robot.pose.rotation);
    match robot.footprint {
        Footprint::Circle(disc) => (vec![Point2::from(at)], disc.radius_m()),
        Footprint::Convex(outline) | Footprint::Polygon(outline) => {
            (outline.corners().iter().map(|corner| pose * corner).collect(), 0.0)
        }
    }
}

/// Distance between two convex outlines that are each grown by a radius: the plain way, over all sides.
fn apart_m((a, a_m): &(Vec<Point2<f64>>, f64), (b, b_m): &(Vec<Point2<f64>>, f64)) -> f64 {
    let sides = |ring: &[Point2<f64>]| -> Vec<(Point2<f64>, Point2<f64>)> {
        ring.iter().copied().zip(ring.iter().copied().cycle().skip(1)).collect()
    };
    let left_of = |(p, q): &(Point2<f64>, Point2<f64>), r: &Point2<f64>| (q - p).perp(&(r - p));
    let inside = |ring: &[Point2<f64>], p: &Point2<f64>| {
        2 < ring.len() && sides(ring).iter().all(|side| 0.0 <= left_of(side, p))
    };
    let to_side = |p: &Point2<f64>, (q, r): &(Point2<f64>, Point2<f64>)| {
        let along = r - q;
        let share = ((p - q).dot(&along) / along.norm_squared().max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        (p - (q + along * share)).norm()
    };
    let crosses = sides(a).iter().any(|s| {
        sides(b)
            .iter()
            .any(|t| left_of(s, &t.0) * left_of(s, &t.1) < 0.0 && left_of(t, &s.0) * left_of(t, &s.1) < 0.0)
    });
    if crosses || a.iter().any(|p| inside(b, p)) || b.iter().any(|p| inside(a, p)) {
        return -a_m - b_m;
    }
    let there = a.iter().flat_map(|p| sides(b).into_iter().map(move |side| to_side(p, &side)));
    let back = b.iter().flat_map(|p| sides(a).into_iter().map(move |side| to_side(p, &side)));
    there.chain(back).fold(f64::INFINITY, f64::min) - a_m - b_m
}

fn cart(half_length_m: f64, half_width_m: f64) -> Footprint {
    let corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
    let corner = |(x, y): (f64, f64)| Point2::new(x * half_length_m, y * half_width_m);
    Footprint::convex(corners.map(corner).to_vec()).expect("a rectangle")
}

#[test]
fn robots_on_real_maps_touch_neither_walls_nor_each_other() {
    let footprints = [Footprint::circle(0.2).expect("a disc"), cart(0.45, 0.25), cart(0.6, 0.35)];
    let mut options = CompileOptions::new(Vec::new());
    options.classes = footprints.iter().map(|shape| FootprintClass::of("robot", shape, MARGIN)).collect();
    let mut met = [0_usize; 2];
    for (name, site) in sites() {
        let site = site.compile(&options).expect("a map that compiles");
        if site.lanes().is_empty() {
            continue;
        }
        let mut dice = Dice(2_026);
        let mut robots = Vec::new();
        for (claims, footprint) in site.classes().iter().zip(&footprints) {
            robots.extend((0..ROBOTS).filter_map(|_| somewhere(&site, claims, footprint, &mut dice)));
        }
        let outlines: Vec<_> = robots.iter().map(|robot| outline(robot, &mut dice)).collect();
        for (index, robot) in robots.iter().enumerate() {
            let geometry = &site.level(robot.level).expect("a level").geometry;
            assert!(
                geometry.footprint_free(robot.footprint, &robot.pose),
                "{name}: {:?} at {} touches a wall",
                robot.footprint,
                robot.pose
            );
            for (other, other_outline) in robots.iter().zip(&outlines).skip(index + 1) {
                if other.level != robot.level {
                    continue;
                }
                let shares = robot.held.iter().any(|id| other.held.contains(id));
                let apart_m = apart_m(&outlines[index], other_outline);
                assert!(shares || 0.0 <= apart_m, "{name}: {} and {} by {apart_m}", robot.pose, other.pose);
                met[usize::from(shares)] += 1;
            }
        }
    }
    // Both kinds of pairs occur, or nothing was tried.
    assert!(met == [0, 0] || met.iter().all(|pairs| 1_000 < *pairs), "{met:?}");
}

/// Lanes whose swept ground stays more than 0.3 m apart share neither a place nor an overlap.
#[test]
fn lanes_far_from_each_other_share_nothing_geometric() {
    let class = FootprintClass::of("robot", &cart(0.6, 0.35), MARGIN);
    let (disc_m, strip_m) =
        (0.12 + f64::from(class.radius.0) / 1e3, 0.12 + f64::from(class.half_width.0) / 1e3);
    for (name, site) in sites() {
        let site = site.compile(&CompileOptions::new(vec![class.clone()])).expect("a map that compiles");
        let claims = &site.classes()[0];
        let end = |id: WaypointId| site.waypoint(id).expect("a waypoint");
        let ground = |id: LaneId| {
            let lane = site.lane(id).expect("a lane");
            let (a, b) = (end(lane.from), end(lane.to));
            (a.level, vec![a.at, b.at])
        };
        let mut holders: BTreeMap<ResourceId, Vec<LaneId>> = BTreeMap::new();
        for (id, _) in (0..).map(LaneId).zip(site.lanes()).filter(|(_, lane)| lane.ride.is_none()) {
            let geometric = claims
                .along(id)
                .iter()
                .filter(|id| matches!(site.resource(**id), Some(Resource::Place(_) | Resource::Overlap(..))));
            geometric.for_each(|resource| holders.entry(*resource).or_default().push(id));
        }
        for lanes in holders.into_values() {
            for (index, first) in lanes.iter().enumerate() {
                for second in lanes.iter().skip(index + 1) {
                    let ((level, a), (other_level, b)) = (ground(*first), ground(*second));
                    let discs = a.iter().flat_map(|p| b.iter().map(move |q| (p - q).norm() - 2.0 * disc_m));
                    let mixed = [(&a, &b), (&b, &a)].into_iter().flat_map(|(ends, strip)| {
                        let strip = (strip.clone(), strip_m);
                        ends.iter().map(move |p| apart_m(&(vec![*p], disc_m), &strip))
                    });
                    let strips = apart_m(&(a.clone(), strip_m), &(b.clone(), strip_m));
                    let apart_m = discs.chain(mixed).fold(strips, f64::min);
                    assert!(
                        level == other_level && apart_m <= 0.3,
                        "{name}: {first} and {second}: {apart_m}"
                    );
                }
            }
        }
    }
}
