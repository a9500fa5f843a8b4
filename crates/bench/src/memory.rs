//! How much memory some work takes: the system's allocator, with its bytes counted while somebody asks.
#![expect(unsafe_code, reason = "an allocator is unsafe by its nature; this one hands everything on")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

static COUNTS: AtomicBool = AtomicBool::new(false);
static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Starts to count, from zero.
pub(crate) fn begin() {
    NOW.store(0, Ordering::Relaxed);
    PEAK.store(0, Ordering::Relaxed);
    COUNTS.store(true, Ordering::Relaxed);
}

/// Stops to count; the most bytes that were taken and not given back at any time since [`begin`].
pub(crate) fn end() -> usize {
    COUNTS.store(false, Ordering::Relaxed);
    PEAK.load(Ordering::Relaxed)
}

/// How many of the bytes that were taken since [`begin`] are still taken.
pub(crate) fn held() -> usize {
    NOW.load(Ordering::Relaxed)
}

fn take(bytes: usize) {
    if COUNTS.load(Ordering::Relaxed) {
        let now = NOW.fetch_add(bytes, Ordering::Relaxed).wrapping_add(bytes);
        // What was there before may be given back, so the count may be below zero.
        if now < usize::MAX / 2 {
            PEAK.fetch_max(now, Ordering::Relaxed);
        }
    }
}

fn give(bytes: usize) {
    if COUNTS.load(Ordering::Relaxed) {
        NOW.fetch_sub(bytes, Ordering::Relaxed);
    }
}

// SAFETY: every call is handed to the system's allocator as it came; counting touches atomics alone.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller keeps the contract of this function, which is that one's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller keeps the contract of this function, which is that one's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        give(layout.size());
        // SAFETY: the caller keeps the contract of this function, which is that one's.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both are there while bytes are copied.
        take(size);
        // SAFETY: the caller keeps the contract of this function, which is that one's.
        let moved = unsafe { System.realloc(at, layout, size) };
        give(if moved.is_null() { size } else { layout.size() });
        moved
    }
}
