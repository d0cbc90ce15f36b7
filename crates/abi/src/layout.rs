//! Where the parts of an instance lie, for one module.
//!
//! ```text
//! | head | memories | tables | imported functions | type ids | globals | budgets |
//! ```
//!
//! Budgets come last: they are the only part that grows with the number of functions, and pages
//! of them that are never touched cost nothing.
//!
//! Beside them it knows how functions of each of the module's types are called, so that compilers
//! need not find out for each call again.
#![forbid(unsafe_code)]

use tierup_wasm::{
    DefinedFunc, Entity, FuncIndex, GlobalIndex, MemoryIndex, Module, TableIndex, TypeIndex,
};

use crate::{CallLayout, ImportedFunc, InstanceBudget, InstanceHead, InstanceMemory};

/// Offsets of the parts of an instance, in bytes from its head; and how its functions are called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstanceLayout {
    memories: u32,
    tables: u32,
    imports: u32,
    type_ids: u32,
    globals: u32,
    budgets: u32,
    size: u32,
    shared_globals: Box<[bool]>,
    calls: Box<[CallLayout]>,
}

impl InstanceLayout {
    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let calls = self.calls.iter().map(CallLayout::heap_bytes).sum::<usize>();
        size_of_val(&*self.shared_globals) + size_of_val(&*self.calls) + calls
    }

    /// The layout for instances of `module`.
    pub fn new(module: &Module) -> Self {
        let mut next = InstanceHead::SIZE as u32;
        let mut part = |count: usize, size: u32, align: u32| {
            let start = next.next_multiple_of(align);
            next = start + count as u32 * size;
            start
        };
        let memories = part(module.memories.len(), InstanceMemory::SIZE as u32, 8);
        let tables = part(module.tables.len(), 8, 8);
        let imports = part(module.imported_functions as usize, ImportedFunc::SIZE as u32, 8);
        let type_ids = part(module.types.len(), 4, 4);
        let globals = part(module.globals.len(), 16, 16);
        let budget_size = InstanceBudget::SIZE as u32;
        let budgets = part(module.defined_functions() as usize, budget_size, 8);
        Self {
            memories,
            tables,
            imports,
            type_ids,
            globals,
            budgets,
            size: next.next_multiple_of(16),
            shared_globals: shared_globals(module),
            calls: module.types.iter().map(CallLayout::new).collect(),
        }
    }

    /// How functions of one of the module's types are called.
    pub fn call(&self, ty: TypeIndex) -> &CallLayout {
        &self.calls[ty.index()]
    }

    /// Size of an instance in bytes, a multiple of 16.
    pub fn size(&self) -> usize {
        self.size as usize
    }

    /// Offset of the [`InstanceMemory`] of a memory.
    pub fn memory(&self, memory: MemoryIndex) -> i32 {
        (self.memories + memory.0 * InstanceMemory::SIZE as u32) as i32
    }

    /// Offset of the pointer to the `TableRecord` of a table.
    pub fn table(&self, table: TableIndex) -> i32 {
        (self.tables + table.0 * 8) as i32
    }

    /// Offset of the [`ImportedFunc`] of an imported function.
    pub fn import(&self, function: FuncIndex) -> i32 {
        (self.imports + function.0 * ImportedFunc::SIZE as u32) as i32
    }

    /// Offset of the engine-wide 32-bit id of one of the module's types.
    pub fn type_id(&self, ty: TypeIndex) -> i32 {
        (self.type_ids + ty.0 * 4) as i32
    }

    /// Offset of a global's 16 bytes: its value, or the pointer to its `GlobalRecord`.
    pub fn global(&self, global: GlobalIndex) -> i32 {
        (self.globals + global.0 * 16) as i32
    }

    /// Whether the instance holds the global's value itself.
    pub fn global_place(&self, global: GlobalIndex) -> GlobalPlace {
        if self.shared_globals[global.index()] { GlobalPlace::Shared } else { GlobalPlace::Inline }
    }

    /// Offset of the [`InstanceBudget`] of a function, whose first field code decrements.
    pub fn budget(&self, function: DefinedFunc) -> i32 {
        (self.budgets + function.0 * InstanceBudget::SIZE as u32) as i32
    }
}

/// Where the value of a global is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GlobalPlace {
    /// In the instance.
    Inline,
    /// In a `GlobalRecord` that the instance points to, because others may see it.
    Shared,
}

/// Imported and exported globals outlive and are shared between instances.
fn shared_globals(module: &Module) -> Box<[bool]> {
    let mut shared = vec![false; module.globals.len()];
    shared[..module.imported_globals as usize].fill(true);
    for export in &module.exports {
        if let Entity::Global(global) = export.entity {
            shared[global.index()] = true;
        }
    }
    shared.into()
}
