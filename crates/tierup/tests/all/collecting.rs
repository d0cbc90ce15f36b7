//! Code is freed while other code runs: what is on no stack at once, the rest when it was left.

use std::{
    cell::Cell,
    fmt::Write,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use corosensei::{Coroutine, CoroutineResult, Yielder, stack::DefaultStack};
use tierup::{
    Caller, CompilerStrategy, Engine, Error, Filter, Instance, Linker, MemoryPressure, Module,
    Store, TrapKind, Val,
};

use crate::support::{
    LONG, engine_with, eventually, instance_of, instantiate, run, run_i32, trap_kind,
};

/// Retired objects that have not been freed.
fn retired(engine: &Engine) -> usize {
    engine.stats().code.code.retired.count
}

const HELPERS: &str = r#"
    (func $helper (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "help") (param i32) (result i32)
        (call $helper (call $helper (local.get 0))))"#;

fn helping() -> String {
    format!("(module {HELPERS})")
}

/// A module with a function that calls `begun`, then loops for ever.
fn endless() -> String {
    format!(
        r#"(module (import "" "begun" (func $begun)) {HELPERS}
        (global $rounds (mut i32) (i32.const 0))
        (func (export "loop") (local i32)
            (call $begun)
            (loop $again
                (global.set $rounds (local.tee 0 (call $helper (local.get 0))))
                (br $again))))"#
    )
}

/// Runs `work` while a thread runs an endless loop.
fn while_looping(engine: &Engine, work: impl FnOnce()) {
    let (mut store, mut linker) = (Store::new(engine, ()), Linker::new(engine));
    let (begin, begun) = mpsc::sync_channel(1);
    linker.func("", "begun", move || begin.send(()).unwrap()).unwrap();
    let instance = instantiate(&mut store, &linker, &endless());
    let handle = store.interrupt_handle();
    thread::scope(|scope| {
        let looping = scope.spawn(|| run(&mut store, instance, "loop"));
        // The function is on the stack now, and stays there.
        begun.recv().unwrap();
        work();
        handle.interrupt();
        assert_eq!(trap_kind(looping.join().unwrap()), TrapKind::Interrupted);
    });
}

#[test]
fn a_loop_keeps_nothing_but_what_it_runs() {
    for strategy in [CompilerStrategy::Baseline, CompilerStrategy::Optimizing] {
        let engine = engine_with(|config| {
            config.strategy(strategy);
        });
        let _wrappers_stay = Module::new(&engine, helping()).unwrap();
        while_looping(&engine, || {
            let (mut store, instance) = instance_of(&engine, &helping());
            for round in 0..50 {
                assert_eq!(run_i32(&mut store, instance, ("help", round)).unwrap(), round + 2);
                let removed = engine.remove_code();
                assert!(2 <= removed.functions, "{strategy:?} {removed:?}");
                // The loop's function, and what it has just called.
                assert!((1..=2).contains(&retired(&engine)), "{strategy:?} {}", retired(&engine));
            }
        });
        // No more garbage, nobody asks.
        eventually("the loop's code is freed", || retired(&engine) == 0);
    }
}

/// A module that calls a host function `block` from a function `hold`.
fn holding() -> String {
    format!(
        r#"(module (import "" "block" (func $block)) {HELPERS}
        (func $hold (export "hold") (param i32) (result i32)
            (call $block)
            (call $helper (local.get 0)))
        (func (export "hold_deep") (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0))
                (then (call $hold (i32.const 0)))
                (else (i32.add (i32.const 1) (call $again
                    (i32.sub (local.get 0) (i32.const 1)))))))
        (func $again (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0))
                (then (call $hold (i32.const 0)))
                (else (i32.add (i32.const 1) (call $again
                    (i32.sub (local.get 0) (i32.const 1))))))))"#
    )
}

/// A host function that says that it was called, and returns when it is told to.
struct Gate {
    called: mpsc::Receiver<()>,
    go: mpsc::SyncSender<()>,
}

impl Gate {
    fn linked<T: 'static>(linker: &mut Linker<T>) -> Self {
        let (tell, called) = mpsc::sync_channel(1);
        let (go, wait) = mpsc::sync_channel::<()>(1);
        let wait = sync::Mutex::new(sync::Rank::Engine, wait);
        linker
            .func("", "block", move || {
                tell.send(()).unwrap();
                // The lock is this function's only.
                // An error if the test has failed.
                let _ = wait.lock().recv();
            })
            .unwrap();
        Self { called, go }
    }
}

#[test]
fn a_thread_in_a_host_call_delays_only_the_code_on_its_own_stack() {
    let engine = engine_with(|config| {
        config.strategy(CompilerStrategy::Baseline);
    });
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let gate = Gate::linked(&mut linker);
    let instance = instantiate(&mut store, &linker, &holding());
    let _wrappers_stay = Module::new(&engine, holding()).unwrap();
    thread::scope(move |scope| {
        let holding = scope.spawn(move || {
            // Back in code that is gone for everybody else, to a function that has to be compiled.
            let result = run_i32(&mut store, instance, ("hold_deep", 20)).unwrap();
            (store, result)
        });
        gate.called.recv().unwrap();
        // hold, hold_deep, again.
        assert_eq!(engine.remove_code().functions, 3);
        assert_eq!(retired(&engine), 3);
        let (mut other, other_instance) = instance_of(&engine, &helping());
        for round in 0..50 {
            assert_eq!(run_i32(&mut other, other_instance, ("help", round)).unwrap(), round + 2);
            assert_eq!(engine.remove_code().functions, 2);
            assert_eq!(retired(&engine), 3);
        }
        // Nothing can have changed, so nobody looks.
        eventually("the worker has nothing to do", || {
            let collections = engine.stats().collections.count;
            thread::sleep(Duration::from_millis(300));
            engine.stats().collections.count == collections
        });
        gate.go.send(()).unwrap();
        let (_store, result) = holding.join().unwrap();
        assert_eq!(result, 21);
        eventually("the stack has left its code", || retired(&engine) == 0);
    });
}

#[test]
fn code_of_all_stacks_of_a_store_stays() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 0);
    let mut linker = Linker::<i32>::new(&engine);
    let own = engine.clone();
    linker
        .func("", "block", move |mut caller: Caller<'_, i32>| {
            *caller.data_mut() += 1;
            let level = *caller.data();
            let hold = caller.export("hold").unwrap().into_func().unwrap();
            if level < 5 {
                // Code from before, entered again on a stack of its own.
                own.remove_code();
                let mut result = [Val::I32(0)];
                on_own_stack(|| hold.call(&mut caller, &[Val::I32(5)], &mut result)).unwrap();
                assert_eq!(result[0].i32(), Some(6));
            }
            let deepest = level == 5;
            own.remove_code();
            // Five times `hold`, each compiled anew, and what called the first.
            assert!(!deepest || (6..=7).contains(&retired(&own)), "{}", retired(&own));
        })
        .unwrap();
    let instance = instantiate(&mut store, &linker, &holding());
    for _ in 0..20 {
        *store.data_mut() = 0;
        assert_eq!(run_i32(&mut store, instance, ("hold_deep", 3)).unwrap(), 4);
        assert_eq!(*store.data(), 5);
    }
    eventually("all stacks have left their code", || retired(&engine) == 0);
}

/// Runs to the end on a stack that is unmapped afterwards.
fn on_own_stack<R>(work: impl FnOnce() -> R) -> R {
    corosensei::on_stack(DefaultStack::new(128 << 10).unwrap(), work)
}

#[test]
fn a_suspended_coroutine_keeps_the_code_on_its_stack() {
    thread_local! {
        static YIELDER: Cell<*const Yielder<(), ()>> = const { Cell::new(std::ptr::null()) };
    }
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker
        .func("", "block", || {
            // SAFETY: the host function is called on the coroutine's stack, which has it.
            unsafe { &*YIELDER.get() }.suspend(());
        })
        .unwrap();
    let instance = instantiate(&mut store, &linker, &holding());
    let _wrappers_stay = Module::new(&engine, holding()).unwrap();
    let stack = DefaultStack::new(256 << 10).unwrap();
    let mut coroutine = Coroutine::<(), (), i32, _>::with_stack(stack, move |yielder, ()| {
        YIELDER.set(yielder);
        let results = (0..3).map(|depth| run_i32(&mut store, instance, ("hold_deep", depth)));
        results.map(Result::unwrap).sum()
    });
    let mut resumed = 0;
    let sum = loop {
        match coroutine.resume(()) {
            CoroutineResult::Yield(()) => {
                resumed += 1;
                engine.remove_code();
                assert!((2..=3).contains(&retired(&engine)), "{}", retired(&engine));
                let (mut other, other_instance) = instance_of(&engine, &helping());
                assert_eq!(run_i32(&mut other, other_instance, ("help", 1)).unwrap(), 3);
                engine.remove_code();
                assert!((2..=3).contains(&retired(&engine)), "{}", retired(&engine));
            }
            CoroutineResult::Return(sum) => break sum,
        }
    };
    assert_eq!((resumed, sum), (3, 1 + 2 + 3));
    drop(coroutine);
    eventually("the coroutine has ended", || retired(&engine) == 0);
}

#[test]
fn replaced_code_is_collected_without_being_asked_for() {
    let engine = engine_with(|config| {
        config.strategy(CompilerStrategy::Tiered);
    });
    let mut text = String::from("(module");
    for index in 0..2000 {
        write!(
            text,
            r#"(func (export "f{index}") (param i32) (result i32)
                (i32.mul (i32.add (local.get 0) (i32.const {index})) (local.get 0)))"#
        )
        .unwrap();
    }
    let module = Module::new(&engine, text + ")").unwrap();
    module.compile().unwrap();
    let baseline = engine.stats().code.code.baseline.bytes;
    assert!(200_000 < baseline, "{baseline}");
    module.tier_up().unwrap();
    eventually("most is freed", || {
        let stats = engine.stats();
        let retired = stats.code.code.retired.bytes;
        // Of the last of it there is less than what begins a collection.
        retired < (64 << 10) + stats.code.committed_bytes / 10
            && baseline / 4 < stats.collections.bytes as usize
    });
    assert!(0 < engine.stats().collections.count);
}

/// Host functions for [`Hammer`]: one that calls back, one that fails, one that takes time.
fn host_functions(linker: &mut Linker<u32>) {
    linker
        .func("", "back", |mut caller: Caller<'_, u32>, depth: i32| -> Result<i32, Error> {
            *caller.data_mut() += 1;
            if depth == 0 {
                return Ok(0);
            }
            let run = caller.export("run").unwrap().into_func().unwrap();
            let mut result = [Val::I32(0)];
            let params = [Val::I32(depth - 1)];
            match caller.data() % 2 {
                0 => run.call(&mut caller, &params, &mut result)?,
                _ => on_own_stack(|| run.call(&mut caller, &params, &mut result))?,
            }
            // Traps of nested calls are looked up in code that is being removed.
            let inner = caller.export("trap").unwrap().into_func().unwrap();
            let error = inner.call(&mut caller, &[], &mut []).unwrap_err();
            check_trap(&error);
            Ok(result[0].i32().unwrap() + 1)
        })
        .unwrap();
    linker.func("", "fail", || -> Result<(), Error> { Err(Error::host("on purpose")) }).unwrap();
    linker.func("", "nap", || thread::sleep(Duration::from_micros(100))).unwrap();
}

#[track_caller]
fn check_trap(error: &Error) {
    let trap = error.trap().unwrap();
    assert_eq!(trap.kind(), TrapKind::MemoryOutOfBounds);
    let names: Vec<_> =
        trap.backtrace().frames().iter().map(|frame| frame.function_name()).collect();
    assert_eq!(names[..2], [Some("trap_inside"), Some("trap")]);
    assert!(names.iter().all(Option::is_some), "{names:?}");
}

const ALL_AT_ONCE: &str = r#"(module
    (import "" "back" (func $back (param i32) (result i32)))
    (import "" "fail" (func $fail))
    (import "" "nap" (func $nap))
    (memory 1)
    (func $grow (export "grow") (param i32) (result i32) (local i32)
        (local.set 1 (i32.shl (memory.grow (i32.const 1)) (i32.const 16)))
        (i32.store8 (local.get 1) (local.get 0))
        (i32.load8_u (local.get 1)))
    (func $work (export "work") (param i32) (result i32) (local i32)
        (loop $again
            (local.set 1 (i32.add (local.get 1) (call $step (local.get 0))))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1))
    (func $step (param i32) (result i32)
        (if (i32.eqz (i32.and (local.get 0) (i32.const 1023))) (then (call $nap)))
        (i32.and (local.get 0) (i32.const 1)))
    (func $run (export "run") (param i32) (result i32)
        (i32.add (call $back (local.get 0))
            (i32.sub (call $work (i32.const 2000)) (i32.const 1000))))
    (func $trap_inside (drop (i32.load (i32.const 0x7fffffff))))
    (func $trap (export "trap") (call $trap_inside))
    (func $error (export "error") (call $fail))
    (func (export "loop") (loop $again (drop (call $step (i32.const 1))) (br $again))))"#;

/// Everything that makes, runs, leaves, looks up or takes away code, until it is over.
struct Hammer<'a> {
    engine: &'a Engine,
    linker: Linker<u32>,
    shared: Module,
    end: Instant,
    calls: AtomicUsize,
    found: AtomicUsize,
}

impl<'a> Hammer<'a> {
    fn new(engine: &'a Engine, time: Duration) -> Self {
        let mut linker = Linker::new(engine);
        host_functions(&mut linker);
        let shared = Module::new(engine, ALL_AT_ONCE).unwrap();
        let (calls, found) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { engine, linker, shared, end: Instant::now() + time, calls, found }
    }

    /// Until the time is over, and, on however slow a machine, something was done.
    fn is_on(&self) -> bool {
        let is_little = |count: &AtomicUsize| count.load(Ordering::Relaxed) < 20;
        let (now, too_little) = (Instant::now(), is_little(&self.calls) || is_little(&self.found));
        now < self.end || too_little && now < self.end + LONG
    }

    fn instance(&self, module: &Module) -> (Store<u32>, Instance) {
        let mut store = Store::new(self.engine, 0);
        let instance = self.linker.instantiate(&mut store, module).unwrap();
        (store, instance)
    }

    fn call(&self, thread: usize) {
        let (mut store, mut at) = self.instance(&self.shared);
        for round in (thread..).take_while(|_| self.is_on()) {
            let depth = (round % 4) as i32;
            assert_eq!(run_i32(&mut store, at, ("run", depth)).unwrap(), depth);
            check_trap(&run(&mut store, at, "trap").unwrap_err());
            assert_eq!(run_i32(&mut store, at, ("grow", 7)).unwrap(), 7);
            assert!(run(&mut store, at, "error").unwrap_err().to_string().contains("on purpose"));
            self.calls.fetch_add(1, Ordering::Relaxed);
            match round % 8 {
                0 => (store, at) = self.instance(&self.shared),
                4 => (store, at) = self.instance(&Module::new(self.engine, ALL_AT_ONCE).unwrap()),
                _ => {}
            }
        }
    }

    fn run_loops(&self) {
        let (mut store, at) = self.instance(&self.shared);
        while self.is_on() {
            let handle = store.interrupt_handle();
            let result = thread::scope(|scope| {
                scope.spawn(move || {
                    thread::sleep(Duration::from_millis(5));
                    handle.interrupt();
                });
                on_own_stack(|| run(&mut store, at, "loop"))
            });
            assert_eq!(trap_kind(result), TrapKind::Interrupted);
        }
    }

    /// Addresses in and near code that is there, was there, or will be.
    fn look_up(&self) {
        let mut random = 1_usize;
        while self.is_on() {
            let Some(code) = self.shared.function_code(3 + random as u32 % 8) else {
                thread::yield_now();
                random += 1;
                continue;
            };
            for _ in 0..1_000 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let near = code.address().wrapping_add((random >> 32) % 8_192).wrapping_sub(2_048);
                let Some(frame) = self.engine.frame_at(near) else { continue };
                assert!((3..11).contains(&frame.function()), "{frame:?}");
                assert!(frame.offset().is_none_or(|offset| offset < 2_000), "{frame:?}");
                self.found.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn take_code_away(&self, take: impl Fn(usize), pause: Duration) {
        for round in (0..).take_while(|_| self.is_on()) {
            take(round);
            thread::sleep(pause);
        }
    }

    fn run(self) {
        let micros = Duration::from_micros;
        thread::scope(|scope| {
            let this = &self;
            (0..3).for_each(|thread| drop(scope.spawn(move || this.call(thread))));
            scope.spawn(|| this.run_loops());
            scope.spawn(|| this.look_up());
            scope.spawn(|| {
                this.take_code_away(|_| _ = this.engine.remove_code(), micros(50));
            });
            scope.spawn(|| {
                let engine = this.engine;
                let take = |round| match round % 4 {
                    0 => _ = engine.flush(Filter::Baseline),
                    1 => _ = engine.memory_pressure(MemoryPressure::Moderate),
                    2 => _ = this.shared.flush(Filter::Optimized),
                    _ => _ = engine.trim(),
                };
                this.take_code_away(take, micros(700));
            });
        });
        assert!(20 <= self.calls.into_inner() && 20 <= self.found.into_inner());
    }
}

/// How long hammers run; the variable makes them longer.
fn hammer_time() -> Duration {
    let seconds = std::env::var("TIERUP_HAMMER_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(3.0))
}

#[test]
fn hammer_everything_while_code_is_collected() {
    for (strategy, arena) in [
        (CompilerStrategy::Tiered, None),
        (CompilerStrategy::Baseline, Some(64 << 10)),
        (CompilerStrategy::Optimizing, Some(64 << 10)),
    ] {
        let engine = engine_with(|config| {
            config.strategy(strategy).tier_up_budget(2000).compile_threads(1);
            arena.map(|bytes| config.arena_code_bytes(bytes));
        });
        Hammer::new(&engine, hammer_time() / 3).run();
        engine.remove_code();
        eventually("nothing is left", || {
            let code = engine.stats().code.code;
            code.baseline.count + code.optimized.count + code.retired.count == 0
        });
    }
}
