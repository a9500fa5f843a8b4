//! Plans as pictures: robots that move, and how often places are visited.
//!
//! One unit of a picture is one cell, with rows downwards as in the grid. Nothing that a caller names is written into a
//! picture, so there is nothing to escape: only numbers, and colours of ours.

use std::fmt::{self, Write};

use super::{
    instance::{Instance, NONE},
    solution::Solution,
};

/// The longer side of a picture, pixels.
const SIDE_PX: f64 = 1_024.0;
/// How fast a film is.
const STEPS_PER_S: f64 = 4.0;
const BLOCKED: &str = "#3b4252";
const FREE: &str = "#f4f5f7";
/// Colours of robots, in turn.
const ROBOTS: [&str; 8] =
    ["#2364aa", "#d1495b", "#3a7d44", "#8f5db7", "#c77d0a", "#0f8b8d", "#7a4b2a", "#5c677d"];
/// From few visits to many, dark enough on top of [`FREE`] for everybody.
const HEAT: [&str; 6] = ["#fde9a9", "#fbc65a", "#f4903d", "#dd5135", "#a32246", "#560d4b"];

/// Why there is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The plan is of another instance.
    #[error("the plan is for {plan} robots, the instance has {instance}")]
    OtherInstance {
        /// Robots of the plan.
        plan: usize,
        /// Robots of the instance.
        instance: usize,
    },
    /// There is no such robot.
    #[error("there is no robot {robot} among {robots}")]
    NoRobot {
        /// Its index.
        robot: usize,
        /// How many there are.
        robots: usize,
    },
}

/// An SVG in which the given robots move as planned, four steps a second, over and over. Before it starts, and in viewers that
/// show no motion, everybody is at the start. A ring marks each goal.
///
/// Only where a robot turns, stops or sets out there is a key frame, so a picture takes some hundred bytes for each robot and
/// some ten for each turn. Linear in robots times steps.
///
/// # Errors
/// [`PictureError`] for a plan of another instance, and for a robot that is not in it.
///
/// ```
/// # use sheepdog_traffic::oneshot::{Cell, Grid, Instance, Outcome, Search, Trip, film};
/// let grid = Grid::parse("type octile\nheight 1\nwidth 3\nmap\n...\n", "small.map")?;
/// let trip = Trip { start: Cell { x: 0, y: 0 }, goal: Cell { x: 2, y: 0 } };
/// let instance = Instance::on_grid(&grid, &[trip])?;
/// let mut search = Search::new(&instance, 1);
/// search.run(100);
/// let Outcome::Solved(plan) = search.outcome() else { return Ok(()) };
/// let svg = film(&instance, &plan, &[0])?;
/// assert!(svg.contains(r#"<animate attributeName="cx" dur="0.5s" repeatCount="indefinite" values="0;2" keyTimes="0;1"/>"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn film(instance: &Instance, plan: &Solution, robots: &[usize]) -> Result<String, PictureError> {
    check(instance, plan, robots)?;
    let mut svg = Page::of(instance).head(0.0);
    let _infallible = film_to(&mut svg, instance, plan, robots);
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// An SVG that says how often robots come to each cell, their starts included; a robot that stays is counted once. Cells that
/// nobody comes to are white. Linear in robots times steps.
///
/// # Errors
/// [`PictureError`] for a plan of another instance.
pub fn heat_map(instance: &Instance, plan: &Solution) -> Result<String, PictureError> {
    check(instance, plan, &[])?;
    let visits = visits(instance, plan);
    let page = Page::of(instance);
    let mut svg = page.head(LEGEND);
    let _infallible = heat_to(&mut svg, instance, &visits, page);
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Height of the legend to the longer side of the picture.
const LEGEND: f64 = 0.06;

/// Columns and rows.
#[derive(Clone, Copy)]
struct Page {
    width: usize,
    height: usize,
}

fn check(instance: &Instance, plan: &Solution, robots: &[usize]) -> Result<(), PictureError> {
    let (of_plan, of_instance) = (plan.at(0).len(), instance.robots());
    if of_plan != of_instance {
        return Err(PictureError::OtherInstance { plan: of_plan, instance: of_instance });
    }
    match robots.iter().find(|robot| of_plan <= **robot) {
        Some(&robot) => Err(PictureError::NoRobot { robot, robots: of_plan }),
        None => Ok(()),
    }
}

impl Page {
    fn of(instance: &Instance) -> Self {
        let raster = &instance.raster;
        let rows = raster.open.len() / raster.stride.max(1);
        Self { width: raster.stride.saturating_sub(2), height: rows.saturating_sub(2) }
    }

    /// The longer side, in cells.
    #[expect(clippy::cast_precision_loss, reason = "at most 2^14 columns or rows")]
    fn side(self) -> f64 {
        self.width.max(self.height) as f64
    }

    /// The head of a document with room for a legend below, and all free cells.
    #[expect(clippy::cast_precision_loss, reason = "at most 2^14 columns or rows")]
    fn head(self, legend: f64) -> String {
        let Self { width, height } = self;
        let (scale, tall) = (SIDE_PX / self.side().max(1.0), height as f64 + legend * self.side());
        let (wide_px, tall_px) = (Short(width as f64 * scale), Short(tall * scale));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide_px}\" height=\"{tall_px}\" \
             viewBox=\"0 0 {width} {}\">\n<path fill=\"{BLOCKED}\" d=\"M0 0h{width}v{height}H0z\"/>\n",
            Short(tall),
        )
    }
}

/// Cells of one colour, runs of each row joined.
fn cells_to(svg: &mut String, instance: &Instance, colour: &str, is: impl Fn(u32) -> bool) -> fmt::Result {
    let raster = &instance.raster;
    write!(svg, "<path fill=\"{colour}\" d=\"")?;
    for (y, row) in raster.vertex_of.chunks(raster.stride.max(1)).enumerate() {
        let mut begin = None;
        for (x, &vertex) in row.iter().enumerate() {
            // The last cell of a row is blocked.
            match (begin, vertex != NONE && is(vertex)) {
                (None, true) => begin = Some(x),
                (Some(first), false) => {
                    let length = x - first;
                    write!(
                        svg,
                        "M{} {}h{length}v1h-{length}z",
                        first.saturating_sub(1),
                        y.saturating_sub(1)
                    )?;
                    begin = None;
                }
                (None, false) | (Some(_), true) => {}
            }
        }
    }
    svg.push_str("\"/>\n");
    Ok(())
}

fn film_to(svg: &mut String, instance: &Instance, plan: &Solution, robots: &[usize]) -> fmt::Result {
    cells_to(svg, instance, FREE, |_| true)?;
    // Places are the middles of cells.
    svg.push_str("<g transform=\"translate(.5 .5)\">\n");
    let places = |robot: usize| -> Vec<(u32, u32)> {
        let at = |step| plan.at(step).get(robot).map(|&vertex| instance.cell(vertex));
        (0..=plan.makespan()).filter_map(at).map(|cell| (cell.x, cell.y)).collect()
    };
    let colour = |robot: usize| ROBOTS.get(robot % ROBOTS.len()).copied().unwrap_or(BLOCKED);
    for &robot in robots {
        if let Some((x, y)) = places(robot).last() {
            let colour = colour(robot);
            writeln!(
                svg,
                "<circle cx=\"{x}\" cy=\"{y}\" r=\".25\" fill=\"none\" stroke=\"{colour}\" stroke-width=\".15\"/>"
            )?;
        }
    }
    for &robot in robots {
        let way = places(robot);
        let Some((x, y)) = way.first() else { continue };
        let colour = colour(robot);
        write!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\".4\" fill=\"{colour}\"><title>robot {robot}</title>")?;
        animate_to(svg, "cx", &way.iter().map(|(x, _)| *x).collect::<Vec<u32>>())?;
        animate_to(svg, "cy", &way.iter().map(|(_, y)| *y).collect::<Vec<u32>>())?;
        svg.push_str("</circle>\n");
    }
    svg.push_str("</g>\n");
    Ok(())
}

/// How a coordinate changes; nothing when it does not.
#[expect(clippy::cast_precision_loss, reason = "steps, far below 2^53")]
fn animate_to(svg: &mut String, name: &str, values: &[u32]) -> fmt::Result {
    let last = values.len().saturating_sub(1);
    if values.iter().all(|value| Some(value) == values.first()) {
        return Ok(());
    }
    let at = |step: usize| values.get(step).copied().unwrap_or(0);
    let turns = |step: &usize| {
        let step = *step;
        step == 0 || step == last || 2 * at(step) != at(step - 1) + at(step + 1)
    };
    let keys: Vec<usize> = (0..=last).filter(turns).collect();
    let dur = Short(last as f64 / STEPS_PER_S);
    write!(svg, "<animate attributeName=\"{name}\" dur=\"{dur}s\" repeatCount=\"indefinite\" values=\"")?;
    for (index, &step) in keys.iter().enumerate() {
        write!(svg, "{}{}", if index == 0 { "" } else { ";" }, at(step))?;
    }
    svg.push_str("\" keyTimes=\"");
    for (index, &step) in keys.iter().enumerate() {
        write!(svg, "{}{}", if index == 0 { "" } else { ";" }, Short(step as f64 / last as f64))?;
    }
    svg.push_str("\"/>");
    Ok(())
}

/// How often robots come to each vertex.
fn visits(instance: &Instance, plan: &Solution) -> Vec<u32> {
    let mut visits = vec![0_u32; instance.vertices()];
    for step in 0..=plan.makespan() {
        let before = step.checked_sub(1).map_or(&[][..], |before| plan.at(before));
        for (robot, vertex) in plan.at(step).iter().enumerate() {
            if before.get(robot) != Some(vertex)
                && let Some(count) = visits.get_mut(*vertex as usize)
            {
                *count += 1;
            }
        }
    }
    visits
}

#[expect(clippy::cast_precision_loss, reason = "a handful of classes, and at most 2^14 columns or rows")]
fn heat_to(svg: &mut String, instance: &Instance, visits: &[u32], page: Page) -> fmt::Result {
    cells_to(svg, instance, FREE, |_| true)?;
    let most = visits.iter().copied().max().unwrap_or(0).max(1);
    let step = most.div_ceil(u32::try_from(HEAT.len()).unwrap_or(1)).max(1);
    let side = page.side() * LEGEND;
    for (index, colour) in HEAT.iter().enumerate() {
        let class = u32::try_from(index).unwrap_or(0);
        let (low, high) = (class * step + 1, (class + 1) * step);
        if most < low {
            break;
        }
        let of = |vertex: u32| visits.get(vertex as usize).is_some_and(|count| (low..=high).contains(count));
        cells_to(svg, instance, colour, of)?;
        let x = index as f64 * page.width as f64 / HEAT.len() as f64;
        let y = page.height as f64 + side * 0.2;
        let text = if low == high { low.to_string() } else { format!("{low}–{high}") };
        writeln!(
            svg,
            "<rect x=\"{}\" y=\"{}\" width=\"{size}\" height=\"{size}\" fill=\"{colour}\"/><text x=\"{}\" y=\"{}\" \
             font-family=\"sans-serif\" font-size=\"{}\">{text}</text>",
            Short(x),
            Short(y),
            Short(x + side * 0.75),
            Short(y + side * 0.48),
            Short(side * 0.42),
            size = Short(side * 0.6),
        )?;
    }
    Ok(())
}

/// A number with at most five decimals and no needless zeros.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.5}", self.0);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}
