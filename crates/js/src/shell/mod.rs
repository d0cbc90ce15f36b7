//! A shell for scripts and tests: what `tierup js` runs them in.
//!
//! What needs the system is in Rust (`host`), the rest are scripts, which get the former as an object:
//! `shell.js`, which returns functions that only the shell knows, and `web.js`, what packages for
//! browsers expect besides.
//!
//! ```text
//!   run a file ──► jobs until none is left ──► unhandled rejection? ──► next timer ──► jobs ...
//! ```
#![forbid(unsafe_code)]

mod host;
mod files;
mod loader;
mod expose;

use std::{
    cell::{Cell, RefCell},
    fs,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

use rquickjs::{CatchResultExt, Ctx, Function, Object, Persistent, Promise, Result};
use tierup::Engine;

use crate::{Realm, RealmOptions, ScriptError, raw};

/// A realm with what scripts expect of a shell: `print`, `console`, `read`, `load`, `quit`, timers,
/// `fetch` for files, and more.
///
/// ```
/// # fn main() -> Result<(), tierup_js::ShellError> {
/// use tierup_js::{Shell, ShellOptions};
///
/// let shell = Shell::new(&tierup::Engine::default(), ShellOptions::default())?;
/// shell.eval("answer.js", "setTimeout(() => quit(42), 1)")?;
/// assert_eq!(shell.run_until_idle()?, 42);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Shell {
    // It holds values, and goes before the realm.
    functions: Functions,
    shared: Rc<Shared>,
    realm: Realm,
}

/// How a shell is made.
#[derive(Debug, Default)]
pub struct ShellOptions {
    /// What scripts may use.
    pub realm: RealmOptions,
    /// `scriptArgs`.
    pub arguments: Vec<String>,
    /// Whether the engine shows itself as `tierup`.
    pub exposure: Exposure,
    /// What becomes of rejections that nobody handles.
    pub rejections: Rejections,
}

/// Whether the engine shows itself to scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Exposure {
    /// It does not.
    #[default]
    Hidden,
    /// As a global object `tierup`.
    Global,
}

/// What becomes of rejections that nobody handles.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Rejections {
    /// They are errors.
    #[default]
    Error,
    /// Nothing.
    Ignore,
}

/// Why a shell stopped.
#[derive(Debug)]
pub enum ShellError {
    /// An exception that nobody caught.
    Uncaught(ScriptError),
    /// A rejection that nobody handled.
    Unhandled(ScriptError),
    /// A file could not be read.
    File(String),
}

/// What natives of the shell share with it.
#[derive(Debug, Default)]
struct Shared {
    exit: Cell<Option<i32>>,
    /// Rejected promises without a handler, by identity.
    rejected: RefCell<Vec<(usize, ScriptError)>>,
    /// Where relative paths of `fetch` begin: the folder of the file that was run last.
    base: RefCell<PathBuf>,
}

/// Functions of `shell.js`.
#[derive(Debug)]
struct Functions {
    /// Milliseconds until the next timer is due; negative if there is none.
    next_timer: Persistent<Function<'static>>,
    /// Runs the timer that is due next.
    run_timer: Persistent<Function<'static>>,
}

impl Shell {
    /// A shell whose WebAssembly runs on `engine`.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub fn new(engine: &Engine, options: ShellOptions) -> std::result::Result<Self, ShellError> {
        let shared = Rc::<Shared>::default();
        let mut limits = options.realm;
        limits.fetch = Some(files::hook(&shared, limits.fetch.take()));
        let realm = Realm::with_options(engine, limits)?;
        realm.runtime().set_loader(loader::Relative, loader::Files);
        if options.rejections == Rejections::Error {
            track_rejections(&realm, &shared);
        }
        let functions = realm.call(|ctx| {
            realm.install_gc(ctx)?;
            if options.exposure == Exposure::Global {
                expose::install(realm.state(), ctx)?;
            }
            ctx.globals().set("scriptArgs", options.arguments)?;
            install(ctx, &shared)
        })?;
        Ok(Self { functions, shared, realm })
    }

    /// The realm.
    pub fn realm(&self) -> &Realm {
        &self.realm
    }

    /// Runs code as a classic script. What it leaves to do is done by [`Shell::run_until_idle`].
    ///
    /// # Errors
    ///
    /// If it throws.
    pub fn eval(&self, name: &str, code: &str) -> std::result::Result<(), ShellError> {
        self.unless_quit(self.realm.eval(name, code))
    }

    /// Runs a file as a classic script, or as a module.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or throws.
    pub fn run_file(&self, path: &Path, kind: FileKind) -> std::result::Result<(), ShellError> {
        let source = fs::read_to_string(path)
            .map_err(|error| ShellError::File(format!("{}: {error}", path.display())))?;
        self.shared.base.replace(path.parent().map(Path::to_owned).unwrap_or_default());
        match kind {
            FileKind::Script => self.eval(&path.display().to_string(), &source),
            FileKind::Module => self.unless_quit(self.run_module(path, &source)),
        }
    }

    fn run_module(&self, path: &Path, source: &str) -> std::result::Result<(), ScriptError> {
        // Imports are relative to this name; a bare name would be no path.
        let name = match path.is_absolute() || path.starts_with(".") || path.starts_with("..") {
            true => path.display().to_string(),
            false => format!("./{}", path.display()),
        };
        self.realm.call(|ctx| {
            let module = loader::declare(ctx, &name, source)?;
            let (_, promise) = module.eval()?;
            rethrow(ctx, &promise)
        })
    }

    /// Runs jobs and timers until none is left. Returns the code that the process should end with.
    ///
    /// # Errors
    ///
    /// If something throws, or a rejection is not handled.
    pub fn run_until_idle(&self) -> std::result::Result<i32, ShellError> {
        loop {
            self.unless_quit(self.realm.run_jobs())?;
            if let Some(code) = self.shared.exit.get() {
                return Ok(code);
            }
            if let Some((_, rejection)) = self.shared.rejected.borrow_mut().pop() {
                return Err(ShellError::Unhandled(rejection));
            }
            let wait = self.realm.call(|ctx| {
                let next = self.functions.next_timer.clone().restore(ctx)?;
                next.call::<_, f64>(())
            })?;
            if wait < 0.0 {
                return Ok(0);
            }
            std::thread::sleep(Duration::from_secs_f64(wait / 1e3));
            let ran = self.realm.call(|ctx| {
                let run = self.functions.run_timer.clone().restore(ctx)?;
                run.call::<_, ()>(())
            });
            self.unless_quit(ran)?;
        }
    }

    /// The error that `quit` leaves scripts with is none.
    fn unless_quit(
        &self,
        done: std::result::Result<(), ScriptError>,
    ) -> std::result::Result<(), ShellError> {
        match done {
            Err(_) if self.shared.exit.get().is_some() => Ok(()),
            done => Ok(done?),
        }
    }
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// A classic script.
    Script,
    /// A module.
    Module,
}

impl FileKind {
    /// What a file's name says that it is.
    pub fn of(path: &Path) -> Self {
        match path.extension().is_some_and(|extension| extension == "mjs") {
            true => Self::Module,
            false => Self::Script,
        }
    }
}

/// An error of a module that is known already is told at once.
fn rethrow<'js>(ctx: &Ctx<'js>, promise: &Promise<'js>) -> Result<()> {
    match promise.result::<rquickjs::Value<'js>>() {
        Some(Err(error)) => {
            // So that it is not told twice.
            let ignore = Function::new(ctx.clone(), || ())?;
            let error = CatchResultExt::<()>::catch(Err(error), ctx);
            promise.catch()?.call::<_, ()>((rquickjs::function::This(promise.clone()), ignore))?;
            rquickjs::ThrowResultExt::throw(error, ctx)
        }
        _ => Ok(()),
    }
}

fn track_rejections(realm: &Realm, shared: &Rc<Shared>) {
    let shared = Rc::clone(shared);
    let track =
        move |_: Ctx<'_>, promise: rquickjs::Value<'_>, reason: rquickjs::Value<'_>, is_handled| {
            let Some(identity) = raw::identity(&promise) else { return };
            let mut rejected = shared.rejected.borrow_mut();
            match is_handled {
                true => rejected.retain(|(other, _)| *other != identity),
                false => rejected.push((identity, ScriptError::of_value(&reason))),
            }
        };
    realm.runtime().set_host_promise_rejection_tracker(Some(Box::new(track)));
}

fn install(ctx: &Ctx<'_>, shared: &Rc<Shared>) -> Result<Functions> {
    let host = host::object(ctx, shared)?;
    let script = |name: &str, code: &str| {
        let mut options = rquickjs::context::EvalOptions::default();
        options.filename = Some(format!("tierup:{name}"));
        ctx.eval_with_options::<Function<'_>, _>(code, options)
    };
    script("web.js", include_str!("web.js"))?.call::<_, ()>((host.clone(),))?;
    let functions: Object<'_> = script("shell.js", include_str!("shell.js"))?.call((host,))?;
    let keep = |name| {
        let function: Function<'_> = functions.get(name)?;
        Ok::<_, rquickjs::Error>(Persistent::save(ctx, function))
    };
    Ok(Functions { next_timer: keep("nextTimer")?, run_timer: keep("runTimer")? })
}

impl From<ScriptError> for ShellError {
    fn from(error: ScriptError) -> Self {
        Self::Uncaught(error)
    }
}

impl std::fmt::Display for ShellError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Uncaught(error) => write!(f, "uncaught {error}"),
            Self::Unhandled(error) => write!(f, "unhandled rejection: {error}"),
            Self::File(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ShellError {}
