//! Loads, stores, and whole-memory operators.

use cranelift_codegen::ir::{InstBuilder, types};
use tierup_abi::Builtin;
use tierup_wasm::DataIndex;
use wasmparser::MemArg;

use super::{Translated, Translator, address::Address, environment::memory_flags};

/// log2 of the size of a page.
const PAGE_SHIFT: i64 = 16;

/// Loads of a whole value.
macro_rules! load {
    ($($visit:ident: $ty:ident;)*) => {$(
        pub(super) fn $visit(&mut self, access: MemArg) -> Translated {
            let Address { base, offset } = self.pop_address(&access, types::$ty.bytes().into())?;
            let value = self.builder.ins().load(types::$ty, memory_flags(), base, offset);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Loads that extend what they load.
macro_rules! extending_load {
    ($($visit:ident: $ty:ident, $size:literal, $instruction:ident;)*) => {$(
        pub(super) fn $visit(&mut self, access: MemArg) -> Translated {
            let Address { base, offset } = self.pop_address(&access, $size)?;
            let value = self.builder.ins().$instruction(types::$ty, memory_flags(), base, offset);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Loads of 32 bits that extend to 64, the only type there is.
macro_rules! wide_load {
    ($($visit:ident: $instruction:ident;)*) => {$(
        pub(super) fn $visit(&mut self, access: MemArg) -> Translated {
            let Address { base, offset } = self.pop_address(&access, 4)?;
            let value = self.builder.ins().$instruction(memory_flags(), base, offset);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Stores of a value or its low part.
macro_rules! store {
    ($($visit:ident: $ty:ident, $size:literal, $instruction:ident;)*) => {$(
        pub(super) fn $visit(&mut self, access: MemArg) -> Translated {
            let value = self.pop_scalar(types::$ty)?;
            let Address { base, offset } = self.pop_address(&access, $size)?;
            self.builder.ins().$instruction(memory_flags(), value, base, offset);
            Ok(())
        }
    )*};
}

impl Translator<'_> {
    load! {
        visit_i32_load: I32;
        visit_i64_load: I64;
        visit_f32_load: F32;
        visit_f64_load: F64;
    }

    extending_load! {
        visit_i32_load8_s: I32, 1, sload8;
        visit_i32_load8_u: I32, 1, uload8;
        visit_i32_load16_s: I32, 2, sload16;
        visit_i32_load16_u: I32, 2, uload16;
        visit_i64_load8_s: I64, 1, sload8;
        visit_i64_load8_u: I64, 1, uload8;
        visit_i64_load16_s: I64, 2, sload16;
        visit_i64_load16_u: I64, 2, uload16;
    }

    wide_load! {
        visit_i64_load32_s: sload32;
        visit_i64_load32_u: uload32;
    }

    store! {
        visit_i32_store: I32, 4, store;
        visit_i64_store: I64, 8, store;
        visit_f32_store: F32, 4, store;
        visit_f64_store: F64, 8, store;
        visit_i32_store8: I32, 1, istore8;
        visit_i32_store16: I32, 2, istore16;
        visit_i64_store8: I64, 1, istore8;
        visit_i64_store16: I64, 2, istore16;
        visit_i64_store32: I64, 4, istore32;
    }

    pub(super) fn visit_memory_size(&mut self, memory: u32) -> Translated {
        let memory = self.memory(memory)?;
        let length = self.memory_length(memory);
        let pages = self.builder.ins().ushr_imm_u(length, PAGE_SHIFT);
        let pages = self.builder.ins().ireduce(types::I32, pages);
        self.push(pages);
        Ok(())
    }

    pub(super) fn visit_memory_grow(&mut self, memory: u32) -> Translated {
        self.memory(memory)?;
        let delta = self.pop_i32()?;
        let memory = self.number(memory);
        let previous = self.call_builtin_for_value(Builtin::MemoryGrow, &[memory, delta])?;
        self.push(previous);
        Ok(())
    }

    pub(super) fn visit_memory_copy(&mut self, target: u32, source: u32) -> Translated {
        self.memory(target)?;
        self.memory(source)?;
        self.copying_builtin(Builtin::MemoryCopy, target, source)
    }

    pub(super) fn visit_memory_fill(&mut self, memory: u32) -> Translated {
        self.memory(memory)?;
        let length = self.pop_i32()?;
        let value = self.pop_i32()?;
        let offset = self.pop_i32()?;
        let memory = self.number(memory);
        self.call_builtin(Builtin::MemoryFill, &[memory, offset, value, length])?;
        Ok(())
    }

    pub(super) fn visit_memory_init(&mut self, segment: u32, memory: u32) -> Translated {
        self.memory(memory)?;
        self.data_segment(segment)?;
        self.copying_builtin(Builtin::MemoryInit, memory, segment)
    }

    pub(super) fn visit_data_drop(&mut self, segment: u32) -> Translated {
        self.data_segment(segment)?;
        let segment = self.number(segment);
        self.call_builtin(Builtin::DataDrop, &[segment])?;
        Ok(())
    }

    fn data_segment(&self, segment: u32) -> Translated {
        if self.environment.module.has_data_segment(DataIndex(segment)) {
            return Ok(());
        }
        Err(self.invalid("an unknown data segment"))
    }
}
