//! What tiering remembers of each function that was heard of.
//!
//! Most functions of a large module never run, so records come in chunks that are made when one
//! of their functions is first heard of.
#![forbid(unsafe_code)]

use std::sync::OnceLock;

use codespace::Footprint;
use sync::atomic::{AtomicU64, Ordering};

use crate::{job::Job, loops::Loops};

const CHUNK: usize = 64;

/// Records of all functions of a module.
#[derive(Debug)]
pub(crate) struct Functions {
    chunks: Box<[OnceLock<Box<[FunctionState]>>]>,
    footprint: Footprint,
}

/// The record of one function.
#[derive(Debug)]
pub(crate) struct FunctionState {
    /// Work that it has done, in all instances.
    heat: AtomicU64,
    pub(crate) job: Job,
    loops: OnceLock<Box<Loops>>,
}

impl Functions {
    /// For that many functions. Their bytes are added to `footprint`.
    pub(crate) fn new(count: u32, footprint: Footprint) -> Self {
        let chunks = (count as usize).div_ceil(CHUNK);
        let chunks: Box<[_]> = (0..chunks).map(|_| OnceLock::new()).collect();
        footprint.grow(size_of_val(&*chunks));
        Self { chunks, footprint }
    }

    /// Bytes of all that the module's tiering has on the heap.
    pub(crate) fn footprint(&self) -> &Footprint {
        &self.footprint
    }

    /// The record of a function, made if there is none.
    pub(crate) fn get(&self, function: u32) -> &FunctionState {
        let chunk = &self.chunks[function as usize / CHUNK];
        let new = || {
            self.footprint.grow(CHUNK * size_of::<FunctionState>());
            (0..CHUNK).map(|_| FunctionState::new()).collect()
        };
        &chunk.get_or_init(new)[function as usize % CHUNK]
    }

    /// The loops of a function whose record that is.
    pub(crate) fn loops<'a>(&self, state: &'a FunctionState) -> &'a Loops {
        state.loops.get_or_init(|| {
            self.footprint.grow(size_of::<Loops>());
            Box::default()
        })
    }

    /// The record of a function, if it was heard of.
    pub(crate) fn find(&self, function: u32) -> Option<&FunctionState> {
        let chunk = self.chunks.get(function as usize / CHUNK)?.get()?;
        chunk.get(function as usize % CHUNK)
    }
}

impl FunctionState {
    fn new() -> Self {
        Self { heat: AtomicU64::new(0), job: Job::new(), loops: OnceLock::new() }
    }

    /// Adds work, and returns all that was done before.
    pub(crate) fn add_heat(&self, work: u32) -> u64 {
        // Relaxed: a number that decides nothing but when to compile.
        self.heat.fetch_add(u64::from(work), Ordering::Relaxed)
    }

    /// All work that was added.
    pub(crate) fn heat(&self) -> u64 {
        self.heat.load(Ordering::Relaxed)
    }

    /// The function starts from below.
    pub(crate) fn reset(&self) {
        self.heat.store(0, Ordering::Relaxed);
        self.job.reset();
        if let Some(loops) = self.loops.get() {
            loops.reset();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use codespace::Footprints;

    use super::*;

    #[test]
    fn records_are_made_in_chunks_and_kept_apart() {
        let sum = Footprints::default();
        let functions = Functions::new(130, sum.add(0));
        assert!(functions.find(129).is_none());
        assert_eq!(functions.get(129).add_heat(5), 0);
        assert_eq!(functions.get(129).add_heat(5), 5);
        let heat = |function| functions.find(function).map(|state| state.add_heat(0));
        assert_eq!((heat(129), heat(128)), (Some(10), Some(0)));
        let chunk = CHUNK * size_of::<FunctionState>();
        assert_eq!(sum.bytes(), size_of_val(&*functions.chunks) + chunk);
        assert!(functions.find(0).is_none() && functions.find(1000).is_none());
    }
}
