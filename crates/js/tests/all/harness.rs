//! Runs the scripts, each in a realm of its own.

use std::{fs, path::Path};

use rquickjs::{Ctx, Function, TypedArray, Value};
use tierup::{CompilerStrategy, Config, Engine};
use tierup_js::Realm;

/// Runs all scripts on engines of that configuration.
fn run_all(mode: &str, configure: impl Fn(&mut Config)) {
    run_with(mode, configure, Between::Nothing);
}

/// What happens between any two things that a test looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Between {
    Nothing,
    Flush,
    Collect,
}

fn run_with(mode: &str, configure: impl Fn(&mut Config), between: Between) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api");
    let harness = fs::read_to_string(folder.join("harness.js")).unwrap();
    let mut scripts: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.retain(|path| !path.ends_with("harness.js"));
    scripts.sort();
    assert!(scripts.len() >= 9, "the scripts are there");
    let (mut passed, mut failures) = (0, Vec::new());
    for script in scripts {
        let mut config = Config::new();
        configure(&mut config);
        let name = script.file_name().unwrap().to_str().unwrap();
        for (test, problem) in run(&Engine::new(&config).unwrap(), (&harness, &script), between) {
            match problem.as_str() {
                "" => passed += 1,
                _ => failures.push(format!("{name}: {test}: {problem}")),
            }
        }
    }
    println!("{mode}: {passed} tests of the JavaScript API passed, {} failed", failures.len());
    assert!(failures.is_empty(), "in mode {mode}:\n{}", failures.join("\n"));
}

fn run(
    engine: &Engine,
    (harness, script): (&str, &Path),
    between: Between,
) -> Vec<(String, String)> {
    let realm = Realm::new(engine).unwrap();
    realm
        .call(|ctx| {
            let wat: Function<'_> = Function::new(ctx.clone(), binary)?;
            ctx.globals().set("wat", wat)?;
            realm.install_gc(ctx)?;
            let engine = engine.clone();
            match between {
                Between::Nothing => Ok(()),
                Between::Collect => ctx.eval("globalThis.between = gc"),
                Between::Flush => {
                    let flush = move || engine.remove_code().functions as f64;
                    ctx.globals().set("between", Function::new(ctx.clone(), flush)?)
                }
            }
        })
        .unwrap();
    realm.eval("harness.js", harness).unwrap();
    let source = fs::read_to_string(script).unwrap();
    // A script of its own scope, so that its names are free.
    let name = script.file_name().unwrap().to_str().unwrap();
    realm.eval(name, &format!("{{{source}}}")).unwrap();
    realm.run_jobs().unwrap();
    let results = realm.call(|ctx| ctx.globals().get::<_, Vec<Vec<String>>>("results")).unwrap();
    assert!(!results.is_empty(), "{name} has tests");
    results.into_iter().map(|result| (result[0].clone(), result[1].clone())).collect()
}

/// A module's text in binary form.
fn binary(ctx: Ctx<'_>, text: String) -> rquickjs::Result<Value<'_>> {
    let bytes = wat::parse_str(text).unwrap();
    TypedArray::<u8>::new(ctx, bytes).map(TypedArray::into_value)
}

#[test]
fn lazily() {
    run_all("lazy", |_| {});
}

#[test]
fn eagerly() {
    run_all("eager", |config| {
        config.lazy(false);
    });
}

#[test]
fn in_baseline_code() {
    run_all("baseline", |config| {
        config.strategy(CompilerStrategy::Baseline);
    });
}

#[test]
fn tiered_with_a_budget_of_one() {
    run_all("tiered with budget 1", |config| {
        config.strategy(CompilerStrategy::Tiered).tier_up_budget(1).compile_threads(0);
    });
}

#[test]
fn with_explicit_bounds() {
    run_all("explicit bounds", |config| {
        config.memory_mode(tierup::MemoryMode::Explicit);
    });
}

#[test]
fn with_all_code_removed_between_calls() {
    run_with("flushed between calls", |_| {}, Between::Flush);
}

#[test]
fn with_garbage_collected_between_calls() {
    run_with("collected between calls", |_| {}, Between::Collect);
}
