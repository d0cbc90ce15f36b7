//! The objects behind JavaScript's `Module`, `Instance`, `Memory`, `Table` and `Global`, and
//! behind exported functions.
//!
//! A [`Wrapper`] names an object of the store. As long as it lives, the store's object does
//! (`collect` tells how long that is). Which prototype it has is the interface's matter.

use std::cell::RefCell;

use rquickjs::{
    Ctx, JsLifetime, Object, Result, Value,
    class::{Class, JsClass, Readable, Trace, Tracer},
    function::Constructor,
};
use tierup::{Extern, Global, Held, Instance, Memory, Module, ModuleBuilder, Table};

use crate::{raw, state::State};

/// A JavaScript object that stands for one of the store.
pub(crate) struct Wrapper<'js> {
    pub(crate) held: Held,
    /// What hangs on it: a memory's buffer, an instance's exports.
    pub(crate) companion: RefCell<Option<Value<'js>>>,
    /// Its place in the graph, during a collection.
    pub(crate) node: RefCell<Option<Value<'js>>>,
}

/// A JavaScript `WebAssembly.Module`.
pub(crate) struct ModuleWrapper(pub(crate) Module);

/// A module of which bytes arrive.
pub(crate) struct ModuleStream(pub(crate) RefCell<Option<ModuleBuilder>>);

/// Has the class that all objects of ours have.
pub(crate) struct Sample;

/// Classes that natives look for in their arguments.
pub(crate) trait Branded<'js>: JsClass<'js> {}
impl<'js> Branded<'js> for Wrapper<'js> {}
impl<'js> Branded<'js> for ModuleWrapper {}
impl<'js> Branded<'js> for ModuleStream {}

impl<'js> Wrapper<'js> {
    pub(crate) fn new(held: impl Into<Held>) -> Self {
        Self { held: held.into(), companion: RefCell::default(), node: RefCell::default() }
    }

    pub(crate) fn instance(&self) -> Option<Instance> {
        if let Held::Instance(instance) = self.held { Some(instance) } else { None }
    }

    pub(crate) fn memory(&self) -> Option<Memory> {
        if let Held::Extern(Extern::Memory(memory)) = self.held { Some(memory) } else { None }
    }

    pub(crate) fn table(&self) -> Option<Table> {
        if let Held::Extern(Extern::Table(table)) = self.held { Some(table) } else { None }
    }

    pub(crate) fn global(&self) -> Option<Global> {
        if let Held::Extern(Extern::Global(global)) = self.held { Some(global) } else { None }
    }
}

/// The value as an object of that class, if it is one. Never runs a script.
pub(crate) fn branded<'js, C: Branded<'js>>(
    state: &State,
    value: &Value<'js>,
) -> Option<Class<'js, C>> {
    // Asking `rquickjs` about another class would make an error, with a backtrace.
    if raw::class_id(value) != state.plain_class() {
        return None;
    }
    Class::from_object(value.as_object()?)
}

impl<'js> Trace<'js> for Wrapper<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        self.companion.borrow().trace(tracer);
        self.node.borrow().trace(tracer);
    }
}

impl<'js> Trace<'js> for ModuleStream {
    fn trace<'a>(&self, _: Tracer<'a, 'js>) {}
}

// SAFETY: no lifetime occurs.
unsafe impl<'js> JsLifetime<'js> for ModuleStream {
    type Changed<'to> = Self;
}

impl<'js> Trace<'js> for Sample {
    fn trace<'a>(&self, _: Tracer<'a, 'js>) {}
}

// SAFETY: no lifetime occurs.
unsafe impl<'js> JsLifetime<'js> for Sample {
    type Changed<'to> = Self;
}

impl<'js> Trace<'js> for ModuleWrapper {
    fn trace<'a>(&self, _: Tracer<'a, 'js>) {}
}

// SAFETY: only the lifetime of the values changes.
unsafe impl<'js> JsLifetime<'js> for Wrapper<'js> {
    type Changed<'to> = Wrapper<'to>;
}

// SAFETY: no lifetime occurs.
unsafe impl<'js> JsLifetime<'js> for ModuleWrapper {
    type Changed<'to> = Self;
}

macro_rules! plain_class {
    ($ty:ty, $name:literal) => {
        impl<'js> JsClass<'js> for $ty {
            const NAME: &'static str = $name;
            type Mutable = Readable;

            fn prototype(ctx: &Ctx<'js>) -> Result<Option<Object<'js>>> {
                Object::new(ctx.clone()).map(Some)
            }

            fn constructor(_: &Ctx<'js>) -> Result<Option<Constructor<'js>>> {
                Ok(None)
            }
        }
    };
}
pub(crate) use plain_class;

plain_class!(Wrapper<'js>, "Wrapper");
plain_class!(ModuleWrapper, "Module");
plain_class!(ModuleStream, "ModuleStream");
plain_class!(Sample, "Sample");
