//! Where a frame's values are at loop headers, for those who go on in optimized code.
//!
//! The map is a side table, so code pays nothing for it. It describes the locals, which are in the
//! same places everywhere, and the operands of loops that have any: those below, which were settled
//! when the loop opened ([BA-BELOW]), and the loop's parameters, which are in their slots.
//! [RE-WHOLE] of `tierup_abi` follows.

use tierup_abi::{FrameHead, FrameMapWriter, FrameValue, Home};
use tierup_wasm::ValType;

use crate::{
    generator::{Generator, LocalPlace},
    stack::{Entry, Place},
};

/// Most operands that the map of a function lists, each time counted: a byte of a body can ask for
/// thousands. Loops beyond are not replaceable. Real functions stay below a hundredth of it.
const MOST_OPERANDS: usize = 1 << 16;

/// What is known about loops so far.
#[derive(Debug, Default)]
pub(crate) struct Loops {
    /// Whether there is a replaceable one.
    any: bool,
    /// How many operands the list has.
    operands: usize,
    /// Those with operands, by position.
    list: Vec<(u32, Vec<FrameValue>)>,
}

impl Generator<'_> {
    /// Notes the operands of the loop whose header begins here. False if it is not replaceable.
    pub(crate) fn note_loop(&mut self) -> bool {
        let operands = self.loops.operands + self.stack.len();
        if MOST_OPERANDS < operands {
            return false;
        }
        let values: Option<Vec<_>> = self.stack.iter().map(|&it| self.operand_home(it)).collect();
        let Some(values) = values else { return false };
        if !values.is_empty() {
            self.loops.list.push((self.offset as u32, values));
        }
        self.loops.operands = operands;
        self.loops.any = true;
        true
    }

    /// The notes of the code: a map if there are replaceable loops.
    pub(crate) fn frame_map(&mut self) -> Vec<u8> {
        if !self.loops.any {
            return Vec::new();
        }
        let saved = self.frame.saved.clone();
        let head = FrameHead { saved, result_area: self.frame.result_area };
        let locals = self.locals.iter().map(|local| {
            let home = match local.place {
                LocalPlace::Register(register) => Home::Gpr(register),
                LocalPlace::Xmm { register, .. } => Home::Xmm(register),
                LocalPlace::Frame(offset) => Home::Frame(offset),
            };
            FrameValue { home, wide: local.ty == ValType::V128 }
        });
        let mut writer = FrameMapWriter::new(&head, locals);
        for (position, operands) in self.loops.list.drain(..) {
            writer.add_loop(position, operands.into_iter());
        }
        writer.finish()
    }

    /// Where an operand is at a loop's header.
    fn operand_home(&self, entry: Entry) -> Option<FrameValue> {
        let home = match entry.place {
            Place::Constant(bits) => Home::Constant(bits.into()),
            Place::Vector(constant) => Home::Constant(self.constant_bits(constant)),
            Place::Slot => Home::Frame(self.slot(entry.end).offset),
            Place::Gpr(_) | Place::Xmm(_) | Place::Local(_) | Place::Flags(_) => return None,
        };
        Some(FrameValue { home, wide: entry.ty == ValType::V128 })
    }
}
