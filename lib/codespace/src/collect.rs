//! Collecting: retired code becomes free memory.
//!
//! Now: when the caller promises that nothing runs. Later: when every activation has been seen
//! without it. Both end in [`CodeManager::sweep`], which is told what is known to be unused; a
//! retired object notes the collection in which it was retired, so that a collector can leave
//! alone what was retired after it began to look.

use sync::atomic::Ordering;

use crate::{manager::CodeManager, object::Code, slab::Doomed, unit::Unit};

/// What a collection has freed. The memory is usable again once the scopes that were open have
/// closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Collected {
    /// How many code objects.
    pub objects: usize,
    /// Bytes of their code.
    pub code_bytes: usize,
    /// Bytes of their records and side tables.
    pub metadata_bytes: usize,
}

/// A promise that no code of a manager is being run.
#[derive(Debug)]
pub struct Idle<'m> {
    manager: &'m CodeManager,
}

impl CodeManager {
    /// Promises that no retired code is being run.
    ///
    /// # Safety
    ///
    /// As long as the result lives:
    ///
    /// (a) no thread runs retired code of this manager, and none has a frame on any of its
    ///     stacks that will return to such code;
    /// (b) nobody will jump to an address of retired code that they kept from before.
    pub unsafe fn assume_idle(&self) -> Idle<'_> {
        Idle { manager: self }
    }

    /// Frees all retired code.
    ///
    /// # Panics
    ///
    /// If the promise was made about another manager.
    pub fn collect(&self, idle: &Idle<'_>) -> Collected {
        assert!(self.is(idle.manager), "the promise is about this manager");
        let collection = self.collection().fetch_add(1, Ordering::Relaxed);
        let collected = self.sweep(|_, retired_in| retired_in <= collection);
        tracing::debug!(collected.objects, collected.code_bytes, "retired code freed");
        collected
    }

    /// Frees retired objects that `is_unused` says nobody runs, given the collection in which
    /// they were retired.
    fn sweep(&self, is_unused: impl Fn(&Code, u32) -> bool) -> Collected {
        let mut collected = Collected::default();
        let mut doomed = Vec::new();
        // Dropped at the end, without locks: one of these may be the last of its unit.
        let units = self.units();
        for unit in &units {
            doomed.extend(unit.end_retired(&is_unused, &mut collected));
        }
        self.bury(doomed);
        drop(units);
        collected
    }
}

impl Unit {
    fn end_retired(
        &self,
        is_unused: impl Fn(&Code, u32) -> bool,
        collected: &mut Collected,
    ) -> Vec<Doomed> {
        let mut doomed = Vec::new();
        let slab = self.manager().slab();
        self.books().lock().objects.retain(|&id| {
            let code = slab.record(id);
            let retired_in = code.state().retired_in();
            if !retired_in.is_some_and(|collection| is_unused(code, collection)) {
                return true;
            }
            let item = code.item();
            let Some(object) = slab.kill(id) else { return true };
            self.identity().count(|counters| counters.ended_retired(item));
            collected.objects += 1;
            collected.code_bytes += item.bytes;
            collected.metadata_bytes += item.metadata;
            doomed.push(object);
            false
        });
        doomed
    }
}
