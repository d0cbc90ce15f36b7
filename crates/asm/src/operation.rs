//! Operations by their opcodes, and the operands that they share.
//!
//! One table entry stands for all forms of an instruction that differ in registers and memory
//! operands only. The encodings are checked against Cranelift's assembler in the tests.

use tierup_abi::{Gpr, Xmm};

use crate::{Address, Label, Width};

/// An instruction without its operands: `reg, reg/mem`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operation {
    pub(crate) prefix: u8,
    /// Its `reg/mem` operand, if a register, is one of 8 bits.
    pub(crate) byte: bool,
    pub(crate) opcode_bytes: u8,
    /// One to three bytes, the first in the lowest.
    pub(crate) opcode: u32,
}

impl Operation {
    /// An operation by its opcode, as manuals write it: the first byte is the highest.
    pub(crate) const fn plain(opcode: u32) -> Self {
        let unused = opcode.leading_zeros() & !7;
        let opcode_bytes = ((u32::BITS - unused) / 8) as u8;
        let opcode = opcode.swap_bytes() >> unused;
        Self { prefix: 0, byte: false, opcode_bytes, opcode }
    }

    pub(crate) const fn prefixed(prefix: u8, opcode: u32) -> Self {
        Self { prefix, ..Self::plain(opcode) }
    }

    pub(crate) const fn byte(opcode: u32) -> Self {
        Self { byte: true, ..Self::plain(opcode) }
    }
}

macro_rules! operations {
    ($($(#[$meta:meta])* $name:ident = $make:ident($($arg:expr),*);)*) => {
        impl Operation {
            $($(#[$meta])* pub const $name: Self = Self::$make($($arg),*);)*
        }
    };
}

operations! {
    /// `reg = rm`
    LOAD = plain(0x8b);
    /// `rm = reg`
    STORE = plain(0x89);
    /// `rm = reg`, 8 bits
    STORE8 = byte(0x88);
    /// `rm = reg`, 16 bits
    STORE16 = prefixed(0x66, 0x89);
    /// `reg = rm`, 8 bits extended with zeros
    LOAD8_ZERO = byte(0x0fb6);
    /// `reg = rm`, 8 bits extended with the sign
    LOAD8_SIGN = byte(0x0fbe);
    /// `reg = rm`, 16 bits extended with zeros
    LOAD16_ZERO = plain(0x0fb7);
    /// `reg = rm`, 16 bits extended with the sign
    LOAD16_SIGN = plain(0x0fbf);
    /// `reg = rm`, 32 bits extended with the sign to 64
    LOAD32_SIGN = plain(0x63);
    /// `reg = address of rm`
    LOAD_ADDRESS = plain(0x8d);
    /// `reg += rm`
    ADD = plain(0x03);
    /// `reg |= rm`
    OR = plain(0x0b);
    /// `reg &= rm`
    AND = plain(0x23);
    /// `reg -= rm`
    SUBTRACT = plain(0x2b);
    /// `reg ^= rm`
    XOR = plain(0x33);
    /// flags of `reg - rm`
    COMPARE = plain(0x3b);
    /// flags of `rm & reg`
    TEST = plain(0x85);
    /// `reg *= rm`
    MULTIPLY = plain(0x0faf);
    /// `reg = index of rm's lowest bit`
    SCAN_FORWARD = plain(0x0fbc);
    /// `reg = index of rm's highest bit`
    SCAN_REVERSE = plain(0x0fbd);
    /// `reg = number of rm's bits`
    COUNT_BITS = prefixed(0xf3, 0x0fb8);
    /// `xmm = rm`, 32 or 64 bits from a general register
    TO_VECTOR = prefixed(0x66, 0x0f6e);
    /// `rm = xmm`, 32 or 64 bits to a general register
    FROM_VECTOR = prefixed(0x66, 0x0f7e);
    /// `xmm = rm`, all bits
    MOVE_VECTOR = plain(0x0f28);
    /// `xmm = [rm]`, 32 bits
    LOAD_FLOAT32 = prefixed(0xf3, 0x0f10);
    /// `xmm = [rm]`, 64 bits
    LOAD_FLOAT64 = prefixed(0xf2, 0x0f10);
    /// `[rm] = xmm`, 32 bits
    STORE_FLOAT32 = prefixed(0xf3, 0x0f11);
    /// `[rm] = xmm`, 64 bits
    STORE_FLOAT64 = prefixed(0xf2, 0x0f11);
    /// `xmm &= rm`
    AND_VECTOR = plain(0x0f54);
    /// `xmm |= rm`
    OR_VECTOR = plain(0x0f56);
    /// `xmm ^= rm`
    XOR_VECTOR = plain(0x0f57);
}

/// An operation on floats, of one of two widths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatOperation {
    /// `reg += rm`
    Add = 0x58,
    /// `reg *= rm`
    Multiply = 0x59,
    /// `reg -= rm`
    Subtract = 0x5c,
    /// `reg = reg < rm ? reg : rm`
    Minimum = 0x5d,
    /// `reg /= rm`
    Divide = 0x5e,
    /// `reg = reg > rm ? reg : rm`
    Maximum = 0x5f,
    /// `reg = sqrt(rm)`
    SquareRoot = 0x51,
    /// `reg = rm` in the other width
    Resize = 0x5a,
    /// `xmm = integer rm`
    FromInteger = 0x2a,
    /// `integer reg = rm`, rounded to zero
    ToInteger = 0x2c,
}

impl FloatOperation {
    /// The operation on floats of that width.
    pub const fn of(self, width: Width) -> Operation {
        let prefix = match width {
            Width::W32 => 0xf3,
            Width::W64 => 0xf2,
        };
        Operation::prefixed(prefix, 0x0f00 | self as u32)
    }

    /// The operation on all lanes of that width.
    pub const fn vector(self, width: Width) -> Operation {
        let prefix = match width {
            Width::W32 => 0,
            Width::W64 => 0x66,
        };
        Operation::prefixed(prefix, 0x0f00 | self as u32)
    }

    /// Flags of an unordered comparison of floats of that width.
    pub const fn compare(width: Width) -> Operation {
        match width {
            Width::W32 => Operation::plain(0x0f2e),
            Width::W64 => Operation::prefixed(0x66, 0x0f2e),
        }
    }
}

/// An operation on `reg/mem` and a constant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Immediate {
    /// `rm += value`
    Add = 0,
    /// `rm |= value`
    Or = 1,
    /// `rm &= value`
    And = 4,
    /// `rm -= value`
    Subtract = 5,
    /// `rm ^= value`
    Xor = 6,
    /// flags of `rm - value`
    Compare = 7,
}

/// A shift or rotation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shift {
    /// Rotates to the left.
    RotateLeft = 0,
    /// Rotates to the right.
    RotateRight = 1,
    /// Shifts to the left.
    Left = 4,
    /// Shifts zeros in.
    RightZero = 5,
    /// Shifts the sign in.
    RightSign = 7,
}

/// An operation on `reg/mem` alone, or with `rax` and `rdx`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unary {
    /// `rm = -rm`
    Negate = 3,
    /// Divides without sign.
    DivideUnsigned = 6,
    /// Divides with sign.
    DivideSigned = 7,
}

/// A register of either class, or memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    /// A register by its number.
    Register(u8),
    /// `[base + index << scale + offset]`
    Memory {
        /// The base register.
        base: Gpr,
        /// The index register, not `rsp`, and the log2 of its scale.
        index: Option<(Gpr, u8)>,
        /// Added, in bytes.
        offset: i32,
    },
    /// What lies at a place in the code.
    Label(Label),
}

impl From<Gpr> for Operand {
    fn from(register: Gpr) -> Self {
        Self::Register(register.0)
    }
}

impl From<Xmm> for Operand {
    fn from(register: Xmm) -> Self {
        Self::Register(register.0)
    }
}

impl From<Label> for Operand {
    fn from(label: Label) -> Self {
        Self::Label(label)
    }
}

impl From<Address> for Operand {
    fn from(address: Address) -> Self {
        Self::Memory { base: address.base, index: None, offset: address.offset }
    }
}
