//! How an engine is made.

use std::{num::NonZeroUsize, sync::Arc};

use tierup_compile::Compiler;
use tierup_runtime::MemoryMode;

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
    pub(crate) compile_threads: NonZeroUsize,
    pub(crate) code_memory_limit: usize,
    pub(crate) protection: Protection,
    pub(crate) memory_mode: MemoryMode,
    pub(crate) max_wasm_stack: usize,
    pub(crate) arena_code_bytes: Option<usize>,
    pub(crate) strategy: Strategy,
    pub(crate) compiler: Option<Arc<dyn Compiler>>,
}

/// Which compilers functions are compiled by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// The optimizing compiler: code that runs fast.
    #[default]
    Optimizing,
    /// The baseline compiler: code that is there fast. What it cannot do is compiled by the
    /// optimizing compiler.
    Baseline,
}

/// How code memory is kept from being written.
///
/// Code is never writable and executable at the same time.
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
}

impl Config {
    /// The defaults: lazy compilation, all cores, protection by file, guard pages.
    pub fn new() -> Self {
        Self {
            lazy: true,
            lazy_validation: false,
            compile_threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            code_memory_limit: 1 << 30,
            protection: Protection::Auto,
            memory_mode: MemoryMode::Guard,
            max_wasm_stack: 1 << 20,
            arena_code_bytes: None,
            strategy: Strategy::Optimizing,
            compiler: None,
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

    /// Most threads that validate or compile a module at once, the caller's among them. The
    /// default is the number of cores.
    pub fn compile_threads(&mut self, threads: usize) -> &mut Self {
        self.compile_threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        self
    }

    /// Most bytes of code memory that the engine commits; 1 GiB by default. What does not fit is
    /// an error, or a trap where a function is compiled when it is called.
    pub fn code_memory_limit(&mut self, bytes: usize) -> &mut Self {
        self.code_memory_limit = bytes;
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

    /// Which compilers functions are compiled by.
    ///
    /// ```
    /// # fn main() -> Result<(), tierup::Error> {
    /// let mut config = tierup::Config::new();
    /// config.strategy(tierup::Strategy::Baseline);
    /// let engine = tierup::Engine::new(&config)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn strategy(&mut self, strategy: Strategy) -> &mut Self {
        self.strategy = strategy;
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
        self.compiler = Some(compiler);
        self
    }

    /// Bytes of code in one arena. Small arenas make tests of code in several arenas possible.
    pub fn arena_code_bytes(&mut self, bytes: usize) -> &mut Self {
        self.arena_code_bytes = Some(bytes);
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
