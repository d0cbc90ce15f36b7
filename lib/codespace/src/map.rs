//! A map of code memory: what lies where, for people who look.
//!
//! ```text
//!   arena     │ lazy table │ f1 │ f2 │ free │ f1' │ free …                          │
//!   objects   ├────────────┼────┼────┤      ├─────┤
//!   committed ├───────────────────────────────────────────┤
//! ```
//!
//! Objects are found as a signal handler finds them, record by record and without a lock, so that
//! code runs and is published meanwhile. Only a copy of the flags of committed blocks is made
//! under an arena's lock.
//!
//! * [MAP-DISJOINT] objects of a map do not overlap, although it is not of one moment: all are
//!   looked up in one scope, and while that is open no range of theirs is used again.
//! * What was allocated and cannot be found, since it is about to be published or freed, is not on
//!   the map.
#![forbid(unsafe_code)]

use std::{any::Any, fmt, ops::Range, sync::Arc};

use crate::{
    arena::Arena,
    draft::{Flavor, Kind, Tier},
    manager::CodeManager,
    object::Code,
};

/// What lies where in code memory.
#[derive(Clone, Debug, Default)]
pub struct CodeMap {
    /// In the order in which they were made.
    pub arenas: Vec<ArenaMap>,
}

/// What lies where in an arena.
#[derive(Clone, Debug)]
pub struct ArenaMap {
    /// Addresses for code.
    pub code: Range<usize>,
    /// Which of them are committed: disjoint, sorted.
    pub committed: Vec<Range<usize>>,
    /// Code objects: disjoint, sorted. What lies between them is free.
    pub objects: Vec<MappedCode>,
    /// Addresses for cells.
    pub data: Range<usize>,
    /// Bytes of them that are committed.
    pub data_committed: usize,
    /// Bytes of them that are taken.
    pub data_used: usize,
}

/// A code object on the map.
#[derive(Clone)]
pub struct MappedCode {
    /// The range that was allocated for it.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// Which compiler made it, if it is a function's.
    pub tier: Tier,
    /// What it was compiled for.
    pub flavor: Flavor,
    /// The number of its unit.
    pub unit: u64,
    /// The data that its unit was made with.
    pub owner: Arc<dyn Any + Send + Sync>,
    /// No call reaches it any more; frames may still run it.
    pub is_retired: bool,
}

impl MappedCode {
    fn new(code: &Code) -> Self {
        Self {
            range: code.allocated(),
            kind: code.kind(),
            tier: code.tier(),
            flavor: code.flavor(),
            unit: code.unit_id(),
            owner: Arc::clone(code.owner()),
            is_retired: code.is_retired(),
        }
    }
}

impl fmt::Debug for MappedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.range;
        write!(f, "MappedCode({start:#x}..{end:#x}, {:?} of {})", self.kind, self.unit)
    }
}

impl ArenaMap {
    /// Bytes of its objects.
    pub fn occupied(&self) -> usize {
        self.objects.iter().map(|object| object.range.len()).sum()
    }

    fn new(arena: &Arena, objects: &[MappedCode]) -> Self {
        let (code, data) = (arena.code_range(), arena.memory().data_range());
        let first = objects.partition_point(|object| object.range.start < code.start);
        let last = objects.partition_point(|object| object.range.start < code.end);
        let usage = arena.usage();
        Self {
            code,
            committed: usage.code_committed,
            objects: objects[first..last].to_vec(),
            data_used: data.len() - usage.data_free,
            data,
            data_committed: usage.data_committed,
        }
    }
}

impl CodeManager {
    /// What lies where. Code runs on meanwhile; the map is not of one moment.
    pub fn code_map(&self) -> CodeMap {
        if self.check_process().is_err() {
            return CodeMap::default();
        }
        let scope = self.scope();
        let mut objects: Vec<_> = self
            .slab()
            .records()
            .filter_map(|record| scope.lookup(record.entry()))
            .map(MappedCode::new)
            .collect();
        // A record may have been used again meanwhile, and its new object be found by two.
        objects.sort_unstable_by_key(|object| object.range.start);
        objects.dedup_by_key(|object| object.range.start);
        CodeMap {
            arenas: self.arenas().iter().map(|arena| ArenaMap::new(arena, &objects)).collect(),
        }
    }
}
