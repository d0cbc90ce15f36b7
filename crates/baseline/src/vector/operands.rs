//! Operands of vector operators, and the shapes that most of them have.

use tierup_abi::Xmm;
use tierup_asm::{Operand, Operation, Width, vector};
use tierup_wasm::ValType;

use crate::{
    generator::{Generated, Generator},
    stack::Value,
    transfer::SCRATCH_XMM,
};

/// Which operand an instruction with two changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// The left one.
    Fixed,
    /// The right one.
    Reversed,
    /// Whichever is at hand.
    Commutes,
}

/// Methods that do one thing with arguments.
macro_rules! each {
    ($($visit:ident: $method:ident($($argument:expr),*);)*) => {$(
        pub(crate) fn $visit(&mut self) -> crate::generator::Generated {
            self.$method($($argument),*)
        }
    )*};
}

pub(super) use each;

impl Generator<'_> {
    /// Pops a vector into a register that may be changed.
    pub(super) fn pop_vector(&mut self) -> Generated<Xmm> {
        self.pop_xmm()
    }

    /// Pops a vector into a register that is only read.
    pub(super) fn pop_readable_vector(&mut self) -> Generated<Xmm> {
        let (ty, value) = self.pop_value()?;
        Ok(self.readable_xmm(ty, value))
    }

    /// Pops a vector that can be read in place: from a register, the frame or the constants.
    pub(super) fn pop_vector_operand(&mut self) -> Generated<(Operand, Value)> {
        let (_, value) = self.pop_value()?;
        Ok(self.vector_operand(value))
    }

    /// A popped vector as an operand of an instruction. What it occupies is to be freed.
    fn vector_operand(&mut self, value: Value) -> (Operand, Value) {
        match value {
            Value::Memory(address) => (address.into(), value),
            Value::Vector(constant) => (self.constant_label(constant).into(), value),
            _ => {
                let register = self.readable_xmm(ValType::V128, value);
                (register.into(), Value::Xmm(register))
            }
        }
    }

    /// Pops two vectors: one in a register that may be changed, the other to be read.
    pub(super) fn pop_vectors(&mut self, order: Order) -> Generated<(Xmm, Operand, Value)> {
        let (_, right) = self.pop_value()?;
        let (_, left) = self.pop_value()?;
        let is_own =
            |value| matches!(value, Value::Xmm(register) if self.registers.is_operands(register));
        let turns = match order {
            Order::Fixed => false,
            Order::Reversed => true,
            Order::Commutes => is_own(right) && !is_own(left),
        };
        let (changed, read) = if turns { (right, left) } else { (left, right) };
        let target = self.own_xmm(ValType::V128, changed);
        let (operand, read) = self.vector_operand(read);
        Ok((target, operand, read))
    }

    /// Pushes a vector.
    pub(super) fn push_vector(&mut self, register: Xmm) {
        self.push_xmm(ValType::V128, register);
    }

    /// Emits an operation on all lanes.
    pub(super) fn apply(&mut self, operation: Operation, target: Xmm, operand: impl Into<Operand>) {
        self.asm.operate(operation, Width::W32, target, operand);
    }

    /// Emits an operation on all lanes with a byte that says how.
    pub(super) fn apply_byte(
        &mut self,
        operation: (Operation, u8),
        target: Xmm,
        operand: impl Into<Operand>,
    ) {
        self.asm.operate_byte(operation, Width::W32, target, operand);
    }

    /// `target = source`, all bits.
    pub(super) fn copy_vector(&mut self, target: Xmm, source: impl Into<Operand>) {
        self.apply(Operation::MOVE_VECTOR, target, source);
    }

    /// A known vector as an operand.
    pub(super) fn known(&mut self, bits: u128) -> Operand {
        let constant = self.constant(bits);
        self.constant_label(constant).into()
    }

    /// Flips all bits. Uses xmm15.
    pub(super) fn invert(&mut self, target: Xmm) {
        self.apply(vector::EQUAL32, SCRATCH_XMM, SCRATCH_XMM);
        self.apply(vector::XOR, target, SCRATCH_XMM);
    }

    /// `register = 0`
    pub(super) fn clear(&mut self, register: Xmm) {
        self.apply(Operation::XOR_VECTOR, register, register);
    }

    /// An operator that is one instruction with two operands.
    pub(super) fn vector_binary(&mut self, operation: Operation, order: Order) -> Generated {
        let (target, operand, read) = self.pop_vectors(order)?;
        self.apply(operation, target, operand);
        self.free(read);
        self.push_vector(target);
        Ok(())
    }

    /// An operator that is one instruction with one operand.
    pub(super) fn vector_unary(&mut self, operation: Operation) -> Generated {
        let (operand, read) = self.pop_vector_operand()?;
        self.free(read);
        let target = self.new_xmm();
        self.apply(operation, target, operand);
        self.push_vector(target);
        Ok(())
    }
}

/// A vector of equal lanes of 8 bits.
pub(super) fn lanes8(lane: u8) -> u128 {
    u128::from_le_bytes([lane; 16])
}

/// A vector of equal lanes of 16 bits.
pub(super) fn lanes16(lane: u16) -> u128 {
    lanes32(u32::from(lane) << 16 | u32::from(lane))
}

/// A vector of equal lanes of 32 bits.
pub(super) fn lanes32(lane: u32) -> u128 {
    lanes64(u64::from(lane) << 32 | u64::from(lane))
}

/// A vector of equal lanes of 64 bits.
pub(super) fn lanes64(lane: u64) -> u128 {
    u128::from(lane) << 64 | u128::from(lane)
}
