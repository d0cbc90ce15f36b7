//! Vectors that are known: literals, and what sequences of instructions need.
//!
//! They lie behind the code, each once, aligned so that any instruction can read them in place.

use std::collections::HashMap;

use tierup_abi::Xmm;
use tierup_asm::{Label, Operation, Width, vector};
use tierup_wasm::ValType;

use crate::{
    generator::{Generated, Generator},
    stack::Place,
};

/// A vector behind the code, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Constant(u32);

/// The vectors behind a function's code.
#[derive(Default)]
pub(crate) struct Constants {
    /// Their bits, and where those lie that code refers to.
    list: Vec<(u128, Option<Label>)>,
    numbers: HashMap<u128, Constant>,
}

/// Alignment of vectors in memory, for instructions that want it.
const ALIGNMENT: usize = 16;

impl Generator<'_> {
    pub(crate) fn visit_v128_const(&mut self, value: wasmparser::V128) -> Generated {
        let constant = self.constant(u128::from_le_bytes(*value.bytes()));
        self.push(ValType::V128, Place::Vector(constant));
        Ok(())
    }

    /// The constant with those bits.
    pub(crate) fn constant(&mut self, bits: u128) -> Constant {
        let Constants { list, numbers } = &mut self.constants;
        *numbers.entry(bits).or_insert_with(|| {
            list.push((bits, None));
            Constant(list.len() as u32 - 1)
        })
    }

    /// The bits of a constant.
    pub(crate) fn constant_bits(&self, constant: Constant) -> u128 {
        self.constants.list[constant.0 as usize].0
    }

    /// Where a constant lies.
    pub(crate) fn constant_label(&mut self, constant: Constant) -> Label {
        let label = &mut self.constants.list[constant.0 as usize].1;
        *label.get_or_insert_with(|| self.asm.label())
    }

    /// `register = constant`. Keeps the flags.
    pub(crate) fn load_vector(&mut self, register: Xmm, constant: Constant) {
        match self.constants.list[constant.0 as usize].0 {
            0 => self.asm.operate(Operation::XOR_VECTOR, Width::W32, register, register),
            u128::MAX => self.asm.operate(vector::EQUAL32, Width::W32, register, register),
            _ => {
                let label = self.constant_label(constant);
                self.asm.operate(Operation::MOVE_VECTOR, Width::W32, register, label);
            }
        }
    }

    /// Puts constants behind the code.
    pub(crate) fn emit_constants(&mut self) {
        for &(bits, label) in &self.constants.list {
            if let Some(label) = label {
                self.asm.align(ALIGNMENT);
                self.asm.bind(label);
                self.asm.data(&bits.to_le_bytes());
            }
        }
    }
}
