//! Side tables of freed code, until somebody who places code frees them.
//!
//! An allocator's memory belongs to the thread that asked for it, more or less: a collector that
//! frees the tables of thousands of functions meets those who publish at the locks of the
//! allocator, again and again. But who publishes frees a table for next to nothing, and gets its
//! memory again for the next. So collectors leave tables here, up to a bound.
#![forbid(unsafe_code)]

use std::{
    // Loom does not look at numbers alone.
    sync::atomic::{AtomicUsize, Ordering},
};

use sync::{Mutex, Rank};

use crate::tables::Tables;

/// Chosen: the tables of about a thousand functions.
const MOST_BYTES: usize = 256 << 10;
/// How many who places an object frees: some more than it makes, so that none stay where all sizes
/// differ.
const FOR_EACH: usize = 2;

/// Tables that nobody can find any more.
#[derive(Debug)]
pub(crate) struct Spares {
    tables: Mutex<Vec<Tables>>,
    /// What they take.
    bytes: AtomicUsize,
}

impl Spares {
    pub(crate) fn new() -> Self {
        Self { tables: Mutex::new(Rank::Records, Vec::new()), bytes: AtomicUsize::new(0) }
    }

    /// Keeps as many of the tables as there is room for.
    pub(crate) fn keep(&self, added: impl Iterator<Item = Tables>) {
        let mut bytes = self.bytes();
        let mut kept: Vec<Tables> = Vec::new();
        for tables in added.filter(|tables| tables.bytes() != 0) {
            if bytes + tables.bytes() <= MOST_BYTES {
                bytes += tables.bytes();
                kept.push(tables);
            }
        }
        let added: usize = kept.iter().map(Tables::bytes).sum();
        // Nobody waits while a list grows.
        let before = std::mem::take(&mut *self.tables.lock());
        kept.extend(before);
        let between = std::mem::replace(&mut *self.tables.lock(), kept);
        self.bytes.fetch_add(added, Ordering::Relaxed);
        // Of another collector, which has more to do than to free these.
        self.bytes.fetch_sub(between.iter().map(Tables::bytes).sum(), Ordering::Relaxed);
    }

    /// So many objects are being placed.
    pub(crate) fn free_some(&self, objects: usize) {
        if self.bytes() == 0 {
            return;
        }
        let most = FOR_EACH.saturating_mul(objects);
        let mut freed = Vec::with_capacity(most.min(FOR_EACH * 128));
        let most = freed.capacity();
        {
            let mut tables = self.tables.lock();
            let rest = tables.len().saturating_sub(most);
            freed.extend(tables.drain(rest..));
        }
        let bytes = freed.iter().map(Tables::bytes).sum();
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// What they take. Takes no lock.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed).cast_signed().max(0).cast_unsigned()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{
        draft::{SideTables, TrapSite},
        tables::Packer,
    };

    fn tables(traps: u32) -> Tables {
        let traps = (0..traps).map(|offset| TrapSite { offset, code: 1 }).collect();
        let tables = SideTables { traps, ..SideTables::default() };
        Packer::default().pack(&tables, u32::MAX).expect("they are sorted")
    }

    #[test]
    fn who_places_frees_what_collectors_have_left() {
        let spares = Spares::new();
        spares.free_some(1);
        let one = tables(10).bytes();
        spares.keep((0..5).map(|_| tables(10)).chain([Tables::default()]));
        spares.keep((0..2).map(|_| tables(10)));
        assert_eq!(spares.bytes(), 7 * one);
        spares.free_some(1);
        assert_eq!(spares.bytes(), 5 * one);
        spares.free_some(100);
        assert_eq!(spares.bytes(), 0);
    }

    #[test]
    fn no_more_is_kept_than_the_bound() {
        let spares = Spares::new();
        let large = tables(10_000);
        assert!(MOST_BYTES / 100 < large.bytes());
        spares.keep((0..100).map(|_| tables(10_000)));
        assert!((MOST_BYTES - large.bytes()..=MOST_BYTES).contains(&spares.bytes()));
        spares.keep([large].into_iter());
        assert!(spares.bytes() <= MOST_BYTES);
    }

    #[test]
    fn hammer_nothing_is_lost_or_counted_twice() {
        let spares = Spares::new();
        sync::hammer(4, 500, |thread, round| match thread {
            0 | 1 => spares.keep((0..round % 7).map(|_| tables(20))),
            _ => spares.free_some(1 + round % 3),
        });
        let there: usize = spares.tables.lock().iter().map(Tables::bytes).sum();
        assert_eq!(spares.bytes(), there);
    }
}
