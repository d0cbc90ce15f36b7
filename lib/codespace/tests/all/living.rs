//! How long code lives: installing, references, assumptions, removing, collecting, owners.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use codespace::{
    CodeManager, CodeRef, Config, Draft, ErrorKind, Filter, Flavor, Installed, Kind, Mode, Reason,
    Share, Tier, UnitSpec,
};

use crate::common::{
    LAZY, call, call_at, collect, constant, install, publish, publish_all, unit, with,
};

fn manager() -> CodeManager {
    CodeManager::new(&Config::default()).expect("there is room")
}

#[test]
fn a_late_baseline_result_is_not_installed_and_goes() {
    let manager = manager();
    let unit = unit(&manager, 1);
    install(&unit, constant(0, 1));
    let late = publish(&unit, with(constant(0, 2), Tier::Baseline, Flavor::Normal));
    assert_eq!(late.installed, Installed::No(Reason::LowerTier));
    assert_eq!((call(&unit, 0), call_at(late.code.entry())), (1, 2));
    assert!(!late.code.is_retired());
    drop(late);
    assert_eq!(unit.stats().retired.count, 1);
    assert_eq!(collect(&manager).objects, 1);
    assert_eq!(unit.stats().retired, Share::default());
}

#[test]
fn in_one_batch_the_rule_looks_at_what_came_before() {
    let manager = manager();
    let unit = unit(&manager, 1);
    let published = publish_all(
        &unit,
        vec![
            with(constant(0, 1), Tier::Baseline, Flavor::Normal),
            with(constant(0, 2), Tier::Optimized, Flavor::Normal),
            with(constant(0, 3), Tier::Baseline, Flavor::Normal),
        ],
    );
    let installed: Vec<_> = published.iter().map(|published| published.installed).collect();
    assert_eq!(installed, [Installed::Yes, Installed::Yes, Installed::No(Reason::LowerTier)]);
    assert_eq!(call(&unit, 0), 2);
}

#[test]
fn debugging_wins_over_tiering_until_it_ends() {
    let manager = manager();
    let unit = unit(&manager, 1);
    install(&unit, constant(0, 1));
    unit.set_mode(Mode::Debugging);
    assert_eq!(unit.mode(), Mode::Debugging);
    install(&unit, with(constant(0, 2), Tier::Baseline, Flavor::Debug));
    install(&unit, with(constant(0, 3), Tier::Baseline, Flavor::Breakpoints));
    for (draft, reason) in [
        (constant(0, 4), Reason::NotForDebugging),
        (with(constant(0, 5), Tier::Baseline, Flavor::Debug), Reason::LessDebugging),
        (with(constant(0, 6), Tier::Baseline, Flavor::Stepping), Reason::Stepping),
    ] {
        assert_eq!(publish(&unit, draft).installed, Installed::No(reason));
    }
    assert_eq!(call(&unit, 0), 3);
    unit.set_mode(Mode::Running);
    assert_eq!(unit.remove(Filter::NonDebug).functions, 0);
    assert_eq!(unit.remove(Filter::Debug).functions, 1);
    install(&unit, constant(0, 7));
    assert_eq!(call(&unit, 0), 7);
}

#[test]
fn outdated_code_is_not_installed() {
    let manager = manager();
    let unit = unit(&manager, 1);
    let relied_on = unit.assumptions();
    let draft = |value, assumptions| Draft { assumptions, ..constant(0, value) };
    unit.change_assumptions();
    let outdated = publish(&unit, draft(1, Some(relied_on)));
    assert_eq!(outdated.installed, Installed::No(Reason::Outdated));
    assert_eq!(call(&unit, 0), LAZY);
    install(&unit, draft(2, None));
    install(&unit, draft(3, Some(unit.assumptions())));
    assert_eq!(call(&unit, 0), 3);
}

#[test]
fn filters_remove_what_they_say() {
    let manager = manager();
    let unit = unit(&manager, 4);
    let fill = || {
        publish_all(
            &unit,
            vec![
                with(constant(0, 0), Tier::Baseline, Flavor::Normal),
                with(constant(1, 1), Tier::Optimized, Flavor::Normal),
                with(constant(2, 2), Tier::Baseline, Flavor::Debug),
            ],
        );
    };
    let lazy = || (0..4).filter(|&function| call(&unit, function) == LAZY + function);
    for (filter, expected) in [
        (Filter::Baseline, &[0, 2, 3][..]),
        (Filter::Optimized, &[1, 3]),
        (Filter::Debug, &[2, 3]),
        (Filter::NonDebug, &[0, 1, 3]),
        (Filter::All, &[0, 1, 2, 3]),
    ] {
        fill();
        let removed = unit.remove(filter);
        assert_eq!(lazy().collect::<Vec<_>>(), expected, "{filter:?}");
        assert_eq!(removed.functions, expected.len() - 1);
        assert_eq!(removed.code_bytes, 64 * removed.functions);
        assert!(removed.metadata_bytes > 0);
        // Twice is nothing.
        assert_eq!(unit.remove(filter), codespace::Removed::default());
        unit.remove(Filter::All);
    }
}

#[test]
fn a_reference_keeps_removed_code_and_nothing_brings_retired_code_back() {
    let manager = manager();
    let unit = unit(&manager, 1);
    let entry = install(&unit, constant(0, 1));
    let reference = unit.code(0).unwrap();
    unit.remove_function(0);
    assert!(unit.code(0).is_none());
    assert!(!reference.is_retired());
    assert_eq!(collect(&manager).objects, 0);
    assert_eq!(call_at(entry), 1);
    let scope = manager.scope();
    let code = scope.lookup(entry).unwrap();
    let second = CodeRef::try_new(&unit, code).unwrap();
    drop(reference);
    assert!(!code.is_retired());
    drop(second.clone());
    drop(second);
    assert!(code.is_retired());
    assert!(CodeRef::try_new(&unit, code).is_none());
    assert_eq!(collect(&manager).objects, 1);
    assert!(CodeRef::try_new(&unit, code).is_none());
}

#[test]
fn references_are_made_only_by_the_unit_of_the_code() {
    let manager = manager();
    let [unit, other] = [(); 2].map(|()| unit(&manager, 1));
    let entry = install(&unit, constant(0, 1));
    let scope = manager.scope();
    let code = scope.lookup(entry).unwrap();
    assert!(CodeRef::try_new(&other, code).is_none());
    assert_eq!(code.unit_id(), unit.code(0).unwrap().unit_id());
    let reference = CodeRef::try_new(&unit, code).unwrap();
    assert!(Arc::ptr_eq(reference.unit(), &unit));
}

#[test]
fn wrappers_live_by_their_references() {
    let manager = manager();
    let wrappers = unit(&manager, 0);
    assert!(wrappers.cells().is_null());
    let drafts = [Kind::EntryWrapper, Kind::HostWrapper, Kind::Stub]
        .map(|kind| Draft { kind, ..constant(0, 9) });
    let published = publish_all(&wrappers, drafts.to_vec());
    for published in &published {
        assert_eq!(published.installed, Installed::No(Reason::NotAFunction));
        assert_eq!(call_at(published.code.entry()), 9);
    }
    assert_eq!(wrappers.stats().other.count, 3);
    drop(published);
    assert_eq!(wrappers.stats().retired.count, 3);
    assert_eq!(collect(&manager).objects, 3);
    assert_eq!(wrappers.stats().other.count, 0);
}

#[test]
fn a_reference_keeps_its_unit() {
    let manager = manager();
    let unit = unit(&manager, 1);
    let code = publish(&unit, constant(0, 3)).code;
    let cell = unit.cell(0);
    drop(unit);
    assert_eq!(call_at(code.entry()), 3);
    // SAFETY: the reference keeps the unit, and the unit its cells.
    assert_eq!(unsafe { (*cell).load(Ordering::Relaxed) }, code.entry());
    drop(code);
    assert_eq!(manager.stats().units, 0);
}

#[test]
fn bad_drafts_are_refused() {
    let [manager, other] = [(); 2].map(|()| manager());
    let unit = unit(&manager, 2);
    let before = manager.stats().code;
    for draft in [
        constant(2, 0),
        constant(u32::MAX, 0),
        Draft::new(Kind::Function(0), vec![]),
        Draft::new(Kind::LazyTable, vec![0xc3]),
    ] {
        let error = unit.place(vec![constant(0, 0), draft]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::BadDraft { .. }), "{error}");
    }
    assert_eq!(manager.stats().code, before);
    let placed = crate::common::unit(&other, 2).place(vec![constant(0, 0)]).unwrap();
    assert!(matches!(unit.publish(placed).unwrap_err().kind(), ErrorKind::ForeignUnit));
    assert!(unit.place(vec![]).unwrap().is_empty());
}

/// Counts how often it is dropped.
struct Owner(Arc<AtomicUsize>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn the_owner_goes_with_the_last_code() {
    let manager = manager();
    let drops = Arc::new(AtomicUsize::new(0));
    let owner = Arc::new(Owner(Arc::clone(&drops)));
    let unit =
        manager.new_unit(UnitSpec { functions: 1, lazy_stub: 0, owner, tenant: None }).unwrap();
    let entry = install(&unit, constant(0, 1));
    let scope = manager.scope();
    let code = scope.lookup(entry).unwrap();
    drop(unit);
    assert!(code.owner().is::<Owner>());
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    drop(scope);
    manager.reap();
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn an_owner_may_drop_other_units_of_the_manager() {
    let manager = manager();
    let inner = unit(&manager, 3);
    install(&inner, constant(0, 1));
    let owner = Arc::new(inner);
    let outer =
        manager.new_unit(UnitSpec { functions: 1, lazy_stub: 0, owner, tenant: None }).unwrap();
    install(&outer, constant(0, 1));
    assert_eq!(manager.stats().units, 2);
    drop(outer);
    assert_eq!((manager.stats().units, manager.stats().committed_bytes), (0, 0));
}

#[test]
fn a_forgotten_scope_keeps_memory_only_as_long_as_the_manager() {
    let manager = manager();
    let drops = Arc::new(AtomicUsize::new(0));
    let owner = Arc::new(Owner(Arc::clone(&drops)));
    let unit =
        manager.new_unit(UnitSpec { functions: 1, lazy_stub: 0, owner, tenant: None }).unwrap();
    let scope = std::mem::ManuallyDrop::new(manager.scope());
    assert!(scope.lookup(unit.lazy_entry(0)).is_some());
    drop(unit);
    manager.reap();
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    drop(manager);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
#[should_panic(expected = "about this manager")]
fn a_promise_is_about_one_manager() {
    let [manager, other] = [(); 2].map(|()| manager());
    // SAFETY: nothing runs.
    let idle = unsafe { other.assume_idle() };
    manager.collect(&idle);
}
