//! From the host into Wasm and back, with static types.
#![forbid(unsafe_code)]

use std::hint::black_box;

use tierup::{Config, Engine, Linker, Module, Store};
use tierup_bench::{Row, Samples, Table, Unit, nanoseconds};

use crate::Outcome;

const SAMPLES: Samples = Samples { samples: 51, operations: 200_000 };

const TEXT: &str = r#"
    (module
      (import "env" "host" (func $host (param i32 i32) (result i32)))
      (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
      (func (export "nop"))
      (func (export "call_host") (param $count i32)
        (loop $again
          (drop (call $host (local.get $count) (i32.const 1)))
          (br_if $again
            (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))))
"#;

pub(crate) fn run(table: &mut Table) -> Outcome {
    let engine = Engine::new(&Config::new())?;
    let module = Module::new(&engine, TEXT)?;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.func("env", "host", |a: i32, b: i32| a.wrapping_add(b))?;
    let instance = linker.instantiate(&mut store, &module)?;

    let add = instance.typed_func::<(i32, i32), i32>(&mut store, "add")?;
    let time = nanoseconds(SAMPLES, |count| {
        for number in 0..count {
            let Ok(sum) = add.call(&mut store, black_box((number as i32, 2))) else { return };
            black_box(sum);
        }
    });
    let what = "host to Wasm to host, typed: (i32, i32) -> i32";
    table.add(Row::new(what, Unit::Nanoseconds, time).at_most(6.0));

    let nop = instance.typed_func::<(), ()>(&mut store, "nop")?;
    let time = nanoseconds(SAMPLES, |count| {
        for _ in 0..count {
            let Ok(()) = nop.call(&mut store, ()) else { return };
        }
    });
    let what = "host to Wasm to host, typed: () -> ()";
    table.add(Row::new(what, Unit::Nanoseconds, time).at_most(6.0));

    let call_host = instance.typed_func::<i32, ()>(&mut store, "call_host")?;
    let time = nanoseconds(SAMPLES, |count| {
        let _ = black_box(call_host.call(&mut store, count as i32));
    });
    let what = "Wasm to host to Wasm, typed: (i32, i32) -> i32";
    table.add(Row::new(what, Unit::Nanoseconds, time));
    Ok(())
}
