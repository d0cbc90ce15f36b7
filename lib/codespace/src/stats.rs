//! Accounting: of a unit, and of all units of a manager. Neither counting nor reading locks.
//!
//! ```text
//!   placed ──► live (by class) ──► retired ──► waiting (for scopes) ──► freed
//!   generated    counted in class until it ends
//! ```
//!
//! All counters are relaxed: each is exact, a snapshot of several is not one moment.
#![forbid(unsafe_code)]

use sync::atomic::{AtomicUsize, Ordering};

use crate::{
    draft::Tier,
    measures::Distributions,
    tally::{Class, Installs, Items, Sum},
};

/// What a manager's memory is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Stats {
    /// Arenas.
    pub arenas: usize,
    /// Units that live.
    pub units: usize,
    /// Bytes of reserved address space, look-up indexes included.
    pub reserved_bytes: usize,
    /// Bytes of arenas that are committed; never more than the limit.
    pub committed_bytes: usize,
    /// The limit.
    pub limit_bytes: usize,
    /// Code objects.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub code: CodeStats,
    /// Distributions.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub distributions: Distributions,
}

/// What became of the code of a unit, or of all units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CodeStats {
    /// Bytes ever handed out, including what is unused at the end of objects.
    pub generated_bytes: usize,
    /// Bytes of them that can be handed out again.
    pub freed_bytes: usize,
    /// The same in parts of 100.
    pub freed_percent: usize,
    /// Records and side tables.
    pub metadata_bytes: usize,
    /// Functions by the code that their callers reach.
    pub functions: FunctionStats,
    /// How often code took the place of other code of its function.
    pub replacements: usize,
    /// Functions of the baseline tier, retired ones included.
    pub baseline: ClassStats,
    /// Functions of the optimizing tier, retired ones included.
    pub optimized: ClassStats,
    /// Wrappers, stubs and lazy tables, retired ones included.
    pub other: ClassStats,
    /// What no call can reach, and frames may still run.
    pub retired: Share,
    /// What has ended and waits for scopes to close.
    pub waiting: Share,
}

/// Functions by the code that their callers reach. What is suspended counts as reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FunctionStats {
    /// All.
    pub all: usize,
    /// Those without code.
    pub lazy: usize,
    /// Those with baseline code.
    pub baseline: usize,
    /// Those with optimized code.
    pub optimized: usize,
}

/// What became of code of one tier.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ClassStats {
    /// Code objects that have not ended.
    pub count: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Bytes ever published.
    pub generated_bytes: usize,
    /// Bytes of them that can be handed out again.
    pub freed_bytes: usize,
}

/// A number of code objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Share {
    /// How many.
    pub count: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// Counters behind [`CodeStats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    generated: AtomicUsize,
    freed: AtomicUsize,
    metadata: AtomicUsize,
    classes: [ClassCounter; Class::ALL.len()],
    functions: AtomicUsize,
    /// Functions with code, by its tier.
    installed: [AtomicUsize; 2],
    replacements: AtomicUsize,
    retired: ShareCounter,
    waiting: ShareCounter,
    arenas: AtomicUsize,
    units: AtomicUsize,
}

impl Counters {
    pub(crate) fn arena_added(&self) {
        self.arenas.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn arenas(&self) -> usize {
        read(&self.arenas)
    }

    pub(crate) fn unit_added(&self) {
        self.units.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unit_gone(&self) {
        self.units.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn units(&self) -> usize {
        read(&self.units)
    }

    pub(crate) fn functions_added(&self, count: u32) {
        self.functions.fetch_add(count as usize, Ordering::Relaxed);
    }

    /// Functions are gone, with what their unit's own counters say of them.
    pub(crate) fn functions_gone(&self, own: &CodeStats) {
        let FunctionStats { all, baseline, optimized, .. } = own.functions;
        self.functions.fetch_sub(all, Ordering::Relaxed);
        self.installed[Tier::Baseline as usize].fetch_sub(baseline, Ordering::Relaxed);
        self.installed[Tier::Optimized as usize].fetch_sub(optimized, Ordering::Relaxed);
    }

    /// Code was installed, and not.
    pub(crate) fn installed(&self, installs: &Installs) {
        for ((counter, installed), uninstalled) in
            self.installed.iter().zip(installs.installed).zip(installs.uninstalled)
        {
            let change = installed.wrapping_sub(uninstalled);
            if change != 0 {
                counter.fetch_add(change, Ordering::Relaxed);
            }
        }
        if installs.replaced != 0 {
            self.replacements.fetch_add(installs.replaced, Ordering::Relaxed);
        }
    }

    pub(crate) fn placed(&self, bytes: usize) {
        self.generated.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn published(&self, items: &Items) {
        self.metadata.fetch_add(items.total().metadata, Ordering::Relaxed);
        for (class, sum) in items.sums() {
            let class = self.class(class);
            class.live.add(sum);
            class.generated.fetch_add(sum.bytes, Ordering::Relaxed);
        }
    }

    pub(crate) fn retired(&self, items: &Items) {
        self.retired.add(items.total());
    }

    /// Live objects have ended.
    pub(crate) fn ended(&self, items: &Items) {
        for (class, sum) in items.sums() {
            self.class(class).live.subtract(sum);
            self.waiting.add(sum);
        }
    }

    /// Retired objects have ended.
    pub(crate) fn ended_retired(&self, items: &Items) {
        self.retired.subtract(items.total());
        self.ended(items);
    }

    pub(crate) fn removed(&self, items: &Items) {
        let total = items.total();
        self.waiting.subtract(total);
        self.metadata.fetch_sub(total.metadata, Ordering::Relaxed);
        for (class, sum) in items.sums() {
            self.class(class).freed.fetch_add(sum.bytes, Ordering::Relaxed);
        }
    }

    pub(crate) fn freed(&self, bytes: usize) {
        self.freed.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes handed out and not given back.
    pub(crate) fn occupied(&self) -> usize {
        read(&self.generated).saturating_sub(read(&self.freed))
    }

    /// Bytes of them that are of no object: on their way to become one, or to be free.
    pub(crate) fn in_flight(&self) -> usize {
        let objects: usize = self.classes.iter().map(|class| read(&class.live.bytes)).sum();
        self.occupied().saturating_sub(objects)
    }

    pub(crate) fn generated(&self) -> usize {
        read(&self.generated)
    }

    pub(crate) fn snapshot(&self) -> CodeStats {
        let [baseline, optimized, other] = &self.classes;
        // In this order, so that no more seems to be freed than there was.
        let freed_bytes = read(&self.freed);
        let generated_bytes = read(&self.generated);
        CodeStats {
            generated_bytes,
            freed_bytes,
            freed_percent: freed_bytes
                .saturating_mul(100)
                .checked_div(generated_bytes)
                .unwrap_or(0),
            metadata_bytes: read(&self.metadata),
            functions: self.functions(),
            replacements: read(&self.replacements),
            baseline: baseline.snapshot(),
            optimized: optimized.snapshot(),
            other: other.snapshot(),
            retired: self.retired.snapshot(),
            waiting: self.waiting.snapshot(),
        }
    }

    fn functions(&self) -> FunctionStats {
        let [baseline, optimized] = &self.installed;
        let (all, baseline, optimized) = (read(&self.functions), read(baseline), read(optimized));
        FunctionStats { all, lazy: all.saturating_sub(baseline + optimized), baseline, optimized }
    }

    fn class(&self, class: Class) -> &ClassCounter {
        &self.classes[class as usize]
    }
}

#[derive(Debug, Default)]
struct ClassCounter {
    live: ShareCounter,
    generated: AtomicUsize,
    freed: AtomicUsize,
}

impl ClassCounter {
    fn snapshot(&self) -> ClassStats {
        let Share { count, bytes } = self.live.snapshot();
        let (generated_bytes, freed_bytes) = (read(&self.generated), read(&self.freed));
        ClassStats { count, bytes, generated_bytes, freed_bytes }
    }
}

#[derive(Debug, Default)]
struct ShareCounter {
    count: AtomicUsize,
    bytes: AtomicUsize,
}

impl ShareCounter {
    fn add(&self, sum: Sum) {
        self.count.fetch_add(sum.count, Ordering::Relaxed);
        self.bytes.fetch_add(sum.bytes, Ordering::Relaxed);
    }

    fn subtract(&self, sum: Sum) {
        self.count.fetch_sub(sum.count, Ordering::Relaxed);
        self.bytes.fetch_sub(sum.bytes, Ordering::Relaxed);
    }

    fn snapshot(&self) -> Share {
        Share { count: read(&self.count), bytes: read(&self.bytes) }
    }
}

/// An object's end may be counted by one thread before its retiring is by another: for that
/// moment a counter is below zero.
fn read(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::Relaxed).cast_signed().max(0).cast_unsigned()
}
