//! What can go wrong, as values that say what was wanted.
#![forbid(unsafe_code)]

use std::{fmt, io, ops::Range};

use crate::FaultKind;

/// Result of this crate's operations.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation failed. As large as a pointer.
pub struct Error(Box<ErrorKind>);

const _: () = assert!(size_of::<Error>() == size_of::<usize>());

/// The reason inside an [`Error`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The system refused.
    System {
        /// Name of the system call.
        call: &'static str,
        /// Bytes that it was about.
        wanted: usize,
        /// The system's error number.
        errno: i32,
    },
    /// A [`FaultPlan`](crate::FaultPlan) wanted this call to fail.
    Fault {
        /// What was about to be done.
        kind: FaultKind,
    },
    /// The range is not inside the memory that was asked.
    OutOfRange {
        /// The range.
        wanted: Range<usize>,
        /// What it has to be inside of.
        valid: Range<usize>,
    },
    /// The range does not start and end at a multiple of the unit.
    Misaligned {
        /// The range.
        wanted: Range<usize>,
        /// The unit in bytes.
        unit: usize,
    },
    /// A size or alignment that no reservation can have.
    BadRequest {
        /// Bytes wanted.
        bytes: usize,
        /// Alignment wanted.
        align: usize,
    },
    /// Part of the range is committed already.
    AlreadyCommitted {
        /// The range.
        wanted: Range<usize>,
    },
    /// Part of the range is not committed.
    NotCommitted {
        /// The range.
        wanted: Range<usize>,
    },
    /// A write scope, commit or decommit is going on in part of the range.
    Busy {
        /// The range.
        wanted: Range<usize>,
    },
    /// The heap has no room for the buffer of a write scope.
    OutOfHeap {
        /// Bytes wanted.
        wanted: usize,
    },
    /// Code cannot be protected by keys here.
    NoProtectionKeys {
        /// Why not.
        reason: &'static str,
    },
    /// The memory belongs to the process that this one was forked from.
    ForkedChild,
}

impl Error {
    /// The reason.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }
}

impl From<ErrorKind> for Error {
    #[cold]
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ErrorKind::System { call, wanted, errno } => {
                write!(f, "{call} of {wanted} bytes: {}", io::Error::from_raw_os_error(*errno))
            }
            ErrorKind::Fault { kind } => write!(f, "planned fault: {kind:?}"),
            ErrorKind::OutOfRange { wanted, valid } => {
                write!(f, "range {wanted:#x?} is not inside {valid:#x?}")
            }
            ErrorKind::Misaligned { wanted, unit } => {
                write!(f, "range {wanted:#x?} is not made of units of {unit} bytes")
            }
            ErrorKind::BadRequest { bytes, align } => {
                write!(f, "cannot reserve {bytes} bytes with alignment {align}")
            }
            ErrorKind::AlreadyCommitted { wanted } => {
                write!(f, "part of {wanted:#x?} is committed already")
            }
            ErrorKind::NotCommitted { wanted } => {
                write!(f, "part of {wanted:#x?} is not committed")
            }
            ErrorKind::Busy { wanted } => write!(f, "part of {wanted:#x?} is in use"),
            ErrorKind::OutOfHeap { wanted } => {
                write!(f, "no heap memory for a buffer of {wanted} bytes")
            }
            ErrorKind::NoProtectionKeys { reason } => write!(f, "no protection keys: {reason}"),
            ErrorKind::ForkedChild => f.write_str("code memory does not survive a fork"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_was_wanted() {
        let text = |kind: ErrorKind| Error::from(kind).to_string();
        let system = ErrorKind::System { call: "mmap", wanted: 4096, errno: 12 };
        assert_eq!(text(system), "mmap of 4096 bytes: Cannot allocate memory (os error 12)");
        assert_eq!(
            text(ErrorKind::OutOfRange { wanted: 0..16, valid: 32..64 }),
            "range 0x0..0x10 is not inside 0x20..0x40"
        );
        let fault = ErrorKind::Fault { kind: FaultKind::Write };
        assert_eq!(text(fault), "planned fault: Write");
    }
}
