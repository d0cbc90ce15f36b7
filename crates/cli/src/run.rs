//! `tierup run`.

use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use tierup::{Config, Engine, Error, Instance, Linker, Module, Store};
use tierup_wasi::{Exit, Preopen, WasiContext};

use crate::{
    args::{EngineArgs, ProgramArgs, RunArgs},
    file,
    invoke::invoke,
    options::Limits,
    outcome::Failure,
    stats,
    timeout::Timeout,
};

/// What the program's store keeps.
struct Host {
    wasi: WasiContext,
    limits: Limits,
}

/// Runs a program, or calls a function. Returns the exit code.
pub(crate) fn run(args: &RunArgs) -> Result<u8, Failure> {
    let (file, arguments) = args.command.split_first().expect("clap asks for one at least");
    let file = Path::new(file);
    let engine = Engine::new(&config(&args.engine))?;
    let module = load(&engine, file)?;
    let program = Program { args: &args.program, engine_args: &args.engine, file, arguments };
    let (done, ()) = program.run_and_look(&engine, &module, || ());
    stats::after(&args.stats, &engine, done)
}

/// A program that is about to be run, or a function to be called.
pub(crate) struct Program<'a> {
    pub(crate) args: &'a ProgramArgs,
    pub(crate) engine_args: &'a EngineArgs,
    pub(crate) file: &'a Path,
    pub(crate) arguments: &'a [OsString],
}

impl Program<'_> {
    /// Runs it; returns the exit code, and what `look` sees while its store is still there.
    pub(crate) fn run_and_look<R>(
        &self,
        engine: &Engine,
        module: &Module,
        look: impl FnOnce() -> R,
    ) -> (Result<u8, Failure>, R) {
        let mut linker = Linker::new(engine);
        let mut store = match self.store(engine, &mut linker) {
            Ok(store) => store,
            Err(failure) => return (Err(failure), look()),
        };
        let done = start_timeout(&store).and_then(|_timeout| {
            self.preload(engine, &mut linker, &mut store)?;
            let instance = linker.instantiate(&mut store, module)?;
            self.call(module, &mut store, instance)
        });
        (done, look())
    }

    fn store(&self, engine: &Engine, linker: &mut Linker<Host>) -> Result<Store<Host>, Failure> {
        let mut store = Store::new(engine, self.host()?);
        store.limiter(|host| &mut host.limits);
        if let Some(fuel) = store.data().limits.fuel {
            store.set_fuel(fuel)?;
        }
        tierup_wasi::add_to_linker(linker, |host: &mut Host| &mut host.wasi)?;
        Ok(store)
    }

    fn host(&self) -> Result<Host, Failure> {
        let args = self.args;
        let file_name = || self.file.file_name().unwrap_or(self.file.as_os_str()).to_owned();
        let name = args.argv0.clone().unwrap_or_else(file_name);
        let mut wasi = WasiContext::builder().inherit_stdio().argv0(name.into_vec());
        wasi = wasi.args(self.arguments.iter().cloned().map(OsStringExt::into_vec));
        for variable in &args.env {
            let bytes = variable.as_bytes();
            wasi = match bytes.iter().position(|&byte| byte == b'=') {
                Some(at) => wasi.env(&bytes[..at], &bytes[at + 1..]),
                None => match std::env::var_os(variable) {
                    Some(value) => wasi.env(bytes, value.into_vec()),
                    None => wasi,
                },
            };
        }
        for dir in &args.dirs {
            wasi = wasi.preopen(Preopen::from_argument(dir));
        }
        let wasi = wasi.build().map_err(Failure::error)?;
        Ok(Host { wasi, limits: Limits::new(&self.engine_args.wasm) })
    }

    fn preload(
        &self,
        engine: &Engine,
        linker: &mut Linker<Host>,
        store: &mut Store<Host>,
    ) -> Result<(), Failure> {
        for (name, file) in &self.args.preloads {
            let module = load(engine, &PathBuf::from(file))?;
            let instance = linker.instantiate(&mut *store, &module)?;
            initialize(store, instance)?;
            linker.instance(&mut *store, name, instance)?;
        }
        Ok(())
    }

    fn call(
        &self,
        module: &Module,
        store: &mut Store<Host>,
        instance: Instance,
    ) -> Result<u8, Failure> {
        let Some(name) = &self.args.invoke else { return start(module, store, instance) };
        initialize(store, instance)?;
        let func = instance.func(&mut *store, name).ok_or_else(|| {
            Failure::error(format!("no exported function `{name}`{}", exported_functions(module)))
        })?;
        invoke(store, func, self.arguments).map(|()| 0)
    }
}

/// The engine that the options describe, for as many modules as there may be.
pub(crate) fn engine(args: &EngineArgs) -> Result<Engine, Failure> {
    Ok(Engine::new(&described(Config::new(), args))?)
}

/// The configuration that the options describe, for one program: looking for an equal module would
/// cost it 0.3 ms for each MB, and there is none.
pub(crate) fn config(args: &EngineArgs) -> Config {
    described(Config::new().share_modules(false).clone(), args)
}

fn described(mut config: Config, args: &EngineArgs) -> Config {
    args.code.iter().for_each(|option| option.apply(&mut config));
    args.wasm.iter().for_each(|option| option.apply(&mut config));
    config
}

/// The module in a file.
pub(crate) fn load(engine: &Engine, file: &Path) -> Result<Module, Failure> {
    module(engine, file, read(file)?)
}

/// The contents of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    file::read(path)
        .map_err(|error| Failure::error(format!("cannot read {}: {error}", path.display())))
}

/// The module that a file contains.
pub(crate) fn module(engine: &Engine, file: &Path, bytes: Vec<u8>) -> Result<Module, Failure> {
    Module::from_vec(engine, bytes)
        .map_err(|error| Failure::error(format!("{}: {error}", file.display())))
}

fn start_timeout(store: &Store<Host>) -> Result<Option<Timeout>, Failure> {
    let start = |time| {
        let handle = store.interrupt_handle();
        Timeout::end(time, move || handle.interrupt())
    };
    store.data().limits.timeout.map(start).transpose()
}

/// Runs a command: a module that exports `_start`.
fn start(module: &Module, store: &mut Store<Host>, instance: Instance) -> Result<u8, Failure> {
    let Some(start) = instance.func(&mut *store, "_start") else {
        return Err(Failure::error(format!(
            "the module has no `_start`, so it is no program; name a function with --invoke{}",
            exported_functions(module)
        )));
    };
    match start.call(&mut *store, &[], &mut []) {
        Ok(()) => Ok(0),
        Err(error) => exit_code(error),
    }
}

/// Prepares a reactor: a module that exports `_initialize`.
fn initialize(store: &mut Store<Host>, instance: Instance) -> Result<(), Failure> {
    match instance.func(&mut *store, "_initialize") {
        Some(initialize) => Ok(initialize.call(&mut *store, &[], &mut [])?),
        None => Ok(()),
    }
}

fn exit_code(error: Error) -> Result<u8, Failure> {
    match error.downcast_ref::<Exit>() {
        // The system keeps the lowest 8 bits of what a program exits with.
        Some(exit) => Ok(exit.code() as u8),
        None => Err(error.into()),
    }
}

fn exported_functions(module: &Module) -> String {
    let functions = module.exports().filter_map(|export| match export.ty {
        tierup::ExternType::Func(ty) => Some(format!("\n  {}{ty}", export.name)),
        _ => None,
    });
    let functions: String = functions.take(20).collect();
    if functions.is_empty() { functions } else { format!("; it exports{functions}") }
}
