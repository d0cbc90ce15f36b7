//! Code that comes and goes, better and worse, while it is used: nothing of it can be seen.
//!
//! Each test stands for a way in which engines have failed: code freed while it is published, a
//! second tier-up after a removal, metadata and entry of two different codes, an assumption that a
//! second instance breaks, a reference that an interrupt loses.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use codespace::Tier;
use tierup::{
    Caller, CompilerStrategy, Engine, ExternRef, Func, Instance, InterruptAction, Linker, Module,
    Store, TrapKind, Val,
};
use tierup_baseline::Baseline;

use crate::{
    support::{TIERS, engine_with, instance_of, instantiate, run, run_i32, trap_kind},
    tiering::{installed, second, wait_until},
};

fn engine_of_tier(tier: crate::support::Change) -> Engine {
    engine_with(|config| {
        tier(config);
    })
}

/// An engine whose functions get better only by hand.
fn by_hand() -> Engine {
    engine_with(|config| {
        let config = config.strategy(CompilerStrategy::Tiered);
        config.tier_up_budget(u64::MAX).compile_threads(1);
    })
}

fn wait_until_idle(engine: &Engine) {
    wait_until(|| engine.stats().background.waiting + engine.stats().background.running == 0);
}

const FACTORIAL: &str = r#"(module
    (func $f (export "f") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0))
            (then (i32.const 1))
            (else (i32.mul (local.get 0) (call $f (i32.sub (local.get 0) (i32.const 1))))))))"#;

#[test]
fn functions_rise_and_fall_and_rise_again_under_a_running_loop() {
    let engine = by_hand();
    let mut store = Store::new(&engine, (None::<Module>, 0));
    let mut linker = Linker::<(Option<Module>, u32)>::new(&engine);
    let change = |mut caller: Caller<'_, (Option<Module>, u32)>| {
        let (module, round) = caller.data_mut();
        *round += 1;
        let module = module.as_ref().unwrap();
        match *round % 5 {
            0 => module.tier_up().unwrap(),
            1 => drop(module.engine().remove_code()),
            2 => module.tier_up_function(1).unwrap(),
            3 => drop(module.engine().collect()),
            _ => module.compile().unwrap(),
        }
    };
    linker.func("", "change", change).unwrap();
    let text = r#"(module (import "" "change" (func $change))
        (func $step (param i32) (result i32) (call $change) (i32.add (local.get 0) (i32.const 3)))
        (func (export "run") (param i32) (result i32) (local i32)
            (loop
                (local.set 1 (call $step (local.get 1)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))"#;
    let module = Module::new(&engine, text).unwrap();
    store.data_mut().0 = Some(module.clone());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    for round in 1..=4 {
        assert_eq!(run_i32(&mut store, instance, ("run", 500)).unwrap(), 1500);
        assert_eq!(store.data().1, round * 500);
        engine.remove_code();
        let code = engine.stats().code.code;
        assert_eq!((code.baseline.count, code.optimized.count, code.retired.count), (0, 0, 0));
    }
}

#[test]
fn what_is_not_there_can_be_taken_away_and_improved() {
    for (index, tier) in TIERS.into_iter().enumerate() {
        let engine = engine_of_tier(tier);
        let module = Module::new(&engine, FACTORIAL).unwrap();
        assert_eq!((engine.remove_code().functions, engine.remove_code().functions), (0, 0));
        assert_eq!(engine.collect(), 0);
        // From nothing to the best, without a first tier in between.
        module.tier_up().unwrap();
        assert_eq!(engine.stats().code.code.baseline.count == 0, index != 1);
        assert_eq!(engine.remove_code().functions, 1);
        assert_eq!((engine.remove_code().functions, engine.collect()), (0, 0));
        assert!(module.function_code(0).is_none());
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        assert_eq!(run_i32(&mut store, instance, ("f", 10)).unwrap(), 3_628_800);
        wait_until_idle(&engine);
        assert_eq!(engine.remove_code().functions, 1);
        module.compile().unwrap();
        module.tier_up().unwrap();
        module.tier_up().unwrap();
        assert_eq!(engine.remove_code().functions, 1);
        assert_eq!(run_i32(&mut store, instance, ("f", 5)).unwrap(), 120);
    }
}

#[test]
fn hammer_recursion_in_the_first_call_after_tier_up() {
    const THREADS: usize = 4;
    let engine = by_hand();
    let barrier = Barrier::new(THREADS);
    let module = Module::new(&engine, FACTORIAL).unwrap();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (engine, module, barrier) = (&engine, &module, &barrier);
            scope.spawn(move || {
                let mut store = Store::new(engine, ());
                let instance = Instance::new(&mut store, module, &[]).unwrap();
                for round in 0..200 {
                    // Nothing runs here, so all that was removed is freed and used again.
                    if barrier.wait().is_leader() && round % 2 == 0 {
                        engine.remove_code();
                    }
                    barrier.wait();
                    if thread == round % THREADS {
                        module.tier_up_function(0).unwrap();
                    }
                    assert_eq!(run_i32(&mut store, instance, ("f", 12)).unwrap(), 479_001_600);
                }
            });
        }
    });
    assert_eq!(engine.stats().compiles.failed, 0);
}

#[test]
fn hammer_look_ups_of_code_that_changes_and_goes() {
    let engine = by_hand();
    let module = Module::new(&engine, FACTORIAL).unwrap();
    let over = AtomicBool::new(false);
    let seen = [const { AtomicU32::new(0) }; 3];
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    // What is held stays whole, whatever becomes of the function.
                    let place = match module.function_code(0) {
                        None => 0,
                        Some(code) => {
                            let (bytes, address) = (code.bytes().to_vec(), code.address());
                            thread::yield_now();
                            assert_eq!((code.bytes(), code.address()), (&bytes[..], address));
                            assert!(code.positions().next().is_some());
                            if code.tier() == Tier::Optimized { 2 } else { 1 }
                        }
                    };
                    seen[place].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            while !over.load(Ordering::Relaxed) {
                assert_eq!(run_i32(&mut store, instance, ("f", 6)).unwrap(), 720);
            }
        });
        let seen_all = || seen.iter().all(|count| count.load(Ordering::Relaxed) != 0);
        // On a busy machine the other threads may get their turns late.
        for _ in (0..1_000_000).take_while(|&round| round < 300 || !seen_all()) {
            module.compile().unwrap();
            thread::yield_now();
            module.tier_up().unwrap();
            thread::yield_now();
            engine.remove_code();
            engine.collect();
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(engine.stats().compiles.failed, 0);
    let [_, baseline, optimized] = seen.map(AtomicU32::into_inner);
    assert!(0 < baseline && 0 < optimized, "{baseline} {optimized}");
}

/// Holds optimizing compiles up until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<GateState>);

#[derive(Default)]
struct GateState {
    open: AtomicBool,
    arrived: AtomicU32,
}

impl Gate {
    /// An engine whose background jobs, which start at the first chance, wait at the gate.
    fn engine(&self) -> Engine {
        let gate = self.clone();
        let optimizing = second(move |_| {
            gate.0.arrived.fetch_add(1, Ordering::Relaxed);
            wait_until(|| gate.0.open.load(Ordering::Relaxed));
            Ok(())
        });
        engine_with(|config| {
            let config = config.compilers(Arc::new(Baseline::new()), optimizing);
            config.strategy(CompilerStrategy::Tiered).tier_up_budget(1).compile_threads(1);
        })
    }

    fn wait_for_one(&self) {
        wait_until(|| self.0.arrived.load(Ordering::Relaxed) != 0);
    }

    fn open(&self) {
        self.0.open.store(true, Ordering::Relaxed);
    }
}

#[test]
fn callers_and_callee_go_while_the_callee_is_optimized() {
    let gate = Gate::default();
    let engine = gate.engine();
    let text = r#"(module
        (func $callee (export "callee") (param i32) (result i32) (local i32)
            (loop
                (local.set 1 (i32.add (local.get 1) (i32.const 2)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1))
        (func (export "caller") (param i32) (result i32)
            (i32.add (call $callee (local.get 0)) (i32.const 1))))"#;
    let (mut store, instance) = instance_of(&engine, text);
    for round in 0..3 {
        assert_eq!(run_i32(&mut store, instance, ("callee", 9)).unwrap(), 18);
        if round == 0 {
            gate.wait_for_one();
        }
        assert_eq!(run_i32(&mut store, instance, ("caller", 9)).unwrap(), 19);
        assert!(0 < engine.remove_code().functions);
        engine.collect();
    }
    assert_eq!(run_i32(&mut store, instance, ("caller", 9)).unwrap(), 19);
    gate.open();
    for _ in 0..100 {
        assert_eq!(run_i32(&mut store, instance, ("caller", 9)).unwrap(), 19);
    }
    wait_until_idle(&engine);
    assert_eq!(run_i32(&mut store, instance, ("caller", 9)).unwrap(), 19);
    assert_eq!(engine.stats().tier_ups.failed, 0);
    engine.remove_code();
    assert_eq!(installed(&engine), (0, 0));
}

#[test]
fn instances_with_other_imports_arrive_while_a_job_waits() {
    let gate = Gate::default();
    let engine = gate.engine();
    let text = r#"(module (import "" "get" (func $get (result i32)))
        (import "" "base" (global $base i32)) (import "" "m" (memory 1))
        (func (export "f") (param i32) (result i32) (local i32)
            (loop
                (local.set 1 (i32.add (local.get 1) (i32.add (call $get) (global.get $base))))
                (i32.store (local.get 0) (local.get 1))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))"#;
    let module = Module::new(&engine, text).unwrap();
    let giver = r#"(module (memory (export "m") 1) (global (export "base") i32 (i32.const BASE))
        (func (export "get") (result i32) (i32.const GET)))"#;
    let start = |get: i32, base: i32| {
        let giver = giver.replace("BASE", &base.to_string()).replace("GET", &get.to_string());
        let (mut store, given) = instance_of(&engine, &giver);
        let mut linker = Linker::new(&engine);
        linker.instance(&mut store, "", given).unwrap();
        if get == 3 {
            linker = Linker::new(&engine);
            linker.func("", "get", move || get).unwrap();
            let item = |name: &str, store: &mut Store<()>| given.export(store, name).unwrap();
            for name in ["m", "base"] {
                let item = item(name, &mut store);
                linker.define("", name, item).unwrap();
            }
        }
        let instance = linker.instantiate(&mut store, &module).unwrap();
        (store, instance, 10 * (get + base))
    };
    let (mut first, instance, expected) = start(1, 100);
    assert_eq!(run_i32(&mut first, instance, ("f", 10)).unwrap(), expected);
    gate.wait_for_one();
    // The job was queued when there was one instance, all of whose imports are known.
    let mut all = vec![(first, instance, expected), start(2, 200), start(3, 300)];
    for round in 0..20 {
        if round == 5 {
            gate.open();
        }
        for (store, instance, expected) in &mut all {
            assert_eq!(run_i32(store, *instance, ("f", 10)).unwrap(), *expected);
        }
    }
    wait_until_idle(&engine);
    assert_eq!(module.function_code(1).unwrap().tier(), Tier::Optimized);
    for (store, instance, expected) in &mut all {
        assert_eq!(run_i32(store, *instance, ("f", 10)).unwrap(), *expected);
    }
}

const REFERENCES: &str = r#"(module (import "" "churn" (func $churn))
    (table $t 4 externref)
    (func $spin (param externref i32) (result externref)
        (loop (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
        (local.get 0))
    (func (export "keeps") (param externref funcref i32) (result externref funcref i32)
        (local externref funcref externref i32)
        (local.set 3 (local.get 0)) (local.set 4 (local.get 1))
        (local.set 0 (ref.null extern)) (local.set 1 (ref.null func))
        (loop
            (local.set 5 (call $spin (local.get 3) (i32.const 500)))
            (call $churn)
            (table.fill $t (i32.const 0) (local.get 5) (i32.const 4))
            (local.set 6 (i32.add (local.get 6)
                (ref.is_null (table.get $t (i32.and (local.get 2) (i32.const 3))))))
            (table.fill $t (i32.const 0) (ref.null extern) (i32.const 4))
            (local.set 3 (local.get 5)) (local.set 5 (ref.null extern))
            (br_if 0 (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
        (local.get 3) (local.get 4) (local.get 6)))"#;

#[test]
fn references_live_over_interrupts_collections_and_removals() {
    for tier in TIERS {
        let engine = engine_of_tier(tier);
        let mut store = Store::new(&engine, 0);
        store.set_interrupt_handler(|interrupts| {
            *interrupts += 1;
            InterruptAction::Continue
        });
        let mut linker = Linker::<u32>::new(&engine);
        let same = engine.clone();
        let churn = move |mut caller: Caller<'_, u32>| {
            let mut store = tierup::AsContextMut::as_context_mut(&mut caller);
            store.collect();
            // Would take slots that were freed wrongly.
            for _ in 0..4 {
                ExternRef::new(&mut store, -1).unwrap();
                Func::wrap(&mut store, || -1_i32).unwrap();
            }
            same.remove_code();
        };
        linker.func("", "churn", churn).unwrap();
        let instance = instantiate(&mut store, &linker, REFERENCES);
        let (handle, over) = (store.interrupt_handle(), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    handle.interrupt();
                    thread::yield_now();
                }
            });
            // On a busy machine the other thread may get its turn late.
            for round in 0..10_000 {
                store.scope(|scope| keep_references(scope, instance, round));
                if 5 <= round && 0 < *store.data() {
                    break;
                }
            }
            over.store(true, Ordering::Relaxed);
        });
        assert!(0 < *store.data(), "nothing was interrupted");
        store.collect();
    }
}

fn keep_references(
    mut scope: &mut tierup::StoreContextMut<'_, u32>,
    instance: Instance,
    round: i32,
) {
    let value = ExternRef::new(&mut scope, round).unwrap();
    let func = Func::wrap(&mut scope, move || round).unwrap();
    let keeps = instance.func(&mut scope, "keeps").unwrap();
    let mut results = [Val::I32(0); 3];
    keeps.call(&mut scope, &[value.into(), func.into(), Val::I32(100)], &mut results).unwrap();
    let [Val::ExternRef(Some(found)), Val::FuncRef(Some(called)), Val::I32(0)] = results else {
        panic!("{results:?}")
    };
    assert_eq!((found, called), (value, func));
    assert_eq!(found.data(&*scope).unwrap().downcast_ref(), Some(&round));
    called.call(&mut scope, &[], &mut results[..1]).unwrap();
    assert_eq!(results[0].i32(), Some(round));
}

const BULK: &str = r#"(module
    (memory (export "m") 64) (table $t (export "t") 2000 funcref) (table $u 2000 funcref)
    (func $a) (func $b)
    (elem $some func $a $a $a $a $a $a $a $a)
    (func (export "run") (local i32)
        (loop
            (memory.fill (i32.const 0) (local.get 0) (i32.const 0x400000))
            (table.fill $t (i32.const 0) (ref.func $a) (i32.const 2000))
            (memory.copy (i32.const 0x200000) (i32.const 0) (i32.const 0x200000))
            (table.copy $t $u (i32.const 0) (i32.const 0) (i32.const 2000))
            (table.init $t $some (i32.const 0) (i32.const 0) (i32.const 8))
            (table.fill $t (i32.const 0) (ref.null func) (i32.const 8))
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (br 0)))
    (elem declare func $a))"#;

#[test]
fn an_interrupt_never_leaves_half_of_a_bulk_operation() {
    for tier in TIERS {
        let engine = engine_of_tier(tier);
        let (mut store, instance) = instance_of(&engine, BULK);
        let memory = instance.memory(&mut store, "m").unwrap();
        for round in 0..15 {
            let handle = store.interrupt_handle();
            let deadline = thread::spawn(move || {
                thread::sleep(Duration::from_micros(300 * round));
                handle.interrupt();
            });
            assert_eq!(trap_kind(run(&mut store, instance, "run")), TrapKind::Interrupted);
            deadline.join().unwrap();
            let bytes = memory.data(&store);
            assert!(bytes.iter().all(|byte| *byte == bytes[0]), "{round}");
            store.scope(|mut scope| {
                let table = instance.table(&mut scope, "t").unwrap();
                let mut is_null = |index| match table.get(&mut scope, index).unwrap() {
                    Val::FuncRef(func) => func.is_none(),
                    other => panic!("{other:?}"),
                };
                let (first, rest) = (is_null(0), is_null(8));
                assert!((0..8).all(|index| is_null(index) == first), "{round}");
                assert!((8..2000).all(|index| is_null(index) == rest), "{round}");
            });
        }
    }
}
