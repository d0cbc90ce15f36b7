//! Staying under the limits on code memory: when to give code up, whose, and in which order.
//!
//! ```text
//!   0 ────────────────────── low ───── high ──── limit     of the engine, and of each tenant
//!                            ◄─ gentle steps      └─ hard steps, one after the other, by who
//!                               in the background    wants memory; then it is an error
//! ```
//!
//! Gentle steps take code that was not called for a while; hard ones take all there is, cold code
//! first. Each step goes through units in the order of [`CodeManager::victims`], only as far as
//! is needed; what was given up is collected, and the rest only follows if that was not enough.
//! What is short decides whose code goes: at a tenant's limit it is that tenant's alone.
//!
//! Using code leaves no trace. But a sweep points cold cells at the lazy stub (see `cold`), and
//! whoever comes there leaves the time in its unit and tenant, as who compiles does. So who has
//! not been seen there for longest is who has not run for longest, as far as anybody can tell.
//! Time is the number of bytes of code ever generated: it stands still when nothing is short.
#![forbid(unsafe_code)]

use std::sync::{Arc, atomic::Ordering};

use crate::{
    blocks::Account,
    error::{Error, ErrorKind},
    manager::CodeManager,
    remove::{Filter, Removed},
    tenant::Tenant,
    unit::Unit,
};

/// One way to get memory, from the cheapest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Free what was retired.
    Collect,
    /// Take away code of that kind that was not called since the last sweep.
    Sweep(Filter),
    /// Take away all code of that kind.
    Remove(Filter),
}

/// Until less than the low-water mark is occupied.
pub const GENTLE_STEPS: [Step; 3] =
    [Step::Collect, Step::Sweep(Filter::Baseline), Step::Sweep(Filter::Optimized)];

/// Until there is room for what is wanted.
pub const HARD_STEPS: [Step; 5] = [
    Step::Collect,
    Step::Sweep(Filter::Baseline),
    Step::Sweep(Filter::Optimized),
    Step::Remove(Filter::Baseline),
    Step::Remove(Filter::Optimized),
];

/// Parts of the limit.
mod marks {
    /// Gentle steps begin above this: it leaves an eighth for what comes until they have worked.
    pub(super) const HIGH: (usize, usize) = (7, 8);
    /// And end below this.
    pub(super) const LOW: (usize, usize) = (3, 4);
    /// As much has to be generated before they are tried again; else each new function would be
    /// a reason to, where all code is in use.
    pub(super) const BETWEEN: (usize, usize) = (1, 32);
}

/// Whose code is to be given up.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'t> {
    /// That of all tenants.
    Everybody,
    /// That of one.
    Tenant(&'t Arc<Tenant>),
}

/// What an operation was short of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shortage {
    /// Memory under the manager's limit.
    Manager {
        /// Bytes that it wanted.
        wanted: usize,
    },
    /// Memory under the limit of its tenant.
    Tenant {
        /// Bytes that it wanted.
        wanted: usize,
    },
}

impl Shortage {
    /// Is it the same limit that both are about?
    pub fn is_like(self, other: Self) -> bool {
        matches!(self, Self::Manager { .. }) == matches!(other, Self::Manager { .. })
    }
}

impl CodeManager {
    /// The units that are not pinned, those that were not used for longest first: by tenant, and
    /// of one tenant by unit.
    pub fn victims(&self, whose: Whose<'_>) -> Vec<Arc<Unit>> {
        let is_theirs = |unit: &Arc<Unit>| match whose {
            Whose::Everybody => true,
            Whose::Tenant(tenant) => Arc::ptr_eq(unit.tenant(), tenant),
        };
        let mut units = self.units();
        units.retain(|unit| !unit.is_pinned() && is_theirs(unit));
        // Read once: a time that changes while one sorts makes no order.
        units.sort_by_cached_key(|unit| {
            let tenant = unit.tenant();
            (tenant.used_at(), tenant.id(), unit.used_at(), unit.identity().id())
        });
        units
    }

    /// Those for whom gentle steps should be taken now: more than their high-water mark is
    /// occupied, and enough new code was generated since the last time. Notes that they are.
    pub fn relieve(&self) -> Vec<Option<Arc<Tenant>>> {
        let mut wanting = Vec::new();
        for tenant in self.tenants() {
            if tenant.wants_relief() {
                let generated = tenant.counters.generated();
                tenant.relieved_at().store(generated, Ordering::Relaxed);
                wanting.push(Some(tenant));
            }
        }
        if self.wants_relief() {
            self.relieved_at().store(self.counters().generated(), Ordering::Relaxed);
            wanting.push(None);
        }
        wanting
    }

    /// Is more than the high-water mark occupied, and has enough been generated since the last
    /// relief? Takes no lock.
    pub fn wants_relief(&self) -> bool {
        let new = self.counters().generated();
        let new = new.saturating_sub(self.relieved_at().load(Ordering::Relaxed));
        is_due(self.config().committed_limit, self.occupied_account().used(), new)
    }

    /// Is so much occupied that somebody may soon wait for what is freed?
    pub(crate) fn is_nearly_full(&self) -> bool {
        part(self.config().committed_limit, marks::LOW) < self.occupied_bytes()
    }

    /// Bytes of committed memory that are handed out and not free again. Takes no lock.
    pub fn occupied_bytes(&self) -> usize {
        self.occupied_account().used()
    }

    /// How much must go until less than the low-water mark is occupied. Takes no lock.
    pub fn excess(&self, whose: Whose<'_>) -> usize {
        let (limit, account): (usize, &Account) = match whose {
            Whose::Everybody => (self.config().committed_limit, self.occupied_account()),
            Whose::Tenant(tenant) => (tenant.limit(), tenant.account()),
        };
        account.used().saturating_sub(part(limit, marks::LOW))
    }

    /// How much should go for who wants so many bytes: enough that the next who comes finds room.
    pub fn ransom(&self, whose: Whose<'_>, wanted: usize) -> usize {
        let limit = match whose {
            Whose::Everybody => self.config().committed_limit,
            Whose::Tenant(tenant) => tenant.limit(),
        };
        part(limit, marks::BETWEEN).max(wanted)
    }

    /// Is there code that was placed and not published, or has ended and is not free? Takes no
    /// lock.
    pub fn is_in_flight(&self, whose: Whose<'_>) -> bool {
        match whose {
            Whose::Everybody => self.counters().in_flight() != 0,
            Whose::Tenant(tenant) => tenant.counters.in_flight() != 0,
        }
    }
}

impl Tenant {
    /// As [`CodeManager::wants_relief`], for one tenant.
    pub fn wants_relief(&self) -> bool {
        let new = self.counters.generated();
        let new = new.saturating_sub(self.relieved_at().load(Ordering::Relaxed));
        is_due(self.limit(), self.used_bytes(), new)
    }
}

impl Unit {
    /// Takes one step, and returns what it took away. Collecting is the caller's part.
    pub fn take(&self, step: Step) -> Removed {
        match step {
            Step::Collect => Removed::default(),
            Step::Sweep(filter) => self.sweep(filter).removed,
            Step::Remove(filter) => self.remove(filter),
        }
    }
}

impl Error {
    /// Is it for a limit on code memory, so that giving code up may help?
    pub fn shortage(&self) -> Option<Shortage> {
        match *self.kind() {
            ErrorKind::OutOfCodeMemory { wanted, .. } => Some(Shortage::Manager { wanted }),
            ErrorKind::OutOfTenantMemory { wanted, .. } => Some(Shortage::Tenant { wanted }),
            _ => None,
        }
    }
}

/// Should gentle steps be taken, when so much is occupied, and so much was generated since the
/// last time?
fn is_due(limit: usize, used: usize, new: usize) -> bool {
    part(limit, marks::HIGH) < used && part(limit, marks::BETWEEN) < new
}

fn part(whole: usize, (numerator, denominator): (usize, usize)) -> usize {
    whole / denominator * numerator + whole % denominator * numerator / denominator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_parts_of_the_limit() {
        assert_eq!(part(800, marks::HIGH), 700);
        assert_eq!(part(801, marks::LOW), 600);
        assert_eq!(part(7, marks::LOW), 5);
        assert!(part(usize::MAX, marks::HIGH) < usize::MAX);
    }

    #[test]
    fn relief_is_due_when_much_is_occupied_and_much_is_new() {
        for (used, new, expected) in [
            (7 << 10, 4 << 10, false),
            ((7 << 10) + 1, 257, true),
            ((7 << 10) + 1, 256, false),
            (8 << 10, 257, true),
            (0, usize::MAX, false),
        ] {
            assert_eq!(is_due(8 << 10, used, new), expected, "{used} {new}");
        }
        assert!(!is_due(usize::MAX, 1 << 40, 1 << 40));
    }
}
