//! What baseline code calls when a function has used its budget up: refilled, and a poll.
//!
//! * [BU-OWNER] as [WR-OWNER] asks, the word below the frame pointer is the instance, which comes
//!   in `r14` here.
#![expect(clippy::too_many_lines, reason = "a naked function that lists registers")]

use std::{
    arch::naked_asm,
    sync::{Arc, atomic::Ordering},
};

use tierup_abi::{InstanceHead, StoreBlock};
use tierup_wasm::DefinedFunc;

use super::{Outcome, run};
use crate::{
    Error, InstanceHandle, InterruptAction, StoreState, Trap, TrapKind, compile_stack,
    enter::unwind,
};

/// `rbx`, `rbp` and `r12` to `r15` are kept by the C convention, all others but `r11` here.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn stub() {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "push r14",
        "sub rsp, 328",
        "mov [rbp - 80], rdi",
        "mov [rbp - 16], rax",
        "mov [rbp - 24], rcx",
        "mov [rbp - 32], rdx",
        "mov [rbp - 40], rsi",
        "mov [rbp - 48], r8",
        "mov [rbp - 56], r9",
        "mov [rbp - 64], r10",
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
        "mov rax, [r14 + {store_block}]",
        "mov [rax + {exit_frame}], rbp",
        "inc qword ptr [rax + {sequence}]",
        "mov rdi, r14",
        "mov esi, r11d",
        "call {spent}",
        // The C convention has kept `r14`.
        "mov rcx, [r14 + {store_block}]",
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
        "mov rdi, [rbp - 80]",
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
        spent = sym spent,
        unwind = sym unwind,
    )
}

/// # Safety
///
/// As for [`run`]; the instance has a function of that number.
unsafe extern "C" fn spent(instance: *const InstanceHead, function: u32) -> Outcome {
    let work = |store: &mut StoreState, instance| {
        poll(store)?;
        refill(store, instance, DefinedFunc(function)).map(|()| 0)
    };
    // SAFETY: the caller's promise is the same.
    unsafe { run(instance, work) }
}

/// Handles an interrupt if the limit says that there may be one.
fn poll(store: &mut StoreState) -> Result<(), Error> {
    // Relaxed: as in the code that polls.
    if store.block().limit.load(Ordering::Relaxed) != StoreBlock::INTERRUPT {
        return Ok(());
    }
    match store.handle_interrupt() {
        InterruptAction::Continue => Ok(()),
        InterruptAction::Trap => Err(Trap::new(TrapKind::Interrupted).into()),
    }
}

/// Reports what the function has done since it was last refilled, and gives it the next slice.
fn refill(
    store: &mut StoreState,
    instance: InstanceHandle,
    function: DefinedFunc,
) -> Result<(), Error> {
    let object = store.instance_mut(instance)?;
    let used = object.used_budget(function);
    let module = object.module();
    let refill = module.hooks().budget_spent(module, function, used);
    let module = refill.tier_up.then(|| Arc::clone(module));
    object.refill_budget(function, refill.slice);
    if let Some(module) = module
        && let Err(error) = compile_stack::run(|| module.hooks().tier_up(&module, function))
    {
        // The function stays as it is.
        tracing::warn!(target: "tiering", function = function.0, %error, "no stack for tier-up");
    }
    Ok(())
}
