//! Tenants: what they pay for, what they may not have, and who loses code first.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use codespace::{
    CodeManager, Config, Filter, Flavor, Shortage, Step, Strategy, Tenant, TenantSpec, Tier, Unit,
    UnitSpec, Whose,
};

use crate::common::{collect, configs, constant_of_size, install, lazy_stub, publish_all, with};

fn tenant(manager: &CodeManager, name: &str, limit: usize) -> Arc<Tenant> {
    manager.new_tenant(TenantSpec { name: name.to_owned(), limit })
}

fn unit_of(tenant: &Arc<Tenant>, manager: &CodeManager, functions: u32) -> Arc<Unit> {
    let tenant = Some(Arc::clone(tenant));
    let owner = Arc::new(());
    let spec = UnitSpec { functions, lazy_stub: lazy_stub(), owner, tenant };
    manager.new_unit(spec).expect("there is room")
}

#[test]
fn te_exact_every_range_is_in_one_account_until_it_is_free() {
    for (name, config) in configs() {
        let manager = CodeManager::new(&config).unwrap();
        let (one, other) = (tenant(&manager, "one", 1 << 20), tenant(&manager, "other", 1 << 20));
        let nothing = manager.default_tenant().used_bytes();
        let unit = unit_of(&one, &manager, 100);
        // 800 bytes of cells, and entries that are counted as code.
        let entries = one.stats().code.other.bytes;
        assert_eq!(one.used_bytes(), 832 + entries, "{name}");
        let second = unit_of(&other, &manager, 1);
        assert_eq!(other.used_bytes(), 64 + other.stats().code.other.bytes, "{name}");

        let baseline =
            |function| with(constant_of_size(function, 0, 100), Tier::Baseline, Flavor::Normal);
        let drafts = (0..10).map(baseline).collect();
        drop(publish_all(&unit, drafts));
        install(&unit, with(constant_of_size(3, 0, 1000), Tier::Optimized, Flavor::Normal));
        let stats = one.stats();
        assert_eq!((stats.code.baseline.count, stats.code.optimized.count), (10, 1), "{name}");
        let bytes = |stats: &codespace::TenantStats| {
            let code = stats.code;
            code.baseline.bytes + code.optimized.bytes + code.other.bytes + code.waiting.bytes
        };
        assert_eq!(stats.used_bytes, 832 + bytes(&stats), "{name}");
        assert_eq!(stats.code.retired.count, 1, "{name}");

        // Placed and never published.
        let before = one.used_bytes();
        let placed = unit.place(vec![constant_of_size(5, 0, 300)]).unwrap();
        assert!(before + 300 <= one.used_bytes(), "{name}");
        drop(placed);
        assert_eq!(one.used_bytes(), before, "{name}");

        collect(&manager);
        manager.reap();
        let stats = one.stats();
        assert_eq!(stats.used_bytes, 832 + bytes(&stats), "{name}");
        assert_eq!(stats.code.retired.count, 0, "{name}");
        assert!(stats.peak_bytes > stats.used_bytes, "{name}");

        unit.remove(Filter::All);
        collect(&manager);
        manager.reap();
        assert_eq!(one.used_bytes(), 832 + entries, "{name}");
        drop((unit, second));
        manager.reap();
        assert_eq!((one.used_bytes(), other.used_bytes()), (0, 0), "{name}");
        let stats = one.stats();
        assert_eq!(stats.code.generated_bytes, stats.code.freed_bytes, "{name}");
        assert_eq!(manager.default_tenant().used_bytes(), nothing, "{name}");
    }
}

#[test]
fn te_hard_what_a_tenant_may_not_have_is_an_error_and_others_go_on() {
    for strategy in [Strategy::File, Strategy::Toggle] {
        let manager = CodeManager::new(&Config { strategy, ..Config::default() }).unwrap();
        let (small, large) = (tenant(&manager, "small", 4096), tenant(&manager, "large", 1 << 20));
        let (unit, other) = (unit_of(&small, &manager, 10), unit_of(&large, &manager, 10));
        install(&unit, constant_of_size(0, 0, 1024));
        let error = unit.place(vec![constant_of_size(1, 0, 4096)]).unwrap_err();
        assert_eq!(error.shortage(), Some(Shortage::Tenant { wanted: 4096 }));
        let (message, used) = (error.to_string(), small.used_bytes().to_string());
        for part in ["`small`", "4096 bytes wanted", &format!("{used} used"), "limit is 4096"] {
            assert!(message.contains(part), "{message}");
        }
        // A batch is placed as a whole or not at all.
        let batch = (1..10).map(|function| constant_of_size(function, 0, 512)).collect();
        assert!(unit.place(batch).is_err());
        assert_eq!(small.used_bytes().to_string(), used);
        install(&other, constant_of_size(1, 0, 4096));
        install(&unit, constant_of_size(1, 0, 1024));
        // Nor may its cells be more.
        let spec = |functions| UnitSpec {
            functions,
            lazy_stub: 0,
            owner: Arc::new(()),
            tenant: Some(Arc::clone(&small)),
        };
        let before = (small.used_bytes(), manager.stats());
        let error = manager.new_unit(spec(1000)).unwrap_err();
        assert!(matches!(error.shortage(), Some(Shortage::Tenant { .. })), "{error}");
        manager.reap();
        assert_eq!(small.used_bytes(), before.0);
        assert_eq!(manager.stats().units, before.1.units);
    }
}

#[test]
fn a_unit_for_another_managers_tenant_is_refused() {
    let managers = [(); 2].map(|()| CodeManager::new(&Config::default()).unwrap());
    let tenant = Some(tenant(&managers[0], "one", 1 << 20));
    let spec = UnitSpec { functions: 1, lazy_stub: 0, owner: Arc::new(()), tenant };
    let error = managers[1].new_unit(spec).unwrap_err().to_string();
    assert!(error.contains("another code manager"), "{error}");
}

#[test]
fn who_was_not_seen_for_longest_loses_code_first() {
    let manager = CodeManager::new(&Config::default()).unwrap();
    let tenants = ["a", "b", "c"].map(|name| tenant(&manager, name, 1 << 20));
    let units: Vec<_> =
        [0, 1, 2, 1, 0].map(|who: usize| unit_of(&tenants[who], &manager, 4)).into();
    let order = |whose: Whose<'_>| -> Vec<usize> {
        let of = |unit: &Arc<Unit>| units.iter().position(|other| Arc::ptr_eq(unit, other));
        manager.victims(whose).iter().filter_map(of).collect()
    };
    for unit in &units {
        install(unit, constant_of_size(0, 0, 64));
    }
    // Each was seen last when its code was placed; c has no younger unit.
    assert_eq!(order(Whose::Everybody), [2, 1, 3, 0, 4]);
    assert_eq!(order(Whose::Tenant(&tenants[1])), [1, 3]);
    install(&units[2], constant_of_size(1, 0, 64));
    assert_eq!(order(Whose::Everybody), [1, 3, 0, 4, 2]);
    // Who calls a function whose code is suspended is seen.
    assert_eq!(units[1].take(Step::Sweep(Filter::All)).functions, 0);
    assert!(units[1].revive(0));
    assert_eq!(order(Whose::Everybody), [0, 4, 2, 3, 1]);
    units[4].pin();
    assert_eq!(order(Whose::Everybody), [0, 2, 3, 1]);
}

#[test]
fn relief_is_wanted_by_whom_it_concerns_once() {
    let config = Config { committed_limit: 4 << 20, ..Config::default() };
    let manager = CodeManager::new(&config).unwrap();
    let (small, large) = (tenant(&manager, "small", 8192), tenant(&manager, "large", 4 << 20));
    let (unit, other) = (unit_of(&small, &manager, 4), unit_of(&large, &manager, 4));
    assert!(manager.relieve().is_empty());
    install(&unit, constant_of_size(0, 0, 7168));
    install(&other, constant_of_size(0, 0, 7168));
    let wanting = manager.relieve();
    assert_eq!(wanting.len(), 1);
    assert!(Arc::ptr_eq(wanting[0].as_ref().unwrap(), &small));
    assert!(manager.excess(Whose::Tenant(&small)) > 0);
    assert_eq!(manager.excess(Whose::Tenant(&large)), 0);
    // Nothing new since.
    assert!(manager.relieve().is_empty());
    install(&other, constant_of_size(1, 0, 3600 << 10));
    let wanting = manager.relieve();
    assert_eq!(wanting.len(), 2, "{wanting:?}");
    assert!(wanting[1].is_none(), "the manager's comes last");
}

#[test]
fn te_hard_tenants_hammered_by_many_threads_stay_below_their_limits() {
    let manager = CodeManager::new(&Config { arena_code_bytes: 1 << 20, ..Config::default() });
    let manager = manager.unwrap();
    let limits = [8 << 10, 24 << 10];
    let tenants = limits.map(|limit| tenant(&manager, "hammered", limit));
    let done = AtomicBool::new(false);
    let refused = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for (tenant, limit) in tenants.iter().zip(limits) {
                    assert!(tenant.used_bytes() <= limit, "{tenant:?}");
                }
                collect(&manager);
            }
        });
        sync::hammer(4, 60, |thread, round| {
            let unit = unit_of_or_none(&tenants[thread % 2], &manager);
            let Some(unit) = unit else {
                refused.fetch_add(1, Ordering::Relaxed);
                return;
            };
            for function in 0..16 {
                let size = 64 + (round * 97 + function as usize * 331) % 2000;
                match unit.place(vec![constant_of_size(function, 7, size)]) {
                    Ok(placed) => drop(unit.publish(placed).unwrap()),
                    Err(error) => {
                        assert!(
                            matches!(error.shortage(), Some(Shortage::Tenant { .. })),
                            "{error}"
                        );
                        refused.fetch_add(1, Ordering::Relaxed);
                        unit.remove(Filter::All);
                    }
                }
            }
        });
        done.store(true, Ordering::Relaxed);
    });
    assert_ne!(refused.load(Ordering::Relaxed), 0, "the limits were never reached");
    collect(&manager);
    manager.reap();
    for tenant in &tenants {
        let stats = tenant.stats();
        assert_eq!(stats.used_bytes, 0, "{tenant:?}");
        assert_eq!(stats.code.generated_bytes, stats.code.freed_bytes);
        assert!(stats.peak_bytes <= stats.limit);
    }
}

fn unit_of_or_none(tenant: &Arc<Tenant>, manager: &CodeManager) -> Option<Arc<Unit>> {
    let tenant = Some(Arc::clone(tenant));
    let spec = UnitSpec { functions: 16, lazy_stub: lazy_stub(), owner: Arc::new(()), tenant };
    match manager.new_unit(spec) {
        Ok(unit) => Some(unit),
        Err(error) => {
            assert!(matches!(error.shortage(), Some(Shortage::Tenant { .. })), "{error}");
            None
        }
    }
}
