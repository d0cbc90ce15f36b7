//! What baseline code calls when a function has used its budget up: refilled, and a poll.
//!
//! * [BU-OWNER] as [WR-OWNER] asks, the word below the frame pointer is the instance, which comes
//!   in `r14` here.

use std::{arch::naked_asm, sync::Arc};

use tierup_abi::{InstanceHead, StoreBlock};
use tierup_wasm::DefinedFunc;

use super::{
    Outcome,
    keep::{close_frame, open_frame},
    run,
};
use crate::{Error, InstanceHandle, StoreState, compile_stack, enter::unwind};

#[unsafe(naked)]
pub(super) unsafe extern "C" fn stub() {
    naked_asm!(
        open_frame!("r14"),
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
        close_frame!(),
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
        store.poll()?;
        refill(store, instance, DefinedFunc(function)).map(|()| 0)
    };
    // SAFETY: the caller's promise is the same.
    unsafe { run(instance, work) }
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
