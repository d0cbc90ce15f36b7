//! Calls on open descriptors.

use std::num::NonZeroU64;

use rustix::fs::{
    FallocateFlags, SeekFrom, Timestamps, UTIME_NOW, UTIME_OMIT, fadvise, fallocate, fdatasync,
    fsync, ftruncate, futimens, seek, tell,
};
use rustix::io::{preadv, pwritev, retry_on_intr};
use rustix::time::Timespec;

use crate::{
    Errno, WasiContext,
    descriptor::{Descriptor, Object},
    flags::{Fdflags, Fstflags},
    memory::{GuestMemory, List},
    rights::Rights,
    types::{Advice, Fd, Fdstat, Filestat, Whence},
};

impl WasiContext {
    pub(crate) fn fd_read(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        buffers: List,
    ) -> Result<u32, Errno> {
        let descriptor = self.table.get_mut(fd)?;
        let flags = transferable(descriptor, Rights::FD_READ)?;
        let regions = memory.buffers(buffers)?;
        let mut slices = memory.scatter(&regions)?;
        let count = match &mut descriptor.object {
            Object::File(file) => file.read(flags, &mut slices)?,
            Object::Input(input) => input.read(&mut slices),
            Object::Null => 0,
            Object::Directory(_) | Object::Output(_) => return Err(Errno::Badf),
        };
        Ok(count as u32)
    }

    pub(crate) fn fd_write(
        &mut self,
        memory: &GuestMemory<'_>,
        fd: Fd,
        buffers: List,
    ) -> Result<u32, Errno> {
        let descriptor = self.table.get(fd)?;
        let flags = transferable(descriptor, Rights::FD_WRITE)?;
        let regions = memory.buffers(buffers)?;
        let slices = memory.gather(&regions)?;
        let count = match &descriptor.object {
            Object::File(file) => file.write(flags, &slices)?,
            Object::Output(output) => output.write(&slices)?,
            Object::Null => slices.iter().map(|slice| slice.len()).sum(),
            Object::Directory(_) | Object::Input(_) => return Err(Errno::Badf),
        };
        Ok(count as u32)
    }

    pub(crate) fn fd_pread(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        buffers: List,
        offset: u64,
    ) -> Result<u32, Errno> {
        let file = self.table.get(fd)?.seekable(Rights::FD_READ | Rights::FD_SEEK)?;
        let regions = memory.buffers(buffers)?;
        let mut slices = memory.scatter(&regions)?;
        Ok(retry_on_intr(|| preadv(file, &mut slices, offset))? as u32)
    }

    pub(crate) fn fd_pwrite(
        &mut self,
        memory: &GuestMemory<'_>,
        fd: Fd,
        buffers: List,
        offset: u64,
    ) -> Result<u32, Errno> {
        let file = self.table.get(fd)?.seekable(Rights::FD_WRITE | Rights::FD_SEEK)?;
        let regions = memory.buffers(buffers)?;
        let slices = memory.gather(&regions)?;
        Ok(retry_on_intr(|| pwritev(file, &slices, offset))? as u32)
    }

    pub(crate) fn fd_seek(&self, fd: Fd, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let descriptor = self.table.get(fd)?;
        let file = descriptor.seekable(Rights::NONE)?;
        let position = match whence {
            Whence::Set => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Inval)?),
            Whence::Cur => SeekFrom::Current(offset),
            Whence::End => SeekFrom::End(offset),
        };
        match position {
            SeekFrom::Current(0) => descriptor.require_any(Rights::FD_SEEK | Rights::FD_TELL)?,
            _ => descriptor.require(Rights::FD_SEEK)?,
        }
        Ok(seek(file, position)?)
    }

    pub(crate) fn fd_tell(&self, fd: Fd) -> Result<u64, Errno> {
        let descriptor = self.table.get(fd)?;
        let file = descriptor.seekable(Rights::NONE)?;
        descriptor.require_any(Rights::FD_SEEK | Rights::FD_TELL)?;
        Ok(tell(file)?)
    }

    pub(crate) fn fd_close(&mut self, fd: Fd) -> Result<(), Errno> {
        self.table.remove(fd).map(drop)
    }

    pub(crate) fn fd_renumber(&mut self, from: Fd, to: Fd) -> Result<(), Errno> {
        self.table.renumber(from, to)
    }

    pub(crate) fn fd_sync(&self, fd: Fd) -> Result<(), Errno> {
        let descriptor = on_disk(self.table.get(fd)?, Rights::FD_SYNC)?;
        descriptor.host().map_or(Ok(()), |host| Ok(fsync(host)?))
    }

    pub(crate) fn fd_datasync(&self, fd: Fd) -> Result<(), Errno> {
        let descriptor = on_disk(self.table.get(fd)?, Rights::FD_DATASYNC)?;
        descriptor.host().map_or(Ok(()), |host| Ok(fdatasync(host)?))
    }

    pub(crate) fn fd_advise(
        &self,
        fd: Fd,
        offset: u64,
        length: u64,
        advice: Advice,
    ) -> Result<(), Errno> {
        let file = self.table.get(fd)?.seekable(Rights::FD_ADVISE)?;
        let advice = match advice {
            Advice::Normal => rustix::fs::Advice::Normal,
            Advice::Sequential => rustix::fs::Advice::Sequential,
            Advice::Random => rustix::fs::Advice::Random,
            Advice::WillNeed => rustix::fs::Advice::WillNeed,
            Advice::DontNeed => rustix::fs::Advice::DontNeed,
            Advice::NoReuse => rustix::fs::Advice::NoReuse,
        };
        Ok(fadvise(file, offset, NonZeroU64::new(length), advice)?)
    }

    pub(crate) fn fd_allocate(&self, fd: Fd, offset: u64, length: u64) -> Result<(), Errno> {
        let file = self.table.get(fd)?.seekable(Rights::FD_ALLOCATE)?;
        Ok(retry_on_intr(|| fallocate(file, FallocateFlags::empty(), offset, length))?)
    }

    pub(crate) fn fd_fdstat_get(&self, fd: Fd) -> Result<Fdstat, Errno> {
        Ok(self.table.get(fd)?.fdstat())
    }

    pub(crate) fn fd_fdstat_set_flags(&mut self, fd: Fd, flags: Fdflags) -> Result<(), Errno> {
        let descriptor = self.table.get_mut(fd)?;
        descriptor.require(Rights::FD_FDSTAT_SET_FLAGS)?;
        descriptor.set_flags(flags)
    }

    pub(crate) fn fd_fdstat_set_rights(
        &mut self,
        fd: Fd,
        base: Rights,
        inheriting: Rights,
    ) -> Result<(), Errno> {
        self.table.get_mut(fd)?.restrict(base, inheriting)
    }

    pub(crate) fn fd_filestat_get(&self, fd: Fd) -> Result<Filestat, Errno> {
        let descriptor = self.table.get(fd)?;
        descriptor.require(Rights::FD_FILESTAT_GET)?;
        descriptor.filestat()
    }

    pub(crate) fn fd_filestat_set_size(&self, fd: Fd, size: u64) -> Result<(), Errno> {
        let file = self.table.get(fd)?.seekable(Rights::FD_FILESTAT_SET_SIZE)?;
        Ok(retry_on_intr(|| ftruncate(file, size))?)
    }

    pub(crate) fn fd_filestat_set_times(&self, fd: Fd, times: NewTimes) -> Result<(), Errno> {
        let times = times.to_host()?;
        let descriptor = self.table.get(fd)?;
        descriptor.require(Rights::FD_FILESTAT_SET_TIMES)?;
        let host = descriptor.host().ok_or(Errno::Inval)?;
        Ok(futimens(host, &times)?)
    }
}

/// The times that a call sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewTimes {
    /// Nanoseconds since 1970, if the flags ask for them.
    pub(crate) accessed: u64,
    pub(crate) modified: u64,
    pub(crate) flags: Fstflags,
}

impl NewTimes {
    /// Refuses to set a time to two values at once.
    pub(crate) fn to_host(self) -> Result<Timestamps, Errno> {
        let accessed = (self.accessed, Fstflags::ATIM, Fstflags::ATIM_NOW);
        let modified = (self.modified, Fstflags::MTIM, Fstflags::MTIM_NOW);
        let time = |(value, set, now)| match (self.flags.contains(set), self.flags.contains(now)) {
            (true, true) => Err(Errno::Inval),
            (true, false) => Ok(timespec(value)),
            (false, true) => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_NOW }),
            (false, false) => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }),
        };
        Ok(Timestamps { last_access: time(accessed)?, last_modification: time(modified)? })
    }
}

/// Nanoseconds as the host has them. 64 bits of them are never too many seconds.
pub(crate) fn timespec(nanoseconds: u64) -> Timespec {
    const SECOND: u64 = 1_000_000_000;
    Timespec {
        tv_sec: (nanoseconds / SECOND) as i64,
        tv_nsec: (nanoseconds % SECOND) as rustix::fs::Nsecs,
    }
}

/// The flags of a descriptor that bytes can be moved from or to.
fn transferable(descriptor: &Descriptor, right: Rights) -> Result<Fdflags, Errno> {
    if matches!(descriptor.object, Object::Directory(_)) {
        return Err(Errno::Isdir);
    }
    descriptor.require(right)?;
    Ok(descriptor.flags)
}

/// Only what is on a disk can be written through to it.
fn on_disk(descriptor: &Descriptor, right: Rights) -> Result<&Descriptor, Errno> {
    match &descriptor.object {
        Object::File(file) if !file.is_always_ready() => Err(Errno::Inval),
        Object::Input(_) | Object::Output(_) | Object::Null => Err(Errno::Inval),
        Object::File(_) | Object::Directory(_) => descriptor.require(right).map(|()| descriptor),
    }
}
