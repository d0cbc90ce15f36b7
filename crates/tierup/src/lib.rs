//! Tierup: a WebAssembly engine that starts at once and manages its code.
//!
//! ```
//! use tierup::{Caller, Config, Engine, Linker, Module, Store};
//!
//! # fn main() -> Result<(), tierup::Error> {
//! let engine = Engine::new(&Config::new())?;
//! let module = Module::new(&engine, r#"
//!     (module
//!       (import "env" "log" (func $log (param i32)))
//!       (func (export "add") (param i32 i32) (result i32)
//!         (call $log (local.get 0))
//!         (i32.add (local.get 0) (local.get 1))))
//! "#)?;
//! let mut store = Store::new(&engine, Vec::new());
//! let mut linker = Linker::new(&engine);
//! linker.func("env", "log", |mut caller: Caller<'_, Vec<i32>>, n: i32| caller.data_mut().push(n))?;
//! let instance = linker.instantiate(&mut store, &module)?;
//! let add = instance.typed_func::<(i32, i32), i32>(&mut store, "add")?;
//! assert_eq!(add.call(&mut store, (2, 3))?, 5);
//! assert_eq!(store.data(), &[2]);
//! # Ok(())
//! # }
//! ```
//!
//! # Glossary
//!
//! * An [`Engine`] owns compilers and code memory. A [`Module`] is decoded and validated, and has
//!   a place for its code; its functions are compiled when they are called.
//! * A [`Store`] owns instances and what they use, and data of the host. It runs on one thread at
//!   a time; many stores run the same module on many threads.
//! * A [`Linker`] names what modules import. An [`Instance`] is a module with its imports.
//! * [`Func`], [`Memory`], [`Table`], [`Global`] and [`ExternRef`] are handles: small, `Copy`, and
//!   only good for their store.
#![forbid(unsafe_code)]

mod config;
mod engine;
mod tenant;
mod cgroup;
mod pressure;
mod helpers;
mod hooks;
mod module;
mod module_builder;
mod sharing;
mod function_code;
mod code_map;
mod context;
mod linker;
mod instance;
mod func;
mod typed;
mod numeric;
mod values;
mod objects;
mod tracer;
mod stats;

pub use code_map::{CellSpace, CodeArena, CodeMap, CodeObject};
pub use codespace::{
    Distributions, FaultKind, FaultPlan, Filter, Kind as CodeKind, Memory as CodeMemory, Removed,
    Stats as CodeStats, Summary, TenantStats, Tier, UnitEstimate,
};
pub use config::{CompilerStrategy, Config, Protection};
pub use context::{AsContext, AsContextMut, Caller, Store, StoreContext, StoreContextMut};
pub use engine::{Engine, MemoryPressure};
pub use func::Func;
pub use function_code::FunctionCode;
pub use instance::{Extern, Instance};
pub use linker::Linker;
pub use module::{ExportType, ImportType, Module, ModuleOptions};
pub use module_builder::ModuleBuilder;
pub use numeric::{NumericFunc, RawValue};
pub use objects::{Global, Memory, Table};
pub use pressure::{PressureWatch, WatchState};
pub use sharing::SharingStats;
pub use stats::{EngineStats, MemoryStats, ModuleStats};
pub use tenant::Tenant;
/// What a compiler is, for those who bring their own.
pub use tierup_compile as compile;
pub use tierup_compile::{Estimate, TierEstimate};
pub use tierup_runtime::{
    Backtrace, CollectionStats, Error, ErrorKind, FlushStats, Flushed, Frame, HOST_RESERVE,
    InterruptAction, InterruptHandle, Limits, MemoryMode, MissingImport, Reclaimed,
    ResourceLimiter, Trap, TrapKind,
};
pub use tierup_tiering::{
    CompileFailure, CompileStats, Executor, PoolLoad, ReplacementCounts, TierCounts, TierUpCounts,
};
pub use tierup_wasm::{
    Bytes, ExternType, FuncType, GlobalType, MemoryType, Mutability, Section, TableType, ValType,
};
pub use tracer::{Held, Tracer};
pub use typed::{HostResults, IntoFunc, TypedFunc, WasmParams, WasmResults, WasmTy};
pub use values::{ExternRef, Val};

/// The README's example is compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
