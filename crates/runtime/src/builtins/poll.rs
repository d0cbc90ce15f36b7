//! The slow path of prologues and loop headers: stack overflow, or a request to stop.
//!
//! Unlike other builtins it keeps every register, so that the check costs the fast path nothing.
#![expect(clippy::too_many_lines, reason = "a naked function that lists registers")]

use std::sync::atomic::Ordering;

use tierup_abi::InstanceHead;

use super::{Outcome, keep::keeping_stub, run};
use crate::{StoreState, Trap, TrapKind};

// The argument is the caller's stack pointer: above the saved frame pointer and return address.
keeping_stub!(instance: "rdi", argument: "lea rsi, [rbp + 16]", function: poll);

/// # Safety
///
/// As for [`run`]; `stack_pointer` is the one of the code that polls. The value is 0: [KE-OTHER].
unsafe extern "C" fn poll(instance: *const InstanceHead, stack_pointer: usize) -> Outcome {
    let work = |store: &mut StoreState, _| {
        if stack_pointer < store.block().stack_limit.load(Ordering::Relaxed) {
            return Err(Trap::new(TrapKind::StackOverflow).into());
        }
        store.poll().map(|()| 0)
    };
    // SAFETY: the caller's promise is the same.
    unsafe { run(instance, work) }
}
