//! Placing: drafts become bytes in code memory that nobody can reach yet.
//!
//! ```text
//!   drafts  ──► sizes ──► one range ──► buffer: copy, relocate ──► one write ──► records
//!                          lock          no lock                                 lock
//! ```
//!
//! A batch is one allocation. If no free range is large enough for all of it, it is split.
#![forbid(unsafe_code)]

use std::ops::Range;

use std::sync::Arc;

use crate::{
    arena::{Allocation, Arena, total},
    draft::{Draft, Kind},
    error::{Error, ErrorKind, Result},
    install::Version,
    manager::give_back,
    object::{Contents, Place},
    reloc::{self, Reach},
    slab::Reserved,
    tables::Packer,
    unit::Unit,
};

/// Code in its final place, which nobody can reach before it is published. Dropping it frees
/// its memory.
#[derive(Debug)]
pub struct Placed {
    unit: Arc<Unit>,
    /// `None` once it is published.
    reserved: Option<Reserved>,
    assumptions: Option<u64>,
}

impl Placed {
    /// Where the code lies.
    pub fn range(&self) -> Range<usize> {
        let id = self.reserved.as_ref().map_or(0, Reserved::id);
        self.unit.manager().slab().get(id).map_or(0..0, |code| code.range())
    }

    /// The arena and the range that were allocated; `None` once it is published.
    pub(crate) fn allocated(&self) -> Option<(&Arc<Arena>, Range<usize>)> {
        let code = self.unit.manager().slab().get(self.reserved.as_ref()?.id())?;
        Some((&code.contents().arena, code.allocated()))
    }

    pub(crate) fn unit(&self) -> &Arc<Unit> {
        &self.unit
    }

    pub(crate) fn assumptions(&self) -> Option<u64> {
        self.assumptions
    }

    /// From now on somebody else frees it.
    pub(crate) fn take(mut self) -> Option<Reserved> {
        self.reserved.take()
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if let Some(reserved) = self.reserved.take()
            && self.unit.manager().check_process().is_ok()
        {
            drop(give_back(self.unit.manager().slab().withdraw(vec![reserved])));
        }
    }
}

impl Unit {
    /// Puts drafts into code memory: copied, relocated, written, but unreachable.
    ///
    /// # Errors
    ///
    /// If a draft is bad, or there is no memory for it. Nothing is placed then.
    pub fn place(self: &Arc<Self>, drafts: Vec<Draft>) -> Result<Vec<Placed>> {
        self.place_all(&drafts)
    }

    /// As [`Self::place`], for who may have to try again.
    ///
    /// # Errors
    ///
    /// As for [`Self::place`].
    pub fn place_all(self: &Arc<Self>, drafts: &[Draft]) -> Result<Vec<Placed>> {
        self.manager().check_process()?;
        self.touch();
        let reach = self.reach();
        let mut placed = Vec::with_capacity(drafts.len());
        let mut rest = drafts;
        while !rest.is_empty() {
            let allocation = self.allocate(rest, &reach)?;
            let (batch, later) = rest.split_at(allocation.objects().len());
            placed.extend(self.fill(allocation, batch, &reach)?);
            rest = later;
        }
        Ok(placed)
    }

    /// Room for as many of the drafts as a free range holds; for one at least.
    ///
    /// What others have not given back yet is freed only where there is no other room: who
    /// publishes does not do a collector's work.
    fn allocate(&self, drafts: &[Draft], reach: &Reach) -> Result<Allocation> {
        loop {
            let arenas = self.manager().arenas();
            let mut count = drafts.len();
            loop {
                match self.allocate_in(&arenas, &drafts[..count], reach) {
                    Ok(Some(allocation)) => return Ok(allocation),
                    Err(error) if error.shortage().is_some() && self.manager().reap() => {}
                    Err(error) if count == 1 || !is_limit(&error) => return Err(error),
                    Ok(None) if count == 1 => break,
                    _ => count = count.div_ceil(2),
                }
            }
            self.check_size(&drafts[0])?;
            if !self.manager().reap() {
                self.manager().add_arena(&arenas)?;
            }
        }
    }

    /// Room for all of the drafts, in the home arena if possible.
    fn allocate_in(
        &self,
        arenas: &[Arc<Arena>],
        drafts: &[Draft],
        reach: &Reach,
    ) -> Result<Option<Allocation>> {
        let is_home =
            |arena: &&Arc<Arena>| self.home_arena().is_some_and(|home| Arc::ptr_eq(home, arena));
        let others = arenas.iter().filter(|arena| !is_home(arena));
        let mut limit = None;
        for arena in self.home_arena().into_iter().chain(others) {
            let size = match reach.covers(&arena.code_range()) {
                true => reloc::size_near,
                false => reloc::size_far,
            };
            let sizes: Vec<usize> = drafts.iter().map(size).collect();
            match arena.allocate(&sizes, self.tenant()) {
                Ok(Some(allocation)) => return Ok(Some(allocation)),
                Ok(None) => {}
                Err(error) if is_limit(&error) => limit = Some(error),
                Err(error) => return Err(error),
            }
        }
        limit.map_or(Ok(None), Err)
    }

    /// Would the draft fit in an empty arena?
    fn check_size(&self, draft: &Draft) -> Result<()> {
        let wanted = reloc::size_far(draft);
        let available = self.manager().config().arena_code_bytes;
        match total(&[wanted]) {
            Some(total) if total <= available => Ok(()),
            _ => Err(ErrorKind::TooLarge { wanted, available }.into()),
        }
    }

    /// Writes the drafts and makes their records.
    fn fill(
        self: &Arc<Self>,
        allocation: Allocation,
        drafts: &[Draft],
        reach: &Reach,
    ) -> Result<Vec<Placed>> {
        let arena = allocation.arena();
        let (mut scope, base) = allocation.write()?;
        let mut objects = Vec::with_capacity(drafts.len());
        let mut packer = Packer::default();
        for (draft, range) in drafts.iter().zip(allocation.objects()) {
            let (contents, body) = self.contents(draft, arena, &mut packer)?;
            let buffer = &mut scope.bytes()[range.start - base..range.end - base];
            let length = reloc::emit(draft, range.start, reach, buffer)?;
            objects.push((Place { range: range.start..range.start + length, body }, contents));
        }
        allocation.finish(scope)?;
        let reserved = self.manager().slab().insert(objects)?;
        let bytes = allocation.take().iter().map(Range::len).sum();
        self.identity().placed(bytes);
        let placed = reserved.into_iter().zip(drafts).map(|(reserved, draft)| Placed {
            unit: Arc::clone(self),
            reserved: Some(reserved),
            assumptions: draft.assumptions,
        });
        Ok(placed.collect())
    }

    /// What is known of the code, and how many bytes it has.
    fn contents(
        &self,
        draft: &Draft,
        arena: &Arc<Arena>,
        packer: &mut Packer,
    ) -> Result<(Contents, u32)> {
        let bad = |reason| Err(ErrorKind::BadDraft { offset: 0, reason }.into());
        match draft.kind {
            _ if draft.bytes.is_empty() => return bad("there is no code"),
            kind if kind.function().is_some_and(|function| self.functions() <= function) => {
                return bad("the unit has no function of that number");
            }
            Kind::LazyTable => return bad("a unit makes its own lazy table"),
            _ => {}
        }
        let Ok(body) = u32::try_from(draft.bytes.len()) else {
            return bad("the code is larger than 4 GiB");
        };
        let version = Version { tier: draft.tier, flavor: draft.flavor };
        let tables = match draft.kind {
            Kind::Replacement { place, .. } => {
                packer.pack_replacement(&draft.tables, body, place)?
            }
            _ => packer.pack(&draft.tables, body)?,
        };
        Ok((Contents::new((self.identity(), arena), draft.kind, version, tables), body))
    }
}

/// May memory that is committed elsewhere, or less of it, do?
fn is_limit(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::OutOfCodeMemory { .. })
}
