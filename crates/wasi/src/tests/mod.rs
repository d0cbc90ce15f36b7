//! Tests of the functions, called as programs call them: through the table, with numbers.

mod streams;
mod strings;
mod files;
mod directories;
mod paths;
mod opening;
mod escape;
mod rights;
mod renumber;
mod poll;
mod wild;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    Errno, Exit, PathResolution, Preopen, Rights, WasiBuilder, WasiContext,
    functions::{FUNCTIONS, Function, Stop},
    memory::GuestMemory,
};

/// A directory for one test, removed when it is dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("tierup-wasi-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match std::fs::create_dir(&path) {
                // Left by a process of the same number, which was killed.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                made => {
                    made.unwrap();
                    return Self(path);
                }
            }
        }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    pub(crate) fn directory(&self, below: &str) -> &Self {
        std::fs::create_dir_all(self.path(below)).unwrap();
        self
    }

    pub(crate) fn file(&self, below: &str, contents: &str) -> &Self {
        std::fs::write(self.path(below), contents).unwrap();
        self
    }

    pub(crate) fn link(&self, below: &str, target: impl AsRef<Path>) -> &Self {
        std::os::unix::fs::symlink(target, self.path(below)).unwrap();
        self
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Handles of this process to files in `scratch`, which no other test opens files in.
pub(crate) fn host_handles(scratch: &Scratch) -> usize {
    let links = std::fs::read_dir("/proc/self/fd").unwrap();
    links
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter(|target| target.starts_with(scratch.path("")))
        .count()
}

/// Both ways of resolving paths.
const BOTH: [PathResolution; 2] = [PathResolution::Auto, PathResolution::Walk];

/// Size of a test program's memory.
const MEMORY: usize = 1 << 16;

/// Where results go.
const RESULT: u32 = 16;

/// A program: a context and memory. Arguments in memory are written one after the other.
struct Program {
    context: WasiContext,
    memory: Vec<u8>,
    top: u32,
}

/// The first directory that is open from the start.
const ROOT: u32 = 3;

impl Program {
    fn new(builder: WasiBuilder) -> Self {
        Self { context: builder.build().unwrap(), memory: vec![0; MEMORY], top: 1024 }
    }

    /// With all rights to a directory.
    fn at(scratch: &Scratch) -> Self {
        Self::new(WasiContext::builder().preopen(Preopen::new(&scratch.0, "/")))
    }

    /// Likewise, with paths resolved in that way.
    fn resolving(scratch: &Scratch, resolution: PathResolution) -> Self {
        let builder = WasiContext::builder().path_resolution(resolution);
        Self::new(builder.preopen(Preopen::new(&scratch.0, "/")))
    }

    fn call(&mut self, name: &str, arguments: &[u64]) -> Result<(), Errno> {
        match self.call_to_stop(name, arguments) {
            Ok(()) => Ok(()),
            Err(Stop::Errno(errno)) => Err(errno),
            Err(Stop::Exit(exit)) => panic!("{exit}"),
        }
    }

    fn call_to_stop(&mut self, name: &str, arguments: &[u64]) -> Result<(), Stop> {
        let function = function(name);
        assert_eq!(function.parameters.len(), arguments.len(), "{name}");
        let mut memory = GuestMemory::new(&mut self.memory);
        (function.call)(&mut self.context, &mut memory, arguments)
    }

    /// Puts bytes somewhere; gives address and length.
    fn put(&mut self, bytes: &[u8]) -> [u64; 2] {
        if self.top as usize + bytes.len() > MEMORY {
            self.top = 1024;
        }
        let start = self.top as usize;
        self.memory[start..start + bytes.len()].copy_from_slice(bytes);
        self.top += (bytes.len() as u32).next_multiple_of(8);
        [start as u64, bytes.len() as u64]
    }

    /// Puts a list of buffers somewhere; gives address and count.
    fn put_buffers(&mut self, buffers: &[[u64; 2]]) -> [u64; 2] {
        let bytes: Vec<u8> =
            buffers.iter().flatten().flat_map(|&number| (number as u32).to_le_bytes()).collect();
        [self.put(&bytes)[0], buffers.len() as u64]
    }

    fn u32(&self, at: u64) -> u32 {
        u32::from_le_bytes(self.memory[at as usize..][..4].try_into().unwrap())
    }

    fn u64(&self, at: u64) -> u64 {
        u64::from_le_bytes(self.memory[at as usize..][..8].try_into().unwrap())
    }

    fn result(&self) -> u32 {
        self.u32(RESULT.into())
    }

    fn open(&mut self, directory: u32, path: &str, how: How) -> Result<u32, Errno> {
        let [path, length] = self.put(path.as_bytes());
        let (base, inheriting) = (how.base.bits(), how.inheriting.bits());
        let head = [directory.into(), how.lookup, path, length, how.oflags];
        let tail = [base, inheriting, how.fdflags, RESULT.into()];
        self.call("path_open", &[&head[..], &tail].concat())?;
        Ok(self.result())
    }

    fn create(&mut self, path: &str) -> u32 {
        self.open(ROOT, path, How { oflags: CREAT, ..FILE }).unwrap()
    }

    fn close(&mut self, fd: u32) {
        self.call("fd_close", &[fd.into()]).unwrap();
    }

    fn write(&mut self, fd: u32, bytes: &[u8]) -> Result<u32, Errno> {
        let buffer = self.put(bytes);
        let [list, count] = self.put_buffers(&[buffer]);
        self.call("fd_write", &[fd.into(), list, count, RESULT.into()])?;
        Ok(self.result())
    }

    fn read(&mut self, fd: u32, length: usize) -> Result<Vec<u8>, Errno> {
        let buffer = self.put(&vec![0; length]);
        let [list, count] = self.put_buffers(&[buffer]);
        self.call("fd_read", &[fd.into(), list, count, RESULT.into()])?;
        Ok(self.memory[buffer[0] as usize..][..self.result() as usize].to_vec())
    }

    fn seek(&mut self, fd: u32, offset: i64, whence: u64) -> Result<u64, Errno> {
        self.call("fd_seek", &[fd.into(), offset as u64, whence, RESULT.into()])?;
        Ok(self.u64(RESULT.into()))
    }

    fn fdstat(&mut self, fd: u32) -> Result<Stat, Errno> {
        self.call("fd_fdstat_get", &[fd.into(), 64])?;
        let flags = u64::from(self.u32(64) >> 16);
        let (base, inheriting) = (self.u64(72), self.u64(80));
        Ok(Stat {
            filetype: self.memory[64],
            flags,
            base: Rights::truncated(base),
            inheriting: Rights::truncated(inheriting),
        })
    }

    /// Type, size and inode.
    fn filestat(&mut self, fd: u32) -> Result<(u8, u64, u64), Errno> {
        self.call("fd_filestat_get", &[fd.into(), 64])?;
        Ok((self.memory[80], self.u64(96), self.u64(72)))
    }

    fn path_filestat(&mut self, path: &str, lookup: u64) -> Result<(u8, u64, u64), Errno> {
        let [path, length] = self.put(path.as_bytes());
        self.call("path_filestat_get", &[ROOT.into(), lookup, path, length, 64])?;
        Ok((self.memory[80], self.u64(96), self.u64(72)))
    }

    /// A function that takes a descriptor and one path.
    fn on_path(&mut self, name: &str, path: &str) -> Result<(), Errno> {
        let [path, length] = self.put(path.as_bytes());
        self.call(name, &[ROOT.into(), path, length])
    }

    fn rename(&mut self, (old_fd, old): (u32, &str), (new_fd, new): (u32, &str)) -> Call {
        let ([old, old_length], [new, new_length]) =
            (self.put(old.as_bytes()), self.put(new.as_bytes()));
        let arguments = [old_fd.into(), old, old_length, new_fd.into(), new, new_length];
        self.call("path_rename", &arguments)
    }

    fn link(&mut self, (old_fd, old): (u32, &str), (new_fd, new): (u32, &str)) -> Call {
        let ([old, old_length], [new, new_length]) =
            (self.put(old.as_bytes()), self.put(new.as_bytes()));
        let arguments = [old_fd.into(), 0, old, old_length, new_fd.into(), new, new_length];
        self.call("path_link", &arguments)
    }

    fn symlink(&mut self, target: &str, path: &str) -> Result<(), Errno> {
        let ([target, target_length], [path, length]) =
            (self.put(target.as_bytes()), self.put(path.as_bytes()));
        self.call("path_symlink", &[target, target_length, ROOT.into(), path, length])
    }

    fn readlink(&mut self, path: &str, room: usize) -> Result<Vec<u8>, Errno> {
        let ([path, length], [buffer, size]) =
            (self.put(path.as_bytes()), self.put(&vec![0xee; room]));
        let arguments = [ROOT.into(), path, length, buffer, size, RESULT.into()];
        self.call("path_readlink", &arguments)?;
        let used = self.result() as usize;
        let bytes = &self.memory[buffer as usize..][..room];
        assert!(bytes[used..].iter().all(|&byte| byte == 0xee));
        Ok(bytes[..used].to_vec())
    }
}

type Call = Result<(), Errno>;

struct Stat {
    filetype: u8,
    flags: u64,
    base: Rights,
    inheriting: Rights,
}

/// How to open a file.
#[derive(Clone, Copy)]
struct How {
    lookup: u64,
    oflags: u64,
    base: Rights,
    inheriting: Rights,
    fdflags: u64,
}

/// To read and write.
const FILE: How =
    How { lookup: FOLLOW, oflags: 0, base: Rights::FILE, inheriting: Rights::NONE, fdflags: 0 };

/// To read.
const READ: How = How { base: Rights::FD_READ, ..FILE };

/// As a directory, with all rights.
const DIRECTORY: How = How { oflags: 2, base: Rights::DIRECTORY, inheriting: Rights::ALL, ..FILE };

const FOLLOW: u64 = 1;
const CREAT: u64 = 1;
const EXCL: u64 = 4;
const TRUNC: u64 = 8;

fn function(name: &str) -> &'static Function {
    FUNCTIONS.iter().find(|function| function.name == name).unwrap()
}

#[test]
fn there_are_46_functions_in_the_right_order_of_parameters() {
    let signatures: BTreeMap<_, _> =
        FUNCTIONS.iter().map(|function| (function.name, function.parameters)).collect();
    assert_eq!(signatures.len(), 46);
    assert_eq!(FUNCTIONS.len(), 46);
    let signature = |name: &str| {
        let parameters = signatures[name].iter();
        parameters.map(|core| if format!("{core:?}") == "I32" { 'i' } else { 'l' }).collect()
    };
    let known: [(&str, &str); 14] = [
        ("args_get", "ii"),
        ("clock_time_get", "ili"),
        ("fd_advise", "illi"),
        ("fd_filestat_set_times", "illi"),
        ("fd_pread", "iiili"),
        ("fd_readdir", "iiili"),
        ("fd_seek", "ilii"),
        ("path_filestat_set_times", "iiiilli"),
        ("path_link", "iiiiiii"),
        ("path_open", "iiiiillii"),
        ("path_readlink", "iiiiii"),
        ("poll_oneoff", "iiii"),
        ("proc_exit", "i"),
        ("sock_recv", "iiiiii"),
    ];
    for (name, expected) in known {
        let found: String = signature(name);
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn proc_exit_stops_the_program_with_its_code() {
    let mut program = Program::new(WasiContext::builder());
    for code in [0, 1, 42, u32::MAX] {
        let stop = program.call_to_stop("proc_exit", &[code.into()]);
        assert_eq!(stop, Err(Stop::Exit(Exit::new(code))));
    }
    assert_eq!(Exit::new(3).to_string(), "exited with code 3");
}

#[test]
fn no_signal_reaches_the_host() {
    let mut program = Program::new(WasiContext::builder());
    assert_eq!(program.call("proc_raise", &[0]), Ok(()));
    assert_eq!(program.call("proc_raise", &[9]), Err(Errno::Notsup));
    assert_eq!(program.call("proc_raise", &[31]), Err(Errno::Inval));
    assert_eq!(program.call("sched_yield", &[]), Ok(()));
}
