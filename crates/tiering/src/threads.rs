//! Starting threads.
#![forbid(unsafe_code)]

use std::{io, thread};

use codespace::FaultPlan;
use sync::Arc;

/// Starts threads, of which a test may want some to be refused by the system.
#[derive(Clone, Debug, Default)]
pub struct Threads {
    faults: Option<Arc<FaultPlan>>,
}

impl Threads {
    /// Asks `faults` before each start.
    pub fn new(faults: Option<Arc<FaultPlan>>) -> Self {
        Self { faults }
    }

    /// A thread to be started, if the plan does not forbid it.
    pub(crate) fn builder(&self) -> io::Result<thread::Builder> {
        FaultPlan::thread_builder(self.faults.as_ref())
    }
}
