//! Numbers of events, such as how long they took.
//!
//! * [HI-WAIT] recording is two additions. The maximum is a third step only for what is larger than
//!   all before, and is tried again only after another thread has recorded something larger still.
#![forbid(unsafe_code)]

use std::{
    // Not loom's: it would look at every order of counts that decide nothing.
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{Summary, buckets::Buckets};

/// A distribution that only grows.
///
/// ```
/// let times = histogram::Histogram::new();
/// times.record(1000);
/// times.record_time(std::time::Duration::from_micros(3));
/// let summary = times.summary();
/// assert_eq!((summary.count, summary.sum, summary.max), (2, 4000, 3000));
/// assert!((1000_u64 * 31 / 32..=1000 * 33 / 32).contains(&summary.p50));
/// ```
#[derive(Debug)]
pub struct Histogram {
    buckets: Buckets,
    sum: AtomicU64,
    max: AtomicU64,
}

impl Histogram {
    /// Nothing recorded.
    pub const fn new() -> Self {
        Self { buckets: Buckets::new(), sum: AtomicU64::new(0), max: AtomicU64::new(0) }
    }

    /// Counts a number. [HI-WAIT]
    #[inline]
    pub fn record(&self, number: u64) {
        self.record_many(number, 1);
    }

    /// Counts the same number several times, for the price of one.
    #[inline]
    pub fn record_many(&self, number: u64, times: usize) {
        if times == 0 {
            return;
        }
        self.buckets.add_many(number, times as u64);
        self.sum.fetch_add(number.wrapping_mul(times as u64), Ordering::Relaxed);
        if self.max.load(Ordering::Relaxed) < number {
            self.max.fetch_max(number, Ordering::Relaxed);
        }
    }

    /// Counts a time in nanoseconds.
    #[inline]
    pub fn record_time(&self, time: Duration) {
        self.record_times(time, 1);
    }

    /// Counts the same time several times.
    #[inline]
    pub fn record_times(&self, time: Duration, times: usize) {
        self.record_many(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), times);
    }

    /// What was recorded so far. What is being recorded may be there in part.
    pub fn summary(&self) -> Summary {
        let counts = self.buckets.read();
        let max = self.max.load(Ordering::Relaxed);
        Summary {
            count: counts.total(),
            sum: self.sum.load(Ordering::Relaxed),
            // The middle of the last bucket may be above all that is in it.
            p50: counts.percentile(50).min(max),
            p99: counts.percentile(99).min(max),
            max,
        }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ERROR;

    #[track_caller]
    fn assert_near(measured: u64, exact: u64) {
        let error = measured.abs_diff(exact) as f64;
        assert!(error <= exact as f64 * ERROR, "{measured} is not near {exact}");
    }

    /// Against sorting, for distributions of several shapes.
    #[test]
    fn percentiles_are_as_exact_as_promised() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 33
        };
        type Shape = fn(u64) -> u64;
        let shapes: [Shape; 5] = [
            |x| x % 10,
            |x| x % 100_000,
            |x| 1 << (x % 36),
            |x| if x % 100 == 0 { 5_000_000_000 } else { 20_000 + x % 1000 },
            |x| (x % 1000) * (x % 1000) * (x % 1000),
        ];
        for shape in shapes {
            for count in [1, 2, 3, 99, 100, 101, 5000] {
                let histogram = Histogram::new();
                let mut numbers: Vec<u64> = (0..count).map(|_| shape(random())).collect();
                numbers.iter().for_each(|&number| histogram.record(number));
                numbers.sort_unstable();
                let exact = |percent: usize| numbers[(count * percent).div_ceil(100) - 1];
                let summary = histogram.summary();
                assert_near(summary.p50, exact(50));
                assert_near(summary.p99, exact(99));
                assert_eq!(summary.max, numbers[count - 1]);
                assert_eq!(summary.count, count as u64);
                assert_eq!(summary.sum, numbers.iter().sum::<u64>());
            }
        }
    }

    #[test]
    fn many_at_once_are_as_many_one_by_one() {
        let (one_by_one, at_once) = (Histogram::new(), Histogram::new());
        for (number, times) in [(7, 3), (1_000_000, 2), (2_000_000, 0)] {
            (0..times).for_each(|_| one_by_one.record(number));
            at_once.record_many(number, times);
        }
        assert_eq!((at_once.summary().count, at_once.summary().sum), (5, 2_000_021));
        assert_eq!(at_once.summary(), one_by_one.summary());
    }

    #[test]
    fn nothing_recorded_is_zero() {
        assert_eq!(Histogram::new().summary(), Summary::default());
    }

    #[test]
    fn what_is_beyond_the_last_bucket_counts_there_and_the_maximum_is_exact() {
        let histogram = Histogram::new();
        histogram.record_time(Duration::from_secs(3600));
        let summary = histogram.summary();
        assert_eq!((summary.count, summary.max), (1, 3_600_000_000_000));
        assert!(100_000_000_000 < summary.p50, "{summary:?}");
    }

    #[test]
    fn hi_wait_hammer_nothing_is_lost_between_threads() {
        let histogram = Histogram::new();
        sync::hammer(4, 2000, |thread, round| {
            histogram.record((thread * 2000 + round) as u64);
        });
        let summary = histogram.summary();
        assert_eq!((summary.count, summary.max), (8000, 7999));
        assert_eq!(summary.sum, (0..8000).sum());
        assert_near(summary.p50, 3999);
        assert_near(summary.p99, 7919);
    }
}
