//! From a pc to its code object: wait-free, and allowed in signal handlers.
//!
//! ```text
//!   pc ── >> 31 ──► SLOTS[..]  (one for each 2 GiB of address space, static)
//!                     │ code range, index, slab
//!                     ▼
//!                   index[(pc - start) / 64] ──► id ──► record: range, state, generation
//! ```
//!
//! An arena is aligned to its slot and not larger, so a slot has one arena at most.
//!
//! * [LOOK-FRESH] a reader in a scope never gets an object whose range or record is used again:
//!   the index forgets an object before it waits for the scopes that are open, and only then are
//!   range and record used again.
//! * [LOOK-SIGNAL] nothing here locks, allocates, or loops.
//! * [LOOK-SLOT] a slot's version is odd while it has an arena, and changes with it. Who reads the
//!   same odd version before and after the rest has read what belongs to one arena.
//! * [LOOK-OWN] a slot points to a slab only while its arena is one of the slab's manager. Who is
//!   in a scope of that manager and reads the pointer reads what belongs to that arena, which stays.

use std::{
    ops::Range,
    // Statics and raw memory: loom's atomics can be neither.
    sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering, fence},
};

use std::sync::Arc;

use crate::{index::GRANULE, object::Code, slab::Slab};

/// Address space that one slot stands for, and alignment of arenas.
pub(crate) const SLOT_BYTES: usize = 1 << SLOT_SHIFT;

const SLOT_SHIFT: u32 = 31;
const SLOT_COUNT: usize = 1 << (47 - SLOT_SHIFT);

/// What a look-up needs to know about an arena.
#[repr(align(64))]
struct Slot {
    version: AtomicUsize,
    start: AtomicUsize,
    end: AtomicUsize,
    index: AtomicPtr<AtomicU32>,
    slab: AtomicPtr<Slab>,
}

static SLOTS: [Slot; SLOT_COUNT] = [const {
    Slot {
        version: AtomicUsize::new(0),
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        index: AtomicPtr::new(std::ptr::null_mut()),
        slab: AtomicPtr::new(std::ptr::null_mut()),
    }
}; SLOT_COUNT];

/// Finds the code at `pc` without a scope, for signal handlers and stack walkers.
///
/// # Safety
///
/// (a) If `pc` lies in the code of a manager, then that manager lives.
/// (b) The result is not used once the object at `pc` can be freed. For a pc of the calling
///     thread's own frames, or the one that a signal interrupted, both hold as long as the frame
///     exists.
#[inline]
pub unsafe fn lookup_in_signal<'a>(pc: usize) -> Option<&'a Code> {
    // SAFETY: (a) and (b).
    unsafe { find(pc) }
}

/// Finds the code at `pc`, if it belongs to that slab.
///
/// # Safety
///
/// (a) The caller is in a scope of the slab's manager.
/// (b) The result is not used after that scope.
#[inline]
pub(crate) unsafe fn find_in(pc: usize, slab: &Slab) -> Option<&Code> {
    let slot = SLOTS.get(pc >> SLOT_SHIFT)?;
    // Acquire pairs with `Registration::new`. [LOOK-OWN]
    if !std::ptr::eq(slot.slab.load(Ordering::Acquire), slab) {
        return None;
    }
    let (start, end) = (slot.start.load(Ordering::Relaxed), slot.end.load(Ordering::Relaxed));
    let index = slot.index.load(Ordering::Relaxed);
    // SAFETY: the slab's arenas live as long as its manager, which has the scope of (a).
    let id = unsafe { id_at(pc, start..end, index) }?;
    slab.get(id)?.if_at(pc)
}

/// # Safety
///
/// The arena of `pc`, if it has one, stays while this runs; the result is used only as long as the
/// object stays.
#[inline]
unsafe fn find<'a>(pc: usize) -> Option<&'a Code> {
    let slot = SLOTS.get(pc >> SLOT_SHIFT)?;
    // Acquire pairs with the end of `Registration::new`.
    let version = slot.version.load(Ordering::Acquire);
    let (start, end) = (slot.start.load(Ordering::Relaxed), slot.end.load(Ordering::Relaxed));
    let (index, slab) = (slot.index.load(Ordering::Relaxed), slot.slab.load(Ordering::Relaxed));
    // Pairs with the fence in `Registration::new`.
    fence(Ordering::Acquire);
    // [LOOK-SLOT]
    if version % 2 == 0 || slot.version.load(Ordering::Relaxed) != version {
        return None;
    }
    // SAFETY: range and index are of one arena, which stays if `pc` lies in it.
    let id = unsafe { id_at(pc, start..end, index) }?;
    // SAFETY: a registered arena's slab lives; it hands out shared references only.
    let slab = unsafe { &*slab };
    slab.get(id)?.if_at(pc)
}

/// The id in the word for `pc`, if it lies in that code.
///
/// # Safety
///
/// If `pc` lies in `code`, then that is the code of an arena with that index, which stays while
/// this runs.
#[inline]
unsafe fn id_at(pc: usize, code: Range<usize>, index: *const AtomicU32) -> Option<u32> {
    if !code.contains(&pc) {
        return None;
    }
    // SAFETY: `pc` lies in the arena's code, which stays: there is a word for it.
    let word = unsafe { index.add((pc - code.start) / GRANULE) };
    // SAFETY: the index stays with the arena; its words are accessed only as atomics.
    let word = unsafe { &*word };
    // Acquire pairs with `Index::set`.
    Some(word.load(Ordering::Acquire))
}

/// While this lives, look-ups find the arena.
#[derive(Debug)]
pub(crate) struct Registration {
    slot: usize,
    /// The slot points to it.
    _slab: Arc<Slab>,
}

impl Registration {
    /// Lets look-ups find code in that range.
    pub(crate) fn new(code: &Range<usize>, index: *mut AtomicU32, slab: &Arc<Slab>) -> Self {
        let number = code.start >> SLOT_SHIFT;
        assert!((code.end - 1) >> SLOT_SHIFT == number, "an arena lies in one slot");
        let slot = &SLOTS[number];
        let version = slot.version.load(Ordering::Relaxed);
        assert!(version.is_multiple_of(2), "a slot has one arena");
        // Pairs with the fence in `find`: who reads one of these does not read an older version.
        fence(Ordering::Release);
        slot.start.store(code.start, Ordering::Relaxed);
        slot.end.store(code.end, Ordering::Relaxed);
        slot.index.store(index, Ordering::Relaxed);
        // Release pairs with `find_in`, which reads this first.
        slot.slab.store(Arc::as_ptr(slab).cast_mut(), Ordering::Release);
        // Release pairs with `find`: who sees this version sees all of these.
        slot.version.store(version + 1, Ordering::Release);
        Self { slot: number, _slab: Arc::clone(slab) }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let slot = &SLOTS[self.slot];
        // Only the one arena of a slot changes its version.
        slot.version.fetch_add(1, Ordering::Release);
        // [LOOK-OWN] The slab may be freed after this.
        slot.slab.store(std::ptr::null_mut(), Ordering::Release);
    }
}
