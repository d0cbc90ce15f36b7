//! Many threads, one start.

use std::sync::Barrier;

/// Runs `work(thread, round)` for each of `rounds` rounds on `threads` threads that start
/// together, and returns when all are done.
///
/// # Panics
///
/// If one of the threads panics.
pub fn hammer(threads: usize, rounds: usize, work: impl Fn(usize, usize) + Sync) {
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (start, work) = (&start, &work);
            scope.spawn(move || {
                start.wait();
                (0..rounds).for_each(|round| work(thread, round));
            });
        }
    });
}
