//! `WebAssembly.Module`.
#![forbid(unsafe_code)]

use rquickjs::{Array, ArrayBuffer, Class, Ctx, Exception, Object, Result, Value};
use tierup::{Bytes, ExternType, Module};

use crate::{
    buffer_source,
    convert::dom_string,
    define::{Interface, prototype_for},
    errors::{Doing, ErrorClass, require_arguments},
    native::Call,
    state::State,
    wrapper::{ModuleWrapper, branded},
};

pub(crate) const INTERFACE: Interface = Interface {
    name: "Module",
    length: 1,
    construct,
    static_methods: &[
        ("exports", 1, exports),
        ("imports", 1, imports),
        ("customSections", 2, custom_sections),
    ],
    methods: &[],
    attributes: &[],
};

fn construct<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let (ctx, state) = (call.ctx(), call.state());
    let own = |ctx: &Ctx<'js>| state.intrinsic(ctx, |intrinsics| &intrinsics.module);
    let prototype = prototype_for(call, "Module", own)?;
    let what = "WebAssembly.Module()";
    require_arguments(call, 1, what)?;
    let bytes = buffer_source::copy(state, &call.arg(0), what)?;
    let module = compile(state, ctx, bytes, what)?;
    Ok(Class::instance_proto(ModuleWrapper(module), prototype)?.into_value())
}

/// Most bytes of a module, as the interface's list of limits has it.
const MAX_BYTES: usize = 1 << 30;

/// True if a module is larger than any may be.
pub(crate) fn is_too_large(bytes: usize) -> bool {
    MAX_BYTES < bytes
}

/// Throws a `CompileError` if a module is larger than any may be.
pub(crate) fn check_size(state: &State, ctx: &Ctx<'_>, bytes: usize, what: &str) -> Result<()> {
    if !is_too_large(bytes) {
        return Ok(());
    }
    let message = format!("{what}: a module has at most {MAX_BYTES} bytes");
    Err(state.throw(ctx, ErrorClass::Compile, &message))
}

/// Compiles bytes that nobody else can change.
pub(crate) fn compile(state: &State, ctx: &Ctx<'_>, bytes: Vec<u8>, what: &str) -> Result<Module> {
    let size = bytes.len();
    check_size(state, ctx, size, what)?;
    let compiled = Module::from_bytes(state.engine(), Bytes::from(bytes));
    state.pressure.add(size);
    compiled.map_err(|error| state.throw_engine_error(ctx, &error, (Doing::Compiling, what)))
}

/// The JavaScript object for a module that was just compiled.
pub(crate) fn wrap<'js>(state: &State, ctx: &Ctx<'js>, module: Module) -> Result<Value<'js>> {
    let prototype = state.intrinsic(ctx, |intrinsics| &intrinsics.module)?;
    Ok(Class::instance_proto(ModuleWrapper(module), prototype)?.into_value())
}

/// An argument that must be a module.
pub(crate) fn argument(call: &Call<'_, '_>, what: &str) -> Result<Module> {
    let module = branded::<ModuleWrapper>(call.state(), &call.arg(0));
    let module = module.map(|module| module.borrow().0.clone());
    module.ok_or_else(|| {
        let message = format!("{what}: argument 1 must be a WebAssembly.Module");
        Exception::throw_type(call.ctx(), &message)
    })
}

fn exports<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let what = "WebAssembly.Module.exports()";
    require_arguments(call, 1, what)?;
    let module = argument(call, what)?;
    let described = module
        .exports()
        .map(|export| describe(call.ctx(), &[("name", export.name), ("kind", kind(&export.ty))]));
    list(call.ctx(), described)
}

fn imports<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let what = "WebAssembly.Module.imports()";
    require_arguments(call, 1, what)?;
    let module = argument(call, what)?;
    let described = module.imports().map(|import| {
        let members =
            [("module", import.module), ("name", import.name), ("kind", kind(&import.ty))];
        describe(call.ctx(), &members)
    });
    list(call.ctx(), described)
}

fn custom_sections<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let what = "WebAssembly.Module.customSections()";
    require_arguments(call, 2, what)?;
    let module = argument(call, what)?;
    let name = dom_string(&call.arg(1))?;
    let ctx = call.ctx();
    let copy =
        |bytes: &[u8]| ArrayBuffer::new_copy(ctx.clone(), bytes).map(ArrayBuffer::into_value);
    let name = name.as_deref();
    let sections = name.into_iter().flat_map(|name| module.custom_sections(name));
    let sections: Vec<_> = sections.map(copy).collect();
    list(ctx, sections.into_iter())
}

fn describe<'js>(ctx: &Ctx<'js>, members: &[(&str, &str)]) -> Result<Value<'js>> {
    let object = Object::new(ctx.clone())?;
    members.iter().try_for_each(|&(name, value)| object.set(name, value))?;
    Ok(object.into_value())
}

fn list<'js>(
    ctx: &Ctx<'js>,
    values: impl Iterator<Item = Result<Value<'js>>>,
) -> Result<Value<'js>> {
    let array = Array::new(ctx.clone())?;
    for (index, value) in values.enumerate() {
        array.set(index, value?)?;
    }
    Ok(array.into_value())
}

fn kind(ty: &ExternType) -> &'static str {
    match ty {
        ExternType::Func(_) => "function",
        ExternType::Table(_) => "table",
        ExternType::Memory(_) => "memory",
        ExternType::Global(_) => "global",
    }
}
