//! Collecting code while other code runs: what it costs those who run, and how long it takes.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tierup::{CompilerStrategy, Config, Engine, Filter, InterruptHandle, Linker, Module, Store};
use tierup_bench::{Row, Table, Unit as In, cpu_now, median};

use crate::{Outcome, drafts, machine, place};

pub(crate) fn run(table: &mut Table) -> Outcome {
    let ratio = publishing()?;
    let what = "publish a 2 KiB function while a collector runs, against none";
    table.add(Row::new(what, In::Times, ratio).at_most(1.1));
    for (frames, limit) in [(1, 50.0), (100, 50.0), (1_000, 68.0)] {
        let lost = lost(frames)?;
        let what = format!("time that a running thread loses to a collection, {frames} frames");
        table.add(Row::new(what, In::Microseconds, lost).at_most(limit));
    }
    let cores = thread::available_parallelism()?.get();
    for (loops, limit) in [(0, 10.0), (cores, 10.0), (8, 40.0)] {
        let (middle, longest) = retire_to_free(loops)?;
        let what = format!("retire to free, {loops} threads loop and one is in a host call");
        table.add(Row::new(what.clone(), In::Milliseconds, middle).at_most(limit));
        table.add(Row::new(format!("{what}: the longest of {SAMPLES}"), In::Milliseconds, longest));
        // What no collector that asks threads can be faster than.
        let what = format!("until each of {loops} threads that spin has had a processor");
        table.add(Row::new(what, In::Milliseconds, scheduling(loops)));
    }
    Ok(())
}

const SAMPLES: usize = 31;
/// Objects of a collection.
const GARBAGE: u32 = 2_000;

/// How many times the processor time of publishing, while 2,000 objects are being freed.
fn publishing() -> Outcome<f64> {
    let manager = drafts::manager()?;
    let unit = drafts::unit(&manager, 100)?;
    let other = drafts::unit(&manager, GARBAGE)?;
    // What is published takes ranges that were freed, with a collector or without.
    let _kept = place::fill(&manager, 8)?;
    let publish = |least: usize, is_on: &dyn Fn() -> bool| -> Outcome<f64> {
        let (mut time, mut count) = (0.0, 0);
        while count < least || is_on() {
            let draft = drafts::typical(count as u32 % 100, 2 << 10);
            let start = cpu_now();
            drop(unit.publish(unit.place(vec![draft])?)?);
            time += cpu_now() - start;
            count += 1;
        }
        Ok(time / count as f64)
    };
    let mut ratios = Vec::new();
    for _ in 0..SAMPLES {
        let quiet = publish(300, &|| false)?;
        let garbage: Vec<_> = (0..GARBAGE).map(|function| drafts::typical(function, 256)).collect();
        drop(other.publish(other.place(garbage)?)?);
        other.remove(Filter::All);
        let (start, done) = (Barrier::new(2), AtomicBool::new(false));
        let busy = thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                // SAFETY: nobody runs code of this manager.
                unsafe { machine::collect(&manager) };
                done.store(true, Ordering::Relaxed);
            });
            start.wait();
            publish(10, &|| !done.load(Ordering::Relaxed))
        })?;
        ratios.push(busy / quiet);
    }
    Ok(median(&mut ratios))
}

const DEEP: &str = r#"(module
    (import "" "block" (func $block))
    (func $deep (export "deep") (param $frames i32) (param $count i32)
        (if (local.get $frames)
            (then (call $deep (i32.sub (local.get $frames) (i32.const 1)) (local.get $count)))
            (else (loop $again
                (br_if $again
                    (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))))
    (func (export "forever") (loop $again (br $again)))
    (func (export "block") (call $block)))"#;

fn engine() -> Outcome<Engine> {
    Ok(Engine::new(Config::new().strategy(CompilerStrategy::Baseline))?)
}

/// A module of functions that nobody calls.
fn garbage(engine: &Engine, functions: u32) -> Outcome<Module> {
    let body = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(10);
    let functions = format!("(func (param i32) {body})").repeat(functions as usize);
    Ok(Module::new(engine, format!("(module {functions})"))?)
}

/// Microseconds of processor time that a collection takes from a thread with so many frames.
fn lost(frames: i32) -> Outcome<f64> {
    const LOOPS: i32 = 300_000_000;
    let engine = engine()?;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.func("", "block", || ())?;
    let instance = linker.instantiate(&mut store, &Module::new(&engine, DEEP)?)?;
    let deep = instance.typed_func::<(i32, i32), ()>(&mut store, "deep")?;
    deep.call(&mut store, (frames, 1))?;
    let mut loops = || -> Outcome<f64> {
        let start = cpu_now();
        deep.call(&mut store, (frames, LOOPS))?;
        Ok(cpu_now() - start)
    };
    let garbage = garbage(&engine, 1)?;
    let mut times = Vec::new();
    for _ in 0..SAMPLES / 2 {
        let quiet = loops()?;
        let (done, before) = (AtomicBool::new(false), engine.stats().collections.count);
        let busy = thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) && garbage.compile().is_ok() {
                    garbage.flush(Filter::All);
                    engine.collect();
                    // Or it goes on collecting while the one that has just answered waits for a
                    // processor, and has nothing to answer.
                    thread::sleep(Duration::from_micros(100));
                }
            });
            let busy = loops();
            done.store(true, Ordering::Relaxed);
            busy
        })?;
        let collections = engine.stats().collections.count - before;
        times.push((busy - quiet) / collections.max(1) as f64 / 1e3);
    }
    Ok(median(&mut times))
}

/// Milliseconds from taking code away until its memory is free: median and longest.
fn retire_to_free(loops: usize) -> Outcome<(f64, f64)> {
    let engine = engine()?;
    let module = Module::new(&engine, DEEP)?;
    let (tell, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Arc::new(sync::Mutex::new(sync::Rank::Process, wait));
    let mut linker = Linker::new(&engine);
    linker.func("", "block", move || _ = wait.lock().recv())?;
    let handles = std::sync::mpsc::channel::<InterruptHandle>();
    let run = |name: &str| -> Result<(), tierup::Error> {
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module)?;
        let function = instance.typed_func::<(), ()>(&mut store, name)?;
        let _ = handles.0.send(store.interrupt_handle());
        function.call(&mut store, ())
    };
    thread::scope(|scope| {
        (0..loops).for_each(|_| drop(scope.spawn(|| run("forever"))));
        scope.spawn(|| run("block"));
        let running: Vec<_> = handles.1.iter().take(loops + 1).collect();
        thread::sleep(Duration::from_millis(50));
        let times = flush_and_wait(&engine);
        drop(tell);
        running.iter().for_each(InterruptHandle::interrupt);
        let mut times = times?;
        Ok((median(&mut times), times.last().copied().unwrap_or_default()))
    })
}

/// Milliseconds until as many threads that do nothing but wait for it have seen a change: median.
fn scheduling(loops: usize) -> f64 {
    let (round, seen) = (AtomicUsize::new(1), AtomicUsize::new(0));
    let mut times = Vec::new();
    thread::scope(|scope| {
        for _ in 0..loops {
            scope.spawn(|| {
                let mut last = 1;
                while last != 0 {
                    let now = round.load(Ordering::Relaxed);
                    if now != last {
                        last = now;
                        seen.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        thread::sleep(Duration::from_millis(50));
        for sample in 0..SAMPLES {
            seen.store(0, Ordering::Relaxed);
            let start = Instant::now();
            round.store(sample + 2, Ordering::Relaxed);
            while seen.load(Ordering::Relaxed) < loops {
                thread::sleep(Duration::from_micros(50));
            }
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        round.store(0, Ordering::Relaxed);
    });
    median(&mut times)
}

fn flush_and_wait(engine: &Engine) -> Outcome<Vec<f64>> {
    let garbage = garbage(engine, GARBAGE)?;
    let mut times = Vec::new();
    for _ in 0..SAMPLES {
        garbage.compile()?;
        let freed = || engine.stats().collections.objects;
        let before = freed();
        let start = Instant::now();
        garbage.flush(Filter::All);
        while freed() < before + u64::from(GARBAGE) {
            thread::sleep(Duration::from_micros(50));
        }
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}
