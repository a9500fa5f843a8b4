//! What readers of a map notice of a swap.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sheepdog_core::{FleetTime, Job, Mm, Workers};
use sheepdog_map::{CompileOptions, FootprintClass, Site};
use sheepdog_runtime::{Clock, Pool, SiteStore};

use super::Outcome;
use crate::{figure::Figure, median};

/// The longest that a reader, who does nothing but ask for the version in force, waits for an answer during a swap of two
/// versions of a site and back: the median over all swaps.
pub(super) fn pause(name: &str, site: &Site, swaps: usize) -> Outcome<Figure> {
    let options = CompileOptions::new(vec![FootprintClass::round("robot", Mm(250), Mm(100))]);
    let refused = |errors: Vec<sheepdog_map::MapError>| format!("the site does not compile: {errors:?}");
    let first = Arc::new(site.compile(&options).map_err(refused)?);
    let mut edited = site.clone();
    edited.lanes.pop();
    let second = Arc::new(edited.compile_after(&first, &options).map_err(refused)?);
    let (store, pool) = (Arc::new(SiteStore::new(Arc::clone(&first))), Pool::new(2));
    let mut longest = Vec::with_capacity(swaps);
    for (next, _) in [second, first].into_iter().cycle().zip(0..swaps) {
        let done = Arc::new(AtomicBool::new(false));
        let (reader, swapped) = ((Arc::clone(&store), Arc::clone(&done)), (Arc::clone(&store), done));
        let read: Job = Box::new(move || {
            let mut worst_us = 0.0_f64;
            while !reader.1.load(Ordering::Acquire) {
                let begun = Clock::starting_at(FleetTime::ZERO);
                std::hint::black_box(reader.0.current());
                worst_us = worst_us.max(begun.elapsed().as_secs_f64() * 1e6);
            }
            Box::new(worst_us)
        });
        let swap: Job = Box::new(move || {
            let result = swapped.0.swap(next, &[]);
            swapped.1.store(true, Ordering::Release);
            Box::new(result.is_ok())
        });
        let mut results = pool.run(vec![read, swap]).into_iter();
        let worst_us = results.next().and_then(|result| result.downcast::<f64>().ok());
        let went_well = results.next().and_then(|result| result.downcast::<bool>().ok());
        longest.push(*worst_us.filter(|_| went_well.is_some_and(|well| *well)).ok_or("the swap failed")?);
    }
    Ok(Figure::alone("map", name, median(longest), "us"))
}
