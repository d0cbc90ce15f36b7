//! Fuel: exact, and the same whichever compiler made the code and whenever.

use std::{sync::mpsc, thread, time::Duration};

use tierup::{
    AsContextMut, Caller, CompilerStrategy, Engine, Error, Instance, InterruptAction, Linker,
    MemoryMode, Module, Store, TrapKind,
};

use crate::support::{
    Change, bits, engine_with, instance_of, instantiate, run, run_i32, trap_kind,
};

/// Ways to make code, which must take the same.
const MODES: [Change; 7] = [
    |config| config.strategy(CompilerStrategy::Optimizing),
    |config| {
        config.strategy(CompilerStrategy::Optimizing).lazy(false).memory_mode(MemoryMode::Explicit)
    },
    |config| config.strategy(CompilerStrategy::Baseline),
    |config| config.strategy(CompilerStrategy::Baseline).memory_mode(MemoryMode::Explicit),
    |config| config.strategy(CompilerStrategy::Tiered).tier_up_budget(1).compile_threads(0),
    |config| config.strategy(CompilerStrategy::Tiered).tier_up_budget(1).compile_threads(2),
    |config| config.strategy(CompilerStrategy::Tiered).tier_up_budget(500).compile_threads(1),
];

fn engine(mode: Change) -> Engine {
    engine_with(|config| {
        mode(config.consume_fuel(true));
    })
}

/// What `check` finds, which is the same in all modes.
#[track_caller]
fn everywhere<R: PartialEq + std::fmt::Debug>(check: impl Fn(Engine) -> R) -> R {
    let mut found: Vec<R> = MODES.into_iter().map(|mode| check(engine(mode))).collect();
    let first = found.remove(0);
    for (mode, other) in (1..).zip(found) {
        assert_eq!(first, other, "modes 0 and {mode}");
    }
    first
}

/// What a call with so much fuel returns, or its trap, and what is left.
fn call(store: &mut Store<()>, instance: Instance, input: (&str, i32, u64)) -> Called {
    let (name, param, fuel) = input;
    store.set_fuel(fuel).unwrap();
    let result = run_i32(store, instance, (name, param));
    let result = result.map_err(|error| trap_kind(Err::<(), _>(error)));
    (result, store.get_fuel().unwrap())
}

type Called = (Result<i32, TrapKind>, u64);

/// Calls with parameters 0 and on, and then again when code may be better.
fn calls(wat: &str, inputs: &[(&str, i32, u64)]) -> Vec<Called> {
    everywhere(|engine| {
        let (mut store, instance) = instance_of(&engine, wat);
        let mut all = |_| inputs.iter().map(|&input| call(&mut store, instance, input)).collect();
        let rounds: Vec<Vec<_>> = (0..4).map(&mut all).collect();
        assert!(rounds.iter().all(|round| *round == rounds[0]), "{rounds:?}");
        rounds.into_iter().next().unwrap()
    })
}

#[test]
fn what_runs_is_paid_for() {
    let wat = r#"(module
        (func (export "empty") (param i32) (result i32) (local.get 0))
        (func (export "choose") (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (i32.add (i32.const 1) (i32.const 2)))
                (else (i32.const 9))))
        (func (export "count") (param i32) (result i32) (local i32)
            (loop
                (local.set 1 (i32.add (local.get 1) (i32.const 3)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1))
        (func (export "fib") (param i32) (result i32)
            (if (i32.lt_u (local.get 0) (i32.const 2)) (then (return (local.get 0))))
            (i32.add
                (call 3 (i32.sub (local.get 0) (i32.const 1)))
                (call 3 (i32.sub (local.get 0) (i32.const 2))))))"#;
    let found = calls(
        wat,
        &[
            ("empty", 5, 10),
            ("choose", 1, 10),
            ("choose", 0, 10),
            ("count", 10, 1000),
            ("fib", 10, 10_000),
        ],
    );
    // A call of fib costs 5 up to its if, and 1 or 9 more.
    let fib = 89 * 6 + 88 * 14;
    let expected = [(5, 8), (3, 4), (9, 6), (30, 1000 - 1 - 10 * 9 - 1), (55, 10_000 - fib)];
    assert_eq!(found, expected.map(|(value, left)| (Ok(value), left)));
}

#[test]
fn exactly_enough_is_enough() {
    let wat = r#"(module (global (export "done") (mut i32) (i32.const 0))
        (func $step (param i32) (result i32)
            (global.set 0 (i32.add (global.get 0) (local.get 0))) (global.get 0))
        (func (export "f") (param i32) (result i32) (local i32)
            (local.set 1 (local.get 0))
            (loop
                (br_if 0 (i32.ne (i32.const 6) (call $step (i32.const 1)))))
            (call $step (local.get 0))))"#;
    let of = |fuel| {
        everywhere(|engine| {
            let (mut store, instance) = instance_of(&engine, wat);
            let called = call(&mut store, instance, ("f", 10, fuel));
            let done = instance.global(&mut store, "done").unwrap();
            (called, bits(&done.get(&mut store)) as i32)
        })
    };
    let ((result, left), done) = of(1000);
    assert_eq!((result, done), (Ok(16), 16));
    let needed = 1000 - left;
    assert_eq!(of(needed), ((Ok(16), 0), 16));
    let mut last = 0;
    for fuel in 0..needed {
        let ((result, left), done) = of(fuel);
        assert_eq!((result, left), (Err(TrapKind::OutOfFuel), 0), "{fuel}");
        assert!(last <= done, "{fuel}");
        last = done;
    }
    assert_eq!(last, 6, "the last step was never paid for");
}

#[test]
fn a_trap_has_taken_its_run() {
    let trap = |body: &str| {
        let wat = format!(
            r#"(module (memory 1) (table 2 funcref) (type $v (func))
                (func $other (param i64)) (elem (i32.const 1) $other)
                (func (export "f") (param i32) (result i32)
                    (global.set $g (i32.const 1)) {body} (global.set $g (i32.const 2))
                    (global.get $g))
                (global $g (mut i32) (i32.const 0)))"#
        );
        let (result, left) = calls(&wat, &[("f", 0, 100)])[0];
        (result.unwrap_err(), 100 - left)
    };
    // 1 for the call, 2 before and 3 behind, if that is in the same run.
    let expected = [
        ("(drop (i32.load offset=65536 (local.get 0)))", TrapKind::MemoryOutOfBounds, 2 + 6),
        ("(i32.store (i32.const -4) (local.get 0))", TrapKind::MemoryOutOfBounds, 3 + 6),
        ("(drop (i32.div_s (i32.const 1) (local.get 0)))", TrapKind::IntegerDivideByZero, 3 + 6),
        ("(drop (i32.trunc_f32_s (f32.const nan)))", TrapKind::InvalidConversion, 2 + 6),
        ("(unreachable)", TrapKind::Unreachable, 3),
        ("(call_indirect (type $v) (i32.const 7))", TrapKind::UndefinedElement, 2 + 3),
        ("(call_indirect (type $v) (i32.const 0))", TrapKind::UninitializedElement, 2 + 3),
        ("(call_indirect (type $v) (i32.const 1))", TrapKind::IndirectCallTypeMismatch, 2 + 3),
        ("(drop (table.get 0 (i32.const 9)))", TrapKind::TableOutOfBounds, 2 + 6),
    ];
    for (body, kind, taken) in expected {
        assert_eq!(trap(body), (kind, taken), "{body}");
    }
}

#[test]
fn what_runs_for_ever_ends() {
    let wat = r#"(module
        (type $f (func (param i32) (result i32))) (table 1 funcref) (elem (i32.const 0) $tails)
        (func (export "loop") (param i32) (result i32) (loop (br 0)) (i32.const 0))
        (func (export "nest") (param i32) (result i32)
            (loop (loop (loop (br_if 1 (local.get 0)) (br 2)))) (i32.const 0))
        (func (export "tail") (param i32) (result i32) (return_call 2 (local.get 0)))
        (func $tails (export "tails") (param i32) (result i32)
            (return_call_indirect (type $f) (local.get 0) (i32.const 0)))
        (func $deep (export "deep") (param i32) (result i32)
            (i32.add (i32.const 1) (call $deep (local.get 0))))
        (func (export "add") (param i32) (result i32)
            (i32.add (local.get 0) (i32.const 1))))"#;
    let names = ["loop", "nest", "tail", "tails", "deep"];
    let inputs = names.iter().flat_map(|&name| [(name, 0, 3000), ("add", 1, 4), ("add", 1, 3)]);
    for (name, found) in names.into_iter().zip(calls(wat, &inputs.collect::<Vec<_>>()).chunks(3)) {
        let expected = [(Err(TrapKind::OutOfFuel), 0), (Ok(2), 0), (Err(TrapKind::OutOfFuel), 0)];
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_host_function_sees_what_is_exact() {
    let wat = r#"(module (import "" "see" (func $see (param i32) (result i32)))
        (func (export "f") (param i32) (result i32)
            (call $see (i32.add (local.get 0) (i32.const 1)))
            (if (then (drop (call $see (i32.const 5)))))
            (drop (call $see (i32.const 6)))
            (i32.const 7)))"#;
    let seen = everywhere(|engine| {
        let mut store = Store::new(&engine, Vec::new());
        let mut linker = Linker::new(&engine);
        let see = |mut caller: Caller<'_, Vec<(i32, u64)>>, value: i32| {
            let fuel = caller.get_fuel().unwrap();
            caller.data_mut().push((value, fuel));
            value
        };
        linker.func("", "see", see).unwrap();
        let instance = instantiate(&mut store, &linker, wat);
        store.set_fuel(100).unwrap();
        run_i32(&mut store, instance, ("f", 3)).unwrap();
        (store.get_fuel().unwrap(), store.into_data())
    });
    assert_eq!(seen, (89, vec![(4, 95), (5, 92), (6, 90)]));
}

#[test]
fn a_host_function_can_set_fuel() {
    let wat = r#"(module (import "" "refuel" (func $refuel (param i64)))
        (global $rounds (export "rounds") (mut i32) (i32.const 0))
        (func (export "f") (param i32) (result i32)
            (loop
                (global.set $rounds (i32.add (global.get $rounds) (i32.const 1)))
                (if (i32.eq (global.get $rounds) (local.get 0))
                    (then (return (global.get $rounds))))
                (call $refuel (i64.const 20))
                (br 0))
            (unreachable))
        (func (export "stop") (param i32) (result i32)
            (call $refuel (i64.const 0)) (i32.const 1)))"#;
    let found = everywhere(|engine| {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let refuel = |mut caller: Caller<'_, ()>, fuel: i64| caller.set_fuel(fuel as u64);
        linker.func("", "refuel", refuel).unwrap();
        let instance = instantiate(&mut store, &linker, wat);
        store.set_fuel(20).unwrap();
        let first = run_i32(&mut store, instance, ("f", 1000)).unwrap();
        let left = store.get_fuel().unwrap();
        let second = trap_kind(run_i32(&mut store, instance, ("stop", 0)));
        (first, left, second, store.get_fuel().unwrap())
    });
    assert_eq!(found, (1000, 10, TrapKind::OutOfFuel, 0));
}

#[test]
fn calls_out_of_host_functions_share_the_fuel() {
    let wat = r#"(module (import "" "again" (func $again (param i32) (result i32)))
        (func (export "inner") (param i32) (result i32) (loop (br 0)) (i32.const 0))
        (func (export "outer") (param i32) (result i32) (call $again (local.get 0))))"#;
    let found = everywhere(|engine| {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let again = |mut caller: Caller<'_, ()>, fuel: i32| -> Result<i32, Error> {
            let inner = caller.instance().unwrap().func(&mut caller, "inner").unwrap();
            let inner = inner.typed::<i32, i32>(&caller)?;
            let trap = trap_kind(inner.call(caller.as_context_mut(), 0));
            assert_eq!((trap, caller.get_fuel()?), (TrapKind::OutOfFuel, 0));
            caller.set_fuel(fuel as u64)?;
            Ok(77)
        };
        linker.func("", "again", again).unwrap();
        let instance = instantiate(&mut store, &linker, wat);
        store.set_fuel(500).unwrap();
        let result = run_i32(&mut store, instance, ("outer", 30)).unwrap();
        (result, store.get_fuel().unwrap())
    });
    assert_eq!(found, (77, 30));
}

const RANGES: &str = r#"(module (memory 3) (memory $other 3) (data $data "0123456789")
    (table $t 1000 funcref) (table $u 1000 funcref) (elem $elem func 0 0 0 0 0)
    (func (export "fill") (param i32) (result i32)
        (memory.fill (i32.const 1) (i32.const 2) (local.get 0)) (i32.load8_u (i32.const 1)))
    (func (export "copy") (param i32) (result i32)
        (memory.copy 0 $other (i32.const 0) (i32.const 3) (local.get 0)) (i32.const 0))
    (func (export "init") (param i32) (result i32)
        (memory.init $data (i32.const 0) (i32.const 0) (local.get 0)) (i32.const 0))
    (func (export "grow") (param i32) (result i32) (memory.grow $other (local.get 0)))
    (func (export "table.fill") (param i32) (result i32)
        (table.fill $t (i32.const 1) (ref.null func) (local.get 0)) (i32.const 0))
    (func (export "table.copy") (param i32) (result i32)
        (table.copy $t $u (i32.const 1) (i32.const 2) (local.get 0)) (i32.const 0))
    (func (export "table.init") (param i32) (result i32)
        (table.init $t $elem (i32.const 1) (i32.const 0) (local.get 0)) (i32.const 0))
    (func (export "table.grow") (param i32) (result i32)
        (table.grow $u (ref.null func) (local.get 0))))"#;

#[test]
fn ranges_cost_by_their_length() {
    let used = |name, length, fuel| {
        let (result, left) = everywhere(|engine| {
            let (mut store, instance) = instance_of(&engine, RANGES);
            call(&mut store, instance, (name, length, fuel))
        });
        (result, fuel - left)
    };
    let memory = TrapKind::MemoryOutOfBounds;
    let table = TrapKind::TableOutOfBounds;
    let cases = [
        ("fill", 0, Ok(0), 7),
        ("fill", 63, Ok(2), 7),
        ("fill", 128, Ok(2), 7 + 2),
        ("fill", -1, Err(memory), 7),
        ("copy", 65536, Ok(0), 6 + 1024),
        ("copy", 200_000, Err(memory), 6),
        ("init", 10, Ok(0), 6),
        ("init", 11, Err(memory), 6),
        ("grow", 2, Ok(3), 3 + 2048),
        ("grow", 65536, Ok(-1), 3),
        ("table.fill", 900, Ok(0), 6 + 900),
        ("table.fill", 1000, Err(table), 6),
        ("table.copy", 7, Ok(0), 6 + 7),
        ("table.copy", 999, Err(table), 6),
        ("table.init", 5, Ok(0), 6 + 5),
        ("table.init", 6, Err(table), 6),
        ("table.grow", 50, Ok(1000), 4 + 50),
        ("table.grow", -1, Ok(-1), 4),
    ];
    for (name, length, result, fuel) in cases {
        assert_eq!(used(name, length, 5000), (result, fuel), "{name} {length}");
        if result.is_ok() {
            let too_little = used(name, length, fuel - 1);
            assert_eq!(too_little, (Err(TrapKind::OutOfFuel), fuel - 1), "{name} {length}");
        }
    }
}

#[test]
fn what_is_too_long_changes_nothing() {
    let wat = r#"(module (memory (export "m") 1)
        (func (export "f") (param i32) (result i32)
            (memory.fill (i32.const 0) (i32.const 255) (local.get 0)) (i32.const 0)))"#;
    everywhere(|engine| {
        let (mut store, instance) = instance_of(&engine, wat);
        let called = call(&mut store, instance, ("f", 65536, 1000));
        assert_eq!(called, (Err(TrapKind::OutOfFuel), 0));
        let memory = instance.memory(&mut store, "m").unwrap();
        assert!(memory.data(&store).iter().all(|&byte| byte == 0));
    });
}

#[test]
fn a_start_function_is_a_call() {
    let wat = r#"(module (memory 1) (data (i32.const 0) "free of charge")
        (global $g (mut i32) (i32.const 5))
        (func $start (global.set $g (i32.const 6))) (start $start))"#;
    everywhere(|engine| {
        let module = Module::new(&engine, wat).unwrap();
        let mut store = Store::new(&engine, ());
        assert_eq!(store.get_fuel().unwrap(), 0);
        let result = Instance::new(&mut store, &module, &[]);
        assert_eq!(trap_kind(result.map(drop)), TrapKind::OutOfFuel);
        store.set_fuel(10).unwrap();
        Instance::new(&mut store, &module, &[]).unwrap();
        assert_eq!(store.get_fuel().unwrap(), 7);
        instance_of(&engine, "(module (memory 1) (data (i32.const 0) \"free\"))");
    });
}

#[test]
fn interrupts_work_beside_fuel() {
    let wat = r#"(module (import "" "begun" (func $begun))
        (func (export "f") (call $begun) (loop (br 0))))"#;
    for mode in MODES {
        let engine = engine(mode);
        let (mut store, mut linker) = (Store::new(&engine, ()), Linker::new(&engine));
        let (begin, begun) = mpsc::sync_channel(1);
        linker.func("", "begun", move || begin.send(()).unwrap()).unwrap();
        let instance = instantiate(&mut store, &linker, wat);
        store.set_fuel(u64::MAX).unwrap();
        let handle = store.interrupt_handle();
        let deadline = thread::spawn(move || {
            begun.recv().unwrap();
            thread::sleep(Duration::from_millis(20));
            handle.interrupt();
        });
        assert_eq!(trap_kind(run(&mut store, instance, "f")), TrapKind::Interrupted);
        deadline.join().unwrap();
        let left = store.get_fuel().unwrap();
        assert!(0 < left && left < u64::MAX, "{left}");
    }
}

#[test]
fn interrupts_that_go_on_take_nothing() {
    let wat = r#"(module (func (export "f") (param i32) (result i32)
        (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 0)))"#;
    let left = everywhere(|engine| {
        let (mut store, instance) = instance_of(&engine, wat);
        store.set_interrupt_handler(|()| InterruptAction::Continue);
        let handle = store.interrupt_handle();
        let done = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    handle.interrupt();
                    thread::yield_now();
                }
            });
            let called = call(&mut store, instance, ("f", 300_000, 10_000_000));
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            called
        })
    });
    assert_eq!(left, (Ok(0), 10_000_000 - 2 - 5 * 300_000));
}

#[test]
fn stack_overflow_is_none_of_its_business() {
    let wat = r#"(module (func $f (export "f") (param i32) (result i32)
        (i32.add (call $f (local.get 0)) (i32.const 1))))"#;
    for mode in MODES {
        let (mut store, instance) = instance_of(&engine(mode), wat);
        let (result, left) = call(&mut store, instance, ("f", 0, 1 << 40));
        assert_eq!(result, Err(TrapKind::StackOverflow));
        assert!(left < 1 << 40);
    }
}

#[test]
fn without_fuel_there_is_none_to_set() {
    let (mut store, instance) = instance_of(&Engine::default(), "(module (func (export \"f\")))");
    run(&mut store, instance, "f").unwrap();
    let message = store.set_fuel(1).unwrap_err().to_string();
    assert_eq!(message, "code takes no fuel unless the engine is configured so");
    assert!(store.get_fuel().is_err());
    assert!(store.as_context_mut().get_fuel().is_err());
}

/// Code is replaced by other code in the middle of all this.
#[test]
fn tiering_at_any_time_takes_the_same() {
    let wat = r#"(module (memory 1)
        (func $mix (param i32) (result i32) (local i32)
            (local.set 1 (i32.const 7))
            (loop
                (local.set 1 (i32.mul (i32.xor (local.get 1) (local.get 0)) (i32.const 31)))
                (i32.store (i32.and (local.get 1) (i32.const 0xfffc)) (local.get 0))
                (if (i32.and (local.get 1) (i32.const 4))
                    (then (local.set 1 (i32.load (i32.and (local.get 1) (i32.const 0xff00))))))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1))
        (func (export "f") (param i32) (result i32) (local i32)
            (memory.fill (i32.const 0) (i32.const 0) (i32.const 0x10000))
            (loop
                (local.set 1 (call $mix (i32.add (local.get 0) (i32.const 3))))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))"#;
    let expected = calls(wat, &[("f", 100, 1 << 30), ("f", 90, 40_000)]);
    assert_eq!(expected[1], (Err(TrapKind::OutOfFuel), 0));
    for round in 0..20 {
        let engine = engine_with(|config| {
            let config = config.consume_fuel(true).strategy(CompilerStrategy::Tiered);
            config.tier_up_budget(1 << (round % 10)).compile_threads(2);
        });
        let module = Module::new(&engine, wat).unwrap();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut store = Store::new(&engine, ());
                    let instance = Instance::new(&mut store, &module, &[]).unwrap();
                    assert_eq!(call(&mut store, instance, ("f", 100, 1 << 30)), expected[0]);
                });
            }
        });
    }
}
