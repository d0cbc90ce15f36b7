//! Which ranges of an arena hold code: a second book beside the free pool.
//!
//! Every write, publish and free names its range, and the range must be exactly one that was
//! registered when it was allocated. A mistake anywhere in the manager then is an error before a
//! byte changes, not code that is overwritten while it runs.
//!
//! * [REG-DISJOINT] registered ranges are not empty, do not overlap and lie in the arena.
#![forbid(unsafe_code)]

use std::{collections::BTreeMap, ops::Range};

use crate::error::{ErrorKind, Result};

/// The registered ranges of one arena.
#[derive(Debug)]
pub(crate) struct Registry {
    space: Range<usize>,
    /// Start to end.
    ranges: BTreeMap<usize, usize>,
}

impl Registry {
    /// Nothing is registered in `space`.
    pub(crate) fn new(space: Range<usize>) -> Self {
        Self { space, ranges: BTreeMap::new() }
    }

    /// Registers ranges: all of them, or none.
    pub(crate) fn register(&mut self, ranges: &[Range<usize>]) -> Result<()> {
        for (number, range) in ranges.iter().enumerate() {
            if let Err(error) = self.register_one(range) {
                for done in &ranges[..number] {
                    self.ranges.remove(&done.start);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Is `range` exactly one registered range?
    pub(crate) fn check(&self, range: &Range<usize>) -> Result<()> {
        if !range.is_empty() && self.ranges.get(&range.start) == Some(&range.end) {
            return Ok(());
        }
        Err(ErrorKind::Unregistered { range: range.clone() }.into())
    }

    /// Removes ranges of which each is exactly one that is registered: all of them, or none.
    pub(crate) fn unregister(&mut self, ranges: &[Range<usize>]) -> Result<()> {
        for (number, range) in ranges.iter().enumerate() {
            match self.ranges.remove(&range.start) {
                Some(end) if end == range.end => continue,
                Some(end) => _ = self.ranges.insert(range.start, end),
                None => {}
            }
            self.ranges.extend(ranges[..number].iter().map(|done| (done.start, done.end)));
            return Err(ErrorKind::Unregistered { range: range.clone() }.into());
        }
        Ok(())
    }

    /// How many ranges are registered.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.ranges.len()
    }

    fn register_one(&mut self, range: &Range<usize>) -> Result<()> {
        let inside = self.space.start <= range.start && range.end <= self.space.end;
        if !inside || range.is_empty() {
            return Err(ErrorKind::Unregistered { range: range.clone() }.into());
        }
        let below = self.ranges.range(..range.end).next_back();
        if below.is_some_and(|(_, &end)| range.start < end) {
            return Err(ErrorKind::Overlap { range: range.clone() }.into());
        }
        self.ranges.insert(range.start, range.end);
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is one range")]
mod tests {
    use super::*;

    fn registry() -> Registry {
        Registry::new(1000..2000)
    }

    #[test]
    fn a_range_is_registered_once_and_used_again() {
        let mut registry = registry();
        registry.register(&[1000..1100, 1100..1200]).unwrap();
        registry.check(&(1100..1200)).unwrap();
        registry.unregister(&[1100..1200]).unwrap();
        assert!(registry.check(&(1100..1200)).is_err());
        assert!(registry.unregister(&[1100..1200]).is_err());
        registry.register(&[1100..1150]).unwrap();
        assert_eq!(registry.count(), 2);
    }

    #[test]
    fn reg_disjoint_overlaps_are_caught_and_change_nothing() {
        let mut registry = registry();
        registry.register(&[1100..1200]).unwrap();
        for bad in [1100..1200, 1000..1101, 1199..1300, 1120..1130, 1000..1300] {
            assert!(matches!(
                registry.register(&[1900..2000, bad]).unwrap_err().kind(),
                ErrorKind::Overlap { .. }
            ));
            assert_eq!(registry.count(), 1);
        }
        assert!(registry.register(&[1300..1400, 1350..1360]).is_err());
        registry.register(&[1000..1100, 1200..2000]).unwrap();
    }

    #[test]
    fn ranges_outside_the_space_are_caught() {
        let mut registry = registry();
        for bad in [999..1100, 1900..2001, 0..10, 3000..3001, 1100..1100] {
            assert!(registry.register(&[bad]).is_err());
        }
        assert_eq!(registry.count(), 0);
    }

    #[test]
    fn only_an_exact_match_counts() {
        let mut registry = registry();
        registry.register(&[1100..1200, 1200..1300]).unwrap();
        for bad in [1100..1300, 1100..1199, 1101..1200, 1150..1160, 1100..1100] {
            assert!(registry.check(&bad).is_err(), "{bad:?}");
            assert!(registry.unregister(&[1100..1200, bad.clone()]).is_err(), "{bad:?}");
        }
        assert_eq!(registry.count(), 2);
    }
}
