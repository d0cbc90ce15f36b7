//! What tiering tells as it happens, through `tracing`: one function for each event.
//!
//! ```text
//!   lazy ◄── compile        compile, by another thread ──► install
//!                 queue ──► compile ──► tier_up | discard | failure
//! ```
//!
//! Names and fields are an interface, which `docs/statistics.md` lists. Functions have their index
//! in the module here, imports counted.
#![forbid(unsafe_code)]

use std::time::Duration;

use codespace::{Reason, Tier};
use tierup_compile::CompileError;
use tierup_wasm::DefinedFunc;
use tracing::{debug, warn};

use crate::{Subject, counters::Compile};

const TARGET: &str = "tiering";

/// A compiler made code of a function.
#[inline]
pub(crate) fn compile(of: &dyn Subject, function: DefinedFunc, compile: &Compile) {
    debug!(
        name: "compile",
        target: TARGET,
        unit = of.unit(),
        function = of.module().function(function).0,
        name = of.name(function),
        tier = compile.tier.name(),
        body_bytes = compile.body_bytes,
        bytes = compile.code_bytes,
        microseconds = microseconds(compile.time),
        "function compiled"
    );
}

/// A function got code because it was called; so long the caller waited.
pub(crate) fn lazy(of: &dyn Subject, function: DefinedFunc, time: Duration) {
    let (unit, function) = (of.unit(), of.module().function(function).0);
    let microseconds = microseconds(time);
    debug!(name: "lazy", target: TARGET, unit, function, microseconds, "lazy compile");
}

/// A function that ran long waits for a thread that optimizes it.
pub(crate) fn queue(of: &dyn Subject, function: DefinedFunc, heat: u64) {
    let (unit, function) = (of.unit(), of.module().function(function).0);
    debug!(name: "queue", target: TARGET, unit, function, heat, "queued for optimizing");
}

/// Optimized code has become what callers reach.
pub(crate) fn tier_up(of: &dyn Subject, function: DefinedFunc, time: Duration) {
    let (unit, function) = (of.unit(), of.module().function(function).0);
    let microseconds = microseconds(time);
    debug!(name: "tier_up", target: TARGET, unit, function, microseconds, "tiered up");
}

/// A loop that ran long in one call waits for a thread that optimizes it; its position and heat.
pub(crate) fn queue_loop(of: &dyn Subject, function: DefinedFunc, (position, heat): (u32, u64)) {
    let (unit, function) = (of.unit(), of.module().function(function).0);
    debug!(
        name: "queue_loop", target: TARGET, unit, function, position, heat,
        "queued for optimizing a loop"
    );
}

/// There is optimized code for frames in a loop; its position and the time that it took.
pub(crate) fn replace(of: &dyn Subject, function: DefinedFunc, (position, time): (u32, Duration)) {
    let (unit, function) = (of.unit(), of.module().function(function).0);
    let microseconds = microseconds(time);
    debug!(name: "replace", target: TARGET, unit, function, position, microseconds, "loop optimized");
}

/// A frame in a loop went on in optimized code.
pub(crate) fn enter(of: &dyn Subject, function: DefinedFunc, position: u32) {
    let (unit, function) = (of.unit(), of.module().function(function).0);
    debug!(name: "enter", target: TARGET, unit, function, position, "frame replaced");
}

/// Optimized code came too late; without a reason: its module is gone.
pub(crate) fn discard(of: &dyn Subject, function: DefinedFunc, reason: Option<Reason>) {
    let (unit, function) = (of.unit(), of.module().function(function).0);
    let reason = reason.as_ref().map(tracing::field::debug);
    debug!(name: "discard", target: TARGET, unit, function, reason, "optimized code discarded");
}

/// The first compiler leaves a function to the other.
pub(crate) fn bailout(of: &dyn Subject, function: DefinedFunc, error: &CompileError) {
    let (unit, function) = (of.unit(), of.module().function(function).0);
    debug!(name: "bailout", target: TARGET, unit, function, %error, "left to another compiler");
}

/// A function did not get code of that tier.
pub(crate) fn failure(of: &dyn Subject, function: DefinedFunc, tier: Tier, error: &CompileError) {
    warn!(
        name: "failure",
        target: TARGET,
        unit = of.unit(),
        function = of.module().function(function).0,
        name = of.name(function),
        tier = tier.name(),
        %error,
        "compile failed"
    );
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
