//! Tables and references.
//!
//! Elements of `externref` tables are 32-bit handles, read and written in place. Elements of
//! `funcref` tables are made for calls, so the runtime translates between them and references.

use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};
use tierup_abi::{Builtin, TableRecord, TrapKind};
use tierup_wasm::{ElementIndex, FuncIndex, TableIndex, ValType};
use wasmparser::HeapType;

use super::{Translated, Translator, environment::Region};

/// log2 of the size of an element of an `externref` table.
const HANDLE_SHIFT: i64 = 2;

impl Translator<'_> {
    pub(super) fn visit_ref_null(&mut self, ty: HeapType) -> Translated {
        let ty = ValType::from_heap_type(ty);
        let ty = ty.ok_or_else(|| self.unsupported("the type of the null reference"))?;
        // Null refers to nothing, so no stack map needs to list it.
        let null = self.zero(ty);
        self.push(null);
        Ok(())
    }

    pub(super) fn visit_ref_is_null(&mut self) -> Translated {
        let reference = self.pop()?;
        if !self.builder.func.dfg.value_type(reference).is_int() {
            return Err(self.invalid("an operand is not a reference"));
        }
        self.push_is_zero(reference);
        Ok(())
    }

    pub(super) fn visit_ref_func(&mut self, function: u32) -> Translated {
        if FuncIndex(function).index() >= self.environment.module.functions.len() {
            return Err(self.invalid("an unknown function"));
        }
        let number = self.number(function);
        let reference = self.call_builtin_for_value(Builtin::RefFunc, &[number])?;
        self.push_new(ValType::FuncRef, reference);
        Ok(())
    }

    pub(super) fn visit_table_get(&mut self, table: u32) -> Translated {
        let ty = self.element_type(table)?;
        let index = self.pop_i32()?;
        let element = if ty == ValType::ExternRef {
            let element = self.handle_address(table, index);
            self.region_load(types::I32, Region::Elements, element, 0)
        } else {
            let table = self.number(table);
            self.call_builtin_for_value(Builtin::TableGet, &[table, index])?
        };
        self.push_new(ty, element);
        Ok(())
    }

    pub(super) fn visit_table_set(&mut self, table: u32) -> Translated {
        let ty = self.element_type(table)?;
        let value = self.pop_value(ty)?;
        let index = self.pop_i32()?;
        if ty == ValType::ExternRef {
            let element = self.handle_address(table, index);
            self.builder.ins().store(Region::Elements.flags(), value, element, 0);
            return Ok(());
        }
        let table = self.number(table);
        self.call_builtin(Builtin::TableSet, &[table, index, value])?;
        Ok(())
    }

    pub(super) fn visit_table_size(&mut self, table: u32) -> Translated {
        self.element_type(table)?;
        let length = self.table_length(TableIndex(table));
        let length = self.builder.ins().ireduce(types::I32, length);
        self.push(length);
        Ok(())
    }

    pub(super) fn visit_table_grow(&mut self, table: u32) -> Translated {
        let ty = self.element_type(table)?;
        let delta = self.pop_i32()?;
        let value = self.pop_reference(ty)?;
        let table = self.number(table);
        let previous = self.call_builtin_for_value(Builtin::TableGrow, &[table, value, delta])?;
        self.push(previous);
        Ok(())
    }

    pub(super) fn visit_table_fill(&mut self, table: u32) -> Translated {
        let ty = self.element_type(table)?;
        let length = self.pop_i32()?;
        let value = self.pop_reference(ty)?;
        let offset = self.pop_i32()?;
        let table = self.number(table);
        self.call_builtin(Builtin::TableFill, &[table, offset, value, length])?;
        Ok(())
    }

    pub(super) fn visit_table_copy(&mut self, target: u32, source: u32) -> Translated {
        self.element_type(target)?;
        self.element_type(source)?;
        self.copying_builtin(Builtin::TableCopy, target, source)
    }

    pub(super) fn visit_table_init(&mut self, segment: u32, table: u32) -> Translated {
        self.element_type(table)?;
        self.element_segment(segment)?;
        self.copying_builtin(Builtin::TableInit, table, segment)
    }

    pub(super) fn visit_elem_drop(&mut self, segment: u32) -> Translated {
        self.element_segment(segment)?;
        let segment = self.number(segment);
        self.call_builtin(Builtin::ElemDrop, &[segment])?;
        Ok(())
    }

    /// The constant address of a table's record.
    pub(super) fn table_record(&mut self, table: TableIndex) -> Value {
        self.instance_pointer(self.environment.layout.table(table))
    }

    /// Traps with `kind` unless the table has an element of that index. Gives the address of its
    /// elements.
    pub(super) fn checked_elements(
        &mut self,
        table: TableIndex,
        index: Value,
        kind: TrapKind,
    ) -> Value {
        let length = self.table_length(table);
        let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, length);
        self.trap_if(outside, kind);
        let record = self.table_record(table);
        self.region_load(types::I64, Region::TableRecords, record, TableRecord::ELEMENTS)
    }

    /// Type of a table's elements.
    pub(super) fn element_type(&self, table: u32) -> Translated<ValType> {
        let ty = self.environment.module.tables.get(TableIndex(table).index());
        ty.map(|ty| ty.element).ok_or_else(|| self.invalid("an unknown table"))
    }

    fn table_length(&mut self, table: TableIndex) -> Value {
        let record = self.table_record(table);
        self.region_load(types::I64, Region::TableRecords, record, TableRecord::LENGTH)
    }

    /// The address of an element of an `externref` table.
    fn handle_address(&mut self, table: u32, index: Value) -> Value {
        let index = self.extend_index(index);
        let kind = TrapKind::TableOutOfBounds;
        let elements = self.checked_elements(TableIndex(table), index, kind);
        let offset = self.builder.ins().ishl_imm_u(index, HANDLE_SHIFT);
        self.builder.ins().iadd(elements, offset)
    }

    /// Pops a reference as the 64 bits that builtins take.
    fn pop_reference(&mut self, ty: ValType) -> Translated<Value> {
        let reference = self.pop_value(ty)?;
        Ok(match ty {
            ValType::ExternRef => self.extend_index(reference),
            _ => reference,
        })
    }

    fn element_segment(&self, segment: u32) -> Translated {
        if ElementIndex(segment).index() < self.environment.module.elements.len() {
            return Ok(());
        }
        Err(self.invalid("an unknown element segment"))
    }
}
