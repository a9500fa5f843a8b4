//! A failing case in one file: what was done, where, to what, by which software; to be played again elsewhere.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sheepdog_core::{Micros, Mm};
use sheepdog_ledger::Digest;
use sheepdog_map::{FootprintClass, Site};

use super::{Case, Course, DriverUnderTest, Limits, Rehearsed, case::seconds, rehearse};

/// Version of the form. A case names conditions by their place in `Condition::ALL`, to which new ones are only added.
const SCHEMA: u32 = 1;
/// The longest case that is read.
const CASE_MAX: Micros = Micros::from_secs(3_600);

/// Everything that it takes to see a broken promise again, but for the driver.
///
/// ```
/// use sheepdog_testkit::contract::{Act, Bundle, Case, Course, Deed, Limits, Simulated, rehearse};
/// # use sheepdog_core::Micros;
/// # fn main() -> Result<(), String> {
/// let course = Course::standard()?;
/// let case = Case { seed: 1, acts: vec![Act { deed: Deed::Release(2), then: Micros::from_secs(3) }] };
/// let played = rehearse(&mut Simulated::new(&course)?, &course, &Limits::SIMULATED, &case);
/// let file = Bundle::new("the simulated robot", &course, &Limits::SIMULATED, &case, &played)?.to_json()?;
///
/// // Elsewhere, and later.
/// let again = Bundle::from_json(&file)?.replay(|course| Simulated::new(course).unwrap())?;
/// assert!(again.same && again.other_version.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    schema: u32,
    /// Name and version of the kit that wrote it.
    pub kit: String,
    /// Digest of the interlock's rules that decided.
    pub rules: String,
    /// Name and version of the driver.
    pub driver: String,
    /// What it declares.
    pub limits: Limits,
    /// The case.
    pub case: Case,
    /// The promise that was broken, if one was.
    pub promise: Option<String>,
    /// Digest of where the robot was and what it decided at every tick.
    pub digest: String,
    course: WrittenCourse,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCourse {
    /// The site, in its own format.
    site: String,
    class: String,
    radius: Mm,
    half_width: Mm,
    margin: Mm,
    from: String,
    to: String,
}

/// What came of a bundle that was played again.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The case.
    pub rehearsed: Rehearsed,
    /// Whether the robot was at the same places and decided the same at every tick, to the last bit.
    pub same: bool,
    /// What wrote the bundle, if that is not what runs here: then a difference says nothing about the driver.
    pub other_version: Option<String>,
}

/// Text for a comment of one line.
fn plain(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

fn kit() -> String {
    concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned()
}

fn rules() -> String {
    sheepdog_fleet::catalogues_digest(&[sheepdog_interlock::CATALOGUE]).to_string()
}

impl Bundle {
    /// The bundle of a case that was played.
    ///
    /// # Errors
    /// Text that says what of the course cannot be written down.
    pub fn new(
        driver: &str,
        course: &Course,
        limits: &Limits,
        case: &Case,
        played: &Rehearsed,
    ) -> Result<Self, String> {
        let claims = course.site.classes().first().ok_or("the course has no footprint")?;
        let FootprintClass { name, radius, half_width, margin } = claims.class.clone();
        let whole = course.clone();
        let named = |waypoint| {
            let waypoint = course.site.waypoint(waypoint);
            waypoint.map(|waypoint| waypoint.name.clone()).ok_or("the course ends nowhere")
        };
        let course = WrittenCourse {
            site: course.site.authored().to_toml().map_err(|error| error.to_string())?,
            class: name,
            radius,
            half_width,
            margin,
            from: named(course.from)?,
            to: named(course.origin(course.lanes.len()))?,
        };
        let bundle = Self {
            schema: SCHEMA,
            kit: kit(),
            rules: rules(),
            driver: driver.to_owned(),
            limits: *limits,
            case: case.clone(),
            promise: played.breach.as_ref().map(|breach| breach.promise.to_owned()),
            digest: played.digest().to_string(),
            course,
        };
        let again = bundle.course()?;
        if again.lanes != whole.lanes || again.agent != whole.agent {
            return Err("the course is not the quickest way of robot 0 between its ends".to_owned());
        }
        Ok(bundle)
    }

    /// The file.
    ///
    /// # Errors
    /// None in practice: every value is a text, a number or a list.
    pub fn to_json(&self) -> Result<String, String> {
        serde_json::to_string_pretty(self).map_err(|error| error.to_string())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Text that names line and column of what cannot be read, or the version.
    pub fn from_json(json: &str) -> Result<Self, String> {
        let bundle: Self = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if bundle.schema != SCHEMA {
            return Err(format!("schema {} of a bundle is not known, {SCHEMA} is", bundle.schema));
        }
        let span = bundle.case.span();
        if CASE_MAX < span {
            return Err(format!("the case lasts {span}, at most {CASE_MAX} are played"));
        }
        Ok(bundle)
    }

    /// Where it was played.
    ///
    /// # Errors
    /// Text that says what of the site does not fit.
    pub fn course(&self) -> Result<Course, String> {
        let WrittenCourse { site, class, radius, half_width, margin, from, to } = &self.course;
        let site = Site::from_toml(site).map_err(|error| error.to_string())?;
        let class =
            FootprintClass { name: class.clone(), radius: *radius, half_width: *half_width, margin: *margin };
        Course::new(&site, class, from, to)
    }

    /// Plays it again.
    ///
    /// # Errors
    /// As [`course`](Self::course).
    pub fn replay<D: DriverUnderTest>(&self, make: impl FnOnce(&Course) -> D) -> Result<Replayed, String> {
        let course = self.course()?;
        let rehearsed = rehearse(&mut make(&course), &course, &self.limits, &self.case);
        let is_other = self.kit != kit() || self.rules != rules();
        Ok(Replayed {
            same: rehearsed.digest().to_string() == self.digest,
            rehearsed,
            other_version: is_other.then(|| format!("{}, rules {}", self.kit, self.rules)),
        })
    }

    /// The same with the shortest case that breaks the promise.
    ///
    /// # Errors
    /// As [`course`](Self::course), and when the case breaks no promise.
    pub fn shrink<D: DriverUnderTest>(&self, make: impl FnOnce(&Course) -> D) -> Result<Self, String> {
        let course = self.course()?;
        let mut driver = make(&course);
        let mut breaks = |case: &Case| {
            let played = rehearse(&mut driver, &course, &self.limits, case);
            played.breach.map(|breach| breach.promise)
        };
        let promise = breaks(&self.case).ok_or("the case breaks no promise of this driver")?;
        let least = self.case.shrink(|case| breaks(case) == Some(promise));
        let played = rehearse(&mut driver, &course, &self.limits, &least);
        Self::new(&self.driver, &course, &self.limits, &least, &played)
    }

    /// A Rust function of this name, which has to be an identifier. It plays the case on whatever driver it is given, and
    /// panics as long as a promise is broken: a test calls it.
    pub fn rust_test(&self, name: &str) -> String {
        let mut acts = String::new();
        for act in &self.case.acts {
            // Writing to a String cannot fail.
            let _ = writeln!(
                acts,
                "        Act {{ deed: {}, then: Micros::from_millis({}) }},",
                act.deed.rust(),
                act.then.as_millis()
            );
        }
        let promise = plain(self.promise.as_deref().unwrap_or("no promise"));
        let WrittenCourse { site, class, radius, half_width, margin, from, to } = &self.course;
        format!(
            "// {head}: {promise}.\n\
             #[rustfmt::skip]\n\
             pub fn {name}<D: sheepdog_testkit::contract::DriverUnderTest>(\n\
             \x20   make: impl FnOnce(&sheepdog_testkit::contract::Course) -> D,\n\
             ) {{\n\
             \x20   #[allow(unused_imports)]\n\
             \x20   use sheepdog_testkit::{{\n\
             \x20       contract::{{Act, Case, Course, Deed, Limits, Pace, rehearse}},\n\
             \x20       map::{{FootprintClass, Site}},\n\
             \x20       vocabulary::{{Micros, Mm, MmPerS, MmPerS2}},\n\
             \x20   }};\n\
             \x20   let site = Site::from_toml(r####\"{site}\"####).unwrap();\n\
             \x20   let (radius, half_width, margin) = (Mm({radius}), Mm({half_width}), Mm({margin}));\n\
             \x20   let class = FootprintClass {{ name: {class:?}.to_owned(), radius, half_width, margin }};\n\
             \x20   let course = Course::new(&site, class, {from:?}, {to:?}).unwrap();\n\
             \x20   let acts = vec![\n{acts}\x20   ];\n\
             \x20   let case = Case {{ seed: {seed}, acts }};\n\
             \x20   let limits = {limits};\n\
             \x20   let played = rehearse(&mut make(&course), &course, &limits, &case);\n\
             \x20   assert_eq!(played.breach, None, \"{{case}}\");\n\
             }}\n",
            head = plain(&format!("{}, {}", self.driver, self.kit)),
            radius = radius.0,
            half_width = half_width.0,
            margin = margin.0,
            seed = self.case.seed,
            limits = self.limits.rust(),
        )
    }
}

impl Rehearsed {
    /// Digest of where the robot was and what it decided at every tick, to the last bit.
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        for (level, x_m, y_m) in &self.trail {
            hash.update(level.0.to_le_bytes());
            hash.update(x_m.to_bits().to_le_bytes());
            hash.update(y_m.to_bits().to_le_bytes());
        }
        for step in &self.steps {
            step.record.write(&mut |word| hash.update(word.to_le_bytes()));
        }
        Digest(hash.finalize().into())
    }

    /// What was done and seen, a line each; of the decisions those that differ from the one before.
    pub fn timeline(&self) -> String {
        let start = self.steps.first().map(|step| step.record.at);
        let mut lines: Vec<(Micros, String)> = self.story.clone();
        let mut before = None;
        for step in &self.steps {
            let decision = &step.record.decision;
            let key = (decision.verdict, decision.primary);
            if before.replace(key) != Some(key) {
                let at = start.and_then(|start| step.record.at.since(start)).unwrap_or_default();
                let evidence = decision.evidence;
                let text = format!(
                    "  {:?} by {}: {} against {}",
                    decision.verdict, decision.primary, evidence.measured, evidence.limit
                );
                lines.push((at, text));
            }
        }
        lines.sort_by_key(|(at, _)| *at);
        let told = lines.iter().map(|(at, text)| format!("{:>8}  {text}\n", seconds(*at)));
        told.collect()
    }
}
