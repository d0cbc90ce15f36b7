//! Names of directories that are open from the start, and reading entries.

use std::collections::{BTreeMap, BTreeSet};

use super::{DIRECTORY, FILE, How, Program, RESULT, ROOT, Scratch};
use crate::{BuildError, Errno, Preopen, WasiContext};

#[test]
fn directories_from_the_start_have_names() {
    let scratch = Scratch::new();
    let builder = WasiContext::builder()
        .preopen(Preopen::new(scratch.path(""), "/data"))
        .preopen(Preopen::new(scratch.path(""), ""))
        .preopen(Preopen::from_argument("/::/root"));
    let mut program = Program::new(builder);
    for (fd, name) in [(3, "/data"), (4, ""), (5, "/root")] {
        program.call("fd_prestat_get", &[fd, 64]).unwrap();
        assert_eq!((program.u32(64), program.u32(68)), (0, name.len() as u32));
        let room = name.len() as u64 + 3;
        program.memory[100..110].fill(b'x');
        program.call("fd_prestat_dir_name", &[fd, 100, room]).unwrap();
        assert_eq!(&program.memory[100..100 + name.len()], name.as_bytes());
        assert_eq!(program.memory[100 + name.len()], b'x');
    }
    assert_eq!(program.call("fd_prestat_dir_name", &[3, 100, 4]), Err(Errno::Nametoolong));
    assert_eq!(program.call("fd_prestat_get", &[6, 64]), Err(Errno::Badf));
    let opened = u64::from(program.open(ROOT, ".", DIRECTORY).unwrap());
    assert_eq!(program.call("fd_prestat_get", &[opened, 64]), Err(Errno::Badf));
    assert_eq!(program.call("fd_prestat_dir_name", &[opened, 0, 9]), Err(Errno::Badf));
}

#[test]
fn directories_that_cannot_be_used_are_named() {
    let scratch = Scratch::new();
    scratch.file("file", "");
    let build = |preopen| WasiContext::builder().preopen(preopen).build().unwrap_err();
    let missing = build(Preopen::new(scratch.path("missing"), "/"));
    assert_eq!(missing, BuildError::Directory(scratch.path("missing"), Errno::Noent));
    let file = build(Preopen::new(scratch.path("file"), "/"));
    assert_eq!(file, BuildError::Directory(scratch.path("file"), Errno::Notdir));
    let name = build(Preopen::new(scratch.path(""), "a\0"));
    assert_eq!(name, BuildError::Directory(scratch.path(""), Errno::Inval));
    let full = WasiContext::builder().descriptor_limit(3);
    let full = full.preopen(Preopen::new(scratch.path(""), "/")).build().unwrap_err();
    assert_eq!(full, BuildError::Directory(scratch.path(""), Errno::Mfile));
}

/// An entry: its cookie, inode and type, by name.
type Entries = Vec<(String, (u64, u64, u8))>;

/// Entries from `cookie` on, as far as they are whole, and whether that is all.
fn read(program: &mut Program, fd: u32, cookie: u64, room: u64) -> (Entries, bool) {
    const BUFFER: u64 = 4096;
    program.call("fd_readdir", &[fd.into(), BUFFER, room, cookie, RESULT.into()]).unwrap();
    let used = u64::from(program.result());
    assert!(used <= room);
    let (mut entries, mut at) = (Vec::new(), BUFFER);
    let end = BUFFER + used;
    while at + 24 <= end {
        let length = u64::from(program.u32(at + 16));
        if at + 24 + length > end {
            break;
        }
        let name = program.memory[(at + 24) as usize..][..length as usize].to_vec();
        let facts = (program.u64(at), program.u64(at + 8), program.memory[at as usize + 20]);
        entries.push((String::from_utf8(name).unwrap(), facts));
        at += 24 + length;
    }
    (entries, used < room)
}

/// All entries, with a buffer of that size.
fn read_all(program: &mut Program, fd: u32, room: u64) -> Entries {
    let (mut all, mut cookie) = (Vec::new(), 0);
    loop {
        let (entries, end) = read(program, fd, cookie, room);
        assert!(end || !entries.is_empty());
        all.extend(entries);
        if end {
            return all;
        }
        cookie = all.last().unwrap().1.0;
    }
}

#[test]
fn an_empty_directory_has_two_entries() {
    let scratch = Scratch::new();
    let mut program = Program::at(&scratch);
    let inode = program.filestat(ROOT).unwrap().2;
    let entries: BTreeMap<_, _> = read_all(&mut program, ROOT, 1000).into_iter().collect();
    assert_eq!(entries.keys().collect::<Vec<_>>(), [".", ".."]);
    // What is above is not shown.
    assert!(entries.values().all(|entry| (entry.1, entry.2) == (inode, 3)));
}

#[test]
fn entries_have_types_and_inodes() {
    let scratch = Scratch::new();
    scratch.file("file", "").directory("directory").link("link", "file");
    let mut program = Program::at(&scratch);
    let inode = program.path_filestat("file", 0).unwrap().2;
    let entries: BTreeMap<_, _> = read_all(&mut program, ROOT, 1000).into_iter().collect();
    assert_eq!(entries.len(), 5);
    assert_eq!((entries["file"].1, entries["file"].2), (inode, 4));
    assert_eq!((entries["directory"].2, entries["link"].2), (3, 7));
}

#[test]
fn every_size_of_buffer_gives_every_entry_once_in_the_same_order() {
    let scratch = Scratch::new();
    for number in 0..300 {
        scratch.file(&format!("{number}{}", "-".repeat(number % 90)), "");
    }
    let mut program = Program::at(&scratch);
    let names = |entries: Entries| entries.into_iter().map(|entry| entry.0).collect::<Vec<_>>();
    let expected = names(read_all(&mut program, ROOT, 40_000));
    assert_eq!(expected.iter().collect::<BTreeSet<_>>().len(), 302);
    for room in [118, 119, 150, 256, 1000, 4095, 4096, 20_000] {
        assert_eq!(names(read_all(&mut program, ROOT, room)), expected, "{room}");
    }
}

#[test]
fn the_last_entry_is_cut_where_the_buffer_ends() {
    let scratch = Scratch::new();
    scratch.file("a-name", "");
    let mut program = Program::at(&scratch);
    program.call("fd_readdir", &[ROOT.into(), 4096, 1000, 0, RESULT.into()]).unwrap();
    let whole = program.result() as usize;
    let bytes = program.memory[4096..][..whole].to_vec();
    assert_eq!(whole, 3 * 24 + 1 + 2 + 6);
    for room in 0..=whole {
        program.memory[4096..8192].fill(0xee);
        let arguments = [ROOT.into(), 4096, room as u64, 0, RESULT.into()];
        program.call("fd_readdir", &arguments).unwrap();
        assert_eq!(program.result() as usize, room);
        assert_eq!(program.memory[4096..][..room], bytes[..room]);
        assert!(program.memory[4096 + room..8192].iter().all(|&byte| byte == 0xee));
    }
}

#[test]
fn reading_goes_on_after_entries_were_removed() {
    let scratch = Scratch::new();
    for number in 0..200 {
        scratch.file(&format!("file-{number}"), "");
    }
    let mut program = Program::at(&scratch);
    let (mut cookie, mut seen) = (0, BTreeSet::new());
    loop {
        let (entries, end) = read(&mut program, ROOT, cookie, 300);
        for (name, (next, ..)) in entries {
            cookie = next;
            if name.starts_with("file") {
                assert!(seen.insert(name.clone()), "{name} twice");
                program.on_path("path_unlink_file", &name).unwrap();
            }
        }
        if end {
            break;
        }
    }
    assert_eq!(seen.len(), 200);
    assert_eq!(read_all(&mut program, ROOT, 300).len(), 2);
}

#[test]
fn each_descriptor_reads_for_itself_from_any_cookie() {
    let scratch = Scratch::new();
    for name in ["a", "b", "c"] {
        scratch.file(name, "");
    }
    let mut program = Program::at(&scratch);
    let other = program.open(ROOT, ".", DIRECTORY).unwrap();
    let all = read_all(&mut program, ROOT, 1000);
    for index in 0..all.len() {
        let (rest, end) = read(&mut program, other, all[index].1.0, 1000);
        assert!(end);
        assert_eq!(rest, all[index + 1..]);
    }
    let far = [ROOT.into(), 4096, 100, u64::MAX, RESULT.into()];
    assert_eq!(program.call("fd_readdir", &far), Err(Errno::Inval));
}

#[test]
fn only_directories_are_listed() {
    let scratch = Scratch::new();
    let mut program = Program::at(&scratch);
    let file = program.create("file");
    let arguments = [file.into(), 4096, 100, 0, RESULT.into()];
    assert_eq!(program.call("fd_readdir", &arguments), Err(Errno::Notdir));
    let blind = How { oflags: 2, base: crate::Rights::PATH_OPEN, ..FILE };
    let blind = program.open(ROOT, ".", blind).unwrap();
    let arguments = [blind.into(), 4096, 100, 0, RESULT.into()];
    assert_eq!(program.call("fd_readdir", &arguments), Err(Errno::Notcapable));
}
