//! Loads, stores, and whole-memory operators.

use tierup_abi::Builtin;
use tierup_asm::{Operation, Shift, Width};
use tierup_wasm::{DataIndex, ValType};
use wasmparser::MemArg;

use crate::{
    address::Index,
    builtin::number,
    destination::Immediates,
    generator::{Generated, Generator},
    numeric::small_constant,
    registers::holds_operands,
    stack::{Value, load_operation, store_operation, uses_xmm},
};

/// log2 of the size of a page.
const PAGE_SHIFT: u8 = 16;

macro_rules! load {
    ($($visit:ident: $ty:ident, $size:literal, $width:ident, $operation:ident;)*) => {$(
        pub(crate) fn $visit(&mut self, access: MemArg) -> Generated {
            let operation = (Operation::$operation, Width::$width);
            self.load_integer(&access, ValType::$ty, $size, operation)
        }
    )*};
}

macro_rules! access {
    ($($visit:ident: $method:ident($($argument:expr),*);)*) => {$(
        pub(crate) fn $visit(&mut self, access: MemArg) -> Generated {
            self.$method(&access, $($argument),*)
        }
    )*};
}

impl Generator<'_> {
    load! {
        visit_i32_load: I32, 4, W32, LOAD;
        visit_i64_load: I64, 8, W64, LOAD;
        visit_i32_load8_s: I32, 1, W32, LOAD8_SIGN;
        visit_i32_load8_u: I32, 1, W32, LOAD8_ZERO;
        visit_i32_load16_s: I32, 2, W32, LOAD16_SIGN;
        visit_i32_load16_u: I32, 2, W32, LOAD16_ZERO;
        visit_i64_load8_s: I64, 1, W64, LOAD8_SIGN;
        visit_i64_load8_u: I64, 1, W32, LOAD8_ZERO;
        visit_i64_load16_s: I64, 2, W64, LOAD16_SIGN;
        visit_i64_load16_u: I64, 2, W32, LOAD16_ZERO;
        visit_i64_load32_s: I64, 4, W64, LOAD32_SIGN;
        visit_i64_load32_u: I64, 4, W32, LOAD;
    }

    access! {
        visit_f32_load: load_to_xmm(ValType::F32);
        visit_f64_load: load_to_xmm(ValType::F64);
        visit_v128_load: load_to_xmm(ValType::V128);
        visit_i32_store: store_value(4);
        visit_i64_store: store_value(8);
        visit_f32_store: store_value(4);
        visit_f64_store: store_value(8);
        visit_v128_store: store_value(16);
        visit_i32_store8: store_value(1);
        visit_i32_store16: store_value(2);
        visit_i64_store8: store_value(1);
        visit_i64_store16: store_value(2);
        visit_i64_store32: store_value(4);
    }

    fn load_integer(
        &mut self,
        access: &MemArg,
        ty: ValType,
        size: u64,
        (operation, width): (Operation, Width),
    ) -> Generated {
        let index = self.pop_index(access)?;
        let destination = self.destination(Immediates::Access);
        let target = match (&destination, index) {
            (Some(destination), _) => {
                self.prepare(destination);
                destination.register
            }
            (None, Index::Register(register)) if holds_operands(register) => register,
            _ => self.new_gpr(),
        };
        let operand = self.address(access, index, size)?;
        self.asm.operate(operation, width, target, operand);
        if destination.is_some() {
            self.free_index(index);
        }
        self.push_result(ty, target, destination);
        Ok(())
    }

    fn load_to_xmm(&mut self, access: &MemArg, ty: ValType) -> Generated {
        let index = self.pop_index(access)?;
        let destination =
            self.float_destination(Immediates::Access).filter(|_| ty != ValType::V128);
        let target = match &destination {
            Some(destination) => {
                self.prepare(destination);
                destination.register
            }
            None => self.new_xmm(),
        };
        let size = match ty {
            ValType::F32 => 4,
            ValType::V128 => 16,
            _ => 8,
        };
        let operand = self.address(access, index, size)?;
        self.asm.operate(load_operation(ty), Width::W32, target, operand);
        self.free_index(index);
        self.push_float_result(ty, target, destination);
        Ok(())
    }

    /// Stores the lowest `size` bytes of a value.
    fn store_value(&mut self, access: &MemArg, size: u8) -> Generated {
        let (ty, value) = self.pop_value()?;
        // Narrow stores take any constant: only its low bytes matter.
        let constant = match value {
            Value::Constant(bits) if size < 8 => Some(bits as i32),
            _ => small_constant(ty, value),
        };
        if let Some(constant) = constant {
            let index = self.pop_index(access)?;
            let operand = self.address(access, index, size.into())?;
            self.asm.store_constant(size, operand, constant);
            self.free_index(index);
            return Ok(());
        }
        if uses_xmm(ty) {
            let source = self.readable_xmm(ty, value);
            let index = self.pop_index(access)?;
            let operand = self.address(access, index, size.into())?;
            self.asm.operate(store_operation(ty), Width::W32, source, operand);
            self.registers.free_xmm(source);
            self.free_index(index);
            return Ok(());
        }
        let source = self.readable_gpr(ty, value);
        let index = self.pop_index(access)?;
        let operand = self.address(access, index, size.into())?;
        let (operation, width) = match size {
            1 => (Operation::STORE8, Width::W32),
            2 => (Operation::STORE16, Width::W32),
            4 => (Operation::STORE, Width::W32),
            _ => (Operation::STORE, Width::W64),
        };
        self.asm.operate(operation, width, source, operand);
        self.registers.free_gpr(source);
        self.free_index(index);
        Ok(())
    }

    pub(crate) fn visit_memory_size(&mut self, memory: u32) -> Generated {
        let memory = self.memory(memory)?;
        let target = self.new_gpr();
        self.load_memory_length(memory, target);
        self.asm.shift_immediate(Shift::RightZero, Width::W64, target, PAGE_SHIFT);
        self.push_gpr(ValType::I32, target);
        Ok(())
    }

    pub(crate) fn visit_memory_grow(&mut self, memory: u32) -> Generated {
        self.memory(memory)?;
        let delta = self.pop_value()?;
        let arguments = [number(memory), delta];
        self.call_builtin(Builtin::MemoryGrow, &arguments, Some(ValType::I32))
    }

    pub(crate) fn visit_memory_copy(&mut self, target: u32, source: u32) -> Generated {
        self.memory(target)?;
        self.memory(source)?;
        self.copying_builtin(Builtin::MemoryCopy, target, source)
    }

    pub(crate) fn visit_memory_fill(&mut self, memory: u32) -> Generated {
        self.memory(memory)?;
        let length = self.pop_value()?;
        let value = self.pop_value()?;
        let offset = self.pop_value()?;
        let arguments = [number(memory), offset, value, length];
        self.call_builtin(Builtin::MemoryFill, &arguments, None)
    }

    pub(crate) fn visit_memory_init(&mut self, segment: u32, memory: u32) -> Generated {
        self.memory(memory)?;
        self.data_segment(segment)?;
        self.copying_builtin(Builtin::MemoryInit, memory, segment)
    }

    pub(crate) fn visit_data_drop(&mut self, segment: u32) -> Generated {
        self.data_segment(segment)?;
        self.call_builtin(Builtin::DataDrop, &[number(segment)], None)
    }

    fn data_segment(&self, segment: u32) -> Generated {
        if self.environment.module.has_data_segment(DataIndex(segment)) {
            return Ok(());
        }
        Err(self.invalid("an unknown data segment"))
    }
}
