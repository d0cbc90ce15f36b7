//! Objects of one kind in a store: a slot each, found by index and generation.
//!
//! A [`Handle`] is what everybody else holds. It says which store, which slot, and which of the
//! objects that the slot had over time; a handle to an object that is gone finds nothing. The
//! objects themselves are boxed: machine code and other objects hold their addresses.
#![forbid(unsafe_code)]

use std::{fmt, hash::Hash, marker::PhantomData};

use crate::{StoreId, roots::NOT_ROOTED};

/// Names an object of kind `T` in a store.
pub struct Handle<T> {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
    pub(crate) generation: u32,
    kind: PhantomData<fn() -> T>,
}

impl<T> Handle<T> {
    /// The store that the object lives in.
    pub fn store(self) -> StoreId {
        self.store
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> PartialEq for Handle<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.store, self.index, self.generation) == (other.store, other.index, other.generation)
    }
}

impl<T> Eq for Handle<T> {}

impl<T> Hash for Handle<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.store, self.index, self.generation).hash(state);
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.store.0, self.index, self.generation)
    }
}

/// All objects of one kind in a store.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    store: StoreId,
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    marked: bool,
    /// Depth of the outermost scope that the object is a root of.
    root_depth: u32,
    object: Option<Box<T>>,
}

impl<T> Slot<T> {
    fn new(object: Box<T>) -> Self {
        Self { generation: 0, marked: false, root_depth: NOT_ROOTED, object: Some(object) }
    }
}

impl<T> Slots<T> {
    pub(crate) fn new(store: StoreId) -> Self {
        Self { store, slots: Vec::new(), free: Vec::new() }
    }

    /// The handle that the next [`Slots::insert`] will return.
    pub(crate) fn next(&self) -> Handle<T> {
        match self.free.last() {
            Some(&index) => self.handle(index, self.slots[index as usize].generation),
            None => self.handle(self.slots.len() as u32, 0),
        }
    }

    pub(crate) fn insert(&mut self, object: Box<T>) -> Handle<T> {
        let handle = self.next();
        match self.free.pop() {
            Some(index) => self.slots[index as usize].object = Some(object),
            None => self.slots.push(Slot::new(object)),
        }
        handle
    }

    #[inline]
    pub(crate) fn get(&self, handle: Handle<T>) -> Option<&T> {
        let slot = self.slots.get(handle.index as usize)?;
        let matches = slot.generation == handle.generation && self.store == handle.store;
        slot.object.as_deref().filter(|_| matches)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, handle: Handle<T>) -> Option<&mut T> {
        let slot = self.slots.get_mut(handle.index as usize)?;
        let matches = slot.generation == handle.generation && self.store == handle.store;
        slot.object.as_deref_mut().filter(|_| matches)
    }

    /// The handle of the object that is in that slot now.
    pub(crate) fn handle_at(&self, index: u32) -> Option<Handle<T>> {
        let slot = self.slots.get(index as usize)?;
        slot.object.is_some().then(|| self.handle(index, slot.generation))
    }

    /// Depth of the outermost scope that the object in that slot is a root of.
    ///
    /// # Panics
    ///
    /// If there never was such a slot.
    pub(crate) fn root_depth(&mut self, index: u32) -> &mut u32 {
        &mut self.slots[index as usize].root_depth
    }

    /// Number of objects.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// All objects, with their handles.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Handle<T>, &T)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let object = slot.object.as_deref()?;
            Some((self.handle(index as u32, slot.generation), object))
        })
    }

    /// All objects, to change.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().filter_map(|slot| slot.object.as_deref_mut())
    }

    /// Marks an object as reachable. False if it was marked before or is gone.
    pub(crate) fn mark(&mut self, index: u32) -> bool {
        match self.slots.get_mut(index as usize) {
            Some(slot) if slot.object.is_some() => !std::mem::replace(&mut slot.marked, true),
            _ => false,
        }
    }

    /// Takes out every object that is not marked, and clears the marks.
    pub(crate) fn sweep(&mut self) -> Vec<Box<T>> {
        let mut swept = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if std::mem::take(&mut slot.marked) {
                continue;
            }
            if let Some(object) = slot.object.take() {
                swept.push(object);
                slot.generation = slot.generation.wrapping_add(1);
                self.free.push(index as u32);
            }
        }
        swept
    }

    fn handle(&self, index: u32, generation: u32) -> Handle<T> {
        Handle { store: self.store, index, generation, kind: PhantomData }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_to_a_reclaimed_object_finds_nothing() {
        let mut slots = Slots::new(StoreId(1));
        let (old, kept) = (slots.insert(Box::new("old")), slots.insert(Box::new("kept")));
        assert!(slots.mark(kept.index));
        assert!(!slots.mark(kept.index));
        assert_eq!(slots.sweep(), [Box::new("old")]);
        assert_eq!((slots.get(old), slots.len()), (None, 1));

        let new = slots.insert(Box::new("new"));
        assert_eq!(new.index, old.index);
        assert_eq!((slots.get(old), slots.get(new)), (None, Some(&"new")));
        assert_eq!(slots.get(kept), Some(&"kept"));
    }

    #[test]
    fn a_handle_of_another_store_finds_nothing() {
        let mut slots = [Slots::new(StoreId(1)), Slots::new(StoreId(2))];
        let handles: Vec<_> = slots.iter_mut().map(|slots| slots.insert(Box::new(7))).collect();
        assert_eq!(slots[0].get(handles[1]), None);
        assert_eq!(slots[1].get(handles[1]), Some(&7));
    }

    #[test]
    fn the_next_handle_is_foretold() {
        let mut slots = Slots::new(StoreId(1));
        for value in 0..3 {
            assert_eq!(slots.next(), slots.insert(Box::new(value)));
        }
        slots.sweep();
        for value in 0..4 {
            assert_eq!(slots.next(), slots.insert(Box::new(value)));
        }
    }
}
