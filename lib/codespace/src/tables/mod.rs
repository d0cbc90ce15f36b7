//! Side tables in one block of memory: compact, sorted, immutable.
//!
//! ```text
//!   counts  traps           positions          safepoints                    handlers
//!   │ 5 │ offsets │ codes │ offsets │ values │ offsets │ ends │ slots (2) │ offsets │ to │ tags │
//! ```
//!
//! All parts are 32-bit words (trap codes four in one), so a look-up is a binary search in a
//! slice of a boxed slice: nothing that a signal handler may not do. A draft without tables has
//! no block.
#![forbid(unsafe_code)]

use std::ops::Range;

use crate::{
    draft::{Position, SideTables, Slot},
    error::{ErrorKind, Result},
};

/// The side tables of one code object.
#[derive(Debug, Default)]
pub(crate) struct Tables(Box<[u32]>);

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
    /// Packs the tables of `length` bytes of code.
    pub(crate) fn pack(tables: &SideTables, length: u32) -> Result<Self> {
        check(tables, length)?;
        let counts = Counts::of(tables);
        if counts == Counts::default() {
            return Ok(Self::default());
        }
        let mut words = Vec::with_capacity(counts.words());
        words.extend(counts.header());
        pack_traps(tables, &mut words);
        words.extend(tables.positions.iter().map(|position| position.offset));
        words.extend(tables.positions.iter().map(|position| position.position));
        pack_safepoints(tables, &mut words);
        words.extend(tables.handlers.iter().map(|handler| handler.offset));
        words.extend(tables.handlers.iter().map(|handler| handler.handler));
        words.extend(tables.handlers.iter().map(|handler| handler.tag));
        debug_assert_eq!(words.len(), counts.words());
        Ok(Self(words.into_boxed_slice()))
    }

    /// Bytes of the block.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// The trap code of the instruction at `offset`.
    pub(crate) fn trap_at(&self, offset: u32) -> Option<u8> {
        let counts = self.counts()?;
        let index = self.part(counts.trap_offsets()).binary_search(&offset).ok()?;
        let word = self.part(counts.trap_codes()).get(index / 4)?;
        Some(word.to_le_bytes()[index % 4])
    }

    /// The source position of the code at `offset`.
    pub(crate) fn position_at(&self, offset: u32) -> Option<u32> {
        let counts = self.counts()?;
        let after = self.part(counts.position_offsets()).partition_point(|&start| start <= offset);
        let position = *self.part(counts.position_values()).get(after.checked_sub(1)?)?;
        (position != Position::NONE).then_some(position)
    }

    /// The references in the frame of a call that returns to `offset`.
    pub(crate) fn safepoint_at(&self, offset: u32) -> Option<SafepointView<'_>> {
        let counts = self.counts()?;
        let index = self.part(counts.safepoint_offsets()).binary_search(&offset).ok()?;
        let ends = self.part(counts.safepoint_ends());
        let start = index.checked_sub(1).map_or(0, |before| ends[before]);
        let words = self.part(counts.slots());
        Some(SafepointView { words: words.get(2 * start as usize..2 * ends[index] as usize)? })
    }

    /// Handlers of a call that returns to `offset`: offset of the handler, and tag.
    pub(crate) fn handlers_at(&self, offset: u32) -> impl Iterator<Item = (u32, u32)> {
        let counts = self.counts().unwrap_or_default();
        let offsets = self.part(counts.handler_offsets());
        let first = offsets.partition_point(|&other| other < offset);
        let last = offsets.partition_point(|&other| other <= offset);
        let targets = self.part(counts.handler_targets());
        let tags = self.part(counts.handler_tags());
        (first..last).map(|index| (targets[index], tags[index]))
    }

    fn counts(&self) -> Option<Counts> {
        let header = self.0.first_chunk::<{ Counts::HEADER }>()?;
        let [traps, positions, safepoints, slots, handlers] = header.map(|count| count as usize);
        Some(Counts { traps, positions, safepoints, slots, handlers })
    }

    fn part(&self, range: Range<usize>) -> &[u32] {
        self.0.get(range).unwrap_or_default()
    }
}

/// How many entries each table has; from that follows where it lies.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    traps: usize,
    positions: usize,
    safepoints: usize,
    slots: usize,
    handlers: usize,
}

impl Counts {
    const HEADER: usize = 5;

    fn of(tables: &SideTables) -> Self {
        Self {
            traps: tables.traps.len(),
            positions: tables.positions.len(),
            safepoints: tables.safepoints.len(),
            slots: tables.safepoints.iter().map(|safepoint| safepoint.slots.len()).sum(),
            handlers: tables.handlers.len(),
        }
    }

    fn header(self) -> [u32; Self::HEADER] {
        [self.traps, self.positions, self.safepoints, self.slots, self.handlers]
            .map(|count| count as u32)
    }

    fn trap_offsets(self) -> Range<usize> {
        after(0..Self::HEADER, self.traps)
    }

    fn trap_codes(self) -> Range<usize> {
        after(self.trap_offsets(), self.traps.div_ceil(4))
    }

    fn position_offsets(self) -> Range<usize> {
        after(self.trap_codes(), self.positions)
    }

    fn position_values(self) -> Range<usize> {
        after(self.position_offsets(), self.positions)
    }

    fn safepoint_offsets(self) -> Range<usize> {
        after(self.position_values(), self.safepoints)
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

    fn words(self) -> usize {
        self.handler_tags().end
    }
}

fn after(part: Range<usize>, length: usize) -> Range<usize> {
    part.end..part.end + length
}

fn pack_traps(tables: &SideTables, words: &mut Vec<u32>) {
    words.extend(tables.traps.iter().map(|trap| trap.offset));
    words.extend(tables.traps.chunks(4).map(|four| {
        let mut codes = [0; 4];
        codes.iter_mut().zip(four).for_each(|(code, trap)| *code = trap.code);
        u32::from_le_bytes(codes)
    }));
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

fn check_list(offsets: impl Iterator<Item = u32>, end: u32, order: Order) -> Result<()> {
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
