//! Publishing: placed code can be found, then it can be reached.
//!
//! ```text
//!   1  record live         no lock
//!   2  index: pc to record no lock
//!   3  rule, table, cells  one lock for the batch
//! ```
//!
//! * [PUB-ORDER] whoever runs code finds it: a cell leads to code only after the index does, and
//!   the index leads to a record only after the record is complete.
#![forbid(unsafe_code)]

use std::{sync::Arc, time::Instant};

use crate::{
    draft::Kind,
    error::{ErrorKind, Result},
    events,
    install::{Installed, Reason, decide},
    place::Placed,
    refs::CodeRef,
    slab::Reserved,
    unit::{Books, Unit},
};

/// What became of placed code.
#[derive(Debug)]
pub struct Published {
    /// Keeps it live.
    pub code: CodeRef,
    /// Is it what callers of the function reach?
    pub installed: Installed,
}

impl Unit {
    /// Makes placed code findable, and installs those functions that should be.
    ///
    /// Code that is not installed, also because what it relied on has changed, is live as long as
    /// the reference in the result, or a clone.
    ///
    /// # Errors
    ///
    /// If something was placed for another unit, or its range is not registered. Nothing is
    /// published then.
    pub fn publish(self: &Arc<Self>, placed: Vec<Placed>) -> Result<Vec<Published>> {
        let begun = Instant::now();
        self.check(&placed)?;
        let mut started = Vec::with_capacity(placed.len());
        for placed in placed {
            let assumptions = placed.assumptions();
            let Some(reserved) = placed.take() else { continue };
            let id = self.start(reserved, 1);
            started.push((CodeRef::adopt(self, id), assumptions));
        }
        let mut replaced = Vec::new();
        let published = {
            let mut books = self.books().lock();
            books.objects.extend(started.iter().map(|(code, _)| code.id()));
            let install = |(code, assumptions): (CodeRef, Option<u64>)| {
                let installed = match books.assumptions.hold(assumptions) {
                    true => self.install(&mut books, &code, &mut replaced),
                    false => Installed::No(Reason::Outdated),
                };
                Published { code, installed }
            };
            started.into_iter().map(install).collect()
        };
        replaced.into_iter().for_each(|id| self.release(id));
        self.manager().measures().publish.record_time(begun.elapsed());
        Ok(published)
    }

    /// [PUB-ORDER] 1 and 2: makes a record live and lets look-ups find it.
    pub(crate) fn start(&self, reserved: Reserved, references: u32) -> u32 {
        let id = self.manager().slab().start(reserved, references);
        let code = self.manager().slab().record(id);
        code.contents().arena.index().set(&code.range(), id);
        let item = code.item();
        self.identity().published(item);
        events::publish(|| code.subject());
        id
    }

    /// [PUB-ORDER] 3, if the rule says so. The table gets a reference of its own; what it had is
    /// to be released without the lock.
    fn install(&self, books: &mut Books, code: &CodeRef, replaced: &mut Vec<u32>) -> Installed {
        let function = match code.kind() {
            Kind::Function(function) => function,
            Kind::Replacement { .. } => return self.install_replacement(books, code, replaced),
            _ => return Installed::No(Reason::NotAFunction),
        };
        let present = books.table[function as usize];
        let version = |id: u32| self.manager().slab().record(id).contents().version();
        let decision = decide(books.mode, present.map(version), code.contents().version());
        if decision == Installed::Yes {
            code.state().acquire();
            self.count_installed(code, present);
            books.table[function as usize] = Some(code.id());
            books.end_suspension(function);
            self.lead(books, function, code.entry());
            replaced.extend(present);
        }
        let replaced = present.filter(|_| decision == Installed::Yes);
        let replaces = replaced.map(|id| self.manager().slab().record(id).entry());
        events::install(|| code.subject(), decision, replaces);
        decision
    }

    fn count_installed(&self, code: &CodeRef, present: Option<u32>) {
        let present = present.map(|id| self.manager().slab().record(id).tier());
        self.identity().count(|counters| {
            counters.installed(code.tier());
            if let Some(tier) = present {
                counters.uninstalled(tier);
                counters.replaced();
            }
        });
    }

    fn check(self: &Arc<Self>, placed: &[Placed]) -> Result<()> {
        if placed.iter().any(|placed| !Arc::ptr_eq(placed.unit(), self)) {
            return Err(ErrorKind::ForeignUnit.into());
        }
        let ranges: Vec<_> = placed.iter().filter_map(Placed::allocated).collect();
        for run in ranges.chunk_by(|(one, _), (other, _)| Arc::ptr_eq(one, other)) {
            run[0].0.check(run.iter().map(|(_, range)| range))?;
        }
        Ok(())
    }
}
