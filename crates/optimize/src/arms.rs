//! Which arm of a conditional branch comes first: the one that leaves a loop.
//!
//! Cranelift follows the arms of a branch in their order, and in the order that results, the
//! blocks behind the second arm come before those behind the first one:
//!
//! ```text
//!  header:  ...                        order if `exit` is second    header, exit, rest
//!           brif c, rest, exit         order if `exit` is first     header, rest, exit
//! ```
//!
//! It takes code out of loops in this order, and once it has come to a block outside a loop, it
//! does so no more for what remains of that loop. It also lays out machine code in this order. So
//! an exit that comes early costs twice; here branches are turned around for which that would be.
//!
//! * [AR-FORWARD] In the layout, every edge leads forward but for those to the header of a loop
//!   around it, since that is how WebAssembly's constructs nest. Code that breaks this rule would
//!   get a bad order, but no other meaning.

use cranelift_codegen::{
    cursor::{Cursor, FuncCursor},
    entity::SecondaryMap,
    ir::{Block, Function, Inst, InstructionData},
};

use crate::condition::Opposite;

/// Turns the conditional branches of a function around whose second arm leaves more loops than
/// the first one.
pub(crate) fn leave_loops_first(func: &mut Function) {
    let order: Vec<Block> = func.layout.blocks().collect();
    let mut positions = SecondaryMap::with_capacity(func.dfg.num_blocks());
    for (position, &block) in order.iter().enumerate() {
        positions[block] = position;
    }
    let mut walk = Walk { loops: loops(func, &order, &positions), ..Walk::default() };
    walk.reached.resize(order.len(), 0);
    for (position, &block) in order.iter().enumerate().rev() {
        walk.enter(position);
        let reached = walk.reached_by(func.block_successors(block).map(|next| positions[next]));
        walk.reached[position] = reached;
        if let Some(branch) = func.layout.last_inst(block)
            && let Some(arms) = arms(func, branch)
            && walk.leaves_second(position, arms.map(|arm| positions[arm]))
        {
            turn_around(func, branch);
        }
        walk.leave(position);
    }
}

/// Positions of a loop's header and of the last block that can lead to it again.
#[derive(Clone, Copy)]
struct Loop {
    header: usize,
    last: usize,
}

/// All loops of a function, in an order in which each comes after all that it encloses, and after
/// all that follow it.
fn loops(func: &Function, order: &[Block], positions: &SecondaryMap<Block, usize>) -> Vec<Loop> {
    let mut last = vec![None; order.len()];
    for (position, &block) in order.iter().enumerate() {
        for next in func.block_successors(block) {
            if positions[next] <= position {
                last[positions[next]] = Some(position);
            }
        }
    }
    let mut all: Vec<Loop> = Vec::new();
    // Those that no other one encloses, as far as is known: indices.
    let mut outermost: Vec<usize> = Vec::new();
    for (header, last) in last.into_iter().enumerate().rev() {
        let Some(mut last) = last else { continue };
        while let Some(inner) = outermost.last().map(|&inner| all[inner])
            && inner.header <= last
        {
            // The inner loop is part of the outer one as a whole.
            last = last.max(inner.last);
            outermost.pop();
        }
        outermost.push(all.len());
        all.push(Loop { header, last });
    }
    // A loop that begins later ends first, or they are disjoint and it is met first anyway.
    all.sort_by_key(|it| (it.last, std::cmp::Reverse(it.header)));
    all
}

/// A walk over the blocks of a function, from the last one to the first one.
#[derive(Default)]
struct Walk {
    /// Loops that were not met yet, the next one last.
    loops: Vec<Loop>,
    /// Headers of the loops around the current block, outermost first.
    open: Vec<usize>,
    /// For each block that was met, which of the loops around it it can repeat: a bit for each,
    /// the lowest for the outermost. Loops below a depth of 64 are not told apart from it.
    reached: Vec<u64>,
}

impl Walk {
    /// Comes to a block: opens the loops that end there.
    fn enter(&mut self, position: usize) {
        while let Some(it) = self.loops.pop_if(|it| it.last == position) {
            self.open.push(it.header);
        }
    }

    /// Goes on: closes the loop that begins at a block.
    fn leave(&mut self, position: usize) {
        self.open.pop_if(|header| *header == position);
    }

    /// The loops around the current block that can be repeated by way of these blocks.
    fn reached_by(&self, targets: impl Iterator<Item = usize>) -> u64 {
        targets.map(|target| self.reached_by_one(target)).fold(0, |all, some| all | some)
    }

    fn reached_by_one(&self, target: usize) -> u64 {
        if let Ok(depth) = self.open.binary_search(&target) {
            return 1_u64.checked_shl(depth as u32).unwrap_or(0);
        }
        let around = 1_u64.checked_shl(self.open.len() as u32).unwrap_or(0).wrapping_sub(1);
        self.reached[target] & around
    }

    /// Whether the second arm of a branch in a block leaves more loops than the first one.
    fn leaves_second(&self, position: usize, [first, second]: [usize; 2]) -> bool {
        // A header comes before this block in any case.
        let goes_back = first <= position;
        !goes_back && self.innermost_by(second) < self.innermost_by(first)
    }

    /// Depth of the innermost loop around this block that can be repeated by way of a block.
    fn innermost_by(&self, target: usize) -> u32 {
        u64::BITS - self.reached_by_one(target).leading_zeros()
    }
}

/// The targets of a conditional branch.
fn arms(func: &Function, branch: Inst) -> Option<[Block; 2]> {
    match &func.dfg.insts[branch] {
        InstructionData::Brif { blocks, .. } => {
            Some(blocks.map(|call| call.block(&func.dfg.value_lists)))
        }
        _ => None,
    }
}

/// Swaps the arms of a conditional branch, and the sense of its condition.
fn turn_around(func: &mut Function, branch: Inst) {
    let InstructionData::Brif { arg, .. } = func.dfg.insts[branch] else { return };
    let opposite = Opposite::of(func, arg);
    let location = func.srcloc(branch);
    let mut cursor = FuncCursor::new(func).at_inst(branch).with_srcloc(location);
    let opposite = opposite.emit(cursor.ins());
    if let InstructionData::Brif { arg, blocks, .. } = &mut func.dfg.insts[branch] {
        *arg = opposite;
        blocks.swap(0, 1);
    }
}
