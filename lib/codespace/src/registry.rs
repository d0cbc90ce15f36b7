//! Which ranges of an arena hold code: a second book beside the free pool.
//!
//! Every write, publish and free names its range, and the range must be exactly one that was
//! registered when it was allocated. A mistake anywhere in the manager then is an error before a
//! byte changes, not code that is overwritten while it runs.
//!
//! ```text
//!   granules   │ A │ A │ A │ B │ B │ · │ C │     of 64 bytes
//!   bits       │11 │01 │01 │11 │01 │00 │11 │     is it registered, and the first of its range?
//! ```
//!
//! * [REG-DISJOINT] registered ranges are not empty, do not overlap and lie in the arena.
//! * [REG-WORD] both bits of a granule change in one step. So who asks about one range is not
//!   confused by what others do with its neighbours at the same time, and nobody takes a lock.
//!
//! Who registers a range has it from the free pool alone, and gives it back there afterwards: so
//! the pool's lock makes an order of what is done with one range, and the bits need none.
#![forbid(unsafe_code)]

use std::{
    ops::Range,
    // Loom does not look at numbers alone.
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::{
    error::{ErrorKind, Result},
    index::GRANULE,
};

/// The registered ranges of one arena.
#[derive(Debug)]
pub(crate) struct Registry {
    space: Range<usize>,
    /// Made when something in them is registered for the first time.
    chunks: Box<[OnceLock<Box<Chunk>>]>,
}

/// Granules of a word, at two bits each.
const GRANULES: usize = u64::BITS as usize / 2;
/// Words that are made at once: for 1 MiB of code.
const WORDS: usize = 512;
const CHUNK_BYTES: usize = WORDS * GRANULES * GRANULE;

/// For each granule, in the lower bit, whether it is registered, and in the upper one whether a
/// range starts there.
type Chunk = [AtomicU64; WORDS];

/// All lower bits.
const COVERED: u64 = u64::MAX / 3;

/// The part of a range that lies in one word.
struct Part {
    chunk: usize,
    word: usize,
    /// Both bits of its granules.
    mask: u64,
    /// What these bits are while the range is registered.
    bits: u64,
}

impl Registry {
    /// Nothing is registered in `space`.
    pub(crate) fn new(space: Range<usize>) -> Self {
        let chunks = (0..space.len().div_ceil(CHUNK_BYTES)).map(|_| OnceLock::new()).collect();
        Self { space, chunks }
    }

    /// Registers ranges: all of them, or none.
    pub(crate) fn register(&self, ranges: &[Range<usize>]) -> Result<()> {
        for (number, range) in ranges.iter().enumerate() {
            if let Err(error) = self.register_one(range) {
                ranges[..number].iter().for_each(|done| self.clear(done));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Is `range` exactly one registered range?
    pub(crate) fn check(&self, range: &Range<usize>) -> Result<()> {
        let is_whole = |part: Part| {
            let word = self.made(part.chunk).map(|chunk| chunk[part.word].load(Relaxed));
            word.is_some_and(|word| word & part.mask == part.bits)
        };
        let is_registered = self.is_possible(range)
            && self.parts(range).all(is_whole)
            && !self.goes_on_at(range.end);
        if is_registered { Ok(()) } else { unregistered(range) }
    }

    /// Removes ranges of which each is exactly one that is registered: all of them, or none.
    pub(crate) fn unregister(&self, ranges: &[Range<usize>]) -> Result<()> {
        for (number, range) in ranges.iter().enumerate() {
            if let Err(error) = self.check(range).and_then(|()| self.unregister_one(range)) {
                ranges[..number].iter().for_each(|done| self.set(done));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Bytes on the heap of the registry of a `space` of which so many bytes have ever been
    /// committed.
    pub(crate) fn heap_bytes(space: usize, committed: usize) -> usize {
        space.div_ceil(CHUNK_BYTES) * size_of::<OnceLock<Box<Chunk>>>()
            + committed.div_ceil(CHUNK_BYTES) * size_of::<Chunk>()
    }

    fn register_one(&self, range: &Range<usize>) -> Result<()> {
        if !self.is_possible(range) {
            return unregistered(range);
        }
        for (number, part) in self.parts(range).enumerate() {
            let word = &self.chunk(part.chunk)[part.word];
            let before = word.fetch_or(part.bits, Relaxed);
            if before & part.mask != 0 {
                word.fetch_and(before | !part.mask, Relaxed);
                self.parts(range).take(number).for_each(|part| _ = self.clear_part(&part));
                return Err(ErrorKind::Overlap { range: range.clone() }.into());
            }
        }
        Ok(())
    }

    /// Of two threads that remove the same range, which is a bug, one gets an error.
    fn unregister_one(&self, range: &Range<usize>) -> Result<()> {
        let mut parts = self.parts(range);
        let is_ours = parts.next().is_some_and(|first| self.clear_part(&first) == first.bits);
        parts.for_each(|part| _ = self.clear_part(&part));
        if is_ours { Ok(()) } else { unregistered(range) }
    }

    fn set(&self, range: &Range<usize>) {
        for part in self.parts(range) {
            self.chunk(part.chunk)[part.word].fetch_or(part.bits, Relaxed);
        }
    }

    fn clear(&self, range: &Range<usize>) {
        self.parts(range).for_each(|part| _ = self.clear_part(&part));
    }

    /// Clears the bits of a part, and returns what they were.
    fn clear_part(&self, part: &Part) -> u64 {
        self.chunk(part.chunk)[part.word].fetch_and(!part.mask, Relaxed) & part.mask
    }

    /// Is the granule there registered, and not the first of its range?
    fn goes_on_at(&self, address: usize) -> bool {
        if self.space.end <= address {
            return false;
        }
        let next = self.parts(&(address..address + GRANULE)).next();
        next.is_some_and(|part| {
            let word = self.made(part.chunk).map_or(0, |chunk| chunk[part.word].load(Relaxed));
            word & part.mask == part.bits & COVERED
        })
    }

    /// Can it be registered at all?
    fn is_possible(&self, range: &Range<usize>) -> bool {
        let inside = self.space.start <= range.start && range.end <= self.space.end;
        let aligned = [range.start, range.end]
            .iter()
            .all(|address| address.wrapping_sub(self.space.start).is_multiple_of(GRANULE));
        inside && aligned && !range.is_empty()
    }

    /// The parts of a possible range.
    fn parts(&self, range: &Range<usize>) -> impl Iterator<Item = Part> + use<> {
        let granule = |address: usize| (address - self.space.start) / GRANULE;
        let (first, end) = (granule(range.start), granule(range.end));
        (first / GRANULES..end.div_ceil(GRANULES)).map(move |word| {
            let start = word * GRANULES;
            let from = first.max(start) - start;
            let count = end.min(start + GRANULES) - start - from;
            let mask = u64::MAX >> (u64::BITS as usize - 2 * count) << (2 * from);
            let head = if start <= first { 0b10 << (2 * from) } else { 0 };
            Part { chunk: word / WORDS, word: word % WORDS, mask, bits: mask & COVERED | head }
        })
    }

    fn made(&self, chunk: usize) -> Option<&Chunk> {
        self.chunks[chunk].get().map(|chunk| &**chunk)
    }

    fn chunk(&self, chunk: usize) -> &Chunk {
        self.chunks[chunk].get_or_init(|| Box::new([const { AtomicU64::new(0) }; WORDS]))
    }

    /// How many ranges are registered.
    #[cfg(all(test, not(loom)))]
    fn count(&self) -> u32 {
        let words = self.chunks.iter().filter_map(OnceLock::get).flat_map(|chunk| chunk.iter());
        words.map(|word| (word.load(Relaxed) & !COVERED).count_ones()).sum()
    }
}

fn unregistered(range: &Range<usize>) -> Result<()> {
    Err(ErrorKind::Unregistered { range: range.clone() }.into())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::slice;

    use super::*;

    /// Room for more than one chunk.
    const SPACE: Range<usize> = 1 << 20..4 << 20;

    /// A range of granules, counted from the start of the space.
    fn at(granules: Range<usize>) -> Range<usize> {
        SPACE.start + granules.start * GRANULE..SPACE.start + granules.end * GRANULE
    }

    fn registry() -> Registry {
        Registry::new(SPACE)
    }

    #[test]
    fn a_range_is_registered_once_and_used_again() {
        let registry = registry();
        registry.register(&[at(0..10), at(10..20)]).unwrap();
        registry.check(&at(10..20)).unwrap();
        registry.unregister(&[at(10..20)]).unwrap();
        assert!(registry.check(&at(10..20)).is_err());
        assert!(registry.unregister(&[at(10..20)]).is_err());
        registry.register(&[at(10..15)]).unwrap();
        assert_eq!(registry.count(), 2);
    }

    #[test]
    fn reg_disjoint_overlaps_are_caught_and_change_nothing() {
        let registry = registry();
        registry.register(&[at(100..200)]).unwrap();
        for bad in [100..200, 0..101, 199..300, 120..130, 0..300, 199..20_000] {
            let also = at(40_000..41_000);
            let error = registry.register(&[also, at(bad.clone())]).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Overlap { .. }), "{bad:?}");
            assert_eq!(registry.count(), 1);
            registry.check(&at(100..200)).unwrap();
        }
        assert!(registry.register(&[at(300..400), at(350..360)]).is_err());
        registry.register(&[at(0..100), at(200..49_152)]).unwrap();
        assert_eq!(registry.count(), 3);
    }

    #[test]
    fn ranges_outside_the_space_are_caught() {
        let registry = registry();
        let (start, end) = (SPACE.start, SPACE.end);
        for bad in [
            start - GRANULE..start + GRANULE,
            end - GRANULE..end + GRANULE,
            0..GRANULE,
            end..end + GRANULE,
            start..start,
            start + 1..start + GRANULE,
            start..start + GRANULE + 1,
        ] {
            assert!(registry.register(slice::from_ref(&bad)).is_err(), "{bad:?}");
            assert!(registry.check(&bad).is_err(), "{bad:?}");
            assert!(registry.unregister(slice::from_ref(&bad)).is_err(), "{bad:?}");
        }
        assert_eq!(registry.count(), 0);
        registry.register(&[SPACE]).unwrap();
        registry.check(&SPACE).unwrap();
    }

    #[test]
    fn only_an_exact_match_counts() {
        // Inside a word, over the end of one, and over the end of a chunk.
        for shift in [0, 25, 16_384 - 15] {
            let registry = registry();
            let at = |range: Range<usize>| at(range.start + shift..range.end + shift);
            registry.register(&[at(10..20), at(20..30)]).unwrap();
            for bad in [10..30, 10..19, 11..20, 15..16, 10..10, 10..21, 0..10, 30..31] {
                assert!(registry.check(&at(bad.clone())).is_err(), "{bad:?}");
                assert!(registry.unregister(&[at(10..20), at(bad.clone())]).is_err(), "{bad:?}");
            }
            assert_eq!(registry.count(), 2);
            registry.unregister(&[at(20..30), at(10..20)]).unwrap();
            assert_eq!(registry.count(), 0);
        }
    }

    #[test]
    fn reg_word_hammer_neighbours_come_and_go() {
        const THREADS: usize = 4;
        let registry = registry();
        // Each thread's ranges lie between those of others, many in one word.
        sync::hammer(THREADS, 3000, |thread, round| {
            let ranges = [0, 1, 2].map(|part| {
                let start = (part * THREADS + thread) * 7;
                at(start..start + 1 + round % 7)
            });
            registry.register(&ranges).unwrap();
            ranges.iter().for_each(|range| registry.check(range).unwrap());
            assert!(registry.register(&ranges[..1]).is_err());
            registry.unregister(&ranges).unwrap();
            assert!(registry.check(&ranges[1]).is_err());
        });
        assert_eq!(registry.count(), 0);
    }

    #[test]
    fn hammer_of_many_that_remove_a_range_one_succeeds() {
        let registry = registry();
        let removed = AtomicU64::new(0);
        for _ in 0..200 {
            registry.register(&[at(30..100)]).unwrap();
            sync::hammer(3, 1, |_, _| {
                let done = registry.unregister(&[at(30..100)]).is_ok();
                removed.fetch_add(u64::from(done), Relaxed);
            });
        }
        assert_eq!((removed.load(Relaxed), registry.count()), (200, 0));
    }
}
