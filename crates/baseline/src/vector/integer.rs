//! Arithmetic of integer lanes, but for products.

use tierup_asm::{LaneShift, Operation, vector};

use super::operands::{Order, each, lanes8, lanes16, lanes32};
use crate::{
    generator::{Generated, Generator},
    transfer::SCRATCH_XMM,
};

/// Number of bits of 0 to 15.
const BITS: [u8; 16] = [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4];

impl Generator<'_> {
    each! {
        visit_i8x16_add: vector_binary(vector::ADD8, Order::Commutes);
        visit_i16x8_add: vector_binary(vector::ADD16, Order::Commutes);
        visit_i32x4_add: vector_binary(vector::ADD32, Order::Commutes);
        visit_i64x2_add: vector_binary(vector::ADD64, Order::Commutes);
        visit_i8x16_add_sat_s: vector_binary(vector::ADD8_SIGNED, Order::Commutes);
        visit_i16x8_add_sat_s: vector_binary(vector::ADD16_SIGNED, Order::Commutes);
        visit_i8x16_add_sat_u: vector_binary(vector::ADD8_UNSIGNED, Order::Commutes);
        visit_i16x8_add_sat_u: vector_binary(vector::ADD16_UNSIGNED, Order::Commutes);
        visit_i8x16_sub: vector_binary(vector::SUBTRACT8, Order::Fixed);
        visit_i16x8_sub: vector_binary(vector::SUBTRACT16, Order::Fixed);
        visit_i32x4_sub: vector_binary(vector::SUBTRACT32, Order::Fixed);
        visit_i64x2_sub: vector_binary(vector::SUBTRACT64, Order::Fixed);
        visit_i8x16_sub_sat_s: vector_binary(vector::SUBTRACT8_SIGNED, Order::Fixed);
        visit_i16x8_sub_sat_s: vector_binary(vector::SUBTRACT16_SIGNED, Order::Fixed);
        visit_i8x16_sub_sat_u: vector_binary(vector::SUBTRACT8_UNSIGNED, Order::Fixed);
        visit_i16x8_sub_sat_u: vector_binary(vector::SUBTRACT16_UNSIGNED, Order::Fixed);
        visit_i8x16_min_s: vector_binary(vector::MINIMUM8_SIGNED, Order::Commutes);
        visit_i16x8_min_s: vector_binary(vector::MINIMUM16_SIGNED, Order::Commutes);
        visit_i32x4_min_s: vector_binary(vector::MINIMUM32_SIGNED, Order::Commutes);
        visit_i8x16_min_u: vector_binary(vector::MINIMUM8_UNSIGNED, Order::Commutes);
        visit_i16x8_min_u: vector_binary(vector::MINIMUM16_UNSIGNED, Order::Commutes);
        visit_i32x4_min_u: vector_binary(vector::MINIMUM32_UNSIGNED, Order::Commutes);
        visit_i8x16_max_s: vector_binary(vector::MAXIMUM8_SIGNED, Order::Commutes);
        visit_i16x8_max_s: vector_binary(vector::MAXIMUM16_SIGNED, Order::Commutes);
        visit_i32x4_max_s: vector_binary(vector::MAXIMUM32_SIGNED, Order::Commutes);
        visit_i8x16_max_u: vector_binary(vector::MAXIMUM8_UNSIGNED, Order::Commutes);
        visit_i16x8_max_u: vector_binary(vector::MAXIMUM16_UNSIGNED, Order::Commutes);
        visit_i32x4_max_u: vector_binary(vector::MAXIMUM32_UNSIGNED, Order::Commutes);
        visit_i8x16_avgr_u: vector_binary(vector::AVERAGE8, Order::Commutes);
        visit_i16x8_avgr_u: vector_binary(vector::AVERAGE16, Order::Commutes);
        visit_i8x16_narrow_i16x8_s: vector_binary(vector::NARROW16_SIGNED, Order::Fixed);
        visit_i8x16_narrow_i16x8_u: vector_binary(vector::NARROW16_UNSIGNED, Order::Fixed);
        visit_i16x8_narrow_i32x4_s: vector_binary(vector::NARROW32_SIGNED, Order::Fixed);
        visit_i16x8_narrow_i32x4_u: vector_binary(vector::NARROW32_UNSIGNED, Order::Fixed);
        visit_i8x16_abs: vector_unary(vector::ABSOLUTE8);
        visit_i16x8_abs: vector_unary(vector::ABSOLUTE16);
        visit_i32x4_abs: vector_unary(vector::ABSOLUTE32);
        visit_i8x16_neg: negate_lanes(vector::SUBTRACT8);
        visit_i16x8_neg: negate_lanes(vector::SUBTRACT16);
        visit_i32x4_neg: negate_lanes(vector::SUBTRACT32);
        visit_i64x2_neg: negate_lanes(vector::SUBTRACT64);
        visit_i16x8_extend_low_i8x16_s: vector_unary(vector::EXTEND8_SIGNED);
        visit_i16x8_extend_low_i8x16_u: vector_unary(vector::EXTEND8_UNSIGNED);
        visit_i32x4_extend_low_i16x8_s: vector_unary(vector::EXTEND16_SIGNED);
        visit_i32x4_extend_low_i16x8_u: vector_unary(vector::EXTEND16_UNSIGNED);
        visit_i64x2_extend_low_i32x4_s: vector_unary(vector::EXTEND32_SIGNED);
        visit_i64x2_extend_low_i32x4_u: vector_unary(vector::EXTEND32_UNSIGNED);
        visit_i16x8_extend_high_i8x16_s: extend_upper(vector::EXTEND8_SIGNED);
        visit_i16x8_extend_high_i8x16_u: extend_upper(vector::EXTEND8_UNSIGNED);
        visit_i32x4_extend_high_i16x8_s: extend_upper(vector::EXTEND16_SIGNED);
        visit_i32x4_extend_high_i16x8_u: extend_upper(vector::EXTEND16_UNSIGNED);
        visit_i64x2_extend_high_i32x4_s: extend_upper(vector::EXTEND32_SIGNED);
        visit_i64x2_extend_high_i32x4_u: extend_upper(vector::EXTEND32_UNSIGNED);
    }

    fn negate_lanes(&mut self, subtract: Operation) -> Generated {
        let (operand, read) = self.pop_vector_operand()?;
        let target = self.new_xmm();
        self.clear(target);
        self.apply(subtract, target, operand);
        self.free(read);
        self.push_vector(target);
        Ok(())
    }

    fn extend_upper(&mut self, extend: Operation) -> Generated {
        let (operand, read) = self.pop_vector_operand()?;
        self.free(read);
        let target = self.new_xmm();
        self.apply_byte((vector::ORDER32, 0xee), target, operand);
        self.apply(extend, target, target);
        self.push_vector(target);
        Ok(())
    }

    /// With `s` all bits of the sign, `(a ^ s) - s` is `a` or `-a`.
    pub(crate) fn visit_i64x2_abs(&mut self) -> Generated {
        let target = self.pop_vector()?;
        self.apply_byte((vector::ORDER32, 0xf5), SCRATCH_XMM, target);
        self.asm.shift_lanes(LaneShift::Right32Sign, SCRATCH_XMM, 31);
        self.apply(vector::XOR, target, SCRATCH_XMM);
        self.apply(vector::SUBTRACT64, target, SCRATCH_XMM);
        self.push_vector(target);
        Ok(())
    }

    /// A table has the number of bits of each half byte.
    pub(crate) fn visit_i8x16_popcnt(&mut self) -> Generated {
        let target = self.pop_vector()?;
        let lower = self.new_xmm();
        let (table, mask) = (self.known(u128::from_le_bytes(BITS)), self.known(lanes8(0x0f)));
        self.copy_vector(SCRATCH_XMM, target);
        self.asm.shift_lanes(LaneShift::Right16Zero, SCRATCH_XMM, 4);
        self.apply(vector::AND, SCRATCH_XMM, mask);
        self.apply(vector::AND, target, mask);
        self.copy_vector(lower, table);
        self.apply(vector::SHUFFLE8, lower, target);
        self.copy_vector(target, table);
        self.apply(vector::SHUFFLE8, target, SCRATCH_XMM);
        self.apply(vector::ADD8, target, lower);
        self.registers.free_xmm(lower);
        self.push_vector(target);
        Ok(())
    }

    /// Products with 1, which come without sign.
    pub(crate) fn visit_i16x8_extadd_pairwise_i8x16_s(&mut self) -> Generated {
        let (operand, read) = self.pop_vector_operand()?;
        let target = self.new_xmm();
        let ones = self.known(lanes8(1));
        self.copy_vector(target, ones);
        self.apply(vector::MULTIPLY_ADD8, target, operand);
        self.free(read);
        self.push_vector(target);
        Ok(())
    }

    pub(crate) fn visit_i16x8_extadd_pairwise_i8x16_u(&mut self) -> Generated {
        self.apply_known(vector::MULTIPLY_ADD8, lanes8(1))
    }

    pub(crate) fn visit_i32x4_extadd_pairwise_i16x8_s(&mut self) -> Generated {
        self.apply_known(vector::MULTIPLY_ADD16, lanes16(1))
    }

    /// Lanes less 2^15 have a sign; each sum then lacks 2^16.
    pub(crate) fn visit_i32x4_extadd_pairwise_i16x8_u(&mut self) -> Generated {
        self.apply_known(vector::XOR, lanes16(0x8000))?;
        self.apply_known(vector::MULTIPLY_ADD16, lanes16(1))?;
        self.apply_known(vector::ADD32, lanes32(0x1_0000))
    }

    /// Changes the topmost vector by an operation with a known one.
    pub(super) fn apply_known(&mut self, operation: Operation, bits: u128) -> Generated {
        let target = self.pop_vector()?;
        let known = self.known(bits);
        self.apply(operation, target, known);
        self.push_vector(target);
        Ok(())
    }
}
