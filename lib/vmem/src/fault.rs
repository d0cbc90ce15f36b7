//! Planned faults: tests make the n-th system call of a kind fail.
//!
//! Every call that can fail asks the plan first. A test runs its scenario once with a plan that
//! only counts, and then once for each call it has counted:
//!
//! ```text
//!   FaultPlan::new() ──► run ──► calls(Commit) = 3, calls(Write) = 2, …
//!   fail_nth(Commit, 1) ──► run    fail_nth(Commit, 2) ──► run   …   fail_nth(Write, 2) ──► run
//! ```
#![forbid(unsafe_code)]

use std::{io, thread};

use sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{ErrorKind, Result};

macro_rules! fault_kinds {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a call is for.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum FaultKind { $($(#[$doc])* $name,)* }

        impl FaultKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

fault_kinds! {
    /// Reserving address space.
    Reserve,
    /// Making, sizing or mapping the file that code is kept in.
    File,
    /// Setting up the fork guard, or keeping a mapping from forked children.
    Fork,
    /// Making memory accessible.
    Commit,
    /// Taking memory away, or giving its pages back.
    Decommit,
    /// Opening or closing a window in which code is writable.
    Protect,
    /// Writing code to the file.
    Write,
    /// Allocating the buffer of a write scope.
    Buffer,
    /// Starting a thread. Nothing here does: who starts threads uses [`FaultPlan::thread_builder`].
    Thread,
}

/// Which call fails. Does nothing but count when no fault is armed.
#[derive(Debug, Default)]
pub struct FaultPlan {
    counters: [Counter; FaultKind::ALL.len()],
}

/// Both numbers start at zero. The counts are statistics of a test: nothing is ordered by them.
#[derive(Debug, Default)]
struct Counter {
    calls: AtomicU64,
    fails_at: AtomicU64,
}

impl FaultPlan {
    /// A plan that fails nothing.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// A plan that fails the `nth` call of that kind, counted from 1, and no other.
    pub fn fail_nth(kind: FaultKind, nth: u64) -> Arc<Self> {
        let plan = Self::new();
        plan.arm(kind, nth);
        plan
    }

    /// Fails the `nth` call of that kind from now on, counted from 1. Zero disarms.
    ///
    /// Meant for a moment in which no other thread makes calls of that kind.
    pub fn arm(&self, kind: FaultKind, nth: u64) {
        let counter = &self.counters[kind as usize];
        let at = if nth == 0 { 0 } else { counter.calls.load(Ordering::Relaxed) + nth };
        counter.fails_at.store(at, Ordering::Relaxed);
    }

    /// How many calls of that kind there were, failed ones included.
    pub fn calls(&self, kind: FaultKind) -> u64 {
        self.counters[kind as usize].calls.load(Ordering::Relaxed)
    }

    /// A thread to be started, if the plan, where there is one, does not forbid it.
    ///
    /// # Errors
    ///
    /// If this is the start that is to fail.
    pub fn thread_builder(plan: Option<&Arc<Self>>) -> io::Result<thread::Builder> {
        plan.map_or(Ok(()), |plan| plan.check(FaultKind::Thread)).map_err(io::Error::other)?;
        Ok(thread::Builder::new())
    }

    /// Counts a call, and says whether it goes ahead.
    ///
    /// # Errors
    ///
    /// If it is the one that is to fail.
    pub(crate) fn check(&self, kind: FaultKind) -> Result<()> {
        let counter = &self.counters[kind as usize];
        let number = counter.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if number == counter.fails_at.load(Ordering::Relaxed) {
            return Err(ErrorKind::Fault { kind }.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_nth_call_fails() {
        let plan = FaultPlan::fail_nth(FaultKind::Commit, 3);
        let outcomes: Vec<bool> = (0..5).map(|_| plan.check(FaultKind::Commit).is_ok()).collect();
        assert_eq!(outcomes, [true, true, false, true, true]);
        assert!(plan.check(FaultKind::Write).is_ok());
        assert_eq!((plan.calls(FaultKind::Commit), plan.calls(FaultKind::Write)), (5, 1));
    }

    #[test]
    fn arming_counts_from_now() {
        let plan = FaultPlan::new();
        assert!(plan.check(FaultKind::Write).is_ok());
        plan.arm(FaultKind::Write, 2);
        assert!(plan.check(FaultKind::Write).is_ok());
        assert!(plan.check(FaultKind::Write).is_err());
        plan.arm(FaultKind::Write, 1);
        plan.arm(FaultKind::Write, 0);
        assert!(plan.check(FaultKind::Write).is_ok());
    }

    #[test]
    fn hammer_exactly_one_call_fails() {
        let plan = FaultPlan::fail_nth(FaultKind::Commit, 1500);
        let failures = AtomicU64::new(0);
        sync::hammer(4, 1000, |_, _| {
            if plan.check(FaultKind::Commit).is_err() {
                failures.fetch_add(1, Ordering::Relaxed);
            }
        });
        assert_eq!(failures.into_inner(), 1);
    }
}
