//! Interfaces and namespaces with the property attributes that WebIDL prescribes.
//!
//! | what | writable | enumerable | configurable |
//! |---|---|---|---|
//! | interface objects and namespaces | yes | no | yes |
//! | an interface's `prototype` | no | no | no |
//! | `constructor` of a prototype | yes | no | yes |
//! | operations | yes | yes | yes |
//! | attributes, which are accessors | | yes | yes |
//! | `Symbol.toStringTag` | no | no | yes |
#![forbid(unsafe_code)]

use std::rc::Rc;

use rquickjs::{
    Ctx, Exception, Function, IntoJs, Object, Result, Value, atom::PredefinedAtom, object::Property,
};

use crate::{
    native::{Body, Call, function},
    state::State,
};

/// An operation: name, `length`, and what it does.
pub(crate) type Method = (&'static str, usize, Body);

/// An attribute.
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) get: Body,
    pub(crate) set: Option<Body>,
}

/// An interface of WebIDL.
pub(crate) struct Interface {
    /// Its name in the namespace.
    pub(crate) name: &'static str,
    /// `length` of its constructor.
    pub(crate) length: usize,
    /// What `new` does.
    pub(crate) construct: Body,
    pub(crate) static_methods: &'static [Method],
    pub(crate) methods: &'static [Method],
    pub(crate) attributes: &'static [Attribute],
}

impl Interface {
    /// Defines the interface in `namespace`; returns its prototype.
    pub(crate) fn define<'js>(
        &self,
        state: &Rc<State>,
        namespace: &Object<'js>,
    ) -> Result<Object<'js>> {
        let ctx = namespace.ctx();
        let constructor = function(ctx, state, (self.name, self.length), self.construct)?;
        constructor.set_constructor(true);
        define_methods(state, &constructor, self.static_methods)?;
        let prototype = Object::new(ctx.clone())?;
        define_methods(state, &prototype, self.methods)?;
        for attribute in self.attributes {
            define_attribute(state, &prototype, attribute)?;
        }
        define_tag(&prototype, &format!("WebAssembly.{}", self.name))?;
        link(&constructor, &prototype)?;
        define_hidden(namespace, self.name, constructor)?;
        Ok(prototype)
    }
}

/// Makes a constructor and a prototype know each other.
pub(crate) fn link<'js>(constructor: &Function<'js>, prototype: &Object<'js>) -> Result<()> {
    constructor.prop(PredefinedAtom::Prototype, Property::from(prototype.clone()))?;
    define_hidden(prototype, "constructor", constructor.clone())
}

/// Defines operations.
pub(crate) fn define_methods(
    state: &Rc<State>,
    target: &Object<'_>,
    methods: &[Method],
) -> Result<()> {
    for &(name, length, body) in methods {
        let method = function(target.ctx(), state, (name, length), body)?;
        target.prop(name, Property::from(method).writable().enumerable().configurable())?;
    }
    Ok(())
}

/// Defines a property that is writable, configurable and not enumerable.
pub(crate) fn define_hidden<'js>(
    target: &Object<'js>,
    name: &str,
    value: impl IntoJs<'js>,
) -> Result<()> {
    target.prop(name, Property::from(value).writable().configurable())
}

/// Defines `Symbol.toStringTag`.
pub(crate) fn define_tag(target: &Object<'_>, tag: &str) -> Result<()> {
    target.prop(PredefinedAtom::SymbolToStringTag, Property::from(tag).configurable())
}

fn define_attribute(state: &Rc<State>, target: &Object<'_>, attribute: &Attribute) -> Result<()> {
    let ctx = target.ctx();
    let descriptor = Object::new(ctx.clone())?;
    let name = attribute.name;
    descriptor.set("get", function(ctx, state, (&format!("get {name}"), 0), attribute.get)?)?;
    if let Some(set) = attribute.set {
        descriptor.set("set", function(ctx, state, (&format!("set {name}"), 1), set)?)?;
    }
    descriptor.set("enumerable", true)?;
    descriptor.set("configurable", true)?;
    let object: Object<'_> = ctx.globals().get("Object")?;
    let define: Function<'_> = object.get("defineProperty")?;
    define.call::<_, ()>((target.clone(), name, descriptor))
}

/// The prototype of what a constructor makes: `new.target.prototype`, or the interface's own.
///
/// # Errors
///
/// If it was called without `new`.
pub(crate) fn prototype_for<'js>(
    call: &Call<'_, 'js>,
    name: &str,
    own: impl FnOnce(&Ctx<'js>) -> Result<Object<'js>>,
) -> Result<Object<'js>> {
    let Some(new_target) = call.new_target() else {
        let message = format!("WebAssembly.{name} must be called with 'new'");
        return Err(Exception::throw_type(call.ctx(), &message));
    };
    let prototype: Option<Value<'js>> =
        new_target.as_object().map(|target| target.get(PredefinedAtom::Prototype)).transpose()?;
    match prototype.and_then(Value::into_object) {
        Some(prototype) => Ok(prototype),
        None => own(call.ctx()),
    }
}
