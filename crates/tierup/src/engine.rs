//! An engine: compilers, code memory and types that modules and stores share.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use codespace::{CodeManager, Filter, Removed};
use sync::{Mutex, Rank};
use tierup_baseline::Baseline;
use tierup_compile::{Compiler, Settings};
use tierup_optimize::Optimizing;
use tierup_runtime::{CompiledModule, EngineState, ErrorKind, RuntimeConfig};
use tierup_tiering::CompileCounters;

use crate::{Config, EngineStats, Error, Protection, Strategy};

/// Compilers, code memory and types that modules and stores share. Cheap to clone; all clones
/// are one engine.
#[derive(Clone)]
pub struct Engine(Arc<EngineInner>);

struct EngineInner {
    config: Config,
    state: Arc<EngineState>,
    compiler: Arc<dyn Compiler>,
    /// Compiles what the other one cannot.
    fallback: Option<Arc<dyn Compiler>>,
    counters: Arc<CompileCounters>,
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
        let (compiler, fallback) = match (&config.compiler, config.strategy) {
            (Some(compiler), _) => (Arc::clone(compiler), None),
            (None, Strategy::Optimizing) => (optimizing()?, None),
            (None, Strategy::Baseline) => {
                (Arc::new(Baseline::new()) as Arc<dyn Compiler>, Some(optimizing()?))
            }
        };
        let manager = CodeManager::new(&code_config(config))?;
        let runtime = RuntimeConfig {
            memory_mode: config.memory_mode,
            max_wasm_stack: config.max_wasm_stack,
        };
        Ok(Self(Arc::new(EngineInner {
            config: config.clone(),
            state: EngineState::new(runtime, manager)?,
            compiler,
            fallback,
            counters: Arc::default(),
            modules: Mutex::new(Rank::Engine, Vec::new()),
        })))
    }

    /// What the engine did and what it uses. Takes no lock that running code takes.
    pub fn stats(&self) -> EngineStats {
        EngineStats::new(&self.0.state, &self.0.counters)
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

    pub(crate) fn compiler(&self) -> Arc<dyn Compiler> {
        Arc::clone(&self.0.compiler)
    }

    pub(crate) fn fallback(&self) -> Option<Arc<dyn Compiler>> {
        self.0.fallback.clone()
    }

    pub(crate) fn counters(&self) -> Arc<CompileCounters> {
        Arc::clone(&self.0.counters)
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings { memory_mode: self.0.config.memory_mode }
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
