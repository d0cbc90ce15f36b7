//! Staying under the limit on code memory: when to give code up, and in which order.
//!
//! ```text
//!   0 ────────────────────── low ───── high ──── limit
//!                            ◄─ gentle steps      └─ hard steps, one after the other, by who
//!                               in the background    wants memory; then it is an error
//! ```
//!
//! Gentle steps take code that was not called for a while; hard ones take all there is, cold code
//! first. After each step, what was given up is collected, and the rest only follows if that was
//! not enough.
#![forbid(unsafe_code)]

use crate::{
    error::{Error, ErrorKind},
    manager::CodeManager,
    remove::{Filter, Removed},
};

/// One way to get memory, from the cheapest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Free what was retired.
    Collect,
    /// Take away code of that kind that was not called since the last sweep.
    Sweep(Filter),
    /// Take away all code of that kind.
    Remove(Filter),
}

/// Until less than the low-water mark is occupied.
pub const GENTLE_STEPS: [Step; 3] =
    [Step::Collect, Step::Sweep(Filter::Baseline), Step::Sweep(Filter::Optimized)];

/// Until there is room for what is wanted.
pub const HARD_STEPS: [Step; 5] = [
    Step::Collect,
    Step::Sweep(Filter::Baseline),
    Step::Sweep(Filter::Optimized),
    Step::Remove(Filter::Baseline),
    Step::Remove(Filter::Optimized),
];

/// Parts of the limit.
mod marks {
    /// Gentle steps begin above this: it leaves an eighth for what comes until they have worked.
    pub(super) const HIGH: (usize, usize) = (7, 8);
    /// And end below this.
    pub(super) const LOW: (usize, usize) = (3, 4);
    /// As much has to be generated before they are tried again; else each new function would be
    /// a reason to, where all code is in use.
    pub(super) const BETWEEN: (usize, usize) = (1, 32);
}

impl CodeManager {
    /// Takes one step, and returns what it took away. Collecting is the caller's part.
    pub fn take(&self, step: Step) -> Removed {
        match step {
            Step::Collect => Removed::default(),
            Step::Sweep(filter) => self.sweep(filter).removed,
            Step::Remove(filter) => self.remove(filter),
        }
    }

    /// Is more than the high-water mark occupied? Takes no lock.
    pub fn is_high(&self) -> bool {
        part(self.config().committed_limit, marks::HIGH) < self.counters().occupied()
    }

    /// Is less than the low-water mark occupied? Takes no lock.
    pub fn is_low(&self) -> bool {
        self.counters().occupied() < part(self.config().committed_limit, marks::LOW)
    }

    /// Is more than the high-water mark occupied, and enough new code since `last` bytes of all
    /// were generated? Takes no lock.
    pub fn wants_relief(&self, last: usize) -> bool {
        let new = self.counters().generated().saturating_sub(last);
        self.is_high() && part(self.config().committed_limit, marks::BETWEEN) < new
    }

    /// Is there code that was placed and not published, or has ended and is not free? Takes no
    /// lock.
    pub fn is_in_flight(&self) -> bool {
        self.counters().in_flight() != 0
    }

    /// Bytes of code memory that are handed out and not free again. Takes no lock.
    pub fn occupied_bytes(&self) -> usize {
        self.counters().occupied()
    }

    /// Bytes of code ever generated. Takes no lock.
    pub fn generated_bytes(&self) -> usize {
        self.counters().generated()
    }
}

impl Error {
    /// Is it for the limit on code memory, so that giving code up may help?
    pub fn is_out_of_code_memory(&self) -> bool {
        matches!(self.kind(), ErrorKind::OutOfCodeMemory { .. })
    }
}

fn part(whole: usize, (numerator, denominator): (usize, usize)) -> usize {
    whole / denominator * numerator
}

#[test]
fn marks_are_parts_of_the_limit() {
    assert_eq!(part(800, marks::HIGH), 700);
    assert_eq!(part(800, marks::LOW), 600);
    assert!(part(usize::MAX, marks::HIGH) < usize::MAX);
}
