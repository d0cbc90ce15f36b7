//! One function's whole life, with every kind of configuration, running real code.

use crate::common::{LAZY, call, caller, collect, configs, constant, install, publish_all, unit};
use codespace::{CodeManager, Filter, Kind, Tier};

#[test]
fn a_function_from_lazy_to_code_and_back() {
    for (name, config) in configs() {
        let manager = CodeManager::new(&config).unwrap();
        let unit = unit(&manager, 3);
        assert_eq!(call(&unit, 2), LAZY + 2, "{name}");
        let entry = install(&unit, constant(2, 77));
        assert_eq!(call(&unit, 2), 77);
        assert_eq!(unit.tier(2), Some(Tier::Optimized));
        assert_eq!(unit.code(2).unwrap().entry(), entry);
        assert_eq!(unit.code(1).map(|code| code.entry()), None);

        let scope = manager.scope();
        let code = scope.lookup(entry).unwrap();
        assert_eq!(code.kind(), Kind::Function(2));
        assert_eq!(*code.owner().downcast_ref::<&str>().unwrap(), "owner");
        let table = scope.lookup(unit.lazy_entry(1) + 9).unwrap();
        assert_eq!(table.lazy_function_at(unit.lazy_entry(1) + 9), Some(1));

        let removed = unit.remove(Filter::All);
        assert_eq!((removed.functions, removed.code_bytes), (1, 64));
        assert_eq!(call(&unit, 2), LAZY + 2);
        assert!(scope.lookup(entry).unwrap().is_retired());
        assert_eq!(collect(&manager).objects, 1);
        assert!(scope.lookup(entry).is_none());
        assert_eq!(manager.stats().code.waiting.count, 1);
        drop(scope);
        manager.reap();
        assert_eq!(manager.stats().code.waiting.count, 0);
        assert_eq!(install(&unit, constant(2, 78)), entry, "the range is used again");
        assert_eq!(call(&unit, 2), 78);
    }
}

#[test]
fn calls_go_through_cells_wherever_code_lies() {
    for (name, config) in configs() {
        let manager = CodeManager::new(&config).unwrap();
        let unit = unit(&manager, 300);
        let mut drafts = vec![constant(0, 0)];
        drafts.extend((1..300).map(|function| caller(function, function - 1)));
        publish_all(&unit, drafts);
        assert_eq!(call(&unit, 299), 299, "{name} {config:?}");
        unit.remove_function(0);
        assert_eq!(call(&unit, 299), LAZY + 299);
        install(&unit, constant(0, 1000));
        assert_eq!(call(&unit, 299), 1299);
    }
}

#[test]
fn dropping_everything_gives_everything_back() {
    for (_, config) in configs() {
        let manager = CodeManager::new(&config).unwrap();
        let unit = unit(&manager, 300);
        publish_all(&unit, (0..300).map(|function| constant(function, function)).collect());
        drop(unit);
        let stats = manager.stats();
        assert_eq!((stats.units, stats.committed_bytes), (0, 0), "{stats:?}");
        assert_eq!(stats.code.generated_bytes, stats.code.freed_bytes);
        assert_eq!(stats.code.metadata_bytes, 0);
    }
}
