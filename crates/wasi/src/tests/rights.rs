//! Rights: what is not granted does not work, and is never regained.

use super::{CREAT, DIRECTORY, FILE, How, Program, READ, RESULT, ROOT, Scratch, TRUNC};
use crate::{Errno, Preopen, Rights, WasiContext};

const DENIED: Errno = Errno::Notcapable;

fn restricted(scratch: &Scratch, base: Rights, inheriting: Rights) -> Program {
    let preopen = Preopen::new(scratch.path(""), "/").rights(base, inheriting);
    Program::new(WasiContext::builder().preopen(preopen))
}

#[test]
fn each_call_on_a_directory_needs_its_right() {
    let scratch = Scratch::new();
    scratch.file("file", "contents").link("link", "file");
    type Attempt = fn(&mut Program) -> Result<(), Errno>;
    let cases: &[(Rights, Attempt)] = &[
        (Rights::PATH_OPEN, |program| program.open(ROOT, "file", READ).map(|_| ())),
        (Rights::PATH_CREATE_FILE, |program| {
            program.open(ROOT, "new", How { oflags: CREAT, ..FILE }).map(|_| ())
        }),
        (Rights::PATH_FILESTAT_SET_SIZE, |program| {
            program.open(ROOT, "file", How { oflags: TRUNC, ..READ }).map(|_| ())
        }),
        (Rights::PATH_CREATE_DIRECTORY, |program| program.on_path("path_create_directory", "d")),
        (Rights::PATH_REMOVE_DIRECTORY, |program| program.on_path("path_remove_directory", "d")),
        (Rights::PATH_UNLINK_FILE, |program| program.on_path("path_unlink_file", "file")),
        (Rights::PATH_FILESTAT_GET, |program| program.path_filestat("file", 0).map(|_| ())),
        (Rights::PATH_READLINK, |program| program.readlink("link", 9).map(|_| ())),
        (Rights::PATH_SYMLINK, |program| program.symlink("file", "new")),
        (Rights::PATH_LINK_SOURCE, |program| program.link((ROOT, "file"), (ROOT, "new"))),
        (Rights::PATH_LINK_TARGET, |program| program.link((ROOT, "file"), (ROOT, "new"))),
        (Rights::PATH_RENAME_SOURCE, |program| program.rename((ROOT, "file"), (ROOT, "new"))),
        (Rights::PATH_RENAME_TARGET, |program| program.rename((ROOT, "file"), (ROOT, "new"))),
        (Rights::PATH_FILESTAT_SET_TIMES, |program| {
            let [path, length] = program.put(b"file");
            program.call("path_filestat_set_times", &[ROOT.into(), 0, path, length, 0, 0, 5])
        }),
        (Rights::FD_READDIR, |program| {
            program.call("fd_readdir", &[ROOT.into(), 0, 9, 0, RESULT.into()])
        }),
        (Rights::FD_FILESTAT_GET, |program| program.filestat(ROOT).map(|_| ())),
        (Rights::FD_FILESTAT_SET_TIMES, |program| {
            program.call("fd_filestat_set_times", &[ROOT.into(), 0, 0, 5])
        }),
        (Rights::FD_SYNC, |program| program.call("fd_sync", &[ROOT.into()])),
        (Rights::FD_DATASYNC, |program| program.call("fd_datasync", &[ROOT.into()])),
        (Rights::FD_FDSTAT_SET_FLAGS, |program| {
            program.call("fd_fdstat_set_flags", &[ROOT.into(), 0])
        }),
    ];
    for (right, attempt) in cases {
        let mut program = restricted(&scratch, Rights::ALL - *right, Rights::ALL);
        assert_eq!(attempt(&mut program), Err(DENIED), "{right:?}");
    }
    assert_eq!(std::fs::read(scratch.path("file")).unwrap(), b"contents");
    assert_eq!(std::fs::read_dir(scratch.path("")).unwrap().count(), 2);
}

#[test]
fn each_call_on_a_file_needs_its_right() {
    let scratch = Scratch::new();
    scratch.file("file", "contents");
    let mut program = Program::at(&scratch);
    let [list, count] = program.put_buffers(&[[0, 1]]);
    let cases: &[(Rights, &str, &[u64])] = &[
        (Rights::FD_READ, "fd_read", &[list, count, 16]),
        (Rights::FD_READ, "fd_pread", &[list, count, 0, 16]),
        (Rights::FD_SEEK, "fd_pread", &[list, count, 0, 16]),
        (Rights::FD_WRITE, "fd_write", &[list, count, 16]),
        (Rights::FD_WRITE, "fd_pwrite", &[list, count, 0, 16]),
        (Rights::FD_SEEK, "fd_pwrite", &[list, count, 0, 16]),
        (Rights::FD_SEEK, "fd_seek", &[1, 1, 16]),
        (Rights::FD_SEEK, "fd_seek", &[0, 0, 16]),
        (Rights::FD_SEEK.union(Rights::FD_TELL), "fd_seek", &[0, 1, 16]),
        (Rights::FD_SEEK.union(Rights::FD_TELL), "fd_tell", &[16]),
        (Rights::FD_SYNC, "fd_sync", &[]),
        (Rights::FD_DATASYNC, "fd_datasync", &[]),
        (Rights::FD_ADVISE, "fd_advise", &[0, 0, 0]),
        (Rights::FD_ALLOCATE, "fd_allocate", &[0, 100]),
        (Rights::FD_FILESTAT_GET, "fd_filestat_get", &[64]),
        (Rights::FD_FILESTAT_SET_SIZE, "fd_filestat_set_size", &[0]),
        (Rights::FD_FILESTAT_SET_TIMES, "fd_filestat_set_times", &[0, 0, 5]),
        (Rights::FD_FDSTAT_SET_FLAGS, "fd_fdstat_set_flags", &[1]),
    ];
    for (right, function, arguments) in cases {
        let how = How { base: Rights::FILE - *right, ..FILE };
        let fd = program.open(ROOT, "file", how).unwrap();
        let arguments = [&[u64::from(fd)][..], arguments].concat();
        assert_eq!(program.call(function, &arguments), Err(DENIED), "{right:?} {function}");
        program.close(fd);
    }
    assert_eq!(std::fs::read(scratch.path("file")).unwrap(), b"contents");
}

#[test]
fn truncating_needs_the_right_however_it_is_asked() {
    let scratch = Scratch::new();
    scratch.file("file", "contents");
    let mut program = Program::at(&scratch);
    let root = program.fdstat(ROOT).unwrap();
    let trunc = How { oflags: TRUNC, base: Rights::NONE, ..FILE };
    let without_size = (root.base - Rights::PATH_FILESTAT_SET_SIZE).bits();
    let inheriting = (root.inheriting - Rights::FD_FILESTAT_SET_SIZE).bits();
    program.call("fd_fdstat_set_rights", &[ROOT.into(), without_size, inheriting]).unwrap();
    assert_eq!(program.open(ROOT, "file", trunc), Err(DENIED));
    let set_size = How { base: Rights::FD_FILESTAT_SET_SIZE, ..FILE };
    assert_eq!(program.open(ROOT, "file", set_size), Err(DENIED));
    let write = How { base: Rights::FD_WRITE, ..FILE };
    let fd = program.open(ROOT, "file", write).unwrap();
    assert_eq!(program.call("fd_filestat_set_size", &[fd.into(), 0]), Err(DENIED));
    // Not by way of another descriptor of the same directory either.
    let again = How { base: Rights::DIRECTORY, inheriting: Rights::NONE, ..DIRECTORY };
    let again = program.open(ROOT, ".", again).unwrap();
    assert_eq!(program.open(again, "file", set_size), Err(DENIED));
    assert_eq!(std::fs::read(scratch.path("file")).unwrap(), b"contents");
}

#[test]
fn rights_shrink_and_never_grow() {
    let scratch = Scratch::new();
    let mut program = Program::at(&scratch);
    let fd = program.create("file");
    let mut set = |base: Rights, inheriting: Rights| {
        program.call("fd_fdstat_set_rights", &[fd.into(), base.bits(), inheriting.bits()])
    };
    assert_eq!(set(Rights::ALL, Rights::NONE), Err(DENIED));
    assert_eq!(set(Rights::FILE, Rights::FD_READ), Err(DENIED));
    let seek = Rights::FD_SEEK | Rights::FD_READ;
    assert_eq!(set(seek, Rights::NONE), Ok(()));
    assert_eq!(set(Rights::FILE, Rights::NONE), Err(DENIED));
    assert_eq!(set(Rights::FD_SEEK, Rights::NONE), Ok(()));
    assert_eq!(set(seek, Rights::NONE), Err(DENIED));
    assert_eq!(program.read(fd, 1), Err(DENIED));
    assert_eq!(program.seek(fd, 0, 0), Ok(0));
}

#[test]
fn what_is_opened_has_no_more_than_its_directory_passes_on() {
    let scratch = Scratch::new();
    scratch.file("file", "").directory("sub").file("sub/file", "");
    let inheriting = Rights::READ_ONLY;
    let mut program = restricted(&scratch, Rights::ALL, inheriting);
    assert_eq!(program.open(ROOT, "file", FILE), Err(DENIED));
    assert_eq!(program.open(ROOT, "file", How { inheriting: Rights::ALL, ..READ }), Err(DENIED));
    assert!(program.open(ROOT, "file", READ).is_ok());
    let sub = How { base: inheriting, inheriting, ..DIRECTORY };
    let sub = program.open(ROOT, "sub", sub).unwrap();
    assert_eq!(program.open(sub, "file", FILE), Err(DENIED));
    assert!(program.open(sub, "file", READ).is_ok());
    let nothing = How { inheriting: Rights::NONE, base: inheriting, ..DIRECTORY };
    let nothing = program.open(ROOT, "sub", nothing).unwrap();
    assert_eq!(program.open(nothing, "file", READ), Err(DENIED));
    assert!(program.open(nothing, "file", How { base: Rights::NONE, ..READ }).is_ok());
}

/// 3 is read-only, 4 has all rights; both are in the same file system.
fn two_directories(scratch: &Scratch, read_only: Preopen) -> Program {
    scratch.directory("ro").directory("rw").file("ro/file", "precious").file("rw/other", "");
    let builder = WasiContext::builder().preopen(read_only);
    Program::new(builder.preopen(Preopen::new(scratch.path("rw"), "/rw")))
}

#[test]
fn a_read_only_directory_stays_as_it_is() {
    let scratch = Scratch::new();
    scratch.directory("ro");
    let mut program =
        two_directories(&scratch, Preopen::new(scratch.path("ro"), "/ro").read_only());
    let fd = program.open(3, "file", READ).unwrap();
    assert_eq!(program.read(fd, 99).unwrap(), b"precious");
    assert_eq!(program.write(fd, b"x"), Err(DENIED));
    assert_eq!(program.call("fd_filestat_set_size", &[fd.into(), 0]), Err(DENIED));
    for oflags in [CREAT, TRUNC, CREAT | TRUNC] {
        assert_eq!(program.open(3, "file", How { oflags, ..READ }), Err(DENIED));
    }
    assert_eq!(program.open(3, "file", FILE), Err(DENIED));
    // Names elsewhere, from which the file could be written, are not given.
    assert_eq!(program.link((3, "file"), (4, "alias")), Err(DENIED));
    assert_eq!(program.rename((3, "file"), (4, "alias")), Err(DENIED));
    assert_eq!(program.rename((4, "other"), (3, "file")), Err(DENIED));
    assert_eq!(program.link((4, "other"), (3, "new")), Err(DENIED));
    assert_eq!(program.on_path("path_unlink_file", "file"), Err(DENIED));
    assert_eq!(std::fs::read(scratch.path("ro/file")).unwrap(), b"precious");
}

#[test]
fn a_name_elsewhere_is_not_worth_more() {
    let scratch = Scratch::new();
    scratch.directory("ro");
    // It may name files anew, but nothing opened through it can be written.
    let weak = Preopen::new(scratch.path("ro"), "/ro").rights(Rights::ALL, Rights::READ_ONLY);
    let mut program = two_directories(&scratch, weak);
    assert_eq!(program.link((3, "file"), (4, "alias")), Err(DENIED));
    assert_eq!(program.rename((3, "file"), (4, "alias")), Err(DENIED));
    assert_eq!(program.link((3, "file"), (3, "alias")), Ok(()));
    assert_eq!(program.rename((4, "other"), (3, "other")), Ok(()));
    assert_eq!(program.link((4, "other"), (4, "other")), Err(Errno::Noent));
}

#[test]
fn files_move_between_directories_with_equal_rights() {
    let scratch = Scratch::new();
    scratch.directory("ro");
    let mut program = two_directories(&scratch, Preopen::new(scratch.path("ro"), "/a"));
    program.rename((3, "file"), (4, "moved")).unwrap();
    program.link((4, "moved"), (3, "back")).unwrap();
    assert_eq!(std::fs::read(scratch.path("ro/back")).unwrap(), b"precious");
}
