//! Wild numbers: whatever a program passes, the answer is an error, and nothing happens.

use super::{MEMORY, Program, ROOT, Scratch};
use crate::{
    Errno,
    functions::{Core, FUNCTIONS, Stop},
};

/// Arguments of one good call for each function that is passed addresses, with a letter for each:
/// `p` address, `n` number of bytes or records at the address before, `.` anything else.
///
/// `0x4000` holds the path `file`, `0x5000` a list of one buffer, `0x6000` a subscription.
const CALLS: &[(&str, &str, &[u64])] = &[
    ("args_get", "pp", &[64, 64]),
    ("args_sizes_get", "pp", &[64, 72]),
    ("environ_get", "pp", &[64, 64]),
    ("environ_sizes_get", "pp", &[64, 72]),
    ("clock_res_get", ".p", &[0, 64]),
    ("clock_time_get", "..p", &[0, 0, 64]),
    ("fd_fdstat_get", ".p", &[4, 64]),
    ("fd_filestat_get", ".p", &[4, 64]),
    ("fd_pread", ".pn.p", &[4, 0x5000, 1, 0, 64]),
    ("fd_prestat_get", ".p", &[3, 64]),
    ("fd_prestat_dir_name", ".pn", &[3, 64, 1]),
    ("fd_pwrite", ".pn.p", &[4, 0x5000, 1, 0, 64]),
    ("fd_read", ".pnp", &[4, 0x5000, 1, 64]),
    ("fd_readdir", ".pn.p", &[3, 0x7000, 100, 0, 64]),
    ("fd_seek", "...p", &[4, 0, 1, 64]),
    ("fd_tell", ".p", &[4, 64]),
    ("fd_write", ".pnp", &[4, 0x5000, 1, 64]),
    ("path_create_directory", ".pn", &[3, 0x4000, 3]),
    ("path_filestat_get", "..pnp", &[3, 0, 0x4000, 4, 64]),
    ("path_filestat_set_times", "..pn...", &[3, 0, 0x4000, 4, 0, 0, 0]),
    ("path_link", "..pn.pn", &[3, 0, 0x4000, 4, 3, 0x4000, 2]),
    ("path_open", "..pn....p", &[3, 0, 0x4000, 4, 0, 0, 0, 0, 64]),
    ("path_readlink", ".pnpnp", &[3, 0x4010, 4, 0x7000, 10, 64]),
    ("path_remove_directory", ".pn", &[3, 0x4000, 3]),
    ("path_rename", ".pn.pn", &[3, 0x4000, 4, 3, 0x4000, 4]),
    ("path_symlink", "pn.pn", &[0x4000, 4, 3, 0x4000, 1]),
    ("path_unlink_file", ".pn", &[3, 0x4000, 1]),
    ("poll_oneoff", "ppnp", &[0x6000, 0x7000, 1, 64]),
    ("random_get", "pn", &[0x7000, 10]),
    ("sock_accept", "..p", &[1, 0, 64]),
    ("sock_recv", ".pn.pp", &[1, 0x5000, 1, 0, 64, 72]),
    ("sock_send", ".pn.p", &[1, 0x5000, 1, 0, 64]),
];

/// The functions that are passed no addresses.
const WITHOUT: &[&str] = &[
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_renumber",
    "fd_sync",
    "proc_exit",
    "proc_raise",
    "sched_yield",
    "sock_shutdown",
];

fn program(scratch: &Scratch) -> Program {
    let builder = crate::WasiContext::builder().arg("argument").env("NAME", "value");
    let mut program = Program::new(builder.preopen(crate::Preopen::new(scratch.path(""), "/")));
    assert_eq!(program.create("file"), ROOT + 1);
    program.memory[0x4000..0x4004].copy_from_slice(b"file");
    program.memory[0x4010..0x4014].copy_from_slice(b"link");
    program.memory[0x5000..0x5008].copy_from_slice(&[0, 0x70, 0, 0, 4, 0, 0, 0]);
    program
}

fn stop(result: Result<(), Stop>) -> Option<Errno> {
    match result {
        Ok(()) => None,
        Err(Stop::Errno(errno)) => Some(errno),
        Err(Stop::Exit(_)) => panic!("not proc_exit"),
    }
}

#[test]
fn the_table_names_every_function() {
    let mut names: Vec<_> =
        CALLS.iter().map(|call| call.0).chain(WITHOUT.iter().copied()).collect();
    names.sort_unstable();
    let mut all: Vec<_> = FUNCTIONS.iter().map(|function| function.name).collect();
    all.sort_unstable();
    assert_eq!(names, all);
    for (name, letters, arguments) in CALLS {
        assert_eq!(letters.len(), arguments.len(), "{name}");
    }
}

#[test]
fn good_calls_are_good() {
    for (name, _, arguments) in CALLS {
        let scratch = Scratch::new();
        scratch.link("link", "file").directory("fil");
        let error = stop(program(&scratch).call_to_stop(name, arguments));
        let expected = match *name {
            "path_create_directory" => Some(Errno::Exist),
            "path_unlink_file" => Some(Errno::Noent),
            name if name.starts_with("sock") => Some(Errno::Notsock),
            _ => None,
        };
        assert_eq!(error, expected, "{name}");
    }
}

#[test]
fn addresses_at_and_past_the_end_are_faults() {
    let end = MEMORY as u64;
    let wild = [end, end + 1, end - 1 + (1 << 31), 0xffff_ffff, 0xffff_fff8];
    for (name, letters, arguments) in CALLS {
        for position in letters.match_indices('p').map(|found| found.0) {
            for address in wild {
                let scratch = Scratch::new();
                scratch.link("link", "file").directory("fil");
                let mut program = program(&scratch);
                let (before, files) = (program.memory.clone(), listing(&scratch));
                let mut arguments = arguments.to_vec();
                arguments[position] = address;
                let error = stop(program.call_to_stop(name, &arguments));
                assert_eq!(error, Some(Errno::Fault), "{name} {position} {address:#x}");
                assert_eq!(program.context.table.open(), 5, "{name}");
                assert_eq!(listing(&scratch), files, "{name}");
                // What comes before the bad address in the same call may have been filled.
                if name != &"path_readlink" {
                    assert_eq!(program.memory, before, "{name} {position} {address:#x}");
                }
            }
        }
    }
}

fn listing(scratch: &Scratch) -> Vec<String> {
    let entries = std::fs::read_dir(scratch.path("")).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn lengths_past_the_end_are_errors() {
    for (name, letters, arguments) in CALLS {
        for position in letters.match_indices('n').map(|found| found.0) {
            for length in [MEMORY as u64 + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
                let scratch = Scratch::new();
                scratch.link("link", "file");
                let mut program = program(&scratch);
                let mut arguments = arguments.to_vec();
                arguments[position] = length;
                let error = stop(program.call_to_stop(name, &arguments));
                // So many subscriptions are refused before anybody looks where they are.
                let expected = if *name == "poll_oneoff" { Errno::Inval } else { Errno::Fault };
                assert_eq!(error, Some(expected), "{name} {position} {length:#x}");
            }
        }
    }
}

#[test]
fn buffers_in_a_good_list_can_be_wild_too() {
    let buffers: [[u32; 2]; 5] = [
        [MEMORY as u32, 1],
        [0, MEMORY as u32 + 1],
        [u32::MAX, u32::MAX],
        [1, u32::MAX],
        [MEMORY as u32 + 1, 0],
    ];
    for name in ["fd_read", "fd_write", "fd_pread", "fd_pwrite", "sock_recv", "sock_send"] {
        let call = CALLS.iter().find(|call| call.0 == name).unwrap();
        for buffer in buffers {
            let scratch = Scratch::new();
            let mut program = program(&scratch);
            let bytes = buffer.map(u32::to_le_bytes).concat();
            program.memory[0x5000..0x5008].copy_from_slice(&bytes);
            let error = stop(program.call_to_stop(name, call.2));
            assert_eq!(error, Some(Errno::Fault), "{name} {buffer:?}");
        }
    }
}

#[test]
fn a_memory_of_nothing_is_all_fault() {
    let scratch = Scratch::new();
    for (name, letters, arguments) in CALLS {
        let mut program = program(&scratch);
        program.memory.clear();
        let error = stop(program.call_to_stop(name, arguments));
        assert_eq!(error, Some(Errno::Fault), "{name} {letters}");
    }
}

/// Numbers that are borders of something.
const BORDERS: &[u64] = &[
    0,
    1,
    2,
    3,
    4,
    5,
    8,
    64,
    0x4000,
    0x5000,
    0x6000,
    0xfff0,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 32,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

#[test]
fn no_combination_of_borders_panics() {
    let scratch = Scratch::new();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for function in FUNCTIONS.iter().filter(|function| function.name != "proc_exit") {
        let mut program = program(&scratch);
        for _ in 0..400 {
            let arguments: Vec<_> = function
                .parameters
                .iter()
                .map(|core| match (core, BORDERS[next() as usize % BORDERS.len()]) {
                    (Core::I32, number) => number & 0xffff_ffff,
                    (Core::I64, number) => number,
                })
                .collect();
            // Waiting for ever and filling the disk are what these were asked for.
            if matches!(function.name, "poll_oneoff" | "fd_allocate") {
                continue;
            }
            let _ = program.call_to_stop(function.name, &arguments);
        }
    }
}
