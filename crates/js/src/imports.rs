//! Functions of JavaScript that modules import.
#![forbid(unsafe_code)]

use rquickjs::{Ctx, Result, Value};
use tierup::{AsContextMut, Caller, Func, FuncType, StoreContextMut, Val, ValType};

use crate::{
    convert::{Argument, results_of, to_js},
    errors::Thrown,
    plain_calls::{self, PlainType},
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
        let func = match PlainType::of(&ty) {
            Some(plain) => Func::new_numeric(&mut *store, &ty, move |mut caller, values| {
                plain_calls::call_import(&mut caller, key, &plain, values)
            })?,
            None => {
                let result_types = ty.results.clone();
                Func::new(&mut *store, ty, move |mut caller, parameters, results| {
                    call_import(&mut caller, key, parameters, (results, &result_types))
                })?
            }
        };
        self.host_functions.borrow_mut().insert(func, ImportedFunction { key, index });
        Ok(func)
    }
}

/// Values that need no allocation.
const FEW: usize = 4;

fn call_import(
    caller: &mut Caller<'_, Host>,
    key: u32,
    parameters: &[Val],
    (results, types): (&mut [Val], &[ValType]),
) -> std::result::Result<(), tierup::Error> {
    let state = caller.data().state.upgrade().ok_or_else(|| tierup::Error::host(Thrown))?;
    state.with_context(|ctx| {
        let mut store = caller.as_context_mut();
        let returned = call_javascript(&state, (&mut store, ctx), (key, parameters), types);
        let returned = returned.map_err(|error| {
            raw::throw(ctx, error);
            tierup::Error::host(Thrown)
        })?;
        match returned {
            Returned::None => {}
            Returned::One(value) => results[0] = value.into_val(&state, &mut store)?,
            Returned::Many(values) => {
                for (result, value) in results.iter_mut().zip(values) {
                    *result = value.into_val(&state, &mut store)?;
                }
            }
        }
        Ok(())
    })
}

/// What a function of JavaScript returned.
enum Returned<'js> {
    None,
    One(Argument<'js>),
    Many(Vec<Argument<'js>>),
}

/// Calls a function of JavaScript and converts its results.
fn call_javascript<'js>(
    state: &State,
    (store, ctx): (&mut StoreContextMut<'_, Host>, &Ctx<'js>),
    (key, parameters): (u32, &[Val]),
    types: &[ValType],
) -> Result<Returned<'js>> {
    let callee = state.values.borrow().get(ctx, key)?;
    let undefined = Value::new_undefined(ctx.clone());
    let (mut few, mut many) = ([const { None }; FEW], Vec::new());
    let arguments = match few.get_mut(..parameters.len()) {
        Some(few) => few,
        None => {
            many.resize_with(parameters.len(), || None);
            &mut many[..]
        }
    };
    for (argument, &parameter) in arguments.iter_mut().zip(parameters) {
        *argument = Some(to_js(state, store, ctx, parameter)?);
    }
    state.store.lend(store, || {
        state.refresh_buffers(ctx);
        let returned = raw::call(&callee, &undefined, arguments.iter().flatten())?;
        match types {
            [] => Ok(Returned::None),
            &[ty] => Ok(Returned::One(Argument::new(state, returned, ty)?)),
            types => Ok(Returned::Many(results_of(state, &returned, types)?)),
        }
    })
}
