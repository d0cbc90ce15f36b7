//! When has everybody who might still use something gone?
//!
//! Scopes count themselves in one of two counters, by the parity of the era in which they open.
//! The era goes on when the other counter is zero, so no scope is older than the era before:
//!
//! ```text
//!   era            7            │       8        │      9
//!   scope A   ├─────────────────────────┤
//!   thing X        unlinked in 7 ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ free: A cannot be open in 9
//!   scope B                     ├──────────────────────┤  opened after: cannot have found X
//! ```
//!
//! * [ERA-TWO] in era `e`, open scopes are of era `e` or `e - 1`.
//! * [ERA-FREE] what was unlinked in era `e` is used by nobody once the era is `e + 2`.
//!
//! Unlinking, reading the era for it, and [`Eras::advance`] happen under one lock (the limbo's),
//! so whoever opens a scope in a later era comes after the unlinking.
#![forbid(unsafe_code)]

use sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};

/// The era, and how many scopes are open.
#[derive(Debug)]
pub(crate) struct Eras {
    era: AtomicU64,
    open: [AtomicUsize; 2],
}

/// Proof that a scope is counted; give it back to [`Eras::leave`].
#[derive(Debug)]
#[must_use]
pub(crate) struct Ticket(u64);

impl Eras {
    pub(crate) fn new() -> Self {
        Self { era: AtomicU64::new(0), open: [AtomicUsize::new(0), AtomicUsize::new(0)] }
    }

    /// Counts a scope.
    pub(crate) fn enter(&self) -> Ticket {
        loop {
            let era = self.era.load(Ordering::Acquire);
            self.counter(era).fetch_add(1, Ordering::Relaxed);
            // Pairs with the fence in `advance`: either it sees the count, or this sees the era.
            fence(Ordering::SeqCst);
            if self.era.load(Ordering::Acquire) == era {
                return Ticket(era);
            }
            // The era went on in between: the count may have come too late to be seen.
            self.counter(era).fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Ends a scope.
    pub(crate) fn leave(&self, ticket: Ticket) {
        // Release pairs with `advance`: what the scope did comes before what is freed after it.
        self.counter(ticket.0).fetch_sub(1, Ordering::Release);
    }

    /// The era now. To be read under the lock, after unlinking.
    pub(crate) fn now(&self) -> u64 {
        self.era.load(Ordering::Relaxed)
    }

    /// Goes on by up to two eras, as far as open scopes allow, and returns the era. Only one
    /// thread at a time calls it.
    pub(crate) fn advance(&self) -> u64 {
        let mut era = self.now();
        for _ in 0..2 {
            // [ERA-TWO]: scopes of the era before this one have the same parity as the next.
            if self.counter(era + 1).load(Ordering::Acquire) != 0 {
                break;
            }
            era += 1;
            self.era.store(era, Ordering::Release);
            fence(Ordering::SeqCst);
        }
        era
    }

    fn counter(&self, era: u64) -> &AtomicUsize {
        &self.open[(era % 2) as usize]
    }
}

/// May what was unlinked in era `then` be used again in era `now`? [ERA-FREE]
pub(crate) fn is_over(then: u64, now: u64) -> bool {
    then + 2 <= now
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_open_scope_stops_the_second_step() {
        let eras = Eras::new();
        assert_eq!(eras.advance(), 2);
        let scope = eras.enter();
        let unlinked = eras.now();
        assert_eq!(eras.advance(), 3);
        assert_eq!(eras.advance(), 3);
        assert!(!is_over(unlinked, eras.now()));
        let later = eras.enter();
        eras.leave(scope);
        assert_eq!(eras.advance(), 4);
        assert!(is_over(unlinked, eras.now()));
        eras.leave(later);
        assert_eq!(eras.advance(), 6);
    }

    #[test]
    fn hammer_everybody_leaves() {
        let eras = Eras::new();
        sync::hammer(4, 2000, |thread, _| {
            if thread == 0 {
                eras.advance();
            } else {
                eras.leave(eras.enter());
            }
        });
        let era = eras.now();
        assert_eq!(eras.advance(), era + 2);
    }
}

#[cfg(all(test, loom))]
mod scenarios {
    use super::*;
    use loom::thread;
    use sync::{Arc, Mutex, Rank};

    /// A link to a thing, and whether the thing is usable.
    struct World {
        eras: Eras,
        link: AtomicUsize,
        usable: AtomicUsize,
        lock: Mutex<()>,
    }

    impl World {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                eras: Eras::new(),
                link: AtomicUsize::new(1),
                usable: AtomicUsize::new(1),
                lock: Mutex::new(Rank::Limbo, ()),
            })
        }

        fn read(&self) {
            let ticket = self.eras.enter();
            if self.link.load(Ordering::Acquire) == 1 {
                assert_eq!(self.usable.load(Ordering::Relaxed), 1, "freed under a scope");
            }
            self.eras.leave(ticket);
        }

        fn advance(&self) -> u64 {
            let _lock = self.lock.lock();
            self.eras.advance()
        }

        fn unlink_and_free(&self) {
            self.link.store(0, Ordering::Release);
            let unlinked = {
                let _lock = self.lock.lock();
                self.eras.now()
            };
            if is_over(unlinked, self.advance()) {
                self.usable.store(0, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn era_free_nothing_that_a_scope_has_found_is_freed() {
        loom::model(|| {
            let world = World::new();
            let reader = {
                let world = Arc::clone(&world);
                thread::spawn(move || world.read())
            };
            world.unlink_and_free();
            reader.join().unwrap();
        });
    }

    #[test]
    fn era_free_also_when_a_scope_opens_while_the_era_goes_on() {
        loom::model(|| {
            let world = World::new();
            let other = world.eras.enter();
            let reader = {
                let world = Arc::clone(&world);
                thread::spawn(move || world.read())
            };
            // By one: the reader may have read the era before, and count itself only now.
            assert_eq!(world.advance(), 1);
            world.eras.leave(other);
            world.unlink_and_free();
            reader.join().unwrap();
        });
    }
}
