//! Paths that try to leave their directory, in both ways of resolving them.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{BOTH, CREAT, DIRECTORY, FILE, How, Program, READ, Scratch};
use crate::{Errno, PathResolution, Preopen, WasiContext};

/// ```text
///   secret               outside
///   inside/              the program's directory
///     file  dir/sub/file
///     up -> ..           to-secret -> ../secret       absolute -> /etc
///     dir/up -> ..       dir/up-up -> ../..           back -> ../inside/file
///     loop -> loop       a -> b -> a                  self -> .
/// ```
fn tree() -> Scratch {
    let scratch = Scratch::new();
    scratch.directory("inside/dir/sub").directory("other").file("secret", "secret");
    scratch.file("inside/file", "inside").file("inside/dir/sub/file", "deep");
    scratch.link("inside/up", "..").link("inside/to-secret", "../secret");
    scratch.link("inside/absolute", "/etc").link("inside/dir/up", "..");
    scratch.link("inside/dir/up-up", "../..").link("inside/back", "../inside/file");
    scratch.link("inside/loop", "loop").link("inside/a", "b").link("inside/b", "a");
    scratch.link("inside/self", ".").link("inside/fine", "dir/./sub/../up/file");
    scratch.link("inside/absolute-inside", scratch.path("inside/file"));
    scratch.link("inside/slash", "dir/").link("inside/file-slash", "file/");
    scratch
}

fn program(scratch: &Scratch, resolution: PathResolution) -> Program {
    let builder = WasiContext::builder().path_resolution(resolution);
    let builder = builder.preopen(Preopen::new(scratch.path("inside"), "/"));
    Program::new(builder.preopen(Preopen::new(scratch.path("other"), "/other")))
}

/// What opening each path for reading says, with links followed.
const CASES: &[(&str, Option<Errno>)] = &[
    ("file", None),
    ("./file", None),
    (".//dir/../file", None),
    ("dir/.//sub/../../dir/sub/../sub///./file", None),
    ("fine", None),
    ("self/self/self/file", None),
    ("dir/up/file", None),
    ("dir/up/dir/up/dir/sub/file", None),
    ("slash/sub/file", None),
    ("..", Some(Errno::Perm)),
    ("../", Some(Errno::Perm)),
    ("../inside/file", Some(Errno::Perm)),
    ("./..", Some(Errno::Perm)),
    ("dir/../..", Some(Errno::Perm)),
    ("dir/../../inside/file", Some(Errno::Perm)),
    ("dir/sub/../../../secret", Some(Errno::Perm)),
    ("/", Some(Errno::Perm)),
    ("/etc/passwd", Some(Errno::Perm)),
    ("//etc", Some(Errno::Perm)),
    ("up", Some(Errno::Perm)),
    ("up/secret", Some(Errno::Perm)),
    ("up/inside/file", Some(Errno::Perm)),
    ("to-secret", Some(Errno::Perm)),
    ("absolute", Some(Errno::Perm)),
    ("absolute/passwd", Some(Errno::Perm)),
    ("absolute-inside", Some(Errno::Perm)),
    ("back", Some(Errno::Perm)),
    ("dir/up-up", Some(Errno::Perm)),
    ("dir/up-up/secret", Some(Errno::Perm)),
    ("dir/up/..", Some(Errno::Perm)),
    ("self/..", Some(Errno::Perm)),
    ("loop", Some(Errno::Loop)),
    ("loop/x", Some(Errno::Loop)),
    ("a", Some(Errno::Loop)),
    ("b/", Some(Errno::Loop)),
    ("missing", Some(Errno::Noent)),
    ("missing/..", Some(Errno::Noent)),
    ("missing/../../secret", Some(Errno::Noent)),
    ("file/..", Some(Errno::Notdir)),
    ("file/.", Some(Errno::Notdir)),
    ("file/", Some(Errno::Notdir)),
    ("file///", Some(Errno::Notdir)),
    ("file-slash", Some(Errno::Notdir)),
    ("file/../../secret", Some(Errno::Notdir)),
    ("", Some(Errno::Noent)),
    ("file\0", Some(Errno::Inval)),
    ("\0", Some(Errno::Inval)),
    ("dir/\0/../..", Some(Errno::Inval)),
];

#[test]
fn no_path_leaves_its_directory() {
    let scratch = tree();
    for resolution in BOTH {
        let mut program = program(&scratch, resolution);
        for &(path, expected) in CASES {
            let result = program.open(3, path, READ).map(|fd| program.close(fd));
            assert_eq!(result.err(), expected, "{resolution:?} {path:?}");
            let facts = program.path_filestat(path, 1);
            assert_eq!(facts.err(), expected, "{resolution:?} facts of {path:?}");
        }
    }
}

#[test]
fn nothing_is_created_or_changed_outside() {
    let scratch = tree();
    for resolution in BOTH {
        let mut program = program(&scratch, resolution);
        let outside = ["../new", "up/new", "dir/up-up/new", "absolute/new", "self/../new", "/new"];
        for path in outside {
            let perm = Err(Errno::Perm);
            let create = How { oflags: CREAT, ..FILE };
            assert_eq!(program.open(3, path, create), Err(Errno::Perm), "{path}");
            assert_eq!(program.on_path("path_create_directory", path), perm, "{path}");
            assert_eq!(program.on_path("path_remove_directory", path), perm, "{path}");
            assert_eq!(program.on_path("path_unlink_file", path), perm, "{path}");
            assert_eq!(program.symlink("file", path), perm, "{path}");
            assert_eq!(program.readlink(path, 10), Err(Errno::Perm), "{path}");
            assert_eq!(program.link((3, "file"), (3, path)), perm, "{path}");
            assert_eq!(program.link((3, path), (3, "new")), perm, "{path}");
            assert_eq!(program.rename((3, "file"), (3, path)), perm, "{path}");
            assert_eq!(program.rename((3, path), (3, "new")), perm, "{path}");
            assert_eq!(program.rename((3, path), (4, "new")), perm, "{path}");
            assert_eq!(program.rename((4, "x"), (3, path)), perm, "{path}");
        }
        // What a link leads to outside is not touched either, by calls that act on names.
        assert_eq!(program.on_path("path_unlink_file", "to-secret/"), Err(Errno::Notdir));
        assert_eq!(program.on_path("path_remove_directory", "up/"), Err(Errno::Notdir));
        assert_eq!(program.link((3, "up/"), (3, "new")), Err(Errno::Perm));
    }
    assert_eq!(std::fs::read(scratch.path("secret")).unwrap(), b"secret");
    assert_eq!(std::fs::read_dir(scratch.path("")).unwrap().count(), 3);
}

#[test]
fn links_to_the_outside_can_be_made_moved_and_read_but_not_followed() {
    for resolution in BOTH {
        let scratch = tree();
        let mut program = program(&scratch, resolution);
        program.symlink("../secret", "mine").unwrap();
        assert_eq!(program.open(3, "mine", READ), Err(Errno::Perm));
        // It leads somewhere else now, and outside still.
        program.rename((3, "mine"), (3, "dir/mine")).unwrap();
        assert_eq!(program.open(3, "dir/mine", READ), Err(Errno::Noent));
        program.rename((3, "dir/mine"), (4, "mine")).unwrap();
        assert_eq!(program.open(4, "mine", READ), Err(Errno::Perm));
        // A directory that is moved away takes its `..` with it, but not out.
        let dir = program.open(3, "dir/sub", DIRECTORY).unwrap();
        program.rename((3, "dir/sub"), (4, "sub")).unwrap();
        assert_eq!(program.open(dir, "../../../secret", READ), Err(Errno::Perm));
        assert_eq!(program.open(dir, "..", DIRECTORY), Err(Errno::Perm));
        assert!(program.open(dir, "file", READ).is_ok());
    }
}

#[test]
fn a_directory_opened_below_is_a_border_too() {
    let scratch = tree();
    for resolution in BOTH {
        let mut program = program(&scratch, resolution);
        let sub = program.open(3, "dir", DIRECTORY).unwrap();
        assert!(program.open(sub, "sub/file", READ).is_ok());
        assert_eq!(program.open(sub, "../file", READ), Err(Errno::Perm));
        assert_eq!(program.open(sub, "up/file", READ), Err(Errno::Perm));
    }
}

#[test]
fn forty_links_are_followed_and_no_more() {
    for resolution in BOTH {
        let scratch = Scratch::new();
        scratch.directory("inside").directory("other").file("inside/0", "end");
        for number in 1..=41 {
            scratch.link(&format!("inside/{number}"), format!("{}", number - 1));
        }
        let mut program = program(&scratch, resolution);
        assert!(program.open(3, "40", READ).is_ok());
        assert_eq!(program.open(3, "41", READ), Err(Errno::Loop));
        assert!(program.path_filestat("41", 0).is_ok());
    }
}

#[test]
fn long_paths_are_refused_not_cut() {
    let scratch = tree();
    for resolution in BOTH {
        let mut program = program(&scratch, resolution);
        let name = "n".repeat(256);
        assert_eq!(program.open(3, &name, READ), Err(Errno::Nametoolong));
        let fits = format!("{}file", "./".repeat(2045));
        assert!(program.open(3, &fits, READ).is_ok());
        let long = format!("{}file", "./".repeat(2046));
        assert_eq!(program.open(3, &long, READ), Err(Errno::Nametoolong));
        assert_eq!(program.symlink(&long, "new"), Err(Errno::Nametoolong));
    }
}

#[test]
fn somebody_who_swaps_directories_and_links_gains_nothing() {
    let scratch = tree();
    scratch.directory("inside/swap").file("inside/swap/secret", "mine");
    scratch.link("trap", "..");
    let stop = AtomicBool::new(false);
    let (swap, trap, spare) =
        (scratch.path("inside/swap"), scratch.path("trap"), scratch.path("spare"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                std::fs::rename(&swap, &spare).unwrap();
                std::fs::rename(&trap, &swap).unwrap();
                std::fs::rename(&swap, &trap).unwrap();
                std::fs::rename(&spare, &swap).unwrap();
            }
        });
        let _stop_in_any_case = Stop(&stop);
        for resolution in BOTH {
            let mut program = program(&scratch, resolution);
            for round in 0..2000 {
                let path = if round % 2 == 0 { "swap/secret" } else { "swap/../swap/./secret" };
                if let Ok(fd) = program.open(3, path, READ) {
                    assert_eq!(program.read(fd, 9).unwrap(), b"mine");
                    program.close(fd);
                }
                let created = program.on_path("path_create_directory", "swap/made");
                if created.is_ok() {
                    let _ = program.on_path("path_remove_directory", "swap/made");
                }
            }
        }
    });
    assert!(!scratch.path("made").exists());
}

/// Ends the other thread when dropped, after a failure too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
