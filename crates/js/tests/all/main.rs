//! The tests of the JavaScript API: scripts in `tests/api`, in several modes; and what Rust sees.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "counts of tests are told")]

mod harness;
mod embedding;
mod shell;
mod web;
mod fetching;
