//! The store of a realm, for whoever needs it at the moment.
//!
//! JavaScript and Wasm call each other in turns, and natives on both sides need the store:
//!
//! ```text
//!   script ──► native: enter ──► Wasm ──► host function: lend ──► script ──► native: enter ...
//!              takes the store            gives its own access           takes what was lent
//! ```
//!
//! * [SC-ONE] at every moment at most one place has access: `enter` takes it away until its work
//!   ends, and `lend` hands on what its caller has and does not use meanwhile.

use std::{
    cell::{Cell, RefCell},
    ptr::NonNull,
};

use tierup::{AsContextMut, Store, StoreContextMut};

use crate::state::Host;

/// The store of a realm.
pub(crate) struct StoreCell {
    store: RefCell<Store<Host>>,
    lent: Cell<Option<NonNull<StoreContextMut<'static, Host>>>>,
}

impl StoreCell {
    pub(crate) fn new(store: Store<Host>) -> Self {
        Self { store: RefCell::new(store), lent: Cell::new(None) }
    }

    /// Does `work` with the store. What it makes a root is one no more afterwards.
    ///
    /// # Panics
    ///
    /// If somebody further out uses the store and did not lend it.
    pub(crate) fn enter<R>(&self, work: impl FnOnce(&mut StoreContextMut<'_, Host>) -> R) -> R {
        match self.lent.take() {
            None => self.store.borrow_mut().as_context_mut().scope(work),
            Some(mut lent) => {
                let _restore = Restore { cell: &self.lent, value: Some(lent) };
                // SAFETY: [SC-ONE] whoever lent it waits for us, and nobody else can take it until
                // it is put back.
                let store = unsafe { lent.as_mut() };
                store.scope(work)
            }
        }
    }

    /// Likewise, for work that makes no roots: saves a scope.
    #[inline]
    pub(crate) fn enter_unscoped<R>(
        &self,
        work: impl FnOnce(&mut StoreContextMut<'_, Host>) -> R,
    ) -> R {
        match self.lent.get() {
            None => work(&mut self.store.borrow_mut().as_context_mut()),
            Some(_) => self.enter(work),
        }
    }

    /// Lets those that `work` calls enter the store, to which the caller has access.
    pub(crate) fn lend<R>(
        &self,
        store: &mut StoreContextMut<'_, Host>,
        work: impl FnOnce() -> R,
    ) -> R {
        let lent = NonNull::from(store).cast();
        let _restore = Restore { cell: &self.lent, value: self.lent.replace(Some(lent)) };
        work()
    }
}

/// Puts a value back, also when a panic passes.
struct Restore<'a> {
    cell: &'a Cell<Option<NonNull<StoreContextMut<'static, Host>>>>,
    value: Option<NonNull<StoreContextMut<'static, Host>>>,
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        self.cell.set(self.value);
    }
}
