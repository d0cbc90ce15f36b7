//! Noticing that this process is the child of a fork.
//!
//! One page is wiped by the kernel in every forked child. It holds a number that no ancestor and
//! no child has at the same place:
//!
//! ```text
//!   parent   page: 1 ──────────────────────────►   guards made here hold 1: not inherited
//!               └── fork ──► page: 0               guards hold 1: inherited
//!                            page: 2 (new guard)   old guards hold 1: inherited; new ones hold 2
//! ```
//!
//! * [FORK-FIRST] the original process has number [`FIRST`]; children that make a guard, and only
//!   they, have higher ones.

use std::{
    sync::OnceLock,
    // Statics of the process: loom's atomics cannot be in statics.
    sync::atomic::{AtomicPtr, AtomicU64, Ordering},
};

use crate::{Result, sys};

/// Belongs to the process in which it was made.
#[derive(Clone, Copy, Debug)]
pub struct ForkGuard {
    page: &'static AtomicU64,
    number: u64,
}

impl ForkGuard {
    /// A guard of this process.
    ///
    /// # Errors
    ///
    /// If the system cannot make a page that fork wipes.
    pub fn new() -> Result<Self> {
        let page = page()?;
        let mut number = page.load(Ordering::Relaxed);
        if number == 0 {
            // A counter in ordinary memory: a child goes on where its parent was.
            let fresh = NEXT.fetch_add(1, Ordering::Relaxed);
            let set = page.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed);
            number = set.map_or_else(|other| other, |_| fresh);
        }
        Ok(Self { page, number })
    }

    /// Is this a copy that a forked child has got from its parent? Costs one load.
    #[inline]
    pub fn is_inherited(&self) -> bool {
        self.page.load(Ordering::Relaxed) != self.number
    }
}

/// Is this process the child of one that had code memory when it forked? Costs two loads.
///
/// Stays true in such a child, also when it has made code memory of its own. To know whether a
/// certain code memory is the parent's, ask [`CodeMemory::is_inherited`](crate::CodeMemory::is_inherited)
/// or a [`ForkGuard`].
#[inline]
pub fn is_forked_child() -> bool {
    let page = PAGE.load(Ordering::Acquire);
    // SAFETY: it is null, or a page that lives as long as the process: see `page`.
    let Some(page) = (unsafe { page.as_ref() }) else { return false };
    // [FORK-FIRST]
    page.load(Ordering::Relaxed) != FIRST
}

const FIRST: u64 = 1;

static NEXT: AtomicU64 = AtomicU64::new(FIRST);
/// Null, or the page, with `FIRST` in it in the original process.
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(std::ptr::null_mut());

/// The page of the process, with its number in it from the start.
fn page() -> Result<&'static AtomicU64> {
    static OWNER: OnceLock<&'static AtomicU64> = OnceLock::new();
    if let Some(page) = OWNER.get() {
        return Ok(page);
    }
    let fresh = sys::fork_word()?;
    let page = *OWNER.get_or_init(|| {
        fresh.store(NEXT.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        fresh
    });
    // Release pairs with the load in `is_forked_child`, which then sees the number.
    PAGE.store(std::ptr::from_ref(page).cast_mut(), Ordering::Release);
    Ok(page)
}
