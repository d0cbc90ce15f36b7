//! An open file, device, pipe or terminal of the host.
//!
//! Files that a program opened are its own. Standard streams are shared with the host process,
//! often with others, so flags of theirs are never changed: that nothing shall wait is then
//! answered by asking first whether there is something.

use std::{
    io::{IoSlice, IoSliceMut, IsTerminal},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat},
    io::Errno as HostErrno,
};

use crate::{Errno, flags::Fdflags, rights::Rights, types::Filetype};

/// A file of the host and what does not change about it.
#[derive(Debug)]
pub(crate) struct HostFile {
    handle: Handle,
    filetype: Filetype,
    seekable: bool,
}

#[derive(Debug)]
enum Handle {
    /// Opened by the program.
    Opened(OwnedFd),
    /// Handed in by the host, who may have kept another handle to the same thing.
    Given(OwnedFd),
    /// A standard stream of the host process, which a program must not close.
    Standard(BorrowedFd<'static>),
}

impl HostFile {
    /// What a program opened; `filetype` is known already.
    pub(crate) fn opened(fd: OwnedFd, filetype: Filetype) -> Self {
        let seekable = is_seekable(filetype, fd.as_fd());
        Self { handle: Handle::Opened(fd), filetype, seekable }
    }

    /// What the host hands in.
    pub(crate) fn given(fd: OwnedFd) -> Result<Self, Errno> {
        let (filetype, seekable) = inspect(fd.as_fd())?;
        Ok(Self { handle: Handle::Given(fd), filetype, seekable })
    }

    /// A standard stream of the host process.
    pub(crate) fn standard(fd: BorrowedFd<'static>) -> Result<Self, Errno> {
        let (filetype, seekable) = inspect(fd)?;
        Ok(Self { handle: Handle::Standard(fd), filetype, seekable })
    }

    pub(crate) fn filetype(&self) -> Filetype {
        self.filetype
    }

    pub(crate) fn is_seekable(&self) -> bool {
        self.seekable
    }

    /// Never makes its user wait: a file on a disk.
    pub(crate) fn is_always_ready(&self) -> bool {
        matches!(self.filetype, Filetype::RegularFile | Filetype::BlockDevice)
    }

    /// The rights that make sense for it.
    ///
    /// Programs take a character device that cannot seek for a terminal, so only terminals lack
    /// the rights to seek and tell.
    pub(crate) fn most_rights(&self) -> Rights {
        match self.filetype {
            Filetype::RegularFile | Filetype::BlockDevice => Rights::FILE,
            Filetype::SocketDgram | Filetype::SocketStream => {
                Rights::STREAM | Rights::SOCK_ACCEPT | Rights::SOCK_SHUTDOWN
            }
            _ if self.seekable => Rights::STREAM | Rights::FD_SEEK | Rights::FD_TELL,
            _ => Rights::STREAM,
        }
    }

    /// Those of them that the way it was opened allows.
    pub(crate) fn rights(&self) -> Result<Rights, Errno> {
        let rights = self.most_rights();
        Ok(match fcntl_getfl(self)? & OFlags::RWMODE {
            OFlags::WRONLY => rights - Rights::READING,
            OFlags::RDWR => rights,
            _ => rights - Rights::WRITING,
        })
    }

    /// The flags that it has now.
    pub(crate) fn flags(&self) -> Result<Fdflags, Errno> {
        let host = fcntl_getfl(self)?;
        let mut flags = Fdflags::default();
        if host.contains(OFlags::APPEND) {
            flags = flags | Fdflags::APPEND;
        }
        Ok(flags)
    }

    /// Changes how it behaves from `old` to `new`.
    pub(crate) fn set_flags(&self, old: Fdflags, new: Fdflags) -> Result<(), Errno> {
        if (new - old) & Fdflags::SYNCHRONOUS != Fdflags::default() {
            return Err(Errno::Inval);
        }
        let Handle::Opened(fd) = &self.handle else {
            let changed = (old - new) | (new - old);
            return if changed.contains(Fdflags::APPEND) { Err(Errno::Notsup) } else { Ok(()) };
        };
        let mut host = fcntl_getfl(fd)?;
        host.set(OFlags::APPEND, new.contains(Fdflags::APPEND));
        host.set(OFlags::NONBLOCK, new.contains(Fdflags::NONBLOCK));
        Ok(fcntl_setfl(fd, host)?)
    }

    /// Reads at the file's own position.
    pub(crate) fn read(
        &self,
        flags: Fdflags,
        slices: &mut [IoSliceMut<'_>],
    ) -> Result<usize, Errno> {
        self.transfer(flags, PollFlags::IN, || rustix::io::readv(self, slices))
    }

    /// Writes at the file's own position.
    pub(crate) fn write(&self, flags: Fdflags, slices: &[IoSlice<'_>]) -> Result<usize, Errno> {
        self.transfer(flags, PollFlags::OUT, || rustix::io::writev(self, slices))
    }

    /// Repeats `attempt` until it is done. The host may have made a stream of its own non-blocking
    /// (or another process that shares it did); a program that did not ask for that must wait.
    fn transfer(
        &self,
        flags: Fdflags,
        direction: PollFlags,
        mut attempt: impl FnMut() -> rustix::io::Result<usize>,
    ) -> Result<usize, Errno> {
        let waits = !flags.contains(Fdflags::NONBLOCK);
        if !waits && !self.is_always_ready() && !is_ready(self.as_fd(), direction)? {
            return Err(Errno::Again);
        }
        loop {
            match attempt() {
                Err(HostErrno::INTR) => {}
                Err(HostErrno::AGAIN) if waits => wait(self.as_fd(), direction)?,
                result => return Ok(result?),
            }
        }
    }
}

impl AsFd for HostFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.handle {
            Handle::Opened(fd) | Handle::Given(fd) => fd.as_fd(),
            Handle::Standard(fd) => *fd,
        }
    }
}

fn inspect(fd: BorrowedFd<'_>) -> Result<(Filetype, bool), Errno> {
    let filetype = FileType::from_raw_mode(fstat(fd)?.st_mode).into();
    Ok((filetype, is_seekable(filetype, fd)))
}

/// Devices count as seekable unless they are terminals: see [`HostFile::most_rights`].
fn is_seekable(filetype: Filetype, fd: BorrowedFd<'_>) -> bool {
    match filetype {
        Filetype::RegularFile | Filetype::BlockDevice => true,
        Filetype::CharacterDevice => !fd.is_terminal(),
        _ => false,
    }
}

fn is_ready(fd: BorrowedFd<'_>, direction: PollFlags) -> Result<bool, Errno> {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut fds = [PollFd::from_borrowed_fd(fd, direction)];
    Ok(rustix::io::retry_on_intr(|| poll(&mut fds, Some(&now)))? != 0)
}

fn wait(fd: BorrowedFd<'_>, direction: PollFlags) -> Result<(), Errno> {
    let mut fds = [PollFd::from_borrowed_fd(fd, direction)];
    rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
    Ok(())
}
