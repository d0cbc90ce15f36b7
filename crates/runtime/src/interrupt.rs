//! Stopping running code from outside, and letting it go on.
//!
//! ```text
//!  any thread:   requested = true;  limit = all ones
//!  the code:     next prologue or loop header ──► poll builtin ──► handler: go on, or trap
//!  the runtime:  limit = real limit;  if requested { limit = all ones }
//! ```
//!
//! The collector of code asks in the same way, through the block's [`Handshake`].
//!
//! * [IN-LOST] whoever writes the real limit looks at `requested` afterwards, and whoever
//!   requests writes `requested` first, with sequentially consistent accesses in between; so a
//!   request is never overwritten for good.
//! * [IN-CALLS] what code calls outside of Wasm polls before it does anything. Loops of baseline
//!   code poll by their budgets, which count code and not what it calls: a loop around a host
//!   function would run for minutes otherwise.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence},
};

use codespace::Handshake;
use tierup_abi::StoreBlock;

use crate::{Error, StoreState, Trap, TrapKind};

/// A store's block, shared with those who may interrupt it.
#[derive(Debug)]
pub(crate) struct SharedBlock {
    block: std::cell::UnsafeCell<StoreBlock>,
    requested: AtomicBool,
    handshake: Handshake,
}

// SAFETY: of the block, other threads touch only `limit`, `exit_frame`, `entry_frame` and
// `sequence`, which are atomic; the pointers belong to the thread that runs the store.
unsafe impl Send for SharedBlock {}
// SAFETY: as above.
unsafe impl Sync for SharedBlock {}

impl SharedBlock {
    pub(crate) fn new(trap: *mut ()) -> Self {
        let block = StoreBlock {
            limit: AtomicUsize::new(0),
            exit_frame: AtomicUsize::new(0),
            entry_frame: AtomicUsize::new(0),
            sequence: AtomicUsize::new(0),
            replacement_buffer: AtomicPtr::new(std::ptr::null_mut()),
            stack_limit: AtomicUsize::new(0),
            store: std::ptr::null_mut(),
            trap,
            fuel: AtomicU64::new(0),
        };
        Self {
            block: std::cell::UnsafeCell::new(block),
            requested: AtomicBool::new(false),
            handshake: Handshake::new(),
        }
    }

    #[inline]
    pub(crate) fn block(&self) -> &StoreBlock {
        // SAFETY: the fields that change while others look are atomic.
        unsafe { &*self.block.get() }
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut StoreBlock {
        self.block.get()
    }

    /// Sets the real limit; a request that is pending stays visible.
    pub(crate) fn set_limit(&self, limit: usize) {
        let block = self.block();
        block.stack_limit.store(limit, Ordering::Relaxed);
        block.limit.store(limit, Ordering::Relaxed);
        // [IN-LOST]
        fence(Ordering::SeqCst);
        if self.requested.load(Ordering::Relaxed) || self.handshake.is_pending() {
            block.request_interrupt();
        }
    }

    /// Sets the real limit again after an interrupt.
    pub(crate) fn restore_limit(&self) {
        self.set_limit(self.block().stack_limit.load(Ordering::Relaxed));
    }

    /// What was agreed on with the collector of code.
    pub(crate) fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    fn request(&self) {
        self.requested.store(true, Ordering::Relaxed);
        // [IN-LOST]
        fence(Ordering::SeqCst);
        self.block().request_interrupt();
    }

    /// Takes a pending request, if there is one, and restores the real limit.
    pub(crate) fn take_request(&self) -> bool {
        let taken = self.requested.swap(false, Ordering::AcqRel);
        self.restore_limit();
        taken
    }
}

/// Lets any thread interrupt the code of a store. It may outlive the store.
#[derive(Clone, Debug)]
pub struct InterruptHandle(Arc<SharedBlock>);

impl InterruptHandle {
    /// Asks the store's code to stop at its next loop or call. If none runs, the next code that
    /// does is stopped. Functions that neither loop nor call run to their end.
    pub fn interrupt(&self) {
        self.0.request();
    }
}

/// What an interrupted store does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InterruptAction {
    /// The code goes on.
    Continue,
    /// The code traps with [`crate::TrapKind::Interrupted`].
    Trap,
}

type Handle = dyn FnMut(&mut dyn std::any::Any) -> InterruptAction + Send;

/// Decides what happens when a store is interrupted.
pub struct InterruptHandler(Box<Handle>);

impl std::fmt::Debug for InterruptHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InterruptHandler")
    }
}

impl StoreState {
    /// A handle for interrupting this store.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle(Arc::clone(self.shared_block()))
    }

    /// Decides what happens when this store is interrupted. Without a handler it traps.
    pub fn set_interrupt_handler(
        &mut self,
        handler: impl FnMut(&mut dyn std::any::Any) -> InterruptAction + Send + 'static,
    ) {
        self.interrupt_handler = Some(InterruptHandler(Box::new(handler)));
    }

    /// Does what somebody asked for who changed the limit, if anybody did: [IN-CALLS].
    #[inline]
    pub(crate) fn poll(&mut self) -> Result<(), Error> {
        // Relaxed: as in the code that polls.
        if self.block().limit.load(Ordering::Relaxed) != StoreBlock::INTERRUPT {
            return Ok(());
        }
        self.interrupted()
    }

    #[cold]
    fn interrupted(&mut self) -> Result<(), Error> {
        self.answer_collector();
        match self.handle_interrupt() {
            InterruptAction::Continue => Ok(()),
            InterruptAction::Trap => Err(Trap::new(TrapKind::Interrupted).into()),
        }
    }

    /// Handles a request, if there is one.
    fn handle_interrupt(&mut self) -> InterruptAction {
        if !self.shared_block().take_request() {
            return InterruptAction::Continue;
        }
        match self.interrupt_handler() {
            None => InterruptAction::Trap,
            Some((handler, data)) => (handler.0)(data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_lost_hammer_no_request_is_overwritten() {
        let block = SharedBlock::new(std::ptr::null_mut());
        sync::hammer(2, 10_000, |thread, round| match thread {
            0 => block.set_limit(round + 1),
            _ => {
                block.request();
                let mut spins = 0;
                while block.block().limit.load(Ordering::Relaxed) != StoreBlock::INTERRUPT {
                    spins += 1;
                    assert!(spins < 100_000_000, "the request of round {round} was lost");
                }
                assert!(block.take_request());
            }
        });
    }
}
