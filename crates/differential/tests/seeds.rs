//! Modules of fixed seeds, in all engines.
//!
//! `TIERUP_SEEDS=1000..2000` runs others, and says which one is running, for those that end the
//! process or none.
#![forbid(unsafe_code)]

use std::ops::Range;

use tierup_differential::{Contest, Summary, generate::module_of_seed};

/// Run by default: some seconds.
const SEEDS: u64 = 200;

#[test]
fn engines_agree() {
    match std::env::var("TIERUP_SEEDS") {
        Ok(range) => run(parse(&range), true),
        Err(_) => run(0..SEEDS, false),
    }
}

fn run(seeds: Range<u64>, loud: bool) {
    let contest = Contest::new().unwrap();
    let mut summary = Summary::default();
    let mut failures = Vec::new();
    for seed in seeds.clone() {
        if loud {
            eprintln!("seed {seed}");
        }
        let module = module_of_seed(seed);
        match contest.run(&module, seed) {
            Ok(one) => summary.add(one),
            Err(mismatch) => {
                eprintln!("seed {seed}: {mismatch}");
                failures.push(seed);
            }
        }
    }
    println!("seeds {seeds:?}: {summary:?}");
    assert!(failures.is_empty(), "engines disagree with seeds {failures:?}");
    assert_eq!(summary.refused, 0, "wasmi has all that is generated");
}

fn parse(range: &str) -> Range<u64> {
    let (start, end) = range.split_once("..").expect("TIERUP_SEEDS is start..end");
    start.parse().unwrap()..end.parse().unwrap()
}
