//! Making entry and host wrappers.
#![forbid(unsafe_code)]

use std::{hint::black_box, sync::Arc};

use tierup_bench::{Row, Samples, Table, Unit, nanoseconds};
use tierup_runtime::{RegisteredType, TypeRegistry};
use tierup_wasm::{FuncType, ValType};

use crate::Outcome;

const SAMPLES: Samples = Samples { samples: 51, operations: 2_000 };

pub(crate) fn run(table: &mut Table) -> Outcome {
    use ValType::{F64, I32, I64};
    let types = TypeRegistry::new();
    let small = types.register(&FuncType::new([I32, I32], [I32]))?;
    let large =
        types.register(&FuncType::new([I32, I64, F64, I32].repeat(5), [I64, F64].repeat(3)))?;
    for (name, ty) in [("(i32, i32) -> i32", &small), ("20 parameters, 6 results", &large)] {
        type Make = fn(&RegisteredType) -> Vec<u8>;
        let makers: [(&str, Make); 2] = [
            ("entry", RegisteredType::entry_wrapper_code),
            ("host", RegisteredType::host_wrapper_code),
        ];
        for (side, make) in makers {
            let time = emission(ty, make);
            let what = format!("emit the {side} wrapper for {name}");
            table.add(Row::new(what, Unit::Microseconds, time).at_most(5.0));
        }
    }
    Ok(())
}

fn emission(ty: &Arc<RegisteredType>, make: fn(&RegisteredType) -> Vec<u8>) -> f64 {
    let time = nanoseconds(SAMPLES, |count| {
        for _ in 0..count {
            black_box(make(black_box(ty)));
        }
    });
    time / 1e3
}
