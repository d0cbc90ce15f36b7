//! Modules that come and go: memory is used again, whatever there was before.

use tierup::{
    CompilerStrategy, Engine, FaultKind, FaultPlan, Filter, Instance, Module, ModuleOptions, Store,
    TrapKind,
};

use crate::{
    flushing::functions_of,
    support::{address_space, engine_with, in_process, mapping_count, run_i32, stderr, trap_kind},
};

/// Bytes of memory that this process has.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn thousands_of_modules_made_called_and_dropped_leave_memory_as_it_was() {
    let output = in_process(
        "churn::thousands_of_modules_made_called_and_dropped_leave_memory_as_it_was",
        || {
            let engine = engine_with(|config| {
                config.strategy(CompilerStrategy::Tiered).tier_up_budget(1);
            });
            let tenant = engine.tenant("churn", 4 << 20);
            let one = |round: usize| {
                // Of many sizes, so that what goes leaves holes of many sizes.
                let text = functions_of(round % 40, 1 + round % 7, round);
                let options = ModuleOptions::new().tenant(&tenant).clone();
                let module = Module::with_options(&engine, &text, &options).unwrap();
                let mut store = Store::new(&engine, ());
                let instance = Instance::new(&mut store, &module, &[]).unwrap();
                for _ in 0..3 {
                    assert_eq!(run_i32(&mut store, instance, ("f0", 5)).unwrap(), 5);
                }
            };
            (0..1000).for_each(one);
            let before = (resident(), mapping_count(), address_space());
            let stats = engine.stats().code;
            (1000..4000).for_each(one);
            let after = (resident(), mapping_count(), address_space());
            assert!(after.0 <= before.0 + (3 << 20), "resident: {before:?} {after:?}");
            assert!(after.1 <= before.1 + 8, "mappings: {before:?} {after:?}");
            assert!(after.2 <= before.2 + (64 << 20), "address space: {before:?} {after:?}");
            engine.collect();
            let now = engine.stats().code;
            assert_eq!((now.arenas, now.units), (stats.arenas, 0));
            assert!(
                now.committed_bytes <= stats.committed_bytes + (256 << 10),
                "{stats:?} {now:?}"
            );
            assert_eq!(tenant.stats().used_bytes, 0);
        },
    );
    assert!(output.status.success(), "{}", stderr(&output));
}

/// Arenas of 64 KiB, in which a few dozen functions fit.
const ARENA: usize = 64 << 10;

/// Calls functions until one has no place, which needs a new arena; returns how many were called.
fn call_until_full((store, instance): &mut (Store<()>, Instance), why: &str) -> usize {
    for function in 0..400 {
        match run_i32(store, *instance, (&format!("f{function}"), 1)) {
            Ok(result) => assert_eq!(result, 1 + function),
            Err(error) => {
                let text = error.to_string();
                assert_eq!(trap_kind::<()>(Err(error)), TrapKind::CompileFailed);
                assert!(text.contains(why), "{text}");
                return function as usize;
            }
        }
    }
    panic!("everything fits");
}

fn many_functions(engine: &Engine) -> (Store<()>, Instance) {
    let module = Module::new(engine, functions_of(60, 400, 0)).unwrap();
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    (store, instance)
}

#[test]
fn no_address_space_for_an_arena_is_a_trap_until_there_is() {
    let plan = FaultPlan::new();
    let engine = engine_with(|config| {
        config.strategy(CompilerStrategy::Baseline).arena_code_bytes(ARENA).faults(plan.clone());
    });
    let mut called = many_functions(&engine);
    plan.arm(FaultKind::Reserve, 1);
    let full = call_until_full(&mut called, "planned fault");
    assert!(10 < full, "{full}");
    let arenas = engine.stats().code.arenas;
    let mut call = |function: usize| {
        let name = format!("f{function}");
        let result = run_i32(&mut called.0, called.1, (&name, 1)).unwrap();
        assert_eq!(result, 1 + function as i32);
    };
    // The next time it is granted.
    (0..400).for_each(&mut call);
    assert!(arenas < engine.stats().code.arenas);
    // What was reserved is used again.
    let arenas = engine.stats().code.arenas;
    for _ in 0..5 {
        engine.flush(Filter::All);
        engine.collect();
        (0..400).for_each(&mut call);
    }
    assert_eq!(engine.stats().code.arenas, arenas);
}

#[test]
fn a_process_whose_address_space_is_used_up_gets_traps_and_goes_on() {
    let name = "churn::a_process_whose_address_space_is_used_up_gets_traps_and_goes_on";
    let output = in_process(name, || {
        let engine = engine_with(|config| {
            config.strategy(CompilerStrategy::Baseline).arena_code_bytes(ARENA);
            // An arena is more than the allocator needs meanwhile.
            config.compile_threads(0);
        });
        let mut called = many_functions(&engine);
        assert_eq!(run_i32(&mut called.0, called.1, ("f0", 1)).unwrap(), 1);
        let limit = |bytes: libc::rlim_t| {
            let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
            // SAFETY: reads the structure.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
        };
        limit((address_space() + (32 << 20)) as libc::rlim_t);
        let full = call_until_full(&mut called, "mmap of");
        // What has code goes on, and what was given up makes room.
        assert_eq!(run_i32(&mut called.0, called.1, ("f0", 5)).unwrap(), 5);
        engine.flush(Filter::All);
        engine.collect();
        let last = format!("f{full}");
        assert_eq!(run_i32(&mut called.0, called.1, (&last, 1)).unwrap(), 1 + full as i32);
        limit(libc::RLIM_INFINITY);
        for function in 0..400 {
            let result = run_i32(&mut called.0, called.1, (&format!("f{function}"), 1));
            assert_eq!(result.unwrap(), 1 + function);
        }
    });
    assert!(output.status.success(), "{}", stderr(&output));
}

/// The most memory that this process had.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// A module of one function: `open` as often as a body may be long, then `close` as often.
fn largest_body((open, close): (&[u8], &[u8])) -> Vec<u8> {
    /// What validation allows.
    const BODY: usize = 7_654_321;
    let leb = |mut number: usize| {
        let mut bytes = Vec::new();
        while 128 <= number {
            bytes.push(number as u8 | 128);
            number >>= 7;
        }
        bytes.push(number as u8);
        bytes
    };
    let section = |id: u8, bytes: &[u8]| [&[id], &leb(bytes.len())[..], bytes].concat();
    let count = (BODY - 100) / (open.len() + close.len());
    let (open, close) = (open.repeat(count), close.repeat(count));
    let body = [&[1, 16, 0x7f], &open[..], &close, &[0x20, 0, 0x0b]].concat();
    let code = [&[1], &leb(body.len())[..], &body].concat();
    let ty = section(1, &[1, 0x60, 1, 0x7f, 1, 0x7f]);
    let export = section(7, b"\x01\x01f\0\0");
    [b"\0asm\x01\0\0\0", &ty[..], &section(3, &[1, 0]), &export, &section(10, &code)].concat()
}

/// A baseline job has no limit that is set, because its memory follows from the largest body.
#[test]
fn memory_of_a_baseline_job_is_bounded_by_the_largest_body() {
    const MOST: usize = 512 << 20;
    let name = "churn::memory_of_a_baseline_job_is_bounded_by_the_largest_body";
    let output = in_process(name, || {
        let engine = engine_with(|config| {
            config.strategy(CompilerStrategy::Baseline);
        });
        let shapes: [(&[u8], &[u8]); 5] = [
            // Arithmetic, calls whose results are dropped, empty ifs, constants.
            (&[0x20, 1, 0x41, 5, 0x6a, 0x20, 0, 0x73, 0x21, 1], &[]),
            (&[0x20, 0, 0x10, 0, 0x1a], &[]),
            (&[0x20, 0, 0x04, 0x40, 0x0b], &[]),
            (&[0x41, 1, 0x1a], &[]),
            // Blocks in blocks.
            (&[0x02, 0x40], &[0x0b]),
        ];
        for shape in shapes {
            let module = Module::from_vec(&engine, largest_body(shape)).unwrap();
            let before = peak().min(resident());
            module.compile().unwrap();
            let grown = peak() - before;
            assert!(grown < MOST, "{shape:x?}: {grown}");
        }
    });
    assert!(output.status.success(), "{}", stderr(&output));
}
