//! Conversions between scalar types.
//!
//! One line for each operator: operand type, result type and instruction. Conversions that can
//! fail trap on their own, with Cranelift's codes for invalid conversions and overflow.

use cranelift_codegen::ir::{InstBuilder, types};

use super::{Translated, Translator, environment::cast_flags};

/// Operators with an operand of one type and a result of another.
macro_rules! convert {
    ($($visit:ident: $from:ident => $to:ident, $instruction:ident;)*) => {$(
        pub(super) fn $visit(&mut self) -> Translated {
            let operand = self.pop_scalar(types::$from)?;
            let value = self.builder.ins().$instruction(types::$to, operand);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Operators that see the same bits as another type.
macro_rules! reinterpret {
    ($($visit:ident: $from:ident => $to:ident;)*) => {$(
        pub(super) fn $visit(&mut self) -> Translated {
            let operand = self.pop_scalar(types::$from)?;
            let value = self.builder.ins().bitcast(types::$to, cast_flags(), operand);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Operators that extend the sign of a part of their operand.
macro_rules! extend_part {
    ($($visit:ident: $ty:ident, $part:ident;)*) => {$(
        pub(super) fn $visit(&mut self) -> Translated {
            let operand = self.pop_scalar(types::$ty)?;
            let part = self.builder.ins().ireduce(types::$part, operand);
            let value = self.builder.ins().sextend(types::$ty, part);
            self.push(value);
            Ok(())
        }
    )*};
}

impl Translator<'_> {
    convert! {
        visit_i32_wrap_i64: I64 => I32, ireduce;
        visit_i64_extend_i32_s: I32 => I64, sextend;
        visit_i64_extend_i32_u: I32 => I64, uextend;
        visit_i32_trunc_f32_s: F32 => I32, fcvt_to_sint;
        visit_i32_trunc_f32_u: F32 => I32, fcvt_to_uint;
        visit_i32_trunc_f64_s: F64 => I32, fcvt_to_sint;
        visit_i32_trunc_f64_u: F64 => I32, fcvt_to_uint;
        visit_i64_trunc_f32_s: F32 => I64, fcvt_to_sint;
        visit_i64_trunc_f32_u: F32 => I64, fcvt_to_uint;
        visit_i64_trunc_f64_s: F64 => I64, fcvt_to_sint;
        visit_i64_trunc_f64_u: F64 => I64, fcvt_to_uint;
        visit_i32_trunc_sat_f32_s: F32 => I32, fcvt_to_sint_sat;
        visit_i32_trunc_sat_f32_u: F32 => I32, fcvt_to_uint_sat;
        visit_i32_trunc_sat_f64_s: F64 => I32, fcvt_to_sint_sat;
        visit_i32_trunc_sat_f64_u: F64 => I32, fcvt_to_uint_sat;
        visit_i64_trunc_sat_f32_s: F32 => I64, fcvt_to_sint_sat;
        visit_i64_trunc_sat_f32_u: F32 => I64, fcvt_to_uint_sat;
        visit_i64_trunc_sat_f64_s: F64 => I64, fcvt_to_sint_sat;
        visit_i64_trunc_sat_f64_u: F64 => I64, fcvt_to_uint_sat;
        visit_f32_convert_i32_s: I32 => F32, fcvt_from_sint;
        visit_f32_convert_i32_u: I32 => F32, fcvt_from_uint;
        visit_f32_convert_i64_s: I64 => F32, fcvt_from_sint;
        visit_f32_convert_i64_u: I64 => F32, fcvt_from_uint;
        visit_f64_convert_i32_s: I32 => F64, fcvt_from_sint;
        visit_f64_convert_i32_u: I32 => F64, fcvt_from_uint;
        visit_f64_convert_i64_s: I64 => F64, fcvt_from_sint;
        visit_f64_convert_i64_u: I64 => F64, fcvt_from_uint;
        visit_f32_demote_f64: F64 => F32, fdemote;
        visit_f64_promote_f32: F32 => F64, fpromote;
    }

    reinterpret! {
        visit_i32_reinterpret_f32: F32 => I32;
        visit_i64_reinterpret_f64: F64 => I64;
        visit_f32_reinterpret_i32: I32 => F32;
        visit_f64_reinterpret_i64: I64 => F64;
    }

    extend_part! {
        visit_i32_extend8_s: I32, I8;
        visit_i32_extend16_s: I32, I16;
        visit_i64_extend8_s: I64, I8;
        visit_i64_extend16_s: I64, I16;
        visit_i64_extend32_s: I64, I32;
    }
}
