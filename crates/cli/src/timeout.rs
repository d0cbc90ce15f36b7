//! `-W timeout`: what runs is stopped when its time is over.
//!
//! ```text
//!   start ──── time ────► interrupt ──── grace ────► the process ends
//!                ▲                          ▲
//!                └── dropped: nothing ──────┘
//! ```
//!
//! An interrupt stops compiled code only. A program that waits in a system call does not notice, so
//! that the process is ended instead if it is still there a while later. Scripts of specifications
//! call nothing that waits, and are only interrupted.
#![forbid(unsafe_code)]

use std::{
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use crate::outcome::{self, Failure};

/// How long an interrupted program may take to stop.
const GRACE: Duration = Duration::from_secs(1);

/// Time that is running. What has come to its end drops it.
#[derive(Debug)]
pub(crate) struct Timeout {
    /// Nothing is sent: the thread hears that it is gone.
    _running: Sender<()>,
}

impl Timeout {
    /// Interrupts the program after `time`, and ends the process if that does not help.
    pub(crate) fn end(
        time: Duration,
        interrupt: impl FnOnce() + Send + 'static,
    ) -> Result<Self, Failure> {
        Self::start(move |is_over| {
            if is_over(time) {
                interrupt();
                if is_over(GRACE) {
                    outcome::end_waiting();
                }
            }
        })
    }

    /// Interrupts the program after `time`.
    pub(crate) fn interrupt(
        time: Duration,
        interrupt: impl FnOnce() + Send + 'static,
    ) -> Result<Self, Failure> {
        Self::start(move |is_over| {
            if is_over(time) {
                interrupt();
            }
        })
    }

    /// Does `work` on a thread. What it is given waits, and says whether the program still runs then.
    fn start(
        work: impl FnOnce(&dyn Fn(Duration) -> bool) + Send + 'static,
    ) -> Result<Self, Failure> {
        let (running, stopped) = mpsc::channel::<()>();
        let watch = move || {
            work(&|time| stopped.recv_timeout(time) == Err(RecvTimeoutError::Timeout));
        };
        let spawned = thread::Builder::new().name("timeout".into()).spawn(watch);
        spawned.map_err(|error| Failure::error(format!("-W timeout: no thread: {error}")))?;
        Ok(Self { _running: running })
    }
}
