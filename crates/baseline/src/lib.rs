//! The baseline compiler: WebAssembly to x86-64 machine code in one pass.
//!
//! ```text
//!  body ──► operators ──► Generator ──► Compiled
//!           dispatch      operand stack of constants, registers, locals and frame slots;
//!                         code is emitted when a value is needed in a certain place
//! ```
//!
//! The machine code keeps to the contract of `tierup-abi`, like optimized code: the same
//! convention, frames, traps, safepoints and polls.
//!
//! # A frame
//!
//! ```text
//!  rbp + 16   stack arguments; locals that came there stay there
//!  rbp        caller's rbp
//!  rbp - 8    callee-saved registers that are used, result area pointer
//!             locals that are not in registers, 8 bytes each, vectors 16
//!             operands in order, 8 bytes each, vectors 16
//!  rsp        outgoing stack arguments
//! ```
//!
//! Vectors are aligned to 16 bytes, so instructions read them in place. The operands' slots follow
//! from their types alone, so they are the same on all ways to a join.
//!
//! # Registers
//!
//! | register | use |
//! |---|---|
//! | r14 | the instance |
//! | r15 | base of memory 0, if it never moves |
//! | rbx r12 r13 | integer locals, for the whole function |
//! | xmm8 to xmm14 | float and vector locals that are worth it (`scan`), for the whole function; else operands |
//! | rax rcx rdx rsi rdi r8 r9, xmm0 to xmm7 | operands |
//! | r10 r11, xmm15 | within one operator |
//!
//! # Invariants
//!
//! * [BA-ZERO] a 32-bit operand in a register has zeros in its upper half.
//! * [BA-BELOW] operands below the innermost open construct are constants or in their slots.
//! * [BA-FLOOR] operands below `floor` are constants or in their slots.
//! * [BA-FLAGS] only the topmost operand can be in the flags, and only until the next operator.
#![forbid(unsafe_code)]

mod compiler;
mod workspace;
mod operators;
mod validate;
mod scan;
mod generator;
mod frame;
mod registers;
mod stack;
mod constants;
mod transfer;
mod control;
mod branch;
mod call;
mod callee;
mod builtin;
mod budget;
mod replacement;
mod fuel;
mod destination;
mod numeric;
mod divide;
mod float;
mod convert;
mod vector;
mod address;
mod memory;
mod variable;
mod table;
mod finish;

pub use compiler::Baseline;
