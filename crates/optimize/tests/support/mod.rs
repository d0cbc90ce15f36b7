//! What the tests share: the compiler for this machine.

#![allow(dead_code, reason = "every test file uses another part")]

use tierup_abi::MemoryMode;
use tierup_compile::Compiled;
use tierup_compiler_tests::compile as compile_with;
use tierup_optimize::Optimizing;
use tierup_wasm::Module;

/// The compiler for this machine.
pub(crate) fn compiler() -> Optimizing {
    Optimizing::new().expect("the machine is supported")
}

/// Compiles one function with guard pages.
pub(crate) fn compile(module: &Module, function: u32) -> Compiled {
    compile_with(&compiler(), module, function, MemoryMode::Guard).expect("it compiles")
}
