//! How far the second compile of one function has come.
//!
//! ```text
//!   idle ──queue──► queued ──start──► compiling ──finish──► done ──reset──► idle
//!    │                │                  ▲           └────► failed
//!    └─────claim──────┴──────────────────┘           └────► idle (outdated)
//! ```
//!
//! * [JO-ONE] every arrow is one compare-and-swap, so between `start` or `claim` returning true
//!   and `finish`, nobody else gets true for that function.
//! * [JO-NEVER-AGAIN] nothing leads out of `failed`.
#![forbid(unsafe_code)]

use sync::atomic::{AtomicU8, Ordering};

/// State of one function's job.
#[derive(Debug)]
pub(crate) struct Job(AtomicU8);

/// The states.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Nobody asked for it.
    Idle = 0,
    /// In the queue.
    Queued = 1,
    /// A thread has it.
    Compiling = 2,
    /// The function has the better code, or had it.
    Done = 3,
    /// The function stays as it is.
    Failed = 4,
}

impl Job {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(Stage::Idle as u8))
    }

    pub(crate) fn stage(&self) -> Stage {
        let stages = [Stage::Idle, Stage::Queued, Stage::Compiling, Stage::Done, Stage::Failed];
        stages[usize::from(self.0.load(Ordering::Acquire))]
    }

    /// Is it never to be tried again?
    pub(crate) fn has_failed(&self) -> bool {
        self.stage() == Stage::Failed
    }

    /// True if the caller is the one to queue it.
    pub(crate) fn queue(&self) -> bool {
        self.change(Stage::Idle, Stage::Queued)
    }

    /// It could not be queued after all.
    pub(crate) fn unqueue(&self) {
        self.change(Stage::Queued, Stage::Idle);
    }

    /// True if the caller, who found it in the queue, is the one to compile.
    pub(crate) fn start(&self) -> bool {
        self.change(Stage::Queued, Stage::Compiling)
    }

    /// True if the caller, who did not find it in the queue, is the one to compile.
    pub(crate) fn claim(&self) -> bool {
        self.change(Stage::Idle, Stage::Compiling) || self.start()
    }

    /// Ends what `start` or `claim` began.
    pub(crate) fn finish(&self, stage: Stage) {
        self.change(Stage::Compiling, stage);
    }

    /// It is not to be tried. True if the caller is the one to say so.
    pub(crate) fn give_up(&self) -> bool {
        self.change(Stage::Idle, Stage::Failed)
    }

    /// The function lost its better code and starts from below.
    pub(crate) fn reset(&self) {
        self.change(Stage::Done, Stage::Idle);
    }

    fn change(&self, from: Stage, to: Stage) -> bool {
        // [JO-ONE]
        let (from, to) = (from as u8, to as u8);
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn jo_never_again_after_a_failure() {
        let job = Job::new();
        assert!(job.queue() && job.start());
        job.finish(Stage::Failed);
        job.reset();
        job.unqueue();
        assert!(!job.queue() && !job.start() && !job.claim());
        assert_eq!(job.stage(), Stage::Failed);
    }

    #[test]
    fn what_was_done_can_be_done_again_after_a_reset() {
        let job = Job::new();
        assert!(job.claim() && !job.queue());
        job.finish(Stage::Done);
        assert!(!job.queue() && !job.claim());
        job.reset();
        assert!(job.queue() && job.claim() && !job.start());
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        thread,
    };

    use super::*;

    /// Two threads queue; each entry is worked on by a thread of its own, while a third claims.
    #[test]
    fn jo_one_thread_compiles_whatever_the_order() {
        loom::model(|| {
            let shared = Arc::new((Job::new(), AtomicUsize::new(0), AtomicUsize::new(0)));
            let compile = |shared: &(Job, AtomicUsize, AtomicUsize)| {
                assert_eq!(shared.1.fetch_add(1, Ordering::AcqRel), 0);
                shared.2.fetch_add(1, Ordering::AcqRel);
                assert_eq!(shared.1.fetch_sub(1, Ordering::AcqRel), 1);
                shared.0.finish(Stage::Done);
            };
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || {
                        if shared.0.queue() && shared.0.start() {
                            compile(&shared);
                        }
                    })
                })
                .collect();
            if shared.0.claim() {
                compile(&shared);
            }
            threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
            assert_eq!(shared.2.load(Ordering::Acquire), 1);
            assert_eq!(shared.0.stage(), Stage::Done);
        });
    }
}
