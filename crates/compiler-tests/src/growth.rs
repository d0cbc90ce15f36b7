//! How the time of compiling grows with the size of what is compiled.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tierup_abi::MemoryMode;
use tierup_compile::Compiler;

use crate::{compile, module};

/// How often a machine may disturb one of the runs.
const ATTEMPTS: u32 = 5;

/// Processor time that this thread has taken: waiting for a processor does not count.
pub fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// A compiler whose time is looked at.
#[derive(Debug)]
pub struct Growth<'a> {
    compiler: &'a dyn Compiler,
    noise: Duration,
}

impl<'a> Growth<'a> {
    /// `noise` is what a run may take longer than another for no reason.
    pub fn new(compiler: &'a dyn Compiler, noise: Duration) -> Self {
        Self { compiler, noise }
    }

    /// Four times the input must not take much more than four times as long: quadratic growth
    /// would be a factor of 16.
    ///
    /// What else a machine does makes runs longer at times, and never shorter; growth does it each
    /// time. So it is tried again, and the shortest runs count.
    pub fn assert_linear(&self, make: impl Fn(usize) -> String, count: usize) {
        let (mut small, mut large) = (Duration::MAX, Duration::MAX);
        for _ in 0..ATTEMPTS {
            small = self.cost(&make(count)).min(small);
            large = self.cost(&make(4 * count)).min(large);
            if large <= 10 * small + self.noise {
                return;
            }
        }
        panic!("{small:?} for {count}, {large:?} for four times as many");
    }

    /// Processor time that compiling the first function of a text takes, which must give the same
    /// each time.
    fn cost(&self, text: &str) -> Duration {
        let module = module(text);
        let compile = || compile(self.compiler, &module, 0, MemoryMode::Guard).unwrap();
        let first = compile();
        let start = thread_time();
        let second = compile();
        let cost = thread_time() - start;
        assert_eq!(first.bytes, second.bytes);
        assert_eq!(first.tables, second.tables);
        cost
    }
}
