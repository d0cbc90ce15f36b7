//! Runs WebAssembly specification scripts (`.wast`) on Tierup.
//!
//! A script makes modules, calls their exports and asserts what comes out. [`run`] executes one
//! and counts; it stops at nothing, so that one report says all that is wrong.
//!
//! ```
//! use tierup_wast::{Between, run};
//!
//! let engine = tierup::Engine::new(&tierup::Config::new())?;
//! let script = r#"
//!     (module (func (export "double") (param i32) (result i32)
//!         (i32.shl (local.get 0) (i32.const 1))))
//!     (assert_return (invoke "double" (i32.const 21)) (i32.const 42))
//! "#;
//! let report = run(&engine, script, Between::Nothing);
//! assert_eq!((report.passed, report.failed.len()), (2, 0));
//! # Ok::<(), tierup::Error>(())
//! ```
#![forbid(unsafe_code)]

mod runner;
mod delivery;
mod report;
mod session;
mod values;
mod spectest;

pub use delivery::Delivery;
pub use report::{Failure, Report};
pub use runner::{Between, Options, Runner, run};
