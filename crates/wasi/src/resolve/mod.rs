//! Paths that cannot leave their directory.
//!
//! A program names files by an open directory and a relative path. Whatever the path says, and
//! whatever symbolic links lie on the way, the file must be beneath that directory, also while
//! somebody else moves things about. So a path is never joined to another and handed to the host;
//! it is resolved from the directory's descriptor, in one of two ways with the same answers:
//!
//! ```text
//!   kernel   openat2(directory, path, RESOLVE_BENEATH)              one call, where there is one
//!   walk     openat(.., component, O_NOFOLLOW) for each component   everywhere else
//! ```
//!
//! * [PATH-BENEATH] no call of the host gets more than one component of a program's path, except
//!   `openat2` with `RESOLVE_BENEATH`.
//! * [PATH-LAST] calls that act on a name in a directory (unlink, rename, ...) get a descriptor of
//!   that directory and the last component, and never follow a link there. `.` and `..` are no
//!   names.
//!
//! Leaving the directory is [`Errno::Perm`].

mod path;
mod kernel;
mod walk;

#[cfg(test)]
mod tests;

use std::{
    ffi::{CStr, CString},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::fs::{Mode, OFlags};

pub(crate) use path::RelativePath;

use crate::Errno;

/// Which way paths are resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PathResolution {
    /// By the kernel where it can, else by walking.
    #[default]
    Auto,
    /// By walking, component by component. For tests: the answers are the same.
    Walk,
}

/// Resolves paths for one program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resolver {
    Kernel,
    Walk,
}

/// What happens at a symbolic link in the last component.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LastLink {
    Follow,
    Keep,
}

/// How to open what a path leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    pub(crate) last_link: LastLink,
    pub(crate) flags: OFlags,
    pub(crate) mode: Mode,
}

impl Opening {
    /// Only to look at it.
    pub(crate) fn look(last_link: LastLink) -> Self {
        Self { last_link, flags: OFlags::PATH, mode: Mode::empty() }
    }

    /// Only to look into it; links are followed.
    pub(crate) fn directory() -> Self {
        Self {
            last_link: LastLink::Follow,
            flags: OFlags::PATH | OFlags::DIRECTORY,
            mode: Mode::empty(),
        }
    }
}

/// A name in a directory: what [PATH-LAST] is about.
#[derive(Debug)]
pub(crate) struct Place<'d> {
    parent: Parent<'d>,
    /// With the slash that the path ended with, if it did: the host then insists on a directory.
    name: CString,
}

#[derive(Debug)]
enum Parent<'d> {
    Start(BorrowedFd<'d>),
    Below(OwnedFd),
}

impl Place<'_> {
    pub(crate) fn name(&self) -> &CStr {
        &self.name
    }
}

impl AsFd for Place<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.parent {
            Parent::Start(fd) => *fd,
            Parent::Below(fd) => fd.as_fd(),
        }
    }
}

impl Resolver {
    pub(crate) fn new(resolution: PathResolution) -> Self {
        match resolution {
            PathResolution::Auto if kernel::is_available() => Self::Kernel,
            _ => Self::Walk,
        }
    }

    /// Opens what `path` leads to from `start`.
    pub(crate) fn open(
        self,
        start: BorrowedFd<'_>,
        path: &RelativePath,
        opening: Opening,
    ) -> Result<OwnedFd, Errno> {
        match self {
            Self::Kernel => kernel::open(start, path, opening),
            Self::Walk => walk::open(start, path, opening),
        }
    }

    /// The directory and name that `path` means, for calls that act on names. A path that ends in
    /// `.` or `..` is no name: if it leads anywhere, the error is `no_name`.
    pub(crate) fn place<'d>(
        self,
        start: BorrowedFd<'d>,
        path: &RelativePath,
        no_name: Errno,
    ) -> Result<Place<'d>, Errno> {
        let Some((parent, name)) = path.split() else {
            self.open(start, path, Opening::directory())?;
            return Err(no_name);
        };
        let parent = match parent {
            None => Parent::Start(start),
            Some(parent) => Parent::Below(self.open(start, &parent, Opening::directory())?),
        };
        Ok(Place { parent, name })
    }
}

/// Flags that every opened file has: it is not passed on to children of the host, and a terminal
/// does not become the host's.
const ALWAYS: OFlags = OFlags::CLOEXEC.union(OFlags::NOCTTY);
