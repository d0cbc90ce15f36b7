//! Types of WebAssembly values in the IR.

use cranelift_codegen::ir::{Type, types};
use tierup_wasm::ValType;

/// The IR type of a value of type `ty`, wherever control flow joins and values leave the function.
pub(crate) fn ir_type(ty: ValType) -> Type {
    match ty {
        ValType::I32 | ValType::ExternRef => types::I32,
        ValType::I64 | ValType::FuncRef => types::I64,
        ValType::F32 => types::F32,
        ValType::F64 => types::F64,
        ValType::V128 => types::I8X16,
    }
}
