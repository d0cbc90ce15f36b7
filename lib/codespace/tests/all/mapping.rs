//! Maps of code memory, and where units settle.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use codespace::{ArenaMap, CodeManager, Config, Draft, Filter, Kind, Tier, UnitSpec};

use crate::common::{
    collect, configs, constant, constant_of_size, install, lazy_stub, publish, small, unit,
};

fn kinds(arena: &ArenaMap) -> Vec<Kind> {
    arena.objects.iter().map(|object| object.kind).collect()
}

#[test]
fn a_map_shows_what_lies_where() {
    for (name, config) in configs() {
        let manager = CodeManager::new(&config).unwrap();
        let unit = unit(&manager, 3);
        install(&unit, constant(0, 1));
        let old = publish(&unit, constant_of_size(2, 1, 100));
        let stub = publish(&unit, Draft::new(Kind::Stub, vec![0xc3]));
        let mut better = constant(2, 2);
        better.tier = Tier::Optimized;
        install(&unit, better);
        let range = old.code.range();
        drop(old);

        let map = manager.code_map();
        let [arena] = &*map.arenas else { panic!("{name}: {map:?}") };
        let function = Kind::Function;
        let expected = [Kind::LazyTable, function(0), function(2), Kind::Stub, function(2)];
        assert_eq!(kinds(arena), expected, "{name}");
        assert!(arena.objects.is_sorted_by(|a, b| a.range.end <= b.range.start), "{name}");
        let retired = |object: &&codespace::MappedCode| object.is_retired;
        let retired: Vec<_> = arena.objects.iter().filter(retired).collect();
        assert_eq!(retired.len(), 1, "{name}");
        assert_eq!(retired[0].range, range.start..range.start + 128, "{name}");
        assert_eq!(arena.objects[4].tier, Tier::Optimized);
        assert_eq!(arena.objects[0].unit, unit.id());
        assert_eq!(arena.objects[0].owner.downcast_ref::<&str>(), Some(&"owner"));
        assert_eq!((arena.data_used, arena.occupied()), (64, 6 * 64), "{name}");

        // All of it lies in what is committed, which agrees with the statistics.
        for object in &arena.objects {
            let holds = |part: &std::ops::Range<usize>| {
                part.start <= object.range.start && object.range.end <= part.end
            };
            assert!(arena.committed.iter().any(holds), "{name}: {arena:?}");
        }
        let committed: usize = arena.committed.iter().map(ExactSizeIterator::len).sum();
        assert_eq!(committed + arena.data_committed, manager.stats().committed_bytes);

        collect(&manager);
        let arena = &manager.code_map().arenas[0];
        assert_eq!(arena.objects.len(), 4, "{name}");
        assert!(arena.objects.iter().all(|object| !object.is_retired), "{name}");
        drop(stub);
    }
}

#[test]
fn map_disjoint_whatever_happens_meanwhile() {
    let manager = CodeManager::new(&small()).unwrap();
    let unit = unit(&manager, 64);
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..400 {
                for function in 0..64 {
                    publish(
                        &unit,
                        constant_of_size(function, round, 64 + 8 * round as usize % 200),
                    );
                }
                unit.remove(Filter::All);
                collect(&manager);
            }
            ends.store(true, Ordering::Relaxed);
        });
        let mut most = 0;
        while !ends.load(Ordering::Relaxed) {
            for arena in manager.code_map().arenas {
                let sorted = arena.objects.is_sorted_by(|a, b| a.range.end <= b.range.start);
                assert!(sorted, "{arena:?}");
                assert!(arena.objects.iter().all(|object| object.unit == unit.id()));
                most = most.max(arena.objects.len());
            }
        }
        assert!(10 < most, "{most} objects at most were seen at once");
    });
}

#[test]
fn a_unit_settles_where_its_code_finds_room() {
    let expecting = |manager: &CodeManager, code_bytes| {
        let owner = Arc::new(());
        let spec = UnitSpec { functions: 4, lazy_stub: lazy_stub(), owner, tenant: None };
        manager.new_unit_expecting(spec, code_bytes).unwrap()
    };
    let arena_of = |manager: &CodeManager, unit: &codespace::Unit| {
        let entry = unit.lazy_entry(0);
        manager.code_map().arenas.iter().position(|arena| arena.code.contains(&entry))
    };
    let manager = CodeManager::new(&small()).unwrap();
    let first = expecting(&manager, 0);
    install(&first, constant_of_size(0, 0, 40 << 10));
    // It does not fit in the first arena, and gets a second, which the next one fits in too.
    let second = expecting(&manager, 30 << 10);
    let third = expecting(&manager, 60 << 10);
    // It fits in no arena; a small one fits in the first.
    let large = expecting(&manager, 1 << 20);
    let little = expecting(&manager, 1 << 10);
    let units = [&first, &second, &third, &large, &little];
    let arenas = units.map(|unit| arena_of(&manager, unit).unwrap());
    assert_eq!(arenas, [0, 1, 1, 0, 0]);
    assert_eq!(manager.stats().arenas, 2);
}

#[test]
fn where_no_arena_can_be_added_any_will_do() {
    let reserved_limit = CodeManager::new(&small()).unwrap().stats().reserved_bytes;
    let manager = CodeManager::new(&Config { reserved_limit, ..small() }).unwrap();
    let first = unit(&manager, 1);
    install(&first, constant_of_size(0, 0, 40 << 10));
    let owner = Arc::new(());
    let spec = UnitSpec { functions: 1, lazy_stub: lazy_stub(), owner, tenant: None };
    manager.new_unit_expecting(spec, 30 << 10).unwrap();
    assert_eq!(manager.stats().arenas, 1);
}
