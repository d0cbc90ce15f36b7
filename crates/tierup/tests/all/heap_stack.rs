//! What running code holds: references in frames, the instances and host functions that run.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tierup::{
    AsContextMut, Caller, Engine, ExternRef, Func, Instance, Linker, Module, Reclaimed, Store,
    Table, TableType, Val, ValType,
};

use crate::support::{engine_with, instantiate, run};

/// What the last collection inside a host call reclaimed.
type Collecting = Store<Reclaimed>;

/// Linker with `collect`, which reclaims and makes garbage that takes slots that were freed
/// wrongly, and `again`, which calls a function of Wasm in between.
fn linker(engine: &Engine) -> Linker<Reclaimed> {
    let mut linker = Linker::new(engine);
    linker.func("", "collect", |caller: Caller<'_, Reclaimed>| collect(caller)).unwrap();
    linker
        .func("", "again", |mut caller: Caller<'_, Reclaimed>, func: Option<Func>| {
            func.unwrap().call(&mut caller, &[], &mut []).unwrap();
        })
        .unwrap();
    linker
        .func(
            "",
            "pass",
            |mut caller: Caller<'_, Reclaimed>, value: Option<ExternRef>, func: Option<Func>| {
                collect(caller.as_context_mut());
                (value, func)
            },
        )
        .unwrap();
    linker
}

fn collect(mut store: impl AsContextMut<Data = Reclaimed>) {
    let mut store = store.as_context_mut();
    let gone = store.collect();
    *store.data_mut() = gone;
    for _ in 0..8 {
        ExternRef::new(&mut store, -1).unwrap();
        Func::wrap(&mut store, || -1_i32).unwrap();
    }
}

const HOLDERS: &str = r#"(module
    (import "" "collect" (func $collect))
    (import "" "again" (func $again (param funcref)))
    (import "" "pass" (func $pass (param externref funcref) (result externref funcref)))
    (type $f (func (param externref funcref) (result externref funcref)))
    (elem declare func $collect_from_wasm)
    (table $table 2 funcref)
    (elem (i32.const 0) $params)
    (memory 1)
    (func $collect_from_wasm (call $collect))
    (func $params (export "params") (type $f) (call $collect) (local.get 0) (local.get 1))
    (func (export "locals") (type $f) (local externref funcref)
        (local.set 2 (local.get 0)) (local.set 3 (local.get 1))
        (local.set 0 (ref.null extern)) (local.set 1 (ref.null func))
        (call $collect)
        (local.get 2) (local.get 3))
    (func (export "operands") (type $f)
        (local.get 0) (local.get 1)
        (local.set 0 (ref.null extern)) (local.set 1 (ref.null func))
        (call $collect))
    (func (export "outer frame") (type $f)
        (call $params (ref.null extern) (ref.null func)) drop drop
        (local.get 0) (local.get 1))
    (func (export "below a host call") (type $f)
        (call $again (ref.func $collect_from_wasm))
        (local.get 0) (local.get 1))
    (func (export "host") (type $f) (call $pass (local.get 0) (local.get 1)))
    (func (export "tail host") (type $f) (return_call $pass (local.get 0) (local.get 1)))
    (func (export "tail") (type $f) (return_call $params (local.get 0) (local.get 1)))
    (func (export "table") (type $f)
        (call_indirect (type $f) (local.get 0) (local.get 1) (i32.const 0)))
    (func (export "tail table") (type $f)
        (return_call_indirect (type $f) (local.get 0) (local.get 1) (i32.const 0)))
    (func (export "loop") (type $f) (local $i i32)
        (local.set $i (i32.const 100))
        (block $out (loop $again
            (call $collect)
            (br_if $out (i32.eqz (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
            (br $again)))
        (local.get 0) (local.get 1))
    (func (export "branches") (type $f)
        (local.get 0) (local.get 1)
        (if (type $f) (i32.load (i32.const 0)) (then)
            (else (call $collect)))
        (call $collect)
        (select (result funcref) (ref.null func) (i32.eqz (i32.load (i32.const 0)))))
    (func $many (param i64 i64 i64 i64 i64 externref funcref
            f64 f64 f64 f64 f64 f64 f64 f64 f64 v128 externref funcref) (result externref funcref)
        (call $collect)
        (drop (i64.store (i32.const 8) (i64.add (local.get 0) (local.get 4))) (i32.const 0))
        (select (result externref) (local.get 5) (local.get 17) (ref.is_null (local.get 17)))
        (select (result funcref) (local.get 6) (local.get 18) (ref.is_null (local.get 18))))
    (func (export "stack arguments") (type $f)
        (call $many (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5)
            (local.get 0) (local.get 1)
            (f64.const 1) (f64.const 1) (f64.const 1) (f64.const 1) (f64.const 1) (f64.const 1)
            (f64.const 1) (f64.const 1) (f64.const 1) (v128.const i64x2 1 1)
            (ref.null extern) (ref.null func)))
    (func (export "tail with stack arguments") (type $f)
        (return_call $many (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5)
            (ref.null extern) (ref.null func)
            (f64.const 1) (f64.const 1) (f64.const 1) (f64.const 1) (f64.const 1) (f64.const 1)
            (f64.const 1) (f64.const 1) (f64.const 1) (v128.const i64x2 1 1)
            (local.get 0) (local.get 1)))
    (func (export "dead") (type $f)
        (i32.store (i32.const 0) (ref.is_null (local.get 0)))
        (i32.store (i32.const 0) (ref.is_null (local.get 1)))
        (call $collect)
        (ref.null extern) (ref.null func)))"#;

#[test]
fn references_in_frames_are_found_exactly() {
    for lazy in [true, false] {
        let engine = engine_with(|config| {
            config.strategy(tierup::CompilerStrategy::Optimizing).lazy(lazy);
        });
        let module = Module::new(&engine, HOLDERS).unwrap();
        let names: Vec<_> = module.exports().map(|export| export.name.to_owned()).collect();
        assert_eq!(names.len(), 15);
        for name in names {
            let mut store = Store::new(&engine, Reclaimed::default());
            let instance = linker(&engine).instantiate(&mut store, &module).unwrap();
            for _ in 0..2 {
                call_with_references(&mut store, instance, &name);
            }
        }
    }
}

/// Baseline code keeps what locals hold until it returns, so what is dead may live on.
#[test]
fn references_in_frames_of_baseline_code_are_found() {
    let engine = engine_with(|config| {
        config.strategy(tierup::CompilerStrategy::Baseline);
    });
    let module = Module::new(&engine, HOLDERS).unwrap();
    for name in module.exports().map(|export| export.name).filter(|&name| name != "dead") {
        let mut store = Store::new(&engine, Reclaimed::default());
        let instance = linker(&engine).instantiate(&mut store, &module).unwrap();
        for _ in 0..2 {
            call_with_references(&mut store, instance, name);
        }
    }
    assert_eq!(engine.stats().compiles.bailouts, 0);
}

fn call_with_references(store: &mut Collecting, instance: Instance, name: &str) {
    let (value, func) = store.scope(|scope| {
        let value = ExternRef::new(&mut *scope, 77).unwrap();
        (value, Func::wrap(scope, || 78_i32).unwrap())
    });
    store.scope(|scope| {
        let callee = instance.func(&mut *scope, name).unwrap();
        let mut results = [Val::I32(0), Val::I32(0)];
        callee.call(&mut *scope, &[value.into(), func.into()], &mut results).unwrap();
        let gone = *scope.data_mut();
        if name == "dead" {
            assert_eq!((gone.externs, gone.functions), (1, 1), "{name}");
            assert!(!value.is_live(&*scope));
            return;
        }
        let [Val::ExternRef(Some(found)), Val::FuncRef(Some(called))] = results else {
            panic!("{name}: {results:?}")
        };
        assert_eq!((found, called), (value, func), "{name}");
        assert_eq!(found.data(&*scope).unwrap().downcast_ref(), Some(&77), "{name}");
        let mut result = [Val::I32(0)];
        called.call(scope, &[], &mut result).unwrap();
        assert_eq!(result[0].i32(), Some(78), "{name}");
    });
    store.collect();
    assert!(!value.is_live(&*store), "{name}");
}

#[test]
fn an_instance_stays_while_its_code_runs() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Reclaimed::default());
    let linker = linker(&engine);
    let wat = r#"(module (import "" "collect" (func $collect)) (memory 1)
        (global $g (mut i32) (i32.const 5))
        (func (export "call") (result i32)
            (call $collect) (i32.store (i32.const 8) (i32.const 6))
            (i32.add (global.get $g) (i32.load (i32.const 8))))
        (func (export "tail") (return_call $collect)))"#;
    let module = Module::new(&engine, wat).unwrap();
    let (instance, call) = store.scope(|scope| {
        let instance = linker.instantiate(&mut *scope, &module).unwrap();
        (instance, instance.typed_func::<(), i32>(scope, "call").unwrap())
    });
    // Another of the same module has no frame, but frames do not say whose they are.
    let other = store.scope(|scope| linker.instantiate(scope, &module).unwrap());
    let idle = store.scope(|scope| {
        linker.instantiate(scope, &Module::new(&engine, "(module)").unwrap()).unwrap()
    });
    assert_eq!(call.call(&mut store, ()).unwrap(), 11);
    assert_eq!(store.data().instances, 1);
    assert!(instance.is_live(&store) && other.is_live(&store) && !idle.is_live(&store));
    assert_eq!(store.collect().instances, 2);

    let (instance, tail) = store.scope(|scope| {
        let instance = linker.instantiate(&mut *scope, &module).unwrap();
        (instance, instance.typed_func::<(), ()>(scope, "tail").unwrap())
    });
    tail.call(&mut store, ()).unwrap();
    // Its frame is gone, but the host function was called on its behalf.
    assert!(instance.is_live(&store));
    assert_eq!(store.collect().instances, 1);
}

/// Counts how often it was dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A host function that only `table` holds, which takes itself out and collects. What it
/// captured must be there until it returns.
fn removes_itself(store: &mut Collecting, (table, dropped): (Table, &Arc<AtomicUsize>)) -> Func {
    let counted = Counted(Arc::clone(dropped));
    let text = String::from("still here");
    let remove = move |mut caller: Caller<'_, Reclaimed>| -> i32 {
        assert_eq!(counted.0.load(Ordering::Relaxed), 0);
        table.set(&mut caller, 0, Val::FuncRef(None)).unwrap();
        collect(caller.as_context_mut());
        collect(caller.as_context_mut());
        assert_eq!((text.as_str(), counted.0.load(Ordering::Relaxed)), ("still here", 0));
        text.len() as i32
    };
    store.scope(|scope| {
        let func = Func::wrap(&mut *scope, remove).unwrap();
        table.set(scope, 0, func.into()).unwrap();
        func
    })
}

#[test]
fn a_host_function_stays_while_it_runs() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Reclaimed::default());
    let ty = TableType { element: ValType::FuncRef, minimum: 1, maximum: None };
    let table = Table::new(&mut store, ty, Val::FuncRef(None)).unwrap();
    let mut linker = linker(&engine);
    linker.define("", "table", table).unwrap();
    let wat = r#"(module (import "" "table" (table 1 funcref))
        (type $t (func (result i32)))
        (func (export "call") (result i32) (call_indirect (type $t) (i32.const 0)))
        (func (export "tail") (result i32) (return_call_indirect (type $t) (i32.const 0))))"#;
    let instance = instantiate(&mut store, &linker, wat);
    for way in ["call", "tail", "host"] {
        let dropped = Arc::default();
        let func = removes_itself(&mut store, (table, &dropped));
        let called = match way {
            "host" => func.typed::<(), i32>(&store).unwrap(),
            _ => instance.typed_func(&mut store, way).unwrap(),
        };
        assert_eq!(called.call(&mut store, ()).unwrap(), 10, "{way}");
        store.collect();
        assert_eq!(dropped.load(Ordering::Relaxed), 1, "{way}");
    }
}

#[test]
fn collections_in_nested_calls_see_all_frames_of_the_store() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Reclaimed::default());
    let mut linker = linker(&engine);
    linker
        .func(
            "",
            "deeper",
            |mut caller: Caller<'_, Reclaimed>, depth: i32, value: Option<ExternRef>| {
                let number = *value.unwrap().data(&caller).unwrap().downcast_ref::<i32>().unwrap();
                assert_eq!(number, depth);
                if depth == 0 {
                    collect(caller.as_context_mut());
                    return;
                }
                // Another store in between must not matter, and neither its collections.
                let engine = Engine::default();
                let mut other = Store::new(&engine, ());
                let wat = r#"(module (func (export "f")))"#;
                let module = Module::new(&engine, wat).unwrap();
                let instance = Instance::new(&mut other, &module, &[]).unwrap();
                run(&mut other, instance, "f").unwrap();
                other.collect();
                let go = caller.export("go").unwrap().into_func().unwrap();
                let next = ExternRef::new(&mut caller, depth - 1).unwrap();
                go.call(&mut caller, &[Val::I32(depth - 1), next.into()], &mut []).unwrap();
                collect(caller.as_context_mut());
            },
        )
        .unwrap();
    let instance = instantiate(
        &mut store,
        &linker,
        r#"(module (import "" "deeper" (func $deeper (param i32 externref)))
            (table $t 1 externref)
            (func (export "go") (param i32 externref)
                (call $deeper (local.get 0) (local.get 1))
                (table.set $t (i32.const 0) (local.get 1))))"#,
    );
    let go = instance.typed_func::<(i32, Option<ExternRef>), ()>(&mut store, "go").unwrap();
    let value = store.scope(|scope| ExternRef::new(scope, 10).unwrap());
    go.call(&mut store, (10, Some(value))).unwrap();
    assert_eq!(value.data(&store).unwrap().downcast_ref(), Some(&10));
}
