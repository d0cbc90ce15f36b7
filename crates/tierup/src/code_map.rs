//! What lies where in code memory, with the names of functions.

use std::{ops::Range, sync::Arc};

use codespace::{Kind, MappedCode, Tier};
use tierup_runtime::ModuleInfo;
use tierup_wasm::DefinedFunc;

/// What lies where in an engine's code memory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CodeMap {
    /// Reservations of address space, in the order in which they were made.
    pub arenas: Vec<CodeArena>,
}

/// What lies where in an arena.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CodeArena {
    /// Addresses for code.
    pub code: Range<usize>,
    /// Which of them are committed: disjoint, sorted.
    pub committed: Vec<Range<usize>>,
    /// What there is: disjoint, sorted. What lies between is free.
    pub objects: Vec<CodeObject>,
    /// Bytes reserved, committed and taken for cells.
    pub cells: CellSpace,
}

/// The part of an arena where cells are, in bytes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CellSpace {
    /// Address space.
    pub reserved: usize,
    /// Of it, memory.
    pub committed: usize,
    /// Of it, cells.
    pub used: usize,
}

/// A piece of code.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CodeObject {
    /// Where it lies, with what is left empty behind it.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// Which compiler made it, if it is a function's.
    pub tier: Option<Tier>,
    /// A number of whose code it is: see [`Module::unit`](crate::Module::unit).
    pub unit: u64,
    /// Index of the function in its module.
    pub function: Option<u32>,
    /// Name of the function.
    pub name: Option<String>,
    /// No call reaches it any more; frames may still run it.
    pub is_retired: bool,
}

impl CodeMap {
    pub(crate) fn new(map: codespace::CodeMap) -> Self {
        Self { arenas: map.arenas.into_iter().map(CodeArena::new).collect() }
    }
}

impl CodeArena {
    fn new(arena: codespace::ArenaMap) -> Self {
        Self {
            code: arena.code,
            committed: arena.committed,
            objects: arena.objects.into_iter().map(CodeObject::new).collect(),
            cells: CellSpace {
                reserved: arena.data.len(),
                committed: arena.data_committed,
                used: arena.data_used,
            },
        }
    }

    /// Bytes of its objects.
    pub fn occupied(&self) -> usize {
        self.objects.iter().map(|object| object.range.len()).sum()
    }
}

impl CodeObject {
    fn new(code: MappedCode) -> Self {
        let defined = code.kind.function().map(DefinedFunc);
        let info = Arc::downcast::<ModuleInfo>(code.owner).ok();
        let function =
            info.as_ref().zip(defined).map(|(info, defined)| info.module().function(defined));
        let name =
            info.as_ref().zip(function).and_then(|(info, index)| info.names().function(index));
        Self {
            name: name.map(str::to_owned),
            range: code.range,
            kind: code.kind,
            tier: defined.map(|_| code.tier),
            unit: code.unit,
            function: function.map(|index| index.0),
            is_retired: code.is_retired,
        }
    }
}
