//! A small x86-64 emitter with labels.
//!
//! Instructions that the baseline compiler emits are encoded by ours, which the tests compare with
//! `cranelift-assembler-x64`; that one is fuzzed against two disassemblers, and encodes the rest.
//! Labels and the buffer are ours. One emitter is meant to be used for many functions:
//! [`Emitter::finish`] leaves it empty but keeps its memory.
//!
//! ```
//! use tierup_asm::{Emitter, RAX, Width};
//!
//! let mut asm = Emitter::new();
//! asm.move_immediate(Width::W32, RAX, 42);
//! asm.ret(0);
//! assert_eq!(asm.finish(), [0xb8, 42, 0, 0, 0, 0xc3]);
//! ```
#![forbid(unsafe_code)]

mod emitter;
mod encode;
mod operand;
mod operation;
pub mod vector;
mod sink;

pub use emitter::{Condition, Emitter, Label};
pub use encode::RegisterNumber;
pub use operand::{
    Address, R8, R9, R10, R11, R12, R13, R14, R15, RAX, RBP, RBX, RCX, RDI, RDX, RSI, RSP, Width,
};
pub use operation::{FloatOperation, Immediate, Operand, Operation, Shift, Unary};
pub use vector::LaneShift;
