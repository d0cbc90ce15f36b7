//! The contract between Tierup's compilers, its runtime and the machine code between them.
//!
//! Everything that two of the three must agree on is defined here once: the structs that code
//! reads, the layout of instances, calling convention, trap codes, builtins.
#![forbid(unsafe_code)]

mod machine_struct;
mod structs;
mod layout;
mod call;
mod trap;
mod builtin;
mod fuel;
mod memory_mode;
mod reference;
mod replacement;

pub use builtin::{BUILTIN_TABLE_LEN, Builtin, LOOP, MachineType, UNWIND_OFFSET};
pub use call::{ARGUMENT_GPRS, CallLayout, Gpr, Place, RESULT_GPRS, VECTOR_REGISTERS, Xmm};
pub use fuel::{BYTES_PER_FUEL, FUEL_PER_ELEMENT};
pub use layout::{GlobalPlace, InstanceLayout};
pub use memory_mode::{GUARD_OFFSET, GUARD_RESERVATION, MemoryMode};
pub use reference::ReferenceKind;
pub use replacement::{BufferLayout, FrameHead, FrameMap, FrameMapWriter, FrameValue, Home};
pub use structs::{
    FuncRecord, GlobalRecord, ImportedFunc, InstanceBudget, InstanceHead, InstanceMemory,
    MemoryRecord, NULL_TYPE_ID, StoreBlock, TableEntry, TableRecord, VALUE_SIZE,
};
pub use trap::TrapKind;
