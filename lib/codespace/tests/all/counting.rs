//! What is counted, and what distributions tell.

use codespace::{
    ClassStats, CodeManager, Config, Draft, Filter, Flavor, FunctionStats, Kind, Share, Summary,
    Tier,
};

use crate::common::{collect, constant, publish, publish_all, unit, with};

fn manager() -> CodeManager {
    CodeManager::new(&Config::default()).expect("there is room")
}

#[test]
fn accounts_add_up() {
    let manager = manager();
    let units = [(); 2].map(|()| unit(&manager, 10));
    for unit in &units {
        let drafts = (0..10).map(|function| {
            let tier = if function < 3 { Tier::Baseline } else { Tier::Optimized };
            with(constant(function, function), tier, Flavor::Normal)
        });
        publish_all(unit, drafts.collect());
        let stats = unit.stats();
        let class = |count, bytes| {
            let (generated_bytes, freed_bytes) = (bytes, 0);
            ClassStats { count, bytes, generated_bytes, freed_bytes }
        };
        assert_eq!(stats.baseline, class(3, 3 * 64));
        assert_eq!(stats.optimized, class(7, 7 * 64));
        assert_eq!(stats.other, class(1, 128));
        assert_eq!(stats.functions, functions([0, 3, 7]));
        assert_eq!(stats.generated_bytes, 10 * 64 + 128);
        assert!(unit.memory().total_bytes() > stats.generated_bytes + stats.metadata_bytes);
    }
    units[0].remove(Filter::Baseline);
    assert_eq!(manager.stats().code.retired, Share { count: 3, bytes: 3 * 64 });
    assert_eq!(manager.stats().code.baseline.count, 6);
    assert_eq!(manager.stats().code.functions, functions([3, 3, 14]));
    let scope = manager.scope();
    let collected = collect(&manager);
    assert_eq!((collected.objects, collected.code_bytes), (3, 3 * 64));
    assert_eq!(manager.stats().code.waiting, Share { count: 3, bytes: 3 * 64 });
    assert_eq!(manager.stats().code.baseline.count, 3);
    drop(scope);
    manager.reap();
    let [mine, all] = [units[0].stats(), manager.stats().code];
    assert_eq!((mine.freed_bytes, all.freed_bytes), (3 * 64, 3 * 64));
    assert_eq!((mine.freed_percent, all.freed_percent), (25, 12));
    assert_eq!((mine.baseline.generated_bytes, mine.baseline.freed_bytes), (3 * 64, 3 * 64));
    assert_eq!((mine.retired.count, all.waiting.count), (0, 0));
    assert_eq!(all.generated_bytes, 2 * (10 * 64 + 128));
    assert_eq!(all.metadata_bytes, mine.metadata_bytes + units[1].stats().metadata_bytes);
}

/// Functions without code, with baseline and with optimized code.
fn functions([lazy, baseline, optimized]: [usize; 3]) -> FunctionStats {
    FunctionStats { all: lazy + baseline + optimized, lazy, baseline, optimized }
}

#[test]
fn functions_are_counted_by_the_code_that_is_reached() {
    let manager = manager();
    let unit = unit(&manager, 5);
    let publish = |function, tier| {
        publish_all(&unit, vec![with(constant(function, 1), tier, Flavor::Normal)]);
    };
    let counted = || {
        assert_eq!(manager.stats().code.functions, unit.stats().functions);
        (manager.stats().code.functions, manager.stats().code.replacements)
    };
    assert_eq!(counted(), (functions([5, 0, 0]), 0));
    (0..4).for_each(|function| publish(function, Tier::Baseline));
    assert_eq!(counted(), (functions([1, 4, 0]), 0));
    publish(0, Tier::Optimized);
    publish(1, Tier::Optimized);
    // Better code is there, so this is not installed.
    publish(0, Tier::Baseline);
    assert_eq!(counted(), (functions([1, 2, 2]), 2));
    unit.remove_function(0);
    assert_eq!(counted(), (functions([2, 2, 1]), 2));
    unit.sweep(Filter::All);
    assert_eq!(counted(), (functions([2, 2, 1]), 2));
    assert!(unit.revive(1));
    unit.sweep(Filter::All);
    assert_eq!(counted(), (functions([4, 0, 1]), 2));
    drop(unit);
    assert_eq!(manager.stats().code.functions, FunctionStats::default());
}

#[test]
fn distributions_are_of_what_is_there_and_of_what_happened() {
    let manager = manager();
    let sizes = || {
        let distributions = manager.stats().distributions;
        (distributions.unit_code_bytes, distributions.unit_metadata_bytes)
    };
    // Not a module.
    let wrappers = unit(&manager, 0);
    let stub = publish(&wrappers, Draft::new(Kind::Stub, vec![0xc3]));
    assert_eq!(sizes().0.count, 0);
    let units = [1, 10, 10].map(|functions| {
        let unit = unit(&manager, functions);
        publish_all(&unit, (0..functions).map(|function| constant(function, 1)).collect());
        unit
    });
    let (code, metadata) = sizes();
    assert_eq!((code.count, metadata.count), (3, 3));
    assert_eq!(code.sum, units.iter().map(|unit| unit.stats().generated_bytes as u64).sum());
    assert_eq!(metadata.sum, units.iter().map(|unit| unit.stats().metadata_bytes as u64).sum());
    assert!(code.p50.abs_diff(10 * 64 + 128) < 24, "{code:?}");
    units[1].remove(Filter::All);
    assert_eq!(collect(&manager).objects, 10);
    let (code, _) = sizes();
    assert_eq!(code.sum, (128 + 128 + 10 * 64 + 128));
    drop((units, stub));
    manager.reap();
    assert_eq!(sizes(), (Summary::default(), Summary::default()));
    let distributions = manager.stats().distributions;
    assert_eq!(
        (distributions.publish_nanoseconds.count, distributions.retire_to_free_nanoseconds.count),
        (4, 10)
    );
    assert_eq!(distributions.collection_freed_bytes.max, 640);
    assert_eq!(distributions.collection_nanoseconds.count, 1);
    assert!(distributions.publish_nanoseconds.max <= distributions.publish_nanoseconds.sum);
}
