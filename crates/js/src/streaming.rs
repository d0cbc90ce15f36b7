//! Modules of which scripts bring the bytes piece by piece, for `fetch.js`.
#![forbid(unsafe_code)]

use std::{cell::RefCell, rc::Rc};

use rquickjs::{Class, Ctx, Exception, Object, Result, Value};
use tierup::ModuleBuilder;

use crate::{
    buffer_source,
    convert::to_string,
    errors::Doing,
    module,
    native::{Body, Call, function},
    state::State,
    wrapper::{ModuleStream, branded},
};

/// What the script calls: `begin()`, `push(stream, bytes, what)`, `finish(stream, what)`. What they
/// throw begins with `what`.
const NATIVES: [(&str, usize, Body); 3] =
    [("begin", 0, begin), ("push", 3, push), ("finish", 2, finish)];

/// Defines them in the object that the script gets.
pub(crate) fn define<'js>(state: &Rc<State>, ctx: &Ctx<'js>, host: &Object<'js>) -> Result<()> {
    NATIVES.into_iter().try_for_each(|(name, length, body)| {
        host.set(name, function(ctx, state, (name, length), body)?)
    })
}

fn begin<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let builder = ModuleBuilder::new(call.state().engine());
    let stream = ModuleStream(RefCell::new(Some(builder)));
    Ok(Class::instance(call.ctx().clone(), stream)?.into_value())
}

fn push<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let (ctx, state) = (call.ctx(), call.state());
    let what = to_string(&call.arg(2))?;
    let bytes = buffer_source::copy(state, &call.arg(1), &what)?;
    state.pressure.add(bytes.len());
    let stream = stream(call)?;
    let stream = stream.borrow();
    let mut builder = stream.0.borrow_mut();
    let builder = builder.as_mut().ok_or_else(|| ended(ctx))?;
    module::check_size(state, ctx, builder.len() + bytes.len(), &what)?;
    let pushed = builder.push(&bytes);
    pushed.map_err(|error| state.throw_engine_error(ctx, &error, (Doing::Compiling, &what)))?;
    Ok(call.undefined())
}

fn finish<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let (ctx, state) = (call.ctx(), call.state());
    let what = to_string(&call.arg(1))?;
    let builder = stream(call)?.borrow().0.take().ok_or_else(|| ended(ctx))?;
    let module = builder.finish();
    let module =
        module.map_err(|error| state.throw_engine_error(ctx, &error, (Doing::Compiling, &what)))?;
    module::wrap(state, ctx, module)
}

fn stream<'js>(call: &Call<'_, 'js>) -> Result<Class<'js, ModuleStream>> {
    let stream = branded(call.state(), &call.arg(0));
    stream.ok_or_else(|| ended(call.ctx()))
}

fn ended(ctx: &Ctx<'_>) -> rquickjs::Error {
    Exception::throw_type(ctx, "a stream of a module is wanted that has not ended")
}
