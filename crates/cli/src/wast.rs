//! `tierup wast`.

use std::{
    fs,
    io::{self, Write},
};

use tierup::Engine;
use tierup_wast::{Between, Report};

use crate::{args::WastArgs, options::Limits, outcome::Failure, run::engine, stats};

/// Runs scripts and prints a report. The exit code is 1 if anything failed.
pub(crate) fn run(args: &WastArgs) -> Result<u8, Failure> {
    let between = if args.remove_code { Between::RemoveCode } else { Between::Nothing };
    if Limits::new(&args.engine.wasm).fuel.is_some() {
        return Err(Failure::usage(
            "scripts have no fuel of their own: -W fuel is for `run` and `js`",
        ));
    }
    let engine = engine(&args.engine)?;
    let done = run_files(args, &engine, between);
    stats::after(&args.stats, &engine, done)
}

fn run_files(args: &WastArgs, engine: &Engine, between: Between) -> Result<u8, Failure> {
    let mut failed = 0;
    for file in &args.files {
        let text = fs::read_to_string(file)
            .map_err(|error| Failure::error(format!("cannot read {}: {error}", file.display())))?;
        let report = tierup_wast::run(engine, &text, between);
        failed += report.failed.len();
        print(&file.display().to_string(), &report)
            .map_err(|error| Failure::error(format!("cannot print the report: {error}")))?;
    }
    Ok(if failed == 0 { 0 } else { 1 })
}

fn print(name: &str, report: &Report) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for failure in &report.failed {
        writeln!(output, "{name}:{}: {}", failure.line, failure.message)?;
    }
    let Report { passed, failed, skipped } = report;
    writeln!(output, "{name}: {passed} passed, {} failed, {skipped} skipped", failed.len())
}
