//! Walking frames: from where Wasm stopped or left, outwards.
//!
//! Every Wasm frame, wrapper and stub keeps the frame-pointer chain:
//!
//! ```text
//!   fp ──► │ caller's fp │ return address │ stack arguments ...
//! ```
//!
//! * [FR-CHAIN] between an innermost frame and the entry into Wasm, every frame pointer leads to
//!   the caller's, and the address after it is a return address into the caller.
//! * [FR-ENTRY] the return address into `enter` is [`enter::return_address`]; the frame that it
//!   returns to holds what `enter` saved, at fixed distances.
//! * [FR-WRAPPER] the call before that one returns into an entry wrapper, not into Wasm.
//!
//! This file runs in signal handlers: it only reads the stack and writes to buffers that exist.

use crate::enter::{self, EntryFrame};

/// Most frames that a backtrace keeps.
const MAX_FRAMES: usize = 64;

/// Pcs of Wasm frames, innermost first. Plain memory, filled in place.
#[derive(Debug)]
pub(crate) struct RawBacktrace {
    pcs: [usize; MAX_FRAMES],
    /// For each pc, how many entries lie further in.
    entries: [u32; MAX_FRAMES],
    /// Entries that were walked through.
    walked: u32,
    length: usize,
    omitted: usize,
}

impl RawBacktrace {
    pub(crate) const fn new() -> Self {
        let (pcs, entries) = ([0; MAX_FRAMES], [0; MAX_FRAMES]);
        Self { pcs, entries, walked: 0, length: 0, omitted: 0 }
    }

    /// The pcs, each of which lies inside the instruction that was running, and how many entries
    /// into Wasm lie further in.
    pub(crate) fn pcs(&self) -> impl Iterator<Item = (usize, u32)> {
        let entries = self.entries.iter().copied();
        self.pcs[..self.length].iter().copied().zip(entries)
    }

    /// Number of frames that did not fit.
    pub(crate) fn omitted(&self) -> usize {
        self.omitted
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
        self.walked = 0;
        self.omitted = 0;
    }

    pub(crate) fn push(&mut self, pc: usize) {
        match self.pcs.get_mut(self.length) {
            Some(slot) => {
                *slot = pc;
                self.entries[self.length] = self.walked;
                self.length += 1;
            }
            None => self.omitted += 1,
        }
    }

    /// Appends the frames from `frame` outwards, through all entries into Wasm. The entry wrappers
    /// at their ends are no frames of Wasm and left away.
    ///
    /// # Safety
    ///
    /// `frame` is 0, or as for [`Walk::new`].
    pub(crate) unsafe fn extend_from(&mut self, mut frame: usize) {
        while frame != 0 {
            // SAFETY: the caller's promise; the host and its caller's frames wait further out.
            let mut walk = unsafe { Walk::new(frame) };
            let mut step = walk.next();
            while let Some(Step { return_address, .. }) = step {
                step = walk.next();
                // [FR-WRAPPER]
                if step.is_some() {
                    // The instruction that is running is the call before the return address.
                    self.push(return_address - 1);
                }
            }
            frame = walk.entry().previous_exit;
            self.walked += 1;
        }
    }
}

/// One call on the stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Where the call returns to.
    pub(crate) return_address: usize,
    /// Frame pointer of the frame that it returns to.
    pub(crate) caller_frame: usize,
}

/// Iterates over the calls from a frame outwards, to the entry into Wasm.
#[derive(Debug)]
pub(crate) struct Walk {
    frame: usize,
    entry: Option<usize>,
}

impl Walk {
    /// Starts at `frame`, whose return address is the first step.
    ///
    /// # Safety
    ///
    /// `frame` is the frame pointer of a frame of a stub or Wasm function that cannot end while
    /// the walk is used, and [FR-CHAIN] holds from there.
    pub(crate) unsafe fn new(frame: usize) -> Self {
        Self { frame, entry: None }
    }

    /// Walks on to the entry, and returns what it saved.
    pub(crate) fn entry(mut self) -> EntryFrame {
        while self.next().is_some() {}
        let frame = self.entry.expect("a walk ends at an entry");
        // SAFETY: [FR-ENTRY], which the promise to `new` includes.
        unsafe { EntryFrame::at(frame) }
    }
}

impl Iterator for Walk {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.entry.is_some() {
            return None;
        }
        // SAFETY: [FR-CHAIN], by the promise to `new`.
        let step = unsafe { read_step(self.frame) };
        if step.return_address == enter::return_address() {
            self.entry = Some(step.caller_frame);
            return None;
        }
        self.frame = step.caller_frame;
        Some(step)
    }
}

/// # Safety
///
/// `frame` is the frame pointer of a live frame.
unsafe fn read_step(frame: usize) -> Step {
    let words = frame as *const usize;
    // SAFETY: a frame pointer points to the caller's frame pointer.
    let caller_frame = unsafe { words.read() };
    // SAFETY: the return address lies behind it.
    let return_address = unsafe { words.wrapping_add(1).read() };
    Step { return_address, caller_frame }
}
