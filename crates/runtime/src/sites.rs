//! Versions of a site for threads that read while another one swaps.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use sheepdog_core::SiteVersion;
use sheepdog_map::{
    CompiledSite,
    versions::{Active, SiteDiff, SwapError, Versions},
};

/// The version of a site in force, shared by any number of readers.
///
/// A swap is examined while everybody goes on reading; in the end one pointer is exchanged, and nobody waits longer than
/// for that.
#[derive(Debug)]
pub struct SiteStore {
    current: RwLock<Arc<CompiledSite>>,
    /// Locked while a swap is examined, so that swaps queue and readers do not.
    versions: Mutex<Versions>,
}

impl SiteStore {
    /// A store whose first version is in force.
    pub fn new(site: Arc<CompiledSite>) -> Self {
        Self { current: RwLock::new(Arc::clone(&site)), versions: Mutex::new(Versions::new(site)) }
    }

    /// The version in force. Waits at most for the exchange of a pointer.
    pub fn current(&self) -> Arc<CompiledSite> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A version that is or was in force. Waits for a swap that is being examined.
    pub fn version(&self, version: SiteVersion) -> Option<Arc<CompiledSite>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).version(version).cloned()
    }

    /// The version to compile the next one after, see [`Versions::latest`]. Waits for a swap that is being examined.
    pub fn latest(&self) -> Arc<CompiledSite> {
        Arc::clone(self.versions.lock().unwrap_or_else(PoisonError::into_inner).latest())
    }

    /// Puts a version in force, and says what it changes. Nothing changes on an error.
    ///
    /// # Errors
    /// As [`Versions::swap`].
    pub fn swap(&self, next: Arc<CompiledSite>, active: &[Active<'_>]) -> Result<SiteDiff, SwapError> {
        self.exchange(|versions| versions.swap(next, active))
    }

    /// Puts a version in force again that was before.
    ///
    /// # Errors
    /// As [`Versions::back_to`].
    pub fn back_to(&self, version: SiteVersion, active: &[Active<'_>]) -> Result<SiteDiff, SwapError> {
        self.exchange(|versions| versions.back_to(version, active))
    }

    fn exchange(
        &self,
        swap: impl FnOnce(&mut Versions) -> Result<SiteDiff, SwapError>,
    ) -> Result<SiteDiff, SwapError> {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let diff = swap(&mut versions)?;
        let next = Arc::clone(versions.current());
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(diff)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use sheepdog_map::{
        CompileOptions, Site,
        model::{Level, Waypoint},
    };

    use super::*;

    fn site(names: &[&str]) -> Site {
        let mut site = Site::new("hut");
        site.levels.push(Level::new("0", 0.0));
        site.waypoints.extend(names.iter().map(|name| Waypoint::new(*name, "0", 0.0, 0.0)));
        site
    }

    /// Readers see one version or the other at every instant, and keep what they have.
    #[test]
    fn readers_go_on_during_a_swap() {
        let options = CompileOptions::default();
        let first = Arc::new(site(&["a"]).compile(&options).unwrap());
        let next = Arc::new(site(&["a", "b"]).compile_after(&first, &options).unwrap());
        let versions = [first.version(), next.version()];
        let store = SiteStore::new(first);
        let (kept, done) = (store.current(), AtomicBool::new(false));
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut reads = 0_u64;
                while !done.load(Ordering::Relaxed) || reads == 0 {
                    assert!(versions.contains(&store.current().version()));
                    reads += 1;
                }
                reads
            });
            for _ in 0..50 {
                store.swap(Arc::clone(&next), &[]).unwrap();
                store.back_to(versions[0], &[]).unwrap();
            }
            done.store(true, Ordering::Relaxed);
            assert!(0 < reader.join().unwrap());
        });
        assert_eq!((kept.version(), store.current().version()), (versions[0], versions[0]));
        assert_eq!(store.version(versions[1]).map(|site| site.version()), Some(versions[1]));
        let unknown = SiteVersion([9; 32]);
        assert_eq!(store.back_to(unknown, &[]), Err(SwapError::Unknown { version: unknown }));
    }
}
