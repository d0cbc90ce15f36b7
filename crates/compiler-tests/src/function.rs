//! From text to machine code, and that as text again.

use std::num::NonZeroUsize;

use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, Mnemonic};
use tierup_abi::{InstanceLayout, MemoryMode};
use tierup_compile::{CompileError, Compiled, Compiler, Entry, Request, Settings};
use tierup_wasm::{Bytes, DefinedFunc, Module};

/// A decoded and valid module.
pub fn module(text: &str) -> Module {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    binary_module(bytes)
}

/// The same from bytes.
pub fn binary_module(bytes: Vec<u8>) -> Module {
    let module = Module::decode(Bytes::from(bytes)).unwrap();
    module.validate_bodies(NonZeroUsize::MIN).unwrap();
    module
}

/// Compiles one function.
///
/// # Errors
///
/// What the compiler says.
pub fn compile(
    compiler: &dyn Compiler,
    module: &Module,
    function: u32,
    memory_mode: MemoryMode,
) -> Result<Compiled, CompileError> {
    compile_with(compiler, module, function, &Settings { memory_mode, ..Settings::default() })
}

/// Compiles one function with these settings.
///
/// # Errors
///
/// What the compiler says.
pub fn compile_with(
    compiler: &dyn Compiler,
    module: &Module,
    function: u32,
    settings: &Settings,
) -> Result<Compiled, CompileError> {
    let layout = InstanceLayout::new(module);
    let function = DefinedFunc(function);
    compiler.compile(&Request { module, layout: &layout, function, entry: Entry::Call, settings })
}

/// Machine code as text, one instruction a line, constants left out.
pub fn disassemble(compiled: &Compiled) -> Vec<String> {
    instructions(compiled)
        .into_iter()
        .map(|instruction| {
            let mut text = String::new();
            IntelFormatter::new().format(&instruction, &mut text);
            format!("{:4x}  {text}", instruction.ip())
        })
        .collect()
}

/// The decoded instructions: what others refer to as data is behind them all.
pub fn instructions(compiled: &Compiled) -> Vec<Instruction> {
    let code = &compiled.bytes;
    let mut end = code.len() as u64;
    let mut instructions = Vec::new();
    for instruction in &mut Decoder::with_ip(64, code, 0, DecoderOptions::NONE) {
        if instruction.ip() >= end {
            break;
        }
        let range = instruction.ip()..instruction.next_ip();
        let is_cell = compiled.relocations.iter().any(|it| range.contains(&u64::from(it.offset)));
        if instruction.is_ip_rel_memory_operand() && !is_cell {
            end = end.min(instruction.ip_rel_memory_address());
        }
        instructions.push(instruction);
    }
    // What fills up to the data.
    while instructions.pop_if(|last| last.mnemonic() == Mnemonic::Int3).is_some() {}
    instructions
}
