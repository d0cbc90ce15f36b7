//! Conversions between integer and float lanes, and between widths of floats.

use tierup_asm::{FloatOperation, LaneShift, Width, vector};

use super::operands::{each, lanes32, lanes64};
use crate::{
    generator::{Generated, Generator},
    transfer::SCRATCH_XMM,
};

use FloatOperation::{Add, Maximum, Minimum, Subtract};
use Width::{W32, W64};

/// Comparisons of floats, by number.
const EQUAL: u8 = 0;
const LESS_EQUAL: u8 = 2;

/// Rounds to zero and does not report inexact results.
const TO_ZERO: u8 = 3 | 8;

impl Generator<'_> {
    each! {
        visit_f32x4_convert_i32x4_s: vector_unary(vector::F32_FROM_I32);
        visit_f64x2_convert_low_i32x4_s: vector_unary(vector::F64_FROM_I32);
        visit_f64x2_promote_low_f32x4: vector_unary(vector::F64_FROM_F32);
        visit_f32x4_demote_f64x2_zero: vector_unary(vector::F32_FROM_F64);
    }

    /// The lower 16 bits and the others, halved, are both exact; only their sum is rounded.
    pub(crate) fn visit_f32x4_convert_i32x4_u(&mut self) -> Generated {
        let target = self.pop_vector()?;
        self.copy_vector(SCRATCH_XMM, target);
        self.asm.shift_lanes(LaneShift::Left32, SCRATCH_XMM, 16);
        self.asm.shift_lanes(LaneShift::Right32Zero, SCRATCH_XMM, 16);
        self.apply(vector::SUBTRACT32, target, SCRATCH_XMM);
        self.apply(vector::F32_FROM_I32, SCRATCH_XMM, SCRATCH_XMM);
        self.asm.shift_lanes(LaneShift::Right32Zero, target, 1);
        self.apply(vector::F32_FROM_I32, target, target);
        self.apply(Add.vector(W32), target, target);
        self.apply(Add.vector(W32), target, SCRATCH_XMM);
        self.push_vector(target);
        Ok(())
    }

    /// Below the upper half of 2^52 an integer is its own fraction.
    pub(crate) fn visit_f64x2_convert_low_i32x4_u(&mut self) -> Generated {
        let two_to_52 = 4_503_599_627_370_496_f64.to_bits();
        self.apply_known(vector::INTERLEAVE32_LOW, lanes32((two_to_52 >> 32) as u32))?;
        self.apply_known(Subtract.vector(W64), lanes64(two_to_52))
    }

    /// NaNs become 0. What does not fit becomes the smallest integer; where the float was not
    /// negative, all its bits are flipped.
    pub(crate) fn visit_i32x4_trunc_sat_f32x4_s(&mut self) -> Generated {
        let target = self.pop_vector()?;
        self.copy_vector(SCRATCH_XMM, target);
        self.apply_byte((vector::COMPARE_FLOAT32, EQUAL), SCRATCH_XMM, SCRATCH_XMM);
        self.apply(vector::AND, target, SCRATCH_XMM);
        self.apply(vector::XOR, SCRATCH_XMM, target);
        self.apply(vector::I32_FROM_F32, target, target);
        self.apply(vector::AND, SCRATCH_XMM, target);
        self.asm.shift_lanes(LaneShift::Right32Sign, SCRATCH_XMM, 31);
        self.apply(vector::XOR, target, SCRATCH_XMM);
        self.push_vector(target);
        Ok(())
    }

    /// The sum of two conversions: of the float, 2^31 if it is that or more; and of what it is
    /// above 2^31, at least 0 and at most 2^31 - 1.
    pub(crate) fn visit_i32x4_trunc_sat_f32x4_u(&mut self) -> Generated {
        let target = self.pop_vector()?;
        let above = self.new_xmm();
        let two_to_31 = self.known(lanes32(2_147_483_648_f32.to_bits()));
        // Of a NaN and something the instruction gives the latter.
        self.clear(SCRATCH_XMM);
        self.apply(Maximum.vector(W32), target, SCRATCH_XMM);
        self.copy_vector(above, target);
        self.apply(Subtract.vector(W32), above, two_to_31);
        self.copy_vector(SCRATCH_XMM, two_to_31);
        self.apply_byte((vector::COMPARE_FLOAT32, LESS_EQUAL), SCRATCH_XMM, above);
        self.apply(vector::I32_FROM_F32, above, above);
        self.apply(vector::XOR, above, SCRATCH_XMM);
        self.clear(SCRATCH_XMM);
        self.apply(vector::MAXIMUM32_SIGNED, above, SCRATCH_XMM);
        self.apply(vector::I32_FROM_F32, target, target);
        self.apply(vector::ADD32, target, above);
        self.registers.free_xmm(above);
        self.push_vector(target);
        Ok(())
    }

    /// Too large floats become the largest integer first, NaNs 0. What is too small becomes the
    /// smallest integer by itself.
    pub(crate) fn visit_i32x4_trunc_sat_f64x2_s_zero(&mut self) -> Generated {
        let target = self.pop_vector()?;
        let largest = self.known(lanes64(2_147_483_647_f64.to_bits()));
        self.copy_vector(SCRATCH_XMM, target);
        self.apply_byte((vector::COMPARE_FLOAT64, EQUAL), SCRATCH_XMM, SCRATCH_XMM);
        self.apply(vector::AND, SCRATCH_XMM, largest);
        self.apply(Minimum.vector(W64), target, SCRATCH_XMM);
        self.apply(vector::I32_FROM_F64, target, target);
        self.push_vector(target);
        Ok(())
    }

    /// An integer added to 2^52 is the lower part of the sum's fraction.
    pub(crate) fn visit_i32x4_trunc_sat_f64x2_u_zero(&mut self) -> Generated {
        let target = self.pop_vector()?;
        let largest = self.known(lanes64(4_294_967_295_f64.to_bits()));
        let two_to_52 = self.known(lanes64(4_503_599_627_370_496_f64.to_bits()));
        self.clear(SCRATCH_XMM);
        self.apply(Maximum.vector(W64), target, SCRATCH_XMM);
        self.apply(Minimum.vector(W64), target, largest);
        self.apply_byte((vector::ROUND_FLOAT64, TO_ZERO), target, target);
        self.apply(Add.vector(W64), target, two_to_52);
        self.apply_byte((vector::ORDER_FLOAT32, 0b10_00_10_00), target, SCRATCH_XMM);
        self.push_vector(target);
        Ok(())
    }
}
