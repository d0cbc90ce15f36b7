//! One piece of address space with its fault plan: every system call on it is checked and planned.
#![forbid(unsafe_code)]

use std::ops::Range;

use sync::Arc;

use crate::{
    ErrorKind, FaultKind, FaultPlan, Result,
    key::ProtectionKey,
    sys::{self, Access, Mapping},
};

/// Address space that we own. Ranges are absolute addresses.
#[derive(Debug)]
pub(crate) struct Space {
    mapping: Mapping,
    faults: Faults,
}

impl Space {
    /// Reserves at least that many bytes at a multiple of `align`, which may be less than a page.
    pub(crate) fn reserve(bytes: usize, align: usize, faults: Faults) -> Result<Self> {
        let bad = || ErrorKind::BadRequest { bytes, align };
        let length = bytes.checked_next_multiple_of(sys::page_size()).ok_or_else(bad)?;
        if length == 0 || !align.is_power_of_two() {
            return Err(bad().into());
        }
        faults.check(FaultKind::Reserve)?;
        let mapping = Mapping::reserve(length, align.max(sys::page_size()))?;
        Ok(Self { mapping, faults })
    }

    /// Cuts the space in two at that many bytes from its base; returns the upper part.
    pub(crate) fn split_off(&mut self, offset: usize) -> Self {
        Self { mapping: self.mapping.split_off(offset), faults: self.faults.clone() }
    }

    /// The lowest address.
    pub(crate) fn base(&self) -> *mut u8 {
        self.mapping.base()
    }

    /// All its addresses.
    pub(crate) fn range(&self) -> Range<usize> {
        self.mapping.range()
    }

    /// The fault plan.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What only the backends that replace the memory as a whole need.
    pub(crate) fn mapping_mut(&mut self) -> &mut Mapping {
        &mut self.mapping
    }

    /// An error unless the range is inside.
    pub(crate) fn check_bytes(&self, range: &Range<usize>) -> Result<()> {
        let valid = self.range();
        if range.start <= range.end && valid.start <= range.start && range.end <= valid.end {
            return Ok(());
        }
        Err(ErrorKind::OutOfRange { wanted: range.clone(), valid }.into())
    }

    /// An error unless the range is inside and consists of whole pages.
    pub(crate) fn check_pages(&self, range: &Range<usize>) -> Result<()> {
        self.check_bytes(range)?;
        let unit = sys::page_size();
        if range.start.is_multiple_of(unit) && range.end.is_multiple_of(unit) {
            return Ok(());
        }
        Err(ErrorKind::Misaligned { wanted: range.clone(), unit }.into())
    }

    /// Changes what the pages may be used for.
    pub(crate) fn protect(
        &self,
        range: Range<usize>,
        access: Access,
        kind: FaultKind,
    ) -> Result<()> {
        self.faults.check(kind)?;
        self.mapping.protect(range, access)
    }

    /// Makes pages readable, writable and executable, as far as a thread's rights to the key go.
    pub(crate) fn protect_by_key(
        &self,
        range: Range<usize>,
        key: ProtectionKey,
        kind: FaultKind,
    ) -> Result<()> {
        self.faults.check(kind)?;
        self.mapping.protect_by_key(range, key)
    }

    /// As [`protect`](Self::protect), to go back after a failure: never planned to fail.
    pub(crate) fn protect_again(&self, range: Range<usize>, access: Access) -> Result<()> {
        self.mapping.protect(range, access)
    }

    /// Replaces the pages by fresh, private, inaccessible ones, which gives their memory back.
    pub(crate) fn reset(&self, range: Range<usize>) -> Result<()> {
        self.faults.check(FaultKind::Decommit)?;
        self.mapping.reset(range)
    }
}

/// A fault plan, or none.
#[derive(Clone, Debug)]
pub(crate) struct Faults(pub(crate) Option<Arc<FaultPlan>>);

impl Faults {
    /// Counts a call, and says whether it goes ahead.
    pub(crate) fn check(&self, kind: FaultKind) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), |plan| plan.check(kind))
    }
}
