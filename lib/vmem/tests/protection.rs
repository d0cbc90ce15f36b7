//! No code is writable outside a write scope, and nothing is writable and executable at once.

mod support;

use std::{
    ptr,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use support::{
    BY_MAPPING, Ended, Mapping, Stop, code_pages, has_keys, in_child, is_writable, mappings,
    mappings_in, memory, put, returning, run, strategies,
};
use vmem::{Strategy, page_size};

/// What must hold in the process at any time.
fn check_mappings(mappings: &[Mapping]) {
    for mapping in mappings {
        // Code of other tests that has a key: `key.rs` looks at that.
        let keyed = mapping.access == "rwxp" && has_keys();
        let both = mapping.can('w') && mapping.can('x');
        assert!(keyed || !both, "writable and executable: {mapping:?}");
        assert!(!(mapping.can('w') && mapping.is_code_file()), "a way to write code: {mapping:?}");
    }
}

#[test]
fn file_no_address_leads_to_code_for_writing() {
    let memory = memory(Strategy::File, 4);
    let start = memory.code_range().start;
    put(&memory, start, &returning(42)).unwrap();
    let mut scope = memory.write(start + 64..start + 128).unwrap();
    scope.bytes().fill(0x90);
    let all = mappings();
    check_mappings(&all);
    let views: Vec<_> = all.iter().filter(|mapping| mapping.is_code_file()).collect();
    let ours = |mapping: &&Mapping| mapping.range.start == start;
    assert_eq!(views.iter().filter(|view| ours(view)).count(), 1);
    assert!(views.iter().all(|view| view.access == "r-xs" || view.access == "---s"));
    scope.finish().unwrap();
    assert!((0..4).all(|page| !is_writable(start + page * page_size())));
    assert_eq!(run(start), 42);
}

/// The view's descriptor does not allow writing, so that the kernel does not allow it either.
#[test]
fn file_no_address_can_be_made_writable() {
    let memory = memory(Strategy::File, 1);
    let start = ptr::with_exposed_provenance_mut(memory.code_range().start);
    for access in [libc::PROT_WRITE, libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC] {
        // SAFETY: nobody uses the code.
        assert_eq!(unsafe { libc::mprotect(start, page_size(), access) }, -1);
        assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EACCES));
    }
    let private = std::fs::OpenOptions::new().write(true).open("/proc/self/mem").unwrap();
    let at = memory.code_range().start as u64;
    assert!(std::os::unix::fs::FileExt::write_at(&private, &[0x90], at).is_err());
}

#[test]
fn a_store_to_code_faults() {
    for strategy in strategies() {
        // The child makes its own: it would not see the parent's.
        let ended = in_child(|| {
            let memory = memory(strategy, 1);
            let start = memory.code_range().start;
            put(&memory, start, &returning(42)).unwrap();
            assert_eq!(run(start), 42);
            let scope = memory.write(start..start + 64).unwrap();
            // SAFETY: it is not: the child ends here.
            unsafe { ptr::with_exposed_provenance_mut::<u8>(start).write_volatile(0x90) };
            drop(scope);
        });
        assert_eq!(ended, Ended::Killed(libc::SIGSEGV), "{strategy:?}");
    }
}

#[test]
fn code_is_not_writable_before_in_and_after_a_scope() {
    for strategy in strategies() {
        let memory = memory(strategy, 2);
        let start = memory.code_range().start;
        assert!(!is_writable(start));
        let mut scope = memory.write(start..start + 64).unwrap();
        assert!(!is_writable(start));
        scope.bytes()[..6].copy_from_slice(&returning(7));
        assert!(!is_writable(start));
        scope.finish().unwrap();
        assert!(!is_writable(start));
        memory.discard_code(start + page_size()..start + page_size() + 64).unwrap();
        assert!(!is_writable(start + page_size()));
        assert_eq!(run(start), 7);
    }
}

/// The address that the handler looks at, how often it has, and how often it could write there.
static TARGET: AtomicUsize = AtomicUsize::new(0);
static HANDLED: AtomicUsize = AtomicUsize::new(0);
static WRITABLE: AtomicUsize = AtomicUsize::new(0);

extern "C" fn probe(_signal: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
    if is_writable(TARGET.load(Ordering::Relaxed)) {
        WRITABLE.fetch_add(1, Ordering::Relaxed);
    }
}

fn install_probe() {
    // SAFETY: a handler that makes system calls and touches atomics only.
    let before = unsafe { libc::signal(libc::SIGUSR1, probe as *const () as libc::sighandler_t) };
    assert_ne!(before, libc::SIG_ERR);
}

fn raise_probe() {
    // SAFETY: the handler is installed; it runs on this thread before this returns.
    assert_eq!(unsafe { libc::raise(libc::SIGUSR1) }, 0);
}

#[test]
fn a_signal_handler_sees_code_protected() {
    install_probe();
    for strategy in strategies() {
        let memory = memory(strategy, 8);
        let start = memory.code_range().start;
        put(&memory, start, &returning(8)).unwrap();
        TARGET.store(start, Ordering::Relaxed);
        let before = HANDLED.load(Ordering::Relaxed);
        raise_probe();
        let mut scope = memory.write(start..start + 64).unwrap();
        scope.bytes().fill(0x90);
        raise_probe();
        drop(scope);
        // While other pages are written by another thread.
        let stop = AtomicBool::new(false);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let others = code_pages(&memory, 1..8);
                while !stop.load(Ordering::Relaxed) {
                    put(&memory, others.start, &vec![0x90; others.len()]).unwrap();
                }
            });
            let _stop = Stop(&stop);
            (0..2_000).for_each(|_| raise_probe());
        });
        assert_eq!(HANDLED.load(Ordering::Relaxed) - before, 2_002);
        assert_eq!(WRITABLE.load(Ordering::Relaxed), 0, "{strategy:?}");
        assert_eq!(run(start), 8);
    }
}

/// A second thread reads all mappings of the process while a scope is open.
#[test]
fn no_mapping_is_writable_and_executable_while_scopes_are_open() {
    for strategy in BY_MAPPING {
        let memory = memory(strategy, 4);
        let turn = Barrier::new(2);
        let seen = std::thread::scope(|threads| {
            // Judged at the end: a thread that panics would leave the other one waiting.
            let reader = threads.spawn(|| {
                let look = |_| {
                    turn.wait();
                    let seen = mappings();
                    turn.wait();
                    seen
                };
                (0..50).flat_map(look).collect::<Vec<_>>()
            });
            for round in 0..50 {
                let at = memory.code_range().start + round * 64;
                let mut scope = memory.write(at..at + 6).unwrap();
                scope.bytes().copy_from_slice(&returning(round as u32));
                turn.wait();
                turn.wait();
                scope.finish().unwrap();
            }
            reader.join().unwrap()
        });
        check_mappings(&seen);
        let inside = |mapping: &&Mapping| memory.code_range().contains(&mapping.range.start);
        let code: Vec<_> = seen.iter().filter(inside).collect();
        assert!(code.iter().all(|code| !code.can('w')));
        // Of the four pages, the kernel may keep those apart that have been written.
        let executable = code.iter().filter(|code| code.can('x')).map(|code| code.range.len());
        assert_eq!(executable.sum::<usize>(), 50 * 4 * page_size());
    }
}

/// The same at random moments, those inside `finish` included: under `Toggle` it goes on until
/// the second thread has seen a window open, which shows that it would see a bad one.
#[test]
fn no_mapping_is_writable_and_executable_while_code_is_written() {
    for strategy in BY_MAPPING {
        let memory = memory(strategy, 256);
        let range = memory.code_range();
        let (scans, windows) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let stop = AtomicBool::new(false);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let _stop = Stop(&stop);
                while !stop.load(Ordering::Relaxed) {
                    check_mappings(&mappings());
                    let open = mappings_in(&range).iter().any(|mapping| mapping.can('w'));
                    windows.fetch_add(usize::from(open), Ordering::Relaxed);
                    scans.fetch_add(1, Ordering::Relaxed);
                }
            });
            let stopping = Stop(&stop);
            let until = Instant::now() + Duration::from_mins(10);
            let enough = || {
                let seen = windows.load(Ordering::Relaxed) > 0 || strategy == Strategy::File;
                seen && scans.load(Ordering::Relaxed) >= 100
            };
            while !enough() && !stop.load(Ordering::Relaxed) && Instant::now() < until {
                put(&memory, range.start, &vec![0x90; range.len()]).unwrap();
                memory.decommit_code(range.clone()).unwrap();
                memory.commit_code(range.clone()).unwrap();
            }
            drop(stopping);
            assert!(enough());
        });
        let expected = strategy == Strategy::Toggle;
        assert_eq!(windows.load(Ordering::Relaxed) > 0, expected);
    }
}
