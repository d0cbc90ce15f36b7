//! The life of a code object's record, in one atomic.
//!
//! ```text
//!              start          release (last)         kill
//!   free ──────────► live ──────────────► retiring ───────► dead
//!    ▲          acquire, release              condemn  ▲     │ recycle
//!    │               └─────────────────────────────────┘     │
//!    └───────────────────────────────────────────────────────┘ generation + 1
//! ```
//!
//! * [STATE-ONE-WAY] an object that is retiring never becomes live again: counted references
//!   come only from counted references, or from [`State::try_acquire`], which looks at the phase
//!   and changes the count in the same step.
//! * [STATE-GENERATION] the generation changes whenever the record is used again, so who reads
//!   the same live or retiring word twice has read one object in between.
//!
//! A retiring object has no count; its place holds the number of the last collection that found
//! it on a stack, 0 at first.
//!
//! * [STATE-SEEN] what a collection has seen on a stack, it does not end: seeing and ending change
//!   the same word.
//!
//! ```text
//!   63         34 33  32 31                                             0
//!   │ generation │ phase │ count, or the last collection when retiring │
//! ```
#![forbid(unsafe_code)]

use std::fmt;

use sync::atomic::{AtomicU64, Ordering};

/// Phase, generation and count of one record.
#[derive(Debug)]
pub(crate) struct State(AtomicU64);

/// Where in its life an object is. The low bit says whether look-ups find it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Phase {
    /// The record describes nothing that can be found.
    Free = 0b00,
    /// Somebody holds a counted reference.
    Live = 0b01,
    /// Nobody does; frames and look-ups may still use it.
    Retiring = 0b11,
    /// Cannot be found any more; readers that found it before may not have finished.
    Dead = 0b10,
}

/// What a record's word says.
#[derive(Clone, Copy)]
pub(crate) struct Snapshot(u64);

impl Snapshot {
    /// Where in its life the object is.
    pub(crate) fn phase(self) -> Phase {
        match (self.0 & PHASE) >> COUNT_BITS {
            0b00 => Phase::Free,
            0b01 => Phase::Live,
            0b11 => Phase::Retiring,
            _ => Phase::Dead,
        }
    }

    /// How often the record has been used before.
    pub(crate) fn generation(self) -> u32 {
        (self.0 >> GENERATION_SHIFT) as u32
    }

    /// Is what was read before a `later` look at the state, and after this one, of one object that
    /// a look-up may return?
    #[inline]
    pub(crate) fn is_same_object(self, later: Self) -> bool {
        let both_found = self.0 & later.0 & FOUND != 0;
        both_found && self.0 >> GENERATION_SHIFT == later.0 >> GENERATION_SHIFT
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.phase(), self.generation())
    }
}

/// Outcome of giving back a counted reference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum Released {
    /// Others hold references.
    StillLive,
    /// That was the last one.
    Retired,
}

/// Outcome of asking for a counted reference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum Acquired {
    /// The caller has a reference now.
    Yes,
    /// The object is not live any more.
    No,
}

/// Outcome of trying to end an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum Ended {
    /// The caller has ended it, and it alone; it was in that phase.
    From(Phase),
    /// It is not in a phase that can be ended this way.
    No,
}

const COUNT_BITS: u32 = 32;
const COUNT: u64 = (1 << COUNT_BITS) - 1;
const PHASE: u64 = 0b11 << COUNT_BITS;
const FOUND: u64 = 0b01 << COUNT_BITS;
const GENERATION_SHIFT: u32 = COUNT_BITS + 2;

impl State {
    /// A free record that was never used.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// What the word says now.
    #[inline]
    pub(crate) fn get(&self) -> Snapshot {
        // Acquire pairs with `start`: who sees the object live sees all of it.
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// Makes the object of a free record live, with that many references.
    pub(crate) fn start(&self, references: u32) {
        let word = self.0.load(Ordering::Relaxed);
        debug_assert_eq!(Snapshot(word).phase(), Phase::Free, "only a free record starts");
        // Release pairs with `get`. No other thread changes a free record's word.
        self.0.store(join(Phase::Live, word, u64::from(references)), Ordering::Release);
    }

    /// One more reference, from somebody who has one.
    ///
    /// # Panics
    ///
    /// If there are 2^32 - 1 references.
    pub(crate) fn acquire(&self) {
        let acquired = self.try_acquire();
        assert!(acquired == Acquired::Yes, "too many references to one code object");
    }

    /// A reference for somebody who has none. [STATE-ONE-WAY]
    pub(crate) fn try_acquire(&self) -> Acquired {
        let add = |word| {
            let may = Snapshot(word).phase() == Phase::Live && word & COUNT != COUNT;
            may.then(|| word + 1)
        };
        // Acquire pairs with `start`.
        match self.0.fetch_update(Ordering::Acquire, Ordering::Relaxed, add) {
            Ok(_) => Acquired::Yes,
            Err(_) => Acquired::No,
        }
    }

    /// Gives a reference back; the last one retires the object.
    pub(crate) fn release(&self) -> Released {
        let take = |word: u64| {
            let last = word & COUNT == 1;
            let next = if last { join(Phase::Retiring, word, 0) } else { word.wrapping_sub(1) };
            // What the owner has ended counts no more.
            (Snapshot(word).phase() == Phase::Live).then_some(next)
        };
        // Release pairs with the Acquire of `kill`: whoever ends the object comes after every use
        // through a reference. Acquire, so that the last one also comes after the others' uses.
        let before = self.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, take);
        match before {
            Ok(word) if word & COUNT == 1 => Released::Retired,
            _ => Released::StillLive,
        }
    }

    /// Is the object retiring? Then notes that a collection saw it on a stack. [STATE-SEEN]
    #[inline]
    pub(crate) fn note_seen(&self, collection: u32) -> bool {
        if self.get().phase() != Phase::Retiring {
            return false;
        }
        let note = |word| {
            let retiring = Snapshot(word).phase() == Phase::Retiring;
            retiring.then(|| join(Phase::Retiring, word, u64::from(collection)))
        };
        // Whoever ends it afterwards has waited for the one who looks, by other means.
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, note).is_ok()
    }

    /// Ends a retiring object that the collection has not seen. Of that generation: who has an
    /// old list of objects ends no later one.
    pub(crate) fn kill(&self, generation: u32, collection: u32) -> Ended {
        self.end(|word| {
            let same = Snapshot(word).generation() == generation;
            let retiring = Snapshot(word).phase() == Phase::Retiring;
            same && retiring && word & COUNT != u64::from(collection)
        })
    }

    /// Ends a live or retiring object whose owner goes away.
    pub(crate) fn condemn(&self) -> Ended {
        self.end(|word| matches!(Snapshot(word).phase(), Phase::Live | Phase::Retiring))
    }

    fn end(&self, may_end: impl Fn(u64) -> bool) -> Ended {
        let end = |word| may_end(word).then(|| join(Phase::Dead, word, 0));
        // Acquire pairs with `release`.
        match self.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, end) {
            Ok(word) => Ended::From(Snapshot(word).phase()),
            Err(_) => Ended::No,
        }
    }

    /// Makes the record of a dead object free again. [STATE-GENERATION]
    pub(crate) fn recycle(&self) {
        let word = self.0.load(Ordering::Relaxed);
        debug_assert_eq!(Snapshot(word).phase(), Phase::Dead, "only the dead are recycled");
        let generation = (word >> GENERATION_SHIFT).wrapping_add(1);
        // Release pairs with `get`: who sees the new generation sees nothing of the old object.
        self.0.store(generation << GENERATION_SHIFT, Ordering::Release);
    }
}

/// A word with the generation of `word`.
fn join(phase: Phase, word: u64, count: u64) -> u64 {
    (word >> GENERATION_SHIFT << GENERATION_SHIFT) | (phase as u64) << COUNT_BITS | count
}

#[cfg(test)]
mod tests;
