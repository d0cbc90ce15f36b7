//! The stack that programs run on.
//!
//! Programs may use as much as `-W max-wasm-stack` says. The main thread's stack is as large as the
//! shell's limits made it, and where it ends is known only where `/proc` is mounted. So programs run
//! on a thread of ours, whose stack is as large as they need.
#![forbid(unsafe_code)]

use std::thread;

use crate::args::EngineArgs;

/// What compilers and host functions have, besides what programs may use.
const HOST: usize = 7 << 20;

/// What scripts may use of that, as long as they do not wait for Wasm.
pub(crate) const SCRIPT: usize = 4 << 20;

/// Calls `work` on a thread whose stack is large enough for what the options allow.
pub(crate) fn with<R: Send>(args: &EngineArgs, work: impl Fn() -> R + Sync) -> R {
    let bytes = args.wasm_stack().saturating_add(HOST);
    thread::scope(|scope| {
        match thread::Builder::new()
            .name("program".into())
            .stack_size(bytes)
            .spawn_scoped(scope, &work)
        {
            Ok(running) => running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            // No threads, or no room: this one has a stack too, and the engine knows its size.
            Err(_) => work(),
        }
    })
}
