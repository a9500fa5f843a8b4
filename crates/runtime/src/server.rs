//! One fleet on a thread of its own.

use std::{sync::Arc, thread};

use crossbeam::channel::{Receiver, Sender, bounded, unbounded};
use sheepdog_core::{JobId, MmPerS};
use sheepdog_fleet::{Fleet, Input, Output, StorageLevel};
use sheepdog_ledger::Envelope;
use sheepdog_traffic::{Planner, Problem};

use crate::{
    clock::Clock,
    store::{Store, StoreError},
};

/// Inputs that wait for the fleet; a sender blocks when so many do.
const INBOX: usize = 4_096;

/// A snapshot is written after so many records.
const SNAPSHOT_EVERY: u64 = 50_000;

/// A running fleet. Dropping it ends the threads after the inputs that are in the inbox.
#[derive(Debug)]
pub struct Server {
    inputs: Option<Sender<Input>>,
    urgent: Sender<Input>,
    outputs: Receiver<(u64, Output)>,
    thread: Option<thread::JoinHandle<Result<Fleet, ServerError>>>,
}

/// Why a fleet's thread ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Records cannot be stored, so nothing may leave.
    #[error("the fleet stopped because its records cannot be stored: {0}")]
    Store(#[from] StoreError),
    /// The fleet's or the planner's thread panicked.
    #[error("the fleet's or the planner's thread panicked")]
    Panicked,
}

impl Server {
    /// Runs `fleet` from now on; `store` takes its records, `None` keeps them nowhere.
    pub fn start(fleet: Fleet, store: Option<Store>) -> Self {
        let (inputs, inbox) = bounded(INBOX);
        let (urgent, first) = unbounded();
        let (outbox, outputs) = unbounded();
        let thread = thread::spawn(move || Loop::new(fleet, store, outbox).run(&inbox, &first));
        Self { inputs: Some(inputs), urgent, outputs, thread: Some(thread) }
    }

    /// Where inputs go.
    ///
    /// The fleet keeps running as long as a clone of this sender lives.
    pub fn inputs(&self) -> Option<Sender<Input>> {
        self.inputs.clone()
    }

    /// Where inputs go that must not wait behind reports: what people tell the fleet, a stop above all.
    pub fn urgent(&self) -> Sender<Input> {
        self.urgent.clone()
    }

    /// Where outputs come from; plan jobs are carried out inside and do not appear.
    pub fn outputs(&self) -> &Receiver<(u64, Output)> {
        &self.outputs
    }

    /// Ends the fleet and hands it back.
    ///
    /// # Errors
    /// [`ServerError`] if it had ended by itself.
    pub fn stop(mut self) -> Result<Fleet, ServerError> {
        self.inputs = None;
        match self.thread.take().map(thread::JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) | None => Err(ServerError::Panicked),
        }
    }
}

/// What the fleet's thread owns.
struct Loop {
    fleet: Fleet,
    store: Option<Store>,
    clock: Clock,
    outbox: Sender<(u64, Output)>,
    plans: Sender<(JobId, Problem, u32)>,
    results: Receiver<Input>,
    level: StorageLevel,
    since_snapshot: u64,
}

impl Loop {
    fn new(fleet: Fleet, store: Option<Store>, outbox: Sender<(u64, Output)>) -> Self {
        let (plans, questions) = unbounded();
        let (answers, results) = unbounded();
        let site = Arc::clone(fleet.site());
        let speeds = class_speeds(&fleet);
        thread::spawn(move || plan(Planner::new(site, &speeds), &questions, &answers));
        let clock = Clock::starting_at(fleet.now());
        let level = fleet.storage_level();
        Self { fleet, store, clock, outbox, plans, results, level, since_snapshot: 0 }
    }

    fn run(mut self, inbox: &Receiver<Input>, urgent: &Receiver<Input>) -> Result<Fleet, ServerError> {
        self.settle()?;
        loop {
            let wait = self.fleet.poll_timeout().map(|due| self.clock.until(due)).unwrap_or_default();
            while let Ok(input) = urgent.try_recv() {
                self.feed(input);
                self.settle()?;
            }
            let timeout = crossbeam::channel::after(wait);
            crossbeam::select! {
                recv(urgent) -> input => if let Ok(input) = input { self.feed(input) },
                recv(inbox) -> input => match input {
                    Ok(input) => self.feed(input),
                    Err(_) => return Ok(self.fleet),
                },
                recv(self.results) -> result => match result {
                    Ok(input) => self.feed(input),
                    Err(_) => return Err(ServerError::Panicked),
                },
                recv(timeout) -> _ => self.fleet.handle_timeout(self.clock.now()),
            }
            self.settle()?;
        }
    }

    fn feed(&mut self, input: Input) {
        // A refused input is a decision and stands in the ledger.
        let _refused = self.fleet.handle(self.clock.now(), input);
    }

    /// Stores records and lets outputs go; tells the fleet when that fills the store.
    fn settle(&mut self) -> Result<(), StoreError> {
        self.store_and_send()?;
        if let Some(level) = self.keep_house() {
            self.feed(Input::Storage { level });
            self.store_and_send()?;
        }
        Ok(())
    }

    fn store_and_send(&mut self) -> Result<(), StoreError> {
        let records: Vec<Envelope> = std::iter::from_fn(|| self.fleet.poll_record()).collect();
        if let Some(store) = self.store.as_mut().filter(|_| !records.is_empty()) {
            store.append(&records)?;
        }
        while let Some((seq, output)) = self.fleet.poll_output() {
            // Whoever listened may have gone; the fleet's state does not depend on it.
            let _delivered = match output {
                Output::Plan { job, problem, step_budget } => {
                    self.plans.send((job, problem, step_budget)).is_ok()
                }
                Output::ToAgent { .. } | Output::ToPeripheral(_) | Output::Alert(_) => {
                    self.outbox.send((seq, output)).is_ok()
                }
            };
        }
        self.since_snapshot += records.len() as u64;
        Ok(())
    }

    /// New segments and snapshots. Returns how full the store is when that has changed.
    fn keep_house(&mut self) -> Option<StorageLevel> {
        let store = self.store.as_mut()?;
        let is_due = SNAPSHOT_EVERY <= self.since_snapshot;
        if is_due {
            self.since_snapshot = 0;
        }
        // Nothing is lost without it: the ledger goes on as it was. The level says that the disk refused.
        let _refused = store.keep_house(&mut self.fleet, is_due);
        let level = store.level();
        let changed = level != self.level;
        self.level = level;
        changed.then_some(level)
    }
}

/// The planner's thread: one job after the other, until the fleet is gone.
fn plan(mut planner: Planner, questions: &Receiver<(JobId, Problem, u32)>, answers: &Sender<Input>) {
    for (job, problem, step_budget) in questions {
        let plan = planner.plan(&problem, step_budget);
        if answers.send(Input::Planned { job, plan }).is_err() {
            return;
        }
    }
}

/// The speed of each footprint class: that of its first robot.
fn class_speeds(fleet: &Fleet) -> Vec<MmPerS> {
    let agents = &fleet.config().agents;
    (0..fleet.site().classes().len())
        .map(|class| {
            let speed = agents.iter().find(|agent| agent.class == Some(class)).map(|agent| agent.speed);
            speed.unwrap_or(MmPerS(1_000))
        })
        .collect()
}
