//! `WebAssembly.Global`.
#![forbid(unsafe_code)]

use rquickjs::{Ctx, Exception, Result, Value};
use tierup::{Extern, Global, GlobalType, Mutability, ValType};

use crate::{
    convert::{Argument, dictionary, required, to_js, truthy, value_type},
    define::{Attribute, Interface, prototype_for},
    errors::{Doing, require_arguments},
    native::Call,
    wrapper::{Wrapper, branded},
};

pub(crate) const INTERFACE: Interface = Interface {
    name: "Global",
    length: 1,
    construct,
    static_methods: &[],
    methods: &[("valueOf", 0, value_of)],
    attributes: &[Attribute { name: "value", get, set: Some(set) }],
};

const TYPES: &[ValType] = &[
    ValType::I32,
    ValType::I64,
    ValType::F32,
    ValType::F64,
    ValType::V128,
    ValType::FuncRef,
    ValType::ExternRef,
];

fn construct<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let (ctx, state) = (call.ctx(), call.state());
    let own = |ctx: &Ctx<'js>| state.intrinsic(ctx, |intrinsics| &intrinsics.global);
    let prototype = prototype_for(call, "Global", own)?;
    let what = "WebAssembly.Global()";
    require_arguments(call, 1, what)?;
    let descriptor = dictionary(&call.arg(0), &format!("{what}: argument 1"))?;
    let mutability = match truthy(&descriptor.get("mutable")?) {
        true => Mutability::Var,
        false => Mutability::Const,
    };
    let value = required(&descriptor, "value", what)?;
    let value = value_type(&value, TYPES, &format!("{what}: property 'value'"))?;
    let ty = GlobalType { value, mutability };
    if value == ValType::V128 {
        let message = format!("{what}: JavaScript has no v128 values");
        return Err(Exception::throw_type(ctx, &message));
    }
    let init = Argument::optional(state, call.arg(1), value)?;
    state.collect_if_due(ctx);
    let global = state.store.enter(|store| {
        let init = init.into_val(state, store)?;
        let global = Global::new(&mut *store, ty, init)?;
        state.pressure.add_object();
        Ok(state.wrap_with(Extern::from(global), prototype))
    });
    global.unwrap_or_else(|error: tierup::Error| {
        Err(state.throw_engine_error(ctx, &error, (Doing::Running, what)))
    })
}

fn receiver(call: &Call<'_, '_>, what: &str) -> Result<(Global, GlobalType)> {
    let wrapper = branded::<Wrapper<'_>>(call.state(), &call.this());
    let global = wrapper.and_then(|wrapper| wrapper.borrow().global());
    let global = global.ok_or_else(|| {
        let message = format!("{what}: the receiver must be a WebAssembly.Global");
        Exception::throw_type(call.ctx(), &message)
    })?;
    Ok((global, call.state().store.enter(|store| global.ty(&*store))))
}

fn value<'js>(call: &Call<'_, 'js>, what: &str) -> Result<Value<'js>> {
    let (global, _) = receiver(call, what)?;
    let state = call.state();
    state.store.enter(|store| {
        let value = global.get(&mut *store);
        to_js(state, store, call.ctx(), value)
    })
}

fn get<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    value(call, "get WebAssembly.Global.value")
}

fn value_of<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    value(call, "WebAssembly.Global.valueOf()")
}

fn set<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let what = "set WebAssembly.Global.value";
    let (ctx, state) = (call.ctx(), call.state());
    let (global, ty) = receiver(call, what)?;
    if ty.mutability == Mutability::Const {
        return Err(Exception::throw_type(ctx, &format!("{what}: the global is immutable")));
    }
    let value = Argument::new(state, call.arg(0), ty.value)?;
    state.collect_if_due(ctx);
    let done = state.store.enter(|store| {
        let value = value.into_val(state, store)?;
        global.set(store, value)
    });
    done.map(|()| call.undefined())
        .map_err(|error| state.throw_engine_error(ctx, &error, (Doing::Running, what)))
}
