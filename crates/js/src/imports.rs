//! Functions of JavaScript that modules import.
#![forbid(unsafe_code)]

use rquickjs::{Ctx, Result, Value};
use tierup::{AsContextMut, Caller, Func, FuncType, StoreContextMut, Val, ValType};

use crate::{
    convert::{Argument, results_of, to_js},
    errors::Thrown,
    raw,
    state::{Host, ImportedFunction, State},
};

impl State {
    /// A function of the store that calls a function of JavaScript; `index` is its number among
    /// those of the module that imports it.
    pub(crate) fn host_function(
        &self,
        store: &mut StoreContextMut<'_, Host>,
        callee: &Value<'_>,
        (ty, index): (FuncType, u32),
    ) -> std::result::Result<Func, tierup::Error> {
        let key = self.values.borrow_mut().insert(callee);
        let result_types = ty.results.clone();
        let func = Func::new(&mut *store, ty, move |mut caller, parameters, results| {
            call_import(&mut caller, key, parameters, (results, &result_types))
        })?;
        self.host_functions.borrow_mut().insert(func, ImportedFunction { key, index });
        Ok(func)
    }
}

fn call_import(
    caller: &mut Caller<'_, Host>,
    key: u32,
    parameters: &[Val],
    (results, types): (&mut [Val], &[ValType]),
) -> std::result::Result<(), tierup::Error> {
    let state = caller.data().state.upgrade().ok_or_else(|| tierup::Error::host(Thrown))?;
    state.with_context(|ctx| {
        let mut store = caller.as_context_mut();
        let call = |store: &mut StoreContextMut<'_, Host>| {
            let callee = state.values.borrow().get(ctx, key)?;
            call_javascript(&state, (store, ctx), (&callee, parameters), types)
        };
        let returned = match call(&mut store) {
            Ok(returned) => returned,
            Err(error) => {
                raw::throw(ctx, error);
                return Err(tierup::Error::host(Thrown));
            }
        };
        for (result, returned) in results.iter_mut().zip(returned) {
            *result = returned.into_val(&state, &mut store)?;
        }
        Ok(())
    })
}

/// Calls a function of JavaScript and converts its results.
fn call_javascript<'js>(
    state: &State,
    (store, ctx): (&mut StoreContextMut<'_, Host>, &Ctx<'js>),
    (callee, parameters): (&Value<'js>, &[Val]),
    types: &[ValType],
) -> Result<Vec<Argument<'js>>> {
    let undefined = Value::new_undefined(ctx.clone());
    let arguments: Vec<_> = parameters
        .iter()
        .map(|&parameter| to_js(state, store, ctx, parameter))
        .collect::<Result<_>>()?;
    state.store.lend(store, || {
        state.refresh_buffers(ctx);
        let returned = raw::call(callee, &undefined, &arguments)?;
        match types {
            [] => Ok(Vec::new()),
            &[ty] => Ok(vec![Argument::new(state, returned, ty)?]),
            types => results_of(state, &returned, types),
        }
    })
}
