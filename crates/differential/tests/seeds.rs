//! Modules of fixed seeds, in all engines.
//!
//! `TIERUP_SEEDS=1000..2000` runs others, and says which one is running, for those that end the
//! process or none.
#![forbid(unsafe_code)]

use std::ops::Range;

use tierup_differential::{Contest, Summary, generate::module_of_seed};

/// Run by default: some seconds.
const SEEDS: Range<u64> = 0..200;

#[test]
fn engines_agree() {
    let summary = run(&Contest::new().unwrap());
    assert_eq!(summary.refused, 0, "wasmi has all that is generated");
}

#[test]
fn all_code_takes_the_same_fuel() {
    let summary = run(&Contest::with_fuel().unwrap());
    assert!(summary.out_of_fuel > 0, "some calls have too little fuel");
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "which seed runs, and what differs")]
fn run(contest: &Contest) -> Summary {
    let chosen = std::env::var("TIERUP_SEEDS").ok();
    let seeds = chosen.as_deref().map_or(SEEDS, parse);
    let mut summary = Summary::default();
    let mut failures = Vec::new();
    for seed in seeds.clone() {
        if chosen.is_some() {
            eprintln!("seed {seed}");
        }
        match contest.run(&module_of_seed(seed), seed) {
            Ok(one) => summary.add(one),
            Err(mismatch) => {
                eprintln!("seed {seed}: {mismatch}");
                failures.push(seed);
            }
        }
    }
    println!("seeds {seeds:?}: {summary:?}");
    assert!(failures.is_empty(), "engines disagree with seeds {failures:?}");
    assert_eq!(contest.bailouts(), [], "every compiler does it all");
    summary
}

fn parse(range: &str) -> Range<u64> {
    let (start, end) = range.split_once("..").expect("TIERUP_SEEDS is start..end");
    start.parse().expect("a seed is a number")..end.parse().expect("a seed is a number")
}
