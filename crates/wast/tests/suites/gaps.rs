//! The list of known gaps.

use std::collections::BTreeSet;

/// Lines of `gaps.txt` that concern one suite.
pub(crate) struct Gaps {
    /// File and line of each.
    listed: BTreeSet<(String, usize)>,
    explained: BTreeSet<(String, usize)>,
}

impl Gaps {
    pub(crate) fn of(suite: &str) -> Self {
        let listed = include_str!("gaps.txt")
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(parse)
            .filter_map(|(path, line)| Some((path.strip_prefix(suite)?.strip_prefix('/')?, line)))
            .map(|(file, line)| (file.to_owned(), line))
            .collect();
        Self { listed, explained: BTreeSet::new() }
    }

    /// True if the failure is a known gap.
    pub(crate) fn explain(&mut self, file: &str, line: usize) -> bool {
        let at = (file.to_owned(), line);
        let known = self.listed.contains(&at);
        if known {
            self.explained.insert(at);
        }
        known
    }

    /// Gaps that no failure needed.
    pub(crate) fn unexplained(&self) -> impl Iterator<Item = String> {
        self.listed.difference(&self.explained).map(|(file, line)| format!("{file}:{line}"))
    }
}

/// `suite/file:line reason`
fn parse(gap: &str) -> (&str, usize) {
    let (at, reason) = gap.split_once(' ').expect("a reason");
    assert!(!reason.trim().is_empty(), "a reason for {at}");
    let (path, line) = at.rsplit_once(':').expect("a line number");
    (path, line.parse().expect("a line number"))
}

#[test]
fn every_gap_has_its_place_and_reason() {
    let listed: usize = ["wasm-v2", "simd", "multi-memory", "tail-call", "extended-const", "ours"]
        .map(|suite| Gaps::of(suite).listed.len())
        .iter()
        .sum();
    let lines = include_str!("gaps.txt").lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(listed, lines, "a gap of an unknown suite, or twice the same");
}
