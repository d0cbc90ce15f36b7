//! What one thread sees, what many do, and every interleaving of two.

use std::sync::Arc;

use super::*;
use crate::atomic::{AtomicUsize, Ordering};

/// A value that knows its map, as users have them.
struct Kept {
    map: Arc<SharedMap<u32, Kept>>,
    key: u32,
    live: Arc<AtomicUsize>,
}

impl Kept {
    fn make(
        map: &Arc<SharedMap<u32, Kept>>,
        key: u32,
        live: &Arc<AtomicUsize>,
    ) -> Result<Arc<Kept>, ()> {
        live.fetch_add(1, Ordering::SeqCst);
        Ok(Arc::new(Self { map: Arc::clone(map), key, live: Arc::clone(live) }))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.live.fetch_sub(1, Ordering::SeqCst);
        self.map.forget(&self.key);
    }
}

fn new_map() -> Arc<SharedMap<u32, Kept>> {
    Arc::new(SharedMap::new(Rank::Modules))
}

#[cfg(not(loom))]
mod threads {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        thread,
    };

    use super::*;

    fn number(value: u32) -> Result<Arc<u32>, String> {
        Ok(Arc::new(value))
    }

    #[test]
    fn a_value_is_shared_while_somebody_has_it() {
        let map = SharedMap::<u32, u32>::new(Rank::Modules);
        let (first, origin) = map.get_or_make(&1, || number(10)).unwrap();
        assert_eq!(origin, Origin::Made);
        let (second, origin) = map.get_or_make(&1, || number(11)).unwrap();
        assert_eq!((*second, origin), (10, Origin::Found));
        let (other, _) = map.get_or_make(&2, || number(20)).unwrap();
        assert_eq!((*other, map.len()), (20, 2));
        drop((first, second));
        // [SHM-DEAD]
        let (third, origin) = map.get_or_make(&1, || number(12)).unwrap();
        assert_eq!((*third, origin), (12, Origin::Made));
    }

    #[test]
    fn forgetting_leaves_what_lives() {
        let map = SharedMap::<u32, u32>::new(Rank::Modules);
        let (value, _) = map.get_or_make(&1, || number(10)).unwrap();
        map.forget(&1);
        map.forget(&2);
        assert_eq!(map.get_or_make(&1, || number(11)).unwrap().1, Origin::Found);
        drop(value);
        assert!(!map.is_empty());
        map.forget(&1);
        assert!(map.is_empty());
    }

    #[test]
    fn failures_and_panics_are_forgotten() {
        let map = SharedMap::<u32, u32>::new(Rank::Modules);
        let failed = map.get_or_make(&1, || Err("on purpose".to_owned()));
        assert_eq!(failed.unwrap_err(), "on purpose");
        assert!(map.is_empty());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _ = map.get_or_make(&1, || -> Result<_, ()> { panic!("on purpose") });
        }));
        assert!(panicked.is_err());
        assert!(map.is_empty());
        assert_eq!(map.get_or_make(&1, || number(10)).unwrap().1, Origin::Made);
    }

    /// How many wait for the value that is being made of key 1.
    fn waiting(map: &SharedMap<u32, u32>) -> usize {
        match map.entries.lock().get(&1) {
            // The map and the maker have it too.
            Some(Entry::Pending(pending)) => Arc::strong_count(pending) - 2,
            _ => 0,
        }
    }

    #[test]
    fn who_waits_gets_what_was_made_although_its_maker_dropped_it() {
        let map = SharedMap::<u32, u32>::new(Rank::Modules);
        let begun = AtomicUsize::new(0);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                while begun.load(Ordering::SeqCst) == 0 {
                    thread::yield_now();
                }
                map.get_or_make(&1, || number(11)).unwrap()
            });
            let made = map.get_or_make(&1, || {
                begun.store(1, Ordering::SeqCst);
                while waiting(&map) == 0 {
                    thread::yield_now();
                }
                number(10)
            });
            drop(made);
            let (value, origin) = waiter.join().unwrap();
            // [SHM-GET]
            assert_eq!((*value, origin), (10, Origin::Awaited));
        });
    }

    #[test]
    fn a_failure_is_the_error_of_one_thread() {
        let map = SharedMap::<u32, u32>::new(Rank::Modules);
        let (attempts, failures) = (AtomicUsize::new(0), AtomicUsize::new(0));
        crate::hammer(8, 1, |_, _| {
            let result = map.get_or_make(&1, || match attempts.fetch_add(1, Ordering::SeqCst) {
                0..3 => Err(()),
                _ => Ok(Arc::new(7)),
            });
            match result {
                Ok((value, _)) => assert_eq!(*value, 7),
                Err(()) => assert!(failures.fetch_add(1, Ordering::SeqCst) < 3),
            }
        });
        assert_eq!(failures.into_inner(), 3);
    }

    #[test]
    fn hammer_values_come_and_go() {
        let (map, live) = (new_map(), [(); 3].map(|()| Arc::new(AtomicUsize::new(0))));
        let made = AtomicUsize::new(0);
        crate::hammer(8, 2000, |thread, round| {
            let key = (thread * 7 + round) % 3;
            let make = || {
                made.fetch_add(1, Ordering::SeqCst);
                match round % 11 {
                    0 => Err(()),
                    _ => Kept::make(&map, key as u32, &live[key]),
                }
            };
            if let Ok((value, _)) = map.get_or_make(&(key as u32), make) {
                assert_eq!(value.key, key as u32);
                assert_ne!(live[key].load(Ordering::SeqCst), 0);
                let (again, origin) =
                    map.get_or_make(&(key as u32), || -> Result<_, ()> { Err(()) }).unwrap();
                assert_eq!(origin, Origin::Found);
                assert!(Arc::ptr_eq(&value, &again));
            }
        });
        assert!(map.is_empty());
        assert!(live.iter().all(|live| live.load(Ordering::SeqCst) == 0));
        assert!(3 < made.into_inner());
    }
}

#[cfg(loom)]
mod scenarios {
    use crate::thread;

    use super::*;

    /// Two threads take and drop the value of one key, one of them twice.
    #[test]
    fn loom_values_come_and_go() {
        loom::model(|| {
            let (map, live) = (new_map(), Arc::new(AtomicUsize::new(0)));
            let take = |map: &Arc<SharedMap<u32, Kept>>, live: &Arc<AtomicUsize>| {
                let (value, _) = map.get_or_make(&1, || Kept::make(map, 1, live)).expect("made");
                assert_ne!(live.load(Ordering::SeqCst), 0);
                drop(value);
            };
            let other = {
                let (map, live) = (Arc::clone(&map), Arc::clone(&live));
                thread::spawn(move || take(&map, &live))
            };
            take(&map, &live);
            take(&map, &live);
            other.join().expect("the other thread does not panic");
            assert!(map.is_empty(), "[SHM-OWN]");
        });
    }

    /// One making fails: whoever waited for it makes the value, and no third is made.
    #[test]
    fn loom_a_failure_is_not_remembered() {
        loom::model(|| {
            let (map, attempts) = (new_map(), Arc::new(AtomicUsize::new(0)));
            let live = Arc::new(AtomicUsize::new(0));
            let take = |map: &Arc<SharedMap<u32, Kept>>, attempts: &AtomicUsize, live: &Arc<_>| {
                map.get_or_make(&1, || match attempts.fetch_add(1, Ordering::SeqCst) {
                    0 => Err(()),
                    _ => Kept::make(map, 1, live),
                })
                .ok()
            };
            let other = {
                let (map, live) = (Arc::clone(&map), Arc::clone(&live));
                let attempts = Arc::clone(&attempts);
                thread::spawn(move || take(&map, &attempts, &live))
            };
            let own = take(&map, &attempts, &live);
            let other = other.join().expect("the other thread does not panic");
            assert_eq!(attempts.load(Ordering::SeqCst), 2);
            assert!(own.is_some() != other.is_some());
            drop((own, other));
            assert!(map.is_empty());
        });
    }

    /// [SHM-GET] Whatever the maker does with the value.
    #[test]
    fn loom_who_waits_gets_the_value() {
        loom::model(|| {
            let (map, live) = (new_map(), Arc::new(AtomicUsize::new(0)));
            let other = {
                let (map, live) = (Arc::clone(&map), Arc::clone(&live));
                thread::spawn(move || {
                    drop(map.get_or_make(&1, || Kept::make(&map, 1, &live)));
                })
            };
            let (value, origin) =
                map.get_or_make(&1, || Kept::make(&map, 1, &live)).expect("nothing fails");
            assert_eq!(value.key, 1);
            if origin == Origin::Awaited {
                // It was made by the other one, and kept for this one.
                assert_eq!(live.load(Ordering::SeqCst), 1);
            }
            other.join().expect("the other thread does not panic");
            drop(value);
            assert!(map.is_empty());
        });
    }
}
