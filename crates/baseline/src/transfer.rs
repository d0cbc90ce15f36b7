//! Moving several values at once: arguments, results, parameters of blocks.
//!
//! Memory first, in order; then registers to registers, cycles broken with r11; then what comes
//! from memory or is constant. The state of the operand stack stays as it is, so a transfer can
//! be emitted on one of two paths.

use tierup_abi::{Gpr, Xmm};
use tierup_asm::{Operand, Operation, R11, Width};
use tierup_wasm::ValType;

use crate::{
    generator::Generator,
    stack::{Value, width},
};

/// The vector register for use within an operator. Like r11 it does not outlive a register's
/// taking, which may move operands from one place in memory to another.
pub(crate) const SCRATCH_XMM: Xmm = Xmm(15);

/// One of several moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move {
    pub(crate) ty: ValType,
    pub(crate) source: Value,
    pub(crate) target: Target,
}

/// Where a value goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    Gpr(Gpr),
    Xmm(Xmm),
    Memory(Operand),
}

impl Move {
    /// Whether the value is there already.
    pub(crate) fn is_done(&self) -> bool {
        match (self.source, self.target) {
            (Value::Gpr(source), Target::Gpr(target)) => source == target,
            (Value::Xmm(source), Target::Xmm(target)) => source == target,
            (Value::Memory(source), Target::Memory(target)) => Operand::from(source) == target,
            _ => false,
        }
    }
}

impl Generator<'_> {
    /// Moves values. Two moves to memory must not overlap unless the first reads lower operands.
    /// Keeps the flags.
    pub(crate) fn transfer(&mut self, mut moves: Vec<Move>) {
        moves.retain(|it| !it.is_done());
        for it in &moves {
            if let Target::Memory(target) = it.target {
                self.store(it.ty, target, it.source);
            }
        }
        moves.retain(|it| !matches!(it.target, Target::Memory(_)));
        self.transfer_registers(&mut moves);
        for it in &moves {
            match it.target {
                Target::Gpr(register) => self.load(it.ty, register, it.source),
                Target::Xmm(register) => self.load_xmm(it.ty, register, it.source),
                Target::Memory(_) => {}
            }
        }
        moves.clear();
        self.moves = moves;
    }

    /// Does the moves from register to register and takes them off the list. At most 16 have a
    /// register as target, so the search is short.
    fn transfer_registers(&mut self, moves: &mut Vec<Move>) {
        loop {
            let mut registers = moves.iter().filter(|it| has_register(it.source));
            if registers.clone().next().is_none() {
                return;
            }
            let free = registers.position(|it| !is_read(moves, it.target));
            let free = free.and_then(|nth| {
                let mut indices =
                    moves.iter().enumerate().filter(|(_, it)| has_register(it.source));
                indices.nth(nth).map(|(index, _)| index)
            });
            match free {
                Some(index) => {
                    let done = moves.swap_remove(index);
                    match done.target {
                        Target::Gpr(target) => self.load(done.ty, target, done.source),
                        Target::Xmm(target) => self.load_xmm(done.ty, target, done.source),
                        Target::Memory(_) => {}
                    }
                }
                None => self.break_cycle(moves),
            }
        }
    }

    /// Every target is still read: puts one source aside.
    fn break_cycle(&mut self, moves: &mut [Move]) {
        let Some(source) = moves.iter().map(|it| it.source).find(|&it| has_register(it)) else {
            return;
        };
        let aside = match source {
            Value::Gpr(register) => {
                self.asm.operate(Operation::LOAD, Width::W64, R11, register);
                Value::Gpr(R11)
            }
            Value::Xmm(register) => {
                self.asm.operate(Operation::MOVE_VECTOR, Width::W32, SCRATCH_XMM, register);
                Value::Xmm(SCRATCH_XMM)
            }
            other => other,
        };
        for it in moves.iter_mut().filter(|it| it.source == source) {
            it.source = aside;
        }
    }

    /// An empty list for moves.
    pub(crate) fn take_moves(&mut self) -> Vec<Move> {
        std::mem::take(&mut self.moves)
    }

    /// Width of an i32 or externref that arrives with an undefined upper half. [BA-ZERO]
    pub(crate) fn clear_upper_half(&mut self, ty: ValType, register: Gpr) {
        if width(ty) == Width::W32 {
            self.asm.operate(Operation::LOAD, Width::W32, register, register);
        }
    }
}

fn has_register(value: Value) -> bool {
    matches!(value, Value::Gpr(_) | Value::Xmm(_))
}

/// Whether a move that is still to be done reads the target of another.
fn is_read(moves: &[Move], target: Target) -> bool {
    moves.iter().any(|it| match (it.source, target) {
        (Value::Gpr(source), Target::Gpr(target)) => source == target,
        (Value::Xmm(source), Target::Xmm(target)) => source == target,
        _ => false,
    })
}
