//! Code in a file without a name, mapped for executing only.
//!
//! ```text
//!   write scope ──► buffer on the heap ──pwrite──► file
//!                                                    ║ the same pages
//!   cores       ◄──────────── executes ──────────── view: shared, r-x or ---
//! ```
//!
//! * [FILE-NO-ADDRESS] no mapping of the file is writable, at any time. Where `/proc` is
//!   mounted the view comes from a descriptor opened for reading, so that the kernel would
//!   refuse to make it writable.
//! * [FILE-NOT-SHARED] a shared mapping would be shared with forked children, too. They do not
//!   get the view, and every operation in them is an error, for the file is still the parent's.
#![forbid(unsafe_code)]

use std::ops::Range;

use super::{CodeBackend, Strategy};
use crate::{
    ErrorKind, FaultKind, ForkGuard, Result,
    space::Space,
    sys::{Access, CodeFile},
};

/// Code objects start at multiples of this, so that none shares a cache line with another.
const GRANULE: usize = 64;
/// Chosen: some microseconds of the system's.
const PIECE: usize = 64 << 10;

/// The backend of [`Strategy::File`].
#[derive(Debug)]
pub(super) struct FileCode {
    space: Space,
    file: CodeFile,
    guard: ForkGuard,
}

impl FileCode {
    /// Puts a file in place of the space's memory.
    pub(super) fn new(mut space: Space) -> Result<Self> {
        let length = space.range().len();
        space.faults().check(FaultKind::Fork)?;
        let guard = ForkGuard::new()?;
        space.faults().check(FaultKind::File)?;
        let file = CodeFile::create()?;
        space.faults().check(FaultKind::File)?;
        file.set_length(length)?;
        space.faults().check(FaultKind::File)?;
        space.mapping_mut().replace_by_file(&file)?;
        space.faults().check(FaultKind::Fork)?;
        space.mapping_mut().keep_from_children()?;
        Ok(Self { space, file, guard })
    }

    fn offset(&self, address: usize) -> usize {
        address - self.space.range().start
    }

    /// Gives memory back, in pieces: while the system works on one it lets nobody write.
    fn punch(&self, range: Range<usize>) -> Result<()> {
        let (start, end) = (self.offset(range.start), self.offset(range.end));
        let mut pieces = (start..end).step_by(PIECE);
        pieces.try_for_each(|at| self.file.punch(at..end.min(at + PIECE)))
    }
}

impl CodeBackend for FileCode {
    fn strategy(&self) -> Strategy {
        Strategy::File
    }

    fn space(&self) -> &Space {
        &self.space
    }

    fn granule(&self) -> usize {
        GRANULE
    }

    fn is_inherited(&self) -> bool {
        self.guard.is_inherited()
    }

    fn commit(&self, range: Range<usize>) -> Result<()> {
        self.space.protect(range, Access::ReadExecute, FaultKind::Commit)
    }

    fn decommit(&self, range: Range<usize>) -> Result<()> {
        // First out of reach, then back to the system: a page that is executed or read after it
        // was punched would get memory again.
        self.space.protect(range.clone(), Access::None, FaultKind::Decommit)?;
        let punched = self.space.faults().check(FaultKind::Decommit);
        if let Err(error) = punched.and_then(|()| self.punch(range.clone())) {
            // If this fails as well, the pages only stay out of reach.
            drop(self.space.protect_again(range, Access::ReadExecute));
            return Err(error);
        }
        Ok(())
    }

    fn write(&self, start: usize, bytes: &[u8]) -> Result<()> {
        if self.is_inherited() {
            // [FILE-NOT-SHARED] The file is still the parent's.
            return Err(ErrorKind::ForkedChild.into());
        }
        self.space.faults().check(FaultKind::Write)?;
        self.file.write(bytes, self.offset(start))
    }

    fn stored(&self, committed: usize) -> usize {
        self.file.stored().unwrap_or(committed)
    }
}

impl Drop for FileCode {
    fn drop(&mut self) {
        // [FILE-NOT-SHARED] In a child there was a hole here from the start. By now there may be
        // something else in it, which is not ours to unmap.
        if self.guard.is_inherited() {
            self.space.mapping_mut().abandon();
        }
    }
}
