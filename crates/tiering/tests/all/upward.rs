//! From the first tier to the second: when, once, and what happens when it does not work.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, OnceLock, Weak,
        atomic::Ordering,
        mpsc::{Receiver, Sender},
    },
    time::{Duration, Instant},
};

use codespace::{Draft, Filter, Installed, Tier, Unit};
use tierup_abi::InstanceLayout;
use tierup_compile::{
    CompileError, CompileErrorKind, Compiled, Compiler, Limits, Request, Settings, Trivial,
};
use tierup_tiering::{
    CompileCounters, ModuleTiering, NUMBERS, Next, Plan, Policy, Pool, PoolLoad, Spent, Subject,
    Threads, TierUpCounts, Validation,
};
use tierup_wasm::{DefinedFunc, Module};

use crate::support::{Barrier, Second, Small, small};

const F: DefinedFunc = DefinedFunc(3);
const LARGEST: i32 = NUMBERS.largest_slice as i32;
const IDLE: Spent = Spent { slice: LARGEST, tier_up: false, replace: None, next: Next::Own };

struct Fixture {
    unit: Arc<Unit>,
    tiering: Arc<ModuleTiering>,
    counters: Arc<CompileCounters>,
}

/// Functions are looked at every `budget` units. Without `pool` on this thread.
fn fixture(second: Arc<dyn Compiler>, budget: u64, pool: Option<&Pool>) -> Fixture {
    let (subject, unit) = small(100);
    fixture_of((subject, unit), second, budget, pool)
}

fn fixture_of(
    (subject, unit): (Arc<dyn Subject>, Arc<Unit>),
    second: Arc<dyn Compiler>,
    budget: u64,
    pool: Option<&Pool>,
) -> Fixture {
    let counters = Arc::<CompileCounters>::default();
    let plan = Plan {
        first: Arc::new(Trivial),
        fallback: None,
        second: Some(second),
        settings: Settings::default(),
        limits: Limits::NONE,
        validation: Validation::Done,
        policy: Policy::new(budget),
        pool: pool.map(Pool::handle),
        threads: Threads::default(),
        counters: Arc::clone(&counters),
    };
    let tiering = ModuleTiering::new(plan, subject, 100);
    Fixture { unit, tiering, counters }
}

/// A second compiler that waits before each function.
struct Held {
    compiler: Arc<dyn Compiler>,
    barrier: Arc<Barrier>,
    /// Tells which function it waits with.
    reached: Receiver<DefinedFunc>,
    /// Lets it go on.
    open: Sender<()>,
}

impl Held {
    fn new() -> Self {
        let (barrier, reached, open) = Barrier::new();
        let second = Arc::clone(&barrier);
        let compiler = Second(move |function| {
            second.pass(function);
            Ok(())
        });
        Self { compiler: Arc::new(compiler), barrier, reached, open }
    }
}

fn always(result: fn() -> Result<(), CompileError>) -> Arc<dyn Compiler> {
    Arc::new(Second(move |_| result()))
}

fn wait_until(mut done: impl FnMut() -> bool) {
    // No machine is so slow.
    let end = Instant::now() + Duration::from_mins(10);
    while !done() {
        assert!(Instant::now() < end, "it takes too long");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_function_tiers_up_when_it_has_earned_it() {
    let fixture = fixture(always(|| Ok(())), NUMBERS.budget, None);
    fixture.tiering.compile_now(F).unwrap();
    assert_eq!(fixture.unit.tier(3), Some(Tier::Baseline));
    let (mut heat, mut slice) = (0, 0);
    let tier_up = loop {
        let spent = fixture.tiering.budget_spent(F, slice as u32);
        heat += slice as u64;
        slice = spent.slice;
        assert!(0 < slice && slice <= LARGEST);
        if spent.tier_up {
            break heat;
        }
        // 40 ms of work, before which nothing is optimized.
        assert!(heat < 150 * NUMBERS.budget);
    };
    assert_eq!(tier_up % NUMBERS.budget, 0, "slices end where it is looked at");
    fixture.tiering.tier_up(F).unwrap();
    assert_eq!(fixture.unit.tier(3), Some(Tier::Optimized));
    // Old frames still report, and get what lets them run.
    let spent = fixture.tiering.budget_spent(F, u32::MAX);
    assert_eq!(spent, IDLE);
    fixture.tiering.tier_up(F).unwrap();
    let counts = TierUpCounts { done: 1, ..TierUpCounts::default() };
    assert_eq!(fixture.counters.tier_ups(), counts);
}

#[test]
fn workers_do_it_in_the_background_once() {
    let pool = Pool::new(2);
    let fixture = fixture(always(|| Ok(())), 1, Some(&pool));
    fixture.tiering.compile_all(NonZeroUsize::MIN).unwrap();
    sync::hammer(4, 300, |_, round| {
        let spent = fixture.tiering.budget_spent(DefinedFunc(round as u32 % 100), 10);
        assert!(!spent.tier_up && 0 < spent.slice);
    });
    wait_until(|| pool.load().running + pool.load().waiting == 0);
    assert_eq!(fixture.counters.tier(Tier::Optimized).functions, 100);
    let counts = TierUpCounts { queued: 100, done: 100, failed: 0, discarded: 0 };
    assert_eq!(fixture.counters.tier_ups(), counts);
    assert_eq!(fixture.unit.stats().optimized.count, 100);
}

#[test]
fn without_a_second_tier_nothing_happens() {
    let (subject, _unit) = small(5);
    let plan = Plan {
        first: Arc::new(Trivial),
        fallback: None,
        second: None,
        settings: Settings::default(),
        limits: Limits::NONE,
        validation: Validation::Done,
        policy: Policy::new(1),
        pool: None,
        threads: Threads::default(),
        counters: Arc::default(),
    };
    let tiering = ModuleTiering::new(plan, subject, 5);
    let spent = tiering.budget_spent(F, u32::MAX);
    assert_eq!(spent, IDLE);
    tiering.tier_up_all().unwrap();
    assert!((0..5).all(|function| _unit.tier(function) == Some(Tier::Baseline)));
}

#[test]
fn what_the_first_compiler_cannot_do_the_fallback_does() {
    #[derive(Debug)]
    struct Unable;
    impl Compiler for Unable {
        fn name(&self) -> &'static str {
            "unable"
        }
        fn tier(&self) -> Tier {
            Tier::Baseline
        }
        fn compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
            let what = format!("function {}", request.function.0 % 2);
            Err(CompileErrorKind::Unsupported { what, offset: 0 }.into())
        }
    }
    let (subject, unit) = small(5);
    let counters = Arc::<CompileCounters>::default();
    let plan = Plan {
        first: Arc::new(Unable),
        fallback: Some(always(|| Ok(()))),
        second: None,
        settings: Settings::default(),
        limits: Limits::NONE,
        validation: Validation::Done,
        policy: Policy::new(1),
        pool: None,
        threads: Threads::default(),
        counters: Arc::clone(&counters),
    };
    let tiering = ModuleTiering::new(plan, subject, 5);
    tiering.compile_all(NonZeroUsize::MIN).unwrap();
    assert!((0..5).all(|function| unit.tier(function) == Some(Tier::Optimized)));
    assert_eq!((counters.bailouts(), counters.failed()), (5, 0));
    let reasons = [("function 0".to_owned(), 3), ("function 1".to_owned(), 2)];
    assert_eq!(counters.bailout_reasons(), reasons);
}

#[test]
fn failures_panics_and_limits_are_counted_and_never_tried_again() {
    let failing: [fn() -> Result<(), CompileError>; 4] = [
        || Err(CompileErrorKind::Internal { message: "moody".to_owned() }.into()),
        || panic!("on purpose"),
        || Err(CompileErrorKind::TooLarge { limit: "a limit" }.into()),
        || Err(CompileErrorKind::TooLong { phase: "a phase" }.into()),
    ];
    let messages = ["moody", "on purpose", "a limit", "longer than it may (stopped at a phase)"];
    for (fail, message) in failing.into_iter().zip(messages) {
        for workers in [0, 2] {
            let pool = (workers != 0).then(|| Pool::new(workers));
            let fixture = fixture(always(fail), 1, pool.as_ref());
            fixture.tiering.compile_now(F).unwrap();
            if fixture.tiering.budget_spent(F, 10).tier_up {
                fixture.tiering.tier_up(F).unwrap_err();
            }
            wait_until(|| fixture.counters.tier_ups().failed == 1);
            let load = || pool.as_ref().map(Pool::load).unwrap_or_default();
            wait_until(|| load().running == 0);
            for _ in 0..10 {
                let spent = fixture.tiering.budget_spent(F, 1 << 30);
                assert_eq!(spent, IDLE);
            }
            assert_eq!(load().waiting, 0);
            assert_eq!(
                (fixture.counters.failed(), fixture.unit.tier(3)),
                (1, Some(Tier::Baseline))
            );
            let failures = fixture.counters.failures();
            assert_eq!((failures[0].function, failures[0].tier), (3, Tier::Optimized));
            assert_eq!(failures[0].name.as_deref(), Some("small-3"));
            assert!(failures[0].message.contains(message), "{failures:?}");
        }
    }
}

#[test]
fn code_that_was_taken_away_starts_from_below() {
    let fixture = fixture(always(|| Ok(())), 1, None);
    for round in 1..=3 {
        fixture.tiering.compile_now(F).unwrap();
        assert_eq!(fixture.unit.tier(3), Some(Tier::Baseline), "round {round}");
        assert!(fixture.tiering.budget_spent(F, 10).tier_up);
        fixture.tiering.tier_up(F).unwrap();
        assert_eq!(fixture.counters.tier_ups().done, round);
        assert_eq!(fixture.unit.remove(Filter::All).functions, 1);
    }
}

/// Its functions lose optimized code, and are called again, before whoever installed it goes on.
#[derive(Debug)]
struct Fleeting {
    inner: Arc<Small>,
    unit: Arc<Unit>,
    tiering: OnceLock<Weak<ModuleTiering>>,
}

impl Subject for Fleeting {
    fn unit(&self) -> u64 {
        self.inner.unit()
    }

    fn module(&self) -> &Module {
        self.inner.module()
    }

    fn layout(&self) -> &InstanceLayout {
        self.inner.layout()
    }

    fn name(&self, function: DefinedFunc) -> Option<String> {
        self.inner.name(function)
    }

    fn tier(&self, function: DefinedFunc) -> Option<Tier> {
        self.inner.tier(function)
    }

    fn suspend(&self, function: DefinedFunc) {
        self.inner.suspend(function);
    }

    fn is_suspended(&self, function: DefinedFunc) -> bool {
        self.inner.is_suspended(function)
    }

    fn replaces(&self, function: DefinedFunc, position: u32) -> bool {
        self.inner.replaces(function, position)
    }

    fn assumptions(&self) -> Option<u64> {
        self.inner.assumptions()
    }

    fn install(&self, drafts: Vec<Draft>) -> codespace::Result<Option<Vec<Installed>>> {
        let is_optimized = drafts[0].tier == Tier::Optimized;
        let installed = self.inner.install(drafts)?;
        if is_optimized {
            assert_eq!(self.unit.remove_function(F.0).functions, 1);
            self.tiering.get().unwrap().upgrade().unwrap().compile_now(F).unwrap();
        }
        Ok(installed)
    }
}

#[test]
fn jo_outlived_code_that_goes_before_its_job_ends_can_come_back() {
    for workers in [0, 1] {
        let (inner, unit) = small(100);
        let subject =
            Arc::new(Fleeting { inner, unit: Arc::clone(&unit), tiering: OnceLock::new() });
        let pool = (workers != 0).then(|| Pool::new(workers));
        let subjects = (Arc::clone(&subject) as _, unit);
        let fixture = fixture_of(subjects, always(|| Ok(())), 1, pool.as_ref());
        subject.tiering.set(Arc::downgrade(&fixture.tiering)).unwrap();
        fixture.tiering.compile_now(F).unwrap();
        for round in 1..=3 {
            let here = fixture.tiering.budget_spent(F, 10).tier_up;
            assert_eq!(here, workers == 0, "round {round}");
            if here {
                fixture.tiering.tier_up(F).unwrap();
            }
            wait_until(|| fixture.counters.tier_ups().done == round);
            wait_until(|| pool.as_ref().is_none_or(|pool| pool.load().running == 0));
            assert_eq!(fixture.unit.tier(3), Some(Tier::Baseline), "round {round}");
        }
    }
}

#[test]
fn a_function_whose_code_goes_while_it_waits_is_left_alone() {
    let pool = Pool::new(1);
    let Held { compiler, reached, open, .. } = Held::new();
    let fixture = fixture(compiler, 1, Some(&pool));
    for function in [DefinedFunc(0), F] {
        fixture.tiering.compile_now(function).unwrap();
        fixture.tiering.budget_spent(function, 10);
    }
    assert_eq!(reached.recv().unwrap(), DefinedFunc(0));
    fixture.unit.remove_function(3);
    open.send(()).unwrap();
    wait_until(|| pool.load().running + pool.load().waiting == 0);
    let counts = TierUpCounts { queued: 2, done: 1, failed: 0, discarded: 1 };
    assert_eq!(fixture.counters.tier_ups(), counts);
    // And it can rise again.
    fixture.tiering.compile_now(F).unwrap();
    fixture.tiering.budget_spent(F, 10);
    open.send(()).unwrap();
    wait_until(|| fixture.unit.tier(3) == Some(Tier::Optimized));
}

#[test]
fn a_unit_that_dies_while_a_worker_compiles_discards_the_result() {
    let pool = Pool::new(1);
    let Held { compiler, barrier, reached, open } = Held::new();
    let Fixture { unit, tiering, counters } = fixture(compiler, 1, Some(&pool));
    for function in (0..10).map(DefinedFunc) {
        tiering.compile_now(function).unwrap();
        tiering.budget_spent(function, 10);
    }
    reached.recv().unwrap();
    let manager = unit.manager().clone();
    drop((unit, tiering));
    assert_eq!(manager.stats().units, 0);
    open.send(()).unwrap();
    wait_until(|| pool.load() == PoolLoad { threads: 1, ..PoolLoad::default() });
    assert_eq!(barrier.passed.load(Ordering::Relaxed), 1);
    assert_eq!((counters.tier_ups().done, counters.tier_ups().discarded), (0, 1));
}

#[test]
fn what_a_compiler_relied_on_has_changed() {
    let pool = Pool::new(1);
    let Held { compiler, reached, open, .. } = Held::new();
    let fixture = fixture(compiler, 1, Some(&pool));
    fixture.tiering.compile_now(F).unwrap();
    fixture.tiering.budget_spent(F, 10);
    reached.recv().unwrap();
    fixture.unit.change_assumptions();
    open.send(()).unwrap();
    wait_until(|| fixture.counters.tier_ups().discarded == 1);
    assert_eq!(fixture.unit.tier(3), Some(Tier::Baseline));
    // The next attempt relies on what is true now.
    wait_until(|| pool.load().running == 0);
    fixture.tiering.budget_spent(F, 10);
    open.send(()).unwrap();
    wait_until(|| fixture.unit.tier(3) == Some(Tier::Optimized));
}

#[test]
fn whoever_asks_for_a_function_that_a_worker_has_waits_for_it() {
    let pool = Pool::new(1);
    let Held { compiler, barrier, reached, open } = Held::new();
    let fixture = fixture(compiler, 1, Some(&pool));
    fixture.tiering.compile_now(F).unwrap();
    fixture.tiering.budget_spent(F, 10);
    reached.recv().unwrap();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| fixture.tiering.tier_up(F));
        std::thread::sleep(Duration::from_millis(20));
        assert!(!asking.is_finished());
        open.send(()).unwrap();
        asking.join().unwrap().unwrap();
    });
    assert_eq!(fixture.unit.tier(3), Some(Tier::Optimized));
    assert_eq!(barrier.passed.load(Ordering::Relaxed), 1);
}
