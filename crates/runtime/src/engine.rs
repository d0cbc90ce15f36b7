//! What all stores of an engine share.
#![forbid(unsafe_code)]

use std::sync::{Arc, Weak};

use codespace::{CodeManager, Filter, Installed, Placed, Removed, Unit, UnitSpec};
use sync::{
    Mutex, Rank,
    atomic::{AtomicU64, Ordering},
};
use tierup_abi::{MemoryMode, TrapKind};
use tierup_wasm::DefinedFunc;
use vmem::ForkGuard;

use crate::{
    CompiledModule, Error, TypeRegistry, idle, interrupt::SharedBlock, lazy, wrappers::Wrappers,
};

/// What the runtime asks of whoever decides when to compile what. Each module has its own.
pub trait Hooks: Send + Sync + std::fmt::Debug {
    /// A function without code was called: gives it code, so that its cell leads to it.
    ///
    /// Runs on the compile stack of the calling thread, while Wasm is suspended.
    ///
    /// # Errors
    ///
    /// Why that is not possible. The call traps.
    fn compile_lazily(
        &self,
        module: &CompiledModule,
        function: DefinedFunc,
    ) -> Result<(), LazyError>;

    /// A function has done `used` units of work since it was last heard of, in bytes of baseline
    /// code. Returns how much it may do before it is heard of again.
    ///
    /// Runs often, on the stack of the guest, while Wasm is suspended.
    fn budget_spent(&self, module: &CompiledModule, function: DefinedFunc, used: u32) -> Refill;

    /// `budget_spent` asked for this: gives the function better code before it goes on.
    ///
    /// Runs on the compile stack of the calling thread, while Wasm is suspended.
    fn tier_up(&self, module: &CompiledModule, function: DefinedFunc);
}

/// What a function gets that has used its budget up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refill {
    /// What it may do next; at least 1.
    pub slice: i32,
    /// Whether to call [`Hooks::tier_up`].
    pub tier_up: bool,
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
    /// Whether code takes fuel.
    pub consume_fuel: bool,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self { memory_mode: MemoryMode::default(), max_wasm_stack: 1 << 20, consume_fuel: false }
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
    fork_guard: ForkGuard,
    /// Blocks of the stores, to see which of them run.
    blocks: Mutex<Vec<Weak<SharedBlock>>>,
    /// Held while code is made unreachable and while it is freed; see `idle`.
    retiring: Mutex<()>,
}

impl EngineState {
    /// An engine over `manager`.
    ///
    /// # Errors
    ///
    /// If signal handlers cannot be installed, or there is no room for wrappers.
    pub fn new(config: RuntimeConfig, manager: CodeManager) -> Result<Arc<Self>, Error> {
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
            fork_guard: ForkGuard::new()?,
            blocks: Mutex::new(Rank::Stores, Vec::new()),
            retiring: Mutex::new(Rank::Retiring, ()),
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

    /// Frees code that was replaced or removed, if no code of this engine is running. Returns the
    /// bytes freed.
    pub fn collect_code(&self) -> usize {
        let _retiring = self.retiring.lock();
        idle::collect_code(self)
    }

    /// Takes the code that `filter` selects away from a module's functions; they go back to
    /// their lazy entries. Code that runs stays until it is collected.
    pub fn remove_code(&self, module: &CompiledModule, filter: Filter) -> Removed {
        let _retiring = self.retiring.lock();
        module.unit().remove(filter)
    }

    /// Publishes code of a unit of this engine. What it replaces becomes unreachable, which must
    /// not happen while code is freed, so everything that may replace code comes through here.
    ///
    /// # Errors
    ///
    /// As for `Unit::publish`.
    pub fn publish(
        &self,
        unit: &Arc<Unit>,
        placed: Vec<Placed>,
    ) -> codespace::Result<Vec<Installed>> {
        let _retiring = self.retiring.lock();
        let published = unit.publish(placed)?;
        // Only the table's references are left when the lock is released.
        Ok(published.into_iter().map(|published| published.installed).collect())
    }

    pub(crate) fn add_block(&self, block: &Arc<SharedBlock>) {
        let mut blocks = self.blocks.lock();
        if blocks.len() == blocks.capacity() {
            blocks.retain(|block| block.strong_count() != 0);
        }
        blocks.push(Arc::downgrade(block));
    }

    /// True if any store's code runs or waits for a host call.
    pub(crate) fn any_running(&self) -> bool {
        let blocks = self.blocks.lock();
        let mut blocks = blocks.iter().filter_map(Weak::upgrade);
        blocks.any(|block| block.block().entry_frame.load(Ordering::Acquire) != 0)
    }

    /// True if this is a copy that a forked child has got from its parent: it has no code.
    pub(crate) fn is_inherited(&self) -> bool {
        // The first look is cheaper, and in most processes the only one.
        vmem::is_forked_child() && self.fork_guard.is_inherited()
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
