//! `tierup inspect`: machine code with cells, traps and source positions named.
//!
//! ```text
//!   wasm 0x2a
//!     0x0010  call qword ptr [rip+0x1ff0]        cell of function 3 (fib)
//!     0x0016  hlt                                trap: unreachable
//! ```

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter};
use tierup::{FunctionCode, Module};

use crate::{args::InspectArgs, outcome::Failure, run};

/// Disassembles a function. The exit code is 0.
pub(crate) fn run(args: &InspectArgs) -> Result<u8, Failure> {
    let module = run::load(&run::engine(&args.engine)?, &args.file)?;
    let function = find(&module, &args.function)?;
    module.compile_function(function)?;
    let code = module
        .function_code(function)
        .ok_or_else(|| Failure::error(format!("function {function} has no code")))?;
    let text = listing(&module, function, &code);
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::error(format!("cannot print the code: {error}")))?;
    Ok(0)
}

/// The function with that index or name.
fn find(module: &Module, wanted: &str) -> Result<u32, Failure> {
    let functions = module.imported_function_count()..module.function_count();
    let found = match wanted.parse() {
        Ok(index) => Some(index).filter(|index| functions.contains(index)),
        Err(_) => functions.clone().find(|&index| module.function_name(index) == Some(wanted)),
    };
    let (first, last) = (functions.start, functions.end);
    found.ok_or_else(|| {
        Failure::error(format!(
            "the module defines no function `{wanted}`; it has {first} to {last}, exclusive"
        ))
    })
}

fn listing(module: &Module, function: u32, code: &FunctionCode) -> String {
    let mut text = format!(
        "function {function}{}: {:?}, {} bytes\n",
        name(module, function),
        code.tier(),
        code.bytes().len()
    );
    // Offsets instead of addresses, so that the listing of a function is always the same.
    let mut decoder = Decoder::with_ip(64, code.bytes(), 0, DecoderOptions::NONE);
    let mut positions = code.positions().peekable();
    let mut traps = code.traps().peekable();
    let mut formatter = IntelFormatter::new();
    formatter.options_mut().set_rip_relative_addresses(true);
    formatter.options_mut().set_branch_leading_zeros(false);
    formatter.options_mut().set_hex_prefix("0x");
    formatter.options_mut().set_hex_suffix("");
    formatter.options_mut().set_uppercase_hex(false);
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        let offset = instruction.ip() as u32;
        while let Some((_, position)) = positions.next_if(|&(start, _)| start <= offset) {
            // Writing to a string does not fail.
            let _ = match position {
                Some(position) => writeln!(text, "  wasm 0x{position:x}"),
                None => writeln!(text, "  no position"),
            };
        }
        let trap = traps.next_if(|&(at, _)| at == offset);
        let mut line = String::new();
        formatter.format(&instruction, &mut line);
        let note = match trap {
            Some((_, kind)) => format!("trap: {}", kind.message()),
            None => cell_note(module, code, &instruction).unwrap_or_default(),
        };
        let line = format!("    0x{offset:04x}  {line:<44}{note}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// Which function's cell an instruction loads.
fn cell_note(module: &Module, code: &FunctionCode, instruction: &Instruction) -> Option<String> {
    let is_relative = instruction.is_ip_rel_memory_operand();
    let offset = is_relative.then(|| instruction.ip_rel_memory_address())?;
    let address = code.address().wrapping_add(offset as usize);
    let function = code.function_of_cell(address)?;
    Some(format!("cell of function {function}{}", name(module, function)))
}

fn name(module: &Module, function: u32) -> String {
    module.function_name(function).map_or_else(String::new, |name| format!(" ({name})"))
}
