//! `WebAssembly.Memory`.
#![forbid(unsafe_code)]

use rquickjs::{Class, Ctx, Exception, Result, Value};
use tierup::{Memory, MemoryType};

use crate::{
    convert::{check_address_type, dictionary, optional_long, required, truthy, unsigned_long},
    define::{Attribute, Interface, prototype_for},
    errors::{Doing, ErrorClass, require_arguments},
    native::Call,
    wrapper::{Wrapper, branded},
};

pub(crate) const INTERFACE: Interface = Interface {
    name: "Memory",
    length: 1,
    construct,
    static_methods: &[],
    methods: &[("grow", 1, grow)],
    attributes: &[Attribute { name: "buffer", get: buffer, set: None }],
};

/// Most pages of a memory.
const MAX_PAGES: u32 = 1 << 16;

fn construct<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let (ctx, state) = (call.ctx(), call.state());
    let own = |ctx: &Ctx<'js>| state.intrinsic(ctx, |intrinsics| &intrinsics.memory);
    let prototype = prototype_for(call, "Memory", own)?;
    let what = "WebAssembly.Memory()";
    require_arguments(call, 1, what)?;
    let ty = memory_type(call, what)?;
    state.collect_if_due(ctx);
    let memory = state.store.enter(|store| {
        let memory = Memory::new(&mut *store, ty)?;
        state.pressure.add(memory.data(&*store).len());
        state.pressure.add_instance();
        Ok(state.wrap_with(tierup::Extern::from(memory), prototype))
    });
    memory.unwrap_or_else(|error: tierup::Error| {
        Err(state.throw_engine_error(ctx, &error, (Doing::Running, what)))
    })
}

fn memory_type(call: &Call<'_, '_>, what: &str) -> Result<MemoryType> {
    let (ctx, state) = (call.ctx(), call.state());
    let descriptor = dictionary(&call.arg(0), &format!("{what}: argument 1"))?;
    check_address_type(&descriptor, what)?;
    let initial = required(&descriptor, "initial", what)?;
    let minimum = unsigned_long(&initial, &format!("{what}: property 'initial'"))?;
    let maximum = optional_long(&descriptor, "maximum", what)?;
    let shared: Value<'_> = descriptor.get("shared")?;
    if truthy(&shared) {
        let message = format!("{what}: this engine has no shared memories");
        return Err(Exception::throw_type(ctx, &message));
    }
    let range = |message: &str| state.throw(ctx, ErrorClass::Range, &format!("{what}: {message}"));
    if MAX_PAGES < minimum || maximum.is_some_and(|maximum| MAX_PAGES < maximum) {
        return Err(range("a memory has at most 65536 pages"));
    }
    if maximum.is_some_and(|maximum| maximum < minimum) {
        return Err(range("property 'maximum' must not be less than 'initial'"));
    }
    Ok(MemoryType { minimum, maximum })
}

fn receiver<'js>(call: &Call<'_, 'js>, what: &str) -> Result<(Class<'js, Wrapper<'js>>, Memory)> {
    let wrapper = branded::<Wrapper<'js>>(call.state(), &call.this());
    let memory = wrapper.as_ref().and_then(|wrapper| wrapper.borrow().memory());
    wrapper.zip(memory).ok_or_else(|| {
        let message = format!("{what}: the receiver must be a WebAssembly.Memory");
        Exception::throw_type(call.ctx(), &message)
    })
}

fn buffer<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let (wrapper, memory) = receiver(call, "WebAssembly.Memory.buffer")?;
    call.state().buffer(call.ctx(), &wrapper, memory)
}

fn grow<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let what = "WebAssembly.Memory.grow()";
    let (ctx, state) = (call.ctx(), call.state());
    let (_, memory) = receiver(call, what)?;
    require_arguments(call, 1, what)?;
    let pages = unsigned_long(&call.arg(0), &format!("{what}: argument 1"))?;
    let grown = state.store.enter(|store| memory.grow(store, pages));
    let previous =
        grown.map_err(|error| state.throw_engine_error(ctx, &error, (Doing::Running, what)))?;
    // Growing by nothing makes a new buffer too.
    state.detach_buffer(ctx, memory);
    state.refresh_buffers(ctx);
    Ok(Value::new_number(ctx.clone(), previous.into()))
}
