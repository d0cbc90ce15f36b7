//! Functions at the limits of what is valid: compiled, and in time that grows with their size.

mod support;

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use tierup_abi::{InstanceLayout, MemoryMode};
use tierup_compile::{CompileErrorKind, Compiled, Compiler, Entry, Limits, Request, Settings};
use tierup_compiler_tests::{Growth, compile, module, shapes};
use tierup_wasm::DefinedFunc;

/// Compiles the first function of a text.
fn compiled(text: &str) -> Compiled {
    support::compile(&module(text), 0)
}

fn assert_linear(make: impl Fn(usize) -> String, count: usize) {
    Growth::new(&support::compiler(), Duration::from_millis(100)).assert_linear(make, count);
}

#[test]
fn a_branch_table_with_60_000_targets() {
    assert_linear(shapes::branch_table, 15_000);
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
    assert_linear(shapes::locals, 12_490);
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
    let module = module(text);
    let error = compile(&support::compiler(), &module, 0, MemoryMode::Guard)
        .expect_err("the function is too large");
    assert!(matches!(error.kind(), CompileErrorKind::TooLarge { .. }), "{error}");
}

/// Not deeper where time is compared: in debug builds Cranelift checks its path through the
/// dominator tree at every block, which takes time in the square of the depth.
#[test]
fn deep_nesting() {
    for nesting in shapes::NESTINGS {
        assert_linear(|depth| shapes::nested(nesting, depth), 500);
        compiled(&shapes::nested(nesting, 5_000));
    }
}

#[test]
fn deep_nesting_in_unreachable_code() {
    assert_linear(shapes::nested_unreachable, 100_000);
}

#[test]
fn long_straight_code() {
    assert_linear(shapes::straight, 4_000);
}

#[test]
fn many_branches_and_calls() {
    assert_linear(shapes::branches_and_calls, 1_000);
}

/// Compiles the first function of a text within limits.
fn compiled_within(limits: Limits, text: &str) -> Result<Compiled, CompileErrorKind> {
    let module = module(text);
    let request = Request {
        module: &module,
        layout: &InstanceLayout::new(&module),
        function: DefinedFunc(0),
        entry: Entry::Call,
        settings: &Settings { limits, ..Settings::default() },
    };
    support::compiler().compile(&request).map_err(|error| error.kind().clone())
}

#[test]
fn a_compile_that_takes_too_long_stops_where_it_is() {
    let text = shapes::locals(1_000);
    let error = |time| compiled_within(Limits { time, ..Limits::NONE }, &text).unwrap_err();
    assert_eq!(error(Duration::ZERO), CompileErrorKind::TooLong { phase: "translation" });
    // 30,000 blocks, which take Cranelift a second; it is to stop before its longest phase.
    let text = locals_and_blocks("i32", 100, 10_000);
    let limits = Limits { time: Duration::from_millis(20), ..Limits::NONE };
    let start = Instant::now();
    let error = compiled_within(limits, &text).unwrap_err();
    assert!(matches!(error, CompileErrorKind::TooLong { .. }), "{error:?}");
    let stopped = start.elapsed();
    let start = Instant::now();
    compiled_within(Limits::NONE, &text).unwrap();
    assert!(stopped < start.elapsed(), "{stopped:?}");
}

#[test]
fn a_compile_that_needs_too_much_memory_is_refused() {
    let text = shapes::locals(1_000);
    let within = |memory| compiled_within(Limits { memory, ..Limits::NONE }, &text);
    let limit = "the memory for compiling one function";
    assert_eq!(within(1 << 10).unwrap_err(), CompileErrorKind::TooLarge { limit });
    assert_eq!(within(64 << 20).unwrap().bytes, compiled(&text).bytes);
}
