//! Comparisons of lanes.
//!
//! There are instructions for equal and, with sign, greater. `a <= b` is `min(a, b) == a`, which
//! also works without sign.

use tierup_asm::{LaneShift, Operation, Width, vector};

use super::operands::{Order, each};
use crate::{
    generator::{Generated, Generator},
    transfer::SCRATCH_XMM,
};

/// Whether a comparison's result is turned round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sense {
    Plain,
    Inverse,
}

/// Comparisons of floats by their numbers in the instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Float {
    Equal = 0,
    Less = 1,
    LessEqual = 2,
    NotEqual = 4,
}

use Order::{Commutes, Fixed, Reversed};
use Sense::{Inverse, Plain};

impl Generator<'_> {
    each! {
        visit_i8x16_eq: compare_lanes(vector::EQUAL8, Commutes, Plain);
        visit_i16x8_eq: compare_lanes(vector::EQUAL16, Commutes, Plain);
        visit_i32x4_eq: compare_lanes(vector::EQUAL32, Commutes, Plain);
        visit_i64x2_eq: compare_lanes(vector::EQUAL64, Commutes, Plain);
        visit_i8x16_ne: compare_lanes(vector::EQUAL8, Commutes, Inverse);
        visit_i16x8_ne: compare_lanes(vector::EQUAL16, Commutes, Inverse);
        visit_i32x4_ne: compare_lanes(vector::EQUAL32, Commutes, Inverse);
        visit_i64x2_ne: compare_lanes(vector::EQUAL64, Commutes, Inverse);
        visit_i8x16_gt_s: compare_lanes(vector::GREATER8, Fixed, Plain);
        visit_i16x8_gt_s: compare_lanes(vector::GREATER16, Fixed, Plain);
        visit_i32x4_gt_s: compare_lanes(vector::GREATER32, Fixed, Plain);
        visit_i8x16_lt_s: compare_lanes(vector::GREATER8, Reversed, Plain);
        visit_i16x8_lt_s: compare_lanes(vector::GREATER16, Reversed, Plain);
        visit_i32x4_lt_s: compare_lanes(vector::GREATER32, Reversed, Plain);
        visit_i8x16_le_s: extreme_is_left((vector::MINIMUM8_SIGNED, vector::EQUAL8), Plain);
        visit_i16x8_le_s: extreme_is_left((vector::MINIMUM16_SIGNED, vector::EQUAL16), Plain);
        visit_i32x4_le_s: extreme_is_left((vector::MINIMUM32_SIGNED, vector::EQUAL32), Plain);
        visit_i8x16_ge_s: extreme_is_left((vector::MAXIMUM8_SIGNED, vector::EQUAL8), Plain);
        visit_i16x8_ge_s: extreme_is_left((vector::MAXIMUM16_SIGNED, vector::EQUAL16), Plain);
        visit_i32x4_ge_s: extreme_is_left((vector::MAXIMUM32_SIGNED, vector::EQUAL32), Plain);
        visit_i8x16_le_u: extreme_is_left((vector::MINIMUM8_UNSIGNED, vector::EQUAL8), Plain);
        visit_i16x8_le_u: extreme_is_left((vector::MINIMUM16_UNSIGNED, vector::EQUAL16), Plain);
        visit_i32x4_le_u: extreme_is_left((vector::MINIMUM32_UNSIGNED, vector::EQUAL32), Plain);
        visit_i8x16_ge_u: extreme_is_left((vector::MAXIMUM8_UNSIGNED, vector::EQUAL8), Plain);
        visit_i16x8_ge_u: extreme_is_left((vector::MAXIMUM16_UNSIGNED, vector::EQUAL16), Plain);
        visit_i32x4_ge_u: extreme_is_left((vector::MAXIMUM32_UNSIGNED, vector::EQUAL32), Plain);
        visit_i8x16_gt_u: extreme_is_left((vector::MINIMUM8_UNSIGNED, vector::EQUAL8), Inverse);
        visit_i16x8_gt_u: extreme_is_left((vector::MINIMUM16_UNSIGNED, vector::EQUAL16), Inverse);
        visit_i32x4_gt_u: extreme_is_left((vector::MINIMUM32_UNSIGNED, vector::EQUAL32), Inverse);
        visit_i8x16_lt_u: extreme_is_left((vector::MAXIMUM8_UNSIGNED, vector::EQUAL8), Inverse);
        visit_i16x8_lt_u: extreme_is_left((vector::MAXIMUM16_UNSIGNED, vector::EQUAL16), Inverse);
        visit_i32x4_lt_u: extreme_is_left((vector::MAXIMUM32_UNSIGNED, vector::EQUAL32), Inverse);
        visit_i64x2_gt_s: greater64(Fixed, Plain);
        visit_i64x2_lt_s: greater64(Reversed, Plain);
        visit_i64x2_le_s: greater64(Fixed, Inverse);
        visit_i64x2_ge_s: greater64(Reversed, Inverse);
        visit_f32x4_eq: compare_floats(Width::W32, Float::Equal, Fixed);
        visit_f32x4_ne: compare_floats(Width::W32, Float::NotEqual, Fixed);
        visit_f32x4_lt: compare_floats(Width::W32, Float::Less, Fixed);
        visit_f32x4_gt: compare_floats(Width::W32, Float::Less, Reversed);
        visit_f32x4_le: compare_floats(Width::W32, Float::LessEqual, Fixed);
        visit_f32x4_ge: compare_floats(Width::W32, Float::LessEqual, Reversed);
        visit_f64x2_eq: compare_floats(Width::W64, Float::Equal, Fixed);
        visit_f64x2_ne: compare_floats(Width::W64, Float::NotEqual, Fixed);
        visit_f64x2_lt: compare_floats(Width::W64, Float::Less, Fixed);
        visit_f64x2_gt: compare_floats(Width::W64, Float::Less, Reversed);
        visit_f64x2_le: compare_floats(Width::W64, Float::LessEqual, Fixed);
        visit_f64x2_ge: compare_floats(Width::W64, Float::LessEqual, Reversed);
    }

    fn compare_lanes(&mut self, operation: Operation, order: Order, sense: Sense) -> Generated {
        let (target, operand, read) = self.pop_vectors(order)?;
        self.apply(operation, target, operand);
        self.free(read);
        if sense == Inverse {
            self.invert(target);
        }
        self.push_vector(target);
        Ok(())
    }

    /// Whether the smaller or larger of two lanes is the left one.
    fn extreme_is_left(
        &mut self,
        (extreme, equal): (Operation, Operation),
        sense: Sense,
    ) -> Generated {
        let (target, operand, read) = self.pop_vectors(Fixed)?;
        self.copy_vector(SCRATCH_XMM, target);
        self.apply(extreme, SCRATCH_XMM, operand);
        self.apply(equal, target, SCRATCH_XMM);
        self.free(read);
        if sense == Inverse {
            self.invert(target);
        }
        self.push_vector(target);
        Ok(())
    }

    /// The upper halves decide, with sign. If they are equal, the upper half of `b - a` is the
    /// borrow of the lower halves. Either way the sign of the upper half is the answer.
    fn greater64(&mut self, order: Order, sense: Sense) -> Generated {
        let (target, operand, read) = self.pop_vectors(order)?;
        let equal = self.new_xmm();
        self.copy_vector(equal, target);
        self.apply(vector::EQUAL32, equal, operand);
        self.copy_vector(SCRATCH_XMM, operand);
        self.apply(vector::SUBTRACT64, SCRATCH_XMM, target);
        self.apply(vector::AND, equal, SCRATCH_XMM);
        self.apply(vector::GREATER32, target, operand);
        self.apply(vector::OR, target, equal);
        self.apply_byte((vector::ORDER32, 0xf5), target, target);
        self.asm.shift_lanes(LaneShift::Right32Sign, target, 31);
        self.registers.free_xmm(equal);
        self.free(read);
        if sense == Inverse {
            self.invert(target);
        }
        self.push_vector(target);
        Ok(())
    }

    fn compare_floats(&mut self, width: Width, comparison: Float, order: Order) -> Generated {
        let (target, operand, read) = self.pop_vectors(order)?;
        let operation = match width {
            Width::W32 => vector::COMPARE_FLOAT32,
            Width::W64 => vector::COMPARE_FLOAT64,
        };
        self.apply_byte((operation, comparison as u8), target, operand);
        self.free(read);
        self.push_vector(target);
        Ok(())
    }
}
