//! Equal modules share their code.

use std::{
    collections::HashMap,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
};

use tierup::{
    Bytes, CompilerStrategy, Engine, ErrorKind, Filter, Instance, Module, ModuleOptions, Store,
};

use crate::support::{engine_with, eventually, run_i32};

/// A module of some functions of which `f` adds a number: `number` tells modules apart.
fn text(number: i32) -> String {
    let more = "(func (param i32) (result i32) (local.get 0))\n".repeat(20);
    format!(
        r#"(module (func (export "f") (param i32) (result i32)
            (i32.add (local.get 0) (i32.const {number}))) {more})"#
    )
}

fn binary(number: i32) -> Vec<u8> {
    wat::parse_str(text(number)).unwrap()
}

fn call(module: &Module, param: i32) -> i32 {
    let mut store = Store::new(module.engine(), ());
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    run_i32(&mut store, instance, ("f", param)).unwrap()
}

#[test]
fn equal_modules_share_their_code_however_they_are_made() {
    let engine = Engine::default();
    let modules = [
        Module::new(&engine, text(1)).unwrap(),
        Module::new(&engine, binary(1)).unwrap(),
        Module::from_vec(&engine, binary(1)).unwrap(),
        Module::from_bytes(&engine, Bytes::from(binary(1))).unwrap(),
        Module::with_options(&engine, binary(1), ModuleOptions::new().lazy(true)).unwrap(),
    ];
    for module in &modules {
        assert!(module.shares_code(&modules[0]));
        assert_eq!(call(module, 5), 6);
    }
    let stats = engine.stats();
    assert_eq!((stats.modules.made, stats.modules.shared), (1, 4));
    assert_eq!((stats.compiles.lazy, stats.code.units), (1, 1));
    // One flush is for all.
    assert_eq!(modules[1].flush(Filter::All).functions, 1);
    assert!(modules.iter().all(|module| module.function_code(0).is_none()));
    assert_eq!(call(&modules[2], 5), 6);
    assert_eq!(engine.stats().compiles.lazy, 2);
}

#[test]
fn modules_that_differ_share_nothing() {
    let engine = Engine::default();
    let first = Module::new(&engine, text(1)).unwrap();
    let second = Module::new(&engine, text(2)).unwrap();
    // A custom section is part of what a module is, too.
    let mut longer = binary(1);
    longer.extend([0, 2, 1, b'x']);
    let longer = Module::new(&engine, longer).unwrap();
    let baseline = Module::with_options(
        &engine,
        text(1),
        ModuleOptions::new().strategy(CompilerStrategy::Baseline),
    );
    let eager = Module::with_options(&engine, text(1), ModuleOptions::new().lazy(false));
    let elsewhere = Module::new(&Engine::default(), text(1)).unwrap();
    let others = [second, longer, baseline.unwrap(), eager.unwrap(), elsewhere];
    assert!(others.iter().all(|other| !other.shares_code(&first)));
    assert_eq!([&first, &others[0], &others[1]].map(|module| call(module, 5)), [6, 7, 6]);
    assert_eq!(engine.stats().modules.made, 5);
}

#[test]
fn tenants_share_nothing_with_each_other() {
    let engine = Engine::default();
    let tenants = ["one", "two"].map(|name| engine.tenant(name, 1 << 20));
    let of = |index: usize| {
        let mut options = ModuleOptions::new();
        Module::with_options(&engine, text(1), options.tenant(&tenants[index])).unwrap()
    };
    let (first, again, second, nobodys) =
        (of(0), of(0), of(1), Module::new(&engine, text(1)).unwrap());
    assert!(first.shares_code(&again));
    assert!(!first.shares_code(&second) && !first.shares_code(&nobodys));
    assert!(!second.shares_code(&nobodys));
    for module in [&first, &second, &nobodys] {
        assert_eq!(call(module, 1), 2);
    }
    // Each flush is of one's own code.
    assert_eq!(tenants[0].flush(Filter::All).functions, 1);
    assert!(again.function_code(0).is_none() && second.function_code(0).is_some());
}

#[test]
fn sharing_can_be_turned_off() {
    let engine = engine_with(|config| {
        config.share_modules(false);
    });
    let modules = [(); 2].map(|()| Module::new(&engine, text(1)).unwrap());
    assert!(!modules[0].shares_code(&modules[1]));
    assert!(modules[0].shares_code(&modules[0].clone()));
    assert_eq!(modules.each_ref().map(|module| call(module, 1)), [2, 2]);
    assert_eq!((engine.stats().compiles.lazy, engine.stats().code.units), (2, 2));
}

#[test]
fn the_last_handle_ends_it_although_instances_go_on() {
    let engine = Engine::default();
    let module = Module::new(&engine, text(1)).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let clone = module.clone();
    drop(module);
    assert!(Module::new(&engine, text(1)).unwrap().shares_code(&clone));
    drop(clone);
    assert_eq!(engine.stats().code.units, 1);
    let again = Module::new(&engine, text(1)).unwrap();
    assert_eq!((engine.stats().code.units, engine.stats().modules.made), (2, 2));
    assert_eq!((run_i32(&mut store, instance, ("f", 1)).unwrap(), call(&again, 1)), (2, 2));
    drop((store, again));
    assert_eq!(engine.stats().code.units, 0);
}

#[test]
fn pins_are_counted_by_handle() {
    let engine = Engine::default();
    let [first, second] = [(); 2].map(|()| Module::new(&engine, text(1)).unwrap());
    let clone = first.clone();
    assert_eq!(call(&first, 1), 2);
    // Clones have one pin together.
    first.pin();
    clone.pin();
    second.pin();
    assert_eq!(engine.flush(Filter::All).functions, 0);
    clone.unpin();
    assert!(first.is_pinned(), "an equal module is");
    first.unpin();
    assert_eq!(engine.flush(Filter::All).functions, 0);
    // Not again: it had no pin.
    first.unpin();
    assert!(second.is_pinned());
    drop(second);
    assert!(!first.is_pinned());
    assert_eq!(engine.flush(Filter::All).functions, 1);
    first.pin();
    drop(first);
    assert!(clone.is_pinned());
    assert_eq!(call(&clone, 1), 2);
    assert_eq!(engine.flush(Filter::All).functions, 0);
}

#[test]
fn a_module_without_lazy_compilation_has_code_also_if_it_was_flushed() {
    let engine = engine_with(|config| {
        config.lazy(false);
    });
    let first = Module::new(&engine, text(1)).unwrap();
    assert_eq!(first.flush(Filter::All).functions, 21);
    let second = Module::new(&engine, text(1)).unwrap();
    assert!(second.shares_code(&first));
    assert!((0..21).all(|function| second.function_code(function).is_some()));
    assert_eq!(engine.stats().compiles.lazy, 0);
}

#[test]
fn errors_are_not_remembered() {
    let engine = engine_with(|config| {
        config.code_memory_limit(0);
    });
    for _ in 0..2 {
        let error = Module::new(&engine, text(1)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Code(_)), "{error}");
    }
    let engine = Engine::default();
    let invalid = r#"(module (func (result i32)))"#;
    for _ in 0..2 {
        assert!(Module::new(&engine, invalid).is_err());
    }
    assert_eq!(engine.stats().modules, tierup::SharingStats::default());
}

#[test]
fn many_threads_make_one_module() {
    const THREADS: usize = 100;
    let engine = engine_with(|config| {
        config.lazy(false);
    });
    let (bytes, barrier) = (binary(1), Barrier::new(THREADS));
    let modules: Vec<Module> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    Module::new(&engine, &bytes).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let stats = engine.stats();
    assert_eq!((stats.modules.made, stats.modules.shared), (1, THREADS as u64 - 1));
    assert_eq!((stats.compiles.baseline.functions, stats.code.units), (21, 1));
    assert!(modules.iter().all(|module| module.shares_code(&modules[0])));
    assert_eq!(call(&modules[THREADS / 2], 1), 2);
}

#[test]
fn each_of_many_threads_learns_why_a_module_is_refused() {
    let engine = Engine::default();
    let invalid = wat::parse_str(r#"(module (func (result i32)))"#).unwrap();
    let refused = AtomicUsize::new(0);
    sync::hammer(8, 20, |_, _| {
        let error = Module::new(&engine, &invalid).unwrap_err();
        assert!(error.to_string().contains("type mismatch"), "{error}");
        refused.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(refused.into_inner(), 160);
}

#[test]
fn hammer_equal_modules_come_and_go() {
    let engine = engine_with(|config| {
        config.tier_up_budget(1).compile_threads(2);
    });
    let binaries: Vec<Vec<u8>> = (0..3).map(binary).collect();
    let kept = sync::Mutex::new(sync::Rank::StandardStream, HashMap::<usize, Arc<Module>>::new());
    sync::hammer(8, 200, |thread, round| {
        let number = (thread + round) % 3;
        let module = Arc::new(Module::new(&engine, &binaries[number]).unwrap());
        assert_eq!(call(&module, 10), 10 + number as i32);
        match round % 10 {
            0 => drop(module.flush(Filter::All)),
            1 => module.pin(),
            2 => drop(engine.flush(Filter::All)),
            3 => drop(engine.collect()),
            _ => {}
        }
        if round % 7 == 0 {
            // Kept across rounds by somebody else, and dropped without the lock.
            let before = kept.lock().insert(number, module);
            drop(before);
        }
        if round % 31 == thread {
            let before = std::mem::take(&mut *kept.lock());
            drop(before);
        }
    });
    let last = std::mem::take(&mut *kept.lock());
    drop(last);
    assert_eq!(engine.stats().compiles.failed, 0);
    let stats = engine.stats().modules;
    assert_eq!(stats.made + stats.shared, 8 * 200);
    assert!(0 < stats.shared);
    // Jobs that optimize may keep the last modules for a moment.
    eventually("the last module goes", || engine.stats().code.units == 0);
}
