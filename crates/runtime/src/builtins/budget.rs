//! What baseline code calls when a function has used its budget up: refilled, and a poll.
//!
//! At the header of a loop it may have code to go on in instead of the caller's: [KE-OTHER].
//!
//! * [BU-OWNER] as [WR-OWNER] asks, the word below the frame pointer is the instance, which comes
//!   in `r14` here.
#![expect(clippy::too_many_lines, reason = "a naked function that lists registers")]

use std::sync::Arc;

use tierup_abi::{InstanceHead, LOOP};
use tierup_wasm::DefinedFunc;

use super::{Outcome, keep::keeping_stub, run};
use crate::{
    CompiledModule, Error, InstanceHandle, Next, Refill, Spent, StoreState, compile_stack,
    replacement::LoopFrame,
};

keeping_stub!(instance: "r14", argument: "mov esi, r11d", function: spent);

/// # Safety
///
/// As for [`run`]; the instance has a function of that number, and `frame` is the frame pointer of a
/// stub that this function's code called. The number is [`LOOP`] more only at the header of a loop
/// of baseline code.
unsafe extern "C" fn spent(
    instance: *const InstanceHead,
    number: u32,
    frame: *mut usize,
) -> Outcome {
    let function = DefinedFunc(number & !LOOP);
    // SAFETY: the caller's promise.
    let frame = (number & LOOP != 0).then(|| unsafe { LoopFrame::new(frame) });
    let work = |store: &mut StoreState, instance| {
        store.poll()?;
        refill(store, instance, function, frame)
    };
    // SAFETY: the caller's promise is the same.
    unsafe { run(instance, work) }
}

/// Reports what the function has done since it was last refilled, and gives it the next slice.
/// Returns the address of a cell with the code to go on in, or 0.
fn refill(
    store: &mut StoreState,
    instance: InstanceHandle,
    function: DefinedFunc,
    frame: Option<LoopFrame>,
) -> Result<u64, Error> {
    let object = store.instance_mut(instance)?;
    let used = object.used_budget(function);
    let module = object.module();
    let find = || frame.as_ref()?.position(module.engine().manager());
    let position = frame.is_some().then_some(&find as &dyn Fn() -> Option<u32>);
    let refill = module.hooks().budget_spent(module, Spent { function, used, position });
    let is_more = refill.tier_up || refill.replace.is_some() || refill.next == Next::Other;
    let module = is_more.then(|| Arc::clone(module));
    object.refill_budget(function, refill.slice);
    match (module, frame) {
        (Some(module), frame) => Ok(improve(store, &module, function, (refill, frame))),
        (None, _) => Ok(0),
    }
}

/// Does what was asked for: better code for the function, and for the frame.
fn improve(
    store: &mut StoreState,
    module: &Arc<CompiledModule>,
    function: DefinedFunc,
    (refill, frame): (Refill, Option<LoopFrame>),
) -> u64 {
    let compile = |work: &dyn Fn()| {
        if let Err(error) = compile_stack::run(work) {
            // The function stays as it is.
            tracing::warn!(target: "tiering", function = function.0, %error, "no stack for tier-up");
        }
    };
    if refill.tier_up {
        compile(&|| module.hooks().tier_up(module, function));
    }
    let manager = module.engine().manager();
    let Some((mut frame, position)) = frame.and_then(|it| it.position(manager).map(|at| (it, at)))
    else {
        return 0;
    };
    if let Some(wanted) = refill.replace {
        compile(&|| module.hooks().replace(module, function, wanted));
    }
    let cell =
        module.unit().replacement(function.0, position).filter(|_| refill.next == Next::Other);
    let Some(cell) = cell.filter(|_| frame.leave(store, position).is_some()) else { return 0 };
    module.hooks().replaced(module, function, position);
    cell as u64
}
