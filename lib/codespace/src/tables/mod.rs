//! Side tables in one block of memory: compact, sorted, immutable.
//!
//! ```text
//!   sizes  safepoints                    handlers               traps   positions
//!   │ 5 │ offsets │ ends │ slots (2) │ offsets │ to │ tags │ packed (`delta`) │ packed │ notes
//! ```
//!
//! All parts are 32-bit words, and a look-up is a binary search in a slice of a boxed slice with
//! a few steps behind it: nothing that a signal handler may not do. Traps and positions, which
//! are many, are packed as differences. A draft without tables has no block.
#![forbid(unsafe_code)]

mod delta;

use std::ops::Range;

use crate::{
    draft::{Position, SideTables, Slot},
    error::{ErrorKind, Result},
};

/// The side tables of one code object.
#[derive(Debug, Default)]
pub(crate) struct Tables(Box<[u32]>);

/// Packs tables, one after the other, with one set of buffers.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    words: Vec<u32>,
    bytes: Vec<u8>,
}

impl Packer {
    /// The same for a replacement at that place.
    pub(crate) fn pack_replacement(
        &mut self,
        tables: &SideTables,
        length: u32,
        place: u32,
    ) -> Result<Tables> {
        let notes = place.to_le_bytes().into_iter().chain(tables.notes.iter().copied()).collect();
        self.pack(&SideTables { notes, ..tables.clone() }, length)
    }

    /// Packs the tables of `length` bytes of code.
    pub(crate) fn pack(&mut self, tables: &SideTables, length: u32) -> Result<Tables> {
        check(tables, length)?;
        if *tables == SideTables::default() {
            return Ok(Tables::default());
        }
        let Self { words, bytes } = self;
        words.clear();
        // Most lists fit, and one that does not only grows the buffer.
        words.reserve(tables.traps.len() + tables.positions.len() + 2 * Sizes::HEADER);
        words.extend([0; Sizes::HEADER]);
        pack_safepoints(tables, words);
        words.extend(tables.handlers.iter().map(|handler| handler.offset));
        words.extend(tables.handlers.iter().map(|handler| handler.handler));
        words.extend(tables.handlers.iter().map(|handler| handler.tag));
        let traps = words.len();
        let pairs = tables.traps.iter().map(|trap| (trap.offset, trap.code.into()));
        delta::pack(pairs, words, bytes);
        let positions = words.len();
        let pairs = tables.positions.iter().map(|position| (position.offset, position.position));
        delta::pack(pairs, words, bytes);
        let sizes = Sizes {
            safepoints: tables.safepoints.len(),
            slots: tables.safepoints.iter().map(|safepoint| safepoint.slots.len()).sum(),
            handlers: tables.handlers.len(),
            trap_words: positions - traps,
            position_words: words.len() - positions,
        };
        words[..Sizes::HEADER].copy_from_slice(&sizes.header());
        debug_assert_eq!(words.len(), sizes.positions().end);
        pack_notes(&tables.notes, words);
        Ok(Tables(words.as_slice().into()))
    }
}

/// The references that a frame holds at one return address.
#[derive(Clone, Copy, Debug)]
pub struct SafepointView<'a> {
    /// Frame offset and kind of each, alternating.
    words: &'a [u32],
}

impl<'a> SafepointView<'a> {
    /// The places that hold references.
    pub fn slots(self) -> impl ExactSizeIterator<Item = Slot> + 'a {
        self.words
            .chunks_exact(2)
            .map(|pair| Slot { frame_offset: pair[0].cast_signed(), kind: pair[1] as u8 })
    }
}

impl Tables {
    /// Bytes of the block.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// The trap code of the instruction at `offset`.
    pub(crate) fn trap_at(&self, offset: u32) -> Option<u8> {
        let (found, code) = delta::floor(self.part(self.sizes()?.traps()), offset)?;
        (found == offset).then_some(code as u8)
    }

    /// The source position of the code at `offset`.
    pub(crate) fn position_at(&self, offset: u32) -> Option<u32> {
        let (_, position) = delta::floor(self.part(self.sizes()?.positions()), offset)?;
        (position != Position::NONE).then_some(position)
    }

    /// All trap sites: offset and code.
    pub(crate) fn traps(&self) -> impl Iterator<Item = (u32, u8)> {
        let words = self.sizes().map_or(0..0, Sizes::traps);
        delta::pairs(self.part(words)).map(|(offset, code)| (offset, code as u8))
    }

    /// All source positions: offset and position.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (u32, u32)> {
        delta::pairs(self.part(self.sizes().map_or(0..0, Sizes::positions)))
    }

    /// The references in the frame of a call that returns to `offset`.
    pub(crate) fn safepoint_at(&self, offset: u32) -> Option<SafepointView<'_>> {
        let sizes = self.sizes()?;
        let index = self.part(sizes.safepoint_offsets()).binary_search(&offset).ok()?;
        let ends = self.part(sizes.safepoint_ends());
        let start = index.checked_sub(1).map_or(0, |before| ends[before]);
        let words = self.part(sizes.slots());
        Some(SafepointView { words: words.get(2 * start as usize..2 * ends[index] as usize)? })
    }

    /// Handlers of a call that returns to `offset`: offset of the handler, and tag.
    pub(crate) fn handlers_at(&self, offset: u32) -> impl Iterator<Item = (u32, u32)> {
        let sizes = self.sizes().unwrap_or_default();
        let offsets = self.part(sizes.handler_offsets());
        let first = offsets.partition_point(|&other| other < offset);
        let last = offsets.partition_point(|&other| other <= offset);
        let targets = self.part(sizes.handler_targets());
        let tags = self.part(sizes.handler_tags());
        (first..last).map(|index| (targets[index], tags[index]))
    }

    /// The user's notes.
    pub(crate) fn notes(&self) -> impl Iterator<Item = u8> {
        let start = self.sizes().map_or(0, |sizes| sizes.positions().end);
        let (&length, words) = self.part(start..self.0.len()).split_first().unwrap_or((&0, &[]));
        words.iter().flat_map(|word| word.to_le_bytes()).take(length as usize)
    }

    /// The place of a replacement, with which its notes begin, as there is no room elsewhere.
    pub(crate) fn place(&self) -> u32 {
        let mut notes = self.notes();
        u32::from_le_bytes([0; 4].map(|_: u8| notes.next().unwrap_or(0)))
    }

    fn sizes(&self) -> Option<Sizes> {
        let header = self.0.first_chunk::<{ Sizes::HEADER }>()?;
        let [safepoints, slots, handlers, trap_words, position_words] =
            header.map(|size| size as usize);
        Some(Sizes { safepoints, slots, handlers, trap_words, position_words })
    }

    fn part(&self, range: Range<usize>) -> &[u32] {
        self.0.get(range).unwrap_or_default()
    }
}

/// How many entries or words each table has; from that follows where it lies.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sizes {
    safepoints: usize,
    slots: usize,
    handlers: usize,
    trap_words: usize,
    position_words: usize,
}

impl Sizes {
    const HEADER: usize = 5;

    fn header(self) -> [u32; Self::HEADER] {
        [self.safepoints, self.slots, self.handlers, self.trap_words, self.position_words]
            .map(|size| size as u32)
    }

    fn safepoint_offsets(self) -> Range<usize> {
        after(0..Self::HEADER, self.safepoints)
    }

    fn safepoint_ends(self) -> Range<usize> {
        after(self.safepoint_offsets(), self.safepoints)
    }

    fn slots(self) -> Range<usize> {
        after(self.safepoint_ends(), 2 * self.slots)
    }

    fn handler_offsets(self) -> Range<usize> {
        after(self.slots(), self.handlers)
    }

    fn handler_targets(self) -> Range<usize> {
        after(self.handler_offsets(), self.handlers)
    }

    fn handler_tags(self) -> Range<usize> {
        after(self.handler_targets(), self.handlers)
    }

    fn traps(self) -> Range<usize> {
        after(self.handler_tags(), self.trap_words)
    }

    fn positions(self) -> Range<usize> {
        after(self.traps(), self.position_words)
    }
}

fn after(part: Range<usize>, length: usize) -> Range<usize> {
    part.end..part.end + length
}

fn pack_safepoints(tables: &SideTables, words: &mut Vec<u32>) {
    words.extend(tables.safepoints.iter().map(|safepoint| safepoint.offset));
    let mut end = 0;
    words.extend(tables.safepoints.iter().map(|safepoint| {
        end += safepoint.slots.len() as u32;
        end
    }));
    for slot in tables.safepoints.iter().flat_map(|safepoint| &safepoint.slots) {
        words.extend([slot.frame_offset.cast_unsigned(), u32::from(slot.kind)]);
    }
}

/// Their length and the bytes; nothing if there are none.
fn pack_notes(notes: &[u8], words: &mut Vec<u32>) {
    if notes.is_empty() {
        return;
    }
    words.push(notes.len() as u32);
    words.extend(notes.chunks(4).map(|chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        u32::from_le_bytes(word)
    }));
}

/// Binary search needs sorted lists, in which only handlers may share an offset.
fn check(tables: &SideTables, length: u32) -> Result<()> {
    // An instruction lies inside the code; a return address may be its end.
    check_list(tables.traps.iter().map(|trap| trap.offset), length, Order::Strict)?;
    check_list(tables.positions.iter().map(|position| position.offset), length, Order::Weak)?;
    let returns = length.saturating_add(1);
    check_list(tables.safepoints.iter().map(|point| point.offset), returns, Order::Strict)?;
    check_list(tables.handlers.iter().map(|handler| handler.offset), returns, Order::Weak)?;
    match tables.handlers.iter().find(|handler| length <= handler.handler) {
        Some(bad) => bad_draft(bad.handler, "a handler lies outside the code"),
        None => Ok(()),
    }
}

/// May neighbours be equal?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Strict,
    Weak,
}

fn check_list(offsets: impl Iterator<Item = u32> + Clone, end: u32, order: Order) -> Result<()> {
    // Nearly all lists are right, and long: the first look has no branches.
    let step = i64::from(order == Order::Strict);
    let (mut sorted, mut last) = (true, -1);
    for offset in offsets.clone().map(i64::from) {
        sorted &= last + step <= offset;
        last = offset;
    }
    if sorted && last < i64::from(end) { Ok(()) } else { find_bad(offsets, end, order) }
}

/// Says which entry is wrong.
#[cold]
fn find_bad(offsets: impl Iterator<Item = u32>, end: u32, order: Order) -> Result<()> {
    let mut last = None;
    for offset in offsets {
        if end <= offset {
            return bad_draft(offset, "an entry of a side table lies outside the code");
        }
        let sorted =
            last.is_none_or(|last| last < offset || (order == Order::Weak && last == offset));
        if !sorted {
            return bad_draft(offset, "a side table is not sorted");
        }
        last = Some(offset);
    }
    Ok(())
}

#[cold]
fn bad_draft(offset: u32, reason: &'static str) -> Result<()> {
    Err(ErrorKind::BadDraft { offset, reason }.into())
}

#[cfg(test)]
mod tests;
