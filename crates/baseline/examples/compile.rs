//! Compiles functions of a module and nothing else, for profilers that count instructions:
//! `compile FILE [COUNT]` validates and compiles the first COUNT functions, or all.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use std::error::Error;

use tierup_abi::{InstanceLayout, MemoryMode};
use tierup_baseline::Baseline;
use tierup_compile::{Compiler, Entry, Request, Settings};
use tierup_wasm::{Bytes, DefinedFunc, Module};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("no file")?;
    let module = Module::decode(Bytes::from(std::fs::read(file)?))?;
    let count = arguments.next().map_or(Ok(u32::MAX), |count| count.parse())?;
    let layout = InstanceLayout::new(&module);
    let settings = Settings { memory_mode: MemoryMode::Guard, ..Settings::default() };
    let compiler = Baseline::new();
    let (mut bodies, mut code) = (0, 0);
    for function in (0..module.defined_functions().min(count)).map(DefinedFunc) {
        let request = Request {
            module: &module,
            layout: &layout,
            function,
            entry: Entry::Call,
            settings: &settings,
        };
        if let Ok(compiled) = compiler.validate_and_compile(&request) {
            bodies += module.body(function).len();
            code += compiled.bytes.len();
        }
    }
    println!("{bodies} bytes of bodies, {code} bytes of code");
    Ok(())
}
