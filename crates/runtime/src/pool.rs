//! Worker threads for jobs that own what they need.

use std::{any::Any, thread};

use crossbeam::channel::{Sender, unbounded};
use sheepdog_core::{Job, JobResult, Workers};

/// A job, its place in the order, and where its result goes.
type Ordered = (usize, Job, Sender<(usize, JobResult)>);

/// A fixed number of threads that run jobs and hand results back in the order of the jobs.
#[derive(Debug)]
pub struct Pool {
    jobs: Option<Sender<Ordered>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Pool {
    /// A pool of `width` threads, at least one.
    pub fn new(width: usize) -> Self {
        let (jobs, inbox) = unbounded::<Ordered>();
        let threads = (0..width.max(1))
            .map(|_| {
                let inbox = inbox.clone();
                thread::spawn(move || {
                    for (index, job, done) in inbox {
                        // Whoever asked may have gone; then nobody misses the result.
                        let _delivered = done.send((index, job()));
                    }
                })
            })
            .collect();
        Self { jobs: Some(jobs), threads }
    }
}

impl Workers for Pool {
    fn run(&self, jobs: Vec<Job>) -> Vec<JobResult> {
        let (done, results) = unbounded();
        let count = jobs.len();
        for (index, job) in jobs.into_iter().enumerate() {
            let Some(queue) = &self.jobs else { break };
            if queue.send((index, job, done.clone())).is_err() {
                break;
            }
        }
        drop(done);
        let mut ordered: Vec<Option<JobResult>> = (0..count).map(|_| None).collect();
        for (index, result) in results {
            if let Some(slot) = ordered.get_mut(index) {
                *slot = Some(result);
            }
        }
        // A job that panicked leaves a gap; a result of a foreign type tells the caller so.
        ordered.into_iter().map(|slot| slot.unwrap_or_else(|| Box::new(()) as Box<dyn Any + Send>)).collect()
    }

    fn width(&self) -> usize {
        self.threads.len()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to wait for.
            let _ended = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sheepdog_core::{Sequential, map_jobs};

    #[test]
    fn results_come_in_the_order_of_the_jobs_on_any_width() {
        let items: Vec<u64> = (0..100).collect();
        let expected = map_jobs(&Sequential, items.clone(), |n| n * n);
        for width in [1, 2, 5] {
            assert_eq!(map_jobs(&Pool::new(width), items.clone(), |n| n * n), expected);
        }
    }
}
