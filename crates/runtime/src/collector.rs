//! Collecting code of an engine: who does it, and when.
//!
//! ```text
//!   publish, remove ──► enough was retired? ──┐
//!   little was, some time ago ────────────────┤
//!   a stack has left retired code ────────────┼──► worker: collect ──► survivors? ──► again, when
//!   some time after that ─────────────────────┘                                      they may go
//!   Engine::collect ──► the calling thread: collect
//!   too much is occupied ──► worker: take code away, collect, until it is less (`relief`)
//!   no room for new code ──► the calling thread: the same, until there is
//! ```
//!
//! The worker is a thread that is started when there is something to collect for the first time,
//! and waits without a timer unless there is something to wait for:
//!
//! * [CO-SIGN] who was in a host call when it was seen to hold retired code tells when it comes
//!   back or leaves (it is *watched*). Until then nothing has to be tried again.
//! * [CO-TIMER] one that runs is asked again after a while; longer each time it was in vain.
//! * [CO-LITTLE] what is too little for a collection of its own is collected after a while all the
//!   same. So code that was on a stack goes when the stack has left it, whatever else happens.
#![forbid(unsafe_code)]

use std::{
    sync::{Arc, Weak},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use codespace::{Answer, CodeManager, Collected, FaultPlan, Removed, Tenant};
use sync::{
    Condvar, Mutex, MutexGuard, Rank,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use crate::{
    FlushCause, FlushStats, activation, events, flushes::FlushCounters, interrupt::SharedBlock,
};

/// How long is waited for what. Chosen, not measured, but for the first: about what it takes until
/// a running thread polls.
mod pauses {
    use std::time::Duration;

    /// Before those who run are looked at again, at first, in case they have left code meanwhile.
    pub(super) const FIRST: Duration = Duration::from_micros(50);
    /// The same, later.
    pub(super) const LONGEST: Duration = Duration::from_millis(2);
    /// Until a collection is given up for now, because a thread does not get a processor.
    pub(super) const PATIENCE: Duration = Duration::from_secs(10);
    /// Between two collections for the sake of survivors, and until look-ups that were going on
    /// at the end of one are over.
    pub(super) const BETWEEN: Duration = Duration::from_millis(1);
    /// As long as survivors are in frames of code that runs; doubled each time.
    pub(super) const RETRY: Duration = Duration::from_millis(2);
    /// At most.
    pub(super) const LONGEST_RETRY: Duration = Duration::from_secs(1);
}

/// Collects code of one engine.
#[derive(Debug)]
pub(crate) struct Collector(Arc<Shared>);

/// What all who collect share.
#[derive(Debug)]
pub(crate) struct Shared {
    manager: CodeManager,
    /// Blocks of the stores, which are what may run code.
    blocks: Mutex<Vec<Weak<SharedBlock>>>,
    todo: Mutex<Todo>,
    changed: Condvar,
    /// Someone has asked the worker for a collection that has not begun.
    wanted: AtomicBool,
    /// The worker knows of code that was retired since the last collection.
    noticed: AtomicBool,
    /// [CO-LITTLE]
    patience: Duration,
    counts: Counts,
    flushes: FlushCounters,
}

/// What collections there were.
#[derive(Debug, Default)]
struct Counts {
    collections: AtomicU64,
    objects: AtomicU64,
    bytes: AtomicU64,
}

/// What collections of code there were.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CollectionStats {
    /// Those that came to an end.
    pub count: u64,
    /// Code objects freed.
    pub objects: u64,
    /// Bytes of their code.
    pub bytes: u64,
}

/// What the worker is to do.
#[derive(Debug)]
struct Todo {
    stopped: bool,
    /// Counts answers of activations.
    answers: u64,
    retry: Retry,
    last_end: Instant,
    /// When the first code was retired since the last collection.
    garbage_since: Option<Instant>,
    worker: Option<JoinHandle<()>>,
}

/// About what survived the last collection.
#[derive(Debug, Default)]
struct Retry {
    survivors: usize,
    /// Whose frames hold it.
    holders: Vec<Weak<SharedBlock>>,
    /// Some of it was left.
    released: bool,
    /// Collections since something was freed.
    in_vain: u32,
}

/// What the worker does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    Collect,
    Wait,
    WaitFor(Duration),
}

/// What decides about it.
#[derive(Clone, Copy, Debug)]
struct Situation {
    wanted: bool,
    survivors: Survivors,
    in_vain: u32,
    /// Since the last collection.
    since: Duration,
    /// How long the first that was retired since then may still wait.
    garbage_due: Option<Duration>,
}

/// What became of what survived the last collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Survivors {
    /// There are none.
    None,
    /// Some of it was left by frames.
    Released,
    /// All who hold it tell when they move.
    Watched,
    /// Somebody runs.
    Running,
    /// Something has ended and is not free: somebody was looking code up. Nobody is known to run.
    LookedUp,
}

impl Collector {
    /// A little garbage waits for more at most for `patience`.
    pub(crate) fn new(manager: CodeManager, patience: Duration) -> Self {
        let todo = Todo {
            stopped: false,
            answers: 0,
            retry: Retry::default(),
            last_end: Instant::now(),
            garbage_since: None,
            worker: None,
        };
        Self(Arc::new(Shared {
            manager,
            blocks: Mutex::new(Rank::Stores, Vec::new()),
            todo: Mutex::new(Rank::Collector, todo),
            changed: Condvar::new(),
            wanted: AtomicBool::new(false),
            noticed: AtomicBool::new(false),
            patience,
            counts: Counts::default(),
            flushes: FlushCounters::default(),
        }))
    }

    /// A store was made.
    pub(crate) fn add_block(&self, block: &Arc<SharedBlock>) {
        let mut blocks = self.0.blocks.lock();
        if blocks.len() == blocks.capacity() {
            blocks.retain(|block| block.strong_count() != 0);
        }
        blocks.push(Arc::downgrade(block));
    }

    /// Code of that tenant was published, and other code may have been retired: has the worker do
    /// what is due.
    #[inline]
    pub(crate) fn consider(&self, tenant: &Tenant) {
        let manager = &self.0.manager;
        if manager.wants_collection() || manager.wants_relief() || tenant.wants_relief() {
            self.want();
        } else if manager.retired_bytes() != 0 && !self.0.noticed.load(Ordering::Relaxed) {
            self.notice();
        }
    }

    /// [CO-LITTLE] Has the worker collect after a while.
    #[cold]
    fn notice(&self) {
        if !self.0.noticed.swap(true, Ordering::Relaxed) {
            let mut todo = self.0.todo.lock();
            todo.garbage_since = Some(Instant::now());
            self.0.wake_worker(&mut todo);
        }
    }

    /// Has the worker collect.
    pub(crate) fn want(&self) {
        if !self.0.wanted.swap(true, Ordering::Relaxed) {
            let mut todo = self.0.todo.lock();
            self.0.wake_worker(&mut todo);
        }
    }

    /// What takes code away on this thread.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// Code was taken away.
    pub(crate) fn note_flushed(&self, cause: FlushCause, removed: Removed) {
        self.0.note_flushed(cause, removed);
    }

    pub(crate) fn flush_stats(&self) -> FlushStats {
        self.0.flushes.stats()
    }

    /// An activation has answered.
    pub(crate) fn answered(&self, answer: Answer) {
        if answer == Answer::Unasked {
            return;
        }
        let mut todo = self.0.todo.lock();
        todo.answers += 1;
        todo.retry.released |= answer == Answer::Released;
        drop(todo);
        self.0.changed.notify_all();
    }

    /// Collects on this thread, which waits for it.
    pub(crate) fn collect(&self) -> Collected {
        let _haste = self.0.manager.hurry();
        self.0.collect()
    }

    pub(crate) fn stats(&self) -> CollectionStats {
        let Counts { collections, objects, bytes } = &self.0.counts;
        CollectionStats {
            count: collections.load(Ordering::Relaxed),
            objects: objects.load(Ordering::Relaxed),
            bytes: bytes.load(Ordering::Relaxed),
        }
    }

    /// Ends the worker. Not to be called in a forked child, which does not have it.
    pub(crate) fn stop(&self) {
        let worker = {
            let mut todo = self.0.todo.lock();
            todo.stopped = true;
            todo.worker.take()
        };
        self.0.changed.notify_all();
        if let Some(worker) = worker.filter(|worker| worker.thread().id() != thread::current().id())
        {
            // It has logged what it panicked with.
            let _ = worker.join();
        }
    }
}

impl Shared {
    /// Frees what was retired before now and no stack holds. Waits for those who run code.
    pub(crate) fn collect(self: &Arc<Self>) -> Collected {
        self.begin();
        let collection = self.manager.begin_collection();
        if collection.is_empty() {
            drop(collection);
            self.manager.reap();
            self.note(Collected::default(), Vec::new());
            return Collected::default();
        }
        let mut round = match activation::ask(&collection, self.live_blocks()) {
            Ok(round) => round,
            Err(error) => {
                tracing::warn!(target: "runtime", %error, "code cannot be collected");
                return Collected::default();
            }
        };
        let (begin, mut pause) = (Instant::now(), pauses::FIRST);
        let answered = loop {
            let answers = self.todo.lock().answers;
            match collection.look(round) {
                Ok(answered) => break answered,
                Err(rest) => round = rest,
            }
            if pauses::PATIENCE < begin.elapsed() {
                let waiting = round.waiting();
                tracing::warn!(target: "runtime", waiting, "collection of code given up for now");
                self.note(Collected { survivors: 1, ..Collected::default() }, Vec::new());
                return Collected::default();
            }
            self.wait_for_answer(answers, pause);
            pause = (pause * 2).min(pauses::LONGEST);
        };
        let collected = collection.finish(&answered);
        self.count(collected);
        self.note(collected, answered.holders());
        collected
    }

    /// A collection is about to begin. Who retires something from now on is noticed.
    fn begin(&self) {
        let mut todo = self.todo.lock();
        todo.garbage_since = None;
        self.noticed.store(false, Ordering::Relaxed);
        self.wanted.store(false, Ordering::Relaxed);
    }

    pub(crate) fn manager(&self) -> &CodeManager {
        &self.manager
    }

    /// Code was taken away.
    pub(crate) fn note_flushed(&self, cause: FlushCause, removed: Removed) {
        self.flushes.count(cause, removed);
        if removed.functions != 0 {
            events::flush(cause, removed);
        }
    }

    fn live_blocks(&self) -> Vec<Arc<SharedBlock>> {
        self.blocks.lock().iter().filter_map(Weak::upgrade).collect()
    }

    fn wait_for_answer(&self, answers: u64, pause: Duration) {
        let todo = self.todo.lock();
        if todo.answers == answers {
            drop(self.changed.wait_timeout(todo, pause));
        }
    }

    fn count(&self, collected: Collected) {
        self.counts.collections.fetch_add(1, Ordering::Relaxed);
        self.counts.objects.fetch_add(collected.objects as u64, Ordering::Relaxed);
        self.counts.bytes.fetch_add(collected.code_bytes as u64, Ordering::Relaxed);
    }

    /// Remembers whether it is worth being tried again.
    fn note(self: &Arc<Self>, collected: Collected, holders: Vec<Arc<SharedBlock>>) {
        let Collected { objects, survivors, .. } = collected;
        let mut todo = self.todo.lock();
        todo.last_end = Instant::now();
        todo.retry = Retry {
            survivors,
            holders: holders.iter().map(Arc::downgrade).collect(),
            released: false,
            in_vain: if objects == 0 { todo.retry.in_vain.saturating_add(1) } else { 0 },
        };
        if survivors != 0 || self.manager.is_waiting() {
            self.wake_worker(&mut todo);
        }
    }

    fn wake_worker(self: &Arc<Self>, todo: &mut MutexGuard<'_, Todo>) {
        if todo.worker.is_none() && !todo.stopped {
            let shared = Arc::clone(self);
            let faults = self.manager.config().faults.as_ref();
            let spawn = |builder: thread::Builder| {
                builder.name("tierup-collect".to_owned()).spawn(move || shared.work())
            };
            match FaultPlan::thread_builder(faults).and_then(spawn) {
                Ok(worker) => todo.worker = Some(worker),
                Err(error) => {
                    // The next one who wants a collection tries again.
                    self.wanted.store(false, Ordering::Relaxed);
                    self.noticed.store(false, Ordering::Relaxed);
                    tracing::warn!(target: "runtime", %error, "no thread for collecting code");
                }
            }
        }
        self.changed.notify_all();
    }

    /// The worker's life.
    fn work(self: Arc<Self>) {
        let mut todo = self.todo.lock();
        while !todo.stopped {
            let wanted = self.wanted.load(Ordering::Relaxed);
            todo = match next(todo.situation(wanted, &self)) {
                Next::Collect => {
                    drop(todo);
                    self.collect_or_relieve();
                    self.todo.lock()
                }
                Next::Wait => self.changed.wait(todo),
                Next::WaitFor(time) => self.changed.wait_timeout(todo, time),
            };
        }
    }
}

impl Todo {
    #[expect(clippy::fn_params_excessive_bools, reason = "a part of the result")]
    fn situation(&self, wanted: bool, shared: &Shared) -> Situation {
        let survivors = match self.retry.state() {
            Survivors::None | Survivors::Watched if shared.manager.is_waiting() => {
                Survivors::LookedUp
            }
            state => state,
        };
        let due = |since: Instant| shared.patience.saturating_sub(since.elapsed());
        Situation {
            wanted,
            survivors,
            in_vain: self.retry.in_vain,
            since: self.last_end.elapsed(),
            garbage_due: self.garbage_since.map(due),
        }
    }
}

impl Retry {
    fn state(&self) -> Survivors {
        // Who is gone holds nothing any more.
        let is_watched = |holder: &Weak<SharedBlock>| {
            holder.upgrade().is_some_and(|holder| holder.handshake().is_pending())
        };
        if self.survivors == 0 {
            Survivors::None
        } else if self.released {
            Survivors::Released
        } else if !self.holders.is_empty() && self.holders.iter().all(is_watched) {
            Survivors::Watched
        } else {
            Survivors::Running
        }
    }
}

/// The decision.
fn next(now: Situation) -> Next {
    if now.wanted {
        return Next::Collect;
    }
    let retry_after = match now.survivors {
        // [CO-SIGN]
        Survivors::None | Survivors::Watched => None,
        Survivors::Released | Survivors::LookedUp => Some(pauses::BETWEEN),
        Survivors::Running => {
            // [CO-TIMER]
            let factor = 1_u32.checked_shl(now.in_vain).unwrap_or(u32::MAX);
            Some(pauses::RETRY.saturating_mul(factor).min(pauses::LONGEST_RETRY))
        }
    };
    let retry_due = retry_after.map(|after| after.saturating_sub(now.since));
    // [CO-LITTLE]
    match retry_due.into_iter().chain(now.garbage_due).min() {
        None => Next::Wait,
        Some(rest) if rest.is_zero() => Next::Collect,
        Some(rest) => Next::WaitFor(rest),
    }
}

#[cfg(test)]
mod tests {
    use codespace::{Config, Draft, Filter, Kind, UnitSpec};
    use tierup_abi::StoreBlock;

    use super::*;
    use crate::{
        Value,
        enter::{Callee, Status, enter},
    };

    /// Nothing else here enters Wasm, and walking stacks asks where that returns to.
    static LINKED: unsafe fn(Callee, *mut Value, *const StoreBlock) -> Status = enter;

    /// No more garbage has to come for what a look-up had in its hands when it was ended.
    #[test]
    fn what_was_being_looked_up_is_freed_soon_after() {
        std::hint::black_box(LINKED);
        let manager = CodeManager::new(&Config::default()).unwrap();
        let collector = Collector::new(manager.clone(), Duration::MAX);
        let spec = UnitSpec { functions: 1, lazy_stub: 0, owner: Arc::new(()), tenant: None };
        let unit = manager.new_unit(spec).unwrap();
        let draft = Draft::new(Kind::Function(0), vec![0xc3]);
        drop(unit.publish(unit.place(vec![draft]).unwrap()).unwrap());
        let before = manager.stats().code.freed_bytes;
        let scope = manager.scope();
        assert_eq!(manager.remove(Filter::All).functions, 1);
        assert_eq!(collector.collect().objects, 1);
        assert_eq!(manager.stats().code.waiting.count, 1);
        assert_eq!(manager.stats().code.freed_bytes, before);
        drop(scope);
        let start = Instant::now();
        while manager.stats().code.freed_bytes == before {
            assert!(start.elapsed() < Duration::from_mins(10), "it is not freed");
            thread::sleep(Duration::from_millis(1));
        }
        collector.stop();
    }

    const QUIET: Situation = Situation {
        wanted: false,
        survivors: Survivors::None,
        in_vain: 0,
        since: Duration::ZERO,
        garbage_due: None,
    };

    #[test]
    fn the_worker_does_what_is_due() {
        let ms = Duration::from_millis;
        let survivors = Situation { survivors: Survivors::Running, ..QUIET };
        let watched = Situation { survivors: Survivors::Watched, ..QUIET };
        let looked_up = Situation { survivors: Survivors::LookedUp, ..QUIET };
        let released = Situation { survivors: Survivors::Released, ..QUIET };
        for (situation, expected) in [
            (QUIET, Next::Wait),
            (Situation { since: ms(100_000), ..QUIET }, Next::Wait),
            (Situation { wanted: true, ..QUIET }, Next::Collect),
            (Situation { wanted: true, ..watched }, Next::Collect),
            // [CO-SIGN]
            (Situation { since: ms(100_000), ..watched }, Next::Wait),
            (looked_up, Next::WaitFor(pauses::BETWEEN)),
            (Situation { since: ms(1), ..looked_up }, Next::Collect),
            (Situation { wanted: true, ..looked_up }, Next::Collect),
            (released, Next::WaitFor(pauses::BETWEEN)),
            (Situation { since: ms(1), ..released }, Next::Collect),
            // [CO-TIMER]
            (survivors, Next::WaitFor(ms(2))),
            (Situation { since: ms(2), ..survivors }, Next::Collect),
            (Situation { in_vain: 3, since: ms(6), ..survivors }, Next::WaitFor(ms(10))),
            (Situation { in_vain: 40, since: ms(1), ..survivors }, Next::WaitFor(ms(999))),
            // [CO-LITTLE]
            (Situation { garbage_due: Some(ms(70)), ..QUIET }, Next::WaitFor(ms(70))),
            (Situation { garbage_due: Some(ms(0)), ..QUIET }, Next::Collect),
            (Situation { garbage_due: Some(ms(70)), ..watched }, Next::WaitFor(ms(70))),
            (Situation { garbage_due: Some(ms(0)), ..survivors }, Next::Collect),
            (Situation { garbage_due: Some(ms(70)), ..survivors }, Next::WaitFor(ms(2))),
        ] {
            assert_eq!(next(situation), expected, "{situation:?}");
        }
    }
}
