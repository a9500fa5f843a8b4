//! Shadow runs over recordings that we made up.
#![expect(clippy::unwrap_used, reason = "fixtures of tests")]

use std::fmt::Write as _;

use proptest::prelude::*;
use sheepdog_core::{Confidence, Mm, RuleId};
use sheepdog_driver::shadow::{Sample, ShadowRobot, Tally, read_csv, run, sweep};
use sheepdog_interlock::{Config, rules};

fn robot() -> ShadowRobot {
    ShadowRobot { config: Config::SIMULATED, radius: Mm(300), sight_m: 8.0, beam_gap_rad: 1.0 }
}

/// A minute at 20 Hz and 0.8 m/s through an empty hall, with what `at` says of confidence and of the range ahead.
fn recording(at: impl Fn(f64) -> (f64, f64)) -> String {
    let mut csv =
        "time_s,linear_mps,angular_rps,speed_mps,yaw_rate_rps,confidence,range@0,range@90,range@180,range@270,\
         range@45,range@135,range@225,range@315\n"
            .to_owned();
    for step in 0..1_200 {
        let time_s = f64::from(step) * 0.05;
        let (confidence, ahead_m) = at(time_s);
        let side_m = if step % 2 == 0 { 5.0 } else { 5.01 };
        writeln!(csv, "{time_s:.2},0.8,0,0.8,0,{confidence},{ahead_m},{side_m},5,5,6,6,6,6").unwrap();
    }
    csv
}

fn samples(at: impl Fn(f64) -> (f64, f64)) -> Vec<Sample> {
    read_csv(&recording(at)).unwrap()
}

#[test]
fn a_clear_run_has_no_stop() {
    let report = run(robot(), &samples(|_| (0.99, 7.0))).unwrap();
    assert_eq!(report.total(), Tally::default());
    // Boot and its dwell are time in which the robot would have stood.
    assert!(report.driven.as_secs_f64() > 59.0 && report.stopped_share() < 0.02, "{report:?}");
}

#[test]
fn a_dip_in_confidence_in_an_empty_hall_is_a_needless_stop() {
    let dips = samples(
        |time_s| if time_s % 20.0 < 15.0 || time_s % 20.0 > 15.3 { (0.99, 7.0) } else { (0.92, 7.0) },
    );
    let report = run(robot(), &dips).unwrap();
    assert_eq!(report.stops.get(&rules::OBS_001), Some(&Tally { all: 2, needless: 2 }), "{report:?}");
    assert_eq!(report.stops.get(&rules::ARM_004), Some(&Tally { all: 1, needless: 1 }), "the third latches");
    assert!((report.per_hour(3) - 180.0).abs() < 1.0);
}

#[test]
fn a_person_in_the_way_is_no_needless_stop() {
    // They step in 1.2 m ahead, the robot comes closer, and they step away.
    let person = samples(|time_s| {
        let near = (30.0..31.0).contains(&time_s);
        (0.99, if near { 1.2 - (time_s - 30.0) * 0.8 } else { 7.0 })
    });
    let report = run(robot(), &person).unwrap();
    assert_eq!(report.total(), Tally { all: 1, needless: 0 }, "{report:?}");
    let rule: RuleId = *report.stops.keys().next().unwrap();
    assert!([rules::SSM_001, rules::SSM_002].contains(&rule), "{rule}");
}

#[test]
fn higher_thresholds_stop_at_least_as_often() {
    let noisy = samples(|time_s| (0.955 + 0.03 * libm::sin(time_s), 7.0));
    let thresholds = [925_000, 940_000, 960_000, 980_000].map(|ppm| Confidence::from_ppm(ppm).unwrap());
    let table = sweep(robot(), &noisy, &thresholds).unwrap();
    assert!(table.windows(2).all(|pair| pair[0].1.stopped_share() <= pair[1].1.stopped_share()), "{table:?}");
    assert!(table[0].1.stopped_share() < table[3].1.stopped_share());
    let low = [Confidence::from_ppm(924_999).unwrap()];
    let refused = sweep(robot(), &noisy, &low).unwrap_err().to_string();
    assert_eq!(
        refused,
        "confidence_stop is 924999, it must be at least 925000: below it nothing may ever move"
    );
}

#[test]
fn a_blind_sensor_and_a_frozen_one_are_found() {
    let blind = recording(|_| (0.99, 7.0)).replace("7,5", ",5").replace("7,5.01", ",5.01");
    let report = run(robot(), &read_csv(&blind).unwrap()).unwrap();
    assert!(report.stopped_share() > 0.99, "a beam that measures nothing is no free way");
    let frozen: Vec<Sample> = samples(|_| (0.99, 7.0))
        .into_iter()
        .map(|mut sample| {
            if 10_000_000 < sample.at.as_micros() {
                sample.beams[1].range_m = 5.0;
            }
            sample
        })
        .collect();
    let report = run(robot(), &frozen).unwrap();
    assert!(report.stops.contains_key(&rules::OBS_006) && report.stopped_share() > 0.8, "{report:?}");
}

#[test]
fn errors_name_line_column_and_value() {
    let line = |row: &str| {
        let text =
            format!("time_s,linear_mps,angular_rps,speed_mps,yaw_rate_rps,confidence,range@0\n{row}\n");
        read_csv(&text).unwrap_err().to_string()
    };
    assert_eq!(line("0,0,0,0,0,0.99"), "line 2: 6 fields, the first line names 7");
    assert_eq!(line("0,fast,0,0,0,0.99,1"), "line 2, linear_mps: \"fast\" is no finite number");
    assert_eq!(line("0,0,0,NaN,0,0.99,1"), "line 2, speed_mps: \"NaN\" is no finite number");
    assert_eq!(line("0,0,0,0,0,99,1"), "line 2, confidence: \"99\" is no fraction in 0..=1");
    assert_eq!(line("-1,0,0,0,0,0.99,1"), "line 2, time_s: \"-1\" is no time in 0..=1e12 seconds");
    assert_eq!(
        line("1,0,0,0,0,0.99,1\n0.5,0,0,0,0,0.99,1"),
        "line 3, time_s: \"0.5\" is earlier than the line before"
    );
    let header = |text: &str| read_csv(text).unwrap_err().to_string();
    assert_eq!(header(""), "the recording is empty: its first line names the columns");
    assert_eq!(header("time_s,time_s"), "line 1, column 2: \"time_s\" is there twice");
    assert_eq!(
        header("range@north"),
        "line 1, column 1: \"range@north\" needs an angle in degrees behind the @"
    );
    assert_eq!(header("speed"), "line 1, column 1: \"speed\" is no column of a recording");
    assert_eq!(
        header("time_s,linear_mps,angular_rps,speed_mps,yaw_rate_rps,confidence"),
        "line 1: there is no column \"range@0\""
    );
}

proptest! {
    /// Whatever is in the file: an error or a recording that runs.
    #[test]
    fn nonsense_is_read_or_refused(
        cells in proptest::collection::vec("[-+0-9.eENanif@,]{0,6}", 0..30), columns in 1_usize..8,
    ) {
        let rows: Vec<String> = cells.chunks(columns).map(|row| row.join(",")).collect();
        let text =
            format!("time_s,linear_mps,angular_rps,speed_mps,yaw_rate_rps,confidence,range@0\n{}", rows.join("\n"));
        if let Ok(samples) = read_csv(&text) {
            run(robot(), &samples).unwrap();
        }
    }
}
