//! Cold code: finding out what is not called, at no cost while it runs.
//!
//! ```text
//!   sweep 1                      called meanwhile:  revive ──► cell leads to the code again
//!   cell leads to the lazy ──┬─►
//!   entry, code stays        └─► not called:        sweep 2 takes the code away
//! ```
//!
//! A *suspended* function still has its code, but its cell leads to its lazy entry. Whoever
//! calls it comes to the lazy stub, which asks [`Unit::revive`] before it has anything compiled: the
//! same code is linked again. So a sweep costs a function that is in use one detour, and the code
//! has nothing to count. This is the same for all tiers.
//!
//! A function that is never called again, because a loop in it goes on for ever, counts as cold.
//! Its code stays as long as the loop does.
#![forbid(unsafe_code)]

use std::ops::{AddAssign, Range};

use crate::{
    events,
    manager::CodeManager,
    remove::{Filter, Removed},
    unit::{Books, Unit},
};

/// What a sweep did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// What had not been called since the sweep before.
    pub removed: Removed,
    /// How many functions have to be called before the next sweep, or lose their code.
    pub suspended: usize,
}

impl AddAssign for Swept {
    fn add_assign(&mut self, other: Self) {
        self.removed += other.removed;
        self.suspended += other.suspended;
    }
}

/// Functions that are looked at under one lock.
const BATCH: u32 = 256;

impl Unit {
    /// Takes code away from functions that match and have not been called since the last sweep,
    /// and suspends the others that match.
    pub fn sweep(&self, filter: Filter) -> Swept {
        let mut swept = Swept::default();
        for start in (0..self.functions()).step_by(BATCH as usize) {
            let end = self.functions().min(start.saturating_add(BATCH));
            let (cold, suspended) = self.sweep_batch(start..end, filter);
            swept += Swept { removed: self.retire(cold), suspended };
        }
        if swept != Swept::default() {
            events::sweep(self.identity().id(), swept);
        }
        swept
    }

    /// Links the code of a suspended function again. True if it was suspended.
    pub fn revive(&self, function: u32) -> bool {
        let mut books = self.books().lock();
        if !books.is_suspended(function) {
            return false;
        }
        books.end_suspension(function);
        self.touch();
        if let Some(id) = books.table[function as usize] {
            self.lead(&mut books, function, self.manager().slab().record(id).entry());
        }
        true
    }

    /// Suspends a function, to find out whether it is called again: that is what
    /// [`Unit::is_suspended`] tells later. False if it has no code.
    ///
    /// A function that is not called until the next sweep is cold for it.
    pub fn suspend(&self, function: u32) -> bool {
        let mut books = self.books().lock();
        let has_code = books.table.get(function as usize).is_some_and(Option::is_some);
        if has_code && !books.is_suspended(function) {
            books.suspend(function);
            self.lead(&mut books, function, self.lazy_entry(function));
        }
        has_code
    }

    /// Does the function have code that nobody called since it was suspended?
    pub fn is_suspended(&self, function: u32) -> bool {
        self.books().lock().is_suspended(function)
    }

    fn sweep_batch(&self, functions: Range<u32>, filter: Filter) -> (Vec<u32>, usize) {
        let (mut cold, mut suspended) = (Vec::new(), 0);
        let mut books = self.books().lock();
        for function in functions {
            let Some(id) = books.table[function as usize] else {
                self.take_replacements(&mut books, function, filter, &mut cold);
                continue;
            };
            let version = self.manager().slab().record(id).contents().version();
            if !filter.matches(version) {
                continue;
            }
            if books.is_suspended(function) {
                books.end_suspension(function);
                books.table[function as usize] = None;
                self.identity().count(|counters| counters.uninstalled(version.tier));
                cold.push(id);
                self.take_replacements(&mut books, function, Filter::All, &mut cold);
            } else {
                books.suspend(function);
                self.lead(&mut books, function, self.lazy_entry(function));
                suspended += 1;
            }
        }
        (cold, suspended)
    }
}

impl Books {
    /// Does the function have code that its cell does not lead to?
    pub(crate) fn is_suspended(&self, function: u32) -> bool {
        self.suspended.get(function as usize).is_some_and(|&suspended| suspended)
    }

    /// Its cell does not lead to its code any more.
    fn suspend(&mut self, function: u32) {
        if self.suspended.is_empty() {
            self.suspended.resize(self.table.len(), false);
        }
        self.suspended[function as usize] = true;
    }

    /// Its cell leads to its code again, or it has none.
    pub(crate) fn end_suspension(&mut self, function: u32) {
        if let Some(flag) = self.suspended.get_mut(function as usize) {
            *flag = false;
        }
    }
}

impl CodeManager {
    /// As [`Unit::remove`], for all units that are not pinned.
    pub fn remove(&self, filter: Filter) -> Removed {
        let mut removed = Removed::default();
        self.for_each_loose(|unit| removed += unit.remove(filter));
        removed
    }

    /// As [`Unit::sweep`], for all units that are not pinned.
    pub fn sweep(&self, filter: Filter) -> Swept {
        let mut swept = Swept::default();
        self.for_each_loose(|unit| swept += unit.sweep(filter));
        swept
    }

    fn for_each_loose(&self, work: impl FnMut(&Unit)) {
        let units = self.units();
        units.iter().filter(|unit| !unit.is_pinned()).map(|unit| &**unit).for_each(work);
    }
}
