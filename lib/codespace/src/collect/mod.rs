//! Collecting: retired code becomes free memory, while other code runs.
//!
//! ```text
//!   any thread   retire ──► list           retire ──► list (for the next collection)
//!   collector         begin ──► round: ask, look, wait ──► finish ──► limbo ──► free range
//!                     takes    everybody's frames are      ends what  readers
//!                     the list marked in the objects       was not    have gone
//!                                                          seen
//! ```
//!
//! Begin and finish take the locks that publishing takes for a moment each; all else is done without
//! any.
//!
//! * [COL-TAKEN] what a collection may end was unreachable and retiring before it began
//!   [RET-AFTER], so every look that the round counts came after.
//! * [COL-SEEN] what a frame will return to was marked by whoever looked at that frame
//!   [STATE-SEEN], and survives; it is in the list again for the next collection.
//!
//! Not here: when to collect (the user asks [`CodeManager::wants_collection`]), how stacks are
//! walked ([`Activation::look`]), and threads.

mod activation;
pub(crate) mod pace;
mod round;

use std::{collections::BTreeMap, time::Instant};

use pace::{OBJECTS_A_TURN, Pace};

use sync::{Arc, MutexGuard, atomic::Ordering};

pub use activation::{Activation, Answer, Handshake, Look};
pub use pace::Haste;
pub use round::{Answered, Round};

use crate::{
    error::Result, events, manager::CodeManager, object::Contents, retired::Retired,
    scope::CodeScope, slab::Doomed, tally::Items, unit::Unit,
};

/// What a collection has freed. The memory is usable again once the scopes that were open have
/// closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Collected {
    /// How many code objects.
    pub objects: usize,
    /// Bytes of their code.
    pub code_bytes: usize,
    /// Bytes of their records and side tables.
    pub metadata_bytes: usize,
    /// How many objects were in use.
    pub survivors: usize,
}

/// A collection of what was retired when it began. Dropping it ends it without effect.
#[derive(Debug)]
#[must_use]
pub struct Collection<'m> {
    manager: &'m CodeManager,
    number: u32,
    begun: Instant,
    objects: Vec<Retired>,
    /// One at a time: an activation answers the last that has asked. `None` only at the end.
    alone: Option<MutexGuard<'m, ()>>,
}

/// A promise that no code of a manager is being run.
#[derive(Debug)]
pub struct Idle<'m> {
    manager: &'m CodeManager,
}

impl CodeManager {
    /// Has enough code been retired since the last collection began?
    ///
    /// More than a floor and a share of the committed memory: see
    /// [`Config::collect_floor_bytes`](crate::Config::collect_floor_bytes).
    pub fn wants_collection(&self) -> bool {
        let config = self.config();
        let share = self.committed_bytes() / 100 * config.collect_share_percent;
        config.collect_floor_bytes.saturating_add(share) < self.retired().new_bytes()
    }

    /// Bytes that were retired since the last collection began. Takes no lock.
    pub fn retired_bytes(&self) -> usize {
        self.retired().new_bytes()
    }

    /// Begins a collection, after the one that another thread has begun.
    pub fn begin_collection(&self) -> Collection<'_> {
        let alone = self.collecting().lock();
        let mut objects = self.retired().take();
        objects.retain(|object| object.is_current(self.slab()));
        // Numbers only have to differ from those of objects that were seen, and from 0.
        let number = self.collection().fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
        Collection { manager: self, number, begun: Instant::now(), objects, alone: Some(alone) }
    }

    /// The owner's answer to whatever collection of this manager wants to know. See
    /// [`Handshake::is_pending`].
    pub fn answer<A: Activation>(&self, activation: &A) -> Answer {
        activation.handshake().answer(|collection| {
            let scope = self.scope();
            // Without a collection that waits: only counts.
            let see = |pc| see(&scope, collection, pc);
            round::look_at(activation, &see)
        })
    }

    /// Promises that no retired code is being run.
    ///
    /// # Safety
    ///
    /// As long as the result lives:
    ///
    /// (a) no thread runs retired code of this manager, and none has a frame on any of its
    ///     stacks that will return to such code;
    /// (b) nobody will jump to an address of retired code that they kept from before.
    pub unsafe fn assume_idle(&self) -> Idle<'_> {
        Idle { manager: self }
    }

    /// Frees all retired code.
    ///
    /// # Panics
    ///
    /// If the promise was made about another manager.
    pub fn collect(&self, idle: &Idle<'_>) -> Collected {
        assert!(self.is(idle.manager), "the promise is about this manager");
        self.begin_collection().end()
    }
}

impl Collection<'_> {
    /// Is there nothing to collect?
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Asks all activations, so that all code that they run becomes known.
    ///
    /// # Errors
    ///
    /// If the system has no barrier on all threads.
    ///
    /// # Safety
    ///
    /// (a) `activations` are all that may run code of this manager, but for those made later.
    /// (b) Who makes one that is not among them sees everything that this thread has done.
    /// (c) No other manager's collections ask them.
    pub unsafe fn ask<A: Activation>(&self, activations: Vec<Arc<A>>) -> Result<Round<A>> {
        Ok(Round::start(self.number, activations, vmem::sync_cores)?)
    }

    /// Looks at those activations that have not answered.
    ///
    /// # Errors
    ///
    /// The round as far as it has come, if some have not answered yet. It is to be tried again
    /// after [`Handshake`]s were answered, and after a while.
    pub fn look<A: Activation>(
        &self,
        round: Round<A>,
    ) -> std::result::Result<Answered<A>, Round<A>> {
        let scope = self.manager.scope();
        round.look(&|pc| see(&scope, Some(self.number), pc))
    }

    /// Frees what nobody has been seen to use.
    ///
    /// # Panics
    ///
    /// If the proof is of another collection.
    pub fn finish<A: Activation>(self, answered: &Answered<A>) -> Collected {
        assert_eq!(answered.collection(), self.number, "the proof is of this collection");
        self.end()
    }

    /// Ends what was not seen. [COL-SEEN]
    fn end(mut self) -> Collected {
        let mut collected = Collected::default();
        let mut doomed = Vec::new();
        let mut by_unit = BTreeMap::<u64, Vec<Retired>>::new();
        for object in self.objects.drain(..) {
            by_unit.entry(object.unit).or_default().push(object);
        }
        let mut survivors = Vec::new();
        // Dropped at the end, without locks: one of these may be the last of its unit.
        let mut units = Vec::with_capacity(by_unit.len());
        for (id, objects) in by_unit {
            // A unit that is gone, or going, ends its objects itself.
            let Some(unit) = self.manager.unit(id) else { continue };
            let ended = unit.end_retired(&objects, self.number, &mut doomed).total();
            collected.objects += ended.count;
            collected.code_bytes += ended.bytes;
            collected.metadata_bytes += ended.metadata;
            // What was ended is not current any more.
            let slab = self.manager.slab();
            survivors.extend(objects.into_iter().filter(|object| object.is_current(slab)));
            units.push(unit);
        }
        collected.survivors = survivors.len();
        self.manager.retired().put_back(survivors);
        // Before the next collection begins: who wants room and finds nothing to collect is to find
        // the room.
        let mut pace = Pace::gentle(self.manager);
        let mut contents = self.manager.bury(doomed, &mut pace);
        self.manager.spares().keep(contents.iter_mut().map(Contents::take_tables));
        // What follows may run code of the user.
        drop(self.alone.take());
        while !contents.is_empty() {
            contents.truncate(contents.len().saturating_sub(OBJECTS_A_TURN));
            pace.turn();
        }
        drop(units);
        let time = self.begun.elapsed();
        events::collect(collected, time);
        self.manager.measures().collection.record_time(time);
        self.manager.measures().collection_freed.record(collected.code_bytes as u64);
        collected
    }
}

impl Drop for Collection<'_> {
    fn drop(&mut self) {
        self.manager.retired().put_back(std::mem::take(&mut self.objects));
    }
}

/// Marks the code that a call returns to. Is it retired?
fn see(scope: &CodeScope<'_>, collection: Option<u32>, return_address: usize) -> bool {
    let Some(code) = scope.lookup(return_address.wrapping_sub(1)) else { return false };
    match collection {
        Some(collection) => code.state().note_seen(collection),
        None => code.is_retired(),
    }
}

impl Unit {
    /// Ends those retired objects of this unit that the collection has not seen.
    fn end_retired(&self, objects: &[Retired], collection: u32, doomed: &mut Vec<Doomed>) -> Items {
        let slab = self.manager().slab();
        let mut ended = Items::default();
        for object in objects.iter().filter(|object| object.is_current(slab)) {
            // Nobody else ends it, as the unit is not going.
            let item = slab.record(object.id).item();
            if let Some(dead) = slab.kill(object.id, object.generation, collection) {
                doomed.push(dead.retired_at(object.at));
                ended.add(item);
            }
        }
        self.identity().count(|counters| counters.ended_retired(&ended));
        ended
    }
}

#[cfg(all(test, not(loom)))]
impl CodeManager {
    /// Frees all retired code of tests that run none.
    pub(crate) fn collect_what_nobody_runs(&self) -> Collected {
        self.begin_collection().end()
    }
}
