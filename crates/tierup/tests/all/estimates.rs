//! Estimates beside what is really used.

use std::path::Path;

use tierup::{CodeKind, CompilerStrategy, Config, Engine, Module, TierEstimate};

/// By how much an estimate may be off, in percent. The public modules of `docs/estimates.md`, from
/// other compilers, are off by up to 23.
const TOLERANCE: f64 = 25.0;

fn modules() -> Vec<(String, Vec<u8>)> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut modules = Vec::new();
    for directory in ["examples", "bench/programs"] {
        for entry in std::fs::read_dir(repository.join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "wasm") {
                modules.push((path.display().to_string(), std::fs::read(path).unwrap()));
            }
        }
    }
    assert!(20 < modules.len(), "{} modules", modules.len());
    modules
}

#[track_caller]
fn close(estimate: usize, used: usize, what: &str) {
    let off = (estimate as f64 / used as f64 - 1.0) * 100.0;
    assert!(off.abs() <= TOLERANCE, "{what}: {estimate} estimated, {used} used, {off:.0} % off");
}

#[test]
fn estimates_of_the_modules_here_are_close() {
    for strategy in [CompilerStrategy::Baseline, CompilerStrategy::Optimizing] {
        for (name, bytes) in modules() {
            let mut config = Config::new();
            config.strategy(strategy).lazy(false);
            let engine = Engine::new(&config).unwrap();
            let module = Module::from_vec(&engine, bytes).unwrap();
            let stats = engine.stats().code.code;
            let estimate = module.estimate();
            let (TierEstimate { code_bytes, metadata_bytes }, used) = match strategy {
                CompilerStrategy::Baseline => (estimate.baseline, stats.baseline),
                _ => (estimate.optimized, stats.optimized),
            };
            let what = format!("{name}, {strategy:?}");
            close(code_bytes, used.bytes, &what);
            // One record is the lazy table's, and belongs to the unit.
            close(metadata_bytes, stats.metadata_bytes - 64, &what);
        }
    }
}

#[test]
fn what_a_unit_takes_is_no_estimate() {
    for (name, bytes) in modules() {
        let engine = Engine::default();
        let before = engine.code_map().arenas[0].cells.used;
        let module = Module::from_vec(&engine, bytes).unwrap();
        let unit = module.estimate().unit;
        let map = engine.code_map();
        let arena = &map.arenas[0];
        assert_eq!(arena.cells.used - before, unit.cell_bytes, "{name}");
        let is_own = |object: &&tierup::CodeObject| object.unit == module.unit();
        let own: Vec<_> = arena.objects.iter().filter(is_own).collect();
        assert_eq!(own.len(), 1, "{name}");
        assert_eq!(own[0].kind, CodeKind::LazyTable);
        assert_eq!(own[0].range.len(), unit.lazy_table_bytes, "{name}");
    }
}

#[test]
fn a_map_names_functions() {
    let engine = Engine::default();
    let text = r#"(module
        (import "env" "f" (func))
        (func $first)
        (func $second (export "second")))"#;
    let module = Module::new(&engine, text).unwrap();
    module.compile_function(2).unwrap();
    let map = engine.code_map();
    let functions: Vec<_> =
        map.arenas[0].objects.iter().filter(|object| object.function.is_some()).collect();
    assert_eq!(functions.len(), 1);
    assert_eq!(functions[0].function, Some(2));
    assert_eq!(functions[0].name.as_deref(), Some("second"));
    assert_eq!(
        (functions[0].tier, functions[0].unit),
        (Some(tierup::Tier::Baseline), module.unit())
    );
    assert_eq!(functions[0].range.start, module.function_code(2).unwrap().address());
    assert!(map.arenas[0].occupied() >= functions[0].range.len());
}
