//! Putting a [`WasiContext`] together.

use std::{
    ffi::OsStr,
    fmt,
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags, open};

use crate::{
    Errno, OutputBuffer, WasiContext,
    buffer::InputBuffer,
    clocks::{Clocks, HostClocks},
    context::Strings,
    descriptor::{Descriptor, Directory, Object},
    file::HostFile,
    flags::Fdflags,
    random::{HostRandom, RandomSource},
    resolve::{PathResolution, Resolver},
    rights::Rights,
    table::Table,
};

/// Where a program's standard input comes from.
#[derive(Debug, Default)]
pub enum Stdin {
    /// There is none: it ends at once.
    #[default]
    Null,
    /// The host's own.
    Inherit,
    /// These bytes.
    Buffer(Vec<u8>),
    /// A file, pipe or socket.
    File(OwnedFd),
}

/// Where a program's standard output or error goes.
#[derive(Debug, Default)]
pub enum Stdout {
    /// Nowhere.
    #[default]
    Null,
    /// The host's own.
    Inherit,
    /// To memory.
    Buffer(OutputBuffer),
    /// A file, pipe or socket.
    File(OwnedFd),
}

/// A directory that a program has from the start.
#[derive(Clone, Debug)]
pub struct Preopen {
    host: PathBuf,
    guest: Vec<u8>,
    base: Rights,
    inheriting: Rights,
}

impl Preopen {
    /// The directory `host`, under the name `guest`, with all rights.
    #[must_use]
    pub fn new(host: impl Into<PathBuf>, guest: impl Into<Vec<u8>>) -> Self {
        let (host, guest) = (host.into(), guest.into());
        Self { host, guest, base: Rights::DIRECTORY, inheriting: Rights::ALL }
    }

    /// From `HOST` or `HOST::GUEST`, as command lines have it.
    #[must_use]
    pub fn from_argument(argument: impl AsRef<OsStr>) -> Self {
        let bytes = argument.as_ref().as_bytes();
        let colons = bytes.windows(2).position(|pair| pair == b"::");
        let (host, guest) = colons.map_or((bytes, bytes), |at| (&bytes[..at], &bytes[at + 2..]));
        Self::new(OsStr::from_bytes(host), guest)
    }

    /// Nothing beneath it can be changed.
    #[must_use]
    pub fn read_only(self) -> Self {
        self.rights(Rights::READ_ONLY, Rights::READ_ONLY)
    }

    /// Only what `base` has works on it, and only what `inheriting` has on what is opened through
    /// it. Rights that it does not have are not added.
    #[must_use]
    pub fn rights(mut self, base: Rights, inheriting: Rights) -> Self {
        self.base = self.base & base;
        self.inheriting = self.inheriting & inheriting;
        self
    }

    fn open(self) -> Result<Descriptor, BuildError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = open(&self.host, flags, Mode::empty())
            .map_err(|errno| BuildError::directory(&self.host, errno.into()))?;
        if u32::try_from(self.guest.len()).is_err() || self.guest.contains(&0) {
            return Err(BuildError::directory(&self.host, Errno::Inval));
        }
        let directory = Directory { fd, preopen: Some(self.guest) };
        Ok(Descriptor {
            object: Object::Directory(directory),
            base: self.base,
            inheriting: self.inheriting,
            flags: Fdflags::default(),
        })
    }
}

/// Puts a [`WasiContext`] together. Mistakes are reported by [`build`](Self::build).
pub struct WasiBuilder {
    argv0: Option<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
    environment: Vec<(Vec<u8>, Vec<u8>)>,
    stdin: Stdin,
    stdout: Stdout,
    stderr: Stdout,
    preopens: Vec<Preopen>,
    descriptor_limit: u32,
    clocks: Box<dyn Clocks>,
    random: Box<dyn RandomSource>,
    resolution: PathResolution,
}

impl WasiBuilder {
    /// Descriptors that a program can have open, unless
    /// [`descriptor_limit`](Self::descriptor_limit) says otherwise.
    pub const DEFAULT_DESCRIPTOR_LIMIT: u32 = 4096;

    pub(crate) fn new() -> Self {
        Self {
            argv0: None,
            arguments: Vec::new(),
            environment: Vec::new(),
            stdin: Stdin::Null,
            stdout: Stdout::Null,
            stderr: Stdout::Null,
            preopens: Vec::new(),
            descriptor_limit: Self::DEFAULT_DESCRIPTOR_LIMIT,
            clocks: Box::new(HostClocks),
            random: Box::new(HostRandom),
            resolution: PathResolution::Auto,
        }
    }

    /// The name by which the program is called: its first argument.
    #[must_use]
    pub fn argv0(mut self, name: impl Into<Vec<u8>>) -> Self {
        self.argv0 = Some(name.into());
        self
    }

    /// Adds an argument. Without [`argv0`](Self::argv0), the first is the program's name.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<Vec<u8>>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        let name = name.into();
        self.environment.retain(|(other, _)| *other != name);
        self.environment.push((name, value.into()));
        self
    }

    /// Sets all variables that the host process has.
    #[must_use]
    pub fn inherit_env(self) -> Self {
        std::env::vars_os().fold(self, |builder, (name, value)| {
            builder.env(name.into_encoded_bytes(), value.into_encoded_bytes())
        })
    }

    /// Sets standard input.
    #[must_use]
    pub fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    /// Sets standard output.
    #[must_use]
    pub fn stdout(mut self, stdout: Stdout) -> Self {
        self.stdout = stdout;
        self
    }

    /// Sets standard error.
    #[must_use]
    pub fn stderr(mut self, stderr: Stdout) -> Self {
        self.stderr = stderr;
        self
    }

    /// Lets the program use all three standard streams of the host process.
    #[must_use]
    pub fn inherit_stdio(self) -> Self {
        self.stdin(Stdin::Inherit).stdout(Stdout::Inherit).stderr(Stdout::Inherit)
    }

    /// Lets the program use a directory. It gets the numbers from 3 on, in the order of calls.
    #[must_use]
    pub fn preopen(mut self, preopen: Preopen) -> Self {
        self.preopens.push(preopen);
        self
    }

    /// Limits how many descriptors can be open at once, streams and directories included.
    #[must_use]
    pub fn descriptor_limit(mut self, limit: u32) -> Self {
        self.descriptor_limit = limit;
        self
    }

    /// Replaces the host's clocks.
    #[must_use]
    pub fn clocks(mut self, clocks: impl Clocks + 'static) -> Self {
        self.clocks = Box::new(clocks);
        self
    }

    /// Replaces the host's source of random bytes.
    #[must_use]
    pub fn random(mut self, random: impl RandomSource + 'static) -> Self {
        self.random = Box::new(random);
        self
    }

    /// Chooses how paths are resolved. For tests.
    #[must_use]
    pub fn path_resolution(mut self, resolution: PathResolution) -> Self {
        self.resolution = resolution;
        self
    }

    /// Opens everything and makes the context.
    ///
    /// # Errors
    ///
    /// If a string cannot be passed to a program, or something cannot be opened.
    pub fn build(self) -> Result<WasiContext, BuildError> {
        let mut arguments = Strings::default();
        for argument in self.argv0.iter().chain(&self.arguments) {
            arguments.push(argument).map_err(|_| BuildError::Argument(lossy(argument)))?;
        }
        let mut table = Table::new(self.descriptor_limit);
        let streams = [
            self.stdin.open(),
            self.stdout.open(rustix::stdio::stdout()),
            self.stderr.open(rustix::stdio::stderr()),
        ];
        for stream in streams {
            table.insert(stream.map_err(BuildError::Stream)?).map_err(BuildError::Stream)?;
        }
        for preopen in self.preopens {
            let host = preopen.host.clone();
            let descriptor = preopen.open()?;
            table.insert(descriptor).map_err(|errno| BuildError::directory(&host, errno))?;
        }
        Ok(WasiContext {
            arguments,
            environment: environment(&self.environment)?,
            table,
            clocks: self.clocks,
            random: self.random,
            resolver: Resolver::new(self.resolution),
        })
    }
}

impl fmt::Debug for WasiBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiBuilder")
            .field("arguments", &self.arguments)
            .field("preopens", &self.preopens)
            .finish_non_exhaustive()
    }
}

fn environment(variables: &[(Vec<u8>, Vec<u8>)]) -> Result<Strings, BuildError> {
    let mut strings = Strings::default();
    for (name, value) in variables {
        let bad = || BuildError::Variable(lossy(name));
        if name.is_empty() || name.contains(&b'=') {
            return Err(bad());
        }
        strings.push(&[name, &b"="[..], value].concat()).map_err(|_| bad())?;
    }
    Ok(strings)
}

impl Stdin {
    fn open(self) -> Result<Descriptor, Errno> {
        let object = match self {
            Self::Null => Object::Null,
            Self::Inherit => Object::File(HostFile::standard(rustix::stdio::stdin())?),
            Self::Buffer(bytes) => Object::Input(InputBuffer::new(bytes)),
            Self::File(fd) => Object::File(HostFile::given(fd)?),
        };
        Descriptor::stream(object, Rights::ALL - Rights::WRITING)
    }
}

impl Stdout {
    fn open(self, standard: BorrowedFd<'static>) -> Result<Descriptor, Errno> {
        let object = match self {
            Self::Null => Object::Null,
            Self::Inherit => Object::File(HostFile::standard(standard)?),
            Self::Buffer(buffer) => Object::Output(buffer),
            Self::File(fd) => Object::File(HostFile::given(fd)?),
        };
        Descriptor::stream(object, Rights::ALL - Rights::READING)
    }
}

/// Why a [`WasiContext`] could not be made.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// This argument has a NUL in it, or there are too many bytes of them.
    Argument(String),
    /// The variable of this name has a NUL in it, or the name is empty or has `=` in it.
    Variable(String),
    /// This directory cannot be used.
    Directory(PathBuf, Errno),
    /// A standard stream cannot be used.
    Stream(Errno),
}

impl BuildError {
    fn directory(host: &Path, errno: Errno) -> Self {
        Self::Directory(host.to_owned(), errno)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(argument) => write!(f, "argument {argument:?} cannot be passed on"),
            Self::Variable(name) => write!(f, "variable {name:?} cannot be passed on"),
            Self::Directory(host, errno) => {
                write!(f, "cannot open directory {}: {}", host.display(), errno.meaning())
            }
            Self::Stream(errno) => write!(f, "cannot use a standard stream: {}", errno.meaning()),
        }
    }
}

impl std::error::Error for BuildError {}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
