//! The module `spectest`, which every script may import from.

use tierup::{
    Error, FuncType, Global, GlobalType, Linker, Memory, MemoryType, Mutability, Store, Table,
    TableType, Val, ValType,
};

use crate::session::Host;

const MODULE: &str = "spectest";

pub(crate) fn define(store: &mut Store<Host>, linker: &mut Linker<Host>) -> Result<(), Error> {
    define_functions(linker)?;
    define_globals(store, linker)?;
    let memory = Memory::new(&mut *store, MemoryType { minimum: 1, maximum: Some(2) })?;
    linker.define(MODULE, "memory", memory)?;
    let ty = TableType { element: ValType::FuncRef, minimum: 10, maximum: Some(20) };
    let table = Table::new(&mut *store, ty, Val::FuncRef(None))?;
    linker.define(MODULE, "table", table)?;
    Ok(())
}

/// They exist to be called; what they would print is of no interest.
fn define_functions(linker: &mut Linker<Host>) -> Result<(), Error> {
    use ValType::{F32, F64, I32, I64};
    let functions: [(&str, &[ValType]); 7] = [
        ("print", &[]),
        ("print_i32", &[I32]),
        ("print_i64", &[I64]),
        ("print_f32", &[F32]),
        ("print_f64", &[F64]),
        ("print_i32_f32", &[I32, F32]),
        ("print_f64_f64", &[F64, F64]),
    ];
    for (name, params) in functions {
        let ty = FuncType::new(params.iter().copied(), []);
        linker.func_dynamic(MODULE, name, ty, |_caller, _params, _results| Ok(()))?;
    }
    Ok(())
}

fn define_globals(store: &mut Store<Host>, linker: &mut Linker<Host>) -> Result<(), Error> {
    let globals = [
        ("global_i32", ValType::I32, Val::I32(666)),
        ("global_i64", ValType::I64, Val::I64(666)),
        ("global_f32", ValType::F32, Val::F32(666.6_f32.to_bits())),
        ("global_f64", ValType::F64, Val::F64(666.6_f64.to_bits())),
    ];
    for (name, value, initial) in globals {
        let ty = GlobalType { value, mutability: Mutability::Const };
        let global = Global::new(&mut *store, ty, initial)?;
        linker.define(MODULE, name, global)?;
    }
    Ok(())
}
