//! Direct calls through cells against `call rel32`, in code that differs in nothing else.
//!
//! The rows with limits run machine code that does nothing but call, from functions as large as
//! real ones to empty ones. For information, the same for what the engine makes of Wasm.

mod compiled;
mod forms;
mod program;

use tierup_bench::{Row, Samples, Table, Unit, ratio};

use crate::{Outcome, drafts};
use forms::Forms;
use program::Program;

pub(crate) fn run(table: &mut Table) -> Outcome {
    const TREE: Samples = Samples { samples: 21, operations: 4 };
    const ONCE: Samples = Samples { samples: 41, operations: 20 };
    const RECURSIVE: Samples = Samples { samples: 61, operations: 1 };

    let mut bench = Bench { table, manager: drafts::manager()? };
    let what = "call through a cell against `call rel32`: recursive fib";
    bench.compare((what, Some(1.03)), RECURSIVE, &program::fibonacci())?;
    let what = "the same: graph of 10,000 functions of 300 bytes, four calls in each";
    bench.compare((what, Some(1.25)), TREE, &program::graph(256))?;
    let what = "the same: graph of 10,000 functions of 30 bytes, four calls in each";
    bench.compare((what, Some(1.25)), TREE, &program::graph(0))?;
    let what = "the same: one function calls 10,000 empty ones, each once";
    bench.compare((what, Some(1.25)), ONCE, &program::star())?;
    let what = "the same in compiled Wasm: recursive fib";
    bench.compare((what, None), RECURSIVE, &compiled::fibonacci()?)?;
    let what = "the same in compiled Wasm: graph of 10,000 functions, four calls in each";
    bench.compare((what, None), TREE, &compiled::graph()?)
}

struct Bench<'t> {
    table: &'t mut Table,
    manager: codespace::CodeManager,
}

impl Bench<'_> {
    fn compare(
        &mut self,
        (what, limit): (&str, Option<f64>),
        samples: Samples,
        program: &Program,
    ) -> Outcome {
        let forms = Forms::new(&self.manager, program)?;
        let (direct, times) =
            ratio(samples, |count| forms.direct(count), |count| forms.cells(count));
        let what = format!("{what} ({:.2} ns a direct call)", direct / program.calls);
        let row = Row::new(what, Unit::Times, times);
        self.table.add(match limit {
            Some(limit) => row.at_most(limit),
            None => row,
        });
        Ok(())
    }
}
