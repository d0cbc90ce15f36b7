//! Operators on all bits, and from lanes to single bits.

use tierup_asm::{Condition, Operation, vector};
use tierup_wasm::ValType;

use super::operands::{Order, each};
use crate::{
    generator::{Generated, Generator},
    stack::Place,
    transfer::SCRATCH_XMM,
};

impl Generator<'_> {
    each! {
        visit_v128_and: vector_binary(vector::AND, Order::Commutes);
        visit_v128_or: vector_binary(vector::OR, Order::Commutes);
        visit_v128_xor: vector_binary(vector::XOR, Order::Commutes);
        visit_v128_andnot: vector_binary(vector::AND_NOT, Order::Reversed);
        visit_i8x16_all_true: all_true(vector::EQUAL8);
        visit_i16x8_all_true: all_true(vector::EQUAL16);
        visit_i32x4_all_true: all_true(vector::EQUAL32);
        visit_i64x2_all_true: all_true(vector::EQUAL64);
        visit_i8x16_bitmask: bitmask(vector::SIGNS8);
        visit_i32x4_bitmask: bitmask(vector::SIGNS32);
        visit_i64x2_bitmask: bitmask(vector::SIGNS64);
    }

    pub(crate) fn visit_v128_not(&mut self) -> Generated {
        let target = self.pop_vector()?;
        self.invert(target);
        self.push_vector(target);
        Ok(())
    }

    /// `(a ^ b) & c ^ b` has `a`'s bits where `c` has one, and `b`'s elsewhere.
    pub(crate) fn visit_v128_bitselect(&mut self) -> Generated {
        let (choice, choice_read) = self.pop_vector_operand()?;
        let (otherwise, otherwise_read) = self.pop_vector_operand()?;
        let target = self.pop_vector()?;
        self.apply(vector::XOR, target, otherwise);
        self.apply(vector::AND, target, choice);
        self.apply(vector::XOR, target, otherwise);
        self.free(choice_read);
        self.free(otherwise_read);
        self.push_vector(target);
        Ok(())
    }

    pub(crate) fn visit_v128_any_true(&mut self) -> Generated {
        let register = self.pop_readable_vector()?;
        self.apply(vector::TEST, register, register);
        self.registers.free_xmm(register);
        self.push(ValType::I32, Place::Flags(Condition::NotEqual));
        Ok(())
    }

    /// No lane is equal to 0.
    fn all_true(&mut self, equal: Operation) -> Generated {
        let (operand, read) = self.pop_vector_operand()?;
        self.clear(SCRATCH_XMM);
        self.apply(equal, SCRATCH_XMM, operand);
        self.apply(vector::TEST, SCRATCH_XMM, SCRATCH_XMM);
        self.free(read);
        self.push(ValType::I32, Place::Flags(Condition::Equal));
        Ok(())
    }

    /// The lanes' highest bits.
    fn bitmask(&mut self, signs: Operation) -> Generated {
        let source = self.pop_readable_vector()?;
        let target = self.new_gpr();
        self.asm.operate(signs, tierup_asm::Width::W32, target, source);
        self.registers.free_xmm(source);
        self.push_gpr(ValType::I32, target);
        Ok(())
    }

    /// Narrowing keeps signs; the upper half becomes 0.
    pub(crate) fn visit_i16x8_bitmask(&mut self) -> Generated {
        let source = self.pop_vector()?;
        self.clear(SCRATCH_XMM);
        self.apply(vector::NARROW16_SIGNED, source, SCRATCH_XMM);
        self.push_vector(source);
        self.bitmask(vector::SIGNS8)
    }
}
