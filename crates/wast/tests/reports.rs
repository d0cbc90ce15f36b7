//! What a report says of scripts that are right, wrong, or no scripts.

use tierup::{Config, Engine};
use tierup_wast::{Between, Options, Report, Runner, run};

fn report(script: &str) -> Report {
    let engine = Engine::new(&Config::new()).expect("the machine is one that we support");
    run(&engine, script, Between::Nothing)
}

/// The lines that failed.
fn failed(script: &str) -> Vec<usize> {
    report(script).failed.iter().map(|failure| failure.line).collect()
}

/// A module that gives back what it is given.
const IDENTITIES: &str = r#"(module
    (func (export "i32") (param i32) (result i32) (local.get 0))
    (func (export "f32") (param i32) (result f32) (f32.reinterpret_i32 (local.get 0)))
    (func (export "f64") (param i64) (result f64) (f64.reinterpret_i64 (local.get 0)))
    (func (export "v128") (param v128) (result v128) (local.get 0))
    (func (export "funcref") (result funcref) (ref.func 0))
    (func (export "externref") (param externref) (result externref) (local.get 0))
    (func (export "two") (result i32 i64) (i32.const 1) (i64.const 2))
    (func (export "trap") (unreachable))
    (func (export "recurse") (call 8)))"#;

/// Whether an assertion on [`IDENTITIES`] holds.
fn holds(assertion: &str) -> bool {
    let report = report(&format!("{IDENTITIES}\n{assertion}"));
    assert_eq!((report.passed + report.failed.len(), report.skipped), (2, 0), "{assertion}");
    report.failed.is_empty()
}

#[test]
fn numbers_are_compared_by_bits() {
    assert!(holds(r#"(assert_return (invoke "i32" (i32.const 5)) (i32.const 5))"#));
    assert!(!holds(r#"(assert_return (invoke "i32" (i32.const 5)) (i32.const 6))"#));
    assert!(!holds(r#"(assert_return (invoke "i32" (i32.const 5)) (i64.const 5))"#));
    assert!(!holds(r#"(assert_return (invoke "i32" (i32.const 5)))"#));
    assert!(holds(r#"(assert_return (invoke "f32" (i32.const 0x80000000)) (f32.const -0))"#));
    assert!(!holds(r#"(assert_return (invoke "f32" (i32.const 0)) (f32.const -0))"#));
    assert!(holds(r#"(assert_return (invoke "two") (i32.const 1) (i64.const 2))"#));
    assert!(!holds(r#"(assert_return (invoke "two") (i32.const 1))"#));
}

#[test]
fn nan_patterns() {
    for (bits, canonical, arithmetic) in [
        ("0x7fc00000", true, true),
        ("0xffc00000", true, true),
        ("0x7fc00001", false, true),
        ("0x7f800001", false, false),
        ("0x7f800000", false, false),
    ] {
        let call = format!(r#"(invoke "f32" (i32.const {bits}))"#);
        let canonical_holds = holds(&format!("(assert_return {call} (f32.const nan:canonical))"));
        let arithmetic_holds = holds(&format!("(assert_return {call} (f32.const nan:arithmetic))"));
        assert_eq!((canonical_holds, arithmetic_holds), (canonical, arithmetic), "{bits}");
    }
    for (bits, canonical, arithmetic) in [
        ("0x7ff8000000000000", true, true),
        ("0xfff8000000000000", true, true),
        ("0x7ff8000000000001", false, true),
        ("0x7ff0000000000001", false, false),
    ] {
        let call = format!(r#"(invoke "f64" (i64.const {bits}))"#);
        let canonical_holds = holds(&format!("(assert_return {call} (f64.const nan:canonical))"));
        let arithmetic_holds = holds(&format!("(assert_return {call} (f64.const nan:arithmetic))"));
        assert_eq!((canonical_holds, arithmetic_holds), (canonical, arithmetic), "{bits}");
    }
}

#[test]
fn vectors_are_compared_by_lane() {
    // A canonical NaN, 0, an arithmetic NaN, and 1.
    let lanes = "i32x4 0x7fc00000 0 0x7fc00001 0x3f800000";
    let call = format!(r#"(invoke "v128" (v128.const {lanes}))"#);
    for (pattern, expected) in [
        ("f32x4 nan:canonical 0 nan:arithmetic 1", true),
        ("f32x4 nan:canonical 0 nan:canonical 1", false),
        ("f32x4 nan:canonical 0 nan:arithmetic 2", false),
        ("i32x4 0x7fc00000 0 0x7fc00001 0x3f800000", true),
        ("i64x2 0x7fc00000 0x3f8000007fc00001", true),
        ("i64x2 0x7fc00000 0x3f8000007fc00002", false),
        ("i16x8 0 0x7fc0 0 0 1 0x7fc0 0 0x3f80", true),
        ("i8x16 0 0 0xc0 0x7f 0 0 0 0 1 0 0xc0 0x7f 0 0 0x80 0x3f", true),
        ("i8x16 0 0 0xc0 0x7f 0 0 0 0 1 0 0xc0 0x7f 0 0 0x80 0x3e", false),
    ] {
        let assertion = format!("(assert_return {call} (v128.const {pattern}))");
        assert_eq!(holds(&assertion), expected, "{pattern}");
    }
}

#[test]
fn references() {
    assert!(holds(r#"(assert_return (invoke "funcref") (ref.func))"#));
    assert!(!holds(r#"(assert_return (invoke "funcref") (ref.null func))"#));
    let call = |argument| format!(r#"(invoke "externref" {argument})"#);
    for (argument, result, expected) in [
        ("(ref.extern 7)", "(ref.extern 7)", true),
        ("(ref.extern 7)", "(ref.extern 8)", false),
        ("(ref.extern 7)", "(ref.extern)", true),
        ("(ref.extern 7)", "(ref.null extern)", false),
        ("(ref.null extern)", "(ref.null extern)", true),
        ("(ref.null extern)", "(ref.null)", true),
        ("(ref.null extern)", "(ref.null func)", false),
        ("(ref.null extern)", "(ref.extern)", false),
    ] {
        let assertion = format!("(assert_return {} {result})", call(argument));
        assert_eq!(holds(&assertion), expected, "{assertion}");
    }
}

#[test]
fn either_of_several_results() {
    let call = r#"(invoke "i32" (i32.const 5))"#;
    assert!(holds(&format!("(assert_return {call} (either (i32.const 4) (i32.const 5)))")));
    assert!(!holds(&format!("(assert_return {call} (either (i32.const 4) (i32.const 6)))")));
}

#[test]
fn traps_have_the_right_message() {
    assert!(holds(r#"(assert_trap (invoke "trap") "unreachable")"#));
    assert!(holds(r#"(assert_trap (invoke "trap") "unreachable executed")"#));
    assert!(!holds(r#"(assert_trap (invoke "trap") "integer overflow")"#));
    assert!(!holds(r#"(assert_trap (invoke "two") "unreachable")"#));
    assert!(!holds(r#"(assert_return (invoke "trap"))"#));
    assert!(!holds(r#"(invoke "trap")"#));
    assert!(holds(r#"(assert_exhaustion (invoke "recurse") "call stack exhausted")"#));
    assert!(!holds(r#"(assert_exhaustion (invoke "trap") "call stack exhausted")"#));
    let start = "(module (func unreachable) (start 0))";
    assert!(holds(&format!(r#"(assert_trap {start} "unreachable")"#)));
}

#[test]
fn modules_must_be_refused() {
    assert!(holds(r#"(assert_invalid (module (func (result i32))) "type mismatch")"#));
    assert!(!holds(r#"(assert_invalid (module (func)) "type mismatch")"#));
    assert!(holds(r#"(assert_malformed (module binary "\00asm") "unexpected end")"#));
    assert!(!holds(r#"(assert_malformed (module binary "\00asm\01\00\00\00") "unexpected end")"#));
    assert!(holds(r#"(assert_malformed (module quote "(func") "unexpected end")"#));
    assert!(holds(
        r#"(assert_unlinkable (module (import "spectest" "nothing" (func))) "unknown import")"#
    ));
    assert!(holds(
        r#"(assert_unlinkable (module (import "spectest" "print" (func (param i32))))
            "incompatible import type")"#
    ));
    assert!(!holds(
        r#"(assert_unlinkable (module (import "spectest" "print" (func))) "unknown import")"#
    ));
    assert!(!holds(
        r#"(assert_unlinkable (module (func unreachable) (start 0)) "unknown import")"#
    ));
}

#[test]
fn instances_have_names() {
    let script = r#"
        (module definition $counter
            (global (export "count") (mut i32) (i32.const 0))
            (func (export "next") (global.set 0 (i32.add (global.get 0) (i32.const 1)))))
        (module instance $a $counter)
        (module instance $b $counter)
        (invoke $a "next")
        (register "a" $a)
        (module (import "a" "count" (global (mut i32)))
            (func (export "get") (result i32) (global.get 0)))
        (assert_return (invoke "get") (i32.const 1))
        (assert_return (get $a "count") (i32.const 1))
        (assert_return (get $b "count") (i32.const 0))
        (register "a" $b)
        (module (import "a" "count" (global (mut i32)))
            (func (export "get") (result i32) (global.get 0)))
        (assert_return (invoke "get") (i32.const 0))
    "#;
    let report = report(script);
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    assert_eq!(report.passed, 12);
}

#[test]
fn failures_have_lines_and_stop_nothing() {
    let script = r#"(module (func (export "f")))
        (invoke "g")
        (module (func (result i32)))
        (invoke "f")
        (module $other (func (export "f")))
        (invoke "f")
        (invoke $nobody "f")"#;
    assert_eq!(failed(script), [2, 3, 4, 7]);
}

#[test]
fn what_is_no_script_is_one_failure() {
    let report = report("(module)\n(assert_nonsense)");
    assert_eq!((report.passed, report.failed.len()), (0, 1));
    assert_eq!(report.failed[0].line, 2);
    assert!(report.failed[0].message.starts_with("not a script"), "{:?}", report.failed);
}

#[test]
fn removing_code_between_directives_changes_nothing() {
    let engine = Engine::new(&Config::new()).unwrap();
    let script = format!(
        "{IDENTITIES}
        (assert_return (invoke \"i32\" (i32.const 5)) (i32.const 5))
        (assert_trap (invoke \"trap\") \"unreachable\")
        (assert_return (invoke \"i32\" (i32.const 6)) (i32.const 6))"
    );
    let report = run(&engine, &script, Between::RemoveCode);
    assert_eq!((report.passed, report.failed), (4, Vec::new()));
}

#[test]
fn an_interrupted_script_ends() {
    let engine = Engine::new(&Config::new()).expect("the machine is one that we support");
    let runner = Runner::new(&engine, Options::default()).expect("there is memory");
    // What runs next is interrupted.
    runner.interrupt_handle().interrupt();
    let report = runner.run(
        r#"(module (func (export "loop") (loop (br 0))))
        (assert_trap (invoke "loop") "interrupted")
        (assert_return (invoke "loop"))
        (assert_return (invoke "loop"))"#,
    );
    assert_eq!(report.passed, 2, "{report:?}");
    let [failure] = &report.failed[..] else { panic!("{report:?}") };
    let expected = "not run, nor the 1 behind it: the script was interrupted";
    assert_eq!((failure.line, failure.message.as_str()), (3, expected));
}
