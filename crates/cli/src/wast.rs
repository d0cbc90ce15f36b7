//! `tierup wast`.

use std::{
    fs,
    io::{self, Write},
};

use tierup::{Engine, ResourceLimiter};
use tierup_wast::{Between, Options, Report, Runner};

use crate::{
    args::WastArgs, options::Limits, outcome::Failure, run::engine, stats, timeout::Timeout,
};

/// Runs scripts and prints a report. The exit code is 1 if anything failed.
pub(crate) fn run(args: &WastArgs) -> Result<u8, Failure> {
    let between = if args.remove_code { Between::RemoveCode } else { Between::Nothing };
    args.check()?;
    let engine = engine(&args.engine)?;
    let done = run_files(args, &engine, between);
    stats::after(&args.stats, &engine, done)
}

fn run_files(args: &WastArgs, engine: &Engine, between: Between) -> Result<u8, Failure> {
    let mut failed = 0;
    for file in &args.files {
        let text = fs::read_to_string(file)
            .map_err(|error| Failure::error(format!("cannot read {}: {error}", file.display())))?;
        let report = run_file(args, engine, between, &text)?;
        failed += report.failed.len();
        print(&file.display().to_string(), &report)
            .map_err(|error| Failure::error(format!("cannot print the report: {error}")))?;
    }
    Ok(if failed == 0 { 0 } else { 1 })
}

/// Runs a script, which has all of `-W timeout` for itself.
fn run_file(
    args: &WastArgs,
    engine: &Engine,
    between: Between,
    text: &str,
) -> Result<Report, Failure> {
    let limits = Limits::new(&args.engine.wasm);
    let timeout = limits.timeout;
    let limits: Option<Box<dyn ResourceLimiter>> = Some(Box::new(limits));
    let runner = Runner::new(engine, Options { between, limits, ..Options::default() })?;
    let start = |time| {
        let handle = runner.interrupt_handle();
        Timeout::interrupt(time, move || handle.interrupt())
    };
    let timeout = timeout.map(start).transpose()?;
    let report = runner.run(text);
    drop(timeout);
    Ok(report)
}

fn print(name: &str, report: &Report) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for failure in &report.failed {
        writeln!(output, "{name}:{}: {}", failure.line, failure.message)?;
    }
    let Report { passed, failed, skipped } = report;
    writeln!(output, "{name}: {passed} passed, {} failed, {skipped} skipped", failed.len())
}
