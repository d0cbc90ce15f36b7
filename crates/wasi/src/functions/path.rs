//! Calls on paths. All of them resolve through [`Resolver`](crate::resolve::Resolver); none
//! hands a path of the program to the host.

use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    fs::{
        AtFlags, CWD, FileType, Mode, OFlags, Timestamps, fstat, linkat, mkdirat, readlinkat,
        renameat, symlinkat, unlinkat, utimensat,
    },
    io::Errno as HostErrno,
};
use std::os::fd::AsRawFd;

use crate::{
    Errno, WasiContext,
    descriptor::{Descriptor, Directory, Object},
    file::HostFile,
    flags::{Fdflags, Lookupflags, Oflags},
    functions::fd::NewTimes,
    memory::{GuestMemory, Region},
    resolve::{LastLink, Opening, Place, RelativePath},
    rights::Rights,
    types::{Fd, Filestat, Filetype},
};

/// A directory and a path from there, as the program gives them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GuestPath {
    pub(crate) directory: Fd,
    pub(crate) path: Region,
}

/// What `path_open` is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenRequest {
    pub(crate) lookup: Lookupflags,
    pub(crate) oflags: Oflags,
    pub(crate) base: Rights,
    pub(crate) inheriting: Rights,
    pub(crate) fdflags: Fdflags,
}

impl WasiContext {
    pub(crate) fn path_open(
        &mut self,
        memory: &GuestMemory<'_>,
        at: GuestPath,
        request: OpenRequest,
    ) -> Result<Fd, Errno> {
        self.table.check_room()?;
        let descriptor = self.table.get(at.directory)?;
        let directory = descriptor.directory(request.needs())?;
        if !descriptor.inheriting.contains(request.base | request.inheriting) {
            return Err(Errno::Notcapable);
        }
        let path = relative(memory, at.path)?;
        let opening = request.opening()?;
        let fd = self.resolver.open(directory.as_fd(), &path, opening)?;
        self.table.insert(request.descriptor(fd)?)
    }

    pub(crate) fn path_create_directory(
        &self,
        memory: &GuestMemory<'_>,
        at: GuestPath,
    ) -> Result<(), Errno> {
        let directory = self.directory(at, Rights::PATH_CREATE_DIRECTORY)?;
        let place = self.place(memory, directory, at, Errno::Exist)?;
        Ok(mkdirat(&place, place.name(), Mode::from_raw_mode(0o777))?)
    }

    pub(crate) fn path_filestat_get(
        &self,
        memory: &GuestMemory<'_>,
        at: GuestPath,
        lookup: Lookupflags,
    ) -> Result<Filestat, Errno> {
        let directory = self.directory(at, Rights::PATH_FILESTAT_GET)?;
        let path = relative(memory, at.path)?;
        let opening = Opening::look(lookup.last_link());
        let fd = self.resolver.open(directory.as_fd(), &path, opening)?;
        Ok(fstat(fd)?.into())
    }

    pub(crate) fn path_filestat_set_times(
        &self,
        memory: &GuestMemory<'_>,
        at: GuestPath,
        lookup: Lookupflags,
        times: NewTimes,
    ) -> Result<(), Errno> {
        let times = times.to_host()?;
        let directory = self.directory(at, Rights::PATH_FILESTAT_SET_TIMES)?;
        let path = relative(memory, at.path)?;
        if lookup.last_link() == LastLink::Keep
            && let Some(place) = self.name_without_slash(directory, &path)?
        {
            return Ok(utimensat(&place, place.name(), &times, AtFlags::SYMLINK_NOFOLLOW)?);
        }
        let fd = self.resolver.open(directory.as_fd(), &path, Opening::look(LastLink::Follow))?;
        set_times(&fd, &times)
    }

    /// Following a link at the end of the old path is refused, as everywhere else: a program
    /// that wants it can read the link.
    pub(crate) fn path_link(
        &self,
        memory: &GuestMemory<'_>,
        lookup: Lookupflags,
        old: GuestPath,
        new: GuestPath,
    ) -> Result<(), Errno> {
        if lookup.last_link() == LastLink::Follow {
            return Err(Errno::Inval);
        }
        let old_directory = self.directory(old, Rights::PATH_LINK_SOURCE)?;
        let new_directory = self.directory(new, Rights::PATH_LINK_TARGET)?;
        self.check_transfer(old, new)?;
        let old_path = relative(memory, old.path)?;
        let Some(old_place) = self.name_without_slash(old_directory, &old_path)? else {
            // It means a directory, and directories have one name only.
            self.resolver.open(old_directory.as_fd(), &old_path, Opening::directory())?;
            return Err(Errno::Perm);
        };
        let new_place = self.place(memory, new_directory, new, Errno::Exist)?;
        let (old_name, new_name) = (old_place.name(), new_place.name());
        Ok(linkat(&old_place, old_name, &new_place, new_name, AtFlags::empty())?)
    }

    pub(crate) fn path_readlink(
        &self,
        memory: &mut GuestMemory<'_>,
        at: GuestPath,
        buffer: Region,
    ) -> Result<u32, Errno> {
        let directory = self.directory(at, Rights::PATH_READLINK)?;
        let path = relative(memory, at.path)?;
        let buffer = memory.write(buffer)?;
        let Some(place) = self.name_without_slash(directory, &path)? else {
            self.resolver.open(directory.as_fd(), &path, Opening::directory())?;
            return Err(Errno::Inval);
        };
        let target = readlinkat(&place, place.name(), Vec::new())?;
        let length = target.count_bytes().min(buffer.len());
        buffer[..length].copy_from_slice(&target.to_bytes()[..length]);
        Ok(length as u32)
    }

    pub(crate) fn path_remove_directory(
        &self,
        memory: &GuestMemory<'_>,
        at: GuestPath,
    ) -> Result<(), Errno> {
        let directory = self.directory(at, Rights::PATH_REMOVE_DIRECTORY)?;
        let place = self.place(memory, directory, at, Errno::Inval)?;
        Ok(unlinkat(&place, place.name(), AtFlags::REMOVEDIR)?)
    }

    pub(crate) fn path_unlink_file(
        &self,
        memory: &GuestMemory<'_>,
        at: GuestPath,
    ) -> Result<(), Errno> {
        let directory = self.directory(at, Rights::PATH_UNLINK_FILE)?;
        let place = self.place(memory, directory, at, Errno::Isdir)?;
        Ok(unlinkat(&place, place.name(), AtFlags::empty())?)
    }

    pub(crate) fn path_rename(
        &self,
        memory: &GuestMemory<'_>,
        old: GuestPath,
        new: GuestPath,
    ) -> Result<(), Errno> {
        let old_directory = self.directory(old, Rights::PATH_RENAME_SOURCE)?;
        let new_directory = self.directory(new, Rights::PATH_RENAME_TARGET)?;
        self.check_transfer(old, new)?;
        let old_place = self.place(memory, old_directory, old, Errno::Busy)?;
        let new_place = self.place(memory, new_directory, new, Errno::Busy)?;
        Ok(renameat(&old_place, old_place.name(), &new_place, new_place.name())?)
    }

    /// The target is any text that is no absolute path: where it leads is checked whenever
    /// somebody follows it, but other programs of the host would follow it too.
    pub(crate) fn path_symlink(
        &self,
        memory: &GuestMemory<'_>,
        target: Region,
        at: GuestPath,
    ) -> Result<(), Errno> {
        let directory = self.directory(at, Rights::PATH_SYMLINK)?;
        let target = relative(memory, target)?;
        let place = self.place(memory, directory, at, Errno::Exist)?;
        Ok(symlinkat(target.as_c_str(), &place, place.name())?)
    }

    fn directory(&self, at: GuestPath, rights: Rights) -> Result<&Directory, Errno> {
        self.table.get(at.directory)?.directory(rights)
    }

    /// A file that gets a name in another directory must not be worth more there.
    fn check_transfer(&self, old: GuestPath, new: GuestPath) -> Result<(), Errno> {
        let old = self.table.get(old.directory)?.inheriting;
        let new = self.table.get(new.directory)?.inheriting;
        if old.contains(new) { Ok(()) } else { Err(Errno::Notcapable) }
    }

    fn place<'d>(
        &self,
        memory: &GuestMemory<'_>,
        directory: &'d Directory,
        at: GuestPath,
        no_name: Errno,
    ) -> Result<Place<'d>, Errno> {
        self.resolver.place(directory.as_fd(), &relative(memory, at.path)?, no_name)
    }

    /// The place that `path` means, if it ends with a name. With a slash at its end it means what
    /// a link of that name leads to, and calls that act on the link itself must not get it.
    fn name_without_slash<'d>(
        &self,
        directory: &'d Directory,
        path: &RelativePath,
    ) -> Result<Option<Place<'d>>, Errno> {
        if path.ends_with_slash() || path.split().is_none() {
            return Ok(None);
        }
        self.resolver.place(directory.as_fd(), path, Errno::Inval).map(Some)
    }
}

fn relative(memory: &GuestMemory<'_>, path: Region) -> Result<RelativePath, Errno> {
    RelativePath::new(memory.read(path)?)
}

impl Lookupflags {
    fn last_link(self) -> LastLink {
        if self.contains(Self::SYMLINK_FOLLOW) { LastLink::Follow } else { LastLink::Keep }
    }
}

impl OpenRequest {
    /// The rights that the directory must have for it.
    fn needs(&self) -> Rights {
        let mut rights = Rights::PATH_OPEN;
        if self.oflags.contains(Oflags::CREAT) {
            rights = rights | Rights::PATH_CREATE_FILE;
        }
        if self.oflags.contains(Oflags::TRUNC) {
            rights = rights | Rights::PATH_FILESTAT_SET_SIZE;
        }
        rights
    }

    /// How the host is asked.
    fn opening(&self) -> Result<Opening, Errno> {
        let creating = Oflags::CREAT | Oflags::EXCL | Oflags::TRUNC;
        if self.oflags.contains(Oflags::DIRECTORY) && self.oflags & creating != Oflags::default() {
            return Err(Errno::Inval);
        }
        let mut flags = match (self.reads(), self.base.intersects(Rights::WRITING)) {
            (true, true) => OFlags::RDWR,
            (false, true) => OFlags::WRONLY,
            (_, false) => OFlags::RDONLY,
        };
        let oflags = [
            (Oflags::CREAT, OFlags::CREATE),
            (Oflags::DIRECTORY, OFlags::DIRECTORY),
            (Oflags::CREAT | Oflags::EXCL, OFlags::EXCL),
            (Oflags::TRUNC, OFlags::TRUNC),
        ];
        let fdflags = [
            (Fdflags::APPEND, OFlags::APPEND),
            (Fdflags::DSYNC, OFlags::DSYNC),
            (Fdflags::NONBLOCK, OFlags::NONBLOCK),
            (Fdflags::RSYNC, OFlags::RSYNC),
            (Fdflags::SYNC, OFlags::SYNC),
        ];
        flags |=
            oflags.into_iter().filter(|row| self.oflags.contains(row.0)).map(|row| row.1).collect();
        flags |= fdflags
            .into_iter()
            .filter(|row| self.fdflags.contains(row.0))
            .map(|row| row.1)
            .collect();
        Ok(Opening { last_link: self.lookup.last_link(), flags, mode: Mode::from_raw_mode(0o666) })
    }

    fn reads(&self) -> bool {
        self.base.intersects(Rights::READING)
    }

    /// What the program gets for `fd`, with the rights that make sense for it.
    fn descriptor(&self, fd: OwnedFd) -> Result<Descriptor, Errno> {
        let filetype: Filetype = FileType::from_raw_mode(fstat(&fd)?.st_mode).into();
        if filetype == Filetype::Directory {
            return Ok(Descriptor {
                object: Object::Directory(Directory { fd, preopen: None }),
                base: self.base & Rights::DIRECTORY,
                inheriting: self.inheriting,
                flags: self.fdflags,
            });
        }
        let file = HostFile::opened(fd, filetype);
        let base = self.base & file.most_rights();
        Ok(Descriptor {
            object: Object::File(file),
            base,
            inheriting: Rights::NONE,
            flags: self.fdflags,
        })
    }
}

/// Sets the times of something that was opened only to look at it.
fn set_times(fd: &OwnedFd, times: &Timestamps) -> Result<(), Errno> {
    match utimensat(fd, c"", times, AtFlags::EMPTY_PATH) {
        // Hosts before Linux 5.8 need a name for it.
        Err(HostErrno::INVAL) => {
            let name = format!("/proc/self/fd/{}", fd.as_raw_fd());
            Ok(utimensat(CWD, name, times, AtFlags::empty())?)
        }
        result => Ok(result?),
    }
}
