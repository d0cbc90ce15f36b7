//! Instruction streams of other cores.
#![forbid(unsafe_code)]

use crate::{Result, sys};

/// Makes every core that runs threads of this process fetch its next instructions anew.
///
/// Needed after code that has run was replaced by traps or given back, before its range is used
/// again; once for a whole batch of such ranges. A range that was never executed, reached only
/// through data that is published after writing, does not need it. Takes some microseconds when
/// other threads are running.
///
/// # Errors
///
/// If the system has no such call (Linux before 4.16).
pub fn sync_cores() -> Result<()> {
    sys::sync_cores()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_the_first_time_and_again() {
        sync_cores().unwrap();
        sync_cores().unwrap();
        std::thread::spawn(sync_cores).join().unwrap().unwrap();
    }
}
