//! Counted references: what keeps code reachable.
#![forbid(unsafe_code)]

use std::{fmt, ops::Deref};

use std::sync::Arc;

use crate::{object::Code, state::Acquired, unit::Unit};

/// A counted reference to live code; keeps its unit too.
///
/// When the last one is gone, also a unit's own for installed code, the code is retired: nothing
/// makes it live again, and it is freed by a collector or with its unit. Dropping takes a lock for a
/// moment that nobody holds who could drop one, unless it drops the unit too.
pub struct CodeRef {
    unit: Arc<Unit>,
    id: u32,
}

impl CodeRef {
    /// Takes over a reference that was counted before.
    pub(crate) fn adopt(unit: &Arc<Unit>, id: u32) -> Self {
        Self { unit: Arc::clone(unit), id }
    }

    /// A counted reference to code from a look-up, if it is that unit's and still live.
    ///
    /// Code that is retired never gets references again, although look-ups find it.
    pub fn try_new(unit: &Arc<Unit>, code: &Code) -> Option<Self> {
        let is_its = unit.identity().id() == code.unit_id();
        let acquires = is_its && code.state().try_acquire() == Acquired::Yes;
        // Live objects are in the index.
        acquires.then(|| Self::adopt(unit, code.contents().arena.index().get(code.entry())))
    }

    /// The id of the record.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// The unit of the code.
    pub fn unit(&self) -> &Arc<Unit> {
        &self.unit
    }
}

impl Deref for CodeRef {
    type Target = Code;

    fn deref(&self) -> &Code {
        self.unit.manager().slab().record(self.id)
    }
}

impl Clone for CodeRef {
    fn clone(&self) -> Self {
        self.state().acquire();
        Self::adopt(&self.unit, self.id)
    }
}

impl Drop for CodeRef {
    fn drop(&mut self) {
        self.unit.release(self.id);
    }
}

impl fmt::Debug for CodeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deref().fmt(f)
    }
}
