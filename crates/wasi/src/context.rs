//! Everything that one program can reach.

use std::fmt;

use crate::{
    Errno, WasiBuilder,
    clocks::Clocks,
    memory::{GuestMemory, List, Pointer, Region},
    random::RandomSource,
    resolve::Resolver,
    table::Table,
};

/// Everything that one program can reach: arguments, environment, descriptors, clocks, randomness.
///
/// It belongs in the data of a store; the functions that
/// [`add_to_linker`](crate::add_to_linker) adds act on it. What is not in it, a program cannot see.
///
/// ```no_run
/// use tierup_wasi::{Preopen, WasiContext};
///
/// # fn main() -> Result<(), tierup_wasi::BuildError> {
/// let context = WasiContext::builder()
///     .argv0("greet")
///     .arg("world")
///     .env("LANG", "C")
///     .inherit_stdio()
///     .preopen(Preopen::new("/srv/data", "/data").read_only())
///     .build()?;
/// # drop(context);
/// # Ok(())
/// # }
/// ```
pub struct WasiContext {
    pub(crate) arguments: Strings,
    pub(crate) environment: Strings,
    pub(crate) table: Table,
    pub(crate) clocks: Box<dyn Clocks>,
    pub(crate) random: Box<dyn RandomSource>,
    pub(crate) resolver: Resolver,
}

impl WasiContext {
    /// Starts with nothing: no arguments, no environment, no files, streams that lead nowhere.
    #[must_use]
    pub fn builder() -> WasiBuilder {
        WasiBuilder::new()
    }
}

impl fmt::Debug for WasiContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiContext")
            .field("arguments", &self.arguments)
            .field("table", &self.table)
            .field("resolver", &self.resolver)
            .finish_non_exhaustive()
    }
}

/// A list of strings as C has them: one after the other, a NUL after each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strings {
    bytes: Vec<u8>,
    starts: Vec<u32>,
}

impl Strings {
    /// Adds a string, which has no NUL.
    pub(crate) fn push(&mut self, string: &[u8]) -> Result<(), Errno> {
        let start = self.bytes.len();
        if string.contains(&0) {
            return Err(Errno::Inval);
        }
        if u32::try_from(start + string.len() + 1).is_err() {
            return Err(Errno::TooBig);
        }
        self.starts.push(start as u32);
        self.bytes.extend_from_slice(string);
        self.bytes.push(0);
        Ok(())
    }

    /// Number of strings, and bytes of all together.
    pub(crate) fn sizes(&self) -> (u32, u32) {
        (self.starts.len() as u32, self.bytes.len() as u32)
    }

    /// Writes the strings to `buffer`, and their addresses to the list at `pointers`.
    pub(crate) fn store(
        &self,
        memory: &mut GuestMemory<'_>,
        pointers: Pointer,
        buffer: Pointer,
    ) -> Result<(), Errno> {
        let (count, size) = self.sizes();
        memory.check_list(List::new(pointers.0, count), 4)?;
        memory.write(Region::new(buffer.0, size))?.copy_from_slice(&self.bytes);
        for (index, start) in (0..).zip(&self.starts) {
            // The buffer is within the memory, so no address in it overflows.
            memory.store_at(pointers.0, index * 4, &(buffer.0 + start))?;
        }
        Ok(())
    }
}
