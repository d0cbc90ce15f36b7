#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant},
};

use super::*;

/// Tells who runs, and waits to be allowed to end.
struct Gated {
    started: Sender<u32>,
    allowed: Mutex<Receiver<()>>,
}

fn gated() -> (Arc<Gated>, Receiver<u32>, Sender<()>) {
    let ((started, starts), (allow, allowed)) = (channel(), channel());
    let allowed = Mutex::new(Rank::Process, allowed);
    (Arc::new(Gated { started, allowed }), starts, allow)
}

impl Work for Gated {
    fn run(&self, Wanted { function, .. }: Wanted) {
        self.started.send(function).unwrap();
        if function == 666 {
            panic!("on purpose");
        }
        if function < 100 {
            self.allowed.lock().recv().unwrap();
        }
    }
}

fn push(pool: &Pool, module: &Arc<Gated>, (function, body_bytes): (u32, usize)) -> bool {
    let module: Arc<dyn Work> = Arc::clone(module) as _;
    let task = Task { module: Arc::downgrade(&module), job: Wanted::call(function) };
    pool.handle().push(Wish { heat: 1, body_bytes }, task)
}

fn next(starts: &Receiver<u32>) -> u32 {
    starts.recv_timeout(Duration::from_secs(20)).unwrap()
}

#[test]
fn threads_start_with_the_first_work_and_end_with_the_pool() {
    let pool = Pool::new(2);
    assert_eq!(pool.load(), PoolLoad::default());
    let (module, starts, _allow) = gated();
    assert!(push(&pool, &module, (100, 5)));
    assert_eq!(next(&starts), 100);
    assert_eq!(pool.load().threads, 1);
    let handle = pool.handle();
    drop(pool);
    // The threads, and what they held, are gone.
    assert_eq!(Arc::strong_count(&handle.0), 1);
    let unused: Weak<Gated> = Weak::new();
    let task = Task { module: unused, job: Wanted::call(0) };
    assert!(!handle.push(Wish { heat: 1, body_bytes: 1 }, task));
}

#[test]
fn po_prompt_what_waits_is_forgotten() {
    let pool = Pool::new(1);
    let (module, starts, allow) = gated();
    for function in 0..50 {
        assert!(push(&pool, &module, (function, 5)));
    }
    assert_eq!(next(&starts), 0);
    assert_eq!((pool.load().running, pool.load().waiting), (1, 49));
    let dropping = thread::spawn(move || drop(pool));
    thread::sleep(Duration::from_millis(20));
    allow.send(()).unwrap();
    dropping.join().unwrap();
    assert!(starts.try_recv().is_err());
}

#[test]
fn po_weak_tasks_of_a_module_that_is_gone_do_nothing() {
    let pool = Pool::new(1);
    let (module, starts, allow) = gated();
    let (other, other_starts, _other_allow) = gated();
    assert!(push(&pool, &module, (0, 5)));
    assert_eq!(next(&starts), 0);
    assert!(push(&pool, &other, (100, 5)));
    drop(other);
    assert!(push(&pool, &module, (101, 5)));
    allow.send(()).unwrap();
    assert_eq!(next(&starts), 101);
    assert!(other_starts.recv().is_err(), "the module was dropped and not run");
}

#[test]
fn a_panic_ends_the_task_and_not_the_thread() {
    let pool = Pool::new(1);
    let (module, starts, _allow) = gated();
    for function in [666, 100] {
        assert!(push(&pool, &module, (function, 5)));
        assert_eq!(next(&starts), function);
    }
    assert_eq!(pool.load().threads, 1);
}

#[test]
fn big_bodies_leave_a_thread_for_small_ones() {
    let pool = Pool::new(2);
    let (module, starts, allow) = gated();
    for function in 0..3 {
        assert!(push(&pool, &module, (function, 1 << 20)));
    }
    assert_eq!(next(&starts), 0);
    // The second thread takes what is small, and lets the other big ones wait.
    for function in 100..110 {
        assert!(push(&pool, &module, (function, 5)));
        assert_eq!(next(&starts), function);
    }
    assert!(starts.recv_timeout(Duration::from_millis(50)).is_err());
    for function in 1..3 {
        allow.send(()).unwrap();
        assert_eq!(next(&starts), function);
    }
    allow.send(()).unwrap();
}

#[test]
fn hammer_every_task_runs_once() {
    #[derive(Default)]
    struct Counting([AtomicUsize; 8]);
    impl Work for Counting {
        fn run(&self, Wanted { function, .. }: Wanted) {
            self.0[function as usize].fetch_add(1, Ordering::Relaxed);
        }
    }
    let (pool, module) = (Pool::new(3), Arc::new(Counting::default()));
    sync::hammer(4, 200, |_, round| {
        let module: Arc<dyn Work> = Arc::clone(&module) as _;
        let job = Wanted::call(round as u32 % 8);
        let task = Task { module: Arc::downgrade(&module), job };
        let wish = Wish { heat: round as u64, body_bytes: round * 300 };
        assert!(pool.handle().push(wish, task));
    });
    let end = Instant::now() + Duration::from_secs(20);
    while pool.load().waiting + pool.load().running != 0 {
        assert!(Instant::now() < end);
        thread::yield_now();
    }
    assert!(module.0.iter().all(|count| count.load(Ordering::Relaxed) == 100));
}

/// Runs jobs on threads of its own, or at once, or never.
#[derive(Debug)]
enum Jobs {
    Threads,
    AtOnce,
    Dropped(AtomicUsize),
    Panicking,
}

impl Executor for Jobs {
    fn spawn(&self, job: Box<dyn FnOnce() + Send>) {
        match self {
            Self::Threads => drop(thread::spawn(job)),
            Self::AtOnce => job(),
            Self::Dropped(count) => _ = count.fetch_add(1, Ordering::Relaxed),
            Self::Panicking => panic!("on purpose"),
        }
    }
}

#[test]
fn an_executor_gets_no_more_jobs_than_workers_and_does_all_work() {
    let pool = Pool::with_executor(2, Arc::new(Jobs::Threads));
    let (module, starts, allow) = gated();
    for function in 1..=5 {
        assert!(push(&pool, &module, (function, 5)));
    }
    let mut seen = vec![next(&starts), next(&starts)];
    assert!(starts.recv_timeout(Duration::from_millis(50)).is_err());
    assert_eq!(pool.load(), PoolLoad { threads: 0, waiting: 3, waiting_bytes: 15, running: 2 });
    (0..5).for_each(|_| allow.send(()).unwrap());
    seen.extend((0..3).map(|_| next(&starts)));
    seen.sort_unstable();
    assert_eq!(seen, [1, 2, 3, 4, 5]);
}

#[test]
fn po_prompt_with_an_executor_too() {
    let pool = Pool::with_executor(1, Arc::new(Jobs::Threads));
    let (module, starts, allow) = gated();
    for function in 1..=5 {
        push(&pool, &module, (function, 5));
    }
    next(&starts);
    let handle = pool.handle();
    let dropping = thread::spawn(move || drop(pool));
    thread::sleep(Duration::from_millis(20));
    assert!(!dropping.is_finished(), "a compile runs");
    allow.send(()).unwrap();
    dropping.join().unwrap();
    assert_eq!((handle.load().waiting, handle.load().running), (0, 0));
    assert!(starts.recv_timeout(Duration::from_millis(50)).is_err());
}

#[test]
fn an_executor_may_run_jobs_at_once() {
    let pool = Pool::with_executor(1, Arc::new(Jobs::AtOnce));
    let (module, starts, allow) = gated();
    allow.send(()).unwrap();
    assert!(push(&pool, &module, (7, 5)));
    assert_eq!((next(&starts), pool.load().running), (7, 0));
}

#[test]
fn po_ticket_jobs_that_are_lost_keep_nobody_waiting() {
    for lost in [Jobs::Dropped(AtomicUsize::new(0)), Jobs::Panicking] {
        let pool = Pool::with_executor(1, Arc::new(lost));
        let (module, starts, _allow) = gated();
        for function in 1..=3 {
            assert!(push(&pool, &module, (function, 5)));
        }
        assert_eq!(pool.0.state.lock().scheduled, 0);
        assert_eq!((pool.load().waiting, starts.try_recv().is_err()), (3, true));
    }
}
