//! Private code memory under a protection key: each thread may execute, none may write, except
//! the one that has a window open.
//!
//! ```text
//!   mapping      rwx with our key, where committed
//!   thread 1     r-x ── rwx while it copies ── r-x ─────────────
//!   thread 2     r-x ───────────────────────────────────────────   runs in the same pages
//! ```
//!
//! * [PKEY-WINDOW] the window is around one copy and nothing else, so that no code of others runs
//!   with the right to write.
//!
//! A forked child has a copy of all this, its rights included, and can go on with it.

use std::{ops::Range, ptr};

use super::{CodeBackend, Strategy};
use crate::{FaultKind, Result, key::ProtectionKey, space::Space};

/// Code objects start at multiples of this, so that none shares a cache line with another.
const GRANULE: usize = 64;

/// The backend of [`Strategy::Pkey`].
#[derive(Debug)]
pub(super) struct PkeyCode {
    space: Space,
    key: ProtectionKey,
}

impl PkeyCode {
    /// Uses the space's memory as it is.
    pub(super) fn new(space: Space) -> Result<Self> {
        Ok(Self { space, key: ProtectionKey::get()? })
    }
}

impl CodeBackend for PkeyCode {
    fn strategy(&self) -> Strategy {
        Strategy::Pkey
    }

    fn space(&self) -> &Space {
        &self.space
    }

    fn granule(&self) -> usize {
        GRANULE
    }

    fn commit(&self, range: Range<usize>) -> Result<()> {
        self.space.protect_by_key(range, self.key, FaultKind::Commit)
    }

    fn decommit(&self, range: Range<usize>) -> Result<()> {
        self.space.reset(range)
    }

    fn write(&self, start: usize, bytes: &[u8]) -> Result<()> {
        let target = self.space.base().wrapping_add(start - self.space.range().start);
        self.space.faults().check(FaultKind::Protect)?;
        let _window = self.key.open();
        // SAFETY: the target is inside committed pages, which the caller's claim keeps so, and
        // which this thread may write as long as the window lives. No reference leads there:
        // addresses of code are given out as numbers. The source is a live slice outside.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) };
        Ok(())
    }
}
