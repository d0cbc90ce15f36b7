//! The emitter: one method for each instruction that we use.

use std::num::NonZeroU8;

use cranelift_assembler_x64::{GprMem, TrapCode, XmmMem, inst};
use tierup_abi::{Gpr, Xmm};

use crate::{
    Address, Operation, RSP, Width,
    operand::{Physical, Register},
    sink::Sink,
};

/// Appends instructions to a buffer and resolves jumps inside it.
#[derive(Debug, Default)]
pub struct Emitter {
    pub(crate) sink: Sink,
    /// Offset of each label, once bound.
    pub(crate) labels: Vec<Option<u32>>,
    /// Offsets of 32-bit fields that want the distance to a label from so many bytes behind them.
    pub(crate) fixups: Vec<(u32, u32, Label)>,
}

/// A place in the code, bound now or later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label(u32);

impl Label {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// When a conditional jump is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Condition {
    /// Signed overflow.
    Overflow = 0,
    /// No signed overflow.
    NoOverflow = 1,
    /// Less without sign; unordered.
    Below = 2,
    /// Greater or equal without sign.
    AboveEqual = 3,
    /// Equal, or zero.
    Equal = 4,
    /// Not equal, or not zero.
    NotEqual = 5,
    /// Less or equal without sign; unordered.
    BelowEqual = 6,
    /// Greater without sign.
    Above = 7,
    /// Negative.
    Sign = 8,
    /// Not negative.
    NoSign = 9,
    /// Unordered.
    Parity = 10,
    /// Ordered.
    NoParity = 11,
    /// Less.
    Less = 12,
    /// Greater or equal.
    GreaterEqual = 13,
    /// Less or equal.
    LessEqual = 14,
    /// Greater.
    Greater = 15,
}

impl Condition {
    const ALL: [Self; 16] = [
        Self::Overflow,
        Self::NoOverflow,
        Self::Below,
        Self::AboveEqual,
        Self::Equal,
        Self::NotEqual,
        Self::BelowEqual,
        Self::Above,
        Self::Sign,
        Self::NoSign,
        Self::Parity,
        Self::NoParity,
        Self::Less,
        Self::GreaterEqual,
        Self::LessEqual,
        Self::Greater,
    ];

    /// The condition that holds exactly if this one does not.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self::ALL[usize::from(self as u8 ^ 1)]
    }
}

/// The assembler wants a code with each trapping instruction; ours are recorded elsewhere.
const UNREACHABLE: TrapCode = TrapCode(NonZeroU8::MIN);

impl Emitter {
    /// An empty emitter.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of bytes so far.
    #[inline]
    pub fn offset(&self) -> u32 {
        self.sink.len() as u32
    }

    /// Bytes of code that it has memory for.
    pub fn capacity(&self) -> usize {
        self.sink.capacity()
    }

    /// Resolves all jumps, returns the code, and leaves the emitter empty.
    ///
    /// # Panics
    ///
    /// If a label was used and never bound.
    pub fn finish(&mut self) -> Vec<u8> {
        let code = self.sink.as_mut_slice();
        for (field, behind, label) in self.fixups.drain(..) {
            let target = self.labels[label.0 as usize].expect("a label that is used gets bound");
            let distance = target.wrapping_sub(field + 4 + behind);
            let field = field as usize;
            code[field..field + 4].copy_from_slice(&distance.to_le_bytes());
        }
        self.labels.clear();
        let code = self.sink.as_slice().to_vec();
        self.sink.clear();
        code
    }

    /// A label that is not bound yet.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() as u32 - 1)
    }

    /// Binds `label` to the next instruction.
    pub fn bind(&mut self, label: Label) {
        self.labels[label.0 as usize] = Some(self.offset());
    }

    /// Returns, and pops `bytes` of stack arguments.
    pub fn ret(&mut self, bytes: u16) {
        match bytes {
            0 => inst::retq_zo::new().encode(&mut self.sink),
            _ => inst::retq_i::new(bytes).encode(&mut self.sink),
        }
    }

    /// `target = source`
    pub fn move_register(&mut self, target: Gpr, source: Gpr) {
        self.operate(Operation::LOAD, Width::W64, target, source);
    }

    /// `target += source`, 32 bits.
    pub fn add(&mut self, target: Gpr, source: Gpr) {
        self.operate(Operation::ADD, Width::W32, target, source);
    }

    /// `target -= source`, 32 bits.
    pub fn subtract(&mut self, target: Gpr, source: Gpr) {
        self.operate(Operation::SUBTRACT, Width::W32, target, source);
    }

    /// `target = [source]`
    #[inline]
    pub fn load(&mut self, width: Width, target: Gpr, source: Address) {
        self.operate(Operation::LOAD, width, target, source);
    }

    /// `[target] = source`
    #[inline]
    pub fn store(&mut self, width: Width, target: Address, source: Gpr) {
        self.operate(Operation::STORE, width, source, target);
    }

    /// `[target] = value`, 64 bits, sign-extended.
    pub fn store_immediate(&mut self, target: Address, value: i32) {
        self.store_constant(8, target, value);
    }

    /// `target = [source]`, 128 bits, any alignment.
    pub fn load_vector(&mut self, target: Xmm, source: Address) {
        inst::movups_a::<Physical>::new(Register::from(target), source.xmm_operand())
            .encode(&mut self.sink);
    }

    /// `[target] = source`, 128 bits, any alignment.
    pub fn store_vector(&mut self, target: Address, source: Xmm) {
        let target: XmmMem<Register, Register> = target.xmm_operand();
        inst::movups_b::<Physical>::new(target, Register::from(source)).encode(&mut self.sink);
    }

    /// `target = address`
    pub fn load_address(&mut self, target: Gpr, address: Address) {
        self.operate(Operation::LOAD_ADDRESS, Width::W64, target, address);
    }

    /// `[target] += value`, 64 bits.
    pub fn add_to_memory(&mut self, target: Address, value: i8) {
        inst::addq_mi_sxb::<Physical>::new(target.gpr_operand(), value).encode(&mut self.sink);
    }

    /// Takes `bytes` of stack.
    pub fn take_stack(&mut self, bytes: u32) {
        if bytes != 0 {
            let rsp = GprMem::Gpr(Register::from(RSP));
            inst::subq_mi_sxl::<Physical>::new(rsp, bytes as i32).encode(&mut self.sink);
        }
    }

    /// Sets the flags for `register & register`, 32 bits.
    pub fn test(&mut self, register: Gpr) {
        self.operate(Operation::TEST, Width::W32, register, register);
    }

    /// Raises an invalid-instruction fault.
    pub fn trap(&mut self) {
        inst::ud2_zo::new(UNREACHABLE).encode(&mut self.sink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{R12, R13, RAX, RBP, RDI};

    fn bytes(emit: impl FnOnce(&mut Emitter)) -> Vec<u8> {
        let mut asm = Emitter::new();
        emit(&mut asm);
        asm.finish()
    }

    #[test]
    fn memory_operands_of_every_base() {
        // r12 needs a scale byte, rbp and r13 need a displacement.
        assert_eq!(
            bytes(|a| a.load(Width::W64, RAX, Address::new(R12, 0))),
            [0x49, 0x8b, 0x04, 0x24]
        );
        assert_eq!(bytes(|a| a.load(Width::W32, RAX, Address::new(RBP, 0))), [0x8b, 0x45, 0x00]);
        assert_eq!(
            bytes(|a| a.store(Width::W64, Address::new(R13, 0), RDI)),
            [0x49, 0x89, 0x7d, 0x00]
        );
    }

    #[test]
    fn forward_and_backward_jumps() {
        let code = bytes(|asm| {
            let (start, end) = (asm.label(), asm.label());
            asm.bind(start);
            asm.jump_if(Condition::Equal, end);
            asm.jump_if(Condition::NotEqual, start);
            asm.bind(end);
            asm.ret(0);
        });
        assert_eq!(code, [0x0f, 0x84, 6, 0, 0, 0, 0x0f, 0x85, 0xf4, 0xff, 0xff, 0xff, 0xc3]);
    }

    #[test]
    fn an_emitter_is_used_again() {
        let mut asm = Emitter::new();
        asm.ret(16);
        assert_eq!(asm.finish(), [0xc2, 16, 0]);
        asm.trap();
        assert_eq!(asm.finish(), [0x0f, 0x0b]);
    }
}
