//! A set of disjoint free ranges.
//!
//! ```text
//!   free    ├────┤      ├──┤           ├──────────┤
//!   merge         ├────┤                               joins both neighbours
//!   result  ├──────────────┤           ├──────────┤
//! ```
//!
//! * [POOL-APART] ranges are not empty, do not overlap and do not touch.
//! * [POOL-HINT] no range that starts below `hints[c]` has `1 << c` bytes or more. So first fit
//!   by address does not look at the many small holes that come before the first large one.
#![forbid(unsafe_code)]

use std::{collections::BTreeMap, ops::Range};

/// Free address ranges. Allocating takes the lowest that fits; what is merged is allocated again.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    /// Start to end.
    free: BTreeMap<usize, usize>,
    bytes: usize,
    hints: [usize; CLASSES],
}

const CLASSES: usize = usize::BITS as usize;

impl Pool {
    /// Nothing is free.
    pub(crate) fn new() -> Self {
        Self { free: BTreeMap::new(), bytes: 0, hints: [usize::MAX; CLASSES] }
    }

    /// That range is free.
    pub(crate) fn with(range: Range<usize>) -> Self {
        let mut pool = Self::new();
        pool.merge(range);
        pool
    }

    /// How many bytes are free in all.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The free ranges by address.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.free.iter().map(|(&start, &end)| start..end)
    }

    /// The free range in which `address` lies.
    pub(crate) fn around(&self, address: usize) -> Option<Range<usize>> {
        let (&start, &end) = self.free.range(..=address).next_back()?;
        (address < end).then_some(start..end)
    }

    /// Where the first free range after `address` starts.
    pub(crate) fn first_after(&self, address: usize) -> Option<usize> {
        self.free.range(address + 1..).next().map(|(&start, _)| start)
    }

    /// Makes a range free that is not, and returns the free range that it is now part of.
    pub(crate) fn merge(&mut self, range: Range<usize>) -> Range<usize> {
        if range.is_empty() {
            return range;
        }
        debug_assert!(!self.overlaps(&range), "{range:x?} is free already");
        self.bytes += range.len();
        let mut merged = range;
        if let Some((&start, &end)) = self.free.range(..merged.start).next_back()
            && end == merged.start
        {
            merged.start = start;
        }
        if let Some(end) = self.free.remove(&merged.end) {
            merged.end = end;
        }
        self.free.insert(merged.start, merged.end);
        self.lower_hints(&merged);
        merged
    }

    /// Takes `size` bytes from the lowest range that has them.
    pub(crate) fn allocate(&mut self, size: usize) -> Option<Range<usize>> {
        let class = class_of(size)?;
        let mut next_hint = usize::MAX;
        let mut found = None;
        for (&start, &end) in self.free.range(self.hints[class]..) {
            let length = end - start;
            if next_hint == usize::MAX && length >> class != 0 {
                next_hint = start;
            }
            if size <= length {
                found = Some(start);
                break;
            }
        }
        self.hints[class] = next_hint;
        let start = found?;
        self.carve(start..start + size);
        Some(start..start + size)
    }

    /// Takes `size` bytes that lie inside `region`.
    pub(crate) fn allocate_in(
        &mut self,
        size: usize,
        region: Range<usize>,
    ) -> Option<Range<usize>> {
        class_of(size)?;
        let first = self.around(region.start).map_or(region.start, |range| range.start);
        let start = self
            .free
            .range(first..region.end.max(first))
            .map(|(&start, &end)| start.max(region.start)..end.min(region.end))
            .find(|overlap| size <= overlap.end.saturating_sub(overlap.start))?
            .start;
        self.carve(start..start + size);
        Some(start..start + size)
    }

    /// Takes exactly that range, if all of it is free.
    pub(crate) fn take(&mut self, range: Range<usize>) -> bool {
        let inside = self.around(range.start).is_some_and(|free| range.end <= free.end);
        let takes = inside && !range.is_empty();
        if takes {
            self.carve(range);
        }
        takes
    }

    /// Removes a range that lies in one free range. What is left of that has no lower start, so
    /// the hints stay true.
    fn carve(&mut self, range: Range<usize>) {
        let Some(free) = self.around(range.start) else { return };
        debug_assert!(range.end <= free.end, "{range:x?} is not free");
        self.bytes -= range.len();
        if free.start == range.start {
            self.free.remove(&free.start);
        } else {
            self.free.insert(free.start, range.start);
        }
        if range.end < free.end {
            self.free.insert(range.end, free.end);
        }
    }

    fn lower_hints(&mut self, range: &Range<usize>) {
        let Some(class) = class_of(range.len()) else { return };
        for hint in &mut self.hints[..=class] {
            *hint = range.start.min(*hint);
        }
    }

    fn overlaps(&self, range: &Range<usize>) -> bool {
        self.free.range(..range.end).next_back().is_some_and(|(_, &end)| range.start < end)
    }
}

/// The largest `c` with `1 << c <= size`.
fn class_of(size: usize) -> Option<usize> {
    size.checked_ilog2().map(|class| class as usize)
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is one range")]
mod tests;
