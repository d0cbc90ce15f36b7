//! `tierup compile`.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tierup::{CompilerStrategy, Engine, EngineStats};

use crate::{
    args::{CompileArgs, CompileTier},
    outcome::Failure,
    run, stats,
};

/// What compiling took.
struct Figures {
    /// Reading the file.
    load: Duration,
    /// Decoding the module, validating and compiling all functions.
    wall: Duration,
    /// Processor time of all that, of all threads.
    cpu: Duration,
    functions: u32,
    stats: EngineStats,
    /// Functions that the baseline compiler left to the other, by reason.
    bailouts: Vec<(String, u64)>,
}

/// Compiles a module and prints what it took. The exit code is 0.
pub(crate) fn run(args: &CompileArgs) -> Result<u8, Failure> {
    args.check()?;
    let mut config = run::config(&args.engine);
    config.lazy(false);
    if let Some(threads) = args.threads {
        config.compile_threads(threads);
    }
    if let Some(tier) = args.tier {
        config.strategy(match tier {
            CompileTier::Baseline => CompilerStrategy::Baseline,
            CompileTier::Optimizing => CompilerStrategy::Optimizing,
        });
    }
    let engine = Engine::new(&config)?;
    let (cpu, start) = (processor_time(), Instant::now());
    let bytes = run::read(&args.file)?;
    let load = start.elapsed();
    let module = run::module(&engine, &args.file, bytes)?;
    let figures = Figures {
        load,
        wall: start.elapsed() - load,
        cpu: processor_time() - cpu,
        functions: module.function_count() - module.imported_function_count(),
        stats: engine.stats(),
        bailouts: engine.bailouts(),
    };
    let done = print(args, &figures);
    stats::after(&args.stats, &engine, done)
}

fn print(args: &CompileArgs, figures: &Figures) -> Result<u8, Failure> {
    let text = if args.json { json(figures) } else { text(figures) };
    writeln!(io::stdout(), "{text}")
        .map_err(|error| Failure::error(format!("cannot print the figures: {error}")))?;
    Ok(0)
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn text(figures: &Figures) -> String {
    let Figures { load, wall, cpu, functions, stats, bailouts } = figures;
    let (bodies, code) = (body_bytes(stats), code_bytes(stats));
    let mut text = format!(
        "functions           {functions}\n\
         by baseline         {}\n\
         by optimizing       {}\n\
         load                {} ms\n\
         compile             {} ms\n\
         processor time      {} ms\n\
         bodies              {bodies} bytes\n\
         machine code        {code} bytes, {:.2} for each byte of a body\n\
         bailouts            {}",
        stats.compiles.baseline.functions,
        stats.compiles.optimized.functions,
        milliseconds(*load),
        milliseconds(*wall),
        milliseconds(*cpu),
        code as f64 / bodies.max(1) as f64,
        stats.compiles.bailouts
    );
    for (reason, count) in bailouts {
        text += &format!("\n  {reason}: {count}");
    }
    text
}

fn json(figures: &Figures) -> String {
    let Figures { stats, bailouts, .. } = figures;
    let reasons: BTreeMap<_, _> = bailouts.iter().map(|(reason, count)| (reason, count)).collect();
    json!({
        "functions": figures.functions,
        "baseline_functions": stats.compiles.baseline.functions,
        "optimized_functions": stats.compiles.optimized.functions,
        "load_milliseconds": milliseconds(figures.load),
        "wall_milliseconds": milliseconds(figures.wall),
        "cpu_milliseconds": milliseconds(figures.cpu),
        "body_bytes": body_bytes(stats),
        "code_bytes": code_bytes(stats),
        "bailouts": stats.compiles.bailouts,
        "bailout_reasons": reasons,
    })
    .to_string()
}

fn body_bytes(stats: &EngineStats) -> u64 {
    stats.compiles.baseline.body_bytes + stats.compiles.optimized.body_bytes
}

fn code_bytes(stats: &EngineStats) -> u64 {
    stats.compiles.baseline.code_bytes + stats.compiles.optimized.code_bytes
}
