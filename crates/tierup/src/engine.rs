//! An engine: compilers, code memory and types that modules and stores share.

use std::{fmt, sync::Arc};

use codespace::{CodeManager, Filter, GENTLE_STEPS, HARD_STEPS, Removed, Step, Tier};
use tierup_compile::{Compiler, Settings};
use tierup_optimize::Optimizing;
use tierup_runtime::{EngineState, ErrorKind, FlushCause, Frame, RuntimeConfig};
use tierup_tiering::{CompileCounters, CompileFailure, Plan, Policy, Pool, Threads, Validation};

use crate::{
    CodeMap, CompilerStrategy, Config, EngineStats, Error, ModuleOptions, Protection,
    config::Compilers, sharing::SharedModules,
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
        };
        Ok(Self(Arc::new(EngineInner {
            config: config.clone(),
            state: EngineState::new(runtime, manager)?,
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
        self.0.state.take_steps(&[Step::Remove(Filter::All)], FlushCause::Trim);
        self.0.state.manager().reap();
        before.saturating_sub(self.stats().code.committed_bytes)
    }

    /// Memory is short, says the embedder or the system. Gives code up, collects, and says how
    /// much that was.
    pub fn memory_pressure(&self, level: MemoryPressure) -> Removed {
        let steps: &[Step] = match level {
            MemoryPressure::Moderate => &GENTLE_STEPS,
            MemoryPressure::Critical => &HARD_STEPS,
        };
        self.0.state.take_steps(steps, FlushCause::Pressure)
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
            (CompilerStrategy::Optimizing, Some(second)) => (second, None, None),
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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryPressure {
    /// Code that was not called since the last time is given up.
    Moderate,
    /// All code is that can be compiled again.
    Critical,
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

fn code_config(config: &Config) -> codespace::Config {
    let default = codespace::Config::default();
    codespace::Config {
        strategy: match config.protection {
            Protection::Auto => vmem::Strategy::Auto,
            Protection::File => vmem::Strategy::File,
            Protection::Toggle => vmem::Strategy::Toggle,
            Protection::Pkey => vmem::Strategy::Pkey,
        },
        committed_limit: config.code_memory_limit,
        arena_code_bytes: config.arena_code_bytes.unwrap_or(default.arena_code_bytes),
        faults: config.faults.clone(),
        ..default
    }
}
