//! Counts of numbers by size: exact up to 16, then 16 buckets for each power of two.
//!
//! ```text
//!   number   0 1 2 … 15 │ 16 17 … 31 │ 32 34 … 62 │ 64 68 … │ … │ 2^37 and all above
//!   width    1          │ 1          │ 2          │ 4       │   │
//! ```
//!
//! * [BU-ERROR] the middle of a bucket is at most 1/32 away from any number in it, up to 2^37: two
//!   minutes in nanoseconds, 128 GiB in bytes.
#![forbid(unsafe_code)]

// Not loom's: it would look at every order of counts that decide nothing.
use std::sync::atomic::{AtomicU64, Ordering};

/// How far a percentile can be from the number it stands for, as a part of that number.
pub const ERROR: f64 = 1.0 / 32.0;

/// Buckets for each power of two, as a power of two.
const FINE: u32 = 4;
/// Numbers from 2 to the power of this on share a bucket.
const LARGEST: u32 = 37;
const COUNT: usize = (((LARGEST - FINE + 1) << FINE) + 1) as usize;

/// Counts by size.
#[derive(Debug)]
pub(crate) struct Buckets([AtomicU64; COUNT]);

impl Buckets {
    pub(crate) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; COUNT])
    }

    /// One more number of that size.
    #[inline]
    pub(crate) fn add(&self, number: u64) {
        self.add_many(number, 1);
    }

    /// So many more of that size.
    #[inline]
    pub(crate) fn add_many(&self, number: u64, times: u64) {
        // Relaxed here and below: counts alone, by which nobody finds anything.
        self.0[bucket(number)].fetch_add(times, Ordering::Relaxed);
    }

    /// One less.
    #[inline]
    pub(crate) fn subtract(&self, number: u64) {
        self.0[bucket(number)].fetch_sub(1, Ordering::Relaxed);
    }

    /// The counts, at about one moment.
    pub(crate) fn read(&self) -> Counts {
        // Who moves a number may have taken it away before another thread has added it.
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed).cast_signed().max(0);
        Counts(std::array::from_fn(|index| read(&self.0[index]).cast_unsigned()))
    }
}

/// Counts that stay.
#[derive(Debug)]
pub(crate) struct Counts([u64; COUNT]);

impl Counts {
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The number that `percent` of all are not above, give or take [`ERROR`]; 0 if there are none.
    pub(crate) fn percentile(&self, percent: u64) -> u64 {
        let rank = (u128::from(self.total()) * u128::from(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.0.iter().position(|&count| {
            seen += u128::from(count);
            rank <= seen
        });
        found.map_or(0, middle)
    }

    /// The largest number, give or take [`ERROR`].
    pub(crate) fn largest(&self) -> u64 {
        self.0.iter().rposition(|&count| count != 0).map_or(0, middle)
    }
}

/// The bucket of a number.
#[inline]
const fn bucket(number: u64) -> usize {
    let highest = (number | 1).ilog2();
    if highest < FINE {
        return number as usize;
    }
    if LARGEST <= highest {
        return COUNT - 1;
    }
    let shift = highest - FINE;
    // The highest bit of what is left counts one row more, which is the row of exact numbers.
    ((shift << FINE) as u64 + (number >> shift)) as usize
}

/// A number in the middle of a bucket.
const fn middle(bucket: usize) -> u64 {
    let row = bucket as u32 >> FINE;
    if row <= 1 {
        return bucket as u64;
    }
    let shift = row - 1;
    let low = (bucket as u64 - ((shift as u64) << FINE)) << shift;
    low + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Powers of two, their neighbours, and what lies between.
    fn numbers() -> impl Iterator<Item = u64> {
        (0..4000).chain((12..LARGEST).flat_map(|power| {
            let start = 1_u64 << power;
            [start - 1, start, start + 1, start / 16 * 17, start / 16 * 31 - 1]
        }))
    }

    #[test]
    fn bu_error_the_middle_is_near() {
        for number in numbers() {
            let error = middle(bucket(number)).abs_diff(number) as f64;
            assert!(error <= number as f64 * ERROR, "{number} {}", middle(bucket(number)));
        }
    }

    #[test]
    fn larger_numbers_are_not_in_lower_buckets() {
        let mut numbers: Vec<u64> = numbers().collect();
        numbers.sort_unstable();
        assert!(numbers.is_sorted_by_key(|&number| bucket(number)));
        assert_eq!(bucket((1 << LARGEST) - 1), COUNT - 2);
        assert_eq!((bucket(1 << LARGEST), bucket(u64::MAX)), (COUNT - 1, COUNT - 1));
    }

    #[test]
    fn every_bucket_holds_its_middle() {
        assert!((0..COUNT).all(|index| bucket(middle(index)) == index));
    }
}
