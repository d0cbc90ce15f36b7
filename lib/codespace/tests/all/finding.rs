//! From a pc to code, wherever the pc points.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use codespace::{
    CodeManager, Config, Draft, Handler, Kind, Position, Safepoint, Slot, TrapSite, UnitSpec,
    lookup_in_signal,
};

use crate::common::{
    call, call_at, caller, collect, configs, constant, constant_of_size, install, publish,
    publish_all, small, unit,
};

fn found(manager: &CodeManager, pc: usize) -> Option<std::ops::Range<usize>> {
    manager.scope().lookup(pc).map(|code| code.range())
}

#[test]
fn first_last_and_one_past_the_end() {
    for (name, config) in configs() {
        let manager = CodeManager::new(&config).unwrap();
        let unit = unit(&manager, 3);
        let sizes = [70, 64, 6];
        let drafts = (0..3).map(|f| constant_of_size(f, f, sizes[f as usize])).collect();
        let published = publish_all(&unit, drafts);
        for (published, size) in published.iter().zip(sizes) {
            let range = published.code.range();
            assert_eq!(range.len(), size, "{name}");
            for pc in [range.start, range.start + size / 2, range.end - 1] {
                assert_eq!(found(&manager, pc), Some(range.clone()));
            }
        }
        // Between objects, and where the next begins at once.
        let [first, second, third] = [0, 1, 2].map(|number| published[number].code.range());
        assert_eq!(found(&manager, first.end), None);
        assert_eq!(found(&manager, first.start + 127), None);
        assert_eq!(found(&manager, second.end), Some(third.clone()));
        assert_eq!(found(&manager, third.end), None);
        assert_eq!(found(&manager, third.end + 4096), None);
    }
}

#[test]
fn addresses_of_nobody() {
    let manager = CodeManager::new(&Config::default()).unwrap();
    let unit = unit(&manager, 1);
    let entry = install(&unit, constant(0, 1));
    let local = 0;
    for pc in [
        0,
        1,
        usize::MAX,
        1 << 47,
        (1 << 47) - 1,
        (&raw const local).addr(),
        addresses_of_nobody as *const () as usize,
        unit.cell(0).addr(),
        entry - (1 << 31),
        entry + (1 << 31),
    ] {
        assert_eq!(found(&manager, pc), None, "{pc:#x}");
    }
}

#[test]
fn lazy_entries_and_their_tail() {
    for (_, config) in configs() {
        let manager = CodeManager::new(&config).unwrap();
        let unit = unit(&manager, 100);
        let scope = manager.scope();
        for function in 0..100 {
            let entry = unit.lazy_entry(function);
            for pc in [entry, entry + 5, entry + 9] {
                let code = scope.lookup(pc).unwrap();
                assert_eq!(code.kind(), Kind::LazyTable);
                assert_eq!(code.lazy_function_at(pc), Some(function));
            }
        }
        let tail = unit.lazy_entry(99) + 10;
        let code = scope.lookup(tail).unwrap();
        assert_eq!((code.kind(), code.lazy_function_at(tail)), (Kind::LazyTable, None));
        assert!(scope.lookup(tail + 13).is_some());
        assert!(scope.lookup(tail + 14).is_none());
    }
}

#[test]
fn veneers_belong_to_their_object() {
    let manager = CodeManager::new(&Config { cell_reach: 0, ..small() }).unwrap();
    let unit = unit(&manager, 2);
    install(&unit, constant(0, 5));
    let code = publish(&unit, caller(1, 0)).code;
    assert_eq!(call(&unit, 1), 6);
    let range = code.range();
    assert_eq!(range.len(), 16 + 24);
    let scope = manager.scope();
    let veneer = range.start + 24;
    for pc in [veneer, veneer + 10, range.end - 1] {
        let code = scope.lookup(pc).unwrap();
        assert_eq!((code.range(), code.is_veneer(pc)), (range.clone(), true));
        assert_eq!((code.position_at(pc), code.trap_at(pc)), (None, None));
    }
    assert!(!code.is_veneer(range.start + 8));
    assert!(!code.is_veneer(range.end));
}

#[test]
fn side_tables_by_address() {
    let manager = CodeManager::new(&Config::default()).unwrap();
    let unit = unit(&manager, 1);
    let mut draft = constant(0, 1);
    draft.tables.traps = vec![TrapSite { offset: 5, code: 9 }];
    draft.tables.positions = vec![Position { offset: 0, position: 77 }];
    let slots = vec![Slot { frame_offset: -16, kind: 3 }];
    draft.tables.safepoints = vec![Safepoint { offset: 6, slots: slots.clone() }];
    draft.tables.handlers = vec![Handler { offset: 6, handler: 5, tag: 4 }];
    let code = publish(&unit, draft).code;
    let entry = code.entry();
    let scope = manager.scope();
    let code = scope.lookup(entry + 5).unwrap();
    assert_eq!((code.trap_at(entry + 5), code.trap_at(entry + 4)), (Some(9), None));
    assert_eq!((code.position_at(entry), code.position_at(entry + 6)), (Some(77), None));
    assert_eq!(code.position_at(entry - 1), None);
    // The return address of a call that ends the code.
    let safepoint = code.safepoint_at(entry + 6).unwrap();
    assert_eq!(safepoint.slots().collect::<Vec<_>>(), slots);
    assert!(code.safepoint_at(entry + 7).is_none());
    assert_eq!(code.handlers_at(entry + 6).collect::<Vec<_>>(), [(entry + 5, 4)]);
    assert_eq!(code.handlers_at(entry + 5).count(), 0);
}

#[test]
fn old_and_new_code_of_one_function() {
    let manager = CodeManager::new(&Config::default()).unwrap();
    let unit = unit(&manager, 1);
    let [old, new] = [1, 2].map(|value| install(&unit, constant(0, value)));
    assert_eq!(call(&unit, 0), 2);
    let scope = manager.scope();
    assert!(scope.lookup(old).unwrap().is_retired());
    assert!(!scope.lookup(new).unwrap().is_retired());
    assert_eq!(collect(&manager).objects, 1);
    assert!(scope.lookup(old).is_none());
    assert!(scope.lookup(new).is_some());
}

#[test]
fn what_a_scope_has_found_stays_until_it_closes() {
    for (_, config) in configs() {
        let manager = CodeManager::new(&config).unwrap();
        let unit = unit(&manager, 2);
        let entry = install(&unit, constant(0, 1));
        let scope = manager.scope();
        let code = scope.lookup(entry).unwrap();
        unit.remove_function(0);
        collect(&manager);
        // Neither the range nor the record is used again while the scope is open.
        let other = install(&unit, constant(1, 2));
        assert_ne!(other, entry);
        assert_eq!((code.kind(), code.entry()), (Kind::Function(0), entry));
        assert!(scope.lookup(entry).is_none());
        drop(scope);
        manager.reap();
        let again = install(&unit, constant(1, 3));
        assert_eq!(found(&manager, again).unwrap().start, again);
        assert_eq!(manager.scope().lookup(again).unwrap().function(), Some(1));
    }
}

#[test]
fn managers_find_only_their_own() {
    let managers = [(); 2].map(|()| CodeManager::new(&small()).unwrap());
    let units = [0, 1].map(|number| unit(&managers[number], 1));
    let entries = [0, 1].map(|number| install(&units[number], constant(0, number as u32)));
    for number in [0, 1] {
        assert!(found(&managers[number], entries[number]).is_some());
        assert_eq!(found(&managers[number], entries[1 - number]), None);
        // SAFETY: both managers and their code live.
        let code = unsafe { lookup_in_signal(entries[number]) };
        assert_eq!(code.unwrap().entry(), entries[number]);
    }
    drop(units);
    assert_eq!(found(&managers[0], entries[0]), None);
    drop(managers);
    let other = CodeManager::new(&small()).unwrap();
    assert_eq!(found(&other, entries[0]), None);
}

#[test]
fn two_thousand_managers_with_the_same_addresses() {
    let mut addresses = std::collections::HashMap::new();
    for number in 0..2000 {
        let manager = CodeManager::new(&small()).unwrap();
        let unit = unit(&manager, 1);
        let entry = install(&unit, constant(0, number));
        *addresses.entry(entry).or_insert(0) += 1;
        assert_eq!(call(&unit, 0), number);
        assert_eq!(found(&manager, entry), Some(entry..entry + 6));
    }
    assert!(addresses.len() < 2000, "the system has given no address twice");
}

/// Where the handler has found a trap, and its code.
static TRAPPED_AT: AtomicUsize = AtomicUsize::new(0);
static TRAP_CODE: AtomicUsize = AtomicUsize::new(0);

#[test]
fn a_signal_handler_finds_the_code_it_interrupted() {
    extern "C" fn handler(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
        // SAFETY: the kernel hands every SA_SIGINFO handler its context.
        let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
        let pc = &mut context.uc_mcontext.gregs[libc::REG_RIP as usize];
        // SAFETY: the signal interrupted this pc, in code that lives.
        if let Some(code) = unsafe { lookup_in_signal(*pc as usize) } {
            let trap = code.trap_at(*pc as usize).map_or(0, usize::from);
            TRAPPED_AT.store(*pc as usize - code.entry(), Ordering::Relaxed);
            TRAP_CODE.store(trap, Ordering::Relaxed);
        }
        *pc += 2;
    }
    // SAFETY: all zeros is a valid value of this plain struct.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_flags = libc::SA_SIGINFO;
    action.sa_sigaction = handler as *const () as usize;
    // SAFETY: the action is valid, and nothing else in this process raises SIGILL.
    let result = unsafe { libc::sigaction(libc::SIGILL, &raw const action, std::ptr::null_mut()) };
    assert_eq!(result, 0);

    let manager = CodeManager::new(&Config::default()).unwrap();
    let unit = unit(&manager, 0);
    // nop; ud2; mov eax, 5; ret
    let mut draft = Draft::new(Kind::Stub, vec![0x90, 0x0f, 0x0b, 0xb8, 5, 0, 0, 0, 0xc3]);
    draft.tables.traps.push(TrapSite { offset: 1, code: 42 });
    let code = publish(&unit, draft).code;
    assert_eq!(call_at(code.entry()), 5);
    assert_eq!(TRAPPED_AT.load(Ordering::Relaxed), 1);
    assert_eq!(TRAP_CODE.load(Ordering::Relaxed), 42);
}

/// Code that says in its tables whose it is.
fn labelled(function: u32, size: usize) -> Draft {
    let mut draft = constant_of_size(function, function, size);
    draft.tables.traps = vec![TrapSite { offset: size as u32 - 1, code: function as u8 }];
    draft.tables.positions = vec![Position { offset: 0, position: function }];
    draft
}

/// Looks at all that lies in some bytes of an arena; returns how much that was.
fn check_labels(manager: &CodeManager, bytes: std::ops::Range<usize>) -> usize {
    let scope = manager.scope();
    let codes: Vec<_> = bytes
        .step_by(64)
        .filter_map(|pc| Some((pc, scope.lookup(pc)?)))
        .filter(|(_, code)| code.kind() != Kind::LazyTable)
        .collect();
    for (pc, code) in &codes {
        let function = code.function().expect("only functions are published here");
        assert!(code.range().contains(pc));
        assert_eq!(code.position_at(*pc), Some(function));
        assert_eq!(code.trap_at(code.range().end - 1), Some(function as u8));
        assert!(code.owner().is::<&str>());
    }
    codes.len()
}

#[test]
fn look_fresh_readers_never_find_anything_stale() {
    // Ranges and records are used again all the time. Nobody runs the code, so collecting is
    // allowed.
    const FUNCTIONS: u32 = 16;
    let manager = CodeManager::new(&small()).unwrap();
    let unit = unit(&manager, FUNCTIONS);
    let first = unit.lazy_entry(0);
    let publish = |round: usize| {
        let drafts = (0..FUNCTIONS).map(|f| labelled(f, 70 + (round * 13 + f as usize) % 300));
        publish_all(&unit, drafts.collect());
    };
    let remove = |round: usize| {
        unit.remove_function(round as u32 % FUNCTIONS);
        collect(&manager);
    };
    let (found, writers) = (AtomicUsize::new(0), AtomicUsize::new(2));
    let is_going = || writers.load(Ordering::Relaxed) != 0;
    // Until enough was found, or nothing might be left that could be.
    let is_due = |round: &usize| *round < 400 || found.load(Ordering::Relaxed) < 1000;
    std::thread::scope(|threads| {
        for write in [&publish as &(dyn Fn(usize) + Sync), &remove] {
            let (writers, is_due) = (&writers, &is_due);
            threads.spawn(move || {
                (0..).take_while(is_due).for_each(write);
                writers.fetch_sub(1, Ordering::Relaxed);
            });
        }
        for _ in 0..2 {
            threads.spawn(|| {
                while is_going() {
                    let count = check_labels(&manager, first..first + (20 << 10));
                    found.fetch_add(count, Ordering::Relaxed);
                    std::thread::yield_now();
                }
            });
        }
    });
    let weak = Arc::downgrade(&unit);
    drop(unit);
    assert!(weak.upgrade().is_none());
    assert_eq!(manager.stats().committed_bytes, 0);
}

/// Knows whether it has been dropped, after it has.
struct Owner(Arc<AtomicBool>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[test]
fn owners_of_what_a_scope_has_found_live_until_it_closes() {
    let manager = CodeManager::new(&small()).unwrap();
    let first = unit(&manager, 1).lazy_entry(0);
    sync::hammer(4, 200, |thread, round| {
        if thread < 2 {
            let owner = Arc::new(Owner(Arc::new(AtomicBool::new(true))));
            let spec = UnitSpec { functions: 8, lazy_stub: 0, owner, tenant: None };
            let unit = manager.new_unit(spec).unwrap();
            publish_all(&unit, (0..8).map(|f| constant_of_size(f, f, 100 + round)).collect());
            return;
        }
        let scope = manager.scope();
        let pcs = (first..first + (24 << 10)).step_by(64);
        let owners: Vec<_> =
            pcs.filter_map(|pc| scope.lookup(pc)?.owner().downcast_ref()).collect();
        std::thread::yield_now();
        assert!(owners.iter().all(|Owner(alive)| alive.load(Ordering::Acquire)));
    });
    manager.reap();
    assert_eq!((manager.stats().units, manager.stats().committed_bytes), (0, 0));
}

#[test]
fn look_signal_nothing_is_allocated() {
    let manager = CodeManager::new(&small()).unwrap();
    let unit = unit(&manager, 2);
    let entry = install(&unit, labelled(1, 100));
    crate::watched::without_allocating(|| {
        let scope = manager.scope();
        let code = scope.lookup(entry + 50).unwrap();
        assert!(code.trap_at(entry + 99) == Some(1) && code.position_at(entry) == Some(1));
        assert!(code.safepoint_at(entry).is_none() && code.handlers_at(entry).count() == 0);
        assert!(scope.lookup(entry + 100).is_none() && scope.lookup(12).is_none());
        // SAFETY: the manager and the code live.
        let code = unsafe { lookup_in_signal(unit.lazy_entry(1)) }.unwrap();
        assert!(code.lazy_function_at(unit.lazy_entry(1)) == Some(1));
        assert!(manager.stats().code.optimized.count == 1 && unit.stats().other.count == 1);
    });
}

#[test]
fn look_slot_arenas_of_other_managers_come_and_go_meanwhile() {
    // Any pc may be looked up at any time: also one where another manager's arena is made or
    // dropped at this moment, of another size and place in its slot.
    let manager = CodeManager::new(&small()).unwrap();
    let unit = unit(&manager, 1);
    let entry = install(&unit, constant(0, 1));
    let near: Vec<usize> = (1..8).map(|slot| entry.wrapping_sub(slot << 31)).collect();
    sync::hammer(4, 150, |thread, round| {
        if thread < 2 {
            let code = (64 << 10) << (round % 3);
            let data = (4 << 10) << (thread + round % 2);
            let config = Config { arena_code_bytes: code, arena_data_bytes: data, ..small() };
            let other = CodeManager::new(&config).unwrap();
            let unit = crate::common::unit(&other, 1);
            assert!(found(&other, unit.lazy_entry(0)).is_some());
            return;
        }
        let scope = manager.scope();
        for offset in (0..300 << 10).step_by(4096) {
            assert!(near.iter().all(|slot| scope.lookup(slot + offset).is_none()));
        }
        assert!(scope.lookup(entry).is_some());
    });
}
