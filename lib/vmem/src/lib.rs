#![doc = include_str!("../README.md")]

mod code_memory;
mod write_scope;
mod reservation;
mod strategy;
mod fork;
mod cores;
mod fault;
mod error;
mod space;
mod key;
mod ledger;
mod range_set;
mod sys;
mod arch;

pub use code_memory::{CodeMemory, CodeRequest};
pub use cores::sync_cores;
pub use error::{Error, ErrorKind, Result};
pub use fault::{FaultKind, FaultPlan};
pub use fork::{ForkGuard, is_forked_child};
pub use key::make_code_readable;
pub use reservation::Reservation;
pub use strategy::Strategy;
pub use write_scope::WriteScope;

/// What code memory is filled with where no code is: one byte of an instruction that traps.
pub const TRAP_BYTE: u8 = arch::TRAP_BYTE;

/// The unit of committing and decommitting, in bytes.
pub fn page_size() -> usize {
    sys::page_size()
}
