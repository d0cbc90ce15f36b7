//! Wrappers without an engine: who shares what, and what becomes of it.

use tierup_wasm::ValType;

use super::*;
use crate::TypeRegistry;

/// A cache of a test's own, so that what other tests do is not counted.
fn own() -> Arc<Wrappers> {
    Wrappers::new(&Config::default(), ForkGuard::new().unwrap(), sizes::LIMIT).unwrap()
}

fn ty(count: usize) -> FuncType {
    FuncType::new(vec![ValType::I64; count], [ValType::F64])
}

fn count(wrappers: &Wrappers) -> usize {
    wrappers.stats().code.other.count
}

#[test]
fn equal_types_of_two_engines_share_wrappers() {
    let wrappers = own();
    let registries = [TypeRegistry::new(), TypeRegistry::new()];
    let types = registries.each_ref().map(|registry| registry.register(&ty(2)).unwrap());
    let addresses = types.each_ref().map(|ty| {
        let addresses = (wrappers.entry(ty).unwrap(), wrappers.host(ty).unwrap());
        assert_eq!(addresses, (wrappers.entry(ty).unwrap(), wrappers.host(ty).unwrap()));
        addresses
    });
    assert_eq!(addresses[0], addresses[1]);
    assert_ne!(addresses[0].0, addresses[0].1);
    assert_eq!(count(&wrappers), 2);
    let other = registries[0].register(&ty(3)).unwrap();
    assert_ne!(wrappers.entry(&other).unwrap(), addresses[0].0);
    assert_eq!(count(&wrappers), 3);
}

#[test]
fn a_wrapper_goes_with_its_last_user() {
    let wrappers = own();
    let registries = [TypeRegistry::new(), TypeRegistry::new()];
    let [first, second] = registries.each_ref().map(|registry| registry.register(&ty(2)).unwrap());
    wrappers.entry(&first).unwrap();
    wrappers.entry(&second).unwrap();
    drop(first);
    assert_eq!((count(&wrappers), wrappers.made.len()), (1, 1));
    drop(second);
    assert_eq!((count(&wrappers), wrappers.made.len()), (0, 0));
    let code = wrappers.stats().code;
    assert_eq!(code.freed_bytes, code.generated_bytes);
}

#[test]
fn dead_wrappers_are_freed_although_others_live() {
    let wrappers = own();
    let registry = TypeRegistry::new();
    let kept = registry.register(&ty(1)).unwrap();
    let address = wrappers.entry(&kept).unwrap();
    for round in 0..1000 {
        wrappers.entry(&registry.register(&ty(2 + round % 50)).unwrap()).unwrap();
    }
    let code = wrappers.stats().code;
    let dead = code.generated_bytes - code.freed_bytes;
    assert!(dead < 2 * (sizes::FLOOR + sizes::COMMIT), "{dead} of {}", code.generated_bytes);
    assert_eq!(wrappers.entry(&kept).unwrap(), address);
    wrappers.collect();
    assert_eq!(count(&wrappers), 1);
}

#[test]
fn a_full_cache_is_an_error_with_its_name_until_something_goes() {
    let limit = 64 << 10;
    let wrappers = Wrappers::new(&Config::default(), ForkGuard::new().unwrap(), limit).unwrap();
    let registry = TypeRegistry::new();
    let mut types = Vec::new();
    let error = loop {
        types.push(registry.register(&ty(types.len())).unwrap());
        if let Err(error) = wrappers.entry(&types[types.len() - 1]) {
            break error;
        }
    };
    assert!(20 < types.len(), "{}", types.len());
    let text = error.to_string();
    assert!(text.contains("`wrappers of the process`") && text.contains("65536"), "{text}");
    let last = types.pop().unwrap();
    assert!(wrappers.entry(&last).is_err());
    // Not enough to be collected for its own sake.
    types.truncate(types.len() - 2);
    wrappers.entry(&last).unwrap();
}

#[test]
fn hammer_a_wrapper_never_comes_back() {
    let wrappers = own();
    let registries = [(); 4].map(|()| TypeRegistry::new());
    sync::hammer(4, 2000, |thread, round| {
        let ty = registries[thread].register(&ty(round % 3)).unwrap();
        let address = match round % 2 {
            0 => wrappers.entry(&ty).unwrap(),
            _ => wrappers.host(&ty).unwrap(),
        };
        let scope = wrappers.unit.manager().scope();
        let code = scope.lookup(address).expect("a wrapper that is used is there");
        // [WR-NEVER-BACK]
        assert!(!code.is_retired());
        assert_eq!(code.entry(), address);
        if round % 100 == thread {
            wrappers.collect();
        }
    });
    assert_eq!((count(&wrappers), wrappers.made.len()), (0, 0));
}

#[test]
fn engines_of_a_process_share_a_cache_by_protection() {
    let of = |strategy| Wrappers::for_engine(&Config { strategy, ..Config::default() }).unwrap();
    assert!(Arc::ptr_eq(&of(Strategy::File), &of(Strategy::File)));
    assert!(!Arc::ptr_eq(&of(Strategy::File), &of(Strategy::Toggle)));
    let best = Strategy::Auto.resolve().unwrap();
    assert!(Arc::ptr_eq(&of(Strategy::Auto), &of(best)));
}

#[test]
fn planned_faults_reach_only_the_engine_that_they_are_planned_for() {
    let plan = codespace::FaultPlan::new();
    let config = Config { faults: Some(Arc::clone(&plan)), ..Config::default() };
    let (planned, shared) =
        (Wrappers::for_engine(&config).unwrap(), Wrappers::for_engine(&Config::default()).unwrap());
    let registries = [TypeRegistry::new(), TypeRegistry::new()];
    let [first, second] = registries.each_ref().map(|registry| registry.register(&ty(5)).unwrap());
    plan.arm(codespace::FaultKind::Commit, 1);
    assert!(planned.entry(&first).is_err());
    shared.entry(&second).unwrap();
    // A failure is not remembered.
    planned.entry(&first).unwrap();
}
