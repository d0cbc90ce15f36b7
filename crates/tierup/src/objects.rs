//! Memories, tables and globals.

use tierup_runtime::{GlobalHandle, MemoryHandle, TableHandle};
use tierup_wasm::{GlobalType, MemoryType, TableType};

use crate::{AsContext, AsContextMut, Error, ErrorKind, StoreContext, StoreContextMut, Val};

/// A linear memory of a store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Memory(MemoryHandle);

impl Memory {
    /// A memory of its minimum size.
    ///
    /// # Errors
    ///
    /// If a limit forbids it, or there is no memory.
    pub fn new(mut store: impl AsContextMut, ty: MemoryType) -> Result<Self, Error> {
        let state = store.as_context_mut().into_state();
        let handle = state.new_memory(ty)?;
        Ok(Self(state.root(handle)))
    }

    pub(crate) fn from_handle(handle: MemoryHandle) -> Self {
        Self(handle)
    }

    pub(crate) fn handle(self) -> MemoryHandle {
        self.0
    }

    /// The type it was made with.
    ///
    /// # Panics
    ///
    /// If it is of another store or was reclaimed.
    pub fn ty(&self, store: impl AsContext) -> MemoryType {
        store.as_context().state().memory(self.0).expect(STALE).ty()
    }

    /// Length in pages of 64 KiB.
    ///
    /// # Panics
    ///
    /// If it is of another store or was reclaimed.
    pub fn size(&self, store: impl AsContext) -> u32 {
        store.as_context().state().memory(self.0).expect(STALE).pages()
    }

    /// The contents.
    ///
    /// # Panics
    ///
    /// If it is of another store or was reclaimed.
    pub fn data<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a [u8] {
        store.into().state().memory(self.0).expect(STALE).bytes()
    }

    /// The contents, to change.
    ///
    /// # Panics
    ///
    /// If it is of another store or was reclaimed.
    pub fn data_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> &'a mut [u8] {
        store.into().into_state().memory_mut(self.0).expect(STALE).bytes_mut()
    }

    /// The contents and the host's data, both to change.
    ///
    /// # Panics
    ///
    /// If it is of another store or was reclaimed.
    pub fn data_and_state<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> (&'a mut [u8], &'a mut T) {
        let state = store.into().into_state();
        let (bytes, data) = state.memory_and_data(self.0).expect(STALE);
        (bytes, crate::context::expect_mut(data))
    }

    /// Copies from the memory.
    ///
    /// # Errors
    ///
    /// If the range is not inside.
    pub fn read(
        &self,
        store: impl AsContext,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        let store = store.as_context();
        let bytes = store.state().memory(self.0)?.bytes();
        let end = offset.checked_add(buffer.len());
        let source = end.and_then(|end| bytes.get(offset..end));
        buffer.copy_from_slice(source.ok_or(ErrorKind::OutOfBounds("memory"))?);
        Ok(())
    }

    /// Copies to the memory.
    ///
    /// # Errors
    ///
    /// If the range is not inside.
    pub fn write(
        &self,
        mut store: impl AsContextMut,
        offset: usize,
        buffer: &[u8],
    ) -> Result<(), Error> {
        let bytes = store.as_context_mut().into_state().memory_mut(self.0)?.bytes_mut();
        let end = offset.checked_add(buffer.len());
        let target = end.and_then(|end| bytes.get_mut(offset..end));
        target.ok_or(ErrorKind::OutOfBounds("memory"))?.copy_from_slice(buffer);
        Ok(())
    }

    /// Grows by `pages` pages; returns the previous length in pages.
    ///
    /// # Errors
    ///
    /// If its type, a limit or the system forbids it.
    pub fn grow(&self, mut store: impl AsContextMut, pages: u32) -> Result<u32, Error> {
        store.as_context_mut().into_state().grow_memory(self.0, pages)
    }
}

/// A table of a store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Table(TableHandle);

impl Table {
    /// A table of its minimum size, filled with `init`.
    ///
    /// # Errors
    ///
    /// If `init` has another type, or a limit forbids it.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Val) -> Result<Self, Error> {
        let state = store.as_context_mut().into_state();
        let init = init.to_raw(state, ty.element)?;
        let handle = state.new_table(ty, init)?;
        Ok(Self(state.root(handle)))
    }

    pub(crate) fn from_handle(handle: TableHandle) -> Self {
        Self(handle)
    }

    pub(crate) fn handle(self) -> TableHandle {
        self.0
    }

    /// The type it was made with.
    ///
    /// # Panics
    ///
    /// If it is of another store or was reclaimed.
    pub fn ty(&self, store: impl AsContext) -> TableType {
        store.as_context().state().table(self.0).expect(STALE).ty()
    }

    /// Number of elements.
    ///
    /// # Panics
    ///
    /// If it is of another store or was reclaimed.
    pub fn size(&self, store: impl AsContext) -> u32 {
        store.as_context().state().table(self.0).expect(STALE).len() as u32
    }

    /// An element.
    ///
    /// # Errors
    ///
    /// If the index is outside.
    pub fn get(&self, mut store: impl AsContextMut, index: u32) -> Result<Val, Error> {
        let state = store.as_context_mut().into_state();
        let ty = state.table(self.0)?.ty().element;
        let value = state.table_element(self.0, index)?;
        Ok(Val::from_raw(state, ty, value))
    }

    /// Sets an element.
    ///
    /// # Errors
    ///
    /// If the index is outside, or `value` has another type.
    pub fn set(&self, mut store: impl AsContextMut, index: u32, value: Val) -> Result<(), Error> {
        let state = store.as_context_mut().into_state();
        let value = value.to_raw(state, state.table(self.0)?.ty().element)?;
        state.set_table_element(self.0, index, value)
    }

    /// Grows by `added` elements, which become `init`; returns the previous size.
    ///
    /// # Errors
    ///
    /// If its type or a limit forbids it, or `init` has another type.
    pub fn grow(&self, mut store: impl AsContextMut, added: u32, init: Val) -> Result<u32, Error> {
        let state = store.as_context_mut().into_state();
        let init = init.to_raw(state, state.table(self.0)?.ty().element)?;
        state.grow_table(self.0, added, init)
    }
}

/// A global of a store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Global(GlobalHandle);

impl Global {
    /// A global of that value.
    ///
    /// # Errors
    ///
    /// If the value has another type.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, value: Val) -> Result<Self, Error> {
        let state = store.as_context_mut().into_state();
        let value = value.to_raw(state, ty.value)?;
        let handle = state.new_global(ty, value);
        Ok(Self(state.root(handle)))
    }

    pub(crate) fn from_handle(handle: GlobalHandle) -> Self {
        Self(handle)
    }

    pub(crate) fn handle(self) -> GlobalHandle {
        self.0
    }

    /// Its type.
    ///
    /// # Panics
    ///
    /// If it is of another store or was reclaimed.
    pub fn ty(&self, store: impl AsContext) -> GlobalType {
        store.as_context().state().global(self.0).expect(STALE).ty()
    }

    /// Its value.
    ///
    /// # Panics
    ///
    /// If it is of another store or was reclaimed.
    pub fn get(&self, mut store: impl AsContextMut) -> Val {
        let state = store.as_context_mut().into_state();
        let global = state.global(self.0).expect(STALE);
        let (ty, value) = (global.ty().value, global.value());
        Val::from_raw(state, ty, value)
    }

    /// Sets its value.
    ///
    /// # Errors
    ///
    /// If it is immutable, or the value has another type.
    pub fn set(&self, mut store: impl AsContextMut, value: Val) -> Result<(), Error> {
        let state = store.as_context_mut().into_state();
        let value = value.to_raw(state, state.global(self.0)?.ty().value)?;
        state.set_global(self.0, value)
    }
}

/// Documented as a panic where it is used.
const STALE: &str = "the object belongs to this store and was not reclaimed";
