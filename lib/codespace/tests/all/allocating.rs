//! Where code goes: alignment, batches, commits, limits, reuse, several arenas.

use codespace::{CodeManager, Config, Draft, ErrorKind, Filter, Kind, Strategy};

use crate::common::{
    call, call_at, caller, collect, constant, constant_of_size, install, page_steps, publish,
    publish_all, small, unit,
};

const PAGE: usize = 4096;

fn strategies() -> [Config; 2] {
    [Strategy::File, Strategy::Toggle].map(|strategy| Config { strategy, ..small() })
}

#[test]
fn code_is_aligned_and_sizes_are_rounded() {
    for config in strategies() {
        let manager = CodeManager::new(&config).unwrap();
        let unit = unit(&manager, 4);
        let mut generated = unit.stats().generated_bytes;
        for (function, size) in [(0, 6), (1, 63), (2, 64), (3, 65)] {
            let entry = install(&unit, constant_of_size(function, function, size));
            assert!(entry.is_multiple_of(64));
            generated += size.next_multiple_of(64);
            assert_eq!(unit.stats().generated_bytes, generated);
            assert_eq!(unit.code(function).unwrap().range().len(), size);
            assert_eq!(call(&unit, function), function);
        }
    }
}

#[test]
fn a_batch_is_one_allocation() {
    for config in strategies() {
        let manager = CodeManager::new(&config).unwrap();
        let unit = unit(&manager, 4);
        let sizes = [6, 63, 64, 65];
        let drafts = (0..4).map(|f| constant_of_size(f, f, sizes[f as usize])).collect();
        let published = publish_all(&unit, drafts);
        let mut next = published[0].code.entry();
        for (published, size) in published.iter().zip(sizes) {
            assert_eq!(published.code.range(), next..next + size);
            next += size.next_multiple_of(64);
        }
        assert!((0..4).all(|function| call(&unit, function) == function));
    }
}

#[test]
fn under_toggle_batches_start_on_fresh_pages() {
    let config = Config { strategy: Strategy::Toggle, ..small() };
    let manager = CodeManager::new(&config).unwrap();
    let unit = unit(&manager, 4);
    let first = publish_all(&unit, vec![constant(0, 0), constant(1, 1)]);
    let second = publish_all(&unit, vec![constant(2, 2), constant(3, 3)]);
    assert!(first[0].code.entry().is_multiple_of(PAGE));
    assert_eq!(second[0].code.entry(), first[0].code.entry() + PAGE);
    // A page is used again only when nothing in it is live.
    let page = first[0].code.entry();
    drop((first, second));
    unit.remove_function(0);
    collect(&manager);
    assert_eq!(install(&unit, constant(0, 10)), page + 2 * PAGE);
    unit.remove_function(1);
    collect(&manager);
    assert_eq!(install(&unit, constant(1, 11)), page);
    assert_eq!([0, 1, 2, 3].map(|function| call(&unit, function)), [10, 11, 2, 3]);
}

#[test]
fn memory_is_committed_page_by_page_as_code_enters_it() {
    let manager = CodeManager::new(&page_steps()).unwrap();
    let unit = unit(&manager, 0);
    assert_eq!(manager.stats().committed_bytes, 0);
    let stub = |size| Draft::new(Kind::Stub, vec![0xc3; size]);
    let mut kept = vec![publish(&unit, stub(1))];
    assert_eq!(manager.stats().committed_bytes, PAGE);
    kept.push(publish(&unit, stub(PAGE - 64)));
    assert_eq!(manager.stats().committed_bytes, PAGE);
    kept.push(publish(&unit, stub(PAGE + 1)));
    assert_eq!(manager.stats().committed_bytes, 3 * PAGE);
    assert_eq!(manager.stats().code.other.count, 3);
}

#[test]
fn a_limit_of_nothing_is_an_error() {
    let manager = CodeManager::new(&Config { committed_limit: 0, ..page_steps() }).unwrap();
    let spec = codespace::UnitSpec {
        functions: 1,
        lazy_stub: 0,
        owner: std::sync::Arc::new(()),
        tenant: None,
    };
    let error = manager.new_unit(spec).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OutOfCodeMemory { wanted: PAGE, free: 0, .. }));
    let unit = unit(&manager, 0);
    let error = unit.place(vec![Draft::new(Kind::Stub, vec![0xc3])]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OutOfCodeMemory { wanted: PAGE, free: 0, .. }));
    assert!(error.to_string().contains("4096 bytes wanted, 0 used, the limit is 0"), "{error}");
}

#[test]
fn the_limit_is_shared_by_units_and_not_by_managers() {
    let config = Config { committed_limit: 4 * PAGE, ..page_steps() };
    let [manager, other] = [(); 2].map(|()| CodeManager::new(&config).unwrap());
    let units = [(); 3].map(|()| unit(&manager, 0));
    let stub = || vec![Draft::new(Kind::Stub, vec![0xc3; PAGE])];
    let mut kept = Vec::new();
    for unit in units.iter().chain(&units[..1]) {
        kept.extend(unit.publish(unit.place(stub()).unwrap()).unwrap());
    }
    for unit in &units {
        let error = unit.place(stub()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OutOfCodeMemory { wanted: PAGE, free: 0, .. }));
    }
    assert_eq!(manager.stats().committed_bytes, 4 * PAGE);
    let other_unit = unit(&other, 0);
    publish_all(&other_unit, stub());
    // What one unit gives back, another can have.
    kept.remove(0);
    collect(&manager);
    publish_all(&units[1], stub());
}

#[test]
fn at_the_limit_free_ranges_that_are_committed_are_used() {
    let config = Config { committed_limit: 64 << 10, commit_bytes: 16 << 10, ..small() };
    let manager = CodeManager::new(&config).unwrap();
    let unit = unit(&manager, 64);
    let room = |function| unit.place(vec![constant_of_size(function, function, 2048)]);
    let mut count = 0;
    while let Ok(placed) = room(count) {
        unit.publish(placed).unwrap();
        count += 1;
    }
    assert!(count > 10);
    for round in 0..10 {
        unit.remove_function(round % count);
        unit.remove_function((round + 7) % count);
        collect(&manager);
        unit.publish(room(round % count).unwrap()).unwrap();
        unit.publish(room((round + 7) % count).unwrap()).unwrap();
        assert!(manager.stats().committed_bytes <= 64 << 10);
    }
    assert!((0..count).all(|function| call(&unit, function) == function));
}

#[test]
fn a_batch_that_no_range_holds_is_split_over_arenas() {
    for cell_reach in [i32::MAX as usize, 0] {
        let manager = CodeManager::new(&Config { cell_reach, ..small() }).unwrap();
        let unit = unit(&manager, 400);
        let mut drafts = vec![constant_of_size(0, 0, 3000)];
        drafts.extend((1..400).map(|function| {
            let mut draft = caller(function, function - 1);
            draft.bytes.resize(1000, 0xcc);
            draft
        }));
        publish_all(&unit, drafts);
        assert!(manager.stats().arenas > 6, "{}", manager.stats().arenas);
        assert_eq!(call(&unit, 399), 399);
    }
}

#[test]
fn arenas_are_added_when_one_is_full_and_used_again_when_units_go() {
    let manager = CodeManager::new(&small()).unwrap();
    let fill = || {
        let unit = unit(&manager, 100);
        publish_all(&unit, (0..100).map(|f| constant_of_size(f, f, 2000)).collect());
        assert!((0..100).all(|function| call(&unit, function) == function));
        unit
    };
    drop(fill());
    let arenas = manager.stats().arenas;
    assert!(arenas >= 4);
    for _ in 0..20 {
        drop(fill());
    }
    assert_eq!(manager.stats().arenas, arenas);
    assert_eq!(manager.stats().committed_bytes, 0);
}

/// Some live long, most go soon, and what they leave are holes of all sizes.
#[test]
fn thousands_of_units_that_come_and_go_need_no_more_arenas_than_the_first_hundreds() {
    let manager = CodeManager::new(&small()).unwrap();
    let mut kept = std::collections::VecDeque::new();
    let mut round = |number: u32| {
        let functions = 1 + number * 7 % 13;
        let unit = unit(&manager, functions);
        let size = |function: u32| 16 + (number * 131 + function * 977) as usize % 3000;
        let drafts = (0..functions).map(|f| constant_of_size(f, number + f, size(f))).collect();
        publish_all(&unit, drafts);
        assert_eq!(call(&unit, functions - 1), number + functions - 1);
        match number % 8 {
            0 => kept.push_back(unit),
            1 => {
                unit.remove(Filter::All);
                collect(&manager);
            }
            _ => {}
        }
        if 20 < kept.len() {
            kept.pop_front();
        }
    };
    (0..1000).for_each(&mut round);
    let before = manager.stats();
    (1000..6000).for_each(&mut round);
    let after = manager.stats();
    assert!(after.arenas <= before.arenas + 1, "{before:?} {after:?}");
    assert!(after.committed_bytes <= before.committed_bytes * 2, "{before:?} {after:?}");
    kept.clear();
    manager.reap();
    let stats = manager.stats();
    assert_eq!((stats.units, stats.committed_bytes), (0, 0));
    assert_eq!(manager.default_tenant().used_bytes(), 0);
}

#[test]
fn more_than_fits_is_an_error_that_says_so() {
    let reserved_limit = CodeManager::new(&small()).unwrap().stats().reserved_bytes * 2;
    let config = Config { reserved_limit, ..small() };
    let manager = CodeManager::new(&config).unwrap();
    let wrappers = unit(&manager, 0);
    let large = |size| wrappers.place(vec![Draft::new(Kind::Stub, vec![0xc3; size])]);
    assert!(matches!(
        large((64 << 10) + 1).unwrap_err().kind(),
        ErrorKind::TooLarge { wanted: 65537, available: 65536 }
    ));
    let kept = [large(60 << 10).unwrap(), large(60 << 10).unwrap()];
    assert!(matches!(
        large(60 << 10).unwrap_err().kind(),
        ErrorKind::OutOfAddressSpace { free: 0, .. }
    ));
    let spec = |functions| codespace::UnitSpec {
        functions,
        lazy_stub: 0,
        owner: std::sync::Arc::new(()),
        tenant: None,
    };
    assert!(matches!(
        manager.new_unit(spec(100_000)).unwrap_err().kind(),
        ErrorKind::TooLarge { .. }
    ));
    assert!(manager.new_unit(spec(u32::MAX)).is_err());
    // More units than fit.
    let units: Vec<_> =
        std::iter::from_fn(|| manager.new_unit(spec(100)).ok()).take(1000).collect();
    assert!((4..1000).contains(&units.len()), "{}", units.len());
    drop((kept, units));
    large(60 << 10).unwrap();
}

#[test]
fn one_hundred_placed_and_dropped_leave_nothing() {
    for config in strategies() {
        let manager = CodeManager::new(&config).unwrap();
        let unit = unit(&manager, 100);
        let before = manager.stats();
        for round in 0..20 {
            let placed = unit.place((0..100).map(|f| constant(f, round)).collect()).unwrap();
            assert_eq!(placed[1].range().len(), 6);
            let scope = manager.scope();
            assert!(scope.lookup(placed[1].range().start).is_none());
        }
        let after = manager.stats();
        assert_eq!(after.committed_bytes, before.committed_bytes);
        let used = |stats: &codespace::Stats| stats.code.generated_bytes - stats.code.freed_bytes;
        assert_eq!(used(&after), used(&before));
        assert_eq!(after.code.other, before.code.other);
    }
}

#[test]
fn freed_ranges_are_allocated_again_and_run_right() {
    for config in strategies() {
        let manager = CodeManager::new(&config).unwrap();
        let unit = unit(&manager, 200);
        for round in 0..10 {
            let value = |function| round * 1000 + function;
            let size = |function: u32| 6 + (function as usize * 37 + round as usize * 91) % 700;
            let drafts = (0..200).map(|f| constant_of_size(f, value(f), size(f))).collect();
            publish_all(&unit, drafts);
            assert!((0..200).all(|function| call(&unit, function) == value(function)));
            for function in (0..200).filter(|function| (function + round) % 3 != 0) {
                unit.remove_function(function);
            }
            collect(&manager);
            let stays = |function: &u32| (function + round).is_multiple_of(3);
            assert!(
                (0..200).filter(stays).all(|function| call(&unit, function) == value(function))
            );
        }
        assert!(manager.stats().arenas <= 6, "{}", manager.stats().arenas);
        unit.remove(Filter::All);
    }
}

#[test]
fn mappings_are_limited() {
    const OBJECTS: usize = 10_000;
    let manager = CodeManager::new(&Config { strategy: Strategy::File, ..page_steps() }).unwrap();
    let unit = unit(&manager, 0);
    let stubs = |count| vec![Draft { kind: Kind::Stub, ..constant_of_size(0, 7, PAGE) }; count];
    let mut kept: Vec<_> = publish_all(&unit, stubs(OBJECTS)).into_iter().map(Some).collect();
    assert_eq!(manager.stats().committed_bytes, OBJECTS * PAGE);
    kept.iter_mut().step_by(2).for_each(|stub| *stub = None);
    assert_eq!(collect(&manager).objects, OBJECTS / 2);
    let gone = OBJECTS - manager.stats().committed_bytes / PAGE;
    // Each hole is two more mappings. What is not given back is used again all the same.
    assert!((1000..4200).contains(&gone), "{gone}");
    kept.extend((0..OBJECTS / 2).map(|_| publish_all(&unit, stubs(1)).pop()));
    assert_eq!(manager.stats().committed_bytes, OBJECTS * PAGE);
    assert!(kept.iter().flatten().all(|stub| call_at(stub.code.entry()) == 7));
}

#[test]
fn who_makes_a_unit_frees_what_others_left_only_where_there_is_no_room() {
    for strategy in [Strategy::File, Strategy::Toggle] {
        let config = Config { strategy, committed_limit: 8 * PAGE, ..page_steps() };
        let manager = CodeManager::new(&config).unwrap();
        let stubs = unit(&manager, 0);
        let large = publish(&stubs, Draft::new(Kind::Stub, vec![0xc3; 6 * PAGE]));
        let scope = manager.scope();
        drop(large);
        assert_eq!(collect(&manager).objects, 1);
        drop(scope);
        let small = unit(&manager, 1);
        assert!(manager.is_waiting());
        assert_eq!(manager.stats().committed_bytes, 8 * PAGE);
        let larger = unit(&manager, 600);
        assert!(!manager.is_waiting());
        install(&larger, constant(599, 77));
        assert_eq!((call(&larger, 599), small.functions()), (77, 1));
    }
}
