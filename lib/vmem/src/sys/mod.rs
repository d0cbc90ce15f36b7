//! The operating system. A platform is one file with these items; nothing else in the crate
//! depends on the platform.
//!
//! The items are safe: a [`Mapping`] changes only address space that it owns, and gives it out
//! as raw pointers, so that whoever reads or writes through one has to argue for it.

#[cfg_attr(target_os = "linux", path = "linux.rs")]
mod imp;

pub(crate) use imp::{
    CodeFile, Mapping, allocate_key, fork_word, free_key, page_size, release, sync_cores,
};

/// What a page may be used for. There is no entry for "write and execute", and none will be: only
/// a protection key makes that safe, and has a method of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Nothing.
    None,
    /// Reading and writing.
    ReadWrite,
    /// Reading and executing.
    ReadExecute,
}
