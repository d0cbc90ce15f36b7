//! Loads and stores of vectors and lanes.

use cranelift_codegen::ir::{InstBuilder, types};
use wasmparser::MemArg;

use crate::translate::{Translated, Translator, address::Address, environment::memory_flags};

/// Loads of 8 bytes whose lanes are extended.
macro_rules! extending_load {
    ($($visit:ident: $instruction:ident;)*) => {$(
        pub(in crate::translate) fn $visit(&mut self, access: MemArg) -> Translated {
            let Address { base, offset } = self.pop_address(&access, 8)?;
            let value = self.builder.ins().$instruction(memory_flags(), base, offset);
            self.push(value);
            Ok(())
        }
    )*};
}

/// What is made of one lane in memory.
macro_rules! lane {
    ($($splat:ident $load:ident $store:ident: $lanes:ident, $scalar:ident;)*) => {$(
        pub(in crate::translate) fn $splat(&mut self, access: MemArg) -> Translated {
            let size = types::$scalar.bytes().into();
            let Address { base, offset } = self.pop_address(&access, size)?;
            let lane = self.builder.ins().load(types::$scalar, memory_flags(), base, offset);
            let value = self.builder.ins().splat(types::$lanes, lane);
            self.push(value);
            Ok(())
        }

        pub(in crate::translate) fn $load(&mut self, access: MemArg, lane: u8) -> Translated {
            self.check_lane(types::$lanes, lane)?;
            let vector = self.pop_vector(types::$lanes)?;
            let size = types::$scalar.bytes().into();
            let Address { base, offset } = self.pop_address(&access, size)?;
            let with = self.builder.ins().load(types::$scalar, memory_flags(), base, offset);
            let value = self.builder.ins().insertlane(vector, with, lane);
            self.push(value);
            Ok(())
        }

        pub(in crate::translate) fn $store(&mut self, access: MemArg, lane: u8) -> Translated {
            self.check_lane(types::$lanes, lane)?;
            let vector = self.pop_vector(types::$lanes)?;
            let size = types::$scalar.bytes().into();
            let Address { base, offset } = self.pop_address(&access, size)?;
            let value = self.builder.ins().extractlane(vector, lane);
            self.builder.ins().store(memory_flags(), value, base, offset);
            Ok(())
        }
    )*};
}

/// Loads of the lowest lane, the others being 0.
macro_rules! zero_extending_load {
    ($($visit:ident: $lanes:ident, $scalar:ident;)*) => {$(
        pub(in crate::translate) fn $visit(&mut self, access: MemArg) -> Translated {
            let size = types::$scalar.bytes().into();
            let Address { base, offset } = self.pop_address(&access, size)?;
            let lane = self.builder.ins().load(types::$scalar, memory_flags(), base, offset);
            let value = self.builder.ins().scalar_to_vector(types::$lanes, lane);
            self.push(value);
            Ok(())
        }
    )*};
}

impl Translator<'_> {
    pub(in crate::translate) fn visit_v128_load(&mut self, access: MemArg) -> Translated {
        let Address { base, offset } = self.pop_address(&access, 16)?;
        let value = self.builder.ins().load(types::I8X16, memory_flags(), base, offset);
        self.push(value);
        Ok(())
    }

    pub(in crate::translate) fn visit_v128_store(&mut self, access: MemArg) -> Translated {
        let value = self.pop_vector(types::I8X16)?;
        let Address { base, offset } = self.pop_address(&access, 16)?;
        self.builder.ins().store(memory_flags(), value, base, offset);
        Ok(())
    }

    extending_load! {
        visit_v128_load8x8_s: sload8x8;
        visit_v128_load8x8_u: uload8x8;
        visit_v128_load16x4_s: sload16x4;
        visit_v128_load16x4_u: uload16x4;
        visit_v128_load32x2_s: sload32x2;
        visit_v128_load32x2_u: uload32x2;
    }

    lane! {
        visit_v128_load8_splat visit_v128_load8_lane visit_v128_store8_lane: I8X16, I8;
        visit_v128_load16_splat visit_v128_load16_lane visit_v128_store16_lane: I16X8, I16;
        visit_v128_load32_splat visit_v128_load32_lane visit_v128_store32_lane: I32X4, I32;
        visit_v128_load64_splat visit_v128_load64_lane visit_v128_store64_lane: I64X2, I64;
    }

    zero_extending_load! {
        visit_v128_load32_zero: I32X4, I32;
        visit_v128_load64_zero: I64X2, I64;
    }
}
