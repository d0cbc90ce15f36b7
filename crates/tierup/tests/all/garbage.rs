//! A little garbage: too little for a collection of its own, and freed all the same.

use std::{
    thread,
    time::{Duration, Instant},
};

use tierup::{
    Caller, CompilerStrategy, Config, Engine, Filter, Instance, Linker, Module, Store, TypedFunc,
};

use crate::support::{LONG, engine_with, eventually, run_i32};

const FOR_EVER: Duration = Duration::from_secs(1 << 20);

/// `outer` calls the host, then `inner`.
const TEXT: &str = r#"(module (import "" "host" (func $host))
    (func $inner (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "outer") (param i32) (result i32)
        (call $host)
        (call $inner (local.get 0))))"#;

/// A store whose host function has `outer` optimized while it is on the stack, and with that its
/// baseline code replaced: the only garbage there is.
struct Replacing {
    engine: Engine,
    store: Store<Option<Module>>,
    instance: Instance,
}

impl Replacing {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let engine = engine_with(|config| {
            config.strategy(CompilerStrategy::Tiered).tier_up_budget(u64::MAX);
            change(config);
        });
        let module = Module::new(&engine, TEXT).unwrap();
        let mut store = Store::new(&engine, None);
        let mut linker = Linker::<Option<Module>>::new(&engine);
        linker
            .func("", "host", |mut caller: Caller<'_, Option<Module>>| {
                if let Some(module) = caller.data_mut().take() {
                    module.tier_up_function(2).unwrap();
                    assert_eq!(module.engine().stats().code.code.retired.count, 1);
                }
            })
            .unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        *store.data_mut() = Some(module);
        Self { engine, store, instance }
    }

    fn run(&mut self) {
        assert_eq!(run_i32(&mut self.store, self.instance, ("outer", 1)).unwrap(), 2);
        assert!(self.store.data().is_none());
    }

    fn retired(&self) -> usize {
        self.engine.stats().code.code.retired.count
    }

    /// Is all of it freed within some time?
    fn is_freed(&self, time: Duration) -> bool {
        let start = Instant::now();
        while self.retired() != 0 {
            if time < start.elapsed() {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }
}

#[test]
fn co_little_code_that_was_on_a_stack_is_freed_without_more_garbage() {
    let mut replacing = Replacing::new(|_| {});
    replacing.run();
    assert!(replacing.is_freed(LONG));
    // And then nothing is done any more. A collection is counted a moment after it has freed.
    let collections = || replacing.engine.stats().collections.count;
    eventually("the collection is counted", || collections() != 0);
    eventually("the worker has nothing to do", || {
        let before = collections();
        thread::sleep(Duration::from_millis(400));
        collections() == before
    });
}

#[test]
fn co_little_it_goes_also_if_a_collection_comes_while_it_is_on_the_stack() {
    let mut replacing = Replacing::new(|config| {
        config.collect_after(Duration::from_millis(1));
    });
    let mut linker = Linker::<Option<Module>>::new(&replacing.engine);
    linker
        .func("", "host", |mut caller: Caller<'_, Option<Module>>| {
            let module = caller.data_mut().take().unwrap();
            module.tier_up_function(2).unwrap();
            let engine = module.engine();
            eventually("there is a collection", || engine.stats().collections.count != 0);
            assert_eq!(engine.stats().code.code.retired.count, 1, "it is on the stack");
        })
        .unwrap();
    let module = replacing.store.data().clone().unwrap();
    replacing.instance = linker.instantiate(&mut replacing.store, &module).unwrap();
    replacing.run();
    assert!(replacing.is_freed(LONG));
}

#[test]
fn co_little_waits_as_long_as_it_was_told() {
    let mut replacing = Replacing::new(|config| {
        config.collect_after(FOR_EVER);
    });
    replacing.run();
    assert!(!replacing.is_freed(Duration::from_millis(300)));
    assert_eq!(replacing.engine.stats().collections.count, 0);
    replacing.engine.collect();
    assert_eq!(replacing.retired(), 0);
}

#[test]
fn floor_and_share_decide_what_is_little() {
    for (floor, share, expected) in [(0, 0, true), (1 << 20, 0, false), (0, 100, false)] {
        let mut replacing = Replacing::new(|config| {
            config.collect_after(FOR_EVER).collect_floor(floor).collect_share(share);
        });
        replacing.run();
        let time = if expected { LONG } else { Duration::from_millis(200) };
        assert_eq!(replacing.is_freed(time), expected, "{floor} {share}");
    }
}

#[test]
fn co_little_after_little_is_freed_each_time() {
    let engine = engine_with(|config| {
        config.strategy(CompilerStrategy::Baseline).collect_after(Duration::from_millis(1));
    });
    let text = r#"(module (func (export "f") (param i32) (result i32) (local.get 0)))"#;
    let module = Module::new(&engine, text).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let function: TypedFunc<i32, i32> = instance.typed_func(&mut store, "f").unwrap();
    for round in 0..50 {
        assert_eq!(function.call(&mut store, round).unwrap(), round);
        // Replaces baseline code by optimized code, then that goes too.
        module.tier_up_function(0).unwrap();
        module.flush(Filter::All);
        eventually("it is freed", || engine.stats().code.code.retired.count == 0);
    }
}
