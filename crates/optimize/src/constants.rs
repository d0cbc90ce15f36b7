//! Constants where they are used.
//!
//! A constant that no instruction can take as its immediate needs a register, and making it anew
//! costs less than keeping it. Cranelift knows that, and gives each block its own. But it forgets
//! it where it copies a constant to a second part of the dominator tree: all blocks below share
//! this one, across loops and calls, in a register that other values need more. Here, between
//! Cranelift's optimizer and its register allocator, these blocks get their own too.
//!
//! Not here: vectors, which are loaded from memory and better kept.

use cranelift_codegen::{
    entity::SecondaryMap,
    ir::{Block, Function, Inst, Opcode, Value, ValueDef},
    packed_option::PackedOption,
};

/// Gives each block its own constants.
pub(crate) fn keep_close(func: &mut Function) {
    let mut close = Close { copies: SecondaryMap::new(), values: Vec::new() };
    let mut next_block = func.layout.entry_block();
    while let Some(block) = next_block {
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            close.instruction(func, block, inst);
            next = func.layout.next_inst(inst);
        }
        next_block = func.layout.next_block(block);
    }
}

/// What was copied.
struct Close {
    /// The newest copy of a constant.
    copies: SecondaryMap<Value, PackedOption<Value>>,
    /// Lent for the operands of an instruction.
    values: Vec<Value>,
}

impl Close {
    /// Replaces the constants of other blocks among the operands of an instruction.
    fn instruction(&mut self, func: &mut Function, block: Block, inst: Inst) {
        let from_elsewhere =
            |value| constant(func, value).is_some_and(|it| !is_in(func, it, block));
        if !func.dfg.inst_values(inst).any(from_elsewhere) {
            return;
        }
        let mut values = std::mem::take(&mut self.values);
        values.extend(func.dfg.inst_values(inst));
        let immediate = takes_immediate(func.dfg.insts[inst].opcode());
        for (index, value) in values.iter_mut().enumerate() {
            if let Some(source) = constant(func, *value)
                && !is_in(func, source, block)
                && !(immediate && index == 1)
            {
                *value = self.copy(func, *value, source, inst);
            }
        }
        func.dfg.overwrite_inst_values(inst, values.drain(..));
        self.values = values;
    }

    /// The copy of a constant in the block of an instruction, which it precedes.
    fn copy(&mut self, func: &mut Function, value: Value, source: Inst, before: Inst) -> Value {
        if let Some(copy) = self.copies[value].expand()
            && let Some(made) = constant(func, copy)
            && func.layout.inst_block(made) == func.layout.inst_block(before)
        {
            return copy;
        }
        let copied = func.dfg.clone_inst(source);
        func.layout.insert_inst(copied, before);
        let copy = func.dfg.first_result(copied);
        self.copies[value] = copy.into();
        copy
    }
}

/// The instruction that makes a constant.
fn constant(func: &Function, value: Value) -> Option<Inst> {
    match func.dfg.value_def(value) {
        ValueDef::Result(inst, _) => match func.dfg.insts[inst].opcode() {
            Opcode::Iconst | Opcode::F32const | Opcode::F64const => Some(inst),
            _ => None,
        },
        _ => None,
    }
}

fn is_in(func: &Function, inst: Inst, block: Block) -> bool {
    func.layout.inst_block(inst) == Some(block)
}

/// Whether a constant as second operand becomes part of the instruction, wherever it comes from.
fn takes_immediate(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Icmp
            | Opcode::Iadd
            | Opcode::Isub
            | Opcode::Imul
            | Opcode::Band
            | Opcode::Bor
            | Opcode::Bxor
            | Opcode::Ishl
            | Opcode::Ushr
            | Opcode::Sshr
            | Opcode::Rotl
            | Opcode::Rotr
            | Opcode::Fcmp
            | Opcode::Fadd
            | Opcode::Fsub
            | Opcode::Fmul
            | Opcode::Fdiv
    )
}
