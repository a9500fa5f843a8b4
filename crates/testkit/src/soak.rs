//! Planner and executor in a world that goes wrong: [`survey`] plays cases by the thousand.
//!
//! A case is a small site with robots of several sizes that work here and there and go home. They are late, they
//! die, lanes, doors and lifts are closed for a while, and messages between them and their control are lost, doubled
//! and overtake each other. Control uses planner and executor as a fleet does. The world knows bodies in metres and
//! the lanes they were sent, and nothing of claims; when it has become quiet, everybody who has a way has to arrive.
//!
//! A case is a function of the seed and its number, so a [`Tally`] is the same for any number of threads.
//!
//! ```
//! use sheepdog_core::Sequential;
//! use sheepdog_testkit::soak;
//!
//! let tally = soak::survey(1, 16, soak::Order::Overtaking, &Sequential);
//! assert_eq!(tally.finding(), None);
//! ```

mod case;
mod control;
mod course;
mod dice;
mod play;
mod world;

use std::{fmt::Write as _, ops::Range, sync::Arc};

use sheepdog_core::{Workers, map_jobs};

use self::{
    case::Case,
    course::Course,
    dice::Dice,
    play::{Finding, Outcome, play},
};

/// Ticks of the world in a second.
const TICKS_PER_S: u32 = 4;
/// Cases on one site, which are one job.
const CASES_PER_SITE: u64 = 8;
/// Of the cases in which nobody dies, one in so many is played once more without anything that goes wrong.
const COMPARED_EVERY: u64 = 3;
/// Lines of a story that are printed: the last ones.
const STORY_LINES: usize = 60;
/// Conflicts that a case must have on average.
const CONFLICTS_MIN: f64 = 5.0;
/// Of throughput without anything that goes wrong, this much must be left on average.
const THROUGHPUT_MIN: f64 = 0.6;

/// Who goes first where robots meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Whom the plan lets go first, however late.
    Planned,
    /// Whoever is there first, when nobody loses by it: [`Executor::overtake`](sheepdog_traffic::Executor::overtake).
    #[default]
    Overtaking,
}

/// What some cases came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    seed: u64,
    order: Order,
    cases: u64,
    conflicts: u64,
    head_on: u64,
    with_lift: u64,
    with_door: u64,
    with_closure: u64,
    deaths: u64,
    cut_off: u64,
    overtakings: u64,
    /// By [`Finding`].
    findings: [u64; 4],
    /// The first case with a finding.
    first: Option<u64>,
    /// Cases that were played once more, and the sum of their throughputs beside those undisturbed.
    compared: u64,
    throughput: f64,
}

/// A defect put in on purpose, to show that the world notices it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tamper {
    None,
    /// Robots report a lane as driven when they are still on it.
    ClearsTooEarly,
    /// The first robot is never told where it may drive.
    ForgetsTheFirst,
}

/// Plays the first `cases` cases of a seed. A third of those in which nobody dies are played once more without anything
/// that goes wrong, to compare.
pub fn survey(seed: u64, cases: u64, order: Order, workers: &dyn Workers) -> Tally {
    survey_part(seed, 0..cases, order, workers)
}

/// Plays the cases of a seed with these numbers.
pub fn survey_part(seed: u64, cases: Range<u64>, order: Order, workers: &dyn Workers) -> Tally {
    let mut total = Tally { seed, order, ..Tally::default() };
    let sites: Vec<u64> = (cases.start / CASES_PER_SITE..cases.end.div_ceil(CASES_PER_SITE)).collect();
    for some in sites.chunks(workers.width().max(1) * 16) {
        let cases = cases.clone();
        let tallies = map_jobs(workers, some.to_vec(), move |site| {
            let mut tally = Tally { seed, order, ..Tally::default() };
            tally.play_site(site, &cases, Tamper::None);
            tally
        });
        for tally in &tallies {
            total.add(tally);
        }
    }
    total
}

impl Tally {
    /// How many cases were played.
    pub const fn cases(&self) -> u64 {
        self.cases
    }

    /// How the first case went in which something happened that should not: its seed and number, who was to go where, and
    /// what happened up to the end.
    pub fn finding(&self) -> Option<String> {
        self.first.map(|number| story(self.seed, number, (self.order, Tamper::None)))
    }

    /// What the cases came to, in words, and whether nothing is wrong and the cases were hard enough.
    pub fn report(&self) -> (String, bool) {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let mean = |sum: u64| sum as f64 / self.cases.max(1) as f64;
        let [overlaps, deadlocks, outside, broken] = self.findings;
        let (conflicts, head_on) = (mean(self.conflicts), mean(self.head_on));
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let throughput = self.throughput / self.compared.max(1) as f64;
        let text = format!(
            "{} cases of seed {}: {overlaps} overlaps, {deadlocks} deadlocks, {outside} with robots that wait \
             without being cut off by a dead one, {broken} broken promises; {conflicts:.2} conflicts a case, \
             {:.1} % of the cases with robots head on in a narrow stretch; throughput {throughput:.3} of the undisturbed \
             run, robots overtook {:.2} times a case; lifts in {}, doors in {}, closures in {}; {} robots died and cut {} off",
            self.cases,
            self.seed,
            100.0 * head_on,
            mean(self.overtakings),
            self.with_lift,
            self.with_door,
            self.with_closure,
            self.deaths,
            self.cut_off,
        );
        let hard = CONFLICTS_MIN <= conflicts && 0.5 <= head_on;
        (text, self.first.is_none() && hard && THROUGHPUT_MIN <= throughput)
    }

    fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        self.conflicts += other.conflicts;
        self.head_on += other.head_on;
        self.with_lift += other.with_lift;
        self.with_door += other.with_door;
        self.with_closure += other.with_closure;
        self.deaths += other.deaths;
        self.cut_off += other.cut_off;
        self.overtakings += other.overtakings;
        self.findings.iter_mut().zip(other.findings).for_each(|(all, some)| *all += some);
        self.first = self.first.or(other.first);
        self.compared += other.compared;
        self.throughput += other.throughput;
    }

    fn play_site(&mut self, site: u64, cases: &Range<u64>, tamper: Tamper) {
        let Some(course) = course(self.seed, site) else {
            self.first = self.first.or(Some(site * CASES_PER_SITE));
            return;
        };
        let first = site * CASES_PER_SITE;
        for number in first.max(cases.start)..(first + CASES_PER_SITE).min(cases.end) {
            self.play_case(&Case::draw(self.seed, number, &course), tamper);
        }
    }

    fn play_case(&mut self, case: &Case, tamper: Tamper) {
        let outcome = play(case, self.seed, (self.order, tamper), None);
        let (lift, door) = case.course.passages();
        self.cases += 1;
        self.conflicts += outcome.conflicts;
        self.head_on += u64::from(case.is_head_on());
        self.with_lift += u64::from(lift);
        self.with_door += u64::from(door);
        self.with_closure += u64::from(!case.trouble.closures.is_empty());
        self.deaths += outcome.deaths;
        self.cut_off += outcome.cut_off;
        self.overtakings += outcome.overtakings;
        self.note(case.number, &outcome);
        if case.trouble.deaths.is_empty() && case.number.is_multiple_of(COMPARED_EVERY) {
            let undisturbed = play(&case.undisturbed(), self.seed, (self.order, tamper), None);
            self.note(case.number, &undisturbed);
            self.compared += 1;
            self.throughput += rate(&outcome) / rate(&undisturbed);
        }
    }

    fn note(&mut self, number: u64, outcome: &Outcome) {
        let Some((finding, _)) = &outcome.finding else { return };
        self.first = self.first.or(Some(number));
        let index = match finding {
            Finding::Overlap => 0,
            Finding::Deadlock => 1,
            Finding::OutsideClosure => 2,
            Finding::Broken => 3,
        };
        self.findings.get_mut(index).into_iter().for_each(|count| *count += 1);
    }
}

/// Work and homes in a tick.
fn rate(outcome: &Outcome) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let items = outcome.items.max(1) as f64;
    items / f64::from(outcome.last.max(1))
}

fn course(seed: u64, site: u64) -> Option<Arc<Course>> {
    Course::draw(&mut Dice::new(seed, site, 0)).map(Arc::new)
}

/// How a case goes, for people.
fn story(seed: u64, number: u64, how: (Order, Tamper)) -> String {
    let mut text = format!("seed {seed}, case {number}:\n");
    let Some(course) = course(seed, number / CASES_PER_SITE) else {
        text.push_str("  its site does not compile\n");
        return text;
    };
    let case = Case::draw(seed, number, &course);
    for case in [case.clone(), case.undisturbed()] {
        let mut story = Vec::new();
        let outcome = play(&case, seed, how, Some(&mut story));
        if let Some((finding, what)) = outcome.finding {
            text.push_str(&case.text());
            for line in story.iter().skip(story.len().saturating_sub(STORY_LINES)) {
                let _infallible = writeln!(text, "{line}");
            }
            let _infallible = writeln!(text, "{finding:?}: {what}");
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use sheepdog_core::Sequential;

    use super::*;

    /// Ten thousand cases in four parts that run side by side.
    fn part(index: u64) {
        let tally = survey_part(2026, index * 2_500..(index + 1) * 2_500, Order::Overtaking, &Sequential);
        let (report, fine) = tally.report();
        assert!(fine, "{report}\n{}", tally.finding().unwrap_or_default());
    }

    #[test]
    fn nobody_touches_and_everybody_arrives_1() {
        part(0);
    }

    #[test]
    fn nobody_touches_and_everybody_arrives_2() {
        part(1);
    }

    #[test]
    fn nobody_touches_and_everybody_arrives_3() {
        part(2);
    }

    #[test]
    fn nobody_touches_and_everybody_arrives_4() {
        part(3);
    }

    fn tampered(tamper: Tamper) -> Tally {
        let mut tally = Tally { seed: 1, ..Tally::default() };
        (0..4).for_each(|site| tally.play_site(site, &(0..32), tamper));
        tally
    }

    #[test]
    fn what_is_given_back_too_early_shows_as_an_overlap() {
        let tally = tampered(Tamper::ClearsTooEarly);
        assert!(0 < tally.findings[0], "{:?}", tally.findings);
        let story = story(1, tally.first.unwrap(), (tally.order, Tamper::ClearsTooEarly));
        assert!(story.contains("may drive to"), "{story}");
    }

    #[test]
    fn a_robot_that_is_never_told_anything_shows_as_a_deadlock() {
        let tally = tampered(Tamper::ForgetsTheFirst);
        assert!(0 < tally.findings[1], "{:?}", tally.findings);
        assert_eq!(tally.findings[0], 0);
    }

    #[test]
    fn a_case_is_a_function_of_its_seed_and_number() {
        let course = course(3, 0).unwrap();
        let case = Case::draw(3, 1, &course);
        let mut stories = [Vec::new(), Vec::new()];
        for story in &mut stories {
            play(&case, 3, (Order::Overtaking, Tamper::None), Some(story));
        }
        assert!(!stories[0].is_empty());
        assert_eq!(stories[0], stories[1]);
    }
}
