//! Tenants: limits of their own, and whose code goes.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use tierup::{
    CompilerStrategy, Engine, Error, ErrorKind, Filter, Instance, Module, ModuleOptions, Store,
    Tenant, TrapKind,
};

use crate::{
    flushing::functions_of,
    support::{call_until_error, engine_with, eventually, run_i32, trap_kind},
};

const FUNCTIONS: usize = 100;

fn baseline_engine(limit: usize) -> Engine {
    engine_with(|config| {
        config.strategy(CompilerStrategy::Baseline).code_memory_limit(limit);
    })
}

fn module_of(tenant: &Tenant, text: &str) -> Result<Module, Error> {
    Module::with_options(tenant.engine(), text, ModuleOptions::new().tenant(tenant))
}

/// An instance of a module of a hundred functions of about 1 KiB.
fn instance_of(tenant: &Tenant, salt: usize) -> (Store<()>, Instance) {
    let module = module_of(tenant, &functions_of(60, FUNCTIONS, salt)).unwrap();
    let mut store = Store::new(tenant.engine(), ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    (store, instance)
}

fn call_all((store, instance): &mut (Store<()>, Instance), argument: i32) {
    for function in 0..FUNCTIONS {
        let result = run_i32(store, *instance, (&format!("f{function}"), argument));
        assert_eq!(result.unwrap(), argument + function as i32);
    }
}

#[test]
fn more_modules_than_fit_take_turns_and_other_tenants_do_not_notice() {
    let engine = baseline_engine(1 << 30);
    let (small, other) = (engine.tenant("small", 256 << 10), engine.tenant("other", 1 << 20));
    let mut quiet = instance_of(&other, 100);
    call_all(&mut quiet, 1);
    let before = other.stats();
    let mut modules: Vec<_> = (0..8).map(|salt| instance_of(&small, salt)).collect();
    for round in 0..3 {
        for module in &mut modules {
            call_all(module, round);
            let stats = small.stats();
            assert!(stats.peak_bytes <= 256 << 10, "{stats:?}");
        }
    }
    let stats = engine.stats();
    assert_eq!(stats.compiles.failed, 0);
    assert!(1000 < stats.flushes.total().functions, "{:?}", stats.flushes);
    let small = small.stats();
    assert!(small.code.generated_bytes > 5 * small.limit && small.code.freed_bytes > 0);
    assert_eq!(other.stats(), before);
    call_all(&mut quiet, 2);
    assert_eq!(other.stats(), before);
}

#[test]
fn what_does_not_fit_names_the_tenant_its_limit_used_and_wanted() {
    let engine = baseline_engine(1 << 30);
    let tenant = engine.tenant("shop 7", 64 << 10);
    let other = engine.tenant("other", 1 << 20);
    let module = module_of(&tenant, &functions_of(60, FUNCTIONS, 0)).unwrap();
    module.pin();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let (called, error) = call_until_error(&mut store, instance);
    let used = tenant.stats().used_bytes;
    let text = error.to_string();
    assert_eq!(trap_kind::<()>(Err(error)), TrapKind::CompileFailed);
    for part in ["`shop 7`", "bytes wanted", &format!("{used} used"), "the limit is 65536"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(10 < called, "{called}");
    // A module's cells are paid for too.
    let error = module_of(&tenant, &functions_of(0, 10_000, 1)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Code(_)), "{error}");
    assert!(error.to_string().contains("`shop 7`"), "{error}");
    assert_eq!(tenant.stats().used_bytes, used);
    // What has code goes on, and others get theirs.
    assert_eq!(run_i32(&mut store, instance, ("f0", 1)).unwrap(), 1);
    call_all(&mut instance_of(&other, 2), 3);
    module.unpin();
    assert_eq!(run_i32(&mut store, instance, ("f99", 1)).unwrap(), 100);
}

#[test]
fn at_the_engines_limit_who_was_idle_for_longest_loses_code_first() {
    let engine = baseline_engine(2 << 20);
    // In this order: it must not be the age of the modules that decides.
    let [busy, new, idle] = ["busy", "new", "idle"].map(|name| engine.tenant(name, 1 << 30));
    let mut busy_ones: Vec<_> = (10..12).map(|salt| instance_of(&busy, salt)).collect();
    let mut idlers: Vec<_> = (0..4).map(|salt| instance_of(&idle, salt)).collect();
    idlers.iter_mut().for_each(|module| call_all(module, 1));
    busy_ones.iter_mut().for_each(|module| call_all(module, 1));
    let peak = idle.stats().used_bytes;
    let (generated, mut modules) = (busy.stats().code.generated_bytes, Vec::new());
    for salt in 20..60 {
        modules.push(instance_of(&new, salt));
        let last = modules.last_mut().unwrap();
        call_all(last, 1);
        busy_ones.iter_mut().for_each(|module| call_all(module, 2));
        assert!(engine.stats().code.committed_bytes <= 2 << 20);
    }
    let stats = engine.stats();
    assert_eq!(stats.compiles.failed, 0);
    // What was left alone went first, and all of it.
    let idle = idle.stats();
    assert_eq!(idle.code.baseline.count, 0, "{idle:?}");
    assert!(idle.used_bytes * 20 <= peak, "{idle:?}, {peak} at its peak");
    // What is called between two sweeps stays: whoever is too slow for a sweep loses some.
    let again = busy.stats().code.generated_bytes - generated;
    assert!(again < generated * 4, "{again} again of {generated}");
    assert!(new.stats().code.generated_bytes > 5 << 19, "{:?}", new.stats());
    idlers.iter_mut().for_each(|module| call_all(module, 5));
}

#[test]
fn a_tenant_that_went_idle_keeps_its_cells_and_lazy_table() {
    let engine = baseline_engine(1 << 30);
    let (idle, other) = (engine.tenant("idle", 1 << 30), engine.tenant("other", 1 << 30));
    let mut modules: Vec<_> = (0..3).map(|salt| instance_of(&idle, salt)).collect();
    let mut others = instance_of(&other, 3);
    modules.iter_mut().for_each(|module| call_all(module, 1));
    call_all(&mut others, 1);
    let (before, kept) = (idle.stats(), other.stats());
    let given = idle.trim();
    let after = idle.stats();
    assert_eq!(after.used_bytes + given, before.used_bytes);
    assert_eq!(after.peak_bytes, before.used_bytes);
    assert!(after.used_bytes * 20 <= after.peak_bytes, "{after:?}");
    assert_eq!((after.code.baseline.count, after.code.retired.count), (0, 0));
    assert_eq!(other.stats(), kept);
    modules.iter_mut().for_each(|module| call_all(module, 2));
    assert_eq!(idle.flush(Filter::Optimized).functions, 0);
    assert_eq!(idle.flush(Filter::Baseline).functions, 3 * FUNCTIONS);
    assert_eq!(engine.flush(Filter::All).functions, FUNCTIONS);
}

#[test]
fn tenants_are_listed_as_long_as_they_have_something() {
    let engine = baseline_engine(1 << 30);
    let names = || engine.tenants().into_iter().map(|tenant| tenant.name).collect::<Vec<_>>();
    assert_eq!(names(), ["default"]);
    let (first, second) = (engine.tenant("first", 1 << 20), engine.tenant("second", 1 << 20));
    let module = module_of(&first, "(module (func))").unwrap();
    let nobodys = Module::new(&engine, "(module (func))").unwrap();
    assert_eq!((module.tenant_name(), nobodys.tenant_name()), ("first", "default"));
    drop((first, second));
    assert_eq!(names(), ["default", "first"]);
    drop(module);
    assert_eq!(names(), ["default"]);
    // Thousands come and go.
    for index in 0..3000 {
        let tenant = engine.tenant(format!("tenant {index}"), 1 << 20);
        module_of(&tenant, "(module (func))").unwrap().compile().unwrap();
    }
    assert_eq!(engine.tenants().len(), 1);
    assert_eq!(engine.stats().code.units, 1);
}

#[test]
fn equal_modules_of_different_tenants_are_paid_for_by_each() {
    let engine = baseline_engine(1 << 30);
    let tenants = ["one", "other"].map(|name| engine.tenant(name, 1 << 20));
    let text = functions_of(60, FUNCTIONS, 0);
    let modules = tenants.each_ref().map(|tenant| module_of(tenant, &text).unwrap());
    modules[0].compile().unwrap();
    assert_eq!(tenants[1].stats().code.baseline.count, 0);
    modules[1].compile().unwrap();
    let [one, other] = tenants.each_ref().map(|tenant| tenant.stats().used_bytes);
    assert_eq!(one, other);
    // A second one of the same tenant costs nothing.
    module_of(&tenants[0], &text).unwrap().compile().unwrap();
    assert_eq!(tenants[0].stats().used_bytes, one);
    drop(modules);
    assert_eq!(tenants[0].stats().used_bytes + tenants[1].stats().used_bytes, 0);
}

#[test]
fn a_module_for_another_engines_tenant_is_an_error() {
    let (engine, other) = (Engine::default(), Engine::default());
    let tenant = other.tenant("foreign", 1 << 20);
    let result = Module::with_options(&engine, "(module)", ModuleOptions::new().tenant(&tenant));
    let error = result.unwrap_err();
    assert!(error.to_string().contains("tenant"), "{error}");
}

/// Optimized and baseline code of many modules of two tenants, on four threads, under limits that
/// are too small for them.
/// Says when it goes that everything is done.
struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn hammer_tenants_under_their_own_and_the_engines_limit() {
    const LIMIT: usize = 2 << 20;
    let engine = engine_with(|config| {
        config.tier_up_budget(2000).code_memory_limit(LIMIT).compile_threads(1);
    });
    let tenants = [384 << 10, 1 << 20].map(|limit| engine.tenant("hammered", limit));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for tenant in &tenants {
                    let stats = tenant.stats();
                    assert!(stats.peak_bytes <= stats.limit, "{stats:?}");
                }
                assert!(engine.stats().code.committed_bytes <= LIMIT);
                thread::yield_now();
            }
        });
        // Also if a thread panics.
        let finish = Finish(&done);
        sync::hammer(4, 3, |thread, round| {
            let tenant = &tenants[thread % 2];
            let salt = 10 * thread + 100 * round;
            let mut modules: Vec<_> =
                (0..4).map(|module| instance_of(tenant, salt + module)).collect();
            for argument in 0..6 {
                modules.iter_mut().for_each(|module| call_all(module, argument));
                if argument == thread as i32 {
                    tenant.trim();
                }
            }
        });
        drop(finish);
        watcher.join().unwrap();
    });
    let stats = engine.stats();
    assert_eq!(stats.compiles.failed, 0, "{:?}", engine.compile_failures());
    assert!(1000 < stats.flushes.total().functions, "{:?}", stats.flushes);
    eventually("jobs let go of modules", || engine.stats().code.units == 0);
    engine.collect();
    engine.trim();
    for tenant in &tenants {
        let stats = tenant.stats();
        assert_eq!(stats.used_bytes, 0, "{stats:?}");
        assert_eq!(stats.code.generated_bytes, stats.code.freed_bytes);
    }
}
