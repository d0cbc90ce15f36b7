//! Functions that call each other, made of bare machine code.
#![forbid(unsafe_code)]

use std::ops::Range;

use crate::random::Random;

/// Functions that call each other through cells; the first is the one to start with.
pub(crate) struct Program {
    pub(crate) functions: Vec<Function>,
    /// The two arguments of the first function.
    pub(crate) arguments: [u64; 2],
    /// How many calls running it once makes.
    pub(crate) calls: f64,
}

/// Machine code of one function.
pub(crate) struct Function {
    pub(crate) bytes: Vec<u8>,
    pub(crate) calls: Vec<Call>,
}

/// Instructions that call a function through its cell.
pub(crate) struct Call {
    /// Where they begin.
    pub(crate) start: usize,
    /// Where the address of the cell is.
    pub(crate) operand: usize,
    /// Instructions between loading the cell and calling, which can be moved.
    pub(crate) between: Range<usize>,
    /// Where the call returns to.
    pub(crate) end: usize,
    pub(crate) callee: u32,
}

/// `call [rip + cell]`.
const CALL: [u8; 6] = [0xff, 0x15, 0, 0, 0, 0];

impl Call {
    /// One that is [`CALL`].
    fn bare(start: usize, callee: u32) -> Self {
        let end = start + CALL.len();
        Self { start, operand: start + 2, between: end..end, end, callee }
    }
}

impl Function {
    /// Runs `before`, then calls those functions, one after the other.
    fn calling(before: &[u8], callees: impl IntoIterator<Item = u32>) -> Self {
        // push rbp; mov rbp, rsp
        let mut bytes = vec![0x55, 0x48, 0x89, 0xe5];
        bytes.extend(before);
        let mut calls = Vec::new();
        for callee in callees {
            calls.push(Call::bare(bytes.len(), callee));
            bytes.extend(CALL);
        }
        // pop rbp; ret
        bytes.extend([0x5d, 0xc3]);
        Self { bytes, calls }
    }
}

/// Which Fibonacci number to compute.
pub(crate) const NUMBER: u32 = 27;

pub(crate) fn fibonacci() -> Program {
    let bytes = vec![
        0x48, 0x89, 0xf8, // mov rax, rdi
        0x48, 0x83, 0xff, 0x02, // cmp rdi, 2
        0x72, 0x27, // jb end
        0x55, // push rbp
        0x48, 0x89, 0xe5, // mov rbp, rsp
        0x57, // push rdi
        0x53, // push rbx
        0x48, 0x83, 0xef, 0x01, // sub rdi, 1
        0xff, 0x15, 0, 0, 0, 0, // call [rip + fib]
        0x48, 0x89, 0xc3, // mov rbx, rax
        0x48, 0x8b, 0x7d, 0xf8, // mov rdi, [rbp - 8]
        0x48, 0x83, 0xef, 0x02, // sub rdi, 2
        0xff, 0x15, 0, 0, 0, 0, // call [rip + fib]
        0x48, 0x01, 0xd8, // add rax, rbx
        0x5b, // pop rbx
        0x5f, // pop rdi
        0x5d, // pop rbp
        0xc3, // end: ret
    ];
    let functions = vec![Function { bytes, calls: vec![Call::bare(19, 0), Call::bare(36, 0)] }];
    Program { functions, arguments: [NUMBER.into(), 0], calls: fibonacci_calls() }
}

/// Calls that computing the number takes.
pub(crate) fn fibonacci_calls() -> f64 {
    let (mut this, mut next) = (1.0, 1.0);
    for _ in 1..NUMBER {
        (this, next) = (next, 1.0 + this + next);
    }
    next
}

/// Functions of a graph, besides the first.
pub(crate) const FUNCTIONS: u32 = 10_000;

/// Who calls whom in ten layers of a thousand functions: each calls four of the next layer, and
/// the first function calls eight of the first layer.
pub(crate) fn edges() -> (Vec<Vec<u32>>, f64) {
    const LAYERS: u32 = 10;
    const WIDTH: u32 = FUNCTIONS / LAYERS;
    let mut random = Random::new();
    let mut edges = vec![(1..=8).collect()];
    for layer in 1..=LAYERS {
        for _ in 0..WIDTH {
            let mut callee = |_| 1 + layer * WIDTH + random.below(WIDTH as usize) as u32;
            let count = if layer == LAYERS { 0 } else { 4 };
            edges.push((0..count).map(&mut callee).collect());
        }
    }
    let below_one_of_the_first_layer = (4_f64.powi(LAYERS as i32) - 1.0) / 3.0;
    (edges, 8.0 * below_one_of_the_first_layer)
}

/// The graph, with that many bytes of instructions in each function that do nothing.
pub(crate) fn graph(padding: usize) -> Program {
    // nop dword ptr [rax]
    let before = [0x0f, 0x1f, 0x40, 0x00].repeat(padding / 4);
    let (edges, calls) = edges();
    let functions = edges.into_iter().map(|callees| Function::calling(&before, callees)).collect();
    Program { functions, arguments: [0; 2], calls }
}

/// One function that calls all others once, in random order.
pub(crate) fn star() -> Program {
    let mut random = Random::new();
    let mut order: Vec<u32> = (1..=FUNCTIONS).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, random.below(last + 1));
    }
    let mut functions = vec![Function::calling(&[], order)];
    functions.extend((0..FUNCTIONS).map(|_| Function::calling(&[], [])));
    Program { functions, arguments: [0; 2], calls: f64::from(FUNCTIONS) }
}
