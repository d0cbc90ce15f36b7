//! Functions at the limits of what is valid: compiled, and in time that grows with their size.

mod support;

use std::{fmt::Write, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use tierup_abi::MemoryMode;
use tierup_compile::{CompileErrorKind, Compiled};
use tierup_optimize::Optimizing;

/// Compiles the first function of a text.
fn compiled(text: &str) -> Compiled {
    support::compile(&support::module(text), 0)
}

/// Processor time that compiling the first function of a text takes.
fn cost(text: &str) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    let module = support::module(text);
    support::compile(&module, 0);
    let start = now();
    support::compile(&module, 0);
    now() - start
}

/// Four times the input must not take much more than four times as long: quadratic growth would
/// be a factor of 16.
fn assert_linear(make: impl Fn(usize) -> String, count: usize) {
    let small = cost(&make(count));
    let large = cost(&make(4 * count));
    let most = 10 * small + Duration::from_millis(100);
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
fn a_branch_table_into_a_loop_that_changes_many_locals() {
    let table = |count: usize| {
        let mut text = format!("(module (func (param i32) (local {})", "i32 ".repeat(200));
        text.push_str("(loop $again ");
        for index in 1..=200 {
            write!(text, "(local.set {index} (i32.add (local.get {index}) (local.get 0)))")
                .unwrap();
        }
        format!("{text} (br_table {} $again (local.get 0)))))", "0 ".repeat(count))
    };
    assert_linear(table, 4_000);
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
        text.push_str("(if (i64.eqz (local.get 0)) (then (return (i64.const 0))))\n");
        text.push_str("i64.const 0 ");
        for index in 1..=count {
            write!(text, "local.get {index} i64.xor ").unwrap();
        }
        text + "))"
    };
    assert_linear(locals, 12_490);
}

/// A function with that many locals and about three times as many blocks as `ifs`.
fn locals_and_blocks(local: &str, locals: usize, ifs: usize) -> String {
    let locals = format!("{local} ").repeat(locals);
    let ifs = "local.get 0 if nop end ".repeat(ifs);
    format!("(module (func (param i32) (local {locals}) {ifs}))")
}

#[test]
fn locals_beyond_the_budget_lie_in_the_frame() {
    let few_blocks = compiled(&locals_and_blocks("i32", 45_000, 900));
    let many_blocks = compiled(&locals_and_blocks("i32", 49_000, 1_000));
    assert!(few_blocks.frame_size < 64);
    // 2^27 / 3,000 of them are variables; the others are set to 0 in the frame.
    assert!(many_blocks.frame_size > (49_000 - 44_740) * 16);
}

#[test]
fn too_many_references_and_blocks_are_refused() {
    assert_too_large(&locals_and_blocks("externref", 49_000, 1_000));
}

#[test]
fn too_many_moved_values_are_refused() {
    let thousand = "i32 ".repeat(1_000);
    let ty = format!("(type $t (func (param {thousand}) (result {thousand})))");
    let calls = "call 0 ".repeat(20_000);
    let zeros = "i32.const 0 ".repeat(1_000);
    let branches = "local.get 0 br_if 0 ".repeat(20_000);
    assert_too_large(&format!("(module {ty} (func (type $t) {zeros} {calls}))"));
    assert_too_large(&format!("(module {ty} (func (type $t) {zeros} {branches}))"));
}

fn assert_too_large(text: &str) {
    let module = support::module(text);
    let compiler = Optimizing::new().expect("the machine is supported");
    let error = support::compile_with(&compiler, &module, 0, MemoryMode::Guard)
        .expect_err("the function is too large");
    assert!(matches!(error.kind(), CompileErrorKind::TooLarge { .. }), "{error}");
}

/// Not deeper where time is compared: in debug builds Cranelift checks its path through the
/// dominator tree at every block, which takes time in the square of the depth.
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
        assert_linear(nest, 500);
        compiled(&nest(5_000));
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
    assert_linear(long, 4_000);
}

#[test]
fn many_branches_and_calls() {
    let many = |count: usize| {
        let step = "local.get 0 if local.get 0 call 0 local.set 0 end ";
        format!("(module (func (param i32) (result i32) {} local.get 0))", step.repeat(count))
    };
    assert_linear(many, 1_000);
}
