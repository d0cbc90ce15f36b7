//! What an engine did and what it uses.

use codespace::Tier;
use tierup_runtime::EngineState;
use tierup_tiering::{CompileCounters, TierCounts};

/// What an engine did and what it uses, at one moment.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EngineStats {
    /// Code memory.
    pub code: codespace::Stats,
    /// Compiles by the baseline compiler.
    pub baseline: TierCounts,
    /// Compiles by the optimizing compiler.
    pub optimized: TierCounts,
    /// Functions that were compiled because somebody called them.
    pub lazy_compiles: u64,
    /// Functions that the optimizing compiler compiled because the baseline compiler could not.
    pub bailouts: u64,
    /// Compiles that failed.
    pub failed_compiles: u64,
    /// Traps that reached a host.
    pub traps: u64,
    /// Instances made.
    pub instances: u64,
}

impl EngineStats {
    pub(crate) fn new(state: &EngineState, counters: &CompileCounters) -> Self {
        Self {
            code: state.manager().stats(),
            baseline: counters.tier(Tier::Baseline),
            optimized: counters.tier(Tier::Optimized),
            lazy_compiles: counters.lazy(),
            bailouts: counters.bailouts(),
            failed_compiles: counters.failed(),
            traps: state.counters().traps(),
            instances: state.counters().instances(),
        }
    }
}
