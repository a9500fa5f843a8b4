//! The report of a contract: one HTML file, JSON, and `JUnit`.

use std::{collections::BTreeMap, fmt::Write as _, io, path::Path};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    Check, Course, DriverUnderTest, Limits, Margin, Options, Outcome, Tier, Verdict, failure::escaped, run,
};

/// Version of the JSON form.
const SCHEMA: u32 = 1;
/// What stands first in every form: no test certifies a robot.
const DISCLAIMER: &str = "not certified";

/// What came of all checks of a driver.
#[derive(Clone, Debug)]
pub struct Report {
    /// The driver's name and version.
    pub driver: String,
    /// What it declares.
    pub limits: Limits,
    /// How much was checked.
    pub options: Options,
    /// Each check.
    pub outcomes: Vec<Outcome>,
}

#[derive(Serialize)]
struct Written<'a> {
    certification: &'static str,
    schema: u32,
    kit: &'static str,
    driver: &'a str,
    limits: String,
    limits_digest: String,
    seed: u64,
    cases: u64,
    tiers: Vec<WrittenTier>,
}

#[derive(Serialize)]
struct WrittenTier {
    tier: String,
    verdict: &'static str,
    checks: Vec<WrittenCheck>,
}

#[derive(Serialize)]
struct WrittenCheck {
    name: &'static str,
    verdict: &'static str,
    runs: u64,
    failure: Option<String>,
    again: Option<String>,
    not_tried: Vec<String>,
    margins: Vec<WrittenMargin>,
    faults: Vec<WrittenFault>,
}

#[derive(Serialize)]
struct WrittenMargin {
    what: &'static str,
    unit: &'static str,
    count: usize,
    median: f64,
    worst: f64,
    worst_share_of_limit: f64,
}

#[derive(Serialize)]
struct WrittenFault {
    faults: Vec<&'static str>,
    state: String,
    effect_ms: Option<u64>,
    found: BTreeMap<String, u64>,
    stopped_by: Option<String>,
    stopped_after_ms: Option<u64>,
    way_mm: Option<u32>,
    expected_mm: Option<u32>,
    end: String,
}

impl Report {
    /// Plays every check.
    pub fn of(
        name: &str,
        driver: &mut dyn DriverUnderTest,
        course: &Course,
        limits: &Limits,
        options: Options,
    ) -> Self {
        let outcomes = Check::ALL.iter().map(|check| run(*check, driver, course, limits, options)).collect();
        Self { driver: name.to_owned(), limits: *limits, options, outcomes }
    }

    /// How a tier ended: failed if a check has, else incomplete if one is, else passed.
    pub fn verdict(&self, tier: Tier) -> &'static str {
        let of_tier = self.outcomes.iter().filter(|outcome| outcome.check.tier() == tier);
        let words: Vec<_> = of_tier.map(|outcome| word(&outcome.verdict)).collect();
        ["fail", "incomplete", "pass"].into_iter().find(|word| words.contains(word)).unwrap_or("incomplete")
    }

    /// Whether every tier has passed and nothing was left out.
    pub fn has_passed(&self) -> bool {
        [Tier::Functional, Tier::Failures, Tier::Explained]
            .into_iter()
            .all(|tier| self.verdict(tier) == "pass")
    }

    /// The report as JSON; field `certification` stands first.
    ///
    /// # Errors
    /// None in practice: every value is a text, a number or a list.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        // The disclaimer goes into the first line.
        let json = serde_json::to_string_pretty(&self.written())?;
        Ok(json.replacen("{\n  ", "{ ", 1))
    }

    fn written(&self) -> Written<'_> {
        let limits = format!("{:?}", self.limits);
        let tiers = [Tier::Functional, Tier::Failures, Tier::Explained];
        Written {
            certification: DISCLAIMER,
            schema: SCHEMA,
            kit: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")),
            driver: &self.driver,
            limits_digest: sheepdog_ledger::Digest(Sha256::digest(limits.as_bytes()).into()).to_string(),
            limits,
            seed: self.options.seed,
            cases: self.options.cases,
            tiers: tiers
                .into_iter()
                .map(|tier| WrittenTier {
                    tier: tier.to_string(),
                    verdict: self.verdict(tier),
                    checks: self.of_tier(tier).map(written_check).collect(),
                })
                .collect(),
        }
    }

    fn of_tier(&self, tier: Tier) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(move |outcome| outcome.check.tier() == tier)
    }

    /// The report as `JUnit` XML: a suite for each tier, a case for each check. What is incomplete is an error, for a build
    /// server that knows of nothing between passed and failed.
    pub fn junit(&self) -> String {
        let mut xml =
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?> <!-- {DISCLAIMER} -->\n<testsuites>\n");
        for tier in [Tier::Functional, Tier::Failures, Tier::Explained] {
            let checks: Vec<_> = self.of_tier(tier).collect();
            let count = |wanted| checks.iter().filter(|outcome| word(&outcome.verdict) == wanted).count();
            // Writing to a String cannot fail.
            let _ = writeln!(
                xml,
                "  <testsuite name=\"{} ({DISCLAIMER})\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
                escaped(&tier.to_string()),
                checks.len(),
                count("fail"),
                count("incomplete")
            );
            for outcome in checks {
                let (name, driver) = (outcome.check.name(), escaped(&self.driver));
                let _ = write!(xml, "    <testcase classname=\"{driver}\" name=\"{name}\">");
                let _ = match &outcome.verdict {
                    Verdict::Pass => Ok(()),
                    Verdict::Fail(failure) => write!(
                        xml,
                        "<failure message=\"{}\">{}</failure>",
                        escaped(&failure.what),
                        escaped(&failure.to_string())
                    ),
                    Verdict::Incomplete(what) => {
                        let what: Vec<_> = what.iter().map(String::as_str).collect();
                        write!(xml, "<error message=\"incomplete\">{}</error>", escaped(&what.join("\n")))
                    }
                };
                xml.push_str("</testcase>\n");
            }
            xml.push_str("  </testsuite>\n");
        }
        xml.push_str("</testsuites>\n");
        xml
    }

    /// The report as one HTML file that needs nothing else.
    pub fn html(&self) -> String {
        let mut html = format!(
            "<!doctype html> <!-- {DISCLAIMER} -->\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{DISCLAIMER}: {driver}</title>\n\
             <style>{STYLE}</style>\n<p class=\"no\">This robot is {DISCLAIMER}. No test replaces an assessment by people who \
             answer for it.</p>\n<h1>{driver}</h1>\n<p>{kit}, seed {seed}, {cases} random cases of each kind. Declared: \
             <code>{limits}</code></p>\n",
            driver = escaped(&self.driver),
            kit = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")),
            seed = self.options.seed,
            cases = self.options.cases,
            limits = escaped(&format!("{:?}", self.limits)),
        );
        for tier in [Tier::Functional, Tier::Failures, Tier::Explained] {
            let verdict = self.verdict(tier);
            let _ = writeln!(html, "<h2>{tier}: <b class=\"{verdict}\">{verdict}</b></h2>");
            html.push_str("<table><tr><th>check<th>verdict<th>runs<th>what\n");
            for outcome in self.of_tier(tier) {
                let word = word(&outcome.verdict);
                let what = match &outcome.verdict {
                    Verdict::Pass => String::new(),
                    Verdict::Fail(failure) => format!("<pre>{}</pre>", escaped(&failure.to_string())),
                    Verdict::Incomplete(what) => {
                        let what: Vec<_> = what.iter().map(|what| escaped(what)).collect();
                        format!("not tried: {}", what.join(", "))
                    }
                };
                let (name, runs) = (outcome.check.name(), outcome.runs);
                let _ = writeln!(html, "<tr><td>{name}<td class=\"{word}\">{word}<td>{runs}<td>{what}");
            }
            html.push_str("</table>\n");
            for outcome in self.of_tier(tier) {
                if let Verdict::Fail(failure) = &outcome.verdict
                    && let Some(svg) = &failure.svg
                {
                    html.push_str(svg);
                }
                for (what, margins) in by_kind(&outcome.margins) {
                    html.push_str(&plot(outcome.check, what, &margins));
                }
                html.push_str(&fault_table(outcome));
            }
        }
        html.push_str("</html>\n");
        html
    }

    /// Writes `contract.html`, `contract.json` and `contract.xml` into a folder, which is made if it is not there.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("contract.html"), self.html())?;
        std::fs::write(folder.join("contract.json"), self.json().map_err(io::Error::other)?)?;
        std::fs::write(folder.join("contract.xml"), self.junit())
    }
}

const STYLE: &str = "body{font:15px sans-serif;max-width:70em;margin:2em auto;padding:0 1em}table{border-collapse:collapse;\
    margin:1em 0}td,th{border:1px solid #ccc;padding:.2em .6em;text-align:left;vertical-align:top}.pass{color:#160}\
    .fail{color:#b00}.incomplete{color:#a60}.no{background:#fe8;padding:.6em}pre{margin:0}";

const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail(_) => "fail",
        Verdict::Incomplete(_) => "incomplete",
    }
}

fn by_kind(margins: &[Margin]) -> BTreeMap<&'static str, Vec<Margin>> {
    let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for margin in margins {
        kinds.entry(margin.what).or_default().push(*margin);
    }
    kinds
}

fn written_check(outcome: &Outcome) -> WrittenCheck {
    let (failure, not_tried) = match &outcome.verdict {
        Verdict::Pass => (None, Vec::new()),
        Verdict::Fail(failure) => (Some(failure), Vec::new()),
        Verdict::Incomplete(what) => (None, what.iter().cloned().collect()),
    };
    let margins = by_kind(&outcome.margins).into_iter().filter_map(|(what, mut margins)| {
        margins.sort_by(|a, b| a.measured.total_cmp(&b.measured));
        let worst = margins.iter().max_by(|a, b| share(a).total_cmp(&share(b)))?;
        let median = margins.get(margins.len() / 2)?;
        Some(WrittenMargin {
            what,
            unit: worst.unit,
            count: margins.len(),
            median: median.measured,
            worst: worst.measured,
            worst_share_of_limit: share(worst),
        })
    });
    let faults = outcome.drills.iter().map(|(drill, drilled)| WrittenFault {
        faults: drill.faults.iter().map(|fault| fault.name).collect(),
        state: drill.state.to_string(),
        effect_ms: drilled.effects.iter().flatten().map(|effect| effect.as_millis()).min(),
        found: drilled.found.iter().map(|(rule, after)| (rule.to_string(), after.as_millis())).collect(),
        stopped_by: drilled.stop.map(|stop| stop.rule.to_string()),
        stopped_after_ms: drilled.stop.map(|stop| stop.after.as_millis()),
        way_mm: drilled.stop.map(|stop| stop.way.0),
        expected_mm: drilled.stop.map(|stop| stop.predicted.0),
        end: format!("{:?}", drilled.end),
    });
    WrittenCheck {
        name: outcome.check.name(),
        verdict: word(&outcome.verdict),
        runs: outcome.runs,
        failure: failure.map(ToString::to_string),
        again: failure.map(|failure| failure.again()),
        not_tried,
        margins: margins.collect(),
        faults: faults.collect(),
    }
}

fn share(margin: &Margin) -> f64 {
    if margin.limit > 0.0 { margin.measured / margin.limit } else { 0.0 }
}

/// What was measured over what was allowed, a dot each; on and above the line nothing is left.
fn plot(check: Check, what: &str, margins: &[Margin]) -> String {
    const SIDE: f64 = 320.0;
    let most = margins.iter().map(|margin| margin.limit.max(margin.measured)).fold(1.0, f64::max);
    let unit = margins.first().map_or("", |margin| margin.unit);
    let mut svg = format!(
        "<h3>{}: {}, {} times</h3>\n<svg width=\"{w:.0}\" height=\"{w:.0}\" viewBox=\"-40 -10 {w:.0} {w:.0}\" \
         font-size=\"12\" font-family=\"sans-serif\">\n<path d=\"M0 0V{SIDE}H{SIDE}M0 {SIDE}L{SIDE} 0\" fill=\"none\" \
         stroke=\"#888\"/>\n<text x=\"{mid}\" y=\"{low}\" text-anchor=\"middle\">allowed, up to {most:.0} {unit}</text>\n\
         <text transform=\"rotate(-90)\" x=\"-{mid}\" y=\"-10\" text-anchor=\"middle\">measured</text>\n",
        check.name(),
        escaped(what),
        margins.len(),
        w = SIDE + 60.0,
        mid = SIDE / 2.0,
        low = SIDE + 20.0,
    );
    let mut seen = std::collections::BTreeSet::new();
    for margin in margins {
        let dot = (
            format!("{:.0}", margin.limit / most * SIDE),
            format!("{:.0}", SIDE - margin.measured / most * SIDE),
        );
        // Dots on the same spot are one.
        if seen.insert(dot.clone()) {
            let _ = writeln!(svg, "<circle cx=\"{}\" cy=\"{}\" r=\"2\" fill=\"#06c\"/>", dot.0, dot.1);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn fault_table(outcome: &Outcome) -> String {
    if outcome.drills.is_empty() {
        return String::new();
    }
    let mut html = "<table><tr><th>fault<th>state<th>effect, ms<th>new rules, after ms<th>stopped by<th>after, ms<th>way, mm\
                    <th>expected, mm<th>end\n"
        .to_owned();
    for fault in written_check(outcome).faults {
        let number = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        let mut found: Vec<_> = fault.found.iter().map(|(rule, after)| (*after, rule)).collect();
        found.sort();
        let found: Vec<_> = found.iter().map(|(after, rule)| format!("{rule}&nbsp;{after}")).collect();
        let _ = writeln!(
            html,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}",
            escaped(&fault.faults.join(" and ")),
            fault.state,
            number(fault.effect_ms),
            found.join(", "),
            fault.stopped_by.as_deref().unwrap_or("-"),
            number(fault.stopped_after_ms),
            number(fault.way_mm.map(u64::from)),
            number(fault.expected_mm.map(u64::from)),
            fault.end
        );
    }
    html.push_str("</table>\n");
    html
}
