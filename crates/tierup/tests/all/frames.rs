//! Frames of several MiB: they fit, or they are a stack overflow like any other.

use std::{fmt::Write, thread};

use tierup::{CompilerStrategy, Engine, Error, TrapKind};

use crate::support::{engine_with, instance_of, run_i32, trap_kind};

/// Operands at once, each 8 bytes of the frame.
const OPERANDS: i32 = 400_000;

fn engine(stack: usize) -> Engine {
    engine_with(|config| {
        config.strategy(CompilerStrategy::Baseline).max_wasm_stack(stack);
    })
}

/// On a thread with so much stack, 400,000 times the parameter, by adding it up. Some operands
/// are computed, so that the call in the middle finds them in registers.
fn large_sum(engine: &Engine, stack: usize) -> Result<i32, Error> {
    let mut text = String::from("(module (func $id (param i32) (result i32) local.get 0)");
    text.push_str("(func (export \"sum\") (param i32) (result i32) ");
    for index in 0..OPERANDS - 1 {
        match index % 1000 {
            0 => text.push_str("local.get 0 i32.const 0 i32.sub "),
            _ => text.push_str("local.get 0 "),
        }
    }
    text.push_str("(call $id (local.get 0)) ");
    for _ in 1..OPERANDS {
        text.push_str("i32.add ");
    }
    writeln!(text, "))").unwrap();
    thread::scope(|scope| {
        let work = || {
            let (mut store, instance) = instance_of(engine, &text);
            run_i32(&mut store, instance, ("sum", 3))
        };
        let thread = thread::Builder::new().stack_size(stack).spawn_scoped(scope, work);
        thread.unwrap().join().unwrap()
    })
}

#[test]
fn a_frame_of_3_mib_has_its_slots() {
    let engine = engine(16 << 20);
    assert_eq!(large_sum(&engine, 24 << 20).unwrap(), 3 * OPERANDS);
    assert_eq!(engine.bailouts(), []);
}

#[test]
fn a_frame_larger_than_the_limit_overflows() {
    let engine = engine(1 << 20);
    // The stack has room, but Wasm may not use it.
    assert_eq!(trap_kind(large_sum(&engine, 24 << 20)), TrapKind::StackOverflow);
    // The stack ends within the frame.
    assert_eq!(trap_kind(large_sum(&engine, 2 << 20)), TrapKind::StackOverflow);
    assert_eq!(engine.bailouts(), []);
}
