//! Numbers that change: how large things are now.
//!
//! * [LE-MOVE] a thing's changes are counted from the number that it had to the number that it got.
//!   If these come from one atomic, each number is added once and taken away once, in whatever order
//!   threads do so.
#![forbid(unsafe_code)]

// Not loom's: it would look at every order of counts that decide nothing.
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Summary, buckets::Buckets};

/// A distribution of numbers that change. Neither changing nor reading waits.
///
/// ```
/// let sizes = histogram::Levels::new();
/// sizes.enter(0);
/// sizes.enter(10);
/// sizes.change(0, 7);
/// let summary = sizes.summary();
/// assert_eq!((summary.count, summary.sum, summary.p50, summary.max), (2, 17, 7, 10));
/// ```
#[derive(Debug)]
pub struct Levels {
    buckets: Buckets,
    sum: AtomicU64,
}

impl Levels {
    /// Nothing there.
    pub const fn new() -> Self {
        Self { buckets: Buckets::new(), sum: AtomicU64::new(0) }
    }

    /// A thing that has that number now is there.
    pub fn enter(&self, number: u64) {
        self.buckets.add(number);
        self.sum.fetch_add(number, Ordering::Relaxed);
    }

    /// A thing that had that number is gone.
    pub fn leave(&self, number: u64) {
        self.buckets.subtract(number);
        self.sum.fetch_sub(number, Ordering::Relaxed);
    }

    /// A thing's number has changed. [LE-MOVE]
    #[inline]
    pub fn change(&self, from: u64, to: u64) {
        self.buckets.add(to);
        self.buckets.subtract(from);
        self.sum.fetch_add(to.wrapping_sub(from), Ordering::Relaxed);
    }

    /// What is there now. The maximum is no more exact than percentiles are.
    pub fn summary(&self) -> Summary {
        let counts = self.buckets.read();
        let sum = self.sum.load(Ordering::Relaxed).cast_signed().max(0).cast_unsigned();
        Summary {
            count: counts.total(),
            sum,
            // None is larger than all together: so what is alone is exact.
            p50: counts.percentile(50).min(sum),
            p99: counts.percentile(99).min(sum),
            max: counts.largest().min(sum),
        }
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_is_not_counted() {
        let levels = Levels::new();
        for number in [1, 2, 3] {
            levels.enter(number);
        }
        levels.change(2, 1000);
        levels.leave(3);
        let summary = levels.summary();
        assert_eq!((summary.count, summary.sum, summary.p50), (2, 1001, 1));
        assert!(summary.max.abs_diff(1000) <= 32, "{summary:?}");
        levels.change(1000, 0);
        levels.leave(0);
        levels.leave(1);
        assert_eq!(levels.summary(), Summary::default());
    }

    #[test]
    fn le_move_hammer_one_number_that_many_threads_change() {
        let (levels, number) = (Levels::new(), AtomicU64::new(0));
        levels.enter(0);
        sync::hammer(4, 2000, |_, round| {
            let step = round as u64 % 97;
            let before = number.fetch_add(step, Ordering::Relaxed);
            levels.change(before, before + step);
            let before = number.fetch_sub(step, Ordering::Relaxed);
            levels.change(before, before - step);
            assert!(levels.summary().sum < 4 * 97 * 4);
        });
        assert_eq!(levels.summary(), Summary { count: 1, ..Summary::default() });
    }
}
