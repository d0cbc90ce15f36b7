//! Code that frames go on in at a place of a function.

use std::sync::{Arc, atomic::Ordering};

use codespace::{
    CodeManager, Config, Draft, Filter, Flavor, Installed, Kind, Mode, Reason, Removed, Tier, Unit,
};

use crate::common::{LAZY, call, collect, constant, install, publish, unit, with};

fn replacement(function: u32, place: u32, value: u32) -> Draft {
    let kind = Kind::Replacement { function, place };
    Draft { kind, ..constant(function, value) }
}

/// What the cell of a place holds, if there is code.
fn entry(unit: &Arc<Unit>, function: u32, place: u32) -> Option<usize> {
    let cell = unit.replacement(function, place)?;
    // SAFETY: the unit lives, and with it the cell: [RP-STABLE].
    Some(unsafe { (*cell).load(Ordering::Acquire) })
}

fn baseline(function: u32, value: u32) -> Draft {
    with(constant(function, value), Tier::Baseline, Flavor::Normal)
}

#[test]
fn a_replacement_is_found_by_function_and_place() {
    let manager = CodeManager::new(&Config::default()).unwrap();
    let unit = unit(&manager, 3);
    install(&unit, baseline(1, 10));
    let published = publish(&unit, replacement(1, 77, 20));
    assert_eq!(published.installed, Installed::Yes);
    assert_eq!(entry(&unit, 1, 77), Some(published.code.entry()));
    assert_eq!((entry(&unit, 1, 76), entry(&unit, 0, 77)), (None, None));
    let scope = manager.scope();
    let code = scope.lookup(published.code.entry()).unwrap();
    assert_eq!(code.kind(), Kind::Replacement { function: 1, place: 77 });
    assert_eq!((code.kind().name(), code.function()), ("replacement", Some(1)));
    assert_eq!(code.notes().count(), 0);
    // Callers do not come to it.
    assert_eq!((call(&unit, 1), unit.tier(1)), (10, Some(Tier::Baseline)));
    let functions = unit.stats().functions;
    assert_eq!((functions.baseline, functions.optimized), (1, 0));
    drop(unit);
}

#[test]
fn notes_survive_beside_the_place() {
    let manager = CodeManager::new(&Config::default()).unwrap();
    let unit = unit(&manager, 1);
    install(&unit, baseline(0, 1));
    let mut draft = replacement(0, u32::MAX, 2);
    draft.tables.notes = vec![1, 2, 3];
    let code = publish(&unit, draft).code;
    assert_eq!(code.kind(), Kind::Replacement { function: 0, place: u32::MAX });
    assert!(code.notes().eq([1, 2, 3]));
}

#[test]
fn rp_with_the_functions_code_it_comes_and_goes() {
    let manager = CodeManager::new(&Config::default()).unwrap();
    let unit = unit(&manager, 2);
    // A frame may still run code that was taken away.
    let late = publish(&unit, replacement(0, 5, 1)).installed;
    assert_eq!((late, unit.tier(0)), (Installed::Yes, None));
    let removed = unit.remove(Filter::All);
    assert_eq!((removed.functions, removed.code_bytes, entry(&unit, 0, 5)), (0, 64, None));
    for function in 0..2 {
        install(&unit, baseline(function, 7));
        for place in [5, 9] {
            install(&unit, replacement(function, place, 1));
        }
    }
    // It stays when the function gets better code.
    install(&unit, constant(0, 8));
    assert!(entry(&unit, 0, 5).is_some() && entry(&unit, 0, 9).is_some());
    let removed = unit.remove_function(0);
    assert_eq!((removed.functions, removed.code_bytes), (1, 3 * 64));
    assert_eq!((entry(&unit, 0, 5), entry(&unit, 0, 9), call(&unit, 0)), (None, None, LAZY));
    // Of the other function, only the optimized code.
    let removed = unit.remove(Filter::Optimized);
    assert_eq!((removed.functions, removed.code_bytes), (0, 2 * 64));
    assert_eq!((entry(&unit, 1, 5), call(&unit, 1)), (None, 7));
    assert_eq!(unit.remove(Filter::Debug), Removed::default());
    install(&unit, replacement(1, 5, 1));
    assert_eq!(unit.remove(Filter::Baseline).code_bytes, 2 * 64);
    assert_eq!(entry(&unit, 1, 5), None);
    collect(&manager);
    let stats = manager.stats().code;
    assert_eq!((stats.retired.count, stats.baseline.count, stats.optimized.count), (0, 0, 0));
}

#[test]
fn rp_stable_a_cell_stays_where_it_is() {
    let manager = CodeManager::new(&Config::default()).unwrap();
    let unit = unit(&manager, 1);
    install(&unit, baseline(0, 7));
    install(&unit, replacement(0, 5, 1));
    let cell = unit.replacement(0, 5).unwrap();
    unit.remove(Filter::All);
    // SAFETY: the unit lives, and with it the cell: [RP-STABLE].
    assert_eq!(unsafe { (*cell).load(Ordering::Acquire) }, 0);
    install(&unit, baseline(0, 7));
    for place in 0..100 {
        install(&unit, replacement(0, place, 1));
    }
    assert_eq!(unit.replacement(0, 5), Some(cell));
    let newer = publish(&unit, replacement(0, 5, 2)).code;
    assert_eq!(entry(&unit, 0, 5), Some(newer.entry()));
}

#[test]
fn replacements_go_with_cold_code_and_not_while_debugging() {
    let manager = CodeManager::new(&Config::default()).unwrap();
    let unit = unit(&manager, 1);
    install(&unit, baseline(0, 7));
    install(&unit, replacement(0, 5, 1));
    unit.sweep(Filter::All);
    assert!(unit.is_suspended(0) && entry(&unit, 0, 5).is_some());
    unit.sweep(Filter::All);
    assert!(!unit.is_suspended(0) && entry(&unit, 0, 5).is_none());
    install(&unit, baseline(0, 7));
    unit.set_mode(Mode::Debugging);
    let installed = publish(&unit, replacement(0, 5, 1)).installed;
    assert_eq!(installed, Installed::No(Reason::NotForDebugging));
}

#[test]
fn suspending_one_function_tells_whether_it_is_called() {
    let manager = CodeManager::new(&Config::default()).unwrap();
    let unit = unit(&manager, 2);
    assert!(!unit.suspend(0) && !unit.suspend(9));
    install(&unit, baseline(0, 7));
    assert!(unit.suspend(0) && unit.suspend(0) && unit.is_suspended(0));
    // The lazy stub of tests does not revive.
    assert_eq!(call(&unit, 0), LAZY);
    assert!(unit.revive(0) && !unit.revive(0) && !unit.is_suspended(0));
    assert_eq!(call(&unit, 0), 7);
    assert!(!unit.is_suspended(1) && !unit.is_suspended(9));
}

#[test]
fn a_replacement_of_no_function_is_refused() {
    let manager = CodeManager::new(&Config::default()).unwrap();
    let unit = unit(&manager, 1);
    let error = unit.place(vec![replacement(1, 0, 0)]).unwrap_err();
    assert!(error.to_string().contains("no function of that number"), "{error}");
}
