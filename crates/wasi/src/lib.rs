//! WASI preview 1 for Tierup.
//!
//! A [`WasiContext`] is everything that one program can reach; [`WasiContext::builder`] makes one.
//!
//! ```text
//!   link       the functions as imports of a module
//!   memory     the program's memory: every address and length is checked there, and only there
//!   functions  the 46 calls, a file for each group, and the table of their signatures
//!   table      descriptors: file, directory, buffer, with rights
//!   resolve    paths that cannot leave their directory
//! ```
//!
//! Nothing here is unsafe, nothing panics on what a program passes, and nothing grows with a number
//! that a program chose.
#![forbid(unsafe_code)]

mod context;
mod builder;
mod link;
mod functions;
mod memory;
mod table;
mod descriptor;
mod file;
mod buffer;
mod resolve;
mod clocks;
mod random;
mod rights;
mod flags;
mod types;
mod errno;

#[cfg(test)]
mod tests;

pub use buffer::OutputBuffer;
pub use builder::{BuildError, Preopen, Stdin, Stdout, WasiBuilder};
pub use clocks::{Clock, Clocks, HostClocks};
pub use context::WasiContext;
pub use errno::Errno;
pub use functions::Exit;
pub use link::add_to_linker;
pub use random::{HostRandom, RandomSource};
pub use resolve::PathResolution;
pub use rights::Rights;
