//! Stack overflow on every kind of stack: main-like threads, small threads, coroutines.

use std::{panic::AssertUnwindSafe, thread};

use corosensei::{
    Coroutine, CoroutineResult,
    stack::{DefaultStack, Stack, StackPointer},
};
use tierup::{Caller, Engine, Error, Instance, Linker, Store, TrapKind, Val};

use crate::support::{engine_with, instance_of, instantiate, run, run_i32, trap_kind};

const RECURSIVE: &str = r#"(module
    (memory 1)
    (global $depth (export "depth") (mut i32) (i32.const 0))
    (func $down (export "down")
        (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
        (call $down) (call $down))
    (func $bounded (export "bounded") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $bounded (i32.sub (local.get 0) (i32.const 1)))))
            (else (i32.const 0))))
    (func (export "unreachable") unreachable)
    (func (export "load") (drop (i32.load (i32.const 65536)))))"#;

/// Overflows, traps otherwise, and computes, twice.
fn exercise(store: &mut Store<()>, instance: Instance) -> i32 {
    let depth = instance.global(&mut *store, "depth").unwrap();
    for _ in 0..2 {
        depth.set(&mut *store, Val::I32(0)).unwrap();
        let result = run(store, instance, "down");
        assert_eq!(trap_kind(result), TrapKind::StackOverflow);
        assert_eq!(trap_kind(run(store, instance, "load")), TrapKind::MemoryOutOfBounds);
        assert_eq!(trap_kind(run(store, instance, "unreachable")), TrapKind::Unreachable);
        assert_eq!(run_i32(store, instance, ("bounded", 100)).unwrap(), 100);
    }
    depth.get(store).i32().unwrap()
}

fn on_thread<R: Send>(bytes: usize, work: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        let spawned = thread::Builder::new().stack_size(bytes).spawn_scoped(scope, work);
        spawned.unwrap().join().unwrap()
    })
}

/// The end of a reservation, with no access below it. All of one thread have the same end.
struct Carved {
    top: StackPointer,
    bytes: usize,
}

/// Most bytes that can be carved.
const CARVED: usize = 4 << 20;

impl Carved {
    fn new(bytes: usize) -> Self {
        thread_local! {
            // SAFETY: a new mapping, which harms nobody. It is never unmapped.
            static START: usize = unsafe {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                libc::mmap(std::ptr::null_mut(), CARVED, libc::PROT_NONE, flags, -1, 0)
            } as usize;
        }
        let top = START.with(|start| *start) + CARVED;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a part of the mapping, which only this thread uses, for one stack at a time.
        let result = unsafe { libc::mprotect((top - bytes) as *mut _, bytes, access) };
        assert_eq!(result, 0);
        Self { top: StackPointer::new(top).unwrap(), bytes }
    }
}

// SAFETY: the memory below the base is readable, writable and aligned to pages, down to the limit,
// below which there is no access.
unsafe impl Stack for Carved {
    fn base(&self) -> StackPointer {
        self.top
    }

    fn limit(&self) -> StackPointer {
        StackPointer::new(self.top.get() - self.bytes).unwrap()
    }
}

impl Drop for Carved {
    fn drop(&mut self) {
        // SAFETY: our part of the mapping, which nobody uses any more.
        let result = unsafe {
            libc::mprotect((self.top.get() - self.bytes) as *mut _, self.bytes, libc::PROT_NONE)
        };
        assert_eq!(result, 0);
    }
}

fn on_coroutine<R: 'static>(bytes: usize, work: impl FnOnce() -> R + 'static) -> R {
    let stack = Carved::new(bytes);
    let mut coroutine = Coroutine::<(), (), R, _>::with_stack(stack, |_, ()| work());
    match coroutine.resume(()) {
        CoroutineResult::Return(result) => result,
        CoroutineResult::Yield(()) => panic!("it does not yield"),
    }
}

#[test]
fn threads_with_stacks_of_all_sizes() {
    let engine = Engine::default();
    let mut depths = Vec::new();
    for kib in [128, 256, 512, 64 << 10] {
        depths.push(on_thread(kib << 10, || {
            let (mut store, instance) = instance_of(&engine, RECURSIVE);
            exercise(&mut store, instance)
        }));
    }
    // The system may give a thread a larger stack than was asked for, from one that ended.
    // `max_wasm_stack` holds where the stack would allow more.
    assert!(depths.iter().all(|depth| (500..40_000).contains(depth)), "{depths:?}");
}

#[test]
fn one_store_moves_between_stacks() {
    let engine = Engine::default();
    let (mut store, instance) = instance_of(&engine, RECURSIVE);
    let here = exercise(&mut store, instance);
    for kib in [8 << 10, 256, 2 << 10, 128, 256, 1 << 10, 256] {
        on_thread(kib << 10, || exercise(&mut store, instance));
    }
    // Stacks that come and go at the same place, the next smaller than the one before.
    let mut store = store;
    for kib in [2048, 128, 1024, 192, 2048, 96, 1024] {
        let depth;
        (store, depth) = on_coroutine(kib << 10, move || {
            let depth = exercise(&mut store, instance);
            (store, depth)
        });
        assert_eq!(depth < here / 2, kib < 512, "{depth} frames in {kib} KiB, {here} here");
    }
    exercise(&mut store, instance);
}

/// Host functions keep their reserve on a stack that replaced a larger one.
#[test]
fn the_reserve_for_host_functions_is_there_on_every_stack() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::<()>::new(&engine);
    linker.func("", "use_stack", |_: Caller<'_, ()>| use_stack(tierup::HOST_RESERVE / 2)).unwrap();
    let instance = instantiate(
        &mut store,
        &linker,
        r#"(module (import "" "use_stack" (func $use_stack))
            (func $down (export "down") (call $use_stack) (call $down) (call $down)))"#,
    );
    for kib in [2048, 128, 1024, 160, 2048, 256] {
        store = on_coroutine(kib << 10, move || {
            let result = run(&mut store, instance, "down");
            assert_eq!(trap_kind(result), TrapKind::StackOverflow);
            store
        });
    }
    for kib in [2048, 256, 1024, 128] {
        on_thread(kib << 10, || {
            let result = run(&mut store, instance, "down");
            assert_eq!(trap_kind(result), TrapKind::StackOverflow);
        });
    }
}

/// Touches about that many bytes of the stack.
#[inline(never)]
fn use_stack(bytes: usize) {
    let page = std::hint::black_box([1_u8; 2048]);
    if 4096 < bytes {
        use_stack(bytes - 4096);
    }
    std::hint::black_box(&page);
}

/// Calls a function that has no code from every depth around the last one that fits.
fn first_calls_at_the_end_of_the_stack(store: &mut Store<()>, instance: Instance) {
    let engine = store.engine().clone();
    let fits = |store: &mut Store<()>, depth| {
        engine.remove_code();
        match run_i32(store, instance, ("go", depth)) {
            Ok(result) => {
                assert_eq!(result, depth + 5);
                true
            }
            Err(error) => {
                assert_eq!(error.trap().unwrap().kind(), TrapKind::StackOverflow);
                false
            }
        }
    };
    let (mut low, mut high) = (0, 1 << 20);
    while low + 1 < high {
        let middle = (low + high) / 2;
        if fits(store, middle) { low = middle } else { high = middle }
    }
    assert!(50 < low, "{low}");
    for depth in low - 8..low + 8 {
        assert_eq!(fits(store, depth), depth <= low);
    }
}

const LAST_CALL: &str = r#"(module
    (func $go (export "go") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $go (i32.sub (local.get 0) (i32.const 1)))))
            (else (call $last (i32.const 2) (i64.const 3)))))
    (func $last (param i32 i64) (result i32)
        (i32.add (local.get 0) (i32.wrap_i64 (local.get 1)))))"#;

#[test]
fn a_first_call_one_frame_before_overflow() {
    let engine = Engine::default();
    on_thread(2 << 20, || {
        let (mut store, instance) = instance_of(&engine, LAST_CALL);
        first_calls_at_the_end_of_the_stack(&mut store, instance);
    });
    on_thread(256 << 10, || {
        let (mut store, instance) = instance_of(&engine, LAST_CALL);
        first_calls_at_the_end_of_the_stack(&mut store, instance);
    });
    on_coroutine(128 << 10, move || {
        let (mut store, instance) = instance_of(&engine, LAST_CALL);
        first_calls_at_the_end_of_the_stack(&mut store, instance);
    });
}

#[test]
fn frames_larger_than_what_is_left() {
    let locals = "i64 ".repeat(49_990);
    let sum = (0..49_990)
        .step_by(10)
        .fold(String::new(), |text, index| text + &format!("(i64.add (local.get {})) ", index + 1));
    let sets = (0..49_990).step_by(10).fold(String::new(), |text, index| {
        text + &format!("(local.set {} (i64.load (i32.const {index})))", index + 1)
    });
    let wat = format!(
        r#"(module (memory 1) (func $huge (export "huge") (param i32) (result i64) (local {locals})
            {sets}
            (if (local.get 0)
                (then (drop (call $huge (i32.sub (local.get 0) (i32.const 1))))))
            (i64.const 1) {sum}))"#
    );
    let engine = Engine::default();
    let (mut store, instance) = instance_of(&engine, &wat);
    for kib in [128, 256, 1 << 10, 4 << 10] {
        on_thread(kib << 10, || {
            let huge = instance.typed_func::<i32, i64>(&mut store, "huge").unwrap();
            let result = huge.call(&mut store, 100_000);
            assert_eq!(trap_kind(result), TrapKind::StackOverflow, "{kib} KiB");
            if 256 < kib {
                assert_eq!(huge.call(&mut store, 1).unwrap(), 1);
            }
        });
    }
    let depth = on_coroutine(192 << 10, move || {
        let huge = instance.typed_func::<i32, i64>(&mut store, "huge").unwrap();
        trap_kind(huge.call(&mut store, 100_000))
    });
    assert_eq!(depth, TrapKind::StackOverflow);
}

#[test]
fn host_and_wasm_call_each_other_until_the_stack_ends() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 0);
    let mut linker = Linker::<i32>::new(&engine);
    linker
        .func("", "again", |mut caller: Caller<'_, i32>| -> Result<(), Error> {
            *caller.data_mut() += 1;
            let again = caller.export("again").unwrap().into_func().unwrap();
            again.call(&mut caller, &[], &mut [])
        })
        .unwrap();
    let instance = instantiate(
        &mut store,
        &linker,
        r#"(module (import "" "again" (func $again))
            (func $go (export "again") (call $again) (call $again)))"#,
    );
    for kib in [192, 2 << 10, 256] {
        on_thread(kib << 10, || {
            *store.data_mut() = 0;
            let result = run(&mut store, instance, "again");
            assert_eq!(trap_kind(result), TrapKind::StackOverflow);
            assert!(10 < *store.data(), "{}", store.data());
        });
    }
}

#[test]
fn a_suspended_coroutine_goes_on_and_can_be_dropped() {
    struct Dropped(std::sync::Arc<std::sync::atomic::AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }
    for resumes in [2, 1] {
        let dropped = std::sync::Arc::default();
        let guard = Dropped(std::sync::Arc::clone(&dropped));
        let stack = DefaultStack::new(256 << 10).unwrap();
        let mut coroutine = Coroutine::<(), (), i32, _>::with_stack(stack, move |yielder, ()| {
            let _guard = guard;
            let yielder = std::ptr::from_ref(yielder) as usize;
            let engine = Engine::default();
            let mut store = Store::new(&engine, ());
            let mut linker = Linker::<()>::new(&engine);
            linker
                .func("", "wait", move || {
                    let yielder = yielder as *const corosensei::Yielder<(), ()>;
                    // SAFETY: the yielder lives as long as its coroutine, which is running.
                    let yielder = unsafe { &*yielder };
                    yielder.suspend(());
                })
                .unwrap();
            let instance = instantiate(
                &mut store,
                &linker,
                r#"(module (import "" "wait" (func $wait))
                    (func (export "f") (param i32) (result i32) (call $wait) (local.get 0)))"#,
            );
            let call = AssertUnwindSafe(|| run_i32(&mut store, instance, ("f", 7)).unwrap());
            call()
        });
        let mut returned = None;
        for _ in 0..resumes {
            // Other code of this thread runs while the coroutine waits in its host call.
            let (mut store, instance) = instance_of(&Engine::default(), RECURSIVE);
            exercise(&mut store, instance);
            returned = coroutine.resume(()).as_return();
        }
        assert_eq!(returned, (resumes == 2).then_some(7));
        drop(coroutine);
        assert!(dropped.load(std::sync::atomic::Ordering::Relaxed));
    }
}

/// The alternate signal stack is there from the first call on and given back at the end.
#[test]
fn wasm_runs_while_a_thread_ends() {
    struct CallsAtEnd(Option<(Store<()>, Instance)>);
    impl Drop for CallsAtEnd {
        fn drop(&mut self) {
            let (mut store, instance) = self.0.take().unwrap();
            // Whether it can run depends on what of the thread is left; it must not crash.
            if let Err(error) = run(&mut store, instance, "load") {
                let trap = error.trap().map(|trap| trap.kind());
                assert!(matches!(trap, None | Some(TrapKind::MemoryOutOfBounds)), "{error}");
            }
        }
    }
    thread_local! {
        static FIRST: std::cell::RefCell<CallsAtEnd> = const {
            std::cell::RefCell::new(CallsAtEnd(None))
        };
        static SECOND: std::cell::RefCell<CallsAtEnd> = const {
            std::cell::RefCell::new(CallsAtEnd(None))
        };
    }
    let engine = Engine::default();
    thread::spawn(move || {
        let (mut store, instance) = instance_of(&engine, RECURSIVE);
        FIRST.with(|first| first.borrow_mut().0 = Some(instance_of(&engine, RECURSIVE)));
        exercise(&mut store, instance);
        SECOND.with(|second| second.borrow_mut().0 = Some((store, instance)));
    })
    .join()
    .unwrap();
}

#[test]
fn a_limit_larger_than_the_default() {
    let engine = engine_with(|config| {
        config.max_wasm_stack(16 << 20);
    });
    let depth = |engine: &Engine| {
        let (mut store, instance) = instance_of(engine, RECURSIVE);
        on_thread(32 << 20, || exercise(&mut store, instance))
    };
    let (small, large) = (depth(&Engine::default()), depth(&engine));
    assert!(10 * small < large, "{small} {large}");
}
