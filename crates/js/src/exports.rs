//! Exported functions.
//!
//! A function of the store has one function object. It is a native of QuickJS with data, so that a
//! call has a line in stacks and is not much slower than one of JavaScript. The data is an
//! [`Exported`], which says what to call.
//!
//! * [EX-DATA] the function object holds its `Exported`, so both live as long as a call of it.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::NonNull,
    rc::Rc,
};

use rquickjs::{
    Class, Ctx, JsLifetime, Object, Result, Value,
    class::{JsClass, Readable, Trace, Tracer},
    function::Constructor,
    qjs,
};
use tierup::{Func, FuncType, NumericFunc, RawValue, StoreContextMut, Val};

use crate::{
    convert::{Argument, array, to_js},
    errors::Doing,
    plain_calls::{self, PlainType},
    raw,
    state::{Host, State},
    wrapper::plain_class,
};

/// What an exported function calls.
pub(crate) struct Exported<'js> {
    state: Rc<State>,
    func: Func,
    ty: FuncType,
    /// How to call it without a detour, if that can be.
    plain: Option<(PlainType, NumericFunc)>,
    /// Of the function object, in [`State::exported`].
    identity: Cell<usize>,
    /// Its place in the graph, during a collection.
    pub(crate) node: RefCell<Option<Value<'js>>>,
}

impl State {
    /// The function object for a function of the store, which is made if there is none.
    pub(crate) fn function_object<'js>(
        &self,
        store: &mut StoreContextMut<'_, Host>,
        ctx: &Ctx<'js>,
        func: Func,
    ) -> Result<Value<'js>> {
        if let Some(function) = self.wrapper(ctx, func) {
            return function;
        }
        let index = match func.origin(&mut *store) {
            Ok(Some((_, index))) => index,
            _ => self.host_functions.borrow().get(&func).map_or(0, |function| function.index),
        };
        let ty = func.ty(&*store);
        let exported = Exported {
            state: self.shared(),
            func,
            plain: PlainType::of(&ty).zip(func.numeric(&*store).ok()),
            ty,
            identity: Cell::new(0),
            node: RefCell::default(),
        };
        let parameters = exported.ty.params.len() as i32;
        let exported = Class::instance(ctx.clone(), exported)?;
        let name = format!("{index}\0");
        // [EX-DATA] The second word is where the first one's contents are: they never move.
        let place: *const Exported<'_> = &raw const *exported.borrow();
        let place = qjs::JS_MKPTR(qjs::JS_TAG_INT, place.cast_mut().cast());
        let mut data = [exported.as_raw(), place];
        let context = ctx.as_raw().as_ptr();
        // SAFETY: [RA-CONTEXT] of `raw`; the name ends with a zero; two values of data are there,
        // and the function takes its own reference to the one that is an object.
        let function = unsafe {
            qjs::JS_NewCFunctionData2(
                context,
                Some(call_exported),
                name.as_ptr().cast(),
                parameters,
                0,
                2,
                data.as_mut_ptr(),
            )
        };
        let function = raw::owned(ctx, function)?;
        if let Some(identity) = raw::identity(&function) {
            exported.borrow().identity.set(identity);
            let function = ExportedFunction { func, exported: exported.as_raw() };
            self.exported.borrow_mut().insert(identity, function);
        }
        self.set_wrapper(func, &function);
        Ok(function)
    }
}

/// A function object that is alive.
pub(crate) struct ExportedFunction {
    pub(crate) func: Func,
    /// Its data, which it holds.
    exported: qjs::JSValue,
}

impl<'js> Exported<'js> {
    /// What a function object calls.
    pub(crate) fn of_function(state: &State, function: &Value<'js>) -> Option<Class<'js, Self>> {
        let exported = state.exported.borrow().get(&raw::identity(function)?)?.exported;
        // SAFETY: [EX-DATA]; the function is alive, and leaves the table when it dies.
        let exported = unsafe { raw::borrowed(function.ctx(), exported) };
        Class::from_value(&exported).ok()
    }
}

/// Called by QuickJS.
///
/// # Safety
///
/// As QuickJS calls it: all pointers and values are live, `arguments` has room for as many values
/// as the function has parameters, or `count` if that is more, and `data` is what the function was
/// made with.
unsafe extern "C" fn call_exported(
    context: *mut qjs::JSContext,
    _this: qjs::JSValue,
    count: i32,
    arguments: *mut qjs::JSValue,
    _magic: i32,
    data: *mut qjs::JSValue,
) -> qjs::JSValue {
    let Some(context) = NonNull::new(context) else { return qjs::JS_EXCEPTION };
    let call = AssertUnwindSafe(|| -> Result<_> {
        // SAFETY: [EX-DATA]
        let place = unsafe { data.wrapping_add(1).read() };
        // SAFETY: [EX-DATA] the payload is a pointer, whatever the tag says.
        let place = unsafe { qjs::JS_VALUE_GET_PTR(place) }.cast::<Exported<'_>>();
        // SAFETY: [EX-DATA]; an `Exported` is only ever read.
        let exported = unsafe { &*place };
        let present = exported.ty.params.len().max(count.max(0) as usize);
        // Where there are none the pointer may be null.
        let start = if present == 0 { NonNull::dangling().as_ptr() } else { arguments };
        // SAFETY: the promise about `arguments`.
        let arguments = unsafe { std::slice::from_raw_parts(start, present) };
        if let Some((ty, func)) = &exported.plain
            // SAFETY: QuickJS keeps the arguments of a call.
            && let Some(mut values) = unsafe { ty.arguments(arguments) }
            && exported.call_plain(func, &mut values)?
        {
            return Ok(ty.returned(&values));
        }
        // SAFETY: QuickJS runs in this context, on this thread.
        exported.call(&unsafe { raw::context(context) }, arguments)
    });
    match catch_unwind(call) {
        Ok(Ok(value)) => value,
        // SAFETY: likewise.
        failed => fail(&unsafe { raw::context(context) }, failed),
    }
}

/// Throws what a call ended with that did not return.
#[cold]
fn fail(ctx: &Ctx<'_>, ended: std::thread::Result<Result<qjs::JSValue>>) -> qjs::JSValue {
    match ended {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => raw::throw(ctx, error),
        Err(panic) => raw::throw_panic(ctx, &*panic),
    }
}

/// Values that need no allocation.
const FEW: usize = 4;

impl<'js> Exported<'js> {
    /// Calls the function with plain numbers. False if something else is to be done before.
    #[inline]
    fn call_plain(
        &self,
        func: &NumericFunc,
        values: &mut [RawValue; plain_calls::ROOM],
    ) -> Result<bool> {
        let state = &*self.state;
        if state.collection_is_due() {
            return Ok(false);
        }
        let entry = state.enter_wasm();
        let called = state.store.enter_unscoped(|store| func.call(store, values));
        // A trap is described while the entry still counts.
        let returned = called.map_err(|error| state.with_context(|ctx| self.ended(ctx, &error)));
        drop(entry);
        state.refresh_grown_buffers();
        returned.map(|()| true)
    }

    #[cold]
    fn ended(&self, ctx: &Ctx<'_>, error: &tierup::Error) -> rquickjs::Error {
        self.state.throw_engine_error(ctx, error, (Doing::Running, "WebAssembly"))
    }

    /// Calls the function. There are as many arguments as parameters, at least.
    fn call(&self, ctx: &Ctx<'js>, arguments: &[qjs::JSValue]) -> Result<qjs::JSValue> {
        let (parameters, results) = (&self.ty.params, &self.ty.results);
        let (mut few, mut many) = ([Val::I32(0); FEW], Vec::new());
        let room = parameters.len() + results.len();
        let vals = match few.get_mut(..room) {
            Some(few) => few,
            None => {
                many.resize(room, Val::I32(0));
                &mut many[..]
            }
        };
        let (vals, results) = vals.split_at_mut(parameters.len());
        let mut references = Vec::new();
        for (index, ((val, &ty), &argument)) in
            vals.iter_mut().zip(parameters).zip(arguments).enumerate()
        {
            // SAFETY: QuickJS keeps the arguments of a call.
            let argument = unsafe { raw::borrowed(ctx, argument) };
            match Argument::new(&self.state, argument, ty)? {
                Argument::Ready(ready) => *val = ready,
                reference => references.push((index, reference)),
            }
        }
        self.state.collect_if_due(ctx);
        let entry = self.state.enter_wasm();
        let called = self.state.store.enter(|store| {
            for (index, reference) in references {
                vals[index] = reference.into_val(&self.state, store)?;
            }
            self.func.call(&mut *store, vals, results)?;
            Ok(self.results(store, ctx, results))
        });
        // A trap is described while the entry still counts.
        let returned = match called {
            Ok(returned) => returned,
            Err(error) => Err(self.ended(ctx, &error)),
        };
        drop(entry);
        self.state.refresh_buffers(ctx);
        returned
    }

    fn results(
        &self,
        store: &mut StoreContextMut<'_, Host>,
        ctx: &Ctx<'js>,
        results: &[Val],
    ) -> Result<qjs::JSValue> {
        match results {
            [] => Ok(qjs::JS_UNDEFINED),
            [Val::I32(result)] => Ok(qjs::JS_MKVAL(qjs::JS_TAG_INT, *result)),
            [result] => to_js(&self.state, store, ctx, *result).map(raw::give),
            results => {
                let values = results.iter().map(|&result| to_js(&self.state, store, ctx, result));
                array(ctx, values.collect::<Result<_>>()?).map(raw::give)
            }
        }
    }
}

impl Drop for Exported<'_> {
    fn drop(&mut self) {
        self.state.exported.borrow_mut().remove(&self.identity.get());
    }
}

impl<'js> Trace<'js> for Exported<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        self.node.borrow().trace(tracer);
    }
}

plain_class!(Exported<'js>, "ExportedFunction");

// SAFETY: only the lifetime of the value changes.
unsafe impl<'js> JsLifetime<'js> for Exported<'js> {
    type Changed<'to> = Exported<'to>;
}
