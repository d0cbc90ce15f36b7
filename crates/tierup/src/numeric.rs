//! Functions of numbers, called with the numbers' bits.
//!
//! An embedder whose own values are numbers already, a script engine above all, would only write
//! them into [`Val`](crate::Val)s to have them read back. Here they go as they are:
//!
//! ```text
//!   script's number ──► RawValue ──► machine code ──► RawValue ──► script's number
//! ```
//!
//! Bits cannot be wrong for a number, so nothing is checked in a call. References are excluded,
//! because theirs can.

use tierup_runtime::{FunctionHandle, HostFunction, StoreState, Value};
use tierup_wasm::{FuncType, ValType};

use crate::{AsContext, AsContextMut, Caller, Error, ErrorKind, Func};

/// The bits of a number: the lowest 32, 64 or 128, as its type says. What lies above them means
/// nothing.
pub type RawValue = Value;

/// A function of an instance whose parameters and results are numbers.
///
/// ```
/// # fn main() -> Result<(), tierup::Error> {
/// use tierup::{Engine, Instance, Module, RawValue, Store};
///
/// let engine = Engine::default();
/// let add = r#"(module (func (export "add") (param i32 i32) (result i32)
///                (i32.add (local.get 0) (local.get 1))))"#;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &Module::new(&engine, add)?, &[])?;
/// let add = instance.func(&mut store, "add").unwrap().numeric(&store)?;
/// let mut values = [RawValue::from_u32(3), RawValue::from_u32(4)];
/// add.call(&mut store, &mut values)?;
/// assert_eq!(values[0].to_u32(), 7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NumericFunc(FunctionHandle);

impl NumericFunc {
    /// Calls it. `values` begins with the parameters, and afterwards with the results.
    ///
    /// # Errors
    ///
    /// Whatever the function ends with.
    ///
    /// # Panics
    ///
    /// If `values` has less room than there are parameters, or results.
    #[inline]
    pub fn call(&self, mut store: impl AsContextMut, values: &mut [RawValue]) -> Result<(), Error> {
        store.as_context_mut().into_state().call(self.0, values)
    }
}

impl Func {
    /// The same function, for calls with the bits of numbers.
    ///
    /// # Errors
    ///
    /// If a parameter or result is a reference, or it is of another store or was reclaimed.
    pub fn numeric(&self, store: impl AsContext) -> Result<NumericFunc, Error> {
        let store = store.as_context();
        check_numeric(store.state().function(self.handle())?.ty().ty())?;
        Ok(NumericFunc(self.handle()))
    }

    /// A host function of a type without references. `call` finds the parameters in front of the
    /// values and leaves the results there.
    ///
    /// # Errors
    ///
    /// If a parameter or result is a reference, or there is no room for the code that calls it.
    pub fn new_numeric<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        ty: &FuncType,
        call: impl Fn(Caller<'_, T>, &mut [RawValue]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        check_numeric(ty)?;
        let state = store.as_context_mut().into_state();
        let ty = state.engine().types().register(ty)?;
        let function = HostFunction::new(ty, move |state, caller, values| {
            let mut scope = state.scope();
            let state: &mut StoreState = &mut scope;
            call(Caller::new(state, caller), values)
        });
        let handle = state.new_host_function(function)?;
        Ok(Self::from_handle(state.root(handle)))
    }
}

fn check_numeric(ty: &FuncType) -> Result<(), Error> {
    let is_reference = |ty: &&ValType| matches!(ty, ValType::FuncRef | ValType::ExternRef);
    match ty.params.iter().chain(&ty.results).find(is_reference) {
        None => Ok(()),
        Some(_) => {
            let expected = "numbers only".to_owned();
            Err(ErrorKind::FunctionType { expected, found: ty.to_string() }.into())
        }
    }
}
