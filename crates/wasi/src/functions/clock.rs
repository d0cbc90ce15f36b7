//! Reading clocks.

use crate::{Clock, Errno, WasiContext};

impl WasiContext {
    pub(crate) fn clock_res_get(&mut self, clock: Clock) -> Result<u64, Errno> {
        self.clocks.resolution(clock)
    }

    /// How exact the program wants it does not matter: it is always as exact as can be.
    pub(crate) fn clock_time_get(&mut self, clock: Clock) -> Result<u64, Errno> {
        self.clocks.now(clock)
    }
}
