//! Tables.
//!
//! A `funcref` table holds entries with all that a call needs; a reference to the function is
//! made only when somebody reads the entry. An `externref` table holds handles.
//!
//! * [TA-RECORD] the record's pointer and length always describe the vector; both change in the
//!   same call, while no Wasm code of the store runs.

use tierup_abi::{FuncRecord, NULL_TYPE_ID, TableEntry, TableRecord};
use tierup_wasm::{FuncIndex, TableType, ValType};

use crate::{
    Error, ErrorKind, StoreState, Value,
    memory::{denied, limit},
    owner::Owner,
    slots::Handle,
};

/// Names a table.
pub type TableHandle = Handle<TableObject>;

/// Most elements of a table, whatever its type says: 32 bytes each.
pub(crate) const MAX_TABLE_ELEMENTS: u32 = 10_000_000;

/// A table.
#[derive(Debug)]
pub struct TableObject {
    /// Read by machine code; the box of the object keeps its address.
    record: TableRecord,
    elements: Elements,
    ty: TableType,
}

/// The elements of a table.
#[derive(Debug)]
pub(crate) enum Elements {
    Functions(Vec<TableEntry>),
    Externs(Vec<u32>),
}

/// One element, on its way into or out of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Element {
    Function(TableEntry),
    Extern(u32),
}

impl TableObject {
    fn new(ty: TableType, element: Element) -> Result<Box<Self>, Error> {
        let record = TableRecord { elements: std::ptr::null_mut(), length: 0 };
        let elements = match ty.element {
            ValType::FuncRef => Elements::Functions(Vec::new()),
            _ => Elements::Externs(Vec::new()),
        };
        let mut table = Box::new(Self { record, elements, ty });
        table.resize(ty.minimum as usize, element)?;
        Ok(table)
    }

    /// The type it was made with.
    pub fn ty(&self) -> TableType {
        self.ty
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.record.length
    }

    /// True if there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a range lies inside.
    pub(crate) fn covers(&self, start: u32, length: u32) -> bool {
        start as usize + length as usize <= self.len()
    }

    pub(crate) fn record(&self) -> *const TableRecord {
        &raw const self.record
    }

    pub(crate) fn elements(&self) -> &Elements {
        &self.elements
    }

    pub(crate) fn get(&self, index: u32) -> Option<Element> {
        let index = index as usize;
        match &self.elements {
            Elements::Functions(entries) => entries.get(index).copied().map(Element::Function),
            Elements::Externs(handles) => handles.get(index).copied().map(Element::Extern),
        }
    }

    /// False if the index is outside.
    ///
    /// # Panics
    ///
    /// If the element is of the other kind, which validation and the API exclude.
    #[must_use]
    pub(crate) fn set(&mut self, index: u32, element: Element) -> bool {
        self.fill(index, 1, element)
    }

    /// Writes `element` to a range. False, with nothing changed, if the range is not inside.
    #[must_use]
    pub(crate) fn fill(&mut self, start: u32, length: u32, element: Element) -> bool {
        let range = start as usize..start as usize + length as usize;
        match (&mut self.elements, element) {
            (Elements::Functions(entries), Element::Function(entry)) => {
                entries.get_mut(range).map(|range| range.fill(entry)).is_some()
            }
            (Elements::Externs(handles), Element::Extern(handle)) => {
                handles.get_mut(range).map(|range| range.fill(handle)).is_some()
            }
            _ => unreachable!("tables and elements of different types do not meet"),
        }
    }

    /// Remembers the reference that was made for an entry.
    pub(crate) fn set_reference(&mut self, index: u32, reference: *const FuncRecord) {
        if let Elements::Functions(entries) = &mut self.elements
            && let Some(entry) = entries.get_mut(index as usize)
        {
            entry.reference = reference;
        }
    }

    fn resize(&mut self, length: usize, element: Element) -> Result<(), Error> {
        let added = length - self.len();
        let no_memory = || ErrorKind::OutOfMemory { what: "table elements", wanted: length as u64 };
        match (&mut self.elements, element) {
            (Elements::Functions(entries), Element::Function(entry)) => {
                entries.try_reserve(added).map_err(|_| no_memory())?;
                entries.resize(length, entry);
                self.record.elements = entries.as_mut_ptr().cast();
            }
            (Elements::Externs(handles), Element::Extern(handle)) => {
                handles.try_reserve(added).map_err(|_| no_memory())?;
                handles.resize(length, handle);
                self.record.elements = handles.as_mut_ptr().cast();
            }
            _ => unreachable!("tables and elements of different types do not meet"),
        }
        self.record.length = length;
        Ok(())
    }
}

/// The null entry: calls of it trap by its type id.
pub(crate) const NULL_ENTRY: TableEntry = TableEntry {
    cell: std::ptr::null(),
    instance: std::ptr::null_mut(),
    type_id: NULL_TYPE_ID,
    reserved: 0,
    reference: std::ptr::null(),
};

/// The null element of a type.
pub(crate) fn null_element(ty: ValType) -> Element {
    match ty {
        ValType::FuncRef => Element::Function(NULL_ENTRY),
        _ => Element::Extern(0),
    }
}

/// The entry that stands for a reference.
pub(crate) fn entry_for(record: &FuncRecord) -> TableEntry {
    TableEntry {
        cell: record.cell,
        instance: record.instance,
        type_id: record.type_id,
        reserved: 0,
        reference: record,
    }
}

impl StoreState {
    /// Makes a table whose elements are all `element`. It is no root yet.
    pub(crate) fn new_table_of(
        &mut self,
        ty: TableType,
        element: Element,
    ) -> Result<TableHandle, Error> {
        let maximum = ty.maximum.map(|maximum| maximum as usize);
        let count = self.tables.len();
        if let Some((limiter, data)) = self.limiter() {
            let limits = limiter.find(data);
            limit("tables", count as u64 + 1, limits.tables() as u64)?;
            if !limits.table_growing(0, ty.minimum as usize, maximum) {
                return Err(denied("table elements", ty.minimum.into()));
            }
        }
        limit("table elements", ty.minimum.into(), MAX_TABLE_ELEMENTS.into())?;
        let object = TableObject::new(ty, element)?;
        Ok(self.tables.insert(object))
    }

    /// The table of that handle.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn table(&self, table: TableHandle) -> Result<&TableObject, Error> {
        self.tables.get(table).ok_or_else(|| ErrorKind::StaleHandle("table").into())
    }

    pub(crate) fn table_mut(&mut self, table: TableHandle) -> Result<&mut TableObject, Error> {
        self.tables.get_mut(table).ok_or_else(|| ErrorKind::StaleHandle("table").into())
    }

    /// Grows a table; returns its previous length.
    pub(crate) fn grow_table_by(
        &mut self,
        table: TableHandle,
        added: u32,
        element: Element,
    ) -> Result<u32, Error> {
        let object = self.table(table)?;
        let previous = object.len();
        let desired = previous as u64 + u64::from(added);
        let maximum = object.ty().maximum.unwrap_or(MAX_TABLE_ELEMENTS).min(MAX_TABLE_ELEMENTS);
        limit("table elements", desired, maximum.into())?;
        let desired = desired as usize;
        if let Some((limiter, data)) = self.limiter()
            && !limiter.find(data).table_growing(previous, desired, Some(maximum as usize))
        {
            return Err(denied("table elements", desired as u64));
        }
        self.table_mut(table)?.resize(desired, element)?;
        Ok(previous as u32)
    }

    /// Copies elements between tables, or inside one. False, with nothing changed, if a range is
    /// not inside its table.
    pub(crate) fn copy_elements(
        &mut self,
        (target, target_start): (TableHandle, u32),
        (source, source_start): (TableHandle, u32),
        length: u32,
    ) -> Result<bool, Error> {
        if !self.table(source)?.covers(source_start, length)
            || !self.table(target)?.covers(target_start, length)
        {
            return Ok(false);
        }
        let range = source_start as usize..source_start as usize + length as usize;
        let target_start = target_start as usize;
        if target == source {
            match &mut self.table_mut(target)?.elements {
                Elements::Functions(entries) => entries.copy_within(range, target_start),
                Elements::Externs(handles) => handles.copy_within(range, target_start),
            }
            return Ok(true);
        }
        // Taking the source out for a moment keeps the borrows apart; nothing runs meanwhile.
        let empty = Elements::Externs(Vec::new());
        let copied = std::mem::replace(&mut self.table_mut(source)?.elements, empty);
        match (&mut self.table_mut(target)?.elements, &copied) {
            (Elements::Functions(target), Elements::Functions(source)) => {
                target[target_start..][..length as usize].copy_from_slice(&source[range]);
            }
            (Elements::Externs(target), Elements::Externs(source)) => {
                target[target_start..][..length as usize].copy_from_slice(&source[range]);
            }
            _ => unreachable!("validation excludes copies between tables of different types"),
        }
        self.table_mut(source)?.elements = copied;
        Ok(true)
    }

    /// The reference in a table; `None` if the index is outside.
    pub(crate) fn table_reference(
        &mut self,
        table: TableHandle,
        index: u32,
    ) -> Result<Option<Value>, Error> {
        let entry = match self.table(table)?.get(index) {
            None => return Ok(None),
            Some(Element::Extern(handle)) => return Ok(Some(Value::from_u32(handle))),
            Some(Element::Function(entry)) => entry,
        };
        if entry.instance.is_null() || !entry.reference.is_null() {
            return Ok(Some(Value::from_u64(entry.reference as u64)));
        }
        // An entry from an element segment: it says which function of its instance it is.
        // SAFETY: an entry that is not null leads to a live head of this store.
        let owner = Owner::decode(unsafe { &*entry.instance }.owner);
        let Owner::Instance(instance) = owner else {
            unreachable!("entries of host functions have their reference");
        };
        let instance = self.instances.handle_at(instance).expect("a table keeps its callees");
        let function = self.instance_function(instance, FuncIndex(entry.reserved))?;
        let value = self.raw_function(Some(function))?;
        self.table_mut(table)?.set_reference(index, value.to_u64() as *const FuncRecord);
        Ok(Some(value))
    }

    /// Makes a table whose elements are all `init`, a reference of its element type. It is no
    /// root yet.
    ///
    /// # Errors
    ///
    /// If its type or a limit forbids it.
    pub fn new_table(&mut self, ty: TableType, init: Value) -> Result<TableHandle, Error> {
        if !ty.element.is_reference() {
            let (expected, found) = (ValType::FuncRef, ty.element);
            return Err(ErrorKind::ValueType { expected, found }.into());
        }
        limit("table elements", ty.minimum.into(), ty.maximum.unwrap_or(u32::MAX).into())?;
        self.new_table_of(ty, self.element_of(ty.element, init))
    }

    /// An element.
    ///
    /// # Errors
    ///
    /// If the index is outside, or the table is of another store.
    pub fn table_element(&mut self, table: TableHandle, index: u32) -> Result<Value, Error> {
        Ok(self.table_reference(table, index)?.ok_or(ErrorKind::OutOfBounds("table"))?)
    }

    /// Sets an element to a reference of the table's element type.
    ///
    /// # Errors
    ///
    /// If the index is outside, or the table is of another store.
    pub fn set_table_element(
        &mut self,
        table: TableHandle,
        index: u32,
        value: Value,
    ) -> Result<(), Error> {
        let element = self.element_of(self.table(table)?.ty().element, value);
        match self.table_mut(table)?.set(index, element) {
            true => Ok(()),
            false => Err(ErrorKind::OutOfBounds("table").into()),
        }
    }

    /// Grows a table by elements that are all `init`; returns its previous length.
    ///
    /// # Errors
    ///
    /// If its type or a limit forbids it. Nothing has changed then.
    pub fn grow_table(
        &mut self,
        table: TableHandle,
        added: u32,
        init: Value,
    ) -> Result<u32, Error> {
        let element = self.element_of(self.table(table)?.ty().element, init);
        self.grow_table_by(table, added, element)
    }
}
