//! Replacement on stack: calls that run for long go on in optimized code, and nobody can tell.
//!
//! What values survive it, the script `loops.wast` shows in every mode. Here is what happens around.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tierup::{
    AsContextMut, Caller, CodeKind, CompilerStrategy, Engine, ExternRef, Filter, Func,
    InterruptAction, Linker, Module, Store, Tier, TrapKind, Val,
    compile::{CompileError, CompileErrorKind, Compiled, Compiler, Entry, Request},
};
use tierup_baseline::Baseline;
use tierup_optimize::Optimizing;

use crate::support::{TIERS, engine_with, instance_of, instantiate, run_i32, trap_kind};

/// Takes everything at the first chance, on the caller's thread.
fn eager() -> Engine {
    engine_with(|config| {
        config.strategy(CompilerStrategy::Tiered).tier_up_budget(1).compile_threads(0);
    })
}

fn entered(engine: &Engine) -> u64 {
    engine.stats().replacements.entered
}

/// Adds up the numbers from its parameter down to 1.
const SUM: &str = r#"(module (func (export "sum") (param i32) (result i32) (local i32)
    (loop $again
        (local.set 1 (i32.add (local.get 1) (local.get 0)))
        (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1)))"#;

#[test]
fn a_call_goes_on_in_optimized_code() {
    let engine = eager();
    let (mut store, instance) = instance_of(&engine, SUM);
    assert_eq!(run_i32(&mut store, instance, ("sum", 100)).unwrap(), 5050);
    let stats = engine.stats();
    assert_eq!((stats.replacements.done, stats.replacements.entered), (1, 1));
    // The next call has optimized code from its start.
    assert_eq!((stats.tier_ups.done, stats.code.code.functions.optimized), (1, 1));
    assert_eq!(run_i32(&mut store, instance, ("sum", 200)).unwrap(), 20_100);
    assert_eq!(entered(&engine), 1);
}

#[test]
fn only_where_there_are_two_tiers() {
    for strategy in [CompilerStrategy::Baseline, CompilerStrategy::Optimizing] {
        let engine = engine_with(|config| {
            config.strategy(strategy).tier_up_budget(1).compile_threads(0);
        });
        let (mut store, instance) = instance_of(&engine, SUM);
        assert_eq!(run_i32(&mut store, instance, ("sum", 100)).unwrap(), 5050);
        assert_eq!(engine.stats().replacements, Default::default());
    }
}

#[test]
fn what_is_called_once_gets_code_for_its_loop_only() {
    let engine = engine_with(|config| {
        config.strategy(CompilerStrategy::Tiered).tier_up_budget(1_000).compile_threads(0);
    });
    let (mut store, instance) = instance_of(&engine, SUM);
    run_i32(&mut store, instance, ("sum", 1_000_000)).unwrap();
    let stats = engine.stats();
    assert_eq!((stats.replacements.done, stats.replacements.entered), (1, 1));
    assert_eq!((stats.tier_ups.done, stats.code.code.functions.optimized), (0, 0));
    // Called again and again it gets code for its callers too.
    for _ in 0..1_000 {
        run_i32(&mut store, instance, ("sum", 10_000)).unwrap();
    }
    assert_eq!(engine.stats().tier_ups.done, 1);
}

#[test]
fn what_is_called_often_gets_code_for_callers_only() {
    let engine = engine_with(|config| {
        config.strategy(CompilerStrategy::Tiered).tier_up_budget(1_000).compile_threads(0);
    });
    let (mut store, instance) = instance_of(&engine, SUM);
    for _ in 0..200_000 {
        run_i32(&mut store, instance, ("sum", 2)).unwrap();
    }
    let stats = engine.stats();
    assert_eq!((stats.tier_ups.done, stats.replacements.done), (1, 0));
}

/// The outer loop comes round often enough to be the one that is entered.
#[test]
fn the_outer_one_of_nested_loops_is_entered() {
    let engine = engine_with(|config| {
        config.strategy(CompilerStrategy::Tiered).tier_up_budget(1_000).compile_threads(0);
    });
    let nest = r#"(module (func (export "nest") (param i32) (result i32) (local i32 i32)
        (loop $outer
            (local.set 1 (i32.const 3))
            (loop $inner
                (local.set 2 (i32.add (local.get 2) (i32.const 1)))
                (br_if $inner (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
            (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 2)))"#;
    let (mut store, instance) = instance_of(&engine, nest);
    assert_eq!(run_i32(&mut store, instance, ("nest", 1_000_000)).unwrap(), 3_000_000);
    let map = engine.code_map();
    let objects = map.arenas.iter().flat_map(|arena| &arena.objects);
    let kinds: Vec<_> = objects.map(|object| object.kind).collect();
    let places: Vec<_> = kinds
        .iter()
        .filter_map(|kind| match kind {
            CodeKind::Replacement { function: 0, place } => Some(*place),
            _ => None,
        })
        .collect();
    let bytes = wat::parse_str(nest).unwrap();
    // The first `loop` of the binary: opcode and empty type.
    let outer = bytes.windows(2).position(|pair| pair == [0x03, 0x40]).unwrap();
    assert_eq!((places, entered(&engine)), (vec![outer as u32], 1));
}

#[test]
fn fifty_thousand_locals_go_along() {
    let count = 49_990;
    let sets: String = (2..count)
        .step_by(7)
        .map(|index| format!("(local.set {index} (i32.add (local.get 0) (i32.const {index})))"))
        .collect();
    let sum: String =
        (2..count).step_by(7).map(|index| format!("(i32.add (local.get {index}))")).collect();
    let wat = format!(
        r#"(module (func (export "sum") (param i32) (result i32) (local {})
            {sets}
            (loop $again
                (local.set 1 (i32.add (local.get 1) (i32.const 1)))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1) {sum}))"#,
        "i32 ".repeat(count)
    );
    let engine = eager();
    let (mut store, instance) = instance_of(&engine, &wat);
    let expected = 20 + (2..count as i32).step_by(7).map(|index| 20 + index).sum::<i32>();
    assert_eq!(run_i32(&mut store, instance, ("sum", 20)).unwrap(), expected);
    assert_eq!(entered(&engine), 1);
}

/// The host collects the store at each turn, before and behind the replacement.
#[test]
fn references_live_as_long_as_the_frame() {
    const HOLDER: &str = r#"(module
        (import "" "collect" (func $collect))
        (func (export "hold") (param $e externref) (param $n i32) (result externref funcref externref)
            (local $kept externref) (local $f funcref)
            (local.set $kept (local.get $e))
            (local.set $f (ref.func $g))
            (local.get $e)
            (local.set $e (ref.null extern))
            (ref.func $g)
            (local.get $kept)
            (loop $again (param externref) (result externref)
                (call $collect)
                (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (drop)
            (drop)
            (local.get $f)
            (local.get $kept))
        (func $g (export "g")))"#;
    for tiers in TIERS {
        let engine = engine_with(|config| {
            tiers(config);
        });
        let mut linker = Linker::<Vec<usize>>::new(&engine);
        let collect = |mut caller: Caller<'_, Vec<usize>>| {
            let gone = caller.as_context_mut().collect();
            caller.data_mut().push(gone.externs);
            for _ in 0..8 {
                ExternRef::new(&mut caller, -1).unwrap();
            }
        };
        linker.func("", "collect", collect).unwrap();
        let mut store = Store::new(&engine, Vec::new());
        let instance = instantiate(&mut store, &linker, HOLDER);
        let hold = instance.func(&mut store, "hold").unwrap();
        let mut results = [Val::I32(0), Val::I32(0), Val::I32(0)];
        let extern_ref = ExternRef::new(&mut store, 42).unwrap();
        hold.call(&mut store, &[Val::ExternRef(Some(extern_ref)), Val::I32(9)], &mut results)
            .unwrap();
        for result in [results[0], results[2]] {
            let Val::ExternRef(Some(result)) = result else { panic!("{result:?}") };
            assert_eq!(result.data(&store).unwrap().downcast_ref::<i32>(), Some(&42));
        }
        let Val::FuncRef(Some(func)) = results[1] else { panic!("{results:?}") };
        func.call(&mut store, &[], &mut []).unwrap();
        assert_eq!(store.data().len(), 9);
    }
}

/// Where it trapped, and who called: function indices and offsets, innermost first.
#[test]
fn traps_behind_a_replacement_are_where_they_were() {
    const TRAPS: &str = r#"(module
        (memory 1)
        (func (export "divide") (param i32) (result i32)
            (drop (call $divide (local.get 0))) (i32.const 0))
        (func $divide (param i32) (result i32)
            (nop)
            (loop $again
                (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                (drop (i32.div_u (i32.const 7) (local.get 0)))
                (br $again))
            (unreachable))
        (func (export "load") (param i32) (result i32)
            (loop $again
                (call $load (local.tee 0 (i32.add (local.get 0) (i32.const 65))))
                (br $again))
            (unreachable))
        (func $load (param i32) (drop (i32.load offset=3 (local.get 0))))
        (func (export "behind") (param i32) (result i32)
            (loop $again (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (i32.store (i32.const 0) (local.get 0))
            (unreachable))
        (func $deep (export "deep") (param i32) (result i32) (local i32)
            (loop $again
                (br_if $again (i32.lt_u (i32.const 9)
                    (local.tee 1 (i32.add (local.get 1) (i32.const 9))))))
            (i32.add (call $deep (i32.const 3)) (local.get 1))))"#;
    let traces = TIERS.map(|tiers| {
        let engine = engine_with(|config| {
            tiers(config);
        });
        ["divide", "load", "behind", "deep"].map(|name| {
            let (mut store, instance) = instance_of(&engine, TRAPS);
            let error = run_i32(&mut store, instance, (name, 50)).unwrap_err();
            let trap = error.trap().unwrap();
            let frames = trap.backtrace().frames().iter();
            let frames = frames.map(|frame| (frame.function(), frame.offset()));
            // How deep a stack gets depends on frames, and where it ends on who checks it.
            let skip = if name == "deep" { 1 } else { 0 };
            (trap.kind(), frames.skip(skip).take(10).collect::<Vec<_>>())
        })
    });
    for other in &traces[1..] {
        assert_eq!(*other, traces[0]);
    }
    let kinds = traces[0].clone().map(|(kind, _)| kind);
    assert_eq!(kinds[..2], [TrapKind::IntegerDivideByZero, TrapKind::MemoryOutOfBounds]);
    assert_eq!(kinds[2..], [TrapKind::Unreachable, TrapKind::StackOverflow]);
}

#[test]
fn a_replaced_loop_can_be_interrupted() {
    for threads in [0, 2] {
        let engine = engine_with(|config| {
            config.strategy(CompilerStrategy::Tiered).tier_up_budget(1).compile_threads(threads);
        });
        let (mut store, instance) = instance_of(
            &engine,
            r#"(module (func (export "endless") (param i32) (result i32)
                (loop $again (br $again)) (unreachable)))"#,
        );
        let handle = store.interrupt_handle();
        thread::scope(|scope| {
            scope.spawn(|| {
                while entered(&engine) == 0 {
                    thread::yield_now();
                }
                handle.interrupt();
            });
            let result = run_i32(&mut store, instance, ("endless", 0));
            assert_eq!(trap_kind(result), TrapKind::Interrupted);
        });
        assert_eq!(entered(&engine), 1);
    }
}

/// An interrupt handler that runs other code of the store, which is replaced too, cannot touch what
/// is on its way.
#[test]
fn interrupts_between_leave_values_alone() {
    let engine = eager();
    let (mut store, instance) = instance_of(&engine, SUM);
    store.set_interrupt_handler(|_| InterruptAction::Continue);
    let handle = store.interrupt_handle();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                handle.interrupt();
                thread::yield_now();
            }
        });
        for round in 0..50 {
            engine.flush(Filter::All);
            let sum = run_i32(&mut store, instance, ("sum", 100 + round)).unwrap();
            assert_eq!(sum, (1..=100 + round).sum::<i32>());
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(entered(&engine), 50);
}

/// A host function that is called by a loop gives all code up, that of its caller too.
#[test]
fn flushes_and_collections_in_the_middle() {
    const CALLS: &str = r#"(module (import "" "flush" (func $flush))
        (func (export "sum") (param i32) (result i32) (local i32)
            (loop $outer
                (call $flush)
                (loop $inner
                    (local.set 1 (i32.add (local.get 1) (local.get 0)))
                    (br_if $outer (i32.and
                        (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 1))
                        (i32.eqz (i32.rem_u (local.get 0) (i32.const 5)))))
                    (br_if $inner (i32.gt_s (local.get 0) (i32.const 0)))))
            (local.get 1)))"#;
    for threads in [0, 2] {
        let engine = engine_with(|config| {
            config.strategy(CompilerStrategy::Tiered).tier_up_budget(1).compile_threads(threads);
        });
        let mut linker = Linker::<()>::new(&engine);
        let of = engine.clone();
        let flush = move |_: Caller<'_, ()>| {
            of.flush(Filter::All);
            of.collect();
        };
        linker.func("", "flush", flush).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = instantiate(&mut store, &linker, CALLS);
        for _ in 0..3 {
            assert_eq!(run_i32(&mut store, instance, ("sum", 100)).unwrap(), 5050);
        }
        if threads == 0 {
            assert_eq!(entered(&engine), 3);
        }
        // Nobody runs it any more.
        engine.flush(Filter::All);
        engine.collect();
        let code = engine.stats().code.code;
        assert_eq!((code.retired.count, code.baseline.count, code.optimized.count), (0, 0, 0));
    }
}

/// An optimizing compiler that cannot do loops.
#[derive(Debug)]
struct NoLoops(Optimizing);

impl Compiler for NoLoops {
    fn name(&self) -> &'static str {
        "no loops"
    }

    fn tier(&self) -> Tier {
        Tier::Optimized
    }

    fn compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        if request.entry != Entry::Call {
            return Err(CompileErrorKind::TooLarge { limit: "no loop" }.into());
        }
        self.0.compile(request)
    }
}

#[test]
fn a_loop_that_cannot_be_optimized_is_counted_and_goes_on() {
    let engine = engine_with(|config| {
        config
            .compilers(Arc::new(Baseline::new()), Arc::new(NoLoops(Optimizing::new().unwrap())))
            .strategy(CompilerStrategy::Tiered)
            .tier_up_budget(1)
            .compile_threads(0);
    });
    let (mut store, instance) = instance_of(&engine, SUM);
    assert_eq!(run_i32(&mut store, instance, ("sum", 100)).unwrap(), 5050);
    let replacements = engine.stats().replacements;
    assert_eq!((replacements.failed, replacements.done, replacements.entered), (1, 0, 0));
    let failures = engine.compile_failures();
    assert_eq!((failures.len(), failures[0].function), (1, 0));
    // Callers have their code all the same.
    assert_eq!(engine.stats().tier_ups.done, 1);
}

#[test]
fn hammer_threads_share_loops_while_code_is_given_up() {
    let engine = engine_with(|config| {
        config.strategy(CompilerStrategy::Tiered).tier_up_budget(1).compile_threads(2);
    });
    let functions: String = (0..8)
        .map(|index| {
            format!(
                r#"(func (export "f{index}") (param i32) (result i32) (local i32 i32)
                    (loop $outer
                        (local.set 2 (i32.const 10))
                        (loop $inner
                            (local.set 1 (i32.add (local.get 1) (i32.const {index})))
                            (br_if $inner (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
                        (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                    (local.get 1))"#
            )
        })
        .collect();
    let module = Module::new(&engine, format!("(module {functions})")).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut store = Store::new(&engine, ());
                    let linker = Linker::new(&engine);
                    let instance = linker.instantiate(&mut store, &module).unwrap();
                    for round in 0..200 {
                        let index = round % 8;
                        let call = (&*format!("f{index}"), 2_000);
                        assert_eq!(run_i32(&mut store, instance, call).unwrap(), index * 20_000);
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                module.flush(Filter::All);
                engine.collect();
                thread::yield_now();
            }
        });
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(engine.stats().replacements.failed, 0);
}

/// A host function between two calls of the same function, each of which is replaced.
#[test]
fn replacements_within_replacements() {
    const AGAIN: &str = r#"(module (import "" "again" (func $again (param i32) (result i32)))
        (func (export "sum") (param $n i32) (result i32) (local $i i32) (local $sum i32)
            (local.set $i (i32.const 4))
            (loop $loop
                (local.set $sum (i32.add (local.get $sum) (local.get $n)))
                (if (local.get $n) (then
                    (local.set $sum (i32.add (local.get $sum)
                        (call $again (i32.sub (local.get $n) (i32.const 1)))))))
                (br_if $loop (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
            (local.get $sum)))"#;
    let sums = TIERS.map(|tiers| {
        let engine = engine_with(|config| {
            tiers(config);
        });
        let mut linker = Linker::<Option<Func>>::new(&engine);
        let again = |mut caller: Caller<'_, Option<Func>>, n: i32| {
            let sum = caller.data().unwrap();
            let mut results = [Val::I32(0)];
            sum.call(&mut caller, &[Val::I32(n)], &mut results).unwrap();
            match results[0] {
                Val::I32(sum) => sum,
                ref other => panic!("{other:?}"),
            }
        };
        linker.func("", "again", again).unwrap();
        let mut store = Store::new(&engine, None);
        let instance = instantiate(&mut store, &linker, AGAIN);
        *store.data_mut() = Some(instance.func(&mut store, "sum").unwrap());
        run_i32(&mut store, instance, ("sum", 4)).unwrap()
    });
    // s(0) = 0, s(n) = 4 n + 4 s(n - 1)
    let expected = (1..=4).fold(0, |sum, n| 4 * n + 4 * sum);
    assert_eq!(sums, [expected; 4]);
}
