//! Modules that come and go: memory is used again, whatever there was before.

use tierup::{CompilerStrategy, Instance, Module, ModuleOptions, Store};

use crate::{
    flushing::functions_of,
    support::{address_space, engine_with, in_process, mapping_count, run_i32, stderr},
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
