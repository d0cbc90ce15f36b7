//! What the tests of all compilers share: from text to machine code, golden files, and checks
//! that time grows with the size of what is compiled.
//!
//! It knows compilers by their trait only. Everything panics where something goes wrong, as tests
//! do.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod function;
mod golden;
mod growth;
pub mod shapes;

pub use function::{binary_module, compile, compile_with, disassemble, instructions, module};
pub use golden::assert_golden;
pub use growth::{Growth, thread_time};
