//! The figures of a run.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;
use sheepdog_fleet::{TaskStatus, audit};

use crate::{
    free_flow::free_flow,
    stops::Figures,
    world::{World, WorldError, envelopes},
};

/// What a run came to. Field names are those of `sheepdog simulate --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Tasks asked for.
    pub tasks_requested: u64,
    /// Tasks done, by robots or people.
    pub tasks_done: u64,
    /// Share of the tasks asked for that robots have done, 0 to 1.
    pub tasks_done_ratio: f64,
    /// Tasks that no robot did and a person was needed for: done by people, or open and reported to the operator.
    pub tasks_escalated: u64,
    /// Tasks that were asked for, were not refused, and that the fleet does not know.
    pub tasks_lost: u64,
    /// Ticks in which two footprints overlapped.
    pub overlaps: u64,
    /// How often somebody took a load that was not there because another had it, or put down what it did not have.
    pub misplaced_loads: u64,
    /// Smallest distance between two robots' footprints, metres; `null` if no two shared a level.
    pub min_separation_m: Option<f64>,
    /// Interlock stops by rule.
    pub stops_by_rule: BTreeMap<String, u64>,
    /// Those of them that nobody ordered while nobody was within [`NEAR_M`](crate::NEAR_M) of the robot.
    pub needless_stops_by_rule: BTreeMap<String, u64>,
    /// How long robots stood for a stop, by its rule, seconds.
    pub time_lost_by_rule_s: BTreeMap<String, f64>,
    /// Robots times simulated hours.
    pub robot_hours: f64,
    /// Awards, holds and stops whose rule does not hold on the recorded evidence.
    pub unexplained_stops: u64,
    /// How often a robot gave way to another.
    pub yields: u64,
    /// How often a robot rode a lift.
    pub lift_rides: u64,
    /// Time from the start to the end of the last task, seconds.
    pub makespan_s: f64,
    /// The same if robots never met, see [`free_flow`].
    pub free_flow_s: f64,
    /// Simulated time, seconds.
    pub sim_seconds: f64,
    /// Time the simulation took, seconds; what the caller measured.
    pub wall_seconds: f64,
    /// Whether the ledger's chain verifies and its replay makes the same decisions.
    pub ledger_ok: bool,
}

impl Summary {
    /// Sums up a run that took `wall_seconds`; verifies, replays and audits its ledger.
    ///
    /// # Errors
    /// [`WorldError`] if the ledger cannot be read at all.
    pub fn of(world: &mut World, wall_seconds: f64) -> Result<Self, WorldError> {
        let bytes = world.ledger().to_vec();
        let entries = world.entries()?;
        let setup = world.setup();
        let findings = audit(&entries, &setup.site, sheepdog_interlock::CATALOGUE).findings.len();
        let verified = sheepdog_ledger::verify(&bytes).is_ok();
        let replay = sheepdog_fleet::replay(&setup.site, &setup.header, &envelopes(&bytes)?);
        let stats = world.fleet().stats();
        let requested = count(world.tally.requested.len());
        let is_lost =
            |name: &&String| world.task_named(name).is_none() && !world.tally.refused.contains(*name);
        let lost = count(world.tally.requested.iter().filter(is_lost).count());
        let robots = count(stats.done - stats.done_by_people);
        let seconds = |micros: u64| sheepdog_core::Micros::new(micros).as_secs_f64();
        Ok(Self {
            tasks_requested: requested,
            tasks_done: count(stats.done),
            tasks_done_ratio: ratio(robots, requested),
            tasks_escalated: count(stats.done_by_people + stats.escalated),
            tasks_lost: lost,
            overlaps: world.plant().overlaps(),
            misplaced_loads: world.plant().misplaced_loads(),
            min_separation_m: Some(world.plant().min_separation_m()).filter(|distance| distance.is_finite()),
            stops_by_rule: by_rule(world, |figures| figures.all),
            needless_stops_by_rule: by_rule(world, |figures| figures.needless),
            time_lost_by_rule_s: by_rule(world, |figures| figures.lost.as_secs_f64()),
            robot_hours: robot_hours(world),
            unexplained_stops: count(findings),
            yields: world.tally.yields,
            lift_rides: world.tally.rides,
            makespan_s: world.tally.last_done.map_or(0.0, |time| seconds(time.as_micros())),
            free_flow_s: free_flow(world.setup()).as_secs_f64(),
            sim_seconds: seconds(world.now().as_micros()),
            wall_seconds,
            ledger_ok: verified && replay.is_ok_and(|replay| replay.is_faithful()),
        })
    }

    /// Names of the tasks that are not done, for a closer look.
    pub fn open_tasks(world: &World) -> Vec<String> {
        world
            .fleet()
            .tasks()
            .filter(|(_, _, status)| !matches!(status, TaskStatus::Done(_) | TaskStatus::Cancelled))
            .map(|(_, name, _)| name.to_owned())
            .collect()
    }
}

fn by_rule<T>(world: &World, figure: impl Fn(Figures) -> T) -> BTreeMap<String, T> {
    world.tally.stops.by_rule().map(|(rule, figures)| (rule.to_string(), figure(figures))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a number of robots is small")]
fn robot_hours(world: &World) -> f64 {
    let robots = world.setup().plant.robots.len() as f64;
    robots * sheepdog_core::Micros::new(world.now().as_micros()).as_secs_f64() / 3_600.0
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of task counts is read by people")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "tasks       {} requested, {} done ({:.1} % by robots), {} needed a person, {} lost, {} loads misplaced",
            self.tasks_requested,
            self.tasks_done,
            100.0 * self.tasks_done_ratio,
            self.tasks_escalated,
            self.tasks_lost,
            self.misplaced_loads
        )?;
        writeln!(
            f,
            "time        last task after {:.0} s; {:.0} s if robots never met (factor {:.2})",
            self.makespan_s,
            self.free_flow_s,
            self.makespan_s / self.free_flow_s.max(1.0)
        )?;
        writeln!(f, "traffic     {} times a robot gave way, {} lift rides", self.yields, self.lift_rides)?;
        let separation = self.min_separation_m.map_or_else(|| "-".to_owned(), |m| format!("{m:.3} m"));
        writeln!(f, "safety      smallest gap between robots {separation}, {} overlaps", self.overlaps)?;
        let stops: Vec<String> =
            self.stops_by_rule.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
        let stops = if stops.is_empty() { "none".to_owned() } else { stops.join(", ") };
        let needless: u64 = self.needless_stops_by_rule.values().sum();
        writeln!(
            f,
            "stops       {stops}; {} unexplained, {needless} with nobody near in {:.1} robot-hours",
            self.unexplained_stops, self.robot_hours
        )?;
        let ledger = if self.ledger_ok { "verified and replayed: same decisions" } else { "NOT OK" };
        write!(f, "ledger      {ledger}")
    }
}
