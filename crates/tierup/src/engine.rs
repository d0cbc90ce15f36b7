//! An engine: compilers, code memory and types that modules and stores share.

use std::{fmt, sync::Arc};

use codespace::{CodeManager, Filter, GENTLE_STEPS, HARD_STEPS, Removed, Step, Tier, Whose};
use tierup_compile::{Compiler, Settings};
use tierup_optimize::Optimizing;
use tierup_runtime::{EngineState, ErrorKind, FlushCause, Frame, RuntimeConfig};
use tierup_tiering::{CompileCounters, CompileFailure, Plan, Policy, Pool, Threads, Validation};

use crate::{
    CodeMap, CompilerStrategy, Config, EngineStats, Error, ModuleOptions, PressureWatch,
    Protection, Tenant, TenantStats,
    config::Compilers,
    helpers::Helpers,
    pressure::{self, Watcher},
    sharing::SharedModules,
};

/// Compilers, code memory and types that modules and stores share. Cheap to clone; all clones
/// are one engine.
#[derive(Clone)]
pub struct Engine(Arc<EngineInner>);

struct EngineInner {
    config: Config,
    state: Arc<EngineState>,
    compilers: Compilers,
    counters: Arc<CompileCounters>,
    shared_modules: SharedModules,
    /// None if functions are optimized on the thread that runs them.
    pool: Option<Pool>,
    helpers: Helpers,
    /// None if nobody wants it.
    watcher: Option<Watcher>,
}

impl Engine {
    /// An engine made as `config` says.
    ///
    /// # Errors
    ///
    /// If this machine cannot run it, or there is no address space for code.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let compilers = compilers(config)?;
        let workers = config.workers();
        let manager = CodeManager::new(&code_config(config))?;
        let runtime = RuntimeConfig {
            memory_mode: config.memory_mode,
            max_wasm_stack: config.max_wasm_stack,
            consume_fuel: config.consume_fuel,
            collect_after: config.collect_after,
        };
        let state = EngineState::new(runtime, manager)?;
        Ok(Self(Arc::new(EngineInner {
            config: config.clone(),
            helpers: Helpers::new(config.helpers()),
            watcher: config.watch_memory_pressure.then(|| watcher(&state)),
            state,
            compilers,
            counters: Arc::default(),
            shared_modules: SharedModules::new(),
            pool: (workers != 0).then(|| match &config.executor {
                Some(executor) => Pool::with_executor(workers, Arc::clone(executor)),
                None => Pool::starting(workers, Threads::new(config.faults.clone())),
            }),
        })))
    }

    /// What the engine did and what it uses. Takes no lock that running code takes.
    pub fn stats(&self) -> EngineStats {
        let load = self.0.pool.as_ref().map(Pool::load).unwrap_or_default();
        EngineStats {
            modules: self.0.shared_modules.stats(),
            ..EngineStats::new(&self.0.state, &self.0.counters, load)
        }
    }

    /// What the code between the host and Wasm uses: wrappers, one for each type of function and
    /// direction. All engines of the process that protect code in the same way share it, and no
    /// engine's limit counts it; it has one of its own, 64 MiB.
    pub fn wrapper_stats(&self) -> codespace::Stats {
        self.0.state.wrapper_stats()
    }

    /// What lies where in code memory. Code runs and is published meanwhile, so the map is not of
    /// one moment.
    pub fn code_map(&self) -> CodeMap {
        CodeMap::new(self.0.state.manager().code_map())
    }

    /// Takes code away from the functions of all modules that are not [pinned](crate::Module::pin), and
    /// says how much that was. They are compiled again when they are called.
    ///
    /// The memory is given back in the background: at once, but for code on a stack, where it goes
    /// on until it has left it.
    pub fn flush(&self, filter: Filter) -> Removed {
        self.0.state.remove_all_code(filter)
    }

    /// Flushes all code, and frees what no stack holds before it returns.
    pub fn remove_code(&self) -> Removed {
        let removed = self.flush(Filter::All);
        self.collect();
        removed
    }

    /// Gives back all memory that can be had again: code of all modules that are not pinned.
    /// Returns the bytes of code memory that went back to the system.
    pub fn trim(&self) -> usize {
        let before = self.stats().code.committed_bytes;
        self.0.state.take_steps(Whose::Everybody, &[Step::Remove(Filter::All)], FlushCause::Trim);
        self.0.state.manager().reap();
        before.saturating_sub(self.stats().code.committed_bytes)
    }

    /// Memory is short, says the embedder or the system. Gives code up, collects, and says how
    /// much that was.
    pub fn memory_pressure(&self, level: MemoryPressure) -> Removed {
        self.0.state.take_steps(Whose::Everybody, level.steps(), FlushCause::Pressure)
    }

    /// Whether the system's memory pressure is being watched, and what came of it: see
    /// [`Config::watch_memory_pressure`].
    pub fn pressure_watch(&self) -> PressureWatch {
        self.0.watcher.as_ref().map(Watcher::status).unwrap_or_default()
    }

    /// Frees code that was replaced or removed and that no stack holds. Returns the bytes freed.
    ///
    /// Other code goes on: this thread waits until each of the others that runs Wasm has come to
    /// its next call or loop. Code that is on a stack is freed in the background when it has left
    /// it. All this happens without being asked for, too, whenever enough code was replaced or
    /// removed.
    pub fn collect(&self) -> usize {
        self.0.state.collect_code().code_bytes
    }

    /// The Wasm function and position that the machine code at an address stands for, if code of
    /// a module lies there now: for profilers of the host. A return address belongs to the
    /// instruction before it, so ask for the byte before.
    ///
    /// Takes no lock; code that is being replaced or taken away meanwhile is found or not.
    pub fn frame_at(&self, address: usize) -> Option<Frame> {
        Frame::at(&self.0.state, address)
    }

    /// A tenant: modules made for it (see [`ModuleOptions::tenant`]) never occupy more than `limit`
    /// bytes of code memory together, whatever other tenants do.
    ///
    /// Near its limit, a tenant loses code that was not called for a while; near the engine's
    /// limit, those do first that were not used for longest. `name` is for errors and statistics,
    /// and need not be the only one of its kind.
    ///
    /// ```
    /// # fn main() -> Result<(), tierup::Error> {
    /// use tierup::{Engine, Module, ModuleOptions};
    ///
    /// let engine = Engine::default();
    /// let shop = engine.tenant("shop", 16 << 20);
    /// let text = "(module (func) (func) (func))";
    /// let module = Module::with_options(&engine, text, ModuleOptions::new().tenant(&shop))?;
    /// module.compile()?;
    /// assert_eq!(shop.stats().code.baseline.count, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn tenant(&self, name: impl Into<String>, limit: usize) -> Tenant {
        Tenant::new(self, name.into(), limit)
    }

    /// What each tenant occupies. The first is the one of modules that were made for nobody in
    /// particular; the others follow in the order in which they were made, as long as there is a
    /// handle, a module or code of theirs.
    pub fn tenants(&self) -> Vec<TenantStats> {
        self.0.state.manager().tenants().iter().map(|tenant| tenant.stats()).collect()
    }

    /// The hard limit on committed code memory.
    pub fn code_memory_limit(&self) -> usize {
        self.0.state.manager().config().committed_limit
    }

    /// The first functions that could not be compiled, or not optimized, and why.
    pub fn compile_failures(&self) -> Vec<CompileFailure> {
        self.0.counters.failures()
    }

    /// How many functions the baseline compiler left to the optimizing one, by reason.
    pub fn bailouts(&self) -> Vec<(String, u64)> {
        self.0.counters.bailout_reasons()
    }

    /// How it was made.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// True if `other` is a clone of this engine.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The modules that can be shared, if modules are. Not in a forked child of the process that
    /// made the engine, where a lock may be held for ever.
    pub(crate) fn shared_modules(&self) -> Option<&SharedModules> {
        let is_shared = self.0.config.share_modules && !self.0.state.is_inherited();
        is_shared.then_some(&self.0.shared_modules)
    }

    /// Threads that help those who make modules.
    pub(crate) fn helpers(&self) -> &Helpers {
        &self.0.helpers
    }

    pub(crate) fn state(&self) -> &Arc<EngineState> {
        &self.0.state
    }

    /// How a module is compiled.
    ///
    /// A quick compiler that is about to compile all bodies validates them on the way. A slow one
    /// would learn too late that the last body is invalid, so for that one validation comes first.
    pub(crate) fn plan(&self, options: &ModuleOptions) -> Plan {
        let EngineInner { config, compilers, counters, pool, .. } = &*self.0;
        let Compilers { first, second } = compilers.clone();
        let (first, fallback, second) = match (options.chosen_strategy(config), second) {
            (CompilerStrategy::Optimizing, Some(second)) => (second, Some(first), None),
            (CompilerStrategy::Baseline, second) => (first, second, None),
            (_, second) => (first, second.clone(), second),
        };
        let is_joined = !options.is_lazy(config) && first.tier() == Tier::Baseline;
        Plan {
            first,
            fallback,
            second,
            settings: Settings {
                memory_mode: config.memory_mode,
                consume_fuel: config.consume_fuel,
                ..Settings::default()
            },
            limits: config.compile_limits,
            validation: match config.lazy_validation || is_joined {
                true => Validation::AtCompile,
                false => Validation::Done,
            },
            policy: Policy::new(config.tier_up_budget),
            pool: pool.as_ref().map(Pool::handle),
            threads: Threads::new(config.faults.clone()),
            counters: Arc::clone(counters),
        }
    }
}

/// How short memory is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum MemoryPressure {
    /// Code that was not called since the last time is given up.
    Moderate,
    /// All code is that can be compiled again.
    Critical,
}

impl MemoryPressure {
    fn steps(self) -> &'static [Step] {
        match self {
            Self::Moderate => &GENTLE_STEPS,
            Self::Critical => &HARD_STEPS,
        }
    }
}

impl Default for Engine {
    /// An engine with the default configuration.
    ///
    /// # Panics
    ///
    /// If [`Engine::new`] fails.
    fn default() -> Self {
        Self::new(&Config::new()).expect("the default configuration suits this machine")
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("config", &self.0.config).finish_non_exhaustive()
    }
}

/// The baseline compiler and the optimizing compiler, or what the configuration has instead.
fn compilers(config: &Config) -> Result<Compilers, Error> {
    match &config.compilers {
        Some(compilers) => Ok(compilers.clone()),
        None => Ok(Compilers { first: baseline(), second: Some(optimizing()?) }),
    }
}

fn baseline() -> Arc<dyn Compiler> {
    Arc::new(tierup_baseline::Baseline::new())
}

/// Everything that is compiled needs this machine's features, so it is the first to look.
fn optimizing() -> Result<Arc<dyn Compiler>, Error> {
    let made = Optimizing::new();
    Ok(Arc::new(made.map_err(|error| ErrorKind::Unsupported(error.to_string()))?))
}

/// Gives code of that engine up when memory is short, as long as the engine lives.
fn watcher(state: &Arc<EngineState>) -> Watcher {
    let state = Arc::downgrade(state);
    Watcher::start(pressure::sources(), move |level| {
        if let Some(state) = state.upgrade() {
            state.take_steps(Whose::Everybody, level.steps(), FlushCause::Pressure);
        }
    })
}

fn code_config(config: &Config) -> codespace::Config {
    let default = codespace::Config::default();
    codespace::Config {
        strategy: match config.protection {
            Protection::Auto => vmem::Strategy::Auto,
            Protection::File => vmem::Strategy::File,
            Protection::Toggle => vmem::Strategy::Toggle,
            Protection::Pkey => vmem::Strategy::Pkey,
        },
        committed_limit: config.committed_limit(),
        collect_floor_bytes: config.collect_floor,
        collect_share_percent: config.collect_share,
        arena_code_bytes: config.arena_code_bytes.unwrap_or(default.arena_code_bytes),
        faults: config.faults.clone(),
        ..default
    }
}
