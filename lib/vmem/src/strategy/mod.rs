//! How code gets into executable memory: one backend per file.
//!
//! | | [`File`](file) | [`Toggle`](toggle) | [`Pkey`](pkey) |
//! |---|---|---|---|
//! | memory | a file without a name, mapped executable | private, without a file | private, with a protection key |
//! | writing | into the file, never through an address | by address, while switched to writable | by address, in the thread that has the right |
//! | unit of writing | 64 bytes | a page: nothing else in it may run meanwhile | 64 bytes |
//! | another core running | is not disturbed | gets two interrupts for each write | is not disturbed |

mod file;
mod pkey;
mod toggle;

use std::{fmt::Debug, ops::Range, sync::OnceLock};

use crate::{CodeMemory, CodeRequest, Result, arch, code_memory::REACH, space::Space, sys};

/// How code gets into executable memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// The best one that works here: found once per process, by running a function.
    #[default]
    Auto,
    /// Code is written into a file in memory that is mapped for executing only. There is no
    /// address through which it could be written.
    File,
    /// Pages of code are switched to writable, and back, for each write.
    Toggle,
    /// Pages of code have a protection key that keeps threads from writing; the one that writes
    /// gets the right for that long. Needs a processor and a kernel with such keys, and
    /// [`make_code_readable`](crate::make_code_readable) in every thread that runs code.
    Pkey,
}

impl Strategy {
    /// The strategy that is meant: `Auto` becomes another one.
    ///
    /// # Errors
    ///
    /// If `Auto` finds none that works: the error of the last one.
    pub fn resolve(self) -> Result<Self> {
        static BEST: OnceLock<Strategy> = OnceLock::new();
        if self != Self::Auto {
            return Ok(self);
        }
        if let Some(best) = BEST.get() {
            return Ok(*best);
        }
        let best = Self::File.probe().or_else(|_| Self::Toggle.probe())?;
        Ok(*BEST.get_or_init(|| best))
    }

    /// Writes and runs a function in this way.
    fn probe(self) -> Result<Self> {
        // The largest size that anybody can ask for, because there may be a limit for files.
        let request = CodeRequest { code_bytes: REACH, strategy: self, ..CodeRequest::default() };
        let memory = CodeMemory::reserve(&request)?;
        let start = memory.code_range().start;
        memory.commit_code(start..start + sys::page_size())?;
        let mut scope = memory.write(start..start + arch::PROBE.len())?;
        scope.bytes().copy_from_slice(arch::PROBE);
        scope.finish()?;
        let entry = std::ptr::with_exposed_provenance::<()>(start);
        // SAFETY: the bytes there are a C function without parameters that returns an integer.
        let result = unsafe { arch::call(entry) };
        assert_eq!(result, arch::PROBE_RESULT, "the processor runs what was written");
        Ok(self)
    }

    /// Makes the backend in the space that is to become its code memory.
    pub(crate) fn backend(self, space: Space) -> Result<Box<dyn CodeBackend>> {
        Ok(match self.resolve()? {
            Self::File => Box::new(file::FileCode::new(space)?),
            Self::Pkey => Box::new(pkey::PkeyCode::new(space)?),
            Self::Auto | Self::Toggle => Box::new(toggle::ToggleCode::new(space)),
        })
    }
}

/// What a strategy has to do. Ranges are absolute, inside the space, not empty, and claimed by
/// the caller; those of [`commit`](Self::commit) and [`decommit`](Self::decommit) consist of
/// whole pages.
///
/// * [CODE-SEALED] outside [`write`](Self::write) no thread can write a page of code.
/// * [CODE-XOR] no mapping is ever writable and executable at once, unless it has a protection
///   key, by which it is one or the other for each thread.
pub(crate) trait CodeBackend: Debug + Send + Sync {
    /// Which strategy this is.
    fn strategy(&self) -> Strategy;

    /// The address space.
    fn space(&self) -> &Space;

    /// Unit in bytes in which code can be allocated and freed while neighbours run.
    fn granule(&self) -> usize;

    /// Is this the parent's, seen from a forked child, and therefore not there? The callers of
    /// `commit` and `decommit` have checked; `write` checks once more, because a scope may have
    /// been open when the process forked.
    fn is_inherited(&self) -> bool {
        false
    }

    /// Makes pages executable; they read as zeros.
    fn commit(&self, range: Range<usize>) -> Result<()>;

    /// Makes pages inaccessible and gives their memory back; on failure they are as accessible as
    /// before, and what was in them may be gone.
    fn decommit(&self, range: Range<usize>) -> Result<()>;

    /// Writes code.
    fn write(&self, start: usize, bytes: &[u8]) -> Result<()>;

    /// Bytes of memory in use, given how many are committed.
    fn stored(&self, committed: usize) -> usize {
        committed
    }
}
