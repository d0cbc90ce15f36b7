//! Registers and memory operands.

use cranelift_assembler_x64::{
    Amode, AmodeOffset, AmodeOffsetPlusKnownOffset, AsReg, GprMem, Registers, XmmMem,
};
use tierup_abi::{Gpr, Xmm};

/// `rax`
pub const RAX: Gpr = Gpr(0);
/// `rcx`
pub const RCX: Gpr = Gpr(1);
/// `rdx`
pub const RDX: Gpr = Gpr(2);
/// `rbx`
pub const RBX: Gpr = Gpr(3);
/// `rsp`
pub const RSP: Gpr = Gpr(4);
/// `rbp`
pub const RBP: Gpr = Gpr(5);
/// `rsi`
pub const RSI: Gpr = Gpr(6);
/// `rdi`
pub const RDI: Gpr = Gpr(7);
/// `r8`
pub const R8: Gpr = Gpr(8);
/// `r9`
pub const R9: Gpr = Gpr(9);
/// `r10`
pub const R10: Gpr = Gpr(10);
/// `r11`
pub const R11: Gpr = Gpr(11);
/// `r12`
pub const R12: Gpr = Gpr(12);
/// `r13`
pub const R13: Gpr = Gpr(13);
/// `r14`
pub const R14: Gpr = Gpr(14);
/// `r15`
pub const R15: Gpr = Gpr(15);

/// Width of an integer operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// 32 bits; writing a register clears its upper half.
    W32,
    /// 64 bits.
    W64,
}

/// The memory at `base + offset`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Address {
    /// Register with the base address.
    pub base: Gpr,
    /// Added to it, in bytes.
    pub offset: i32,
}

impl Address {
    /// The memory at `base + offset`.
    pub fn new(base: Gpr, offset: i32) -> Self {
        Self { base, offset }
    }

    /// The memory `bytes` further on.
    #[must_use]
    pub fn plus(self, bytes: i32) -> Self {
        Self { offset: self.offset + bytes, ..self }
    }

    pub(crate) fn amode(self) -> Amode<Register> {
        Amode::ImmReg {
            base: Register(self.base.0),
            simm32: AmodeOffsetPlusKnownOffset {
                simm32: AmodeOffset::new(self.offset),
                offset: None,
            },
            trap: None,
        }
    }

    pub(crate) fn gpr_operand(self) -> GprMem<Register, Register> {
        GprMem::Mem(self.amode())
    }

    pub(crate) fn xmm_operand(self) -> XmmMem<Register, Register> {
        XmmMem::Mem(self.amode())
    }
}

/// A register of either class, as Cranelift's assembler wants it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Register(pub(crate) u8);

impl From<Gpr> for Register {
    fn from(gpr: Gpr) -> Self {
        Self(gpr.0)
    }
}

impl From<Xmm> for Register {
    fn from(xmm: Xmm) -> Self {
        Self(xmm.0)
    }
}

impl AsReg for Register {
    fn new(encoding: u8) -> Self {
        Self(encoding)
    }

    fn enc(&self) -> u8 {
        self.0
    }
}

/// All registers are physical here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Physical;

impl Registers for Physical {
    type ReadGpr = Register;
    type ReadWriteGpr = Register;
    type WriteGpr = Register;
    type ReadXmm = Register;
    type ReadWriteXmm = Register;
    type WriteXmm = Register;
}
