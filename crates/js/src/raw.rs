//! What QuickJS's C interface does and `rquickjs` does not: conversions as the language defines
//! them, identity of objects, and calls without a detour.
//!
//! * [RA-CONTEXT] a `Ctx` is only had where the runtime is entered on this thread, so its pointer
//!   may be used as long as the `Ctx` is there.
//! * [RA-OWNED] a `JSValue` that a function of QuickJS returns is owned by who called; one that is
//!   passed in is borrowed, unless the function's documentation says otherwise.

use std::{any::Any, mem::MaybeUninit, ptr::NonNull};

use rquickjs::{Ctx, Error, Exception, Result, Value, qjs};

/// `ToInt32`.
pub(crate) fn to_int32(value: &Value<'_>) -> Result<i32> {
    if let Some(value) = value.as_int() {
        return Ok(value);
    }
    // SAFETY: [RA-CONTEXT]; the function writes one `i32` where it succeeds.
    convert(value, |ctx, result, value| unsafe { qjs::JS_ToInt32(ctx, result, value) })
}

/// `ToNumber`.
pub(crate) fn to_number(value: &Value<'_>) -> Result<f64> {
    if let Some(value) = value.as_number() {
        return Ok(value);
    }
    // SAFETY: [RA-CONTEXT]; the function writes one `f64` where it succeeds.
    convert(value, |ctx, result, value| unsafe { qjs::JS_ToFloat64(ctx, result, value) })
}

/// `ToBigInt64`.
pub(crate) fn to_big_int64(value: &Value<'_>) -> Result<i64> {
    // SAFETY: [RA-CONTEXT]; the function writes one `i64` where it succeeds.
    convert(value, |ctx, result, value| unsafe { qjs::JS_ToBigInt64(ctx, result, value) })
}

/// A BigInt.
pub(crate) fn big_int<'js>(ctx: &Ctx<'js>, value: i64) -> Result<Value<'js>> {
    // SAFETY: [RA-CONTEXT]
    let made = unsafe { qjs::JS_NewBigInt64(ctx.as_raw().as_ptr(), value) };
    owned(ctx, made)
}

/// The address of an object, which tells it from all others that are alive.
pub(crate) fn identity(value: &Value<'_>) -> Option<usize> {
    // SAFETY: an object's payload is its address.
    value.is_object().then(|| unsafe { qjs::JS_VALUE_GET_PTR(value.as_raw()) } as usize)
}

/// The number of an object's class; 0 for what is no object.
pub(crate) fn class_id(value: &Value<'_>) -> u32 {
    // SAFETY: the function looks at the tag first.
    unsafe { qjs::JS_GetClassID(value.as_raw()) }
}

/// Calls a function.
pub(crate) fn call<'a, 'js: 'a>(
    function: &Value<'js>,
    this: &Value<'js>,
    arguments: impl Iterator<Item = &'a Value<'js>> + Clone,
) -> Result<Value<'js>> {
    const FEW: usize = 4;
    let ctx = function.ctx();
    let (mut few, mut many) = ([qjs::JS_UNDEFINED; FEW], Vec::new());
    let count = arguments.clone().count();
    let raw = match few.get_mut(..count) {
        Some(few) => few,
        None => {
            many.resize(count, qjs::JS_UNDEFINED);
            &mut many[..]
        }
    };
    raw.iter_mut().zip(arguments).for_each(|(raw, argument)| *raw = argument.as_raw());
    let (pointer, count) = (raw.as_mut_ptr(), raw.len() as i32);
    // SAFETY: [RA-CONTEXT]; the values live until the call returns, which only borrows them.
    let result = unsafe {
        qjs::JS_Call(ctx.as_raw().as_ptr(), function.as_raw(), this.as_raw(), count, pointer)
    };
    owned(ctx, result)
}

/// A value that QuickJS gave us, or the exception that is pending instead.
pub(crate) fn owned<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> Result<Value<'js>> {
    // SAFETY: looks at the tag.
    if unsafe { qjs::JS_IsException(value) } {
        return Err(Error::Exception);
    }
    // SAFETY: [RA-OWNED] and of this runtime.
    Ok(unsafe { Value::from_raw(ctx.clone(), value) })
}

/// A value that somebody else holds for as long as we need to take our own reference.
///
/// # Safety
///
/// `value` is a live value of the runtime of `ctx`.
pub(crate) unsafe fn borrowed<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> Value<'js> {
    // SAFETY: the caller's promise.
    let value = unsafe { qjs::JS_DupValue(ctx.as_raw().as_ptr(), value) };
    // SAFETY: we own the reference that we just took.
    unsafe { Value::from_raw(ctx.clone(), value) }
}

/// Gives a value to QuickJS.
pub(crate) fn give(value: Value<'_>) -> qjs::JSValue {
    // SAFETY: the value is alive; the reference that is taken here is the one that is given.
    unsafe { qjs::JS_DupValue(value.ctx().as_raw().as_ptr(), value.as_raw()) }
}

/// Throws an error that no script can catch.
pub(crate) fn throw_uncatchable<'js>(ctx: &Ctx<'js>, error: Value<'js>) -> Error {
    // SAFETY: [RA-CONTEXT]; looks whether it is an error first.
    unsafe { qjs::JS_SetUncatchableError(ctx.as_raw().as_ptr(), error.as_raw()) };
    ctx.throw(error)
}

/// Stops an object from getting more properties.
pub(crate) fn prevent_extensions(object: &Value<'_>) -> Result<()> {
    // SAFETY: [RA-CONTEXT]
    let done =
        unsafe { qjs::JS_PreventExtensions(object.ctx().as_raw().as_ptr(), object.as_raw()) };
    if done < 0 { Err(Error::Exception) } else { Ok(()) }
}

/// A copy of the bytes in a range of a buffer, or of all; `None` if it is detached or the range
/// is not inside.
pub(crate) fn buffer_bytes(buffer: &Value<'_>, range: Option<(usize, usize)>) -> Option<Vec<u8>> {
    let mut size = 0;
    let ctx = buffer.ctx();
    // SAFETY: [RA-CONTEXT]; the function looks at the object's class first.
    let start =
        unsafe { qjs::JS_GetArrayBuffer(ctx.as_raw().as_ptr(), &raw mut size, buffer.as_raw()) };
    let Some(start) = NonNull::new(start) else {
        // It has thrown an error.
        ctx.catch();
        return None;
    };
    // SAFETY: QuickJS says that so many bytes are there; nothing runs while we read.
    let bytes = unsafe { std::slice::from_raw_parts(start.as_ptr(), size as usize) };
    let (offset, length) = range.unwrap_or((0, bytes.len()));
    Some(bytes.get(offset..offset.checked_add(length)?)?.to_vec())
}

/// True for typed arrays.
pub(crate) fn is_typed_array(value: &Value<'_>) -> bool {
    // SAFETY: the function looks at the object's class first.
    0 <= unsafe { qjs::JS_GetTypedArrayType(value.as_raw()) }
}

/// The context that a pointer leads to.
///
/// # Safety
///
/// The pointer is of a live context whose runtime is entered on this thread, and the result is
/// used while it is.
pub(crate) unsafe fn context<'js>(pointer: NonNull<qjs::JSContext>) -> Ctx<'js> {
    // SAFETY: the caller's promise.
    unsafe { Ctx::from_raw(pointer) }
}

fn convert<T>(
    value: &Value<'_>,
    conversion: impl FnOnce(*mut qjs::JSContext, *mut T, qjs::JSValue) -> i32,
) -> Result<T> {
    let mut result = MaybeUninit::uninit();
    let done = conversion(value.ctx().as_raw().as_ptr(), result.as_mut_ptr(), value.as_raw());
    if done < 0 {
        return Err(Error::Exception);
    }
    // SAFETY: the conversion succeeded, so it has written the result.
    Ok(unsafe { result.assume_init() })
}

/// What a native returns to QuickJS after an error of `rquickjs`: most are pending already.
pub(crate) fn throw(ctx: &Ctx<'_>, error: Error) -> qjs::JSValue {
    if !matches!(error, Error::Exception) {
        Exception::throw_type(ctx, &error.to_string());
    }
    qjs::JS_EXCEPTION
}

/// Throws, as an error that no script can catch, what a native panicked with.
pub(crate) fn throw_panic(ctx: &Ctx<'_>, panic: &(dyn Any + Send)) -> qjs::JSValue {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = format!("a host function panicked: {}", text.unwrap_or("no message"));
    Exception::throw_internal(ctx, &message);
    throw_uncatchable(ctx, ctx.catch());
    qjs::JS_EXCEPTION
}

/// Forgets an error, and the exception that is pending because of it.
pub(crate) fn discard(ctx: &Ctx<'_>, error: &Error) {
    if matches!(error, Error::Exception) {
        ctx.catch();
    }
}

/// True for errors that no script can catch.
pub(crate) fn is_uncatchable(error: &Value<'_>) -> bool {
    // SAFETY: looks whether it is an error first.
    unsafe { qjs::JS_IsUncatchableError(error.as_raw()) }
}
