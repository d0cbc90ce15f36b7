//! How many cores the process may use.

use std::{num::NonZeroUsize, sync::OnceLock};

/// How many threads can run at once, as it was when somebody first asked: where there are control
/// groups, finding out takes a dozen system calls.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get))
}
