//! When to compile what with which compiler.
//!
//! Tiering knows modules, units and compilers; it does not know stores or running code. The
//! runtime asks it, through hooks, when a function without code is called.
#![forbid(unsafe_code)]

mod counters;
mod gate;
mod lazy;
mod eager;

pub use counters::{CompileCounters, TierCounts};
pub use lazy::{FunctionCompiler, Target, Validation};
