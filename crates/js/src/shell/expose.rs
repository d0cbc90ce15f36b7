//! The engine, for scripts that test it: the global object `tierup`.
#![forbid(unsafe_code)]

use std::rc::Rc;

use rquickjs::{Ctx, Exception, Object, Result, Value};
use tierup::{Module, Tier};

use crate::{
    define::{Method, define_hidden, define_methods, define_tag},
    native::Call,
    state::State,
};

const METHODS: &[Method] = &[
    ("tier", 1, tier),
    ("tierUp", 1, tier_up),
    ("flush", 0, flush),
    ("collect", 0, collect),
    ("stats", 0, stats),
];

/// Defines the object.
pub(crate) fn install(state: &Rc<State>, ctx: &Ctx<'_>) -> Result<()> {
    let object = Object::new(ctx.clone())?;
    define_methods(state, &object, METHODS)?;
    define_tag(&object, "tierup")?;
    define_hidden(&ctx.globals(), "tierup", object)
}

/// Where the function is defined that an argument is; `None` for what is no function of Wasm.
fn definition(call: &Call<'_, '_>) -> Option<(Module, u32)> {
    let state = call.state();
    let func = state.exported_function(&call.arg(0))?;
    let (instance, index) = state.store.enter(|store| func.origin(store)).ok()??;
    Some((state.modules.borrow().get(&instance)?.clone(), index))
}

fn tier<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let code = definition(call).map(|(module, index)| module.function_code(index));
    let name = match code.map(|code| code.map(|code| code.tier())) {
        None => "unknown",
        Some(None) => "none",
        Some(Some(Tier::Baseline)) => "baseline",
        Some(Some(Tier::Optimized)) => "optimized",
    };
    rquickjs::String::from_str(call.ctx().clone(), name).map(rquickjs::String::into_value)
}

fn tier_up<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let (module, index) = definition(call).ok_or_else(|| {
        Exception::throw_type(call.ctx(), "tierUp: an exported function of a module is wanted")
    })?;
    let done = module.tier_up_function(index);
    done.map_err(|error| Exception::throw_message(call.ctx(), &error.to_string()))?;
    Ok(call.undefined())
}

/// Takes all code away; returns how many bytes of it there were.
fn flush<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let removed = call.state().engine().remove_code();
    Ok(Value::new_number(call.ctx().clone(), removed.code_bytes as f64))
}

/// Frees code that was replaced or removed; returns how many bytes.
fn collect<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let freed = call.state().engine().collect();
    Ok(Value::new_number(call.ctx().clone(), freed as f64))
}

fn stats<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let stats = call.state().engine().stats();
    let object = Object::new(call.ctx().clone())?;
    let figures = [
        ("units", stats.code.units as f64),
        ("committedBytes", stats.code.committed_bytes as f64),
        ("baselineFunctions", stats.compiles.baseline.functions as f64),
        ("optimizedFunctions", stats.compiles.optimized.functions as f64),
        ("lazyCompiles", stats.compiles.lazy as f64),
        ("tierUps", stats.tier_ups.done as f64),
        ("traps", stats.traps as f64),
        ("instances", stats.instances as f64),
    ];
    figures.into_iter().try_for_each(|(name, figure)| object.set(name, figure))?;
    Ok(object.into_value())
}
