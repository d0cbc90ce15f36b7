//! The runtime of Tierup: stores and what lives in them, calls in both directions, traps.
//!
//! The runtime knows how code is called and what it may call; it does not know how code comes to
//! be. When a function without code is called it asks its [`Hooks`].
//!
//! Reading order: `engine`, `module`, `store` are what is shared and owned; `memory`, `table`,
//! `global`, `function`, `externs`, `instance` are the objects; `instantiate` makes them from a
//! module, `collect` reclaims them; `enter`, `call`, `host`, `wrappers`, `lazy`, `builtins` are the
//! ways between host and code; `activation`, `collector` free code; `faults`, `frames`, `backtrace`, `trap` are what happens when code
//! stops.

mod engine;
mod module;
mod types;
mod store;
mod typed_store;
mod slots;
mod roots;
mod owner;
mod value;
mod memory;
mod table;
mod global;
mod function;
mod externs;
mod instance;
mod limiter;
mod const_expr;
mod instantiate;
mod collect;
mod heap;
mod enter;
mod stack;
mod call;
mod host;
mod wrappers;
mod compile_stack;
mod lazy;
mod builtins;
mod replacement;
mod interrupt;
mod fuel;
mod activation;
mod collector;
mod relief;
mod flushes;
mod events;
mod faults;
mod frames;
mod backtrace;
mod trap;
mod error;

pub use backtrace::{Backtrace, Frame};
pub use collect::{Reclaimed, Tracer};
pub use collector::CollectionStats;
pub use engine::{Counters, EngineState, Hooks, LazyError, Next, Refill, RuntimeConfig, Spent};
pub use error::{Error, ErrorKind, MissingImport};
pub use externs::{ExternHandle, ExternObject};
pub use flushes::{FlushCause, FlushStats, Flushed};
pub use function::{FunctionHandle, FunctionObject};
pub use global::{GlobalHandle, GlobalObject};
pub use heap::HeapObject;
pub use host::{HostCall, HostFunction};
pub use instance::{ExternItem, InstanceHandle, InstanceObject};
pub use interrupt::{InterruptAction, InterruptHandle, InterruptHandler};
pub use limiter::{Limiter, Limits, ResourceLimiter};
pub use memory::{MAX_PAGES, MemoryHandle, MemoryObject, PAGE_SIZE};
pub use module::{CompiledModule, ModuleInfo};
pub use roots::RootScope;
pub use slots::Handle;
pub use stack::HOST_RESERVE;
pub use store::{StoreId, StoreState};
pub use table::{TableHandle, TableObject};
pub use tierup_abi::{MemoryMode, TrapKind};
pub use trap::Trap;
pub use typed_store::TypedStore;
pub use types::{RegisteredType, TypeRegistry};
pub use value::Value;
