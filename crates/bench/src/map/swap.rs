//! What readers of a map notice of a swap.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sheepdog_core::{FleetTime, Mm};
use sheepdog_map::{CompileOptions, FootprintClass, Site, versions::SiteStore};
use sheepdog_runtime::Clock;

use super::Outcome;
use crate::{figure::Figure, median};

/// The longest that a reader, who does nothing but ask for the version in force, waits for an answer during a swap of two
/// versions of a site and back: the median over all swaps.
pub(super) fn pause(site: &Site, swaps: usize) -> Outcome<Figure> {
    let options = CompileOptions::new(vec![FootprintClass::round("robot", Mm(250), Mm(100))]);
    let refused = |errors: Vec<sheepdog_map::MapError>| format!("the site does not compile: {errors:?}");
    let first = Arc::new(site.compile(&options).map_err(refused)?);
    let mut edited = site.clone();
    edited.lanes.pop();
    let second = Arc::new(edited.compile_after(&first, &options).map_err(refused)?);
    let store = SiteStore::new(Arc::clone(&first));
    let mut longest = Vec::with_capacity(swaps);
    for (next, _) in [second, first].into_iter().cycle().zip(0..swaps) {
        let done = AtomicBool::new(false);
        let worst = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut worst_us = 0.0_f64;
                while !done.load(Ordering::Acquire) {
                    let begun = Clock::starting_at(FleetTime::ZERO);
                    std::hint::black_box(store.current());
                    worst_us = worst_us.max(begun.elapsed().as_secs_f64() * 1e6);
                }
                worst_us
            });
            let swapped = store.swap(next, &[]).map_err(|error| error.to_string());
            done.store(true, Ordering::Release);
            let worst = reader.join().map_err(|_| "the reader panicked".to_owned());
            swapped.and(worst)
        });
        longest.push(worst?);
    }
    Ok(Figure::alone("map", "hot_swap_pause_us", median(longest), "us"))
}
