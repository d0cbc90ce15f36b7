//! Roots: the objects that the embedder holds, by scope.
//!
//! Whatever the API hands out is a root of the scope that is open at that moment, and stays one
//! until that scope closes. The outermost scope closes with the store. Host calls have a scope
//! of their own. Objects that are rooted already are not listed again, so that asking for the
//! same export a million times costs nothing.
#![forbid(unsafe_code)]

use std::ops::{Deref, DerefMut};

use crate::{StoreState, slots::Handle};

/// An object of a store, by kind and slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Object {
    Instance(u32),
    Memory(u32),
    Table(u32),
    Global(u32),
    Function(u32),
    Extern(u32),
}

/// The roots of a store, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    objects: Vec<Object>,
    /// Number of roots when each open scope was opened.
    scopes: Vec<usize>,
}

impl Roots {
    pub(crate) fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// Depth of the innermost open scope.
    fn depth(&self) -> u32 {
        self.scopes.len() as u32
    }
}

/// Kinds of objects that can be roots.
pub(crate) trait Rooted: Sized {
    fn object(handle: Handle<Self>) -> Object;
}

impl StoreState {
    /// Makes an object a root of the innermost open scope, and returns its handle.
    #[expect(private_bounds, reason = "the kinds are fixed: those of the public handles")]
    pub fn root<T: Rooted>(&mut self, handle: Handle<T>) -> Handle<T> {
        let object = T::object(handle);
        let depth = self.roots.depth();
        let rooted_at = self.root_depth(object);
        if depth < *rooted_at {
            *rooted_at = depth;
            self.roots.objects.push(object);
        }
        handle
    }

    /// Opens a scope, which closes when the result is dropped: what becomes a root in it is one
    /// no more then.
    #[inline]
    pub fn scope(&mut self) -> RootScope<'_> {
        self.roots.scopes.push(self.roots.objects.len());
        RootScope(self)
    }

    /// Most scopes have got no roots.
    #[inline]
    fn close_scope(&mut self) {
        let depth = self.roots.depth();
        let start = self.roots.scopes.pop().unwrap_or(0);
        if start < self.roots.objects.len() {
            self.drop_roots(start, depth);
        }
    }

    fn drop_roots(&mut self, start: usize, depth: u32) {
        for object in self.roots.objects.split_off(start) {
            let rooted_at = self.root_depth(object);
            if *rooted_at == depth {
                *rooted_at = NOT_ROOTED;
            }
        }
    }

    fn root_depth(&mut self, object: Object) -> &mut u32 {
        match object {
            Object::Instance(index) => self.instances.root_depth(index),
            Object::Memory(index) => self.memories.root_depth(index),
            Object::Table(index) => self.tables.root_depth(index),
            Object::Global(index) => self.globals.root_depth(index),
            Object::Function(index) => self.functions.root_depth(index),
            Object::Extern(index) => self.externs.root_depth(index),
        }
    }
}

/// A store while a scope for roots is open.
#[derive(Debug)]
pub struct RootScope<'a>(&'a mut StoreState);

impl Deref for RootScope<'_> {
    type Target = StoreState;

    fn deref(&self) -> &StoreState {
        self.0
    }
}

impl DerefMut for RootScope<'_> {
    fn deref_mut(&mut self) -> &mut StoreState {
        self.0
    }
}

impl Drop for RootScope<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.close_scope();
    }
}

/// Root depth of an object that is no root.
pub(crate) const NOT_ROOTED: u32 = u32::MAX;
