//! Constants, arithmetic and comparison of integers and floats.
//!
//! One line for each operator: its operand type and the instruction that does it. Division and
//! remainder trap on their own. Where WebAssembly and the IR differ (rounding of shift counts,
//! zero counts, minimum of zeros and NaNs), the IR was made to fit; nothing is added here.

use cranelift_codegen::ir::{
    InstBuilder, Type, Value,
    condcodes::{FloatCC, IntCC},
    immediates::{Ieee32, Ieee64},
    types,
};

use super::{Translated, Translator};
use crate::condition::Opposite;

/// Operators with one operand of a type, and a result of the same type.
macro_rules! unary {
    ($($visit:ident: $ty:ident, $instruction:ident;)*) => {$(
        pub(super) fn $visit(&mut self) -> Translated {
            let operand = self.pop_scalar(types::$ty)?;
            let value = self.builder.ins().$instruction(operand);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Operators with two operands of a type, and a result of the same type.
macro_rules! binary {
    ($($visit:ident: $ty:ident, $instruction:ident;)*) => {$(
        pub(super) fn $visit(&mut self) -> Translated {
            let (left, right) = self.pop_pair(types::$ty)?;
            let value = self.builder.ins().$instruction(left, right);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Comparisons of two operands of a type.
macro_rules! compare {
    ($($visit:ident: $ty:ident, $instruction:ident $condition:expr;)*) => {$(
        pub(super) fn $visit(&mut self) -> Translated {
            let (left, right) = self.pop_pair(types::$ty)?;
            let flag = self.builder.ins().$instruction($condition, left, right);
            self.push_flag(flag);
            Ok(())
        }
    )*};
}

impl Translator<'_> {
    pub(super) fn visit_i32_const(&mut self, value: i32) -> Translated {
        let value = self.builder.ins().iconst(types::I32, i64::from(value));
        self.push(value);
        Ok(())
    }

    pub(super) fn visit_i64_const(&mut self, value: i64) -> Translated {
        let value = self.builder.ins().iconst(types::I64, value);
        self.push(value);
        Ok(())
    }

    pub(super) fn visit_f32_const(&mut self, value: wasmparser::Ieee32) -> Translated {
        let value = self.builder.ins().f32const(Ieee32::with_bits(value.bits()));
        self.push(value);
        Ok(())
    }

    pub(super) fn visit_f64_const(&mut self, value: wasmparser::Ieee64) -> Translated {
        let value = self.builder.ins().f64const(Ieee64::with_bits(value.bits()));
        self.push(value);
        Ok(())
    }

    pub(super) fn visit_i32_eqz(&mut self) -> Translated {
        let operand = self.pop_scalar(types::I32)?;
        self.push_is_zero(operand);
        Ok(())
    }

    pub(super) fn visit_i64_eqz(&mut self) -> Translated {
        let operand = self.pop_scalar(types::I64)?;
        self.push_is_zero(operand);
        Ok(())
    }

    compare! {
        visit_i32_eq: I32, icmp IntCC::Equal;
        visit_i32_ne: I32, icmp IntCC::NotEqual;
        visit_i32_lt_s: I32, icmp IntCC::SignedLessThan;
        visit_i32_lt_u: I32, icmp IntCC::UnsignedLessThan;
        visit_i32_gt_s: I32, icmp IntCC::SignedGreaterThan;
        visit_i32_gt_u: I32, icmp IntCC::UnsignedGreaterThan;
        visit_i32_le_s: I32, icmp IntCC::SignedLessThanOrEqual;
        visit_i32_le_u: I32, icmp IntCC::UnsignedLessThanOrEqual;
        visit_i32_ge_s: I32, icmp IntCC::SignedGreaterThanOrEqual;
        visit_i32_ge_u: I32, icmp IntCC::UnsignedGreaterThanOrEqual;
        visit_i64_eq: I64, icmp IntCC::Equal;
        visit_i64_ne: I64, icmp IntCC::NotEqual;
        visit_i64_lt_s: I64, icmp IntCC::SignedLessThan;
        visit_i64_lt_u: I64, icmp IntCC::UnsignedLessThan;
        visit_i64_gt_s: I64, icmp IntCC::SignedGreaterThan;
        visit_i64_gt_u: I64, icmp IntCC::UnsignedGreaterThan;
        visit_i64_le_s: I64, icmp IntCC::SignedLessThanOrEqual;
        visit_i64_le_u: I64, icmp IntCC::UnsignedLessThanOrEqual;
        visit_i64_ge_s: I64, icmp IntCC::SignedGreaterThanOrEqual;
        visit_i64_ge_u: I64, icmp IntCC::UnsignedGreaterThanOrEqual;
        visit_f32_eq: F32, fcmp FloatCC::Equal;
        visit_f32_ne: F32, fcmp FloatCC::NotEqual;
        visit_f32_lt: F32, fcmp FloatCC::LessThan;
        visit_f32_gt: F32, fcmp FloatCC::GreaterThan;
        visit_f32_le: F32, fcmp FloatCC::LessThanOrEqual;
        visit_f32_ge: F32, fcmp FloatCC::GreaterThanOrEqual;
        visit_f64_eq: F64, fcmp FloatCC::Equal;
        visit_f64_ne: F64, fcmp FloatCC::NotEqual;
        visit_f64_lt: F64, fcmp FloatCC::LessThan;
        visit_f64_gt: F64, fcmp FloatCC::GreaterThan;
        visit_f64_le: F64, fcmp FloatCC::LessThanOrEqual;
        visit_f64_ge: F64, fcmp FloatCC::GreaterThanOrEqual;
    }

    unary! {
        visit_i32_clz: I32, clz;
        visit_i32_ctz: I32, ctz;
        visit_i32_popcnt: I32, popcnt;
        visit_i64_clz: I64, clz;
        visit_i64_ctz: I64, ctz;
        visit_i64_popcnt: I64, popcnt;
        visit_f32_abs: F32, fabs;
        visit_f32_neg: F32, fneg;
        visit_f32_ceil: F32, ceil;
        visit_f32_floor: F32, floor;
        visit_f32_trunc: F32, trunc;
        visit_f32_nearest: F32, nearest;
        visit_f32_sqrt: F32, sqrt;
        visit_f64_abs: F64, fabs;
        visit_f64_neg: F64, fneg;
        visit_f64_ceil: F64, ceil;
        visit_f64_floor: F64, floor;
        visit_f64_trunc: F64, trunc;
        visit_f64_nearest: F64, nearest;
        visit_f64_sqrt: F64, sqrt;
    }

    binary! {
        visit_i32_add: I32, iadd;
        visit_i32_sub: I32, isub;
        visit_i32_mul: I32, imul;
        visit_i32_div_s: I32, sdiv;
        visit_i32_div_u: I32, udiv;
        visit_i32_rem_s: I32, srem;
        visit_i32_rem_u: I32, urem;
        visit_i32_and: I32, band;
        visit_i32_or: I32, bor;
        visit_i32_xor: I32, bxor;
        visit_i32_shl: I32, ishl;
        visit_i32_shr_s: I32, sshr;
        visit_i32_shr_u: I32, ushr;
        visit_i32_rotl: I32, rotl;
        visit_i32_rotr: I32, rotr;
        visit_i64_add: I64, iadd;
        visit_i64_sub: I64, isub;
        visit_i64_mul: I64, imul;
        visit_i64_div_s: I64, sdiv;
        visit_i64_div_u: I64, udiv;
        visit_i64_rem_s: I64, srem;
        visit_i64_rem_u: I64, urem;
        visit_i64_and: I64, band;
        visit_i64_or: I64, bor;
        visit_i64_xor: I64, bxor;
        visit_i64_shl: I64, ishl;
        visit_i64_shr_s: I64, sshr;
        visit_i64_shr_u: I64, ushr;
        visit_i64_rotl: I64, rotl;
        visit_i64_rotr: I64, rotr;
        visit_f32_add: F32, fadd;
        visit_f32_sub: F32, fsub;
        visit_f32_mul: F32, fmul;
        visit_f32_div: F32, fdiv;
        visit_f32_min: F32, fmin;
        visit_f32_max: F32, fmax;
        visit_f32_copysign: F32, fcopysign;
        visit_f64_add: F64, fadd;
        visit_f64_sub: F64, fsub;
        visit_f64_mul: F64, fmul;
        visit_f64_div: F64, fdiv;
        visit_f64_min: F64, fmin;
        visit_f64_max: F64, fmax;
        visit_f64_copysign: F64, fcopysign;
    }

    /// Pops two operands of a scalar type.
    fn pop_pair(&mut self, ty: Type) -> Translated<(Value, Value)> {
        let right = self.pop_scalar(ty)?;
        let left = self.pop_scalar(ty)?;
        Ok((left, right))
    }

    /// Pushes the 8-bit result of a comparison as an `i32`.
    pub(super) fn push_flag(&mut self, flag: Value) {
        let value = self.builder.ins().uextend(types::I32, flag);
        self.push(value);
    }

    /// Pushes whether an integer is 0.
    pub(super) fn push_is_zero(&mut self, operand: Value) {
        let flag = match Opposite::of(self.builder.func, operand) {
            Opposite::Truth(_) => Opposite::Zero(operand),
            opposite => opposite,
        };
        let flag = flag.emit(self.builder.ins());
        self.push_flag(flag);
    }
}
