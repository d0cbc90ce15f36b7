//! One barrier for all memory that was freed since the last one.
//!
//! A core may have instructions of freed code, fetched on the guess that a call leads there again.
//! So a barrier on all cores lies between freeing a range and reaching what is written there next.
//! It interrupts every thread that runs, so it is not made for each range, and not at all as long
//! as nothing is used again:
//!
//! ```text
//!   free A ─ free B ─┬─ publish in A: barrier ─ publish in B ─ free C ─┬─ publish in C: barrier
//!   owed  1       2  │                       2                      3  │
//!   passed           0                       2                         2                      3
//! ```
//!
//! * [RE-PASSED] of what was free when `owed` had some value, no core has old instructions once
//!   `passed` has it.
#![forbid(unsafe_code)]

use sync::atomic::{AtomicU64, Ordering};

/// How often memory was freed, and which of that a barrier has covered.
#[derive(Debug, Default)]
pub(crate) struct Reuse {
    owed: AtomicU64,
    passed: AtomicU64,
}

impl Reuse {
    /// Memory was freed, and is about to be found by who allocates.
    pub(crate) fn owe(&self) {
        // Release pairs with `pass` of who allocates it, as the lock of the books does.
        self.owed.fetch_add(1, Ordering::Release);
    }

    /// Code was written, into memory that may have been freed. Makes a barrier if none has been
    /// made since.
    pub(crate) fn pass<E>(&self, barrier: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let owed = self.owed.load(Ordering::Acquire);
        // Acquire pairs with the release below: the barrier has been made. [RE-PASSED]
        if self.passed.load(Ordering::Acquire) < owed {
            barrier()?;
            self.passed.fetch_max(owed, Ordering::Release);
        }
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn what_was_freed_together_shares_a_barrier() {
        let (reuse, mut barriers) = (Reuse::default(), 0);
        let mut pass = |reuse: &Reuse| {
            let made: Result<(), Infallible> = reuse.pass(|| {
                barriers += 1;
                Ok(())
            });
            made.unwrap();
            barriers
        };
        assert_eq!(pass(&reuse), 0);
        reuse.owe();
        reuse.owe();
        assert_eq!((pass(&reuse), pass(&reuse)), (1, 1));
        reuse.owe();
        assert_eq!((pass(&reuse), pass(&reuse)), (2, 2));
    }

    #[test]
    fn re_passed_what_is_freed_during_a_barrier_needs_the_next() {
        let (reuse, mut barriers) = (Reuse::default(), 0);
        reuse.owe();
        assert_eq!(reuse.pass(|| Err("refused")), Err("refused"));
        for expected in [1, 2, 2] {
            let made: Result<(), Infallible> = reuse.pass(|| {
                barriers += 1;
                if barriers == 1 {
                    reuse.owe();
                }
                Ok(())
            });
            made.unwrap();
            assert_eq!(barriers, expected);
        }
    }
}
