//! Functions of JavaScript that are written in Rust.
#![forbid(unsafe_code)]

use std::rc::Rc;

use rquickjs::{
    Ctx, Function, Result, Value,
    function::{IntoJsFunc, ParamRequirement, Params},
};

use crate::state::State;

/// What a native does.
pub(crate) type Body = for<'a, 'js> fn(&Call<'a, 'js>) -> Result<Value<'js>>;

/// A call of a native.
pub(crate) struct Call<'a, 'js> {
    state: &'a Rc<State>,
    params: Params<'a, 'js>,
}

impl<'js> Call<'_, 'js> {
    pub(crate) fn state(&self) -> &Rc<State> {
        self.state
    }

    pub(crate) fn ctx(&self) -> &Ctx<'js> {
        self.params.ctx()
    }

    pub(crate) fn this(&self) -> Value<'js> {
        self.params.this()
    }

    /// `new.target`; `None` if it is not called as a constructor.
    pub(crate) fn new_target(&self) -> Option<Value<'js>> {
        self.params.is_constructor().then(|| self.params.this())
    }

    /// The function itself.
    pub(crate) fn callee(&self) -> Value<'js> {
        self.params.function()
    }

    /// Number of arguments.
    pub(crate) fn count(&self) -> usize {
        self.params.len()
    }

    /// An argument; `undefined` if it was left away.
    pub(crate) fn arg(&self, index: usize) -> Value<'js> {
        self.params.arg(index).unwrap_or_else(|| self.undefined())
    }

    pub(crate) fn undefined(&self) -> Value<'js> {
        Value::new_undefined(self.ctx().clone())
    }
}

/// A function object for a native.
pub(crate) fn function<'js>(
    ctx: &Ctx<'js>,
    state: &Rc<State>,
    (name, length): (&str, usize),
    body: Body,
) -> Result<Function<'js>> {
    let native = Native { state: Rc::clone(state), body };
    Function::new(ctx.clone(), native)?.with_name(name)?.with_length(length)
}

struct Native {
    state: Rc<State>,
    body: Body,
}

/// Tells our functions from closures with parameters.
struct Raw;

impl<'js> IntoJsFunc<'js, Raw> for Native {
    fn param_requirements() -> ParamRequirement {
        ParamRequirement::any()
    }

    fn call<'a>(&self, params: Params<'a, 'js>) -> Result<Value<'js>> {
        (self.body)(&Call { state: &self.state, params })
    }
}
