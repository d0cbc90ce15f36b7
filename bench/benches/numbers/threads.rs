//! One module, run by a thread on each core at once: against one thread alone.
//!
//! Threads share a module's code, cells and counters, but should not wait for each other: each has
//! a store and budgets of its own. What cores share (caches, and the units of a core that pretends
//! to be two) slows native code down too; the last row says how much, with the same work.
#![forbid(unsafe_code)]

use std::{
    hint::black_box,
    num::NonZeroUsize,
    sync::Barrier,
    thread::{self, available_parallelism},
};

use tierup::{CompilerStrategy, Config, Engine, Instance, Module, Store};
use tierup_bench::{Row, Table, Unit, cpu_now, median};

use crate::Outcome;

/// Pairs of one run alone and one on all cores.
const SAMPLES: usize = 15;

/// Rounds of a run: about 50 ms.
const ROUNDS: i32 = 400;

/// Calls, direct and through a table, a loop with loads and stores, and a global.
const TEXT: &str = r#"
    (module
      (memory 1)
      (global $sum (mut i32) (i32.const 0))
      (type $f (func (param i32) (result i32)))
      (table funcref (elem $fib))
      (func $fib (type $f)
        (if (i32.lt_u (local.get 0) (i32.const 2)) (then (return (local.get 0))))
        (i32.add
          (call $fib (i32.sub (local.get 0) (i32.const 1)))
          (call_indirect (type $f) (i32.sub (local.get 0) (i32.const 2)) (i32.const 0))))
      (func $mix (param $count i32)
        (loop $again
          (i32.store (i32.and (local.get $count) (i32.const 0xfffc))
            (i32.add (i32.mul (local.get $count) (i32.const 31))
              (i32.load (i32.and (i32.shl (local.get $count) (i32.const 7)) (i32.const 0xfffc)))))
          (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
      (func (export "run") (param $rounds i32) (result i32)
        (loop $again
          (call $mix (i32.const 20000))
          (global.set $sum (i32.add (global.get $sum) (call $fib (i32.const 17))))
          (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
        (global.get $sum)))
"#;

/// What a thread does; anything that goes wrong as text.
type Work<'a> = &'a (dyn Fn() -> Result<i32, String> + Sync);

pub(crate) fn run(table: &mut Table) -> Outcome {
    let modes =
        [("tiered", CompilerStrategy::Tiered), ("optimizing", CompilerStrategy::Optimizing)];
    let row = |what: &str, mut ratios: Vec<f64>| {
        let what = format!("one module on all cores at once, against one thread: {what}");
        Row::new(what, Unit::Times, median(&mut ratios))
    };
    for (name, strategy) in modes {
        let (mut cold, mut warm) = (Vec::new(), Vec::new());
        for _ in 0..SAMPLES {
            let engine = Engine::new(Config::new().strategy(strategy))?;
            // A module of its own for each side: both have all compiling ahead.
            cold.push(slowdown(|threads| {
                let module = Module::new(&engine, TEXT).map_err(|error| error.to_string())?;
                processor_time(threads, &|| in_wasm(&module))
            })?);
            let module = Module::new(&engine, TEXT)?;
            in_wasm(&module)?;
            warm.push(slowdown(|threads| processor_time(threads, &|| in_wasm(&module)))?);
        }
        table.add(row(&format!("{name}, from the first call on"), cold).at_most(1.1));
        table.add(row(&format!("{name}, warm"), warm).at_most(1.1));
    }
    let native = (0..SAMPLES).map(|_| slowdown(|threads| processor_time(threads, &in_rust)));
    table.add(row("native code", native.collect::<Result<_, _>>()?));
    Ok(())
}

/// How many times the time of one thread each of all takes.
fn slowdown(mut time: impl FnMut(usize) -> Result<f64, String>) -> Result<f64, String> {
    let alone = time(1)?;
    Ok(time(available_parallelism().map_or(1, NonZeroUsize::get))? / alone)
}

/// The mean processor time of threads that do the same at once.
fn processor_time(threads: usize, work: Work<'_>) -> Result<f64, String> {
    let barrier = Barrier::new(threads);
    let once = || {
        barrier.wait();
        let start = cpu_now();
        black_box(work()?);
        Ok(cpu_now() - start)
    };
    let times: Result<Vec<f64>, String> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(once)).collect();
        let ended = running.into_iter().map(|thread| thread.join());
        ended.map(|time| time.unwrap_or_else(|_| Err("a thread panicked".to_owned()))).collect()
    });
    Ok(times?.iter().sum::<f64>() / threads as f64)
}

fn in_wasm(module: &Module) -> Result<i32, String> {
    let run = || -> Result<i32, tierup::Error> {
        let mut store = Store::new(module.engine(), ());
        let instance = Instance::new(&mut store, module, &[])?;
        instance.typed_func::<i32, i32>(&mut store, "run")?.call(&mut store, ROUNDS)
    };
    run().map_err(|error| error.to_string())
}

/// Like the module.
fn in_rust() -> Result<i32, String> {
    fn fib(n: u32) -> u32 {
        if n < 2 { n } else { black_box(fib)(n - 1).wrapping_add(fib(n - 2)) }
    }
    let (mut memory, mut sum) = (vec![0_u32; 0x4000], 0_u32);
    for _ in 0..ROUNDS {
        for count in (1..=20_000_u32).rev() {
            let value = memory[(count << 7 >> 2 & 0x3fff) as usize];
            memory[(count >> 2 & 0x3fff) as usize] = count.wrapping_mul(31).wrapping_add(value);
        }
        sum = sum.wrapping_add(fib(black_box(17)));
    }
    black_box(memory);
    Ok(sum as i32)
}
