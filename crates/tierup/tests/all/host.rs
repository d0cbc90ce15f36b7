//! Host functions: errors, panics, what they see of their caller, re-entrancy.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tierup::{
    AsContext, Caller, Engine, Error, ErrorKind, Func, FuncType, Instance, Limits, Linker, Memory,
    Module, ResourceLimiter, Store, Table, TableType, TrapKind, Val, ValType,
};

use crate::support::{MODES, engine_of, instantiate, run, run_i32, trap_kind};

#[derive(PartialEq, Debug)]
struct Code(i32);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}", self.0)
    }
}

impl std::error::Error for Code {}

/// Its `f` calls the host with its parameter; `host` is what was given.
const CALLS: &str = r#"(module
    (import "" "host" (func $host (param i32) (result i32)))
    (type $t (func (param i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "hello")
    (table (export "table") 4 funcref)
    (elem (i32.const 0) $host $f)
    (elem declare func $host)
    (func $f (export "f") (param i32) (result i32) (call $host (local.get 0)))
    (func (export "tail") (param i32) (result i32) (return_call $host (local.get 0)))
    (func (export "through") (param i32) (result i32)
        (call_indirect (type $t) (local.get 0) (local.get 0)))
    (func (export "take reference")
        (table.set (i32.const 2) (ref.func $host)))
    (func (export "deep") (param i32) (result i32)
        (i32.add (i32.const 1) (call $f (local.get 0)))))"#;

#[test]
fn errors_of_the_host_come_out_as_they_went_in() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::<()>::new(&engine);
    let fail = |n: i32| if n < 10 { Ok(n) } else { Err(Error::host(Code(n))) };
    linker.func("", "host", fail).unwrap();
    let instance = instantiate(&mut store, &linker, CALLS);
    for name in ["f", "tail", "deep"] {
        let error = run_i32(&mut store, instance, (name, 10)).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Code(10)));
        assert_eq!(error.to_string(), "code 10");
        assert!(error.trap().is_none() && error.downcast_ref::<fmt::Error>().is_none());
        assert!(std::error::Error::source(&error).unwrap().is::<Code>());
        assert!(run_i32(&mut store, instance, (name, 3)).unwrap() <= 4);
    }
    assert_eq!(engine.stats().traps, 0);
    let host = Func::wrap(&mut store, fail).unwrap().typed::<i32, i32>(&store).unwrap();
    let error = host.call(&mut store, 11).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Code(11)));
}

/// Calls `f` with one less until it reaches zero, then does what the data says.
fn nested(mut caller: Caller<'_, i32>, depth: i32) -> Result<i32, Error> {
    if depth != 0 {
        let f = caller.export("f").unwrap().into_func().unwrap();
        let f = f.typed::<i32, i32>(&caller)?;
        return Ok(f.call(&mut caller, depth - 1)? + 1);
    }
    match *caller.data() {
        0 => Ok(100),
        1 => Err(Error::host(Code(5))),
        _ => std::panic::resume_unwind(Box::new(Code(6))),
    }
}

#[test]
fn results_errors_and_panics_cross_nested_entries() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 0);
    let mut linker = Linker::<i32>::new(&engine);
    linker.func("", "host", nested).unwrap();
    let instance = instantiate(&mut store, &linker, CALLS);
    for depth in [0, 1, 2, 20] {
        for _ in 0..2 {
            *store.data_mut() = 0;
            assert_eq!(run_i32(&mut store, instance, ("f", depth)).unwrap(), 100 + depth);
            *store.data_mut() = 1;
            let error = run_i32(&mut store, instance, ("f", depth)).unwrap_err();
            assert_eq!(error.downcast_ref(), Some(&Code(5)));
            *store.data_mut() = 2;
            let call = AssertUnwindSafe(|| run_i32(&mut store, instance, ("tail", depth)));
            let payload = catch_unwind(call).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&Code(6)));
        }
    }
    // Nothing is left of the scopes and frames of calls that ended so.
    store.collect();
    assert!(instance.is_live(&store));
}

#[test]
fn the_caller_is_the_instance_that_imported_the_function() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Vec::new());
    let mut linker = Linker::<Vec<Option<Instance>>>::new(&engine);
    linker
        .func("", "host", |mut caller: Caller<'_, Vec<Option<Instance>>>, n: i32| {
            let instance = caller.instance();
            caller.data_mut().push(instance);
            n
        })
        .unwrap();
    let instance = instantiate(&mut store, &linker, CALLS);
    let other = instantiate(&mut store, &linker, CALLS);
    for (name, param) in [("f", 5), ("tail", 5), ("deep", 5), ("through", 0), ("through", 1)] {
        for instance in [instance, other] {
            run_i32(&mut store, instance, (name, param)).unwrap();
            assert_eq!(store.data_mut().pop(), Some(Some(instance)), "{name} {param}");
        }
    }
    // What another instance takes out of its table is still called on behalf of the importer.
    let table = instance.table(&mut store, "table").unwrap();
    let entry = other.table(&mut store, "table").unwrap().get(&mut store, 1).unwrap();
    table.set(&mut store, 3, entry).unwrap();
    run_i32(&mut store, instance, ("through", 3)).unwrap();
    assert_eq!(store.data_mut().pop(), Some(Some(other)));
    // A reference to the host function itself belongs to nobody.
    run(&mut store, instance, "take reference").unwrap();
    run_i32(&mut store, instance, ("through", 2)).unwrap();
    assert_eq!(store.data_mut().pop(), Some(None));
    let host = table.get(&mut store, 0).unwrap();
    let Val::FuncRef(Some(host)) = host else { panic!("{host:?}") };
    host.call(&mut store, &[Val::I32(1)], &mut [Val::I32(0)]).unwrap();
    assert_eq!(store.data_mut().pop(), Some(None));
}

#[test]
fn host_functions_read_write_and_grow_their_callers_memory() {
    for mode in MODES {
        let engine = engine_of(mode);
        let mut store = Store::new(&engine, String::new());
        let mut linker = Linker::<String>::new(&engine);
        linker
            .func("", "host", |mut caller: Caller<'_, String>, length: i32| {
                let memory = caller.memory("memory").unwrap();
                let (bytes, text) = memory.data_and_state(&mut caller);
                text.push_str(std::str::from_utf8(&bytes[..length as usize]).unwrap());
                bytes[0] = b'J';
                // In explicit mode growing moves the memory under its users.
                let before = memory.data(&caller).as_ptr();
                memory.grow(&mut caller, 40).unwrap();
                let moved = memory.data(&caller).as_ptr() != before;
                assert_eq!(memory.data(&caller)[0], b'J');
                assert!(caller.memory("table").is_none() && caller.export("no").is_none());
                assert_eq!(caller.as_context().data().len() % 5, 0);
                i32::from(moved)
            })
            .unwrap();
        let instance = instantiate(&mut store, &linker, CALLS);
        run_i32(&mut store, instance, ("f", 5)).unwrap();
        run_i32(&mut store, instance, ("f", 5)).unwrap();
        assert_eq!(store.data(), "helloJello");
        assert_eq!(instance.memory(&mut store, "memory").unwrap().size(&store), 81);
    }
}

#[test]
fn results_of_the_wrong_type_or_store_are_errors() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut other = Store::new(&engine, ());
    let foreign = Func::wrap(&mut other, || {}).unwrap();
    let ty = FuncType::new([ValType::I32], [ValType::FuncRef]);
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_dynamic("", "host", ty, move |_, params, results| {
            results[0] = if params[0].i32() == Some(0) { Val::I64(1) } else { foreign.into() };
            Ok(())
        })
        .unwrap();
    let wat = r#"(module (import "" "host" (func $host (param i32) (result funcref)))
        (func (export "f") (param i32) (result i32)
            (ref.is_null (call $host (local.get 0)))))"#;
    let instance = instantiate(&mut store, &linker, wat);
    let error = run_i32(&mut store, instance, ("f", 0)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ValueType { .. }), "{error}");
    let error = run_i32(&mut store, instance, ("f", 1)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::StaleHandle("function")), "{error}");
}

/// Denies what is more than it says, and panics above that.
struct Most(usize);

impl ResourceLimiter for Most {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> bool {
        assert!(desired < 10 << 20, "limiter panics on purpose");
        desired <= self.0
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> bool {
        assert!(desired < 1000, "limiter panics on purpose");
        desired <= self.0
    }
}

#[test]
fn a_panic_of_a_limiter_crosses_wasm() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Most(1 << 20));
    store.limiter(|most| most as Limits<'_>);
    let wat = r#"(module (memory 1) (table 1 funcref)
        (func (export "memory") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "table") (param i32) (result i32)
            (table.grow (ref.null func) (local.get 0))))"#;
    let instance = instantiate(&mut store, &Linker::new(&engine), wat);
    for name in ["memory", "table"] {
        let call = AssertUnwindSafe(|| run_i32(&mut store, instance, (name, 1000)));
        let payload = catch_unwind(call).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"limiter panics on purpose"));
    }
    assert_eq!(run_i32(&mut store, instance, ("memory", 100)).unwrap(), -1);
    assert_eq!(run_i32(&mut store, instance, ("memory", 1)).unwrap(), 1);
    assert_eq!(run_i32(&mut store, instance, ("table", 1)).unwrap(), 1);
}

/// The host calls, and instantiates, in the middle of a host call.
#[test]
fn instances_are_made_and_used_in_host_calls() {
    let engine = Engine::default();
    let module = Module::new(&engine, CALLS).unwrap();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::<()>::new(&engine);
    let inner = linker.clone();
    linker
        .func("", "host", move |mut caller: Caller<'_, ()>, depth: i32| -> Result<i32, Error> {
            if depth == 0 {
                return Ok(0);
            }
            let mut linker = inner.clone();
            linker.func("", "host", |n: i32| n * 2)?;
            let instance = linker.instantiate(&mut caller, &module)?;
            let f = instance.typed_func::<i32, i32>(&mut caller, "f")?;
            let ty = TableType { element: ValType::FuncRef, minimum: 3, maximum: None };
            let table = Table::new(&mut caller, ty, f.func().into())?;
            assert_eq!(table.size(&caller), 3);
            f.call(&mut caller, depth)
        })
        .unwrap();
    let instance = instantiate(&mut store, &linker, CALLS);
    for round in 0..50 {
        assert_eq!(run_i32(&mut store, instance, ("f", round)).unwrap(), round * 2);
    }
    let gone = store.collect();
    assert_eq!((gone.instances, gone.tables), (49, 49 * 2));
}

/// A trap inside a host call inside Wasm: the host may go on, or pass it on.
#[test]
fn a_host_function_may_recover_from_a_trap() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Vec::new());
    let mut linker = Linker::<Vec<TrapKind>>::new(&engine);
    linker
        .func("", "try", |mut caller: Caller<'_, Vec<TrapKind>>, name: i32| {
            let name = ["unreachable", "load", "overflow"][name as usize];
            let func = caller.export(name).unwrap().into_func().unwrap();
            let kind = trap_kind(func.call(&mut caller, &[], &mut []));
            caller.data_mut().push(kind);
            caller.backtrace().frames().len() as i32
        })
        .unwrap();
    let wat = r#"(module (import "" "try" (func $try (param i32) (result i32))) (memory 1)
        (func (export "unreachable") unreachable)
        (func (export "load") (drop (i32.load (i32.const -4))))
        (func $overflow (export "overflow") (call $overflow) (call $overflow))
        (func (export "f") (param i32) (result i32)
            (i32.add (call $try (local.get 0))
                (i32.mul (i32.const 10) (call $try (local.get 0))))))"#;
    let instance = instantiate(&mut store, &linker, wat);
    let kinds = [TrapKind::Unreachable, TrapKind::MemoryOutOfBounds, TrapKind::StackOverflow];
    for (name, kind) in (0..).zip(kinds) {
        assert_eq!(run_i32(&mut store, instance, ("f", name)).unwrap(), 11);
        assert_eq!(std::mem::take(store.data_mut()), [kind, kind]);
    }
}

#[test]
fn a_memory_of_the_host_is_shared_by_its_importers() {
    for mode in MODES {
        let engine = engine_of(mode);
        let mut store = Store::new(&engine, ());
        let ty = tierup::MemoryType { minimum: 1, maximum: Some(200) };
        let memory = Memory::new(&mut store, ty).unwrap();
        let mut linker = Linker::<()>::new(&engine);
        linker.define("", "memory", memory).unwrap();
        linker
            .func("", "grow", move |mut caller: Caller<'_, ()>, pages: i32| {
                memory.grow(&mut caller, pages as u32).unwrap() as i32
            })
            .unwrap();
        let wat = r#"(module (import "" "memory" (memory 1 200))
            (import "" "grow" (func $grow (param i32) (result i32)))
            (func $set (export "set") (param i32) (result i32)
                (i32.store8 (local.get 0) (i32.const 77)) (memory.size))
            (func (export "grow and set") (param i32) (result i32)
                (i32.store8 (i32.const 10) (i32.const 1))
                (drop (call $grow (i32.const 30)))
                (i32.store8 (i32.const 10)
                    (i32.add (i32.load8_u (i32.const 10)) (i32.const 1)))
                (i32.store8 (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1))
                    (i32.const 9))
                (i32.load8_u (i32.const 10)))
            (func (export "grow here") (param i32) (result i32)
                (drop (memory.grow (local.get 0)))
                (call $set (i32.const 20))))"#;
        let first = instantiate(&mut store, &linker, wat);
        let second = instantiate(&mut store, &linker, wat);
        for round in 1..4 {
            assert_eq!(run_i32(&mut store, first, ("grow and set", 0)).unwrap(), 2);
            assert_eq!(run_i32(&mut store, second, ("set", 65536)).unwrap(), 1 + round * 40 - 10);
            assert_eq!(run_i32(&mut store, second, ("grow here", 10)).unwrap(), 1 + round * 40);
            assert_eq!(run_i32(&mut store, first, ("set", 5)).unwrap(), 1 + round * 40);
            let bytes = memory.data(&store);
            assert_eq!((bytes[10], bytes[20], bytes[65536]), (2, 77, 77));
            assert_eq!(bytes.len(), (1 + round as usize * 40) << 16);
            let length = bytes.len() as i32;
            let end = run_i32(&mut store, first, ("set", length));
            assert_eq!(trap_kind(end), TrapKind::MemoryOutOfBounds);
        }
    }
}
