//! What came out of a script.

use std::{fmt, ops::AddAssign};

/// Counts of a script's directives, and everything that went wrong.
#[derive(Clone, Default, Debug)]
pub struct Report {
    /// Directives that did what they should.
    pub passed: usize,
    /// Directives that did not.
    pub failed: Vec<Failure>,
    /// Directives that concern what this engine does not claim to have, such as threads.
    pub skipped: usize,
}

/// A directive that did not do what it should.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Line of the directive in the script, from 1.
    pub line: usize,
    /// What happened instead.
    pub message: String,
}

impl Report {
    /// One failure.
    pub(crate) fn failure(line: usize, message: String) -> Self {
        Self { failed: vec![Failure { line, message }], ..Self::default() }
    }
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(f, "{passed} passed, {} failed, {skipped} skipped", failed.len())
    }
}
