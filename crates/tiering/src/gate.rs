//! One compile for a function, however many threads ask for it.
//!
//! ```text
//!   idle ──enter──► busy ──pass dropped──► idle      others that enter while busy wait,
//!                                                    and are told to look again
//! ```
//!
//! * [GA-ONE] between `enter` returning a pass and the pass being dropped, nobody else gets a
//!   pass for that function.
//! * [GA-WAKE] whoever waits is woken when the pass is dropped, also by a panic.

use std::collections::HashSet;

use sync::{Condvar, Mutex, Rank};

/// Which functions of a module are being compiled.
///
/// The set is small: it has one element for each thread that compiles.
#[derive(Debug)]
pub(crate) struct Gate {
    busy: Mutex<HashSet<u32>>,
    changed: Condvar,
}

/// What [`Gate::enter`] found.
#[must_use]
#[derive(Debug)]
pub(crate) enum Entered<'g> {
    /// The caller is the one to compile.
    Compile(Pass<'g>),
    /// Another thread compiled meanwhile; look whether it succeeded.
    LookAgain,
}

/// The right to compile a function.
#[derive(Debug)]
pub(crate) struct Pass<'g> {
    gate: &'g Gate,
    function: u32,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { busy: Mutex::new(Rank::LazyGate, HashSet::new()), changed: Condvar::new() }
    }

    /// Asks for the right to compile `function`; waits while somebody else has it.
    pub(crate) fn enter(&self, function: u32) -> Entered<'_> {
        let mut busy = self.busy.lock();
        if busy.insert(function) {
            return Entered::Compile(Pass { gate: self, function });
        }
        while busy.contains(&function) {
            busy = self.changed.wait(busy);
        }
        Entered::LookAgain
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.busy.lock().remove(&self.function);
        // [GA-WAKE]
        self.gate.changed.notify_all();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn ga_one_hammer_one_compile_at_a_time() {
        let gate = Gate::new();
        let inside = [const { AtomicUsize::new(0) }; 3];
        let compiled = AtomicUsize::new(0);
        sync::hammer(4, 500, |_, round| {
            let function = round % 3;
            if let Entered::Compile(_pass) = gate.enter(function as u32) {
                assert_eq!(inside[function].fetch_add(1, Ordering::SeqCst), 0);
                compiled.fetch_add(1, Ordering::SeqCst);
                assert_eq!(inside[function].fetch_sub(1, Ordering::SeqCst), 1);
            }
        });
        assert!(compiled.into_inner() >= 500);
        assert!(gate.busy.lock().is_empty());
    }

    #[test]
    fn ga_wake_after_a_panic() {
        let gate = Gate::new();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _pass = gate.enter(1);
            panic!("on purpose");
        }));
        assert!(result.is_err());
        assert!(matches!(gate.enter(1), Entered::Compile(_)));
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn ga_one_every_thread_finds_code_and_one_compiles() {
        loom::model(|| {
            let state = Arc::new((Gate::new(), AtomicUsize::new(0), AtomicUsize::new(0)));
            let call = |state: &(Gate, AtomicUsize, AtomicUsize)| {
                let (gate, code, compiles) = state;
                // The caller's loop: look, enter, compile, look again.
                while code.load(Ordering::Acquire) == 0 {
                    if let Entered::Compile(_pass) = gate.enter(7) {
                        if code.load(Ordering::Acquire) == 0 {
                            compiles.fetch_add(1, Ordering::Relaxed);
                            code.store(1, Ordering::Release);
                        }
                    }
                }
            };
            let other = {
                let state = Arc::clone(&state);
                thread::spawn(move || call(&state))
            };
            call(&state);
            other.join().expect("the other thread does not panic");
            assert_eq!(state.2.load(Ordering::Relaxed), 1);
        });
    }
}
