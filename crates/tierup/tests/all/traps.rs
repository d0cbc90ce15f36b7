//! Traps: kinds, messages, backtraces, and that everything works afterwards.

use tierup::{Caller, Engine, Error, Frame, Func, Linker, Module, Store, Trap, TrapKind, Val};

use crate::support::{
    MODES, TIERS, engine_of, engine_with, instance_of, instantiate, run, run_i32, trap_kind,
};

const ALL_KINDS: &str = r#"(module
    (type $none (func))
    (memory 1 1)
    (table $t 4 funcref)
    (elem (i32.const 1) $other)
    (func $other (param i32))
    (func (export "unreachable") unreachable)
    (func (export "load") (drop (i32.load (i32.const 65533))))
    (func (export "load far") (drop (i32.load8_u offset=0xffffffff (i32.const -1))))
    (func (export "store") (i64.store (i32.const 65529) (i64.const 0)))
    (func (export "fill") (memory.fill (i32.const 65535) (i32.const 0) (i32.const 2)))
    (func (export "copy") (memory.copy (i32.const 0) (i32.const 65535) (i32.const 2)))
    (func (export "table.get") (drop (table.get $t (i32.const 4))))
    (func (export "table.set") (table.set $t (i32.const -1) (ref.null func)))
    (func (export "table.fill") (table.fill $t (i32.const 3) (ref.null func) (i32.const 2)))
    (func (export "table.copy") (table.copy (i32.const 0) (i32.const 3) (i32.const 2)))
    (func (export "call outside") (call_indirect (type $none) (i32.const 4)))
    (func (export "call null") (call_indirect (type $none) (i32.const 0)))
    (func (export "call other") (call_indirect (type $none) (i32.const 1)))
    (func (export "tail outside") (return_call_indirect (type $none) (i32.const -1)))
    (func (export "tail null") (return_call_indirect (type $none) (i32.const 0)))
    (func (export "tail other") (return_call_indirect (type $none) (i32.const 1)))
    (func (export "i32.div_s") (drop (i32.div_s (i32.const 1) (i32.const 0))))
    (func (export "i64.rem_u") (drop (i64.rem_u (i64.const 1) (i64.const 0))))
    (func (export "overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
    (func (export "trunc large") (drop (i32.trunc_f64_s (f64.const 4294967296))))
    (func (export "trunc nan") (drop (i64.trunc_f32_u (f32.const nan))))
    (func $deep (export "deep") (call $deep) (call $deep))
    (func (export "fine") (result i32) (i32.const 7)))"#;

#[test]
fn every_kind_with_its_message_and_calls_work_afterwards() {
    use TrapKind::*;
    let expected = [
        ("unreachable", Unreachable, "unreachable"),
        ("load", MemoryOutOfBounds, "out of bounds memory access"),
        ("load far", MemoryOutOfBounds, "out of bounds memory access"),
        ("store", MemoryOutOfBounds, "out of bounds memory access"),
        ("fill", MemoryOutOfBounds, "out of bounds memory access"),
        ("copy", MemoryOutOfBounds, "out of bounds memory access"),
        ("table.get", TableOutOfBounds, "out of bounds table access"),
        ("table.set", TableOutOfBounds, "out of bounds table access"),
        ("table.fill", TableOutOfBounds, "out of bounds table access"),
        ("table.copy", TableOutOfBounds, "out of bounds table access"),
        ("call outside", UndefinedElement, "undefined element"),
        ("call null", UninitializedElement, "uninitialized element"),
        ("call other", IndirectCallTypeMismatch, "indirect call type mismatch"),
        ("tail outside", UndefinedElement, "undefined element"),
        ("tail null", UninitializedElement, "uninitialized element"),
        ("tail other", IndirectCallTypeMismatch, "indirect call type mismatch"),
        ("i32.div_s", IntegerDivideByZero, "integer divide by zero"),
        ("i64.rem_u", IntegerDivideByZero, "integer divide by zero"),
        ("overflow", IntegerOverflow, "integer overflow"),
        ("trunc large", IntegerOverflow, "integer overflow"),
        ("trunc nan", InvalidConversion, "invalid conversion to integer"),
        ("deep", StackOverflow, "call stack exhausted"),
    ];
    for mode in MODES {
        let engine = engine_of(mode);
        let (mut store, instance) = instance_of(&engine, ALL_KINDS);
        let fine = instance.typed_func::<(), i32>(&mut store, "fine").unwrap();
        for round in 0..2 {
            for (name, kind, message) in expected {
                let error = run(&mut store, instance, name).unwrap_err();
                let trap = error.trap().unwrap();
                assert_eq!((trap.kind(), trap.message().as_str()), (kind, message), "{name}");
                assert!(error.to_string().starts_with(message));
                let top = trap.backtrace().frames().first().expect(name);
                let wanted = if name == "deep" { Some("deep") } else { None };
                assert_eq!(top.function_name(), wanted, "{name}");
                assert!(top.offset().is_some() || kind == StackOverflow, "{name}");
                assert_eq!(fine.call(&mut store, ()).unwrap(), 7, "round {round} after {name}");
            }
        }
        assert_eq!(engine.stats().traps, 2 * expected.len() as u64);
    }
}

/// `wasm-function[N]` and the opcode at the offset.
fn opcodes(bytes: &[u8], frames: &[Frame]) -> Vec<(u32, u8)> {
    frames.iter().map(|frame| (frame.function(), bytes[frame.offset().unwrap() as usize])).collect()
}

const CALL: u8 = 0x10;
const CALL_INDIRECT: u8 = 0x11;
const UNREACHABLE: u8 = 0x00;
const LOAD: u8 = 0x28;
const DIVIDE: u8 = 0x6d;

const CHAIN: &str = r#"(module $chain
    (import "" "host" (func $host (param i32)))
    (type $i (func (param i32)))
    (memory 1)
    (table funcref (elem $last))
    (func $first (export "first") (param i32) nop (call $second (local.get 0)) nop)
    (func $second (param i32) (call_indirect (type $i) (local.get 0) (i32.const 0)))
    (func $last (param i32)
        (if (i32.eqz (local.get 0)) (then (i32.store (i32.const 0) (i32.const 0)) unreachable))
        (if (i32.eq (local.get 0) (i32.const 1)) (then (drop (i32.load (i32.const -1)))))
        (if (i32.eq (local.get 0) (i32.const 2))
            (then (drop (i32.div_s (i32.const 1) (i32.const 0)))))
        (call $host (local.get 0)))
    (func (export "anonymous") unreachable))"#;

/// Its host function calls `first` again with one less than a multiple of ten, else it fails.
fn chain(engine: &Engine) -> (Store<()>, tierup::Instance, Vec<u8>) {
    let bytes = wat::parse_str(CHAIN).unwrap();
    let module = Module::new(engine, &bytes).unwrap();
    let mut store = Store::new(engine, ());
    let mut linker = Linker::<()>::new(engine);
    linker
        .func("", "host", |mut caller: Caller<'_, ()>, n: i32| {
            if n < 10 {
                return Err(Trap::new(TrapKind::NullReference).into());
            }
            let first = caller.export("first").unwrap().into_func().unwrap();
            first.call(&mut caller, &[Val::I32(n - 10)], &mut [])
        })
        .unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance, bytes)
}

fn call_first(store: &mut Store<()>, instance: tierup::Instance, param: i32) -> Error {
    let first = instance.typed_func::<i32, ()>(&mut *store, "first").unwrap();
    first.call(store, param).unwrap_err()
}

#[test]
fn backtraces_name_functions_and_the_instructions_that_ran() {
    for mode in MODES {
        let (mut store, instance, bytes) = chain(&engine_of(mode));
        for (param, kind, opcode) in [
            (0, TrapKind::Unreachable, UNREACHABLE),
            (1, TrapKind::MemoryOutOfBounds, LOAD),
            (2, TrapKind::IntegerDivideByZero, DIVIDE),
            (3, TrapKind::NullReference, CALL),
        ] {
            let error = call_first(&mut store, instance, param);
            let trap = error.trap().unwrap();
            assert_eq!(trap.kind(), kind);
            let frames = trap.backtrace().frames();
            assert_eq!(opcodes(&bytes, frames), [(3, opcode), (2, CALL_INDIRECT), (1, CALL)]);
            assert_eq!(trap.backtrace().omitted(), 0);
            let offset = frames[2].offset().unwrap();
            let line = format!("\n    at wasm-function[1]:0x{offset:x} (chain!first)");
            assert!(error.to_string().ends_with(&line), "{error}");
        }
        let error = run(&mut store, instance, "anonymous").unwrap_err();
        let line = error.to_string();
        assert!(line.starts_with("unreachable\n    at wasm-function[4]:0x"), "{line}");
        assert!(!line.contains('('), "{line}");
    }
}

#[test]
fn backtraces_go_through_host_calls() {
    let (mut store, instance, bytes) = chain(&Engine::default());
    for (param, kind, opcode) in [
        (20, TrapKind::Unreachable, UNREACHABLE),
        (21, TrapKind::MemoryOutOfBounds, LOAD),
        (23, TrapKind::NullReference, CALL),
    ] {
        let error = call_first(&mut store, instance, param);
        let trap = error.trap().unwrap();
        assert_eq!(trap.kind(), kind);
        let between = [(3, CALL), (2, CALL_INDIRECT), (1, CALL)];
        let mut expected = vec![(3, opcode), (2, CALL_INDIRECT), (1, CALL)];
        expected.extend(between);
        expected.extend(between);
        assert_eq!(opcodes(&bytes, trap.backtrace().frames()), expected);
    }
}

#[test]
fn a_trap_that_a_host_function_makes_has_the_backtrace_of_its_own_call() {
    let (mut store, instance, bytes) = chain(&Engine::default());
    // An older trap with other frames must leave nothing behind.
    run(&mut store, instance, "anonymous").unwrap_err();
    let error = call_first(&mut store, instance, 3);
    let frames = error.trap().unwrap().backtrace().frames();
    assert_eq!(opcodes(&bytes, frames), [(3, CALL), (2, CALL_INDIRECT), (1, CALL)]);
    // Nothing of Wasm runs when the host calls a host function.
    run(&mut store, instance, "anonymous").unwrap_err();
    let fail = || -> Result<(), Error> { Err(Trap::new(TrapKind::OutOfMemory).into()) };
    let fail = Func::wrap(&mut store, fail).unwrap();
    let error = fail.call(&mut store, &[], &mut []).unwrap_err();
    assert_eq!(error.to_string(), "out of memory");
}

#[test]
fn a_host_function_sees_the_frames_that_led_to_it() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Vec::new());
    let mut linker = Linker::<Vec<String>>::new(&engine);
    linker
        .func("", "look", |mut caller: Caller<'_, Vec<String>>| {
            let names = caller.backtrace();
            let names = names.frames().iter().map(|f| f.function_name().unwrap().to_owned());
            let names = names.collect::<Vec<_>>();
            *caller.data_mut() = names;
        })
        .unwrap();
    let instance = instantiate(
        &mut store,
        &linker,
        r#"(module (import "" "look" (func $look))
            (func $outer (export "outer") (call $inner))
            (func $inner (call $look))
            (func $gone (export "gone") (return_call $inner)))"#,
    );
    run(&mut store, instance, "outer").unwrap();
    assert_eq!(*store.data(), ["inner", "outer"]);
    run(&mut store, instance, "gone").unwrap();
    assert_eq!(*store.data(), ["inner"]);
}

#[test]
fn deep_stacks_keep_the_innermost_frames_and_count_the_rest() {
    let (mut store, instance) = instance_of(
        &Engine::default(),
        r#"(module (func $f (export "f") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then unreachable))
            (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1))))))"#,
    );
    for depth in [1, 63, 64, 65, 1000] {
        let error = run_i32(&mut store, instance, ("f", depth - 1)).unwrap_err();
        let backtrace = error.trap().unwrap().backtrace();
        let (kept, omitted) = (backtrace.frames().len(), backtrace.omitted());
        assert_eq!((kept, omitted), (depth.min(64) as usize, (depth as usize).saturating_sub(64)));
        let more = error.to_string().contains(&format!("\n    ... and {omitted} more"));
        assert_eq!(more, omitted != 0);
    }
}

const TAIL_CALLS: &str = r#"(module
    (import "" "fail" (func $fail (param i32)))
    (type $t (func (param i32 i32)))
    (table funcref (elem $direct $through_table))
    (func $end (param i32)
        (if (local.get 0) (then (return_call $fail (local.get 0))))
        unreachable)
    (func $direct (export "direct") (param i32 i32)
        (if (i32.eqz (local.get 0)) (then (return_call $end (local.get 1))))
        (return_call $through_table (i32.sub (local.get 0) (i32.const 1)) (local.get 1)))
    (func $through_table (param i32 i32)
        (if (i32.eqz (local.get 0)) (then (return_call $end (local.get 1))))
        (return_call_indirect (type $t)
            (i32.sub (local.get 0) (i32.const 1)) (local.get 1) (i32.const 0)))
    (func $outer (export "outer") (param i32 i32)
        (call $direct (local.get 0) (local.get 1))))"#;

#[test]
fn a_million_tail_calls_that_end_in_a_trap_and_in_a_failing_import() {
    for tier in TIERS {
        a_million_tail_calls(&engine_with(|config| {
            tier(config);
        }));
    }
}

fn a_million_tail_calls(engine: &Engine) {
    let mut store = Store::new(engine, ());
    let mut linker = Linker::<()>::new(engine);
    linker
        .func("", "fail", |n: i32| -> Result<(), Error> {
            match n {
                1 => Err(Error::host(std::io::Error::other("failed on purpose"))),
                2 => Err(Trap::new(TrapKind::Unreachable).into()),
                _ => panic!("panic on purpose"),
            }
        })
        .unwrap();
    let instance = instantiate(&mut store, &linker, TAIL_CALLS);
    let outer = instance.typed_func::<(i32, i32), ()>(&mut store, "outer").unwrap();
    let names = |error: Error| {
        let trap = error.trap().unwrap();
        let names = trap.backtrace().frames().iter();
        names.map(|frame| frame.function_name().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let error = outer.call(&mut store, (1_000_000, 0)).unwrap_err();
    assert_eq!(names(error), ["end", "outer"]);
    let error = outer.call(&mut store, (1_000_000, 1)).unwrap_err();
    assert_eq!(error.to_string(), "failed on purpose");
    let error = outer.call(&mut store, (1_000_000, 2)).unwrap_err();
    assert_eq!(names(error), ["outer"]);
    let call = std::panic::AssertUnwindSafe(|| outer.call(&mut store, (1_000_000, 3)));
    assert!(std::panic::catch_unwind(call).is_err());
    // The outermost frame itself may be gone.
    let direct = instance.typed_func::<(i32, i32), ()>(&mut store, "direct").unwrap();
    let error = direct.call(&mut store, (1_000_000, 0)).unwrap_err();
    assert_eq!(names(error), ["end"]);
    let error = direct.call(&mut store, (1_000_000, 2)).unwrap_err();
    assert_eq!(names(error), [""; 0]);
}

#[test]
fn a_failing_start_function_leaves_what_it_did() {
    for mode in MODES {
        let engine = engine_of(mode);
        let (mut store, home) = instance_of(
            &engine,
            r#"(module (memory (export "m") 1) (table (export "t") 4 funcref)
                (type $t (func (result i32)))
                (func (export "call") (param i32) (result i32)
                    (call_indirect (type $t) (local.get 0))))"#,
        );
        let mut linker = Linker::new(&engine);
        linker.instance(&mut store, "home", home).unwrap();
        let module = |tail: &str| {
            let text = format!(
                r#"(module (import "home" "m" (memory 1)) (import "home" "t" (table 4 funcref))
                    (func $five (result i32) (i32.const 5)) (func $start
                        (i32.store8 (i32.const 9) (i32.const 9)) unreachable)
                    (elem (i32.const 0) $five) (data (i32.const 0) "ab") {tail})"#
            );
            Module::new(&engine, text).unwrap()
        };
        let memory = home.memory(&mut store, "m").unwrap();
        let module_with = module("(start $start)");
        let error = linker.instantiate(&mut store, &module_with).unwrap_err();
        let trap = error.trap().unwrap();
        assert_eq!(trap.kind(), TrapKind::Unreachable);
        assert_eq!(trap.backtrace().frames()[0].function_name(), Some("start"));
        assert_eq!(memory.data(&store)[..10], *b"ab\0\0\0\0\0\0\0\x09");
        // The table keeps the instance that nobody has a handle to.
        store.collect();
        assert_eq!(run_i32(&mut store, home, ("call", 0)).unwrap(), 5);

        // Segments are applied in order, up to the one that does not fit.
        let module_with = module(r#"(data (i32.const 4) "cd") (data (i32.const 65535) "ef")"#);
        let result = linker.instantiate(&mut store, &module_with);
        assert_eq!(trap_kind(result), TrapKind::MemoryOutOfBounds);
        assert_eq!(memory.data(&store)[..6], *b"ab\0\0cd");
        assert_eq!(memory.data(&store)[65535], 0);
        let module_with = module(r#"(elem (i32.const 1) $five) (elem (i32.const 4) $five)"#);
        let result = linker.instantiate(&mut store, &module_with);
        assert_eq!(trap_kind(result), TrapKind::TableOutOfBounds);
        store.collect();
        assert_eq!(run_i32(&mut store, home, ("call", 1)).unwrap(), 5);
        let null = run_i32(&mut store, home, ("call", 2));
        assert_eq!(trap_kind(null), TrapKind::UninitializedElement);
    }
}

#[test]
fn bulk_operations_that_trap_change_nothing() {
    for mode in MODES {
        let (mut store, instance) = instance_of(
            &engine_of(mode),
            r#"(module
                (memory (export "m") 1)
                (data $d "abcdef")
                (table (export "t") 8 externref)
                (table $f 8 funcref)
                (elem $e func $g $g $g)
                (func $g)
                (func (export "fill") (memory.fill (i32.const 65000) (i32.const 1) (i32.const 537)))
                (func (export "copy") (memory.copy (i32.const 65534) (i32.const 0) (i32.const 3)))
                (func (export "init") (memory.init $d (i32.const 65534) (i32.const 0) (i32.const 3)))
                (func (export "long") (memory.init $d (i32.const 0) (i32.const 4) (i32.const 3)))
                (func (export "t.fill") (param externref)
                    (table.fill 0 (i32.const 6) (local.get 0) (i32.const 3)))
                (func (export "t.init") (table.init $f $e (i32.const 6) (i32.const 0) (i32.const 3)))
                (func (export "nulls") (result i32)
                    (i32.and (ref.is_null (table.get $f (i32.const 6)))
                        (ref.is_null (table.get $f (i32.const 7))))))"#,
        );
        let memory = instance.memory(&mut store, "m").unwrap();
        memory.data_mut(&mut store)[..4].copy_from_slice(b"1234");
        for name in ["fill", "copy", "init", "long"] {
            assert_eq!(trap_kind(run(&mut store, instance, name)), TrapKind::MemoryOutOfBounds);
            let bytes = memory.data(&store);
            assert!(&bytes[..4] == b"1234" && bytes[4..].iter().all(|&byte| byte == 0), "{name}");
        }
        let value = tierup::ExternRef::new(&mut store, 1).unwrap();
        let fill = instance.typed_func::<Option<tierup::ExternRef>, ()>(&mut store, "t.fill");
        let result = fill.unwrap().call(&mut store, Some(value));
        assert_eq!(trap_kind(result), TrapKind::TableOutOfBounds);
        let table = instance.table(&mut store, "t").unwrap();
        for index in 0..8 {
            assert!(matches!(table.get(&mut store, index), Ok(Val::ExternRef(None))));
        }
        assert_eq!(trap_kind(run(&mut store, instance, "t.init")), TrapKind::TableOutOfBounds);
        let nulls = instance.typed_func::<(), i32>(&mut store, "nulls").unwrap();
        assert_eq!(nulls.call(&mut store, ()).unwrap(), 1);
    }
}
