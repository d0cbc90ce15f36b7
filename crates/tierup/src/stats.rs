//! What an engine did and what it uses.

use codespace::Tier;
use tierup_runtime::{CollectionStats, EngineState, FlushStats};
use tierup_tiering::{CompileCounters, PoolLoad, TierCounts, TierUpCounts};

use crate::SharingStats;

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
    /// Functions that the baseline compiler left to the optimizing one.
    pub bailouts: u64,
    /// What became of functions that ran long.
    pub tier_ups: TierUpCounts,
    /// What the threads do that optimize in the background.
    pub background: PoolLoad,
    /// Collections of code.
    pub collections: CollectionStats,
    /// Code that was taken away.
    pub flushes: FlushStats,
    /// Functions that were about to lose their code because they were not called, and then were.
    pub revived: u64,
    /// Compiles that failed.
    pub failed_compiles: u64,
    /// Modules that were made, and that were shared.
    pub modules: SharingStats,
    /// Traps that reached a host.
    pub traps: u64,
    /// Instances made.
    pub instances: u64,
}

impl EngineStats {
    pub(crate) fn new(
        state: &EngineState,
        counters: &CompileCounters,
        background: PoolLoad,
    ) -> Self {
        Self {
            code: state.manager().stats(),
            baseline: counters.tier(Tier::Baseline),
            optimized: counters.tier(Tier::Optimized),
            lazy_compiles: counters.lazy(),
            bailouts: counters.bailouts(),
            tier_ups: counters.tier_ups(),
            background,
            collections: state.collection_stats(),
            flushes: state.flush_stats(),
            revived: state.counters().revived(),
            failed_compiles: counters.failed(),
            modules: SharingStats::default(),
            traps: state.counters().traps(),
            instances: state.counters().instances(),
        }
    }
}
