//! Calls on open directories: names of those that were open from the start, and reading entries.
//!
//! A cookie is the host's own position in the directory, so reading on after entries were added
//! or removed goes on at the right place, and nothing is kept between calls. Entries lie one after
//! the other without gaps; the last one may be cut where the buffer ends, which tells the program
//! that there is more:
//!
//! ```text
//!   ┌ head 24 ┬ name ┬ head 24 ┬ name ┬ head 24 ┬ na│
//!   └─────────┴──────┴─────────┴──────┴─────────┴───┘ end of the buffer
//! ```

use std::{mem::MaybeUninit, os::fd::BorrowedFd};

use rustix::fs::{AtFlags, FileType, RawDir, RawDirEntry, SeekFrom, fstat, seek, statat};

use crate::{
    Errno, WasiContext,
    descriptor::Object,
    memory::{GuestMemory, Region},
    rights::Rights,
    types::{Dirent, Fd, Filetype, Plain, Prestat},
};

/// Bytes of entries that the host is asked for at once.
const HOST_BUFFER: usize = 4096;

impl WasiContext {
    pub(crate) fn fd_prestat_get(&self, fd: Fd) -> Result<Prestat, Errno> {
        let name = self.preopen_name(fd)?;
        Ok(Prestat { kind: 0, name_length: name.len() as u32 })
    }

    pub(crate) fn fd_prestat_dir_name(
        &self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        buffer: Region,
    ) -> Result<(), Errno> {
        let name = self.preopen_name(fd)?;
        let buffer = memory.write(buffer)?;
        let start = buffer.get_mut(..name.len()).ok_or(Errno::Nametoolong)?;
        start.copy_from_slice(name);
        Ok(())
    }

    /// Programs look for these from number 3 on, until one is a bad descriptor.
    fn preopen_name(&self, fd: Fd) -> Result<&[u8], Errno> {
        match &self.table.get(fd)?.object {
            Object::Directory(directory) => directory.preopen.as_deref().ok_or(Errno::Badf),
            _ => Err(Errno::Badf),
        }
    }

    pub(crate) fn fd_readdir(
        &self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        buffer: Region,
        cookie: u64,
    ) -> Result<u32, Errno> {
        let directory = self.table.get(fd)?.directory(Rights::FD_READDIR)?;
        let mut output = Output { buffer: memory.write(buffer)?, used: 0 };
        let position = i64::try_from(cookie).map_err(|_| Errno::Inval)?;
        seek(directory, SeekFrom::Start(position as u64))?;
        let mut host_buffer = [MaybeUninit::uninit(); HOST_BUFFER];
        let mut entries = RawDir::new(directory, &mut host_buffer);
        while !output.is_full()
            && let Some(entry) = entries.next()
        {
            let entry = entry?;
            let head = head(&directory.fd, &entry)?;
            output.push_value(&head);
            output.push(entry.file_name().to_bytes());
        }
        Ok(output.used as u32)
    }
}

fn head(directory: impl std::os::fd::AsFd, entry: &RawDirEntry<'_>) -> Result<Dirent, Errno> {
    let name = entry.file_name();
    let filetype = match entry.file_type() {
        FileType::Unknown => unlisted_type(directory.as_fd(), entry),
        filetype => filetype.into(),
    };
    // What is above the directory is none of the program's business.
    let inode = match name.to_bytes() {
        b".." => fstat(&directory)?.st_ino,
        _ => entry.ino(),
    };
    let name_length = name.count_bytes() as u32;
    Ok(Dirent { next: entry.next_entry_cookie(), inode, name_length, filetype })
}

/// Some file systems do not say in the directory what an entry is.
fn unlisted_type(directory: BorrowedFd<'_>, entry: &RawDirEntry<'_>) -> Filetype {
    if entry.file_name() == c".." {
        return Filetype::Directory;
    }
    statat(directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)
        .map_or(Filetype::Unknown, |stat| FileType::from_raw_mode(stat.st_mode).into())
}

/// The program's buffer, filled from the start.
struct Output<'m> {
    buffer: &'m mut [u8],
    used: usize,
}

impl Output<'_> {
    fn is_full(&self) -> bool {
        self.used == self.buffer.len()
    }

    fn push_value(&mut self, head: &Dirent) {
        let mut bytes = [0; Dirent::SIZE as usize];
        head.write(&mut bytes);
        self.push(&bytes);
    }

    /// As much of `bytes` as there is room for.
    fn push(&mut self, bytes: &[u8]) {
        let room = &mut self.buffer[self.used..];
        let length = bytes.len().min(room.len());
        room[..length].copy_from_slice(&bytes[..length]);
        self.used += length;
    }
}
