//! What the host holds by other means than handles in scopes.

use tierup_runtime::HeapObject;

use crate::{Extern, ExternRef, Func, Global, Instance, Memory, Table};

/// Names objects that the host holds: see [`Store::set_tracer`](crate::Store::set_tracer).
#[derive(Debug)]
pub struct Tracer<'a, 'w>(&'a mut tierup_runtime::Tracer<'w>);

/// An object that a host can hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Held {
    /// An instance.
    Instance(Instance),
    /// What can be imported and exported.
    Extern(Extern),
    /// A value of the host.
    Value(ExternRef),
}

impl<'a, 'w> Tracer<'a, 'w> {
    pub(crate) fn new(inner: &'a mut tierup_runtime::Tracer<'w>) -> Self {
        Self(inner)
    }

    /// The object is held, and with it all that it reaches.
    pub fn hold(&mut self, object: impl Into<Held>) {
        match object.into() {
            Held::Instance(instance) => self.0.hold(instance.handle()),
            Held::Extern(item) => self.0.hold_item(item.to_item()),
            Held::Value(value) => self.0.hold(value.0),
        }
    }
}

impl From<Instance> for Held {
    fn from(instance: Instance) -> Self {
        Self::Instance(instance)
    }
}

impl From<ExternRef> for Held {
    fn from(value: ExternRef) -> Self {
        Self::Value(value)
    }
}

impl From<Extern> for Held {
    fn from(item: Extern) -> Self {
        Self::Extern(item)
    }
}

impl From<HeapObject> for Held {
    fn from(object: HeapObject) -> Self {
        match object {
            HeapObject::Instance(instance) => Self::Instance(Instance::from_handle(instance)),
            HeapObject::Item(item) => Self::Extern(Extern::from_item_unrooted(item)),
            HeapObject::Extern(value) => Self::Value(ExternRef(value)),
        }
    }
}

macro_rules! held_externs {
    ($($kind:ident)*) => {$(
        impl From<$kind> for Held {
            fn from(item: $kind) -> Self {
                Self::Extern(item.into())
            }
        }
    )*};
}

held_externs! { Func Table Memory Global }
