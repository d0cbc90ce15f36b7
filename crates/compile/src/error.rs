//! Why a function was not compiled.

use std::fmt;

/// Why a function was not compiled.
#[derive(Debug)]
pub struct CompileError(Box<CompileErrorKind>);

/// The kinds of [`CompileError`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CompileErrorKind {
    /// The body is not valid.
    Invalid {
        /// What is wrong.
        message: String,
        /// Where, in bytes from the start of the module.
        offset: usize,
    },
    /// This compiler cannot do something that the body uses.
    Unsupported {
        /// What.
        what: String,
        /// Where, in bytes from the start of the module.
        offset: usize,
    },
    /// The function exceeds a limit of the compiler.
    TooLarge {
        /// Which limit.
        limit: &'static str,
    },
    /// Compiling takes longer than it may.
    TooLong {
        /// What it was doing.
        phase: &'static str,
    },
    /// There is no room for the code.
    NoRoom {
        /// What was wanted and what there is.
        message: String,
    },
    /// The compiler failed on its own account.
    Internal {
        /// What it said.
        message: String,
    },
}

impl CompileError {
    /// What kind of error it is.
    pub fn kind(&self) -> &CompileErrorKind {
        &self.0
    }
}

impl From<CompileErrorKind> for CompileError {
    #[cold]
    fn from(kind: CompileErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

impl From<tierup_wasm::Error> for CompileError {
    /// A body that is malformed or invalid.
    #[cold]
    fn from(error: tierup_wasm::Error) -> Self {
        let message = error.message().to_owned();
        CompileErrorKind::Invalid { message, offset: error.offset() }.into()
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            CompileErrorKind::Invalid { message, offset } => {
                write!(f, "invalid function body: {message} (at offset 0x{offset:x})")
            }
            CompileErrorKind::Unsupported { what, offset } => {
                write!(f, "{what} is not supported (at offset 0x{offset:x})")
            }
            CompileErrorKind::TooLarge { limit } => write!(f, "the function exceeds {limit}"),
            CompileErrorKind::TooLong { phase } => {
                write!(f, "compiling takes longer than it may (stopped at {phase})")
            }
            CompileErrorKind::NoRoom { message } => f.write_str(message),
            CompileErrorKind::Internal { message } => write!(f, "compiler failure: {message}"),
        }
    }
}

impl std::error::Error for CompileError {}
