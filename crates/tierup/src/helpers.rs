//! How many threads help those who make modules.
//!
//! Making a module takes the calling thread and helpers. Many modules can be made at once, on
//! threads of the host, so the helpers of all of them together have a limit: whoever comes first
//! has them, and who finds none works alone.
//!
//! * [HE-HARD] there are never more helpers than the limit.
#![forbid(unsafe_code)]

use std::num::NonZeroUsize;

use sync::atomic::{AtomicUsize, Ordering};

/// The helpers of an engine that have nothing to do.
#[derive(Debug)]
pub(crate) struct Helpers(AtomicUsize);

/// The right to some of them, while it lives.
#[derive(Debug)]
pub(crate) struct Claim<'h> {
    helpers: &'h Helpers,
    count: usize,
}

impl Helpers {
    /// So many at most.
    pub(crate) fn new(limit: usize) -> Self {
        Self(AtomicUsize::new(limit))
    }

    /// All that have nothing to do.
    pub(crate) fn claim(&self) -> Claim<'_> {
        // Relaxed: a number alone; threads are started and joined by who has the claim.
        Claim { helpers: self, count: self.0.swap(0, Ordering::Relaxed) }
    }
}

impl Claim<'_> {
    /// How many threads may work, the one that has the claim among them.
    pub(crate) fn threads(&self) -> NonZeroUsize {
        NonZeroUsize::MIN.saturating_add(self.count)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.helpers.0.fetch_add(self.count, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn he_hard_who_comes_later_works_alone() {
        let helpers = Helpers::new(3);
        let first = helpers.claim();
        let second = helpers.claim();
        assert_eq!((first.threads().get(), second.threads().get()), (4, 1));
        drop(first);
        assert_eq!(helpers.claim().threads().get(), 4);
        drop(second);
        assert_eq!(helpers.claim().threads().get(), 4);
        assert_eq!(Helpers::new(0).claim().threads().get(), 1);
    }
}
