//! Values that cross the API, dynamically typed.

use std::any::Any;

use tierup_runtime::{ExternHandle, StoreState, Value};
use tierup_wasm::ValType;

use crate::{AsContext, AsContextMut, Error, ErrorKind, Func};

/// A value of any type. Floats are bits, so that a NaN stays what it is.
#[derive(Clone, Copy, Debug)]
pub enum Val {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A 128-bit vector.
    V128(u128),
    /// A function, or null.
    FuncRef(Option<Func>),
    /// A value of the host, or null.
    ExternRef(Option<ExternRef>),
}

impl Val {
    /// Its type.
    pub fn ty(&self) -> ValType {
        match self {
            Self::I32(_) => ValType::I32,
            Self::I64(_) => ValType::I64,
            Self::F32(_) => ValType::F32,
            Self::F64(_) => ValType::F64,
            Self::V128(_) => ValType::V128,
            Self::FuncRef(_) => ValType::FuncRef,
            Self::ExternRef(_) => ValType::ExternRef,
        }
    }

    /// Zero, or null.
    pub fn default_for(ty: ValType) -> Self {
        match ty {
            ValType::I32 => Self::I32(0),
            ValType::I64 => Self::I64(0),
            ValType::F32 => Self::F32(0),
            ValType::F64 => Self::F64(0),
            ValType::V128 => Self::V128(0),
            ValType::FuncRef => Self::FuncRef(None),
            ValType::ExternRef => Self::ExternRef(None),
        }
    }

    /// The integer, if it is an `i32`.
    pub fn i32(&self) -> Option<i32> {
        if let Self::I32(value) = self { Some(*value) } else { None }
    }

    /// The integer, if it is an `i64`.
    pub fn i64(&self) -> Option<i64> {
        if let Self::I64(value) = self { Some(*value) } else { None }
    }

    /// The float, if it is an `f32`.
    pub fn f32(&self) -> Option<f32> {
        if let Self::F32(bits) = self { Some(f32::from_bits(*bits)) } else { None }
    }

    /// The float, if it is an `f64`.
    pub fn f64(&self) -> Option<f64> {
        if let Self::F64(bits) = self { Some(f64::from_bits(*bits)) } else { None }
    }

    /// As a value of type `ty` of a store.
    pub(crate) fn to_raw(self, state: &StoreState, ty: ValType) -> Result<Value, Error> {
        if self.ty() != ty {
            return Err(ErrorKind::ValueType { expected: ty, found: self.ty() }.into());
        }
        Ok(match self {
            Self::I32(value) => Value::from_u32(value as u32),
            Self::I64(value) => Value::from_u64(value as u64),
            Self::F32(bits) => Value::from_u32(bits),
            Self::F64(bits) => Value::from_u64(bits),
            Self::V128(bits) => Value::from_u128(bits),
            Self::FuncRef(func) => state.raw_function(func.map(Func::handle))?,
            Self::ExternRef(value) => state.raw_extern(value.map(|value| value.0))?,
        })
    }

    /// From a value of type `ty` of a store. References become roots.
    pub(crate) fn from_raw(state: &mut StoreState, ty: ValType, value: Value) -> Self {
        match ty {
            ValType::I32 => Self::I32(value.to_u32() as i32),
            ValType::I64 => Self::I64(value.to_u64() as i64),
            ValType::F32 => Self::F32(value.to_u32()),
            ValType::F64 => Self::F64(value.to_u64()),
            ValType::V128 => Self::V128(value.to_u128()),
            ValType::FuncRef => {
                let function = state.function_of_raw(value);
                Self::FuncRef(function.map(|function| Func::from_handle(state.root(function))))
            }
            ValType::ExternRef => {
                let handle = state.extern_of_raw(value);
                Self::ExternRef(handle.map(|handle| ExternRef(state.root(handle))))
            }
        }
    }
}

macro_rules! from_value {
    ($($ty:ty: $name:ident => $value:expr;)*) => {$(
        impl From<$ty> for Val {
            fn from($name: $ty) -> Self {
                $value
            }
        }
    )*};
}

from_value! {
    i32: value => Self::I32(value);
    i64: value => Self::I64(value);
    f32: value => Self::F32(value.to_bits());
    f64: value => Self::F64(value.to_bits());
    u128: value => Self::V128(value);
    Func: value => Self::FuncRef(Some(value));
    ExternRef: value => Self::ExternRef(Some(value));
}

/// A value of the host that Wasm holds without looking into it.
///
/// ```
/// # fn main() -> Result<(), tierup::Error> {
/// let engine = tierup::Engine::default();
/// let mut store = tierup::Store::new(&engine, ());
/// let value = tierup::ExternRef::new(&mut store, "hello")?;
/// assert_eq!(value.data(&store)?.downcast_ref(), Some(&"hello"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ExternRef(pub(crate) ExternHandle);

impl ExternRef {
    /// Gives a value to a store.
    ///
    /// # Errors
    ///
    /// If the store has four billion already.
    pub fn new(mut store: impl AsContextMut, value: impl Any + Send + Sync) -> Result<Self, Error> {
        let state = store.as_context_mut().into_state();
        let handle = state.new_extern(Box::new(value))?;
        Ok(Self(state.root(handle)))
    }

    /// The value.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn data<'a, T: 'static>(
        &self,
        store: impl Into<crate::StoreContext<'a, T>>,
    ) -> Result<&'a (dyn Any + Send + Sync), Error> {
        store.into().state().extern_value(self.0)
    }

    /// True if the object still exists in that store.
    pub fn is_live(&self, store: impl AsContext) -> bool {
        store.as_context().state().extern_value(self.0).is_ok()
    }
}
