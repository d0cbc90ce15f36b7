//! A thread that was there before the protection key of code: a process of its own, because the
//! key stays for ever.

mod support;

use std::{ptr, sync::mpsc};

use support::{Ended, has_keys, in_child, is_writable, memory, put, returning, run};
use vmem::{Strategy, make_code_readable};

/// It has no right to the key, not even to read constants in code, until it asks.
#[test]
fn a_thread_made_before_may_read_once_it_asked() {
    let (to, from) = mpsc::channel::<usize>();
    let early = std::thread::spawn(move || {
        // Nothing comes where there are no keys.
        let Ok(code) = from.recv() else { return };
        assert_eq!(run(code), 5);
        let first = || {
            // SAFETY: the sender keeps the code until this thread has ended.
            unsafe { ptr::with_exposed_provenance::<u8>(code).read_volatile() }
        };
        assert_eq!(in_child(|| assert_eq!(first(), 0)), Ended::Killed(libc::SIGSEGV));
        make_code_readable();
        assert_eq!((first(), run(code)), (0xb8, 5));
        assert!(!is_writable(code));
    });
    if has_keys() {
        let memory = memory(Strategy::Pkey, 1);
        let code = memory.code_range().start;
        put(&memory, code, &returning(5)).unwrap();
        to.send(code).unwrap();
        early.join().unwrap();
    }
}
