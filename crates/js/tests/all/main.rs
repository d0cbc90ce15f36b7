//! The tests of the JavaScript API: scripts in `tests/api`, in several modes; and what Rust sees.

mod harness;
mod embedding;
mod shell;
