//! Relocations: what in a draft depends on where it lies, and veneers for cells out of reach.
//!
//! ```text
//!   object   │ draft's bytes          │ slot   │ veneer            │ …  one pair for each cell
//!            │ call [rip+x] ──────────► address of veneer          │    that is out of reach
//!            │                        │        │ mov rax, cell     │
//!            │                        │        │ jmp [rax]         │
//! ```
//!
//! * [REL-CHECK] everything is checked while the bytes are still in a buffer on the heap: a bad
//!   or unreachable target is an error before a byte of code memory is written.
#![forbid(unsafe_code)]

use std::ops::Range;

use crate::{
    cells::CELL_BYTES,
    draft::{Draft, Relocation, RelocationKind, Target},
    error::{ErrorKind, Result},
};

/// Bytes of a slot and its veneer.
const VENEER_BYTES: usize = 24;
const SLOT_BYTES: usize = 8;

/// Where a unit's cells are, and how far code may be from them.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    /// Addresses; empty if the unit has no cells.
    pub(crate) cells: Range<usize>,
    pub(crate) limit: usize,
}

impl Reach {
    /// Are all cells in reach of all code in that range?
    pub(crate) fn covers(&self, code: &Range<usize>) -> bool {
        let above = code.end.saturating_sub(self.cells.start);
        let below = self.cells.end.saturating_sub(code.start);
        self.cells.is_empty() || above.max(below) <= self.limit
    }

    fn cell(&self, function: u32) -> Option<usize> {
        let address = self.cells.start.checked_add(function as usize * CELL_BYTES)?;
        self.cells.contains(&address).then_some(address)
    }
}

/// Bytes that the draft needs where cells are in reach.
pub(crate) fn size_near(draft: &Draft) -> usize {
    draft.bytes.len()
}

/// Bytes that the draft needs where no cell is in reach.
pub(crate) fn size_far(draft: &Draft) -> usize {
    let is_near_cell = |relocation: &&Relocation| relocation.kind == RelocationKind::Relative4;
    let mut cells: Vec<u32> = draft
        .relocations
        .iter()
        .filter(is_near_cell)
        .filter_map(|relocation| match relocation.target {
            Target::Cell(function) => Some(function),
            _ => None,
        })
        .collect();
    cells.sort_unstable();
    cells.dedup();
    match cells.len() {
        0 => size_near(draft),
        count => draft.bytes.len().next_multiple_of(SLOT_BYTES) + count * VENEER_BYTES,
    }
}

/// Writes the draft for its place at `base` to `buffer`, which is as large as its range. Returns
/// how many bytes it has with veneers.
pub(crate) fn emit(draft: &Draft, base: usize, reach: &Reach, buffer: &mut [u8]) -> Result<usize> {
    let body = draft.bytes.len();
    buffer[..body].copy_from_slice(&draft.bytes);
    let mut emitter = Emitter { base, body, reach, buffer, veneers: Vec::new(), end: body };
    for relocation in &draft.relocations {
        emitter.relocate(relocation)?;
    }
    Ok(emitter.end)
}

struct Emitter<'a> {
    base: usize,
    body: usize,
    reach: &'a Reach,
    buffer: &'a mut [u8],
    /// Cells with veneers, and the offsets of their slots, by cell.
    veneers: Vec<(usize, usize)>,
    end: usize,
}

impl Emitter<'_> {
    fn relocate(&mut self, relocation: &Relocation) -> Result<()> {
        let size = match relocation.kind {
            RelocationKind::Relative4 => 4,
            RelocationKind::Absolute8 => 8,
        };
        let offset = relocation.offset as usize;
        if self.body < offset + size {
            return bad(relocation, "a relocation's field lies outside the code");
        }
        let target = self.target(relocation)?;
        match relocation.kind {
            RelocationKind::Absolute8 => {
                let value = target.wrapping_add_signed(relocation.addend as isize);
                self.write(offset, &value.to_le_bytes());
                Ok(())
            }
            RelocationKind::Relative4 => self.relative(relocation, offset, target),
        }
    }

    fn target(&self, relocation: &Relocation) -> Result<usize> {
        match relocation.target {
            Target::Address(address) => Ok(address),
            Target::Cell(function) => match self.reach.cell(function) {
                Some(cell) => Ok(cell),
                None => bad(relocation, "a relocation's cell is not one of the unit"),
            },
            Target::Own(offset) if offset as usize <= self.body => Ok(self.base + offset as usize),
            Target::Own(_) => bad(relocation, "a relocation's target lies outside the code"),
        }
    }

    fn relative(&mut self, relocation: &Relocation, offset: usize, target: usize) -> Result<()> {
        let field = self.base + offset;
        let is_cell = matches!(relocation.target, Target::Cell(_));
        let limit = if is_cell { self.reach.limit } else { usize::MAX };
        if target.abs_diff(field) <= limit
            && let Some(value) = displacement(field, target, relocation.addend)
        {
            self.write(offset, &value);
            return Ok(());
        }
        if !is_cell {
            return Err(ErrorKind::OutOfReach { field, target }.into());
        }
        let slot = self.base + self.veneer(target);
        match displacement(field, slot, relocation.addend) {
            Some(value) => self.write(offset, &value),
            None => return Err(ErrorKind::OutOfReach { field, target: slot }.into()),
        }
        Ok(())
    }

    /// Offset of the slot that leads to the veneer of that cell, which is made if need be.
    fn veneer(&mut self, cell: usize) -> usize {
        let place = match self.veneers.binary_search_by_key(&cell, |&(cell, _)| cell) {
            Ok(found) => return self.veneers[found].1,
            Err(place) => place,
        };
        let slot = self.end.next_multiple_of(SLOT_BYTES);
        self.veneers.insert(place, (cell, slot));
        self.end = slot + VENEER_BYTES;
        let veneer = slot + SLOT_BYTES;
        self.write(slot, &(self.base + veneer).to_le_bytes());
        self.write(veneer, &[0x48, 0xb8]); // mov rax, imm64
        self.write(veneer + 2, &cell.to_le_bytes());
        self.write(veneer + 10, &[0xff, 0x20]); // jmp [rax]
        slot
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.buffer[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
}

/// The field that leads from `field` to `target`, if it does.
fn displacement(field: usize, target: usize, addend: i32) -> Option<[u8; 4]> {
    let distance = target.wrapping_sub(field).cast_signed();
    let value = distance.checked_add(addend as isize)?;
    i32::try_from(value).ok().map(i32::to_le_bytes)
}

#[cold]
fn bad<T>(relocation: &Relocation, reason: &'static str) -> Result<T> {
    Err(ErrorKind::BadDraft { offset: relocation.offset, reason }.into())
}

#[cfg(test)]
mod tests;
