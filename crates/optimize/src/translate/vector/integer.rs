//! Arithmetic and comparison of integer lanes.

use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};

use super::shapes::{binary, compare, shift, unary};
use crate::translate::{Translated, Translator};

/// Reductions of a vector to an `i32`.
macro_rules! test {
    ($($all_true:ident $bitmask:ident: $lanes:ident;)*) => {$(
        pub(in crate::translate) fn $all_true(&mut self) -> Translated {
            let operand = self.pop_vector(types::$lanes)?;
            let flag = self.builder.ins().vall_true(operand);
            self.push_flag(flag);
            Ok(())
        }

        pub(in crate::translate) fn $bitmask(&mut self) -> Translated {
            let operand = self.pop_vector(types::$lanes)?;
            let value = self.builder.ins().vhigh_bits(types::I32, operand);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Products of one half's lanes, twice as wide.
macro_rules! extended_multiply {
    ($($visit:ident: $lanes:ident, $widen:ident;)*) => {$(
        pub(in crate::translate) fn $visit(&mut self) -> Translated {
            let (left, right) = self.pop_vectors(types::$lanes)?;
            let left = self.builder.ins().$widen(left);
            let right = self.builder.ins().$widen(right);
            let value = self.builder.ins().imul(left, right);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Sums of neighbouring lanes, twice as wide.
macro_rules! extended_pairwise_add {
    ($($visit:ident: $lanes:ident, $low:ident $high:ident;)*) => {$(
        pub(in crate::translate) fn $visit(&mut self) -> Translated {
            let operand = self.pop_vector(types::$lanes)?;
            let low = self.builder.ins().$low(operand);
            let high = self.builder.ins().$high(operand);
            let value = self.builder.ins().iadd_pairwise(low, high);
            self.push(value);
            Ok(())
        }
    )*};
}

impl Translator<'_> {
    compare! {
        visit_i8x16_eq: I8X16, icmp IntCC::Equal;
        visit_i8x16_ne: I8X16, icmp IntCC::NotEqual;
        visit_i8x16_lt_s: I8X16, icmp IntCC::SignedLessThan;
        visit_i8x16_lt_u: I8X16, icmp IntCC::UnsignedLessThan;
        visit_i8x16_gt_s: I8X16, icmp IntCC::SignedGreaterThan;
        visit_i8x16_gt_u: I8X16, icmp IntCC::UnsignedGreaterThan;
        visit_i8x16_le_s: I8X16, icmp IntCC::SignedLessThanOrEqual;
        visit_i8x16_le_u: I8X16, icmp IntCC::UnsignedLessThanOrEqual;
        visit_i8x16_ge_s: I8X16, icmp IntCC::SignedGreaterThanOrEqual;
        visit_i8x16_ge_u: I8X16, icmp IntCC::UnsignedGreaterThanOrEqual;
        visit_i16x8_eq: I16X8, icmp IntCC::Equal;
        visit_i16x8_ne: I16X8, icmp IntCC::NotEqual;
        visit_i16x8_lt_s: I16X8, icmp IntCC::SignedLessThan;
        visit_i16x8_lt_u: I16X8, icmp IntCC::UnsignedLessThan;
        visit_i16x8_gt_s: I16X8, icmp IntCC::SignedGreaterThan;
        visit_i16x8_gt_u: I16X8, icmp IntCC::UnsignedGreaterThan;
        visit_i16x8_le_s: I16X8, icmp IntCC::SignedLessThanOrEqual;
        visit_i16x8_le_u: I16X8, icmp IntCC::UnsignedLessThanOrEqual;
        visit_i16x8_ge_s: I16X8, icmp IntCC::SignedGreaterThanOrEqual;
        visit_i16x8_ge_u: I16X8, icmp IntCC::UnsignedGreaterThanOrEqual;
        visit_i32x4_eq: I32X4, icmp IntCC::Equal;
        visit_i32x4_ne: I32X4, icmp IntCC::NotEqual;
        visit_i32x4_lt_s: I32X4, icmp IntCC::SignedLessThan;
        visit_i32x4_lt_u: I32X4, icmp IntCC::UnsignedLessThan;
        visit_i32x4_gt_s: I32X4, icmp IntCC::SignedGreaterThan;
        visit_i32x4_gt_u: I32X4, icmp IntCC::UnsignedGreaterThan;
        visit_i32x4_le_s: I32X4, icmp IntCC::SignedLessThanOrEqual;
        visit_i32x4_le_u: I32X4, icmp IntCC::UnsignedLessThanOrEqual;
        visit_i32x4_ge_s: I32X4, icmp IntCC::SignedGreaterThanOrEqual;
        visit_i32x4_ge_u: I32X4, icmp IntCC::UnsignedGreaterThanOrEqual;
        visit_i64x2_eq: I64X2, icmp IntCC::Equal;
        visit_i64x2_ne: I64X2, icmp IntCC::NotEqual;
        visit_i64x2_lt_s: I64X2, icmp IntCC::SignedLessThan;
        visit_i64x2_gt_s: I64X2, icmp IntCC::SignedGreaterThan;
        visit_i64x2_le_s: I64X2, icmp IntCC::SignedLessThanOrEqual;
        visit_i64x2_ge_s: I64X2, icmp IntCC::SignedGreaterThanOrEqual;
    }

    unary! {
        visit_i8x16_abs: I8X16, iabs;
        visit_i8x16_neg: I8X16, ineg;
        visit_i8x16_popcnt: I8X16, popcnt;
        visit_i16x8_abs: I16X8, iabs;
        visit_i16x8_neg: I16X8, ineg;
        visit_i32x4_abs: I32X4, iabs;
        visit_i32x4_neg: I32X4, ineg;
        visit_i64x2_abs: I64X2, iabs;
        visit_i64x2_neg: I64X2, ineg;
        visit_i16x8_extend_low_i8x16_s: I8X16, swiden_low;
        visit_i16x8_extend_high_i8x16_s: I8X16, swiden_high;
        visit_i16x8_extend_low_i8x16_u: I8X16, uwiden_low;
        visit_i16x8_extend_high_i8x16_u: I8X16, uwiden_high;
        visit_i32x4_extend_low_i16x8_s: I16X8, swiden_low;
        visit_i32x4_extend_high_i16x8_s: I16X8, swiden_high;
        visit_i32x4_extend_low_i16x8_u: I16X8, uwiden_low;
        visit_i32x4_extend_high_i16x8_u: I16X8, uwiden_high;
        visit_i64x2_extend_low_i32x4_s: I32X4, swiden_low;
        visit_i64x2_extend_high_i32x4_s: I32X4, swiden_high;
        visit_i64x2_extend_low_i32x4_u: I32X4, uwiden_low;
        visit_i64x2_extend_high_i32x4_u: I32X4, uwiden_high;
    }

    binary! {
        visit_i8x16_add: I8X16, iadd;
        visit_i8x16_add_sat_s: I8X16, sadd_sat;
        visit_i8x16_add_sat_u: I8X16, uadd_sat;
        visit_i8x16_sub: I8X16, isub;
        visit_i8x16_sub_sat_s: I8X16, ssub_sat;
        visit_i8x16_sub_sat_u: I8X16, usub_sat;
        visit_i8x16_min_s: I8X16, smin;
        visit_i8x16_min_u: I8X16, umin;
        visit_i8x16_max_s: I8X16, smax;
        visit_i8x16_max_u: I8X16, umax;
        visit_i8x16_avgr_u: I8X16, avg_round;
        visit_i8x16_narrow_i16x8_s: I16X8, snarrow;
        visit_i8x16_narrow_i16x8_u: I16X8, unarrow;
        visit_i16x8_add: I16X8, iadd;
        visit_i16x8_add_sat_s: I16X8, sadd_sat;
        visit_i16x8_add_sat_u: I16X8, uadd_sat;
        visit_i16x8_sub: I16X8, isub;
        visit_i16x8_sub_sat_s: I16X8, ssub_sat;
        visit_i16x8_sub_sat_u: I16X8, usub_sat;
        visit_i16x8_mul: I16X8, imul;
        visit_i16x8_min_s: I16X8, smin;
        visit_i16x8_min_u: I16X8, umin;
        visit_i16x8_max_s: I16X8, smax;
        visit_i16x8_max_u: I16X8, umax;
        visit_i16x8_avgr_u: I16X8, avg_round;
        visit_i16x8_q15mulr_sat_s: I16X8, sqmul_round_sat;
        visit_i16x8_narrow_i32x4_s: I32X4, snarrow;
        visit_i16x8_narrow_i32x4_u: I32X4, unarrow;
        visit_i32x4_add: I32X4, iadd;
        visit_i32x4_sub: I32X4, isub;
        visit_i32x4_mul: I32X4, imul;
        visit_i32x4_min_s: I32X4, smin;
        visit_i32x4_min_u: I32X4, umin;
        visit_i32x4_max_s: I32X4, smax;
        visit_i32x4_max_u: I32X4, umax;
        visit_i64x2_add: I64X2, iadd;
        visit_i64x2_sub: I64X2, isub;
        visit_i64x2_mul: I64X2, imul;
    }

    shift! {
        visit_i8x16_shl: I8X16, ishl;
        visit_i8x16_shr_s: I8X16, sshr;
        visit_i8x16_shr_u: I8X16, ushr;
        visit_i16x8_shl: I16X8, ishl;
        visit_i16x8_shr_s: I16X8, sshr;
        visit_i16x8_shr_u: I16X8, ushr;
        visit_i32x4_shl: I32X4, ishl;
        visit_i32x4_shr_s: I32X4, sshr;
        visit_i32x4_shr_u: I32X4, ushr;
        visit_i64x2_shl: I64X2, ishl;
        visit_i64x2_shr_s: I64X2, sshr;
        visit_i64x2_shr_u: I64X2, ushr;
    }

    test! {
        visit_i8x16_all_true visit_i8x16_bitmask: I8X16;
        visit_i16x8_all_true visit_i16x8_bitmask: I16X8;
        visit_i32x4_all_true visit_i32x4_bitmask: I32X4;
        visit_i64x2_all_true visit_i64x2_bitmask: I64X2;
    }

    extended_multiply! {
        visit_i16x8_extmul_low_i8x16_s: I8X16, swiden_low;
        visit_i16x8_extmul_high_i8x16_s: I8X16, swiden_high;
        visit_i16x8_extmul_low_i8x16_u: I8X16, uwiden_low;
        visit_i16x8_extmul_high_i8x16_u: I8X16, uwiden_high;
        visit_i32x4_extmul_low_i16x8_s: I16X8, swiden_low;
        visit_i32x4_extmul_high_i16x8_s: I16X8, swiden_high;
        visit_i32x4_extmul_low_i16x8_u: I16X8, uwiden_low;
        visit_i32x4_extmul_high_i16x8_u: I16X8, uwiden_high;
        visit_i64x2_extmul_low_i32x4_s: I32X4, swiden_low;
        visit_i64x2_extmul_high_i32x4_s: I32X4, swiden_high;
        visit_i64x2_extmul_low_i32x4_u: I32X4, uwiden_low;
        visit_i64x2_extmul_high_i32x4_u: I32X4, uwiden_high;
    }

    extended_pairwise_add! {
        visit_i16x8_extadd_pairwise_i8x16_s: I8X16, swiden_low swiden_high;
        visit_i16x8_extadd_pairwise_i8x16_u: I8X16, uwiden_low uwiden_high;
        visit_i32x4_extadd_pairwise_i16x8_s: I16X8, swiden_low swiden_high;
        visit_i32x4_extadd_pairwise_i16x8_u: I16X8, uwiden_low uwiden_high;
    }

    pub(in crate::translate) fn visit_i32x4_dot_i16x8_s(&mut self) -> Translated {
        let (left, right) = self.pop_vectors(types::I16X8)?;
        let low = self.widened_product(left, right, Half::Low);
        let high = self.widened_product(left, right, Half::High);
        let value = self.builder.ins().iadd_pairwise(low, high);
        self.push(value);
        Ok(())
    }

    fn widened_product(&mut self, left: Value, right: Value, half: Half) -> Value {
        let [left, right] = [left, right].map(|operand| match half {
            Half::Low => self.builder.ins().swiden_low(operand),
            Half::High => self.builder.ins().swiden_high(operand),
        });
        self.builder.ins().imul(left, right)
    }
}

#[derive(Clone, Copy)]
enum Half {
    Low,
    High,
}
