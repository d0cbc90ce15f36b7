//! What can go wrong, as one pointer-sized error.
#![forbid(unsafe_code)]

use std::fmt;

use tierup_wasm::ExternType;

use crate::Trap;

/// What went wrong.
pub struct Error(Box<ErrorKind>);

const _: () = assert!(size_of::<Error>() == size_of::<usize>());

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The module is malformed or invalid.
    Module(tierup_wasm::Error),
    /// Text that was to be a module is not one.
    Text(String),
    /// Wasm code trapped.
    Trap(Trap),
    /// Imports that nobody provides.
    MissingImports(Vec<MissingImport>),
    /// An import is provided with the wrong type.
    ImportType {
        /// First name of the import.
        module: String,
        /// Second name of the import.
        name: String,
        /// Type that the module wants.
        expected: ExternType,
        /// Type that it was given.
        found: ExternType,
    },
    /// The number of items given for a module's imports is wrong.
    ImportCount {
        /// How many the module has.
        wanted: usize,
        /// How many were given.
        found: usize,
    },
    /// There is no such export.
    NoExport {
        /// Its name.
        name: String,
        /// What it should be: `"function"`, `"memory"` ...
        wanted: &'static str,
    },
    /// A function was called or asked for with other types than it has.
    FunctionType {
        /// What was asked for.
        expected: String,
        /// What the function has.
        found: String,
    },
    /// A value has another type than the place that it was meant for.
    ValueType {
        /// Type of the place.
        expected: tierup_wasm::ValType,
        /// What was given.
        found: tierup_wasm::ValType,
    },
    /// A global that may not change.
    ImmutableGlobal,
    /// An index outside a table, memory or similar.
    OutOfBounds(&'static str),
    /// A handle was used with a store that it does not belong to, or its object is gone.
    StaleHandle(&'static str),
    /// Objects of two engines were mixed.
    OtherEngine,
    /// A limit of the engine or of a type forbids it.
    Limit {
        /// What is limited.
        what: &'static str,
        /// How much was wanted.
        wanted: u64,
        /// How much is allowed.
        allowed: u64,
    },
    /// The store's limiter forbids it.
    Denied {
        /// What it was asked about.
        what: &'static str,
        /// How much was wanted.
        wanted: u64,
    },
    /// The process has no memory for something.
    OutOfMemory {
        /// For what.
        what: &'static str,
        /// How much was wanted.
        wanted: u64,
    },
    /// A name was defined twice in a linker.
    DuplicateDefinition {
        /// First name.
        module: String,
        /// Second name.
        name: String,
    },
    /// More function types than there are numbers for them.
    TooManyTypes,
    /// The code manager could not do something.
    Code(codespace::Error),
    /// The system gave no memory.
    Memory(vmem::Error),
    /// A function could not be compiled.
    Compile {
        /// Which, by its index in the module.
        function: u32,
        /// Why.
        message: String,
    },
    /// This machine or this configuration cannot run the engine.
    Unsupported(String),
    /// Fuel was set or asked for in a store of an engine whose code takes none.
    FuelDisabled,
    /// The process is a forked child, which cannot run code of its parent's engine.
    ForkedChild,
    /// An error of the host.
    Host(Box<dyn std::error::Error + Send + Sync>),
}

/// An import that nobody provides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MissingImport {
    /// First name.
    pub module: String,
    /// Second name.
    pub name: String,
    /// What the module wants.
    pub ty: ExternType,
}

impl Error {
    /// What kind of error it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// The error, taken apart.
    pub fn into_kind(self) -> ErrorKind {
        *self.0
    }

    /// An error of the host, to be found again by [`Error::downcast_ref`].
    #[cold]
    pub fn host(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        ErrorKind::Host(error.into()).into()
    }

    /// The trap, if it is one.
    pub fn trap(&self) -> Option<&Trap> {
        match self.kind() {
            ErrorKind::Trap(trap) => Some(trap),
            _ => None,
        }
    }

    /// The host's error of type `E`, if it is one.
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self.kind() {
            ErrorKind::Host(error) => error.downcast_ref(),
            _ => None,
        }
    }
}

impl<K: Into<ErrorKind>> From<K> for Error {
    #[cold]
    fn from(kind: K) -> Self {
        Self(Box::new(kind.into()))
    }
}

macro_rules! from_error {
    ($($ty:ty => $kind:ident;)*) => {$(
        impl From<$ty> for ErrorKind {
            fn from(error: $ty) -> Self {
                Self::$kind(error)
            }
        }
    )*};
}

from_error! {
    tierup_wasm::Error => Module;
    codespace::Error => Code;
    vmem::Error => Memory;
    Trap => Trap;
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `unwrap` and `main` show this form; it is meant to be read by people.
        self.kind().fmt(f)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(error) => error.fmt(f),
            Self::Text(message) => f.write_str(message),
            Self::Trap(trap) => trap.fmt(f),
            Self::MissingImports(missing) => write_missing(f, missing),
            Self::ImportType { module, name, expected, found } => write!(
                f,
                "incompatible import type for `{module}` `{name}`: expected {expected}, found {found}"
            ),
            Self::ImportCount { wanted, found } => {
                write!(f, "the module has {wanted} imports, and {found} items were given")
            }
            Self::NoExport { name, wanted } => write!(f, "no exported {wanted} `{name}`"),
            Self::FunctionType { expected, found } => {
                write!(f, "function type mismatch: expected {expected}, found {found}")
            }
            Self::ValueType { expected, found } => {
                write!(f, "value type mismatch: expected {expected}, found {found}")
            }
            Self::ImmutableGlobal => f.write_str("the global is immutable"),
            Self::OutOfBounds(what) => write!(f, "out of bounds {what} access"),
            Self::StaleHandle(what) => {
                write!(f, "the {what} belongs to another store, or was reclaimed")
            }
            Self::OtherEngine => f.write_str("the objects belong to different engines"),
            Self::Limit { what, wanted, allowed } => {
                write!(f, "limit of {what} exceeded: {wanted} wanted, {allowed} allowed")
            }
            Self::Denied { what, wanted } => {
                write!(f, "the host's limits do not allow {wanted} {what}")
            }
            Self::OutOfMemory { what, wanted } => write!(f, "no memory for {wanted} {what}"),
            Self::DuplicateDefinition { module, name } => {
                write!(f, "`{module}` `{name}` is defined already")
            }
            Self::TooManyTypes => f.write_str("too many function types"),
            Self::Code(error) => error.fmt(f),
            Self::Memory(error) => error.fmt(f),
            Self::Compile { function, message } => {
                write!(f, "function {function} could not be compiled: {message}")
            }
            Self::Unsupported(what) => f.write_str(what),
            Self::FuelDisabled => {
                f.write_str("code takes no fuel unless the engine is configured so")
            }
            Self::ForkedChild => f.write_str("this process is a fork of the one with the engine"),
            Self::Host(error) => error.fmt(f),
        }
    }
}

fn write_missing(f: &mut fmt::Formatter<'_>, missing: &[MissingImport]) -> fmt::Result {
    match missing.len() {
        1 => f.write_str("unknown import:")?,
        count => write!(f, "{count} unknown imports:")?,
    }
    for MissingImport { module, name, ty } in missing {
        write!(f, "\n  `{module}` `{name}`: {ty}")?;
    }
    Ok(())
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Host(error) => Some(&**error),
            _ => None,
        }
    }
}
