//! Tenants: who modules are made for, each with a limit on code memory of its own.

use std::sync::Arc;

use codespace::{Filter, Removed, Step, TenantSpec, TenantStats, Whose};
use tierup_runtime::FlushCause;

use crate::Engine;

/// Who modules are made for: a customer, a plug-in, a page. Cheap to clone; all clones are one
/// tenant.
///
/// Made by [`Engine::tenant`], named in [`ModuleOptions::tenant`](crate::ModuleOptions::tenant).
/// It pays for its modules' code and their cells, exactly, rounded as memory is handed out. Code
/// that was taken away counts until no stack holds it.
///
/// Modules of different tenants never share code, also if their bytes are the same.
#[derive(Clone, Debug)]
pub struct Tenant {
    inner: Arc<codespace::Tenant>,
    engine: Engine,
}

impl Tenant {
    pub(crate) fn new(engine: &Engine, name: String, limit: usize) -> Self {
        let inner = engine.state().manager().new_tenant(TenantSpec { name, limit });
        Self { inner, engine: engine.clone() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// Most bytes of code memory that its modules occupy.
    pub fn limit(&self) -> usize {
        self.inner.limit()
    }

    /// What it occupies, and what became of its code. Takes no lock.
    pub fn stats(&self) -> TenantStats {
        self.inner.stats()
    }

    /// Its engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// As [`Engine::flush`], for modules of this tenant.
    pub fn flush(&self, filter: Filter) -> Removed {
        self.engine.state().remove_tenant_code(&self.inner, filter)
    }

    /// Gives all code of this tenant up that can be compiled again and that no stack holds: its
    /// modules keep their cells and lazy entries. For one that has gone idle. Returns the bytes
    /// that it occupies less.
    pub fn trim(&self) -> usize {
        let before = self.inner.used_bytes();
        let steps = [Step::Remove(Filter::All)];
        self.engine.state().take_steps(Whose::Tenant(&self.inner), &steps, FlushCause::Trim);
        self.engine.state().manager().reap();
        before.saturating_sub(self.inner.used_bytes())
    }

    pub(crate) fn inner(&self) -> &Arc<codespace::Tenant> {
        &self.inner
    }
}
