//! Rasters of ROS `map_server`: a YAML file and a grey image per level, and masks where zones ask for them.
//!
//! A cell is occupied when a wall or an obstacle may reach into it, free when all of it lies in the mapped area, and unknown
//! otherwise, so what is free in the raster is free in the site. Zones that no robot enters become a keepout mask, speed
//! limits a speed mask: a cell that a zone may reach into belongs to the zone.

use crate::{
    CompileOptions,
    geometry::{LevelGeometry, Point, point_to_segment, ring_contains, sides},
    model::{Lift, Site, Zone, ZoneKind},
};

use super::{
    ExportError, ExportFile, ExportOptions, ExportReport, Exported, name,
    network::{Written, indices, levels},
    report::Leaf,
    text::{number, quoted},
};

/// The most cells of a raster; the importer reads as many.
const CELLS_MAX: u32 = 1 << 24;
const OCCUPIED: u8 = 0;
const UNKNOWN: u8 = 205;
const FREE: u8 = 254;
/// The steps of a speed mask.
const STEPS: f64 = 100.0;

pub(super) fn export(site: &Site, options: &ExportOptions<'_>) -> Exported {
    let resolution_m = options.resolution_m;
    if !(0.001..=10.0).contains(&resolution_m) {
        return Err(ExportError::OutOfRange {
            element: "the options".to_owned(),
            field: "resolution_m",
            value: resolution_m,
            rule: "from 0.001 to 10 m",
        });
    }
    if options.roadmap.is_some() {
        return Err(ExportError::Nothing { what: "roadmap", place: " in a raster".to_owned() });
    }
    let compiled = site.compile(&CompileOptions::default()).map_err(ExportError::Site)?;
    let mut all = levels(site, options)?;
    let geometry =
        |name: &str| compiled.levels().iter().find(|level| level.name == name).map(|level| &level.geometry);
    let has_bounds = |name: &str| geometry(name).is_some_and(|geometry| geometry.bounds().is_some());
    let (mut report, mut written) = (ExportReport::default(), Written::default());
    if options.level.is_none() {
        all.retain(|level| has_bounds(level));
    }
    let (mut files, mut names) = (Vec::new(), name::Names::new(options.name));
    for level in &all {
        let Some(geometry) = geometry(level).filter(|_| has_bounds(level)) else {
            return Err(ExportError::Nothing {
                what: "wall and room",
                place: format!(" on level {level:?}"),
            });
        };
        let part = Some(*level).filter(|_| 1 < all.len());
        Sheet { site, level, geometry, frame: Frame::around(level, geometry, resolution_m)? }.write(
            &names.stem(part),
            name::yaml_ending(options.name),
            &mut files,
            &mut report,
            &mut written,
        )?;
    }
    if files.is_empty() {
        return Err(ExportError::Nothing { what: "wall and room", place: String::new() });
    }
    let is_here = |level: &str| all.contains(&level);
    written.add("room", indices(&site.rooms, |room| is_here(&room.level)));
    written.add("wall", indices(&site.walls, |wall| is_here(&wall.level)));
    written.add("door", indices(&site.doors, |door| is_here(&door.level)));
    written.add("obstacle", indices(&site.obstacles, |obstacle| is_here(&obstacle.level)));
    written.add("level", indices(&site.levels, |level| is_here(&level.id)));
    let visits = |lift: &Lift| lift.doors.iter().any(|door| is_here(&door.level));
    written.add("lift", indices(&site.lifts, visits));
    // The cabin is drawn on the levels that it visits, and its doors where they are.
    let is_drawn = |leaf: &Leaf<'_>| match leaf.field {
        "at" | "yaw_rad" | "width_m" | "depth_m" => written.has("lift", leaf.index),
        "door.from" | "door.to" | "door.level" => {
            let door = site.lifts.get(leaf.index).and_then(|lift| lift.doors.get(leaf.item?));
            door.is_some_and(|door| is_here(&door.level))
        }
        _ => false,
    };
    report.tally(site, |leaf| match leaf.table {
        "lift" => is_drawn(leaf),
        _ => is_carried(leaf, 1 < all.len(), &written),
    });
    name::distinct(&files)?;
    Ok((files, report))
}

fn is_carried(leaf: &Leaf<'_>, several: bool, written: &Written) -> bool {
    match (leaf.table, leaf.field) {
        ("level", "id") | ("room" | "wall" | "door" | "obstacle" | "zone", "level") => {
            several && written.has(leaf.table, leaf.index)
        }
        ("room", "polygon" | "holes" | "walled")
        | ("wall", "from" | "to" | "thickness_m")
        | ("door", "from" | "to")
        | ("obstacle", "polygon")
        | ("zone", "polygon" | "kind" | "speed_limit_mps") => written.has(leaf.table, leaf.index),
        _ => false,
    }
}

/// Where the cells are.
#[derive(Clone, Copy, Debug)]
struct Frame {
    resolution_m: f64,
    /// Lower left corner.
    origin: [f64; 2],
    width: usize,
    height: usize,
}

impl Frame {
    /// Cells that cover the level and one more on every side, their corners at multiples of their size.
    fn around(level: &str, geometry: &LevelGeometry, resolution_m: f64) -> Result<Self, ExportError> {
        let (low, high) = geometry.bounds().unwrap_or_default();
        // A wall is wider than its centre line.
        let thick_m = geometry.walls().map(|(.., thickness_m)| thickness_m / 2.0).fold(0.0, f64::max);
        let first = |value: f64| libm::floor((value - thick_m) / resolution_m) - 1.0;
        let past = |value: f64| libm::ceil((value + thick_m) / resolution_m) + 1.0;
        let (width, height) = (past(high.x) - first(low.x), past(high.y) - first(low.y));
        if f64::from(CELLS_MAX) < width * height {
            let level = level.to_owned();
            return Err(ExportError::TooManyCells { level, width, height, resolution_m, limit: CELLS_MAX });
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 2^24, at least 2"
        )]
        let [width, height] = [width, height].map(|cells| cells as usize);
        let origin = [first(low.x) * resolution_m, first(low.y) * resolution_m];
        Ok(Self { resolution_m, origin, width, height })
    }

    /// From a cell's centre to its corners, with something for rounding.
    fn half_diagonal_m(&self) -> f64 {
        self.resolution_m * core::f64::consts::FRAC_1_SQRT_2 + 1e-9
    }

    /// An image whose first row is the highest.
    #[expect(clippy::cast_precision_loss, reason = "a raster has at most 2^24 cells")]
    fn image(&self, grey: impl Fn(Point) -> u8) -> Vec<u8> {
        let mut bytes = format!("P5\n{} {}\n255\n", self.width, self.height).into_bytes();
        let centre = |cell: usize, origin: f64| origin + (cell as f64 + 0.5) * self.resolution_m;
        for row in (0..self.height).rev() {
            let y = centre(row, self.origin[1]);
            bytes.extend((0..self.width).map(|column| grey(Point::new(centre(column, self.origin[0]), y))));
        }
        bytes
    }

    fn yaml(&self, image: &str, more: &str) -> String {
        format!(
            "image: {}\nresolution: {}\norigin: [{}, {}, 0.0]\nnegate: 0\n{more}",
            quoted(image),
            number(self.resolution_m),
            number(self.origin[0]),
            number(self.origin[1]),
        )
    }
}

const TRINARY: &str = "mode: trinary\noccupied_thresh: 0.65\nfree_thresh: 0.196\n";

struct Sheet<'a> {
    site: &'a Site,
    level: &'a str,
    geometry: &'a LevelGeometry,
    frame: Frame,
}

impl Sheet<'_> {
    fn write(
        &self,
        stem: &str,
        ending: &str,
        files: &mut Vec<ExportFile>,
        report: &mut ExportReport,
        written: &mut Written,
    ) -> Result<(), ExportError> {
        let mut add = |suffix: &str, more: &str, image: Vec<u8>| {
            let image_name = format!("{stem}{suffix}.pgm");
            let yaml = self.frame.yaml(&image_name, more);
            let ending = if suffix.is_empty() { ending } else { ".yaml" };
            files.push(ExportFile::new(format!("{stem}{suffix}{ending}"), yaml));
            files.push(ExportFile::new(image_name, image));
        };
        add("", TRINARY, self.map());
        if !self.geometry.has_area() {
            report.warn(format!("level {:?}", self.level), "it has no room: what is no wall is unknown");
        }
        let keepout = self.zones(|zone| matches!(zone.kind, ZoneKind::Blocked | ZoneKind::HumanOnly));
        if !keepout.is_empty() {
            let is_in = self.reach(&keepout);
            add(
                "_keepout",
                TRINARY,
                self.frame.image(|p| if is_in(p).next().is_some() { OCCUPIED } else { FREE }),
            );
        }
        let speed = self.zones(|zone| zone.kind == ZoneKind::SpeedLimit);
        if !speed.is_empty() {
            let (base_mps, more) = self.scale(&speed, report)?;
            let is_in = self.reach(&speed);
            let grey = |p: Point| {
                let limit = is_in(p).filter_map(|zone| zone.speed_limit_mps).reduce(f64::min);
                limit.map_or(u8::MAX, |limit_mps| speed_grey(limit_mps, base_mps))
            };
            add("_speed", &more, self.frame.image(grey));
        }
        for (index, zone) in keepout.iter().chain(&speed) {
            written.add("zone", [*index]);
            if !zone.classes.is_empty() || !zone.schedules.is_empty() {
                report.warn(format!("zone {:?}", zone.id), "in a mask it counts always and for everybody");
            }
        }
        Ok(())
    }

    fn zones(&self, keep: impl Fn(&Zone) -> bool) -> Vec<(usize, &Zone)> {
        let zones = self.site.zones.iter().enumerate();
        zones.filter(|(_, zone)| zone.level == self.level && keep(zone)).collect()
    }

    fn map(&self) -> Vec<u8> {
        let near_m = self.frame.half_diagonal_m();
        let obstacles = self.site.obstacles.iter().filter(|obstacle| obstacle.level == self.level);
        let obstacles: Vec<Outline> = obstacles.map(|obstacle| Outline::new(&obstacle.polygon)).collect();
        self.frame.image(|p| {
            if self.geometry.wall_clearance(p) <= near_m
                || obstacles.iter().any(|outline| outline.reaches(p, near_m))
            {
                OCCUPIED
            } else if self.geometry.inside(p) && near_m < self.geometry.boundary_clearance(p) {
                FREE
            } else {
                UNKNOWN
            }
        })
    }

    /// The zones that reach into the cell around a centre.
    fn reach<'z>(
        &self,
        zones: &[(usize, &'z Zone)],
    ) -> impl Fn(Point) -> Box<dyn Iterator<Item = &'z Zone> + 'z> {
        let outlines: Vec<(Outline, &'z Zone)> =
            zones.iter().map(|(_, zone)| (Outline::new(&zone.polygon), *zone)).collect();
        let near_m = self.frame.half_diagonal_m();
        move |p| {
            let hit: Vec<&'z Zone> = outlines
                .iter()
                .filter(|(outline, _)| outline.reaches(p, near_m))
                .map(|(_, zone)| *zone)
                .collect();
            Box::new(hit.into_iter())
        }
    }

    /// The speed that value 0 of the mask would stand for, and the rest of its YAML.
    fn scale(
        &self,
        zones: &[(usize, &Zone)],
        report: &mut ExportReport,
    ) -> Result<(f64, String), ExportError> {
        let limits = || zones.iter().filter_map(|(_, zone)| Some((zone.id.as_str(), zone.speed_limit_mps?)));
        let most_mps = limits().map(|(_, limit_mps)| limit_mps).fold(0.0, f64::max);
        let base_mps = libm::floor(most_mps) + 1.0;
        // A limit of 0 means no limit to whoever reads the mask.
        if let Some((zone, value)) = limits().find(|(_, limit_mps)| *limit_mps < base_mps / STEPS) {
            return Err(ExportError::OutOfRange {
                element: format!("zone {zone:?}"),
                field: "speed_limit_mps",
                value,
                rule: "at least a hundredth of the highest limit, rounded up to whole metres per second",
            });
        }
        let multiplier = -base_mps / STEPS;
        report.warn(
            format!("level {:?}", self.level),
            format!(
                "the speed mask means base {base_mps} m/s and multiplier {multiplier} m/s: limits are rounded down to \
                 {} m/s, and the reader has to be told both numbers",
                -multiplier
            ),
        );
        let more = format!(
            "# Filter info for absolute speeds: base {base_mps}, multiplier {multiplier}.\nmode: scale\n\
             occupied_thresh: 1.0\nfree_thresh: 0.0\n"
        );
        Ok((base_mps, more))
    }
}

/// The grey of a limit, rounded down to a step.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 255")]
fn speed_grey(limit_mps: f64, base_mps: f64) -> u8 {
    // What is a whole number of steps stays so in spite of rounding.
    let value = libm::ceil((base_mps - limit_mps) / base_mps * STEPS - 1e-9).clamp(1.0, STEPS - 1.0);
    libm::round(255.0 - 255.0 * value / STEPS) as u8
}

/// A polygon and the box around it.
struct Outline {
    ring: Vec<Point>,
    low: Point,
    high: Point,
}

impl Outline {
    fn new(ring: &[[f64; 2]]) -> Self {
        let ring: Vec<Point> = ring.iter().map(|corner| Point::from(*corner)).collect();
        let low = ring.iter().copied().reduce(|a, b| a.inf(&b)).unwrap_or_default();
        let high = ring.iter().copied().reduce(|a, b| a.sup(&b)).unwrap_or_default();
        Self { ring, low, high }
    }

    /// Whether a point is in it or at most this far from its outline.
    fn reaches(&self, p: Point, near_m: f64) -> bool {
        let in_box = self.low.x - near_m <= p.x
            && p.x <= self.high.x + near_m
            && self.low.y - near_m <= p.y
            && p.y <= self.high.y + near_m;
        in_box
            && (ring_contains(&self.ring, p)
                || sides(&self.ring).any(|(a, b)| point_to_segment(p, a, b) <= near_m))
    }
}
