//! Replacement on stack: from a frame of baseline code to the store's buffer.
//!
//! ```text
//!   caller's frame
//!   return address          ◄── stays, and is where the other code returns to
//!   caller's frame pointer  ◄── frame pointer of the code at a loop's header
//!   saved registers ──────────► the stub's frame, from where it gives them back
//!   locals, operands ─────────► buffer
//!   ...
//!   return address          ──► says which code, and which loop
//!   frame pointer           ◄── the stub's frame: registers as they were
//!   registers ────────────────► buffer, if they hold locals
//! ```
//!
//! See `tierup_abi`'s `replacement` for the whole of it; [RE-QUIET] holds since the stub jumps to the
//! other code right after this.

use std::sync::atomic::Ordering;

use codespace::CodeManager;
use tierup_abi::{BufferLayout, FrameHead, FrameMap, FrameValue, Gpr, Home};

use crate::StoreState;

/// A frame of baseline code at a loop's header, which called a stub that keeps all registers.
#[derive(Debug)]
pub(crate) struct LoopFrame {
    /// Frame pointer of the stub.
    stub: *mut usize,
}

/// Where the stub keeps the first callee-saved register, and `rsi` for the other code, in words
/// from its frame pointer; each other register lies below.
const SAVED: isize = -11;
const RSI: isize = -16;
/// The same for the first vector register, of two words.
const XMM: isize = -18;
/// In this order.
const CALLEE_SAVED: [Gpr; 5] = [Gpr(3), Gpr(12), Gpr(13), Gpr(14), Gpr(15)];

impl LoopFrame {
    /// # Safety
    ///
    /// (a) `stub` is the frame pointer of a stub as in `builtins::keep`, which waits for the end of
    /// the call that uses this.
    /// (b) Its caller is baseline code at the header of a loop, and what its code's map says about
    /// its frame is true.
    pub(crate) unsafe fn new(stub: *mut usize) -> Self {
        Self { stub }
    }

    /// Position in the module's bytes of the loop.
    pub(crate) fn position(&self, manager: &CodeManager) -> Option<u32> {
        let pc = self.return_address() - 1;
        manager.scope().lookup(pc)?.position_at(pc)
    }

    /// Moves all values to the store's buffer, and lets the stub give back the registers of the
    /// frame's caller. None if that is not possible; then nothing has changed.
    pub(crate) fn leave(&mut self, store: &mut StoreState, position: u32) -> Option<()> {
        let map = {
            let scope = store.engine().manager().scope();
            FrameMap::read(scope.lookup(self.return_address())?.notes(), position)?
        };
        let mut layout = BufferLayout::default();
        for value in map.values() {
            let bits = self.read(value)?;
            store.replacement_buffer.set(layout.place(value.size()), bits, value.size())?;
        }
        let buffer = store.replacement_buffer.words.as_mut_ptr().cast();
        store.block().replacement_buffer.store(buffer, Ordering::Relaxed);
        self.restore(&map.head)
    }

    /// Has the stub give back what the frame's caller had.
    fn restore(&mut self, head: &FrameHead) -> Option<()> {
        let slots: Option<Vec<_>> = head.saved.iter().map(|&register| slot(register)).collect();
        for (index, slot) in (1..).zip(slots?) {
            let value = self.word(-8 * index);
            self.set(slot, value);
        }
        if let Some(offset) = head.result_area {
            let area = self.word(offset);
            self.set(RSI, area);
        }
        Some(())
    }

    fn read(&self, value: FrameValue) -> Option<u128> {
        let wide = |low: u64, high: u64| u128::from(high) << 64 | u128::from(low);
        Some(match value.home {
            Home::Constant(bits) => bits,
            Home::Gpr(register) => wide(self.get(slot(register)?) as u64, 0),
            Home::Xmm(register) => {
                let low = XMM - 2 * isize::from(register.0);
                wide(self.get(low) as u64, self.get(low + 1) as u64)
            }
            Home::Frame(offset) if value.wide => {
                wide(self.word(offset) as u64, self.word(offset + 8) as u64)
            }
            Home::Frame(offset) => wide(self.word(offset) as u64, 0),
        })
    }

    fn return_address(&self) -> usize {
        self.get(1)
    }

    /// A word of the stub's frame.
    fn get(&self, index: isize) -> usize {
        // SAFETY: the promise to `new` (a); callers ask for words of the frame only.
        unsafe { self.stub.wrapping_offset(index).read() }
    }

    fn set(&mut self, index: isize, value: usize) {
        // SAFETY: as in `get`.
        unsafe { self.stub.wrapping_offset(index).write(value) }
    }

    /// A word of the code's frame, which the stub's frame pointer leads to.
    fn word(&self, offset: i32) -> usize {
        let address = self.get(0).wrapping_add_signed(offset as isize);
        // SAFETY: the promise to `new` (b); callers ask for what the map says only.
        unsafe { (address as *const usize).read() }
    }
}

/// Where the stub keeps a register that is callee-saved.
fn slot(register: Gpr) -> Option<isize> {
    let index = CALLEE_SAVED.iter().position(|&it| it == register)?;
    Some(SAVED - index as isize)
}

/// Where values of a frame travel, as large as was needed so far.
#[derive(Debug, Default)]
pub(crate) struct ReplacementBuffer {
    words: Vec<u128>,
}

impl ReplacementBuffer {
    /// Sets the value at that offset. None if there is no memory.
    fn set(&mut self, offset: u32, bits: u128, size: u32) -> Option<()> {
        let index = offset as usize / 16;
        if self.words.len() <= index {
            self.words.try_reserve(index + 1 - self.words.len()).ok()?;
            self.words.resize(index + 1, 0);
        }
        let word = &mut self.words[index];
        *word = match (size, offset % 16) {
            (16, _) => bits,
            (_, 0) => *word >> 64 << 64 | bits,
            _ => *word << 64 >> 64 | bits << 64,
        };
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_where_the_layout_says() {
        let (mut buffer, mut layout) = (ReplacementBuffer::default(), BufferLayout::default());
        for (value, size) in [(1, 8), (2, 8), (u128::MAX - 3, 16), (4, 8)] {
            buffer.set(layout.place(size), value, size).unwrap();
        }
        buffer.set(8, 7, 8).unwrap();
        assert_eq!(buffer.words, [7 << 64 | 1, u128::MAX - 3, 4]);
    }

    #[test]
    fn the_stub_keeps_what_callees_save() {
        assert_eq!([Gpr(3), Gpr(15), Gpr(0)].map(slot), [Some(-11), Some(-15), None]);
    }
}
