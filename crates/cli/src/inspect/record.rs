//! Events of a run, as they come from `tracing`, in a buffer that does not grow.
//!
//! ```text
//!   threads ──► Recorder's layer ──► channel of CAPACITY events ──► finish: a list
//!                 │ full: counted, and dropped
//! ```
//!
//! Events come from threads that may hold any lock of the engine, so the layer takes none: what is
//! sent to the channel never waits.
#![forbid(unsafe_code)]

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Instant,
};

use tracing::{
    Event as TracingEvent, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, Filter},
};

/// Most events of a run. One is 80 bytes, so this is 20 MiB at most.
const CAPACITY: usize = 1 << 18;

/// What can be seen on a timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    Reserve,
    Publish,
    Free,
    Compile,
    TierUp,
    Replace,
    Flush,
    Collect,
    Failure,
}

impl What {
    const ALL: [(&'static str, Self); 9] = [
        ("reserve", Self::Reserve),
        ("publish", Self::Publish),
        ("free", Self::Free),
        ("compile", Self::Compile),
        ("tier_up", Self::TierUp),
        ("replace", Self::Replace),
        ("flush", Self::Flush),
        ("collect", Self::Collect),
        ("failure", Self::Failure),
    ];

    /// Its name among events.
    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, what)| *what == self).map_or("", |(name, _)| name)
    }

    fn of(metadata: &Metadata<'_>) -> Option<Self> {
        let found = Self::ALL.iter().find(|(name, _)| *name == metadata.name());
        found.map(|(_, what)| *what).filter(|_| is_ours(metadata))
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    matches!(metadata.target(), "codespace" | "tiering" | "runtime")
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Event {
    /// Microseconds since the recorder was made.
    pub(super) at: u64,
    pub(super) what: What,
    /// Whose code it is about; 0 for none.
    pub(super) unit: u64,
    /// Index of the function in its module.
    pub(super) function: Option<u32>,
    pub(super) is_optimized: bool,
    /// Of code.
    pub(super) bytes: u64,
    /// How many functions or objects.
    pub(super) count: u64,
    /// How long it took.
    pub(super) microseconds: u64,
    /// Why, for what has a cause.
    pub(super) cause: Option<Box<str>>,
}

/// What happened in a run.
#[derive(Default, Debug)]
pub(super) struct Events {
    /// In the order of time.
    pub(super) list: Vec<Event>,
    /// How many more there were.
    pub(super) dropped: u64,
    /// Microseconds from the first moment to the last.
    pub(super) duration: u64,
}

/// Listens while a program runs.
#[derive(Debug)]
pub(crate) struct Recorder {
    start: Instant,
    receiver: Receiver<Event>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    start: Instant,
    sender: SyncSender<Event>,
    dropped: AtomicU64,
}

/// The recorder's part in `tracing`.
pub(crate) struct RecorderLayer(Arc<Shared>);

/// Lets nothing through but what can be seen on a timeline, so that all else costs nothing.
#[derive(Debug)]
struct Selection;

impl Recorder {
    /// One that has heard nothing.
    pub(crate) fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(capacity: usize) -> Self {
        let start = Instant::now();
        let (sender, receiver) = sync_channel(capacity);
        let shared = Arc::new(Shared { start, sender, dropped: AtomicU64::new(0) });
        Self { start, receiver, shared }
    }

    /// What hears of events.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        RecorderLayer(Arc::clone(&self.shared)).with_filter(Selection)
    }

    /// What has been heard.
    pub(super) fn finish(self) -> Events {
        let duration = microseconds_since(self.start);
        let mut list: Vec<_> = self.receiver.try_iter().collect();
        // Threads take the time before they get their turn at the channel.
        list.sort_by_key(|event| event.at);
        Events { list, dropped: self.shared.dropped.load(Ordering::Relaxed), duration }
    }
}

impl<S: Subscriber> Filter<S> for Selection {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        // Who asks whether somebody listens says where, and not for what.
        let asks = !metadata.is_event() && !metadata.is_span() && is_ours(metadata);
        asks || What::of(metadata).is_some()
    }
}

impl<S: Subscriber> Layer<S> for RecorderLayer {
    fn on_event(&self, event: &TracingEvent<'_>, _: Context<'_, S>) {
        let Some(what) = What::of(event.metadata()) else { return };
        let mut fields = Fields(Event {
            at: microseconds_since(self.0.start),
            what,
            unit: 0,
            function: None,
            is_optimized: false,
            bytes: 0,
            count: 0,
            microseconds: 0,
            cause: None,
        });
        event.record(&mut fields);
        if self.0.sender.try_send(fields.0).is_err() {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for RecorderLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecorderLayer")
    }
}

struct Fields(Event);

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "unit" => self.0.unit = value,
            "function" => self.0.function = u32::try_from(value).ok(),
            "bytes" => self.0.bytes = value,
            "functions" | "objects" => self.0.count = value,
            "microseconds" => self.0.microseconds = value,
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "tier" => self.0.is_optimized = value == tierup::Tier::Optimized.name(),
            "cause" => self.0.cause = Some(value.into()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "error" || (field.name() == "cause" && self.0.cause.is_none()) {
            self.0.cause = Some(format!("{value:?}").into());
        }
    }
}

fn microseconds_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn record(capacity: usize, work: impl FnOnce()) -> Events {
        let recorder = Recorder::with_capacity(capacity);
        let subscriber = tracing_subscriber::registry().with(recorder.layer());
        tracing::subscriber::with_default(subscriber, work);
        recorder.finish()
    }

    fn compile(function: u32) {
        tracing::debug!(
            name: "compile",
            target: "tiering",
            unit = 7_u64,
            function,
            tier = "optimized",
            bytes = 100_usize,
            microseconds = 5_u64,
        );
    }

    #[test]
    fn what_is_on_a_timeline_is_kept() {
        let events = record(8, || {
            compile(3);
            tracing::debug!(name: "flush", target: "runtime", cause = "trim", functions = 2_usize);
            tracing::debug!(name: "flush", target: "another", cause = "trim");
            tracing::debug!(name: "else", target: "tiering", unit = 1_u64);
        });
        let [compile, flush] = &*events.list else { panic!("{events:?}") };
        assert_eq!((compile.what, compile.what.name()), (What::Compile, "compile"));
        assert_eq!((compile.unit, compile.function, compile.is_optimized), (7, Some(3), true));
        assert_eq!((compile.bytes, compile.microseconds), (100, 5));
        assert_eq!((flush.cause.as_deref(), flush.count), (Some("trim"), 2));
        assert!(compile.at <= flush.at && flush.at <= events.duration);
    }

    #[test]
    fn the_buffer_does_not_grow() {
        let events = record(4, || (0..10).for_each(compile));
        let functions: Vec<_> = events.list.iter().filter_map(|event| event.function).collect();
        assert_eq!((functions, events.dropped), (vec![0, 1, 2, 3], 6));
    }
}
