//! The right to write a range of code.
#![forbid(unsafe_code)]

use std::{cell::Cell, ops::Range};

use crate::{
    ErrorKind, FaultKind, Result, TRAP_BYTE, ledger::Claim, space::Faults, strategy::CodeBackend,
};

/// Code for one range on its way into a [`CodeMemory`](crate::CodeMemory).
///
/// The scope lends a buffer on the heap. [`finish`](Self::finish) writes it to the range, in one
/// step for the whole scope: a batch of functions in one scope costs little more than one
/// function. Dropping the scope instead writes nothing.
///
/// No other scope can be open in the same range, nor can the range be decommitted meanwhile.
#[must_use = "a scope that is dropped writes nothing"]
#[derive(Debug)]
pub struct WriteScope<'m> {
    backend: &'m dyn CodeBackend,
    claim: Claim<'m>,
    bytes: Vec<u8>,
}

/// Chosen: for all but the largest functions and batches.
const SPARE_BYTES: usize = 64 << 10;

thread_local! {
    /// The buffer of a scope that has ended. Without it each function would be two visits to the
    /// allocator, for a size for which it locks, beside collectors that give it much to do.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl<'m> WriteScope<'m> {
    /// Finds a buffer.
    pub(crate) fn open(
        backend: &'m dyn CodeBackend,
        claim: Claim<'m>,
        faults: &Faults,
    ) -> Result<Self> {
        let wanted = claim.range().len();
        faults.check(FaultKind::Buffer)?;
        // Nothing is left of it while a thread ends.
        let mut bytes = SPARE.try_with(Cell::take).unwrap_or_default();
        bytes.clear();
        bytes.try_reserve_exact(wanted).map_err(|_| ErrorKind::OutOfHeap { wanted })?;
        bytes.resize(wanted, TRAP_BYTE);
        Ok(Self { backend, claim, bytes })
    }

    /// The addresses that the code is for.
    pub fn range(&self) -> Range<usize> {
        self.claim.range()
    }

    /// The code to be. Filled with [traps](TRAP_BYTE) at first, so that gaps between functions
    /// trap.
    pub fn bytes(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Writes the code. From now on it can run, once a pointer to it is published.
    ///
    /// For memory in which other code was before, see [`sync_cores`](crate::sync_cores).
    ///
    /// # Errors
    ///
    /// If the system refuses, or this is the child of a fork. What is in the range is unknown
    /// then; nothing else has changed.
    pub fn finish(self) -> Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        self.backend.write(self.claim.range().start, &self.bytes)
    }
}

impl Drop for WriteScope<'_> {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.capacity() <= SPARE_BYTES {
            // Else it is freed, as the larger ones are.
            let _ = SPARE.try_with(|spare| spare.set(bytes));
        }
    }
}
