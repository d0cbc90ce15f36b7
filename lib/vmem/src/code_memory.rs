//! The memory of one arena: a data part and a code part in one reservation.
//!
//! ```text
//!   base, multiple of `align`
//!   │ data part: r/w where committed  │ code part: r-x where committed        │
//!   ├──────────┬──────────────────────┼───────────────┬───────────────────────┤
//!   │ cells    │ reserved             │ code          │ reserved              │
//!   └──────────┴──────────────────────┴───────────────┴───────────────────────┘
//!   ◄── at most 2 GiB: every address of one part is in near reach of the other ──►
//! ```
//!
//! Code is written only through a [`WriteScope`]; how it gets there is the strategy's business.
//!
//! Not here: which ranges are free, and whose code is in them.
#![forbid(unsafe_code)]

use std::ops::Range;

use sync::Arc;

use crate::{
    ErrorKind, FaultPlan, Result, Strategy, TRAP_BYTE, WriteScope,
    ledger::{Claim, Ledger},
    reservation::DataSpace,
    space::{Faults, Space},
    strategy::CodeBackend,
    sys,
};

/// How far a near branch or a relative address reaches: no code memory is larger.
pub(crate) const REACH: usize = 2 << 30;

/// What a [`CodeMemory`] should be like.
#[derive(Clone, Debug)]
pub struct CodeRequest {
    /// Size of the data part: rounded up to whole pages, may be zero.
    pub data_bytes: usize,
    /// Size of the code part: rounded up to whole pages.
    pub code_bytes: usize,
    /// The base is a multiple of this power of two.
    pub align: usize,
    /// How code is written.
    pub strategy: Strategy,
    /// Which calls fail.
    pub faults: Option<Arc<FaultPlan>>,
}

impl Default for CodeRequest {
    /// No data, no code, no alignment: at least `code_bytes` has to be set.
    fn default() -> Self {
        Self { data_bytes: 0, code_bytes: 0, align: 1, strategy: Strategy::Auto, faults: None }
    }
}

/// Reserved memory for code, and for data that code reaches by relative addresses.
///
/// All ranges are absolute addresses. Operations on disjoint ranges can run on several threads
/// at once. Dropping gives everything back: nothing may run in it any more then.
#[derive(Debug)]
pub struct CodeMemory {
    /// `None` if its size is zero.
    data: Option<DataSpace>,
    backend: Box<dyn CodeBackend>,
    ledger: Ledger,
}

impl CodeMemory {
    /// Reserves address space. Nothing is accessible yet.
    ///
    /// # Errors
    ///
    /// If the sizes are zero or too large, or the system refuses.
    pub fn reserve(request: &CodeRequest) -> Result<Self> {
        let (data, code) = request.split()?;
        // Before anything is reserved, because it may reserve something itself.
        let strategy = request.strategy.resolve()?;
        let faults = Faults(request.faults.clone());
        let mut space = Space::reserve(data + code, request.align, faults)?;
        let (data, code) = if data == 0 {
            (None, space)
        } else {
            let code = space.split_off(data);
            (Some(DataSpace::new(space)), code)
        };
        Ok(Self { data, backend: strategy.backend(code)?, ledger: Ledger::new() })
    }

    /// Addresses of the data part: its base is the base of the whole.
    pub fn data_range(&self) -> Range<usize> {
        let empty = self.code_range().start..self.code_range().start;
        self.data.as_ref().map_or(empty, DataSpace::range)
    }

    /// The lowest address of the data part, as a pointer through which what is committed can be
    /// read and written. With no data part it leads nowhere.
    pub fn data_base(&self) -> *mut u8 {
        self.data.as_ref().map_or(std::ptr::null_mut(), DataSpace::base)
    }

    /// Addresses of the code part.
    pub fn code_range(&self) -> Range<usize> {
        self.backend.space().range()
    }

    /// The strategy in use: never `Auto`.
    pub fn strategy(&self) -> Strategy {
        self.backend.strategy()
    }

    /// The unit, in bytes, in which code must be allocated and freed so that writing does not
    /// disturb neighbours that run.
    pub fn write_granule(&self) -> usize {
        self.backend.granule()
    }

    /// Makes pages of the data part readable and writable; they read as zeros.
    ///
    /// # Errors
    ///
    /// If a page is committed already, or the system refuses. Nothing has changed then.
    pub fn commit_data(&self, range: Range<usize>) -> Result<()> {
        self.data_space(&range)?.commit(range)
    }

    /// Makes pages of the data part inaccessible and gives their memory back. Committed again,
    /// they read as zeros.
    ///
    /// # Errors
    ///
    /// If a page is not committed, or the system refuses. Nothing has changed then.
    pub fn decommit_data(&self, range: Range<usize>) -> Result<()> {
        self.data_space(&range)?.decommit(range)
    }

    /// Makes pages of the code part readable and executable; they read as zeros, which are no
    /// trap: make nothing reachable that has not been written.
    ///
    /// # Errors
    ///
    /// If a page is committed already, or the system refuses. Nothing has changed then.
    pub fn commit_code(&self, range: Range<usize>) -> Result<()> {
        self.check_process()?;
        self.backend.space().check_pages(&range)?;
        if range.is_empty() {
            return Ok(());
        }
        let claim = self.ledger.claim_free(range)?;
        self.backend.commit(claim.range())?;
        claim.settle_commit();
        Ok(())
    }

    /// Makes pages of the code part inaccessible and gives their memory back. Nothing may run in
    /// them any more. Committed again, they read as zeros.
    ///
    /// # Errors
    ///
    /// If a page is not committed, a write scope is open in one, or the system refuses. All is as
    /// before then, but what was in the pages may be zeros.
    pub fn decommit_code(&self, range: Range<usize>) -> Result<()> {
        self.check_process()?;
        self.backend.space().check_pages(&range)?;
        if range.is_empty() {
            return Ok(());
        }
        let claim = self.ledger.claim_committed(range)?;
        self.backend.decommit(claim.range())?;
        claim.settle_decommit();
        Ok(())
    }

    /// Overwrites code that will not run any more by traps, for runs that are too small to be
    /// worth decommitting. They stay committed.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write) and [`WriteScope::finish`]. Some of it may have been
    /// overwritten.
    pub fn discard_code(&self, range: Range<usize>) -> Result<()> {
        // The system lets nobody else write meanwhile, and who waits for that spins.
        const PIECE: usize = 4 << 10;
        static TRAPS: [u8; PIECE] = [TRAP_BYTE; PIECE];
        let claim = self.claim_for_writing(range)?;
        let Range { start, end } = claim.range();
        for at in (start..end).step_by(PIECE) {
            self.backend.write(at, &TRAPS[..PIECE.min(end - at)])?;
        }
        Ok(())
    }

    /// Opens a scope in which code for this range is made. The memory itself changes when the
    /// scope is [finished](WriteScope::finish).
    ///
    /// # Errors
    ///
    /// If part of the range is not committed, another scope is open in it, there is no heap
    /// memory, or this is the child of a fork and the memory its parent's.
    pub fn write(&self, range: Range<usize>) -> Result<WriteScope<'_>> {
        let faults = self.backend.space().faults();
        WriteScope::open(&*self.backend, self.claim_for_writing(range)?, faults)
    }

    /// Bytes of the code part that have been committed. Takes no lock.
    pub fn committed_code(&self) -> usize {
        self.ledger.committed()
    }

    /// Bytes of the data part that have been committed. Takes no lock.
    pub fn committed_data(&self) -> usize {
        self.data.as_ref().map_or(0, DataSpace::committed)
    }

    /// Bytes of physical memory of the code part: of the file's blocks if there is a file, else
    /// what is committed. Takes no lock.
    pub fn file_blocks(&self) -> usize {
        self.backend.stored(self.ledger.committed())
    }

    /// At most this many mappings of the process, which may have a limited number (65,530 on
    /// Linux, by default), are due to this memory. Takes no lock.
    pub fn mappings(&self) -> usize {
        // What is committed, what is between and around it, and one for an open window.
        let of_data = self.data.as_ref().map_or(0, |data| 2 * data.pieces() + 1);
        of_data + 2 * self.ledger.pieces() + 3
    }

    /// Is this the parent's memory, seen from a forked child? Its code is not there then, and
    /// every operation on it is an error. Costs one load. Always false under `Toggle`, where
    /// the child has a copy.
    #[inline]
    pub fn is_inherited(&self) -> bool {
        self.backend.is_inherited()
    }

    fn data_space(&self, range: &Range<usize>) -> Result<&DataSpace> {
        let nothing = || ErrorKind::OutOfRange { wanted: range.clone(), valid: self.data_range() };
        self.data.as_ref().ok_or_else(|| nothing().into())
    }

    fn claim_for_writing(&self, range: Range<usize>) -> Result<Claim<'_>> {
        self.check_process()?;
        self.backend.space().check_bytes(&range)?;
        self.ledger.claim_committed(range)
    }

    /// Comes before everything else: in a child, a lock may be held by a thread that is not there.
    fn check_process(&self) -> Result<()> {
        if self.is_inherited() {
            return Err(ErrorKind::ForkedChild.into());
        }
        Ok(())
    }
}

impl CodeRequest {
    /// Bytes of both parts in whole pages.
    fn split(&self) -> Result<(usize, usize)> {
        let pages = |bytes: usize| bytes.checked_next_multiple_of(sys::page_size());
        let bytes = self.data_bytes.saturating_add(self.code_bytes);
        let bad = || ErrorKind::BadRequest { bytes, align: self.align };
        let data = pages(self.data_bytes).ok_or_else(bad)?;
        let code = pages(self.code_bytes).ok_or_else(bad)?;
        if code == 0 || data.saturating_add(code) > REACH {
            return Err(bad().into());
        }
        Ok((data, code))
    }
}
