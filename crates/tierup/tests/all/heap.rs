//! The objects of a store are reclaimed one by one, and never while something can reach them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tierup::{
    AsContextMut, Caller, Engine, Error, ErrorKind, ExternRef, Func, Global, GlobalType, Instance,
    Linker, Memory, MemoryType, Module, Mutability, Reclaimed, Store, Table, TableType, Val,
    ValType,
};

use crate::support::{
    MODES, address_space, engine_of, in_process, instance_of, instantiate, mapping_count, run,
    run_i32, stderr,
};

/// Says when it is dropped.
struct Guard(Arc<AtomicBool>);

impl Guard {
    fn new() -> (Self, Arc<AtomicBool>) {
        let dropped = Arc::default();
        (Self(Arc::clone(&dropped)), dropped)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A value that only its holder in the store keeps.
fn unrooted(store: &mut Store<impl Sized + 'static>, value: i32) -> ExternRef {
    store.scope(|scope| ExternRef::new(scope, value).unwrap())
}

#[track_caller]
fn is_stale<R>(result: Result<R, Error>) {
    let error = result.err().expect("the handle is stale");
    assert!(matches!(error.kind(), ErrorKind::StaleHandle(_)), "{error}");
    assert!(error.to_string().ends_with("belongs to another store, or was reclaimed"));
}

fn panics<R>(work: impl FnOnce() -> R) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err()
}

/// One object of each kind.
struct Objects {
    memory: Memory,
    table: Table,
    global: Global,
    func: Func,
    value: ExternRef,
    instance: Instance,
}

const MEMORY: MemoryType = MemoryType { minimum: 1, maximum: None };
const TABLE: TableType = TableType { element: ValType::ExternRef, minimum: 1, maximum: None };
const GLOBAL: GlobalType = GlobalType { value: ValType::ExternRef, mutability: Mutability::Var };

impl Objects {
    fn new(mut store: impl AsContextMut<Data = ()>, module: &Module) -> Self {
        let store = &mut store;
        Self {
            memory: Memory::new(&mut *store, MEMORY).unwrap(),
            table: Table::new(&mut *store, TABLE, Val::ExternRef(None)).unwrap(),
            global: Global::new(&mut *store, GLOBAL, Val::ExternRef(None)).unwrap(),
            func: Func::wrap(&mut *store, || 5_i32).unwrap(),
            value: ExternRef::new(&mut *store, 7).unwrap(),
            instance: Instance::new(&mut *store, module, &[]).unwrap(),
        }
    }

    fn check_live(&self, store: &mut Store<()>) {
        self.memory.read(&mut *store, 0, &mut [0]).unwrap();
        self.table.get(&mut *store, 0).unwrap();
        self.global.set(&mut *store, Val::ExternRef(None)).unwrap();
        self.func.call(&mut *store, &[], &mut [Val::I32(0)]).unwrap();
        assert!(self.value.is_live(&*store) && self.instance.is_live(&*store));
    }

    fn check_stale(&self, store: &mut Store<()>) {
        is_stale(self.memory.read(&mut *store, 0, &mut [0]));
        is_stale(self.memory.write(&mut *store, 0, &[0]));
        is_stale(self.memory.grow(&mut *store, 1));
        is_stale(self.table.get(&mut *store, 0));
        is_stale(self.table.set(&mut *store, 0, Val::ExternRef(None)));
        is_stale(self.global.set(&mut *store, Val::ExternRef(None)));
        is_stale(self.func.call(&mut *store, &[], &mut [Val::I32(0)]));
        is_stale(self.func.typed::<(), i32>(&*store));
        is_stale(self.value.data(&*store));
        is_stale(self.instance.exports(&mut *store));
        assert!(!self.value.is_live(&*store) && !self.instance.is_live(&*store));
        assert!(self.instance.export(&mut *store, "f").is_none());
        assert!(panics(|| self.memory.data(&*store).len()));
        assert!(panics(|| self.memory.size(&*store)));
        assert!(panics(|| self.table.size(&*store)));
        assert!(panics(|| self.global.get(&mut *store)));
        assert!(panics(|| self.func.ty(&*store)));
    }
}

const ONE_EACH: Reclaimed =
    Reclaimed { instances: 1, memories: 1, tables: 1, globals: 1, functions: 1, externs: 1 };

#[test]
fn each_kind_is_reclaimed_and_its_slot_used_again() {
    let engine = Engine::default();
    let module = Module::new(&engine, r#"(module (func (export "f")))"#).unwrap();
    let mut store = Store::new(&engine, ());
    let kept = Objects::new(&mut store, &module);
    let old = store.scope(|scope| Objects::new(scope, &module));
    old.check_live(&mut store);
    assert_eq!(store.collect(), ONE_EACH);
    old.check_stale(&mut store);
    kept.check_live(&mut store);
    // The new ones lie where the old ones were.
    let new = Objects::new(&mut store, &module);
    old.check_stale(&mut store);
    new.check_live(&mut store);
    assert_ne!(old.memory, new.memory);
    assert_eq!(store.collect(), Reclaimed::default());
    // Handles of another store are no better.
    let mut other = Store::new(&engine, ());
    Objects::new(&mut other, &module);
    new.check_stale(&mut other);
    is_stale(kept.table.set(&mut store, 0, ExternRef::new(&mut other, 1).unwrap().into()));
}

#[test]
fn scopes_nest_and_close_by_panics_too() {
    let mut store = Store::new(&Engine::default(), ());
    let (value, inner) = store.scope(|scope| {
        let value = ExternRef::new(&mut *scope, 1).unwrap();
        let (guard, dropped) = Guard::new();
        let collect = move |mut caller: Caller<'_, ()>| {
            ExternRef::new(&mut caller, Guard(Arc::clone(&guard.0))).unwrap();
        };
        let make = Func::wrap(&mut *scope, collect).unwrap();
        make.call(&mut *scope, &[], &mut []).unwrap();
        assert_eq!(scope.collect().externs, 1);
        assert!(dropped.swap(false, Ordering::Relaxed));
        (value, dropped)
    });
    assert!(value.is_live(&store));
    assert_eq!(store.collect().externs, 1);
    assert!(!value.is_live(&store) && inner.load(Ordering::Relaxed));
    let caught = panics(|| {
        store.scope(|scope| {
            ExternRef::new(scope, 1).unwrap();
            panic!("on purpose");
        })
    });
    assert!(caught);
    assert_eq!(store.collect().externs, 1);
}

const KEEPERS: &str = r#"(module
    (table $t (export "t") 2 externref)
    (global $shared (export "shared") (mut externref) (ref.null extern))
    (global $inline (mut externref) (ref.null extern))
    (global $inline_func (mut funcref) (ref.null func))
    (table $f 1 funcref)
    (type $int (func (result i32)))
    (func (export "set table") (param externref) (table.set $t (i32.const 1) (local.get 0)))
    (func (export "set shared") (param externref) (global.set $shared (local.get 0)))
    (func (export "set inline") (param externref) (global.set $inline (local.get 0)))
    (func (export "get table") (result externref) (table.get $t (i32.const 1)))
    (func (export "get shared") (result externref) (global.get $shared))
    (func (export "get inline") (result externref) (global.get $inline))
    (func (export "set func") (param funcref) (global.set $inline_func (local.get 0)))
    (func (export "call func") (result i32)
        (table.set $f (i32.const 0) (global.get $inline_func))
        (global.set $inline_func (ref.null func))
        (call_indirect $f (type $int) (i32.const 0)))
    (func (export "clear") (table.fill $f (i32.const 0) (ref.null func) (i32.const 1))))"#;

#[test]
fn tables_and_globals_keep_what_they_hold() {
    let (mut store, instance) = instance_of(&Engine::default(), KEEPERS);
    for (keeper, value) in [("table", 10), ("shared", 20), ("inline", 30)] {
        let (set, get) = (format!("set {keeper}"), format!("get {keeper}"));
        let set = instance.typed_func::<Option<ExternRef>, ()>(&mut store, &set).unwrap();
        let get = instance.typed_func::<(), Option<ExternRef>>(&mut store, &get).unwrap();
        let held = unrooted(&mut store, value);
        set.call(&mut store, Some(held)).unwrap();
        unrooted(&mut store, 0);
        assert_eq!(store.collect().externs, 1, "{keeper}");
        store.scope(|scope| {
            let found = get.call(&mut *scope, ()).unwrap().unwrap();
            assert_eq!(found, held);
            assert_eq!(found.data(&*scope).unwrap().downcast_ref(), Some(&value));
        });
        set.call(&mut store, None).unwrap();
        assert_eq!(store.collect().externs, 1, "{keeper}");
        assert!(!held.is_live(&store));
    }
}

#[test]
fn functions_are_kept_by_globals_and_tables_and_keep_their_instance() {
    let engine = Engine::default();
    let (mut store, instance) = instance_of(&engine, KEEPERS);
    let set = instance.typed_func::<Option<Func>, ()>(&mut store, "set func").unwrap();
    let call = instance.typed_func::<(), i32>(&mut store, "call func").unwrap();
    let (guard, dropped) = Guard::new();
    let host = move || {
        let _ = &guard;
        41_i32
    };
    let host = store.scope(|scope| Func::wrap(scope, host).unwrap());
    let module = r#"(module (func (export "f") (result i32) (i32.const 42)))"#;
    let module = Module::new(&engine, module).unwrap();
    let (other, wasm) = store.scope(|scope| {
        let other = Instance::new(&mut *scope, &module, &[]).unwrap();
        (other, other.func(scope, "f").unwrap())
    });
    set.call(&mut store, Some(host)).unwrap();
    assert_eq!(store.collect().instances, 1);
    assert!(!other.is_live(&store));
    is_stale(set.call(&mut store, Some(wasm)));
    assert_eq!(call.call(&mut store, ()).unwrap(), 41);
    assert_eq!(store.collect().functions, 0);
    run(&mut store, instance, "clear").unwrap();
    assert_eq!(store.collect().functions, 1);
    assert!(dropped.load(Ordering::Relaxed));

    let other = store.scope(|scope| {
        let other = Instance::new(&mut *scope, &module, &[]).unwrap();
        let wasm = other.func(&mut *scope, "f").unwrap();
        set.call(scope, Some(wasm)).unwrap();
        other
    });
    for _ in 0..2 {
        assert_eq!(store.collect(), Reclaimed::default());
        assert!(other.is_live(&store));
    }
    assert_eq!(call.call(&mut store, ()).unwrap(), 42);
    run(&mut store, instance, "clear").unwrap();
    let gone = store.collect();
    assert_eq!((gone.instances, gone.functions), (1, 1));
}

#[test]
fn cycles_go_and_what_others_import_stays() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let owner = r#"(module (memory (export "m") 1) (table (export "t") 2 funcref)
        (global (export "g") (mut funcref) (ref.null func))
        (func $f (export "f")) (elem (i32.const 0) $f))"#;
    let user = r#"(module (import "o" "t" (table 2 funcref)) (import "o" "f" (func))
        (import "o" "g" (global $g (mut funcref))) (memory 1)
        (func $h (export "h")) (elem (i32.const 1) $h)
        (func $start (global.set $g (ref.func $h))) (start $start))"#;
    let (owner, user) = (Module::new(&engine, owner).unwrap(), Module::new(&engine, user).unwrap());
    let pair = |scope: &mut tierup::StoreContextMut<'_, ()>| {
        let mut linker = Linker::new(&engine);
        let first = linker.instantiate(&mut *scope, &owner).unwrap();
        linker.instance(&mut *scope, "o", first).unwrap();
        (first, linker.instantiate(scope, &user).unwrap())
    };
    store.scope(pair);
    let gone = store.collect();
    assert_eq!((gone.instances, gone.memories, gone.tables, gone.globals), (2, 2, 1, 1));
    // One handle to anything of the cycle keeps the cycle.
    let mut kept = None;
    store.scope(|scope| {
        kept = Some(pair(scope));
    });
    let (first, second) = kept.unwrap();
    let func = second.func(&mut store, "h").unwrap();
    let gone = store.collect();
    assert_eq!(gone, Reclaimed::default());
    assert!(first.is_live(&store));
    func.call(&mut store, &[], &mut []).unwrap();
    // A memory does not need its instance.
    let memory = store.scope(|scope| pair(scope).0);
    let memory = memory.memory(&mut store, "m").unwrap();
    assert_eq!(store.collect().instances, 2);
    memory.write(&mut store, 0, b"x").unwrap();
}

#[test]
fn the_tracer_names_what_the_host_holds() {
    let engine = Engine::default();
    let module = Module::new(&engine, r#"(module (func (export "f")) (memory 1))"#).unwrap();
    let mut store = Store::new(&engine, (Vec::<tierup::Held>::new(), 0));
    store.set_tracer(|(held, _), tracer| held.iter().for_each(|&object| tracer.hold(object)));
    let objects: Vec<tierup::Held> = store.scope(|scope| {
        vec![
            Memory::new(&mut *scope, MEMORY).unwrap().into(),
            Table::new(&mut *scope, TABLE, Val::ExternRef(None)).unwrap().into(),
            Global::new(&mut *scope, GLOBAL, Val::ExternRef(None)).unwrap().into(),
            Func::wrap(&mut *scope, || {}).unwrap().into(),
            ExternRef::new(&mut *scope, 7).unwrap().into(),
            Instance::new(&mut *scope, &module, &[]).unwrap().into(),
        ]
    });
    store.data_mut().0 = objects;
    assert_eq!(store.collect(), Reclaimed::default());
    store.data_mut().0.pop();
    assert_eq!((store.collect().instances, store.collect()), (1, Reclaimed::default()));
    store.data_mut().0.clear();
    assert_eq!(store.collect(), Reclaimed { instances: 0, ..ONE_EACH });
}

#[test]
fn an_instance_that_failed_to_start_is_not_kept() {
    for mode in MODES {
        let engine = engine_of(mode);
        let mut store = Store::new(&engine, ());
        let failing = [
            "(module (memory 1) (func $f unreachable) (start $f))",
            r#"(module (memory 1) (data (i32.const 65536) "x"))"#,
            "(module (memory 1) (table 1 funcref) (func $f) (elem (i32.const 1) $f))",
        ];
        for wat in failing {
            let module = Module::new(&engine, wat).unwrap();
            Instance::new(&mut store, &module, &[]).unwrap_err();
        }
        let gone = store.collect();
        assert_eq!((gone.instances, gone.memories), (3, 3));
    }
}

#[test]
fn ten_thousand_instances_leave_no_trace() {
    for mode in MODES {
        let engine = engine_of(mode);
        let module = Module::new(
            &engine,
            r#"(module (import "" "f" (func $f (result i32))) (memory (export "m") 1)
                (table 3 funcref) (global (export "g") i32 (i32.const 1)) (elem (i32.const 0) $f $g)
                (func $g (export "run") (param i32) (result i32)
                    (i32.store (i32.const 0) (local.get 0))
                    (i32.add (call $f) (i32.load (i32.const 0)))))"#,
        )
        .unwrap();
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::<()>::new(&engine);
        linker.func("", "f", || 1_i32).unwrap();
        let mut counts = None;
        for round in 0..10_000 {
            store.scope(|scope| {
                let instance = linker.instantiate(&mut *scope, &module).unwrap();
                let run = instance.typed_func::<i32, i32>(&mut *scope, "run").unwrap();
                assert_eq!(run.call(scope, round).unwrap(), round + 1);
            });
            if round % 100 == 99 {
                assert_eq!(store.collect().instances, 100);
                let now = format!("{store:?}");
                assert_eq!(*counts.get_or_insert_with(|| now.clone()), now);
            }
        }
        assert!(counts.unwrap().contains("instances: 0, memories: 0, tables: 0, globals: 0"));
        assert_eq!(engine.stats().instances, 10_000);
    }
}

#[test]
fn memory_is_given_back() {
    let output = in_process("heap::memory_is_given_back", || {
        for mode in MODES {
            let (mut store, _) = instance_of(&engine_of(mode), "(module)");
            let make = |store: &mut Store<()>| {
                store.scope(|scope| {
                    let memory =
                        Memory::new(&mut *scope, MemoryType { minimum: 64, maximum: None });
                    memory.unwrap().data_mut(scope).fill(1);
                });
                assert_eq!(store.collect().memories, 1);
            };
            make(&mut store);
            let before = (mapping_count(), address_space());
            (0..200).for_each(|_| make(&mut store));
            let after = (mapping_count(), address_space());
            assert!(after.0 <= before.0 + 2, "mappings: {before:?} {after:?}");
            assert!(after.1 <= before.1 + (64 << 20), "address space: {before:?} {after:?}");
        }
    });
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn instances_without_functions_and_huge_ones() {
    let engine = Engine::default();
    let mut functions = String::new();
    for index in 0..60_000 {
        functions.push_str(&format!("(func (result i32) (i32.const {index}))"));
    }
    let wat = format!(
        r#"(module {functions} (type $t (func (result i32))) (table 60000 funcref)
            (elem (i32.const 0) func {})
            (func (export "at") (param i32) (result i32)
                (call_indirect (type $t) (local.get 0))))"#,
        (0..60_000).fold(String::new(), |text, index| format!("{text} {index}"))
    );
    let (mut store, instance) = instance_of(&engine, &wat);
    for index in [0, 1, 29_999, 59_999] {
        assert_eq!(run_i32(&mut store, instance, ("at", index)).unwrap(), index);
    }
    let empty = instantiate(&mut store, &Linker::new(&engine), "(module)");
    assert!(empty.exports(&mut store).unwrap().is_empty());
}
