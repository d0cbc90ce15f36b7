//! Which blocks of a space are committed, and how many bytes may be.
//!
//! ```text
//!   space    ├───────┼───────┼───────┼───────┼───────┼ …   blocks, 64 KiB
//!            committed committed  ·      ·       ·
//!   allocation            ├───────┤
//!   commit                   ├───────────────┤             up to the next step, 256 KiB
//! ```
//!
//! A block is what is given back at once; a step of several blocks is what is taken at once, so
//! that publishing small functions seldom reaches the system.
#![forbid(unsafe_code)]

use std::ops::Range;

use sync::atomic::{AtomicUsize, Ordering};

use crate::error::{ErrorKind, Result};

/// The hard limit on committed code memory, shared by all arenas of a manager.
#[derive(Debug)]
pub(crate) struct Account {
    limit: usize,
    used: AtomicUsize,
}

impl Account {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0) }
    }

    /// Bytes in use.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Bytes that may still be taken.
    pub(crate) fn free(&self) -> usize {
        self.limit.saturating_sub(self.used())
    }

    /// Takes bytes, if the limit allows, and returns how many are in use then.
    #[must_use]
    pub(crate) fn take(&self, bytes: usize) -> Option<usize> {
        // Relaxed: a number alone; nothing is read because of it.
        let add = |used: usize| used.checked_add(bytes).filter(|&sum| sum <= self.limit);
        let before = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        before.ok().map(|before| before + bytes)
    }

    /// Gives bytes back.
    pub(crate) fn give(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// One flag for each block of a space.
#[derive(Debug)]
pub(crate) struct Blocks {
    space: Range<usize>,
    block: usize,
    step: usize,
    committed: Vec<bool>,
}

impl Blocks {
    /// Nothing is committed. `space` is a multiple of `block`, `step` too.
    pub(crate) fn new(space: Range<usize>, block: usize, step: usize) -> Self {
        let committed = vec![false; space.len() / block];
        Self { space, block, step, committed }
    }

    /// Makes sure that `range` is committed: takes the bytes from the account and calls `commit`
    /// with each run of blocks that is missing.
    pub(crate) fn ensure(
        &mut self,
        range: &Range<usize>,
        account: &Account,
        mut commit: impl FnMut(Range<usize>) -> vmem::Result<()>,
    ) -> Result<()> {
        while let Some(run) = self.first_missing(range) {
            let run = self.extend(run, account)?;
            if let Err(error) = commit(self.addresses(&run)) {
                account.give(run.len() * self.block);
                return Err(error.into());
            }
            self.committed[run].fill(true);
        }
        Ok(())
    }

    /// The committed blocks that lie wholly in `free`, if `freed` touches one of them.
    pub(crate) fn to_decommit(&self, freed: &Range<usize>, free: &Range<usize>) -> Range<usize> {
        let first = (free.start - self.space.start).div_ceil(self.block);
        let whole = first..((free.end - self.space.start) / self.block).max(first);
        let touched = self.touched(freed);
        let mut candidates = touched.start.max(whole.start)..touched.end.min(whole.end);
        let Some(found) = candidates.find(|&block| self.committed[block]) else {
            return freed.start..freed.start;
        };
        let before = (whole.start..found).rev().take_while(|&block| self.committed[block]);
        let after = (found..whole.end).take_while(|&block| self.committed[block]);
        self.addresses(&(found - before.count()..found + after.count()))
    }

    /// Notes that committed blocks have been given back.
    pub(crate) fn decommitted(&mut self, range: &Range<usize>, account: &Account) {
        let run = self.touched(range);
        debug_assert!(self.committed[run.clone()].iter().all(|committed| *committed));
        account.give(run.len() * self.block);
        self.committed[run].fill(false);
    }

    /// The committed parts of a range.
    pub(crate) fn committed_parts(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut parts: Vec<Range<usize>> = Vec::new();
        for block in self.touched(&range).filter(|&block| self.committed[block]) {
            let addresses = self.addresses(&(block..block + 1));
            let part = addresses.start.max(range.start)..addresses.end.min(range.end);
            match parts.last_mut() {
                Some(last) if last.end == part.start => last.end = part.end,
                _ => parts.push(part),
            }
        }
        parts
    }

    /// What it divides.
    pub(crate) fn space(&self) -> Range<usize> {
        self.space.clone()
    }

    /// Committed bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.committed.iter().filter(|committed| **committed).count() * self.block
    }

    fn first_missing(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let touched = self.touched(range);
        let start = touched.clone().find(|&block| !self.committed[block])?;
        let end = (start..touched.end).find(|&block| self.committed[block]);
        Some(start..end.unwrap_or(touched.end))
    }

    /// Takes a run of missing blocks from the account, with what is missing up to the next step
    /// if the limit allows that.
    fn extend(&self, run: Range<usize>, account: &Account) -> Result<Range<usize>> {
        let step = self.step / self.block;
        let limit = (run.end.next_multiple_of(step)).min(self.committed.len());
        let end = (run.end..limit).find(|&block| self.committed[block]).unwrap_or(limit);
        let (ahead, wanted) = ((end - run.start) * self.block, run.len() * self.block);
        // All there may ever be is not for one part of one arena: code is of no use without cells,
        // nor cells without code.
        if ahead < account.limit && account.take(ahead).is_some() {
            return Ok(run.start..end);
        }
        if account.take(wanted).is_some() {
            return Ok(run);
        }
        Err(ErrorKind::OutOfCodeMemory { wanted, free: account.free(), limit: account.limit }
            .into())
    }

    fn touched(&self, range: &Range<usize>) -> Range<usize> {
        let first = (range.start - self.space.start) / self.block;
        first..(range.end - self.space.start).div_ceil(self.block)
    }

    fn addresses(&self, run: &Range<usize>) -> Range<usize> {
        self.space.start + run.start * self.block..self.space.start + run.end * self.block
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is one range")]
mod tests {
    use super::*;

    fn ensure(blocks: &mut Blocks, range: Range<usize>, account: &Account) -> Vec<Range<usize>> {
        let mut calls = Vec::new();
        blocks
            .ensure(&range, account, |run| {
                calls.push(run);
                Ok(())
            })
            .unwrap();
        calls
    }

    #[test]
    fn commits_only_what_is_newly_entered() {
        let account = Account::new(1000);
        let mut blocks = Blocks::new(1000..1100, 10, 10);
        assert_eq!(ensure(&mut blocks, 1000..1001, &account), [1000..1010]);
        assert!(ensure(&mut blocks, 1001..1010, &account).is_empty());
        assert_eq!(account.used(), 10);
        assert_eq!(ensure(&mut blocks, 1009..1025, &account), [1010..1030]);
        assert_eq!((account.used(), blocks.bytes()), (30, 30));
    }

    #[test]
    fn commits_whole_steps_but_not_twice() {
        let account = Account::new(1000);
        let mut blocks = Blocks::new(1000..1100, 10, 40);
        assert_eq!(ensure(&mut blocks, 1005..1006, &account), [1000..1040]);
        assert_eq!(ensure(&mut blocks, 1085..1086, &account), [1080..1100]);
        assert_eq!(ensure(&mut blocks, 1035..1090, &account), [1040..1080]);
        assert_eq!(account.used(), 100);
    }

    #[test]
    fn near_the_limit_commits_no_more_than_needed() {
        let account = Account::new(35);
        let mut blocks = Blocks::new(1000..1100, 10, 40);
        assert_eq!(ensure(&mut blocks, 1005..1006, &account), [1000..1010]);
        let error = blocks.ensure(&(1010..1040), &account, |_| Ok(())).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OutOfCodeMemory { wanted: 30, free: 25, .. }));
        assert_eq!(account.used(), 10);
    }

    #[test]
    fn a_step_that_is_all_there_may_be_is_not_taken_ahead() {
        let account = Account::new(40);
        let [mut cells, mut code] = [1000..1100, 2000..2100].map(|at| Blocks::new(at, 10, 40));
        assert_eq!(ensure(&mut cells, 1000..1001, &account), [1000..1010]);
        assert_eq!(ensure(&mut code, 2000..2015, &account), [2000..2020]);
        assert_eq!(ensure(&mut code, 2020..2021, &account), [2020..2030]);
        assert!(cells.ensure(&(1010..1011), &account, |_| Ok(())).is_err());
        assert_eq!(account.used(), 40);
    }

    #[test]
    fn only_whole_committed_blocks_are_given_back() {
        let account = Account::new(1000);
        let mut blocks = Blocks::new(1000..1100, 10, 10);
        ensure(&mut blocks, 1000..1060, &account);
        assert_eq!(blocks.to_decommit(&(1015..1032), &(1015..1032)), 1020..1030);
        assert_eq!(blocks.to_decommit(&(1015..1032), &(1005..1038)), 1010..1030);
        assert_eq!(blocks.to_decommit(&(1015..1017), &(1015..1017)).len(), 0);
        assert_eq!(blocks.to_decommit(&(1055..1090), &(1050..1100)), 1050..1060);
        blocks.decommitted(&(1010..1030), &account);
        assert_eq!((account.used(), blocks.bytes()), (40, 40));
        assert_eq!(blocks.committed_parts(1005..1042), [1005..1010, 1030..1042]);
        assert_eq!(blocks.to_decommit(&(1015..1042), &(1010..1100)), 1030..1060);
    }

    #[test]
    fn a_failed_commit_leaves_the_account_unchanged() {
        let account = Account::new(1000);
        let mut blocks = Blocks::new(1000..1100, 10, 10);
        ensure(&mut blocks, 1000..1010, &account);
        let fail = |_| Err(vmem::Error::from(vmem::ErrorKind::ForkedChild));
        assert!(blocks.ensure(&(1000..1030), &account, fail).is_err());
        assert_eq!((account.used(), blocks.bytes()), (10, 10));
    }

    #[test]
    fn account_is_exact_between_threads() {
        let account = Account::new(4000);
        sync::hammer(4, 1500, |_, _| {
            if account.take(1).is_some() && account.free() == 0 {
                account.give(1);
            }
        });
        assert!(3990 <= account.used() && account.used() <= 4000);
    }
}
