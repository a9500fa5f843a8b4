//! `sheepdog interlock`.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use sheepdog_core::{Confidence, Mm};
use sheepdog_driver::failsafe;
use sheepdog_driver::shadow::{self, ShadowReport, ShadowRobot};
use sheepdog_interlock::Config;

use crate::{
    args::{InterlockCommand, Shadow},
    files::{Sources, read_text},
    problem::{Answer, Problem},
};

/// Stop thresholds of the sweep, parts per million: from the lowest there may be.
const SWEEP_PPM: [u32; 8] = [925_000, 930_000, 940_000, 950_000, 960_000, 970_000, 980_000, 990_000];

pub(crate) fn run(command: &InterlockCommand) -> Result<Answer, Problem> {
    match command {
        InterlockCommand::Shadow(args) => shadow(args),
        InterlockCommand::Page { out } => {
            let page = failsafe::page().map_err(|error| Problem::Usage(format!("{error}")))?;
            Sources::default().write(out, page)?;
            anstream::println!("wrote {} (open it in a browser)", out.display());
            Ok(Answer::Yes)
        }
    }
}

fn shadow(args: &Shadow) -> Result<Answer, Problem> {
    let sources = Sources::of([&args.file].into_iter().chain(&args.settings).map(PathBuf::as_path));
    sources.spare(args.svg.as_deref())?;
    let samples =
        shadow::read_csv(&read_text(&args.file)?).map_err(|error| Problem::input(&args.file, error))?;
    let config = args.settings.as_deref().map_or(Ok(Config::SIMULATED), settings)?;
    let robot = ShadowRobot {
        config,
        radius: Mm(args.radius),
        sight_m: f64::from(args.sight) / 1e3,
        beam_gap_rad: f64::from(args.gap).to_radians(),
    };
    let refused = |error| match &args.settings {
        Some(path) => Problem::input(path, error),
        None => Problem::Usage(format!("{error}")),
    };
    let report = shadow::run(robot, &samples).map_err(refused)?;
    let thresholds: Vec<Confidence> = SWEEP_PPM
        .iter()
        .filter_map(|&ppm| Confidence::from_ppm(ppm).ok())
        .filter(|threshold| config.confidence_stop <= *threshold)
        .collect();
    let sweep = shadow::sweep(robot, &samples, &thresholds).map_err(refused)?;
    if args.json {
        anstream::println!("{}", as_json(&report, &sweep));
    } else {
        anstream::print!("{}", as_text(&report, &sweep));
    }
    if let Some(out) = &args.svg {
        sources.write(out, plot(&sweep))?;
        if !args.json {
            anstream::println!("\nwrote {}", out.display());
        }
    }
    Ok(Answer::Yes)
}

/// Settings of a file, on top of those of the simulator.
fn settings(path: &Path) -> Result<Config, Problem> {
    let table: toml::Table =
        read_text(path)?.parse().map_err(|error: toml::de::Error| Problem::input(path, error))?;
    let mut config = Config::SIMULATED;
    for (name, value) in &table {
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        let number = number.ok_or_else(|| {
            Problem::input(path, format!("{name} = {value}: a setting is an integer, at least 0"))
        })?;
        config
            .set(name, number)
            .map_err(|error| Problem::input(path, format!("{name} = {value}: {error}")))?;
    }
    Ok(config)
}

fn as_text(report: &ShadowReport, sweep: &[(Confidence, ShadowReport)]) -> String {
    let mut text = String::new();
    let total = report.total();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{} samples, {:.1} min of driving, {:.2} % of it not permitted\n\n{:<9} {:>7} {:>9} {:>9} {:>12}",
        report.samples,
        report.driven.as_secs_f64() / 60.0,
        report.stopped_share() * 100.0,
        "rule",
        "stops",
        "per hour",
        "needless",
        "per hour"
    );
    let rows = report.stops.iter().map(|(rule, tally)| (rule.to_string(), *tally));
    for (name, tally) in rows.chain([("all".to_owned(), total)]) {
        let (all, needless) = (report.per_hour(tally.all), report.per_hour(tally.needless));
        let _ =
            writeln!(text, "{name:<9} {:>7} {all:>9.2} {:>9} {needless:>12.2}", tally.all, tally.needless);
    }
    let _ = writeln!(
        text,
        "\n{:<10} {:>14} {:>17} {:>14}",
        "threshold", "stops per hour", "needless per hour", "not permitted"
    );
    for (threshold, report) in sweep {
        let total = report.total();
        let _ = writeln!(
            text,
            "{:<10} {:>14.2} {:>17.2} {:>12.2} %",
            threshold.to_string(),
            report.per_hour(total.all),
            report.per_hour(total.needless),
            report.stopped_share() * 100.0
        );
    }
    text
}

fn as_json(report: &ShadowReport, sweep: &[(Confidence, ShadowReport)]) -> Value {
    let figures = |report: &ShadowReport| {
        let total = report.total();
        json!({
            "stops_per_hour": report.per_hour(total.all),
            "needless_per_hour": report.per_hour(total.needless),
            "stopped_share": report.stopped_share(),
        })
    };
    let rules: serde_json::Map<String, Value> = report
        .stops
        .iter()
        .map(|(rule, tally)| (rule.to_string(), json!({ "stops": tally.all, "needless": tally.needless })))
        .collect();
    let sweep: Vec<Value> = sweep
        .iter()
        .map(|(threshold, report)| json!({ "threshold_ppm": threshold.ppm(), "figures": figures(report) }))
        .collect();
    json!({
        "samples": report.samples,
        "driven_s": report.driven.as_secs_f64(),
        "figures": figures(report),
        "rules": rules,
        "sweep": sweep,
    })
}

/// Stops and needless stops per hour over the threshold.
fn plot(sweep: &[(Confidence, ShadowReport)]) -> String {
    const WIDTH: f64 = 640.0;
    const HEIGHT: f64 = 360.0;
    const LEFT: f64 = 60.0;
    const BOTTOM: f64 = 50.0;
    const TOP: f64 = 40.0;
    let rates = |pick: fn(&ShadowReport) -> u32| -> Vec<f64> {
        sweep.iter().map(|(_, report)| report.per_hour(pick(report))).collect()
    };
    let (all, needless) = (rates(|report| report.total().all), rates(|report| report.total().needless));
    let top = all.iter().copied().fold(1.0, f64::max);
    let (lowest, highest) = (f64::from(SWEEP_PPM[0]), 1e6);
    let x = |ppm: u32| LEFT + (f64::from(ppm) - lowest) / (highest - lowest) * (WIDTH - LEFT - 20.0);
    let y = |rate: f64| HEIGHT - BOTTOM - rate / top * (HEIGHT - BOTTOM - TOP);
    let line = |rates: &[f64]| {
        let points = sweep.iter().zip(rates);
        let points: Vec<String> = points
            .map(|((threshold, _), rate)| format!("{:.1},{:.1}", x(threshold.ppm()), y(*rate)))
            .collect();
        points.join(" ")
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"13\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"15\">Stops per hour of driving, by confidence threshold</text>"
    );
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let (rate, at) = (top * share, y(top * share));
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{rate:.1}</text>",
            WIDTH - 20.0,
            LEFT - 6.0,
            at + 4.0
        );
    }
    for ppm in SWEEP_PPM {
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{:.1}</text>",
            x(ppm),
            HEIGHT - BOTTOM + 18.0,
            f64::from(ppm) / 1e4
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">threshold, %</text>\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#c0392b\" stroke-width=\"2\" stroke-dasharray=\"6 4\"/>\
         <text x=\"{:.0}\" y=\"36\" fill=\"#1f5fa8\">all stops</text>\
         <text x=\"{:.0}\" y=\"36\" fill=\"#c0392b\">needless</text></svg>",
        LEFT.midpoint(WIDTH),
        HEIGHT - 8.0,
        line(&all),
        line(&needless),
        WIDTH - 180.0,
        WIDTH - 90.0
    );
    svg
}
