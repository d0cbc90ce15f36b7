//! Retired code: what a collection works on.
//!
//! * [RET-AFTER] an object comes here after it became unreachable for new calls, and after its
//!   state says that it is retiring. So a collection that takes it from here knows both.
//! * [RET-STALE] the entry of an object whose unit went is of a generation that is over, and does
//!   nothing. Such entries go when the list would have to grow.
#![forbid(unsafe_code)]

use std::time::Instant;

use sync::{
    Mutex, Rank,
    atomic::{AtomicUsize, Ordering},
};

use crate::{slab::Slab, state::Phase};

/// An object that was retired.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retired {
    pub(crate) id: u32,
    pub(crate) generation: u32,
    pub(crate) unit: u64,
    /// When.
    pub(crate) at: Instant,
}

/// All of a manager's that no collection works on.
#[derive(Debug)]
pub(crate) struct RetiredList {
    objects: Mutex<Vec<Retired>>,
    /// Bytes that were added since the last collection began.
    new_bytes: AtomicUsize,
}

impl Retired {
    /// Is it still that object, and retired?
    pub(crate) fn is_current(self, slab: &Slab) -> bool {
        let state = slab.record(self.id).state().get();
        state.generation() == self.generation && state.phase() == Phase::Retiring
    }
}

impl RetiredList {
    pub(crate) fn new() -> Self {
        let objects = Mutex::new(Rank::Retired, Vec::new());
        Self { objects, new_bytes: AtomicUsize::new(0) }
    }

    /// Adds objects of that size together. [RET-AFTER]
    pub(crate) fn add(
        &self,
        added: impl ExactSizeIterator<Item = Retired>,
        bytes: usize,
        slab: &Slab,
    ) {
        let mut objects = self.objects.lock();
        if objects.capacity() - objects.len() < added.len() {
            // [RET-STALE]
            objects.retain(|object| object.is_current(slab));
            // If most were current: room for as many again, before the next look.
            let room = objects.len().max(16).max(added.len());
            objects.reserve(room);
        }
        objects.extend(added);
        // Relaxed: for a decision that may come a little later.
        self.new_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes all that is there, for a collection.
    pub(crate) fn take(&self) -> Vec<Retired> {
        let mut objects = self.objects.lock();
        self.new_bytes.store(0, Ordering::Relaxed);
        std::mem::take(&mut *objects)
    }

    /// Puts back what a collection could not free.
    pub(crate) fn put_back(&self, survivors: Vec<Retired>) {
        if !survivors.is_empty() {
            self.objects.lock().extend(survivors);
        }
    }

    /// Bytes that were retired since the last collection began. Takes no lock.
    pub(crate) fn new_bytes(&self) -> usize {
        self.new_bytes.load(Ordering::Relaxed)
    }
}
