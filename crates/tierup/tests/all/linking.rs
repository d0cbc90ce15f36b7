//! Imports that do not fit, limits, and sizes at the edge of what there is.

use tierup::{
    AsContextMut, Caller, Engine, Error, ErrorKind, Extern, ExternRef, Func, Global, GlobalType,
    Instance, Limits, Linker, Memory, MemoryType, Module, Mutability, ResourceLimiter, Store,
    Table, TableType, TrapKind, Val, ValType,
};

use crate::support::{MODES, engine_of, instance_of, instantiate, run_i32, trap_kind};

/// What can be given for the import `"m" "n"`, by name.
fn items(store: &mut Store<()>) -> Vec<(&'static str, Extern)> {
    let memory = |minimum, maximum| MemoryType { minimum, maximum };
    let table = |element, minimum, maximum| TableType { element, minimum, maximum };
    let global = |value, mutability| GlobalType { value, mutability };
    let null = Val::FuncRef(None);
    vec![
        ("func", Func::wrap(&mut *store, |_: i32| 0_i64).unwrap().into()),
        ("memory", Memory::new(&mut *store, memory(2, Some(5))).unwrap().into()),
        ("open memory", Memory::new(&mut *store, memory(2, None)).unwrap().into()),
        (
            "table",
            Table::new(&mut *store, table(ValType::FuncRef, 2, Some(5)), null).unwrap().into(),
        ),
        (
            "open table",
            Table::new(&mut *store, table(ValType::FuncRef, 2, None), null).unwrap().into(),
        ),
        (
            "externs",
            Table::new(&mut *store, table(ValType::ExternRef, 2, None), Val::ExternRef(None))
                .unwrap()
                .into(),
        ),
        (
            "const",
            Global::new(&mut *store, global(ValType::I32, Mutability::Const), Val::I32(1))
                .unwrap()
                .into(),
        ),
        (
            "var",
            Global::new(&mut *store, global(ValType::I32, Mutability::Var), Val::I32(1))
                .unwrap()
                .into(),
        ),
    ]
}

#[test]
fn every_item_fits_the_imports_of_its_type_only() {
    let wanted: [(&str, &[&str]); 17] = [
        ("(func (param i32) (result i64))", &["func"]),
        ("(func (param i32))", &[]),
        ("(func (param i64) (result i64))", &[]),
        ("(memory 1)", &["memory", "open memory"]),
        ("(memory 2 5)", &["memory"]),
        ("(memory 2 6)", &["memory"]),
        ("(memory 2 4)", &[]),
        ("(memory 3)", &[]),
        ("(table 2 funcref)", &["table", "open table"]),
        ("(table 0 5 funcref)", &["table"]),
        ("(table 3 funcref)", &[]),
        ("(table 1 4 funcref)", &[]),
        ("(table 2 externref)", &["externs"]),
        ("(global i32)", &["const"]),
        ("(global (mut i32))", &["var"]),
        ("(global i64)", &[]),
        ("(global (mut funcref))", &[]),
    ];
    let mut store = Store::new(&Engine::default(), ());
    let items = items(&mut store);
    for (import, fitting) in wanted {
        let text = format!(r#"(module (import "m" "n" {import}))"#);
        let module = Module::new(store.engine(), text).unwrap();
        let expected = module.imports().next().unwrap().ty.to_string();
        for &(name, item) in &items {
            let found = item.ty(&store).unwrap().to_string();
            match Instance::new(&mut store, &module, &[item]) {
                Ok(_) => assert!(fitting.contains(&name), "{name} fits {import}"),
                Err(error) => {
                    assert!(!fitting.contains(&name), "{name} for {import}: {error}");
                    assert!(matches!(error.kind(), ErrorKind::ImportType { .. }), "{error}");
                    let text = format!(
                        "incompatible import type for `m` `n`: expected {expected}, found {found}"
                    );
                    assert_eq!(error.to_string(), text);
                }
            }
        }
        let error = Instance::new(&mut store, &module, &[]).unwrap_err();
        assert_eq!(error.to_string(), "the module has 1 imports, and 0 items were given");
    }
}

#[test]
fn all_missing_imports_are_listed_with_their_types() {
    let engine = Engine::default();
    let mut linker = Linker::<()>::new(&engine);
    linker.func("a", "there", || {}).unwrap();
    let module = Module::new(
        &engine,
        r#"(module (import "a" "f" (func (param i32 f64) (result v128)))
            (import "a" "there" (func)) (import "b" "m" (memory 1 2))
            (import "b" "t" (table 3 externref)) (import "" "" (global (mut i64))))"#,
    )
    .unwrap();
    let error = linker.instantiate(Store::new(&engine, ()), &module).unwrap_err();
    let ErrorKind::MissingImports(missing) = error.kind() else { panic!("{error}") };
    assert_eq!(missing.len(), 4);
    let types: Vec<_> = missing.iter().map(|missing| missing.ty.to_string()).collect();
    let text = error.to_string();
    assert!(text.starts_with("4 unknown imports:\n  `a` `f`: "), "{text}");
    for (names, ty) in ["`a` `f`", "`b` `m`", "`b` `t`", "`` ``"].iter().zip(types) {
        assert!(text.contains(&format!("\n  {names}: {ty}")), "{text}");
    }
}

#[test]
fn objects_of_another_engine_or_store_are_refused() {
    let engines = [Engine::default(), Engine::default()];
    let wat = r#"(module (import "" "f" (func $f (param i64))) (table (export "t") 1 funcref)
        (func (export "g") (param i32) (result i32) (call $f (i64.const 1)) (local.get 0)))"#;
    let modules = engines.each_ref().map(|engine| Module::new(engine, wat).unwrap());
    let mut stores = engines.each_ref().map(|engine| Store::new(engine, ()));
    // The first type of an engine, whatever it is, has the same number as the other's.
    let foreign = Func::wrap(&mut stores[1], |_: f64, _: u128| {}).unwrap();
    let error = Instance::new(&mut stores[0], &modules[0], &[foreign.into()]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::StaleHandle("function")), "{error}");
    let own = Func::wrap(&mut stores[0], |_: i64| {}).unwrap();
    let error = Instance::new(&mut stores[0], &modules[1], &[own.into()]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OtherEngine), "{error}");
    let instance = Instance::new(&mut stores[0], &modules[0], &[own.into()]).unwrap();
    let table = instance.table(&mut stores[0], "t").unwrap();
    for value in [Val::from(foreign), ExternRef::new(&mut stores[1], 1).unwrap().into()] {
        assert!(table.set(&mut stores[0], 0, value).is_err());
    }
    assert!(table.set(&mut stores[1], 0, Val::FuncRef(None)).is_err());
    for index in [0, 1] {
        let mut linker = Linker::<()>::new(&engines[index]);
        linker.func("", "f", |_: i64| {}).unwrap();
        linker.instantiate(&mut stores[index], &modules[index]).unwrap();
        let error = linker.instantiate(&mut stores[1 - index], &modules[1 - index]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OtherEngine), "{error}");
        let error = linker.instantiate(&mut stores[index], &modules[1 - index]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OtherEngine), "{error}");
    }
}

#[test]
fn linkers_refuse_duplicates_and_outlive_what_they_were_cloned_from() {
    let engine = Engine::default();
    let mut linker = Linker::<i32>::new(&engine);
    let add = |n: i32| move |mut caller: Caller<'_, i32>| *caller.data_mut() += n;
    linker.func("a", "f", add(1)).unwrap();
    let error = linker.func("a", "f", add(10)).err().unwrap();
    assert_eq!(error.to_string(), "`a` `f` is defined already");
    let module = Module::new(&engine, r#"(module (import "a" "f" (func $f)) (start $f))"#).unwrap();
    let mut store = Store::new(&engine, 0);
    let clone = linker.clone();
    linker.allow_shadowing(true).func("a", "f", add(10)).unwrap();
    linker.instantiate(&mut store, &module).unwrap();
    assert_eq!(*store.data(), 10);
    drop(linker);
    drop(engine);
    clone.instantiate(&mut store, &module).unwrap();
    assert_eq!(*store.data(), 11);
    // Host functions of a linker are for any store; it may go before the instance.
    let mut other = Store::new(module.engine(), 5);
    let instance = clone.instantiate(&mut other, &module).unwrap();
    drop((clone, module));
    assert_eq!((*other.data(), instance.is_live(&other)), (6, true));
}

#[derive(Default)]
struct Budget {
    memory: usize,
    elements: usize,
    instances: usize,
    asked: Vec<(usize, usize, Option<usize>)>,
}

impl ResourceLimiter for Budget {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        self.asked.push((current, desired, maximum));
        desired <= self.memory
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        self.asked.push((current, desired, maximum));
        desired <= self.elements
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn memories(&self) -> usize {
        3
    }

    fn tables(&self) -> usize {
        2
    }
}

fn limit_of(result: Result<impl Sized, Error>) -> (&'static str, u64, u64) {
    match result.err().unwrap().kind() {
        &ErrorKind::Limit { what, wanted, allowed } => (what, wanted, allowed),
        kind => panic!("{kind}"),
    }
}

fn denied(result: Result<impl Sized, Error>) -> (&'static str, u64) {
    match result.err().unwrap().kind() {
        &ErrorKind::Denied { what, wanted } => (what, wanted),
        kind => panic!("{kind}"),
    }
}

#[test]
fn limiters_decide_about_memories_tables_and_instances() {
    for mode in MODES {
        let engine = engine_of(mode);
        let budget = Budget { memory: 4 << 16, elements: 10, instances: 2, asked: Vec::new() };
        let mut store = Store::new(&engine, budget);
        store.limiter(|budget| budget as Limits<'_>);
        let linker = Linker::new(&engine);
        let wat = r#"(module (memory (export "m") 1 100) (table (export "t") 2 1000 funcref)
            (func (export "memory") (param i32) (result i32) (memory.grow (local.get 0)))
            (func (export "table") (param i32) (result i32)
                (table.grow (ref.null func) (local.get 0))))"#;
        let instance = instantiate(&mut store, &linker, wat);
        assert_eq!(run_i32(&mut store, instance, ("memory", 3)).unwrap(), 1);
        assert_eq!(run_i32(&mut store, instance, ("memory", 1)).unwrap(), -1);
        assert_eq!(run_i32(&mut store, instance, ("memory", 0)).unwrap(), 4);
        assert_eq!(run_i32(&mut store, instance, ("table", 8)).unwrap(), 2);
        assert_eq!(run_i32(&mut store, instance, ("table", 1)).unwrap(), -1);
        let asked = std::mem::take(&mut store.data_mut().asked);
        assert_eq!(asked[0], (0, 1 << 16, Some(100 << 16)));
        assert_eq!(asked[3], (4 << 16, 5 << 16, Some(100 << 16)));
        assert_eq!(asked.last(), Some(&(10, 11, Some(1000))));
        let memory = instance.memory(&mut store, "m").unwrap();
        assert_eq!(denied(memory.grow(&mut store, 1)), ("memory bytes", 5 << 16));
        let table = instance.table(&mut store, "t").unwrap();
        let grown = table.grow(&mut store, 1, Val::FuncRef(None));
        assert_eq!(denied(grown), ("table elements", 11));
        let make = |store: &mut Store<Budget>, text: &str| {
            linker.instantiate(&mut *store, &Module::new(&engine, text).unwrap())
        };
        assert_eq!(denied(make(&mut store, "(module (memory 5))")), ("memory bytes", 5 << 16));
        // What failed counts until it is reclaimed.
        assert_eq!(limit_of(make(&mut store, "(module)")), ("instances", 3, 2));
        store.collect();
        let large = make(&mut store, "(module (table 11 funcref))");
        assert_eq!(denied(large), ("table elements", 11));
        store.collect();
        make(&mut store, "(module (memory 1) (memory 1))").unwrap();
        assert_eq!(limit_of(make(&mut store, "(module)")), ("instances", 3, 2));
        let ty = MemoryType { minimum: 0, maximum: None };
        assert_eq!(limit_of(Memory::new(&mut store, ty)), ("memories", 4, 3));
    }
}

#[test]
fn the_largest_memories_and_one_more() {
    for mode in MODES {
        let engine = engine_of(mode);
        let module = |text: &str| Module::new(&engine, text);
        for text in ["(module (memory 65537))", "(module (memory 1 65537))"] {
            let error = module(text).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Module(_)), "{error}");
        }
        for text in ["(module (memory 65536 65536))", "(module (memory 65536))"] {
            // Whether there is that much memory is the system's business.
            let _ = Instance::new(Store::new(&engine, ()), &module(text).unwrap(), &[]);
        }
        for maximum in ["", "65536"] {
            let wat = format!(
                r#"(module (memory (export "m") 0 {maximum})
                    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
                    (func (export "load") (param i32) (result i32)
                        (i32.load8_u (local.get 0))))"#
            );
            let (mut store, instance) = instance_of(&engine, &wat);
            for pages in [65537, -1, i32::MIN, i32::MAX] {
                assert_eq!(run_i32(&mut store, instance, ("grow", pages)).unwrap(), -1);
            }
            assert_eq!(
                trap_kind(run_i32(&mut store, instance, ("load", 0))),
                TrapKind::MemoryOutOfBounds
            );
            if run_i32(&mut store, instance, ("grow", 65536)).unwrap() == 0 {
                assert_eq!(run_i32(&mut store, instance, ("load", -1)).unwrap(), 0);
                assert_eq!(run_i32(&mut store, instance, ("grow", 1)).unwrap(), -1);
                assert_eq!(run_i32(&mut store, instance, ("grow", 0)).unwrap(), 65536);
                let memory = instance.memory(&mut store, "m").unwrap();
                assert!(memory.grow(&mut store, u32::MAX).is_err());
                assert!(memory.read(&store, usize::MAX, &mut [0, 0]).is_err());
                assert!(memory.write(&mut store, 4 << 30, &[0]).is_err());
            }
        }
    }
}

#[test]
fn the_largest_tables_and_one_more() {
    let engine = Engine::default();
    let module = |text: &str| Module::new(&engine, text);
    let table = module("(module (table 10000000 funcref))").unwrap();
    Instance::new(Store::new(&engine, ()), &table, &[]).unwrap();
    for text in ["(module (table 10000001 funcref))", "(module (table 0xffffffff externref))"] {
        // Valid, but more than there can be here: an error, early or late.
        let error = module(text)
            .and_then(|module| Instance::new(Store::new(&engine, ()), &module, &[]))
            .unwrap_err();
        let is_limit = matches!(error.kind(), ErrorKind::Limit { .. } | ErrorKind::Module(_));
        assert!(is_limit, "{error}");
    }
    let wat = r#"(module (table 1 0xffffffff externref)
        (func (export "grow") (param i32) (result i32)
            (table.grow (ref.null extern) (local.get 0))))"#;
    let (mut store, instance) = instance_of(&engine, wat);
    for count in [-1, i32::MIN, 10_000_000] {
        assert_eq!(run_i32(&mut store, instance, ("grow", count)).unwrap(), -1);
    }
    assert_eq!(run_i32(&mut store, instance, ("grow", 9_999_999)).unwrap(), 1);
}

#[test]
fn types_made_by_hosts_are_checked_like_those_of_modules() {
    let mut store = Store::new(&Engine::default(), ());
    let memory = |minimum, maximum| MemoryType { minimum, maximum };
    for ty in [memory(65537, None), memory(u32::MAX, None), memory(2, Some(1))] {
        assert!(Memory::new(&mut store, ty).is_err(), "{ty}");
    }
    let table = |minimum, maximum| TableType { element: ValType::FuncRef, minimum, maximum };
    for ty in [table(u32::MAX, None), table(2, Some(1))] {
        assert!(Table::new(&mut store, ty, Val::FuncRef(None)).is_err(), "{ty}");
    }
    let ty = TableType { element: ValType::I32, minimum: 1, maximum: None };
    assert!(Table::new(store.as_context_mut(), ty, Val::I32(1)).is_err());
    let error = Table::new(&mut store, table(1, None), Val::ExternRef(None)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ValueType { .. }), "{error}");
}
