//! Values on their way between JavaScript and Wasm, and arguments as WebIDL converts them.
//!
//! Converting to Wasm may run scripts, so it happens before the store is entered. References to
//! values of JavaScript become objects of the store only there: hence [`Argument`].
#![forbid(unsafe_code)]

use rquickjs::{Array, Ctx, Exception, Function, Object, Result, Symbol, Value};
use tierup::{ExternRef, StoreContextMut, Val, ValType};

use crate::{
    raw,
    state::{Host, State},
    values::ValueKey,
};

/// A value that was converted for Wasm, and is not in the store yet.
#[derive(Clone)]
pub(crate) enum Argument<'js> {
    Ready(Val),
    Extern(Value<'js>),
}

impl<'js> Argument<'js> {
    /// `ToWebAssemblyValue`.
    pub(crate) fn new(state: &State, value: Value<'js>, ty: ValType) -> Result<Self> {
        Ok(Self::Ready(match ty {
            ValType::I32 => Val::I32(raw::to_int32(&value)?),
            ValType::I64 => Val::I64(raw::to_big_int64(&value)?),
            ValType::F32 => Val::F32((raw::to_number(&value)? as f32).to_bits()),
            ValType::F64 => Val::F64(raw::to_number(&value)?.to_bits()),
            ValType::V128 => return Err(v128_error(value.ctx())),
            ValType::ExternRef if value.is_null() => Val::ExternRef(None),
            ValType::ExternRef => return Ok(Self::Extern(value)),
            ValType::FuncRef if value.is_null() => Val::FuncRef(None),
            ValType::FuncRef => match state.exported_function(&value) {
                Some(func) => Val::FuncRef(Some(func)),
                None => {
                    let message = "a funcref is null or an exported WebAssembly function";
                    return Err(Exception::throw_type(value.ctx(), message));
                }
            },
        }))
    }

    /// `DefaultValue`.
    pub(crate) fn default(ctx: &Ctx<'js>, ty: ValType) -> Self {
        match ty {
            ValType::ExternRef => Self::Extern(Value::new_undefined(ctx.clone())),
            _ => Self::Ready(Val::default_for(ty)),
        }
    }

    /// An optional argument: the default if it is missing, which `undefined` is too.
    pub(crate) fn optional(state: &State, value: Value<'js>, ty: ValType) -> Result<Self> {
        match value.is_undefined() {
            true => Ok(Self::default(value.ctx(), ty)),
            false => Self::new(state, value, ty),
        }
    }

    /// The value, in the store.
    pub(crate) fn into_val(
        self,
        state: &State,
        store: &mut StoreContextMut<'_, Host>,
    ) -> std::result::Result<Val, tierup::Error> {
        let value = match self {
            Self::Ready(val) => return Ok(val),
            Self::Extern(value) => value,
        };
        let key = state.values.borrow_mut().insert(&value);
        state.pressure.add_object();
        Ok(Val::ExternRef(Some(ExternRef::new(store, ValueKey(key))?)))
    }
}

/// `ToJSValue`.
pub(crate) fn to_js<'js>(
    state: &State,
    store: &mut StoreContextMut<'_, Host>,
    ctx: &Ctx<'js>,
    value: Val,
) -> Result<Value<'js>> {
    match value {
        Val::I32(value) => Ok(Value::new_int(ctx.clone(), value)),
        Val::I64(value) => raw::big_int(ctx, value),
        Val::F32(bits) => Ok(Value::new_float(ctx.clone(), f32::from_bits(bits).into())),
        Val::F64(bits) => Ok(Value::new_float(ctx.clone(), f64::from_bits(bits))),
        Val::V128(_) => Err(v128_error(ctx)),
        Val::FuncRef(None) | Val::ExternRef(None) => Ok(Value::new_null(ctx.clone())),
        Val::FuncRef(Some(func)) => state.function_object(store, ctx, func),
        Val::ExternRef(Some(reference)) => {
            let key = reference.data(&*store).ok().and_then(|data| data.downcast_ref());
            match key {
                Some(&ValueKey(key)) => state.values.borrow().get(ctx, key),
                None => Err(Exception::throw_type(ctx, "a host value that is not JavaScript's")),
            }
        }
    }
}

/// Several results, as JavaScript sees them.
pub(crate) fn array<'js>(ctx: &Ctx<'js>, values: Vec<Value<'js>>) -> Result<Value<'js>> {
    let array = Array::new(ctx.clone())?;
    for (index, value) in values.into_iter().enumerate() {
        array.set(index, value)?;
    }
    Ok(array.into_value())
}

/// Several results that a function of JavaScript returns: what it iterates over.
pub(crate) fn results_of<'js>(
    state: &State,
    value: &Value<'js>,
    types: &[ValType],
) -> Result<Vec<Argument<'js>>> {
    let ctx = value.ctx();
    let values = iterate(value)?;
    if values.len() != types.len() {
        let message =
            format!("{} results are wanted, the iterable has {}", types.len(), values.len());
        return Err(Exception::throw_type(ctx, &message));
    }
    values.into_iter().zip(types).map(|(value, &ty)| Argument::new(state, value, ty)).collect()
}

/// `IterableToList`.
fn iterate<'js>(value: &Value<'js>) -> Result<Vec<Value<'js>>> {
    let ctx = value.ctx();
    let not_iterable = || Exception::throw_type(ctx, "several results must come as an iterable");
    let object = value.as_object().ok_or_else(not_iterable)?;
    let method: Value<'js> = object.get(Symbol::iterator(ctx.clone()))?;
    let method = method.as_function().cloned().ok_or_else(not_iterable)?;
    let iterator = raw::call(method.as_value(), value, [].iter())?;
    let iterator = iterator.into_object().ok_or_else(not_iterable)?;
    let next: Value<'js> = iterator.get("next")?;
    let mut values = Vec::new();
    loop {
        let step = raw::call(&next, iterator.as_value(), [].iter())?;
        let step = step.into_object().ok_or_else(not_iterable)?;
        if truthy(&step.get("done")?) {
            return Ok(values);
        }
        values.push(step.get("value")?);
    }
}

/// `ToBoolean`.
pub(crate) fn truthy(value: &Value<'_>) -> bool {
    value.get::<rquickjs::Coerced<bool>>().is_ok_and(|value| value.0)
}

/// `[EnforceRange] unsigned long`.
pub(crate) fn unsigned_long(value: &Value<'_>, what: &str) -> Result<u32> {
    let number = raw::to_number(value)?;
    let whole = number.trunc();
    if !number.is_finite() || !(0.0..=f64::from(u32::MAX)).contains(&whole) {
        let message = format!("{what} must be a number from 0 to 4294967295, not {number}");
        return Err(Exception::throw_type(value.ctx(), &message));
    }
    Ok(whole as u32)
}

/// A dictionary with required members.
pub(crate) fn dictionary<'js>(value: &Value<'js>, what: &str) -> Result<Object<'js>> {
    value
        .as_object()
        .cloned()
        .ok_or_else(|| Exception::throw_type(value.ctx(), &format!("{what} must be an object")))
}

/// A required member of a dictionary.
pub(crate) fn required<'js>(
    dictionary: &Object<'js>,
    member: &str,
    what: &str,
) -> Result<Value<'js>> {
    let value: Value<'js> = dictionary.get(member)?;
    match value.is_undefined() {
        true => {
            let message = format!("{what} must have a property '{member}'");
            Err(Exception::throw_type(dictionary.ctx(), &message))
        }
        false => Ok(value),
    }
}

/// An optional `[EnforceRange] unsigned long` of a dictionary.
pub(crate) fn optional_long(
    dictionary: &Object<'_>,
    member: &str,
    what: &str,
) -> Result<Option<u32>> {
    let value: Value<'_> = dictionary.get(member)?;
    match value.is_undefined() {
        true => Ok(None),
        false => unsigned_long(&value, &format!("{what}: property '{member}'")).map(Some),
    }
}

/// The value types that descriptors name.
pub(crate) fn value_type(value: &Value<'_>, allowed: &[ValType], what: &str) -> Result<ValType> {
    let name = to_string(value)?;
    let found = allowed.iter().copied().find(|&ty| type_name(ty) == name);
    found.ok_or_else(|| {
        let message = format!("{what}: '{name}' is no type for it");
        Exception::throw_type(value.ctx(), &message)
    })
}

/// What JavaScript calls a type.
pub(crate) fn type_name(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        ValType::V128 => "v128",
        ValType::FuncRef => "anyfunc",
        ValType::ExternRef => "externref",
    }
}

/// A name that is looked for among ours, none of which is empty or has lone surrogates.
pub(crate) fn to_string(value: &Value<'_>) -> Result<String> {
    dom_string(value).map(Option::unwrap_or_default)
}

/// `DOMString`; `None` if it has lone surrogates, so that it equals no name of a module.
pub(crate) fn dom_string(value: &Value<'_>) -> Result<Option<String>> {
    let text = value.get::<rquickjs::Coerced<rquickjs::String<'_>>>()?.0;
    Ok(text.to_string().ok())
}

/// Member `address` of a descriptor, which comes first: only 32-bit addresses are there.
pub(crate) fn check_address_type(dictionary: &Object<'_>, what: &str) -> Result<()> {
    let value: Value<'_> = dictionary.get("address")?;
    if value.is_undefined() {
        return Ok(());
    }
    let message = match to_string(&value)?.as_str() {
        "i32" => return Ok(()),
        "i64" => format!("{what}: this engine has no 64-bit addresses"),
        other => format!("{what}: property 'address' must be 'i32' or 'i64', not '{other}'"),
    };
    Err(Exception::throw_type(dictionary.ctx(), &message))
}

fn v128_error(ctx: &Ctx<'_>) -> rquickjs::Error {
    Exception::throw_type(ctx, "v128 values cannot cross into JavaScript")
}

/// True if a value can be called.
pub(crate) fn callable<'js>(value: &Value<'js>) -> Option<Function<'js>> {
    value.as_function().cloned()
}
