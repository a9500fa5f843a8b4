//! What makes a network drivable by many: places to wait, ways side by side, and the names of one-lane corridors.

use crate::geometry::{Point, point_to_segment, segment_to_segment, segments_meet};

use super::{
    SurveyOptions, SurveyReport,
    draw::{DETOUR_MAX, Level},
    network::{Kind, Role},
};

use nalgebra::Vector2;

/// How far from a door a place to wait may be, metres.
const HOLDING_MAX_M: f64 = 3.0;
/// No second place to wait is looked for this close to another one, metres.
const HOLDING_APART_M: f64 = 2.5;
/// Directions in which places to wait are looked for.
const DIRECTIONS: u32 = 24;
/// Ways shorter than this are not doubled, metres.
const PASSING_MIN_M: f64 = 2.4;
/// How far two robots beside each other stay apart beyond their envelopes, metres.
const BESIDE_M: f64 = 0.02;
/// What a corridor is wider than two robots where they pass each other, metres.
const PASSING_PLAY_M: f64 = 0.4;
/// Narrow ways shorter than this need no name, metres: a door or a bend.
const CORRIDOR_MIN_M: f64 = 1.0;
/// How far to either side the width of a way is looked at, metres.
const WIDTH_REACH_M: f64 = 5.0;

pub(super) fn finish(level: &mut Level<'_>, options: &SurveyOptions, report: &mut SurveyReport) {
    if options.passing {
        report.passing += passing(level, options);
    }
    if options.holding {
        holding(level, options);
    }
    report.corridors += corridors(level, options);
}

/// Width in which two robots pass each other.
fn passing_width_m(options: &SurveyOptions) -> f64 {
    let play_m = 4.0 * options.radius_m() + PASSING_PLAY_M;
    play_m.max(2.0 * options.reach_m() + BESIDE_M + 2.0 * options.plan_m())
}

/// Least width across a way, with doors shut.
fn width_m(level: &Level<'_>, a: Point, b: Point) -> f64 {
    level.ground.shut.corridor_width(a, b, WIDTH_REACH_M).map_or(0.0, |width| width.width_m)
}

/// A place to wait near every door and lift that has none, where nobody is in the way of anybody.
fn holding(level: &mut Level<'_>, options: &SurveyOptions) {
    let gates: Vec<(u32, Point)> = level
        .network
        .nodes()
        .filter(|(_, node)| matches!(node.role, Role::Door { .. } | Role::Front { .. }))
        .filter(|(id, _)| 1 < level.network.degree(*id))
        .map(|(id, node)| (id, node.at))
        .collect();
    let mut quiet: Vec<Point> = Vec::new();
    for (id, node) in level.network.nodes() {
        let rests = matches!(node.role, Role::Place(_) | Role::Known(_)) && 0 < level.network.degree(id);
        if rests && level.ground.may_stand(node.at) && is_quiet(level, node.at, Some(id), options) {
            quiet.push(node.at);
        }
    }
    for (gate, at) in gates {
        let piece = level.ground.piece_of(at);
        let near =
            |p: &Point, within_m: f64| level.ground.piece_of(*p) == piece && (p - at).norm() < within_m;
        let plain = level.ground.plan.component(at).and_then(|piece| level.pieces.get(piece as usize));
        let within_m =
            if plain.is_some_and(|piece| piece.is_plain) { f64::INFINITY } else { HOLDING_APART_M };
        if quiet.iter().any(|p| near(p, within_m)) {
            continue;
        }
        let Some((base, place)) = place_to_wait(level, gate, options) else { continue };
        let id = level.network.add(place, Role::Holding);
        level.network.link(base, id, Kind::Holding);
        quiet.push(place);
    }
}

/// How far from a link a robot stands that is not in the way of who drives there. Waypoints are written in whole
/// millimetres.
fn apart_m(options: &SurveyOptions) -> f64 {
    2.0 * options.reach_m() + 0.002
}

/// Whether a robot at a point holds up nobody: no link comes near but those of the node that is there.
fn is_quiet(level: &Level<'_>, at: Point, node: Option<u32>, options: &SurveyOptions) -> bool {
    let apart_m = apart_m(options);
    level.network.links().all(|(a, b, _)| {
        Some(a) == node
            || Some(b) == node
            || apart_m <= point_to_segment(at, level.network.at(a), level.network.at(b))
    })
}

/// The nearest place where a robot holds up nobody, and the node that it gets there from: the gate or one next to it.
fn place_to_wait(level: &Level<'_>, gate: u32, options: &SurveyOptions) -> Option<(u32, Point)> {
    const STEP_M: f64 = 0.2;
    /// Coming from the gate itself is worse by this much: who waits there drives in front of the door.
    const FROM_GATE_M: f64 = 0.5;
    let at = level.network.at(gate);
    let piece = level.ground.piece_of(at);
    let ways = level
        .network
        .links()
        .filter(|(a, b, link)| (*a == gate || *b == gate) && matches!(link.kind, Kind::Way | Kind::Track));
    let mut bases: Vec<u32> = ways.map(|(a, b, _)| if a == gate { b } else { a }).collect();
    bases.push(gate);
    let mut found: Vec<(f64, u32, Point)> = Vec::new();
    for base in bases {
        let from = level.network.at(base);
        if HOLDING_MAX_M < (from - at).norm() {
            continue;
        }
        for direction in 0..DIRECTIONS {
            let angle_rad = std::f64::consts::TAU * f64::from(direction) / f64::from(DIRECTIONS);
            let unit = Vector2::new(libm::cos(angle_rad), libm::sin(angle_rad));
            let steps = (1..).map(|n| f64::from(n) * STEP_M).take_while(|away_m| *away_m <= HOLDING_MAX_M);
            let places = steps
                .map(|away_m| (away_m, from + unit * away_m))
                .filter(|(_, p)| (p - at).norm() <= HOLDING_MAX_M);
            let is_good = |p: &Point| {
                level.ground.plan.contains(*p)
                    && level.ground.piece_of(*p) == piece
                    && is_quiet(level, *p, None, options)
                    && level.ground.may_stand(*p)
                    && level.ground.fits(from, *p)
            };
            // The nearest in a direction is as good as any behind it.
            if let Some((away_m, p)) = places.into_iter().find(|(_, p)| is_good(p)) {
                let worse_m = if base == gate { FROM_GATE_M } else { 0.0 };
                found.push((away_m + (p - at).norm() + worse_m, base, p));
            }
        }
    }
    found.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
    let crosses = |base: u32, p: Point| {
        level.network.links().any(|(a, b, _)| {
            a != base
                && b != base
                && segments_meet(level.network.at(base), p, level.network.at(a), level.network.at(b))
        })
    };
    let holding = || level.network.nodes().filter(|(_, node)| node.role == Role::Holding);
    let disturbs = |base: u32, p: Point| {
        let from = level.network.at(base);
        holding().any(|(_, node)| point_to_segment(node.at, from, p) < apart_m(options))
    };
    let good = |(_, base, p): &(f64, u32, Point)| !crosses(*base, *p) && !disturbs(*base, *p);
    found.into_iter().find(good).map(|(_, base, p)| (base, p))
}

/// Puts two ways side by side in place of one where there is room; returns how many.
fn passing(level: &mut Level<'_>, options: &SurveyOptions) -> usize {
    let needed_m = passing_width_m(options);
    let mut doubled = 0;
    let mut tracks: Vec<(Point, Point)> = Vec::new();
    for (a, b) in level.network.ways() {
        let (p, q) = (level.network.at(a), level.network.at(b));
        let length_m = (q - p).norm();
        let piece = level.ground.plan.component(p).and_then(|piece| level.pieces.get(piece as usize));
        if length_m < PASSING_MIN_M
            || piece.is_none_or(|piece| piece.is_plain)
            || width_m(level, p, q) < needed_m
        {
            continue;
        }
        let Some(sides) = beside(level, (a, b), &tracks, options) else { continue };
        level.network.unlink(a, b);
        for [from, to] in sides {
            tracks.push((from, to));
            let [first, last] = [from, to].map(|at| level.network.add(at, Role::Track));
            level.network.link(a, first, Kind::Track);
            level.network.link(first, last, Kind::Track);
            level.network.link(last, b, Kind::Track);
        }
        doubled += 1;
    }
    doubled
}

/// Begin and end of the two ways beside a link; `None` where they do not fit or come too close to another way.
fn beside(
    level: &Level<'_>,
    (a, b): (u32, u32),
    tracks: &[(Point, Point)],
    options: &SurveyOptions,
) -> Option<[[Point; 2]; 2]> {
    let (p, q) = (level.network.at(a), level.network.at(b));
    let length_m = (q - p).norm();
    let along = (q - p) / length_m;
    let aside_m = options.reach_m() + BESIDE_M / 2.0;
    let slanted = |taper_m: f64| 2.0 * ((taper_m * taper_m + aside_m * aside_m).sqrt() - taper_m);
    let tapers = [1.0, 1.5, 2.0, 3.0].into_iter().map(|times| times * aside_m);
    let taper_m = tapers
        .filter(|taper_m| 2.0 * taper_m + 2.0 * aside_m <= length_m)
        .find(|taper_m| slanted(*taper_m) <= (DETOUR_MAX - 1.0) * length_m)?;
    let across = Vector2::new(-along.y, along.x) * aside_m;
    let sides = [across, -across].map(|aside| [p + along * taper_m + aside, q - along * taper_m + aside]);
    let is_free = |[from, to]: &[Point; 2]| {
        let ground = &level.ground;
        let fits = ground.fits(p, *from) && ground.fits(*from, *to) && ground.fits(*to, q);
        let meets = |c: Point, d: Point| segments_meet(*from, *to, c, d);
        let meets_link = level.network.links().any(|(c, d, _)| {
            (c, d) != (a.min(b), a.max(b)) && meets(level.network.at(c), level.network.at(d))
        });
        let near_track =
            tracks.iter().any(|(c, d)| segment_to_segment(*from, *to, *c, *d) < 2.0 * options.reach_m());
        fits && !meets_link && !near_track && ground.may_stand(from + (to - from) / 2.0)
    };
    sides.iter().all(is_free).then_some(sides)
}

/// Numbers the chains of ways in which two robots cannot pass each other; returns how many there are.
fn corridors(level: &mut Level<'_>, options: &SurveyOptions) -> usize {
    let needed_m = passing_width_m(options);
    let is_narrow = |a: u32, b: u32| width_m(level, level.network.at(a), level.network.at(b)) < needed_m;
    let narrow: Vec<(u32, u32)> =
        level.network.ways().into_iter().filter(|(a, b)| is_narrow(*a, *b)).collect();
    let mut chain_of: Vec<usize> = (0..narrow.len()).collect();
    for (index, &(a, b)) in narrow.iter().enumerate() {
        for (other, &(c, d)) in narrow.iter().enumerate().skip(index + 1) {
            let shared = [a, b].into_iter().find(|end| *end == c || *end == d);
            let is_bend = |id: u32| {
                level.network.degree(id) == 2
                    && level.network.node(id).is_some_and(|node| node.role == Role::Junction)
            };
            if shared.is_some_and(is_bend)
                && let (Some(&from), Some(&to)) = (chain_of.get(other), chain_of.get(index))
            {
                chain_of.iter_mut().filter(|chain| **chain == from).for_each(|chain| *chain = to);
            }
        }
    }
    let mut names = 0;
    for chain in 0..narrow.len() {
        let links = || narrow.iter().zip(&chain_of).filter(|(_, of)| **of == chain).map(|(link, _)| *link);
        let length_m: f64 = links().map(|(a, b)| level.network.length_m(a, b)).sum();
        if length_m < CORRIDOR_MIN_M {
            continue;
        }
        for (a, b) in links() {
            if let Some(link) = level.network.link_mut(a, b) {
                link.corridor = Some(names);
            }
        }
        names += 1;
    }
    names
}
