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

use crate::draft::Tier;

/// What a manager's memory is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Arenas.
    pub arenas: usize,
    /// Units that live.
    pub units: usize,
    /// Bytes of reserved address space, look-up indexes included.
    pub reserved_bytes: usize,
    /// Bytes of arenas that are committed; never more than the limit.
    pub committed_bytes: usize,
    /// Code objects.
    pub code: CodeStats,
}

/// What became of the code of a unit, or of all units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CodeStats {
    /// Bytes ever handed out, including what is unused at the end of objects.
    pub generated_bytes: usize,
    /// Bytes of them that can be handed out again.
    pub freed_bytes: usize,
    /// Records and side tables.
    pub metadata_bytes: usize,
    /// Functions of the baseline tier, retired ones included.
    pub baseline: Share,
    /// Functions of the optimizing tier, retired ones included.
    pub optimized: Share,
    /// Wrappers, stubs and lazy tables, retired ones included.
    pub other: Share,
    /// What no call can reach, and frames may still run.
    pub retired: Share,
    /// What has ended and waits for scopes to close.
    pub waiting: Share,
}

/// A number of code objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// How an object is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    Baseline,
    Optimized,
    Other,
}

impl Class {
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

/// Counters behind [`CodeStats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    generated: AtomicUsize,
    freed: AtomicUsize,
    metadata: AtomicUsize,
    classes: [ShareCounter; 3],
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

    pub(crate) fn placed(&self, bytes: usize) {
        self.generated.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn published(&self, item: Item) {
        self.metadata.fetch_add(item.metadata, Ordering::Relaxed);
        self.class(item.class).add(item.bytes);
    }

    pub(crate) fn retired(&self, item: Item) {
        self.retired.add(item.bytes);
    }

    /// A live object has ended.
    pub(crate) fn ended(&self, item: Item) {
        self.class(item.class).subtract(item.bytes);
        self.waiting.add(item.bytes);
    }

    /// A retired object has ended.
    pub(crate) fn ended_retired(&self, item: Item) {
        self.retired.subtract(item.bytes);
        self.ended(item);
    }

    pub(crate) fn removed(&self, item: Item) {
        self.waiting.subtract(item.bytes);
        self.metadata.fetch_sub(item.metadata, Ordering::Relaxed);
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
        let objects: usize = self.classes.iter().map(|class| read(&class.bytes)).sum();
        self.occupied().saturating_sub(objects)
    }

    pub(crate) fn generated(&self) -> usize {
        read(&self.generated)
    }

    pub(crate) fn snapshot(&self) -> CodeStats {
        let [baseline, optimized, other] = &self.classes;
        CodeStats {
            generated_bytes: read(&self.generated),
            freed_bytes: read(&self.freed),
            metadata_bytes: read(&self.metadata),
            baseline: baseline.snapshot(),
            optimized: optimized.snapshot(),
            other: other.snapshot(),
            retired: self.retired.snapshot(),
            waiting: self.waiting.snapshot(),
        }
    }

    fn class(&self, class: Class) -> &ShareCounter {
        &self.classes[class as usize]
    }
}

#[derive(Debug, Default)]
struct ShareCounter {
    count: AtomicUsize,
    bytes: AtomicUsize,
}

impl ShareCounter {
    fn add(&self, bytes: usize) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn subtract(&self, bytes: usize) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
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
