//! Where random bytes come from: the host, or whatever the embedder puts in its place.

use rustix::{
    io::retry_on_intr,
    rand::{GetRandomFlags, getrandom},
};

use crate::Errno;

/// A source of random bytes. Programs use it for keys, so one of your own that is predictable is
/// for tests and replays only.
pub trait RandomSource: Send {
    /// Fills `bytes`, which are never more than 64 KiB.
    ///
    /// # Errors
    ///
    /// Whatever the program shall get to see.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Errno>;
}

/// Most bytes that a source is asked for at once, however many a program wants.
pub(crate) const CHUNK: usize = 64 << 10;

/// The random bytes of the host's kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostRandom;

impl RandomSource for HostRandom {
    fn fill(&mut self, mut bytes: &mut [u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            let filled = retry_on_intr(|| getrandom(&mut *bytes, GetRandomFlags::empty()))?;
            bytes = &mut bytes[filled..];
        }
        Ok(())
    }
}
