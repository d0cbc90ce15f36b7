//! From text to machine code, and that as text again.

use std::num::NonZeroUsize;

use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter};
use tierup_abi::{InstanceLayout, MemoryMode};
use tierup_compile::{CompileError, Compiled, Compiler, Request, Settings};
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
    let layout = InstanceLayout::new(module);
    let settings = Settings { memory_mode, ..Settings::default() };
    let function = DefinedFunc(function);
    compiler.compile(&Request { module, layout: &layout, function, settings: &settings })
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

/// The decoded instructions.
pub fn instructions(compiled: &Compiled) -> Vec<Instruction> {
    let code = &compiled.bytes;
    Decoder::with_ip(64, code, 0, DecoderOptions::NONE).into_iter().collect()
}
