//! Tenants: who units are made for, each with a limit of its own.
//!
//! ```text
//!   engine's limit   │ committed memory, in blocks that tenants share                     │
//!   tenant A         │ objects, lazy tables, cells ···│ limit of A
//!   tenant B         │ objects, lazy tables, cells │ limit of B
//! ```
//!
//! Committed memory comes in blocks, in which code of many units lies side by side, so it belongs
//! to nobody. A tenant pays for what it *occupies*: the ranges of its code objects, from before
//! they are allocated until they can be allocated again, and the cells of its units.
//!
//! * [TE-EXACT] every range that is handed out is in the account of one tenant, from
//!   [`Tenant::charge`] to [`Tenant::give`], rounded as it is allocated.
//! * [TE-HARD] no account is ever above its limit.
#![forbid(unsafe_code)]

use std::{
    fmt,
    sync::{
        Arc,
        // Loom does not look at numbers alone.
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use crate::{
    blocks::Account,
    error::{ErrorKind, Result},
    manager::CodeManager,
    stats::{CodeStats, Counters},
};

/// What a tenant is made from.
#[derive(Clone, Debug)]
pub struct TenantSpec {
    /// For errors and statistics.
    pub name: String,
    /// Hard limit on the bytes that it occupies.
    pub limit: usize,
}

/// Who units are made for. It lives as long as a handle, a unit or a piece of code of it.
pub struct Tenant {
    id: u64,
    name: String,
    limit: usize,
    account: Account,
    /// Of all tenants.
    all: Arc<Account>,
    peak: AtomicUsize,
    pub(crate) counters: Counters,
    used_at: AtomicUsize,
    relieved_at: AtomicUsize,
}

/// What a tenant occupies, at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TenantStats {
    /// Its name.
    pub name: String,
    /// Its hard limit; `usize::MAX` if it has none of its own.
    pub limit: usize,
    /// Bytes that it occupies: code, retired code that is not free yet, lazy tables and cells.
    pub used_bytes: usize,
    /// The most that it ever occupied.
    pub peak_bytes: usize,
    /// What became of its code.
    pub code: CodeStats,
}

/// Bytes taken from a tenant's account, which go back unless they are kept.
#[derive(Debug)]
pub(crate) struct Charge {
    tenant: Arc<Tenant>,
    bytes: usize,
}

impl Tenant {
    pub(crate) fn new(spec: TenantSpec, all: &Arc<Account>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let TenantSpec { name, limit } = spec;
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            name,
            limit,
            account: Account::new(limit),
            all: Arc::clone(all),
            peak: AtomicUsize::new(0),
            counters: Counters::default(),
            used_at: AtomicUsize::new(0),
            relieved_at: AtomicUsize::new(0),
        }
    }

    /// A number that no other tenant of the process has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its hard limit; `usize::MAX` if it has none of its own.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that it occupies. Takes no lock.
    pub fn used_bytes(&self) -> usize {
        self.account.used()
    }

    /// What it occupies, and what became of its code. Takes no lock.
    pub fn stats(&self) -> TenantStats {
        TenantStats {
            name: self.name.clone(),
            limit: self.limit,
            used_bytes: self.used_bytes(),
            peak_bytes: self.peak.load(Ordering::Relaxed),
            code: self.counters.snapshot(),
        }
    }

    /// Does what it occupies count in that account?
    pub(crate) fn is_of(&self, all: &Arc<Account>) -> bool {
        Arc::ptr_eq(&self.all, all)
    }

    /// Takes bytes from its account. [TE-HARD]
    pub(crate) fn charge(self: &Arc<Self>, bytes: usize) -> Result<Charge> {
        let Some(used) = self.account.take(bytes) else { return Err(self.error(bytes).into()) };
        self.peak.fetch_max(used, Ordering::Relaxed);
        // It has no limit of its own: there are fewer bytes of memory than numbers.
        let _ = self.all.take(bytes);
        Ok(Charge { tenant: Arc::clone(self), bytes })
    }

    /// Gives bytes back that a charge was kept for. [TE-EXACT]
    pub(crate) fn give(&self, bytes: usize) {
        self.account.give(bytes);
        self.all.give(bytes);
    }

    /// Its code was used when so much code had been generated; see [`CodeManager::victims`].
    pub(crate) fn touch(&self, now: usize) {
        if self.used_at() != now {
            self.used_at.store(now, Ordering::Relaxed);
        }
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn used_at(&self) -> usize {
        // Relaxed: for an order that need not be exact.
        self.used_at.load(Ordering::Relaxed)
    }

    /// How much of its code had been generated when it was relieved for the last time.
    pub(crate) fn relieved_at(&self) -> &AtomicUsize {
        &self.relieved_at
    }

    #[cold]
    fn error(&self, wanted: usize) -> ErrorKind {
        let (name, used) = (self.name.clone(), self.used_bytes());
        ErrorKind::OutOfTenantMemory { tenant: name, wanted, used, limit: self.limit }
    }
}

impl Charge {
    /// From now on somebody else gives the bytes back.
    pub(crate) fn keep(mut self) {
        self.bytes = 0;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.tenant.give(self.bytes);
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tenant({:?}, {} of {} bytes)", self.name, self.used_bytes(), self.limit)
    }
}

impl CodeManager {
    /// A tenant, for which units can be made.
    pub fn new_tenant(&self, spec: TenantSpec) -> Arc<Tenant> {
        let tenant = Arc::new(Tenant::new(spec, self.occupied_account()));
        self.remember_tenant(&tenant);
        tenant
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn tenant(limit: usize, all: &Arc<Account>) -> Arc<Tenant> {
        Arc::new(Tenant::new(TenantSpec { name: "shop".to_owned(), limit }, all))
    }

    #[test]
    fn te_hard_what_is_over_the_limit_is_an_error_that_names_all() {
        let all = Arc::new(Account::new(usize::MAX));
        let tenant = tenant(100, &all);
        tenant.charge(60).unwrap().keep();
        let error = tenant.charge(41).unwrap_err().to_string();
        for part in ["`shop`", "41 bytes wanted", "60 used", "limit is 100"] {
            assert!(error.contains(part), "{error}");
        }
        assert_eq!((tenant.used_bytes(), all.used()), (60, 60));
        tenant.charge(40).unwrap().keep();
        assert_eq!(tenant.used_bytes(), 100);
    }

    #[test]
    fn te_exact_what_is_not_kept_goes_back_and_counts_in_the_peak() {
        let all = Arc::new(Account::new(usize::MAX));
        let (one, other) = (tenant(100, &all), tenant(usize::MAX, &all));
        drop(one.charge(90).unwrap());
        other.charge(50).unwrap().keep();
        one.charge(30).unwrap().keep();
        one.give(10);
        let stats = one.stats();
        assert_eq!((stats.used_bytes, stats.peak_bytes, stats.limit), (20, 90, 100));
        assert_eq!((other.used_bytes(), all.used()), (50, 70));
    }

    #[test]
    fn te_hard_many_threads_never_pass_the_limit() {
        let all = Arc::new(Account::new(usize::MAX));
        let tenant = tenant(1000, &all);
        sync::hammer(4, 5000, |thread, round| {
            let charge = tenant.charge((round * (thread + 3)) % 400);
            assert!(tenant.used_bytes() <= 1000);
            drop(charge);
        });
        assert_eq!((tenant.used_bytes(), all.used()), (0, 0));
        assert!(tenant.stats().peak_bytes <= 1000);
    }
}
