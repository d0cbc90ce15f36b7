//! Where the time comes from: the host, or whatever the embedder puts in its place.

use rustix::time::{ClockId, Timespec, clock_getres, clock_gettime};

use crate::Errno;

/// The clocks that a program can read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Clock {
    /// Time since 1970.
    Realtime = 0,
    /// Time that never goes back.
    Monotonic = 1,
    /// Processor time of the process.
    ProcessCpuTime = 2,
    /// Processor time of the thread.
    ThreadCpuTime = 3,
}

impl TryFrom<u32> for Clock {
    type Error = Errno;
    fn try_from(number: u32) -> Result<Self, Errno> {
        match number {
            0 => Ok(Self::Realtime),
            1 => Ok(Self::Monotonic),
            2 => Ok(Self::ProcessCpuTime),
            3 => Ok(Self::ThreadCpuTime),
            _ => Err(Errno::Inval),
        }
    }
}

/// A source of time. Programs that must run the same way every time get one of your own.
///
/// Waiting is done by the host's own clock all the same: only what is read comes from here.
pub trait Clocks: Send {
    /// Nanoseconds now.
    ///
    /// # Errors
    ///
    /// [`Errno::Notsup`] if there is no such clock.
    fn now(&mut self, clock: Clock) -> Result<u64, Errno>;

    /// Nanoseconds between two ticks, never 0.
    ///
    /// # Errors
    ///
    /// [`Errno::Notsup`] if there is no such clock.
    fn resolution(&mut self, clock: Clock) -> Result<u64, Errno>;
}

/// The clocks of the host.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostClocks;

impl Clocks for HostClocks {
    fn now(&mut self, clock: Clock) -> Result<u64, Errno> {
        Ok(nanoseconds(clock_gettime(clock.into())))
    }

    fn resolution(&mut self, clock: Clock) -> Result<u64, Errno> {
        Ok(nanoseconds(clock_getres(clock.into())).max(1))
    }
}

impl From<Clock> for ClockId {
    fn from(clock: Clock) -> Self {
        match clock {
            Clock::Realtime => Self::Realtime,
            Clock::Monotonic => Self::Monotonic,
            Clock::ProcessCpuTime => Self::ProcessCPUTime,
            Clock::ThreadCpuTime => Self::ThreadCPUTime,
        }
    }
}

fn nanoseconds(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}
