//! Direct calls through cells against `call rel32`, in code that differs in nothing else.
//!
//! The rows with limits run what the engine makes of Wasm, as it is and rewritten. The others run
//! machine code that does nothing but call: how bad it can get on this machine.

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
    let (wasm, code) = ("compiled Wasm", "bare machine code");
    let what = format!("call through a cell against `call rel32`, {wasm}: recursive fib");
    bench.compare((&what, Some(1.03)), RECURSIVE, &compiled::fibonacci()?)?;
    let what = format!("the same, {wasm}: graph of 10,000 functions, four calls in each");
    bench.compare((&what, Some(1.25)), TREE, &compiled::graph()?)?;
    let what = format!("the same, {code}: recursive fib");
    bench.compare((&what, None), RECURSIVE, &program::fibonacci())?;
    let what = format!("the same, {code}: graph of 10,000 functions of 300 bytes");
    bench.compare((&what, None), TREE, &program::graph(256))?;
    let what = format!("the same, {code}: graph of 10,000 functions of 30 bytes");
    bench.compare((&what, None), TREE, &program::graph(0))?;
    let what = format!("the same, {code}: one function calls 10,000 empty ones, each once");
    bench.compare((&what, None), ONCE, &program::star())
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
