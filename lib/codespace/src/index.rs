//! From an address to the id of the object there: one word for each granule of an arena's code.
//!
//! ```text
//!   code    │ A         │ A  ··│ B ··│ free      │     granules of 64 bytes
//!   index   │ id of A   │ id of A │ id of B │ 0     │     32 bits each: 1/16 of the code
//! ```
//!
//! * [INDEX-OWNER] objects start at granules, so no granule has two owners.
//!
//! The words of all granules are accessible as long as the arena lives; the system gives pages
//! to those that are used.

use std::{
    ops::Range,
    // Raw memory: loom's atomics are not words.
    sync::atomic::{AtomicU32, Ordering},
};

use sync::Arc;
use vmem::{FaultPlan, Reservation};

use crate::error::Result;

/// Unit of the index, and alignment of all objects.
pub(crate) const GRANULE: usize = 64;

/// The words of one arena.
#[derive(Debug)]
pub(crate) struct Index {
    words: Reservation,
    code: Range<usize>,
}

impl Index {
    /// All zero.
    pub(crate) fn new(code: Range<usize>, faults: Option<Arc<FaultPlan>>) -> Result<Self> {
        let bytes = code.len().div_ceil(GRANULE) * size_of::<u32>();
        let bytes = bytes.next_multiple_of(vmem::page_size());
        let words = Reservation::reserve(bytes, vmem::page_size(), faults)?;
        words.commit(0..bytes)?;
        Ok(Self { words, code })
    }

    /// The first word, for the table of arenas.
    pub(crate) fn base(&self) -> *mut AtomicU32 {
        self.words.base().cast()
    }

    /// Bytes reserved.
    pub(crate) fn bytes(&self) -> usize {
        self.words.len()
    }

    /// The granules of `object` belong to `id`.
    pub(crate) fn set(&self, object: &Range<usize>, id: u32) {
        // Release pairs with the look-up: who sees the id sees the record.
        self.words(object).iter().for_each(|word| word.store(id, Ordering::Release));
    }

    /// To whom the granule at `address` belongs; 0 if to nobody.
    pub(crate) fn get(&self, address: usize) -> u32 {
        self.words(&(address..address + 1)).first().map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// The granules of `object` belong to nobody.
    pub(crate) fn clear(&self, object: &Range<usize>) {
        self.set(object, 0);
    }

    fn words(&self, object: &Range<usize>) -> &[AtomicU32] {
        debug_assert!(object.start.is_multiple_of(GRANULE), "[INDEX-OWNER]");
        let inside = self.code.start <= object.start && object.end <= self.code.end;
        assert!(inside && object.start <= object.end, "objects lie in their arena");
        let first = (object.start - self.code.start) / GRANULE;
        let count = object.len().div_ceil(GRANULE);
        // SAFETY: `object` lies in `code`, for whose granules `new` has reserved words.
        let start = unsafe { self.base().add(first) };
        // SAFETY: those words are committed and zeroed by `new`, aligned (a page), stay as long
        // as `self`, and are never accessed but as atomics.
        unsafe { std::slice::from_raw_parts(start, count) }
    }
}
