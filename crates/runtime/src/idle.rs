//! Freeing code while nothing runs.
//!
//! ```text
//!   this thread                            a thread that enters Wasm
//!   cells lead elsewhere (removal)         entry_frame = its frame
//!   membarrier on all threads              load a cell, call
//!   look at all entry_frames
//! ```
//!
//! * [ID-BARRIER] the barrier falls, on every other thread, either after its store to
//!   `entry_frame`, and then we see it; or before, and then its load of the cell comes after the
//!   barrier and finds the new target. So if all blocks look idle, no thread has or will get an
//!   address of code that was unreachable before the barrier.
//! * [ID-SNAPSHOT] nothing becomes unreachable between the barrier and the freeing: both happen
//!   under the engine's `retiring` lock, which removing code and replacing it by newer code
//!   (`EngineState::publish`) take too. Code that was published but not installed was never
//!   reachable.

use crate::EngineState;

/// Frees retired code if all stores are idle; returns the bytes. The caller holds the engine's
/// `retiring` lock.
pub(crate) fn collect_code(engine: &EngineState) -> usize {
    if vmem::sync_cores().is_err() || engine.any_running() {
        return 0;
    }
    // SAFETY: [ID-BARRIER] and [ID-SNAPSHOT]: no activation holds or can get an address of
    // retired code.
    let idle = unsafe { engine.manager().assume_idle() };
    engine.manager().collect(&idle).code_bytes
}
