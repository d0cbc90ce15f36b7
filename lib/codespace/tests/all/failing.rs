//! Every call to the system fails once, at every place: an error, and the accounts are right.

use codespace::{CodeManager, Config, ErrorKind, FaultKind, FaultPlan, Result, Strategy, UnitSpec};

use crate::common::{call, collect, constant, constant_of_size, install, lazy_stub, small, unit};

/// A bit of everything; stops at the first error.
fn scenario(manager: &CodeManager) -> Result<()> {
    let owner = std::sync::Arc::new(());
    let unit = manager.new_unit(UnitSpec {
        functions: 100,
        lazy_stub: lazy_stub(),
        owner,
        tenant: None,
    })?;
    for round in 0..3 {
        let drafts = (0..60).map(|f| constant_of_size(f, f + round, 1500)).collect();
        unit.publish(unit.place(drafts)?)?;
        assert!((0..60).all(|function| call(&unit, function) == function + round));
        for function in 0..50 {
            unit.remove_function(function);
        }
        collect(manager);
        drop(unit.place(vec![constant(99, 1)])?);
    }
    Ok(())
}

#[test]
fn planned_faults_are_errors_and_leave_the_accounts_right() {
    for strategy in [Strategy::File, Strategy::Toggle] {
        let config = |faults| Config { strategy, faults: Some(faults), ..small() };
        for kind in FaultKind::ALL.iter().copied() {
            let plan = FaultPlan::new();
            scenario(&CodeManager::new(&config(plan.clone())).unwrap()).unwrap();
            // Giving back ends with the manager: those calls are not all made in the scenario.
            for nth in 1..=plan.calls(kind) {
                let plan = FaultPlan::fail_nth(kind, nth);
                let Ok(manager) = CodeManager::new(&config(plan)) else { continue };
                // A failure to give memory back is no error.
                let _ = scenario(&manager);
                manager.reap();
                let stats = manager.stats();
                let what = format!("{strategy:?} {kind:?} {nth}: {stats:?}");
                assert_eq!(stats.code.generated_bytes, stats.code.freed_bytes, "{what}");
                assert_eq!((stats.units, stats.code.metadata_bytes), (0, 0), "{what}");
                assert_eq!(manager.default_tenant().used_bytes(), 0, "{what}");
                let gives_back = kind == FaultKind::Decommit || kind == FaultKind::Protect;
                assert!(stats.committed_bytes == 0 || gives_back, "{what}");
                // The next time it works.
                scenario(&manager).unwrap_or_else(|error| panic!("{what}: {error}"));
            }
        }
    }
}

#[test]
fn a_forked_child_gets_errors_and_the_parent_goes_on() {
    let config = Config { strategy: Strategy::File, ..small() };
    let manager = CodeManager::new(&config).unwrap();
    let unit = unit(&manager, 2);
    install(&unit, constant(0, 5));
    let placed = unit.place(vec![constant(1, 6)]).unwrap();
    // SAFETY: the child only does what is tested, and ends without running destructors of others.
    // Of locks it takes its own manager's only, which no other test's thread holds.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // A child that hangs is killed, and so found.
        // SAFETY: no handler is installed.
        unsafe { libc::alarm(600) };
        let is_refused = |error: &codespace::Error| {
            let ErrorKind::Memory(error) = error.kind() else { return false };
            matches!(error.kind(), vmem::ErrorKind::ForkedChild)
        };
        let place = unit.place(vec![constant(1, 6)]);
        let spec =
            UnitSpec { functions: 1, lazy_stub: 0, owner: std::sync::Arc::new(()), tenant: None };
        let right = place.is_err_and(|error| is_refused(&error))
            && manager.new_unit(spec).is_err_and(|error| is_refused(&error));
        drop((placed, unit, manager));
        // SAFETY: ends the child.
        unsafe { libc::_exit(if right { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: waits for the child, and writes to a local.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
    unit.publish(placed).unwrap();
    assert_eq!((call(&unit, 0), call(&unit, 1)), (5, 6));
}
