//! How the time of compiling grows with the size of what is compiled.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tierup_abi::MemoryMode;
use tierup_compile::Compiler;

use crate::{compile, module};

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
    pub fn assert_linear(&self, make: impl Fn(usize) -> String, count: usize) {
        let small = self.cost(&make(count));
        let large = self.cost(&make(4 * count));
        let most = 10 * small + self.noise;
        assert!(large <= most, "{small:?} for {count}, {large:?} for four times as many");
    }

    /// Processor time that compiling the first function of a text takes, which must give the same
    /// each time.
    fn cost(&self, text: &str) -> Duration {
        let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
        let module = module(text);
        let compile = || compile(self.compiler, &module, 0, MemoryMode::Guard).unwrap();
        let first = compile();
        let start = now();
        let second = compile();
        let cost = now() - start;
        assert_eq!(first.bytes, second.bytes);
        assert_eq!(first.tables, second.tables);
        cost
    }
}
