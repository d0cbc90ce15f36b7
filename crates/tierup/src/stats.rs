//! What an engine did and what it uses, and the same of a module.

use std::sync::Arc;

use codespace::TenantStats;
use tierup_runtime::{CollectionStats, CompiledModule, EngineState, FlushStats};
use tierup_tiering::{
    CompileCounters, CompileStats, ModuleTiering, PoolLoad, ReplacementCounts, TierUpCounts,
};

use crate::SharingStats;

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
    /// What all of it occupies.
    pub memory: MemoryStats,
    /// Compiles.
    pub compiles: CompileStats,
    /// What became of functions that ran long.
    pub tier_ups: TierUpCounts,
    /// What became of loops that ran long within one call.
    pub replacements: ReplacementCounts,
    /// What the threads do that optimize in the background.
    pub background: PoolLoad,
    /// Collections of code.
    pub collections: CollectionStats,
    /// Code that was taken away.
    pub flushes: FlushStats,
    /// Functions that were about to lose their code because they were not called, or that ran long,
    /// and then were called.
    pub revived: u64,
    /// Modules that were made, and that were shared.
    pub modules: SharingStats,
    /// What each tenant occupies that the host made. What is left is of modules for nobody in
    /// particular; see [`Engine::tenants`](crate::Engine::tenants).
    pub tenants: Vec<TenantStats>,
    /// The code between the host and Wasm, which all engines of the process share; see
    /// [`Engine::wrapper_stats`](crate::Engine::wrapper_stats).
    pub wrappers: codespace::ClassStats,
    /// Traps that reached a host.
    pub traps: u64,
    /// Instances made.
    pub instances: u64,
}

/// What a module did and what it uses, at one moment.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ModuleStats {
    /// The number of its unit, which events have.
    pub unit: u64,
    /// Code memory.
    pub code: codespace::CodeStats,
    /// What all of it occupies.
    pub memory: MemoryStats,
}

/// Bytes that an engine occupies with its modules, or a module; without stores and what lives in
/// them. `docs/statistics.md` says how exact they are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MemoryStats {
    /// Code memory and what the code manager knows about it.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub code: codespace::Memory,
    /// Modules as they were decoded, with their bytes.
    pub module_bytes: usize,
    /// What is remembered of functions to decide when to compile what.
    pub tiering_bytes: usize,
    /// What modules share: types, compilers, statistics.
    pub engine_bytes: usize,
    /// What of all this comes from the allocator.
    pub heap_bytes: usize,
    /// All.
    pub total_bytes: usize,
}

impl MemoryStats {
    fn new(
        code: codespace::Memory,
        [module_bytes, tiering_bytes, engine_bytes]: [usize; 3],
    ) -> Self {
        let ours = module_bytes + tiering_bytes + engine_bytes;
        let (heap_bytes, total_bytes) = (code.heap_bytes() + ours, code.total_bytes() + ours);
        Self { code, module_bytes, tiering_bytes, engine_bytes, heap_bytes, total_bytes }
    }

    pub(crate) fn of_engine(state: &EngineState, counters: &CompileCounters) -> Self {
        let fixed = size_of::<EngineState>() + size_of::<CompileCounters>();
        let engine = fixed + state.types().heap_bytes();
        let modules = [state.modules().bytes(), counters.modules().bytes(), engine];
        Self::new(state.manager().memory(), modules)
    }

    pub(crate) fn of_module(compiled: &CompiledModule, tiering: &ModuleTiering) -> Self {
        let modules = [compiled.info().heap_bytes(), tiering.heap_bytes(), 0];
        Self::new(compiled.unit().memory(), modules)
    }
}

impl EngineStats {
    pub(crate) fn new(
        state: &EngineState,
        counters: &CompileCounters,
        background: PoolLoad,
    ) -> Self {
        let manager = state.manager();
        let mut made = manager.tenants();
        made.retain(|tenant| !Arc::ptr_eq(tenant, manager.default_tenant()));
        Self {
            code: manager.stats(),
            memory: MemoryStats::of_engine(state, counters),
            compiles: counters.stats(),
            tier_ups: counters.tier_ups(),
            replacements: counters.replacements(),
            background,
            collections: state.collection_stats(),
            flushes: state.flush_stats(),
            revived: state.counters().revived(),
            modules: SharingStats::default(),
            tenants: made.iter().map(|tenant| tenant.stats()).collect(),
            wrappers: state.wrapper_stats().code.other,
            traps: state.counters().traps(),
            instances: state.counters().instances(),
        }
    }
}
