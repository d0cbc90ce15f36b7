//! One engine on many threads: shared modules, lazy compilation, removal, types that come and go.

use std::{
    fmt::Write,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use tierup::{
    Caller, CompilerStrategy, Engine, Error, Instance, InterruptAction, Linker, Module, Store,
    TrapKind, Val,
};

use crate::support::{
    TIERS, address_space, engine_with, in_process, instance_of, instantiate, mapping_count, run,
    run_i32, stderr, trap_kind,
};

/// `count` functions that call each other, `f0` to the last, and a table of all.
fn chain(count: usize) -> String {
    let mut text = String::from("(module (type $t (func (param i32) (result i32))) (memory 1)");
    for index in 0..count {
        let next = match index + 1 {
            next if next == count => "(local.get 0)".to_owned(),
            next => format!("(call $f{next} (i32.add (local.get 0) (i32.const 1)))"),
        };
        writeln!(
            text,
            r#"(func $f{index} (export "f{index}") (param i32) (result i32)
                (i32.store (i32.const {place}) (local.get 0)) {next})"#,
            place = index * 4
        )
        .unwrap();
    }
    let all = (0..count).fold(String::new(), |all, index| format!("{all} $f{index}"));
    write!(
        text,
        r#"(table funcref (elem {all}))
        (func $trap (export "trap") (param i32) (result i32)
            (call $trap_here (local.get 0)))
        (func $trap_here (param i32) (result i32)
            (i32.add (i32.const 1) (call $trap_inside (local.get 0))))
        (func $trap_inside (param i32) (result i32)
            (i32.load (i32.mul (local.get 0) (i32.const 0x10000))))
        (func (export "indirect") (param i32) (result i32)
            (call_indirect (type $t) (i32.const 0) (local.get 0)))
        (func (export "loop") (param i32) (result i32) (local i32)
            (loop $again
                (local.set 1 (i32.add (local.get 1) (call $f{last} (i32.const 1))))
                (br_if $again (i32.lt_u (local.get 1) (local.get 0))))
            (local.get 1)))"#,
        last = count - 1
    )
    .unwrap();
    text
}

/// An engine whose functions are compiled once.
fn optimizing() -> Engine {
    engine_with(|config| {
        config.strategy(CompilerStrategy::Optimizing);
    })
}

#[test]
fn one_module_in_many_stores_on_many_threads() {
    let engine = optimizing();
    let module = Module::new(&engine, chain(100)).unwrap();
    thread::scope(|scope| {
        for thread in 0..8 {
            let (engine, module) = (&engine, &module);
            scope.spawn(move || {
                for round in 0..20 {
                    let mut store = Store::new(engine, ());
                    let instance = Instance::new(&mut store, module, &[]).unwrap();
                    let start = thread * 1000 + round;
                    let result = run_i32(&mut store, instance, ("f0", start)).unwrap();
                    assert_eq!(result, start + 99);
                }
            });
        }
    });
    assert_eq!(engine.stats().compiles.optimized.functions, 100);
}

#[test]
fn a_function_is_compiled_once_however_many_threads_call_it() {
    const THREADS: usize = 8;
    for round in 1..=20 {
        let engine = optimizing();
        let module = Module::new(&engine, chain(10)).unwrap();
        let start = Barrier::new(THREADS);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let mut store = Store::new(&engine, ());
                    let instance = Instance::new(&mut store, &module, &[]).unwrap();
                    let name = format!("f{}", round % 10);
                    let func = instance.typed_func::<i32, i32>(&mut store, &name).unwrap();
                    start.wait();
                    assert_eq!(func.call(&mut store, 0).unwrap(), 9 - round % 10);
                });
            }
        });
        let (stats, called) = (engine.stats(), 10 - round as u64 % 10);
        assert_eq!((stats.compiles.optimized.functions, stats.compiles.lazy), (called, called));
        assert_eq!(stats.compiles.failed, 0);
    }
}

/// Runs `work` on some threads while another removes all code, until each has done its rounds and
/// something was removed.
fn while_removing(
    engine: &Engine,
    (threads, rounds): (i32, i32),
    work: impl Fn(i32, i32) + Sync,
) -> u64 {
    let (done, removed) = (AtomicBool::new(false), AtomicU64::new(0));
    let enough = |round: i32| rounds <= round && removed.load(Ordering::Relaxed) != 0;
    thread::scope(|scope| {
        let remover = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                removed.fetch_add(engine.remove_code().functions as u64, Ordering::Relaxed);
                engine.collect();
            }
        });
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let (work, enough) = (&work, &enough);
                let all = (0..100 * rounds).take_while(move |&round| !enough(round));
                scope.spawn(move || all.for_each(|round| work(thread, round)))
            })
            .collect();
        // All of them end before the remover is told to.
        let failed: Vec<_> = workers.into_iter().filter_map(|worker| worker.join().err()).collect();
        done.store(true, Ordering::Relaxed);
        remover.join().unwrap();
        if let Some(payload) = failed.into_iter().next() {
            std::panic::resume_unwind(payload);
        }
    });
    removed.into_inner()
}

#[test]
fn hammer_instantiate_and_call_while_all_code_is_removed() {
    for (tier, arena) in TIERS.into_iter().zip([None, Some(64 << 10)].into_iter().cycle()) {
        let engine = engine_with(|config| {
            arena.map(|bytes| config.arena_code_bytes(bytes));
            tier(config);
        });
        let module = Module::new(&engine, chain(100)).unwrap();
        let removed = while_removing(&engine, (3, 60), |thread, round| {
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            let start = thread * 1000 + round;
            let name = if round % 2 == 0 { "f0" } else { "indirect" };
            let expected = if round % 2 == 0 { start + 99 } else { 99 };
            let param = if round % 2 == 0 { start } else { 0 };
            assert_eq!(run_i32(&mut store, instance, (name, param)).unwrap(), expected);
            assert_eq!(run_i32(&mut store, instance, ("loop", 500)).unwrap(), 500);
        });
        assert!(0 < removed);
        // What is being optimized may still arrive.
        while engine.stats().background.waiting + engine.stats().background.running != 0 {
            thread::yield_now();
        }
        let stats = engine.stats();
        assert!(stats.compiles.lazy <= removed + 110);
        engine.remove_code();
        let code = engine.stats().code.code;
        assert_eq!((code.baseline.count, code.optimized.count, code.retired.count), (0, 0, 0));
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        assert_eq!(run_i32(&mut store, instance, ("f0", 1)).unwrap(), 100);
    }
}

#[test]
fn hammer_backtraces_while_all_code_is_removed() {
    for tier in TIERS {
        backtraces_while_all_code_is_removed(&engine_with(|config| {
            tier(config);
        }));
    }
}

fn backtraces_while_all_code_is_removed(engine: &Engine) {
    let module = Module::new(engine, chain(3)).unwrap();
    while_removing(engine, (1, 5_000), |_, round| {
        thread_local! {
            static KEPT: std::cell::RefCell<Option<(Store<()>, Instance)>> =
                const { std::cell::RefCell::new(None) };
        }
        KEPT.with_borrow_mut(|kept| {
            let (store, instance) = kept.get_or_insert_with(|| {
                let mut store = Store::new(engine, ());
                let instance = Instance::new(&mut store, &module, &[]).unwrap();
                (store, instance)
            });
            let error = run_i32(store, *instance, ("trap", 1 + round % 100)).unwrap_err();
            let trap = error.trap().unwrap();
            assert_eq!(trap.kind(), TrapKind::MemoryOutOfBounds);
            let frames = trap.backtrace().frames().iter();
            let names: Vec<_> = frames.map(|frame| frame.function_name().unwrap()).collect();
            assert_eq!(names, ["trap_inside", "trap_here", "trap"]);
            assert!(trap.backtrace().frames().iter().all(|frame| frame.offset().is_some()));
        });
    });
}

#[test]
fn a_loop_goes_on_in_code_that_was_removed() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 0);
    let mut linker = Linker::<i32>::new(&engine);
    linker
        .func("", "remove", |mut caller: Caller<'_, i32>| {
            let engine = caller.data_mut();
            *engine += 1;
        })
        .unwrap();
    let remover = engine.clone();
    linker
        .func("", "remove_all", move || {
            // The caller's own code among them, which must not be freed.
            assert!(0 < remover.remove_code().functions);
            assert_eq!(remover.collect(), 0);
            assert_eq!(remover.stats().code.code.retired.count, 1);
        })
        .unwrap();
    let instance = instantiate(
        &mut store,
        &linker,
        r#"(module (import "" "remove" (func $count)) (import "" "remove_all" (func $remove_all))
            (func $helper (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
            (func (export "f") (param i32) (result i32) (local i32)
                (loop $again
                    (call $count) (call $remove_all)
                    (local.set 1 (call $helper (local.get 1)))
                    (br_if $again (i32.lt_u (local.get 1) (local.get 0))))
                (local.get 1)))"#,
    );
    assert_eq!(run_i32(&mut store, instance, ("f", 50)).unwrap(), 50);
    assert_eq!(*store.data(), 50);
    engine.remove_code();
    let code = engine.stats().code.code;
    assert_eq!((code.baseline.count, code.optimized.count, code.retired.count), (0, 0, 0));
}

#[test]
fn hammer_modules_with_the_same_types_come_and_go_while_called_indirectly() {
    let engine = Engine::default();
    let types = ["i32", "i64", "f32", "f64", "v128", "funcref", "externref"];
    thread::scope(|scope| {
        for thread in 0..4 {
            let engine = &engine;
            scope.spawn(move || {
                for round in 0..100 {
                    let (own, other) = (types[round % 7], types[(round + 1 + thread % 6) % 7]);
                    let wat = format!(
                        r#"(module (type $own (func (param {own}))) (type $other (func (param {other})))
                            (table funcref (elem $f $g))
                            (func $f (param {own})) (func $g (param {other}))
                            (func (export "right") (param {own})
                                (call_indirect (type $own) (local.get 0) (i32.const 0)))
                            (func (export "wrong") (param {own})
                                (call_indirect (type $own) (local.get 0) (i32.const 1))))"#
                    );
                    let (mut store, instance) = instance_of(engine, &wat);
                    let right = instance.func(&mut store, "right").unwrap();
                    let wrong = instance.func(&mut store, "wrong").unwrap();
                    let param = Val::default_for(right.ty(&store).params[0]);
                    right.call(&mut store, &[param], &mut []).unwrap();
                    let result = wrong.call(&mut store, &[param], &mut []);
                    assert_eq!(trap_kind(result), TrapKind::IndirectCallTypeMismatch);
                }
            });
        }
    });
}

#[test]
fn recycled_types_never_match_old_ones() {
    let engine = Engine::default();
    let home = r#"(module (table (export "t") 2 funcref))"#;
    let (mut store, home) = instance_of(&engine, home);
    let mut linker = Linker::new(&engine);
    linker.instance(&mut store, "home", home).unwrap();
    let module = |params: usize, count: i32| {
        let params = "i32 ".repeat(params);
        let text = format!(
            r#"(module (import "home" "t" (table 2 funcref))
                (type $t (func (param {params}) (result i32)))
                (func $f (type $t) (i32.const {count}))
                (func $put (export "put") (param i32)
                    (table.set (local.get 0) (ref.func $f)))
                (elem declare func $f)
                (func (export "call") (param i32) (result i32)
                    {} (call_indirect (type $t) (local.get 0))))"#,
            "(i32.const 0) ".repeat(params.len() / 4)
        );
        Module::new(&engine, text).unwrap()
    };
    for round in 0..1000 {
        store.scope(|scope| {
            let first = linker.instantiate(&mut *scope, &module(round % 5, 1)).unwrap();
            let put = first.typed_func::<i32, ()>(&mut *scope, "put").unwrap();
            put.call(&mut *scope, 0).unwrap();
        });
        // The module of the entry is kept by the entry only; another type takes a new number.
        store.collect();
        store.scope(|scope| {
            let second = linker.instantiate(&mut *scope, &module((round + 1) % 5, 2)).unwrap();
            let call = second.typed_func::<i32, i32>(&mut *scope, "call").unwrap();
            let result = call.call(&mut *scope, 0);
            assert_eq!(trap_kind(result), TrapKind::IndirectCallTypeMismatch);
            let put = second.typed_func::<i32, ()>(&mut *scope, "put").unwrap();
            put.call(&mut *scope, 0).unwrap();
            assert_eq!(call.call(&mut *scope, 0).unwrap(), 2);
        });
        home.table(&mut store, "t").unwrap().set(&mut store, 0, Val::FuncRef(None)).unwrap();
        assert_eq!(store.collect().instances, 2, "round {round}");
    }
}

#[test]
fn two_thousand_engines_leave_no_trace() {
    let output = in_process("threads::two_thousand_engines_leave_no_trace", || {
        let one = |round: i32| {
            let engine = Engine::default();
            let wat = r#"(module (memory 1)
                (func (export "f") (param i32) (result i32) (local.get 0))
                (func (export "t") unreachable))"#;
            let (mut store, instance) = instance_of(&engine, wat);
            assert_eq!(run_i32(&mut store, instance, ("f", round)).unwrap(), round);
            assert_eq!(trap_kind(run(&mut store, instance, "t")), TrapKind::Unreachable);
        };
        let files = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        // What the C library keeps of threads that have ended, it has then for as many as ever run
        // at once.
        sync::hammer(32, 2, |_, round| one(round as i32));
        let before = (mapping_count(), address_space(), files());
        (0..2000).for_each(one);
        let after = (mapping_count(), address_space(), files());
        assert!(after.0 <= before.0 + 4, "mappings: {before:?} {after:?}");
        assert!(after.1 <= before.1 + (256 << 20), "address space: {before:?} {after:?}");
        assert!(after.2 <= before.2, "open files: {before:?} {after:?}");
    });
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_module_and_an_engine_may_go_before_their_instances() {
    let engine = Engine::default();
    let (mut store, instance) = instance_of(&engine, &chain(20));
    let handle = store.interrupt_handle();
    drop(engine);
    assert_eq!(run_i32(&mut store, instance, ("f0", 0)).unwrap(), 19);
    let error = run_i32(&mut store, instance, ("trap", 5)).unwrap_err();
    drop(store);
    // What was found out stays readable, and a handle of a store that is gone does nothing.
    assert_eq!(error.trap().unwrap().backtrace().frames()[0].function_name(), Some("trap_inside"));
    handle.interrupt();
}

#[test]
fn a_store_moves_to_other_threads_between_calls_and_host_calls() -> Result<(), Error> {
    let engine = Engine::default();
    let (mut store, instance) = instance_of(&engine, &chain(5));
    store.set_interrupt_handler(|()| InterruptAction::Continue);
    for round in 0..20 {
        (store, ()) = thread::spawn(move || {
            assert_eq!(run_i32(&mut store, instance, ("f0", round)).unwrap(), round + 4);
            assert_eq!(
                trap_kind(run_i32(&mut store, instance, ("trap", 1))),
                TrapKind::MemoryOutOfBounds
            );
            (store, ())
        })
        .join()
        .unwrap();
        assert_eq!(run_i32(&mut store, instance, ("f0", round))?, round + 4);
    }
    Ok(())
}
