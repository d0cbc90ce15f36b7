//! Threads that compile in the background: the pool's own, or those of the embedder's executor.
//!
//! ```text
//!   Pool (the engine's) ───────┐ drop: stop, forget what waits, join
//!   PoolHandle (each module's) ┴► queue ──► worker threads: task.run(), again and again
//!                                       └─► executor jobs: task.run() once each
//! ```
//!
//! * [PO-WEAK] a task holds its module weakly, and no task or module owns the pool; so a thread of
//!   the pool never joins itself, and what is dropped is not kept alive by what waits for it.
//! * [PO-PROMPT] stopping waits for compiles that are running, not for any that are queued.
//! * [PO-TICKET] each job that an executor was given is counted in `scheduled` until it starts or is
//!   dropped, so jobs that an executor throws away keep nobody else from being run.
#![forbid(unsafe_code)]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
    thread::{self, JoinHandle},
};

use sync::{
    Condvar, Mutex, MutexGuard, Rank,
    atomic::{AtomicUsize, Ordering},
};

use tierup_compile::Entry;

use crate::{
    Threads,
    queue::{Queue, Wish},
};

/// The threads of one engine. Dropping it ends them.
#[derive(Debug)]
pub struct Pool(Arc<Shared>);

/// Lets a module queue its jobs. It may outlive the pool.
#[derive(Clone, Debug)]
pub struct PoolHandle(Arc<Shared>);

/// Whoever can compile a function.
pub(crate) trait Work: Send + Sync {
    fn run(&self, job: Wanted);
}

/// A function to compile.
pub(crate) struct Task {
    pub(crate) module: Weak<dyn Work>,
    pub(crate) job: Wanted,
}

/// What code of which function is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    pub(crate) function: u32,
    pub(crate) entry: Entry,
}

impl Wanted {
    /// Code for callers.
    pub(crate) fn call(function: u32) -> Self {
        Self { function, entry: Entry::Call }
    }
}

/// How much there is to do.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PoolLoad {
    /// Threads that were started.
    pub threads: usize,
    /// Jobs that wait.
    pub waiting: usize,
    /// Bytes of the bodies of those that wait.
    pub waiting_bytes: usize,
    /// Jobs that run.
    pub running: usize,
}

/// Runs jobs on threads of its own, such as a thread pool that the embedder has anyway.
///
/// ```
/// #[derive(Debug)]
/// struct Threads;
///
/// impl tierup_tiering::Executor for Threads {
///     fn spawn(&self, job: Box<dyn FnOnce() + Send>) {
///         std::thread::spawn(job);
///     }
/// }
/// ```
pub trait Executor: Send + Sync + std::fmt::Debug {
    /// Runs `job` soon, once. A job compiles one function, which can take seconds, and never waits
    /// for another job. To drop it is to lose the optimized code of some function for a while.
    fn spawn(&self, job: Box<dyn FnOnce() + Send>);
}

#[derive(Debug)]
struct Shared {
    workers: usize,
    /// None if the pool has threads of its own.
    executor: Option<Arc<dyn Executor>>,
    start: Threads,
    process: u32,
    state: Mutex<State>,
    changed: Condvar,
    // Copies of what `state` says, for those who do not want to wait for it.
    threads: AtomicUsize,
    waiting: AtomicUsize,
    waiting_bytes: AtomicUsize,
    running: AtomicUsize,
}

#[derive(Debug)]
struct State {
    queue: Queue<Task>,
    threads: Vec<JoinHandle<()>>,
    idle: usize,
    /// [PO-TICKET]
    scheduled: usize,
    running: usize,
    running_big: usize,
    stopped: bool,
}

/// An executor's job that has not started. [PO-TICKET]
struct Ticket(Arc<Shared>);

/// Compilers want a deep stack; only what is touched costs memory.
const STACK_SIZE: usize = 16 << 20;

impl Pool {
    /// Will have at most `workers` threads, at least one. None is started before there is work.
    pub fn new(workers: usize) -> Self {
        Self::starting(workers, Threads::default())
    }

    /// The same, with threads that start as `threads` says.
    pub fn starting(workers: usize, threads: Threads) -> Self {
        Self::with(workers, None, threads)
    }

    /// Has no threads, but gives `executor` at most `workers` jobs at once, at least one.
    pub fn with_executor(workers: usize, executor: Arc<dyn Executor>) -> Self {
        Self::with(workers, Some(executor), Threads::default())
    }

    fn with(workers: usize, executor: Option<Arc<dyn Executor>>, start: Threads) -> Self {
        let state = State {
            queue: Queue::new(),
            threads: Vec::new(),
            idle: 0,
            scheduled: 0,
            running: 0,
            running_big: 0,
            stopped: false,
        };
        Self(Arc::new(Shared {
            workers: workers.max(1),
            executor,
            start,
            process: std::process::id(),
            state: Mutex::new(Rank::CompileQueue, state),
            changed: Condvar::new(),
            threads: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            waiting_bytes: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
        }))
    }

    /// For a module.
    pub fn handle(&self) -> PoolHandle {
        PoolHandle(Arc::clone(&self.0))
    }

    /// How much there is to do now. Takes no lock.
    pub fn load(&self) -> PoolLoad {
        self.0.load()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // A forked child has none of the threads, and one of them may have held the lock.
        if std::process::id() != self.0.process {
            return;
        }
        let (threads, forgotten) = {
            let mut state = self.0.state.lock();
            state.stopped = true;
            let queue = std::mem::replace(&mut state.queue, Queue::new());
            self.0.note(&state);
            (std::mem::take(&mut state.threads), queue)
        };
        self.0.changed.notify_all();
        drop(forgotten);
        for thread in threads {
            // [PO-WEAK] never true, but waiting for oneself would be for ever.
            if thread.thread().id() != thread::current().id() {
                // Workers catch what tasks panic with.
                let _ = thread.join();
            }
        }
        // What an executor runs.
        let mut state = self.0.state.lock();
        while self.0.executor.is_some() && state.running != 0 {
            state = self.0.changed.wait(state);
        }
    }
}

impl PoolHandle {
    /// Queues a task. False if the pool was stopped, or no thread can be started.
    pub(crate) fn push(&self, wish: Wish, task: Task) -> bool {
        let mut state = self.0.state.lock();
        if state.stopped {
            return false;
        }
        let threads = self.0.executor.is_none();
        let missing = state.idle <= state.queue.len() && state.threads.len() < self.0.workers;
        if threads && missing && !self.0.start_thread(&mut state) && state.threads.is_empty() {
            return false;
        }
        state.queue.push(wish, task);
        self.0.note(&state);
        match threads {
            true => {
                drop(state);
                self.0.changed.notify_all();
            }
            false => self.0.schedule(state),
        }
        true
    }

    /// Most threads that it has.
    pub(crate) fn workers(&self) -> usize {
        self.0.workers
    }

    /// How much there is to do now. Takes no lock.
    pub(crate) fn load(&self) -> PoolLoad {
        self.0.load()
    }
}

impl Shared {
    fn start_thread(self: &Arc<Self>, state: &mut State) -> bool {
        let name = format!("tierup-compile-{}", state.threads.len());
        let shared = Arc::clone(self);
        let builder = self.start.builder();
        let named = builder.map(|builder| builder.name(name).stack_size(STACK_SIZE));
        match named.and_then(|builder| builder.spawn(move || shared.work())) {
            Ok(thread) => {
                state.threads.push(thread);
                true
            }
            Err(error) => {
                tracing::warn!(target: "tiering", %error, "no thread for compiling");
                false
            }
        }
    }

    /// A worker's life.
    fn work(&self) {
        let mut state = self.state.lock();
        while !state.stopped {
            let Some(next) = self.next(&mut state) else {
                state.idle += 1;
                state = self.changed.wait(state);
                state.idle -= 1;
                continue;
            };
            state = self.run(state, next);
        }
    }

    /// The next task, and whether it is big.
    fn next(&self, state: &mut State) -> Option<(Task, bool)> {
        match state.running_big < (self.workers - 1).max(1) {
            true => state.queue.pop(),
            false => state.queue.pop_small().map(|task| (task, false)),
        }
    }

    /// Runs a task without the lock.
    fn run<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        (task, big): (Task, bool),
    ) -> MutexGuard<'a, State> {
        state.running += 1;
        state.running_big += usize::from(big);
        self.note(&state);
        drop(state);
        task.run();
        let mut state = self.state.lock();
        state.running -= 1;
        state.running_big -= usize::from(big);
        self.note(&state);
        if big || self.executor.is_some() {
            // Another big one may be allowed now, or the pool waits for its end.
            self.changed.notify_all();
        }
        state
    }

    /// Gives the executor a job, if there is work for one more.
    fn schedule(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let Some(executor) = &self.executor else { return };
        let busy = state.running + state.scheduled;
        if state.stopped || self.workers <= busy || state.queue.len() <= state.scheduled {
            return;
        }
        state.scheduled += 1;
        // An executor may run the job at once, on this thread.
        drop(state);
        let ticket = Ticket(Arc::clone(self));
        let spawn = AssertUnwindSafe(|| executor.spawn(Box::new(move || ticket.work())));
        if catch_unwind(spawn).is_err() {
            tracing::error!(target: "tiering", "the executor panicked");
        }
    }

    fn note(&self, state: &MutexGuard<'_, State>) {
        // Relaxed: for information only.
        self.threads.store(state.threads.len(), Ordering::Relaxed);
        self.waiting.store(state.queue.len(), Ordering::Relaxed);
        self.waiting_bytes.store(state.queue.body_bytes() as usize, Ordering::Relaxed);
        self.running.store(state.running, Ordering::Relaxed);
    }

    fn load(&self) -> PoolLoad {
        PoolLoad {
            threads: self.threads.load(Ordering::Relaxed),
            waiting: self.waiting.load(Ordering::Relaxed),
            waiting_bytes: self.waiting_bytes.load(Ordering::Relaxed),
            running: self.running.load(Ordering::Relaxed),
        }
    }
}

impl Ticket {
    /// An executor's job: runs one task, and sees to it that there is a job for the next.
    fn work(self) {
        let shared = Arc::clone(&self.0);
        drop(self);
        let mut state = shared.state.lock();
        if let Some(next) = shared.next(&mut state).filter(|_| !state.stopped) {
            state = shared.run(state, next);
            shared.schedule(state);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.state.lock().scheduled -= 1;
    }
}

impl Task {
    fn run(self) {
        // [PO-WEAK]
        let Some(module) = self.module.upgrade() else { return };
        let run = AssertUnwindSafe(move || module.run(self.job));
        if catch_unwind(run).is_err() {
            tracing::error!(target: "tiering", function = self.job.function, "a compile job panicked");
        }
    }
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Task({:?})", self.job)
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
