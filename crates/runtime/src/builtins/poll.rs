//! The slow path of prologues and loop headers: stack overflow, or a request to stop.
//!
//! Unlike other builtins it keeps every register, so that the check costs the fast path nothing.

use std::{arch::naked_asm, sync::atomic::Ordering};

use tierup_abi::{InstanceHead, StoreBlock};

use super::{
    Outcome,
    keep::{close_frame, open_frame},
    run,
};
use crate::{StoreState, Trap, TrapKind, enter::unwind};

#[unsafe(naked)]
pub(super) unsafe extern "C" fn stub() {
    naked_asm!(
        open_frame!("rdi"),
        "mov rax, [rdi + {store_block}]",
        "mov [rax + {exit_frame}], rbp",
        "inc qword ptr [rax + {sequence}]",
        // The caller's stack pointer: above the saved frame pointer and return address.
        "lea rsi, [rbp + 16]",
        "call {poll}",
        "mov rdi, [rbp - 8]",
        "mov rcx, [rdi + {store_block}]",
        "test edx, edx",
        "jnz 2f",
        "mov qword ptr [rcx + {exit_frame}], 0",
        "inc qword ptr [rcx + {sequence}]",
        close_frame!(),
        "2:",
        "mov rdi, rcx",
        "jmp {unwind}",
        store_block = const InstanceHead::STORE_BLOCK,
        exit_frame = const StoreBlock::EXIT_FRAME,
        sequence = const StoreBlock::SEQUENCE,
        poll = sym poll,
        unwind = sym unwind,
    )
}

/// # Safety
///
/// As for [`run`]; `stack_pointer` is the one of the code that polls.
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
