//! Programs that end otherwise than by returning.

use std::process::Command;

use crate::support::{Ended, Scratch, program};

const TRAPS: &str = r#"(module $lib
  (memory (export "memory") 1)
  (func $inner (drop (i32.load (i32.const -1))))
  (func $outer (call $inner))
  (func (export "_start") (call $outer))
  (func $deeper (export "recurse") (call $deeper) (call $deeper))
  (func (export "divide") (param i32 i32) (result i32)
    (i32.div_s (local.get 0) (local.get 1)))
  (func (export "unreachable") unreachable)
  (table 1 funcref)
  (func (export "null") (call_indirect (i32.const 0)))
  (func (export "loop") (loop (br 0))))"#;

fn traps() -> Scratch {
    Scratch::with("traps.wat", TRAPS)
}

#[test]
fn a_trap_is_told_with_the_names_of_all_callers() {
    let ended = traps().run("traps.wat");
    ended.with(134, "tierup: trap: out of bounds memory access\n    at wasm-function[0]:0x");
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 4, "{ended:#?}");
    assert!(lines[1].ends_with("(lib!inner)"), "{ended:#?}");
    assert!(lines[2].contains("wasm-function[1]:0x"), "{ended:#?}");
    assert!(lines[2].ends_with("(lib!outer)"), "{ended:#?}");
    assert!(lines[3].contains("wasm-function[2]:0x"), "{ended:#?}");
}

#[test]
fn names_of_callers_are_as_they_were_written() {
    let module = r#"(module
      (func (@name "_ZN4core9panicking5panic17h0123456789abcdefE") unreachable)
      (func (@name "_RNvCs1234_7mycrate3foo") (call 0))
      (func (@name "_ZN3geo5Shape4areaEi") (call 1))
      (func (@name "\1b[31m_Z") (call 2))
      (func (export "_start") (call 3)))"#;
    let ended = Scratch::with("mangled.wat", module).run("mangled.wat");
    ended.with(134, "unreachable");
    let names: Vec<_> =
        ended.stderr.lines().filter_map(|line| line.split_once(" (")).map(|(_, it)| it).collect();
    let expected =
        ["core::panicking::panic)", "mycrate::foo)", "geo::Shape::area(int))", r"\u{1b}[31m_Z)"];
    assert_eq!(names, expected, "{ended:#?}");
}

#[test]
fn each_kind_of_trap_says_what_it_is() {
    let traps = traps();
    let rows = [
        ("divide traps.wat 1 0", "integer divide by zero"),
        ("divide traps.wat -2147483648 -1", "integer overflow"),
        ("unreachable traps.wat", "unreachable"),
        ("null traps.wat", "uninitialized element"),
    ];
    for (command, message) in rows {
        traps.run(&format!("--invoke {command}")).with(134, message);
    }
}

#[test]
fn endless_recursion_is_a_trap_with_a_short_backtrace() {
    for options in ["", "-W max-wasm-stack=64K", "-W max-wasm-stack=1"] {
        let ended = traps().run(&format!("{options} --invoke recurse traps.wat"));
        ended.with(134, "trap: call stack exhausted");
        assert!(ended.stderr.lines().count() < 100, "{ended:#?}");
    }
}

#[test]
fn exit_codes_are_the_programs_own() {
    for code in [0, 1, 7, 134, 255] {
        let program = program("", &format!("(i32.const {code})"));
        let ended = Scratch::with("exit.wat", program).run("exit.wat");
        ended.with(code, "");
        assert_eq!(ended.stderr, "");
    }
}

#[test]
fn a_program_that_does_not_end_is_stopped() {
    traps().run("-W timeout=100ms --invoke loop traps.wat").with(134, "interrupted");
}

#[test]
fn a_program_that_uses_its_fuel_up_is_stopped() {
    for compiler in ["baseline", "optimizing", "tiered"] {
        let command = format!("-C compiler={compiler} -W fuel=1000000 --invoke loop traps.wat");
        traps().run(&command).with(134, "trap: out of fuel");
    }
    // The call, two operands and the addition.
    let library = r#"(module (func (export "add") (param i32 i32) (result i32)
        (i32.add (local.get 0) (local.get 1))))"#;
    let library = Scratch::with("library.wat", library);
    library.run("-W fuel=4 --invoke add library.wat 2 3").printed("5\n");
    library.run("-W fuel=3 --invoke add library.wat 2 3").with(134, "trap: out of fuel");
    library.run("-W fuel=18446744073709551615 --invoke add library.wat 2 3").printed("5\n");
}

/// Nothing interrupts a system call.
#[test]
fn a_program_that_waits_is_stopped() {
    // One subscription to the monotonic clock, in a day: nobody sees this test end if it waits.
    let subscription = [0; 16].map(|_: u8| r"\00").concat()
        + r"\01\00\00\00\00\00\00\00"
        + r"\00\00\4f\91\94\4e\00\00"
        + &[0; 16].map(|_: u8| r"\00").concat();
    let body = "(call $poll (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 2048))";
    let scratch = Scratch::with("sleep.wat", program(&subscription, body));
    scratch.run("-W timeout=100ms sleep.wat").with(134, "interrupted");
}

#[test]
fn a_timeout_that_is_not_reached_changes_nothing() {
    Scratch::with("exit.wat", program("", "(i32.const 7)"))
        .run("-W timeout=1m exit.wat")
        .with(7, "");
}

/// However much stack the shell's limits give the main thread.
#[test]
fn stack_is_what_the_option_says() {
    // A frame takes 16 bytes at least.
    let module = r#"(module (func $deep (export "deep") (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
        (else (i32.const 0)))))"#;
    let scratch = Scratch::with("deep.wat", module);
    scratch.run("--invoke deep deep.wat 10000").printed("10000\n");
    scratch.run("--invoke deep deep.wat 1000000").with(134, "call stack exhausted");
    scratch.run("-W max-wasm-stack=256M --invoke deep deep.wat 1000000").printed("1000000\n");
    let command =
        format!("ulimit -s 256; {} --invoke deep deep.wat 10000", env!("CARGO_BIN_EXE_tierup"));
    let output = Command::new("sh").args(["-c", &command]).current_dir(scratch.path("")).output();
    Ended::from(output.unwrap()).printed("10000\n");
}
