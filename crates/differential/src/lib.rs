//! Do all ways to run a module lead to the same?
//!
//! Generated modules run in every mode of the engine and in `wasmi`, and everything that can be
//! seen from outside is compared, bit by bit. The tests use fixed seeds; the fuzz target in
//! `fuzz/` does the same with bytes that a fuzzer chooses.
#![forbid(unsafe_code)]

mod random;
pub mod generate;
mod observe;
mod contest;
mod in_tierup;
mod in_wasmi;
mod wasmi_faults;

pub use contest::{Contest, Mismatch, Summary};
pub use in_tierup::{Fuel, Mode};
pub use random::Random;
