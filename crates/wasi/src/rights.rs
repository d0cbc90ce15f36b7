//! Rights: what a descriptor may be used for, and what it may pass on.
//!
//! Every descriptor has two sets. *Base* rights say which calls work on it; *inheriting* rights
//! are the most that anything opened through it can have. Both only ever shrink.

use crate::flags::flags;

flags! {
    /// What a descriptor may be used for.
    pub Rights: u64 {
        FD_DATASYNC = 1 << 0, "`fd_datasync`.";
        FD_READ = 1 << 1, "`fd_read`, and `fd_pread` together with `FD_SEEK`.";
        FD_SEEK = 1 << 2, "`fd_seek`.";
        FD_FDSTAT_SET_FLAGS = 1 << 3, "`fd_fdstat_set_flags`.";
        FD_SYNC = 1 << 4, "`fd_sync`.";
        FD_TELL = 1 << 5, "`fd_tell`, and `fd_seek` by nothing.";
        FD_WRITE = 1 << 6, "`fd_write`, and `fd_pwrite` together with `FD_SEEK`.";
        FD_ADVISE = 1 << 7, "`fd_advise`.";
        FD_ALLOCATE = 1 << 8, "`fd_allocate`.";
        PATH_CREATE_DIRECTORY = 1 << 9, "`path_create_directory`.";
        PATH_CREATE_FILE = 1 << 10, "`path_open` that creates.";
        PATH_LINK_SOURCE = 1 << 11, "`path_link` from here.";
        PATH_LINK_TARGET = 1 << 12, "`path_link` to here.";
        PATH_OPEN = 1 << 13, "`path_open`.";
        FD_READDIR = 1 << 14, "`fd_readdir`.";
        PATH_READLINK = 1 << 15, "`path_readlink`.";
        PATH_RENAME_SOURCE = 1 << 16, "`path_rename` from here.";
        PATH_RENAME_TARGET = 1 << 17, "`path_rename` to here.";
        PATH_FILESTAT_GET = 1 << 18, "`path_filestat_get`.";
        PATH_FILESTAT_SET_SIZE = 1 << 19, "`path_open` that truncates.";
        PATH_FILESTAT_SET_TIMES = 1 << 20, "`path_filestat_set_times`.";
        FD_FILESTAT_GET = 1 << 21, "`fd_filestat_get`.";
        FD_FILESTAT_SET_SIZE = 1 << 22, "`fd_filestat_set_size`.";
        FD_FILESTAT_SET_TIMES = 1 << 23, "`fd_filestat_set_times`.";
        PATH_SYMLINK = 1 << 24, "`path_symlink`.";
        PATH_REMOVE_DIRECTORY = 1 << 25, "`path_remove_directory`.";
        PATH_UNLINK_FILE = 1 << 26, "`path_unlink_file`.";
        POLL_FD_READWRITE = 1 << 27, "`poll_oneoff` for it.";
        SOCK_SHUTDOWN = 1 << 28, "`sock_shutdown`.";
        SOCK_ACCEPT = 1 << 29, "`sock_accept`.";
    }
}

impl Rights {
    /// Everything that makes sense for a file.
    pub const FILE: Self = Self::FD_DATASYNC
        .union(Self::FD_READ)
        .union(Self::FD_SEEK)
        .union(Self::FD_FDSTAT_SET_FLAGS)
        .union(Self::FD_SYNC)
        .union(Self::FD_TELL)
        .union(Self::FD_WRITE)
        .union(Self::FD_ADVISE)
        .union(Self::FD_ALLOCATE)
        .union(Self::FD_FILESTAT_GET)
        .union(Self::FD_FILESTAT_SET_SIZE)
        .union(Self::FD_FILESTAT_SET_TIMES)
        .union(Self::POLL_FD_READWRITE);

    /// Everything that makes sense for a directory.
    pub const DIRECTORY: Self = Self::FD_DATASYNC
        .union(Self::FD_FDSTAT_SET_FLAGS)
        .union(Self::FD_SYNC)
        .union(Self::PATH_CREATE_DIRECTORY)
        .union(Self::PATH_CREATE_FILE)
        .union(Self::PATH_LINK_SOURCE)
        .union(Self::PATH_LINK_TARGET)
        .union(Self::PATH_OPEN)
        .union(Self::FD_READDIR)
        .union(Self::PATH_READLINK)
        .union(Self::PATH_RENAME_SOURCE)
        .union(Self::PATH_RENAME_TARGET)
        .union(Self::PATH_FILESTAT_GET)
        .union(Self::PATH_FILESTAT_SET_SIZE)
        .union(Self::PATH_FILESTAT_SET_TIMES)
        .union(Self::FD_FILESTAT_GET)
        .union(Self::FD_FILESTAT_SET_TIMES)
        .union(Self::PATH_SYMLINK)
        .union(Self::PATH_REMOVE_DIRECTORY)
        .union(Self::PATH_UNLINK_FILE);

    /// Everything that makes sense for a stream without positions: a terminal, a pipe.
    pub const STREAM: Self = Self::FD_READ
        .union(Self::FD_FDSTAT_SET_FLAGS)
        .union(Self::FD_WRITE)
        .union(Self::FD_FILESTAT_GET)
        .union(Self::POLL_FD_READWRITE);

    /// What changes nothing on the disk.
    pub const READ_ONLY: Self = Self::FD_READ
        .union(Self::FD_SEEK)
        .union(Self::FD_FDSTAT_SET_FLAGS)
        .union(Self::FD_TELL)
        .union(Self::FD_ADVISE)
        .union(Self::PATH_OPEN)
        .union(Self::FD_READDIR)
        .union(Self::PATH_READLINK)
        .union(Self::PATH_FILESTAT_GET)
        .union(Self::FD_FILESTAT_GET)
        .union(Self::POLL_FD_READWRITE);

    /// Rights that need a file opened for reading.
    pub(crate) const READING: Self = Self::FD_READ.union(Self::FD_READDIR);

    /// Rights that need a file opened for writing.
    pub(crate) const WRITING: Self =
        Self::FD_WRITE.union(Self::FD_ALLOCATE).union(Self::FD_FILESTAT_SET_SIZE);

    /// None at all.
    pub const NONE: Self = Self(0);

    /// The rights that `bits` stand for in WASI; bits that stand for none are left out.
    #[must_use]
    pub const fn truncated(bits: u64) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// The bits that they are in WASI.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Is any of `other` among them?
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_only_has_nothing_that_changes_the_disk() {
        let changing = [
            Rights::WRITING,
            Rights::FD_FILESTAT_SET_TIMES,
            Rights::PATH_CREATE_DIRECTORY,
            Rights::PATH_CREATE_FILE,
            Rights::PATH_LINK_SOURCE,
            Rights::PATH_LINK_TARGET,
            Rights::PATH_RENAME_SOURCE,
            Rights::PATH_RENAME_TARGET,
            Rights::PATH_FILESTAT_SET_SIZE,
            Rights::PATH_FILESTAT_SET_TIMES,
            Rights::PATH_SYMLINK,
            Rights::PATH_REMOVE_DIRECTORY,
            Rights::PATH_UNLINK_FILE,
        ];
        for rights in changing {
            assert!(!Rights::READ_ONLY.intersects(rights), "{rights:?}");
        }
    }

    #[test]
    fn a_directory_is_neither_read_nor_written() {
        assert!(!Rights::DIRECTORY.intersects(Rights::FD_READ | Rights::WRITING));
        assert!(!Rights::DIRECTORY.intersects(Rights::FD_SEEK | Rights::FD_TELL));
        assert_eq!(Rights::ALL.bits(), (1 << 30) - 1);
    }
}
