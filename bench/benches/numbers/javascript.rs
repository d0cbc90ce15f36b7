//! Calls between JavaScript and Wasm, how long a small instance takes, and what many modules leave.
//!
//! Each figure is what a loop of a script takes with the operation, less what the same loop takes
//! without it.

use std::time::Instant;

use tierup::Engine;
use tierup_bench::{Row, Samples, Table, Unit, nanoseconds};
use tierup_js::{Realm, rquickjs::Function};

use crate::Outcome;

const SAMPLES: Samples = Samples { samples: 31, operations: 1 };
const CALLS: f64 = 20_000.0;
const INSTANCES: f64 = 200.0;

/// `empty` is the loop alone; the others take its place.
const SCRIPT: &str = "
    var module = new WebAssembly.Module(bytes);
    var big = new WebAssembly.Module(bytes_of_five);
    var { add, out } = new WebAssembly.Instance(module, { a: { f: (a, b) => a + b } }).exports;
    function empty(n) { let x = 0; for (let i = 0; i < n; i++) x = i; return x; }
    function script_calls(n) { const f = (a, b) => a + b | 0; let x = 0; for (let i = 0; i < n; i++) x = f(i, 1); return x; }
    function wasm_calls(n) { const f = add; let x = 0; for (let i = 0; i < n; i++) x = f(i, 1); return x; }
    function import_calls(n) { return out(n); }
    function instances(n) { let x; for (let i = 0; i < n; i++) x = new WebAssembly.Instance(big); return x.exports.a(); }
";

const MODULE: &str = r#"(module (import "a" "f" (func $f (param i32 i32) (result i32)))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "out") (param $n i32) (result i32) (local $x i32)
      (loop $again
        (local.set $x (call $f (local.get $n) (i32.const 1)))
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $x)))"#;

pub(crate) fn run(table: &mut Table) -> Outcome {
    let realm = Realm::new(&Engine::default())?;
    let modules = [("bytes", MODULE.to_owned()), ("bytes_of_five", five_exports(""))];
    for (name, text) in modules {
        let bytes = wat::parse_str(text)?;
        realm.eval("bytes.js", &format!("var {name} = new Uint8Array({bytes:?})"))?;
    }
    realm.eval("bench.js", SCRIPT)?;
    let loop_alone = per_operation(&realm, "empty", CALLS)?;
    for (what, function, limit) in [
        ("JavaScript calls JavaScript, for comparison", "script_calls", None),
        ("JavaScript calls Wasm (i32, i32) -> i32 and is back", "wasm_calls", Some(60.0)),
    ] {
        let took = per_operation(&realm, function, CALLS)? - loop_alone;
        add(table, Row::new(what, Unit::Nanoseconds, took), limit);
    }
    let took = per_operation(&realm, "import_calls", CALLS)?;
    let what = "Wasm calls JavaScript (i32, i32) -> i32 and is back";
    add(table, Row::new(what, Unit::Nanoseconds, took), Some(90.0));
    let took = per_operation(&realm, "instances", INSTANCES)? / 1e3;
    let what = "`new WebAssembly.Instance` of a 1 kB module with 5 exports";
    add(table, Row::new(what, Unit::Microseconds, took), Some(40.0));
    many_modules(table)
}

/// Rounds after which memory must not grow any more, and rounds in which it is looked at.
const WARM_UP: u32 = 2_000;
const MODULES: u32 = 10_000;

/// Each round compiles a module, instantiates and calls it, and drops everything. No two of the
/// modules are equal.
const ROUND: &str = "
    var n = 0;
    function round() {
        const own = bytes_of_five.slice();
        new DataView(own.buffer).setInt32(own.length - 4, n, true);
        const { exports } = new WebAssembly.Instance(new WebAssembly.Module(own));
        if (exports.a() !== 1) throw new Error('wrong');
        n++;
    }";

/// How long a round takes, and how much memory the process keeps.
fn many_modules(table: &mut Table) -> Outcome {
    let engine = Engine::default();
    let realm = Realm::new(&engine)?;
    let bytes = wat::parse_str(five_exports(" (@custom \"n\" \"....\")"))?;
    realm.eval("bytes.js", &format!("var bytes_of_five = new Uint8Array({bytes:?}); {ROUND}"))?;
    let rounds =
        |count| realm.eval("rounds.js", &format!("for (let i = 0; i < {count}; i++) round()"));
    rounds(WARM_UP)?;
    realm.collect()?;
    let (before, start) = (resident_bytes()?, Instant::now());
    let mut most = before;
    for _ in 0..10 {
        rounds(MODULES / 10)?;
        most = most.max(resident_bytes()?);
    }
    let took = start.elapsed().as_secs_f64() * 1e6 / f64::from(MODULES);
    realm.collect()?;
    let mebibytes = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    table.add(Row::new(
        "A module of 1 kB is compiled, instantiated, called, dropped",
        Unit::Microseconds,
        took,
    ));
    table.add(Row::new("Resident before 10,000 of these", Unit::Mebibytes, mebibytes(before)));
    table.add(Row::new("Most while they come and go", Unit::Mebibytes, mebibytes(most)));
    let grown = mebibytes(resident_bytes()?.saturating_sub(before));
    add(
        table,
        Row::new("Resident after them, more than before", Unit::Mebibytes, grown),
        Some(4.0),
    );
    Ok(())
}

/// Bytes of this process in memory.
fn resident_bytes() -> Outcome<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).ok_or("no such field")?;
    Ok(pages.parse::<usize>()? * rustix::param::page_size())
}

/// A module of about 1 kB.
fn five_exports(more: &str) -> String {
    let functions = ["a", "b", "c", "d", "e"].map(|name| {
        let body = "(drop (i32.mul (i32.const 70000) (i32.const 70000)))".repeat(16);
        format!(r#"(func (export "{name}") (result i32) {body} (i32.const 1))"#)
    });
    format!("(module {}{more})", functions.concat())
}

fn add(table: &mut Table, row: Row, limit: Option<f64>) {
    table.add(match limit {
        Some(limit) => row.at_most(limit),
        None => row,
    });
}

/// Nanoseconds for one of the operations that a function of the script does.
fn per_operation(realm: &Realm, function: &str, operations: f64) -> Outcome<f64> {
    let all = realm.call(|ctx| {
        let function: Function<'_> = ctx.globals().get(function)?;
        let mut failed = None;
        let took = nanoseconds(SAMPLES, |_| {
            failed = failed.take().or(function.call::<_, i32>((operations,)).err());
        });
        failed.map_or(Ok(took), Err)
    })?;
    Ok(all / operations)
}
