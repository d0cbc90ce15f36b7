//! Locks, atomics and threads of this project, in one place so that loom can stand in for them.
//!
//! * [`Mutex`] owns its data, has a [`Rank`], and never poisons: a thread takes locks in
//!   increasing rank, which debug builds check.
//! * [`atomic`] and [`Arc`] are std's, or loom's under `--cfg loom`.
//! * [`SharedMap`] makes values once for each key and shares them while somebody has one.
//! * [`cores`] is how many threads can run at once.
//! * [`hammer`] runs a closure on threads that start together.
#![forbid(unsafe_code)]

pub mod atomic;
mod mutex;
mod rank;
mod hammer;
mod cores;
mod shared_map;

pub use cores::cores;
pub use hammer::hammer;
pub use mutex::{Condvar, Mutex, MutexGuard};
pub use rank::Rank;
pub use shared_map::{Origin, SharedMap};

#[cfg(loom)]
pub use loom::{sync::Arc, thread};
#[cfg(not(loom))]
pub use std::{sync::Arc, thread};
