//! The contract on the simulated driver, on drivers that lie, and on sites.

use sheepdog_testkit::{
    contract::{
        Case, Check, Course, DriverUnderTest, Injection, Limits, Observed, Options, Report, Simulated,
        SiteCheck, SiteTerms, Support, Tier, Verdict,
        broken::{Broken, Lie},
        check_site, rehearse, run,
    },
    driver_contract, site_contract,
};

use sheepdog::{
    map::Site,
    vocabulary::{Micros, wire::ToAgent},
};

driver_contract!(
    |course: &Course| Simulated::new(course).unwrap(),
    Limits::SIMULATED,
    Options { cases: 60, ..Options::STANDARD }
);

site_contract!(hospital, concat!(env!("CARGO_MANIFEST_DIR"), "/sites/hospital.toml"));
site_contract!(ward, concat!(env!("CARGO_MANIFEST_DIR"), "/sites/ward.toml"));

#[test]
fn every_liar_is_caught_and_the_proof_is_short() {
    let course = Course::standard().unwrap();
    let limits = Limits::SIMULATED;
    assert!(30 <= Lie::ALL.len());
    for lie in Lie::ALL {
        let mut robot = Broken::new(Simulated::new(&course).unwrap(), *lie, &course);
        let caught = (0..256).map(|number| Case::draw(1, number)).find_map(|case| {
            let breach = rehearse(&mut robot, &course, &limits, &case).breach?;
            Some((case, breach.promise))
        });
        let (case, promise) = caught.unwrap_or_else(|| panic!("{lie:?} gets away with it"));
        let mut fails = |case: &Case| {
            let breach = rehearse(&mut robot, &course, &limits, case).breach;
            breach.is_some_and(|breach| breach.promise == promise)
        };
        let least = case.shrink(&mut fails);
        assert!(fails(&least) && least.acts.len() <= 10, "{lie:?} by {promise}:\n{least}");
    }
}

/// A driver that cannot have any fault injected.
struct Plain(Simulated);

impl DriverUnderTest for Plain {
    fn reset(&mut self, seed: u64) {
        self.0.reset(seed);
    }

    fn tick(&mut self, span: Micros) {
        self.0.tick(span);
    }

    fn command(&mut self, message: ToAgent) {
        self.0.command(message);
    }

    fn observe(&mut self) -> Observed {
        self.0.observe()
    }

    fn inject(&mut self, injection: Injection) -> Support {
        match injection {
            Injection::Building(_) => self.0.inject(injection),
            Injection::Fault { .. } => Support::Unsupported,
        }
    }
}

#[test]
fn what_cannot_be_injected_is_not_passed() {
    let course = Course::standard().unwrap();
    let mut robot = Plain(Simulated::new(&course).unwrap());
    let options = Options { cases: 20, ..Options::STANDARD };
    for check in [Check::Threshold, Check::Rules, Check::Cases, Check::Singles, Check::Pairs] {
        let outcome = run(check, &mut robot, &course, &Limits::SIMULATED, options);
        assert!(matches!(outcome.verdict, Verdict::Incomplete(_)), "{check:?}: {:?}", outcome.verdict);
    }
}

#[test]
fn a_report_says_first_that_nothing_is_certified() {
    let course = Course::standard().unwrap();
    let mut liar = Broken::new(Simulated::new(&course).unwrap(), Lie::OffByOne, &course);
    let options = Options { cases: 2, ..Options::STANDARD };
    let report = Report::of("off by one <1.0>", &mut liar, &course, &Limits::SIMULATED, options);
    assert_eq!((report.verdict(Tier::Functional), report.has_passed()), ("fail", false));
    let (html, json, junit) = (report.html(), report.json().unwrap(), report.junit());
    assert!(html.lines().next().unwrap().contains("not certified"), "{html}");
    assert!(json.lines().next().unwrap().contains("not certified"), "{json}");
    assert!(junit.lines().next().unwrap().contains("not certified"), "{junit}");
    assert!(html.contains("off by one &lt;1.0&gt;") && junit.contains("off by one &lt;1.0&gt;"));
    let failed = report.outcomes.iter().find_map(|outcome| match &outcome.verdict {
        Verdict::Fail(failure) => Some(failure),
        Verdict::Pass | Verdict::Incomplete(_) => None,
    });
    let told = failed.unwrap().to_string();
    assert!(told.contains("confidence one part per million below the threshold"), "{told}");
    assert!(told.lines().count() <= 30, "{told}");
    assert!(told.contains("again: SHEEPDOG_CONTRACT_SEED=1 cargo test t1_confidence_threshold"), "{told}");
}

#[test]
fn a_planted_fault_is_found_where_it_is() {
    let hospital =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/sites/hospital.toml")).unwrap();
    let folder = std::env::temp_dir().join(format!("sheepdog-contract-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let plant = |name: &str, change: fn(&mut Site)| {
        let mut site = Site::from_toml(&hospital).unwrap();
        change(&mut site);
        let path = folder.join(name);
        std::fs::write(&path, site.to_toml().unwrap()).unwrap();
        path
    };
    let narrow = plant("narrow.toml", |site| {
        let exit = site.doors.iter_mut().find(|door| door.exit).unwrap();
        let [from, to] = [exit.from, exit.to];
        exit.to = [from[0] + (to[0] - from[0]) * 0.5, from[1] + (to[1] - from[1]) * 0.5];
    });
    let found = check_site(SiteCheck::Lints, &narrow, &SiteTerms::STANDARD).unwrap_err().to_string();
    assert!(found.contains("B101"), "{found}");
    let cut = plant("cut.toml", |site| {
        let station = site.stations.first().unwrap().waypoint.clone();
        site.lanes.retain(|lane| lane.from != station && lane.to != station);
    });
    let found = check_site(SiteCheck::Reaches, &cut, &SiteTerms::STANDARD).unwrap_err().to_string();
    assert!(found.contains("no way from"), "{found}");
    let torn = folder.join("torn.toml");
    std::fs::write(&torn, hospital.get(..hospital.len() / 2).unwrap()).unwrap();
    assert!(check_site(SiteCheck::Reads, &torn, &SiteTerms::STANDARD).is_err());
    std::fs::remove_dir_all(&folder).unwrap();
}
