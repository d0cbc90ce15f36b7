//! Code objects: what is known about one piece of code.
//!
//! A [`Code`] is a record of a [`Slab`](crate::slab::Slab): it stays at its address for ever and
//! describes one object after the other.
//!
//! * [REC-WRITE] contents change only while the record is free and its id is with one thread:
//!   between taking the id and `start`, or after every reader has gone and before `recycle`.
//! * [REC-READ] every `&Code` outside this crate is under a scope, a counted reference, or the
//!   promise of `lookup_in_signal`; none of these outlives the object.

use std::{any::Any, cell::UnsafeCell, fmt, ops::Range, sync::Arc};

use sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::{
    arena::Arena,
    draft::{Flavor, Kind, Tier},
    events,
    index::GRANULE,
    install::Version,
    lazy_table,
    state::{Phase, State},
    stats::{Class, Item},
    tables::{SafepointView, Tables},
    unit::Identity,
};

/// Published code: where it lies, what it is, and its side tables.
///
/// Comes from a look-up, or from a [`CodeRef`](crate::CodeRef). It can be a retired object that
/// only frames still run; the reference alone never brings it back.
///
/// One cache line, so that a look-up touches one line here and one in the index.
#[repr(align(64))]
pub struct Code {
    state: State,
    start: AtomicUsize,
    length: AtomicU32,
    /// Bytes from the compiler; behind them lie veneers.
    body: AtomicU32,
    contents: UnsafeCell<Option<Contents>>,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Code>() == 64);

// SAFETY: `contents` is written only as [REC-WRITE] says, when no other thread has a reference,
// and what is in it may be shared (checked below). Everything else is atomic.
unsafe impl Sync for Code {}
// SAFETY: what is in it may be sent (checked below).
unsafe impl Send for Code {}

const _: () = {
    const fn may_be_shared<T: Send + Sync>() {}
    may_be_shared::<Contents>();
};

/// What a live record has besides its range.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) unit: Arc<Identity>,
    pub(crate) arena: Arc<Arena>,
    tables: Tables,
    /// 0 if it is not a function's.
    function: u32,
    shape: Shape,
    version: Version,
}

/// A [`Kind`] without the number, to save space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    Function,
    Replacement,
    EntryWrapper,
    HostWrapper,
    LazyTable,
    Stub,
}

/// Where an object lies.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// With veneers.
    pub(crate) range: Range<usize>,
    /// Bytes from the compiler.
    pub(crate) body: u32,
}

impl Contents {
    pub(crate) fn new(
        (unit, arena): (&Arc<Identity>, &Arc<Arena>),
        kind: Kind,
        version: Version,
        tables: Tables,
    ) -> Self {
        let shape = match kind {
            Kind::Function(_) => Shape::Function,
            Kind::Replacement { .. } => Shape::Replacement,
            Kind::EntryWrapper => Shape::EntryWrapper,
            Kind::HostWrapper => Shape::HostWrapper,
            Kind::LazyTable => Shape::LazyTable,
            Kind::Stub => Shape::Stub,
        };
        let function = kind.function().unwrap_or(0);
        let (unit, arena) = (Arc::clone(unit), Arc::clone(arena));
        Self { unit, arena, tables, function, shape, version }
    }

    /// What is counted of an object with that range.
    pub(crate) fn item(&self, allocated: &Range<usize>) -> Item {
        let class = match self.shape {
            Shape::Function | Shape::Replacement => Class::of(self.version.tier),
            _ => Class::Other,
        };
        let metadata = size_of::<Code>() + self.tables.bytes();
        Item { class, bytes: allocated.len(), metadata }
    }

    /// Tier and flavour.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    fn kind(&self) -> Kind {
        match self.shape {
            Shape::Function => Kind::Function(self.function),
            Shape::Replacement => {
                Kind::Replacement { function: self.function, place: self.tables.place() }
            }
            Shape::EntryWrapper => Kind::EntryWrapper,
            Shape::HostWrapper => Kind::HostWrapper,
            Shape::LazyTable => Kind::LazyTable,
            Shape::Stub => Kind::Stub,
        }
    }
}

impl Code {
    /// A record that describes nothing.
    pub(crate) fn empty() -> Self {
        Self {
            state: State::new(),
            start: AtomicUsize::new(0),
            length: AtomicU32::new(0),
            body: AtomicU32::new(0),
            contents: UnsafeCell::new(None),
        }
    }

    /// What the code is.
    pub fn kind(&self) -> Kind {
        self.contents().kind()
    }

    /// The number of the function, if it is the code of one, from its start or within.
    pub fn function(&self) -> Option<u32> {
        self.kind().function()
    }

    /// Which compiler made it.
    pub fn tier(&self) -> Tier {
        self.contents().version.tier
    }

    /// What it was compiled for.
    pub fn flavor(&self) -> Flavor {
        self.contents().version.flavor
    }

    /// Its addresses, with constants and veneers.
    #[inline]
    pub fn range(&self) -> Range<usize> {
        let start = self.start.load(Ordering::Relaxed);
        start..start + self.length.load(Ordering::Relaxed) as usize
    }

    /// Address of the first instruction.
    #[inline]
    pub fn entry(&self) -> usize {
        self.range().start
    }

    /// The user's data that its unit was made with.
    pub fn owner(&self) -> &Arc<dyn Any + Send + Sync> {
        self.contents().unit.owner()
    }

    /// A number that no other unit of the process has.
    pub fn unit_id(&self) -> u64 {
        self.contents().unit.id()
    }

    /// Is it unreachable for new calls, and kept only for frames that run it?
    pub fn is_retired(&self) -> bool {
        self.state.get().phase() != Phase::Live
    }

    /// The user's code of the trap at that instruction.
    pub fn trap_at(&self, pc: usize) -> Option<u8> {
        self.contents().tables.trap_at(self.offset(pc)?)
    }

    /// The user's source position of that instruction. For a return address, ask for the byte
    /// before it, which belongs to the call.
    pub fn position_at(&self, pc: usize) -> Option<u32> {
        self.contents().tables.position_at(self.offset(pc)?)
    }

    /// The references in the frame of a call that returns to that address.
    pub fn safepoint_at(&self, return_pc: usize) -> Option<SafepointView<'_>> {
        self.contents().tables.safepoint_at(self.return_offset(return_pc)?)
    }

    /// The handlers of a call that returns to that address, in the order of the draft: their
    /// addresses and tags.
    pub fn handlers_at(&self, return_pc: usize) -> impl Iterator<Item = (usize, u32)> {
        let offset = self.return_offset(return_pc).unwrap_or(u32::MAX);
        let handlers = self.contents().tables.handlers_at(offset);
        handlers.map(|(offset, tag)| (self.entry() + offset as usize, tag))
    }

    /// What else the user wanted to know about the code.
    pub fn notes(&self) -> impl Iterator<Item = u8> {
        let place = if self.contents().shape == Shape::Replacement { 4 } else { 0 };
        self.contents().tables.notes().skip(place)
    }

    /// The function whose lazy entry that instruction is part of.
    pub fn lazy_function_at(&self, pc: usize) -> Option<u32> {
        let is_table = self.kind() == Kind::LazyTable;
        let offset = self.offset(pc).filter(|_| is_table)?;
        lazy_table::function_at(offset, self.body())
    }

    /// Is that instruction part of a veneer, through which cells out of reach are called?
    pub fn is_veneer(&self, pc: usize) -> bool {
        self.range().contains(&pc) && self.offset(pc).is_none()
    }

    /// The machine code, with constants and veneers. Under protection keys only this thread, and
    /// those that called [`vmem::make_code_readable`], can read it.
    pub fn bytes(&self) -> &[u8] {
        let range = self.range();
        vmem::make_code_readable();
        // SAFETY: the object's range is committed, readable under every strategy, written before
        // the object could be found and not again as long as it exists, which the borrow of a
        // counted reference or of a scope ensures.
        unsafe { std::slice::from_raw_parts(range.start as *const u8, range.len()) }
    }

    /// All instructions that may trap: offset and the user's code, sorted.
    pub fn traps(&self) -> impl Iterator<Item = (u32, u8)> {
        self.contents().tables.traps()
    }

    /// Where the code comes from: offset and the user's source position, sorted, each valid up to
    /// the next.
    pub fn positions(&self) -> impl Iterator<Item = (u32, u32)> {
        self.contents().tables.positions()
    }

    /// Bytes of its record and side tables.
    pub fn metadata_bytes(&self) -> usize {
        self.item().metadata
    }

    /// Itself, if it is an object at `pc` that can be found.
    #[inline]
    pub(crate) fn if_at(&self, pc: usize) -> Option<&Self> {
        let before = self.state.get();
        let start = self.start.load(Ordering::Acquire);
        let length = self.length.load(Ordering::Acquire) as usize;
        // [STATE-GENERATION]: then the range belongs to the object that the state is about. It may
        // have been retired in between.
        let is_found = before.is_same_object(self.state.get());
        (is_found && pc.wrapping_sub(start) < length).then_some(self)
    }

    /// Phase and references.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// The range that was allocated for it.
    pub(crate) fn allocated(&self) -> Range<usize> {
        let Range { start, end } = self.range();
        start..end.next_multiple_of(GRANULE)
    }

    /// What is counted of it.
    pub(crate) fn item(&self) -> Item {
        self.contents().item(&self.allocated())
    }

    /// What events tell of it.
    pub(crate) fn subject(&self) -> events::Subject {
        let unit = self.unit_id();
        events::Subject { unit, kind: self.kind(), tier: self.tier(), range: self.allocated() }
    }

    /// What is behind the record.
    #[inline]
    pub(crate) fn contents(&self) -> &Contents {
        // SAFETY: nobody writes the contents while there are readers: [REC-WRITE], [REC-READ].
        let contents = unsafe { &*self.contents.get() };
        contents.as_ref().expect("[REC-READ] who has a reference has an object")
    }

    /// Lets the record describe an object.
    ///
    /// # Safety
    ///
    /// The record is free, and the caller alone has its id: [REC-WRITE].
    pub(crate) unsafe fn fill(&self, place: &Place, contents: Contents) {
        // Release pairs with `if_at`: who sees part of a new object sees the new generation.
        self.start.store(place.range.start, Ordering::Release);
        self.length.store(place.range.len() as u32, Ordering::Release);
        self.body.store(place.body, Ordering::Release);
        // SAFETY: by the caller's promise there is no other reference to the contents.
        unsafe { *self.contents.get() = Some(contents) };
    }

    /// Takes the contents out.
    ///
    /// # Safety
    ///
    /// The object is dead or was never started, no reader is left, and the caller alone has the
    /// record's id: [REC-WRITE].
    pub(crate) unsafe fn empty_out(&self) -> Option<Contents> {
        // SAFETY: by the caller's promise there is no other reference to the contents.
        unsafe { (*self.contents.get()).take() }
    }

    fn body(&self) -> u32 {
        self.body.load(Ordering::Relaxed)
    }

    /// Offset of an instruction that came from the compiler.
    fn offset(&self, pc: usize) -> Option<u32> {
        let offset = pc.checked_sub(self.entry())?;
        (offset < self.body() as usize).then_some(offset as u32)
    }

    /// Offset of a return address, which may be the end of the code.
    fn return_offset(&self, pc: usize) -> Option<u32> {
        let offset = pc.checked_sub(self.entry())?;
        (offset <= self.body() as usize).then_some(offset as u32)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = self.range();
        write!(f, "Code({:#x}..{:#x}, {:?})", range.start, range.end, self.state.get())
    }
}
