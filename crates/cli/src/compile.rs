//! `tierup compile`.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tierup::{Engine, EngineStats};

use crate::{args::CompileArgs, outcome::Failure, run};

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
}

/// Compiles a module and prints what it took. The exit code is 0.
pub(crate) fn run(args: &CompileArgs) -> Result<u8, Failure> {
    let mut config = run::config(&args.engine);
    config.lazy(false);
    if let Some(threads) = args.threads {
        config.compile_threads(threads);
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
    };
    let text = if args.json { json(&figures) } else { text(&figures) };
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
    let Figures { load, wall, cpu, functions, stats } = figures;
    let (bodies, code) = (body_bytes(stats), code_bytes(stats));
    format!(
        "functions           {functions}\n\
         load                {} ms\n\
         compile             {} ms\n\
         processor time      {} ms\n\
         bodies              {bodies} bytes\n\
         machine code        {code} bytes, {:.2} for each byte of a body",
        milliseconds(*load),
        milliseconds(*wall),
        milliseconds(*cpu),
        code as f64 / bodies.max(1) as f64
    )
}

fn json(figures: &Figures) -> String {
    json!({
        "functions": figures.functions,
        "load_milliseconds": milliseconds(figures.load),
        "wall_milliseconds": milliseconds(figures.wall),
        "cpu_milliseconds": milliseconds(figures.cpu),
        "body_bytes": body_bytes(&figures.stats),
        "code_bytes": code_bytes(&figures.stats),
    })
    .to_string()
}

fn body_bytes(stats: &EngineStats) -> u64 {
    stats.baseline.body_bytes + stats.optimized.body_bytes
}

fn code_bytes(stats: &EngineStats) -> u64 {
    stats.baseline.code_bytes + stats.optimized.code_bytes
}
