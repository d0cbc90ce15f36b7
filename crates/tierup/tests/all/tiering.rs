//! Tier-up as programs see it: results stay the same, code gets better, nothing is left behind.
//!
//! The first tier is a stand-in that uses budgets up as baseline code does; see `budgeted`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use codespace::Tier;
use tierup::{
    CompilerStrategy, Config, Engine, Executor, Instance, InterruptAction, Module, ModuleOptions,
    Store, TrapKind,
    compile::{CompileError, Compiled, Compiler, Request, Trivial},
};
use tierup_optimize::Optimizing;

use crate::{
    budgeted::{Budgeted, RegisterCheck},
    support::{engine_with, eventually, instance_of, run_i32, trap_kind},
};

fn first() -> Arc<dyn Compiler> {
    Arc::new(Budgeted { inner: Optimizing::new().unwrap(), work: 100 })
}

/// An engine that tiers up to `second` at the first chance, on `threads` threads.
pub(crate) fn engine(threads: usize, second: Arc<dyn Compiler>) -> Engine {
    engine_with(|config| at_the_first_chance(config, threads, second))
}

fn at_the_first_chance(config: &mut Config, threads: usize, second: Arc<dyn Compiler>) {
    config
        .compilers(first(), second)
        .strategy(CompilerStrategy::Tiered)
        .tier_up_budget(1)
        .compile_threads(threads);
}

pub(crate) fn optimizing() -> Arc<dyn Compiler> {
    Arc::new(Optimizing::new().unwrap())
}

/// Optimizes after `before` had its say.
struct Second<F>(F, Optimizing);

pub(crate) fn second(
    before: impl Fn(u32) -> Result<(), CompileError> + Send + Sync + 'static,
) -> Arc<dyn Compiler> {
    Arc::new(Second(before, Optimizing::new().unwrap()))
}

impl<F: Fn(u32) -> Result<(), CompileError> + Send + Sync> Compiler for Second<F> {
    fn name(&self) -> &'static str {
        "second"
    }

    fn tier(&self) -> Tier {
        Tier::Optimized
    }

    fn compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        (self.0)(request.function.0)?;
        self.1.compile(request)
    }
}

impl<F> std::fmt::Debug for Second<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Second")
    }
}

/// `f0` to `f9`, each of which calls the next one directly and all through a table.
pub(crate) fn chain() -> String {
    let functions = (0..10).fold(String::new(), |text, index| {
        let next = match index {
            9 => "(local.get 0)".to_owned(),
            _ => format!("(call $f{} (i32.add (local.get 0) (i32.const 1)))", index + 1),
        };
        text + &format!(
            r#"(func $f{index} (export "f{index}") (type $t) {next})
            (func $g{index} (export "g{index}") (type $t)
                (call_indirect (type $t) (local.get 0) (i32.const {index})))"#
        )
    });
    let all = (0..10).fold(String::new(), |text, index| text + &format!("$f{index} "));
    format!(
        r#"(module (type $t (func (param i32) (result i32)))
            (table funcref (elem {all})) {functions}
            (func (export "trap") (type $t) (call $inner (local.get 0)))
            (func $inner (type $t) (i32.div_u (i32.const 100) (local.get 0)))
            (func (export "deep") (type $t) (call $down (local.get 0)))
            (func $down (type $t) (if (result i32) (local.get 0)
                (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
                (else (i32.const 0)))))"#
    )
}

#[track_caller]
pub(crate) fn wait_until(done: impl FnMut() -> bool) {
    eventually("what the background does", done);
}

/// Functions with code of the first and of the second tier. Frees what was replaced.
pub(crate) fn installed(engine: &Engine) -> (usize, usize) {
    engine.collect();
    let code = engine.stats().code.code;
    assert_eq!(code.retired.count, 0);
    (code.baseline.count, code.optimized.count)
}

#[test]
fn at_the_first_chance_a_call_is_enough() {
    let engine = engine_with(|config| {
        at_the_first_chance(config, 0, optimizing());
        // Nothing is freed unless the test says so.
        config.collect_after(Duration::MAX);
    });
    let (mut store, instance) = instance_of(&engine, &chain());
    assert_eq!(run_i32(&mut store, instance, ("f0", 5)).unwrap(), 14);
    let stats = engine.stats();
    assert_eq!((stats.compiles.baseline.functions, stats.compiles.optimized.functions), (10, 10));
    assert_eq!((stats.tier_ups.done, stats.background.threads), (10, 0));
    assert_eq!(stats.code.code.retired.count, 10);
    // Calls through the table reach the same code; their own functions are new.
    assert_eq!(run_i32(&mut store, instance, ("g3", 5)).unwrap(), 11);
    assert_eq!(engine.stats().tier_ups.done, 11);
    assert_eq!(installed(&engine), (0, 11));
    assert_eq!(run_i32(&mut store, instance, ("f0", 6)).unwrap(), 15);
}

#[test]
fn calls_move_to_what_workers_publish() {
    let engine = engine(2, optimizing());
    let (mut store, instance) = instance_of(&engine, &chain());
    let mut calls = 0;
    wait_until(|| {
        calls += 1;
        assert_eq!(run_i32(&mut store, instance, ("f0", calls)).unwrap(), calls + 9);
        assert_eq!(run_i32(&mut store, instance, ("g0", calls)).unwrap(), calls + 9);
        engine.stats().tier_ups.done == 11
    });
    let stats = engine.stats();
    assert_eq!((stats.tier_ups.queued, stats.compiles.failed), (11, 0));
    assert!((1..=2).contains(&stats.background.threads));
    assert_eq!(installed(&engine), (0, 11));
    // Code that is taken away starts from below, and rises again.
    assert_eq!(engine.remove_code().functions, 11);
    wait_until(|| {
        assert_eq!(run_i32(&mut store, instance, ("f0", 1)).unwrap(), 10);
        engine.stats().tier_ups.done == 21
    });
}

#[test]
fn traps_and_deep_stacks_are_the_same_in_both_tiers() {
    for threads in [0, 1] {
        let engine = engine(threads, optimizing());
        let (mut store, instance) = instance_of(&engine, &chain());
        for round in 0..50 {
            let error = run_i32(&mut store, instance, ("trap", 0)).unwrap_err();
            let frames = error.trap().unwrap().backtrace().frames().len();
            assert_eq!(trap_kind::<()>(Err(error)), TrapKind::IntegerDivideByZero);
            assert_eq!(frames, 2, "round {round}");
            assert_eq!(run_i32(&mut store, instance, ("trap", 7)).unwrap(), 14);
            assert_eq!(run_i32(&mut store, instance, ("deep", 500)).unwrap(), 500);
            let result = run_i32(&mut store, instance, ("deep", 10_000_000));
            assert_eq!(trap_kind(result), TrapKind::StackOverflow);
        }
        wait_until(|| engine.stats().background.running + engine.stats().background.waiting == 0);
        assert_eq!(engine.stats().tier_ups.done, 4);
    }
}

#[test]
fn arguments_of_all_kinds_survive_the_report() {
    let text = r#"(module (func $f (export "f")
        (param i64 f64 i64 f32 i64 f64 i64 f64 i64 f64 i64 f64 i64 f64 f64 f64)
        (result i64 f64)
        (i64.add (i64.add (local.get 0) (i64.mul (local.get 2) (i64.const 10)))
            (i64.add (i64.mul (local.get 4) (i64.const 100))
                (i64.add (i64.mul (local.get 8) (i64.const 1000))
                    (i64.mul (local.get 12) (i64.const 10000)))))
        (f64.add (f64.promote_f32 (local.get 3))
            (f64.add (local.get 1) (f64.add (local.get 13) (local.get 15))))))"#;
    for threads in [0, 1] {
        let engine = engine(threads, optimizing());
        let (mut store, instance) = instance_of(&engine, text);
        let f = instance.func(&mut store, "f").unwrap();
        for _ in 0..20 {
            use tierup::Val::{F32, F64, I64};
            let float = |value: f64| F64(value.to_bits());
            let params = [
                I64(1),
                float(0.5),
                I64(2),
                F32(2.0_f32.to_bits()),
                I64(3),
                float(0.0),
                I64(0),
                float(0.0),
                I64(4),
                float(0.0),
                I64(0),
                float(0.0),
                I64(5),
                float(8.0),
                float(0.0),
                float(32.0),
            ];
            let mut results = [I64(0), I64(0)];
            f.call(&mut store, &params, &mut results).unwrap();
            assert_eq!((results[0].i64(), results[1].f64()), (Some(54_321), Some(42.5)));
        }
    }
}

#[test]
fn a_report_keeps_every_register() {
    for threads in [0, 1] {
        let engine = engine_with(|config| {
            config
                .compilers(Arc::new(RegisterCheck), second(|_| panic!("on purpose")))
                .strategy(CompilerStrategy::Tiered);
            config.tier_up_budget(1).compile_threads(threads);
        });
        let text = r#"(module (func (export "f") (result i64) (i64.const 0)))"#;
        let (mut store, instance) = instance_of(&engine, text);
        let f = instance.typed_func::<(), i64>(&mut store, "f").unwrap();
        for _ in 0..10 {
            assert_eq!(f.call(&mut store, ()).unwrap(), 0);
        }
    }
}

#[test]
fn a_report_is_a_poll() {
    // This code has no other poll.
    let first = Arc::new(Budgeted { inner: Trivial, work: 1 << 24 });
    let engine = engine_with(|config| {
        config.compilers(first, optimizing()).strategy(CompilerStrategy::Baseline);
    });
    let text = r#"(module (func (export "f") (param i32) (result i32) (local.get 0)))"#;
    let (mut store, instance) = instance_of(&engine, text);
    assert_eq!(run_i32(&mut store, instance, ("f", 1)).unwrap(), 1);
    store.interrupt_handle().interrupt();
    assert_eq!(trap_kind(run_i32(&mut store, instance, ("f", 2))), TrapKind::Interrupted);
    assert_eq!(run_i32(&mut store, instance, ("f", 3)).unwrap(), 3);
    let seen = Arc::new(AtomicU64::new(0));
    let handler = Arc::clone(&seen);
    store.set_interrupt_handler(move |_| {
        handler.fetch_add(1, Ordering::Relaxed);
        InterruptAction::Continue
    });
    store.interrupt_handle().interrupt();
    assert_eq!(run_i32(&mut store, instance, ("f", 4)).unwrap(), 4);
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}

#[test]
fn a_budget_is_for_work_and_not_for_calls() {
    let engine = engine_with(|config| {
        config
            .compilers(first(), optimizing())
            .strategy(CompilerStrategy::Tiered)
            .tier_up_budget(100_000)
            .compile_threads(0);
    });
    let (mut store, instance) = instance_of(&engine, &chain());
    let mut calls = 0;
    while engine.stats().tier_ups.done == 0 {
        calls += 1;
        run_i32(&mut store, instance, ("f9", 1)).unwrap();
    }
    // 100 units a call; the policy waits for 134 budgets before it optimizes anything.
    assert!((130_000..=140_000).contains(&calls), "{calls}");
}

#[test]
fn the_other_strategies_never_tier_up() {
    for (strategy, compiled) in
        [(CompilerStrategy::Baseline, (10, 0)), (CompilerStrategy::Optimizing, (0, 10))]
    {
        let engine = engine_with(|config| {
            config.compilers(first(), optimizing()).strategy(strategy).tier_up_budget(1);
        });
        let (mut store, instance) = instance_of(&engine, &chain());
        for _ in 0..100 {
            assert_eq!(run_i32(&mut store, instance, ("f0", 1)).unwrap(), 10);
        }
        let stats = engine.stats();
        assert_eq!(
            (stats.compiles.baseline.functions, stats.compiles.optimized.functions),
            compiled
        );
        assert_eq!((stats.tier_ups.queued, stats.background.threads), (0, 0));
    }
}

#[test]
fn tier_up_by_hand() {
    let engine = engine_with(|config| {
        config.compilers(first(), optimizing()).strategy(CompilerStrategy::Tiered);
    });
    let module = Module::new(&engine, chain()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    run_i32(&mut store, instance, ("f0", 5)).unwrap();
    assert_eq!(installed(&engine), (10, 0));
    module.tier_up_function(0).unwrap();
    assert_eq!(installed(&engine), (9, 1));
    module.tier_up().unwrap();
    assert_eq!(installed(&engine), (0, 24));
    assert_eq!(run_i32(&mut store, instance, ("f0", 6)).unwrap(), 15);
}

#[test]
fn a_module_may_have_a_strategy_of_its_own() {
    use CompilerStrategy::{Baseline, Optimizing, Tiered};
    for (strategy, compiled) in [(Tiered, (24, 0)), (Baseline, (24, 0)), (Optimizing, (0, 24))] {
        let engine = engine_with(|config| {
            config.compilers(first(), optimizing()).strategy(Optimizing).compile_threads(0);
        });
        let mut options = ModuleOptions::new();
        options.strategy(strategy).lazy(false);
        let module = Module::with_options(&engine, chain(), &options).unwrap();
        assert_eq!(installed(&engine), compiled, "{strategy:?}");
        // Only where there is a second tier.
        module.tier_up().unwrap();
        let best = if strategy == Baseline { (24, 0) } else { (0, 24) };
        assert_eq!(installed(&engine), best, "{strategy:?}");
    }
}

#[test]
fn pinned_modules_keep_their_code() {
    let engine = engine(0, optimizing());
    // Equal modules would share their code.
    let others = chain().replacen("(module", "(module (memory 1)", 1);
    let modules = [chain(), others].map(|text| Module::new(&engine, text).unwrap());
    let call = |module: &Module| {
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, module, &[]).unwrap();
        assert_eq!(run_i32(&mut store, instance, ("f0", 5)).unwrap(), 14);
    };
    modules.iter().for_each(call);
    modules[0].pin();
    assert_eq!((modules[0].is_pinned(), modules[1].is_pinned()), (true, false));
    assert_eq!(engine.remove_code().functions, 10);
    assert_eq!(installed(&engine), (0, 10));
    assert!(modules[0].function_code(0).is_some() && modules[1].function_code(0).is_none());
    let compiles = engine.stats().compiles.lazy;
    call(&modules[0]);
    assert_eq!(engine.stats().compiles.lazy, compiles);
    modules[0].unpin();
    assert_eq!(engine.remove_code().functions, 10);
    call(&modules[0]);
}

/// An executor with a thread for each job.
#[derive(Debug)]
struct Threads(AtomicU64);

impl Executor for Threads {
    fn spawn(&self, job: Box<dyn FnOnce() + Send>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        thread::spawn(job);
    }
}

#[test]
fn the_hosts_executor_optimizes() {
    let executor = Arc::new(Threads(AtomicU64::new(0)));
    let engine = engine_with(|config| {
        config.compilers(
            first(),
            second(|_| {
                thread::sleep(Duration::from_millis(1));
                Ok(())
            }),
        );
        config.tier_up_budget(1).compile_threads(2).executor(Arc::clone(&executor) as _);
    });
    let (mut store, instance) = instance_of(&engine, &chain());
    wait_until(|| {
        assert_eq!(run_i32(&mut store, instance, ("f0", 5)).unwrap(), 14);
        engine.stats().tier_ups.done == 10
    });
    assert_eq!(engine.stats().background.threads, 0);
    assert_eq!(executor.0.load(Ordering::Relaxed), 10);
    // Modules and the engine go while jobs run.
    engine.remove_code();
    for _ in 0..10 {
        let (mut store, instance) = instance_of(&engine, &chain());
        assert_eq!(run_i32(&mut store, instance, ("f0", 5)).unwrap(), 14);
    }
    drop((store, engine));
    // Jobs that had not started do nothing when they do.
    wait_until(|| Arc::strong_count(&executor) == 1);
}
