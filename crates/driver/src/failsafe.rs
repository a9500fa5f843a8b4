//! The failsafe page: one HTML file in which anybody can push the interlock's inputs and watch what it does.
//!
//! The page knows nothing of the rules. It holds a table of what the real [`Interlock`] does: from each of its states, for
//! each combination of the dials below, the decision in the next step, the one after two seconds, and the state it ends in.
//! [`page`] makes the table by running the kernel, so the page is as true as the kernel it was made with.

use std::{collections::BTreeMap, fmt::Write as _};

use sheepdog_interlock::{
    ActorId, Confidence, Config, ConfigError, Decision, Epoch, Evidence, Input, Interlock, Micros, Mm,
    MmPerS, MradPerS, Odometry, Ppm, RULES, Reading, Relation, ReleaseLimit, Request, Reset, ResetStep,
    Restart, RobotTime, RuleId, SectorReading, SelfTest, SensorReading, SiteVersion, State, StopCategory,
    StopGeneration, Twist, ValidConfig, Verdict,
    packs::{PackSlot, PackVerdict, Ruling},
};

/// Dials on the way into a state.
const GOOD: [usize; DIALS.len()] = [0; DIALS.len()];
const SLOW: [usize; DIALS.len()] = [0, 1, 0, 0, 0, 0, 0];
const LOW: [usize; DIALS.len()] = [0, 3, 0, 0, 0, 0, 0];
const LOW_AND_MOVING: [usize; DIALS.len()] = [0, 3, 0, 0, 1, 0, 0];
const PRESSED: [usize; DIALS.len()] = [0, 0, 0, 0, 0, 0, 1];
const ACKNOWLEDGED: [usize; DIALS.len()] = [0, 0, 0, 0, 0, 1, 0];

/// What can be pushed, with the positions of each dial. The first position is the good one.
const DIALS: [(&str, &[&str]); 7] = [
    ("Motion asked for", &["0.8 m/s ahead", "none"]),
    ("Confidence ahead", &["99 %", "95.5 %", "93 %", "92.4999 %"]),
    ("Free travel ahead", &["5 m", "0.6 m", "0.2 m"]),
    ("Release", &["4 m", "none"]),
    ("Measured motion", &["stands", "moves at 0.5 m/s"]),
    ("A person orders", &["nothing", "acknowledge", "start"]),
    (
        "Fault",
        &[
            "none",
            "emergency button pressed",
            "bumper touched",
            "button's cable cut",
            "sensor silent",
            "sensor frozen",
            "sensor blind",
            "stamps from the future",
            "supervisor late",
            "supervisor silent",
            "command from a second ago",
            "map: outside",
            "map: silent",
            "self-test failed",
            "narrow beside",
            "clock went back",
        ],
    ),
];

/// The states of the table, in the order of its rows.
const STATES: [&str; 7] = ["Boot", "Ready", "Slow", "Stopping", "Stopped", "Latched", "Acknowledged"];

const SITE: SiteVersion = SiteVersion([0; 32]);
const STEP: Micros = Micros::from_millis(50);
/// Steps of the two seconds after which the page looks again.
const STEPS: u32 = 40;

/// Makes the page. Runs a million steps of the kernel.
///
/// # Errors
/// [`ConfigError`] when the simulated settings are refused, which they are not.
pub fn page() -> Result<String, ConfigError> {
    let config = Config::SIMULATED.validate()?;
    let mut outcomes: BTreeMap<Outcome, usize> = BTreeMap::new();
    let mut cells: Vec<Outcome> = Vec::new();
    for state in 0..STATES.len() {
        for dials in positions() {
            let outcome = Bench::in_state(&config, state).outcome(&dials);
            cells.push(outcome);
            let count = outcomes.len();
            outcomes.entry(outcome).or_insert(count);
        }
    }
    let mut listed: Vec<(usize, Outcome)> =
        outcomes.iter().map(|(outcome, index)| (*index, *outcome)).collect();
    listed.sort_unstable_by_key(|(index, _)| *index);
    let index_of = |outcome: &Outcome| outcomes.get(outcome).copied().unwrap_or(0);
    let cells: String = cells.iter().map(|outcome| in_base_36(index_of(outcome))).collect();
    let list = |Outcome { now, then, state }: &Outcome| {
        let shown = |Shown { rule, kind, speed }: &Shown| format!("{rule},{kind},{speed}");
        format!("[{},{},{state}]", shown(now), shown(then))
    };
    let outcomes: Vec<String> = listed.iter().map(|(_, outcome)| list(outcome)).collect();
    let data = format!(
        "{{\"dials\":{},\"states\":{},\"rules\":{},\"outcomes\":[{}],\"cells\":\"{cells}\"}}",
        dials_json(),
        strings_json(&STATES),
        rules_json(),
        outcomes.join(",")
    );
    Ok(include_str!("failsafe.html").replace("\"@DATA@\"", &data))
}

/// Every combination of the dials, the last one turning fastest.
fn positions() -> Vec<[usize; DIALS.len()]> {
    let mut all = vec![[0; DIALS.len()]];
    for (dial, (_, labels)) in DIALS.iter().enumerate() {
        let turned = |dials: &[usize; DIALS.len()]| {
            let dials = *dials;
            (0..labels.len()).map(move |position| {
                let mut dials = dials;
                if let Some(slot) = dials.get_mut(dial) {
                    *slot = position;
                }
                dials
            })
        };
        all = all.iter().flat_map(turned).collect();
    }
    all
}

/// What the kernel does from one state with one setting of the dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Outcome {
    now: Shown,
    then: Shown,
    /// Index of the state after two seconds.
    state: usize,
}

/// What the page shows of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    /// Index of the primary rule in the catalogue.
    rule: usize,
    /// 0 to 2 the category of a stop, 3 motion, 4 idle.
    kind: u8,
    /// What is granted, mm/s.
    speed: u32,
}

impl Shown {
    fn new(decision: &Decision) -> Self {
        let rule = RULES.iter().position(|rule| rule.id == decision.primary).unwrap_or(0);
        let kind = match decision.verdict {
            Verdict::Stop { category: StopCategory::Zero, .. } => 0,
            Verdict::Stop { category: StopCategory::One, .. } => 1,
            Verdict::Stop { category: StopCategory::Two, .. } => 2,
            Verdict::Move => 3,
            Verdict::Idle => 4,
        };
        Self { rule, kind, speed: decision.twist.linear_mm_per_s.unsigned_abs() }
    }
}

/// An interlock, its clock and its odometer.
#[derive(Clone)]
struct Bench {
    interlock: Interlock<1, 1>,
    now: RobotTime,
    travelled: Mm,
    frame: u64,
}

impl Bench {
    /// One that has just been brought into a state in the shortest way there is.
    fn in_state(config: &ValidConfig, state: usize) -> Self {
        let mut bench = Self {
            interlock: Interlock::new(*config, config.digest(), Restart::First),
            now: RobotTime::from_micros(10_000_000),
            travelled: Mm::ZERO,
            frame: 0,
        };
        let way: &[(&[usize; DIALS.len()], u32)] = match state {
            0 => &[],
            1 => &[(&GOOD, STEPS)],
            2 => &[(&GOOD, STEPS), (&SLOW, 1)],
            3 => &[(&GOOD, STEPS), (&LOW_AND_MOVING, 1)],
            4 => &[(&GOOD, STEPS), (&LOW, 1)],
            5 => &[(&GOOD, STEPS), (&PRESSED, 1), (&GOOD, 1)],
            _ => &[(&GOOD, STEPS), (&PRESSED, 1), (&GOOD, 1), (&ACKNOWLEDGED, 1)],
        };
        for (dials, steps) in way {
            for first in (0..*steps).map(|step| step == 0) {
                bench.step(dials, first);
            }
        }
        bench
    }

    fn outcome(mut self, dials: &[usize; DIALS.len()]) -> Outcome {
        let now = self.step(dials, true);
        let mut then = now;
        for _ in 1..STEPS {
            then = self.step(dials, false);
        }
        Outcome { now: Shown::new(&now), then: Shown::new(&then), state: index_of(self.interlock.state()) }
    }

    /// One step with the dials in these positions. An order is given, and the clock goes back, in the first step alone.
    fn step(&mut self, dials: &[usize; DIALS.len()], first: bool) -> Decision {
        let [motion, confidence, travel, release, measured, order, fault] = *dials;
        self.now = self.now + STEP;
        let is = |named: &str| {
            DIALS.last().and_then(|(_, labels)| labels.get(fault)).is_some_and(|label| *label == named)
        };
        let now = self.now;
        if !is("sensor frozen") {
            self.frame += 1;
        }
        let speed = if measured == 0 { 0 } else { 500 };
        self.travelled = self.travelled.saturating_add(Mm(speed / 20));
        let earlier = |micros: u64| RobotTime::from_micros(now.as_micros().saturating_sub(micros));
        let linear = if motion == 0 { 800 } else { 0 };
        let mut input = Input {
            request: Request {
                twist: Twist { linear_mm_per_s: linear, angular_mrad_per_s: 0 },
                sectors: 1,
                issued: if is("command from a second ago") { earlier(1_000_000) } else { now },
            },
            sensors: [Some(self.sensor(confidence, &is))],
            free_travel: [5_000, 600, 200].get(travel).map(|&value| Reading { taken: now, value: Mm(value) }),
            side_clearance: Some(if is("narrow beside") { Mm(100) } else { Mm(1_000) }),
            odometry: Some(Reading {
                taken: now,
                value: Odometry {
                    speed: MmPerS(speed),
                    yaw_rate: MradPerS(0),
                    travelled: self.travelled,
                    // It turns a little now and then, so its odometer is not frozen.
                    turned_mrad: u32::try_from(now.as_micros() / 1_000_000).unwrap_or(u32::MAX),
                },
            }),
            release: (release == 0).then_some(ReleaseLimit {
                epoch: Epoch(1),
                remaining: Mm(4_000),
                taken: now,
                site: SITE,
            }),
            beat: Some(if is("supervisor late") {
                earlier(300_000)
            } else if is("supervisor silent") {
                earlier(600_000)
            } else {
                now
            }),
            self_test: if is("self-test failed") { SelfTest::Failed } else { SelfTest::Passed },
            emergency_button: (!is("button's cable cut")).then_some(is("emergency button pressed")),
            bumper: Some(is("bumper touched")),
            reset: [None, Some(ResetStep::Acknowledge), Some(ResetStep::Start)]
                .get(order)
                .copied()
                .flatten()
                .filter(|_| first)
                .map(|step| Reset { generation: StopGeneration(0), step, actor: ActorId(1) }),
            ..Input::unknown(now, SITE)
        };
        if is("sensor silent") {
            input.sensors = [None];
        }
        if !is("map: silent") {
            let outside =
                Evidence { rule: RuleId::new("MAP-001"), measured: 0, relation: Relation::Below, limit: 1 };
            let ruling = if is("map: outside") {
                Ruling::Stop { category: StopCategory::One, evidence: outside }
            } else {
                Ruling::Allow
            };
            input.set_pack(PackSlot::MAP, PackVerdict::new(now, ruling));
        }
        if is("clock went back") && first {
            input.now = earlier(200_000);
        }
        self.interlock.step(&input)
    }

    fn sensor(&self, confidence: usize, is: &impl Fn(&str) -> bool) -> SensorReading<1> {
        let ppm = [990_000, 955_000, 930_000, 924_999].get(confidence).copied().unwrap_or(0);
        let confidence = if is("sensor blind") { 0 } else { ppm };
        SensorReading {
            taken: if is("stamps from the future") { self.now + Micros::from_secs(1) } else { self.now },
            seq: self.frame,
            digest: self.frame,
            healthy: true,
            invalid: if is("sensor blind") { Ppm::ONE } else { Ppm::ZERO },
            residual: None,
            sectors: [Confidence::from_ppm(confidence)
                .ok()
                .map(|confidence| SectorReading { confidence, obstacle: Mm::MAX })],
        }
    }
}

/// A state's row.
const fn index_of(state: State) -> usize {
    match state {
        State::Boot => 0,
        State::Ready => 1,
        State::Slow => 2,
        State::Stopping { .. } => 3,
        State::Stopped { .. } => 4,
        State::Latched { .. } => 5,
        State::Acknowledged { .. } => 6,
    }
}

/// Two digits of base 36.
fn in_base_36(index: usize) -> String {
    let digit = |value: usize| char::from_digit(u32::try_from(value % 36).unwrap_or(0), 36).unwrap_or('0');
    [digit(index / 36), digit(index)].into_iter().collect()
}

fn dials_json() -> String {
    let dials: Vec<String> = DIALS
        .iter()
        .map(|(name, labels)| format!("{{\"name\":{},\"at\":{}}}", quoted(name), strings_json(labels)))
        .collect();
    format!("[{}]", dials.join(","))
}

fn rules_json() -> String {
    let rules: Vec<String> = RULES
        .iter()
        .map(|rule| {
            let texts = [rule.id.as_str(), rule.text, rule.rationale].map(quoted);
            format!("[{}]", texts.join(","))
        })
        .collect();
    format!("[{}]", rules.join(","))
}

fn strings_json(strings: &[&str]) -> String {
    let quoted: Vec<String> = strings.iter().map(|text| quoted(text)).collect();
    format!("[{}]", quoted.join(","))
}

/// A JSON string that is also safe inside a script element.
fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' | '<' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(character));
            }
            _ => json.push(character),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks a setting up as the page's script does.
    fn looked_up(page: &str, state: usize, dials: [usize; DIALS.len()]) -> Vec<usize> {
        let cells = page.split("\"cells\":\"").nth(1).unwrap().split('"').next().unwrap();
        let outcomes = page.split("\"outcomes\":[[").nth(1).unwrap().split("]]").next().unwrap();
        let mut cell = state;
        for (dial, position) in DIALS.iter().zip(dials) {
            cell = cell * dial.1.len() + position;
        }
        let index = usize::from_str_radix(&cells[cell * 2..cell * 2 + 2], 36).unwrap();
        outcomes.split("],[").nth(index).unwrap().split(',').map(|number| number.parse().unwrap()).collect()
    }

    #[test]
    fn the_table_says_what_the_kernel_does() {
        let page = page().unwrap();
        let rule = |id: &str| RULES.iter().position(|rule| rule.id.as_str() == id).unwrap();
        let (boot, ready, latched, acknowledged) = (0, 1, 5, 6);
        let free = rule("MOV-001");
        assert_eq!(looked_up(&page, ready, GOOD), [free, 3, 800, free, 3, 800, ready]);
        assert_eq!(looked_up(&page, boot, GOOD)[..3], [rule("ARM-001"), 2, 0]);
        assert_eq!(looked_up(&page, boot, GOOD)[6], ready);
        let stop = rule("OBS-001");
        assert_eq!(looked_up(&page, ready, LOW)[..6], [stop, 1, 0, stop, 1, 0]);
        let button = rule("EST-003");
        assert_eq!(looked_up(&page, ready, PRESSED), [button, 0, 0, button, 0, 0, latched]);
        assert_eq!(looked_up(&page, latched, GOOD)[6], latched, "waiting resets nothing");
        assert_eq!(looked_up(&page, latched, ACKNOWLEDGED)[6], acknowledged);
        let started = [0, 0, 0, 0, 0, 2, 0];
        assert_eq!(looked_up(&page, latched, started)[6], latched, "a start is no acknowledgement");
        assert_eq!(looked_up(&page, acknowledged, started)[3..], [free, 3, 800, ready]);
        assert!(page.len() < 200_000 && !page.contains("@DATA@") && !page.contains("http"), "{}", page.len());
    }
}
