//! Stopping code from outside, and letting it go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tierup::{Caller, Engine, ExternRef, InterruptAction, Linker, Store, TrapKind, Val};

use crate::support::{
    LONG, MODES, TIERS, engine_of, engine_with, instance_of, instantiate, run, run_i32, trap_kind,
};

const ENDLESS: &str = r#"(module
    (memory (export "m") 64)
    (table $t (export "t") 1000 externref)
    (func (export "loop") (loop $again (br $again)))
    (func (export "loop in loop") (local i32)
        (loop $outer
            (local.set 0 (i32.const 5))
            (loop $inner
                (br_if $inner (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (br $outer)))
    (func $empty)
    (func (export "calls") (loop $again (call $empty) (br $again)))
    (func $tail (export "tail calls") (return_call $tail))
    (func $even (export "tail calls of two") (return_call $odd))
    (func $odd (return_call $even))
    (func $infinite (export "recursion") (call $infinite) (call $infinite))
    (func (export "fills") (loop $again
        (memory.fill (i32.const 0) (i32.const 7) (i32.const 0x400000))
        (br $again)))
    (func (export "copies") (loop $again
        (memory.copy (i32.const 1) (i32.const 0) (i32.const 0x3fffff))
        (br $again)))
    (func (export "table fills") (loop $again
        (table.fill $t (i32.const 0) (ref.null extern) (i32.const 1000))
        (br $again)))
    (func (export "count") (param i32) (result i32) (local i32)
        (loop $again
            (local.set 1 (i32.add (local.get 1) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get 1) (local.get 0))))
        (local.get 1))
    (func (export "keeps") (param externref i64 f64 v128) (result externref i64 f64 v128)
        (local i32)
        (loop $again
            (local.set 1 (i64.add (local.get 1) (i64.const 1)))
            (local.set 2 (f64.add (local.get 2) (f64.const 1)))
            (local.set 3 (i64x2.add (local.get 3) (v128.const i64x2 1 2)))
            (br_if $again (i32.lt_u
                (local.tee 4 (i32.add (local.get 4) (i32.const 1))) (i32.const 3000000))))
        (local.get 0) (local.get 1) (local.get 2) (local.get 3)))"#;

#[test]
fn endless_code_of_every_kind_is_stopped_and_the_store_stays_usable() {
    for mode in MODES {
        let (mut store, instance) = instance_of(&engine_of(mode), ENDLESS);
        for name in [
            "loop",
            "loop in loop",
            "calls",
            "tail calls",
            "tail calls of two",
            "fills",
            "copies",
            "table fills",
        ] {
            let handle = store.interrupt_handle();
            let stopper = thread::spawn(move || {
                thread::sleep(Duration::from_millis(20));
                handle.interrupt();
            });
            let error = run(&mut store, instance, name).unwrap_err();
            let trap = error.trap().expect(name);
            assert_eq!(trap.kind(), TrapKind::Interrupted, "{name}");
            assert_eq!(trap.message(), "interrupted");
            assert!(!trap.backtrace().frames().is_empty(), "{name}");
            stopper.join().unwrap();
            assert_eq!(run_i32(&mut store, instance, ("count", 1000)).unwrap(), 1000, "{name}");
        }
        // A fill that was begun is complete: an interrupt comes between instructions.
        let memory = instance.memory(&mut store, "m").unwrap();
        assert!(memory.data(&store).iter().all(|&byte| byte == 7));
    }
}

#[test]
fn an_interrupt_while_nothing_runs_stops_the_next_call_and_only_that() {
    let (mut store, instance) = instance_of(&Engine::default(), ENDLESS);
    for name in ["count", "count"] {
        store.interrupt_handle().interrupt();
        store.interrupt_handle().interrupt();
        let result = run_i32(&mut store, instance, (name, 1));
        assert_eq!(trap_kind(result), TrapKind::Interrupted);
        assert_eq!(run_i32(&mut store, instance, (name, 7)).unwrap(), 7);
    }
    // An overflow is one also when somebody has asked the code to stop.
    let overflow = run(&mut store, instance, "recursion");
    assert_eq!(trap_kind(overflow), TrapKind::StackOverflow);
    // Another store is not concerned.
    let (mut other, other_instance) = instance_of(&store.engine().clone(), ENDLESS);
    store.interrupt_handle().interrupt();
    assert_eq!(run_i32(&mut other, other_instance, ("count", 7)).unwrap(), 7);
    let handle = store.interrupt_handle();
    thread::spawn(move || {
        let result = run_i32(&mut store, instance, ("count", 1));
        assert_eq!(trap_kind(result), TrapKind::Interrupted);
    })
    .join()
    .unwrap();
    handle.interrupt();
}

#[test]
fn a_handler_lets_code_go_on_with_all_that_it_has() {
    for tier in TIERS {
        goes_on_with_all_that_it_has(&engine_with(|config| {
            tier(config);
        }));
    }
}

fn goes_on_with_all_that_it_has(engine: &Engine) {
    let mut store = Store::new(engine, 0_u64);
    store.set_interrupt_handler(|count| {
        *count += 1;
        InterruptAction::Continue
    });
    let instance = instantiate(&mut store, &Linker::new(engine), ENDLESS);
    let handle = store.interrupt_handle();
    let done = Arc::new(AtomicBool::new(false));
    let hammering = thread::spawn({
        let done = Arc::clone(&done);
        move || {
            while !done.load(Ordering::Relaxed) {
                handle.interrupt();
                std::hint::spin_loop();
            }
        }
    });
    let value = ExternRef::new(&mut store, 5).unwrap();
    let keeps = instance.func(&mut store, "keeps").unwrap();
    let start = Instant::now();
    while *store.data() < 20 && start.elapsed() < LONG {
        let params = [value.into(), Val::I64(1), Val::from(2.0), Val::V128(3)];
        let mut results = [Val::I32(0); 4];
        keeps.call(&mut store, &params, &mut results).unwrap();
        let [Val::ExternRef(Some(found)), Val::I64(a), Val::F64(b), Val::V128(c)] = results else {
            panic!("{results:?}")
        };
        assert_eq!((found, a, f64::from_bits(b)), (value, 3_000_001, 3_000_002.0));
        assert_eq!(c, 3_000_003 | 6_000_000 << 64);
        assert_eq!(run_i32(&mut store, instance, ("count", 100_000)).unwrap(), 100_000);
    }
    done.store(true, Ordering::Relaxed);
    hammering.join().unwrap();
    assert!(20 <= *store.data(), "{}", store.data());
}

#[test]
fn a_handler_as_a_deadline() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Instant::now());
    store.set_interrupt_handler(|deadline| {
        if Instant::now() < *deadline { InterruptAction::Continue } else { InterruptAction::Trap }
    });
    let instance = instantiate(&mut store, &Linker::new(&engine), ENDLESS);
    let handle = store.interrupt_handle();
    let done = Arc::new(AtomicBool::new(false));
    let ticking = thread::spawn({
        let done = Arc::clone(&done);
        move || {
            while !done.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(2));
                handle.interrupt();
            }
        }
    });
    for _ in 0..3 {
        let start = Instant::now();
        *store.data_mut() = start + Duration::from_millis(50);
        assert_eq!(trap_kind(run(&mut store, instance, "loop")), TrapKind::Interrupted);
        assert!(Duration::from_millis(50) <= start.elapsed());
    }
    done.store(true, Ordering::Relaxed);
    ticking.join().unwrap();
}

#[test]
fn an_interrupt_during_a_host_call_and_in_nested_calls() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Vec::new());
    let mut linker = Linker::<Vec<TrapKind>>::new(&engine);
    let handle = store.interrupt_handle();
    linker
        .func("", "host", move |mut caller: Caller<'_, Vec<TrapKind>>, nested: i32| {
            handle.interrupt();
            if nested != 0 {
                let inner = caller.export("inner").unwrap().into_func().unwrap();
                let result = inner.call(&mut caller, &[], &mut []);
                caller.data_mut().push(trap_kind(result));
            }
            nested
        })
        .unwrap();
    let instance = instantiate(
        &mut store,
        &linker,
        r#"(module (import "" "host" (func $host (param i32) (result i32)))
            (func $inner (export "inner") (local i32)
                (loop $again (br_if $again (local.get 0))))
            (func (export "f") (param i32) (result i32)
                (drop (call $host (local.get 0))) (call $inner) (i32.const 5)))"#,
    );
    let result = run_i32(&mut store, instance, ("f", 0));
    assert_eq!(trap_kind(result), TrapKind::Interrupted);
    // The nested call is the next that runs; the outer one goes on if its host function does.
    assert_eq!(run_i32(&mut store, instance, ("f", 1)).unwrap(), 5);
    assert_eq!(*store.data(), [TrapKind::Interrupted]);
    assert_eq!(run_i32(&mut store, instance, ("f", 1)).unwrap(), 5);
}

#[test]
fn a_panic_of_a_handler_reaches_the_caller() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, true);
    store.set_interrupt_handler(|panics| {
        assert!(!std::mem::take(panics), "panic on purpose");
        InterruptAction::Continue
    });
    let instance = instantiate(&mut store, &Linker::new(&engine), ENDLESS);
    store.interrupt_handle().interrupt();
    let call = std::panic::AssertUnwindSafe(|| run_i32(&mut store, instance, ("count", 9)));
    let payload = std::panic::catch_unwind(call).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"panic on purpose"));
    // The handler is still there.
    store.interrupt_handle().interrupt();
    assert_eq!(run_i32(&mut store, instance, ("count", 9)).unwrap(), 9);
}

const OUTSIDE: &str = r#"(module (import "" "work" (func $work)) (memory 1)
    (func (export "host") (loop (call $work) (br 0)))
    (func (export "builtin") (local i32)
        (call $work) (call $work)
        (loop
            (memory.fill (i32.const 0) (i32.const 0) (local.get 0))
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (br_if 0 (i32.le_u (local.get 0) (i32.const 100))))
        (call $work)))"#;

/// Budgets do not count what code calls, so a loop could go round for minutes on one.
#[test]
fn loops_around_what_is_outside_stop_at_the_next_call() {
    for tier in TIERS {
        let engine = engine_with(|config| {
            tier(config);
        });
        for name in ["host", "builtin"] {
            let mut store = Store::new(&engine, 0);
            let mut linker = Linker::new(&engine);
            let handle = store.interrupt_handle();
            let work = move |mut caller: Caller<'_, u32>| {
                *caller.data_mut() += 1;
                if *caller.data() == 2 {
                    handle.interrupt();
                }
            };
            linker.func("", "work", work).unwrap();
            let instance = instantiate(&mut store, &linker, OUTSIDE);
            assert_eq!(trap_kind(run(&mut store, instance, name)), TrapKind::Interrupted);
            assert_eq!(*store.data(), 2, "{name}");
        }
    }
}

#[test]
fn hammer_interrupts_from_many_threads() {
    let engine = Engine::default();
    let (mut store, instance) = instance_of(&engine, ENDLESS);
    let (stopped, asked) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let handle = store.interrupt_handle();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    asked.fetch_add(1, Ordering::Relaxed);
                    handle.interrupt();
                    thread::yield_now();
                }
            });
        }
        for round in 0..2000 {
            let name = ["loop", "calls", "tail calls", "fills"][round % 4];
            assert_eq!(trap_kind(run(&mut store, instance, name)), TrapKind::Interrupted);
            stopped.fetch_add(1, Ordering::Relaxed);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(stopped.into_inner() <= asked.into_inner());
    // What is still pending stops one call at most.
    let _ = run_i32(&mut store, instance, ("count", 5));
    assert_eq!(run_i32(&mut store, instance, ("count", 5)).unwrap(), 5);
}
