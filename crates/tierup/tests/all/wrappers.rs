//! Wrappers: code between the host and Wasm, which all engines of a process share.

use std::sync::atomic::{AtomicUsize, Ordering};

use tierup::{
    AsContextMut, Caller, Config, Engine, Func, Instance, Linker, Module, Protection, Store, Val,
};

use crate::support::{engine_with, in_process, instance_of, instantiate, run_i32, stderr};

/// How many wrappers there are.
fn count(engine: &Engine) -> usize {
    engine.wrapper_stats().code.other.count
}

const CALLS_HOST: &str = r#"(module (import "" "host" (func $host (param i32) (result i32)))
    (func (export "f") (param i32) (result i32) (call $host (local.get 0))))"#;

fn with_host(engine: &Engine) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let mut linker = Linker::new(engine);
    linker.func("", "host", |value: i32| value + 1).unwrap();
    let instance = instantiate(&mut store, &linker, CALLS_HOST);
    (store, instance)
}

#[test]
fn engines_share_wrappers_and_the_last_takes_them_along() {
    let name = "wrappers::engines_share_wrappers_and_the_last_takes_them_along";
    let output = in_process(name, || {
        let watcher = Engine::default();
        assert_eq!(count(&watcher), 0);
        let engines = [
            Engine::default(),
            engine_with(|config| {
                config.consume_fuel(true).memory_mode(tierup::MemoryMode::Explicit);
            }),
        ];
        for engine in &engines {
            let (mut store, instance) = with_host(engine);
            let _ = store.set_fuel(1000);
            assert_eq!(run_i32(&mut store, instance, ("f", 1)).unwrap(), 2);
            assert_eq!(count(&watcher), 2);
            drop(store);
            assert_eq!(count(&watcher), 0, "nobody has the type any more");
        }
        let mut kept = engines.map(|engine| with_host(&engine));
        for (store, instance) in &mut kept {
            let _ = store.set_fuel(1000);
            assert_eq!(run_i32(store, *instance, ("f", 2)).unwrap(), 3);
            assert_eq!(count(&watcher), 2);
        }
        // Another way of protecting code, another cache.
        let toggle = engine_with(|config| {
            config.protection(Protection::Toggle);
        });
        let (mut store, instance) = with_host(&toggle);
        assert_eq!(run_i32(&mut store, instance, ("f", 3)).unwrap(), 4);
        assert_eq!((count(&watcher), count(&toggle)), (2, 2));
        let [first, second] = kept;
        drop(first);
        assert_eq!(count(&watcher), 2);
        drop(second);
        assert_eq!((count(&watcher), count(&toggle)), (0, 2));
    });
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn an_engine_without_room_for_code_can_be_entered() {
    let engine = engine_with(|config| {
        config.code_memory_limit(512 << 10);
    });
    let mut wat = String::from("(module\n");
    for function in 0..200 {
        // Each of a type of its own, and large enough that not all fit.
        let ty = format!("(param i32) {} (result i32)", "(param i64)".repeat(function));
        let body = "(local.set 0 (i32.mul (local.get 0) (i32.const 1)))".repeat(600);
        wat.push_str(&format!("(func (export \"f{function}\") {ty} {body} (local.get 0))\n"));
    }
    wat.push(')');
    let module = Module::new(&engine, wat).unwrap();
    module.pin();
    let mut compiled = 0;
    while module.compile_function(compiled).is_ok() {
        compiled += 1;
    }
    assert!(10 < compiled && compiled < 200, "{compiled}");
    // No room for anything, but no wrapper was made yet.
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    for function in 0..compiled {
        let func = instance.func(&mut store, &format!("f{function}")).unwrap();
        let mut params = vec![Val::I64(0); function as usize + 1];
        params[0] = Val::I32(7);
        let mut results = [Val::I32(0)];
        func.call(&mut store, &params, &mut results).unwrap();
        assert_eq!(results[0].i32(), Some(7));
    }
}

/// The function that the host calls ends in a tail call; when it and its instance are reclaimed,
/// its entry wrapper is on the stack, and nobody else needs it.
#[test]
fn an_entry_wrapper_stays_until_it_was_left() {
    let name = "wrappers::an_entry_wrapper_stays_until_it_was_left";
    let output = in_process(name, || {
        let engine = Engine::default();
        let mut store = Store::new(&engine, 0_usize);
        let mut linker = Linker::<usize>::new(&engine);
        let collected = engine.clone();
        let collect = move |mut caller: Caller<'_, usize>| {
            let gone = caller.as_context_mut().collect();
            *caller.data_mut() += gone.instances;
            collected.collect();
        };
        linker.func("", "collect", collect).unwrap();
        let inner = r#"(module (import "" "collect" (func $collect))
            (func (export "g") (result i32) (call $collect) (i32.const 42)))"#;
        let inner = instantiate(&mut store, &linker, inner);
        let g = inner.func(&mut store, "g").unwrap();
        linker.define("", "g", g).unwrap();
        // Nested, so that both stacks have such a wrapper: the outer one has another type.
        let nested = engine.clone();
        let call = move |mut caller: Caller<'_, usize>| -> i32 {
            let store = &mut caller.as_context_mut();
            let func = tail_caller(&mut *store, (&nested, g), "(param i64 f32)");
            let func = func.typed::<(i64, f32), i32>(&*store).unwrap();
            func.call(store, (1, 2.0)).unwrap()
        };
        let host = Func::wrap(&mut store, call).unwrap();
        for _ in 0..20 {
            let func = tail_caller(&mut store, (&engine, host), "(param f64 i32)");
            let func = func.typed::<(f64, i32), i32>(&store).unwrap();
            assert_eq!(func.call(&mut store, (0.0, 1)).unwrap(), 42);
        }
        assert!(39 <= *store.data(), "{} instances were reclaimed", *store.data());
    });
    assert!(output.status.success(), "{}", stderr(&output));
}

/// An export that tail-calls `target`, and that nobody keeps.
fn tail_caller(
    mut store: impl AsContextMut<Data = usize>,
    (engine, target): (&Engine, Func),
    params: &str,
) -> Func {
    let wat = format!(
        r#"(module (import "" "g" (func $g (result i32)))
            (func (export "f") {params} (result i32) (return_call $g)))"#
    );
    let module = Module::new(engine, wat).unwrap();
    let mut store = store.as_context_mut();
    store.scope(|scope| {
        let instance = Instance::new(&mut *scope, &module, &[target.into()]).unwrap();
        instance.func(scope, "f").unwrap()
    })
}

#[test]
fn hammer_engines_that_come_and_go_call_through_shared_wrappers() {
    let calls = AtomicUsize::new(0);
    sync::hammer(4, 60, |thread, round| {
        let mut config = Config::new();
        if round % 4 == 0 {
            config.protection(Protection::Toggle);
        }
        let engine = Engine::new(&config).unwrap();
        for _ in 0..3 {
            let (mut store, instance) = with_host(&engine);
            for value in 0..10 {
                assert_eq!(run_i32(&mut store, instance, ("f", value)).unwrap(), value + 1);
                calls.fetch_add(1, Ordering::Relaxed);
            }
            if (thread + round) % 3 == 0 {
                engine.collect();
            }
        }
        let (mut store, instance) = instance_of(
            &engine,
            r#"(module (func (export "f") (param i32) (result i32)
                (i32.add (local.get 0) (i32.const 5))))"#,
        );
        assert_eq!(run_i32(&mut store, instance, ("f", 1)).unwrap(), 6);
    });
    assert_eq!(calls.into_inner(), 4 * 60 * 30);
}
