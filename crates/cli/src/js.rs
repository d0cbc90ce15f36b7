//! `tierup js`.

use std::{ffi::OsString, path::Path};

use tierup::Engine;
use tierup_js::{Exposure, FileKind, RealmOptions, Rejections, Shell, ShellOptions};

use crate::{
    args::{JsArgs, UnhandledRejections},
    options::Limits,
    outcome::Failure,
    run::engine,
    stack, stats,
    timeout::Timeout,
};

/// Runs scripts. Returns the exit code.
pub(crate) fn run(args: &JsArgs) -> Result<u8, Failure> {
    let (file, arguments) = match (args.command.split_first(), &args.eval) {
        (Some((file, arguments)), None) => (Some(file), arguments),
        (_, Some(_)) => (None, &args.command[..]),
        (None, None) if !args.files.is_empty() => (None, &[][..]),
        (None, None) => return Err(Failure::usage("a FILE or -e CODE is wanted")),
    };
    let engine = engine(&args.engine)?;
    let limits = Limits::new(&args.engine.wasm);
    let time = limits.timeout;
    let shell = shell(args, &engine, arguments, limits)?;
    let timeout = time.map(|time| {
        let interrupt = shell.realm().interrupt();
        Timeout::end(time, move || interrupt.request())
    });
    let timeout = timeout.transpose()?;
    let run_all = || {
        for file in &args.files {
            shell.run_file(file, kind(args, file))?;
        }
        if let Some(code) = &args.eval {
            shell.eval("-e", code)?;
        }
        if let Some(file) = file.map(Path::new) {
            shell.run_file(file, kind(args, file))?;
        }
        shell.run_until_idle()
    };
    // The system keeps the lowest 8 bits of what a program exits with.
    let done = run_all().map(|code| code as u8).map_err(Failure::error);
    drop(timeout);
    stats::after(&args.stats, &engine, done)
}

fn shell(
    args: &JsArgs,
    engine: &Engine,
    arguments: &[OsString],
    limits: Limits,
) -> Result<Shell, Failure> {
    let fuel = limits.fuel;
    let realm = RealmOptions::new().limits(limits).script_stack(stack::SCRIPT);
    let realm = match fuel {
        Some(fuel) => realm.fuel(fuel),
        None => realm,
    };
    let options = ShellOptions {
        realm,
        arguments: arguments.iter().map(|text| text.to_string_lossy().into_owned()).collect(),
        exposure: if args.expose_tierup { Exposure::Global } else { Exposure::Hidden },
        rejections: match args.unhandled_rejections {
            UnhandledRejections::Error => Rejections::Error,
            UnhandledRejections::None => Rejections::Ignore,
        },
    };
    Shell::new(engine, options).map_err(Failure::error)
}

fn kind(args: &JsArgs, file: &Path) -> FileKind {
    match args.module {
        true => FileKind::Module,
        false => FileKind::of(file),
    }
}
