//! An engine: compilers, code memory and types that modules and stores share.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use codespace::{CodeManager, Filter, Removed};
use sync::{
    Mutex, Rank,
    atomic::{AtomicBool, Ordering},
};
use tierup_compile::{Compiler, Settings};
use tierup_optimize::Optimizing;
use tierup_runtime::{CompiledModule, EngineState, ErrorKind, RuntimeConfig};
use tierup_tiering::{CompileCounters, CompileFailure, Plan, Policy, Pool, Validation};

use crate::{CompilerStrategy, Config, EngineStats, Error, Protection, config::Compilers};

/// Compilers, code memory and types that modules and stores share. Cheap to clone; all clones
/// are one engine.
#[derive(Clone)]
pub struct Engine(Arc<EngineInner>);

struct EngineInner {
    config: Config,
    state: Arc<EngineState>,
    compilers: Compilers,
    counters: Arc<CompileCounters>,
    /// None if functions are optimized on the thread that runs them.
    pool: Option<Pool>,
    /// Those whose code may exist: a module lives as long as its instances.
    modules: Mutex<Vec<Known>>,
}

/// A module of the engine.
struct Known {
    module: Weak<CompiledModule>,
    /// Its code is not to be removed.
    pinned: Arc<AtomicBool>,
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
        };
        Ok(Self(Arc::new(EngineInner {
            config: config.clone(),
            state: EngineState::new(runtime, manager)?,
            compilers,
            counters: Arc::default(),
            pool: (workers != 0).then(|| match &config.executor {
                Some(executor) => Pool::with_executor(workers, Arc::clone(executor)),
                None => Pool::new(workers),
            }),
            modules: Mutex::new(Rank::Engine, Vec::new()),
        })))
    }

    /// What the engine did and what it uses. Takes no lock that running code takes.
    pub fn stats(&self) -> EngineStats {
        let load = self.0.pool.as_ref().map(Pool::load).unwrap_or_default();
        EngineStats::new(&self.0.state, &self.0.counters, load)
    }

    /// Takes the code of all functions of all modules that are not [pinned](crate::Module::pin)
    /// away, and frees what no code runs.
    ///
    /// Functions are compiled again when they are called.
    pub fn remove_code(&self) -> Removed {
        let mut removed = Removed::default();
        for module in self.unpinned_modules() {
            let here = self.0.state.remove_code(&module, Filter::All);
            removed.functions += here.functions;
            removed.code_bytes += here.code_bytes;
            removed.metadata_bytes += here.metadata_bytes;
        }
        self.0.state.collect_code();
        removed
    }

    /// Frees code that was replaced or removed, if no code of the engine is running. Returns the
    /// bytes freed.
    pub fn collect(&self) -> usize {
        self.0.state.collect_code()
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

    pub(crate) fn state(&self) -> &Arc<EngineState> {
        &self.0.state
    }

    /// How a module is compiled, with another strategy than the engine's if it has one.
    pub(crate) fn plan(&self, strategy: Option<CompilerStrategy>) -> Plan {
        let EngineInner { config, compilers, counters, pool, .. } = &*self.0;
        let Compilers { first, second } = compilers.clone();
        let (first, fallback, second) = match (strategy.unwrap_or(config.strategy), second) {
            (CompilerStrategy::Optimizing, Some(second)) => (second, None, None),
            (CompilerStrategy::Baseline, second) => (first, second, None),
            (_, second) => (first, second.clone(), second),
        };
        Plan {
            first,
            fallback,
            second,
            settings: Settings { memory_mode: config.memory_mode, ..Settings::default() },
            limits: config.compile_limits,
            validation: match config.lazy_validation {
                true => Validation::AtCompile,
                false => Validation::Done,
            },
            policy: Policy::new(config.tier_up_budget),
            pool: pool.as_ref().map(Pool::handle),
            counters: Arc::clone(counters),
        }
    }

    /// Returns whether the module is pinned, which it is not yet.
    pub(crate) fn add_module(&self, module: &Arc<CompiledModule>) -> Arc<AtomicBool> {
        let mut modules = self.0.modules.lock();
        // Keeping the list short here makes dropping a module free of locks.
        if modules.len() == modules.capacity() {
            modules.retain(|known| known.module.strong_count() != 0);
        }
        let pinned = Arc::<AtomicBool>::default();
        modules.push(Known { module: Arc::downgrade(module), pinned: Arc::clone(&pinned) });
        pinned
    }

    fn unpinned_modules(&self) -> Vec<Arc<CompiledModule>> {
        let modules = self.0.modules.lock();
        // Acquire: what was done before a module was unpinned is done.
        let unpinned = modules.iter().filter(|known| !known.pinned.load(Ordering::Acquire));
        unpinned.filter_map(|known| known.module.upgrade()).collect()
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

fn code_config(config: &Config) -> codespace::Config {
    let default = codespace::Config::default();
    codespace::Config {
        strategy: match config.protection {
            Protection::Auto => vmem::Strategy::Auto,
            Protection::File => vmem::Strategy::File,
            Protection::Toggle => vmem::Strategy::Toggle,
        },
        committed_limit: config.code_memory_limit,
        arena_code_bytes: config.arena_code_bytes.unwrap_or(default.arena_code_bytes),
        ..default
    }
}
