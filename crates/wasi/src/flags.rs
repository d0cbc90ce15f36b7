//! Sets of flags: one macro, one table for each set.

/// Defines a set of flags over an integer.
macro_rules! flags {
    (
        $(#[$meta:meta])*
        $vis:vis $set:ident: $bits:ty {
            $($flag:ident = $value:expr, $meaning:literal;)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        $vis struct $set($bits);

        impl $set {
            $(#[doc = $meaning] $vis const $flag: Self = Self($value);)*
            /// Every flag.
            $vis const ALL: Self = Self(0 $(| $value)*);

            /// Are all of `other` in this set?
            #[must_use]
            $vis const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// What is in either set.
            #[must_use]
            $vis const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl std::ops::BitOr for $set {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                self.union(other)
            }
        }

        impl std::ops::BitAnd for $set {
            type Output = Self;
            fn bitand(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }
        }

        impl std::ops::Sub for $set {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }
        }

        impl From<$set> for $bits {
            fn from(set: $set) -> Self {
                set.0
            }
        }

        impl std::fmt::Debug for $set {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut names = f.debug_set();
                $(if self.contains(Self::$flag) {
                    names.entry(&format_args!("{}", stringify!($flag)));
                })*
                names.finish()
            }
        }

        impl TryFrom<u32> for $set {
            type Error = $crate::Errno;
            /// Refuses flags that do not exist.
            fn try_from(bits: u32) -> Result<Self, $crate::Errno> {
                let bits = <$bits>::try_from(bits).map_err(|_| $crate::Errno::Inval)?;
                if bits & !Self::ALL.0 == 0 { Ok(Self(bits)) } else { Err($crate::Errno::Inval) }
            }
        }
    };
}

flags! {
    /// How an open descriptor behaves.
    pub(crate) Fdflags: u16 {
        APPEND = 1, "Every write goes to the end.";
        DSYNC = 2, "Data is on the disk when a write returns.";
        NONBLOCK = 4, "Nothing waits.";
        RSYNC = 8, "What is read is on the disk.";
        SYNC = 16, "Data and metadata are on the disk when a write returns.";
    }
}

impl Fdflags {
    /// The flags that are fixed when a file is opened.
    pub(crate) const SYNCHRONOUS: Self = Self::DSYNC.union(Self::RSYNC).union(Self::SYNC);
}

flags! {
    /// How a path is opened.
    pub(crate) Oflags: u16 {
        CREAT = 1, "Create the file if it is not there.";
        DIRECTORY = 2, "Fail if it is not a directory.";
        EXCL = 4, "Fail if it is there already.";
        TRUNC = 8, "Make it empty.";
    }
}

flags! {
    /// How the last component of a path is looked up.
    pub(crate) Lookupflags: u32 {
        SYMLINK_FOLLOW = 1, "Follow it if it is a symbolic link.";
    }
}

flags! {
    /// Which times to set, and to what.
    pub(crate) Fstflags: u16 {
        ATIM = 1, "Set the time of the last access.";
        ATIM_NOW = 2, "Set it to now.";
        MTIM = 4, "Set the time of the last change.";
        MTIM_NOW = 8, "Set it to now.";
    }
}

flags! {
    /// How a timeout is meant.
    pub(crate) Subclockflags: u16 {
        ABSTIME = 1, "A point in time, not a duration.";
    }
}

flags! {
    /// What a readiness event adds.
    pub(crate) Eventrwflags: u16 {
        HANGUP = 1, "The other side is gone.";
    }
}

flags! {
    /// How to receive.
    pub(crate) Riflags: u16 {
        PEEK = 1, "Leave the data in the queue.";
        WAITALL = 2, "Wait until the buffer is full.";
    }
}

flags! {
    /// Which directions of a socket to shut down.
    pub(crate) Sdflags: u8 {
        RD = 1, "No more receiving.";
        WR = 2, "No more sending.";
    }
}

pub(crate) use flags;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_flags_are_refused() {
        assert_eq!(Oflags::try_from(9), Ok(Oflags::CREAT | Oflags::TRUNC));
        assert_eq!(Oflags::try_from(16), Err(crate::Errno::Inval));
        assert_eq!(Oflags::try_from(0x1_0001), Err(crate::Errno::Inval));
        assert_eq!(Sdflags::try_from(3), Ok(Sdflags::ALL));
        assert_eq!(format!("{:?}", Fdflags::APPEND | Fdflags::SYNC), "{APPEND, SYNC}");
    }
}
