//! Private code memory whose pages are switched to writable for each write, and back.
//!
//! ```text
//!   pages     r-x ──────┐          ┌────── r-x ──────┐          ┌────── r-x
//!                       └── rw- ───┘                 └── rw- ───┘
//!   scope 1   ├ fills ─┤├─finish ─┤
//!   scope 2          ├ fills, waits ───────────────┤├─ finish ─┤
//! ```
//!
//! * [TOGGLE-WINDOW] pages are writable only inside [`CodeBackend::write`], under a lock: ranges
//!   of two scopes may share a page, and one must not close it under the other's hands.
//! * [TOGGLE-PAGE] while a page is writable it cannot run. Who allocates code gives out whole
//!   pages, so that no other code is in them.
//!
//! A forked child has a copy of all this and can go on with it, unless another thread of the
//! parent had a window open: its copy keeps that window's pages writable, and its lock.

use std::{ops::Range, ptr};

use sync::{Mutex, Rank};

use super::{CodeBackend, Strategy};
use crate::{
    FaultKind, Result,
    space::Space,
    sys::{self, Access},
};

/// The backend of [`Strategy::Toggle`].
#[derive(Debug)]
pub(super) struct ToggleCode {
    space: Space,
    /// [TOGGLE-WINDOW]
    window: Mutex<()>,
}

impl ToggleCode {
    /// Uses the space's memory as it is.
    pub(super) fn new(space: Space) -> Self {
        Self { space, window: Mutex::new(Rank::CodeMemory, ()) }
    }

    /// Makes the pages executable again, whatever it takes.
    fn seal(&self, pages: Range<usize>) -> Result<()> {
        let Err(error) = self.space.protect(pages.clone(), Access::ReadExecute, FaultKind::Protect)
        else {
            return Ok(());
        };
        // [CODE-SEALED] The caller hears of the failure in any case. The pages must not stay
        // writable: executable again if possible, else of no use at all.
        self.space
            .protect_again(pages.clone(), Access::ReadExecute)
            .or_else(|_| self.space.protect_again(pages, Access::None))
            .and(Err(error))
    }
}

impl CodeBackend for ToggleCode {
    fn strategy(&self) -> Strategy {
        Strategy::Toggle
    }

    fn space(&self) -> &Space {
        &self.space
    }

    fn granule(&self) -> usize {
        sys::page_size()
    }

    fn commit(&self, range: Range<usize>) -> Result<()> {
        self.space.protect(range, Access::ReadExecute, FaultKind::Commit)
    }

    fn decommit(&self, range: Range<usize>) -> Result<()> {
        self.space.reset(range)
    }

    fn write(&self, start: usize, bytes: &[u8]) -> Result<()> {
        let page = sys::page_size();
        let end = start + bytes.len();
        let pages = start / page * page..end.next_multiple_of(page);
        let target = self.space.base().wrapping_add(start - self.space.range().start);

        let _window = self.window.lock();
        self.space.protect(pages.clone(), Access::ReadWrite, FaultKind::Protect)?;
        // SAFETY: the target is inside committed pages, which have just become writable and stay
        // so until `seal`, because [TOGGLE-WINDOW] only the holder of the lock switches them and
        // the caller's claim keeps them committed. No reference leads there: addresses of code
        // are given out as numbers. The source is a live slice outside the space.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) };
        self.seal(pages)
    }
}
