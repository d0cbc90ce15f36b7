//! The optimizing compiler: WebAssembly to Cranelift IR, Cranelift, and back to plain data.
//!
//! ```text
//!  Request ──► translate ──► Cranelift ──► finish ──► Compiled
//!  module,     operators     machine       relocations, traps,
//!  layout      to IR         code          positions, safepoints
//! ```
//!
//! The machine code keeps to the contract of `tierup-abi`: Cranelift's `Tail` convention with the
//! instance as first argument, direct calls through cells, a check of the stack limit at entry
//! and of its sign at loop headers.
//!
//! Not here: when to compile what, and where the code goes.
#![forbid(unsafe_code)]

mod compiler;
mod host;
mod workspace;
mod allowance;
mod phases;
mod translate;
mod phis;
mod arms;
mod condition;
mod constants;
mod nests;
mod finish;

pub use compiler::Optimizing;
pub use host::HostError;
