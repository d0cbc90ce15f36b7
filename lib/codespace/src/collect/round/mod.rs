//! One round of asking everybody, until all have answered: a state machine without any code.
//!
//! ```text
//!   start: barrier ─► idle ones are done ─► ask the others ─► barrier
//!   look:  who left code is looked at; who runs answers at a poll; until nobody is left
//! ```
//!
//! Why an object that was unreachable before the round, and was seen by nobody, is free:
//!
//! * [RND-IDLE] an activation that is idle after a barrier holds nothing, and what it enters later
//!   it reads from a cell after the barrier. The barrier falls on its owner either before that
//!   read, which then finds the new target; or after it, and then the owner's note that it is not
//!   idle came before the barrier too, and is seen.
//! * [RND-HOST] of one that has left code, the same holds for what it calls after it comes back;
//!   and what it returns to was on its stacks, which did not change while they were read.
//! * [RND-RUN] one that runs code reports at a poll, where it is about to call nothing.
//! * [RND-NEW] an activation made after the list of all was read enters code after that; and what
//!   the round is about was unreachable before.
//!
//! So nobody waits for a thread that does not run code, however long.

use sync::Arc;

use super::activation::{Activation, Look, Seen};

/// Who has not answered a collection, and who answered that frames hold retired code.
#[derive(Debug)]
pub struct Round<A> {
    collection: u32,
    waiting: Vec<Arc<A>>,
    answered: Vec<Arc<A>>,
}

/// Proof that everybody has answered.
#[derive(Debug)]
#[must_use]
pub struct Answered<A> {
    collection: u32,
    activations: Vec<Arc<A>>,
}

impl<A: Activation> Round<A> {
    /// Asks all; `barrier` is one on all threads of the process.
    pub(crate) fn start<E>(
        collection: u32,
        activations: Vec<Arc<A>>,
        barrier: impl Fn() -> Result<(), E>,
    ) -> Result<Self, E> {
        if !activations.is_empty() {
            barrier()?;
        }
        // [RND-IDLE]
        let waiting: Vec<_> =
            activations.into_iter().filter(|activation| !activation.is_idle()).collect();
        for activation in &waiting {
            activation.handshake().ask(collection);
            activation.ask();
        }
        if !waiting.is_empty() {
            // [ACT-ASKED]
            barrier()?;
        }
        Ok(Self { collection, waiting, answered: Vec::new() })
    }

    /// Looks at those who have not answered. `see` notes a return address and says whether it
    /// leads to retired code.
    pub(crate) fn look(mut self, see: &dyn Fn(usize) -> bool) -> Result<Answered<A>, Self> {
        let has_answered = |activation: &mut Arc<A>| {
            let look = || look_at(&**activation, see);
            activation.handshake().look_for(self.collection, look)
        };
        self.answered.extend(self.waiting.extract_if(.., has_answered));
        match self.waiting.is_empty() {
            true => Ok(Answered { collection: self.collection, activations: self.answered }),
            false => Err(self),
        }
    }

    /// How many have not answered.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

impl<A: Activation> Answered<A> {
    pub(crate) fn collection(&self) -> u32 {
        self.collection
    }

    /// Those whose frames hold retired code.
    pub fn holders(self) -> Vec<Arc<A>> {
        let holds = |activation: &Arc<A>| activation.handshake().holds();
        self.activations.into_iter().filter(holds).collect()
    }
}

/// Looks at an activation's stacks.
pub(crate) fn look_at<A: Activation>(activation: &A, see: &dyn Fn(usize) -> bool) -> Seen {
    let mut held = 0;
    let look = activation.look(&mut |return_address| held += usize::from(see(return_address)));
    let held = if look == Look::Seen { held } else { 0 };
    Seen { look, held }
}

#[cfg(all(test, loom))]
mod scenarios;
#[cfg(all(test, not(loom)))]
mod tests;
