//! Settings of a code manager.
#![forbid(unsafe_code)]

use sync::Arc;
use vmem::{FaultPlan, Strategy};

use crate::{
    error::{ErrorKind, Result},
    lookup::SLOT_BYTES,
    space::Units,
};

/// Settings of a [`CodeManager`](crate::CodeManager).
///
/// ```
/// let config = codespace::Config { committed_limit: 16 << 20, ..Default::default() };
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// How code is written.
    pub strategy: Strategy,
    /// Code that an arena can hold. An object cannot be larger than this.
    pub arena_code_bytes: usize,
    /// Cells that an arena can hold, 8 bytes for each function. With the code at most 2 GiB.
    pub arena_data_bytes: usize,
    /// Hard limit on committed memory of all arenas.
    pub committed_limit: usize,
    /// Hard limit on reserved address space of all arenas.
    pub reserved_limit: usize,
    /// How much is committed at once.
    pub commit_bytes: usize,
    /// How far from code its cells may be to be reached without a veneer. Only tests make it
    /// smaller than the machine's 2 GiB, to take the other path.
    pub cell_reach: usize,
    /// A collection is wanted when more bytes than these were retired since the last one, ...
    pub collect_floor_bytes: usize,
    /// ... and this share of the committed memory.
    pub collect_share_percent: usize,
    /// Which calls to the system fail, in tests.
    pub faults: Option<Arc<FaultPlan>>,
}

impl Default for Config {
    /// Arenas of 1 GiB of code and 128 MiB of cells, committed in steps of 256 KiB up to just
    /// below 4 GiB.
    fn default() -> Self {
        Self {
            strategy: Strategy::Auto,
            arena_code_bytes: 1 << 30,
            arena_data_bytes: 128 << 20,
            committed_limit: 4095 << 20,
            reserved_limit: usize::MAX,
            commit_bytes: 256 << 10,
            cell_reach: i32::MAX as usize,
            // What V8 does: often enough that dead code is a small part of all, and seldom enough
            // that a collection, some microseconds for each thread, is nothing.
            collect_floor_bytes: 64 << 10,
            collect_share_percent: 10,
            faults: None,
        }
    }
}

/// Memory is given back in blocks of at most this.
const BLOCK_BYTES: usize = 64 << 10;

impl Config {
    /// Itself with sizes rounded up to what arenas are made of.
    pub(crate) fn rounded(&self) -> Result<Self> {
        let step = self.commit_bytes.max(1).checked_next_multiple_of(vmem::page_size());
        let step = step.filter(|&step| step <= SLOT_BYTES).ok_or(TOO_LARGE)?;
        let block = step.min(BLOCK_BYTES);
        let round = |bytes: usize| bytes.max(1).checked_next_multiple_of(block).ok_or(TOO_LARGE);
        let rounded = Self {
            arena_code_bytes: round(self.arena_code_bytes)?,
            arena_data_bytes: round(self.arena_data_bytes)?,
            commit_bytes: step.next_multiple_of(block),
            ..self.clone()
        };
        match rounded.arena_code_bytes.checked_add(rounded.arena_data_bytes) {
            Some(sum) if sum <= SLOT_BYTES => Ok(rounded),
            _ => Err(TOO_LARGE.into()),
        }
    }

    /// How rounded arenas are divided when this is the unit of allocating.
    pub(crate) fn units(&self, allocate: usize) -> Units {
        let block = self.commit_bytes.min(BLOCK_BYTES);
        Units { allocate, block, step: self.commit_bytes }
    }
}

const TOO_LARGE: ErrorKind = ErrorKind::BadConfig { reason: "an arena is larger than 2 GiB" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        let config = Config { arena_code_bytes: 1, arena_data_bytes: 0, ..Config::default() };
        let rounded = config.rounded().unwrap();
        assert_eq!((rounded.arena_code_bytes, rounded.arena_data_bytes), (64 << 10, 64 << 10));
        let page = vmem::page_size();
        let rounded = Config { commit_bytes: 1, ..config }.rounded().unwrap();
        assert_eq!((rounded.arena_code_bytes, rounded.arena_data_bytes), (page, page));
        assert_eq!(rounded.commit_bytes, page);
    }

    #[test]
    fn an_arena_fits_in_a_slot() {
        for arena_code_bytes in [SLOT_BYTES, usize::MAX, usize::MAX - 100_000] {
            let config = Config { arena_code_bytes, ..Config::default() };
            assert!(config.rounded().is_err(), "{arena_code_bytes:#x}");
        }
        let arena_code_bytes = SLOT_BYTES - (128 << 20);
        Config { arena_code_bytes, ..Config::default() }.rounded().unwrap();
    }
}
