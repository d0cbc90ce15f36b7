//! Keeping memories' buffers from being transferred.
//!
//! The specification gives them a detach key, so that only growing detaches them. QuickJS knows no
//! such keys; what else could detach a buffer is replaced by functions that look first.
#![forbid(unsafe_code)]

use std::rc::Rc;

use rquickjs::{Ctx, Exception, Function, Object, Result, Value, atom::PredefinedAtom};

use crate::{
    define::define_hidden,
    native::{Body, Call, function},
    raw,
    state::State,
};

const TRANSFERS: [(&str, Body); 3] = [
    ("transfer", |call| transfer(call, 0)),
    ("transferToFixedLength", |call| transfer(call, 1)),
    ("transferToImmutable", |call| transfer(call, 2)),
];

/// Replaces the methods that detach.
pub(crate) fn guard(state: &Rc<State>, ctx: &Ctx<'_>) -> Result<()> {
    let constructor: Object<'_> = ctx.globals().get("ArrayBuffer")?;
    let prototype: Object<'_> = constructor.get(PredefinedAtom::Prototype)?;
    for (index, (name, body)) in TRANSFERS.into_iter().enumerate() {
        let Some(original): Option<Function<'_>> = prototype.get(name)? else { continue };
        state.set_transfer(index, &original);
        define_hidden(&prototype, name, function(ctx, state, (name, 0), body)?)?;
    }
    Ok(())
}

fn transfer<'js>(call: &Call<'_, 'js>, which: usize) -> Result<Value<'js>> {
    let (ctx, state) = (call.ctx(), call.state());
    let this = call.this();
    if state.buffers.contains(&this) {
        let message = "the buffer of a WebAssembly.Memory cannot be transferred";
        return Err(Exception::throw_type(ctx, message));
    }
    let original = state.transfer(ctx, which)?;
    let arguments: Vec<_> = (0..call.count()).map(|index| call.arg(index)).collect();
    raw::call(original.as_value(), &this, arguments.iter())
}
