//! What was compiled, how often and for how long. Read without locks.

use std::time::Duration;

use codespace::Tier;
use sync::atomic::{AtomicU64, Ordering};

/// Counts of an engine's compiles.
#[derive(Debug, Default)]
pub struct CompileCounters {
    tiers: [AtomicCounts; 2],
    lazy: AtomicU64,
    failed: AtomicU64,
    bailouts: AtomicU64,
}

#[derive(Debug, Default)]
struct AtomicCounts {
    functions: AtomicU64,
    nanoseconds: AtomicU64,
    body_bytes: AtomicU64,
    code_bytes: AtomicU64,
}

/// Counts of one tier.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TierCounts {
    /// Functions compiled.
    pub functions: u64,
    /// Time that it took, summed over threads.
    pub time: Duration,
    /// Bytes of their bodies.
    pub body_bytes: u64,
    /// Bytes of their machine code.
    pub code_bytes: u64,
}

/// One compile that succeeded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compile {
    pub(crate) tier: Tier,
    pub(crate) time: Duration,
    pub(crate) body_bytes: usize,
    pub(crate) code_bytes: usize,
}

impl CompileCounters {
    /// The counts of one tier.
    pub fn tier(&self, tier: Tier) -> TierCounts {
        let counts = &self.tiers[tier as usize];
        TierCounts {
            functions: counts.functions.load(Ordering::Relaxed),
            time: Duration::from_nanos(counts.nanoseconds.load(Ordering::Relaxed)),
            body_bytes: counts.body_bytes.load(Ordering::Relaxed),
            code_bytes: counts.code_bytes.load(Ordering::Relaxed),
        }
    }

    /// Functions that were compiled because somebody called them.
    pub fn lazy(&self) -> u64 {
        self.lazy.load(Ordering::Relaxed)
    }

    /// Compiles that failed or panicked.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self, compile: Compile) {
        let counts = &self.tiers[compile.tier as usize];
        let nanoseconds = u64::try_from(compile.time.as_nanos()).unwrap_or(u64::MAX);
        counts.functions.fetch_add(1, Ordering::Relaxed);
        counts.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        counts.body_bytes.fetch_add(compile.body_bytes as u64, Ordering::Relaxed);
        counts.code_bytes.fetch_add(compile.code_bytes as u64, Ordering::Relaxed);
    }

    /// Functions that the fallback compiled, because the first compiler could not.
    pub fn bailouts(&self) -> u64 {
        self.bailouts.load(Ordering::Relaxed)
    }

    pub(crate) fn count_bailout(&self) {
        self.bailouts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_lazy(&self) {
        self.lazy.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_failure(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}
