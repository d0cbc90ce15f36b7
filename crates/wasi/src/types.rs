//! Values that cross the border to the program, and how they lie in its memory.

use rustix::fs::{FileType, Stat};

use crate::{Errno, flags::Fdflags, rights::Rights};

/// Number of a descriptor, as the program has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Fd(pub(crate) u32);

/// Defines an enumeration with its numbers; numbers that are not in it are invalid arguments.
macro_rules! enumeration {
    (
        $(#[$meta:meta])*
        $name:ident: $bits:ty { $($variant:ident = $number:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr($bits)]
        pub(crate) enum $name { $($variant = $number,)* }

        impl TryFrom<u32> for $name {
            type Error = Errno;
            fn try_from(number: u32) -> Result<Self, Errno> {
                match number {
                    $($number => Ok(Self::$variant),)*
                    _ => Err(Errno::Inval),
                }
            }
        }
    };
}

enumeration! {
    /// What a descriptor or path leads to.
    Filetype: u8 {
        Unknown = 0,
        BlockDevice = 1,
        CharacterDevice = 2,
        Directory = 3,
        RegularFile = 4,
        SocketDgram = 5,
        SocketStream = 6,
        SymbolicLink = 7,
    }
}

enumeration! {
    /// What a new position counts from.
    Whence: u8 {
        Set = 0,
        Cur = 1,
        End = 2,
    }
}

enumeration! {
    /// How a part of a file will be used.
    Advice: u8 {
        Normal = 0,
        Sequential = 1,
        Random = 2,
        WillNeed = 3,
        DontNeed = 4,
        NoReuse = 5,
    }
}

enumeration! {
    /// What a subscription waits for.
    Eventtype: u8 {
        Clock = 0,
        FdRead = 1,
        FdWrite = 2,
    }
}

impl From<FileType> for Filetype {
    fn from(filetype: FileType) -> Self {
        match filetype {
            FileType::RegularFile => Self::RegularFile,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::SymbolicLink,
            FileType::BlockDevice => Self::BlockDevice,
            FileType::CharacterDevice => Self::CharacterDevice,
            FileType::Socket => Self::SocketStream,
            // WASI has no name for a pipe.
            _ => Self::Unknown,
        }
    }
}

/// A value of fixed size in the program's memory, little-endian, gaps zero.
pub(crate) trait Plain {
    /// Bytes that it takes.
    const SIZE: u32;
    /// Writes it to `bytes`, which are exactly that many, and zero.
    fn write(&self, bytes: &mut [u8]);
}

macro_rules! plain_integer {
    ($($integer:ty = $size:literal),*) => {$(
        impl Plain for $integer {
            const SIZE: u32 = $size;
            fn write(&self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

plain_integer!(u8 = 1, u16 = 2, u32 = 4, u64 = 8);

impl Plain for Fd {
    const SIZE: u32 = 4;
    fn write(&self, bytes: &mut [u8]) {
        self.0.write(bytes);
    }
}

/// Defines a record: each field with its offset, and the size of the whole.
macro_rules! record {
    (
        $(#[$meta:meta])*
        $name:ident, $size:literal bytes {
            $($(#[$field_meta:meta])* $field:ident: $ty:ty = $offset:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) struct $name { $($(#[$field_meta])* pub(crate) $field: $ty,)* }

        impl Plain for $name {
            const SIZE: u32 = $size;
            fn write(&self, bytes: &mut [u8]) {
                $(
                    let end = $offset + <$ty as Plain>::SIZE as usize;
                    Plain::write(&self.$field, &mut bytes[$offset..end]);
                )*
            }
        }
    };
}

macro_rules! plain_by_number {
    ($($ty:ty: $bits:ty = $size:literal, $number:expr;)*) => {$(
        impl Plain for $ty {
            const SIZE: u32 = $size;
            fn write(&self, bytes: &mut [u8]) {
                let number: fn(Self) -> $bits = $number;
                number(*self).write(bytes);
            }
        }
    )*};
}

plain_by_number! {
    Filetype: u8 = 1, |filetype| filetype as u8;
    Eventtype: u8 = 1, |eventtype| eventtype as u8;
    Fdflags: u16 = 2, Fdflags::into;
    Rights: u64 = 8, Rights::bits;
}

record! {
    /// What `fd_fdstat_get` says about a descriptor.
    Fdstat, 24 bytes {
        filetype: Filetype = 0,
        flags: Fdflags = 2,
        base: Rights = 8,
        inheriting: Rights = 16,
    }
}

record! {
    /// What `fd_filestat_get` and `path_filestat_get` say about a file.
    Filestat, 64 bytes {
        device: u64 = 0,
        inode: u64 = 8,
        filetype: Filetype = 16,
        links: u64 = 24,
        size: u64 = 32,
        /// Nanoseconds since 1970, like the two below.
        accessed: u64 = 40,
        modified: u64 = 48,
        changed: u64 = 56,
    }
}

record! {
    /// What `fd_prestat_get` says about a directory that was open from the start.
    Prestat, 8 bytes {
        /// Always 0: there is no other kind.
        kind: u8 = 0,
        name_length: u32 = 4,
    }
}

record! {
    /// Head of an entry that `fd_readdir` gives; the name follows.
    Dirent, 24 bytes {
        next: u64 = 0,
        inode: u64 = 8,
        name_length: u32 = 16,
        filetype: Filetype = 20,
    }
}

record! {
    /// What `poll_oneoff` says about a subscription.
    Event, 32 bytes {
        userdata: u64 = 0,
        /// 0 is success.
        error: u16 = 8,
        eventtype: Eventtype = 10,
        available: u64 = 16,
        flags: u16 = 24,
    }
}

impl Filestat {
    /// What a stream that is no file of the host looks like.
    pub(crate) fn of_stream(filetype: Filetype) -> Self {
        Self {
            device: 0,
            inode: 0,
            filetype,
            links: 1,
            size: 0,
            accessed: 0,
            modified: 0,
            changed: 0,
        }
    }
}

impl From<Stat> for Filestat {
    fn from(stat: Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            filetype: FileType::from_raw_mode(stat.st_mode).into(),
            links: stat.st_nlink,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            accessed: nanoseconds(stat.st_atime, stat.st_atime_nsec),
            modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
            changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

/// Times before 1970 become 0, times after 2554 the last one there is: files may have them.
fn nanoseconds(seconds: i64, nanoseconds: u64) -> u64 {
    u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_lie_where_the_specification_says() {
        let stat = Fdstat {
            filetype: Filetype::RegularFile,
            flags: Fdflags::SYNC,
            base: Rights::FD_READ,
            inheriting: Rights::FD_TELL,
        };
        let mut bytes = [0; 24];
        stat.write(&mut bytes);
        assert_eq!(bytes[0], 4);
        assert_eq!(bytes[2..4], [16, 0]);
        assert_eq!(bytes[8], 2);
        assert_eq!(bytes[16], 32);
    }

    #[test]
    fn numbers_outside_an_enumeration_are_invalid() {
        assert_eq!(Whence::try_from(2), Ok(Whence::End));
        assert_eq!(Whence::try_from(3), Err(Errno::Inval));
        assert_eq!(Advice::try_from(u32::MAX), Err(Errno::Inval));
    }

    #[test]
    fn times_that_do_not_fit_are_clamped() {
        assert_eq!(nanoseconds(-1, 5), 5);
        assert_eq!(nanoseconds(i64::MAX, 0), u64::MAX);
        assert_eq!(nanoseconds(2, 3), 2_000_000_003);
    }
}
