//! One entry of the descriptor table: what it leads to, and what it may be used for.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::{
    Errno, OutputBuffer,
    buffer::InputBuffer,
    file::HostFile,
    flags::Fdflags,
    rights::Rights,
    types::{Fdstat, Filestat, Filetype},
};

/// An open descriptor of the program.
#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(crate) object: Object,
    pub(crate) base: Rights,
    pub(crate) inheriting: Rights,
    pub(crate) flags: Fdflags,
}

/// What a descriptor leads to.
#[derive(Debug)]
pub(crate) enum Object {
    File(HostFile),
    Directory(Directory),
    /// Input from memory of the host.
    Input(InputBuffer),
    /// Output to memory of the host.
    Output(OutputBuffer),
    /// Nothing to read; what is written is gone.
    Null,
}

/// An open directory of the host.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) fd: OwnedFd,
    /// The program's name for it, if it was open from the start.
    pub(crate) preopen: Option<Vec<u8>>,
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Descriptor {
    /// A standard stream; `rights` says in which direction it goes.
    pub(crate) fn stream(object: Object, rights: Rights) -> Result<Self, Errno> {
        let (base, flags) = match &object {
            Object::File(file) => (file.rights()? & rights, file.flags()?),
            _ => (Rights::STREAM & rights, Fdflags::default()),
        };
        Ok(Self { object, base, inheriting: Rights::NONE, flags })
    }

    /// Fails unless all of `rights` are there.
    pub(crate) fn require(&self, rights: Rights) -> Result<(), Errno> {
        if self.base.contains(rights) { Ok(()) } else { Err(Errno::Notcapable) }
    }

    /// Fails unless one of `rights` is there.
    pub(crate) fn require_any(&self, rights: Rights) -> Result<(), Errno> {
        if self.base.intersects(rights) { Ok(()) } else { Err(Errno::Notcapable) }
    }

    /// The directory, if it is one and has `rights`.
    pub(crate) fn directory(&self, rights: Rights) -> Result<&Directory, Errno> {
        let Object::Directory(directory) = &self.object else { return Err(Errno::Notdir) };
        self.require(rights)?;
        Ok(directory)
    }

    /// The file with positions, if it is one and has `rights`.
    pub(crate) fn seekable(&self, rights: Rights) -> Result<&HostFile, Errno> {
        match &self.object {
            Object::File(file) if file.is_seekable() => {
                self.require(rights)?;
                Ok(file)
            }
            Object::Directory(_) => Err(Errno::Isdir),
            _ => Err(Errno::Spipe),
        }
    }

    /// The host's handle, if there is one.
    pub(crate) fn host(&self) -> Option<BorrowedFd<'_>> {
        match &self.object {
            Object::File(file) => Some(file.as_fd()),
            Object::Directory(directory) => Some(directory.as_fd()),
            Object::Input(_) | Object::Output(_) | Object::Null => None,
        }
    }

    pub(crate) fn filetype(&self) -> Filetype {
        match &self.object {
            Object::File(file) => file.filetype(),
            Object::Directory(_) => Filetype::Directory,
            Object::Input(_) | Object::Output(_) | Object::Null => Filetype::Unknown,
        }
    }

    pub(crate) fn fdstat(&self) -> Fdstat {
        Fdstat {
            filetype: self.filetype(),
            flags: self.flags,
            base: self.base,
            inheriting: self.inheriting,
        }
    }

    pub(crate) fn filestat(&self) -> Result<Filestat, Errno> {
        match self.host() {
            Some(fd) => Ok(rustix::fs::fstat(fd)?.into()),
            None => Ok(Filestat::of_stream(self.filetype())),
        }
    }

    /// Gives up all rights but these.
    pub(crate) fn restrict(&mut self, base: Rights, inheriting: Rights) -> Result<(), Errno> {
        if !self.base.contains(base) || !self.inheriting.contains(inheriting) {
            return Err(Errno::Notcapable);
        }
        (self.base, self.inheriting) = (base, inheriting);
        Ok(())
    }

    /// Changes the flags.
    pub(crate) fn set_flags(&mut self, flags: Fdflags) -> Result<(), Errno> {
        match &self.object {
            Object::File(file) => file.set_flags(self.flags, flags)?,
            // Nothing there ever waits.
            _ if Fdflags::NONBLOCK.contains(flags) => {}
            _ => return Err(Errno::Inval),
        }
        // What is fixed at opening stays, as with the host.
        self.flags = flags | (self.flags & Fdflags::SYNCHRONOUS);
        Ok(())
    }
}
