//! Resolution component by component, for hosts without `openat2`.
//!
//! ```text
//!   start ─► stack[0] ─► stack[1]      directories passed on the way, all open
//!                            │
//!                            ▼
//!             pending:  .. / b / c     what is left, first component last
//! ```
//!
//! A name is opened relative to the top of the stack and never followed; a symbolic link is read
//! and its components put in front of what is left. `..` goes back to a directory that is open on
//! the stack, so it cannot be made to lead elsewhere by renaming, and it fails at the start.

use std::{
    ffi::{CStr, CString},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{FileType, Mode, OFlags, fstat, openat, readlinkat},
    io::Errno as HostErrno,
};

use super::{ALWAYS, LastLink, Opening, RelativePath};
use crate::Errno;

/// Most symbolic links on the way, as on Linux.
const MOST_LINKS: u32 = 40;

pub(super) fn open(
    start: BorrowedFd<'_>,
    path: &RelativePath,
    opening: Opening,
) -> Result<OwnedFd, Errno> {
    let mut walk = Walk { start, stack: Vec::new(), pending: Vec::new(), links: 0, opening };
    walk.push(path, Slash::No);
    walk.run()
}

struct Walk<'d> {
    start: BorrowedFd<'d>,
    stack: Vec<OwnedFd>,
    pending: Vec<Component>,
    links: u32,
    opening: Opening,
}

struct Component {
    name: CString,
    slash: Slash,
}

/// Does a slash follow? Then the component must be a directory, and a symbolic link is followed
/// even if it is the last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slash {
    No,
    Yes,
}

/// What became of a component.
enum Step {
    Passed,
    Arrived(OwnedFd),
}

impl Walk<'_> {
    fn run(mut self) -> Result<OwnedFd, Errno> {
        while let Some(component) = self.pending.pop() {
            if let Step::Arrived(fd) = self.step(&component)? {
                return Ok(fd);
            }
        }
        // The path ended in `.` or `..`: what is meant is the directory that we are in.
        self.open_here(c".", self.opening.flags).map_err(Errno::from)
    }

    /// Puts the components of `path`, with `slash` after it, in front of what is left.
    fn push(&mut self, path: &RelativePath, slash: Slash) {
        let mut slash = if path.ends_with_slash() { Slash::Yes } else { slash };
        for component in path.components().rev() {
            let name = CString::new(component).expect("part of a CString has no NUL");
            self.pending.push(Component { name, slash });
            slash = Slash::Yes;
        }
    }

    fn step(&mut self, component: &Component) -> Result<Step, Errno> {
        match component.name.as_bytes() {
            b"." => Ok(Step::Passed),
            b".." => self.leave(),
            _ if self.pending.is_empty() => self.arrive(component),
            _ => self.enter(component),
        }
    }

    fn leave(&mut self) -> Result<Step, Errno> {
        self.stack.pop().map(|_| Step::Passed).ok_or(Errno::Perm)
    }

    /// A directory on the way, or a link to one.
    fn enter(&mut self, component: &Component) -> Result<Step, Errno> {
        match self.open_here(&component.name, OFlags::PATH | OFlags::DIRECTORY) {
            Ok(fd) => {
                self.stack.push(fd);
                Ok(Step::Passed)
            }
            Err(error) => self.expand(component, error),
        }
    }

    /// The last component.
    fn arrive(&mut self, component: &Component) -> Result<Step, Errno> {
        let mut flags = self.opening.flags;
        if component.slash == Slash::Yes {
            if flags.contains(OFlags::CREATE) {
                return Err(Errno::Isdir);
            }
            flags |= OFlags::DIRECTORY;
        }
        let follow = component.slash == Slash::Yes || self.opening.last_link == LastLink::Follow;
        match self.open_here(&component.name, flags) {
            // Looking at a link works without following it.
            Ok(fd) if follow && flags.contains(OFlags::PATH) && is_link(&fd)? => {
                self.expand(component, HostErrno::LOOP)
            }
            Ok(fd) => Ok(Step::Arrived(fd)),
            Err(error) if follow => self.expand(component, error),
            Err(error) => Err(error.into()),
        }
    }

    /// Goes on where the link `component` leads to. If it is no link, `error` is why it was not
    /// opened.
    fn expand(&mut self, component: &Component, error: HostErrno) -> Result<Step, Errno> {
        if !matches!(error, HostErrno::LOOP | HostErrno::NOTDIR) {
            return Err(error.into());
        }
        let target = match readlinkat(self.here(), &component.name, Vec::new()) {
            Ok(target) => target,
            Err(HostErrno::INVAL) => return Err(error.into()),
            Err(error) => return Err(error.into()),
        };
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Errno::Loop);
        }
        self.push(&RelativePath::new(target.to_bytes())?, component.slash);
        Ok(Step::Passed)
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.stack.last().map_or(self.start, OwnedFd::as_fd)
    }

    /// [PATH-BENEATH] opens one component, and no link.
    fn open_here(&self, name: &CStr, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let mode = if flags.contains(OFlags::CREATE) { self.opening.mode } else { Mode::empty() };
        let flags = flags | ALWAYS | OFlags::NOFOLLOW;
        rustix::io::retry_on_intr(|| openat(self.here(), name, flags, mode))
    }
}

fn is_link(fd: &OwnedFd) -> Result<bool, Errno> {
    Ok(FileType::from_raw_mode(fstat(fd)?.st_mode) == FileType::Symlink)
}
