//! How a library crate uses many cores without owning a thread.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::any::Any;

/// What a job hands back; [`map_jobs`] gives it its type again.
pub type JobResult = Box<dyn Any + Send>;

/// A unit of work that owns (or shares through `Arc`) all it needs.
pub type Job = Box<dyn FnOnce() -> JobResult + Send>;

/// Runs jobs, on any number of threads, and returns their results in the order of the jobs.
///
/// Because results come in index order, no caller can tell one thread from many.
pub trait Workers {
    /// Runs every job and returns the results in index order.
    fn run(&self, jobs: Vec<Job>) -> Vec<JobResult>;

    /// How many jobs make sense at once; at least one.
    fn width(&self) -> usize;
}

/// Runs jobs one after the other on the caller's thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequential;

impl Workers for Sequential {
    fn run(&self, jobs: Vec<Job>) -> Vec<JobResult> {
        jobs.into_iter().map(|job| job()).collect()
    }

    fn width(&self) -> usize {
        1
    }
}

/// Applies `f` to every item as one job each and returns the results in the order of the items.
///
/// A result of a foreign type (a broken [`Workers`]) is left out, so the caller sees a shorter vector.
///
/// ```
/// # use sheepdog_core::{map_jobs, Sequential};
/// assert_eq!(map_jobs(&Sequential, vec![1, 2, 3], |n: i32| n * n), [1, 4, 9]);
/// ```
pub fn map_jobs<T, R, F>(workers: &dyn Workers, items: Vec<T>, f: F) -> Vec<R>
where
    T: Send + 'static,
    R: Send + 'static,
    F: Fn(T) -> R + Send + Sync + 'static,
{
    let f = Arc::new(f);
    let jobs = items
        .into_iter()
        .map(|item| {
            let f = Arc::clone(&f);
            Box::new(move || Box::new(f(item)) as JobResult) as Job
        })
        .collect();
    workers.run(jobs).into_iter().filter_map(|result| result.downcast::<R>().ok().map(|r| *r)).collect()
}
