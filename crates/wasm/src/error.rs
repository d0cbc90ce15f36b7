//! Why a module was refused, and where.
#![forbid(unsafe_code)]

use std::fmt;

/// A module that is malformed, invalid, or uses what this engine does not have.
///
/// ```
/// let error = tierup_wasm::Module::decode(b"\0asm".to_vec().into()).unwrap_err();
/// assert_eq!(error.to_string(), "unexpected end-of-file (at offset 0x4)");
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    message: String,
    offset: usize,
}

const _: () = assert!(size_of::<Error>() == size_of::<usize>());

impl Error {
    #[cold]
    pub(crate) fn new(message: impl Into<String>, offset: usize) -> Self {
        Self(Box::new(Inner { message: message.into(), offset }))
    }

    /// What is wrong, without the position.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in the binary, in bytes from its start.
    pub fn offset(&self) -> usize {
        self.0.offset
    }
}

impl From<wasmparser::Error> for Error {
    #[cold]
    fn from(error: wasmparser::Error) -> Self {
        Self::new(error.message(), error.offset() as usize)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at offset {:#x})", self.0.message, self.0.offset)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {}
