//! Branches, returns, and what else ends a block.

use std::collections::HashMap;

use cranelift_codegen::ir::{Block, BlockArg, BlockCall, InstBuilder, JumpTableData, Value, types};
use tierup_abi::{Place, TrapKind};
use tierup_wasm::ValType;
use wasmparser::BrTable;

use super::{
    Translated, Translator,
    environment::{Region, trap_code},
};

impl<'a> Translator<'a> {
    pub(super) fn visit_unreachable(&mut self) -> Translated {
        self.builder.ins().trap(trap_code(TrapKind::Unreachable));
        self.set_unreachable();
        Ok(())
    }

    pub(super) fn visit_br(&mut self, depth: u32) -> Translated {
        let (target, params) = self.target(depth)?;
        let args = self.peek_args(params)?;
        self.builder.ins().jump(target, &args);
        self.reuse_args(args);
        self.set_unreachable();
        Ok(())
    }

    pub(super) fn visit_br_if(&mut self, depth: u32) -> Translated {
        let condition = self.pop_i32()?;
        let (target, params) = self.target(depth)?;
        self.spend_for_block()?;
        let args = self.peek_args(params)?;
        let next = self.builder.create_block();
        self.builder.ins().brif(condition, target, &args, next, &[]);
        self.reuse_args(args);
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
        Ok(())
    }

    pub(super) fn visit_br_table(&mut self, targets: BrTable<'_>) -> Translated {
        let index = self.pop_i32()?;
        let mut edges = Edges::default();
        let mut calls = Vec::with_capacity(targets.len() as usize);
        for depth in targets.targets() {
            let depth = depth.map_err(|_| self.invalid("a malformed branch table"))?;
            calls.push(self.edge(&mut edges, depth)?);
        }
        let default = self.edge(&mut edges, targets.default())?;
        let table = self.builder.create_jump_table(JumpTableData::new(default, &calls));
        self.builder.ins().br_table(index, table);
        self.fill_edges(&edges)?;
        self.set_unreachable();
        Ok(())
    }

    pub(super) fn visit_return(&mut self) -> Translated {
        self.emit_return(self.control.function_results())?;
        self.set_unreachable();
        Ok(())
    }

    /// Returns the operands on top of the stack.
    pub(super) fn emit_return(&mut self, results: &'a [ValType]) -> Translated {
        let args = self.peek_args(results)?;
        let values: Vec<Value> = args.iter().filter_map(BlockArg::as_value).collect();
        self.reuse_args(args);
        let call_type = self.own_type()?;
        let mut returned = Vec::with_capacity(values.len().min(16));
        for (&value, place) in values.iter().zip(&call_type.layout.results) {
            match (*place, self.environment.result_area) {
                (Place::Memory(offset), Some(area)) => {
                    let flags = Region::Results.flags();
                    self.builder.ins().store(flags, value, area, offset as i32);
                }
                _ => returned.push(value),
            }
        }
        self.builder.ins().return_(&returned);
        Ok(())
    }

    fn target(&mut self, depth: u32) -> Translated<(Block, &'a [ValType])> {
        let target = self.control.target(depth);
        target.ok_or_else(|| self.invalid("a branch leaves the function"))
    }

    /// The entry of a branch table for `depth`.
    ///
    /// It leads to a block on the way that hands over the arguments and the values of locals, one
    /// for each depth. Entries must not do that themselves: they would do it for every one of
    /// them, however many lead to the same target. Each entry has a call of its own, because a
    /// call owns the list of its arguments.
    fn edge(&mut self, edges: &mut Edges<'a>, depth: u32) -> Translated<BlockCall> {
        let block = match edges.by_depth.get(&depth) {
            Some(&block) => block,
            None => {
                let (target, params) = self.target(depth)?;
                let block = self.builder.create_block();
                edges.blocks.push(Edge { block, target, params });
                edges.by_depth.insert(depth, block);
                block
            }
        };
        Ok(self.builder.func.dfg.block_call(block, &[]))
    }

    fn fill_edges(&mut self, edges: &Edges<'a>) -> Translated {
        for edge in &edges.blocks {
            self.builder.seal_block(edge.block);
            self.builder.switch_to_block(edge.block);
            let args = self.peek_args(edge.params)?;
            self.builder.ins().jump(edge.target, &args);
            self.reuse_args(args);
        }
        Ok(())
    }

    /// Traps with `kind` if the 8-bit or wider integer `condition` is not 0.
    pub(super) fn trap_if(&mut self, condition: Value, kind: TrapKind) {
        self.builder.ins().trapnz(condition, trap_code(kind));
    }

    /// An address or index as 64 bits.
    pub(super) fn extend_index(&mut self, index: Value) -> Value {
        self.builder.ins().uextend(types::I64, index)
    }
}

/// The different targets of a branch table.
#[derive(Default)]
struct Edges<'a> {
    by_depth: HashMap<u32, Block>,
    blocks: Vec<Edge<'a>>,
}

/// A block that hands over the arguments.
struct Edge<'a> {
    block: Block,
    target: Block,
    params: &'a [ValType],
}
