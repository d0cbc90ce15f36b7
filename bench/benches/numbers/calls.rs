//! Direct calls through cells against `call rel32`, in code that differs in nothing else.
//!
//! ```text
//!   cell     ff 15 disp32     call [rip + cell]
//!   direct   67 e8 disp32     call callee          (a prefix that does nothing: the same length)
//! ```
//!
//! Addresses of callees must be known before direct calls can be written, so the direct form is
//! placed twice: what is placed first only shows where it will lie.

use std::sync::Arc;

use codespace::{
    CodeManager, CodeRef, Draft, Kind, Placed, Relocation, RelocationKind, Target, Unit,
};
use tierup::{Config, Engine, Linker, Module, Store};
use tierup_bench::{Row, Samples, Table, Unit as In, nanoseconds, ratio};

use crate::{Outcome, drafts, machine, random::Random};

pub(crate) fn run(table: &mut Table) -> Outcome {
    let manager = drafts::manager()?;
    let samples = Samples { samples: 41, operations: 1 };
    let what = "call through a cell against `call rel32`: recursive fib(27)";
    compare(table, (what, 1.03), samples, &Forms::new(&manager, &fibonacci(), 27)?);

    let samples = Samples { samples: 21, operations: 4 };
    let what = "the same: random graph of 10,000 functions, four calls in each";
    compare(table, (what, 1.25), samples, &Forms::new(&manager, &graph(0), 0)?);
    let what = "the same, with 256 bytes of other code in each function";
    compare(table, (what, 1.25), samples, &Forms::new(&manager, &graph(256), 0)?);

    let samples = Samples { samples: 41, operations: 20 };
    let what = "the same: one function calls 10,000 others, each once";
    compare(table, (what, 1.25), samples, &Forms::new(&manager, &star(), 0)?);
    wasm(table)
}

fn compare(table: &mut Table, (what, limit): (&str, f64), samples: Samples, forms: &Forms) {
    let (direct, times) = ratio(samples, |count| forms.direct(count), |count| forms.cells(count));
    let what = format!("{what} ({:.2} ns a direct call)", direct / forms.calls);
    table.add(Row::new(what, In::Times, times).at_most(limit));
}

/// For information: what a call costs in compiled Wasm.
fn wasm(table: &mut Table) -> Outcome {
    const TEXT: &str = r#"
        (module
          (func $fib (export "fib") (param $n i32) (result i32)
            (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
              (then (local.get $n))
              (else (i32.add
                (call $fib (i32.sub (local.get $n) (i32.const 1)))
                (call $fib (i32.sub (local.get $n) (i32.const 2))))))))
    "#;
    let engine = Engine::new(&Config::new())?;
    let module = Module::new(&engine, TEXT)?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module)?;
    let fib = instance.typed_func::<i32, i32>(&mut store, "fib")?;
    fib.call(&mut store, 5)?;
    let time = nanoseconds(Samples { samples: 41, operations: 1 }, |count| {
        for _ in 0..count {
            let _ = std::hint::black_box(fib.call(&mut store, 27));
        }
    });
    let what = "a call in compiled Wasm: recursive fib(27)";
    table.add(Row::new(what, In::Nanoseconds, time / fibonacci_calls(27)));
    Ok(())
}

/// Functions that call each other; the first is the one to start with.
struct Program {
    functions: Vec<Function>,
    /// How many calls running it once makes.
    calls: f64,
}

/// Bytes, and where which function is called: at the offset, six bytes are left.
struct Function {
    bytes: Vec<u8>,
    calls: Vec<(usize, u32)>,
}

impl Function {
    /// Calls those functions, one after the other, and nothing else but those bytes before it.
    fn calling(before: &[u8], callees: impl IntoIterator<Item = u32>) -> Self {
        // push rbp; mov rbp, rsp
        let mut bytes = vec![0x55, 0x48, 0x89, 0xe5];
        bytes.extend(before);
        let mut calls = Vec::new();
        for callee in callees {
            calls.push((bytes.len(), callee));
            bytes.extend([0; 6]);
        }
        // pop rbp; ret
        bytes.extend([0x5d, 0xc3]);
        Self { bytes, calls }
    }
}

fn fibonacci() -> Program {
    let bytes = [
        0x48, 0x89, 0xf8, // mov rax, rdi
        0x48, 0x83, 0xff, 0x02, // cmp rdi, 2
        0x72, 0x27, // jb end
        0x55, // push rbp
        0x48, 0x89, 0xe5, // mov rbp, rsp
        0x57, // push rdi
        0x53, // push rbx
        0x48, 0x83, 0xef, 0x01, // sub rdi, 1
        0, 0, 0, 0, 0, 0, // call fib
        0x48, 0x89, 0xc3, // mov rbx, rax
        0x48, 0x8b, 0x7d, 0xf8, // mov rdi, [rbp - 8]
        0x48, 0x83, 0xef, 0x02, // sub rdi, 2
        0, 0, 0, 0, 0, 0, // call fib
        0x48, 0x01, 0xd8, // add rax, rbx
        0x5b, // pop rbx
        0x5f, // pop rdi
        0x5d, // pop rbp
        0xc3, // end: ret
    ];
    let fib = Function { bytes: bytes.to_vec(), calls: vec![(19, 0), (36, 0)] };
    Program { functions: vec![fib], calls: fibonacci_calls(27) }
}

fn fibonacci_calls(n: u32) -> f64 {
    let (mut this, mut next) = (1.0, 1.0);
    for _ in 1..n {
        (this, next) = (next, 1.0 + this + next);
    }
    next
}

const FUNCTIONS: u32 = 10_000;

/// Ten layers of a thousand functions; each calls four of the next layer, and one starts it all.
fn graph(padding: usize) -> Program {
    const LAYERS: u32 = 10;
    let (mut random, width) = (Random::new(), FUNCTIONS / LAYERS);
    // nop dword ptr [rax]: four bytes that do nothing.
    let before = [0x0f, 0x1f, 0x40, 0x00].repeat(padding / 4);
    let mut functions = vec![Function::calling(&[], 1..=8)];
    for layer in 1..=LAYERS {
        for _ in 0..width {
            let mut callee = || 1 + layer * width + random.below(width as usize) as u32;
            let callees: Vec<u32> = match layer {
                LAYERS => Vec::new(),
                _ => (0..4).map(|_| callee()).collect(),
            };
            functions.push(Function::calling(&before, callees));
        }
    }
    let below = |layers: u32| (4_f64.powi(layers as i32) - 1.0) / 3.0;
    Program { functions, calls: 8.0 * below(LAYERS) }
}

/// One function that calls all others once, in random order.
fn star() -> Program {
    let mut random = Random::new();
    let mut order: Vec<u32> = (1..=FUNCTIONS).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, random.below(last + 1));
    }
    let mut functions = vec![Function::calling(&[], order)];
    functions.extend((0..FUNCTIONS).map(|_| Function::calling(&[], [])));
    Program { functions, calls: f64::from(FUNCTIONS) }
}

/// A program in both forms.
struct Forms {
    cells: Form,
    direct: Form,
    argument: u64,
    calls: f64,
}

impl Forms {
    fn new(manager: &CodeManager, program: &Program, argument: u64) -> Outcome<Self> {
        let direct = Form::direct(manager, program)?;
        let cells = Form::through_cells(manager, program)?;
        Ok(Self { cells, direct, argument, calls: program.calls })
    }

    fn cells(&self, count: usize) {
        self.cells.run(self.argument, count);
    }

    fn direct(&self, count: usize) {
        self.direct.run(self.argument, count);
    }
}

/// A program in one form.
struct Form {
    _code: Vec<CodeRef>,
    entry: usize,
}

impl Form {
    fn through_cells(manager: &CodeManager, program: &Program) -> Outcome<Self> {
        let unit = drafts::unit(manager, program.functions.len() as u32)?;
        let placed = unit.place(program.drafts([0xff, 0x15], Target::Cell))?;
        Self::publish(&unit, placed)
    }

    fn direct(manager: &CodeManager, program: &Program) -> Outcome<Self> {
        let unit = drafts::unit(manager, program.functions.len() as u32)?;
        let place = |starts: &[usize]| {
            // Any address in reach will do while the right one is not known.
            let address = |callee: u32| starts.get(callee as usize).copied();
            let anywhere = unit.cells() as usize;
            let target = |callee| Target::Address(address(callee).unwrap_or(anywhere));
            unit.place(program.drafts([0x67, 0xe8], target))
        };
        let first = place(&[])?;
        let starts: Vec<usize> = first.iter().map(|placed| placed.range().start).collect();
        drop(first);
        let placed = place(&starts)?;
        if placed.iter().map(|placed| placed.range().start).ne(starts) {
            return Err("the second time, code was placed elsewhere".into());
        }
        Self::publish(&unit, placed)
    }

    fn publish(unit: &Arc<Unit>, placed: Vec<Placed>) -> Outcome<Self> {
        let code: Vec<CodeRef> =
            unit.publish(placed)?.into_iter().map(|published| published.code).collect();
        let entry = code.first().ok_or("a program has functions")?.entry();
        Ok(Self { _code: code, entry })
    }

    fn run(&self, argument: u64, count: usize) {
        for _ in 0..count {
            // SAFETY: programs keep to the C convention, and references to their code are held.
            std::hint::black_box(unsafe { machine::call(self.entry, argument, 0) });
        }
    }
}

impl Program {
    /// With that call instruction, whose operand leads to the target of the callee.
    fn drafts(&self, call: [u8; 2], target: impl Fn(u32) -> Target) -> Vec<Draft> {
        let draft = |(number, function): (usize, &Function)| {
            let mut draft = Draft::new(Kind::Function(number as u32), function.bytes.clone());
            for &(at, callee) in &function.calls {
                draft.bytes[at..at + 2].copy_from_slice(&call);
                draft.relocations.push(Relocation {
                    offset: at as u32 + 2,
                    kind: RelocationKind::Relative4,
                    target: target(callee),
                    addend: -4,
                });
            }
            draft
        };
        self.functions.iter().enumerate().map(draft).collect()
    }
}
