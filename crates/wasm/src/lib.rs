//! The module model of Tierup: what a WebAssembly module contains, in our own plain types.

mod types;
mod index;
mod bytes;
mod module;

pub use bytes::Bytes;
pub use index::{
    DataIndex, DefinedFunc, ElementIndex, FuncIndex, GlobalIndex, MemoryIndex, TableIndex,
    TypeIndex,
};
pub use module::{
    ConstExpr, ConstOp, DataMode, DataSegment, ElementItems, ElementMode, ElementSegment, Entity,
    Export, Import, Module,
};
pub use types::{ExternType, FuncType, GlobalType, MemoryType, Mutability, TableType, ValType};
