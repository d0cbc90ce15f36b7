//! What one function may cost.
//!
//! Time and memory grow with the size of the body, but for a few constructs: a branch of four
//! bytes can hand over a thousand values, a call of two bytes can take and return as many, and
//! references are tracked through every block in which they live. These are counted, and too many
//! are an error instead of an exhausted machine.

use tierup_compile::CompileErrorKind;

use super::{Translated, Translator};

/// Most values that branches and calls of one function may move, each time counted. Real
/// functions stay below a hundredth of it.
const MOST_MOVED_VALUES: usize = 1 << 24;

/// What a function has cost so far.
#[derive(Default)]
pub(super) struct Budget {
    moved: usize,
    references: usize,
}

impl Budget {
    /// Counts a reference that is no local.
    pub(super) fn note_reference(&mut self) {
        self.references += 1;
    }
}

impl Translator<'_> {
    /// Counts values that are moved.
    pub(super) fn spend(&mut self, values: usize) -> Translated {
        self.budget.moved += values;
        if self.budget.moved <= MOST_MOVED_VALUES {
            return Ok(());
        }
        let limit = "the number of values that branches and calls may move";
        Err(CompileErrorKind::TooLarge { limit }.into())
    }

    /// Counts the references that are carried into another block.
    pub(super) fn spend_for_block(&mut self) -> Translated {
        self.spend(self.stack.len().min(self.budget.references))
    }
}
