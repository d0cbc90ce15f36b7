//! Parameters of blocks that only ever have one value.
//!
//! A variable that a loop does not change needs no parameter at the loop's header, but the
//! function builder makes one if the first use is found behind the loop, since it meets the
//! branches within the loop (every header has one: its poll) while it does not know the answer
//! yet:
//!
//! ```text
//!  outer(v1):  ...                    inner:  v2 is v1, whoever asks
//!              jump inner(v1)
//!  inner(v2):  ...
//!              brif c, exit, inner(v2)
//! ```
//!
//! Cranelift removes such parameters only if `v1` is no parameter itself. What remains costs
//! registers, and hides that what depends on `v2` could be computed outside the inner loop.
//!
//! [PH-ONE] A parameter is removed if all its arguments are one value or the parameter itself.
//! The value is then available in the block, since it is at the end of all blocks before. Where
//! one is removed, others may follow, so the search is repeated, but not often: what is left
//! over is correct too.

use cranelift_codegen::{
    entity::SecondaryMap,
    ir::{Block, BlockArg, Function, Inst, Value},
    packed_option::PackedOption,
};

/// Most searches. The first one finds nearly all in reducible code; those after it find what
/// depends on what came later.
const MOST_SEARCHES: usize = 4;

/// Removes the parameters of blocks that only ever have one value.
pub(crate) fn remove_constant(func: &mut Function) {
    let mut phis = Phis::new(func);
    for _ in 0..MOST_SEARCHES {
        if !phis.search(func) {
            break;
        }
    }
    phis.remove(func);
}

/// A branch to a block with parameters.
struct Edge {
    branch: Inst,
    /// Which of the branch's targets.
    target: usize,
    /// Where its arguments begin.
    first_arg: usize,
    /// Another one to the same block.
    next: Option<usize>,
}

/// Blocks with parameters, and what is known about these.
struct Phis {
    blocks: Vec<Block>,
    edges: Vec<Edge>,
    /// A list of the edges to each block.
    last_edge: SecondaryMap<Block, Option<usize>>,
    args: Vec<Option<Value>>,
    /// The value that a parameter always has, if it is known.
    known: SecondaryMap<Value, PackedOption<Value>>,
    /// Blocks that lose a parameter.
    changed: Vec<Block>,
}

impl Phis {
    fn new(func: &Function) -> Self {
        let mut phis = Self {
            blocks: Vec::new(),
            edges: Vec::new(),
            last_edge: SecondaryMap::with_default(None),
            args: Vec::new(),
            known: SecondaryMap::new(),
            changed: Vec::new(),
        };
        for block in func.layout.blocks() {
            if !func.dfg.block_params(block).is_empty() {
                phis.blocks.push(block);
            }
            if let Some(branch) = func.layout.last_inst(block) {
                phis.add_edges(func, branch);
            }
        }
        phis
    }

    fn add_edges(&mut self, func: &Function, branch: Inst) {
        let dfg = &func.dfg;
        let targets = dfg.insts[branch].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        for (target, call) in targets.iter().enumerate() {
            if call.len(&dfg.value_lists) == 0 {
                continue;
            }
            let block = call.block(&dfg.value_lists);
            let next = self.last_edge[block].replace(self.edges.len());
            self.edges.push(Edge { branch, target, first_arg: self.args.len(), next });
            let args = call.args(&dfg.value_lists);
            self.args.extend(args.map(|arg| Some(dfg.resolve_aliases(arg.as_value()?))));
        }
    }

    /// Goes through all parameters once, and says whether there was a new one with one value.
    fn search(&mut self, func: &Function) -> bool {
        let mut found = false;
        for index in 0..self.blocks.len() {
            let block = self.blocks[index];
            // The entry's parameters come from outside.
            if self.last_edge[block].is_none() {
                continue;
            }
            for (index, &param) in func.dfg.block_params(block).iter().enumerate() {
                if self.known[param].is_none()
                    && let Some(value) = self.only_value(block, index, param)
                {
                    self.known[param] = value.into();
                    self.changed.push(block);
                    found = true;
                }
            }
        }
        found
    }

    /// The value that a parameter has whatever the branch to its block was.
    fn only_value(&self, block: Block, index: usize, param: Value) -> Option<Value> {
        let mut only = None;
        let mut edge = self.last_edge[block];
        while let Some(Edge { first_arg, next, .. }) = edge.map(|edge| &self.edges[edge]) {
            let value = self.resolve(self.args[first_arg + index]?);
            if value != param && *only.get_or_insert(value) != value {
                return None;
            }
            edge = *next;
        }
        only
    }

    /// What a value is known to be.
    fn resolve(&self, mut value: Value) -> Value {
        while let Some(known) = self.known[value].expand() {
            value = known;
        }
        value
    }

    /// Takes parameters away whose values are known, and the arguments for them.
    fn remove(&mut self, func: &mut Function) {
        self.changed.sort_unstable();
        self.changed.dedup();
        for &block in &self.changed {
            let params = func.dfg.block_params(block).to_vec();
            let mut edge = self.last_edge[block];
            while let Some(Edge { branch, target, next, .. }) = edge.map(|edge| &self.edges[edge]) {
                self.remove_args(func, *branch, *target, &params);
                edge = *next;
            }
            for &param in params.iter().rev() {
                if self.known[param].is_some() {
                    func.dfg.remove_block_param(param);
                    func.dfg.change_to_alias(param, self.resolve(param));
                }
            }
        }
    }

    fn remove_args(&self, func: &mut Function, branch: Inst, target: usize, params: &[Value]) {
        let dfg = &mut func.dfg;
        let targets = dfg.insts[branch]
            .branch_destination_mut(&mut dfg.jump_tables, &mut dfg.exception_tables);
        let call = &mut targets[target];
        let args = params.iter().zip(call.args(&dfg.value_lists));
        let kept: Vec<BlockArg> =
            args.filter(|&(&param, _)| self.known[param].is_none()).map(|(_, arg)| arg).collect();
        call.clear(&mut dfg.value_lists);
        call.extend(kept, &mut dfg.value_lists);
    }
}
