//! What can go wrong, as values. Running out of something is one of them.
#![forbid(unsafe_code)]

use std::{error, fmt, ops::Range};

/// Result of this crate's operations.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation failed. As large as a pointer.
pub struct Error(Box<ErrorKind>);

const _: () = assert!(size_of::<Error>() == size_of::<usize>());

/// The reason inside an [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The hard limit on committed code memory is reached.
    OutOfCodeMemory {
        /// Bytes that were wanted.
        wanted: usize,
        /// Bytes that the limit still allows.
        free: usize,
        /// The limit.
        limit: usize,
    },
    /// The hard limit of a tenant is reached.
    OutOfTenantMemory {
        /// Its name.
        tenant: String,
        /// Bytes that were wanted.
        wanted: usize,
        /// Bytes that it occupies.
        used: usize,
        /// The limit.
        limit: usize,
    },
    /// The limit on reserved address space is reached.
    OutOfAddressSpace {
        /// Bytes that were wanted.
        wanted: usize,
        /// Bytes that the limit still allows.
        free: usize,
    },
    /// One object, or the cells of one unit, are larger than an arena.
    TooLarge {
        /// Bytes that were wanted.
        wanted: usize,
        /// Bytes that an arena has.
        available: usize,
    },
    /// There are as many code objects as ids.
    TooManyObjects,
    /// A relocation's target is too far from its field.
    OutOfReach {
        /// Address of the field.
        field: usize,
        /// Address of the target.
        target: usize,
    },
    /// A relocation's field, its target or an entry of a side table is not part of the draft or
    /// unit.
    BadDraft {
        /// Offset of the field or entry.
        offset: u32,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Something placed for another unit.
    ForeignUnit,
    /// A unit for another manager's tenant.
    ForeignTenant,
    /// A range that is written, published or freed is not exactly one registered range.
    Unregistered {
        /// The range.
        range: Range<usize>,
    },
    /// A range to be registered overlaps one that is.
    Overlap {
        /// The range.
        range: Range<usize>,
    },
    /// A configuration that cannot work.
    BadConfig {
        /// What is wrong.
        reason: &'static str,
    },
    /// Address space or code memory failed.
    Memory(vmem::Error),
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

impl From<vmem::Error> for Error {
    #[cold]
    fn from(error: vmem::Error) -> Self {
        ErrorKind::Memory(error).into()
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
            ErrorKind::OutOfCodeMemory { wanted, free, limit } => {
                let used = limit.saturating_sub(*free);
                write!(
                    f,
                    "out of code memory: {wanted} bytes wanted, {used} used, the limit is {limit}"
                )
            }
            ErrorKind::OutOfTenantMemory { tenant, wanted, used, limit } => write!(
                f,
                "tenant `{tenant}` is out of code memory: {wanted} bytes wanted, {used} used, \
                 the limit is {limit}"
            ),
            ErrorKind::OutOfAddressSpace { wanted, free } => write!(
                f,
                "out of address space for code: {wanted} bytes wanted, {free} free under the limit"
            ),
            ErrorKind::TooLarge { wanted, available } => {
                write!(f, "{wanted} bytes do not fit in a code arena of {available} bytes")
            }
            ErrorKind::TooManyObjects => write!(f, "too many code objects"),
            ErrorKind::OutOfReach { field, target } => {
                write!(f, "{target:#x} is out of reach of a relocation at {field:#x}")
            }
            ErrorKind::BadDraft { offset, reason } => {
                write!(f, "bad draft at offset {offset:#x}: {reason}")
            }
            ErrorKind::ForeignTenant => write!(f, "the tenant is another code manager's"),
            ErrorKind::ForeignUnit => write!(f, "code was placed for another unit"),
            ErrorKind::Unregistered { range } => {
                write!(f, "{:#x}..{:#x} is not a registered range", range.start, range.end)
            }
            ErrorKind::Overlap { range } => {
                write!(f, "{:#x}..{:#x} overlaps a registered range", range.start, range.end)
            }
            ErrorKind::BadConfig { reason } => write!(f, "bad configuration: {reason}"),
            ErrorKind::Memory(error) => error.fmt(f),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Memory(error) => Some(error),
            _ => None,
        }
    }
}
