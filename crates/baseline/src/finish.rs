//! The end of a compilation: cold code, the frame's size, constants, jump tables.

use codespace::{Position, Slot};
use tierup_abi::TrapKind;
use tierup_asm::Label;
use tierup_compile::{CompileError, Compiled};

use crate::{
    budget::Spent,
    generator::Generator,
    workspace::{self, Workspace},
};

/// Code behind the function's end.
#[derive(Debug)]
pub(crate) enum Cold {
    /// A trap.
    Trap { label: Label, kind: TrapKind, position: u32 },
    /// A budget that is used up.
    Budget { label: Label, back: Label, position: u32, slots: Vec<Slot>, spent: Spent },
    /// A call of the poll builtin.
    Poll { label: Label, back: Label, position: u32, slots: Vec<Slot> },
    /// An indirect call met another type, or null; the entry's address is in r10.
    TypeMismatch { label: Label, position: u32 },
}

impl Generator<'_> {
    /// Everything about the code that outlives the compiler.
    pub(crate) fn finish(mut self) -> Result<Compiled, CompileError> {
        self.emit_cold()?;
        self.note(Position::NONE);
        let frame_size = self.settle_frame()?;
        self.emit_constants();
        for (table, entries) in std::mem::take(&mut self.jump_tables) {
            self.asm.align(4);
            self.asm.bind(table);
            let start = self.asm.offset();
            for entry in entries {
                self.asm.table_entry(start, entry);
            }
        }
        self.tables.notes = self.frame_map();
        let positions = &mut self.tables.positions;
        // The function may end where its code ends.
        while positions.last().is_some_and(|last| self.asm.offset() <= last.offset) {
            positions.pop();
        }
        let bytes = self.asm.finish();
        // Copies are of the right size.
        let (relocations, tables) = (self.relocations.clone(), self.tables.clone());
        workspace::give_back(Workspace {
            asm: self.asm,
            stack: self.stack,
            locals: self.locals,
            control: self.control,
            cold: self.cold,
            tables: self.tables,
            relocations: self.relocations,
            moves: self.moves,
        });
        Ok(Compiled { bytes, relocations, tables, frame_size })
    }
}
