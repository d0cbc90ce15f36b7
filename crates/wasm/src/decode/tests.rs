use std::{fmt::Write, num::NonZeroUsize};

use super::*;
use crate::{
    ConstExpr, ConstOp, DataMode, ElementItems, ElementMode, Entity, ExternType, FuncIndex,
    FuncType, GlobalIndex, GlobalType, MemoryIndex, Mutability, TableIndex, ValType, read_locals,
};

/// A bit of everything that a module can contain.
const EVERYTHING: &str = r#"
(module $everything
  (type $binary (func (param i32 i64) (result f32 f64)))
  (import "env" "f" (func $imported (type $binary)))
  (import "env" "t" (table 1 2 externref))
  (import "env" "m" (memory 1 2))
  (import "env" "g" (global $base i32))
  (table $table 3 funcref)
  (memory 1) (memory 2 65536)
  (global $v (mut v128) (v128.const i32x4 1 2 3 4))
  (global i64 (i64.add (i64.const 1) (i64.mul (i64.const 2) (i64.const 3))))
  (global f32 (f32.const nan:0x200001))
  (global externref (ref.null extern))
  (global funcref (ref.func $main))
  (export "main" (func $main)) (export "memory" (memory 1)) (export "table" (table 1))
  (export "v" (global $v))
  (start $main)
  (elem (table $table) (offset (i32.add (global.get $base) (i32.const 1))) func $imported $main)
  (elem funcref (ref.func $main) (ref.null func))
  (elem declare func $main)
  (data (memory 2) (i32.const 8) "active")
  (data "passive")
  (func $main (local i32 i32 f64 externref)
    (block (result i32) (i32.const 1)) drop
    (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 1))
    (return_call $last))
  (func $last))
"#;

fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn decode(bytes: &[u8]) -> Result<Module, Error> {
    Module::decode(bytes.to_vec().into())
}

fn decode_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Module, Error> {
    let mut decoder = Decoder::new();
    for chunk in chunks {
        decoder.push(chunk)?;
    }
    decoder.finish()
}

/// All that a decoded module is, as text.
fn describe(result: &Result<Module, Error>) -> String {
    let module = match result {
        Ok(module) => module,
        Err(error) => return error.to_string(),
    };
    let mut text = String::new();
    let Module { bytes, types, imports, functions, tables, memories, globals, .. } = module;
    write!(text, "{:?}{types:?}{imports:?}{functions:?}{tables:?}", &**bytes).unwrap();
    write!(text, "{memories:?}{globals:?}").unwrap();
    let Module { global_inits, table_inits, exports, start, elements, data, bodies, .. } = module;
    write!(text, "{global_inits:?}{table_inits:?}{exports:?}{start:?}").unwrap();
    write!(text, "{elements:?}{data:?}{bodies:?}").unwrap();
    let Module { code_section, name_section, custom_sections, .. } = module;
    write!(text, "{code_section:?}{name_section:?}{custom_sections:?}").unwrap();
    text
}

#[test]
fn everything_is_found() {
    let module = decode(&binary(EVERYTHING)).unwrap();
    assert_eq!((module.imported_functions, module.defined_functions()), (1, 2));
    let (function, table, memory, global) =
        (module.imported_functions, module.imported_tables, module.imported_memories, 1);
    assert_eq!((function, table, memory, module.imported_globals), (1, 1, 1, global));
    let binary_type = FuncType::new([ValType::I32, ValType::I64], [ValType::F32, ValType::F64]);
    assert_eq!(module.function_type(FuncIndex(0)), &binary_type);
    assert_eq!(module.imports[3].entity, Entity::Global(GlobalIndex(0)));
    let types: Vec<_> =
        module.imports.iter().map(|i| module.entity_type(i.entity).to_string()).collect();
    assert_eq!(
        types,
        ["func (i32, i64) -> (f32, f64)", "table 1..2 externref", "memory 1..2", "global i32"],
    );
    assert_eq!(module.memories[2].maximum, Some(65536));
    assert_eq!(module.start, Some(FuncIndex(1)));
    let exports: Vec<_> =
        module.exports.iter().map(|export| (export.name.as_str(), export.entity)).collect();
    assert_eq!(
        exports,
        [
            ("main", Entity::Func(FuncIndex(1))),
            ("memory", Entity::Memory(MemoryIndex(1))),
            ("table", Entity::Table(TableIndex(1))),
            ("v", Entity::Global(GlobalIndex(1))),
        ],
    );
    let v128 = GlobalType { value: ValType::V128, mutability: Mutability::Var };
    assert_eq!(module.entity_type(Entity::Global(GlobalIndex(1))), ExternType::Global(v128));
}

#[test]
fn constant_expressions_keep_their_operators() {
    let module = decode(&binary(EVERYTHING)).unwrap();
    let inits: Vec<_> = module.global_inits.iter().map(ConstExpr::operators).collect();
    let sum = [ConstOp::I64(1), ConstOp::I64(2), ConstOp::I64(3), ConstOp::I64Mul, ConstOp::I64Add];
    assert_eq!(
        inits,
        [
            &[ConstOp::V128(*b"\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0")] as &[_],
            &sum,
            &[ConstOp::F32(0x7fa0_0001)],
            &[ConstOp::RefNull(ValType::ExternRef)],
            &[ConstOp::RefFunc(FuncIndex(1))],
        ],
    );
}

#[test]
fn segments_are_found() {
    let module = decode(&binary(EVERYTHING)).unwrap();
    let [active, passive, declared] = &module.elements[..] else { panic!("three segments") };
    let offset = [ConstOp::GlobalGet(GlobalIndex(0)), ConstOp::I32(1), ConstOp::I32Add];
    let offset = ConstExpr::from_iter(offset);
    let mode = ElementMode::Active { table: TableIndex(1), offset };
    assert_eq!(active.mode, mode);
    let functions = [FuncIndex(0), FuncIndex(1)].into();
    assert_eq!(active.items, ElementItems::Functions(functions));
    assert_eq!((&passive.mode, passive.items.len()), (&ElementMode::Passive, 2));
    assert_eq!((&declared.mode, declared.ty), (&ElementMode::Declared, ValType::FuncRef));
    assert_eq!(module.data(crate::DataIndex(0)), b"active");
    assert_eq!(module.data(crate::DataIndex(1)), b"passive");
    assert!(matches!(module.data[0].mode, DataMode::Active { memory: MemoryIndex(2), .. }));
}

#[test]
fn bodies_are_ranges_and_start_with_locals() {
    let bytes = Bytes::from(binary(EVERYTHING));
    let module = Module::decode(bytes.clone()).unwrap();
    assert_eq!(module.body(DefinedFunc(0)).as_ptr(), bytes[module.bodies[0].start..].as_ptr());
    assert_eq!(module.body(DefinedFunc(1)), [0, 0x0b]);
    let mut reader = module.body_reader(DefinedFunc(0));
    let locals = read_locals(&mut reader).unwrap();
    assert_eq!(locals, [(2, ValType::I32), (1, ValType::F64), (1, ValType::ExternRef)]);
    assert_eq!(bytes[reader.original_position() as usize], 0x02, "the block");
}

#[test]
fn de_same_at_every_split_position() {
    let everything = binary(EVERYTHING);
    let expected = describe(&decode(&everything));
    for position in 0..=everything.len() {
        let (head, tail) = everything.split_at(position);
        assert_eq!(describe(&decode_chunks([head, tail])), expected, "split at {position}");
    }
    for size in 1..everything.len() {
        let result = decode_chunks(everything.chunks(size));
        assert_eq!(describe(&result), expected, "chunks of {size}");
    }
}

#[test]
fn de_same_for_corrupt_modules() {
    let everything = binary(EVERYTHING);
    for position in 0..everything.len() {
        for value in [0x00, 0x01, 0x40, 0x7f, 0x80, 0xff] {
            let mut corrupt = everything.clone();
            corrupt[position] = value;
            let whole = decode(&corrupt);
            let cut = decode_chunks(corrupt.chunks(7));
            assert_eq!(describe(&cut), describe(&whole), "{value:#x} at {position}");
            if let Ok(module) = whole {
                // Whether it is valid does not matter here, only that finding out is safe.
                let _ = module.validate_bodies(NonZeroUsize::MIN);
            }
        }
    }
}

#[test]
fn a_truncated_module_is_an_error_with_an_offset() {
    let everything = binary(EVERYTHING);
    let mut accepted = Vec::new();
    for length in 0..everything.len() {
        let truncated = &everything[..length];
        match decode(truncated) {
            Ok(_) => accepted.push(length),
            Err(error) => assert!(error.offset() <= length, "{error} of {length} bytes"),
        }
        let cut = decode_chunks(truncated.chunks(5));
        assert_eq!(describe(&cut), describe(&decode(truncated)), "cut off at {length}");
    }
    // A module ends with any section after which nothing is missing: the header, the types, the
    // imports, and all but the names. (After the functions, bodies are missing.)
    let name = decode(&everything).unwrap().name_section.unwrap();
    assert_eq!((accepted.len(), accepted[0]), (4, 8), "{accepted:?}");
    assert!(name.start - accepted[3] < 8, "the header of the name section");
}

#[test]
fn de_once_a_failed_decoder_stays_failed() {
    let mut broken = binary(EVERYTHING);
    broken[8] = 14; // No such section.
    let mut decoder = Decoder::new();
    let first = decoder.push(&broken).unwrap_err().to_string();
    assert_eq!(decoder.push(&[]).unwrap_err().to_string(), first);
    assert_eq!(decoder.finish().unwrap_err().to_string(), first);
}

#[test]
fn all_but_the_bodies_is_known_when_the_code_section_begins() {
    let everything = binary(EVERYTHING);
    let module = decode(&everything).unwrap();
    let first_body = module.bodies[0].clone();
    let mut decoder = Decoder::new();
    let progress = decoder.push(&everything[..module.code_section.start - 2]).unwrap();
    assert!(!progress.at_code);
    // The size of the first body is not complete yet, but the number of functions is.
    let progress = decoder.push(&everything[progress.bytes..first_body.start - 1]).unwrap();
    assert_eq!((progress.at_code, progress.bodies), (true, 0));
    assert_eq!(decoder.module().defined_functions(), 2);
    assert!(decoder.body(DefinedFunc(0)).is_none());
    let progress = decoder.push(&everything[progress.bytes..first_body.end]).unwrap();
    assert_eq!(progress.bodies, 1);
    assert_eq!(decoder.body(DefinedFunc(0)), Some(module.body(DefinedFunc(0))));
}

#[test]
fn what_we_do_not_have_is_refused() {
    for (text, message) in [
        ("(memory i64 1)", "memory64 must be enabled"),
        ("(memory 1 1 shared)", "threads must be enabled"),
        ("(tag)", "exceptions proposal not enabled"),
        ("(type (struct))", "without the gc feature"),
        ("(table 1 anyref)", "gc feature"),
        ("(func (param (ref func)))", "function references required"),
        ("(global i32 (i32.const 1)) (global i32 (global.get 0))", "locally defined global"),
    ] {
        let error = decode(&binary(text)).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
    let component = b"\0asm\x0d\0\x01\0";
    assert!(decode(component).unwrap_err().message().contains("component"));
}

#[test]
fn oversized_limits_are_refused() {
    for (text, message) in [
        ("(memory 65537)", "memory size must be at most 0x10000"),
        ("(memory 1 65537)", "memory size must be at most 0x10000"),
        ("(memory 2 1)", "size minimum must not be greater than maximum"),
        ("(table 2 1 funcref)", "size minimum must not be greater than maximum"),
    ] {
        let error = decode(&binary(text)).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
    // Largest limits that are valid.
    let module = decode(&binary("(memory 65536) (table 0xffffffff funcref)")).unwrap();
    assert_eq!((module.memories[0].minimum, module.tables[0].minimum), (65536, u32::MAX));
}

#[test]
fn counts_beyond_the_bytes_are_refused_without_allocating_for_them() {
    for section in [1, 2, 3, 4, 5, 6, 7, 9, 10, 11] {
        // A section with 2^28 - 1 items in 4 bytes.
        let bytes = [b"\0asm\x01\0\0\0" as &[u8], &[section, 4, 0xff, 0xff, 0xff, 0x7f]].concat();
        let error = decode(&bytes).unwrap_err();
        assert!(error.offset() <= bytes.len(), "section {section}: {error}");
    }
}

#[test]
fn too_many_locals_are_refused() {
    let locals = [(u32::MAX, ValType::I32), (1, ValType::I64)].len() as u8;
    let body = [locals, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 1, 0x7e, 0x0b];
    let mut reader = wasmparser::BinaryReader::new(&body, 0);
    assert_eq!(
        read_locals(&mut reader).unwrap_err().to_string(),
        "too many locals (at offset 0x1)"
    );
}

#[test]
fn bodies_that_arrived_can_be_read_before_the_rest_is_there() {
    let bytes = binary(EVERYTHING);
    let mut decoder = Decoder::new();
    let mut validated = 0;
    for byte in &bytes {
        let progress = decoder.push(std::slice::from_ref(byte)).unwrap();
        let module = decoder.arrived();
        module.validate_functions(validated..progress.bodies, NonZeroUsize::MIN).unwrap();
        validated = progress.bodies;
    }
    assert_eq!(validated, 2);
    // Who keeps the bytes does not see those that come later.
    let mut decoder = Decoder::new();
    decoder.push(&bytes[..9]).unwrap();
    let kept = decoder.arrived().bytes.clone();
    decoder.push(&bytes[9..]).unwrap();
    assert_eq!(*kept, bytes[..9]);
    assert_eq!(describe(&decoder.finish()), describe(&decode(&bytes)));
}

#[test]
fn code_may_name_data_segments_that_have_not_arrived() {
    let bytes = binary("(module (memory 1) (func (data.drop 0)) (data \"a\"))");
    let mut decoder = Decoder::new();
    let all = decode(&bytes).unwrap();
    decoder.push(&bytes[..all.code_section.end]).unwrap();
    let module = decoder.arrived();
    assert_eq!(module.data.len(), 0);
    assert!(module.has_data_segment(crate::DataIndex(0)));
    assert!(!module.has_data_segment(crate::DataIndex(1)));
}
