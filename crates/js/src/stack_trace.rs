//! Stacks with frames of Wasm and JavaScript in order.
//!
//! QuickJS lists its own frames, and among them one for each exported function that was called:
//!
//! ```text
//!   trap ◄── wasm 7 ◄── wasm 3 ◄── [3 (native)] ◄── script ◄── wasm 9 ◄── [9 (native)] ◄── script
//!            └─── entry 0 ───┘                                 entry 1
//! ```
//!
//! So the frames of the n-th entry take the place of the n-th such line. Start functions are
//! entered without such a line: the state knows which entries run one.
#![forbid(unsafe_code)]

use rquickjs::{Result, Value};
use tierup::Backtrace;

use crate::{define::define_hidden, state::State};

/// Puts Wasm's frames into the stack of an error that was just made.
pub(crate) fn add_wasm_frames(
    state: &State,
    error: &Value<'_>,
    backtrace: &Backtrace,
) -> Result<()> {
    let Some(object) = error.as_object() else { return Ok(()) };
    let stack: Value<'_> = object.get("stack")?;
    // A script's `Error.prepareStackTrace` may have made something else of it.
    let Some(stack) = stack.as_string() else { return Ok(()) };
    let depth = state.entries.get();
    let starts = state.start_entries.borrow();
    let has_line = |entry: usize| !starts.contains(&(depth - entry.min(depth)));
    define_hidden(object, "stack", merge(&stack.to_string()?, backtrace, has_line))
}

fn merge(stack: &str, backtrace: &Backtrace, has_line: impl Fn(usize) -> bool) -> String {
    let frames: Vec<_> = backtrace
        .frames()
        .iter()
        .map(|frame| (frame.entry() as usize, frame.to_string()))
        .collect();
    merge_lines(stack, &frames, has_line)
}

/// `frames` are sorted by entry.
fn merge_lines(
    stack: &str,
    frames: &[(usize, String)],
    has_line: impl Fn(usize) -> bool,
) -> String {
    let entries = frames.last().map_or(0, |(entry, _)| entry + 1);
    let mut merged = String::new();
    let mut next = 0;
    let write = |merged: &mut String, entry: usize| {
        for (_, frame) in frames.iter().filter(|(of, _)| *of == entry) {
            merged.push_str(&format!("    at {frame}\n"));
        }
    };
    for line in stack.lines() {
        while next < entries && !has_line(next) {
            write(&mut merged, next);
            next += 1;
        }
        if next < entries && is_exported_function(line) {
            write(&mut merged, next);
            next += 1;
        } else {
            merged.push_str(line);
            merged.push('\n');
        }
    }
    // QuickJS keeps a few frames only.
    (next..entries).for_each(|entry| write(&mut merged, entry));
    merged
}

/// Exported functions have numbers as names, unless a script has given them others.
fn is_exported_function(line: &str) -> bool {
    let name = line.strip_prefix("    at ").and_then(|rest| rest.strip_suffix(" (native)"));
    name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::merge_lines;

    const STACK: &str = "    at 3 (native)\n    at f (a.js:1:2)\n    at 9 (native)\n    at g\n";

    fn frames(frames: &[(usize, &str)]) -> Vec<(usize, String)> {
        frames.iter().map(|&(entry, frame)| (entry, frame.to_owned())).collect()
    }

    #[test]
    fn frames_take_the_place_of_their_entries() {
        let frames = frames(&[(0, "w7"), (0, "w3"), (1, "w9")]);
        let merged = merge_lines(STACK, &frames, |_| true);
        assert_eq!(merged, "    at w7\n    at w3\n    at f (a.js:1:2)\n    at w9\n    at g\n");
    }

    #[test]
    fn entries_without_a_line_come_before_the_next() {
        let frames = frames(&[(0, "start"), (1, "w3"), (2, "w9")]);
        let merged = merge_lines(STACK, &frames, |entry| entry != 0);
        assert_eq!(merged, "    at start\n    at w3\n    at f (a.js:1:2)\n    at w9\n    at g\n");
    }

    #[test]
    fn nothing_is_lost_when_the_stack_was_cut() {
        let merged = merge_lines("", &frames(&[(0, "w7"), (1, "w9")]), |_| true);
        assert_eq!(merged, "    at w7\n    at w9\n");
    }
}
