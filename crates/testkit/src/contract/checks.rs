//! The checks of the three tiers.

use std::{collections::BTreeSet, fmt};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use sheepdog_core::{FleetTime, Micros, RuleId, Sequential};
use sheepdog_driver::Incident;
use sheepdog_interlock::rules as r;
use sheepdog_ledger::{Kind, Ledger, SaltKey, Writer};
use sheepdog_sim::{FAULTS, NamedFault};

use super::{Act, Case, Condition, Course, Deed, DriverUnderTest, Failure, Limits, Rehearsed, rehearse};
use crate::{
    check::any_flipped_bit_is_found,
    drill::{Drill, Drilled, MotionState},
    kernel::survey,
};

/// The tiers of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Does it do what it is told, and nothing else?
    Functional,
    /// Does it stay safe when something is wrong?
    Failures,
    /// Can it say why it did what it did?
    Explained,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Functional => "T1 functional logic",
            Self::Failures => "T2 failure modes",
            Self::Explained => "T3 explainability",
        })
    }
}

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// One part per million below the confidence threshold nothing moves; at it the robot drives.
    Threshold,
    /// Every rule that can be met from outside fires when it is.
    Rules,
    /// The interlock in this build decides as a plain one does, in scenes in which every rule decides.
    Kernel,
    /// Random cases.
    Cases,
    /// Every fault in every state of motion.
    Singles,
    /// Pairs of faults.
    Pairs,
    /// Three faults at once, drawn at random.
    Triples,
    /// Every action has a rule whose evidence holds.
    Evidence,
    /// What was recorded, stored and read again comes out the same when it is run again.
    Replay,
    /// Whatever bit of the stored record is changed, it is found.
    Tampering,
}

impl Check {
    /// All of them, by tier.
    pub const ALL: [Self; 10] = [
        Self::Threshold,
        Self::Rules,
        Self::Kernel,
        Self::Cases,
        Self::Singles,
        Self::Pairs,
        Self::Triples,
        Self::Evidence,
        Self::Replay,
        Self::Tampering,
    ];

    /// The tier it belongs to.
    pub const fn tier(self) -> Tier {
        match self {
            Self::Threshold | Self::Rules | Self::Kernel | Self::Cases => Tier::Functional,
            Self::Singles | Self::Pairs | Self::Triples => Tier::Failures,
            Self::Evidence | Self::Replay | Self::Tampering => Tier::Explained,
        }
    }

    /// Its name, which is also that of its test.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Threshold => "t1_confidence_threshold",
            Self::Rules => "t1_every_rule_from_outside",
            Self::Kernel => "t1_interlock_decides_as_a_plain_one",
            Self::Cases => "t1_random_cases",
            Self::Singles => "t2_every_fault_in_every_state",
            Self::Pairs => "t2_pairs_of_faults",
            Self::Triples => "t2_three_faults_at_once",
            Self::Evidence => "t3_every_action_has_its_rule",
            Self::Replay => "t3_what_was_recorded_replays",
            Self::Tampering => "t3_tampering_is_found",
        }
    }
}

/// How much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many random cases, pairs and triples, each.
    pub cases: u64,
    /// The number of the first.
    pub from: u64,
    /// Other seeds are other cases.
    pub seed: u64,
    /// Whether a test passes although something could not be injected. The report says so nevertheless.
    pub may_be_incomplete: bool,
}

impl Options {
    /// A hundred cases each, as they suit `cargo test`; nothing may be left out.
    pub const STANDARD: Self = Self { cases: 100, from: 0, seed: 1, may_be_incomplete: false };

    /// The same with what the environment says: `SHEEPDOG_CONTRACT_SEED`, `SHEEPDOG_CONTRACT_CASES`, and
    /// `SHEEPDOG_CONTRACT_CASE` for a single case by its number.
    #[must_use]
    pub fn with_environment(self) -> Self {
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let seed = number("SHEEPDOG_CONTRACT_SEED").unwrap_or(self.seed);
        let cases = number("SHEEPDOG_CONTRACT_CASES").unwrap_or(self.cases);
        match number("SHEEPDOG_CONTRACT_CASE") {
            Some(from) => Self { seed, from, cases: 1, ..self },
            None => Self { cases, seed, ..self },
        }
    }
}

/// How a check ended.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Everything that was promised was seen.
    Pass,
    /// A promise was broken.
    Fail(Box<Failure>),
    /// Nothing was broken, and these could not be tried.
    Incomplete(BTreeSet<String>),
}

/// What was measured against what was allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margin {
    /// What.
    pub what: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What was seen.
    pub measured: f64,
    /// What was allowed.
    pub limit: f64,
}

/// What came of a check.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The check.
    pub check: Check,
    /// How it ended.
    pub verdict: Verdict,
    /// How many cases or drills were played.
    pub runs: u64,
    /// What was measured in them.
    pub margins: Vec<Margin>,
    /// The drills of [`Check::Singles`], and what came of each.
    pub drills: Vec<(Drill, Drilled)>,
}

/// Rules that some script or drill of [`Check::Rules`] meets from outside, on any robot with one scanner.
pub const RULES_FROM_OUTSIDE: &[RuleId] = &[
    r::LOG_001,
    r::CLK_001,
    r::EST_003,
    r::EST_001,
    r::SPD_002,
    r::SPD_005,
    r::STP_002,
    r::STP_003,
    r::ARM_004,
    r::RST_001,
    r::RST_002,
    r::INT_002,
    r::CLK_002,
    r::ODO_001,
    r::ODO_002,
    r::COM_004,
    r::PCK_002,
    r::OBS_005,
    r::OBS_011,
    r::OBS_004,
    r::OBS_006,
    r::OBS_010,
    r::OBS_008,
    r::OBS_007,
    r::OBS_001,
    r::SSM_002,
    r::REL_001,
    r::SSM_003,
    r::CLR_001,
    r::CLK_003,
    r::PCK_004,
    r::OBS_012,
    r::OBS_002,
    r::OBS_003,
    r::SPD_004,
    r::STP_001,
    r::ARM_003,
    r::ARM_005,
    r::ARM_001,
    r::MOV_001,
    r::IDL_001,
];

/// Plays a check on a driver.
pub fn run(
    check: Check,
    driver: &mut dyn DriverUnderTest,
    course: &Course,
    limits: &Limits,
    options: Options,
) -> Outcome {
    let mut bench = Bench {
        driver,
        course,
        limits,
        options,
        outcome: Outcome { check, verdict: Verdict::Pass, runs: 0, margins: Vec::new(), drills: Vec::new() },
        unsupported: BTreeSet::new(),
    };
    let played = match check {
        Check::Threshold => bench.threshold(),
        Check::Rules => bench.rules(),
        Check::Kernel => bench.kernel(),
        Check::Cases => bench.cases(options.seed),
        Check::Evidence => bench.evidence(),
        Check::Singles => bench.singles(),
        Check::Pairs => bench.pairs(),
        Check::Triples => bench.triples(),
        Check::Replay => bench.replay(),
        Check::Tampering => bench.tampering(),
    };
    if let Err(failure) = played {
        bench.outcome.verdict = Verdict::Fail(failure);
    } else if !bench.unsupported.is_empty() {
        bench.outcome.verdict = Verdict::Incomplete(bench.unsupported);
    }
    bench.outcome
}

struct Bench<'a> {
    driver: &'a mut dyn DriverUnderTest,
    course: &'a Course,
    limits: &'a Limits,
    options: Options,
    outcome: Outcome,
    unsupported: BTreeSet<String>,
}

type Played = Result<(), Box<Failure>>;

impl Bench<'_> {
    /// Plays a case; one that fails is shrunk.
    fn case(&mut self, case: &Case, number: Option<u64>) -> Result<Rehearsed, Box<Failure>> {
        self.outcome.runs += 1;
        let Self { driver, course, limits, .. } = self;
        let played = rehearse(&mut **driver, course, limits, case);
        self.unsupported.extend(played.unsupported.iter().cloned());
        self.outcome.margins.extend(played.stops.iter().map(|(took, limit)| Margin {
            what: "from what forbids motion to rest",
            unit: "ms",
            measured: took.as_secs_f64() * 1e3,
            limit: limit.as_secs_f64() * 1e3,
        }));
        let Some(breach) = &played.breach else { return Ok(played) };
        let same = |case: &Case| {
            let played = rehearse(&mut **driver, course, limits, case);
            played.breach.is_some_and(|other| other.promise == breach.promise)
        };
        let least = case.shrink(same);
        let again = rehearse(&mut **driver, course, limits, &least);
        // On a real clock what has shrunk may not happen again.
        let (least, played) = if again.breach.is_some() { (least, again) } else { (case.clone(), played) };
        Err(Box::new(Failure::of_case(
            self.outcome.check,
            self.options.seed,
            number,
            &least,
            &played,
            course,
        )))
    }

    fn cases(&mut self, seed: u64) -> Played {
        for number in self.options.from..self.options.from.saturating_add(self.options.cases) {
            self.case(&Case::draw(seed, number), Some(number))?;
        }
        Ok(())
    }

    fn drill(&mut self, drill: &Drill) -> Result<Drilled, Box<Failure>> {
        self.outcome.runs += 1;
        let drilled = drill.play_on(&mut *self.driver, self.course, self.limits);
        self.unsupported.extend(drilled.unsupported.iter().map(|name| (*name).to_owned()));
        if drilled.onset.is_none() {
            self.unsupported.insert(format!("never {}", drill.state));
        }
        if drilled.rules.is_empty() {
            self.unsupported.insert(NO_DECISIONS.to_owned());
        }
        if let Some(stop) = drilled.stop.filter(|_| !drill.is_of_the_base()) {
            self.outcome.margins.push(Margin {
                what: "way to rest after a fault",
                unit: "mm",
                measured: f64::from(stop.way.0),
                limit: f64::from(stop.predicted.0),
            });
        }
        match drilled.keeps_its_promises(drill) {
            Ok(()) => Ok(drilled),
            Err(violation) => {
                Err(Box::new(Failure::of_drill(self.outcome.check, self.options.seed, drill, &violation)))
            }
        }
    }

    fn threshold(&mut self) -> Played {
        let span = Micros::from_secs(4);
        let then = Micros::from_secs(4);
        let place = |wanted: &str| {
            let place = Condition::ALL.iter().position(|condition| condition.name == wanted);
            place.and_then(|place| u8::try_from(place).ok()).unwrap_or(0)
        };
        let release = Act { deed: Deed::Release(4), then };
        let now = Micros::from_millis(100);
        let below = Deed::Meet(place("confidence one part per million below the threshold"), span);
        // From rest, and while it drives.
        let from_rest = vec![Act { deed: below, then: now }, release];
        let driving = vec![release, Act { deed: below, then }];
        for acts in [from_rest, driving] {
            self.case(&Case { seed: self.options.seed, acts }, None)?;
        }
        let at = Deed::Meet(place("confidence at the threshold"), Micros::from_secs(20));
        // A robot has to be surer to start than to go on.
        let acts = vec![
            Act { deed: Deed::Release(4), then: Micros::from_secs(2) },
            Act { deed: at, then: Micros::from_secs(3) },
        ];
        let case = Case { seed: self.options.seed, acts };
        let played = self.case(&case, None)?;
        let place = |millis: usize| played.trail.get(millis / 50);
        let went_m = match (place(3_000), place(4_900)) {
            (Some((.., a, b)), Some((.., c, d))) => libm::hypot(c - a, d - b),
            _ => 0.0,
        };
        if went_m < 0.1 {
            let what = format!("{went_m:.2} m in two seconds, with confidence at the threshold");
            return Err(Box::new(Failure::plain(
                self.outcome.check,
                self.options.seed,
                "DRV-05",
                case.to_string(),
                what,
            )));
        }
        Ok(())
    }

    fn rules(&mut self) -> Played {
        let mut fired: BTreeSet<RuleId> = BTreeSet::new();
        for acts in scripts() {
            let played = self.case(&Case { seed: self.options.seed, acts }, None)?;
            for record in played.steps.iter().map(|step| &step.record) {
                fired.extend(record.decision.rules.iter().chain(record.after.cause()));
            }
        }
        for state in [MotionState::AtRest, MotionState::Cruising, MotionState::Turning] {
            for fault in FAULTS {
                let drill = Drill { faults: vec![*fault], state, seed: self.options.seed };
                fired.extend(self.drill(&drill)?.rules);
            }
        }
        let missed: Vec<String> =
            RULES_FROM_OUTSIDE.iter().filter(|rule| !fired.contains(rule)).map(ToString::to_string).collect();
        if missed.is_empty() {
            return Ok(());
        }
        if !self.unsupported.is_empty() {
            self.unsupported.extend(missed.iter().map(|rule| format!("{rule} was not met")));
            return Ok(());
        }
        let what = format!("never fired: {}", missed.join(" "));
        Err(Box::new(Failure::plain(
            self.outcome.check,
            self.options.seed,
            "EXP-02",
            "every script, every fault".to_owned(),
            what,
        )))
    }

    fn kernel(&mut self) -> Played {
        let scenes = self.options.cases.max(SCENES_MIN);
        let tally = survey(self.options.seed, scenes, &Sequential);
        self.outcome.runs = scenes;
        let Some(disagreement) = tally.disagreement() else { return Ok(()) };
        let (head, tail) = (disagreement.lines().next(), disagreement.lines().rev().take(2));
        let answers: Vec<_> = tail.collect();
        let what = format!("{}\n  {}", head.unwrap_or_default(), answers.join("\n  "));
        let script = format!("  {scenes} scenes of seed {}", self.options.seed);
        Err(Box::new(Failure::plain(self.outcome.check, self.options.seed, "EXP-02", script, what)))
    }

    fn singles(&mut self) -> Played {
        for fault in FAULTS {
            let mut struck = false;
            for state in MotionState::ALL {
                let drill = Drill { faults: vec![*fault], state, seed: self.options.seed };
                let drilled = self.drill(&drill)?;
                struck |= drilled.effects.iter().any(Option::is_some);
                self.outcome.drills.push((drill, drilled));
            }
            if !struck {
                self.unsupported.insert(format!("{} makes a difference in no state", fault.name));
            }
        }
        Ok(())
    }

    /// Of all pairs in all states as many as there are to be cases, evenly spread; all of them if that is enough.
    fn pairs(&mut self) -> Played {
        let all = pairs().count() as u64;
        let wanted = self.options.cases.clamp(1, all);
        for (number, (first, second, state)) in (0..).zip(pairs()) {
            // The pairs at which the share of what is to be played goes over a whole number.
            if number * wanted / all != (number + 1) * wanted / all {
                self.drill(&Drill { faults: vec![first, second], state, seed: self.options.seed })?;
            }
        }
        Ok(())
    }

    fn triples(&mut self) -> Played {
        for number in self.options.from..self.options.from.saturating_add(self.options.cases) {
            self.drill(&triple(self.options.seed, number))?;
        }
        Ok(())
    }

    fn evidence(&mut self) -> Played {
        // Other cases than those of the first tier.
        let seed = self.options.seed.wrapping_add(1_000_003);
        for number in self.options.from..self.options.from.saturating_add(self.options.cases) {
            let played = self.case(&Case::draw(seed, number), Some(number))?;
            self.note_steps(&played);
        }
        Ok(())
    }

    fn note_steps(&mut self, played: &Rehearsed) {
        if played.steps.is_empty() {
            self.unsupported.insert(NO_DECISIONS.to_owned());
        }
    }

    /// The stored record of one boot of a case, and the case.
    fn stored(&mut self, number: u64) -> Result<(Case, Vec<Vec<u8>>), Box<Failure>> {
        let case = Case::draw(self.options.seed.wrapping_add(2_000_003), number);
        let played = self.case(&case, Some(number))?;
        self.note_steps(&played);
        let boots = played.steps.chunk_by(|a, b| a.record.boot == b.record.boot);
        Ok((case, boots.map(|boot| Incident::of(boot.iter().cloned()).encode()).collect()))
    }

    fn replay(&mut self) -> Played {
        for number in self.options.from..self.options.from.saturating_add(self.options.cases) {
            let (case, boots) = self.stored(number)?;
            for bytes in boots {
                let what = match Incident::decode(&bytes).map(|incident| incident.replay()) {
                    Some(Ok(_)) => continue,
                    Some(Err(error)) => error.to_string(),
                    None => "it cannot be read".to_owned(),
                };
                return Err(Box::new(Failure::plain(
                    self.outcome.check,
                    self.options.seed,
                    "EXP-05",
                    case.to_string(),
                    what,
                )));
            }
        }
        Ok(())
    }

    fn tampering(&mut self) -> Played {
        // A ledger has many bits: a few of them, of a few cases.
        let cases = (self.options.cases / 10).max(1);
        for number in self.options.from..self.options.from.saturating_add(cases) {
            let (case, boots) = self.stored(number)?;
            let found = ledger(&boots)
                .map_err(|error| error.to_string())
                .and_then(|file| any_flipped_bit_is_found(&file, 4_093).map_err(|found| found.to_string()));
            if let Err(what) = found {
                return Err(Box::new(Failure::plain(
                    self.outcome.check,
                    self.options.seed,
                    "EXP-06",
                    case.to_string(),
                    what,
                )));
            }
        }
        Ok(())
    }
}

/// Scenes of the plain interlock at least: fewer leave rules out.
const SCENES_MIN: u64 = 8_192;
const NO_DECISIONS: &str = "decisions are not shown";

/// A ledger file with these bodies.
fn ledger(bodies: &[Vec<u8>]) -> Result<Vec<u8>, sheepdog_ledger::LedgerError> {
    let header = b"contract";
    let mut chain = Ledger::new(header, SaltKey::PUBLIC);
    let mut writer = Writer::create(Vec::new(), header)?;
    for (number, body) in (0..).zip(bodies) {
        let time = FleetTime::from_micros(number);
        writer.write(&chain.append(time, Kind(1), None, body.clone()))?;
    }
    Ok(writer.into_inner())
}

fn pairs() -> impl Iterator<Item = (NamedFault, NamedFault, MotionState)> {
    FAULTS.iter().enumerate().flat_map(|(place, first)| {
        FAULTS
            .iter()
            .skip(place + 1)
            .flat_map(move |second| MotionState::ALL.into_iter().map(move |state| (*first, *second, state)))
    })
}

/// Three different faults in a state, by number.
fn triple(seed: u64, number: u64) -> Drill {
    let mut rng = Pcg64Mcg::seed_from_u64(seed ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03));
    let mut places = BTreeSet::new();
    while places.len() < 3 {
        places.insert(rng.random_range(0..FAULTS.len()));
    }
    let faults = places.into_iter().filter_map(|place| FAULTS.get(place)).copied().collect();
    let [first, ..] = MotionState::ALL;
    let state = MotionState::ALL.get(rng.random_range(0..MotionState::ALL.len())).copied().unwrap_or(first);
    Drill { faults, state, seed: rng.random() }
}

/// Scripts that meet what no single fault does.
fn scripts() -> Vec<Vec<Act>> {
    let act = |deed, millis| Act { deed, then: Micros::from_millis(millis) };
    let place = |name: &str| {
        let place = Condition::ALL.iter().position(|condition| condition.name == name);
        place.and_then(|place| u8::try_from(place).ok()).unwrap_or(0)
    };
    let meet = |name: &str, millis| Deed::Meet(place(name), Micros::from_millis(millis));
    let flicker = || {
        let act = act(meet("no confidence", 100), 3_000);
        std::iter::repeat_n(act, 5)
    };
    vec![
        // A stop, half a reset, the other half.
        vec![
            act(Deed::Release(4), 3_000),
            act(Deed::Stop, 3_000),
            act(Deed::Acknowledge, 2_000),
            act(Deed::Start, 2_000),
        ],
        // Stops that come again and again.
        std::iter::once(act(Deed::Release(8), 3_000)).chain(flicker()).collect(),
        // Dim light after a stop, and while it drives.
        vec![
            act(Deed::Release(4), 2_000),
            act(meet("no confidence", 200), 100),
            act(meet("confidence at the threshold", 3_000), 5_000),
            act(meet("confidence at the threshold", 1_000), 2_000),
        ],
        // A log that is full, and a crash of a robot that somebody has to reset.
        vec![act(Deed::Release(4), 3_000), act(meet("a full log", 1_000), 3_000)],
        vec![
            act(Deed::Release(4), 3_000),
            act(meet("emergency button", 500), 2_000),
            act(meet("a crash", 500), 3_000),
        ],
        // Somebody who waits close by, and one who is too close to start.
        vec![act(Deed::Release(4), 3_000), act(meet("somebody close ahead", 2_000), 4_000)],
    ]
}
