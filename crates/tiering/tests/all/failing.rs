//! Compilers that fail and panic: an error for the caller, counted, and tried again.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use codespace::{FaultKind, FaultPlan, Tier, Unit};
use tierup_abi::MemoryMode;
use tierup_compile::{
    CompileError, CompileErrorKind, Compiled, Compiler, Request, Settings, Trivial,
};
use tierup_tiering::{CompileCounters, FunctionCompiler, Threads, Validation, Validity};
use tierup_wasm::DefinedFunc;

use crate::support::{Small, of, small};

/// Fails, panics, panics with a number, then works; again for each function.
#[derive(Debug, Default)]
struct Moody {
    calls: AtomicU64,
    /// Calls that do not work.
    failing: u64,
}

impl Compiler for Moody {
    fn name(&self) -> &'static str {
        "moody"
    }

    fn tier(&self) -> Tier {
        Tier::Optimized
    }

    fn compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        match call % 3 {
            _ if self.failing <= call => Trivial.compile(request),
            0 => Err(CompileErrorKind::Internal { message: "moody".to_owned() }.into()),
            1 => panic!("panic on purpose"),
            _ => std::panic::panic_any(7),
        }
    }
}

struct Fixture {
    subject: Arc<Small>,
    unit: Arc<Unit>,
    counters: Arc<CompileCounters>,
    compiler: FunctionCompiler,
}

impl Fixture {
    fn new(failing: u64) -> Self {
        Self::with(small(100), failing)
    }

    fn with((subject, unit): (Arc<Small>, Arc<Unit>), failing: u64) -> Self {
        let counters = Arc::<CompileCounters>::default();
        let compiler = Moody { failing, ..Moody::default() };
        let settings = Settings { memory_mode: MemoryMode::Guard, ..Settings::default() };
        let compiler = FunctionCompiler::new(
            Arc::new(compiler),
            settings,
            Arc::new(Validity::new(Validation::AtCompile, 100)),
            Arc::clone(&counters),
        );
        Self { subject, unit, counters, compiler }
    }
}

#[test]
fn failures_and_panics_are_errors_that_are_counted_and_not_remembered() {
    let fixture = Fixture::new(3);
    let compile = || fixture.compiler.compile_now(&*fixture.subject, DefinedFunc(4));
    for (count, message) in [(1, "moody"), (2, "panic on purpose"), (3, "the compiler panicked")] {
        let error = compile().unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        assert_eq!((fixture.counters.failed(), fixture.counters.lazy()), (count, 0));
        assert!(fixture.unit.tier(4).is_none());
    }
    compile().unwrap();
    compile().unwrap();
    assert_eq!(fixture.unit.tier(4), Some(Tier::Optimized));
    assert_eq!((fixture.counters.failed(), fixture.counters.lazy()), (3, 1));
    assert_eq!(fixture.counters.tier(Tier::Optimized).functions, 1);
}

#[test]
fn whoever_waits_for_a_compile_that_fails_tries_itself() {
    for _ in 0..50 {
        let fixture = Fixture::new(3);
        let errors = AtomicU64::new(0);
        sync::hammer(4, 1, |_, _| {
            if fixture.compiler.compile_now(&*fixture.subject, DefinedFunc(0)).is_err() {
                errors.fetch_add(1, Ordering::Relaxed);
            }
        });
        // Three calls fail, and the fourth thread finds a compiler that works.
        assert_eq!((errors.into_inner(), fixture.counters.failed()), (3, 3));
        assert_eq!(fixture.counters.tier(Tier::Optimized).functions, 1);
    }
}

#[test]
fn compiling_all_does_with_the_threads_that_there_are() {
    for refused in 1..=3 {
        let fixture = Fixture::new(0);
        let plan = FaultPlan::fail_nth(FaultKind::Thread, refused);
        let threads = Threads::new(Some(Arc::clone(&plan)));
        let count = NonZeroUsize::new(4).unwrap();
        fixture.compiler.compile_all(&*fixture.subject, count, &threads).unwrap();
        assert_eq!(plan.calls(FaultKind::Thread), refused);
        assert_eq!(fixture.counters.tier(Tier::Optimized).functions, 100);
    }
}

#[test]
fn compiling_all_reports_the_first_failure_and_compiles_the_rest() {
    for threads in [1, 4] {
        let fixture = Fixture::new(10);
        let threads = NonZeroUsize::new(threads).unwrap();
        let (first, _) = fixture
            .compiler
            .compile_all(&*fixture.subject, threads, &Threads::default())
            .unwrap_err();
        let missing: Vec<_> =
            (0..100).filter(|&function| fixture.unit.tier(function).is_none()).collect();
        assert_eq!((missing.len(), missing[0]), (10, first.0));
        assert_eq!(fixture.counters.failed(), 10);
        // The next attempt compiles what is missing, and only that.
        fixture.compiler.compile_all(&*fixture.subject, threads, &Threads::default()).unwrap();
        assert_eq!(fixture.counters.tier(Tier::Optimized).functions, 100);
    }
}

#[test]
fn what_the_first_compiler_fails_at_the_fallback_does() {
    // An error, a panic with a text and one without.
    let fixture = Fixture::new(3);
    let counters = Arc::clone(&fixture.counters);
    let compiler = fixture.compiler.with_fallback(Some(Arc::new(Trivial)));
    for function in (0..4).map(DefinedFunc) {
        compiler.compile_now(&*fixture.subject, function).unwrap();
    }
    let tiers: Vec<_> = (0..4).map(|function| fixture.unit.tier(function).unwrap()).collect();
    assert_eq!(tiers, [Tier::Baseline, Tier::Baseline, Tier::Baseline, Tier::Optimized]);
    assert_eq!((counters.failed(), counters.bailouts(), counters.lazy()), (3, 3, 4));
    let names: Vec<_> = counters.failures().into_iter().map(|it| it.name.unwrap()).collect();
    assert_eq!(names, ["small-0", "small-1", "small-2"]);
    let reasons = counters.bailout_reasons();
    assert!(reasons.contains(&("compiler failure: panic on purpose".to_owned(), 1)), "{reasons:?}");
}

#[test]
fn the_fallback_gets_no_body_that_a_failure_left_unvalidated() {
    let invalid = of("(func (param i32) (result i32) (i64.const 5))", 3);
    let fixture = Fixture::with(invalid, 3);
    let compiler = fixture.compiler.with_fallback(Some(Arc::new(Trivial)));
    for function in (0..3).map(DefinedFunc) {
        let error = compiler.compile_now(&*fixture.subject, function).unwrap_err();
        assert!(matches!(error.kind(), CompileErrorKind::Invalid { .. }), "{error}");
    }
}
