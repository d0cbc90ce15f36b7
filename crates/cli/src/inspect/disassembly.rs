//! `--code`: machine code with cells, traps, source positions and constants named.
//!
//! ```text
//!   wasm 0x2a
//!     0x0010  call qword ptr [rip+0x1ff0]        cell of function 3 (fib)
//!     0x0016  hlt                                trap: unreachable
//!   data
//!     0x0020  00 00 80 3f 00 00 80 3f 00 00 80 3f 00 00 80 3f
//! ```
#![forbid(unsafe_code)]

use std::{fmt::Write as _, ops::Range};

use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter};
use tierup::{FunctionCode, Module, demangle};

use super::data;
use crate::{foreign::foreign, outcome::Failure};

/// The code that a function has; it is compiled if it has none.
pub(super) fn of(module: &Module, wanted: &str) -> Result<String, Failure> {
    let function = find(module, wanted)?;
    module.compile_function(function)?;
    let code = module
        .function_code(function)
        .ok_or_else(|| Failure::error(format!("function {function} has no code")))?;
    Ok(Listing::of(module, function, &code))
}

/// The function with that index or name. As it was written, a name may be that of several functions.
fn find(module: &Module, wanted: &str) -> Result<u32, Failure> {
    let functions = module.imported_function_count()..module.function_count();
    let named = |is_wanted: &dyn Fn(&str) -> bool| -> Vec<u32> {
        let is_wanted = |index: &u32| module.function_name(*index).is_some_and(is_wanted);
        functions.clone().filter(is_wanted).collect()
    };
    let mut found = match wanted.parse::<u32>() {
        Ok(index) => functions.clone().filter(|&function| function == index).collect(),
        Err(_) => named(&|name| name == wanted),
    };
    if found.is_empty() {
        found = named(&|name| demangle(name) == wanted);
        if 1 < found.len() {
            return Err(Failure::error(format!("functions {found:?} are called `{wanted}`")));
        }
    }
    let (first, last) = (functions.start, functions.end);
    found.first().copied().ok_or_else(|| {
        Failure::error(format!(
            "the module defines no function `{wanted}`; it has {first} to {last}, exclusive"
        ))
    })
}

/// A listing that is being written.
struct Listing<'a> {
    module: &'a Module,
    code: &'a FunctionCode,
    formatter: IntelFormatter,
    text: String,
}

impl<'a> Listing<'a> {
    fn of(module: &'a Module, function: u32, code: &'a FunctionCode) -> String {
        let mut formatter = IntelFormatter::new();
        formatter.options_mut().set_rip_relative_addresses(true);
        formatter.options_mut().set_branch_leading_zeros(false);
        formatter.options_mut().set_hex_prefix("0x");
        formatter.options_mut().set_hex_suffix("");
        formatter.options_mut().set_uppercase_hex(false);
        let text = format!(
            "function {function}{}: {:?}, {} bytes\n",
            name(module, function),
            code.tier(),
            code.bytes().len()
        );
        let mut listing = Self { module, code, formatter, text };
        listing.write();
        listing.text
    }

    fn write(&mut self) {
        let code = self.code;
        let mut start = 0;
        for data in data::ranges(code.bytes()) {
            self.instructions(start..data.start);
            self.data(data.clone());
            start = data.end;
        }
        self.instructions(start..code.bytes().len());
    }

    /// Instructions, with what is known of them.
    fn instructions(&mut self, range: Range<usize>) {
        let (module, code) = (self.module, self.code);
        let mut positions =
            code.positions().skip_while(|&(start, _)| (start as usize) < range.start).peekable();
        let mut traps = code.traps().skip_while(|&(at, _)| (at as usize) < range.start).peekable();
        // Offsets instead of addresses, so that the listing of a function is always the same.
        let bytes = &code.bytes()[range.clone()];
        let mut decoder = Decoder::with_ip(64, bytes, range.start as u64, DecoderOptions::NONE);
        let mut instruction = Instruction::default();
        while decoder.can_decode() {
            decoder.decode_out(&mut instruction);
            let offset = instruction.ip() as u32;
            while let Some((_, position)) = positions.next_if(|&(start, _)| start <= offset) {
                // Writing to a string does not fail.
                let _ = match position {
                    Some(position) => writeln!(self.text, "  wasm 0x{position:x}"),
                    None => writeln!(self.text, "  no position"),
                };
            }
            let trap = traps.next_if(|&(at, _)| at == offset);
            let mut line = String::new();
            self.formatter.format(&instruction, &mut line);
            let note = match trap {
                Some((_, kind)) => format!("trap: {}", kind.message()),
                None => cell_note(module, code, &instruction).unwrap_or_default(),
            };
            let line = format!("    0x{offset:04x}  {line:<44}{note}");
            let _ = writeln!(self.text, "{}", line.trim_end());
        }
    }

    /// Bytes that are no instructions, and padding before them.
    fn data(&mut self, range: Range<usize>) {
        self.text.push_str("  data\n");
        let mut start = range.start;
        while start < range.end {
            // Lines end at multiples of 16, so that constants stand in one.
            let end = (start + 1).next_multiple_of(16).min(range.end);
            let digits: Vec<_> =
                self.code.bytes()[start..end].iter().map(|byte| format!("{byte:02x}")).collect();
            let _ = writeln!(self.text, "    0x{start:04x}  {}", digits.join(" "));
            start = end;
        }
    }
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
    module
        .function_name(function)
        .map_or_else(String::new, |name| format!(" ({})", foreign(&demangle(name))))
}
