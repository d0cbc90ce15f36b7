//! What all stores of an engine share.
#![forbid(unsafe_code)]

use std::sync::Arc;

use codespace::{CodeManager, UnitSpec};
use sync::atomic::{AtomicU64, Ordering};
use tierup_abi::{MemoryMode, TrapKind};
use tierup_wasm::DefinedFunc;

use crate::{CompiledModule, Error, TypeRegistry, lazy, wrappers::Wrappers};

/// What the runtime asks of whoever decides when to compile what. Each module has its own.
pub trait Hooks: Send + Sync + std::fmt::Debug {
    /// A function without code was called: gives it code, so that its cell leads to it.
    ///
    /// Runs on the compile stack of the calling thread, while Wasm is suspended.
    ///
    /// # Errors
    ///
    /// Why that is not possible. The call traps.
    fn compile_lazily(&self, module: &CompiledModule, function: DefinedFunc)
    -> Result<(), LazyError>;
}

/// Why a function that was called has no code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LazyError {
    /// Kind of the trap.
    pub kind: TrapKind,
    /// More about it.
    pub message: String,
}

/// Fixed properties of an engine's runtime.
#[derive(Clone, Debug)]
pub struct RuntimeConfig {
    /// How accesses outside a memory are found.
    pub memory_mode: MemoryMode,
    /// Most bytes of stack that Wasm uses on a stack that is large enough.
    pub max_wasm_stack: usize,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self { memory_mode: MemoryMode::default(), max_wasm_stack: 1 << 20 }
    }
}

/// What all stores of an engine share.
#[derive(Debug)]
pub struct EngineState {
    config: RuntimeConfig,
    types: TypeRegistry,
    wrappers: Wrappers,
    manager: CodeManager,
    counters: Counters,
}

impl EngineState {
    /// An engine over `manager`.
    ///
    /// # Errors
    ///
    /// If signal handlers cannot be installed, or there is no room for wrappers.
    pub fn new(
        config: RuntimeConfig,
        manager: CodeManager,
    ) -> Result<Arc<Self>, Error> {
        crate::faults::install()?;
        let unit = manager.new_unit(UnitSpec {
            functions: 0,
            lazy_stub: lazy::stub_address(),
            owner: Arc::new(()),
        })?;
        Ok(Arc::new(Self {
            config,
            types: TypeRegistry::new(),
            wrappers: Wrappers::new(unit),
            manager,
            counters: Counters::default(),
        }))
    }

    /// The fixed properties.
    pub fn config(&self) -> &RuntimeConfig {
        &self.config
    }

    /// The function types in use.
    pub fn types(&self) -> &TypeRegistry {
        &self.types
    }

    /// The code manager.
    pub fn manager(&self) -> &CodeManager {
        &self.manager
    }

    /// What happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn wrappers(&self) -> &Wrappers {
        &self.wrappers
    }

}

/// Counts of events. Read without locks, and only for information.
#[derive(Debug, Default)]
pub struct Counters {
    traps: AtomicU64,
    instances: AtomicU64,
}

impl Counters {
    /// Traps that reached a host.
    pub fn traps(&self) -> u64 {
        self.traps.load(Ordering::Relaxed)
    }

    /// Instances made.
    pub fn instances(&self) -> u64 {
        self.instances.load(Ordering::Relaxed)
    }

    pub(crate) fn count_trap(&self) {
        self.traps.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_instance(&self) {
        self.instances.fetch_add(1, Ordering::Relaxed);
    }
}
