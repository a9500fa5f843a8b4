//! Maps and places to ask about.

use nalgebra::{Point2, Vector2};
use rand_pcg::{Pcg64, rand_core::Rng};
use sheepdog_core::Mm;
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, Site,
    geometry::LevelGeometry,
    import::import_building,
    lint::{self, BuildingProfile, ExitDoors},
    model,
};

use super::{Outcome, seconds};
use crate::{figure::Figure, median, shared};

/// Rooms of the synthetic map, 4 m wide each, with two doors of 1 m: 10 200 bare walls.
const ROOMS: (u32, u32) = (51, 50);

/// Even numbers from a seed.
pub(super) struct Random(Pcg64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(Pcg64::new(u128::from(seed), 0xda3e_39cb_94b9_5bdb))
    }

    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let share = (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        low + (high - low) * share
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.0.next_u64() % u64::try_from(count.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// Half of them anywhere, half within 0.1 m of one of the lines.
    pub(super) fn places(&mut self, lines: &[(Point2<f64>, Point2<f64>)], count: usize) -> Vec<Point2<f64>> {
        let ends = || lines.iter().flat_map(|line| [line.0, line.1]);
        let low = ends().reduce(|p, q| p.inf(&q)).unwrap_or_default();
        let high = ends().reduce(|p, q| p.sup(&q)).unwrap_or_default();
        (0..count)
            .map(|n| {
                let line = lines.get(self.below(lines.len())).copied().unwrap_or((low, high));
                if n % 2 == 0 {
                    return Point2::new(self.between(low.x, high.x), self.between(low.y, high.y));
                }
                let on = line.0 + (line.1 - line.0) * self.between(0.0, 1.0);
                let (r, turn) = (self.between(0.0, 0.1), self.direction());
                on + turn * r
            })
            .collect()
    }

    /// A unit vector, by rejection: no sine of the platform.
    pub(super) fn direction(&mut self) -> Vector2<f64> {
        loop {
            let v = Vector2::new(self.between(-1.0, 1.0), self.between(-1.0, 1.0));
            if (0.01..1.0).contains(&v.norm_squared()) {
                return v.normalize();
            }
        }
    }
}

pub(super) fn synthetic() -> Outcome<CompiledSite> {
    let mut site = Site::new("rooms");
    site.levels.push(model::Level::new("0", 0.0));
    let wall = |a: [f64; 2], b: [f64; 2]| model::Wall { thickness_m: 0.0, ..model::Wall::new("0", a, b) };
    for column in 0..ROOMS.0 {
        for row in 0..ROOMS.1 {
            let (x, y) = (f64::from(column) * 4.0, f64::from(row) * 4.0);
            site.walls.push(wall([x, y], [x + 1.5, y]));
            site.walls.push(wall([x + 2.5, y], [x + 4.0, y]));
            site.walls.push(wall([x, y], [x, y + 1.5]));
            site.walls.push(wall([x, y + 2.5], [x, y + 4.0]));
        }
    }
    compile(&site)
}

fn compile(site: &Site) -> Outcome<CompiledSite> {
    site.compile(&CompileOptions::default())
        .map_err(|errors| errors.first().map_or_else(String::new, ToString::to_string).into())
}

/// The ground floor.
pub(super) fn ground(site: &CompiledSite) -> Outcome<&LevelGeometry> {
    Ok(&site.levels().first().ok_or("a site without a level")?.geometry)
}

/// Centre lines of the walls.
pub(super) fn lines(geometry: &LevelGeometry) -> Vec<(Point2<f64>, Point2<f64>)> {
    geometry.walls().map(|(a, b, _)| (a, b)).collect()
}

fn text(name: &str) -> Option<String> {
    let path = shared().join("maps/rmf").join(format!("{name}.building.yaml"));
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        anstream::eprintln!("SKIPPED: no map at {}", path.display());
    }
    text
}

/// One of the public Open-RMF maps, when they are at hand.
pub(super) fn rmf(name: &str) -> Outcome<Option<CompiledSite>> {
    text(name).map(|text| compile(&import_building(&text)?.0)).transpose()
}

/// From the text of a file to a compiled site with its indexes.
pub(super) fn import(name: &str, map: &str, runs: usize) -> Outcome<Figure> {
    let text = text(map).ok_or("no map")?;
    let once = || -> Outcome<CompiledSite> { compile(&import_building(&text)?.0) };
    once()?;
    let times = (0..runs).map(|_| seconds(once) * 1e3).collect();
    Ok(Figure::alone("map", name, median(times), "ms"))
}

/// `lint_clinic_ms`: every lint over an imported site for one class of robots, compiling included. The clinic declares no
/// exits; `lint_clinic_all_exits_ms` takes every door for one, and then looks for the ways to them in the free space of
/// each level.
pub(super) fn lint(name: &str, runs: usize) -> Outcome<[Figure; 2]> {
    let (site, imported) = import_building(&text(name).ok_or("no map")?)?;
    let class = FootprintClass::round("robot", Mm(250), Mm(150));
    let options = CompileOptions::new(vec![class]);
    let figure = |figure: &'static str, exits: ExitDoors| -> Outcome<Figure> {
        let mut profile = BuildingProfile::default();
        profile.building.exits = exits;
        let once = || lint::check(&site, &options, Some(&imported), &profile);
        let report = once();
        if !report.complete || report.findings.is_empty() {
            return Err(format!("{name} compiles and has faults; the lint says {:?}", report.findings).into());
        }
        let times = (0..runs).map(|_| seconds(once) * 1e3).collect();
        Ok(Figure::alone("map", figure, median(times), "ms"))
    };
    Ok([figure("lint_clinic_ms", ExitDoors::Declared)?, figure("lint_clinic_all_exits_ms", ExitDoors::All)?])
}
