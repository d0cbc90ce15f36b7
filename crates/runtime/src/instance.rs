//! Instances: the memory that machine code reads, and what the runtime knows about it.
//!
//! The part that machine code reads is one zeroed allocation with the layout that its module
//! prescribes (`tierup_abi::InstanceLayout`). [`Parts`] writes it; nothing outside this file
//! knows its address except through heads and entries.
//!
//! * [IN-LAYOUT] every offset comes from the layout that the allocation was made with, for an
//!   index that its module has, so it lies inside the allocation and is aligned.

use std::{alloc, collections::HashMap, ptr::NonNull, sync::Arc};

use sync::atomic::AtomicUsize;
use tierup_abi::{FuncRecord, GlobalPlace, ImportedFunc, InstanceBudget, InstanceHead};
use tierup_abi::{InstanceMemory, TableEntry};
use tierup_wasm::{
    DataIndex, DefinedFunc, ElementIndex, Entity, FuncIndex, GlobalIndex, MemoryIndex,
};
use tierup_wasm::{TableIndex, TypeIndex};

use crate::{
    CompiledModule, Error, ErrorKind, FunctionHandle, GlobalHandle, MemoryHandle, StoreState,
    TableHandle, Value, host::HostContext, memory::MemoryObject, slots::Handle,
};

/// Names an instance.
pub type InstanceHandle = Handle<InstanceObject>;

/// An instance of a module.
#[derive(Debug)]
pub struct InstanceObject {
    parts: Parts,
    module: Arc<CompiledModule>,
    /// All memories, tables and functions that it uses, imports first.
    pub(crate) memories: Vec<MemoryHandle>,
    pub(crate) tables: Vec<TableHandle>,
    pub(crate) imported_functions: Vec<FunctionHandle>,
    /// The globals that others may see.
    pub(crate) shared_globals: HashMap<GlobalIndex, GlobalHandle>,
    /// Contexts of the imported host functions.
    #[expect(clippy::vec_box, reason = "machine code holds the addresses of the contexts")]
    contexts: Vec<Box<HostContext>>,
    /// The functions that somebody needed a reference to.
    known_functions: HashMap<FuncIndex, FunctionHandle>,
    dropped_data: Vec<bool>,
    dropped_elements: Vec<bool>,
}

impl InstanceObject {
    /// An instance without any contents, with `head` as its head.
    pub(crate) fn new(module: &Arc<CompiledModule>, head: InstanceHead) -> Result<Self, Error> {
        let parts = Parts::new(module.info().layout().size(), head)?;
        let wasm = module.module();
        let mut instance = Self {
            parts,
            module: Arc::clone(module),
            memories: Vec::new(),
            tables: Vec::new(),
            imported_functions: Vec::new(),
            shared_globals: HashMap::new(),
            contexts: Vec::new(),
            known_functions: HashMap::new(),
            dropped_data: vec![false; wasm.data.len()],
            dropped_elements: vec![false; wasm.elements.len()],
        };
        for (index, ty) in module.types().iter().enumerate() {
            let offset = module.info().layout().type_id(TypeIndex(index as u32));
            instance.parts.write(offset, ty.id());
        }
        Ok(instance)
    }

    /// Its module.
    pub fn module(&self) -> &Arc<CompiledModule> {
        &self.module
    }

    /// Its first argument's value for machine code.
    pub(crate) fn head(&self) -> *mut InstanceHead {
        self.parts.start.as_ptr().cast()
    }

    pub(crate) fn add_memory(&mut self, handle: MemoryHandle, memory: &MemoryObject) {
        self.memories.push(handle);
        self.set_memory(MemoryIndex(self.memories.len() as u32 - 1), memory);
    }

    /// Writes what machine code knows about a memory.
    pub(crate) fn set_memory(&mut self, index: MemoryIndex, memory: &MemoryObject) {
        let offset = self.module.info().layout().memory(index);
        self.parts.write(offset + InstanceMemory::BASE, memory.base());
        self.parts.write(offset + InstanceMemory::RECORD, memory.record());
    }

    pub(crate) fn add_table(
        &mut self,
        handle: TableHandle,
        record: *const tierup_abi::TableRecord,
    ) {
        let offset = self.module.info().layout().table(TableIndex(self.tables.len() as u32));
        self.tables.push(handle);
        self.parts.write(offset, record);
    }

    pub(crate) fn add_shared_global(
        &mut self,
        (index, handle): (GlobalIndex, GlobalHandle),
        record: *const tierup_abi::GlobalRecord,
    ) {
        self.shared_globals.insert(index, handle);
        self.parts.write(self.module.info().layout().global(index), record);
    }

    pub(crate) fn add_imported_function(&mut self, handle: FunctionHandle, import: ImportedFunc) {
        let index = FuncIndex(self.imported_functions.len() as u32);
        self.imported_functions.push(handle);
        self.parts.write(self.module.info().layout().import(index), import);
    }

    /// Keeps a context for as long as the instance lives.
    pub(crate) fn keep_context(&mut self, context: Box<HostContext>) {
        self.contexts.push(context);
    }

    /// The value of a global that lives in the instance.
    pub(crate) fn inline_global(&self, index: GlobalIndex) -> Option<Value> {
        let layout = self.module.info().layout();
        let inline = layout.global_place(index) == GlobalPlace::Inline;
        inline.then(|| self.parts.read(layout.global(index)))
    }

    pub(crate) fn set_inline_global(&mut self, index: GlobalIndex, value: Value) {
        self.parts.write(self.module.info().layout().global(index), value);
    }

    /// What a call of a function of this instance needs, as a table entry without reference.
    pub(crate) fn table_entry(&self, index: FuncIndex) -> TableEntry {
        let record = self.func_record(index, 0);
        TableEntry {
            cell: record.cell,
            instance: record.instance,
            type_id: record.type_id,
            reserved: index.0,
            reference: std::ptr::null(),
        }
    }

    /// The record of a function of this instance, as number `number` of the store.
    pub(crate) fn func_record(&self, index: FuncIndex, number: u32) -> FuncRecord {
        let module = self.module.module();
        let type_id = self.module.types()[module.functions[index.index()].index()].id();
        match module.defined(index) {
            Some(defined) => FuncRecord {
                cell: self.module.unit().cell(defined.0),
                instance: self.head(),
                type_id,
                number,
            },
            None => {
                let offset = self.module.info().layout().import(index);
                let import: ImportedFunc = self.parts.read(offset);
                FuncRecord { cell: import.cell, instance: import.instance, type_id, number }
            }
        }
    }

    pub(crate) fn known_function(&self, index: FuncIndex) -> Option<FunctionHandle> {
        match self.module.module().defined(index) {
            Some(_) => self.known_functions.get(&index).copied(),
            None => self.imported_functions.get(index.index()).copied(),
        }
    }

    pub(crate) fn set_known_function(&mut self, index: FuncIndex, function: FunctionHandle) {
        self.known_functions.insert(index, function);
    }

    pub(crate) fn known_functions(&self) -> impl Iterator<Item = FunctionHandle> {
        self.known_functions.values().copied()
    }

    /// What a function has done in this instance since its budget was last refilled.
    pub(crate) fn used_budget(&self, function: DefinedFunc) -> u32 {
        let offset = self.module.info().layout().budget(function);
        let InstanceBudget { left, given } = self.parts.read(offset);
        u32::try_from(i64::from(given) - i64::from(left)).unwrap_or(0)
    }

    /// Lets a function do that much before it reports again.
    pub(crate) fn refill_budget(&mut self, function: DefinedFunc, slice: i32) {
        let offset = self.module.info().layout().budget(function);
        self.parts.write(offset, InstanceBudget { left: slice, given: slice });
    }

    pub(crate) fn has_data(&self, index: DataIndex) -> bool {
        !self.dropped_data[index.index()]
    }

    pub(crate) fn drop_data(&mut self, index: DataIndex) {
        self.dropped_data[index.index()] = true;
    }

    pub(crate) fn has_elements(&self, index: ElementIndex) -> bool {
        !self.dropped_elements[index.index()]
    }

    pub(crate) fn drop_elements(&mut self, index: ElementIndex) {
        self.dropped_elements[index.index()] = true;
    }
}

/// An export of an instance, or something to import.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExternItem {
    /// A function.
    Func(FunctionHandle),
    /// A table.
    Table(TableHandle),
    /// A memory.
    Memory(MemoryHandle),
    /// A global.
    Global(GlobalHandle),
}

impl StoreState {
    /// The instance of that handle.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn instance(&self, instance: InstanceHandle) -> Result<&InstanceObject, Error> {
        self.instances.get(instance).ok_or_else(|| ErrorKind::StaleHandle("instance").into())
    }

    pub(crate) fn instance_mut(
        &mut self,
        instance: InstanceHandle,
    ) -> Result<&mut InstanceObject, Error> {
        self.instances.get_mut(instance).ok_or_else(|| ErrorKind::StaleHandle("instance").into())
    }

    /// The object behind an index of an instance. It is no root yet.
    ///
    /// # Errors
    ///
    /// If the instance is of another store or was reclaimed.
    pub fn instance_item(
        &mut self,
        instance: InstanceHandle,
        entity: Entity,
    ) -> Result<ExternItem, Error> {
        let object = self.instance(instance)?;
        Ok(match entity {
            Entity::Func(index) => ExternItem::Func(self.instance_function(instance, index)?),
            Entity::Table(index) => ExternItem::Table(object.tables[index.index()]),
            Entity::Memory(index) => ExternItem::Memory(object.memories[index.index()]),
            Entity::Global(index) => {
                let global = object.shared_globals.get(&index);
                ExternItem::Global(*global.ok_or(ErrorKind::OutOfBounds("global"))?)
            }
        })
    }

    /// The export of that name. It is no root yet.
    ///
    /// # Errors
    ///
    /// If the instance is of another store or was reclaimed.
    pub fn export(
        &mut self,
        instance: InstanceHandle,
        name: &str,
    ) -> Result<Option<ExternItem>, Error> {
        let entity = self.instance(instance)?.module().info().export(name);
        entity.map(|entity| self.instance_item(instance, entity)).transpose()
    }

    /// A memory has moved: every instance that uses it must know.
    pub(crate) fn update_memory_bases(&mut self, memory: MemoryHandle) -> Result<(), Error> {
        let object = self.memories.get(memory).ok_or(ErrorKind::StaleHandle("memory"))?;
        for instance in self.instances.iter_mut() {
            for index in 0..instance.memories.len() {
                if instance.memories[index] == memory {
                    instance.set_memory(MemoryIndex(index as u32), object);
                }
            }
        }
        Ok(())
    }
}

/// The allocation that machine code reads and writes.
#[derive(Debug)]
struct Parts {
    start: NonNull<u8>,
    layout: alloc::Layout,
}

impl Parts {
    /// Zeros, but for the head.
    fn new(size: usize, head: InstanceHead) -> Result<Self, Error> {
        debug_assert!(size_of::<InstanceHead>() <= size);
        let too_large = ErrorKind::OutOfMemory { what: "instance bytes", wanted: size as u64 };
        let Ok(layout) = alloc::Layout::from_size_align(size, 64) else {
            return Err(too_large.into());
        };
        // SAFETY: the layout has at least the head's size.
        let start = unsafe { alloc::alloc_zeroed(layout) };
        let Some(start) = NonNull::new(start) else { return Err(too_large.into()) };
        let mut parts = Self { start, layout };
        parts.write(0, head);
        Ok(parts)
    }

    fn write<T>(&mut self, offset: i32, value: T) {
        let place = self.place::<T>(offset);
        // SAFETY: `place` is inside the allocation and aligned; only code of the store uses it,
        // and none runs now.
        unsafe { place.write(value) }
    }

    fn read<T: Copy>(&self, offset: i32) -> T {
        let place = self.place::<T>(offset);
        // SAFETY: as in `write`; every place that is read was written, or is zero, and zero is a
        // value of all types that are read here.
        unsafe { place.read() }
    }

    fn place<T>(&self, offset: i32) -> *mut T {
        let offset = offset as usize;
        // [IN-LAYOUT]
        assert!(
            offset + size_of::<T>() <= self.layout.size() && offset.is_multiple_of(align_of::<T>())
        );
        // SAFETY: inside the allocation, as just checked.
        unsafe { self.start.as_ptr().add(offset).cast() }
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and freed once.
        unsafe { alloc::dealloc(self.start.as_ptr(), self.layout) }
    }
}

/// The cells of a module without functions.
pub(crate) fn cells_of(module: &CompiledModule) -> *const AtomicUsize {
    module.unit().cells()
}
