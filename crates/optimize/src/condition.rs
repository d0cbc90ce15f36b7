//! Conditions turned into their opposites.
//!
//! The opposite of a comparison is another comparison. Cranelift finds that out for integers, but
//! not for floats: there it would store the flag as a number first and test that.

use cranelift_codegen::ir::{
    Function, InstBuilder, InstructionData, Opcode, Value, ValueDef,
    condcodes::{CondCode, FloatCC, IntCC},
};

/// What holds exactly if a value is zero.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Opposite {
    /// The value was itself whether this one is zero: this one is not.
    Truth(Value),
    /// A comparison of integers.
    Integers(IntCC, Value, Value),
    /// A comparison of floats.
    Floats(FloatCC, Value, Value),
    /// No more is known.
    Zero(Value),
}

impl Opposite {
    /// The opposite of an integer as a condition.
    pub(crate) fn of(func: &Function, value: Value) -> Self {
        let mut source = definition(func, value);
        while let Some(InstructionData::Unary { opcode: Opcode::Uextend, arg }) = source {
            source = definition(func, arg);
        }
        match source {
            Some(InstructionData::IntCompare { cond, args: [left, right], .. }) => {
                if cond == IntCC::Equal && is_zero(func, right) {
                    return Self::Truth(left);
                }
                Self::Integers(cond.complement(), left, right)
            }
            Some(InstructionData::FloatCompare { cond, args: [left, right], .. }) => {
                Self::Floats(cond.complement(), left, right)
            }
            _ => Self::Zero(value),
        }
    }

    /// The opposite as an integer that is not 0 if it holds.
    pub(crate) fn emit<'f>(self, ins: impl InstBuilder<'f>) -> Value {
        match self {
            Self::Truth(value) => value,
            Self::Integers(cond, left, right) => ins.icmp(cond, left, right),
            Self::Floats(cond, left, right) => ins.fcmp(cond, left, right),
            Self::Zero(value) => ins.icmp_imm_s(IntCC::Equal, value, 0),
        }
    }
}

/// The instruction that makes a value.
fn definition(func: &Function, value: Value) -> Option<InstructionData> {
    match func.dfg.value_def(value) {
        ValueDef::Result(inst, _) => Some(func.dfg.insts[inst]),
        _ => None,
    }
}

fn is_zero(func: &Function, value: Value) -> bool {
    matches!(
        definition(func, value),
        Some(InstructionData::UnaryImm { opcode: Opcode::Iconst, imm }) if imm.bits() == 0
    )
}
