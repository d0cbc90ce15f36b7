//! Moving several values at once: arguments, results, parameters of blocks.
//!
//! Memory first, in order; then registers to registers, cycles broken with r11; then what comes
//! from memory or is constant. The state of the operand stack stays as it is, so a transfer can
//! be emitted on one of two paths.

use tierup_abi::{Gpr, Xmm};
use tierup_asm::{Address, Operation, R11, Width};
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
    Memory(Address),
}

impl Move {
    /// Whether the value is there already.
    pub(crate) fn is_done(&self) -> bool {
        match (self.source, self.target) {
            (Value::Gpr(source), Target::Gpr(target)) => source == target,
            (Value::Xmm(source), Target::Xmm(target)) => source == target,
            (Value::Memory(source), Target::Memory(target)) => source == target,
            _ => false,
        }
    }
}

impl Generator<'_> {
    /// Moves values. Two moves to memory must not overlap unless the first reads lower operands.
    /// Keeps the flags.
    pub(crate) fn transfer(&mut self, mut moves: Vec<Move>) {
        moves.retain(|it| {
            if let (Target::Memory(target), false) = (it.target, it.is_done()) {
                self.store(it.ty, target.into(), it.source);
            }
            !matches!(it.target, Target::Memory(_)) && !it.is_done()
        });
        self.transfer_registers(&mut moves);
        for it in &moves {
            self.move_to_register(it);
        }
        moves.clear();
        self.moves = moves;
    }

    /// Does the moves from register to register and takes them off the list.
    fn transfer_registers(&mut self, moves: &mut Vec<Move>) {
        let mut readers = Readers::default();
        for it in &*moves {
            readers.add(it.source, 1);
        }
        while readers.all != 0 {
            let before = readers.all;
            moves.retain(|it| {
                if !has_register(it.source) || readers.has(it.target) {
                    return true;
                }
                self.move_to_register(it);
                readers.add(it.source, -1);
                false
            });
            if readers.all == before {
                self.break_cycle(moves, &mut readers);
            }
        }
    }

    /// Every target is still read: puts one source aside.
    fn break_cycle(&mut self, moves: &mut [Move], readers: &mut Readers) {
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
            readers.add(source, -1);
            readers.add(aside, 1);
        }
    }

    fn move_to_register(&mut self, it: &Move) {
        match it.target {
            Target::Gpr(register) => self.load(it.ty, register, it.source),
            Target::Xmm(register) => self.load_xmm(it.ty, register, it.source),
            Target::Memory(_) => {}
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

/// How many moves that are still to be done read each register.
#[derive(Default)]
struct Readers {
    gprs: [i8; 16],
    xmms: [i8; 16],
    all: i32,
}

impl Readers {
    fn add(&mut self, source: Value, count: i8) {
        let readers = match source {
            Value::Gpr(register) => &mut self.gprs[usize::from(register.0)],
            Value::Xmm(register) => &mut self.xmms[usize::from(register.0)],
            _ => return,
        };
        *readers += count;
        self.all += i32::from(count);
    }

    fn has(&self, target: Target) -> bool {
        match target {
            Target::Gpr(register) => self.gprs[usize::from(register.0)] != 0,
            Target::Xmm(register) => self.xmms[usize::from(register.0)] != 0,
            Target::Memory(_) => false,
        }
    }
}
