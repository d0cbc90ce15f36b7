//! `tierup inspect`: what is in a module, what it will take, and what became of it.
//!
//! ```text
//!   file ──► module ──► Contents ─────────────────┐
//!               │ --run                           ├──► text | json | page (--html)
//!               └─► program ──► Ran: map, events ─┘
//!               └─► disassembly (--code)
//! ```
#![forbid(unsafe_code)]

mod contents;
mod ran;
mod record;
mod grid;
mod text;
mod json;
mod page;
mod disassembly;
mod data;
mod format;

use std::{io, io::Write, path::Path};

use tierup::{Engine, Module};

pub(crate) use record::Recorder;

use crate::{args::InspectArgs, outcome::Failure, run, stack};
use contents::Contents;
use ran::Ran;

/// All that is shown.
struct Report {
    contents: Contents,
    ran: Option<Ran>,
}

/// Shows what is asked for. The exit code is 0, or that of the program if one was run.
///
/// `recorder` hears of events since the process began.
pub(crate) fn run(args: &InspectArgs, recorder: Option<Recorder>) -> Result<u8, Failure> {
    args.check()?;
    let engine = Engine::new(&run::config(&args.engine))?;
    let module = run::load(&engine, &args.file)?;
    let contents = Contents::of(&args.file, &module);
    let (done, map) = match args.run {
        true => {
            let program = run::Program {
                args: &args.program,
                engine_args: &args.engine,
                file: &args.file,
                arguments: &args.arguments,
            };
            let (done, map) = stack::with(&args.engine, || {
                program.run_and_look(&engine, &module, || engine.code_map())
            });
            (done, Some(map))
        }
        false => (Ok(0), None),
    };
    let ran = map.map(|map| {
        let events = recorder.map(Recorder::finish).unwrap_or_default();
        Ran::new(&module, map, events, &done)
    });
    show(args, &module, &Report { contents, ran })?;
    done
}

fn show(args: &InspectArgs, module: &Module, report: &Report) -> Result<(), Failure> {
    if let Some(path) = &args.html {
        write_page(path, report)?;
    }
    let text = match (&args.disassemble, &args.html) {
        (Some(function), _) => disassembly::of(module, function)?,
        _ if args.json => json::of(report),
        (None, Some(_)) => return Ok(()),
        (None, None) => text::of(report, &text::Screen::of_stdout()),
    };
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::error(format!("cannot print what was found: {error}")))
}

fn write_page(path: &Path, report: &Report) -> Result<(), Failure> {
    std::fs::write(path, page::of(report))
        .map_err(|error| Failure::error(format!("cannot write {}: {error}", path.display())))
}
