//! Equal modules and equal types: what it costs to find what is there, against making it.
#![forbid(unsafe_code)]

use std::{fs, path::PathBuf, sync::Barrier, thread, time::Instant};

use tierup::{Config, Engine, Func, Module, Store};
use tierup_bench::{Row, Samples, Table, Unit, median, nanoseconds};
use tierup_wasm::Bytes;

use crate::Outcome;

const RUNS: usize = 9;
const SMALL: Samples = Samples { samples: 51, operations: 500 };
const THREADS: usize = 100;

pub(crate) fn run(table: &mut Table) -> Outcome {
    wrappers(table)?;
    small(table)?;
    large(table, "5 MB, 50,000 functions", &generated(50_000)?)?;
    match std::env::var_os("ESBUILD_WASM").map(PathBuf::from) {
        Some(path) => large(table, "esbuild", &Bytes::from(fs::read(path)?)),
        None => {
            table.add(Row::skipped("sharing esbuild", "ESBUILD_WASM is not set"));
            Ok(())
        }
    }
}

/// A host function of a type that somebody uses, and of one that nobody does.
fn wrappers(table: &mut Table) -> Outcome {
    let engine = Engine::default();
    let host = || {
        let mut store = Store::new(&engine, ());
        // Errors show in the row for making, which checks.
        let _ = Func::wrap(&mut store, |_: i64, _: f64| 0_i32);
    };
    let time = || nanoseconds(SMALL, |count| (0..count).for_each(|_| host())) / 1e3;
    let made = time();
    let mut kept = Store::new(&engine, ());
    let _func = Func::wrap(&mut kept, |_: i64, _: f64| 0_i32)?;
    let found = time();
    let what = "a store with one host function, whose type";
    table.add(Row::new(format!("{what} is in use"), Unit::Microseconds, found));
    let what = format!("{what} is not: its wrapper is made and freed");
    table.add(Row::new(what, Unit::Microseconds, made));
    Ok(())
}

fn small(table: &mut Table) -> Outcome {
    let bytes = Bytes::from(wat::parse_str(r#"(module (func (export "f")))"#)?);
    for (share, what) in [(false, "not shared"), (true, "equal to one that is there")] {
        let engine = Engine::new(Config::new().share_modules(share))?;
        let _kept = Module::from_bytes(&engine, bytes.clone())?;
        let time = nanoseconds(SMALL, |count| {
            for _ in 0..count {
                let _ = Module::from_bytes(&engine, bytes.clone());
            }
        });
        let what = format!("`Module::new` of one function, {what}");
        table.add(Row::new(what, Unit::Microseconds, time / 1e3));
    }
    Ok(())
}

/// Wall time, because validating takes all cores.
fn large(table: &mut Table, name: &str, bytes: &Bytes) -> Outcome {
    let (mut apart, mut first, mut again, mut all) = (vec![], vec![], vec![], vec![]);
    for _ in 0..RUNS {
        let engine = Engine::new(Config::new().share_modules(false))?;
        apart.push(milliseconds(|| Ok(Module::from_bytes(&engine, bytes.clone())?))?.0);
        let engine = Engine::default();
        let (time, module) = milliseconds(|| Ok(Module::from_bytes(&engine, bytes.clone())?))?;
        first.push(time);
        again.push(milliseconds(|| Ok(Module::from_bytes(&engine, bytes.clone())?))?.0);
        drop(module);
        all.push(milliseconds(|| at_once(&engine, bytes))?.0);
    }
    let mut row = |what: &str, times: &mut Vec<f64>| {
        let what = format!("`Module::new`, {name}: {what}");
        table.add(Row::new(what, Unit::Milliseconds, median(times)));
    };
    row("not shared", &mut apart);
    row("shared, the first", &mut first);
    row("shared, equal to one that is there", &mut again);
    row(&format!("shared, {THREADS} threads at once"), &mut all);
    Ok(())
}

fn milliseconds<R>(work: impl FnOnce() -> Outcome<R>) -> Outcome<(f64, R)> {
    let start = Instant::now();
    let result = work()?;
    Ok((start.elapsed().as_secs_f64() * 1e3, result))
}

fn at_once(engine: &Engine, bytes: &Bytes) -> Outcome {
    let barrier = Barrier::new(THREADS);
    let make = || {
        barrier.wait();
        Module::from_bytes(engine, bytes.clone()).map_err(|error| error.to_string())
    };
    let modules = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(make)).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        let modules: Result<Vec<_>, String> =
            ended.map(|it| it.unwrap_or_else(|_| Err("a thread panicked".to_owned()))).collect();
        modules
    })?;
    match modules.iter().all(|module| module.shares_code(&modules[0])) {
        true => Ok(()),
        false => Err("a module was made twice".into()),
    }
}

/// A module of about 100 bytes for each function.
fn generated(functions: usize) -> Outcome<Bytes> {
    let body = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(13);
    let functions = format!("(func (param i32) {body})").repeat(functions);
    Ok(Bytes::from(wat::parse_str(format!("(module {functions})"))?))
}
