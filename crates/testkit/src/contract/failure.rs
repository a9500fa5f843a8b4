//! What went wrong, told in a screenful, and drawn.

use std::{
    fmt::{self, Write as _},
    path::{Path, PathBuf},
};

use sheepdog_core::{LevelId, Micros};

use super::{Breach, Case, Check, Course, PROMISES, Rehearsed, case::seconds};
use crate::{check::Violation, drill::Drill};

/// Lines of the story that a failure tells, at most.
const STORY_MAX: usize = 10;

/// A broken promise, and how to see it again.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    /// The check that found it.
    pub check: Check,
    /// The promise in [`PROMISES`]; empty for one of a drill.
    pub promise: String,
    /// When it showed and what was seen.
    pub what: String,
    /// The seed of the check.
    pub seed: u64,
    /// The number of the case, if it was drawn.
    pub number: Option<u64>,
    /// What was done, one thing a line.
    pub script: String,
    /// What the kit did and saw last.
    pub story: Vec<String>,
    /// A picture of it.
    pub svg: Option<String>,
}

impl Failure {
    pub(super) fn of_case(
        check: Check,
        seed: u64,
        number: Option<u64>,
        case: &Case,
        played: &Rehearsed,
        course: &Course,
    ) -> Self {
        let (promise, at, what) = match &played.breach {
            Some(Breach { promise, at, what }) => ((*promise).to_owned(), *at, what.clone()),
            None => (String::new(), Micros::ZERO, "it does not happen every time".to_owned()),
        };
        let last = played.story.len().saturating_sub(STORY_MAX);
        let story = played.story.iter().skip(last);
        Self {
            check,
            promise,
            what: format!("{} after {}", what, seconds(at)),
            seed,
            number,
            script: case.to_string(),
            story: story.map(|(at, text)| format!("{:>8}  {text}", seconds(*at))).collect(),
            svg: Some(draw(course, &played.trail)),
        }
    }

    pub(super) fn of_drill(check: Check, seed: u64, drill: &Drill, violation: &Violation) -> Self {
        let faults: Vec<_> = drill.faults.iter().map(|fault| fault.name).collect();
        let script = format!("  {} while {}, seed {}", faults.join(" and "), drill.state, drill.seed);
        Self::plain(check, seed, "", script, violation.message.clone())
    }

    pub(super) fn plain(check: Check, seed: u64, promise: &str, script: String, what: String) -> Self {
        let (promise, story) = (promise.to_owned(), Vec::new());
        Self { check, promise, what, seed, number: None, script, story, svg: None }
    }

    /// The line that plays it again.
    pub fn again(&self) -> String {
        let case = self.number.map_or_else(String::new, |number| format!(" SHEEPDOG_CONTRACT_CASE={number}"));
        format!("SHEEPDOG_CONTRACT_SEED={}{case} cargo test {}", self.seed, self.check.name())
    }

    /// Writes the picture into a folder, which is made if it is not there. Returns its path; `None` without a picture.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write_svg(&self, folder: &Path) -> std::io::Result<Option<PathBuf>> {
        let Some(svg) = &self.svg else { return Ok(None) };
        std::fs::create_dir_all(folder)?;
        let number = self.number.map_or_else(String::new, |number| format!("-{number}"));
        let path = folder.join(format!("{}-{}{number}.svg", self.check.name(), self.seed));
        std::fs::write(&path, svg)?;
        Ok(Some(path))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} {}", self.check.name(), self.promise, self.what)?;
        if let Some((_, text)) = PROMISES.iter().find(|(id, _)| *id == self.promise) {
            writeln!(f, "promised: {text}")?;
        }
        writeln!(f, "what was done:\n{}", self.script)?;
        if !self.story.is_empty() {
            writeln!(f, "what was seen last:")?;
            for line in &self.story {
                writeln!(f, "  {line}")?;
            }
        }
        write!(f, "again: {}", self.again())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

/// Walls, lanes and where the robot went, level beside level. A metre is forty units.
fn draw(course: &Course, trail: &[(LevelId, f64, f64)]) -> String {
    const SCALE: f64 = 40.0;
    let mut shapes = String::new();
    let (mut left_m, mut height_m) = (0.0, 0.0_f64);
    for (number, level) in (0..).zip(course.site.levels()) {
        let Some((least, most)) = level.geometry.bounds() else { continue };
        let x = |x_m: f64| (left_m + x_m - least.x + 0.5) * SCALE;
        let y = |y_m: f64| (most.y - y_m + 0.5) * SCALE;
        let mut line = |a: (f64, f64), b: (f64, f64), style: &str| {
            // Writing to a String cannot fail.
            let _ = writeln!(
                shapes,
                r#"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" {style}/>"#,
                x(a.0),
                y(a.1),
                x(b.0),
                y(b.1)
            );
        };
        for (a, b, _) in level.geometry.walls() {
            line((a.x, a.y), (b.x, b.y), r##"stroke="#444" stroke-width="4""##);
        }
        for lane in &course.lanes {
            let ends = course.site.lane(*lane).map(|lane| (lane.from, lane.to));
            let place = |waypoint| course.site.waypoint(waypoint).filter(|at| at.level.0 == number);
            if let Some((from, to)) = ends
                && let (Some(from), Some(to)) = (place(from), place(to))
            {
                line((from.at.x, from.at.y), (to.at.x, to.at.y), r##"stroke="#9bd" stroke-width="6""##);
            }
        }
        let here: Vec<_> = trail.iter().filter(|(level, ..)| level.0 == number).collect();
        for pair in here.windows(2) {
            if let [(_, ax, ay), (_, bx, by)] = pair {
                line((*ax, *ay), (*bx, *by), r##"stroke="#c30" stroke-width="2""##);
            }
        }
        if let Some((_, end_x, end_y)) = trail.last().filter(|(level, ..)| level.0 == number) {
            let _ = writeln!(
                shapes,
                r##"<circle cx="{:.1}" cy="{:.1}" r="9" fill="none" stroke="#c30" stroke-width="3"/>"##,
                x(*end_x),
                y(*end_y)
            );
        }
        let _ = writeln!(
            shapes,
            r#"<text x="{:.1}" y="{:.1}" font-size="14" font-family="sans-serif">{}</text>"#,
            x(least.x),
            y(most.y) - 6.0,
            escaped(&level.name)
        );
        left_m += most.x - least.x + 1.0;
        height_m = height_m.max(most.y - least.y + 1.0);
    }
    let (width, height) = (left_m * SCALE, height_m * SCALE);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{shapes}</svg>\n"
    )
}

/// Text as it stands in XML and HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
