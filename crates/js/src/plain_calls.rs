//! Calls in both directions whose values are plain numbers, without a detour.
//!
//! Most functions that cross between JavaScript and Wasm take and give `i32`, `f32` and `f64`, and
//! most values for them are numbers that need no conversion that a script could see. Such a call
//! goes from one machine's representation to the other's:
//!
//! ```text
//!   JSValue ──► RawValue ──► Wasm ──► RawValue ──► JSValue         an exported function
//!   RawValue ──► JSValue ──► script ──► JSValue ──► RawValue       an imported function
//! ```
//!
//! All others, and those that turn out to need more (an argument is an object, a memory has grown,
//! the result is a string) take the usual way through `exports` or `convert`.
//!
//! * [PL-NUMBER] a `JSValue` that is an integer or a float owns nothing: it is copied like a
//!   number and never freed.
//! * [PL-CALLEE] a function of JavaScript that is called is held by us until it returns.

use std::ptr::NonNull;

use rquickjs::{Result, qjs};
use tierup::{AsContextMut, Caller, FuncType, RawValue, Val, ValType};

use crate::{
    convert::Argument,
    errors::Thrown,
    raw,
    state::{Host, State},
};

/// Most values of a call that goes this way.
pub(crate) const ROOM: usize = 8;

/// A type of plain numbers.
#[derive(Clone, Debug)]
pub(crate) struct PlainType {
    parameters: Box<[Plain]>,
    result: Option<Plain>,
}

/// A type of which JavaScript's numbers are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Plain {
    I32,
    F32,
    F64,
}

impl PlainType {
    /// The type, if calls of it can go this way.
    pub(crate) fn of(ty: &FuncType) -> Option<Self> {
        if ROOM < ty.params.len() || 1 < ty.results.len() {
            return None;
        }
        let plain = |types: &[ValType]| types.iter().copied().map(Plain::of).collect();
        let (parameters, results): (Option<Box<[_]>>, Option<Box<[_]>>) =
            (plain(&ty.params), plain(&ty.results));
        Some(Self { parameters: parameters?, result: results?.first().copied() })
    }

    /// The arguments of a call, if they are plain.
    ///
    /// # Safety
    ///
    /// `arguments` are live values.
    #[inline]
    pub(crate) unsafe fn arguments(&self, arguments: &[qjs::JSValue]) -> Option<[RawValue; ROOM]> {
        let mut values = [RawValue::default(); ROOM];
        for ((value, &argument), &ty) in values.iter_mut().zip(arguments).zip(&self.parameters) {
            // SAFETY: the caller's promise.
            *value = unsafe { ty.read(argument) }?;
        }
        Some(values)
    }

    /// What a call that has left these values returns.
    #[inline]
    pub(crate) fn returned(&self, values: &[RawValue; ROOM]) -> qjs::JSValue {
        self.result.map_or(qjs::JS_UNDEFINED, |ty| ty.write(values[0]))
    }
}

impl Plain {
    fn of(ty: ValType) -> Option<Self> {
        match ty {
            ValType::I32 => Some(Self::I32),
            ValType::F32 => Some(Self::F32),
            ValType::F64 => Some(Self::F64),
            _ => None,
        }
    }

    fn ty(self) -> ValType {
        match self {
            Self::I32 => ValType::I32,
            Self::F32 => ValType::F32,
            Self::F64 => ValType::F64,
        }
    }

    /// # Safety
    ///
    /// `value` is a live value.
    #[inline]
    unsafe fn read(self, value: qjs::JSValue) -> Option<RawValue> {
        // SAFETY: reads the tag.
        let tag = unsafe { qjs::JS_VALUE_GET_TAG(value) };
        if tag == qjs::JS_TAG_INT {
            // SAFETY: the payload is an integer.
            let number = unsafe { qjs::JS_VALUE_GET_INT(value) };
            return Some(match self {
                Self::I32 => RawValue::from_u32(number as u32),
                Self::F32 => RawValue::from_u32((number as f32).to_bits()),
                Self::F64 => RawValue::from_u64(f64::from(number).to_bits()),
            });
        }
        // SAFETY: compares tags.
        if self == Self::I32 || !unsafe { qjs::JS_TAG_IS_FLOAT64(tag) } {
            return None;
        }
        // SAFETY: the payload is a float.
        let number = unsafe { qjs::JS_VALUE_GET_FLOAT64(value) };
        Some(match self {
            Self::F64 => RawValue::from_u64(number.to_bits()),
            _ => RawValue::from_u32((number as f32).to_bits()),
        })
    }

    /// [PL-NUMBER]
    #[inline]
    fn write(self, value: RawValue) -> qjs::JSValue {
        match self {
            Self::I32 => qjs::JS_MKVAL(qjs::JS_TAG_INT, value.to_u32() as i32),
            Self::F32 => qjs::JS_NewFloat64(f32::from_bits(value.to_u32()).into()),
            Self::F64 => qjs::JS_NewFloat64(f64::from_bits(value.to_u64())),
        }
    }
}

/// Calls the function of JavaScript that `key` names, with the parameters in front of `values`;
/// leaves its result there.
pub(crate) fn call_import(
    caller: &mut Caller<'_, Host>,
    key: u32,
    ty: &PlainType,
    values: &mut [RawValue],
) -> std::result::Result<(), tierup::Error> {
    let thrown = || tierup::Error::host(Thrown);
    let state = caller.data().state.upgrade().ok_or_else(thrown)?;
    let context = state.context();
    let callee = state.values.borrow().raw(key);
    let mut arguments = [qjs::JS_UNDEFINED; ROOM];
    for ((argument, &value), ty) in arguments.iter_mut().zip(&*values).zip(&ty.parameters) {
        *argument = ty.write(value);
    }
    let arguments = &mut arguments[..ty.parameters.len()];
    let mut store = caller.as_context_mut();
    let result = state.store.lend(&mut store, || {
        state.refresh_grown_buffers();
        // SAFETY: `State::context`; the arguments are numbers, and the table has the callee.
        let returned = unsafe { call(context, callee, arguments) };
        match ty.result {
            // SAFETY: it is live: we own it.
            Some(ty) => match unsafe { ty.read(returned) } {
                Some(value) => Ok(Some(value)),
                // SAFETY: `State::context`; it is given away.
                None => unsafe { convert(&state, context, (returned, ty)) }.map(Some),
            },
            // SAFETY: `State::context`; it is given away.
            None => unsafe { discard(context, returned) },
        }
    });
    match result {
        Ok(Some(value)) => values[0] = value,
        Ok(None) => {}
        Err(_) => return Err(thrown()),
    }
    Ok(())
}

/// Calls a function of JavaScript.
///
/// # Safety
///
/// (a) the runtime of `context` is entered on this thread.
/// (b) `callee` and `arguments` are live values of it when we are called.
#[inline]
unsafe fn call(
    context: NonNull<qjs::JSContext>,
    callee: qjs::JSValue,
    arguments: &mut [qjs::JSValue],
) -> qjs::JSValue {
    let (context, count) = (context.as_ptr(), arguments.len() as i32);
    // SAFETY: (a), (b)
    let callee = unsafe { qjs::JS_DupValue(context, callee) };
    let (this, start) = (qjs::JS_UNDEFINED, arguments.as_mut_ptr());
    // SAFETY: (a), (b), [PL-CALLEE]
    let returned = unsafe { qjs::JS_Call(context, callee, this, count, start) };
    // SAFETY: (a); we own it, and use it no more.
    unsafe { qjs::JS_FreeValue(context, callee) };
    returned
}

/// Converts a result that is no plain number, if it is a result at all.
///
/// # Safety
///
/// The runtime of `context` is entered on this thread, and the caller owns `returned`, a value of
/// it, and gives it up.
#[cold]
unsafe fn convert(
    state: &State,
    context: NonNull<qjs::JSContext>,
    (returned, ty): (qjs::JSValue, Plain),
) -> Result<RawValue> {
    // SAFETY: the caller's promise.
    let ctx = unsafe { raw::context(context) };
    let converted =
        raw::owned(&ctx, returned).and_then(|value| Argument::new(state, value, ty.ty()));
    match converted {
        Ok(Argument::Ready(Val::I32(value))) => Ok(RawValue::from_u32(value as u32)),
        Ok(Argument::Ready(Val::F32(bits))) => Ok(RawValue::from_u32(bits)),
        Ok(Argument::Ready(Val::F64(bits))) => Ok(RawValue::from_u64(bits)),
        Ok(_) => unreachable!("an argument has the type that it was converted to"),
        Err(error) => {
            raw::throw(&ctx, error);
            Err(rquickjs::Error::Exception)
        }
    }
}

/// Drops what a function without results returned, if it returned.
///
/// # Safety
///
/// As for `convert`.
#[inline]
unsafe fn discard(
    context: NonNull<qjs::JSContext>,
    returned: qjs::JSValue,
) -> Result<Option<RawValue>> {
    // SAFETY: looks at the tag.
    if unsafe { qjs::JS_IsException(returned) } {
        return Err(rquickjs::Error::Exception);
    }
    // SAFETY: the caller's promise.
    unsafe { qjs::JS_FreeValue(context.as_ptr(), returned) };
    Ok(None)
}
