//! What an engine did and what it uses, and the same of a module.

use tierup_runtime::{CollectionStats, EngineState, FlushStats};
use tierup_tiering::{CompileCounters, CompileStats, PoolLoad, TierUpCounts};

/// What an engine did and what it uses, at one moment.
///
/// With the feature `serde`, which is on by default, it can be serialized. The names of what comes
/// out are stable; `docs/statistics.md` lists them.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EngineStats {
    /// Code memory.
    pub code: codespace::Stats,
    /// Compiles.
    pub compiles: CompileStats,
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
            compiles: counters.stats(),
            tier_ups: counters.tier_ups(),
            background,
            collections: state.collection_stats(),
            flushes: state.flush_stats(),
            revived: state.counters().revived(),
            traps: state.counters().traps(),
            instances: state.counters().instances(),
        }
    }
}
