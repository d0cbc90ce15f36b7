//! `WebAssembly.Table`.
#![forbid(unsafe_code)]

use rquickjs::{Ctx, Exception, Result, Value};
use tierup::{Extern, Table, TableType, ValType};

use crate::{
    convert::{
        Argument, check_address_type, dictionary, optional_long, required, to_js, unsigned_long,
        value_type,
    },
    define::{Attribute, Interface, prototype_for},
    errors::{Doing, ErrorClass, require_arguments},
    native::Call,
    wrapper::{Wrapper, branded},
};

pub(crate) const INTERFACE: Interface = Interface {
    name: "Table",
    length: 1,
    construct,
    static_methods: &[],
    methods: &[("grow", 1, grow), ("get", 1, get), ("set", 1, set)],
    attributes: &[Attribute { name: "length", get: length, set: None }],
};

fn construct<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let (ctx, state) = (call.ctx(), call.state());
    let own = |ctx: &Ctx<'js>| state.intrinsic(ctx, |intrinsics| &intrinsics.table);
    let prototype = prototype_for(call, "Table", own)?;
    let what = "WebAssembly.Table()";
    require_arguments(call, 1, what)?;
    let ty = table_type(call, what)?;
    let init = Argument::optional(state, call.arg(1), ty.element)?;
    state.collect_if_due(ctx);
    let table = state.store.enter(|store| {
        let init = init.into_val(state, store)?;
        let table = Table::new(&mut *store, ty, init)?;
        state.pressure.add_object();
        Ok(state.wrap_with(Extern::from(table), prototype))
    });
    table.unwrap_or_else(|error: tierup::Error| {
        Err(state.throw_engine_error(ctx, &error, (Doing::Running, what)))
    })
}

fn table_type(call: &Call<'_, '_>, what: &str) -> Result<TableType> {
    let descriptor = dictionary(&call.arg(0), &format!("{what}: argument 1"))?;
    let element = required(&descriptor, "element", what)?;
    let element = value_type(
        &element,
        &[ValType::FuncRef, ValType::ExternRef],
        &format!("{what}: property 'element'"),
    )?;
    check_address_type(&descriptor, what)?;
    let initial = required(&descriptor, "initial", what)?;
    let minimum = unsigned_long(&initial, &format!("{what}: property 'initial'"))?;
    let maximum = optional_long(&descriptor, "maximum", what)?;
    if maximum.is_some_and(|maximum| maximum < minimum) {
        let message = format!("{what}: property 'maximum' must not be less than 'initial'");
        return Err(call.state().throw(call.ctx(), ErrorClass::Range, &message));
    }
    Ok(TableType { element, minimum, maximum })
}

fn receiver(call: &Call<'_, '_>, what: &str) -> Result<(Table, ValType)> {
    let wrapper = branded::<Wrapper<'_>>(call.state(), &call.this());
    let table = wrapper.and_then(|wrapper| wrapper.borrow().table());
    let table = table.ok_or_else(|| {
        let message = format!("{what}: the receiver must be a WebAssembly.Table");
        Exception::throw_type(call.ctx(), &message)
    })?;
    Ok((table, call.state().store.enter(|store| table.ty(&*store).element)))
}

fn length<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let (table, _) = receiver(call, "WebAssembly.Table.length")?;
    let length = call.state().store.enter(|store| table.size(&*store));
    Ok(Value::new_number(call.ctx().clone(), length.into()))
}

fn get<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let what = "WebAssembly.Table.get()";
    let (ctx, state) = (call.ctx(), call.state());
    let (table, _) = receiver(call, what)?;
    require_arguments(call, 1, what)?;
    let index = unsigned_long(&call.arg(0), &format!("{what}: argument 1"))?;
    let element = state.store.enter(|store| {
        let element = table.get(&mut *store, index).ok()?;
        Some(to_js(state, store, ctx, element))
    });
    element.unwrap_or_else(|| Err(outside(call, what, index)))
}

fn set<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let what = "WebAssembly.Table.set()";
    let state = call.state();
    let (table, element) = receiver(call, what)?;
    require_arguments(call, 1, what)?;
    let index = unsigned_long(&call.arg(0), &format!("{what}: argument 1"))?;
    // Unlike elsewhere, `undefined` is a value here and not a missing argument.
    let value = match call.count() {
        1 => Argument::default(call.ctx(), element),
        _ => Argument::new(state, call.arg(1), element)?,
    };
    state.collect_if_due(call.ctx());
    let done = state.store.enter(|store| {
        let value = value.into_val(state, store)?;
        table.set(store, index, value)
    });
    done.map(|()| call.undefined()).map_err(|_| outside(call, what, index))
}

fn grow<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let what = "WebAssembly.Table.grow()";
    let (ctx, state) = (call.ctx(), call.state());
    let (table, element) = receiver(call, what)?;
    require_arguments(call, 1, what)?;
    let added = unsigned_long(&call.arg(0), &format!("{what}: argument 1"))?;
    let init = Argument::optional(state, call.arg(1), element)?;
    let previous = state.store.enter(|store| {
        let init = init.into_val(state, store)?;
        table.grow(store, added, init)
    });
    let previous =
        previous.map_err(|error| state.throw_engine_error(ctx, &error, (Doing::Running, what)))?;
    Ok(Value::new_number(ctx.clone(), previous.into()))
}

fn outside(call: &Call<'_, '_>, what: &str, index: u32) -> rquickjs::Error {
    let message = format!("{what}: element {index} is outside the table");
    call.state().throw(call.ctx(), ErrorClass::Range, &message)
}
