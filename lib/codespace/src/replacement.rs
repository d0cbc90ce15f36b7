//! Replacement on stack: code that a frame goes on in while it runs.
//!
//! ```text
//!   frame runs f, old code, at a place ──► entry cell of (f, place) ──► replacement of f
//!                                          0: go on in the old code
//! ```
//!
//! A replacement is code of a function that begins at a place within it. Nobody calls it: a frame
//! that has come to this place is taken down, and the replacement is entered in its stead. What
//! frame and replacement agree on is the user's business.
//!
//! * [RP-CELL] who enters a replacement reads its address from a cell of its own, and jumps there
//!   at once, while he counts as running. So a replacement that is taken away in between is one
//!   that was not entered, or is on a stack when the collector looks.
//! * [RP-STABLE] the cell's address is the same as long as the unit lives, as [CELL-STABLE]. What
//!   it holds is 0 if there is no such code.
//! * [RP-WITH] replacements of a function go with its installed code. They can be made for one without
//!   code too, since frames may still run what it had; those go with all that is taken next.
#![forbid(unsafe_code)]

use std::{
    collections::BTreeMap,
    // Read by machine code: loom's atomics are not words.
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{
    draft::Kind,
    events,
    install::{Installed, Reason, decide},
    refs::CodeRef,
    remove::Filter,
    unit::{Books, Unit},
};

/// A unit's replacements, by function and place.
pub(crate) type Replacements = BTreeMap<(u32, u32), Replacement>;

/// Whether there is code to go on in at a place of a function, and which.
#[derive(Debug, Default)]
pub(crate) struct Replacement {
    /// [RP-CELL], [RP-STABLE]
    cell: Box<AtomicUsize>,
    /// Installed code, with a counted reference.
    id: Option<u32>,
}

impl Unit {
    /// The cell with the address to go on at, for frames of a function that have come to a place
    /// of it; none if there is no such code. [RP-CELL]
    pub fn replacement(&self, function: u32, place: u32) -> Option<*const AtomicUsize> {
        let books = self.books().lock();
        let replacement = books.replacements.get(&(function, place))?;
        replacement.id.is_some().then_some(&raw const *replacement.cell)
    }

    /// Installs a replacement if the rule says so, as `install` does with a function.
    pub(crate) fn install_replacement(
        &self,
        books: &mut Books,
        code: &CodeRef,
        replaced: &mut Vec<u32>,
    ) -> Installed {
        let Kind::Replacement { function, place } = code.kind() else {
            return Installed::No(Reason::NotAFunction);
        };
        let Books { mode, replacements, .. } = books;
        let replacement = replacements.entry((function, place)).or_default();
        let version = |id: u32| self.manager().slab().record(id).contents().version();
        let decision = decide(*mode, replacement.id.map(version), code.contents().version());
        if decision == Installed::Yes {
            code.state().acquire();
            replaced.extend(replacement.id.replace(code.id()));
            // Release: who enters sees all that was done to publish the code.
            replacement.cell.store(code.entry(), Ordering::Release);
        }
        events::install(|| code.subject(), decision, None);
        decision
    }

    /// Takes those of a function that match; what they were is to be released without the lock.
    pub(crate) fn take_replacements(
        &self,
        books: &mut Books,
        function: u32,
        filter: Filter,
        removed: &mut Vec<u32>,
    ) {
        let all = books.replacements.range_mut((function, 0)..=(function, u32::MAX));
        for (_, replacement) in all {
            let Some(id) = replacement.id else { continue };
            if filter.matches(self.manager().slab().record(id).contents().version()) {
                replacement.id = None;
                replacement.cell.store(0, Ordering::Release);
                removed.push(id);
            }
        }
    }
}
