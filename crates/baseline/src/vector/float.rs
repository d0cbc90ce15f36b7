//! Arithmetic of float lanes.

use tierup_asm::{FloatOperation, LaneShift, Operation, Width, vector};

use super::operands::{Order, each, lanes32, lanes64};
use crate::{
    generator::{Generated, Generator},
    transfer::SCRATCH_XMM,
};

use FloatOperation::{Add, Divide, Maximum, Minimum, Multiply, SquareRoot, Subtract};
use Width::{W32, W64};

/// A comparison that holds if one of two floats is a NaN.
const UNORDERED: u8 = 3;

/// Rounding does not report inexact results.
const QUIETLY: u8 = 8;

impl Generator<'_> {
    each! {
        visit_f32x4_add: vector_binary(Add.vector(W32), Order::Fixed);
        visit_f32x4_sub: vector_binary(Subtract.vector(W32), Order::Fixed);
        visit_f32x4_mul: vector_binary(Multiply.vector(W32), Order::Fixed);
        visit_f32x4_div: vector_binary(Divide.vector(W32), Order::Fixed);
        visit_f64x2_add: vector_binary(Add.vector(W64), Order::Fixed);
        visit_f64x2_sub: vector_binary(Subtract.vector(W64), Order::Fixed);
        visit_f64x2_mul: vector_binary(Multiply.vector(W64), Order::Fixed);
        visit_f64x2_div: vector_binary(Divide.vector(W64), Order::Fixed);
        // Like the instructions, these give their second operand unless a comparison holds.
        visit_f32x4_pmin: vector_binary(Minimum.vector(W32), Order::Reversed);
        visit_f32x4_pmax: vector_binary(Maximum.vector(W32), Order::Reversed);
        visit_f64x2_pmin: vector_binary(Minimum.vector(W64), Order::Reversed);
        visit_f64x2_pmax: vector_binary(Maximum.vector(W64), Order::Reversed);
        visit_f32x4_sqrt: vector_unary(SquareRoot.vector(W32));
        visit_f64x2_sqrt: vector_unary(SquareRoot.vector(W64));
        visit_f32x4_abs: apply_known(vector::AND, lanes32(u32::MAX >> 1));
        visit_f64x2_abs: apply_known(vector::AND, lanes64(u64::MAX >> 1));
        visit_f32x4_neg: apply_known(vector::XOR, lanes32(1 << 31));
        visit_f64x2_neg: apply_known(vector::XOR, lanes64(1 << 63));
        visit_f32x4_nearest: round_lanes(vector::ROUND_FLOAT32, 0);
        visit_f32x4_floor: round_lanes(vector::ROUND_FLOAT32, 1);
        visit_f32x4_ceil: round_lanes(vector::ROUND_FLOAT32, 2);
        visit_f32x4_trunc: round_lanes(vector::ROUND_FLOAT32, 3);
        visit_f64x2_nearest: round_lanes(vector::ROUND_FLOAT64, 0);
        visit_f64x2_floor: round_lanes(vector::ROUND_FLOAT64, 1);
        visit_f64x2_ceil: round_lanes(vector::ROUND_FLOAT64, 2);
        visit_f64x2_trunc: round_lanes(vector::ROUND_FLOAT64, 3);
        visit_f32x4_min: minimum(W32);
        visit_f64x2_min: minimum(W64);
        visit_f32x4_max: maximum(W32);
        visit_f64x2_max: maximum(W64);
    }

    fn round_lanes(&mut self, operation: Operation, mode: u8) -> Generated {
        let (operand, read) = self.pop_vector_operand()?;
        self.free(read);
        let target = self.new_xmm();
        self.apply_byte((operation, mode | QUIETLY), target, operand);
        self.push_vector(target);
        Ok(())
    }

    /// The instruction gives its second operand for zeros of different sign and for NaNs. Both
    /// orders joined by `or` are the smaller lane, the negative zero, or a NaN.
    fn minimum(&mut self, width: Width) -> Generated {
        let right = self.pop_vector()?;
        let left = self.pop_vector()?;
        let operation = Minimum.vector(width);
        self.copy_vector(SCRATCH_XMM, left);
        self.apply(operation, SCRATCH_XMM, right);
        self.apply(operation, right, left);
        self.apply(vector::OR, SCRATCH_XMM, right);
        let (unordered, shift) = nan_mask(width);
        self.copy_vector(right, SCRATCH_XMM);
        self.apply_byte((unordered, UNORDERED), right, right);
        self.apply(vector::OR, SCRATCH_XMM, right);
        self.asm.shift_lanes(shift.0, right, shift.1);
        self.apply(vector::AND_NOT, right, SCRATCH_XMM);
        self.registers.free_xmm(left);
        self.push_vector(right);
        Ok(())
    }

    /// As above. Where both orders differ, that is the sign of zero, or there is a NaN: the
    /// difference of `m1 | (m1 ^ m2)` and `m1 ^ m2` is the positive zero, or a quiet NaN.
    fn maximum(&mut self, width: Width) -> Generated {
        let right = self.pop_vector()?;
        let left = self.pop_vector()?;
        let operation = Maximum.vector(width);
        self.copy_vector(SCRATCH_XMM, left);
        self.apply(operation, SCRATCH_XMM, right);
        self.apply(operation, right, left);
        self.apply(vector::XOR, right, SCRATCH_XMM);
        self.apply(vector::OR, SCRATCH_XMM, right);
        self.apply(Subtract.vector(width), SCRATCH_XMM, right);
        let (unordered, shift) = nan_mask(width);
        self.copy_vector(right, SCRATCH_XMM);
        self.apply_byte((unordered, UNORDERED), right, right);
        self.asm.shift_lanes(shift.0, right, shift.1);
        self.apply(vector::AND_NOT, right, SCRATCH_XMM);
        self.registers.free_xmm(left);
        self.push_vector(right);
        Ok(())
    }
}

/// What makes all bits of a lane that is a NaN, and a shift that leaves those bits of them that a
/// canonical NaN has not.
fn nan_mask(width: Width) -> (Operation, (LaneShift, u8)) {
    match width {
        W32 => (vector::COMPARE_FLOAT32, (LaneShift::Right32Zero, 10)),
        W64 => (vector::COMPARE_FLOAT64, (LaneShift::Right64Zero, 13)),
    }
}
