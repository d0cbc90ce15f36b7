//! Programs that pass addresses outside of their memory, to every function that takes addresses.

use std::fmt::Write;

use crate::support::Scratch;

const FAULT: i32 = 21;

/// Arguments of a good call for each function: `p` stands before an address, `l` before an `i64`.
/// 3 is a directory, 4 a file; a path is at 0x4000, a list of one buffer at 0x5000.
const CALLS: &[(&str, &str)] = &[
    ("args_get", "p64 p64"),
    ("args_sizes_get", "p64 p72"),
    ("environ_get", "p64 p64"),
    ("environ_sizes_get", "p64 p72"),
    ("clock_res_get", "0 p64"),
    ("clock_time_get", "0 l0 p64"),
    ("fd_fdstat_get", "4 p64"),
    ("fd_filestat_get", "4 p64"),
    ("fd_pread", "4 p0x5000 1 l0 p64"),
    ("fd_prestat_get", "3 p64"),
    ("fd_prestat_dir_name", "3 p64 1"),
    ("fd_pwrite", "4 p0x5000 1 l0 p64"),
    ("fd_read", "4 p0x5000 1 p64"),
    ("fd_readdir", "3 p0x7000 100 l0 p64"),
    ("fd_seek", "4 l0 1 p64"),
    ("fd_tell", "4 p64"),
    ("fd_write", "4 p0x5000 1 p64"),
    ("path_create_directory", "3 p0x4000 3"),
    ("path_filestat_get", "3 0 p0x4000 4 p64"),
    ("path_filestat_set_times", "3 0 p0x4000 4 l0 l0 0"),
    ("path_link", "3 0 p0x4000 4 3 p0x4000 2"),
    ("path_open", "3 0 p0x4000 4 0 l0 l0 0 p64"),
    ("path_readlink", "3 p0x4000 4 p0x7000 10 p64"),
    ("path_remove_directory", "3 p0x4000 3"),
    ("path_rename", "3 p0x4000 4 3 p0x4000 4"),
    ("path_symlink", "p0x4000 4 3 p0x4000 1"),
    ("path_unlink_file", "3 p0x4000 1"),
    ("poll_oneoff", "p0x6000 p0x7000 1 p64"),
    ("random_get", "p0x7000 10"),
    ("sock_accept", "1 0 p64"),
    ("sock_recv", "1 p0x5000 1 0 p64 p72"),
    ("sock_send", "1 p0x5000 1 0 p64"),
];

/// The end of memory, beyond it, and where adding a size wraps.
const WILD: &[&str] = &["0x10000", "0x7fffffff", "-8", "-1"];

fn import(name: &str, arguments: &str) -> String {
    let types = arguments
        .split(' ')
        .map(|argument| ["i32 ", "i64 "][usize::from(argument.starts_with('l'))]);
    let types: String = types.collect();
    format!(
        r#"(import "wasi_snapshot_preview1" "{name}" (func ${name} (param {types}) (result i32)))"#
    )
}

/// The call, with a wild address at one place.
fn call(name: &str, arguments: &str, place: usize, address: &str) -> String {
    let arguments =
        arguments.split(' ').enumerate().map(|(index, argument)| match argument.split_at(1) {
            ("l", number) => format!("(i64.const {number})"),
            ("p", _) if index == place => format!("(i32.const {address})"),
            ("p", number) => format!("(i32.const {number})"),
            _ => format!("(i32.const {argument})"),
        });
    format!("(call ${name} {})", arguments.collect::<String>())
}

/// All calls with all wild addresses. The program ends with the number of the first whose answer is
/// another one, counted from 1.
fn everything() -> (String, Vec<String>) {
    let mut text = String::from("(module\n");
    for (name, arguments) in CALLS {
        text += &import(name, arguments);
    }
    text += r#"
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0x4000) "file")
  (data (i32.const 0x5000) "\00\70\00\00\04\00\00\00")
  (func $check (param $answer i32) (param $number i32)
    (if (i32.ne (local.get $answer) (i32.const 21)) (then (call $exit (local.get $number)))))
  (func (export "_start")
    (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 0x4000) (i32.const 4)
      (i32.const 0) (i64.const -1) (i64.const 0) (i32.const 0) (i32.const 64)))"#;
    let mut calls = Vec::new();
    for (name, arguments) in CALLS {
        let places =
            arguments.split(' ').enumerate().filter(|(_, argument)| argument.starts_with('p'));
        for (place, _) in places {
            for address in WILD {
                calls.push(call(name, arguments, place, address));
                let call = calls.last().unwrap();
                write!(text, "\n    (call $check {call} (i32.const {}))", calls.len()).unwrap();
            }
        }
    }
    (text + "))", calls)
}

#[test]
fn every_function_answers_wild_addresses_with_fault() {
    let (text, calls) = everything();
    // Exit codes have 8 bits: no more calls than that can be told apart.
    assert!(calls.len() < 256, "{}", calls.len());
    for options in ["", "-W explicit-bounds-checks"] {
        let scratch =
            Scratch::with("wild.wat", &text).directory("given").file("given/file", "contents");
        let ended = scratch.run(&format!("{options} --env NAME=value --dir given wild.wat"));
        let code = ended.code.unwrap_or_else(|| panic!("killed: {ended:?}"));
        let call = usize::try_from(code - 1).ok().and_then(|index| calls.get(index));
        assert_eq!((code, call), (0, None), "{ended:?}");
        assert_eq!(std::fs::read_dir(scratch.path("given")).unwrap().count(), 1);
    }
}

/// Addresses in a list that is itself where it should be.
#[test]
fn wild_buffers_in_a_good_list_are_faults() {
    for list in
        [r"\00\00\01\00\01\00\00\00", r"\00\00\00\00\ff\ff\ff\ff", r"\ff\ff\ff\ff\ff\ff\ff\ff"]
    {
        let body = "(call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64))";
        let program = crate::support::program(list, body);
        let ended = Scratch::with("wild.wat", program).run("wild.wat");
        ended.with(FAULT, "");
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn without_a_memory_every_address_is_wild() {
    let program = crate::support::program("", "(call $args_sizes (i32.const 0) (i32.const 4))");
    let program = program.replace(r#"(memory (export "memory") 1)"#, "(memory 1)");
    Scratch::with("hidden.wat", program).run("hidden.wat").with(FAULT, "");
}
