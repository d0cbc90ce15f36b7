//! Faults that are not Wasm's, and processes that fork. Each body runs in a process of its own.

use std::{
    process::Output,
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
};

use tierup::{
    AsContextMut, Caller, CompilerStrategy, Config, Engine, Error, ErrorKind, Filter, Func,
    Instance, Linker, Module, ModuleOptions, Protection, Store, TrapKind,
};

use crate::support::{
    engine_with, in_process, instance_of, instantiate, run, run_i32, signal, stderr, trap_kind,
};

const CALLS_HOST: &str = r#"(module (import "" "host" (func $host)) (memory 1)
    (func (export "call") (call $host))
    (func (export "tail") (return_call $host))
    (func (export "load") (drop (i32.load (i32.const 65536)))))"#;

/// A store whose host function does `work`, after traps have worked.
fn with_host(work: fn()) -> (Store<()>, Instance) {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::<()>::new(&engine);
    linker.func("", "host", move |_: Caller<'_, ()>| work()).unwrap();
    let instance = instantiate(&mut store, &linker, CALLS_HOST);
    assert_eq!(trap_kind(run(&mut store, instance, "load")), TrapKind::MemoryOutOfBounds);
    (store, instance)
}

fn read_null() {
    // SAFETY: none: the fault is the point of the test.
    unsafe { std::hint::black_box(std::ptr::null::<u8>()).read_volatile() };
}

fn write_close_to_the_stack() {
    let here = 0_u8;
    let guard = std::hint::black_box((&raw const here as usize - (32 << 10)) & !4095);
    // SAFETY: a page of this thread's stack that nothing uses yet.
    unsafe { libc::mprotect(guard as *mut _, 4096, libc::PROT_NONE) };
    // SAFETY: none: the fault is the point of the test.
    unsafe { (guard as *mut u8).write_volatile(1) };
}

fn undefined_instruction() {
    // SAFETY: none: the fault is the point of the test.
    unsafe { std::arch::asm!("ud2") };
}

fn divide_by_zero() {
    // SAFETY: none: the fault is the point of the test.
    unsafe {
        std::arch::asm!("xor ecx, ecx", "mov eax, 1", "xor edx, edx", "div ecx",
            out("eax") _, out("ecx") _, out("edx") _);
    }
}

#[track_caller]
fn dies_of(output: &Output, expected: i32) {
    assert_eq!(signal(output), Some(expected), "{:?} {}", output.status, stderr(output));
}

#[test]
fn a_host_function_that_reads_null_ends_the_process() {
    let output = in_process("faults::a_host_function_that_reads_null_ends_the_process", || {
        let (mut store, instance) = with_host(read_null);
        let _ = run(&mut store, instance, "call");
    });
    dies_of(&output, libc::SIGSEGV);
}

#[test]
fn a_host_function_that_faults_close_to_the_stack_is_no_stack_overflow() {
    let name = "faults::a_host_function_that_faults_close_to_the_stack_is_no_stack_overflow";
    let output = in_process(name, || {
        let (mut store, instance) = with_host(write_close_to_the_stack);
        let _ = run(&mut store, instance, "tail");
    });
    dies_of(&output, libc::SIGSEGV);
}

#[test]
fn other_signals_of_host_functions_end_the_process() {
    let output = in_process("faults::other_signals_of_host_functions_end_the_process", || {
        let (mut store, instance) = with_host(divide_by_zero);
        let _ = run(&mut store, instance, "call");
    });
    dies_of(&output, libc::SIGFPE);
}

#[test]
fn an_undefined_instruction_of_the_host_ends_the_process() {
    let name = "faults::an_undefined_instruction_of_the_host_ends_the_process";
    let output = in_process(name, || {
        let (mut store, instance) = with_host(undefined_instruction);
        let _ = run(&mut store, instance, "call");
    });
    dies_of(&output, libc::SIGILL);
}

#[test]
fn a_fault_outside_of_any_call_ends_the_process() {
    let output = in_process("faults::a_fault_outside_of_any_call_ends_the_process", || {
        let _store = with_host(|| {});
        read_null();
    });
    dies_of(&output, libc::SIGSEGV);
}

/// A store to a global is no trap site, whatever happens to the page that it goes to.
#[test]
fn a_fault_of_code_where_none_may_be_is_not_swallowed() {
    let name = "faults::a_fault_of_code_where_none_may_be_is_not_swallowed";
    let output = in_process(name, || {
        handle(libc::SIGSEGV, (exit_by_place as *const () as usize, libc::SA_SIGINFO));
        // Nothing but the store is to write: first-tier code would call the runtime now and then.
        let engine = Engine::new(Config::new().strategy(CompilerStrategy::Optimizing)).unwrap();
        let (mut store, instance) = instance_of(
            &engine,
            r#"(module (global $g (export "g") (mut i32) (i32.const 1)) (memory (export "m") 1)
                (func (export "f") (param i32) (result i32)
                    (i32.store8 (i32.const 0) (local.get 0))
                    (loop $again (global.set $g (local.get 0)) (br_if $again (local.get 0)))
                    (i32.const 1)))"#,
        );
        run_i32(&mut store, instance, ("f", 0)).unwrap();
        let here = 0_u8;
        let kept = [&raw const here as usize, signal_stack()];
        let memory = instance.memory(&mut store, "m").unwrap();
        let first = memory.data(&store).as_ptr().expose_provenance();
        std::thread::spawn(move || {
            // SAFETY: the memory stays as it is, and nobody else in this process looks at it but
            // the function that writes this byte.
            let first = unsafe { AtomicU8::from_ptr(std::ptr::with_exposed_provenance_mut(first)) };
            // From then on it is in its loop.
            while first.load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            forbid_writing(kept);
        });
        let _ = run_i32(&mut store, instance, ("f", 1));
    });
    assert_eq!(output.status.code(), Some(9), "{:?} {}", output.status, stderr(&output));
}

/// An address in the middle of the calling thread's signal stack.
fn signal_stack() -> usize {
    // SAFETY: all zeros is a value of the struct.
    let mut current: libc::stack_t = unsafe { std::mem::zeroed() };
    // SAFETY: asks only; there is room for the answer.
    assert_eq!(unsafe { libc::sigaltstack(std::ptr::null(), &raw mut current) }, 0);
    current.ss_sp as usize + current.ss_size / 2
}

/// Takes the right to write to heaps away from the process, while a thread runs Wasm that has its
/// stacks at the addresses `kept`. Its signal stack may lie side by side with a heap, and the
/// system makes one range of these: so of a range with such an address, what is close to it stays.
fn forbid_writing(kept: [usize; 2]) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut ranges = [(0, 0); 256];
    let heaps = maps.lines().filter(|line| line.contains(" rw-p ") && !line.contains("[stack"));
    for (range, line) in ranges.iter_mut().zip(heaps) {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let parse = |number| usize::from_str_radix(number, 16).unwrap();
        *range = (parse(start), parse(end));
    }
    let here = &raw const ranges as usize;
    for &(start, end) in &ranges {
        let range = start..end;
        if range.contains(&here) || range.contains(&kept[0]) {
            continue;
        }
        let parts = match range.contains(&kept[1]) {
            true => [start..(kept[1] - NEAR).max(start), (kept[1] + NEAR).min(end)..end],
            false => [range, end..end],
        };
        for part in parts.iter().filter(|part| !part.is_empty()) {
            // SAFETY: none: the fault that follows is the point of the test.
            unsafe { libc::mprotect(part.start as *mut _, part.len(), libc::PROT_READ) };
        }
    }
    // SAFETY: waits, without writing anything.
    unsafe { libc::sleep(600) };
    // SAFETY: ends the process at once: nothing has faulted.
    unsafe { libc::_exit(6) };
}

/// Half a signal stack of ours, which are 64 KiB; a multiple of pages.
const NEAR: usize = 32 << 10;

/// Exits with 9 if the fault was far away from the code of the program, else with 7.
extern "C" fn exit_by_place(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system passes a valid pointer.
    let context = unsafe { &*context.cast::<libc::ucontext_t>() };
    let pc = context.uc_mcontext.gregs[libc::REG_RIP as usize] as usize;
    let distance = pc.abs_diff(exit_by_place as *const () as usize);
    // SAFETY: ends the process at once, as a signal handler may.
    unsafe { libc::_exit(if (1 << 30) < distance { 9 } else { 7 }) };
}

extern "C" fn exit_7(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: ends the process at once, as a signal handler may.
    unsafe { libc::_exit(7) };
}

extern "C" fn exit_8(_: libc::c_int) {
    // SAFETY: ends the process at once, as a signal handler may.
    unsafe { libc::_exit(8) };
}

fn handle(signal: libc::c_int, (handler, flags): (usize, libc::c_int)) {
    // SAFETY: all zeros is a value of the struct.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: the handler has the signature that the flags ask for.
    assert_eq!(unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) }, 0);
}

#[test]
fn handlers_that_were_there_before_get_the_faults_that_are_theirs() {
    let name = "faults::handlers_that_were_there_before_get_the_faults_that_are_theirs";
    let output = in_process(name, || {
        handle(libc::SIGSEGV, (exit_7 as *const () as usize, libc::SA_SIGINFO));
        let (mut store, instance) = with_host(read_null);
        let _ = run(&mut store, instance, "call");
    });
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
}

#[test]
fn handlers_without_information_are_called_as_they_expect() {
    let name = "faults::handlers_without_information_are_called_as_they_expect";
    let output = in_process(name, || {
        handle(libc::SIGILL, (exit_8 as *const () as usize, 0));
        let (mut store, instance) = with_host(undefined_instruction);
        let _ = run(&mut store, instance, "call");
    });
    assert_eq!(output.status.code(), Some(8), "{}", stderr(&output));
}

/// Ends of a child.
#[derive(PartialEq, Eq, Debug)]
enum Ended {
    Exited(i32),
    Killed(i32),
}

/// Runs `body` in a forked child, which exits with 0 after it.
fn in_child(body: impl FnOnce()) -> Ended {
    // SAFETY: the process has no other threads that hold locks: it runs one test only.
    let child = unsafe { libc::fork() };
    assert!(0 <= child);
    if child == 0 {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        // SAFETY: ends the child without the parent's destructors.
        unsafe { libc::_exit(i32::from(result.is_err())) };
    }
    let mut status = 0;
    // SAFETY: waits for our child; there is room for its status.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    match libc::WIFEXITED(status) {
        true => Ended::Exited(libc::WEXITSTATUS(status)),
        false => Ended::Killed(libc::WTERMSIG(status)),
    }
}

const ADD: &str = r#"(module (memory 1) (func $g (param i32) (result i32) (local.get 0))
    (func (export "f") (param i32) (result i32) (call $g (local.get 0)))
    (func (export "t") (drop (i32.load (i32.const 65536)))))"#;

#[test]
fn a_forked_child_gets_errors_and_its_own_engines_work() {
    let name = "faults::a_forked_child_gets_errors_and_its_own_engines_work";
    let output = in_process(name, || {
        for protection in [Protection::File, Protection::Toggle] {
            let engine = engine_with(|config| {
                config.protection(protection);
            });
            let (mut store, instance) = instance_of(&engine, ADD);
            assert_eq!(run_i32(&mut store, instance, ("f", 1)).unwrap(), 1);
            let ended = in_child(|| {
                let error = run_i32(&mut store, instance, ("f", 1)).unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::ForkedChild), "{error}");
                // What engines share is its parent's, and may be locked there.
                let made = Module::new(&engine, ADD);
                assert_eq!(made.is_err(), protection == Protection::File);
                let error = Func::wrap(&mut store, |_: f64, _: i64| {}).unwrap_err();
                assert!(error.to_string().contains("fork"), "{error}");
                // Data is the child's own.
                store.data_mut();
                store.collect();
                let (mut own, instance) = instance_of(&engine_with(|_| {}), ADD);
                assert_eq!(run_i32(&mut own, instance, ("f", 2)).unwrap(), 2);
                assert_eq!(trap_kind(run(&mut own, instance, "t")), TrapKind::MemoryOutOfBounds);
                // A child of the child is one more step away.
                let grandchild = in_child(|| {
                    let error = run_i32(&mut own, instance, ("f", 1)).unwrap_err();
                    assert!(matches!(error.kind(), ErrorKind::ForkedChild), "{error}");
                });
                assert_eq!(grandchild, Ended::Exited(0));
                assert_eq!(run_i32(&mut own, instance, ("f", 3)).unwrap(), 3);
            });
            assert_eq!(ended, Ended::Exited(0));
            assert_eq!(run_i32(&mut store, instance, ("f", 4)).unwrap(), 4);
        }
    });
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_forked_child_can_drop_tenants_and_watchers_of_its_parent() {
    let name = "faults::a_forked_child_can_drop_tenants_and_watchers_of_its_parent";
    let output = in_process(name, || {
        let engine = engine_with(|config| {
            config.watch_memory_pressure(true);
        });
        let tenant = engine.tenant("parent's", 1 << 20);
        let options = ModuleOptions::new().tenant(&tenant).clone();
        let module = Module::with_options(&engine, ADD, &options).unwrap();
        module.compile().unwrap();
        let used = tenant.stats().used_bytes;
        let mut held = Some((engine.clone(), tenant.clone(), module.clone()));
        let ended = in_child(|| {
            assert_eq!((tenant.trim(), tenant.flush(Filter::All).functions), (0, 0));
            let error = Module::with_options(&engine, ADD, &options).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Code(_) | ErrorKind::ForkedChild), "{error}");
            held.take();
        });
        assert_eq!(ended, Ended::Exited(0));
        assert_eq!(tenant.stats().used_bytes, used);
        assert_eq!(module.flush(Filter::All).functions, 2 + 1);
    });
    assert!(output.status.success(), "{}", stderr(&output));
}

/// Threads that the child does not have may have held any lock of the engine.
#[test]
fn a_forked_child_drops_modules_while_others_make_some() {
    let name = "faults::a_forked_child_drops_modules_while_others_make_some";
    let output = in_process(name, || {
        let engine = Engine::default();
        let mut held = Some(Module::new(&engine, "(module (func (param f32 f64 i32)))").unwrap());
        let (binary, over) = (wat::parse_str(ADD).unwrap(), AtomicBool::new(false));
        let is_on = || !over.load(Ordering::Relaxed);
        let kept = Module::new(&engine, &binary).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while is_on() {
                        assert!(Module::new(&engine, &binary).unwrap().shares_code(&kept));
                    }
                });
                scope.spawn(|| {
                    while is_on() {
                        let mut store = Store::new(&engine, ());
                        for _ in 0..1000 {
                            Func::wrap(&mut store, |_: i64, _: f32| {}).unwrap();
                        }
                    }
                });
            }
            let ended: Vec<Ended> = (0..200)
                .map(|_| {
                    in_child(|| {
                        // A child that hangs is killed, and so found.
                        // SAFETY: no handler is installed.
                        unsafe { libc::alarm(100) };
                        held.take();
                    })
                })
                .take_while(|ended| *ended == Ended::Exited(0))
                .collect();
            over.store(true, Ordering::Relaxed);
            assert_eq!(ended.len(), 200);
        });
    });
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_forked_child_cannot_return_from_a_host_call_into_wasm() {
    let name = "faults::a_forked_child_cannot_return_from_a_host_call_into_wasm";
    let output = in_process(name, || {
        let engine = Engine::new(&Config::new()).unwrap();
        let mut store = Store::new(&engine, 0);
        let mut linker = Linker::<i32>::new(&engine);
        linker
            .func("", "host", |mut caller: Caller<'_, i32>| -> Result<(), Error> {
                // SAFETY: the process has no other threads that hold locks.
                let child = unsafe { libc::fork() };
                if child == 0 && *caller.data() == 1 {
                    // An error would unwind through the frames of code that is not there.
                    return Err(Error::host("failed in the child"));
                }
                *caller.as_context_mut().data_mut() = child;
                Ok(())
            })
            .unwrap();
        let module = Module::new(&engine, CALLS_HOST).unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        run(&mut store, instance, "call").unwrap();
        let mut status = 0;
        // SAFETY: waits for our child; there is room for its status.
        unsafe { libc::waitpid(*store.data(), &raw mut status, 0) };
        assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGABRT);
    });
    assert!(output.status.success(), "{}", stderr(&output));
    let text = "tierup: a host call returned to Wasm in a forked child, which has no code";
    assert!(stderr(&output).contains(text), "{}", stderr(&output));
}
