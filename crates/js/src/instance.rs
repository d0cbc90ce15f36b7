//! `WebAssembly.Instance`: reading imports, instantiating, and the exports object.
#![forbid(unsafe_code)]

use rquickjs::{Class, Ctx, Exception, Object, Result, Value, object::Property};
use tierup::{
    Extern, ExternType, FuncType, Global, GlobalType, ImportType, Instance, Module, Mutability,
    StoreContextMut, ValType,
};

use crate::{
    convert::{Argument, callable},
    define::{Attribute, Interface, prototype_for},
    errors::{Doing, ErrorClass, require_arguments},
    module,
    native::Call,
    raw,
    state::{Host, State},
    wrapper::{Wrapper, branded},
};

pub(crate) const INTERFACE: Interface = Interface {
    name: "Instance",
    length: 1,
    construct,
    static_methods: &[],
    methods: &[],
    attributes: &[Attribute { name: "exports", get: exports, set: None }],
};

fn construct<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let (ctx, state) = (call.ctx(), call.state());
    let own = |ctx: &Ctx<'js>| state.intrinsic(ctx, |intrinsics| &intrinsics.instance);
    let prototype = prototype_for(call, "Instance", own)?;
    let what = "WebAssembly.Instance()";
    require_arguments(call, 1, what)?;
    let module = module::argument(call, what)?;
    let object = import_object(ctx, &call.arg(1), what)?;
    let imports = read_imports(state, ctx, (&module, object.as_ref()), what)?;
    instantiate(state, prototype, (&module, imports), what)
}

fn exports<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let wrapper = branded::<Wrapper<'js>>(call.state(), &call.this());
    let wrapper = wrapper.filter(|wrapper| wrapper.borrow().instance().is_some());
    let wrapper = wrapper.ok_or_else(|| {
        let message = "WebAssembly.Instance.exports: the receiver must be a WebAssembly.Instance";
        Exception::throw_type(call.ctx(), message)
    })?;
    let exports = wrapper.borrow().companion.borrow().clone();
    Ok(exports.unwrap_or_else(|| call.undefined()))
}

/// The optional argument with imports.
pub(crate) fn import_object<'js>(
    ctx: &Ctx<'js>,
    value: &Value<'js>,
    what: &str,
) -> Result<Option<Object<'js>>> {
    match value.as_object() {
        Some(object) => Ok(Some(object.clone())),
        None if value.is_undefined() => Ok(None),
        None => {
            let message = format!("{what}: the import object must be an object");
            Err(Exception::throw_type(ctx, &message))
        }
    }
}

/// An import that was read, and is not in the store yet.
pub(crate) enum Import<'js> {
    /// With the object that keeps it.
    Item {
        item: Extern,
        _source: Value<'js>,
    },
    Function {
        callee: Value<'js>,
        ty: FuncType,
        index: u32,
    },
    Constant {
        ty: GlobalType,
        value: Argument<'js>,
        /// What keeps the value, if it is a function.
        _source: Value<'js>,
    },
}

/// Reads the imports of a module, in order: the part that scripts can see.
pub(crate) fn read_imports<'js>(
    state: &State,
    ctx: &Ctx<'js>,
    (module, object): (&Module, Option<&Object<'js>>),
    what: &str,
) -> Result<Vec<Import<'js>>> {
    let (mut imports, mut functions) = (Vec::new(), 0);
    for import in module.imports() {
        let Some(object) = object else {
            let message = format!("{what}: the module has imports, so an import object is wanted");
            return Err(Exception::throw_type(ctx, &message));
        };
        let place = format!("{what}: import \"{}\" \"{}\"", import.module, import.name);
        let namespace: Value<'js> = object.get(import.module)?;
        let Some(namespace) = namespace.as_object() else {
            let message = format!("{place}: \"{}\" must be an object", import.module);
            return Err(Exception::throw_type(ctx, &message));
        };
        let value: Value<'js> = namespace.get(import.name)?;
        let is_function = matches!(import.ty, ExternType::Func(_));
        imports.push(read_import(state, value, (import, functions), &place)?);
        functions += u32::from(is_function);
    }
    Ok(imports)
}

fn read_import<'js>(
    state: &State,
    value: Value<'js>,
    (import, index): (ImportType<'_>, u32),
    place: &str,
) -> Result<Import<'js>> {
    let ctx = value.ctx().clone();
    let wrong =
        |wanted: &str| state.throw(&ctx, ErrorClass::Link, &format!("{place}: {wanted} is wanted"));
    let wrapper = branded::<Wrapper<'js>>(state, &value);
    let wrapper = wrapper.as_ref().map(|wrapper| wrapper.borrow());
    match import.ty {
        ExternType::Func(ty) => match state.exported_function(&value) {
            Some(func) => Ok(Import::Item { item: func.into(), _source: value }),
            None if callable(&value).is_some() => Ok(Import::Function { callee: value, ty, index }),
            None => Err(wrong("a function")),
        },
        ExternType::Memory(_) => match wrapper.and_then(|wrapper| wrapper.memory()) {
            Some(memory) => Ok(Import::Item { item: memory.into(), _source: value.clone() }),
            None => Err(wrong("a WebAssembly.Memory")),
        },
        ExternType::Table(_) => match wrapper.and_then(|wrapper| wrapper.table()) {
            Some(table) => Ok(Import::Item { item: table.into(), _source: value.clone() }),
            None => Err(wrong("a WebAssembly.Table")),
        },
        ExternType::Global(ty) => match wrapper.and_then(|wrapper| wrapper.global()) {
            Some(global) => Ok(Import::Item { item: global.into(), _source: value.clone() }),
            None => read_constant(state, &value, ty)?.ok_or_else(|| wrong(wanted_global(ty))),
        },
    }
}

/// An immutable global may be given as a value; `None` if that one does not fit.
fn read_constant<'js>(
    state: &State,
    value: &Value<'js>,
    ty: GlobalType,
) -> Result<Option<Import<'js>>> {
    let fits = match ty.value {
        ValType::I64 => value.is_big_int(),
        ValType::I32 | ValType::F32 | ValType::F64 => value.is_number(),
        ValType::V128 => false,
        ValType::FuncRef => value.is_null() || state.exported_function(value).is_some(),
        ValType::ExternRef => true,
    };
    if !fits || ty.mutability == Mutability::Var {
        return Ok(None);
    }
    let argument = Argument::new(state, value.clone(), ty.value)?;
    Ok(Some(Import::Constant { ty, value: argument, _source: value.clone() }))
}

fn wanted_global(ty: GlobalType) -> &'static str {
    match (ty.mutability, ty.value) {
        (Mutability::Var, _) | (_, ValType::V128) => "a WebAssembly.Global",
        (_, ValType::I64) => "a BigInt or a WebAssembly.Global",
        (_, ValType::FuncRef) => "an exported function, null or a WebAssembly.Global",
        _ => "a number or a WebAssembly.Global",
    }
}

/// Makes an instance and its object.
pub(crate) fn instantiate<'js>(
    state: &State,
    prototype: Object<'js>,
    (module, imports): (&Module, Vec<Import<'js>>),
    what: &str,
) -> Result<Value<'js>> {
    let ctx = prototype.ctx().clone();
    state.collect_if_due(&ctx);
    state.pressure.add_instance();
    let entry = state.enter_start();
    let made = state.store.enter(|store| {
        let instance = make(state, store, module, imports)?;
        state.modules.borrow_mut().insert(instance, module.clone());
        let exports = instance.exports(&mut *store)?;
        let bytes = exports.iter().filter_map(|(_, item)| item.into_memory());
        bytes.for_each(|memory| state.pressure.add(memory.data(&*store).len()));
        Ok((instance, exports_object(state, store, &ctx, exports)))
    });
    let made = match made {
        Ok((instance, exports)) => exports.map(|exports| (instance, exports)),
        Err(error) => Err(state.throw_engine_error(&ctx, &error, (Doing::Linking, what))),
    };
    drop(entry);
    state.refresh_buffers(&ctx);
    let (instance, exports) = made?;
    let wrapper = state.wrap_with(instance, prototype)?;
    if let Some(wrapper) = branded::<Wrapper<'js>>(state, &wrapper) {
        wrapper.borrow().companion.replace(Some(exports));
    }
    Ok(wrapper)
}

fn make(
    state: &State,
    store: &mut StoreContextMut<'_, Host>,
    module: &Module,
    imports: Vec<Import<'_>>,
) -> std::result::Result<Instance, tierup::Error> {
    let mut items = Vec::with_capacity(imports.len());
    for import in imports {
        items.push(match import {
            Import::Item { item, .. } => item,
            Import::Function { callee, ty, index } => {
                state.host_function(store, &callee, (ty, index))?.into()
            }
            Import::Constant { ty, value, .. } => {
                let value = value.into_val(state, store)?;
                Global::new(&mut *store, ty, value)?.into()
            }
        });
    }
    Instance::new(store, module, &items)
}

fn exports_object<'js>(
    state: &State,
    store: &mut StoreContextMut<'_, Host>,
    ctx: &Ctx<'js>,
    exports: Vec<(String, Extern)>,
) -> Result<Value<'js>> {
    let object = Object::new_proto(ctx.clone(), None)?;
    for (name, item) in exports {
        let value = match item {
            Extern::Func(func) => state.function_object(store, ctx, func)?,
            item => state.wrap(ctx, item)?,
        };
        object.prop(name, Property::from(value).enumerable())?;
    }
    raw::prevent_extensions(object.as_value())?;
    Ok(object.into_value())
}

/// The object of a new instance, with the realm's own prototype.
pub(crate) fn instantiate_plain<'js>(
    state: &State,
    ctx: &Ctx<'js>,
    (module, imports): (&Module, Vec<Import<'js>>),
    what: &str,
) -> Result<Class<'js, Wrapper<'js>>> {
    let prototype = state.intrinsic(ctx, |intrinsics| &intrinsics.instance)?;
    Class::from_value(&instantiate(state, prototype, (module, imports), what)?)
}
