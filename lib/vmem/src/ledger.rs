//! Who does what where in one piece of address space: what is committed, and what is being used.
//!
//! System calls run outside the lock. What keeps them apart is a [`Claim`]: while it lives, no
//! other operation can touch its range.
//!
//! ```text
//!   committed   ├──────────────┤        ├──────┤
//!   claims          ├─┤    ├─┤                    ├────┤
//!                   write  write                  commit
//! ```
//!
//! * [LEDGER-DISJOINT] live claims do not overlap.
//! * [LEDGER-SETTLE] what is committed changes only when the operation has succeeded.
#![forbid(unsafe_code)]

use std::ops::Range;

use sync::{
    Mutex, Rank,
    atomic::{AtomicUsize, Ordering},
};

use crate::{ErrorKind, Result, range_set::RangeSet};

/// The books of one piece of address space.
#[derive(Debug)]
pub(crate) struct Ledger {
    state: Mutex<State>,
    /// Bytes in `State::committed`: for statistics, which take no lock.
    committed: AtomicUsize,
    /// Ranges in `State::committed`: for statistics.
    pieces: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    committed: RangeSet,
    claims: Vec<Range<usize>>,
}

impl Ledger {
    /// Nothing is committed.
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(Rank::CodeMemory, State::default()),
            committed: AtomicUsize::new(0),
            pieces: AtomicUsize::new(0),
        }
    }

    /// Committed bytes.
    pub(crate) fn committed(&self) -> usize {
        self.committed.load(Ordering::Relaxed)
    }

    /// Committed ranges that do not touch each other.
    pub(crate) fn pieces(&self) -> usize {
        self.pieces.load(Ordering::Relaxed)
    }

    /// Claims a range of which nothing is committed.
    pub(crate) fn claim_free(&self, range: Range<usize>) -> Result<Claim<'_>> {
        let mut state = self.state.lock();
        if state.committed.overlaps(&range) {
            return Err(ErrorKind::AlreadyCommitted { wanted: range }.into());
        }
        state.claim(&range)?;
        Ok(Claim { ledger: self, range })
    }

    /// Claims a range of which everything is committed.
    pub(crate) fn claim_committed(&self, range: Range<usize>) -> Result<Claim<'_>> {
        let mut state = self.state.lock();
        if !state.committed.contains(&range) {
            return Err(ErrorKind::NotCommitted { wanted: range }.into());
        }
        state.claim(&range)?;
        Ok(Claim { ledger: self, range })
    }

    fn count(&self, state: &State, bytes: usize) {
        self.committed.store(bytes, Ordering::Relaxed);
        self.pieces.store(state.committed.count(), Ordering::Relaxed);
    }
}

impl State {
    fn claim(&mut self, range: &Range<usize>) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let meets = |other: &Range<usize>| other.start < range.end && range.start < other.end;
        // [LEDGER-DISJOINT]
        if self.claims.iter().any(meets) {
            return Err(ErrorKind::Busy { wanted: range.clone() }.into());
        }
        self.claims.push(range.clone());
        Ok(())
    }
}

/// The right to work on a range. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Claim<'l> {
    ledger: &'l Ledger,
    range: Range<usize>,
}

impl Claim<'_> {
    /// What is claimed.
    pub(crate) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The range is committed now. [LEDGER-SETTLE]
    pub(crate) fn settle_commit(self) {
        let mut state = self.ledger.state.lock();
        state.committed.insert(self.range.clone());
        self.ledger.count(&state, self.ledger.committed() + self.range.len());
    }

    /// The range is no longer committed. [LEDGER-SETTLE]
    pub(crate) fn settle_decommit(self) {
        let mut state = self.ledger.state.lock();
        state.committed.remove(&self.range);
        self.ledger.count(&state, self.ledger.committed() - self.range.len());
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let claims = &mut self.ledger.state.lock().claims;
        if let Some(index) = claims.iter().position(|claim| *claim == self.range) {
            claims.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use sync::atomic::AtomicBool;

    use super::*;

    fn is_busy<T>(result: &Result<T>) -> bool {
        result.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Busy { .. }))
    }

    #[test]
    fn ledger_settle_only_success_changes_the_books() {
        let ledger = Ledger::new();
        drop(ledger.claim_free(0..10).unwrap());
        assert_eq!((ledger.committed(), ledger.pieces()), (0, 0));
        ledger.claim_free(0..10).unwrap().settle_commit();
        ledger.claim_free(20..25).unwrap().settle_commit();
        assert_eq!((ledger.committed(), ledger.pieces()), (15, 2));
        drop(ledger.claim_committed(0..10).unwrap());
        ledger.claim_committed(2..4).unwrap().settle_decommit();
        assert_eq!((ledger.committed(), ledger.pieces()), (13, 3));
        assert!(ledger.claim_free(3..5).is_err());
        assert!(ledger.claim_committed(3..5).is_err());
    }

    #[test]
    fn ledger_disjoint_claims_exclude_each_other() {
        let ledger = Ledger::new();
        ledger.claim_free(0..10).unwrap().settle_commit();
        let claim = ledger.claim_committed(2..4).unwrap();
        assert!(is_busy(&ledger.claim_committed(3..6)));
        assert!(is_busy(&ledger.claim_committed(0..10)));
        let empty = ledger.claim_committed(3..3).unwrap();
        let neighbour = ledger.claim_committed(4..6).unwrap();
        drop((claim, empty));
        drop(ledger.claim_committed(0..4).unwrap());
        assert!(is_busy(&ledger.claim_committed(0..5)));
        drop(neighbour);
    }

    #[test]
    fn hammer_claims_are_disjoint_and_books_add_up() {
        const CELLS: usize = 16;
        let ledger = Ledger::new();
        let owned: [AtomicBool; CELLS] = Default::default();
        sync::hammer(4, 500, |thread, round| {
            let start = (thread * 7 + round * 5) % CELLS;
            let range = start..(start + 1 + round % 4).min(CELLS);
            let free = ledger.claim_free(range.clone());
            let (claim, commits) = match free {
                Ok(claim) => (claim, true),
                Err(_) => match ledger.claim_committed(range.clone()) {
                    Ok(claim) => (claim, false),
                    Err(_) => return,
                },
            };
            for cell in &owned[range.clone()] {
                assert!(!cell.swap(true, Ordering::Relaxed), "two claims of one address");
            }
            std::thread::yield_now();
            owned[range].iter().for_each(|cell| cell.store(false, Ordering::Relaxed));
            if commits { claim.settle_commit() } else { claim.settle_decommit() }
        });
        let committed = (0..CELLS).filter(|&at| ledger.claim_committed(at..at + 1).is_ok());
        assert_eq!(committed.count(), ledger.committed());
    }
}
