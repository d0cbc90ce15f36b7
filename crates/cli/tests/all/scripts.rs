//! `tierup wast`.

use crate::support::Scratch;

const GOOD: &str = r#"(module (func (export "seven") (result i32) (i32.const 7)))
(assert_return (invoke "seven") (i32.const 7))
"#;

#[test]
fn the_exit_code_says_whether_all_passed() {
    let bad = GOOD.replace("(i32.const 7))\n", "(i32.const 8))\n");
    let scratch =
        Scratch::with("good.wast", GOOD).file("bad.wast", bad).file("worse.wast", "(modul");
    let good = scratch.run("wast good.wast");
    good.with(0, "");
    assert!(
        good.stdout.starts_with("good.wast: ") && good.stdout.contains(" 0 failed"),
        "{good:?}"
    );
    let both = scratch.run("wast good.wast bad.wast");
    both.with(1, "");
    assert!(both.stdout.contains("good.wast: ") && both.stdout.contains("bad.wast:"), "{both:?}");
    assert!(both.stdout.contains(" 1 failed"), "{both:?}");
    let worse = scratch.run("wast worse.wast");
    assert_eq!(worse.code, Some(1), "{worse:?}");
}

#[test]
fn scripts_pass_with_code_removed_and_with_all_compiled_first() {
    let scratch = Scratch::with("good.wast", GOOD);
    for options in ["--remove-code", "-C lazy=n", "--remove-code -C arena=64K"] {
        scratch.run(&format!("wast {options} good.wast")).with(0, "");
    }
}

/// A time of 0 is over before anything runs: no machine is too slow or too fast for that.
#[test]
fn each_script_is_stopped_when_its_time_is_over() {
    let endless = r#"(module (func (export "loop") (loop (br 0))))
(assert_return (invoke "loop"))
(assert_return (invoke "loop"))
(module (func $start (loop (br 0))) (start $start))
"#;
    let scratch = Scratch::with("endless.wast", endless)
        .file("start.wast", r"(module (func $start (loop (br 0))) (start $start))");
    for time in ["0", "100ms"] {
        let ended = scratch.run(&format!("wast -W timeout={time} endless.wast start.wast"));
        ended.with(1, "");
        assert!(ended.stdout.starts_with("endless.wast:2: interrupted\n"), "{ended:#?}");
        let expected = "endless.wast:3: not run, nor the 1 behind it: the script was interrupted\n\
                        endless.wast: 1 passed, 2 failed, 0 skipped\n\
                        start.wast:1: interrupted";
        assert!(ended.stdout.contains(expected), "{ended:#?}");
    }
    let scratch = Scratch::with("good.wast", GOOD);
    let ended = scratch.run("wast -W timeout=10m good.wast");
    ended.printed("good.wast: 2 passed, 0 failed, 0 skipped\n");
}

#[test]
fn scripts_have_the_limits_of_the_options() {
    let script = r#"(module (memory (export "memory") 1) (table 10 funcref)
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "grow-table") (result i32) (table.grow (ref.null func) (i32.const 1)))
  (func $recurse (export "recurse") (param i32)
    (if (local.get 0) (then (call $recurse (i32.sub (local.get 0) (i32.const 1)))))))
(assert_return (invoke "grow") (i32.const 1))
(assert_return (invoke "grow-table") (i32.const 10))
(assert_return (invoke "recurse" (i32.const 10000)))
(module)
"#;
    let scratch = Scratch::with("limits.wast", script);
    scratch.run("wast limits.wast").with(0, "");
    let rows = [
        ("max-memory-size=64K", "limits.wast:6: returned"),
        ("max-table-elements=10", "limits.wast:7: returned"),
        ("max-wasm-stack=64K", "limits.wast:8: call stack exhausted"),
        ("max-instances=1", "limits.wast:9: "),
    ];
    for (option, message) in rows {
        let ended = scratch.run(&format!("wast -W {option} limits.wast"));
        ended.with(1, "");
        assert!(ended.stdout.starts_with(message), "{option}: {ended:#?}");
        assert!(ended.stdout.contains(" 1 failed"), "{option}: {ended:#?}");
    }
}
