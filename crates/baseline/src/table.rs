//! Tables and references.
//!
//! Elements of `externref` tables are 32-bit handles, read and written in place. Elements of
//! `funcref` tables are made for calls, so the runtime translates between them and references.

use tierup_abi::{Builtin, TableRecord, TrapKind};
use tierup_asm::{Address, Operand, Operation, R10, R11, Width};
use tierup_wasm::{ElementIndex, FuncIndex, TableIndex, ValType};
use wasmparser::HeapType;

use crate::{
    builtin::number,
    generator::{Generated, Generator, INSTANCE},
    stack::Place,
};

/// log2 of the size of an element of an `externref` table.
const HANDLE_SHIFT: u8 = 2;

impl Generator<'_> {
    pub(crate) fn visit_ref_null(&mut self, ty: HeapType) -> Generated {
        let ty = ValType::from_heap_type(ty);
        let ty = ty.ok_or_else(|| self.unsupported("the type of the null reference"))?;
        self.push(ty, Place::Constant(0));
        Ok(())
    }

    pub(crate) fn visit_ref_is_null(&mut self) -> Generated {
        self.push_is_zero()
    }

    pub(crate) fn visit_ref_func(&mut self, function: u32) -> Generated {
        if FuncIndex(function).index() >= self.environment.module.functions.len() {
            return Err(self.invalid("an unknown function"));
        }
        self.call_builtin(Builtin::RefFunc, &[number(function)], Some(ValType::FuncRef))
    }

    pub(crate) fn visit_table_get(&mut self, table: u32) -> Generated {
        let ty = self.element_type(table)?;
        let index = self.pop_value()?;
        if ty != ValType::ExternRef {
            return self.call_builtin(Builtin::TableGet, &[number(table), index], Some(ty));
        }
        self.load(index.0, R10, index.1);
        self.free(index.1);
        let target = self.new_gpr();
        let element = self.handle_operand(table);
        self.asm.operate(Operation::LOAD, Width::W32, target, element);
        self.push_gpr(ty, target);
        Ok(())
    }

    pub(crate) fn visit_table_set(&mut self, table: u32) -> Generated {
        let ty = self.element_type(table)?;
        let value = self.pop_value()?;
        let index = self.pop_value()?;
        if ty != ValType::ExternRef {
            return self.call_builtin(Builtin::TableSet, &[number(table), index, value], None);
        }
        let source = self.readable_gpr(ty, value.1);
        self.load(index.0, R10, index.1);
        self.free(index.1);
        let element = self.handle_operand(table);
        self.asm.operate(Operation::STORE, Width::W32, source, element);
        self.registers.free_gpr(source);
        Ok(())
    }

    pub(crate) fn visit_table_size(&mut self, table: u32) -> Generated {
        self.element_type(table)?;
        let target = self.new_gpr();
        let record = self.environment.layout.table(TableIndex(table));
        self.asm.load(Width::W64, R11, Address::new(INSTANCE, record));
        self.asm.load(Width::W32, target, Address::new(R11, TableRecord::LENGTH));
        self.push_gpr(ValType::I32, target);
        Ok(())
    }

    pub(crate) fn visit_table_grow(&mut self, table: u32) -> Generated {
        self.element_type(table)?;
        let delta = self.pop_value()?;
        let value = self.pop_value()?;
        let arguments = [number(table), value, delta];
        self.call_builtin(Builtin::TableGrow, &arguments, Some(ValType::I32))
    }

    pub(crate) fn visit_table_fill(&mut self, table: u32) -> Generated {
        self.element_type(table)?;
        let length = self.pop_value()?;
        let value = self.pop_value()?;
        let offset = self.pop_value()?;
        let arguments = [number(table), offset, value, length];
        self.call_builtin(Builtin::TableFill, &arguments, None)
    }

    pub(crate) fn visit_table_copy(&mut self, target: u32, source: u32) -> Generated {
        self.element_type(target)?;
        self.element_type(source)?;
        self.copying_builtin(Builtin::TableCopy, target, source)
    }

    pub(crate) fn visit_table_init(&mut self, segment: u32, table: u32) -> Generated {
        self.element_type(table)?;
        self.element_segment(segment)?;
        self.copying_builtin(Builtin::TableInit, table, segment)
    }

    pub(crate) fn visit_elem_drop(&mut self, segment: u32) -> Generated {
        self.element_segment(segment)?;
        self.call_builtin(Builtin::ElemDrop, &[number(segment)], None)
    }

    /// Type of a table's elements.
    pub(crate) fn element_type(&self, table: u32) -> Generated<ValType> {
        let ty = self.environment.module.tables.get(TableIndex(table).index());
        ty.map(|ty| ty.element).ok_or_else(|| self.invalid("an unknown table"))
    }

    /// The element of an `externref` table whose index is in r10. Uses r11.
    fn handle_operand(&mut self, table: u32) -> Operand {
        self.check_element(TableIndex(table), TrapKind::TableOutOfBounds);
        self.asm.load(Width::W64, R11, Address::new(R11, TableRecord::ELEMENTS));
        Operand::Memory { base: R11, index: Some((R10, HANDLE_SHIFT)), offset: 0 }
    }

    fn element_segment(&self, segment: u32) -> Generated {
        if ElementIndex(segment).index() < self.environment.module.elements.len() {
            return Ok(());
        }
        Err(self.invalid("an unknown element segment"))
    }
}
