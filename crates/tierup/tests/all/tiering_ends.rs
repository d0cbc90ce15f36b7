//! Tier-up that goes wrong or is not finished: compilers that fail, engines and modules that go,
//! code that is taken away meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tierup::{
    Config, Instance, Module, Store, TrapKind,
    compile::{CompileError, CompileErrorKind},
};

use crate::{
    support::{engine_with, in_process, instance_of, run_i32, stderr, trap_kind},
    tiering::{chain, engine, installed, optimizing, second, wait_until},
};

#[test]
fn failing_and_panicking_compilers_leave_functions_as_they_are() {
    let failing: [fn(u32) -> Result<(), CompileError>; 2] = [
        |_| Err(CompileErrorKind::Internal { message: "on purpose".to_owned() }.into()),
        |_| panic!("on purpose"),
    ];
    for fail in failing {
        for threads in [0, 2] {
            // Every third works.
            let second = second(move |index| if index % 3 == 0 { Ok(()) } else { fail(index) });
            let engine = engine(threads, second);
            let (mut store, instance) = instance_of(&engine, &chain());
            let calls = |store: &mut Store<()>| {
                for _ in 0..50 {
                    assert_eq!(run_i32(&mut *store, instance, ("f0", 5)).unwrap(), 14);
                }
            };
            calls(&mut store);
            wait_until(|| engine.stats().tier_ups.done + engine.stats().tier_ups.failed == 10);
            calls(&mut store);
            let stats = engine.stats();
            // The numbers of `f0` to `f9` are even.
            assert_eq!((stats.tier_ups.done, stats.tier_ups.failed), (4, 6));
            assert_eq!((stats.compiles.failed, installed(&engine)), (6, (6, 4)));
            let failures = engine.compile_failures();
            assert!(failures.iter().any(|failure| failure.name.as_deref() == Some("f1")));
            assert!(failures.iter().all(|failure| failure.message.contains("on purpose")));
        }
    }
}

#[test]
fn functions_beyond_the_limits_of_a_job_stay_on_baseline_code() {
    type Limit = fn(&mut Config);
    let limits: [(Limit, &str); 2] = [
        (|config| _ = config.compile_time_limit(Duration::ZERO), "longer than it may"),
        (|config| _ = config.compile_memory_limit(100), "the memory for compiling"),
    ];
    for (limit, message) in limits {
        for threads in [0, 1] {
            let engine = engine_with(|config| {
                config.tier_up_budget(1).compile_threads(threads);
                limit(config);
            });
            let (mut store, instance) = instance_of(&engine, &chain());
            for _ in 0..10 {
                assert_eq!(run_i32(&mut store, instance, ("f0", 5)).unwrap(), 14);
            }
            wait_until(|| engine.stats().tier_ups.failed == 10);
            assert_eq!(run_i32(&mut store, instance, ("f0", 5)).unwrap(), 14);
            assert_eq!((engine.stats().compiles.failed, installed(&engine)), (10, (10, 0)));
            let failures = engine.compile_failures();
            assert!(failures.iter().any(|failure| failure.name.as_deref() == Some("f1")));
            assert!(failures.iter().all(|it| it.message.contains(message)), "{failures:?}");
        }
    }
}

#[test]
fn an_engine_with_jobs_queued_goes_after_the_one_that_runs() {
    // Only if this thread is slower than a job there are more, so that happens again and again.
    let compiled = (0..20).map(|_| jobs_done_before_an_engine_goes()).find(|&jobs| jobs <= 1);
    assert!(compiled.is_some());
}

fn jobs_done_before_an_engine_goes() -> u64 {
    let (compiled, may_end) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, wait) = (Arc::clone(&compiled), Arc::clone(&may_end));
    let second = second(move |_| {
        wait_until(|| wait.load(Ordering::Relaxed));
        thread::sleep(Duration::from_millis(100));
        count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    let engine = engine(1, Arc::clone(&second));
    let (mut store, instance) = instance_of(&engine, &chain());
    assert_eq!(run_i32(&mut store, instance, ("f0", 5)).unwrap(), 14);
    assert_eq!(engine.stats().tier_ups.queued, 10);
    may_end.store(true, Ordering::Relaxed);
    drop((engine, store));
    // The compiler is all that is left.
    assert_eq!(Arc::strong_count(&second), 1);
    compiled.load(Ordering::Relaxed)
}

#[test]
fn a_forked_child_drops_an_engine_whose_threads_it_does_not_have() {
    let name = "tiering_ends::a_forked_child_drops_an_engine_whose_threads_it_does_not_have";
    let output = in_process(name, || {
        let engine = engine(2, optimizing());
        let (mut store, instance) = instance_of(&engine, &chain());
        run_i32(&mut store, instance, ("f0", 5)).unwrap();
        wait_until(|| 0 < engine.stats().tier_ups.done);
        // SAFETY: the child drops what it has and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            drop((store, engine));
            // SAFETY: no other code has to run.
            unsafe { libc::_exit(7) }
        }
        let mut status = 0;
        // SAFETY: the status is a place for one.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7, "{status:#x}");
    });
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn modules_go_while_their_functions_are_compiled() {
    let second = second(|_| {
        thread::sleep(Duration::from_millis(2));
        Ok(())
    });
    let engine = engine(2, second);
    for _ in 0..20 {
        let (mut store, instance) = instance_of(&engine, &chain());
        assert_eq!(run_i32(&mut store, instance, ("f0", 5)).unwrap(), 14);
    }
    wait_until(|| engine.stats().background.running + engine.stats().background.waiting == 0);
    assert_eq!(installed(&engine), (0, 0));
    assert_eq!(engine.stats().tier_ups.failed, 0);
}

#[test]
fn hammer_threads_that_call_while_workers_publish_and_code_is_removed() {
    let engine = engine(2, optimizing());
    let module = Module::new(&engine, chain()).unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..300 {
                match round % 3 {
                    0 => drop(engine.remove_code()),
                    _ => drop(engine.collect()),
                }
                thread::sleep(Duration::from_micros(500));
            }
            over.store(true, Ordering::Relaxed);
        });
        for seed in 0..4 {
            let (engine, module, over) = (&engine, &module, &over);
            scope.spawn(move || {
                let mut store = Store::new(engine, ());
                let instance = Instance::new(&mut store, module, &[]).unwrap();
                let mut n = seed;
                while !over.load(Ordering::Relaxed) {
                    n += 1;
                    let (start, name) = (n % 10, ["f", "g"][n as usize % 2]);
                    let result = run_i32(&mut store, instance, (&format!("{name}{start}"), n));
                    assert_eq!(result.unwrap(), n + 9 - start);
                    if n % 64 == 0 {
                        let result = run_i32(&mut store, instance, ("trap", 0));
                        assert_eq!(trap_kind(result), TrapKind::IntegerDivideByZero);
                    }
                }
            });
        }
    });
    let stats = engine.stats();
    assert_eq!((stats.compiles.failed, stats.tier_ups.failed), (0, 0));
    assert!(10 < stats.tier_ups.done, "{:?}", stats.tier_ups);
}
