//! Functions at the limits of what is valid: compiled in time that grows with their size.

use std::time::Duration;

use tierup_abi::MemoryMode;
use tierup_baseline::Baseline;
use tierup_compile::CompileErrorKind;
use tierup_compiler_tests::{Growth, compile, module, shapes};

fn assert_linear(make: impl Fn(usize) -> String, count: usize) {
    Growth::new(&Baseline::new(), Duration::from_millis(20)).assert_linear(make, count);
}

#[test]
fn a_branch_table_with_60_000_targets() {
    assert_linear(shapes::branch_table, 15_000);
}

#[test]
fn fifty_thousand_locals() {
    assert_linear(shapes::locals, 12_490);
}

#[test]
fn many_operands_that_are_locals_which_change() {
    let operands = |count: usize| {
        let step = "local.get 3 local.get 4 local.get 5 local.get 6 local.set 3 local.get 0 ";
        let drops = "drop ".repeat(4 * count);
        format!(
            "(module (func (param i64) (local {}) {} {drops}))",
            "i64 ".repeat(10),
            step.repeat(count)
        )
    };
    assert_linear(operands, 5_000);
}

#[test]
fn many_calls_below_many_operands() {
    let operands = |count: usize| {
        let (gets, calls) = ("local.get 0 ".repeat(count), "call 0 ".repeat(count));
        let drops = "drop ".repeat(count);
        format!(
            "(module (func (param i32) {gets} i32.const 1 call 1 {drops}) \
                 (func (param i32) {gets} i32.const 1 {calls} unreachable))"
        )
        .replace("call 0", "i32.const 1 call 0")
    };
    assert_linear(operands, 5_000);
}

#[test]
fn deep_nesting() {
    for nesting in shapes::NESTINGS {
        assert_linear(|depth| shapes::nested(nesting, depth), 10_000);
    }
}

#[test]
fn deep_nesting_in_unreachable_code() {
    assert_linear(shapes::nested_unreachable, 100_000);
}

#[test]
fn long_straight_code() {
    assert_linear(shapes::straight, 20_000);
}

#[test]
fn many_branches_and_calls() {
    assert_linear(shapes::branches_and_calls, 10_000);
}

#[test]
fn fifty_thousand_vectors() {
    let locals = |count: usize| {
        let mut text = String::from("(module (func (param v128) (result v128)");
        text.push_str(&format!("(local {})", "v128 ".repeat(count)));
        for index in 1..=count {
            let last = index - 1;
            text.push_str(&format!(
                "(local.set {index} (i8x16.add (local.get {last}) (local.get 0)))\n"
            ));
        }
        text.push_str(&"local.get 1 ".repeat(count));
        text.push_str(&"v128.xor ".repeat(count - 1));
        text + "))"
    };
    assert_linear(locals, 12_490);
}

#[test]
fn many_different_constants() {
    let constants = |count: usize| {
        let mut text = String::from("(module (func (param v128) (result v128) (local.get 0)");
        for index in 0..count {
            text.push_str(&format!("v128.const i32x4 1 2 3 {index} v128.xor\n"));
        }
        text + "))"
    };
    assert_linear(constants, 10_000);
}

/// Branches with 1,000 values each, so that a small body asks for much code.
#[test]
fn more_moves_than_a_limit_are_refused() {
    let compile = |count| {
        let results = "i32 ".repeat(1000);
        let values = "local.get 0 ".repeat(1000);
        let branches = "local.get 0 br_if 0 ".repeat(count);
        let module = module(&format!(
            "(module (func (param i32) (block (result {results}) {values} {branches}) unreachable))"
        ));
        compile(&Baseline::portable(), &module, 0, MemoryMode::Guard)
    };
    assert!(compile(2000).is_ok());
    let error = compile(4500).unwrap_err();
    assert!(matches!(error.kind(), CompileErrorKind::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("moving that many values"), "{error}");
}
