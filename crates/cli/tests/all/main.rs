//! The command as its users see it: what they type, what is printed, how it ends.
//!
//! Each test makes its modules in a directory of its own and spawns the command there, so that file
//! names in commands and messages are short.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod code;
mod inspect;
mod page;
mod support;
mod bad_input;
mod damaged;
mod sandbox;
mod wild;
mod traps;
mod options;
mod statistics;
mod streams;
mod scripts;
mod examples;
mod javascript;
