//! Functions, called with dynamically typed values.

use std::sync::Arc;

use tierup_runtime::{FunctionHandle, HostFunction, RegisteredType, StoreState, Value};
use tierup_wasm::FuncType;

use crate::{
    AsContext, AsContextMut, Caller, Engine, Error, ErrorKind, Instance, TypedFunc, Val,
    WasmParams, WasmResults,
};

/// A function of a store: of an instance, or of the host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Func(FunctionHandle);

impl Func {
    /// A host function of that type.
    ///
    /// # Errors
    ///
    /// If there is no room for the code that calls it.
    pub fn new<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        ty: FuncType,
        call: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let state = store.as_context_mut().into_state();
        let ty = state.engine().types().register(&ty)?;
        let handle = state.new_host_function(dynamic(ty, call))?;
        Ok(Self(state.root(handle)))
    }

    /// A host function whose type follows from the closure's.
    ///
    /// # Errors
    ///
    /// If there is no room for the code that calls it.
    pub fn wrap<T: 'static, P, R>(
        mut store: impl AsContextMut<Data = T>,
        call: impl crate::IntoFunc<T, P, R>,
    ) -> Result<Self, Error> {
        let state = store.as_context_mut().into_state();
        let function = call.into_host_function(state.engine().types())?;
        let handle = state.new_host_function(function)?;
        Ok(Self(state.root(handle)))
    }

    pub(crate) fn from_handle(handle: FunctionHandle) -> Self {
        Self(handle)
    }

    pub(crate) fn handle(self) -> FunctionHandle {
        self.0
    }

    /// Its type.
    ///
    /// # Panics
    ///
    /// If it is of another store or was reclaimed.
    pub fn ty(&self, store: impl AsContext) -> FuncType {
        let store = store.as_context();
        let object = store.state().function(self.0);
        object.expect("the function belongs to this store and was not reclaimed").ty().ty().clone()
    }

    /// The instance that defines it, and its index in the instance's module; `None` for a host
    /// function.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn origin(&self, mut store: impl AsContextMut) -> Result<Option<(Instance, u32)>, Error> {
        let state = store.as_context_mut().into_state();
        let origin = state.function_origin(self.0)?;
        Ok(origin.map(|(instance, index)| (Instance::from_handle(state.root(instance)), index.0)))
    }

    /// Calls it.
    ///
    /// # Errors
    ///
    /// If the number or types of the values do not fit, and whatever the function ends with.
    pub fn call(
        &self,
        mut store: impl AsContextMut,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<(), Error> {
        let state = store.as_context_mut().into_state();
        let ty = state.function(self.0)?.ty().ty();
        if ty.params.len() != params.len() || ty.results.len() != results.len() {
            return Err(ErrorKind::FunctionType {
                expected: format!("{} parameters, {} results", params.len(), results.len()),
                found: ty.to_string(),
            }
            .into());
        }
        let mut room = ValueRoom::new(params.len().max(results.len()));
        let values = room.values();
        for ((slot, param), &ty) in values.iter_mut().zip(params).zip(&ty.params) {
            *slot = param.to_raw(state, ty)?;
        }
        state.call(self.0, values)?;
        for (index, result) in results.iter_mut().enumerate() {
            // Making a reference a root changes the store, so the type is looked up each time.
            let ty = state.function(self.0)?.ty().ty().results[index];
            *result = Val::from_raw(state, ty, values[index]);
        }
        Ok(())
    }

    /// The same function, for calls with static types.
    ///
    /// # Errors
    ///
    /// If it has another type.
    pub fn typed<P: WasmParams, R: WasmResults>(
        &self,
        store: impl AsContext,
    ) -> Result<TypedFunc<P, R>, Error> {
        let store = store.as_context();
        TypedFunc::new(self.0, store.state())
    }
}

/// Room for the values of a call: few of them need no allocation.
enum ValueRoom {
    Few([Value; FEW], usize),
    Many(Vec<Value>),
}

/// Values that need no allocation.
const FEW: usize = 8;

impl ValueRoom {
    fn new(count: usize) -> Self {
        match count <= FEW {
            true => Self::Few([Value::default(); FEW], count),
            false => Self::Many(vec![Value::default(); count]),
        }
    }

    fn values(&mut self) -> &mut [Value] {
        match self {
            Self::Few(values, count) => &mut values[..*count],
            Self::Many(values) => values,
        }
    }
}

/// A host function that takes and returns dynamically typed values.
pub(crate) fn dynamic<T: 'static>(
    ty: Arc<RegisteredType>,
    call: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
) -> HostFunction {
    let types = ty.ty().clone();
    HostFunction::new(ty, move |state, caller, values| {
        let mut scope = state.scope();
        let state: &mut StoreState = &mut scope;
        // Clearing room that is not needed would take longer than the rest.
        let (mut few, mut many) = ([Val::I32(0); FEW / 2], Vec::new());
        let count = types.params.len() + types.results.len();
        let all = match few.get_mut(..count) {
            Some(few) => few,
            None => {
                many.resize(count, Val::I32(0));
                &mut many[..]
            }
        };
        let (params, results) = all.split_at_mut(types.params.len());
        for ((param, &ty), &value) in params.iter_mut().zip(&types.params).zip(&*values) {
            *param = Val::from_raw(state, ty, value);
        }
        for (result, &ty) in results.iter_mut().zip(&types.results) {
            *result = Val::default_for(ty);
        }
        call(Caller::new(state, caller), params, results)?;
        for ((slot, &ty), result) in values.iter_mut().zip(&types.results).zip(results) {
            *slot = result.to_raw(state, ty)?;
        }
        Ok(())
    })
}

/// A host function before it is part of a store, for use in many.
pub(crate) fn dynamic_for<T: 'static>(
    engine: &Engine,
    ty: &FuncType,
    call: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
) -> Result<HostFunction, Error> {
    Ok(dynamic(engine.state().types().register(ty)?, call))
}
