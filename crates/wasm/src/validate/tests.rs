use super::*;

/// Functions that are valid, but those with the given numbers.
fn module(functions: u32, invalid: &[u32]) -> Module {
    let mut text = String::from("(module");
    for function in 0..functions {
        text.push_str(if invalid.contains(&function) {
            "(func (result i32) i64.const 1)"
        } else {
            "(func (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))"
        });
    }
    text.push(')');
    Module::decode(wat::parse_str(text).unwrap().into()).unwrap()
}

fn validate(module: &Module, chunk_bytes: usize, threads: usize) -> Result<(), Error> {
    module.validate_in(Chunks::new(module, 0..module.defined_functions(), chunk_bytes), threads)
}

fn threads(threads: usize) -> NonZeroUsize {
    NonZeroUsize::new(threads).unwrap()
}

#[test]
fn valid_bodies_pass_with_any_number_of_threads() {
    for functions in [0, 1, 2, 200] {
        let module = module(functions, &[]);
        for count in 1..=4 {
            module.validate_bodies(threads(count)).unwrap();
            validate(&module, 16, count).unwrap();
        }
    }
}

#[test]
fn the_error_says_what_and_where() {
    let module = module(3, &[1]);
    let error = module.validate_bodies(threads(1)).unwrap_err();
    assert_eq!(error.message(), "type mismatch: expected i32, found i64");
    assert!(module.bodies[1].contains(&error.offset()), "{error}");
}

#[test]
fn va_first_with_any_number_of_threads() {
    let module = module(300, &[41, 42, 170, 299]);
    let first = module.validate_body(DefinedFunc(41)).unwrap_err().to_string();
    for chunk_bytes in [1, 16, 100, 1000, 100_000] {
        for count in 1..=4 {
            for _ in 0..20 {
                let error = validate(&module, chunk_bytes, count).unwrap_err();
                assert_eq!(error.to_string(), first, "{chunk_bytes} bytes, {count} threads");
            }
        }
    }
}

#[test]
fn chunks_hold_every_function_once() {
    let module = module(100, &[]);
    for chunk_bytes in [1, 7, 64, 1000, 100_000] {
        let chunks = Chunks::new(&module, 0..module.defined_functions(), chunk_bytes);
        let mut functions = Vec::new();
        while let Some(chunk) = chunks.claim() {
            functions.extend(chunks.functions(&module, chunk));
        }
        assert_eq!(functions, (0..100).collect::<Vec<_>>(), "{chunk_bytes} bytes");
    }
}

#[test]
fn bodies_are_validated_one_by_one_from_several_threads() {
    let module = module(64, &[10]);
    sync::hammer(4, 64, |thread, round| {
        let function = DefinedFunc(((round + thread * 16) % 64) as u32);
        assert_eq!(module.validate_body(function).is_err(), function.0 == 10);
    });
}

#[test]
fn what_we_do_not_have_is_refused_in_bodies() {
    for (body, message) in [
        ("(drop (i32.atomic.load (i32.const 0)))", "threads support is not enabled"),
        ("(drop (i32x4.relaxed_trunc_f32x4_s (v128.const i64x2 0 0)))", "relaxed SIMD"),
        ("(throw_ref (unreachable))", "exceptions support is not enabled"),
        ("(call_ref 0 (unreachable))", "function references support is not enabled"),
        ("(drop (ref.i31 (i32.const 0)))", "gc"),
    ] {
        let text = format!("(module (type (func)) (memory 1) (func {body}))");
        let module = Module::decode(wat::parse_str(text).unwrap().into()).unwrap();
        let error = module.validate_bodies(threads(1)).unwrap_err().to_string();
        assert!(error.contains(message), "{body}: {error}");
    }
}

#[test]
fn what_we_have_is_accepted_in_bodies() {
    for body in [
        "(return_call 0)",
        "(return_call_indirect (i32.const 0))",
        "(drop (i32.load 1 (i32.const 0)))",
        "(memory.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 0))",
        "(drop (i32.extend8_s (i32.trunc_sat_f32_s (f32.const 0))))",
        "(block (result i32 i64) (i32.const 0) (i64.const 0)) drop drop",
        "(drop (i8x16.swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0)))",
        "(drop (select (result externref) (ref.null extern) (ref.null extern) (i32.const 0)))",
        "(table.fill (i32.const 0) (ref.null func) (i32.const 0))",
    ] {
        let text = format!("(module (memory 1) (memory 1) (table 1 funcref) (func {body}))");
        let module = Module::decode(wat::parse_str(text).unwrap().into()).unwrap();
        module.validate_bodies(threads(1)).unwrap_or_else(|error| panic!("{body}: {error}"));
    }
}

#[test]
fn a_module_is_shared_between_threads() {
    fn assert_shared<T: Send + Sync>() {}
    assert_shared::<Module>();
}

#[test]
fn some_bodies_are_validated_without_the_others() {
    let module = module(100, &[40, 60]);
    for (functions, invalid) in [
        (0..40, false),
        (41..60, false),
        (61..100, false),
        (60..61, true),
        (0..100, true),
        (7..7, false),
    ] {
        for chunk_bytes in [1, 50, 100_000] {
            let chunks = Chunks::new(&module, functions.clone(), chunk_bytes);
            assert_eq!(module.validate_in(chunks, 2).is_err(), invalid, "{functions:?}");
        }
    }
}

#[test]
fn a_last_body_without_a_byte_is_validated() {
    let mut bytes = wat::parse_str("(module (func) (func nop))").unwrap();
    let end = bytes.len();
    // The second body, 03 00 01 0b, becomes none, and the section three bytes shorter.
    bytes.truncate(end - 3);
    bytes[end - 4] = 0;
    let section = end - 9;
    assert_eq!(bytes[section], 8);
    bytes[section] -= 3;
    let module = Module::decode(bytes.into()).unwrap();
    assert!(module.validate_bodies(threads(1)).is_err());
    for chunk_bytes in 1..10 {
        assert!(validate(&module, chunk_bytes, 1).is_err(), "{chunk_bytes}");
    }
}
