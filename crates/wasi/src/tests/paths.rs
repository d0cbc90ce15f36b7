//! Calls that act on names, in both ways of resolving them.

use super::{BOTH, FILE, FOLLOW, Program, RESULT, ROOT, Scratch};
use crate::Errno;

#[test]
fn directories_are_created_and_removed() {
    for resolution in BOTH {
        let scratch = Scratch::new();
        scratch.file("file", "").link("link", "made").link("dangling", "nowhere");
        let mut program = Program::resolving(&scratch, resolution);
        let cases = [
            ("path_create_directory", "made", Ok(())),
            ("path_create_directory", "made", Err(Errno::Exist)),
            ("path_create_directory", "made/", Err(Errno::Exist)),
            ("path_create_directory", "made/deep//", Ok(())),
            ("path_create_directory", "link/deeper", Ok(())),
            ("path_create_directory", "missing/x", Err(Errno::Noent)),
            ("path_create_directory", "file", Err(Errno::Exist)),
            ("path_create_directory", "file/x", Err(Errno::Notdir)),
            ("path_create_directory", "dangling", Err(Errno::Exist)),
            ("path_create_directory", ".", Err(Errno::Exist)),
            ("path_create_directory", "made/..", Err(Errno::Exist)),
            ("path_create_directory", "missing/..", Err(Errno::Noent)),
            ("path_create_directory", "..", Err(Errno::Perm)),
            ("path_create_directory", "../made", Err(Errno::Perm)),
            ("path_create_directory", "", Err(Errno::Noent)),
            ("path_remove_directory", "made", Err(Errno::Notempty)),
            ("path_remove_directory", "link", Err(Errno::Notdir)),
            ("path_remove_directory", "link/", Err(Errno::Notdir)),
            ("path_remove_directory", "file", Err(Errno::Notdir)),
            ("path_remove_directory", "file/", Err(Errno::Notdir)),
            ("path_remove_directory", "made/.", Err(Errno::Inval)),
            ("path_remove_directory", "made/..", Err(Errno::Inval)),
            ("path_remove_directory", ".", Err(Errno::Inval)),
            ("path_remove_directory", "..", Err(Errno::Perm)),
            ("path_remove_directory", "missing", Err(Errno::Noent)),
            ("path_remove_directory", "made/deep/", Ok(())),
            ("path_remove_directory", "link/deeper", Ok(())),
            ("path_remove_directory", "made", Ok(())),
        ];
        for (function, path, expected) in cases {
            assert_eq!(program.on_path(function, path), expected, "{resolution:?} {path}");
        }
    }
}

#[test]
fn files_are_unlinked() {
    for resolution in BOTH {
        let scratch = Scratch::new();
        scratch.directory("directory").file("directory/file", "").file("file", "");
        scratch.link("link", "file").link("to-directory", "directory");
        let mut program = Program::resolving(&scratch, resolution);
        let cases = [
            ("directory", Err(Errno::Isdir)),
            ("directory/", Err(Errno::Isdir)),
            ("directory/.", Err(Errno::Isdir)),
            ("directory/..", Err(Errno::Isdir)),
            ("..", Err(Errno::Perm)),
            ("file/", Err(Errno::Notdir)),
            ("link/", Err(Errno::Notdir)),
            ("to-directory/", Err(Errno::Notdir)),
            ("missing", Err(Errno::Noent)),
            ("link", Ok(())),
            ("to-directory/file", Ok(())),
            ("to-directory", Ok(())),
            ("./directory/../file", Ok(())),
            ("file", Err(Errno::Noent)),
        ];
        for (path, expected) in cases {
            assert_eq!(program.on_path("path_unlink_file", path), expected, "{path}");
        }
        assert!(scratch.path("directory").exists());
    }
}

#[test]
fn renaming_replaces_what_it_may() {
    for resolution in BOTH {
        let scratch = Scratch::new();
        scratch.directory("a").directory("b").directory("full/x").file("file", "1");
        scratch.file("other", "2").link("link", "a");
        let mut program = Program::resolving(&scratch, resolution);
        let cases = [
            ("a", "b", Ok(())),
            ("b/", "a", Ok(())),
            ("a", "b/", Ok(())),
            ("b", "full", Err(Errno::Notempty)),
            ("b", "file", Err(Errno::Notdir)),
            ("file", "b", Err(Errno::Isdir)),
            ("file/", "new", Err(Errno::Notdir)),
            ("file", "new/", Err(Errno::Notdir)),
            ("missing", "new", Err(Errno::Noent)),
            ("file", "missing/new", Err(Errno::Noent)),
            ("full", "full/x/y", Err(Errno::Inval)),
            (".", "new", Err(Errno::Busy)),
            ("b/..", "new", Err(Errno::Busy)),
            ("file", "b/.", Err(Errno::Busy)),
            ("..", "new", Err(Errno::Perm)),
            ("file", "../new", Err(Errno::Perm)),
            ("file", "/new", Err(Errno::Perm)),
            ("file", "other", Ok(())),
            ("other", "other", Ok(())),
            ("other", "b/moved", Ok(())),
        ];
        for (old, new, expected) in cases {
            let result = program.rename((ROOT, old), (ROOT, new));
            assert_eq!(result, expected, "{resolution:?} {old} {new}");
        }
        assert_eq!(std::fs::read(scratch.path("b/moved")).unwrap(), b"1");
        // A link is renamed itself.
        program.rename((ROOT, "link"), (ROOT, "renamed")).unwrap();
        assert_eq!(program.readlink("renamed", 9).unwrap(), b"a");
    }
}

#[test]
fn files_get_further_names() {
    for resolution in BOTH {
        let scratch = Scratch::new();
        scratch.file("file", "").directory("directory").link("dangling", "nowhere");
        scratch.link("loop", "loop").link("to-directory", "directory").link("out", "/etc");
        let mut program = Program::resolving(&scratch, resolution);
        let cases = [
            ("file", "name", Ok(())),
            ("file", "name", Err(Errno::Exist)),
            ("file", "file", Err(Errno::Exist)),
            ("file", "directory", Err(Errno::Exist)),
            ("file", "dangling", Err(Errno::Exist)),
            ("file", "new/", Err(Errno::Noent)),
            ("file", ".", Err(Errno::Exist)),
            ("file", "..", Err(Errno::Perm)),
            ("file", "missing/x", Err(Errno::Noent)),
            ("file/", "new", Err(Errno::Notdir)),
            ("directory", "new", Err(Errno::Perm)),
            ("directory/", "new", Err(Errno::Perm)),
            ("to-directory/", "new", Err(Errno::Perm)),
            (".", "new", Err(Errno::Perm)),
            ("out/", "new", Err(Errno::Perm)),
            ("out/passwd", "new", Err(Errno::Perm)),
            ("missing", "new", Err(Errno::Noent)),
            ("dangling", "of-dangling", Ok(())),
            ("loop", "of-loop", Ok(())),
        ];
        for (old, new, expected) in cases {
            let result = program.link((ROOT, old), (ROOT, new));
            assert_eq!(result, expected, "{resolution:?} {old} {new}");
        }
        assert_eq!(program.path_filestat("name", 0), program.path_filestat("file", 0));
        let ([old, old_length], [new, new_length]) = (program.put(b"file"), program.put(b"new"));
        let root = u64::from(ROOT);
        let follow = [root, FOLLOW, old, old_length, root, new, new_length];
        assert_eq!(program.call("path_link", &follow), Err(Errno::Inval));
    }
}

#[test]
fn links_are_made_and_read() {
    for resolution in BOTH {
        let scratch = Scratch::new();
        scratch.directory("directory").file("file", "");
        let mut program = Program::resolving(&scratch, resolution);
        let cases = [
            ("file", "link", Ok(())),
            ("file", "link", Err(Errno::Exist)),
            ("file", "directory", Err(Errno::Exist)),
            ("file", "directory/", Err(Errno::Exist)),
            ("file", "new/", Err(Errno::Noent)),
            ("file", ".", Err(Errno::Exist)),
            ("file", "../new", Err(Errno::Perm)),
            ("/etc/passwd", "new", Err(Errno::Perm)),
            ("", "new", Err(Errno::Noent)),
            ("a\0b", "new", Err(Errno::Inval)),
            ("../../outside", "escape", Ok(())),
            ("directory", "directory/../to-directory", Ok(())),
        ];
        for (target, path, expected) in cases {
            assert_eq!(program.symlink(target, path), expected, "{resolution:?} {target} {path}");
        }
        assert_eq!(program.readlink("link", 10).unwrap(), b"file");
        assert_eq!(program.readlink("link", 3).unwrap(), b"fil");
        assert_eq!(program.readlink("link", 0).unwrap(), b"");
        assert_eq!(program.readlink("escape", 20).unwrap(), b"../../outside");
        assert_eq!(program.readlink("file", 10), Err(Errno::Inval));
        assert_eq!(program.readlink("directory/", 10), Err(Errno::Inval));
        assert_eq!(program.readlink("to-directory/", 10), Err(Errno::Inval));
        assert_eq!(program.readlink("link/", 10), Err(Errno::Notdir));
        assert_eq!(program.readlink("escape/", 10), Err(Errno::Perm));
        assert_eq!(program.readlink("missing", 10), Err(Errno::Noent));
    }
}

#[test]
fn facts_are_those_of_the_link_or_what_it_leads_to() {
    for resolution in BOTH {
        let scratch = Scratch::new();
        scratch.file("file", "12345").directory("directory").link("link", "file");
        scratch.link("to-directory", "directory").link("dangling", "nowhere");
        let mut program = Program::resolving(&scratch, resolution);
        let mut facts = |path: &str, lookup| {
            program.path_filestat(path, lookup).map(|(filetype, size, _)| (filetype, size))
        };
        assert_eq!(facts("file", 0), Ok((4, 5)));
        assert_eq!(facts("link", 0), Ok((7, 4)));
        assert_eq!(facts("link", FOLLOW), Ok((4, 5)));
        assert_eq!(facts("to-directory", 0).unwrap().0, 7);
        assert_eq!(facts("to-directory/", 0).unwrap().0, 3);
        assert_eq!(facts("directory/..", 0).unwrap().0, 3);
        assert_eq!(facts("dangling", 0).unwrap().0, 7);
        assert_eq!(facts("dangling", FOLLOW), Err(Errno::Noent));
        assert_eq!(facts("file/", 0), Err(Errno::Notdir));
        assert_eq!(facts("file", 2), Err(Errno::Inval));
        assert_eq!(facts("..", 0), Err(Errno::Perm));
    }
}

#[test]
fn times_are_set_by_path() {
    for resolution in BOTH {
        let scratch = Scratch::new();
        scratch.file("file", "").link("link", "file").link("out", "/etc").directory("directory");
        scratch.link("to-directory", "directory");
        let mut program = Program::resolving(&scratch, resolution);
        let mut set = |path: &str, lookup, time, flags| {
            let [path, length] = program.put(path.as_bytes());
            let arguments = [ROOT.into(), lookup, path, length, time, time, flags];
            program.call("path_filestat_set_times", &arguments)
        };
        assert_eq!(set("file", 0, 1_000, 5), Ok(()));
        assert_eq!(set("link", 0, 2_000, 5), Ok(()));
        assert_eq!(set("to-directory/", 0, 4_000, 5), Ok(()));
        assert_eq!(set("link/", 0, 0, 5), Err(Errno::Notdir));
        assert_eq!(set("out", FOLLOW, 0, 5), Err(Errno::Perm));
        assert_eq!(set("out/", 0, 0, 5), Err(Errno::Perm));
        assert_eq!(set("file", 0, 0, 3), Err(Errno::Inval));
        assert_eq!(set("missing", 0, 0, 5), Err(Errno::Noent));
        let mut modified = |path| {
            program.path_filestat(path, 0).unwrap();
            program.u64(64 + 48)
        };
        assert_eq!((modified("file"), modified("link")), (1_000, 2_000));
        assert_eq!(modified("directory"), 4_000);
        let [path, length] = program.put(b"link");
        let arguments = [ROOT.into(), FOLLOW, path, length, 0, 3_000, 4];
        program.call("path_filestat_set_times", &arguments).unwrap();
        program.path_filestat("file", 0).unwrap();
        assert_eq!((program.u64(64 + 40), program.u64(64 + 48)), (1_000, 3_000));
    }
}

#[test]
fn names_need_not_be_text() {
    let scratch = Scratch::new();
    let mut program = Program::at(&scratch);
    let [path, length] = program.put(b"\xff\xfe");
    let rights = FILE.base.bits();
    let arguments = [ROOT.into(), 0, path, length, 1, rights, 0, 0, RESULT.into()];
    program.call("path_open", &arguments).unwrap();
    program.call("path_unlink_file", &[ROOT.into(), path, length]).unwrap();
}
