//! `CompileError`, `LinkError` and `RuntimeError`, and how the engine's errors become exceptions.
//!
//! An exception of a script that passes through Wasm stays what it is: it waits in the context
//! while [`Thrown`] unwinds Wasm's frames.
#![forbid(unsafe_code)]

use std::{fmt, rc::Rc};

use rquickjs::{
    Coerced, Ctx, Error, Exception, Function, Object, Persistent, Result, Value,
    atom::PredefinedAtom, function::Constructor, object::Property,
};
use tierup::{ErrorKind, Trap, TrapKind};

use crate::{
    define::{define_hidden, link},
    native::{Body, Call, function},
    raw, stack_trace,
    state::State,
};

/// The classes of errors that the API defines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ErrorClass {
    Compile,
    Link,
    Runtime,
    Range,
}

/// Stands for the exception that is pending in the context.
#[derive(Debug)]
pub(crate) struct Thrown;

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an exception of JavaScript")
    }
}

impl std::error::Error for Thrown {}

/// What a native was doing when the engine failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doing {
    Compiling,
    Linking,
    Running,
}

impl State {
    /// Throws an error of that class.
    pub(crate) fn throw(&self, ctx: &Ctx<'_>, class: ErrorClass, message: &str) -> Error {
        match self.error(ctx, class, message) {
            Ok(error) => ctx.throw(error),
            Err(error) => error,
        }
    }

    /// A new error of that class.
    pub(crate) fn error<'js>(
        &self,
        ctx: &Ctx<'js>,
        class: ErrorClass,
        message: &str,
    ) -> Result<Value<'js>> {
        let constructor = self.intrinsic(ctx, |intrinsics| match class {
            ErrorClass::Compile => &intrinsics.compile_error,
            ErrorClass::Link => &intrinsics.link_error,
            ErrorClass::Runtime => &intrinsics.runtime_error,
            ErrorClass::Range => &intrinsics.range_error,
        })?;
        construct(&constructor, message)
    }

    /// Throws what the engine's error means.
    pub(crate) fn throw_engine_error(
        &self,
        ctx: &Ctx<'_>,
        error: &tierup::Error,
        (doing, what): (Doing, &str),
    ) -> Error {
        if error.downcast_ref::<Thrown>().is_some() {
            return Error::Exception;
        }
        if let ErrorKind::Trap(trap) = error.kind() {
            return self.throw_trap(ctx, trap);
        }
        let class = match (error.kind(), doing) {
            // A module may ask for more than there is; so may its instance.
            (
                ErrorKind::Limit { .. } | ErrorKind::Denied { .. },
                Doing::Linking | Doing::Running,
            )
            | (ErrorKind::OutOfMemory { .. } | ErrorKind::Memory(_) | ErrorKind::Code(_), _) => {
                ErrorClass::Range
            }
            (_, Doing::Compiling) => ErrorClass::Compile,
            (_, Doing::Linking) => ErrorClass::Link,
            (_, Doing::Running) => ErrorClass::Runtime,
        };
        self.throw(ctx, class, &format!("{what}: {error}"))
    }

    fn throw_trap(&self, ctx: &Ctx<'_>, trap: &Trap) -> Error {
        let (class, message) = match trap.kind() {
            // What scripts get when they have used up the stack, too.
            TrapKind::StackOverflow => {
                (ErrorClass::Range, "Maximum call stack size exceeded".to_owned())
            }
            _ => (ErrorClass::Runtime, trap.message()),
        };
        let error = match self.error(ctx, class, &message) {
            Ok(error) => error,
            Err(error) => return error,
        };
        if let Err(error) = stack_trace::add_wasm_frames(self, &error, trap.backtrace()) {
            return error;
        }
        match trap.kind() {
            TrapKind::Interrupted => raw::throw_uncatchable(ctx, error),
            _ => ctx.throw(error),
        }
    }
}

/// Defines the three classes in `namespace`.
pub(crate) fn define<'js>(
    state: &Rc<State>,
    namespace: &Object<'js>,
) -> Result<[Persistent<Function<'static>>; 3]> {
    let define = |name, body| define_class(state, namespace, name, body);
    Ok([
        define("CompileError", |call| new_error(call, |state| &state.compile_error))?,
        define("LinkError", |call| new_error(call, |state| &state.link_error))?,
        define("RuntimeError", |call| new_error(call, |state| &state.runtime_error))?,
    ])
}

fn define_class<'js>(
    state: &Rc<State>,
    namespace: &Object<'js>,
    name: &str,
    body: Body,
) -> Result<Persistent<Function<'static>>> {
    let ctx = namespace.ctx();
    let error: Function<'js> = ctx.globals().get("Error")?;
    let constructor = function(ctx, state, (name, 1), body)?;
    constructor.set_constructor(true);
    constructor.set_prototype(Some(&error))?;
    let prototype = Object::new(ctx.clone())?;
    prototype.set_prototype(Some(&error.get(PredefinedAtom::Prototype)?))?;
    define_hidden(&prototype, "name", name)?;
    define_hidden(&prototype, "message", "")?;
    link(&constructor, &prototype)?;
    define_hidden(namespace, name, constructor.clone())?;
    Ok(Persistent::save(ctx, constructor))
}

type FindConstructor = fn(&crate::state::Intrinsics) -> &Persistent<Function<'static>>;

/// A `NativeError` constructor: also works without `new`.
fn new_error<'js>(call: &Call<'_, 'js>, own: FindConstructor) -> Result<Value<'js>> {
    let (ctx, state) = (call.ctx(), call.state());
    let target = call.new_target().unwrap_or_else(|| call.callee());
    let prototype: Value<'js> = match target.as_object() {
        Some(target) => target.get(PredefinedAtom::Prototype)?,
        None => call.undefined(),
    };
    let prototype = match prototype.into_object() {
        Some(prototype) => prototype,
        None => state.intrinsic(ctx, own)?.get(PredefinedAtom::Prototype)?,
    };
    let message = call.arg(0);
    let message = match message.is_undefined() {
        true => None,
        false => Some(message.get::<Coerced<rquickjs::String<'js>>>()?.0),
    };
    let error = state.intrinsic(ctx, |intrinsics| &intrinsics.error)?;
    let error = construct(&error, "")?;
    let Some(object) = error.as_object() else { return Ok(error) };
    object.remove("message")?;
    object.set_prototype(Some(&prototype))?;
    if let Some(message) = message {
        define_hidden(object, "message", message)?;
    }
    if let Some(options) = call.arg(1).as_object()
        && options.contains_key("cause")?
    {
        let cause: Value<'js> = options.get("cause")?;
        object.prop("cause", Property::from(cause).writable().configurable())?;
    }
    Ok(error)
}

fn construct<'js>(constructor: &Function<'js>, message: &str) -> Result<Value<'js>> {
    let constructor = Constructor::from_value(constructor.as_value().clone())?;
    constructor.construct((message,))
}

/// Throws a `TypeError` unless there are so many arguments.
pub(crate) fn require_arguments(call: &Call<'_, '_>, count: usize, what: &str) -> Result<()> {
    if count <= call.count() {
        return Ok(());
    }
    let message = format!("{what}: {count} arguments are wanted, {} given", call.count());
    Err(Exception::throw_type(call.ctx(), &message))
}
