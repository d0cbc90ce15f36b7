//! Objects that nobody can find any more, but somebody may have found.
//!
//! * [LIMBO-UNLINKED] what comes here has been taken out of the index before.

use std::collections::VecDeque;

use sync::{
    Mutex, Rank,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    eras::{Eras, is_over},
    slab::{Doomed, Expired},
};

/// Dead objects by the era in which they were unlinked.
#[derive(Debug)]
pub(crate) struct Limbo {
    waiting: Mutex<VecDeque<(u64, Vec<Doomed>)>>,
    batches: AtomicUsize,
}

impl Limbo {
    pub(crate) fn new() -> Self {
        Self { waiting: Mutex::new(Rank::Limbo, VecDeque::new()), batches: AtomicUsize::new(0) }
    }

    /// Is there nothing to be had from [`Self::take_ready`]? Takes no lock.
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: who misses what another thread just added gets it next time.
        self.batches.load(Ordering::Relaxed) == 0
    }

    /// Lets unlinked objects wait for the scopes that are open.
    pub(crate) fn add(&self, doomed: Vec<Doomed>, eras: &Eras) {
        if doomed.is_empty() {
            return;
        }
        let mut waiting = self.waiting.lock();
        waiting.push_back((eras.now(), doomed));
        self.batches.store(waiting.len(), Ordering::Relaxed);
    }

    /// Objects whose readers have all gone.
    pub(crate) fn take_ready(&self, eras: &Eras) -> Vec<Expired> {
        let mut waiting = self.waiting.lock();
        let now = eras.advance();
        let mut ready = Vec::new();
        while let Some((_, batch)) = waiting.pop_front_if(|(then, _)| is_over(*then, now)) {
            for doomed in batch {
                // SAFETY: it was unlinked before its era was read [LIMBO-UNLINKED], and that era
                // is over: [ERA-FREE].
                ready.push(unsafe { doomed.expire() });
            }
        }
        self.batches.store(waiting.len(), Ordering::Relaxed);
        ready
    }

    /// All objects, for a manager that goes away.
    pub(crate) fn take_all(&mut self) -> Vec<Expired> {
        let waiting = self.waiting.get_mut();
        let all = waiting.drain(..).flat_map(|(_, batch)| batch);
        // SAFETY: scopes borrow the manager, which nobody but the caller has any more: those that
        // were not closed have been forgotten, with all that they had found.
        all.map(|doomed| unsafe { doomed.expire() }).collect()
    }
}
