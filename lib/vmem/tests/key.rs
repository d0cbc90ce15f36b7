//! Protection keys, where there are some. `tests/vm/run` runs this on a machine that has them.

mod support;

use std::{
    ptr,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use support::{
    Ended, Stop, check_that_children_have_a_copy, code_pages, has_keys, in_child, is_writable,
    key_of, memory, put, reason, request, returning, run,
};
use vmem::{CodeMemory, ErrorKind, Strategy, make_code_readable, page_size};

#[test]
fn without_keys_it_says_so() {
    if has_keys() {
        return;
    }
    let error = CodeMemory::reserve(&request(Strategy::Pkey)).map(drop);
    assert!(matches!(reason(error), ErrorKind::NoProtectionKeys { .. }));
    // Nothing is in use, so this does nothing.
    make_code_readable();
}

#[test]
fn code_has_the_key_and_nothing_else_has() {
    if !has_keys() {
        return;
    }
    let memory = memory(Strategy::Pkey, 2);
    let start = memory.code_range().start;
    let key = key_of(start).expect("this kernel tells keys");
    assert_ne!(key, 0);
    assert_eq!(memory.write_granule(), 64);
    memory.commit_data(memory.data_range().start..memory.data_range().start + page_size()).unwrap();
    assert_eq!(key_of(memory.data_range().start), Some(0));
    assert_eq!(key_of(start + 2 * page_size()), Some(0));
    let second = support::memory(Strategy::Pkey, 1);
    assert_eq!(key_of(second.code_range().start), Some(key));
}

/// While a thread writes one page after the other, a second one cannot write there, and runs
/// code in the same pages.
#[test]
fn only_the_thread_that_writes_can_write() {
    if !has_keys() {
        return;
    }
    const PAGES: usize = 64;
    let memory = memory(Strategy::Pkey, PAGES);
    let pages = code_pages(&memory, 0..PAGES);
    // At the end of each page, where the writer does not write.
    let ends: Vec<_> = pages.clone().step_by(page_size()).map(|at| at + page_size() - 64).collect();
    for end in &ends {
        put(&memory, *end, &returning(77)).unwrap();
    }
    let stop = AtomicBool::new(false);
    let written = AtomicU32::new(0);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for page in pages.clone().step_by(page_size()) {
                    put(&memory, page, &[0x90; 2048]).unwrap();
                    written.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let _stop = Stop(&stop);
        make_code_readable();
        let mut round = 0;
        while round < 20 || written.load(Ordering::Relaxed) < 10_000 {
            for end in &ends {
                assert!(!is_writable(end + 32));
                assert_eq!(run(*end), 77);
            }
            round += 1;
        }
    });
}

#[test]
fn a_thread_without_rights_may_execute_but_not_read() {
    if !has_keys() {
        return;
    }
    let ended = in_child(|| {
        let memory = memory(Strategy::Pkey, 1);
        let code = memory.code_range().start;
        put(&memory, code, &returning(6)).unwrap();
        forget_rights();
        assert_eq!(run(code), 6);
        // SAFETY: it is not: the child ends here.
        unsafe { ptr::with_exposed_provenance::<u8>(code).read_volatile() };
    });
    assert_eq!(ended, Ended::Killed(libc::SIGSEGV));
}

/// Leaves this thread what threads have at the start of a process: key 0 only.
fn forget_rights() {
    // SAFETY: only memory that has a key is concerned, and no object lies there.
    unsafe {
        std::arch::asm!("wrpkru", in("eax") 0x5555_5554, in("ecx") 0, in("edx") 0);
    }
}

#[test]
fn a_child_goes_on_with_its_copy() {
    if !has_keys() {
        return;
    }
    check_that_children_have_a_copy(&memory(Strategy::Pkey, 1));
}
