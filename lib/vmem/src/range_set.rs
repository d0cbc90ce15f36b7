//! A set of addresses, kept as disjoint ranges that do not touch.
#![forbid(unsafe_code)]

use std::{collections::BTreeMap, ops::Range};

/// The set. Empty ranges are inside every set and overlap none.
#[derive(Debug, Default)]
pub(crate) struct RangeSet {
    /// Start to end.
    ranges: BTreeMap<usize, usize>,
}

impl RangeSet {
    /// Is the whole range in the set?
    pub(crate) fn contains(&self, range: &Range<usize>) -> bool {
        range.is_empty()
            || self
                .ranges
                .range(..=range.start)
                .next_back()
                .is_some_and(|(_, end)| *end >= range.end)
    }

    /// Is any address of the range in the set?
    pub(crate) fn overlaps(&self, range: &Range<usize>) -> bool {
        !range.is_empty()
            && self.ranges.range(..range.end).next_back().is_some_and(|(_, end)| *end > range.start)
    }

    /// Adds a range that does not overlap the set.
    pub(crate) fn insert(&mut self, range: Range<usize>) {
        debug_assert!(!self.overlaps(&range));
        if range.is_empty() {
            return;
        }
        let Range { mut start, mut end } = range;
        if let Some((&before, &touching)) = self.ranges.range(..start).next_back()
            && touching == start
        {
            start = before;
        }
        if let Some(after) = self.ranges.remove(&end) {
            end = after;
        }
        self.ranges.insert(start, end);
    }

    /// Takes out a range that is inside the set.
    pub(crate) fn remove(&mut self, range: &Range<usize>) {
        debug_assert!(self.contains(range));
        if range.is_empty() {
            return;
        }
        let Some((&start, &end)) = self.ranges.range(..=range.start).next_back() else { return };
        self.ranges.remove(&start);
        if start < range.start {
            self.ranges.insert(start, range.start);
        }
        if range.end < end {
            self.ranges.insert(range.end, end);
        }
    }

    /// How many ranges the set consists of.
    pub(crate) fn count(&self) -> usize {
        self.ranges.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_merge_and_pieces_split() {
        let mut set = RangeSet::default();
        set.insert(10..20);
        set.insert(30..40);
        assert_eq!(set.count(), 2);
        set.insert(20..30);
        assert_eq!(set.count(), 1);
        assert!(set.contains(&(10..40)));
        set.remove(&(15..18));
        assert_eq!(set.count(), 2);
        assert!(set.contains(&(10..15)) && set.contains(&(18..40)) && !set.overlaps(&(15..18)));
    }

    #[test]
    fn empty_ranges_change_nothing() {
        let mut set = RangeSet::default();
        set.insert(5..5);
        assert_eq!(set.count(), 0);
        assert!(set.contains(&(7..7)) && !set.overlaps(&(7..7)));
        set.insert(0..10);
        set.remove(&(4..4));
        assert_eq!(set.count(), 1);
    }

    /// All operations against a plain array of flags.
    #[test]
    fn random_operations_agree_with_an_array() {
        const SIZE: usize = 48;
        let mut set = RangeSet::default();
        let mut model = [false; SIZE];
        let mut seed = 1u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as usize % below
        };
        for _ in 0..20_000 {
            let start = next(SIZE);
            let range = start..start + next(SIZE - start + 1);
            let inside = model[range.clone()].iter().all(|flag| *flag);
            let touched = model[range.clone()].iter().any(|flag| *flag);
            assert_eq!((set.contains(&range), set.overlaps(&range)), (inside, touched));
            if !touched {
                set.insert(range.clone());
                model[range].fill(true);
            } else if inside {
                set.remove(&range);
                model[range].fill(false);
            }
            let runs = (0..SIZE).filter(|&i| model[i] && (i == 0 || !model[i - 1])).count();
            assert_eq!(set.count(), runs);
        }
    }
}
