//! Whole processes: how long they take, and how much memory.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use tierup_bench::{Row, Table, Unit, median};

use crate::{Outcome, machine};

/// Runs of each program.
const RUNS: usize = 30;

/// A program with one call: of the function that prints.
const HELLO: &str = r#"
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\0e\00\00\00")
  (data (i32.const 16) "Hello, world!\n")
  (func (export "_start")
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"#;

pub(crate) fn run(table: &mut Table) -> Outcome {
    let hello = "`tierup run` of a one-call hello .wat, whole process, wall";
    let against = "`tierup run` of a Rust hello program against Wasmtime without its cache, wall";
    let memory = "peak memory over the module's size: yosys -V calls 2 % of 30 MB";
    let Some(tierup) = tool("TIERUP_BIN").or_else(beside_this) else {
        for what in [hello, against, memory] {
            table.add(Row::skipped(what, "TIERUP_BIN is not set and nothing was built"));
        }
        return Ok(());
    };
    table.add(match tool("YOSYS_WASM") {
        Some(yosys) => {
            let row = Row::new(memory, Unit::Mebibytes, peak(&tierup, &yosys)?);
            row.at_most(60.0)
        }
        None => Row::skipped(memory, "YOSYS_WASM is not set"),
    });
    let time = hello_text(&tierup)?;
    table.add(Row::new(hello, Unit::Milliseconds, time).at_most(3.0));
    match (tool("WASMTIME_BIN"), tool("HELLO_WASM")) {
        (Some(wasmtime), Some(program)) => compare(table, (&tierup, &wasmtime), &program)?,
        _ => table.add(Row::skipped(against, "WASMTIME_BIN or HELLO_WASM is not set")),
    }
    Ok(())
}

fn tool(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

/// The command line tool, if it was built with the release profile.
fn beside_this() -> Option<PathBuf> {
    // target/release/deps/numbers-0123
    let this = std::env::current_exe().ok()?;
    let tool = this.parent()?.parent()?.join("tierup");
    tool.is_file().then_some(tool)
}

/// Milliseconds for a program of one call.
fn hello_text(tierup: &Path) -> Outcome<f64> {
    let file = std::env::temp_dir().join(format!("tierup-bench-{}.wat", std::process::id()));
    fs::write(&file, HELLO)?;
    let times: Outcome<Vec<f64>> =
        (0..RUNS).map(|_| Ok(once(Command::new(tierup).arg("run").arg(&file))?.0)).collect();
    fs::remove_file(&file)?;
    Ok(median(&mut times?))
}

/// Both engines with the same program, in turns.
fn compare(table: &mut Table, (tierup, wasmtime): (&Path, &Path), program: &Path) -> Outcome {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(once(Command::new(tierup).arg("run").arg(program))?.0);
        theirs.push(once(Command::new(wasmtime).args(["run", "-C", "cache=n"]).arg(program))?.0);
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    let what = format!(
        "`tierup run` of a Rust hello program ({ours:.2} ms) against Wasmtime without its cache \
         ({theirs:.2} ms), wall"
    );
    table.add(Row::new(what, Unit::Times, ours / theirs).at_most(1.0));
    Ok(())
}

/// Mebibytes that a run needs beyond the size of its module: the median of five runs.
fn peak(tierup: &Path, yosys: &Path) -> Outcome<f64> {
    let size = fs::metadata(yosys)?.len() as f64;
    let run = |_| Ok(once(Command::new(tierup).arg("run").arg(yosys).arg("-V"))?.1);
    let peaks: Outcome<Vec<usize>> = (0..5).map(run).collect();
    let mut over: Vec<f64> =
        peaks?.into_iter().map(|peak| (peak as f64 - size) / f64::from(1 << 20)).collect();
    Ok(median(&mut over))
}

/// Milliseconds and peak of memory of one process that must succeed.
fn once(command: &mut Command) -> Outcome<(f64, usize)> {
    let start = Instant::now();
    let child: Child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let (status, peak) = machine::wait(&child)?;
    let time = start.elapsed().as_secs_f64() * 1e3;
    match status {
        0 => Ok((time, peak)),
        status => Err(format!("{command:?} ended with status {status}").into()),
    }
}
