//! Every call to the system fails once, at every place: an error, and the accounts are right.

use codespace::{CodeManager, Config, FaultKind, FaultPlan, Result, Strategy, UnitSpec};

use crate::common::{call, collect, constant, constant_of_size, lazy_stub, small};

/// A bit of everything; stops at the first error.
fn scenario(manager: &CodeManager) -> Result<()> {
    let owner = std::sync::Arc::new(());
    let unit = manager.new_unit(UnitSpec { functions: 100, lazy_stub: lazy_stub(), owner })?;
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
                let gives_back = kind == FaultKind::Decommit || kind == FaultKind::Protect;
                assert!(stats.committed_bytes == 0 || gives_back, "{what}");
                // The next time it works.
                scenario(&manager).unwrap_or_else(|error| panic!("{what}: {error}"));
            }
        }
    }
}
