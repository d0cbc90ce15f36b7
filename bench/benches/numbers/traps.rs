//! From a trap in Wasm to the error in the host's hand, with its backtrace.
#![forbid(unsafe_code)]

use std::hint::black_box;

use tierup::{Config, Engine, Instance, Linker, Module, Store};
use tierup_bench::{Row, Samples, Table, Unit, nanoseconds};

use crate::Outcome;

const SAMPLES: Samples = Samples { samples: 51, operations: 2_000 };

const TEXT: &str = r#"
    (module
      (memory 1)
      (func $unreachable (export "unreachable") unreachable)
      (func (export "load") (drop (i32.load (i32.const -4))))
      (func (export "builtin") (memory.fill (i32.const -4) (i32.const 0) (i32.const 8)))
      (func $deep (export "deep") (param $depth i32)
        (if (i32.eqz (local.get $depth)) (then (call $unreachable)))
        (call $deep (i32.sub (local.get $depth) (i32.const 1)))))
"#;

pub(crate) fn run(table: &mut Table) -> Outcome {
    let engine = Engine::new(&Config::new())?;
    let module = Module::new(&engine, TEXT)?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module)?;
    for (what, name, limit) in [
        (
            "trap and return to the host, with backtrace: `unreachable`, by signal",
            "unreachable",
            true,
        ),
        ("the same: load beyond the memory, by signal", "load", true),
        ("the same: `memory.fill` beyond the memory, by builtin", "builtin", true),
    ] {
        let row = Row::new(what, Unit::Microseconds, trap(&mut store, instance, name)?);
        table.add(if limit { row.at_most(3.0) } else { row });
    }
    let deep = instance.typed_func::<i32, ()>(&mut store, "deep")?;
    let time = nanoseconds(SAMPLES, |count| {
        for _ in 0..count {
            let _ = black_box(deep.call(&mut store, 18));
        }
    });
    let what = "the same: `unreachable` below 20 frames";
    table.add(Row::new(what, Unit::Microseconds, time / 1e3));
    Ok(())
}

/// Microseconds of a call that traps.
fn trap(store: &mut Store<()>, instance: Instance, name: &str) -> Outcome<f64> {
    let function = instance.typed_func::<(), ()>(&mut *store, name)?;
    let Err(error) = function.call(&mut *store, ()) else { return Err("it does not trap".into()) };
    let frames = error.trap().map_or(0, |trap| trap.backtrace().frames().len());
    if frames != 1 {
        return Err(format!("{name} has {frames} frames").into());
    }
    let time = nanoseconds(SAMPLES, |count| {
        for _ in 0..count {
            let _ = black_box(function.call(&mut *store, ()));
        }
    });
    Ok(time / 1e3)
}
