//! The buffer that encodings are appended to.
//!
//! ```text
//!   │ code so far            │ at least 24 bytes of no meaning │ ...
//!   0                        length                            bytes.len()
//!                            │ opcode │ ModRM │ offset │           each part is stored in full, and
//!                                     ╰── what the next one covers   counts for as much as is used
//! ```
//!
//! [SI-ROOM] Behind the code there is room for an instruction and the widest part of one, so an
//! instruction is a few stores of fixed size, whatever its length.

use cranelift_assembler_x64::{CodeSink, DeferredTarget, KnownOffset, TrapCode};

/// More bytes than an instruction has, a power of two.
const LONGEST: usize = 16;

/// [SI-ROOM]
const ROOM: usize = LONGEST + 8;

/// What a buffer grows by at least.
const STEP: usize = 4 << 10;

/// Collects bytes. Operands are physical registers and plain offsets, so the deferred kinds that
/// Cranelift's assembler also knows cannot occur.
#[derive(Default)]
pub(crate) struct Sink {
    bytes: Vec<u8>,
    length: usize,
}

/// The instruction that is being encoded, or its end.
pub(crate) struct Instruction<'a> {
    end: &'a mut usize,
    bytes: &'a mut [u8; ROOM],
    length: usize,
}

impl Instruction<'_> {
    /// Appends the first `used` bytes of a part, of 15 at most with all before.
    #[inline(always)]
    pub(crate) fn put<const N: usize>(&mut self, part: [u8; N], used: u8) {
        let start = self.length % LONGEST;
        self.bytes[start..start + N].copy_from_slice(&part);
        self.length += usize::from(used);
    }

    /// Makes it code.
    #[inline(always)]
    pub(crate) fn finish(self) {
        *self.end += self.length;
    }
}

impl Sink {
    /// Number of bytes so far.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Bytes that it has memory for.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }

    /// Forgets everything but keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    /// Begins an instruction. It is none before it is finished.
    #[inline(always)]
    pub(crate) fn instruction(&mut self) -> Instruction<'_> {
        if self.bytes.len() < self.length + ROOM {
            self.grow(ROOM);
        }
        let room = &mut self.bytes[self.length..][..ROOM];
        let bytes = room.first_chunk_mut().expect("that is its length");
        Instruction { end: &mut self.length, bytes, length: 0 }
    }

    /// Appends few bytes, whose number is known where it is called.
    #[inline(always)]
    pub(crate) fn push<const N: usize>(&mut self, bytes: [u8; N]) {
        let end = self.length + N;
        if self.bytes.len() < end {
            self.grow(N);
        }
        self.bytes[self.length..end].copy_from_slice(&bytes);
        self.length = end;
    }

    /// Appends any number of bytes.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if self.bytes.len() < end {
            self.grow(bytes.len());
        }
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    /// Makes room for so many bytes more.
    #[cold]
    fn grow(&mut self, bytes: usize) {
        let length = (self.length + bytes).max(2 * self.bytes.len());
        self.bytes.resize(length.next_multiple_of(STEP), 0);
    }
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Sink").field(&self.as_slice()).finish()
    }
}

impl CodeSink for Sink {
    fn put1(&mut self, value: u8) {
        self.push([value]);
    }

    fn put2(&mut self, value: u16) {
        self.push(value.to_le_bytes());
    }

    fn put4(&mut self, value: u32) {
        self.push(value.to_le_bytes());
    }

    fn put8(&mut self, value: u64) {
        self.push(value.to_le_bytes());
    }

    fn add_trap(&mut self, _: TrapCode) {}

    fn use_target(&mut self, target: DeferredTarget) {
        unreachable!("no operand of ours has a deferred target: {target:?}");
    }

    fn known_offset(&self, offset: KnownOffset) -> i32 {
        unreachable!("no operand of ours has a known offset: {offset:?}");
    }
}
