//! Code by both strategies: written, run, discarded, given back, written again.

mod support;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use support::{
    Stop, code_pages, mappings_in, memory, put, read, reason, request, returning, run, strategies,
};
use vmem::{CodeMemory, CodeRequest, ErrorKind, Strategy, TRAP_BYTE, page_size, sync_cores};

#[test]
fn auto_finds_a_strategy_that_runs() {
    let memory = memory(Strategy::Auto, 1);
    assert_ne!(memory.strategy(), Strategy::Auto);
    assert_eq!(memory.strategy(), Strategy::Auto.resolve().unwrap());
    let start = memory.code_range().start;
    put(&memory, start, &returning(1234)).unwrap();
    assert_eq!(run(start), 1234);
}

#[test]
fn both_strategies_write_code_that_runs() {
    for strategy in strategies() {
        let memory = memory(strategy, 3);
        assert_eq!(memory.strategy(), strategy);
        let start = memory.code_range().start;
        // One scope across page boundaries, with several functions in it.
        let range = code_pages(&memory, 0..3);
        let mut scope = memory.write(range.clone()).unwrap();
        assert_eq!(scope.range(), range);
        assert!(scope.bytes().iter().all(|byte| *byte == TRAP_BYTE));
        for offset in (0..range.len()).step_by(64) {
            scope.bytes()[offset..offset + 6].copy_from_slice(&returning(offset as u32));
        }
        scope.finish().unwrap();
        for offset in (0..range.len()).step_by(64) {
            assert_eq!(run(start + offset), offset as u32, "{strategy:?}");
        }
        assert_eq!(read(start + 6..start + 64), [TRAP_BYTE; 58]);
    }
}

#[test]
fn granules_fit_the_strategies() {
    assert_eq!(memory(Strategy::File, 1).write_granule(), 64);
    assert_eq!(memory(Strategy::Toggle, 1).write_granule(), page_size());
}

#[test]
fn parts_are_where_they_were_wanted() {
    for strategy in strategies() {
        for align in [1, 1 << 31] {
            let request = CodeRequest { align, data_bytes: 1, ..request(strategy) };
            let memory = CodeMemory::reserve(&request).unwrap();
            let (data, code) = (memory.data_range(), memory.code_range());
            assert!(data.start.is_multiple_of(align));
            assert_eq!(data.start, memory.data_base().addr());
            assert_eq!((data.len(), data.end), (page_size(), code.start));
            assert_eq!(code.len(), request.code_bytes);
        }
        let request = CodeRequest { data_bytes: 0, ..request(strategy) };
        let memory = CodeMemory::reserve(&request).unwrap();
        assert!(memory.data_range().is_empty() && memory.data_base().is_null());
        assert!(matches!(reason(memory.commit_data(0..1)), ErrorKind::OutOfRange { .. }));
    }
}

#[test]
fn data_is_writable_where_committed() {
    for strategy in strategies() {
        let memory = memory(strategy, 1);
        let data = memory.data_range();
        let first = data.start..data.start + page_size();
        memory.commit_data(first.clone()).unwrap();
        assert_eq!(memory.committed_data(), page_size());
        // SAFETY: committed, and nobody else has it.
        unsafe { memory.data_base().write(5) };
        assert_eq!(read(data.start..data.start + 2), [5, 0]);
        assert!(!support::is_writable(first.end));
        memory.decommit_data(first.clone()).unwrap();
        memory.commit_data(first).unwrap();
        assert_eq!(read(data.start..data.start + 2), [0, 0]);
    }
}

#[test]
fn a_dropped_scope_writes_nothing() {
    for strategy in strategies() {
        let memory = memory(strategy, 1);
        let start = memory.code_range().start;
        put(&memory, start, &returning(1)).unwrap();
        let mut scope = memory.write(start..start + 6).unwrap();
        scope.bytes().copy_from_slice(&returning(2));
        drop(scope);
        assert_eq!(run(start), 1);
        put(&memory, start, &returning(3)).unwrap();
        assert_eq!(run(start), 3);
    }
}

#[test]
fn discarded_code_is_traps_and_stays_committed() {
    for strategy in strategies() {
        let memory = memory(strategy, 40);
        let start = memory.code_range().start;
        let range = code_pages(&memory, 0..40);
        put(&memory, start, &vec![0x90; range.len()]).unwrap();
        memory.discard_code(start..start + 64).unwrap();
        assert_eq!(read(start..start + 65), [&[TRAP_BYTE; 64][..], &[0x90]].concat());
        // More than one piece.
        memory.discard_code(start + 1..range.end - 1).unwrap();
        assert!(read(start..range.end - 1).iter().all(|byte| *byte == TRAP_BYTE));
        assert_eq!(read(range.end - 1..range.end), [0x90]);
        assert_eq!(memory.committed_code(), range.len());
    }
}

#[test]
fn decommitting_gives_memory_back_and_committing_again_reads_zeros() {
    for strategy in strategies() {
        let memory = memory(strategy, 64);
        let whole = code_pages(&memory, 0..64);
        put(&memory, whole.start, &vec![0x90; whole.len()]).unwrap();
        assert_eq!(memory.file_blocks(), whole.len());
        let middle = code_pages(&memory, 16..48);
        memory.decommit_code(middle.clone()).unwrap();
        assert_eq!(memory.file_blocks(), whole.len() / 2, "{strategy:?}");
        assert_eq!(memory.committed_code(), whole.len() / 2);
        assert!(matches!(reason(memory.write(middle.clone())), ErrorKind::NotCommitted { .. }));
        if strategy == Strategy::Toggle {
            assert_eq!(support::resident_pages(whole.clone()), 32);
        }

        memory.commit_code(middle.clone()).unwrap();
        assert!(read(middle.clone()).iter().all(|byte| *byte == 0));
        assert!(read(whole.start..middle.start).iter().all(|byte| *byte == 0x90));
        put(&memory, middle.start, &returning(77)).unwrap();
        assert_eq!(run(middle.start), 77);
    }
}

#[test]
fn what_is_not_committed_is_not_readable() {
    for strategy in strategies() {
        let memory = memory(strategy, 4);
        memory.decommit_code(code_pages(&memory, 1..2)).unwrap();
        for mapping in mappings_in(&memory.code_range()) {
            let start = mapping.range.start.max(memory.code_range().start);
            let page = (start - memory.code_range().start) / page_size();
            let committed = if strategy == Strategy::Pkey { "rwx" } else { "r-x" };
            let expected = if page == 0 || page == 2 { committed } else { "---" };
            assert!(mapping.access.starts_with(expected), "{strategy:?} {page}: {mapping:?}");
        }
    }
}

#[test]
fn mappings_are_estimated_from_above() {
    for strategy in strategies() {
        let memory = memory(strategy, 0);
        for page in (0..100).step_by(2) {
            memory.commit_code(code_pages(&memory, page..page + 1)).unwrap();
        }
        memory.commit_data(memory.data_range()).unwrap();
        let whole = memory.data_range().start..memory.code_range().end;
        let real = mappings_in(&whole).len();
        assert!((100..=memory.mappings()).contains(&real), "{real} of {}", memory.mappings());
    }
}

#[test]
fn wrong_requests_are_errors() {
    for strategy in strategies() {
        let memory = memory(strategy, 4);
        let code = memory.code_range();
        let whole = code_pages(&memory, 0..4);
        let outside = code.start - 64..code.start;
        assert!(matches!(reason(memory.write(outside)), ErrorKind::OutOfRange { .. }));
        assert!(matches!(reason(memory.write(code.clone())), ErrorKind::NotCommitted { .. }));
        assert!(matches!(reason(memory.discard_code(code)), ErrorKind::NotCommitted { .. }));
        let committed = memory.commit_code(whole.clone());
        assert!(matches!(reason(committed), ErrorKind::AlreadyCommitted { .. }));
        let odd = memory.decommit_code(whole.start..whole.start + 64);
        assert!(matches!(reason(odd), ErrorKind::Misaligned { .. }));

        let scope = memory.write(whole.start + 64..whole.start + 128).unwrap();
        let second = memory.write(whole.start + 127..whole.start + 256);
        assert!(matches!(reason(second), ErrorKind::Busy { .. }));
        assert!(matches!(reason(memory.decommit_code(whole.clone())), ErrorKind::Busy { .. }));
        drop(scope);
        memory.write(whole.start..whole.start).unwrap().finish().unwrap();
        memory.decommit_code(whole).unwrap();
    }
    let too_large = CodeRequest { code_bytes: (2 << 30) - 1, ..request(Strategy::Auto) };
    assert!(matches!(reason(CodeMemory::reserve(&too_large)), ErrorKind::BadRequest { .. }));
    let nothing = CodeRequest { code_bytes: 0, ..request(Strategy::Auto) };
    assert!(matches!(reason(CodeMemory::reserve(&nothing)), ErrorKind::BadRequest { .. }));
}

#[test]
fn two_gigabytes_cost_nothing_until_they_are_used() {
    for strategy in strategies() {
        let request = CodeRequest {
            data_bytes: 1 << 20,
            code_bytes: (2 << 30) - (1 << 20),
            align: 2 << 30,
            strategy,
            faults: None,
        };
        let memory = CodeMemory::reserve(&request).unwrap();
        assert_eq!(memory.file_blocks(), 0);
        let last = memory.code_range().end - page_size();
        memory.commit_code(last..memory.code_range().end).unwrap();
        put(&memory, last + page_size() - 6, &returning(5)).unwrap();
        assert_eq!(run(last + page_size() - 6), 5);
        assert_eq!(memory.file_blocks(), page_size());
    }
}

#[test]
fn code_runs_while_other_pages_are_written_and_given_back() {
    for strategy in strategies() {
        let memory = memory(strategy, 1);
        let start = memory.code_range().start;
        put(&memory, start, &returning(99)).unwrap();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let runner = scope.spawn(|| {
                let mut calls = 0u64;
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(run(start), 99);
                    calls += 1;
                }
                calls
            });
            let stopping = Stop(&stop);
            let next = code_pages(&memory, 1..5);
            for round in 0..2_000 {
                memory.commit_code(next.clone()).unwrap();
                put(&memory, next.start, &returning(round)).unwrap();
                put(&memory, next.start + page_size() - 3, &returning(round + 1)).unwrap();
                assert_eq!(run(next.start), round);
                memory.decommit_code(next.clone()).unwrap();
            }
            drop(stopping);
            assert!(runner.join().unwrap() > 0);
        });
    }
}

/// The road of a freed range: other code is written where another core has run code before.
#[test]
fn reused_addresses_run_the_new_code_on_other_cores() {
    for strategy in strategies() {
        let memory = memory(strategy, 1);
        let start = memory.code_range().start;
        let (published, seen) = (AtomicU32::new(0), AtomicU32::new(0));
        let stop = AtomicBool::new(false);
        // Acquire pairs with the other thread's store. False if the other thread has ended.
        let wait = |value: &AtomicU32, round| loop {
            if value.load(Ordering::Acquire) == round {
                break true;
            }
            // The last thing that it did before it ended counts.
            if stop.load(Ordering::Acquire) {
                break value.load(Ordering::Acquire) == round;
            }
            std::thread::yield_now();
        };
        const ROUNDS: u32 = 2_000;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _stop = Stop(&stop);
                for round in 1..=ROUNDS {
                    if !wait(&published, round) {
                        break;
                    }
                    assert_eq!(run(start), round);
                    seen.store(round, Ordering::Release);
                }
            });
            let _stop = Stop(&stop);
            for round in 1..=ROUNDS {
                put(&memory, start, &returning(round)).unwrap();
                sync_cores().unwrap();
                published.store(round, Ordering::Release);
                assert!(wait(&seen, round));
            }
        });
    }
}

/// Ranges share pages on purpose: scopes must not close each other's window.
#[test]
fn hammer_scopes_of_neighbours_are_open_at_once() {
    for strategy in strategies() {
        let memory = memory(strategy, 1);
        let start = memory.code_range().start;
        sync::hammer(4, 500, |thread, round| {
            let at = start + (thread * 4 + round % 4) * 64;
            let value = (thread * 1000 + round) as u32;
            put(&memory, at, &returning(value)).unwrap();
            assert_eq!(read(at..at + 6), returning(value));
        });
        for thread in 0..4 {
            assert_eq!(run(start + thread * 256 + 192), (thread * 1000 + 499) as u32);
        }
    }
}
