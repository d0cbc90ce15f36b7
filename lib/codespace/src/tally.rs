//! Sums of a batch, for counters that threads share.
//!
//! ```text
//!   object ─┐
//!   object ─┼─► sum of the batch ──► counters of unit, tenant and manager, once
//!   object ─┘
//! ```
//!
//! A counter that is changed on two cores at once costs each of them a hundred times what it costs
//! to add in a register: so what is done for many objects is counted once.
#![forbid(unsafe_code)]

use crate::draft::Tier;

/// How an object is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    Baseline,
    Optimized,
    Other,
}

impl Class {
    pub(crate) const ALL: [Self; 3] = [Self::Baseline, Self::Optimized, Self::Other];

    pub(crate) fn of(tier: Tier) -> Self {
        match tier {
            Tier::Baseline => Self::Baseline,
            Tier::Optimized => Self::Optimized,
        }
    }
}

/// What is counted of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) class: Class,
    pub(crate) bytes: usize,
    pub(crate) metadata: usize,
}

/// What is counted of many.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Items {
    classes: [Sum; Class::ALL.len()],
}

/// What is counted of many of one class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
    pub(crate) metadata: usize,
}

/// How the functions of a unit have changed hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Installs {
    /// Code of that tier became what callers reach.
    pub(crate) installed: [usize; 2],
    /// It is no more.
    pub(crate) uninstalled: [usize; 2],
    /// Code took the place of other code.
    pub(crate) replaced: usize,
}

impl Items {
    pub(crate) fn add(&mut self, item: Item) {
        let sum = &mut self.classes[item.class as usize];
        sum.count += 1;
        sum.bytes += item.bytes;
        sum.metadata += item.metadata;
    }

    /// The classes of which there are any.
    pub(crate) fn sums(&self) -> impl Iterator<Item = (Class, Sum)> {
        Class::ALL.into_iter().zip(self.classes).filter(|(_, sum)| sum.count != 0)
    }

    /// All classes together.
    pub(crate) fn total(&self) -> Sum {
        self.classes.iter().fold(Sum::default(), |all, sum| Sum {
            count: all.count + sum.count,
            bytes: all.bytes + sum.bytes,
            metadata: all.metadata + sum.metadata,
        })
    }
}

impl FromIterator<Item> for Items {
    fn from_iter<I: IntoIterator<Item = Item>>(items: I) -> Self {
        let mut all = Self::default();
        items.into_iter().for_each(|item| all.add(item));
        all
    }
}

impl Installs {
    /// Callers reach code of that tier, instead of `present`.
    pub(crate) fn install(&mut self, tier: Tier, present: Option<Tier>) {
        self.installed[tier as usize] += 1;
        if let Some(present) = present {
            self.uninstall(present);
            self.replaced += 1;
        }
    }

    /// Callers do not reach code of that tier any more.
    pub(crate) fn uninstall(&mut self, tier: Tier) {
        self.uninstalled[tier as usize] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_summed_by_class() {
        let item = |class, bytes| Item { class, bytes, metadata: 2 * bytes };
        let items: Items = [(Class::Other, 1), (Class::Baseline, 10), (Class::Other, 100)]
            .into_iter()
            .map(|(class, bytes)| item(class, bytes))
            .collect();
        let sums: Vec<_> = items.sums().map(|(class, sum)| (class, sum.count, sum.bytes)).collect();
        assert_eq!(sums, [(Class::Baseline, 1, 10), (Class::Other, 2, 101)]);
        assert_eq!(items.total(), Sum { count: 3, bytes: 111, metadata: 222 });
    }

    #[test]
    fn a_replacement_is_an_end_too() {
        let mut installs = Installs::default();
        installs.install(Tier::Baseline, None);
        installs.install(Tier::Optimized, Some(Tier::Baseline));
        installs.uninstall(Tier::Optimized);
        let expected = Installs { installed: [1, 1], uninstalled: [1, 1], replaced: 1 };
        assert_eq!(installs, expected);
    }
}
