//! Random bytes.

use crate::{
    Errno, WasiContext,
    memory::{GuestMemory, Region},
    random::CHUNK,
};

impl WasiContext {
    /// Fills the program's memory in place, some at a time.
    pub(crate) fn random_get(
        &mut self,
        memory: &mut GuestMemory<'_>,
        region: Region,
    ) -> Result<(), Errno> {
        memory.write(region)?.chunks_mut(CHUNK).try_for_each(|chunk| self.random.fill(chunk))
    }
}
