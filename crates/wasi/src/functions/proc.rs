//! The program itself: ending, signals, yielding.

use std::fmt;

use crate::{Errno, WasiContext};

/// A program called `proc_exit`. It arrives as an error of the call that ran the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exit(u32);

impl Exit {
    pub(crate) fn new(code: u32) -> Self {
        Self(code)
    }

    /// What the program exited with. By convention, 0 is success.
    #[must_use]
    pub fn code(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exited with code {}", self.0)
    }
}

impl std::error::Error for Exit {}

/// Numbers of signals end before this one.
const SIGNALS: u32 = 31;

impl WasiContext {
    /// A program has no handlers, and the signals of the host process are not its own. Signal 0
    /// asks whether raising would work, and raises nothing.
    pub(crate) fn proc_raise(&self, signal: u32) -> Result<(), Errno> {
        match signal {
            0 => Ok(()),
            1..SIGNALS => Err(Errno::Notsup),
            _ => Err(Errno::Inval),
        }
    }

    pub(crate) fn sched_yield(&self) {
        std::thread::yield_now();
    }
}
