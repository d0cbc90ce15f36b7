//! What `--stats` prints.

use serde_json::Value;

use crate::support::Scratch;

const LIBRARY: &str = r#"
    (module (func (export "add") (param i32 i32) (result i32)
      (i32.add (local.get 0) (local.get 1))))
"#;

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn statistics_for_programs_are_one_object() {
    let scratch = Scratch::with("library.wat", LIBRARY);
    let ended = scratch.run("--stats=json --invoke add library.wat 2 3");
    ended.with(0, "");
    assert_eq!(ended.stdout, "5\n");
    let figures = parse(&ended.stderr);
    assert_eq!(figures["compiles"]["lazy"], 1, "{ended:?}");
    assert_eq!(figures["instances"], 1, "{ended:?}");
    assert_eq!(figures["tier_ups"]["failed"], 0, "{ended:?}");
    assert_eq!(figures["compiles"]["lazy_nanoseconds"]["count"], 1, "{ended:?}");
    assert!(figures["code"]["committed_bytes"].as_u64().unwrap() > 0);
    scratch.run("--stats --invoke add library.wat 2 3").with(0, "compiles.lazy ");
}

#[test]
fn statistics_are_there_after_a_failure() {
    let scratch = Scratch::with("trap.wat", r#"(module (func (export "_start") unreachable))"#);
    let ended = scratch.run("--stats=json trap.wat");
    ended.with(134, "trap: unreachable");
    assert_eq!(parse(ended.stderr.lines().next().unwrap())["traps"], 1);
}

#[test]
fn every_command_that_runs_or_compiles_prints_them() {
    const SCRIPT: &str =
        "(assert_return (invoke \"add\" (i32.const 1) (i32.const 2)) (i32.const 3))";
    let scratch = Scratch::with("library.wat", LIBRARY)
        .file("test.wast", format!("{LIBRARY} {SCRIPT}"))
        .file("script.js", "print(1)");
    for (words, functions) in [
        ("compile --stats=json library.wat", 1),
        ("compile --json --stats=json library.wat", 1),
        ("wast --stats=json test.wast", 1),
        ("js --stats=json script.js", 0),
        ("run --stats=json --invoke add library.wat 2 3", 1),
    ] {
        let ended = scratch.run(words);
        ended.with(0, "");
        let figures = parse(&ended.stderr);
        let compiled = figures["compiles"]["baseline"]["functions"].as_u64();
        assert_eq!(compiled, Some(functions), "{words} {ended:?}");
    }
}

#[test]
fn prometheus_gets_its_format() {
    let scratch = Scratch::with("library.wat", LIBRARY);
    let ended = scratch.run("--stats=prometheus --invoke add library.wat 2 3");
    ended.with(0, "");
    let mut typed = Vec::new();
    for line in ended.stderr.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            typed.extend(rest.strip_prefix("TYPE ").and_then(|rest| rest.split(' ').next()));
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(
            name.starts_with("tierup_") && typed.iter().any(|typed| name.starts_with(typed)),
            "{line}"
        );
    }
    assert!(ended.stderr.contains("\ntierup_compiles_lazy_total 1\n"), "{ended:?}");
    assert!(ended.stderr.contains("\ntierup_compiles_lazy_seconds_count 1\n"), "{ended:?}");
    assert!(!ended.stderr.contains("untyped"), "{ended:?}");
}

#[test]
fn statistics_go_to_a_file_if_one_is_named() {
    let scratch = Scratch::with("library.wat", LIBRARY);
    let run = |file| {
        scratch.run(&format!("--stats=json --stats-file {file} --invoke add library.wat 2 3"))
    };
    run("out.json").printed("5\n");
    let text = std::fs::read_to_string(scratch.path("out.json")).unwrap();
    assert_eq!(parse(&text)["compiles"]["lazy"], 1);
    run("no/such/directory").with(1, "cannot write no/such/directory");
    scratch.run("--stats-file out.text --invoke add library.wat 2 3").printed("5\n");
    let text = std::fs::read_to_string(scratch.path("out.text")).unwrap();
    assert!(text.contains("compiles.lazy "), "{text}");
}
