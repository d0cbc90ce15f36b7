//! The objects of a unit: whose they are until they end.
//!
//! * [OWN-STALE] an object that a collection has ended is still listed, with a generation that is
//!   over, until the list would have to grow. So collections do not need the lock of the unit, for
//!   which those who publish would have to wait.
#![forbid(unsafe_code)]

use crate::{
    slab::Slab,
    state::{Phase, Snapshot},
};

/// The objects of one unit.
#[derive(Debug, Default)]
pub(crate) struct Owned(Vec<Entry>);

/// An object, by its record and how often that had been used before.
#[derive(Clone, Copy, Debug)]
struct Entry {
    id: u32,
    generation: u32,
}

impl Owned {
    /// Adds objects that have been started.
    pub(crate) fn add(&mut self, ids: impl ExactSizeIterator<Item = u32>, slab: &Slab) {
        if self.0.capacity() - self.0.len() < ids.len() {
            // [OWN-STALE]
            self.0.retain(|entry| entry.is_current(slab));
            // If most were current: room for half as many again, before the next look.
            let room = (self.0.len() / 2).max(ids.len());
            self.0.reserve_exact(room);
        }
        self.0.extend(ids.map(|id| Entry { id, generation: state(slab, id).generation() }));
    }

    /// The records of those that have not ended.
    pub(crate) fn current(&self, slab: &Slab) -> impl Iterator<Item = u32> {
        self.0.iter().filter(|entry| entry.is_current(slab)).map(|entry| entry.id)
    }
}

impl Entry {
    fn is_current(&self, slab: &Slab) -> bool {
        let state = state(slab, self.id);
        state.generation() == self.generation
            && matches!(state.phase(), Phase::Live | Phase::Retiring)
    }
}

fn state(slab: &Slab, id: u32) -> Snapshot {
    slab.record(id).state().get()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::Arc;

    use crate::{CodeManager, Config, Draft, Filter, Kind, Unit, UnitSpec};

    fn unit(manager: &CodeManager, functions: u32) -> Arc<Unit> {
        let spec = UnitSpec { functions, lazy_stub: 1 << 20, owner: Arc::new(()), tenant: None };
        manager.new_unit(spec).expect("there is room")
    }

    fn publish(unit: &Arc<Unit>, functions: u32) {
        let draft = |function| Draft::new(Kind::Function(function), vec![0xc3; 100]);
        let placed = unit.place((0..functions).map(draft).collect()).expect("there is room");
        unit.publish(placed).expect("it was just placed");
    }

    #[test]
    fn own_stale_what_has_ended_is_nobodys_and_its_record_may_be_anothers() {
        let manager = CodeManager::new(&Config::default()).unwrap();
        let (one, other) = (unit(&manager, 50), unit(&manager, 50));
        publish(&one, 50);
        one.remove(Filter::All);
        manager.collect_what_nobody_runs();
        // In the records that the first had.
        publish(&other, 50);
        let count = |unit: &Unit| unit.books().lock().objects.current(manager.slab()).count();
        assert_eq!((count(&one), count(&other)), (1, 51));
        drop(one);
        assert_eq!((count(&other), other.stats().functions.lazy), (51, 0));
        assert_eq!(other.arenas(), 1);
    }

    #[test]
    fn own_stale_the_list_does_not_grow_with_what_has_ended() {
        let manager = CodeManager::new(&Config::default()).unwrap();
        let unit = unit(&manager, 10);
        for _ in 0..1000 {
            publish(&unit, 10);
            manager.collect_what_nobody_runs();
        }
        assert!(unit.books().lock().objects.0.capacity() <= 64);
    }
}
