//! Making an instance, in the order that the specification prescribes.
//!
//! Until the first active segment is applied nothing outside the new objects changes; an error
//! before that leaves them unreachable, to be reclaimed. After that, what was written stays, as
//! the specification says.
#![forbid(unsafe_code)]

use std::sync::Arc;

use tierup_abi::{ImportedFunc, TableEntry};
use tierup_wasm::{
    ConstExpr, DataIndex, DataMode, ElementIndex, ElementItems, ElementMode, Entity, ExternType,
    FuncIndex, GlobalIndex, Import, MemoryType, Module, TableIndex, TableType, ValType,
};

use crate::{
    CompiledModule, Error, ErrorKind, ExternItem, FunctionHandle, InstanceHandle, InstanceObject,
    StoreState, Trap, TrapKind, Value,
    function::FunctionKind,
    host::HostContext,
    instance::cells_of,
    memory::limit,
    owner::Owner,
    table::{Element, NULL_ENTRY, entry_for, null_element},
};

impl StoreState {
    /// Makes an instance of `module`, without running its start function. It is a root.
    ///
    /// # Errors
    ///
    /// If an import does not match, a limit forbids it, or an active segment does not fit.
    pub fn instantiate(
        &mut self,
        module: &Arc<CompiledModule>,
        imports: &[ExternItem],
    ) -> Result<InstanceHandle, Error> {
        if !Arc::ptr_eq(module.engine(), self.engine()) {
            return Err(ErrorKind::OtherEngine.into());
        }
        self.check_imports(module, imports)?;
        let count = self.instances.len();
        if let Some((limiter, data)) = self.limiter() {
            let allowed = limiter.find(data).instances();
            limit("instances", count as u64 + 1, allowed as u64)?;
        }
        let owner = Owner::Instance(self.instances.next().index);
        let object = InstanceObject::new(module, self.head(owner, cells_of(module)))?;
        let instance = self.instances.insert(Box::new(object));
        self.root(instance);
        self.fill(instance, module, imports)?;
        self.engine().counters().count_instance();
        Ok(instance)
    }

    fn fill(
        &mut self,
        instance: InstanceHandle,
        module: &Arc<CompiledModule>,
        imports: &[ExternItem],
    ) -> Result<(), Error> {
        let wasm = module.module();
        for (import, &item) in wasm.imports.iter().zip(imports) {
            self.add_import(instance, import, item)?;
        }
        for &ty in &wasm.memories[wasm.imported_memories as usize..] {
            let memory = self.new_memory(ty)?;
            self.add_memory(instance, memory)?;
        }
        self.make_globals(instance, wasm)?;
        self.make_tables(instance, wasm)?;
        self.apply_elements(instance, wasm)?;
        self.apply_data(instance, wasm)
    }

    fn add_import(
        &mut self,
        instance: InstanceHandle,
        import: &Import,
        item: ExternItem,
    ) -> Result<(), Error> {
        match (import.entity, item) {
            (Entity::Func(_), ExternItem::Func(function)) => {
                self.import_function(instance, function)
            }
            (Entity::Table(_), ExternItem::Table(table)) => self.add_table(instance, table),
            (Entity::Memory(_), ExternItem::Memory(memory)) => self.add_memory(instance, memory),
            (Entity::Global(index), ExternItem::Global(global)) => {
                let record = self.global(global)?.record();
                self.instance_mut(instance)?.add_shared_global((index, global), record);
                Ok(())
            }
            _ => unreachable!("`check_imports` has compared the kinds"),
        }
    }

    fn import_function(
        &mut self,
        instance: InstanceHandle,
        function: FunctionHandle,
    ) -> Result<(), Error> {
        let object = self.function(function)?;
        let import = match object.kind() {
            FunctionKind::Wasm { .. } => {
                let record = object.record();
                ImportedFunc { cell: record.cell, instance: record.instance }
            }
            FunctionKind::Host(context) => {
                let owner = (Owner::Instance(instance.index), Some(instance));
                let context = HostContext::new(context.function.clone(), self, owner)?;
                let import =
                    ImportedFunc { cell: &raw const context.cell, instance: context.head() };
                self.instance_mut(instance)?.keep_context(context);
                import
            }
        };
        self.instance_mut(instance)?.add_imported_function(function, import);
        Ok(())
    }

    fn add_memory(
        &mut self,
        instance: InstanceHandle,
        memory: crate::MemoryHandle,
    ) -> Result<(), Error> {
        let object = self.memories.get(memory).ok_or(ErrorKind::StaleHandle("memory"))?;
        let instance =
            self.instances.get_mut(instance).ok_or(ErrorKind::StaleHandle("instance"))?;
        instance.add_memory(memory, object);
        Ok(())
    }

    fn add_table(
        &mut self,
        instance: InstanceHandle,
        table: crate::TableHandle,
    ) -> Result<(), Error> {
        let record = self.table(table)?.record();
        self.instance_mut(instance)?.add_table(table, record);
        Ok(())
    }

    fn make_globals(&mut self, instance: InstanceHandle, wasm: &Module) -> Result<(), Error> {
        for (defined, init) in wasm.global_inits.iter().enumerate() {
            let index = GlobalIndex(wasm.imported_globals + defined as u32);
            let value = self.evaluate(instance, init)?;
            let shared = self.instance(instance)?.inline_global(index).is_none();
            if shared {
                let global = self.new_global(wasm.globals[index.index()], value);
                let record = self.global(global)?.record();
                self.instance_mut(instance)?.add_shared_global((index, global), record);
            } else {
                self.instance_mut(instance)?.set_inline_global(index, value);
            }
        }
        Ok(())
    }

    fn make_tables(&mut self, instance: InstanceHandle, wasm: &Module) -> Result<(), Error> {
        for (defined, init) in wasm.table_inits.iter().enumerate() {
            let ty = wasm.tables[wasm.imported_tables as usize + defined];
            let element = match init {
                Some(init) => self.evaluate_element(instance, ty.element, init)?,
                None => null_element(ty.element),
            };
            let table = self.new_table_of(ty, element)?;
            self.add_table(instance, table)?;
        }
        Ok(())
    }

    fn apply_elements(&mut self, instance: InstanceHandle, wasm: &Module) -> Result<(), Error> {
        for (index, segment) in wasm.elements.iter().enumerate() {
            let index = ElementIndex(index as u32);
            match &segment.mode {
                ElementMode::Active { table, offset } => {
                    let offset = self.evaluate(instance, offset)?.to_u32();
                    let length = segment.items.len() as u32;
                    if !self.init_table((instance, *table, offset), (index, 0), length)? {
                        return Err(Trap::new(TrapKind::TableOutOfBounds).into());
                    }
                    self.instance_mut(instance)?.drop_elements(index);
                }
                ElementMode::Declared => self.instance_mut(instance)?.drop_elements(index),
                ElementMode::Passive => {}
            }
        }
        Ok(())
    }

    fn apply_data(&mut self, instance: InstanceHandle, wasm: &Module) -> Result<(), Error> {
        for (index, segment) in wasm.data.iter().enumerate() {
            let DataMode::Active { memory, offset } = &segment.mode else { continue };
            let index = DataIndex(index as u32);
            let offset = self.evaluate(instance, offset)?.to_u32();
            let memory = self.instance(instance)?.memories[memory.index()];
            let data = wasm.data(index);
            let memory = self.memory_mut(memory)?;
            let Some(range) = memory.range(offset, data.len() as u32) else {
                return Err(Trap::new(TrapKind::MemoryOutOfBounds).into());
            };
            memory.bytes_mut()[range].copy_from_slice(data);
            self.instance_mut(instance)?.drop_data(index);
        }
        Ok(())
    }

    /// Whether the ranges of a `table.init` are inside.
    pub(crate) fn can_init_table(
        &self,
        (instance, table, start): (InstanceHandle, TableIndex, u32),
        (segment, source_start): (ElementIndex, u32),
        length: u32,
    ) -> Result<bool, Error> {
        let object = self.instance(instance)?;
        let items = match object.has_elements(segment) {
            true => object.module().module().element(segment).items.len(),
            false => 0,
        };
        Ok(source_start as usize + length as usize <= items
            && self.table(object.tables[table.index()])?.covers(start, length))
    }

    /// `table.init`. False, with nothing changed, if a range is not inside.
    pub(crate) fn init_table(
        &mut self,
        target: (InstanceHandle, TableIndex, u32),
        source: (ElementIndex, u32),
        length: u32,
    ) -> Result<bool, Error> {
        if !self.can_init_table(target, source, length)? {
            return Ok(false);
        }
        let ((instance, table, start), (segment, source_start)) = (target, source);
        let object = self.instance(instance)?;
        let module = Arc::clone(object.module());
        let table = object.tables[table.index()];
        let source = source_start as usize..source_start as usize + length as usize;
        let segment = module.module().element(segment);
        for (target, source) in (start..).zip(source) {
            let element = match &segment.items {
                ElementItems::Functions(functions) => {
                    Element::Function(self.segment_entry(instance, functions[source])?)
                }
                ElementItems::Expressions(expressions) => {
                    self.evaluate_element(instance, segment.ty, &expressions[source])?
                }
            };
            if !self.table_mut(table)?.set(target, element) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The entry for a function of an instance, with its reference if there is one already.
    fn segment_entry(
        &self,
        instance: InstanceHandle,
        function: FuncIndex,
    ) -> Result<TableEntry, Error> {
        let object = self.instance(instance)?;
        let mut entry = object.table_entry(function);
        if let Some(known) = object.known_function(function) {
            entry.reference = self.function(known)?.record();
        }
        Ok(entry)
    }

    fn evaluate_element(
        &mut self,
        instance: InstanceHandle,
        ty: ValType,
        init: &ConstExpr,
    ) -> Result<Element, Error> {
        let value = self.evaluate(instance, init)?;
        Ok(self.element_of(ty, value))
    }

    /// The element of a table for a raw reference, which is one of this store.
    pub(crate) fn element_of(&self, ty: ValType, value: Value) -> Element {
        if ty != ValType::FuncRef {
            return Element::Extern(value.to_u32());
        }
        match self.function_of_raw(value).and_then(|function| self.functions.get(function)) {
            Some(function) => Element::Function(entry_for(function.record())),
            None => Element::Function(NULL_ENTRY),
        }
    }

    fn check_imports(&self, module: &CompiledModule, imports: &[ExternItem]) -> Result<(), Error> {
        let wasm = module.module();
        assert_eq!(wasm.imports.len(), imports.len(), "one item for each import");
        for (import, &item) in wasm.imports.iter().zip(imports) {
            let matches = match (import.entity, item) {
                (Entity::Func(index), ExternItem::Func(function)) => {
                    self.function_matches(module, index, function)?
                }
                (Entity::Table(index), ExternItem::Table(table)) => {
                    table_matches(wasm.tables[index.index()], self.table_type(table)?)
                }
                (Entity::Memory(index), ExternItem::Memory(memory)) => {
                    memory_matches(wasm.memories[index.index()], self.memory_type(memory)?)
                }
                (Entity::Global(index), ExternItem::Global(global)) => {
                    wasm.globals[index.index()] == self.global(global)?.ty()
                }
                _ => false,
            };
            if !matches {
                return Err(self.import_mismatch(wasm, import, item)?);
            }
        }
        Ok(())
    }

    fn function_matches(
        &self,
        module: &CompiledModule,
        index: FuncIndex,
        function: FunctionHandle,
    ) -> Result<bool, Error> {
        let wanted = &module.types()[module.module().functions[index.index()].index()];
        Ok(wanted.id() == self.function(function)?.ty().id())
    }

    #[cold]
    fn import_mismatch(
        &self,
        wasm: &Module,
        import: &Import,
        item: ExternItem,
    ) -> Result<Error, Error> {
        Ok(ErrorKind::ImportType {
            module: import.module.clone(),
            name: import.name.clone(),
            expected: wasm.entity_type(import.entity),
            found: self.item_type(item)?,
        }
        .into())
    }

    /// The type of an item, with its present size as the minimum.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn item_type(&self, item: ExternItem) -> Result<ExternType, Error> {
        Ok(match item {
            ExternItem::Func(function) => {
                ExternType::Func(self.function(function)?.ty().ty().clone())
            }
            ExternItem::Table(table) => ExternType::Table(self.table_type(table)?),
            ExternItem::Memory(memory) => ExternType::Memory(self.memory_type(memory)?),
            ExternItem::Global(global) => ExternType::Global(self.global(global)?.ty()),
        })
    }

    fn table_type(&self, table: crate::TableHandle) -> Result<TableType, Error> {
        let object = self.table(table)?;
        Ok(TableType { minimum: object.len() as u32, ..object.ty() })
    }

    fn memory_type(&self, memory: crate::MemoryHandle) -> Result<MemoryType, Error> {
        let object = self.memory(memory)?;
        Ok(MemoryType { minimum: object.pages(), ..object.ty() })
    }
}

fn table_matches(wanted: TableType, found: TableType) -> bool {
    wanted.element == found.element
        && limits_match((wanted.minimum, wanted.maximum), (found.minimum, found.maximum))
}

fn memory_matches(wanted: MemoryType, found: MemoryType) -> bool {
    limits_match((wanted.minimum, wanted.maximum), (found.minimum, found.maximum))
}

fn limits_match(wanted: (u32, Option<u32>), found: (u32, Option<u32>)) -> bool {
    wanted.0 <= found.0
        && wanted.1.is_none_or(|most| found.1.is_some_and(|maximum| maximum <= most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_match_as_the_specification_says() {
        let table = [
            ((1, None), (1, None), true),
            ((1, None), (2, Some(3)), true),
            ((2, None), (1, None), false),
            ((1, Some(3)), (1, None), false),
            ((1, Some(3)), (1, Some(3)), true),
            ((1, Some(3)), (1, Some(4)), false),
        ];
        for (wanted, found, expected) in table {
            assert_eq!(limits_match(wanted, found), expected, "{wanted:?} {found:?}");
        }
    }
}
