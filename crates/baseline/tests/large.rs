//! Functions at the limits of what is valid: compiled in time that grows with their size, and
//! always to the same bytes.

mod support;

use std::{fmt::Write, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use tierup_abi::MemoryMode;
use tierup_baseline::Baseline;
use tierup_compile::CompileErrorKind;

/// Processor time that compiling the first function of a text takes.
fn cost(text: &str) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    let module = support::module(text);
    let first = support::compile(&module, 0);
    let start = now();
    let second = support::compile(&module, 0);
    let cost = now() - start;
    assert_eq!(first.bytes, second.bytes);
    assert_eq!(first.tables, second.tables);
    cost
}

/// Four times the input must not take much more than four times as long: quadratic growth would
/// be a factor of 16.
fn assert_linear(make: impl Fn(usize) -> String, count: usize) {
    let small = cost(&make(count));
    let large = cost(&make(4 * count));
    let most = 10 * small + Duration::from_millis(20);
    assert!(large <= most, "{small:?} for {count}, {large:?} for four times as many");
}

#[test]
fn a_branch_table_with_60_000_targets() {
    let table = |count: usize| {
        let mut text = String::from("(module (func (param i32) (result i32)");
        text.push_str("(block (result i32) (block (result i32) (i32.const 5) (br_table ");
        for index in 0..count {
            write!(text, "{} ", index % 2).unwrap();
        }
        text + "0 (local.get 0))) (i32.add (i32.const 1)))))"
    };
    assert_linear(table, 15_000);
}

#[test]
fn fifty_thousand_locals() {
    let locals = |count: usize| {
        let mut text = String::from("(module (func (param i64) (result i64)");
        text.push_str(&format!("(local {})", "i64 ".repeat(count)));
        for index in 1..=count {
            writeln!(text, "(local.set {index} (i64.add (local.get 0) (local.get {})))", index - 1)
                .unwrap();
        }
        text.push_str("i64.const 0 ");
        for index in 1..=count {
            write!(text, "local.get {index} i64.xor ").unwrap();
        }
        text + "))"
    };
    assert_linear(locals, 12_490);
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
    for (open, close) in [
        ("block ", "end "),
        ("loop ", "end "),
        ("local.get 0 if ", "end "),
        ("local.get 0 if else ", "end "),
    ] {
        let nest = |count: usize| {
            format!("(module (func (param i32) {} {}))", open.repeat(count), close.repeat(count))
        };
        assert_linear(nest, 10_000);
    }
}

#[test]
fn deep_nesting_in_unreachable_code() {
    let nest = |count: usize| {
        let (open, close) = ("loop ".repeat(count), "end ".repeat(count));
        format!("(module (func (param i32) unreachable {open} {close}))")
    };
    assert_linear(nest, 100_000);
}

#[test]
fn long_straight_code() {
    let long = |count: usize| {
        let step = "local.get 0 i32.const 3 i32.mul local.get 0 i32.load i32.xor local.set 0 ";
        format!("(module (memory 1) (func (param i32) {}))", step.repeat(count))
    };
    assert_linear(long, 20_000);
}

#[test]
fn what_is_not_supported_says_so() {
    let module = support::module("(module (func (drop (i8x16.splat (i32.const 1)))))");
    let error = support::compile_with(&Baseline::portable(), &module, 0, MemoryMode::Guard);
    let error = error.unwrap_err();
    assert!(matches!(error.kind(), CompileErrorKind::Unsupported { .. }), "{error}");
}
