//! Modules whose bytes arrive over time.

use std::sync::Arc;

use tierup::{CompilerStrategy, Engine, ErrorKind, Instance, Module, ModuleBuilder, Store, Tier};

use crate::support::engine_with;

/// Has all that bodies can refer to, some of which comes after them.
const EVERYTHING: &str = r#"(module $everything
    (memory (export "memory") 1) (table 4 funcref) (global $g (mut i32) (i32.const 5))
    (type $binary (func (param i32) (result i32)))
    (func $twice (type $binary) (i32.shl (local.get 0) (i32.const 1)))
    (func $fill (type $binary)
      (memory.init $late (i32.const 0) (i32.const 0) (i32.const 3)) (data.drop $late)
      (i32.add (i32.load8_u (i32.const 1)) (local.get 0)))
    (func (export "run") (param i32) (result i32)
      (global.set $g (i32.add (global.get $g) (call $fill (local.get 0))))
      (call_indirect (type $binary) (global.get $g) (i32.const 2)))
    (elem (i32.const 2) $twice)
    (data $late "abc"))"#;

/// What `run` gives for 7.
const RESULT: i32 = 2 * (5 + 'b' as i32 + 7);

/// Compiled as a whole when it is there, in one pass with validation, on one thread.
fn eager() -> Engine {
    engine_with(|config| {
        config.lazy(false).strategy(CompilerStrategy::Baseline).compile_threads(1);
    })
}

fn pushed(engine: &Engine, pieces: &[&[u8]]) -> Result<Module, tierup::Error> {
    let mut builder = ModuleBuilder::new(engine);
    pieces.iter().try_for_each(|piece| builder.push(piece))?;
    builder.finish()
}

fn run(module: &Module) -> i32 {
    let mut store = Store::new(module.engine(), ());
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    instance.typed_func::<i32, i32>(&mut store, "run").unwrap().call(&mut store, 7).unwrap()
}

#[test]
fn mb_same_wherever_the_bytes_are_cut() {
    let bytes = wat::parse_str(EVERYTHING).unwrap();
    for strategy in [CompilerStrategy::Baseline, CompilerStrategy::Optimizing] {
        for (lazy, lazy_validation) in [(true, false), (true, true), (false, false), (false, true)]
        {
            let engine = engine_with(|config| {
                config.strategy(strategy).lazy(lazy).lazy_validation(lazy_validation);
            });
            for cut in 0..=bytes.len() {
                let module = pushed(&engine, &[&bytes[..cut], &bytes[cut..]]).unwrap();
                assert_eq!(module.function_code(1).is_some(), !lazy, "cut at {cut}");
                assert_eq!(run(&module), RESULT, "cut at {cut}");
            }
            assert_eq!(engine.compile_failures().len(), 0);
        }
    }
}

#[test]
fn bodies_are_compiled_while_the_rest_is_on_its_way() {
    let (engine, bytes) = (eager(), wat::parse_str(EVERYTHING).unwrap());
    let mut builder = ModuleBuilder::new(&engine);
    let mut compiled = Vec::new();
    for byte in &bytes {
        builder.push(std::slice::from_ref(byte)).unwrap();
        compiled.push(engine.stats().compiles.baseline.functions);
        assert_eq!(
            u64::from(builder.function_bodies()),
            engine.stats().compiles.baseline.functions
        );
    }
    assert_eq!(builder.len(), bytes.len());
    compiled.dedup();
    assert_eq!(compiled, [0, 1, 2, 3], "one after the other");
    let module = builder.finish().unwrap();
    assert_eq!(engine.stats().compiles.baseline.functions, 3, "none is compiled again");
    assert_eq!(module.function_code(2).unwrap().tier(), Tier::Baseline);
    assert_eq!((run(&module), module.name()), (RESULT, Some("everything")));
}

#[test]
fn many_functions_are_compiled_on_several_threads() {
    let function = "(func (result i32) (i32.const 1))";
    let text = format!("(module {}", function.repeat(500))
        + r#"(func (export "run") (param i32) (result i32) (i32.add (call 499) (local.get 0))))"#;
    let engine = engine_with(|config| {
        config.lazy(false).strategy(CompilerStrategy::Baseline).compile_threads(4);
    });
    let bytes = wat::parse_str(&text).unwrap();
    let module = pushed(&engine, &bytes.chunks(1000).collect::<Vec<_>>()).unwrap();
    assert!((0..501).all(|function| module.function_code(function).is_some()));
    assert_eq!(run(&module), 8);
}

#[test]
fn a_module_that_arrived_is_one_with_equal_modules() {
    for lazy in [true, false] {
        let engine = engine_with(|config| {
            config.lazy(lazy).strategy(CompilerStrategy::Baseline);
        });
        let bytes = wat::parse_str(EVERYTHING).unwrap();
        let first = pushed(&engine, &bytes.chunks(10).collect::<Vec<_>>()).unwrap();
        let whole = Module::new(&engine, &bytes).unwrap();
        let second = pushed(&engine, &bytes.chunks(3).collect::<Vec<_>>()).unwrap();
        assert!(first.shares_code(&whole) && second.shares_code(&whole));
        assert!(first.same(&first.clone()) && !first.same(&second));
        assert_eq!([run(&first), run(&whole), run(&second)], [RESULT; 3]);
        engine.remove_code();
        let third = pushed(&engine, &[&bytes]).unwrap();
        assert_eq!(third.function_code(1).is_some(), !lazy, "what was flushed is there again");
    }
}

/// A module with two valid bodies around one that is not.
fn invalid_body() -> Vec<u8> {
    wat::parse_str("(module (func nop) (func (result i32) nop) (func nop nop nop nop))").unwrap()
}

#[test]
fn mb_first_an_invalid_body_is_told_when_it_is_there() {
    let bytes = invalid_body();
    for engine in [eager(), Engine::default()] {
        let error = Module::new(&engine, &bytes).unwrap_err().to_string();
        let mut builder = ModuleBuilder::new(&engine);
        let told = bytes.iter().position(|byte| builder.push(&[*byte]).is_err()).unwrap();
        assert_eq!(told + 1, bytes.len() - 7, "the last body and its size are 7 bytes");
        let again = builder.push(&bytes[told..]).unwrap_err();
        assert_eq!(again.to_string(), error, "[MB-ONCE]");
        assert_eq!(builder.finish().unwrap_err().to_string(), error);
        for cut in 0..bytes.len() {
            let found = pushed(&engine, &[&bytes[..cut], &bytes[cut..]]).unwrap_err();
            assert_eq!(found.to_string(), error, "cut at {cut}");
        }
    }
}

#[test]
fn mb_first_of_two_errors_the_first_is_told() {
    let mut bytes = invalid_body();
    let error = Module::new(&eager(), &bytes).unwrap_err().to_string();
    bytes.extend([99, 0]); // a section that does not exist
    for cut in 0..bytes.len() {
        let found = pushed(&eager(), &[&bytes[..cut], &bytes[cut..]]).unwrap_err();
        assert_eq!(found.to_string(), error, "cut at {cut}");
    }
}

#[test]
fn bad_bytes_are_told_at_once() {
    let mut builder = ModuleBuilder::new(&Engine::default());
    assert!(builder.is_empty());
    builder.push(b"\0as").unwrap();
    assert!(builder.push(b"M\x01\0\0\0").is_err());
    for cut in 0..=7 {
        let error = pushed(&Engine::default(), &[&b"\0asm\x01\0\0\0"[..cut]]).unwrap_err();
        assert!(error.to_string().contains("unexpected end"), "{error}");
    }
}

#[test]
fn bodies_that_are_validated_when_called_are_not_on_arrival() {
    let engine = engine_with(|config| {
        config.lazy_validation(true);
    });
    let bytes = invalid_body();
    pushed(&engine, &bytes.chunks(1).collect::<Vec<_>>()).unwrap();
}

#[test]
fn what_cannot_be_compiled_is_told_unless_something_is_invalid() {
    // It has no locals.
    let engine = engine_with(|config| {
        config.lazy(false).compiler(Arc::new(tierup::compile::Trivial));
    });
    for (text, function) in [
        ("(module (func) (func (local i64)) (func (local i32)))", Some(1)),
        ("(module (func) (func (local i64)) (func) (func (result i32)))", None),
    ] {
        let bytes = wat::parse_str(text).unwrap();
        let whole = Module::new(&engine, &bytes).unwrap_err();
        for size in [1, 3, 1000] {
            let error = pushed(&engine, &bytes.chunks(size).collect::<Vec<_>>()).unwrap_err();
            assert_eq!(error.to_string(), whole.to_string());
            match (error.kind(), function) {
                (ErrorKind::Compile { function: found, .. }, Some(function)) => {
                    assert_eq!(*found, function);
                }
                (ErrorKind::Module(_), None) => {}
                (kind, _) => panic!("{kind:?}"),
            }
        }
    }
}
