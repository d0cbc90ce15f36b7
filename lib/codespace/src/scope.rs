//! Scopes: what has been looked up in one stays until it closes.

use std::fmt;

use crate::{
    eras::{Eras, Ticket},
    lookup,
    manager::CodeManager,
    object::Code,
    slab::Slab,
};

/// Keeps looked-up code alive. Opening and closing take no lock.
///
/// ```
/// # use codespace::{CodeManager, Config};
/// let manager = CodeManager::new(&Config::default())?;
/// let scope = manager.scope();
/// let code = scope.lookup(0x1234);
/// assert!(code.is_none());
/// drop(scope);
/// # Ok::<(), codespace::Error>(())
/// ```
///
/// Code cannot outlive the scope:
///
/// ```compile_fail,E0505
/// # use codespace::{CodeManager, Config};
/// let manager = CodeManager::new(&Config::default())?;
/// let scope = manager.scope();
/// let code = scope.lookup(0x1234);
/// drop(scope);
/// assert!(code.is_none());
/// # Ok::<(), codespace::Error>(())
/// ```
pub struct CodeScope<'m> {
    slab: &'m Slab,
    eras: &'m Eras,
    /// `None` only while dropping.
    ticket: Option<Ticket>,
}

impl<'m> CodeScope<'m> {
    pub(crate) fn new(manager: &'m CodeManager) -> Self {
        let (slab, eras) = (&**manager.slab(), manager.eras());
        Self { slab, eras, ticket: Some(eras.enter()) }
    }

    /// The code of this manager at `pc`: wait-free, in constant time.
    ///
    /// A return address belongs to the instruction before it: look up the byte before.
    #[inline]
    pub fn lookup(&self, pc: usize) -> Option<&Code> {
        // SAFETY: (a) this is a scope of the slab's manager, entered before; (b) the result
        // borrows it.
        unsafe { lookup::find_in(pc, self.slab) }
    }
}

impl Drop for CodeScope<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.eras.leave(ticket);
        }
    }
}

impl fmt::Debug for CodeScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeScope({:?})", self.ticket)
    }
}
