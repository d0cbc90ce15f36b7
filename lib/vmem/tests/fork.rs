//! Forked children.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use support::{
    Ended, Stop, check_that_children_have_a_copy, code_pages, in_child, mappings_in, memory, put,
    read, reason, returning, run, strategies,
};
use vmem::{ErrorKind, ForkGuard, Strategy, is_forked_child, page_size};

#[test]
fn file_not_shared_children_have_no_view_and_errors_instead() {
    let memory = memory(Strategy::File, 4);
    let start = memory.code_range().start;
    put(&memory, start, &returning(42)).unwrap();
    memory.commit_data(memory.data_range()).unwrap();
    let (committed, blocks) = (memory.committed_code(), memory.file_blocks());

    let ended = in_child(|| {
        assert!(is_forked_child() && memory.is_inherited());
        assert!(mappings_in(&memory.code_range()).is_empty());
        let page = code_pages(&memory, 0..1);
        let next = code_pages(&memory, 4..5);
        assert_eq!(reason(memory.write(start..start + 6)), ErrorKind::ForkedChild);
        assert_eq!(reason(memory.commit_code(next)), ErrorKind::ForkedChild);
        assert_eq!(reason(memory.decommit_code(page.clone())), ErrorKind::ForkedChild);
        assert_eq!(reason(memory.discard_code(page)), ErrorKind::ForkedChild);
        // Plain data is the child's own copy.
        // SAFETY: committed, and nobody else has the child's.
        unsafe { memory.data_base().write(1) };
    });

    assert_eq!(ended, Ended::Well);
    assert!(!is_forked_child() && !memory.is_inherited());
    assert_eq!((memory.committed_code(), memory.file_blocks()), (committed, blocks));
    assert_eq!(run(start), 42);
    assert_eq!(read(memory.data_range().start..memory.data_range().start + 1), [0]);
    put(&memory, start, &returning(43)).unwrap();
    assert_eq!(run(start), 43);
}

#[test]
fn file_not_shared_running_inherited_code_faults() {
    let memory = memory(Strategy::File, 1);
    let start = memory.code_range().start;
    put(&memory, start, &returning(42)).unwrap();
    let ended = in_child(|| {
        run(start);
    });
    assert_eq!(ended, Ended::Killed(libc::SIGSEGV));
}

#[test]
fn file_not_shared_a_scope_that_was_open_writes_nothing_in_the_child() {
    let memory = memory(Strategy::File, 1);
    let start = memory.code_range().start;
    put(&memory, start, &returning(1)).unwrap();
    let mut scope = memory.write(start..start + 6).unwrap();
    scope.bytes().copy_from_slice(&returning(2));
    let mut scope = Some(scope);
    let ended = in_child(|| {
        assert_eq!(reason(scope.take().unwrap().finish()), ErrorKind::ForkedChild);
    });
    assert_eq!(ended, Ended::Well);
    assert_eq!(run(start), 1);
    scope.unwrap().finish().unwrap();
    assert_eq!(run(start), 2);
}

/// The child's hole may have been filled by something else when the memory is dropped.
#[test]
fn file_not_shared_dropping_in_the_child_unmaps_nothing_of_others() {
    let memory = memory(Strategy::File, 1);
    let code = memory.code_range();
    put(&memory, code.start, &returning(5)).unwrap();
    let mut memory = Some(memory);
    let ended = in_child(|| {
        let place = std::ptr::without_provenance_mut(code.start);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
        // SAFETY: replaces nothing.
        let other = unsafe { libc::mmap(place, page_size(), libc::PROT_READ, flags, -1, 0) };
        assert_eq!(other, place, "there is a hole");
        drop(memory.take());
        assert_eq!(mappings_in(&code).len(), 1);
    });
    assert_eq!(ended, Ended::Well);
    assert_eq!(run(code.start), 5);
}

#[test]
fn toggle_children_have_a_copy() {
    check_that_children_have_a_copy(&memory(Strategy::Toggle, 2));
}

#[test]
fn children_can_make_code_memory_of_their_own() {
    for strategy in strategies() {
        let parents = memory(Strategy::File, 1);
        let ended = in_child(|| {
            let own = memory(strategy, 1);
            assert!(is_forked_child() && parents.is_inherited() && !own.is_inherited());
            let start = own.code_range().start;
            put(&own, start, &returning(3)).unwrap();
            assert_eq!(run(start), 3);
            // And a grandchild is neither of both.
            let ended = in_child(|| {
                assert!(is_forked_child() && parents.is_inherited());
                assert_eq!(own.is_inherited(), strategy == Strategy::File);
                let third = memory(strategy, 1);
                assert!(!third.is_inherited() && parents.is_inherited());
                assert_eq!(own.is_inherited(), strategy == Strategy::File);
            });
            assert_eq!(ended, Ended::Well);
        });
        assert_eq!(ended, Ended::Well);
    }
}

#[test]
fn fork_first_guards_know_their_process() {
    let guard = ForkGuard::new().unwrap();
    assert!(!guard.is_inherited() && !is_forked_child());
    let ended = in_child(|| {
        assert!(guard.is_inherited() && is_forked_child());
        let own = ForkGuard::new().unwrap();
        assert!(guard.is_inherited() && !own.is_inherited() && is_forked_child());
    });
    assert_eq!(ended, Ended::Well);
    assert!(!guard.is_inherited() && !ForkGuard::new().unwrap().is_inherited());
}

#[test]
fn forking_while_other_threads_write_leaves_the_parent_alone() {
    let memory = memory(Strategy::File, 8);
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let start = memory.code_range().start;
            let mut value = 0;
            while !stop.load(Ordering::Relaxed) {
                put(&memory, start, &returning(value)).unwrap();
                assert_eq!(run(start), value);
                value += 1;
            }
        });
        let _stop = Stop(&stop);
        let page = code_pages(&memory, 4..5);
        for _ in 0..100 {
            let ended = in_child(|| {
                assert!(memory.is_inherited());
                assert_eq!(reason(memory.write(page.clone())), ErrorKind::ForkedChild);
            });
            assert_eq!(ended, Ended::Well);
        }
    });
}
