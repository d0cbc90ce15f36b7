//! What units and a manager occupy, as far as they can tell without a lock.
//!
//! ```text
//!   mapped   code, cells
//!   heap     records (a slab of the manager's), side tables, books (who has what)
//! ```
//!
//! Sizes are exact where the counters have them. Books are maps, whose nodes nobody counts: for
//! them a table says what an entry takes. `tierup` compares the sum with what its allocator says.
#![forbid(unsafe_code)]

use crate::{
    arena::Arena,
    cells::CELL_BYTES,
    manager::CodeManager,
    object::Code,
    registry::Registry,
    stats::CodeStats,
    unit::{Identity, Unit},
};

/// Bytes that something occupies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Memory {
    /// Code memory: machine code and lazy tables, with padding.
    pub code_bytes: usize,
    /// Cells.
    pub cell_bytes: usize,
    /// Records of code objects. For a manager also those that are free.
    pub record_bytes: usize,
    /// Side tables. For a manager also those of freed code that wait for being freed.
    pub table_bytes: usize,
    /// Lists of what belongs to whom.
    pub book_bytes: usize,
}

/// What entries of books take, in bytes.
mod entries {
    /// A `Vec` of installed code.
    pub(super) const FUNCTION: usize = size_of::<Option<u32>>();
    /// In the unit's list, whose room is for half as many again when it grows.
    pub(super) const OBJECT: usize = 10;
    /// The unit itself, and its entry in the manager's map.
    pub(super) const UNIT: usize = 2 * ARC + 2 * size_of::<(u64, usize)>();
    /// The counts of an `Arc`.
    pub(super) const ARC: usize = 2 * size_of::<usize>();
}

impl Memory {
    /// What comes from the allocator.
    pub fn heap_bytes(&self) -> usize {
        self.record_bytes + self.table_bytes + self.book_bytes
    }

    /// All.
    pub fn total_bytes(&self) -> usize {
        self.code_bytes + self.cell_bytes + self.heap_bytes()
    }

    fn new(stats: &CodeStats, units: usize) -> Self {
        let classes = [stats.baseline.count, stats.optimized.count, stats.other.count];
        let objects = classes.iter().sum::<usize>() + stats.waiting.count;
        let functions = stats.functions.all;
        let record_bytes = objects * size_of::<Code>();
        let unit = size_of::<Unit>() + size_of::<Identity>() + entries::UNIT;
        Self {
            code_bytes: stats.generated_bytes.saturating_sub(stats.freed_bytes),
            cell_bytes: functions * CELL_BYTES,
            record_bytes,
            table_bytes: stats.metadata_bytes.saturating_sub(record_bytes),
            book_bytes: functions * entries::FUNCTION + objects * entries::OBJECT + units * unit,
        }
    }
}

impl Unit {
    /// What it occupies; without its owner. Takes no lock.
    pub fn memory(&self) -> Memory {
        Memory::new(&self.stats(), 1)
    }
}

impl CodeManager {
    /// What it occupies with all of its units; without their owners. Takes no lock.
    pub fn memory(&self) -> Memory {
        let stats = self.stats();
        let units = Memory::new(&stats.code, stats.units);
        let config = self.config();
        let blocks = (config.arena_code_bytes + config.arena_data_bytes) / config.units(1).block;
        let registry = Registry::heap_bytes(config.arena_code_bytes, stats.committed_bytes);
        let arenas = stats.arenas * (size_of::<Arena>() + entries::ARC + blocks) + registry;
        Memory {
            record_bytes: self.slab().bytes(),
            table_bytes: units.table_bytes + self.spares().bytes(),
            book_bytes: units.book_bytes + Self::own_bytes() + arenas,
            ..units
        }
    }
}
