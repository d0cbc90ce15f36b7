//! From a large program's bytes in memory to its first instruction.
//!
//! That is what an embedder waits for: decoding and validating the module, linking, making an
//! instance with all its data, and compiling `_start`, which the first call of it would do.

use std::{fs, path::PathBuf, time::Instant};

use tierup::{CompilerStrategy, Config, Engine, Linker, Module, Store};
use tierup_bench::{Row, Table, Unit, median};
use tierup_wasi::WasiContext;
use tierup_wasm::Bytes;

use crate::Outcome;

const RUNS: usize = 15;

pub(crate) fn run(table: &mut Table) -> Outcome {
    let what =
        "from `Module::new` to the first instruction of `_start`, yosys, baseline, all cores";
    let Some(yosys) = std::env::var_os("YOSYS_WASM").map(PathBuf::from) else {
        table.add(Row::skipped(what, "YOSYS_WASM is not set"));
        return Ok(());
    };
    let bytes = Bytes::from(fs::read(yosys)?);
    let times: Outcome<Vec<f64>> = (0..RUNS).map(|_| start(&bytes)).collect();
    table.add(Row::new(what, Unit::Milliseconds, median(&mut times?)).at_most(80.0));
    Ok(())
}

/// Milliseconds until `_start` can run.
fn start(bytes: &Bytes) -> Outcome<f64> {
    let mut config = Config::new();
    config.strategy(CompilerStrategy::Baseline);
    let engine = Engine::new(&config)?;
    let mut store = Store::new(&engine, WasiContext::builder().build()?);
    let mut linker = Linker::new(&engine);
    tierup_wasi::add_to_linker(&mut linker, |wasi: &mut WasiContext| wasi)?;
    let start = Instant::now();
    let module = Module::from_bytes(&engine, bytes.clone())?;
    let instance = linker.instantiate(&mut store, &module)?;
    instance.func(&mut store, "_start").ok_or("the module is no program")?;
    let functions = module.imported_function_count()..module.function_count();
    let entry = functions.into_iter().find(|&it| module.function_name(it) == Some("_start"));
    module.compile_function(entry.ok_or("`_start` is not defined")?)?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}
