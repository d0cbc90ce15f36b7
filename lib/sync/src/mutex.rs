//! A mutex that owns its data, knows its rank and does not poison.

#[cfg(loom)]
use loom::sync as imp;
#[cfg(not(loom))]
use std::sync as imp;
use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::PoisonError,
    time::Duration,
};

use crate::rank::{Rank, enter, leave};

/// Data behind a lock.
///
/// A thread that panics while it holds the lock does not poison it: the data must be left valid
/// between any two statements that can panic.
pub struct Mutex<T> {
    rank: Rank,
    #[expect(clippy::disallowed_types, reason = "this is the façade that stands for it")]
    inner: imp::Mutex<T>,
}

impl<T> Mutex<T> {
    /// A lock of that rank.
    #[expect(clippy::disallowed_types, reason = "this is the façade that stands for it")]
    pub fn new(rank: Rank, value: T) -> Self {
        Self { rank, inner: imp::Mutex::new(value) }
    }

    /// Takes the lock, waiting for it.
    ///
    /// # Panics
    ///
    /// In debug builds, if the thread holds a lock of the same or a higher rank.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        let before = enter(self.rank);
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        MutexGuard { inner: Some(inner), rank: self.rank, before }
    }

    /// The data, without locking.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mutex({:?})", self.rank)
    }
}

/// Access to the data of a [`Mutex`].
pub struct MutexGuard<'a, T> {
    inner: Option<imp::MutexGuard<'a, T>>,
    rank: Rank,
    before: u8,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.inner.as_ref().expect("only `Condvar::wait` takes the guard, and gives it back")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect("only `Condvar::wait` takes the guard, and gives it back")
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        if self.inner.take().is_some() {
            leave(self.before);
        }
    }
}

impl<T> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MutexGuard({:?})", self.rank)
    }
}

/// Lets threads wait for a change of a [`Mutex`]'s data.
#[derive(Debug)]
pub struct Condvar(imp::Condvar);

impl Condvar {
    /// Nobody waits yet.
    pub fn new() -> Self {
        Self(imp::Condvar::new())
    }

    /// Releases the lock, waits for a notification (or for nothing), and takes it again.
    pub fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        if let Some(inner) = guard.inner.take() {
            guard.inner = Some(self.0.wait(inner).unwrap_or_else(PoisonError::into_inner));
        }
        guard
    }

    /// As [`Self::wait`], but not much longer than `timeout`.
    pub fn wait_timeout<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> MutexGuard<'a, T> {
        if let Some(inner) = guard.inner.take() {
            let waited = self.0.wait_timeout(inner, timeout);
            guard.inner = Some(waited.unwrap_or_else(PoisonError::into_inner).0);
        }
        guard
    }

    /// Wakes all that wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn increasing_ranks_are_fine() {
        let (outer, inner) = (Mutex::new(Rank::Engine, 1), Mutex::new(Rank::Unit, 2));
        let first = outer.lock();
        assert_eq!(*first + *inner.lock(), 3);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "lock order")]
    fn decreasing_ranks_panic() {
        let (outer, inner) = (Mutex::new(Rank::Engine, ()), Mutex::new(Rank::Unit, ()));
        let _held = inner.lock();
        drop(outer.lock());
    }

    #[test]
    fn a_panic_does_not_poison() {
        let lock = Mutex::new(Rank::Engine, 7);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _held = lock.lock();
            panic!("on purpose");
        }));
        assert!(result.is_err());
        assert_eq!(*lock.lock(), 7);
    }

    #[test]
    fn waiting_ends_with_the_time() {
        let (lock, changed) = (Mutex::new(Rank::Engine, 7), Condvar::new());
        let guard = changed.wait_timeout(lock.lock(), Duration::from_millis(1));
        assert_eq!(*guard, 7);
    }

    #[test]
    fn hammer_counts_everything() {
        let count = Mutex::new(Rank::Engine, 0);
        crate::hammer(4, 1000, |_, _| *count.lock() += 1);
        assert_eq!(*count.lock(), 4000);
    }
}
