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
//! * [AC-BELIEVED] an owner that has left a stack goes on writing where its frames were, until it
//!   waits. So what says where a stack is, the words of the block and those of the entry frame of
//!   the next inner stack, is believed only if the owner had not moved after they were read.
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
        let stood_still = || {
            fence(Ordering::Acquire);
            block.exit_frame.load(Ordering::Acquire) == exit
                && block.sequence.load(Ordering::Relaxed) == sequence
        };
        // [AC-BELIEVED]
        if !stood_still() {
            return Look::Running;
        }
        let mut frames = Frames { exit, entry };
        loop {
            // SAFETY: the frames of this block, whose owner cannot have left them: [AC-BOUNDS].
            if !unsafe { frames.visit(visit) } {
                return Look::Running;
            }
            // SAFETY: `visit` has come to this entry, whose stack is still there.
            let outer = unsafe { frames.outer() };
            // [AC-MOVED], [AC-BELIEVED]
            if !stood_still() {
                return Look::Running;
            }
            match outer {
                // [AC-OUTER]
                Some(outer) => frames = outer,
                None => return Look::Seen,
            }
        }
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

    /// The frames of the next stack further out, if there is one. Nonsense if the owner has left
    /// this one.
    ///
    /// # Safety
    ///
    /// The words of the entry frame can be read.
    unsafe fn outer(&self) -> Option<Self> {
        // SAFETY: the caller's promise.
        let entry = unsafe { read(self.entry - EntryFrame::PREVIOUS_ENTRY) };
        // SAFETY: the caller's promise.
        let exit = unsafe { read(self.entry - EntryFrame::PREVIOUS_EXIT) };
        (entry != 0).then_some(Self { exit, entry })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Where nothing can be read.
    const NOWHERE: usize = 0x1000;
    /// What a frame returns to.
    const CODE: usize = 5;
    const ENTRY: usize = 12;

    /// A stack: the exit frame, one that called it, and the entry frame.
    struct Stack([AtomicUsize; ENTRY + 1]);

    impl Stack {
        fn new() -> Box<Self> {
            let stack = Box::new(Self([const { AtomicUsize::new(0) }; ENTRY + 1]));
            stack.set(0, stack.address(2));
            stack.set(1, CODE);
            stack.set(2, stack.address(ENTRY));
            stack.set(3, enter::return_address());
            stack
        }

        fn address(&self, index: usize) -> usize {
            self.0[index].as_ptr().expose_provenance()
        }

        fn set(&self, index: usize, word: usize) {
            self.0[index].store(word, Ordering::Relaxed);
        }

        fn set_outer(&self, exit: usize, entry: usize) {
            self.set(ENTRY - EntryFrame::PREVIOUS_EXIT / size_of::<usize>(), exit);
            self.set(ENTRY - EntryFrame::PREVIOUS_ENTRY / size_of::<usize>(), entry);
        }
    }

    /// A block whose owner has left its code on that stack.
    fn block_on(stack: &Stack) -> SharedBlock {
        let block = SharedBlock::new(std::ptr::null_mut());
        block.block().exit_frame.store(stack.address(0), Ordering::Relaxed);
        block.block().entry_frame.store(stack.address(ENTRY), Ordering::Relaxed);
        block
    }

    #[test]
    fn frames_of_all_stacks_are_visited() {
        let (inner, outer) = (Stack::new(), Stack::new());
        inner.set_outer(outer.address(0), outer.address(ENTRY));
        let mut visited = Vec::new();
        assert_eq!(block_on(&inner).look(&mut |pc| visited.push(pc)), Look::Seen);
        assert_eq!(visited, [CODE, CODE]);
    }

    #[test]
    fn ac_believed_what_is_written_where_a_stack_was_leads_nowhere() {
        let stack = Stack::new();
        let block = block_on(&stack);
        let mut visited = 0;
        // The owner comes back while its frames are read, leaves them, and goes on.
        let come_back = |_| {
            visited += 1;
            block.block().exit_frame.store(0, Ordering::Relaxed);
            block.block().sequence.store(1, Ordering::Relaxed);
            stack.set_outer(NOWHERE, NOWHERE + 64);
        };
        assert_eq!(block.look(&mut { come_back }), Look::Running);
        assert_eq!(visited, 1);
    }
}
