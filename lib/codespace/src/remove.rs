//! Removing installed code: functions go back to their lazy entries.
#![forbid(unsafe_code)]

use std::ops::{AddAssign, Range};

use crate::{
    draft::{Flavor, Kind, Tier},
    events,
    install::Version,
    unit::Unit,
};

/// Which installed code to remove.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Filter {
    /// Code made for debugging.
    Debug,
    /// Code not made for debugging.
    NonDebug,
    /// Code of the baseline tier.
    Baseline,
    /// Code of the optimizing tier.
    Optimized,
    /// All of it.
    All,
}

/// What was removed. It is retired, not free: frames may still run it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Removed {
    /// How many functions went back to their lazy entries.
    pub functions: usize,
    /// Bytes of their code.
    pub code_bytes: usize,
    /// Bytes of their records and side tables.
    pub metadata_bytes: usize,
}

impl AddAssign for Removed {
    fn add_assign(&mut self, other: Self) {
        self.functions += other.functions;
        self.code_bytes += other.code_bytes;
        self.metadata_bytes += other.metadata_bytes;
    }
}

impl Filter {
    pub(crate) fn matches(self, version: Version) -> bool {
        let is_debug = version.flavor != Flavor::Normal;
        match self {
            Self::Debug => is_debug,
            Self::NonDebug => !is_debug,
            Self::Baseline => version.tier == Tier::Baseline,
            Self::Optimized => version.tier == Tier::Optimized,
            Self::All => true,
        }
    }
}

impl Unit {
    /// Takes installed code away from all functions that match. The next call of each enters the
    /// lazy stub.
    pub fn remove(&self, filter: Filter) -> Removed {
        let removed = self.take_installed(0..self.functions(), filter);
        self.retire(removed)
    }

    /// Takes the installed code away from one function, if it has any.
    pub fn remove_function(&self, function: u32) -> Removed {
        let end = self.functions().min(function.saturating_add(1));
        let removed = self.take_installed(function..end, Filter::All);
        self.retire(removed)
    }

    fn take_installed(&self, functions: Range<u32>, filter: Filter) -> Vec<u32> {
        let mut removed = Vec::new();
        let mut books = self.books().lock();
        for function in functions {
            let Some(id) = books.table[function as usize] else {
                self.take_replacements(&mut books, function, filter, &mut removed);
                continue;
            };
            let version = self.manager().slab().record(id).contents().version();
            if filter.matches(version) {
                books.end_suspension(function);
                books.table[function as usize] = None;
                self.identity().count(|counters| counters.uninstalled(version.tier));
                self.lead(&mut books, function, self.lazy_entry(function));
                removed.push(id);
                // [RP-WITH]
                self.take_replacements(&mut books, function, Filter::All, &mut removed);
            } else {
                self.take_replacements(&mut books, function, filter, &mut removed);
            }
        }
        removed
    }

    /// Gives the table's references back, without the lock.
    pub(crate) fn retire(&self, ids: Vec<u32>) -> Removed {
        let mut removed = Removed::default();
        for id in ids {
            let code = self.manager().slab().record(id);
            let item = code.item();
            removed.functions += usize::from(matches!(code.kind(), Kind::Function(_)));
            removed.code_bytes += item.bytes;
            removed.metadata_bytes += item.metadata;
            self.release(id);
        }
        if removed != Removed::default() {
            events::remove(self.identity().id(), removed);
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_what_they_say() {
        let matching = |filter: Filter| {
            let all = [Tier::Baseline, Tier::Optimized].into_iter().flat_map(|tier| {
                [Flavor::Normal, Flavor::Debug, Flavor::Breakpoints, Flavor::Stepping]
                    .map(|flavor| Version { tier, flavor })
            });
            let text = all.map(|version| if filter.matches(version) { 'x' } else { '.' });
            text.collect::<String>()
        };
        assert_eq!(matching(Filter::Debug), ".xxx.xxx");
        assert_eq!(matching(Filter::NonDebug), "x...x...");
        assert_eq!(matching(Filter::Baseline), "xxxx....");
        assert_eq!(matching(Filter::Optimized), "....xxxx");
        assert_eq!(matching(Filter::All), "xxxxxxxx");
    }
}
