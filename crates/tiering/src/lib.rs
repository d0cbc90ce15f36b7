//! When to compile what with which compiler.
//!
//! Tiering knows modules, units and compilers; it does not know stores or running code. The
//! runtime asks it, through hooks, when a function without code is called, and tells it how much
//! work a function has done.
//!
//! Reading order: `subject` is what is compiled; `lazy`, `gate`, `validity`, `eager` and
//! `arrived` give functions code;
//! `module` ties together what gives them better code, and `replace` what gives it to running loops:
//! `functions`, `job` and `loops` remember, `policy` decides, `queue`, `threads` and `pool` carry out.
#![forbid(unsafe_code)]

mod subject;
mod counters;
mod events;
mod gate;
mod validity;
mod lazy;
mod eager;
mod arrived;
mod functions;
mod job;
mod loops;
mod replace;
mod policy;
mod queue;
mod threads;
mod pool;
mod module;

pub use counters::{
    CompileCounters, CompileFailure, CompileStats, ReplacementCounts, TierCounts, TierUpCounts,
};
pub use lazy::FunctionCompiler;
pub use module::{ModuleTiering, Next, Plan, Spent};
pub use policy::{Answer, NUMBERS, Numbers, Policy, Question};
pub use pool::{Executor, Pool, PoolHandle, PoolLoad};
pub use subject::Subject;
pub use threads::Threads;
pub use validity::{Validation, Validity};
