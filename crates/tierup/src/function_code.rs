//! The machine code of a function, to look at.

use std::fmt;

use codespace::{CodeRef, Tier};
use tierup_runtime::TrapKind;

use crate::Module;

/// The machine code of a function. It stays as long as this lives, also if the function gets
/// other code.
pub struct FunctionCode {
    module: Module,
    code: CodeRef,
}

impl FunctionCode {
    pub(crate) fn new(module: Module, code: CodeRef) -> Self {
        Self { module, code }
    }

    /// Which compiler made it.
    pub fn tier(&self) -> Tier {
        self.code.tier()
    }

    /// Address of the first instruction.
    pub fn address(&self) -> usize {
        self.code.entry()
    }

    /// The machine code, with constants and veneers behind it.
    pub fn bytes(&self) -> &[u8] {
        self.code.bytes()
    }

    /// Bytes of what is kept of it beside the code: its record and side tables.
    pub fn metadata_bytes(&self) -> usize {
        self.code.metadata_bytes()
    }

    /// Instructions that may trap: their offsets and why, sorted.
    pub fn traps(&self) -> impl Iterator<Item = (u32, TrapKind)> {
        let traps = self.code.traps();
        traps.filter_map(|(offset, code)| Some((offset, TrapKind::from_code(code)?)))
    }

    /// Where code comes from: offsets and positions in the module's bytes, each valid up to the
    /// next. `None` for code that stands for no instruction of the module.
    pub fn positions(&self) -> impl Iterator<Item = (u32, Option<u32>)> {
        self.code.positions().map(|(offset, position)| {
            (offset, (position != codespace::Position::NONE).then_some(position))
        })
    }

    /// The function that is called through the cell at that address, by its index in the module.
    pub fn function_of_cell(&self, address: usize) -> Option<u32> {
        let defined = self.code.unit().function_of_cell(address)?;
        Some(defined + self.module.imported_function_count())
    }
}

impl fmt::Debug for FunctionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)
    }
}
