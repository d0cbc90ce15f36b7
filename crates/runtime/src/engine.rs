//! What all stores of an engine share.
#![forbid(unsafe_code)]

use std::{sync::Arc, time::Duration};

use codespace::{
    CodeManager, Collected, Draft, FaultPlan, Filter, Footprints, Installed, Placed, Removed, Step,
    Tenant, Unit, UnitSpec, Whose,
};
use sync::atomic::{AtomicU64, Ordering};
use tierup_abi::{MemoryMode, TrapKind};
use tierup_wasm::DefinedFunc;
use vmem::ForkGuard;

use crate::{
    CollectionStats, CompiledModule, Error, FlushCause, FlushStats, TypeRegistry,
    collector::Collector, interrupt::SharedBlock, wrappers::Wrappers,
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

    /// A function has done some work since it was last heard of. Returns how much it may do before
    /// it is heard of again.
    ///
    /// Runs often, on the stack of the guest, while Wasm is suspended.
    fn budget_spent(&self, module: &CompiledModule, spent: Spent<'_>) -> Refill;

    /// `budget_spent` asked for this: gives the function better code before it goes on.
    ///
    /// Runs on the compile stack of the calling thread, while Wasm is suspended.
    fn tier_up(&self, module: &CompiledModule, function: DefinedFunc);

    /// `budget_spent` asked for this: gives the function code that frames go on in at the loop at
    /// that position.
    ///
    /// Runs on the compile stack of the calling thread, while Wasm is suspended.
    fn replace(&self, module: &CompiledModule, function: DefinedFunc, position: u32);

    /// A frame goes on in such code.
    fn replaced(&self, module: &CompiledModule, function: DefinedFunc, position: u32);
}

/// A function has used its budget up.
#[derive(Clone, Copy)]
pub struct Spent<'a> {
    /// The function.
    pub function: DefinedFunc,
    /// Units of work since it was last heard of.
    pub used: u32,
    /// If it is at a loop's header where its frame can be replaced: finds the position of the loop
    /// in the module's bytes.
    pub position: Option<&'a dyn Fn() -> Option<u32>>,
}

impl std::fmt::Debug for Spent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Spent({:?}, {}, in a loop: {})",
            self.function,
            self.used,
            self.position.is_some()
        )
    }
}

/// What a function gets that has used its budget up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refill {
    /// What it may do next; at least 1.
    pub slice: i32,
    /// Whether to call [`Hooks::tier_up`].
    pub tier_up: bool,
    /// The position for which to call [`Hooks::replace`]: that of the loop, or one around it.
    pub replace: Option<u32>,
    /// In which code its frame goes on.
    pub next: Next,
}

/// In which code a frame goes on whose function has used its budget up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// In its own.
    Own,
    /// In that which there is for its loop, if there is any.
    Other,
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
    /// How long code that was replaced or removed waits for more, so that a collection is worth it.
    pub collect_after: Duration,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            memory_mode: MemoryMode::default(),
            max_wasm_stack: 1 << 20,
            consume_fuel: false,
            collect_after: Duration::from_millis(100),
        }
    }
}

/// What all stores of an engine share.
#[derive(Debug)]
pub struct EngineState {
    config: RuntimeConfig,
    types: TypeRegistry,
    wrappers: Arc<Wrappers>,
    manager: CodeManager,
    counters: Counters,
    fork_guard: ForkGuard,
    collector: Collector,
    modules: Footprints,
}

impl EngineState {
    /// An engine over `manager`.
    ///
    /// # Errors
    ///
    /// If signal handlers cannot be installed, or there is no address space for wrappers.
    pub fn new(config: RuntimeConfig, manager: CodeManager) -> Result<Arc<Self>, Error> {
        crate::faults::install()?;
        let collector = Collector::new(manager.clone(), config.collect_after);
        Ok(Arc::new(Self {
            config,
            types: TypeRegistry::new(),
            wrappers: Wrappers::for_engine(manager.config())?,
            collector,
            manager,
            counters: Counters::default(),
            fork_guard: ForkGuard::new()?,
            modules: Footprints::default(),
        }))
    }

    /// The fixed properties.
    pub fn config(&self) -> &RuntimeConfig {
        &self.config
    }

    /// Which calls to the system fail, in tests.
    pub(crate) fn faults(&self) -> Option<&Arc<FaultPlan>> {
        self.manager.config().faults.as_ref()
    }

    /// The function types in use.
    pub fn types(&self) -> &TypeRegistry {
        &self.types
    }

    /// The code manager.
    pub fn manager(&self) -> &CodeManager {
        &self.manager
    }

    /// Bytes on the heap of what is known of modules.
    pub fn modules(&self) -> &Footprints {
        &self.modules
    }

    /// What happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Frees code that was replaced or removed before now and is on no stack. Waits until all
    /// running code of this engine has come to its next call or loop.
    pub fn collect_code(&self) -> Collected {
        if self.is_inherited() {
            return Collected::default();
        }
        self.wrappers.collect();
        self.collector.collect()
    }

    /// What collections of code there were.
    pub fn collection_stats(&self) -> CollectionStats {
        self.collector.stats()
    }

    /// What code was taken away.
    pub fn flush_stats(&self) -> FlushStats {
        self.collector.flush_stats()
    }

    /// Takes the code that `filter` selects away from a module's functions; they go back to
    /// their lazy entries. It is freed in the background when it is on no stack.
    pub fn remove_code(&self, module: &CompiledModule, filter: Filter) -> Removed {
        if self.is_inherited() {
            return Removed::default();
        }
        let removed = module.unit().remove(filter);
        self.note_removed(removed);
        removed
    }

    /// The same for all modules that are not pinned.
    pub fn remove_all_code(&self, filter: Filter) -> Removed {
        if self.is_inherited() {
            return Removed::default();
        }
        let removed = self.manager.remove(filter);
        self.note_removed(removed);
        removed
    }

    /// The same for all modules of a tenant that are not pinned.
    pub fn remove_tenant_code(&self, tenant: &Arc<Tenant>, filter: Filter) -> Removed {
        let mut removed = Removed::default();
        if !self.is_inherited() {
            let units = self.manager.victims(Whose::Tenant(tenant));
            units.iter().for_each(|unit| removed += unit.remove(filter));
            self.note_removed(removed);
        }
        removed
    }

    fn note_removed(&self, removed: Removed) {
        if removed.functions != 0 {
            self.collector.note_flushed(FlushCause::Asked, removed);
            self.collector.want();
        }
    }

    /// Takes steps to get memory one after the other, each with a collection, on this thread.
    pub fn take_steps(&self, whose: Whose<'_>, steps: &[Step], cause: FlushCause) -> Removed {
        if self.is_inherited() {
            return Removed::default();
        }
        self.wrappers.collect();
        self.collector.take_all(whose, steps, cause)
    }

    /// Places code in a unit of this engine. If that is over a limit, code is given up that has
    /// not been called for a while, then all code that can be compiled again, until there is room:
    /// code of the unit's tenant if it is the tenant's limit.
    ///
    /// # Errors
    ///
    /// As for `Unit::place`.
    pub fn place(&self, unit: &Arc<Unit>, drafts: &[Draft]) -> codespace::Result<Vec<Placed>> {
        self.collector.with_room(unit.tenant(), || unit.place_all(drafts))
    }

    /// Makes a unit, with room as for [`Self::place`].
    pub(crate) fn new_unit(
        &self,
        tenant: Option<&Arc<Tenant>>,
        spec: impl Fn() -> UnitSpec,
        expected_code: usize,
    ) -> codespace::Result<Arc<Unit>> {
        let tenant = tenant.unwrap_or_else(|| self.manager.default_tenant());
        let spec = || UnitSpec { tenant: Some(Arc::clone(tenant)), ..spec() };
        self.collector.with_room(tenant, || self.manager.new_unit_expecting(spec(), expected_code))
    }

    /// Publishes code of a unit of this engine. What it replaces is collected when there is enough
    /// of it.
    ///
    /// # Errors
    ///
    /// As for `Unit::publish`.
    pub fn publish(
        &self,
        unit: &Arc<Unit>,
        placed: Vec<Placed>,
    ) -> codespace::Result<Vec<Installed>> {
        let published = unit.publish(placed)?;
        let installed = published.into_iter().map(|published| published.installed).collect();
        self.collector.consider(unit.tenant());
        Ok(installed)
    }

    pub(crate) fn add_block(&self, block: &Arc<SharedBlock>) {
        self.collector.add_block(block);
    }

    pub(crate) fn collector(&self) -> &Collector {
        &self.collector
    }

    /// True if this is a copy that a forked child has got from its parent: it has no code.
    pub fn is_inherited(&self) -> bool {
        // The first look is cheaper, and in most processes the only one.
        vmem::is_forked_child() && self.fork_guard.is_inherited()
    }

    /// What the code memory of wrappers is used for, which engines of the process share.
    pub fn wrapper_stats(&self) -> codespace::Stats {
        self.wrappers.stats()
    }

    pub(crate) fn wrappers(&self) -> &Arc<Wrappers> {
        &self.wrappers
    }
}

impl Drop for EngineState {
    fn drop(&mut self) {
        if !self.is_inherited() {
            self.collector.stop();
        }
    }
}

/// Counts of events. Read without locks, and only for information.
#[derive(Debug, Default)]
pub struct Counters {
    traps: AtomicU64,
    instances: AtomicU64,
    revived: AtomicU64,
}

impl Counters {
    /// Traps that reached a host.
    pub fn traps(&self) -> u64 {
        self.traps.load(Ordering::Relaxed)
    }

    /// Functions that were about to lose their code and were called.
    pub fn revived(&self) -> u64 {
        self.revived.load(Ordering::Relaxed)
    }

    pub(crate) fn count_revived(&self) {
        self.revived.fetch_add(1, Ordering::Relaxed);
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
