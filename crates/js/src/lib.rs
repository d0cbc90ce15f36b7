//! JavaScript's `WebAssembly` namespace on Tierup, for scripts embedded in Rust programs.
//!
//! ```
//! # fn main() -> Result<(), tierup_js::ScriptError> {
//! let engine = tierup::Engine::default();
//! let realm = tierup_js::Realm::new(&engine)?;
//! realm.eval("empty.js", r#"
//!     const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
//!     WebAssembly.instantiate(bytes).then(({ instance }) => { globalThis.instance = instance });
//! "#)?;
//! realm.run_jobs()?;
//! realm.eval("check.js", "if (!(instance instanceof WebAssembly.Instance)) throw Error()")?;
//! # Ok(())
//! # }
//! ```
//!
//! The JavaScript engine is QuickJS, by way of [`rquickjs`], whose types appear in [`Realm`]: what
//! the realm's global object has besides the namespace is the embedder's matter.
//!
//! ```text
//!   realm ──► namespace ──► module, instance, memory, table, global, errors     what scripts see
//!                │              └──► fetch, streaming                             modules from responses
//!                │              └──► define, native, convert, buffer_source     WebIDL
//!                ▼
//!   state ──► exports, imports, plain_calls, buffers, stack_trace    between scripts and Wasm
//!     └─────► store_cell, values, wrapper, collect        between their heaps
//! ```

pub use rquickjs;

mod realm;
mod script_error;
mod namespace;
mod module;
mod instance;
mod memory;
mod table;
mod global;
mod errors;
mod array_buffer;
mod define;
mod native;
mod convert;
mod buffer_source;
mod exports;
mod imports;
mod buffers;
mod stack_trace;
mod state;
mod store_cell;
mod values;
mod wrapper;
mod collect;
mod limits;
mod fetch;
mod streaming;
mod raw;
mod plain_calls;
mod shell;

pub use fetch::Fetched;
pub use realm::{Interrupt, Realm, RealmOptions};
pub use script_error::ScriptError;
pub use shell::{Exposure, FileKind, Rejections, Shell, ShellError, ShellOptions};
