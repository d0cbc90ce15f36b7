//! The `tierup` command.
//!
//! ```text
//!  arguments ──► args (what was asked) ──► options (settings) ──► run | wast | js
//!                                                                        └─► outcome: message, exit code
//! ```
#![forbid(unsafe_code)]

mod args;
mod options;
mod effect;
mod outcome;
mod foreign;
mod run;
mod file;
mod invoke;
mod stats;
mod compile;
mod inspect;
mod wast;
mod js;
mod stack;
mod timeout;
mod logging;

use std::process::ExitCode;

use args::Command;

fn main() -> ExitCode {
    let command = match args::parse(std::env::args_os()) {
        Ok(command) => command,
        // Help and version are errors too for clap; it knows where to print what.
        Err(error) => {
            let code = if error.use_stderr() { outcome::USAGE } else { 0 };
            // There is no one left to tell if printing fails.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let recorder = match &command {
        Command::Inspect(args) if args.run => Some(inspect::Recorder::new()),
        _ => None,
    };
    let done = match logging::start(recorder.as_ref()) {
        Err(failure) => Err(failure),
        Ok(()) => match command {
            Command::Run(args) => stack::with(&args.engine, || run::run(&args)),
            Command::Compile(args) => compile::run(&args),
            Command::Inspect(args) => inspect::run(&args, recorder),
            Command::Wast(args) => stack::with(&args.engine, || wast::run(&args)),
            Command::Js(args) => stack::with(&args.engine, || js::run(&args)),
        },
    };
    outcome::finish(done)
}
