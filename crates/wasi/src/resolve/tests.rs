//! Both resolvers, compared with each other.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, fstat, open};

use super::{LastLink, Opening, RelativePath, kernel, walk};
use crate::{
    Errno,
    tests::{Scratch, host_handles},
};

/// The same tree each time it is called.
fn tree() -> Scratch {
    let scratch = Scratch::new();
    scratch.directory("in/a/b/c").file("secret", "").file("in/file", "").file("in/a/file", "");
    scratch.link("in/up", "..").link("in/a/up", "..").link("in/a/b/up", "../..");
    scratch.link("in/here", ".").link("in/etc", "/etc").link("in/loop", "loop");
    scratch.link("in/to-a", "a").link("in/to-a-slash", "a/").link("in/to-file", "file");
    scratch.link("in/file-slash", "file/").link("in/gone", "nowhere").link("in/a/out", "../../in");
    scratch.link("in/deep", "to-a/b/../b/c").link("in/a/b/far", "../../a/up/to-a");
    scratch.link("in/gone-slash", "nowhere/").link("in/a/new-there", "b/made");
    scratch
}

fn start(scratch: &Scratch) -> OwnedFd {
    open(scratch.path("in"), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap()
}

const COMPONENTS: &[&str] = &[
    "a",
    "b",
    "c",
    "file",
    "up",
    "here",
    "etc",
    "loop",
    "to-a",
    "to-a-slash",
    "to-file",
    "gone",
    "file-slash",
    "gone-slash",
    "out",
    "deep",
    "far",
    "new-there",
    "missing",
    ".",
    "..",
    "..",
    "",
];

const FLAGS: &[OFlags] = &[
    OFlags::PATH,
    OFlags::PATH.union(OFlags::DIRECTORY),
    OFlags::RDONLY,
    OFlags::RDONLY.union(OFlags::DIRECTORY),
    OFlags::RDWR,
    OFlags::WRONLY.union(OFlags::TRUNC),
    OFlags::RDWR.union(OFlags::CREATE),
    OFlags::RDWR.union(OFlags::CREATE).union(OFlags::EXCL),
];

/// What was opened, as a path from the tree: inodes differ from tree to tree.
fn found(scratch: &Scratch, result: Result<OwnedFd, Errno>) -> Result<String, Errno> {
    use std::os::fd::AsRawFd;
    let fd = result?;
    let path = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap();
    let below = path.strip_prefix(scratch.path("in")).expect("outside");
    Ok(format!("{} {:o}", below.display(), fstat(&fd).unwrap().st_mode))
}

#[test]
fn both_answer_the_same() {
    if !kernel::is_available() {
        return;
    }
    let (one, two) = (tree(), tree());
    let (start_one, start_two) = (start(&one), start(&two));
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let (mut good, mut escapes) = (0, 0);
    for _ in 0..40_000 {
        let parts: Vec<_> = (0..=random(5)).map(|_| COMPONENTS[random(COMPONENTS.len())]).collect();
        let Ok(path) = RelativePath::new(parts.join("/").as_bytes()) else { continue };
        let last_link = [LastLink::Follow, LastLink::Keep][random(2)];
        let flags = FLAGS[random(FLAGS.len())];
        let opening = Opening { last_link, flags, mode: Mode::from_raw_mode(0o600) };
        let by_kernel = found(&one, kernel::open(start_one.as_fd(), &path, opening));
        let by_walk = found(&two, walk::open(start_two.as_fd(), &path, opening));
        assert_eq!(by_kernel, by_walk, "{path:?} {opening:?}");
        good += usize::from(by_walk.is_ok());
        escapes += usize::from(by_walk == Err(Errno::Perm));
        for scratch in [&one, &two] {
            let _ = std::fs::remove_file(scratch.path("in/a/b/made"));
            let _ = std::fs::remove_file(scratch.path("in/nowhere"));
            let _ = std::fs::remove_file(scratch.path("in/missing"));
        }
    }
    assert!(good > 1000 && escapes > 1000, "{good} {escapes}");
}

#[test]
fn walking_holds_no_more_than_it_needs() {
    let scratch = tree();
    let start = start(&scratch);
    let before = host_handles(&scratch);
    let path = RelativePath::new(b"a/b/c/../../../a/up/deep").unwrap();
    let opened = walk::open(start.as_fd(), &path, Opening::directory()).unwrap();
    drop(opened);
    assert_eq!(host_handles(&scratch), before);
}
