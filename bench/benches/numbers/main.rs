//! The numbers that Tierup promises, in one table.
//!
//! `cargo bench -p tierup-bench` measures everything; words after `--` select groups (`lookup`,
//! `start`, `entry`, `calls`, `javascript`, `place`, `collect`, `statistics`, `traps`, `wrappers`, `sharing`,
//! `threads`, `process`). What needs files that are not here is skipped, and says which environment
//! variable would have named them:
//!
//! ```text
//! TIERUP_BIN      the command line tool       default: beside this benchmark, if it was built
//! WASMTIME_BIN    Wasmtime's                  for the comparison
//! HELLO_WASM      a Rust hello program        for the comparison
//! ESBUILD_WASM    esbuild.wasm of npm's esbuild-wasm
//! YOSYS_WASM      gen/yosys.core.wasm of npm's @yowasp/yosys 0.55.944
//! ```

mod calls;
mod collect;
mod drafts;
mod entry;
mod javascript;
mod lookup;
mod machine;
mod place;
mod process;
mod random;
mod sharing;
mod start;
mod statistics;
mod threads;
mod traps;
mod wrappers;

use std::{error::Error, process::ExitCode};

use tierup_bench::Table;

/// Nothing here goes on after an error.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

type Group = fn(&mut Table) -> Outcome;

/// Processes come first: a child's peak of memory counts from that of its parent.
const GROUPS: [(&str, Group); 13] = [
    ("process", process::run),
    ("start", start::run),
    ("lookup", lookup::run),
    ("entry", entry::run),
    ("calls", calls::run),
    ("javascript", javascript::run),
    ("place", place::run),
    ("collect", collect::run),
    ("statistics", statistics::run),
    ("traps", traps::run),
    ("wrappers", wrappers::run),
    ("sharing", sharing::run),
    ("threads", threads::run),
];

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn main() -> ExitCode {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let mut table = Table::default();
    for (name, run) in GROUPS {
        if !words.is_empty() && !words.iter().any(|word| word == name) {
            continue;
        }
        if let Err(error) = run(&mut table) {
            println!("{table}{name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    println!("{table}{} over their limits", table.over());
    ExitCode::SUCCESS
}
