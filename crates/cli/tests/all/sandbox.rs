//! Programs that try to leave the directory they were given.

use crate::support::{Scratch, program};

const PERM: i32 = 63;
const NOENT: i32 = 44;
const LOOP: i32 = 32;
const BADF: i32 = 8;

/// ```text
///   secret        what nobody may reach
///   given/        --dir
///     file
///     folder/
///     up          -> ..
///     outside     -> ../secret
///     absolute    -> (directory)/secret
///     inside      -> folder/../file
///     circle      -> circle
/// ```
fn scratch() -> Scratch {
    let scratch = Scratch::with("secret", "secret")
        .directory("given/folder")
        .file("given/file", "file")
        .link("given/up", "..")
        .link("given/outside", "../secret")
        .link("given/inside", "folder/../file")
        .link("given/circle", "circle");
    let secret = scratch.path("secret");
    scratch.link("given/absolute", secret)
}

/// Opens a path, following links or not, and ends with the error number.
fn open(path: &str, flags: &str) -> String {
    let length = path.len();
    program(
        path,
        &format!(
            "(call $open (i32.const 3) {flags} (i32.const 0) (i32.const {length})
               (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 1000))"
        ),
    )
}

const FOLLOW: &str = "(i32.const 1)";
const NO_FOLLOW: &str = "(i32.const 0)";

#[test]
fn paths_stay_below_the_directory() {
    let scratch = scratch();
    let rows = [
        ("file", 0),
        ("./folder/../file", 0),
        ("inside", 0),
        ("..", PERM),
        ("../secret", PERM),
        ("folder/../../secret", PERM),
        ("./../given/file", PERM),
        ("/etc/passwd", PERM),
        ("/", PERM),
        ("up/secret", PERM),
        ("up", PERM),
        ("outside", PERM),
        ("absolute", PERM),
        ("circle", LOOP),
        ("none", NOENT),
    ];
    for (path, code) in rows {
        std::fs::write(scratch.path("open.wat"), open(path, FOLLOW)).unwrap();
        let ended = scratch.run("--dir given open.wat");
        assert_eq!(ended.code, Some(code), "{path}: {ended:?}");
    }
}

#[test]
fn a_link_as_the_last_part_is_not_opened_without_being_asked() {
    let scratch = scratch();
    for path in ["outside", "inside", "up"] {
        std::fs::write(scratch.path("open.wat"), open(path, NO_FOLLOW)).unwrap();
        let ended = scratch.run("--dir given open.wat");
        assert_eq!(ended.code, Some(LOOP), "{path}: {ended:?}");
    }
}

#[test]
fn no_directory_is_given_unless_it_is_named() {
    let scratch = scratch().file("open.wat", open("file", FOLLOW));
    scratch.run("open.wat").with(BADF, "");
    scratch.run("--dir given open.wat").with(0, "");
    scratch.run("--dir given::/other open.wat").with(0, "");
}
