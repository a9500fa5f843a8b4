//! Walls with their thickness: pieces that meet become one line, so that corners are mitred.

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::{Point2, Vector2};

use crate::{
    geometry::point_to_segment,
    model::{Wall, WallKind},
};

use super::{
    Layer,
    legend::Sign,
    pen::{INK, Pen},
    text::Px,
};

/// How far a piece may be off the wall it was cut from, metres.
const PIECE_OFF_MAX_M: f64 = 1e-6;
/// Where more pieces meet than this, none are joined.
const MEETING_MAX: usize = 8;
pub(super) const GLASS_EDGE: &str = "#1c6ea4";
pub(super) const GLASS: &str = "#cdeaf8";

/// A line along the middle of walls of one kind and thickness.
type Piece = [Point2<f64>; 2];

impl Pen<'_> {
    pub(super) fn walls(&mut self) {
        let mut by_look: BTreeMap<(WallKind, String), (f64, Vec<Piece>)> = BTreeMap::new();
        for (kind, thickness_m, piece) in self.wall_pieces() {
            let hollow = kind != WallKind::Solid;
            let wide = self.page.at_least(thickness_m, if hollow { 2.6 } else { 1.2 });
            let entry = by_look.entry((kind, Px(wide).to_string())).or_insert_with(|| (wide, Vec::new()));
            entry.1.push(piece);
        }
        self.layer(Layer::Walls, " fill=\"none\" stroke-linecap=\"square\"", |pen| {
            // Solid walls last: where they meet others, they go through.
            for ((kind, _), (wide, pieces)) in by_look.iter().rev() {
                for [a, b] in pieces {
                    let (a, b) = (pen.px(*a), pen.px(*b));
                    pen.busy.add_line(a, b, *wide);
                }
                let track: String = joined(pieces)
                    .iter()
                    .map(|(line, closed)| pen.track(line.iter().copied(), *closed))
                    .collect();
                pen.wall(*kind, *wide, &track);
            }
        });
    }

    fn wall(&mut self, kind: WallKind, wide: f64, track: &str) {
        let rim = 0.7 * self.page.zoom;
        let (edge, core) = match kind {
            WallKind::Solid => (INK, None),
            WallKind::Glass => (GLASS_EDGE, Some(GLASS)),
            WallKind::HalfHeight => (INK, Some("#fff")),
        };
        self.path(track, &format!(" stroke=\"{edge}\" stroke-width=\"{}\"", Px(wide)));
        if let Some(core) = core {
            self.path(track, &format!(" stroke=\"{core}\" stroke-width=\"{}\"", Px(wide - 2.0 * rim)));
        }
        self.out.push('\n');
        match kind {
            WallKind::Solid => {}
            WallKind::Glass => self.used.note(Sign::Glass),
            WallKind::HalfHeight => self.used.note(Sign::HalfHeight),
        }
    }

    /// Walls with their openings cut, and of which kind they are; surfaces without thickness are drawn by what they
    /// belong to.
    fn wall_pieces(&self) -> Vec<(WallKind, f64, Piece)> {
        let Some(level) = self.site.level(self.level()) else { return Vec::new() };
        let authored: Vec<&Wall> =
            self.site.authored().walls.iter().filter(|wall| wall.level == level.name).collect();
        let mut rest = authored.as_slice();
        let mut pieces = Vec::new();
        // The pieces of authored walls come first and in their order; then those of the outlines of rooms.
        for (a, b, thickness_m) in level.geometry.walls().filter(|(_, _, thickness_m)| 0.0 < *thickness_m) {
            let of = rest.iter().position(|wall| is_piece(wall, a, b));
            rest = of.and_then(|of| rest.get(of..)).unwrap_or(&[]);
            let kind = rest.first().map_or(WallKind::Solid, |wall| wall.kind);
            pieces.push((kind, thickness_m, [a, b]));
        }
        pieces
    }
}

fn is_piece(wall: &Wall, a: Point2<f64>, b: Point2<f64>) -> bool {
    let (from, to) = (Point2::from(wall.from), Point2::from(wall.to));
    point_to_segment(a, from, to).max(point_to_segment(b, from, to)) <= PIECE_OFF_MAX_M
}

/// A place to a tenth of a millimetre.
type Node = (i64, i64);

fn node(at: Point2<f64>) -> Node {
    #[expect(clippy::cast_possible_truncation, reason = "saturates; maps are smaller than that")]
    let whole = |value: f64| (value * 1e4).round() as i64;
    (whole(at.x), whole(at.y))
}

/// Lines made of pieces that meet, and whether each is closed. Equal pieces count once. O(n log n).
fn joined(pieces: &[Piece]) -> Vec<(Vec<Point2<f64>>, bool)> {
    let mut seen = BTreeSet::new();
    let pieces: Vec<Piece> = pieces
        .iter()
        .copied()
        .filter(|[a, b]| {
            let (a, b) = (node(*a), node(*b));
            seen.insert((a.min(b), a.max(b)))
        })
        .collect();
    let next = partners(&pieces);
    let mut done = vec![false; pieces.len()];
    let open_first = (0..pieces.len())
        .flat_map(|piece| [(piece, 0), (piece, 1)])
        .filter(|start| !next.contains_key(start))
        .chain((0..pieces.len()).map(|piece| (piece, 0)));
    let mut lines = Vec::new();
    for start in open_first {
        lines.extend(walk(start, &pieces, &next, &mut done));
    }
    lines
}

/// An end of a piece: which piece, and which end.
type End = (usize, usize);

fn walk(
    start: End,
    pieces: &[Piece],
    next: &BTreeMap<End, End>,
    done: &mut [bool],
) -> Option<(Vec<Point2<f64>>, bool)> {
    let at = |(piece, end): End| pieces.get(piece).and_then(|piece| piece.get(end)).copied();
    let mut here = start;
    let mut line = Vec::new();
    loop {
        let used = done.get_mut(here.0)?;
        if *used {
            // Back where it began, or begun in the middle of a line that is drawn already.
            return (!line.is_empty()).then_some((line, true));
        }
        *used = true;
        line.push(at(here)?);
        let far = (here.0, 1 - here.1);
        let Some(onward) = next.get(&far) else {
            line.push(at(far)?);
            return Some((line, false));
        };
        here = *onward;
    }
}

/// Which end goes on into which: at each place the straightest pair first.
fn partners(pieces: &[Piece]) -> BTreeMap<End, End> {
    let mut meeting: BTreeMap<Node, Vec<(End, Vector2<f64>)>> = BTreeMap::new();
    for (index, [a, b]) in pieces.iter().enumerate() {
        meeting.entry(node(*a)).or_default().push(((index, 0), (b - a).normalize()));
        meeting.entry(node(*b)).or_default().push(((index, 1), (a - b).normalize()));
    }
    let mut next = BTreeMap::new();
    for ends in meeting.into_values().filter(|ends| ends.len() <= MEETING_MAX) {
        let mut pairs = Vec::new();
        for (index, (one, out)) in ends.iter().enumerate() {
            for (other, away) in ends.iter().skip(index + 1) {
                pairs.push((out.dot(away), *one, *other));
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, one, other) in pairs {
            if one.0 != other.0 && !next.contains_key(&one) && !next.contains_key(&other) {
                next.insert(one, other);
                next.insert(other, one);
            }
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(a: [f64; 2], b: [f64; 2]) -> Piece {
        [Point2::from(a), Point2::from(b)]
    }

    #[test]
    fn pieces_that_meet_become_lines_and_rings() {
        let square = [
            piece([0., 0.], [1., 0.]),
            piece([1., 1.], [1., 0.]),
            piece([1., 1.], [0., 1.]),
            piece([0., 1.], [0., 0.]),
        ];
        let lines = joined(&square);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].1 && lines[0].0.len() == 4, "{lines:?}");
        let twice: Vec<_> = square.iter().chain(&square).copied().collect();
        assert_eq!(joined(&twice), lines);
    }

    #[test]
    fn where_three_meet_the_straight_ones_are_joined() {
        let tee = [piece([0., 0.], [1., 0.]), piece([1., 0.], [1., 1.]), piece([1., 0.], [2., 0.])];
        let mut lines = joined(&tee);
        lines.sort_by_key(|(line, _)| line.len());
        assert_eq!(
            lines.iter().map(|(line, closed)| (line.len(), *closed)).collect::<Vec<_>>(),
            [(2, false), (3, false)]
        );
        assert!(lines[1].0.iter().all(|at| at.y == 0.0));
    }
}
