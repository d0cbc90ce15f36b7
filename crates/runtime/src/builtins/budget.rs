//! What baseline code calls when a function has used its budget up: refilled, and a poll.
//!
//! * [BU-OWNER] as [WR-OWNER] asks, the word below the frame pointer is the instance, which comes
//!   in `r14` here.
#![expect(clippy::too_many_lines, reason = "a naked function that lists registers")]

use std::sync::Arc;

use tierup_abi::InstanceHead;
use tierup_wasm::DefinedFunc;

use super::{Outcome, keep::keeping_stub, run};
use crate::{Error, InstanceHandle, StoreState, compile_stack};

keeping_stub!(instance: "r14", argument: "mov esi, r11d", function: spent);

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
