//! What leads from level to level: elevators that lie over each other become a lift, stairs a connector.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    import::{ImportReport, LiftDoorName},
    model::{Connector, ConnectorEnd, ConnectorKind, Lift, LiftDoor},
};

use super::{
    Reader,
    units::{Opening, Part, Rectangle, base},
};

/// Corners of elevators on several levels that are this near to each other are one corner, metres.
const CORNER_APART_MAX_M: f64 = 0.1;
/// What size a cabin may have, metres.
const CABIN_M: std::ops::RangeInclusive<f64> = 0.3..=50.0;
/// The least share of the lesser box that stairs on two levels have in common.
const OVERLAP_MIN: f64 = 0.5;

/// Elevators of one shape, at most one on a level.
struct Shaft {
    cabin: Rectangle,
    parts: Vec<usize>,
}

impl Shaft {
    fn fits(&self, cabin: &Rectangle) -> bool {
        let corners = cabin.corners();
        let near = |a: &nalgebra::Point2<f64>| corners.iter().any(|b| (a - b).norm() <= CORNER_APART_MAX_M);
        self.cabin.corners().iter().all(near)
    }
}

impl Reader<'_> {
    /// Lifts out of elevators. Quadratic in the elevators that lie over each other, and in nothing else.
    pub(super) fn lifts(&mut self, openings_of: &[Vec<usize>]) {
        for mut shaft in self.shafts() {
            let elevation = |index: &usize| {
                let part = self.parts.get(*index)?;
                self.site.levels.get(part.level).map(|level| level.elevation_m)
            };
            shaft.parts.sort_by(|p, q| elevation(p).partial_cmp(&elevation(q)).unwrap_or(p.cmp(q)));
            let has_door =
                |index: &usize| openings_of.get(*index).is_some_and(|openings| !openings.is_empty());
            let (stops, shut): (Vec<usize>, Vec<usize>) = shaft.parts.iter().partition(|part| has_door(part));
            if stops.len() < 2 {
                for part in shaft.parts.iter().filter_map(|index| self.parts.get(*index)) {
                    let message = "elevators of this shape have openings on fewer than two levels: it becomes no lift \
                                   and stays a closed room";
                    part.unit.warn(&mut self.report, message);
                }
                continue;
            }
            for part in shut.iter().filter_map(|index| self.parts.get(*index)) {
                part.unit.warn(
                    &mut self.report,
                    "no opening leads into it: no lift stops here, and it stays a closed room",
                );
            }
            let lift = lift(
                &shaft.cabin,
                &stops,
                openings_of,
                (&mut self.parts, &mut self.openings),
                &mut self.report,
            );
            self.site.lifts.extend(lift);
        }
    }

    fn shafts(&mut self) -> Vec<Shaft> {
        let mut shafts: Vec<Shaft> = Vec::new();
        let mut by_cell: BTreeMap<[i64; 2], Vec<usize>> = BTreeMap::new();
        for (index, part) in
            self.parts.iter().enumerate().filter(|(_, part)| base(part.category) == "elevator")
        {
            let cabin = Rectangle::around(part).filter(|cabin| cabin.is_filled_by(part));
            let cabin = cabin.filter(|cabin| cabin.size_m.iter().all(|metres| CABIN_M.contains(metres)));
            let Some(cabin) = cabin else {
                part.unit.warn(
                    &mut self.report,
                    "it is no rectangle of 0.3 to 50 m: it becomes no lift and stays a closed room",
                );
                continue;
            };
            let [x, y] = cell(&cabin);
            let near = (x - 1..=x + 1).flat_map(|x| (y - 1..=y + 1).map(move |y| [x, y]));
            let mut known = near.filter_map(|cell| by_cell.get(&cell)).flatten().copied();
            let is_free = |shaft: &Shaft| {
                shaft
                    .parts
                    .iter()
                    .all(|other| self.parts.get(*other).is_none_or(|other| other.level != part.level))
            };
            let same = known
                .find(|shaft| shafts.get(*shaft).is_some_and(|shaft| shaft.fits(&cabin) && is_free(shaft)));
            if let Some(shaft) = same.and_then(|shaft| shafts.get_mut(shaft)) {
                shaft.parts.push(index);
            } else {
                by_cell.entry([x, y]).or_default().push(shafts.len());
                shafts.push(Shaft { cabin, parts: vec![index] });
            }
        }
        shafts
    }

    /// Connectors out of stairs, escalators and ramps: each leads to the one over it on the next level.
    pub(super) fn connectors(&mut self, openings_of: &[Vec<usize>]) {
        let mut heights: Vec<f64> = self.site.levels.iter().map(|level| level.elevation_m).collect();
        heights.sort_by(f64::total_cmp);
        heights.dedup();
        let rank = |part: &Part<'_>| {
            let height = self.site.levels.get(part.level)?.elevation_m;
            heights.binary_search_by(|other| other.total_cmp(&height)).ok()
        };
        let mut by_rank: BTreeMap<(ConnectorKind, usize), Vec<usize>> = BTreeMap::new();
        for (index, part) in self.parts.iter().enumerate() {
            if let Some((kind, rank)) = kind(part.category).zip(rank(part)) {
                by_rank.entry((kind, rank)).or_default().push(index);
            }
        }
        let (mut made, mut joined) = (Vec::new(), BTreeSet::new());
        for ((kind, rank), lower) in &by_rank {
            let upper = by_rank.get(&(*kind, rank + 1)).map(Vec::as_slice).unwrap_or_default();
            for from in lower {
                let Some(to) = self.over(*from, upper) else { continue };
                joined.extend([*from, to]);
                made.extend(self.connector(*kind, [*from, to], openings_of));
            }
        }
        for (index, part) in self.parts.iter().enumerate() {
            let leads = kind(part.category).is_some_and(|kind| kind != ConnectorKind::Ramp);
            if leads && !joined.contains(&index) {
                let message =
                    "nothing of its kind lies over or under it on the next level: it connects no levels";
                part.unit.warn(&mut self.report, message);
            }
        }
        self.site.connectors.extend(made);
    }

    /// The one of several parts that lies over another: the first of those that share most with it.
    fn over(&self, lower: usize, upper: &[usize]) -> Option<usize> {
        let lower = self.parts.get(lower)?.corners();
        let mut best: Option<(f64, usize)> = None;
        for index in upper {
            let share = overlap(lower, self.parts.get(*index)?.corners());
            if best.is_none_or(|(most, _)| most < share) {
                best = Some((share, *index));
            }
        }
        best.filter(|(share, _)| OVERLAP_MIN <= *share).map(|(_, index)| index)
    }

    fn connector(
        &mut self,
        kind: ConnectorKind,
        ends: [usize; 2],
        openings_of: &[Vec<usize>],
    ) -> Option<Connector> {
        let openings = |index: usize| {
            openings_of.get(index).into_iter().flatten().filter_map(|opening| self.openings.get(*opening))
        };
        let end = |index: usize| {
            let part = self.parts.get(index)?;
            let (low, high) = part.corners();
            let (a, b) = openings(index).next().map_or((low, high), Opening::ends);
            let middle = nalgebra::center(&a, &b);
            Some(ConnectorEnd { level: part.room.level.clone(), at: [middle.x, middle.y], height_m: 0.0 })
        };
        let [from, to] = ends.map(end);
        let widths = ends.into_iter().flat_map(openings).map(|opening| {
            let (a, b) = opening.ends();
            (b - a).norm()
        });
        let part = self.parts.get(ends[0])?;
        let (width_m, of) = match widths.reduce(f64::min) {
            Some(width_m) => (width_m, "the narrowest of its openings"),
            None => {
                (Rectangle::around(part)?.size_m.into_iter().reduce(f64::min)?, "the narrower of its sides")
            }
        };
        let (from, to) = (from?, to?);
        part.unit.warn(
            &mut self.report,
            format!(
                "it is taken to lead to what lies over it on level {:?}, {width_m:.2} m wide as {of}: the format says \
                 neither",
                to.level
            ),
        );
        Some(Connector { id: part.room.id.clone(), kind, from, to, width_m })
    }
}

/// The lift of a shaft. Its units become no rooms, and their openings no doors.
fn lift(
    cabin: &Rectangle,
    stops: &[usize],
    openings_of: &[Vec<usize>],
    (parts, openings): (&mut [Part<'_>], &mut [Opening<'_>]),
    report: &mut ImportReport,
) -> Option<Lift> {
    let lowest = parts.get(*stops.first()?)?.room.id.clone();
    let [width_m, depth_m] = cabin.size_m;
    let made = Lift::new(&lowest, [cabin.middle.x, cabin.middle.y], width_m, depth_m);
    let mut lift = Lift { yaw_rad: libm::atan2(cabin.along.y, cabin.along.x), ..made };
    let mut levels = Vec::new();
    for (number, stop) in stops.iter().enumerate() {
        let part = parts.get_mut(*stop)?;
        part.is_cabin = true;
        levels.push(part.room.level.clone());
        // A lift has no label, no tags and one name.
        let properties = part.unit.get("properties");
        for at in ["name", "restriction"].into_iter().filter_map(|key| properties.as_ref()?.get(key)) {
            at.leave_all_behind();
        }
        if let Some(id) = part.unit.get("id").filter(|_| 0 < number) {
            id.leave_behind();
        }
        for opening in openings_of.get(*stop).into_iter().flatten() {
            let Some(opening) = openings.get_mut(*opening).filter(|opening| !opening.is_of_lift) else {
                continue;
            };
            opening.is_of_lift = true;
            let (door, level) = (&opening.door, part.room.level.clone());
            lift.doors.push(LiftDoor { level, from: door.from, to: door.to });
            report.lift_doors.push(LiftDoorName { lift: lowest.clone(), door: door.id.clone() });
            let properties = opening.at.get("properties");
            for at in ["category", "door"].into_iter().filter_map(|key| properties.as_ref()?.get(key)) {
                at.leave_all_behind();
            }
        }
    }
    if let Some(part) = parts.get(*stops.first()?) {
        let message = format!(
            "elevators of one shape on the levels {levels:?} became a lift: their outline is its cabin, the openings \
             at them are its doors"
        );
        part.unit.warn(report, message);
    }
    Some(lift)
}

/// The square metre that a cabin's middle is in.
#[expect(clippy::cast_possible_truncation, reason = "places are within half a degree of the venue")]
fn cell(cabin: &Rectangle) -> [i64; 2] {
    [cabin.middle.x, cabin.middle.y].map(|metres| libm::floor(metres) as i64)
}

fn kind(category: &str) -> Option<ConnectorKind> {
    match base(category) {
        "stairs" | "steps" => Some(ConnectorKind::Stairs),
        "escalator" => Some(ConnectorKind::Escalator),
        "ramp" => Some(ConnectorKind::Ramp),
        _ => None,
    }
}

/// How much of the lesser of two boxes is in the other.
fn overlap(
    (low, high): (nalgebra::Point2<f64>, nalgebra::Point2<f64>),
    (other_low, other_high): (nalgebra::Point2<f64>, nalgebra::Point2<f64>),
) -> f64 {
    let size = |low: nalgebra::Point2<f64>, high: nalgebra::Point2<f64>| {
        (high.x - low.x).max(0.0) * (high.y - low.y).max(0.0)
    };
    size(low.sup(&other_low), high.inf(&other_high)) / size(low, high).min(size(other_low, other_high))
}
