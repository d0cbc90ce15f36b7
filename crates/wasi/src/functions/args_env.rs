//! Arguments and environment.

use crate::{
    Errno, WasiContext,
    memory::{GuestMemory, Pointer},
};

impl WasiContext {
    pub(crate) fn args_sizes_get(&self) -> (u32, u32) {
        self.arguments.sizes()
    }

    pub(crate) fn args_get(
        &self,
        memory: &mut GuestMemory<'_>,
        pointers: Pointer,
        buffer: Pointer,
    ) -> Result<(), Errno> {
        self.arguments.store(memory, pointers, buffer)
    }

    pub(crate) fn environ_sizes_get(&self) -> (u32, u32) {
        self.environment.sizes()
    }

    pub(crate) fn environ_get(
        &self,
        memory: &mut GuestMemory<'_>,
        pointers: Pointer,
        buffer: Pointer,
    ) -> Result<(), Errno> {
        self.environment.store(memory, pointers, buffer)
    }
}
