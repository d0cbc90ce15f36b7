//! Linear memories.
//!
//! ```text
//!  Guard:    │ committed, zeroed │ reserved, no access ............ 4 GiB + guard │
//!  Explicit: │ committed, zeroed │ room to grow │   (moves when the room is used up)
//! ```
//!
//! * [ME-BASE] in guard mode the base never changes, and every access with a 32-bit index and an
//!   unchecked offset ends in the reservation.
//! * [ME-LENGTH] everything below the length is committed; the length only grows.

use std::ops::Range;

use sync::atomic::{AtomicUsize, Ordering};
use tierup_abi::{GUARD_RESERVATION, MemoryMode, MemoryRecord};
use tierup_wasm::MemoryType;
use vmem::Reservation;

use crate::{EngineState, Error, ErrorKind, StoreState, slots::Handle};

/// Bytes of a page.
pub const PAGE_SIZE: usize = 64 << 10;
/// Most pages of a memory with 32-bit indices.
pub const MAX_PAGES: u32 = 1 << 16;

/// Names a memory.
pub type MemoryHandle = Handle<MemoryObject>;

/// A linear memory.
#[derive(Debug)]
pub struct MemoryObject {
    /// Read by machine code; the box of the object keeps its address.
    record: MemoryRecord,
    reservation: Reservation,
    ty: MemoryType,
    mode: MemoryMode,
}

impl MemoryObject {
    /// A memory of its minimum size, all zeros.
    pub(crate) fn new(engine: &EngineState, ty: MemoryType) -> Result<Box<Self>, Error> {
        let mode = engine.config().memory_mode;
        let length = ty.minimum as usize * PAGE_SIZE;
        let room = match mode {
            MemoryMode::Guard => GUARD_RESERVATION,
            MemoryMode::Explicit => length.max(PAGE_SIZE),
        };
        let faults = engine.faults().cloned();
        let reservation = Reservation::reserve(room, PAGE_SIZE, faults)?;
        if length != 0 {
            reservation.commit(0..length)?;
        }
        let base = reservation.base();
        let record = MemoryRecord { base, byte_length: AtomicUsize::new(length) };
        Ok(Box::new(Self { record, reservation, ty, mode }))
    }

    /// The type it was made with.
    pub fn ty(&self) -> MemoryType {
        self.ty
    }

    /// Length in bytes.
    pub fn byte_length(&self) -> usize {
        self.record.byte_length.load(Ordering::Relaxed)
    }

    /// Length in pages.
    pub fn pages(&self) -> u32 {
        (self.byte_length() / PAGE_SIZE) as u32
    }

    /// The contents.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: [ME-LENGTH]; only code of the store writes, and it does not run while a
        // reference into the store exists.
        unsafe { std::slice::from_raw_parts(self.record.base, self.byte_length()) }
    }

    /// The contents, to change.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `bytes`.
        unsafe { std::slice::from_raw_parts_mut(self.record.base, self.byte_length()) }
    }

    /// The part of the contents from `offset` on, if it lies inside.
    pub(crate) fn range(&self, offset: u32, length: u32) -> Option<Range<usize>> {
        let start = offset as usize;
        let end = start + length as usize;
        (end <= self.byte_length()).then_some(start..end)
    }

    pub(crate) fn record(&self) -> *const MemoryRecord {
        &raw const self.record
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.record.base
    }

    /// Most bytes that its type allows.
    fn maximum(&self) -> usize {
        self.ty.maximum.unwrap_or(MAX_PAGES).min(MAX_PAGES) as usize * PAGE_SIZE
    }

    fn grow_to(&mut self, length: usize) -> Result<(), Error> {
        let current = self.byte_length();
        if self.reservation.len() < length {
            self.move_to_larger(length)?;
        }
        self.reservation.commit(current..length)?;
        // Release pairs with nothing yet: one thread runs a store. Shared memories will need it.
        self.record.byte_length.store(length, Ordering::Release);
        Ok(())
    }

    /// Only in explicit mode; the new reservation has room for doubling.
    fn move_to_larger(&mut self, length: usize) -> Result<(), Error> {
        debug_assert_eq!(self.mode, MemoryMode::Explicit, "[ME-BASE]");
        let current = self.byte_length();
        let room = length.max(2 * current).min(self.maximum().max(length));
        let larger = Reservation::reserve(room, PAGE_SIZE, self.reservation.faults())?;
        if current != 0 {
            larger.commit(0..current)?;
            // SAFETY: both ranges are committed, `current` long and in different reservations.
            unsafe { std::ptr::copy_nonoverlapping(self.record.base, larger.base(), current) };
        }
        self.record.base = larger.base();
        self.reservation = larger;
        Ok(())
    }
}

impl StoreState {
    /// Makes a memory, which is no root yet.
    ///
    /// # Errors
    ///
    /// If its type or a limit forbids it, or there is no memory.
    pub fn new_memory(&mut self, ty: MemoryType) -> Result<MemoryHandle, Error> {
        // Modules are validated, but types may come from the embedder too.
        let most = ty.maximum.unwrap_or(MAX_PAGES).min(MAX_PAGES);
        limit("memory pages", ty.minimum.into(), most.into())?;
        let desired = ty.minimum as usize * PAGE_SIZE;
        let maximum = ty.maximum.map(|pages| pages as usize * PAGE_SIZE);
        let count = self.memories.len();
        if let Some((limiter, data)) = self.limiter() {
            let limits = limiter.find(data);
            limit("memories", count as u64 + 1, limits.memories() as u64)?;
            if !limits.memory_growing(0, desired, maximum) {
                return Err(denied("memory bytes", desired as u64));
            }
        }
        let object = MemoryObject::new(self.engine(), ty)?;
        Ok(self.memories.insert(object))
    }

    /// The memory of that handle.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn memory(&self, memory: MemoryHandle) -> Result<&MemoryObject, Error> {
        self.memories.get(memory).ok_or_else(|| ErrorKind::StaleHandle("memory").into())
    }

    /// The memory of that handle, to change.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn memory_mut(&mut self, memory: MemoryHandle) -> Result<&mut MemoryObject, Error> {
        self.memories.get_mut(memory).ok_or_else(|| ErrorKind::StaleHandle("memory").into())
    }

    /// The contents of a memory and the embedder's data, both to change.
    ///
    /// # Errors
    ///
    /// If the memory is of another store or was reclaimed.
    pub fn memory_and_data(
        &mut self,
        memory: MemoryHandle,
    ) -> Result<(&mut [u8], &mut dyn std::any::Any), Error> {
        let (memories, data) = self.memories_and_data();
        let object = memories.get_mut(memory).ok_or(ErrorKind::StaleHandle("memory"))?;
        Ok((object.bytes_mut(), data))
    }

    /// Grows a memory; returns its previous length in pages.
    ///
    /// # Errors
    ///
    /// If its type, a limit or the system forbids it. Nothing has changed then.
    pub fn grow_memory(&mut self, memory: MemoryHandle, pages: u32) -> Result<u32, Error> {
        let object = self.memory(memory)?;
        let (previous, maximum) = (object.pages(), object.maximum());
        let current = object.byte_length();
        let desired = current as u64 + u64::from(pages) * PAGE_SIZE as u64;
        limit("memory bytes", desired, maximum as u64)?;
        let desired = desired as usize;
        if let Some((limiter, data)) = self.limiter()
            && !limiter.find(data).memory_growing(current, desired, Some(maximum))
        {
            return Err(denied("memory bytes", desired as u64));
        }
        if pages != 0 {
            let object = self.memory_mut(memory)?;
            let base = object.base();
            object.grow_to(desired)?;
            if object.base() != base {
                self.update_memory_bases(memory)?;
            }
        }
        Ok(previous)
    }
}

/// An error if `wanted` is more than `allowed`.
pub(crate) fn limit(what: &'static str, wanted: u64, allowed: u64) -> Result<(), Error> {
    if wanted <= allowed {
        return Ok(());
    }
    Err(ErrorKind::Limit { what, wanted, allowed }.into())
}

/// The error for what the embedder's limiter denied.
pub(crate) fn denied(what: &'static str, wanted: u64) -> Error {
    ErrorKind::Denied { what, wanted }.into()
}
