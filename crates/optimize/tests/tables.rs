//! What the compiled code says about itself: traps, positions, safepoints, relocations.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use codespace::{Position, RelocationKind, Target};
use iced_x86::{Instruction, Mnemonic};
use tierup_abi::{MemoryMode, TrapKind};
use tierup_compile::{CompileErrorKind, Compiled};
use tierup_compiler_tests::{compile, disassemble, instructions, module};
use tierup_optimize::Optimizing;
use tierup_wasm::{Bytes, Module};

/// Kinds of the traps of the first function with this signature and body.
fn trap_kinds(signature: &str, body: &str) -> Vec<TrapKind> {
    let text = format!(
        "(module (memory 1) (table 1 funcref) (table $things 1 externref)
          (func {signature} {body}))"
    );
    let compiled = support::compile(&module(&text), 0);
    let mut kinds: Vec<_> =
        compiled.tables.traps.iter().map(|trap| TrapKind::from_code(trap.code).unwrap()).collect();
    kinds.sort_by_key(|kind| *kind as u8);
    kinds.dedup();
    kinds
}

#[test]
fn traps_have_our_numbers() {
    let binary = "local.get 0 local.get 0 ";
    for (signature, body, expected) in [
        ("", "unreachable", vec![TrapKind::Unreachable]),
        (
            "(param i32) (result i32)",
            &format!("{binary} i32.div_s"),
            vec![TrapKind::IntegerDivideByZero, TrapKind::IntegerOverflow],
        ),
        (
            "(param i64) (result i64)",
            &format!("{binary} i64.rem_u"),
            vec![TrapKind::IntegerDivideByZero],
        ),
        (
            "(param f64) (result i32)",
            "local.get 0 i32.trunc_f64_s",
            vec![TrapKind::IntegerOverflow, TrapKind::InvalidConversion],
        ),
        ("(param i32) (result i32)", "local.get 0 i32.load", vec![TrapKind::MemoryOutOfBounds]),
        ("(param i32)", "local.get 0 table.get $things drop", vec![TrapKind::TableOutOfBounds]),
        (
            "(param i32)",
            "local.get 0 call_indirect",
            vec![
                TrapKind::UndefinedElement,
                TrapKind::UninitializedElement,
                TrapKind::IndirectCallTypeMismatch,
            ],
        ),
    ] {
        assert_eq!(trap_kinds(signature, body), expected, "{body}");
    }
}

fn position_at(compiled: &Compiled, offset: u32) -> u32 {
    let positions = &compiled.tables.positions;
    let after = positions.partition_point(|position| position.offset <= offset);
    positions[after - 1].position
}

const BUSY: &str = r#"(module
  (import "host" "use" (func $use (param externref) (result i32)))
  (memory 1)
  (table 10 funcref)
  (func (param i32 externref) (result i32)
    (loop $again
      (i32.store (local.get 0) (call $use (local.get 1)))
      (drop (call_indirect (result i32) (local.get 0)))
      (drop (memory.grow (i32.div_u (local.get 0) (i32.load (local.get 0)))))
      (br_if $again (i32.trunc_f32_s (f32.load offset=40000000 (local.get 0)))))
    (drop (table.get (local.get 0)))
    (return_call_indirect (result i32) (local.get 0))))"#;

#[test]
fn every_trap_and_every_call_has_a_position() {
    let module = module(BUSY);
    let body = module.bodies[0].clone();
    for mode in [MemoryMode::Guard, MemoryMode::Explicit] {
        let compiler = Optimizing::new().unwrap();
        let compiled = compile(&compiler, &module, 0, mode).unwrap();
        for trap in &compiled.tables.traps {
            assert!(body.contains(&(position_at(&compiled, trap.offset) as usize)));
        }
        let is_call = |it: &&Instruction| it.mnemonic() == Mnemonic::Call;
        let instructions = instructions(&compiled);
        let calls: Vec<_> = instructions.iter().filter(is_call).collect();
        assert_eq!(calls.len(), 6);
        for call in calls {
            // A walker looks up the byte before the return address.
            let position = position_at(&compiled, call.next_ip() as u32 - 1);
            assert!(body.contains(&(position as usize)));
        }
    }
}

#[test]
fn tables_are_sorted_and_stay_inside() {
    let compiled = support::compile(&module(BUSY), 0);
    let size = compiled.bytes.len() as u32;
    let tables = &compiled.tables;
    assert!(tables.traps.is_sorted_by(|a, b| a.offset < b.offset));
    assert!(tables.positions.is_sorted_by(|a, b| a.offset < b.offset));
    assert!(tables.safepoints.is_sorted_by(|a, b| a.offset < b.offset));
    assert!(tables.traps.iter().all(|it| it.offset < size));
    assert_eq!(tables.positions[0], Position { offset: 0, position: Position::NONE });
    // All calls in the loop and the poll of the prologue keep the externref.
    assert_eq!(tables.safepoints.len(), 5);
    for slot in tables.safepoints.iter().flat_map(|it| &it.slots) {
        assert!(slot.frame_offset < 0 && slot.frame_offset >= -(compiled.frame_size as i32));
    }
}

#[test]
fn every_loop_of_a_nest_polls() {
    let nest =
        "loop loop loop local.get 0 br_if 0 end local.get 0 br_if 0 end local.get 0 br_if 0 end";
    let compiled = support::compile(&module(&format!("(module (func (param i32) {nest}))")), 0);
    let lines = disassemble(&compiled);
    let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    // The sign of the limit for each loop, the whole limit once for the entry.
    assert_eq!((count("jl "), count("jb "), count("call ")), (3, 1, 4), "{lines:#?}");
}

#[test]
fn direct_calls_and_nothing_else_need_relocations() {
    let module = module(
        "(module (import \"host\" \"f\" (func $imported)) (func $a) (func $b)
          (func call $imported call $b call $a return_call $b))",
    );
    let compiled = support::compile(&module, 2);
    let cells: Vec<_> = compiled.relocations.iter().map(|it| it.target).collect();
    assert_eq!(cells, [Target::Cell(1), Target::Cell(0), Target::Cell(1)]);
    for relocation in &compiled.relocations {
        assert_eq!(relocation.kind, RelocationKind::Relative4);
        assert_eq!(relocation.addend, -4);
    }
}

#[test]
fn equal_input_gives_equal_output() {
    let first = module(BUSY);
    let second = module(BUSY);
    let compiled = support::compile(&first, 0);
    let elsewhere = std::thread::spawn(move || support::compile(&second, 0)).join().unwrap();
    for other in [support::compile(&first, 0), elsewhere] {
        assert_eq!(compiled.bytes, other.bytes);
        assert_eq!(compiled.relocations, other.relocations);
        assert_eq!(compiled.tables, other.tables);
    }
}

#[test]
fn invalid_bodies_give_errors() {
    // Decoded only: the bodies are not valid.
    for body in [
        "i32.add drop",
        "i32.const 1 i64.const 2 i32.add drop",
        "local.get 7 drop",
        "i32.const 1 i8x16.popcnt drop",
        "i64.const 0 if end",
        "block (result i32) f32.const 0 end drop",
        "f64.const 0 return_call 1",
    ] {
        let text = format!("(module (func {body}) (func (result i32) i32.const 1))");
        let bytes = wat::parse_str(&text).unwrap();
        let module = Module::decode(Bytes::from(bytes)).unwrap();
        let compiler = Optimizing::new().unwrap();
        let error = compile(&compiler, &module, 0, MemoryMode::Guard).unwrap_err();
        assert!(matches!(error.kind(), CompileErrorKind::Invalid { .. }), "{body}: {error}");
    }
}

#[test]
fn mutated_bodies_never_panic() {
    let bytes = wat::parse_str(BUSY).unwrap();
    let range = module(BUSY).bodies[0].clone();
    let compiler = Optimizing::new().unwrap();
    let mut compiled = 0;
    for index in range {
        for change in [1, 0x0f, 0x80] {
            let mut mutated = bytes.clone();
            mutated[index] ^= change;
            let Ok(module) = Module::decode(Bytes::from(mutated)) else { continue };
            let result = compile(&compiler, &module, 0, MemoryMode::Guard);
            compiled += usize::from(result.is_ok());
        }
    }
    assert!(compiled > 0);
}

#[test]
fn a_failure_leaves_no_trace_in_the_next_function() {
    let bytes = wat::parse_str("(module (func i32.add drop) (func))").unwrap();
    let module = Module::decode(Bytes::from(bytes)).unwrap();
    let compiler = Optimizing::new().unwrap();
    let expected = support::compile(&module, 1);
    for _ in 0..3 {
        compile(&compiler, &module, 0, MemoryMode::Guard).unwrap_err();
        assert_eq!(support::compile(&module, 1).bytes, expected.bytes);
    }
}
