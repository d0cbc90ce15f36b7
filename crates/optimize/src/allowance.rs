//! What compiling one function may take: its deadline, and how much IR fits in its memory.
//!
//! Nothing can stop Cranelift while it works. So the clock is read where we have control: between
//! operators while a body is translated, and between Cranelift's phases. The last phase lowers,
//! allocates registers and emits in one go; nothing begins it whose time is over or, by its
//! expected length, would be. Memory is estimated from the size of the IR, at the same places.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use cranelift_codegen::ir::Function;
use tierup_compile::{CompileError, CompileErrorKind, Limits};

/// What is left for one function.
#[derive(Debug)]
pub(crate) struct Allowance {
    start: Instant,
    limits: Limits,
    /// Operators until the clock is read again.
    unwatched: Cell<u32>,
}

/// Operators between two looks at the clock, which take as long as one of them.
const WATCH: u32 = 128;

impl Allowance {
    /// The time begins now.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { start: Instant::now(), limits, unwatched: Cell::new(0) }
    }

    /// To be called at each operator.
    pub(crate) fn at_operator(&self, func: &Function) -> Result<(), CompileError> {
        match self.unwatched.get() {
            0 => self.unwatched.set(WATCH),
            left => {
                self.unwatched.set(left - 1);
                return Ok(());
            }
        }
        self.check_time("translation", Duration::ZERO)?;
        self.check_memory(Size::of(func))
    }

    /// To be called before a phase.
    pub(crate) fn check(&self, phase: &'static str, func: &Function) -> Result<(), CompileError> {
        self.check_time(phase, Duration::ZERO)?;
        self.check_memory(Size { calls: calls(func), ..Size::of(func) })
    }

    /// To be called when control flow is settled: whatever time there is, what would take the
    /// register allocator longer than anybody waits is not begun.
    pub(crate) fn check_parameters(func: &Function) -> Result<(), CompileError> {
        if expected_scans(func) <= MOST_SCANS {
            return Ok(());
        }
        let limit = "the parameters of blocks that registers can be found for in time";
        Err(CompileErrorKind::TooLarge { limit }.into())
    }

    /// To be called before the phase that cannot be stopped.
    pub(crate) fn check_last(&self, phase: &'static str) -> Result<(), CompileError> {
        // It takes about as long as all before it.
        self.check_time(phase, self.start.elapsed())
    }

    fn check_time(&self, phase: &'static str, rest: Duration) -> Result<(), CompileError> {
        if self.start.elapsed().saturating_add(rest) <= self.limits.time {
            return Ok(());
        }
        Err(CompileErrorKind::TooLong { phase }.into())
    }

    fn check_memory(&self, size: Size) -> Result<(), CompileError> {
        if size.expected_memory() <= self.limits.memory {
            return Ok(());
        }
        let limit = "the memory for compiling one function";
        Err(CompileErrorKind::TooLarge { limit }.into())
    }
}

/// How large a function's IR is.
#[derive(Clone, Copy)]
struct Size {
    instructions: usize,
    values: usize,
    blocks: usize,
    calls: usize,
}

impl Size {
    /// Without calls, which take time to count.
    fn of(func: &Function) -> Self {
        let dfg = &func.dfg;
        let (instructions, values) = (dfg.num_insts(), dfg.num_values());
        Self { instructions, values, blocks: dfg.num_blocks(), calls: 0 }
    }

    /// Bytes that a compile comes to need. Measured as the peak of a process, for functions of
    /// 20,000 to 320,000 instructions: 49 MiB for loads and stores only (expected 86), 119 for
    /// calls only (expected 107), 235 for 40,000 ifs (expected 239).
    fn expected_memory(self) -> usize {
        (self.instructions + self.values) * 150 + self.blocks * 1_100 + self.calls * 2_200
    }
}

/// Steps of the register allocator through its list of values for parameters of blocks.
///
/// For each parameter it looks for those of its own from the list's beginning, unless other values
/// were split: in the square of their number. 40,000 ifs with a value each make 1.6 * 10^9 steps,
/// which took 2 of 3 s (regalloc2 0.15.2, `moves.rs`); a body may have 16 times as many.
fn expected_scans(func: &Function) -> u64 {
    let dfg = &func.dfg;
    let (mut parameters, mut values) = (0, 0);
    // The parameters of the first block are the function's.
    for block in func.layout.blocks().skip(1) {
        parameters += dfg.block_params(block).len() as u64;
    }
    for inst in func.layout.blocks().filter_map(|block| func.layout.last_inst(block)) {
        let targets = dfg.insts[inst].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        values += targets.iter().map(|call| call.len(&dfg.value_lists) as u64).sum::<u64>();
    }
    parameters.saturating_mul(values) / 2
}

/// 10 s, by the figures above: what one job may take if nobody says.
const MOST_SCANS: u64 = 8_000_000_000;

fn calls(func: &Function) -> usize {
    let insts = func.layout.blocks().flat_map(|block| func.layout.block_insts(block));
    insts.filter(|&inst| func.dfg.insts[inst].opcode().is_call()).count()
}
