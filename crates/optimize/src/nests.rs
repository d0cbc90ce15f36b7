//! The address of the store's block, again for each loop nest that calls nothing.
//!
//! Every loop polls, and needs this address for it. Cranelift loads it once in a function. So it
//! lives from the prologue to the last loop, across all calls, and is one of the first values
//! that leave their register for the frame, from where each turn of a loop fetches it. A nest
//! without calls that loads it for itself, right before it, has it in a register if there is one.
//!
//! Not here: nests with calls, where the address would leave its register all the same; addresses
//! of memories, for which the same made some programs faster and others slower.

use cranelift_codegen::{
    Context,
    dominator_tree::DominatorTree,
    entity::SecondaryMap,
    ir::{Block, Function, Inst, InstructionData, Opcode, Value, ValueDef},
    loop_analysis::{Loop, LoopAnalysis},
    packed_option::PackedOption,
};
use tierup_abi::InstanceHead;

/// Loads the address of the store's block before each loop nest that calls nothing.
pub(crate) fn reload_store_block(context: &mut Context) {
    context.compute_loop_analysis();
    let Context { func, domtree, loop_analysis: loops, .. } = context;
    if loops.loops().len() == 0 {
        return;
    }
    let mut nests =
        Nests { loops, domtree, calls: calling(func, loops), addresses: SecondaryMap::new() };
    let mut next_block = func.layout.entry_block();
    while let Some(block) = next_block {
        if let Some(nest) = nests.around(block) {
            nests.block(func, nest, block);
        }
        next_block = func.layout.next_block(block);
    }
}

/// The loops that call something, not counting polls.
fn calling(func: &Function, loops: &LoopAnalysis) -> SecondaryMap<Loop, bool> {
    let mut calls = SecondaryMap::new();
    for block in func.layout.blocks() {
        let mut around = loops.innermost_loop(block);
        let is_known = around.is_none_or(|it| calls[it]);
        if is_known || func.layout.is_cold(block) {
            continue;
        }
        if func.layout.block_insts(block).any(|inst| func.dfg.insts[inst].opcode().is_call()) {
            // A loop whose inner loop calls was marked with it.
            while let Some(it) = around.filter(|&it| !calls[it]) {
                calls[it] = true;
                around = loops.loop_parent(it);
            }
        }
    }
    calls
}

/// Loop nests, and what was loaded for them.
struct Nests<'a> {
    loops: &'a LoopAnalysis,
    domtree: &'a DominatorTree,
    calls: SecondaryMap<Loop, bool>,
    /// The address that was loaded for a nest, under its outermost loop.
    addresses: SecondaryMap<Loop, PackedOption<Value>>,
}

impl Nests<'_> {
    /// The outermost loop around a block that calls nothing.
    fn around(&self, block: Block) -> Option<Loop> {
        let mut nest = self.loops.innermost_loop(block).filter(|&it| !self.calls[it])?;
        while let Some(outer) = self.loops.loop_parent(nest).filter(|&it| !self.calls[it]) {
            nest = outer;
        }
        Some(nest)
    }

    /// Has the loads in a block of a nest use the nest's own address.
    fn block(&mut self, func: &mut Function, nest: Loop, block: Block) {
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            if let InstructionData::Load { arg, .. } = func.dfg.insts[inst]
                && let Some(source) = store_block(func, arg)
                && let Some(address) = self.address(func, nest, source)
                && let InstructionData::Load { arg, .. } = &mut func.dfg.insts[inst]
            {
                *arg = address;
            }
            next = func.layout.next_inst(inst);
        }
    }

    /// The nest's own address of the store's block, of which `source` is another load.
    fn address(&mut self, func: &mut Function, nest: Loop, source: Inst) -> Option<Value> {
        if self.addresses[nest].is_none() {
            let before = self.domtree.idom(self.loops.loop_header(nest))?;
            let before = func.layout.last_inst(before)?;
            let copied = func.dfg.clone_inst(source);
            func.layout.insert_inst(copied, before);
            self.addresses[nest] = func.dfg.first_result(copied).into();
        }
        self.addresses[nest].expand()
    }
}

/// The instruction that makes a value, if it loads the address of the store's block.
fn store_block(func: &Function, value: Value) -> Option<Inst> {
    let ValueDef::Result(inst, _) = func.dfg.value_def(value) else { return None };
    match func.dfg.insts[inst] {
        InstructionData::Load { opcode: Opcode::Load, arg, flags, offset } => {
            let flags = func.dfg.mem_flags[flags];
            let constant = flags.readonly() && flags.can_move();
            let found = constant
                && i32::from(offset) == InstanceHead::STORE_BLOCK
                && Some(arg) == instance(func);
            found.then_some(inst)
        }
        _ => None,
    }
}

/// The function's instance, its first parameter.
fn instance(func: &Function) -> Option<Value> {
    func.dfg.block_params(func.layout.entry_block()?).first().copied()
}
