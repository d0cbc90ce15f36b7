//! Golden tests: `*.wat` with the machine code that is expected of them.
//!
//! The expectation follows the module as comments. With `TIERUP_BLESS=1` it is written anew;
//! review the difference. A line `;;! memory = explicit` changes the memory mode,
//! `;;! fuel` has the code take fuel.

use std::{fmt::Write, fs, path::Path};

use codespace::{Position, Target};
use iced_x86::{Formatter, Instruction, IntelFormatter};
use tierup_abi::{MemoryMode, ReferenceKind, TrapKind};
use tierup_compile::{Compiled, Compiler, Settings};

use crate::{compile_with, instructions, module};

/// Compares all files of a folder with what the compiler makes now, which must be the same on any
/// processor; or writes them.
pub fn assert_golden(folder: &Path, compiler: &dyn Compiler) {
    let bless = std::env::var_os("TIERUP_BLESS").is_some();
    let mut different = Vec::new();
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in &paths {
        let old = fs::read_to_string(path).unwrap();
        let new = with_expectation(&old, compiler);
        if bless {
            fs::write(path, new).unwrap();
        } else if old != new {
            different.push(format!("{}:\n{new}", path.display()));
        }
    }
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    assert!(different.is_empty(), "run with TIERUP_BLESS=1:\n{}", different.join("\n"));
}

/// The input with what its functions compile to now.
fn with_expectation(text: &str, compiler: &dyn Compiler) -> String {
    let is_expected = |line: &&str| line.starts_with(";;=") || line.starts_with(";;|");
    let input: Vec<_> = text.lines().filter(|line| !is_expected(line)).collect();
    let mut output = input.join("\n").trim_end().to_string() + "\n";
    let explicit = input.contains(&";;! memory = explicit");
    let memory_mode = if explicit { MemoryMode::Explicit } else { MemoryMode::Guard };
    let consume_fuel = input.contains(&";;! fuel");
    let settings = Settings { memory_mode, consume_fuel, ..Settings::default() };
    let module = module(&output);
    for function in 0..module.defined_functions() {
        let compiled = compile_with(compiler, &module, function, &settings).unwrap();
        writeln!(output, ";;= function {function}, frame of {} bytes", compiled.frame_size)
            .unwrap();
        write_code(&mut output, &compiled);
    }
    output
}

fn write_code(output: &mut String, compiled: &Compiled) {
    let mut formatter = IntelFormatter::new();
    formatter.options_mut().set_branch_leading_zeros(false);
    formatter.options_mut().set_space_after_operand_separator(true);
    for instruction in instructions(compiled) {
        let mut text = String::new();
        formatter.format(&instruction, &mut text);
        let notes = notes(compiled, &instruction);
        let line = format!(";;| {:4x}  {text:36}{notes}", instruction.ip());
        writeln!(output, "{}", line.trim_end()).unwrap();
    }
}

/// What the side tables say about an instruction.
fn notes(compiled: &Compiled, instruction: &Instruction) -> String {
    let start = instruction.ip() as u32;
    let end = instruction.next_ip() as u32;
    let mut notes = String::new();
    for position in compiled.tables.positions.iter().filter(|it| it.offset == start) {
        match position.position {
            Position::NONE => notes.push_str(" @-"),
            position => write!(notes, " @{position}").unwrap(),
        }
    }
    for trap in compiled.tables.traps.iter().filter(|it| it.offset == start) {
        write!(notes, " {:?}", TrapKind::from_code(trap.code).unwrap()).unwrap();
    }
    for relocation in compiled.relocations.iter().filter(|it| (start..end).contains(&it.offset)) {
        match relocation.target {
            Target::Cell(cell) => write!(notes, " cell {cell}").unwrap(),
            other => panic!("{other:?}"),
        }
    }
    for safepoint in compiled.tables.safepoints.iter().filter(|it| it.offset == end) {
        for slot in &safepoint.slots {
            let kind = ReferenceKind::from_code(slot.kind).unwrap();
            write!(notes, " {kind:?}[rbp{:+}]", slot.frame_offset).unwrap();
        }
    }
    notes
}
