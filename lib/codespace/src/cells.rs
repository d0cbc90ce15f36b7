//! Cells: the jump table as data. One word for each function of a unit: its entry address.
//!
//! ```text
//!   call [cell 7] ──► cell 7 ──► newest code of function 7 (its lazy entry at first)
//! ```
//!
//! * [CELL-LIVE] a cell leads to runnable code at all times.
//! * [CELL-STABLE] its address is the same as long as the unit lives; installing code is one
//!   aligned store into data.

use std::{
    ops::Range,
    // Machine code reads them: loom's atomics are not words.
    sync::atomic::{AtomicUsize, Ordering},
};

use std::sync::Arc;

use crate::{
    arena::{Arena, total},
    error::Result,
    tenant::{Charge, Tenant},
};

/// Bytes of one cell.
pub(crate) const CELL_BYTES: usize = size_of::<AtomicUsize>();

/// The cells of one unit. Their range is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Cells {
    arena: Arc<Arena>,
    /// What was allocated: at least as large as the cells.
    range: Range<usize>,
    count: u32,
    _charge: Charge,
}

impl Cells {
    /// Cells that lead to what `target` says, which `tenant` pays for; `None` if the arena has no
    /// room.
    pub(crate) fn new(
        arena: &Arc<Arena>,
        tenant: &Arc<Tenant>,
        count: u32,
        target: impl Fn(u32) -> usize,
    ) -> Result<Option<Self>> {
        let bytes = (count as usize).saturating_mul(CELL_BYTES);
        let charge = tenant.charge(total(&[bytes]).unwrap_or(bytes))?;
        let Some(range) = arena.allocate_data(bytes)? else { return Ok(None) };
        let cells = Self { arena: Arc::clone(arena), range, count, _charge: charge };
        for function in 0..count {
            cells.set(function, target(function));
        }
        Ok(Some(cells))
    }

    /// Addresses of the cells.
    pub(crate) fn range(&self) -> Range<usize> {
        self.range.start..self.range.start + self.count as usize * CELL_BYTES
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The cell of a function.
    pub(crate) fn get(&self, function: u32) -> Option<&AtomicUsize> {
        (function < self.count).then(|| self.cell(function))
    }

    /// Lets callers of a function reach `target`.
    pub(crate) fn set(&self, function: u32, target: usize) {
        assert!(function < self.count, "function {function} of {}", self.count);
        // Release: who calls through the cell sees all that was done to publish the code. (The
        // load is machine code's; every load of the claimed machines is an acquire.)
        self.cell(function).store(target, Ordering::Release);
    }

    fn cell(&self, function: u32) -> &AtomicUsize {
        let base = self.arena.memory().data_base();
        let offset = self.range.start - base.addr() + function as usize * CELL_BYTES;
        // SAFETY: callers have checked `function`, so the cell lies in the range, which lies in
        // the data part of which `base` is the start.
        let cell = unsafe { base.add(offset) };
        // SAFETY: the range is ours until drop, is committed, and starts at a granule, so the
        // cell is aligned; it is accessed only as an atomic, by us and by machine code.
        unsafe { &*cell.cast::<AtomicUsize>() }
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        self.arena.free_data(self.range.clone());
    }
}
