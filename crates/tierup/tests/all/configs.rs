//! Configurations, typed functions, and compiles that fail.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tierup::{
    CompilerStrategy, Config, Engine, EngineStats, Error, ErrorKind, Filter, Func, Instance,
    Module, PressureWatch, Protection, Store, Tier, TrapKind, Val, ValType, WatchState,
    compile::{CompileError, Compiled, Compiler, Request, Trivial},
};
use tierup_baseline::Baseline;
use tierup_optimize::Optimizing;

use crate::support::{
    call_until_error, engine_with, eventually, instance_of, run, run_i32, trap_kind,
};

const ADD: &str = r#"(module
    (memory 1)
    (func $double (param i32) (result i32) (i32.add (local.get 0) (local.get 0)))
    (func (export "add") (param i32 i64) (result i64)
        (i64.add (i64.extend_i32_s (call $double (local.get 0))) (local.get 1)))
    (func (export "f") (param i32) (result i32) (call $double (local.get 0)))
    (func (export "trap") (drop (i32.load (i32.const 65536))))
    (global (export "g") (mut i64) (i64.const 5)))"#;

#[test]
fn typed_functions_have_exactly_the_types_that_were_asked_for() {
    let (mut store, instance) = instance_of(&Engine::default(), ADD);
    let add = instance.typed_func::<(i32, i64), i64>(&mut store, "add").unwrap();
    assert_eq!(add.call(&mut store, (3, 4)).unwrap(), 10);
    assert_eq!(add.func().ty(&store).to_string(), "(i32, i64) -> (i64)");
    // Signs are a matter of Rust, not of Wasm.
    let unsigned = instance.typed_func::<(u32, u64), u64>(&mut store, "add").unwrap();
    assert_eq!(unsigned.call(&mut store, (u32::MAX, 0)).unwrap(), -2_i64 as u64);
    for error in [
        instance.typed_func::<(i32, i32), i64>(&mut store, "add").err(),
        instance.typed_func::<(i32, i64), i32>(&mut store, "add").err(),
        instance.typed_func::<(i32, i64), ()>(&mut store, "add").err(),
        instance.typed_func::<i32, i64>(&mut store, "add").err(),
        instance.typed_func::<(i32, i64, i32), i64>(&mut store, "add").err(),
    ] {
        let text = error.unwrap().to_string();
        assert!(text.starts_with("function type mismatch: expected ("), "{text}");
        assert!(text.ends_with("found (i32, i64) -> (i64)"), "{text}");
    }
    for name in ["missing", "g"] {
        let error = instance.typed_func::<(), ()>(&mut store, name).unwrap_err();
        assert_eq!(error.to_string(), format!("no exported function `{name}`"));
    }
}

#[test]
fn dynamic_calls_check_counts_and_types() {
    let (mut store, instance) = instance_of(&Engine::default(), ADD);
    let add = instance.func(&mut store, "add").unwrap();
    let mut one = [Val::I32(0)];
    let kinds = |error: Error| match error.kind() {
        ErrorKind::FunctionType { .. } => "count",
        ErrorKind::ValueType { .. } => "type",
        kind => panic!("{kind}"),
    };
    let short = add.call(&mut store, &[Val::I32(1)], &mut one).unwrap_err();
    assert_eq!(kinds(short), "count");
    let params = [Val::I32(1), Val::I64(2)];
    assert_eq!(kinds(add.call(&mut store, &params, &mut []).unwrap_err()), "count");
    let swapped = [Val::I64(1), Val::I32(2)];
    assert_eq!(kinds(add.call(&mut store, &swapped, &mut one).unwrap_err()), "type");
    add.call(&mut store, &params, &mut one).unwrap();
    assert_eq!(one[0].i64(), Some(4));
    let global = instance.global(&mut store, "g").unwrap();
    assert_eq!(kinds(global.set(&mut store, Val::I32(1)).unwrap_err()), "type");
    global.set(&mut store, Val::I64(6)).unwrap();
    assert_eq!((global.get(&mut store).i64(), global.ty(&store).value), (Some(6), ValType::I64));
}

/// A module in binary form whose function `bad` has an invalid body; `f` has a valid one.
fn half_valid() -> Vec<u8> {
    let mut bytes = wat::parse_str(
        r#"(module (func (export "f") (param i32) (result i32) (local.get 0))
            (func (export "bad") (result i32) (i32.const 77)))"#,
    )
    .unwrap();
    let place = bytes.windows(3).position(|window| window == [0x41, 0xcd, 0x00]).unwrap();
    // An `i64.const` of the same length.
    bytes[place] = 0x42;
    bytes
}

#[test]
fn invalid_bodies_are_found_early_or_when_called() {
    let bytes = half_valid();
    let strategies = [CompilerStrategy::Optimizing, CompilerStrategy::Baseline];
    for (lazy, strategy) in [true, false].into_iter().flat_map(|it| strategies.map(|s| (it, s))) {
        let engine = engine_with(|config| {
            config.lazy(lazy).strategy(strategy);
        });
        let error = Module::new(&engine, &bytes).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Module(_)), "{error}");
        assert!(Module::validate(&engine, &bytes).is_err());
    }
    let engine = engine_with(|config| {
        config.lazy_validation(true);
    });
    let module = Module::new(&engine, &bytes).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let bad = instance.typed_func::<(), i32>(&mut store, "bad").unwrap();
    for count in 1..=3 {
        let error = bad.call(&mut store, ()).unwrap_err();
        let text = error.to_string();
        assert_eq!(trap_kind::<()>(Err(error)), TrapKind::CompileFailed);
        assert!(text.starts_with("function could not be compiled: function 1: "), "{text}");
        assert!(text.contains("type mismatch"), "{text}");
        assert_eq!(run_i32(&mut store, instance, ("f", count)).unwrap(), count);
        // Every call tries again.
        assert_eq!(engine.stats().compiles.failed, count as u64);
    }
    let error = module.compile().unwrap_err();
    let ErrorKind::Compile { function: 1, message } = error.kind() else { panic!("{error}") };
    assert!(message.contains("type mismatch"), "{message}");
    let eager = engine_with(|config| {
        config.lazy(false).lazy_validation(true);
    });
    let error = Module::new(&eager, &bytes).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Compile { function: 1, .. }), "{error}");
}

#[test]
fn every_protection_runs_lazily_and_eagerly() {
    for protection in [Protection::Auto, Protection::File, Protection::Toggle] {
        for lazy in [true, false] {
            let engine = engine_with(|config| {
                config.protection(protection).lazy(lazy).compile_threads(2);
            });
            let (mut store, instance) = instance_of(&engine, ADD);
            for round in 0..3 {
                assert_eq!(run_i32(&mut store, instance, ("f", 21)).unwrap(), 42);
                let result = run(&mut store, instance, "trap");
                assert_eq!(trap_kind(result), TrapKind::MemoryOutOfBounds);
                let host = Func::wrap(&mut store, move |n: f64| n * 2.0).unwrap();
                let host = host.typed::<f64, f64>(&store).unwrap();
                assert_eq!(host.call(&mut store, 1.5).unwrap(), 3.0);
                assert!(0 < engine.remove_code().functions, "{protection:?} {lazy} {round}");
            }
            let stats = engine.stats();
            assert_eq!(stats.code.code.optimized.count, 0);
            assert_eq!(stats.traps, 3);
        }
    }
}

/// Many functions, none of them small.
fn large(functions: i32) -> String {
    let mut text = String::from("(module (memory 1)");
    for index in 0..functions {
        let stores = (0..100).fold(String::new(), |text, place| {
            text + &format!("(i32.store (i32.const {}) (local.get 0))", place * 8)
        });
        text += &format!(
            r#"(func (export "f{index}") (param i32) (result i32) {stores}
                (i32.add (local.get 0) (i32.const {index})))"#
        );
    }
    text + ")"
}

#[test]
fn a_full_code_memory_is_a_trap_and_not_the_end() {
    for arena in [None, Some(64 << 10)] {
        let engine = engine_with(|config| {
            config.code_memory_limit(512 << 10).protection(Protection::File);
            arena.map(|bytes| config.arena_code_bytes(bytes));
        });
        let module = Module::new(&engine, large(1000)).unwrap();
        // Or its functions would take turns.
        module.pin();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        for round in 0..3 {
            let (called, error) = call_until_error(&mut store, instance);
            let text = error.to_string();
            assert_eq!(trap_kind::<()>(Err(error)), TrapKind::CompileFailed);
            assert!(10 < called, "round {round}: {called}");
            assert!(text.contains("the limit is 524288"), "{text}");
            // What has code still runs, and after room was made everything does.
            assert_eq!(run_i32(&mut store, instance, ("f0", 1)).unwrap(), 1);
            assert_eq!(module.flush(Filter::All).functions, called as usize);
            engine.collect();
            let last = run_i32(&mut store, instance, ("f999", 1));
            assert_eq!(last.unwrap(), 1000);
            assert!(0 < engine.stats().compiles.failed);
            module.flush(Filter::All);
            engine.collect();
        }
    }
}

#[test]
fn code_in_many_tiny_arenas() {
    let engine = engine_with(|config| {
        config.arena_code_bytes(64 << 10);
    });
    let (mut store, instance) = instance_of(&engine, &large(300));
    for index in 0..300 {
        assert_eq!(run_i32(&mut store, instance, (&format!("f{index}"), 5)).unwrap(), index + 5);
    }
    assert!(2 < engine.stats().code.arenas);
}

#[test]
fn a_limit_that_nothing_fits_is_an_error() {
    let mut config = Config::new();
    config.code_memory_limit(0);
    match Engine::new(&config) {
        Err(error) => assert!(matches!(error.kind(), ErrorKind::Code(_)), "{error}"),
        Ok(engine) => {
            // Then the first code, or the first table for it, is what does not fit.
            let result = Module::new(&engine, ADD).and_then(|module| {
                let mut store = Store::new(&engine, ());
                let instance = Instance::new(&mut store, &module, &[])?;
                run_i32(&mut store, instance, ("f", 1))
            });
            let error = result.unwrap_err();
            assert!(error.to_string().contains("limit"), "{error}");
        }
    }
}

/// Two functions, called; the engine counts who compiled them.
fn stats_of_two_functions(config: &Config) -> EngineStats {
    let engine = Engine::new(config).unwrap();
    let text = r#"(module
        (func (export "scalar") (param i32 i32) (result i32)
            (i32.sub (local.get 0) (local.get 1)))
        (func (export "vector") (result i32)
            (i32x4.extract_lane 3 (i32x4.splat (i32.const 7)))))"#;
    let module = Module::new(&engine, text).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let scalar = instance.typed_func::<(i32, i32), i32>(&mut store, "scalar").unwrap();
    assert_eq!(scalar.call(&mut store, (42, 6)).unwrap(), 36);
    let vector = instance.typed_func::<(), i32>(&mut store, "vector").unwrap();
    assert_eq!(vector.call(&mut store, ()).unwrap(), 7);
    engine.stats()
}

#[test]
fn what_the_first_compiler_cannot_do_goes_to_the_other() {
    let mut config = Config::new();
    config.strategy(CompilerStrategy::Baseline);
    config.compilers(Arc::new(Trivial), Arc::new(Optimizing::new().unwrap()));
    let stats = stats_of_two_functions(&config);
    assert_eq!((stats.compiles.baseline.functions, stats.compiles.optimized.functions), (1, 1));
    assert_eq!((stats.compiles.bailouts, stats.compiles.failed), (1, 0));
}

#[test]
fn the_baseline_compiler_leaves_nothing_to_the_other() {
    let mut config = Config::new();
    config.strategy(CompilerStrategy::Baseline);
    let stats = stats_of_two_functions(&config);
    assert_eq!((stats.compiles.baseline.functions, stats.compiles.optimized.functions), (2, 0));
    assert_eq!((stats.compiles.bailouts, stats.compiles.failed), (0, 0));
}

#[test]
fn the_limit_on_code_memory_is_what_was_set_or_what_suits_the_system() {
    let by_default = Engine::default().code_memory_limit();
    assert!((1 << 20..=1 << 30).contains(&by_default), "{by_default}");
    for bytes in [4 << 20, 2 << 30] {
        let engine = engine_with(|config| {
            config.code_memory_limit(bytes);
        });
        assert_eq!(engine.code_memory_limit(), bytes);
    }
}

#[test]
fn what_needs_too_much_memory_for_optimizing_gets_baseline_code() {
    let engine = engine_with(|config| {
        config.strategy(CompilerStrategy::Optimizing).compile_memory_limit(64 << 10);
    });
    let long = "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.const 1)))";
    let text = format!(
        r#"(module (func (export "f") (param i32) (result i32) {} (local.get 0))
            (func (export "g") (param i32) (result i32) (local.get 0)))"#,
        long.repeat(2000)
    );
    let (mut store, instance) = instance_of(&engine, &text);
    let expected = (0..2000).fold(5_i32, |x, _| x.wrapping_mul(3).wrapping_add(1));
    for _ in 0..3 {
        assert_eq!(run_i32(&mut store, instance, ("f", 5)).unwrap(), expected);
    }
    assert_eq!(run_i32(&mut store, instance, ("g", 5)).unwrap(), 5);
    let stats = engine.stats();
    let code = stats.code.code;
    assert_eq!((code.baseline.count, code.optimized.count), (1, 1), "{:?}", engine.bailouts());
    assert_eq!((stats.compiles.bailouts, stats.compiles.failed), (1, 0));
}

thread_local! {
    /// Is this a thread of the test, which makes modules?
    static IS_HOST: Cell<bool> = const { Cell::new(false) };
}

/// Counts the engine's threads that compile at once.
#[derive(Debug)]
struct Counting {
    inner: Baseline,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Compiler for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn tier(&self) -> Tier {
        Tier::Baseline
    }

    fn compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        if IS_HOST.get() {
            return self.inner.compile(request);
        }
        self.most.fetch_max(self.now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        // Long enough that others would be seen.
        std::thread::sleep(Duration::from_micros(200));
        let compiled = self.inner.compile(request);
        self.now.fetch_sub(1, Ordering::Relaxed);
        compiled
    }
}

#[test]
fn he_hard_modules_that_are_made_at_once_share_the_compile_threads() {
    let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let compiler = Arc::new(Counting { inner: Baseline::new(), now, most });
    let engine = engine_with(|config| {
        config.compiler(Arc::clone(&compiler) as _).compile_threads(3).lazy(false);
    });
    let most = || compiler.most.load(Ordering::Relaxed);
    // A helper that is started may find that all is done.
    for attempt in (0..100).take_while(|_| most() == 0) {
        sync::hammer(4, 3, |thread, round| {
            IS_HOST.set(true);
            // Different ones, in case that equal ones are made once.
            let number = 10_000 * attempt + 1_000 * thread + round;
            let function = format!("(func (result i32) (i32.const {number}))");
            Module::new(&engine, format!("(module {})", function.repeat(300))).unwrap();
        });
    }
    let most = most();
    assert!((1..=2).contains(&most), "{most} threads helped");
}

#[test]
fn memory_pressure_is_watched_if_that_is_wanted_and_possible() {
    assert_eq!(Engine::default().pressure_watch(), PressureWatch::default());
    for _ in 0..50 {
        let engine = engine_with(|config| {
            config.watch_memory_pressure(true);
        });
        match engine.pressure_watch().state {
            WatchState::Off => panic!("it is wanted"),
            WatchState::Watching(path) => assert!(path.exists(), "{}", path.display()),
            WatchState::Unavailable(reason) => assert!(reason.contains("pressure"), "{reason}"),
        }
    }
    let watchers = || {
        let threads = std::fs::read_dir("/proc/self/task").unwrap().filter_map(|thread| {
            let name = thread.ok()?.path().join("comm");
            std::fs::read_to_string(name).ok().filter(|name| name.starts_with("tierup-pressure"))
        });
        threads.count()
    };
    // Threads end with their engines; the system takes a moment to forget them.
    eventually("no thread is left", || watchers() == 0);
}

#[test]
fn programs_run_under_small_limits_on_code_memory() {
    const MODULE: &str = r#"(module (func $add (param i32) (result i32)
            (i32.add (local.get 0) (i32.const 1)))
        (func (export "f") (param i32) (result i32) (call $add (local.get 0))))"#;
    for kib in [128, 192, 256, 320, 512, 1024] {
        let engine = engine_with(|config| {
            config.code_memory_limit(kib << 10);
        });
        let (mut store, instance) = instance_of(&engine, MODULE);
        assert_eq!(run_i32(&mut store, instance, ("f", 1)).unwrap(), 2, "{kib} KiB");
        assert!(engine.stats().code.committed_bytes <= kib << 10);
    }
}
