//! The engine, for scripts that test it: the global object `tierup`.
#![forbid(unsafe_code)]

use std::rc::Rc;

use rquickjs::{Ctx, Exception, Object, Result, Value};
use tierup::{Module, Tier};

use crate::{
    define::{Method, define_hidden, define_methods, define_tag},
    native::Call,
    state::State,
    wrapper::{ModuleWrapper, Wrapper, branded},
};

const METHODS: &[Method] = &[
    ("tier", 1, tier),
    ("tierUp", 1, tier_up),
    ("requestTierUp", 1, request_tier_up),
    ("flush", 0, flush),
    ("collect", 0, collect),
    ("codeSpaces", 1, code_spaces),
    ("liveInstances", 1, live_instances),
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

/// Gives a function its best code before it returns.
fn tier_up<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    change(call, "tierUp", Module::tier_up_function)
}

/// Asks for a function's best code, which it gets in the background.
fn request_tier_up<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    change(call, "requestTierUp", Module::request_tier_up)
}

fn change<'js>(
    call: &Call<'_, 'js>,
    what: &str,
    change: impl FnOnce(&Module, u32) -> std::result::Result<(), tierup::Error>,
) -> Result<Value<'js>> {
    let (module, index) =
        definition(call).ok_or_else(|| wrong(call, what, "an exported function of a module"))?;
    let done = change(&module, index);
    done.map_err(|error| Exception::throw_message(call.ctx(), &error.to_string()))?;
    Ok(call.undefined())
}

fn wrong(call: &Call<'_, '_>, what: &str, wanted: &str) -> rquickjs::Error {
    Exception::throw_type(call.ctx(), &format!("{what}: {wanted} is wanted"))
}

/// In how many arenas the code of an instance's module lies.
fn code_spaces<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let state = call.state();
    let wrapper = branded::<Wrapper<'js>>(state, &call.arg(0));
    let instance = wrapper.and_then(|wrapper| wrapper.borrow().instance());
    let module = instance.and_then(|instance| state.modules.borrow().get(&instance).cloned());
    let module = module.ok_or_else(|| wrong(call, "codeSpaces", "a WebAssembly.Instance"))?;
    Ok(Value::new_number(call.ctx().clone(), module.code_spaces() as f64))
}

/// How many instances of a module the realm has that were not collected.
fn live_instances<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let state = call.state();
    let module = branded::<ModuleWrapper>(state, &call.arg(0));
    let module = module.map(|module| module.borrow().0.clone());
    let module = module.ok_or_else(|| wrong(call, "liveInstances", "a WebAssembly.Module"))?;
    let count = state.store.enter(|store| {
        let modules = state.modules.borrow();
        let same = modules.iter().filter(|(_, other)| module.same(other));
        same.filter(|(instance, _)| instance.is_live(&*store)).count()
    });
    Ok(Value::new_number(call.ctx().clone(), count as f64))
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
