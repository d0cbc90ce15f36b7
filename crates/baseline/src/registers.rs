//! Which registers hold operands.

use tierup_abi::{Gpr, Xmm};
use tierup_asm::{R8, R9, RAX, RCX, RDI, RDX, RSI};

use crate::{
    generator::Generator,
    stack::{Entry, Place},
};

/// General registers for operands: rax rcx rdx rsi rdi r8 r9.
const OPERAND_GPRS: u16 =
    1 << RAX.0 | 1 << RCX.0 | 1 << RDX.0 | 1 << RSI.0 | 1 << RDI.0 | 1 << R8.0 | 1 << R9.0;

/// Vector registers for operands: all but the last, and but those of locals.
const OPERAND_XMMS: u16 = 0x7fff;

/// Vector registers that can hold locals: those that carry no arguments.
pub(crate) const LOCAL_XMMS: [Xmm; 7] =
    [Xmm(8), Xmm(9), Xmm(10), Xmm(11), Xmm(12), Xmm(13), Xmm(14)];

/// The operand registers that are free: those that belong to no operand on the stack and are not
/// in use by the current operator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers {
    gprs: u16,
    xmms: u16,
    /// Vector registers of operands, taken or not.
    operand_xmms: u16,
}

impl Default for Registers {
    fn default() -> Self {
        Self { gprs: OPERAND_GPRS, xmms: OPERAND_XMMS, operand_xmms: OPERAND_XMMS }
    }
}

impl Registers {
    /// Gives a register back. Others than operands' are left alone.
    pub(crate) fn free_gpr(&mut self, register: Gpr) {
        self.gprs |= 1 << register.0 & OPERAND_GPRS;
    }

    /// Gives a register back.
    pub(crate) fn free_xmm(&mut self, register: Xmm) {
        self.xmms |= 1 << register.0 & self.operand_xmms;
    }

    /// Takes a register from operands for good.
    pub(crate) fn give_to_local(&mut self, register: Xmm) {
        self.operand_xmms &= !(1 << register.0);
        self.take_xmm(register);
    }

    /// All operand registers are free.
    pub(crate) fn free_all(&mut self) {
        (self.gprs, self.xmms) = (OPERAND_GPRS, self.operand_xmms);
    }

    /// Whether a register can hold an operand.
    pub(crate) fn is_operands(&self, register: Xmm) -> bool {
        self.operand_xmms & 1 << register.0 != 0
    }

    /// Marks a register as taken.
    pub(crate) fn take_gpr(&mut self, register: Gpr) {
        self.gprs &= !(1 << register.0);
    }

    /// Marks a register as taken.
    pub(crate) fn take_xmm(&mut self, register: Xmm) {
        self.xmms &= !(1 << register.0);
    }
}

/// Whether a register can hold an operand.
pub(crate) fn holds_operands(register: Gpr) -> bool {
    OPERAND_GPRS & 1 << register.0 != 0
}

impl Generator<'_> {
    /// A free general register, now taken. Keeps the flags.
    pub(crate) fn new_gpr(&mut self) -> Gpr {
        if self.registers.gprs == 0 {
            self.evict(|entry| matches!(entry.place, Place::Gpr(_)));
        }
        let register = Gpr(self.registers.gprs.trailing_zeros() as u8);
        self.registers.take_gpr(register);
        register
    }

    /// A free vector register, now taken. Keeps the flags.
    pub(crate) fn new_xmm(&mut self) -> Xmm {
        if self.registers.xmms == 0 {
            self.evict(|entry| matches!(entry.place, Place::Xmm(_)));
        }
        let register = Xmm(self.registers.xmms.trailing_zeros() as u8);
        self.registers.take_xmm(register);
        register
    }

    /// Takes a certain register: what is there goes elsewhere. The current operator must not
    /// have it. Keeps the flags.
    pub(crate) fn claim(&mut self, register: Gpr) {
        if self.registers.gprs & 1 << register.0 == 0 {
            let index = (self.floor..self.stack.len())
                .rev()
                .find(|&index| self.stack[index].place == Place::Gpr(register));
            if let Some(index) = index {
                self.spill(index);
            }
        }
        self.registers.take_gpr(register);
    }

    /// Moves the deepest operand of some kind to its slot.
    fn evict(&mut self, wanted: impl Fn(&Entry) -> bool) {
        let mut passed = 0;
        while self.floor < self.stack.len() && self.stack[self.floor].is_settled() {
            self.floor += 1;
        }
        for index in self.floor..self.stack.len() {
            if wanted(&self.stack[index]) {
                self.spill(index);
                return;
            }
            // Many operands that are no registers are made settled, so that they are passed once.
            passed += 1;
            if passed > 32 {
                self.spill(index);
            }
        }
    }
}
