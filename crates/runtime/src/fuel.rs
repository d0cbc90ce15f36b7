//! A store's fuel: set and read by the embedder, taken by code and, for the length of what bulk
//! operators work on, by the runtime.
//!
//! `tierup_abi`'s notes on fuel have the invariants.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering;

use tierup_abi::{BYTES_PER_FUEL, FUEL_PER_ELEMENT};

use crate::{Error, ErrorKind, PAGE_SIZE, StoreState, Trap, TrapKind};

/// What a bulk operator works on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Work {
    /// Bytes of a memory.
    Bytes(u32),
    /// New pages of a memory.
    Pages(u32),
    /// Elements of a table.
    Elements(u32),
}

impl Work {
    /// What its length costs, besides the operator itself.
    fn price(self) -> u64 {
        match self {
            Self::Bytes(count) => u64::from(count) / BYTES_PER_FUEL,
            Self::Pages(count) => u64::from(count) * (PAGE_SIZE as u64 / BYTES_PER_FUEL),
            Self::Elements(count) => u64::from(count) * FUEL_PER_ELEMENT,
        }
    }
}

impl StoreState {
    /// Sets the fuel that is left.
    ///
    /// # Errors
    ///
    /// If the engine's code takes none.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        self.check_fuel()?;
        self.block().fuel.store(fuel, Ordering::Relaxed);
        Ok(())
    }

    /// The fuel that is left.
    ///
    /// # Errors
    ///
    /// If the engine's code takes none.
    pub fn fuel(&self) -> Result<u64, Error> {
        self.check_fuel()?;
        Ok(self.block().fuel.load(Ordering::Relaxed))
    }

    /// Takes what the length of some work costs, if code takes fuel: [FU-LENGTH].
    pub(crate) fn pay(&self, work: Work) -> Result<(), Error> {
        if !self.engine().config().consume_fuel {
            return Ok(());
        }
        // Relaxed: only the thread that runs the store uses the field.
        let left = self.block().fuel.load(Ordering::Relaxed);
        let Some(rest) = left.checked_sub(work.price()) else {
            return Err(self.out_of_fuel());
        };
        self.block().fuel.store(rest, Ordering::Relaxed);
        Ok(())
    }

    /// Code has found that there is less than it needs: [FU-PAID].
    pub(crate) fn run_out_of_fuel(&self) {
        self.block().fuel.store(0, Ordering::Relaxed);
    }

    #[cold]
    fn out_of_fuel(&self) -> Error {
        self.run_out_of_fuel();
        Trap::new(TrapKind::OutOfFuel).into()
    }

    fn check_fuel(&self) -> Result<(), Error> {
        if self.engine().config().consume_fuel {
            return Ok(());
        }
        Err(ErrorKind::FuelDisabled.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_grow_with_the_length_and_do_not_overflow() {
        let table = [
            (Work::Bytes(0), 0),
            (Work::Bytes(63), 0),
            (Work::Bytes(64), 1),
            (Work::Bytes(u32::MAX), (1 << 26) - 1),
            (Work::Pages(1), 1024),
            (Work::Pages(1 << 16), 1 << 26),
            (Work::Elements(0), 0),
            (Work::Elements(7), 7),
            (Work::Elements(u32::MAX), (1 << 32) - 1),
        ];
        for (work, price) in table {
            assert_eq!(work.price(), price, "{work:?}");
        }
    }
}
