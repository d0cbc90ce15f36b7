//! The table of bad input: what was typed, what is said about it, with which exit code it ends.

use crate::support::{Scratch, program};

/// The files that the table's commands name.
fn files() -> Scratch {
    Scratch::with("good.wat", program("", "(i32.const 7)"))
        .file("empty.wasm", "")
        .file("magic.wasm", b"\0asm")
        .file("version.wasm", b"\0asm\x02\0\0\0")
        .file("component.wasm", b"\0asm\x0d\0\x01\0")
        .file("random.wasm", [0x93, 0x11, 0xf7, 0x80, 0, 0, 0, 0])
        .file("section.wasm", b"\0asm\x01\0\0\0\x01\xff\xff\x03\x00")
        .file("count.wasm", b"\0asm\x01\0\0\0\x01\x05\xff\xff\xff\xff\x0f")
        .file("order.wasm", b"\0asm\x01\0\0\0\x03\x01\x00\x01\x01\x00")
        .file("locals.wasm", LOCALS)
        .file("prose.txt", "hello\n")
        .file("word.wat", "(module\n  (func\n    i32.bogus))\n")
        .file("open.wat", "(module\n  (func)")
        .file("name.wat", "(module\n\n\n  (func (call $nobody)))")
        .file("type.wat", r#"(module (func (export "_start") i32.add drop))"#)
        .file("pages.wat", "(module (memory 65537))")
        .file("missing.wat", MISSING)
        .file("mismatch.wat", MISMATCH)
        .file("library.wat", LIBRARY)
        .file("nothing.wat", "(module)")
        .file("huge.wat", r#"(module (memory 65536) (func (export "_start")))"#)
        .file("data.wat", r#"(module (memory 1) (data (i32.const 65536) "x"))"#)
        .directory("folder")
}

/// A function with 0xfffffff0 locals.
const LOCALS: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\
    \x0a\x0a\x01\x08\x01\xf0\xff\xff\xff\x0f\x7f\x0b";

const MISSING: &str = r#"(module
  (import "env" "f" (func (param i32) (result i64)))
  (import "env" "m" (memory 1 2))
  (import "env" "t" (table 1 funcref))
  (import "env" "g" (global (mut i32)))
  (import "wasi_snapshot_preview1" "fd_fly" (func))
  (func (export "_start")))"#;

const MISMATCH: &str = r#"(module
  (import "wasi_snapshot_preview1" "proc_exit" (func (param i64)))
  (func (export "_start")))"#;

const LIBRARY: &str = r#"(module
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "long") (param i64))
  (func (export "float") (param f32))
  (func (export "vector") (param v128))
  (func (export "reference") (param externref))
  (memory (export "memory") 1))"#;

/// A part of the message, the exit code, and the command.
type Row = (&'static str, i32, &'static str);

const ROWS: &[Row] = &[
    // Files.
    ("cannot read none.wasm: No such file or directory", 1, "none.wasm"),
    ("cannot read folder: Is a directory", 1, "folder"),
    ("cannot read /proc/self/mem: Input/output error", 1, "/proc/self/mem"),
    ("empty.wasm: unexpected end-of-file (at offset 0x0)", 1, "empty.wasm"),
    ("magic.wasm: unexpected end-of-file (at offset 0x4)", 1, "magic.wasm"),
    ("unknown binary version:        0x2 (at offset 0x4)", 1, "version.wasm"),
    ("encoded as a component", 1, "component.wasm"),
    ("bad magic number", 1, "random.wasm"),
    ("section.wasm: unexpected end-of-file (at offset 0xc)", 1, "section.wasm"),
    ("types count exceeds limit of 1000000 (at offset 0xa)", 1, "count.wasm"),
    ("section out of order (at offset 0xd)", 1, "order.wasm"),
    ("too many locals", 1, "locals.wasm"),
    // Texts.
    ("prose.txt: expected `(`", 1, "prose.txt"),
    ("<anon>:3:5", 1, "word.wat"),
    ("<anon>:2:9", 1, "open.wat"),
    ("<anon>:4:15", 1, "name.wat"),
    ("type mismatch: expected i32 but nothing on stack (at offset 0x", 1, "type.wat"),
    ("memory size", 1, "pages.wat"),
    // Imports.
    ("5 unknown imports:\n  `env` `f`: func (i32) -> (i64)\n", 1, "missing.wat"),
    ("  `env` `m`: memory 1..2\n  `env` `t`: table 1.. funcref\n", 1, "missing.wat"),
    ("  `env` `g`: global (mut i32)\n", 1, "missing.wat"),
    ("  `wasi_snapshot_preview1` `fd_fly`: func () -> ()\n", 1, "missing.wat"),
    ("`wasi_snapshot_preview1` `proc_exit`: expected func (i64) -> ()", 1, "mismatch.wat"),
    // What is run.
    (
        "no `_start`, so it is no program; name a function with --invoke; it exports\n  add(i32, i32) -> (i32)\n  long(i64)",
        1,
        "library.wat",
    ),
    ("no `_start`", 1, "nothing.wat"),
    ("no exported function `sub`; it exports\n  add(i32, i32)", 1, "--invoke sub library.wat"),
    ("no exported function `memory`", 1, "--invoke memory library.wat"),
    ("takes 2 arguments, 1 given: (i32, i32) -> (i32)", 2, "--invoke add library.wat 1"),
    ("takes 2 arguments, 3 given", 2, "--invoke add library.wat 1 2 3"),
    ("argument 2: `two` is not a 32-bit integer", 2, "--invoke add library.wat 1 two"),
    ("argument 1: `4294967296` is not a 32-bit", 2, "--invoke add library.wat 4294967296 1"),
    ("argument 1: `1.5` is not a 64-bit integer", 2, "--invoke long library.wat 1.5"),
    ("argument 1: `x` is not a number", 2, "--invoke float library.wat x"),
    ("argument 1: `7` is not a v128", 2, "--invoke vector library.wat 7"),
    ("argument 1: `7` is not a externref: only null", 2, "--invoke reference library.wat 7"),
    // Directories and variables.
    ("cannot open directory none: No such file or directory", 1, "--dir none good.wat"),
    ("cannot open directory good.wat: Not a directory", 1, "--dir good.wat good.wat"),
    ("variable \"\" cannot be passed on", 1, "--env =value good.wat"),
    // Other modules.
    ("cannot read none.wasm", 1, "--preload env=none.wasm good.wat"),
    ("prose.txt: expected `(`", 1, "--preload env=prose.txt good.wat"),
    ("expected NAME=FILE", 2, "--preload env good.wat"),
    // Limits.
    ("the host's limits do not allow 4294967296 memory bytes", 1, "-W max-memory-size=1M huge.wat"),
    ("out of code memory", 1, "-C code-memory=1 good.wat"),
    // Options.
    ("unexpected argument '--bogus'", 2, "--bogus good.wat"),
    ("Usage: tierup", 2, ""),
    ("required arguments were not provided", 2, "run"),
    ("required arguments were not provided", 2, "wast"),
    ("unknown key `lasy`; `-C help` lists the keys", 2, "-C lasy=y good.wat"),
    ("unknown key `time`; `-W help` lists the keys", 2, "-W time=1s good.wat"),
    ("lazy: expected y or n, found `maybe`", 2, "-C lazy=maybe good.wat"),
    ("expected auto, file, toggle or pkey", 2, "-C protection=none good.wat"),
    ("compile-threads: expected a number", 2, "-C compile-threads=many good.wat"),
    ("code-memory: expected a size like", 2, "-C code-memory=1T good.wat"),
    ("timeout: expected a time like", 2, "-W timeout=soon good.wat"),
    ("fuel: expected a number, found `-1`", 2, "-W fuel=-1 good.wat"),
    ("invalid value 'xml'", 2, "--stats=xml good.wat"),
    // Scripts.
    ("cannot read none.wast", 1, "wast none.wast"),
    ("-W fuel is for `run` and `js`", 2, "wast -W fuel=5 none.wast"),
    ("cannot read folder", 1, "wast folder"),
    // Options that would do nothing.
    ("-W timeout has no effect here: `compile` only compiles", 2, "compile -W timeout=1s good.wat"),
    ("-W max-memory-size has no effect here", 2, "compile -W max-memory-size=1G good.wat"),
    ("-W max-table-elements has no effect here", 2, "compile -W max-table-elements=1 good.wat"),
    ("-W max-instances has no effect here", 2, "compile -W max-instances=1 good.wat"),
    ("-W max-wasm-stack has no effect here", 2, "compile -W max-wasm-stack=1M good.wat"),
    ("-C tier-up-budget has no effect here", 2, "compile -C tier-up-budget=1 good.wat"),
    ("-C lazy has no effect here: `compile` compiles all", 2, "compile -C lazy good.wat"),
    (
        "-C compiler has no effect here: --tier",
        2,
        "compile --tier baseline -C compiler=tiered good.wat",
    ),
    (
        "-C compile-threads has no effect here: --threads",
        2,
        "compile --threads 1 -C compile-threads=1 good.wat",
    ),
    (
        "-W timeout has no effect here: nothing runs without --run",
        2,
        "inspect -W timeout=1s good.wat",
    ),
    ("-C tier-up-budget has no effect here", 2, "inspect -C tier-up-budget=1 good.wat"),
    ("--dir has no effect here: nothing runs without --run", 2, "inspect --dir . good.wat"),
    ("--env has no effect here", 2, "inspect --env A=1 good.wat"),
    ("--invoke has no effect here", 2, "inspect --invoke f good.wat"),
    ("--argv0 has no effect here", 2, "inspect --argv0 x good.wat"),
    ("--preload has no effect here", 2, "inspect --preload a=good.wat good.wat"),
];

#[test]
fn each_is_said_with_its_exit_code() {
    let files = files();
    for &(message, code, command) in ROWS {
        let ended = files.run(command);
        println!("{code} | tierup {command} | {}", ended.stderr.trim_end());
        ended.with(code, message);
        assert_eq!(ended.stdout, "", "errors go to standard error: {command}");
    }
}

#[test]
fn the_good_file_is_good() {
    files().run("good.wat").with(7, "");
}

/// Data outside of the memory stops instantiation, as the specification says: it is a trap.
#[test]
fn data_that_does_not_fit_is_a_trap() {
    files().run("data.wat").with(134, "out of bounds memory access");
}

#[test]
fn a_wrong_log_filter_is_wrong_usage() {
    let files = files();
    let ended = files.command(&["good.wat"]).env("TIERUP_LOG", "a=b=c").output().unwrap();
    crate::support::Ended::from(ended).with(2, "TIERUP_LOG: ");
}
