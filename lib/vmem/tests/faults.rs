//! Every call fails once, and then goes well: nothing has changed in between.
#![expect(clippy::unwrap_used, reason = "a failure here is the failure of a test")]

mod support;

use std::sync::atomic::{AtomicU64, Ordering};

use support::{
    BY_MAPPING, Ended, code_pages, in_child, mappings, planned, put, read, reason, request,
    returning, run, strategies,
};
use vmem::{CodeMemory, ErrorKind, FaultKind, FaultPlan, Result, Strategy, page_size};

/// What must be the same after a failure.
fn books(memory: &CodeMemory) -> [usize; 4] {
    [memory.committed_code(), memory.committed_data(), memory.file_blocks(), memory.mappings()]
}

/// Resources of the process that a failed reservation must have given back.
fn resources() -> (usize, usize) {
    let views = mappings().iter().filter(|mapping| mapping.is_code_file()).count();
    (views, std::fs::read_dir("/proc/self/fd").unwrap().count())
}

/// Tries steps again when they have failed as planned.
struct Steps {
    kind: FaultKind,
    failures: AtomicU64,
}

impl Steps {
    fn reserve(&self, make: impl Fn() -> Result<CodeMemory>) -> CodeMemory {
        let before = resources();
        make().unwrap_or_else(|error| {
            self.note(&error);
            assert_eq!(resources(), before, "a failed reservation leaves nothing behind");
            make().unwrap()
        })
    }

    fn step(&self, memory: &CodeMemory, work: impl Fn() -> Result<()>) {
        let before = books(memory);
        if let Err(error) = work() {
            self.note(&error);
            assert_eq!(books(memory), before, "after {error}");
            self.sealed(memory);
            work().unwrap();
        }
        self.sealed(memory);
    }

    /// Failed or not: committed code is executable, nothing of it writable by this thread.
    fn sealed(&self, memory: &CodeMemory) {
        let code = support::mappings_in(&memory.code_range());
        let open = |mapping: &support::Mapping| {
            let inside = mapping.range.start.max(memory.code_range().start);
            mapping.can('w') && support::is_writable(inside)
        };
        assert!(!code.iter().any(open), "{code:?}");
        let inside = |mapping: &support::Mapping| {
            let code = memory.code_range();
            mapping.range.end.min(code.end) - mapping.range.start.max(code.start)
        };
        let executable = code.iter().filter(|mapping| mapping.can('x')).map(inside).sum();
        assert_eq!(memory.committed_code(), executable);
    }

    fn note(&self, error: &vmem::Error) {
        assert_eq!(*error.kind(), ErrorKind::Fault { kind: self.kind });
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}

/// The life of a code memory; returns how many planned faults it has met.
fn scenario(strategy: Strategy, plan: &sync::Arc<FaultPlan>, kind: FaultKind) -> u64 {
    let steps = Steps { kind, failures: AtomicU64::new(0) };
    let memory = steps.reserve(|| CodeMemory::reserve(&planned(strategy, plan)));
    let (whole, start) = (code_pages(&memory, 0..4), memory.code_range().start);
    let data = memory.data_range();

    steps.step(&memory, || memory.commit_data(data.clone()));
    steps.step(&memory, || memory.commit_code(whole.clone()));
    steps.step(&memory, || put(&memory, start, &vec![0x90; whole.len()]));
    steps.step(&memory, || put(&memory, start, &returning(1)));
    steps.step(&memory, || memory.discard_code(start + page_size()..whole.end));
    assert_eq!(run(start), 1);
    let upper = code_pages(&memory, 2..4);
    steps.step(&memory, || memory.decommit_code(upper.clone()));
    // A failed decommit has kept the rest.
    assert_eq!(run(start), 1);
    steps.step(&memory, || memory.commit_code(upper.clone()));
    assert!(read(upper.clone()).iter().all(|byte| *byte == 0));
    steps.step(&memory, || put(&memory, upper.start, &returning(2)));
    assert_eq!((run(start), run(upper.start)), (1, 2));
    steps.step(&memory, || memory.decommit_data(data.clone()));
    steps.step(&memory, || memory.decommit_code(whole.clone()));
    assert_eq!(books(&memory)[..3], [0; 3]);
    steps.failures.into_inner()
}

/// The only test in this file that is not a child's, because it counts the process's resources.
#[test]
fn every_planned_fault_is_an_error_that_changes_nothing() {
    Strategy::Auto.resolve().unwrap();
    for strategy in strategies() {
        let counting = FaultPlan::new();
        let resources_before = resources();
        assert_eq!(scenario(strategy, &counting, FaultKind::Reserve), 0);
        for &kind in FaultKind::ALL {
            let calls = counting.calls(kind);
            assert_eq!(calls > 0, is_used(strategy, kind), "{strategy:?} {kind:?}");
            for nth in 1..=calls {
                let plan = FaultPlan::fail_nth(kind, nth);
                assert_eq!(scenario(strategy, &plan, kind), 1, "{strategy:?} {kind:?} {nth}");
            }
        }
        assert_eq!(resources(), resources_before);
    }
    limits_of_the_system_are_errors();
}

fn is_used(strategy: Strategy, kind: FaultKind) -> bool {
    match kind {
        FaultKind::File | FaultKind::Fork | FaultKind::Write => strategy == Strategy::File,
        FaultKind::Protect => strategy != Strategy::File,
        FaultKind::Thread => false,
        _ => true,
    }
}

/// Failures that are the kernel's, in children because limits stay.
fn limits_of_the_system_are_errors() {
    let limit = |resource, bytes| {
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
        // SAFETY: reads the limit.
        assert_eq!(unsafe { libc::setrlimit(resource, &raw const limit) }, 0);
    };
    let files = in_child(|| {
        limit(libc::RLIMIT_FSIZE, page_size() as u64);
        let refused = reason(CodeMemory::reserve(&request(Strategy::File)));
        let expected =
            ErrorKind::System { call: "ftruncate", wanted: 256 * page_size(), errno: libc::EFBIG };
        assert_eq!(refused, expected);
        support::memory(Strategy::Toggle, 1);
    });
    assert_eq!(files, Ended::Well);
    let descriptors = in_child(|| {
        limit(libc::RLIMIT_NOFILE, 0);
        let refused = reason(CodeMemory::reserve(&request(Strategy::File)));
        assert!(matches!(refused, ErrorKind::System { errno: libc::EMFILE, .. }));
    });
    assert_eq!(descriptors, Ended::Well);
    let space = in_child(|| {
        limit(libc::RLIMIT_AS, 1 << 20);
        for strategy in BY_MAPPING {
            let refused = reason(CodeMemory::reserve(&request(strategy)));
            assert!(matches!(refused, ErrorKind::System { errno: libc::ENOMEM, .. }));
        }
    });
    assert_eq!(space, Ended::Well);
}
