//! Values that are made once for each key, and shared as long as somebody has them.
//!
//! ```text
//!            get_or_make                    made                     last one dropped
//!   (none) ───────────────► pending ───────────────────► alive ───────────────────► dying
//!      ▲                       │ failed, panicked          │ get_or_make: the same     │
//!      └───────────────────────┴───────────────────────────┘◄──── forget ─────────────┤
//!                                                             pending ◄── get_or_make ┘
//! ```
//!
//! The map holds values weakly: its users keep them. Who makes a value holds no lock meanwhile;
//! others that want it wait and get it. Nothing is remembered of a failure: those who waited try
//! themselves, one after the other.
//!
//! * [SHM-ONE] between a key becoming pending and what ends that, nobody else makes its value.
//! * [SHM-DEAD] a value whose last user has gone is never handed out again: a weak reference is all
//!   that the map has, and that does not come back from zero.
//! * [SHM-OWN] `forget` removes an entry only if its value is gone. So the end of a value does not
//!   touch the next one of its key, however late it comes.
//! * [SHM-GET] who waited gets the value that was made, even if its maker has dropped it already.
//! * [SHM-UNLOCKED] no value is dropped under the lock, so a value's end may call `forget`.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    // Loom's `Arc` has no weak references.
    sync::{Arc, Weak},
};

use crate::{Condvar, Mutex, Rank};

/// Values that are made once for each key, and shared as long as somebody has them.
///
/// A value that is dropped leaves its key and a dead reference behind: it, or who owns it, is to
/// call [`Self::forget`] then.
pub struct SharedMap<K, V> {
    rank: Rank,
    entries: Mutex<HashMap<K, Entry<V>>>,
}

/// What is known about a key.
enum Entry<V> {
    /// Somebody makes its value.
    Pending(Arc<Pending<V>>),
    /// It was made, and lives as long as somebody has it.
    Made(Weak<V>),
}

/// A value that is being made.
struct Pending<V> {
    outcome: Mutex<Outcome<V>>,
    ended: Condvar,
}

enum Outcome<V> {
    Open,
    Made(Arc<V>),
    Failed,
}

/// How somebody came by a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// They made it.
    Made,
    /// It was there.
    Found,
    /// Somebody else was making it.
    Awaited,
}

/// What is to be done about a key.
enum Step<V> {
    Take(Arc<V>),
    Wait(Arc<Pending<V>>),
    Make(Arc<Pending<V>>),
}

impl<K: Clone + Eq + Hash, V> SharedMap<K, V> {
    /// An empty map whose locks have that rank.
    pub fn new(rank: Rank) -> Self {
        Self { rank, entries: Mutex::new(rank, HashMap::new()) }
    }

    /// The value of `key`: the one that is there, or that another thread is making, or that `make`
    /// makes. No lock is held while it does.
    ///
    /// `make` must not ask for the same key: it would wait for itself.
    ///
    /// # Errors
    ///
    /// The error of `make`. Others that waited for its value try themselves.
    pub fn get_or_make<E>(
        &self,
        key: &K,
        make: impl FnOnce() -> Result<Arc<V>, E>,
    ) -> Result<(Arc<V>, Origin), E> {
        loop {
            match self.next_step(key) {
                Step::Take(value) => return Ok((value, Origin::Found)),
                Step::Wait(pending) => {
                    if let Some(value) = pending.wait() {
                        return Ok((value, Origin::Awaited));
                    }
                }
                Step::Make(pending) => {
                    let making = Making { map: self, key, pending, made: None };
                    return make().map(|value| (making.end(value), Origin::Made));
                }
            }
        }
    }

    /// A value of that key is gone. Does nothing if there is another one by now. [SHM-OWN]
    pub fn forget(&self, key: &K) {
        let mut entries = self.entries.lock();
        if let Some(Entry::Made(value)) = entries.get(key)
            && value.strong_count() == 0
        {
            entries.remove(key);
        }
    }

    /// How many keys have values that live, are being made, or have just ended.
    pub fn len(&self) -> usize {
        self.entries.lock().len()
    }

    /// True if there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn next_step(&self, key: &K) -> Step<V> {
        let mut entries = self.entries.lock();
        match entries.get(key) {
            Some(Entry::Pending(pending)) => return Step::Wait(Arc::clone(pending)),
            Some(Entry::Made(value)) => {
                // [SHM-DEAD]
                if let Some(value) = value.upgrade() {
                    return Step::Take(value);
                }
            }
            None => {}
        }
        let outcome = Mutex::new(self.rank, Outcome::Open);
        let pending = Arc::new(Pending { outcome, ended: Condvar::new() });
        entries.insert(key.clone(), Entry::Pending(Arc::clone(&pending)));
        Step::Make(pending)
    }
}

impl<K, V> fmt::Debug for SharedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedMap({})", self.entries.lock().len())
    }
}

impl<V> Pending<V> {
    /// Waits for the end. `None` if it failed.
    fn wait(&self) -> Option<Arc<V>> {
        let mut outcome = self.outcome.lock();
        loop {
            match &*outcome {
                Outcome::Open => outcome = self.ended.wait(outcome),
                Outcome::Made(value) => return Some(Arc::clone(value)),
                Outcome::Failed => return None,
            }
        }
    }
}

/// The duty to end what is pending. Dropping it without a value is a failure, also by a panic.
struct Making<'m, K: Clone + Eq + Hash, V> {
    map: &'m SharedMap<K, V>,
    key: &'m K,
    pending: Arc<Pending<V>>,
    made: Option<Arc<V>>,
}

impl<K: Clone + Eq + Hash, V> Making<'_, K, V> {
    fn end(mut self, value: Arc<V>) -> Arc<V> {
        self.made = Some(Arc::clone(&value));
        value
    }
}

impl<K: Clone + Eq + Hash, V> Drop for Making<'_, K, V> {
    fn drop(&mut self) {
        let mut entries = self.map.entries.lock();
        // [SHM-ONE] What was there is this making. The map first: who is told that it failed finds
        // nothing there.
        match &self.made {
            Some(value) => {
                entries.insert(self.key.clone(), Entry::Made(Arc::downgrade(value)));
            }
            None => {
                entries.remove(self.key);
            }
        }
        drop(entries);
        let outcome = self.made.take().map_or(Outcome::Failed, Outcome::Made);
        *self.pending.outcome.lock() = outcome;
        self.pending.ended.notify_all();
    }
}
