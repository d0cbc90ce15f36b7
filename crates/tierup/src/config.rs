//! How an engine is made.

use std::{sync::Arc, time::Duration};

use codespace::FaultPlan;
use tierup_compile::{Compiler, Limits};
use tierup_runtime::MemoryMode;
use tierup_tiering::Executor;

use crate::cgroup;

/// How an engine is made. Every setting has a default that suits most hosts.
///
/// ```
/// let mut config = tierup::Config::new();
/// config.lazy(false).compile_threads(2);
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "switches, each with a setter")]
pub struct Config {
    pub(crate) lazy: bool,
    pub(crate) lazy_validation: bool,
    pub(crate) strategy: CompilerStrategy,
    pub(crate) tier_up_budget: u64,
    compile_threads: Option<usize>,
    pub(crate) compile_limits: Limits,
    pub(crate) executor: Option<Arc<dyn Executor>>,
    code_memory_limit: Option<usize>,
    pub(crate) collect_floor: usize,
    pub(crate) collect_share: usize,
    pub(crate) collect_after: Duration,
    pub(crate) watch_memory_pressure: bool,
    pub(crate) protection: Protection,
    pub(crate) memory_mode: MemoryMode,
    pub(crate) max_wasm_stack: usize,
    pub(crate) consume_fuel: bool,
    pub(crate) share_modules: bool,
    pub(crate) arena_code_bytes: Option<usize>,
    pub(crate) compilers: Option<Compilers>,
    pub(crate) faults: Option<Arc<FaultPlan>>,
}

/// Which compilers make a module's code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum CompilerStrategy {
    /// The baseline compiler first, the optimizing one for what runs long.
    #[default]
    Tiered,
    /// The baseline compiler only, but for functions that it cannot do.
    Baseline,
    /// The optimizing compiler only, but for functions that exceed a limit of it.
    Optimizing,
}

/// Compilers that stand for the engine's own.
#[derive(Clone, Debug)]
pub(crate) struct Compilers {
    pub(crate) first: Arc<dyn Compiler>,
    pub(crate) second: Option<Arc<dyn Compiler>>,
}

/// How code memory is kept from being written.
///
/// Code is never writable and executable at the same time, for any one thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protection {
    /// The best that works here.
    #[default]
    Auto,
    /// Code is a file in memory that is mapped executable only; it is written through the file,
    /// so no address leads to writable code.
    File,
    /// Pages switch between writable and executable.
    Toggle,
    /// Pages have a protection key, and a thread has the right to write while it copies code.
    /// [`Engine::new`](crate::Engine::new) fails where the processor or the kernel has no keys.
    Pkey,
}

impl Config {
    /// The defaults: lazy compilation, all cores, protection by file, guard pages.
    pub fn new() -> Self {
        Self {
            lazy: true,
            lazy_validation: false,
            strategy: CompilerStrategy::default(),
            tier_up_budget: tierup_tiering::NUMBERS.budget,
            compile_threads: None,
            executor: None,
            compile_limits: Limits { time: Duration::from_secs(10), memory: 1 << 30 },
            code_memory_limit: None,
            collect_floor: codespace::Config::default().collect_floor_bytes,
            collect_share: codespace::Config::default().collect_share_percent,
            collect_after: tierup_runtime::RuntimeConfig::default().collect_after,
            watch_memory_pressure: false,
            protection: Protection::Auto,
            memory_mode: MemoryMode::Guard,
            max_wasm_stack: 1 << 20,
            consume_fuel: false,
            share_modules: true,
            arena_code_bytes: None,
            compilers: None,
            faults: None,
        }
    }

    /// Whether functions are compiled when they are first called (default), or all of them when
    /// the module is made.
    #[expect(clippy::fn_params_excessive_bools, reason = "the setter of a switch")]
    pub fn lazy(&mut self, lazy: bool) -> &mut Self {
        self.lazy = lazy;
        self
    }

    /// Whether a function's body is validated only when it is compiled. By default all bodies
    /// are validated when the module is made; with this, an invalid one traps when it is called.
    #[expect(clippy::fn_params_excessive_bools, reason = "the setter of a switch")]
    pub fn lazy_validation(&mut self, lazy: bool) -> &mut Self {
        self.lazy_validation = lazy;
        self
    }

    /// Which compilers make code: by default the baseline compiler at first, and the optimizing
    /// compiler for what runs long.
    pub fn strategy(&mut self, strategy: CompilerStrategy) -> &mut Self {
        self.strategy = strategy;
        self
    }

    /// How much a function does before it is looked at whether it is worth optimizing, and again
    /// each time; 10,000,000 by default. A unit is some 30 ps of baseline code, estimated from the
    /// code's length.
    ///
    /// A smaller budget also makes functions worth it earlier, in proportion. With a budget of 1
    /// every function is optimized at the first chance, which is for tests.
    pub fn tier_up_budget(&mut self, units: u64) -> &mut Self {
        self.tier_up_budget = units;
        self
    }

    /// Most threads that validate or compile a module at once, the caller's among them; and most
    /// threads that optimize in the background. The default is the number of cores, of which one
    /// is left for the program in the background. When several modules are made at once, they share
    /// what there is besides their callers' threads.
    ///
    /// With 0 there are no other threads: functions that are worth it are optimized on the thread
    /// that runs them, while they wait.
    pub fn compile_threads(&mut self, threads: usize) -> &mut Self {
        self.compile_threads = Some(threads);
        self
    }

    /// Optimizes in the background on threads of the host instead of the engine's own. At most
    /// [`Config::compile_threads`] jobs are given to it at once; with 0 threads none is.
    ///
    /// Dropping the engine waits for the jobs that run, and makes those that wait do nothing.
    pub fn executor(&mut self, executor: Arc<dyn Executor>) -> &mut Self {
        self.executor = Some(executor);
        self
    }

    /// Most time for optimizing one function that has baseline code; 10 s by default. A function
    /// that needs more stays as it is, and [`Engine::compile_failures`](crate::Engine) names it.
    ///
    /// It is looked at while a body is translated and between the compiler's phases, the last of
    /// which is not begun if it is expected to exceed the limit.
    pub fn compile_time_limit(&mut self, time: Duration) -> &mut Self {
        self.compile_limits.time = time;
        self
    }

    /// Most bytes of memory for optimizing one function; 1 GiB by default. It is estimated from the
    /// size of the intermediate code. A function that needs more stays as it is, as with
    /// [`Config::compile_time_limit`], or gets baseline code if it has none. (What the baseline
    /// compiler needs follows from the body, which has at most 7.3 MiB: less than 512 MiB.)
    pub fn compile_memory_limit(&mut self, bytes: usize) -> &mut Self {
        self.compile_limits.memory = bytes;
        self
    }

    /// Most bytes of code memory that the engine commits. What does not fit is an error, or a trap
    /// where a function is compiled when it is called.
    ///
    /// The default is 1 GiB, or less in a control group that may use less than 4 GiB of memory: a
    /// quarter of what it may, looked up when an engine is made, but at least 1 MiB. See
    /// [`Engine::code_memory_limit`](crate::Engine::code_memory_limit).
    pub fn code_memory_limit(&mut self, bytes: usize) -> &mut Self {
        self.code_memory_limit = Some(bytes);
        self
    }

    /// Code that was replaced or removed is collected when there is more of it than these bytes, 64
    /// KiB by default, and than a [share](Self::collect_share) of the committed code memory.
    pub fn collect_floor(&mut self, bytes: usize) -> &mut Self {
        self.collect_floor = bytes;
        self
    }

    /// Share of the committed code memory, in percent, that [`Self::collect_floor`] comes on top
    /// of; 10 by default.
    pub fn collect_share(&mut self, percent: usize) -> &mut Self {
        self.collect_share = percent;
        self
    }

    /// What is less is collected all the same after this time, 100 ms by default; what was on a
    /// stack then, when that stack has left it.
    pub fn collect_after(&mut self, time: Duration) -> &mut Self {
        self.collect_after = time;
        self
    }

    /// Whether a thread of the engine waits for the system to say that memory is short, and then
    /// calls [`Engine::memory_pressure`](crate::Engine::memory_pressure); not by default.
    ///
    /// This is Linux's pressure-stall information, of the process's control group or else of the
    /// system: memory that some task waited for during 5 % of 2 s is moderate pressure, and
    /// critical if all tasks did. Where the kernel has none, or does not let this process wait for
    /// it, nothing is watched, the log has a warning, and
    /// [`Engine::pressure_watch`](crate::Engine::pressure_watch) says why.
    #[expect(clippy::fn_params_excessive_bools, reason = "the setter of a switch")]
    pub fn watch_memory_pressure(&mut self, watch: bool) -> &mut Self {
        self.watch_memory_pressure = watch;
        self
    }

    /// How code memory is kept from being written.
    pub fn protection(&mut self, protection: Protection) -> &mut Self {
        self.protection = protection;
        self
    }

    /// How accesses outside a memory are found: by guard pages (default), which take 4 GiB of
    /// address space for each memory, or by explicit checks.
    pub fn memory_mode(&mut self, mode: MemoryMode) -> &mut Self {
        self.memory_mode = mode;
        self
    }

    /// Most bytes of stack that Wasm uses; 1 MiB by default. On smaller stacks it uses less: below
    /// its limit [`HOST_RESERVE`](crate::HOST_RESERVE) bytes are left for host functions.
    pub fn max_wasm_stack(&mut self, bytes: usize) -> &mut Self {
        self.max_wasm_stack = bytes;
        self
    }

    /// Whether code takes fuel from its store; not by default, and then fuel costs nothing.
    ///
    /// A store has the fuel that [`Store::set_fuel`](crate::Store::set_fuel) gave it, 0 at first.
    /// Code that has too little traps with [`TrapKind::OutOfFuel`](crate::TrapKind::OutOfFuel);
    /// the store then has 0, and can be used again. What a program takes depends on the program
    /// and its input only, not on which compiler made its code, when, or how often. It ends
    /// differently only where it is interrupted or its stack is used up.
    ///
    /// Each operator costs 1, but `nop`, `drop`, `block`, `loop`, `else`, `end`, `return` and
    /// `unreachable` cost nothing, and each call costs the callee 1 more. Besides, `memory.fill`,
    /// `memory.copy`, `memory.init` and `memory.grow` cost 1 for each 64 bytes, and `table.fill`,
    /// `table.copy`, `table.init` and `table.grow` 1 for each element, unless they trap or fail.
    /// A straight run of operators, up to the next branch, call, `if`, `else`, `loop` or end of a
    /// block, is paid for when it begins. So one that traps has taken all that its run costs, and
    /// a host function sees what is exact. An instance's start function costs what any call does;
    /// else, making an instance costs nothing.
    ///
    /// ```
    /// # fn main() -> Result<(), tierup::Error> {
    /// use tierup::{Config, Engine, Instance, Module, Store, TrapKind};
    ///
    /// let engine = Engine::new(Config::new().consume_fuel(true))?;
    /// let text = r#"(module
    ///     (func (export "add") (param i32 i32) (result i32)
    ///         local.get 0 local.get 1 i32.add)
    ///     (func (export "forever") (loop (br 0))))"#;
    /// let module = Module::new(&engine, text)?;
    /// let mut store = Store::new(&engine, ());
    /// let instance = Instance::new(&mut store, &module, &[])?;
    ///
    /// store.set_fuel(1000)?;
    /// let add = instance.typed_func::<(i32, i32), i32>(&mut store, "add")?;
    /// add.call(&mut store, (1, 2))?;
    /// assert_eq!(store.get_fuel()?, 996);
    ///
    /// let forever = instance.typed_func::<(), ()>(&mut store, "forever")?;
    /// let error = forever.call(&mut store, ()).unwrap_err();
    /// assert_eq!(error.trap().unwrap().kind(), TrapKind::OutOfFuel);
    /// assert_eq!(store.get_fuel()?, 0);
    /// # Ok(())
    /// # }
    /// ```
    #[expect(clippy::fn_params_excessive_bools, reason = "the setter of a switch")]
    pub fn consume_fuel(&mut self, consume: bool) -> &mut Self {
        self.consume_fuel = consume;
        self
    }

    /// Whether modules that are made from the same bytes in the same way share their code; by
    /// default they do. A module that is there, or that another thread is making, is found by a
    /// hash of its bytes, in a few milliseconds for a large one; it is validated and compiled once.
    ///
    /// ```
    /// # fn main() -> Result<(), tierup::Error> {
    /// let engine = tierup::Engine::default();
    /// let text = r#"(module (func (export "f")))"#;
    /// let (first, second) = (tierup::Module::new(&engine, text)?, tierup::Module::new(&engine, text)?);
    /// assert!(first.shares_code(&second));
    /// assert_eq!(engine.stats().modules.made, 1);
    /// # Ok(())
    /// # }
    /// ```
    #[expect(clippy::fn_params_excessive_bools, reason = "the setter of a switch")]
    pub fn share_modules(&mut self, share: bool) -> &mut Self {
        self.share_modules = share;
        self
    }

    /// Compiles with `compiler` instead of the engine's own: for tests and experiments.
    ///
    /// ```
    /// # fn main() -> Result<(), tierup::Error> {
    /// let mut config = tierup::Config::new();
    /// config.compiler(std::sync::Arc::new(tierup::compile::Trivial));
    /// let engine = tierup::Engine::new(&config)?;
    /// let text = r#"(module (func (export "two") (result i32) (i32.const 2)))"#;
    /// let module = tierup::Module::new(&engine, text)?;
    /// let mut store = tierup::Store::new(&engine, ());
    /// let instance = tierup::Instance::new(&mut store, &module, &[])?;
    /// let two = instance.typed_func::<(), i32>(&mut store, "two")?;
    /// assert_eq!(two.call(&mut store, ())?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn compiler(&mut self, compiler: Arc<dyn Compiler>) -> &mut Self {
        self.compilers = Some(Compilers { first: compiler, second: None });
        self
    }

    /// Compiles with `first`, and what runs long with `second`, instead of the engine's own
    /// compilers: for tests and experiments.
    pub fn compilers(&mut self, first: Arc<dyn Compiler>, second: Arc<dyn Compiler>) -> &mut Self {
        self.compilers = Some(Compilers { first, second: Some(second) });
        self
    }

    /// Bytes of code in one arena. Small arenas make tests of code in several arenas possible.
    pub fn arena_code_bytes(&mut self, bytes: usize) -> &mut Self {
        self.arena_code_bytes = Some(bytes);
        self
    }

    /// Makes calls to the system fail as planned: for tests of what happens when memory or threads
    /// are refused.
    ///
    /// Asked are code memory, linear memories, and the threads that compile or collect.
    ///
    /// ```
    /// # fn main() -> Result<(), tierup::Error> {
    /// use tierup::{Config, Engine, FaultKind, FaultPlan};
    ///
    /// let plan = FaultPlan::new();
    /// let engine = Engine::new(Config::new().faults(plan.clone()))?;
    /// plan.arm(FaultKind::Commit, 1);
    /// let text = r#"(module (func (export "two") (result i32) (i32.const 2)))"#;
    /// let module = tierup::Module::new(&engine, text);
    /// let error = module.and_then(|module| module.compile()).unwrap_err();
    /// assert!(error.to_string().contains("planned fault"), "{error}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn faults(&mut self, plan: Arc<FaultPlan>) -> &mut Self {
        self.faults = Some(plan);
        self
    }

    /// The limit on code memory: what was set, or what suits the control group.
    pub(crate) fn committed_limit(&self) -> usize {
        self.code_memory_limit.unwrap_or_else(cgroup::default_limit)
    }

    /// Threads that help those that validate or compile modules.
    pub(crate) fn helpers(&self) -> usize {
        self.compile_threads.unwrap_or_else(sync::cores).saturating_sub(1)
    }

    /// Threads that optimize in the background; 0 if the program's own does.
    pub(crate) fn workers(&self) -> usize {
        self.compile_threads.unwrap_or_else(|| (sync::cores() - 1).max(1))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
