//! What was compiled, how often and for how long. Read without locks.

use std::{collections::BTreeMap, time::Duration};

use codespace::{Footprints, Tier};
use histogram::{Histogram, Summary};
use sync::{
    Mutex, Rank,
    atomic::{AtomicU64, Ordering},
};
use tierup_compile::{CompileError, CompileErrorKind};

/// Counts of an engine's compiles.
#[derive(Debug)]
pub struct CompileCounters {
    tiers: [AtomicCounts; 2],
    lazy_times: Histogram,
    optimizing_times: Histogram,
    lazy: AtomicU64,
    failed: AtomicU64,
    bailouts: AtomicU64,
    work: AtomicU64,
    chosen: AtomicU64,
    chosen_bytes: AtomicU64,
    tier_ups: AtomicU64,
    tier_ups_queued: AtomicU64,
    tier_ups_failed: AtomicU64,
    tier_ups_discarded: AtomicU64,
    replacements: AtomicReplacements,
    events: Mutex<Events>,
    modules: Footprints,
}

/// Events with texts, which are rare.
#[derive(Debug, Default)]
struct Events {
    failures: Vec<CompileFailure>,
    bailouts: BTreeMap<String, u64>,
}

/// Most failures that are remembered; the first are the ones that tell most.
const MOST_FAILURES: usize = 64;

/// Most reasons for bailouts that are kept apart.
const MOST_REASONS: usize = 256;

/// A function that could not be compiled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompileFailure {
    /// Its index in its module, imports counted.
    pub function: u32,
    /// Its name, from the name section.
    pub name: Option<String>,
    /// The tier that it did not get.
    pub tier: Tier,
    /// Why.
    pub message: String,
}

/// Compiles of an engine.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CompileStats {
    /// By the baseline compiler.
    pub baseline: TierCounts,
    /// By the optimizing compiler.
    pub optimized: TierCounts,
    /// Functions that were compiled because somebody called them.
    pub lazy: u64,
    /// Functions that the baseline compiler left to the optimizing one.
    pub bailouts: u64,
    /// Those that failed.
    pub failed: u64,
    /// How long callers of functions without code waited for it.
    pub lazy_nanoseconds: Summary,
    /// How long the optimizing compiler took for a function.
    pub optimizing_nanoseconds: Summary,
}

/// What became of functions that ran long.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TierUpCounts {
    /// Functions that were queued for optimizing.
    pub queued: u64,
    /// Functions whose optimized code replaced what they had.
    pub done: u64,
    /// Functions that could not be optimized, and stay as they are.
    pub failed: u64,
    /// Results that came too late: the module is gone, or what they relied on has changed.
    pub discarded: u64,
}

/// What became of loops that ran long within one call.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ReplacementCounts {
    /// Loops that were queued for being optimized.
    pub queued: u64,
    /// Loops for which there was code to go on in.
    pub done: u64,
    /// Loops that could not be optimized, and stay as they are.
    pub failed: u64,
    /// Results that came too late: the function or its module is gone.
    pub discarded: u64,
    /// Calls that went on in optimized code.
    pub entered: u64,
}

#[derive(Debug, Default)]
struct AtomicReplacements {
    queued: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    discarded: AtomicU64,
    entered: AtomicU64,
}

/// Something that is counted of replacements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Replacing {
    Queued,
    Done,
    Failed,
    Discarded,
    Entered,
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TierCounts {
    /// Functions compiled.
    pub functions: u64,
    /// Time that it took, summed over threads.
    #[cfg_attr(feature = "serde", serde(rename = "nanoseconds", serialize_with = "nanoseconds"))]
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

#[cfg(feature = "serde")]
fn nanoseconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

impl CompileCounters {
    /// All that is counted of compiles. Takes no lock.
    pub fn stats(&self) -> CompileStats {
        CompileStats {
            baseline: self.tier(Tier::Baseline),
            optimized: self.tier(Tier::Optimized),
            lazy: self.lazy(),
            bailouts: self.bailouts(),
            failed: self.failed(),
            lazy_nanoseconds: self.lazy_times.summary(),
            optimizing_nanoseconds: self.optimizing_times.summary(),
        }
    }

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

    /// Functions that the first compiler left to the optimizing one.
    pub fn bailouts(&self) -> u64 {
        self.bailouts.load(Ordering::Relaxed)
    }

    /// The same, by reason. Takes a lock.
    pub fn bailout_reasons(&self) -> Vec<(String, u64)> {
        let events = self.events.lock();
        events.bailouts.iter().map(|(reason, count)| (reason.clone(), *count)).collect()
    }

    /// The first functions that could not be compiled. Takes a lock.
    pub fn failures(&self) -> Vec<CompileFailure> {
        self.events.lock().failures.clone()
    }

    /// What became of functions that ran long.
    pub fn tier_ups(&self) -> TierUpCounts {
        TierUpCounts {
            queued: self.tier_ups_queued.load(Ordering::Relaxed),
            done: self.tier_ups.load(Ordering::Relaxed),
            failed: self.tier_ups_failed.load(Ordering::Relaxed),
            discarded: self.tier_ups_discarded.load(Ordering::Relaxed),
        }
    }

    /// What became of loops that ran long within one call.
    pub fn replacements(&self) -> ReplacementCounts {
        let AtomicReplacements { queued, done, failed, discarded, entered } = &self.replacements;
        ReplacementCounts {
            queued: queued.load(Ordering::Relaxed),
            done: done.load(Ordering::Relaxed),
            failed: failed.load(Ordering::Relaxed),
            discarded: discarded.load(Ordering::Relaxed),
            entered: entered.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn count_replacement(&self, what: Replacing) {
        let AtomicReplacements { queued, done, failed, discarded, entered } = &self.replacements;
        let counter = match what {
            Replacing::Queued => queued,
            Replacing::Done => done,
            Replacing::Failed => failed,
            Replacing::Discarded => discarded,
            Replacing::Entered => entered,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes on the heap of what is remembered of modules for tiering.
    pub fn modules(&self) -> &Footprints {
        &self.modules
    }

    /// Work that first-tier code reported.
    pub fn work(&self) -> u64 {
        self.work.load(Ordering::Relaxed)
    }

    pub(crate) fn count_work(&self, units: u32) {
        self.work.fetch_add(u64::from(units), Ordering::Relaxed);
    }

    /// Functions that the policy chose for optimizing, and the bytes of their bodies.
    pub(crate) fn chosen(&self) -> (u64, u64) {
        (self.chosen.load(Ordering::Relaxed), self.chosen_bytes.load(Ordering::Relaxed))
    }

    pub(crate) fn count_chosen(&self, body_bytes: usize) {
        self.chosen.fetch_add(1, Ordering::Relaxed);
        self.chosen_bytes.fetch_add(body_bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_tier_up_queued(&self) {
        self.tier_ups_queued.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_tier_up(&self) {
        self.tier_ups.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_tier_up_failure(&self) {
        self.tier_ups_failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_discarded(&self) {
        self.tier_ups_discarded.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a function that the first compiler cannot do.
    pub(crate) fn count_bailout(&self, error: &CompileError) {
        self.bailouts.fetch_add(1, Ordering::Relaxed);
        let reason = match error.kind() {
            CompileErrorKind::Unsupported { what, .. } => what.clone(),
            CompileErrorKind::TooLarge { limit } => format!("more than {limit}"),
            _ => error.to_string(),
        };
        let mut events = self.events.lock();
        if events.bailouts.len() < MOST_REASONS || events.bailouts.contains_key(&reason) {
            *events.bailouts.entry(reason).or_default() += 1;
        }
    }

    pub(crate) fn count(&self, compile: Compile) {
        let counts = &self.tiers[compile.tier as usize];
        let nanoseconds = u64::try_from(compile.time.as_nanos()).unwrap_or(u64::MAX);
        counts.functions.fetch_add(1, Ordering::Relaxed);
        counts.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        counts.body_bytes.fetch_add(compile.body_bytes as u64, Ordering::Relaxed);
        counts.code_bytes.fetch_add(compile.code_bytes as u64, Ordering::Relaxed);
        if compile.tier == Tier::Optimized {
            self.optimizing_times.record(nanoseconds);
        }
    }

    /// Counts a function that got code because it was called, and how long that took.
    pub(crate) fn count_lazy(&self, time: Duration) {
        self.lazy.fetch_add(1, Ordering::Relaxed);
        self.lazy_times.record_time(time);
    }

    pub(crate) fn count_failure(&self, failure: CompileFailure) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let mut events = self.events.lock();
        if events.failures.len() < MOST_FAILURES {
            events.failures.push(failure);
        }
    }
}

impl Default for CompileCounters {
    fn default() -> Self {
        Self {
            tiers: Default::default(),
            lazy_times: Histogram::new(),
            optimizing_times: Histogram::new(),
            lazy: AtomicU64::default(),
            failed: AtomicU64::default(),
            bailouts: AtomicU64::default(),
            work: AtomicU64::default(),
            chosen: AtomicU64::default(),
            chosen_bytes: AtomicU64::default(),
            tier_ups: AtomicU64::default(),
            tier_ups_queued: AtomicU64::default(),
            tier_ups_failed: AtomicU64::default(),
            tier_ups_discarded: AtomicU64::default(),
            replacements: AtomicReplacements::default(),
            events: Mutex::new(Rank::CompileFailures, Events::default()),
            modules: Footprints::default(),
        }
    }
}
