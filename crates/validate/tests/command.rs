//! The command: what it prints and its exit codes.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise, as tests do")]

use std::{fs, path::PathBuf, process::Command};

fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Exit code and both outputs for a plan on a row of three cells.
fn run(name: &str, count: &str, plan: &str) -> (i32, String, String) {
    let map = file(&format!("{name}.map"), "type octile\nheight 1\nwidth 3\nmap\n...\n");
    let scenario = "version 1\n0\tm\t3\t1\t0\t0\t1\t0\t1\n0\tm\t3\t1\t1\t0\t2\t0\t1\n";
    let scenario = file(&format!("{name}.scen"), scenario);
    let plan = file(&format!("{name}.plan"), plan);
    let output = Command::new(env!("CARGO_BIN_EXE_sheepdog-validate"))
        .args([map, scenario, count.into(), plan])
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_valid_plan_is_valid() {
    let (code, said, _) = run("valid", "2", "sheepdog-plan 1\nagents 2 makespan 2\nE\n.E\n");
    assert_eq!(code, 1, "the second robot is still in the way: {said}");
    let (code, said, _) = run("valid", "2", "sheepdog-plan 1\nagents 2 makespan 2\n.E\nE\n");
    assert_eq!(said, "valid: agents 2, makespan 2, sum of costs 3, sum of loss 3\n");
    assert_eq!(code, 0);
}

#[test]
fn a_fault_is_named() {
    let (code, said, _) = run("fault", "2", "sheepdog-plan 1\nagents 2 makespan 1\nE\nW\n");
    assert_eq!(said, "invalid: step 1: edge swap: agents 0 in (0, 0) and 1 in (1, 0) change places\n");
    assert_eq!(code, 1);
}

#[test]
fn bad_input_names_file_and_line() {
    let (code, said, error) = run("bad", "2", "sheepdog-plan 1\nagents 2 makespan 1\nE\nX\n");
    assert_eq!((code, said.as_str()), (2, ""));
    assert!(error.contains("bad.plan: line 4, column 1 has 'X'"), "{error}");
    let (code, _, error) = run("bad", "3", "sheepdog-plan 1\nagents 3 makespan 1\nE\nE\n.\n");
    assert!(code == 2 && error.contains("bad.scen: line 4 is missing"), "{error}");
    let (code, _, error) = run("bad", "-1", "");
    assert!(code == 2 && error.contains("\"-1\""), "{error}");
    let none = Command::new(env!("CARGO_BIN_EXE_sheepdog-validate")).output().unwrap();
    assert_eq!(none.status.code(), Some(2));
}
