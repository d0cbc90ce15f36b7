//! `path_open`: every flag, in both ways of resolving paths.

use super::{BOTH, CREAT, DIRECTORY, EXCL, FILE, How, Program, READ, ROOT, Scratch, TRUNC};
use crate::{Errno, Rights};

fn how(oflags: u64) -> How {
    How { oflags, ..FILE }
}

#[test]
fn creating_and_truncating() {
    for resolution in BOTH {
        let scratch = Scratch::new();
        scratch.file("file", "contents").directory("directory").link("dangling", "created");
        scratch.link("link", "file");
        let mut program = Program::resolving(&scratch, resolution);
        let cases = [
            ("missing", 0, Some(Errno::Noent)),
            ("file", CREAT, None),
            ("file", CREAT | EXCL, Some(Errno::Exist)),
            ("link", CREAT | EXCL, Some(Errno::Exist)),
            ("dangling", CREAT | EXCL, Some(Errno::Exist)),
            ("new", CREAT | EXCL, None),
            ("new/", CREAT, Some(Errno::Isdir)),
            ("newer/", CREAT, Some(Errno::Isdir)),
            ("directory", CREAT, Some(Errno::Isdir)),
            ("directory/.", CREAT, Some(Errno::Isdir)),
            ("directory/..", CREAT, Some(Errno::Isdir)),
            ("file/", 0, Some(Errno::Notdir)),
            ("file/x", CREAT, Some(Errno::Notdir)),
            ("missing/x", CREAT, Some(Errno::Noent)),
            ("directory", 0, Some(Errno::Isdir)),
            ("file", 2, Some(Errno::Notdir)),
            ("file", 2 | CREAT, Some(Errno::Inval)),
            ("file", 16, Some(Errno::Inval)),
            ("", CREAT, Some(Errno::Noent)),
            ("dangling", CREAT, None),
            ("link", TRUNC, None),
        ];
        for (path, oflags, expected) in cases {
            let result = program.open(ROOT, path, how(oflags));
            assert_eq!(result.err(), expected, "{resolution:?} {path} {oflags}");
        }
        assert!(scratch.path("created").exists());
        assert_eq!(std::fs::read(scratch.path("file")).unwrap(), b"");
    }
}

#[test]
fn links_are_followed_when_asked() {
    for resolution in BOTH {
        let scratch = Scratch::new();
        scratch.file("file", "x").directory("directory").link("link", "file");
        scratch.link("to-directory", "directory").link("dangling", "nowhere");
        let mut program = Program::resolving(&scratch, resolution);
        let keep = How { lookup: 0, ..READ };
        let keep_directory = How { lookup: 0, ..DIRECTORY };
        assert_eq!(program.open(ROOT, "link", keep), Err(Errno::Loop));
        assert_eq!(program.open(ROOT, "dangling", keep), Err(Errno::Loop));
        assert_eq!(program.open(ROOT, "to-directory", keep_directory), Err(Errno::Notdir));
        assert!(program.open(ROOT, "to-directory/", keep_directory).is_ok());
        assert!(program.open(ROOT, "to-directory/../file", keep).is_ok());
        assert!(program.open(ROOT, "link", READ).is_ok());
        assert!(program.open(ROOT, "to-directory", DIRECTORY).is_ok());
        assert_eq!(program.open(ROOT, "link", DIRECTORY), Err(Errno::Notdir));
        assert_eq!(program.open(ROOT, "dangling", READ), Err(Errno::Noent));
        assert_eq!(program.open(ROOT, "link/", READ), Err(Errno::Notdir));
    }
}

#[test]
fn rights_say_how_a_file_is_opened() {
    let scratch = Scratch::new();
    scratch.file("file", "old");
    let mut program = Program::at(&scratch);
    let reader = program.open(ROOT, "file", READ).unwrap();
    assert_eq!(program.write(reader, b"x"), Err(Errno::Notcapable));
    assert_eq!(program.fdstat(reader).unwrap().base, Rights::FD_READ);
    let writer = program.open(ROOT, "file", How { base: Rights::FD_WRITE, ..FILE }).unwrap();
    assert_eq!(program.read(writer, 1), Err(Errno::Notcapable));
    assert_eq!(program.write(writer, b"new"), Ok(3));
    assert_eq!(program.read(reader, 9).unwrap(), b"new");
    let nothing = program.open(ROOT, "file", How { base: Rights::NONE, ..FILE }).unwrap();
    assert_eq!(program.read(nothing, 1), Err(Errno::Notcapable));
    assert_eq!(program.fdstat(nothing).unwrap().filetype, 4);
    // Rights that make no sense for a file are not there; nor does it pass any on.
    let all = program.open(ROOT, "file", How { base: Rights::ALL, ..DIRECTORY_LESS }).unwrap();
    let stat = program.fdstat(all).unwrap();
    assert_eq!((stat.base, stat.inheriting), (Rights::FILE, Rights::NONE));
}

/// All rights to pass on, but not only to directories.
const DIRECTORY_LESS: How = How { oflags: 0, ..DIRECTORY };

#[test]
fn directories_are_opened_without_writing() {
    let scratch = Scratch::new();
    scratch.directory("directory");
    let mut program = Program::at(&scratch);
    let write = How { base: Rights::FD_READ | Rights::FD_WRITE, ..DIRECTORY };
    assert_eq!(program.open(ROOT, "directory", write), Err(Errno::Isdir));
    let seek = How { base: Rights::FD_SEEK | Rights::FD_READ, ..DIRECTORY };
    let fd = program.open(ROOT, "directory", seek).unwrap();
    assert_eq!(program.fdstat(fd).unwrap().base, Rights::NONE);
    let same = program.open(ROOT, ".", DIRECTORY_LESS).unwrap();
    let stat = program.fdstat(same).unwrap();
    assert_eq!((stat.base, stat.inheriting), (Rights::DIRECTORY, Rights::ALL));
    let nonblocking = How { fdflags: 4, ..DIRECTORY };
    assert!(program.open(ROOT, ".", nonblocking).is_ok());
    assert_eq!(program.open(ROOT, ".", How { fdflags: 32, ..DIRECTORY }), Err(Errno::Inval));
    assert_eq!(program.open(ROOT, ".", How { lookup: 2, ..DIRECTORY }), Err(Errno::Inval));
}

#[test]
fn files_are_no_place_to_start_from() {
    let scratch = Scratch::new();
    let mut program = Program::at(&scratch);
    let file = program.create("file");
    assert_eq!(program.open(file, "x", how(CREAT)), Err(Errno::Notdir));
    assert_eq!(program.open(0, "x", READ), Err(Errno::Notdir));
    assert_eq!(program.open(99, "x", READ), Err(Errno::Badf));
}
