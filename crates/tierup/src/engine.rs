//! An engine: compilers, code memory and types that modules and stores share.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use codespace::{CodeManager, Filter, Removed};
use sync::{Mutex, Rank};
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
    /// Compiles what the first compiler cannot.
    fallback: Option<Arc<dyn Compiler>>,
    counters: Arc<CompileCounters>,
    /// None if functions are optimized on the thread that runs them.
    pool: Option<Pool>,
    /// Those whose code may exist: a module lives as long as its instances.
    modules: Mutex<Vec<Weak<CompiledModule>>>,
}

impl Engine {
    /// An engine made as `config` says.
    ///
    /// # Errors
    ///
    /// If this machine cannot run it, or there is no address space for code.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let (compilers, fallback) = compilers(config)?;
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
            fallback,
            counters: Arc::default(),
            pool: (workers != 0).then(|| Pool::new(workers)),
            modules: Mutex::new(Rank::Engine, Vec::new()),
        })))
    }

    /// What the engine did and what it uses. Takes no lock that running code takes.
    pub fn stats(&self) -> EngineStats {
        let load = self.0.pool.as_ref().map(Pool::load).unwrap_or_default();
        EngineStats::new(&self.0.state, &self.0.counters, load)
    }

    /// Takes the code of all functions of all modules away and frees what no code runs.
    ///
    /// Functions are compiled again when they are called.
    pub fn remove_code(&self) -> Removed {
        let mut removed = Removed::default();
        for module in self.live_modules() {
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

    /// How modules are compiled.
    pub(crate) fn plan(&self) -> Plan {
        let EngineInner { config, compilers, fallback, counters, pool, .. } = &*self.0;
        Plan {
            first: Arc::clone(&compilers.first),
            fallback: fallback.clone(),
            second: compilers.second.clone(),
            settings: Settings { memory_mode: config.memory_mode },
            validation: match config.lazy_validation {
                true => Validation::AtCompile,
                false => Validation::Done,
            },
            policy: Policy::new(config.tier_up_budget),
            pool: pool.as_ref().map(Pool::handle),
            counters: Arc::clone(counters),
        }
    }

    pub(crate) fn add_module(&self, module: &Arc<CompiledModule>) {
        let mut modules = self.0.modules.lock();
        // Keeping the list short here makes dropping a module free of locks.
        if modules.len() == modules.capacity() {
            modules.retain(|module| module.strong_count() != 0);
        }
        modules.push(Arc::downgrade(module));
    }

    fn live_modules(&self) -> Vec<Arc<CompiledModule>> {
        self.0.modules.lock().iter().filter_map(Weak::upgrade).collect()
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

/// The compilers that the configuration asks for, and the one for what the first cannot do.
fn compilers(config: &Config) -> Result<(Compilers, Option<Arc<dyn Compiler>>), Error> {
    let own = match &config.compilers {
        Some(compilers) => compilers.clone(),
        None => own_compilers(config.strategy)?,
    };
    Ok(match (config.strategy, own) {
        (CompilerStrategy::Optimizing, Compilers { second: Some(second), .. }) => {
            (Compilers { first: second, second: None }, None)
        }
        (CompilerStrategy::Baseline, Compilers { first, second }) => {
            (Compilers { first, second: None }, second)
        }
        (_, compilers) => {
            let fallback = compilers.second.clone();
            (compilers, fallback)
        }
    })
}

/// The baseline compiler, where there is one, and the optimizing compiler.
fn own_compilers(strategy: CompilerStrategy) -> Result<Compilers, Error> {
    let optimizing = optimizing()?;
    match baseline() {
        Some(first) => Ok(Compilers { first, second: Some(optimizing) }),
        None if strategy == CompilerStrategy::Baseline => {
            Err(ErrorKind::Unsupported("there is no baseline compiler yet".to_owned()).into())
        }
        None => Ok(Compilers { first: optimizing, second: None }),
    }
}

fn baseline() -> Option<Arc<dyn Compiler>> {
    Some(Arc::new(tierup_baseline::Baseline::new()))
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
        ..default
    }
}
