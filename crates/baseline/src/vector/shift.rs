//! Shifts of all lanes by one count, which is taken modulo the width of a lane.
//!
//! There are no instructions for lanes of 8 bits, and none that shifts the sign into 64 bits.

use tierup_abi::Xmm;
use tierup_asm::{Immediate, LaneShift, Operation, R11, Width, vector};
use tierup_wasm::ValType;

use super::operands::{each, lanes8, lanes64};
use crate::{
    generator::{Generated, Generator},
    stack::Value,
    transfer::SCRATCH_XMM,
};

/// A shift by a count in a vector register, and by a constant.
type Shift = (Operation, LaneShift);

const LEFT16: Shift = (vector::LEFT16, LaneShift::Left16);
const LEFT32: Shift = (vector::LEFT32, LaneShift::Left32);
const LEFT64: Shift = (vector::LEFT64, LaneShift::Left64);
const RIGHT16_ZERO: Shift = (vector::RIGHT16_ZERO, LaneShift::Right16Zero);
const RIGHT32_ZERO: Shift = (vector::RIGHT32_ZERO, LaneShift::Right32Zero);
const RIGHT64_ZERO: Shift = (vector::RIGHT64_ZERO, LaneShift::Right64Zero);
const RIGHT16_SIGN: Shift = (vector::RIGHT16_SIGN, LaneShift::Right16Sign);
const RIGHT32_SIGN: Shift = (vector::RIGHT32_SIGN, LaneShift::Right32Sign);

/// How far to shift.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Count {
    Known(u8),
    /// It is in xmm15.
    Register,
}

impl Generator<'_> {
    each! {
        visit_i16x8_shl: shift_lanes(16, LEFT16);
        visit_i16x8_shr_u: shift_lanes(16, RIGHT16_ZERO);
        visit_i16x8_shr_s: shift_lanes(16, RIGHT16_SIGN);
        visit_i32x4_shl: shift_lanes(32, LEFT32);
        visit_i32x4_shr_u: shift_lanes(32, RIGHT32_ZERO);
        visit_i32x4_shr_s: shift_lanes(32, RIGHT32_SIGN);
        visit_i64x2_shl: shift_lanes(64, LEFT64);
        visit_i64x2_shr_u: shift_lanes(64, RIGHT64_ZERO);
    }

    fn shift_lanes(&mut self, bits: u8, shift: Shift) -> Generated {
        let count = self.pop_value()?;
        let target = self.pop_vector()?;
        let count = self.count(count, bits, 0);
        self.shift_by(shift, target, count);
        self.push_vector(target);
        Ok(())
    }

    /// Takes a popped count; if it is not known, it goes to xmm15, so all registers that are
    /// wanted must be taken by now. `more` is added to it.
    fn count(&mut self, (ty, value): (ValType, Value), bits: u8, more: u8) -> Count {
        if let Value::Constant(count) = value {
            return Count::Known((count as u8 & (bits - 1)) + more);
        }
        self.load(ty, R11, value);
        self.free(value);
        self.asm.operate_immediate(Immediate::And, Width::W32, R11, i32::from(bits) - 1);
        if more != 0 {
            self.asm.operate_immediate(Immediate::Add, Width::W32, R11, more.into());
        }
        self.asm.operate(Operation::TO_VECTOR, Width::W32, SCRATCH_XMM, R11);
        Count::Register
    }

    fn shift_by(&mut self, (operation, by_constant): Shift, target: Xmm, count: Count) {
        match count {
            Count::Known(count) => self.asm.shift_lanes(by_constant, target, count),
            Count::Register => self.apply(operation, target, SCRATCH_XMM),
        }
    }

    /// What would cross into the next byte is cleared first.
    pub(crate) fn visit_i8x16_shl(&mut self) -> Generated {
        let count = self.pop_value()?;
        let target = self.pop_vector()?;
        let mask = self.new_xmm();
        let count = self.count(count, 8, 0);
        self.keep_low_bits(target, count, mask);
        self.shift_by(LEFT16, target, count);
        self.registers.free_xmm(mask);
        self.push_vector(target);
        Ok(())
    }

    /// What has crossed from the next byte is cleared afterwards.
    pub(crate) fn visit_i8x16_shr_u(&mut self) -> Generated {
        let count = self.pop_value()?;
        let target = self.pop_vector()?;
        let mask = self.new_xmm();
        let count = self.count(count, 8, 0);
        self.shift_by(RIGHT16_ZERO, target, count);
        self.keep_low_bits(target, count, mask);
        self.registers.free_xmm(mask);
        self.push_vector(target);
        Ok(())
    }

    /// Clears the highest `count` bits of every byte. May use `mask`.
    fn keep_low_bits(&mut self, target: Xmm, count: Count, mask: Xmm) {
        if let Count::Known(count) = count {
            let known = self.known(lanes8(0xff >> count));
            self.apply(vector::AND, target, known);
            return;
        }
        self.apply(vector::EQUAL32, mask, mask);
        self.asm.shift_lanes(LaneShift::Right16Zero, mask, 8);
        self.shift_by(RIGHT16_ZERO, mask, count);
        self.apply(vector::NARROW16_UNSIGNED, mask, mask);
        self.apply(vector::AND, target, mask);
    }

    /// Bytes in the upper halves of lanes of 16 bits are shifted 8 bits further.
    pub(crate) fn visit_i8x16_shr_s(&mut self) -> Generated {
        let count = self.pop_value()?;
        let target = self.pop_vector()?;
        let upper = self.new_xmm();
        let count = self.count(count, 8, 8);
        self.copy_vector(upper, target);
        self.apply(vector::INTERLEAVE8_HIGH, upper, upper);
        self.apply(vector::INTERLEAVE8_LOW, target, target);
        self.shift_by(RIGHT16_SIGN, upper, count);
        self.shift_by(RIGHT16_SIGN, target, count);
        self.apply(vector::NARROW16_SIGNED, target, upper);
        self.registers.free_xmm(upper);
        self.push_vector(target);
        Ok(())
    }

    /// With zeros shifted in, and `m` the bit where the sign then is, `(a ^ m) - m` extends it.
    pub(crate) fn visit_i64x2_shr_s(&mut self) -> Generated {
        let count = self.pop_value()?;
        let target = self.pop_vector()?;
        let sign = self.new_xmm();
        let count = self.count(count, 64, 0);
        let highest = self.known(lanes64(1 << 63));
        self.copy_vector(sign, highest);
        self.shift_by(RIGHT64_ZERO, sign, count);
        self.shift_by(RIGHT64_ZERO, target, count);
        self.apply(vector::XOR, target, sign);
        self.apply(vector::SUBTRACT64, target, sign);
        self.registers.free_xmm(sign);
        self.push_vector(target);
        Ok(())
    }
}
