//! Statically typed calls, in both directions.

use std::{fmt, marker::PhantomData};

use tierup_runtime::{FunctionHandle, HostFunction, StoreState, TypeRegistry, Value};
use tierup_wasm::{FuncType, ValType};

use crate::{AsContextMut, Caller, Error, ErrorKind, ExternRef, Func, Val};

/// A Rust type that stands for a Wasm value type.
pub trait WasmTy: Sized + 'static {
    /// The Wasm type.
    const TYPE: ValType;

    /// As a raw value of a store.
    ///
    /// # Errors
    ///
    /// If it is a reference of another store.
    fn into_raw(self, state: &StoreState) -> Result<Value, Error>;

    /// From a raw value of a store.
    fn from_raw(state: &mut StoreState, value: Value) -> Self;
}

macro_rules! wasm_numbers {
    ($($ty:ty = $wasm:ident: $into:expr, $from:expr;)*) => {$(
        impl WasmTy for $ty {
            const TYPE: ValType = ValType::$wasm;

            #[inline]
            fn into_raw(self, _: &StoreState) -> Result<Value, Error> {
                Ok($into(self))
            }

            #[inline]
            fn from_raw(_: &mut StoreState, value: Value) -> Self {
                $from(value)
            }
        }
    )*};
}

wasm_numbers! {
    i32 = I32: |number| Value::from_u32(number as u32), |value: Value| value.to_u32() as i32;
    u32 = I32: Value::from_u32, Value::to_u32;
    i64 = I64: |number| Value::from_u64(number as u64), |value: Value| value.to_u64() as i64;
    u64 = I64: Value::from_u64, Value::to_u64;
    f32 = F32: |number: f32| Value::from_u32(number.to_bits()),
        |value: Value| f32::from_bits(value.to_u32());
    f64 = F64: |number: f64| Value::from_u64(number.to_bits()),
        |value: Value| f64::from_bits(value.to_u64());
    u128 = V128: Value::from_u128, Value::to_u128;
}

impl WasmTy for Option<Func> {
    const TYPE: ValType = ValType::FuncRef;

    fn into_raw(self, state: &StoreState) -> Result<Value, Error> {
        Val::FuncRef(self).to_raw(state, Self::TYPE)
    }

    fn from_raw(state: &mut StoreState, value: Value) -> Self {
        match Val::from_raw(state, Self::TYPE, value) {
            Val::FuncRef(func) => func,
            _ => None,
        }
    }
}

impl WasmTy for Option<ExternRef> {
    const TYPE: ValType = ValType::ExternRef;

    fn into_raw(self, state: &StoreState) -> Result<Value, Error> {
        Val::ExternRef(self).to_raw(state, Self::TYPE)
    }

    fn from_raw(state: &mut StoreState, value: Value) -> Self {
        match Val::from_raw(state, Self::TYPE, value) {
            Val::ExternRef(value) => value,
            _ => None,
        }
    }
}

/// Parameters of a typed call: one [`WasmTy`], or a tuple of them.
pub trait WasmParams: Sized + 'static {
    /// Their Wasm types.
    const TYPES: &'static [ValType];

    /// Writes them to the front of `values`.
    ///
    /// # Errors
    ///
    /// If one is a reference of another store.
    fn write(self, state: &StoreState, values: &mut [Value]) -> Result<(), Error>;
}

/// Results of a typed call: one [`WasmTy`], or a tuple of them.
pub trait WasmResults: WasmParams {
    /// Reads them from the front of `values`.
    fn read(state: &mut StoreState, values: &[Value]) -> Self;
}

impl<A: WasmTy> WasmParams for A {
    const TYPES: &'static [ValType] = &[A::TYPE];

    #[inline]
    fn write(self, state: &StoreState, values: &mut [Value]) -> Result<(), Error> {
        values[0] = self.into_raw(state)?;
        Ok(())
    }
}

impl<A: WasmTy> WasmResults for A {
    #[inline]
    fn read(state: &mut StoreState, values: &[Value]) -> Self {
        A::from_raw(state, values[0])
    }
}

/// What a host function may return: results, or a `Result` of them.
pub trait HostResults {
    /// The results.
    type Results: WasmResults;

    /// The results, or why there are none.
    ///
    /// # Errors
    ///
    /// What the host function returned.
    fn into_result(self) -> Result<Self::Results, Error>;
}

impl<R: WasmResults> HostResults for R {
    type Results = R;

    fn into_result(self) -> Result<R, Error> {
        Ok(self)
    }
}

impl<R: WasmResults> HostResults for Result<R, Error> {
    type Results = R;

    fn into_result(self) -> Self {
        self
    }
}

/// A closure that can be a host function: it takes [`WasmTy`]s, before them a [`Caller`] if it
/// wants one, and returns [`HostResults`].
pub trait IntoFunc<T, P, R>: Send + Sync + 'static {
    /// The host function.
    ///
    /// # Errors
    ///
    /// If its type cannot be registered.
    fn into_host_function(self, types: &TypeRegistry) -> Result<HostFunction, Error>;
}

macro_rules! tuples {
    ($(($($name:ident $value:ident),*))*) => {$(
        impl<$($name: WasmTy),*> WasmParams for ($($name,)*) {
            const TYPES: &'static [ValType] = &[$($name::TYPE),*];

            #[inline]
            fn write(self, state: &StoreState, values: &mut [Value]) -> Result<(), Error> {
                let ($($value,)*) = self;
                let raw = [$($value.into_raw(state)?),*];
                values[..raw.len()].copy_from_slice(&raw);
                Ok(())
            }
        }

        impl<$($name: WasmTy),*> WasmResults for ($($name,)*) {
            #[inline]
            fn read(state: &mut StoreState, values: &[Value]) -> Self {
                let mut values = values.iter().copied();
                ($($name::from_raw(state, values.next().unwrap_or_default()),)*)
            }
        }
    )*};
}

macro_rules! closures {
    ($(($($name:ident $value:ident),*))*) => {$(
        impl<T, F, $($name,)* R> IntoFunc<T, ($($name,)*), R> for F
        where
            F: Fn($($name),*) -> R + Send + Sync + 'static,
            $($name: WasmTy,)*
            R: HostResults,
        {
            fn into_host_function(self, types: &TypeRegistry) -> Result<HostFunction, Error> {
                host_function::<($($name,)*), R, ()>(types, move |_, ($($value,)*)| self($($value),*))
            }
        }

        impl<T, F, $($name,)* R> IntoFunc<T, (Caller<'_, T>, $($name,)*), R> for F
        where
            T: 'static,
            F: Fn(Caller<'_, T>, $($name),*) -> R + Send + Sync + 'static,
            $($name: WasmTy,)*
            R: HostResults,
        {
            fn into_host_function(self, types: &TypeRegistry) -> Result<HostFunction, Error> {
                host_function::<($($name,)*), R, T>(types, move |caller, ($($value,)*)| {
                    self(caller, $($value),*)
                })
            }
        }
    )*};
}

impl WasmParams for () {
    const TYPES: &'static [ValType] = &[];

    #[inline]
    fn write(self, _: &StoreState, _: &mut [Value]) -> Result<(), Error> {
        Ok(())
    }
}

impl WasmResults for () {
    #[inline]
    fn read(_: &mut StoreState, _: &[Value]) -> Self {}
}

macro_rules! for_each_tuple {
    ($make:ident) => {
        $make! {
            (A1 a1)
            (A1 a1, A2 a2)
            (A1 a1, A2 a2, A3 a3)
            (A1 a1, A2 a2, A3 a3, A4 a4)
            (A1 a1, A2 a2, A3 a3, A4 a4, A5 a5)
            (A1 a1, A2 a2, A3 a3, A4 a4, A5 a5, A6 a6)
            (A1 a1, A2 a2, A3 a3, A4 a4, A5 a5, A6 a6, A7 a7)
            (A1 a1, A2 a2, A3 a3, A4 a4, A5 a5, A6 a6, A7 a7, A8 a8)
            (A1 a1, A2 a2, A3 a3, A4 a4, A5 a5, A6 a6, A7 a7, A8 a8, A9 a9)
            (A1 a1, A2 a2, A3 a3, A4 a4, A5 a5, A6 a6, A7 a7, A8 a8, A9 a9, A10 a10)
            (A1 a1, A2 a2, A3 a3, A4 a4, A5 a5, A6 a6, A7 a7, A8 a8, A9 a9, A10 a10, A11 a11)
            (A1 a1, A2 a2, A3 a3, A4 a4, A5 a5, A6 a6, A7 a7, A8 a8, A9 a9, A10 a10, A11 a11, A12 a12)
            (A1 a1, A2 a2, A3 a3, A4 a4, A5 a5, A6 a6, A7 a7, A8 a8, A9 a9, A10 a10, A11 a11, A12 a12, A13 a13)
            (A1 a1, A2 a2, A3 a3, A4 a4, A5 a5, A6 a6, A7 a7, A8 a8, A9 a9, A10 a10, A11 a11, A12 a12, A13 a13, A14 a14)
            (A1 a1, A2 a2, A3 a3, A4 a4, A5 a5, A6 a6, A7 a7, A8 a8, A9 a9, A10 a10, A11 a11, A12 a12, A13 a13, A14 a14, A15 a15)
            (A1 a1, A2 a2, A3 a3, A4 a4, A5 a5, A6 a6, A7 a7, A8 a8, A9 a9, A10 a10, A11 a11, A12 a12, A13 a13, A14 a14, A15 a15, A16 a16)
        }
    };
}

for_each_tuple!(tuples);
for_each_tuple!(closures);
closures! { () }

fn host_function<P: WasmResults, R: HostResults, T: 'static>(
    types: &TypeRegistry,
    call: impl Fn(Caller<'_, T>, P) -> R + Send + Sync + 'static,
) -> Result<HostFunction, Error> {
    let ty = FuncType::new(P::TYPES.iter().copied(), R::Results::TYPES.iter().copied());
    Ok(HostFunction::new(types.register(&ty)?, move |state, caller, values| {
        let mut scope = state.scope();
        let params = P::read(&mut scope, values);
        let results = call(Caller::new(&mut scope, caller), params).into_result()?;
        results.write(&scope, values)
    }))
}

/// A function whose type is known statically: calls convert nothing at run time.
pub struct TypedFunc<P, R> {
    handle: FunctionHandle,
    ty: PhantomData<fn(P) -> R>,
}

/// Most values of a typed call.
const MAX_VALUES: usize = 16;

impl<P: WasmParams, R: WasmResults> TypedFunc<P, R> {
    pub(crate) fn new(handle: FunctionHandle, state: &StoreState) -> Result<Self, Error> {
        let ty = state.function(handle)?.ty().ty();
        if *ty.params == *P::TYPES && *ty.results == *R::TYPES {
            return Ok(Self { handle, ty: PhantomData });
        }
        let expected = FuncType::new(P::TYPES.iter().copied(), R::TYPES.iter().copied());
        let (expected, found) = (expected.to_string(), ty.to_string());
        Err(ErrorKind::FunctionType { expected, found }.into())
    }

    /// The same function without its static type.
    pub fn func(&self) -> Func {
        Func::from_handle(self.handle)
    }

    /// Calls it.
    ///
    /// # Errors
    ///
    /// Whatever the function ends with.
    #[inline]
    pub fn call(&self, mut store: impl AsContextMut, params: P) -> Result<R, Error> {
        let state = store.as_context_mut().into_state();
        // Clearing room that is not needed would take longer than the call.
        match const { value_count(P::TYPES, R::TYPES) } {
            0 => self.call_with::<0>(state, params),
            1 => self.call_with::<1>(state, params),
            2 => self.call_with::<2>(state, params),
            3..=4 => self.call_with::<4>(state, params),
            _ => self.call_with::<MAX_VALUES>(state, params),
        }
    }

    #[inline]
    fn call_with<const ROOM: usize>(&self, state: &mut StoreState, params: P) -> Result<R, Error> {
        let mut values = [Value::default(); ROOM];
        params.write(state, &mut values)?;
        state.call(self.handle, &mut values)?;
        Ok(R::read(state, &values))
    }
}

const fn value_count(params: &[ValType], results: &[ValType]) -> usize {
    if params.len() < results.len() { results.len() } else { params.len() }
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> Copy for TypedFunc<P, R> {}

impl<P, R> fmt::Debug for TypedFunc<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypedFunc({:?})", self.handle)
    }
}
