//! The namespace object, and its functions.
//!
//! Compiling is done where it is asked for; its outcome is told by a job, as if it had been done
//! elsewhere. So what scripts see happen, happens in the specification's order:
//!
//! ```text
//!   instantiate(bytes, imports)   copies the bytes │ job: compiles │ job: reads imports, instantiates
//!   instantiate(module, imports)  reads the imports                │ job: instantiates
//! ```
#![forbid(unsafe_code)]

use std::rc::Rc;

use rquickjs::{
    Ctx, Exception, Function, Object, Persistent, Promise, Result, Value,
    function::IntoJsFunc,
    function::{ParamRequirement, Params},
};
use tierup::Module;

use crate::{
    buffer_source::{self, BufferIntrinsics},
    define::{define_hidden, define_methods, define_tag},
    errors::{self, require_arguments},
    global, instance,
    instance::{import_object, instantiate_plain, read_imports},
    memory, module,
    native::Call,
    state::{Intrinsics, State},
    table,
    wrapper::{ModuleWrapper, branded},
};

/// Makes the namespace and defines it in the context's global object.
pub(crate) fn install(state: &Rc<State>, ctx: &Ctx<'_>) -> Result<()> {
    let namespace = Object::new(ctx.clone())?;
    let methods: &[_] = &[
        ("validate", 1, validate as crate::native::Body),
        ("compile", 1, compile),
        ("instantiate", 1, instantiate),
    ];
    define_methods(state, &namespace, methods)?;
    define_tag(&namespace, "WebAssembly")?;
    let define = |interface: &crate::define::Interface| {
        let prototype = interface.define(state, &namespace)?;
        Ok::<_, rquickjs::Error>(Persistent::save(ctx, prototype))
    };
    let [module, instance] = [define(&module::INTERFACE)?, define(&instance::INTERFACE)?];
    let memory = define(&memory::INTERFACE)?;
    let [table, global] = [define(&table::INTERFACE)?, define(&global::INTERFACE)?];
    let [compile_error, link_error, runtime_error] = errors::define(state, &namespace)?;
    let globals = ctx.globals();
    let keep = |name| {
        let function: Function<'_> = globals.get(name)?;
        Ok::<_, rquickjs::Error>(Persistent::save(ctx, function))
    };
    state.set_intrinsics(Intrinsics {
        module,
        instance,
        memory,
        table,
        global,
        compile_error,
        link_error,
        runtime_error,
        range_error: keep("RangeError")?,
        error: keep("Error")?,
        buffers: BufferIntrinsics::new(ctx)?,
    });
    define_hidden(&globals, "WebAssembly", namespace)
}

fn validate<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let what = "WebAssembly.validate()";
    require_arguments(call, 1, what)?;
    let bytes = buffer_source::copy(call.state(), &call.arg(0), what)?;
    let valid = !module::is_too_large(bytes.len())
        && Module::validate(call.state().engine(), bytes).is_ok();
    Ok(Value::new_bool(call.ctx().clone(), valid))
}

fn compile<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let what = "WebAssembly.compile()";
    promising(call, |settle| {
        require_arguments(call, 1, what)?;
        let bytes = buffer_source::copy(call.state(), &call.arg(0), what)?;
        let state = Rc::clone(call.state());
        settle.later(move |ctx| {
            let module = module::compile(&state, ctx, bytes, what)?;
            module::wrap(&state, ctx, module)
        })
    })
}

fn instantiate<'js>(call: &Call<'_, 'js>) -> Result<Value<'js>> {
    let what = "WebAssembly.instantiate()";
    let (ctx, state) = (call.ctx(), call.state());
    promising(call, |settle| {
        require_arguments(call, 1, what)?;
        if let Some(module) = branded::<ModuleWrapper>(state, &call.arg(0)) {
            let module = module.borrow().0.clone();
            let object = import_object(ctx, &call.arg(1), what)?;
            let imports = read_imports(state, ctx, (&module, object.as_ref()), what)?;
            let state = Rc::clone(state);
            return settle.later(move |ctx| {
                let instance = instantiate_plain(&state, ctx, (&module, imports), what)?;
                Ok(instance.into_value())
            });
        }
        let bytes = buffer_source::copy(state, &call.arg(0), what)?;
        let object = import_object(ctx, &call.arg(1), what)?;
        settle.compile_and_instantiate(state, (bytes, object), what)
    })
}

/// An operation that returns a promise: what it throws rejects that.
pub(crate) fn promising<'js>(
    call: &Call<'_, 'js>,
    begin: impl FnOnce(Settle<'js>) -> Result<()>,
) -> Result<Value<'js>> {
    let ctx = call.ctx();
    let (promise, resolve, reject) = Promise::new(ctx)?;
    let settle = Settle { resolve, reject };
    let reject = settle.reject.clone();
    if let Err(error) = begin(settle) {
        reject_with(ctx, &reject, error)?;
    }
    Ok(promise.into_value())
}

/// The functions that settle a promise.
#[derive(Clone)]
pub(crate) struct Settle<'js> {
    resolve: Function<'js>,
    reject: Function<'js>,
}

impl<'js> Settle<'js> {
    /// Does `work` in a job, and settles the promise with its outcome.
    pub(crate) fn later(
        self,
        work: impl FnOnce(&Ctx<'js>) -> Result<Value<'js>> + 'js,
    ) -> Result<()> {
        self.then(move |settle, ctx| settle.settle(ctx, work(ctx)))
    }

    /// Does `work` in a job; it settles the promise itself.
    pub(crate) fn then(self, work: impl FnOnce(Self, &Ctx<'js>) -> Result<()> + 'js) -> Result<()> {
        let ctx = self.resolve.ctx().clone();
        let job = Job(std::cell::Cell::new(Some((self, work))));
        Function::new(ctx, job)?.defer(())
    }

    /// Compiles in a job, and instantiates in the next.
    pub(crate) fn compile_and_instantiate(
        self,
        state: &Rc<State>,
        (bytes, object): (Vec<u8>, Option<Object<'js>>),
        what: &'static str,
    ) -> Result<()> {
        let state = Rc::clone(state);
        self.then(move |settle, ctx| match module::compile(&state, ctx, bytes, what) {
            Ok(module) => settle.instantiate(&state, (module, object), what),
            Err(error) => settle.settle(ctx, Err(error)),
        })
    }

    /// Instantiates in a job.
    pub(crate) fn instantiate(
        self,
        state: &Rc<State>,
        (module, object): (Module, Option<Object<'js>>),
        what: &'static str,
    ) -> Result<()> {
        let state = Rc::clone(state);
        self.later(move |ctx| {
            let imports = read_imports(&state, ctx, (&module, object.as_ref()), what)?;
            let instance = instantiate_plain(&state, ctx, (&module, imports), what)?;
            let result = Object::new(ctx.clone())?;
            result.set("module", module::wrap(&state, ctx, module)?)?;
            result.set("instance", instance)?;
            Ok(result.into_value())
        })
    }

    pub(crate) fn settle(self, ctx: &Ctx<'js>, outcome: Result<Value<'js>>) -> Result<()> {
        match outcome {
            Ok(value) => self.resolve.call((value,)),
            Err(error) => reject_with(ctx, &self.reject, error),
        }
    }
}

fn reject_with<'js>(ctx: &Ctx<'js>, reject: &Function<'js>, error: rquickjs::Error) -> Result<()> {
    if !matches!(error, rquickjs::Error::Exception) {
        Exception::throw_type(ctx, &error.to_string());
    }
    let exception = ctx.catch();
    if crate::raw::is_uncatchable(&exception) {
        return Err(ctx.throw(exception));
    }
    reject.call((exception,))
}

/// A job: a function that is called once.
struct Job<'js, F>(std::cell::Cell<Option<(Settle<'js>, F)>>);

struct OneCall;

impl<'js, F> IntoJsFunc<'js, OneCall> for Job<'js, F>
where
    F: FnOnce(Settle<'js>, &Ctx<'js>) -> Result<()>,
{
    fn param_requirements() -> ParamRequirement {
        ParamRequirement::any()
    }

    fn call<'a>(&self, params: Params<'a, 'js>) -> Result<Value<'js>> {
        if let Some((settle, work)) = self.0.take() {
            work(settle, params.ctx())?;
        }
        Ok(Value::new_undefined(params.ctx().clone()))
    }
}
