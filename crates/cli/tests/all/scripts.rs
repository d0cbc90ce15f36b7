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
