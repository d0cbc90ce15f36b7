//! A store's thread of control, as the collector of code sees it.
//!
//! ```text
//!   StoreBlock ── exit_frame ──► frame ─► frame ─► entry frame ┐   innermost stack
//!              └─ entry_frame ──────────────────────►┘         │
//!                       previous exit_frame ◄── saved in it ───┤
//!                       frame ─► frame ─► entry frame  ◄───────┘   stack that called the host
//! ```
//!
//! `entry_frame` says whether code runs at all, `exit_frame` whether it has left for the host or
//! the runtime; the frames in between are walked by whoever wants to know, while the owner may
//! come back at any time:
//!
//! * [AC-BOUNDS] only words between a stack's exit frame and its entry frame are read. That part
//!   of the stack stays mapped until the owner has left through that entry; and who leaves
//!   through an entry looks at the block's limit afterwards, and waits for the collector
//!   ([`StoreState::check_left`], [ACT-STACKS]).
//! * [AC-MOVED] frames change only after `exit_frame` was set to 0, and `sequence` goes up before it
//!   is set again. So who finds `exit_frame`, and after it `sequence`, unchanged has read frames
//!   that stood still. Only who returns from an inner entry sets `exit_frame` back without that, to
//!   what it was: the frames outside of it have not changed.
//! * [AC-OUTER] stacks further out do not change before the owner has left the inner ones.
//! * [AC-WRAPPER] a host wrapper is on the stack above the exit frame and is not visited. It stays,
//!   because its type does: the host context that it was called with is a root as long as the
//!   call lasts.
//! * [AC-UNWOUND] after a trap the entry frame is one that was left, and does not belong to the
//!   exit frame: that counts as running, until the backtrace was looked up ([EN-UNWOUND]).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering, fence},
};

use codespace::{Activation, Collection, Handshake, Look, Round};
use tierup_abi::StoreBlock;

use crate::{
    StoreState,
    enter::{self, EntryFrame},
    interrupt::SharedBlock,
};

// SAFETY: (a) [AC-MOVED], [AC-OUTER], [AC-WRAPPER], [AC-UNWOUND]; and code reads a cell right
// before it calls, never across a poll. (b) `SharedBlock::set_limit`, the poll builtins and
// `check_left`. (c) Prologues and loops poll.
unsafe impl Activation for SharedBlock {
    fn handshake(&self) -> &Handshake {
        self.handshake()
    }

    fn ask(&self) {
        self.block().request_interrupt();
    }

    fn is_idle(&self) -> bool {
        self.block().entry_frame.load(Ordering::Acquire) == 0
    }

    fn look(&self, visit: &mut dyn FnMut(usize)) -> Look {
        let block = self.block();
        let sequence = block.sequence.load(Ordering::Acquire);
        let entry = block.entry_frame.load(Ordering::Acquire);
        let exit = block.exit_frame.load(Ordering::Acquire);
        if entry == 0 {
            return Look::Idle;
        }
        if exit == 0 {
            return Look::Running;
        }
        let mut frames = Frames { exit, entry };
        loop {
            // SAFETY: the frames of this block, whose owner cannot have left them: [AC-BOUNDS].
            if !unsafe { frames.visit(visit) } {
                return Look::Running;
            }
            // SAFETY: `visit` has come to this entry frame.
            let outer = unsafe { EntryFrame::at(frames.entry) };
            if outer.previous_entry == 0 {
                break;
            }
            // [AC-OUTER]
            frames = Frames { exit: outer.previous_exit, entry: outer.previous_entry };
        }
        fence(Ordering::Acquire);
        // [AC-MOVED]
        let stood_still = block.exit_frame.load(Ordering::Acquire) == exit
            && block.sequence.load(Ordering::Relaxed) == sequence;
        if stood_still { Look::Seen } else { Look::Running }
    }
}

/// The frames of one stack.
struct Frames {
    exit: usize,
    entry: usize,
}

impl Frames {
    /// Visits the return addresses up to the entry. False if that is not where they lead.
    ///
    /// # Safety
    ///
    /// All memory between the two frames can be read.
    unsafe fn visit(&self, visit: &mut dyn FnMut(usize)) -> bool {
        let mut frame = self.exit;
        // [AC-BOUNDS]
        while (self.exit..self.entry).contains(&frame) && frame.is_multiple_of(8) {
            // SAFETY: within the bounds.
            let caller = unsafe { read(frame) };
            // SAFETY: within the bounds: the entry frame is at least one word further.
            let return_address = unsafe { read(frame + 8) };
            if return_address == enter::return_address() {
                return caller == self.entry;
            }
            visit(return_address);
            if caller <= frame {
                return false;
            }
            frame = caller;
        }
        false
    }
}

/// Reads a word of a stack that its owner may be writing.
///
/// # Safety
///
/// It can be read, and `address` is aligned.
unsafe fn read(address: usize) -> usize {
    // SAFETY: the caller's promise. Machine code writes words of a stack one by one.
    let word = unsafe { AtomicUsize::from_ptr(address as *mut usize) };
    word.load(Ordering::Relaxed)
}

/// Asks the activations of an engine, of which `blocks` are all that exist by now.
pub(crate) fn ask(
    collection: &Collection<'_>,
    blocks: Vec<Arc<SharedBlock>>,
) -> codespace::Result<Round<SharedBlock>> {
    // SAFETY: (a) code of an engine's manager runs with a block of the engine. (b) blocks are added
    // to the list under the lock under which it was read. (c) The manager of wrappers, which they
    // run too, asks nobody.
    unsafe { collection.ask(blocks) }
}

impl StoreState {
    /// To be called after an entry into Wasm was left: from now on, its stack may go.
    #[inline]
    pub(crate) fn check_left(&self) {
        // Acquire: who sees the interrupt sees the reason.
        if self.block().limit.load(Ordering::Acquire) == StoreBlock::INTERRUPT {
            self.answer_after_leaving();
        }
    }

    #[cold]
    #[inline(never)]
    fn answer_after_leaving(&self) {
        self.answer_collector();
        self.shared_block().restore_limit();
    }

    /// Tells the collector what is on this store's stacks, if it wants to know. No code of this
    /// store runs right now.
    pub(crate) fn answer_collector(&self) {
        let block = self.shared_block();
        if block.handshake().is_pending() {
            let answer = self.engine().manager().answer(&**block);
            self.engine().collector().answered(answer);
        }
    }
}
