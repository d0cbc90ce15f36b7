//! One part of an arena, code or data: what is free and what is committed, in one place.
//!
//! ```text
//!   space       ├──────────────────────────────────────────────────┤
//!   free                ├──┤       ├──┤            ├────────────────┤   pool
//!   committed   ├────────────────────────┤   ├──────────┤               blocks
//! ```
//!
//! Freeing has three steps, because giving memory back to the system must not happen under a
//! lock: [`Space::start_freeing`] plans and keeps the ranges out of the pool, the caller works,
//! [`Space::finish_freeing`] puts them back.
#![forbid(unsafe_code)]

use std::ops::Range;

use crate::{
    blocks::{Account, Blocks},
    error::{ErrorKind, Result},
    pool::Pool,
};

/// Free and committed ranges of a part of an arena.
#[derive(Debug)]
pub(crate) struct Space {
    unit: usize,
    pool: Pool,
    blocks: Blocks,
}

/// How a space is divided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units {
    /// Of allocating.
    pub(crate) allocate: usize,
    /// Of giving memory back.
    pub(crate) block: usize,
    /// Of taking memory.
    pub(crate) step: usize,
}

/// Ranges on their way back to the pool.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Freeing {
    /// Whole blocks, to be given back to the system.
    pub(crate) decommit: Vec<Range<usize>>,
    /// What stays committed, to be filled with traps.
    pub(crate) discard: Vec<Range<usize>>,
}

impl Freeing {
    /// Is there nothing to do?
    pub(crate) fn is_done(&self) -> bool {
        self.decommit.is_empty() && self.discard.is_empty()
    }
}

impl Space {
    /// All of `range` is free, nothing is committed.
    pub(crate) fn new(range: Range<usize>, units: Units) -> Self {
        Self {
            unit: units.allocate,
            pool: Pool::with(range.clone()),
            blocks: Blocks::new(range.clone(), units.block, units.step),
        }
    }

    /// The lowest free range of at least `size` bytes, committed; `None` if there is none.
    ///
    /// When no more may be committed, the lowest that is committed already.
    pub(crate) fn allocate(
        &mut self,
        size: usize,
        account: &Account,
        commit: impl FnMut(Range<usize>) -> vmem::Result<()>,
    ) -> Result<Option<Range<usize>>> {
        let Some(size) = size.checked_next_multiple_of(self.unit) else { return Ok(None) };
        let Some(range) = self.pool.allocate(size) else { return Ok(None) };
        let range = match self.blocks.ensure(&range, account, commit) {
            Ok(()) => range,
            Err(error) => {
                self.pool.merge(range);
                let is_limit = matches!(error.kind(), ErrorKind::OutOfCodeMemory { .. });
                self.allocate_committed(size).filter(|_| is_limit).ok_or(error)?
            }
        };
        Ok(Some(range))
    }

    /// Plans what to do with freed ranges, and keeps them from being allocated until
    /// [`Self::finish_freeing`]. Blocks that became free as a whole take their free neighbours
    /// with them.
    pub(crate) fn start_freeing(&mut self, ranges: &[Range<usize>]) -> Freeing {
        for range in ranges {
            self.pool.merge(range.clone());
        }
        let mut freeing = Freeing::default();
        for range in ranges {
            self.plan(range, &mut freeing);
        }
        freeing
    }

    /// Makes the ranges free; of blocks to be decommitted, those in `gone` really went.
    ///
    /// Returns what is still to be done: while this thread had its ranges, another may have had
    /// their neighbours, and only now a block is free as a whole.
    pub(crate) fn finish_freeing(
        &mut self,
        freeing: Freeing,
        gone: &[Range<usize>],
        account: &Account,
    ) -> Freeing {
        for range in freeing.decommit {
            if gone.contains(&range) {
                self.blocks.decommitted(&range, account);
            }
            self.pool.merge(range);
        }
        for range in &freeing.discard {
            self.pool.merge(range.clone());
        }
        let whole = freeing.discard.iter().filter_map(|range| self.take_whole_blocks(range));
        Freeing { decommit: whole.collect(), discard: Vec::new() }
    }

    /// Makes a range free at once, without giving its memory back.
    pub(crate) fn free(&mut self, range: Range<usize>) {
        self.pool.merge(range);
    }

    /// Committed bytes.
    pub(crate) fn committed_bytes(&self) -> usize {
        self.blocks.bytes()
    }

    /// Which of its addresses are committed.
    pub(crate) fn committed(&self) -> Vec<Range<usize>> {
        self.blocks.committed_parts(self.blocks.space())
    }

    /// Free bytes of the space.
    pub(crate) fn free_bytes(&self) -> usize {
        self.pool.bytes()
    }

    /// Takes committed blocks that are free as a whole, of which the free range is a part.
    fn take_whole_blocks(&mut self, range: &Range<usize>) -> Option<Range<usize>> {
        let free = self.pool.around(range.start)?;
        let blocks = self.blocks.to_decommit(range, &free);
        self.pool.take(blocks.clone()).then_some(blocks)
    }

    fn allocate_committed(&mut self, size: usize) -> Option<Range<usize>> {
        let parts = self.pool.ranges().flat_map(|range| self.blocks.committed_parts(range));
        let part = parts.into_iter().find(|part| size <= part.len())?;
        self.pool.allocate_in(size, part)
    }

    fn plan(&mut self, range: &Range<usize>, freeing: &mut Freeing) {
        // A range freed with it may have taken it along, in whole or in part.
        let mut rest = range.start;
        while rest < range.end {
            let Some(free) = self.pool.around(rest) else {
                rest = self.pool.first_after(rest).map_or(range.end, |start| start.min(range.end));
                continue;
            };
            let part = rest..free.end.min(range.end);
            let blocks = self.blocks.to_decommit(&part, &free);
            let (keep, next) = if blocks.is_empty() {
                (part.clone(), part.end)
            } else {
                (part.start..blocks.start.max(part.start), blocks.end)
            };
            if self.pool.take(keep.clone()) {
                freeing.discard.push(keep);
            }
            if self.pool.take(blocks.clone()) {
                freeing.decommit.push(blocks);
            }
            rest = next;
        }
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is one range")]
mod tests {
    use super::*;

    const UNITS: Units = Units { allocate: 4, block: 10, step: 20 };

    fn allocate(space: &mut Space, size: usize, account: &Account) -> Option<Range<usize>> {
        space.allocate(size, account, |_| Ok(())).unwrap()
    }

    fn finish(space: &mut Space, freeing: Freeing, account: &Account) -> Freeing {
        let gone = freeing.decommit.clone();
        space.finish_freeing(freeing, &gone, account)
    }

    #[test]
    fn sizes_are_rounded() {
        let (mut space, account) = (Space::new(1000..1100, UNITS), Account::new(100));
        assert_eq!(allocate(&mut space, 5, &account), Some(1000..1008));
        assert_eq!(allocate(&mut space, 4, &account), Some(1008..1012));
        space.free(1000..1008);
        assert_eq!(allocate(&mut space, 1, &account), Some(1000..1004));
        assert_eq!(allocate(&mut space, 8, &account), Some(1012..1020));
        assert_eq!(allocate(&mut space, 96, &account), None);
        assert_eq!(allocate(&mut space, usize::MAX, &account), None);
        assert_eq!(account.used(), 20);
    }

    #[test]
    fn freed_blocks_go_with_their_free_neighbours() {
        let (mut space, account) = (Space::new(1000..1100, UNITS), Account::new(100));
        for _ in 0..10 {
            allocate(&mut space, 4, &account).unwrap();
        }
        assert_eq!(account.used(), 40);
        let first = space.start_freeing(&[1012..1016]);
        assert_eq!(first, Freeing { decommit: vec![], discard: vec![1012..1016] });
        assert!(finish(&mut space, first, &account).is_done());
        // 1010..1020 becomes free as a whole; 1020..1024 does not.
        let second = space.start_freeing(&[1008..1012, 1016..1024]);
        let expected =
            Freeing { decommit: vec![1010..1020], discard: vec![1008..1010, 1020..1024] };
        assert_eq!(second, expected);
        assert_eq!(allocate(&mut space, 16, &account), Some(1040..1056));
        assert!(finish(&mut space, second, &account).is_done());
        assert_eq!(account.used(), 50);
        assert_eq!(allocate(&mut space, 16, &account), Some(1008..1024));
        assert_eq!(account.used(), 60);
    }

    #[test]
    fn everything_freed_is_free_again() {
        let (mut space, account) = (Space::new(1000..1100, UNITS), Account::new(100));
        let ranges: Vec<_> = (0..25).map(|_| allocate(&mut space, 4, &account).unwrap()).collect();
        assert_eq!((space.free_bytes(), account.used()), (0, 100));
        let freeing = space.start_freeing(&ranges);
        assert!(finish(&mut space, freeing, &account).is_done());
        assert_eq!((space.free_bytes(), account.used()), (100, 0));
        assert_eq!(allocate(&mut space, 100, &account), Some(1000..1100));
    }

    #[test]
    fn under_the_limit_what_is_committed_is_used() {
        let (mut space, account) = (Space::new(1000..1100, UNITS), Account::new(40));
        for _ in 0..10 {
            allocate(&mut space, 4, &account).unwrap();
        }
        let freeing = space.start_freeing(&[1000..1012]);
        assert!(finish(&mut space, freeing, &account).is_done());
        assert_eq!(account.used(), 30);
        assert!(account.take(10).is_some());
        space.free(1032..1040);
        // 1000..1010 would have to be committed.
        assert_eq!(allocate(&mut space, 8, &account), Some(1032..1040));
        assert!(space.allocate(8, &account, |_| Ok(())).is_err());
    }

    #[test]
    fn a_block_that_two_threads_free_in_halves_goes_with_the_second() {
        let (mut space, account) = (Space::new(1000..1100, UNITS), Account::new(100));
        allocate(&mut space, 20, &account).unwrap();
        let first = space.start_freeing(&[1000..1016]);
        let second = space.start_freeing(&[1016..1020]);
        assert_eq!((&first.decommit, &first.discard), (&vec![1000..1010], &vec![1010..1016]));
        assert_eq!(second, Freeing { decommit: vec![], discard: vec![1016..1020] });
        assert!(finish(&mut space, first, &account).is_done());
        let rest = finish(&mut space, second, &account);
        assert_eq!(rest, Freeing { decommit: vec![1010..1020], discard: vec![] });
        assert!(finish(&mut space, rest, &account).is_done());
        assert_eq!((space.free_bytes(), account.used()), (100, 0));
    }

    #[test]
    fn a_failed_decommit_keeps_the_account() {
        let (mut space, account) = (Space::new(1000..1100, UNITS), Account::new(100));
        let range = allocate(&mut space, 40, &account).unwrap();
        let freeing = space.start_freeing(&[range]);
        assert!(space.finish_freeing(freeing, &[], &account).is_done());
        assert_eq!((space.free_bytes(), account.used()), (100, 40));
    }
}
