//! Where a function without code leads: compile it, and call it again.
//!
//! ```text
//!  caller ── call [cell] ──► lazy entry: eax = number ──► lazy stub
//!                                                          │ saves the argument registers
//!                                                          │ compile_lazily, on its own stack
//!                                                          │ restores them
//!  callee's code ◄───────── jmp [cell] ◄──────────────────┘
//! ```
//!
//! A function whose code is only suspended, to see whether it is still called, gets it back at once.
//!
//! * [LA-AGAIN] the stub never gets a code address: it jumps through the cell again, so whatever
//!   happens to the code in between is only one more round.
//! * [WR-OWNER] holds for its frame.
#![expect(clippy::too_many_lines, reason = "a naked function that lists registers")]

use std::arch::naked_asm;

use tierup_abi::{InstanceHead, StoreBlock};
use tierup_wasm::DefinedFunc;

use crate::{StoreState, Trap, compile_stack, events, host::Pending, owner::Owner};

/// Address of the lazy stub, for units of Wasm functions.
pub(crate) fn stub_address() -> usize {
    lazy_stub as *const () as usize
}

/// Entered by a jump with the function's number in `eax` and all else as at a function's entry.
/// All six integer and eight vector argument registers are saved, whatever the type.
#[unsafe(naked)]
unsafe extern "C" fn lazy_stub() {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "sub rsp, 176",
        "mov [rbp - 8], rdi",
        "mov [rbp - 16], rsi",
        "mov [rbp - 24], rdx",
        "mov [rbp - 32], rcx",
        "mov [rbp - 40], r8",
        "mov [rbp - 48], r9",
        "movaps [rbp - 64], xmm0",
        "movaps [rbp - 80], xmm1",
        "movaps [rbp - 96], xmm2",
        "movaps [rbp - 112], xmm3",
        "movaps [rbp - 128], xmm4",
        "movaps [rbp - 144], xmm5",
        "movaps [rbp - 160], xmm6",
        "movaps [rbp - 176], xmm7",
        "mov rcx, [rdi + {store_block}]",
        "inc qword ptr [rcx + {sequence}]",
        "mov [rcx + {exit_frame}], rbp",
        "mov esi, eax",
        "call {compile}",
        "mov rdi, [rbp - 8]",
        "mov rcx, [rdi + {store_block}]",
        "test rax, rax",
        "jz 2f",
        "mov qword ptr [rcx + {exit_frame}], 0",
        "mov rsi, [rbp - 16]",
        "mov rdx, [rbp - 24]",
        "mov rcx, [rbp - 32]",
        "mov r8, [rbp - 40]",
        "mov r9, [rbp - 48]",
        "movaps xmm0, [rbp - 64]",
        "movaps xmm1, [rbp - 80]",
        "movaps xmm2, [rbp - 96]",
        "movaps xmm3, [rbp - 112]",
        "movaps xmm4, [rbp - 128]",
        "movaps xmm5, [rbp - 144]",
        "movaps xmm6, [rbp - 160]",
        "movaps xmm7, [rbp - 176]",
        "mov rsp, rbp",
        "pop rbp",
        "jmp [rax]",
        "2:",
        "mov rdi, rcx",
        "jmp {unwind}",
        store_block = const InstanceHead::STORE_BLOCK,
        exit_frame = const StoreBlock::EXIT_FRAME,
        sequence = const StoreBlock::SEQUENCE,
        compile = sym compile,
        unwind = sym crate::enter::unwind,
    )
}

/// Has the function compiled. Returns the address of its cell, or 0 with a pending trap.
///
/// # Safety
///
/// `instance` is the head of a live instance whose code called its function `number`.
unsafe extern "C" fn compile(instance: *const InstanceHead, number: u32) -> usize {
    // SAFETY: the caller's promise.
    let head = unsafe { &*instance };
    // SAFETY: Wasm of this store, entered on this thread, called us.
    let store = unsafe { StoreState::of_head(head) };
    let Owner::Instance(index) = Owner::decode(head.owner) else {
        unreachable!("host functions are never lazy");
    };
    let handle = store.instances.handle_at(index);
    let instance = handle.and_then(|handle| store.instances.get(handle));
    let module = instance.expect("an instance that runs is alive").module();
    if module.unit().revive(number) {
        store.engine().counters().count_revived();
        events::revive(module.unit().id(), number);
        return module.unit().cell(number) as usize;
    }
    let function = DefinedFunc(number);
    // A panic of a compiler is caught by who calls it; one of ours has no one above to go to.
    let outcome = compile_stack::run(|| module.hooks().compile_lazily(module, function));
    let cell = module.unit().cell(number) as usize;
    let error = match outcome {
        Ok(Ok(())) => return cell,
        Ok(Err(error)) => Trap::with_detail(error.kind, error.message).into(),
        Err(error) => error,
    };
    store.capture_backtrace();
    store.set_pending(Pending::Error(error));
    0
}
