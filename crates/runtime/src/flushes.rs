//! Flushes: functions whose code was taken away, by cause.
#![forbid(unsafe_code)]

use codespace::Removed;
use sync::atomic::{AtomicU64, Ordering};

/// Why code was taken away.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FlushCause {
    /// Somebody asked for just that.
    Asked,
    /// More than the high-water mark of code memory was occupied, and this code was cold.
    Sweep,
    /// The embedder or the system said that memory is short.
    Pressure,
    /// There was no room for new code under the limit.
    Limit,
    /// All memory was to be given back that can be.
    Trim,
}

/// What was taken away for each cause.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FlushStats {
    /// For [`FlushCause::Asked`].
    pub asked: Flushed,
    /// For [`FlushCause::Sweep`].
    pub sweep: Flushed,
    /// For [`FlushCause::Pressure`].
    pub pressure: Flushed,
    /// For [`FlushCause::Limit`].
    pub limit: Flushed,
    /// For [`FlushCause::Trim`].
    pub trim: Flushed,
}

/// What was taken away for one cause.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Flushed {
    /// How often something was.
    pub count: u64,
    /// How many functions went back to their lazy entries.
    pub functions: u64,
    /// Bytes of their code.
    pub bytes: u64,
}

/// Counters behind [`FlushStats`].
#[derive(Debug, Default)]
pub(crate) struct FlushCounters([FlushCounter; FlushCause::COUNT]);

#[derive(Debug, Default)]
struct FlushCounter {
    flushes: AtomicU64,
    functions: AtomicU64,
    bytes: AtomicU64,
}

impl FlushCause {
    const COUNT: usize = Self::Trim as usize + 1;

    /// Its name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Sweep => "sweep",
            Self::Pressure => "pressure",
            Self::Limit => "limit",
            Self::Trim => "trim",
        }
    }
}

impl FlushStats {
    /// For all causes.
    pub fn total(&self) -> Flushed {
        let Self { asked, sweep, pressure, limit, trim } = *self;
        let add = |sum: Flushed, one: Flushed| Flushed {
            count: sum.count + one.count,
            functions: sum.functions + one.functions,
            bytes: sum.bytes + one.bytes,
        };
        [asked, sweep, pressure, limit, trim].into_iter().fold(Flushed::default(), add)
    }
}

impl FlushCounters {
    /// Counts what was taken away, if anything was.
    pub(crate) fn count(&self, cause: FlushCause, removed: Removed) {
        if removed.functions != 0 {
            let counter = &self.0[cause as usize];
            counter.flushes.fetch_add(1, Ordering::Relaxed);
            counter.functions.fetch_add(removed.functions as u64, Ordering::Relaxed);
            counter.bytes.fetch_add(removed.code_bytes as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn stats(&self) -> FlushStats {
        let of = |cause: FlushCause| self.0[cause as usize].read();
        FlushStats {
            asked: of(FlushCause::Asked),
            sweep: of(FlushCause::Sweep),
            pressure: of(FlushCause::Pressure),
            limit: of(FlushCause::Limit),
            trim: of(FlushCause::Trim),
        }
    }
}

impl FlushCounter {
    fn read(&self) -> Flushed {
        Flushed {
            count: self.flushes.load(Ordering::Relaxed),
            functions: self.functions.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_own_count() {
        let counters = FlushCounters::default();
        let removed = |functions| Removed { functions, code_bytes: 100, metadata_bytes: 10 };
        counters.count(FlushCause::Limit, removed(0));
        counters.count(FlushCause::Limit, removed(2));
        counters.count(FlushCause::Limit, removed(3));
        counters.count(FlushCause::Asked, removed(7));
        let stats = counters.stats();
        assert_eq!(stats.limit, Flushed { count: 2, functions: 5, bytes: 200 });
        assert_eq!(stats.asked, Flushed { count: 1, functions: 7, bytes: 100 });
        assert_eq!((stats.sweep, stats.pressure, stats.trim), Default::default());
        assert_eq!(stats.total(), Flushed { count: 3, functions: 12, bytes: 300 });
    }
}
