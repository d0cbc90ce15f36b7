//! Giving code up: when asked, when cold, under a limit.

use std::{fmt::Write, thread, time::Duration};

use tierup::{
    Caller, CompilerStrategy, Engine, ErrorKind, Filter, Linker, MemoryPressure, Module,
    Protection, Store, Tier, TrapKind,
};

use crate::support::{engine_with, eventually, instance_of, instantiate, run_i32, trap_kind};

/// `f0` and so on, each of which adds its number and is of some length.
fn functions(count: usize, salt: usize) -> String {
    functions_of(10, count, salt)
}

pub(crate) fn functions_of(length: usize, count: usize, salt: usize) -> String {
    let mut text = String::from("(module (global (mut i32) (i32.const 0))");
    for index in 0..count {
        let padding = "(local.set 1 (i32.rotl (local.get 1) (local.get 0)))".repeat(length);
        write!(
            text,
            r#"(func (export "f{index}") (param i32) (result i32) (local i32)
                (local.set 1 (i32.const {salt})) {padding} (global.set 0 (local.get 1))
                (i32.add (local.get 0) (i32.const {index})))"#
        )
        .unwrap();
    }
    text + ")"
}

fn baseline_engine() -> Engine {
    engine_with(|config| {
        config.strategy(CompilerStrategy::Baseline);
    })
}

#[test]
fn flushing_says_what_it_gives_up_and_functions_are_compiled_again() {
    let engine = engine_with(|config| {
        // Nothing is freed unless the test says so.
        config.strategy(CompilerStrategy::Tiered).collect_after(Duration::MAX);
    });
    let (mut store, instance) = instance_of(&engine, &functions(1, 0));
    let other = Module::new(&engine, functions(10, 1)).unwrap();
    assert_eq!(run_i32(&mut store, instance, ("f0", 7)).unwrap(), 7);
    other.compile().unwrap();
    (0..5).for_each(|function| other.tier_up_function(function).unwrap());
    let code = engine.stats().code.code;
    assert_eq!((code.baseline.count - code.retired.count, code.optimized.count), (6, 5));
    let optimized = other.flush(Filter::Optimized);
    assert_eq!(optimized.functions, 5);
    assert!(optimized.code_bytes >= 5 * 64 && optimized.metadata_bytes >= 5 * 64, "{optimized:?}");
    // The baseline code of these was replaced.
    assert_eq!(other.flush(Filter::Baseline).functions, 5);
    assert_eq!(other.flush(Filter::All), tierup::Removed::default());
    assert_eq!(engine.flush(Filter::All).functions, 1);
    assert_eq!(run_i32(&mut store, instance, ("f0", 8)).unwrap(), 8);
    assert_eq!(engine.stats().flushes.total().functions, 11);
    engine.collect();
    let code = engine.stats().code.code;
    assert_eq!((code.baseline.count, code.optimized.count, code.retired.count), (1, 0, 0));
}

#[test]
fn flushed_frames_go_on() {
    let engine = baseline_engine();
    let mut store = Store::new(&engine, 0);
    let mut linker = Linker::<i32>::new(&engine);
    let own = engine.clone();
    linker
        .func("", "flush", move |mut caller: Caller<'_, i32>| {
            *caller.data_mut() += own.flush(Filter::All).functions as i32;
        })
        .unwrap();
    let instance = instantiate(
        &mut store,
        &linker,
        r#"(module (import "" "flush" (func $flush))
            (func $deep (export "deep") (param i32) (result i32)
                (call $flush)
                (if (result i32) (i32.eqz (local.get 0))
                    (then (i32.const 0))
                    (else (i32.add (i32.const 1)
                        (call $deep (i32.sub (local.get 0) (i32.const 1))))))))"#,
    );
    assert_eq!(run_i32(&mut store, instance, ("deep", 50)).unwrap(), 50);
    // Each call compiled it anew.
    assert_eq!(*store.data(), 51);
    assert_eq!(engine.stats().compiles.baseline.functions, 51);
}

#[test]
fn what_is_called_is_warm_and_keeps_its_code() {
    for strategy in [CompilerStrategy::Baseline, CompilerStrategy::Optimizing] {
        let engine = engine_with(|config| {
            config.strategy(strategy);
        });
        let (mut store, instance) = instance_of(&engine, &functions(10, 0));
        let mut call = |function: usize| {
            let name = format!("f{function}");
            assert_eq!(run_i32(&mut store, instance, (&name, 5)).unwrap(), 5 + function as i32);
        };
        (0..10).for_each(&mut call);
        assert_eq!(engine.memory_pressure(MemoryPressure::Moderate).functions, 0);
        for round in 1..=3 {
            (0..3).for_each(&mut call);
            let cold = engine.memory_pressure(MemoryPressure::Moderate);
            assert_eq!(cold.functions, if round == 1 { 7 } else { 0 }, "{strategy:?} {round}");
            let stats = engine.stats();
            assert_eq!((stats.revived, stats.compiles.lazy), (3 * round, 10));
        }
        (0..10).for_each(&mut call);
        assert_eq!(engine.stats().compiles.lazy, 17);
        // Suspended code is code all the same.
        engine.memory_pressure(MemoryPressure::Moderate);
        assert_eq!(engine.flush(Filter::All).functions, 10);
        (0..10).for_each(&mut call);
        assert_eq!((engine.stats().revived, engine.stats().compiles.lazy), (12, 27));
    }
}

#[test]
fn better_code_ends_a_suspension() {
    let engine = engine_with(|config| {
        config.strategy(CompilerStrategy::Tiered);
    });
    let module = Module::new(&engine, functions(2, 0)).unwrap();
    module.compile().unwrap();
    engine.memory_pressure(MemoryPressure::Moderate);
    module.tier_up_function(0).unwrap();
    // The other was not called, this one was not suspended any more.
    assert_eq!(engine.memory_pressure(MemoryPressure::Moderate).functions, 1);
    assert_eq!(module.function_code(0).unwrap().tier(), Tier::Optimized);
    assert!(module.function_code(1).is_none());
}

#[test]
fn a_pinned_module_keeps_its_code() {
    let engine = baseline_engine();
    let (pinned, loose) = (
        Module::new(&engine, functions(3, 0)).unwrap(),
        Module::new(&engine, functions(4, 1)).unwrap(),
    );
    pinned.pin();
    for module in [&pinned, &loose] {
        module.compile().unwrap();
    }
    assert_eq!(engine.memory_pressure(MemoryPressure::Critical).functions, 4);
    engine.trim();
    assert_eq!(engine.flush(Filter::All).functions, 0);
    assert_eq!(engine.stats().code.code.baseline.count, 3);
    pinned.unpin();
    assert_eq!(engine.flush(Filter::All).functions, 3);
}

#[test]
fn trimming_gives_memory_back_to_the_system() {
    for protection in [Protection::File, Protection::Toggle] {
        let engine = engine_with(|config| {
            config.strategy(CompilerStrategy::Baseline).protection(protection);
        });
        let module = Module::new(&engine, functions(5000, 0)).unwrap();
        module.compile().unwrap();
        let before = engine.stats().code;
        assert!(1 << 20 < before.code.baseline.bytes);
        let gone = engine.trim();
        assert!(before.code.baseline.bytes * 3 / 4 < gone, "{protection:?} {gone} of {before:?}");
        let after = engine.stats().code;
        assert_eq!(after.code.baseline.count, 0);
        assert_eq!(after.committed_bytes + gone, before.committed_bytes);
    }
}

/// Modules of which only a few fit, called in turn.
fn more_modules_than_fit(strategy: CompilerStrategy, arena: Option<usize>) {
    const LIMIT: usize = 512 << 10;
    const MODULES: usize = 14;
    let engine = engine_with(|config| {
        config.strategy(strategy).code_memory_limit(LIMIT).tier_up_budget(500);
        arena.map(|bytes| config.arena_code_bytes(bytes));
    });
    let mut all: Vec<_> =
        (0..MODULES).map(|salt| instance_of(&engine, &functions_of(40, 100, salt))).collect();
    for round in 0..2 {
        for (store, instance) in &mut all {
            for function in 0..100 {
                let name = format!("f{function}");
                let result = run_i32(store, *instance, (&name, round)).unwrap();
                assert_eq!(result, round + function);
            }
            assert!(engine.stats().code.committed_bytes <= LIMIT);
        }
    }
    let stats = engine.stats();
    assert_eq!(stats.compiles.failed, 0);
    assert!(500 < stats.flushes.total().functions, "{strategy:?} {:?}", stats.flushes);
}

#[test]
fn more_modules_than_fit_under_the_limit_take_turns() {
    for strategy in
        [CompilerStrategy::Baseline, CompilerStrategy::Optimizing, CompilerStrategy::Tiered]
    {
        more_modules_than_fit(strategy, None);
    }
    more_modules_than_fit(CompilerStrategy::Baseline, Some(128 << 10));
}

#[test]
fn many_threads_under_one_limit_that_is_too_small_for_all() {
    let engine = engine_with(|config| {
        config.strategy(CompilerStrategy::Baseline).code_memory_limit(768 << 10);
    });
    let work = &|thread: usize| {
        let mut all: Vec<_> = (0..5)
            .map(|salt| instance_of(&engine, &functions_of(40, 100, salt + 10 * thread)))
            .collect();
        for round in 0..10 {
            for (store, instance) in &mut all {
                for function in 0..100 {
                    let name = format!("f{function}");
                    let result = run_i32(store, *instance, (&name, round)).unwrap();
                    assert_eq!(result, round + function);
                }
            }
        }
        all
    };
    // All modules stay to the end, also if a busy machine runs one thread after the other.
    let _all: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|thread| scope.spawn(move || work(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let stats = engine.stats();
    assert_eq!(stats.compiles.failed, 0);
    assert!(1000 < stats.flushes.total().functions, "{:?}", stats.flushes);
}

#[test]
fn what_does_not_fit_is_an_error_that_names_limit_used_and_wanted() {
    const LIMIT: usize = 512 << 10;
    let engine = engine_with(|config| {
        config.strategy(CompilerStrategy::Baseline).code_memory_limit(LIMIT);
    });
    let pinned = Module::new(&engine, functions(4000, 0)).unwrap();
    pinned.pin();
    let error = pinned.compile().unwrap_err();
    let ErrorKind::Compile { message, .. } = error.kind() else { panic!("{error}") };
    assert!(message.contains("bytes wanted"), "{message}");
    assert!(message.contains(&format!("the limit is {LIMIT}")), "{message}");
    // Other modules get the same, where they need new code, and go on when there is room.
    let (mut store, instance) = {
        pinned.unpin();
        // Of a size for which no hole is left.
        instance_of(&engine, &functions_of(5_000, 1, 1))
    };
    assert_eq!(run_i32(&mut store, instance, ("f0", 1)).unwrap(), 1);
    pinned.pin();
    engine.flush(Filter::All);
    let error = pinned.compile().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Compile { .. }));
    assert_eq!(trap_kind(run_i32(&mut store, instance, ("f0", 1))), TrapKind::CompileFailed);
    pinned.unpin();
    assert_eq!(run_i32(&mut store, instance, ("f0", 1)).unwrap(), 1);
}

#[test]
fn above_the_high_water_mark_cold_code_goes_in_the_background() {
    const LIMIT: usize = 1 << 20;
    let engine = engine_with(|config| {
        config.strategy(CompilerStrategy::Baseline).code_memory_limit(LIMIT);
    });
    let occupied = || {
        let code = engine.stats().code.code;
        code.generated_bytes - code.freed_bytes
    };
    let modules: Vec<_> =
        (0..30).map(|salt| Module::new(&engine, functions(100, salt)).unwrap()).collect();
    // Twice: what comes in the second round finds the rest of the first, suspended.
    for _ in 0..2 {
        for module in &modules {
            module.compile().unwrap();
            thread::sleep(Duration::from_millis(2));
        }
    }
    eventually("it is below the mark", || occupied() <= LIMIT / 8 * 7);
    let stats = engine.stats();
    assert!(0 < stats.flushes.total().functions && stats.compiles.failed == 0, "{stats:?}");
}
