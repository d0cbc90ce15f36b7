//! Programs of Wasm, compiled as the engine compiles them.
#![forbid(unsafe_code)]

use std::fmt::Write;

use codespace::Target;
use tierup_abi::InstanceLayout;
use tierup_compile::{Compiled, Compiler, Entry, Request, Settings};
use tierup_optimize::Optimizing;
use tierup_wasm::{Bytes, DefinedFunc, Module};

use super::program::{self, Call, Function, Program};
use crate::Outcome;

pub(crate) fn fibonacci() -> Outcome<Program> {
    const TEXT: &str = "
        (module
          (func $fib (param $n i32) (result i32)
            (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
              (then (local.get $n))
              (else (i32.add
                (call $fib (i32.sub (local.get $n) (i32.const 1)))
                (call $fib (i32.sub (local.get $n) (i32.const 2))))))))";
    program(TEXT, program::NUMBER, program::fibonacci_calls())
}

/// Each function adds up what those return that it calls.
pub(crate) fn graph() -> Outcome<Program> {
    let (edges, calls) = program::edges();
    let mut text = String::from("(module");
    for callees in edges {
        text.push_str("(func (param i32) (result i32) local.get 0");
        for callee in callees {
            write!(text, " local.get 0 call {callee} i32.add")?;
        }
        text.push(')');
    }
    text.push(')');
    program(&text, 1, calls)
}

fn program(text: &str, argument: u32, calls: f64) -> Outcome<Program> {
    let module = Module::decode(Bytes::from(wat::parse_str(text)?))?;
    module.validate_bodies(std::num::NonZeroUsize::MIN)?;
    let (compiler, layout) = (Optimizing::new()?, InstanceLayout::new(&module));
    let settings = &Settings::default();
    let compile = |function| {
        let function = DefinedFunc(function);
        let request =
            Request { module: &module, layout: &layout, function, entry: Entry::Call, settings };
        function_of(compiler.compile(&request)?)
    };
    let functions = (0..module.defined_functions()).map(compile).collect::<Outcome<_>>()?;
    Ok(Program { functions, arguments: [instance(), argument.into()], calls })
}

/// Address of what code takes for an instance whose stack has no limit: all that it looks at is
/// the store's block, and of that the limit, 0. It is never freed.
fn instance() -> u64 {
    let block: &'static [u64; 64] = Box::leak(Box::new([0; 64]));
    let head: &'static [u64; 64] = Box::leak(Box::new([block.as_ptr() as u64; 64]));
    head.as_ptr() as u64
}

/// The same code, with what is known about its calls.
fn function_of(compiled: Compiled) -> Outcome<Function> {
    let mut calls = Vec::new();
    for relocation in &compiled.relocations {
        let Target::Cell(callee) = relocation.target else { return Err("not a cell".into()) };
        calls.push(call_of(&compiled.bytes, relocation.offset as usize, callee)?);
    }
    Ok(Function { bytes: compiled.bytes, calls })
}

/// `mov register, [rip + cell]`, some arguments, `call register`.
fn call_of(bytes: &[u8], operand: usize, callee: u32) -> Outcome<Call> {
    let (start, after) = (operand - 3, operand + 4);
    let register = (bytes[operand - 1] >> 3) & 7;
    let call: &[u8] = match bytes[start] {
        0x48 => &[0xff, 0xd0 | register],
        _ => &[0x41, 0xff, 0xd0 | register],
    };
    // Arguments are moved between registers or from the frame: a few bytes each.
    let distance = bytes[after..].windows(call.len()).position(|window| window == call);
    let distance = distance.filter(|&distance| distance < 24).ok_or("no call for a cell")?;
    let between = after..after + distance;
    Ok(Call { start, operand, end: between.end + call.len(), between, callee })
}
