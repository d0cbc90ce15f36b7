//! Threads that call while others change what they call.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use codespace::{CodeManager, Config, Draft, Filter, Kind, Relocation, RelocationKind, Target};

use crate::common::{
    LAZY, call, caller, collect, configs, constant, install, publish, publish_all, small, unit,
};

#[test]
fn cells_switch_under_running_callers() {
    // Every value that a caller may see: the lazy stub's, or one of two versions.
    const FUNCTIONS: u32 = 128;
    for config in [Config::default(), Config { cell_reach: 0, ..small() }] {
        let manager = CodeManager::new(&config).unwrap();
        let unit = unit(&manager, 2 * FUNCTIONS);
        publish_all(&unit, (0..FUNCTIONS).map(|f| caller(FUNCTIONS + f, f)).collect());
        let stop = AtomicBool::new(false);
        let calls = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for reader in 0..4_u32 {
                let (unit, stop, calls) = (&unit, &stop, &calls);
                scope.spawn(move || {
                    let mut function = reader;
                    while !stop.load(Ordering::Relaxed) {
                        function = (function + 7) % FUNCTIONS;
                        // Through a caller's code, in which the cell is an operand.
                        let value = call(unit, FUNCTIONS + function) - 1;
                        let expected = [LAZY + function, 10_000 + function, 20_000 + function];
                        assert!(expected.contains(&value), "{function}: {value}");
                        calls.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let patchers: Vec<_> = (0..3)
                .map(|patcher: u32| {
                    let unit = &unit;
                    scope.spawn(move || {
                        for round in 0..64 {
                            let value = 10_000 * (1 + (round + patcher) % 2);
                            let drafts = (0..FUNCTIONS)
                                .filter(|function| function % 3 != (round + patcher) % 3)
                                .map(|function| constant(function, value + function));
                            publish_all(unit, drafts.collect());
                            unit.remove_function((round * 5 + patcher) % FUNCTIONS);
                        }
                    })
                })
                .collect();
            patchers.into_iter().for_each(|patcher| patcher.join().unwrap());
            stop.store(true, Ordering::Relaxed);
        });
        assert!(calls.load(Ordering::Relaxed) > 0);
        // Now nothing runs.
        let before = manager.stats();
        assert!(before.code.retired.count > 3 * 64 * 60);
        assert_eq!(collect(&manager).objects, before.code.retired.count);
        assert!(manager.stats().code.freed_bytes >= before.code.retired.bytes);
        let right = |function| call(&unit, function) % 10_000 == function;
        assert!((0..FUNCTIONS).all(|f| right(f) || call(&unit, f) == LAZY + f));
    }
}

#[test]
fn removing_publishing_and_collecting_in_rounds() {
    for (_, config) in configs() {
        let manager = CodeManager::new(&config).unwrap();
        let unit = unit(&manager, 64);
        for round in 0..12_u32 {
            sync::hammer(3, 40, |thread, step| {
                let function = (thread as u32 * 17 + step as u32 * 5) % 64;
                match thread {
                    0 => {
                        let value = call(&unit, function);
                        assert!([LAZY + function, function].contains(&value), "{value}");
                    }
                    1 => {
                        install(&unit, constant(function, function));
                    }
                    _ => {
                        unit.remove_function(function);
                    }
                }
            });
            if round % 3 == 0 {
                unit.remove(Filter::All);
            }
            collect(&manager);
            assert_eq!(manager.stats().code.retired.count, 0);
        }
    }
}

/// `test edi, edi; je done; dec edi; call [rip + cell]; done: mov eax, value; ret`, aligned as
/// the calling convention wants.
fn recursive(function: u32, value: u32) -> Draft {
    let mut bytes = vec![
        0x50, // push rax
        0x85, 0xff, // test edi, edi
        0x74, 0x0a, // je done
        0xff, 0xcf, // dec edi
        0xff, 0x15, 0, 0, 0, 0, // call [rip + cell]
        0xeb, 0x05, // jmp end
        0xb8, // done: mov eax, value
    ];
    bytes.extend(value.to_le_bytes());
    bytes.extend([0x59, 0xc3]); // end: pop rcx; ret
    let mut draft = Draft::new(Kind::Function(function), bytes);
    draft.relocations.push(Relocation {
        offset: 9,
        kind: RelocationKind::Relative4,
        target: Target::Cell(function),
        addend: -4,
    });
    draft
}

#[test]
fn pub_order_new_code_is_whole_for_whoever_reaches_it() {
    // Code calls itself through its cell from its first call on, on many threads at once; who
    // sees an entry in the cell finds it.
    let manager = CodeManager::new(&Config::default()).unwrap();
    let unit = unit(&manager, 1);
    let newest = AtomicUsize::new(0);
    publish(&unit, recursive(0, 0));
    sync::hammer(4, 300, |thread, round| {
        if thread == 0 {
            newest.store(round, Ordering::Release);
            publish(&unit, recursive(0, round as u32));
            return;
        }
        // SAFETY: the unit lives, and with it the cell.
        let entry = unsafe { (*unit.cell(0)).load(Ordering::Acquire) };
        let scope = manager.scope();
        let code = scope.lookup(entry).expect("what a cell leads to is found");
        assert_eq!((code.entry(), code.function()), (entry, Some(0)));
        let pointer = std::ptr::with_exposed_provenance::<()>(entry);
        // SAFETY: `recursive` makes functions of that type, and nothing is collected.
        let function =
            unsafe { std::mem::transmute_copy::<_, extern "C" fn(u32) -> u32>(&pointer) };
        let value = function(50);
        assert!(value as usize <= newest.load(Ordering::Acquire));
    });
}

#[test]
fn units_come_and_go_on_all_threads() {
    for config in [Config { committed_limit: 2 << 20, ..small() }, Config::default()] {
        let manager = CodeManager::new(&config).unwrap();
        sync::hammer(4, 60, |thread, round| {
            let unit = unit(&manager, 50);
            let base = (thread * 1000 + round) as u32;
            publish_all(&unit, (0..50).map(|f| constant(f, base + f)).collect());
            assert!((0..50).all(|function| call(&unit, function) == base + function));
            unit.remove(Filter::All);
            assert_eq!(call(&unit, 49), LAZY + 49);
        });
        let stats = manager.stats();
        assert_eq!((stats.units, stats.code.metadata_bytes, stats.committed_bytes), (0, 0, 0));
        assert_eq!(stats.code.generated_bytes, stats.code.freed_bytes);
    }
}
