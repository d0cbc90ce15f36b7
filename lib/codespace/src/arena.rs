//! One reservation of address space, with everything that is needed to find what is in it.
//!
//! ```text
//!   slot of 2 GiB: every address in it reaches every other
//!   │ cells …        │ code: lazy tables, objects with veneers, free ranges …          │
//!   └ data part      └ code part ─► registry of ranges, index of granules, free pool
//! ```
#![forbid(unsafe_code)]

use std::{ops::Range, slice, sync::Arc};

use sync::{Mutex, Rank};
use vmem::{CodeMemory, CodeRequest, WriteScope};

use crate::{
    blocks::Account,
    collect::pace::Pace,
    config::Config,
    error::Result,
    index::{GRANULE, Index},
    lookup::{Registration, SLOT_BYTES},
    pages::Pages,
    registry::Registry,
    reuse::Reuse,
    slab::Slab,
    space::{Freeing, Space},
    tenant::{Charge, Tenant},
};

/// One arena has about this many mappings of the process at most, whose number Linux limits to
/// 65,530 by default.
const MAPPINGS_LIMIT: usize = 8192;

/// Chosen: some microseconds of work under the lock, between which others allocate.
const RUNS_A_TURN: usize = 8;
/// The same, of the lock of the code's file.
const DISCARD_A_TURN: usize = 32 << 10;

/// Memory for code and cells.
#[derive(Debug)]
pub(crate) struct Arena {
    // Dropped in this order: first nothing is found any more, then the memory goes.
    _registration: Registration,
    index: Index,
    books: Mutex<Books>,
    registry: Registry,
    reuse: Reuse,
    memory: CodeMemory,
    committed: Arc<Account>,
}

/// Who has what.
#[derive(Debug)]
struct Books {
    code: Space,
    data: Space,
    /// Where the unit of writing is larger than a granule.
    pages: Option<Pages>,
}

/// How much of an arena is in use.
#[derive(Debug)]
pub(crate) struct Usage {
    pub(crate) code_committed: Vec<Range<usize>>,
    pub(crate) data_committed: usize,
    pub(crate) data_free: usize,
}

/// Ranges for a batch of objects, which go back unless they are taken.
#[derive(Debug)]
pub(crate) struct Allocation {
    arena: Arc<Arena>,
    span: Range<usize>,
    objects: Vec<Range<usize>>,
    /// `None` once somebody else frees the objects.
    charge: Option<Charge>,
}

impl Arena {
    /// Reserves address space; `committed` is what its memory counts against.
    pub(crate) fn new(config: &Config, committed: &Arc<Account>, slab: &Arc<Slab>) -> Result<Self> {
        let memory = CodeMemory::reserve(&CodeRequest {
            data_bytes: config.arena_data_bytes,
            code_bytes: config.arena_code_bytes,
            align: SLOT_BYTES,
            strategy: config.strategy,
            faults: config.faults.clone(),
        })?;
        let code = memory.code_range();
        let index = Index::new(code.clone(), config.faults.clone())?;
        let unit = memory.write_granule().max(GRANULE);
        let books = Books {
            code: Space::new(code.clone(), config.units(unit)),
            data: Space::new(memory.data_range(), config.units(GRANULE)),
            pages: (GRANULE < unit).then(|| Pages::new(code.clone(), unit)),
        };
        Ok(Self {
            _registration: Registration::new(&code, index.base(), slab),
            index,
            books: Mutex::new(Rank::Arena, books),
            registry: Registry::new(code),
            reuse: Reuse::default(),
            memory,
            committed: Arc::clone(committed),
        })
    }

    /// Addresses of the code part.
    pub(crate) fn code_range(&self) -> Range<usize> {
        self.memory.code_range()
    }

    /// The memory itself.
    pub(crate) fn memory(&self) -> &CodeMemory {
        &self.memory
    }

    /// Is this a forked child's view of its parent's memory, in which nothing is there any more?
    pub(crate) fn is_inherited(&self) -> bool {
        self.memory.is_inherited()
    }

    /// Which object is where.
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// Bytes of address space.
    pub(crate) fn reserved_bytes(&self) -> usize {
        self.memory.data_range().len() + self.memory.code_range().len() + self.index.bytes()
    }

    /// Bytes for code that are free.
    pub(crate) fn free_code_bytes(&self) -> usize {
        self.books.lock().code.free_bytes()
    }

    /// How much is in use.
    pub(crate) fn usage(&self) -> Usage {
        let books = self.books.lock();
        Usage {
            code_committed: books.code.committed(),
            data_committed: books.data.committed_bytes(),
            data_free: books.data.free_bytes(),
        }
    }

    /// One range for objects of these sizes, one behind the other, which `tenant` pays for; `None`
    /// if no free range is large enough.
    pub(crate) fn allocate(
        self: &Arc<Self>,
        sizes: &[usize],
        tenant: &Arc<Tenant>,
    ) -> Result<Option<Allocation>> {
        let Some(total) = total(sizes) else { return Ok(None) };
        let charge = Some(tenant.charge(total)?);
        let commit = |range| self.memory.commit_code(range);
        let span = {
            let mut books = self.books.lock();
            let Some(span) = books.code.allocate(total, &self.committed, commit)? else {
                return Ok(None);
            };
            books.enter(split(&span, sizes));
            span
        };
        let objects: Vec<_> = split(&span, sizes).collect();
        if let Err(error) = self.registry.register(&objects) {
            let mut books = self.books.lock();
            books.leave(&objects);
            books.code.free(span);
            return Err(error);
        }
        Ok(Some(Allocation { arena: Arc::clone(self), span, objects, charge }))
    }

    /// A range for data; `None` if no free range is large enough.
    pub(crate) fn allocate_data(&self, bytes: usize) -> Result<Option<Range<usize>>> {
        let commit = |range| self.memory.commit_data(range);
        self.books.lock().data.allocate(bytes, &self.committed, commit)
    }

    /// Are these exactly registered ranges? Takes no lock.
    pub(crate) fn check<'a>(
        &self,
        objects: impl IntoIterator<Item = &'a Range<usize>>,
    ) -> Result<()> {
        objects.into_iter().try_for_each(|object| self.registry.check(object))
    }

    /// Gives objects back to be allocated again. Nobody runs or finds them any more.
    ///
    /// Best called with objects in the order of their addresses: those that touch are one piece of
    /// work. Many pieces are many turns with the lock.
    pub(crate) fn free(&self, objects: &[Range<usize>], pace: &mut Pace<'_>) -> Result<()> {
        if self.is_inherited() {
            return Ok(());
        }
        self.registry.unregister(objects)?;
        let by_page = GRANULE < self.memory.write_granule();
        let mut runs = Vec::new();
        if by_page {
            for some in objects.chunks(RUNS_A_TURN) {
                runs.extend(self.books.lock().leave(some));
            }
        } else {
            runs.extend_from_slice(objects);
        }
        let plan = |some: &[_]| self.books.lock().code.start_freeing(some);
        let mut todo: Vec<_> = joined(runs).chunks(RUNS_A_TURN).map(plan).collect();
        while !todo.is_empty() {
            let work = |freeing| {
                let gone = self.work_off(&freeing, pace);
                (freeing, gone)
            };
            let done: Vec<_> = todo.into_iter().map(work).collect();
            // One for all: each is a barrier for who allocates next.
            self.reuse.owe();
            let finish = |(freeing, gone): (Freeing, Vec<_>)| {
                let mut books = self.books.lock();
                books.code.finish_freeing(freeing, &gone, &self.committed)
            };
            todo = done.into_iter().map(finish).filter(|rest| !rest.is_done()).collect();
        }
        Ok(())
    }

    /// Does to the memory what was planned, and returns the blocks that were given back.
    fn work_off(&self, freeing: &Freeing, pace: &mut Pace<'_>) -> Vec<Range<usize>> {
        let gone = self.decommit(&freeing.decommit);
        pace.turn();
        let stays = freeing.decommit.iter().filter(|range| !gone.contains(range));
        for range in freeing.discard.iter().chain(stays) {
            for start in range.clone().step_by(DISCARD_A_TURN) {
                // A failure leaves stale bytes in a free range, overwritten before it is used.
                let piece = start..range.end.min(start + DISCARD_A_TURN);
                drop(self.memory.discard_code(piece));
                pace.turn();
            }
        }
        gone
    }

    /// Gives whole blocks back to the system, and returns those for which it worked.
    fn decommit(&self, blocks: &[Range<usize>]) -> Vec<Range<usize>> {
        // Every hole is a mapping of the process, of which there are not many.
        let may = || self.memory.mappings() < MAPPINGS_LIMIT;
        give_back(blocks, |range| may() && self.memory.decommit_code(range).is_ok())
    }

    /// Gives data back to be allocated again.
    pub(crate) fn free_data(&self, range: Range<usize>) {
        if self.is_inherited() {
            return;
        }
        let mut freeing = self.books.lock().data.start_freeing(slice::from_ref(&range));
        while !freeing.is_done() {
            let decommit = |range| self.memory.decommit_data(range).is_ok();
            let gone = give_back(&freeing.decommit, decommit);
            let mut books = self.books.lock();
            freeing = books.data.finish_freeing(freeing, &gone, &self.committed);
        }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        let books = self.books.get_mut();
        self.committed.give(books.code.committed_bytes() + books.data.committed_bytes());
    }
}

impl Books {
    /// Notes objects that are about to be written.
    fn enter(&mut self, objects: impl Iterator<Item = Range<usize>>) {
        if let Some(pages) = &mut self.pages {
            objects.for_each(|object| pages.add(&object));
        }
    }

    /// Forgets objects, and returns what can be used again now.
    fn leave(&mut self, objects: &[Range<usize>]) -> Vec<Range<usize>> {
        let Some(pages) = &mut self.pages else { return objects.to_vec() };
        objects.iter().map(|object| pages.remove(object)).filter(|run| !run.is_empty()).collect()
    }
}

impl Allocation {
    pub(crate) fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }

    /// The ranges of the objects, of which each has the size that was asked for, rounded up.
    pub(crate) fn objects(&self) -> &[Range<usize>] {
        &self.objects
    }

    /// Opens the whole for writing, and returns where it starts.
    pub(crate) fn write(&self) -> Result<(WriteScope<'_>, usize)> {
        self.arena.check(&self.objects)?;
        Ok((self.arena.memory.write(self.span.clone())?, self.span.start))
    }

    /// Writes what was put in the scope. Afterwards it can run, as soon as somebody can reach it.
    pub(crate) fn finish(&self, scope: WriteScope<'_>) -> Result<()> {
        scope.finish()?;
        Ok(self.arena.reuse.pass(vmem::sync_cores)?)
    }

    /// From now on somebody else frees the objects, and gives back what was charged for them.
    pub(crate) fn take(mut self) -> Vec<Range<usize>> {
        self.charge.take().into_iter().for_each(Charge::keep);
        std::mem::take(&mut self.objects)
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        if !self.objects.is_empty() {
            let freed = self.arena.free(&self.objects, &mut Pace::hasty());
            debug_assert!(freed.is_ok(), "allocated ranges are registered: {freed:?}");
        }
    }
}

/// Bytes of objects one behind the other.
pub(crate) fn total(sizes: &[usize]) -> Option<usize> {
    let rounded = sizes.iter().map(|size| size.max(&1).checked_next_multiple_of(GRANULE));
    rounded.into_iter().try_fold(0_usize, |sum, size| sum.checked_add(size?))
}

fn split(span: &Range<usize>, sizes: &[usize]) -> impl Iterator<Item = Range<usize>> {
    let mut start = span.start;
    sizes.iter().map(move |size| {
        let object = start..start + (*size).max(1).next_multiple_of(GRANULE);
        start = object.end;
        object
    })
}

/// Ranges as one where one ends and the next starts.
fn joined(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match runs.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => runs.push(range),
        }
    }
    runs
}

/// Those of the ranges for which it worked.
fn give_back(ranges: &[Range<usize>], give: impl Fn(Range<usize>) -> bool) -> Vec<Range<usize>> {
    ranges.iter().filter(|range| give((*range).clone())).cloned().collect()
}
