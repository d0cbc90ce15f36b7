//! The module model of Tierup: what a WebAssembly module contains, in our own plain types.
//!
//! * [`Module::decode`] for bytes that are there, [`Decoder`] for bytes that arrive; both validate
//!   everything but the bodies.
//! * [`Module::validate_bodies`] on several threads, or [`Module::validate_body`] one at a time.
//! * [`Names`] gives functions and locals their names back.
#![forbid(unsafe_code)]

mod types;
mod index;
mod bytes;
mod module;
mod features;
mod error;
mod decode;
mod builder;
mod convert;
mod validate;
mod names;
mod sections;
mod memory;
mod loops;

pub use bytes::Bytes;
pub use convert::read_locals;
pub use decode::{Decoder, Progress};
pub use error::Error;
pub use features::FEATURES;
pub use index::{
    DataIndex, DefinedFunc, ElementIndex, FuncIndex, GlobalIndex, MemoryIndex, TableIndex,
    TypeIndex,
};
pub use module::{
    ConstExpr, ConstOp, DataMode, DataSegment, ElementItems, ElementMode, ElementSegment, Entity,
    Export, Import, Module,
};
pub use names::Names;
pub use sections::Section;
pub use types::{ExternType, FuncType, GlobalType, MemoryType, Mutability, TableType, ValType};
pub use validate::{BodyValidator, BodyValidatorAllocations};
