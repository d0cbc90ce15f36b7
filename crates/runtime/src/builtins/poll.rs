//! The slow path of prologues and loop headers: stack overflow, or a request to stop.
//!
//! Unlike other builtins it keeps every register, so that the check costs the fast path nothing.
#![expect(clippy::too_many_lines, reason = "a naked function that lists registers")]

use std::{arch::naked_asm, sync::atomic::Ordering};

use tierup_abi::{InstanceHead, StoreBlock};

use super::{Outcome, run};
use crate::{InterruptAction, StoreState, Trap, TrapKind, enter::unwind};

/// `rbx`, `rbp` and `r12` to `r15` are kept by the C convention, all others here.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn stub() {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "push rdi",
        "sub rsp, 328",
        "mov [rbp - 16], rax",
        "mov [rbp - 24], rcx",
        "mov [rbp - 32], rdx",
        "mov [rbp - 40], rsi",
        "mov [rbp - 48], r8",
        "mov [rbp - 56], r9",
        "mov [rbp - 64], r10",
        "mov [rbp - 72], r11",
        "movaps [rbp - 96], xmm0",
        "movaps [rbp - 112], xmm1",
        "movaps [rbp - 128], xmm2",
        "movaps [rbp - 144], xmm3",
        "movaps [rbp - 160], xmm4",
        "movaps [rbp - 176], xmm5",
        "movaps [rbp - 192], xmm6",
        "movaps [rbp - 208], xmm7",
        "movaps [rbp - 224], xmm8",
        "movaps [rbp - 240], xmm9",
        "movaps [rbp - 256], xmm10",
        "movaps [rbp - 272], xmm11",
        "movaps [rbp - 288], xmm12",
        "movaps [rbp - 304], xmm13",
        "movaps [rbp - 320], xmm14",
        "movaps [rbp - 336], xmm15",
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
        "mov rax, [rbp - 16]",
        "mov rcx, [rbp - 24]",
        "mov rdx, [rbp - 32]",
        "mov rsi, [rbp - 40]",
        "mov r8, [rbp - 48]",
        "mov r9, [rbp - 56]",
        "mov r10, [rbp - 64]",
        "mov r11, [rbp - 72]",
        "movaps xmm0, [rbp - 96]",
        "movaps xmm1, [rbp - 112]",
        "movaps xmm2, [rbp - 128]",
        "movaps xmm3, [rbp - 144]",
        "movaps xmm4, [rbp - 160]",
        "movaps xmm5, [rbp - 176]",
        "movaps xmm6, [rbp - 192]",
        "movaps xmm7, [rbp - 208]",
        "movaps xmm8, [rbp - 224]",
        "movaps xmm9, [rbp - 240]",
        "movaps xmm10, [rbp - 256]",
        "movaps xmm11, [rbp - 272]",
        "movaps xmm12, [rbp - 288]",
        "movaps xmm13, [rbp - 304]",
        "movaps xmm14, [rbp - 320]",
        "movaps xmm15, [rbp - 336]",
        "mov rsp, rbp",
        "pop rbp",
        "ret",
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
        match store.handle_interrupt() {
            InterruptAction::Continue => Ok(0),
            InterruptAction::Trap => Err(Trap::new(TrapKind::Interrupted).into()),
        }
    };
    // SAFETY: the caller's promise is the same.
    unsafe { run(instance, work) }
}
