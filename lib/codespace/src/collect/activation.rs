//! What the collector sees of a thread of control, and what it agrees on with the owner.
//!
//! ```text
//!   collector                              owner of the activation
//!   handshake.ask(7); activation.ask() ┄┄► next poll, or when it leaves a stack:
//!   barrier                                  handshake.answer(|| looks at its own stacks)
//!   handshake.look_for(7, || looks at ─┐
//!     stacks that do not change now)   └── under one lock: an owner that wants to leave a stack
//!                                          waits until the collector has looked
//! ```
//!
//! * [ACT-ASKED] from `ask` until the number is answered, the owner's next poll and its next
//!   departure from a stack end in `answer`. (The barrier makes it so: a check of the owner that
//!   saw nothing came before the barrier, and so did the departure.)
//! * [ACT-STACKS] the collector reads stacks only under the lock and before the number is
//!   answered, so the owner cannot give up a stack meanwhile.
//! * [ACT-ONCE] a number that was answered once stays answered: what was unreachable before it was
//!   asked and is not on the stacks then, never gets there.

use sync::{
    Mutex, Rank,
    atomic::{AtomicBool, Ordering, fence},
};

/// A thread of control that may run code, on any number of stacks: it moves between threads, and
/// at any time at most one of these, its *owner*, runs or suspends it.
///
/// # Safety
///
/// (a) [`Self::look`] tells the truth: after `Idle` and `Seen`, the stacks of the activation hold
///     no return address to code other than those visited; and it has no code address in a
///     register or elsewhere that it will jump to without having read it from a cell.
/// (b) After [`Self::ask`] and then a barrier on all threads, the owner calls
///     [`CodeManager::answer`](crate::CodeManager::answer) at each poll, and before it gives up a stack, as long as
///     [`Handshake::is_pending`].
/// (c) Code polls: between two polls it runs for a bounded time, as long as it gets a processor.
pub unsafe trait Activation {
    /// What was agreed on with it.
    fn handshake(&self) -> &Handshake;

    /// Makes the owner look at [`Handshake::is_pending`] soon.
    fn ask(&self);

    /// Is there nothing on its stacks now? Needs no agreement.
    fn is_idle(&self) -> bool;

    /// Visits the return addresses of all its frames, if it is where that is possible. Called by
    /// the owner, or by a collector under [ACT-STACKS].
    fn look(&self, visit: &mut dyn FnMut(usize)) -> Look;
}

/// Where an activation was when it was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Look {
    /// It runs no code, and has no frames.
    Idle,
    /// It has left code, and all its frames were visited.
    Seen,
    /// It runs code, or moved in the meantime.
    Running,
}

/// What a collector and one activation have agreed on.
#[derive(Debug)]
pub struct Handshake {
    agreed: Mutex<Agreed>,
    /// The owner is to call `answer`. Changes under the lock only.
    pending: AtomicBool,
}

#[derive(Debug, Default)]
struct Agreed {
    /// The collection that wants to know, and whether it does.
    asked: Option<u32>,
    /// How many frames ran retired code when it was last looked at.
    held: usize,
    /// Whether the collector wants to know when the owner moves, since it held something.
    watched: bool,
}

/// What the owner learns when it answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Answer {
    /// Nobody waits for it.
    Unasked,
    /// The collector waits for it.
    Answered,
    /// Since it was looked at while it held retired code, it has moved; it holds as much.
    Moved,
    /// The same, but frames that ran retired code are gone: another collection would free it.
    Released,
}

/// What was found on stacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) look: Look,
    /// Frames that run retired code.
    pub(crate) held: usize,
}

impl Handshake {
    /// Nothing is agreed on yet.
    pub fn new() -> Self {
        let agreed = Mutex::new(Rank::Activation, Agreed::default());
        Self { agreed, pending: AtomicBool::new(false) }
    }

    /// Is the owner to call [`CodeManager::answer`](crate::CodeManager::answer)?
    #[inline]
    pub fn is_pending(&self) -> bool {
        // Acquire pairs with `set_pending`, though what matters is done under the lock.
        self.pending.load(Ordering::Acquire)
    }

    /// Asks for an answer to that collection. The caller then interrupts the owner.
    pub(crate) fn ask(&self, collection: u32) {
        let mut agreed = self.agreed.lock();
        agreed.asked = Some(collection);
        self.set_pending(&agreed);
    }

    /// Looks on the owner's behalf, unless the collection has its answer. Is there one now?
    pub(crate) fn look_for(&self, collection: u32, look: impl FnOnce() -> Seen) -> bool {
        // [ACT-STACKS]
        let mut agreed = self.agreed.lock();
        if agreed.asked != Some(collection) {
            return true;
        }
        let Seen { look, held } = look();
        if look == Look::Running {
            return false;
        }
        // Who has left code for hours tells when it comes back. One that runs is not watched: it
        // would do nothing but answer.
        *agreed = Agreed { asked: None, held, watched: held != 0 };
        self.set_pending(&agreed);
        true
    }

    /// The owner's answer to what is pending: it looks at its own stacks, for the collection of
    /// that number. Returns after a collector that is looking at them.
    pub(crate) fn answer(&self, look: impl FnOnce(Option<u32>) -> Seen) -> Answer {
        let mut agreed = self.agreed.lock();
        if agreed.asked.is_none() && !agreed.watched {
            return Answer::Unasked;
        }
        let Seen { look, held } = look(agreed.asked);
        if look == Look::Running {
            return Answer::Unasked;
        }
        let before = std::mem::replace(&mut agreed.held, held);
        let (asked, watched) = (agreed.asked.take(), std::mem::take(&mut agreed.watched));
        self.set_pending(&agreed);
        match asked {
            _ if watched && held < before => Answer::Released,
            Some(_) => Answer::Answered,
            None => Answer::Moved,
        }
    }

    /// Will the owner tell when it moves?
    pub fn is_watched(&self) -> bool {
        self.agreed.lock().watched
    }

    /// Did frames run retired code when it was last looked at?
    pub(crate) fn holds(&self) -> bool {
        self.agreed.lock().held != 0
    }

    fn set_pending(&self, agreed: &Agreed) {
        self.pending.store(agreed.asked.is_some() || agreed.watched, Ordering::Release);
        // Before the owner is interrupted: who sees the interrupt, and then no reason for it, may
        // forget it, so the reason must be there first.
        fence(Ordering::SeqCst);
    }
}

impl Default for Handshake {
    fn default() -> Self {
        Self::new()
    }
}
