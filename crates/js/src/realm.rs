//! A realm: a JavaScript context with the `WebAssembly` namespace, and the store behind it.
#![forbid(unsafe_code)]

use std::{
    fmt, io,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rquickjs::{CatchResultExt, Class, Context, Ctx, Result, Runtime, context::EvalOptions};
use tierup::{Engine, InterruptHandle, ResourceLimiter};

use crate::{
    Fetched, ScriptError, array_buffer, define::define_hidden, fetch, fetch::Hook, namespace,
    native, state::State, wrapper::Sample,
};

/// A JavaScript context with the `WebAssembly` namespace.
///
/// ```
/// # fn main() -> Result<(), tierup_js::ScriptError> {
/// let realm = tierup_js::Realm::new(&tierup::Engine::default())?;
/// realm.eval("sum.js", "var sum = new WebAssembly.Global({ value: 'i32' }, 3).value + 4")?;
/// let sum: i32 = realm.with(|ctx| ctx.globals().get("sum")).unwrap();
/// assert_eq!(sum, 7);
/// # Ok(())
/// # }
/// ```
pub struct Realm {
    // In the order in which they go: [ST-ORDER].
    context: Context,
    runtime: Runtime,
    state: Rc<State>,
    interrupt: Interrupt,
}

/// What a realm may use. Every setting has a default.
#[derive(Default)]
pub struct RealmOptions {
    script_memory: Option<usize>,
    script_stack: Option<usize>,
    limits: Option<Box<dyn ResourceLimiter>>,
    fuel: Option<u64>,
    pub(crate) fetch: Option<Box<Hook>>,
}

/// Stack that scripts may use if nobody says: half of what a thread of Rust's has. Wasm that they
/// call may use as much again.
const SCRIPT_STACK: usize = 1 << 20;

impl RealmOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Most bytes of objects and strings that scripts may have; no limit by default. Memories and
    /// tables of WebAssembly do not count.
    #[must_use]
    pub fn script_memory(mut self, bytes: usize) -> Self {
        self.script_memory = Some(bytes);
        self
    }

    /// Most bytes of stack that scripts may use, counted from where the realm was entered; 1 MiB
    /// by default. The thread must have them.
    #[must_use]
    pub fn script_stack(mut self, bytes: usize) -> Self {
        self.script_stack = Some(bytes);
        self
    }

    /// Asked before memories and tables are made or grow, and for the number of instances.
    #[must_use]
    pub fn limits(mut self, limits: impl ResourceLimiter + 'static) -> Self {
        self.limits = Some(Box::new(limits));
        self
    }

    /// Gives scripts `fetch`, `Response`, `WebAssembly.compileStreaming` and
    /// `WebAssembly.instantiateStreaming`, and answers what they fetch. The script waits for it.
    ///
    /// In a [`Shell`](crate::Shell), which serves files itself, it is asked for all other URLs.
    #[must_use]
    pub fn fetch(mut self, answer: impl Fn(&str) -> io::Result<Fetched> + 'static) -> Self {
        self.fetch = Some(Box::new(answer));
        self
    }

    /// Fuel for all WebAssembly of the realm. An engine whose code takes fuel gives it none unless
    /// this is called.
    #[must_use]
    pub fn fuel(mut self, fuel: u64) -> Self {
        self.fuel = Some(fuel);
        self
    }
}

impl Realm {
    /// A realm whose WebAssembly runs on `engine`.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub fn new(engine: &Engine) -> std::result::Result<Self, ScriptError> {
        Self::with_options(engine, RealmOptions::new())
    }

    /// A realm that may use what `options` say.
    ///
    /// # Errors
    ///
    /// If there is no memory for it, or there is fuel and the engine's code takes none.
    pub fn with_options(
        engine: &Engine,
        options: RealmOptions,
    ) -> std::result::Result<Self, ScriptError> {
        let runtime = Runtime::new().map_err(ScriptError::new)?;
        runtime.set_max_stack_size(options.script_stack.unwrap_or(SCRIPT_STACK));
        if let Some(bytes) = options.script_memory {
            runtime.set_memory_limit(bytes);
        }
        let context = Context::full(&runtime).map_err(ScriptError::new)?;
        let state = State::new(engine, options.limits);
        if let Some(fuel) = options.fuel {
            let set = state.store.enter(|store| store.set_fuel(fuel));
            set.map_err(ScriptError::new)?;
        }
        let wasm = state.store.enter(|store| store.interrupt_handle());
        let interrupt = Interrupt { requested: Arc::default(), wasm };
        let requested = Arc::clone(&interrupt.requested);
        runtime.set_interrupt_handler(Some(Box::new(move || requested.load(Ordering::Relaxed))));
        let realm = Self { context, runtime, state, interrupt };
        realm.call(|ctx| realm.install(ctx, options.fetch))?;
        Ok(realm)
    }

    fn install(&self, ctx: &Ctx<'_>, hook: Option<Box<Hook>>) -> Result<()> {
        let sample = Class::instance(ctx.clone(), Sample)?;
        self.state.attach(ctx, sample.as_value());
        array_buffer::guard(&self.state, ctx)?;
        namespace::install(&self.state, ctx)?;
        hook.map_or(Ok(()), |hook| fetch::install(&self.state, ctx, hook))
    }

    /// Does something in the context.
    pub fn with<R>(&self, work: impl FnOnce(&Ctx<'_>) -> R) -> R {
        self.context.with(|ctx| work(&ctx))
    }

    /// Does something in the context; an exception becomes an error.
    ///
    /// # Errors
    ///
    /// If an exception was thrown.
    pub fn call<R>(
        &self,
        work: impl FnOnce(&Ctx<'_>) -> Result<R>,
    ) -> std::result::Result<R, ScriptError> {
        self.context.with(|ctx| work(&ctx).catch(&ctx).map_err(ScriptError::caught))
    }

    /// Runs a classic script. Jobs that it leaves are run by [`Realm::run_jobs`].
    ///
    /// # Errors
    ///
    /// If it has a syntax error, or throws.
    pub fn eval(&self, name: &str, source: &str) -> std::result::Result<(), ScriptError> {
        self.call(|ctx| {
            let mut options = EvalOptions::default();
            options.strict = false;
            options.filename = Some(name.to_owned());
            ctx.eval_with_options::<rquickjs::Value<'_>, _>(source, options).map(drop)
        })
    }

    /// Runs jobs until none is left: what promises and asynchronous functions of the namespace
    /// leave to do.
    ///
    /// # Errors
    ///
    /// If a job throws, which only an interrupt makes it do.
    pub fn run_jobs(&self) -> std::result::Result<(), ScriptError> {
        loop {
            match self.runtime.execute_pending_job() {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(failed) => {
                    return Err(failed.0.with(|ctx| ScriptError::of_value(&ctx.catch())));
                }
            }
        }
    }

    /// Collects garbage of scripts and of the store, also in cycles through both.
    ///
    /// # Errors
    ///
    /// If there is no memory to do it.
    pub fn collect(&self) -> std::result::Result<(), ScriptError> {
        self.call(|ctx| self.state.collect(ctx))
    }

    /// Lets other threads stop what the realm runs.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        self.state.engine()
    }

    /// QuickJS's part of the realm, to set what has no setting here.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(crate) fn state(&self) -> &Rc<State> {
        &self.state
    }

    /// Defines a function `gc` in the global object, which collects as [`Realm::collect`] does.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub fn install_gc(&self, ctx: &Ctx<'_>) -> Result<()> {
        let body: native::Body = |call| {
            call.state().collect(call.ctx())?;
            Ok(call.undefined())
        };
        define_hidden(&ctx.globals(), "gc", native::function(ctx, &self.state, ("gc", 0), body)?)
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        // [ST-ORDER]
        self.state.release();
    }
}

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Realm").field("engine", self.engine()).finish_non_exhaustive()
    }
}

impl fmt::Debug for RealmOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealmOptions")
            .field("script_memory", &self.script_memory)
            .field("script_stack", &self.script_stack)
            .finish_non_exhaustive()
    }
}

/// Stops what a realm runs, scripts and WebAssembly, from any thread.
///
/// ```
/// # fn main() -> Result<(), tierup_js::ScriptError> {
/// let realm = tierup_js::Realm::new(&tierup::Engine::default())?;
/// let interrupt = realm.interrupt();
/// std::thread::spawn(move || interrupt.request());
/// assert!(realm.eval("forever.js", "for (;;);").unwrap_err().to_string().contains("interrupted"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Interrupt {
    requested: Arc<AtomicBool>,
    wasm: InterruptHandle,
}

impl Interrupt {
    /// Stops what runs now, and whatever is run until [`Interrupt::clear`]. Scripts cannot catch
    /// it.
    pub fn request(&self) {
        self.requested.store(true, Ordering::Relaxed);
        self.wasm.interrupt();
    }

    /// Lets scripts run again.
    pub fn clear(&self) {
        self.requested.store(false, Ordering::Relaxed);
    }
}
