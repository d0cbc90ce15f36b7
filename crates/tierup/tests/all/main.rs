//! Tests of everything above the compilers, through the public API.
//!
//! Modules are text in the tests. Whatever does not depend on how memories are checked runs in
//! guard mode only; tests of memories run in both modes.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod budgeted;
mod support;

mod arriving;
mod calls;
mod collecting;
mod configs;
mod contributing;
mod estimates;
mod faults;
mod flushing;
mod tenants;
mod garbage;
mod churn;
mod frames;
mod fuel;
mod heap;
mod heap_stack;
mod host;
mod interrupts;
mod origins;
mod linking;
mod protection;
mod replacing;
mod stacks;
mod threads;
mod tiering;
mod tiering_ends;
mod tiers;
mod traps;
mod sharing;
mod wrappers;
