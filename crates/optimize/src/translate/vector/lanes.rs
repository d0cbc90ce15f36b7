//! Single lanes: splat, extract, replace, shuffle.

use cranelift_codegen::ir::{InstBuilder, Type, types};

use crate::translate::{Translated, Translator};

/// Lanes of a scalar type of the operand stack.
macro_rules! whole_lanes {
    ($($splat:ident $extract:ident $replace:ident: $lanes:ident, $scalar:ident;)*) => {$(
        pub(in crate::translate) fn $splat(&mut self) -> Translated {
            let lane = self.pop_scalar(types::$scalar)?;
            let value = self.builder.ins().splat(types::$lanes, lane);
            self.push(value);
            Ok(())
        }

        pub(in crate::translate) fn $extract(&mut self, lane: u8) -> Translated {
            self.check_lane(types::$lanes, lane)?;
            let operand = self.pop_vector(types::$lanes)?;
            let value = self.builder.ins().extractlane(operand, lane);
            self.push(value);
            Ok(())
        }

        pub(in crate::translate) fn $replace(&mut self, lane: u8) -> Translated {
            self.check_lane(types::$lanes, lane)?;
            let with = self.pop_scalar(types::$scalar)?;
            let operand = self.pop_vector(types::$lanes)?;
            let value = self.builder.ins().insertlane(operand, with, lane);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Lanes below 32 bits, which are `i32`s on the operand stack.
macro_rules! narrow_lanes {
    ($($splat:ident $replace:ident: $lanes:ident, $scalar:ident;)*) => {$(
        pub(in crate::translate) fn $splat(&mut self) -> Translated {
            let lane = self.pop_i32()?;
            let lane = self.builder.ins().ireduce(types::$scalar, lane);
            let value = self.builder.ins().splat(types::$lanes, lane);
            self.push(value);
            Ok(())
        }

        pub(in crate::translate) fn $replace(&mut self, lane: u8) -> Translated {
            self.check_lane(types::$lanes, lane)?;
            let with = self.pop_i32()?;
            let with = self.builder.ins().ireduce(types::$scalar, with);
            let operand = self.pop_vector(types::$lanes)?;
            let value = self.builder.ins().insertlane(operand, with, lane);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Extracting lanes below 32 bits, with their sign or without.
macro_rules! extend_lane {
    ($($extract:ident: $lanes:ident, $extend:ident;)*) => {$(
        pub(in crate::translate) fn $extract(&mut self, lane: u8) -> Translated {
            self.check_lane(types::$lanes, lane)?;
            let operand = self.pop_vector(types::$lanes)?;
            let value = self.builder.ins().extractlane(operand, lane);
            let value = self.builder.ins().$extend(types::I32, value);
            self.push(value);
            Ok(())
        }
    )*};
}

impl Translator<'_> {
    whole_lanes! {
        visit_i32x4_splat visit_i32x4_extract_lane visit_i32x4_replace_lane: I32X4, I32;
        visit_i64x2_splat visit_i64x2_extract_lane visit_i64x2_replace_lane: I64X2, I64;
        visit_f32x4_splat visit_f32x4_extract_lane visit_f32x4_replace_lane: F32X4, F32;
        visit_f64x2_splat visit_f64x2_extract_lane visit_f64x2_replace_lane: F64X2, F64;
    }

    narrow_lanes! {
        visit_i8x16_splat visit_i8x16_replace_lane: I8X16, I8;
        visit_i16x8_splat visit_i16x8_replace_lane: I16X8, I16;
    }

    extend_lane! {
        visit_i8x16_extract_lane_s: I8X16, sextend;
        visit_i8x16_extract_lane_u: I8X16, uextend;
        visit_i16x8_extract_lane_s: I16X8, sextend;
        visit_i16x8_extract_lane_u: I16X8, uextend;
    }

    pub(in crate::translate) fn visit_i8x16_shuffle(&mut self, lanes: [u8; 16]) -> Translated {
        if lanes.iter().any(|&lane| lane >= 32) {
            return Err(self.invalid("an unknown lane"));
        }
        let (left, right) = self.pop_vectors(types::I8X16)?;
        let lanes = self.builder.func.dfg.immediates.push(lanes.as_slice().into());
        let value = self.builder.ins().shuffle(left, right, lanes);
        self.push(value);
        Ok(())
    }

    pub(in crate::translate) fn visit_i8x16_swizzle(&mut self) -> Translated {
        let (operand, indices) = self.pop_vectors(types::I8X16)?;
        let value = self.builder.ins().swizzle(operand, indices);
        self.push(value);
        Ok(())
    }

    /// The lane of that number must exist.
    pub(super) fn check_lane(&self, lanes: Type, lane: u8) -> Translated {
        if u32::from(lane) < lanes.lane_count() {
            return Ok(());
        }
        Err(self.invalid("an unknown lane"))
    }
}
