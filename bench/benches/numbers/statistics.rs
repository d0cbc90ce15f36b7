//! Statistics: what a snapshot costs.

use std::hint::black_box;

use tierup::{CompilerStrategy, Config, Engine, Module};
use tierup_bench::{Row, Samples, Table, Unit as In, nanoseconds};

use crate::Outcome;

/// Modules of the engine.
const MODULES: usize = 1_000;
/// Functions of each.
const FUNCTIONS: usize = 20;

pub(crate) fn run(table: &mut Table) -> Outcome {
    let mut config = Config::new();
    config.strategy(CompilerStrategy::Baseline).compile_threads(1);
    let engine = Engine::new(&config)?;
    let function = "(func (param i32) (result i32) (i32.add (local.get 0) (i32.const 7)))";
    let modules = (0..MODULES).map(|index| {
        // No two are the same.
        let text =
            format!("(module {} (global i32 (i32.const {index})))", function.repeat(FUNCTIONS));
        let module = Module::new(&engine, text)?;
        module.compile()?;
        Ok(module)
    });
    let modules: Vec<Module> = modules.collect::<Outcome<_>>()?;
    assert_eq!(engine.stats().code.code.functions.baseline, MODULES * FUNCTIONS);
    let snapshots = |engine: &Engine| {
        let samples = Samples { samples: 51, operations: 200 };
        nanoseconds(samples, |count| (0..count).for_each(|_| _ = black_box(engine.stats())))
    };
    let what = format!("stats snapshot of an engine with {MODULES} units");
    table.add(Row::new(what, In::Microseconds, snapshots(&engine) / 1e3).at_most(1e3));
    let what = "stats snapshot of an engine without modules";
    table.add(Row::new(what, In::Microseconds, snapshots(&Engine::new(&config)?) / 1e3));
    drop(modules);
    Ok(())
}
