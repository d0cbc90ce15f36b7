//! Functions of a size that is asked for, at the limits of what is valid, as text.

use std::fmt::Write;

/// A `br_table` with that many targets, of two blocks.
pub fn branch_table(targets: usize) -> String {
    let mut text = String::from("(module (func (param i32) (result i32)");
    text.push_str("(block (result i32) (block (result i32) (i32.const 5) (br_table ");
    for index in 0..targets {
        write!(text, "{} ", index % 2).unwrap();
    }
    text + "0 (local.get 0))) (i32.add (i32.const 1)))))"
}

/// That many locals, each made from the one before it and used at the end.
pub fn locals(count: usize) -> String {
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
}

/// What opens and closes a nesting.
pub const NESTINGS: [(&str, &str); 4] = [
    ("block ", "end "),
    ("loop ", "end "),
    ("local.get 0 if ", "end "),
    ("local.get 0 if else ", "end "),
];

/// Nested that deep.
pub fn nested((open, close): (&str, &str), depth: usize) -> String {
    format!("(module (func (param i32) {} {}))", open.repeat(depth), close.repeat(depth))
}

/// Loops nested that deep where no execution gets to.
pub fn nested_unreachable(depth: usize) -> String {
    let (open, close) = ("loop ".repeat(depth), "end ".repeat(depth));
    format!("(module (func (param i32) unreachable {open} {close}))")
}

/// That many steps without a branch.
pub fn straight(steps: usize) -> String {
    let step = "local.get 0 i32.const 3 i32.mul local.get 0 i32.load i32.xor local.set 0 ";
    format!("(module (memory 1) (func (param i32) {}))", step.repeat(steps))
}

/// That many times a branch with a call behind it.
pub fn branches_and_calls(count: usize) -> String {
    let step = "local.get 0 if local.get 0 call 0 local.set 0 end ";
    format!("(module (func (param i32) (result i32) {} local.get 0))", step.repeat(count))
}
