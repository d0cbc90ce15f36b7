//! Products of integer lanes.

use tierup_asm::{LaneShift, Operation, vector};

use super::operands::{Order, each, lanes16};
use crate::{
    generator::{Generated, Generator},
    transfer::SCRATCH_XMM,
};

/// Which half of the lanes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Half {
    Low,
    High,
}

use Half::{High, Low};

impl Generator<'_> {
    each! {
        visit_i16x8_mul: vector_binary(vector::MULTIPLY16, Order::Commutes);
        visit_i32x4_mul: vector_binary(vector::MULTIPLY32, Order::Commutes);
        visit_i32x4_dot_i16x8_s: vector_binary(vector::MULTIPLY_ADD16, Order::Commutes);
        visit_i16x8_extmul_low_i8x16_s: multiply8(Low, vector::EXTEND8_SIGNED);
        visit_i16x8_extmul_high_i8x16_s: multiply8(High, vector::EXTEND8_SIGNED);
        visit_i16x8_extmul_low_i8x16_u: multiply8(Low, vector::EXTEND8_UNSIGNED);
        visit_i16x8_extmul_high_i8x16_u: multiply8(High, vector::EXTEND8_UNSIGNED);
        visit_i32x4_extmul_low_i16x8_s: multiply16(Low, vector::MULTIPLY16_HIGH_SIGNED);
        visit_i32x4_extmul_high_i16x8_s: multiply16(High, vector::MULTIPLY16_HIGH_SIGNED);
        visit_i32x4_extmul_low_i16x8_u: multiply16(Low, vector::MULTIPLY16_HIGH_UNSIGNED);
        visit_i32x4_extmul_high_i16x8_u: multiply16(High, vector::MULTIPLY16_HIGH_UNSIGNED);
        visit_i64x2_extmul_low_i32x4_s: multiply32(Low, vector::MULTIPLY32_WIDE_SIGNED);
        visit_i64x2_extmul_high_i32x4_s: multiply32(High, vector::MULTIPLY32_WIDE_SIGNED);
        visit_i64x2_extmul_low_i32x4_u: multiply32(Low, vector::MULTIPLY32_WIDE_UNSIGNED);
        visit_i64x2_extmul_high_i32x4_u: multiply32(High, vector::MULTIPLY32_WIDE_UNSIGNED);
    }

    /// With halves `h` and `l`, the lower 64 bits are `al * bl + ((ah * bl + bh * al) << 32)`.
    pub(crate) fn visit_i64x2_mul(&mut self) -> Generated {
        let (target, operand, read) = self.pop_vectors(Order::Commutes)?;
        let cross = self.new_xmm();
        self.copy_vector(SCRATCH_XMM, target);
        self.asm.shift_lanes(LaneShift::Right64Zero, SCRATCH_XMM, 32);
        self.apply(vector::MULTIPLY32_WIDE_UNSIGNED, SCRATCH_XMM, operand);
        self.copy_vector(cross, operand);
        self.asm.shift_lanes(LaneShift::Right64Zero, cross, 32);
        self.apply(vector::MULTIPLY32_WIDE_UNSIGNED, cross, target);
        self.apply(vector::ADD64, cross, SCRATCH_XMM);
        self.asm.shift_lanes(LaneShift::Left64, cross, 32);
        self.apply(vector::MULTIPLY32_WIDE_UNSIGNED, target, operand);
        self.apply(vector::ADD64, target, cross);
        self.registers.free_xmm(cross);
        self.free(read);
        self.push_vector(target);
        Ok(())
    }

    /// The only product that is too large, of twice the smallest number, comes out as that.
    pub(crate) fn visit_i16x8_q15mulr_sat_s(&mut self) -> Generated {
        let (target, operand, read) = self.pop_vectors(Order::Commutes)?;
        let smallest = self.known(lanes16(0x8000));
        self.apply(vector::MULTIPLY16_ROUNDED, target, operand);
        self.copy_vector(SCRATCH_XMM, smallest);
        self.apply(vector::EQUAL16, SCRATCH_XMM, target);
        self.apply(vector::XOR, target, SCRATCH_XMM);
        self.free(read);
        self.push_vector(target);
        Ok(())
    }

    fn multiply8(&mut self, half: Half, extend: Operation) -> Generated {
        let (right, right_read) = self.pop_vector_operand()?;
        let (left, left_read) = self.pop_vector_operand()?;
        let target = self.new_xmm();
        for (register, operand) in [(target, left), (SCRATCH_XMM, right)] {
            match half {
                Low => self.apply(extend, register, operand),
                High => {
                    self.apply_byte((vector::ORDER32, 0xee), register, operand);
                    self.apply(extend, register, register);
                }
            }
        }
        self.apply(vector::MULTIPLY16, target, SCRATCH_XMM);
        self.free(left_read);
        self.free(right_read);
        self.push_vector(target);
        Ok(())
    }

    /// Lower and upper halves of the products, put together.
    fn multiply16(&mut self, half: Half, high: Operation) -> Generated {
        let (target, operand, read) = self.pop_vectors(Order::Commutes)?;
        self.copy_vector(SCRATCH_XMM, target);
        self.apply(high, SCRATCH_XMM, operand);
        self.apply(vector::MULTIPLY16, target, operand);
        let interleave = match half {
            Low => vector::INTERLEAVE16_LOW,
            High => vector::INTERLEAVE16_HIGH,
        };
        self.apply(interleave, target, SCRATCH_XMM);
        self.free(read);
        self.push_vector(target);
        Ok(())
    }

    /// The instruction takes even lanes.
    fn multiply32(&mut self, half: Half, multiply: Operation) -> Generated {
        let (right, right_read) = self.pop_vector_operand()?;
        let (left, left_read) = self.pop_vector_operand()?;
        let target = self.new_xmm();
        let order = match half {
            Low => 0b01_01_00_00,
            High => 0b11_11_10_10,
        };
        self.apply_byte((vector::ORDER32, order), target, left);
        self.apply_byte((vector::ORDER32, order), SCRATCH_XMM, right);
        self.apply(multiply, target, SCRATCH_XMM);
        self.free(left_read);
        self.free(right_read);
        self.push_vector(target);
        Ok(())
    }
}
