//! Where everything goes on the page: the heading, a panel for each level, the foot.

use nalgebra::{Point2, Vector2};
use sheepdog_core::LevelId;

use crate::{
    compiled::CompiledSite,
    geometry::{bounds, float},
};

use super::{doors, furniture};

/// The longer side of a panel for levels up to [`USUAL_M`], when it is alone or in a stack.
const PANEL_PX: f64 = 1200.0;
/// The same for levels beside each other, however many there are.
const PANEL_BESIDE_PX: f64 = 700.0;
/// A longer level gets a larger panel: as the root of its length, up to this many times the usual.
const GROWTH_MAX: f64 = 2.5;
/// Length of a level up to which panels have their usual size, metres.
const USUAL_M: f64 = 60.0;
/// Levels that are this many times wider than deep are stacked.
const STACKED_FROM: f64 = 1.6;
/// The largest scale.
const SCALE_MAX_PX_PER_M: f64 = 32.0;
/// White around everything.
pub(super) const MARGIN_PX: f64 = 24.0;
/// Room for what is drawn at the very edge of a level: half a wall, a pin.
const EDGE_PX: f64 = 8.0;
/// Height of the site's heading and of a level's title, for usual panels.
const HEADING_PX: f64 = 34.0;
const TITLE_PX: f64 = 26.0;
/// The narrowest panel: its title has to stand over it.
pub(super) const PANEL_MIN_PX: f64 = 170.0;
/// The narrowest page.
const WIDTH_MIN_PX: f64 = 420.0;

/// The page: fixed before anything is drawn on it, but for its height, which depends on what the foot has to say.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) width_px: f64,
    /// Where the foot begins.
    pub(super) foot_px: f64,
    pub(super) px_per_m: f64,
    /// What sizes of text and symbols are multiplied with: 1 on a usual page, more on a larger one.
    pub(super) zoom: f64,
    pub(super) panels: Vec<Panel>,
}

/// One level's place on the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel {
    pub(super) level: LevelId,
    /// Corner of the level's box with the least x and the greatest y, metres: the panel's upper left.
    corner_m: [f64; 2],
    px_per_m: f64,
    pub(super) size_px: [f64; 2],
    pub(super) at_px: [f64; 2],
}

impl Panel {
    /// How much of the page it takes: its title may need more than the level.
    fn room_px(&self, zoom: f64) -> [f64; 2] {
        [self.size_px[0].max(PANEL_MIN_PX * zoom), self.size_px[1]]
    }

    /// A point of the level in pixels. This is where y is turned to point downwards.
    pub(super) fn px(&self, point: Point2<f64>) -> [f64; 2] {
        let ([left, top], [low_x, high_y]) = (self.at_px, self.corner_m);
        [left + (point.x - low_x) * self.px_per_m, top + (high_y - point.y) * self.px_per_m]
    }
}

impl Page {
    /// A page for levels, from the highest down.
    pub(super) fn new(site: &CompiledSite, mut levels: Vec<LevelId>) -> Self {
        let boxes: Vec<_> = levels.iter().map(|level| extent(site, *level)).collect();
        let mut boxes = aligned(boxes);
        let widest = boxes
            .iter()
            .fold(Vector2::zeros(), |widest: Vector2<f64>, (low, high)| widest.sup(&(high - low)));
        let longest_m = widest.x.max(widest.y).max(1.0);
        let growth = (longest_m / USUAL_M).sqrt().clamp(1.0, GROWTH_MAX);
        let stacked = STACKED_FROM * widest.y <= widest.x;
        let panel_px = if stacked || levels.len() < 2 { PANEL_PX } else { PANEL_BESIDE_PX } * growth;
        let px_per_m = (panel_px / longest_m).min(SCALE_MAX_PX_PER_M);
        let zoom = growth.sqrt();
        if !stacked {
            levels.reverse();
            boxes.reverse();
        }
        let mut panels: Vec<Panel> = Vec::new();
        let mut cursor = [MARGIN_PX, MARGIN_PX + (HEADING_PX + TITLE_PX) * zoom];
        for (level, (low, high)) in levels.iter().zip(boxes) {
            let edge = EDGE_PX / px_per_m;
            let (low, high) = (low.map(|low| low - edge), high.map(|high| high + edge));
            let size_px = [(high.x - low.x) * px_per_m, (high.y - low.y) * px_per_m];
            let panel = Panel { level: *level, corner_m: [low.x, high.y], px_per_m, size_px, at_px: cursor };
            panels.push(panel);
            if stacked {
                cursor[1] += size_px[1] + MARGIN_PX + TITLE_PX * zoom;
            } else {
                cursor[0] += panel.room_px(zoom)[0] + 2.0 * MARGIN_PX;
            }
        }
        let far = |axis: fn([f64; 2]) -> f64| {
            let ends = panels.iter().map(|panel| axis(panel.at_px) + axis(panel.room_px(zoom)));
            ends.fold(MARGIN_PX + (HEADING_PX + TITLE_PX) * zoom, f64::max)
        };
        let width_px = (far(|[x, _]| x) + MARGIN_PX).max(WIDTH_MIN_PX);
        Self { width_px, foot_px: far(|[_, y]| y) + MARGIN_PX, px_per_m, zoom, panels }
    }

    /// A point of a level in pixels; `None` when the level is not shown or the point is not finite.
    pub(super) fn place(&self, level: LevelId, x: f64, y: f64) -> Option<[f64; 2]> {
        let panel = self.panels.iter().find(|panel| panel.level == level)?;
        let point = panel.px(Point2::new(x, y));
        point.iter().all(|value| value.is_finite()).then_some(point)
    }

    /// Size of labels in pixels.
    pub(super) fn font_px(&self) -> f64 {
        (0.42 * self.px_per_m).clamp(8.0, 12.0) * self.zoom
    }

    /// Size of the smallest label that is worth printing.
    pub(super) fn font_min_px(&self) -> f64 {
        6.2 * self.zoom
    }

    /// Half the width of the symbols of waypoints and stations.
    pub(super) fn symbol_px(&self) -> f64 {
        (0.22 * self.px_per_m).clamp(3.8, 7.0) * self.zoom
    }

    /// A length of the building in pixels, but not below what can be seen.
    pub(super) fn at_least(&self, length_m: f64, pixels: f64) -> f64 {
        (length_m * self.px_per_m).max(pixels * self.zoom)
    }
}

/// One box for all, if that is not much larger than the largest of them: then walls of a level lie under those of the
/// one above.
fn aligned(boxes: Vec<Corners>) -> Vec<Corners> {
    let Some((low, high)) = bounds(boxes.iter().flat_map(|(low, high)| [*low, *high])) else { return boxes };
    let all = high - low;
    let fits = |(low, high): &Corners| {
        let own = high - low;
        all.x <= ALIGNED_MAX * own.x && all.y <= ALIGNED_MAX * own.y
    };
    if boxes.iter().any(fits) { vec![(low, high); boxes.len()] } else { boxes }
}

/// How much larger one box for all levels may be than that of the largest level.
const ALIGNED_MAX: f64 = 1.25;

/// Lower left and upper right corner.
type Corners = (Point2<f64>, Point2<f64>);

/// Lower left and upper right corner of all that a level shows, metres; a square metre when it shows nothing.
fn extent(site: &CompiledSite, level: LevelId) -> Corners {
    let ways = site.live_waypoints().filter(|(_, way)| way.level == level).map(|(_, way)| way.at);
    let geometry = site.level(level).into_iter().filter_map(|level| level.geometry.bounds());
    let rooms = site.rooms().iter().filter(|room| room.level == level).flat_map(|room| &room.outer).copied();
    let zones = site.zones().iter().filter(|zone| zone.level == level);
    let zones = zones.flat_map(|zone| &zone.outer).copied();
    let doors =
        site.live_doors().filter(|(_, door)| door.level == level).flat_map(|(_, door)| doors::reach(door));
    let things = furniture::corners(site, level);
    let all = geometry
        .flat_map(|(low, high)| [low, high])
        .chain(ways)
        .chain(rooms)
        .chain(zones)
        .chain(doors)
        .chain(things);
    bounds(all.filter(|at| at.x.is_finite() && at.y.is_finite()))
        .unwrap_or((Point2::origin(), Point2::new(1.0, 1.0)))
}

/// How many columns of a width, with gaps, go onto the page.
pub(super) fn columns(page: &Page, wide_px: f64) -> usize {
    let fit = (page.width_px - 2.0 * MARGIN_PX) / wide_px;
    (1..=12).take_while(|count| float(*count) <= fit).last().unwrap_or(1)
}
