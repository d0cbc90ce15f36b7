//! The objects of a store as a graph, for an embedder that collects them together with its own.
//!
//! [`collect`](crate::collect) alone cannot find a cycle that leads through the embedder: there
//! the tracer's edges are roots. An embedder with a collector of its own walks the graph here,
//! finds out what both sides no longer reach, and lets go of that.
#![forbid(unsafe_code)]

use crate::{ExternHandle, ExternItem, InstanceHandle, StoreState, roots::Object};

/// An object of a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeapObject {
    /// An instance.
    Instance(InstanceHandle),
    /// What can be imported and exported.
    Item(ExternItem),
    /// A value of the host.
    Extern(ExternHandle),
}

impl StoreState {
    /// Calls `visit` with every object and those that it holds directly, each of them perhaps
    /// more than once.
    pub fn visit_objects(&self, mut visit: impl FnMut(HeapObject, &[HeapObject])) {
        let (mut work, mut held) = (Vec::new(), Vec::new());
        for object in self.all_objects() {
            let Some(holder) = self.heap_object(object) else { continue };
            self.push_children(object, &mut work);
            held.extend(work.drain(..).filter_map(|child| self.heap_object(child)));
            visit(holder, &held);
            held.clear();
        }
    }

    /// What handles in scopes and the stack hold directly.
    pub fn root_objects(&self) -> Vec<HeapObject> {
        let mut roots = self.roots.objects().to_vec();
        self.find_stack_roots(&mut roots);
        roots.into_iter().filter_map(|object| self.heap_object(object)).collect()
    }

    fn all_objects(&self) -> impl Iterator<Item = Object> {
        let instances = self.instances.iter().map(|(handle, _)| Object::Instance(handle.index));
        let memories = self.memories.iter().map(|(handle, _)| Object::Memory(handle.index));
        let tables = self.tables.iter().map(|(handle, _)| Object::Table(handle.index));
        let globals = self.globals.iter().map(|(handle, _)| Object::Global(handle.index));
        let functions = self.functions.iter().map(|(handle, _)| Object::Function(handle.index));
        let externs = self.externs.iter().map(|(handle, _)| Object::Extern(handle.index));
        instances.chain(memories).chain(tables).chain(globals).chain(functions).chain(externs)
    }

    fn heap_object(&self, object: Object) -> Option<HeapObject> {
        Some(match object {
            Object::Instance(index) => HeapObject::Instance(self.instances.handle_at(index)?),
            Object::Memory(index) => {
                HeapObject::Item(ExternItem::Memory(self.memories.handle_at(index)?))
            }
            Object::Table(index) => {
                HeapObject::Item(ExternItem::Table(self.tables.handle_at(index)?))
            }
            Object::Global(index) => {
                HeapObject::Item(ExternItem::Global(self.globals.handle_at(index)?))
            }
            Object::Function(index) => {
                HeapObject::Item(ExternItem::Func(self.functions.handle_at(index)?))
            }
            Object::Extern(index) => HeapObject::Extern(self.externs.handle_at(index)?),
        })
    }
}
