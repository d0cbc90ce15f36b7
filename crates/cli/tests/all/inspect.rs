//! `inspect`: what is in a module, and what became of it.

use serde_json::Value;

use crate::support::{Scratch, program};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");

/// Its names are what an attacker would choose.
pub(crate) const HOSTILE: &str = r#"
    (module $<b>module</b>
      (import "</script><script>window.injected=1</script>" "\1b[31mred" (func $imported))
      (memory (export "</table><img src=x onerror=window.injected=1>") 1)
      (func (@name "<script>window.injected=1</script>") (export "_start")
        (drop (call 2 (i32.const 5))))
      (func (@name "\"'&\1b[2J\u{202e}<!--") (param i32) (result i32)
        (i32.add (local.get 0) (i32.const 1))))
"#;

/// The same without imports, so that it runs.
pub(crate) fn hostile_program() -> String {
    let import = HOSTILE.lines().find(|line| line.contains("(import")).unwrap();
    HOSTILE.replace(import, "").replace("call 2", "call 1")
}

fn json(scratch: &Scratch, words: &str) -> Value {
    let ended = scratch.run(words);
    ended.with(0, "");
    // What the program printed comes first.
    serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap()
}

#[test]
fn a_module_is_shown_without_running_it() {
    let scratch = Scratch::new();
    let ended = scratch.run(&format!("inspect {EXAMPLES}/wordcount.wasm"));
    ended.with(0, "");
    let text = &ended.stdout;
    for expected in [
        "241 functions, 15 imports, 3 exports\n",
        "\nsections\n  type ",
        "\n  custom `name` ",
        "\nimports\n  wasi_snapshot_preview1.",
        "\nexports\n  memory  memory 17..\n",
        "\n  and 3 more\n",
        "\nfunctions: 81.8 KiB of bodies, 347 B on average\n",
        "\n  all by the baseline compiler ",
    ] {
        assert!(text.contains(expected), "no `{expected}` in {text}");
    }
    assert!(!text.contains("arena"), "{text}");
    assert!(!text.contains('\u{1b}'), "colours are for terminals: {text}");
}

#[test]
fn json_has_what_the_text_has() {
    let scratch = Scratch::new();
    let report = json(&scratch, &format!("inspect --json {EXAMPLES}/wordcount.wasm"));
    let sum = |values: &Value, key: &str| -> u64 {
        values.as_array().unwrap().iter().map(|value| value[key].as_u64().unwrap()).sum()
    };
    // All but the first eight bytes are in a section.
    assert_eq!(sum(&report["sections"], "bytes") + 8, report["bytes"].as_u64().unwrap());
    assert_eq!(report["functions"].as_array().unwrap().len(), 241);
    assert_eq!(sum(&report["functions"], "body_bytes"), report["body_bytes"].as_u64().unwrap());
    assert_eq!(report["functions"][0]["index"], 15);
    assert_eq!(report["imports"][0]["module"], "wasi_snapshot_preview1");
    let estimates = &report["estimates"];
    assert!(estimates["baseline"]["code_bytes"].as_u64() > report["body_bytes"].as_u64());
    assert_eq!(report["run"], Value::Null);
}

#[test]
fn a_run_is_shown_with_its_code() {
    let scratch = Scratch::new();
    let run = "inspect --run -C tier-up-budget=1,compile-threads=0";
    let ended = scratch.run(&format!("{run} {EXAMPLES}/primes.wasm -- 100000"));
    ended.with(0, "");
    let text = &ended.stdout;
    assert!(text.starts_with("9592 primes below 100000\n"), "{text}");
    for expected in [
        "\nrun: exit code 0 after ",
        "\narena 0: 1.00 GiB reserved, ",
        "\nfunctions with code: ",
        "█",
    ] {
        assert!(text.contains(expected), "no `{expected}` in {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() < 200), "{text}");

    let report = json(&scratch, &format!("{run} --json {EXAMPLES}/primes.wasm -- 100000"));
    let run = &report["run"];
    let objects = run["arenas"][0]["objects"].as_array().unwrap();
    let optimized = |object: &&Value| object["tier"] == "optimized" && object["retired"] == false;
    assert_ne!(objects.iter().filter(optimized).count(), 0, "{objects:?}");
    let ends = |object: &Value| object["offset"].as_u64().zip(object["bytes"].as_u64()).unwrap();
    assert!(objects.is_sorted_by(|a, b| ends(a).0 + ends(a).1 <= ends(b).0));
    let happened = |name: &str| -> usize {
        run["events"].as_array().unwrap().iter().filter(|event| event["event"] == name).count()
    };
    let functions = run["functions"].as_array().unwrap().len();
    assert!(functions <= happened("compile"), "{functions} functions, {}", happened("compile"));
    assert_ne!(happened("tier_up"), 0);
    assert!(happened("publish") > happened("compile"), "wrappers are published too");
    assert_ne!(happened("reserve"), 0);
    assert_eq!(run["events_dropped"], 0);
}

#[test]
fn flushes_and_collections_are_recorded() {
    let scratch = Scratch::new();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bench/programs/text.wasm");
    // All of its code and half of its optimized code would need as much.
    let options = "code-memory=160K,tier-up-budget=1000,compile-threads=0";
    let report = json(&scratch, &format!("inspect --run --json -C {options} {program} -- 200"));
    let events = report["run"]["events"].as_array().unwrap();
    let of = |name: &'static str| events.iter().filter(move |event| event["event"] == name);
    assert!(of("flush").any(|event| event["cause"] == "limit"), "{report}");
    assert!(of("collect").any(|event| event["bytes"].as_u64() > Some(0)), "{report}");
    let bytes = |name| of(name).map(|event| event["bytes"].as_u64().unwrap()).sum::<u64>();
    assert!(bytes("free") < bytes("publish"), "{report}");
    assert!(events.is_sorted_by_key(|event| event["at_microseconds"].as_u64()));
}

#[test]
fn the_programs_end_is_that_of_the_command() {
    let scratch = Scratch::with("exits.wat", program("", "(i32.const 7)"))
        .file("traps.wat", r#"(module (func (export "_start") unreachable))"#);
    let ended = scratch.run("inspect --run exits.wat");
    ended.with(7, "");
    assert!(ended.stdout.contains("\nrun: exit code 7 after "), "{ended:#?}");
    let ended = scratch.run("inspect --run traps.wat");
    ended.with(134, "unreachable");
    assert!(ended.stdout.contains("\nrun: trap: "), "{ended:#?}");
    assert!(ended.stdout.contains("\nfunctions with code: 1 of 1\n"), "{ended:#?}");
}

#[test]
fn arguments_are_for_programs_that_run() {
    let scratch = Scratch::with("exits.wat", program("", "(i32.const 0)"));
    scratch.run("inspect exits.wat -- x").with(2, "--run");
    scratch.run("inspect --json --code 0 exits.wat").with(2, "cannot be used with");
    scratch
        .run("inspect --html missing/page.html exits.wat")
        .with(1, "cannot write missing/page.html");
}

/// Two functions of Rust that differ in the hash only, and one of C++ with a long name.
const MANGLED: &str = r#"
    (module
      (func (@name "_ZN3app3run17h0000000000000001E") (export "_start") (call 1) (call 2))
      (func (@name "_ZN3app4helpE"))
      (func (@name "_ZN3app4step17h0000000000000001E"))
      (func (@name "_ZN3app4step17h0000000000000002E"))
      (func (@name "_Z200NAME")))
"#;

#[test]
fn names_are_as_they_were_written_and_raw_in_json() {
    let text = MANGLED.replace("NAME", &"n".repeat(200));
    let scratch = Scratch::with("mangled.wat", text);
    let text = scratch.run("inspect mangled.wat").stdout;
    for expected in ["  0 app::run\n", "  1 app::help\n", "  2 app::step\n", "  3 app::step\n"] {
        assert!(text.contains(expected), "no `{expected}` in {text}");
    }
    assert!(text.contains(&format!("  4 {}…\n", "n".repeat(120))), "{text}");

    let report = json(&scratch, "inspect --json mangled.wat");
    let function = &report["functions"][2];
    assert_eq!(function["name"], "_ZN3app4step17h0000000000000001E");
    assert_eq!(function["demangled_name"], "app::step");

    let listing = scratch.run("inspect --code app::run mangled.wat").stdout;
    assert!(listing.starts_with("function 0 (app::run): "), "{listing}");
    assert!(listing.contains("cell of function 1 (app::help)"), "{listing}");
    let other = scratch.run("inspect --code _ZN3app4step17h0000000000000002E mangled.wat").stdout;
    assert!(other.starts_with("function 3 (app::step): "), "{other}");
    scratch
        .run("inspect --code app::step mangled.wat")
        .with(1, "functions [2, 3] are called `app::step`");

    scratch.run("inspect --run --html page.html mangled.wat").printed("");
    let page = std::fs::read_to_string(scratch.path("page.html")).unwrap();
    assert!(page.contains("app::run") && !page.contains("_ZN3app3run"), "{page}");
}

#[test]
fn names_cannot_command_the_terminal() {
    let scratch = Scratch::with("hostile.wat", HOSTILE);
    for words in ["inspect hostile.wat", "inspect --code 2 hostile.wat"] {
        let ended = scratch.run(words);
        ended.with(0, "");
        let is_bad = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
        assert!(!ended.stdout.contains(is_bad), "{ended:#?}");
        assert!(ended.stdout.contains(r"\u{1b}[2J"), "{ended:#?}");
    }
}

#[test]
fn a_page_loads_nothing_and_escapes_names() {
    let scratch = Scratch::with("hostile.wat", HOSTILE).file("runs.wat", hostile_program());
    for words in ["inspect --html page.html hostile.wat", "inspect --run --html page.html runs.wat"]
    {
        scratch.run(words).printed("");
        let page = std::fs::read_to_string(scratch.path("page.html")).unwrap();
        assert!(page.contains("&lt;img src=x onerror"), "{page}");
        for bad in
            ["<script>window", "<img", "</script><script>w", "http:", "https:", "url(", "@import"]
        {
            assert!(!page.contains(bad), "`{bad}` in {page}");
        }
        assert_eq!(page.matches("<script").count(), 2, "{page}");
    }
}

const CONSTANTS: &str = r#"
    (module
      (func (export "f") (param v128) (result v128)
        (f32x4.add (local.get 0) (v128.const i32x4 0x11223344 0x55667788 0x99aabbcc 0xddeeff00)))
      (func (export "g") (param i32) (result i32)
        (block (block (block (block
          (br_table 0 1 2 3 2 1 (local.get 0)))
          (return (i32.const 10)))
          (return (i32.const 20)))
          (return (i32.const 30)))
        (i32.const 40)))
"#;

#[test]
fn constants_and_jump_tables_are_no_instructions() {
    let scratch = Scratch::with("constants.wat", CONSTANTS);
    for compiler in ["baseline", "optimizing"] {
        let listing = |function: &str| {
            let words = format!("inspect -C compiler={compiler} --code {function} constants.wat");
            scratch.run(&words).stdout
        };
        let text = listing("f");
        let bytes = "44 33 22 11 88 77 66 55 cc bb aa 99 00 ff ee dd\n";
        let (code, data) = text.split_once("\n  data\n").unwrap_or_else(|| panic!("{text}"));
        assert!(data.ends_with(bytes), "{text}");
        assert!(code.contains("  ret"), "{text}");

        let text = listing("g");
        let data = text.split("\n  data\n").nth(1).unwrap_or_else(|| panic!("{text}"));
        let is_data =
            |line: &&str| line.split("  ").last().unwrap().split(' ').all(|byte| byte.len() == 2);
        let bytes: usize = data
            .lines()
            .take_while(is_data)
            .map(|line| line.split("  ").last().unwrap().split(' ').count())
            .sum();
        // The last target of the five is the default's; padding may come before.
        assert!((20..=32).contains(&bytes), "{bytes} bytes of data in {text}");
        assert!(!text.contains("(bad)"), "{text}");
    }
}
