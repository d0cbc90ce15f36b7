//! Replacement on stack: where the values of a baseline frame are, and where they travel.
//!
//! A loop that runs for long in one call of baseline code goes on in optimized code. At a loop's
//! header the runtime moves the frame's values to a buffer of the store, takes the frame down and
//! jumps to code that starts at this loop:
//!
//! ```text
//!   frame (FrameMap says where)          buffer (BufferLayout)            optimized code
//!     locals                    ──►  8 bytes each, a v128 16      ──►   loads all of them first,
//!     operands below the loop        and aligned                        then jumps to the loop
//!     the loop's parameters
//! ```
//!
//! The state at the jump is that of a call of the function: the frame pointer, the callee-saved
//! registers and the return address are the caller's, `rdi` is the instance, and `rsi` the result
//! area if there is one. The stack arguments are still there, but of no interest.
//!
//! * [RE-WHOLE] at a loop's header all values are where the map says: in registers that the code
//!   gave to locals, in the frame, or nowhere because they are constant. Operands lie in no
//!   register.
//! * [RE-QUIET] nothing that can collect objects or run other code of the store happens between
//!   the moment when values are copied to the buffer and the one when they were loaded from it.
#![forbid(unsafe_code)]

use crate::{Gpr, Xmm};

/// Where a value of a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Home {
    /// In a general register.
    Gpr(Gpr),
    /// In a vector register.
    Xmm(Xmm),
    /// At this distance from the frame pointer.
    Frame(i32),
    /// Nowhere: these are its bits.
    Constant(u128),
}

/// A value of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameValue {
    /// Where it is.
    pub home: Home,
    /// Whether it has 16 bytes instead of 8.
    pub wide: bool,
}

impl FrameValue {
    /// Its bytes.
    pub fn size(self) -> u32 {
        if self.wide { 16 } else { 8 }
    }
}

/// What a frame's caller wants to have back.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FrameHead {
    /// Callee-saved registers: the first is kept right below the frame pointer, each other below
    /// the one before.
    pub saved: Vec<Gpr>,
    /// Distance of the result area's address from the frame pointer, if there is one.
    pub result_area: Option<i32>,
}

/// Where values travel: hands out places of the buffer in order.
#[derive(Clone, Copy, Default, Debug)]
pub struct BufferLayout {
    end: u32,
}

impl BufferLayout {
    /// The offset of the next value, which has `size` bytes: 8 or 16.
    pub fn place(&mut self, size: u32) -> u32 {
        let offset = self.end.next_multiple_of(size);
        self.end = offset + size;
        offset
    }

    /// Bytes of all values so far.
    pub fn bytes(self) -> u32 {
        self.end
    }
}

/// What is known about a frame at one loop's header.
///
/// Compilers write it as bytes with a [`FrameMapWriter`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameMap {
    /// What the caller wants to have back.
    pub head: FrameHead,
    runs: Vec<Run>,
}

/// Values that lie side by side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run {
    first: FrameValue,
    /// From each to the next, in the frame.
    step: i32,
    count: u32,
}

impl Run {
    fn one(first: FrameValue) -> Self {
        Self { first, step: 0, count: 1 }
    }

    fn get(self, index: u32) -> FrameValue {
        let home = match self.first.home {
            Home::Frame(offset) => Home::Frame(offset + self.step * index as i32),
            other => other,
        };
        FrameValue { home, ..self.first }
    }

    /// Makes a value part of the run, if it continues it.
    fn extend(&mut self, value: FrameValue) -> bool {
        let size = value.size() as i32;
        let (Home::Frame(first), Home::Frame(offset)) = (self.first.home, value.home) else {
            return false;
        };
        let step = if self.count == 1 { offset - first } else { self.step };
        let fits = self.first.wide == value.wide
            && step.abs() == size
            && first + step * self.count as i32 == offset;
        if fits {
            (self.step, self.count) = (step, self.count + 1);
        }
        fits
    }
}

impl FrameMap {
    /// Reads what a [`FrameMapWriter`] wrote, for the loop at that position. None if there is no
    /// map, or it is none.
    pub fn read(bytes: impl Iterator<Item = u8>, position: u32) -> Option<Self> {
        let mut reader = Reader(bytes);
        let saved = reader.number()?;
        let saved = (0..saved).map(|_| reader.byte().map(Gpr)).collect::<Option<_>>()?;
        let result_area = Some(reader.signed()?).filter(|&area| area != 0);
        let mut runs = reader.runs()?;
        // Loops without operands are not listed.
        while let Some(listed) = reader.number() {
            let operands = reader.runs()?;
            if listed == position {
                runs.extend(operands);
                break;
            }
        }
        Some(Self { head: FrameHead { saved, result_area }, runs })
    }

    /// The values, in the order of the buffer: locals, then operands from the lowest.
    pub fn values(&self) -> impl Iterator<Item = FrameValue> {
        self.runs.iter().flat_map(|run| (0..run.count).map(|index| run.get(index)))
    }
}

/// Writes maps for the loops of one function.
#[derive(Clone, Debug, Default)]
pub struct FrameMapWriter {
    bytes: Vec<u8>,
}

/// Kinds of runs, as they are written. Registers come behind, by number.
const NARROW: u8 = 0;
const WIDE: u8 = 1;
const NARROW_UP: u8 = 2;
const WIDE_UP: u8 = 3;
const CONSTANT: u8 = 4;
const WIDE_CONSTANT: u8 = 5;
const GPR: u8 = 0x10;
const XMM: u8 = 0x20;
const WIDE_XMM: u8 = 0x30;

impl FrameMapWriter {
    /// For a function with this frame and these locals.
    pub fn new(head: &FrameHead, locals: impl Iterator<Item = FrameValue>) -> Self {
        let mut this = Self::default();
        this.number(head.saved.len() as u32);
        this.bytes.extend(head.saved.iter().map(|register| register.0));
        this.signed(head.result_area.unwrap_or(0));
        this.runs(locals);
        this
    }

    /// Adds a loop with operands: those below it and its parameters.
    pub fn add_loop(&mut self, position: u32, operands: impl Iterator<Item = FrameValue>) {
        self.number(position);
        self.runs(operands);
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn runs(&mut self, values: impl Iterator<Item = FrameValue>) {
        let mut runs: Vec<Run> = Vec::new();
        for value in values {
            if !runs.last_mut().is_some_and(|last| last.extend(value)) {
                runs.push(Run::one(value));
            }
        }
        self.number(runs.len() as u32);
        for Run { first, step, count } in runs {
            match first.home {
                Home::Gpr(register) => self.bytes.push(GPR + register.0),
                Home::Xmm(register) if first.wide => self.bytes.push(WIDE_XMM + register.0),
                Home::Xmm(register) => self.bytes.push(XMM + register.0),
                Home::Frame(offset) => {
                    let up = if step > 0 { NARROW_UP } else { NARROW };
                    self.bytes.push(up + u8::from(first.wide));
                    self.signed(offset);
                    self.number(count);
                }
                Home::Constant(bits) => {
                    self.bytes.push(CONSTANT + u8::from(first.wide));
                    self.bytes.extend(&bits.to_le_bytes()[..first.size() as usize]);
                }
            }
        }
    }

    /// Seven bits a byte, lowest first.
    fn number(&mut self, mut number: u32) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn signed(&mut self, number: i32) {
        self.number(((number << 1) ^ (number >> 31)).cast_unsigned());
    }
}

struct Reader<I>(I);

impl<I: Iterator<Item = u8>> Reader<I> {
    fn byte(&mut self) -> Option<u8> {
        self.0.next()
    }

    fn number(&mut self) -> Option<u32> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            number |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
        }
    }

    fn signed(&mut self) -> Option<i32> {
        let number = self.number()?;
        Some(((number >> 1) ^ (number & 1).wrapping_neg()).cast_signed())
    }

    fn bits(&mut self, bytes: u32) -> Option<u128> {
        (0..bytes).try_fold(0, |bits, index| Some(bits | u128::from(self.byte()?) << (8 * index)))
    }

    fn runs(&mut self) -> Option<Vec<Run>> {
        let count = self.number()?;
        (0..count).map(|_| self.run()).collect()
    }

    fn run(&mut self) -> Option<Run> {
        let kind = self.byte()?;
        let wide = matches!(kind, WIDE | WIDE_UP | WIDE_CONSTANT) || WIDE_XMM <= kind;
        let register = kind & 0xf;
        let home = match kind {
            NARROW | WIDE | NARROW_UP | WIDE_UP => Home::Frame(self.signed()?),
            CONSTANT => Home::Constant(self.bits(8)?),
            WIDE_CONSTANT => Home::Constant(self.bits(16)?),
            GPR..XMM => Home::Gpr(Gpr(register)),
            XMM..=0x3f => Home::Xmm(Xmm(register)),
            _ => return None,
        };
        let first = FrameValue { home, wide };
        let size = first.size() as i32;
        Some(match kind {
            NARROW | WIDE => Run { first, step: -size, count: self.number()? },
            NARROW_UP | WIDE_UP => Run { first, step: size, count: self.number()? },
            _ => Run::one(first),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow(home: Home) -> FrameValue {
        FrameValue { home, wide: false }
    }

    fn wide(home: Home) -> FrameValue {
        FrameValue { home, wide: true }
    }

    #[test]
    fn what_was_written_is_read() {
        let head = FrameHead { saved: vec![Gpr(14), Gpr(3), Gpr(12)], result_area: Some(-32) };
        let frame = |offset| narrow(Home::Frame(offset));
        let wide_frame = |offset| wide(Home::Frame(offset));
        let locals = [
            narrow(Home::Gpr(Gpr(12))),
            wide(Home::Xmm(Xmm(9))),
            narrow(Home::Xmm(Xmm(10))),
            frame(16),
            frame(24),
            wide_frame(32),
            frame(-40),
            frame(-48),
            wide_frame(-64),
            wide_frame(-80),
            frame(-100_000),
        ];
        let operands = [
            frame(-200),
            frame(-208),
            narrow(Home::Constant(u128::from(u64::MAX))),
            wide(Home::Constant(u128::MAX - 7)),
            wide_frame(-240),
        ];
        let mut writer = FrameMapWriter::new(&head, locals.into_iter());
        writer.add_loop(1_000, operands[..1].iter().copied());
        writer.add_loop(2_000_000, operands.into_iter());
        let bytes = writer.finish();
        let read = |position| FrameMap::read(bytes.iter().copied(), position).unwrap();
        let values = |position| read(position).values().skip(locals.len()).collect::<Vec<_>>();
        assert_eq!(read(7).head, head);
        assert_eq!(read(7).values().collect::<Vec<_>>(), locals);
        assert_eq!((values(1_000), values(2_000_000)), (operands[..1].into(), operands.into()));
    }

    #[test]
    fn many_locals_take_few_bytes() {
        let locals = (1..=50_000).map(|index| narrow(Home::Frame(-8 * index)));
        let head = FrameHead { saved: vec![Gpr(14)], result_area: None };
        let bytes = FrameMapWriter::new(&head, locals.clone()).finish();
        assert!(bytes.len() < 12, "{}", bytes.len());
        let map = FrameMap::read(bytes.into_iter(), 0).unwrap();
        assert!(map.values().eq(locals));
    }

    #[test]
    fn what_is_no_map_is_none() {
        assert_eq!(FrameMap::read([].into_iter(), 0), None);
        assert_eq!(FrameMap::read([1, 14, 0, 1, 0xff].into_iter(), 0), None);
        assert_eq!(FrameMap::read([0xff; 10].into_iter(), 0), None);
    }

    #[test]
    fn vectors_are_aligned_in_the_buffer() {
        let mut layout = BufferLayout::default();
        let places = [8, 16, 8, 8, 16].map(|size| layout.place(size));
        assert_eq!((places, layout.bytes()), ([0, 16, 32, 40, 48], 64));
    }
}
