//! Validating while compiling: nothing but the time it takes is different.

use tierup_abi::{InstanceLayout, MemoryMode};
use tierup_baseline::Baseline;
use tierup_compile::{CompileErrorKind, Compiled, Compiler, Entry, Request, Settings};
use tierup_compiler_tests::{compile, module};
use tierup_wasm::{Bytes, DefinedFunc, Module};

const TEXT: &str = r#"(module
    (type $two (func (param i32 i64) (result i64 i32)))
    (memory 1) (table 4 funcref) (global $g (mut f64) (f64.const 1))
    (func $f (type $two) (local f32 externref f64)
        (block $out (result i64)
            (loop $again
                (br_if $out (i64.load offset=8 (local.get 0)) (i32.eqz (local.get 0)))
                (drop)
                (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                (global.set $g (f64.add (global.get $g) (local.get 4)))
                (br_table $again $again (local.get 0)))
            unreachable
            (i64.add))
        (if (result i32) (ref.is_null (local.get 3))
            (then (i32.trunc_f32_s (local.get 2)))
            (else (call_indirect (type $two) (i32.const 1) (i64.const 2) (i32.const 3)) (drop)
                (i32.wrap_i64))))
    (func $vector (result i32) (i32x4.extract_lane 1 (v128.const i32x4 1 2 3 4))))"#;

/// Compiles a function of a module that nobody validated.
fn validate_and_compile(
    module: &Module,
    function: DefinedFunc,
) -> Result<Compiled, CompileErrorKind> {
    let layout = InstanceLayout::new(module);
    let settings = Settings { memory_mode: MemoryMode::Guard, ..Settings::default() };
    let request =
        Request { module, layout: &layout, function, entry: Entry::Call, settings: &settings };
    Baseline::new().validate_and_compile(&request).map_err(|error| error.kind().clone())
}

#[test]
fn a_valid_body_gives_the_same_code() {
    let module = module(TEXT);
    let (alone, joined) = (
        compile(&Baseline::new(), &module, 0, MemoryMode::Guard).unwrap(),
        validate_and_compile(&module, DefinedFunc(0)).unwrap(),
    );
    assert_eq!((joined.bytes, joined.tables), (alone.bytes, alone.tables));
}

/// Every byte of every body is replaced by many others.
#[test]
fn an_invalid_body_gives_the_error_of_validation() {
    let valid = wat::parse_str(TEXT).unwrap();
    let bodies = Module::decode(Bytes::from(valid.clone())).unwrap().bodies;
    let (mut invalid, mut compiled) = (0, 0);
    for (body, place) in bodies
        .iter()
        .enumerate()
        .flat_map(|(body, range)| range.clone().map(move |place| (DefinedFunc(body as u32), place)))
    {
        for replacement in (0..=255).step_by(3) {
            let mut bytes = valid.clone();
            bytes[place] = replacement;
            let module = Module::decode(Bytes::from(bytes)).unwrap();
            let expected = module.validate_body(body);
            match (validate_and_compile(&module, body), expected) {
                (Err(CompileErrorKind::Invalid { message, offset }), Err(expected)) => {
                    assert_eq!((message.as_str(), offset), (expected.message(), expected.offset()));
                    invalid += 1;
                }
                (Ok(_), Ok(())) => compiled += 1,
                (Err(CompileErrorKind::Unsupported { .. }), Ok(())) => {}
                other => panic!("byte {place:#x} as {replacement:#x}: {other:?}"),
            }
        }
    }
    assert!(1000 < invalid && 100 < compiled, "{invalid} {compiled}");
}
