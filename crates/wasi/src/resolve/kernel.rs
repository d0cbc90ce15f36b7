//! Resolution by `openat2`, which Linux has since 5.6 and some sandboxes forbid.

use std::{
    os::fd::{BorrowedFd, OwnedFd},
    sync::OnceLock,
};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags, openat2},
    io::Errno as HostErrno,
};

use super::{ALWAYS, LastLink, Opening, RelativePath, walk};
use crate::Errno;

/// Attempts before walking instead: each means that somebody renamed something meanwhile.
const ATTEMPTS: usize = 8;

/// Does this process get `openat2`? Asked once. Sandboxes answer as if the call did not exist, or
/// as if the caller were not permitted.
pub(super) fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        openat2(CWD, c".", flags, Mode::empty(), ResolveFlags::BENEATH).is_ok()
    })
}

pub(super) fn open(
    start: BorrowedFd<'_>,
    path: &RelativePath,
    opening: Opening,
) -> Result<OwnedFd, Errno> {
    let mut flags = opening.flags | ALWAYS;
    flags.set(OFlags::NOFOLLOW, opening.last_link == LastLink::Keep);
    // The kernel refuses what means nothing: other flags beside this one, a mode without creating.
    if flags.contains(OFlags::PATH) {
        flags.remove(OFlags::NOCTTY);
    }
    let mode = if flags.contains(OFlags::CREATE) { opening.mode } else { Mode::empty() };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..ATTEMPTS {
        match openat2(start, path.as_c_str(), flags, mode, resolve) {
            Ok(fd) => return Ok(fd),
            Err(HostErrno::AGAIN | HostErrno::INTR) => {}
            // The only device that this call crosses is the border of the directory.
            Err(HostErrno::XDEV) => return Err(Errno::Perm),
            Err(error) => return Err(error.into()),
        }
    }
    walk::open(start, path, opening)
}
