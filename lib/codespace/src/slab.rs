//! Records that never move: ids to [`Code`].
//!
//! Chunks double in size and are never freed, so an id leads to its record with two loads, and
//! a stale id leads to a record too, whose state tells what it is now.
//!
//! ```text
//!   chunks   │ 64 … 127 │ 128 … 255 │ 256 … 511 │ …      ids; the highest bit tells the chunk
//! ```
//!
//! An id's way is a chain of types: [`Reserved`] (filled, not started) becomes an id that can be
//! found; [`Doomed`] (ended by whoever holds this) becomes [`Expired`] when no reader is left.
//!
//! * [SLAB-HEADS] a head that is not null is the first of as many records as there are ids with its
//!   highest bit, in a chunk that lives as long as the slab.

use std::{
    ops::Range,
    // Read in signal handlers through a static: loom's atomics cannot be.
    sync::{
        OnceLock,
        atomic::{AtomicPtr, Ordering},
    },
    time::Instant,
};

use sync::{Mutex, Rank};

use crate::{
    error::{ErrorKind, Result},
    object::{Code, Contents, Place},
    state::{Ended, Phase},
};

/// All records of a manager.
#[derive(Debug)]
pub(crate) struct Slab {
    /// For each highest bit of an id, the first record of the chunk, or null. [SLAB-HEADS]
    heads: [AtomicPtr<Code>; u32::BITS as usize],
    chunks: [OnceLock<Box<[Code]>>; CHUNKS],
    ids: Mutex<Ids>,
}

/// Records of the first chunk, and the first id: smaller ones lead nowhere.
const FIRST: u32 = 64;
const CHUNKS: usize = (u32::BITS - FIRST.ilog2()) as usize;

/// Ids that can be taken.
#[derive(Debug)]
struct Ids {
    free: Vec<u32>,
    next: u32,
}

/// A record that is filled, and can be found by nobody yet.
#[derive(Debug)]
#[must_use]
pub(crate) struct Reserved(u32);

/// An object that was ended by whoever has this.
#[derive(Debug)]
#[must_use]
pub(crate) struct Doomed {
    id: u32,
    /// When it was retired, if a collection has ended it.
    retired_at: Option<Instant>,
}

/// A dead object without readers.
#[derive(Debug)]
#[must_use]
pub(crate) struct Expired(Doomed);

impl Reserved {
    pub(crate) fn id(&self) -> u32 {
        self.0
    }
}

impl Doomed {
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Notes when the object was retired.
    pub(crate) fn retired_at(self, time: Instant) -> Self {
        Self { retired_at: Some(time), ..self }
    }

    /// # Safety
    ///
    /// Every scope in which the object may have been found has closed.
    pub(crate) unsafe fn expire(self) -> Expired {
        Expired(self)
    }
}

impl Expired {
    pub(crate) fn id(&self) -> u32 {
        self.0.id
    }

    /// When it was retired, if a collection has ended it.
    pub(crate) fn retired_at(&self) -> Option<Instant> {
        self.0.retired_at
    }
}

impl Slab {
    /// No records.
    pub(crate) fn new() -> Self {
        let ids = Ids { free: Vec::new(), next: FIRST };
        Self {
            heads: [const { AtomicPtr::new(std::ptr::null_mut()) }; u32::BITS as usize],
            chunks: [const { OnceLock::new() }; CHUNKS],
            ids: Mutex::new(Rank::Records, ids),
        }
    }

    /// The record of an id; `None` for 0 and others that were never given out. Safe in signal handlers.
    #[inline]
    pub(crate) fn get(&self, id: u32) -> Option<&Code> {
        // Acquire pairs with `make_chunk`.
        let highest = id.checked_ilog2()?;
        let head = self.heads[highest as usize].load(Ordering::Acquire);
        let record = head.wrapping_add((id ^ (1 << highest)) as usize);
        // SAFETY: [SLAB-HEADS]
        (!head.is_null()).then(|| unsafe { &*record })
    }

    /// The record of an id that the caller holds.
    pub(crate) fn record(&self, id: u32) -> &Code {
        self.get(id).expect("ids come from this slab, whose records stay")
    }

    /// All records that there are, most of which may describe nothing.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Code> {
        self.chunks.iter().filter_map(OnceLock::get).flatten()
    }

    /// Fills a free record for each object.
    pub(crate) fn insert(&self, objects: Vec<(Place, Contents)>) -> Result<Vec<Reserved>> {
        let ids = self.take_ids(objects.len())?;
        let fill = |(id, (place, contents)): (u32, (Place, Contents))| {
            // SAFETY: `id` was free, and is now with this thread alone.
            unsafe { self.record(id).fill(&place, contents) };
            Reserved(id)
        };
        Ok(ids.into_iter().zip(objects).map(fill).collect())
    }

    /// Starts an object with that many references.
    pub(crate) fn start(&self, reserved: Reserved, references: u32) -> u32 {
        self.record(reserved.0).state().start(references);
        reserved.0
    }

    /// Empties records of objects that were never started.
    pub(crate) fn withdraw(&self, reserved: Vec<Reserved>) -> Vec<(Range<usize>, Contents)> {
        let ids: Vec<u32> = reserved.into_iter().map(|reserved| reserved.0).collect();
        // SAFETY: never started, so never found; who had `Reserved` had the id alone.
        let empty = |&id: &u32| unsafe { self.record(id).empty_out() };
        let objects = ids.iter().filter_map(|id| Some((self.record(*id).allocated(), empty(id)?)));
        let objects = objects.collect();
        self.ids.lock().free.extend(ids);
        objects
    }

    /// Ends a retiring object of that generation that the collection has not seen.
    pub(crate) fn kill(&self, id: u32, generation: u32, collection: u32) -> Option<Doomed> {
        let ended = self.record(id).state().kill(generation, collection);
        (ended != Ended::No).then_some(Doomed { id, retired_at: None })
    }

    /// Ends an object whose unit goes away.
    pub(crate) fn condemn(&self, id: u32) -> Option<(Doomed, Phase)> {
        match self.record(id).state().condemn() {
            Ended::From(phase) => Some((Doomed { id, retired_at: None }, phase)),
            Ended::No => None,
        }
    }

    /// Empties records of dead objects, and lets them be used again.
    pub(crate) fn remove(&self, expired: Vec<Expired>) -> Vec<(Range<usize>, Contents)> {
        let ids: Vec<u32> = expired.into_iter().map(|expired| expired.0.id).collect();
        let empty = |&id: &u32| {
            let record = self.record(id);
            let range = record.allocated();
            // SAFETY: `Expired` says that it is dead, has no readers, and who has it has the id.
            let contents = unsafe { record.empty_out() };
            record.state().recycle();
            Some((range, contents?))
        };
        let objects = ids.iter().filter_map(empty).collect();
        self.ids.lock().free.extend(ids);
        objects
    }

    /// Bytes of all records, those of no object among them, and of their ids, which are listed when
    /// they are free. Takes no lock.
    pub(crate) fn bytes(&self) -> usize {
        let records: usize = self.chunks.iter().filter_map(OnceLock::get).map(|it| it.len()).sum();
        records * (size_of::<Code>() + size_of::<u32>())
    }

    /// That many free ids whose chunks exist.
    fn take_ids(&self, count: usize) -> Result<Vec<u32>> {
        let mut ids = self.ids.lock();
        let from_free = count.min(ids.free.len());
        let fresh = u32::try_from(count - from_free).ok();
        let end = fresh.and_then(|fresh| ids.next.checked_add(fresh));
        let end = end.ok_or(ErrorKind::TooManyObjects)?;
        let rest = ids.free.len() - from_free;
        let mut taken = ids.free.split_off(rest);
        taken.extend(ids.next..end);
        for id in ids.next..end {
            self.make_chunk(id);
        }
        ids.next = end;
        Ok(taken)
    }

    fn make_chunk(&self, id: u32) {
        let Some((chunk, _)) = position(id) else { return };
        let records = || (0..FIRST << chunk).map(|_| Code::empty()).collect();
        let first = FIRST << chunk;
        let records = self.chunks[chunk].get_or_init(records);
        // [SLAB-HEADS] Release pairs with `get`.
        let head = records.as_ptr().cast_mut();
        self.heads[first.ilog2() as usize].store(head, Ordering::Release);
    }
}

/// Chunk and place in it.
#[inline]
fn position(id: u32) -> Option<(usize, usize)> {
    let highest = id.checked_ilog2()?;
    let chunk = highest.checked_sub(FIRST.ilog2())?;
    Some((chunk as usize, (id ^ (1 << highest)) as usize))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_its_own_place() {
        assert!((0..FIRST).all(|id| position(id).is_none()));
        let mut expected = (0, 0);
        for id in FIRST..5000 {
            assert_eq!(position(id), Some(expected));
            expected.1 += 1;
            if expected.1 == (FIRST as usize) << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
        assert!(position(u32::MAX).is_some_and(|(chunk, _)| chunk < CHUNKS));
    }

    #[test]
    fn an_id_that_was_never_given_out_has_no_record() {
        let slab = Slab::new();
        assert!(slab.get(0).is_none());
        assert!(slab.get(FIRST).is_none());
        assert!(slab.get(u32::MAX).is_none());
    }
}
