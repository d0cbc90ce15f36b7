//! Stack checks and polls: where running code can be stopped.
//!
//! A store's limit is both the lowest stack pointer and the request to stop (all ones). The
//! prologue compares, unsigned, so it sees both; a loop header needs only the sign. Either way
//! the cold path calls `Poll`, which keeps every register, so the hot path pays for one load and
//! one compare.
//!
//! The call is what keeps the check in every loop of a nest: without something that may write
//! memory, the code generator would take the limit for unchanged and merge the loads.

use cranelift_codegen::ir::{Block, Inst, InstBuilder, Value, condcodes::IntCC, types};
use tierup_abi::{Builtin, InstanceHead, StoreBlock};

use super::{Translator, environment::Region};

/// The stack check of a function, remembered so that it can be taken away.
#[derive(Clone, Copy, Debug)]
pub(super) struct StackCheck {
    /// What only the branch needs.
    operands: [Value; 3],
    branch: Inst,
    enough: Block,
}

impl Translator<'_> {
    /// Emits the stack check of the prologue.
    pub(super) fn check_stack(&mut self) {
        let limit = self.limit();
        let pointer = self.builder.ins().get_stack_pointer(types::I64);
        let low = self.builder.ins().icmp(IntCC::UnsignedLessThan, pointer, limit);
        let (branch, enough) = self.poll_if(low);
        self.stack_check = Some(StackCheck { operands: [low, pointer, limit], branch, enough });
    }

    /// Takes the stack check away again if the function turned out not to need it: it calls
    /// nothing, cannot run for long, and fits in the reserve below the limit.
    pub(super) fn settle_stack_check(&mut self) {
        let Some(check) = self.stack_check else { return };
        if !self.needs_stack_check {
            self.builder.func.replace(check.branch).jump(check.enough, &[]);
            for operand in check.operands {
                if let Some(unused) = self.builder.func.dfg.value_def(operand).inst() {
                    self.builder.func.layout.remove_inst(unused);
                }
            }
        }
    }

    /// Emits the check of a loop header, in the header's block.
    pub(super) fn poll(&mut self) {
        self.needs_stack_check = true;
        let limit = self.limit();
        let requested = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, limit, 0);
        self.poll_if(requested);
    }

    fn limit(&mut self) -> Value {
        let block = self.instance_pointer(InstanceHead::STORE_BLOCK);
        self.region_load(types::I64, Region::Limit, block, StoreBlock::LIMIT)
    }

    /// Calls `Poll` if `condition` holds, and goes on in a new block.
    fn poll_if(&mut self, condition: Value) -> (Inst, Block) {
        let cold = self.builder.create_block();
        let next = self.builder.create_block();
        self.builder.set_cold_block(cold);
        let branch = self.builder.ins().brif(condition, cold, &[], next, &[]);
        self.builder.seal_block(cold);
        self.builder.switch_to_block(cold);
        self.call_poll(Builtin::Poll);
        self.builder.ins().jump(next, &[]);
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
        (branch, next)
    }
}
