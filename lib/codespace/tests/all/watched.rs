//! An allocator that ends the process if it is used where it must not be.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

#[global_allocator]
static ALLOCATOR: Watched = Watched;

thread_local! {
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, in which this thread must not allocate or free.
pub(crate) fn without_allocating(work: impl FnOnce()) {
    FORBIDDEN.set(true);
    work();
    FORBIDDEN.set(false);
}

struct Watched;

// SAFETY: everything is done by the system's allocator, or not at all.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        check();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn check() {
    if FORBIDDEN.try_with(Cell::get).unwrap_or(false) {
        std::process::abort();
    }
}
