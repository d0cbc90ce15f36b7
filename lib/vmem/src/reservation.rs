//! Address space for data: linear memories, tables, indexes.
#![forbid(unsafe_code)]

use std::ops::Range;

use sync::Arc;

use crate::{
    FaultKind, FaultPlan, Result,
    ledger::Ledger,
    space::{Faults, Space},
    sys::Access,
};

/// Reserved address space of which pages can be committed and decommitted one by one.
///
/// Nothing in it is accessible before it is committed. Ranges are offsets from the base and
/// consist of whole pages; ranges in errors are addresses. Dropping gives everything back.
#[derive(Debug)]
pub struct Reservation {
    space: DataSpace,
}

impl Reservation {
    /// Reserves that many bytes, rounded up to whole pages, at a multiple of `align`, which is a
    /// power of two.
    ///
    /// # Errors
    ///
    /// If there is no such address space.
    pub fn reserve(bytes: usize, align: usize, faults: Option<Arc<FaultPlan>>) -> Result<Self> {
        let space = Space::reserve(bytes, align, Faults(faults))?;
        Ok(Self { space: DataSpace::new(space) })
    }

    /// The lowest address.
    ///
    /// What is committed can be read and written through it until it is decommitted or the
    /// reservation is dropped; the rest faults.
    pub fn base(&self) -> *mut u8 {
        self.space.base()
    }

    /// Bytes reserved.
    #[expect(clippy::len_without_is_empty, reason = "a reservation is never empty")]
    pub fn len(&self) -> usize {
        self.space.range().len()
    }

    /// The plan that it was made with.
    pub fn faults(&self) -> Option<Arc<FaultPlan>> {
        self.space.space.faults().0.clone()
    }

    /// Bytes committed. Takes no lock.
    pub fn committed(&self) -> usize {
        self.space.committed()
    }

    /// Makes pages readable and writable; they read as zeros.
    ///
    /// # Errors
    ///
    /// If a page is committed already, or the system refuses. Nothing has changed then.
    pub fn commit(&self, offsets: Range<usize>) -> Result<()> {
        self.space.commit(self.addresses(offsets))
    }

    /// Makes pages inaccessible and gives their memory back. Committed again, they read as zeros.
    ///
    /// # Errors
    ///
    /// If a page is not committed, or the system refuses. Nothing has changed then.
    pub fn decommit(&self, offsets: Range<usize>) -> Result<()> {
        self.space.decommit(self.addresses(offsets))
    }

    /// Too large offsets stay too large, and are found out of range.
    fn addresses(&self, offsets: Range<usize>) -> Range<usize> {
        let base = self.space.range().start;
        base.saturating_add(offsets.start)..base.saturating_add(offsets.end)
    }
}

/// Data pages and their books, by absolute addresses.
#[derive(Debug)]
pub(crate) struct DataSpace {
    space: Space,
    ledger: Ledger,
}

impl DataSpace {
    /// Nothing is committed.
    pub(crate) fn new(space: Space) -> Self {
        Self { space, ledger: Ledger::new() }
    }

    /// The lowest address.
    pub(crate) fn base(&self) -> *mut u8 {
        self.space.base()
    }

    /// All its addresses.
    pub(crate) fn range(&self) -> Range<usize> {
        self.space.range()
    }

    /// Bytes committed.
    pub(crate) fn committed(&self) -> usize {
        self.ledger.committed()
    }

    /// Committed ranges that do not touch.
    pub(crate) fn pieces(&self) -> usize {
        self.ledger.pieces()
    }

    /// As [`Reservation::commit`].
    pub(crate) fn commit(&self, range: Range<usize>) -> Result<()> {
        self.space.check_pages(&range)?;
        if range.is_empty() {
            return Ok(());
        }
        let claim = self.ledger.claim_free(range)?;
        self.space.protect(claim.range(), Access::ReadWrite, FaultKind::Commit)?;
        claim.settle_commit();
        Ok(())
    }

    /// As [`Reservation::decommit`].
    pub(crate) fn decommit(&self, range: Range<usize>) -> Result<()> {
        self.space.check_pages(&range)?;
        if range.is_empty() {
            return Ok(());
        }
        let claim = self.ledger.claim_committed(range)?;
        self.space.reset(claim.range())?;
        claim.settle_decommit();
        Ok(())
    }
}
